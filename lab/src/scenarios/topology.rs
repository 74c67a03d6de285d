//! Several groups, switches, and devices that the IOMMU does not serve.

use super::machines::{
    AUDIO, BOTH, CARD, DISK, DISK_ALONE_AT, GPU, PARTIAL, READY, WANT_AUDIO, WANT_GPU,
};
use crate::scenario::Step::{Bind, Load, Refused, Shell, Unplug};
use crate::scenario::{Device, Expect, Scenario, Step, Vm, Want};

pub const ALL: &[Scenario] = &[
    Scenario {
        name: "two-groups-of-one-vm",
        about: "a VM wants a card and a disk, of two groups",
        devices: &[CARD, DISK],
        steps: CARD_AND_DISK,
        plan: &[Vm("vm", &[WANT_GPU, WANT_AUDIO, Want(DISK_AT, None)])],
        ..READY
    },
    Scenario {
        name: "one-of-two-groups-not-viable",
        about: "the same, and a member of one of the groups is on snd_hda_intel",
        devices: &[CARD, DISK],
        steps: &[Load("snd_hda_intel", ""), Bind(GPU, "vfio-pci"), Bind(DISK_AT, "vfio-pci")],
        plan: &[Vm("vm", &[WANT_GPU, Want(DISK_AT, None)])],
        options: PARTIAL,
        expect: Expect::Blocked(&["AH302"]),
        ..READY
    },
    Scenario {
        name: "two-vms-on-two-groups",
        about: "two VMs want a group each",
        devices: &[CARD, DISK],
        steps: CARD_AND_DISK,
        plan: &[Vm("vm-a", &[WANT_GPU, WANT_AUDIO]), Vm("vm-b", &[Want(DISK_AT, None)])],
        ..READY
    },
    Scenario {
        name: "unplugged-after-reading",
        about: "ready when asked, then the wanted disk is unplugged, and it is asked again",
        devices: &[DISK],
        steps: &[Bind(DISK_ALONE_AT, "vfio-pci")],
        afterwards: &[Unplug("disk", DISK_ALONE_AT)],
        plan: &[Vm("vm", &[Want(DISK_ALONE_AT, None)])],
        expect: Expect::Blocked(&["AH201"]),
        ..READY
    },
    Scenario {
        name: "switch",
        about: "two endpoints behind a switch whose ports have ACS, each in a group of its own",
        devices: &[SWITCH],
        steps: &[Bind(LEFT, "vfio-pci"), Bind(RIGHT, "vfio-pci")],
        plan: &[Vm("vm", &[Want(LEFT, None), Want(RIGHT, None)])],
        ..READY
    },
    Scenario {
        name: "switch-neighbour-on-native-driver",
        about: "the same, and the other endpoint is on snd_hda_intel, in its own group",
        devices: &[SWITCH],
        steps: &[Load("snd_hda_intel", ""), Bind(LEFT, "vfio-pci")],
        plan: &[Vm("vm", &[Want(LEFT, None)])],
        ..READY
    },
    Scenario {
        name: "outside-the-iommu",
        about: "the IOMMU is on, and the firmware leaves this device's root out of it",
        devices: &[CARD, BYPASSED],
        steps: &[
            Bind(GPU, "vfio-pci"),
            Bind(AUDIO, "vfio-pci"),
            Refused("0000:41:00.0", "vfio-pci"),
        ],
        plan: &[Vm("vm", &[WANT_GPU, WANT_AUDIO, Want("0000:41:00.0", None)])],
        expect: Expect::Blocked(&["AH206"]),
        ..READY
    },
    Scenario {
        name: "group-node-missing",
        about: "/dev/vfio/GROUP was removed, as it is in a container that was not given it",
        steps: &[Bind(GPU, "vfio-pci"), Bind(AUDIO, "vfio-pci"), Shell("rm /dev/vfio/[0-9]*")],
        plan: BOTH,
        expect: Expect::Blocked(&["AH108"]),
        ..READY
    },
    Scenario {
        name: "container-node-missing",
        about: "/dev/vfio/vfio was removed",
        steps: &[Bind(GPU, "vfio-pci"), Bind(AUDIO, "vfio-pci"), Shell("rm /dev/vfio/vfio")],
        plan: BOTH,
        expect: Expect::Blocked(&["AH108"]),
        ..READY
    },
    Scenario {
        name: "kvm-node-missing",
        about: "/dev/kvm was removed",
        steps: &[Bind(GPU, "vfio-pci"), Bind(AUDIO, "vfio-pci"), Shell("rm /dev/kvm")],
        plan: BOTH,
        expect: Expect::Blocked(&["AH102"]),
        ..READY
    },
];

/// The disk, behind the second port.
const DISK_AT: &str = "0000:02:00.0";
const CARD_AND_DISK: &[Step] =
    &[Bind(GPU, "vfio-pci"), Bind(AUDIO, "vfio-pci"), Bind(DISK_AT, "vfio-pci")];

const LEFT: &str = "0000:03:00.0";
const RIGHT: &str = "0000:04:00.0";
const SWITCH: Device = "\
    -device pcie-root-port,id=rp7,chassis=7,slot=7,addr=4 \
    -device x3130-upstream,id=up,bus=rp7 \
    -device xio3130-downstream,id=d1,bus=up,chassis=8,slot=8 \
    -device xio3130-downstream,id=d2,bus=up,chassis=9,slot=9 \
    -device secondary-vga,bus=d1 \
    -audiodev none,id=a0 \
    -device ich9-intel-hda,id=hda,bus=d2 \
    -device hda-output,bus=hda.0,audiodev=a0";

const BYPASSED: Device = "\
    -device pxb-pcie,id=px,bus=pcie.0,bus_nr=0x40,bypass_iommu=on \
    -device pcie-root-port,id=rp8,bus=px,chassis=10,slot=10 \
    -device secondary-vga,bus=rp8";
