//! Roots and configurations made to hang, crash or mislead: each run ends, without a panic, and
//! never says ready where a fact that decides is lost.

#![allow(
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::items_after_statements,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use common::{
    AUDIO, GPU, HELD, HostDir, NVME, READY, Ran, device, inventory, open, run, run_on, short_file,
    skipped, standing, validate,
};

fn ready() -> HostDir {
    HostDir::sample(READY)
}

fn plan() -> String {
    short_file(&[(GPU, "gpu"), (AUDIO, "audio")])
}

/// Everything that reads a host ends well; what `validate` said.
#[track_caller]
fn survives(name: &str, root: &Path) -> Ran {
    for flags in [
        &["--format", "json"][..],
        &["--format", "csv"],
        &["--tree", "--with", "link,driver-override", "--log-level", "debug"],
    ] {
        let mut args = vec!["inventory", "pcie", "--root", root.to_str().unwrap()];
        args.extend(flags);
        let ran = run(args);
        // Without a bus that can be listed there is no inventory.
        if ran.status == 2 {
            assert!(ran.stdout.is_empty(), "{name}: {ran:?}");
            assert!(ran.stderr.contains("the PCI bus cannot be listed"), "{name}: {ran:?}");
        } else {
            assert_eq!(ran.status, 0, "{name}: {ran:?}");
        }
    }
    let ran = validate(root, &plan(), &[]);
    assert!(matches!(ran.status, 0 | 1 | 3), "{name}: {ran:?}");
    ran
}

fn fifo(path: &Path) -> bool {
    let _ = fs::remove_file(path);
    Command::new("mkfifo").arg(path).status().is_ok_and(|status| status.success())
}

/// What decides; the wanted devices are on vfio-pci and all is well in the sample.
const DECIDING: [&str; 7] = [
    "sys/bus/pci/devices/0000:01:00.0/uevent",
    "sys/bus/pci/devices/0000:01:00.0/iommu_group",
    "sys/class/iommu",
    "sys/kernel/iommu_groups",
    "sys/bus/pci/devices",
    "sys/bus/pci/devices/0000:01:00.0",
    "sys/bus/pci/drivers/vfio-pci",
];

#[test]
fn fifos_are_not_opened() {
    for path in DECIDING.into_iter().chain([
        "proc/cmdline",
        "proc/cpuinfo",
        "proc/modules",
        "proc/sys/kernel/osrelease",
    ]) {
        let host = ready();
        let host = if path.starts_with("sys/bus/pci/devices/0000:01:00.0/") {
            let name = path.rsplit('/').next().unwrap();
            host.without(GPU, name).without(GPU, "driver").without(GPU, "vfio-dev")
        } else {
            host.remove(path)
        };
        if !fifo(&host.path(path)) {
            return skipped(
                "fifos_are_not_opened",
                "there is no mkfifo, or it cannot make one here",
            );
        }
        let ran = survives(path, host.root());
        assert!(!DECIDING.contains(&path) || ran.status != 0, "{path}: {ran:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    assert!(fifo(&root));
    run(["inventory", "pcie", "--root", root.to_str().unwrap()]).could_not_run();
}

/// A node found in the place of an attribute is not opened either: /dev/zero has no end.
#[test]
fn links_to_device_nodes_are_not_followed() {
    for target in ["/dev/zero", "/dev/full", "/dev/stdin", "/dev/tty"] {
        let host =
            ready().link_device(GPU, "uevent", target).link_device(GPU, "power_state", target);
        let host = host.without(GPU, "driver").without(GPU, "vfio-dev");
        let host = host.link("proc/cmdline", target).link("proc/cpuinfo", target);
        assert_eq!(survives(target, host.root()).status, 3, "{target}");
    }
}

#[test]
fn nothing_outside_the_root_is_read() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "DRIVER=outside-secret\nPCI_CLASS=30000\nPCI_ID=10DE:2684\n").unwrap();
    fs::create_dir(outside.path().join("99")).unwrap();
    let secret = secret.to_str().unwrap();
    let up = format!("{}{}", "../".repeat(40), &secret[1..]);
    for target in [secret, &up] {
        let host = ready()
            .link_device(GPU, "uevent", target)
            .without(GPU, "driver")
            .without(GPU, "vfio-dev")
            .link_device(GPU, "power_state", target)
            .link("proc/sys/kernel/osrelease", target)
            .link("proc/cmdline", target);
        let ran = survives(target, host.root());
        assert_eq!(ran.status, 3, "{ran:?}");
        assert!(!ran.stdout.contains("outside-secret"), "{ran:?}");
        let document = inventory(host.root(), &[]);
        assert!(!document.to_string().contains("outside-secret"), "{document}");
    }
    let folder = outside.path().to_str().unwrap();
    for path in ["sys/class/iommu", "sys/kernel/iommu_groups", "sys/bus/pci/devices"] {
        let host = ready().link(path, folder);
        let ran = survives(path, host.root());
        assert_ne!(ran.status, 0, "{path}: {ran:?}");
        assert!(!ran.stdout.contains("secret"), "{path}: {ran:?}");
    }
}

/// An absolute link means a place in the root.
#[test]
fn absolute_links_start_at_the_root() {
    let host = ready()
        .link(
            &format!("sys/bus/pci/devices/{GPU}"),
            "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0",
        )
        .write("elsewhere/osrelease", "6.12.1-amd64\n")
        .link("proc/sys/kernel/osrelease", "/elsewhere/osrelease");
    let ran = survives("absolute", host.root());
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(ran.json()["host"]["kernel"], "6.12.1-amd64");
}

#[test]
fn loops_and_links_to_nowhere_are_unknown() {
    let own = |name: &str| {
        ready()
            .without(GPU, "driver")
            .without(GPU, "vfio-dev")
            .without(GPU, "uevent")
            .link_device(GPU, name, name)
    };
    let cases = [
        ("uevent to itself", own("uevent")),
        ("uevent to nowhere", own("uevent").link_device(GPU, "uevent", "../nowhere")),
        ("the device to itself", ready().link(&format!("sys/bus/pci/devices/{GPU}"), GPU)),
        (
            "two devices in a ring",
            ready()
                .link(&format!("sys/bus/pci/devices/{GPU}"), AUDIO)
                .link(&format!("sys/bus/pci/devices/{AUDIO}"), GPU),
        ),
        (
            "the device to nowhere",
            ready().link(&format!("sys/bus/pci/devices/{GPU}"), "../../../devices/nowhere"),
        ),
        ("the bus to itself", ready().link("sys/bus", "bus")),
        ("the IOMMUs to themselves", ready().link("sys/class/iommu", "iommu")),
        ("the groups to nowhere", ready().link("sys/kernel/iommu_groups", "/nowhere")),
        ("the node to itself", ready().link("dev", "dev")),
    ];
    for (name, host) in cases {
        let ran = survives(name, host.root());
        assert_eq!(ran.status, 3, "{name}: {ran:?}");
        assert!(open(&ran.json()).len() == ran.json()["summary"]["undetermined"], "{name}");
    }
    let sys = ready().link("sys", "sys");
    run(["inventory", "pcie", "--root", sys.root().to_str().unwrap()]).could_not_run();
}

/// A ring of folders that links make: nothing walks round in it.
#[test]
fn folders_within_themselves_are_not_walked() {
    let host =
        ready().link("sys/devices/pci0000:00/again", "..").link("sys/bus/pci/devices/again", ".");
    assert_eq!(survives("again", host.root()).status, 0);
}

#[test]
fn attributes_that_say_nothing_sensible() {
    let large = vec![b'a'; 10 << 20];
    let contents: [(&str, &[u8]); 8] = [
        ("empty", b""),
        ("a line end", b"\n"),
        ("NUL", b"DRIVER=vfio-pci\0\nPCI_CLASS=30000\n"),
        ("no UTF-8", b"DRIVER=\xff\xfe\nPCI_CLASS=30000\n"),
        ("large", &large),
        ("no keys", b"rubbish"),
        ("an empty driver", b"DRIVER=\nPCI_CLASS=30000\nPCI_ID=10DE:2684\n"),
        ("a path for a driver", b"DRIVER=../../vfio-pci\nPCI_CLASS=30000\nPCI_ID=10DE:2684\n"),
    ];
    const NAMES: [&str; 19] = [
        "uevent",
        "class",
        "vendor",
        "device",
        "numa_node",
        "resource",
        "revision",
        "boot_vga",
        "reset_method",
        "power_state",
        "subsystem_vendor",
        "subsystem_device",
        "secondary_bus_number",
        "driver_override",
        "irq",
        "enable",
        "sriov_numvfs",
        "power/runtime_status",
        "reset",
    ];
    for (name, bytes) in contents {
        // Alone in its place, with the files of the same facts there.
        for attribute in NAMES {
            survives(
                &format!("{attribute}: {name}"),
                ready().attribute(GPU, attribute, bytes).root(),
            );
        }
        // With nothing else that tells the driver.
        let host =
            ready().attribute(GPU, "uevent", bytes).without(GPU, "driver").without(GPU, "vfio-dev");
        let ran = survives(name, host.root());
        assert_ne!(ran.status, 0, "{name}: {ran:?}");
        let cmdline = ready()
            .write("proc/cmdline", bytes)
            .write("proc/cpuinfo", bytes)
            .write("proc/modules", bytes);
        survives(name, cmdline.root());
        let lost = ready().without(GPU, "uevent").attribute(GPU, "class", bytes);
        let ran = survives(name, lost.root());
        assert_eq!(ran.status, 3, "an unreadable class: {name}: {ran:?}");
    }
}

#[test]
fn processes_that_are_none() {
    let busy = || {
        ready().attribute(GPU, "enable", "1\n").link("proc/1/fd/0", "/dev/null").folder("proc/2/fd")
    };
    let held = || busy().link("proc/7/fd/3", "/dev/vfio/16").write("proc/7/cmdline", "x\0");
    let cases = [
        ("no processes", busy(), 0),
        ("a file for a process", busy().write("proc/7", "x"), 3),
        ("a file for its files", busy().write("proc/7/fd", "x"), 3),
        ("a file that is no link", busy().write("proc/7/fd/3", "/dev/vfio/16"), 3),
        ("a loop", busy().link("proc/7", "7"), 3),
        ("numbers that are none", busy().folder("proc/007").folder("proc/99999999999"), 0),
        ("held", held(), 1),
        ("a name that drives the terminal", held().write("proc/7/comm", "\x1b[31mx\ny\n"), 1),
        ("an endless name", held().write("proc/7/comm", vec![b'a'; 10 << 20]), 1),
        ("a name twice", held().write("proc/7/cmdline", "qemu\0-name\0a\0-name\0vm\0"), 0),
        ("a name on another program's line", held().write("proc/7/cmdline", "sh\0-name\0vm\0"), 1),
        ("a name without a value", held().write("proc/7/cmdline", "qemu\0-name\0"), 1),
        ("a folder for arguments", held().remove("proc/7/cmdline").folder("proc/7/cmdline"), 3),
    ];
    for (name, host, status) in cases {
        let ran = survives(name, host.root());
        assert_eq!(ran.status, status, "{name}: {ran:?}");
    }
}

#[test]
fn folders_in_the_place_of_files_and_files_in_that_of_folders() {
    for path in ["uevent", "class", "vendor", "iommu_group", "driver"] {
        let host = ready().without(GPU, path);
        let folder = host.device(GPU).join(path);
        fs::create_dir(&folder).unwrap();
        survives(path, host.root());
    }
    let host = ready().without(GPU, "driver").without(GPU, "vfio-dev").without(GPU, "uevent");
    fs::create_dir(host.device(GPU).join("uevent")).unwrap();
    assert_eq!(survives("uevent is a folder", host.root()).status, 3);
    let host = ready().without(GPU, "iommu_group");
    fs::create_dir(host.device(GPU).join("iommu_group")).unwrap();
    assert_ne!(survives("iommu_group is a folder", host.root()).status, 0);
    for path in [
        "sys/class/iommu",
        "sys/kernel/iommu_groups",
        "sys/bus/pci/devices",
        "sys/bus/pci/drivers/vfio-pci",
        "dev",
    ] {
        let host = ready().remove(path).write(path, "a file\n");
        let ran = survives(path, host.root());
        assert_eq!(ran.status, 3, "{path}: {ran:?}");
    }
    let host = ready().remove("sys").write("sys", "");
    run(["inventory", "pcie", "--root", host.root().to_str().unwrap()]).could_not_run();
}

#[test]
fn a_group_that_is_no_number() {
    for target in
        ["../../../kernel/iommu_groups/x", "../../../kernel/iommu_groups/-1", "99999999999999", "/"]
    {
        let host = ready().link_device(GPU, "iommu_group", target);
        assert_ne!(survives(target, host.root()).status, 0, "{target}");
    }
    let host = ready().folder("sys/kernel/iommu_groups/x/devices");
    survives("a group's name", host.root());
}

#[test]
fn names_that_are_no_addresses_are_none() {
    let mut host = HostDir::sample(HELD);
    for name in [
        "garbage",
        "0000:01:20.0",
        "0000:01:00.8",
        "0000:01:00.A",
        "é",
        "0000:01:00.0.",
        "000000000:01:00.0",
    ] {
        host = host.folder(&format!("sys/bus/pci/devices/{name}"));
    }
    let document = inventory(host.root(), &[]);
    assert_eq!(document["summary"]["total"], 8);
    let not_utf8 = host.root().join("sys/bus/pci/devices");
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\xfe");
    if fs::create_dir(not_utf8.join(name)).is_ok() {
        survives("a name that is not UTF-8", host.root());
    }
}

#[test]
fn a_hundred_thousand_entries() {
    let host = ready();
    for folder in ["sys/bus/pci/devices", "sys/class/iommu"] {
        for n in 0..100_000 {
            fs::write(host.path(&format!("{folder}/x{n}")), "").unwrap();
        }
    }
    assert_eq!(validate(host.root(), &plan(), &[]).status, 0);
    assert_eq!(inventory(host.root(), &[])["summary"]["total"], 8);
}

/// A group of thousands is judged, and does not make the inventory grow with its square.
#[test]
fn a_group_of_two_thousand() {
    let mut host = ready();
    for n in 0..2000_u32 {
        let address = format!("0001:{:02x}:{:02x}.{}", n >> 8, (n >> 3) & 31, n & 7);
        host = host
            .endpoint("pci0001:00", &address, "020000", ("8086", "1533"))
            .group(&address, Some(16));
    }
    let document = inventory(host.root(), &[]);
    assert_eq!(document["summary"]["total"], 2008);
    assert!(device(&document, GPU)["group_members"].is_null());
    let ran = validate(host.root(), &plan(), &[]);
    assert_eq!(ran.status, 1);
    assert_eq!(standing(&ran.json()).len(), 2000);
}

#[test]
fn what_is_denied_decides() {
    use std::os::unix::fs::PermissionsExt;
    if common::is_root() {
        return skipped("what_is_denied_decides", "permissions deny nothing to root");
    }
    for path in DECIDING {
        let host = if path.ends_with("uevent") {
            ready().without(GPU, "driver").without(GPU, "vfio-dev")
        } else {
            ready()
        };
        let at = host.path(path);
        if path.ends_with("iommu_group") || path.ends_with("vfio-pci") {
            // What a link points to, and whether a folder is there, is in the folder above.
            continue;
        }
        fs::set_permissions(&at, fs::Permissions::from_mode(0o000)).unwrap();
        let ran = survives(path, host.root());
        fs::set_permissions(fs::canonicalize(&at).unwrap(), fs::Permissions::from_mode(0o755))
            .unwrap();
        let document = ran.json();
        assert_eq!(ran.status, 3, "{path}: {document:#}");
        assert!(document["undetermined"].to_string().contains("root"), "{path}: {document:#}");
    }
}

/// A configuration is refused as a finding or as a limit; never taken for a good one.
#[test]
fn configurations_made_to_hang() {
    let bomb = {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for n in 1..30 {
            let before = format!("*a{}", n - 1);
            text += &format!("a{n}: &a{n} [{}]\n", vec![before; 9].join(", "));
        }
        text + "compute_nodes: *a29\n"
    };
    let anchors = {
        let mut text = String::from("global:\n");
        let indent = " ";
        for n in 1..3000 {
            text += &format!("{}a: &n{n}\n", indent.repeat(n));
        }
        text
    };
    let many = |piece: &str, times: usize| piece.repeat(times);
    let merged = {
        let mut text = String::from("global:\n  m0: &m0 {k: 1}\n");
        for n in 1..2000 {
            text += &format!("  m{n}: &m{n} {{<<: [*m{0}, *m{0}]}}\n", n - 1);
        }
        text + "compute_nodes: []\n"
    };
    let long =
        format!("compute_nodes: [{{name: \"{}\", pcie_passthrough: 1}}]\n", many("a", 5 << 20));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("a BOM alone", b"\xef\xbb\xbf".to_vec()),
        ("NUL", b"compute_nodes: \0\n".to_vec()),
        ("control characters", b"compute_nodes: \x01\x02\x1b\n".to_vec()),
        ("open brackets", many("[", 100 << 10).into()),
        ("open brackets under a key", format!("compute_nodes: {}", many("[", 100 << 10)).into()),
        ("dashes", many("- ", 50 << 10).into()),
        ("open braces", many("{a: ", 25 << 10).into()),
        ("question marks", many("? ", 50 << 10).into()),
        ("anchors", many("&a ", 30 << 10).into()),
        ("an alias bomb", bomb.into()),
        ("nested anchors", anchors.into()),
        ("merges", merged.into()),
        ("one long line", long.into()),
        ("long and open", format!("compute_nodes: \"{}", many("a", 5 << 20)).into()),
        ("long and broken", format!("compute_nodes: {{{}", many("a: b, ", 1 << 20)).into()),
        ("quotes", many("'", 100_001).into()),
        ("colons", many(":", 100 << 10).into()),
        ("variables", format!("compute_nodes: \"{}\"", many("${", 50 << 10)).into()),
        ("percent signs", many("%\n", 50 << 10).into()),
        ("documents", many("---\n", 50 << 10).into()),
        ("bars", many("|\n", 50 << 10).into()),
        ("tags", many("!!", 50 << 10).into()),
        ("a key twice, often", many("compute_nodes: []\n", 20_000).into()),
    ];
    let judge = |name: &str, text: &[u8], format: &str| {
        let ran = run_on(text, &["validate", "--skip-pcie-validation", "--format", format, "-"]);
        // Merges of merges are endless work, and nothing wrong.
        let fine = name == "merges" && ran.status == 0;
        assert!(matches!(ran.status, 1 | 2) || fine, "{name}: {}", ran.status);
        assert!(ran.stderr.len() < 1000, "{name}: {}", ran.stderr.len());
        if ran.status == 2 {
            ran.could_not_run();
        }
    };
    for (name, text) in &cases {
        // Side by side, as this is the longest of these tests.
        thread::scope(|scope| {
            for format in ["text", "json"] {
                scope.spawn(move || judge(name, text, format));
            }
        });
    }
    let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    run_on(&binary, &["validate", "--skip-pcie-validation", "-"]).could_not_run();
}

#[test]
fn crlf_and_a_byte_order_mark_are_taken() {
    let text = format!("\u{feff}{}", plan().replace('\n', "\r\n"));
    let host = ready();
    let ran = validate(host.root(), &text, &[]);
    assert_eq!((ran.status, standing(&ran.json())), (0, vec![]));
}

/// Limits are said, and a plan past one is refused.
#[test]
fn past_a_limit_is_exit_2() {
    let mut text = String::from(
        "compute_nodes:\n  - name: vm\n    pcie_passthrough:\n      enabled: true\n      devices:\n",
    );
    for n in 0..65_537_u32 {
        let (bus, device, function) = ((n >> 8) & 255, (n >> 3) & 31, n & 7);
        text += &format!(
            "        - {{pci_address: '{:04x}:{bus:02x}:{device:02x}.{function}', device_type: gpu}}\n",
            n >> 16
        );
    }
    let ran = run_on(text.as_bytes(), &["validate", "--skip-pcie-validation", "-"]);
    assert!(ran.could_not_run().contains("65536 devices"), "{ran:?}");
    let last = text.trim_end().rfind('\n').unwrap();
    let ran = run_on(&text.as_bytes()[..=last], &["validate", "--skip-pcie-validation", "-q", "-"]);
    assert_eq!(ran.status, 0, "as many as are allowed: {ran:?}");
    let listed = short_file(&[(NVME, "storage")]);
    assert_eq!(
        run_on(listed.as_bytes(), &["validate", "--skip-pcie-validation", "-q", "-"]).status,
        0
    );
}
