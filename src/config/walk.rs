//! The walk of a tree along the description: every problem and every VM, in one go.

use std::collections::HashMap;
use std::rc::Rc;

use super::decode::{self, Cluster};
use super::document::{CLUSTER_FILE, POLICY_FILE, SHORT_FILE};
use super::leaf::{self, cut};
use super::limits::MAX_PROBLEMS;
use super::shape::{Field, MapShape, Role, Shape, Unknown};
use super::suggest::closest;
use super::yaml::{Entry, Fault, Kind, Map, Node};
use super::{Problem, ProblemKind, Vm};
use crate::source::Span;

/// What one file says.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) vms: Vec<Vm>,
    pub(super) problems: Vec<Problem>,
}

impl Found {
    pub(super) fn only(problem: Problem) -> Self {
        Self { vms: Vec::new(), problems: vec![problem] }
    }
}

/// Holds the tree of a file against the description.
pub(super) fn walk(file: usize, root: Option<&Node>) -> Found {
    let start = Span::new(file, 0, 0);
    let Some(root) = root.filter(|root| !root.is_null()) else {
        let message = "the file is empty: a configuration is expected".to_owned();
        return Found::only(Problem::new(ProblemKind::Schema, message, start).with_help(shapes()));
    };
    let mut walk = Walk::default();
    match &root.kind {
        Kind::Map(map) => match shape_of(map) {
            Some(shape) => walk.map(root, map, shape),
            None => walk.shapeless(root, map),
        },
        Kind::Unknown => walk.faults(root),
        Kind::List(_) => {
            walk.say(root.span, "a list stands at the top; a map of keys is expected", shapes());
        }
        Kind::Scalar(_) => walk.say(
            root.span,
            "a single text stands at the top; a map of keys is expected",
            shapes(),
        ),
    }
    walk.problems.sort_by_key(|problem| problem.span);
    Found { vms: walk.vms, problems: walk.problems }
}

/// Holds the tree of a policy against its description.
pub(super) fn policy(root: &Node) -> Vec<Problem> {
    let mut walk = Walk::default();
    walk.node(root, Shape::Map(&POLICY_FILE));
    walk.problems.sort_by_key(|problem| problem.span);
    walk.problems
}

/// Which of the two documents it is, or was meant to be.
fn shape_of(map: &Map) -> Option<&'static MapShape> {
    let told = |key: &str| match key {
        "clusters" => Some(&CLUSTER_FILE),
        "compute_nodes" => Some(&SHORT_FILE),
        _ => None,
    };
    let meant = |entry: &Entry| closest(&entry.key, ["clusters", "compute_nodes"].into_iter());
    ["clusters", "compute_nodes"]
        .into_iter()
        .find(|key| map.get(key).is_some())
        .or_else(|| map.entries.iter().find_map(meant))
        .and_then(told)
}

fn shapes() -> Vec<String> {
    vec!["write `clusters:` with `version:` for a whole cluster, or `compute_nodes:` for VMs and their devices alone".to_owned()]
}

/// A step from a node to one below it.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Key(Rc<str>),
    Index(usize),
}

#[derive(Default)]
struct Walk {
    path: Vec<Step>,
    /// The key under which the current node stands; none in a list.
    key: Option<Span>,
    vm: Option<String>,
    cluster: Option<Cluster>,
    vms: Vec<Vm>,
    problems: Vec<Problem>,
    /// Where a problem about a place stands in `problems`: text that an alias repeats is one
    /// thing and gives one finding.
    told: HashMap<(Span, ProblemKind, String), usize>,
}

impl Walk {
    fn node(&mut self, node: &Node, shape: Shape) {
        match (shape, &node.kind) {
            (_, Kind::Unknown) => self.faults(node),
            (Shape::Map(shape), Kind::Map(map)) => self.map(node, map, shape),
            (Shape::List(shape), Kind::List(list)) => self.list(node, list, *shape),
            (Shape::Nodes { vm, .. }, Kind::List(list)) => self.list(node, list, Shape::Map(vm)),
            (Shape::Nodes { group, .. }, Kind::Map(map)) => self.group(node, map, group),
            (Shape::Free, _) => self.faults_below(node),
            (_, Kind::Scalar(scalar)) => {
                self.faults(node);
                if let Err(wrong) = leaf::check(scalar, shape) {
                    let message = wrong.message(&self.label());
                    self.tell(&Fault {
                        help: wrong.help,
                        ..Fault::new(wrong.kind, message, node.span)
                    });
                }
            }
            (_, Kind::List(_) | Kind::Map(_)) => {
                let (is, help) = match (&node.kind, shape) {
                    (Kind::Map(_), Shape::List(_)) => {
                        ("a map", vec!["put `- ` before the first key of each entry".to_owned()])
                    }
                    (Kind::Map(_), _) => ("a map", Vec::new()),
                    (_, Shape::Map(_)) => {
                        ("a list", vec!["write its keys without `- `".to_owned()])
                    }
                    _ => ("a list", Vec::new()),
                };
                self.faults_below(node);
                let message = format!("{} is {is}; {} is expected", self.label(), shape.expected());
                self.say(node.span, &message, help);
            }
        }
    }

    fn list(&mut self, node: &Node, list: &[Rc<Node>], shape: Shape) {
        self.faults(node);
        for (index, entry) in list.iter().enumerate() {
            self.path.push(Step::Index(index));
            self.key = None;
            if entry.is_null() && !matches!(shape, Shape::Free) {
                let message = format!("{} is empty", self.label());
                self.say(entry.span, &message, vec!["remove it, or fill it in".to_owned()]);
            } else {
                self.node(entry, shape);
            }
            self.path.pop();
        }
    }

    fn group(&mut self, node: &Node, map: &Map, shape: &'static MapShape) {
        let counts = |entry: &Entry| closest(&entry.key, shape.keys()) == Some("count");
        if map.entries.iter().any(counts) {
            return self.map(node, map, shape);
        }
        let vm = decode::vm(node, map, &self.path, self.key, self.cluster.as_ref());
        self.vm = Some(vm.name.clone());
        self.vms.push(vm);
        // Its other keys may be names of VMs: to judge them as keys of a group would bury this.
        self.faults_below(node);
        let message =
            "`count` is missing: write how many VMs this group has, or write a list of VMs"
                .to_owned();
        self.say(
            map.first.unwrap_or(node.span),
            &message,
            vec!["a list has `- ` before the first key of each VM".to_owned()],
        );
        self.vm = None;
    }

    fn map(&mut self, node: &Node, map: &Map, shape: &'static MapShape) {
        match shape.role {
            Role::Plain => self.keys(node, map, shape),
            Role::Cluster => {
                self.cluster = decode::cluster(map, &self.path);
                self.keys(node, map, shape);
                self.cluster = None;
            }
            Role::Vm | Role::Group => {
                let vm = decode::vm(node, map, &self.path, self.key, self.cluster.as_ref());
                self.vm = Some(vm.name.clone());
                self.vms.push(vm);
                self.keys(node, map, shape);
                if shape.role == Role::Group {
                    self.one_address(map);
                }
                self.vm = None;
            }
        }
    }

    fn keys(&mut self, node: &Node, map: &Map, shape: &'static MapShape) {
        self.faults(node);
        let mut meant = Vec::new();
        for entry in &map.entries {
            self.path.push(Step::Key(Rc::clone(&entry.key)));
            self.key = Some(entry.key_span);
            match shape.field(&entry.key) {
                Some(field) if entry.value.is_null() => self.empty(entry, field, shape),
                Some(field) => self.node(&entry.value, field.shape),
                None => meant.extend(self.unknown(entry, map, shape)),
            }
            self.path.pop();
        }
        for &keys in shape.required {
            let mut written =
                keys.iter().filter_map(|key| map.entry(key)).filter(|entry| !entry.value.is_null());
            match (written.next(), written.next()) {
                (Some(_), None) => {}
                (Some(_), Some(second)) => {
                    let message =
                        format!("`{}` and `{}` say the same: keep one of them", keys[0], keys[1]);
                    self.say(second.key_span, &message, Vec::new());
                }
                // Told of already: the key is misspelt, or empty.
                _ if keys.iter().any(|key| meant.contains(key)) => {}
                _ if keys.len() == 1 && map.entry(keys[0]).is_some() => {}
                _ => self.missing(node, map, shape, keys),
            }
        }
    }

    fn missing(&mut self, node: &Node, map: &Map, shape: &MapShape, keys: &[&str]) {
        let about = |field: &Field| {
            format!("{}: {} is expected", field.doc.trim_end_matches('.'), field.shape.expected())
        };
        let mut help: Vec<String> = shape.field(keys[0]).map(about).into_iter().collect();
        help.extend(keys.get(1).map(|other| format!("`{other}` will do as well")));
        let message = format!("`{}` is missing in {}", keys[0], shape.what);
        self.say(map.first.unwrap_or(node.span), &message, help);
    }

    /// A key without a value: no key at all, where it may be left out.
    fn empty(&mut self, entry: &Entry, field: &Field, shape: &MapShape) {
        self.faults(&entry.value);
        let alone = shape.required.iter().any(|keys| *keys == [field.key]);
        if alone || !field.may_be_empty {
            let message =
                format!("`{}` is empty; {} is expected", field.key, field.shape.expected());
            self.say(entry.key_span, &message, Vec::new());
        }
    }

    /// Tells of an unknown key; gives the required key it stands for.
    fn unknown(
        &mut self,
        entry: &Entry,
        map: &Map,
        shape: &'static MapShape,
    ) -> Option<&'static str> {
        self.faults_below(&entry.value);
        if shape.unknown == Unknown::Allowed {
            return None;
        }
        let misplaced = shape.misplaced.iter().find(|(key, _)| *key == &*entry.key);
        let meant = closest(&entry.key, shape.keys()).filter(|_| misplaced.is_none());
        let needed = meant.filter(|key| {
            shape.requires(key) && !shape.or(key).any(|other| map.entry(other).is_some())
        });
        let mut help = Vec::new();
        match (misplaced, meant) {
            (Some((_, advice)), _) => help.push((*advice).to_owned()),
            (_, Some(key)) if map.entry(key).is_some() => {
                help.push(format!("did you mean `{key}`? it already stands here"));
            }
            (_, Some(key)) => help.push(format!("did you mean `{key}`?")),
            _ => {}
        }
        help.push(format!("allowed here: {}", shape.keys().collect::<Vec<_>>().join(", ")));
        let needs = needed.map(|key| format!(", which needs `{key}`")).unwrap_or_default();
        let message = format!("`{}` is no key of {}{needs}", cut(&entry.key), shape.what);
        let passes = &*entry.key == PASSTHROUGH || entry.value.holds_key(PASSTHROUGH);
        let serious = shape.unknown == Unknown::Refused || needed.is_some() || passes;
        let kind = ProblemKind::UnknownKey { serious };
        self.tell(&Fault { help, ..Fault::new(kind, message, entry.key_span) });
        needed
    }

    /// Several VMs cannot share one fixed address.
    fn one_address(&mut self, map: &Map) {
        let fixed = decode::spanned(map, "ip", |ip| leaf::ip(ip).ok().flatten());
        let count = decode::spanned(map, "count", |count| leaf::integer(count, 1).ok());
        if let (Some(ip), Some(count)) = (fixed, count)
            && count.value > 1
        {
            self.path.push(Step::Key("ip".into()));
            let message =
                format!("`ip` is {}, but {} VMs cannot share one address", ip.value, count.value);
            self.say(ip.span, &message, vec!["write DHCP".to_owned()]);
            self.path.pop();
        }
    }

    fn shapeless(&mut self, root: &Node, map: &Map) {
        self.faults_below(root);
        let message =
            "neither `clusters` nor `compute_nodes` stands at the top: one of them is needed";
        self.say(map.first.unwrap_or(root.span), message, shapes());
    }

    /// The faults of a node's own text.
    fn faults(&mut self, node: &Node) {
        node.own_faults(&mut |fault| self.tell(fault));
    }

    /// The faults of a node and of all below it, where nothing else is to be said.
    fn faults_below(&mut self, node: &Node) {
        self.faults(node);
        for (index, entry) in node.list().unwrap_or_default().iter().enumerate() {
            self.path.push(Step::Index(index));
            self.faults_below(entry);
            self.path.pop();
        }
        for entry in node.map().map_or(&[][..], |map| &map.entries) {
            self.path.push(Step::Key(Rc::clone(&entry.key)));
            self.faults_below(&entry.value);
            self.path.pop();
        }
    }

    fn say(&mut self, span: Span, message: &str, help: Vec<String>) {
        self.tell(&Fault { help, ..Fault::new(ProblemKind::Schema, message.to_owned(), span) });
    }

    fn tell(&mut self, fault: &Fault) {
        let Fault { kind, span, ref message, ref key, .. } = *fault;
        let next = self.problems.len();
        let at = *self.told.entry((span, kind, message.clone())).or_insert(next);
        if let Some(problem) = self.problems.get_mut(at) {
            also(problem, self.vm.as_ref());
        } else if next <= MAX_PROBLEMS {
            self.problems.push(Problem {
                vm: self.vm.clone(),
                pointer: Some(pointer(&self.path, key.as_ref())),
                help: fault.help.clone(),
                related: fault.related.clone(),
                ..Problem::new(kind, message.clone(), span)
            });
        }
    }

    /// What the current node is called in a message.
    fn label(&self) -> String {
        let mut steps = self.path.iter().rev();
        match (steps.next(), steps.next()) {
            (Some(Step::Key(key)), _) => format!("`{key}`"),
            (Some(Step::Index(index)), Some(Step::Key(key))) => {
                format!("entry {} of `{key}`", index + 1)
            }
            _ => "the file".to_owned(),
        }
    }
}

const PASSTHROUGH: &str = "pcie_passthrough";

/// Notes another VM in which the same text stands.
fn also(problem: &mut Problem, vm: Option<&String>) {
    match (&problem.vm, vm) {
        (_, None) => {}
        (None, Some(vm)) => problem.vm = Some(vm.clone()),
        (Some(first), Some(vm)) => {
            if first != vm && problem.also.last() != Some(vm) {
                problem.also.push(vm.clone());
            }
        }
    }
}

/// The JSON pointer (RFC 6901) of a path and a key below it.
fn pointer(path: &[Step], key: Option<&Rc<str>>) -> String {
    let mut out = String::new();
    for step in path.iter().cloned().chain(key.map(|key| Step::Key(Rc::clone(key)))) {
        out.push('/');
        match step {
            Step::Key(key) => out.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => out.push_str(&index.to_string()),
        }
    }
    out
}
