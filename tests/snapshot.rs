//! Snapshots through the program: what is said of one is what is said of the host, nothing personal
//! is in it, and an archive made to harm is refused.

#![allow(
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{
    AUDIO, GPU, HELD, HostDir, OFF, READY, Ran, SAMPLES, example, run, run_with, sample, skipped,
};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

/// Of all commands, in the forms that tell most.
fn commands() -> Vec<Vec<String>> {
    let gpu = example("gpu-node.yaml").display().to_string();
    let cluster = example("cluster.yaml").display().to_string();
    let lines = [
        format!("validate -v {gpu}"),
        format!("validate --format json {gpu}"),
        format!("validate --strict --format ndjson {cluster}"),
        "inventory pcie".to_owned(),
        "inventory pcie --tree".to_owned(),
        "inventory pcie --with link --format json".to_owned(),
        "inventory gpu".to_owned(),
        "inventory gpu --format json".to_owned(),
        "doctor -v".to_owned(),
        "doctor --format json".to_owned(),
    ];
    lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

fn said(root: &Path, stand_ins: bool) -> Vec<(i32, String)> {
    let of = |command: Vec<String>| {
        let mut args = command;
        args.extend(["--root".to_owned(), root.display().to_string()]);
        args.extend(stand_ins.then(|| "--stand-ins".to_owned()));
        let ran = run(args);
        assert_ne!(ran.status, 2, "{ran:?}");
        (ran.status, ran.stdout.replace(&format!("{:?}", root.display().to_string()), "\"ROOT\""))
    };
    commands().into_iter().map(of).collect()
}

fn take(root: &Path, file: &Path) -> Ran {
    let ran = run_with(|command| {
        command.env("SOURCE_DATE_EPOCH", "1700000000");
        command.args(["snapshot", "-o"]).arg(file).arg("--root").arg(root)
    });
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""), "{ran:?}");
    ran
}

/// A snapshot in a directory of its own.
fn snapshot(root: &Path) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("host.snap");
    take(root, &file);
    (dir, file)
}

fn members(file: &Path) -> Vec<(String, EntryType, Vec<u8>, Option<String>)> {
    let mut archive = tar::Archive::new(GzDecoder::new(fs::File::open(file).unwrap()));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let link = entry.link_name().unwrap().map(|link| link.display().to_string());
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (path, entry.header().entry_type(), bytes, link)
    });
    entries.collect()
}

fn manifest(file: &Path) -> serde_json::Value {
    serde_json::from_slice(&members(file)[0].2).unwrap()
}

#[test]
fn a_directory_and_its_snapshot_are_judged_alike() {
    for name in SAMPLES {
        let (_dir, file) = snapshot(&sample(name));
        assert_eq!(said(&sample(name), true), said(&file, false), "{name}");
        assert_eq!(said(&file, true), said(&file, false), "stand-ins of stand-ins: {name}");
    }
}

#[test]
fn a_partial_directory_is_judged_alike_from_a_snapshot() {
    let hosts = [
        HostDir::bare(),
        HostDir::sample(READY).remove("sys/class/iommu").remove("sys/kernel/iommu_groups"),
        HostDir::sample(READY).remove("proc"),
        HostDir::sample(READY).remove("dev").remove("sys/module"),
        HostDir::sample(HELD).link("sys/class/iommu", "iommu"),
        HostDir::sample(HELD).link("sys/kernel/iommu_groups", "/nowhere"),
        HostDir::sample(HELD)
            .link("proc/cmdline", "/elsewhere/cmdline")
            .write("elsewhere/cmdline", "intel_iommu=on\n"),
        HostDir::sample(OFF).write("proc/cpuinfo", [0xff, 0, 0x1b]),
    ];
    for (number, host) in hosts.iter().enumerate() {
        let (_dir, file) = snapshot(host.root());
        assert_eq!(said(host.root(), true), said(&file, false), "host {number}");
    }
}

/// The processes of a machine come and go, so a run that differs is tried again.
#[test]
fn this_machine_and_its_snapshot_are_judged_alike() {
    let machine = Path::new("/");
    for attempt in 0.. {
        let (_dir, file) = snapshot(machine);
        let (live, replayed) = (said(machine, true), said(&file, false));
        if live == replayed {
            return;
        }
        assert!(attempt < 3, "{live:#?}\n{replayed:#?}");
    }
}

#[test]
fn a_snapshot_of_a_snapshot_says_the_same() {
    let (_dir, first) = snapshot(&sample(HELD));
    let (_other, second) = snapshot(&first);
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    let host = sample(READY);
    let ((_a, one), (_b, other)) = (snapshot(&host), snapshot(&host));
    assert_eq!(fs::read(&one).unwrap(), fs::read(&other).unwrap());
    assert_eq!(manifest(&one)["time"], "2023-11-14T22:13:20Z");
    let names: Vec<String> = members(&one).into_iter().skip(1).map(|member| member.0).collect();
    let plain: Vec<&str> = names.iter().map(|name| name.trim_end_matches('/')).collect();
    assert!(plain.is_sorted(), "{plain:#?}");
    run_with(|command| command.env("SOURCE_DATE_EPOCH", "soon").args(["snapshot", "--dry-run"]))
        .could_not_run();
}

/// When and in which order the files came into being tells nothing of the host.
#[test]
fn two_copies_of_one_host_give_the_same_bytes() {
    let machine =
        |host: HostDir| host.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    let one = machine(HostDir::sample(READY));
    let modules = fs::read(one.root().join("proc/modules")).unwrap();
    let again =
        machine(HostDir::sample(READY).remove("proc/modules").write("proc/modules", modules));
    let old = fs::File::open(again.root().join("proc/modules")).unwrap();
    old.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(7)).unwrap();
    let ((_a, one), (_b, other)) = (snapshot(one.root()), snapshot(again.root()));
    assert_eq!(fs::read(&one).unwrap(), fs::read(&other).unwrap());
}

#[test]
fn standard_output_takes_it_too() {
    let child = common::command()
        .args(["snapshot", "--root"])
        .arg(sample(READY))
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .output()
        .unwrap();
    let (_dir, file) = snapshot(&sample(READY));
    assert_eq!(child.stdout, fs::read(file).unwrap());
}

#[test]
fn a_dry_run_lists_what_would_be_packed() {
    let (_dir, file) = snapshot(&sample(HELD));
    let held = sample(HELD);
    let root = held.to_str().unwrap();
    let listed = run(["snapshot", "--dry-run", "--root", root]);
    assert_eq!(listed.status, 0);
    for (path, ..) in members(&file).iter().skip(1) {
        let path = format!("  /{}\n", path.trim_end_matches('/'));
        assert!(listed.stdout.contains(&path), "{path}: {}", listed.stdout);
    }
    let json = run(["snapshot", "--dry-run", "--format", "json", "--root", root]).json();
    assert_eq!(json["members"], members(&file).len() - 1);
    let schema = run(["schema", "snapshot"]).json();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&json));
}

#[test]
fn a_person_can_look_with_tar() {
    let (dir, file) = snapshot(&sample(HELD));
    let run_tar = |args: &[&str]| {
        std::process::Command::new("tar").args(args).arg(&file).current_dir(dir.path()).output()
    };
    let Ok(listed) = run_tar(&["tzf"]) else {
        return skipped("a_person_can_look_with_tar", "there is no tar");
    };
    assert!(listed.status.success() && listed.stdout.starts_with(b"manifest.json\n"));
    assert!(run_tar(&["xzf"]).unwrap().status.success());
    // What was unpacked is a directory like any other.
    let ran = run(["inventory", "pcie", "--root", dir.path().to_str().unwrap()]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let device = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/uevent";
    assert!(fs::read_to_string(dir.path().join(device)).unwrap().contains("DRIVER=nvidia"));
}

/// All that the archive holds, in one text.
fn contents(file: &Path) -> String {
    let mut all = String::new();
    for (path, _, bytes, link) in members(file) {
        let text = if path.ends_with("config.gz") {
            let mut text = String::new();
            GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
            text
        } else {
            String::from_utf8_lossy(&bytes).into_owned()
        };
        all += &format!("{path}\n{}\n{text}\n", link.unwrap_or_default());
    }
    all
}

fn lines_of(path: &str) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| line.trim().to_owned()).filter(|line| line.len() > 3).collect()
}

#[test]
fn nothing_of_this_machine_is_told() {
    let (_dir, file) = snapshot(Path::new("/"));
    let all = contents(&file);
    let mut secrets = BTreeSet::new();
    for path in ["/etc/machine-id", "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/hostname"]
    {
        secrets.extend(lines_of(path));
    }
    for entry in fs::read_dir("/sys/class/net").unwrap().flatten() {
        let mac = entry.path().join("address").display().to_string();
        secrets.extend(lines_of(&mac).into_iter().filter(|mac| !mac.starts_with("00:00:00")));
    }
    for line in lines_of("/proc/net/fib_trie") {
        let address = line.trim_start_matches(['|', '-', ' ', '+']).split('/').next().unwrap();
        let bare = |end: &str| address.ends_with(end) && address.len() < 4;
        if address.starts_with(|c: char| c.is_ascii_digit())
            && !address.starts_with("127.")
            && !address.starts_with("0.")
            && !bare("0")
        {
            secrets.insert(address.to_owned());
        }
    }
    for entry in fs::read_dir("/dev/disk/by-uuid").into_iter().flatten().flatten() {
        secrets.insert(entry.file_name().to_string_lossy().into_owned());
    }
    assert!(!secrets.is_empty());
    for secret in secrets {
        assert!(!all.contains(&secret), "{secret}");
    }
}

#[test]
fn nothing_personal_of_a_host_is_told() {
    let mounts = "22 1 0:21 / /sys rw - sysfs sysfs rw\n\
        25 1 259:2 / / rw - ext4 /dev/mapper/panther--vg-root rw\n\
        26 1 0:50 / /home/alice/work rw - nfs4 filer.acme.example:/alice rw,clientaddr=192.168.7.21,addr=192.168.7.99\n";
    let route = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\nenx00163e0a0b0c\t0007A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\nenx00163e0a0b0c\t00000000\t0107A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";
    let net = "sys/devices/pci0000:00/0000:00:06.0/0000:02:00.0/net/enx00163e0a0b0c";
    let host = HostDir::sample(HELD)
        .write("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        .write("etc/passwd", "alice:x:1000:1000:Alice Example:/home/alice:/bin/sh\n")
        .write("proc/sys/kernel/hostname", "panther\n")
        .write("proc/1/mountinfo", mounts)
        .write("proc/net/route", route)
        .write("proc/cmdline", "root=UUID=11111111-2222-3333-4444-555555555555 ip=192.168.7.21 luks.key=hunter2 intel_iommu=on\n")
        .write("proc/bus/input/devices", "I: Bus=0003\nN: Name=\"Alice Keyboard\"\nP: Phys=usb-x/input0\nS: Sysfs=/devices/pci0000:00/0000:00:06.0/input/input5\nU: Uniq=SERIAL77\nB: KEY=fffffffffffffffe\n")
        .write(&format!("{net}/operstate"), "up\n")
        .write(&format!("{net}/address"), "00:16:3e:0a:0b:0c\n")
        .link("sys/class/net/enx00163e0a0b0c", &format!("../../{}", net.trim_start_matches("sys/")))
        .attribute(common::GPU, "serial_number", "SERIAL78\n");
    let (_dir, file) = snapshot(host.root());
    let all = contents(&file);
    assert!(all.contains("intel_iommu=on") && all.contains("/net/enx"), "{all}");
    for secret in [
        "00163e",
        "00:16:3e",
        "192.168.7.",
        "07A8C0",
        "alice",
        "Alice",
        "panther",
        "acme",
        "filer",
        "hunter2",
        "11111111",
        "SERIAL7",
        "builder@example",
        "0123456789abcdef",
    ] {
        let place =
            all.find(secret).map(|at| &all[at.saturating_sub(80)..(at + 40).min(all.len())]);
        assert_eq!(place, None, "{secret}");
    }
    assert_eq!(said(host.root(), true), said(&file, false));
    // Nor in what is shown of the host itself, and the use of the network is still seen.
    for (_, text) in said(host.root(), true) {
        assert!(!text.contains("panther") && !text.contains("00163e0a0b0c"), "{text}");
    }
}

#[test]
fn who_may_open_a_node_is_told_as_it_was() {
    if !Path::new("/dev/kvm").exists() {
        return skipped("who_may_open_a_node_is_told_as_it_was", "there is no /dev/kvm");
    }
    let (_dir, file) = snapshot(Path::new("/"));
    let ran = run(["doctor", "--root", file.to_str().unwrap(), "--format", "json"]);
    let check = &ran.json()["checks"];
    let kvm =
        check.as_array().unwrap().iter().find(|check| check["code"] == "AH103").unwrap().clone();
    assert_ne!(kvm["answer"], "unknown", "{kvm}");
}

/// By its name the VM of the configuration is known again, whatever the name looks like.
#[test]
fn a_vm_with_any_name_is_known_again() {
    for name in ["0f8fad5b-d9cb-469f-a165-70867728950e", "52-54-00-12-34-56"] {
        let host = HostDir::sample(READY)
            .attribute(GPU, "enable", "1\n")
            .folder("proc/1/fd")
            .folder("proc/2/fd")
            .write("proc/4242/comm", "qemu-system-x86\n")
            .write(
                "proc/4242/cmdline",
                format!("/usr/bin/qemu-system-x86_64\0-name\0guest={name}\0-spice\0hunter2\0"),
            )
            .link("proc/4242/fd/20", "/dev/vfio/16");
        let plan = common::short_file(&[(GPU, "gpu"), (AUDIO, "audio")]);
        let plan = plan.replace("name: vm", &format!("name: \"{name}\""));
        let (dir, file) = snapshot(host.root());
        assert_eq!(common::validate(host.root(), &plan, &[]).status, 0, "{name}");
        assert_eq!(common::validate(host.root(), &plan, &["--stand-ins"]).status, 0, "{name}");
        assert_eq!(common::validate(&file, &plan, &[]).status, 0, "{name}");
        assert!(!contents(&file).contains("hunter2"));
        drop(dir);
    }
}

#[test]
fn users_are_not_packed() {
    let (_dir, file) = snapshot(Path::new("/"));
    run(["doctor", "--as", "root", "--root", file.to_str().unwrap()]).could_not_run();
}

#[test]
fn the_override_is_there_where_it_was_asked_for() {
    let host = HostDir::sample(READY).attribute(common::GPU, "driver_override", "vfio-pci\n");
    let dir = TempDir::new().unwrap();
    let shown = |name: &str, flags: &[&str]| {
        let file = dir.path().join(name);
        let ran = run_with(|command| {
            command.args(["snapshot", "--root"]).arg(host.root()).arg("-o").arg(&file).args(flags)
        });
        assert_eq!(ran.status, 0, "{ran:?}");
        let inventory = common::inventory(&file, &["--with", "driver-override"]);
        common::device(&inventory, common::GPU).clone()
    };
    assert!(shown("without", &[])["driver_override"].is_null());
    assert_eq!(shown("with", &["--with", "driver-override"])["driver_override"], "vfio-pci");
}

// ---- archives made to harm

/// A header by hand, with a name that the library would not write.
fn raw(name: &[u8], kind: u8, size: u64, target: &[u8]) -> [u8; 512] {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name);
    header[100..108].copy_from_slice(b"0000644\0");
    header[108..116].copy_from_slice(b"0000000\0");
    header[116..124].copy_from_slice(b"0000000\0");
    if size < 1 << 33 {
        header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    } else {
        header[124] = 0x80;
        header[128..136].copy_from_slice(&size.to_be_bytes());
    }
    header[136..148].copy_from_slice(b"00000000000\0");
    header[156] = kind;
    header[157..157 + target.len()].copy_from_slice(target);
    header[257..265].copy_from_slice(b"ustar  \0");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn manifest_text(members: usize) -> String {
    format!(
        r#"{{"schema":"ai-how/snapshot/1","tool":{{"name":"a","version":"1"}},"kernel":null,"time":"","source":"live","machine":null,"members":{members},"unreadable":[],"absent":[],"not_read":[],"special":[],"nodes":{{}},"listings":{{}}}}"#
    )
}

/// A tar that begins as a snapshot does, with `sys/` and then blocks of its own.
fn tar_with(members: usize, more: &[&[u8]]) -> Vec<u8> {
    let mut tar = Vec::new();
    let text = manifest_text(members + 1);
    tar.extend(raw(b"manifest.json", b'0', text.len() as u64, b""));
    tar.extend(text.as_bytes());
    tar.resize(tar.len().next_multiple_of(512), 0);
    tar.extend(raw(b"sys/", b'5', 0, b""));
    for block in more {
        tar.extend(*block);
    }
    tar.extend([0; 1024]);
    tar
}

fn packed(tar: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(tar).unwrap();
    gz.finish().unwrap()
}

/// Refused in one line that tells why, without a hang, with nothing written beside it.
#[track_caller]
fn refused(what: &str, archive: &[u8], why: &str) {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("bad.snap");
    fs::write(&file, archive).unwrap();
    for command in ["doctor", "snapshot"] {
        let ran = run_with(|it| {
            it.current_dir(dir.path()).args([command, "--root"]).arg(&file).args(["-o", "result"])
        });
        let line = ran.could_not_run();
        assert!(line.contains(why), "{what}: {line}");
        assert!(!line.contains('\x1b'), "{what}: {line}");
    }
    let left: Vec<_> =
        fs::read_dir(dir.path()).unwrap().flatten().map(|it| it.file_name()).collect();
    assert_eq!(left, ["bad.snap"], "{what}");
}

#[test]
fn a_sound_archive_by_hand_is_read() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("good.snap");
    fs::write(&file, packed(&tar_with(0, &[]))).unwrap();
    let ran = run(["inventory", "pcie", "--root", file.to_str().unwrap()]);
    // Nobody captured a bus.
    assert_eq!(ran.status, 2);
    let ran = run(["doctor", "--root", file.to_str().unwrap()]);
    assert_eq!(ran.status, 3, "{ran:?}");
}

#[test]
fn hostile_members_are_refused() {
    let file = |name: &[u8]| raw(name, b'0', 0, b"");
    let link = |name: &[u8], target: &[u8]| raw(name, b'2', 0, target);
    let one = |block: [u8; 512]| tar_with(1, &[&block]);
    let two = |first: [u8; 512], second: [u8; 512]| tar_with(2, &[&first, &second]);
    let deep = "a/".repeat(45).into_bytes();
    let longest = [b"sys/".as_slice(), &deep].concat();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("traversal", one(file(b"sys/../../etc/passwd")), "leads out"),
        ("traversal alone", one(file(b"..")), "leads out"),
        ("absolute", one(file(b"/etc/passwd")), "leads out"),
        ("escape", one(file(b"../\x1b[31mred")), "leads out"),
        ("dots", one(file(b"sys/./a")), "not plain"),
        ("empty parts", one(file(b"sys//a")), "not plain"),
        ("no text", one(file(b"sys/\xff\xfe")), "not text"),
        ("device", one(raw(b"dev/sda", b'4', 0, b"")), "device node"),
        ("character device", one(raw(b"dev/kvm", b'3', 0, b"")), "device node"),
        ("fifo", one(raw(b"dev/fifo", b'6', 0, b"")), "device node"),
        ("hard link", one(raw(b"sys/a", b'1', 0, b"etc/passwd")), "neither"),
        ("sparse", one(raw(b"sys/a", b'S', 0, b"")), ""),
        ("unknown", one(raw(b"sys/a", b'Z', 0, b"")), "neither"),
        ("absolute link", one(link(b"sys/a", b"/etc/passwd")), "absolute"),
        ("link out", one(link(b"sys/a", b"../../etc/passwd")), "leads out"),
        ("link to nothing", one(link(b"sys/a", b"")), "link"),
        ("loop", one(link(b"sys/a", b"a")), "loop"),
        ("ring", two(link(b"sys/a", b"b"), link(b"sys/b", b"a")), "loop"),
        ("twice", two(file(b"sys/a"), file(b"sys/a")), "twice"),
        ("below a file", two(file(b"sys/a"), file(b"sys/a/b")), "no folder"),
        ("below a link", two(link(b"sys/a", b"b"), file(b"sys/a/b")), "no folder"),
        ("10 GB", one(raw(b"sys/a", b'0', 10 << 30, b"")), "larger"),
        ("16 EB", one(raw(b"sys/a", b'0', u64::MAX - 600, b"")), ""),
        ("short", one(raw(b"sys/a", b'0', 5000, b"")), "ends before"),
        ("too few", tar_with(1, &[]), "its manifest says"),
        ("deep but allowed", two(file(&longest[..90]), file(b"sys/../x")), "leads out"),
    ];
    for (what, tar, why) in cases {
        refused(what, &packed(&tar), why);
    }
    let mut bad_sum = tar_with(1, &[&file(b"sys/a")]);
    let at = bad_sum.len() - 1024 - 512;
    bad_sum[at] = b'x';
    refused("checksum of a header", &packed(&bad_sum), "checksum");
}

/// One of the two lies, and nobody can tell which.
#[test]
fn a_manifest_that_contradicts_its_members_is_refused() {
    let says = "not what the manifest says";
    let denied = |what: &str, path: &str| {
        format!(r#""unreadable":[{{"path":"{path}","what":"{what}","why":"denied"}}]"#)
    };
    let told = |empty: &str, told: &str, why: &str| {
        let text = manifest_text(4).replace(empty, told);
        assert_ne!(text, manifest_text(4), "{told}");
        let mut tar = raw(b"manifest.json", b'0', text.len() as u64, b"").to_vec();
        tar.extend(text.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
        tar.extend(raw(b"sys/", b'5', 0, b""));
        tar.extend(raw(b"sys/empty", b'0', 0, b""));
        tar.extend(raw(b"sys/full", b'0', 1, b""));
        tar.extend([b'1'; 1]);
        tar.resize(tar.len().next_multiple_of(512), 0);
        tar.extend(raw(b"sys/link", b'2', 0, b"full"));
        tar.extend([0; 1024]);
        let archive = packed(&tar);
        if why.is_empty() { accepted(told, &archive) } else { refused(told, &archive, why) }
    };
    let unreadable = r#""unreadable":[]"#;
    let node = r#"{"owner":0,"group":0,"mode":0,"access_list":false,"open_to_caller":true}"#;
    for (empty, change, why) in [
        (r#""absent":[]"#, r#""absent":["/sys/none"]"#, ""),
        (r#""absent":[]"#, r#""absent":["/sys/full"]"#, says),
        (r#""absent":[]"#, r#""absent":["/sys/full/x"]"#, "no folder"),
        (r#""not_read":[]"#, r#""not_read":["/sys/empty"]"#, ""),
        (r#""not_read":[]"#, r#""not_read":["/sys/full"]"#, says),
        (r#""not_read":[]"#, r#""not_read":["/sys/none"]"#, says),
        (r#""not_read":[]"#, r#""not_read":["/sys/link"]"#, says),
        (r#""not_read":[]"#, r#""not_read":["/sys"]"#, says),
        (r#""special":[]"#, r#""special":["/sys/empty"]"#, ""),
        (r#""special":[]"#, r#""special":["/sys/none"]"#, says),
        (r#""special":[]"#, r#""special":["/sys/full"]"#, says),
        (
            r#""not_read":[],"special":[]"#,
            r#""not_read":["/sys/empty"],"special":["/sys/empty"]"#,
            says,
        ),
        (r#""nodes":{}"#, &format!(r#""nodes":{{"/sys/empty":{node}}}"#), ""),
        (r#""nodes":{}"#, &format!(r#""nodes":{{"/sys/none":{node}}}"#), says),
        (r#""nodes":{}"#, &format!(r#""nodes":{{"/sys":{node}}}"#), says),
        (r#""listings":{}"#, r#""listings":{"/sys":["empty","full","link","other"]}"#, ""),
        (r#""listings":{}"#, r#""listings":{"/sys":["empty","link"]}"#, "listing of its folder"),
        (r#""listings":{}"#, r#""listings":{"/sys/none":[]}"#, says),
        (r#""listings":{}"#, r#""listings":{"/sys/full":[]}"#, says),
        (r#""listings":{}"#, r#""listings":{"/sys":["a","a"]}"#, "twice"),
        (r#""listings":{}"#, r#""listings":{"/sys":[],"/sys":["empty","full","link"]}"#, "twice"),
        (unreadable, &denied("entry", "/sys/none"), ""),
        (unreadable, &denied("entry", "/sys/full"), says),
        (unreadable, &denied("contents", "/sys/full"), says),
        (unreadable, &denied("contents", "/sys/empty"), says),
        (unreadable, &denied("contents", "/sys/none"), says),
        (unreadable, &denied("listing", "/sys"), ""),
        (unreadable, &denied("listing", "/sys/full"), says),
        (unreadable, &denied("owner", "/sys/none"), says),
    ] {
        told(empty, change, why);
    }
}

fn accepted(what: &str, archive: &[u8]) {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("good.snap");
    fs::write(&file, archive).unwrap();
    let ran = run(["doctor", "--root", file.to_str().unwrap()]);
    assert_ne!(ran.status, 2, "{what}: {ran:?}");
}

#[test]
fn what_stands_behind_the_end_is_refused() {
    let sound = tar_with(0, &[]);
    let with = |more: &[u8]| packed(&[sound.as_slice(), more].concat());
    accepted("a whole record, as GNU tar writes it", &with(&[0; 8192]));
    refused("bytes behind the archive", &with(b"more"), "behind the end of its archive");
    let zeros_first = [[0; 4096].as_slice(), &raw(b"sys/a", b'0', 0, b"")].concat();
    refused("a member behind the archive", &with(&zeros_first), "behind the end of its archive");
    let one_block = &sound[..sound.len() - 512];
    let split = [one_block, &raw(b"sys/a", b'0', 0, b""), &[0; 1024]].concat();
    refused("a member behind half an end", &packed(&split), "behind the end of its archive");
    refused("half an end", &packed(one_block), "no end");
    refused("no end", &packed(&sound[..sound.len() - 1024]), "no end");
    let behind = |more: &[u8]| [packed(&sound).as_slice(), more].concat();
    for (what, more) in [
        ("a byte", b"x".as_slice()),
        ("a zero", &[0]),
        ("another compression", &packed(b"")),
        ("the same again", &packed(&sound)),
    ] {
        let why = "behind the end of its compression";
        // A second one may be read as the same stream by other programs.
        refused(&format!("{what} behind the compression"), &behind(more), why);
    }
}

#[test]
fn headers_that_name_the_next_member_are_read_strictly() {
    let long = |kind: u8, size: u64, text: &[u8]| {
        let mut blocks = raw(b"././@LongLink", kind, size, b"").to_vec();
        blocks.extend(text);
        blocks.resize(blocks.len().next_multiple_of(512), 0);
        blocks
    };
    let name = |text: &str| long(b'L', text.len() as u64 + 1, text.as_bytes());
    let target = |text: &str| long(b'K', text.len() as u64 + 1, text.as_bytes());
    let tar = |blocks: &[&[u8]]| packed(&tar_with(1, blocks));
    let file = |name: &[u8]| raw(name, b'0', 0, b"");
    let path = format!("sys/{}", "a".repeat(120));
    let short = &path.as_bytes()[..99];
    accepted("a long name", &tar(&[&name(&path), &file(short)]));
    accepted(
        "a long name without a zero",
        &tar(&[&long(b'L', 124, path.as_bytes()), &file(short)]),
    );
    for (what, archive, why) in [
        ("another name", tar(&[&name("sys/other"), &file(b"sys/a")]), "two names"),
        ("a way out", tar(&[&name("../../etc/passwd"), &file(b"..")]), "leads out"),
        ("two in a row", tar(&[&name(&path), &name(&path), &file(short)]), "two names"),
        ("a name inside", tar(&[&name("sys/a\0/b"), &file(b"sys/a")]), "not plain"),
        ("no name", tar(&[&long(b'L', 0, b""), &file(b"")]), "not plain"),
        ("nothing named", packed(&tar_with(0, &[&name(&path)])), "no member"),
        ("a target of a file", tar(&[&target("b"), &file(b"sys/a")]), "two names"),
        ("another target", tar(&[&target("c"), &raw(b"sys/a", b'2', 0, b"b")]), "two names"),
        ("too long by its size", tar(&[&long(b'L', 10 << 30, b"")]), "too long"),
        ("a target too long by its size", tar(&[&long(b'K', 10 << 30, b"")]), "too long"),
        ("longer than it is", tar(&[&long(b'L', 1024, b"sys/a")]), "no member"),
        ("a folder with data", tar(&[&raw(b"sys/a/", b'5', 512, b""), &[7; 512]]), "holds data"),
        ("a link with data", tar(&[&raw(b"sys/a", b'2', 512, b"b"), &[7; 512]]), "holds data"),
    ] {
        refused(what, &archive, why);
    }
    for kind in *b"xgXSDMNVA" {
        let mut pax = raw(b"PaxHeader/a", kind, 22, b"").to_vec();
        pax.extend(b"22 path=../etc/passwd\n");
        pax.resize(pax.len().next_multiple_of(512), 0);
        let what = format!("a header of the kind {}", char::from(kind));
        refused(&what, &tar(&[&pax, &file(b"sys/a")]), "neither a file");
    }
    let many = name(&path).repeat(100_000);
    refused("names without end", &tar(&[&many]), "two names");
}

#[test]
fn long_names_and_many_members_are_refused() {
    let build = |fill: &dyn Fn(&mut Builder<Vec<u8>>)| {
        let mut tar = Builder::new(Vec::new());
        let text = manifest_text(0);
        let mut header = Header::new_gnu();
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, "manifest.json", text.as_bytes()).unwrap();
        fill(&mut tar);
        packed(&tar.into_inner().unwrap())
    };
    let put = |tar: &mut Builder<Vec<u8>>, name: &str| {
        let mut header = Header::new_gnu();
        header.set_size(0);
        tar.append_data(&mut header, name, std::io::empty()).unwrap();
    };
    let long = format!("sys/{}", "a".repeat(5000));
    refused("a long name", &build(&|tar| put(tar, &long)), "too long or too deep");
    let deep = format!("sys/{}", "a/".repeat(400));
    refused("a deep name", &build(&|tar| put(tar, &deep)), "too long or too deep");
    let many = build(&|tar| (0..200_001).for_each(|number| put(tar, &format!("sys/{number}"))));
    refused("many members", &many, "more than 200000 members");
    let folders = build(&|tar| {
        (0..6000).for_each(|number| put(tar, &format!("sys/{number}/{}x", "a/".repeat(45))));
    });
    refused("folders that are only implied", &folders, "more than 200000 members");
    let long_link = build(&|tar| {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, "sys/a", "b/".repeat(2000)).unwrap();
    });
    refused("a long link", &long_link, "too long");
}

#[test]
fn bombs_end_at_the_limit() {
    let zeros = vec![0_u8; 1 << 20];
    let mut gz = GzEncoder::new(Vec::new(), Compression::best());
    let tar = tar_with(40, &[]);
    gz.write_all(&tar[..tar.len() - 1024]).unwrap();
    for number in 0..40 {
        let name = format!("sys/{number}");
        gz.write_all(&raw(name.as_bytes(), b'0', 8 << 20, b"")).unwrap();
        (0..8).for_each(|_| gz.write_all(&zeros).unwrap());
    }
    refused("320 MiB in members", &gz.finish().unwrap(), "more than 256 MiB");
    let mut gz = GzEncoder::new(Vec::new(), Compression::best());
    gz.write_all(&tar_with(0, &[])).unwrap();
    (0..300).for_each(|_| gz.write_all(&zeros).unwrap());
    refused("300 MiB behind the end", &gz.finish().unwrap(), "more than 256 MiB");
    let mut gz = GzEncoder::new(Vec::new(), Compression::best());
    gz.write_all(&raw(b"manifest.json", b'0', 30 << 20, b"")).unwrap();
    (0..30).for_each(|_| gz.write_all(&zeros).unwrap());
    refused("a manifest of zeros", &gz.finish().unwrap(), "manifest.json");
}

#[test]
fn what_is_no_snapshot_is_refused() {
    let dir = TempDir::new().unwrap();
    let (_kept, good) = snapshot(&sample(READY));
    let good = fs::read(good).unwrap();
    refused("nothing", b"", "not a snapshot");
    refused("text", b"compute_nodes: []\n", "not a snapshot");
    refused("a tar without compression", &tar_with(0, &[]), "not a snapshot");
    refused("zeros", &packed(&[0; 4096]), "manifest.json");
    refused("another archive", &packed(&raw(b"etc/passwd", b'0', 0, b"")), "manifest.json");
    for cut in [good.len() / 4, good.len() / 2, good.len() - 100, good.len() - 8, good.len() - 1] {
        refused(&format!("cut at {cut}"), &good[..cut], "");
    }
    let mut wrong_sum = good.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 0x55;
    refused("checksum of all", &wrong_sum, "broken");
    let newer = String::from_utf8(tar_with(0, &[])).unwrap().replace("snapshot/1", "snapshot/9");
    refused("a newer format", &packed(newer.as_bytes()), "ai-how/snapshot/9");
    let other = |from: &str, to: &str| {
        let text = manifest_text(1).replace(from, to);
        let mut tar = raw(b"manifest.json", b'0', text.len() as u64, b"").to_vec();
        tar.extend(text.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
        tar.extend(raw(b"sys/", b'5', 0, b""));
        tar.extend([0; 1024]);
        packed(&tar)
    };
    refused("no JSON", &other("{", "["), "manifest.json");
    refused(
        "a lie",
        &other(r#""absent":[]"#, r#""absent":["/sys"]"#),
        "not what the manifest says",
    );
    refused("a way out", &other(r#""absent":[]"#, r#""absent":["/../x"]"#), "leads out");
    refused(
        "a path for a name",
        &other(r#""listings":{}"#, r#""listings":{"/sys":["../x"]}"#),
        "not plain",
    );
    refused("no sys", &other("\"members\":1", "\"members\":2"), "its manifest says");
    for device in ["/dev/null", "/dev/zero", "/dev/tty"] {
        run(["doctor", "--root", device]).could_not_run();
    }
    drop(dir);
}

#[test]
fn a_failed_run_leaves_the_file_as_it_was() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("host.snap");
    fs::write(&file, "precious").unwrap();
    run_with(|it| it.args(["snapshot", "--root", "/nowhere", "-o"]).arg(&file)).could_not_run();
    run_with(|it| it.args(["snapshot", "--format", "csv", "-o"]).arg(&file)).could_not_run();
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// Judges an archive; it may be refused, and is never taken for a host on which all is well.
fn never_ready(dir: &Path, archive: &[u8]) -> Result<(), TestCaseError> {
    let file = dir.join("odd.snap");
    fs::write(&file, archive).unwrap();
    let plan = example("gpu-node.yaml");
    let ran = run(["validate", "--root", file.to_str().unwrap(), plan.to_str().unwrap()]);
    prop_assert!(matches!(ran.status, 1..=3), "{:?}", ran);
    prop_assert_eq!(ran.status == 2, ran.stdout.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_no_host(bytes in proptest::collection::vec(any::<u8>(), 0..2000), pack in any::<bool>()) {
        let dir = TempDir::new().unwrap();
        never_ready(dir.path(), &if pack { packed(&bytes) } else { bytes })?;
    }

    /// The host is blocked, so whatever is changed in its archive leaves it blocked or unknown; the
    /// name of a driver alone could make it ready, and it is not among the changes.
    #[test]
    fn a_changed_archive_is_never_ready(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), compressed in any::<bool>(), cut in any::<prop::sample::Index>(), cuts in any::<bool>()) {
        let (dir, file) = snapshot(&sample(OFF));
        let mut bytes = fs::read(&file).unwrap();
        if !compressed {
            let mut tar = Vec::new();
            GzDecoder::new(bytes.as_slice()).read_to_end(&mut tar).unwrap();
            bytes = tar;
        }
        for (at, byte) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        never_ready(dir.path(), &if compressed { bytes } else { packed(&bytes) })?;
    }
}
