//! AH025 policy-invalid

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule, problem};
use crate::config::{Config, ProblemKind};
use crate::finding::{Answer, Finding, Remedy, Severity};

pub static RULE: Rule = Rule {
    code: "AH025",
    name: "policy-invalid",
    severities: &[Severity::Error],
    summary: "An ignore, or a change of severity, that cannot be understood.",
    why: "Whoever wrote it believes that something is passed over, or is an error. Not understood, it would do nothing, and nothing would say so. An ignore needs a reason: who finds it in a year must know whether it still holds.",
    remedy: "Correct the word, name a rule that there is, or add the reason.",
    since: "0.1.0",
    reads: &["README.md, Exceptions"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - name: a # ai-how: ignore AH008\n    pcie_passthrough: {}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    problem::report(config, ProblemKind::Directive, answer);
    for directive in &config.directives {
        let Some(place) = directive.place else { continue };
        if super::find(&directive.rule).is_some() {
            continue;
        }
        let finding = Finding::new(format!("there is no rule {}", directive.rule)).at(place);
        let meant = super::meant(&directive.rule);
        let hint = meant.map_or_else(
            || "`ai-how rules` lists them all.".to_owned(),
            |word| format!("Did you mean {word}?"),
        );
        answer.find(finding.remedy(Remedy::advice(hint)));
    }
}
