//! The typed VM out of its part of the tree.
//!
//! What cannot be read is left out here without a word: the walk, which reads single values with
//! the same `leaf` functions, says so.

use super::leaf;
use super::walk::Step;
use super::yaml::{Map, Node, Scalar};
use super::{Acceleration, Passthrough, Subnet, Vm, Wanted};
use crate::pci::DeviceType;
use crate::source::{Span, Spanned};

/// What the VMs of a cluster share.
#[derive(Debug)]
pub(super) struct Cluster {
    key: String,
    subnet: Option<Spanned<Subnet>>,
    acceleration: Acceleration,
}

pub(super) fn cluster(map: &Map, path: &[Step]) -> Option<Cluster> {
    let Some(Step::Key(key)) = path.last() else {
        return None;
    };
    let network = map.get("network").and_then(Node::map);
    let subnet =
        network.and_then(|network| spanned(network, "subnet", |text| leaf::subnet(text).ok()));
    Some(Cluster { key: key.to_string(), subnet, acceleration: Acceleration::of(map) })
}

/// The VM, or group of VMs, that stands at a path.
pub(super) fn vm(
    node: &Node,
    map: &Map,
    path: &[Step],
    key: Option<Span>,
    cluster: Option<&Cluster>,
) -> Vm {
    let name = spanned(map, "name", |name| Some(name.text.clone()).filter(|name| !name.is_empty()));
    let first = map.first.unwrap_or(node.span);
    let ip = |key| spanned(map, key, |ip| leaf::ip(ip).ok().flatten());
    Vm {
        span: name.as_ref().map_or(first, |name| name.span),
        heads: key.into_iter().chain([node.span, first]).collect(),
        named: name.is_some(),
        name: name.map_or_else(|| place(path), |name| name.value),
        cluster: cluster.map(|cluster| cluster.key.clone()),
        count: spanned(map, "count", |count| leaf::integer(count, 1).ok()),
        auto_start: spanned(map, "auto_start", |start| leaf::boolean(start).ok())
            .is_none_or(|start| start.value),
        ip: ip("ip_address").or_else(|| ip("ip")),
        subnet: cluster.and_then(|cluster| cluster.subnet.clone()),
        passthrough: passthrough(map),
        cpu_cores: spanned(map, "cpu_cores", |cores| leaf::integer(cores, 1).ok()),
        memory: spanned(map, "memory_gb", |gib| leaf::integer(gib, 1).ok().map(|gib| gib << 20)),
        acceleration: match cluster {
            Some(cluster) => Acceleration::of(map).or(&cluster.acceleration),
            None => Acceleration::of(map),
        },
    }
}

/// A value of a map and its place; none where it is missing, empty or unreadable.
pub(super) fn spanned<T>(
    map: &Map,
    key: &str,
    read: impl Fn(&Scalar) -> Option<T>,
) -> Option<Spanned<T>> {
    let node = map.get(key)?;
    let scalar = node.scalar().filter(|scalar| !scalar.is_null())?;
    read(scalar).map(|value| Spanned { value, span: node.span })
}

fn passthrough(map: &Map) -> Option<Passthrough> {
    let entry = map.entry("pcie_passthrough")?;
    let inner = entry.value.map()?;
    let devices = inner.entry("devices");
    let listed = devices.and_then(|devices| devices.value.list()).unwrap_or_default();
    let enabled = spanned(inner, "enabled", |enabled| leaf::boolean(enabled).ok());
    let is_list = |devices: &Node| devices.list().is_some() || devices.is_null();
    Some(Passthrough {
        unclear: inner.entries.iter().any(|entry| !matches!(&*entry.key, "enabled" | "devices"))
            || (enabled.is_none() && inner.get("enabled").is_some())
            || devices.is_some_and(|devices| !is_list(&devices.value)),
        enabled,
        span: entry.key_span,
        devices_span: devices.map(|devices| devices.key_span),
        listed: listed.len(),
        devices: listed.iter().filter_map(|device| wanted(device, device.map()?)).collect(),
    })
}

fn wanted(node: &Node, device: &Map) -> Option<Wanted> {
    let id = |key| spanned(device, key, |id| leaf::id(id).ok());
    let group =
        |group: &Scalar| leaf::integer(group, 0).ok().and_then(|group| u32::try_from(group).ok());
    Some(Wanted {
        address: spanned(device, "pci_address", |address| leaf::address(address).ok())?,
        first: node.span,
        device_type: spanned(device, "device_type", |kind| DeviceType::from_word(&kind.text)),
        vendor_id: id("vendor_id"),
        device_id: id("device_id"),
        iommu_group: spanned(device, "iommu_group", group),
    })
}

/// What a VM without a name is called: `hpc/compute_nodes[0]`.
fn place(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Key(key) if out.is_empty() && &**key == "clusters" => {}
            Step::Key(key) => {
                if !out.is_empty() {
                    out.push('/');
                }
                out.push_str(key);
            }
            Step::Index(index) => {
                out.push('[');
                out.push_str(&index.to_string());
                out.push(']');
            }
        }
    }
    out
}
