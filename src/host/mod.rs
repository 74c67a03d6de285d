//! Facts of the host, each with what was read for it.
//!
//! *Invariant:* only this floor reads the machine, through [`Root`] alone; it judges nothing and
//! knows no configuration.

mod access;
mod aliases;
mod block;
mod cpu;
mod cpu_list;
mod device;
mod disks;
mod display;
pub mod fake;
mod framebuffer;
mod holders;
mod input;
mod interrupts;
mod iommu;
mod isolation;
mod kernel;
mod kernel_log;
mod locking;
mod memory;
mod modules;
mod mounts;
mod namespaces;
mod need;
mod network;
mod next_boot;
mod place;
mod placement;
mod reading;
mod reset;
mod root;
mod routes;
mod slots;
pub mod snapshot;
mod stand_ins;
mod system;
mod uses;
mod vfio;
mod vfio_nodes;
mod xen;

use std::collections::{BTreeMap, BTreeSet};

pub use access::{Node, User};
pub use aliases::{Alias, Aliases};
pub use cpu::Cpu;
pub use cpu_list::CpuList;
pub use device::{Bar, BarKind, Device, Link, Power, State};
pub use disks::{DiskUse, Disks, InUse};
pub use display::Connector;
pub use framebuffer::Framebuffer;
pub use holders::{Hold, Holders, Process};
pub use interrupts::Interrupts;
pub use iommu::{Group, Iommu, Members};
pub use isolation::{Paths, slots};
pub use kernel::{ACS_OVERRIDE, BuildConfig, CommandLine, Release};
pub use kernel_log::KernelLog;
pub use locking::Locking;
pub use memory::{Memory, Pool};
pub use modules::{KVM, KVM_AMD, KVM_INTEL, Modules, Part, Presence, VFIO, VFIO_PCI, VFIO_TYPE1};
pub use need::{Devices, Need, WantedDevice};
pub use network::{NetUse, Through};
pub use next_boot::{Image, NextBoot, Override, Rivals, Setting, TakenIds, modprobe};
pub use placement::Placement;
pub use reading::{Evidence, Gap, Reading, Why};
pub use reset::{OwnReset, own_reset, reset_peers, resets_with};
#[cfg(any(test, fuzzing))]
pub use root::{Asked, Tree};
#[cfg(test)]
pub use root::{Entry, Fault, Faults, Injected, Source, Step, injected};
pub use root::{Root, RootError, Watch};
pub use slots::Slots;
pub use system::System;
pub use uses::Uses;
pub use vfio::{Kvm, Vfio};

use crate::pci::{Address, PciId};

/// Everything read of a host for one run.
#[derive(Debug)]
pub struct Host {
    pub root: String,
    pub release: Reading<Release>,
    pub cpu: Cpu,
    pub command_line: Reading<CommandLine>,
    /// Only read where the command line may ask for something of which the log alone tells whether
    /// this kernel heeds it.
    pub log: Option<Reading<KernelLog>>,
    pub kvm: Kvm,
    pub vfio: Vfio,
    pub iommu: Iommu,
    pub interrupts: Interrupts,
    /// Whether this kernel is Xen's control domain.
    pub xen_dom0: Reading<bool>,
    /// Who is to start the VMs; none where it is the caller.
    pub user: Option<Reading<User>>,
    /// Only read where KVM, VFIO or the IOMMU was not found at work.
    pub modules: Option<Modules>,
    /// Addresses of all functions on the bus.
    pub bus: Reading<BTreeSet<Address>>,
    /// The functions that were needed.
    pub devices: BTreeMap<Address, Box<Device>>,
    /// Functions of which no more was read than that they are in none of the groups.
    elsewhere: BTreeSet<Address>,
    /// The groups of those functions.
    pub groups: BTreeMap<u32, Box<Group>>,
    /// Who is in them, as far as it is known.
    pub members: BTreeMap<u32, Members>,
    /// Who may open the own nodes of wanted functions, where IOMMUFD is served.
    pub cdevs: BTreeMap<Address, Reading<Node>>,
    /// Which modules would take which devices; only read for kernels on which that is a danger.
    pub aliases: Option<Aliases>,
    /// Labels of the physical slots; only read where a device has moved.
    pub slots: Option<Reading<Slots>>,
    /// Who uses the wanted functions.
    pub holders: Holders,
    /// Only read for who tells what is to be done.
    pub system: Option<System>,
    /// Only read where a wanted function showed the firmware's screen.
    pub framebuffers: Option<Reading<Vec<Framebuffer>>>,
    /// What is above the members of groups that a plan takes from.
    pub paths: Paths,
    /// What is set up for the next boot; only read where a driver of VFIO holds a wanted function.
    pub next_boot: Option<NextBoot>,
    /// Only read where a function that is asked for, or one of its group, may be on a driver of the
    /// host: a plan that is ready needs none of it.
    uses: Option<Uses>,
    /// Only read where the plan says what its VMs take.
    placement: Option<Placement>,
    /// What the caller may lock; none where somebody else is to start the VMs, and of a directory.
    pub locking: Option<Reading<Locking>>,
}

impl Host {
    pub fn read(root: &Root, need: &Need) -> Self {
        let release = kernel::read_release(root);
        let mut host = Self {
            root: root.name(),
            cpu: cpu::read(root, &release),
            command_line: kernel::read_command_line(root),
            log: None,
            kvm: Kvm::read(root),
            vfio: Vfio::read(root),
            iommu: iommu::read(root),
            interrupts: interrupts::read(root),
            xen_dom0: xen::read_is_dom0(root),
            // Of a copy nothing is asked of anybody.
            user: need
                .user
                .as_deref()
                .filter(|_| !root.may_be_partial())
                .map(|name| access::read_user(root, name)),
            modules: None,
            bus: read_bus(root),
            devices: BTreeMap::new(),
            elsewhere: BTreeSet::new(),
            groups: BTreeMap::new(),
            members: BTreeMap::new(),
            cdevs: BTreeMap::new(),
            aliases: None,
            slots: None,
            holders: Holders::default(),
            system: (need.everything || need.system).then(|| system::read(root)),
            framebuffers: None,
            paths: Paths::default(),
            next_boot: None,
            uses: None,
            placement: None,
            locking: None,
            release,
        };
        if need.everything || host.lacks_something() {
            host.modules = Some(Modules::read(root, &host.release));
        }
        host.read_devices(root, need);
        if need.all_groups {
            host.add_listed_groups(root);
        }
        host.read_next_boot(root, need);
        host.read_cdevs(root);
        host.read_aliases(root);
        host.holders = holders::read(root, &host.devices);
        if need.everything || host.may_override_acs() {
            host.log = Some(kernel_log::read(root));
        }
        // Who asks for a table of all functions is told of none why its group is large.
        if need.everything || matches!(need.devices, Devices::Wanted(_)) {
            let passable = |address| match host.devices.get(&address) {
                Some(device) => device.is_infrastructure() != Ok(true),
                None => true,
            };
            host.paths = isolation::read(root, host.members.values(), passable);
        }
        let screen = need.everything || host.has_boot_screen();
        host.framebuffers = screen.then(|| framebuffer::read(root));
        if need.everything || host.in_question(need).next().is_some() {
            host.uses = Some(uses::read(root, host.devices.values().map(Box::as_ref)));
        }
        if need.placement {
            host.placement =
                Some(placement::read(root, &host.iommu, host.devices.values().map(Box::as_ref)));
            host.locking = root.locking().filter(|_| need.user.is_none());
        }
        host
    }

    /// What the host itself does with its functions.
    pub fn uses(&self) -> Result<&Uses, Gap> {
        let not_read = || Gap { path: "what the host uses".to_owned(), why: Why::NotCaptured };
        self.uses.as_ref().ok_or_else(not_read)
    }

    /// What processors and memory are taken from.
    pub fn placement(&self) -> Result<&Placement, Gap> {
        let not_read = || Gap { path: "processors and memory".to_owned(), why: Why::NotCaptured };
        self.placement.as_ref().ok_or_else(not_read)
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
        let known = |it: &Device| it.vendor.required().is_ok() && it.device.required().is_ok();
        self.all_read().is_ok() && self.devices.values().all(|device| known(device))
    }

    /// Functions with these ids, among those that were read.
    pub fn devices_with(&self, vendor: PciId, device: PciId) -> Vec<Address> {
        let is = |reading: &Reading<PciId>, id| matches!(reading.known(), Ok(Some(found)) if *found == id);
        let like =
            self.devices.values().filter(|it| is(&it.vendor, vendor) && is(&it.device, device));
        like.map(|it| it.address).collect()
    }

    /// `ids=` may take any function of the host.
    fn read_next_boot(&mut self, root: &Root, need: &Need) {
        let on_vfio = |device: &&Device| {
            device.state.is_some()
                && (matches!(device.vfio_dev.known(), Ok(Some(())))
                    || matches!(device.driver.known(), Ok(Some(name)) if name.contains("vfio")))
        };
        let held: Vec<Address> = self
            .devices
            .values()
            .map(Box::as_ref)
            .filter(on_vfio)
            .map(|device| device.address)
            .collect();
        if held.is_empty() && !need.everything {
            return;
        }
        let next_boot = next_boot::read(root, &self.release, &held, need.everything);
        let takes_by_ids = next_boot.has_ids(&self.command_line);
        self.next_boot = Some(next_boot);
        if takes_by_ids && let Ok(Some(all)) = self.bus.known().map(Option::<&_>::cloned) {
            self.add(root, need, all);
            self.add_groups(root);
            self.index_members();
        }
    }

    fn lacks_something(&self) -> bool {
        let there = |reading: &Reading<()>| matches!(reading.known(), Ok(Some(())));
        let iommu = self.iommu.acpi_tables.is_none();
        let vfio = there(&self.vfio.pci_driver)
            && there(&self.vfio.container)
            && self.vfio.folders.values().all(there);
        !(iommu && vfio && there(&self.kvm.node))
    }

    fn may_override_acs(&self) -> bool {
        let asked = |line: &CommandLine| line.values(ACS_OVERRIDE).next().is_some();
        !matches!(self.command_line.known(), Ok(Some(line)) if !asked(line))
    }

    /// For who asks of the groups themselves, whatever is in them.
    fn add_listed_groups(&mut self, root: &Root) {
        for &id in self.iommu.groups.known().ok().flatten().into_iter().flatten() {
            self.groups.entry(id).or_insert_with(|| Box::new(iommu::read_group(root, id)));
        }
    }

    /// Of no use without IOMMUFD.
    fn read_cdevs(&mut self, root: &Root) {
        if self.vfio.serves_iommufd() == Ok(false) {
            return;
        }
        for device in self.devices.values() {
            let nodes = device.state.as_ref().and_then(|state| state.nodes.vfio.known().ok()?);
            if let Some([node]) = nodes.map(Vec::as_slice) {
                self.cdevs.insert(device.address, root.node(&node.as_str().into()));
            }
        }
    }

    /// Up to 5.18 the host crashes when a driver takes a member of a group that a VM uses.
    fn read_aliases(&mut self, root: &Root) {
        let Ok(Some(release)) = self.release.known() else { return };
        if release.at_least(5, 19) {
            return;
        }
        let free = |address: &Address| {
            self.devices.get(address).is_some_and(|it| matches!(it.driver.known(), Ok(None)))
        };
        if self.members.values().flat_map(|group| &group.known).any(free) {
            self.aliases = Some(aliases::read(root, &self.release));
            let release = &self.release;
            self.modules.get_or_insert_with(|| Modules::read(root, release));
        }
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
        self.add_wanted(root, need, first);
        self.add_groups(root);
        self.index_members();
        let members: BTreeSet<Address> =
            self.members.values().flat_map(|group| group.known.iter().copied()).collect();
        self.add(root, need, members);
        self.add_relatives(root, need);
        if let Some(all) = on_bus {
            if root.may_be_partial() && !self.groups.is_empty() && !self.asks_for_all(need) {
                self.add_unlisted_members(root, need, &all);
                self.index_members();
            }
            if self.asks_for_all(need) {
                self.add(root, need, all);
            }
        }
        self.index_members();
        if need.everything || self.somebody_moved(need) {
            self.slots = Some(slots::read(root));
            self.tell_apart(root, need);
        }
    }

    /// What tells like devices apart, of those that a moved one may be.
    fn tell_apart(&mut self, root: &Root, need: &Need) {
        let Devices::Wanted(wanted) = &need.devices else { return };
        let ids: BTreeSet<(PciId, PciId)> =
            wanted.iter().filter_map(|wanted| wanted.vendor.zip(wanted.device)).collect();
        for (vendor, id) in ids {
            for address in self.devices_with(vendor, id) {
                let need = Need { details: true, ..need.clone() };
                let device = device::read(root, address, &need, true);
                self.devices.insert(address, Box::new(device));
            }
        }
    }

    /// Of a physical function, as far as they are known.
    pub fn virtual_functions(&self, address: Address) -> Vec<Address> {
        let state = self.devices.get(&address).and_then(|device| device.state.as_ref());
        let found = state.and_then(|state| state.virtual_functions.known().ok().flatten());
        found.cloned().unwrap_or_default()
    }

    /// The functions asked for, their virtual functions, the members of their groups and what is reset with them, where a
    /// driver of the host may hold them. No bridge: nothing is taken off one. Rather too many than too few.
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
        let peers: BTreeSet<Address> =
            wanted.iter().flat_map(|&address| resets_with(self, address)).collect();
        let virtual_functions: BTreeSet<Address> =
            wanted.iter().flat_map(|&address| self.virtual_functions(address)).collect();
        let asked = move |device: &&Device| {
            let lost = [&wanted, &members, &peers, &virtual_functions]
                .iter()
                .any(|it| it.contains(&device.address));
            all || lost
        };
        let on_vfio = |device: &Device, driver: &String| {
            driver == "vfio-pci" || matches!(device.vfio_dev.known(), Ok(Some(())))
        };
        let held = move |device: &&Device| match device.driver.known() {
            Ok(driver) => driver.is_some_and(|driver| !on_vfio(device, driver)),
            Err(_) => true,
        };
        let bridge = |device: &Device| device.is_bus_bridge() == Ok(true);
        self.devices
            .values()
            .map(Box::as_ref)
            .filter(asked)
            .filter(held)
            .filter(move |device| !bridge(device))
    }

    /// Whether something hangs on functions that nobody asks for.
    fn asks_for_all(&self, need: &Need) -> bool {
        let membership_open = self.members.values().any(|group| !group.gaps.is_empty());
        // Which display is left can only be told of all.
        let display = || self.in_question(need).any(|device| device.is_display() != Ok(false));
        membership_open || display() || self.somebody_moved(need)
    }

    /// In a copy the list of a group may have lost what the members' own links still tell.
    fn add_unlisted_members(&mut self, root: &Root, need: &Need, all: &BTreeSet<Address>) {
        let mut members = BTreeSet::new();
        for &address in all.iter().filter(|it| !self.devices.contains_key(it)) {
            match device::read_group_of(root, address).known() {
                Ok(Some(group)) if !self.groups.contains_key(group) => {
                    self.elsewhere.insert(address);
                }
                _ => {
                    members.insert(address);
                }
            }
        }
        self.add(root, need, members);
    }

    fn index_members(&mut self) {
        let told = |it: &Address| self.devices.contains_key(it) || self.elsewhere.contains(it);
        let all_told = matches!(self.bus.known(), Ok(Some(all)) if all.iter().all(told));
        // Of a large host there is no room for the old ones beside them.
        self.members.clear();
        self.members = iommu::members(&self.groups, &self.devices, all_told);
    }

    fn add(&mut self, root: &Root, need: &Need, addresses: BTreeSet<Address>) {
        self.add_each(root, need, addresses, false);
    }

    /// With all that the rules ask of a function that a VM wants.
    fn add_wanted(&mut self, root: &Root, need: &Need, addresses: BTreeSet<Address>) {
        self.add_each(root, need, addresses, true);
    }

    fn add_each(&mut self, root: &Root, need: &Need, addresses: BTreeSet<Address>, wanted: bool) {
        for address in addresses {
            let not_captured = iommu::is_not_captured(&self.iommu);
            self.devices.entry(address).or_insert_with(|| {
                let device = device::read(root, address, need, wanted);
                Box::new(if not_captured { device.without_captured_group() } else { device })
            });
        }
    }

    /// The physical functions of wanted virtual ones, and what is reset together with a wanted
    /// function. What is below a bridge is known once the bridge was read.
    fn add_relatives(&mut self, root: &Root, need: &Need) {
        while self.all_read().is_err() {
            let states = || self.devices.values().filter_map(|it| it.state.as_ref());
            let kin = states().flat_map(|state| {
                let virtual_functions = state.virtual_functions.known().ok().flatten();
                let physfn = state.physfn.known().ok().flatten();
                virtual_functions.into_iter().flatten().chain(physfn).copied()
            });
            // All functions of a bus are reset together, so one of each bus tells: the first that can.
            let mut peers: BTreeMap<(u32, u8), BTreeSet<Address>> = BTreeMap::new();
            for device in self.devices.values() {
                let Some(state) = &device.state else { continue };
                let Address { domain, bus, .. } = device.address;
                if state.physfn.known() == Ok(None)
                    && !peers.contains_key(&(domain, bus))
                    && let Ok(found) = reset_peers(self, device.address)
                {
                    peers.insert((domain, bus), found);
                }
            }
            let peers = peers.into_values().flatten();
            let relatives = kin.chain(peers);
            let on_bus = |address: &Address| match self.bus.known() {
                Ok(all) => all.is_some_and(|all| all.contains(address)),
                Err(_) => !present_ones(root, &BTreeSet::from([*address])).is_empty(),
            };
            let more: BTreeSet<Address> = relatives
                .filter(|address| !self.devices.contains_key(address) && on_bus(address))
                .collect();
            if more.is_empty() {
                return;
            }
            self.add(root, need, more);
        }
    }

    /// Also where it could not be told.
    fn has_boot_screen(&self) -> bool {
        let states = self.devices.values().filter_map(|device| device.state.as_ref());
        states.into_iter().any(|state| !matches!(state.boot_vga.known(), Ok(None | Some(false))))
    }

    fn add_groups(&mut self, root: &Root) {
        let ids: BTreeSet<u32> = self
            .devices
            .values()
            .filter_map(|device| device.iommu_group.known().ok().flatten().copied())
            .collect();
        for id in ids {
            self.groups.entry(id).or_insert_with(|| Box::new(iommu::read_group(root, id)));
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

/// Where the bus cannot be listed, a wanted device may still be looked at.
fn present_ones(root: &Root, wanted: &BTreeSet<Address>) -> BTreeSet<Address> {
    let there = |address: &&Address| {
        let folder = root.folder(format!("{}/{address}", device::DEVICES));
        matches!(folder.known(), Ok(Some(())))
    };
    wanted.iter().filter(there).copied().collect()
}
