//! The machines that scenarios start from, and the devices they add.

use crate::scenario::{Device, Expect, Iommu, Kernels, Scenario, Step, Vm, Want};

/// What a VMM needs.
pub const STACK: &[&str] = &["kvm_amd", "vfio_iommu_type1", "vfio_pci"];

pub const GPU: &str = "0000:01:00.0";
pub const AUDIO: &str = "0000:01:00.1";
pub const PORT: &str = "0000:00:04.0";

pub const WANT_GPU: Want = Want(GPU, None);
pub const WANT_AUDIO: Want = Want(AUDIO, None);
pub const BOTH: &[Vm] = &[Vm("vm", &[WANT_GPU, WANT_AUDIO])];
pub const GPU_ONLY: &[Vm] = &[Vm("vm", &[WANT_GPU])];
pub const PARTIAL: &[&str] = &["--allow-partial-groups"];

/// A card of two functions, in one group, behind a port that is in a group of its own.
pub const CARD: Device = &[
    "-device", "pcie-root-port,id=rp1,chassis=1,slot=1,addr=4",
    "-device", "secondary-vga,bus=rp1,addr=0.0,multifunction=on",
    "-audiodev", "none,id=a0",
    "-device", "ich9-intel-hda,id=hda,bus=rp1,addr=0.1,multifunction=on",
    "-device", "hda-output,bus=hda.0,audiodev=a0",
];

/// The same behind a port without ACS: the port is a member of the card's group.
pub const CARD_WITH_PORT: Device = &[
    "-device", "pcie-root-port,id=rp1,chassis=1,slot=1,addr=4,disable-acs=on",
    "-device", "secondary-vga,bus=rp1,addr=0.0,multifunction=on",
    "-audiodev", "none,id=a0",
    "-device", "ich9-intel-hda,id=hda,bus=rp1,addr=0.1,multifunction=on",
    "-device", "hda-output,bus=hda.0,audiodev=a0",
];

/// Both functions on vfio-pci, one VM that wants both, and nothing in the way.
pub const READY: Scenario = Scenario {
    name: "ready",
    about: "a card of two functions, both on vfio-pci, both wanted",
    iommu: Iommu::Intel,
    cpu: "EPYC,check=off",
    devices: &[CARD],
    line: "",
    modules: STACK,
    steps: &[Step::Bind(GPU, "vfio-pci"), Step::Bind(AUDIO, "vfio-pci")],
    afterwards: &[],
    plan: BOTH,
    options: &[],
    expect: Expect::Ready,
    kernels: Kernels::Stock,
};
