//! Words of the PCI world: addresses, classes, ids and their names.
//!
//! *Invariant:* nothing here opens a file of the host or knows YAML.

mod address;
mod class;
mod config_space;
mod id;
pub mod names;

pub use address::{Address, AddressError};
pub use class::{Class, DeviceType};
pub use config_space::{Isolation, Unread, isolation, made_up, needed};
pub use id::PciId;
