//! Every function with its facts, in the order of the picture.

use std::collections::BTreeMap;

use super::findings::{search, select};
use super::parts::{self, badge};
use super::{Writer, section};
use crate::inventory::{Card, GroupRow, Row};
use crate::pci::Address;
use crate::report::cards::{CardView, bar_words, link_words};
use crate::report::inventory::DeviceView;
use crate::report::markup::{Attribute, Markup};
use crate::report::picture::{self, Branch, Mark};

/// Of a larger group the first members are named.
const MEMBERS_NAMED: usize = 16;

impl Writer<'_> {
    pub(super) fn devices(&self, page: &mut Markup) {
        let Some(inventory) = self.report.inventory.filter(|it| !it.rows.is_empty()) else {
            return;
        };
        let groups: BTreeMap<u32, &GroupRow> =
            inventory.groups.iter().map(|group| (group.group.id, group)).collect();
        section(page, "devices", "Devices", |page| {
            page.element("div", &[("class", &"panel"), ("data-list", &"")], |page| {
                let form: [Attribute; 4] = [
                    ("class", &"tools"),
                    ("hidden", &""),
                    ("data-needs-script", &""),
                    ("aria-label", &"Which devices are shown"),
                ];
                page.element("form", &form, |page| {
                    let types = inventory.rows.iter().map(|row| row.device_type.as_str());
                    let types: std::collections::BTreeSet<&str> = types.collect();
                    let types = types.into_iter().map(|it| (it.to_owned(), it.to_owned()));
                    select(page, "type", "Type", types.collect());
                    search(page);
                });
                for root in self.near.iter().flat_map(|near| &near.roots) {
                    self.branches(page, &root.boxes, &groups);
                }
            });
        });
    }

    fn branches(&self, page: &mut Markup, branches: &[Branch], groups: &BTreeMap<u32, &GroupRow>) {
        for branch in branches {
            self.branch(page, branch, groups);
            self.branches(page, &branch.below, groups);
        }
    }

    fn branch(&self, page: &mut Markup, branch: &Branch, groups: &BTreeMap<u32, &GroupRow>) {
        let planned = self.plan().is_some();
        let (sign, word) = picture::sign(branch, self.marks, planned);
        let (name, devices) = (picture::name(branch), picture::devices(branch));
        let title = format!("{devices} {name}");
        let findings = self.places_of_findings(branch);
        let kind = branch.first().device_type.as_str();
        let attributes: [Attribute; 5] = [
            ("class", &"device"),
            ("data-item", &""),
            ("data-type", &kind),
            ("data-title", &title),
            ("data-findings", &findings),
        ];
        page.element("details", &attributes, |page| {
            page.element("summary", &[], |page| {
                page.leaf("span", &[("class", &"mono")], &devices);
                page.text(" ");
                page.leaf("span", &[], &name);
                page.text(" ");
                badge(page, sign, word);
            });
            match branch.functions[..] {
                [row] => {
                    let id = format!("d-{}", row.device.address);
                    page.element("div", &[("class", &"inner"), ("id", &id)], |page| {
                        self.facts(page, row, groups);
                    });
                }
                _ => page.element("div", &[("class", &"inner")], |page| many(page, branch)),
            }
        });
        page.raw("\n");
    }

    /// What was said of a box, as the ids of its articles.
    fn places_of_findings(&self, branch: &Branch) -> String {
        let marks = branch.functions.iter().filter_map(|row| self.marks.of(row.device.address));
        let mut ids: Vec<String> = Vec::new();
        for mark in marks {
            ids.extend(mark.findings.iter().map(|number| format!("f-{number}")));
            ids.extend(mark.open.iter().map(|number| format!("u-{number}")));
        }
        ids.join(" ")
    }

    fn facts(&self, page: &mut Markup, row: &Row, groups: &BTreeMap<u32, &GroupRow>) {
        let view = DeviceView::new(row, groups);
        let mark = self.marks.of(row.device.address);
        page.element("dl", &[("class", &"facts")], |page| {
            if let Some(mark) = mark.filter(|mark| !mark.wanted.is_empty()) {
                self.wanted_by(page, mark);
            }
            let vendor = view.vendor_name.unwrap_or("not known");
            fact(page, "Name", &format!("{vendor} {}", view.device_name.unwrap_or("")));
            fact(page, "Passthrough", &picture::state(row));
            fact(page, "Driver", view.driver.as_deref().unwrap_or(unknown_or(row, "none")));
            if let Some(driver) = &view.driver_override {
                fact(page, "Driver override", driver);
            }
            self.group(page, row, groups);
            let class = view.class.as_deref().unwrap_or("not known");
            fact(page, "Class", &format!("{class} {}", view.class_name.unwrap_or("")));
            let ids = |a: &Option<String>, b: &Option<String>| {
                let part = |it: &Option<String>| it.clone().unwrap_or_else(|| "????".to_owned());
                format!("{}:{}", part(a), part(b))
            };
            fact(page, "Ids", &ids(&view.vendor_id, &view.device_id));
            if view.subsystem_vendor_id.is_some() {
                fact(page, "Subsystem", &ids(&view.subsystem_vendor_id, &view.subsystem_device_id));
            }
            if let Some(revision) = &view.revision {
                fact(page, "Revision", revision);
            }
            if let Some(node) = view.numa_node {
                fact(page, "NUMA node", &node.to_string());
            }
            self.address(page, "Below", view.parent.as_deref());
            self.address(page, "Physical function", view.physfn.as_deref());
            if !view.virtfns.is_empty() {
                fact(page, "Virtual functions", &view.virtfns.len().to_string());
            }
            if let Some(state) = &row.device.state
                && let Ok(Some(bars)) = state.bars.known()
                && !bars.is_empty()
            {
                fact(page, "Memory", &bars.iter().map(bar_words).collect::<Vec<_>>().join(", "));
            }
            if row.device.link.is_some() {
                fact(page, "Link", &link_words(row.device));
            }
            if let Some(methods) = &view.reset_methods {
                let methods = methods.join(", ");
                fact(page, "Reset", if methods.is_empty() { "none" } else { &methods });
            }
            if let Some(power) = &view.power_state {
                fact(page, "Power", power);
            }
            if view.boot_vga == Some(true) {
                fact(page, "Screen", "first at boot");
            }
            let card = |card: &&Card| card.gpu.device.address == row.device.address;
            if let Some(card) = self.report.cards.iter().find(card) {
                self.card(page, card);
            }
            for gap in &view.unreadable {
                fact(page, "Could not be read", &format!("{}: {}", gap.path, gap.error));
            }
        });
        if let Some(mark) = mark {
            self.links_to_findings(page, mark);
        }
    }

    fn wanted_by(&self, page: &mut Markup, mark: &Mark) {
        let Some((_, config, _)) = self.report.judged else { return };
        page.leaf("dt", &[], "Wanted by");
        page.element("dd", &[], |page| {
            for (vm, verdict) in &mark.wanted {
                let name = &config.vms[*vm].name;
                page.leaf("a", &[("href", &format!("#vm-{vm}"))], name);
                page.text(" ");
                badge(page, (*verdict).into(), verdict.as_str());
                page.text(" ");
            }
        });
    }

    fn group(&self, page: &mut Markup, row: &Row, groups: &BTreeMap<u32, &GroupRow>) {
        let Ok(Some(id)) = row.device.iommu_group.known() else {
            let unknown = row.device.iommu_group.is_unknown();
            fact(page, "IOMMU group", if unknown { "not known" } else { "none" });
            return;
        };
        page.leaf("dt", &[], "IOMMU group");
        page.element("dd", &[], |page| {
            page.text(id);
            let Some(group) = groups.get(id) else { return };
            let others = || group.members.iter().filter(|it| **it != row.device.address);
            if others().next().is_some() {
                page.text(", with");
            }
            for member in others().take(MEMBERS_NAMED) {
                page.text(" ");
                self.device(page, *member);
            }
            let more = others().count().saturating_sub(MEMBERS_NAMED);
            if more > 0 {
                page.text(format!(" and {more} more"));
            }
        });
    }

    fn address(&self, page: &mut Markup, name: &str, address: Option<&str>) {
        let Some(address) = address.and_then(|it| it.parse::<Address>().ok()) else { return };
        page.leaf("dt", &[], name);
        page.element("dd", &[], |page| self.device(page, address));
    }

    /// What belongs to a graphics card.
    fn card(&self, page: &mut Markup, card: &Card) {
        let view = CardView::new(card);
        for companion in &view.companions {
            self.address(page, companion.role, Some(&companion.address));
        }
        for output in &view.outputs {
            let monitor = match output.connected {
                Some(true) => "a monitor is on it",
                Some(false) => "no monitor",
                None => "not known whether a monitor is on it",
            };
            fact(page, "Output", &format!("{}: {monitor}", output.name));
        }
        for holder in &view.holders {
            let name = holder.name.as_deref().unwrap_or("a process");
            fact(page, "In use by", &format!("{name} ({})", holder.pid));
        }
    }

    fn links_to_findings(&self, page: &mut Markup, mark: &Mark) {
        let Some((judged, ..)) = self.report.judged else { return };
        if mark.findings.is_empty() && mark.open.is_empty() {
            return;
        }
        page.element("ul", &[("class", &"plain")], |page| {
            for number in &mark.findings {
                let finding = &judged.findings[*number];
                let words = format!("{}: {}", finding.code, finding.message);
                page.element("li", &[], |page| {
                    page.leaf("a", &[("href", &format!("#f-{number}"))], words);
                });
            }
            for number in &mark.open {
                let open = &judged.undetermined[*number];
                let words = format!("{}: {} could not be told", open.code, open.name);
                page.element("li", &[], |page| {
                    page.leaf("a", &[("href", &format!("#u-{number}"))], words);
                });
            }
        });
    }
}

/// A row for each function of a box that stands for several.
fn many(page: &mut Markup, branch: &Branch) {
    page.element("table", &[], |page| {
        page.element("thead", &[], |page| {
            page.element("tr", &[], |page| {
                for head in ["Address", "Ids", "Driver", "Group", "Passthrough"] {
                    page.leaf("th", &[("scope", &"col")], head);
                }
            });
        });
        page.element("tbody", &[], |page| {
            for row in &branch.functions {
                let device = row.device;
                let id = format!("d-{}", device.address);
                page.element("tr", &[("id", &id)], |page| {
                    page.leaf("td", &[("class", &"mono")], device.address);
                    let ids = [&device.vendor, &device.device].map(|id| {
                        crate::report::inventory::value(id)
                            .map_or_else(|| "????".to_owned(), |id| id.to_string())
                    });
                    page.leaf("td", &[("class", &"mono")], ids.join(":"));
                    page.leaf("td", &[], crate::report::inventory::driver_words(row));
                    let group = crate::report::inventory::number_or_unknown(&device.iommu_group);
                    page.leaf("td", &[], group);
                    page.leaf("td", &[], picture::state(row));
                });
            }
        });
    });
}

fn fact(page: &mut Markup, name: &str, value: &str) {
    page.leaf("dt", &[], parts::capital(name));
    page.leaf("dd", &[], value);
}

fn unknown_or(row: &Row, none: &'static str) -> &'static str {
    if row.device.driver.is_unknown() { "not known" } else { none }
}
