//! AH208 driver-unbound

use super::driver_conflict::add_binding;
use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Severity};
use crate::host::fake::{FakeHost, GPU};

pub static RULE: Rule = Rule {
    code: "AH208",
    name: "driver-unbound",
    severities: &[Severity::Error],
    summary: "No driver holds the device, so VFIO does not offer it.",
    why: "A device is given to a VM by vfio-pci. libvirt binds it by itself where it manages the device; QEMU alone does not.",
    remedy: "Bind the device to vfio-pci, by address: driver_override and drivers_probe.",
    since: "0.1.0",
    reads: &[
        "Documentation/driver-api/vfio.rst",
        "Documentation/ABI/testing/sysfs-bus-pci (driver_override)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().driver(GPU, None)),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(case: &DeviceCase, answer: &mut Answer) {
    if let Some(None) = answer.learn(case.device.driver.known()) {
        let finding =
            Finding::new(format!("{} has no driver, and so no VFIO device", case.device.address));
        answer.find(add_binding(finding.evidence([case.device.driver.evidence()]), case, false));
    }
}
