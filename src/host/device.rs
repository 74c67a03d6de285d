//! One PCI function: its attributes in `/sys/bus/pci/devices/ADDRESS`
//! (`Documentation/ABI/testing/sysfs-bus-pci`, `drivers/pci/pci-sysfs.c`).

mod state;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use state::{Power, State, UseByOthers, sound_card};

use super::need::Need;
use super::reading::{Fact, HostPath, Reading, Why};
use super::root::{Folder, Root};
use crate::pci::{Address, Class, PciId};

#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "`device` is what the kernel calls the id")]
pub struct Device {
    pub address: Address,
    pub class: Reading<Class>,
    pub vendor: Reading<PciId>,
    pub device: Reading<PciId>,
    /// Absent when no driver is bound.
    pub driver: Reading<String>,
    /// Absent when the function is in no IOMMU group.
    pub iommu_group: Reading<u32>,
    /// There on PCI-to-PCI and `CardBus` bridges, of any class. Only its existence is asked:
    /// reading it touches the hardware.
    pub secondary_bus: Reading<()>,
    /// The folder `vfio-dev`, there when the bound driver registered the function with VFIO
    /// (since 6.1, `drivers/vfio/vfio_main.c`).
    pub vfio_dev: Reading<()>,
    /// How the kernel finds a module for it, `pci:v000010DEd…` (`drivers/pci/pci-driver.c`,
    /// `pci_uevent`).
    pub modalias: Reading<String>,
    /// The functions below a bridge: their folders lie in its own (empty where that could not be
    /// listed).
    pub below: BTreeSet<Address>,
    /// Only of functions that a VM wants.
    pub state: Option<Box<State>>,
    /// Only of others on a driver of VFIO.
    pub use_by_others: Option<Box<UseByOthers>>,
    pub details: Option<Box<Details>>,
    pub link: Option<Box<Link>>,
    /// Only where it was asked for.
    pub driver_override: Option<Reading<String>>,
}

/// What the tables of the inventory show.
#[derive(Debug)]
pub struct Details {
    pub subsystem_vendor: Reading<PciId>,
    pub subsystem_device: Reading<PciId>,
    pub revision: Reading<u8>,
}

/// A base address register that is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// 0 to 5.
    pub index: u8,
    /// Bus address of its first byte.
    pub start: u64,
    /// In bytes.
    pub size: u64,
    pub kind: BarKind,
    pub prefetchable: bool,
    /// It exists and was given no addresses, so its start says nothing.
    pub unset: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarKind {
    Io,
    Mem32,
    Mem64,
}

/// Speed (as the kernel words it) and width (lanes) of the link; absent where there is no link.
#[derive(Debug)]
pub struct Link {
    pub speed: Reading<String>,
    pub width: Reading<u32>,
    pub max_speed: Reading<String>,
    pub max_width: Reading<u32>,
}

pub const DEVICES: &str = "/sys/bus/pci/devices";

pub fn read(root: &Root, address: Address, need: &Need, with_state: bool) -> Device {
    let reader = Reader::new(root, address);
    let uevent = reader.uevent();
    let class = uevent.value("PCI_CLASS", "a class", Class::from_uevent).or(|| {
        reader.folder.text("class").parse("a class, 0x030000", |text| Class::from_sysfs(text))
    });
    let vendor = reader.told_id(&uevent, 0, "vendor");
    let device = reader.told_id(&uevent, 1, "device");
    let secondary_bus = reader.folder.exists("secondary_bus_number");
    // A capture without the attribute says nothing about a device whose class has it.
    let secondary_bus = match class.known() {
        Ok(Some(class)) if root.may_be_partial() && class.is_bus_bridge() => {
            secondary_bus.absent_means(Why::NotCaptured)
        }
        _ => secondary_bus,
    };
    let driver = reader.driver(&uevent);
    let iommu_group = group_of(reader.folder.link("iommu_group"));
    Device {
        vfio_dev: reader.folder.folder("vfio-dev"),
        modalias: uevent
            .value("MODALIAS", "an alias, pci:v000010DE…", |alias| {
                alias.starts_with("pci:").then(|| alias.to_owned())
            })
            .or(|| reader.folder.text("modalias")),
        below: match secondary_bus.known() {
            Ok(Some(())) => reader.functions_below(),
            _ => BTreeSet::new(),
        },
        use_by_others: (!with_state && reader.folder.may_have("vfio-dev"))
            .then(|| Box::new(reader.use_by_others())),
        state: with_state.then(|| {
            let state = reader.state(&driver);
            let wire = if need.wires { reader.wire(&state.parent) } else { None };
            Box::new(State { wire, ..state })
        }),
        details: need.details.then(|| Box::new(reader.details(&uevent))),
        link: need.link.then(|| Box::new(reader.pcie_link())),
        driver_override: need.driver_override.then(|| reader.driver_override()),
        driver,
        iommu_group,
        address,
        class,
        vendor,
        device,
        secondary_bus,
    }
}

/// In which IOMMU group a function says that it is, and nothing more of it.
pub fn read_group_of(root: &Root, address: Address) -> Reading<u32> {
    group_of(root.link(&format!("{DEVICES}/{address}/iommu_group").into()))
}

fn group_of(link: Reading<String>) -> Reading<u32> {
    link.parse("a link to a numbered group", |target| last_part(target).parse().ok())
}

/// Whether registers of a function can be read without waking it.
pub fn awake(root: &Root, address: Address) -> Result<(), Why> {
    let text = |name| root.text(&format!("{DEVICES}/{address}/{name}").into());
    is_awake(&text("power_state"), &text("power/runtime_status"))
}

fn is_awake(power_state: &Reading<String>, runtime: &Reading<String>) -> Result<(), Why> {
    let asleep = || Why::Failed { error: "the device is not awake".to_owned() };
    match (power_state.required(), runtime.known()) {
        (Ok(state), Ok(Some(status))) if state == "D0" && status.starts_with("suspend") => {
            Err(asleep())
        }
        (Ok(state), _) if state == "D0" => Ok(()),
        (Ok(_), _) => Err(asleep()),
        (Err(gap), _) => Err(gap.why),
    }
}

impl Device {
    /// For a capture that tells nothing of the IOMMU: that there is no group is not known either.
    pub fn without_captured_group(mut self) -> Self {
        self.iommu_group = self.iommu_group.absent_means(Why::NotCaptured);
        self
    }

    /// Whether a VM has it open, or that is not known. What no VM wants and no driver of VFIO has is
    /// not asked.
    pub fn may_be_in_use(&self) -> bool {
        let state = self.state.as_ref().map(|state| &state.enabled);
        let others = self.use_by_others.as_ref().map(|others| &others.enabled);
        let enabled = state.or(others);
        self.may_be_on_vfio() && enabled.is_some_and(|enabled| enabled.required() != Ok(&0))
    }

    fn may_be_on_vfio(&self) -> bool {
        match self.driver.known() {
            Ok(None) => false,
            Ok(Some(driver)) => driver.contains("vfio") || self.vfio_dev.known() != Ok(None),
            Err(_) => true,
        }
    }

    /// The nodes of its own, by which a VM opens it without its group; asked of those of
    /// [`Self::may_be_in_use`].
    pub(super) fn own_nodes(&self) -> Option<&Reading<Vec<String>>> {
        let state = self.state.as_ref().map(|state| &state.nodes.vfio);
        state.or(self.use_by_others.as_ref().map(|others| &others.nodes))
    }

    /// Why not all nodes are known by which a VM opens it.
    pub fn unknown_nodes(&self) -> Option<super::Gap> {
        self.iommu_group.known().err().or_else(|| self.own_nodes()?.known().err())
    }

    /// PCI-to-PCI and `CardBus` bridges: whoever has a secondary bus; by class alone where that
    /// was not captured. Unknown only where both are.
    pub fn is_bus_bridge(&self) -> Result<bool, super::Gap> {
        match (self.secondary_bus.known(), self.class.required()) {
            (Ok(Some(())), _) => Ok(true),
            (_, Ok(class))
                if class.is_bus_bridge()
                    && (class.sub() != 0x0609 || self.secondary_bus.is_unknown()) =>
            {
                Ok(true)
            }
            (Ok(None), Ok(_)) => Ok(false),
            (Err(gap), _) | (_, Err(gap)) => Err(gap),
        }
    }

    /// Whether a screen can hang on it: a 3D controller (0302) has no output.
    pub fn is_display(&self) -> Result<bool, super::Gap> {
        self.class.required().map(|class| class.base() == 0x03 && class.sub() != 0x0302)
    }

    /// Bridges, host bridges and ISA bridges: what nobody can pass to a VM.
    pub fn is_infrastructure(&self) -> Result<bool, super::Gap> {
        match (self.is_bus_bridge(), self.class.required()) {
            (Ok(true), _) => Ok(true),
            (_, Ok(class)) if class.is_chipset_bridge() => Ok(true),
            (Ok(false), Ok(_)) => Ok(false),
            (Err(gap), _) | (_, Err(gap)) => Err(gap),
        }
    }
}

/// The lines of `uevent`: driver, class and ids in one read (`drivers/pci/pci-driver.c`,
/// `pci_uevent`).
struct Uevent {
    reading: Reading<String>,
}

impl Uevent {
    /// A value of it; absent where the line or the file is not there.
    fn value<T>(
        &self,
        key: &str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Reading<T> {
        let path = self.reading.path().clone();
        match self.reading.known() {
            Ok(Some(text)) => match line_of(text, key) {
                Some((line, value)) => {
                    Reading::present(path, value, line).parse(expected, |value| read(value))
                }
                None => Reading::absent(path),
            },
            Ok(None) => Reading::absent(path),
            Err(gap) => Reading::unknown(path, gap.why),
        }
    }

    /// The kernel writes these lines for every function; without them the silence about a driver
    /// means nothing.
    fn is_of_a_function(&self) -> bool {
        let text = self.reading.known().ok().flatten();
        text.is_some_and(|text| {
            ["PCI_SLOT_NAME", "PCI_CLASS", "PCI_ID"].iter().any(|key| line_of(text, key).is_some())
        })
    }

    fn why_not(&self) -> Why {
        match self.reading.known() {
            Ok(Some(_)) => Why::Malformed {
                found: "no line of a PCI function".to_owned(),
                expected: "PCI_SLOT_NAME and its like",
            },
            Ok(None) | Err(_) => Why::NotCaptured,
        }
    }
}

/// The line `KEY=value` and its value; the last one, as a shell that sources it would have it.
fn line_of<'a>(text: &'a str, key: &str) -> Option<(&'a str, &'a str)> {
    let value_of = |line: &'a str| line.strip_prefix(key)?.strip_prefix('=');
    text.lines().rev().find_map(|line| Some((line, value_of(line)?)))
}

struct Reader<'a> {
    root: &'a Root,
    address: Address,
    folder: Folder<'a>,
}

impl<'a> Reader<'a> {
    fn new(root: &'a Root, address: Address) -> Self {
        let folder = Arc::new(format!("{DEVICES}/{address}").into());
        Self { root, address, folder: root.open_folder(&folder) }
    }

    fn id(&self, name: &'static str) -> Reading<PciId> {
        self.folder.text(name).parse("an id, 0x10de", |text| PciId::from_sysfs(text))
    }

    /// By `uevent`; of a copy, whose files can be of two moments, by the file of the id too.
    fn told_id(&self, uevent: &Uevent, part: usize, file: &'static str) -> Reading<PciId> {
        let told = uevent.value("PCI_ID", "two ids, 10DE:2684", |ids| {
            let (vendor, device) = ids.split_once(':')?;
            PciId::from_digits([vendor, device].get(part)?)
        });
        if !self.root.may_be_partial() {
            return told.or(|| self.id(file));
        }
        let by_file = self.id(file);
        match (told.known(), by_file.known()) {
            (Ok(Some(told)), Ok(Some(filed))) if told != filed => {
                let found = format!("{filed}, and uevent {told}");
                let why = Why::Malformed { found, expected: "one id" };
                Reading::unknown(by_file.path().clone(), why)
            }
            _ => told.or(|| by_file),
        }
    }

    fn uevent(&self) -> Uevent {
        let reading = self.folder.text("uevent").parse("lines KEY=value", |text| {
            text.lines().all(|line| line.is_empty() || line.contains('=')).then(|| text.clone())
        });
        Uevent { reading }
    }

    /// By `uevent` and by the link, which is there only while a driver is bound. A folder without
    /// either was not captured whole.
    fn driver(&self, uevent: &Uevent) -> Reading<String> {
        let link = || {
            self.folder.link("driver").parse("a link to a driver", |target| {
                Some(last_part(target).to_owned()).filter(|name| is_driver_name(name))
            })
        };
        let told = uevent.value("DRIVER", "a driver's name", |name| {
            is_driver_name(name).then(|| name.to_owned())
        });
        let by_link = link();
        match (told.known(), by_link.known()) {
            // Both were read, one after the other: the driver changed meanwhile, or one is wrong.
            (Ok(Some(told)), Ok(Some(linked))) if told != linked => {
                let found = format!("{told:?}, and the link to the driver {linked:?}");
                let why = Why::Malformed { found, expected: "one driver" };
                Reading::unknown(uevent.reading.path().clone(), why)
            }
            (Ok(None), Ok(None)) if !uevent.is_of_a_function() => {
                by_link.absent_means(uevent.why_not())
            }
            _ => told.or(|| by_link),
        }
    }

    fn driver_override(&self) -> Reading<String> {
        let reading = self.folder.text("driver_override");
        match reading.known() {
            Ok(Some(text)) if text == "(null)" || text.is_empty() => {
                Reading::absent(reading.path().clone())
            }
            _ => reading,
        }
    }

    fn details(&self, uevent: &Uevent) -> Details {
        let subsystem = |part: usize, file| {
            uevent
                .value("PCI_SUBSYS_ID", "two ids, 1043:88E2", |ids| {
                    PciId::from_digits(ids.split(':').nth(part)?)
                })
                .or(|| self.id(file))
        };
        Details {
            subsystem_vendor: subsystem(0, "subsystem_vendor"),
            subsystem_device: subsystem(1, "subsystem_device"),
            revision: self.folder.text("revision").parse("a revision, 0xa1", |text| {
                u8::from_str_radix(text.strip_prefix("0x")?, 16).ok()
            }),
        }
    }

    fn numa_node(&self) -> Reading<u32> {
        let numa = self
            .folder
            .text("numa_node")
            .parse("the number of a node", |text| text.trim().parse::<i64>().ok());
        match numa.known() {
            Ok(Some(node)) if *node < 0 => Reading::absent(numa.path().clone()),
            _ => numa.parse("the number of a node", |&node| u32::try_from(node).ok()),
        }
    }

    /// `virtfn0`, `virtfn1`, … of a physical function.
    fn virtfns(&self) -> Reading<Vec<Address>> {
        let path = self.folder.path("virtfn0");
        let Some(names) = self.folder.names() else {
            return Reading::unknown(path, Why::NotCaptured);
        };
        let mut found = Vec::new();
        for name in names.filter(|name| name.starts_with("virtfn")) {
            let link = format!("{DEVICES}/{}/{name}", self.address);
            let link = self.root.link(&HostPath::from(link));
            match link.known() {
                Ok(Some(target)) => match Address::from_sysfs(last_part(target)) {
                    Some(address) => found.push(address),
                    None => return link.parse("a link to a function", |_| None),
                },
                Ok(None) => {}
                Err(gap) => return Reading::unknown(path, gap.why),
            }
        }
        found.sort_unstable();
        Reading::present(path, found, "")
    }

    /// Whether it can be asked without being woken.
    fn awake(&self) -> Result<(), Why> {
        is_awake(&self.folder.text("power_state"), &self.power("runtime_status"))
    }

    fn pcie_link(&self) -> Link {
        self.link_if(&self.awake())
    }

    /// Only of a function that is awake: reading these registers would wake a sleeping one.
    fn link_if(&self, awake: &Result<(), Why>) -> Link {
        let text = |name| match awake {
            Ok(()) => self.folder.text(name),
            Err(why) => Reading::new(self.folder.path(name), Fact::Unknown(why.clone())),
        };
        let width =
            |name| text(name).parse("a number of lanes", |text: &String| text.trim().parse().ok());
        Link {
            speed: text("current_link_speed"),
            width: width("current_link_width"),
            max_speed: text("max_link_speed"),
            max_width: width("max_link_width"),
        }
    }
}

/// Names of drivers may hold a space (`HDA Intel`), but nothing that could leave a line.
fn is_driver_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && !name.contains('/')
        && !name.chars().any(char::is_control)
}

fn last_part(target: &str) -> &str {
    let trimmed = target.trim_end_matches('/');
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}

/// Lines 0 to 5 of `resource`: first and last byte and flags (`include/linux/ioport.h`).
fn bars(text: &str) -> Option<Vec<Bar>> {
    const IO: u64 = 0x100;
    const IO_OR_MEM: u64 = 0x300;
    const PREFETCH: u64 = 0x2000;
    const UNSET: u64 = 0x2000_0000;
    const MEM_64: u64 = 0x0010_0000;
    if text.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut numbers = line
            .split_ascii_whitespace()
            .map(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok());
        let (start, end, flags) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let unset = flags & IO_OR_MEM != 0 && flags & UNSET != 0;
        if index < 6 && flags != 0 && (end >= start || unset) {
            found.push(Bar {
                index: u8::try_from(index).ok()?,
                start,
                size: end.checked_sub(start).map_or(Some(0), |last| last.checked_add(1))?,
                kind: match (flags & IO != 0, flags & MEM_64 != 0) {
                    (true, _) => BarKind::Io,
                    (false, true) => BarKind::Mem64,
                    (false, false) => BarKind::Mem32,
                },
                prefetchable: flags & PREFETCH != 0,
                unset,
            });
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_in_use_are_told_with_their_kind() {
        let text = "0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200\n\
                    0x0000000000000000 0x0000000000000000 0x0000000000000000\n\
                    0x0000007c00000000 0x0000007fffffffff 0x000000000014220c\n\
                    0x000000000000e000 0x000000000000e07f 0x0000000000040101\n";
        let bars = bars(text).unwrap();
        assert_eq!(
            bars.iter().map(|bar| (bar.index, bar.size)).collect::<Vec<_>>(),
            [(0, 16 << 20), (2, 16 << 30), (3, 128)]
        );
        assert_eq!(bars[1].kind, BarKind::Mem64);
        assert!(bars[1].prefetchable && !bars[0].prefetchable);
    }

    #[test]
    fn a_bar_without_addresses_is_told_from_one_that_is_not_there() {
        let text = "0x0000000000000000 0x0000000000ffffff 0x0000000020040200\n\
                    0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
        let bars = bars(text).unwrap();
        assert_eq!(bars.len(), 1);
        assert!(bars[0].unset && bars[0].size == 16 << 20);
    }

    #[test]
    fn garbage_makes_no_bar() {
        assert_eq!(bars("rubbish"), None);
        assert_eq!(bars(""), None);
        assert_eq!(bars("0x0 0xffffffffffffffff 0x200"), None);
    }
}
