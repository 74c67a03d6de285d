//! AH601 numa-split

use std::collections::BTreeMap;

use super::example::Scene;
use super::{Check, Example, Rule, VmCase};
use crate::finding::{Answer, Finding, Related, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU, NVME};

pub static RULE: Rule = Rule {
    code: "AH601",
    name: "numa-split",
    severities: &[Severity::Warning],
    summary: "The devices of one VM are on two NUMA nodes of the host.",
    why: "Wherever the VM's processors and memory are, one of the devices reaches them only across the link between the nodes, which costs latency and throughput. A device of which the firmware does not say the node is not judged.",
    remedy: "Give the VM devices of one node, or move a card to a slot of the other node.",
    since: "0.1.0",
    reads: &[
        "drivers/pci/pci-sysfs.c (numa_node_show; the attribute is there with CONFIG_NUMA alone)",
        "Documentation/ABI/testing/sysfs-bus-pci (numa_node)",
        "include/linux/numa.h (NUMA_NO_NODE is -1)",
    ],
    check: Check::Vm(check),
    example: Example {
        speaks: Scene::both(TWO_DEVICES, || on_nodes("0", "1")),
        silent: Scene::both(TWO_DEVICES, || on_nodes("1", "1")),
    },
};

const TWO_DEVICES: &str = "compute_nodes:\n  - name: a\n    pcie_passthrough:\n      enabled: true\n      devices:\n        - {pci_address: \"0000:01:00.0\", device_type: gpu}\n        - {pci_address: \"0000:01:00.1\", device_type: audio}\n        - {pci_address: \"0000:02:00.0\", device_type: storage}\n";

fn on_nodes(gpu: &str, nvme: &str) -> FakeHost {
    let host = FakeHost::workstation().driver(NVME, Some("vfio-pci"));
    host.attribute(GPU, "numa_node", gpu).attribute(NVME, "numa_node", nvme)
}

fn check(case: &VmCase, answer: &mut Answer) {
    let mut nodes: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for &(wanted, device) in &case.devices {
        let Some(state) = &device.state else { continue };
        if let Some(Some(&node)) = answer.learn(state.numa_node.known()) {
            nodes.entry(node).or_default().push((wanted, state));
        }
    }
    if nodes.len() < 2 {
        return;
    }
    let told: Vec<String> = nodes
        .iter()
        .map(|(node, devices)| {
            let addresses: Vec<String> =
                devices.iter().map(|(wanted, _)| wanted.address.value.to_string()).collect();
            format!("{} on node {node}", addresses.join(", "))
        })
        .collect();
    let mut finding = Finding::new(format!(
        "the devices of {} are on different NUMA nodes: {}",
        case.vm.name,
        told.join("; ")
    ))
    .severity(Severity::Warning);
    for (node, devices) in &nodes {
        for (wanted, state) in devices {
            let address = wanted.address.value;
            finding = finding.evidence([state.numa_node.evidence()]).related(Related {
                place: Some(wanted.address.span),
                ..Related::device(format!("{address} is on node {node}"), address)
            });
        }
    }
    answer.find(finding.remedy(Remedy::advice(
        "Give the VM devices of one node alone, or put a card into a slot of the other node. Where it must have both, give the VM NUMA nodes of its own and put each device on the one whose memory and processors are near it.",
    )));
}
