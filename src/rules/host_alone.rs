//! The questions about the host that need no plan, each with its answer.

use super::run::{Answers, Subject};
use super::{ALL, Check, Rule};
use crate::finding::Answer;
use crate::host::{Evidence, Gap, Group, Host};

/// A question about the host alone, and how it was answered.
pub struct Checked {
    pub rule: &'static Rule,
    /// What is so where nothing is found.
    pub good: &'static str,
    /// Whether all is well; none where that could not be told, or was not asked.
    pub answer: Option<bool>,
    pub evidence: Vec<Evidence>,
}

/// Judges the host alone: the rules that need no plan, each with its answer.
pub fn run_host(host: &Host) -> (Answers, Vec<Checked>) {
    let mut answers = Answers::default();
    let mut checks = Vec::new();
    for &rule in ALL {
        let (good, asked): (_, Vec<(Subject, Answer)>) = match rule.check {
            Check::Host(check, good) => {
                let mut answer = Answer::default();
                check(host, &mut answer);
                (good, vec![(Subject::default(), answer)])
            }
            Check::HostGroup(check, good) => {
                let ask = |group: &Group| {
                    let mut answer = Answer::default();
                    check(group, &mut answer);
                    (Subject::group(group.id), answer)
                };
                let groups = &host.iommu.groups;
                let mut all = Answer::default();
                match groups.known() {
                    Ok(_) => all.passed([groups.evidence()]),
                    Err(gap) => all.gap(gap),
                }
                let each = host.groups.values().map(Box::as_ref).map(ask);
                (good, each.chain([(Subject::default(), all)]).collect())
            }
            _ => continue,
        };
        checks.push(Checked::new(rule, good, asked.iter().map(|(_, answer)| answer)));
        for (subject, answer) in asked {
            answers.take(rule, &subject, answer);
        }
    }
    (answers, checks)
}

impl Checked {
    fn new<'a>(
        rule: &'static Rule,
        good: &'static str,
        asked: impl Iterator<Item = &'a Answer>,
    ) -> Self {
        /// A host has hundreds of groups, and what is good of each tells little.
        const MOST_SHOWN: usize = 4;
        let mut checked = Self { rule, good, answer: Some(true), evidence: Vec::new() };
        for answer in asked {
            let open = !answer.gaps.is_empty() || answer.not_judged.is_some();
            checked.answer = match (checked.answer, answer.findings.is_empty()) {
                (_, false) | (Some(false), _) => Some(false),
                (_, true) if open => None,
                (before, true) => before,
            };
            let gap =
                |gap: &Gap| Evidence { path: gap.path.clone(), value: format!("({})", gap.why) };
            checked.evidence.extend(answer.findings.iter().flat_map(|it| it.evidence.clone()));
            checked.evidence.extend(answer.gaps.iter().map(gap));
            checked.evidence.extend(answer.not_judged.clone());
            for evidence in &answer.passed {
                if checked.evidence.len() < MOST_SHOWN && !checked.evidence.contains(evidence) {
                    checked.evidence.push(evidence.clone());
                }
            }
        }
        checked
    }
}
