//! AH107 noiommu-group

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::Group;
use crate::host::fake::FakeHost;

pub static RULE: Rule = Rule {
    code: "AH107",
    name: "noiommu-group",
    severities: &[Severity::Error],
    summary: "The group exists in no-IOMMU mode only, which no VM can use.",
    why: "enable_unsafe_noiommu_mode gives a group to a device that no IOMMU watches, for programs such as DPDK. Such a group maps no memory for a VM, and QEMU and libvirt refuse it.",
    remedy: "Turn on the IOMMU. No-IOMMU mode is no way to pass a device to a VM.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/group.c, drivers/vfio/vfio_main.c up to 6.1 (vfio_noiommu_group_alloc: the name vfio-noiommu)",
        "drivers/vfio/Kconfig (VFIO_NOIOMMU)",
    ],
    check: Check::HostGroup(check, "all groups are watched by an IOMMU"),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().noiommu_mode()),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(group: &Group, answer: &mut Answer) {
    match answer.learn(group.name.known()) {
        Some(Some(name)) if name == "vfio-noiommu" => {
            let message =
                format!("group {} is one of no-IOMMU mode, which no VM can use", group.id);
            let finding = Finding::new(message).group(group.id).evidence([group.name.evidence()]);
            answer.find(finding.remedy(Remedy::advice(RULE.remedy)));
        }
        Some(_) => answer.passed([group.name.evidence()]),
        None => {}
    }
}
