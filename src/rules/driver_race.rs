//! AH702 driver-race

use std::collections::BTreeSet;

use super::example::Scene;
use super::next_boot::{By, claim};
use super::race::{Race, Rival};
use super::{Check, Example, Rule, is_vfio};
use crate::config::{Config, Wanted};
use crate::finding::{Answer, Finding, Related, Remedy, Severity};
use crate::host::Host;
use crate::host::fake::FakeHost;

pub static RULE: Rule = Rule {
    code: "AH702",
    name: "driver-race",
    severities: &[Severity::Warning],
    summary: "At the next boot a driver of the host can take the device before vfio-pci does.",
    why: "Who takes a device first keeps it, whatever ids= says. A driver that is built in comes before all modules. One that is in the initramfs is loaded there, by what that image says: without vfio-pci, without its ids, or without a `softdep DRIVER pre: vfio-pci` in it, the host's driver is first. The image is often older than the files of /etc that it was made of. What driverctl keeps, and what libvirt manages, is taken back from the host's driver later, and is not asked about. The next boot is taken to start the same kernel with today's image and command line; an image inside a unified kernel image is not looked for.",
    remedy: "Write `softdep DRIVER pre: vfio-pci` beside `options vfio-pci ids=` in a file of modprobe, and make the initramfs anew; or put the driver on modprobe's blacklist, where the host needs it for nothing else. Where the driver is built in, let driverctl bind the device, which takes it back from the driver.",
    since: "0.1.0",
    reads: &[
        "drivers/base/dd.c (__driver_attach: a device that has a driver is passed over)",
        "init/initramfs.c (unpack_to_rootfs), lib/decompress.c",
        "Documentation/driver-api/early-userspace/buffer-format.rst",
        "kernel/module/main.c (module_blacklist)",
        "modprobe.d(5) (softdep, blacklist, install)",
        "dracut.cmdline(7) (rd.driver.pre), initramfs-tools(7) (conf/modules), mkinitcpio.conf(5) (MODULES)",
    ],
    check: Check::Plan(check),
    example: Example {
        speaks: Scene::host(|| {
            let conf =
                "options vfio-pci ids=10de:2684,10de:22bd\nsoftdep snd_hda_intel pre: vfio-pci\n";
            by_ids(conf).initramfs(&[
                ("etc/modprobe.d/vfio.conf", conf),
                ("lib/modules/nouveau.ko", ""),
                ("lib/modules/vfio-pci.ko", ""),
            ])
        }),
        silent: Scene::host(|| {
            let conf = "options vfio-pci ids=10de:2684,10de:22bd\nsoftdep nouveau pre: vfio-pci\nsoftdep snd_hda_intel pre: vfio-pci\n";
            by_ids(conf).initramfs(&[
                ("etc/modprobe.d/vfio.conf", conf),
                ("lib/modules/nouveau.ko", ""),
                ("lib/modules/vfio-pci.ko", ""),
            ])
        }),
    },
};

fn by_ids(conf: &str) -> FakeHost {
    FakeHost::workstation().without("/etc/driverctl.d").file("/etc/modprobe.d/vfio.conf", conf)
}

/// A device that nothing claims for VFIO is AH701's to say.
fn check(config: &Config, host: &Host, answer: &mut Answer) {
    let Some(boot) = &host.next_boot else { return };
    for (vm, plan) in config.vms.iter().enumerate() {
        let mut lost: Vec<(&Wanted, Rival)> = Vec::new();
        for wanted in super::run::wanted_by(plan) {
            let Ok(Some(device)) = host.device(wanted.address.value) else { continue };
            if is_vfio(device) != Ok(true) {
                continue;
            }
            let Ok(Some(claim)) = claim(host, boot, device) else { continue };
            let by_driver = matches!(claim.by, By::Ids | By::Udev(_)) && claim.by.is_vfio();
            let (true, Some(rivals)) = (by_driver, &boot.rivals) else { continue };
            let race = Race { host, boot, rivals, device, by: &claim.by };
            let (first, gaps) = race.run();
            for gap in gaps {
                answer.gap(gap);
            }
            lost.extend(first.into_iter().map(|rival| (wanted, rival)));
        }
        if !lost.is_empty() {
            answer.find(finding(vm, &lost));
        }
    }
}

fn finding(vm: usize, lost: &[(&Wanted, Rival)]) -> Finding {
    let (first, rival) = &lost[0];
    let addresses: BTreeSet<_> = lost.iter().map(|(wanted, _)| wanted.address.value).collect();
    let more = match addresses.len() - 1 {
        0 => String::new(),
        more => format!(" ({more} more devices are named below)"),
    };
    let message = format!(
        "At the next boot {} can take {} before vfio-pci does{more}",
        rival.module, first.address.value
    );
    let mut finding = Finding::new(message)
        .severity(Severity::Warning)
        .vm(vm)
        .device(first.address.value)
        .at(first.address.span)
        .remedy(Remedy::advice(RULE.remedy));
    for (wanted, rival) in lost {
        let address = wanted.address.value;
        finding = finding
            .detail(format!("{address}: {} {}.", rival.module, rival.why))
            .evidence(rival.evidence.clone())
            .related(Related {
                device: Some(address),
                ..Related::place(
                    format!("{} can take {address}", rival.module),
                    wanted.address.span,
                )
            });
    }
    finding
}
