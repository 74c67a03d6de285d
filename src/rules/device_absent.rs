//! AH201 device-absent

use super::example::Scene;
use super::{Check, Example, Rule, WantedCase};
use crate::finding::{Answer, Finding, Related, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU};
use crate::host::{Host, absent_from_bus};
use crate::pci::{Address, PciId};

pub static RULE: Rule = Rule {
    code: "AH201",
    name: "device-absent",
    severities: &[Severity::Error],
    summary: "There is no device at this address.",
    why: "Addresses move: a card put in or taken out, a firmware update or a changed setting renumbers the buses.",
    remedy: "Find the device with `ai-how inventory pcie`, and write its address.",
    since: "0.1.0",
    reads: &[
        "Documentation/ABI/testing/sysfs-bus-pci",
        "drivers/pci/probe.c (buses are numbered as they are found)",
    ],
    check: Check::Wanted(check),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().moved(GPU, Address::new(0, 3, 0, 0))),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(case: &WantedCase, answer: &mut Answer) {
    let Some(None) = answer.learn(case.found.clone()) else { return };
    let address = case.wanted.address.value;
    let finding = Finding::new(format!("there is no device at {address}"))
        .evidence([absent_from_bus(address)]);
    let (Some(vendor), Some(device)) = (&case.wanted.vendor_id, &case.wanted.device_id) else {
        return answer.find(finding.remedy(Remedy {
            text: "List the devices of this host and take the address from there.".to_owned(),
            commands: vec!["ai-how inventory pcie".to_owned()],
            undo: Vec::new(),
        }));
    };
    answer.find(point_to(finding, case.host, vendor.value, device.value));
}

/// Says where a device with these ids is now.
pub fn point_to(finding: Finding, host: &Host, vendor: PciId, device: PciId) -> Finding {
    let places = host.devices_with(vendor, device);
    let list: Vec<String> = places.iter().map(ToString::to_string).collect();
    let mut finding = match &list[..] {
        [] if !host.all_ids_known() => finding.detail(format!(
            "Among the functions that could be read there is no {vendor}:{device}; not all could."
        )),
        [] => finding.detail(format!("No device {vendor}:{device} was found on this host.")).remedy(Remedy::advice(
            "Check that the card is seated and enabled in the firmware setup, or correct the ids.",
        )),
        [one] => finding
            .detail(format!("{vendor}:{device} is at {one}."))
            .remedy(Remedy::advice(format!("If that is the device you mean, write its address: {one}."))),
        several => finding
            .detail(format!("{vendor}:{device} is at {}.", several.join(" and at ")))
            .remedy(Remedy::advice("They are alike: tell them apart by slot and by what is below the same bridge (`ai-how inventory pcie --tree`), and write the one you mean.")),
    };
    for place in places {
        finding = finding.related(Related::device(format!("a device {vendor}:{device}"), place));
    }
    finding
}
