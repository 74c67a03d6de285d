//! What Debian's kernels lack: VFIO built in, an IOMMU off by default, no-IOMMU mode.
//!
//! None with an AMD IOMMU: QEMU's delivers no interrupt of the only clock that so small a kernel has.

use super::machines::{
    AUDIO, DISK, DISK_ALONE_AT, GPU, GPU_ONLY, IGB, IGB_PF, PARTIAL, READY, VFS_OF_IGB,
    VM_WITH_IGB_VF,
};
use crate::scenario::Step::{Bind, Needs, Refused};
use crate::scenario::{Expect, Iommu, Kernels, Scenario, Vm, Want};

pub const ALL: &[Scenario] = &[
    Scenario { name: "builtin-ready", about: "everything built in, intel_iommu=on", ..BUILTIN },
    Scenario {
        name: "builtin-off-by-default",
        about: "a kernel whose Intel IOMMU is off unless it is asked for",
        line: "",
        steps: &[
            Needs("CONFIG_INTEL_IOMMU_DEFAULT_OFF=y"),
            Refused(GPU, "vfio-pci"),
            Refused(AUDIO, "vfio-pci"),
        ],
        expect: Expect::Blocked(&["AH105"]),
        ..BUILTIN
    },
    Scenario {
        name: "builtin-no-iommu-table",
        about: "the firmware has neither DMAR nor IVRS",
        iommu: Iommu::None,
        steps: &[Refused(GPU, "vfio-pci"), Refused(AUDIO, "vfio-pci")],
        expect: Expect::Blocked(&["AH105"]),
        ..BUILTIN
    },
    Scenario {
        name: "builtin-noiommu-mode",
        about: "no IOMMU, and vfio.enable_unsafe_noiommu_mode=1",
        iommu: Iommu::None,
        line: "vfio.enable_unsafe_noiommu_mode=1",
        expect: Expect::Blocked(&["AH105", "AH107"]),
        ..BUILTIN
    },
    Scenario {
        name: "builtin-noiommu-mode-not-needed",
        about: "vfio.enable_unsafe_noiommu_mode=1 beside an IOMMU that is on",
        line: "intel_iommu=on vfio.enable_unsafe_noiommu_mode=1",
        ..BUILTIN
    },
    Scenario {
        name: "builtin-bound-at-boot",
        about: "vfio-pci.ids= on the command line",
        line: "intel_iommu=on vfio-pci.ids=1234:1111,8086:293e",
        steps: &[],
        ..BUILTIN
    },
    Scenario {
        name: "builtin-member-on-stub-at-boot",
        about: "pci-stub.ids= takes the member that is not wanted",
        line: "intel_iommu=on pci-stub.ids=8086:293e",
        steps: &[Bind(GPU, "vfio-pci")],
        plan: GPU_ONLY,
        options: PARTIAL,
        ..BUILTIN
    },
    Scenario {
        name: "builtin-no-interrupt-remapping",
        about: "intremap=off",
        line: "intel_iommu=on intremap=off",
        expect: Expect::Blocked(&["AH106"]),
        ..BUILTIN
    },
    Scenario {
        name: "builtin-unsafe-interrupts-allowed",
        about: "intremap=off, and vfio_iommu_type1.allow_unsafe_interrupts=1",
        line: "intel_iommu=on intremap=off vfio_iommu_type1.allow_unsafe_interrupts=1",
        ..BUILTIN
    },
    Scenario {
        name: "builtin-cpu-without-virtualisation",
        about: "KVM is built in, and the CPU has no SVM",
        cpu: "EPYC,check=off,svm=off",
        expect: Expect::Blocked(&["AH102"]),
        ..BUILTIN
    },
    Scenario {
        name: "builtin-disk-on-native-driver",
        about: "the built-in nvme driver took the wanted disk",
        devices: &[DISK],
        steps: &[],
        plan: &[Vm("vm", &[Want(DISK_ALONE_AT, None)])],
        expect: Expect::Blocked(&["AH207"]),
        ..BUILTIN
    },
    Scenario {
        name: "builtin-virtual-function",
        about: "a virtual function moved to vfio-pci",
        devices: &[IGB],
        steps: &[VFS_OF_IGB, Bind("0000:01:10.0", "vfio-pci")],
        plan: VM_WITH_IGB_VF,
        ..BUILTIN
    },
    Scenario {
        name: "builtin-physical-function-with-virtual-ones",
        about: "a physical function that has virtual ones, on its driver",
        devices: &[IGB],
        steps: &[VFS_OF_IGB],
        plan: &[Vm("vm", &[Want(IGB_PF, None)])],
        expect: Expect::Blocked(&["AH207", "AH214"]),
        ..BUILTIN
    },
];

const BUILTIN: Scenario =
    Scenario { line: "intel_iommu=on", modules: &[], kernels: Kernels::Builtin, ..READY };
