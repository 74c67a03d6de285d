//! What the rules of harm have in common, and what they say against unbinding a function.

use super::taken::{TakenCase, Takes, Why};
use super::{ALL, Check};
use crate::finding::{Answer, Severity};
use crate::host::{Device, Evidence, Gap};
use crate::pci::{Address, Class};

/// What is said against taking the host's driver off a function, by code.
#[derive(Debug, Default)]
pub struct Objections {
    pub errors: Vec<&'static str>,
    pub warnings: Vec<&'static str>,
    /// Could not be told, and could have been an error.
    pub open: Vec<&'static str>,
}

/// How many things one finding names.
pub const MOST_NAMED: usize = 6;

pub fn objections(takes: &Takes, device: &Device) -> Objections {
    let mut all = Objections::default();
    let Some(case) = takes.case(device) else { return all };
    for rule in ALL {
        let Check::Taken(check) = rule.check else { continue };
        let mut answer = Answer::default();
        check(&case, &mut answer);
        let worst = answer.findings.iter().map(|finding| finding.severity).max();
        match worst {
            Some(Severity::Error) => all.errors.push(rule.code),
            Some(_) => all.warnings.push(rule.code),
            None => {}
        }
        let minor = case.why == Why::Wanted && answer.worst == Some(Severity::Warning);
        if !answer.gaps.is_empty() && rule.worst() == Severity::Error && !minor {
            all.open.push(rule.code);
        }
    }
    all
}

/// Notes what is not known. It decides for a wanted device alone: another member's driver keeps
/// the VM from starting anyway, and so does not knowing that driver.
pub fn note(case: &TakenCase, answer: &mut Answer, gaps: impl IntoIterator<Item = Gap>) {
    for gap in gaps.into_iter().take(MOST_NAMED) {
        answer.gap(gap);
    }
    if case.why != Why::Wanted {
        answer.at_most(Severity::Warning);
    }
}

/// Whether a function of this class can have disks below it. A class that is not known can.
pub fn can_have_disks(device: &Device) -> bool {
    !is_of(device, &[0x03, 0x04, 0x09, 0x0b, 0x11, 0x12]) && !is_chipset(device)
}

/// The same of network interfaces.
pub fn can_have_interfaces(device: &Device) -> bool {
    !is_of(device, &[0x01, 0x03, 0x04, 0x09, 0x0b, 0x11, 0x12]) && !is_chipset(device)
}

/// Whether it is certain that an interface belongs to a function.
pub fn is_network_card(device: &Device) -> bool {
    is_of(device, &[0x02])
}

/// The same of keyboards.
pub fn can_have_keyboards(device: &Device) -> bool {
    !is_of(device, &[0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x08, 0x0b, 0x12])
}

/// `/ <- dm-1 (cryptroot) <- nvme0n1p3 <- 0000:02:00.0`; and the function asked about, where the
/// nearest one is another, below it.
pub fn chain(top: Option<&str>, names: &[String], functions: &[Address], asked: Address) -> String {
    let nearest = functions.last().copied().unwrap_or(asked);
    let mut parts: Vec<String> = top.into_iter().map(str::to_owned).collect();
    parts.extend_from_slice(names);
    parts.push(nearest.to_string());
    if nearest != asked {
        parts.push(asked.to_string());
    }
    parts.join(" <- ")
}

/// The first few, and how many more there are.
pub fn list(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Each piece once.
pub fn distinct(all: impl IntoIterator<Item = Evidence>) -> Vec<Evidence> {
    let mut found = Vec::new();
    for evidence in all {
        if !found.contains(&evidence) {
            found.push(evidence);
        }
    }
    found
}

fn is_of(device: &Device, bases: &[u32]) -> bool {
    matches!(device.class.known(), Ok(Some(class)) if bases.contains(&class.base()))
}

fn is_chipset(device: &Device) -> bool {
    matches!(device.class.known(), Ok(Some(class)) if class.is_chipset_bridge() || *class == SMBUS)
}

const SMBUS: Class = Class(0x0c_0500);
