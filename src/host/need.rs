//! What of the host is to be read: facts × addresses.

use std::collections::BTreeSet;

use crate::pci::{Address, PciId};

/// Made by the command line from the command and the wanted devices; a snapshot needs everything.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that is asked for by itself")]
pub struct Need {
    pub devices: Devices,
    /// All groups of the host, not only those of the devices.
    pub all_groups: bool,
    /// What the tables of the inventory show and no verdict asks for.
    pub details: bool,
    /// Speed and width of the link: reading them touches the device, so only of one that is awake.
    pub link: bool,
    /// The same of wanted functions and of the ports above them, where they are awake.
    pub wires: bool,
    /// `driver_override`: reading it takes the device's lock, and can hang while a driver is stuck.
    pub driver_override: bool,
    /// How this host is set up, for remedies that hang on it.
    pub system: bool,
    /// Memory, processors and huge pages.
    pub placement: bool,
    /// Also what is else read only where something asks for it.
    pub everything: bool,
    /// Who is to start the VMs, by name or number, where it is not the caller.
    pub user: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Devices {
    All,
    /// These, all members of their groups, and whatever is needed to say where a device with
    /// given ids is now.
    Wanted(Vec<WantedDevice>),
}

/// A device that a plan speaks of.
#[derive(Debug, Clone)]
pub struct WantedDevice {
    pub address: Address,
    pub vendor: Option<PciId>,
    pub device: Option<PciId>,
}

impl Default for Devices {
    fn default() -> Self {
        Self::Wanted(Vec::new())
    }
}

impl Need {
    pub fn wanted(devices: Vec<WantedDevice>) -> Self {
        Self { devices: Devices::Wanted(devices), ..Self::default() }
    }

    /// What any command may ask for, but for `driver_override`: it can hang, so it comes last.
    pub fn everything() -> Self {
        Self {
            devices: Devices::All,
            all_groups: true,
            details: true,
            link: true,
            wires: true,
            placement: true,
            everything: true,
            ..Self::default()
        }
    }
}

impl Devices {
    pub fn addresses(&self) -> BTreeSet<Address> {
        match self {
            Self::All => BTreeSet::new(),
            Self::Wanted(devices) => devices.iter().map(|device| device.address).collect(),
        }
    }
}
