//! What the host has on its disks, and the functions that this stands on.

use std::collections::{BTreeMap, BTreeSet};

use super::block::{Blocks, Foot, Way, Ways};
use super::mounts::{self, Mount};
use super::reading::{Evidence, Gap, Reading, Why};
use super::root::Root;
use crate::pci::Address;

#[derive(Debug)]
pub struct Disks {
    /// With the functions of the PCI bus that they stand on.
    pub uses: Vec<DiskUse>,
    /// What is on disks of a server.
    pub remote: Vec<RemoteDisk>,
    /// A use of ZFS, which does not tell where its disks are.
    pub zfs: Option<Gap>,
    /// Functions with a block device below them.
    pub carriers: BTreeSet<Address>,
    /// Non-empty where there may be more of those.
    pub carrier_gaps: Vec<Gap>,
    /// Non-empty where the host may use more, on any disk.
    pub gaps: Vec<Gap>,
}

/// A way from something in use down to functions.
#[derive(Debug, Clone)]
pub struct DiskUse {
    pub what: InUse,
    /// Names of the devices on the way, from the top.
    pub chain: Vec<String>,
    /// The nearest last.
    pub functions: Vec<Address>,
    pub evidence: Vec<Evidence>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InUse {
    /// A filesystem, mounted at these places.
    Mounted(Vec<String>),
    /// This path.
    Swap(String),
    /// A volume or array of this name, active with or without a filesystem.
    Volume(String),
}

#[derive(Debug, Clone)]
pub struct RemoteDisk {
    pub what: InUse,
    pub server: Option<std::net::IpAddr>,
    pub evidence: Vec<Evidence>,
}

/// With the reason why the host may have more mounts and swaps than those shown.
pub fn read(root: &Root, mounts: &Reading<Vec<Mount>>, hidden: Option<Gap>) -> Disks {
    let mut blocks = Blocks::read(root, mounts);
    let carriers = blocks.carriers();
    let mut disks = Disks {
        uses: Vec::new(),
        remote: Vec::new(),
        zfs: None,
        carriers,
        carrier_gaps: blocks.gaps.clone(),
        gaps: hidden.into_iter().collect(),
    };
    match mounts.required() {
        Ok(table) => {
            disks.gaps.extend(mounts::without_a_device(mounts, table));
            disks.add_mounts(&blocks, mounts, table);
        }
        Err(gap) => disks.gaps.push(gap),
    }
    let swaps = mounts::read_swaps(root);
    match swaps.known() {
        Ok(used) => {
            for swap in used.into_iter().flatten() {
                let ways = blocks.below_file(&swap.path, swap.is_file);
                disks.add(&InUse::Swap(swap.path.clone()), &swap.evidence(&swaps), ways, mounts);
            }
        }
        Err(gap) => disks.gaps.push(gap),
    }
    for name in blocks.made_of_others() {
        let mut ways = blocks.below(name);
        let label = ways.found.first().and_then(|way| way.chain.first()).cloned();
        let label = label.unwrap_or_else(|| name.to_owned());
        // What it is made of is told by the step itself, so the device is no evidence of its own.
        for way in &mut ways.found {
            way.chain.remove(0);
        }
        disks.gaps.extend(ways.gaps);
        for way in ways.found {
            disks.put(&InUse::Volume(label.clone()), way, None, mounts);
        }
    }
    if disks.zfs.is_none() {
        disks.zfs = unmounted_zfs(root, &blocks);
    }
    disks.gaps.sort_by(|a, b| a.path.cmp(&b.path));
    disks.gaps.dedup();
    disks
}

impl Disks {
    /// One walk for each filesystem: bind mounts and subvolumes show the same one many times.
    fn add_mounts(&mut self, blocks: &Blocks, reading: &Reading<Vec<Mount>>, table: &[Mount]) {
        let mut filesystems: BTreeMap<_, Vec<&Mount>> = BTreeMap::new();
        for mount in table {
            // Those without a number of a device are told apart by their source.
            let source = if mount.number.0 == 0 { mount.source.as_str() } else { "" };
            let number = if mount.number.0 == 0 { (0, 0) } else { mount.number };
            let key = (number, mount.kind.as_str(), source);
            filesystems.entry(key).or_default().push(mount);
        }
        for mounts in filesystems.into_values() {
            let mut points: Vec<String> = mounts.iter().map(|mount| mount.point.clone()).collect();
            points.sort_by_key(|point| (point.len(), point.clone()));
            points.dedup();
            let shortest = mounts.iter().min_by_key(|mount| mount.point.len());
            let Some(first) = shortest else { continue };
            let ways = blocks.below_mount(first);
            self.add(&InUse::Mounted(points), &first.evidence(reading), ways, reading);
        }
    }

    fn add(&mut self, what: &InUse, line: &Evidence, ways: Ways, mounts: &Reading<Vec<Mount>>) {
        self.gaps.extend(ways.gaps);
        for way in ways.found {
            self.put(what, way, Some(line), mounts);
        }
    }

    fn put(
        &mut self,
        what: &InUse,
        way: Way,
        line: Option<&Evidence>,
        mounts: &Reading<Vec<Mount>>,
    ) {
        let Way { chain, foot, evidence } = way;
        let evidence: Vec<Evidence> = line.cloned().into_iter().chain(evidence).collect();
        let what = what.clone();
        match foot {
            Foot::Functions(functions) => {
                self.uses.push(DiskUse { what, chain, functions, evidence });
            }
            Foot::Server(server) => self.remote.push(RemoteDisk { what, server, evidence }),
            Foot::Zfs => {
                let gap = mounts.unclear(ZFS_IS_USED, ZFS_IS_ASKED);
                self.zfs.get_or_insert(gap);
            }
        }
    }
}

const ZFS_IS_USED: &str = "a use of ZFS, which does not tell its disks to the system";
const ZFS_IS_ASKED: &str = "the disks of every filesystem (`zpool status -P` lists them)";

/// An imported pool without a mounted filesystem: its volumes are block devices, and it has a
/// folder of statistics, beside files of ZFS as a whole.
fn unmounted_zfs(root: &Root, blocks: &Blocks) -> Option<Gap> {
    const POOLS: &str = "/proc/spl/kstat/zfs";
    let gap = |path: String| {
        let why = Why::Malformed { found: ZFS_IS_USED.to_owned(), expected: ZFS_IS_ASKED };
        Gap { path, why }
    };
    if blocks.has_zfs() {
        return Some(gap("/sys/class/block".to_owned()));
    }
    let names = root.list(&POOLS.into());
    let is_pool = |name: &&String| {
        let folder = root.folder(format!("{POOLS}/{name}"));
        matches!(folder.known(), Ok(Some(())))
    };
    let pool = names.known().ok().flatten()?.iter().find(is_pool)?;
    Some(gap(format!("{POOLS}/{pool}")))
}
