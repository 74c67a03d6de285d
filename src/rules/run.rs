//! Asks every rule about everything it is a rule of.

use std::collections::{BTreeMap, BTreeSet};

use super::device_id_mismatch::{Identity, identity};
use super::{ALL, Check, Rule};
use crate::config::{Config, Vm, Wanted};
use crate::finding::{Answer, Finding, Undetermined};
use crate::host::{Device, Gap, Group, Host, Members, Need, State, WantedDevice};
use crate::pci::{Address, PciId};
use crate::source::{Span, Spanned};

/// What all rules said, in no order yet; nothing is folded.
#[derive(Debug, Default)]
pub struct Answers {
    pub findings: Vec<Finding>,
    pub undetermined: Vec<Undetermined>,
}

/// A device that a VM wants.
pub struct WantedCase<'a> {
    pub host: &'a Host,
    pub vm: &'a Vm,
    pub wanted: &'a Wanted,
    /// `None` where it is known not to be there.
    pub found: Result<Option<&'a Device>, Gap>,
}

/// A wanted device that is there.
pub struct DeviceCase<'a> {
    pub host: &'a Host,
    pub vm: &'a Vm,
    pub wanted: &'a Wanted,
    pub device: &'a Device,
}

/// An IOMMU group of which a VM wants something.
pub struct GroupCase<'a> {
    pub host: &'a Host,
    pub vm: &'a Vm,
    pub group: &'a Group,
    pub members: &'a Members,
    /// The wanted members, in the order of the configuration.
    pub wanted: Vec<&'a Wanted>,
}

/// Judges a plan; without a host only what can be said of the configuration.
pub fn run(config: &Config, host: Option<&Host>) -> Answers {
    let mut answers = Answers::default();
    for rule in ALL {
        if let Check::Config(check) = rule.check {
            answers.ask(rule, &Subject::default(), |answer| check(config, answer));
        }
    }
    if let Some(host) = host {
        judge_host(config, host, &mut answers);
    }
    answers
}

/// Every enabled device of every VM, once for each VM.
pub fn wanted(config: &Config) -> impl Iterator<Item = (usize, &Vm, &Wanted)> {
    config.vms.iter().enumerate().flat_map(|(index, vm)| {
        let mut seen = BTreeSet::new();
        let first_mention = move |wanted: &&Wanted| seen.insert(wanted.address.value);
        vm.enabled_devices().iter().filter(first_mention).map(move |wanted| (index, vm, wanted))
    })
}

/// What must be read of a host to judge the plan.
pub fn need(config: &Config) -> Need {
    let id = |id: &Option<Spanned<PciId>>| id.as_ref().map(|id| id.value);
    let device = |wanted: &Wanted| WantedDevice {
        address: wanted.address.value,
        vendor: id(&wanted.vendor_id),
        device: id(&wanted.device_id),
    };
    Need::wanted(wanted(config).map(|(_, _, wanted)| device(wanted)).collect())
}

fn judge_host(config: &Config, host: &Host, answers: &mut Answers) {
    if wanted(config).next().is_none() {
        return;
    }
    for rule in ALL {
        match rule.check {
            Check::Config(_) => {}
            Check::Host(check) => {
                answers.ask(rule, &Subject::default(), |answer| check(host, answer));
            }
            Check::Plan(check) => {
                answers.ask(rule, &Subject::default(), |answer| check(config, host, answer));
            }
            Check::Wanted(check) => each_wanted(config, host, |index, case| {
                answers
                    .ask(rule, &Subject::device(index, case.wanted), |answer| check(&case, answer));
            }),
            Check::Device(check) => each_wanted(config, host, |index, case| {
                let WantedCase { host, vm, wanted, found } = case;
                if let Ok(Some(device)) = found {
                    let case = DeviceCase { host, vm, wanted, device };
                    answers
                        .ask(rule, &Subject::device(index, wanted), |answer| check(&case, answer));
                }
            }),
            Check::Group(check) => each_group(config, host, |index, case| {
                let subject = case
                    .wanted
                    .first()
                    .map(|wanted| Subject::device(index, wanted))
                    .unwrap_or_default();
                let subject = Subject { group: Some(case.group.id), ..subject };
                answers.ask(rule, &subject, |answer| check(case, answer));
            }),
        }
    }
}

fn each_wanted<'a>(config: &'a Config, host: &'a Host, mut ask: impl FnMut(usize, WantedCase<'a>)) {
    for (index, vm, wanted) in wanted(config) {
        let found = host.device(wanted.address.value);
        ask(index, WantedCase { host, vm, wanted, found });
    }
}

fn each_group<'a>(config: &'a Config, host: &'a Host, mut ask: impl FnMut(usize, &GroupCase<'a>)) {
    let mut cases: BTreeMap<(usize, u32), GroupCase> = BTreeMap::new();
    for (index, vm, wanted) in wanted(config) {
        let Ok(Some(device)) = host.device(wanted.address.value) else { continue };
        let Ok(Some(id)) = device.iommu_group.known() else { continue };
        let (Some(group), Some(members)) = (host.groups.get(id), host.members.get(id)) else {
            continue;
        };
        let new = || GroupCase { host, vm, group, members, wanted: Vec::new() };
        cases.entry((index, *id)).or_insert_with(new).wanted.push(wanted);
    }
    for ((index, _), case) in &cases {
        ask(*index, case);
    }
}

/// Whom a question is about, where the answer does not say it itself.
#[derive(Debug, Default)]
struct Subject {
    vm: Option<usize>,
    device: Option<Address>,
    group: Option<u32>,
    place: Option<Span>,
}

impl DeviceCase<'_> {
    /// What was read of it since a VM wants it; none for what nobody can pass, of which nothing
    /// more is said than that.
    pub fn state(&self) -> Option<&State> {
        let passable = self.device.is_infrastructure() != Ok(true);
        self.device.state.as_ref().filter(|_| passable)
    }

    /// All functions that the VM wants.
    pub fn wanted_by_vm(&self) -> BTreeSet<Address> {
        self.vm.enabled_devices().iter().map(|wanted| wanted.address.value).collect()
    }
}

impl GroupCase<'_> {
    /// Whether this VM wants the device and declares it as another one.
    pub fn is_another(&self, device: &Device) -> bool {
        let wanted = self.wanted.iter().find(|wanted| wanted.address.value == device.address);
        wanted.is_some_and(|wanted| {
            let case = DeviceCase { host: self.host, vm: self.vm, wanted, device };
            identity(&case) == Identity::Another
        })
    }

    /// Where each wanted member is written.
    pub fn places(&self) -> BTreeMap<Address, Span> {
        self.wanted.iter().map(|wanted| (wanted.address.value, wanted.address.span)).collect()
    }
}

impl Subject {
    fn device(vm: usize, wanted: &Wanted) -> Self {
        Self {
            vm: Some(vm),
            device: Some(wanted.address.value),
            group: None,
            place: Some(wanted.address.span),
        }
    }
}

impl Answers {
    fn ask(&mut self, rule: &Rule, subject: &Subject, check: impl FnOnce(&mut Answer)) {
        let mut answer = Answer::default();
        check(&mut answer);
        self.findings.extend(answer.findings.into_iter().map(|finding| Finding {
            code: rule.code,
            name: rule.name,
            vm: finding.vm.or(subject.vm),
            device: finding.device.or(subject.device),
            group: finding.group.or(subject.group),
            place: finding.place.or(subject.place),
            ..finding
        }));
        if answer.gaps.is_empty() {
            return;
        }
        let reasons: Vec<String> = answer.gaps.iter().map(ToString::to_string).collect();
        let needs = answer.gaps.iter().filter_map(|gap| gap.why.needs());
        self.undetermined.push(Undetermined {
            code: rule.code,
            name: rule.name,
            severity: answer.worst.unwrap_or_else(|| rule.worst()),
            vm: subject.vm,
            device: subject.device,
            group: subject.group,
            place: subject.place,
            reason: reasons.join("; "),
            // Who is root can read all that a capture made by root would hold.
            needs: needs.max_by_key(|needs| *needs == "root"),
        });
    }
}
