//! Which bridges stand above the devices of a large group, and whether they keep apart what is
//! below them.

use std::collections::{BTreeMap, BTreeSet};

use super::device::{DEVICES, awake};
use super::iommu::Members;
use super::reading::{HostPath, Reading, Why};
use super::root::Root;
use crate::pci::{Address, Isolation, Unread, isolation};

/// Of groups with devices of more than one slot: of others there is nothing to explain.
#[derive(Debug, Default)]
pub struct Paths {
    /// The bridges above a function, the nearest first.
    pub above: BTreeMap<Address, Reading<Vec<Address>>>,
    /// Of those, the ones that are in the group themselves. The kernel puts a bridge into the group
    /// of what is below it exactly where it does not keep that apart
    /// (`drivers/iommu/iommu.c`, `pci_device_group`).
    pub bridges: BTreeMap<Address, Reading<Isolation>>,
}

/// `is_endpoint` where a member may be one.
pub fn read<'a>(
    root: &Root,
    groups: impl Iterator<Item = &'a Members>,
    is_endpoint: impl Fn(Address) -> bool,
) -> Paths {
    let mut paths = Paths::default();
    for group in groups {
        let endpoints: Vec<Address> =
            group.known.iter().copied().filter(|&member| is_endpoint(member)).collect();
        if slots(&endpoints) < 2 {
            continue;
        }
        for endpoint in endpoints {
            let above = read_above(root, endpoint);
            let bridges = above.known().ok().flatten().into_iter().flatten();
            for &bridge in bridges.filter(|bridge| group.known.contains(bridge)) {
                paths.bridges.entry(bridge).or_insert_with(|| read_bridge(root, bridge));
            }
            paths.above.insert(endpoint, above);
        }
    }
    paths
}

/// Functions of one slot are one card, and share a group for reasons of their own.
pub fn slots(functions: &[Address]) -> usize {
    let slot = |it: &Address| (it.domain, it.bus, it.device);
    functions.iter().map(slot).collect::<BTreeSet<_>>().len()
}

/// The folder of a function lies in those of the bridges above it, up to `pciDDDD:BB`.
fn read_above(root: &Root, function: Address) -> Reading<Vec<Address>> {
    root.link(&format!("{DEVICES}/{function}").into()).parse("a link below a root bus", |target| {
        let parts: Vec<&str> = target.trim_end_matches('/').split('/').collect();
        let root_bus = parts.iter().rposition(|part| part.starts_with("pci"))?;
        let mut below = parts.get(root_bus + 1..)?.iter().rev();
        below.next()?;
        below.map(|part| Address::from_sysfs(part)).collect()
    })
}

/// Reading the registers of a bridge that sleeps would wake it.
fn read_bridge(root: &Root, bridge: Address) -> Reading<Isolation> {
    let path = HostPath::from(format!("{DEVICES}/{bridge}/config"));
    if let Err(why) = awake(root, bridge) {
        return Reading::unknown(path, why);
    }
    let registers = root.config_space(&path);
    let said = registers.known().map(|bytes| bytes.map(|bytes| isolation(bytes)));
    match said {
        Ok(Some(Ok(isolation))) => Reading::present(path, isolation, isolation.in_words()),
        Ok(Some(Err(Unread::Vanished))) => Reading::unknown(path, Why::Vanished),
        Ok(Some(Err(Unread::After(bytes)))) => {
            let found = format!("{bytes} bytes of it");
            Reading::unknown(path, Why::Unclear { found, needed: "all of it, as root reads it" })
        }
        // Every function has registers.
        Ok(None) => Reading::unknown(path, Why::NotCaptured),
        Err(gap) => Reading::unknown(path, gap.why),
    }
}
