//! The rules of the configuration's text: one finding for each problem met while reading it.

use crate::config::{Config, Problem, ProblemKind};
use crate::finding::{Answer, Finding, Related, Remedy, Severity};

/// Reports the problems of a kind; of unknown keys both the serious and the others.
pub fn report(config: &Config, kind: ProblemKind, answer: &mut Answer) {
    for problem in &config.problems {
        if std::mem::discriminant(&problem.kind) == std::mem::discriminant(&kind) {
            answer.find(finding(config, problem));
        }
    }
}

fn finding(config: &Config, problem: &Problem) -> Finding {
    let severity = match problem.kind {
        ProblemKind::UnknownKey { serious: false } => Severity::Warning,
        _ => Severity::Error,
    };
    let mut finding = Finding::new(&problem.message).severity(severity).at(problem.span);
    finding.vm = problem.vm.as_ref().and_then(|name| config.vm_at(name, problem.span));
    finding.also =
        problem.also.iter().filter_map(|name| config.vm_at(name, problem.span)).collect();
    if let Some(pointer) = problem.pointer.as_ref().filter(|pointer| !pointer.is_empty()) {
        finding = finding.detail(format!("JSON pointer: {pointer}"));
    }
    for help in &problem.help {
        finding = finding.remedy(Remedy::advice(capitalised(help)));
    }
    for (message, place) in &problem.related {
        finding = finding.related(Related::place(message, *place));
    }
    finding
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
