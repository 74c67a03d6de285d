//! What the host itself does with its functions: facts only; how bad a loss is, is not said here.

use super::Device;
use super::disks::{self, Disks};
use super::display::{self, Displays};
use super::input::{self, Keyboard};
use super::mounts;
use super::namespaces;
use super::network::{self, Networks};
use super::reading::{Gap, Reading};
use super::root::Root;

#[derive(Debug)]
pub struct Uses {
    pub disks: Disks,
    pub networks: Networks,
    pub displays: Displays,
    /// Absent on a kernel without input devices.
    pub keyboards: Reading<Vec<Keyboard>>,
    /// Why the host may have other keyboards than those.
    pub keyboards_hidden: Option<Gap>,
}

pub fn read<'a>(root: &Root, devices: impl Iterator<Item = &'a Device>) -> Uses {
    let mounts = mounts::read(root);
    let hidden = namespaces::read(root);
    let disks = disks::read(root, &mounts, hidden.by_container.clone());
    let networks = network::read(root, &mounts, &disks, hidden.networks);
    let displays = devices.filter(|device| device.is_display() != Ok(false));
    Uses {
        displays: display::read(root, displays.map(|device| device.address)),
        keyboards: input::read(root),
        keyboards_hidden: hidden.by_container,
        disks,
        networks,
    }
}
