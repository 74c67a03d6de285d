//! How paths are walked where the kernel does not do it, and the four things that are asked of a
//! place then: what stands there, its bytes, its entries, its owner.
//!
//! *Invariant:* a snapshot that has the answers of these four gives the same facts by the same code.
//! The plain live host and a plain directory are read by shorter ways, with the same answers.

#[cfg(test)]
use super::Step;
use super::{
    A_FILE, A_FOLDER, A_LINK, Backend, Fact, KMSG, Kind, MOST_ENTRIES, MOST_LINKS, Node, Root, Why,
    disk, link_loop, not_a_file, present, present_node, under, wrong,
};

impl Root {
    /// At most `most` bytes of a file; `stop` where the rest is not wanted.
    pub(super) fn bytes_of(&self, path: &str, most: usize, stop: bool) -> Fact<Vec<u8>> {
        if self.by_kernel() {
            return live(path, most, stop);
        }
        let end = self.at(path).then(|place| self.end_of(&place));
        end.then(|(place, kind)| match kind {
            Kind::Folder => Fact::Unknown(wrong("a folder", A_FILE)),
            Kind::Special => Fact::Unknown(not_a_file()),
            Kind::File | Kind::Link(_) | Kind::Missing => self.read(&place, most, stop),
        })
    }

    /// No step has to be kept or shown otherwise.
    pub(super) fn is_plain(&self) -> bool {
        #[cfg(test)]
        if self.faults.is_some() {
            return false;
        }
        self.capture.is_none() && self.stand_ins.is_none()
    }

    /// Where a link points, as it is written in the link.
    pub(super) fn link_by_steps(&self, path: &str) -> Fact<String> {
        self.at(path).then(|place| match self.kind(&place) {
            Ok(Kind::Link(target)) => Fact::Present(target.clone(), target.into()),
            Ok(Kind::Missing) => Fact::Absent,
            Ok(_) => Fact::Unknown(wrong("something else", A_LINK)),
            Err(why) => Fact::Unknown(why),
        })
    }

    /// The link-free path of an entry whose own last link is kept.
    pub(super) fn at(&self, path: &str) -> Fact<String> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.below(self.resolve(parent, 0)).then(|parent| present(format!("{parent}/{name}")))
    }

    /// Where the links at a place lead in the end, and what stands there.
    pub(super) fn end_of(&self, place: &str) -> Fact<(String, Kind)> {
        let mut here = place.to_owned();
        for links in 0..=MOST_LINKS {
            let followed = match self.kind(&here) {
                Ok(Kind::Link(target)) => self.beyond(self.follow(&here, &target, links)),
                Ok(Kind::Missing) if links > 0 => self.beyond(Fact::Absent),
                Ok(Kind::Missing) => Fact::Absent,
                Ok(kind) => return present((here, kind)),
                Err(why) => Fact::Unknown(why),
            };
            match followed {
                Fact::Present(next, _) => here = next,
                Fact::Absent => return Fact::Absent,
                Fact::Unknown(why) => return Fact::Unknown(why),
            }
        }
        Fact::Unknown(link_loop())
    }

    /// The link-free path of a folder.
    pub(super) fn resolve(&self, path: &str, links: u32) -> Fact<String> {
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
                Ok(Kind::Link(target)) => self.beyond(
                    self.follow(&place, &target, links).then(|next| self.resolve(&next, links + 1)),
                ),
                Ok(Kind::File | Kind::Special) => Fact::Unknown(wrong("a file", A_FOLDER)),
                Err(why) => Fact::Unknown(why),
            }
        });
        self.folders.borrow_mut().insert(path.to_owned(), found.clone());
        found
    }

    /// What stands at a place.
    pub(super) fn kind(&self, place: &str) -> Result<Kind, Why> {
        // A name out of a file of the host is one name, and no way out of a folder.
        if place.ends_with("/..") || place.ends_with("/.") || place.ends_with('/') {
            return Ok(Kind::Missing);
        }
        let real = self.real(place);
        let kind = match &self.backend {
            // The same for whoever asks, so that a snapshot does not depend on a process's number.
            Backend::Live if place == "/proc/self" => Ok(Kind::Folder),
            // What the kernel says of itself is told like a file, and is packed as one.
            Backend::Live if place == KMSG => match disk::kind(&real) {
                Ok(Kind::Special) => Ok(Kind::File),
                other => other,
            },
            Backend::Live => disk::kind(&real),
            Backend::Directory(base) => disk::kind(&under(base, &real)),
            Backend::Memory(tree) => tree.kind(&real),
            Backend::Snapshot(replay) => replay.capture.kind(place),
        };
        #[cfg(test)]
        let kind = self.struck(Step::Kind, place, kind);
        let kind = match (kind, &self.stand_ins) {
            (Ok(Kind::Link(target)), Some(stand_ins)) => {
                Ok(Kind::Link(stand_ins.target(place, &target)))
            }
            (kind, _) => kind,
        };
        if let Some(capture) = &self.capture {
            capture.borrow_mut().saw(place, kind.clone());
        }
        kind
    }

    fn read(&self, place: &str, most: usize, stop: bool) -> Fact<Vec<u8>> {
        let real = self.real(place);
        let bytes = match &self.backend {
            Backend::Live => live(&real, most, stop),
            Backend::Directory(base) => disk::read(&under(base, &real), most, stop),
            Backend::Memory(tree) => tree.read(&real, most),
            Backend::Snapshot(replay) => replay.capture.read(place, most),
        };
        #[cfg(test)]
        let bytes = self.struck_fact(Step::Bytes, place, bytes);
        let bytes = match &self.stand_ins {
            Some(stand_ins) => bytes.then(|bytes| present(stand_ins.contents(place, bytes))),
            None => bytes,
        };
        if let Some(capture) = &self.capture {
            capture.borrow_mut().gave_bytes(place, &bytes);
        }
        bytes
    }

    pub(super) fn entries(&self, place: &str) -> Fact<Vec<String>> {
        let real = self.real(place);
        let names = match &self.backend {
            Backend::Live => disk::list(&real, MOST_ENTRIES),
            Backend::Directory(base) => disk::list(&under(base, &real), MOST_ENTRIES),
            Backend::Memory(tree) => tree.list(&real),
            Backend::Snapshot(replay) => replay.capture.list(place),
        };
        #[cfg(test)]
        let names = self.struck_names(place, names);
        let names = match &self.stand_ins {
            Some(stand_ins) => names.then(|names| present(stand_ins.names(names))),
            None => names,
        };
        if let Some(capture) = &self.capture {
            capture.borrow_mut().gave_names(place, &names);
        }
        names
    }

    pub(super) fn owner(&self, place: &str) -> Fact<Node> {
        let real = self.real(place);
        let node = match &self.backend {
            Backend::Live => disk::node(&real),
            // Whoever copied the files owns them.
            Backend::Directory(_) => Fact::Unknown(Why::Copied),
            Backend::Memory(tree) => present_node(tree.owner_of(&real)),
            Backend::Snapshot(replay) => replay.capture.node(place).then(present_node),
        };
        #[cfg(test)]
        let node = self.struck_fact(Step::Owner, place, node);
        if let Some(capture) = &self.capture {
            capture.borrow_mut().gave_node(place, &node);
        }
        node
    }

    fn real<'a>(&self, place: &'a str) -> std::borrow::Cow<'a, str> {
        self.stand_ins.as_ref().map_or(place.into(), |stand_ins| stand_ins.real(place))
    }

    /// In a partial capture a missing folder says nothing about what it would hold.
    fn below(&self, folder: Fact<String>) -> Fact<String> {
        if self.may_be_partial() { folder.absent_as_not_captured() } else { folder }
    }

    /// In a copy, a link whose target is missing led somewhere once: the target was not captured.
    fn beyond(&self, target: Fact<String>) -> Fact<String> {
        if self.is_live() { target } else { target.absent_as_not_captured() }
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
}

/// On a host at work some files are read in a way of their own.
fn live(path: &str, most: usize, stop: bool) -> Fact<Vec<u8>> {
    if path == KMSG {
        disk::kernel_log(path, most)
    } else if path.starts_with("/sys/") && path.ends_with("/config") {
        disk::config_space(path)
    } else {
        disk::read(path, most, stop)
    }
}
