//! AH301 group-incomplete

use std::collections::BTreeSet;

use super::driver_conflict::device_type;
use super::example::Scene;
use super::{Check, Example, GroupCase, Rule};
use crate::finding::{Answer, Finding, Related, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::pci::{Address, DeviceType};

pub static RULE: Rule = Rule {
    code: "AH301",
    name: "group-incomplete",
    severities: &[Severity::Error, Severity::Warning],
    summary: "A function of the device's IOMMU group is not passed to this VM.",
    why: "The devices of one group can reach each other behind the IOMMU's back, so they belong together. This is deliberately stricter than the kernel, which needs the others only detached from the host.",
    remedy: "Pass the whole group to the VM; or allow a part of it with --allow-partial-groups.",
    since: "0.1.0",
    reads: &["Documentation/driver-api/vfio.rst (Groups, Devices, and IOMMUs)"],
    check: Check::Group(check),
    example: Example {
        speaks: Scene::both(GPU_ALONE, FakeHost::workstation),
        silent: Scene::host(FakeHost::workstation),
    },
};

const GPU_ALONE: &str = "compute_nodes:\n  - name: gpu-node-01\n    pcie_passthrough:\n      enabled: true\n      devices:\n        - {pci_address: \"0000:01:00.0\", device_type: gpu}\n";

/// Bridges, host and ISA bridges are not counted: nobody can pass them.
fn check(case: &GroupCase, answer: &mut Answer) {
    case.members.gaps.iter().cloned().for_each(|gap| answer.gap(gap));
    // Also one whose own link to the group is broken: that it is in the group is the group's word.
    let wanted: BTreeSet<Address> =
        case.vm.enabled_devices().iter().map(|wanted| wanted.address.value).collect();
    let mut left_out = 0;
    for &address in case.members.known.iter().filter(|address| !wanted.contains(address)) {
        let Some(device) = answer.learn(case.host.member(address)) else { continue };
        if answer.learn(device.is_infrastructure()) != Some(false) {
            continue;
        }
        left_out += 1;
        if left_out <= MOST_NAMED {
            let finding = finding(case, address, device_type(device));
            answer.find(finding.evidence([device.iommu_group.evidence()]));
        }
    }
    if left_out > MOST_NAMED {
        let group = case.group.id;
        let more = left_out - MOST_NAMED;
        answer.find(Finding::new(format!(
            "{more} more functions of IOMMU group {group} are not passed to {}",
            case.vm.name
        )));
    }
}

/// A group with more members is told to here: each VM that wants one of thousands would name all.
const MOST_NAMED: usize = 4096;

fn finding(case: &GroupCase, left_out: Address, kind: Option<DeviceType>) -> Finding {
    let group = case.group.id;
    let mut finding = Finding::new(format!(
        "{left_out} is in IOMMU group {group} too, and is not passed to {}",
        case.vm.name
    ))
    .device(left_out)
    .detail("The kernel itself asks only that no driver of the host holds that function.");
    // The first wanted member stands for all, so that the size stays bounded.
    if let Some(wanted) = case.wanted.first() {
        let place = wanted.address.span;
        finding = finding.related(Related {
            device: Some(wanted.address.value),
            ..Related::place(format!("{} is wanted from this group", wanted.address.value), place)
        });
    }
    let kind = kind.unwrap_or(DeviceType::Other).as_str();
    finding
        .remedy(Remedy::advice(format!(
            "Add it to the devices of {}: `- {{pci_address: \"{left_out}\", device_type: \"{kind}\"}}`.",
            case.vm.name
        )))
        .remedy(Remedy::advice("Or leave it out on purpose, with --allow-partial-groups."))
}
