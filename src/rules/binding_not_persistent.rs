//! AH701 binding-not-persistent

use super::example::Scene;
use super::next_boot::{By, claim};
use super::{Check, Example, Rule, is_vfio};
use crate::config::{Config, Wanted};
use crate::finding::{Answer, Finding, Related, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Device, Evidence, Host, NextBoot};

pub static RULE: Rule = Rule {
    code: "AH701",
    name: "binding-not-persistent",
    severities: &[Severity::Warning],
    summary: "The device is bound to VFIO now, and nothing says so for the next boot.",
    why: "A driver override written by hand, and a driver bound by hand, are gone after a reboot: the host's driver takes the device again, and the VM no longer starts. Looked for are driverctl's folder, udev rules that write driver_override, ids= of vfio-pci (in the folders of modprobe, and on the kernel's command line, which alone counts where vfio-pci is built in), and domains of libvirt that have the device managed. What a script of one's own does at boot is not seen, and the next boot is taken to have today's command line.",
    remedy: "Bind it by its address (driverctl set-override, or a udev rule that writes driver_override), or by its ids (`options vfio-pci ids=` in a file of modprobe, with the initramfs made anew; `vfio-pci.ids=` on the command line where vfio-pci is built in), or let libvirt do it (managed='yes').",
    since: "0.1.0",
    reads: &[
        "drivers/pci/pci-driver.c (pci_match_device: an override decides before all ids)",
        "drivers/vfio/pci/vfio_pci.c (vfio_pci_fill_ids)",
        "libkmod/libkmod-config.c (kmod_config_new: files by name, the first folder wins, the command line last)",
        "modprobe.d(5), driverctl(8), udev(7)",
        "https://libvirt.org/formatdomain.html#pci-devices (managed)",
    ],
    check: Check::Plan(check),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().without("/etc/driverctl.d")),
        silent: Scene::host(FakeHost::workstation),
    },
};

/// A device that is not on VFIO now is AH207's to AH209's to say.
fn check(config: &Config, host: &Host, answer: &mut Answer) {
    let Some(boot) = &host.next_boot else { return };
    for (vm, plan) in config.vms.iter().enumerate() {
        let mut lost: Vec<(&Wanted, &Device, Option<String>)> = Vec::new();
        for wanted in super::run::wanted_by(plan) {
            let Ok(Some(device)) = host.device(wanted.address.value) else { continue };
            if is_vfio(device) != Ok(true) {
                continue;
            }
            match claim(host, boot, device) {
                Ok(Some(claim)) if keeps(&claim.by, device) => answer.passed([claim.evidence]),
                Ok(Some(claim)) => lost.push((wanted, device, Some(words(&claim.by)))),
                Ok(None) => lost.push((wanted, device, None)),
                Err(gaps) => gaps.into_iter().for_each(|gap| answer.gap(gap)),
            }
        }
        if !lost.is_empty() {
            answer.find(finding(vm, host, boot, &lost));
        }
    }
}

/// A driver that serves VFIO may have any name, as long as it is the one that does so now.
fn keeps(by: &By, device: &Device) -> bool {
    let is_same = |driver: &String| matches!(device.driver.known(), Ok(Some(now)) if now == driver);
    match by {
        By::Driverctl(driver) | By::Udev(driver) if is_same(driver) => true,
        other => other.is_vfio(),
    }
}

fn words(by: &By) -> String {
    match by {
        By::Driverctl(driver) => format!("driverctl gives it the driver {driver}"),
        By::Udev(driver) => format!("a udev rule gives it the driver {driver}"),
        By::Libvirt | By::Ids => "it is bound".to_owned(),
    }
}

fn finding(
    vm: usize,
    host: &Host,
    boot: &NextBoot,
    lost: &[(&Wanted, &Device, Option<String>)],
) -> Finding {
    let (first, device, _) = lost[0];
    let others = match lost.len() - 1 {
        0 => String::new(),
        1 => format!(" and {}", lost[1].0.address.value),
        more => format!(" and {more} more"),
    };
    let verb = if lost.len() == 1 { "is" } else { "are" };
    let message = format!(
        "{}{others} {verb} bound to VFIO now, and nothing says so for the next boot",
        first.address.value
    );
    let mut finding = Finding::new(message)
        .severity(Severity::Warning)
        .vm(vm)
        .device(first.address.value)
        .at(first.address.span)
        .evidence([device.driver.evidence()])
        .evidence(looked(host, boot))
        .remedy(Remedy::advice(RULE.remedy));
    for (wanted, _, words) in lost {
        let address = wanted.address.value;
        if let Some(words) = words {
            finding = finding.detail(format!("{address}: {words} at the next boot."));
        }
        finding = finding.related(Related {
            device: Some(address),
            ..Related::place(
                format!("{address} is not bound at the next boot"),
                wanted.address.span,
            )
        });
    }
    finding
}

/// Where something could have been said.
fn looked(host: &Host, boot: &NextBoot) -> Vec<Evidence> {
    let told =
        [&boot.driverctl.looked, &boot.udev.looked, &boot.modprobe.looked, &boot.libvirt.looked];
    let ids = super::next_boot::ids(host, boot).ok().flatten();
    let there = |it: &&Evidence| it.value != "(absent)";
    let folders = told.into_iter().flatten().filter(there).cloned();
    folders.chain([host.command_line.evidence()]).chain(ids.map(|ids| ids.evidence)).collect()
}
