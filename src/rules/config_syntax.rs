//! AH001 config-syntax

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule, problem};
use crate::config::{Config, ProblemKind};
use crate::finding::{Answer, Severity};

pub static RULE: Rule = Rule {
    code: "AH001",
    name: "config-syntax",
    severities: &[Severity::Error],
    summary: "The configuration is not a YAML document.",
    why: "Nothing after the place can be read, so no VM of the file can be judged.",
    remedy: "Mend the text at the place shown: mostly the indentation, a tab, a missing colon or a quote that is not closed.",
    since: "0.1.0",
    reads: &["YAML 1.2.2, https://yaml.org/spec/1.2.2/"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config("compute_nodes:\n  - name: gpu-node-01\n\tpcie_passthrough: {}\n"),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    problem::report(config, ProblemKind::Syntax, answer);
}
