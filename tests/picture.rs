//! The picture of the machine.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{AUDIO, GPU, HELD, HostDir, NVME, OFF, PORT, READY, example, run, run_on, skipped};

fn picture(args: &[&str], root: &Path) -> String {
    let root = ["--format", "svg", "--root", root.to_str().unwrap()];
    let ran = run(args.iter().chain(&root));
    assert!(ran.stdout.starts_with("<svg "), "{ran:?}");
    ran.stdout
}

fn validated(root: &Path) -> String {
    picture(&["validate", example("gpu-node.yaml").to_str().unwrap()], root)
}

#[track_caller]
fn is_well_formed(svg: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("picture.svg");
    std::fs::write(&file, svg).unwrap();
    let ran = Command::new("xmllint").args(["--nonet", "--noout"]).arg(&file).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn it_is_well_formed_and_the_same_each_time() {
    let has_xmllint = Command::new("xmllint").arg("--version").output().is_ok();
    if !has_xmllint {
        skipped("it_is_well_formed_and_the_same_each_time", "xmllint is not installed");
    }
    let hosts = [
        HostDir::sample(READY),
        HostDir::sample(HELD),
        HostDir::sample(OFF),
        HostDir::sample(HELD).remove("sys/class").remove("sys/kernel"),
        HostDir::sample(HELD).remove("sys/bus"),
        HostDir::sample(HELD).group(NVME, Some(16)),
    ];
    for host in hosts {
        let svg = validated(host.root());
        assert_eq!(svg, validated(host.root()));
        if has_xmllint {
            is_well_formed(&svg);
        }
    }
}

#[test]
fn it_shows_groups_devices_and_who_wants_them() {
    let held = HostDir::sample(HELD).attribute(GPU, "numa_node", "1\n");
    let svg = validated(held.root());
    for words in ["NUMA node 1", "Root complex 0000:00", "IOMMU group 16", GPU, AUDIO, PORT] {
        assert!(svg.contains(words), "{words}: {svg}");
    }
    assert!(svg.contains("VM gpu-node-01, blocked"), "{svg}");
    assert!(
        svg.contains(&format!(
            "{GPU}, NVIDIA AD102 [GeForce RTX 4090], nvidia, group 16, blocked, for gpu-node-01"
        )),
        "{svg}"
    );
    assert_eq!(svg.matches("class=\"p-wire p-bad\"").count(), 2, "{svg}");
    assert!(!svg.contains("a part of it"), "{svg}");
    let split = validated(HostDir::sample(HELD).group(NVME, Some(16)).root());
    assert_eq!(split.matches("IOMMU group 16 (a part of it)").count(), 2, "{split}");
}

#[test]
fn the_exit_code_is_that_of_the_verdict() {
    for (host, status) in [(READY, 0), (HELD, 1)] {
        let host = HostDir::sample(host);
        let config = example("gpu-node.yaml");
        let root = host.root().to_str().unwrap();
        let ran = run(["validate", "--format", "svg", "--root", root, config.to_str().unwrap()]);
        assert_eq!(ran.status, status);
    }
}

/// Names come from files and archives.
#[test]
fn no_name_becomes_markup() {
    let name = "<script>alert(1)</script>\\e[31m\\x00";
    let config = format!(
        "compute_nodes:\n  - name: \"{name}\"\n    pcie_passthrough:\n      enabled: true\n      devices:\n        - {{pci_address: \"{GPU}\", device_type: gpu}}\n"
    );
    let host = HostDir::sample(HELD).driver(AUDIO, Some("<b>&\"'"));
    let root = host.root().to_str().unwrap();
    let svg =
        run_on(config.as_bytes(), &["validate", "--format", "svg", "--root", root, "-"]).stdout;
    assert!(svg.contains("&lt;script&gt;") && svg.contains("&lt;b&gt;&amp;&quot;&#39;"), "{svg}");
    assert!(!svg.contains("<script") && !svg.contains("<b>") && !svg.contains('\u{1b}'), "{svg}");
}

#[test]
fn what_is_alike_is_one_box_and_what_is_wanted_has_its_own() {
    let mut host = HostDir::sample(READY);
    for device in 0..8 {
        let address = format!("0000:00:0{device}.7");
        host = host.endpoint("pci0000:00", &address, "088000", ("8086", "2f2c"));
    }
    let plain = picture(&["inventory", "pcie"], host.root());
    assert!(plain.contains("8 × ") && plain.contains("0000:00:00.7 to 0000:00:07.7"), "{plain}");
    let config = format!(
        "compute_nodes:\n  - name: vm\n    pcie_passthrough:\n      enabled: true\n      devices:\n        - {{pci_address: \"{}\", device_type: other}}\n",
        "0000:00:05.7"
    );
    let root = host.root().to_str().unwrap();
    let svg =
        run_on(config.as_bytes(), &["validate", "--format", "svg", "--root", root, "-"]).stdout;
    assert!(svg.contains("7 × ") && svg.contains("0000:00:05.7, Intel "), "{svg}");
}

#[test]
fn a_device_that_is_not_there_is_named_at_its_vm() {
    let config = "compute_nodes:\n  - name: vm\n    pcie_passthrough:\n      enabled: true\n      devices:\n        - {pci_address: \"0000:77:00.0\", device_type: gpu}\n";
    let host = HostDir::sample(READY);
    let args = ["validate", "--format", "svg", "--root", host.root().to_str().unwrap(), "-"];
    let svg = run_on(config.as_bytes(), &args).stdout;
    assert!(svg.contains("0000:77:00.0 is not here"), "{svg}");
    let alone =
        run_on(config.as_bytes(), &["validate", "--format", "svg", "--skip-pcie-validation", "-"]);
    assert!(alone.stdout.contains("No host was read."), "{alone:?}");
}

/// A capture can put functions above one another in a ring.
#[test]
fn a_ring_of_functions_is_drawn_once() {
    let host = HostDir::bare();
    let mut host = host.folder("sys/bus/pci/devices");
    for (address, above) in [("0000:01:00.0", "0000:02:00.0"), ("0000:02:00.0", "0000:01:00.0")] {
        host = host
            .link(
                &format!("sys/bus/pci/devices/{address}"),
                &format!("../../../devices/x/{above}/{address}"),
            )
            .write(&format!("sys/devices/x/{above}/{address}/class"), "0x020000\n");
    }
    let svg = picture(&["inventory", "pcie"], host.root());
    for address in ["0000:01:00.0", "0000:02:00.0"] {
        assert_eq!(svg.matches(&format!("<title>{address},")).count(), 1, "{svg}");
    }
}
