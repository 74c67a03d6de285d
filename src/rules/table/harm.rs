//! What the host would lose: its disk, network, display, keyboard and chipset.

use super::{Case, GPU_ONLY, ONE_GPU, case, wanting, workstation};
use crate::host::fake::harm::{NIC, USB};
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO, IGPU, LPC, NVME, ROOT_PORT};
use crate::pci::Address;
use crate::policy::Verdict;

/// A second solid-state drive, `nvme1n1`, with the number 259:8.
const SECOND: Address = Address::new(0, 5, 0, 0);
/// The second port of the network card.
const NIC_2: Address = Address::new(0, 3, 0, 1);
const SMBUS: Address = Address::new(0, 0, 0x1f, 4);
const BMC: Address = Address::new(0, 6, 0, 0);
const VMD: Address = Address::new(0, 0, 0x0e, 0);
const VMD_CHILD: Address = Address::new(0x10000, 0xe1, 0, 0);

/// Cases in each of whose facts a fault is put.
pub const WORTH_BREAKING: &[&str] = &[
    "LVM on LUKS on NVMe",
    "btrfs of two, the second",
    "MD without a filesystem",
    "swap alone",
    "a loop of a file",
    "swap in memory, written back to a disk",
    "NVMe multipath, the other",
    "a bond in a bridge",
    "the default route of IPv6 alone",
    "root on NFS",
    "iSCSI",
    "the only display",
    "SMBus wanted",
];

pub fn cases() -> Vec<Case> {
    [disks(), network(), display(), input(), chipset()].into_iter().flatten().collect()
}

/// A plan that wants one function.
fn want(address: Address) -> String {
    wanting(&[(address, "other")])
}

/// A plan with two VMs that want one function each; the second starts by itself, or does not.
fn by_two(first: Address, second: Address, both_start: bool) -> String {
    let vm = |name: &str, address, starts| {
        format!(
            "  - {{name: {name}, auto_start: {starts}, pcie_passthrough: {{enabled: true, devices: [{{pci_address: '{address}', device_type: other}}]}}}}\n"
        )
    };
    format!("compute_nodes:\n{}{}", vm("a", first, true), vm("b", second, both_start))
}

fn two_nvmes() -> FakeHost {
    workstation().nvme(SECOND, 1, 8, 22)
}

fn second_disk() -> String {
    let host = two_nvmes();
    format!("{}/nvme/nvme1/nvme1n1", host.folder_of(SECOND))
}

/// `nvme0n1` of a subsystem with a controller at each of two functions.
fn multipath() -> FakeHost {
    const FOLDER: &str = "/sys/devices/virtual/nvme-subsystem/nvme-subsys0";
    let host = workstation()
        .with(SECOND, 0x01_0802, (0x144d, 0xa808), Some("nvme"), 22)
        .nothing_mounted()
        .without("/sys/dev/block")
        .without("/sys/class/block")
        .block("259:10", &format!("{FOLDER}/nvme0n1"))
        .block("259:11", &format!("{FOLDER}/nvme0n1/nvme0n1p1"))
        .mounted("259:11", "/", "xfs", "/dev/nvme0n1p1");
    [(NVME, "nvme0"), (SECOND, "nvme1")].into_iter().fold(host, |host, (function, name)| {
        let folder = host.folder_of(function);
        let target = format!("../../../{}/nvme/{name}", folder.trim_start_matches("/sys/devices/"));
        host.without(&format!("{folder}/nvme"))
            .link(&format!("{FOLDER}/{name}"), &target)
            .folder(&format!("{folder}/nvme/{name}"))
    })
}

/// The root on a drive behind VMD, which has a domain of its own.
fn vmd() -> FakeHost {
    let host = workstation()
        .with(VMD, 0x01_0400, (0x8086, 0x467f), Some("vmd"), 9)
        .with(VMD_CHILD, 0x01_0802, (0x144d, 0xa80a), Some("nvme"), 9)
        .below(VMD_CHILD, VMD);
    let disk = format!("{}/nvme/nvme2/nvme2n1", host.folder_of(VMD_CHILD));
    host.block("259:20", &disk).nothing_mounted().mounted("259:20", "/", "ext4", "/dev/nvme2n1")
}

/// A disk on the USB controller, with the root or without.
fn usb_disk() -> FakeHost {
    let host = workstation().usb_controller();
    let disk =
        format!("{}/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sda", host.folder_of(USB));
    host.block("8:0", &disk).block("8:1", &format!("{disk}/sda1"))
}

fn iscsi() -> FakeHost {
    const DISK: &str = "/sys/devices/platform/host3/session1/target3:0:0/3:0:0:0/block/sdc";
    workstation()
        .nic()
        .address("eno1")
        .block("8:32", DISK)
        .mounted("8:32", "/srv", "ext4", "/dev/sdc")
        .file("/sys/class/iscsi_connection/connection1:0/address", "192.0.2.77\n")
}

/// A filesystem on a drive over the network, with a controller in a subsystem.
fn fabrics(address: &str) -> FakeHost {
    const FOLDER: &str = "/sys/devices/virtual/nvme-subsystem/nvme-subsys4";
    const CONTROLLER: &str = "/sys/devices/virtual/nvme-fabrics/ctl/nvme4";
    workstation()
        .nic()
        .address("eno1")
        .block("259:40", &format!("{FOLDER}/nvme4n1"))
        .link(&format!("{FOLDER}/nvme4"), "../../nvme-fabrics/ctl/nvme4")
        .file(&format!("{CONTROLLER}/address"), &format!("{address}\n"))
        .mounted("259:40", "/srv", "xfs", "/dev/nvme4n1")
}

/// A disk that is reached through two controllers of a storage network.
fn two_paths() -> FakeHost {
    let host = workstation().with(SECOND, 0x0c_0400, (0x1077, 0x2261), Some("qla2xxx"), 22).with(
        BMC,
        0x0c_0400,
        (0x1077, 0x2261),
        Some("qla2xxx"),
        25,
    );
    let disk = |function, n: u32, name: &str| {
        let folder = workstation().folder_of(function);
        format!("{folder}/host{n}/rport-{n}:0-0/target{n}:0:0/{n}:0:0:0/block/{name}")
    };
    let (first, second) = (disk(SECOND, 7, "sdd"), disk(BMC, 8, "sde"));
    host.block("8:48", &first).block("8:64", &second).volume(
        "253:9",
        "dm-9",
        "mpatha",
        &[&first, &second],
    )
}

fn nfs(server: &str, options: &str) -> FakeHost {
    let source = format!("{server}:/export");
    workstation().nic().address("eno1").mounted_with("0:44", "/srv", "nfs4", &source, options)
}

fn two_ports() -> FakeHost {
    workstation()
        .nic()
        .with(NIC_2, 0x02_0000, (0x8086, 0x1533), Some("igb"), 23)
        .interface_on(NIC_2, "eno2")
}

fn virtio_nic() -> FakeHost {
    let host = workstation().with(NIC, 0x02_0000, (0x1af4, 0x1041), Some("virtio-pci"), 20);
    let path = format!("{}/virtio1/net/eth0", host.folder_of(NIC));
    host.interface("eth0", &path)
}

/// Looked at from a container.
fn container(host: FakeHost) -> FakeHost {
    host.link("/proc/self/ns/pid", "pid:[4026532001]")
}

/// Looked at from a namespace of networks; that of the first process is told.
fn other_network(host: FakeHost, own: &str) -> FakeHost {
    host.link("/proc/self/ns/net", own).link("/proc/1/ns/net", "net:[4026531840]")
}

/// The GPU on its driver, and no display of the processor.
fn held() -> FakeHost {
    FakeHost::gpu_held_by_nvidia()
}

#[rustfmt::skip]
fn disks() -> Vec<Case> {
    use Verdict::{Blocked, Ready, Undetermined};
    let (nvme, second) = (|| want(NVME), || want(SECOND));
    let part = workstation().partition(3);
    let disk = second_disk();
    vec![
        case("the system's NVMe", workstation(), nvme(), "AH207 AH401 [AH302]", Blocked),
        case("another NVMe", two_nvmes(), second(), "AH207 [AH302]", Blocked),
        case("the system's NVMe already on vfio-pci", workstation().driver(NVME, Some("vfio-pci")), nvme(), "", Ready),
        case("the system's NVMe without a driver", workstation().driver(NVME, None), nvme(), "AH208", Blocked),
        case("the system's NVMe in the group of the GPU", workstation().group(NVME, Some(16)), ONE_GPU, "AH302 AH401 [AH301]", Blocked),
        case("another NVMe in the group of the GPU", two_nvmes().group(SECOND, Some(16)), ONE_GPU, "AH302 [AH301]", Blocked),
        case("the NVMe in the GPU's group, already on vfio-pci", workstation().group(NVME, Some(16)).driver(NVME, Some("vfio-pci")), ONE_GPU, "AH301", Blocked),
        case("LVM on LUKS on NVMe", workstation().luks_lvm(), nvme(), "AH207 AH401 [AH302]", Blocked),
        case("LVM on LUKS, another NVMe", two_nvmes().luks_lvm(), second(), "AH207 [AH302]", Blocked),
        case("LUKS, its slaves lost", workstation().luks_lvm().without("/sys/devices/virtual/block/dm-0/slaves"), nvme(), "AH207 [AH302] AH401?", Blocked),
        case("a volume that holds itself", workstation().luks_lvm().made("253:0", "dm-0", &["/sys/devices/virtual/block/dm-1"]), nvme(), "AH207 [AH302]", Blocked),
        case("btrfs of two, the first", two_nvmes().nothing_mounted().btrfs("3f1c", &[&part, &disk]).mounted("0:30", "/", "btrfs", "/dev/nvme0n1p3"), nvme(), "AH207 AH401 [AH302]", Blocked),
        case("btrfs of two, the second", two_nvmes().nothing_mounted().btrfs("3f1c", &[&part, &disk]).mounted("0:30", "/", "btrfs", "/dev/nvme0n1p3"), second(), "AH207 AH401 [AH302]", Blocked),
        case("btrfs on one of two", two_nvmes().nothing_mounted().btrfs("3f1c", &[&part]).btrfs("4a2d", &[&disk]).mounted("0:30", "/", "btrfs", "/dev/nvme0n1p3"), second(), "AH207 [AH302]", Blocked),
        case("btrfs whose source tells nothing", two_nvmes().nothing_mounted().btrfs("3f1c", &[&part, &disk]).mounted("0:30", "/", "btrfs", "/dev/root"), second(), "AH207 AH401 [AH302]", Blocked),
        case("btrfs whose source tells nothing, of several", two_nvmes().nothing_mounted().btrfs("3f1c", &[&part]).btrfs("4a2d", &[&disk]).mounted("0:30", "/", "btrfs", "/dev/root"), second(), "AH207 [AH302] AH401?", Blocked),
        case("btrfs, its devices not captured", two_nvmes().nothing_mounted().mounted("0:30", "/", "btrfs", "/dev/nvme0n1p3"), second(), "AH207 [AH302] AH401?", Blocked),
        case("MD of two, the first", two_nvmes().nothing_mounted().made("9:0", "md0", &[&part, &disk]).mounted("9:0", "/", "ext4", "/dev/md0"), nvme(), "AH207 AH401 [AH302]", Blocked),
        case("MD of two, the second", two_nvmes().nothing_mounted().made("9:0", "md0", &[&part, &disk]).mounted("9:0", "/", "ext4", "/dev/md0"), second(), "AH207 AH401 [AH302]", Blocked),
        case("a partition of MD", two_nvmes().nothing_mounted().made("9:0", "md0", &[&disk]).block("259:30", "/sys/devices/virtual/block/md0/md0p1").without("/sys/devices/virtual/block/md0/md0p1/slaves").mounted("259:30", "/", "ext4", "/dev/md0p1"), second(), "AH207 AH401 [AH302]", Blocked),
        case("MD without a filesystem", two_nvmes().made("9:0", "md0", &[&disk]), second(), "AH207 AH401 [AH302]", Blocked),
        case("an active volume without a filesystem", two_nvmes().volume("253:5", "dm-5", "vg-vm1", &[&disk]), second(), "AH207 AH401 [AH302]", Blocked),
        case("a partition table alone is no use", two_nvmes().block("259:9", &format!("{disk}/nvme1n1p1")), second(), "AH207 [AH302]", Blocked),
        case("bcache, the cache", two_nvmes().nothing_mounted().made("252:0", "bcache0", &[&part, &disk]).mounted("252:0", "/home", "ext4", "/dev/bcache0"), second(), "AH207 AH401 [AH302]", Blocked),
        case("two paths to a disk, one of them", two_paths().mounted("253:9", "/", "xfs", "/dev/mapper/mpatha"), second(), "AH207 AH401 [AH302]", Blocked),
        case("two paths to a disk, the other, active alone", two_paths(), want(BMC), "AH207 AH401 [AH302]", Blocked),
        case("a driver that only sounds like VFIO", workstation().driver(NVME, Some("vfio-platform")), nvme(), "AH207 AH401 [AH302]", Blocked),
        case("swap alone", two_nvmes().swap("/dev/nvme1n1", "partition"), second(), "AH207 AH401 [AH302]", Blocked),
        case("a swap file", workstation().swap("/swapfile", "file"), nvme(), "AH207 AH401 [AH302]", Blocked),
        case("a swap file on another filesystem", two_nvmes().mounted("259:8", "/var", "ext4", "/dev/nvme1n1").swap("/var/a\\040b", "file"), second(), "AH207 AH401 [AH302]", Blocked),
        case("swap in memory", two_nvmes().made("254:0", "zram0", &[]).swap("/dev/zram0", "partition"), second(), "AH207 [AH302]", Blocked),
        case("swap in memory, written back to a disk", two_nvmes().made("254:0", "zram0", &[]).file("/sys/devices/virtual/block/zram0/backing_dev", "/dev/nvme1n1\n").swap("/dev/zram0", "partition"), second(), "AH207 AH401 [AH302]", Blocked),
        case("a loop of a file", two_nvmes().mounted("259:8", "/data", "ext4", "/dev/nvme1n1").made("7:0", "loop0", &[]).file("/sys/devices/virtual/block/loop0/loop/backing_file", "/data/x.snap\n").mounted("7:0", "/snap/x/1", "squashfs", "/dev/loop0"), second(), "AH207 AH401 [AH302]", Blocked),
        case("a loop of a file below a name with a blank", two_nvmes().mounted("259:8", r"/mnt/my\040disk", "ext4", "/dev/nvme1n1").made("7:0", "loop0", &[]).file("/sys/devices/virtual/block/loop0/loop/backing_file", "/mnt/my disk/an image.img\n").mounted("7:0", "/x", "squashfs", "/dev/loop0"), second(), "AH207 AH401 [AH302]", Blocked),
        case("a loop of a disk", two_nvmes().made("7:0", "loop0", &[]).file("/sys/devices/virtual/block/loop0/loop/backing_file", "/dev/nvme1n1\n").mounted("7:0", "/x", "ext4", "/dev/loop0"), second(), "AH207 AH401 [AH302]", Blocked),
        case("a loop that does not tell its file", two_nvmes().made("7:0", "loop0", &[]).mounted("7:0", "/x", "ext4", "/dev/loop0"), second(), "AH207 [AH302] AH401?", Blocked),
        case("NVMe multipath, one controller", multipath(), nvme(), "AH207 AH401 [AH302]", Blocked),
        case("NVMe multipath, the other", multipath(), second(), "AH207 AH401 [AH302]", Blocked),
        case("NVMe multipath, no controller told", multipath().without("/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0").without("/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme1"), second(), "AH207 [AH302] AH401?", Blocked),
        case("a drive behind VMD", vmd(), want(VMD_CHILD), "AH207 AH302 AH401 AH401 [AH301]", Blocked),
        case("VMD itself", vmd(), want(VMD), "AH207 AH302 AH401 AH401 [AH301]", Blocked),
        case("a disk on USB with a filesystem", usb_disk().mounted("8:1", "/media/a", "vfat", "/dev/sda1"), want(USB), "AH207 AH401 [AH302]", Blocked),
        case("a disk on USB without use", usb_disk(), want(USB), "AH207 [AH302]", Blocked),
        case("ZFS, a disk that nothing explains", two_nvmes().mounted("0:40", "/tank", "zfs", "tank/data"), second(), "AH207 [AH302] AH401?", Blocked),
        case("ZFS, and no disk below", workstation().usb_controller().mounted("0:40", "/tank", "zfs", "tank/data"), want(USB), "AH207 [AH302]", Blocked),
        case("a zvol", two_nvmes().made("230:0", "zd0", &[]).mounted("230:0", "/vol", "ext4", "/dev/zd0"), second(), "AH207 [AH302] AH401?", Blocked),
        case("a pool of ZFS without a mount", two_nvmes().folder("/proc/spl/kstat/zfs/tank"), second(), "AH207 [AH302] AH401?", Blocked),
        case("ZFS without a pool", two_nvmes().file("/proc/spl/kstat/zfs/arcstats", "1\n"), second(), "AH207 [AH302]", Blocked),
        case("a zvol without a mount", two_nvmes().made("230:0", "zd0", &[]), second(), "AH207 [AH302] AH401?", Blocked),
        case("NTFS of a program", two_nvmes().mounted("0:70", "/win", "fuseblk", "/dev/nvme1n1"), second(), "AH207 AH401 [AH302]", Blocked),
        case("a filesystem of a program on a disk", two_nvmes().mounted("0:70", "/win", "fuse", "/dev/nvme1n1"), second(), "AH207 AH401 [AH302]", Blocked),
        case("a filesystem of a program without a disk", two_nvmes().mounted("0:70", "/win", "fuse", "/dev/fuse"), second(), "AH207 [AH302]", Blocked),
        case("an array with a name", two_nvmes().made("9:127", "md_home", &[&disk]), second(), "AH207 AH401 [AH302]", Blocked),
        case("an overlay stands on no device", two_nvmes().mounted("0:50", "/x", "overlay", "overlay").mounted("0:51", "/y", "9p", "share").mounted("0:52", "/z", "virtiofs", "tag").mounted("0:53", "/w", "fuse.portal", "portal"), second(), "AH207 [AH302]", Blocked),
        case("mounts not captured", two_nvmes().without("/proc/1/mountinfo"), second(), "AH207 [AH302] AH401?", Blocked),
        case("mounts of the reader alone", two_nvmes().without("/proc/1/mountinfo").file("/proc/self/mountinfo", "1 0 259:8 / / rw - xfs /dev/nvme1n1 rw\n"), second(), "AH207 AH401 [AH302]", Blocked),
        case("mounts in no form", two_nvmes().file("/proc/1/mountinfo", "/dev/sda1 / ext4 rw 0 0\n"), second(), "AH207 [AH302] AH401?", Blocked),
        case("a kernel without swap", two_nvmes().without("/proc/swaps"), second(), "AH207 [AH302]", Blocked),
        case("swaps in no form", two_nvmes().file("/proc/swaps", "rubbish\n"), second(), "AH207 [AH302] AH401?", Blocked),
        case("mounts not captured, already on vfio-pci", workstation().without("/proc/1/mountinfo"), ONE_GPU, "", Ready),
        case("mounts not captured, a GPU has no disk", held().without("/proc/1/mountinfo"), ONE_GPU, "AH207 AH207 [AH302]", Blocked),
        case("mounts not captured, a disk in the group", workstation().group(NVME, Some(16)).without("/proc/1/mountinfo"), ONE_GPU, "AH302 [AH301] AH401?", Blocked),
        case("mounts not captured, a controller without disks", workstation().usb_controller().without("/proc/1/mountinfo"), want(USB), "AH207 [AH302]", Blocked),
        case("block devices not captured", two_nvmes().without("/sys/class/block").without("/sys/dev/block"), second(), "AH207 [AH302] AH401?", Blocked),
        case("in a container", container(two_nvmes()), second(), "AH207 [AH302] AH401?", Blocked),
        case("in a container, a ready plan", container(workstation()), ONE_GPU, "", Ready),
        case("in a container, a GPU has no disk", container(held()), ONE_GPU, "AH207 AH207 [AH302]", Blocked),
        case("a container's view of the mounts", two_nvmes().nothing_mounted().mounted("0:60", "/", "overlay", "overlay"), second(), "AH207 [AH302] AH401?", Blocked),
        case("a live system's view of the mounts", two_nvmes().nothing_mounted().mounted("0:60", "/", "tmpfs", "none"), nvme(), "AH207 [AH302] AH401?", Blocked),
        case("a layered root over a disk", two_nvmes().mounted("0:60", "/", "overlay", "overlay"), second(), "AH207 [AH302]", Blocked),
        case("the driver of the disk not known", workstation().without_attribute(NVME, "uevent").without_attribute(NVME, "driver").without_attribute(NVME, "vfio-dev"), nvme(), "AH401 AH207? AH208? AH302?", Blocked),
        case("the driver of another disk not known", two_nvmes().without_attribute(SECOND, "uevent").without_attribute(SECOND, "driver"), second(), "AH207? AH208? AH302?", Undetermined),
    ]
}

#[rustfmt::skip]
fn network() -> Vec<Case> {
    use Verdict::{Blocked, Ready};
    let nic = || want(NIC);
    vec![
        case("the default route", workstation().nic().default_route("eno1"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("the default route, already on vfio-pci", workstation().nic().default_route("eno1").driver(NIC, Some("vfio-pci")), nic(), "", Ready),
        case("the default route of IPv6 alone", workstation().nic().default_route_v6("eno1"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("a kernel without IPv6", workstation().nic().without("/proc/net/ipv6_route").without("/proc/net/if_inet6"), nic(), "AH207 [AH302]", Blocked),
        case("an interface without an address", workstation().nic(), nic(), "AH207 [AH302]", Blocked),
        case("an address and no route", two_ports().default_route("eno2").address("eno1"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("an address of IPv6", workstation().nic().address_v6("eno1", "00"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("an address of the link alone", workstation().nic().address_v6("eno1", "20"), nic(), "AH207 [AH302]", Blocked),
        case("an address, and no cable", workstation().nic().address("eno1").operstate("eno1", NIC, "down"), nic(), "AH207 [AH302]", Blocked),
        case("the other port", two_ports().default_route("eno2"), nic(), "AH207 [AH302]", Blocked),
        case("a bond", two_ports().upper("bond0", &["eno1", "eno2"]).default_route("bond0"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("the other leg of a bond", two_ports().upper("bond0", &["eno1", "eno2"]).default_route("bond0"), want(NIC_2), "AH207 AH402 [AH302]", Blocked),
        case("a VLAN on a bridge", workstation().nic().upper("br0", &["eno1"]).upper("br0.7", &["br0"]).default_route("br0.7"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("a bridge with a VLAN", two_ports().upper("eno1.7", &["eno1"]).upper("br0", &["eno1.7"]).default_route("br0"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("a bond in a bridge", two_ports().upper("bond0", &["eno1", "eno2"]).upper("br0", &["bond0"]).default_route("br0"), want(NIC_2), "AH207 AH402 [AH302]", Blocked),
        case("interfaces in a loop", workstation().nic().upper("br0", &["br1"]).upper("br1", &["br0"]).default_route("br0"), nic(), "AH207 [AH302]", Blocked),
        case("Open vSwitch", workstation().nic().upper("ovs-system", &["eno1"]).upper("br-ex", &[]).default_route("br-ex"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("a tunnel alone", workstation().nic().upper("tun0", &[]).default_route("tun0"), nic(), "AH207 [AH302] AH402?", Blocked),
        case("a tunnel over the card with an address", workstation().nic().address("eno1").upper("wg0", &[]).default_route("wg0"), nic(), "AH207 AH402 [AH302] AH402?", Blocked),
        case("a tunnel beside the default route", two_ports().default_route("eno2").upper("wg0", &[]).address("wg0"), nic(), "AH207 [AH302]", Blocked),
        case("a dummy with the default route", workstation().nic().upper("dummy0", &[]).default_route("dummy0"), nic(), "AH207 [AH302]", Blocked),
        case("no routes at all", workstation().nic().file("/proc/net/route", ""), nic(), "AH207 [AH302]", Blocked),
        case("a virtio interface", virtio_nic().default_route("eth0"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("an interface on USB", workstation().usb_controller().interface("usb0", &format!("{}/usb1/1-2/1-2:1.0/net/usb0", workstation().usb_controller().folder_of(USB))).default_route("usb0"), want(USB), "AH207 AH402 [AH302]", Blocked),
        case("root on NFS", nfs("server", "rw,vers=4.2,addr=192.0.2.9"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("NFS through the other port", nfs("server", "rw,addr=198.51.100.9").with(NIC_2, 0x02_0000, (0x8086, 0x1533), Some("igb"), 23).interface_on(NIC_2, "eno2").default_route("eno2"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("a server by name alone", nfs("server", "rw"), nic(), "AH207 AH402 [AH302] AH402?", Blocked),
        case("a server by name alone, an interface without an address", two_ports().address("eno2").mounted("0:44", "/srv", "nfs", "server:/x"), nic(), "AH207 [AH302]", Blocked),
        case("SMB", workstation().nic().address("eno1").mounted_with("0:45", "/smb", "cifs", "//files/share", "rw,addr=192.0.2.9"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("iSCSI", iscsi(), nic(), "AH207 AH402 [AH302]", Blocked),
        case("iSCSI, the server not told", iscsi().without("/sys/class/iscsi_connection"), nic(), "AH207 AH402 [AH302] AH402?", Blocked),
        case("NVMe over TCP", fabrics("traddr=192.0.2.50,trsvcid=4420,src_addr=192.0.2.7"), nic(), "AH207 AH402 [AH302]", Blocked),
        case("NVMe over Fibre Channel", fabrics("traddr=nn-0x1:pn-0x2,host_traddr=nn-0x3:pn-0x4"), nic(), "AH207 AH402 [AH302] AH401? AH402?", Blocked),
        case("a network block device", workstation().nic().address("eno1").made("43:0", "nbd0", &[]).mounted("43:0", "/n", "ext4", "/dev/nbd0"), nic(), "AH207 AH402 [AH302] AH402?", Blocked),
        case("routes not captured", workstation().nic().without("/proc/net/route"), nic(), "AH207 [AH302] AH402?", Blocked),
        case("routes in no form", workstation().nic().file("/proc/net/ipv6_route", "rubbish\n"), nic(), "AH207 [AH302] AH402?", Blocked),
        case("interfaces not captured", workstation().nic().without("/sys/class/net"), nic(), "AH207 [AH302] AH402?", Blocked),
        case("the lower interfaces not captured", workstation().nic().link("/sys/class/net/br0", "../../devices/virtual/net/br0").default_route("br0"), nic(), "AH207 [AH302] AH402?", Blocked),
        case("routes not captured, a GPU has no network", held().without("/proc/net/route"), ONE_GPU, "AH207 AH207 [AH302]", Blocked),
        case("routes in a container", container(workstation().nic()), nic(), "AH207 [AH302] AH402?", Blocked),
        case("the network of another namespace", other_network(two_ports().default_route("eno2"), "net:[4026532008]"), nic(), "AH207 [AH302] AH402?", Blocked),
        case("the network of the first process", other_network(two_ports().default_route("eno2"), "net:[4026531840]"), nic(), "AH207 [AH302]", Blocked),
        case("the network of the first process not to be seen", two_ports().default_route("eno2").link("/proc/self/ns/net", "net:[4026532008]").denied("/proc/1/ns/net"), nic(), "AH207 [AH302]", Blocked),
        case("an interface that went to another namespace", workstation().with(NIC, 0x02_0000, (0x8086, 0x1533), Some("igb"), 20), nic(), "AH207 [AH302] AH402?", Blocked),
        case("no interface, and no driver", workstation().with(NIC, 0x02_0000, (0x8086, 0x1533), None, 20), nic(), "AH208", Blocked),
        case("the NIC in the group of the GPU", workstation().nic().default_route("eno1").group(NIC, Some(16)), ONE_GPU, "AH302 AH402 [AH301]", Blocked),
    ]
}

#[rustfmt::skip]
fn display() -> Vec<Case> {
    use Verdict::{Blocked, Ready};
    let alone = |driver| held().driver(IGPU, driver);
    let bmc = || held().driver(IGPU, Some("vfio-pci")).with(BMC, 0x03_0000, (0x1a03, 0x2000), Some("ast"), 25);
    let both = wanting(&[(GPU, "gpu"), (GPU_AUDIO, "audio"), (IGPU, "gpu")]);
    vec![
        case("another display is left", held(), ONE_GPU, "AH207 AH207 [AH302]", Blocked),
        case("the only display", alone(Some("vfio-pci")), ONE_GPU, "AH207 AH207 AH403 [AH302]", Blocked),
        case("the other one on a stub", alone(Some("pci-stub")), ONE_GPU, "AH207 AH207 AH403 [AH302]", Blocked),
        case("the only display, a member of the group", alone(Some("vfio-pci")).driver(GPU_AUDIO, Some("vfio-pci")), wanting(&[(GPU_AUDIO, "audio")]), "AH302 AH403 [AH301]", Blocked),
        case("a management controller's display without a driver", bmc().driver(BMC, None), ONE_GPU, "AH207 AH207 AH403 [AH302]", Blocked),
        case("the other display without a driver", alone(None).attribute(IGPU, "boot_vga", "0\n"), ONE_GPU, "AH207 AH207 AH403 [AH302]", Blocked),
        case("the other display without a driver, where the console is", alone(None), ONE_GPU, "AH207 AH207 [AH302]", Blocked),
        case("whether the console is on the other display is not known", alone(None).attribute(IGPU, "boot_vga", "rubbish\n"), ONE_GPU, "AH207 AH207 [AH302] AH403?", Blocked),
        case("both displays wanted", held(), both.clone(), "AH207 AH207 AH207 AH403 AH403 [AH302 AH302]", Blocked),
        case("both displays wanted, each by another VM", held(), by_two(GPU, IGPU, true), "AH207 AH207 AH302 AH403 AH403 [AH301 AH302]", Blocked),
        case("both displays wanted, one by a VM that is started by hand", held(), by_two(GPU, IGPU, false), "AH207 AH207 AH302 AH403 [AH301 AH302]", Blocked),
        case("the last one wanted, the other on vfio-pci", workstation(), want(IGPU), "AH207 AH403 [AH302]", Blocked),
        case("already on vfio-pci", workstation().driver(IGPU, Some("vfio-pci")), ONE_GPU, "", Ready),
        case("a management controller's display", bmc(), ONE_GPU, "AH207 AH207 [AH302]", Blocked),
        case("a 3D controller is no display", alone(Some("vfio-pci")).attribute(GPU, "uevent", "DRIVER=nvidia\nPCI_CLASS=30200\nPCI_ID=10DE:2684\nPCI_SLOT_NAME=0000:01:00.0\n"), ONE_GPU, "AH207 AH207 [AH302]", Blocked),
        case("the monitor on it", held().output(GPU, "card1", true), ONE_GPU, "AH207 AH207 AH403 [AH302]", Blocked),
        case("outputs without a monitor", held().output(GPU, "card1", false), ONE_GPU, "AH207 AH207 [AH302]", Blocked),
        case("the firmware started on it", held().attribute(GPU, "boot_vga", "1\n"), ONE_GPU, "AH207 AH207 AH403 [AH302]", Blocked),
        case("the class of another function not known", alone(Some("vfio-pci")).attribute(NVME, "uevent", "PCI_CLASS=rubbish\n").attribute(NVME, "class", "rubbish\n"), ONE_GPU, "AH207 AH207 [AH302] AH403?", Blocked),
        case("the driver of the other display not known", held().without_attribute(IGPU, "uevent").without_attribute(IGPU, "driver"), ONE_GPU, "AH207 AH207 [AH302] AH403?", Blocked),
        case("the bus not captured", held().without("/sys/bus/pci/devices"), GPU_ONLY, "AH201?", Verdict::Undetermined),
        case("outputs not captured", held().without("/sys/class/drm"), ONE_GPU, "AH207 AH207 [AH302]", Blocked),
    ]
}

#[rustfmt::skip]
fn input() -> Vec<Case> {
    use Verdict::{Blocked, Ready};
    let usb = || want(USB);
    let second = Address::new(0, 7, 0, 0);
    let two = || workstation().usb_controller().with(second, 0x0c_0330, (0x1912, 0x0014), Some("xhci_hcd"), 26).keyboards_on(&[USB, second]);
    vec![
        case("the last keyboard", workstation().usb_controller().usb_keyboard_only(), usb(), "AH207 AH404 [AH302]", Blocked),
        case("the last keyboard, already on vfio-pci", workstation().usb_controller().usb_keyboard_only().driver(USB, Some("vfio-pci")), usb(), "", Ready),
        case("a keyboard on PS/2 stays", workstation().usb_controller(), usb(), "AH207 [AH302]", Blocked),
        case("a keyboard on another controller stays", two(), usb(), "AH207 [AH302]", Blocked),
        case("both controllers wanted", two(), wanting(&[(USB, "other"), (second, "other")]), "AH207 AH207 AH404 AH404 [AH302 AH302]", Blocked),
        case("both controllers wanted, each by another VM", two(), by_two(USB, second, true), "AH207 AH207 AH404 AH404 [AH302 AH302]", Blocked),
        case("both controllers wanted, one by a VM that is started by hand", two(), by_two(USB, second, false), "AH207 AH207 AH404 [AH302 AH302]", Blocked),
        case("a host without a keyboard", workstation().usb_controller().keyboards_on(&[]), usb(), "AH207 [AH302]", Blocked),
        case("input devices absent", workstation().usb_controller().without("/proc/bus/input/devices"), usb(), "AH207 [AH302]", Blocked),
        case("input devices in no form", workstation().usb_controller().file("/proc/bus/input/devices", "rubbish\n"), usb(), "AH207 [AH302] AH404?", Blocked),
        case("keyboards in a container", container(workstation().usb_controller()), usb(), "AH207 [AH302] AH404?", Blocked),
        case("the keyboard's controller in the group of the GPU", workstation().usb_controller().usb_keyboard_only().group(USB, Some(16)), ONE_GPU, "AH302 AH404 [AH301]", Blocked),
    ]
}

#[rustfmt::skip]
fn chipset() -> Vec<Case> {
    use Verdict::{Blocked, Ready};
    let smbus = |driver| workstation().with(SMBUS, 0x0c_0500, (0x8086, 0xa323), driver, 16);
    let host_bridge = Address::new(0, 0, 0, 0);
    vec![
        case("SMBus in the group of the audio function", smbus(Some("i801_smbus")), ONE_GPU, "AH302 AH405 [AH301]", Blocked),
        case("SMBus without a driver", smbus(None), ONE_GPU, "AH301", Blocked),
        case("SMBus wanted", smbus(Some("i801_smbus")).group(SMBUS, Some(27)), want(SMBUS), "AH207 AH405 [AH302]", Blocked),
        case("an ISA bridge wanted", workstation().driver(LPC, Some("lpc_ich")), want(LPC), "AH205 AH302 AH405", Blocked),
        case("an ISA bridge without a driver wanted", workstation(), want(LPC), "AH205", Blocked),
        case("a host bridge wanted", workstation().driver(host_bridge, Some("skl_uncore")), want(host_bridge), "AH205 AH302 AH405", Blocked),
        case("a PCI bridge wanted", workstation(), want(ROOT_PORT), "AH205 AH405", Blocked),
        case("a bridge's hot-plug service in the group", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, Some("shpchp")), ONE_GPU, "AH302", Blocked),
        case("a bridge in the group, above the disk", workstation().group(Address::new(0, 0, 6, 0), Some(16)), ONE_GPU, "", Ready),
        case("a PCI bridge above the disk wanted", workstation(), want(Address::new(0, 0, 6, 0)), "AH205 AH405", Blocked),
        case("an ISA bridge that the kernel may let be", workstation().group(LPC, Some(16)).driver(LPC, Some("pci-stub")), ONE_GPU, "", Ready),
    ]
}
