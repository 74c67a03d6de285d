//! The devices that are wanted, and the other members of their groups.

use super::machines::{
    AUDIO, BOTH, BRIDGE, BRIDGE_WITH_SHPC, CARD_WITH_PORT, FIRST_BEHIND, GPU, GPU_ONLY, PARTIAL,
    PORT, READY, SECOND_BEHIND, WANT_AUDIO, WANT_GPU,
};
use crate::scenario::Step::{Bind, Hold, Load, Refused, Shell, Unbind};
use crate::scenario::{Expect, Scenario, Step, Vm, Want};

const MORE_THAN_THE_KERNEL: &str = "the members of a group are to be passed together; \
     the kernel needs the rest only detached (--allow-partial-groups)";

pub const ALL: &[Scenario] = &[
    READY,
    Scenario {
        name: "wanted-on-native-driver",
        about: "one of two wanted functions is still on snd_hda_intel",
        steps: &[Load("snd_hda_intel", ""), Bind(GPU, "vfio-pci")],
        expect: Expect::Blocked(&["AH207"]),
        ..READY
    },
    Scenario {
        name: "all-wanted-on-native-drivers",
        about: "both wanted functions are on the drivers of the host",
        steps: &[Load("snd_hda_intel", ""), Load("bochs", "")],
        expect: Expect::Blocked(&["AH207"]),
        ..READY
    },
    Scenario {
        name: "wanted-unbound",
        about: "no function has a driver",
        steps: &[],
        expect: Expect::Blocked(&["AH208"]),
        ..READY
    },
    Scenario {
        name: "wanted-unbound-in-viable-group",
        about: "one wanted function is on vfio-pci, the other has no driver",
        steps: &[Bind(GPU, "vfio-pci")],
        expect: Expect::Blocked(&["AH208"]),
        ..READY
    },
    Scenario {
        name: "wanted-on-stub",
        about: "one wanted function is on vfio-pci, the other on pci-stub",
        steps: &[Load("pci_stub", ""), Bind(GPU, "vfio-pci"), Bind(AUDIO, "pci-stub")],
        expect: Expect::Blocked(&["AH209"]),
        ..READY
    },
    Scenario {
        name: "member-on-native-driver",
        about: "the other member, not wanted, is on snd_hda_intel",
        steps: &[Load("snd_hda_intel", ""), Bind(GPU, "vfio-pci")],
        plan: GPU_ONLY,
        options: PARTIAL,
        expect: Expect::Blocked(&["AH302"]),
        ..READY
    },
    Scenario {
        name: "member-on-uio",
        about: "the other member, not wanted, is on uio_pci_generic",
        steps: &[
            Load("uio_pci_generic", ""),
            Bind(GPU, "vfio-pci"),
            Bind(AUDIO, "uio_pci_generic"),
        ],
        plan: GPU_ONLY,
        options: PARTIAL,
        expect: Expect::Blocked(&["AH302"]),
        ..READY
    },
    Scenario {
        name: "member-unbound",
        about: "the other member, not wanted, has no driver",
        steps: &[Bind(GPU, "vfio-pci")],
        plan: GPU_ONLY,
        options: PARTIAL,
        ..READY
    },
    Scenario {
        name: "member-unbound-after-native-driver",
        about: "the other member, not wanted, was taken from snd_hda_intel",
        steps: &[Load("snd_hda_intel", ""), Bind(GPU, "vfio-pci"), Unbind(AUDIO)],
        plan: GPU_ONLY,
        options: PARTIAL,
        ..READY
    },
    Scenario {
        name: "member-on-stub",
        about: "the other member, not wanted, is on pci-stub",
        steps: &[Load("pci_stub", ""), Bind(GPU, "vfio-pci"), Bind(AUDIO, "pci-stub")],
        plan: GPU_ONLY,
        options: PARTIAL,
        ..READY
    },
    Scenario {
        name: "member-cut-from-plan",
        about: "both members are on vfio-pci, the plan lists one",
        plan: GPU_ONLY,
        expect: Expect::Stricter(&["AH301"], MORE_THAN_THE_KERNEL),
        ..READY
    },
    Scenario {
        name: "member-cut-from-plan-allowed",
        about: "both members are on vfio-pci, the plan lists one, with --allow-partial-groups",
        plan: GPU_ONLY,
        options: PARTIAL,
        ..READY
    },
    Scenario {
        name: "port-on-pcieport",
        about: "the port above is a member of the group, on pcieport",
        devices: &[CARD_WITH_PORT],
        ..READY
    },
    Scenario {
        name: "port-unbound",
        about: "the port above is a member of the group, without a driver",
        devices: &[CARD_WITH_PORT],
        steps: &[Unbind(PORT), Bind(GPU, "vfio-pci"), Bind(AUDIO, "vfio-pci")],
        ..READY
    },
    Scenario {
        name: "port-on-stub",
        about: "the port above is a member of the group, on pci-stub",
        devices: &[CARD_WITH_PORT],
        steps: &[
            Load("pci_stub", ""),
            Bind(PORT, "pci-stub"),
            Bind(GPU, "vfio-pci"),
            Bind(AUDIO, "vfio-pci"),
        ],
        ..READY
    },
    Scenario {
        name: "bridge-unbound",
        about: "two endpoints behind a conventional bridge without a driver, all one group",
        devices: &[BRIDGE],
        steps: BEHIND_BRIDGE,
        plan: BOTH_BEHIND,
        ..READY
    },
    Scenario {
        name: "bridge-on-shpchp",
        about: "the same, and the bridge is on shpchp",
        devices: &[BRIDGE_WITH_SHPC],
        steps: BEHIND_BRIDGE,
        plan: BOTH_BEHIND,
        expect: Expect::Blocked(&["AH302"]),
        ..READY
    },
    Scenario {
        name: "bridge-taken-from-shpchp",
        about: "the same, and the bridge was taken from shpchp",
        devices: &[BRIDGE_WITH_SHPC],
        steps: &[Unbind(PORT), Bind(FIRST_BEHIND, "vfio-pci"), Bind(SECOND_BEHIND, "vfio-pci")],
        plan: BOTH_BEHIND,
        ..READY
    },
    Scenario {
        name: "bridge-neighbour-on-native-driver",
        about: "one of two endpoints behind a conventional bridge is on snd_hda_intel",
        devices: &[BRIDGE],
        steps: &[Load("snd_hda_intel", ""), Bind(FIRST_BEHIND, "vfio-pci")],
        plan: &[Vm("vm", &[Want(FIRST_BEHIND, None)])],
        options: PARTIAL,
        expect: Expect::Blocked(&["AH302"]),
        ..READY
    },
    Scenario {
        name: "two-vms-on-one-group",
        about: "each of two VMs wants one of two members",
        plan: &[Vm("vm-a", &[WANT_GPU]), Vm("vm-b", &[WANT_AUDIO])],
        options: PARTIAL,
        expect: Expect::Blocked(&["AH303"]),
        ..READY
    },
    Scenario {
        name: "two-vms-on-one-device",
        about: "two VMs want the same card",
        plan: &[Vm("vm-a", &[WANT_GPU, WANT_AUDIO]), Vm("vm-b", &[WANT_GPU, WANT_AUDIO])],
        expect: Expect::Blocked(&["AH021"]),
        ..READY
    },
    Scenario {
        name: "group-in-use",
        about: "another process has the group open",
        steps: &[Bind(GPU, "vfio-pci"), Bind(AUDIO, "vfio-pci"), Hold(GPU)],
        expect: Expect::Blocked(&["AH210"]),
        ..READY
    },
    Scenario {
        name: "bridge-wanted",
        about: "the plan wants the port itself, which vfio-pci refuses",
        devices: &[CARD_WITH_PORT],
        steps: &[Refused(PORT, "vfio-pci"), Bind(GPU, "vfio-pci"), Bind(AUDIO, "vfio-pci")],
        plan: &[Vm("vm", &[Want(PORT, None), WANT_GPU, WANT_AUDIO])],
        expect: Expect::Blocked(&["AH205"]),
        ..READY
    },
    Scenario {
        name: "device-absent",
        about: "the plan wants an address at which nothing is",
        plan: &[Vm("vm", &[WANT_GPU, WANT_AUDIO, Want("0000:05:00.0", None)])],
        expect: Expect::Blocked(&["AH201"]),
        ..READY
    },
    Scenario {
        name: "other-device-at-address",
        about: "the plan declares ids that the device at that address does not have",
        plan: &[Vm("vm", &[Want(GPU, Some(("10de", "2684"))), WANT_AUDIO])],
        expect: Expect::Stricter(
            &["AH202"],
            "the kernel knows nothing of the ids in the plan; it would give the wrong device",
        ),
        ..READY
    },
    Scenario {
        name: "removed-after-reading",
        about: "ready when asked, then a function is removed, and it is asked again",
        afterwards: &[Shell("echo 1 > $pci/0000:01:00.1/remove")],
        plan: BOTH,
        expect: Expect::Blocked(&["AH201"]),
        ..READY
    },
    Scenario {
        name: "removed-and-found-again",
        about: "the card was removed and found again by a rescan, and not bound again",
        steps: &[
            Bind(GPU, "vfio-pci"),
            Bind(AUDIO, "vfio-pci"),
            Shell("echo 1 > $pci/0000:01:00.1/remove"),
            Shell("echo 1 > $pci/0000:01:00.0/remove"),
            Shell("echo 1 > /sys/bus/pci/rescan"),
        ],
        expect: Expect::Blocked(&["AH208"]),
        ..READY
    },
    Scenario {
        name: "driver-override-without-probe",
        about: "driver_override says vfio-pci, and nothing was bound",
        steps: &[
            Shell("echo vfio-pci > $pci/0000:01:00.0/driver_override"),
            Shell("echo vfio-pci > $pci/0000:01:00.1/driver_override"),
        ],
        expect: Expect::Blocked(&["AH208"]),
        ..READY
    },
    Scenario {
        name: "bound-by-new-id",
        about: "bound by the ids of the card, without driver_override",
        steps: &[
            Shell("echo 1234 1111 > /sys/bus/pci/drivers/vfio-pci/new_id"),
            Shell("echo 8086 293e > /sys/bus/pci/drivers/vfio-pci/new_id"),
        ],
        ..READY
    },
];

const BEHIND_BRIDGE: &[Step] = &[Bind(FIRST_BEHIND, "vfio-pci"), Bind(SECOND_BEHIND, "vfio-pci")];
const BOTH_BEHIND: &[Vm] = &[Vm("vm", &[Want(FIRST_BEHIND, None), Want(SECOND_BEHIND, None)])];
