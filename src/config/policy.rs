//! `.ai-how.yaml`: what becomes of findings about the configurations beside it.

use super::directive::{Action, Covers, Directive};
use super::yaml::{Map, Node};
use super::{Problem, decode, leaf, walk};

/// What is understood of it, and what is wrong with the rest.
pub(super) fn read(root: Option<&Node>) -> (Vec<Directive>, Vec<Problem>) {
    let Some(root) = root.filter(|root| !root.is_null()) else {
        return (Vec::new(), Vec::new());
    };
    let mut directives = Vec::new();
    for entry in root.map().map_or(&[][..], |map| &map.entries) {
        for written in entry.value.list().unwrap_or_default() {
            directives.extend(written.map().and_then(|map| directive(&entry.key, map)));
        }
    }
    (directives, walk::policy(root))
}

/// None where a part of it cannot be read: without that part it would say more than was meant.
fn directive(word: &str, map: &Map) -> Option<Directive> {
    let text = |key| {
        let text = decode::spanned(map, key, |it| Some(it.text.trim().to_owned()));
        text.filter(|text| !text.value.is_empty())
    };
    let rule = text("rule")?;
    let vm = text("vm");
    let device = decode::spanned(map, "device", |device| leaf::address(device).ok());
    let unread = |key, read: bool| map.entry(key).is_some() && !read;
    let known = ["rule", "reason", "vm", "device"];
    if unread("vm", vm.is_some())
        || unread("device", device.is_some())
        || map.entries.iter().any(|entry| !known.contains(&&*entry.key))
    {
        return None;
    }
    let action = match word {
        "ignore" => Action::Ignore { reason: text("reason")?.value },
        "warn" => Action::Warn,
        "error" => Action::Error,
        _ => return None,
    };
    Some(Directive {
        action,
        rule: rule.value,
        place: Some(rule.span),
        covers: Covers::Beside {
            vm: vm.map(|vm| vm.value),
            device: device.map(|device| device.value),
        },
    })
}
