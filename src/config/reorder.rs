//! A configuration with its keys, VMs and devices in another order, for tests.

use std::fmt::Write;

use super::limits::Spent;
use super::yaml::{self, Kind, Node, Scalar};
use crate::source::Sources;

/// Lists whose order is no part of what they say.
const LISTS: [&str; 3] = ["compute_nodes", "worker_nodes", "devices"];

/// `pick` chooses one of so many, the next to be written. None of a text with mistakes in its YAML,
/// which may be mistakes of order, and of one that holds directives, which are about lines.
pub fn reordered(text: &str, pick: &mut dyn FnMut(usize) -> usize) -> Option<String> {
    let mut sources = Sources::default();
    sources.add("plan.yaml", text);
    if text.contains("ai-how:") {
        return None;
    }
    let root = yaml::read(0, sources.get(0), &|_| None, &mut Spent::default()).ok()??;
    let mut written = String::new();
    write(&root, "", pick, &mut written)?;
    Some(written + "\n")
}

fn write(
    node: &Node,
    key: &str,
    pick: &mut dyn FnMut(usize) -> usize,
    out: &mut String,
) -> Option<()> {
    if !node.faults.is_empty() {
        return None;
    }
    match &node.kind {
        Kind::Scalar(scalar) => out.push_str(&scalar_text(scalar)?),
        Kind::Unknown => return None,
        Kind::List(list) => {
            let mut left: Vec<&Node> = list.iter().map(|node| &**node).collect();
            out.push('[');
            while !left.is_empty() {
                let next = if LISTS.contains(&key) { pick(left.len()) } else { 0 };
                write(left.remove(next), "", pick, out)?;
                out.push_str(", ");
            }
            out.push(']');
        }
        Kind::Map(map) => {
            let mut left: Vec<_> = map.entries.iter().collect();
            out.push('{');
            while !left.is_empty() {
                let entry = left.remove(pick(left.len()));
                write!(out, "{:?}: ", entry.key).ok()?;
                write(&entry.value, &entry.key, pick, out)?;
                out.push_str(", ");
            }
            out.push('}');
        }
    }
    Some(())
}

/// Plain stays plain, since it may be a number or a switch.
fn scalar_text(scalar: &Scalar) -> Option<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "._:/-+".contains(c);
    match (scalar.plain, scalar.text.as_str()) {
        (false, text) => serde_json::to_string(text).ok(),
        (true, "") => Some("null".to_owned()),
        (true, text) if text.chars().all(is_word) => Some(text.to_owned()),
        (true, _) => None,
    }
}
