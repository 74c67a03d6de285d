//! The JSON documents: one of all hosts, and a line for each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Fleet, name_of};
use crate::finding::Severity;
use crate::fleet::{Difference, Fact, Kept, Mixed, Outlier, Wants, labels};
use crate::pci::Address;
use crate::report::view::{Summary, TOOL, Tool};

/// Can these hosts pass devices through? With a plan: do its VMs get their devices on them?
#[derive(Debug, Serialize, JsonSchema)]
pub struct FleetView {
    /// Name and version of this document.
    pub schema: &'static str,
    pub tool: Tool,
    /// `blocked` where one host is; else `undetermined` where one is, or could not be read.
    #[schemars(extend("enum" = ["ready", "blocked", "undetermined"]))]
    pub verdict: &'static str,
    /// The configurations, as they were named; empty where the hosts alone were judged.
    pub configs: Vec<String>,
    /// The policies beside them that were read.
    pub policies: Vec<String>,
    pub summary: FleetSummary,
    /// Errors, those of most hosts first.
    pub blocked_by: Vec<CodeHosts>,
    /// Checks that could not be answered and on which a verdict hangs.
    pub undetermined_by: Vec<CodeHosts>,
    pub warned_of: Vec<CodeHosts>,
    /// Hosts that differ from most others, the largest lot first.
    pub outliers: Vec<OutlierView>,
    /// Facts of which no value is that of more than half of the hosts.
    pub mixed: Vec<MixedView>,
    /// Facts that are not known of some hosts.
    pub unknown: Vec<FactHosts>,
    /// Every snapshot, in the order in which they were named.
    pub hosts: Vec<HostLine>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct FleetSummary {
    pub hosts: usize,
    pub ready: usize,
    pub blocked: usize,
    pub undetermined: usize,
    /// Snapshots that could not be read.
    pub broken: usize,
}

/// A code and the hosts that it is about.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CodeHosts {
    pub code: &'static str,
    pub name: &'static str,
    pub count: usize,
    pub hosts: Vec<String>,
}

/// Hosts that differ from most others in the same things.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OutlierView {
    pub count: usize,
    /// How many others they differ from in all of these.
    pub others: usize,
    pub differences: Vec<DifferenceView>,
    pub hosts: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DifferenceView {
    /// The fact: `kernel release`, `driver of 0000:01:00.0`.
    pub what: String,
    pub value: String,
    /// What more than half of the hosts have.
    pub usual: String,
    /// How many hosts have that.
    pub have_usual: usize,
}

/// A fact with all its values, the most frequent first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MixedView {
    pub what: String,
    pub values: Vec<ValueHosts>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ValueHosts {
    pub value: String,
    pub count: usize,
    pub hosts: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct FactHosts {
    pub what: String,
    pub count: usize,
    pub hosts: Vec<String>,
}

/// One snapshot; a line of `fleet --format ndjson`. Every key is there in every line.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HostLine {
    /// Name and version of this document.
    pub schema: &'static str,
    /// As it was named.
    pub path: String,
    /// `broken` where it could not be read as a host.
    #[schemars(extend("enum" = ["ready", "blocked", "undetermined", "broken"]))]
    pub verdict: &'static str,
    /// Why it is broken.
    pub error: Option<String>,
    /// The kernel's release.
    pub kernel: Option<String>,
    pub arch: Option<String>,
    pub cpu_vendor: Option<String>,
    /// The kind of IOMMU that is at work: `intel`, `amd`, or how the kernel calls another; null
    /// also where none is.
    pub iommu: Option<String>,
    pub iommu_groups: Option<usize>,
    /// How many PCI functions there are.
    pub functions: Option<usize>,
    /// Words of the kernel's command line about IOMMU, VFIO, PCI, KVM and huge pages.
    pub parameters: Option<String>,
    /// Functions that the plan wants, the first 64 of them.
    pub devices: Vec<FleetDevice>,
    /// Findings that stand, by code and severity.
    pub findings: Vec<FindingCount>,
    /// Checks that could not be answered, by code.
    pub undetermined: Vec<OpenCount>,
    /// Of these facts, null means that they are not known; of others, that there is none.
    pub unknown: Vec<String>,
    /// Null where it is broken.
    pub summary: Option<Summary>,
}

/// A function that the plan wants, as it is on this host; nulls where it is not there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FleetDevice {
    pub address: String,
    /// `10de:2684`
    pub ids: Option<String>,
    pub driver: Option<String>,
    /// Who else is in its IOMMU group; null where it is in none.
    pub group_members: Option<Vec<String>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingCount {
    pub code: &'static str,
    pub name: &'static str,
    #[schemars(extend("enum" = ["error", "warning", "note"]))]
    pub severity: &'static str,
    pub count: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct OpenCount {
    pub code: &'static str,
    pub name: &'static str,
    /// Whether the verdict hangs on it.
    pub decides: bool,
    pub count: usize,
}

impl FleetView {
    pub fn new(fleet: &Fleet, hosts: Vec<HostLine>) -> Self {
        let Fleet { tally, sources, .. } = fleet;
        let names = |hosts: &[usize]| fleet.named(hosts);
        let value = |&(value, hosts): &(&str, &[usize])| ValueHosts {
            value: value.to_owned(),
            count: hosts.len(),
            hosts: names(hosts),
        };
        let mixed = |it: &Mixed| MixedView {
            what: it.what.to_owned(),
            values: it.values.iter().map(value).collect(),
        };
        let unknown = |(what, hosts): (&str, &[usize])| FactHosts {
            what: what.to_owned(),
            count: hosts.len(),
            hosts: names(hosts),
        };
        Self {
            schema: "ai-how/fleet/1",
            tool: TOOL,
            verdict: tally.verdict().as_str(),
            configs: sources.names().map(str::to_owned).collect(),
            policies: sources.policies().map(|(file, _)| sources.get(file).name.clone()).collect(),
            summary: FleetSummary {
                hosts: tally.hosts(),
                ready: tally.ready,
                blocked: tally.blocked,
                undetermined: tally.undetermined,
                broken: tally.broken.len(),
            },
            blocked_by: fleet.codes(&tally.errors),
            undetermined_by: fleet.codes(&tally.open),
            warned_of: fleet.codes(&tally.warnings),
            outliers: tally.outliers().iter().map(|it| OutlierView::new(it, fleet)).collect(),
            mixed: tally.mixed().iter().map(mixed).collect(),
            unknown: tally.unknown().map(unknown).collect(),
            hosts,
        }
    }
}

impl Fleet<'_> {
    fn named(&self, hosts: &[usize]) -> Vec<String> {
        hosts.iter().map(|&host| self.names[host].clone()).collect()
    }

    fn codes(&self, codes: &BTreeMap<&'static str, Vec<usize>>) -> Vec<CodeHosts> {
        let code = |(code, hosts): (&'static str, &Vec<usize>)| CodeHosts {
            code,
            name: name_of(code),
            count: hosts.len(),
            hosts: self.named(hosts),
        };
        by_hosts(codes).into_iter().map(code).collect()
    }
}

/// Those of most hosts first.
pub(super) fn by_hosts<'a>(
    codes: &'a BTreeMap<&'static str, Vec<usize>>,
) -> Vec<(&'static str, &'a Vec<usize>)> {
    let mut all: Vec<_> = codes.iter().map(|(code, hosts)| (*code, hosts)).collect();
    all.sort_by_key(|(_, hosts)| std::cmp::Reverse(hosts.len()));
    all
}

impl OutlierView {
    fn new(outlier: &Outlier, fleet: &Fleet) -> Self {
        let difference = |it: &Difference| DifferenceView {
            what: it.what.to_owned(),
            value: it.value.to_owned(),
            usual: it.usual.to_owned(),
            have_usual: it.have_usual,
        };
        Self {
            count: outlier.hosts.len(),
            others: outlier.others,
            differences: outlier.differences.iter().map(difference).collect(),
            hosts: fleet.named(outlier.hosts),
        }
    }
}

impl HostLine {
    pub fn new(path: &str, outcome: &Result<Kept, String>, wants: &[Address]) -> Self {
        let broken = Self {
            schema: "ai-how/fleet-host/1",
            path: path.to_owned(),
            verdict: "broken",
            error: outcome.as_ref().err().cloned(),
            kernel: None,
            arch: None,
            cpu_vendor: None,
            iommu: None,
            iommu_groups: None,
            functions: None,
            parameters: None,
            devices: Vec::new(),
            findings: Vec::new(),
            undetermined: Vec::new(),
            unknown: Vec::new(),
            summary: None,
        };
        let Ok(kept) = outcome else { return broken };
        let facts = &kept.facts;
        let text = |fact: &Fact<String>| fact.value().cloned();
        let finding = |(&(code, severity), &count): (&(&'static str, Severity), &usize)| {
            let severity = severity.as_str();
            FindingCount { code, name: name_of(code), severity, count }
        };
        let open = |(&(code, decides), &count): (&(&'static str, bool), &usize)| OpenCount {
            code,
            name: name_of(code),
            decides,
            count,
        };
        let values = labels(wants).into_iter().zip(kept.values());
        Self {
            verdict: kept.verdict.as_str(),
            kernel: text(&facts.kernel),
            arch: text(&facts.arch),
            cpu_vendor: text(&facts.cpu_vendor),
            iommu: text(&facts.iommu),
            iommu_groups: facts.iommu_groups.value().copied(),
            functions: facts.functions.value().copied(),
            parameters: text(&facts.parameters),
            devices: facts.devices.iter().map(FleetDevice::new).collect(),
            findings: kept.findings.iter().map(finding).collect(),
            undetermined: kept.open.iter().map(open).collect(),
            unknown: values.filter(|(_, value)| value.is_none()).map(|(what, _)| what).collect(),
            summary: Some(summary(kept)),
            ..broken
        }
    }
}

fn summary(kept: &Kept) -> Summary {
    let count = |severity| {
        let those = kept.findings.iter().filter(|(key, _)| key.1 == severity);
        those.map(|(_, count)| count).sum()
    };
    Summary {
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        notes: count(Severity::Note),
        undetermined: kept.open.values().sum(),
        ignored: kept.ignored,
    }
}

impl FleetDevice {
    fn new(wants: &Wants) -> Self {
        let others = wants.group.value();
        Self {
            address: wants.address.to_string(),
            ids: wants.ids.value().cloned(),
            driver: wants.driver.value().cloned(),
            group_members: others.map(|all| all.iter().map(ToString::to_string).collect()),
        }
    }
}
