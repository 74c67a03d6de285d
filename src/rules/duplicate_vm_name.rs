//! AH024 duplicate-vm-name

use std::collections::BTreeMap;

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule};
use crate::config::Config;
use crate::finding::{Answer, Finding, Related, Severity};
use crate::source::Span;

pub static RULE: Rule = Rule {
    code: "AH024",
    name: "duplicate-vm-name",
    severities: &[Severity::Error],
    summary: "Two VMs of one cluster have one name.",
    why: "libvirt and every report know a VM by its name; the second cannot be defined.",
    remedy: "Give each VM a name of its own.",
    since: "0.1.0",
    reads: &["https://libvirt.org/formatdomain.html (name: unique on a host)"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - {name: a, pcie_passthrough: {}}\n  - {name: a, pcie_passthrough: {}}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    let mut seen: BTreeMap<(Option<&str>, &str), Span> = BTreeMap::new();
    for (index, vm) in config.vms.iter().enumerate().filter(|(_, vm)| vm.named) {
        let key = (vm.cluster.as_deref(), vm.name.as_str());
        if let Some(first) = seen.get(&key) {
            let finding =
                Finding::new(format!("two VMs are named {}", vm.name)).vm(index).at(vm.span);
            answer.find(finding.related(Related::place("the first of them", *first)));
        }
        seen.entry(key).or_insert(vm.span);
    }
}
