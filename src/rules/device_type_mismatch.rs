//! AH203 device-type-mismatch

use super::device_id_mismatch::{Identity, identity};
use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::pci::{DeviceType, names};

pub static RULE: Rule = Rule {
    code: "AH203",
    name: "device-type-mismatch",
    severities: &[Severity::Error, Severity::Warning],
    summary: "The device at this address is of another type than declared.",
    why: "Without declared ids the type is all that tells one device from another: a disk where a GPU is expected means that cards moved. With matching ids it is only a wrong word, which is a warning.",
    remedy: "Correct the address, or the device_type; declare vendor_id and device_id too.",
    since: "0.1.0",
    reads: &[
        "PCI Code and ID Assignment Specification (class codes)",
        "include/linux/pci_ids.h (PCI_BASE_CLASS_*)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::both(
            "compute_nodes:\n  - name: a\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:02:00.0\", device_type: gpu}]}\n",
            FakeHost::workstation,
        ),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(case: &DeviceCase, answer: &mut Answer) {
    let Some(declared) = &case.wanted.device_type else { return };
    let identity = identity(case);
    if declared.value == DeviceType::Other || identity == Identity::Another {
        return;
    }
    let severity =
        if identity == Identity::AsDeclared { Severity::Warning } else { Severity::Error };
    answer.at_most(severity);
    let class = &case.device.class;
    let Some(&found) = answer.learn(class.required()) else { return };
    if found.device_type() == declared.value {
        return;
    }
    let address = case.device.address;
    let words = names::class(found.0).unwrap_or("unknown");
    let finding =
        Finding::new(format!("{address} is of the class \"{words}\", not of type {}", declared.value.as_str()))
            .severity(severity)
            .evidence([class.evidence()])
            .remedy(Remedy::advice(format!(
                "If it is the device you mean, write `device_type: \"{}\"`; else correct the address (`ai-how inventory pcie`).",
                found.device_type().as_str()
            )));
    answer.find(finding.at(declared.span));
}
