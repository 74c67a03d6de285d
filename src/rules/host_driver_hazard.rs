//! AH304 host-driver-hazard

use std::collections::BTreeSet;

use super::driver::judges_by_dma_owner;
use super::example::Scene;
use super::{Check, Example, GroupCase, Rule};
use crate::finding::{Answer, Finding, Severity};
use crate::host::fake::{FakeHost, GPU_AUDIO};
use crate::host::{Alias, Aliases, Device, Evidence, Host, Modules};
use crate::pci::Address;

pub static RULE: Rule = Rule {
    code: "AH304",
    name: "host-driver-hazard",
    severities: &[Severity::Warning],
    summary: "Up to 5.18: a driver of the host could take a free member of the group while the VM runs.",
    why: "Before 5.19 the kernel notices only afterwards that a driver of the host took a member of a group that a VM uses, and crashes on purpose (BUG_ON). A member without a driver, whose driver is loaded, is taken by the next probe of the bus. Later kernels refuse the driver instead.",
    remedy: "Bind the free member to vfio-pci or pci-stub, so that no other driver can take it, or use a kernel of 5.19 or later.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/vfio.c (vfio_iommu_group_notifier: BUG_ON, up to 5.18)",
        "drivers/iommu/iommu.c (iommu_device_use_default_domain: EBUSY, since 5.19)",
    ],
    check: Check::Group(check),
    example: Example {
        speaks: Scene::both(
            "compute_nodes:\n  - name: a\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}]}\n",
            || {
                FakeHost::workstation()
                    .release("5.10.0-30-amd64")
                    .driver(GPU_AUDIO, None)
                    .loaded("snd_hda_intel")
            },
        ),
        silent: Scene::host(|| FakeHost::workstation().release("5.10.0-30-amd64")),
    },
};

/// A wanted member without a driver is AH208's to say.
fn check(case: &GroupCase, answer: &mut Answer) {
    answer.at_most(Severity::Warning);
    let wanted: BTreeSet<Address> = case.wanted.iter().map(|it| it.address.value).collect();
    let free =
        case.members.known.iter().filter(|member| !wanted.contains(member)).filter_map(|&member| {
            let device = case.host.devices.get(&member)?.as_ref();
            // Up to 5.18 a bridge may have any driver.
            let endpoint = device.is_bus_bridge() == Ok(false);
            (endpoint && matches!(device.driver.known(), Ok(None))).then_some(device)
        });
    let free: Vec<&Device> = free.collect();
    if free.is_empty() {
        return;
    }
    match judges_by_dma_owner(&case.host.release) {
        Some(true) => {}
        Some(false) => judge(case.host, &free, answer),
        None => answer.gap(case.host.release.unclear(
            "a kernel that carries backports, or none",
            "one of which it is known what it does when a driver takes the member",
        )),
    }
}

fn judge(host: &Host, free: &[&Device], answer: &mut Answer) {
    let (Some(aliases), Some(modules)) = (&host.aliases, &host.modules) else { return };
    let at_work = at_work(aliases, modules, answer);
    for device in free {
        let Some(Some(modalias)) = answer.learn(device.modalias.known()) else { continue };
        let Some((alias, list)) = at_work.iter().find(|(alias, _)| alias.takes(modalias)) else {
            continue;
        };
        let module = &alias.module;
        let message = format!(
            "{} has no driver, and {module}, which would take it, is loaded",
            device.address
        );
        let finding = Finding::new(message)
            .severity(Severity::Warning)
            .device(device.address)
            .detail("If it is taken while the VM runs, this kernel stops with a BUG.");
        let listed = Evidence { path: list.clone(), value: format!("{module} is listed") };
        answer.find(
            finding
                .evidence([device.driver.evidence(), listed])
                .remedy(crate::remedy::reserve(device.address)),
        );
    }
}

/// What the modules at work take, each with the list that says that its module is; a list has
/// tens of thousands of others.
fn at_work<'a>(
    aliases: &'a Aliases,
    modules: &Modules,
    answer: &mut Answer,
) -> Vec<(&'a Alias, String)> {
    let is_host = |alias: &&Alias| !alias.module.contains("vfio") && alias.module != "pci_stub";
    let mut found = Vec::new();
    if let Some(Some(built_in)) = answer.learn(aliases.built_in.known()) {
        let path = aliases.built_in.evidence().path;
        found.extend(built_in.iter().filter(is_host).map(|alias| (alias, path.clone())));
    }
    if let (Some(loadable), Some(loaded)) =
        (answer.learn(aliases.loadable.required()), answer.learn(modules.loaded.required()))
    {
        let path = modules.loaded.evidence().path;
        let taken = loadable.iter().filter(is_host).filter(|it| loaded.contains(&it.module));
        found.extend(taken.map(|alias| (alias, path.clone())));
    }
    found
}
