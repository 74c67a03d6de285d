use std::net::IpAddr;

use super::*;
use crate::host::fake::FakeHost;

const MACHINE: &str = "0123456789abcdef0123456789abcdef\n";

fn of(machine: &str) -> StandIns {
    let host = FakeHost::workstation()
        .file("/etc/machine-id", machine)
        .file("/proc/sys/kernel/hostname", "pan-01.example.org\n");
    StandIns::of(&Root::memory(host.tree()))
}

fn stand_ins() -> StandIns {
    of(MACHINE)
}

fn told(place: &str, text: &str) -> String {
    String::from_utf8(stand_ins().contents(place, text.into())).unwrap()
}

fn ip(text: &str) -> IpAddr {
    stand_ins().ip(text.parse().unwrap())
}

#[test]
fn the_same_value_has_the_same_stand_in_on_one_host_alone() {
    let mac = "00:16:3e:0a:0b:0c";
    let shown = stand_ins().words(mac);
    assert_ne!(shown, mac);
    assert_eq!(shown, stand_ins().words(mac));
    assert_ne!(shown, of("ffff456789abcdef0123456789abcdef\n").words(mac));
    assert_eq!(u8::from_str_radix(&shown[..2], 16).unwrap() & 3, 2, "{shown}");
}

#[test]
fn of_the_memory_only_what_is_asked_for_is_kept() {
    let host = "MemTotal:       65536 kB\nMemFree:        1234 kB\nMemAvailable:   4321 kB\nHugepagesize:   2048 kB\n";
    let kept = "MemTotal:       65536 kB\nMemAvailable:   4321 kB\nHugepagesize:   2048 kB\n";
    assert_eq!(told("/proc/meminfo", host), kept);
    let node = "Node 1 MemTotal:  4096 kB\nNode 1 FilePages:  17 kB\n";
    assert_eq!(told("/sys/devices/system/node/node1/meminfo", node), "Node 1 MemTotal:  4096 kB\n");
}

#[test]
fn numbers_are_replaced_wherever_they_stand() {
    let stand_ins = stand_ins();
    let interface = stand_ins.words("enx00163e0a0b0c");
    assert_eq!(interface[3..], stand_ins.words("00:16:3E:0A:0B:0C").replace(':', ""));
    for text in [
        "lower_enx00163e0a0b0c",
        "enx00163e0a0b0c.100",
        "../../devices/pci0000:00/0000:00:1f.6/net/enx00163e0a0b0c",
        "luks-01234567-89ab-cdef-0123-456789abcdef",
        "GPU-01234567-89AB-CDEF-0123-456789ABCDEF",
        "00-16-3e-0a-0b-0c",
        "80:00:02:08:fe:80:00:00:00:00:00:00:f4:52:14:03:00:7b:cb:a1",
        "docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ] {
        let shown = stand_ins.words(text);
        assert_ne!(shown, text);
        assert_eq!(shown.len(), text.len(), "{shown}");
        assert_eq!(stand_ins.real(&shown), text, "a path with it is found");
    }
    for kept in [
        "0000:01:00.0",
        "pci:v000010DEd00002684sv00001043sd000088E2bc03sc00i00",
        "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0",
        "0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200",
        "B: KEY=402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe",
        "0003:046D:C31C.0001",
        "ff:ff:ff:ff:ff:ff",
        "00000000-0000-0000-0000-000000000000",
        "\u{e9}t\u{e9} 12:34",
    ] {
        assert_eq!(stand_ins.words(kept), kept);
    }
}

#[test]
fn addresses_in_one_network_stay_in_one() {
    for (one, other, prefix) in [
        ("192.168.17.4", "192.168.17.200", 24),
        ("10.1.2.3", "10.1.99.3", 16),
        ("203.0.113.7", "203.0.113.8", 28),
    ] {
        let bits = |text| match ip(text) {
            IpAddr::V4(address) => address.to_bits(),
            IpAddr::V6(_) => unreachable!(),
        };
        let (a, b) = (bits(one), bits(other));
        let shared = (a ^ b).leading_zeros();
        let real = |text: &str| text.parse::<std::net::Ipv4Addr>().unwrap().to_bits();
        assert_eq!(shared, (real(one) ^ real(other)).leading_zeros(), "{one} {other}");
        assert!(shared >= prefix && real(one) != a);
    }
    for kept in ["0.0.0.0", "127.0.0.1", "224.0.0.251", "255.255.255.0", "::", "::1"] {
        assert_eq!(ip(kept).to_string(), kept);
    }
    for (text, start) in [
        ("10.9.8.7", "10."),
        ("192.168.4.4", "192.168."),
        ("169.254.3.4", "169.254."),
        ("fe80::216:3eff:fe0a:b0c", "fe80::"),
    ] {
        let shown = ip(text).to_string();
        assert!(shown.starts_with(start) && shown != text, "{shown}");
    }
    let outside = ip("8.8.8.8");
    assert!(!outside.is_loopback() && !outside.is_multicast());
}

#[test]
fn routes_reach_what_they_reached() {
    let line = "eno1\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0";
    let shown = told("/proc/self/net/route", line);
    let words: Vec<&str> = shown.split('\t').collect();
    assert_ne!(words[1], "0002A8C0");
    let IpAddr::V4(member) = ip("192.168.2.77") else { unreachable!() };
    let network = u32::from_str_radix(words[1], 16).unwrap().swap_bytes();
    assert_eq!(member.to_bits() & 0xffff_ff00, network);
    let head =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
    assert_eq!(told("/proc/net/route", head), head);
    let default = "eno1\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";
    let shown = told("/proc/net/route", default);
    assert!(shown.contains("\t00000000\t") && !shown.contains("0102A8C0"), "{shown}");
    let v6 = "20010db8000000010000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eno1";
    let shown = told("/proc/net/ipv6_route", v6);
    assert!(!shown.contains("20010db8") && shown.contains("0000000000000000 40"), "{shown}");
}

#[test]
fn mounts_keep_their_bounds_and_lose_their_names() {
    let table = "36 35 98:0 / /home/alice rw,noatime shared:1 - ext4 /dev/mapper/pan--01-home rw,errors=remount-ro\n\
        40 35 0:44 / /srv/acme/scratch rw - nfs4 nas.acme.example:/export/acme rw,vers=4.2,clientaddr=192.168.2.5,addr=192.168.2.9\n\
        41 35 0:45 / /mnt/backup rw - cifs //nas/acme rw,username=7alice,pass=9hunter2,domain=1ACME,rsize=65536,addr=2001:db8::9\n\
        42 35 0:46 / /opt/x\\040y rw - fuse.sshfs alice@[2001:db8::9]:/x rw,user_id=1000\n";
    let shown = told("/proc/1/mountinfo", table);
    for secret in ["alice", "acme", "ACME", "pan", "192.168.2.", "db8", "nas", "x\\040y"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    assert_eq!(shown.lines().count(), 4);
    for kept in [
        "98:0 / /home/d-",
        "rw,errors=remount-ro",
        "/dev/mapper/host",
        "-home",
        ":/export/s-",
        "vers=4.2",
        "addr=192.168.",
        "/mnt/d-",
        "username=*,pass=*,domain=*,rsize=65536",
        " - fuse.sshfs s-",
        "@[",
    ] {
        let kept = kept.replace(":/export/s-", ":/s-");
        assert!(shown.contains(&kept), "{kept}: {shown}");
    }
    assert_eq!(told("/proc/1/mountinfo", "rubbish alice\n"), "*\n");
    let swaps = "Filename\tType\n/home/alice/swap file 1 0 -2\n";
    let shown = told("/proc/swaps", swaps);
    assert!(shown.starts_with("Filename\tType\n/home/d-") && !shown.contains("alice"), "{shown}");
    assert_eq!(told("/sys/devices/virtual/block/dm-0/dm/name", "pan--01-root\n").len(), 18);
    assert_eq!(told("/sys/x/loop0/loop/backing_file", "/var/lib/images\n"), "/var/lib/images\n");
}

/// The chain of a loop device hangs on it: its file is told with a blank, and the mount without.
#[test]
fn a_name_with_a_blank_is_one_name() {
    let line = |point: &str| format!("36 35 98:0 / {point} rw - ext4 /dev/sda1 rw\n");
    let shown = told("/proc/1/mountinfo", &line(r"/mnt/my\040\134\011disk"));
    let point = shown.split(' ').nth(4).unwrap();
    assert!(point.starts_with("/mnt/d-") && !shown.contains("disk"), "{shown}");
    let file = told("/sys/x/loop0/loop/backing_file", "/mnt/my \\\tdisk/an image.img\n");
    assert!(file.starts_with(&format!("{point}/d-")), "{file} {shown}");
    assert_eq!(file.lines().count(), 1);
    let swaps = told("/proc/swaps", "/mnt/my\\040\\134\\011disk/x  file\t\t1 0 -2 alice\n");
    assert!(swaps.starts_with(&format!("{point}/d-")), "{swaps} {shown}");
    assert!(swaps.ends_with(" file\t\t1 0 -2 *\n"), "{swaps}");
    // What is no stand-in is written as the kernel writes it.
    let volume = told("/proc/1/mountinfo", &line("/").replace("sda1", r"mapper/a\040b\134x20"));
    assert!(volume.contains(r" /dev/mapper/a\040b\134x20 rw"), "{volume}");
}

#[test]
fn sources_of_mounts_name_no_disk_and_nobody() {
    let source = |kind: &str, source: &str| {
        let line = format!("36 35 0:40 / / rw - {kind} {source} rw\n");
        told("/proc/1/mountinfo", &line).split(' ').nth(8).unwrap().to_owned()
    };
    let disk = |name: &str| stand_ins().disk(name);
    let zfs = source("zfs", "tank/home/alice@before-acme");
    assert!(zfs.starts_with("tank/home/d-") && zfs.contains("@d-"), "{zfs}");
    assert_eq!(source("zfs", "tank"), "tank");
    for tag in ["LABEL", "UUID", "PARTUUID", "PARTLABEL"] {
        assert_eq!(
            source("ext4", &format!("{tag}=AB12-alice")),
            format!("{tag}={}", disk("AB12-alice"))
        );
    }
    assert_eq!(
        source("bcachefs", "/dev/sda:/dev/disk/by-id/ata-ACME_SERIAL77:UUID=1234-ABCD"),
        format!(
            "/dev/sda:/dev/disk/by-id/{}:UUID={}",
            disk("ata-ACME_SERIAL77"),
            disk("1234-ABCD")
        )
    );
    assert_eq!(
        source("ext4", "/dev/disk/by-path/pci-0000:00:1f.2-ata-1"),
        format!("/dev/disk/by-path/{}", disk("pci-0000:00:1f.2-ata-1"))
    );
    for (kind, kept) in [("tmpfs", "tmpfs"), ("tmpfs", "none"), ("ext4", "/dev/nvme0n1p2")] {
        assert_eq!(source(kind, kept), kept);
    }
    for chosen in ["alices-secret", "/dev/zvol/tank/alice", "alice/work"] {
        assert!(!source("tmpfs", chosen).contains("alice"), "{chosen}");
    }
}

#[test]
fn mounts_in_the_kernels_own_folders_lose_their_names() {
    let at = |root: &str, point: &str| {
        let line = format!("36 35 0:40 {root} {point} rw master:1 alice:2 - tmpfs tmpfs rw\n");
        let shown = told("/proc/1/mountinfo", &line);
        assert!(shown.contains(" rw master:1 ") && !shown.contains("alice"), "{shown}");
        let words: Vec<&str> = shown.split(' ').collect();
        (words[3].to_owned(), words[4].to_owned())
    };
    for kept in [
        "/sys/kernel/debug",
        "/proc/sys/fs/binfmt_misc",
        "/dev/hugepages",
        "/dev/pts",
        "/proc/driver/nvidia/gpus/0000:01:00.0",
        "/proc/4242/ns/net",
    ] {
        assert_eq!(at("/", kept).1, kept);
    }
    for named in ["/sys/fs/cgroup/alice.slice", "/proc/alice", "/dev/alice/x", "/dev/shm/alice"] {
        assert!(at("/", named).1.contains("/d-"), "{named}");
    }
    assert_eq!(at("net:[4026531840]", "/run/netns/x").0, "net:[4026531840]");
    assert!(at("net:[alice]", "/run/netns/x").0.starts_with("d-"));
}

/// A name that only begins like one that is kept may be anything.
#[test]
fn parameters_are_known_by_their_whole_names() {
    let line = "vfio-pci.ids=10de:2684 vfio_pci.ids=8086:1533 vfio_alice=a pci=realloc pci_alice=a pcie_acs_override=downstream kvm-intel.nested=1 kvm.alice=a kvmalice hugepages_alice=a iommu.alice=a i915.alice=a rd.driver.pre=vfio-pci rd.driver.alice=a\n";
    assert_eq!(
        told("/proc/cmdline", line),
        "vfio-pci.ids=10de:2684 vfio_pci.ids=8086:1533 vfio_alice=* pci=realloc pci_alice=* pcie_acs_override=downstream kvm-intel.nested=1 kvm.alice=* * hugepages_alice=* iommu.alice=* i915.alice=* rd.driver.pre=vfio-pci rd.driver.alice=*\n"
    );
}

#[test]
fn unknown_lines_of_input_devices_are_not_told() {
    let table = "I: Bus=0003 Vendor=046d Product=c31c Version=0110 Owner=alice\nN: Name=\"x\"\nS: Sysfs=/devices/pci0000:00/x\nH: Handlers=sysrq kbd event5 leds alice \nB: PROP=0\nB: KEY=1000000000007 ff alice fffffffffffffffe\nB: ALICE=alice\nX: Serial=alice77\nalice\nI: alice\nS: Sysfs=alice\n\n";
    let shown = told("/proc/bus/input/devices", table);
    assert!(!shown.to_lowercase().contains("alice"), "{shown}");
    for kept in [
        "I: Bus=0003 Vendor=046d Product=c31c Version=0110 *\n",
        "S: Sysfs=/devices/pci0000:00/x\n",
        "H: Handlers=sysrq kbd event5 leds * \n",
        "B: PROP=0\n",
        "B: KEY=1000000000007 ff * fffffffffffffffe\n",
        "\nX: *\n*\nI: *\n",
    ] {
        assert!(shown.contains(kept), "{kept}: {shown}");
    }
    assert_eq!(shown.lines().count(), table.lines().count());
}

#[test]
fn the_command_line_keeps_what_matters() {
    let line = "BOOT_IMAGE=/@/boot/vmlinuz-6.1 root=UUID=01234567-89ab-cdef-0123-456789abcdef ro quiet intel_iommu=on,sm_on vfio-pci.ids=10de:2684 ip=192.168.2.5 rd.luks.key=secret dyndbg=\"file alice.c +p\" x=y -- secret words\n";
    assert_eq!(
        told("/proc/cmdline", line),
        "BOOT_IMAGE=vmlinuz-6.1 root=* ro quiet intel_iommu=on,sm_on vfio-pci.ids=10de:2684 ip=* rd.luks.key=* dyndbg=* x=* -- * *\n"
    );
}

#[test]
fn the_log_keeps_what_is_about_the_iommu_and_acs() {
    let log = "6,0,0,-;Linux version 6.8.12-8-pve (alice@pan) (gcc) #1\n\
        6,1,0,-;Command line: root=/dev/alice iommu=pt pcie_acs_override=downstream\n\
        4,2,0,-;Warning: PCIe ACS overrides enabled; This may allow non-IOMMU protected peer-to-peer DMA\n\
        6,3,9,-;usb 1-3: SerialNumber: 4711\n SUBSYSTEM=usb\n DEVICE=c189:3\n\
        6,4,9,-;pci 0000:01:00.0: Adding to iommu group 16\n";
    let told_of = "Linux version 6.8.12-8-pve\n\
        Warning: PCIe ACS overrides enabled; This may allow non-IOMMU protected peer-to-peer DMA\n\
        pci 0000:01:00.0: Adding to iommu group 16\n";
    assert_eq!(told("/dev/kmsg", log), told_of);
    assert_eq!(told("/var/log/dmesg", log), told_of);
    assert_eq!(told("/dev/kmsg", told_of), told_of);
    assert_eq!(
        told("/proc/cmdline", "pcie_acs_override=downstream,id:8086:1901 a=b\n"),
        "pcie_acs_override=downstream,id:8086:1901 a=*\n"
    );
}

#[test]
fn registers_lose_serial_numbers() {
    let place = "/sys/devices/pci0000:00/0000:00:01.0/config";
    let whole = crate::pci::made_up(4, Some((0x1d, 0x1d)));
    let shown = stand_ins().contents(place, whole.clone());
    assert!(whole.contains(&0x5e) && !shown.contains(&0x5e));
    assert_eq!(crate::pci::isolation(&shown), crate::pci::isolation(&whole));
    assert_eq!(stand_ins().contents(place, shown.clone()), shown);
}

#[test]
fn processes_lose_their_names_and_keep_those_of_vms() {
    let arguments = |line: &str| told("/proc/42/cmdline", &line.replace(' ', "\0"));
    let shown =
        arguments("/usr/bin/qemu-system-x86_64 -name guest=web,process=alice -object secret,id=a ");
    let (program, name) = shown.split_once('\0').unwrap();
    assert!(is_stand_in(program), "{shown:?}");
    assert_eq!(name, "-name\0guest=web\0");
    assert_eq!(told("/proc/42/cmdline", &shown), shown, "it stays as it is");
    assert_eq!(arguments("/usr/bin/kvm -name a,,b ")[10..], *"\0-name\0guest=a,,b\0");
    for stranger in ["/usr/bin/firefox -name alice ", "p-secret -name alice ", "qemu-img -f alice "]
    {
        assert_eq!(arguments(stranger), "", "{stranger}");
    }
    assert!(told("/proc/42/comm", "firefox\n").starts_with("p-"));
    let target = |target| stand_ins().target("/proc/42/fd/3", target);
    assert_eq!(target("/dev/vfio/16"), "/dev/vfio/16");
    assert_eq!(target("/home/alice/letter"), OTHER);
    let keyboard = "N: Name=\"Alice's Keyboard\"\nP: Phys=usb-0000:00:14.0-3/input0\nU: Uniq=00:16:3e:0a:0b:0c\nS: Sysfs=/devices/pci0000:00/x\n";
    let shown = told("/proc/bus/input/devices", keyboard);
    assert!(
        shown.starts_with("N: Name=\"input-")
            && shown.contains("P: Phys=\nU: Uniq=\nS: Sysfs=/devices/pci0000:00/x\n")
    );
}

#[test]
fn links_stay_inside_the_root() {
    assert_eq!(inside("/sys/bus/x", "/sys/devices/a"), "../../sys/devices/a");
    assert_eq!(inside("/sys/a", "../../../../etc/passwd"), "../etc/passwd");
    assert_eq!(inside("/sys/bus/pci/devices/x", "../../../devices/y"), "../../../devices/y");
    assert_eq!(inside("/sys/a", ".//b/."), "b");
}

#[test]
fn what_the_kernel_tells_of_itself_names_nobody() {
    assert_eq!(told("/proc/version", "Linux version 6.1 (alice@pan) #1\n"), "Linux version 6.1\n");
    assert_eq!(told("/proc/cpuinfo", "a : b\nSerial : 12\nc : d\n"), "a : b\nc : d\n");
    assert_eq!(
        told("/proc/modules", "kvm 1 0 - Live 0xffffffffc0de0000\n"),
        "kvm 1 0 - Live 0x0000000000000000\n"
    );
    assert_eq!(
        told(
            "/proc/interrupts",
            "      CPU0  CPU1\n 24:  12  7 IR-PCI-MSIX-0000:02:00.0  0-edge  nvme0q0\nNMI: 3 4 Non-maskable interrupts\nERR: 5\n"
        ),
        "      CPU0  CPU1\n24: 0 0 IR-PCI-MSIX-0000:02:00.0 0-edge nvme0q0\nNMI: 0 0 Non-maskable interrupts\nERR: 0\n"
    );
    assert_eq!(told("/boot/config-6.1", "A=y\nB=\"pan\"\n"), "A=y\n");
    assert_eq!(stand_ins().contents("/proc/cpuinfo", vec![b'a', 0xff]), [0xff]);
    let fabric = told("/sys/class/nvme/nvme0/address", "traddr=192.168.2.9,trsvcid=4420\n");
    assert!(fabric.ends_with(",trsvcid=4420\n") && !fabric.contains("2.9,"), "{fabric}");
    assert_eq!(told("/sys/bus/pci/slots/1/address", "0000:01:00\n"), "0000:01:00\n");
}

#[test]
fn of_the_distribution_only_its_name_and_version_are_packed() {
    let text = "PRETTY_NAME=\"Image of Ann\"\nID=debian\nVERSION_ID=\"12\"\nHOME_URL=\"https://intra.example.org\"\nID_LIKE=x\n";
    let packed = "ID=debian\nVERSION_ID=\"12\"\nID_LIKE=x\n";
    assert_eq!(told("/etc/os-release", text), packed);
    assert_eq!(told("/usr/lib/os-release", text), packed);
}
