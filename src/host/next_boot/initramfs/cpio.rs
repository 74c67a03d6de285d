//! Archives of the kind "newc" (`Documentation/driver-api/early-userspace/buffer-format.rst`,
//! `init/initramfs.c`).

use std::io::{BufReader, ErrorKind, Read};

/// What of a member is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Nothing,
    Name,
    Contents,
}

/// A member that was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub contents: Vec<u8>,
}

/// Why an image cannot be listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("something else than an archive")]
    NoArchive,
    #[error("a broken archive ({what})")]
    Broken { what: &'static str },
    #[error("an archive that ends too soon")]
    EndsTooSoon,
    #[error("{how} data, which is not unpacked here")]
    Packed { how: &'static str },
    #[error("more than {limit}")]
    TooLarge { limit: &'static str },
}

/// What may still be read: an image is bounded whatever it claims.
pub struct Budget {
    pub bytes: u64,
    pub members: usize,
    pub kept: usize,
}

/// Images are some hundred MiB unpacked; with all firmware for graphics, half a GiB.
const MOST_BYTES: u64 = 1 << 30;
const MOST_MEMBERS: usize = 200_000;
/// Of what is wanted: some thousand names and some short texts.
const MOST_KEPT: usize = 16 << 20;
/// As long as a path can be (`init/initramfs.c` refuses longer ones).
const LONGEST_NAME: u32 = 4096;
const HEADER: usize = 110;
const TRAILER: &[u8] = b"TRAILER!!!";
pub const MAGICS: [&[u8]; 2] = [b"070701", b"070702"];

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: MOST_BYTES, members: MOST_MEMBERS, kept: MOST_KEPT }
    }
}

/// All archives of a stream, one after the other with zeros between.
pub fn read_all(
    stream: impl Read,
    budget: &mut Budget,
    keep: &dyn Fn(&str) -> Keep,
    members: &mut Vec<Member>,
) -> Result<(), Refusal> {
    let mut stream = BufReader::with_capacity(1 << 16, stream);
    let mut any = false;
    let mut byte = [0_u8];
    loop {
        if fill(&mut stream, &mut byte, budget)? == 0 {
            return if any { Ok(()) } else { Err(Refusal::NoArchive) };
        }
        if byte[0] != 0 {
            let begun = Chained { first: Some(byte[0]), stream: &mut stream };
            read_one(begun, budget, keep, members)?;
            any = true;
        }
    }
}

/// One archive, up to its trailer.
pub fn read_one(
    mut stream: impl Read,
    budget: &mut Budget,
    keep: &dyn Fn(&str) -> Keep,
    members: &mut Vec<Member>,
) -> Result<(), Refusal> {
    loop {
        let mut header = [0_u8; HEADER];
        exact(&mut stream, &mut header, budget)?;
        if !MAGICS.contains(&&header[..6]) {
            return Err(Refusal::Broken { what: "a header without its mark" });
        }
        let (size, name_size) = (number(&header, 6)?, number(&header, 11)?);
        if name_size == 0 || name_size > LONGEST_NAME {
            return Err(Refusal::Broken { what: "a name of impossible length" });
        }
        let mut name = vec![0; name_size as usize];
        exact(&mut stream, &mut name, budget)?;
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        skip(&mut stream, padding(HEADER as u64 + u64::from(name_size)), budget)?;
        if name == TRAILER {
            return Ok(());
        }
        budget.members =
            budget.members.checked_sub(1).ok_or(Refusal::TooLarge { limit: "200,000 members" })?;
        let name = String::from_utf8_lossy(name);
        let name = name.trim_start_matches("./").trim_start_matches('/');
        let wanted = keep(name);
        let size = u64::from(size);
        let mut contents = Vec::new();
        if wanted == Keep::Contents {
            budget.keep(usize::try_from(size).unwrap_or(usize::MAX))?;
            contents = vec![0; usize::try_from(size).unwrap_or(0)];
            exact(&mut stream, &mut contents, budget)?;
        } else {
            skip(&mut stream, size, budget)?;
        }
        skip(&mut stream, padding(size), budget)?;
        if wanted != Keep::Nothing {
            budget.keep(name.len())?;
            members.push(Member { name: name.to_owned(), contents });
        }
    }
}

/// The archive of these members, which is read as the same.
pub fn write(members: &[Member]) -> Vec<u8> {
    let mut archive = Vec::new();
    let trailer = Member { name: "TRAILER!!!".to_owned(), contents: Vec::new() };
    for (at, Member { name, contents }) in members.iter().chain([&trailer]).enumerate() {
        let mode = if at == members.len() { 0 } else { 0o100_644 };
        let (size, name_size) = (contents.len(), name.len() + 1);
        archive.extend_from_slice(
            format!(
                "070701{at:08x}{mode:08x}{zero:08x}{zero:08x}{one:08x}{zero:08x}{size:08x}{zero:08x}{zero:08x}{zero:08x}{zero:08x}{name_size:08x}{zero:08x}",
                zero = 0,
                one = 1
            )
            .as_bytes(),
        );
        archive.extend_from_slice(name.as_bytes());
        archive.push(0);
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend_from_slice(contents);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }
    archive
}

impl Budget {
    fn keep(&mut self, bytes: usize) -> Result<(), Refusal> {
        let left = self.kept.checked_sub(bytes);
        self.kept = left.ok_or(Refusal::TooLarge { limit: "16 MiB of names and settings" })?;
        Ok(())
    }
}

/// The field of a header by its number: eight digits in hex.
fn number(header: &[u8; HEADER], field: usize) -> Result<u32, Refusal> {
    let digits = &header[6 + field * 8..14 + field * 8];
    let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'));
    text.and_then(|text| u32::from_str_radix(text, 16).ok())
        .ok_or(Refusal::Broken { what: "a header with a field that is no number" })
}

fn padding(length: u64) -> u64 {
    length.next_multiple_of(4) - length
}

fn skip(stream: &mut impl Read, mut bytes: u64, budget: &mut Budget) -> Result<(), Refusal> {
    let mut buffer = [0_u8; 1 << 14];
    while bytes > 0 {
        let most = usize::try_from(bytes).unwrap_or(usize::MAX).min(buffer.len());
        exact(stream, &mut buffer[..most], budget)?;
        bytes -= most as u64;
    }
    Ok(())
}

fn exact(stream: &mut impl Read, buffer: &mut [u8], budget: &mut Budget) -> Result<(), Refusal> {
    if fill(stream, buffer, budget)? == buffer.len() { Ok(()) } else { Err(Refusal::EndsTooSoon) }
}

/// As much as there is.
fn fill(stream: &mut impl Read, buffer: &mut [u8], budget: &mut Budget) -> Result<usize, Refusal> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(got) => {
                filled += got;
                let left = budget.bytes.checked_sub(got as u64);
                budget.bytes = left.ok_or(Refusal::TooLarge { limit: "1 GiB unpacked" })?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(Refusal::EndsTooSoon);
            }
            Err(_) => return Err(Refusal::Broken { what: "packed data that cannot be unpacked" }),
        }
    }
    Ok(filled)
}

/// A stream of which the first byte was looked at.
struct Chained<'a, R> {
    first: Option<u8>,
    stream: &'a mut R,
}

impl<R: Read> Read for Chained<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match (self.first.take(), buffer.first_mut()) {
            (Some(byte), Some(place)) => {
                *place = byte;
                Ok(1)
            }
            (first, _) => {
                self.first = first;
                self.stream.read(buffer)
            }
        }
    }
}
