//! Devices in use, their resets, power, virtual functions, reserved memory, address registers and
//! boot screens, on kernels from 5.4 to 6.17.

use super::{Case, GPU_ONLY, ONE_GPU, amd, case, judge, wanting, workstation};
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO, NVME, ROOT_PORT};
use crate::pci::Address;
use crate::policy::Verdict::{self, Blocked, Ready, Undetermined};

pub fn cases() -> Vec<Case> {
    let parts = [
        users(),
        users_of_the_host(),
        what_cannot_be_seen(),
        resets(),
        power(),
        virtual_functions(),
        reserved_memory(),
        address_registers(),
        boot_screens(),
    ];
    parts.into_iter().flatten().collect()
}

const SECOND_PORT: Address = Address::new(0, 0, 6, 0);
const PF: Address = Address::new(0, 3, 0, 0);
const VF: Address = Address::new(0, 3, 2, 0);
const NAMELESS: &str = "anon_inode:[vfio-device]";

/// The same as [`ONE_GPU`] on a host.
fn gpu(name: &'static str, host: FakeHost, codes: &'static str, verdict: Verdict) -> Case {
    case(name, host, ONE_GPU, codes, verdict)
}

/// The GPU is open in somebody's hands.
fn enabled() -> FakeHost {
    workstation().attribute(GPU, "enable", "1\n")
}

#[rustfmt::skip]
fn users() -> Vec<Case> {
    let qemu = |arguments: &[&str]| enabled().process(4711, "qemu-system-x86", arguments, &["/dev/vfio/16"]);
    let held = |target: &str| enabled().process(4711, "qemu-system-x86", &["qemu"], &[target]);
    vec![
        gpu("this VM runs already", enabled().qemu(4711, "gpu-node-01", &["/dev/vfio/16"]), "", Ready),
        gpu("this VM runs, by its bare name", qemu(&["qemu", "-name", "gpu-node-01"]), "", Ready),
        gpu("this VM runs, with an option behind its name", qemu(&["qemu", "-name", "gpu-node-01,process=x"]), "", Ready),
        gpu("this VM runs, with two dashes", qemu(&["qemu", "--name", "guest=gpu-node-01"]), "", Ready),
        gpu("this VM runs, and somebody gave it the file", enabled().qemu(4711, "gpu-node-01", &["/dev/vfio/16"]).process(99, "libvirtd", &["libvirtd"], &["/dev/vfio/16"]), "", Ready),
        gpu("this VM runs unseen, and somebody gave it the file", enabled().qemu(4711, "gpu-node-01", &["/dev/vfio/16"]).denied("/proc/4711/fd").process(99, "libvirtd", &["libvirtd"], &["/dev/vfio/16"]), "AH210? AH210?", Undetermined),
        gpu("this VM runs with a file unseen, and somebody gave it the file", enabled().qemu(4711, "gpu-node-01", &["/dev/vfio/16"]).denied("/proc/4711/fd/20").process(99, "libvirtd", &["libvirtd"], &["/dev/vfio/16"]), "AH210? AH210?", Undetermined),
        gpu("whether it is this VM that runs is not known, and somebody gave it the file", enabled().qemu(4711, "gpu-node-01", &["/dev/vfio/16"]).denied("/proc/4711/cmdline").process(99, "libvirtd", &["libvirtd"], &["/dev/vfio/16"]), "AH210? AH210?", Undetermined),
        gpu("whether this VM runs is not known, and a program has the group", enabled().process(99, "libvirtd", &["libvirtd"], &["/dev/vfio/16"]).without("/proc/2"), "AH210? AH210?", Undetermined),
        gpu("another VM runs, and not all processes are told", enabled().qemu(4711, "gpu-node-02", &["/dev/vfio/16"]).without("/proc/2"), "AH210 AH210", Blocked),
        gpu("another VM runs", enabled().qemu(4711, "gpu-node-02", &["/dev/vfio/16"]), "AH210 AH210", Blocked),
        gpu("another VM, whose name begins alike", enabled().qemu(4711, "gpu-node-01b", &["/dev/vfio/16"]), "AH210 AH210", Blocked),
        gpu("the name stands elsewhere on the line", qemu(&["qemu", "-uuid", "gpu-node-01"]), "AH210 AH210", Blocked),
        gpu("a QEMU without a name", qemu(&["qemu"]), "AH210 AH210", Blocked),
        gpu("a program that is no VM", enabled().process(815, "dpdk-testpmd", &["testpmd"], &["/dev/vfio/16"]), "AH210 AH210", Blocked),
        gpu("another VM has the device without its group", held("/dev/vfio/devices/vfio0"), "AH210", Blocked),
        case("another VM has the rest of the group, by its own node", held("/dev/vfio/devices/vfio1"), GPU_ONLY, "AH210 AH301", Blocked),
        case("this VM has it", enabled().qemu(4711, "a",&["/dev/vfio/devices/vfio1"]), GPU_ONLY, "AH301", Blocked),
        gpu("a node that was removed is still open", held("/dev/vfio/16 (deleted)"), "AH210 AH210", Blocked),
        gpu("another group is in use", held("/dev/vfio/20"), "", Ready),
        gpu("a group whose number begins alike", held("/dev/vfio/161"), "", Ready),
        gpu("a container without a group", held("/dev/vfio/vfio"), "", Ready),
        gpu("the rest of the group is in use", workstation().driver(GPU, None).qemu(4711, "b", &["/dev/vfio/16"]), "AH208 AH210 AH210", Blocked),
        gpu("another card at the address, in use", enabled().ids(GPU, 0x1002, 0x744c).qemu(4711, "b", &["/dev/vfio/devices/vfio0"]), "AH202 AH210", Blocked),
        case("a bridge, whatever holds its group", workstation().qemu(4711, "b", &["/dev/vfio/1"]), wanting(&[(ROOT_PORT, "other")]), "AH205 AH405", Blocked),
    ]
}

#[rustfmt::skip]
fn users_of_the_host() -> Vec<Case> {
    let nvidia = || workstation().driver(GPU, Some("nvidia"));
    let minor = |number: &str| nvidia().file("/proc/driver/nvidia/gpus/0000:01:00.0/information", &format!("Model: \t\t X\nDevice Minor: \t {number}\n"));
    let radeon = || workstation().driver(GPU, Some("amdgpu")).attribute(GPU, "drm/card0/dev", "226:0\n").attribute(GPU, "drm/renderD128/dev", "226:128\n");
    let sound = || workstation().driver(GPU_AUDIO, Some("snd_hda_intel")).attribute(GPU_AUDIO, "sound/card1/id", "NVidia\n");
    let xorg = |host: FakeHost, target: &str| host.process(900, "Xorg", &["Xorg"], &[target]);
    vec![
        gpu("the one nvidia card is in use", xorg(nvidia(), "/dev/nvidia0"), "AH207 AH210 [AH302]", Blocked),
        gpu("nvidia's node for all cards", xorg(nvidia(), "/dev/nvidiactl"), "AH207 [AH302]", Blocked),
        gpu("nvidia's card, by its number", xorg(minor("1"), "/dev/nvidia1"), "AH207 AH210 [AH302]", Blocked),
        gpu("another nvidia card, by its number", xorg(minor("1"), "/dev/nvidia0"), "AH207 [AH302]", Blocked),
        gpu("one of two nvidia cards, which is not told", xorg(nvidia().driver(NVME, Some("nvidia")), "/dev/nvidia0"), "AH207 [AH302]", Blocked),
        gpu("a screen is drawn", xorg(radeon(), "/dev/dri/card0"), "AH207 AH210 [AH302]", Blocked),
        gpu("a program computes", xorg(radeon(), "/dev/dri/renderD128"), "AH207 AH210 [AH302]", Blocked),
        gpu("another card draws", xorg(radeon(), "/dev/dri/card1"), "AH207 [AH302]", Blocked),
        gpu("this VM itself draws with the host's driver", radeon().qemu(4711, "gpu-node-01", &["/dev/dri/renderD128"]), "AH207 AH210 [AH302]", Blocked),
        gpu("sound is played", xorg(sound(), "/dev/snd/pcmC1D3p"), "AH207 AH210 [AH302]", Blocked),
        gpu("a mixer", xorg(sound(), "/dev/snd/controlC1"), "AH207 AH210 [AH302]", Blocked),
        gpu("another sound card", xorg(sound(), "/dev/snd/controlC10"), "AH207 [AH302]", Blocked),
        gpu("users of a host's driver cannot be seen", radeon().denied("/proc/900/fd"), "AH207 [AH302]", Blocked),
    ]
}

#[rustfmt::skip]
fn what_cannot_be_seen() -> Vec<Case> {
    let hidden = |host: FakeHost| host.file("/proc/1/comm", "systemd\n").denied("/proc/1/fd");
    let nameless = |host: FakeHost, more: &[&str]| host.process(4711, "qemu-system-x86", &["qemu"], &[&[NAMELESS], more].concat());
    vec![
        gpu("files hidden, not enabled", hidden(workstation()), "", Ready),
        gpu("files hidden, enabled", hidden(enabled()), "AH210?", Undetermined),
        gpu("files hidden, but one tells", hidden(enabled().process(4711, "qemu", &["qemu"], &["/dev/vfio/devices/vfio0"])), "AH210", Blocked),
        gpu("files hidden, not enabled, and a program has the group", hidden(workstation().process(99, "dpdk", &["dpdk"], &["/dev/vfio/16"])), "AH210 AH210", Blocked),
        gpu("files hidden, whether it is enabled too", hidden(workstation()).without_attribute(GPU, "enable"), "AH210?", Undetermined),
        gpu("processes hidden, enabled", enabled().process(4711, "sh", &["sh"], &[]).without("/proc/1"), "AH210?", Undetermined),
        gpu("only the first process captured, enabled", enabled().process(4711, "sh", &["sh"], &[]).without("/proc/2"), "AH210?", Undetermined),
        case("another member of the group enabled, and processes hidden", hidden(workstation().attribute(GPU_AUDIO, "enable", "1\n")), GPU_ONLY, "AH301 AH210?", Blocked),
        case("another member of the group enabled, and nobody has it", workstation().attribute(GPU_AUDIO, "enable", "1\n").process(4711, "sh", &["sh"], &[]), GPU_ONLY, "AH301", Blocked),
        gpu("processes not captured, not enabled", workstation(), "", Ready),
        gpu("processes not captured, enabled", enabled(), "AH210?", Undetermined),
        gpu("all seen, enabled by somebody who is gone", enabled().process(4711, "sh", &["sh"], &[]), "", Ready),
        gpu("a process ended while it was read", enabled().process(4711, "sh", &["sh"], &[]).without("/proc/4711/fd"), "", Ready),
        gpu("whose VM it is cannot be seen", enabled().qemu(4711, "gpu-node-02", &["/dev/vfio/devices/vfio0"]).denied("/proc/4711/cmdline"), "AH210?", Undetermined),
        gpu("what it is called cannot be seen", enabled().qemu(4711, "gpu-node-02", &["/dev/vfio/devices/vfio0"]).denied("/proc/4711/comm"), "AH210", Blocked),
        gpu("a device that somebody handed over, enabled", nameless(enabled(), &[]), "AH210?", Undetermined),
        gpu("a device that somebody handed over, not enabled", nameless(workstation(), &[]), "", Ready),
        gpu("a device of another group", nameless(enabled(), &["/dev/vfio/20"]), "", Ready),
    ]
}

#[rustfmt::skip]
fn resets() -> Vec<Case> {
    // The functions of the card are in groups of their own, and one VM wants the GPU alone.
    let apart = || workstation().group(GPU_AUDIO, Some(18)).driver(GPU_AUDIO, Some("snd_hda_intel"));
    let by = |methods: &str| apart().attribute(GPU, "reset_method", methods);
    let (switch, behind) = (Address::new(0, 1, 0, 2), Address::new(0, 5, 0, 0));
    let with_switch = || workstation().with(switch, 0x06_0400, (0x10b5, 0x8747), Some("pcieport"), 40).below(switch, ROOT_PORT)
        .with(behind, 0x02_0000, (0x8086, 0x1533), Some("igb"), 41).below(behind, switch);
    vec![
        gpu("no reset", workstation().without_reset(GPU), "AH211", Ready),
        gpu("no reset on AMD, 6.17", amd().release("6.17.0").without_reset(GPU_AUDIO), "AH211", Ready),
        gpu("a reset, 5.4", workstation().release("5.4.0-42-generic").without_attribute(GPU, "reset_method"), "", Ready),
        gpu("no reset, 5.4", workstation().release("5.4.0-42-generic").without_reset(GPU), "AH211", Ready),
        gpu("all methods switched off", workstation().attribute(GPU, "reset_method", ""), "AH211", Ready),
        gpu("methods cannot be read, but there are some", workstation().denied("/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/reset_method"), "", Ready),
        case("no reset on a root bus", workstation().with(PF, 0x02_0000, (0x8086, 0x15b8), Some("vfio-pci"), 30).without_reset(PF), wanting(&[(PF, "network")]), "AH211", Ready),
        case("only with the bus, of which another function stays", by("bus\n"), GPU_ONLY, "AH212", Ready),
        case("no reset, and another function stays", apart().without_reset(GPU), GPU_ONLY, "AH211 AH212", Ready),
        case("a reset of its own", by("flr bus\n"), GPU_ONLY, "", Ready),
        case("a reset of its own, older form", by("af_flr\n"), GPU_ONLY, "", Ready),
        case("a reset by power management", by("pm bus\n"), GPU_ONLY, "", Ready),
        case("a method of a later kernel", by("teleport\n"), GPU_ONLY, "AH212?", Ready),
        case("a reset of which 5.10 does not say how", apart().release("5.10.0-30-amd64").without_attribute(GPU, "reset_method"), GPU_ONLY, "AH212?", Ready),
        gpu("only with the bus, all of which the VM gets", workstation().attribute(GPU, "reset_method", "bus\n"), "", Ready),
        gpu("the rest of the bus is not on VFIO yet", workstation().attribute(GPU, "reset_method", "bus\n").driver(GPU_AUDIO, None), "AH208", Blocked),
        gpu("something behind a bridge on the bus", with_switch().without_reset(GPU), "AH211 AH212", Ready),
        gpu("something behind a bridge, and a reset of its own", with_switch(), "", Ready),
        case("nobody else on the bus", workstation().driver(NVME, Some("vfio-pci")).attribute(NVME, "reset_method", "bus\n"), wanting(&[(NVME, "storage")]), "", Ready),
    ]
}

#[rustfmt::skip]
fn power() -> Vec<Case> {
    let off = |status: &str| workstation().attribute(GPU, "power_state", "D3cold\n").attribute(GPU, "power/runtime_status", status);
    vec![
        gpu("without power", off("active\n"), "AH213", Ready),
        gpu("without power after an error", off("error\n"), "AH213", Ready),
        gpu("without power, and power management has no part in it", off("unsupported\n"), "AH213", Ready),
        gpu("at rest", off("suspended\n"), "", Ready),
        gpu("suspended although it may not be", off("suspended\n").attribute(GPU, "power/control", "on\n"), "AH213", Ready),
        gpu("whether it rests cannot be read", off("suspended\n").denied("/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/power/runtime_status"), "AH213?", Ready),
        gpu("asleep with power", workstation().attribute(GPU, "power_state", "D3hot\n"), "", Ready),
        gpu("a kernel that does not say it", workstation().release("5.10.0-30-amd64").without_attribute(GPU, "power_state"), "", Ready),
        gpu("a kernel that should say it", workstation().release("6.1.0-13-amd64").without_attribute(GPU, "power_state"), "AH213?", Ready),
    ]
}

#[rustfmt::skip]
fn virtual_functions() -> Vec<Case> {
    let network = |driver| workstation().with(PF, 0x02_0000, (0x8086, 0x1592), driver, 30).below(PF, SECOND_PORT);
    let with_vf = |driver| network(driver).virtual_function(PF, VF, Some("vfio-pci"), 31);
    let (pf, vf) = (|| wanting(&[(PF, "network")]), || wanting(&[(VF, "network")]));
    let captured = |count: &str| network(None).attribute(PF, "sriov_numvfs", count);
    vec![
        case("a physical function on its driver, with a virtual one", with_vf(Some("ice")).interface_on(PF, "ens1"), pf(), "AH207 AH214 [AH302]", Blocked),
        case("an unbound physical function with virtual ones", with_vf(None), pf(), "AH208 AH214", Blocked),
        case("virtual functions without links", captured("4\n"), pf(), "AH208 AH214", Blocked),
        case("no virtual functions", captured("0\n"), pf(), "AH208", Blocked),
        case("a number that is none", captured("many\n"), pf(), "AH208 AH214?", Blocked),
        case("a physical function on VFIO with a virtual one", with_vf(Some("vfio-pci")), pf(), "AH214", Ready),
        case("the same on an old kernel", with_vf(Some("vfio-pci")).release("5.10.0-30-amd64"), pf(), "AH214", Ready),
        case("a virtual function, the physical one with the host", with_vf(Some("ice")), vf(), "", Ready),
        case("a virtual function, the physical one on VFIO", with_vf(Some("vfio-pci")), vf(), "AH214", Ready),
        case("the same before the vf-token", with_vf(Some("vfio-pci")).release("5.4.0-42-generic"), vf(), "", Ready),
        case("a virtual function whose physical one is not to be seen", with_vf(Some("ice")).without(&format!("/sys/bus/pci/devices/{PF}")), vf(), "AH214?", Ready),
        case("a virtual function without reset, whose bus has others", with_vf(Some("ice")).without_reset(VF), vf(), "AH211", Ready),
        case("both wanted", with_vf(Some("vfio-pci")), wanting(&[(PF, "network"), (VF, "network")]), "AH214 AH214", Ready),
    ]
}

#[rustfmt::skip]
fn reserved_memory() -> Vec<Case> {
    const DIRECT: &str = "0x000000007d000000 0x000000007f7fffff direct\n0x00000000fee00000 0x00000000feefffff msi\n";
    const HARMLESS: &str = "0x000000007d000000 0x000000007f7fffff direct-relaxable\n0x00000000fee00000 0x00000000feefffff msi\n0x000000fd00000000 0x000000ffffffffff reserved\n";
    let (intel, amd) = (|release| workstation().release(release).reserved(16, DIRECT), |release| amd().release(release).reserved(16, DIRECT));
    let el9 = "5.14.0-427.el9.x86_64";
    vec![
        gpu("Intel, 6.12", intel("6.12.1-amd64"), "AH215", Blocked),
        gpu("Intel, 5.4", intel("5.4.0-42-generic"), "AH215", Blocked),
        gpu("Intel, with backports", intel(el9), "AH215", Blocked),
        gpu("AMD, 6.5", amd("6.5.0-14-generic"), "AH215", Ready),
        gpu("AMD, 6.6", amd("6.6.0"), "AH215", Blocked),
        gpu("AMD, with backports", amd(el9), "AH215?", Undetermined),
        gpu("the IOMMU counts, not the processor", intel("6.1.0-13-amd64").iommu(Some("ivhd0")), "AH215", Ready),
        gpu("what does no harm", workstation().reserved(16, HARMLESS), "", Ready),
        gpu("another group", workstation().reserved(17, DIRECT), "", Ready),
        gpu("not in a known form", workstation().reserved(16, "nonsense\n"), "AH215?", Undetermined),
        gpu("not in a known form, AMD, 6.1", amd("6.1.0-13-amd64").reserved(16, "nonsense\n"), "AH215?", Ready),
        gpu("a host that has no such file", workstation().without("/sys/kernel/iommu_groups/16/reserved_regions"), "", Ready),
        case("a bridge", workstation().reserved(1, DIRECT), wanting(&[(ROOT_PORT, "other")]), "AH205 AH405", Blocked),
    ]
}

#[rustfmt::skip]
fn address_registers() -> Vec<Case> {
    const GOOD: &str = "0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200\n";
    const UNSET: &str = "0x0000000000000000 0x00000003ffffffff 0x000000002014220c\n";
    const NONE: &str = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
    let with = |lines: &[&str]| workstation().attribute(GPU, "resource", &lines.concat());
    let rom = [GOOD, NONE, NONE, NONE, NONE, NONE, "0x0000000000000000 0x000000000007ffff 0x0000000020046200\n"];
    vec![
        gpu("a register without addresses", with(&[GOOD, UNSET]), "AH216 AH608", Blocked),
        gpu("a register for ports without addresses", with(&["0x0000000000000000 0x000000000000007f 0x0000000020040101\n"]), "AH216", Blocked),
        gpu("registers that do not exist", with(&[GOOD, NONE, NONE]), "", Ready),
        gpu("the ROM has no addresses", with(&rom), "", Ready),
        gpu("enabled already", with(&[GOOD, UNSET]).driver(GPU, Some("nvidia")), "AH207 AH608 [AH302]", Blocked),
        gpu("whether it is enabled is not known", with(&[GOOD, UNSET]).without_attribute(GPU, "enable"), "AH608 AH210? AH216?", Undetermined),
        gpu("registers in no known form", with(&["nonsense\n"]), "AH216? AH608?", Undetermined),
        gpu("registers not there", workstation().without_attribute(GPU, "resource"), "AH216? AH608?", Undetermined),
    ]
}

#[rustfmt::skip]
fn boot_screens() -> Vec<Case> {
    let (old, new, el9) = (|| workstation().release("5.15.0-91-generic"), || workstation().release("6.1.0-13-amd64"), || workstation().release("5.14.0-427.el9.x86_64"));
    let hidden = |host: FakeHost| host.boot_screen(GPU, "BOOTFB").file("/proc/iomem", "00000000-00000000 : System RAM\n  00000000-00000000 : BOOTFB\n");
    let elsewhere = "e0000000-e07fffff : BOOTFB\nf6000000-f6ffffff : 0000:01:00.0\n";
    vec![
        gpu("drawn, 5.15", old().boot_screen(GPU, "BOOTFB"), "AH217", Ready),
        gpu("drawn by efifb, 5.4", workstation().release("5.4.0-42-generic").boot_screen(GPU, "efifb"), "AH217", Ready),
        gpu("drawn by simpledrm", old().boot_screen(GPU, "simple-framebuffer"), "AH217", Ready),
        gpu("drawn, and unbound, 5.15", old().driver(GPU, None).boot_screen(GPU, "BOOTFB"), "AH208 AH217", Blocked),
        gpu("drawn, and unbound, 6.1", new().driver(GPU, None).boot_screen(GPU, "BOOTFB"), "AH208", Blocked),
        gpu("drawn although vfio-pci has it, 6.1", new().boot_screen(GPU, "vesafb"), "AH217", Ready),
        gpu("drawn although vfio-pci has it, backports", el9().boot_screen(GPU, "BOOTFB"), "AH217", Ready),
        gpu("drawn, and unbound, backports", el9().driver(GPU, None).boot_screen(GPU, "BOOTFB"), "AH208 AH217?", Blocked),
        gpu("drawn no more", old().boot_screen(GPU, "vfio-pci"), "", Ready),
        gpu("drawn elsewhere", old().boot_screen(GPU, "BOOTFB").file("/proc/iomem", elsewhere), "", Ready),
        gpu("not the card of the firmware", old().boot_screen(GPU, "BOOTFB").attribute(GPU, "boot_vga", "0\n"), "", Ready),
        gpu("addresses hidden, 5.15", hidden(old()), "AH217?", Ready),
        gpu("addresses hidden, 6.1", hidden(new()), "", Ready),
        gpu("no map of memory, 5.15", old().boot_screen(GPU, "BOOTFB").without("/proc/iomem"), "AH217?", Ready),
        gpu("whether it is that card is not told", old().attribute(GPU, "boot_vga", "2\n"), "AH217?", Ready),
    ]
}

#[test]
fn many_users_are_counted() {
    let host = (0..12).fold(enabled(), |host, index| {
        host.process(500 + index, "spdk", &["spdk"], &["/dev/vfio/devices/vfio0"])
    });
    let judged = judge(ONE_GPU, &host);
    let finding = judged.findings.iter().find(|it| it.code == "AH210").unwrap();
    assert!(finding.message.contains("spdk (PID 500), "), "{}", finding.message);
    assert!(finding.message.ends_with("spdk (PID 507) and 4 more"), "{}", finding.message);
    assert_eq!(finding.remedies[0].commands, ["ps -f -p 500,501,502,503,504,505,506,507"]);
}
