//! AH106 interrupt-remapping-off

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Gap, Host, Reading};

pub static RULE: Rule = Rule {
    code: "AH106",
    name: "interrupt-remapping-off",
    severities: &[Severity::Error],
    summary: "Interrupts are not remapped, and VFIO insists on it.",
    why: "A device signals an interrupt by writing to memory. Without remapping, a VM's device can write any interrupt to the host, so VFIO refuses to attach the group (EPERM: \"Failed to set iommu for container\"), unless allow_unsafe_interrupts says that this risk is taken.",
    remedy: "Turn on interrupt remapping: take intremap=off and nointremap off the kernel's command line, and update the firmware.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/vfio_iommu_type1.c (vfio_iommu_type1_attach_group: EPERM, allow_unsafe_interrupts)",
        "drivers/iommu/iommufd/device.c (iommufd_group_setup_msi, allow_unsafe_interrupts)",
        "arch/x86/kernel/apic/io_apic.c, arch/x86/kernel/apic/msi.c (controllers named IR-)",
        "Documentation/admin-guide/kernel-parameters.txt (intremap, nointremap)",
    ],
    check: Check::Host(check, "interrupts are remapped, or VFIO does not insist on it"),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().interrupts("IO-APIC", "PCI-MSI")),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(host: &Host, answer: &mut Answer) {
    // Elsewhere interrupts are kept apart by other means, and AH101 stops at those machines.
    if matches!(host.cpu.arch.known(), Ok(Some(arch)) if arch != "x86_64") {
        return answer.not_judged(host.cpu.arch.evidence());
    }
    let remapped = &host.interrupts.remapped;
    match answer.learn(remapped.required()) {
        Some(true) => answer.passed([remapped.evidence()]),
        Some(false) => match unsafe_allowed(host) {
            Ok(true) => answer.passed([remapped.evidence()].into_iter().chain(parameters(host))),
            Ok(false) => answer.find(finding(host)),
            Err(gap) => answer.gap(gap),
        },
        None => {}
    }
}

/// Whether the container that will serve the VM lets the device in without remapping: type1 where
/// it is at work, which QEMU and libvirt use unless they are told to use IOMMUFD.
fn unsafe_allowed(host: &Host) -> Result<bool, Gap> {
    let interrupts = &host.interrupts;
    match (interrupts.type1_unsafe.known()?, interrupts.iommufd_unsafe.known()?) {
        (Some(true), _) | (None, Some(true)) => Ok(true),
        (Some(false), Some(true)) => {
            let found = "N, while iommufd has Y";
            Err(interrupts
                .type1_unsafe
                .unclear(found, "the same for both, or to know which the VM uses"))
        }
        _ => Ok(false),
    }
}

fn parameters(host: &Host) -> impl Iterator<Item = crate::host::Evidence> {
    let both = [&host.interrupts.type1_unsafe, &host.interrupts.iommufd_unsafe];
    both.into_iter().filter(|it| !matches!(it.known(), Ok(None))).map(Reading::evidence)
}

fn finding(host: &Host) -> Finding {
    let mut finding = Finding::new("interrupts are not remapped, so VFIO gives no device to a VM")
        .evidence([host.interrupts.remapped.evidence()])
        .evidence(parameters(host));
    let line = host.command_line.known().ok().flatten();
    let turned_off = line.and_then(|line| {
        let off = line.last_of("intremap", &["on", "off"]) == Some("off");
        let no = line.values("nointremap").next().is_some();
        if off { Some("intremap=off") } else { no.then_some("nointremap") }
    });
    finding = match turned_off {
        Some(word) => finding
            .detail(format!("The kernel's command line turns it off: {word}."))
            .evidence([host.command_line.evidence()])
            .remedy(crate::remedy::without_kernel_parameter(word)),
        None => finding.remedy(Remedy {
            text: "Update the firmware, and turn on x2APIC and interrupt remapping in its setup; the kernel log says why it is off.".to_owned(),
            commands: vec!["dmesg | grep -iE 'remapping|x2apic|dmar|amd-vi'".to_owned()],
            ..Remedy::default()
        }),
    };
    let there = |parameter: &Reading<bool>| matches!(parameter.known(), Ok(Some(_)));
    let module = if there(&host.interrupts.type1_unsafe) {
        "vfio_iommu_type1"
    } else if there(&host.interrupts.iommufd_unsafe) {
        "iommufd"
    } else {
        return finding;
    };
    let parameter = format!("/sys/module/{module}/parameters/allow_unsafe_interrupts");
    finding.remedy(Remedy {
        text: "Or take the risk that a VM sends interrupts of its choice to the host, until the next boot, as root: only for VMs that you trust as the host itself.".to_owned(),
        commands: vec![format!("echo Y > {parameter}")],
        undo: vec![format!("echo N > {parameter}")],
..Remedy::default()
})
}
