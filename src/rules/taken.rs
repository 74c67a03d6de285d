//! The functions that a VM takes from the host: each wanted device, every other member of its
//! IOMMU group, which has to leave its driver too, and what is reset with it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::device_id_mismatch::is_another;
use super::driver::{is_stub, is_vfio};
use crate::config::{Config, Vm, Wanted};
use crate::finding::{Answer, Finding, Related, Severity};
use crate::host::{Device, Gap, Host, resets_with};
use crate::pci::Address;

/// Whether a function is a display that serves the host.
pub type ServesHost = fn(&Host, &Device) -> Result<bool, Gap>;

/// All that one VM takes.
pub struct Takes<'a> {
    pub host: &'a Host,
    pub vm: &'a Vm,
    wanted: BTreeMap<Address, &'a Wanted>,
    /// Groups of which it wants something, with the first such device.
    groups: BTreeMap<u32, &'a Wanted>,
    /// Functions that are reset with a wanted one, with the first such device.
    peers: BTreeMap<Address, &'a Wanted>,
    /// Virtual functions of a wanted physical one that is not on VFIO yet, and has to lose them.
    virtual_functions: BTreeMap<Address, &'a Wanted>,
    /// What the host loses to the VMs of the plan that start by themselves.
    with_others: Rc<BTreeSet<Address>>,
    /// Functions that some VM of the plan declares as another device than they are.
    others: Rc<BTreeSet<Address>>,
    /// By group, what no VM of the plan wants of it and is on a driver of VFIO.
    others_on_vfio: OnceCell<BTreeMap<u32, Vec<Address>>>,
    /// The same for every VM of the plan.
    displays: Rc<OnceCell<Displays>>,
    /// Whether the host keeps a display; the same for every function that is taken.
    display_left: OnceCell<Result<bool, Gap>>,
}

/// Displays that serve the host before any VM is started.
#[derive(Default)]
struct Displays {
    serving: BTreeSet<Address>,
    /// Those that the VMs which start by themselves do not take.
    left: Vec<Address>,
    /// Functions that these do not take, and of which it is not known.
    open: Vec<(Address, Gap)>,
}

/// A function that the host would lose to a VM, and that a driver of the host still holds, or may
/// hold.
pub struct TakenCase<'a> {
    pub host: &'a Host,
    pub takes: &'a Takes<'a>,
    pub device: &'a Device,
    pub why: Why,
    /// The device of the configuration through which it is lost.
    pub wanted: &'a Wanted,
}

/// Why a function is lost with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Wanted,
    GroupMember,
    /// It goes away before its physical function can be bound (`drivers/vfio/pci/vfio_pci_core.c`,
    /// `vfio_pci_core_register_device`: EBUSY).
    VirtualFunction,
    /// It is reset with a device that has no reset of its own. The kernel does that only once VFIO
    /// has all of them (`drivers/vfio/pci/vfio_pci_core.c`, `vfio_pci_dev_set_hot_reset`), so what
    /// stays with the host is safe, and the device goes without a reset.
    SharesReset,
}

impl<'a> Takes<'a> {
    pub fn new(host: &'a Host, vm: &'a Vm) -> Self {
        let (mut wanted, mut groups) = (BTreeMap::new(), BTreeMap::new());
        let (mut peers, mut virtual_functions) = (BTreeMap::new(), BTreeMap::new());
        for device in vm.enabled_devices() {
            let address = device.address.value;
            wanted.entry(address).or_insert(device);
            if let Some(group) = host.devices.get(&address).and_then(|device| group_of(device)) {
                groups.entry(group).or_insert(device);
            }
            for peer in resets_with(host, address) {
                peers.entry(peer).or_insert(device);
            }
            let on_vfio = host.devices.get(&address).map(|it| is_vfio(it)) == Some(Ok(true));
            for function in host.virtual_functions(address).into_iter().filter(|_| !on_vfio) {
                virtual_functions.entry(function).or_insert(device);
            }
        }
        let (with_others, others) = (Rc::default(), Rc::default());
        let (displays, display_left) = (Rc::default(), OnceCell::new());
        Self {
            host,
            vm,
            wanted,
            groups,
            peers,
            virtual_functions,
            with_others,
            others,
            others_on_vfio: OnceCell::new(),
            displays,
            display_left,
        }
    }

    /// Of each VM of a plan, in its order. Those that start by themselves run together, so what is
    /// left for the host is what all of them leave; one that is started by hand takes what it
    /// takes only then.
    pub fn of_plan(host: &'a Host, config: &'a Config) -> Vec<Self> {
        Self::of_those_that_run(host, config, |vm| vm.auto_start)
    }

    /// The same where all VMs of the plan run at once.
    pub fn of_whole_plan(host: &'a Host, config: &'a Config) -> Vec<Self> {
        Self::of_those_that_run(host, config, |_| true)
    }

    fn of_those_that_run(host: &'a Host, config: &'a Config, run: fn(&Vm) -> bool) -> Vec<Self> {
        let mut all: Vec<Self> = config.vms.iter().map(|vm| Self::new(host, vm)).collect();
        let running = all.iter().filter(|takes| run(takes.vm));
        let lost: Rc<BTreeSet<Address>> = Rc::new(running.flat_map(Self::lost).collect());
        let others = config.vms.iter().flat_map(Vm::enabled_devices).filter(|wanted| {
            let device = host.devices.get(&wanted.address.value);
            device.is_some_and(|device| is_another(device, wanted))
        });
        let others: Rc<BTreeSet<Address>> =
            Rc::new(others.map(|wanted| wanted.address.value).collect());
        let displays: Rc<OnceCell<Displays>> = Rc::default();
        for takes in &mut all {
            (takes.with_others, takes.others) = (Rc::clone(&lost), Rc::clone(&others));
            takes.displays = Rc::clone(&displays);
        }
        all
    }

    /// Whether a VM of the plan, this one or not, declares the function as another device.
    pub fn is_another(&self, address: Address) -> bool {
        self.others.contains(&address)
    }

    /// The members of the function's IOMMU group, as far as they are known.
    pub fn members_with(&self, device: &Device) -> impl Iterator<Item = &'a Device> {
        let members = group_of(device).and_then(|group| self.host.members.get(&group));
        let members = members.into_iter().flat_map(|members| &members.known);
        members.filter_map(|member| self.host.devices.get(member).map(Box::as_ref))
    }

    /// The members of a wanted function's IOMMU group that no VM wants and that are on a driver of VFIO.
    pub fn others_on_vfio(&self, device: &Device) -> impl Iterator<Item = &'a Device> + Clone {
        let host = self.host;
        let others = |group: &u32| {
            let members = host.members.get(group).into_iter().flat_map(|it| &it.known).copied();
            let on_vfio = |it: &Address| host.devices.get(it).map(|it| it.use_by_others.is_some());
            members.filter(|it| on_vfio(it) == Some(true)).collect()
        };
        let ask = || self.groups.keys().map(|&group| (group, others(&group))).collect();
        let found = group_of(device).and_then(|it| self.others_on_vfio.get_or_init(ask).get(&it));
        let found = found.into_iter().flatten();
        found.filter_map(move |it| host.devices.get(it).map(Box::as_ref))
    }

    /// Whether the host keeps a display: one that neither this VM takes nor another that starts by
    /// itself. One that is known settles it; one that may be there does not.
    pub fn display_left(&self, serves: ServesHost) -> Result<bool, Gap> {
        let ask = || {
            let displays = self.displays(serves);
            if displays.left.iter().any(|&it| !self.loses(it)) {
                return Ok(true);
            }
            let open = displays.open.iter().find(|(it, _)| !self.loses(*it));
            let open = open.map(|(_, gap)| gap.clone());
            self.host.all_read().err().or(open).map_or(Ok(false), Err)
        };
        self.display_left.get_or_init(ask).clone()
    }

    /// How many displays the host loses to this VM, and how many with those that start by themselves.
    pub fn displays_lost(&self, serves: ServesHost) -> (usize, usize) {
        let displays = self.displays(serves);
        let own: BTreeSet<Address> =
            self.lost().filter(|it| displays.serving.contains(it)).collect();
        let others = displays.serving.len() - displays.left.len();
        (own.len(), others + own.iter().filter(|it| !self.with_others.contains(it)).count())
    }

    /// All functions of the host are looked through, once for a plan.
    fn displays(&self, serves: ServesHost) -> &Displays {
        self.displays.get_or_init(|| {
            let mut displays = Displays::default();
            for device in self.host.devices.values() {
                let stays = !self.with_others.contains(&device.address);
                match serves(self.host, device) {
                    Ok(true) => {
                        displays.serving.insert(device.address);
                        displays.left.extend(stays.then_some(device.address));
                    }
                    Ok(false) => {}
                    Err(gap) => displays.open.extend(stays.then_some((device.address, gap))),
                }
            }
            displays
        })
    }

    /// Whether the host loses a function to this VM, or has lost it already. A bridge stays.
    pub fn loses(&self, address: Address) -> bool {
        let Some(device) = self.host.devices.get(&address) else { return false };
        let lost = self.reason(device).is_some_and(|(why, _)| why != Why::SharesReset);
        lost && device.is_bus_bridge() != Ok(true)
    }

    /// The same with what the host loses to the VMs that start by themselves.
    pub fn loses_with_others(&self, address: Address) -> bool {
        self.with_others.contains(&address) || self.loses(address)
    }

    fn lost(&self) -> impl Iterator<Item = Address> {
        let members = self.groups.keys().filter_map(|group| self.host.members.get(group));
        let members = members.flat_map(|members| members.known.iter());
        let all = self.wanted.keys().chain(members).chain(self.virtual_functions.keys());
        all.copied().filter(|&address| self.loses(address))
    }

    /// The case of a function; none where nothing is lost: the VM does not take it, nothing of the
    /// host holds it, or it is a bridge of the group, which needs no unbinding.
    pub fn case(&'a self, device: &'a Device) -> Option<TakenCase<'a>> {
        let (why, wanted) = self.reason(device)?;
        let stays = why != Why::Wanted && device.is_bus_bridge() == Ok(true);
        let case = TakenCase { host: self.host, takes: self, device, why, wanted };
        (may_be_held(device) && !stays).then_some(case)
    }

    /// All cases, each function once.
    pub fn cases(&'a self) -> impl Iterator<Item = TakenCase<'a>> {
        let members = self.groups.keys().filter_map(|group| self.host.members.get(group));
        let members = members.flat_map(|members| members.known.iter());
        let all: BTreeSet<&Address> =
            self.wanted.keys().chain(members).chain(self.peers.keys()).collect();
        let all = all.into_iter().chain(self.virtual_functions.keys()).collect::<BTreeSet<_>>();
        all.into_iter().filter_map(|address| self.case(self.host.devices.get(address)?))
    }

    fn reason(&self, device: &Device) -> Option<(Why, &'a Wanted)> {
        if let Some(wanted) = self.wanted.get(&device.address) {
            return Some((Why::Wanted, wanted));
        }
        // By the group's list too: the function's own link may be broken.
        let listed = |group: &u32| {
            self.host.members.get(group).is_some_and(|it| it.known.contains(&device.address))
        };
        let own = group_of(device).and_then(|group| self.groups.get(&group).copied());
        own.or_else(|| self.groups.iter().find(|(group, _)| listed(group)).map(|(_, first)| *first))
            .map(|wanted| (Why::GroupMember, wanted))
            .or_else(|| Some((Why::VirtualFunction, *self.virtual_functions.get(&device.address)?)))
            .or_else(|| Some((Why::SharesReset, *self.peers.get(&device.address)?)))
    }
}

impl TakenCase<'_> {
    pub fn address(&self) -> Address {
        self.device.address
    }

    /// Asks a rule. Nothing is lost of what only shares the reset, as long as it stays.
    pub fn ask(&self, check: fn(&Self, &mut Answer), answer: &mut Answer) {
        check(self, answer);
        if self.why == Why::SharesReset {
            answer.at_most(Severity::Warning);
            for finding in &mut answer.findings {
                finding.severity = finding.severity.min(Severity::Warning);
                finding.details.push("The kernel resets it only when VFIO has all functions of the bus: it is safe as long as it stays with the host.".to_owned());
            }
        }
    }

    /// A wanted bridge: nobody can pass it, so nothing below it is lost.
    pub fn is_bridge(&self) -> bool {
        self.device.is_bus_bridge() == Ok(true)
    }

    /// A finding that names the wanted device, where the function is another one.
    pub fn finding(&self, message: String) -> Finding {
        let finding = Finding::new(message);
        let (address, wanted) = (self.address(), self.wanted.address.value);
        let tie = match self.why {
            Why::Wanted => return finding,
            Why::GroupMember => {
                format!("{address} is lost with {wanted}, whose IOMMU group it is in")
            }
            Why::VirtualFunction => {
                format!(
                    "{address} is a virtual function of {wanted}, and goes away with the binding"
                )
            }
            Why::SharesReset => format!("{address} is reset only together with {wanted}"),
        };
        finding.related(Related {
            device: Some(wanted),
            ..Related::place(tie, self.wanted.address.span)
        })
    }
}

/// A function without a driver, on VFIO or on a stub does nothing for the host. Not known is no
/// such answer.
fn may_be_held(device: &Device) -> bool {
    match device.driver.known() {
        Ok(None) => false,
        Ok(Some(driver)) => !is_stub(driver) && is_vfio(device) != Ok(true),
        Err(_) => true,
    }
}

fn group_of(device: &Device) -> Option<u32> {
    device.iommu_group.known().ok().flatten().copied()
}
