//! Devices by nodes of their own, with IOMMUFD, beside container and groups.
//!
//! The kernel tells no more of a node than that it opens, so QEMU has the word.

use super::machines::{AUDIO, BOTH, CARD_WITH_NIC, GPU, GPU_ONLY, PARTIAL, READY};
use crate::scenario::Step::{Bind, HoldDevice, Shell};
use crate::scenario::{Expect, Kernels, Scenario, Step, Way};

pub const ALL: &[Scenario] = &[
    Scenario {
        name: "nodes-ready",
        about: "groups and nodes of devices are there, and a VM is started by the nodes",
        ..BESIDE
    },
    Scenario {
        name: "nodes-by-group",
        about: "the same, and a VM is started by the group",
        starts: Some(Way::Group),
        ..BESIDE
    },
    Scenario {
        name: "nodes-of-devices-missing",
        about: "the nodes of the devices were removed, and a VM is started by the group",
        steps: &[BOUND[0], BOUND[1], Shell("rm -r /dev/vfio/devices")],
        starts: Some(Way::Group),
        ..BESIDE
    },
    Scenario {
        name: "nodes-of-groups-missing",
        about: "the node of the group was removed, and a VM is started by those of the devices",
        steps: &[BOUND[0], BOUND[1], Shell("rm /dev/vfio/[0-9]*")],
        ..BESIDE
    },
    Scenario {
        name: "nodes-all-missing",
        about: "all nodes of VFIO were removed",
        steps: &[BOUND[0], BOUND[1], Shell("rm -r /dev/vfio/*")],
        expect: Expect::Blocked(&["AH108"]),
        ..BESIDE
    },
    Scenario {
        name: "nodes-member-on-native-driver",
        about: "the other member, not wanted, is on e1000e, and a VM is started by the node",
        devices: &[CARD_WITH_NIC],
        steps: &[Bind(GPU, "vfio-pci"), Bind(AUDIO, "e1000e")],
        plan: GPU_ONLY,
        options: PARTIAL,
        expect: Expect::Blocked(&["AH302"]),
        ..BESIDE
    },
    Scenario {
        name: "nodes-held",
        about: "another process has a device by its node",
        steps: &[BOUND[0], BOUND[1], HoldDevice(GPU)],
        expect: Expect::Blocked(&["AH210"]),
        ..BESIDE
    },
    Scenario {
        name: "nodes-member-held",
        about: "another process has the other member, not wanted, by its node",
        steps: &[BOUND[0], BOUND[1], HoldDevice(AUDIO)],
        plan: GPU_ONLY,
        options: PARTIAL,
        expect: Expect::Blocked(&["AH210"]),
        ..BESIDE
    },
];

const BOUND: &[Step] = READY.steps;

const BESIDE: Scenario = Scenario {
    line: "intel_iommu=on",
    modules: &[],
    plan: BOTH,
    starts: Some(Way::Node),
    kernels: Kernels::Builtin,
    ..READY
};
