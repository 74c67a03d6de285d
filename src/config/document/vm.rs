//! VMs, groups of them, and the devices they want.

use super::hardware::HARDWARE_FIELD;
use super::{Field, MapShape, ONE_OR_MORE, PLAIN, Role, Shape, Unknown};

/// The place of several VMs.
pub(super) const NODES: Shape = Shape::Nodes { vm: &VM, group: &GROUP };

/// The same in a short file.
pub(super) const SHORT_NODES: Shape = Shape::Nodes { vm: &SHORT_VM, group: &SHORT_GROUP };

pub(super) const BASE_IMAGE: Field = Field::new(
    "base_image_path",
    Shape::Path { suffix: ".qcow2" },
    "The disk image that VMs start from.",
);

const VM_FIELDS: &[Field] = &[
    Field::new("name", Shape::Name, "The name of the VM."),
    Field::new("cpu_cores", ONE_OR_MORE, "Virtual processors of the VM."),
    Field::new("memory_gb", ONE_OR_MORE, "Memory of the VM in GiB."),
    Field::new("disk_gb", ONE_OR_MORE, "Size of the VM's disk in GiB."),
    Field::new("ip", Shape::Ip, "The VM's IPv4 address, or DHCP."),
    Field::new("auto_start", Shape::Boolean, "Start the VM with the cluster.").default("true"),
    BASE_IMAGE,
    Field::new("worker_type", Shape::Text, "What the node is for."),
    Field::new(
        "virtio_fs_mounts",
        Shape::List(&MOUNT_ENTRY),
        "Folders of the host that the VM sees.",
    ),
    HARDWARE_FIELD,
    Field::new(
        "pcie_passthrough",
        Shape::Map(&PASSTHROUGH),
        "The host's PCI devices that the VM owns.",
    ),
];

const COUNT: &[Field] = &[Field::new("count", ONE_OR_MORE, "How many VMs of this kind there are.")];

const WITHIN: &str = "it belongs within `pcie_passthrough`: indent it further";

static VM: MapShape = MapShape {
    name: "vm",
    what: "a VM",
    doc: "One VM.",
    role: Role::Vm,
    unknown: Unknown::Refused,
    required: &[&["cpu_cores"], &["memory_gb"], &["disk_gb"], &["ip"]],
    fields: &[VM_FIELDS],
    misplaced: &[
        ("count", "a group with `count` stands alone in the place of the list"),
        ("enabled", WITHIN),
        ("devices", WITHIN),
    ],
};

pub(super) static CONTROLLER: MapShape = MapShape {
    name: "controller",
    doc: "The VM that manages a cluster.",
    required: &[&["cpu_cores"], &["memory_gb"], &["disk_gb"], &["ip_address", "ip"]],
    fields: &[VM_FIELDS, &[Field::new("ip_address", Shape::Ip, "The VM's IPv4 address, or DHCP.")]],
    ..VM
};

static GROUP: MapShape = MapShape {
    name: "vm_group",
    what: "a group of VMs",
    doc: "A number of VMs that are all alike.",
    role: Role::Group,
    required: &[&["count"], &["cpu_cores"], &["memory_gb"], &["disk_gb"], &["ip"]],
    fields: &[COUNT, VM_FIELDS],
    misplaced: &[("enabled", WITHIN), ("devices", WITHIN)],
    ..VM
};

static SHORT_VM: MapShape = MapShape {
    name: "short_vm",
    doc: "One VM and its devices.",
    required: &[&["name"], &["pcie_passthrough"]],
    ..VM
};

static SHORT_GROUP: MapShape = MapShape {
    name: "short_vm_group",
    required: &[&["count"], &["name"], &["pcie_passthrough"]],
    ..GROUP
};

static MOUNT_ENTRY: Shape = Shape::Map(&MOUNT);

static MOUNT: MapShape = MapShape {
    name: "virtio_fs_mount",
    what: "a mount",
    doc: "A folder of the host that the VM sees.",
    unknown: Unknown::Allowed,
    fields: &[&[
        Field::new("tag", Shape::Free, "The name by which the VM mounts it."),
        Field::new("host_path", Shape::Free, "The folder on the host."),
        Field::new("mount_point", Shape::Free, "Where the VM mounts it."),
        Field::new("readonly", Shape::Free, "The VM may not write."),
        Field::new("owner", Shape::Free, "The owner of the mount point."),
        Field::new("group", Shape::Free, "The group of the mount point."),
        Field::new("mode", Shape::Free, "The mode of the mount point."),
        Field::new("options", Shape::Free, "Mount options."),
    ]],
    ..PLAIN
};

static PASSTHROUGH: MapShape = MapShape {
    name: "pcie_passthrough",
    what: "`pcie_passthrough`",
    doc: "The host's PCI devices that the VM owns.",
    unknown: Unknown::Refused,
    fields: &[&[
        Field::new(
            "enabled",
            Shape::Boolean,
            "Pass the devices through; without it they are ignored.",
        )
        .default("false")
        .never_empty(),
        Field::new(
            "devices",
            Shape::List(&DEVICE_ENTRY),
            "The devices, one entry for each PCI function.",
        ),
    ]],
    ..PLAIN
};

static DEVICE_ENTRY: Shape = Shape::Map(&DEVICE);

static DEVICE: MapShape = MapShape {
    name: "device",
    what: "a device",
    doc: "One PCI function of the host.",
    unknown: Unknown::Refused,
    required: &[&["pci_address"], &["device_type"]],
    fields: &[&[
        Field::new(
            "pci_address",
            Shape::Address,
            "The function's address as `lspci -D` prints it: 0000:01:00.0.",
        ),
        Field::new(
            "device_type",
            Shape::Word(&["gpu", "network", "storage", "audio", "other"]),
            "What the function is.",
        ),
        Field::new(
            "vendor_id",
            Shape::Id,
            "The vendor id the host must show: four hexadecimal digits, in quotes.",
        ),
        Field::new(
            "device_id",
            Shape::Id,
            "The device id the host must show: four hexadecimal digits, in quotes.",
        ),
        Field::new("iommu_group", Shape::Integer { min: 0 }, "The IOMMU group the host must show."),
    ]],
    ..PLAIN
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pci::DeviceType;

    #[test]
    fn device_types_are_those_of_the_program() {
        let Some(Shape::Word(words)) = DEVICE.field("device_type").map(|field| field.shape) else {
            panic!("device_type is a word");
        };
        assert_eq!(words, DeviceType::ALL.map(DeviceType::as_str));
    }
}
