//! Which directives meet a finding, and what becomes of it: the command line goes before comments,
//! and comments before the policy beside the configuration.

use std::collections::BTreeMap;

use crate::config::{Action, Config, Covers, Directive};
use crate::finding::{Finding, Ignored, Severity, Undetermined};
use crate::pci::Address;
use crate::rules::{self, Rule};
use crate::source::Span;

/// The directives of a run, found by what they are about.
pub(super) struct Directives<'a> {
    flags: Flags,
    all: Vec<Known<'a>>,
    /// Those of the command line, by code.
    everywhere: BTreeMap<&'static str, usize>,
    /// Those of a line: by code, file and beginning, with the end.
    lines: BTreeMap<(&'static str, usize, usize), (usize, usize)>,
    /// Those of a device: by code, and where its address is written.
    devices: BTreeMap<(&'static str, Span), usize>,
    /// Those of all that is about a VM.
    vms: BTreeMap<(&'static str, usize), usize>,
    /// Those of policies: by code, the policy, and the VM and device they are about.
    policies: BTreeMap<InPolicy, usize>,
    config: &'a Config,
}

type InPolicy = (&'static str, usize, Option<usize>, Option<Address>);

/// What the command line says of all rules.
#[derive(Clone, Copy)]
pub(super) struct Flags {
    pub strict: bool,
    pub allow_partial_groups: bool,
}

/// A directive on a rule that there is.
struct Known<'a> {
    directive: &'a Directive,
    code: &'static str,
    /// It has met something, whatever came of it.
    met: bool,
}

/// What a directive can be about.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    code: &'static str,
    vm: Option<usize>,
    device: Option<Address>,
    place: Option<Span>,
}

/// What becomes of a finding.
pub(super) struct Outcome {
    pub severity: Severity,
    pub ignored: Option<Ignored>,
    /// The word of a directive that asks for less than this rule's errors allow.
    pub refused: Option<&'static str>,
}

impl<'a> Directives<'a> {
    pub(super) fn new(flags: Flags, first: &'a [Directive], config: &'a Config) -> Self {
        let mut directives = Self {
            flags,
            all: Vec::new(),
            everywhere: BTreeMap::new(),
            lines: BTreeMap::new(),
            devices: BTreeMap::new(),
            vms: BTreeMap::new(),
            policies: BTreeMap::new(),
            config,
        };
        let beginnings = Beginnings::of(config);
        for directive in first.iter().chain(&config.directives) {
            directives.add(directive, &beginnings);
        }
        directives
    }

    /// Of two that say something of the same, the first counts.
    fn add(&mut self, directive: &'a Directive, beginnings: &Beginnings) {
        let Some(&Rule { code, .. }) = rules::find(&directive.rule) else { return };
        let number = self.all.len();
        self.all.push(Known { directive, code, met: false });
        match &directive.covers {
            Covers::Everything => {
                self.everywhere.entry(code).or_insert(number);
            }
            &Covers::Line(line) => {
                if self.lines.contains_key(&(code, line.file, line.start)) {
                    return;
                }
                self.lines.insert((code, line.file, line.start), (line.end, number));
                for &vm in beginnings.vms_on(line) {
                    self.vms.entry((code, vm)).or_insert(number);
                }
                for device in beginnings.devices_on(line) {
                    self.devices.entry((code, device)).or_insert(number);
                }
            }
            Covers::Beside { vm, device } => {
                let Some(Span { file, .. }) = directive.place else { return };
                match vm {
                    None => {
                        self.policies.entry((code, file, None, *device)).or_insert(number);
                    }
                    Some(name) => {
                        for &vm in beginnings.named.get(name).into_iter().flatten() {
                            let key = (code, file, Some(vm), *device);
                            self.policies.entry(key).or_insert(number);
                        }
                    }
                }
            }
        }
    }

    /// The first directive that may do what it asks for decides.
    pub(super) fn decide(&mut self, subject: Subject, severity: Severity) -> Outcome {
        let allowed = subject.code == "AH301" && self.flags.allow_partial_groups;
        let severity = if allowed { Severity::Warning } else { severity };
        let mut outcome = None;
        let mut refused = None;
        for number in self.meeting(subject) {
            let Known { directive, met, .. } = &mut self.all[number];
            *met = true;
            let (to, ignored) = match &directive.action {
                Action::Ignore { reason } => {
                    (severity, Some(Ignored { reason: reason.clone(), place: directive.place }))
                }
                Action::Warn => (Severity::Warning, None),
                Action::Error => (Severity::Error, None),
            };
            // The flag is of the command line, which goes before comments.
            if allowed && directive.place.is_some() && ignored.is_none() {
                continue;
            }
            let lowers = ignored.is_some() || to < severity;
            if lowers && !rules::may_be_lowered(subject.code, severity) {
                refused.get_or_insert(directive.action.word());
            } else {
                outcome.get_or_insert((to, ignored));
            }
        }
        let strict = self.flags.strict && severity == Severity::Warning && !allowed;
        let usual = if strict { Severity::Error } else { severity };
        let (severity, ignored) = outcome.unwrap_or((usual, None));
        Outcome { severity, ignored, refused }
    }

    /// Ignores that met nothing, of rules that were asked.
    pub(super) fn idle(&self, was_asked: impl Fn(&str) -> bool) -> Vec<&'a Directive> {
        let idle = self.all.iter().filter(|known| !known.met && was_asked(known.code));
        let directives = idle.map(|known| known.directive);
        directives.filter(|it| matches!(it.action, Action::Ignore { .. })).collect()
    }

    /// By number, what goes before coming first: the command line, then the comments, then the
    /// policy; of each the nearer.
    fn meeting(&self, subject: Subject) -> Vec<usize> {
        let Subject { code, vm: number, device: address, place } = subject;
        let at = place.and_then(|place| {
            let before = self.lines.range(..=(code, place.file, place.start)).next_back();
            let (key, (end, number)) = before?;
            ((key.0, key.1) == (code, place.file) && place.start < *end).then_some(number)
        });
        let device = place.and_then(|place| self.devices.get(&(code, place)));
        let vm = number.and_then(|vm| self.vms.get(&(code, vm)));
        let comments = at.into_iter().chain(device).chain(vm);
        let policy = self.config.policy_of(place).into_iter().flat_map(|file| {
            let keys = [(number, address), (number, None), (None, address), (None, None)];
            keys.into_iter().filter_map(move |(vm, at)| self.policies.get(&(code, file, vm, at)))
        });
        let all = self.everywhere.get(code).into_iter().chain(comments).chain(policy);
        all.copied().collect()
    }
}

/// Where VMs and devices begin, so that no directive looks at all of them.
struct Beginnings {
    vms: BTreeMap<(usize, usize), Vec<usize>>,
    /// With the places of their addresses, where findings of them stand.
    devices: BTreeMap<(usize, usize), Span>,
    /// By their names, and those with their cluster's.
    named: BTreeMap<String, Vec<usize>>,
}

impl Beginnings {
    fn of(config: &Config) -> Self {
        let (mut vms, mut devices) = (BTreeMap::<_, Vec<usize>>::new(), BTreeMap::new());
        let mut named: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, vm) in config.vms.iter().enumerate() {
            named.entry(vm.name.clone()).or_default().push(number);
            if let Some(cluster) = vm.cluster.as_ref().filter(|_| vm.named) {
                named.entry(format!("{cluster}/{}", vm.name)).or_default().push(number);
            }
            for head in vm.heads.iter().chain([&vm.span]) {
                vms.entry((head.file, head.start)).or_default().push(number);
            }
            for device in vm.passthrough.iter().flat_map(|it| &it.devices) {
                devices.insert((device.first.file, device.first.start), device.address.span);
            }
        }
        Self { vms, devices, named }
    }

    fn vms_on(&self, line: Span) -> impl Iterator<Item = &usize> {
        self.vms.range((line.file, line.start)..(line.file, line.end)).flat_map(|(_, vms)| vms)
    }

    fn devices_on(&self, line: Span) -> impl Iterator<Item = Span> {
        self.devices.range((line.file, line.start)..(line.file, line.end)).map(|(_, at)| *at)
    }
}

impl Subject {
    pub(super) fn of_finding(finding: &Finding) -> Self {
        let &Finding { code, vm, device, place, .. } = finding;
        Self { code, vm, device, place }
    }

    pub(super) fn of_open(open: &Undetermined) -> Self {
        let &Undetermined { code, vm, device, place, .. } = open;
        Self { code, vm, device, place }
    }
}
