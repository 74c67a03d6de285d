//! The IOMMU and its groups (`Documentation/ABI/testing/sysfs-class-iommu`,
//! `Documentation/ABI/testing/sysfs-kernel-iommu_groups`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::access::Node;
use super::device::Device;
use super::reading::{Gap, HostPath, Reading, Why};
use super::root::Root;
use crate::pci::Address;

#[derive(Debug)]
pub struct Iommu {
    /// Entries of `/sys/class/iommu`: one for each IOMMU at work.
    pub instances: Reading<Vec<String>>,
    /// Numbers of the groups.
    pub groups: Reading<BTreeSet<u32>>,
    /// Names of the firmware's ACPI tables; absent on a machine without ACPI. Only read where no
    /// IOMMU is at work.
    pub acpi_tables: Option<Reading<BTreeSet<String>>>,
}

#[derive(Debug)]
pub struct Group {
    pub id: u32,
    /// `DMA`, `DMA-FQ`, `identity`, …
    pub kind: Reading<String>,
    /// `vfio-noiommu` in no-IOMMU mode.
    pub name: Reading<String>,
    /// Those of its reserved regions that the firmware demands to be reached at all times (RMRR, unity
    /// mapping), and is not known to get by without; as they are written in the file.
    pub direct_regions: Reading<Vec<String>>,
    /// Names in the folder `devices`; members that are no PCI functions included.
    pub listed: Reading<Vec<String>>,
    /// Drivers of the members that are no PCI functions.
    pub foreign: BTreeMap<String, Reading<String>>,
    /// `/dev/vfio/N`, there while a member is on a driver of VFIO.
    pub node: Reading<Node>,
}

/// Who is in a group, as far as it is known.
#[derive(Debug)]
pub struct Members {
    pub known: BTreeSet<Address>,
    /// Non-empty when there may be more.
    pub gaps: Vec<Gap>,
}

const GROUPS: &str = "/sys/kernel/iommu_groups";

pub fn read(root: &Root) -> Iommu {
    let instances = root.list(&"/sys/class/iommu".into());
    let groups: Reading<BTreeSet<u32>> = root
        .list(&GROUPS.into())
        .parse("numbered groups", |names| names.iter().map(|name| name.parse().ok()).collect());
    let groups = by_number(groups);
    // A capture with neither folder was taken by somebody who did not look.
    let (instances, groups) =
        if is_missing(&instances) && is_missing(&groups) && root.may_be_partial() {
            (instances.absent_means(Why::NotCaptured), groups.absent_means(Why::NotCaptured))
        } else {
            (instances, groups)
        };
    let at_work = matches!(instances.known(), Ok(Some(names)) if !names.is_empty())
        && matches!(groups.known(), Ok(Some(groups)) if !groups.is_empty());
    let acpi_tables = (!at_work).then(|| {
        root.list(&"/sys/firmware/acpi/tables".into())
            .parse("names of tables", |names| Some(names.iter().cloned().collect()))
    });
    Iommu { instances, groups, acpi_tables }
}

/// Shown in the order of their numbers, not of their names.
fn by_number(groups: Reading<BTreeSet<u32>>) -> Reading<BTreeSet<u32>> {
    match groups.known() {
        Ok(Some(ids)) if !ids.is_empty() => {
            let shown: Vec<String> = ids.iter().map(ToString::to_string).collect();
            Reading::present(groups.path().clone(), ids.clone(), shown.join(" "))
        }
        _ => groups,
    }
}

/// Whether the capture tells nothing of the IOMMU, so that a device without a group may have one.
pub fn is_not_captured(iommu: &Iommu) -> bool {
    let open = |gap: Option<Gap>| matches!(gap, Some(Gap { why: Why::NotCaptured, .. }));
    open(iommu.instances.known().err()) && open(iommu.groups.known().err())
}

fn is_missing<T>(reading: &Reading<T>) -> bool {
    matches!(reading.known(), Ok(None) | Err(Gap { why: Why::NotCaptured, .. }))
}

pub fn read_group(root: &Root, id: u32) -> Group {
    let folder = root.open_folder(&Arc::new(format!("{GROUPS}/{id}").into()));
    let listed = folder.list("devices");
    let foreign = match listed.known() {
        Ok(Some(names)) => names
            .iter()
            .filter(|name| Address::from_sysfs(name).is_none())
            .map(|name| {
                let member = |file: &str| format!("{GROUPS}/{id}/devices/{name}/{file}").into();
                (name.clone(), read_driver(root, &member("driver"), &member("uevent")))
            })
            .collect(),
        _ => BTreeMap::new(),
    };
    let node = root.node(&format!("/dev/vfio/{id}").into());
    Group {
        id,
        node,
        kind: folder.text("type"),
        name: folder.text("name"),
        direct_regions: read_direct_regions(root, folder.text("reserved_regions")),
        listed,
        foreign,
    }
}

/// Lines `0x… 0x… type`. Every group has the file since 4.11, so a capture without it says nothing.
fn read_direct_regions(root: &Root, text: Reading<String>) -> Reading<Vec<String>> {
    let text = if root.may_be_partial() { text.absent_means(Why::NotCaptured) } else { text };
    let all = text.known().ok().flatten().filter(|text| text.contains("direct"));
    let all = all.map(|text| text.replace('\n', "; "));
    let direct = text.parse("lines of start, end and type", |text| {
        let mut direct = Vec::new();
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let is_number = |word: &str| {
                word.strip_prefix("0x")
                    .is_some_and(|digits| u64::from_str_radix(digits, 16).is_ok())
            };
            let sound = is_number(words.next()?) && is_number(words.next()?);
            let kind = words.next().filter(|_| sound)?;
            if kind == "direct" {
                direct.push(line.to_owned());
            }
        }
        Some(direct)
    });
    direct.showing(|direct| match all {
        Some(all) if !direct.is_empty() => all,
        _ => "(no direct region)".to_owned(),
    })
}

/// As of a function: by the link, else by `uevent`; without either nobody captured it.
fn read_driver(root: &Root, link: &HostPath, uevent: &HostPath) -> Reading<String> {
    let linked = root
        .link(link)
        .parse("a link to a driver", |target| target.rsplit('/').next().map(str::to_owned));
    linked.or(|| {
        let lines = root.text(uevent).absent_means(Why::NotCaptured);
        match lines.known() {
            Ok(Some(text)) => match text.lines().find_map(|line| line.strip_prefix("DRIVER=")) {
                Some(driver) => Reading::present(uevent.clone(), driver.to_owned(), driver),
                None => Reading::absent(link.clone()),
            },
            _ => lines,
        }
    })
}

impl Group {
    fn wrong_list(&self, member: Address, other: u32) -> Gap {
        let found = format!("{member}, whose own link leads to group {other}");
        self.listed.unclear(found, "members of this group only")
    }

    fn short_list(&self) -> Gap {
        let found = "a list that lacks a function whose own link leads to the group";
        self.listed.unclear(found, "all members of the group")
    }
}

/// Who is in which group: by the groups' own lists and by the devices' links. Without a list the
/// links of all devices tell the same, where `all_told` says that those not here are elsewhere.
pub fn members(
    groups: &BTreeMap<u32, Box<Group>>,
    devices: &BTreeMap<Address, Box<Device>>,
    all_told: bool,
) -> BTreeMap<u32, Members> {
    let mut linked: BTreeMap<u32, BTreeSet<Address>> = BTreeMap::new();
    let mut links_known = all_told;
    for device in devices.values() {
        match device.iommu_group.known() {
            Ok(Some(group)) if groups.contains_key(group) => {
                linked.entry(*group).or_default().insert(device.address);
            }
            Ok(_) => {}
            Err(_) => links_known = false,
        }
    }
    let own = |member: &Address| devices.get(member)?.iommu_group.known().ok()?.copied();
    let mut of_group = |group: &Group| {
        let mut known = linked.remove(&group.id).unwrap_or_default();
        let gaps = match group.listed.required() {
            Ok(names) => {
                let listed: BTreeSet<Address> =
                    names.iter().filter_map(|name| Address::from_sysfs(name)).collect();
                // A list that lacks a function which says it is in the group may lack others.
                let short = !links_known && !known.is_subset(&listed);
                let elsewhere = listed.iter().find_map(|member| {
                    let other = own(member).filter(|other| *other != group.id)?;
                    Some(group.wrong_list(*member, other))
                });
                known.extend(listed);
                elsewhere.or_else(|| short.then(|| group.short_list())).into_iter().collect()
            }
            Err(_) if links_known => Vec::new(),
            Err(gap) => vec![gap],
        };
        Members { known, gaps }
    };
    groups.iter().map(|(id, group)| (*id, of_group(group))).collect()
}
