//! AH218 vfio-node-no-access

use super::access;
use super::driver::is_vfio;
use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;

pub static RULE: Rule = Rule {
    code: "AH218",
    name: "vfio-node-no-access",
    severities: &[Severity::Warning],
    summary: "Whoever starts the VMs may not open the VFIO node of the device.",
    why: "QEMU opens /dev/vfio/N, or the device's own node under IOMMUFD, as the user it runs as. libvirt gives the node to that user by itself; who starts QEMU alone must do it. It is asked for the caller, or for the user that --as names; of a directory given with --root it is not asked.",
    remedy: "Start the VM through libvirt or as root, or give the node to the user with a udev rule.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/vfio_main.c (vfio_devnode: mode 0600)",
        "Documentation/driver-api/vfio.rst (chown of the group's node)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| {
            FakeHost::workstation().node("/dev/vfio/16", 0, 0, 0o600).called_by(1000)
        }),
        silent: Scene::host(FakeHost::workstation),
    },
};

/// The node is there only while a member of the group is on VFIO; before, AH207 and AH208 speak.
fn check(case: &DeviceCase, answer: &mut Answer) {
    answer.at_most(Severity::Warning);
    let Ok(Some(group)) = case.device.iommu_group.known() else { return };
    let group_node = case.host.groups.get(group).map(|group| &group.node);
    let cdev = case.host.cdevs.get(&case.device.address);
    let there = [group_node, cdev].into_iter().flatten().find(|it| !matches!(it.known(), Ok(None)));
    let Some(node) = there else {
        if is_vfio(case.device) == Ok(true) {
            case.device.unknown_nodes().into_iter().for_each(|gap| answer.gap(gap));
        }
        return;
    };
    if let Some(closed) = access::closed(node, case.host.user.as_ref(), answer) {
        let path = node.evidence().path;
        let message = format!("{} may not open {path}", closed.who);
        let finding = Finding::new(message).severity(Severity::Warning).detail(closed.why);
        let advice = Remedy::advice(
            "libvirt gives the node to QEMU's user by itself. QEMU alone: start it as root, or let a udev rule give the node away (SUBSYSTEM==\"vfio\", OWNER=\"USER\").",
        );
        let remedies = [advice].into_iter().chain(closed.at_once);
        answer.find(remedies.fold(finding.evidence([node.evidence()]), Finding::remedy));
    }
}
