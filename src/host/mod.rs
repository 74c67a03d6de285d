//! Facts of the host, each with what was read for it.
//!
//! *Invariant:* only this floor reads the machine, through [`Root`] alone; it judges nothing and
//! knows no configuration.

mod block;
mod cpu;
mod device;
mod disks;
mod display;
pub mod fake;
mod input;
mod iommu;
mod kernel;
mod modules;
mod mounts;
mod need;
mod network;
mod place;
mod reading;
mod root;
mod routes;
mod uses;

use std::collections::{BTreeMap, BTreeSet};

pub use cpu::Cpu;
pub use device::{Bar, BarKind, Device};
pub use disks::{DiskUse, Disks, InUse};
pub use iommu::{Group, Iommu, Members};
pub use kernel::{BuildConfig, CommandLine, Release};
pub use modules::{KVM, KVM_AMD, KVM_INTEL, Modules, Part, Presence, VFIO, VFIO_PCI, VFIO_TYPE1};
pub use need::{Devices, Need, WantedDevice};
pub use network::{NetUse, Through};
pub use reading::{Evidence, Gap, Reading, Why};
#[cfg(test)]
pub use root::{Asked, Entry, Tree};
pub use root::{Root, RootError};
pub use uses::Uses;

use crate::pci::{Address, PciId};

/// Everything read of a host for one run.
#[derive(Debug)]
pub struct Host {
    pub root: String,
    pub release: Reading<Release>,
    pub cpu: Cpu,
    pub command_line: Reading<CommandLine>,
    pub kvm: Kvm,
    pub vfio: Vfio,
    pub iommu: Iommu,
    /// Only read where KVM, VFIO or the IOMMU was not found at work.
    pub modules: Option<Modules>,
    /// Addresses of all functions on the bus.
    pub bus: Reading<BTreeSet<Address>>,
    /// The functions that were needed.
    pub devices: BTreeMap<Address, Device>,
    /// The groups of those functions.
    pub groups: BTreeMap<u32, Group>,
    /// Who is in them, as far as it is known.
    pub members: BTreeMap<u32, Members>,
    /// Only read where a function that is asked for, or one of its group, may be on a driver of the
    /// host: a plan that is ready needs none of it.
    uses: Option<Uses>,
}

#[derive(Debug)]
pub struct Kvm {
    /// `/dev/kvm`
    pub node: Reading<()>,
    /// Folders in `/sys/module`; only read where the node is not there.
    pub folders: BTreeMap<&'static str, Reading<()>>,
}

#[derive(Debug)]
pub struct Vfio {
    /// `/sys/bus/pci/drivers/vfio-pci`, there when the driver is registered, built in or loaded.
    pub pci_driver: Reading<()>,
    /// vfio-pci's parameter `disable_denylist`: it then takes devices that it would refuse.
    pub denylist_off: Reading<bool>,
    /// `/sys/class/misc/vfio`, there when VFIO's container is served.
    pub container: Reading<()>,
    /// Folders in `/sys/module` of [`VFIO`], [`VFIO_TYPE1`], [`VFIO_PCI`].
    pub folders: BTreeMap<&'static str, Reading<()>>,
    /// `/dev/iommu`, there when IOMMUFD is served.
    pub iommufd: Reading<()>,
    /// `/dev/vfio/devices`, there when devices can be opened without a group.
    pub cdev: Reading<()>,
}

impl Host {
    pub fn read(root: &Root, need: &Need) -> Self {
        let release = kernel::read_release(root);
        let mut host = Self {
            root: root.name(),
            cpu: cpu::read(root, &release),
            command_line: kernel::read_command_line(root),
            kvm: Kvm::read(root),
            vfio: Vfio::read(root),
            iommu: iommu::read(root),
            modules: None,
            bus: read_bus(root),
            devices: BTreeMap::new(),
            groups: BTreeMap::new(),
            members: BTreeMap::new(),
            uses: None,
            release,
        };
        if host.lacks_something() {
            host.modules = Some(Modules::read(root, &host.release));
        }
        host.read_devices(root, need);
        if host.in_question(need).next().is_some() {
            host.uses = Some(uses::read(root, host.in_question(need)));
        }
        host
    }

    /// What the host itself does with its functions.
    pub fn uses(&self) -> Result<&Uses, Gap> {
        let not_read = || Gap { path: "what the host uses".to_owned(), why: Why::NotCaptured };
        self.uses.as_ref().ok_or_else(not_read)
    }

    /// Whether all functions of the bus were read.
    pub fn all_read(&self) -> Result<(), Gap> {
        let all = self.bus.required()?;
        let missing = all.iter().find(|address| !self.devices.contains_key(address));
        missing.map_or(Ok(()), |missing| {
            Err(Gap { path: format!("{}/{missing}", device::DEVICES), why: Why::NotCaptured })
        })
    }

    /// A function; `None` where it is known not to be on the bus.
    pub fn device(&self, address: Address) -> Result<Option<&Device>, Gap> {
        match (self.devices.get(&address), self.bus.known()) {
            (Some(device), _) => Ok(Some(device)),
            (None, Ok(_)) => Ok(None),
            (None, Err(gap)) => Err(gap),
        }
    }

    /// A function that a group lists; such a one is on the bus, so its absence is a gap.
    pub fn member(&self, address: Address) -> Result<&Device, Gap> {
        let gone = || Gap { path: format!("{}/{address}", device::DEVICES), why: Why::Missing };
        self.device(address)?.ok_or_else(gone)
    }

    /// Whether the ids of every function on the bus were read.
    pub fn all_ids_known(&self) -> bool {
        let read = matches!(self.bus.known(), Ok(Some(all)) if all.len() == self.devices.len());
        let known = |it: &Device| it.vendor.required().is_ok() && it.device.required().is_ok();
        read && self.devices.values().all(known)
    }

    /// Functions with these ids, among those that were read.
    pub fn devices_with(&self, vendor: PciId, device: PciId) -> Vec<Address> {
        let is = |reading: &Reading<PciId>, id| matches!(reading.known(), Ok(Some(found)) if *found == id);
        let like =
            self.devices.values().filter(|it| is(&it.vendor, vendor) && is(&it.device, device));
        like.map(|it| it.address).collect()
    }

    fn lacks_something(&self) -> bool {
        let there = |reading: &Reading<()>| matches!(reading.known(), Ok(Some(())));
        let iommu = self.iommu.acpi_tables.is_none();
        let vfio = there(&self.vfio.pci_driver) && self.vfio.folders.values().all(there);
        !(iommu && vfio && there(&self.kvm.node))
    }

    fn read_devices(&mut self, root: &Root, need: &Need) {
        let on_bus = self.bus.known().ok().flatten().cloned();
        let first = match (&need.devices, &on_bus) {
            (Devices::All, Some(all)) => all.clone(),
            (Devices::All, None) => BTreeSet::new(),
            (wanted, all) => {
                let wanted = wanted.addresses();
                all.as_ref().map_or_else(
                    || present_ones(root, &wanted),
                    |all| wanted.intersection(all).copied().collect(),
                )
            }
        };
        self.add(root, need, first);
        self.add_groups(root);
        self.index_members();
        let members: BTreeSet<Address> =
            self.members.values().flat_map(|group| group.known.iter().copied()).collect();
        self.add(root, need, members);
        if let Some(all) = on_bus {
            let membership_open = self.members.values().any(|group| !group.gaps.is_empty());
            // In a capture the list of a group may have lost what the links still tell.
            let list_may_be_short = root.may_be_partial() && !self.groups.is_empty();
            // Which display is left can only be told of all.
            let display = self.in_question(need).any(|device| device.is_display() != Ok(false));
            if membership_open || list_may_be_short || display || self.somebody_moved(need) {
                self.add(root, need, all);
            }
        }
        self.index_members();
    }

    /// The functions asked for and the members of their groups, where a driver of the host may hold
    /// them. No bridge: nothing is taken off one. Rather too many than too few.
    fn in_question(&self, need: &Need) -> impl Iterator<Item = &Device> {
        let wanted = need.devices.addresses();
        let all = matches!(need.devices, Devices::All);
        let groups: BTreeSet<u32> = self
            .devices
            .values()
            .filter(|device| wanted.contains(&device.address))
            .filter_map(|device| device.iommu_group.known().ok().flatten().copied())
            .collect();
        let members: BTreeSet<Address> = groups
            .iter()
            .filter_map(|group| self.members.get(group))
            .flat_map(|members| members.known.iter().copied())
            .collect();
        let asked = move |device: &&Device| {
            all || wanted.contains(&device.address) || members.contains(&device.address)
        };
        let on_vfio = |device: &Device, driver: &String| {
            driver == "vfio-pci" || matches!(device.vfio_dev.known(), Ok(Some(())))
        };
        let held = move |device: &&Device| match device.driver.known() {
            Ok(driver) => driver.is_some_and(|driver| !on_vfio(device, driver)),
            Err(_) => true,
        };
        let bridge = |device: &Device| device.is_bus_bridge() == Ok(true);
        self.devices.values().filter(asked).filter(held).filter(move |device| !bridge(device))
    }

    fn index_members(&mut self) {
        let all_read = matches!(self.bus.known(), Ok(Some(all)) if all.len() == self.devices.len());
        self.members = iommu::members(&self.groups, self.devices.values(), all_read);
    }

    fn add(&mut self, root: &Root, need: &Need, addresses: BTreeSet<Address>) {
        for address in addresses {
            let not_captured = iommu::is_not_captured(&self.iommu);
            self.devices.entry(address).or_insert_with(|| {
                let device = device::read(root, address, need);
                if not_captured { device.without_captured_group() } else { device }
            });
        }
    }

    fn add_groups(&mut self, root: &Root) {
        let ids: BTreeSet<u32> = self
            .devices
            .values()
            .filter_map(|device| device.iommu_group.known().ok().flatten().copied())
            .collect();
        for id in ids {
            self.groups.entry(id).or_insert_with(|| iommu::read_group(root, id));
        }
    }

    /// Whether a wanted device is not where the plan says, so that all must be looked through.
    fn somebody_moved(&self, need: &Need) -> bool {
        let Devices::Wanted(wanted) = &need.devices else {
            return false;
        };
        wanted.iter().filter(|wanted| wanted.device.is_some()).any(|wanted| match self.devices.get(&wanted.address) {
            None => true,
            Some(found) => {
                let differs = |reading: &Reading<_>, id| matches!((reading.known(), id), (Ok(Some(found)), Some(id)) if *found != id);
                differs(&found.vendor, wanted.vendor) || differs(&found.device, wanted.device)
            }
        })
    }
}

/// That a function is not on the bus.
pub fn absent_from_bus(address: Address) -> Evidence {
    Evidence { path: format!("{}/{address}", device::DEVICES), value: "(absent)".to_owned() }
}

impl Kvm {
    fn read(root: &Root) -> Self {
        let node = root.exists(&"/dev/kvm".into());
        let folders = match node.known() {
            Ok(Some(())) => BTreeMap::new(),
            _ => folders_of(root, &[KVM, KVM_INTEL, KVM_AMD]),
        };
        Self { node, folders }
    }
}

impl Vfio {
    fn read(root: &Root) -> Self {
        Self {
            pci_driver: read_pci_driver(root),
            denylist_off: read_denylist_off(root),
            container: root.folder("/sys/class/misc/vfio"),
            folders: folders_of(root, &[VFIO, VFIO_TYPE1, VFIO_PCI]),
            iommufd: root.exists(&"/dev/iommu".into()),
            cdev: root.folder("/dev/vfio/devices"),
        }
    }
}

fn folders_of(root: &Root, parts: &[Part]) -> BTreeMap<&'static str, Reading<()>> {
    parts.iter().map(|&part| (part.name, modules::folder(root, part))).collect()
}

/// All functions on the bus. A host without `/sys/bus/pci` has none; other names in the folder
/// than addresses are none of the kernel's.
fn read_bus(root: &Root) -> Reading<BTreeSet<Address>> {
    if has_no_bus(root) {
        return Reading::present(device::DEVICES.into(), BTreeSet::new(), "(no PCI bus)");
    }
    root.list(&device::DEVICES.into()).absent_means(Why::NotCaptured).parse("addresses", |names| {
        Some(names.iter().filter_map(|name| Address::from_sysfs(name)).collect())
    })
}

/// Also known where the folder above is missing too: /sys itself is always there.
fn has_no_bus(root: &Root) -> bool {
    matches!(
        (root.folder("/sys/bus/pci").known(), root.folder("/sys/bus").known()),
        (Ok(None), _) | (Err(Gap { why: Why::NotCaptured, .. }), Ok(None))
    )
}

/// Without a bus there is no driver of it.
fn read_pci_driver(root: &Root) -> Reading<()> {
    let path = "/sys/bus/pci/drivers/vfio-pci";
    if has_no_bus(root) { Reading::absent(path.into()) } else { root.folder(path) }
}

/// Absent where vfio-pci is not there, or is older than its list (5.9).
fn read_denylist_off(root: &Root) -> Reading<bool> {
    let path = "/sys/module/vfio_pci/parameters/disable_denylist";
    root.text(&path.into()).parse("Y or N", |text| match text.as_str() {
        "Y" => Some(true),
        "N" => Some(false),
        _ => None,
    })
}

/// Where the bus cannot be listed, a wanted device may still be looked at.
fn present_ones(root: &Root, wanted: &BTreeSet<Address>) -> BTreeSet<Address> {
    let there = |address: &&Address| {
        let folder = root.folder(format!("{}/{address}", device::DEVICES));
        matches!(folder.known(), Ok(Some(())))
    };
    wanted.iter().filter(there).copied().collect()
}
