//! AH506 external-device

use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU};

pub static RULE: Rule = Rule {
    code: "AH506",
    name: "external-device",
    severities: &[Severity::Warning],
    summary: "The device hangs on a port that leads out of the machine.",
    why: "The firmware marks ports that lead outside (Thunderbolt, USB4), and the kernel calls all that is behind one removable. Such a device may be missing when a VM starts by itself, can be pulled while a VM has it, gets another address at another port, and can be exchanged for one that attacks.",
    remedy: "Give a VM only what stays in the machine; else start and stop that VM by hand, and authorise at that port only devices that you know.",
    since: "0.1.0",
    reads: &[
        "Documentation/ABI/testing/sysfs-devices-removable",
        "drivers/pci/probe.c (pci_set_removable: all that is below an external-facing port, since 5.14)",
        "drivers/pci/pci-acpi.c, drivers/pci/of.c (external_facing: ports that the firmware marks)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().attribute(GPU, "removable", "removable\n")),
        silent: Scene::host(|| FakeHost::workstation().attribute(GPU, "removable", "fixed\n")),
    },
};

/// A port is not told by itself: its mark shows in what is below it. Where nothing is said, the
/// device is inside, or the kernel is older than 5.14.
fn check(case: &DeviceCase, answer: &mut Answer) {
    let Some(state) = case.state() else { return };
    if answer.learn(state.removable.known()) == Some(Some(&true)) {
        let message =
            format!("{} hangs on a port that leads out of the machine", case.device.address);
        answer.find(
            Finding::new(message)
                .severity(Severity::Warning)
                .evidence([state.removable.evidence()])
                .remedy(Remedy::advice(
                    "Stop the VM before the device is unplugged, start it by hand (auto_start: false), and let the port take only devices that you know (boltctl list). The address is another one at another port.",
                )),
        );
    }
}
