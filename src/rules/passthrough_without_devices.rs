//! AH007 passthrough-without-devices

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule};
use crate::config::Config;
use crate::finding::{Answer, Finding, Remedy, Severity};

pub static RULE: Rule = Rule {
    code: "AH007",
    name: "passthrough-without-devices",
    severities: &[Severity::Error],
    summary: "Passthrough is enabled and no device is listed.",
    why: "The VM would start without the device it was given the switch for.",
    remedy: "List the devices, or set enabled: false.",
    since: "0.1.0",
    reads: &["the configuration's schema, schema/cluster.schema.json"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - name: a\n    pcie_passthrough: {enabled: true, devices: []}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    for (index, vm) in config.vms.iter().enumerate() {
        let Some(passthrough) = &vm.passthrough else { continue };
        let Some(enabled) = passthrough.enabled.as_ref().filter(|enabled| enabled.value) else {
            continue;
        };
        if passthrough.listed == 0 && !passthrough.unclear {
            let message = format!("{} has passthrough enabled and lists no device", vm.name);
            answer.find(Finding::new(message).vm(index).at(enabled.span).remedy(Remedy::advice(
                "List the devices under `devices:`, or write `enabled: false`.",
            )));
        }
    }
}
