//! AH005 pci-address-invalid

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule, problem};
use crate::config::{Config, ProblemKind};
use crate::finding::{Answer, Severity};

pub static RULE: Rule = Rule {
    code: "AH005",
    name: "pci-address-invalid",
    severities: &[Severity::Error],
    summary: "A PCI address is not one.",
    why: "An address names exactly one function: domain, bus, device and function in hexadecimal, 0000:01:00.0.",
    remedy: "Copy the address from `ai-how inventory pcie`, and put it in quotes.",
    since: "0.1.0",
    reads: &[
        "drivers/pci/probe.c (pci_setup_device names a function %04x:%02x:%02x.%d)",
        "https://yaml.org/type/int.html (YAML 1.1 reads 0000:01:00.0 as a number to the base 60)",
    ],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - name: a\n    pcie_passthrough:\n      enabled: true\n      devices:\n        - {pci_address: \"01:00.0\", device_type: gpu}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    problem::report(config, ProblemKind::Address, answer);
}
