//! What is said of a box.

use super::marks::Marks;
use super::tree::Branch;
use crate::finding::Severity;
use crate::inventory::{Passthrough, Row};
use crate::pci::names;
use crate::policy::Verdict;
use crate::report::inventory::{self, value};

/// How it stands with a box; each has a shape of its own beside its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Nothing to be said: a bridge, what nobody asks for.
    Quiet,
    Good,
    Note,
    Open,
    Warning,
    Bad,
}

impl Sign {
    pub fn class(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Good => "good",
            Self::Note => "note",
            Self::Open | Self::Warning => "open",
            Self::Bad => "bad",
        }
    }

    /// A tick, a cross, a question mark, a triangle or a letter, in a square of 12.
    pub fn shape(self) -> Option<&'static str> {
        match self {
            Self::Quiet => None,
            Self::Good => Some("M2 6.5L5 9.5L10.5 3"),
            Self::Bad => Some("M2.5 2.5L9.5 9.5M9.5 2.5L2.5 9.5"),
            Self::Open => Some("M3.5 4a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.8-1.1 1.6M6 10.6v.1"),
            Self::Warning => Some("M6 1.5L11 10.5H1ZM6 5v2.3M6 8.9v.1"),
            Self::Note => Some("M6 1a5 5 0 1 0 0 10a5 5 0 1 0 0-10M6 5.5v3M6 3.4v.1"),
        }
    }
}

impl From<Verdict> for Sign {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ready => Self::Good,
            Verdict::Undetermined => Self::Open,
            Verdict::Blocked => Self::Bad,
        }
    }
}

impl From<Severity> for Sign {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Note => Self::Note,
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Bad,
        }
    }
}

impl From<Passthrough> for Sign {
    fn from(passthrough: Passthrough) -> Self {
        match passthrough {
            Passthrough::Ready => Self::Good,
            Passthrough::Possible => Self::Note,
            Passthrough::Undetermined => Self::Open,
            Passthrough::Blocked => Self::Bad,
            Passthrough::Never => Self::Quiet,
        }
    }
}

/// How it stands with a box, and the word for it. With a plan, what nobody wants and nothing was
/// found of is quiet.
pub fn sign(branch: &Branch, marks: &Marks, planned: bool) -> (Sign, &'static str) {
    let of = || branch.functions.iter().filter_map(|row| marks.of(row.device.address));
    if let Some(verdict) = of().flat_map(|mark| &mark.wanted).map(|(_, verdict)| *verdict).max() {
        return (verdict.into(), verdict.as_str());
    }
    match of().filter_map(|mark| mark.worst).max() {
        Some(Severity::Error) => return (Sign::Bad, "in the way"),
        Some(severity) => return (severity.into(), severity.as_str()),
        None => {}
    }
    let row = branch.first();
    if planned || row.passthrough == Passthrough::Never {
        return (Sign::Quiet, "");
    }
    (row.passthrough.into(), row.passthrough.as_str())
}

/// The same in words of their own.
pub fn state(row: &Row) -> String {
    let codes: Vec<&str> = row.reasons.iter().collect();
    match (row.passthrough, codes.is_empty()) {
        (Passthrough::Never, _) | (_, true) => row.passthrough.as_str().to_owned(),
        (_, false) => format!("{} ({})", row.passthrough.as_str(), codes.join(", ")),
    }
}

/// `NVIDIA AD102 [GeForce RTX 4090]`; of many, how many and what is the same.
pub fn name(branch: &Branch) -> String {
    let own = |row: &Row| {
        let full = inventory::name(row.device);
        let name = full.split_once(": ").map_or(full.as_str(), |(_, name)| name);
        let vendor = value(&row.device.vendor).and_then(|vendor| names::vendor(vendor.0));
        match vendor.and_then(|vendor| Some((vendor, name.strip_prefix(vendor)?))) {
            Some((vendor, model)) => format!("{}{model}", short(vendor)),
            None => name.to_owned(),
        }
    };
    let first = own(branch.first());
    let count = branch.functions.len();
    if count == 1 {
        return first;
    }
    let same = branch.functions.iter().all(|row| own(row) == first);
    let what = if branch.virtual_functions {
        format!("virtual functions, {first}")
    } else if same {
        first
    } else {
        let class = value(&branch.first().device.class).and_then(|class| names::class(class.0));
        let vendor =
            value(&branch.first().device.vendor).and_then(|vendor| names::vendor(vendor.0));
        let vendor = vendor.map_or("unknown vendor", short);
        format!("{} ({vendor})", class.unwrap_or("function"))
    };
    format!("{count} × {what}")
}

/// A vendor's name without what kind of company it is.
fn short(vendor: &str) -> &str {
    const ENDS: [&str; 8] =
        [" Corporation", " Corp", ", Inc", " Inc", " Co ", " Co.", " Limited", " and subsidiaries"];
    let cut = ENDS.iter().filter_map(|end| vendor.find(end)).min();
    cut.filter(|at| *at > 0).map_or(vendor, |at| &vendor[..at])
}

/// `0000:3b:00.2`, or the first and the last.
pub fn devices(branch: &Branch) -> String {
    let mut addresses = branch.functions.iter().map(|row| row.device.address);
    let (first, last) = (addresses.next(), addresses.next_back());
    let first = first.map(|first| first.to_string()).unwrap_or_default();
    last.map_or(first.clone(), |last| format!("{first} to {last}"))
}

pub fn driver(branch: &Branch) -> String {
    match branch.first().device.driver.known() {
        Ok(Some(driver)) => driver.clone(),
        Ok(None) => "no driver".to_owned(),
        Err(_) => "driver unknown".to_owned(),
    }
}

/// `group 16`, `groups 20 to 35`.
pub fn groups(branch: &Branch) -> String {
    let known: Vec<u32> =
        branch.functions.iter().filter_map(|row| value(&row.device.iommu_group)).collect();
    let unknown = branch.functions.iter().any(|row| row.device.iommu_group.is_unknown());
    match (known.iter().min(), known.iter().max()) {
        (Some(first), Some(last)) if first == last => format!("group {first}"),
        (Some(first), Some(last)) => format!("groups {first} to {last}"),
        _ if unknown => "group unknown".to_owned(),
        _ => "no group".to_owned(),
    }
}
