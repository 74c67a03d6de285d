//! AH503 acs-override

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{ACS_OVERRIDE, Host, Reading};

pub static RULE: Rule = Rule {
    code: "AH503",
    name: "acs-override",
    severities: &[Severity::Warning],
    summary: "IOMMU groups are smaller than the hardware promises.",
    why: "A kernel with the ACS override patch takes devices for isolated because pcie_acs_override says so. They may still reach each other past the IOMMU: a VM with one of them can then read and write what another VM or the host keeps in the memory of its neighbour, and nothing is seen of it. Most kernels do not know the parameter and pass it by; the kernel's log tells which, and where its beginning is gone that is not known.",
    remedy: "Take pcie_acs_override off the kernel's command line, and pass the groups that the hardware has; else give all devices that belong together by right to one VM.",
    since: "0.1.0",
    reads: &[
        "https://lkml.org/lkml/2013/5/30/513 (the patch: its parameter, its message in the log)",
        "drivers/pci/quirks.c, Documentation/admin-guide/kernel-parameters.txt (no such parameter in the kernel itself)",
        "drivers/iommu/iommu.c (pci_device_group: groups follow ACS)",
    ],
    check: Check::Host(check, "no missing ACS is overridden"),
    example: Example {
        speaks: Scene::host(|| {
            FakeHost::workstation()
                .command_line("quiet pcie_acs_override=downstream,multifunction")
                .kernel_log(&[
                    "Linux version 6.8.12-8-pve (builder@example) #1 SMP",
                    "Warning: PCIe ACS overrides enabled; This may allow non-IOMMU protected peer-to-peer DMA",
                ])
        }),
        silent: Scene::host(|| {
            FakeHost::workstation()
                .command_line("quiet pcie_acs_override=downstream,multifunction")
                .kernel_log(&["Linux version 6.12.1-amd64 (builder@example) #1 SMP"])
        }),
    },
};

fn check(host: &Host, answer: &mut Answer) {
    let line = &host.command_line;
    let Some(log) = &host.log else { return answer.passed([line.evidence()]) };
    let said = log.required();
    if let Ok(log_said) = said
        && log_said.acs_overridden().is_some()
    {
        return answer.find(finding(host));
    }
    let Some(asked) = answer.learn(line.required()) else { return };
    if !asked.values(ACS_OVERRIDE).any(is_heeded) {
        return answer.passed([line.evidence()]);
    }
    match said {
        // It is said before anything of it can be lost again, so this kernel does not know it.
        Ok(log_said) if log_said.is_from_the_start() => {
            answer.passed([log.evidence(), line.evidence()]);
        }
        _ if matches!(host.release.known(), Ok(Some(release)) if release.overrides_acs()) => {
            answer.find(finding(host));
        }
        Ok(_) => answer.gap(log.unclear("what came after the boot alone", "its beginning")),
        Err(gap) => answer.gap(gap),
    }
}

/// The words that the patch knows.
fn is_heeded(value: &str) -> bool {
    let known = |word: &str| {
        word.starts_with("downstream")
            || word.starts_with("multifunction")
            || word.starts_with("id:")
    };
    value.split(',').any(known)
}

fn finding(host: &Host) -> Finding {
    let log = host.log.iter().map(Reading::evidence);
    Finding::new("the kernel takes devices for isolated that do not promise to be")
        .severity(Severity::Warning)
        .detail("IOMMU groups may be smaller than what is really kept apart (pcie_acs_override).")
        .evidence(log)
        .evidence([host.command_line.evidence()])
        .remedy(Remedy::advice(
            "Take pcie_acs_override off the kernel's command line, restart, and see which groups the hardware has; put the device into a slot that is alone in its group. While it stays, give devices that would be one group without it only to VMs that you trust alike.",
        ))
}
