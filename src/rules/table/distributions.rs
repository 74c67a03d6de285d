//! What is told to type on the distributions, each with its own `/etc/os-release` and the tools
//! that an installation of it has. The page `docs/remedies.md` is made of them.

use super::{load, off, workstation};
use crate::finding::Remedy;
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO};
use crate::host::{Host, Need, Root};
use crate::policy::{self, Policy};

struct Distribution {
    name: &'static str,
    os_release: &'static str,
    /// What started the kernel, where it says so.
    loader: Option<&'static str>,
    /// Programs and files that are there.
    there: &'static [&'static str],
}

const DEBIAN: &[&str] = &[
    "/usr/sbin/update-grub",
    "/usr/sbin/grub-mkconfig",
    "/usr/sbin/update-initramfs",
    "/usr/bin/kernel-install",
    "/etc/default/grub",
    "/etc/default/grub.d/",
    "/boot/grub/grub.cfg",
];

#[rustfmt::skip]
const ALL: &[Distribution] = &[
    Distribution { name: "Debian 12", os_release: include_str!("../../../tests/data/os-release/debian-12"), loader: None, there: DEBIAN },
    Distribution { name: "Ubuntu 24.04", os_release: include_str!("../../../tests/data/os-release/ubuntu-24.04"), loader: Some("GRUB 2.12"), there: DEBIAN },
    Distribution { name: "Pop!_OS 22.04", os_release: include_str!("../../../tests/data/os-release/pop-os-22.04"), loader: Some("systemd-boot 249.11"), there: &["/usr/bin/kernelstub", "/usr/sbin/update-initramfs", "/usr/bin/kernel-install"] },
    Distribution { name: "Proxmox VE 8, root on ZFS", os_release: include_str!("../../../tests/data/os-release/proxmox-ve-8"), loader: Some("systemd-boot 252.12"), there: &["/usr/sbin/proxmox-boot-tool", "/etc/kernel/proxmox-boot-uuids", "/etc/kernel/cmdline", "/usr/sbin/update-grub", "/usr/sbin/update-initramfs", "/etc/default/grub"] },
    Distribution { name: "Proxmox VE 8, started by GRUB", os_release: include_str!("../../../tests/data/os-release/proxmox-ve-8"), loader: None, there: &["/usr/sbin/proxmox-boot-tool", "/usr/sbin/update-grub", "/usr/sbin/update-initramfs", "/etc/default/grub", "/etc/default/grub.d/", "/boot/grub/grub.cfg"] },
    Distribution { name: "Fedora 41", os_release: include_str!("../../../tests/data/os-release/fedora-41"), loader: Some("GRUB 2.12"), there: &["/usr/sbin/grubby", "/usr/sbin/grub2-mkconfig", "/usr/bin/dracut", "/usr/bin/kernel-install", "/etc/default/grub"] },
    Distribution { name: "Fedora Silverblue 34", os_release: include_str!("../../../tests/data/os-release/fedora-silverblue-34"), loader: None, there: &["/run/ostree-booted", "/usr/bin/rpm-ostree", "/usr/bin/dracut", "/etc/default/grub"] },
    Distribution { name: "Rocky Linux 9.4", os_release: include_str!("../../../tests/data/os-release/rocky-9.4"), loader: None, there: &["/usr/sbin/grubby", "/usr/sbin/grub2-mkconfig", "/usr/bin/dracut", "/etc/default/grub"] },
    Distribution { name: "openSUSE Leap 15.6", os_release: include_str!("../../../tests/data/os-release/opensuse-leap-15.6"), loader: None, there: &["/usr/sbin/grub2-mkconfig", "/usr/bin/dracut", "/etc/default/grub", "/boot/grub2/grub.cfg"] },
    Distribution { name: "Arch Linux, started by GRUB", os_release: include_str!("../../../tests/data/os-release/arch"), loader: Some("GRUB 2:2.12"), there: &["/usr/bin/grub-mkconfig", "/usr/bin/mkinitcpio", "/usr/bin/kernel-install", "/etc/default/grub", "/boot/grub/grub.cfg"] },
    Distribution { name: "Arch Linux, started by systemd-boot", os_release: include_str!("../../../tests/data/os-release/arch"), loader: Some("systemd-boot 256.7"), there: &["/usr/bin/mkinitcpio", "/usr/bin/kernel-install"] },
    Distribution { name: "Arch Linux, started by Limine", os_release: include_str!("../../../tests/data/os-release/arch"), loader: Some("Limine 8.0"), there: &["/usr/bin/mkinitcpio", "/boot/limine.conf"] },
    Distribution { name: "NixOS 24.05", os_release: include_str!("../../../tests/data/os-release/nixos-24.05"), loader: Some("systemd-boot 255.6"), there: &[] },
    Distribution { name: "A distribution of its own, with GRUB and initramfs-tools", os_release: "ID=own\n", loader: None, there: DEBIAN },
    Distribution { name: "A distribution that is not known", os_release: "ID=own\n", loader: Some("rEFInd 0.14"), there: &["/usr/bin/booster"] },
];

impl Distribution {
    fn install(&self, host: FakeHost) -> FakeHost {
        let host = host.file("/etc/os-release", self.os_release).folder("/usr/bin");
        let host = self.there.iter().fold(host, |host, path| match path.strip_suffix('/') {
            Some(folder) => host.folder(folder),
            None => host.file(path, ""),
        });
        let Some(loader) = self.loader else { return host };
        let text: String = loader.chars().flat_map(|c| [c, '\0']).collect();
        let variable = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
        host.file(variable, &format!("\u{6}\0\0\0{text}\0\0"))
    }
}

/// States of a host, each with the finding of which the remedies are shown.
fn states() -> [(&'static str, &'static str, FakeHost); 4] {
    [
        (
            "AH105",
            "The Intel IOMMU is off unless it is asked for",
            off(workstation()).command_line("quiet"),
        ),
        (
            "AH105",
            "The IOMMU is turned off on the command line",
            off(workstation()).command_line("intel_iommu=off"),
        ),
        (
            "AH104",
            "Modules of VFIO are not loaded",
            workstation()
                .without_modules(&["vfio_pci", "vfio_iommu_type1"])
                .driver(GPU, None)
                .driver(GPU_AUDIO, None),
        ),
        ("AH207", "nvidia has the GPU", FakeHost::gpu_held_by_nvidia()),
    ]
}

/// The remedies of the first finding with this code.
fn remedies(code: &str, host: &FakeHost) -> Vec<Remedy> {
    let config = load(super::ONE_GPU);
    let need = Need { system: true, ..crate::rules::need(&config) };
    let host = Host::read(&Root::memory(host.tree()), &need);
    let answers = crate::rules::run(&config, Some(&host));
    let judged = policy::judge(answers, &config, Some(&host), Policy::default());
    let finding = judged.findings.iter().find(|finding| finding.code == code);
    finding.map(|finding| finding.remedies.clone()).unwrap_or_default()
}

/// The page `docs/remedies.md`.
pub fn page() -> String {
    let mut page = String::from(
        "# Remedies on the distributions\n\nGenerated (`UPDATE=1 cargo test`). What `ai-how validate` says is to be done for good, on hosts made in code with the\n`/etc/os-release` of the distribution and the tools that are usual there. What is to be done until the next boot is the same\non all of them: [docs/rules.md](rules.md) shows it. Where the way of a host is not known for sure, it is told in words.\n",
    );
    for distribution in ALL {
        page += &format!("\n## {}\n", distribution.name);
        for (code, state, host) in states() {
            let remedies = remedies(code, &distribution.install(host));
            page += &format!("\n**{state}** ({code}).\n");
            for remedy in remedies.iter().filter(|remedy| remedy.act.is_none()) {
                page += &format!("\n{}\n", remedy.text);
                let mut lines: Vec<String> = remedy.commands.clone();
                if !remedy.undo.is_empty() {
                    lines.push("# to undo:".to_owned());
                    lines.extend(remedy.undo.iter().cloned());
                }
                if !lines.is_empty() {
                    page += &format!("\n    {}\n", lines.join("\n    "));
                }
            }
        }
    }
    page
}

/// What is known never to work (`docs/rules.md` says why) is printed nowhere.
#[test]
fn no_recipe_is_one_that_is_known_to_be_wrong() {
    for distribution in ALL {
        for (code, _, host) in states() {
            let remedies = remedies(code, &distribution.install(host));
            assert!(!remedies.is_empty(), "{}: {code}", distribution.name);
            let commands = remedies.iter().flat_map(|it| it.commands.iter().chain(&it.undo));
            let all: String = commands.map(|line| format!("{line}\n")).collect();
            for wrong in ["new_id", "vfio-pci/bind", "amd_iommu=on", "noiommu"] {
                assert!(!all.contains(wrong), "{}: {all}", distribution.name);
            }
            let parameters = |line: &&str| {
                let words = line.split_whitespace().filter(|word| !word.starts_with('-'));
                line.trim_start().starts_with("modprobe vfio") && words.count() > 2
            };
            assert_eq!(all.lines().find(parameters), None, "{}", distribution.name);
        }
    }
}

/// A host of which the loader could not be told gets words, and no command that may be wrong.
#[test]
fn without_its_loader_no_host_is_edited() {
    let debian = &ALL[0];
    let (_, _, host) = &states()[0];
    let told = |host: &FakeHost| remedies("AH105", host).remove(0);
    let host = debian.install(host.clone());
    assert!(!told(&host).commands.is_empty());
    let unknown = host
        .clone()
        .file("/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", "x");
    assert_eq!(told(&unknown).commands, Vec::<String>::new());
    assert!(told(&unknown).text.contains("in your bootloader's configuration"));
    let another = host.without("/etc/default/grub");
    assert_eq!(told(&another).commands, Vec::<String>::new());
}
