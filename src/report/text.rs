//! `validate` for a person at a terminal: a block a finding, a line a VM, what to do first.

use std::collections::BTreeMap;

use super::paint::{Paint, escaped};
use super::snippet;
use super::view::Summary;
use crate::config::Config;
use crate::finding::{Finding, Ignored, Remedy, Severity, Undetermined};
use crate::pci::Address;
use crate::policy::{Judged, Verdict, VmVerdict};
use crate::source::{Sources, Span};

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// One line a VM.
    Quiet,
    Usual,
    /// What follows from other findings too, in full.
    Verbose,
}

/// What follows from a finding is named below it; of many the first few.
const FOLLOWERS: usize = 4;

pub fn validate(
    judged: &Judged,
    config: &Config,
    sources: &Sources,
    paint: Paint,
    amount: Amount,
) -> String {
    let page = Page::new(judged, config, sources, paint);
    let mut text = String::new();
    if amount != Amount::Quiet {
        for finding in
            judged.findings.iter().filter(|finding| finding.stands() || amount == Amount::Verbose)
        {
            text += &page.finding(finding, amount);
            text.push('\n');
        }
        for open in judged
            .undetermined
            .iter()
            .filter(|open| open.ignored.is_none() || amount == Amount::Verbose)
        {
            text += &page.undetermined(open);
            text.push('\n');
        }
    }
    text += &page.vms();
    text + &page.end()
}

/// One finding, as `validate` shows it.
pub fn finding(
    finding: &Finding,
    judged: &Judged,
    config: &Config,
    sources: &Sources,
    paint: Paint,
) -> String {
    Page::new(judged, config, sources, paint).finding(finding, Amount::Usual)
}

struct Page<'a> {
    judged: &'a Judged,
    config: &'a Config,
    sources: &'a Sources,
    paint: Paint,
    followers: BTreeMap<Cause, Vec<&'a Finding>>,
}

/// A finding that others follow from: code, and device and VM where it is not of the host alone.
type Cause = (&'static str, Option<Address>, Option<usize>);

impl<'a> Page<'a> {
    fn new(judged: &'a Judged, config: &'a Config, sources: &'a Sources, paint: Paint) -> Self {
        let mut followers: BTreeMap<Cause, Vec<&Finding>> = BTreeMap::new();
        for finding in &judged.findings {
            if let Some(by) = finding.caused_by {
                let vm = by.device.and(finding.vm);
                followers.entry((by.code, by.device, vm)).or_default().push(finding);
            }
        }
        Self { judged, config, sources, paint, followers }
    }

    /// The headline is one line whatever the width, without colour, since scripts look for it.
    fn finding(&self, finding: &Finding, amount: Amount) -> String {
        let word = match finding.severity {
            Severity::Error => "Error",
            Severity::Warning => "Warning",
            Severity::Note => "Note",
        };
        let word = if finding.ignored.is_some() { "Ignored" } else { word };
        let mut text = format!("{word}: {}\n", escaped(&finding.message));
        text += &format!("  {}\n", self.subject(finding));
        if let Some(cause) = finding.caused_by {
            let device = cause.device.map(|device| format!(" of {device}")).unwrap_or_default();
            text += &format!("  follows from {}{device}\n", cause.code);
        }
        text += &self.ignored(finding.ignored.as_ref());
        if let Some(place) = finding.place {
            text += &snippet::show(self.sources, place, None, self.paint);
        }
        for sentence in &finding.details {
            text += &self.paint.wrapped("  ", &escaped(sentence));
        }
        for evidence in &finding.evidence {
            text += &self.paint.read("  ", &evidence.path, &short(&evidence.value));
        }
        for related in &finding.related {
            text += &self.related(&related.message, related.place);
        }
        if amount != Amount::Verbose {
            text += &self.followers(finding);
        }
        for remedy in &finding.remedies {
            text += &self.remedy(remedy);
        }
        text
    }

    /// Code, name and whom it is about.
    fn subject(&self, finding: &Finding) -> String {
        let code = format!("{} {}", finding.code, finding.name);
        let code = self.paint.severity(finding.severity, &code);
        let code = self.paint.rule(finding.code, finding.name, &code);
        let vm = finding
            .vm
            .map(|vm| format!(", VM {}", escaped(&self.config.vms[vm].name)))
            .unwrap_or_default();
        let device = finding.device.map(|device| format!(", device {device}")).unwrap_or_default();
        format!("{code}{vm}{device}")
    }

    fn related(&self, message: &str, place: Option<Span>) -> String {
        let place = place.map(|place| format!(" ({})", self.place(place))).unwrap_or_default();
        self.paint.wrapped("  ", &format!("see also: {}{place}", escaped(message)))
    }

    fn ignored(&self, ignored: Option<&Ignored>) -> String {
        let Some(Ignored { reason, place }) = ignored else { return String::new() };
        let place = place.map_or_else(|| "the command line".to_owned(), |it| self.place(it));
        self.paint.wrapped("  ", &format!("ignored ({place}): {}", escaped(reason)))
    }

    fn place(&self, place: Span) -> String {
        let position = self.sources.position(place);
        let name = escaped(&self.sources.get(place.file).name);
        format!("{name}:{}:{}", position.line, position.column)
    }

    /// What follows from this finding, a line each.
    fn followers(&self, cause: &Finding) -> String {
        let key = (cause.code, cause.vm.and(cause.device), cause.vm);
        let all = self.followers.get(&key).map_or(&[][..], Vec::as_slice);
        let mut text = String::new();
        for follower in all.iter().take(FOLLOWERS) {
            text += &self.paint.wrapped(
                "  ",
                &format!("so also {}: {}", follower.code, escaped(&follower.message)),
            );
        }
        if all.len() > FOLLOWERS {
            text += &format!("  and {} more that follow from it\n", all.len() - FOLLOWERS);
        }
        text
    }

    fn remedy(&self, remedy: &Remedy) -> String {
        let mut text = self.paint.wrapped("  ", &format!("To do: {}", escaped(&remedy.text)));
        for command in &remedy.commands {
            text += &format!("      {}\n", self.paint.bold(&escaped(command)));
        }
        if !remedy.undo.is_empty() {
            text += "    to undo:\n";
        }
        for command in &remedy.undo {
            text += &format!("      {}\n", escaped(command));
        }
        text
    }

    fn undetermined(&self, open: &Undetermined) -> String {
        let about = match (open.device, open.vm) {
            (Some(device), _) => format!(" of {device}"),
            (None, Some(vm)) => format!(" of {}", escaped(&self.config.vms[vm].name)),
            (None, None) => String::new(),
        };
        let mut text =
            format!("Undetermined: {} {}{about} could not be told\n", open.code, open.name);
        text += &self.ignored(open.ignored.as_ref());
        for reason in open.reason.split("; ") {
            text += &self.paint.wrapped("  ", &escaped(reason));
        }
        text += match open.needs {
            Some("root") => "  To settle it: run as root.\n",
            Some(_) => "  To settle it: capture these paths too, or run on the host itself.\n",
            None => "",
        };
        text
    }

    fn vms(&self) -> String {
        let widest =
            self.config.vms.iter().map(|vm| escaped(&vm.name).chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for (vm, verdict) in self.config.vms.iter().zip(&self.judged.vms) {
            let name = escaped(&vm.name);
            let pad = " ".repeat(widest - name.chars().count());
            let said = self.paint.verdict(verdict.verdict, &vm_words(verdict));
            text += &format!("{name}{pad}  {said}\n");
        }
        text
    }

    fn end(&self) -> String {
        let counts = counts(self.judged);
        let counts = if counts.is_empty() { counts } else { format!(" ({counts})") };
        let verdict = self.paint.verdict(self.judged.verdict, self.judged.verdict.as_str());
        let mut text = format!("Verdict: {verdict}{counts}\n");
        if self.nothing_is_wanted() && self.judged.verdict == Verdict::Ready {
            text += "No VM wants a device, so nothing of the host was judged.\n";
        }
        if let Some(first) = first_step(self.judged) {
            text += &self.paint.wrapped("", &format!("First: {first}"));
        }
        text
    }

    /// Of a plan; the host alone has none.
    fn nothing_is_wanted(&self) -> bool {
        self.sources.names().next().is_some()
            && self.judged.vms.iter().all(|vm| vm.devices.is_empty())
    }
}

/// `2 errors, 1 warning`; empty where nothing was said.
pub fn counts(judged: &Judged) -> String {
    let Summary { errors, warnings, notes, undetermined, ignored } = Summary::new(judged);
    let mut counts = Vec::new();
    for (count, word) in [(errors, "error"), (warnings, "warning"), (notes, "note")] {
        if count > 0 {
            counts.push(counted(count, word));
        }
    }
    if undetermined > 0 {
        counts.push(format!("{undetermined} undetermined"));
    }
    if ignored > 0 {
        counts.push(format!("{ignored} ignored"));
    }
    counts.join(", ")
}

/// What to do first.
pub fn first_step(judged: &Judged) -> Option<String> {
    let mut errors = judged.findings.iter().filter(|finding| finding.is_error()).peekable();
    if let Some(first) = errors.peek().map(|first| first.code) {
        let step = errors.find_map(|error| Some((error.code, error.remedies.first()?)));
        let step = step.map(|(code, remedy)| before(judged, code, remedy));
        return Some(step.map_or_else(
            || format!("({first}) correct the place shown."),
            |(code, remedy)| format!("({code}) {}", escaped(&remedy.text)),
        ));
    }
    let open = judged.undetermined.iter().find(|it| it.decides())?;
    let step = match open.needs {
        Some("root") => "run it as root",
        Some(_) => "capture what is missing, or run it on the host itself",
        None => "look at the paths named above",
    };
    Some(format!("({}) {step}.", open.code))
}

/// What comes first where a remedy has to wait for another.
fn before<'a>(
    judged: &'a Judged,
    code: &'static str,
    remedy: &'a Remedy,
) -> (&'static str, &'a Remedy) {
    let other = remedy.after.and_then(|after| {
        let mut errors = judged.findings.iter().filter(|it| it.is_error());
        let cause = errors.find(|it| it.code == after)?;
        Some((cause.code, cause.remedies.first()?))
    });
    other.unwrap_or((code, remedy))
}

/// `ready`, `blocked: 2 errors`, `undetermined: 1 check`.
fn vm_words(vm: &VmVerdict) -> String {
    match vm.verdict {
        Verdict::Ready => "ready".to_owned(),
        Verdict::Blocked => format!("blocked: {}", counted(vm.errors, "error")),
        Verdict::Undetermined => format!("undetermined: {}", counted(vm.open, "check")),
    }
}

pub fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// A value can be a whole file; its beginning tells. Harmless for a terminal.
pub fn short(value: &str) -> String {
    const LONGEST: usize = 160;
    let value = escaped(value);
    if value.chars().count() <= LONGEST {
        return value;
    }
    value.chars().take(LONGEST).collect::<String>() + "..."
}
