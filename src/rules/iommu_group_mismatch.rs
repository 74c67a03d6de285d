//! AH204 iommu-group-mismatch

use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;

pub static RULE: Rule = Rule {
    code: "AH204",
    name: "iommu-group-mismatch",
    severities: &[Severity::Warning],
    summary: "The device is in another IOMMU group than declared.",
    why: "The kernel numbers the groups as it meets them, so numbers change between boots and kernels. Whoever relies on the number (an open of /dev/vfio/N) takes another group.",
    remedy: "Leave iommu_group out, or correct the number.",
    since: "0.1.0",
    reads: &["drivers/iommu/iommu.c (iommu_group_alloc: the next free number)"],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::both(
            "compute_nodes:\n  - name: a\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu, iommu_group: 1}, {pci_address: \"0000:01:00.1\", device_type: audio}]}\n",
            FakeHost::workstation,
        ),
        silent: Scene::host(FakeHost::workstation),
    },
};

/// Without a group at all it is AH206's to speak.
fn check(case: &DeviceCase, answer: &mut Answer) {
    let Some(declared) = &case.wanted.iommu_group else { return };
    let group = &case.device.iommu_group;
    let Some(Some(&found)) = answer.learn(group.known()) else { return };
    if found != declared.value {
        let address = case.device.address;
        let message = format!("{address} is in IOMMU group {found}, not {}", declared.value);
        let finding = Finding::new(message).severity(Severity::Warning).at(declared.span);
        answer.find(finding.evidence([group.evidence()]).remedy(Remedy::advice(format!(
            "Leave `iommu_group` out, or write `iommu_group: {found}`."
        ))));
    }
}
