//! Hosts made by changing the samples, and what is said of them.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use common::{
    AUDIO, GPU, HELD, HostDir, NVME, OFF, PORT, READY, open, run, sample, short_file, standing,
    validate,
};

/// A host and a plan, and what stands: codes of findings, codes of open checks, exit code.
struct Case {
    name: &'static str,
    host: HostDir,
    config: String,
    findings: &'static [&'static str],
    open: &'static [&'static str],
    status: i32,
}

fn both() -> String {
    short_file(&[(GPU, "gpu"), (AUDIO, "audio")])
}

fn case(
    name: &'static str,
    host: HostDir,
    findings: &'static [&'static str],
    open: &'static [&'static str],
    status: i32,
) -> Case {
    Case { name, host, config: both(), findings, open, status }
}

impl Case {
    fn wanting(self, devices: &[(&str, &str)]) -> Self {
        Self { config: short_file(devices), ..self }
    }
}

#[track_caller]
fn judge(cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for case in cases {
        let ran = validate(case.host.root(), &case.config, &[]);
        let document = ran.json();
        let mut found = standing(&document);
        found.dedup();
        let mut unanswered = open(&document);
        unanswered.dedup();
        let verdict =
            ["ready", "blocked", "", "undetermined"][usize::try_from(case.status).unwrap()];
        let good = found == case.findings
            && unanswered == case.open
            && ran.status == case.status
            && document["verdict"] == verdict;
        if !good {
            wrong.push(format!(
                "{}: expected {:?}, open {:?}, exit {}\n    got {found:?}, open {unanswered:?}, exit {}, {}",
                case.name, case.findings, case.open, case.status, ran.status, document["undetermined"],
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn ready() -> HostDir {
    HostDir::sample(READY)
}

/// Kernels without swap and IPv6 are rare, copies in which a file is missing are not.
#[test]
fn what_the_host_uses_is_not_told_by_a_file_that_nobody_kept() {
    const NIC: &str = "0000:05:00.0";
    let nic = || {
        ready()
            .endpoint("pci0000:00", NIC, "020000", ("8086", "1533"))
            .group(NIC, Some(30))
            .driver(NIC, Some("igb"))
            .folder(&format!("sys/devices/pci0000:00/{NIC}/net/eno1"))
            .link("sys/class/net/eno1", &format!("../../devices/pci0000:00/{NIC}/net/eno1"))
    };
    let unused = || ready().write("proc/1/mountinfo", "22 1 0:20 / /sys rw - sysfs sysfs rw\n");
    let drive = |name, host, open, status| {
        case(name, host, &["AH207"], open, status).wanting(&[(NVME, "storage")])
    };
    let network = |name, host, open, status| {
        case(name, host, &["AH207"], open, status).wanting(&[(NIC, "network")])
    };
    judge(vec![
        drive("all is kept", unused(), &[], 1),
        drive("no swaps", unused().remove("proc/swaps"), &["AH401"], 1),
        network("all is kept", nic(), &[], 1),
        network("no routes of IPv6", nic().remove("proc/net/ipv6_route"), &["AH402"], 1),
        network("no addresses of IPv6", nic().remove("proc/net/if_inet6"), &["AH402"], 1),
        case(
            "on vfio-pci",
            ready().remove("proc/swaps").remove("proc/net/ipv6_route"),
            &[],
            &[],
            0,
        ),
    ]);
}

/// The drive (`NVME`) joins the group of the GPU.
fn with_nvme(driver: Option<&str>) -> HostDir {
    ready().group(NVME, Some(16)).driver(NVME, driver)
}

#[test]
fn members_of_a_group() {
    let port_in_group =
        |driver, kernel: &str| ready().group(PORT, Some(16)).driver(PORT, driver).kernel(kernel);
    judge(vec![
        case("all is well", ready(), &[], &[], 0),
        case("held by the host", HostDir::sample(HELD), &["AH207"], &[], 1),
        case("a bridge on pcieport", port_in_group(Some("pcieport"), "6.12.1"), &[], &[], 0),
        case("a bridge on pcieport, old", port_in_group(Some("pcieport"), "5.10.0"), &[], &[], 0),
        case(
            "a bridge on shpchp, old",
            port_in_group(Some("shpchp"), "5.10.0-30-amd64"),
            &[],
            &[],
            0,
        ),
        case("a bridge on shpchp, 5.18", port_in_group(Some("shpchp"), "5.18.19"), &[], &[], 0),
        case(
            "a bridge on shpchp, 5.19",
            port_in_group(Some("shpchp"), "5.19.0"),
            &["AH302"],
            &[],
            1,
        ),
        case(
            "a bridge on shpchp, new",
            port_in_group(Some("shpchp"), "6.12.1"),
            &["AH302"],
            &[],
            1,
        ),
        case(
            "a bridge on shpchp, backports",
            port_in_group(Some("shpchp"), "5.14.0-427.el9.x86_64"),
            &[],
            &["AH302"],
            3,
        ),
        case(
            "a bridge on shpchp, no release",
            port_in_group(Some("shpchp"), "garbage"),
            &[],
            &["AH302"],
            3,
        ),
        case(
            "a bridge on pcieport, no release",
            port_in_group(Some("pcieport"), "garbage"),
            &[],
            &[],
            0,
        ),
        case("a bridge without a driver", port_in_group(None, "6.12.1"), &[], &[], 0),
        case("left out, no driver", with_nvme(None), &["AH301"], &[], 1),
        case("left out, on pci-stub", with_nvme(Some("pci-stub")), &["AH301"], &[], 1),
        case("left out, on vfio-pci", with_nvme(Some("vfio-pci")), &["AH301"], &[], 1),
        case("left out, held by nvme", with_nvme(Some("nvme")), &["AH302", "AH401"], &[], 1),
        case(
            "left out, held by nvme, old",
            with_nvme(Some("nvme")).kernel("5.10.0"),
            &["AH302", "AH401"],
            &[],
            1,
        ),
        case("wanted, no driver", ready().driver(AUDIO, None), &["AH208"], &[], 1),
        case("wanted, on pci-stub", ready().driver(AUDIO, Some("pci-stub")), &["AH209"], &[], 1),
        case(
            "wanted, on xen-pciback",
            ready().driver(AUDIO, Some("xen-pciback")),
            &["AH209"],
            &[],
            1,
        ),
        case(
            "wanted, on a driver never heard of",
            ready().driver(AUDIO, Some("brand-new")),
            &["AH207"],
            &[],
            1,
        ),
        case(
            "wanted, on a variant of vfio-pci",
            ready().driver(AUDIO, Some("mlx5_vfio_pci")),
            &[],
            &[],
            0,
        ),
        case(
            "wanted, on vfio-platform",
            ready().driver(AUDIO, Some("vfio-platform")),
            &["AH207"],
            &[],
            1,
        ),
        case("the GPU alone", ready(), &["AH301"], &[], 1).wanting(&[(GPU, "gpu")]),
        case(
            "the GPU alone, its audio held",
            HostDir::sample(HELD).driver(GPU, Some("vfio-pci")),
            &["AH302"],
            &[],
            1,
        )
        .wanting(&[(GPU, "gpu")]),
        case("outside all groups", ready().group(AUDIO, None), &["AH206"], &[], 1),
        case("a bridge is wanted", ready(), &["AH205", "AH405"], &[], 1)
            .wanting(&[(PORT, "other")]),
        case("the host bridge is wanted", ready(), &["AH205"], &[], 1)
            .wanting(&[("0000:00:00.0", "other")]),
        case("the ISA bridge is wanted", ready(), &["AH205"], &[], 1)
            .wanting(&[("0000:00:1f.0", "other")]),
    ]);
}

#[test]
fn a_wide_domain_is_an_address_like_any_other() {
    const WIDE: &str = "10000:e1:00.0";
    let host = || {
        ready()
            .endpoint("pci10000:e0/10000:e0:06.0", WIDE, "010802", ("144d", "a808"))
            .driver(WIDE, Some("vfio-pci"))
            .group(WIDE, Some(40))
    };
    judge(vec![
        case("on vfio-pci", host(), &[], &[], 0).wanting(&[(WIDE, "storage")]),
        case("written in eight digits", host(), &[], &[], 0)
            .wanting(&[("00010000:E1:00.0", "storage")]),
        case("held", host().driver(WIDE, Some("nvme")), &["AH207"], &[], 1)
            .wanting(&[(WIDE, "storage")]),
        case("in no group", host().group(WIDE, None), &["AH206"], &[], 1)
            .wanting(&[(WIDE, "storage")]),
        case("not there", ready(), &["AH201"], &[], 1).wanting(&[(WIDE, "storage")]),
    ]);
    let host = host();
    let listed = common::inventory(host.root(), &[]);
    assert_eq!(common::device(&listed, WIDE)["passthrough"], "ready");
    let last = listed["devices"].as_array().unwrap().last().unwrap();
    assert_eq!(last["address"], WIDE, "ordered by number");
}

#[test]
fn captures_with_holes() {
    judge(vec![
        case(
            "no list of the group, links there",
            ready().remove("sys/kernel/iommu_groups/16/devices"),
            &[],
            &[],
            0,
        ),
        case(
            "no list, and the links show another member",
            with_nvme(None).remove("sys/kernel/iommu_groups/16/devices"),
            &["AH301"],
            &[],
            1,
        ),
        case("no driver link, but uevent", ready().without(GPU, "driver"), &[], &[], 0),
        case(
            "no driver link, nvidia in uevent",
            HostDir::sample(HELD).without(GPU, "driver"),
            &["AH207"],
            &[],
            1,
        ),
        case("no uevent, but the link", ready().without(GPU, "uevent"), &[], &[], 0),
        case(
            "neither",
            ready().without(GPU, "uevent").without(GPU, "driver").without(GPU, "vfio-dev"),
            &[],
            &["AH207", "AH208", "AH302"],
            3,
        ),
        case(
            "no release",
            ready().remove("proc/version").remove("proc/sys/kernel/osrelease"),
            &[],
            &[],
            0,
        ),
        case("no proc", ready().remove("proc"), &[], &["AH101", "AH106", "AH503", "AH703"], 3),
        case(
            "a known error beside an unknown",
            HostDir::sample(HELD).without(AUDIO, "uevent").without(AUDIO, "driver"),
            &["AH207"],
            &["AH302", "AH207", "AH208"],
            1,
        ),
    ]);
}

#[test]
fn what_a_capture_tells_of_a_device() {
    let busy = || ready().attribute(GPU, "enable", "1\n");
    let qemu = |vm: &str| {
        busy()
            .link("proc/1/fd/0", "/dev/null")
            .folder("proc/2/fd")
            .write("proc/4711/comm", "qemu-system-x86\n")
            .write("proc/4711/cmdline", format!("qemu-system-x86_64\0-name\0guest={vm}\0"))
            .link("proc/4711/fd/31", "/dev/vfio/16")
    };
    let no_reset = || ready().without(GPU, "reset").without(GPU, "reset_method");
    judge(vec![
        case("held by another VM", qemu("other"), &["AH210"], &[], 1),
        case("held by this VM", qemu("vm"), &[], &[], 0),
        case(
            "whose it is was not captured",
            qemu("vm").remove("proc/4711/cmdline"),
            &[],
            &["AH210"],
            3,
        ),
        case("a process without its files", qemu("vm").remove("proc/4711/fd"), &[], &["AH210"], 3),
        case("no processes, and enabled", busy(), &[], &["AH210"], 3),
        case("no processes, and not enabled", ready(), &[], &[], 0),
        case("no reset, which may be the capture's doing", no_reset(), &[], &["AH211"], 0),
        case(
            "no reset, and it kept such files",
            no_reset().attribute(GPU, "remove", ""),
            &["AH211"],
            &[],
            0,
        ),
        case(
            "no reserved regions captured",
            ready().remove("sys/kernel/iommu_groups/16/reserved_regions"),
            &[],
            &["AH215"],
            3,
        ),
        case(
            "hidden addresses of the boot screen",
            ready()
                .kernel("5.15.0-91-generic")
                .attribute(GPU, "boot_vga", "1\n")
                .write("proc/iomem", "00000000-00000000 : BOOTFB\n"),
            &[],
            &["AH217"],
            0,
        ),
    ]);
}

#[test]
fn the_iommu() {
    let off = || HostDir::sample(OFF);
    judge(vec![
        case("both folders empty", off(), &["AH105"], &[], 1),
        case(
            "neither folder",
            ready().remove("sys/class/iommu").remove("sys/kernel/iommu_groups"),
            &[],
            &["AH105", "AH107"],
            3,
        ),
        case(
            "asked for and not there",
            off().write("proc/cmdline", "quiet intel_iommu=on iommu=pt\n"),
            &["AH105"],
            &[],
            1,
        ),
        case(
            "a table, asked for and not there",
            off()
                .write("sys/firmware/acpi/tables/DMAR", "")
                .write("proc/cmdline", "intel_iommu=on\n"),
            &["AH105"],
            &[],
            1,
        ),
        case("not asked for and there", ready().write("proc/cmdline", "quiet\n"), &[], &[], 0),
        case(
            "asked to be off and there",
            ready().write("proc/cmdline", "intel_iommu=off\n"),
            &[],
            &[],
            0,
        ),
        case(
            "an instance without groups",
            off().write("sys/class/iommu/dmar0/name", "dmar0\n"),
            &["AH105"],
            &[],
            1,
        ),
        case("groups left over", ready().remove("sys/class/iommu/dmar0"), &["AH105"], &[], 1),
        case("AMD", amd(), &[], &[], 0),
        case(
            "AMD, nothing on the command line",
            amd().write("proc/cmdline", "quiet\n"),
            &[],
            &[],
            0,
        ),
    ]);
}

fn amd() -> HostDir {
    ready()
        .remove("sys/class/iommu/dmar0")
        .write("sys/class/iommu/ivhd0/name", "")
        .remove("sys/firmware/acpi/tables/DMAR")
        .write("sys/firmware/acpi/tables/IVRS", "")
        .write("proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu lm svm\n")
        .remove("sys/module/kvm_intel")
        .write("sys/module/kvm_amd/refcnt", "0\n")
}

/// Why the IOMMU is off, in the finding's own words.
#[test]
fn why_the_iommu_is_off() {
    let off = || HostDir::sample(OFF);
    let table =
        |line: &str| off().write("sys/firmware/acpi/tables/DMAR", "").write("proc/cmdline", line);
    let cases = [
        ("firmware", off(), "firmware"),
        (
            "a VM",
            off().write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: vmx hypervisor\n"),
            "virtual machine",
        ),
        ("iommu=off", table("quiet iommu=off intel_iommu=on\n"), "iommu=off"),
        ("intel_iommu=off", table("intel_iommu=off\n"), "intel_iommu=off"),
        (
            "the last of two words counts",
            table("intel_iommu=on intel_iommu=off\n"),
            "intel_iommu=off",
        ),
        ("all asks for it", table("intel_iommu=on\n"), "initialisation failed"),
        (
            "another parameter's tail",
            table("xintel_iommu=off intel_iommu=on\n"),
            "initialisation failed",
        ),
        (
            "not built",
            table("intel_iommu=on\n").write("boot/config-6.12.1-amd64", "CONFIG_PCI=y\n"),
            "CONFIG_INTEL_IOMMU",
        ),
        (
            "off by default",
            table("quiet\n").write("boot/config-6.12.1-amd64", "CONFIG_INTEL_IOMMU=y\n"),
            "unless it is asked for",
        ),
    ];
    for (name, host, words) in cases {
        let document = validate(host.root(), &both(), &[]).json();
        assert_eq!(standing(&document), ["AH105"], "{name}");
        let details = document["findings"][0]["details"].to_string();
        assert!(details.contains(words), "{name}: {details}");
        assert!(!document.to_string().contains("amd_iommu=on`"), "{name}");
        assert!(open(&document).is_empty(), "{name}: {document:#}");
    }
}

/// With the IOMMU off, a hundred devices without a group are one finding.
#[test]
fn a_hundred_symptoms_are_one_finding() {
    let mut host = HostDir::sample(OFF);
    let addresses: Vec<String> =
        (0..100).map(|n| format!("0000:40:{:02x}.{}", n / 8, n % 8)).collect();
    for address in &addresses {
        host = host.endpoint("pci0000:40", address, "030000", ("10de", "2684"));
    }
    let wanted: Vec<(&str, &str)> = addresses.iter().map(|it| (it.as_str(), "gpu")).collect();
    let document = validate(host.root(), &short_file(&wanted), &[]).json();
    assert_eq!(standing(&document), ["AH105"]);
    assert_eq!(document["summary"]["errors"], 1);
    assert!(document["findings"].as_array().unwrap().len() > 100);
    let devices = document["nodes"][0]["devices"].as_array().unwrap();
    assert!(devices.len() == 100 && devices.iter().all(|it| it["verdict"] == "blocked"));
}

#[test]
fn modules_and_nodes() {
    let no_vfio = || {
        ready()
            .remove("sys/bus/pci/drivers/vfio-pci")
            .remove("sys/class/misc/vfio")
            .remove("sys/module/vfio")
            .remove("sys/module/vfio_iommu_type1")
            .remove("sys/module/vfio_pci")
            .driver(GPU, None)
            .driver(AUDIO, None)
            .remove("sys/bus/pci/drivers/vfio-pci")
    };
    let listed = "vfio_pci_core 1 0 - Live 0x0\nkvm 1 0 - Live 0x0\nptp_kvm 1 0 - Live 0x0\n";
    let built_in = "kernel/drivers/vfio/vfio.ko\nkernel/drivers/vfio/vfio_iommu_type1.ko\nkernel/drivers/vfio/pci/vfio-pci.ko\n";
    judge(vec![
        case(
            "built in",
            ready()
                .remove("proc/modules")
                .remove("sys/module/vfio")
                .write("lib/modules/6.12.1-amd64/modules.builtin", built_in),
            &[],
            &[],
            0,
        ),
        case(
            "built in, type1 by its list alone",
            ready()
                .remove("proc/modules")
                .remove("sys/module/vfio_iommu_type1")
                .write("lib/modules/6.12.1-amd64/modules.builtin", built_in),
            &[],
            &[],
            0,
        ),
        case(
            "by the list of loaded ones",
            ready().remove("sys/module").folder("sys/module"),
            &[],
            &[],
            0,
        ),
        case("none, and a name alike", no_vfio().write("proc/modules", listed), &["AH104"], &[], 1),
        case(
            "type1 alone",
            ready().remove("sys/module/vfio_iommu_type1").write("proc/modules", listed),
            &["AH104"],
            &[],
            1,
        ),
        case(
            "type1 replaced by iommufd",
            ready()
                .remove("sys/module/vfio_iommu_type1")
                .write("proc/modules", listed)
                .write("dev/iommu", "")
                .folder("dev/vfio/devices"),
            &[],
            &[],
            0,
        ),
        case("vfio_virqfd is never required", ready().kernel("6.1.0"), &[], &[], 0),
        case("no dev", ready().remove("dev"), &[], &["AH102"], 3),
        case("dev without kvm", ready().remove("dev/kvm"), &["AH102"], &[], 1),
        case("kvm as a folder", ready().remove("dev/kvm").folder("dev/kvm"), &[], &["AH102"], 3),
        case(
            "kvm and neither flag",
            ready().write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu\n"),
            &[],
            &[],
            0,
        ),
        case(
            "another architecture",
            ready().write("proc/sys/kernel/arch", "aarch64\n"),
            &["AH101"],
            &[],
            1,
        ),
    ]);
}

#[test]
fn devices_that_are_elsewhere_or_others() {
    let ids = |address: &str, vendor: &str, device: &str| {
        format!(
            "compute_nodes:\n  - name: vm\n    pcie_passthrough:\n      enabled: true\n      devices:\n        - {{pci_address: \"{address}\", device_type: gpu, vendor_id: {vendor}, device_id: {device}}}\n        - {{pci_address: \"{AUDIO}\", device_type: audio}}\n"
        )
    };
    let no_bus = ready().remove("sys/bus/pci");
    let document = validate(no_bus.root(), &both(), &[]).json();
    assert_eq!(standing(&document).iter().filter(|&&code| code == "AH201").count(), 2);

    let moved =
        validate(&sample(READY), &ids("0000:05:00.0", "10de", "2684"), &["--allow-partial-groups"]);
    let document = moved.json();
    assert_eq!((moved.status, standing(&document)), (1, vec!["AH201", "AH301"]));
    let finding = &document["findings"].as_array().unwrap()[0];
    assert!(finding["details"].to_string().contains("10de:2684 is at 0000:01:00.0"), "{finding:#}");
    assert_eq!(finding["related"][0]["device"], GPU);

    let twin = ready().endpoint("pci0000:00", "0000:03:00.0", "030000", ("10de", "2684"));
    let document = validate(twin.root(), &ids("0000:05:00.0", "10de", "2684"), &[]).json();
    let details = document["findings"][0]["details"].to_string();
    assert!(details.contains("0000:01:00.0 and at 0000:03:00.0"), "{details}");

    let other = validate(&sample(HELD), &ids(GPU, "1002", "744c"), &[]);
    let document = other.json();
    let codes = standing(&document);
    assert!(
        other.status == 1 && codes.contains(&"AH202") && !codes.contains(&"AH203"),
        "{codes:?}"
    );
}

/// A cluster file in which each place that can hold a device wants one.
fn cluster(controller: &str, control_plane: &str, workers: &str) -> String {
    let vm = "cpu_cores: 1, memory_gb: 1, disk_gb: 1, hardware: {acceleration: {performance: {cpu_pinning: true}}}";
    format!(
        "version: '1.0'\nclusters:\n  hpc:\n    network: {{subnet: 10.0.0.0/24, bridge: br0}}\n    controller: {{{vm}, ip: 10.0.0.1{controller}}}\n    compute_nodes:\n      - {{{vm}, ip: DHCP}}\n  cloud:\n    network: {{subnet: 10.1.0.0/24, bridge: br1}}\n    control_plane: {{{vm}, ip_address: 10.1.0.1{control_plane}}}\n    worker_nodes: {{count: 1, {vm}, ip: DHCP{workers}}}\n"
    )
}

fn passed(address: &str, kind: &str) -> String {
    format!(
        ", pcie_passthrough: {{enabled: true, devices: [{{pci_address: '{address}', device_type: {kind}}}]}}"
    )
}

#[test]
fn every_place_of_a_vm_can_want_devices() {
    let storage = passed(NVME, "storage");
    for (config, name) in [
        (cluster(&storage, "", ""), "hpc/controller"),
        (cluster("", &storage, ""), "cloud/control_plane"),
        (cluster("", "", &storage), "cloud/worker_nodes"),
    ] {
        let ran = validate(&sample(READY), &config, &[]);
        let document = ran.json();
        assert_eq!((ran.status, standing(&document)), (1, vec!["AH207", "AH401"]), "{name}");
        assert_eq!(document["findings"][0]["node"], name);
        for node in document["nodes"].as_array().unwrap() {
            let expected = if node["name"] == name { "blocked" } else { "ready" };
            assert_eq!(node["verdict"], expected, "{node}");
        }
        assert_eq!(document["nodes"].as_array().unwrap().len(), 4);
    }
}

#[test]
fn a_vm_without_devices_is_ready_on_any_host() {
    let config = format!("{}  - name: plain\n    pcie_passthrough: {{enabled: false}}\n", both());
    for host in [HostDir::sample(OFF), ready().remove("dev"), HostDir::bare()] {
        let document = validate(host.root(), &config, &[]).json();
        assert_eq!(document["nodes"][1]["name"], "plain");
        assert_eq!(document["nodes"][1]["verdict"], "ready");
        assert_ne!(document["nodes"][0]["verdict"], "ready");
        let none = validate(host.root(), "compute_nodes: []\n", &[]);
        assert_eq!((none.status, standing(&none.json()).len()), (0, 0));
        assert!(open(&none.json()).is_empty());
    }
}

#[test]
fn without_a_host_the_configuration_alone_is_judged() {
    let args =
        ["validate", "--skip-pcie-validation", "--root", "/no/such/host", "examples/gpu-node.yaml"];
    let ran = run(args);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let twice =
        format!("{}{}", both(), both().replace("compute_nodes:\n", "").replace("vm", "vm2"));
    let ran = validate(std::path::Path::new("/no/such/host"), &twice, &["--skip-pcie-validation"]);
    assert_eq!((ran.status, standing(&ran.json())), (1, vec!["AH021", "AH021"]));
}

#[test]
fn several_files_are_one_plan() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let first = path("b.yaml", &both().replace("vm", "one"));
    let second = path("a.yaml", &both().replace("vm", "two"));
    let root = sample(READY);
    let args = ["validate", "--format", "json", "--root", root.to_str().unwrap(), &first, &second];
    let ran = run(args);
    let document = ran.json();
    assert_eq!((ran.status, standing(&document)), (1, vec!["AH021", "AH021"]), "{document:#}");
    assert_eq!(document["configs"], serde_json::json!([first, second]), "as they were named");
    for finding in document["findings"].as_array().unwrap() {
        assert_eq!(finding["location"]["file"], second);
        assert_eq!(finding["related"][0]["location"]["file"], first);
    }
    assert_eq!(document["nodes"][1]["verdict"], "blocked");
}
