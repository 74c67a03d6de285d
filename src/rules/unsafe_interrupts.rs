//! AH501 unsafe-interrupts

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Host, Reading};

pub static RULE: Rule = Rule {
    code: "AH501",
    name: "unsafe-interrupts",
    severities: &[Severity::Warning],
    summary: "VFIO lets in devices whose interrupts nobody watches.",
    why: "With allow_unsafe_interrupts VFIO attaches a group although interrupts are not remapped. The VM that owns such a device can send the host any interrupt, as often as it likes, and with that stop it or take it over. Where interrupts are remapped the switch changes nothing, until the day they are not: then nobody is told.",
    remedy: "Turn on interrupt remapping, and take allow_unsafe_interrupts away where it is set (/etc/modprobe.d, the kernel's command line).",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/vfio_iommu_type1.c (allow_unsafe_interrupts, vfio_iommu_type1_attach_group)",
        "drivers/iommu/iommufd/device.c (allow_unsafe_interrupts, iommufd_group_setup_msi)",
    ],
    check: Check::Host(check, "VFIO insists on interrupts that are remapped"),
    example: Example {
        speaks: Scene::host(|| {
            let host = FakeHost::workstation().interrupts("IO-APIC", "PCI-MSIX-0000:02:00.0");
            host.file("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n")
        }),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(host: &Host, answer: &mut Answer) {
    let both = [
        ("vfio_iommu_type1", &host.interrupts.type1_unsafe),
        ("iommufd", &host.interrupts.iommufd_unsafe),
    ];
    let mut allowed = Vec::new();
    for (module, parameter) in both {
        match answer.learn(parameter.known()) {
            Some(Some(true)) => allowed.push((module, parameter)),
            Some(_) => answer.passed([parameter.evidence()]),
            None => {}
        }
    }
    if !allowed.is_empty() {
        answer.find(finding(host, &allowed));
    }
}

fn finding(host: &Host, allowed: &[(&str, &Reading<bool>)]) -> Finding {
    let modules: Vec<&str> = allowed.iter().map(|(module, _)| *module).collect();
    let message = format!("unsafe interrupts are allowed in {}", modules.join(" and "));
    let remapped = &host.interrupts.remapped;
    let mut finding = Finding::new(message)
        .severity(Severity::Warning)
        .detail(match remapped.known() {
            Ok(Some(true)) => {
                "Interrupts are remapped, so it changes nothing today; should they not be one day, nobody would be told."
            }
            Ok(Some(false)) => {
                "Interrupts are not remapped: a VM with a device can send any interrupt to the host."
            }
            Ok(None) | Err(_) => {
                "Where interrupts are not remapped, a VM with a device can send any interrupt to the host."
            }
        })
        .evidence(allowed.iter().map(|(_, parameter)| parameter.evidence()))
        .evidence([remapped.evidence()]);
    let set = |value| {
        let path = |module| format!("/sys/module/{module}/parameters/allow_unsafe_interrupts");
        modules.iter().map(|module| format!("echo {value} > {}", path(module))).collect()
    };
    if matches!(remapped.known(), Ok(Some(true))) {
        finding = finding.remedy(Remedy {
            text: "As root: take it back until the next boot.".to_owned(),
            commands: set("N"),
            undo: set("Y"),
            ..Remedy::default()
        });
    }
    finding.remedy(Remedy::advice(
        "For good: turn on interrupt remapping (AH106), and take allow_unsafe_interrupts out of /etc/modprobe.d and off the kernel's command line. Until then give devices only to VMs that you trust as the host itself.",
    ))
}
