//! `inventory pcie`: whether each function can be passed, the filters, and the formats.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use std::path::Path;

use common::{
    AUDIO, GPU, HELD, HostDir, IGPU, NVME, OFF, PORT, READY, SAMPLES, device, inventory, run,
    sample,
};

fn ready() -> HostDir {
    HostDir::sample(READY)
}

#[test]
fn each_function_is_judged_with_its_whole_group() {
    let shpchp = || ready().group(PORT, Some(16)).driver(PORT, Some("shpchp"));
    let no_mounts = || ready().remove("proc/1");
    let another_disk = || {
        let table = "22 28 0:20 / /sys rw shared:7 - sysfs sysfs rw\n";
        ready().write("proc/1/mountinfo", table)
    };
    let with_disk = || HostDir::sample(HELD).group(NVME, Some(16));
    let no_driver_told =
        || ready().without(GPU, "uevent").without(GPU, "driver").without(GPU, "vfio-dev");
    let cases = [
        ("on vfio-pci", ready(), GPU, "ready", ""),
        ("its audio", ready(), AUDIO, "ready", ""),
        ("a bridge", ready(), PORT, "never", "AH205"),
        ("a host bridge", ready(), "0000:00:00.0", "never", "AH205"),
        ("an ISA bridge", ready(), "0000:00:1f.0", "never", "AH205"),
        ("unbound", ready().driver(GPU, None).driver(AUDIO, None), GPU, "possible", "AH208"),
        ("the other is unbound", ready().driver(AUDIO, None), AUDIO, "possible", "AH208"),
        ("on a stub", ready().driver(GPU, Some("pci-stub")), GPU, "possible", "AH209"),
        (
            "its audio alone held",
            ready().driver(AUDIO, Some("snd_hda_intel")),
            AUDIO,
            "possible",
            "AH207",
        ),
        ("the host's disk", ready(), NVME, "blocked", "AH401"),
        ("the host's disk, mounts not captured", no_mounts(), NVME, "undetermined", "AH401"),
        ("another disk", another_disk(), NVME, "possible", "AH207"),
        ("another display is left", HostDir::sample(HELD), GPU, "possible", "AH207"),
        ("the only display left", ready(), IGPU, "blocked", "AH403"),
        ("each display alone", HostDir::sample(HELD), IGPU, "possible", "AH207"),
        ("the GPU with the host's disk", with_disk(), GPU, "blocked", "AH401"),
        ("the IOMMU is off", HostDir::sample(OFF), GPU, "blocked", "AH105"),
        ("a bridge, the IOMMU off", HostDir::sample(OFF), PORT, "never", "AH205"),
        ("no KVM", ready().remove("dev/kvm"), GPU, "blocked", "AH102"),
        ("outside all groups", ready().group(GPU, None), GPU, "blocked", "AH206"),
        ("a bridge on shpchp", shpchp(), GPU, "blocked", "AH302"),
        (
            "a refused accelerator",
            ready()
                .attribute(AUDIO, "uevent", "DRIVER=vfio-pci\nPCI_CLASS=B4000\nPCI_ID=8086:0435\n")
                .attribute(AUDIO, "vendor", "0x8086\n")
                .attribute(AUDIO, "device", "0x0435\n"),
            AUDIO,
            "never",
            "AH205",
        ),
        ("no dev", ready().remove("dev"), GPU, "undetermined", "AH102"),
        ("no driver told", no_driver_told(), GPU, "undetermined", "AH207"),
        (
            "in use by somebody",
            ready().attribute(GPU, "enable", "1\n"),
            GPU,
            "undetermined",
            "AH210",
        ),
        (
            "in use by a VM",
            ready().link("proc/1/fd/9", "/dev/vfio/16"),
            GPU,
            "undetermined",
            "AH210",
        ),
        (
            "the IOMMU not captured",
            ready().remove("sys/class/iommu").remove("sys/kernel/iommu_groups"),
            GPU,
            "undetermined",
            "AH105",
        ),
    ];
    let mut wrong = Vec::new();
    for (name, host, address, expected, reason) in cases {
        let document = inventory(host.root(), &[]);
        let found = device(&document, address);
        let reasons = found["passthrough_reason"].to_string();
        if found["passthrough"] != expected
            || !reasons.contains(reason)
            || (reason.is_empty() && reasons != "[]")
        {
            wrong.push(format!(
                "{name}: {expected} {reason}, not {} {reasons}",
                found["passthrough"]
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn groups_tell_whether_the_kernel_would_give_them() {
    let viable = |host: &HostDir, id: u32| {
        let document = inventory(host.root(), &[]);
        let groups = document["groups"].as_array().unwrap();
        groups.iter().find(|group| group["id"] == id).unwrap()["viable"].clone()
    };
    assert_eq!(viable(&ready(), 16), true);
    assert_eq!(viable(&HostDir::sample(HELD), 16), false);
    assert_eq!(viable(&ready().driver(GPU, None).driver(AUDIO, None), 16), true);
    assert_eq!(viable(&ready(), 1), true, "a bridge on pcieport");
    let open = ready().without(GPU, "uevent").without(GPU, "driver").without(GPU, "vfio-dev");
    assert!(viable(&open, 16).is_null());
}

#[test]
fn conflicts_and_unbound_functions_are_assignable_ones() {
    let document = inventory(&sample(HELD), &[]);
    for (address, conflicting) in [
        (GPU, true),
        (AUDIO, true),
        (NVME, true),
        (IGPU, true),
        (PORT, false),
        ("0000:00:00.0", false),
    ] {
        assert_eq!(device(&document, address)["conflicting"], conflicting, "{address}");
    }
    assert_eq!(document["summary"]["conflicting"], 4);
    assert_eq!(document["summary"]["unbound"], 0, "host bridges are not counted");
    let stub = HostDir::sample(HELD).driver(GPU, Some("pci-stub")).driver(AUDIO, None);
    let document = inventory(stub.root(), &[]);
    assert_eq!(device(&document, GPU)["conflicting"], false);
    assert_eq!(
        (&document["summary"]["unbound"], &document["summary"]["conflicting"]),
        (&1.into(), &2.into())
    );
}

fn addresses(root: &Path, flags: &[&str]) -> Vec<String> {
    let document = inventory(root, flags);
    let devices = document["devices"].as_array().unwrap().iter();
    devices.map(|device| device["address"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn filters_choose_rows() {
    let root = sample(HELD);
    let is = |flags: &[&str], expected: &[&str]| {
        assert_eq!(addresses(&root, flags), expected, "{flags:?}");
    };
    is(&["--group", "16"], &[GPU, AUDIO]);
    is(&["--group", "99"], &[]);
    is(&["--type", "gpu"], &[IGPU, GPU]);
    is(&["--type", "audio"], &[AUDIO]);
    is(&["--type", "storage"], &[NVME]);
    is(&["--type", "network"], &[]);
    is(&["--driver", "nvidia"], &[GPU]);
    is(&["--driver", "nvid"], &[]);
    is(&["--driver", "none"], &["0000:00:00.0", "0000:00:1f.0"]);
    is(&["--group", "16", "--type", "audio", "--driver", "snd_hda_intel"], &[AUDIO]);
    is(&["--group", "16", "--driver", "nvme"], &[]);
    let all = inventory(&root, &[]);
    let one = inventory(&root, &["--type", "gpu"]);
    assert_eq!(device(&one, GPU), device(&all, GPU), "a filter changes no row");
    assert_eq!(one["groups"].as_array().unwrap().len(), 2);
    assert_eq!(one["groups"][1]["members"], serde_json::json!([GPU, AUDIO]));
    assert_eq!(one["summary"]["total"], 2);
    let unknown = HostDir::sample(HELD).without(GPU, "uevent").without(GPU, "driver");
    assert!(!addresses(unknown.root(), &["--driver", "none"]).contains(&GPU.to_owned()));
}

#[test]
fn more_is_read_when_asked_for() {
    let host = ready()
        .attribute(GPU, "driver_override", "vfio-pci\n")
        .attribute(AUDIO, "driver_override", "(null)\n")
        .attribute(GPU, "current_link_speed", "16.0 GT/s PCIe\n")
        .attribute(GPU, "current_link_width", "16\n")
        .attribute(GPU, "max_link_speed", "16.0 GT/s PCIe\n")
        .attribute(GPU, "max_link_width", "16\n");
    let plain = inventory(host.root(), &[]);
    assert!(
        device(&plain, GPU)["link"].is_null() && device(&plain, GPU)["driver_override"].is_null()
    );
    let more = inventory(host.root(), &["--with", "link,driver-override"]);
    assert_eq!(device(&more, GPU)["driver_override"], "vfio-pci");
    assert!(device(&more, AUDIO)["driver_override"].is_null());
    assert_eq!(device(&more, GPU)["link"]["width"], 16);
    assert!(device(&more, GPU)["link"]["speed"].as_str().unwrap().starts_with("16.0 GT/s"));
    let asleep = host.attribute(GPU, "power_state", "D3hot\n");
    let document = inventory(asleep.root(), &["--with", "link"]);
    assert!(device(&document, GPU)["link"].is_null(), "a sleeping device is left asleep");
    let awake = asleep.attribute(GPU, "power_state", "D0\n").attribute(
        GPU,
        "power/runtime_status",
        "suspended\n",
    );
    assert!(device(&inventory(awake.root(), &["--with", "link"]), GPU)["link"].is_null());
}

/// Fields of a line of RFC 4180.
fn csv_fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => field.extend(chars.next()),
            ('"', _) => quoted = !quoted,
            (',', false) => fields.push(std::mem::take(&mut field)),
            (c, _) => field.push(c),
        }
    }
    fields.push(field);
    fields
}

#[test]
fn csv_has_a_row_for_each_function() {
    for name in SAMPLES {
        let root = sample(name);
        let ran = run(["inventory", "pcie", "--format", "csv", "--root", root.to_str().unwrap()]);
        let rows: Vec<Vec<String>> = ran.stdout.lines().map(csv_fields).collect();
        let document = inventory(&root, &[]);
        let devices = document["devices"].as_array().unwrap();
        assert_eq!(rows.len(), devices.len() + 1, "{}", ran.stdout);
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{}", ran.stdout);
        for (row, device) in rows[1..].iter().zip(devices) {
            for (key, cell) in rows[0].iter().zip(row) {
                if let Some(text) = device[key].as_str() {
                    assert_eq!(cell, text, "{key}");
                } else if device[key].is_number() || device[key].is_boolean() {
                    assert_eq!(*cell, device[key].to_string(), "{key}");
                } else if device[key].is_null() {
                    assert_eq!(cell, "", "{key}");
                }
            }
        }
    }
}

#[test]
fn table_and_tree_show_each_function_once() {
    let unparented = ready().remove("sys/bus/pci/devices/0000:00:01.0");
    let mut hosts: Vec<HostDir> = SAMPLES.into_iter().map(HostDir::sample).collect();
    hosts.push(unparented);
    for host in &hosts {
        let expected = addresses(host.root(), &[]);
        for flags in [&[][..], &["--tree"], &["--tree", "--type", "gpu"]] {
            let mut args = vec!["inventory", "pcie", "--root", host.root().to_str().unwrap()];
            args.extend(flags);
            let said = run(&args).stdout;
            let shown = if flags.len() > 1 {
                vec![IGPU.to_owned(), GPU.to_owned()]
            } else {
                expected.clone()
            };
            for address in &shown {
                assert_eq!(said.matches(address.as_str()).count(), 1, "{address}: {said}");
            }
            assert!(said.contains(&format!("{} functions", shown.len())), "{said}");
        }
    }
}

#[test]
fn a_host_without_a_bus_has_no_functions() {
    for host in [HostDir::bare(), ready().remove("sys/bus/pci")] {
        let document = inventory(host.root(), &[]);
        assert_eq!(document["summary"]["total"], 0);
        let csv =
            run(["inventory", "pcie", "--format", "csv", "--root", host.root().to_str().unwrap()]);
        assert_eq!(csv.stdout.lines().count(), 1);
    }
}

/// A card with four functions, and a second GPU.
fn four_functions() -> HostDir {
    let below = "pci0000:00/0000:00:01.0";
    ready()
        .endpoint(below, "0000:01:00.2", "0c0330", ("10de", "1ad6"))
        .endpoint(below, "0000:01:00.3", "0c8000", ("10de", "1ad7"))
        .endpoint("pci0000:00", "0000:00:02.0", "030000", ("8086", "3e98"))
        .endpoint("pci0000:00", "0000:00:05.0", "120000", ("1d0f", "7364"))
}

fn gpus(root: &Path, format: &str) -> common::Ran {
    let ran = run(["inventory", "gpu", "--format", format, "--root", root.to_str().unwrap()]);
    assert_eq!(ran.status, 0, "{ran:?}");
    ran
}

#[test]
fn cards_are_listed_with_what_belongs_to_them() {
    let host = four_functions();
    let document = gpus(host.root(), "json").json();
    let listed = |key: &str| -> Vec<String> {
        let all = document[key].as_array().unwrap();
        all.iter().map(|it| it["address"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed("cards"), ["0000:00:02.0", "0000:00:05.0", GPU]);
    assert_eq!(
        listed("devices"),
        ["0000:00:02.0", "0000:00:05.0", GPU, AUDIO, "0000:01:00.2", "0000:01:00.3"]
    );
    let companions = &document["cards"][2]["companions"];
    assert_eq!(
        *companions,
        serde_json::json!([
            {"address": AUDIO, "role": "audio"},
            {"address": "0000:01:00.2", "role": "usb"},
            {"address": "0000:01:00.3", "role": "ucsi"},
        ])
    );
    assert_eq!(document["summary"]["total"], 6);
    assert_eq!(gpus(host.root(), "ndjson").lines().len(), 6);
    assert_eq!(gpus(host.root(), "csv").stdout.lines().count(), 7);
}

#[test]
fn virtual_functions_belong_to_their_card() {
    let host = four_functions()
        .endpoint("pci0000:00/0000:00:01.0", "0000:01:00.4", "030200", ("10de", "2684"))
        .link_device("0000:01:00.4", "physfn", "../0000:01:00.0")
        .link_device(GPU, "virtfn0", "../0000:01:00.4");
    let document = gpus(host.root(), "json").json();
    assert_eq!(document["cards"].as_array().unwrap().len(), 3);
    assert_eq!(document["cards"][2]["virtfns"], serde_json::json!(["0000:01:00.4"]));
    let text = gpus(host.root(), "text").stdout;
    assert!(text.contains("VFs          1: 0000:01:00.4"), "{text}");
}

#[test]
fn a_host_without_cards_says_so() {
    let bare = HostDir::bare();
    let ran = gpus(bare.root(), "text");
    assert!(
        ran.stdout.starts_with("No display controller and no accelerator was found."),
        "{ran:?}"
    );
    assert_eq!(gpus(bare.root(), "json").json()["cards"], serde_json::json!([]));
}

#[test]
fn monitors_and_users_of_a_card_are_told() {
    let card = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/drm/card0";
    let host = HostDir::sample(HELD)
        .write(&format!("{card}/card0-DP-1/status"), "connected\n")
        .write(&format!("{card}/card0-HDMI-A-1/status"), "disconnected\n")
        .link("sys/class/drm/card0-DP-1", &format!("../../../{card}/card0-DP-1"))
        .link("sys/class/drm/card0-HDMI-A-1", &format!("../../../{card}/card0-HDMI-A-1"))
        .write("proc/1/comm", "systemd\n")
        .link("proc/1/fd/0", "/dev/null")
        .folder("proc/2/fd")
        .write("proc/4711/comm", "Xorg\n")
        .write("proc/4711/cmdline", "Xorg\0")
        .link("proc/4711/fd/9", "/dev/dri/card0");
    let document = gpus(host.root(), "json").json();
    let cards = document["cards"].as_array().unwrap();
    let card = cards.iter().find(|card| card["address"] == GPU).unwrap();
    assert_eq!(
        card["outputs"],
        serde_json::json!([
            {"name": "card0-DP-1", "connected": true},
            {"name": "card0-HDMI-A-1", "connected": false},
        ])
    );
    assert_eq!(card["holders"], serde_json::json!([{"pid": 4711, "name": "Xorg"}]));
    let text = gpus(host.root(), "text").stdout;
    assert!(text.contains("display      a monitor on card0-DP-1\n"), "{text}");
    assert!(text.contains("in use by    Xorg (4711)\n"), "{text}");
}
