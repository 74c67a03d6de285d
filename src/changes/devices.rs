//! The functions: which came, went and moved, and what is different of those that stayed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Changes};
use crate::host::{BarKind, Device, Gap, Host, Reading};
use crate::pci::{Address, PciId};

/// A function of which something is different.
#[derive(Debug)]
pub struct DeviceChange {
    pub fate: Fate,
    /// What else is different of it.
    pub changes: Vec<Change>,
    pub vendor: Option<PciId>,
    pub device: Option<PciId>,
    /// Others have the same ids, so that which of them is which was told by their order.
    pub alike: bool,
}

/// Where a function was and is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Came(Address),
    Went(Address),
    Moved { from: Address, to: Address },
    Stayed(Address),
}

/// Where functions were, and where they are.
pub(super) type Pairs = BTreeMap<Address, Address>;

impl Changes {
    pub(super) fn compare_devices(&mut self, before: &Host, after: &Host) -> Pairs {
        let (old, new) = match (functions(before), functions(after)) {
            (Ok(old), Ok(new)) => (old, new),
            (old, new) => {
                self.not_known("the PCI bus", None, old.err(), new.err());
                return Pairs::new();
            }
        };
        let matched = Matched::new(before, after, old, new);
        for (&from, &to) in &matched.pairs {
            let (Some(was), Some(is)) = (before.devices.get(&from), after.devices.get(&to)) else {
                continue;
            };
            let (then, now) = (ids_known(was), ids_known(is));
            self.not_known("ids", Some(to), then.err(), now.err());
            let changes = self.compare_device(was, is);
            let fate = if from == to { Fate::Stayed(to) } else { Fate::Moved { from, to } };
            if from != to || !changes.is_empty() {
                self.devices.push(DeviceChange::new(
                    fate,
                    is,
                    changes,
                    matched.alike.contains(&to),
                ));
            }
        }
        let pairs = &matched.pairs;
        let went = old.iter().filter(|address| !pairs.contains_key(address));
        let there: BTreeSet<Address> = pairs.values().copied().collect();
        let came = new.iter().filter(|address| !there.contains(address));
        let went = went.filter_map(|at| Some((Fate::Went(*at), before.devices.get(at)?)));
        let came = came.filter_map(|at| Some((Fate::Came(*at), after.devices.get(at)?)));
        self.devices.extend(
            went.chain(came).map(|(fate, it)| DeviceChange::new(fate, it, Vec::new(), false)),
        );
        self.devices
            .sort_by_key(|change| (change.fate.address(), matches!(change.fate, Fate::Came(_))));
        matched.pairs
    }

    fn compare_device(&mut self, was: &Device, is: &Device) -> Vec<Change> {
        let mut changes = Vec::new();
        for (what, ask) in FACTS {
            changes.extend(self.compare(what, Some(is.address), ask(was), ask(is)));
        }
        changes
    }
}

/// A bus without any is no answer: a copy in which nothing was kept looks like that.
fn functions(host: &Host) -> Result<&BTreeSet<Address>, Gap> {
    let all = host.bus.required()?;
    if all.is_empty() {
        return Err(host.bus.unclear("no function", "those that are there"));
    }
    Ok(all)
}

/// Without its ids nothing tells that a function is the one that stood there.
fn ids_known(device: &Device) -> Result<(), Gap> {
    device.vendor.required().and(device.device.required()).map(|_| ())
}

/// What is asked of a function.
type Question = (&'static str, fn(&Device) -> Result<Option<String>, Gap>);

const FACTS: &[Question] = &[
    ("driver", |it| text(Some(&it.driver))),
    ("NUMA node", |it| text(it.state.as_ref().map(|it| &it.numa_node))),
    ("revision", |it| text(it.details.as_ref().map(|it| &it.revision))),
    ("first display at boot", |it| text(it.state.as_ref().map(|it| &it.boot_vga))),
    ("can be reset", |it| match it.state.as_ref().map(|it| it.reset.known()) {
        Some(known) => Ok(Some(if known?.is_some() { "yes" } else { "no" }.to_owned())),
        None => Ok(None),
    }),
    ("reset methods", |it| match it.state.as_ref().map(|it| it.reset_methods.known()) {
        Some(known) => Ok(known?.map(|methods| methods.join(" "))),
        None => Ok(None),
    }),
    ("memory", |it| match it.state.as_ref().map(|it| it.bars.known()) {
        Some(known) => Ok(known?.map(|bars| {
            let bar = |bar: &crate::host::Bar| {
                let kind = if bar.kind == BarKind::Io { "ports" } else { "bytes" };
                let unset = if bar.unset { " without addresses" } else { "" };
                format!("BAR {} {} {kind}{unset}", bar.index, bar.size)
            };
            bars.iter().map(bar).collect::<Vec<_>>().join(", ")
        })),
        None => Ok(None),
    }),
    ("virtual functions", |it| text(it.state.as_ref().map(|it| &it.vfs))),
];

fn text<T: ToString>(reading: Option<&Reading<T>>) -> Result<Option<String>, Gap> {
    match reading {
        Some(reading) => Ok(reading.known()?.map(ToString::to_string)),
        None => Ok(None),
    }
}

impl DeviceChange {
    fn new(fate: Fate, device: &Device, changes: Vec<Change>, alike: bool) -> Self {
        let id = |id: &Reading<PciId>| id.known().ok().flatten().copied();
        Self { fate, changes, vendor: id(&device.vendor), device: id(&device.device), alike }
    }
}

impl Fate {
    /// That of now, where there is one.
    pub fn address(self) -> Address {
        match self {
            Self::Came(at) | Self::Went(at) | Self::Stayed(at) | Self::Moved { to: at, .. } => at,
        }
    }
}

/// Which function of before is which of now.
struct Matched {
    pairs: Pairs,
    /// Addresses of now of those that moved among their like.
    alike: BTreeSet<Address>,
}

impl Matched {
    /// First what stands where it stood; then, of the rest, like and like by their order.
    fn new(before: &Host, after: &Host, old: &BTreeSet<Address>, new: &BTreeSet<Address>) -> Self {
        let mut pairs = Pairs::new();
        for at in old.intersection(new) {
            let (was, is) = (before.devices.get(at), after.devices.get(at));
            // Where the ids are not known, nothing tells that it is another one.
            if was.zip(is).is_none_or(|(was, is)| Identity::of(was).may_be(Identity::of(is))) {
                pairs.insert(*at, *at);
            }
        }
        let mut left: BTreeMap<(PciId, PciId), Vec<Address>> = BTreeMap::new();
        for at in new.iter().filter(|at| !pairs.contains_key(at)) {
            let key = after.devices.get(at).and_then(|it| Identity::of(it).key());
            if let Some(key) = key {
                left.entry(key).or_default().push(*at);
            }
        }
        let mut alike = BTreeSet::new();
        let moved: Vec<Address> =
            old.iter().filter(|at| !pairs.contains_key(at)).copied().collect();
        for from in moved {
            let Some(was) = before.devices.get(&from).map(|device| Identity::of(device)) else {
                continue;
            };
            let Some(like) = was.key().and_then(|key| left.get_mut(&key)) else { continue };
            let fits =
                |to: &Address| after.devices.get(to).is_some_and(|is| was.may_be(Identity::of(is)));
            let Some(place) = like.iter().position(fits) else { continue };
            let several = like.iter().filter(|to| fits(to)).count() > 1;
            let to = like.remove(place);
            if several {
                alike.insert(to);
            }
            pairs.insert(from, to);
        }
        Self { pairs, alike }
    }
}

/// What a function is known by wherever it stands: its ids, and those of its board.
#[derive(Clone, Copy)]
struct Identity {
    ids: [Option<PciId>; 4],
}

impl Identity {
    fn of(device: &Device) -> Self {
        let id = |id: &Reading<PciId>| id.known().ok().flatten().copied();
        let details = device.details.as_ref();
        let board = details.map(|it| [id(&it.subsystem_vendor), id(&it.subsystem_device)]);
        let [vendor, model] = board.unwrap_or_default();
        Self { ids: [id(&device.vendor), id(&device.device), vendor, model] }
    }

    fn key(self) -> Option<(PciId, PciId)> {
        self.ids[0].zip(self.ids[1])
    }

    fn may_be(self, other: Self) -> bool {
        self.ids
            .iter()
            .zip(other.ids)
            .all(|(one, other)| one.is_none() || other.is_none() || *one == other)
    }
}
