//! AH202 device-id-mismatch

use super::example::Scene;
use super::whereabouts::point_to;
use super::{Check, DeviceCase, Example, Rule};
use crate::config::Wanted;
use crate::finding::{Answer, Finding, Severity};
use crate::host::fake::{FakeHost, GPU};
use crate::host::{Device, Gap, Reading};
use crate::pci::PciId;
use crate::source::Spanned;

pub static RULE: Rule = Rule {
    code: "AH202",
    name: "device-id-mismatch",
    severities: &[Severity::Error],
    summary: "The device at this address is another one than declared.",
    why: "Cards were moved or renumbered. Passing what now stands at the address would take some other device, perhaps one that the host needs.",
    remedy: "Find the device you mean with `ai-how inventory pcie`, and write its address; or correct the ids.",
    since: "0.1.0",
    reads: &[
        "Documentation/ABI/testing/sysfs-bus-pci (vendor, device)",
        "PCI Local Bus Specification 3.0, 6.2.1",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().ids(GPU, 0x1002, 0x744c)),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(case: &DeviceCase, answer: &mut Answer) {
    let differs = differences(case.device, case.wanted)
        .into_iter()
        .filter_map(|difference| answer.learn(difference))
        .any(|differs| differs);
    if !differs {
        return;
    }
    let (device, wanted) = (case.device, case.wanted);
    let digits = |reading: &Reading<PciId>| {
        reading.known().ok().flatten().map_or("????".to_owned(), ToString::to_string)
    };
    let declared = |id: &Option<Spanned<PciId>>| {
        id.as_ref().map_or("(any)".to_owned(), |id| id.value.to_string())
    };
    let finding = Finding::new(format!(
        "{} is {}:{}, not {}:{}",
        device.address,
        digits(&device.vendor),
        digits(&device.device),
        declared(&wanted.vendor_id),
        declared(&wanted.device_id),
    ))
    .evidence([device.vendor.evidence(), device.device.evidence()]);
    answer.find(match (&wanted.vendor_id, &wanted.device_id) {
        (Some(vendor), Some(id)) => {
            point_to(finding, case.host, (vendor.value, id.value), case.all_wanted)
        }
        _ => finding,
    });
}

/// What the declared ids tell of the device found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Both ids were declared, and are those found.
    AsDeclared,
    /// An id is known to differ.
    Another,
    /// Too little was declared or could be read.
    Open,
}

pub fn identity(case: &DeviceCase) -> Identity {
    let both = case.wanted.vendor_id.is_some() && case.wanted.device_id.is_some();
    match differences(case.device, case.wanted) {
        [Ok(true), _] | [_, Ok(true)] => Identity::Another,
        [Ok(false), Ok(false)] if both => Identity::AsDeclared,
        _ => Identity::Open,
    }
}

/// Whether the device is known to be another than the one that is wanted.
pub fn is_another(device: &Device, wanted: &Wanted) -> bool {
    differences(device, wanted).contains(&Ok(true))
}

fn differences(device: &Device, wanted: &Wanted) -> [Result<bool, Gap>; 2] {
    let differs = |found: &Reading<PciId>, declared: &Option<Spanned<PciId>>| match declared {
        Some(declared) => found.required().map(|found| *found != declared.value),
        None => Ok(false),
    };
    [differs(&device.vendor, &wanted.vendor_id), differs(&device.device, &wanted.device_id)]
}
