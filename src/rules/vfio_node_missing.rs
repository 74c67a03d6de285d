//! AH108 vfio-node-missing

use super::driver::is_vfio;
use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Evidence, Gap, Group, Host, Reading};

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
            let groups = for_groups(host);
            match iommufd {
                _ if groups.is_complete() => {}
                Ok(true) => beside_iommufd(groups, for_devices(host), answer),
                Ok(false) => groups.tell(answer),
                Err(gap) => answer.gap(gap),
            }
        }
        (container, Ok(true)) => {
            answer.passed([vfio.iommufd_evidence(), vfio.cdev.evidence()]);
            let devices = for_devices(host);
            match container {
                Err(gap) if !devices.is_complete() => answer.gap(gap),
                _ => devices.tell(answer),
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

/// The nodes of one way to open VFIO that are missing, or not known to be there.
#[derive(Default)]
struct Nodes {
    missing: Vec<Finding>,
    unknown: Vec<Gap>,
}

impl Nodes {
    fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unknown.is_empty()
    }

    fn look_at<T>(&mut self, node: &Reading<T>, about: impl FnOnce(Finding) -> Finding) {
        match node.known() {
            Ok(Some(_)) => {}
            Ok(None) => self.missing.push(about(missing(node.evidence()))),
            Err(gap) => self.unknown.push(gap),
        }
    }

    fn tell(self, answer: &mut Answer) {
        self.missing.into_iter().for_each(|finding| answer.find(finding));
        self.unknown.into_iter().for_each(|gap| answer.gap(gap));
    }
}

/// Where nodes of groups are missing, those of devices may do: then it depends on the VMM.
fn beside_iommufd(mut groups: Nodes, mut devices: Nodes, answer: &mut Answer) {
    if devices.is_complete() {
        answer.at_most(Severity::Warning);
        let will_do = "A VM that opens its devices by /dev/iommu and their own nodes can have them; QEMU and libvirt take the group unless they are told otherwise.";
        groups.missing =
            groups.missing.into_iter().map(|finding| finding.detail(will_do)).collect();
    }
    if groups.missing.is_empty() {
        devices.missing.clear();
    } else if devices.missing.is_empty() {
        groups.missing =
            groups.missing.into_iter().map(|it| it.severity(Severity::Warning)).collect();
    }
    groups.tell(answer);
    devices.tell(answer);
}

/// What the kernel serves is of no use without the nodes to open: a container that was not given
/// them, or a /dev that nobody fills. Not asked of a directory, where nodes are often left out.
fn for_groups(host: &Host) -> Nodes {
    let mut nodes = Nodes::default();
    let Some(container) = &host.vfio.container_node else { return nodes };
    nodes.look_at(container, |finding| finding);
    for group in host.groups.values().filter(|group| is_on_vfio(host, group)) {
        nodes.look_at(&group.node, |finding| finding.group(group.id));
    }
    nodes
}

/// The same for IOMMUFD.
fn for_devices(host: &Host) -> Nodes {
    let mut nodes = Nodes::default();
    if host.vfio.container_node.is_none() {
        return nodes;
    }
    nodes.look_at(&host.vfio.iommufd, |finding| finding);
    for device in host.devices.values().filter(|device| is_vfio(device) == Ok(true)) {
        let Some(state) = &device.state else { continue };
        match host.cdevs.get(&device.address) {
            Some(node) => nodes.look_at(node, |finding| finding),
            // A kernel that serves nodes of devices names one of each: its absence tells nothing.
            None => nodes.unknown.extend(state.nodes.vfio.required().err()),
        }
    }
    nodes
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
