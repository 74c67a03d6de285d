//! The last word: QEMU starts the VMs, or does not.

use super::machines::{AUDIO, GPU, GPU_ONLY, PARTIAL, READY, WANT_AUDIO, WANT_GPU};
use crate::scenario::Step::{Bind, Load};
use crate::scenario::{Expect, Kernels, Scenario, Vm, Way};

pub const ALL: &[Scenario] = &[
    Scenario {
        name: "started-ready",
        about: "both functions are on vfio-pci, and a VM is started with them",
        ..STARTED
    },
    Scenario {
        name: "started-member-on-native-driver",
        about: "the other member, not wanted, is on snd_hda_intel, and a VM is started",
        steps: &[Load("snd_hda_intel", ""), Bind(GPU, "vfio-pci")],
        plan: GPU_ONLY,
        options: PARTIAL,
        expect: Expect::Blocked(&["AH302"]),
        ..STARTED
    },
    Scenario {
        name: "started-member-on-stub",
        about: "the other member, not wanted, is on pci-stub, and a VM is started",
        steps: &[Load("pci_stub", ""), Bind(GPU, "vfio-pci"), Bind(AUDIO, "pci-stub")],
        plan: GPU_ONLY,
        options: PARTIAL,
        ..STARTED
    },
    Scenario {
        name: "started-member-unbound",
        about: "the other member, not wanted, has no driver, and a VM is started",
        steps: &[Bind(GPU, "vfio-pci")],
        plan: GPU_ONLY,
        options: PARTIAL,
        ..STARTED
    },
    Scenario {
        name: "started-no-interrupt-remapping",
        about: "intremap=off, and a VM is started",
        line: "intremap=off",
        expect: Expect::Blocked(&["AH106"]),
        ..STARTED
    },
    Scenario {
        name: "started-two-vms-on-one-group",
        about: "two VMs that want a member each are started one after the other",
        plan: &[Vm("vm-a", &[WANT_GPU]), Vm("vm-b", &[WANT_AUDIO])],
        options: PARTIAL,
        expect: Expect::Blocked(&["AH303"]),
        ..STARTED
    },
];

const STARTED: Scenario =
    Scenario { starts: Some(Way::Group), kernels: Kernels::OneStock, ..READY };
