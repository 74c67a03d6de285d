//! What can be reset of a function by itself, and which functions are reset together: all on one
//! bus, with what is below it (`drivers/pci/pci.c`, `pci_reset_bus`;
//! `drivers/vfio/pci/vfio_pci_core.c`, `vfio_pci_for_each_slot_or_bus`).

use std::collections::BTreeSet;

use super::reading::Gap;
use super::{Host, State};
use crate::pci::Address;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnReset {
    /// The function alone.
    Function,
    /// Only its bus, which the kernel does for a function that is alone there.
    Bus,
    Nothing,
    /// It can be reset, and before 5.15 the kernel does not say how.
    Untold,
}

/// Methods that reset nothing but the function (`drivers/pci/pci.c`, `pci_reset_fn_methods`).
const FUNCTION: &[&str] = &["device_specific", "acpi", "flr", "af_flr", "pm"];
const BUS: &[&str] = &["bus", "cxl_bus"];

pub fn own_reset(state: &State) -> Result<OwnReset, Gap> {
    let methods = match (state.reset_methods.known(), state.reset.known()) {
        (Ok(Some(methods)), _) => methods,
        (Ok(None), Ok(Some(()))) => return Ok(OwnReset::Untold),
        (Ok(None), Ok(None)) => return Ok(OwnReset::Nothing),
        (Ok(None), Err(gap)) | (Err(gap), _) => return Err(gap),
    };
    if methods.is_empty() {
        return Ok(OwnReset::Nothing);
    }
    let all_in = |names: &[&str]| methods.iter().all(|method| names.contains(&method.as_str()));
    if methods.iter().any(|method| FUNCTION.contains(&method.as_str())) {
        Ok(OwnReset::Function)
    } else if all_in(BUS) {
        Ok(OwnReset::Bus)
    } else {
        let found = format!("{:?}", methods.join(" "));
        Err(state.reset_methods.unclear(found, "methods of which it is known what they reset"))
    }
}

/// The functions that are reset with one that has no reset of its own, or may have none.
pub fn resets_with(host: &Host, address: Address) -> BTreeSet<Address> {
    let state = host.devices.get(&address).and_then(|device| device.state.as_deref());
    match state.map(own_reset) {
        None | Some(Ok(OwnReset::Function)) => BTreeSet::new(),
        Some(_) => reset_peers(host, address).unwrap_or_default(),
    }
}

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
