//! What weakens the wall between a VM and the host, or between two VMs: it never blocks a plan.

use super::{Case, ONE_GPU, amd, case, commands, finding_of, workstation};
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO, NVME};
use crate::policy::Verdict::Ready;

const TYPE1: &str = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
const IOMMUFD: &str = "/sys/module/iommufd/parameters/allow_unsafe_interrupts";
const NOIOMMU: &str = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";

pub fn cases() -> Vec<Case> {
    [interrupts(), modes(), nodes(), external()].into_iter().flatten().collect()
}

/// On this host, with the GPU and its audio function wanted, the plan is ready.
fn ready(name: &'static str, host: FakeHost, codes: &'static str) -> Case {
    case(name, host, ONE_GPU, codes, Ready)
}

#[rustfmt::skip]
fn interrupts() -> Vec<Case> {
    vec![
        ready("unsafe interrupts allowed, though they are remapped", workstation().file(TYPE1, "Y\n"), "AH501"),
        ready("unsafe interrupts allowed on AMD", amd().file(TYPE1, "Y\n"), "AH501"),
        ready("unsafe interrupts allowed in both", workstation().file(TYPE1, "Y\n").file(IOMMUFD, "Y\n"), "AH501"),
        ready("unsafe interrupts allowed in iommufd alone", workstation().file(IOMMUFD, "Y\n"), "AH501"),
        ready("iommufd's switch cannot be read", workstation().denied(IOMMUFD), "AH501?"),
        ready("one allowed, the other not to be read", workstation().file(TYPE1, "Y\n").denied(IOMMUFD), "AH501 AH501?"),
    ]
}

#[rustfmt::skip]
fn modes() -> Vec<Case> {
    vec![
        ready("no-IOMMU mode on beside an IOMMU", workstation().file(NOIOMMU, "Y\n"), "AH502"),
        ready("no-IOMMU mode off", workstation().file(NOIOMMU, "N\n"), ""),
        ready("no-IOMMU mode not to be read", workstation().denied(NOIOMMU), "AH502?"),
        ready("no-IOMMU mode in a form never seen", workstation().file(NOIOMMU, "maybe\n"), "AH502?"),
        ready("no-IOMMU mode, all of it built in", workstation().built_in_everything().file(NOIOMMU, "Y\n"), "AH502"),
    ]
}

#[rustfmt::skip]
fn nodes() -> Vec<Case> {
    let node = |path, mode| workstation().node(path, 0, 0, mode);
    vec![
        ready("a group's node open to everyone", node("/dev/vfio/16", 0o666), "AH504"),
        ready("a node that everyone may write", node("/dev/vfio/16", 0o602), "AH504"),
        ready("a node that everyone may read", node("/dev/vfio/16", 0o604), ""),
        ready("a node of a group of users", workstation().node("/dev/vfio/16", 0, 104, 0o660), ""),
        ready("another group's node open to everyone", workstation().driver(NVME, Some("vfio-pci")).node("/dev/vfio/17", 0, 0, 0o666), "AH504"),
        ready("the container's node, which is meant to be open", node("/dev/vfio/vfio", 0o666), ""),
        ready("a device's node open to everyone", workstation().iommufd_only().node("/dev/vfio/devices/vfio0", 0, 0, 0o666), "AH504"),
        ready("a node that cannot be looked at", workstation().denied("/dev/vfio/devices"), "AH504?"),
    ]
}

#[rustfmt::skip]
fn external() -> Vec<Case> {
    let said = |text| workstation().attribute(GPU, "removable", text);
    vec![
        ready("a card in a box on Thunderbolt", said("removable\n").attribute(GPU_AUDIO, "removable", "removable\n"), "AH506 AH506"),
        ready("a card that is fixed", said("fixed\n"), ""),
        ready("the firmware does not know", said("unknown\n"), "AH506?"),
        ready("removable not to be read", said("removable\n").denied("/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/removable"), "AH506?"),
        ready("an old kernel says nothing", workstation().release("5.10.0-30-amd64"), ""),
        ready("another card is removable", workstation().attribute(NVME, "removable", "removable\n"), ""),
    ]
}

#[test]
fn a_right_is_taken_from_everyone_and_given_back() {
    let host = workstation().node("/dev/vfio/16", 0, 0, 0o666).node("/dev/vfio/17", 0, 0, 0o646);
    let finding = finding_of(ONE_GPU, &host, "AH504");
    assert_eq!(commands(&finding), ["chmod o-rwx /dev/vfio/16", "chmod o-rwx /dev/vfio/17"]);
    let undo: Vec<_> = finding.remedies.iter().flat_map(|remedy| &remedy.undo).collect();
    assert_eq!(undo, ["chmod 0666 /dev/vfio/16", "chmod 0646 /dev/vfio/17"]);
}

/// To turn the switch off where interrupts are not remapped would keep the VM from starting.
#[test]
fn what_a_plan_stands_on_is_not_turned_off() {
    let allowed = workstation().file(TYPE1, "Y\n");
    assert!(!commands(&finding_of(ONE_GPU, &allowed, "AH501")).is_empty());
    let needed = allowed.interrupts("IO-APIC", "PCI-MSI");
    assert!(commands(&finding_of(ONE_GPU, &needed, "AH501")).is_empty());
}
