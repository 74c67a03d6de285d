//! The one door through which the machine is read.
//!
//! *Invariant:* nothing else in the program opens a file of the host. Live host, directory and
//! tree in memory answer the same questions, so no call can forget the root. Nothing is written,
//! no device node is opened, no program is started.

mod disk;
mod tree;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::access::Node;
use super::reading::{Fact, Gap, HostPath, Reading, Why, excerpt};
pub use tree::{Entry, Tree};

/// Where the host is read from.
pub struct Root {
    backend: Backend,
    /// Link-free paths of the folders already resolved (not used live, where the kernel resolves).
    folders: RefCell<HashMap<String, Fact<String>>>,
    record: Option<RefCell<BTreeMap<String, Asked>>>,
}

/// What was asked of a path: the list of a snapshot's contents, and of the facts of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    Text,
    Link,
    Listing,
    Folder,
    Exists,
    /// Owner, group and mode of a device node.
    Node,
}

/// A root that cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    #[error("{path}: no such directory to read the host from", path = path.display())]
    NotFound { path: PathBuf },
    #[error("{path}: not a directory: --root takes a directory that holds sys/, proc/ and dev/", path = path.display())]
    NotADirectory { path: PathBuf },
    #[error("{path}: not a host: it has no sys/ directory", path = path.display())]
    NoSys { path: PathBuf },
    #[error("{path}: cannot be read: {error}", path = path.display())]
    Unreadable { path: PathBuf, error: String },
}

enum Backend {
    Live,
    Directory(PathBuf),
    Memory(Tree),
}

/// What stands at a path, its own last link not followed.
enum Kind {
    Missing,
    Folder,
    File,
    Link(String),
    /// A FIFO, socket or device node.
    Special,
}

/// More than this is no attribute of the kernel: the largest file read is the kernel's own
/// configuration, a few hundred KiB.
const LARGEST: usize = 4 << 20;
/// A folder with more entries than a machine can have functions or modules.
const MOST_ENTRIES: usize = 1 << 18;
/// As many links as the kernel follows (`include/linux/namei.h`, `MAXSYMLINKS`).
const MOST_LINKS: u32 = 40;

impl Root {
    /// The live host for `/` and for none, else the directory given.
    pub fn open(path: Option<&Path>) -> Result<Self, RootError> {
        let backend = match path {
            None => Backend::Live,
            Some(path) if path == Path::new("/") => Backend::Live,
            Some(path) => {
                disk::check_directory(path)?;
                Backend::Directory(path.to_owned())
            }
        };
        let root = Self::over(backend);
        let has_sys = matches!(root.folder("/sys").known(), Ok(Some(())));
        if has_sys {
            Ok(root)
        } else {
            Err(RootError::NoSys { path: path.unwrap_or(Path::new("/")).to_owned() })
        }
    }

    /// A host that exists in memory only.
    pub fn memory(tree: Tree) -> Self {
        Self::over(Backend::Memory(tree))
    }

    /// The same root, remembering all that is asked of it.
    pub fn recording(mut self) -> Self {
        self.record = Some(RefCell::default());
        self
    }

    /// What was asked so far, by path.
    pub fn asked(&self) -> BTreeMap<String, Asked> {
        self.record.as_ref().map(|record| record.borrow().clone()).unwrap_or_default()
    }

    /// Where a path leads, its own last link not followed; the path itself where it leads nowhere.
    #[cfg(test)]
    pub fn real_path(&self, path: &str) -> String {
        match self.at(path) {
            Fact::Present(place, _) => place,
            _ => path.to_owned(),
        }
    }

    fn over(backend: Backend) -> Self {
        Self { backend, folders: RefCell::default(), record: None }
    }

    pub fn is_live(&self) -> bool {
        matches!(self.backend, Backend::Live)
    }

    /// A directory may be a partial capture; a live host and a tree say for themselves.
    pub fn may_be_partial(&self) -> bool {
        matches!(self.backend, Backend::Directory(_))
    }

    /// The name under which reports show this root.
    pub fn name(&self) -> String {
        match &self.backend {
            Backend::Live => "/".to_owned(),
            Backend::Directory(path) => path.display().to_string(),
            Backend::Memory(_) => "(example)".to_owned(),
        }
    }

    /// A whole text file without its last line end.
    pub fn text(&self, path: &HostPath) -> Reading<String> {
        self.text_up_to(path, LARGEST, "a text of at most 4 MiB")
    }

    /// The first bytes of a text file that can be long, cut after the last whole line.
    pub fn text_head(&self, path: &HostPath, bytes: usize) -> Reading<String> {
        let name = path.to_string();
        self.note(&name, Asked::Text);
        let fact = self.bytes_of(&name, bytes, true).then(|bytes| {
            let whole =
                bytes.iter().rposition(|&b| b == b'\n').map_or(&bytes[..], |end| &bytes[..end]);
            text_from(whole)
        });
        Reading::new(path.clone(), fact)
    }

    /// A whole file that is not text.
    pub fn bytes(&self, path: &HostPath) -> Reading<Vec<u8>> {
        let name = path.to_string();
        self.note(&name, Asked::Text);
        let fact = self.bytes_of(&name, LARGEST, false).then(|bytes| {
            let shown = format!("({} bytes)", bytes.len());
            Fact::Present(bytes, shown.into())
        });
        Reading::new(path.clone(), fact)
    }

    /// Where a link points, as it is written in the link.
    pub fn link(&self, path: &HostPath) -> Reading<String> {
        let name = path.to_string();
        self.note(&name, Asked::Link);
        let fact = match &self.backend {
            Backend::Live => disk::link(&name),
            _ => self.at(&name).then(|place| match self.kind(&place) {
                Ok(Kind::Link(target)) => Fact::Present(target.clone(), target.into()),
                Ok(Kind::Missing) => Fact::Absent,
                Ok(_) => Fact::Unknown(wrong("something else", "a link")),
                Err(why) => Fact::Unknown(why),
            }),
        };
        Reading::new(path.clone(), fact)
    }

    /// The entries of a folder, sorted. Names that begin with a dot are left out: the kernel has
    /// none, and version control keeps empty folders with them.
    pub fn list(&self, path: &HostPath) -> Reading<Vec<String>> {
        let name = path.to_string();
        self.note(&name, Asked::Listing);
        let names = match &self.backend {
            Backend::Live => disk::list(&name, MOST_ENTRIES),
            backend => self.resolve(&name, 0).then(|place| match backend {
                Backend::Directory(base) => disk::list(&under(base, &place), MOST_ENTRIES),
                Backend::Memory(tree) => tree.list(&place),
                Backend::Live => Fact::Absent,
            }),
        };
        let fact = names.then(|mut names| {
            names.retain(|name| !name.starts_with('.'));
            names.sort_unstable();
            let shown = if names.is_empty() { "(empty)".to_owned() } else { names.join(" ") };
            Fact::Present(names, shown.into())
        });
        Reading::new(path.clone(), fact)
    }

    /// Whether a folder is there.
    pub fn folder(&self, path: impl Into<HostPath>) -> Reading<()> {
        let path = path.into();
        let name = path.to_string();
        self.note(&name, Asked::Folder);
        let fact = match &self.backend {
            Backend::Live => disk::folder(&name),
            _ => self.resolve(&name, 0).then(|_| Fact::Present((), "(there)".into())),
        };
        Reading::new(path, fact)
    }

    /// Whether a file or device node is there. Its contents are not judged, and no device node is
    /// opened: in a directory any file stands for the node.
    pub fn exists(&self, path: &HostPath) -> Reading<()> {
        let name = path.to_string();
        self.note(&name, Asked::Exists);
        let there = || Fact::Present((), "(there)".into());
        let fact = match &self.backend {
            Backend::Live => disk::exists(&name),
            _ => self.at(&name).then(|place| match self.kind(&place) {
                Ok(Kind::Missing) => Fact::Absent,
                Ok(Kind::Folder) => Fact::Unknown(wrong("a folder", "a file or a device node")),
                Ok(Kind::Link(_)) => match self.bytes_at(&place, 1, true, 0) {
                    // A device node at its end is not opened, and there.
                    Fact::Unknown(why) if why == not_a_file() => there(),
                    Fact::Unknown(why) => Fact::Unknown(why),
                    Fact::Absent => Fact::Unknown(Why::NotCaptured),
                    Fact::Present(..) => there(),
                },
                Ok(_) => there(),
                Err(why) => Fact::Unknown(why),
            }),
        };
        Reading::new(path.clone(), fact)
    }

    /// A device node and who may open it; that is not opened. In a directory any file may stand for
    /// the node, so its owner and mode were not captured.
    pub fn node(&self, path: &HostPath) -> Reading<Node> {
        let name = path.to_string();
        self.note(&name, Asked::Node);
        let fact = match &self.backend {
            Backend::Live => disk::node(&name),
            Backend::Directory(_) => {
                let there = self.exists(path);
                return match there.known() {
                    Ok(Some(())) | Err(Gap { why: Why::NotCaptured, .. }) => {
                        Reading::unknown(path.clone(), Why::Copied)
                    }
                    _ => there.parse("", |()| None),
                };
            }
            Backend::Memory(tree) => self.at(&name).then(|place| match self.kind(&place) {
                Ok(Kind::Missing) => Fact::Absent,
                Ok(Kind::File | Kind::Special) => present_node(tree.owner_of(&place)),
                Ok(_) => Fact::Unknown(wrong("a folder or a link", "a device node")),
                Err(why) => Fact::Unknown(why),
            }),
        };
        Reading::new(path.clone(), fact)
    }

    fn text_up_to(&self, path: &HostPath, most: usize, expected: &'static str) -> Reading<String> {
        let name = path.to_string();
        self.note(&name, Asked::Text);
        let fact = self.bytes_of(&name, most + 1, false).then(|bytes| {
            if bytes.len() > most {
                return Fact::Unknown(wrong("more than 4 MiB", expected));
            }
            let bytes = self.without_padding(&bytes);
            text_from(bytes.strip_suffix(b"\n").unwrap_or(bytes))
        });
        Reading::new(path.clone(), fact)
    }

    /// A program that copies by the size it was told fills an attribute of sysfs, which says a whole
    /// page, with zeros.
    fn without_padding<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        const PAGE: usize = 4096;
        let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let padded = self.may_be_partial() && bytes.len() == PAGE && end > 0;
        if padded { &bytes[..end] } else { bytes }
    }

    /// At most `most` bytes of a file; `stop` where the rest is not wanted.
    fn bytes_of(&self, path: &str, most: usize, stop: bool) -> Fact<Vec<u8>> {
        match &self.backend {
            Backend::Live => disk::read(path, most, stop),
            _ => self.at(path).then(|place| self.bytes_at(&place, most, stop, 0)),
        }
    }

    fn bytes_at(&self, place: &str, most: usize, stop: bool, links: u32) -> Fact<Vec<u8>> {
        match self.kind(place) {
            Ok(Kind::File) => match &self.backend {
                Backend::Directory(base) => disk::read(&under(base, place), most, stop),
                Backend::Memory(tree) => tree.read(place, most),
                Backend::Live => disk::read(place, most, stop),
            },
            Ok(Kind::Link(_)) if links > MOST_LINKS => Fact::Unknown(link_loop()),
            Ok(Kind::Link(target)) => {
                match self.follow(place, &target, links).absent_as_not_captured() {
                    Fact::Present(next, _) => {
                        self.bytes_at(&next, most, stop, links + 1).absent_as_not_captured()
                    }
                    Fact::Absent => Fact::Unknown(Why::NotCaptured),
                    Fact::Unknown(why) => Fact::Unknown(why),
                }
            }
            Ok(Kind::Missing) => Fact::Absent,
            Ok(Kind::Folder) => Fact::Unknown(wrong("a folder", "a file")),
            Ok(Kind::Special) => Fact::Unknown(not_a_file()),
            Err(why) => Fact::Unknown(why),
        }
    }

    /// The link-free path of an entry whose own last link is kept.
    fn at(&self, path: &str) -> Fact<String> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.below(self.resolve(parent, 0)).then(|parent| present(format!("{parent}/{name}")))
    }

    /// In a partial capture a missing folder says nothing about what it would hold.
    fn below(&self, folder: Fact<String>) -> Fact<String> {
        if self.may_be_partial() { folder.absent_as_not_captured() } else { folder }
    }

    /// The link-free path of a folder.
    fn resolve(&self, path: &str, links: u32) -> Fact<String> {
        if path.is_empty() || path == "/" {
            return present(String::new());
        }
        if let Some(known) = self.folders.borrow().get(path) {
            return known.clone();
        }
        if links > MOST_LINKS {
            return Fact::Unknown(link_loop());
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let found = self.below(self.resolve(parent, links)).then(|parent| {
            let place = format!("{parent}/{name}");
            match self.kind(&place) {
                Ok(Kind::Folder) => present(place),
                Ok(Kind::Missing) => Fact::Absent,
                Ok(Kind::Link(target)) => self
                    .follow(&place, &target, links)
                    .then(|next| self.resolve(&next, links + 1))
                    .absent_as_not_captured(),
                Ok(Kind::File | Kind::Special) => Fact::Unknown(wrong("a file", "a folder")),
                Err(why) => Fact::Unknown(why),
            }
        });
        self.folders.borrow_mut().insert(path.to_owned(), found.clone());
        found
    }

    /// Where a link leads, never out of the root: `..` stops at the top, as in a chroot.
    fn follow(&self, place: &str, target: &str, links: u32) -> Fact<String> {
        let start = if target.starts_with('/') {
            ""
        } else {
            place.rsplit_once('/').map_or("", |(parent, _)| parent)
        };
        let mut here = start.to_owned();
        let mut parts = target.split('/').filter(|part| !matches!(*part, "" | ".")).peekable();
        while let Some(part) = parts.next() {
            if part == ".." {
                here.truncate(here.rfind('/').unwrap_or(0));
                continue;
            }
            here = format!("{here}/{part}");
            if parts.peek().is_some() {
                match self.resolve(&here, links + 1) {
                    Fact::Present(folder, _) => here = folder,
                    other => return other,
                }
            }
        }
        present(here)
    }

    fn kind(&self, place: &str) -> Result<Kind, Why> {
        match &self.backend {
            Backend::Live => disk::kind(place),
            Backend::Directory(base) => disk::kind(&under(base, place)),
            Backend::Memory(tree) => tree.kind(place),
        }
    }

    fn note(&self, path: &str, asked: Asked) {
        if let Some(record) = &self.record {
            record.borrow_mut().insert(path.to_owned(), asked);
        }
    }
}

impl<T> Fact<T> {
    fn then<U>(self, next: impl FnOnce(T) -> Fact<U>) -> Fact<U> {
        match self {
            Self::Present(value, _) => next(value),
            Self::Absent => Fact::Absent,
            Self::Unknown(why) => Fact::Unknown(why),
        }
    }

    /// A link whose target is missing led somewhere once: the target was not captured.
    fn absent_as_not_captured(self) -> Self {
        match self {
            Self::Absent => Self::Unknown(Why::NotCaptured),
            other => other,
        }
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

fn present(path: String) -> Fact<String> {
    Fact::Present(path, "".into())
}

fn present_node(node: Node) -> Fact<Node> {
    let Node { owner, group, mode, .. } = node;
    let shown = format!("owner {owner}, group {group}, mode {mode:04o}");
    Fact::Present(node, shown.into())
}

fn under(base: &Path, place: &str) -> String {
    format!("{}{place}", base.display())
}

fn text_from(bytes: &[u8]) -> Fact<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Fact::Present(text.to_owned(), text.into()),
        _ => {
            let lossy = String::from_utf8_lossy(bytes);
            Fact::Unknown(Why::Malformed { found: excerpt(&lossy), expected: "text" })
        }
    }
}

fn wrong(found: &str, expected: &'static str) -> Why {
    Why::Malformed { found: found.to_owned(), expected }
}

fn not_a_file() -> Why {
    wrong("a FIFO, socket or device node", "a file")
}

fn link_loop() -> Why {
    wrong("a loop of links", "a file or folder")
}

impl Asked {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "contents of",
            Self::Link => "target of",
            Self::Listing => "entries of",
            Self::Folder => "existence of the folder",
            Self::Exists => "existence of",
            Self::Node => "owner and mode of",
        }
    }
}
