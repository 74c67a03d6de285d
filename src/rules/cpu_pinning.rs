//! AH604 cpu-pinning

use super::claims::{Claim, Excesses, Store};
use super::example::Scene;
use super::{Check, Example, Rule, VmCase};
use crate::config::Vm;
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{CpuList, Gap, Placement};

pub static RULE: Rule = Rule {
    code: "AH604",
    name: "cpu-pinning",
    severities: &[Severity::Warning, Severity::Note],
    summary: "The VMs have more processors than the host, or those of a VM with a device are not tied to the host's.",
    why: "A processor of a VM that waits for one of the host answers its device late. What is tied to processors of the device's node (cpu_pinning) stays near the device and its memory. Only what starts by itself is counted. Of a VM without cpu_cores nothing is said.",
    remedy: "Give the VMs fewer processors, and tie those of a VM with a device to processors of the device's node.",
    since: "0.1.0",
    reads: &[
        "drivers/base/node.c (cpulist_read)",
        "drivers/pci/pci-sysfs.c (numa_node_show; local_cpulist_show tells the same processors)",
        "drivers/base/cpu.c (print_cpus_isolated, print_cpus_nohz_full)",
        "Documentation/admin-guide/kernel-parameters.txt (isolcpus, nohz_full)",
    ],
    check: Check::Vm(check),
    example: Example {
        speaks: Scene::both(TWO_VMS, FakeHost::workstation),
        silent: Scene::both(TWO_VMS, || {
            FakeHost::workstation().file("/sys/devices/system/cpu/online", "0-63\n")
        }),
    },
};

const TWO_VMS: &str = "compute_nodes:\n  - name: a\n    cpu_cores: 24\n    hardware: {acceleration: {performance: {cpu_pinning: true}}}\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}, {pci_address: \"0000:01:00.1\", device_type: audio}]}\n  - name: b\n    cpu_cores: 16\n    pcie_passthrough: {enabled: false}\n";

fn check(case: &VmCase, answer: &mut Answer) {
    let says = |vm: &Vm| vm.cpu_cores.is_some();
    if !case.stores.say_processors.get_or_init(|| case.plan.vms.iter().any(says)) {
        return;
    }
    let Some(placement) = answer.learn(case.host.placement()) else { return };
    more_than_the_host(case, placement, answer);
    if case.vm.cpu_cores.is_some() && !case.vm.acceleration.is_pinned() {
        not_pinned(case, placement, answer);
    }
}

fn more_than_the_host(case: &VmCase, placement: &Placement, answer: &mut Answer) {
    let starting = case.plan.vms.iter().enumerate().filter(|(_, vm)| vm.auto_start);
    let claims = starting.filter_map(|(index, vm)| {
        let cores = vm.cpu_cores.as_ref()?;
        let amount = cores.value.saturating_mul(vm.instances());
        Some(Claim { index, vm, amount, place: cores.span, doubt: None })
    });
    let online = &placement.cpus.online;
    let Some(count) = answer.learn(online.required()).map(CpuList::len) else { return };
    let excesses = || Excesses::new(claims, count, case.first);
    for excess in case.stores.excesses(Store::Processors, excesses).told_at(case.index) {
        let message = format!(
            "{} {} {} processors, and the host has {count}",
            excess.names(),
            excess.need(),
            excess.amount
        );
        let finding = excess.finding(message, |cores| format!("{cores} processors"));
        answer.find(
            finding.severity(Severity::Warning).evidence([online.evidence()]).remedy(
                Remedy::advice("Give the VMs fewer processors (cpu_cores), or set auto_start: false on one that need not run with the others."),
            ),
        );
    }
}

/// Advice alone, so what is not known is no more than that.
fn not_pinned(case: &VmCase, placement: &Placement, answer: &mut Answer) {
    let message = format!("the processors of {} are not tied to those of the host", case.vm.name);
    let mut finding = Finding::new(message).severity(Severity::Note);
    if let Some(cores) = &case.vm.cpu_cores {
        finding = finding.at(cores.span);
    }
    match near(case, placement) {
        Ok(Some((words, evidence))) => finding = finding.evidence(evidence).detail(words),
        Ok(None) => {}
        Err(gap) => answer.gap(gap),
    }
    answer.find(finding.remedy(Remedy::advice(
        "Set cpu_pinning: true under hardware, acceleration, performance, and tie each processor of the VM to one of its own.",
    )));
}

/// The processors of the host that are near the VM's devices.
fn near(
    case: &VmCase,
    placement: &Placement,
) -> Result<Option<(String, Vec<crate::host::Evidence>)>, Gap> {
    let cpus = &placement.cpus;
    let Some((number, tells)) = case.node()? else { return Ok(None) };
    let Some(node) = placement.nodes.of_several(number)? else { return Ok(None) };
    let all = node.cpus.required()?;
    let empty = CpuList::default();
    let isolated = cpus.isolated.known()?.unwrap_or(&empty);
    let quiet = cpus.nohz_full.known()?.unwrap_or(&empty);
    let aside = isolated.with(quiet).within(all);
    let rest = all.without(&aside);
    let mut words = format!("The devices are on NUMA node {number}");
    if rest.is_empty() {
        words.push('.');
    } else {
        words += &format!(", whose processors are {rest}.");
    }
    if !aside.is_empty() {
        words += &format!(
            " {aside} of that node are set aside (isolcpus, nohz_full): if they were for VMs, tie the VM's to those, one to one, since nothing else runs there and nothing is moved between them."
        );
    }
    let evidence =
        [tells, node.cpus.evidence(), cpus.isolated.evidence(), cpus.nohz_full.evidence()];
    Ok(Some((words, evidence.into())))
}
