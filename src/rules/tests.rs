//! What every rule promises, whoever adds it.

#![expect(clippy::disallowed_methods, reason = "the rules' own files are listed")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::example::Scene;
use super::{ALL, Rule};
use crate::config::{self, Config};
use crate::finding::Severity;
use crate::host::{Asked, Host, Root, Tree, Why};
use crate::policy::{self, Judged, Policy, Verdict};
use crate::source::Sources;

fn load(text: &str) -> Config {
    let mut sources = Sources::default();
    sources.add("example.yaml", text);
    config::load(&sources, &|_| None).expect("an example is within all limits")
}

/// The verdict on a tree, and what was asked of it.
fn judge(config: &Config, tree: Tree) -> (Judged, BTreeMap<String, Asked>) {
    judge_by(config, tree, Policy::default())
}

pub(super) fn judge_by(
    config: &Config,
    tree: Tree,
    policy: Policy,
) -> (Judged, BTreeMap<String, Asked>) {
    let root = Root::memory(tree).recording();
    let host = Host::read(&root, &super::need(config));
    let judged = policy::judge(super::run(config, Some(&host)), config, Some(&host), policy);
    (judged, root.asked())
}

fn judge_scene(scene: &Scene) -> Judged {
    let config = load(scene.config);
    match scene.host {
        Some(host) => judge(&config, host().tree()).0,
        None => policy::judge(super::run(&config, None), &config, None, Policy::default()),
    }
}

fn speaks(rule: &Rule, judged: &Judged) -> bool {
    judged.findings.iter().any(|finding| finding.code == rule.code)
}

#[test]
fn every_rule_speaks_on_its_example_and_is_silent_on_the_other() {
    for rule in ALL {
        let said = judge_scene(&rule.example.speaks);
        assert!(speaks(rule, &said), "{} is silent on its own example: {said:#?}", rule.code);
        let finding = said.findings.iter().find(|finding| finding.code == rule.code).unwrap();
        assert!(
            rule.severities.contains(&finding.severity),
            "{}: {:?}",
            rule.code,
            finding.severity
        );
        let quiet = judge_scene(&rule.example.silent);
        assert!(
            !speaks(rule, &quiet),
            "{} speaks where it should be silent: {quiet:#?}",
            rule.code
        );
        assert!(quiet.undetermined.is_empty(), "{}: {quiet:#?}", rule.code);
    }
}

#[test]
fn codes_and_names_are_sound_and_stand_in_their_files() {
    let codes: Vec<_> = ALL.iter().map(|rule| rule.code).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "by code, none twice: {codes:?}");
    let mut files: Vec<String> =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .filter(|path| std::fs::read_to_string(path).unwrap().starts_with("//! AH"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
    files.sort();
    let mut names: Vec<String> = ALL.iter().map(|rule| rule.name.replace('-', "_")).collect();
    names.sort();
    assert_eq!(files, names, "every rule file is in ALL, and every rule in a file of its name");
    for rule in ALL {
        let file =
            format!("{}/src/rules/{}.rs", env!("CARGO_MANIFEST_DIR"), rule.name.replace('-', "_"));
        let first = std::fs::read_to_string(file).unwrap();
        assert!(first.starts_with(&format!("//! {} {}\n", rule.code, rule.name)), "{}", rule.code);
        assert!(!rule.reads.is_empty() && !rule.severities.is_empty(), "{}", rule.code);
        for text in [rule.summary, rule.why, rule.remedy] {
            assert!(text.ends_with('.'), "{}: {text:?} is no sentence", rule.code);
        }
    }
}

#[test]
fn messages_are_one_sentence_without_a_full_stop() {
    for rule in ALL {
        for finding in judge_scene(&rule.example.speaks).findings {
            assert!(
                !finding.message.ends_with('.') && !finding.message.contains('\n'),
                "{}",
                finding.message
            );
            for text in
                finding.details.iter().chain(finding.remedies.iter().map(|remedy| &remedy.text))
            {
                assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
            }
        }
    }
}

/// The fault matrix: on a host where a rule speaks, each fact that was asked for is made
/// unreadable, malformed, or not captured. The verdict is never `ready` from that; it stays
/// `blocked` where other facts prove the same, and is `undetermined` otherwise.
#[test]
fn no_missing_fact_turns_an_error_into_a_pass() {
    // Nothing takes as long in the tests, so that it has all processors.
    let next = AtomicUsize::new(0);
    let worker = || {
        let rules = std::iter::from_fn(|| ALL.get(next.fetch_add(1, Ordering::Relaxed)));
        rules.map(|rule| break_each_fact(rule)).sum::<usize>()
    };
    let tried: usize = thread::scope(|scope| {
        let workers: Vec<_> = (0..processors()).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert!(tried > 1000, "the matrix has only {tried} cases");
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Tells how many cases there were.
fn break_each_fact(rule: &Rule) -> usize {
    let mut tried = 0;
    let Some(host) = rule.example.speaks.host else { return 0 };
    let config = load(rule.example.speaks.config);
    let tree = host().tree();
    // What is no error by itself is one with --strict, and so is what hides it.
    let policy = Policy { strict: rule.worst() != Severity::Error, ..Policy::default() };
    let judge = |tree| judge_by(&config, tree, policy.clone());
    let (judged, asked) = judge(tree.clone());
    // What is only advice blocks nothing: it is still given, or an open check.
    let is_told = |judged: &Judged| match rule.worst() {
        Severity::Note => {
            let open = judged.undetermined.iter().any(|open| open.code == rule.code);
            speaks(rule, judged) || open || judged.verdict != Verdict::Ready
        }
        _ => judged.verdict != Verdict::Ready,
    };
    assert!(rule.worst() == Severity::Note || judged.verdict == Verdict::Blocked, "{}", rule.code);
    for (path, asked) in asked {
        for (fault, broken) in faults(&tree, &path, asked) {
            let (after, _) = judge(broken);
            assert!(is_told(&after), "{}: {path} {fault}: {after:#?}", rule.code);
            tried += 1;
        }
    }
    tried
}

/// The same on a host where all is well: a fact that is lost may leave the verdict `ready` only
/// where the verdict does not stand on it.
#[test]
fn what_a_pass_stands_on_is_known() {
    let config = load(super::example::ONE_GPU);
    let tree = crate::host::fake::FakeHost::workstation().tree();
    let (judged, asked) = judge(&config, tree.clone());
    assert_eq!(judged.verdict, Verdict::Ready, "{judged:#?}");
    let mut decisive = Vec::new();
    for (path, asked) in asked {
        for (fault, broken) in faults(&tree, &path, asked) {
            if judge(&config, broken).0.verdict == Verdict::Ready {
                continue;
            }
            decisive.push(format!("{path} {fault}"));
        }
    }
    for needed in [
        "/dev/kvm unreadable",
        "/sys/class/iommu unreadable",
        "/sys/kernel/iommu_groups unreadable",
        "/sys/bus/pci/drivers/vfio-pci unreadable",
        "/sys/bus/pci/devices/0000:01:00.0/iommu_group unreadable",
        "/sys/bus/pci/devices/0000:01:00.0/iommu_group malformed",
        "/sys/kernel/iommu_groups not captured",
    ] {
        assert!(
            decisive.iter().any(|it| it == needed),
            "a pass without {needed}; decisive are {decisive:#?}"
        );
    }
}

/// The path, or the first folder on the way to it that is not there: a fault below it would bring
/// that folder into being.
fn where_it_ends(tree: &Tree, path: &str) -> String {
    let parts = path.match_indices('/').skip(1).map(|(at, _)| &path[..at]);
    let missing =
        parts.into_iter().find(|folder| tree.entries().all(|(entry, _)| entry != *folder));
    missing.unwrap_or(path).to_owned()
}

pub(super) fn faults(tree: &Tree, path: &str, asked: Asked) -> Vec<(&'static str, Tree)> {
    let broken = |change: &dyn Fn(&mut Tree)| {
        let mut tree = tree.clone();
        change(&mut tree);
        tree
    };
    // Where the path leads through links, the fault is put where it ends.
    let path = &where_it_ends(tree, &Root::memory(tree.clone()).real_path(path));
    let garbage = b"\xff\0 rubbish \x1b[31m\n".to_vec();
    vec![
        ("unreadable", broken(&|tree| tree.unknown(path, Why::Denied))),
        (
            "failing",
            broken(&|tree| tree.unknown(path, Why::Failed { error: "Input/output error".into() })),
        ),
        ("not captured", broken(&|tree| tree.unknown(path, Why::NotCaptured))),
        ("vanished", broken(&|tree| tree.unknown(path, Why::Vanished))),
        (
            "malformed",
            broken(&|tree| {
                tree.remove(path);
                match asked {
                    Asked::Exists | Asked::Node => tree.folder(path),
                    Asked::Text | Asked::Link | Asked::Listing | Asked::Folder => {
                        tree.file(path, garbage.clone());
                    }
                }
            }),
        ),
    ]
}
