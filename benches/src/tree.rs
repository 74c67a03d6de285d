//! Trees of hosts with as many functions as are asked for.
//!
//! The example of a ready host with its eight functions, and more of them in PCI domains of their
//! own: behind each root port a graphics card with its sound, an `NVMe` disk, two network cards and
//! ten virtual functions, with the attributes that Linux 6.12 has in a function's folder.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How the functions are put into IOMMU groups.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Groups {
    /// A card with its sound, each virtual function and each port by itself.
    Realistic,
    /// All but the ports in one.
    One,
}

/// Functions of the example that a tree begins with.
pub const EXAMPLE: usize = 8;
/// A port and what is behind it.
const CELL: usize = 16;
/// Ports on the root bus of a domain.
const PORTS: usize = 240;
/// The first number of a group that the example does not have.
const FIRST_GROUP: u32 = 100;

struct Function {
    class: u32,
    ids: (u16, u16),
    driver: Option<&'static str>,
    /// In the same group as the one before it.
    with_previous: bool,
    /// The physical function in its cell.
    physical: Option<usize>,
}

/// A tree that was made otherwise is made anew.
const HOW: &str = include_str!("tree.rs");

/// Makes a tree of `functions` in the folder, which is kept for the next run.
pub fn make(folder: &Path, functions: usize, groups: Groups) -> PathBuf {
    let name = if groups == Groups::One { "one-group" } else { "realistic" };
    let root = folder.join(format!("{name}-{functions}"));
    let done = root.join("done");
    if fs::read_to_string(&done).is_ok_and(|how| how == HOW) {
        return root;
    }
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(folder).unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hosts/ready");
    // With links as they are written.
    let copied = Command::new("cp").arg("-a").arg(&example).arg(&root).status().unwrap();
    assert!(copied.success(), "the example is copied");
    let mut group = FIRST_GROUP;
    let more = functions.checked_sub(EXAMPLE).expect("a tree has the functions of the example");
    for at in 0..more {
        let (cell, within) = (at / CELL, at % CELL);
        let function = &kind(within);
        if within > 0 && groups == Groups::One {
            group = FIRST_GROUP - 1;
        } else if !function.with_previous {
            group = FIRST_GROUP + u32::try_from(at).expect("a number of a function");
        }
        put(&root, cell, within, function, group);
    }
    fs::write(done, HOW).unwrap();
    root
}

/// A function that a plan can ask for.
pub struct Passable {
    pub address: String,
    /// As a configuration calls it.
    pub kind: &'static str,
}

/// All of them, those of one group together.
pub fn passable(functions: usize) -> Vec<Vec<Passable>> {
    let more = functions - EXAMPLE;
    let mut found: Vec<Vec<Passable>> = Vec::new();
    for at in 0..more {
        let function = kind(at % CELL);
        if function.driver != Some("vfio-pci") {
            continue;
        }
        let kind = match function.class >> 16 {
            0x03 => "gpu",
            0x04 => "audio",
            _ => "network",
        };
        let passable = Passable { address: address(at / CELL, at % CELL), kind };
        match found.last_mut() {
            Some(last) if function.with_previous => last.push(passable),
            _ => found.push(vec![passable]),
        }
    }
    found
}

fn kind(within: usize) -> Function {
    let function = |class, ids, driver| Function {
        class,
        ids,
        driver: Some(driver),
        with_previous: false,
        physical: None,
    };
    match within {
        0 => function(0x06_0400, (0x8086, 0x347a), "pcieport"),
        1 => function(0x03_0200, (0x10de, 0x2684), "vfio-pci"),
        2 => Function { with_previous: true, ..function(0x04_0300, (0x10de, 0x22bd), "vfio-pci") },
        3 => function(0x01_0802, (0x144d, 0xa80a), "nvme"),
        4 | 5 => function(0x02_0000, (0x15b3, 0x101d), "mlx5_core"),
        _ => Function {
            physical: Some(4 + within % 2),
            ..function(0x02_0000, (0x15b3, 0x101e), "vfio-pci")
        },
    }
}

fn address(cell: usize, within: usize) -> String {
    let (domain, port) = (1 + cell / PORTS, cell % PORTS);
    if within == 0 {
        format!("{domain:04x}:00:{:02x}.{}", 1 + port / 8, port % 8)
    } else {
        let behind = within - 1;
        format!("{domain:04x}:{:02x}:{:02x}.{}", 0x10 + port, behind / 8, behind % 8)
    }
}

fn put(root: &Path, cell: usize, within: usize, function: &Function, group: u32) {
    let own = address(cell, within);
    let domain = &own[..4];
    let port = address(cell, 0);
    let place = if within == 0 {
        format!("devices/pci{domain}:00/{own}")
    } else {
        format!("devices/pci{domain}:00/{port}/{own}")
    };
    let folder = root.join("sys").join(&place);
    fs::create_dir_all(folder.join("power")).unwrap();
    for (name, text) in attributes(&own, within, function) {
        fs::write(folder.join(name), text).unwrap();
    }
    fs::write(folder.join("config"), config(function)).unwrap();

    let up = "../".repeat(place.matches('/').count() + 1);
    let link = |name: &str, target: String| symlink(target, folder.join(name)).unwrap();
    link("subsystem", format!("{up}bus/pci"));
    link("iommu_group", format!("{up}kernel/iommu_groups/{group}"));
    link("iommu", format!("{up}class/iommu/dmar0"));
    if let Some(physical) = function.physical {
        link("physfn", format!("../{}", address(cell, physical)));
        let number = (within - 6) / 2;
        let physical = root
            .join(format!("sys/devices/pci{domain}:00/{port}"))
            .join(address(cell, physical))
            .join(format!("virtfn{number}"));
        symlink(format!("../{own}"), physical).unwrap();
    }
    entry(&root.join("sys/bus/pci/devices"), &own, &format!("../../../{place}"));
    let in_group = format!("sys/kernel/iommu_groups/{group}");
    entry(&root.join(&in_group).join("devices"), &own, &format!("../../../../{place}"));
    fs::write(root.join(&in_group).join("type"), "DMA-FQ\n").unwrap();
    fs::write(root.join(&in_group).join("reserved_regions"), RESERVED).unwrap();
    if let Some(driver) = function.driver {
        link("driver", format!("{up}bus/pci/drivers/{driver}"));
        let drivers = root.join("sys/bus/pci/drivers").join(driver);
        entry(&drivers, &own, &format!("../../../../{place}"));
        if driver == "vfio-pci" {
            fs::create_dir_all(folder.join("vfio-dev")).unwrap();
            fs::write(root.join(format!("dev/vfio/{group}")), "").unwrap();
            // A person keeps a few, and has other means for hundreds.
            if cell == 0 {
                let kept = root.join(format!("etc/driverctl.d/pci-{own}"));
                fs::write(kept, "vfio-pci\n").unwrap();
            }
        }
    }
}

const RESERVED: &str = "0x00000000fee00000 0x00000000feefffff msi\n";

fn attributes(own: &str, within: usize, function: &Function) -> Vec<(&'static str, String)> {
    let (vendor, device) = function.ids;
    let (sub_vendor, sub_device, class) = (vendor, 0x0001, function.class);
    let mut uevent = String::new();
    if let Some(driver) = function.driver {
        let _ = writeln!(uevent, "DRIVER={driver}");
    }
    let (base, sub, interface) = (class >> 16, class >> 8 & 0xff, class & 0xff);
    let alias = format!(
        "pci:v{vendor:08X}d{device:08X}sv{sub_vendor:08X}sd{sub_device:08X}bc{base:02X}sc{sub:02X}i{interface:02X}"
    );
    let _ = write!(
        uevent,
        "PCI_CLASS={class:X}\nPCI_ID={vendor:04X}:{device:04X}\nPCI_SUBSYS_ID={sub_vendor:04X}:{sub_device:04X}\nPCI_SLOT_NAME={own}\nMODALIAS={alias}\n"
    );
    let mut resource = String::from("0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200\n");
    resource += &"0x0000000000000000 0x0000000000000000 0x0000000000000000\n".repeat(12);
    let mut attributes = vec![
        ("uevent", uevent),
        ("modalias", alias + "\n"),
        ("class", format!("0x{class:06x}\n")),
        ("vendor", format!("0x{vendor:04x}\n")),
        ("device", format!("0x{device:04x}\n")),
        ("subsystem_vendor", format!("0x{sub_vendor:04x}\n")),
        ("subsystem_device", format!("0x{sub_device:04x}\n")),
        ("revision", "0xa1\n".to_owned()),
        ("resource", resource),
    ];
    let same: &[(&str, &str)] = &[
        ("irq", "0"),
        ("numa_node", "0"),
        ("power_state", "D0"),
        ("driver_override", "(null)"),
        ("broken_parity_status", "0"),
        ("msi_bus", "1"),
        ("dma_mask_bits", "64"),
        ("consistent_dma_mask_bits", "64"),
        ("d3cold_allowed", "1"),
        ("ari_enabled", "0"),
        ("local_cpulist", "0-31"),
        ("local_cpus", "ffffffff"),
        ("current_link_speed", "16.0 GT/s PCIe"),
        ("current_link_width", "16"),
        ("max_link_speed", "16.0 GT/s PCIe"),
        ("max_link_width", "16"),
        ("power/control", "auto"),
        ("power/runtime_status", "active"),
        ("remove", ""),
        ("rescan", ""),
    ];
    attributes.extend(same.iter().map(|(name, text)| (*name, format!("{text}\n"))));
    let used = function.driver != Some("vfio-pci");
    attributes.push(("enable", format!("{}\n", u8::from(used))));
    if within == 0 {
        attributes.push(("secondary_bus_number", "16\n".to_owned()));
        attributes.push(("subordinate_bus_number", "16\n".to_owned()));
    } else {
        attributes.push(("reset", "\n".to_owned()));
        attributes.push(("reset_method", "flr bus\n".to_owned()));
    }
    if matches!(within, 4 | 5) {
        attributes.push(("sriov_totalvfs", "8\n".to_owned()));
        attributes.push(("sriov_numvfs", "5\n".to_owned()));
    }
    attributes
}

/// The header that `lspci` wants to see.
fn config(function: &Function) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..2].copy_from_slice(&function.ids.0.to_le_bytes());
    bytes[2..4].copy_from_slice(&function.ids.1.to_le_bytes());
    bytes[9..12].copy_from_slice(&function.class.to_le_bytes()[..3]);
    bytes[14] = u8::from(function.class >> 8 == 0x0604);
    bytes
}

fn entry(folder: &Path, name: &str, target: &str) {
    fs::create_dir_all(folder).unwrap();
    symlink(target, folder.join(name)).unwrap();
}
