//! Severity changes, cause before symptom, and verdicts: the one place that changes, folds or
//! drops a finding.

mod directives;

use std::collections::{BTreeMap, BTreeSet};

use directives::{Directives, Flags, Outcome, Subject};

use crate::config::{Config, Directive};
use crate::finding::{Cause, Finding, Severity, Undetermined};
use crate::host::Host;
use crate::pci::Address;
use crate::remedy;
use crate::rules::{self, Answers, Rule, Scope};

/// What the command line says about severities.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Warnings become errors, but not what another flag or a directive allowed.
    pub strict: bool,
    /// AH301 is a warning.
    pub allow_partial_groups: bool,
    /// What is said there of single rules.
    pub directives: Vec<Directive>,
}

/// The answer to the one question. Ordered: the worse is the greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    #[default]
    Ready,
    /// No error, and a check that decides could not be answered.
    Undetermined,
    /// One error or more.
    Blocked,
}

/// A judged plan, in the order in which it is shown.
#[derive(Debug)]
pub struct Judged {
    pub verdict: Verdict,
    pub findings: Vec<Finding>,
    pub undetermined: Vec<Undetermined>,
    /// By number of the VM.
    pub vms: Vec<VmVerdict>,
}

#[derive(Debug, Default)]
pub struct VmVerdict {
    pub verdict: Verdict,
    /// How many errors concern it, those of the host included where it wants a device.
    pub errors: usize,
    /// The same of open checks that decide.
    pub open: usize,
    /// Enabled devices, in the order of the configuration.
    pub devices: Vec<(Address, Verdict)>,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Undetermined => "undetermined",
            Self::Blocked => "blocked",
        }
    }
}

/// Judges what the rules said.
pub fn judge(answers: Answers, config: &Config, host: Option<&Host>, policy: Policy) -> Judged {
    let Answers { mut findings, mut undetermined, .. } = answers;
    silence(&mut findings, &mut undetermined);
    let Policy { strict, allow_partial_groups, directives } = policy;
    let flags = Flags { strict, allow_partial_groups };
    let mut directives = Directives::new(flags, &directives, config);
    let outcomes: Vec<Outcome> = findings
        .iter()
        .map(|finding| directives.decide(Subject::of_finding(finding), finding.severity))
        .collect();
    fold(&mut findings, &outcomes, host);
    for (finding, outcome) in findings.iter_mut().zip(outcomes) {
        finding.take(outcome);
    }
    for open in &mut undetermined {
        let outcome = directives.decide(Subject::of_open(open), open.severity);
        (open.severity, open.ignored) = (outcome.severity, outcome.ignored);
    }
    let on_vfio = host.map(|host| rules::on_vfio(config, host)).unwrap_or_default();
    remedy::settle(&mut findings, host, on_vfio);
    tell_of_ignored(&mut findings);
    for mut finding in idle(&directives, config, host) {
        let outcome = directives.decide(Subject::of_finding(&finding), finding.severity);
        finding.take(outcome);
        findings.push(finding);
    }
    findings.extend(rules::ask_unused(&directives.idle(|code| code == UNUSED)));
    findings.sort_by(|a, b| order(a).cmp(&order(b)));
    undetermined
        .sort_by_key(|open| (open.place.is_some(), open.place, open.code, open.device, open.vm));
    let vms = vm_verdicts(config, host, &findings, &undetermined);
    let verdict = verdict_of(findings.iter(), undetermined.iter());
    Judged { verdict, findings, undetermined, vms }
}

/// What waits for a finding that is passed over waits for ever: a reader is told why.
fn tell_of_ignored(findings: &mut [Finding]) {
    let codes = |ignored: bool| -> BTreeSet<&'static str> {
        let some = findings.iter().filter(|finding| finding.ignored.is_some() == ignored);
        some.map(|finding| finding.code).collect()
    };
    let ignored = &codes(true) - &codes(false);
    for remedy in findings.iter_mut().flat_map(|finding| &mut finding.remedies) {
        if let Some(code) = remedy.after.filter(|code| ignored.contains(code)) {
            remedy.text += &format!(
                " {code} is ignored here, which does not mend it: by design no command is written for this."
            );
        }
    }
}

impl Undetermined {
    /// Had it been answered the bad way, the plan would be blocked.
    pub fn decides(&self) -> bool {
        self.ignored.is_none() && self.severity == Severity::Error
    }
}

impl Finding {
    fn take(&mut self, outcome: Outcome) {
        self.severity = outcome.severity;
        self.ignored = outcome.ignored;
        if let Some(word) = outcome.refused {
            self.details.push(format!(
                "`{word} {}` is asked for, but not of this: it is an error here, and stays one.",
                self.code
            ));
        }
    }
}

/// The rule on ignores that ignore nothing, which can be ignored too.
const UNUSED: &str = "AH027";

/// What is said of ignores that ignore nothing; where a rule was not asked, nobody knows.
fn idle(directives: &Directives, config: &Config, host: Option<&Host>) -> Vec<Finding> {
    let no_vm = config.vms.is_empty();
    let wants = rules::wanted(config).next().is_some();
    let was_asked = |code: &str| match rules::find(code).map(Rule::scope) {
        _ if code == UNUSED => false,
        Some(Scope::Configuration) => true,
        Some(Scope::Host) => host.is_some() && (wants || no_vm),
        _ => host.is_some() && wants,
    };
    rules::ask_unused(&directives.idle(was_asked))
}

/// Findings without a place first, then by file, place, code and device.
fn order(finding: &Finding) -> impl Ord + '_ {
    let place = finding.place.map(|place| (place.file, place.start));
    (place, finding.code, finding.device, finding.vm, &finding.message)
}

/// Of a device that is not there, or that nobody can pass, its driver and group are no matter.
fn silence(findings: &mut Vec<Finding>, undetermined: &mut Vec<Undetermined>) {
    let key = |vm: Option<usize>, device: Option<Address>| (vm, device);
    let settled: BTreeSet<_> = findings
        .iter()
        .filter(|finding| matches!(finding.code, "AH201" | "AH205"))
        .map(|finding| key(finding.vm, finding.device))
        .collect();
    let is_idle = |code: &str| ("AH206"..="AH209").contains(&code);
    findings.retain(|it| !(is_idle(it.code) && settled.contains(&key(it.vm, it.device))));
    undetermined.retain(|it| !(is_idle(it.code) && settled.contains(&key(it.vm, it.device))));
}

/// Cause before symptom: a finding that follows from another is marked, and no longer counts. What
/// is passed over, or made less than it is, stands for nothing else: its symptoms count themselves.
fn fold(findings: &mut [Finding], outcomes: &[Outcome], host: Option<&Host>) {
    let kept = |(finding, outcome): &(&Finding, &Outcome)| {
        outcome.ignored.is_none() && outcome.severity >= finding.severity
    };
    let mut index = Index::of(findings.iter().zip(outcomes).filter(kept).map(|(it, _)| it));
    index.no_vfio_pci = host.is_some_and(|host| matches!(host.vfio.pci_driver.known(), Ok(None)));
    let causes: Vec<Option<Cause>> =
        findings.iter().map(|finding| index.cause_of(finding)).collect();
    for (finding, cause) in findings.iter_mut().zip(causes) {
        finding.caused_by = cause;
    }
}

/// What findings can follow from, so that no pair of findings is looked at.
struct Index {
    codes: BTreeSet<&'static str>,
    /// No device can be bound. Where another part of VFIO is missing, one without a driver has that
    /// trouble by itself.
    no_vfio_pci: bool,
    /// Devices of a VM that a driver of the host or a stub holds.
    held: BTreeMap<(Option<usize>, Address), &'static str>,
    /// Devices of a VM's groups that block them, and the finding's own device.
    blockers: BTreeMap<(Option<usize>, Address), Cause>,
    /// Members of a group that two VMs want parts of.
    split: BTreeMap<(Option<u32>, Address), Cause>,
}

impl Index {
    fn of<'a>(findings: impl Iterator<Item = &'a Finding>) -> Self {
        let mut index = Self {
            codes: BTreeSet::new(),
            no_vfio_pci: false,
            held: BTreeMap::new(),
            blockers: BTreeMap::new(),
            split: BTreeMap::new(),
        };
        for finding in findings {
            index.codes.insert(finding.code);
            match (finding.code, finding.device) {
                // VMs that take turns still get a part of a group each.
                ("AH303", _) if finding.severity != Severity::Error => {}
                ("AH207" | "AH209", Some(device)) => {
                    index.held.insert((finding.vm, device), finding.code);
                }
                ("AH302" | "AH303", device) => {
                    let cause = Cause { code: finding.code, device };
                    for member in finding.related.iter().filter_map(|related| related.device) {
                        if finding.code == "AH302" {
                            index.blockers.insert((finding.vm, member), cause);
                        } else {
                            index.split.insert((finding.group, member), cause);
                        }
                    }
                }
                _ => {}
            }
        }
        index
    }

    fn cause_of(&self, symptom: &Finding) -> Option<Cause> {
        let host = |code| self.codes.get(code).map(|&code| Cause { code, device: None });
        match symptom.code {
            "AH106" | "AH206" => host("AH105"),
            "AH108" => host("AH104"),
            "AH208" => host("AH105").or_else(|| host("AH104").filter(|_| self.no_vfio_pci)),
            "AH302" => host("AH105").or_else(|| self.held_by_wanted(symptom)),
            "AH301" => {
                let member = symptom.device?;
                let blocked = self.blockers.get(&(symptom.vm, member));
                blocked.or_else(|| self.split.get(&(symptom.group, member))).copied()
            }
            _ => None,
        }
    }

    /// A group that is blocked by nothing but wanted devices on drivers of the host follows from
    /// those drivers; each of them has a finding of its own.
    fn held_by_wanted(&self, symptom: &Finding) -> Option<Cause> {
        let cause = |device: Address| {
            let code = self.held.get(&(symptom.vm, device))?;
            Some(Cause { code, device: Some(device) })
        };
        let causes: Option<Vec<Cause>> =
            symptom.related.iter().map(|blocker| cause(blocker.device?)).collect();
        causes?.first().copied()
    }
}

/// The verdicts of all VMs, in one pass over what was said.
fn vm_verdicts(
    config: &Config,
    host: Option<&Host>,
    findings: &[Finding],
    undetermined: &[Undetermined],
) -> Vec<VmVerdict> {
    let group_of = |address: Address| {
        let device = host?.devices.get(&address)?;
        device.iommu_group.known().ok().flatten().copied()
    };
    // What is about the host alone concerns every VM that wants a device.
    let mut everywhere = VmVerdict::default();
    let mut verdicts: Vec<VmVerdict> = config.vms.iter().map(|_| VmVerdict::default()).collect();
    let mut of_device: BTreeMap<(usize, Address), Verdict> = BTreeMap::new();
    let mut of_group: BTreeMap<(usize, u32), Verdict> = BTreeMap::new();
    // What is about a group, whoever wants it, concerns every VM that wants a device of it.
    let mut who_wants: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    for (vm, _, wanted) in rules::wanted(config) {
        if let Some(group) = group_of(wanted.address.value) {
            who_wants.entry(group).or_default().insert(vm);
        }
    }
    let of_vms = |vms: Vec<usize>, group: Option<u32>| match group.and_then(|id| who_wants.get(&id))
    {
        Some(all) if vms.is_empty() => all.iter().copied().collect(),
        _ => vms,
    };
    let errors = findings.iter().filter(|it| it.is_error()).map(|it| {
        let vms = it.vm.iter().chain(&it.also).copied().collect();
        (Verdict::Blocked, it.code, of_vms(vms, it.group), it.device, it.group)
    });
    let open = undetermined.iter().filter(|it| it.decides()).map(|it| {
        let vms = it.vm.into_iter().collect();
        (Verdict::Undetermined, it.code, of_vms(vms, it.group), it.device, it.group)
    });
    for (verdict, code, vms, device, group) in errors.chain(open) {
        if vms.is_empty() && is_host_rule(code) {
            everywhere.count(verdict);
        }
        for vm in vms {
            verdicts[vm].count(verdict);
            if let Some(device) = device {
                raise(&mut of_device, (vm, device), verdict);
            }
            if let Some(group) = group {
                raise(&mut of_group, (vm, group), verdict);
            }
        }
    }
    for (vm, _, wanted) in rules::wanted(config) {
        let address = wanted.address.value;
        let own = of_device.get(&(vm, address)).copied();
        let group = group_of(address).and_then(|group| of_group.get(&(vm, group)).copied());
        let worst = own.max(group).unwrap_or(Verdict::Ready).max(everywhere.verdict);
        if verdicts[vm].devices.is_empty() {
            verdicts[vm].add(&everywhere);
        }
        verdicts[vm].devices.push((address, worst));
    }
    verdicts
}

impl VmVerdict {
    fn count(&mut self, verdict: Verdict) {
        self.verdict = self.verdict.max(verdict);
        match verdict {
            Verdict::Blocked => self.errors += 1,
            Verdict::Undetermined => self.open += 1,
            Verdict::Ready => {}
        }
    }

    fn add(&mut self, other: &Self) {
        self.verdict = self.verdict.max(other.verdict);
        self.errors += other.errors;
        self.open += other.open;
    }
}

fn raise<K: Ord>(verdicts: &mut BTreeMap<K, Verdict>, key: K, verdict: Verdict) {
    let entry = verdicts.entry(key).or_insert(verdict);
    *entry = (*entry).max(verdict);
}

fn is_host_rule(code: &str) -> bool {
    rules::find(code).is_some_and(|rule| !rule.is_about_configuration())
}

fn verdict_of<'a>(
    mut findings: impl Iterator<Item = &'a Finding>,
    mut open: impl Iterator<Item = &'a Undetermined>,
) -> Verdict {
    if findings.any(Finding::is_error) {
        Verdict::Blocked
    } else if open.any(Undetermined::decides) {
        Verdict::Undetermined
    } else {
        Verdict::Ready
    }
}
