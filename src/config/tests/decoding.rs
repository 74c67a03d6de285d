//! What comes out: VMs, their names, their devices, and where a problem belongs.

use std::net::Ipv4Addr;

use super::super::document::{CLUSTER_FILE, SHORT_FILE};
use super::super::shape::{MapShape, Shape};
use super::super::{ProblemKind, load};
use super::accepted::FULL;
use super::{env, line, one, said};
use crate::pci::{Address, DeviceType, PciId};
use crate::source::Sources;

#[test]
fn a_full_file_gives_every_vm() {
    let (sources, config) = one(FULL);
    let names: Vec<_> = config.vms.iter().map(|vm| (vm.name.as_str(), vm.named)).collect();
    let places = [
        ("hpc/controller", false),
        ("hpc/compute_nodes[0]", false),
        ("second", true),
        ("cloud/control_plane", false),
        ("cloud/worker_nodes", false),
    ];
    assert_eq!(names, places);
    let vm = &config.vms[1];
    assert_eq!((vm.cluster.as_deref(), vm.auto_start), (Some("hpc"), false));
    assert_eq!(vm.ip.as_ref().unwrap().value, Ipv4Addr::new(192, 168, 100, 11));
    assert_eq!(vm.subnet.as_ref().unwrap().value.prefix, 24);
    let passthrough = vm.passthrough.as_ref().unwrap();
    assert_eq!((passthrough.enabled.as_ref().unwrap().value, passthrough.listed), (true, 2));
    let device = &passthrough.devices[0];
    assert_eq!(device.address.value, Address::new(0, 1, 0, 0));
    assert_eq!(device.device_type.as_ref().unwrap().value, DeviceType::Gpu);
    assert_eq!(device.vendor_id.as_ref().unwrap().value, PciId(0x10de));
    assert_eq!(device.iommu_group.as_ref().unwrap().value, 16);
    assert_eq!(sources.position(device.address.span).line, 28);
    assert_eq!(config.vms[4].count.as_ref().unwrap().value, 3);
    assert!(config.vms[0].ip.is_some() && config.vms[2].ip.is_none() && config.vms[2].auto_start);
}

#[test]
fn what_a_vm_takes_is_its_own_or_its_clusters() {
    let (sources, config) = one(concat!(
        "version: '1.0'\n",
        "clusters:\n",
        "  hpc:\n",
        "    hardware: {acceleration: {performance: {enable_hugepages: true, hugepage_size: 1G}}}\n",
        "    compute_nodes:\n",
        "    - {cpu_cores: 4, memory_gb: 16}\n",
        "    - hardware:\n",
        "        acceleration:\n",
        "          numa_topology: {nodes: 2}\n",
        "          performance: {enable_hugepages: false, hugepage_size: 2M, cpu_pinning: true}\n",
        "    - {memory_gb: lots, hardware: {acceleration: {performance: {enable_hugepages: 7}}}}\n",
    ));
    let [first, second, third] = config.vms.as_slice() else { panic!("three VMs") };
    assert_eq!(first.cpu_cores.as_ref().unwrap().value, 4);
    assert_eq!(first.memory.as_ref().unwrap().value, 16 << 20, "GiB in KiB");
    assert_eq!(sources.position(first.acceleration.hugepages().unwrap()).line, 4);
    assert_eq!(first.acceleration.hugepage_size.as_ref().unwrap().value, 1 << 20);
    assert!(!first.acceleration.is_pinned() && !first.acceleration.spans_nodes());
    assert_eq!(second.acceleration.hugepages(), None);
    assert_eq!(second.acceleration.hugepage_size.as_ref().unwrap().value, 2 << 10);
    assert!(second.acceleration.is_pinned() && second.acceleration.spans_nodes());
    assert!(third.memory.is_none() && third.acceleration.hugepages().is_some());
}

#[test]
fn a_vm_is_delivered_with_what_can_be_read() {
    let (_, config) = one(concat!(
        "compute_nodes:\n",
        "- name: a\n",
        "  memory_gb: lots\n",
        "  pcie_passthrough:\n",
        "    enabled: maybe\n",
        "    devices:\n",
        "    - {pci_address: nonsense, device_type: gpu}\n",
        "    - {pci_address: 0000:01:00.0, device_type: toaster, vendor_id: x, iommu_group: -1}\n",
        "    - {pci_address: 0000:02:00.0, device_type: gpu}\n",
    ));
    let passthrough = config.vms[0].passthrough.as_ref().unwrap();
    assert!(passthrough.enabled.is_none());
    assert_eq!((passthrough.listed, passthrough.devices.len()), (3, 2));
    assert!(
        passthrough.devices[0].device_type.is_none() && passthrough.devices[0].vendor_id.is_none()
    );
    assert_eq!(config.problems.len(), 6);
    assert!(config.problems.iter().all(|problem| problem.vm.as_deref() == Some("a")));
    assert_eq!(config.problems[0].pointer.as_deref(), Some("/compute_nodes/0/memory_gb"));
    let kinds: Vec<_> = config.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds[2], ProblemKind::Address);
}

#[test]
fn groups_and_short_files_are_named_by_their_place() {
    let name = |text| one(text).1.vms[0].name.clone();
    assert_eq!(name("compute_nodes: [{pcie_passthrough: {}}]"), "compute_nodes[0]");
    assert_eq!(name("compute_nodes: {count: 2, pcie_passthrough: {}}"), "compute_nodes");
    assert_eq!(name("compute_nodes: {count: 2, name: gpu, pcie_passthrough: {}}"), "gpu");
    assert_eq!(
        name("version: '1.0'\nclusters: {cloud: {worker_nodes: {cpu_cores: 2}}}"),
        "cloud/worker_nodes"
    );
}

#[test]
fn several_missing_keys_are_several_problems() {
    let said = said(
        "version: '1.0'\nclusters:\n  hpc:\n    compute_nodes:\n    - name: a\n      ip: DHCP\n",
    );
    assert_eq!(said.len(), 3);
    assert!(said.iter().all(|said| said.starts_with("5:7 Schema")), "{said:?}");
}

#[test]
fn columns_count_characters_after_a_byte_order_mark_and_crlf() {
    let said = said(
        "\u{feff}compute_nodes:\r\n- name: \"ééé\"\r\n  pcie_passthrough: {é: 1, \"enabled\": \"no\"}\r\n",
    );
    assert!(said[0].starts_with("3:22 UnknownKey"), "{said:?}");
    assert!(said[1].starts_with("3:39 Schema"), "{said:?}");
    assert!(self::said("\u{feff}colour: 1\r\n")[0].starts_with("1:1 "));
}

#[test]
fn a_duplicate_key_tells_both_places() {
    let (sources, config) =
        one("compute_nodes:\n- name: a\n  pcie_passthrough: {enabled: true, enabled: false}\n");
    let problem = &config.problems[0];
    assert_eq!(problem.pointer.as_deref(), Some("/compute_nodes/0/pcie_passthrough/enabled"));
    assert_eq!(problem.vm.as_deref(), Some("a"));
    assert_eq!(sources.position(problem.related[0].1).column, 22);
    assert!(config.vms[0].passthrough.as_ref().unwrap().enabled.as_ref().unwrap().value);
}

#[test]
fn own_keys_win_over_merged_ones_and_earlier_maps_over_later() {
    let (_, config) = one(concat!(
        "global: {a: &a {name: from-a, pcie_passthrough: {}, auto_start: false}, b: &b {name: from-b, ip: 10.0.0.1}}\n",
        "compute_nodes:\n- {name: own, <<: [*a, *b]}\n- <<: [*a, *b]\n- <<: {<<: *b, pcie_passthrough: {}}\n",
    ));
    assert!(config.problems.is_empty(), "{:?}", config.problems);
    let names: Vec<_> = config.vms.iter().map(|vm| vm.name.as_str()).collect();
    assert_eq!(names, ["own", "from-a", "from-b"]);
    assert!(!config.vms[1].auto_start && config.vms[1].ip.is_some());
}

#[test]
fn what_an_alias_repeats_is_told_once_with_every_vm() {
    let (_, config) = one(concat!(
        "compute_nodes:\n",
        "- {name: a, pcie_passthrough: &p {enabled: true, devices: [{pci_address: x, device_type: gpu}]}}\n",
        "- {name: b, pcie_passthrough: *p}\n",
        "- {name: c, pcie_passthrough: *p}\n",
    ));
    let [problem] = &config.problems[..] else { panic!("{:?}", config.problems) };
    assert_eq!(
        (problem.vm.as_deref(), &problem.also[..]),
        (Some("a"), &["b".to_owned(), "c".to_owned()][..])
    );
}

#[test]
fn variables_are_typed_like_plain_text() {
    let (_, config) = one(
        "compute_nodes:\n- name: $$x\n  memory_gb: ${MEM}\n  auto_start: ${OFF:-false}\n  pcie_passthrough:\n    enabled: ${ON}\n    devices:\n    - pci_address: ${CARD}\n      device_type: gpu\n      vendor_id: ${EMPTY}\n",
    );
    assert!(config.problems.is_empty(), "{:?}", config.problems);
    let vm = &config.vms[0];
    assert_eq!((vm.name.as_str(), vm.auto_start), ("$x", false));
    assert_eq!(vm.passthrough.as_ref().unwrap().devices.len(), 1);
}

#[test]
fn a_broken_file_hides_nothing_of_another() {
    let mut sources = Sources::default();
    sources.add("a.yaml", "compute_nodes: [\n");
    sources.add("b.yaml", "compute_nodes: [{name: a}]\n");
    let config = load(&sources, &env).unwrap();
    assert_eq!(config.vms.len(), 1);
    let files: Vec<_> = config.problems.iter().map(|problem| problem.span.file).collect();
    assert_eq!(
        files,
        [0, 1],
        "{:?}",
        config.problems.iter().map(|p| line(&sources, p)).collect::<Vec<_>>()
    );
    assert_eq!(config.problems[0].pointer, None);
}

#[test]
fn ignored_keys_say_whether_they_matter() {
    let serious =
        |text| one(text).1.problems.iter().map(|problem| problem.kind).collect::<Vec<_>>();
    let unknown = |serious| vec![ProblemKind::UnknownKey { serious }];
    assert_eq!(serious("compute_nodes: []\nmetadata: {owner: me}\n"), unknown(false));
    assert_eq!(
        serious("compute_nodes: []\nmetadata: {owner: {pcie_passthrough: }}\n"),
        unknown(true)
    );
}

/// The keys that the decoding asks for; the compiler cannot hold them against the description.
#[test]
fn every_key_that_is_read_is_described() {
    fn keys(map: &'static MapShape, out: &mut Vec<&'static str>) {
        for field in map.all() {
            out.push(field.key);
            match field.shape {
                Shape::Map(map) | Shape::List(&Shape::Map(map)) => keys(map, out),
                Shape::Nodes { vm, group } => {
                    keys(vm, out);
                    keys(group, out);
                }
                _ => {}
            }
        }
    }
    let mut known = Vec::new();
    keys(&CLUSTER_FILE, &mut known);
    keys(&SHORT_FILE, &mut known);
    let code = concat!(include_str!("../decode.rs"), include_str!("../walk.rs"));
    let code: String = code.split_whitespace().collect();
    let mut read = 0;
    for asked in [
        "get(",
        "entry(",
        "spanned(map,",
        "spanned(inner,",
        "spanned(device,",
        "spanned(network,",
        "ip(",
        "id(",
    ] {
        let asked = format!("{asked}\"");
        for (at, _) in code.match_indices(&asked) {
            let key = code[at + asked.len()..].split('"').next().unwrap();
            assert!(known.contains(&key), "{key}");
            read += 1;
        }
    }
    assert!(read >= 17, "{read}");
}
