//! AH505 acs-missing

use std::collections::BTreeSet;

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, GroupCase, Rule};
use crate::finding::{Answer, Finding, Related, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Gap, Reading, slots};
use crate::pci::{Address, Isolation};

pub static RULE: Rule = Rule {
    code: "AH505",
    name: "acs-missing",
    severities: &[Severity::Note],
    summary: "Why a group is large: a bridge does not keep apart what is below it.",
    why: "A bridge without Access Control Services may hand what one device sends to another below it, past the IOMMU, so the kernel puts all of them and the bridge into one group. It is told only of groups with devices of several slots, and only where the registers of every bridge in question could be read: as root, and of bridges that are awake. Groups are the kernel's word; nothing here makes them anew.",
    remedy: "Put the device into another slot, or turn on ACS in the firmware's setup.",
    since: "0.1.0",
    reads: &[
        "drivers/iommu/iommu.c (pci_device_group, REQ_ACS_FLAGS)",
        "drivers/pci/pci.c (pci_acs_enabled, pci_acs_flags_enabled)",
        "include/uapi/linux/pci_regs.h (PCI_EXT_CAP_ID_ACS)",
        "drivers/pci/pci-sysfs.c (pci_read_config: 64 bytes without CAP_SYS_ADMIN)",
    ],
    check: Check::Group(check),
    example: Example {
        speaks: Scene::both(ONE_GPU, || FakeHost::ports_in_one_group(None)),
        silent: Scene::both(ONE_GPU, FakeHost::workstation),
    },
};

/// An explanation that is not known whole is not given.
fn check(case: &GroupCase, answer: &mut Answer) {
    let Some(bridges) = answer.learn(bridges(case)) else { return };
    let found: Vec<Bridge> =
        bridges.into_iter().filter(|bridge| bridge.isolation != Isolation::Full).collect();
    if found.is_empty() {
        return;
    }
    let names: Vec<String> = found.iter().map(|bridge| bridge.address.to_string()).collect();
    let (names, verb) = match names.as_slice() {
        [one] => (one.clone(), "does"),
        [first, second] => (format!("{first} and {second}"), "do"),
        all => (format!("{} and {} more bridges", all[0], all.len() - 1), "do"),
    };
    let message = format!(
        "group {} holds devices of several slots, since {names} {verb} not keep them apart",
        case.group.id
    );
    let mut finding = Finding::new(message).severity(Severity::Note);
    for Bridge { address, reading, isolation } in found {
        finding = finding
            .evidence([reading.evidence()])
            .related(Related::device(format!("{address}: {}", isolation.in_words()), address));
    }
    answer.find(finding.remedy(Remedy::advice(
        "If you want fewer devices in the group: another slot, best one on a port of the processor; ACS in the firmware's setup, where some show it only with AER on; a newer firmware. pcie_acs_override makes the group smaller, and nothing safer (AH503).",
    )));
}

struct Bridge<'a> {
    address: Address,
    reading: &'a Reading<Isolation>,
    isolation: Isolation,
}

/// The bridges of the group that are above its endpoints; none where all are of one slot.
fn bridges<'a>(case: &GroupCase<'a>) -> Result<Vec<Bridge<'a>>, Gap> {
    if let Some(gap) = case.members.gaps.first() {
        return Err(gap.clone());
    }
    let mut endpoints = Vec::new();
    for &member in &case.members.known {
        if !case.host.member(member)?.is_infrastructure()? {
            endpoints.push(member);
        }
    }
    let mut above = BTreeSet::new();
    if slots(&endpoints) > 1 {
        for endpoint in &endpoints {
            let Some(path) = case.host.paths.above.get(endpoint) else { return Ok(Vec::new()) };
            above.extend(path.required()?.iter().filter(|it| case.members.known.contains(it)));
        }
    }
    let told = above.into_iter().filter_map(|address: Address| {
        let reading = case.host.paths.bridges.get(&address)?;
        Some(reading.required().map(|&isolation| Bridge { address, reading, isolation }))
    });
    told.collect()
}
