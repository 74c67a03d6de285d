//! A snapshot is judged as the host that it was made of.

use super::ALL;
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
        let judged =
            policy::judge(answers, &Config::default(), Some(&host), Policy::default());
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

fn holds(name: &str, host: &FakeHost, text: &str) {
    let mut sources = Sources::default();
    sources.add("example.yaml", text);
    let config = config::load(&sources, &|_| None).unwrap();
    let tree = host.tree();
    let before = said(&Root::memory(tree.clone()).with_stand_ins(), &sources, &config);
    let after = said(&replayed(&tree), &sources, &config);
    assert_eq!(before, after, "{name}");
}

#[test]
fn every_example_is_judged_alike_from_a_snapshot() {
    let mut tried = 0;
    for rule in ALL {
        for scene in [&rule.example.speaks, &rule.example.silent] {
            let Some(host) = scene.host else { continue };
            holds(rule.code, &host(), scene.config);
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried}");
}
