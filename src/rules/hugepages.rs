//! AH603 hugepages

use super::claims::{self, Claim, Excess, Excesses, Store, gib, runs};
use super::example::Scene;
use super::{Check, Example, Rule, VmCase};
use crate::config::Vm;
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Gap, Memory, Placement, Pool, Reading};
use crate::pci::DeviceType;
use crate::remedy;

pub static RULE: Rule = Rule {
    code: "AH603",
    name: "hugepages",
    severities: &[Severity::Error, Severity::Warning, Severity::Note],
    summary: "The VMs' memory is to be of huge pages, and too few of that size are free.",
    why: "Huge pages are set aside before a VM starts; without enough of them it does not start. A VM that is tied to processors (cpu_pinning) gets its memory from their node, so the pages must be free on the node of its devices; where nothing ties it, that is a warning. It is a warning too where the kernel may make the missing pages when they are asked for, which it cannot promise. A VM with a GPU whose memory is not of huge pages gets a note: with them the IOMMU and the processor need fewer tables.",
    remedy: "Set enough pages aside, those of 1 GiB best on the kernel's command line, or turn enable_hugepages off.",
    since: "0.1.0",
    reads: &[
        "Documentation/admin-guide/mm/hugetlbpage.rst (free, reserved, surplus and overcommitted pages; pages of a node)",
        "mm/hugetlb.c (free_hugepages_show, resv_hugepages_show, nr_overcommit_hugepages_store: no gigantic ones)",
        "Documentation/admin-guide/kernel-parameters.txt (hugepages, hugepagesz)",
    ],
    check: Check::Vm(check),
    example: Example {
        speaks: Scene::both(ON_HUGE_PAGES, || FakeHost::workstation().free_pages(1 << 20, 16)),
        silent: Scene::both(ON_HUGE_PAGES, || FakeHost::workstation().free_pages(1 << 20, 32)),
    },
};

const ON_HUGE_PAGES: &str = "compute_nodes:\n  - name: a\n    memory_gb: 32\n    hardware: {acceleration: {performance: {enable_hugepages: true, hugepage_size: 1G}}}\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}, {pci_address: \"0000:01:00.1\", device_type: audio}]}\n";

fn check(case: &VmCase, answer: &mut Answer) {
    if case.vm.memory.is_none() {
        return;
    }
    if case.vm.acceleration.hugepages().is_none() {
        advise(case, answer);
    } else if runs(case.host, case.vm) != Ok(true) {
        enough(case, answer);
    }
}

fn advise(case: &VmCase, answer: &mut Answer) {
    let mut kinds = case.devices.iter().filter_map(|(wanted, _)| wanted.device_type.as_ref());
    if kinds.any(|kind| kind.value == DeviceType::Gpu) {
        let message =
            format!("the memory of {}, which gets a GPU, is not of huge pages", case.vm.name);
        answer.find(Finding::new(message).severity(Severity::Note).remedy(Remedy::advice(
            "Set enable_hugepages: true and hugepage_size: 1G (or 2M) under hardware, acceleration, performance, and set as many pages aside on the host.",
        )));
    }
}

fn enough(case: &VmCase, answer: &mut Answer) {
    let Some(placement) = answer.learn(case.host.placement()) else { return };
    let memory = &placement.memory;
    let Some(size) = answer.learn(size_of(case.vm, memory)) else { return };
    let Some(pool) = answer.learn(memory.pool(size)) else { return };
    let Some(pool) = pool else {
        let message = format!(
            "{} asks for huge pages of {}, which this host does not have",
            case.vm.name,
            gib(size)
        );
        answer.find(Finding::new(message).evidence([memory.sizes.evidence()]).remedy(
            Remedy::advice(
                "Ask for a size that the host has (hugepage_size), or turn enable_hugepages off.",
            ),
        ));
        return;
    };
    let Some(free) = answer.learn(pool.available()) else { return };
    let excesses = case.stores.excesses(Store::Pages { size }, || {
        let all = case.plan.vms.iter().enumerate();
        Excesses::new(claims(case, size, memory, all), free, case.first)
    });
    let is_known = answer.learn(excesses.known(case.index)).is_some();
    for excess in excesses.told_at(case.index) {
        on_the_host(excess, size, free, pool, answer);
    }
    // What it could be on the node is no worse, and may be less.
    if is_known && !excesses.hold(case.index) {
        on_the_node(case, size, placement, answer);
    }
}

fn on_the_host(excess: &Excess, size: u64, free: u64, pool: &Pool, answer: &mut Answer) {
    let Some(more) = answer.learn(pool.may_be_made()) else { return };
    let mut finding =
        finding(excess, size, "", free).evidence([pool.free.evidence(), pool.reserved.evidence()]);
    if free.saturating_add(more) >= excess.amount {
        finding = finding.severity(Severity::Warning).evidence([pool.overcommit.evidence()]);
        finding = finding.detail("The kernel may make the others when they are asked for, where memory is not in pieces by then.");
    }
    let place = "/sys/kernel/mm/hugepages";
    let (all, missing) = (told(&pool.all), excess.amount - free);
    finding = finding.remedy(remedy::more_pages(place, size, all, missing));
    answer.find(finding.remedy(remedy::pages_at_boot(size, all, missing)));
}

/// Of the node that the devices are on.
fn on_the_node(case: &VmCase, size: u64, placement: &Placement, answer: &mut Answer) {
    if case.vm.acceleration.spans_nodes() {
        return;
    }
    if !case.vm.acceleration.is_pinned() {
        answer.at_most(Severity::Warning);
    }
    let Some(Some((number, tells))) = answer.learn(case.node()) else { return };
    let Some(Some(node)) = answer.learn(placement.nodes.of_several(number)) else { return };
    let Some(Some(pages)) = answer.learn(node.pages(size)) else { return };
    let Some(&free) = answer.learn(pages.free.required()) else { return };
    let store = Store::PagesOfNode { node: number, size };
    let excesses = case.stores.excesses(store, || {
        let claims = claims(case, size, &placement.memory, case.vms_on(number));
        Excesses::new(claims, free, case.first)
    });
    answer.learn(excesses.known(case.index));
    for excess in excesses.told_at(case.index) {
        let is_pinned = |claim: &Claim| claim.vm.acceleration.is_pinned();
        let mut finding = finding(excess, size, &format!(" on NUMA node {number}"), free)
            .evidence([tells.clone(), pages.free.evidence()]);
        if !excess.claims.iter().any(is_pinned) {
            finding = finding.severity(Severity::Warning);
            finding = finding.detail("Nothing ties the VM to that node, so the others come from another node, across the link between them.");
        }
        let place = format!("/sys/devices/system/node/node{number}/hugepages");
        answer.find(finding.remedy(remedy::more_pages(
            &place,
            size,
            told(&pages.all),
            excess.amount - free,
        )));
    }
}

fn finding(excess: &Excess, size: u64, place: &str, free: u64) -> Finding {
    let size = gib(size);
    let (names, need, pages) = (excess.names(), excess.need(), excess.amount);
    let message =
        format!("{names} {need} {pages} huge pages of {size}, and {free} are free{place}");
    excess.finding(message, |pages| format!("{pages} pages of {size}"))
}

/// In pages, what these VMs take that are to have pages of a size.
fn claims<'a>(
    case: &VmCase<'a>,
    size: u64,
    memory: &Memory,
    vms: impl Iterator<Item = (usize, &'a Vm)>,
) -> impl Iterator<Item = Claim<'a>> {
    let host = case.host;
    let starts = |vm: &Vm| vm.auto_start || !vm.enabled_devices().is_empty();
    let takes = move |vm: &Vm| {
        vm.acceleration.hugepages().is_some() && size_of(vm, memory) == Ok(size) && starts(vm)
    };
    let claim = move |(index, vm)| {
        let claim = claims::memory(index, vm)?.unless_it_runs(host)?;
        Some(Claim { amount: claim.amount.div_ceil(size), ..claim })
    };
    vms.filter(move |(_, vm)| takes(vm)).filter_map(claim)
}

/// How many pages there are, where that is told: only the remedy stands on it.
fn told(all: &Reading<u64>) -> Option<u64> {
    all.known().ok().flatten().copied()
}

/// In KiB; the host's default where none is named.
fn size_of(vm: &Vm, memory: &Memory) -> Result<u64, Gap> {
    match &vm.acceleration.hugepage_size {
        Some(size) => Ok(size.value),
        None => memory.default_page.required().copied(),
    }
}
