//! A host in memory: the examples of the rules, and what a snapshot will be unpacked into.

use std::collections::BTreeMap;

use super::{Fact, Kind, Locking, Node, Why};

/// Paths of a host and what stands there. Folders come into being with what they hold.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
    /// Owner, group and mode of device nodes; those not named are open to whoever asks alone.
    owners: BTreeMap<String, (u32, u32, u32)>,
    /// Who asks: user and groups; root where nobody is named.
    caller: (u32, Vec<u32>),
    /// How many bytes the caller may lock, where that is not root; what the kernel gives where
    /// nothing is said (`include/uapi/linux/resource.h`, `MLOCK_LIMIT`).
    memlock: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Folder,
    File(Vec<u8>),
    Link(String),
    /// It is known that this is not known.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the tests make hosts with faults"))]
    Unknown(Why),
}

impl Tree {
    pub fn file(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.put(path, Entry::File(bytes.into()));
    }

    pub fn link(&mut self, path: &str, target: &str) {
        self.put(path, Entry::Link(target.to_owned()));
    }

    pub fn node(&mut self, path: &str, owner: u32, group: u32, mode: u32) {
        self.file(path, "");
        self.owners.insert(path.to_owned(), (owner, group, mode));
    }

    pub fn called_by(&mut self, uid: u32, gids: &[u32]) {
        self.caller = (uid, gids.to_vec());
    }

    pub fn may_lock(&mut self, bytes: u64) {
        self.memlock = Some(bytes);
    }

    pub(super) fn locking(&self) -> Locking {
        let limit = Some(self.memlock.unwrap_or(8 << 20));
        Locking { limit, without_limit: self.caller.0 == 0 }
    }

    pub fn folder(&mut self, path: &str) {
        if !path.is_empty() && !matches!(self.entries.get(path), Some(Entry::Folder)) {
            self.put(path, Entry::Folder);
        }
    }

    #[cfg(test)]
    pub fn unknown(&mut self, path: &str, why: Why) {
        self.remove(path);
        self.put(path, Entry::Unknown(why));
    }

    /// Takes a path away, with all below it.
    pub fn remove(&mut self, path: &str) {
        let below = format!("{path}/");
        self.entries.retain(|entry, _| entry != path && !entry.starts_with(&below));
    }

    #[cfg(test)]
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    pub fn put(&mut self, path: &str, entry: Entry) {
        if let Some((parent, _)) = path.rsplit_once('/')
            && !self.entries.contains_key(parent)
        {
            self.folder(parent);
        }
        self.entries.insert(path.to_owned(), entry);
    }

    pub(super) fn kind(&self, place: &str) -> Result<Kind, Why> {
        match self.entries.get(place) {
            None => Ok(Kind::Missing),
            Some(Entry::Folder) => Ok(Kind::Folder),
            Some(Entry::File(_)) => Ok(Kind::File),
            Some(Entry::Link(target)) => Ok(Kind::Link(target.clone())),
            Some(Entry::Unknown(why)) => Err(why.clone()),
        }
    }

    pub(super) fn owner_of(&self, place: &str) -> Node {
        let (uid, gids) = &self.caller;
        let (owner, group, mode) = self.owners.get(place).copied().unwrap_or((*uid, 0, 0o600));
        let mut node = Node { owner, group, mode, has_acl: false, open_to_caller: true };
        node.open_to_caller = *uid == 0 || node.mode_allows(*uid, gids);
        node
    }

    pub(super) fn read(&self, place: &str, most: usize) -> Fact<Vec<u8>> {
        match self.entries.get(place) {
            Some(Entry::File(bytes)) => {
                Fact::Present(bytes.iter().copied().take(most).collect(), "".into())
            }
            _ => Fact::Absent,
        }
    }

    pub(super) fn list(&self, place: &str) -> Fact<Vec<String>> {
        let below = format!("{place}/");
        let names = self
            .entries
            .range(below.clone()..)
            .map_while(|(path, _)| path.strip_prefix(&below))
            .filter(|rest| !rest.contains('/'))
            .map(str::to_owned)
            .collect();
        Fact::Present(names, "".into())
    }
}
