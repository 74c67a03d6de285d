//! AH008 devices-not-enabled

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule};
use crate::config::Config;
use crate::finding::{Answer, Finding, Remedy, Severity};

pub static RULE: Rule = Rule {
    code: "AH008",
    name: "devices-not-enabled",
    severities: &[Severity::Warning],
    summary: "Devices are listed, and passthrough is not enabled.",
    why: "The list is ignored: the VM starts without its devices, and nothing says so.",
    remedy: "Set enabled: true, or take the list out.",
    since: "0.1.0",
    reads: &["the configuration's schema, schema/cluster.schema.json"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - name: a\n    pcie_passthrough:\n      devices:\n        - {pci_address: \"0000:01:00.0\", device_type: gpu}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    for (index, vm) in config.vms.iter().enumerate() {
        let Some(passthrough) = &vm.passthrough else { continue };
        let enabled = passthrough.enabled.as_ref();
        if passthrough.listed == 0 || passthrough.is_enabled() || passthrough.unclear {
            continue;
        }
        let (word, place) = match enabled {
            Some(enabled) => ("false", enabled.span),
            None => ("missing", passthrough.devices_span.unwrap_or(passthrough.span)),
        };
        let message = format!("the devices of {} are ignored: `enabled` is {word}", vm.name);
        let message = Finding::new(message).severity(Severity::Warning);
        answer.find(
            message.vm(index).at(place).remedy(Remedy::advice(
                "Write `enabled: true` to pass them, or take the list out.",
            )),
        );
    }
}
