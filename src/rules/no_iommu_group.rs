//! AH206 no-iommu-group

use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU};

pub static RULE: Rule = Rule {
    code: "AH206",
    name: "no-iommu-group",
    severities: &[Severity::Error],
    summary: "The device is in no IOMMU group.",
    why: "VFIO gives a device to a VM by its group. A device outside all groups is one that the IOMMU does not watch.",
    remedy: "An Intel graphics function: take intel_iommu=igfx_off off the command line. A device that the firmware's tables leave out: a firmware update.",
    since: "0.1.0",
    reads: &[
        "Documentation/driver-api/vfio.rst (groups)",
        "drivers/vfio/vfio_main.c (vfio_group_find_or_alloc: EINVAL without a group)",
        "drivers/iommu/intel/iommu.c (igfx_off)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().group(GPU, None)),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(case: &DeviceCase, answer: &mut Answer) {
    let group = &case.device.iommu_group;
    if let Some(None) = answer.learn(group.known()) {
        let finding = Finding::new(format!("{} is in no IOMMU group", case.device.address));
        let device = case.device;
        let vendor = device.vendor.known().ok().flatten();
        let intel_display =
            vendor.is_some_and(|vendor| vendor.0 == 0x8086) && device.is_display() == Ok(true);
        let advice = if intel_display {
            "Take intel_iommu=igfx_off off the kernel's command line and reboot; without it there, this graphics function is left out by the kernel itself."
        } else if device.address.domain > 0xffff {
            "It hangs below a controller that makes a domain of its own (VMD): turn VMD off in the firmware setup, or update the firmware."
        } else {
            "The firmware's tables leave it out of the IOMMU (the kernel log tells what they list): update the firmware, or use another slot."
        };
        answer.find(finding.evidence([group.evidence()]).remedy(Remedy::advice(advice)));
    }
}
