//! `hardware`: how VMs use the processor and the memory.

use super::{Field, MapShape, ONE_OR_MORE, PLAIN, Shape};

pub(super) const HARDWARE_FIELD: Field = Field::new(
    "hardware",
    Shape::Map(&HARDWARE),
    "How VMs use the processor and the memory; each key of a VM's own goes before its cluster's.",
);

static HARDWARE: MapShape = MapShape {
    name: "hardware",
    what: "`hardware`",
    doc: "How VMs use the processor and the memory.",
    fields: &[&[Field::new("acceleration", Shape::Map(&ACCELERATION), "What makes VMs fast.")]],
    ..PLAIN
};

static ACCELERATION: MapShape = MapShape {
    name: "acceleration",
    what: "`acceleration`",
    doc: "What makes VMs fast.",
    fields: &[&[
        Field::new("enable_kvm", Shape::Boolean, "Run the VMs with KVM."),
        Field::new("enable_nested", Shape::Boolean, "Let VMs run VMs of their own."),
        Field::new("cpu_model", Shape::Text, "The processor that a VM sees."),
        Field::new("cpu_features", Shape::List(&Shape::Text), "Processor features that a VM sees."),
        Field::new(
            "cpu_topology",
            Shape::Map(&CPU_TOPOLOGY),
            "How a VM's processors are arranged.",
        ),
        Field::new("numa_topology", Shape::Map(&NUMA_TOPOLOGY), "How a VM's memory is divided."),
        Field::new("performance", Shape::Map(&PERFORMANCE), "Memory pages and processor pinning."),
    ]],
    ..PLAIN
};

static CPU_TOPOLOGY: MapShape = MapShape {
    name: "cpu_topology",
    what: "`cpu_topology`",
    doc: "How a VM's processors are arranged.",
    required: &[&["sockets"], &["cores"], &["threads"]],
    fields: &[&[
        Field::new("sockets", ONE_OR_MORE, "Sockets of the VM."),
        Field::new("cores", ONE_OR_MORE, "Cores of each socket."),
        Field::new("threads", ONE_OR_MORE, "Threads of each core."),
    ]],
    ..PLAIN
};

static NUMA_TOPOLOGY: MapShape = MapShape {
    name: "numa_topology",
    what: "`numa_topology`",
    doc: "How a VM's memory is divided.",
    fields: &[&[
        Field::new("nodes", ONE_OR_MORE, "NUMA nodes of the VM."),
        Field::new("memory_per_node", Shape::Text, "The memory of each node."),
    ]],
    ..PLAIN
};

static PERFORMANCE: MapShape = MapShape {
    name: "performance",
    what: "`performance`",
    doc: "Memory pages and processor pinning.",
    fields: &[&[
        Field::new("enable_hugepages", Shape::Boolean, "Back the VMs' memory with huge pages."),
        Field::new("hugepage_size", Shape::Word(&["2M", "1G"]), "The size of a huge page."),
        Field::new(
            "cpu_pinning",
            Shape::Boolean,
            "Tie each virtual processor to one of the host's.",
        ),
        Field::new(
            "memory_backing",
            Shape::Word(&["default", "hugepages", "memfd"]),
            "Where the VMs' memory comes from.",
        ),
    ]],
    ..PLAIN
};
