//! What a function that a VM wants is like now: in use, resettable, awake, with addresses.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Bar, DEVICES, Link, Reader, bars, last_part};
use crate::host::reading::{Evidence, HostPath, Reading, Why};
use crate::pci::Address;

#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "`power_state` is what the kernel calls it")]
pub struct State {
    /// The bridge above it; absent on a root bus.
    pub parent: Reading<Address>,
    /// Absent where it is no VGA function.
    pub boot_vga: Reading<bool>,
    pub bars: Reading<Vec<Bar>>,
    /// Absent where the firmware does not say it (-1), and on a kernel that knows of no nodes.
    pub numa_node: Reading<u32>,
    /// Its IOMMU's entry in `/sys/class/iommu`, `dmar0`.
    pub iommu: Reading<String>,
    /// Only where it was asked for, and of a function that is awake and has a link.
    pub wire: Option<Box<Wire>>,
    /// How often the kernel was asked to enable it: 0 while nobody uses it.
    pub enabled: Reading<u32>,
    /// The attribute `reset`, there when the function can be reset. It can only be written, so
    /// only its existence is asked.
    pub reset: Reading<()>,
    /// Since 5.15, and only where `reset` is.
    pub reset_methods: Reading<Vec<String>>,
    /// The physical function of a virtual one.
    pub physfn: Reading<Address>,
    /// How many virtual functions of it are there; absent where it can have none.
    pub vfs: Reading<u32>,
    /// Their addresses, by the links to them.
    pub virtual_functions: Reading<Vec<Address>>,
    /// As the kernel remembers it, so that asking wakes nothing. Since 5.11.
    pub power_state: Reading<String>,
    /// Only of a function in D3cold.
    pub power: Option<Box<Power>>,
    /// Whether the firmware says of a port above that it leads out of the machine. Since 5.14, and
    /// absent where it says nothing.
    pub removable: Reading<bool>,
    pub nodes: Nodes,
}

/// The link of a function, and what the port above it can.
#[derive(Debug)]
pub struct Wire {
    pub own: Link,
    /// None where the port is not known, or asleep.
    pub port: Option<Link>,
}

impl State {
    /// Its lines of numbers in words, made where they are shown: most never are.
    pub fn bars_evidence(&self) -> Evidence {
        let evidence = self.bars.evidence();
        match self.bars.known() {
            Ok(Some(bars)) => Evidence { value: in_words(bars), ..evidence },
            _ => evidence,
        }
    }
}

/// How runtime power management stands (`Documentation/ABI/testing/sysfs-devices-power`).
#[derive(Debug)]
pub struct Power {
    /// `auto` where the function may be put to sleep.
    pub control: Reading<String>,
    /// `active`, `suspended`, `error`, `unsupported`, …
    pub runtime_status: Reading<String>,
}

/// The device nodes by which programs use a function, beside that of its group.
#[derive(Debug)]
pub struct Nodes {
    /// Those in `/dev/vfio/devices` (since 6.6); absent where there is none.
    pub vfio: Reading<Vec<String>>,
    /// Those of a driver of the host, as far as they can be told.
    pub native: BTreeSet<String>,
}

/// What is asked of a function on a driver of VFIO that no VM wants: a user of the group may have
/// any of it.
#[derive(Debug)]
pub struct UseByOthers {
    /// How often the kernel was asked to enable it.
    pub enabled: Reading<u32>,
    /// As in [`Nodes`].
    pub nodes: Reading<Vec<String>>,
}

/// `include/linux/pci.h`, `pci_power_name`.
const POWER_STATES: &[&str] = &["error", "D0", "D1", "D2", "D3hot", "D3cold", "unknown"];

impl Reader<'_> {
    pub(super) fn state(&self, driver: &Reading<String>) -> State {
        let reset_methods =
            self.folder.text("reset_method").parse("names of reset methods", |text| {
                Some(text.split_ascii_whitespace().map(str::to_owned).collect())
            });
        let power_state = self.folder.text("power_state").parse("a power state, D0", |text| {
            POWER_STATES.contains(&text.as_str()).then(|| text.clone())
        });
        let in_d3cold = matches!(power_state.known(), Ok(Some(state)) if state == "D3cold");
        State {
            parent: self.parent(),
            boot_vga: self.folder.text("boot_vga").parse("0 or 1", |text| match text.as_str() {
                "0" => Some(false),
                "1" => Some(true),
                _ => None,
            }),
            bars: self
                .folder
                .text("resource")
                .parse("lines of start, end and flags", |text| bars(text))
                .showing(|_| String::new()),
            numa_node: self.numa_node(),
            iommu: self
                .folder
                .link("iommu")
                .parse("a link to an IOMMU", |target| Some(last_part(target).to_owned())),
            wire: None,
            enabled: self.enabled(),
            reset: self.reset(),
            reset_methods,
            physfn: self
                .folder
                .link("physfn")
                .parse("a link to a function", |target| Address::from_sysfs(last_part(target))),
            vfs: self.vfs(),
            virtual_functions: self.virtfns(),
            power: in_d3cold.then(|| {
                Box::new(Power {
                    control: self.power("control"),
                    runtime_status: self.power("runtime_status"),
                })
            }),
            power_state,
            removable: self.folder.text("removable").parse("removable or fixed", |text| match text
                .as_str()
            {
                "removable" => Some(true),
                "fixed" => Some(false),
                _ => None,
            }),
            nodes: self.nodes(driver),
        }
    }

    /// Of a link's two ends, as long as nothing is woken by it.
    pub(super) fn wire(&self, parent: &Reading<Address>) -> Option<Box<Wire>> {
        let names = self.folder.names();
        let own =
            Some(self).filter(|it| names.is_some() && it.folder.may_have("current_link_speed"))?;
        let own = own.awake_link()?;
        let port = parent.known().ok().flatten();
        let port = port.and_then(|&port| Reader::new(self.root, port).awake_link());
        Some(Box::new(Wire { own, port }))
    }

    fn awake_link(&self) -> Option<Link> {
        let awake = self.awake();
        awake.is_ok().then(|| self.link_if(&awake))
    }

    pub(super) fn enabled(&self) -> Reading<u32> {
        self.folder.text("enable").parse("a number", |text| text.trim().parse().ok())
    }

    pub(super) fn use_by_others(&self) -> UseByOthers {
        UseByOthers { enabled: self.enabled(), nodes: self.vfio_nodes() }
    }

    fn vfio_nodes(&self) -> Reading<Vec<String>> {
        let listing = self.folder.list("vfio-dev");
        listing.parse("names of devices", |names| {
            Some(names.iter().map(|name| format!("/dev/vfio/devices/{name}")).collect())
        })
    }

    /// The functions whose folders lie in this one.
    pub(super) fn functions_below(&self) -> BTreeSet<Address> {
        self.folder.names().into_iter().flatten().filter_map(Address::from_sysfs).collect()
    }

    /// Who copied a host's files copied none that can only be written, unless by name: its
    /// absence tells something where `remove`, which every function has, was kept.
    fn reset(&self) -> Reading<()> {
        let reset = self.folder.exists("reset");
        let kept = self.folder.names().is_some() && self.folder.may_have("remove");
        if self.root.may_be_partial() && !kept {
            reset.absent_means(Why::NotCaptured)
        } else {
            reset
        }
    }

    pub(super) fn power(&self, name: &'static str) -> Reading<String> {
        let folder = format!("{DEVICES}/{}/power", self.address);
        self.root.text(&HostPath::attribute(&Arc::new(folder.into()), name))
    }

    /// By the links to them. The attribute `sriov_numvfs` is read in captures alone: the kernel
    /// takes the device's lock for it (`drivers/pci/iov.c`, `sriov_numvfs_show`), and that waits
    /// for as long as a driver is stuck.
    fn vfs(&self) -> Reading<u32> {
        let names = self.folder.names();
        let listed = names.is_some();
        let linked = names.into_iter().flatten().filter(|name| {
            name.strip_prefix("virtfn").is_some_and(|number| number.parse::<u32>().is_ok())
        });
        let count = u32::try_from(linked.count()).unwrap_or(u32::MAX);
        if count > 0 {
            return Reading::present(
                self.folder.path("virtfn0"),
                count,
                format!("{count} such links"),
            );
        }
        if self.root.is_live() && listed {
            return Reading::absent(self.folder.path("virtfn0"));
        }
        self.folder.text("sriov_numvfs").parse("a number", |text| text.trim().parse().ok())
    }

    fn nodes(&self, driver: &Reading<String>) -> Nodes {
        let mut native = BTreeSet::new();
        if let Ok(Some(names)) = self.folder.list("drm").known() {
            let nodes = names.iter().filter(|name| {
                ["card", "renderD", "controlD"].iter().any(|kind| name.starts_with(kind))
            });
            native.extend(nodes.map(|name| format!("/dev/dri/{name}")));
        }
        if let Ok(Some(names)) = self.folder.list("sound").known() {
            let cards = names.iter().filter_map(|name| name.strip_prefix("card")?.parse().ok());
            native.extend(cards.map(sound_card));
        }
        if matches!(driver.known(), Ok(Some(driver)) if driver == "nvidia") {
            native.extend(self.nvidia_node());
        }
        Nodes { vfio: self.vfio_nodes(), native }
    }

    /// The driver says which minor number a card has; where it does not, there is no doubt as
    /// long as it has but one card.
    fn nvidia_node(&self) -> Option<String> {
        let path = format!("/proc/driver/nvidia/gpus/{}/information", self.address);
        let said = self.root.text(&path.into()).parse("a line Device Minor:", |text| {
            let minor = text.lines().find_map(|line| line.strip_prefix("Device Minor:"))?;
            minor.trim().parse::<u32>().ok()
        });
        if let Ok(Some(minor)) = said.known() {
            return Some(format!("/dev/nvidia{minor}"));
        }
        let cards = self.root.list(&"/sys/bus/pci/drivers/nvidia".into());
        let is_function = |name: &&String| Address::from_sysfs(name).is_some();
        match cards.known() {
            Ok(Some(names)) if names.iter().filter(is_function).count() == 1 => {
                Some("/dev/nvidia0".to_owned())
            }
            _ => None,
        }
    }

    /// The folder of a function lies in that of the bridge above it (the link in
    /// `/sys/bus/pci/devices` says so), or in `pciDDDD:BB` on a root bus.
    fn parent(&self) -> Reading<Address> {
        let path = self.folder.own_path();
        let target = self.root.link(&path);
        let above = target.known().map(|target| {
            target.map(|target| {
                target.trim_end_matches('/').rsplit('/').nth(1).unwrap_or("").to_owned()
            })
        });
        match above {
            Ok(Some(above)) => match Address::from_sysfs(&above) {
                Some(address) => Reading::present(path, address, address.to_string()),
                None => Reading::absent(path),
            },
            _ => target.parse("", |_| None),
        }
    }
}

fn in_words(bars: &[Bar]) -> String {
    let words: Vec<String> = bars
        .iter()
        .map(|bar| {
            let place =
                if bar.unset { "no addresses".to_owned() } else { format!("at {:#x}", bar.start) };
            format!("BAR {}: {:#x} bytes, {place}", bar.index, bar.size)
        })
        .collect();
    if words.is_empty() { "(no BAR in use)".to_owned() } else { words.join("; ") }
}

/// One name for all nodes of a sound card.
pub fn sound_card(number: u32) -> String {
    format!("/dev/snd/controlC{number}")
}
