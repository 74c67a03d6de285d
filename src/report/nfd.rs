//! Features for the local source of Kubernetes' node-feature-discovery: lines `NAME=VALUE`, from
//! which it labels a node.
//!
//! Source: node-feature-discovery, *Customization guide*, local feature source: a name without a
//! prefix gets that of the node's features; Kubernetes' labels hold 63 characters of letters,
//! digits, `-`, `_` and `.`, beginning and ending with a letter or digit.

use std::collections::BTreeMap;

use crate::inventory::{Inventory, Passthrough};
use crate::policy::Judged;
use crate::rules::Checked;

/// The host's verdict, and each question by its name.
pub fn doctor(judged: &Judged, checks: &[Checked]) -> String {
    let mut text = line("ai-how.verdict", judged.verdict.as_str());
    for check in checks {
        let answer = match check.answer {
            Some(true) => "no",
            Some(false) => "yes",
            None => "unknown",
        };
        text += &line(&format!("ai-how.{}", check.rule.name), answer);
    }
    text
}

/// How many functions of each type and of each pair of ids can be passed, and could be.
pub fn inventory(inventory: &Inventory) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in &inventory.rows {
        let state = match row.passthrough {
            Passthrough::Ready => "ready",
            Passthrough::Possible => "possible",
            _ => continue,
        };
        let kind = row.device_type.as_str();
        *counts.entry(format!("ai-how.{kind}.{state}")).or_default() += 1;
        let ids = (row.device.vendor.known(), row.device.device.known());
        if let (Ok(Some(vendor)), Ok(Some(device))) = ids {
            *counts.entry(format!("ai-how.{kind}-{vendor}_{device}.{state}")).or_default() += 1;
        }
    }
    counts.iter().map(|(name, count)| line(name, &count.to_string())).collect()
}

fn line(name: &str, value: &str) -> String {
    format!("{name}={value}\n")
}
