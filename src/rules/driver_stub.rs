//! AH209 driver-stub

use super::driver::is_stub;
use super::driver_conflict::add_binding;
use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Severity};
use crate::host::fake::{FakeHost, GPU};

pub static RULE: Rule = Rule {
    code: "AH209",
    name: "driver-stub",
    severities: &[Severity::Error],
    summary: "The device is reserved by pci-stub or xen-pciback.",
    why: "A stub keeps the host's driver away, and does not offer the device to VFIO either.",
    remedy: "Bind the device to vfio-pci, by address, and take it out of pci-stub.ids= on the kernel's command line.",
    since: "0.1.0",
    reads: &[
        "drivers/pci/pci-stub.c",
        "drivers/xen/xen-pciback/pci_stub.c",
        "Documentation/driver-api/vfio.rst",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().driver(GPU, Some("pci-stub"))),
        silent: Scene::host(FakeHost::workstation),
    },
};

/// A driver that is not known is AH207's to say.
fn check(case: &DeviceCase, answer: &mut Answer) {
    let Ok(Some(driver)) = case.device.driver.known() else { return };
    if is_stub(driver) {
        let finding = Finding::new(format!(
            "{} is reserved by {driver}, which VFIO cannot use",
            case.device.address
        ));
        answer.find(add_binding(finding.evidence([case.device.driver.evidence()]), case, true));
    }
}
