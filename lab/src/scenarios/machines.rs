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
pub const CARD: Device = "\
    -device pcie-root-port,id=rp1,chassis=1,slot=1,addr=4 \
    -device secondary-vga,bus=rp1,addr=0.0,multifunction=on \
    -audiodev none,id=a0 \
    -device ich9-intel-hda,id=hda,bus=rp1,addr=0.1,multifunction=on \
    -device hda-output,bus=hda.0,audiodev=a0";

/// The same with a network card as a third function.
pub const CARD_OF_THREE: Device = "\
    -device pcie-root-port,id=rp1,chassis=1,slot=1,addr=4 \
    -device secondary-vga,bus=rp1,addr=0.0,multifunction=on \
    -audiodev none,id=a0 \
    -device ich9-intel-hda,id=hda,bus=rp1,addr=0.1,multifunction=on \
    -device hda-output,bus=hda.0,audiodev=a0 \
    -netdev hubport,id=n2,hubid=2 \
    -device e1000e,bus=rp1,addr=0.2,multifunction=on,netdev=n2,mac=@mac";

/// The first with a network card in the place of the audio function.
pub const CARD_WITH_NIC: Device = "\
    -device pcie-root-port,id=rp1,chassis=1,slot=1,addr=4 \
    -device secondary-vga,bus=rp1,addr=0.0,multifunction=on \
    -netdev hubport,id=n2,hubid=2 \
    -device e1000e,bus=rp1,addr=0.1,multifunction=on,netdev=n2,mac=@mac";

/// The same behind a port without ACS: the port is a member of the card's group.
pub const CARD_WITH_PORT: Device = "\
    -device pcie-root-port,id=rp1,chassis=1,slot=1,addr=4,disable-acs=on \
    -device secondary-vga,bus=rp1,addr=0.0,multifunction=on \
    -audiodev none,id=a0 \
    -device ich9-intel-hda,id=hda,bus=rp1,addr=0.1,multifunction=on \
    -device hda-output,bus=hda.0,audiodev=a0";

/// A disk behind a port of its own; its contents last as long as the run.
pub const DISK: Device = "\
    -device pcie-root-port,id=rp2,chassis=2,slot=2,addr=5 \
    -drive if=none,id=d0,format=raw,file=@/disk \
    -device nvme,id=disk,bus=rp2,drive=d0,serial=@serial";
/// Where it is when nothing else is behind a port.
pub const DISK_ALONE_AT: &str = "0000:01:00.0";

/// A network card with nothing at the other end.
pub const NIC: Device = "\
    -device pcie-root-port,id=rp3,chassis=3,slot=3,addr=6 \
    -netdev hubport,id=n0,hubid=0 \
    -device virtio-net-pci,bus=rp3,netdev=n0,mac=@mac,disable-legacy=on,iommu_platform=on";

/// A network card of one function, which can have seven virtual ones.
pub const IGB: Device = "\
    -device pcie-root-port,id=rp4,chassis=4,slot=4,addr=6 \
    -netdev hubport,id=n1,hubid=1 \
    -device igb,bus=rp4,netdev=n1,mac=@mac";

pub const IGB_PF: &str = "0000:01:00.0";
/// The offset of igb's first virtual function is 128.
pub const IGB_VF: &str = "0000:01:10.0";
pub const VM_WITH_IGB_VF: &[Vm] = &[Vm("vm", &[Want(IGB_VF, None)])];
pub const VFS_OF_IGB: Step = Step::Shell("echo 2 > $pci/0000:01:00.0/sriov_numvfs");

/// Two disk controllers of up to 120 virtual functions each.
pub const MANY: Device = "\
    -device pcie-root-port,id=rp5,chassis=5,slot=5,addr=4 \
    -device pcie-root-port,id=rp6,chassis=6,slot=6,addr=5 \
    -device nvme-subsys,id=s0 \
    -device nvme-subsys,id=s1 \
    -device nvme,bus=rp5,serial=a,subsys=s0,sriov_max_vfs=120,sriov_vq_flexible=240,\
    sriov_vi_flexible=120,max_ioqpairs=242,msix_qsize=123 \
    -device nvme,bus=rp6,serial=b,subsys=s1,sriov_max_vfs=120,sriov_vq_flexible=240,\
    sriov_vi_flexible=120,max_ioqpairs=242,msix_qsize=123";

/// Two endpoints behind a conventional bridge that no driver claims.
pub const BRIDGE: Device = "\
    -device pci-bridge,id=pb,chassis_nr=9,shpc=off,addr=4 \
    -device secondary-vga,bus=pb,addr=1.0 \
    -audiodev none,id=a0 \
    -device ich9-intel-hda,id=hda,bus=pb,addr=2.0 \
    -device hda-output,bus=hda.0,audiodev=a0";
/// The same with a hot-plug controller in the bridge: shpchp claims it.
pub const BRIDGE_WITH_SHPC: Device = "\
    -device pci-bridge,id=pb,chassis_nr=9,shpc=on,addr=4 \
    -device secondary-vga,bus=pb,addr=1.0 \
    -audiodev none,id=a0 \
    -device ich9-intel-hda,id=hda,bus=pb,addr=2.0 \
    -device hda-output,bus=hda.0,audiodev=a0";
pub const FIRST_BEHIND: &str = "0000:01:01.0";
pub const SECOND_BEHIND: &str = "0000:01:02.0";

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
    asked_by: "",
    options: &[],
    mends: &[],
    starts: None,
    expect: Expect::Ready,
    kernels: Kernels::Stock,
};
