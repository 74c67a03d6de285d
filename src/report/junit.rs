//! `JUnit` XML, for the test views of CI systems: a VM is a suite, a rule is a case.
//!
//! A case fails with an error, is skipped where it could not be told or follows from another
//! finding, and passes with warnings and notes, which are its output. What is about the host or
//! the configurations alone has suites of its own.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::finding::{Finding, Severity, Undetermined};
use crate::host::Host;
use crate::policy::Judged;
use crate::rules::{ALL, Rule, Scope};

/// What was said of one rule in one suite.
#[derive(Default)]
struct Said<'a> {
    findings: Vec<&'a Finding>,
    open: Vec<&'a Undetermined>,
}

/// In the order of the suites: the configurations, the host, then VM after VM.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Suite {
    Configuration,
    Host,
    Vm(usize),
}

pub fn xml(judged: &Judged, config: &Config, host: Option<&Host>) -> String {
    let mut said: BTreeMap<Suite, BTreeMap<&str, Said>> = BTreeMap::new();
    for suite in suites(judged, config, host) {
        let asked = ALL.iter().filter(|rule| suite.asks(rule));
        said.insert(suite, asked.map(|rule| (rule.code, Said::default())).collect());
    }
    for finding in &judged.findings {
        let suite = said.entry(Suite::of(finding.vm, finding.code)).or_default();
        suite.entry(finding.code).or_default().findings.push(finding);
    }
    for open in &judged.undetermined {
        let suite = said.entry(Suite::of(open.vm, open.code)).or_default();
        suite.entry(open.code).or_default().open.push(open);
    }
    let mut text =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ai-how\">\n");
    for (suite, cases) in said {
        let name = suite.name(config);
        let cases: Vec<Case> = cases.iter().map(|(code, said)| Case::new(code, said)).collect();
        let failures = cases.iter().filter(|case| case.failure.is_some()).count();
        let skipped = cases.iter().filter(|case| case.skipped.is_some()).count();
        text += &format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">\n",
            escaped(&name),
            cases.len(),
        );
        for case in cases {
            text += &case.xml(&name);
        }
        text += "  </testsuite>\n";
    }
    text + "</testsuites>\n"
}

/// Those of which something was asked.
fn suites(judged: &Judged, config: &Config, host: Option<&Host>) -> Vec<Suite> {
    let mut suites = vec![Suite::Configuration];
    let judged_vms = judged.vms.iter().map(|vm| host.is_some() && !vm.devices.is_empty());
    let with_devices: Vec<bool> = judged_vms.collect();
    if with_devices.contains(&true) {
        suites.push(Suite::Host);
    }
    suites.extend((0..config.vms.len()).filter(|vm| with_devices[*vm]).map(Suite::Vm));
    suites
}

impl Suite {
    fn of(vm: Option<usize>, code: &str) -> Self {
        match (vm, crate::rules::find(code)) {
            (Some(vm), _) => Self::Vm(vm),
            (None, Some(rule)) if !rule.is_about_configuration() => Self::Host,
            (None, _) => Self::Configuration,
        }
    }

    fn asks(self, rule: &Rule) -> bool {
        match rule.scope() {
            Scope::Configuration => self == Self::Configuration,
            Scope::Host => self == Self::Host,
            Scope::Vm => matches!(self, Self::Vm(_)),
        }
    }

    fn name(self, config: &Config) -> String {
        match self {
            Self::Configuration => "configuration".to_owned(),
            Self::Host => "host".to_owned(),
            Self::Vm(vm) => {
                let vm = &config.vms[vm];
                let cluster = vm.cluster.as_deref().filter(|_| vm.named);
                cluster.map(|it| format!("{it}/")).unwrap_or_default() + &vm.name
            }
        }
    }
}

/// A rule in a suite: passed unless it failed or was skipped.
struct Case<'a> {
    code: &'a str,
    /// Message and text.
    failure: Option<(&'a str, String)>,
    skipped: Option<String>,
    output: String,
}

impl<'a> Case<'a> {
    fn new(code: &'a str, said: &Said<'a>) -> Self {
        let (errors, rest): (Vec<&Finding>, Vec<&Finding>) =
            said.findings.iter().partition(|finding| finding.is_error());
        let failure = errors.first().map(|first| {
            let text: String = errors.iter().map(|error| block(error)).collect();
            (first.message.as_str(), text)
        });
        let follows = rest.iter().find(|it| it.severity == Severity::Error && !it.stands());
        let open = said.open.iter().find(|open| open.ignored.is_none());
        let open = open.map(|open| format!("could not be told: {}", open.reason));
        let mut ignored = rest.iter().filter_map(|it| it.ignored.as_ref());
        let ignored = ignored.next().or(said.open.iter().find_map(|it| it.ignored.as_ref()));
        let cause = follows.and_then(|it| it.caused_by);
        let skipped = open.or_else(|| Some(format!("follows from {}", cause?.code)));
        let skipped = skipped.or_else(|| Some(format!("ignored: {}", ignored?.reason)));
        let skipped = skipped.filter(|_| failure.is_none());
        Self { code, failure, skipped, output: rest.iter().map(|it| block(it)).collect() }
    }

    fn xml(&self, suite: &str) -> String {
        let name = crate::rules::find(self.code).map_or("", |rule| rule.name);
        let open = format!(
            "    <testcase name=\"{} {name}\" classname=\"ai-how.{}\"",
            self.code,
            escaped(suite)
        );
        let mut inner = String::new();
        if let Some((message, text)) = &self.failure {
            inner += &format!(
                "      <failure message=\"{}\" type=\"{}\">{}</failure>\n",
                escaped(message),
                self.code,
                escaped(text)
            );
        }
        if let Some(why) = &self.skipped {
            inner += &format!("      <skipped message=\"{}\"/>\n", escaped(why));
        }
        if !self.output.is_empty() {
            inner += &format!("      <system-out>{}</system-out>\n", escaped(&self.output));
        }
        if inner.is_empty() {
            return open + "/>\n";
        }
        format!("{open}>\n{inner}    </testcase>\n")
    }
}

/// For attributes and text; what XML 1.0 has no place for is left out.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\n' | '\t' => safe.push(character),
            _ if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {}
            _ => safe.push(character),
        }
    }
    safe
}

/// A finding in plain words.
fn block(finding: &Finding) -> String {
    let word = if finding.ignored.is_some() { "ignored" } else { finding.severity.as_str() };
    let mut text = format!("{word}: {}\n", finding.message);
    if let Some(ignored) = &finding.ignored {
        text += &format!("  ignored: {}\n", ignored.reason);
    }
    if let Some(device) = finding.device {
        text += &format!("  device {device}\n");
    }
    for sentence in &finding.details {
        text += &format!("  {sentence}\n");
    }
    for read in &finding.evidence {
        text += &format!("  read {}: {}\n", read.path, super::text::short(&read.value));
    }
    for remedy in &finding.remedies {
        text += &format!("  To do: {}\n", remedy.text);
        for command in &remedy.commands {
            text += &format!("      {command}\n");
        }
    }
    text
}
