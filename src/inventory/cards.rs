//! Display controllers and accelerators, each with what belongs to its card.

use std::collections::{BTreeMap, BTreeSet};

use super::{Inventory, Row};
use crate::host::{Connector, Host, Process};
use crate::pci::{Address, DeviceType};

/// A display controller or accelerator. What belongs to it must mostly go to the same VM.
#[derive(Debug)]
pub struct Card<'a> {
    pub gpu: &'a Row<'a>,
    /// The other functions of its slot.
    pub companions: Vec<(&'a Row<'a>, Role)>,
    /// Its virtual functions.
    pub vfs: Vec<&'a Row<'a>>,
    /// Its outputs, each with whether a monitor is on it; a card without a driver of the host has
    /// none to show.
    pub outputs: Vec<&'a Connector>,
    /// The processes that have it, or a function of its slot, open.
    pub holders: BTreeMap<u32, &'a Process>,
}

/// What a further function of a card is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Display,
    Audio,
    Usb,
    /// The controller of a USB Type-C connector; serial bus of class 0c80 on NVIDIA's cards.
    Ucsi,
    Other,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Display => "display",
            Self::Audio => "audio",
            Self::Usb => "usb",
            Self::Ucsi => "ucsi",
            Self::Other => "other",
        }
    }

    fn of(row: &Row) -> Self {
        let class = row.device.class.known().ok().flatten().map(|class| class.sub());
        match (row.device_type, class) {
            (DeviceType::Gpu, _) => Self::Display,
            (DeviceType::Audio, _) => Self::Audio,
            (_, Some(0x0c03)) => Self::Usb,
            (_, Some(0x0c80)) => Self::Ucsi,
            _ => Self::Other,
        }
    }
}

/// The cards of a host by address: the first display function of a slot stands for its card.
pub fn cards<'a>(host: &'a Host, inventory: &'a Inventory<'a>) -> Vec<Card<'a>> {
    let physfn = |row: &Row| {
        row.device.state.as_ref().and_then(|state| state.physfn.known().ok().flatten().copied())
    };
    let slot = |address: Address| Address { function: 0, ..address };
    let mut cards: Vec<Card> = Vec::new();
    let mut of_slot: BTreeMap<Address, usize> = BTreeMap::new();
    let mut of_gpu: BTreeMap<Address, usize> = BTreeMap::new();
    let real = || inventory.rows.iter().filter(|row| physfn(row).is_none());
    for row in real().filter(|row| row.device_type == DeviceType::Gpu) {
        let address = row.device.address;
        let card = *of_slot.entry(slot(address)).or_insert_with(|| {
            let outputs = outputs(host, address);
            let (companions, vfs) = (Vec::new(), Vec::new());
            cards.push(Card { gpu: row, companions, vfs, outputs, holders: BTreeMap::new() });
            cards.len() - 1
        });
        of_gpu.insert(address, card);
    }
    for row in real() {
        let address = row.device.address;
        if let Some(&card) = of_slot.get(&slot(address))
            && cards[card].gpu.device.address != address
        {
            cards[card].companions.push((row, Role::of(row)));
        }
    }
    for row in &inventory.rows {
        if let Some(&card) = physfn(row).and_then(|physfn| of_gpu.get(&physfn)) {
            cards[card].vfs.push(row);
        }
    }
    for card in &mut cards {
        let functions = card.companions.iter().map(|(row, _)| *row).chain([card.gpu]);
        for row in functions {
            let device = row.device;
            let holds = host.holders.of_vfio(device).chain(host.holders.of_native(device));
            card.holders.extend(holds.map(|hold| (hold.process.pid, hold.process)));
        }
    }
    cards
}

fn outputs(host: &Host, address: Address) -> Vec<&Connector> {
    let all = host.uses().map(|uses| uses.displays.connectors.as_slice()).unwrap_or_default();
    all.iter().filter(|connector| connector.functions.last() == Some(&address)).collect()
}

impl Inventory<'_> {
    /// Leaves only what belongs to a card.
    pub fn of_cards(mut self, host: &Host) -> Self {
        let shown: BTreeSet<Address> = cards(host, &self)
            .iter()
            .flat_map(|card| {
                let companions = card.companions.iter().map(|(row, _)| *row);
                companions.chain(card.vfs.iter().copied()).chain([card.gpu])
            })
            .map(|row| row.device.address)
            .collect();
        self.rows.retain(|row| shown.contains(&row.device.address));
        self.groups.retain(|group| group.members.iter().any(|member| shown.contains(member)));
        self
    }
}
