//! AH201 device-absent

use super::example::Scene;
use super::whereabouts::point_to;
use super::{Check, Example, Rule, WantedCase};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::absent_from_bus;
use crate::host::fake::{FakeHost, GPU};
use crate::pci::Address;

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
            ..Remedy::default()
        }));
    };
    let ids = (vendor.value, device.value);
    answer.find(point_to(finding, case.host, ids, case.all_wanted));
}
