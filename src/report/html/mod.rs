//! A report to look at: one file that loads nothing.
//!
//! *Invariant:* the page's own policy (`Content-Security-Policy`) allows its one style and its one
//! script, by their hashes, and no request at all. All else goes through [`Markup`], which escapes
//! it. Everything can be read without the script; what needs it is hidden until it runs.

mod codes;
mod devices;
mod findings;
mod hash;
mod parts;

use std::collections::BTreeSet;

use self::parts::{badge, shape};
use super::markup::Markup;
use super::picture::{self, Marks, Near, Scene, Sign, palette};
use super::text;
use super::view::{self, EvidenceView, FindingView, HostView, UndeterminedView};
use crate::config::Config;
use crate::host::Host;
use crate::inventory::{Card, Inventory};
use crate::pci::Address;
use crate::policy::{Judged, Verdict};
use crate::rules::Checked;
use crate::source::Sources;

/// What a page shows.
#[derive(Default)]
pub struct Report<'a> {
    /// The command that it is of.
    pub command: &'static str,
    pub host: Option<&'a Host>,
    /// What was judged; none for an inventory.
    pub judged: Option<(&'a Judged, &'a Config, &'a Sources)>,
    /// The questions of `doctor`.
    pub checks: &'a [Checked],
    /// The functions of the machine; none where no host was read.
    pub inventory: Option<&'a Inventory<'a>>,
    pub cards: &'a [Card<'a>],
}

const SCRIPT: &str = include_str!("script.js");

/// Without `<`, `>`, `&` and quotes, so that it is the same where it is escaped.
fn style() -> String {
    palette::variables() + include_str!("style.css") + picture::STYLE
}

pub fn page(report: &Report) -> String {
    let style = style();
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        hash::source(&style),
        hash::source(SCRIPT)
    );
    let marks = report.judged.map(|(judged, ..)| Marks::new(judged)).unwrap_or_default();
    let near = report.inventory.map(|it| picture::tree(it, &marks)).unwrap_or_default();
    let (findings, open) = report
        .judged
        .map(|(judged, config, sources)| view::said(judged, config, sources))
        .unwrap_or_default();
    let shown = report.inventory.map(|it| &it.rows).into_iter().flatten();
    let writer = Writer {
        report,
        marks: &marks,
        near: &near,
        findings: &findings,
        open: &open,
        shown: shown.map(|row| row.device.address).collect(),
    };
    let mut page = Markup::default();
    page.raw("<!DOCTYPE html>\n");
    page.element("html", &[("lang", &"en")], |page| {
        page.element("head", &[], |page| {
            page.empty("meta", &[("charset", &"utf-8")]);
            page.empty("meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &policy)]);
            let viewport = "width=device-width, initial-scale=1";
            page.empty("meta", &[("name", &"viewport"), ("content", &viewport)]);
            page.empty("meta", &[("name", &"color-scheme"), ("content", &"light dark")]);
            page.leaf("title", &[], format!("{} - ai-how {}", writer.headline(), report.command));
            page.leaf("style", &[], &style);
        });
        page.raw("\n");
        page.element("body", &[], |page| writer.body(page));
    });
    page.finish() + "\n"
}

struct Writer<'a> {
    report: &'a Report<'a>,
    marks: &'a Marks,
    near: &'a [Near<'a>],
    findings: &'a [FindingView],
    open: &'a [UndeterminedView],
    /// Functions that have a place in the page.
    shown: BTreeSet<Address>,
}

impl Writer<'_> {
    fn body(&self, page: &mut Markup) {
        page.leaf("a", &[("class", &"skip"), ("href", &"#main")], "Skip to the report");
        page.element("header", &[("class", &"top")], |page| {
            page.element("div", &[("class", &"brand")], |page| {
                page.text("ai-how ");
                page.leaf("span", &[], self.report.command);
            });
            colour_switch(page);
        });
        page.element("main", &[("id", &"main")], |page| {
            self.verdict(page);
            if self.report.checks.is_empty() {
                self.vms(page);
            } else {
                self.checks(page);
            }
            self.picture(page);
            if self.report.judged.is_some() {
                self.said(page);
            }
            self.devices(page);
            self.codes(page);
        });
        page.raw("\n");
        page.element("footer", &[], |page| {
            page.text(format!(
                "Written by ai-how {}. This page is one file and loads nothing.",
                view::TOOL.version
            ));
        });
        page.element(
            "dialog",
            &[("id", &"drawer"), ("aria-labelledby", &"drawer-title")],
            |page| {
                page.element("div", &[("class", &"drawer-head")], |page| {
                    page.leaf("h2", &[("id", &"drawer-title")], "Device");
                    page.leaf("button", &[("type", &"button"), ("id", &"drawer-close")], "Close");
                });
                page.element("div", &[("class", &"drawer-body"), ("id", &"drawer-body")], |_| {});
            },
        );
        page.element("div", &[("id", &"said"), ("role", &"status"), ("class", &"skip")], |_| {});
        page.raw("\n");
        page.element("script", &[], |page| page.raw(SCRIPT));
    }

    /// `Blocked`, or what an inventory counts.
    fn headline(&self) -> String {
        if let Some((judged, ..)) = self.report.judged {
            return parts::capital(judged.verdict.as_str());
        }
        let rows = self.report.inventory.map_or(0, |it| it.rows.len());
        text::counted(rows, "PCI function")
    }

    fn verdict(&self, page: &mut Markup) {
        let sign = self.report.judged.map_or(Sign::Quiet, |(judged, ..)| judged.verdict.into());
        let class = format!("panel verdict {}", sign.class());
        page.element("section", &[("class", &class), ("aria-labelledby", &"verdict")], |page| {
            page.element("h1", &[("id", &"verdict")], |page| {
                shape(page, sign);
                page.text(self.headline());
            });
            if let Some((judged, ..)) = self.report.judged {
                let counts = text::counts(judged);
                let counts = if counts.is_empty() {
                    "Nothing stands in the way.".to_owned()
                } else {
                    counts
                };
                page.leaf("p", &[("class", &"counts")], counts);
                if let Some(step) = text::first_step(judged) {
                    page.element("p", &[], |page| {
                        page.leaf("strong", &[], "First: ");
                        page.text(step);
                    });
                }
            } else if let Some(inventory) = self.report.inventory {
                let words = super::inventory::summary_line(inventory);
                page.leaf("p", &[("class", &"counts")], words);
            }
            self.about(page);
        });
        page.element("nav", &[("aria-label", &"Parts of this page")], |page| {
            page.element("ul", &[], |page| {
                for (id, words) in self.sections() {
                    page.element("li", &[], |page| {
                        page.leaf("a", &[("href", &format!("#{id}"))], words);
                    });
                }
            });
        });
        page.raw("\n");
    }

    fn sections(&self) -> Vec<(&'static str, &'static str)> {
        let mut sections = Vec::new();
        if !self.report.checks.is_empty() {
            sections.push(("checks", "Checks"));
        } else if self.has_vms() {
            sections.push(("vms", "Virtual machines"));
        }
        sections.push(("machine", "The machine"));
        if self.report.judged.is_some() {
            sections.push(("findings", "Findings"));
        }
        if !self.shown.is_empty() {
            sections.push(("devices", "Devices"));
        }
        if !self.said_codes().is_empty() {
            sections.push(("codes", "What the codes mean"));
        }
        sections
    }

    fn about(&self, page: &mut Markup) {
        let mut facts: Vec<(&str, String)> = Vec::new();
        if let Some(host) = self.report.host {
            let view = HostView::new(host);
            facts.push(("Host read from", view.root));
            let known = [
                ("Kernel", view.kernel),
                ("Architecture", view.arch),
                ("Processor", view.cpu_vendor),
            ];
            for (name, value) in known {
                facts.push((name, value.unwrap_or_else(|| "not known".to_owned())));
            }
        } else {
            facts.push(("Host", "none was read".to_owned()));
        }
        if let Some((_, _, sources)) = self.report.judged {
            let names: Vec<&str> = sources.names().collect();
            if !names.is_empty() {
                facts.push(("Configuration", names.join(", ")));
            }
        }
        page.element("dl", &[("class", &"about")], |page| {
            for (name, value) in facts {
                page.element("div", &[], |page| {
                    page.leaf("dt", &[], name);
                    page.leaf("dd", &[], value);
                });
            }
        });
    }

    fn has_vms(&self) -> bool {
        self.report.judged.is_some_and(|(_, config, _)| !config.vms.is_empty())
    }

    fn vms(&self, page: &mut Markup) {
        let Some((judged, config, _)) = self.report.judged.filter(|_| self.has_vms()) else {
            return;
        };
        section(page, "vms", "Virtual machines", |page| {
            page.element("ul", &[("class", &"plain vms")], |page| {
                for (number, (vm, verdict)) in config.vms.iter().zip(&judged.vms).enumerate() {
                    let sign = Sign::from(verdict.verdict);
                    let class = format!("panel {}", sign.class());
                    let id = format!("vm-{number}");
                    page.element("li", &[("class", &class), ("id", &id)], |page| {
                        page.element("h3", &[], |page| {
                            page.leaf("span", &[], &vm.name);
                            badge(page, sign, verdict.verdict.as_str());
                        });
                        if let Some(cluster) = &vm.cluster {
                            page.leaf("p", &[("class", &"muted")], format!("cluster {cluster}"));
                        }
                        self.vm_devices(page, &verdict.devices, vm.enabled_devices());
                    });
                }
            });
        });
    }

    fn vm_devices(
        &self,
        page: &mut Markup,
        devices: &[(Address, Verdict)],
        wanted: &[crate::config::Wanted],
    ) {
        if devices.is_empty() {
            page.leaf("p", &[("class", &"muted")], "wants no device");
            return;
        }
        page.element("ul", &[("class", &"plain")], |page| {
            for (address, verdict) in devices {
                let kind = wanted
                    .iter()
                    .find(|wanted| wanted.address.value == *address)
                    .and_then(|wanted| wanted.device_type.as_ref())
                    .map_or("", |kind| kind.value.as_str());
                page.element("li", &[], |page| {
                    self.device(page, *address);
                    page.leaf("span", &[("class", &"muted")], kind);
                    badge(page, Sign::from(*verdict), verdict.as_str());
                });
            }
        });
    }

    fn checks(&self, page: &mut Markup) {
        section(page, "checks", "Checks", |page| {
            page.element("div", &[("class", &"panel")], |page| {
                for check in self.report.checks {
                    let (sign, word) = match check.answer {
                        Some(true) => (Sign::Good, "ok"),
                        Some(false) => (Sign::Bad, "wrong"),
                        None => (Sign::Open, "not known"),
                    };
                    page.element("details", &[("class", &"check")], |page| {
                        page.element("summary", &[], |page| {
                            badge(page, sign, word);
                            page.text(" ");
                            page.leaf("span", &[], super::doctor::words(check));
                            page.text(" ");
                            page.leaf("span", &[("class", &"muted")], check.rule.code);
                        });
                        page.element("div", &[("class", &"inner")], |page| {
                            let read = check.evidence.iter().map(EvidenceView::new);
                            parts::evidence(page, &read.collect::<Vec<_>>());
                            page.element("p", &[], |page| parts::code(page, check.rule.code));
                        });
                    });
                }
            });
        });
    }

    fn picture(&self, page: &mut Markup) {
        section(page, "machine", "The machine", |page| {
            if let Some(host) = self.report.host
                && let Err(gap) = host.bus.known()
            {
                page.leaf("p", &[], format!("The PCI bus could not be listed: {gap}"));
            }
            let scroll = [
                ("class", &"scroll" as &dyn std::fmt::Display),
                ("tabindex", &"0"),
                ("role", &"region"),
                ("aria-label", &"Picture of the machine"),
            ];
            page.element("div", &scroll, |page| {
                let scene = Scene {
                    inventory: self.report.inventory,
                    marks: self.marks,
                    plan: self.plan(),
                };
                picture::inside(page, scene, self.near);
            });
            page.element("ul", &[("class", &"legend")], |page| {
                for (sign, word, words) in self.legend() {
                    page.element("li", &[], |page| {
                        badge(page, *sign, word);
                        page.text(" ");
                        page.text(words);
                    });
                }
                page.element("li", &[], |page| {
                    page.element("span", &[("class", &"swatch")], |_| {});
                    page.text("functions of one IOMMU group");
                });
                page.leaf("li", &[], "Alike functions are one box with a count.");
                page.leaf(
                    "li",
                    &[("hidden", &""), ("data-needs-script", &"")],
                    "Choose a box to see all that is known of it.",
                );
            });
        });
    }

    /// What is drawn beside the machine; `doctor` has judged the host alone.
    fn plan(&self) -> Option<(&Judged, &Config)> {
        let (judged, config, _) = self.report.judged.filter(|_| self.report.checks.is_empty())?;
        Some((judged, config))
    }

    fn legend(&self) -> &'static [(Sign, &'static str, &'static str)] {
        match self.plan() {
            Some(_) => &[
                (Sign::Good, "ready", "the VM gets it"),
                (Sign::Bad, "blocked", "it does not"),
                (Sign::Open, "undetermined", "not known"),
            ],
            None => &[
                (Sign::Good, "ready", "as it is"),
                (Sign::Note, "possible", "only binding is missing"),
                (Sign::Bad, "blocked", "something else is in the way"),
                (Sign::Open, "undetermined", "not known"),
            ],
        }
    }

    /// The address of a function, as a link where it has a place.
    fn device(&self, page: &mut Markup, address: Address) {
        if self.shown.contains(&address) {
            let target = format!("#d-{address}");
            page.leaf("a", &[("href", &target), ("class", &"mono")], address);
        } else {
            page.leaf("span", &[("class", &"mono")], address);
        }
    }
}

fn section(page: &mut Markup, id: &'static str, heading: &str, inside: impl FnOnce(&mut Markup)) {
    let head = format!("{id}-head");
    page.element("section", &[("id", &id), ("aria-labelledby", &head)], |page| {
        page.leaf("h2", &[("id", &head)], heading);
        inside(page);
    });
    page.raw("\n");
}

fn colour_switch(page: &mut Markup) {
    let switch = [
        ("class", &"switch" as &dyn std::fmt::Display),
        ("role", &"group"),
        ("aria-label", &"Colours"),
        ("hidden", &""),
        ("data-needs-script", &""),
    ];
    page.element("div", &switch, |page| {
        for (choice, words) in [("system", "System"), ("light", "Light"), ("dark", "Dark")] {
            let pressed = choice == "system";
            page.leaf(
                "button",
                &[("type", &"button"), ("data-theme-choice", &choice), ("aria-pressed", &pressed)],
                words,
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_is_the_same_where_it_is_escaped() {
        let mut page = Markup::default();
        page.text(style());
        assert_eq!(page.finish(), style());
        assert!(!SCRIPT.contains("</"), "it would end the script");
    }
}
