//! AH108 vfio-node-missing

use super::driver::is_vfio;
use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Evidence, Gap, Group, Host};

pub static RULE: Rule = Rule {
    code: "AH108",
    name: "vfio-node-missing",
    severities: &[Severity::Error],
    summary: "The nodes by which a VM opens VFIO are not served, or not there.",
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
        (Ok(Some(())), iommufd) => {
            answer.passed([vfio.container.evidence()]);
            if iommufd != Ok(true) {
                nodes(host, answer);
            }
        }
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

/// What the kernel serves is of no use without the nodes to open: a container that was not given
/// them, or a /dev that nobody fills. Not asked of a directory, where nodes are often left out.
fn nodes(host: &Host, answer: &mut Answer) {
    let Some(container) = &host.vfio.container_node else { return };
    if let Some(None) = answer.learn(container.known()) {
        answer.find(missing(container.evidence()));
    }
    for group in host.groups.values().filter(|group| is_on_vfio(host, group)) {
        if let Ok(None) = group.node.known() {
            answer.find(missing(group.node.evidence()).group(group.id));
        }
    }
}

fn missing(evidence: Evidence) -> Finding {
    Finding::new(format!("the node {} does not exist, so no VM can open it", evidence.path))
        .evidence([evidence])
        .remedy(Remedy::advice("In a container, give it the nodes in /dev/vfio. On the host they come with devtmpfs: mount it on /dev, or let udev make them."))
}

/// The kernel makes a group's node while a member is on VFIO; one of no-IOMMU mode has another.
fn is_on_vfio(host: &Host, group: &Group) -> bool {
    let members = host.members.get(&group.id).into_iter().flat_map(|members| &members.known);
    let on_vfio = members
        .filter_map(|member| host.devices.get(member))
        .any(|device| is_vfio(device) == Ok(true));
    on_vfio && matches!(group.name.known(), Ok(None))
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
