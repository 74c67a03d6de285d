//! Monitors, and the screen that the firmware started on (`drivers/gpu/drm/drm_sysfs.c`,
//! `status_show`, which tells what is cached; `drivers/pci/pci-sysfs.c`, `boot_vga_show`).

use std::collections::BTreeMap;

use super::device::DEVICES;
use super::place;
use super::reading::{Gap, HostPath, Reading};
use super::root::Root;
use crate::pci::Address;

#[derive(Debug)]
pub struct Displays {
    /// Outputs of the graphics cards.
    pub connectors: Vec<Connector>,
    /// Non-empty where there may be more.
    pub gaps: Vec<Gap>,
    /// Of the display controllers that were asked about.
    pub boot_vga: BTreeMap<Address, Reading<bool>>,
}

#[derive(Debug)]
pub struct Connector {
    /// `card0-HDMI-A-1`
    pub name: String,
    /// The nearest last.
    pub functions: Vec<Address>,
    /// Whether a monitor is on it.
    pub connected: Reading<bool>,
}

const CARDS: &str = "/sys/class/drm";

/// Without graphics drivers there is no such class.
pub fn read(root: &Root, displays: impl Iterator<Item = Address>) -> Displays {
    let mut found = Displays {
        connectors: Vec::new(),
        gaps: Vec::new(),
        boot_vga: displays.map(|address| (address, read_boot_vga(root, address))).collect(),
    };
    let listed = root.list(&CARDS.into());
    let names = match listed.known() {
        Ok(names) => names.map_or(&[][..], Vec::as_slice),
        Err(gap) => {
            found.gaps.push(gap);
            &[]
        }
    };
    for name in names.iter().filter(|name| name.starts_with("card") && name.contains('-')) {
        let link = HostPath::from(format!("{CARDS}/{name}"));
        match place::follow_listed(root, &link).required() {
            Ok(path) => found.connectors.push(Connector {
                name: name.clone(),
                functions: place::functions(path),
                connected: read_status(root, &link),
            }),
            Err(gap) => found.gaps.push(gap),
        }
    }
    found
}

fn read_status(root: &Root, connector: &HostPath) -> Reading<bool> {
    let status = root.text(&format!("{connector}/status").into());
    status.parse("connected, disconnected or unknown", |text| match text.as_str() {
        "connected" => Some(true),
        "disconnected" | "unknown" => Some(false),
        _ => None,
    })
}

fn read_boot_vga(root: &Root, address: Address) -> Reading<bool> {
    let flag = root.text(&format!("{DEVICES}/{address}/boot_vga").into());
    flag.parse("0 or 1", |text| match text.as_str() {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    })
}
