//! SARIF 2.1.0, for viewers of code (GitHub, editors).
//!
//! Source: OASIS SARIF 2.1.0. A finding that stands is a `fail`; one that follows from another is
//! `informational`; a check that could not be answered is `open`, as 3.27.9 has it for a rule that
//! had not enough to decide.

mod place;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use self::place::{location, uri};
use super::view::TOOL;
use crate::config::Config;
use crate::finding::{Finding, Ignored, Severity, Undetermined};
use crate::pci::Address;
use crate::policy::Judged;
use crate::rules::{ALL, Rule};
use crate::source::{Sources, Span};

/// One run of the program as a log.
#[derive(Debug, Serialize)]
pub struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Value,
    column_kind: &'static str,
    artifacts: Vec<Value>,
    results: Vec<Result>,
    properties: Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Result {
    rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    kind: &'static str,
    level: &'static str,
    message: Value,
    locations: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Value>,
    partial_fingerprints: Value,
    /// Of every result, or viewers take those without for not asked (3.27.23).
    suppressions: Vec<Value>,
    properties: Map<String, Value>,
}

impl Log {
    pub fn new(judged: &Judged, config: &Config, sources: &Sources) -> Self {
        let mut writer = Writer { config, sources, seen: BTreeMap::new() };
        let mut results: Vec<Result> =
            judged.findings.iter().map(|finding| writer.finding(finding)).collect();
        results.extend(judged.undetermined.iter().map(|open| writer.undetermined(open)));
        let artifacts =
            sources.names().map(|name| json!({"location": {"uri": uri(name)}})).collect();
        Self {
            schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
            version: "2.1.0",
            runs: [Run {
                tool: json!({"driver": {
                    "name": TOOL.name,
                    "version": TOOL.version,
                    "semanticVersion": TOOL.version,
                    "rules": ALL.iter().map(|it| rule(it)).collect::<Vec<_>>(),
                }}),
                // Columns as everywhere else in this program.
                column_kind: "unicodeCodePoints",
                artifacts,
                results,
                properties: json!({"verdict": judged.verdict.as_str()}),
            }],
        }
    }
}

/// Every rule, also one that found nothing.
fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.code,
        "name": pascal(rule.name),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "helpUri": help_uri(rule),
        "help": {"text": format!("{}\n\n{}\n\nSources: {}.", rule.why, rule.remedy, rule.reads.join("; "))},
        "defaultConfiguration": {"level": level(rule.severities[0])},
        "properties": {"name": rule.name, "since": rule.since},
    })
}

/// Where its truth is written down: the first of its sources that has an address, else the
/// kernel's own page on VFIO.
fn help_uri(rule: &Rule) -> String {
    let address = rule.reads.iter().find_map(|source| address(source));
    address.unwrap_or_else(|| "https://docs.kernel.org/driver-api/vfio.html".to_owned())
}

fn address(source: &str) -> Option<String> {
    const TREE: &str = "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree";
    const FOLDERS: [&str; 9] =
        ["Documentation", "arch", "block", "drivers", "fs", "include", "kernel", "net", "virt"];
    let mut words = source.split([' ', ',', ';']);
    if let Some(written) = words.clone().find(|word| word.starts_with("https://")) {
        return Some(written.to_owned());
    }
    let file = words.next()?;
    let page = file.strip_prefix("Documentation/").and_then(|it| it.strip_suffix(".rst"));
    if let Some(page) = page {
        return Some(format!("https://docs.kernel.org/{page}.html"));
    }
    let (folder, _) = file.split_once('/')?;
    FOLDERS.contains(&folder).then(|| format!("{TREE}/{file}"))
}

/// `group-not-viable` as `GroupNotViable`, as 3.49.7 wants a name.
fn pascal(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    name.split('-').map(word).collect()
}

fn level(severity: Severity) -> &'static str {
    severity.as_str()
}

/// Makes results, and remembers what they are known by.
struct Writer<'a> {
    config: &'a Config,
    sources: &'a Sources,
    /// How many results had a fingerprint so far.
    seen: BTreeMap<String, usize>,
}

/// Whom a result is about.
#[derive(Clone, Copy)]
struct About {
    code: &'static str,
    vm: Option<usize>,
    device: Option<Address>,
    group: Option<u32>,
    place: Option<Span>,
}

impl Writer<'_> {
    fn finding(&mut self, finding: &Finding) -> Result {
        let &Finding { code, vm, device, group, place, .. } = finding;
        let about = About { code, vm, device, group, place };
        let mut text = format!("{}.", finding.message);
        for sentence in finding.details.iter().chain(finding.remedies.iter().map(|it| &it.text)) {
            text += " ";
            text += sentence;
        }
        let mut result = self.result(about, &text);
        result.suppressions.extend(self.suppression(finding.ignored.as_ref()));
        if finding.caused_by.is_none() {
            result.kind = "fail";
            result.level = level(finding.severity);
        } else {
            result.kind = "informational";
        }
        if let Some(cause) = finding.caused_by {
            result.properties.insert("causedBy".to_owned(), json!(cause.code));
        }
        let evidence: Vec<Value> = finding
            .evidence
            .iter()
            .map(|read| json!({"path": read.path, "value": read.value}))
            .collect();
        result.properties.insert("evidence".to_owned(), json!(evidence));
        let commands: Vec<&String> = finding.remedies.iter().flat_map(|it| &it.commands).collect();
        result.properties.insert("commands".to_owned(), json!(commands));
        for related in &finding.related {
            let Some(place) = related.place else { continue };
            let mut location = location(self.sources, place);
            location["message"] = json!({"text": related.message});
            result.related_locations.push(location);
        }
        result
    }

    fn undetermined(&mut self, open: &Undetermined) -> Result {
        let &Undetermined { code, vm, device, group, place, .. } = open;
        let about = About { code, vm, device, group, place };
        let mut result =
            self.result(about, &format!("{} could not be told: {}.", open.name, open.reason));
        result.kind = "open";
        result.suppressions.extend(self.suppression(open.ignored.as_ref()));
        result.properties.insert("decides".to_owned(), json!(open.decides()));
        if let Some(needs) = open.needs {
            result.properties.insert("needs".to_owned(), json!(needs));
        }
        result
    }

    fn suppression(&self, ignored: Option<&Ignored>) -> Option<Value> {
        let Ignored { reason, place } = ignored?;
        let mut said = json!({"kind": "external", "status": "accepted", "justification": reason});
        if let Some(place) = place {
            if !self.sources.is_policy(place.file) {
                said["kind"] = json!("inSource");
            }
            said["location"] = location(self.sources, *place);
        }
        Some(said)
    }

    fn result(&mut self, about: About, text: &str) -> Result {
        Result {
            rule_id: about.code,
            rule_index: ALL.iter().position(|rule| rule.code == about.code),
            kind: "fail",
            level: "none",
            message: json!({"text": text}),
            locations: vec![self.location(about)],
            related_locations: Vec::new(),
            suppressions: Vec::new(),
            partial_fingerprints: json!({"aiHow/v1": self.fingerprint(about)}),
            properties: Map::new(),
        }
    }

    /// What is about the host is shown at the first configuration, since viewers demand a file.
    fn location(&self, about: About) -> Value {
        let mut shown = match about.place {
            Some(place) => location(self.sources, place),
            None => self.sources.names().next().map_or_else(
                || json!({}),
                |name| json!({"physicalLocation": {"artifactLocation": {"uri": uri(name)}}}),
            ),
        };
        let mut logical = Vec::new();
        if let Some(vm) = about.vm {
            logical.push(json!({"name": self.config.vms[vm].name, "kind": "resource"}));
        }
        if let Some(device) = about.device {
            logical.push(json!({"name": device.to_string(), "kind": "resource"}));
        }
        if logical.is_empty() && about.place.is_none() {
            logical.push(json!({"name": "host", "kind": "resource"}));
        }
        if !logical.is_empty() {
            shown["logicalLocations"] = json!(logical);
        }
        shown
    }

    /// The same from run to run, wherever in the file the VM has moved to; a second result of the
    /// same subject has a number behind it.
    fn fingerprint(&mut self, about: About) -> String {
        let name = about.vm.map(|vm| {
            let vm = &self.config.vms[vm];
            format!("{}/{}", vm.cluster.as_deref().unwrap_or_default(), vm.name)
        });
        let subject = format!("{}|{name:?}|{:?}|{:?}", about.code, about.device, about.group);
        let hash: String =
            Sha256::digest(subject.as_bytes())[..16].iter().map(|it| format!("{it:02x}")).collect();
        let before = self.seen.entry(hash.clone()).or_default();
        *before += 1;
        format!("{hash}:{before}")
    }
}
