//! AH502 noiommu-mode

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::Host;
use crate::host::fake::FakeHost;

pub static RULE: Rule = Rule {
    code: "AH502",
    name: "noiommu-mode",
    severities: &[Severity::Warning],
    summary: "VFIO gives devices to programs that no IOMMU watches.",
    why: "With enable_unsafe_noiommu_mode a device without an IOMMU group can be opened by a privileged program, and then reads and writes all memory of the host. The mode is there for programs such as DPDK, it taints the kernel, and it is of no use to a VM.",
    remedy: "Turn the mode off, and take it out of /etc/modprobe.d or off the kernel's command line.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/container.c, drivers/vfio/vfio_main.c (enable_unsafe_noiommu_mode)",
        "drivers/vfio/group.c (vfio_group_ioctl_get_device_fd: the kernel is tainted)",
        "drivers/vfio/Kconfig (VFIO_NOIOMMU)",
    ],
    check: Check::Host(check, "VFIO is not in no-IOMMU mode"),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().file(PARAMETER, "Y\n")),
        silent: Scene::host(FakeHost::workstation),
    },
};

const PARAMETER: &str = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";

/// No symptom of anything: also where an IOMMU is at work, the next device outside it is open.
fn check(host: &Host, answer: &mut Answer) {
    let mode = &host.vfio.noiommu_mode;
    match answer.learn(mode.known()) {
        Some(Some(true)) => answer.find(
            Finding::new("VFIO is in no-IOMMU mode, in which nothing keeps a device off the host's memory")
                .severity(Severity::Warning)
                .evidence([mode.evidence()])
                .remedy(Remedy {
                    text: "As root, if no program such as DPDK needs it: turn it off until the next boot. For good, take enable_unsafe_noiommu_mode out of /etc/modprobe.d and off the kernel's command line.".to_owned(),
                    commands: vec![format!("echo N > {PARAMETER}")],
                    undo: vec![format!("echo Y > {PARAMETER}")],
                    ..Remedy::default()
                }),
        ),
        Some(_) => answer.passed([mode.evidence()]),
        None => {}
    }
}
