//! AH302 group-not-viable

use super::driver::{Hold, hold};
use super::driver_conflict::{binding, detaching, must_stay, not_the_one};
use super::example::Scene;
use super::not_assignable::is_refused;
use super::{Check, Example, GroupCase, Rule};
use crate::finding::{Answer, Finding, Related, Severity};
use crate::host::fake::{FakeHost, GPU_AUDIO};
use crate::host::{Device, Evidence};

pub static RULE: Rule = Rule {
    code: "AH302",
    name: "group-not-viable",
    severities: &[Severity::Error],
    summary: "A driver of the host holds a member of the device's IOMMU group.",
    why: "The kernel gives a group to a VM only when none of its members does DMA for the host. Since 5.19 each member must be without a driver, or on one that manages its DMA by itself (vfio-pci and its variants, pcieport, pci-stub); before, bridges did not count.",
    remedy: "Bind every endpoint of the group to vfio-pci, or take the host's driver off it. Bridges on pcieport need nothing.",
    since: "0.1.0",
    reads: &[
        "drivers/iommu/iommu.c (iommu_group_claim_dma_owner, iommu_device_use_default_domain, since 5.19)",
        "include/linux/pci.h (driver_managed_dma)",
        "drivers/vfio/vfio.c (vfio_dev_viable, up to 5.18)",
        "Documentation/driver-api/vfio.rst",
    ],
    check: Check::Group(check),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().driver(GPU_AUDIO, Some("snd_hda_intel"))),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(case: &GroupCase, answer: &mut Answer) {
    case.members.gaps.iter().cloned().for_each(|gap| answer.gap(gap));
    let mut blockers = Vec::new();
    for &address in &case.members.known {
        let Some(device) = answer.learn(case.host.member(address)) else { continue };
        if let Some(Hold::Blocks(driver)) = answer.learn(hold(device, &case.host.release)) {
            blockers.push(Blocker::function(device, driver));
        }
    }
    for (name, driver) in &case.group.foreign {
        // A member that is no PCI function: no driver of such lets its group go.
        if let Some(Some(bound)) = answer.learn(driver.known()) {
            blockers.push(Blocker {
                device: None,
                name: name.clone(),
                driver: bound.clone(),
                evidence: driver.evidence(),
            });
        }
    }
    if !blockers.is_empty() {
        answer.find(finding(case, &blockers));
    }
}

struct Blocker<'a> {
    device: Option<&'a Device>,
    name: String,
    driver: String,
    evidence: Evidence,
}

impl<'a> Blocker<'a> {
    fn function(device: &'a Device, driver: String) -> Self {
        Self {
            device: Some(device),
            name: device.address.to_string(),
            driver,
            evidence: device.driver.evidence(),
        }
    }
}

fn finding(case: &GroupCase, blockers: &[Blocker]) -> Finding {
    let list: Vec<String> =
        blockers.iter().map(|blocker| format!("{} on {}", blocker.name, blocker.driver)).collect();
    let mut finding =
        Finding::new(format!("IOMMU group {} is not viable: {}", case.group.id, list.join(", ")));
    let places = case.places();
    for blocker in blockers {
        finding = finding.evidence([blocker.evidence.clone()]).related(Related {
            message: format!("{} is held by {}", blocker.name, blocker.driver),
            place: blocker.device.and_then(|device| places.get(&device.address)).copied(),
            device: blocker.device.map(|device| device.address),
        });
    }
    // To unbind a part of the group is no use while another part has to stay.
    let stays =
        |blocker: &&Blocker| blocker.device.is_some_and(|device| must_stay(case.takes, device));
    let staying: Vec<&Blocker> = blockers.iter().filter(stays).collect();
    let to_mend = if staying.is_empty() { blockers.iter().collect() } else { staying };
    for blocker in to_mend {
        let Some(device) = blocker.device else { continue };
        if case.takes.is_another(device.address) {
            finding = finding.remedy(not_the_one());
            continue;
        }
        if goes_with_its_controller(case, device) {
            continue;
        }
        let refused = is_refused(case.host, device) != Ok(false);
        if device.is_infrastructure() == Ok(false) && !refused {
            for remedy in binding(case.takes, device, true) {
                finding = finding.remedy(remedy);
            }
        } else {
            finding = finding.remedy(detaching(case.takes, device));
        }
    }
    finding
}

/// VMD makes a domain of its own for what is below it, which goes away when its driver lets go
/// (`drivers/pci/controller/vmd.c`, `vmd_remove`).
fn goes_with_its_controller(case: &GroupCase, device: &Device) -> bool {
    let is_vmd = |wanted: &&crate::config::Wanted| {
        let device = case.host.devices.get(&wanted.address.value);
        let driver = device.and_then(|device| device.driver.known().ok().flatten());
        driver.is_some_and(|driver| driver == "vmd")
    };
    device.address.domain > 0xffff && case.wanted.iter().any(is_vmd)
}
