//! AH004 unknown-key

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule, problem};
use crate::config::{Config, ProblemKind};
use crate::finding::{Answer, Severity};

pub static RULE: Rule = Rule {
    code: "AH004",
    name: "unknown-key",
    severities: &[Severity::Error, Severity::Warning],
    summary: "A key that nobody reads.",
    why: "A misspelt key is ignored without a word. Around pcie_passthrough this decides which devices are passed, so there it is an error; elsewhere a warning.",
    remedy: "Correct the spelling, or take the key out.",
    since: "0.1.0",
    reads: &["the configuration's schema, schema/cluster.schema.json"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - name: a\n    pcie_passtrough: {enabled: true}\n    pcie_passthrough: {}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    problem::report(config, ProblemKind::UnknownKey { serious: true }, answer);
}
