//! Where a device with the declared ids is now, and how to tell one from its like.

use std::collections::BTreeSet;

use crate::finding::{Finding, Related, Remedy};
use crate::host::{Device, Host};
use crate::pci::{Address, PciId};

/// Says where the devices with these ids are. `wanted` are the addresses that the plan names: what
/// is wanted in its own place has not come from elsewhere.
pub fn point_to(
    finding: Finding,
    host: &Host,
    (vendor, device): (PciId, PciId),
    wanted: &BTreeSet<Address>,
) -> Finding {
    let (in_place, free): (Vec<Address>, Vec<Address>) =
        host.devices_with(vendor, device).into_iter().partition(|place| wanted.contains(place));
    let ids = format!("{vendor}:{device}");
    let mut finding = match &free[..] {
        [] => nowhere(finding, host, &ids, !in_place.is_empty()),
        [one] => finding.detail(format!("{ids} is at {one}.")).remedy(Remedy::advice(format!(
            "If that is the device you mean, write its address: {one}."
        ))),
        several => finding
            .detail(format!("{ids} is at {}.", list(several)))
            .detail(differences(host, several))
            .remedy(Remedy::advice(
                "Tell them apart by what is said of each, and write the address of the one you mean (`ai-how inventory pcie --tree` shows what is beside it).",
            )),
    };
    if !in_place.is_empty() {
        finding = finding
            .detail(format!("There is a {ids} at {}, where the plan wants one.", list(&in_place)));
    }
    for place in free {
        let traits: Vec<String> = traits(host, place).into_iter().map(|it| it.words()).collect();
        let message = format!("a device {ids} is at {place}: {}", traits.join(", "));
        finding = finding.related(Related::device(message, place));
    }
    finding
}

fn nowhere(finding: Finding, host: &Host, ids: &str, has_like: bool) -> Finding {
    if !host.all_ids_known() {
        return finding.detail(format!(
            "Among the functions that could be read there is no {}{ids}; not all could.",
            if has_like { "other " } else { "" }
        ));
    }
    let message = if has_like {
        format!("No {ids} was found that the plan does not want already.")
    } else {
        format!("No device {ids} was found on this host.")
    };
    finding.detail(message).remedy(Remedy::advice(
        "Check that the card is seated and enabled in the firmware setup, or correct the address and the ids.",
    ))
}

/// Something that can differ between two devices with the same ids.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trait {
    name: &'static str,
    value: String,
}

impl Trait {
    fn words(&self) -> String {
        format!("{} {}", self.name, self.value)
    }
}

/// What is known of a device beside its ids; the surest sign first.
fn traits(host: &Host, address: Address) -> Vec<Trait> {
    let Some(device) = host.devices.get(&address) else { return Vec::new() };
    let label = host.slots.as_ref().and_then(|slots| slots.known().ok()?);
    let slot = label.and_then(|slots| slots.label(address)).map(str::to_owned);
    let driver = match device.driver.known() {
        Ok(Some(driver)) => Some(driver.clone()),
        Ok(None) => Some("none".to_owned()),
        Err(_) => None,
    };
    let state = device.state.as_ref();
    let parent = state.and_then(|it| it.parent.known().ok()?).map(ToString::to_string);
    let boot = state.and_then(|it| it.boot_vga.known().ok()?);
    let group = device.iommu_group.known().ok().flatten().map(ToString::to_string);
    let all = [
        ("subsystem", subsystem(device)),
        ("slot", slot),
        ("below the bridge", parent),
        ("first display at boot:", boot.map(|&boot| if boot { "yes" } else { "no" }.to_owned())),
        ("IOMMU group", group),
        ("driver", driver),
    ];
    all.into_iter().filter_map(|(name, value)| Some(Trait { name, value: value? })).collect()
}

fn subsystem(device: &Device) -> Option<String> {
    let details = device.details.as_ref()?;
    let vendor = details.subsystem_vendor.known().ok()??;
    let id = details.subsystem_device.known().ok()??;
    Some(format!("{vendor}:{id}"))
}

/// In which respects they differ, so that a person knows where to look.
fn differences(host: &Host, places: &[Address]) -> String {
    let all: Vec<Vec<Trait>> = places.iter().map(|&place| traits(host, place)).collect();
    let names: BTreeSet<&str> = all.iter().flatten().map(|it| it.name).collect();
    let order = |name: &&str| all.iter().flatten().position(|it| it.name == *name);
    let mut names: Vec<&str> = names.into_iter().filter(|name| differ(&all, name)).collect();
    names.sort_by_key(order);
    let names: Vec<&str> = names.iter().map(|name| name.trim_end_matches(':')).collect();
    if names.contains(&"subsystem") {
        "They are of different makers or models: their subsystem ids differ.".to_owned()
    } else if names.is_empty() {
        "They are alike in all that could be read.".to_owned()
    } else {
        format!("They are the same model; they differ in: {}.", names.join(", "))
    }
}

fn differ(all: &[Vec<Trait>], name: &str) -> bool {
    let value =
        |traits: &Vec<Trait>| traits.iter().find(|it| it.name == name).map(|it| it.value.clone());
    let values: BTreeSet<Option<String>> = all.iter().map(value).collect();
    values.len() > 1
}

fn list(places: &[Address]) -> String {
    let words: Vec<String> = places.iter().map(ToString::to_string).collect();
    words.join(" and at ")
}
