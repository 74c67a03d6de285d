//! AH109 hypervisor-is-xen-dom0

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::Host;
use crate::host::fake::FakeHost;

pub static RULE: Rule = Rule {
    code: "AH109",
    name: "hypervisor-is-xen-dom0",
    severities: &[Severity::Warning],
    summary: "The host is Xen's control domain.",
    why: "Under Xen the hypervisor owns the IOMMU, and devices are passed by Xen's own tools (xl, xen-pciback). This was inferred, not tried, so it is a warning.",
    remedy: "Pass devices with Xen's tools, or boot the kernel without Xen.",
    since: "0.1.0",
    reads: &[
        "drivers/xen/sys-hypervisor.c (/sys/hypervisor/type)",
        "drivers/xen/xenfs/super.c (capabilities: control_d)",
        "inferred: drivers/iommu finds no IOMMU that Xen keeps for itself",
    ],
    check: Check::Host(check, "the kernel is not Xen's control domain"),
    example: Example {
        speaks: Scene::host(|| {
            FakeHost::workstation()
                .file("/sys/hypervisor/type", "xen\n")
                .file("/proc/xen/capabilities", "control_d\n")
        }),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(host: &Host, answer: &mut Answer) {
    match answer.learn(host.xen_dom0.known()) {
        Some(Some(true)) => {
            let message = "the host is Xen's control domain, where VFIO is not available";
            let finding = Finding::new(message).severity(Severity::Warning);
            answer.find(
                finding.evidence([host.xen_dom0.evidence()]).remedy(Remedy::advice(RULE.remedy)),
            );
        }
        Some(_) => answer.passed([host.xen_dom0.evidence()]),
        None => {}
    }
}
