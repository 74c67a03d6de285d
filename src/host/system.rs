//! What is installed on the host, as far as remedies hang on it: the distribution, what boots it,
//! what makes its initramfs, who made the board.
//!
//! Only the existence of programs and of their configuration is asked, of a fixed list.

use std::collections::BTreeMap;

use super::reading::{HostPath, Reading};
use super::root::Root;

#[derive(Debug)]
pub struct System {
    pub os: Reading<OsRelease>,
    /// What started the kernel, as it says itself: `systemd-boot 252`, `GRUB 2.12`
    /// (`systemd.io/BOOT_LOADER_INTERFACE`). Absent without EFI, and after a loader that does not
    /// say it.
    pub loader: Reading<String>,
    /// Who made the board (`Documentation/ABI/testing/sysfs-firmware-dmi-tables`).
    pub board_vendor: Reading<String>,
    /// How far the kernel is locked down: `none`, `integrity`, `confidentiality`
    /// (`security/lockdown/lockdown.c`). Absent where it has no lockdown.
    pub lockdown: Reading<String>,
    /// Programs and files of [`ASKED`].
    there: BTreeMap<&'static str, Reading<()>>,
}

/// `os-release(5)`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OsRelease {
    pub id: String,
    /// Distributions that it is made like.
    pub like: Vec<String>,
}

/// What may be there, and where; a slash behind it marks a folder.
const ASKED: &[(&str, &[&str])] = &[
    ("driverctl", &["/usr/sbin/driverctl", "/usr/bin/driverctl"]),
    ("dracut", &["/usr/bin/dracut", "/usr/sbin/dracut"]),
    ("booster", &["/usr/bin/booster"]),
    ("grub-mkconfig", &["/usr/sbin/grub-mkconfig", "/usr/bin/grub-mkconfig"]),
    ("grub2-mkconfig", &["/usr/sbin/grub2-mkconfig", "/usr/bin/grub2-mkconfig"]),
    ("grubby", &["/usr/sbin/grubby", "/usr/bin/grubby"]),
    ("kernel-install", &["/usr/bin/kernel-install"]),
    ("kernelstub", &["/usr/bin/kernelstub"]),
    ("mkinitcpio", &["/usr/bin/mkinitcpio"]),
    ("proxmox-boot-tool", &["/usr/sbin/proxmox-boot-tool"]),
    ("rpm-ostree", &["/usr/bin/rpm-ostree"]),
    ("sdbootutil", &["/usr/bin/sdbootutil"]),
    ("update-grub", &["/usr/sbin/update-grub", "/usr/bin/update-grub"]),
    ("update-initramfs", &["/usr/sbin/update-initramfs", "/usr/bin/update-initramfs"]),
    ("/boot/grub/grub.cfg", &["/boot/grub/grub.cfg"]),
    ("/boot/grub2/grub.cfg", &["/boot/grub2/grub.cfg"]),
    ("/boot/limine.conf", &["/boot/limine.conf"]),
    ("/etc/default/grub", &["/etc/default/grub"]),
    ("/etc/default/grub.d/", &["/etc/default/grub.d/"]),
    ("/etc/kernel/cmdline", &["/etc/kernel/cmdline"]),
    ("/etc/kernel/proxmox-boot-uuids", &["/etc/kernel/proxmox-boot-uuids"]),
    ("/run/ostree-booted", &["/run/ostree-booted"]),
];

const LOADER: &str = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

pub fn read(root: &Root) -> System {
    let there = |paths: &[&str]| {
        let readings = paths.iter().map(|&path| match path.strip_suffix('/') {
            Some(folder) => root.folder(folder),
            None => root.exists(&path.into()),
        });
        readings.reduce(|one, other| one.or(|| other)).expect("each has a path")
    };
    let text = |path: &str| root.text(&path.into());
    System {
        os: text("/etc/os-release")
            .or(|| text("/usr/lib/os-release"))
            .parse("a line ID=", |text| OsRelease::parse(text))
            .showing(|os| os.id.clone()),
        loader: read_loader(root),
        board_vendor: text("/sys/class/dmi/id/board_vendor"),
        lockdown: text("/sys/kernel/security/lockdown")
            .parse("a word in brackets", |text| Some(chosen(text)?.to_owned())),
        there: ASKED.iter().map(|(name, paths)| (*name, there(paths))).collect(),
    }
}

impl System {
    /// Whether a program or file of the list is there; none where that is not known.
    pub fn has(&self, name: &str) -> Option<bool> {
        let reading = self.there.get(name).expect("it is of the list");
        reading.known().ok().map(|found| found.is_some())
    }

    /// The distribution is this one, or says that it is like it.
    pub fn is_like(&self, id: &str) -> bool {
        let os = self.os.known().ok().flatten();
        os.is_some_and(|os| os.id == id || os.like.iter().any(|like| like == id))
    }

    pub fn is(&self, id: &str) -> bool {
        self.os.known().ok().flatten().is_some_and(|os| os.id == id)
    }
}

fn read_loader(root: &Root) -> Reading<String> {
    let path = HostPath::from(LOADER);
    // Not started by EFI.
    if matches!(root.folder("/sys/firmware/efi").known(), Ok(None)) {
        return Reading::absent(path);
    }
    let loader = root.bytes(&path).parse("a text of UTF-16", |bytes| variable(bytes));
    loader.showing(Clone::clone)
}

/// Four bytes of attributes, then UTF-16 with a NUL at its end (`Documentation/filesystems/efivarfs.rst`).
fn variable(bytes: &[u8]) -> Option<String> {
    let units = bytes.get(4..)?.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text = String::from_utf16(&units.collect::<Vec<_>>()).ok()?;
    Some(text.trim_end_matches('\0').to_owned())
}

/// `none [integrity] confidentiality`
fn chosen(text: &str) -> Option<&str> {
    text.split_once('[')?.1.split_once(']').map(|(word, _)| word)
}

impl OsRelease {
    /// Assignments as a shell has them; the last of one name counts.
    fn parse(text: &str) -> Option<Self> {
        let values: BTreeMap<&str, &str> = text
            .lines()
            .filter_map(|line| line.trim().split_once('='))
            .map(|(name, value)| (name, value.trim_matches(['"', '\''])))
            .collect();
        Some(Self {
            id: values.get("ID").filter(|id| !id.is_empty()).map(|id| (*id).to_owned())?,
            like: values
                .get("ID_LIKE")
                .map(|like| like.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_is_read_as_a_shell_does() {
        let text = "NAME=\"Rocky Linux\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID='9.4'\n";
        let os = OsRelease::parse(text).unwrap();
        assert_eq!(os.id, "rocky");
        assert_eq!(os.like, ["rhel", "centos", "fedora"]);
        assert_eq!(OsRelease::parse("NAME=x\n"), None);
    }

    #[test]
    fn what_started_the_kernel_is_told_in_utf_16() {
        let text = "systemd-boot 252.5-2ubuntu3\0";
        let mut bytes = vec![6, 0, 0, 0];
        bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(variable(&bytes).as_deref(), Some("systemd-boot 252.5-2ubuntu3"));
        assert_eq!(variable(&bytes[..3]), None);
        assert_eq!(chosen("none [integrity] confidentiality"), Some("integrity"));
    }
}
