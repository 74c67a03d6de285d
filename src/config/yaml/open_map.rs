//! A map while its keys come in: keys that stand twice, keys that are none, merge keys.

use std::collections::HashMap;
use std::rc::Rc;

use super::{Entry, Fault, Kind, Map, Node};
use crate::config::ProblemKind;
use crate::source::Span;

#[derive(Default)]
pub(super) struct OpenMap {
    map: Map,
    /// Where each key stands first.
    seen: HashMap<Rc<str>, Span>,
    pending: Pending,
    merges: Vec<Rc<Node>>,
}

#[derive(Default)]
enum Pending {
    #[default]
    NoKey,
    Key {
        text: Rc<str>,
        span: Span,
        plain: bool,
    },
    /// A key that cannot be read: its value is left out.
    BadKey,
}

impl OpenMap {
    /// Whether the next node is a key.
    pub(super) fn awaits_key(&self) -> bool {
        matches!(self.pending, Pending::NoKey)
    }

    pub(super) fn put(&mut self, node: Rc<Node>, faults: &mut Vec<Fault>) {
        match std::mem::take(&mut self.pending) {
            Pending::NoKey => self.key(&node, faults),
            Pending::BadKey => {}
            Pending::Key { text, span, plain } => {
                if let Some(&first) = self.seen.get(&text) {
                    faults.push(duplicate(&text, span, first));
                    return;
                }
                self.seen.insert(Rc::clone(&text), span);
                if plain && &*text == "<<" {
                    self.merges.push(node);
                } else {
                    self.map.entries.push(Entry { key: text, key_span: span, value: node });
                }
            }
        }
    }

    fn key(&mut self, node: &Node, faults: &mut Vec<Fault>) {
        self.map.first.get_or_insert(node.span);
        self.pending = match &node.kind {
            Kind::Scalar(key) if !(key.plain && key.text.is_empty()) => {
                Pending::Key { text: key.text.as_str().into(), span: node.span, plain: key.plain }
            }
            _ => {
                let message =
                    "a key is a single text; here stands a list, a map or nothing".to_owned();
                let help = vec!["write `key: value`".to_owned()];
                faults.push(Fault { help, ..Fault::new(ProblemKind::Schema, message, node.span) });
                Pending::BadKey
            }
        };
    }

    /// Takes in what the merge keys name: own keys win, then earlier maps.
    pub(super) fn finish(mut self, faults: &mut Vec<Fault>) -> Map {
        for value in std::mem::take(&mut self.merges) {
            match &value.kind {
                Kind::List(list) => list.iter().for_each(|node| self.merge(node, faults)),
                _ => self.merge(&value, faults),
            }
        }
        self.map
    }

    fn merge(&mut self, node: &Rc<Node>, faults: &mut Vec<Fault>) {
        match &node.kind {
            Kind::Map(from) => {
                for entry in &from.entries {
                    if !self.seen.contains_key(&entry.key) {
                        self.seen.insert(Rc::clone(&entry.key), entry.key_span);
                        let (key, value) = (Rc::clone(&entry.key), Rc::clone(&entry.value));
                        self.map.entries.push(Entry { key, key_span: entry.key_span, value });
                    }
                }
            }
            Kind::Unknown => {}
            _ => {
                let message = "`<<` takes in a map or a list of maps; this is neither".to_owned();
                let help = vec!["write `<<: *name`, where `&name` marks a map above".to_owned()];
                faults.push(Fault { help, ..Fault::new(ProblemKind::Schema, message, node.span) });
            }
        }
        self.map.merged.push(Rc::clone(node));
    }
}

fn duplicate(key: &Rc<str>, span: Span, first: Span) -> Fault {
    let merge = &**key == "<<";
    let advice =
        if merge { "take in several maps at once: `<<: [*a, *b]`" } else { "keep one of the two" };
    Fault {
        key: Some(Rc::clone(key)),
        help: vec![advice.to_owned()],
        related: vec![("it stands here first".to_owned(), first)],
        ..Fault::new(
            ProblemKind::DuplicateKey,
            format!("the key `{key}` stands twice in one map"),
            span,
        )
    }
}
