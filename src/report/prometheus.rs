//! Prometheus' text format, for the textfile collector of its node exporter.
//!
//! Source: Prometheus, *Exposition formats*, text-based format 0.0.4.

use std::collections::BTreeMap;

use super::view::{Summary, TOOL};
use crate::config::Config;
use crate::inventory::{Inventory, Passthrough};
use crate::policy::{Judged, Verdict};
use crate::rules::Checked;

const VERDICTS: [Verdict; 3] = [Verdict::Ready, Verdict::Undetermined, Verdict::Blocked];

/// The verdict of the plan and of each VM.
pub fn validate(judged: &Judged, config: &Config) -> String {
    let mut page = Page::default();
    page.judged(judged);
    page.family("ai_how_node_verdict", "Whether a VM gets its devices: 1 at what is so.");
    // A name that stands twice must not be a sample twice; the worse is told.
    let mut nodes: BTreeMap<(&str, &str), Verdict> = BTreeMap::new();
    for (vm, verdict) in config.vms.iter().zip(&judged.vms) {
        let node = nodes.entry((vm.cluster.as_deref().unwrap_or_default(), &vm.name)).or_default();
        *node = verdict.verdict.max(*node);
    }
    for ((cluster, node), verdict) in nodes {
        for each in VERDICTS {
            page.sample(
                "ai_how_node_verdict",
                &[("cluster", cluster), ("node", node), ("verdict", each.as_str())],
                usize::from(each == verdict),
            );
        }
    }
    page.text
}

/// The verdict of the host, and each question.
pub fn doctor(judged: &Judged, checks: &[Checked]) -> String {
    let mut page = Page::default();
    page.judged(judged);
    page.family("ai_how_check", "Whether a bad state was found: 1 at what is so.");
    for check in checks {
        for (word, answer) in [("no", Some(true)), ("yes", Some(false)), ("unknown", None)] {
            page.sample(
                "ai_how_check",
                &[("code", check.rule.code), ("found", word), ("name", check.rule.name)],
                usize::from(check.answer == answer),
            );
        }
    }
    page.text
}

/// How many functions of each type are in which state, and the state of each that is no bridge.
pub fn inventory(inventory: &Inventory) -> String {
    let mut page = Page::default();
    page.info();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in &inventory.rows {
        *counts.entry((row.device_type.as_str(), row.passthrough.as_str())).or_default() += 1;
    }
    page.family("ai_how_pci_functions", "Functions by type and by whether they can be passed.");
    for ((device_type, passthrough), count) in counts {
        page.sample(
            "ai_how_pci_functions",
            &[("device_type", device_type), ("passthrough", passthrough)],
            count,
        );
    }
    page.family("ai_how_pci_function_info", "A function that is no bridge; always 1.");
    for row in inventory.rows.iter().filter(|row| row.passthrough != Passthrough::Never) {
        let device = row.device;
        let id = |id: &crate::host::Reading<crate::pci::PciId>| {
            id.known().ok().flatten().map(ToString::to_string).unwrap_or_default()
        };
        let group = device.iommu_group.known().ok().flatten();
        page.sample(
            "ai_how_pci_function_info",
            &[
                ("address", &device.address.to_string()),
                ("device_id", &id(&device.device)),
                ("device_type", row.device_type.as_str()),
                ("driver", &super::view::text(&device.driver).unwrap_or_default()),
                ("iommu_group", &group.map(ToString::to_string).unwrap_or_default()),
                ("passthrough", row.passthrough.as_str()),
                ("vendor_id", &id(&device.vendor)),
            ],
            1,
        );
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn judged(&mut self, judged: &Judged) {
        self.info();
        self.family("ai_how_verdict", "The answer: 1 at what is so.");
        for each in VERDICTS {
            let is = usize::from(each == judged.verdict);
            self.sample("ai_how_verdict", &[("verdict", each.as_str())], is);
        }
        let summary = Summary::new(judged);
        self.family("ai_how_findings", "Findings that follow from no other.");
        for (severity, count) in
            [("error", summary.errors), ("note", summary.notes), ("warning", summary.warnings)]
        {
            self.sample("ai_how_findings", &[("severity", severity)], count);
        }
        self.family("ai_how_undetermined", "Checks that could not be answered.");
        self.sample("ai_how_undetermined", &[], summary.undetermined);
        self.family("ai_how_ignored", "Findings and open checks that are passed over.");
        self.sample("ai_how_ignored", &[], summary.ignored);
    }

    fn info(&mut self) {
        self.family("ai_how_info", "The program that wrote this; always 1.");
        self.sample("ai_how_info", &[("version", TOOL.version)], 1);
    }

    fn family(&mut self, name: &str, help: &str) {
        self.text += &format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: usize) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.text += &format!("{name}{labels} {value}\n");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
