//! What a made-up function is like: in use or free, awake or asleep, with its addresses; and the
//! processes that use it.

use super::{FakeDevice, FakeHost};
#[cfg(test)]
use crate::host::reading::Why;
use crate::host::root::{Entry, Tree};
use crate::pci::Address;

impl FakeHost {
    /// A process with its name, its arguments and what its files lead to. Process 1 comes along,
    /// as on every host whose processes can be seen.
    pub fn process(self, pid: u32, name: &str, arguments: &[&str], files: &[&str]) -> Self {
        let line: String = arguments.iter().map(|argument| format!("{argument}\0")).collect();
        let host = self
            .file("/proc/1/comm", "systemd\n")
            .link("/proc/1/fd/0", "/dev/null")
            .file("/proc/2/comm", "kthreadd\n")
            .put("/proc/2/fd", Some(Entry::Folder))
            .file(&format!("/proc/{pid}/comm"), &format!("{name}\n"))
            .file(&format!("/proc/{pid}/cmdline"), &line)
            .link(&format!("/proc/{pid}/fd/0"), "/dev/null");
        files.iter().enumerate().fold(host, |host, (index, target)| {
            host.link(&format!("/proc/{pid}/fd/{}", index + 20), target)
        })
    }

    /// The QEMU of a VM, with these nodes open.
    pub fn qemu(self, pid: u32, vm: &str, files: &[&str]) -> Self {
        let name = format!("guest={vm},debug-threads=on");
        self.process(pid, "qemu-system-x86", &["qemu-system-x86_64", "-name", &name], files)
    }

    /// What a group may not map, a region a line.
    pub fn reserved(self, group: u32, regions: &str) -> Self {
        self.file(&format!("/sys/kernel/iommu_groups/{group}/reserved_regions"), regions)
    }

    /// A function that showed the firmware's screen, and who draws there since, by what is in
    /// `/proc/iomem`.
    pub fn boot_screen(self, address: Address, owner: &str) -> Self {
        let map = format!(
            "00001000-0009ffff : System RAM\nf6000000-f7ffffff : PCI Bus 0000:01\n  f6000000-f6ffffff : {address}\n    f6000000-f67fffff : {owner}\n"
        );
        self.attribute(address, "boot_vga", "1\n").file("/proc/iomem", &map)
    }

    /// A function without any reset of its own.
    pub fn without_reset(self, address: Address) -> Self {
        self.without_attribute(address, "reset").without_attribute(address, "reset_method")
    }

    /// A path that the caller may not look at.
    #[cfg(test)]
    pub fn denied(self, path: &str) -> Self {
        self.put(path, Some(Entry::Unknown(Why::Denied)))
    }

    /// A virtual function, the first of a physical one.
    #[cfg(test)]
    pub fn virtual_function(
        self,
        physical: Address,
        address: Address,
        driver: Option<&'static str>,
        group: u32,
    ) -> Self {
        let parent = self.devices.iter().find(|it| it.address == physical).and_then(|it| it.parent);
        let host = self.with(address, 0x02_0000, (0x8086, 0x1889), driver, group);
        let host =
            parent.map_or_else(|| host.clone(), |parent| host.clone().below(address, parent));
        let (own, above) = (host.folder_of(address), host.folder_of(physical));
        host.link(&format!("{own}/physfn"), &format!("../{physical}"))
            .link(&format!("{above}/virtfn0"), &format!("../{address}"))
            .file(&format!("{above}/sriov_numvfs"), "1\n")
    }
}

impl FakeDevice {
    pub(super) fn write_state(&self, tree: &mut Tree, folder: &str) {
        let mut attribute = |name: &str, text: &str| tree.file(&format!("{folder}/{name}"), text);
        attribute("power_state", "D0\n");
        attribute("power/control", "auto\n");
        attribute("power/runtime_status", "active\n");
        attribute("resource", "0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200\n");
        let in_use = self.driver.is_some_and(|it| !it.contains("vfio") && it != "pci-stub");
        attribute("enable", if in_use { "1\n" } else { "0\n" });
        if !self.bridge {
            attribute("reset", "");
            attribute("reset_method", "flr bus\n");
        }
        if self.class >> 8 == 0x0300 {
            let is_first = self.address == super::IGPU;
            attribute("boot_vga", if is_first { "1\n" } else { "0\n" });
        }
    }
}
