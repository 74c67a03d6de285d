//! What hosts are compared by: a few facts that explain why some are judged otherwise than others.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::kept::{Kept, cut};
use crate::config::Config;
use crate::finding::Severity;
use crate::host::{CommandLine, Device, Host, Reading};
use crate::pci::Address;
use crate::rules;

/// A fact of one host. What is not known is never taken for a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<T> {
    Known(T),
    /// The host does not have it.
    Absent,
    Unknown,
}

/// Of one host.
#[derive(Debug)]
pub struct Facts {
    /// The kernel's release.
    pub kernel: Fact<String>,
    pub arch: Fact<String>,
    pub cpu_vendor: Fact<String>,
    /// The kind of IOMMU that is at work.
    pub iommu: Fact<String>,
    pub iommu_groups: Fact<usize>,
    /// How many PCI functions there are.
    pub functions: Fact<usize>,
    /// Words of the command line about IOMMU, VFIO, PCI, KVM and huge pages.
    pub parameters: Fact<String>,
    /// The functions of the plan that hosts are compared by, in its order.
    pub devices: Vec<Wants>,
}

/// A function that the plan wants, as it is on one host.
#[derive(Debug)]
pub struct Wants {
    pub address: Address,
    /// `10de:2684`
    pub ids: Fact<String>,
    pub driver: Fact<String>,
    /// Who else is in its IOMMU group.
    pub group: Fact<BTreeSet<Address>>,
}

/// A plan can want thousands of functions; findings tell of all of them.
const MOST_WANTED: usize = 64;

/// What begins the names of parameters that matter here.
const PARAMETERS: &[&str] = &[
    "intel_iommu",
    "amd_iommu",
    "iommu",
    "intremap",
    "vfio",
    "pci",
    "kvm",
    "hugepages",
    "default_hugepagesz",
    "modprobe.blacklist",
    "module_blacklist",
];

/// The first functions that a plan wants.
pub(super) fn wants(plan: &Config) -> Vec<Address> {
    let mut seen = BTreeSet::new();
    let all = rules::wanted(plan).map(|(_, _, wanted)| wanted.address.value);
    all.filter(|address| seen.insert(*address)).take(MOST_WANTED).collect()
}

/// What [`Kept::values`] tells, in its order.
pub fn labels(wants: &[Address]) -> Vec<String> {
    let host = [
        "kernel release",
        "architecture",
        "processor",
        "IOMMU",
        "IOMMU groups",
        "PCI functions",
        "kernel parameters",
        "errors",
        "warnings",
        "open checks",
    ];
    let device = |address: &Address| {
        [
            format!("ids of {address}"),
            format!("driver of {address}"),
            format!("IOMMU group of {address}"),
        ]
    };
    host.into_iter().map(str::to_owned).chain(wants.iter().flat_map(device)).collect()
}

impl Kept {
    /// All facts in words; none for what is not known.
    pub fn values(&self) -> Vec<Option<String>> {
        let Facts { kernel, arch, cpu_vendor, iommu, iommu_groups, functions, parameters, .. } =
            &self.facts;
        let host = [
            kernel.words(),
            arch.words(),
            cpu_vendor.words(),
            iommu.words(),
            iommu_groups.words(),
            functions.words(),
            parameters.words(),
            Some(words(self.codes(Severity::Error))),
            Some(words(self.codes(Severity::Warning))),
            Some(words(self.deciding())),
        ];
        let device = |it: &Wants| [it.ids.words(), it.driver.words(), it.group_words()];
        host.into_iter().chain(self.facts.devices.iter().flat_map(device)).collect()
    }
}

impl Facts {
    pub(super) fn of(host: &Host, wants: &[Address]) -> Self {
        Self {
            kernel: Fact::of(&host.release, |release| cut(&release.text)),
            arch: Fact::of(&host.cpu.arch, |arch| cut(arch)),
            cpu_vendor: Fact::of(&host.cpu.vendor, |vendor| cut(vendor)),
            iommu: iommu(host),
            iommu_groups: Fact::of(&host.iommu.groups, BTreeSet::len),
            functions: Fact::of(&host.bus, BTreeSet::len),
            parameters: parameters(host),
            devices: wants.iter().map(|&address| Wants::of(host, address)).collect(),
        }
    }
}

impl Wants {
    fn of(host: &Host, address: Address) -> Self {
        let device = match host.device(address) {
            Ok(Some(device)) => device,
            Ok(None) => {
                let (ids, driver, group) = (Fact::Absent, Fact::Absent, Fact::Absent);
                return Self { address, ids, driver, group };
            }
            Err(_) => {
                let (ids, driver, group) = (Fact::Unknown, Fact::Unknown, Fact::Unknown);
                return Self { address, ids, driver, group };
            }
        };
        let ids = match (device.vendor.required(), device.device.required()) {
            (Ok(vendor), Ok(id)) => Fact::Known(format!("{vendor}:{id}")),
            _ => Fact::Unknown,
        };
        let driver = Fact::of(&device.driver, |driver| cut(driver));
        Self { address, ids, driver, group: group(host, device) }
    }

    fn group_words(&self) -> Option<String> {
        /// A group can hold a whole machine.
        const MOST_NAMED: usize = 4;
        match &self.group {
            Fact::Known(others) if others.is_empty() => Some("alone".to_owned()),
            Fact::Known(others) if others.len() <= MOST_NAMED => {
                let names: Vec<String> = others.iter().map(ToString::to_string).collect();
                Some(format!("with {}", names.join(" ")))
            }
            Fact::Known(others) => Some(format!("with {} others", others.len())),
            Fact::Absent => Some(NONE.to_owned()),
            Fact::Unknown => None,
        }
    }
}

/// In words, of what a host does not have.
const NONE: &str = "none";

impl<T> Fact<T> {
    fn of<U>(reading: &Reading<U>, value: impl FnOnce(&U) -> T) -> Self {
        match reading.known() {
            Ok(Some(found)) => Self::Known(value(found)),
            Ok(None) => Self::Absent,
            Err(_) => Self::Unknown,
        }
    }

    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }
}

impl<T: Display> Fact<T> {
    fn words(&self) -> Option<String> {
        match self {
            Self::Known(value) => Some(value.to_string()),
            Self::Absent => Some(NONE.to_owned()),
            Self::Unknown => None,
        }
    }
}

fn words(codes: impl Iterator<Item = &'static str>) -> String {
    // A code can stand with two severities.
    let codes: BTreeSet<&str> = codes.collect();
    let codes: Vec<&str> = codes.into_iter().collect();
    if codes.is_empty() { NONE.to_owned() } else { codes.join(" ") }
}

/// By the name that its driver gave the first unit: `dmar0` (`drivers/iommu/intel/dmar.c`), `ivhd0`
/// (`drivers/iommu/amd/init.c`).
fn iommu(host: &Host) -> Fact<String> {
    let (Ok(instances), Ok(groups)) = (host.iommu.instances.known(), host.iommu.groups.known())
    else {
        return Fact::Unknown;
    };
    match instances.and_then(|names| names.first()) {
        Some(first) if groups.is_some_and(|groups| !groups.is_empty()) => {
            let kind = match first.trim_end_matches(|letter: char| letter.is_ascii_digit()) {
                "dmar" => "intel",
                "ivhd" => "amd",
                other => other,
            };
            Fact::Known(cut(kind))
        }
        _ => Fact::Absent,
    }
}

fn parameters(host: &Host) -> Fact<String> {
    let of = |line: &CommandLine| {
        let words = line.0.split_ascii_whitespace();
        let those = words.filter(|word| PARAMETERS.iter().any(|name| word.starts_with(name)));
        cut(&those.collect::<Vec<_>>().join(" "))
    };
    match Fact::of(&host.command_line, of) {
        Fact::Known(words) if words.is_empty() => Fact::Absent,
        other => other,
    }
}

/// The others of its group; unknown where there may be more.
fn group(host: &Host, device: &Device) -> Fact<BTreeSet<Address>> {
    let id = match device.iommu_group.known() {
        Ok(Some(id)) => id,
        Ok(None) => return Fact::Absent,
        Err(_) => return Fact::Unknown,
    };
    match host.members.get(id) {
        Some(members) if members.gaps.is_empty() => {
            let others = members.known.iter().copied().filter(|it| *it != device.address);
            Fact::Known(others.collect())
        }
        _ => Fact::Unknown,
    }
}
