//! What is said of the next boot.

use super::super::example::ONE_GPU;
use super::*;

const VFIO_CONF: &str = "/etc/modprobe.d/vfio.conf";
const DRIVERCTL: &str = "/etc/driverctl.d/pci-0000:01:00.0";
const BOTH_IDS: &str = "options vfio-pci ids=10de:2684,10de:22bd\n";
const RULES: &str = "/etc/udev/rules.d/10-vfio.rules";
const DOMAIN: &str = "/etc/libvirt/qemu/win11.xml";
/// Another card of the same kind as the GPU.
const TWIN: Address = Address::new(0, 5, 0, 0);

const ORDER: &str = "softdep nouveau pre: vfio-pci\nsoftdep snd_hda_intel pre: vfio-pci\n";
const ORDER_CONF: &str = "/etc/modprobe.d/order.conf";

/// Bound by hand; the drivers of the host come after vfio-pci, and none is in the initramfs.
fn by_hand() -> FakeHost {
    let host = workstation().without("/etc/driverctl.d").file(ORDER_CONF, ORDER);
    host.initramfs(&[("lib/modules/nvme.ko", "")])
}

const INNER: &str = "etc/modprobe.d/vfio.conf";
const INNER_ORDER: &str = "usr/lib/modprobe.d/order.conf";
const DRACUT: (&str, &str) = ("usr/lib/dracut-lib.sh", "");
const BUILTIN_ALIASES: &str = "/lib/modules/6.12.1-amd64/modules.builtin.modinfo";

/// With nvidia's module to be had, which needs drm.
fn nvidia(host: FakeHost) -> FakeHost {
    host.file("/lib/modules/6.12.1-amd64/modules.alias", "alias pci:v000010DEd*sv*sd*bc03sc00i00* nvidia\nalias pci:v*d*sv*sd*bc04sc03i00* snd_hda_intel\n")
        .file("/lib/modules/6.12.1-amd64/modules.dep", "kernel/drivers/gpu/drm/drm.ko:\nupdates/dkms/nvidia.ko.xz: kernel/drivers/gpu/drm/drm.ko\n")
}

/// The image without a softdep, at another place.
fn image_at(place: &str) -> FakeHost {
    let own = image(&[(INNER, BOTH_IDS)]);
    own.moved_file("/boot/initrd.img-6.12.1-amd64", place)
}

/// Bound by ids, with these members in the initramfs beside nouveau's and vfio-pci's modules.
fn image(members: &[(&str, &str)]) -> FakeHost {
    let own = [("lib/modules/nouveau.ko", ""), ("usr/lib/modules/6.12/vfio-pci.ko.zst", "")];
    conf(BOTH_IDS).initramfs(&[&own, members].concat())
}

fn conf(text: &str) -> FakeHost {
    by_hand().file(VFIO_CONF, text)
}

fn twin(driver: Option<&'static str>) -> FakeHost {
    conf(BOTH_IDS).with(TWIN, 0x03_0000, (0x10de, 0x2684), driver, 21)
}

fn hostdev(slot: &str, managed: &str) -> String {
    format!(
        "<domain><name>win11</name><devices><hostdev mode='subsystem' type='pci' managed='{managed}'><source><address domain='0x0000' bus='{slot}' slot='0x00' function='0x0'/></source></hostdev></devices></domain>\n"
    )
}

pub(in super::super) fn cases() -> Vec<Case> {
    let gpu_ids = "options vfio-pci ids=10de:2684\n";
    let by_address = "ACTION==\"add\", SUBSYSTEM==\"pci\", KERNEL==\"0000:01:00.0\", ATTR{driver_override}=\"vfio-pci\"\n";
    let only_gpu = |name, host: FakeHost, codes| {
        let alone = host.group(GPU_AUDIO, Some(18));
        case(name, alone, GPU_ONLY, codes, Verdict::Ready)
    };
    let both = |name, host, codes| case(name, host, ONE_GPU, codes, Verdict::Ready);
    vec![
        both("kept by driverctl", workstation(), ""),
        both("bound by ids in modprobe's folder", conf(BOTH_IDS), ""),
        both("bound by hand only", by_hand(), "AH701"),
        only_gpu("ids of the GPU alone, which is all that is wanted", conf(gpu_ids), ""),
        both("ids of the GPU and not of its audio function", conf(gpu_ids), "AH701"),
        only_gpu("ids with a prefix and upper case", conf("options vfio_pci ids=0x10DE:0x2684\n"), ""),
        only_gpu("all cards of a maker and a class", conf("options vfio-pci ids=10de:ffffffff:ffffffff:ffffffff:030000:ffff00\n"), ""),
        only_gpu("ids of another subsystem", conf("options vfio-pci ids=10de:2684:1043:88e2\n"), "AH701"),
        only_gpu("ids in a comment", conf("# options vfio-pci ids=10de:2684\n"), "AH701"),
        only_gpu("ids on a line that goes on", conf("options vfio-pci \\\n  ids=10de:2684\n"), ""),
        only_gpu("ids of another module", conf("options vfio ids=10de:2684\n"), "AH701"),
        only_gpu("a later list of ids replaces the earlier", conf(gpu_ids).file("/etc/modprobe.d/zz.conf", "options vfio-pci ids=8086:1533\n"), "AH701"),
        only_gpu("an earlier list of ids is replaced", conf(gpu_ids).file("/etc/modprobe.d/aa.conf", "options vfio-pci ids=8086:1533\n"), ""),
        only_gpu("a file of /usr/lib", by_hand().file("/usr/lib/modprobe.d/site.conf", gpu_ids), ""),
        only_gpu("a file of /usr/lib that one of /etc takes the place of", by_hand().file("/usr/lib/modprobe.d/site.conf", gpu_ids).file("/etc/modprobe.d/site.conf", "# off\n"), "AH701"),
        only_gpu("a file of /usr/lib that a link to nothing switches off", by_hand().file("/usr/lib/modprobe.d/site.conf", gpu_ids).link("/etc/modprobe.d/site.conf", "/dev/null").file("/dev/null", ""), "AH701"),
        only_gpu("a file of /usr/local/lib before one of /usr/lib", by_hand().file("/usr/lib/modprobe.d/site.conf", "# nothing\n").file("/usr/local/lib/modprobe.d/site.conf", gpu_ids), ""),
        only_gpu("a file of /run, which is gone at a boot", by_hand().file("/run/modprobe.d/vfio.conf", gpu_ids), "AH701"),
        only_gpu("a file with another ending", by_hand().file("/etc/modprobe.d/vfio.conf.bak", gpu_ids), "AH701"),
        only_gpu("ids on the command line", by_hand().command_line("quiet intel_iommu=on vfio-pci.ids=10de:2684"), ""),
        only_gpu("ids on the command line, with an underscore", by_hand().command_line("vfio_pci.ids=10de:2684"), ""),
        only_gpu("the command line replaces the file", conf(gpu_ids).command_line("vfio-pci.ids=8086:1533"), "AH701"),
        both("vfio-pci built in, and a file of modprobe that nobody reads", conf(BOTH_IDS).file("/lib/modules/6.12.1-amd64/modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko\n"), "AH701"),
        both("vfio-pci built in, and the command line", by_hand().file("/lib/modules/6.12.1-amd64/modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko\n").command_line("vfio-pci.ids=10de:2684,10de:22bd"), ""),
        both("everything built in, and the command line", by_hand().built_in_everything().command_line("vfio-pci.ids=10de:2684,10de:22bd"), "AH702?"),
        only_gpu("driverctl", by_hand().file(DRIVERCTL, "vfio-pci\n"), ""),
        only_gpu("driverctl for another function", by_hand().file("/etc/driverctl.d/pci-0000:02:00.0", "vfio-pci\n"), "AH701"),
        only_gpu("driverctl gives it back to the host", conf(BOTH_IDS).file(DRIVERCTL, "nvidia\n"), "AH701"),
        only_gpu("driverctl with rubbish", by_hand().file(DRIVERCTL, "vfio pci; reboot\n"), "AH701?"),
        only_gpu("a rule of udev by the address", by_hand().file(RULES, by_address), ""),
        only_gpu("a rule of udev by the ids", by_hand().file(RULES, "SUBSYSTEM==\"pci\", ATTR{vendor}==\"0x10de\", ATTR{device}==\"0x2684\", ATTR{driver_override}=\"vfio-pci\"\n"), ""),
        only_gpu("a rule of udev for another function", by_hand().file(RULES, &by_address.replace("01:00.0", "02:00.0")), "AH701"),
        only_gpu("a rule of udev that is a comment", by_hand().file(RULES, &format!("#{by_address}")), "AH701"),
        only_gpu("a rule of udev in /usr/lib that one of /etc takes the place of", by_hand().file("/usr/lib/udev/rules.d/10-vfio.rules", by_address).file(RULES, "# off\n"), "AH701"),
        only_gpu("a rule of udev with a pattern", by_hand().file(RULES, &by_address.replace("01:00.0", "0[1-2]:00.?")), ""),
        only_gpu("a rule of udev whose program writes the override", by_hand().file(RULES, "KERNEL==\"0000:01:00.0\", RUN+=\"/bin/sh -c 'echo vfio-pci > /sys$devpath/driver_override'\"\n"), "AH701?"),
        only_gpu("a rule of udev with a condition that only udev can answer", by_hand().file(RULES, &format!("ENV{{ID}}==\"x\", {by_address}")), "AH701?"),
        only_gpu("managed by libvirt", by_hand().file(DOMAIN, &hostdev("0x01", "yes")), ""),
        only_gpu("in a domain of libvirt that does not manage it", by_hand().file(DOMAIN, &hostdev("0x01", "no")), "AH701"),
        only_gpu("another function is managed by libvirt", by_hand().file(DOMAIN, &hostdev("0x02", "yes")), "AH701"),
        only_gpu("libvirt's folder is root's alone", by_hand().denied("/etc/libvirt/qemu"), "AH701?"),
        both("libvirt's folder is root's alone, and ids tell", conf(BOTH_IDS).denied("/etc/libvirt/qemu"), ""),
        only_gpu("modprobe's folder is unreadable", by_hand().denied("/etc/modprobe.d"), "AH701? AH703?"),
        only_gpu("modprobe's folder is unreadable, and driverctl tells", by_hand().denied("/etc/modprobe.d").file(DRIVERCTL, "vfio-pci\n"), "AH703?"),
        both("no command line", by_hand().denied("/proc/cmdline"), "AH503? AH701? AH703?"),
        case("two VMs lose their devices", by_hand().group(GPU_AUDIO, Some(18)), format!("{GPU_ONLY}  - {{name: b, pcie_passthrough: {{enabled: true, devices: [{{pci_address: '{GPU_AUDIO}', device_type: audio}}]}}}}\n").replace("[{name: a", "\n  - {name: a").replace("]}}]\n", "]}}\n"), "AH701 AH701", Verdict::Ready),
        case("a device on the host's driver is not judged", FakeHost::gpu_held_by_nvidia(), ONE_GPU, "AH207 AH207 [AH302]", Verdict::Blocked),
        both("a second card of the kind that the host uses", twin(Some("nvidia")), "AH703"),
        both("a second card of the kind without a driver", twin(None), ""),
        both("a second card of the kind on vfio-pci as well", twin(Some("vfio-pci")), ""),
        both("a second card of the kind that driverctl keeps", twin(Some("nvidia")).file("/etc/driverctl.d/pci-0000:05:00.0", "nvidia\n"), ""),
        both("a second card of the kind that a rule of udev keeps", twin(Some("nvidia")).file(RULES, &by_address.replace("01:00.0", "05:00.0").replace("vfio-pci", "nvidia")), ""),
        only_gpu("a second card of the kind, and binding by address", twin(Some("nvidia")).without(VFIO_CONF).file(DRIVERCTL, "vfio-pci\n"), ""),
        only_gpu("a second card of the kind with another subsystem", twin(Some("nvidia")).subsystem(GPU, 0x1043, 0x88e2).file(VFIO_CONF, "options vfio-pci ids=10de:2684:1043:88e2\n"), ""),
        both("a second card of the kind, and the command line", twin(Some("nvidia")).without(VFIO_CONF).command_line("vfio-pci.ids=10de:2684,10de:22bd"), "AH703"),
        both("ids of the host's own disk", conf("options vfio-pci ids=10de:2684,10de:22bd,144d:a808\n"), "AH703"),
        both("nouveau in the initramfs without vfio-pci", conf(BOTH_IDS).initramfs(&[("lib/modules/nouveau.ko", ""), (INNER, BOTH_IDS), (INNER_ORDER, ORDER)]), "AH702"),
        both("nouveau in the initramfs without a softdep there", image(&[(INNER, BOTH_IDS)]), "AH702"),
        both("nouveau in the initramfs with a softdep there", image(&[(INNER, BOTH_IDS), (INNER_ORDER, ORDER)]), ""),
        both("an initramfs that is older than the file of ids", image(&[(INNER_ORDER, ORDER)]), "AH702"),
        both("an initramfs without ids, and the command line", image(&[(INNER_ORDER, ORDER)]).command_line("vfio-pci.ids=10de:2684,10de:22bd"), ""),
        both("an initramfs with other ids", image(&[(INNER, "options vfio-pci ids=8086:1533\n"), (INNER_ORDER, ORDER)]), "AH702"),
        both("nvidia in the initramfs without a softdep", nvidia(image(&[("lib/modules/nvidia.ko", ""), (INNER, BOTH_IDS), (INNER_ORDER, ORDER)])), "AH702"),
        both("nvidia in the initramfs with a softdep", nvidia(image(&[("lib/modules/nvidia.ko", ""), (INNER, BOTH_IDS), (INNER_ORDER, &format!("{ORDER}softdep nvidia pre: vfio-pci\n"))])), ""),
        both("a softdep of what nvidia needs", nvidia(image(&[("lib/modules/nvidia.ko", ""), (INNER, BOTH_IDS), (INNER_ORDER, &format!("{ORDER}softdep drm pre: vfio-pci\n"))])), ""),
        both("a softdep in /etc alone", image(&[(INNER, BOTH_IDS)]).file(ORDER_CONF, ORDER), "AH702"),
        both("nouveau on the blacklist in the initramfs", image(&[(INNER, BOTH_IDS), (INNER_ORDER, "blacklist nouveau\nsoftdep snd_hda_intel pre: vfio-pci\n")]), ""),
        both("nouveau on the blacklist of the command line", image(&[(INNER, BOTH_IDS)]).command_line("modprobe.blacklist=nouveau,other"), ""),
        both("nouveau shut out by the kernel", image(&[(INNER, BOTH_IDS)]).command_line("module_blacklist=nouveau"), ""),
        both("dracut's blacklist, in an image of another tool", image(&[(INNER, BOTH_IDS)]).command_line("rd.driver.blacklist=nouveau"), "AH702"),
        both("dracut's blacklist", image(&[(INNER, BOTH_IDS), DRACUT]).command_line("rd.driver.blacklist=nouveau"), ""),
        both("dracut loads vfio-pci first, by the command line", image(&[(INNER, BOTH_IDS), DRACUT]).command_line("rd.driver.pre=vfio-pci"), ""),
        both("dracut loads vfio-pci first, by a file of its own", image(&[(INNER, BOTH_IDS), DRACUT, ("etc/cmdline.d/20-force_driver.conf", "rd.driver.pre=vfio-pci,vfio\n")]), ""),
        both("rd.driver.pre in an image of another tool", image(&[(INNER, BOTH_IDS)]).command_line("rd.driver.pre=vfio-pci"), "AH702"),
        both("mkinitcpio loads vfio-pci first", image(&[(INNER, BOTH_IDS), ("config", "MODULES=\"vfio_pci vfio nouveau\"\n")]), ""),
        both("mkinitcpio loads nouveau first", image(&[(INNER, BOTH_IDS), ("config", "MODULES=\"nouveau vfio_pci vfio\"\n")]), "AH702"),
        both("initramfs-tools loads vfio-pci, in no order with nouveau", image(&[(INNER, BOTH_IDS), ("conf/modules", "vfio-pci\n")]), "AH702"),
        both("initramfs-tools loads vfio-pci, and nouveau is not in the image", conf(BOTH_IDS).without(ORDER_CONF).initramfs(&[("lib/modules/vfio-pci.ko", ""), (INNER, BOTH_IDS), ("conf/modules", "vfio-pci\n")]), ""),
        both("the initramfs loads vfio-pci without its ids", conf(BOTH_IDS).initramfs(&[("lib/modules/vfio-pci.ko", ""), ("conf/modules", "vfio-pci\n")]), "AH702"),
        both("drivers of the host alone, and no softdep", conf(BOTH_IDS).without(ORDER_CONF), "AH702"),
        both("drivers of the host alone, on its blacklist", conf(BOTH_IDS).file(ORDER_CONF, "blacklist nouveau\ninstall snd-hda-intel /bin/false\n"), ""),
        both("nouveau built in", conf(BOTH_IDS).file(BUILTIN_ALIASES, "nouveau.alias=pci:v000010DEd*sv*sd*bc03sc*i*\0"), "AH702"),
        both("nouveau built in, and driverctl", workstation().file(BUILTIN_ALIASES, "nouveau.alias=pci:v000010DEd*sv*sd*bc03sc*i*\0"), ""),
        both("nouveau and vfio-pci built in", by_hand().file("/lib/modules/6.12.1-amd64/modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko\n").file(BUILTIN_ALIASES, "nouveau.alias=pci:v000010DEd*sv*sd*bc03sc*i*\0").command_line("vfio-pci.ids=10de:2684,10de:22bd"), "AH702"),
        both("no initramfs to be found", conf(BOTH_IDS).without("/boot"), "AH702?"),
        both("an initramfs that only root may read", conf(BOTH_IDS).denied("/boot/initrd.img-6.12.1-amd64"), "AH702?"),
        both("an initramfs that is none", conf(BOTH_IDS).file("/boot/initrd.img-6.12.1-amd64", "rubbish"), "AH702?"),
        both("an initramfs with all in a squashfs image", image(&[("squashfs-root.img", "hsqs")]), "AH702?"),
        both("no aliases of modules", image(&[]).without("/lib/modules/6.12.1-amd64/modules.alias"), "AH702?"),
        both("an initramfs of Fedora's name", image_at("/boot/initramfs-6.12.1-amd64.img"), "AH702"),
        both("an initramfs of Arch's name", image_at("/boot/initramfs-linux-lts.img").file("/usr/lib/modules/6.12.1-amd64/pkgbase", "linux-lts\n"), "AH702"),
        both("an initramfs of another kernel", image_at("/boot/initramfs-6.11.0-amd64.img"), "AH702?"),
        only_gpu("a rule of udev that the initramfs has too", by_hand().file(RULES, by_address).initramfs(&[("lib/modules/nouveau.ko", ""), ("lib/modules/vfio-pci.ko", ""), ("usr/lib/udev/rules.d/10-vfio.rules", by_address)]), ""),
        only_gpu("a rule of udev that the initramfs lacks", by_hand().file(RULES, by_address).initramfs(&[("lib/modules/nouveau.ko", ""), ("lib/modules/vfio-pci.ko", "")]), "AH702"),
        only_gpu("managed by libvirt, and nouveau in the initramfs", by_hand().file(DOMAIN, &hostdev("0x01", "yes")).initramfs(&[("lib/modules/nouveau.ko", "")]), ""),
    ]
}

#[test]
fn what_lets_a_driver_be_first_is_told() {
    let why = |host: FakeHost, words: &str| {
        let said = said(ONE_GPU, &host, "AH702");
        assert!(said.contains(words), "{words}: {said}");
    };
    let built_in = "nouveau.alias=pci:v000010DEd*sv*sd*bc03sc*i*\0";
    why(conf(BOTH_IDS).file(BUILTIN_ALIASES, built_in), "nouveau is built into the kernel");
    why(conf(BOTH_IDS).initramfs(&[("lib/modules/nouveau.ko", "")]), "and vfio-pci is not");
    why(image(&[]), "in whose files vfio-pci is not told to take the device");
    why(image(&[(INNER, BOTH_IDS)]), "nothing in there loads vfio-pci before it");
    why(
        conf(BOTH_IDS).without(ORDER_CONF),
        "snd_hda_intel is loaded by the host, and nothing loads",
    );
    why(
        conf(BOTH_IDS).without(ORDER_CONF),
        "nouveau can take 0000:01:00.0 before vfio-pci does (1 more",
    );
}

#[test]
fn what_the_next_boot_does_otherwise_is_told() {
    let back = said(GPU_ONLY, &conf(BOTH_IDS).file(DRIVERCTL, "nvidia\n"), "AH701");
    assert!(back.contains("driverctl gives it the driver nvidia at the next boot"), "{back}");
    let lost = said(ONE_GPU, &by_hand(), "AH701");
    for words in ["0000:01:00.0 and 0000:01:00.1 are bound", "/etc/modprobe.d", "/proc/cmdline"] {
        assert!(lost.contains(words), "{words}: {lost}");
    }
    let twin = said(ONE_GPU, &twin(Some("nvidia")), "AH703");
    for words in ["0000:05:00.0 too", "(nvidia)", "ids=10de:2684,10de:22bd"] {
        assert!(twin.contains(words), "{words}: {twin}");
    }
}
