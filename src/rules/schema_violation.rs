//! AH003 schema-violation

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule, problem};
use crate::config::{Config, ProblemKind};
use crate::finding::{Answer, Severity};

pub static RULE: Rule = Rule {
    code: "AH003",
    name: "schema-violation",
    severities: &[Severity::Error],
    summary: "A value is missing, or is not what its key takes.",
    why: "What cannot be understood cannot be passed to the VM.",
    remedy: "Write what the message says is allowed there; `ai-how schema config` prints all of it, for an editor too.",
    since: "0.1.0",
    reads: &["the configuration's schema, schema/cluster.schema.json"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - name: a\n    cpu_cores: many\n    pcie_passthrough: {}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    problem::report(config, ProblemKind::Schema, answer);
}
