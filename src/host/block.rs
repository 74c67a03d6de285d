//! Block devices, and what each stands on: partition, volume, array, encryption, loop, down to
//! the functions of the PCI bus (`block/genhd.c`, `block/holder.c`, `drivers/nvme/host`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::mounts::{self, Mount};
use super::place;
use super::reading::{Evidence, Gap, HostPath, Reading, Why};
use super::root::Root;
use crate::pci::Address;

/// The block devices of a host.
pub struct Blocks<'a> {
    root: &'a Root,
    mounts: &'a Reading<Vec<Mount>>,
    /// Their folders in `/sys/devices`, by name.
    pub paths: BTreeMap<String, String>,
    /// Non-empty where there may be more.
    pub gaps: Vec<Gap>,
}

/// One way down from a thing in use.
#[derive(Debug, Clone)]
pub struct Way {
    /// Names of the devices on it, from the top.
    pub chain: Vec<String>,
    pub foot: Foot,
    pub evidence: Vec<Evidence>,
}

/// Where a way ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foot {
    /// Functions, the nearest last.
    Functions(Vec<Address>),
    /// A server at this address, where it is told.
    Server(Option<IpAddr>),
    /// ZFS does not tell which disks it has.
    Zfs,
}

/// All ways down, and where they could not be followed.
#[derive(Debug, Default)]
pub struct Ways {
    pub found: Vec<Way>,
    pub gaps: Vec<Gap>,
}

/// A place on the way down.
struct Step {
    path: String,
    chain: Vec<String>,
    evidence: Vec<Evidence>,
}

const BTRFS: &str = "/sys/fs/btrfs";

impl<'a> Blocks<'a> {
    pub fn read(root: &'a Root, mounts: &'a Reading<Vec<Mount>>) -> Self {
        let mut blocks = Self { root, mounts, paths: BTreeMap::new(), gaps: Vec::new() };
        // Each holds all of them as links; a capture may have only one.
        let folders = ["/sys/class/block", "/sys/block", "/sys/dev/block"];
        let listed = folders.into_iter().find_map(|folder| {
            let names = root.list(&folder.into());
            matches!(names.known(), Ok(Some(_))).then_some((folder, names))
        });
        let (folder, names) = listed.unwrap_or_else(|| {
            (folders[0], root.list(&folders[0].into()).absent_means(Why::Missing))
        });
        match names.required() {
            Ok(names) => names.iter().for_each(|name| blocks.add(&format!("{folder}/{name}"))),
            Err(gap) => blocks.gaps.push(gap),
        }
        blocks
    }

    fn add(&mut self, link: &str) {
        match place::follow_listed(self.root, &link.into()).required() {
            Ok(path) => drop(self.paths.insert(place::name(path).to_owned(), path.clone())),
            Err(gap) => self.gaps.push(gap),
        }
    }

    /// Functions that have a block device below them.
    pub fn carriers(&mut self) -> BTreeSet<Address> {
        let mut found = BTreeSet::new();
        let mut subsystems = BTreeSet::new();
        for path in self.paths.values() {
            match subsystem(path) {
                Some(folder) => drop(subsystems.insert(folder)),
                None => found.extend(place::functions(path)),
            }
        }
        for folder in subsystems {
            let mut ways = Ways::default();
            let step = Step { path: folder.clone(), chain: Vec::new(), evidence: Vec::new() };
            self.controllers(&folder, &step, &mut ways);
            self.gaps.extend(ways.gaps);
            for way in ways.found {
                if let Foot::Functions(functions) = way.foot {
                    found.extend(functions);
                }
            }
        }
        found
    }

    /// Names of the devices that are made of others: volumes, arrays, caches. An array may have
    /// any name (`md_home`), so what it stands on tells it too.
    pub fn made_of_others(&self) -> Vec<&str> {
        let numbered =
            |name: &str| ["dm-", "md", "bcache"].iter().any(|kind| is_numbered(name, kind));
        let stands = |path: &str| {
            let slaves = |disk| self.root.list(&format!("{disk}/slaves").into());
            virtual_disk(path).filter(|disk| disk == path).is_some_and(
                |disk| matches!(slaves(disk).known(), Ok(Some(names)) if !names.is_empty()),
            )
        };
        let made = |(name, path): &(&String, &String)| numbered(name) || stands(path);
        self.paths.iter().filter(made).map(|(name, _)| name.as_str()).collect()
    }

    /// Volumes of ZFS, which are there as long as it is in use.
    pub fn has_zfs(&self) -> bool {
        self.paths.keys().any(|name| is_numbered(name, "zd"))
    }

    /// The ways down from a mounted filesystem; none from one without a block device.
    pub fn below_mount(&self, mount: &Mount) -> Ways {
        let mut ways = Ways::default();
        let steps = self.steps_of(mount, &[], &mut ways);
        self.descend(steps, &mut ways);
        ways
    }

    /// The same from a device node or a file, as swap has it.
    pub fn below_file(&self, file: &str, is_file: bool) -> Ways {
        let mut ways = Ways::default();
        let steps = if is_file {
            self.steps_of_file(file, &[], &mut ways)
        } else {
            self.steps_of_node(file, &[], &mut ways)
        };
        self.descend(steps, &mut ways);
        ways
    }

    /// The same from a device.
    pub fn below(&self, name: &str) -> Ways {
        let mut ways = Ways::default();
        let start =
            |path: &String| Step { path: path.clone(), chain: Vec::new(), evidence: Vec::new() };
        self.descend(self.paths.get(name).map(start).into_iter().collect(), &mut ways);
        ways
    }

    /// Each device is passed once, so a loop ends, and so does a wide volume.
    fn descend(&self, mut steps: Vec<Step>, ways: &mut Ways) {
        let mut seen = BTreeSet::new();
        while let Some(mut step) = steps.pop() {
            if !seen.insert(step.path.clone()) {
                continue;
            }
            step.chain.push(self.label(&step.path));
            let functions = place::functions(&step.path);
            if let Some(folder) = subsystem(&step.path) {
                self.controllers(&folder, &step, ways);
            } else if functions.is_empty() {
                steps.extend(self.next(step, ways));
            } else {
                ways.add(step, Foot::Functions(functions));
            }
        }
    }

    /// What a device that hangs on no function stands on.
    fn next(&self, step: Step, ways: &mut Ways) -> Vec<Step> {
        let name = place::name(&step.path).to_owned();
        if let Some(session) = step.path.split('/').find(|part| is_numbered(part, "session")) {
            let number = session.trim_start_matches("session");
            let path = format!("/sys/class/iscsi_connection/connection{number}:0/address");
            let address = self.root.text(&path.into());
            let server = address.known().ok().flatten().and_then(|text| text.trim().parse().ok());
            ways.add(step, Foot::Server(server));
        } else if let Some(controller) = fabric_controller(&step.path) {
            self.fabric(&controller, step, ways);
        } else if ["nbd", "rbd"].iter().any(|kind| is_numbered(&name, kind)) {
            ways.add(step, Foot::Server(None));
        } else if is_numbered(&name, "zd") {
            ways.add(step, Foot::Zfs);
        } else if let Some(disk) = virtual_disk(&step.path) {
            return self.below_virtual(&disk, step, ways);
        }
        Vec::new()
    }

    fn below_virtual(&self, disk: &str, step: Step, ways: &mut Ways) -> Vec<Step> {
        let name = place::name(disk);
        if is_numbered(name, "ram") {
            return Vec::new();
        }
        if is_numbered(name, "loop") {
            let file = self.root.text(&format!("{disk}/loop/backing_file").into());
            return self.through(&file, step, ways);
        }
        if is_numbered(name, "zram") {
            let device = self.root.text(&format!("{disk}/backing_dev").into());
            return match device.known() {
                Ok(None) => Vec::new(),
                Ok(Some(text)) if text.trim() == "none" => Vec::new(),
                _ => self.through(&device, step, ways),
            };
        }
        let slaves = self.root.list(&format!("{disk}/slaves").into());
        let Some(names) = ways.learn(slaves.required()) else { return Vec::new() };
        let is_known = ["dm-", "md", "bcache"].iter().any(|kind| is_numbered(name, kind));
        if names.is_empty() && !is_known {
            ways.gaps.push(slaves.unclear("nothing", "what this device stands on"));
        }
        let mut steps = Vec::new();
        for slave in names {
            let link = HostPath::from(format!("{disk}/slaves/{slave}"));
            if let Some(path) =
                ways.learn(place::follow_listed(self.root, &link).required().cloned())
            {
                let evidence = [step.evidence.as_slice(), &[slaves.evidence()]].concat();
                steps.push(Step { path, chain: step.chain.clone(), evidence });
            }
        }
        steps
    }

    /// Through a file or device node that another device is made of.
    fn through(&self, file: &Reading<String>, step: Step, ways: &mut Ways) -> Vec<Step> {
        let Some(path) = ways.learn(file.required()) else { return Vec::new() };
        let evidence = [step.evidence.as_slice(), &[file.evidence()]].concat();
        let before = Step { evidence, ..step };
        if path.starts_with("/dev/") {
            self.steps_of_node(path, &[before], ways)
        } else {
            self.steps_of_file(path, &[before], ways)
        }
    }

    /// The real controllers of a subsystem of NVM Express: its folder holds a link to each
    /// (`drivers/nvme/host/core.c`, `nvme_init_subsystem`).
    fn controllers(&self, folder: &str, step: &Step, ways: &mut Ways) {
        let class = format!("/sys/class/nvme-subsystem/{}", place::name(folder));
        let listed = self.root.list(&folder.into());
        let listed = listed.or(|| self.root.list(&class.into()));
        let Some(names) = ways.learn(listed.required()) else { return };
        let mut found = false;
        for name in names.iter().filter(|name| is_numbered(name, "nvme")) {
            let link = HostPath::from(format!("{}/{name}", listed.path()));
            let Some(path) = ways.learn(place::follow_listed(self.root, &link).required().cloned())
            else {
                continue;
            };
            found = true;
            let chain = [step.chain.as_slice(), std::slice::from_ref(name)].concat();
            let evidence = [step.evidence.as_slice(), &[listed.evidence()]].concat();
            let functions = place::functions(&path);
            let at_controller = Step { path: path.clone(), chain, evidence };
            if functions.is_empty() {
                self.fabric(&path, at_controller, ways);
            } else {
                ways.add(at_controller, Foot::Functions(functions));
            }
        }
        if !found && ways.gaps.is_empty() {
            ways.gaps.push(listed.unclear("no controller", "the controllers of the subsystem"));
        }
    }

    /// A controller over a network says where (`drivers/nvme/host/fabrics.c`, `nvmf_get_address`).
    fn fabric(&self, controller: &str, step: Step, ways: &mut Ways) {
        let address = self.root.text(&format!("{controller}/address").into());
        let Some(text) = ways.learn(address.required()) else { return };
        let told = text.split(',').find_map(|word| word.trim().strip_prefix("traddr="));
        match told.and_then(|text| text.parse().ok()) {
            Some(server) => ways.add(step, Foot::Server(Some(server))),
            None => ways.gaps.push(address.unclear(text.clone(), "the address of a server")),
        }
    }

    /// Where a mount begins; by its number, or by its source where it has several devices.
    fn steps_of(&self, mount: &Mount, before: &[Step], ways: &mut Ways) -> Vec<Step> {
        let (major, minor) = mount.number;
        if major != 0 {
            let link = HostPath::from(format!("/sys/dev/block/{major}:{minor}"));
            let path = place::follow(self.root, &link);
            // A capture may have the devices and not this folder.
            let by_name = || {
                let node = mount.source.strip_prefix("/dev/").unwrap_or("");
                match self.paths.get(&node.replace('/', "!")) {
                    Some(found) => Reading::present(link.clone(), found.clone(), found.as_str()),
                    None => Reading::unknown(link.clone(), Why::Missing),
                }
            };
            let path = ways.learn(path.or(by_name).required().cloned());
            return path.map(|path| step(path, before)).into_iter().collect();
        }
        match mount.kind.as_str() {
            "btrfs" => self.steps_of_btrfs(mount, before, ways),
            "zfs" => {
                ways.add(step(String::new(), before), Foot::Zfs);
                Vec::new()
            }
            "bcachefs" => mount
                .source
                .split(':')
                .flat_map(|node| self.steps_of_node(node, before, ways))
                .collect(),
            // A filesystem of a program (ntfs-3g) stands on the node that it was given.
            kind if is_fuse(kind)
                && mount.source.starts_with("/dev/")
                && mount.source != "/dev/fuse" =>
            {
                self.steps_of_node(&mount.source, before, ways)
            }
            _ => Vec::new(),
        }
    }

    /// Each mounted btrfs has a folder with links to all its devices (`fs/btrfs/sysfs.c`,
    /// `btrfs_sysfs_add_device`). One whose source tells nothing is the only one that there is, or
    /// may be any of several.
    fn steps_of_btrfs(&self, mount: &Mount, before: &[Step], ways: &mut Ways) -> Vec<Step> {
        let folders = self.root.list(&BTRFS.into());
        let Some(ids) = ways.learn(folders.required()) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        let ids: Vec<&String> = ids.iter().filter(|id| *id != "features").collect();
        for id in &ids {
            let devices = self.root.list(&format!("{BTRFS}/{id}/devices").into());
            let Some(names) = ways.learn(devices.required()) else { continue };
            let mut steps = Vec::new();
            let mut matches = false;
            for name in names {
                let link = HostPath::from(format!("{BTRFS}/{id}/devices/{name}"));
                let Some(path) =
                    ways.learn(place::follow_listed(self.root, &link).required().cloned())
                else {
                    continue;
                };
                matches |= self.is_node(&mount.source, &path);
                let mut step = step(path, before);
                step.evidence.push(devices.evidence());
                steps.push(step);
            }
            if matches {
                return steps;
            }
            all.extend(steps);
        }
        if all.is_empty() || ids.len() > 1 {
            let found = match ids.len() {
                0 | 1 => "no device of it".to_owned(),
                several => format!("{several} filesystems, none of them with {}", mount.source),
            };
            ways.gaps.push(folders.unclear(found, "the devices of a mounted filesystem"));
            return Vec::new();
        }
        all
    }

    fn steps_of_file(&self, file: &str, before: &[Step], ways: &mut Ways) -> Vec<Step> {
        let Some(mounts) = ways.learn(self.mounts.required()) else { return Vec::new() };
        if let Some(mount) = mounts::holding(mounts, file) {
            return self.steps_of(mount, before, ways);
        }
        ways.gaps.push(self.mounts.unclear("no mount that holds a file", "the root"));
        Vec::new()
    }

    fn steps_of_node(&self, node: &str, before: &[Step], ways: &mut Ways) -> Vec<Step> {
        let by_name =
            node.strip_prefix("/dev/").and_then(|name| self.paths.get(&name.replace('/', "!")));
        let found = by_name.or_else(|| self.paths.values().find(|path| self.is_node(node, path)));
        match (found, self.gaps.first()) {
            (Some(path), _) => return vec![step(path.clone(), before)],
            (None, Some(gap)) => ways.gaps.push(gap.clone()),
            (None, None) => {
                let listed = HostPath::from("/sys/class/block");
                ways.gaps.push(Gap {
                    path: format!("{listed}/{}", place::name(node)),
                    why: Why::Missing,
                });
            }
        }
        Vec::new()
    }

    /// Whether a device node is that of a device: `/dev/sda1`, or `/dev/mapper/NAME` of a volume.
    fn is_node(&self, node: &str, path: &str) -> bool {
        let name = place::name(path);
        let mapped = || self.volume_name(path);
        node.strip_prefix("/dev/").is_some_and(|node| match node.strip_prefix("mapper/") {
            None => node.replace('/', "!") == name,
            Some(volume) => mapped().is_some_and(|found| found == volume),
        })
    }

    /// The name of the device; of a volume with the one that people gave it.
    fn label(&self, path: &str) -> String {
        let name = place::name(path);
        match self.volume_name(path) {
            Some(volume) => format!("{name} ({volume})"),
            None => name.to_owned(),
        }
    }

    fn volume_name(&self, path: &str) -> Option<String> {
        is_numbered(place::name(path), "dm-").then_some(())?;
        let name = self.root.text(&format!("{path}/dm/name").into());
        name.known().ok().flatten().cloned()
    }
}

impl Ways {
    fn learn<T>(&mut self, fact: Result<T, Gap>) -> Option<T> {
        fact.map_err(|gap| self.gaps.push(gap)).ok()
    }

    fn add(&mut self, step: Step, foot: Foot) {
        self.found.push(Way { chain: step.chain, foot, evidence: step.evidence });
    }
}

fn step(path: String, before: &[Step]) -> Step {
    let last = before.last();
    Step {
        path,
        chain: last.map(|step| step.chain.clone()).unwrap_or_default(),
        evidence: last.map(|step| step.evidence.clone()).unwrap_or_default(),
    }
}

fn is_fuse(kind: &str) -> bool {
    kind == "fuse" || kind == "fuseblk" || kind.starts_with("fuse.")
}

/// `sda` is no numbered name; `md127`, `dm-0` and `nvme1` are.
fn is_numbered(name: &str, kind: &str) -> bool {
    name.strip_prefix(kind)
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// The folder of the subsystem of NVM Express that a path lies in.
fn subsystem(path: &str) -> Option<String> {
    let (above, below) = path.split_once("/nvme-subsystem/")?;
    let name = below.split('/').next()?;
    Some(format!("{above}/nvme-subsystem/{name}"))
}

/// The folder of the controller over a network that a path lies in.
fn fabric_controller(path: &str) -> Option<String> {
    let (above, below) = path.split_once("/nvme-fabrics/ctl/")?;
    let name = below.split('/').next()?;
    Some(format!("{above}/nvme-fabrics/ctl/{name}"))
}

/// The whole disk, of it or of one of its partitions, where it is a made one.
fn virtual_disk(path: &str) -> Option<String> {
    const MADE: &str = "/sys/devices/virtual/block";
    let name = path.strip_prefix(MADE)?.split('/').nth(1)?;
    Some(format!("{MADE}/{name}"))
}
