//! Which functions are reset together: all on one bus, with what is below it
//! (`drivers/pci/pci.c`, `pci_reset_bus`; `drivers/vfio/pci/vfio_pci_core.c`,
//! `vfio_pci_for_each_slot_or_bus`).

use std::collections::BTreeSet;

use super::Host;
use super::reading::Gap;
use crate::pci::Address;

/// The other functions that a reset of the function's bus resets. None on a root bus, which cannot
/// be reset, and none for a virtual function, which is by itself for VFIO.
pub fn reset_peers(host: &Host, address: Address) -> Result<BTreeSet<Address>, Gap> {
    let mut peers = BTreeSet::new();
    let Some(state) = host.devices.get(&address).and_then(|device| device.state.as_ref()) else {
        return Ok(peers);
    };
    if state.parent.known()?.is_none() || state.physfn.known()?.is_some() {
        return Ok(peers);
    }
    let empty = BTreeSet::new();
    let all = host.bus.known()?.unwrap_or(&empty);
    let Address { domain, bus, .. } = address;
    let on_bus = Address::new(domain, bus, 0, 0)..=Address::new(domain, bus, u8::MAX, u8::MAX);
    let mut open: Vec<Address> = all.range(on_bus).copied().collect();
    while let Some(next) = open.pop() {
        if !peers.insert(next) {
            continue;
        }
        let below = host.devices.get(&next).map(|device| &device.below);
        open.extend(below.into_iter().flatten().filter(|address| all.contains(address)));
    }
    peers.remove(&address);
    Ok(peers)
}
