//! The program and the published schema, held together on accepted and refused documents.

use std::env;

use serde_json::{Map, Number, Value};

use super::super::limits::Spent;
use super::super::yaml::{Kind, Node, Scalar, read};
use super::super::{policy_schema, schema};
use super::accepted::ACCEPTED;
use super::refused::REFUSED;
use super::{line, one, refuses};
use crate::source::Sources;

/// What the JSON Schema says of a document that the program judges otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    Agrees,
    /// The schema takes it, or an editor cannot know: for this reason.
    Differs(&'static str),
}

/// A document, whole or in the place for which a frame is written around it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Doc {
    Whole(&'static str),
    /// The keys of the one device of a short file, in the braces of line 6.
    Device(&'static str),
    /// The keys of `pcie_passthrough`, in the braces of line 3.
    Passthrough(&'static str),
    /// The keys of the one VM of a cluster file, in the braces of line 5.
    Vm(&'static str),
    /// The keys of the hpc cluster, in the braces of line 3.
    Hpc(&'static str),
}

impl Doc {
    pub(super) fn text(self) -> String {
        match self {
            Self::Whole(text) => text.to_owned(),
            Self::Device(keys) => format!(
                "compute_nodes:\n- name: a\n  pcie_passthrough:\n    enabled: true\n    devices:\n    - {{{keys}}}\n"
            ),
            Self::Passthrough(keys) => {
                format!("compute_nodes:\n- name: a\n  pcie_passthrough: {{{keys}}}\n")
            }
            Self::Vm(keys) => {
                format!("version: '1.0'\nclusters:\n  hpc:\n    compute_nodes:\n    - {{{keys}}}\n")
            }
            Self::Hpc(keys) => format!("version: '1.0'\nclusters:\n  hpc: {{{keys}}}\n"),
        }
    }
}

#[test]
fn accepted_documents_have_no_problem_and_follow_the_schema() {
    assert!(ACCEPTED.len() >= 40);
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut failures = Vec::new();
    for &(what, doc, agrees) in ACCEPTED {
        let text = doc.text();
        let (sources, config) = one(&text);
        for problem in config.problems.iter().filter(|problem| refuses(problem)) {
            failures.push(format!("{what}: {}\n{text}", line(&sources, problem)));
        }
        let valid = json(&text).is_some_and(|json| validator.is_valid(&json));
        if valid != (agrees == Schema::Agrees) {
            failures.push(format!("{what}: valid for the schema: {valid}\n{text}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn refused_documents_have_one_problem_at_its_place_and_break_the_schema() {
    assert!(REFUSED.len() >= 60);
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut failures = Vec::new();
    for &(what, doc, place, words, agrees) in REFUSED {
        let text = doc.text();
        let (sources, config) = one(&text);
        let said: Vec<_> = config.problems.iter().map(|problem| line(&sources, problem)).collect();
        let good = matches!(&said[..], [said] if said.starts_with(&format!("{place} ")) && said.contains(words));
        if !good || !config.problems.iter().any(refuses) {
            failures.push(format!("{what}: {place} {words:?} is expected, not {said:#?}\n{text}"));
        }
        let valid = json(&text).is_some_and(|json| validator.is_valid(&json));
        if valid == (agrees == Schema::Agrees) {
            failures.push(format!("{what}: valid for the schema: {valid}\n{text}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test holds a file against what it is made from")]
fn the_published_schema_is_the_description() {
    for (made, file) in [(schema(), "cluster.schema.json"), (policy_schema(), "policy.schema.json")]
    {
        jsonschema::meta::validate(&made).unwrap();
        let made = serde_json::to_string_pretty(&made).unwrap() + "\n";
        let file = format!("{}/schema/{file}", env!("CARGO_MANIFEST_DIR"));
        if env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &made).unwrap();
        }
        assert!(std::fs::read_to_string(&file).unwrap() == made, "run the tests with UPDATE=1");
    }
}

/// A document as an editor sees it: typed by YAML 1.2's core schema, variables as they stand.
fn json(text: &str) -> Option<Value> {
    let mut sources = Sources::default();
    let file = sources.add("cluster.yaml", text);
    let as_written = |name: &str| Some(format!("${{{name}}}"));
    let root = read(file, sources.get(file), &as_written, &mut Spent::default()).ok()?;
    root.map_or(Some(Value::Null), |root| value(&root))
}

fn value(node: &Node) -> Option<Value> {
    let mut faults = 0;
    node.own_faults(&mut |_| faults += 1);
    if faults > 0 {
        return None;
    }
    match &node.kind {
        Kind::Unknown => None,
        Kind::Scalar(scalar) => Some(typed(scalar)),
        Kind::List(list) => list.iter().map(|node| value(node)).collect(),
        Kind::Map(map) => {
            let entry = |entry: &super::super::yaml::Entry| {
                Some((entry.key.to_string(), value(&entry.value)?))
            };
            map.entries.iter().map(entry).collect::<Option<Map<_, _>>>().map(Value::Object)
        }
    }
}

fn typed(scalar: &Scalar) -> Value {
    let text = &*scalar.text;
    if !scalar.plain {
        return text.into();
    }
    let radix = |prefix, radix| {
        text.strip_prefix(prefix).and_then(|digits| u64::from_str_radix(digits, radix).ok())
    };
    let number = || {
        let numeric = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        let whole = text.parse::<i64>().ok().map(Number::from);
        let float = || text.parse::<f64>().ok().filter(|_| numeric).and_then(Number::from_f64);
        radix("0x", 16).or_else(|| radix("0o", 8)).map(Number::from).or(whole).or_else(float)
    };
    match text {
        _ if scalar.is_null() => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => number().map_or_else(|| text.into(), Value::Number),
    }
}
