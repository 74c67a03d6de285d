//! Who holds a function's device nodes open: the links in `/proc/PID/fd` (`proc(5)`).
//!
//! One listing a process and one link a file: a host can have tens of thousands of both. More only of
//! those that have one, or may have.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::device::{Device, sound_card};
use super::namespaces;
use super::reading::{Evidence, Gap, Reading, Why};
use super::root::Root;
use super::stand_ins::is_stand_in;
use crate::pci::Address;

/// The processes that hold one of the nodes asked for.
#[derive(Debug, Default)]
pub struct Holders {
    /// By PID.
    processes: Vec<Process>,
    /// Which of them hold a node, by its name.
    by_node: BTreeMap<String, Vec<usize>>,
    /// Why there may be more; none where all processes were looked at.
    hidden: Option<Gap>,
    /// Of processes with a VFIO device and no node of VFIO: somebody handed it over, and which one
    /// it is is not told.
    nameless: Vec<Gap>,
    /// VMs that may have more than was seen of them, by their names.
    hidden_vms: BTreeMap<String, Gap>,
    /// Why there may be more of those.
    unknown_vm: Option<Gap>,
}

#[derive(Debug)]
pub struct Process {
    pub pid: u32,
    pub name: Reading<String>,
    /// Its arguments, each ended by a zero.
    command_line: Reading<Vec<u8>>,
    /// The first file by which it holds each node.
    held: BTreeMap<String, Evidence>,
}

/// A node that a process has open.
#[derive(Debug)]
pub struct Hold<'a> {
    pub process: &'a Process,
    pub evidence: &'a Evidence,
}

/// How the kernel names a file of a VFIO device (`drivers/vfio/vfio_main.c`, `vfio_device_open`).
const NAMELESS: &str = "anon_inode:[vfio-device]";

/// One is enough not to know; a few more help to find it.
const MOST_NAMELESS: usize = 8;

pub fn read(root: &Root, devices: &BTreeMap<Address, Box<Device>>) -> Holders {
    let devices = || devices.values().map(Box::as_ref);
    let nodes: BTreeSet<Cow<str>> = devices().flat_map(nodes_of).collect();
    let mut found = Holders::default();
    if nodes.is_empty() {
        return found;
    }
    let listing = root.list(&"/proc".into());
    let pids = match listing.known() {
        Ok(Some(names)) => pids(names),
        Ok(None) => Vec::new(),
        Err(gap) => {
            found.hidden = Some(gap.clone());
            found.unknown_vm = Some(gap);
            return found;
        }
    };
    found.hidden = may_be_short(root, &listing, &pids);
    let own = root.own_process();
    // Whoever has a function of VFIO open has enabled it (`drivers/vfio/pci/vfio_pci_core.c`,
    // `vfio_pci_core_enable`). Else no VM has one, and no stranger's command line is read: a process
    // that hangs can hang who reads it (`fs/proc/base.c`, `get_mm_cmdline`, waits for its memory).
    let in_use = devices().any(Device::may_be_in_use);
    found.unknown_vm = found.hidden.clone().filter(|_| in_use);
    for pid in pids.into_iter().filter(|pid| Some(*pid) != own) {
        let seen = look_at(root, pid, &nodes);
        let gap = seen.hidden.clone().or_else(|| seen.nameless.clone());
        if let Some(gap) = gap.filter(|_| in_use) {
            found.add_hidden(&command_line(root, pid), &gap);
        }
        found.hidden = found.hidden.or(seen.hidden);
        if found.nameless.len() < MOST_NAMELESS {
            found.nameless.extend(seen.nameless);
        }
        if let Some(process) = seen.process {
            found.add(process);
        }
    }
    found
}

impl Holders {
    /// Who holds a node by which a VM uses the function.
    pub fn of_vfio<'a>(&'a self, device: &'a Device) -> impl Iterator<Item = Hold<'a>> {
        vfio_nodes(device).flat_map(|node| self.of(&node))
    }

    /// Who holds a node of a driver of the host.
    pub fn of_native<'a>(&'a self, device: &'a Device) -> impl Iterator<Item = Hold<'a>> {
        native_nodes(device).flat_map(|node| self.of(node))
    }

    /// Why there may be more; none where all processes were looked at, and all that they have tells
    /// what it is.
    pub fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.hidden.iter().chain(&self.nameless)
    }

    /// Why the VM with this name may have more than was seen; none where it does not run, or all of
    /// it was, or no VM has any of the functions.
    pub fn hidden_vm(&self, name: &str) -> Result<Option<&Gap>, Gap> {
        match (self.hidden_vms.get(name), &self.unknown_vm) {
            (None, Some(gap)) => Err(gap.clone()),
            (found, _) => Ok(found),
        }
    }

    fn add_hidden(&mut self, command_line: &Reading<Vec<u8>>, gap: &Gap) {
        match command_line.known() {
            Ok(Some(line)) => {
                for name in guests(line) {
                    self.hidden_vms.entry(name).or_insert_with(|| gap.clone());
                }
            }
            // It ended meanwhile.
            Ok(None) => {}
            Err(gap) => {
                self.unknown_vm.get_or_insert(gap);
            }
        }
    }

    fn of<'a>(&'a self, node: &str) -> impl Iterator<Item = Hold<'a>> + use<'a> {
        let held = self.by_node.get_key_value(node).into_iter();
        let each = held.flat_map(|(node, processes)| processes.iter().map(move |it| (node, *it)));
        each.filter_map(|(node, index)| {
            let process = &self.processes[index];
            Some(Hold { process, evidence: process.held.get(node)? })
        })
    }

    fn add(&mut self, process: Process) {
        for node in process.held.keys() {
            self.by_node.entry(node.clone()).or_default().push(self.processes.len());
        }
        self.processes.push(process);
    }
}

impl Process {
    /// Whether it is the VM with this name.
    pub fn is_vm(&self, name: &str) -> Result<bool, Gap> {
        Ok(guests(self.command_line.required()?).any(|guest| guest == name))
    }

    /// Whether it is a VM with a name.
    pub fn has_guest(&self) -> Result<bool, Gap> {
        Ok(guests(self.command_line.required()?).next().is_some())
    }
}

/// The names that a program which runs VMs has on its command line: `-name NAME`, `-name
/// guest=NAME,…`, or either with two dashes (QEMU's `qemu-options.hx`; a comma in a name is written
/// twice).
pub(super) fn guests(line: &[u8]) -> impl Iterator<Item = String> {
    let words = line.split(|&byte| byte == 0);
    let runs_vms = words.clone().next().is_some_and(runs_vms);
    let pairs = words.clone().zip(words.skip(1)).filter(move |_| runs_vms);
    let values = pairs.filter(|(option, _)| matches!(*option, b"-name" | b"--name"));
    values.filter_map(|(_, value)| guest(std::str::from_utf8(value).ok()?))
}

/// By the name of the program, or by the stand-in that it has in a snapshot.
fn runs_vms(program: &[u8]) -> bool {
    let program = String::from_utf8_lossy(program);
    let name = program.rsplit('/').next().unwrap_or_default();
    ["qemu", "kvm", "crosvm"].iter().any(|it| name.contains(it)) || is_stand_in(name)
}

/// The name in the value of QEMU's option: its first part, or the one that is called `guest`.
fn guest(value: &str) -> Option<String> {
    const COMMA: &str = "\u{1}";
    let value = value.replace(",,", COMMA);
    let mut parts = value.split(',');
    let bare = parts.clone().next().filter(|first| !first.contains('='));
    let named = || parts.find_map(|part| part.strip_prefix("guest="));
    let name = bare.or_else(named).filter(|name| !name.is_empty());
    name.map(|name| name.replace(COMMA, ","))
}

fn nodes_of(device: &Device) -> impl Iterator<Item = Cow<'_, str>> {
    vfio_nodes(device).chain(native_nodes(device).map(Cow::from))
}

/// That of its group too: whoever has it open has the whole group.
fn vfio_nodes(device: &Device) -> impl Iterator<Item = Cow<'_, str>> {
    let group = device.state.as_ref().and_then(|_| device.iommu_group.known().ok()?);
    let group = group.map(|id| format!("/dev/vfio/{id}").into());
    let own = device.own_nodes().and_then(|nodes| nodes.known().ok()?).into_iter().flatten();
    group.into_iter().chain(own.map(|node| node.as_str().into()))
}

fn native_nodes(device: &Device) -> impl Iterator<Item = &str> {
    let nodes = device.state.as_ref().map(|state| &state.nodes.native);
    nodes.into_iter().flatten().map(String::as_str)
}

fn pids(names: &[String]) -> Vec<u32> {
    let pid = |name: &String| name.parse().ok().filter(|pid: &u32| pid.to_string() == *name);
    let mut pids: Vec<u32> = names.iter().filter_map(pid).collect();
    pids.sort_unstable();
    pids
}

/// Every host has the processes 1 and 2 (`init/main.c`, `rest_init`); where one is not listed,
/// others are hidden too (`hidepid`), or nobody captured them. In a container the processes of the host are not to be seen.
fn may_be_short(root: &Root, listing: &Reading<Vec<String>>, pids: &[u32]) -> Option<Gap> {
    let path = listing.path().to_string();
    if let Some(hidden) = [1, 2].into_iter().find(|pid| !pids.contains(pid)) {
        let why = if root.is_live() { Why::Denied } else { Why::NotCaptured };
        return Some(Gap { path: format!("{path}/{hidden}"), why });
    }
    if !root.is_live() {
        return None;
    }
    namespaces::processes(root).unwrap_or_else(Some)
}

fn command_line(root: &Root, pid: u32) -> Reading<Vec<u8>> {
    let line = root.bytes(&format!("/proc/{pid}/cmdline").into());
    if root.may_be_partial() { line.absent_means(Why::NotCaptured) } else { line }
}

/// What there is to see of a process.
#[derive(Default)]
struct LookedAt {
    /// Where it holds a node that is asked for.
    process: Option<Process>,
    /// Why not all of its files could be looked at.
    hidden: Option<Gap>,
    /// A device that does not tell which one it is.
    nameless: Option<Gap>,
}

/// A process that ends meanwhile holds nothing any more.
fn look_at(root: &Root, pid: u32, nodes: &BTreeSet<Cow<str>>) -> LookedAt {
    let mut seen = LookedAt::default();
    let folder = format!("/proc/{pid}/fd");
    let mut files = root.list(&folder.as_str().into());
    // The first two never end.
    if root.may_be_partial() || pid <= 2 {
        files = files.absent_means(Why::NotCaptured);
    }
    let files = match files.known() {
        Ok(files) => files.map_or(&[][..], Vec::as_slice),
        Err(gap) => return LookedAt { hidden: Some(gap), ..seen },
    };
    let mut held = BTreeMap::new();
    let mut has_node = false;
    for file in files {
        let link = root.link(&format!("{folder}/{file}").into());
        let target = match link.known() {
            Ok(Some(target)) => target,
            Ok(None) => continue,
            Err(gap) => {
                seen.hidden.get_or_insert(gap);
                continue;
            }
        };
        if target == NAMELESS {
            seen.nameless.get_or_insert_with(|| {
                link.unclear("a VFIO device that it does not tell", "the node of a device")
            });
        } else if let Some(node) = node(target) {
            has_node |= node.starts_with("/dev/vfio/") && node != "/dev/vfio/vfio";
            if nodes.contains(node.as_str()) {
                held.entry(node).or_insert_with(|| link.evidence());
            }
        }
    }
    if has_node {
        seen.nameless = None;
    }
    if !held.is_empty() {
        seen.process = process(root, pid, held);
    }
    seen
}

fn process(root: &Root, pid: u32, held: BTreeMap<String, Evidence>) -> Option<Process> {
    let command_line = command_line(root, pid);
    if root.is_live() && matches!(command_line.known(), Ok(None)) {
        return None;
    }
    let name = root.text(&format!("/proc/{pid}/comm").into()).parse("a name", |name| {
        let sound = name.len() <= 64 && !name.chars().any(char::is_control);
        sound.then(|| name.clone())
    });
    Some(Process { pid, name, command_line, held })
}

/// The node that a file leads to, also where it was removed meanwhile; all nodes of a sound card
/// are one.
fn node(target: &str) -> Option<String> {
    let target = target.strip_suffix(" (deleted)").unwrap_or(target);
    let rest = target.strip_prefix("/dev/")?;
    match rest.strip_prefix("snd/") {
        Some(name) => {
            let (_, number) = name.split_once('C')?;
            let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok().map(sound_card)
        }
        None => Some(target.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a node is held open to be found")]
    fn a_process_of_this_host_is_found_by_what_it_holds() {
        let root = Root::open(None).unwrap();
        let held = std::fs::File::open("/dev/null").unwrap();
        let seen = look_at(&root, std::process::id(), &BTreeSet::from(["/dev/null".into()]));
        let process = seen.process.expect("it holds one");
        assert_eq!((process.pid, process.is_vm("a")), (std::process::id(), Ok(false)));
        drop(held);
        // A number past the kernel's largest stands for a process that ended.
        let seen = look_at(&root, u32::MAX, &BTreeSet::from(["/dev/null".into()]));
        assert_eq!(seen.hidden, None);
    }

    #[test]
    fn nodes_are_told_from_targets() {
        let is = |target: &str, expected: Option<&str>| {
            assert_eq!(node(target).as_deref(), expected, "{target}");
        };
        is("/dev/vfio/16", Some("/dev/vfio/16"));
        is("/dev/vfio/16 (deleted)", Some("/dev/vfio/16"));
        is("/dev/snd/pcmC1D0p", Some("/dev/snd/controlC1"));
        is("/dev/snd/controlC12", Some("/dev/snd/controlC12"));
        is("/dev/snd/timer", None);
        is("socket:[1234]", None);
        is("/home/user/dev/vfio/16", None);
    }

    #[test]
    fn the_guest_is_named_in_the_forms_of_qemu() {
        let is = |value: &str, expected: Option<&str>| {
            assert_eq!(guest(value).as_deref(), expected, "{value}");
        };
        is("a", Some("a"));
        is("a,debug-threads=on", Some("a"));
        is("guest=a,debug-threads=on", Some("a"));
        is("debug-threads=on,guest=a", Some("a"));
        is("guest=a,,b", Some("a,b"));
        is("process=a", None);
        is("", None);
    }
}
