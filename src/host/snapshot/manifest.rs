//! The first member of a snapshot: what it is, and all that files, folders and links cannot say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::host::access::Node;
use crate::host::locking::Locking;
use crate::host::reading::Why;
use crate::host::root::Source;

pub(super) const SCHEMA: &str = "ai-how/snapshot/1";
pub(super) const NAME: &str = "manifest.json";

/// What a snapshot says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// `ai-how/snapshot/1`
    pub schema: String,
    pub tool: Tool,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// When it was made, in UTC.
    pub time: String,
    /// What it was made of: a host at work or a copy of one.
    pub source: Source,
    /// What `uname -m` said.
    pub machine: Option<String>,
    /// What who took the snapshot may lock of the memory; none of a directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locking: Option<Locking>,
    /// How many members follow.
    pub members: usize,
    /// What could not be read, and why.
    pub unreadable: Vec<Unreadable>,
    /// What was looked for and is not there, where no listing says so.
    pub absent: BTreeSet<String>,
    /// Files that are there and were not read: their members are empty.
    pub not_read: BTreeSet<String>,
    /// Device nodes and pipes, of which only this is told: their members are empty files.
    pub special: BTreeSet<String>,
    /// Owners of device nodes, and whether who took the snapshot may open them.
    #[serde(deserialize_with = "each_once")]
    pub nodes: BTreeMap<String, NodeEntry>,
    /// All names in the folders that were listed. One without a member was not read.
    #[serde(deserialize_with = "each_once")]
    pub listings: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeEntry {
    pub owner: u32,
    pub group: u32,
    /// Permission bits.
    pub mode: u32,
    /// It has an access control list, which is not packed.
    pub access_list: bool,
    pub open_to_caller: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Unreadable {
    pub path: String,
    pub what: What,
    pub why: Cause,
    /// What was found there, or the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What should have been there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

/// What was asked of the path.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum What {
    Entry,
    Contents,
    Listing,
    Owner,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    Denied,
    Failed,
    Malformed,
    Vanished,
    Missing,
    /// The owner of a copy is not that of the host.
    Copied,
}

/// A map in which no key stands twice: by JSON the last one holds, and a person sees the first.
fn each_once<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    struct EachOnce<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for EachOnce<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
            to.write_str("a map of paths")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((path, value)) = all.next_entry::<String, T>()? {
                if map.contains_key(&path) {
                    return Err(A::Error::custom(format_args!("{path:?} is there twice")));
                }
                map.insert(path, value);
            }
            Ok(map)
        }
    }
    from.deserialize_map(EachOnce(PhantomData))
}

impl Unreadable {
    /// None of what was not captured before either: it need not be told.
    pub fn new(path: &str, what: What, why: &Why) -> Option<Self> {
        let (cause, found, expected) = match why {
            Why::Denied => (Cause::Denied, None, None),
            Why::Failed { error } => (Cause::Failed, Some(error.clone()), None),
            // No root says the latter: it is what readers make of a text that is whole.
            Why::Malformed { found, expected } | Why::Unclear { found, needed: expected } => {
                (Cause::Malformed, Some(found.clone()), Some((*expected).to_owned()))
            }
            Why::NotCaptured => return None,
            Why::Vanished => (Cause::Vanished, None, None),
            Why::Missing => (Cause::Missing, None, None),
            Why::Copied => (Cause::Copied, None, None),
        };
        Some(Self { path: path.to_owned(), what, why: cause, found, expected })
    }

    pub fn why(&self) -> Why {
        let found = || self.found.clone().unwrap_or_default();
        match self.why {
            Cause::Denied => Why::Denied,
            Cause::Failed => Why::Failed { error: found() },
            Cause::Malformed => {
                let expected = self.expected.as_deref().unwrap_or_default();
                // What a root expects of a place is one of few things.
                match crate::host::root::EXPECTED.iter().find(|known| **known == expected) {
                    Some(expected) => Why::Malformed { found: found(), expected },
                    None => Why::Malformed { found: found(), expected: "something else" },
                }
            }
            Cause::Vanished => Why::Vanished,
            Cause::Missing => Why::Missing,
            Cause::Copied => Why::Copied,
        }
    }
}

impl NodeEntry {
    pub fn new(node: &Node) -> Self {
        let Node { owner, group, mode, has_acl, open_to_caller } = *node;
        Self { owner, group, mode, access_list: has_acl, open_to_caller }
    }

    pub fn node(&self) -> Node {
        let Self { owner, group, mode, access_list, open_to_caller } = *self;
        Node { owner, group, mode, has_acl: access_list, open_to_caller }
    }
}

impl Manifest {
    /// How much somebody else, as root, could have read.
    pub fn denied(&self) -> usize {
        self.unreadable.iter().filter(|it| it.why == Cause::Denied).count()
    }
}
