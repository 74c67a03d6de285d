//! AH303 group-split

use std::collections::{BTreeMap, BTreeSet};

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::config::{Config, Wanted};
use crate::finding::{Answer, Finding, Related, Remedy, Severity};
use crate::host::Host;
use crate::host::fake::FakeHost;
use crate::pci::Address;

pub static RULE: Rule = Rule {
    code: "AH303",
    name: "group-split",
    severities: &[Severity::Error, Severity::Warning],
    summary: "Two VMs want different members of one IOMMU group.",
    why: "A group belongs to one VM at a time: the second to start gets EBUSY (EPERM under IOMMUFD). When one of them is started by hand (auto_start: false) they can take turns, which is a warning.",
    remedy: "Give the whole group to one of them, or set auto_start: false on one.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/group.c (vfio_group_fops_open: EBUSY)",
        "drivers/iommu/iommu.c (iommu_device_claim_dma_owner: EBUSY for another owner)",
        "Documentation/driver-api/vfio.rst",
    ],
    check: Check::Plan(check),
    example: Example {
        speaks: Scene::both(
            "compute_nodes:\n  - name: a\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}]}\n  - name: b\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.1\", device_type: audio}]}\n",
            FakeHost::workstation,
        ),
        silent: Scene::host(FakeHost::workstation),
    },
};

/// A device whose group is not known is AH206's to say.
fn check(config: &Config, host: &Host, answer: &mut Answer) {
    let mut groups: BTreeMap<u32, BTreeMap<usize, Vec<&Wanted>>> = BTreeMap::new();
    for (vm, _, wanted) in super::run::wanted(config) {
        let Ok(Some(device)) = host.device(wanted.address.value) else { continue };
        if let Ok(Some(&group)) = device.iommu_group.known() {
            groups.entry(group).or_default().entry(vm).or_default().push(wanted);
        }
    }
    for (group, vms) in groups.iter().filter(|(_, vms)| vms.len() > 1) {
        let all: Vec<(usize, &Vec<&Wanted>)> =
            vms.iter().map(|(vm, wanted)| (*vm, wanted)).collect();
        for (at, later) in all.iter().enumerate().skip(1) {
            let rivals = all[..at].iter().filter(|earlier| want_others(earlier.1, later.1));
            // One that starts by itself, as this one does, is the worse rival.
            let starts = |vm: usize| config.vms[vm].auto_start;
            if let Some(rival) =
                rivals.max_by_key(|rival| (starts(rival.0), std::cmp::Reverse(rival.0)))
            {
                let severity = if starts(rival.0) && starts(later.0) {
                    Severity::Error
                } else {
                    Severity::Warning
                };
                answer.find(finding(config, *group, *rival, *later, severity));
            }
        }
    }
}

/// The same devices in both are AH021's to say.
fn want_others(one: &[&Wanted], other: &[&Wanted]) -> bool {
    let addresses = |all: &[&Wanted]| -> BTreeSet<Address> {
        all.iter().map(|wanted| wanted.address.value).collect()
    };
    addresses(one) != addresses(other)
}

fn finding(
    config: &Config,
    group: u32,
    rival: (usize, &Vec<&Wanted>),
    later: (usize, &Vec<&Wanted>),
    severity: Severity,
) -> Finding {
    let name = |vm: usize| &config.vms[vm].name;
    let message =
        format!("IOMMU group {group} is wanted by {} and by {}", name(rival.0), name(later.0));
    let mut finding =
        Finding::new(message).severity(severity).vm(later.0).also(rival.0).group(group);
    if let Some(first) = later.1.first() {
        finding = finding.device(first.address.value).at(first.address.span);
    }
    for (vm, wanted) in
        [rival, later].into_iter().flat_map(|(vm, wanted)| wanted.iter().map(move |it| (vm, it)))
    {
        let message = format!("{} is wanted by {}", wanted.address.value, name(vm));
        finding = finding.related(Related {
            device: Some(wanted.address.value),
            ..Related::place(message, wanted.address.span)
        });
    }
    finding.remedy(Remedy::advice(match severity {
        Severity::Error => "Give the whole group to one VM; or set `auto_start: false` on one, and start it only when the other is off.",
        _ => "They can take turns: start one only when the other is off.",
    }))
}
