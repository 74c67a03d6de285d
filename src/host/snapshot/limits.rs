//! How large a snapshot may be, and what is said of one that is none. The largest host seen has a
//! few ten thousand members; an archive past a limit was made to fill memory.

use std::io::{self, Read};

/// Of all that comes out of the compression, and of all that goes in.
pub(super) const MOST_BYTES: u64 = 256 << 20;
pub(super) const MOST_MEMBERS: usize = 200_000;
/// With the folders that only the names of members tell of.
pub(super) const MOST_PLACES: usize = 250_000;
/// Of one member; a text that is read has at most 4 MiB.
pub(super) const LARGEST_MEMBER: u64 = 8 << 20;
pub(super) const LARGEST_MANIFEST: u64 = 32 << 20;
pub(super) const LONGEST_PATH: usize = 1024;
pub(super) const DEEPEST_PATH: usize = 64;
pub(super) const LONGEST_TARGET: usize = 1024;
/// Steps along links, over all of them.
pub(super) const MOST_STEPS: usize = 20_000_000;

/// Why a file is no snapshot that can be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("not a snapshot: {error}")]
    NotAnArchive { error: String },
    #[error("not a snapshot: its first member is not manifest.json")]
    NoManifest,
    #[error("not a snapshot that can be read: manifest.json: {error}")]
    Manifest { error: String },
    #[error("is of the format {found:?}, and this program reads {known:?}", known = super::manifest::SCHEMA)]
    Format { found: String },
    #[error("refused: the member {member} {problem}")]
    Member { member: String, problem: Problem },
    #[error("refused: it has more than {MOST_MEMBERS} members")]
    TooManyMembers,
    #[error("refused: it holds more than {} MiB", MOST_BYTES >> 20)]
    TooLarge,
    #[error("broken after {members} members: {error}")]
    Broken { members: usize, error: String },
    #[error("refused: it has data behind the end of its {what}")]
    Behind { what: &'static str },
    #[error("broken: it has {found} members, and its manifest says {told}")]
    Incomplete { found: usize, told: usize },
    #[error("refused: its links are too long to follow")]
    TooManySteps,
}

/// What is wrong with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("has a name that leads out of the archive")]
    Outside,
    #[error("has a name that is not text, or not plain")]
    Name,
    #[error("has a name that is too long or too deep")]
    Deep,
    #[error("is there twice")]
    Twice,
    #[error("is a device node, and a snapshot has none")]
    Device,
    #[error("is neither a file, a folder nor a symbolic link")]
    Type,
    #[error("is larger than any that is packed")]
    Large,
    #[error("has two names")]
    TwoNames,
    #[error("is no file and holds data")]
    Holds,
    #[error("lies below something that is no folder")]
    BelowFile,
    #[error("is a link that is absolute")]
    Absolute,
    #[error("is a link that leads out of the archive")]
    LeadsOut,
    #[error("is a link that is too long, or not text")]
    Target,
    #[error("is a link in a loop")]
    Loop,
    #[error("ends before its length is reached")]
    Short,
    #[error("is not what the manifest says of it")]
    Contradicted,
    #[error("is not in the listing of its folder")]
    Unlisted,
}

/// Ends with an error where it gives more than is allowed.
pub(super) struct Capped<R> {
    inner: R,
    left: u64,
}

impl<R> Capped<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, left: MOST_BYTES }
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        match self.left.checked_sub(got as u64) {
            Some(left) => self.left = left,
            None => return Err(io::ErrorKind::FileTooLarge.into()),
        }
        Ok(got)
    }
}
