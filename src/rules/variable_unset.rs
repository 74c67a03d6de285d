//! AH006 variable-unset

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule, problem};
use crate::config::{Config, ProblemKind};
use crate::finding::{Answer, Severity};

pub static RULE: Rule = Rule {
    code: "AH006",
    name: "variable-unset",
    severities: &[Severity::Error],
    summary: "A variable of the configuration has no value.",
    why: "A value that depends on the environment is not known, and guessing would judge another configuration.",
    remedy: "Set the variable, or give a default: ${NAME:-default}. A dollar sign itself is written $$.",
    since: "0.1.0",
    reads: &[
        "https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html (2.6.2, parameter expansion)",
    ],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - name: ${AI_HOW_EXAMPLE_WITHOUT_VALUE}\n    pcie_passthrough: {}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    problem::report(config, ProblemKind::Variable, answer);
}
