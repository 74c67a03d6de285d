//! AH703 identical-card

use std::collections::BTreeSet;

use super::example::Scene;
use super::next_boot::{Ids, claim, ids};
use super::{Check, Example, Rule, is_stub, is_vfio};
use crate::config::Config;
use crate::finding::{Answer, Finding, Related, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Device, Gap, Host};
use crate::pci::Address;

pub static RULE: Rule = Rule {
    code: "AH703",
    name: "identical-card",
    severities: &[Severity::Warning],
    summary: "At the next boot vfio-pci takes a card that the host uses, since it has ids that it is told to take.",
    why: "ids= speaks of kinds of cards, not of slots. A second card of the same kind, or of the same chip, goes to vfio-pci too if no other driver is there before it, and the host is without it: it depends on who comes first. An override by driverctl or udev keeps such a card with its own driver.",
    remedy: "Bind the card that is to be passed by its address (driverctl, or a udev rule that writes driver_override) and take its ids out of ids=; or name the subsystem ids too, where they tell the cards apart (vendor:device:subvendor:subdevice).",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/pci/vfio_pci.c (vfio_pci_fill_ids: up to six numbers)",
        "drivers/pci/pci.h (pci_match_one_device)",
        "drivers/pci/pci-driver.c (pci_match_device: an override decides before all ids)",
    ],
    check: Check::Plan(check),
    example: Example {
        speaks: Scene::host(|| {
            let twin = Address::new(0, 5, 0, 0);
            by_ids().with(twin, 0x03_0000, (0x10de, 0x2684), Some("nvidia"), 21)
        }),
        silent: Scene::host(by_ids),
    },
};

/// driverctl holds the wanted ones as well.
fn by_ids() -> FakeHost {
    let conf = "options vfio-pci ids=10de:2684,10de:22bd\n";
    FakeHost::workstation().file("/etc/modprobe.d/vfio.conf", conf)
}

fn check(config: &Config, host: &Host, answer: &mut Answer) {
    let Some(boot) = &host.next_boot else { return };
    let ids = match ids(host, boot) {
        Ok(Some(ids)) => ids,
        Ok(None) => return,
        Err(gaps) => return gaps.into_iter().for_each(|gap| answer.gap(gap)),
    };
    answer.learn(host.all_read());
    let wanted: BTreeSet<Address> =
        super::run::wanted(config).map(|(_, _, wanted)| wanted.address.value).collect();
    for device in host.devices.values().filter(|it| !wanted.contains(&it.address)) {
        let Some(true) = answer.learn(ids.take(device)) else { continue };
        let used = answer.learn(is_used(device)).flatten();
        let Some(driver) = used else { continue };
        match claim(host, boot, device) {
            Ok(Some(claim)) if !claim.by.is_vfio() => answer.passed([claim.evidence]),
            Ok(_) => answer.find(finding(config, host, &ids, device, driver)),
            Err(gaps) => gaps.into_iter().for_each(|gap| answer.gap(gap)),
        }
    }
}

/// The driver of the host on a function that vfio-pci would accept: it refuses bridges.
fn is_used(device: &Device) -> Result<Option<&str>, Gap> {
    let Some(driver) = device.driver.known()? else { return Ok(None) };
    let idle = is_stub(driver) || is_vfio(device)? || device.is_bus_bridge()?;
    Ok((!idle).then_some(driver))
}

fn finding(config: &Config, host: &Host, ids: &Ids, twin: &Device, driver: &str) -> Finding {
    let message = format!(
        "vfio-pci is told to take {} too at the next boot, which the host uses ({driver})",
        twin.address
    );
    let finding = Finding::new(message)
        .severity(Severity::Warning)
        .device(twin.address)
        .evidence([ids.evidence.clone(), twin.modalias.evidence(), twin.driver.evidence()])
        .remedy(Remedy::advice(RULE.remedy));
    // Shown at the card for which the ids are there.
    let like = super::run::wanted(config).find(|(_, _, wanted)| {
        let device = host.devices.get(&wanted.address.value);
        device.is_some_and(|device| ids.take(device) == Ok(true))
    });
    match like {
        Some((vm, _, wanted)) => finding.vm(vm).at(wanted.address.span).related(Related {
            device: Some(wanted.address.value),
            ..Related::place(
                format!("{} is taken by the same list", wanted.address.value),
                wanted.address.span,
            )
        }),
        None => finding,
    }
}
