//! Giving a function to vfio-pci, and giving it back.
//!
//! Source: `Documentation/ABI/testing/sysfs-bus-pci` (`driver_override`, `drivers_probe`,
//! `unbind`). Without an override or a registered id a write to `vfio-pci/bind` is refused with
//! ENODEV, and `new_id` would take every like card.

use crate::finding::Remedy;
use crate::pci::{Address, DeviceType};

/// Binds a function to vfio-pci, now and for good; `bound` says whether a driver holds it.
pub fn bind(address: Address, bound: bool, kind: Option<DeviceType>) -> Vec<Remedy> {
    let folder = format!("/sys/bus/pci/devices/{address}");
    let mut commands =
        vec!["modprobe vfio-pci".to_owned(), format!("echo vfio-pci > {folder}/driver_override")];
    if bound {
        commands.push(format!("echo {address} > {folder}/driver/unbind"));
    }
    commands.push(format!("echo {address} > /sys/bus/pci/drivers_probe"));
    // The probe succeeds even where nothing was bound.
    commands.push(format!("readlink {folder}/driver"));
    let mut undo = vec![
        format!("echo {address} > {folder}/driver/unbind"),
        format!("echo > {folder}/driver_override"),
    ];
    if bound {
        undo.push(format!("echo {address} > /sys/bus/pci/drivers_probe"));
    }
    let caution = if bound { caution(kind) } else { "" };
    vec![
        Remedy {
            text: format!(
                "Until the next boot, as root: bind {address} to vfio-pci; the last line must end in vfio-pci.{caution}"
            ),
            commands,
            undo,
        },
        Remedy {
            text: format!(
                "For good, with the package driverctl, as root; it takes effect at once and at every boot, for {address} alone.{caution}"
            ),
            commands: vec![format!("driverctl set-override {address} vfio-pci")],
            undo: vec![format!("driverctl unset-override {address}")],
        },
    ]
}

/// Keeps every other driver away from a function that has none and stays with the host.
pub fn reserve(address: Address) -> Remedy {
    let folder = format!("/sys/bus/pci/devices/{address}");
    Remedy {
        text: format!(
            "Until the next boot, as root: give {address} to pci-stub, which does nothing with it."
        ),
        commands: vec![
            "modprobe pci-stub".to_owned(),
            format!("echo pci-stub > {folder}/driver_override"),
            format!("echo {address} > /sys/bus/pci/drivers_probe"),
            format!("readlink {folder}/driver"),
        ],
        undo: vec![
            format!("echo {address} > {folder}/driver/unbind"),
            format!("echo > {folder}/driver_override"),
        ],
    }
}

/// Takes the driver off a function that is not to be passed, so that its group can be used.
pub fn detach(address: Address, kind: Option<DeviceType>) -> Remedy {
    let caution = caution(kind);
    Remedy {
        text: format!("As root: take the host's driver off {address}.{caution}"),
        commands: vec![format!("echo {address} > /sys/bus/pci/devices/{address}/driver/unbind")],
        undo: vec![format!("echo {address} > /sys/bus/pci/drivers_probe")],
    }
}

/// What the host may lose with the function; unbinding waits for as long as it is in use.
fn caution(kind: Option<DeviceType>) -> &'static str {
    match kind {
        Some(DeviceType::Storage) => {
            " First make sure that the host runs from no disk of it (lsblk, findmnt): this is not checked yet."
        }
        Some(DeviceType::Network) => {
            " First make sure that the host is not reached through it (ip route): this is not checked yet."
        }
        Some(DeviceType::Gpu) => {
            " First stop what uses it (display manager, nvidia-persistenced), or unbinding waits for ever; if it is the host's only display, have another way in."
        }
        _ => " First stop what uses it: unbinding waits until nobody does.",
    }
}
