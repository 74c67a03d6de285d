//! Where the kernel's command line is written down, and what makes a change of it count.

use crate::finding::{Edit, ForGood};
use crate::host::System;

/// The ways of the distributions. Each is told only where all of what it needs was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loader {
    /// `nixos-rebuild(8)`: nothing is edited but the configuration.
    NixOs,
    /// `rpm-ostree(1)`, kargs
    RpmOstree,
    /// Proxmox VE Administration Guide, "Editing the Kernel Commandline"
    ProxmoxBootTool,
    /// Pop!_OS; `kernelstub --help`
    Kernelstub,
    /// `kernel-install(8)`: `/etc/kernel/cmdline`; then this
    KernelInstall(&'static str),
    /// `grubby(8)`, Fedora and those like it
    Grubby,
    /// Files of `/etc/default/grub.d`, which Debian's `grub-mkconfig` reads
    GrubDropIn,
    /// `/etc/default/grub`, a piece of shell; then this
    GrubDefault(&'static str),
    Limine,
    /// Entries that a person wrote.
    SystemdBoot,
    Unknown,
}

impl Loader {
    pub fn of(system: &System) -> Self {
        let has = |name| system.has(name) == Some(true);
        let started_by = system.loader.known();
        let is = |name| matches!(&started_by, Ok(Some(loader)) if loader.starts_with(name));
        if system.is("nixos") {
            return Self::NixOs;
        }
        if system.has("/run/ostree-booted") != Some(false) {
            return if has("rpm-ostree") { Self::RpmOstree } else { Self::Unknown };
        }
        if is("systemd-boot") {
            let cmdline = has("/etc/kernel/cmdline");
            return if cmdline && has("/etc/kernel/proxmox-boot-uuids") && has("proxmox-boot-tool") {
                Self::ProxmoxBootTool
            } else if has("kernelstub") {
                Self::Kernelstub
            } else if cmdline && has("kernel-install") && !has("mkinitcpio") && !has("sdbootutil") {
                Self::KernelInstall(add_kernel(system))
            } else {
                Self::SystemdBoot
            };
        }
        if is("Limine") || (matches!(started_by, Ok(None)) && has("/boot/limine.conf")) {
            return Self::Limine;
        }
        // Before 2.12 GRUB does not tell its name.
        let may_be_grub = is("GRUB") || matches!(started_by, Ok(None));
        if !may_be_grub || !has("/etc/default/grub") || has("sdbootutil") {
            Self::Unknown
        } else if has("grubby") && (system.is_like("fedora") || system.is_like("rhel")) {
            Self::Grubby
        } else if has("update-grub") && has("/etc/default/grub.d/") {
            Self::GrubDropIn
        } else if has("update-grub") {
            Self::GrubDefault("update-grub")
        } else if has("grub2-mkconfig") && has("/boot/grub2/grub.cfg") {
            Self::GrubDefault("grub2-mkconfig -o /boot/grub2/grub.cfg")
        } else if has("grub-mkconfig") && has("/boot/grub/grub.cfg") {
            Self::GrubDefault("grub-mkconfig -o /boot/grub/grub.cfg")
        } else {
            Self::Unknown
        }
    }

    /// The changes that put a parameter there or take it away; none where a person has to.
    pub fn change(self, parameter: &str, there: bool) -> Option<ForGood> {
        let run = |on: String, off: String| {
            let (command, undo) = if there { (on, off) } else { (off, on) };
            ForGood { edits: vec![Edit::Run { command, undo }], ..ForGood::default() }
        };
        let word = |apply| ForGood {
            edits: vec![Edit::Word { path: CMDLINE, word: parameter.to_owned(), there }],
            apply: Some(apply),
            ..ForGood::default()
        };
        let line = format!("GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX {parameter}\"");
        Some(match self {
            Self::RpmOstree => run(
                format!("rpm-ostree kargs --append-if-missing={parameter}"),
                format!("rpm-ostree kargs --delete-if-present={parameter}"),
            ),
            Self::Kernelstub => run(
                format!("kernelstub --add-options {parameter}"),
                format!("kernelstub --delete-options {parameter}"),
            ),
            Self::Grubby => run(
                format!("grubby --update-kernel=ALL --args={parameter}"),
                format!("grubby --update-kernel=ALL --remove-args={parameter}"),
            ),
            Self::ProxmoxBootTool => word("proxmox-boot-tool refresh"),
            Self::KernelInstall(apply) => word(apply),
            // Which of the files has it, and in which variable, only a person sees.
            Self::GrubDropIn | Self::GrubDefault(_) if !there => return None,
            Self::GrubDropIn => ForGood {
                edits: vec![Edit::File {
                    path: format!("/etc/default/grub.d/ai-how-{}.cfg", name_of(parameter)),
                    lines: vec![line],
                }],
                apply: Some("update-grub"),
                ..ForGood::default()
            },
            Self::GrubDefault(apply) => ForGood {
                edits: vec![Edit::Line { path: "/etc/default/grub", line }],
                apply: Some(apply),
                ..ForGood::default()
            },
            Self::NixOs | Self::Limine | Self::SystemdBoot | Self::Unknown => return None,
        })
    }

    /// The same in words, for a person; none where nothing is known.
    pub fn words(self, parameter: &str, there: bool) -> Option<String> {
        let (verb, preposition) = if there { ("Add", "to") } else { ("Remove", "from") };
        Some(match self {
            Self::NixOs => format!(
                "{verb} \"{parameter}\" {preposition} boot.kernelParams in /etc/nixos/configuration.nix, run nixos-rebuild switch, and reboot."
            ),
            Self::Limine => format!(
                "{verb} {parameter} {preposition} the line cmdline: of the entry that is booted, in limine.conf, and reboot."
            ),
            Self::SystemdBoot => format!(
                "{verb} {parameter} {preposition} the line options of the entry that is booted (bootctl list tells its file), and reboot."
            ),
            Self::GrubDropIn | Self::GrubDefault(_) if !there => {
                let apply = if let Self::GrubDefault(apply) = self { apply } else { "update-grub" };
                format!(
                    "Remove {parameter} from GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub and the files of /etc/default/grub.d, run {apply} as root, and reboot."
                )
            }
            _ => return None,
        })
    }
}

/// Debian has the image of a kernel in `/boot` alone (its package linux-image).
fn add_kernel(system: &System) -> &'static str {
    if system.is_like("debian") || system.is_like("ubuntu") {
        "kernel-install add \"$(uname -r)\" \"/boot/vmlinuz-$(uname -r)\""
    } else {
        "kernel-install add \"$(uname -r)\" \"/lib/modules/$(uname -r)/vmlinuz\""
    }
}

const CMDLINE: &str = "/etc/kernel/cmdline";

/// `intel_iommu=on` is `intel_iommu`.
fn name_of(parameter: &str) -> &str {
    parameter.split_once('=').map_or(parameter, |(name, _)| name)
}
