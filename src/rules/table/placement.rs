//! Where VMs' processors and memory come from, and how near that is to their devices.

use super::{Case, case, judge, workstation};
use crate::finding::Severity;
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO, NVME, ROOT_PORT};
use crate::policy::Verdict::{self, Blocked, Ready, Undetermined};

pub fn cases() -> Vec<Case> {
    [
        nodes(),
        huge_pages(),
        huge_pages_of_nodes(),
        processors(),
        memory(),
        locked(),
        links(),
        widths(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const CARD: &str = "{pci_address: '0000:01:00.0', device_type: gpu}, {pci_address: '0000:01:00.1', device_type: audio}";
const DRIVE: &str = "{pci_address: '0000:02:00.0', device_type: storage}";
const SMALL: u64 = 2048;
const GIGANTIC: u64 = 1 << 20;

/// A VM of a short file: its name, what it takes, what makes it fast, and its devices.
fn vm(name: &str, takes: &str, performance: &str, devices: &str) -> String {
    format!(
        "  - {{name: {name}, {takes}, hardware: {{acceleration: {{performance: {{{performance}}}}}}}, pcie_passthrough: {{enabled: {}, devices: [{devices}]}}}}\n",
        !devices.is_empty()
    )
}

fn plan(vms: &[String]) -> String {
    format!("compute_nodes:\n{}", vms.concat())
}

/// One VM with the drive, so that no GPU is to be advised of.
fn one(takes: &str, performance: &str) -> String {
    plan(&[vm("a", takes, performance, DRIVE)])
}

/// The drive waits on vfio-pci too, and the host can be had whole.
fn host() -> FakeHost {
    workstation().driver(NVME, Some("vfio-pci"))
}

/// A VM has the drive.
fn in_use() -> FakeHost {
    host().attribute(NVME, "enable", "1\n")
}

fn two_nodes() -> FakeHost {
    host().two_nodes(32)
}

fn on(
    name: &'static str,
    host: FakeHost,
    config: String,
    codes: &'static str,
    verdict: Verdict,
) -> Case {
    case(name, host, config, codes, verdict)
}

#[rustfmt::skip]
fn nodes() -> Vec<Case> {
    let both = || plan(&[vm("a", "memory_gb: 8", "cpu_pinning: true, enable_hugepages: false", &format!("{CARD}, {DRIVE}"))]);
    let apart = || two_nodes().on_node(GPU, 0).on_node(GPU_AUDIO, 0).on_node(NVME, 1);
    let two_vms = || plan(&[vm("a", "memory_gb: 8", "cpu_pinning: true", CARD), vm("b", "memory_gb: 8", "cpu_pinning: true", DRIVE)]);
    let pair = |memory: u64| plan(&[vm("a", &format!("memory_gb: {memory}"), "cpu_pinning: true", CARD), vm("b", "memory_gb: 16", "cpu_pinning: true", DRIVE)]);
    let together = || two_nodes().on_node(GPU, 1).on_node(GPU_AUDIO, 1).on_node(NVME, 1);
    let spread = |memory: u64| format!("compute_nodes:\n  - {{name: a, memory_gb: {memory}, hardware: {{acceleration: {{performance: {{cpu_pinning: true}}, numa_topology: {{nodes: 2}}}}}}, pcie_passthrough: {{enabled: true, devices: [{DRIVE}]}}}}\n");
    vec![
        on("devices of one VM on two nodes", apart(), both(), "AH601 AH603", Ready),
        on("devices of one VM on one node", together(), both(), "AH603", Ready),
        on("two VMs, each on its own node", apart(), two_vms(), "AH603", Ready),
        on("two functions of a card on two nodes", two_nodes().on_node(GPU, 0).on_node(GPU_AUDIO, 1), super::ONE_GPU.to_owned(), "AH601", Ready),
        on("the firmware does not say the node of one", two_nodes().on_node(GPU, 0), both(), "AH603", Ready),
        on("a node in no known form", apart().attribute(NVME, "numa_node", "near\n"), both(), "AH603 AH601? AH602?", Ready),
        on("more memory than the node has", two_nodes().on_node(NVME, 1), one("memory_gb: 40", "cpu_pinning: true"), "AH602", Ready),
        on("more memory than the node has, and nothing ties it there", two_nodes().on_node(NVME, 1), one("memory_gb: 40", ""), "AH602", Ready),
        on("as much memory as the node has", two_nodes().on_node(NVME, 1), one("memory_gb: 32", "cpu_pinning: true"), "", Ready),
        on("two VMs together more than their node", together(), pair(24), "AH602 AH603", Ready),
        on("two VMs that fit their node", together(), pair(16), "AH603", Ready),
        on("the VM is laid over both nodes", two_nodes().on_node(NVME, 1), spread(40), "", Ready),
        on("a host of one node", host().on_node(NVME, 0), one("memory_gb: 40", "cpu_pinning: true"), "", Ready),
        on("a kernel that knows of no nodes", host().without("/sys/devices/system/node"), one("memory_gb: 40", "cpu_pinning: true"), "", Ready),
        on("what nodes there are cannot be seen", two_nodes().on_node(NVME, 1).denied("/sys/devices/system/node"), one("memory_gb: 40", "cpu_pinning: true"), "AH602?", Ready),
        on("what the node has cannot be seen", two_nodes().on_node(NVME, 1).denied("/sys/devices/system/node/node1/meminfo"), one("memory_gb: 40", "cpu_pinning: true"), "AH602?", Ready),
    ]
}

#[rustfmt::skip]
fn huge_pages() -> Vec<Case> {
    let of = |size: &str| one("memory_gb: 32", &format!("enable_hugepages: true{size}"));
    let big = || of(", hugepage_size: 1G");
    let small = || of(", hugepage_size: 2M");
    let unseen = |arguments: &[&str]| in_use().process(4711, "qemu-system-x86", arguments, &["/dev/vfio/17"]).denied("/proc/4711/fd");
    let two = |second: &str| plan(&[vm("a", "memory_gb: 16", "enable_hugepages: true, hugepage_size: 1G", CARD), vm("b", &format!("memory_gb: 16{second}"), "enable_hugepages: true, hugepage_size: 1G", DRIVE)]);
    let three = || plan(&[vm("a", "memory_gb: 16", "enable_hugepages: true, hugepage_size: 1G", CARD), vm("b", "memory_gb: 16", "enable_hugepages: true, hugepage_size: 1G", DRIVE), vm("c", "memory_gb: 16", "enable_hugepages: true, hugepage_size: 1G", "")]);
    let cluster = |own: &str| format!("version: '1.0'\nclusters:\n  hpc:\n    name: hpc\n    network: {{subnet: 10.0.0.0/24, bridge: br0}}\n    hardware: {{acceleration: {{performance: {{memory_backing: hugepages, hugepage_size: 1G, cpu_pinning: true}}}}}}\n    compute_nodes:\n      - {{name: a, cpu_cores: 4, memory_gb: 16, disk_gb: 20, ip: DHCP, {own}pcie_passthrough: {{enabled: true, devices: [{DRIVE}]}}}}\n");
    vec![
        on("no page of 1 GiB", host(), big(), "AH603", Blocked),
        on("enough pages of 1 GiB", host().free_pages(GIGANTIC, 32), big(), "", Ready),
        on("one page too few", host().free_pages(GIGANTIC, 31), big(), "AH603", Blocked),
        on("enough pages, but of the other size", host().free_pages(SMALL, 16384), big(), "AH603", Blocked),
        on("enough pages of 2 MiB", host().free_pages(SMALL, 16384), small(), "", Ready),
        on("no size named, so the host's default", host().free_pages(SMALL, 16384), of(""), "", Ready),
        on("some of the free ones are promised", host().free_pages(SMALL, 16384).pages(SMALL, "resv_hugepages", 1), small(), "AH603", Blocked),
        on("the kernel may make the missing ones", host().pages(SMALL, "nr_overcommit_hugepages", 16384), small(), "AH603", Ready),
        on("the kernel may make some, too few", host().pages(SMALL, "nr_overcommit_hugepages", 100), small(), "AH603", Blocked),
        on("a processor without pages of 1 GiB", host().without("/sys/kernel/mm/hugepages/hugepages-1048576kB"), big(), "AH603", Blocked),
        on("a kernel without huge pages", host().without("/sys/kernel/mm/hugepages"), big(), "AH603", Blocked),
        on("free pages cannot be read", host().denied("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages"), big(), "AH603?", Undetermined),
        on("two VMs, pages for one", host().free_pages(GIGANTIC, 16), two(""), "AH603", Blocked),
        on("two VMs that take turns", host().free_pages(GIGANTIC, 16), two(", auto_start: false"), "", Ready),
        on("two VMs, pages for both", host().free_pages(GIGANTIC, 32), two(""), "", Ready),
        on("the VM runs, and has its pages", in_use().process(4711, "qemu-system-x86", &["qemu", "-name", "a"], &["/dev/vfio/17"]), big(), "", Ready),
        on("the VM runs, and has its pages and files that cannot be seen", unseen(&["qemu", "-name", "a"]), big(), "AH210?", Undetermined),
        on("the VM runs with a device that was handed over, and has its pages", in_use().process(4711, "qemu-system-x86", &["qemu", "-name", "a"], &["anon_inode:[vfio-device]"]), big(), "AH210?", Undetermined),
        on("the VM runs, and which group its device is in cannot be seen", in_use().process(4711, "qemu-system-x86", &["qemu", "-name", "a"], &["/dev/vfio/17"]).denied(&format!("{}/iommu_group", host().folder_of(NVME))), big(), "AH603? AH206? AH210?", Undetermined),
        on("whether it is the VM that runs cannot be seen", unseen(&["qemu", "-name", "a"]).denied("/proc/4711/cmdline"), big(), "AH603? AH210?", Undetermined),
        on("whether it is the VM that has the device cannot be seen", in_use().process(4711, "qemu-system-x86", &["qemu", "-name", "a"], &["/dev/vfio/17"]).denied("/proc/4711/cmdline"), big(), "AH603? AH210?", Undetermined),
        on("another VM runs unseen", unseen(&["qemu", "-name", "b"]), big(), "AH603 AH210?", Blocked),
        on("whether one of two VMs runs cannot be seen", unseen(&["qemu", "-name", "a"]).denied("/proc/4711/cmdline").free_pages(GIGANTIC, 16), two(""), "AH603? AH603? AH210?", Undetermined),
        on("too many ask for pages besides the one of which it cannot be seen", unseen(&["qemu", "-name", "b"]).denied("/proc/4711/cmdline").free_pages(GIGANTIC, 16), three(), "AH603 AH603? AH210?", Blocked),
        on("a driver of the host has the device, and not all processes can be seen", unseen(&["qemu", "-name", "b"]).driver(NVME, Some("nvme")).denied("/proc/4711/cmdline"), big(), "AH207 AH401 AH603 [AH302]", Blocked),
        on("the cluster asks for pages", host(), cluster(""), "AH603", Blocked),
        on("a VM has its own mind", host().free_pages(SMALL, 8192), cluster("hardware: {acceleration: {performance: {hugepage_size: 2M}}}, "), "", Ready),
        on("a VM with a GPU, and no huge pages", host(), plan(&[vm("a", "memory_gb: 8", "cpu_pinning: true", CARD)]), "AH603", Ready),
        on("a VM without a GPU, and no huge pages", host(), one("memory_gb: 8", ""), "", Ready),
    ]
}

#[rustfmt::skip]
fn huge_pages_of_nodes() -> Vec<Case> {
    let asks = |more: &str| one("memory_gb: 16", &format!("enable_hugepages: true, hugepage_size: 1G{more}"));
    let tied = || asks(", cpu_pinning: true");
    let wrong = || two_nodes().on_node(NVME, 1).free_pages(GIGANTIC, 16).free_pages_on(0, GIGANTIC, 16);
    vec![
        on("pages of 1 GiB on the wrong node", wrong(), tied(), "AH603", Blocked),
        on("pages on the wrong node, and nothing ties the VM", wrong(), asks(""), "AH603", Ready),
        on("pages on the right node", two_nodes().on_node(NVME, 1).free_pages(GIGANTIC, 16).free_pages_on(1, GIGANTIC, 16), tied(), "", Ready),
        on("pages on both nodes, half each", two_nodes().on_node(NVME, 1).free_pages(GIGANTIC, 16).free_pages_on(0, GIGANTIC, 8).free_pages_on(1, GIGANTIC, 8), tied(), "AH603", Blocked),
        on("pages of the node cannot be read", wrong().denied("/sys/devices/system/node/node1/hugepages/hugepages-1048576kB/free_hugepages"), tied(), "AH603?", Undetermined),
        on("pages of the node cannot be read, and nothing ties the VM", wrong().denied("/sys/devices/system/node/node1/hugepages/hugepages-1048576kB/free_hugepages"), asks(""), "AH603?", Ready),
        on("the node of the device is not known", two_nodes().free_pages(GIGANTIC, 16).free_pages_on(0, GIGANTIC, 16), tied(), "", Ready),
    ]
}

#[rustfmt::skip]
fn processors() -> Vec<Case> {
    let tied = || one("cpu_cores: 8", "cpu_pinning: true");
    let free = || one("cpu_cores: 8", "");
    let isolated = || two_nodes().on_node(NVME, 1).file("/sys/devices/system/cpu/isolated", "20-31\n");
    let with_other = |other: &str| plan(&[vm("a", "cpu_cores: 8", "cpu_pinning: true", DRIVE), format!("  - {{name: b, {other}, pcie_passthrough: {{enabled: false}}}}\n")]);
    vec![
        on("tied to processors, some of them isolated", isolated(), tied(), "", Ready),
        on("not tied, and some are isolated", isolated(), free(), "AH604", Ready),
        on("not tied, one node", host(), free(), "AH604", Ready),
        on("the isolated ones cannot be read", isolated().denied("/sys/devices/system/cpu/isolated"), free(), "AH604 AH604?", Ready),
        on("more processors than the host", host(), one("cpu_cores: 33", "cpu_pinning: true"), "AH604", Ready),
        on("as many processors as the host", host(), one("cpu_cores: 32", "cpu_pinning: true"), "", Ready),
        on("with a VM without devices too many", host(), with_other("cpu_cores: 25"), "AH604", Ready),
        on("with a VM that does not start by itself", host(), with_other("cpu_cores: 25, auto_start: false"), "", Ready),
        on("some processors are off", host().file("/sys/devices/system/cpu/online", "0-6\n"), tied(), "AH604", Ready),
        on("the processors cannot be read", host().denied("/sys/devices/system/cpu/online"), tied(), "AH604?", Ready),
    ]
}

#[rustfmt::skip]
fn memory() -> Vec<Case> {
    let two = |first: &str, second: &str| plan(&[vm("a", first, "cpu_pinning: true", DRIVE), vm("b", second, "", &CARD.replace("gpu", "other").replace("audio", "other"))]);
    let lone = |memory: &str| one(memory, "");
    let with_other = |other: &str| plan(&[vm("a", "memory_gb: 32", "", DRIVE), format!("  - {{name: b, {other}, pcie_passthrough: {{enabled: false}}}}\n")]);
    vec![
        on("96 GiB of VMs on a host of 64 GiB", host(), two("memory_gb: 64", "memory_gb: 32"), "AH605", Blocked),
        on("96 GiB of VMs that take turns", host().memory(64, 64), two("memory_gb: 64", "memory_gb: 32, auto_start: false"), "", Ready),
        on("one VM larger than the host, started by hand", host(), lone("memory_gb: 65, auto_start: false"), "AH605", Blocked),
        on("all the memory there is", host().memory(64, 64), lone("memory_gb: 64"), "", Ready),
        on("more than can be had now", host().memory(64, 16), lone("memory_gb: 32"), "AH605", Ready),
        on("more than can be had now, with a VM without devices", host().memory(64, 40), with_other("memory_gb: 16"), "AH605", Ready),
        on("more than the host has, with a VM without devices", host(), with_other("memory_gb: 96"), "AH605", Ready),
        on("the other VM does not start by itself", host().memory(64, 40), with_other("memory_gb: 16, auto_start: false"), "", Ready),
        on("the VM runs already", in_use().memory(64, 16).process(4711, "qemu-system-x86", &["qemu", "-name", "a"], &["/dev/vfio/17"]), lone("memory_gb: 32"), "", Ready),
        on("huge pages are set aside already", host().memory(64, 16).free_pages(GIGANTIC, 32), one("memory_gb: 32", "enable_hugepages: true, hugepage_size: 1G"), "", Ready),
        on("the memory cannot be read", host().denied("/proc/meminfo"), lone("memory_gb: 32"), "AH605?", Undetermined),
        on("the memory was not told", host().file("/proc/meminfo", "Cached: 1 kB\n"), lone("memory_gb: 32"), "AH605?", Undetermined),
        on("a VM of which the configuration says nothing", host().denied("/proc/meminfo"), super::wanting(&[(NVME, "storage")]), "", Ready),
    ]
}

#[rustfmt::skip]
fn locked() -> Vec<Case> {
    let lone = || one("memory_gb: 8", "");
    vec![
        on("the caller may lock 8 MiB", host().called_by(1000), lone(), "AH606", Ready),
        on("the caller may lock as much as the VM has", host().called_by(1000).may_lock(8 << 30), lone(), "", Ready),
        on("the caller may lock 1 KiB less", host().called_by(1000).may_lock((8 << 30) - 1024), lone(), "AH606", Ready),
        on("the caller is root", host().may_lock(1 << 20), lone(), "", Ready),
    ]
}

#[rustfmt::skip]
fn links() -> Vec<Case> {
    const FULL: (&str, &str) = ("16.0 GT/s PCIe", "16");
    let gpu = |now: (&str, &str), port: (&str, &str)| host().linked(GPU, now, FULL).linked(GPU_AUDIO, now, FULL).linked(ROOT_PORT, now, port);
    let card = |name, host, codes| on(name, host, super::ONE_GPU.to_owned(), codes, Ready);
    vec![
        card("half the lanes", gpu(("16.0 GT/s PCIe", "8"), FULL), "AH607"),
        card("slow while it rests", gpu(("2.5 GT/s PCIe", "16"), FULL), "AH607"),
        card("all that the port can", gpu(("8.0 GT/s PCIe", "8"), ("8.0 GT/s PCIe", "8")), ""),
        card("slower than device and port can", gpu(("5.0 GT/s PCIe", "8"), ("8.0 GT/s PCIe", "8")), "AH607"),
        card("all that it can", gpu(FULL, FULL), ""),
        card("no link to speak of", gpu(("Unknown", "0"), FULL), ""),
        card("asleep, so not asked", gpu(("2.5 GT/s PCIe", "16"), FULL).attribute(GPU, "power/runtime_status", "suspended\n").attribute(GPU_AUDIO, "power/runtime_status", "suspended\n"), ""),
        card("a width in no known form", gpu(("16.0 GT/s PCIe", "wide"), FULL), "AH607?"),
    ]
}

#[rustfmt::skip]
fn widths() -> Vec<Case> {
    let large = || host().memory(2048, 2000);
    let cap = |register: &str| large().file("/sys/class/iommu/dmar0/intel-iommu/cap", register);
    let amd = || super::amd().driver(NVME, Some("vfio-pci")).memory(2048, 2000);
    let served = |name: &str| cap("d2008c40660462\n").file("/sys/class/iommu/dmar1/intel-iommu/cap", "d2078c106f0466\n").link(&format!("{}/iommu", host().folder_of(NVME)), &format!("../../virtual/iommu/{name}"));
    let lone = |memory: u64| one(&format!("memory_gb: {memory}"), "");
    vec![
        on("39 bits and 512 GiB", large(), lone(512), "AH609", Blocked),
        on("39 bits and 510 GiB", large(), lone(510), "", Ready),
        on("39 bits and 511 GiB, which some kinds of VM lay lower", large(), lone(511), "AH609", Ready),
        on("48 bits and 512 GiB", cap("d2078c106f0466\n"), lone(512), "", Ready),
        on("the register cannot be read", large().denied("/sys/class/iommu/dmar0/intel-iommu/cap"), lone(512), "AH609?", Undetermined),
        on("the register cannot be read, and any will do", large().denied("/sys/class/iommu/dmar0/intel-iommu/cap"), lone(64), "", Ready),
        on("a register without page tables", cap("0\n"), lone(512), "AH609?", Undetermined),
        on("the wider IOMMU serves the device", served("dmar1"), lone(512), "", Ready),
        on("the narrower IOMMU serves the device", served("dmar0"), lone(512), "AH609", Blocked),
        on("below AMD's reserved addresses", amd(), lone(1000), "", Ready),
        on("into AMD's reserved addresses", amd(), lone(1012), "AH609", Ready),
    ]
}

/// Of a VM that nothing ties to a node, what is not known of the node is a warning at most: that
/// makes nothing less of what is not known of the host.
#[test]
fn pages_that_may_be_missing_decide() {
    let name = "whether it is the VM that runs cannot be seen";
    let case = cases().into_iter().find(|case| case.name == name).expect("it is there");
    let judged = judge(&case.config, &case.host);
    let open = judged.undetermined.iter().find(|it| it.code == "AH603").expect("it is not known");
    assert_eq!(open.severity, Severity::Error, "{judged:#?}");
}
