//! What the fuzz targets in `fuzz/` call: bytes of a stranger, through the readers and the rules.
//! None may panic, and none may make a host ready that is not.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::config::{self, Config};
use crate::host::fake::FakeHost;
use crate::host::snapshot::{Made, Replay, take};
use crate::host::{Asked, Devices, Host, Need, Root, Tree};
use crate::inventory::{Filter, Inventory};
use crate::policy::{self, Judged, Policy, Verdict};
use crate::report::doctor;
use crate::report::inventory::InventoryView;
use crate::report::paint::Paint;
use crate::report::text::{self, Amount};
use crate::report::view::Validate;
use crate::rules;
use crate::source::Sources;

/// A snapshot, or the tar in one: its checksums are put right, so that what was changed in it is
/// looked at. One that is read is judged, and can be packed and read again.
///
/// # Panics
/// Where that does not hold.
pub fn snapshot(bytes: &[u8]) {
    let archive = match bytes {
        [0x1f, 0x8b, ..] => bytes.to_vec(),
        _ => packed(bytes),
    };
    let read = |archive: &[u8]| Replay::read(archive, Path::new("fuzzed.snap"));
    let Ok(replay) = read(&archive) else { return };
    let root = Root::replaying(replay);
    judge_all(&root);
    let made = Made { time: String::new(), driver_override: true };
    let again = take(root, &made).expect("what was read can be packed");
    if let Err(error) = read(&again.archive) {
        panic!("what was packed cannot be read: {error}");
    }
}

/// A configuration, on a host on which all is well.
pub fn config(bytes: &[u8]) {
    static TREE: OnceLock<Tree> = OnceLock::new();
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let tree = TREE.get_or_init(|| FakeHost::workstation().tree());
    judge(&Root::memory(tree.clone()), text);
}

/// Files of a host, each told as two bytes for which it is, two for its length, and what it holds.
/// The host is held by its own driver and has no IOMMU: no file alone can mend that, so it is never
/// ready. Where the bytes are odd in number the files are put on one that is well, of which more is
/// read.
///
/// # Panics
/// If the first is ready, or what was packed of the other cannot be read.
pub fn readers(bytes: &[u8]) {
    static PATHS: OnceLock<BTreeMap<u16, String>> = OnceLock::new();
    static HOSTS: OnceLock<[Tree; 2]> = OnceLock::new();
    let files = files(PATHS.get_or_init(paths), bytes);
    let [off, well] = HOSTS.get_or_init(|| {
        let off = FakeHost::gpu_held_by_nvidia().iommu_off_in_firmware();
        [off.tree(), well().tree()]
    });
    let with_files = |host: &Tree| {
        let root = Root::memory(host.clone());
        let mut tree = host.clone();
        for (path, contents) in &files {
            // Devices are reached through links.
            tree.file(&root.real_path(path), *contents);
        }
        tree
    };
    // One of the two a run, so that there are twice as many runs.
    if bytes.len().is_multiple_of(2) {
        let verdict = judge_all(&Root::memory(with_files(off)));
        assert_ne!(verdict, Some(Verdict::Ready), "the host is not ready");
        return;
    }
    let well = with_files(well);
    judge_all(&Root::memory(well.clone()));
    Host::read(&Root::memory(well.clone()), &everything());
    // All that is read on demand, and what of it is personal.
    let made = Made { time: String::new(), driver_override: true };
    let packed = take(Root::memory(well), &made).expect("what was read can be packed");
    if let Err(error) = Replay::read(packed.archive.as_slice(), Path::new("fuzzed.snap")) {
        panic!("what was packed cannot be read: {error}");
    }
}

/// Which files the bytes tell, and what they hold.
fn files<'a>(paths: &'a BTreeMap<u16, String>, mut bytes: &'a [u8]) -> Vec<(&'a str, &'a [u8])> {
    let mut files = Vec::new();
    while let [low, high, short, long, after @ ..] = bytes {
        // The next one from there on, so that a seed means the same file when others come along.
        let from = u16::from_le_bytes([*low, *high]);
        let length = usize::from(u16::from_le_bytes([*short, *long]));
        let (contents, next) = after.split_at(after.len().min(length));
        let path = paths.range(from..).chain(paths).next();
        files.extend(path.map(|(_, path)| (path.as_str(), contents)));
        bytes = next;
    }
    files
}

/// A host with what an example has no need of.
fn well() -> FakeHost {
    FakeHost::workstation()
        .initramfs(&[("lib/modules/vfio-pci.ko", ""), ("etc/modprobe.d/vfio.conf", "")])
        .file("/etc/modprobe.d/vfio.conf", "options vfio-pci ids=10de:2684\n")
        .file("/etc/udev/rules.d/10-vfio.rules", "")
        .file("/etc/libvirt/qemu/win11.xml", "")
        .file("/etc/passwd", "qemu:x:64055:64055::/:/bin/false\n")
        .file("/etc/group", "kvm:x:104:qemu\n")
        .file("/etc/hostname", "workstation\n")
        .file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
}

/// Every file that any reader asks for on that host or the one of any rule's example, by a number of
/// its own.
fn paths() -> BTreeMap<u16, String> {
    let mut paths = BTreeMap::new();
    let examples = rules::ALL.iter().filter_map(|rule| rule.example.speaks.host);
    for host in examples.map(|host| host()).chain([well()]) {
        let root = Root::memory(host.tree()).recording().with_stand_ins();
        Host::read(&root, &everything());
        let texts = root.asked().into_iter().filter(|(_, asked)| *asked == Asked::Text);
        paths.extend(texts.map(|(path, _)| (number(&path), path)));
    }
    paths
}

/// With a user, whom no other command names.
fn everything() -> Need {
    Need { user: Some("qemu".to_owned()), driver_override: true, ..Need::everything() }
}

/// FNV-1a, folded (draft-eastlake-fnv).
fn number(path: &str) -> u16 {
    let hash = path
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let [a, b, c, d] = hash.to_le_bytes();
    u16::from_le_bytes([a ^ c, b ^ d])
}

/// The host alone, its inventory, and a plan for it.
fn judge_all(root: &Root) -> Option<Verdict> {
    let host = Host::read(root, &Need { all_groups: true, ..Need::default() });
    let (answers, checks) = rules::run_host(&host);
    let judged = policy::judge(answers, &Config::default(), Some(&host), Policy::default());
    doctor::text(&judged, &checks, Paint::PLAIN, Amount::Verbose);
    let need = Need { devices: Devices::All, details: true, link: true, ..Need::default() };
    let host = Host::read(root, &need);
    let inventory = Inventory::new(&host, &Filter::default()).of_cards(&host);
    written(&InventoryView::with_cards(&host, &inventory));
    judge(root, TAKING_ALL)
}

/// A plan that asks for memory, processors and the next boot too.
const TAKING_ALL: &str = r#"compute_nodes:
  - name: "gpu-node-01"
    cpu_cores: 4
    memory_gb: 8
    hardware: {acceleration: {performance: {cpu_pinning: true, enable_hugepages: true}}}
    pcie_passthrough:
      enabled: true
      devices:
        - {pci_address: "0000:01:00.0", device_type: "gpu", vendor_id: "10de", device_id: "2684"}
        - {pci_address: "0000:01:00.1", device_type: "audio", vendor_id: "10de", device_id: "22bd"}
"#;

/// None of a configuration past a limit.
fn judge(root: &Root, plan: &str) -> Option<Verdict> {
    let mut sources = Sources::default();
    sources.add("fuzzed.yaml", plan);
    let config = config::load(&sources, &|_| None).ok()?;
    let host = Host::read(root, &rules::need(&config));
    let answers = rules::run(&config, Some(&host));
    let judged: Judged = policy::judge(answers, &config, Some(&host), Policy::default());
    text::validate(&judged, &config, &sources, Paint::PLAIN, Amount::Verbose);
    written(&Validate::new(&judged, &config, Some(&host), &sources));
    Some(judged.verdict)
}

fn written(view: &impl serde::Serialize) {
    serde_json::to_string(view).expect("a report is JSON");
}

fn packed(tar: &[u8]) -> Vec<u8> {
    let mut tar = tar.to_vec();
    tar.resize(tar.len().next_multiple_of(512), 0);
    tar.extend([0; 1024]);
    put_checksums_right(&mut tar);
    let mut packed = GzEncoder::new(Vec::new(), Compression::none());
    packed.write_all(&tar).and_then(|()| packed.finish()).expect("memory takes it")
}

fn put_checksums_right(tar: &mut [u8]) {
    let mut at = 0;
    while let Some(block) = tar.get_mut(at..at + 512) {
        if block.iter().all(|&byte| byte == 0) {
            return;
        }
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let digits = block[124..136].iter().take_while(|byte| matches!(byte, b'0'..=b'7'));
        let size = digits.fold(0, |size, digit| size * 8 + usize::from(digit - b'0'));
        at = at.saturating_add(512).saturating_add(size.next_multiple_of(512));
        if at > tar.len() {
            return;
        }
    }
}
