//! A tar, member by member, and no more of the format than the packer writes: an archive has
//! folders, links and files, long names as GNU writes them, and an end. Extended headers of POSIX
//! can name a member otherwise than its header does, and sparse files say sizes that they do not
//! have, so both are refused.

use std::io::{self, Read};

use tar::{EntryType, Header};

use super::limits::{LONGEST_PATH, LONGEST_TARGET, Problem, SnapshotError};

const BLOCK: usize = 512;

pub(super) struct Tape<R> {
    inner: R,
    /// How many members were read, for who looks for the broken one.
    pub(super) members: usize,
}

/// What a header tells; its contents come next.
pub(super) struct Member {
    pub(super) name: Vec<u8>,
    pub(super) kind: EntryType,
    /// Where a link leads; empty of all others.
    pub(super) target: Vec<u8>,
    pub(super) size: u64,
}

impl<R: Read> Tape<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, members: 0 }
    }

    /// The next member, whose contents must be read before the one after it; none at the end,
    /// behind which nothing may follow.
    pub(super) fn next(&mut self) -> Result<Option<Member>, SnapshotError> {
        let mut long_name = None;
        let mut long_target = None;
        loop {
            let mut block = [0; BLOCK];
            self.fill(&mut block, "the archive has no end")?;
            if block == [0; BLOCK] {
                if long_name.is_some() || long_target.is_some() {
                    return Err(self.broken("a long name has no member"));
                }
                self.end()?;
                return Ok(None);
            }
            let header = Header::from_byte_slice(&block);
            if header.cksum().ok() != Some(checksum(&block)) {
                return Err(self.broken("the checksum of a header is wrong"));
            }
            let size = header.entry_size().map_err(|error| self.failed(&error))?;
            let name = header.path_bytes().into_owned();
            match header.entry_type() {
                EntryType::GNULongName => {
                    self.long(&mut long_name, &name, size, LONGEST_PATH, Problem::Deep)?;
                }
                EntryType::GNULongLink => {
                    self.long(&mut long_target, &name, size, LONGEST_TARGET, Problem::Target)?;
                }
                kind => {
                    let target = header.link_name_bytes().unwrap_or_default().into_owned();
                    let one_name = extends(long_name.as_deref(), &name)
                        && extends(long_target.as_deref(), &target)
                        && (kind == EntryType::Symlink || long_target.is_none());
                    let (name, target) = (long_name.unwrap_or(name), long_target.unwrap_or(target));
                    if !one_name {
                        let member = shown(&name);
                        return Err(SnapshotError::Member { member, problem: Problem::TwoNames });
                    }
                    self.members += 1;
                    return Ok(Some(Member { name, kind, target, size }));
                }
            }
        }
    }

    /// What a file holds. Beyond a page, space is taken for what comes, not for what the header says.
    pub(super) fn contents(&mut self, member: &Member) -> Result<Vec<u8>, SnapshotError> {
        const PAGE: u16 = 4096;
        let page = u16::try_from(member.size).map_or(PAGE, |size| size.min(PAGE));
        let mut bytes = Vec::with_capacity(page.into());
        let mut held = self.inner.by_ref().take(member.size);
        let read = held.read_to_end(&mut bytes);
        read.map_err(|error| self.failed(&error))?;
        if bytes.len() as u64 != member.size {
            let member = shown(&member.name);
            return Err(SnapshotError::Member { member, problem: Problem::Short });
        }
        let mut rest = [0; BLOCK];
        let padding = bytes.len().next_multiple_of(BLOCK) - bytes.len();
        self.fill(&mut rest[..padding], "the archive ends in a member")?;
        Ok(bytes)
    }

    /// The contents of a header that only names the next member.
    fn long(
        &mut self,
        kept: &mut Option<Vec<u8>>,
        name: &[u8],
        size: u64,
        longest: usize,
        problem: Problem,
    ) -> Result<(), SnapshotError> {
        let refuse =
            |member: &[u8], problem| SnapshotError::Member { member: shown(member), problem };
        if kept.is_some() {
            return Err(refuse(name, Problem::TwoNames));
        }
        // With the zero at its end.
        if size > longest as u64 + 1 {
            return Err(refuse(name, problem));
        }
        let member =
            Member { name: name.to_vec(), kind: EntryType::Regular, target: Vec::new(), size };
        let mut bytes = self.contents(&member)?;
        if bytes.last() == Some(&0) {
            bytes.pop();
        }
        *kept = Some(bytes);
        Ok(())
    }

    /// A second block of zeros, and then zeros only: some programs write them up to a whole record.
    fn end(&mut self) -> Result<(), SnapshotError> {
        let mut block = [0; BLOCK];
        self.fill(&mut block, "the archive has no end")?;
        loop {
            if block != [0; BLOCK] {
                return Err(SnapshotError::Behind { what: "archive" });
            }
            let read = self.inner.read(&mut block).map_err(|error| self.failed(&error))?;
            if read == 0 {
                return Ok(());
            }
            block[read..].fill(0);
        }
    }

    fn fill(&mut self, block: &mut [u8], short: &str) -> Result<(), SnapshotError> {
        self.inner.read_exact(block).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.broken(short),
            _ => self.failed(&error),
        })
    }

    fn failed(&self, error: &io::Error) -> SnapshotError {
        match error.kind() {
            io::ErrorKind::FileTooLarge => SnapshotError::TooLarge,
            _ => self.broken(&error.to_string()),
        }
    }

    /// Before the first member it may be anything.
    fn broken(&self, error: &str) -> SnapshotError {
        let error = error.to_owned();
        match self.members.checked_sub(1) {
            Some(members) => SnapshotError::Broken { members, error },
            None => SnapshotError::NotAnArchive { error },
        }
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

/// Of a long name the header has the beginning.
fn extends(long: Option<&[u8]>, short: &[u8]) -> bool {
    long.is_none_or(|long| long.starts_with(short))
}

/// The sum of all bytes, those of the sum itself taken for blanks.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..])
}

pub(super) fn shown(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let short: String = name.chars().take(100).collect();
    if short.len() < name.len() { short + "..." } else { short }
}
