//! AH215 reserved-region

use super::example::Scene;
use super::{Check, Example, GroupCase, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Evidence, Gap, Host};

pub static RULE: Rule = Rule {
    code: "AH215",
    name: "reserved-region",
    severities: &[Severity::Error, Severity::Warning],
    summary: "The firmware demands memory that devices of the group must always reach.",
    why: "The firmware goes on using such memory behind the system's back (RMRR on Intel, unity mappings on AMD), so the device must not be cut off from it. Since 6.6 the kernel gives no device of the group away; before, it refuses on Intel, and on AMD lets it go at your own risk. Regions that graphics and USB functions only need while the firmware is at work (direct-relaxable) are no matter.",
    remedy: "Find the firmware's setting that makes the demand go away, or update the firmware; another slot may have none.",
    since: "0.1.0",
    reads: &[
        "Documentation/ABI/testing/sysfs-kernel-iommu_groups (reserved_regions)",
        "drivers/iommu/intel/iommu.c (intel_iommu_attach_device: EPERM where device_is_rmrr_locked, up to 6.5)",
        "drivers/iommu/iommu.c (require_direct, since 6.6)",
        "drivers/iommu/amd/iommu.c (amd_iommu_get_resv_regions)",
    ],
    check: Check::Group(check),
    example: Example {
        speaks: Scene::host(|| {
            FakeHost::workstation().reserved(16, "0x000000007d000000 0x000000007f7fffff direct\n")
        }),
        silent: Scene::host(|| {
            FakeHost::workstation()
                .reserved(16, "0x000000007d000000 0x000000007f7fffff direct-relaxable\n0x00000000fee00000 0x00000000feefffff msi\n")
        }),
    },
};

fn check(case: &GroupCase, answer: &mut Answer) {
    let is_bridge = |address| {
        let device = case.host.devices.get(address);
        device.is_some_and(|device| device.is_infrastructure() == Ok(true))
    };
    if case.wanted.iter().all(|wanted| is_bridge(&wanted.address.value)) {
        return;
    }
    // Where nothing of the IOMMU is known, AH105 says so.
    let iommu = &case.host.iommu;
    if iommu.instances.is_unknown() && iommu.groups.is_unknown() {
        return;
    }
    let severity = severity(case.host);
    if let Ok((severity, _)) = &severity {
        answer.at_most(*severity);
    }
    let regions = &case.group.direct_regions;
    // A live host without the file has no such region.
    let Some(Some(direct)) = answer.learn(regions.known()) else { return };
    let Some(first) = direct.first() else { return };
    let Some((severity, kind)) = answer.learn(severity) else { return };
    let more = match direct.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let finding = Finding::new(format!(
        "the firmware keeps memory for IOMMU group {} ({}{more})",
        case.group.id, first
    ))
    .severity(severity)
    .evidence([regions.evidence()])
    .evidence(kind);
    answer.find(match severity {
        Severity::Error => finding.detail("The kernel gives no device of this group to a VM (EPERM)."),
        _ => finding.detail("This kernel lets the VM have it; since 6.6 it refuses."),
    }.remedy(Remedy::advice(
        "Look in the firmware setup for what uses the device before the system does (option ROM, remote management, USB legacy support, a setting for RMRR), and switch it off; or update the firmware, or try another slot.",
    )));
}

/// How bad a region is, by the kernel's release and, before 6.6, by the kind of IOMMU, with what
/// was read for that.
fn severity(host: &Host) -> Result<(Severity, Option<Evidence>), Gap> {
    let release = host.release.required();
    if matches!(release, Ok(release) if release.at_least(6, 6)) {
        return Ok((Severity::Error, None));
    }
    let instances = &host.iommu.instances;
    let is_intel = instances.required()?.iter().any(|name| name.starts_with("dmar"));
    match release {
        _ if is_intel => Ok((Severity::Error, Some(instances.evidence()))),
        Ok(release) if release.keeps_its_number() => Err(host.release.unclear(
            "a kernel that carries backports",
            "one of which it is known whether it refuses the group",
        )),
        Ok(_) => Ok((Severity::Warning, Some(instances.evidence()))),
        Err(gap) => Err(gap),
    }
}
