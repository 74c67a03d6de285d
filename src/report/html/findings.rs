//! Findings and open checks, with the tools that narrow them down.

use std::collections::{BTreeMap, BTreeSet};

use super::parts::{self, badge};
use super::{Writer, section};
use crate::config::Config;
use crate::finding::{Finding, Severity};
use crate::report::markup::{Attribute, Markup};
use crate::report::paint::Paint;
use crate::report::picture::Sign;
use crate::report::snippet;
use crate::report::view::{FindingView, Location, RemedyView, UndeterminedView};
use crate::source::Sources;

impl Writer<'_> {
    pub(super) fn said(&self, page: &mut Markup) {
        let Some((judged, config, sources)) = self.report.judged else { return };
        section(page, "findings", "Findings", |page| {
            if judged.findings.is_empty() && judged.undetermined.is_empty() {
                page.leaf("p", &[("class", &"panel")], "Nothing was found.");
                return;
            }
            // A browser need not lay out what nobody has scrolled to.
            let many = self.findings.len() + self.open.len() > MANY;
            let class = if many { "many" } else { "" };
            page.element("div", &[("data-list", &""), ("class", &class)], |page| {
                self.tools(page, config);
                let all = || judged.findings.iter().zip(self.findings).enumerate();
                for (number, (finding, view)) in all().filter(|(_, (it, _))| it.stands()) {
                    self.finding(page, number, finding, view, sources);
                }
                for (number, view) in self.open.iter().enumerate() {
                    let vm = judged.undetermined[number].vm;
                    self.open_check(page, number, vm, view);
                }
                let follows = |it: &Finding| it.caused_by.is_some() && it.ignored.is_none();
                let one = "One finding follows from these";
                self.folded(page, follows, [one, "findings follow from these"]);
                let is_ignored = |it: &Finding| it.ignored.is_some();
                self.folded(page, is_ignored, ["One finding is ignored", "findings are ignored"]);
            });
        });
    }

    /// Findings that do not count, out of the way; in words for one and for many.
    fn folded(&self, page: &mut Markup, takes: impl Fn(&Finding) -> bool, words: [&str; 2]) {
        let Some((judged, _, sources)) = self.report.judged else { return };
        let all = || judged.findings.iter().zip(self.findings).enumerate();
        let count = all().filter(|(_, (it, _))| takes(it)).count();
        if count == 0 {
            return;
        }
        page.element("details", &[("data-folded", &"")], |page| {
            let [one, many] = words;
            let words = if count == 1 { one.to_owned() } else { format!("{count} {many}") };
            page.leaf("summary", &[], words);
            for (number, (finding, view)) in all().filter(|(_, (it, _))| takes(it)) {
                self.finding(page, number, finding, view, sources);
            }
        });
    }

    fn tools(&self, page: &mut Markup, config: &Config) {
        let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
        for view in self.findings {
            *kinds.entry(Kind::of(view)).or_default() += 1;
        }
        if !self.open.is_empty() {
            kinds.insert(Kind::Open, self.open.len());
        }
        let form = [
            ("class", &"tools" as &dyn std::fmt::Display),
            ("hidden", &""),
            ("data-needs-script", &""),
            ("aria-label", &"Which findings are shown"),
        ];
        page.element("form", &form, |page| {
            page.element("fieldset", &[], |page| {
                page.leaf("legend", &[], "Kind");
                for (kind, count) in kinds {
                    page.element("label", &[("class", &"tick")], |page| {
                        let value = kind.as_str();
                        page.empty(
                            "input",
                            &[("type", &"checkbox"), ("value", &value), ("checked", &"")],
                        );
                        page.text(format!("{} ({count})", kind.words()));
                    });
                }
            });
            let vms: BTreeSet<usize> = self.vms_said_of();
            let vms = vms.into_iter().map(|vm| (vm.to_string(), config.vms[vm].name.clone()));
            select(page, "vm", "Virtual machine", vms.collect());
            let codes: BTreeSet<(&str, &str)> = self
                .findings
                .iter()
                .map(|it| (it.code, it.name))
                .chain(self.open.iter().map(|it| (it.code, it.name)))
                .collect();
            let codes = codes.into_iter();
            let codes = codes.map(|(code, name)| (code.to_owned(), format!("{code} {name}")));
            select(page, "code", "Code", codes.collect());
            search(page);
        });
    }

    fn vms_said_of(&self) -> BTreeSet<usize> {
        let Some((judged, ..)) = self.report.judged else { return BTreeSet::new() };
        let findings = judged.findings.iter().flat_map(|it| it.vm.iter().chain(&it.also).copied());
        findings.chain(judged.undetermined.iter().filter_map(|it| it.vm)).collect()
    }

    fn finding(
        &self,
        page: &mut Markup,
        number: usize,
        finding: &Finding,
        view: &FindingView,
        sources: &Sources,
    ) {
        let sign = Sign::from(finding.severity);
        let vms: Vec<String> =
            finding.vm.iter().chain(&finding.also).map(ToString::to_string).collect();
        let (class, id) = (format!("panel finding {}", sign.class()), format!("f-{number}"));
        let vms = vms.join(" ");
        let kind = Kind::of(view).as_str();
        let attributes: [Attribute; 6] = [
            ("class", &class),
            ("id", &id),
            ("data-item", &""),
            ("data-kind", &kind),
            ("data-vm", &vms),
            ("data-code", &view.code),
        ];
        page.element("article", &attributes, |page| {
            page.element("h3", &[], |page| {
                badge(page, sign, &parts::capital(view.severity));
                page.leaf("span", &[], &view.message);
            });
            self.subject(page, view.code, finding.vm, view.node.as_deref(), view.device.as_deref());
            if let Some(cause) = view.caused_by {
                let device = view.caused_by_device.as_deref();
                let device = device.map(|device| format!(" of {device}")).unwrap_or_default();
                page.leaf("p", &[], format!("Follows from {cause}{device}."));
            }
            if let Some(ignored) = &view.ignored {
                page.leaf("p", &[], format!("Ignored: {}", ignored.reason));
            }
            if let Some(place) = finding.place {
                let look = [
                    ("tabindex", &"0" as &dyn std::fmt::Display),
                    ("role", &"group"),
                    ("aria-label", &"The place in the configuration"),
                ];
                let paint = Paint { colour: false, unicode: true, width: None, rules_page: None };
                page.leaf("pre", &look, snippet::show(sources, place, None, paint));
            }
            for sentence in &view.details {
                page.leaf("p", &[], sentence);
            }
            if !view.evidence.is_empty() {
                page.leaf("h4", &[], "What was read");
                parts::evidence(page, &view.evidence);
            }
            self.related(page, view);
            self.followers(page, finding);
            for remedy in &view.remedy {
                to_do(page, remedy);
            }
        });
        page.raw("\n");
    }

    /// Code, VM and device, each as a link.
    fn subject(
        &self,
        page: &mut Markup,
        code: &str,
        vm: Option<usize>,
        name: Option<&str>,
        device: Option<&str>,
    ) {
        page.element("p", &[("class", &"subject")], |page| {
            parts::code(page, code);
            if let (Some(vm), Some(name)) = (vm, name) {
                page.text(" · ");
                page.leaf("a", &[("href", &format!("#vm-{vm}"))], format!("VM {name}"));
            }
            if let Some(address) = device.and_then(|device| device.parse().ok()) {
                page.text(" · ");
                self.device(page, address);
            }
        });
    }

    fn related(&self, page: &mut Markup, view: &FindingView) {
        if view.related.is_empty() {
            return;
        }
        page.leaf("h4", &[], "See also");
        page.element("ul", &[("class", &"plain")], |page| {
            for related in &view.related {
                page.element("li", &[], |page| {
                    page.text(&related.message);
                    if let Some(Location { file, line, column }) = &related.location {
                        page.text(format!(" ({file}:{line}:{column})"));
                    }
                    if let Some(address) = related.device.as_ref().and_then(|it| it.parse().ok()) {
                        page.text(" ");
                        self.device(page, address);
                    }
                });
            }
        });
    }

    /// What follows from this finding, each as a link.
    fn followers(&self, page: &mut Markup, cause: &Finding) {
        let Some((judged, ..)) = self.report.judged else { return };
        let follows = |other: &Finding| {
            other.caused_by.is_some_and(|by| {
                by.code == cause.code
                    && (by.device.is_none() || (by.device, other.vm) == (cause.device, cause.vm))
            })
        };
        if !cause.stands() {
            return;
        }
        let all: Vec<(usize, &Finding)> =
            judged.findings.iter().enumerate().filter(|(_, it)| follows(it)).collect();
        if all.is_empty() {
            return;
        }
        page.leaf("h4", &[], "So also");
        page.element("ul", &[("class", &"plain")], |page| {
            for (number, follower) in all.iter().take(FOLLOWERS) {
                page.element("li", &[], |page| {
                    let words = format!("{}: {}", follower.code, follower.message);
                    page.leaf("a", &[("href", &format!("#f-{number}"))], words);
                });
            }
            if all.len() > FOLLOWERS {
                page.leaf("li", &[], format!("and {} more", all.len() - FOLLOWERS));
            }
        });
    }

    fn open_check(
        &self,
        page: &mut Markup,
        number: usize,
        vm: Option<usize>,
        view: &UndeterminedView,
    ) {
        let id = format!("u-{number}");
        let vms = vm.map(|vm| vm.to_string()).unwrap_or_default();
        let attributes: [Attribute; 6] = [
            ("class", &"panel finding open"),
            ("id", &id),
            ("data-item", &""),
            ("data-kind", &Kind::Open.as_str()),
            ("data-vm", &vms),
            ("data-code", &view.code),
        ];
        page.element("article", &attributes, |page| {
            page.element("h3", &[], |page| {
                badge(page, Sign::Open, "Undetermined");
                page.leaf("span", &[], format!("{} could not be told", view.name));
            });
            self.subject(page, view.code, vm, view.node.as_deref(), view.device.as_deref());
            for reason in view.reason.split("; ") {
                page.leaf("p", &[], reason);
            }
            let settle = match view.needs {
                Some("root") => "To settle it: run as root.",
                Some(_) => "To settle it: capture these paths too, or run on the host itself.",
                None => "",
            };
            if !settle.is_empty() {
                page.leaf("p", &[], settle);
            }
            if let Some(ignored) = &view.ignored {
                page.leaf("p", &[], format!("Ignored: {}", ignored.reason));
            }
            if !view.decides {
                page.leaf("p", &[("class", &"muted")], "The verdict does not hang on it.");
            }
        });
        page.raw("\n");
    }
}

fn to_do(page: &mut Markup, remedy: &RemedyView) {
    page.element("div", &[("class", &"remedy")], |page| {
        page.leaf("h4", &[], "To do");
        page.leaf("p", &[], &remedy.text);
        if !remedy.commands.is_empty() {
            parts::commands(page, &remedy.commands);
        }
        if !remedy.undo.is_empty() {
            page.element("details", &[], |page| {
                page.leaf("summary", &[], "What takes it back");
                parts::commands(page, &remedy.undo);
            });
        }
    });
}

const MANY: usize = 100;
/// Of many the first are named.
const FOLLOWERS: usize = 12;

/// By which findings are told apart in the tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Error,
    Warning,
    Note,
    Open,
    Follows,
}

impl Kind {
    fn of(view: &FindingView) -> Self {
        match view.severity {
            _ if view.caused_by.is_some() => Self::Follows,
            it if it == Severity::Error.as_str() => Self::Error,
            it if it == Severity::Warning.as_str() => Self::Warning,
            _ => Self::Note,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
            Self::Open => "undetermined",
            Self::Follows => "follows",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Error => "Errors",
            Self::Warning => "Warnings",
            Self::Note => "Notes",
            Self::Open => "Undetermined",
            Self::Follows => "What follows",
        }
    }
}

/// A choice of one, or of all.
pub(super) fn select(
    page: &mut Markup,
    name: &'static str,
    label: &str,
    choices: Vec<(String, String)>,
) {
    if choices.len() < 2 {
        return;
    }
    page.element("label", &[("class", &"field")], |page| {
        page.text(label);
        page.element("select", &[("name", &name)], |page| {
            page.leaf("option", &[("value", &"")], "all");
            for (value, words) in choices {
                page.leaf("option", &[("value", &value)], words);
            }
        });
    });
}

/// The rest of the tools of any list: words to look for, and how many are shown.
pub(super) fn search(page: &mut Markup) {
    page.element("label", &[("class", &"field")], |page| {
        page.text("Text");
        page.empty("input", &[("type", &"search"), ("name", &"text")]);
    });
    page.leaf("button", &[("type", &"reset")], "Show all");
    page.leaf("output", &[("class", &"muted")], "");
}
