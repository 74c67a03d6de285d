//! The order of things decides nothing.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Scene, cases, number, scenes};
use crate::config::reordered;
use crate::finding::Severity;
use crate::host::{Fault, Faults, Root, Step};
use crate::policy::{Judged, Policy, Verdict};

/// Folders are listed in any order, and not twice in the same.
struct AnyOrder {
    seed: u64,
    listed: Cell<u64>,
}

impl Faults for AnyOrder {
    fn strike(&self, _: Step, _: &str) -> Option<Fault> {
        None
    }

    fn shuffle(&self, names: &mut Vec<String>) {
        self.listed.set(self.listed.get() + 1);
        names.sort_by_key(|name| number((self.seed, self.listed.get(), name)));
    }
}

/// What a plan is told, whatever the order in which it is told: every code with the worst that is
/// said under it, and every open check. How often a clash of several VMs is told hangs on who of
/// them comes first.
fn codes(judged: &Judged) -> (Verdict, BTreeMap<&'static str, Severity>, BTreeSet<&'static str>) {
    let mut worst = BTreeMap::new();
    for finding in &judged.findings {
        let severity = worst.entry(finding.code).or_insert(finding.severity);
        *severity = (*severity).max(finding.severity);
    }
    (judged.verdict, worst, judged.undetermined.iter().map(|open| open.code).collect())
}

/// One of so many, again and again.
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut thrown = 0;
    move |below| {
        thrown += 1;
        usize::try_from(number((seed, thrown))).expect("64 bits") % below
    }
}

/// Functions of the sample host, and one that is not there. None twice in a VM: of those the first is
/// judged, and the other is an error (AH020).
fn devices() -> impl Strategy<Value = String> {
    let all = vec![
        "{pci_address: '0000:01:00.0', device_type: gpu, vendor_id: '10de', device_id: '2684'}",
        "{device_type: audio, pci_address: '0000:01:00.1'}",
        "{pci_address: '0000:02:00.0', device_type: storage}",
        "{pci_address: '0000:00:02.0', device_type: gpu, iommu_group: 4}",
        "{pci_address: '0000:00:01.0', device_type: other}",
        "{pci_address: '0000:7f:00.0', device_type: network}",
    ];
    (prop::sample::subsequence(all, 1..4), any::<bool>()).prop_map(|(devices, right)| {
        let devices = devices.join(", ");
        if right { devices } else { devices.replace("audio", "gpu") }
    })
}

fn vm() -> impl Strategy<Value = String> {
    let performance = prop::sample::select(vec![
        "",
        "cpu_pinning: true",
        "enable_hugepages: true",
        "cpu_pinning: true, enable_hugepages: true, hugepage_size: 1G",
    ]);
    let takes = (1u64..40, 1u64..9, performance, any::<bool>());
    (0..9u8, takes, devices()).prop_map(
        |(name, (memory, cores, performance, starts), devices)| {
            format!(
                "{{name: vm-{name}, memory_gb: {memory}, cpu_cores: {cores}, auto_start: {starts}, hardware: {{acceleration: {{performance: {{{performance}}}}}}}, pcie_passthrough: {{enabled: true, devices: [{devices}]}}}}"
            )
        },
    )
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn the_order_of_files_changes_no_word(at in 0..scenes().len(), seed: u64) {
        let scene = &scenes()[at];
        let (_, before) = scene.validate(&Root::memory(scene.tree.clone()));
        let root = Root::memory(scene.tree.clone()).with_faults(AnyOrder { seed, listed: Cell::new(0) });
        let (_, after) = scene.validate(&root);
        prop_assert_eq!(before, after, "{}", scene.name);
    }

    #[test]
    fn the_order_of_keys_vms_and_devices_changes_no_code(
        at in 0..scenes().len(), seed: u64,
    ) {
        let scene = &scenes()[at];
        if let Some(text) = reordered(&scene.text, &mut dice(seed)) {
            same_codes(scene, text)?;
        }
    }

    #[test]
    fn the_order_of_a_plan_of_many_changes_no_code(
        at in 0..scenes().len(), vms in prop::collection::vec(vm(), 1..6), seed: u64,
    ) {
        let of_scene = &scenes()[at];
        let scene = Scene {
            name: of_scene.name.clone(),
            tree: of_scene.tree.clone(),
            text: format!("compute_nodes: [{}]\n", vms.join(", ")),
            policy: Policy::default(),
        };
        let text = reordered(&scene.text, &mut dice(seed));
        let text = text.expect("it is good YAML");
        same_codes(&scene, text)?;
    }
}

fn same_codes(scene: &Scene, text: String) -> Result<(), TestCaseError> {
    let (before, said_before) = scene.validate(&Root::memory(scene.tree.clone()));
    let other = Scene {
        name: scene.name.clone(),
        tree: scene.tree.clone(),
        text,
        policy: scene.policy.clone(),
    };
    let (after, said) = other.validate(&Root::memory(scene.tree.clone()));
    prop_assert_eq!(
        codes(&before),
        codes(&after),
        "{}\n{}\n{}\n{}\n{}",
        scene.name,
        scene.text,
        said_before,
        other.text,
        said
    );
    Ok(())
}

/// Or nothing was tried.
#[test]
fn most_plans_can_be_put_in_another_order() {
    let plans = || scenes().iter().map(|scene| &scene.text);
    let (mut put, mut other) = (0, 0);
    for text in plans() {
        // Always the first of what is left.
        if let Some(text_after) = reordered(text, &mut |_| 0) {
            put += 1;
            let again = reordered(text, &mut |below| below - 1).expect("it was good YAML");
            other += usize::from(text_after != again);
        }
    }
    assert!(put * 10 > plans().count() * 9, "{put}");
    assert!(other > 100, "{other}");
}
