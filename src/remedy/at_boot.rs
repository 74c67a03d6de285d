//! Binding a function at every boot.
//!
//! By address where there is driverctl, which makes a rule of udev of it (`driverctl(8)`); else by
//! ids, early (`modprobe.d(5)`, `drivers/vfio/pci/vfio_pci.c`: ids).

use std::collections::BTreeSet;

use super::{for_good, is_plain};
use crate::finding::{Edit, ForGood, Remedy};
use crate::host::{Device, System};
use crate::pci::Address;

/// With driverctl; none on distributions that are not known to have it.
pub fn by_address(system: &System, address: Address) -> Option<ForGood> {
    let install = if system.has("driverctl") == Some(true) {
        None
    } else {
        Some(("driverctl", install(system)?))
    };
    Some(ForGood {
        needs: install,
        edits: vec![Edit::Run {
            command: format!("driverctl set-override {address} vfio-pci"),
            undo: format!("driverctl unset-override {address}"),
        }],
        apply: None,
    })
}

fn install(system: &System) -> Option<&'static str> {
    if system.has("/run/ostree-booted") != Some(false) {
        return system.has("rpm-ostree")?.then_some("rpm-ostree install --apply-live driverctl");
    }
    if system.is_like("debian") || system.is_like("ubuntu") {
        Some("apt-get install driverctl")
    } else if system.is_like("fedora") || system.is_like("rhel") {
        Some("dnf install driverctl")
    } else {
        None
    }
}

/// A program that makes the image which the kernel is started with.
struct Initramfs {
    name: &'static str,
    rebuild: &'static str,
    /// Where it is told to put vfio-pci into it; it takes modprobe.d along by itself.
    file: &'static str,
    line: &'static str,
}

/// `mkinitcpio.conf(5)`, `initramfs-tools(7)`, `dracut.conf(5)`
const INITRAMFS: [Initramfs; 3] = [
    Initramfs {
        name: "mkinitcpio",
        rebuild: "mkinitcpio -P",
        file: "/etc/mkinitcpio.conf.d/ai-how-vfio.conf",
        line: "MODULES+=(vfio_pci)",
    },
    Initramfs {
        name: "update-initramfs",
        rebuild: "update-initramfs -u",
        file: "/etc/initramfs-tools/modules",
        line: "vfio-pci",
    },
    Initramfs {
        name: "dracut",
        rebuild: "dracut --force",
        file: "/etc/dracut.conf.d/ai-how-vfio.conf",
        line: "force_drivers+=\" vfio-pci \"",
    },
];

impl Initramfs {
    /// The one of the host; none where that is not clear.
    fn of(system: &System) -> Option<&'static Self> {
        if system.has("booster") != Some(false) {
            return None;
        }
        let mut there = INITRAMFS.iter().filter(|tool| system.has(tool.name) != Some(false));
        let tool = there.next()?;
        (there.next().is_none() && system.has(tool.name) == Some(true)).then_some(tool)
    }

    /// Debian has one file of modules, to which a line is added.
    fn edit(&self) -> Edit {
        if self.name == "update-initramfs" {
            Edit::Line { path: self.file, line: self.line.to_owned() }
        } else {
            Edit::File { path: self.file.to_owned(), lines: vec![self.line.to_owned()] }
        }
    }
}

/// All functions of the plan in one file, since of several lists of ids the last counts. Left to a
/// person, who alone can tell whether another file has one, or another card the same ids.
pub fn by_ids(system: &System, devices: &[&Device]) -> Option<Remedy> {
    let ids: Option<BTreeSet<String>> = devices.iter().map(|device| ids(device)).collect();
    let ids = Vec::from_iter(ids?).join(",");
    let addresses: Vec<String> = devices.iter().map(|it| it.address.to_string()).collect();
    let who = addresses.join(" and ");
    let taking = "It takes every card with these ids (ai-how inventory pcie tells whether there is another); where another file has such a line, put the ids into that one, as only the last counts, and keep what an ai-how-vfio.conf that is there says of other cards: the file is written anew.";
    if system.is("nixos") {
        return Some(Remedy::advice(format!(
            "For good: in /etc/nixos/configuration.nix, boot.extraModprobeConfig = \"options vfio-pci ids={ids}\" and boot.initrd.kernelModules = [ \"vfio_pci\" ] give {who} to vfio-pci; then nixos-rebuild switch, and reboot. {taking}"
        )));
    }
    let initramfs = Initramfs::of(system)?;
    let drivers = devices.iter().filter_map(|device| device.driver.known().ok().flatten());
    let before: BTreeSet<&String> =
        drivers.filter(|driver| is_plain(driver) && *driver != "vfio-pci").collect();
    let mut lines = vec![format!("options vfio-pci ids={ids}")];
    lines.extend(before.iter().map(|driver| format!("softdep {driver} pre: vfio-pci")));
    let changes = ForGood {
        edits: vec![
            Edit::File { path: "/etc/modprobe.d/ai-how-vfio.conf".to_owned(), lines },
            initramfs.edit(),
        ],
        apply: Some(initramfs.rebuild),
        ..ForGood::default()
    };
    let text =
        format!("For good, as root: give {who} to vfio-pci by ids, at the next boot. {taking}");
    let (commands, undo) = (for_good::make(&changes), for_good::unmake(&changes));
    Some(Remedy { commands, undo, ..Remedy::advice(text) })
}

fn ids(device: &Device) -> Option<String> {
    match (device.vendor.known(), device.device.known()) {
        (Ok(Some(vendor)), Ok(Some(id))) => Some(format!("{vendor}:{id}")),
        _ => None,
    }
}
