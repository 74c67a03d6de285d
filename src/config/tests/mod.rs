//! What the floor promises as a whole: documents and what is said of them.

mod accepted;
mod corpus;
mod decoding;
mod limits;
mod promises;
mod refused;

use super::{Config, Problem, ProblemKind, load};
use crate::source::Sources;

/// The variables of the tests.
fn env(name: &str) -> Option<String> {
    match name {
        "MEM" => Some("8".to_owned()),
        "ON" => Some("true".to_owned()),
        "CARD" => Some("0000:01:00.0".to_owned()),
        "IMAGES" => Some("/var/lib/images".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn one(text: &str) -> (Sources, Config) {
    let mut sources = Sources::default();
    sources.add("cluster.yaml", text);
    let config = load(&sources, &env).expect("it is within the limits");
    (sources, config)
}

/// `line:column kind: message (help)` of each problem.
fn said(text: &str) -> Vec<String> {
    let (sources, config) = one(text);
    config.problems.iter().map(|problem| line(&sources, problem)).collect()
}

fn line(sources: &Sources, problem: &Problem) -> String {
    let at = sources.position(problem.span);
    let Problem { kind, message, help, .. } = problem;
    format!("{}:{} {kind:?}: {message} ({})", at.line, at.column, help.join("; "))
}

/// Whether a problem makes the run `blocked`.
fn refuses(problem: &Problem) -> bool {
    problem.kind != ProblemKind::UnknownKey { serious: false }
}
