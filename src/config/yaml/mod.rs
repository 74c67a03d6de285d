//! YAML text as a tree in which every node knows its place.
//!
//! A scalar keeps its text as it was typed and whether it was plain or quoted: what type it has
//! is asked where the type is known, so that an unquoted `0010` stays four digits. What the text
//! itself does wrong without breaking YAML (a key twice, a variable without a value) stands on
//! the node as a [`Fault`], and is told by whoever walks the tree and knows where he is.

mod build;
mod comments;
mod open_map;
mod syntax;

use std::cell::Cell;
use std::rc::Rc;

pub(super) use build::{Stop, read};
pub(super) use comments::comments;

use super::ProblemKind;
use crate::source::Span;

/// A value, its place and what is wrong with its text.
#[derive(Debug)]
pub(super) struct Node {
    /// The scalar as written; of a block map its first key, of a block list its first dash.
    pub(super) span: Span,
    pub(super) kind: Kind,
    pub(super) faults: Vec<Fault>,
    /// How many nodes it is, itself included and aliases followed.
    weight: usize,
    /// How many levels of lists and maps it is.
    height: usize,
    /// True once an alias repeats it elsewhere.
    aliased: Cell<bool>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Scalar(Scalar),
    List(Vec<Rc<Node>>),
    Map(Map),
    /// It cannot be known, and a fault says why: nothing more is to be said of it.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Scalar {
    /// Without quotes, escapes and variables resolved.
    pub(super) text: String,
    /// False for quoted texts and blocks, which are text whatever they look like.
    pub(super) plain: bool,
}

#[derive(Debug, Default)]
pub(super) struct Map {
    /// Own keys as written, then those of merge keys.
    pub(super) entries: Vec<Entry>,
    /// The first key as written, a merge key included.
    pub(super) first: Option<Span>,
    /// The maps that merge keys name.
    merged: Vec<Rc<Node>>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Rc<str>,
    pub(super) key_span: Span,
    pub(super) value: Rc<Node>,
}

/// Something wrong with the text of a node that leaves the rest readable.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: ProblemKind,
    pub(super) message: String,
    pub(super) span: Span,
    /// The key below the node it is about, if it is not the node itself.
    pub(super) key: Option<Rc<str>>,
    pub(super) help: Vec<String>,
    pub(super) related: Vec<(String, Span)>,
}

impl Node {
    pub(super) fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(super) fn map(&self) -> Option<&Map> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Rc<Node>]> {
        match &self.kind {
            Kind::List(list) => Some(list),
            _ => None,
        }
    }

    /// Nothing written, `~` or `null`.
    pub(super) fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    /// Calls `told` for the faults of this node, those of the maps merged into it included.
    pub(super) fn own_faults<'a>(&'a self, told: &mut dyn FnMut(&'a Fault)) {
        self.faults.iter().for_each(&mut *told);
        for merged in self.map().map_or(&[][..], |map| &map.merged) {
            merged.own_faults(told);
        }
    }

    /// Whether some map below has this key, and nothing repeats it elsewhere by an alias.
    pub(super) fn holds_key(&self, key: &str) -> bool {
        if self.aliased.get() {
            return false;
        }
        match &self.kind {
            Kind::List(list) => list.iter().any(|node| node.holds_key(key)),
            Kind::Map(map) => map.entries.iter().any(|entry| {
                (&*entry.key == key && !entry.value.aliased.get()) || entry.value.holds_key(key)
            }),
            Kind::Scalar(_) | Kind::Unknown => false,
        }
    }
}

impl Fault {
    pub(in crate::config) fn new(kind: ProblemKind, message: String, span: Span) -> Self {
        Self { kind, message, span, key: None, help: Vec::new(), related: Vec::new() }
    }
}

impl Scalar {
    /// The null of YAML 1.2's core schema.
    pub(super) fn is_null(&self) -> bool {
        self.plain && matches!(&*self.text, "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Map {
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| &*entry.key == key)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &*entry.value)
    }
}
