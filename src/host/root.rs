//! The one door through which the machine is read.
//!
//! *Invariant:* nothing else in the program opens a file of the host. Live host, directory and
//! tree in memory answer the same questions, so no call can forget the root. Nothing is written,
//! no program is started, and of the device nodes only that of the kernel's log is opened.

mod calls;
mod capture;
mod disk;
#[cfg(test)]
mod faults;
mod folder;
mod tree;
mod walk;
mod watch;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::access::Node;
use super::locking::{self, Locking};
use super::reading::{Fact, Gap, HostPath, Reading, Why, excerpt};
use super::snapshot::{Replay, SnapshotError};
use super::stand_ins::StandIns;
#[cfg(test)]
pub use calls::injected::{self, Injected};
pub use capture::{Capture, Place};
#[cfg(test)]
pub use faults::{Fault, Faults, Step};
pub use folder::Folder;
pub use tree::{Entry, Tree};
use watch::Turn;
pub use watch::Watch;

/// Where the host is read from.
pub struct Root {
    backend: Backend,
    /// Link-free paths of the folders already resolved (not used live, where the kernel resolves).
    folders: RefCell<HashMap<String, Fact<String>>>,
    /// The folder that a directory's paths begin at; none where it cannot be opened.
    top: OnceCell<Option<OwnedFd>>,
    /// The folder of a directory's link that was read last: those on a bus come one after the other.
    last: RefCell<Option<(String, OwnedFd)>>,
    record: Option<RefCell<BTreeMap<String, Asked>>>,
    /// What was handed out, for a snapshot.
    capture: Option<RefCell<Capture>>,
    /// In the place of personal data; none where it is shown as it is, and over a snapshot, which
    /// holds none.
    stand_ins: Option<StandIns>,
    /// Of who waits.
    watch: Option<Watch>,
    #[cfg(test)]
    faults: Option<Box<dyn Faults>>,
}

/// What a root tells from, or what a snapshot was made of: what an absence means hangs on it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A host at work, which says of all that it has it or not.
    Live,
    /// A copy, which may be partial, and whose owners are not the host's.
    Directory,
    /// An example of a rule, whole.
    Example,
}

/// What was asked of a path: the facts that a verdict stands on.
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
    #[error("{path}: neither a directory that holds a host's sys/, proc/ and dev/ nor a file that ai-how snapshot made", path = path.display())]
    NotARoot { path: PathBuf },
    #[error("{path}: {error}", path = path.display())]
    Snapshot { path: PathBuf, error: SnapshotError },
    #[error("{path}: not a host: it has no sys/ directory", path = path.display())]
    NoSys { path: PathBuf },
    #[error("{path}: cannot be read: {error}", path = path.display())]
    Unreadable { path: PathBuf, error: String },
}

enum Backend {
    Live,
    Directory(PathBuf),
    Memory(Tree),
    Snapshot(Box<Replay>),
}

/// What stands at a path, its own last link not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
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
/// The device of the kernel's log.
const KMSG: &str = "/dev/kmsg";
/// A folder with more entries than a machine can have functions or modules.
const MOST_ENTRIES: usize = 1 << 18;
/// As many links as the kernel follows (`include/linux/namei.h`, `MAXSYMLINKS`).
const MOST_LINKS: u32 = 40;

impl Root {
    /// The live host for `/` and for none, else the directory or snapshot given.
    pub fn open(path: Option<&Path>) -> Result<Self, RootError> {
        Self::open_watched(path, None)
    }

    /// The same, telling all the while what is being read.
    pub fn open_watched(path: Option<&Path>, watch: Option<&Watch>) -> Result<Self, RootError> {
        let backend = match path {
            None => Backend::Live,
            Some(path) if path == Path::new("/") => Backend::Live,
            Some(path) => match root_at(path, watch)? {
                disk::RootKind::Directory => Backend::Directory(path.to_owned()),
                disk::RootKind::File(file) => {
                    let failed = |error| RootError::Snapshot { path: path.to_owned(), error };
                    Backend::Snapshot(Box::new(Replay::open(file, path, watch).map_err(failed)?))
                }
            },
        };
        let root = Self { watch: watch.cloned(), ..Self::over(backend) };
        let has_sys = matches!(root.folder("/sys").known(), Ok(Some(())));
        if has_sys {
            Ok(root)
        } else {
            Err(RootError::NoSys { path: path.unwrap_or(Path::new("/")).to_owned() })
        }
    }

    /// Whether a machine at work is read through this path: as the live host, or as a folder in which
    /// its processes are to be seen (`/` of the host in a container).
    pub fn is_alive_at(path: Option<&Path>, watch: Option<&Watch>) -> bool {
        let _turn = begin_at(path, watch);
        path.is_none_or(|path| path == Path::new("/") || disk::has_processes(path))
    }

    /// Whether this path leads to a file, which can only be a snapshot.
    pub fn is_snapshot_at(path: Option<&Path>, watch: Option<&Watch>) -> bool {
        let _turn = begin_at(path, watch);
        path.is_some_and(disk::is_file)
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

    /// The same root, with stand-ins in the place of personal data. A snapshot holds nothing else.
    pub fn with_stand_ins(mut self) -> Self {
        if !self.is_snapshot() {
            self.stand_ins = Some(StandIns::of(&self));
            self.folders = RefCell::default();
        }
        self
    }

    fn is_snapshot(&self) -> bool {
        matches!(self.backend, Backend::Snapshot(_))
    }

    /// The same root, keeping all that it hands out.
    pub fn capturing(mut self) -> Self {
        self.capture = Some(RefCell::default());
        self.folders = RefCell::default();
        self
    }

    /// What was handed out so far.
    pub fn captured(&self) -> Capture {
        self.capture.as_ref().map(|capture| capture.borrow().clone()).unwrap_or_default()
    }

    /// What was asked so far, by path.
    pub fn asked(&self) -> BTreeMap<String, Asked> {
        self.record.as_ref().map(|record| record.borrow().clone()).unwrap_or_default()
    }

    /// Where a path leads, its own last link not followed; the path itself where it leads nowhere.
    #[cfg(any(test, fuzzing))]
    pub fn real_path(&self, path: &str) -> String {
        match self.at(path) {
            Fact::Present(place, _) => place,
            _ => path.to_owned(),
        }
    }

    fn over(backend: Backend) -> Self {
        Self {
            backend,
            folders: RefCell::default(),
            top: OnceCell::new(),
            last: RefCell::default(),
            record: None,
            capture: None,
            stand_ins: None,
            watch: None,
            #[cfg(test)]
            faults: None,
        }
    }

    /// A host that exists as a snapshot in memory only.
    #[cfg(any(test, fuzzing))]
    pub fn replaying(replay: Replay) -> Self {
        Self::over(Backend::Snapshot(Box::new(replay)))
    }

    pub fn source(&self) -> Source {
        match &self.backend {
            Backend::Live => Source::Live,
            Backend::Directory(_) => Source::Directory,
            Backend::Memory(_) => Source::Example,
            Backend::Snapshot(replay) => replay.source,
        }
    }

    /// A host at work, or a snapshot of one: what it does not have is not there.
    pub fn is_live(&self) -> bool {
        self.source() == Source::Live
    }

    /// A directory may be a partial capture; a live host and a tree say for themselves, and a
    /// snapshot knows what it lacks.
    pub fn may_be_partial(&self) -> bool {
        self.source() == Source::Directory
    }

    /// The name under which reports show this root.
    pub fn name(&self) -> String {
        match &self.backend {
            Backend::Live => "/".to_owned(),
            Backend::Directory(path) => path.display().to_string(),
            Backend::Memory(_) => "(example)".to_owned(),
            Backend::Snapshot(replay) => replay.path.display().to_string(),
        }
    }

    /// What `uname -m` says; none of a copy.
    pub fn machine(&self) -> Option<String> {
        match &self.backend {
            Backend::Live => Some(rustix::system::uname().machine().to_string_lossy().into_owned()),
            Backend::Snapshot(replay) => replay.machine.clone(),
            Backend::Directory(_) | Backend::Memory(_) => None,
        }
    }

    /// How much memory the caller may lock; none of a directory. Of a snapshot it is who took it.
    pub fn locking(&self) -> Option<Reading<Locking>> {
        let locking = match &self.backend {
            Backend::Live => locking::of_this_program(),
            Backend::Memory(tree) => tree.locking(),
            Backend::Snapshot(replay) => replay.locking?,
            Backend::Directory(_) => return None,
        };
        Some(Reading::present("getrlimit(2)".into(), locking, locking.to_string()))
    }

    /// This program's own number among the host's processes.
    pub fn own_process(&self) -> Option<u32> {
        matches!(self.backend, Backend::Live).then(std::process::id)
    }

    /// The kernel itself walks the paths.
    fn by_kernel(&self) -> bool {
        self.is_plain() && matches!(self.backend, Backend::Live)
    }

    /// A whole text file without its last line end.
    pub fn text(&self, path: &HostPath) -> Reading<String> {
        self.text_up_to(path, LARGEST, TOO_LONG)
    }

    /// The same of what a kernel can be without, though nearly none is: in a copy such a file was more
    /// likely not kept, so that its absence is no answer.
    pub fn kept_text(&self, path: &str) -> Reading<String> {
        let text = self.text(&path.into());
        if self.may_be_partial() { text.absent_means(Why::NotCaptured) } else { text }
    }

    /// The first bytes of a text file that can be long, cut after the last whole line.
    pub fn text_head(&self, path: &HostPath, bytes: usize) -> Reading<String> {
        let name = path.to_string();
        let _turn = self.begin(&name, Asked::Text);
        let fact = self.bytes_of(&name, bytes, true).then(|bytes| {
            let whole =
                bytes.iter().rposition(|&b| b == b'\n').map_or(&bytes[..], |end| &bytes[..end]);
            text_from(whole)
        });
        Reading::new(path.clone(), fact)
    }

    /// The kernel's log from its beginning: the host's own, or what a directory keeps of it. To read
    /// it takes nothing from others who read it, and waits for nothing.
    pub fn kernel_log(&self) -> Reading<String> {
        const MOST: usize = 1 << 20;
        let path = if self.may_be_partial() { "/var/log/dmesg" } else { KMSG };
        self.text_head(&path.into(), MOST)
    }

    /// What [`needed`](crate::pci::needed) takes of a function's configuration space, or more of it.
    pub fn config_space(&self, path: &HostPath) -> Reading<Vec<u8>> {
        self.bytes(path)
    }

    /// A whole file that is not text.
    pub fn bytes(&self, path: &HostPath) -> Reading<Vec<u8>> {
        let name = path.to_string();
        let _turn = self.begin(&name, Asked::Text);
        let fact = self.bytes_of(&name, LARGEST, false).then(|bytes| {
            let shown = format!("({} bytes)", bytes.len());
            Fact::Present(bytes, shown.into())
        });
        Reading::new(path.clone(), fact)
    }

    /// A file that may be as large as an image of a file system.
    pub fn image(&self, path: &HostPath) -> Reading<Vec<u8>> {
        const MOST: usize = 256 << 20;
        let name = path.to_string();
        let _turn = self.begin(&name, Asked::Text);
        let fact = self.bytes_of(&name, MOST + 1, false).then(|bytes| {
            if bytes.len() > MOST {
                return Fact::Unknown(wrong("more than 256 MiB", AN_IMAGE));
            }
            let shown = format!("({} bytes)", bytes.len());
            Fact::Present(bytes, shown.into())
        });
        Reading::new(path.clone(), fact)
    }

    /// Where a link points, as it is written in the link.
    pub fn link(&self, path: &HostPath) -> Reading<String> {
        let name = path.to_string();
        let _turn = self.begin(&name, Asked::Link);
        let fact = if self.by_kernel() {
            disk::link(&name)
        } else {
            self.link_of_a_copy(&name).unwrap_or_else(|| self.link_by_steps(&name))
        };
        Reading::new(path.clone(), fact)
    }

    /// The entries of a folder, sorted. Names that begin with a dot are left out: the kernel has
    /// none, and version control keeps empty folders with them.
    pub fn list(&self, path: &HostPath) -> Reading<Vec<String>> {
        let name = path.to_string();
        let _turn = self.begin(&name, Asked::Listing);
        let names = if self.by_kernel() {
            disk::list(&name, MOST_ENTRIES)
        } else {
            self.resolve(&name, 0).then(|place| self.entries(&place))
        };
        let fact = names.then(|mut names| {
            names.retain(|name| !name.starts_with('.'));
            names.sort_unstable();
            let shown = listing_in_words(&names);
            Fact::Present(names, shown.into())
        });
        Reading::new(path.clone(), fact)
    }

    /// Whether a folder is there.
    pub fn folder(&self, path: impl Into<HostPath>) -> Reading<()> {
        let path = path.into();
        let name = path.to_string();
        let _turn = self.begin(&name, Asked::Folder);
        let fact = if self.by_kernel() {
            disk::folder(&name)
        } else {
            self.resolve(&name, 0).then(|_| Fact::Present((), "(there)".into()))
        };
        Reading::new(path, fact)
    }

    /// Whether a file or device node is there. Its contents are not judged, and no device node is
    /// opened: in a directory any file stands for the node.
    pub fn exists(&self, path: &HostPath) -> Reading<()> {
        let name = path.to_string();
        let _turn = self.begin(&name, Asked::Exists);
        let fact = if self.by_kernel() {
            disk::exists(&name)
        } else {
            self.at(&name).then(|place| self.end_of(&place)).then(|(_, kind)| match kind {
                Kind::Folder if !self.is_live() => Fact::Unknown(wrong("a folder", A_FILE_OR_NODE)),
                _ => Fact::Present((), "(there)".into()),
            })
        };
        Reading::new(path.clone(), fact)
    }

    /// A device node and who may open it; that is not opened. In a directory any file may stand for
    /// the node, so its owner and mode were not captured.
    pub fn node(&self, path: &HostPath) -> Reading<Node> {
        let name = path.to_string();
        let _turn = self.begin(&name, Asked::Node);
        if self.source() == Source::Directory {
            let there = self.exists(path);
            return match there.known() {
                Ok(Some(())) | Err(Gap { why: Why::NotCaptured, .. }) => {
                    Reading::unknown(path.clone(), Why::Copied)
                }
                _ => there.parse("", |()| None),
            };
        }
        let fact = if self.by_kernel() {
            disk::node(&name)
        } else {
            self.at(&name).then(|place| self.end_of(&place)).then(|found| match found {
                (_, Kind::Folder) => Fact::Unknown(wrong("a folder", A_NODE)),
                (place, _) => self.owner(&place),
            })
        };
        Reading::new(path.clone(), fact)
    }

    fn text_up_to(&self, path: &HostPath, most: usize, expected: &'static str) -> Reading<String> {
        let name = path.to_string();
        let _turn = self.begin(&name, Asked::Text);
        let bytes = self.bytes_of(&name, most + 1, false);
        self.whole_text(path.clone(), bytes, most, expected)
    }

    fn whole_text(
        &self,
        path: HostPath,
        bytes: Fact<Vec<u8>>,
        most: usize,
        expected: &'static str,
    ) -> Reading<String> {
        let fact = bytes.then(|bytes| {
            if bytes.len() > most {
                return Fact::Unknown(wrong("more than 4 MiB", expected));
            }
            let bytes = self.without_padding(&bytes);
            text_from(bytes.strip_suffix(b"\n").unwrap_or(bytes))
        });
        Reading::new(path, fact)
    }

    /// A program that copies by the size it was told fills an attribute of sysfs, which says a whole
    /// page, with zeros.
    fn without_padding<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        const PAGE: usize = 4096;
        let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let padded = self.may_be_partial() && bytes.len() == PAGE && end > 0;
        if padded { &bytes[..end] } else { bytes }
    }

    /// The folder that a directory's paths begin at; none where it cannot be opened.
    fn top(&self, base: &Path) -> Option<&OwnedFd> {
        self.top.get_or_init(|| disk::open_folder(base)).as_ref()
    }

    /// What is asked of a path, from now on until what is handed out is dropped.
    fn begin(&self, path: &str, asked: Asked) -> Option<Turn<'_>> {
        if let Some(record) = &self.record {
            record.borrow_mut().insert(path.to_owned(), asked);
        }
        self.turn(&[path])
    }

    fn turn(&self, path: &[&str]) -> Option<Turn<'_>> {
        let base = match &self.backend {
            Backend::Directory(base) => base.to_str().unwrap_or_default(),
            Backend::Live | Backend::Memory(_) | Backend::Snapshot(_) => "",
        };
        self.watch.as_ref().map(|watch| watch.begin(base, path))
    }
}

fn root_at(path: &Path, watch: Option<&Watch>) -> Result<disk::RootKind, RootError> {
    let _turn = begin_at(Some(path), watch);
    disk::root_at(path)
}

/// Of a root itself.
fn begin_at<'a>(path: Option<&Path>, watch: Option<&'a Watch>) -> Option<Turn<'a>> {
    let path = path.unwrap_or(Path::new("/"));
    watch.map(|watch| watch.begin("", &[&path.to_string_lossy()]))
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

fn listing_in_words(names: &[String]) -> String {
    if names.is_empty() { "(empty)".to_owned() } else { names.join(" ") }
}

fn present<T>(value: T) -> Fact<T> {
    Fact::Present(value, "".into())
}

fn present_node(node: Node) -> Fact<Node> {
    let Node { owner, group, mode, .. } = node;
    let shown = format!("owner {owner}, group {group}, mode {mode:04o}");
    Fact::Present(node, shown.into())
}

fn under(base: &Path, place: &str) -> String {
    format!("{}{place}", base.display())
}

/// All that a root expects of a place, for who has it only as a text.
pub const EXPECTED: &[&str] =
    &[A_FILE, A_FOLDER, A_LINK, A_NODE, A_FILE_OR_NODE, A_FILE_OR_FOLDER, TOO_LONG, AN_IMAGE];
const A_FILE: &str = "a file";
const A_FOLDER: &str = "a folder";
const A_LINK: &str = "a link";
const A_NODE: &str = "a device node";
const A_FILE_OR_NODE: &str = "a file or a device node";
const A_FILE_OR_FOLDER: &str = "a file or folder";
const AN_IMAGE: &str = "an image of at most 256 MiB";
const TOO_LONG: &str = "a text of at most 4 MiB";

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
    wrong("a FIFO, socket or device node", A_FILE)
}

pub fn link_loop() -> Why {
    wrong("a loop of links", A_FILE_OR_FOLDER)
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
