//! Our reading of the bus against that of `lspci`, where it is installed.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read files and start programs"
)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use common::{HostDir, NVME, SAMPLES, inventory, sample, skipped};

/// Address -> class, vendor, device, driver.
type Bus = BTreeMap<String, [String; 4]>;

fn by_lspci(root: &Path) -> Option<Bus> {
    let bus = root.join("sys/bus/pci");
    let path = format!("sysfs.path={}", bus.display());
    let ran =
        Command::new("lspci").args(["-A", "linux-sysfs", "-O", &path, "-Dnvmmk"]).output().ok()?;
    assert!(ran.status.success(), "{ran:?}");
    let said = String::from_utf8(ran.stdout).unwrap();
    let blocks = said.split("\n\n").filter(|block| !block.trim().is_empty());
    let function = |block: &str| {
        let of = |key: &str| {
            let value = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(":\t"));
            value.unwrap_or_default().to_owned()
        };
        (of("Slot"), [of("Class"), of("Vendor"), of("Device"), of("Driver")])
    };
    Some(blocks.map(function).collect())
}

fn by_us(root: &Path) -> Bus {
    let document = inventory(root, &[]);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let function = |it: &serde_json::Value| {
        let class = text(&it["class"]).chars().take(4).collect();
        (
            text(&it["address"]),
            [class, text(&it["vendor_id"]), text(&it["device_id"]), text(&it["driver"])],
        )
    };
    document["devices"].as_array().unwrap().iter().map(function).collect()
}

fn compare(test: &str, root: &Path) {
    match by_lspci(root) {
        Some(expected) => assert_eq!(by_us(root), expected, "{}", root.display()),
        None => skipped(test, "lspci is not installed"),
    }
}

#[test]
fn the_samples_read_the_same() {
    for name in SAMPLES {
        // lspci wants a file that says which function it is where the kernel has `config`.
        let host = HostDir::sample(name);
        let mut host = Some(host);
        for address in [
            "0000:00:00.0",
            "0000:00:01.0",
            "0000:00:06.0",
            "0000:00:1f.0",
            "0000:01:00.0",
            "0000:01:00.1",
            NVME,
        ] {
            host = host.map(|host| host.attribute(address, "irq", "0\n"));
        }
        compare("the_samples_read_the_same", host.unwrap().root());
        compare("the_samples_read_the_same", &sample(name));
    }
}

#[test]
fn this_machine_reads_the_same() {
    if !Path::new("/sys/bus/pci/devices").is_dir() {
        return skipped("this_machine_reads_the_same", "this machine has no PCI bus");
    }
    compare("this_machine_reads_the_same", Path::new("/"));
}
