//! AH022 device-in-counted-group

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule};
use crate::config::Config;
use crate::finding::{Answer, Finding, Related, Remedy, Severity};

pub static RULE: Rule = Rule {
    code: "AH022",
    name: "device-in-counted-group",
    severities: &[Severity::Error],
    summary: "A group of several like VMs wants one device.",
    why: "count: N makes N VMs of one description, and N VMs cannot own one device.",
    remedy: "Write the VMs as a list, each with a device of its own, or set count: 1.",
    since: "0.1.0",
    reads: &["drivers/vfio/vfio_main.c (a group or device is opened by one user at a time: EBUSY)"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "clusters: {hpc: {compute_nodes: {count: 2, cpu_cores: 4, memory_gb: 8, disk_gb: 20, ip: DHCP, pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}]}}}}\nversion: \"1.0\"\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    for (index, vm) in config.vms.iter().enumerate() {
        let Some(count) = vm.count.as_ref().filter(|count| count.value > 1) else { continue };
        let Some((first, others)) = vm.enabled_devices().split_first() else { continue };
        let address = first.address.value;
        let message =
            format!("{} VMs of {} cannot own one device, {address}", count.value, vm.name);
        let mut finding = Finding::new(message).vm(index).device(address).at(first.address.span);
        finding = finding
            .related(Related::place(format!("{} VMs of one description", count.value), count.span));
        for other in others {
            finding = finding.related(Related::place(
                format!("nor {}", other.address.value),
                other.address.span,
            ));
        }
        answer.find(finding.remedy(Remedy::advice(
            "Write the VMs as a list and give each a device of its own, or set `count: 1`.",
        )));
    }
}
