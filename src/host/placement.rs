//! What a plan's processors and memory are taken from.

use std::collections::{BTreeMap, BTreeSet};

use super::cpu_list::{self, CpuList};
use super::device::Device;
use super::iommu::Iommu;
use super::memory::{self, Memory, Nodes};
use super::reading::Reading;
use super::root::Root;

#[derive(Debug)]
pub struct Placement {
    pub memory: Memory,
    pub nodes: Nodes,
    pub cpus: Cpus,
    /// The capability register of each of Intel's IOMMUs, by its entry in `/sys/class/iommu`
    /// (`drivers/iommu/intel/iommu.c`, `cap_show`).
    pub capabilities: BTreeMap<String, Reading<u64>>,
}

/// Processors of the host (`Documentation/ABI/testing/sysfs-devices-system-cpu`).
#[derive(Debug)]
pub struct Cpus {
    pub online: Reading<CpuList>,
    /// Those on which the scheduler places nothing by itself (`isolcpus=`).
    pub isolated: Reading<CpuList>,
    /// Those without the timer's tick; absent on a kernel that cannot.
    pub nohz_full: Reading<CpuList>,
}

pub fn read<'a>(
    root: &Root,
    iommu: &Iommu,
    devices: impl Iterator<Item = &'a Device>,
) -> Placement {
    let of_device = |device: &Device| {
        device.state.as_ref().and_then(|state| state.numa_node.known().ok().flatten().copied())
    };
    let wanted: BTreeSet<u32> = devices.filter_map(of_device).collect();
    let list = |name: &str| cpu_list::read(root, &format!("/sys/devices/system/cpu/{name}").into());
    let instances = iommu.instances.known().ok().flatten().into_iter().flatten();
    let capability = |name: &String| {
        let path = format!("/sys/class/iommu/{name}/intel-iommu/cap");
        let register = root.text(&path.into());
        register
            .parse("a register, d2008c40660462", |text| u64::from_str_radix(text.trim(), 16).ok())
    };
    Placement {
        capabilities: instances
            .filter(|name| name.starts_with("dmar"))
            .map(|name| (name.clone(), capability(name)))
            .collect(),
        memory: memory::read(root),
        nodes: memory::read_nodes(root, wanted.into_iter()),
        cpus: Cpus {
            online: list("online"),
            isolated: list("isolated"),
            nohz_full: list("nohz_full"),
        },
    }
}
