//! AH105 iommu-disabled

use std::collections::BTreeSet;

use super::example::Scene;
use super::kernel_cause::{self, Cause};
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Host, Reading};
use crate::remedy;

pub static RULE: Rule = Rule {
    code: "AH105",
    name: "iommu-disabled",
    severities: &[Severity::Error],
    summary: "No IOMMU is at work.",
    why: "A passed device reads and writes memory by itself. Only the IOMMU keeps it within the VM's own, so without it VFIO gives no device to a VM. The kernel's command line proves neither that it is on nor that it is off: what the kernel set up does.",
    remedy: "Turn on VT-d (Intel) or AMD-Vi/IOMMU (AMD) in the firmware setup; on Intel the kernel may need intel_iommu=on. AMD needs no parameter: amd_iommu=on does not exist.",
    since: "0.1.0",
    reads: &[
        "Documentation/ABI/testing/sysfs-class-iommu",
        "Documentation/ABI/testing/sysfs-kernel-iommu_groups",
        "Documentation/admin-guide/kernel-parameters.txt (intel_iommu, amd_iommu, iommu)",
        "drivers/iommu/intel/iommu.c, drivers/iommu/amd/init.c, arch/x86/kernel/pci-dma.c",
    ],
    check: Check::Host(check, "an IOMMU is at work"),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().iommu_off_in_firmware()),
        silent: Scene::host(FakeHost::workstation),
    },
};

/// On means that an IOMMU is registered and that it made groups; either missing is off.
fn check(host: &Host, answer: &mut Answer) {
    let iommu = &host.iommu;
    let instances =
        iommu.instances.known().map(|names| names.is_some_and(|names| !names.is_empty()));
    let groups = iommu.groups.known().map(|groups| groups.is_some_and(|groups| !groups.is_empty()));
    match (instances, groups) {
        (Ok(true), Ok(true)) => {
            answer.passed([iommu.instances.evidence(), iommu.groups.evidence()]);
        }
        (Ok(false), _) | (_, Ok(false)) => answer.find(finding(host)),
        (instances, groups) => {
            for gap in [instances.err(), groups.err()].into_iter().flatten() {
                answer.gap(gap);
            }
        }
    }
}

/// Whether it is known that no IOMMU is at work.
pub fn is_off(host: &Host) -> bool {
    let none = |reading: &Reading<Vec<String>>| {
        matches!(reading.known().map(|names| names.is_none_or(Vec::is_empty)), Ok(true))
    };
    let no_group = host.iommu.groups.known().map(|ids| ids.is_none_or(BTreeSet::is_empty));
    none(&host.iommu.instances) || no_group == Ok(true)
}

fn finding(host: &Host) -> Finding {
    let finding = Finding::new(
        "IOMMU is not enabled. Required kernel parameters: intel_iommu=on or amd_iommu=on",
    )
    .evidence([host.iommu.instances.evidence(), host.iommu.groups.evidence()]);
    match kernel_cause::find(host) {
        Ok((cause, shown)) => explain(host, finding.evidence(shown), &cause),
        Err(gap) => finding
            .detail(format!("The cause is not known ({gap})."))
            .remedy(Remedy::advice(RULE.remedy)),
    }
}

fn explain(host: &Host, finding: Finding, cause: &Cause) -> Finding {
    let vendor = host.cpu.vendor.known().ok().flatten().map(String::as_str);
    match cause {
        Cause::VirtualMachine => finding
            .detail("This host is itself a virtual machine, and was given no virtual IOMMU: no parameter of its kernel changes that.")
            .remedy(Remedy::advice("On the host of this VM, give it a virtual IOMMU (QEMU: -device intel-iommu,intremap=on,caching-mode=on with -machine q35,kernel-irqchip=split; libvirt: <iommu model='intel'/>), then boot it again.")),
        Cause::Firmware => {
            let setting = match vendor {
                Some("GenuineIntel") => "VT-d (Intel Virtualization Technology for Directed I/O)",
                Some("AuthenticAMD" | "HygonGenuine") => "IOMMU (AMD-Vi)",
                _ => "the IOMMU (VT-d on Intel, AMD-Vi on AMD)",
            };
            finding
                .detail(format!("The firmware tells the kernel of no IOMMU (no DMAR, IVRS or VIOT table): {setting} is off in the firmware setup, or the machine has none. No kernel parameter helps until it is on."))
                .remedy(remedy::iommu_on(setting, after_firmware(vendor)))
        }
        Cause::Parameter(parameter) => finding
            .detail(format!("The kernel's command line turns it off: {parameter}."))
            .remedy(remedy::without_kernel_parameter(parameter)),
        Cause::NotBuilt(option) => finding
            .detail(format!("The machine has an IOMMU, and this kernel was built without its driver ({option})."))
            .remedy(Remedy::advice(format!("Boot a kernel with {option}."))),
        Cause::OffByDefault => finding
            .detail("The machine has an Intel IOMMU, which this kernel leaves off unless it is asked for.")
            .remedy(remedy::kernel_parameter("intel_iommu=on")),
        Cause::Failed => finding
            .detail("The firmware tells of an IOMMU and nothing turns it off, so its initialisation failed: the kernel log says why.")
            .remedy(Remedy {
                text: "Look at the kernel log, as root; often a firmware update mends it.".to_owned(),
                commands: vec!["dmesg | grep -iE 'dmar|amd-vi|iommu'".to_owned()],
                ..Remedy::default()
            }),
    }
}

fn after_firmware(vendor: Option<&str>) -> &'static str {
    match vendor {
        Some("GenuineIntel") => " If it is still off then, the kernel also needs intel_iommu=on.",
        Some("AuthenticAMD" | "HygonGenuine") => {
            " No kernel parameter is needed then: amd_iommu=on does not exist."
        }
        _ => "",
    }
}
