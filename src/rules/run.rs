//! Asks every rule about everything it is a rule of.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::claims::Stores;
use super::taken::{TakenCase, Takes};
use super::{ALL, Check, Rule};
use crate::config::{Config, Directive, Vm, Wanted};
use crate::finding::{Answer, Finding, Severity, Undetermined};
use crate::host::{Device, Evidence, Gap, Group, Host, Members, Need, State, WantedDevice};
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
    /// All addresses that the plan names.
    pub all_wanted: &'a BTreeSet<Address>,
    /// `None` where it is known not to be there.
    pub found: Result<Option<&'a Device>, Gap>,
}

/// A wanted device that is there.
pub struct DeviceCase<'a> {
    pub host: &'a Host,
    pub vm: &'a Vm,
    pub wanted: &'a Wanted,
    /// All addresses that the plan names.
    pub all_wanted: &'a BTreeSet<Address>,
    /// Of physical functions, the virtual ones that the plan names.
    pub wanted_of: &'a BTreeMap<Address, Vec<Address>>,
    pub device: &'a Device,
    /// All that the VM takes from the host.
    pub takes: &'a Takes<'a>,
}

/// A VM that wants devices.
pub struct VmCase<'a> {
    pub host: &'a Host,
    pub plan: &'a Config,
    pub index: usize,
    pub vm: &'a Vm,
    /// Number of the first VM of the plan that wants devices: what is about no such VM is told
    /// there.
    pub first: usize,
    /// Those that are there, each once, in the order of the configuration.
    pub devices: Vec<(&'a Wanted, &'a Device)>,
    /// The same for every VM of the plan.
    pub stores: Rc<Stores<'a>>,
}

/// An IOMMU group of which a VM wants something.
pub struct GroupCase<'a> {
    pub host: &'a Host,
    pub vm: &'a Vm,
    pub group: &'a Group,
    pub members: &'a Members,
    /// The wanted members, in the order of the configuration.
    pub wanted: Vec<&'a Wanted>,
    /// All that the VM takes from the host.
    pub takes: &'a Takes<'a>,
}

/// Judges a plan; without a host only what can be said of the configuration.
pub fn run(config: &Config, host: Option<&Host>) -> Answers {
    judge(config, host, |_| true)
}

/// The same by the rules alone that know errors, for who asks what blocks and reads no advice.
pub fn run_for_errors(config: &Config, host: &Host) -> Answers {
    judge(config, Some(host), |rule| rule.worst() == Severity::Error)
}

fn judge(config: &Config, host: Option<&Host>, asked: fn(&Rule) -> bool) -> Answers {
    let mut answers = Answers::default();
    let rules = || ALL.iter().copied().filter(|rule| asked(rule));
    for rule in rules() {
        if let Check::Config(check) = rule.check {
            answers.ask(rule, &Subject::default(), |answer| check(config, answer));
        }
    }
    if let Some(host) = host {
        judge_host(config, host, rules(), &mut answers);
    }
    answers
}

/// What is said of ignores that met nothing.
pub fn ask_unused(ignores: &[&Directive]) -> Vec<Finding> {
    let mut answers = Answers::default();
    for rule in ALL {
        if let Check::Unused(check) = rule.check {
            for ignore in ignores {
                answers.ask(rule, &Subject::default(), |answer| check(ignore, answer));
            }
        }
    }
    answers.findings
}

/// Every enabled device of every VM, once for each VM.
pub fn wanted(config: &Config) -> impl Iterator<Item = (usize, &Vm, &Wanted)> {
    let vms = config.vms.iter().enumerate();
    vms.flat_map(|(index, vm)| wanted_by(vm).map(move |wanted| (index, vm, wanted)))
}

/// Every enabled device of a VM, once.
pub fn wanted_by(vm: &Vm) -> impl Iterator<Item = &Wanted> {
    let devices = vm.enabled_devices();
    let mut seen = BTreeSet::new();
    let is_first = move |wanted: &&Wanted| devices.len() == 1 || seen.insert(wanted.address.value);
    devices.iter().filter(is_first)
}

/// What must be read of a host to judge the plan.
pub fn need(config: &Config) -> Need {
    let id = |id: &Option<Spanned<PciId>>| id.as_ref().map(|id| id.value);
    let device = |wanted: &Wanted| WantedDevice {
        address: wanted.address.value,
        vendor: id(&wanted.vendor_id),
        device: id(&wanted.device_id),
    };
    let says_what_it_takes = |vm: &Vm| vm.memory.is_some() || vm.cpu_cores.is_some();
    Need {
        wires: true,
        placement: wanted(config).next().is_some() && config.vms.iter().any(says_what_it_takes),
        ..Need::wanted(wanted(config).map(|(_, _, wanted)| device(wanted)).collect())
    }
}

fn judge_host(
    config: &Config,
    host: &Host,
    rules: impl Iterator<Item = &'static Rule>,
    answers: &mut Answers,
) {
    let all_wanted: BTreeSet<Address> =
        wanted(config).map(|(_, _, wanted)| wanted.address.value).collect();
    if all_wanted.is_empty() {
        return;
    }
    let takes: Vec<Takes> = Takes::of_plan(host, config);
    let plan = Plan { config, host, all_wanted: &all_wanted, takes: &takes };
    let wanted_of = &virtual_functions(host, &all_wanted);
    for rule in rules {
        match rule.check {
            Check::Config(_) | Check::Unused(_) => {}
            Check::Host(check, _) => {
                answers.ask(rule, &Subject::default(), |answer| check(host, answer));
            }
            Check::HostGroup(check, _) => {
                for group in wanted_groups(config, host) {
                    answers.ask(rule, &Subject::group(group.id), |answer| check(group, answer));
                }
            }
            Check::Plan(check) => {
                answers.ask(rule, &Subject::default(), |answer| check(config, host, answer));
            }
            Check::Vm(check) => each_vm(plan, |index, case| {
                answers.ask(rule, &Subject::vm(index, case.vm), |answer| check(case, answer));
            }),
            Check::Wanted(check) => each_wanted(plan, |index, case| {
                answers
                    .ask(rule, &Subject::device(index, case.wanted), |answer| check(&case, answer));
            }),
            Check::Device(check) => each_wanted(plan, |index, case| {
                let WantedCase { host, vm, wanted, all_wanted, found } = case;
                if let Ok(Some(device)) = found {
                    let takes = &takes[index];
                    let case =
                        DeviceCase { host, vm, wanted, all_wanted, wanted_of, device, takes };
                    answers
                        .ask(rule, &Subject::device(index, wanted), |answer| check(&case, answer));
                }
            }),
            Check::Taken(check) => {
                for (index, takes) in takes.iter().enumerate() {
                    for case in takes.cases() {
                        let subject = Subject::taken(index, &case);
                        answers.ask(rule, &subject, |answer| case.ask(check, answer));
                    }
                }
            }
            Check::Group(check) => each_group(plan, |index, case| {
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

/// Those of them that are virtual functions, by their physical one.
fn virtual_functions(
    host: &Host,
    addresses: &BTreeSet<Address>,
) -> BTreeMap<Address, Vec<Address>> {
    let mut found: BTreeMap<Address, Vec<Address>> = BTreeMap::new();
    for &address in addresses {
        let state = host.devices.get(&address).and_then(|device| device.state.as_ref());
        if let Some(Ok(Some(&physfn))) = state.map(|state| state.physfn.known()) {
            found.entry(physfn).or_default().push(address);
        }
    }
    found
}

/// The groups of wanted devices, each once.
fn wanted_groups<'a>(config: &Config, host: &'a Host) -> impl Iterator<Item = &'a Group> {
    let group = |(_, _, wanted): (usize, &Vm, &Wanted)| {
        let device = host.devices.get(&wanted.address.value)?;
        device.iommu_group.known().ok().flatten().copied()
    };
    let ids: BTreeSet<u32> = wanted(config).filter_map(group).collect();
    ids.into_iter().filter_map(|id| host.groups.get(&id).map(Box::as_ref))
}

/// What is judged by what.
#[derive(Clone, Copy)]
struct Plan<'a> {
    config: &'a Config,
    host: &'a Host,
    all_wanted: &'a BTreeSet<Address>,
    /// By number of the VM.
    takes: &'a [Takes<'a>],
}

fn each_vm<'a>(plan: Plan<'a>, mut ask: impl FnMut(usize, &VmCase<'a>)) {
    let Plan { config: plan, host, .. } = plan;
    let stores: Rc<Stores> = Rc::default();
    let mut cases: BTreeMap<usize, VmCase> = BTreeMap::new();
    for (index, vm, wanted) in wanted(plan) {
        let first = cases.keys().next().copied().unwrap_or(index);
        let stores = Rc::clone(&stores);
        let new = || VmCase { host, plan, index, vm, first, devices: Vec::new(), stores };
        let case = cases.entry(index).or_insert_with(new);
        if let Ok(Some(device)) = host.device(wanted.address.value) {
            case.devices.push((wanted, device));
        }
    }
    for (index, case) in &cases {
        ask(*index, case);
    }
}

fn each_wanted<'a>(plan: Plan<'a>, mut ask: impl FnMut(usize, WantedCase<'a>)) {
    let Plan { config, host, all_wanted, .. } = plan;
    for (index, vm, wanted) in wanted(config) {
        let found = host.device(wanted.address.value);
        ask(index, WantedCase { host, vm, wanted, all_wanted, found });
    }
}

fn each_group<'a>(plan: Plan<'a>, mut ask: impl FnMut(usize, &GroupCase<'a>)) {
    let Plan { config, host, takes, .. } = plan;
    let mut cases: BTreeMap<(usize, u32), GroupCase> = BTreeMap::new();
    for (index, vm, wanted) in wanted(config) {
        let Ok(Some(device)) = host.device(wanted.address.value) else { continue };
        let Ok(Some(id)) = device.iommu_group.known() else { continue };
        let (Some(group), Some(members)) = (host.groups.get(id), host.members.get(id)) else {
            continue;
        };
        let takes = &takes[index];
        let new = || GroupCase { host, vm, group, members, takes, wanted: Vec::new() };
        cases.entry((index, *id)).or_insert_with(new).wanted.push(wanted);
    }
    for ((index, _), case) in &cases {
        ask(*index, case);
    }
}

/// Whom a question is about, where the answer does not say it itself.
#[derive(Debug, Default)]
pub(super) struct Subject {
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
        self.device.state.as_deref().filter(|_| passable)
    }

    /// All functions that the VM wants.
    pub fn wanted_by_vm(&self) -> BTreeSet<Address> {
        self.vm.enabled_devices().iter().map(|wanted| wanted.address.value).collect()
    }
}

impl<'a> VmCase<'a> {
    /// The one node of the host that its devices are on, with what says so.
    pub fn node(&self) -> Result<Option<(u32, Evidence)>, Gap> {
        node_of(self.host, self.vm)
    }

    /// The VMs of the plan whose devices are on a node, as far as it is known.
    pub fn vms_on(&self, node: u32) -> impl Iterator<Item = (usize, &'a Vm)> {
        let ask = || {
            let mut on_node: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            for (index, vm) in self.plan.vms.iter().enumerate() {
                if let (false, Ok(Some((node, _)))) =
                    (vm.acceleration.spans_nodes(), node_of(self.host, vm))
                {
                    on_node.entry(node).or_default().push(index);
                }
            }
            on_node
        };
        let vms = self.stores.vms_on_node.get_or_init(ask).get(&node).cloned().unwrap_or_default();
        let plan = self.plan;
        vms.into_iter().filter_map(move |index| Some((index, plan.vms.get(index)?)))
    }
}

/// None where no device has a known node, and where two are on different ones (AH601).
fn node_of(host: &Host, vm: &Vm) -> Result<Option<(u32, Evidence)>, Gap> {
    let mut found = None;
    let wanted = vm.enabled_devices().iter();
    let devices = wanted.filter_map(|wanted| host.devices.get(&wanted.address.value));
    for state in devices.filter_map(|device| device.state.as_ref()) {
        match (state.numa_node.known()?, &found) {
            (None, _) => {}
            (Some(&node), None) => found = Some((node, state.numa_node.evidence())),
            (Some(node), Some((other, _))) if node == other => {}
            (Some(_), Some(_)) => return Ok(None),
        }
    }
    Ok(found)
}

impl GroupCase<'_> {
    /// Where each wanted member is written.
    pub fn places(&self) -> BTreeMap<Address, Span> {
        self.wanted.iter().map(|wanted| (wanted.address.value, wanted.address.span)).collect()
    }
}

impl Subject {
    pub(super) fn group(group: u32) -> Self {
        Self { group: Some(group), ..Self::default() }
    }

    fn vm(index: usize, vm: &Vm) -> Self {
        Self { vm: Some(index), place: Some(vm.span), ..Self::default() }
    }

    fn device(vm: usize, wanted: &Wanted) -> Self {
        Self {
            vm: Some(vm),
            device: Some(wanted.address.value),
            group: None,
            place: Some(wanted.address.span),
        }
    }

    fn taken(vm: usize, case: &TakenCase) -> Self {
        Self {
            device: Some(case.address()),
            group: case.device.iommu_group.known().ok().flatten().copied(),
            ..Self::device(vm, case.wanted)
        }
    }
}

impl Answers {
    fn ask(&mut self, rule: &Rule, subject: &Subject, check: impl FnOnce(&mut Answer)) {
        let mut answer = Answer::default();
        check(&mut answer);
        self.take(rule, subject, answer);
    }

    pub(super) fn take(&mut self, rule: &Rule, subject: &Subject, answer: Answer) {
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
            ignored: None,
        });
    }
}
