//! What a made-up host itself has on its devices: filesystems, swap, routes, monitors, keyboards.

#[cfg(test)]
use super::NVME;
use super::{FakeHost, IGPU};
use crate::host::root::Tree;
use crate::pci::Address;

pub const NIC: Address = Address::new(0, 3, 0, 0);
pub const USB: Address = Address::new(0, 4, 0, 0);

/// Lines of the kernel's tables.
#[derive(Debug, Clone)]
pub(super) struct Own {
    mounts: Vec<String>,
    swaps: Vec<String>,
    routes: Vec<String>,
    routes_v6: Vec<String>,
    addresses_v6: Vec<String>,
    inputs: Vec<String>,
}

/// Those that every system has.
const PSEUDO: &[&str] = &[
    "22 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw",
    "23 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:14 - proc proc rw",
    "24 28 0:5 / /dev rw,nosuid,relatime shared:2 - devtmpfs udev rw,size=16323104k,nr_inodes=4080776,mode=755,inode64",
    "25 24 0:22 / /dev/pts rw,nosuid,noexec,relatime shared:3 - devpts devpts rw,gid=5,mode=600,ptmxmode=000",
    "26 28 0:23 / /run rw,nosuid,nodev,noexec,relatime shared:5 - tmpfs tmpfs rw,size=3270740k,mode=755,inode64",
];

const PS2_KEYBOARD: &str = "I: Bus=0011 Vendor=0001 Product=0001 Version=ab41\nN: Name=\"AT Translated Set 2 keyboard\"\nP: Phys=isa0060/serio0/input0\nS: Sysfs=/devices/platform/i8042/serio0/input/input3\nU: Uniq=\nH: Handlers=sysrq kbd leds event3 \nB: PROP=0\nB: EV=120013\nB: KEY=402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe\nB: MSC=10\nB: LED=7\n";
const POWER_BUTTON: &str = "I: Bus=0019 Vendor=0000 Product=0001 Version=0000\nN: Name=\"Power Button\"\nP: Phys=LNXPWRBN/button/input0\nS: Sysfs=/devices/LNXSYSTM:00/LNXPWRBN:00/input/input0\nU: Uniq=\nH: Handlers=kbd event0 \nB: PROP=0\nB: EV=3\nB: KEY=8000 10000000000000 0\n";

impl Own {
    /// A root filesystem on the solid-state drive, a keyboard on PS/2, and no network.
    pub(super) fn workstation() -> Self {
        let mut own = Self {
            mounts: PSEUDO.iter().map(|line| (*line).to_owned()).collect(),
            swaps: Vec::new(),
            routes: Vec::new(),
            routes_v6: Vec::new(),
            addresses_v6: Vec::new(),
            inputs: vec![POWER_BUTTON.to_owned(), PS2_KEYBOARD.to_owned()],
        };
        own.mount("259:2", "/", "ext4", "/dev/nvme0n1p2", "rw,errors=remount-ro");
        own.mount("259:1", "/boot/efi", "vfat", "/dev/nvme0n1p1", "rw,fmask=0077,dmask=0077");
        own
    }

    fn mount(&mut self, number: &str, point: &str, kind: &str, source: &str, options: &str) {
        let id = 28 + self.mounts.len();
        self.mounts.push(format!(
            "{id} 28 {number} / {point} rw,relatime shared:1 - {kind} {source} {options}"
        ));
    }
}

impl FakeHost {
    /// Of the functions asked of; at the end, so that they may have moved before.
    pub(super) fn write_own(&self, tree: &mut Tree) {
        let Own { mounts, swaps, routes, routes_v6, addresses_v6, inputs } = &self.own;
        let lines =
            |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        tree.file("/proc/1/mountinfo", lines(mounts));
        let header = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        tree.file("/proc/swaps", header.to_owned() + &lines(swaps));
        let header =
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
        tree.file("/proc/net/route", header.to_owned() + &lines(routes));
        tree.file("/proc/net/ipv6_route", lines(routes_v6));
        tree.file("/proc/net/if_inet6", lines(addresses_v6));
        tree.file("/proc/bus/input/devices", lines(inputs));
        tree.link("/sys/class/net/lo", "../../devices/virtual/net/lo");
        tree.file("/sys/devices/virtual/net/lo/operstate", "unknown\n");
        if let Some(disk) = self.devices.iter().find(|device| device.class == 0x01_0802) {
            let folder = format!("{}/nvme/nvme0/nvme0n1", self.folder_of(disk.address));
            write_block(tree, "259:0", &folder);
            tree.folder(&format!("{folder}/slaves"));
            for part in 1..=3 {
                let path = format!("{folder}/nvme0n1p{part}");
                write_block(tree, &format!("259:{part}"), &path);
                tree.file(&format!("{path}/partition"), format!("{part}\n"));
            }
        }
        if self.devices.iter().any(|device| device.address == IGPU) {
            let card = format!("{}/drm/card0/card0-HDMI-A-1", self.folder_of(IGPU));
            write_connector(tree, &card, true);
        }
    }

    /// A network card at [`NIC`], with the interface `eno1`.
    pub fn nic(self) -> Self {
        self.with(NIC, 0x02_0000, (0x8086, 0x1533), Some("igb"), 20).interface_on(NIC, "eno1")
    }

    /// A USB controller at [`USB`].
    pub fn usb_controller(self) -> Self {
        self.with(USB, 0x0c_0330, (0x1912, 0x0014), Some("xhci_hcd"), 21)
    }

    /// No keyboard but one at the controller at [`USB`].
    pub fn usb_keyboard_only(self) -> Self {
        self.keyboards_on(&[USB])
    }

    /// These keyboards and no other.
    pub fn keyboards_on(mut self, functions: &[Address]) -> Self {
        self.own.inputs.retain(|block| block == POWER_BUTTON);
        for (number, &function) in functions.iter().enumerate() {
            let path = self.folder_of(function);
            let path = path.trim_start_matches("/sys");
            self.own.inputs.push(format!("I: Bus=0003 Vendor=046d Product=c31c Version=0110\nN: Name=\"Logitech USB Keyboard\"\nP: Phys=usb-{function}-3/input0\nS: Sysfs={path}/usb1/1-3/1-3:1.0/0003:046D:C31C.000{number}/input/input5\nU: Uniq=\nH: Handlers=sysrq kbd event5 leds \nB: PROP=0\nB: EV=120013\nB: KEY=1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\nB: MSC=10\nB: LED=7\n"));
        }
        self
    }

    /// An interface below a function.
    pub fn interface_on(self, function: Address, name: &str) -> Self {
        let path = format!("{}/net/{name}", self.folder_of(function));
        self.interface(name, &path)
    }

    /// An interface, by its folder.
    pub fn interface(self, name: &str, path: &str) -> Self {
        let target = format!("../../{}", path.trim_start_matches("/sys/"));
        self.link(&format!("/sys/class/net/{name}"), &target)
            .file(&format!("{path}/operstate"), "up\n")
    }

    /// A default route of IPv4, and the route to its network.
    pub fn default_route(mut self, interface: &str) -> Self {
        self.own
            .routes
            .push(format!("{interface}\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0"));
        self.address(interface)
    }

    /// An address of IPv4: the kernel makes a route to its network.
    pub fn address(mut self, interface: &str) -> Self {
        self.own
            .routes
            .push(format!("{interface}\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0"));
        self
    }
}

/// What only the tests put together.
#[cfg(test)]
impl FakeHost {
    /// One made of others: `br0` of `bond0`.
    pub fn upper(self, name: &str, lower: &[&str]) -> Self {
        let path = format!("/sys/devices/virtual/net/{name}");
        lower.iter().fold(self.interface(name, &path), |host, lower| {
            host.link(&format!("{path}/lower_{lower}"), &format!("../{lower}"))
        })
    }

    pub fn operstate(self, interface: &str, function: Address, state: &str) -> Self {
        let path = format!("{}/net/{interface}/operstate", self.folder_of(function));
        self.file(&path, &format!("{state}\n"))
    }

    pub fn default_route_v6(mut self, interface: &str) -> Self {
        let zero = "0".repeat(32);
        let refusing =
            format!("{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo");
        let route = format!(
            "{zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003 {interface:>8}"
        );
        self.own.routes_v6.extend([refusing, route]);
        self
    }

    /// Global (`00`) or of the link (`20`).
    pub fn address_v6(mut self, interface: &str, scope: &str) -> Self {
        self.own
            .addresses_v6
            .push(format!("20010db8000000000000000000000002 04 40 {scope} 80 {interface:>8}"));
        self
    }

    /// No filesystem on a disk.
    pub fn nothing_mounted(mut self) -> Self {
        self.own.mounts.truncate(PSEUDO.len());
        self
    }

    pub fn mounted(self, number: &str, point: &str, kind: &str, source: &str) -> Self {
        self.mounted_with(number, point, kind, source, "rw")
    }

    pub fn mounted_with(
        mut self,
        number: &str,
        point: &str,
        kind: &str,
        source: &str,
        options: &str,
    ) -> Self {
        self.own.mount(number, point, kind, source, options);
        self
    }

    pub fn swap(mut self, path: &str, kind: &str) -> Self {
        self.own.swaps.push(format!("{path}                          {kind}\t8388604\t\t0\t\t-2"));
        self
    }

    /// A solid-state drive of the host, with a disk `nvmeNn1` of the number `259:MINOR`.
    pub fn nvme(self, address: Address, number: u32, minor: u32, group: u32) -> Self {
        let host = self.with(address, 0x01_0802, (0x144d, 0xa808), Some("nvme"), group);
        let path = format!("{}/nvme/nvme{number}/nvme{number}n1", host.folder_of(address));
        host.block(&format!("259:{minor}"), &path)
    }

    /// A disk or partition, by its folder.
    pub fn block(self, number: &str, path: &str) -> Self {
        let target = format!("../../{}", path.trim_start_matches("/sys/"));
        let name = path.rsplit('/').next().unwrap_or(path);
        self.link(&format!("/sys/dev/block/{number}"), &target)
            .link(&format!("/sys/class/block/{name}"), &target)
            .file(&format!("{path}/dev"), &format!("{number}\n"))
            .folder(&format!("{path}/slaves"))
    }

    /// A disk made of others, by their folders.
    pub fn made(self, number: &str, name: &str, of: &[&str]) -> Self {
        let path = format!("/sys/devices/virtual/block/{name}");
        of.iter().fold(self.block(number, &path), |host, slave| {
            let name = slave.rsplit('/').next().unwrap_or(slave);
            let target = format!("../../../../../{}", slave.trim_start_matches("/sys/"));
            host.link(&format!("{path}/slaves/{name}"), &target)
        })
    }

    /// A volume with the name that people gave it.
    pub fn volume(self, number: &str, name: &str, called: &str, of: &[&str]) -> Self {
        self.made(number, name, of)
            .file(&format!("/sys/devices/virtual/block/{name}/dm/name"), &format!("{called}\n"))
    }

    /// The folder of a partition of the solid-state drive that the machine has by itself.
    pub fn partition(&self, part: u32) -> String {
        format!("{}/nvme/nvme0/nvme0n1/nvme0n1p{part}", self.folder_of(NVME))
    }

    /// A btrfs with these devices, by their folders.
    pub fn btrfs(self, id: &str, devices: &[&str]) -> Self {
        devices.iter().fold(self.folder("/sys/fs/btrfs/features"), |host, device| {
            let name = device.rsplit('/').next().unwrap_or(device);
            let target = format!("../../../../{}", device.trim_start_matches("/sys/"));
            host.link(&format!("/sys/fs/btrfs/{id}/devices/{name}"), &target)
        })
    }

    /// Root on a logical volume on LUKS on the third partition of the solid-state drive.
    pub fn luks_lvm(self) -> Self {
        let (third, crypt) = (self.partition(3), "/sys/devices/virtual/block/dm-0");
        self.nothing_mounted()
            .volume("253:0", "dm-0", "nvme0n1p3_crypt", &[&third])
            .volume("253:1", "dm-1", "vg-root", &[crypt])
            .volume("253:2", "dm-2", "vg-swap_1", &[crypt])
            .mounted("253:1", "/", "ext4", "/dev/mapper/vg-root")
            .swap("/dev/dm-2", "partition")
    }

    /// A monitor on an output of a display, or an output without one.
    pub fn output(self, address: Address, card: &str, connected: bool) -> Self {
        let path = format!("{}/drm/{card}/{card}-DP-1", self.folder_of(address));
        let target = format!("../../{}", path.trim_start_matches("/sys/"));
        let status = if connected { "connected\n" } else { "disconnected\n" };
        self.link(&format!("/sys/class/drm/{card}-DP-1"), &target)
            .file(&format!("{path}/status"), status)
    }
}

fn write_block(tree: &mut Tree, number: &str, path: &str) {
    let target = format!("../../{}", path.trim_start_matches("/sys/"));
    let name = path.rsplit('/').next().unwrap_or(path);
    tree.link(&format!("/sys/dev/block/{number}"), &target);
    tree.link(&format!("/sys/class/block/{name}"), &target);
    tree.file(&format!("{path}/dev"), format!("{number}\n"));
}

fn write_connector(tree: &mut Tree, path: &str, connected: bool) {
    let target = format!("../../{}", path.trim_start_matches("/sys/"));
    let name = path.rsplit('/').next().unwrap_or(path);
    tree.link(&format!("/sys/class/drm/{name}"), &target);
    tree.file(&format!("{path}/status"), if connected { "connected\n" } else { "disconnected\n" });
}
