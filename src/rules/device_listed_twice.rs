//! AH020 device-listed-twice

use std::collections::BTreeMap;

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule};
use crate::config::Config;
use crate::finding::{Answer, Finding, Related, Remedy, Severity};

pub static RULE: Rule = Rule {
    code: "AH020",
    name: "device-listed-twice",
    severities: &[Severity::Error],
    summary: "One VM lists one device twice.",
    why: "A function can be given to a VM once; the second mention makes QEMU or libvirt refuse the VM.",
    remedy: "Keep one of the two. Perhaps the second was to be another function: 0000:01:00.1.",
    since: "0.1.0",
    reads: &["drivers/vfio/vfio_main.c (a device is opened by one user at a time)"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - name: a\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}, {pci_address: \"0000:01:00.0\", device_type: gpu}]}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    for (index, vm) in config.vms.iter().enumerate() {
        let mut mentions = BTreeMap::new();
        for later in vm.enabled_devices() {
            let address = later.address.value;
            let first = *mentions.entry(address).or_insert(later.address.span);
            if first == later.address.span {
                continue;
            }
            let message = format!("{} lists {address} twice", vm.name);
            let finding = Finding::new(message).vm(index).device(address).at(later.address.span);
            answer.find(finding.related(Related::place("the first mention", first)).remedy(
                Remedy::advice(
                    "Keep one of the two mentions, or correct the function's number of one.",
                ),
            ));
        }
    }
}
