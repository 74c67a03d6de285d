//! What was once wrong, one test each.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use common::{
    AUDIO, GPU, HELD, HostDir, IGPU, NVME, PORT, READY, codes, device, inventory, open, run,
    run_on, sample, short_file, validate,
};

/// `power_state`, `reset_method`, link speeds and `driver_override` go into a row as they are.
#[test]
fn csv_carries_raw_control_characters() {
    let host = HostDir::sample(HELD).attribute(GPU, "power_state", "x\u{1b}]0;owned\u{7}");
    let root = host.root().to_str().unwrap();
    let ran = run(["inventory", "pcie", "--root", root, "--format", "csv"]);
    assert!(ran.stdout.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", ran.stdout);
}

fn place_of_tab(text: &str) -> (i32, String) {
    let args = ["validate", "--format", "json", "--skip-pcie-validation", "-"];
    let ran = run_on(text.as_bytes(), &args);
    let document = ran.json();
    let found = &document["findings"][0];
    let at = &found["location"];
    (ran.status, format!("{} {}:{}", found["code"].as_str().unwrap(), at["line"], at["column"]))
}

/// The place is that of the character after the tabs.
#[test]
fn a_tab_is_told_after_itself() {
    let place = place_of_tab("compute_nodes:\n  - name: \"a\"\n\tpcie_passthrough: {}\n");
    assert_eq!(place, (1, "AH001 3:1".to_owned()));
}

/// After a plain text the place is the end of the line above, where no tab stands.
#[test]
fn a_tab_is_told_at_the_line_above() {
    let place = place_of_tab("compute_nodes:\n  - name: a\n\tpcie_passthrough: {}\n");
    assert_eq!(place, (1, "AH001 3:1".to_owned()));
}

/// The ids say that it is another card; AH302, folded under AH207, still tells how to unbind it.
#[test]
fn a_device_that_is_another_one_is_unbound_by_a_remedy() {
    let config = format!(
        "compute_nodes:\n  - name: vm\n    pcie_passthrough:\n      enabled: true\n      devices:\n        - {{pci_address: \"{GPU}\", device_type: gpu, vendor_id: 1002, device_id: 744c}}\n"
    );
    let document = validate(&sample(HELD), &config, &["--allow-partial-groups"]).json();
    for finding in document["findings"].as_array().unwrap() {
        let remedy = finding["remedy"].to_string();
        let unbinds = [format!("echo {GPU}"), format!("set-override {GPU}")];
        assert!(!unbinds.iter().any(|it| remedy.contains(it)), "{finding:#}");
    }
}

fn passthrough(host: &HostDir) -> String {
    let document = inventory(host.root(), &[]);
    let gpu = device(&document, GPU);
    format!("{} {}", gpu["passthrough"].as_str().unwrap(), gpu["passthrough_reason"])
}

/// The bridge is asked for by a VM of its own, to which AH301 says that the GPU is left out; that
/// is then taken for an answer about the GPU's group. `validate` says ready of the same host.
#[test]
fn a_bridge_in_the_group_blocks_the_inventory() {
    let host = HostDir::sample(READY).group(PORT, Some(16));
    assert_eq!(passthrough(&host), "ready []");
}

#[test]
fn a_bridge_on_shpchp_in_the_group_blocks_the_inventory_of_an_old_kernel() {
    let host = || HostDir::sample(READY).group(PORT, Some(16)).driver(PORT, Some("shpchp"));
    assert_eq!(passthrough(&host().kernel("5.10.0")), "ready []");
    assert_eq!(passthrough(&host().kernel("x")), "undetermined [\"AH302\"]");
}

/// Functions above one another in a ring hang on nothing that is drawn.
#[test]
fn the_tree_leaves_out_functions_in_a_ring() {
    let host = HostDir::sample(READY).link(
        "sys/bus/pci/devices/0000:00:01.0",
        "../../../devices/pci0000:00/0000:01:00.0/0000:00:01.0",
    );
    let said = run(["inventory", "pcie", "--tree", "--root", host.root().to_str().unwrap()]).stdout;
    for address in [GPU, AUDIO, PORT] {
        assert_eq!(said.matches(address).count(), 1, "{address}: {said}");
    }
}

/// The group's own list names the GPU, whose link is broken: AH301 says that the GPU "is not
/// passed to vm", where the plan passes it. What is not known is the device's group.
#[test]
fn a_wanted_device_whose_group_link_is_broken_is_told_to_be_left_out() {
    let config = short_file(&[(GPU, "gpu"), (AUDIO, "audio")]);
    let broken = HostDir::sample(READY).link_device(GPU, "iommu_group", "../nonsense/x");
    let ran = validate(broken.root(), &config, &[]);
    let document = ran.json();
    let left_out = document["findings"].as_array().unwrap().iter().find(|it| it["code"] == "AH301");
    assert!(left_out.is_none(), "{document:#}");
    assert_eq!(ran.status, 3);
}

/// The group's list is shorter than what the functions' own links say.
#[test]
fn a_group_list_that_lacks_its_members_is_no_pass() {
    let config = short_file(&[(GPU, "gpu")]);
    let host = HostDir::sample(READY).driver(AUDIO, Some("snd_hda_intel"));
    for member in [GPU, AUDIO] {
        let listed = host.root().join(format!("sys/kernel/iommu_groups/16/devices/{member}"));
        std::fs::remove_file(listed).unwrap();
    }
    let ran = validate(host.root(), &config, &["--allow-partial-groups"]);
    assert_eq!(ran.status, 1, "{}", ran.stdout);
    let listed = host.root().join("sys/kernel/iommu_groups/16/devices");
    assert!(std::fs::read_dir(listed).unwrap().next().is_none());
}

/// A list that lost one member tells no less: that it is the host's last display is said all the same.
#[test]
fn a_member_that_the_list_lost_counts_as_one_that_it_kept() {
    let (both, audio) =
        (short_file(&[(GPU, "gpu"), (AUDIO, "audio")]), short_file(&[(AUDIO, "audio")]));
    let last_display =
        HostDir::sample(READY).driver(GPU, Some("nvidia")).driver(IGPU, Some("vfio-pci"));
    for (host, member, config, code) in [
        (HostDir::sample(READY).group(IGPU, Some(16)), IGPU, &both, "AH302"),
        (HostDir::sample(READY).group(NVME, Some(16)), NVME, &both, "AH302"),
        (last_display, GPU, &audio, "AH403"),
    ] {
        let kept = validate(host.root(), config, &[]).json();
        let host = host.remove(&format!("sys/kernel/iommu_groups/16/devices/{member}"));
        let lost = validate(host.root(), config, &[]).json();
        assert!(codes(&kept).contains(&code), "{kept:#}");
        assert_eq!(codes(&lost), codes(&kept), "{member}");
        assert_eq!(open(&lost), open(&kept), "{member}");
    }
}

/// The first function of a bus does not say what is above it; another of the same bus does, and a bridge
/// beside them is none that would be reset away from somebody.
#[test]
fn peers_of_a_bus_are_known_by_whoever_tells_them() {
    let bridge = "0000:01:00.2";
    let host = HostDir::sample(READY)
        .endpoint("pci0000:00/0000:00:01.0", bridge, "060400", ("8086", "1234"))
        .group(bridge, Some(40))
        .attribute(AUDIO, "reset_method", "bus\n");
    let config = short_file(&[(GPU, "gpu"), (AUDIO, "audio")]);
    let folder = host.device(GPU);
    let entry = host.path(&format!("sys/bus/pci/devices/{GPU}"));
    std::fs::remove_file(&entry).unwrap();
    let copied = std::process::Command::new("cp").arg("-a").arg(&folder).arg(&entry).status();
    assert!(copied.unwrap().success());
    let ran = validate(host.root(), &config, &[]);
    assert!(!codes(&ran.json()).contains(&"AH212"), "{}", ran.stdout);
}

/// The kernel's `uevent` of a function is never empty.
#[test]
fn an_empty_uevent_is_not_an_unbound_function() {
    let config = short_file(&[(GPU, "gpu")]);
    let host = HostDir::sample(READY).driver(AUDIO, None).attribute(AUDIO, "uevent", "");
    let ran = validate(host.root(), &config, &["--allow-partial-groups"]);
    assert_eq!(ran.status, 3, "{}", ran.stdout);
}

#[test]
fn a_driver_link_that_contradicts_uevent_is_no_pass() {
    let config = short_file(&[(GPU, "gpu"), (AUDIO, "audio")]);
    let host = HostDir::sample(READY).link_device(GPU, "driver", "../../bus/pci/drivers/nvidia");
    let ran = validate(host.root(), &config, &[]);
    assert_eq!(ran.status, 3, "{}", ran.stdout);
}

/// While no IOMMU is at work vfio-pci refuses the device, which an unbinding would leave unbound.
#[test]
fn nothing_is_unbound_while_binding_cannot_work() {
    let mut host = HostDir::sample(HELD);
    for path in ["sys/class/iommu", "sys/kernel/iommu_groups"] {
        host = host.remove(path).folder(path);
    }
    let host = host.without(GPU, "iommu_group").without(AUDIO, "iommu_group");
    let config = short_file(&[(GPU, "gpu"), (AUDIO, "audio")]);
    let ran = validate(host.root(), &config, &[]);
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.contains("First mend AH105"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("/driver/unbind"), "{}", ran.stdout);
}

#[test]
fn kvm_of_another_vendor_is_not_loaded() {
    let host = HostDir::sample(READY)
        .remove("dev/kvm")
        .write("proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\n");
    let ran = validate(host.root(), &short_file(&[(GPU, "gpu"), (AUDIO, "audio")]), &[]);
    assert!(!ran.stdout.contains("modprobe kvm_intel"), "{}", ran.stdout);
}

/// A link that leads nowhere is no device node.
#[test]
fn a_dangling_link_is_no_kvm() {
    let host = HostDir::sample(READY).link("dev/kvm", "nowhere");
    let ran = validate(host.root(), &short_file(&[(GPU, "gpu"), (AUDIO, "audio")]), &[]);
    assert_eq!(ran.status, 3, "{}", ran.stdout);
}

/// A member that is no PCI function, with neither driver nor `uevent`, is not known to be driverless.
#[test]
fn a_platform_member_that_was_not_captured_is_no_pass() {
    let host = HostDir::sample(READY)
        .folder("sys/devices/platform/FOO")
        .link("sys/kernel/iommu_groups/16/devices/FOO", "../../../../devices/platform/FOO");
    let ran = validate(host.root(), &short_file(&[(GPU, "gpu"), (AUDIO, "audio")]), &[]);
    assert_eq!(ran.status, 3, "{}", ran.stdout);
}

/// A member's own link leads to another group than the list that names it.
#[test]
fn a_member_of_two_groups_is_no_pass() {
    let host =
        HostDir::sample(READY).link_device(AUDIO, "iommu_group", "../../kernel/iommu_groups/99");
    let ran = validate(host.root(), &short_file(&[(GPU, "gpu")]), &["--allow-partial-groups"]);
    assert_eq!(ran.status, 3, "{}", ran.stdout);
}

#[test]
fn the_first_of_two_rivals_is_told_its_error() {
    let config = "compute_nodes:\n  - {name: a, pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}]}}\n  - {name: b, pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.1\", device_type: audio}]}}\n";
    let ran = run_on(
        config.as_bytes(),
        &["validate", "--root", sample(READY).to_str().unwrap(), "--allow-partial-groups", "-"],
    );
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.contains("a  blocked: 1 error\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("b  blocked: 1 error\n"), "{}", ran.stdout);
}

/// Whoever takes turns still gets a part of a group, which is an error of its own.
#[test]
fn taking_turns_completes_no_group() {
    let part = |name: &str, address: &str, auto: bool| {
        format!(
            "  - {{name: {name}, auto_start: {auto}, pcie_passthrough: {{enabled: true, devices: [{{pci_address: \"{address}\", device_type: other}}]}}}}\n"
        )
    };
    let config = format!("compute_nodes:\n{}{}", part("a", GPU, false), part("b", AUDIO, true));
    let ran = validate(&sample(READY), &config, &[]);
    assert_eq!(ran.status, 1, "{}", ran.stdout);
    let allowed = validate(&sample(READY), &config, &["--allow-partial-groups"]);
    assert_eq!(allowed.status, 0, "{}", allowed.stdout);
}

/// Groups that cannot be listed are no groups of which all is known.
#[test]
fn doctor_does_not_pass_groups_that_it_did_not_see() {
    let host = HostDir::sample(READY).remove("sys/class/iommu").remove("sys/kernel/iommu_groups");
    let root = host.root().to_str().unwrap();
    let document = run(["doctor", "--format", "json", "--root", root]).json();
    let checks = document["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["code"] == "AH107").unwrap();
    assert_eq!(check["answer"], "unknown", "{check}");
}

/// Binding loads the modules, so that a fresh host has nothing against its devices.
#[test]
fn modules_that_can_be_loaded_block_no_device() {
    let fresh = HostDir::sample(HELD)
        .remove("sys/bus/pci/drivers/vfio-pci")
        .remove("sys/class/misc/vfio")
        .remove("sys/module/vfio")
        .remove("sys/module/vfio_pci")
        .remove("sys/module/vfio_iommu_type1")
        .write("proc/modules", "nvidia 1 0 - Live 0x0\n");
    let listed = inventory(fresh.root(), &[]);
    assert_eq!(device(&listed, GPU)["passthrough"], "possible", "{}", device(&listed, GPU));
    let without = fresh.remove("lib/modules").write("boot/config-6.12.1-amd64", "CONFIG_PCI=y\n");
    let listed = inventory(without.root(), &[]);
    assert_eq!(device(&listed, GPU)["passthrough"], "blocked", "{}", device(&listed, GPU));
}

/// Of a copy nothing is asked of anybody, so nobody has to be looked up.
#[test]
fn a_user_named_for_a_copy_is_no_error() {
    let root = sample(READY);
    for user in ["libvirt-qemu", "64055"] {
        let ran = run(["doctor", "--as", user, "--root", root.to_str().unwrap()]);
        assert_eq!(ran.status, 0, "{ran:?}");
    }
}

/// tar copies a page where an attribute has a line: the rest are zeros.
#[test]
fn attributes_that_were_padded_with_zeros_are_read() {
    let padded = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(4096, 0);
        bytes
    };
    let host = HostDir::sample(READY);
    let uevent = std::fs::read_to_string(host.device(GPU).join("uevent")).unwrap();
    let host = host
        .attribute(GPU, "uevent", padded(&uevent))
        .attribute(GPU, "class", padded("0x030000\n"))
        .attribute(AUDIO, "power_state", padded(""));
    let config = short_file(&[(GPU, "gpu"), (AUDIO, "audio")]);
    let ran = validate(host.root(), &config, &[]);
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    let open = ran.json()["undetermined"].to_string();
    assert!(open.contains("AH213"), "an empty attribute is not read as one: {open}");
}

/// Both ids are in one line of `uevent`.
#[test]
fn evidence_stands_once() {
    let config = short_file(&[(GPU, "gpu")])
        .replace("device_type: gpu", "device_type: gpu, vendor_id: \"1002\", device_id: \"744c\"");
    let document = validate(&sample(READY), &config, &[]).json();
    for finding in document["findings"].as_array().unwrap() {
        let evidence = finding["evidence"].as_array().unwrap();
        let distinct: std::collections::BTreeSet<String> =
            evidence.iter().map(ToString::to_string).collect();
        assert_eq!(distinct.len(), evidence.len(), "{finding}");
    }
}

/// One group of no-IOMMU mode says nothing of the devices outside it.
#[test]
fn a_group_that_no_vm_can_use_blocks_its_own_devices_alone() {
    let host = HostDir::sample(READY).write("sys/kernel/iommu_groups/17/name", "vfio-noiommu\n");
    let listed = inventory(host.root(), &[]);
    assert_eq!(device(&listed, "0000:02:00.0")["passthrough"], "blocked");
    assert_eq!(device(&listed, GPU)["passthrough"], "ready", "{}", device(&listed, GPU));
}
