//! AH605 memory-pinned

use super::claims::{Claim, Excess, excesses, gib, memory};
use super::example::Scene;
use super::{Check, Example, Rule};
use crate::config::Config;
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::Host;
use crate::host::fake::FakeHost;

pub static RULE: Rule = Rule {
    code: "AH605",
    name: "memory-pinned",
    severities: &[Severity::Error, Severity::Warning],
    summary: "The VMs take more memory than the host has.",
    why: "A device can write to all of its VM's memory at any time, so VFIO pins all of it when the VM starts: it cannot be swapped, shared or given back by a balloon. All VMs with devices that start by themselves must fit together (memory_gb counts GiB), and one by itself too. What goes beyond the memory that can be had now (with the VMs that have no device, whose memory is not pinned) is a warning: the host swaps or kills programs.",
    remedy: "Give the VMs less memory, or set auto_start: false on those that need not run together.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/vfio_iommu_type1.c (vfio_dma_do_map, vfio_pin_map_dma, vfio_pin_pages_remote)",
        "fs/proc/meminfo.c (meminfo_proc_show: MemTotal, MemAvailable)",
        "Documentation/filesystems/proc.rst (meminfo)",
    ],
    check: Check::Plan(check),
    example: Example {
        speaks: Scene::both(TWO_VMS, || FakeHost::workstation().memory(64, 60)),
        silent: Scene::both(TWO_VMS, || FakeHost::workstation().memory(128, 120)),
    },
};

const TWO_VMS: &str = "compute_nodes:\n  - name: a\n    memory_gb: 64\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}, {pci_address: \"0000:01:00.1\", device_type: audio}]}\n  - name: b\n    memory_gb: 32\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:02:00.0\", device_type: storage}]}\n";

fn check(config: &Config, host: &Host, answer: &mut Answer) {
    let vms = || config.vms.iter().enumerate();
    let pinned = vms().filter(|(_, vm)| !vm.enabled_devices().is_empty());
    let pinned: Vec<Claim> = pinned.filter_map(|(index, vm)| memory(index, vm)).collect();
    let all = vms().filter(|(_, vm)| vm.auto_start || !vm.enabled_devices().is_empty());
    // Huge pages are set aside already.
    let all = all.filter(|(_, vm)| vm.acceleration.hugepages().is_none());
    let all = all.filter_map(|(index, vm)| memory(index, vm)?.unless_it_runs(host));
    let all: Vec<Claim> = all.collect();
    if pinned.is_empty() && all.is_empty() {
        return;
    }
    let Some(placement) = answer.learn(host.placement()) else { return };
    let (total, available) = (&placement.memory.total, &placement.memory.available);
    let Some(&most) = answer.learn(total.required()) else { return };
    let mut too_much = false;
    for excess in excesses(pinned.into_iter(), most) {
        too_much = true;
        let message = format!(
            "{} {} {} of pinned memory, and the host has {}",
            excess.names(),
            excess.need(),
            gib(excess.amount),
            gib(most)
        );
        answer.find(finding(&excess, message).evidence([total.evidence()]));
    }
    if too_much {
        return;
    }
    // What may be found from here on is a warning.
    let now = match available.required() {
        Ok(&now) => now,
        Err(gap) => {
            answer.gap(gap);
            answer.at_most(Severity::Warning);
            return;
        }
    };
    for excess in excesses(all.into_iter(), now) {
        if let Some(gap) = excess.doubt {
            answer.gap(gap);
            answer.at_most(Severity::Warning);
            continue;
        }
        let message = format!(
            "{} {} {}, and {} of the host's memory can be had now",
            excess.names(),
            excess.need(),
            gib(excess.amount),
            gib(now)
        );
        let finding = finding(&excess, message).severity(Severity::Warning);
        answer.find(finding.evidence([available.evidence()]).detail(
            "A VM without devices that runs already is counted although its memory is taken.",
        ));
    }
}

fn finding(excess: &Excess, message: String) -> Finding {
    excess.finding(message, gib).remedy(Remedy::advice(
        "Give the VMs less memory (memory_gb), or set auto_start: false on one that need not run with the others; the host needs some memory for itself too.",
    ))
}
