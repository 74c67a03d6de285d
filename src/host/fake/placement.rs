//! What a made-up host has of memory, huge pages, processors and NUMA nodes.

use super::FakeHost;
use crate::host::root::Tree;
use crate::pci::Address;

/// A workstation with 64 GiB, 32 processors and one node.
pub(super) fn write(tree: &mut Tree) {
    tree.file("/proc/meminfo", meminfo(64, 60));
    tree.file("/sys/devices/system/cpu/online", "0-31\n");
    tree.file("/sys/devices/system/cpu/isolated", "\n");
    tree.file("/sys/devices/system/cpu/nohz_full", "(null)\n");
    for size in [2048, 1 << 20] {
        for (name, text) in pool(0) {
            tree.file(&format!("/sys/kernel/mm/hugepages/hugepages-{size}kB/{name}"), text);
        }
    }
    for (path, text) in node(0, "0-31", 64) {
        tree.file(&path, text);
    }
}

impl FakeHost {
    /// Memory of the host in GiB, and what of it can be had.
    pub fn memory(self, total: u64, available: u64) -> Self {
        self.file("/proc/meminfo", &meminfo(total, available))
    }

    /// Free huge pages of a size in KiB, by the host's own count.
    pub fn free_pages(self, size: u64, free: u64) -> Self {
        self.pages(size, "nr_hugepages", free).pages(size, "free_hugepages", free)
    }

    /// One number about the huge pages of a size in KiB.
    pub fn pages(self, size: u64, name: &str, number: u64) -> Self {
        let path = format!("/sys/kernel/mm/hugepages/hugepages-{size}kB/{name}");
        self.file(&path, &format!("{number}\n"))
    }

    /// Two nodes of 16 processors each, and of so many GiB each.
    pub fn two_nodes(self, memory: u64) -> Self {
        let files = [node(0, "0-15", memory), node(1, "16-31", memory)].into_iter().flatten();
        files.fold(self, |host, (path, text)| host.file(&path, &text))
    }

    /// Free huge pages of a size in KiB, on one node.
    #[cfg(test)]
    pub fn free_pages_on(self, node: u32, size: u64, free: u64) -> Self {
        let folder = format!("/sys/devices/system/node/node{node}/hugepages/hugepages-{size}kB");
        self.file(&format!("{folder}/nr_hugepages"), &format!("{free}\n"))
            .file(&format!("{folder}/free_hugepages"), &format!("{free}\n"))
    }

    /// Speed and width of a function's link, as they are and as they can be.
    pub fn linked(self, address: Address, now: (&str, &str), most: (&str, &str)) -> Self {
        self.attribute(address, "current_link_speed", &format!("{}\n", now.0))
            .attribute(address, "current_link_width", &format!("{}\n", now.1))
            .attribute(address, "max_link_speed", &format!("{}\n", most.0))
            .attribute(address, "max_link_width", &format!("{}\n", most.1))
    }

    /// The node that a function is on.
    pub fn on_node(self, address: Address, node: u32) -> Self {
        self.attribute(address, "numa_node", &format!("{node}\n"))
    }
}

fn meminfo(total: u64, available: u64) -> String {
    format!(
        "MemTotal:       {:>8} kB\nMemFree:        {:>8} kB\nMemAvailable:   {:>8} kB\nHugePages_Total:       0\nHugepagesize:       2048 kB\n",
        total << 20,
        (available / 2) << 20,
        available << 20
    )
}

fn pool(free: u64) -> [(&'static str, String); 5] {
    [
        ("nr_hugepages", format!("{free}\n")),
        ("free_hugepages", format!("{free}\n")),
        ("resv_hugepages", "0\n".to_owned()),
        ("nr_overcommit_hugepages", "0\n".to_owned()),
        ("surplus_hugepages", "0\n".to_owned()),
    ]
}

fn node(number: u32, cpus: &str, memory: u64) -> [(String, String); 6] {
    let folder = format!("/sys/devices/system/node/node{number}");
    let memory = memory << 20;
    let info = format!(
        "Node {number} MemTotal:       {memory} kB\nNode {number} MemFree:        {memory} kB\n"
    );
    let pages = |size: u32, name| {
        (format!("{folder}/hugepages/hugepages-{size}kB/{name}"), "0\n".to_owned())
    };
    [
        (format!("{folder}/cpulist"), format!("{cpus}\n")),
        (format!("{folder}/meminfo"), info),
        pages(2048, "nr_hugepages"),
        pages(2048, "free_hugepages"),
        pages(1 << 20, "nr_hugepages"),
        pages(1 << 20, "free_hugepages"),
    ]
}
