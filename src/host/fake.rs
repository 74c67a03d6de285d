//! Hosts written in code: the examples that `explain` runs and the tests judge.
//!
//! A fake host becomes a [`Tree`] of the kernel's own files, so that it is read by the same code
//! as a machine.

mod device;
pub mod harm;
mod placement;
mod security;

use super::next_boot::initramfs::cpio::{self, Member};
use super::root::{Entry, Tree};
use crate::pci::Address;
use harm::Own;
#[cfg(test)]
pub use security::SECOND_PORT;

/// A machine to be put together; begins as a workstation on which everything is ready.
#[derive(Debug, Clone)]
pub struct FakeHost {
    release: &'static str,
    arch: &'static str,
    cpu_vendor: &'static str,
    cpu_flags: &'static str,
    command_line: &'static str,
    modules: Vec<&'static str>,
    acpi_tables: Vec<&'static str>,
    iommu: Option<&'static str>,
    kvm_node: bool,
    devices: Vec<FakeDevice>,
    /// What the host itself has on its devices.
    own: Own,
    /// Made last, on top of all that the machine has by itself.
    changes: Vec<Change>,
    /// Owner, group and mode of device nodes.
    nodes: Vec<(&'static str, u32, u32, u32)>,
    /// Who asks; root where nobody is named.
    caller: u32,
    /// How many bytes a caller that is not root may lock.
    memlock: Option<u64>,
    /// Chips of the first interrupts.
    chips: (&'static str, &'static str),
}

/// A path of the machine that is other than usual.
#[derive(Debug, Clone)]
struct Change {
    path: String,
    /// None takes the path away, with all below it.
    entry: Option<Entry>,
}

/// A function of a fake host.
#[derive(Debug, Clone)]
pub struct FakeDevice {
    address: Address,
    /// The bridge above it; none on the root bus.
    parent: Option<Address>,
    class: u32,
    ids: (u16, u16),
    subsystem: (u16, u16),
    driver: Option<&'static str>,
    group: Option<u32>,
    bridge: bool,
}

pub const GPU: Address = Address::new(0, 1, 0, 0);
pub const GPU_AUDIO: Address = Address::new(0, 1, 0, 1);
pub const ROOT_PORT: Address = Address::new(0, 0, 1, 0);
pub const NVME: Address = Address::new(0, 2, 0, 0);
pub const LPC: Address = Address::new(0, 0, 0x1f, 0);
/// The processor's own display, which the host keeps.
pub const IGPU: Address = Address::new(0, 0, 2, 0);

impl FakeHost {
    /// An Intel workstation whose GPU and its audio function wait on vfio-pci, alone in a group.
    /// driverctl keeps on VFIO what is there now.
    pub fn workstation() -> Self {
        let on_root_bus = |address, class, ids, driver, group| FakeDevice {
            address,
            parent: None,
            class,
            ids,
            subsystem: (ids.0, 1),
            driver,
            group: Some(group),
            bridge: class >> 8 == 0x0604,
        };
        let below = |port, device: FakeDevice| FakeDevice { parent: Some(port), ..device };
        let second_port = Address::new(0, 0, 6, 0);
        Self {
            release: "6.12.1-amd64",
            arch: "x86_64",
            cpu_vendor: "GenuineIntel",
            cpu_flags: "fpu vme msr pae lm vmx",
            command_line: "BOOT_IMAGE=/vmlinuz-6.12.1-amd64 root=/dev/nvme0n1p2 ro quiet intel_iommu=on",
            modules: vec![
                "vfio",
                "vfio_iommu_type1",
                "vfio_pci_core",
                "vfio_pci",
                "kvm",
                "kvm_intel",
                "irqbypass",
            ],
            acpi_tables: vec!["APIC", "DMAR", "FACP", "MCFG"],
            iommu: Some("dmar0"),
            kvm_node: true,
            devices: vec![
                on_root_bus(Address::new(0, 0, 0, 0), 0x06_0000, (0x8086, 0x3e30), None, 0),
                on_root_bus(ROOT_PORT, 0x06_0400, (0x8086, 0x1901), Some("pcieport"), 1),
                on_root_bus(IGPU, 0x03_0000, (0x8086, 0x3e98), Some("i915"), 4),
                on_root_bus(second_port, 0x06_0400, (0x8086, 0xa338), Some("pcieport"), 2),
                on_root_bus(LPC, 0x06_0100, (0x8086, 0xa305), None, 3),
                below(
                    ROOT_PORT,
                    on_root_bus(GPU, 0x03_0000, (0x10de, 0x2684), Some("vfio-pci"), 16),
                ),
                below(
                    ROOT_PORT,
                    on_root_bus(GPU_AUDIO, 0x04_0300, (0x10de, 0x22bd), Some("vfio-pci"), 16),
                ),
                below(
                    second_port,
                    on_root_bus(NVME, 0x01_0802, (0x144d, 0xa808), Some("nvme"), 17),
                ),
            ],
            own: Own::workstation(),
            changes: Vec::new(),
            nodes: Vec::new(),
            caller: 0,
            memlock: None,
            chips: ("IR-IO-APIC", "IR-PCI-MSIX-0000:02:00.0"),
        }
    }

    /// The same with the host's drivers on the GPU and its audio function.
    pub fn gpu_held_by_nvidia() -> Self {
        Self::workstation().driver(GPU, Some("nvidia")).driver(GPU_AUDIO, Some("snd_hda_intel"))
    }

    /// The IOMMU switched off in the firmware setup: its table is not there.
    pub fn iommu_off_in_firmware(mut self) -> Self {
        self.acpi_tables.retain(|table| *table != "DMAR");
        self.iommu = None;
        self.chips = ("IO-APIC", "PCI-MSIX-0000:02:00.0");
        for device in &mut self.devices {
            device.group = None;
            if device.driver == Some("vfio-pci") {
                device.driver = None;
            }
        }
        self
    }

    /// A device node with an owner, a group and a mode.
    pub fn node(mut self, path: &'static str, owner: u32, group: u32, mode: u32) -> Self {
        self.nodes.push((path, owner, group, mode));
        self
    }

    /// The program is started by this user, who is in no group but the own.
    pub fn called_by(mut self, uid: u32) -> Self {
        self.caller = uid;
        self
    }

    /// How many bytes a caller that is not root may lock.
    #[cfg(test)]
    pub fn may_lock(mut self, bytes: u64) -> Self {
        self.memlock = Some(bytes);
        self
    }

    /// Chips of the interrupts of the timer and of a device.
    pub fn interrupts(mut self, timer: &'static str, device: &'static str) -> Self {
        self.chips = (timer, device);
        self
    }

    /// No IOMMU, and groups that were made for devices on vfio-pci all the same.
    pub fn noiommu_mode(mut self) -> Self {
        self.iommu = None;
        self.acpi_tables.retain(|table| *table != "DMAR");
        // Each function on vfio-pci gets one of its own.
        for device in &mut self.devices {
            device.group = match device.address {
                GPU => Some(0),
                GPU_AUDIO => Some(1),
                _ => None,
            };
        }
        let named = |host: Self, id: u32| {
            host.file(&format!("/sys/kernel/iommu_groups/{id}/name"), "vfio-noiommu\n")
        };
        named(named(self, 0), 1)
            .file("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n")
    }

    /// All of VFIO and KVM is built into the kernel, which has no modules at all.
    #[cfg(test)]
    pub fn built_in_everything(mut self) -> Self {
        self.release = "6.12.1-lab";
        self.modules.clear();
        self.file("/boot/config-6.12.1-lab", "CONFIG_VFIO=y\nCONFIG_VFIO_CONTAINER=y\nCONFIG_VFIO_IOMMU_TYPE1=y\nCONFIG_VFIO_PCI=y\nCONFIG_KVM=y\nCONFIG_KVM_INTEL=y\nCONFIG_INTEL_IOMMU=y\n")
            .without("/proc/modules")
            .without("/lib/modules")
            .folder("/sys/module/vfio")
            .folder("/sys/module/vfio_pci")
            .file("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n")
            .file("/sys/class/misc/vfio/dev", "10:196\n")
            .file("/dev/vfio/vfio", "")
            .folder("/sys/bus/pci/drivers/vfio-pci")
    }

    /// VFIO over IOMMUFD with a node for each device, and neither groups' nodes nor type1.
    #[cfg(test)]
    pub fn iommufd_only(self) -> Self {
        self.without_modules(&["vfio_iommu_type1"])
            .without("/sys/class/misc/vfio")
            .without("/sys/module/vfio_iommu_type1")
            .without("/dev/vfio")
            .file("/sys/class/misc/iommu/dev", "10:126\n")
            .file("/dev/iommu", "")
            .file("/dev/vfio/devices/vfio0", "")
            .file("/dev/vfio/devices/vfio1", "")
            .file("/sys/module/iommufd/parameters/allow_unsafe_interrupts", "N\n")
    }

    pub fn loaded(mut self, module: &'static str) -> Self {
        self.modules.push(module);
        self
    }

    pub fn release(mut self, release: &'static str) -> Self {
        self.release = release;
        self
    }

    pub fn command_line(mut self, line: &'static str) -> Self {
        self.command_line = line;
        self
    }

    #[cfg(test)]
    pub fn cpu(mut self, vendor: &'static str, flags: &'static str) -> Self {
        (self.cpu_vendor, self.cpu_flags) = (vendor, flags);
        self
    }

    /// A 64-bit Arm machine.
    pub fn on_arm(mut self) -> Self {
        (self.arch, self.release) = ("aarch64", "6.12.1-arm64");
        self
    }

    #[cfg(test)]
    pub fn acpi_tables(mut self, tables: &[&'static str]) -> Self {
        self.acpi_tables = tables.to_vec();
        self
    }

    /// The IOMMU's entry in `/sys/class/iommu`, or none.
    #[cfg(test)]
    pub fn iommu(mut self, instance: Option<&'static str>) -> Self {
        self.iommu = instance;
        self
    }

    pub fn without_kvm(mut self) -> Self {
        self.kvm_node = false;
        self.without_modules(&["kvm_intel"])
    }

    pub fn without_modules(mut self, names: &[&'static str]) -> Self {
        self.modules.retain(|module| !names.contains(module));
        self
    }

    pub fn driver(self, address: Address, driver: Option<&'static str>) -> Self {
        self.change(address, |device| device.driver = driver)
    }

    pub fn group(self, address: Address, group: Option<u32>) -> Self {
        self.change(address, |device| device.group = group)
    }

    pub fn ids(self, address: Address, vendor: u16, device: u16) -> Self {
        self.change(address, |it| it.ids = (vendor, device))
    }

    #[cfg(test)]
    pub fn subsystem(self, address: Address, vendor: u16, device: u16) -> Self {
        self.change(address, |it| it.subsystem = (vendor, device))
    }

    /// The same function at another address below the same bridge.
    pub fn moved(self, from: Address, to: Address) -> Self {
        self.change(from, |device| device.address = to)
    }

    pub fn with(
        mut self,
        address: Address,
        class: u32,
        ids: (u16, u16),
        driver: Option<&'static str>,
        group: u32,
    ) -> Self {
        let bridge = class >> 8 == 0x0604;
        self.devices.push(FakeDevice {
            address,
            parent: None,
            class,
            ids,
            subsystem: (ids.0, 1),
            driver,
            group: Some(group),
            bridge,
        });
        self
    }

    /// A file of the machine, by its path.
    pub fn file(self, path: &str, text: &str) -> Self {
        self.put(path, Some(Entry::File(text.as_bytes().to_vec())))
    }

    /// The image of the first file system, with these members and their texts.
    pub fn initramfs(self, members: &[(&str, &str)]) -> Self {
        let member = |(name, text): &(&str, &str)| Member {
            name: (*name).to_owned(),
            contents: text.as_bytes().to_vec(),
        };
        let members: Vec<Member> = members.iter().map(member).collect();
        let path = format!("/boot/initrd.img-{}", self.release);
        self.put(&path, Some(Entry::File(cpio::write(&members))))
    }

    /// What was put at one path, at another.
    #[cfg(test)]
    pub fn moved_file(mut self, from: &str, to: &str) -> Self {
        for change in self.changes.iter_mut().filter(|change| change.path == from) {
            to.clone_into(&mut change.path);
        }
        self
    }

    pub fn link(self, path: &str, target: &str) -> Self {
        self.put(path, Some(Entry::Link(target.to_owned())))
    }

    #[cfg(test)]
    pub fn folder(self, path: &str) -> Self {
        self.put(path, Some(Entry::Folder))
    }

    /// Takes a path away, with all below it.
    pub fn without(self, path: &str) -> Self {
        self.put(path, None)
    }

    /// An attribute in the folder of a function.
    pub fn attribute(self, address: Address, name: &str, text: &str) -> Self {
        let path = format!("{}/{name}", self.folder_of(address));
        self.file(&path, text)
    }

    pub fn without_attribute(self, address: Address, name: &str) -> Self {
        let path = format!("{}/{name}", self.folder_of(address));
        self.without(&path)
    }

    /// Puts a function below a bridge, or below a controller that makes a domain of its own.
    pub fn below(self, address: Address, parent: Address) -> Self {
        self.change(address, |device| device.parent = Some(parent))
    }

    /// The folder of a function, below that of the bridge above it: `/sys/devices/pci0000:00/…`.
    pub fn folder_of(&self, address: Address) -> String {
        let parent = self.devices.iter().find(|device| device.address == address);
        match parent.and_then(|device| device.parent) {
            None => format!("/sys/devices/pci{:04x}:00/{address}", address.domain),
            Some(parent) if parent.domain == address.domain => {
                format!("{}/{address}", self.folder_of(parent))
            }
            Some(parent) => {
                let Address { domain, bus, .. } = address;
                format!("{}/pci{domain:04x}:{bus:02x}/{address}", self.folder_of(parent))
            }
        }
    }

    fn put(mut self, path: &str, entry: Option<Entry>) -> Self {
        self.changes.push(Change { path: path.to_owned(), entry });
        self
    }

    fn change(mut self, address: Address, change: impl FnOnce(&mut FakeDevice)) -> Self {
        if let Some(device) = self.devices.iter_mut().find(|device| device.address == address) {
            change(device);
        }
        self
    }

    /// The files of this machine.
    pub fn tree(&self) -> Tree {
        let mut tree = Tree::default();
        self.write_kernel(&mut tree);
        self.write_iommu(&mut tree);
        placement::write(&mut tree);
        for device in &self.devices {
            let folder = self.folder_of(device.address);
            device.write(&mut tree, folder.trim_start_matches("/sys/"));
            if let Some(driver) = device.driver.filter(|driver| driver.contains("vfio")) {
                let kept = format!("/etc/driverctl.d/pci-{}", device.address);
                tree.file(&kept, format!("{driver}\n"));
            }
        }
        for (path, owner, group, mode) in &self.nodes {
            tree.node(path, *owner, *group, *mode);
        }
        tree.called_by(self.caller, &[self.caller]);
        if let Some(bytes) = self.memlock {
            tree.may_lock(bytes);
        }
        self.write_own(&mut tree);
        for Change { path, entry } in &self.changes {
            tree.remove(path);
            if let Some(entry) = entry {
                tree.put(path, entry.clone());
            }
        }
        tree
    }

    fn write_kernel(&self, tree: &mut Tree) {
        let Self { release, arch, cpu_vendor, cpu_flags, command_line, .. } = self;
        tree.file("/proc/sys/kernel/osrelease", format!("{release}\n"));
        tree.file("/proc/sys/kernel/arch", format!("{arch}\n"));
        tree.file("/proc/version", format!("Linux version {release} (builder@example) #1 SMP\n"));
        tree.file("/proc/cmdline", format!("{command_line}\n"));
        let (timer, device) = self.chips;
        tree.file(
            "/proc/interrupts",
            format!("            CPU0       \n   0:         42   {timer}    2-edge      timer\n  24:       1507   {device}    0-edge      nvme0q0\n NMI:          0   Non-maskable interrupts\n"),
        );
        let processor = match *arch {
            "aarch64" => {
                "processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\n\n".to_owned()
            }
            _ => format!("processor\t: 0\nvendor_id\t: {cpu_vendor}\nflags\t\t: {cpu_flags}\n\n"),
        };
        tree.file("/proc/cpuinfo", processor);
        let lines: String = self
            .modules
            .iter()
            .map(|name| format!("{name} 16384 0 - Live 0x0000000000000000\n"))
            .collect();
        tree.file("/proc/modules", lines);
        let all =
            ["vfio/vfio", "vfio/vfio_iommu_type1", "vfio/pci/vfio-pci-core", "vfio/pci/vfio-pci"];
        let dep: String = all.iter().map(|path| format!("kernel/drivers/{path}.ko:\n")).collect();
        let kvm = "kernel/arch/x86/kvm/kvm.ko:\nkernel/arch/x86/kvm/kvm-intel.ko:\nkernel/arch/x86/kvm/kvm-amd.ko:\n";
        tree.file(&format!("/lib/modules/{release}/modules.dep"), dep + kvm);
        tree.file(&format!("/lib/modules/{release}/modules.builtin"), "kernel/fs/ext4/ext4.ko\n");
        tree.file(
            &format!("/lib/modules/{release}/modules.alias"),
            "# Aliases extracted from modules themselves.\nalias pci:v000010DEd*sv*sd*bc03sc*i* nouveau\nalias pci:v*d*sv*sd*bc04sc03i00* snd_hda_intel\nalias pci:v*d*sv*sd*bc01sc08i02* nvme\n",
        );
        tree.file(&format!("/lib/modules/{release}/modules.builtin.modinfo"), "ext4.license=GPL\0");
        tree.file(
            &format!("/boot/config-{release}"),
            "CONFIG_INTEL_IOMMU=y\n# CONFIG_INTEL_IOMMU_DEFAULT_ON is not set\nCONFIG_AMD_IOMMU=y\nCONFIG_VFIO=m\nCONFIG_VFIO_IOMMU_TYPE1=m\nCONFIG_VFIO_PCI=m\nCONFIG_KVM=m\nCONFIG_KVM_INTEL=m\nCONFIG_KVM_AMD=m\n",
        );
        tree.folder("/etc/modprobe.d");
        tree.folder("/usr/lib/modprobe.d");
        tree.folder("/sys/module");
        for name in &self.modules {
            tree.file(&format!("/sys/module/{name}/refcnt"), "0\n");
        }
        if self.modules.contains(&"vfio_iommu_type1") {
            tree.file("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
        }
        tree.folder("/dev");
        if self.kvm_node {
            tree.file("/dev/kvm", "");
        }
        tree.folder("/sys/class/misc");
        tree.folder("/sys/bus/pci/drivers");
        if self.modules.contains(&"vfio") {
            tree.file("/sys/class/misc/vfio/dev", "10:196\n");
            tree.file("/dev/vfio/vfio", "");
        }
        if self.modules.contains(&"vfio_pci") {
            tree.file("/sys/bus/pci/drivers/vfio-pci/module_name", "vfio_pci\n");
        }
    }

    fn write_iommu(&self, tree: &mut Tree) {
        tree.folder("/sys/kernel/iommu_groups");
        tree.folder("/sys/class/iommu");
        if let Some(instance) = self.iommu {
            tree.file(&format!("/sys/class/iommu/{instance}/name"), format!("{instance}\n"));
            if instance.starts_with("dmar") {
                // Of a desktop's processor: 39 bits.
                let register = format!("/sys/class/iommu/{instance}/intel-iommu/cap");
                tree.file(&register, "d2008c40660462\n");
            }
        }
        for table in &self.acpi_tables {
            tree.file(&format!("/sys/firmware/acpi/tables/{table}"), "");
        }
    }
}

impl FakeDevice {
    /// `home` is its folder within `/sys`.
    fn write(&self, tree: &mut Tree, home: &str) {
        let device = self;
        let FakeDevice { address, class, ids: (vendor, id), subsystem: (maker, model), .. } =
            device;
        let folder = format!("/sys/{home}");
        let up = "../".repeat(home.matches('/').count() + 1);
        tree.link(&format!("/sys/bus/pci/devices/{address}"), &format!("../../../{home}"));
        let driver = device.driver.map(|driver| format!("DRIVER={driver}\n")).unwrap_or_default();
        tree.file(
            &format!("{folder}/uevent"),
            format!("{driver}PCI_CLASS={class:X}\nPCI_ID={vendor:04X}:{id:04X}\nPCI_SUBSYS_ID={maker:04X}:{model:04X}\nPCI_SLOT_NAME={address}\nMODALIAS=pci:v{vendor:08X}d{id:08X}sv{maker:08X}sd{model:08X}bc{:02X}sc{:02X}i{:02X}\n", class >> 16, class >> 8 & 0xff, class & 0xff),
        );
        for (name, text) in [
            ("class", format!("0x{class:06x}\n")),
            ("vendor", format!("0x{vendor:04x}\n")),
            ("device", format!("0x{id:04x}\n")),
            ("subsystem_vendor", format!("0x{maker:04x}\n")),
            ("subsystem_device", format!("0x{model:04x}\n")),
            ("revision", "0xa1\n".to_owned()),
            ("numa_node", "-1\n".to_owned()),
        ] {
            tree.file(&format!("{folder}/{name}"), text);
        }
        if device.bridge {
            tree.file(&format!("{folder}/secondary_bus_number"), "1\n");
        }
        self.write_state(tree, &folder);
        if let Some(driver) = device.driver {
            tree.link(&format!("{folder}/driver"), &format!("{up}bus/pci/drivers/{driver}"));
            tree.folder(&format!("/sys/bus/pci/drivers/{driver}"));
            tree.link(
                &format!("/sys/bus/pci/drivers/{driver}/{address}"),
                &format!("../../../../{home}"),
            );
        }
        if let Some(group) = device.group {
            tree.link(
                &format!("{folder}/iommu_group"),
                &format!("{up}kernel/iommu_groups/{group}"),
            );
            tree.link(
                &format!("/sys/kernel/iommu_groups/{group}/devices/{address}"),
                &format!("../../../../{home}"),
            );
            tree.file(&format!("/sys/kernel/iommu_groups/{group}/type"), "DMA-FQ\n");
            tree.file(&format!("/sys/kernel/iommu_groups/{group}/reserved_regions"), "");
        }
        if device.driver == Some("vfio-pci") {
            tree.file(&format!("{folder}/vfio-dev/vfio{0}/dev", address.function), "511:0\n");
            if let Some(group) = device.group {
                tree.file(&format!("/dev/vfio/{group}"), "");
            }
        }
    }
}
