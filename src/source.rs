//! Named texts and places in them.
//!
//! A [`Span`] is a byte range in one of the texts of a run; [`Sources`] turns it into the line
//! and column a person counts: both from 1, columns in Unicode characters, a byte-order mark
//! counting as none.

use std::collections::BTreeMap;
use std::fs::{File, FileType, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The largest configuration that is read, in bytes: a cluster of ten thousand VMs has a few MiB.
pub const LARGEST: u64 = 32 << 20;

/// A configuration that cannot be opened, or is no text.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{path}: no such file", path = .path.display())]
    Missing { path: PathBuf },
    #[error("{path}: permission denied", path = .path.display())]
    Denied { path: PathBuf },
    #[error("{path}: a directory, where a configuration file is expected", path = .path.display())]
    Directory { path: PathBuf },
    #[error("{path}: no regular file, so it is not opened: a policy that nobody named is read from one alone", path = .path.display())]
    NotAFile { path: PathBuf },
    #[error("{path}: larger than {} MiB, the limit for a configuration", LARGEST >> 20, path = .path.display())]
    TooLarge { path: PathBuf },
    #[error("{path}: not UTF-8 at byte {at}: {hint}", path = .path.display())]
    NotUtf8 { path: PathBuf, at: usize, hint: &'static str },
    #[error("{path}: cannot be read: {error}", path = .path.display())]
    Unreadable { path: PathBuf, error: String },
}

/// All texts of one run, in the order in which they were named.
#[derive(Debug, Default)]
pub struct Sources {
    texts: Vec<Source>,
    /// The last texts, as many as these: for each the configurations it stands beside.
    policies: Vec<Vec<usize>>,
}

/// A text and the name under which it is shown.
#[derive(Debug)]
pub struct Source {
    pub name: String,
    pub text: String,
    /// Byte offset at which each line starts; the first is 0.
    lines: Vec<usize>,
    /// Characters before every [`STRIDE`]th byte, so that a place on a line of megabytes is found
    /// without counting from its start.
    characters: Vec<usize>,
}

/// The name of a policy.
const POLICY: &str = ".ai-how.yaml";

/// Where the policy of a configuration stands, if it has one.
pub fn policy_beside(config: &Path) -> PathBuf {
    config.with_file_name(POLICY)
}

const STRIDE: usize = 1024;
const BOM: char = '\u{feff}';

/// Bytes `start..end` of the text number `file`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub file: usize,
    pub start: usize,
    pub end: usize,
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

/// A place as a person counts it, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Sources {
    /// Reads a file, or standard input for `-`.
    pub fn open(&mut self, path: &Path) -> Result<usize, OpenError> {
        if path == Path::new("-") {
            let text = read(Path::new("<stdin>"), std::io::stdin().lock())?;
            return Ok(self.add("<stdin>", text));
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "configurations named by the user are opened here alone"
        )]
        let file = File::open(path).map_err(|error| failure(path, &error))?;
        let text = read(path, file)?;
        Ok(self.add(path.display().to_string(), text))
    }

    /// Adds a text and tells its number.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> usize {
        self.texts.push(Source::new(name.into(), text.into()));
        self.texts.len() - 1
    }

    pub fn get(&self, file: usize) -> &Source {
        &self.texts[file]
    }

    /// Of the configurations.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.texts[..self.first_policy()].iter().map(|source| source.name.as_str())
    }

    /// Reads the policies beside these configurations, which are all that were opened.
    pub fn open_policies(&mut self, configs: &[PathBuf]) -> Result<(), OpenError> {
        let mut beside: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
        for (file, path) in configs.iter().enumerate().filter(|(_, path)| path.as_os_str() != "-") {
            beside.entry(policy_beside(path)).or_default().push(file);
        }
        for (path, configs) in beside {
            match open_regular(&path).and_then(|file| read(&path, file)) {
                Ok(text) => {
                    self.add(path.display().to_string(), text);
                    self.policies.push(configs);
                }
                Err(OpenError::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The number of each policy, and the configurations it stands beside.
    pub fn policies(&self) -> impl Iterator<Item = (usize, &[usize])> {
        (self.first_policy()..).zip(self.policies.iter().map(Vec::as_slice))
    }

    pub fn is_policy(&self, file: usize) -> bool {
        file >= self.first_policy()
    }

    fn first_policy(&self) -> usize {
        self.texts.len() - self.policies.len()
    }

    pub fn position(&self, span: Span) -> Position {
        self.get(span.file).position(span.start)
    }
}

impl Source {
    fn new(name: String, text: String) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        let mut characters = vec![0];
        let mut sum = 0;
        for piece in text.as_bytes().chunks(STRIDE) {
            sum += count(piece);
            characters.push(sum);
        }
        Self { name, text, lines, characters }
    }

    /// The line and column of a byte offset; past the end, the place after the last character.
    pub fn position(&self, offset: usize) -> Position {
        let line = self.lines.partition_point(|&start| start <= offset);
        let start = self.lines[line - 1];
        let mark = line == 1 && offset >= BOM.len_utf8() && self.text.starts_with(BOM);
        let characters = self.characters_before(offset) - self.characters_before(start);
        let column = characters - usize::from(mark) + 1;
        Position { line, column }
    }

    fn characters_before(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        let whole = offset / STRIDE;
        self.characters[whole] + count(&self.text.as_bytes()[whole * STRIDE..offset])
    }

    /// The text of a line (counted from 1) without its line end, and the offset it starts at.
    pub fn line(&self, line: usize) -> (&str, usize) {
        let start = self.lines[line - 1];
        let end = self.lines.get(line).map_or(self.text.len(), |&next| next);
        let text = self.text.get(start..end).unwrap_or_default();
        (text.trim_end_matches(['\n', '\r']), start)
    }
}

/// Without waiting for who writes into a FIFO, which a configuration may be that the user named, and
/// without a word to a device.
#[expect(
    clippy::disallowed_methods,
    reason = "the policies beside configurations are opened here alone"
)]
fn open_regular(path: &Path) -> Result<File, OpenError> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let failed = |error: std::io::Error| failure(path, &error);
    let not_a_file = || OpenError::NotAFile { path: path.to_owned() };
    let is_special = |kind: FileType| !kind.is_file() && !kind.is_dir();
    if is_special(std::fs::metadata(path).map_err(failed)?.file_type()) {
        return Err(not_a_file());
    }
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    if is_special(file.metadata().map_err(failed)?.file_type()) {
        Err(not_a_file())
    } else {
        Ok(file)
    }
}

/// At most [`LARGEST`] bytes, so that no file without an end fills the memory.
fn read(path: &Path, from: impl Read) -> Result<String, OpenError> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| failure(path, &error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(OpenError::TooLarge { path: path.to_owned() });
    }
    String::from_utf8(bytes).map_err(|error| OpenError::NotUtf8 {
        path: path.to_owned(),
        at: error.utf8_error().valid_up_to(),
        hint: match error.as_bytes() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is UTF-16, so save it as UTF-8",
            _ => "a configuration is UTF-8 text",
        },
    })
}

fn failure(path: &Path, error: &std::io::Error) -> OpenError {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::NotFound => OpenError::Missing { path },
        ErrorKind::PermissionDenied => OpenError::Denied { path },
        ErrorKind::IsADirectory => OpenError::Directory { path },
        _ => {
            let text = error.to_string();
            let words = text.split(" (os error").next().unwrap_or(&text);
            OpenError::Unreadable { path, error: words.to_owned() }
        }
    }
}

/// Characters that begin in these bytes.
fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

impl Span {
    pub fn new(file: usize, start: usize, end: usize) -> Self {
        Self { file, start, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_on_a_long_line_are_counted_alike() {
        let mut sources = Sources::default();
        let text = "é".repeat(5000) + "\n" + &"x".repeat(5000);
        let file = sources.add("a.yaml", text);
        for (start, line, column) in
            [(0, 1, 1), (2048, 1, 1025), (9998, 1, 5000), (14_000, 2, 4000)]
        {
            let found = sources.position(Span::new(file, start, start));
            assert_eq!(found, Position { line, column });
        }
    }

    #[test]
    fn columns_count_characters_and_no_byte_order_mark() {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", "\u{feff}é: x\r\nb: y");
        let at = |start| sources.position(Span::new(file, start, start));
        assert_eq!(at(3), Position { line: 1, column: 1 });
        assert_eq!(at(7), Position { line: 1, column: 4 });
        assert_eq!(at(10), Position { line: 2, column: 1 });
        assert_eq!(at(999), Position { line: 2, column: 5 });
        assert_eq!(sources.get(file).line(1).0, "\u{feff}é: x");
    }
}
