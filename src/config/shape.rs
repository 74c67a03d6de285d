//! What a description of a configuration is made of.
//!
//! The description itself is data (`document.rs`); the walk that finds problems and the
//! published JSON Schema are both made from it, so that they cannot disagree.

/// What may stand at a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Map(&'static MapShape),
    List(&'static Shape),
    /// A list of VMs, or one counted group of them.
    Nodes {
        vm: &'static MapShape,
        group: &'static MapShape,
    },
    /// Any single value, by its text.
    Text,
    /// The same, and not empty.
    Name,
    /// A whole number from `min` to [`MAX_INTEGER`].
    Integer {
        min: u64,
    },
    Boolean,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The address of a PCI function.
    Address,
    /// A PCI vendor or device id.
    Id,
    /// An IPv4 address or `DHCP`.
    Ip,
    /// An IPv4 network, `192.168.100.0/24`.
    Subnet,
    /// A path that ends so.
    Path {
        suffix: &'static str,
    },
    /// Whatever its owner likes.
    Free,
}

/// More of anything is a slip of the finger.
pub(super) const MAX_INTEGER: u64 = 1_000_000_000;

/// A map with known keys.
#[derive(Debug)]
pub(super) struct MapShape {
    /// Its name in the JSON Schema.
    pub(super) name: &'static str,
    /// What it is called in a message, with its article: `a VM`.
    pub(super) what: &'static str,
    pub(super) doc: &'static str,
    pub(super) role: Role,
    pub(super) unknown: Unknown,
    /// Each of these wants one of its keys, and only one.
    pub(super) required: &'static [&'static [&'static str]],
    /// In several parts, so that maps can share some.
    pub(super) fields: &'static [&'static [Field]],
    /// Keys that belong elsewhere, and what to do with them.
    pub(super) misplaced: &'static [(&'static str, &'static str)],
}

/// What a key is that a map does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Its owner's affair.
    Allowed,
    /// A warning.
    Warned,
    /// An error, since ignoring it would change what is passed through.
    Refused,
}

/// What the walk does at a map besides checking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Plain,
    Cluster,
    Vm,
    /// VMs by the number: one with a fixed address is one VM.
    Group,
}

/// A key and what stands under it.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) shape: Shape,
    /// One sentence, for hover text and reference.
    pub(super) doc: &'static str,
    /// What an absent key means, as JSON.
    pub(super) default: Option<&'static str>,
    /// An empty value (`key:`) is the same as no key.
    pub(super) may_be_empty: bool,
}

impl Field {
    pub(super) const fn new(key: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self { key, shape, doc, default: None, may_be_empty: true }
    }

    pub(super) const fn default(mut self, json: &'static str) -> Self {
        self.default = Some(json);
        self
    }

    pub(super) const fn never_empty(mut self) -> Self {
        self.may_be_empty = false;
        self
    }
}

impl MapShape {
    pub(super) fn all(&self) -> impl Iterator<Item = &'static Field> + Clone + use<> {
        self.fields.iter().flat_map(|part| part.iter())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.all().map(|field| field.key)
    }

    pub(super) fn field(&self, key: &str) -> Option<&'static Field> {
        self.all().find(|field| field.key == key)
    }

    /// The keys one of which is required when this one is.
    pub(super) fn or(&self, key: &str) -> impl Iterator<Item = &'static str> {
        let required = self.required.iter().find(|keys| keys.contains(&key));
        required.into_iter().flat_map(|keys| keys.iter().copied())
    }

    pub(super) fn requires(&self, key: &str) -> bool {
        self.required.iter().any(|keys| keys.contains(&key))
    }
}

impl Shape {
    /// What is expected, for a message: `a whole number of 1 or more`.
    pub(super) fn expected(self) -> String {
        match self {
            Self::Map(map) => match map.required {
                [] => "a map of keys".to_owned(),
                required => {
                    let keys: Vec<_> =
                        required.iter().map(|keys| format!("`{}`", keys[0])).collect();
                    format!("a map with {}", keys.join(", "))
                }
            },
            Self::List(_) => "a list".to_owned(),
            Self::Nodes { .. } => "a list of VMs, or one group with `count`,".to_owned(),
            Self::Text | Self::Name => "a text".to_owned(),
            Self::Integer { min } => format!("a whole number of {min} or more"),
            Self::Boolean => "true or false".to_owned(),
            Self::Word(words) => words.join(", "),
            Self::Address => "a PCI address like 0000:01:00.0".to_owned(),
            Self::Id => "an id of four hexadecimal digits".to_owned(),
            Self::Ip => "an IPv4 address or DHCP".to_owned(),
            Self::Subnet => "a network like 192.168.100.0/24".to_owned(),
            Self::Path { suffix } => format!("a path that ends in {suffix}"),
            Self::Free => "anything".to_owned(),
        }
    }
}
