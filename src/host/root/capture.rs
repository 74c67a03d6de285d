//! What a root handed out, place by place: what a snapshot is packed from, and answered from.

use std::collections::BTreeMap;

use super::{Fact, Kind, LARGEST, Node, Why, present, wrong};

/// Link-free paths, and what is known of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    pub places: BTreeMap<String, Place>,
}

/// A place; none of what was not asked of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    pub kind: Option<Result<Kind, Why>>,
    pub bytes: Option<Result<Vec<u8>, Why>>,
    /// Sorted.
    pub names: Option<Result<Vec<String>, Why>>,
    pub node: Option<Result<Node, Why>>,
}

impl Capture {
    pub(super) fn saw(&mut self, place: &str, kind: Result<Kind, Why>) {
        if let Err(Why::NotCaptured) = kind {
            return;
        }
        let place = self.place(place);
        // Whoever was there once is no gap later.
        if !matches!((&place.kind, &kind), (Some(Ok(_)), Err(_))) {
            place.kind = Some(kind);
        }
    }

    pub(super) fn gave_bytes(&mut self, place: &str, bytes: &Fact<Vec<u8>>) {
        let place = self.place(place);
        match bytes {
            Fact::Absent => place.kind = Some(Ok(Kind::Missing)),
            Fact::Unknown(Why::NotCaptured) => {}
            Fact::Unknown(why) => {
                place.bytes.get_or_insert_with(|| Err(why.clone()));
            }
            Fact::Present(bytes, _) if bytes.len() > LARGEST => {
                place.bytes = Some(Err(wrong("more than 4 MiB", super::TOO_LONG)));
            }
            // The same file may be asked for its head only.
            Fact::Present(bytes, _) => match &place.bytes {
                Some(Ok(known)) if known.len() >= bytes.len() => {}
                _ => place.bytes = Some(Ok(bytes.clone())),
            },
        }
    }

    pub(super) fn gave_names(&mut self, place: &str, names: &Fact<Vec<String>>) {
        let place = self.place(place);
        match names {
            Fact::Absent => place.kind = Some(Ok(Kind::Missing)),
            Fact::Unknown(Why::NotCaptured) => {}
            Fact::Unknown(why) => {
                place.names.get_or_insert_with(|| Err(why.clone()));
            }
            Fact::Present(names, _) => {
                let mut names = names.clone();
                names.retain(|name| !name.starts_with('.'));
                names.sort_unstable();
                place.names = Some(Ok(names));
            }
        }
    }

    pub(super) fn gave_node(&mut self, place: &str, node: &Fact<Node>) {
        let place = self.place(place);
        match node {
            Fact::Absent => place.kind = Some(Ok(Kind::Missing)),
            Fact::Unknown(Why::NotCaptured) => {}
            Fact::Unknown(why) => place.node = Some(Err(why.clone())),
            Fact::Present(node, _) => place.node = Some(Ok(node.clone())),
        }
    }

    /// What nobody asked for is absent where its folder was listed without it, and else not
    /// captured.
    pub(super) fn kind(&self, place: &str) -> Result<Kind, Why> {
        match self.places.get(place).and_then(|place| place.kind.clone()) {
            Some(kind) => kind,
            None if self.is_listed_without(place) => Ok(Kind::Missing),
            None => Err(Why::NotCaptured),
        }
    }

    pub(super) fn read(&self, place: &str, most: usize) -> Fact<Vec<u8>> {
        let bytes = self.places.get(place).and_then(|place| place.bytes.as_ref());
        answer(bytes).then(|bytes| present(bytes[..bytes.len().min(most)].to_vec()))
    }

    pub(super) fn list(&self, place: &str) -> Fact<Vec<String>> {
        answer(self.places.get(place).and_then(|place| place.names.as_ref()))
            .then(|names| present(names.clone()))
    }

    pub(super) fn node(&self, place: &str) -> Fact<Node> {
        answer(self.places.get(place).and_then(|place| place.node.as_ref()))
            .then(|node| present(node.clone()))
    }

    /// Whether the list of its folder says that it is not there.
    pub fn is_listed_without(&self, place: &str) -> bool {
        let Some((folder, name)) = place.rsplit_once('/') else { return false };
        self.places.get(folder).is_some_and(|folder| folder.lists_without(name))
    }

    fn place(&mut self, place: &str) -> &mut Place {
        if !self.places.contains_key(place) {
            self.places.insert(place.to_owned(), Place::default());
        }
        self.places.get_mut(place).expect("it was put there if it was not")
    }
}

impl Place {
    /// Whether there is a list of this folder, and the name is not in it.
    pub fn lists_without(&self, name: &str) -> bool {
        let lacks =
            |names: &Vec<String>| names.binary_search_by(|it| it.as_str().cmp(name)).is_err();
        matches!(&self.names, Some(Ok(names)) if lacks(names))
    }
}

fn answer<T>(known: Option<&Result<T, Why>>) -> Fact<&T> {
    match known {
        Some(Ok(value)) => present(value),
        Some(Err(why)) => Fact::Unknown(why.clone()),
        None => Fact::Unknown(Why::NotCaptured),
    }
}
