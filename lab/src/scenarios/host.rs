//! The host as a whole: IOMMU, modules, KVM, interrupts; virtual functions; what the host itself uses.

use super::machines::{
    AUDIO, BOTH, CARD, DISK, DISK_ALONE_AT, GPU, GPU_ONLY, IGB, IGB_PF, IGB_VF, MANY, NIC, PARTIAL,
    READY, STACK, VFS_OF_IGB, VM_WITH_IGB_VF,
};
use crate::scenario::Step::{Bind, Load, LoadIfThere, LoadRefused, Refused, Shell};
use crate::scenario::{Expect, Iommu, Scenario, Step, Vm, Want};

pub const ALL: &[Scenario] = &[
    Scenario {
        name: "intel-off-by-parameter",
        about: "intel_iommu=off",
        line: "intel_iommu=off",
        steps: REFUSED,
        expect: Expect::Blocked(&["AH105"]),
        ..READY
    },
    Scenario {
        name: "off-by-iommu-parameter",
        about: "iommu=off, and intel_iommu=on is no help",
        line: "iommu=off intel_iommu=on",
        steps: REFUSED,
        expect: Expect::Blocked(&["AH105"]),
        ..READY
    },
    Scenario {
        name: "intel-on-by-parameter",
        about: "intel_iommu=on",
        line: "intel_iommu=on",
        ..READY
    },
    Scenario { name: "intel-passthrough-mode", about: "iommu=pt", line: "iommu=pt", ..READY },
    Scenario {
        name: "intel-last-word-counts",
        about: "intel_iommu=off, and after it intel_iommu=on",
        line: "intel_iommu=off intel_iommu=on",
        ..READY
    },
    Scenario {
        name: "intel-off-after-on",
        about: "intel_iommu=on,sm_off, and after it intel_iommu=off",
        line: "intel_iommu=on,sm_off intel_iommu=off",
        steps: REFUSED,
        expect: Expect::Blocked(&["AH105"]),
        ..READY
    },
    Scenario {
        name: "iommu-off-is-not-taken-back",
        about: "iommu=off, and after it iommu=pt",
        line: "iommu=off iommu=pt",
        steps: REFUSED,
        expect: Expect::Blocked(&["AH105"]),
        ..READY
    },
    Scenario {
        name: "intel-soft",
        about: "iommu=soft, which turns nothing off since 5.18",
        line: "iommu=soft",
        ..READY
    },
    Scenario {
        name: "intel-strict",
        about: "iommu.strict=1 iommu.passthrough=0 iommu=force",
        line: "iommu.strict=1 iommu.passthrough=0 iommu=force",
        ..READY
    },
    Scenario {
        name: "no-iommu-table",
        about: "the firmware has neither DMAR nor IVRS",
        iommu: Iommu::None,
        line: "intel_iommu=on",
        steps: REFUSED,
        expect: Expect::Blocked(&["AH105"]),
        ..READY
    },
    Scenario {
        name: "no-interrupt-remapping",
        about: "the IOMMU does not remap interrupts",
        iommu: Iommu::IntelWithoutRemapping,
        expect: Expect::Blocked(&["AH106"]),
        ..READY
    },
    Scenario {
        name: "interrupt-remapping-off-by-parameter",
        about: "intremap=off",
        line: "intremap=off",
        expect: Expect::Blocked(&["AH106"]),
        ..READY
    },
    Scenario {
        name: "unsafe-interrupts-allowed",
        about: "the IOMMU does not remap interrupts, and allow_unsafe_interrupts=1",
        iommu: Iommu::IntelWithoutRemapping,
        modules: &["kvm_amd"],
        steps: &[ALLOWED, Load("vfio_pci", ""), Bind(GPU, "vfio-pci"), Bind(AUDIO, "vfio-pci")],
        ..READY
    },
    Scenario {
        name: "vfio-pci-not-loaded",
        about: "no VFIO module is loaded",
        modules: &["kvm_amd"],
        steps: &[],
        expect: Expect::Blocked(&["AH104"]),
        ..READY
    },
    Scenario {
        name: "vfio-modules-absent",
        about: "this kernel's modules are not on the disk",
        modules: &["kvm_amd"],
        steps: &[Shell("rm -rf /lib/modules /boot")],
        expect: Expect::Blocked(&["AH104"]),
        ..READY
    },
    Scenario {
        name: "type1-not-loaded",
        about: "all but vfio_iommu_type1 is loaded",
        modules: &["kvm_amd", "vfio_pci"],
        expect: Expect::Blocked(&["AH104"]),
        ..READY
    },
    Scenario {
        name: "kvm-not-loaded",
        about: "no KVM module is loaded",
        modules: &["vfio_iommu_type1", "vfio_pci"],
        expect: Expect::Blocked(&["AH102"]),
        ..READY
    },
    Scenario {
        name: "kvm-without-vendor-module",
        about: "kvm is loaded, kvm_amd is not",
        modules: &["kvm", "vfio_iommu_type1", "vfio_pci"],
        expect: Expect::Blocked(&["AH102"]),
        ..READY
    },
    Scenario {
        name: "cpu-without-virtualisation",
        about: "the CPU has no SVM",
        cpu: "EPYC,check=off,svm=off",
        modules: &["vfio_iommu_type1", "vfio_pci"],
        steps: &[LoadRefused("kvm_amd"), Bind(GPU, "vfio-pci"), Bind(AUDIO, "vfio-pci")],
        expect: Expect::Blocked(&["AH102"]),
        ..READY
    },
    Scenario { name: "amd-ready", about: "the AMD IOMMU", iommu: Iommu::Amd, ..AMD },
    Scenario {
        name: "amd-on-by-parameter",
        about: "amd_iommu=on, which is no option, and harmless",
        line: "amd_iommu=on",
        ..AMD
    },
    Scenario { name: "amd-passthrough-mode", about: "iommu=pt", line: "iommu=pt", ..AMD },
    Scenario {
        name: "amd-soft",
        about: "iommu=soft, which turns nothing off since 5.18",
        line: "iommu=soft",
        ..AMD
    },
    Scenario {
        name: "amd-under-intel-parameter",
        about: "intel_iommu=off beside an AMD IOMMU",
        line: "intel_iommu=off",
        ..AMD
    },
    Scenario {
        name: "amd-off-by-parameter",
        about: "amd_iommu=off",
        line: "amd_iommu=off",
        modules: STACK,
        steps: REFUSED,
        expect: Expect::Blocked(&["AH105"]),
        ..AMD
    },
    Scenario {
        name: "amd-member-cut-and-unbound",
        about: "the AMD IOMMU, the other member without a driver",
        steps: &[ALLOWED, Load("vfio_pci", ""), Bind(GPU, "vfio-pci")],
        plan: GPU_ONLY,
        options: PARTIAL,
        ..AMD
    },
    Scenario {
        name: "amd-member-on-uio",
        about: "the AMD IOMMU, the other member on uio_pci_generic",
        steps: &[
            ALLOWED,
            Load("vfio_pci", ""),
            Load("uio_pci_generic", ""),
            Bind(GPU, "vfio-pci"),
            Bind(AUDIO, "uio_pci_generic"),
        ],
        plan: GPU_ONLY,
        options: PARTIAL,
        expect: Expect::Blocked(&["AH302"]),
        ..AMD
    },
    Scenario {
        name: "amd-no-interrupt-remapping",
        about: "the AMD IOMMU, intremap=off",
        line: "intremap=off",
        modules: STACK,
        steps: READY.steps,
        expect: Expect::Blocked(&["AH106"]),
        ..AMD
    },
    Scenario {
        name: "asked-by-nobody",
        about: "ai-how is started by a user without rights",
        asked_by: NOBODY,
        ..READY
    },
    Scenario {
        name: "asked-by-nobody-of-enabled-device",
        about: "the same, and a function is enabled, so that somebody may have it open",
        steps: &[
            Shell("echo 1 > $pci/0000:01:00.0/enable"),
            Bind(GPU, "vfio-pci"),
            Bind(AUDIO, "vfio-pci"),
        ],
        asked_by: NOBODY,
        expect: Expect::Undetermined(
            &["AH210"],
            "who has it open is not told to that user; the kernel was asked as root",
        ),
        ..READY
    },
    Scenario {
        name: "virtual-function",
        about: "one of two virtual functions, on vfio-pci",
        devices: &[IGB],
        steps: &[Load("igb", ""), VFS_OF_IGB, Bind(IGB_VF, "vfio-pci")],
        plan: VM_WITH_IGB_VF,
        ..READY
    },
    Scenario {
        name: "virtual-function-on-native-driver",
        about: "a virtual function on igbvf",
        devices: &[IGB],
        steps: &[Load("igb", ""), Load("igbvf", ""), VFS_OF_IGB],
        plan: VM_WITH_IGB_VF,
        expect: Expect::Blocked(&["AH207"]),
        ..READY
    },
    Scenario {
        name: "physical-function-with-virtual-ones",
        about: "a physical function that has virtual ones, on its driver",
        devices: &[IGB],
        steps: &[Load("igb", ""), VFS_OF_IGB],
        plan: &[Vm("vm", &[Want(IGB_PF, None)])],
        expect: Expect::Blocked(&["AH207", "AH214"]),
        ..READY
    },
    Scenario {
        name: "physical-function-moved-to-vfio",
        about: "a physical function that had virtual ones, moved to vfio-pci",
        devices: &[IGB],
        steps: &[Load("igb", ""), VFS_OF_IGB, Bind(IGB_PF, "vfio-pci")],
        plan: &[Vm("vm", &[Want(IGB_PF, None)])],
        ..READY
    },
    Scenario {
        name: "virtual-functions-of-vfio",
        about: "a virtual function whose physical one is on vfio-pci (enable_sriov=1)",
        devices: &[IGB],
        modules: &["kvm_amd", "vfio_iommu_type1"],
        steps: &[
            Load("vfio_pci", ""),
            Shell("echo 1 > /sys/module/vfio_pci/parameters/enable_sriov"),
            Bind(IGB_PF, "vfio-pci"),
            VFS_OF_IGB,
            Bind(IGB_VF, "vfio-pci"),
        ],
        plan: VM_WITH_IGB_VF,
        ..READY
    },
    Scenario {
        name: "many-functions",
        about: "240 virtual functions on the bus, one of them wanted",
        devices: &[MANY],
        steps: MANY_STEPS,
        plan: &[Vm("vm", &[Want("0000:01:00.1", None)])],
        ..READY
    },
    Scenario {
        name: "mounted-disk",
        about: "the disk of a mounted file system is wanted",
        devices: &[DISK],
        steps: MOUNTED,
        plan: &[Vm("vm", &[Want(DISK_ALONE_AT, None)])],
        expect: Expect::Blocked(&["AH207", "AH401"]),
        ..READY
    },
    Scenario {
        name: "default-route",
        about: "the network card of the default route is wanted",
        devices: &[NIC],
        steps: &[
            Load("virtio_pci", ""),
            Load("virtio_net", ""),
            Shell("ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up"),
            Shell("route add default gw 10.0.2.2"),
        ],
        plan: &[Vm("vm", &[Want("0000:01:00.0", None)])],
        expect: Expect::Blocked(&["AH207", "AH402"]),
        ..READY
    },
    Scenario {
        name: "idle-disk-beside-the-card",
        about: "a disk in another group is mounted, the card is wanted",
        devices: &[CARD, DISK],
        steps: &[
            Load("nvme", ""),
            LoadIfThere("crc32c_generic"),
            Load("ext4", ""),
            MOUNT,
            Bind(GPU, "vfio-pci"),
            Bind(AUDIO, "vfio-pci"),
        ],
        plan: BOTH,
        ..READY
    },
];

/// Devices behind this model get no interrupts from QEMU before 11, so no driver of the host may probe
/// them; and kernels do not agree on whether it remaps them, so they are allowed.
const AMD: Scenario = Scenario {
    iommu: Iommu::Amd,
    modules: &["kvm_amd"],
    steps: &[ALLOWED, Load("vfio_pci", ""), Bind(GPU, "vfio-pci"), Bind(AUDIO, "vfio-pci")],
    ..READY
};

const ALLOWED: Step = Load("vfio_iommu_type1", "allow_unsafe_interrupts=1");
const NOBODY: &str = "oracle as-nobody";

/// Without an IOMMU vfio-pci's probe fails, and the device is left without a driver.
const REFUSED: &[Step] = &[Refused(GPU, "vfio-pci"), Refused(AUDIO, "vfio-pci")];

const MOUNT: Step = Shell(
    "await /dev/nvme0n1 && mke2fs -F /dev/nvme0n1 > /dev/null && mkdir /mnt/dunja && mount -t ext4 /dev/nvme0n1 /mnt/dunja",
);

const MOUNTED: &[Step] =
    &[Load("nvme", ""), LoadIfThere("crc32c_generic"), Load("ext4", ""), MOUNT];

const MANY_STEPS: &[Step] = &[
    Load("nvme", ""),
    Shell("echo 0 > $pci/0000:01:00.0/sriov_drivers_autoprobe"),
    Shell("echo 0 > $pci/0000:02:00.0/sriov_drivers_autoprobe"),
    Shell("echo 120 > $pci/0000:01:00.0/sriov_numvfs"),
    Shell("echo 120 > $pci/0000:02:00.0/sriov_numvfs"),
    Shell("[ $(ls $pci | wc -l) -ge 240 ]"),
    Shell("echo 1 > $pci/0000:01:00.0/sriov_drivers_autoprobe"),
    Bind("0000:01:00.1", "vfio-pci"),
];
