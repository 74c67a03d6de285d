//! AH108 vfio-node-missing

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Gap, Host};

pub static RULE: Rule = Rule {
    code: "AH108",
    name: "vfio-node-missing",
    severities: &[Severity::Error],
    summary: "The kernel serves neither VFIO's container nor IOMMUFD with devices of their own.",
    why: "A VM opens /dev/vfio/vfio (the container), or /dev/iommu together with a node for each device. The node /dev/vfio/vfio is made at boot whether or not the kernel serves it, so it proves nothing: what counts is that the kernel registered it.",
    remedy: "Load vfio, or boot a kernel with CONFIG_VFIO_CONTAINER, or with CONFIG_IOMMUFD and CONFIG_VFIO_DEVICE_CDEV.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/container.c (vfio_container_init: the misc device vfio), drivers/vfio/vfio_main.c before 6.2",
        "drivers/iommu/iommufd/main.c (the misc devices iommu, and vfio with CONFIG_IOMMUFD_VFIO_CONTAINER)",
        "drivers/vfio/Kconfig (VFIO_DEVICE_CDEV, since 6.6)",
    ],
    check: Check::Host(check, "VFIO's container, or IOMMUFD with devices, is served"),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().without("/sys/class/misc/vfio")),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(host: &Host, answer: &mut Answer) {
    let vfio = &host.vfio;
    match (vfio.container.known(), iommufd_serves_devices(host)) {
        (Ok(Some(())), _) => answer.passed([vfio.container.evidence()]),
        (_, Ok(true)) => answer.passed([vfio.iommufd.evidence(), vfio.cdev.evidence()]),
        (Ok(None), Ok(false)) => {
            let message = "the kernel serves neither /dev/vfio/vfio nor /dev/iommu with devices";
            let finding = Finding::new(message).evidence([
                vfio.container.evidence(),
                vfio.iommufd.evidence(),
                vfio.cdev.evidence(),
            ]);
            answer.find(finding.remedy(Remedy::advice(RULE.remedy)));
        }
        (container, iommufd) => {
            for gap in [container.err(), iommufd.err()].into_iter().flatten() {
                answer.gap(gap);
            }
        }
    }
}

/// The folder of the devices' nodes is there only while one is on VFIO; the kernel's configuration
/// tells it before.
fn iommufd_serves_devices(host: &Host) -> Result<bool, Gap> {
    if host.vfio.iommufd.known()?.is_none() {
        return Ok(false);
    }
    if host.vfio.cdev.known()?.is_some() {
        return Ok(true);
    }
    let Some(modules) = &host.modules else { return Ok(false) };
    Ok(modules.build.required()?.is_built_in("CONFIG_VFIO_DEVICE_CDEV"))
}
