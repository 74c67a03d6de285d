//! A snapshot is judged as the host that it was made of.

use super::tests::faults;
use super::{ALL, example, table};
use crate::config::{self, Config};
use crate::host::fake::FakeHost;
use crate::host::snapshot::{Made, Replay, take};
use crate::host::{Devices, Host, Need, Root, Tree};
use crate::inventory::{Filter, Inventory};
use crate::policy::{self, Policy};
use crate::report::inventory::InventoryView;
use crate::report::paint::Paint;
use crate::report::text::{self, Amount};
use crate::source::Sources;

const TIME: &str = "2026-01-01T00:00:00Z";

/// All that is said of a host: of the plan, of the host alone, and the inventory.
fn said(root: &Root, sources: &Sources, config: &Config) -> String {
    let judged = |need: &Need, config: &Config| {
        let host = Host::read(root, need);
        let answers = super::run(config, Some(&host));
        let judged = policy::judge(answers, config, Some(&host), Policy::default());
        text::validate(&judged, config, sources, Paint::PLAIN, Amount::Verbose)
    };
    let plan = judged(&super::need(config), config);
    let alone = {
        let host = Host::read(root, &Need { all_groups: true, ..Need::default() });
        let (answers, checks) = super::run_host(&host);
        let judged = policy::judge(answers, &Config::default(), Some(&host), Policy::default());
        crate::report::doctor::text(&judged, &checks, Paint::PLAIN, Amount::Verbose)
    };
    let need = Need { devices: Devices::All, details: true, link: true, ..Need::default() };
    let host = Host::read(root, &need);
    let inventory = Inventory::new(&host, &Filter::default()).of_cards(&host);
    let devices = InventoryView::with_cards(&host, &inventory);
    format!("{plan}\n{alone}\n{}", serde_json::to_string_pretty(&devices).unwrap())
}

pub(super) fn replayed(tree: &Tree) -> Root {
    let made = Made { time: TIME.to_owned(), driver_override: false };
    let packed = take(Root::memory(tree.clone()), &made).unwrap();
    let replay = Replay::read(packed.archive.as_slice(), "snapshot".as_ref());
    Root::replaying(replay.unwrap())
}

fn holds(name: &str, tree: &Tree, text: &str) {
    let mut sources = Sources::default();
    sources.add("example.yaml", text);
    let config = config::load(&sources, &|_| None).unwrap();
    let before = said(&Root::memory(tree.clone()).with_stand_ins(), &sources, &config);
    let after = said(&replayed(tree), &sources, &config);
    assert_eq!(before, after, "{name}");
}

#[test]
fn every_example_is_judged_alike_from_a_snapshot() {
    let mut tried = 0;
    for rule in ALL {
        for scene in [&rule.example.speaks, &rule.example.silent] {
            let Some(host) = scene.host else { continue };
            holds(rule.code, &host().tree(), scene.config);
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried}");
}

#[test]
fn every_host_of_the_table_is_judged_alike_from_a_snapshot() {
    for case in table::all_cases() {
        holds(case.name, &case.host.tree(), &case.config);
    }
}

/// Stand-ins change no judgement.
#[test]
fn every_host_of_the_table_is_judged_alike_with_stand_ins() {
    for case in table::all_cases() {
        let mut sources = Sources::default();
        sources.add("example.yaml", &case.config);
        let config = config::load(&sources, &|_| None).unwrap();
        let codes = |root: Root| {
            let host = Host::read(&root, &super::need(&config));
            let answers = super::run(&config, Some(&host));
            let judged = policy::judge(answers, &config, Some(&host), Policy::default());
            let open = judged.undetermined.iter().map(|open| (open.code, open.decides()));
            let found = judged.findings.iter().map(|it| (it.code, it.severity));
            (found.collect::<Vec<_>>(), open.collect::<Vec<_>>(), judged.verdict)
        };
        let tree = case.host.tree();
        let plain = codes(Root::memory(tree.clone()));
        assert_eq!(plain, codes(Root::memory(tree).with_stand_ins()), "{}", case.name);
    }
}

/// What could not be read is unknown from a snapshot too, and for the same reason.
#[test]
fn what_is_unknown_stays_unknown_for_its_reason() {
    let hosts = [FakeHost::gpu_held_by_nvidia(), FakeHost::workstation()];
    let mut tried = 0;
    for host in hosts {
        let tree = host.tree();
        let root = Root::memory(tree.clone()).recording();
        Host::read(&root, &Need::everything());
        // Of the many attributes of devices those of the wanted one tell as much as all.
        let of_others = |path: &str| path.contains("/0000:") && !path.contains("0000:01:00.0");
        for (path, asked) in root.asked().into_iter().filter(|(path, _)| !of_others(path)) {
            for (fault, broken) in faults(&tree, &path, asked) {
                if matches!(fault, "unreadable" | "malformed") {
                    holds(&format!("{path} {fault}"), &broken, example::ONE_GPU);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 200, "{tried}");
}
