//! The script of `--fix-script`: blocked before it, ready after it, and after its undo as before.

use super::machines::{CARD_OF_THREE, GPU, GPU_ONLY, IGB, IGB_PF, PARTIAL, READY, VFS_OF_IGB};
use crate::scenario::Step::{Bind, Load, Shell};
use crate::scenario::{Kernels, Scenario, Vm, Want};

pub const ALL: &[Scenario] = &[
    Scenario {
        name: "mended-wanted-on-native-driver",
        about: "one of two wanted functions is on snd_hda_intel",
        steps: &[Load("snd_hda_intel", ""), Bind(GPU, "vfio-pci")],
        mends: &["AH207"],
        ..MENDED
    },
    Scenario {
        name: "mended-unbound",
        about: "no function has a driver",
        steps: &[],
        mends: &["AH208"],
        ..MENDED
    },
    Scenario {
        name: "mended-stub",
        about: "one of two wanted functions is on pci-stub",
        steps: &[
            Load("pci_stub", ""),
            Bind(GPU, "vfio-pci"),
            Shell("echo 8086 293e > /sys/bus/pci/drivers/pci-stub/new_id"),
        ],
        mends: &["AH209"],
        ..MENDED
    },
    Scenario {
        name: "mended-member-on-native-driver",
        about: "the other member, not wanted, is on snd_hda_intel",
        steps: &[Load("snd_hda_intel", ""), Bind(GPU, "vfio-pci")],
        plan: GPU_ONLY,
        options: PARTIAL,
        mends: &["AH302"],
        ..MENDED
    },
    Scenario {
        name: "mended-members-on-native-drivers",
        about: "two other members are on snd_hda_intel and e1000e",
        devices: &[CARD_OF_THREE],
        steps: &[Load("snd_hda_intel", ""), Load("e1000e", ""), Bind(GPU, "vfio-pci")],
        plan: GPU_ONLY,
        options: PARTIAL,
        mends: &["AH302"],
        ..MENDED
    },
    Scenario {
        name: "mended-vfio-not-loaded",
        about: "no module of VFIO is loaded",
        modules: &["kvm_amd"],
        steps: &[],
        mends: &["AH104"],
        ..MENDED
    },
    Scenario {
        name: "mended-type1-not-loaded",
        about: "vfio_iommu_type1 alone is not loaded",
        modules: &["kvm_amd", "vfio_pci"],
        mends: &["AH104"],
        ..MENDED
    },
    Scenario {
        name: "mended-kvm-not-loaded",
        about: "no module of KVM is loaded",
        modules: &["vfio_iommu_type1", "vfio_pci"],
        mends: &["AH102"],
        ..MENDED
    },
    Scenario {
        name: "mended-virtual-functions",
        about: "a physical function has virtual ones, and is on its driver",
        devices: &[IGB],
        steps: &[Load("igb", ""), VFS_OF_IGB],
        plan: &[Vm("vm", &[Want(IGB_PF, None)])],
        mends: &["AH207", "AH214"],
        ..MENDED
    },
    Scenario {
        name: "mended-node-of-group",
        about: "the user who starts the VMs may not open the node of the group",
        steps: &[USER, READY.steps[0], READY.steps[1], Shell("chmod 666 /dev/kvm")],
        options: AS_USER,
        mends: &["AH218"],
        ..MENDED
    },
    Scenario {
        name: "mended-nodes-of-group-and-kvm",
        about: "nor that of KVM",
        steps: &[USER, READY.steps[0], READY.steps[1], Shell("chmod 600 /dev/kvm")],
        options: AS_USER,
        mends: &["AH103", "AH218"],
        ..MENDED
    },
];

const AS_USER: &[&str] = &["--as", "vmuser"];
/// The number is that of the oracle's nobody.
const USER: crate::scenario::Step = Shell(
    "echo root:x:0:0::/:/bin/sh > /etc/passwd && echo vmuser:x:65534:65534::/:/bin/sh >> /etc/passwd \
     && echo root:x:0: > /etc/group && echo vmuser:x:65534: >> /etc/group",
);

const MENDED: Scenario = Scenario { kernels: Kernels::OneStock, ..READY };
