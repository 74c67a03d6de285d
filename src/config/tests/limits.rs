//! Texts made to cost much.

use super::super::{LimitError, load};
use super::one;
use crate::source::Sources;

fn limit(text: &str) -> LimitError {
    let mut sources = Sources::default();
    sources.add("cluster.yaml", text);
    load(&sources, &|_| Some("x".repeat(1 << 20))).expect_err("it is past a limit")
}

#[test]
fn nesting_is_held_to_its_limit() {
    for open in ["- ", "[", "{", "? ", "{a: ", "[{a: "] {
        assert!(matches!(limit(&open.repeat(50_000)), LimitError::Depth { .. }), "{open}");
    }
    let steps: Vec<_> = (0..100).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(matches!(limit(&steps.concat()), LimitError::Depth { .. }));
    let deep = format!("compute_nodes: []\nglobal: {}{}\n", "[".repeat(62), "]".repeat(62));
    assert!(one(&deep).1.problems.is_empty());
}

#[test]
fn aliases_are_counted_at_each_use() {
    let level = |level: usize| {
        let below = format!("*a{}, ", level - 1).repeat(9);
        format!("a{level}: &a{level} [{below}]\n")
    };
    let levels: String = (1..30).map(level).collect();
    let bomb = format!("a0: &a0 [x, x, x, x, x, x, x, x, x]\n{levels}");
    assert!(matches!(limit(&bomb), LimitError::Aliased { .. }));
}

#[test]
fn aliases_deepen_what_holds_them() {
    let (open, close) = ("[".repeat(40), "]".repeat(40));
    let ladder = format!("a0: &a0 {open}x{close}\na1: {open}*a0{close}\n");
    assert!(matches!(limit(&ladder), LimitError::Depth { .. }));
}

#[test]
fn variables_cannot_fill_the_memory() {
    let text = "- \"${BIG}\"\n".repeat(1000);
    assert!(matches!(limit(&text), LimitError::Variables { .. }));
}

#[test]
fn devices_and_problems_are_counted() {
    let device = "{pci_address: 0000:01:00.0, device_type: gpu},".repeat(65_537);
    let text = format!("compute_nodes: [{{name: a, pcie_passthrough: {{devices: [{device}]}}}}]");
    assert!(matches!(limit(&text), LimitError::Devices { .. }));
    let text = format!("compute_nodes: [{}]", "a,".repeat(100_001));
    assert!(matches!(limit(&text), LimitError::Problems { .. }));
}

#[test]
fn ten_thousand_vms_are_within_every_limit() {
    let vm = |vm: usize| {
        let device = |function, kind| {
            format!(
                "{{pci_address: {vm:08x}:01:00.{function}, device_type: {kind}, vendor_id: 10de}}"
            )
        };
        let devices = [device(0, "gpu"), device(1, "audio")].join(", ");
        format!(
            "- {{name: n{vm}, cpu_cores: 8, memory_gb: 64, disk_gb: 200, ip: DHCP, \
             pcie_passthrough: {{enabled: true, devices: [{devices}]}}}}\n"
        )
    };
    let vms: String = (0..10_000).map(vm).collect();
    let text = format!(
        "version: '1.0'\nclusters:\n hpc:\n  compute_nodes:\n  {}",
        vms.replace('\n', "\n  ")
    );
    let config = one(&text).1;
    assert_eq!((config.vms.len(), config.problems.len()), (10_000, 0));
}

#[test]
fn a_limit_names_its_file() {
    assert_eq!(
        limit(&"[".repeat(100)).to_string(),
        "cluster.yaml: lists and maps are nested deeper than 64 levels"
    );
}
