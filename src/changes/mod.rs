//! What is different between two moments of a host.
//!
//! *Invariant:* what is not known on one side is told as that, and never as a change.

mod devices;
mod groups;
mod host;

pub use devices::{DeviceChange, Fate};
pub use groups::{GroupChange, Regrouped};

use crate::host::{Gap, Host};
use crate::pci::Address;

/// All that is different, and what cannot be told.
#[derive(Debug, Default)]
pub struct Changes {
    /// Of the host as a whole: kernel, command line, IOMMU, VFIO.
    pub host: Vec<Change>,
    /// By address, that of now where there is one.
    pub devices: Vec<DeviceChange>,
    pub groups: Vec<GroupChange>,
    /// What could not be compared.
    pub unknown: Vec<Unknown>,
}

/// A fact that has another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub what: &'static str,
    /// None where it was not there.
    pub before: Option<String>,
    pub after: Option<String>,
}

/// A fact that is not known at one moment, or at neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    pub what: &'static str,
    /// As the function is called now.
    pub device: Option<Address>,
    pub before: Option<Gap>,
    pub after: Option<Gap>,
}

/// Whether the two moments are the same, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Same,
    Different,
    /// No change is known, and something could not be compared.
    Undetermined,
}

impl Changes {
    pub fn between(before: &Host, after: &Host) -> Self {
        let mut changes = Self::default();
        changes.compare_hosts(before, after);
        let pairs = changes.compare_devices(before, after);
        changes.compare_groups(before, after, &pairs);
        changes
    }

    pub fn answer(&self) -> Answer {
        if !(self.host.is_empty() && self.devices.is_empty() && self.groups.is_empty()) {
            Answer::Different
        } else if self.unknown.is_empty() {
            Answer::Same
        } else {
            Answer::Undetermined
        }
    }

    /// The change of a fact, if it is one. What is known at neither moment is nothing to
    /// be told, but for that on which all else stands: the bus, ids and groups.
    fn compare(
        &mut self,
        what: &'static str,
        device: Option<Address>,
        before: Result<Option<String>, Gap>,
        after: Result<Option<String>, Gap>,
    ) -> Option<Change> {
        match (before, after) {
            (Ok(before), Ok(after)) if before != after => Some(Change { what, before, after }),
            (Ok(_), Ok(_)) | (Err(_), Err(_)) => None,
            (before, after) => {
                self.not_known(what, device, before.err(), after.err());
                None
            }
        }
    }

    /// Tells of what stands in the way of a comparison, if anything does.
    fn not_known(
        &mut self,
        what: &'static str,
        device: Option<Address>,
        before: Option<Gap>,
        after: Option<Gap>,
    ) {
        if before.is_some() || after.is_some() {
            self.unknown.push(Unknown { what, device, before, after });
        }
    }
}
