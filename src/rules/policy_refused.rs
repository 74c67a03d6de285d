//! AH026 policy-refused

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, LENIENT, Rule};
use crate::config::{Action, Config};
use crate::finding::{Answer, Finding, Remedy, Severity};

pub static RULE: Rule = Rule {
    code: "AH026",
    name: "policy-refused",
    severities: &[Severity::Error],
    summary: "An ignore of an error that nobody can pass over.",
    why: "A device that is not there, or a host without an IOMMU, does not change because it is ignored: the VM still does not start. Only where a person can know better than the rule may he say so. Whoever wrote this expects a ready that there cannot be, so it is an error by itself.",
    remedy: "Take it out, and mend what is found.",
    since: "0.1.0",
    reads: &["README.md, Exceptions"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - name: a # ai-how: ignore AH105 the firmware is set up next week\n    pcie_passthrough: {}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    for directive in &config.directives {
        let (Some(rule), Some(place)) = (super::find(&directive.rule), directive.place) else {
            continue;
        };
        if directive.action == Action::Error || !rule.is_firm() {
            continue;
        }
        let asked = if directive.action == Action::Warn { "made a warning" } else { "ignored" };
        let message = format!("{} {} cannot be {asked}", rule.code, rule.name);
        answer.find(
            Finding::new(message)
                .detail(format!("Of errors only {LENIENT} can be ignored or made warnings."))
                .at(place)
                .remedy(Remedy::advice("Take it out, and mend what is found.")),
        );
    }
}
