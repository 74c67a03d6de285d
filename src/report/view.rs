//! The JSON documents: a contract, versioned. Fields are only ever added within a version.

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Config;
use crate::finding::{Finding, Ignored, Related, Remedy, Severity, Undetermined};
use crate::host::{Evidence, Host, Reading};
use crate::pci::Address;
use crate::policy::{Judged, Verdict};
use crate::rules::Rule;
use crate::source::{Sources, Span};

/// Will these VMs get these devices on this host?
#[derive(Debug, Serialize, JsonSchema)]
pub struct Validate {
    /// Name and version of this document.
    pub schema: &'static str,
    pub tool: Tool,
    #[schemars(extend("enum" = ["ready", "blocked", "undetermined"]))]
    pub verdict: &'static str,
    /// The configurations, as they were named.
    pub configs: Vec<String>,
    /// The policies beside them that were read.
    pub policies: Vec<String>,
    /// Null where no host was read.
    pub host: Option<HostView>,
    /// Every VM, also those without devices.
    pub nodes: Vec<Node>,
    pub findings: Vec<FindingView>,
    /// Checks that could not be answered.
    pub undetermined: Vec<UndeterminedView>,
    pub summary: Summary,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Tool {
    pub name: &'static str,
    pub version: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct HostView {
    /// Where the host was read from.
    pub root: String,
    /// The kernel's release; null where it is not known.
    pub kernel: Option<String>,
    pub arch: Option<String>,
    pub cpu_vendor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Node {
    pub name: String,
    /// The key of its cluster; null in the short file.
    pub cluster: Option<String>,
    #[schemars(extend("enum" = ["ready", "blocked", "undetermined"]))]
    pub verdict: &'static str,
    pub devices: Vec<NodeDevice>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct NodeDevice {
    pub address: String,
    pub device_type: Option<&'static str>,
    /// With the verdicts of its group and of the host.
    #[schemars(extend("enum" = ["ready", "blocked", "undetermined"]))]
    pub verdict: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingView {
    pub code: &'static str,
    pub name: &'static str,
    #[schemars(extend("enum" = ["error", "warning", "note"]))]
    pub severity: &'static str,
    /// One sentence.
    pub message: String,
    /// What is known beyond the sentence.
    pub details: Vec<String>,
    /// The VM.
    pub node: Option<String>,
    pub device: Option<String>,
    pub location: Option<Location>,
    pub evidence: Vec<EvidenceView>,
    pub remedy: Vec<RemedyView>,
    pub related: Vec<RelatedView>,
    /// The code of the finding that this one follows from; such a one is not counted.
    pub caused_by: Option<&'static str>,
    pub caused_by_device: Option<String>,
    /// Why it is passed over; such a one is counted as ignored alone.
    pub ignored: Option<IgnoredView>,
}

/// Why something is passed over.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IgnoredView {
    pub reason: String,
    /// Where that is said; null on the command line.
    pub location: Option<Location>,
}

/// A place in a configuration, both numbers from 1; columns count Unicode characters.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Location {
    pub file: String,
    pub line: usize,
    pub column: usize,
}

/// A path that was read, as it is on the host, and its value.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EvidenceView {
    pub path: String,
    pub value: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RemedyView {
    pub text: String,
    /// Shell commands that can be pasted as they stand.
    pub commands: Vec<String>,
    /// What takes them back.
    pub undo: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RelatedView {
    pub message: String,
    pub location: Option<Location>,
    pub device: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct UndeterminedView {
    pub code: &'static str,
    pub name: &'static str,
    pub node: Option<String>,
    pub device: Option<String>,
    /// What is not known, and why.
    pub reason: String,
    /// What would settle it, where that is known: `root` or `newer snapshot`.
    pub needs: Option<&'static str>,
    /// Whether the verdict hangs on it.
    pub decides: bool,
    /// Why it is passed over; such a one is counted as ignored alone.
    pub ignored: Option<IgnoredView>,
}

/// Counts; a finding that follows from another is not counted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Summary {
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
    pub undetermined: usize,
    /// Findings and open checks that are passed over.
    pub ignored: usize,
}

/// One line of `validate --format ndjson`; the summary is the last.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Line {
    Finding(FindingView),
    Undetermined(UndeterminedView),
    Summary(SummaryLine),
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct SummaryLine {
    pub schema: &'static str,
    #[schemars(extend("enum" = ["ready", "blocked", "undetermined"]))]
    pub verdict: &'static str,
    #[serde(flatten)]
    pub summary: Summary,
}

/// All rules.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Rules {
    pub schema: &'static str,
    pub rules: Vec<RuleView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RuleView {
    pub code: &'static str,
    pub name: &'static str,
    /// What its findings can be; the usual one first.
    pub severities: Vec<&'static str>,
    pub summary: &'static str,
    pub why: &'static str,
    pub remedy: &'static str,
    /// The version of this program that had it first.
    pub since: &'static str,
    /// Where its truth is written down.
    pub reads: Vec<&'static str>,
}

pub const TOOL: Tool = Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

impl Validate {
    pub fn new(judged: &Judged, config: &Config, host: Option<&Host>, sources: &Sources) -> Self {
        let (findings, undetermined) = said(judged, config, sources);
        Self {
            schema: "ai-how/validate/1",
            tool: TOOL,
            verdict: judged.verdict.as_str(),
            configs: sources.names().map(str::to_owned).collect(),
            policies: sources.policies().map(|(file, _)| sources.get(file).name.clone()).collect(),
            host: host.map(HostView::new),
            nodes: nodes(judged, config),
            findings,
            undetermined,
            summary: Summary::new(judged),
        }
    }

    /// The same as lines.
    pub fn into_lines(self) -> impl Iterator<Item = Line> {
        let last =
            SummaryLine { schema: self.schema, verdict: self.verdict, summary: self.summary };
        let findings = self.findings.into_iter().map(Line::Finding);
        let open = self.undetermined.into_iter().map(Line::Undetermined);
        findings.chain(open).chain([Line::Summary(last)])
    }
}

/// Findings and open checks of a run.
pub fn said(
    judged: &Judged,
    config: &Config,
    sources: &Sources,
) -> (Vec<FindingView>, Vec<UndeterminedView>) {
    let names = Names { config, sources };
    (
        judged.findings.iter().map(|finding| names.finding(finding)).collect(),
        judged.undetermined.iter().map(|open| names.undetermined(open)).collect(),
    )
}

impl HostView {
    pub fn new(host: &Host) -> Self {
        Self {
            root: host.root.clone(),
            kernel: host.release.known().ok().flatten().map(|release| release.text.clone()),
            arch: text(&host.cpu.arch),
            cpu_vendor: text(&host.cpu.vendor),
        }
    }
}

impl Summary {
    pub fn new(judged: &Judged) -> Self {
        let count = |severity| {
            judged.findings.iter().filter(|it| it.stands() && it.severity == severity).count()
        };
        Self {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
            undetermined: judged.undetermined.iter().filter(|it| it.ignored.is_none()).count(),
            ignored: judged.findings.iter().filter(|it| it.ignored.is_some()).count()
                + judged.undetermined.iter().filter(|it| it.ignored.is_some()).count(),
        }
    }
}

impl Rules {
    pub fn new<'a>(rules: impl IntoIterator<Item = &'a &'static Rule>) -> Self {
        let view = |rule: &&'static Rule| RuleView {
            code: rule.code,
            name: rule.name,
            severities: rule.severities.iter().map(|severity| severity.as_str()).collect(),
            summary: rule.summary,
            why: rule.why,
            remedy: rule.remedy,
            since: rule.since,
            reads: rule.reads.to_vec(),
        };
        Self { schema: "ai-how/rules/1", rules: rules.into_iter().map(view).collect() }
    }
}

impl EvidenceView {
    pub fn new(evidence: &Evidence) -> Self {
        Self { path: evidence.path.clone(), value: evidence.value.clone() }
    }
}

/// A value to be shown; null where there is none or it is not known.
pub fn text(reading: &Reading<String>) -> Option<String> {
    reading.known().ok().flatten().cloned()
}

fn nodes(judged: &Judged, config: &Config) -> Vec<Node> {
    let device_type = |vm: usize, address: Address| {
        let wanted = config.vms[vm]
            .enabled_devices()
            .iter()
            .find(|wanted| wanted.address.value == address)?;
        wanted.device_type.as_ref().map(|kind| kind.value.as_str())
    };
    let node = |(index, verdict): (usize, &crate::policy::VmVerdict)| Node {
        name: config.vms[index].name.clone(),
        cluster: config.vms[index].cluster.clone(),
        verdict: verdict.verdict.as_str(),
        devices: verdict
            .devices
            .iter()
            .map(|&(address, verdict): &(Address, Verdict)| NodeDevice {
                address: address.to_string(),
                device_type: device_type(index, address),
                verdict: verdict.as_str(),
            })
            .collect(),
    };
    judged.vms.iter().enumerate().map(node).collect()
}

/// Turns numbers of VMs and spans into names and places.
struct Names<'a> {
    config: &'a Config,
    sources: &'a Sources,
}

impl Names<'_> {
    fn vm(&self, vm: Option<usize>) -> Option<String> {
        vm.map(|vm| self.config.vms[vm].name.clone())
    }

    fn location(&self, place: Option<Span>) -> Option<Location> {
        let place = place?;
        let position = self.sources.position(place);
        let file = self.sources.get(place.file).name.clone();
        Some(Location { file, line: position.line, column: position.column })
    }

    fn finding(&self, finding: &Finding) -> FindingView {
        FindingView {
            code: finding.code,
            name: finding.name,
            severity: finding.severity.as_str(),
            message: finding.message.clone(),
            details: finding.details.clone(),
            node: self.vm(finding.vm),
            device: finding.device.map(|device| device.to_string()),
            location: self.location(finding.place),
            evidence: finding.evidence.iter().map(EvidenceView::new).collect(),
            remedy: finding.remedies.iter().map(remedy).collect(),
            related: finding.related.iter().map(|related| self.related(related)).collect(),
            caused_by: finding.caused_by.map(|cause| cause.code),
            caused_by_device: finding
                .caused_by
                .and_then(|cause| cause.device)
                .map(|device| device.to_string()),
            ignored: self.ignored(finding.ignored.as_ref()),
        }
    }

    fn ignored(&self, ignored: Option<&Ignored>) -> Option<IgnoredView> {
        let Ignored { reason, place } = ignored?;
        Some(IgnoredView { reason: reason.clone(), location: self.location(*place) })
    }

    fn related(&self, related: &Related) -> RelatedView {
        RelatedView {
            message: related.message.clone(),
            location: self.location(related.place),
            device: related.device.map(|device| device.to_string()),
        }
    }

    fn undetermined(&self, open: &Undetermined) -> UndeterminedView {
        UndeterminedView {
            code: open.code,
            name: open.name,
            node: self.vm(open.vm),
            device: open.device.map(|device| device.to_string()),
            reason: open.reason.clone(),
            needs: open.needs,
            decides: open.decides(),
            ignored: self.ignored(open.ignored.as_ref()),
        }
    }
}

fn remedy(remedy: &Remedy) -> RemedyView {
    RemedyView {
        text: remedy.text.clone(),
        commands: remedy.commands.clone(),
        undo: remedy.undo.clone(),
    }
}
