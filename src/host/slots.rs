//! Physical slots, as the firmware labels them (`Documentation/ABI/testing/sysfs-bus-pci`,
//! `drivers/pci/slot.c`).

use std::collections::BTreeMap;

use super::reading::{HostPath, Reading};
use super::root::Root;
use crate::pci::Address;

/// Labels of slots, by the address of function 0 of what sits in them.
#[derive(Debug, Clone, Default)]
pub struct Slots(BTreeMap<Address, String>);

impl Slots {
    /// The label of the slot in which a function sits.
    pub fn label(&self, function: Address) -> Option<&str> {
        self.0.get(&Address { function: 0, ..function }).map(String::as_str)
    }
}

/// Absent where the kernel knows of no slots. A slot that cannot be read has no label here: labels
/// only help a person to find a card.
pub fn read(root: &Root) -> Reading<Slots> {
    let path = HostPath::from("/sys/bus/pci/slots");
    root.list(&path).parse("labels of slots", |labels| {
        let address = |label: &String| {
            let text = root.text(&format!("/sys/bus/pci/slots/{label}/address").into());
            // Without the function: 0000:01:00.
            let address = Address::from_sysfs(&format!("{}.0", text.known().ok()??))?;
            Some((address, label.clone()))
        };
        Some(Slots(labels.iter().filter_map(address).collect()))
    })
}
