//! AH027 ignore-unused

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule};
use crate::config::Directive;
use crate::finding::{Answer, Finding, Remedy, Severity};

pub static RULE: Rule = Rule {
    code: "AH027",
    name: "ignore-unused",
    severities: &[Severity::Note],
    summary: "An ignore that ignores nothing.",
    why: "What it was written for is no longer found. Left standing, it would pass over the same trouble when it comes back, and nobody would look.",
    remedy: "Take it out, or correct what it names.",
    since: "0.1.0",
    reads: &["README.md, Exceptions"],
    check: Check::Unused(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - name: a # ai-how: ignore AH008 its devices come in May\n    pcie_passthrough: {}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(ignore: &Directive, answer: &mut Answer) {
    let flag = if ignore.place.is_none() { "--" } else { "" };
    let message = format!("`{flag}ignore {}` ignores nothing", ignore.rule);
    let finding = Finding::new(message).severity(Severity::Note);
    let finding = finding.remedy(Remedy::advice("Take it out, or correct what it names."));
    answer.find(match ignore.place {
        Some(place) => finding.at(place),
        None => finding,
    });
}
