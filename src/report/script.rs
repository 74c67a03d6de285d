//! The remedies of a run as a shell script to be read and then run, and the script that takes all
//! of it back.
//!
//! *Invariant:* a word of a command is a number, an address, a fixed word, or a name that
//! [`is_plain`] or that [`quoted`] encloses; text from the host and the configuration stands in
//! comments, where it cannot end its line.

mod shell;

use std::collections::{BTreeMap, BTreeSet};

use shell::{all_quoted, comment, functions, literally, quoted};

use super::paint::escaped;
use super::text::counted;
use crate::config::Config;
use crate::finding::{Act, Edit, Finding, ForGood, Lasting, Remedy, Severity};
use crate::host::{Device, Host};
use crate::pci::Address;
use crate::policy::Judged;
use crate::remedy::is_plain;
use crate::rules;
use crate::source::Sources;

/// By which a script of ai-how's is known again.
pub const FIRST_WORDS: &str = "#!/bin/sh\n# Made by ai-how ";

/// Both run on dash and busybox sh.
pub struct Scripts {
    pub fix: String,
    pub undo: String,
}

pub fn scripts(judged: &Judged, config: &Config, sources: &Sources, host: &Host) -> Scripts {
    let plan = Plan::new(judged, config, host);
    let names: Vec<String> = sources.names().map(escaped).collect();
    let about = About { judged, config, names: names.join(", ") };
    Scripts { fix: plan.fix(&about), undo: plan.undo(&about) }
}

struct About<'a> {
    judged: &'a Judged,
    config: &'a Config,
    names: String,
}

/// What is to be done, each thing once and in order, and what a script cannot do.
struct Plan<'a> {
    host: &'a Host,
    /// The release of the kernel, quoted.
    kernel: Option<String>,
    steps: Vec<Step<'a>>,
    /// What outlasts the next boot, in the order of the findings.
    lasting: Vec<LastingStep<'a>>,
    by_hand: Vec<ByHand<'a>>,
}

struct Step<'a> {
    act: &'a Act,
    /// What it mends.
    findings: Vec<&'a Finding>,
    remedy: &'a Remedy,
    device: Option<Facts>,
}

struct LastingStep<'a> {
    changes: &'a ForGood,
    findings: Vec<&'a Finding>,
    remedy: &'a Remedy,
}

/// Findings for which no step stands.
struct ByHand<'a> {
    finding: &'a Finding,
    /// Why, where there would be one.
    why: Option<String>,
}

/// By which a device is known again.
struct Facts {
    address: Address,
    vendor: String,
    device: String,
    /// `none` where it has none.
    driver: String,
}

impl<'a> Plan<'a> {
    fn new(judged: &'a Judged, config: &Config, host: &'a Host) -> Self {
        let held_back = HeldBack::new(judged, config, host);
        let release = host.release.known().ok().flatten();
        let mut plan = Self {
            host,
            kernel: release.map(|release| quoted(&release.text)),
            steps: Vec::new(),
            lasting: Vec::new(),
            by_hand: Vec::new(),
        };
        let mut steps: BTreeMap<&Act, Step> = BTreeMap::new();
        for finding in judged.findings.iter().filter(|finding| finding.ignored.is_none()) {
            let mut is_mended = false;
            let mut why = None;
            for remedy in finding.remedies.iter().filter(|remedy| !remedy.choice) {
                if let Some(words) = held_back.why(finding, remedy) {
                    why = Some(words);
                    continue;
                }
                if let Some(changes) = remedy.for_good.as_ref().filter(|_| plan.kernel.is_some()) {
                    is_mended = true;
                    plan.add_lasting(finding, remedy, changes);
                }
                let Some(act) = remedy.act.as_ref().filter(|act| is_ready(judged, act, remedy))
                else {
                    continue;
                };
                match plan.facts(act) {
                    Ok(device) => {
                        is_mended = true;
                        let new = || Step { act, findings: Vec::new(), remedy, device };
                        steps.entry(act).or_insert_with(new).findings.push(finding);
                    }
                    Err(unknown) => why = Some(unknown),
                }
            }
            // What follows from another finding is mended with that one.
            if !is_mended && finding.stands() {
                plan.by_hand.push(ByHand { finding, why });
            }
        }
        plan.steps = steps.into_values().collect();
        plan
    }

    fn add_lasting(&mut self, finding: &'a Finding, remedy: &'a Remedy, changes: &'a ForGood) {
        match self.lasting.iter_mut().find(|step| step.changes == changes) {
            Some(step) => step.findings.push(finding),
            None => {
                self.lasting.push(LastingStep { changes, findings: vec![finding], remedy });
            }
        }
    }

    /// What makes the lasting changes count, each once.
    fn apply(&self) -> Vec<&'static str> {
        let mut all: Vec<&'static str> = Vec::new();
        for command in self.lasting.iter().filter_map(|step| step.changes.apply) {
            if !all.contains(&command) {
                all.push(command);
            }
        }
        all
    }

    fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.lasting.is_empty()
    }

    /// What the step relies on, or why it is not known.
    fn facts(&self, act: &Act) -> Result<Option<Facts>, String> {
        if self.kernel.is_none() {
            return Err("the kernel's release is not known".to_owned());
        }
        let Some(address) = act.address() else { return Ok(None) };
        let device = self.host.devices.get(&address);
        let device = device.ok_or_else(|| format!("{address} was not read"))?;
        Facts::of(device).map(Some)
    }

    fn fix(&self, about: &About) -> String {
        let mut text = String::from("#!/bin/sh\n");
        text += &comment(&format!(
            "Made by ai-how {} for {}, on which it said: {}.",
            env!("CARGO_PKG_VERSION"),
            if about.names.is_empty() { "this host" } else { &about.names },
            about.judged.verdict.as_str()
        ));
        text += &comment(
            "Read it before you run it, as root, on the host that was judged. It stops at the first thing that is not as it was then, or that fails. What it changes lasts until the next boot; with --for-good it also changes what is so at every boot (files in /etc, the boot loader). The script beside it, of the same name with .undo behind it and called with the same arguments, takes it back.",
        );
        text += &self.said_by_hand(about);
        for open in &about.judged.undetermined {
            text += "#\n";
            text += &comment(&format!(
                "{} {} could not be told: {}.",
                open.code,
                open.name,
                escaped(&open.reason)
            ));
        }
        text += "\nset -eu\n\n";
        let hand = match self.by_hand.len() {
            0 => String::new(),
            count => {
                format!(
                    "say 'To be mended by hand: {}; the comments at the top of this script say how.'\n",
                    counted(count, "finding")
                )
            }
        };
        if self.is_empty() {
            let body = format!("say 'There is nothing to do.'\n{hand}");
            return text + &functions(&[BOTH], &body) + &body;
        }
        let body = self.fix_body(about);
        text += &functions(&[BOTH, FIX], &body);
        text + &body + &hand
    }

    fn fix_body(&self, about: &About) -> String {
        let mut text = String::from(START);
        text += &comment("The host that was judged?");
        let kernel = self.kernel.as_deref().unwrap_or_default();
        text += &format!(
            "[ \"$(uname -r)\" = {kernel} ] ||\n    stop \"the kernel is $(uname -r), and not the one that was judged\"\n"
        );
        for step in &self.steps {
            if let Some(device) = &step.device {
                text += &format!("same_device {}\n", device.identity());
                text += &device.same_driver(step.act);
            }
        }
        for step in &self.steps {
            text += "\n";
            for finding in &step.findings {
                text += &comment(&about.headline(finding));
            }
            text += &comment(&escaped(&step.remedy.text));
            text += &format!("step {}\n{}", quoted(&step.title()), step.commands());
        }
        if !self.lasting.is_empty() {
            let done = if self.steps.is_empty() {
                "Nothing is done yet: all that is to be done is for good."
            } else {
                "Done until the next boot."
            };
            text += &format!(
                "\nif [ \"$arguments\" != --for-good ]; then\n    at='the end'\n    say \"{done} For good: sh $0 --for-good\"\n    exit 0\nfi\n"
            );
        }
        for step in &self.lasting {
            text += "\n";
            for finding in &step.findings {
                text += &comment(&about.headline(finding));
            }
            text += &comment(&escaped(&step.remedy.text));
            text += &format!("step {}\n{}", quoted(&step.title()), step.commands());
        }
        text += &self.applying();
        let last = if self.needs_boot() {
            "Done. Part of it counts from the next boot: reboot, and then run ai-how validate again."
        } else {
            "Done. Now run ai-how validate again."
        };
        text + &format!("\nat='the end'\nsay '{last}'\n")
    }

    /// Whether something that is done for good is a parameter of the kernel, which it reads when it
    /// starts.
    fn needs_boot(&self) -> bool {
        let at_start = |step: &LastingStep| {
            matches!(step.remedy.lasting, Some(Lasting::Parameter(_) | Lasting::NoParameter(_)))
        };
        self.lasting.iter().any(at_start)
    }

    fn applying(&self) -> String {
        let step = |command: &&str| format!("\nstep {}\n{command}\n", quoted(command));
        self.apply().iter().map(step).collect()
    }

    fn said_by_hand(&self, about: &About) -> String {
        let mut text = String::new();
        if self.by_hand.is_empty() {
            return text;
        }
        text += "#\n# To be mended by hand:\n";
        for ByHand { finding, why } in &self.by_hand {
            text += "#\n";
            text += &comment(&about.headline(finding));
            if let Some(why) = why {
                text += &comment(&format!("No step is written for it: {}.", escaped(why)));
            }
            for remedy in &finding.remedies {
                text += &comment(&format!("To do: {}", escaped(&remedy.text)));
                for command in &remedy.commands {
                    text += &format!("#     {}\n", escaped(command));
                }
            }
        }
        text
    }

    /// The steps the other way round, each only where its change is found.
    fn undo(&self, about: &About) -> String {
        let mut text = String::from("#!/bin/sh\n");
        text += &comment(&format!(
            "Made by ai-how {} for {}: takes back what the script beside it does, the last thing first. Run it as root; what is not there any more is left alone.",
            env!("CARGO_PKG_VERSION"),
            if about.names.is_empty() { "this host" } else { &about.names },
        ));
        text += "\nset -eu\n\n";
        if self.is_empty() {
            return text + "echo 'There is nothing to take back.'\n";
        }
        let body = self.undo_body();
        text + &functions(&[BOTH, UNDO], &body) + &body
    }

    fn undo_body(&self) -> String {
        let mut text = String::from(START);
        // What is so for good is taken back on a newer kernel too.
        let kernel = self.kernel.as_deref().unwrap_or_default();
        text += &format!(
            "[ \"$arguments\" = --for-good ] || [ \"$(uname -r)\" = {kernel} ] ||\n    stop \"the kernel is $(uname -r), and not the one that was judged\"\n"
        );
        for device in self.steps.iter().filter_map(|step| step.device.as_ref()) {
            text += &format!("same_device {}\n", device.identity());
        }
        if !self.lasting.is_empty() {
            text += "\nif [ \"$arguments\" = --for-good ]; then\n";
            let undone = self.lasting.iter().rev().map(|step| {
                let title = format!("take back: {}", step.title());
                format!("step {}\n{}", quoted(&title), step.undo())
            });
            let all = undone.collect::<String>() + self.applying().trim_start();
            text += &all.lines().map(|line| format!("    {line}\n")).collect::<String>();
            text += "fi\n";
        }
        for step in self.steps.iter().rev() {
            let title = format!("take back: {}", step.title());
            text += &format!("\nstep {}\n{}", quoted(&title), step.undo());
        }
        text + "\nat='the end'\nsay 'All is taken back.'\n"
    }
}

/// Whether a script may do it now: one that waits for another finding can be done where that one
/// is mended by the same script.
fn is_ready(judged: &Judged, act: &Act, remedy: &Remedy) -> bool {
    let Act::Bind { address } = act else { return remedy.after.is_none() };
    let removes = |it: &Remedy| matches!(&it.act, Some(Act::RemoveVirtualFunctions { address: of, .. }) if of == address);
    let heeded = judged.findings.iter().filter(|finding| finding.ignored.is_none());
    let mut all = heeded.flat_map(|finding| &finding.remedies);
    remedy.after.is_none() || all.any(removes)
}

/// What could be done by itself, and is not, since the whole would harm the host.
struct HeldBack {
    /// Functions that the policy made an error to take from the host, and the rest of their IOMMU
    /// groups, which is of no use without them; with the code.
    functions: BTreeMap<Address, &'static str>,
    /// Numbers of VMs.
    vms: BTreeSet<usize>,
}

impl HeldBack {
    fn new(judged: &Judged, config: &Config, host: &Host) -> Self {
        let is_harm = |finding: &&Finding| {
            let rule = rules::find(finding.code);
            let severity = finding.ignored.is_none().then_some(finding.severity);
            rule.is_some_and(rules::Rule::is_harm) && severity == Some(Severity::Error)
        };
        let mut functions = BTreeMap::new();
        for finding in judged.findings.iter().filter(is_harm) {
            let device = finding.device.and_then(|address| host.devices.get(&address));
            let group = device.and_then(|device| device.iommu_group.known().ok().flatten());
            let members = group.and_then(|group| host.members.get(group));
            let members = members.into_iter().flat_map(|members| members.known.iter().copied());
            for address in members.chain(finding.device) {
                functions.entry(address).or_insert(finding.code);
            }
        }
        Self { functions, vms: rules::too_much_together(config, host) }
    }

    fn why(&self, finding: &Finding, remedy: &Remedy) -> Option<String> {
        let address = match (&remedy.act, &remedy.lasting) {
            (Some(act), _) => act.address()?,
            (None, Some(Lasting::Binding(address))) => *address,
            _ => return None,
        };
        if let Some(code) = self.functions.get(&address) {
            return Some(format!("{code} is an error, and {address} goes from the host with it"));
        }
        self.vms.contains(&finding.vm?).then(|| {
            "the VMs of the plan together would take something from the host of which it can spare a part only, such as its last displays; validate a plan with those that are to run at once"
                .to_owned()
        })
    }
}

impl About<'_> {
    fn headline(&self, finding: &Finding) -> String {
        let vm = finding.vm.map(|vm| format!(", VM {}", escaped(&self.config.vms[vm].name)));
        format!(
            "{} {} ({}{}): {}",
            finding.code,
            finding.name,
            finding.severity.as_str(),
            vm.unwrap_or_default(),
            escaped(&finding.message)
        )
    }
}

impl Step<'_> {
    fn title(&self) -> String {
        match self.act {
            Act::LoadModules { names, .. } => format!("load {}", names.join(", ")),
            Act::RemoveVirtualFunctions { address, .. } => {
                format!("take away the virtual functions of {address}")
            }
            Act::Detach { address } => format!("take the driver off {address}"),
            Act::Bind { address } => format!("bind {address} to vfio-pci"),
            Act::Reserve { address } => format!("give {address} to pci-stub"),
            Act::GiveNode { path, user, .. } => format!("give {path} to the user {user}"),
        }
    }

    fn commands(&self) -> String {
        match self.act {
            Act::LoadModules { names, node } => {
                let node = node.map(|node| {
                    format!(
                        "[ -e {node} ] || stop '{node} did not appear; the kernel log says why'\n"
                    )
                });
                format!("load {}\n{}", names.join(" "), node.unwrap_or_default())
            }
            Act::RemoveVirtualFunctions { address, count } => {
                format!("remove_virtual_functions {address} {count}\n")
            }
            Act::Detach { address } => format!("take_driver_off {address}\n"),
            Act::Bind { address } => move_to(*address, "vfio-pci"),
            Act::Reserve { address } => move_to(*address, "pci-stub"),
            Act::GiveNode { path, owner, user } => {
                format!("give_node {} {owner} {user}\n", quoted(path))
            }
        }
    }

    fn undo(&self) -> String {
        match (self.act, &self.device) {
            (Act::LoadModules { names, .. }, _) => {
                let newest_first: Vec<&str> = names.iter().rev().copied().collect();
                format!("unload {}\n", newest_first.join(" "))
            }
            (Act::RemoveVirtualFunctions { address, count }, _) => {
                format!("restore_virtual_functions {address} {count}\n")
            }
            (Act::GiveNode { path, owner, user }, _) => {
                format!("take_node_back {} {owner} {user}\n", quoted(path))
            }
            (act, Some(Facts { address, driver, .. })) => {
                format!("return_to {address} {} {driver}\n", driver_after(act))
            }
            (_, None) => String::new(),
        }
    }
}

impl LastingStep<'_> {
    fn title(&self) -> String {
        match &self.remedy.lasting {
            Some(Lasting::Parameter(parameter)) => {
                format!("add {parameter} to the kernel's command line")
            }
            Some(Lasting::NoParameter(parameter)) => {
                format!("remove {parameter} from the kernel's command line")
            }
            Some(Lasting::Modules(names)) => format!("load {} at every boot", names.join(", ")),
            Some(Lasting::Binding(address)) => format!("bind {address} to vfio-pci at every boot"),
            Some(Lasting::Member { user, group }) => {
                format!("put {user} into the group {group}")
            }
            Some(Lasting::Iommu) | None => "change what is so at every boot".to_owned(),
        }
    }

    fn commands(&self) -> String {
        let needs = self
            .changes
            .needs
            .map(|(program, install)| format!("needs {program} {}\n", quoted(install)));
        let one = |edit: &Edit| match edit {
            Edit::File { path, lines } => {
                literally(format!("put_file {path} {}\n", all_quoted(lines)))
            }
            Edit::Line { path, line } => literally(format!("add_line {path} {}\n", quoted(line))),
            Edit::Word { path, word, there: true } => format!("add_word {path} {}\n", quoted(word)),
            Edit::Word { path, word, there: false } => {
                format!("remove_word {path} {}\n", quoted(word))
            }
            Edit::Run { command, .. } => format!("{command}\n"),
        };
        needs.unwrap_or_default() + &self.changes.edits.iter().map(one).collect::<String>()
    }

    fn undo(&self) -> String {
        let one = |edit: &Edit| match edit {
            Edit::File { path, lines } => {
                literally(format!("remove_file {path} {}\n", all_quoted(lines)))
            }
            Edit::Line { path, line } => {
                literally(format!("remove_line {path} {}\n", quoted(line)))
            }
            Edit::Word { path, word, there: true } => {
                format!("remove_word {path} {}\n", quoted(word))
            }
            Edit::Word { path, word, there: false } => {
                format!("add_word {path} {}\n", quoted(word))
            }
            Edit::Run { undo, .. } => format!("{undo}\n"),
        };
        self.changes.edits.iter().rev().map(one).collect()
    }
}

/// Built in, a driver is there without a module.
fn move_to(address: Address, driver: &str) -> String {
    format!("[ -d /sys/bus/pci/drivers/{driver} ] || load {driver}\nmove_to {address} {driver}\n")
}

/// The driver that a function has once the act is done.
fn driver_after(act: &Act) -> &'static str {
    match act {
        Act::Bind { .. } => "vfio-pci",
        Act::Reserve { .. } => "pci-stub",
        _ => "none",
    }
}

impl Facts {
    fn of(device: &Device) -> Result<Self, String> {
        let id = |id: &crate::host::Reading<crate::pci::PciId>| {
            id.required().map(|id| format!("0x{id}")).map_err(|gap| gap.to_string())
        };
        let driver = match device.driver.known().map_err(|gap| gap.to_string())? {
            None => "none".to_owned(),
            Some(driver) if is_plain(driver) => driver.clone(),
            Some(driver) => return Err(format!("the driver is called {driver:?}")),
        };
        Ok(Self {
            address: device.address,
            vendor: id(&device.vendor)?,
            device: id(&device.device)?,
            driver,
        })
    }

    fn identity(&self) -> String {
        let Self { address, vendor, device, .. } = self;
        format!("{address} {vendor} {device}")
    }

    fn same_driver(&self, act: &Act) -> String {
        let Self { address, driver, .. } = self;
        match act {
            // It keeps its driver.
            Act::RemoveVirtualFunctions { .. } => String::new(),
            Act::Bind { .. } | Act::Detach { .. } if driver != "none" => format!(
                "same_driver {address} {driver} {}\nnot_in_use {address}\n",
                driver_after(act)
            ),
            _ => format!("same_driver {address} {driver} {}\n", driver_after(act)),
        }
    }
}

const START: &str = "\
at='the checks'
arguments=$*
trap ended EXIT

case $arguments in
    '' | --for-good) ;;
    *) stop 'it takes no argument but --for-good' ;;
esac
[ \"$(id -u)\" = 0 ] || stop 'it has to be run as root'

";
const BOTH: &str = include_str!("script/both.sh");
const FIX: &str = include_str!("script/fix.sh");
const UNDO: &str = include_str!("script/undo.sh");
