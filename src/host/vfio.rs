//! What serves VMs their devices: KVM, and VFIO with its container, its driver and IOMMUFD.

use std::collections::BTreeMap;

use super::access::Node;
use super::has_no_bus;
use super::kernel;
use super::modules::{self, KVM, KVM_AMD, KVM_INTEL, Part, VFIO, VFIO_PCI, VFIO_TYPE1};
use super::reading::{Evidence, Gap, Reading};
use super::root::Root;
use super::vfio_nodes;

#[derive(Debug)]
pub struct Kvm {
    /// `/dev/kvm`
    pub node: Reading<()>,
    /// Who may open it; only read where it is there.
    pub access: Option<Reading<Node>>,
    /// Folders in `/sys/module`; only read where the node is not there.
    pub folders: BTreeMap<&'static str, Reading<()>>,
}

#[derive(Debug)]
pub struct Vfio {
    /// `/sys/bus/pci/drivers/vfio-pci`, there when the driver is registered, built in or loaded.
    pub pci_driver: Reading<()>,
    /// vfio-pci's parameter `disable_denylist`: it then takes devices that it would refuse.
    pub denylist_off: Reading<bool>,
    /// `/sys/class/misc/vfio`, there when VFIO's container is served.
    pub container: Reading<()>,
    /// Folders in `/sys/module` of [`VFIO`], [`VFIO_TYPE1`], [`VFIO_PCI`].
    pub folders: BTreeMap<&'static str, Reading<()>>,
    /// `/sys/class/misc/iommu`, there when IOMMUFD is served.
    iommufd_class: Reading<()>,
    /// `/dev/iommu`, by which a VM opens it; it proves that it is served, too.
    pub iommufd: Reading<()>,
    /// `/dev/vfio/vfio`, by which a VM opens the container. Not read of a directory, in which nobody
    /// needs to have kept a node that proves nothing.
    pub container_node: Option<Reading<()>>,
    /// `/dev/vfio/devices`, there when devices can be opened without a group.
    pub cdev: Reading<()>,
    /// vfio's parameter `enable_unsafe_noiommu_mode`; absent where the kernel knows no such mode.
    pub noiommu_mode: Reading<bool>,
    /// All nodes by which groups and devices are opened, and who may.
    pub nodes: Reading<Vec<Reading<Node>>>,
}

impl Kvm {
    pub(super) fn read(root: &Root) -> Self {
        let path = "/dev/kvm".into();
        let node = root.exists(&path);
        let there = matches!(node.known(), Ok(Some(())));
        let folders =
            if there { BTreeMap::new() } else { folders_of(root, &[KVM, KVM_INTEL, KVM_AMD]) };
        Self { access: there.then(|| root.node(&path)), node, folders }
    }
}

impl Vfio {
    /// Whether the kernel serves IOMMUFD. Either of the two proves that it does, and only both that it
    /// does not.
    pub fn serves_iommufd(&self) -> Result<bool, Gap> {
        match (self.iommufd_class.known(), self.iommufd.known()) {
            (Ok(Some(())), _) | (_, Ok(Some(()))) => Ok(true),
            (_, Err(gap)) | (Err(gap), Ok(None)) => Err(gap),
            (Ok(None), Ok(None)) => Ok(false),
        }
    }

    /// What says so.
    pub fn iommufd_evidence(&self) -> Evidence {
        match self.iommufd_class.known() {
            Ok(Some(())) => self.iommufd_class.evidence(),
            _ => self.iommufd.evidence(),
        }
    }

    pub(super) fn read(root: &Root) -> Self {
        Self {
            pci_driver: read_pci_driver(root),
            denylist_off: read_denylist_off(root),
            container: root.folder("/sys/class/misc/vfio"),
            folders: folders_of(root, &[VFIO, VFIO_TYPE1, VFIO_PCI]),
            iommufd_class: root.folder("/sys/class/misc/iommu"),
            iommufd: root.exists(&"/dev/iommu".into()),
            container_node: (!root.may_be_partial()).then(|| root.exists(&"/dev/vfio/vfio".into())),
            cdev: root.folder("/dev/vfio/devices"),
            noiommu_mode: read_noiommu_mode(root),
            nodes: vfio_nodes::read(root),
        }
    }
}

fn folders_of(root: &Root, parts: &[Part]) -> BTreeMap<&'static str, Reading<()>> {
    parts.iter().map(|&part| (part.name, modules::folder(root, part))).collect()
}

/// Without a bus there is no driver of it.
fn read_pci_driver(root: &Root) -> Reading<()> {
    let path = "/sys/bus/pci/drivers/vfio-pci";
    if has_no_bus(root) { Reading::absent(path.into()) } else { root.folder(path) }
}

/// Absent where vfio-pci is not there, or is older than its list (5.9).
fn read_denylist_off(root: &Root) -> Reading<bool> {
    kernel::read_switch(root, "vfio_pci", "disable_denylist")
}

/// vfio has no other parameter, so that without this one it has no folder for them
/// (`drivers/vfio/container.c`, `CONFIG_VFIO_NOIOMMU`).
fn read_noiommu_mode(root: &Root) -> Reading<bool> {
    const FOLDER: &str = "/sys/module/vfio/parameters";
    const NAME: &str = "enable_unsafe_noiommu_mode";
    match root.folder(FOLDER).known() {
        Ok(None) => Reading::absent(format!("{FOLDER}/{NAME}").into()),
        _ => kernel::read_switch(root, VFIO.name, NAME),
    }
}
