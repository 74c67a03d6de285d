//! What is different between two moments of a host, as text and as JSON.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::paint::{Paint, escaped};
use super::text::counted;
use super::view::{HostView, TOOL, Tool};
use crate::changes::{
    Answer, Change, Changes, DeviceChange, Fate, GroupChange, Regrouped, Unknown,
};
use crate::host::{Gap, Host};
use crate::pci::names;
use crate::policy::Verdict;

/// What is different between two moments of a host?
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffView {
    /// Name and version of this document.
    pub schema: &'static str,
    pub tool: Tool,
    /// `undetermined` where no change is known, and something could not be compared.
    #[schemars(extend("enum" = ["same", "different", "undetermined"]))]
    pub answer: &'static str,
    pub before: HostView,
    pub after: HostView,
    /// Of the host as a whole.
    pub host: Vec<DiffChange>,
    pub devices: Vec<DiffDevice>,
    pub groups: Vec<DiffGroup>,
    /// What could not be compared.
    pub unknown: Vec<DiffUnknown>,
    pub summary: DiffSummary,
}

/// A fact with its values; null where it was not there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffChange {
    pub what: &'static str,
    pub before: Option<String>,
    pub after: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffDevice {
    #[schemars(extend("enum" = ["came", "went", "moved", "changed"]))]
    pub kind: &'static str,
    /// Where it was; null for one that came.
    pub before: Option<String>,
    /// Where it is; null for one that went.
    pub after: Option<String>,
    pub vendor_id: Option<String>,
    pub device_id: Option<String>,
    pub vendor_name: Option<&'static str>,
    pub device_name: Option<&'static str>,
    /// Others of the same ids moved too: which of them is which was told by their order alone.
    pub alike: bool,
    pub changes: Vec<DiffChange>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffGroup {
    #[schemars(extend("enum" = ["split", "merged", "mixed", "renumbered", "entered", "left", "joined"]))]
    pub kind: &'static str,
    /// Numbers of before.
    pub before: Vec<u32>,
    /// Numbers of now.
    pub after: Vec<u32>,
    /// By their addresses of now.
    pub members: Vec<String>,
}

/// A fact that could not be compared: the reason stands at the moment at which it is not known.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffUnknown {
    pub what: &'static str,
    pub device: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffSummary {
    pub host: usize,
    pub came: usize,
    pub went: usize,
    pub moved: usize,
    /// Functions that stayed, of which something is different.
    pub changed: usize,
    pub groups: usize,
    pub unknown: usize,
}

impl DiffView {
    pub fn new(changes: &Changes, before: &Host, after: &Host) -> Self {
        Self {
            schema: "ai-how/diff/1",
            tool: TOOL,
            answer: match changes.answer() {
                Answer::Same => "same",
                Answer::Different => "different",
                Answer::Undetermined => "undetermined",
            },
            before: HostView::new(before),
            after: HostView::new(after),
            host: changes.host.iter().map(DiffChange::new).collect(),
            devices: changes.devices.iter().map(DiffDevice::new).collect(),
            groups: changes.groups.iter().map(DiffGroup::new).collect(),
            unknown: changes.unknown.iter().map(DiffUnknown::new).collect(),
            summary: DiffSummary::new(changes),
        }
    }
}

impl DiffChange {
    fn new(change: &Change) -> Self {
        let Change { what, before, after } = change.clone();
        Self { what, before, after }
    }
}

impl DiffDevice {
    fn new(change: &DeviceChange) -> Self {
        let (kind, before, after) = match change.fate {
            Fate::Came(at) => ("came", None, Some(at)),
            Fate::Went(at) => ("went", Some(at), None),
            Fate::Moved { from, to } => ("moved", Some(from), Some(to)),
            Fate::Stayed(at) => ("changed", Some(at), Some(at)),
        };
        Self {
            kind,
            before: before.map(|at| at.to_string()),
            after: after.map(|at| at.to_string()),
            vendor_id: change.vendor.map(|id| id.to_string()),
            device_id: change.device.map(|id| id.to_string()),
            vendor_name: change.vendor.and_then(|id| names::vendor(id.0)),
            device_name: model(change),
            alike: change.alike,
            changes: change.changes.iter().map(DiffChange::new).collect(),
        }
    }
}

impl DiffGroup {
    fn new(change: &GroupChange) -> Self {
        Self {
            kind: word(change.how),
            before: change.before.iter().copied().collect(),
            after: change.after.iter().copied().collect(),
            members: change.members.iter().map(ToString::to_string).collect(),
        }
    }
}

impl DiffUnknown {
    fn new(unknown: &Unknown) -> Self {
        let reason = |gap: &Option<Gap>| gap.as_ref().map(ToString::to_string);
        Self {
            what: unknown.what,
            device: unknown.device.map(|device| device.to_string()),
            before: reason(&unknown.before),
            after: reason(&unknown.after),
        }
    }
}

impl DiffSummary {
    fn new(changes: &Changes) -> Self {
        let count =
            |is: fn(&Fate) -> bool| changes.devices.iter().filter(|it| is(&it.fate)).count();
        Self {
            host: changes.host.len(),
            came: count(|fate| matches!(fate, Fate::Came(_))),
            went: count(|fate| matches!(fate, Fate::Went(_))),
            moved: count(|fate| matches!(fate, Fate::Moved { .. })),
            changed: count(|fate| matches!(fate, Fate::Stayed(_))),
            groups: changes.groups.len(),
            unknown: changes.unknown.len(),
        }
    }
}

/// What matters in the first line; then the host, the functions, the groups, and what is not known.
pub fn text(changes: &Changes, before: &Host, after: &Host, paint: Paint, quiet: bool) -> String {
    let mut text = format!("{}\n", headline(changes, paint));
    if quiet {
        return text;
    }
    text += &format!("  before: {}\n", escaped(&before.root));
    text += &format!("  now:    {}\n", escaped(&after.root));
    let sections = [
        ("Host", changes.host.iter().map(|it| paint.wrapped("  ", &change_words(it))).collect()),
        ("Devices", changes.devices.iter().map(|it| device_lines(it, paint)).collect()),
        (
            "IOMMU groups",
            changes.groups.iter().map(|it| paint.wrapped("  ", &group_words(it))).collect(),
        ),
        (
            "Could not be compared",
            changes
                .unknown
                .iter()
                .map(|it| paint.wrapped("  ", &unknown_words(it)))
                .collect::<String>(),
        ),
    ];
    for (title, lines) in sections {
        if !lines.is_empty() {
            text += &format!("\n{}\n{lines}", paint.bold(title));
        }
    }
    text
}

fn headline(changes: &Changes, paint: Paint) -> String {
    let unknown = changes.unknown.len();
    let not_known = format!("{} could not be compared", counted(unknown, "fact"));
    match changes.answer() {
        Answer::Same => paint.verdict(Verdict::Ready, "Nothing has changed."),
        Answer::Undetermined => {
            paint.verdict(Verdict::Undetermined, &format!("No change is known; {not_known}."))
        }
        Answer::Different => {
            let mut parts = urgent(changes);
            parts.extend(counts(changes));
            if unknown > 0 {
                parts.push(not_known);
            }
            paint.verdict(Verdict::Blocked, &format!("Changed: {}.", parts.join("; ")))
        }
    }
}

/// Without these, no VM gets a device.
fn urgent(changes: &Changes) -> Vec<String> {
    let named = ["IOMMU", "interrupt remapping", "/dev/kvm", "vfio-pci"];
    let lost = changes.host.iter().filter(|it| named.contains(&it.what));
    lost.map(|it| format!("{} is {}", it.what, it.after.as_deref().unwrap_or("gone"))).collect()
}

fn counts(changes: &Changes) -> Vec<String> {
    let DiffSummary { came, went, moved, changed, groups, host, .. } = DiffSummary::new(changes);
    let urgent = urgent(changes).len();
    let devices = |count: usize, word: &str| {
        (count > 0).then(|| format!("{} {word}", counted(count, "device")))
    };
    let others = [
        devices(went, "went"),
        devices(moved, "moved"),
        devices(came, "came"),
        devices(changed, "changed"),
        (groups > 0).then(|| format!("{} changed", counted(groups, "IOMMU group"))),
        (host > urgent).then(|| format!("{} of the host", counted(host - urgent, "setting"))),
    ];
    others.into_iter().flatten().collect()
}

fn change_words(change: &Change) -> String {
    let value = |value: &Option<String>| value.as_deref().map_or("none".to_owned(), escaped);
    format!("{}: {} -> {}", change.what, value(&change.before), value(&change.after))
}

fn device_lines(change: &DeviceChange, paint: Paint) -> String {
    let name = name(change);
    let first = match change.fate {
        Fate::Came(at) => format!("came   {at}  {name}"),
        Fate::Went(at) => format!("went   {at}  {name}"),
        Fate::Moved { from, to } => format!("moved  {from} -> {to}  {name}"),
        Fate::Stayed(at) => format!("       {at}  {name}"),
    };
    let mut lines = paint.wrapped("  ", &first);
    if change.alike {
        lines +=
            &paint.wrapped("         ", "which of its like it is was told by their order alone");
    }
    for it in &change.changes {
        lines += &paint.wrapped("         ", &change_words(it));
    }
    lines
}

fn name(change: &DeviceChange) -> String {
    let digits = |id: Option<crate::pci::PciId>| id.map_or("????".to_owned(), |it| it.to_string());
    let ids = format!("[{}:{}]", digits(change.vendor), digits(change.device));
    let vendor = change.vendor.and_then(|id| names::vendor(id.0));
    let words = [vendor, model(change), Some(ids.as_str())];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn model(change: &DeviceChange) -> Option<&'static str> {
    names::device(change.vendor?.0, change.device?.0)
}

fn group_words(change: &GroupChange) -> String {
    let numbers =
        |all: &BTreeSet<u32>| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (before, after) = (numbers(&change.before), numbers(&change.after));
    let members: Vec<String> = change.members.iter().map(ToString::to_string).collect();
    let members = members.join(", ");
    match change.how {
        Regrouped::Renumbered => format!("{before} is {after} now: {members}"),
        Regrouped::Split => format!("{before} was split into {after}: {members}"),
        Regrouped::Merged => format!("{before} were merged into {after}: {members}"),
        Regrouped::Mixed => format!("{before} were made into {after}: {members}"),
        Regrouped::Entered => format!("in a group now ({after}): {members}"),
        Regrouped::Left => format!("in no group any more (before {before}): {members}"),
        Regrouped::Joined => format!("{after} holds what came: {members}"),
    }
}

fn word(how: Regrouped) -> &'static str {
    match how {
        Regrouped::Split => "split",
        Regrouped::Merged => "merged",
        Regrouped::Mixed => "mixed",
        Regrouped::Renumbered => "renumbered",
        Regrouped::Entered => "entered",
        Regrouped::Left => "left",
        Regrouped::Joined => "joined",
    }
}

fn unknown_words(unknown: &Unknown) -> String {
    let device = unknown.device.map(|device| format!(" of {device}")).unwrap_or_default();
    let moments = [("before", &unknown.before), ("now", &unknown.after)];
    let told = moments.into_iter().filter_map(|(moment, gap)| {
        Some(format!("not known {moment}: {}", escaped(&gap.as_ref()?.to_string())))
    });
    format!("{}{device}: {}", unknown.what, told.collect::<Vec<_>>().join("; "))
}
