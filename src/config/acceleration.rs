//! `hardware.acceleration`, as far as it says where a VM's processors and memory come from.

use super::decode::spanned;
use super::leaf;
use super::yaml::{Map, Node};
use crate::source::{Span, Spanned};

/// Of a VM: a key of its own goes before its cluster's.
#[derive(Debug, Clone, Default)]
pub struct Acceleration {
    enable_hugepages: Option<Spanned<bool>>,
    /// Whether `memory_backing` is `hugepages`.
    backed_by_hugepages: Option<Spanned<bool>>,
    /// In KiB; none where the host's default size will do.
    pub hugepage_size: Option<Spanned<u64>>,
    pub cpu_pinning: Option<Spanned<bool>>,
    /// NUMA nodes that the VM itself has.
    pub numa_nodes: Option<Spanned<u64>>,
}

impl Acceleration {
    /// Where it is written that the memory is to be of huge pages.
    pub fn hugepages(&self) -> Option<Span> {
        let asked = [&self.enable_hugepages, &self.backed_by_hugepages];
        asked.into_iter().flatten().find(|asked| asked.value).map(|asked| asked.span)
    }

    /// The VM's memory and processors are to be of the node that its devices are on.
    pub fn is_pinned(&self) -> bool {
        self.cpu_pinning.as_ref().is_some_and(|pinning| pinning.value)
    }

    /// The VM is laid over several nodes of the host.
    pub fn spans_nodes(&self) -> bool {
        self.numa_nodes.as_ref().is_some_and(|nodes| nodes.value > 1)
    }

    /// Key by key, with what the cluster says where this says nothing.
    pub(super) fn or(self, cluster: &Self) -> Self {
        Self {
            enable_hugepages: self.enable_hugepages.or_else(|| cluster.enable_hugepages.clone()),
            backed_by_hugepages: self
                .backed_by_hugepages
                .or_else(|| cluster.backed_by_hugepages.clone()),
            hugepage_size: self.hugepage_size.or_else(|| cluster.hugepage_size.clone()),
            cpu_pinning: self.cpu_pinning.or_else(|| cluster.cpu_pinning.clone()),
            numa_nodes: self.numa_nodes.or_else(|| cluster.numa_nodes.clone()),
        }
    }

    /// Out of the map of a VM or a cluster.
    pub(super) fn of(map: &Map) -> Self {
        let hardware = map.get("hardware").and_then(Node::map);
        let acceleration = hardware.and_then(|hardware| hardware.get("acceleration")?.map());
        let Some(acceleration) = acceleration else { return Self::default() };
        let performance = acceleration.get("performance").and_then(Node::map);
        let flag = |key| spanned(performance?, key, |value| leaf::boolean(value).ok());
        Self {
            enable_hugepages: flag("enable_hugepages"),
            cpu_pinning: flag("cpu_pinning"),
            backed_by_hugepages: performance.and_then(|performance| {
                spanned(performance, "memory_backing", |value| Some(value.text == "hugepages"))
            }),
            hugepage_size: performance.and_then(|performance| {
                spanned(performance, "hugepage_size", |value| match value.text.as_str() {
                    "2M" => Some(2 << 10),
                    "1G" => Some(1 << 20),
                    _ => None,
                })
            }),
            numa_nodes: acceleration.get("numa_topology").and_then(Node::map).and_then(
                |topology| spanned(topology, "nodes", |nodes| leaf::integer(nodes, 1).ok()),
            ),
        }
    }
}
