//! Giving a function to vfio-pci, and giving it back.
//!
//! Source: `Documentation/ABI/testing/sysfs-bus-pci` (`driver_override`, `drivers_probe`,
//! `unbind`). Without an override or a registered id a write to `vfio-pci/bind` is refused with
//! ENODEV, and `new_id` would take every like card.

use crate::finding::{Act, Lasting, Remedy};
use crate::pci::{Address, DeviceType};

/// What is to be minded before the host's driver is taken off a function.
#[derive(Debug, Default)]
pub struct Caution {
    pub kind: Option<DeviceType>,
    /// Codes of what the host loses with it, and can do without.
    pub warnings: Vec<&'static str>,
}

/// Binds a function to vfio-pci, now and for good; `bound` says whether a driver holds it.
pub fn bind(address: Address, bound: bool, caution: &Caution) -> Vec<Remedy> {
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
    let caution = if bound { words(caution) } else { String::new() };
    vec![
        Remedy {
            text: format!(
                "Until the next boot, as root: bind {address} to vfio-pci; the last line must end in vfio-pci.{caution}"
            ),
            commands,
            undo,
            act: Some(Act::Bind { address }),
            ..Remedy::default()
        },
        Remedy {
            text: format!(
                "For good, with the package driverctl, as root; it takes effect at once and at every boot, for {address} alone.{caution}"
            ),
            commands: vec![format!("driverctl set-override {address} vfio-pci")],
            undo: vec![format!("driverctl unset-override {address}")],
            lasting: Some(Lasting::Binding(address)),
            ..Remedy::default()
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
        act: Some(Act::Reserve { address }),
        ..Remedy::default()
    }
}

/// Takes the driver off a function that is not to be passed, so that its group can be used.
pub fn detach(address: Address, caution: &Caution) -> Remedy {
    let caution = words(caution);
    Remedy {
        text: format!("As root: take the host's driver off {address}.{caution}"),
        commands: vec![format!("echo {address} > /sys/bus/pci/devices/{address}/driver/unbind")],
        undo: vec![format!("echo {address} > /sys/bus/pci/drivers_probe")],
        act: Some(Act::Detach { address }),
        ..Remedy::default()
    }
}

/// Unbinding waits for as long as the function is in use.
fn words(caution: &Caution) -> String {
    let mut words = match caution.kind {
        Some(DeviceType::Gpu) => {
            " First stop what uses it (display manager, nvidia-persistenced), or unbinding waits for ever."
        }
        _ => " First stop what uses it: unbinding waits until nobody does.",
    }
    .to_owned();
    if !caution.warnings.is_empty() {
        words += &format!(" Mind {}: the host loses that.", caution.warnings.join(" and "));
    }
    words
}
