//! The functions of a host, and what the rules say of each.

mod cards;
mod codes;
mod passthrough;

use std::collections::BTreeSet;

pub use cards::{Card, Role, cards};
pub use codes::Codes;
pub use passthrough::Passthrough;

use crate::host::{Device, Group, Host};
use crate::pci::{Address, DeviceType};
use crate::rules;

/// A function, and whether it can be passed to a VM.
#[derive(Debug)]
pub struct Row<'a> {
    pub device: &'a Device,
    pub device_type: DeviceType,
    /// On a driver of VFIO.
    pub vfio: bool,
    /// Assignable, and on a driver that is neither VFIO's nor a stub.
    pub conflicting: bool,
    /// Assignable, and known to have no driver.
    pub unbound: bool,
    pub passthrough: Passthrough,
    /// Codes of the findings, or of the checks that could not be answered.
    pub reasons: Codes,
    /// The one of them that decides, to be told where there is room for one.
    pub first_reason: Option<&'static str>,
}

/// An IOMMU group of the rows shown.
#[derive(Debug)]
pub struct GroupRow<'a> {
    pub group: &'a Group,
    pub members: Vec<Address>,
    /// Whether the kernel would give it to a VM as it is; none where that is not known.
    pub viable: Option<bool>,
}

#[derive(Debug)]
pub struct Inventory<'a> {
    pub rows: Vec<Row<'a>>,
    pub groups: Vec<GroupRow<'a>>,
}

/// Which rows are wanted; all where nothing is asked.
#[derive(Debug, Default)]
pub struct Filter {
    /// All where it is empty.
    pub addresses: BTreeSet<Address>,
    pub group: Option<u32>,
    pub device_type: Option<DeviceType>,
    pub driver: Option<String>,
}

impl<'a> Inventory<'a> {
    pub fn new(host: &'a Host, filter: &Filter) -> Self {
        let judged = passthrough::judge(host);
        let rows: Vec<Row> = host
            .devices
            .values()
            .filter(|device| filter.takes(device))
            .map(|device| row(device, &judged))
            .collect();
        let shown: BTreeSet<u32> = rows
            .iter()
            .filter_map(|row| row.device.iommu_group.known().ok().flatten().copied())
            .collect();
        let groups = shown.iter().filter_map(|id| {
            let members = host.members.get(id)?;
            Some(GroupRow {
                group: host.groups.get(id)?,
                members: members.known.iter().copied().collect(),
                viable: judged.viable(*id),
            })
        });
        Self { groups: groups.collect(), rows }
    }
}

impl Filter {
    fn takes(&self, device: &Device) -> bool {
        if !self.addresses.is_empty() && !self.addresses.contains(&device.address) {
            return false;
        }
        let group = self.group.is_none_or(
            |group| matches!(device.iommu_group.known(), Ok(Some(found)) if *found == group),
        );
        let kind = self.device_type.is_none_or(|kind| type_of(device) == kind);
        let driver = self.driver.as_ref().is_none_or(|name| match device.driver.known() {
            Ok(Some(driver)) => driver == name,
            Ok(None) => name == "none",
            Err(_) => false,
        });
        group && kind && driver
    }
}

fn row<'a>(device: &'a Device, judged: &passthrough::Answers) -> Row<'a> {
    let (passthrough, reasons) = judged.of(device.address);
    let decides =
        |code: &&str| passthrough != Passthrough::Blocked || !judged.is_mended_by_binding(code);
    let first_reason = reasons.iter().find(decides).or_else(|| reasons.iter().next());
    let assignable = passthrough != Passthrough::Never;
    let vfio = rules::is_vfio(device) == Ok(true);
    let driver = device.driver.known();
    let stub = matches!(driver, Ok(Some(driver)) if rules::is_stub(driver));
    Row {
        device,
        device_type: type_of(device),
        vfio,
        conflicting: assignable
            && matches!(driver, Ok(Some(_)))
            && rules::is_vfio(device) == Ok(false)
            && !stub,
        unbound: assignable && matches!(driver, Ok(None)),
        passthrough,
        reasons,
        first_reason,
    }
}

fn type_of(device: &Device) -> DeviceType {
    device.class.known().ok().flatten().map_or(DeviceType::Other, |class| class.device_type())
}
