//! AH002 duplicate-key

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule, problem};
use crate::config::{Config, ProblemKind};
use crate::finding::{Answer, Severity};

pub static RULE: Rule = Rule {
    code: "AH002",
    name: "duplicate-key",
    severities: &[Severity::Error],
    summary: "A mapping has the same key twice.",
    why: "Readers of YAML differ in which of the two they take, so the VM that starts may not be the one that was checked.",
    remedy: "Keep one of the two.",
    since: "0.1.0",
    reads: &["YAML 1.2.2, https://yaml.org/spec/1.2.2/ (3.2.1.3, keys are unique)"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - name: a\n    name: b\n    pcie_passthrough: {}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    problem::report(config, ProblemKind::DuplicateKey, answer);
}
