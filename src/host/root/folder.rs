//! A folder that is opened once and read by the names of what it holds: a large host has tens of
//! thousands of functions, and a score of things is asked of each.
//!
//! *Invariant:* the answers are those of [`Root`] for the same paths; only the way there is shorter.
//! In a copy whose folder may be listed and not entered the listing alone tells what is there. Where each step is kept or shown otherwise, and for all that is no plain file or link, the root
//! is asked.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::watch::Turn;
use super::{Backend, Fact, HostPath, LARGEST, Reading, Root, TOO_LONG, disk, listing_in_words};
use crate::host::reading;

pub struct Folder<'a> {
    root: &'a Root,
    path: reading::Folder,
    /// None where the folder cannot be listed.
    names: Option<Names>,
    /// None where the root is asked for everything.
    open: Option<OwnedFd>,
}

/// Names in a folder, sorted, with what stands behind each as far as the listing told it.
#[derive(Default)]
pub struct Names {
    text: String,
    entries: Vec<Entry>,
}

struct Entry {
    start: u32,
    end: u32,
    kind: Listed,
}

/// What a listing tells of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    File,
    Folder,
    Link,
    /// Something else, or the file system does not say.
    Other,
}

impl Root {
    /// A folder of which more than one thing will be asked.
    pub fn open_folder(&self, path: &reading::Folder) -> Folder<'_> {
        if let Some((open, names)) = self.opened(path) {
            let path = Arc::clone(path);
            return Folder { root: self, path, names: Some(names), open: Some(open) };
        }
        let listing = self.list(&HostPath::of(path));
        let names = listing.known().ok().flatten();
        let names = names.map(|names| Names::new(names.iter().map(|it| (it, Listed::Other))));
        Folder { root: self, path: Arc::clone(path), names, open: None }
    }

    /// None where the way is not plain, or where something went wrong, which is then told by who
    /// goes step by step.
    fn opened(&self, path: &str) -> Option<(OwnedFd, Names)> {
        if !self.is_plain() || self.record.is_some() {
            return None;
        }
        let _turn = self.turn(&[path]);
        let folder = match &self.backend {
            Backend::Live => disk::open_folder(path),
            Backend::Directory(base) => disk::open_folder_below(self.top(base)?, path),
            Backend::Memory(_) | Backend::Snapshot(_) => return None,
        }?;
        let names = disk::names(&folder)?;
        Some((folder, names))
    }

    /// Where a link of a copy points, without a step for each folder above it; none where the way is
    /// not plain, as for a folder.
    pub(super) fn link_of_a_copy(&self, path: &str) -> Option<Fact<String>> {
        let Backend::Directory(base) = &self.backend else { return None };
        let (folder, name) = path.rsplit_once('/')?;
        if !self.is_plain() {
            return None;
        }
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(last, _)| last != folder) {
            let opened = disk::open_folder_below(self.top(base)?, folder)?;
            *last = Some((folder.to_owned(), opened));
        }
        let (_, folder) = last.as_ref()?;
        Some(disk::link_in(folder, name)).filter(|fact| matches!(fact, Fact::Present(..)))
    }
}

impl Folder<'_> {
    /// None where the folder cannot be listed.
    pub fn names(&self) -> Option<impl Iterator<Item = &str>> {
        self.names.as_ref().map(Names::iter)
    }

    /// Also where it is not known.
    pub fn may_have(&self, name: &str) -> bool {
        self.names.as_ref().is_none_or(|names| names.get(name).is_some())
    }

    pub fn own_path(&self) -> HostPath {
        HostPath::of(&self.path)
    }

    pub fn path(&self, name: &'static str) -> HostPath {
        HostPath::attribute(&self.path, name)
    }

    /// [`Root::text`]
    pub fn text(&self, name: &'static str) -> Reading<String> {
        let path = self.path(name);
        match self.way(name, Listed::File) {
            Way::Absent => Reading::absent(path),
            Way::Within(folder) => {
                let _turn = self.turn(name);
                let bytes = disk::read_in(folder, name, LARGEST + 1);
                self.root.whole_text(path, bytes, LARGEST, TOO_LONG)
            }
            Way::Root => self.root.text(&path),
        }
    }

    /// [`Root::link`]
    pub fn link(&self, name: &'static str) -> Reading<String> {
        let path = self.path(name);
        match self.way(name, Listed::Link) {
            Way::Absent => Reading::absent(path),
            Way::Within(folder) => Reading::new(path, disk::link_in(folder, name)),
            Way::Root => self.root.link(&path),
        }
    }

    /// [`Root::exists`]
    pub fn exists(&self, name: &'static str) -> Reading<()> {
        let path = self.path(name);
        match self.way(name, Listed::File) {
            Way::Absent => Reading::absent(path),
            Way::Within(_) => Reading::new(path, Fact::Present((), "(there)".into())),
            Way::Root => self.root.exists(&path),
        }
    }

    /// [`Root::folder`]
    pub fn folder(&self, name: &'static str) -> Reading<()> {
        let path = self.path(name);
        match self.way(name, Listed::Folder) {
            Way::Absent => Reading::absent(path),
            Way::Within(_) => Reading::new(path, Fact::Present((), "(there)".into())),
            Way::Root => self.root.folder(path),
        }
    }

    /// [`Root::list`]
    pub fn list(&self, name: &'static str) -> Reading<Vec<String>> {
        let path = self.path(name);
        match self.way(name, Listed::Folder) {
            Way::Absent => Reading::absent(path),
            Way::Within(folder) => {
                let _turn = self.turn(name);
                let names = disk::open_folder_in(folder, name).and_then(|it| disk::names(&it));
                match names {
                    Some(names) => shown(path, &names),
                    None => self.root.list(&path),
                }
            }
            Way::Root => self.root.list(&path),
        }
    }

    fn turn(&self, name: &str) -> Option<Turn<'_>> {
        self.root.turn(&[&self.path, "/", name])
    }

    fn way(&self, name: &str, kind: Listed) -> Way<'_> {
        match (self.names.as_ref().map(|names| names.get(name)), &self.open) {
            (Some(None), _) => Way::Absent,
            (Some(Some(found)), Some(folder)) if found == kind => Way::Within(folder),
            _ => Way::Root,
        }
    }
}

fn shown(path: HostPath, names: &Names) -> Reading<Vec<String>> {
    let names: Vec<String> = names.iter().map(str::to_owned).collect();
    let shown = listing_in_words(&names);
    Reading::present(path, names, shown)
}

/// How something of a folder is read.
enum Way<'a> {
    Absent,
    Within(&'a OwnedFd),
    Root,
}

impl Names {
    pub fn new<'a>(names: impl Iterator<Item = (&'a String, Listed)>) -> Self {
        let mut all = Self::default();
        for (name, kind) in names {
            all.push(name, kind);
        }
        all.sorted()
    }

    pub fn push(&mut self, name: &str, kind: Listed) {
        let place = |text: &String| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let start = place(&self.text);
        self.text.push_str(name);
        self.entries.push(Entry { start, end: place(&self.text), kind });
    }

    pub fn sorted(mut self) -> Self {
        let name = |entry: &Entry| &self.text[entry.start as usize..entry.end as usize];
        self.entries.sort_unstable_by(|one, other| name(one).cmp(name(other)));
        self
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| self.name(entry))
    }

    fn get(&self, name: &str) -> Option<Listed> {
        let found = self.entries.binary_search_by(|entry| self.name(entry).cmp(name)).ok()?;
        Some(self.entries[found].kind)
    }

    fn name(&self, entry: &Entry) -> &str {
        &self.text[entry.start as usize..entry.end as usize]
    }
}
