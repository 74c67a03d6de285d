//! Memory and huge pages, of the host and of its NUMA nodes (`fs/proc/meminfo.c`,
//! `drivers/base/node.c`, `Documentation/admin-guide/mm/hugetlbpage.rst`).

use std::collections::BTreeMap;

use super::cpu_list::{self, CpuList};
use super::reading::{Gap, HostPath, Reading, Why};
use super::root::Root;

/// Amounts are in KiB, numbers of pages in pages.
#[derive(Debug)]
pub struct Memory {
    pub total: Reading<u64>,
    /// What programs can still get without swap.
    pub available: Reading<u64>,
    /// The size of a huge page where none is named; absent on a kernel without them.
    pub default_page: Reading<u64>,
    /// Sizes of huge pages that the kernel has.
    pub sizes: Reading<Vec<u64>>,
    /// Huge pages of each size.
    pub pools: BTreeMap<u64, Pool>,
}

/// Huge pages of one size.
#[derive(Debug)]
pub struct Pool {
    pub all: Reading<u64>,
    pub free: Reading<u64>,
    /// Of the free ones, those that somebody was promised.
    pub reserved: Reading<u64>,
    /// How many the kernel may make when they are asked for.
    pub overcommit: Reading<u64>,
    /// How many of those it made.
    pub surplus: Reading<u64>,
}

/// The nodes that devices are on, and the numbers of all.
#[derive(Debug)]
pub struct Nodes {
    /// Absent on a kernel that knows of no nodes.
    pub all: Reading<Vec<u32>>,
    pub read: BTreeMap<u32, NumaNode>,
}

#[derive(Debug)]
pub struct NumaNode {
    pub cpus: Reading<CpuList>,
    /// In KiB.
    pub memory: Reading<u64>,
    /// Sizes of huge pages that it has; absent on a kernel without them.
    sizes: Reading<Vec<u64>>,
    /// Huge pages of each size.
    pages: BTreeMap<u64, NodePages>,
}

/// Huge pages of one size on a node.
#[derive(Debug)]
pub struct NodePages {
    pub all: Reading<u64>,
    pub free: Reading<u64>,
}

const POOLS: &str = "/sys/kernel/mm/hugepages";
const NODES: &str = "/sys/devices/system/node";

pub fn read(root: &Root) -> Memory {
    let info = root.text(&"/proc/meminfo".into());
    let amount = |name: &'static str| line_of(&info, name).absent_means(Why::Missing);
    let sizes = read_sizes(root, &POOLS.into());
    let pools = known_sizes(&sizes).map(|size| (size, read_pool(root, size))).collect();
    Memory {
        total: amount("MemTotal"),
        available: amount("MemAvailable"),
        default_page: line_of(&info, "Hugepagesize"),
        sizes,
        pools,
    }
}

/// All nodes by their numbers, and more of those that are asked for.
pub fn read_nodes(root: &Root, wanted: impl Iterator<Item = u32>) -> Nodes {
    let all = root.list(&NODES.into()).parse("nodes", |names| {
        let number = |name: &String| name.strip_prefix("node")?.parse().ok();
        let mut numbers: Vec<u32> = names.iter().filter_map(number).collect();
        numbers.sort_unstable();
        Some(numbers)
    });
    let shown = |numbers: &Vec<u32>| {
        let names: Vec<String> = numbers.iter().map(|number| format!("node{number}")).collect();
        names.join(" ")
    };
    Nodes {
        all: all.showing(shown),
        read: wanted.map(|number| (number, read_node(root, number))).collect(),
    }
}

impl Memory {
    /// Huge pages of a size; none where the kernel has no pages of that size.
    pub fn pool(&self, size: u64) -> Result<Option<&Pool>, Gap> {
        self.sizes.known().map(|_| self.pools.get(&size))
    }
}

impl Pool {
    /// Pages that nobody has and nobody was promised.
    pub fn available(&self) -> Result<u64, Gap> {
        Ok(self.free.required()?.saturating_sub(*self.reserved.required()?))
    }

    /// Pages that the kernel would try to make.
    pub fn may_be_made(&self) -> Result<u64, Gap> {
        Ok(self.overcommit.required()?.saturating_sub(*self.surplus.required()?))
    }
}

impl NumaNode {
    /// Huge pages of a size; none where the node has no pages of that size.
    pub fn pages(&self, size: u64) -> Result<Option<&NodePages>, Gap> {
        self.sizes.known().map(|_| self.pages.get(&size))
    }
}

impl Nodes {
    /// A node that a device is on; none on a host that has but one.
    pub fn of_several(&self, number: u32) -> Result<Option<&NumaNode>, Gap> {
        match self.all.known()? {
            Some(all) if all.len() > 1 => Ok(self.read.get(&number)),
            _ => Ok(None),
        }
    }
}

fn read_pool(root: &Root, size: u64) -> Pool {
    let pages = |name| {
        root.text(&format!("{POOLS}/hugepages-{size}kB/{name}").into())
            .parse("a number of pages", |text| text.trim().parse().ok())
    };
    Pool {
        all: pages("nr_hugepages"),
        free: pages("free_hugepages"),
        reserved: pages("resv_hugepages"),
        overcommit: pages("nr_overcommit_hugepages"),
        surplus: pages("surplus_hugepages"),
    }
}

fn read_node(root: &Root, number: u32) -> NumaNode {
    let path = |name: &str| HostPath::from(format!("{NODES}/node{number}/{name}"));
    let info = root.text(&path("meminfo"));
    let sizes = read_sizes(root, &path("hugepages"));
    let pages = known_sizes(&sizes).map(|size| {
        let of = |name| {
            root.text(&path(&format!("hugepages/hugepages-{size}kB/{name}")))
                .parse("a number of pages", |text| text.trim().parse().ok())
        };
        (size, NodePages { all: of("nr_hugepages"), free: of("free_hugepages") })
    });
    NumaNode {
        cpus: cpu_list::read(root, &path("cpulist")),
        memory: line_of(&info, "MemTotal").absent_means(Why::Missing),
        pages: pages.collect(),
        sizes,
    }
}

/// Names `hugepages-2048kB`.
fn read_sizes(root: &Root, path: &HostPath) -> Reading<Vec<u64>> {
    root.list(path).parse("sizes of huge pages", |names| {
        let size = |name: &String| {
            name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse::<u64>().ok()
        };
        names.iter().map(|name| size(name).filter(|size| *size > 0)).collect()
    })
}

fn known_sizes(sizes: &Reading<Vec<u64>>) -> impl Iterator<Item = u64> {
    sizes.known().ok().flatten().into_iter().flatten().copied()
}

/// `MemTotal:       65536 kB`, with `Node 0 ` before it in the file of a node.
fn line_of(info: &Reading<String>, name: &'static str) -> Reading<u64> {
    let line = info.known().ok().flatten().and_then(|text| {
        text.lines().find(|line| {
            let key = line.split(':').next().unwrap_or_default();
            key.split_ascii_whitespace().next_back() == Some(name)
        })
    });
    match (info.known(), line) {
        (Ok(Some(_)), None) => Reading::absent(info.path().clone()),
        (_, Some(line)) => Reading::present(info.path().clone(), line.to_owned(), line)
            .parse("an amount in kB", |line| kib(line)),
        _ => info.clone().parse("", |_| None),
    }
}

fn kib(line: &str) -> Option<u64> {
    line.split_once(':')?.1.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_their_whole_name() {
        let text = "HugeMemTotal: 1 kB\nMemTotal:       65536 kB\n";
        let info = Reading::present("/proc/meminfo".into(), text.to_owned(), "");
        assert_eq!(line_of(&info, "MemTotal").known(), Ok(Some(&65536)));
        assert_eq!(line_of(&info, "MemAvailable").known(), Ok(None));
        let node = Reading::present("".into(), "Node 1 MemTotal:  4096 kB\n".to_owned(), "");
        assert_eq!(line_of(&node, "MemTotal").known(), Ok(Some(&4096)));
        let odd = Reading::present("".into(), "MemTotal: many\n".to_owned(), "");
        assert!(line_of(&odd, "MemTotal").is_unknown());
    }
}
