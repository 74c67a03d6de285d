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
    severities: &[Severity::Error, Severity::Warning],
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
            let missing = for_groups(host, answer);
            match iommufd {
                _ if missing.is_empty() => {}
                Ok(true) => beside_iommufd(host, missing, answer),
                Ok(false) => missing.into_iter().for_each(|finding| answer.find(finding)),
                Err(gap) => answer.gap(gap),
            }
        }
        (container, Ok(true)) => {
            answer.passed([vfio.iommufd_evidence(), vfio.cdev.evidence()]);
            let missing = for_devices(host, answer);
            match container {
                Err(gap) if !missing.is_empty() => answer.gap(gap),
                _ => missing.into_iter().for_each(|finding| answer.find(finding)),
            }
        }
        (Ok(None), Ok(false)) => {
            let message = "the kernel serves neither /dev/vfio/vfio nor /dev/iommu with devices";
            let finding = Finding::new(message).evidence([
                vfio.container.evidence(),
                vfio.iommufd_evidence(),
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

/// Where nodes of groups are missing, those of devices may do: then it depends on the VMM.
fn beside_iommufd(host: &Host, missing: Vec<Finding>, answer: &mut Answer) {
    let others = for_devices(host, answer);
    let will_do = others.is_empty();
    for finding in missing.into_iter().chain(others) {
        answer.find(if will_do {
            finding
                .severity(Severity::Warning)
                .detail("A VM that opens its devices by /dev/iommu and their own nodes can have them; QEMU and libvirt take the group unless they are told otherwise.")
        } else {
            finding
        });
    }
}

/// What the kernel serves is of no use without the nodes to open: a container that was not given
/// them, or a /dev that nobody fills. Not asked of a directory, where nodes are often left out.
fn for_groups(host: &Host, answer: &mut Answer) -> Vec<Finding> {
    let Some(container) = &host.vfio.container_node else { return Vec::new() };
    let mut found = Vec::new();
    if let Some(None) = answer.learn(container.known()) {
        found.push(missing(container.evidence()));
    }
    for group in host.groups.values().filter(|group| is_on_vfio(host, group)) {
        if let Ok(None) = group.node.known() {
            found.push(missing(group.node.evidence()).group(group.id));
        }
    }
    found
}

/// The same for IOMMUFD.
fn for_devices(host: &Host, answer: &mut Answer) -> Vec<Finding> {
    if host.vfio.container_node.is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    if let Some(None) = answer.learn(host.vfio.iommufd.known()) {
        found.push(missing(host.vfio.iommufd.evidence()));
    }
    let on_vfio = |address| host.devices.get(address).is_some_and(|it| is_vfio(it) == Ok(true));
    for (_, node) in host.cdevs.iter().filter(|(address, _)| on_vfio(address)) {
        if let Some(None) = answer.learn(node.known()) {
            found.push(missing(node.evidence()));
        }
    }
    found
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
    if !host.vfio.serves_iommufd()? {
        return Ok(false);
    }
    if host.vfio.cdev.known()?.is_some() {
        return Ok(true);
    }
    let Some(modules) = &host.modules else { return Ok(false) };
    Ok(modules.build.required()?.is_built_in("CONFIG_VFIO_DEVICE_CDEV"))
}
