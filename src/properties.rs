//! What holds of whole runs, whatever is wrong with the host or the order of things. How many cases
//! are tried is `PROPTEST_CASES`, where it is set.

mod faults;
mod garbage;
mod order;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use proptest::test_runner::Config as Cases;

use crate::config::{self, Config};
use crate::finding::Severity;
use crate::host::{Asked, Devices, Host, Need, Root, Tree};
use crate::inventory::{self, Filter, Inventory};
use crate::policy::{self, Judged, Policy, Verdict};
use crate::report::html::{self, Report};
use crate::report::inventory::{self as tables, InventoryView};
use crate::report::paint::Paint;
use crate::report::picture::{self, Marks};
use crate::report::sarif::Log;
use crate::report::text::{self, Amount};
use crate::report::view::Validate;
use crate::report::{cards, doctor, junit, nfd, prometheus, script};
use crate::rules::{self, ALL, table};
use crate::source::Sources;

/// A plan, a host for it, and what is said on the command line.
struct Scene {
    name: String,
    tree: Tree,
    text: String,
    policy: Policy,
}

/// A plan as it was read.
struct Plan {
    sources: Sources,
    config: Config,
}

/// As many cases as a run of all tests has time for.
fn cases(usual: u32) -> Cases {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    Cases { cases: asked.unwrap_or(usual), failure_persistence: None, ..Cases::default() }
}

/// A number by chance, the same for the same value.
fn number(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Every example of a rule that has a host, and every host of the table.
fn scenes() -> &'static [Scene] {
    static SCENES: OnceLock<Vec<Scene>> = OnceLock::new();
    SCENES.get_or_init(|| {
        let examples = ALL.iter().flat_map(|rule| {
            // What is no error by itself is one with --strict.
            let strict = rule.worst() != Severity::Error;
            let scenes = [&rule.example.speaks, &rule.example.silent];
            scenes.into_iter().filter_map(move |scene| {
                Some(Scene {
                    name: format!("{} strict {strict}", rule.code),
                    tree: scene.host?().tree(),
                    text: scene.config.to_owned(),
                    policy: Policy { strict, ..Policy::default() },
                })
            })
        });
        let of_table = table::all_cases().into_iter().map(|case| Scene {
            name: case.name.to_owned(),
            tree: case.host.tree(),
            text: case.config,
            policy: Policy::default(),
        });
        examples.chain(of_table).collect()
    })
}

/// Those that the host, and not the plan alone, blocks.
fn blocked() -> &'static [&'static Scene] {
    static BLOCKED: OnceLock<Vec<&'static Scene>> = OnceLock::new();
    BLOCKED.get_or_init(|| {
        let by_host = |scene: &&Scene| {
            let plan = Plan::new(&scene.text);
            let alone = rules::run(&plan.config, None);
            let alone = policy::judge(alone, &plan.config, None, scene.policy.clone());
            let root = Root::memory(scene.tree.clone());
            let whole = scene.judge(&plan, &Host::read(&root, &plan.need()));
            alone.verdict == Verdict::Ready && whole.verdict == Verdict::Blocked
        };
        let blocked: Vec<&Scene> = scenes().iter().filter(by_host).collect();
        assert!(blocked.len() > 150, "only {} are blocked", blocked.len());
        blocked
    })
}

/// All that any reader asks for on any of these hosts.
fn asked() -> &'static [(String, Asked)] {
    static ASKED: OnceLock<Vec<(String, Asked)>> = OnceLock::new();
    ASKED.get_or_init(|| {
        let mut asked = BTreeMap::new();
        for scene in scenes() {
            let root = Root::memory(scene.tree.clone()).recording();
            Host::read(&root, &Plan::new(&scene.text).need());
            asked.extend(root.asked());
        }
        for rule in ALL {
            let Some(host) = rule.example.speaks.host else { continue };
            let root = Root::memory(host().tree()).recording();
            Host::read(&root, &Need::everything());
            asked.extend(root.asked());
        }
        asked.into_iter().collect()
    })
}

impl Plan {
    fn new(text: &str) -> Self {
        let mut sources = Sources::default();
        sources.add("plan.yaml", text);
        let config = config::load(&sources, &|_| None).expect("it is within all limits");
        Self { sources, config }
    }

    /// As `validate` asks.
    fn need(&self) -> Need {
        Need { system: true, ..rules::need(&self.config) }
    }
}

impl Scene {
    fn judge(&self, plan: &Plan, host: &Host) -> Judged {
        let answers = rules::run(&plan.config, Some(host));
        policy::judge(answers, &plan.config, Some(host), self.policy.clone())
    }

    /// `validate` in the formats that carry everything.
    fn validate(&self, root: &Root) -> (Judged, String) {
        let plan = Plan::new(&self.text);
        let host = Host::read(root, &plan.need());
        let judged = self.judge(&plan, &host);
        let Plan { sources, config } = &plan;
        let text = text::validate(&judged, config, sources, Paint::PLAIN, Amount::Verbose);
        let view = Validate::new(&judged, config, Some(&host), sources);
        let json = serde_json::to_value(&view).expect("a report is JSON");
        assert_eq!(json["verdict"], judged.verdict.as_str());
        let told = format!("Verdict: {}", judged.verdict.as_str());
        assert!(text.contains(&told), "{text}");
        (judged, format!("{text}\n{json:#}"))
    }

    /// All commands over one root, in all formats; what `validate` said.
    fn whole_run(&self, root: &Root) -> Judged {
        let (judged, _) = self.validate(root);
        let plan = Plan::new(&self.text);
        let host = Host::read(root, &plan.need());
        let Plan { sources, config } = &plan;
        let sarif = serde_json::to_string(&Log::new(&judged, config, sources));
        sarif.expect("a report is JSON");
        junit::xml(&judged, config, Some(&host));
        prometheus::validate(&judged, config);
        script::scripts(&judged, config, sources, &host);
        let need = Need {
            devices: Devices::All,
            details: true,
            link: true,
            driver_override: true,
            ..Need::default()
        };
        let whole = Host::read(root, &need);
        let inventory = Inventory::new(&whole, &Filter::default());
        let marks = Marks::new(&judged);
        let plan = Some((&judged, config));
        picture::alone(picture::Scene { inventory: Some(&inventory), marks: &marks, plan });
        let report = Report {
            command: "validate",
            host: Some(&host),
            judged: Some((&judged, config, sources)),
            inventory: Some(&inventory),
            ..Report::default()
        };
        html::page(&report);
        look_over(&whole);
        ask_the_host_alone(root);
        judged
    }
}

fn look_over(host: &Host) {
    let inventory = Inventory::new(host, &Filter::default());
    let view = serde_json::to_string(&InventoryView::new(&inventory));
    view.expect("an inventory is JSON");
    tables::csv(&inventory);
    tables::table(&inventory, Paint::PLAIN);
    tables::tree(&inventory, Paint::PLAIN);
    nfd::inventory(&inventory);
    prometheus::inventory(&inventory);
    let of_cards = Inventory::new(host, &Filter::default()).of_cards(host);
    cards::blocks(host, &of_cards, Paint::PLAIN);
    let view = serde_json::to_string(&InventoryView::with_cards(host, &of_cards));
    view.expect("an inventory is JSON");
    let cards = inventory::cards(host, &of_cards);
    let (host, inventory, cards) = (Some(host), Some(&of_cards), cards.as_slice());
    html::page(&Report { command: "inventory gpu", host, inventory, cards, ..Report::default() });
}

fn ask_the_host_alone(root: &Root) {
    let host = Host::read(root, &Need { all_groups: true, system: true, ..Need::default() });
    let (answers, checks) = rules::run_host(&host);
    let judged = policy::judge(answers, &Config::default(), Some(&host), Policy::default());
    doctor::text(&judged, &checks, Paint::PLAIN, Amount::Verbose);
    let view = serde_json::to_string(&doctor::DoctorView::new(&judged, &checks, &host));
    view.expect("a report is JSON");
    nfd::doctor(&judged, &checks);
    prometheus::doctor(&judged, &checks);
}
