//! What the host itself does with its functions: facts only; how bad a loss is, is not said here.

use super::Device;
use super::disks::{self, Disks};
use super::display::{self, Displays};
use super::input::{self, Keyboard};
use super::mounts;
use super::network::{self, Networks};
use super::reading::Reading;
use super::root::Root;

#[derive(Debug)]
pub struct Uses {
    pub disks: Disks,
    pub networks: Networks,
    pub displays: Displays,
    /// Absent on a kernel without input devices.
    pub keyboards: Reading<Vec<Keyboard>>,
}

pub fn read<'a>(root: &Root, devices: impl Iterator<Item = &'a Device>) -> Uses {
    let mounts = mounts::read(root);
    let disks = disks::read(root, &mounts);
    let networks = network::read(root, &mounts, &disks);
    let displays = devices.filter(|device| device.is_display() != Ok(false));
    Uses {
        displays: display::read(root, displays.map(|device| device.address)),
        keyboards: input::read(root),
        disks,
        networks,
    }
}
