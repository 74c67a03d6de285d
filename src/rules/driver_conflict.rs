//! AH207 driver-conflict

use super::device_id_mismatch::{Identity, identity};
use super::driver::{Hold, hold, is_stub, is_vfio};
use super::example::Scene;
use super::harm::{Objections, objections};
use super::iommu_disabled::is_off;
use super::taken::Takes;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Act, Answer, Finding, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU};
use crate::host::{Device, Host, VFIO_PCI};
use crate::pci::{DeviceType, names};
use crate::remedy;

pub static RULE: Rule = Rule {
    code: "AH207",
    name: "driver-conflict",
    severities: &[Severity::Error],
    summary: "The device is bound to a driver of the host.",
    why: "While the host drives a device, no VM can have it: VFIO offers only what vfio-pci (or one of its variants) holds.",
    remedy: "Bind the device to vfio-pci, by address: driver_override and drivers_probe. Writing the address to vfio-pci/bind alone fails with ENODEV, and new_id takes every like card.",
    since: "0.1.0",
    reads: &[
        "Documentation/driver-api/vfio.rst",
        "Documentation/ABI/testing/sysfs-bus-pci (driver_override, unbind)",
        "drivers/vfio/vfio_main.c (the folder vfio-dev of a function on any VFIO driver, since 6.1)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().driver(GPU, Some("nvidia"))),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(case: &DeviceCase, answer: &mut Answer) {
    let device = case.device;
    let Some(Some(driver)) = answer.learn(device.driver.known()) else { return };
    if is_stub(driver) {
        return;
    }
    if answer.learn(is_vfio(device)) != Some(false) {
        return;
    }
    let finding =
        Finding::new(format!("PCIe device {} is bound to a conflicting driver", device.address))
            .detail(format!("It is {}, and the driver {driver} holds it.", model(device)))
            .evidence([device.driver.evidence()]);
    answer.find(add_binding(finding, case, true));
}

/// How to bind the device; only words where it is not the one that was meant.
pub fn add_binding(mut finding: Finding, case: &DeviceCase, bound: bool) -> Finding {
    if identity(case) == Identity::Another {
        return finding.remedy(not_the_one());
    }
    for remedy in binding(case.takes, case.device, bound) {
        finding = finding.remedy(remedy);
    }
    finding
}

/// How to bind a device; only words while that would harm the host, or cannot work and would leave
/// the device without a driver.
pub fn binding(takes: &Takes, device: &Device, bound: bool) -> Vec<Remedy> {
    let against = objections(takes, device);
    if let Some(words) = against_it(takes, device, &against) {
        return vec![words];
    }
    if let Some(words) = staying_member(takes, device) {
        return vec![words];
    }
    match obstacle(takes.host, device) {
        Some(code) => vec![Remedy {
            // Virtual functions can be taken away just before.
            act: (code == "AH214").then_some(Act::Bind { address: device.address }),
            ..Remedy::later(
                code,
                "until then vfio-pci would refuse the device, and it would be left without a driver",
            )
        }],
        None => remedy::bind(device.address, bound, &caution(&against, device)),
    }
}

/// How to take the host's driver off a function that cannot be passed; only words where that would
/// harm the host.
pub fn detaching(takes: &Takes, device: &Device) -> Remedy {
    let against = objections(takes, device);
    against_it(takes, device, &against)
        .unwrap_or_else(|| remedy::detach(device.address, &caution(&against, device)))
}

/// What is to be mended or found out before the host's driver is taken off a function: harm is
/// known, or cannot be ruled out.
pub fn objection(takes: &Takes, device: &Device) -> Option<Remedy> {
    against_it(takes, device, &objections(takes, device))
}

/// What is to be mended before a physical function loses its virtual ones, so that they do not go
/// in vain.
pub fn before_virtual_functions_go(takes: &Takes, device: &Device) -> Option<Remedy> {
    let functions = takes.host.virtual_functions(device.address);
    let functions =
        functions.iter().filter_map(|address| takes.host.devices.get(address).map(Box::as_ref));
    let objected = [device].into_iter().chain(functions).find_map(|it| objection(takes, it));
    objected.or_else(|| staying_member(takes, device)).or_else(|| {
        let code = obstacle(takes.host, device).filter(|code| *code != "AH214")?;
        Some(Remedy::later(code, "until then vfio-pci would refuse the physical function too"))
    })
}

fn against_it(takes: &Takes, device: &Device, against: &Objections) -> Option<Remedy> {
    if takes.is_another(device.address) { Some(not_the_one()) } else { first_mend(against, device) }
}

/// What is said against another member of the device's group, which has to stay with the host and
/// keeps the whole group from every VM: to unbind a part of it is no use.
fn staying_member(takes: &Takes, device: &Device) -> Option<Remedy> {
    let blocks = |it: &&Device| matches!(hold(it, &takes.host.release), Ok(Hold::Blocks(_)));
    let others = takes.members_with(device).filter(|it| it.address != device.address);
    others.filter(blocks).find_map(|member| objection(takes, member))
}

/// Whether the host's driver is better left on a function.
pub fn must_stay(takes: &Takes, device: &Device) -> bool {
    objection(takes, device).is_some()
}

fn first_mend(against: &Objections, device: &Device) -> Option<Remedy> {
    let address = device.address;
    if against.errors.is_empty() && !against.open.is_empty() {
        return Some(Remedy::advice(format!(
            "First find out what the host would lose with {address} ({} could not be told): look at its disks, routes and displays (lsblk, findmnt, ip route), or run this where they can be read.",
            against.open.join(", ")
        )));
    }
    let code = against.errors.first()?;
    Some(Remedy::later(
        code,
        &format!("to take the host's driver off {address} would harm the host"),
    ))
}

fn caution(against: &Objections, device: &Device) -> remedy::Caution {
    let kind = device_type(device);
    remedy::Caution { kind, warnings: against.warnings.clone() }
}

/// The finding that keeps vfio-pci from taking a device (`drivers/vfio/vfio_main.c`: EINVAL
/// without a group).
fn obstacle(host: &Host, device: &Device) -> Option<&'static str> {
    let modules = host.modules.as_ref();
    let no_vfio_pci = matches!(host.vfio.pci_driver.known(), Ok(None))
        && modules.and_then(|modules| modules.can_be_loaded(VFIO_PCI)) == Some(false);
    if is_off(host) {
        Some("AH105")
    } else if matches!(device.iommu_group.known(), Ok(None)) {
        Some("AH206")
    } else if no_vfio_pci {
        Some("AH104")
    } else if matches!(device.state.as_ref().map(|state| state.vfs.known()), Some(Ok(Some(1..)))) {
        Some("AH214")
    } else {
        None
    }
}

/// What is said in the place of commands for a device that is not the one declared.
pub fn not_the_one() -> Remedy {
    Remedy::later(
        "AH202",
        "this is not the device that was declared, and unbinding it could harm the host",
    )
}

/// The device in words, or its ids.
fn model(device: &Device) -> String {
    let (Ok(Some(vendor)), Ok(Some(id))) = (device.vendor.known(), device.device.known()) else {
        return "a device whose ids are not known".to_owned();
    };
    let name = names::vendor(vendor.0).zip(names::device(vendor.0, id.0));
    name.map_or_else(|| format!("{vendor}:{id}"), |(vendor, device)| format!("{vendor} {device}"))
}

pub fn device_type(device: &Device) -> Option<DeviceType> {
    device.class.known().ok().flatten().map(|class| class.device_type())
}
