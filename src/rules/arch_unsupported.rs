//! AH101 arch-unsupported

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::Host;
use crate::host::fake::FakeHost;

pub static RULE: Rule = Rule {
    code: "AH101",
    name: "arch-unsupported",
    severities: &[Severity::Error],
    summary: "The host is no x86_64 machine.",
    why: "The rules of this program were read in the kernel's x86 code: groups, interrupts and firmware tables work otherwise elsewhere, so nothing it says would be sure.",
    remedy: "Run the VMs on an x86_64 host.",
    since: "0.1.0",
    reads: &["uname(2)", "Documentation/admin-guide/sysctl/kernel.rst (arch)"],
    check: Check::Host(check, "the architecture is supported"),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().on_arm()),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(host: &Host, answer: &mut Answer) {
    let Some(arch) = answer.learn(host.cpu.arch.required()) else { return };
    if arch == "x86_64" {
        answer.passed([host.cpu.arch.evidence()]);
    } else {
        let finding = Finding::new(format!("the host is {arch}, and only x86_64 is supported"));
        answer
            .find(finding.evidence([host.cpu.arch.evidence()]).remedy(Remedy::advice(RULE.remedy)));
    }
}
