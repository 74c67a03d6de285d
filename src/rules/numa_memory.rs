//! AH602 numa-memory

use super::claims::{Claim, Excesses, Store, gib, memory};
use super::example::Scene;
use super::{Check, Example, Rule, VmCase};
use crate::finding::{Answer, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU};

pub static RULE: Rule = Rule {
    code: "AH602",
    name: "numa-memory",
    severities: &[Severity::Warning, Severity::Note],
    summary: "The VMs' memory does not fit the NUMA node of their devices.",
    why: "What does not fit comes from another node, and the device reaches it across the link between the nodes. It is a note where nothing ties the VM to a node (cpu_pinning), since its memory may then come from anywhere. A VM that has several NUMA nodes of its own is not judged.",
    remedy: "Give the VM less memory than the node has, move the card to a slot of the node that has more, or lay the VM over several nodes with numa_topology.",
    since: "0.1.0",
    reads: &[
        "drivers/base/node.c (node_read_meminfo)",
        "Documentation/admin-guide/mm/numa_memory_policy.rst (memory comes from the node of the processor that first touches it, then from others)",
        "drivers/pci/pci-sysfs.c (numa_node_show)",
    ],
    check: Check::Vm(check),
    example: Example {
        speaks: Scene::both(PINNED, || FakeHost::workstation().two_nodes(32).on_node(GPU, 1)),
        silent: Scene::both(PINNED, || FakeHost::workstation().two_nodes(64).on_node(GPU, 1)),
    },
};

const PINNED: &str = "compute_nodes:\n  - name: a\n    memory_gb: 48\n    hardware: {acceleration: {performance: {cpu_pinning: true}}}\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}, {pci_address: \"0000:01:00.1\", device_type: audio}]}\n";

fn check(case: &VmCase, answer: &mut Answer) {
    if case.vm.memory.is_none() || case.vm.acceleration.spans_nodes() {
        return;
    }
    let Some(Some((number, tells))) = answer.learn(case.node()) else { return };
    let Some(placement) = answer.learn(case.host.placement()) else { return };
    let Some(Some(node)) = answer.learn(placement.nodes.of_several(number)) else { return };
    let Some(&most) = answer.learn(node.memory.required()) else { return };
    let excesses = || {
        let on_node = case.vms_on(number).filter_map(|(index, vm)| memory(index, vm));
        Excesses::new(on_node, most, case.first)
    };
    let store = Store::Memory { node: number };
    for excess in case.stores.excesses(store, excesses).told_at(case.index) {
        let is_pinned = |claim: &Claim| claim.vm.acceleration.is_pinned();
        let pinned = excess.claims.iter().any(is_pinned);
        let message = format!(
            "{} {} {}, and NUMA node {number}, where the devices are, has {}",
            excess.names(),
            excess.need(),
            gib(excess.amount),
            gib(most)
        );
        let finding = excess
            .finding(message, gib)
            .severity(if pinned { Severity::Warning } else { Severity::Note })
            .evidence([tells.clone(), placement.nodes.all.evidence(), node.memory.evidence()]);
        let finding = if pinned {
            finding
        } else {
            finding.detail(
                "Nothing ties the VM to that node, so its memory comes from wherever it is free.",
            )
        };
        answer.find(finding.remedy(Remedy::advice(
            "Give the VM less memory than the node has (memory_gb), or lay it over several nodes (numa_topology).",
        )));
    }
}
