//! What reading one fact of the host gave: present, absent, or unknown and why.
//!
//! *Invariant:* the three are never turned into one another by accident. There is no `unwrap_or`
//! here: who asks must say what an unknown means, with [`Reading::known`] (absent is an answer)
//! or [`Reading::required`] (absent is a gap like any other).

use std::fmt;
use std::sync::Arc;

use smol_str::SmolStr;

/// A fact with the host's own path of what was read for it.
#[derive(Debug, Clone)]
pub struct Reading<T> {
    path: HostPath,
    fact: Kept<T>,
}

/// Present (with the text it was read from), absent, or unknown.
#[derive(Debug, Clone)]
pub enum Fact<T> {
    Present(T, SmolStr),
    Absent,
    Unknown(Why),
}

/// A [`Fact`] in little room: a host has a score of them for each of its functions, and hardly one
/// that is unknown.
#[derive(Debug, Clone)]
enum Kept<T> {
    Present(T, SmolStr),
    Absent,
    Unknown(Box<Why>),
}

/// Why a fact is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("Permission denied")]
    Denied,
    #[error("could not be read: {error}")]
    Failed { error: String },
    #[error("holds {found}, where {expected} is expected")]
    Malformed { found: String, expected: &'static str },
    #[error("tells of {found}; needed is {needed}")]
    Unclear { found: String, needed: &'static str },
    #[error("was not captured")]
    NotCaptured,
    #[error("the device went away while it was read")]
    Vanished,
    #[error("is not there")]
    Missing,
    /// Of a directory: its files belong to whoever copied them.
    #[error("is a copy, without the owner and mode that it has on the host")]
    Copied,
}

/// A hole in what is known of the host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {why}")]
pub struct Gap {
    pub path: String,
    pub why: Why,
}

/// What was read, as a finding shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The host's own path, never with the prefix of a root.
    pub path: String,
    pub value: String,
}

/// The path of a folder, for the paths of all that is read in it.
pub type Folder = Arc<Box<str>>;

/// A path of the host in two parts, so that the attributes of a device share its folder.
#[derive(Clone, PartialEq, Eq)]
pub struct HostPath {
    /// Behind two pointers: readings are many, and one is half as large.
    folder: Folder,
    name: Option<&'static str>,
}

impl<T> Reading<T> {
    pub fn new(path: HostPath, fact: Fact<T>) -> Self {
        let fact = match fact {
            Fact::Present(value, shown) => Kept::Present(value, shown),
            Fact::Absent => Kept::Absent,
            Fact::Unknown(why) => Kept::Unknown(Box::new(why)),
        };
        Self { path, fact }
    }

    pub fn present(path: HostPath, value: T, shown: impl Into<SmolStr>) -> Self {
        Self::new(path, Fact::Present(value, shown.into()))
    }

    pub fn absent(path: HostPath) -> Self {
        Self::new(path, Fact::Absent)
    }

    pub fn unknown(path: HostPath, why: Why) -> Self {
        Self::new(path, Fact::Unknown(why))
    }

    pub fn path(&self) -> &HostPath {
        &self.path
    }

    /// The value, or `None` where the host does not have it.
    pub fn known(&self) -> Result<Option<&T>, Gap> {
        match &self.fact {
            Kept::Present(value, _) => Ok(Some(value)),
            Kept::Absent => Ok(None),
            Kept::Unknown(why) => Err(self.gap(Why::clone(why))),
        }
    }

    /// The value of what every such host or device has: its absence is a gap.
    pub fn required(&self) -> Result<&T, Gap> {
        match &self.fact {
            Kept::Present(value, _) => Ok(value),
            Kept::Absent => Err(self.gap(Why::Missing)),
            Kept::Unknown(why) => Err(self.gap(Why::clone(why))),
        }
    }

    pub fn is_unknown(&self) -> bool {
        matches!(self.fact, Kept::Unknown(_))
    }

    /// What was read, to be shown beside a verdict.
    pub fn evidence(&self) -> Evidence {
        let value = match &self.fact {
            Kept::Present(_, shown) => shown.to_string(),
            Kept::Absent => "(absent)".to_owned(),
            Kept::Unknown(why) => format!("({why})"),
        };
        Evidence { path: self.path.to_string(), value }
    }

    /// A gap although it was read: what it says does not tell what is asked.
    pub fn unclear(&self, found: impl Into<String>, needed: &'static str) -> Gap {
        self.gap(Why::Unclear { found: found.into(), needed })
    }

    /// Reads a value out of the one read; `None` makes the reading malformed.
    pub fn parse<U>(
        self,
        expected: &'static str,
        read: impl FnOnce(&T) -> Option<U>,
    ) -> Reading<U> {
        let fact = match self.fact {
            Kept::Present(value, shown) => {
                if let Some(parsed) = read(&value) {
                    Kept::Present(parsed, shown)
                } else {
                    let found = excerpt(&shown);
                    Kept::Unknown(Box::new(Why::Malformed { found, expected }))
                }
            }
            Kept::Absent => Kept::Absent,
            Kept::Unknown(why) => Kept::Unknown(why),
        };
        Reading { path: self.path, fact }
    }

    /// The same, with only that of its text which matters to be shown beside a verdict.
    pub fn showing(self, words: impl FnOnce(&T) -> String) -> Self {
        let fact = match self.fact {
            Kept::Present(value, _) => {
                let shown = words(&value).into();
                Kept::Present(value, shown)
            }
            other => other,
        };
        Self { path: self.path, fact }
    }

    /// This reading where it tells something, else the other one.
    pub fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self.fact {
            Kept::Present(..) => self,
            Kept::Absent => other(),
            Kept::Unknown(_) => {
                let other = other();
                if matches!(other.fact, Kept::Present(..)) { other } else { self }
            }
        }
    }

    /// An absence that only means that nobody captured it.
    pub fn absent_means(self, why: Why) -> Self {
        match self.fact {
            Kept::Absent => Self::unknown(self.path, why),
            _ => self,
        }
    }

    fn gap(&self, why: Why) -> Gap {
        Gap { path: self.path.to_string(), why }
    }
}

impl Why {
    /// What would settle it: to be run as root, or a newer snapshot.
    pub fn needs(&self) -> Option<&'static str> {
        match self {
            Self::Denied => Some("root"),
            Self::NotCaptured => Some("newer snapshot"),
            _ => None,
        }
    }
}

impl HostPath {
    pub fn new(path: impl Into<Box<str>>) -> Self {
        Self { folder: Arc::new(path.into()), name: None }
    }

    pub fn of(folder: &Folder) -> Self {
        Self { folder: Arc::clone(folder), name: None }
    }

    pub fn attribute(folder: &Folder, name: &'static str) -> Self {
        Self { folder: Arc::clone(folder), name: Some(name) }
    }
}

impl From<&str> for HostPath {
    fn from(path: &str) -> Self {
        Self::new(path)
    }
}

impl From<String> for HostPath {
    fn from(path: String) -> Self {
        Self::new(path)
    }
}

impl From<&HostPath> for HostPath {
    fn from(path: &HostPath) -> Self {
        path.clone()
    }
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "{}/{name}", self.folder),
            None => f.write_str(&self.folder),
        }
    }
}

impl fmt::Debug for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A short, printable piece of what a file held, in quotes.
pub fn excerpt(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    let dots = if short.len() < text.len() { "..." } else { "" };
    format!("{short:?}{dots}")
}
