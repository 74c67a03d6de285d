//! What weakens the wall between a VM and the host, or between two VMs: it never blocks a plan.

use super::{Case, ONE_GPU, amd, case, commands, finding_of, workstation};
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO, NVME, ROOT_PORT, SECOND_PORT};
use crate::policy::Verdict::{Blocked, Ready};

const TYPE1: &str = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
const IOMMUFD: &str = "/sys/module/iommufd/parameters/allow_unsafe_interrupts";
const NOIOMMU: &str = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";

pub fn cases() -> Vec<Case> {
    [interrupts(), modes(), overrides(), nodes(), registers(), external()]
        .into_iter()
        .flatten()
        .collect()
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

const OVERRIDE: &str = "quiet pcie_acs_override=downstream,multifunction";
const OVERRIDDEN: &str =
    "Warning: PCIe ACS overrides enabled; This may allow non-IOMMU protected peer-to-peer DMA";
const FIRST: &str = "Linux version 6.12.1-amd64 (builder@example) #1 SMP";

#[rustfmt::skip]
fn overrides() -> Vec<Case> {
    let asked = || workstation().command_line(OVERRIDE);
    let pve = || asked().release("6.8.12-8-pve");
    vec![
        ready("ACS overridden, by the log", asked().kernel_log(&[FIRST, OVERRIDDEN]), "AH503"),
        ready("ACS overridden, by a log without its beginning", asked().kernel_log(&[OVERRIDDEN]), "AH503"),
        ready("ACS overridden, by the log alone", workstation().denied("/proc/cmdline").kernel_log(&[FIRST, OVERRIDDEN]), "AH503 AH703?"),
        ready("a kernel that does not know the override", asked().kernel_log(&[FIRST, "DMAR: IOMMU enabled"]), ""),
        ready("an override, and the log's beginning gone", asked().kernel_log(&["DMAR: IOMMU enabled"]), "AH503?"),
        ready("an override, and an empty log", asked().kernel_log(&[]), "AH503?"),
        ready("an override, and no log", asked(), "AH503?"),
        ready("an override, and the log denied", asked().denied("/dev/kmsg"), "AH503?"),
        ready("an override on a kernel that knows it, without a log", pve(), "AH503"),
        ready("the same, with a log that has its beginning and no word of it", pve().kernel_log(&[FIRST]), ""),
        ready("an override without a word that is known", pve().command_line("pcie_acs_override=yes"), ""),
        ready("no override, and no log", workstation().denied("/dev/kmsg"), ""),
        ready("a parameter whose name begins alike", workstation().command_line("pcie_acs_override_x=downstream"), ""),
        ready("neither command line nor log", workstation().denied("/proc/cmdline"), "AH503? AH703?"),
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

/// A group with the disk that the host lives on.
const LARGE_UNTOLD: &str = "AH302 AH401 [AH301] AH505?";
const LARGE: &str = "AH302 AH401 [AH301]";
const LARGE_BY_ACS: &str = "AH302 AH401 AH505 [AH301]";

#[rustfmt::skip]
fn registers() -> Vec<Case> {
    let large = |name, host, codes| case(name, host, ONE_GPU, codes, Blocked);
    let ports = FakeHost::ports_in_one_group;
    let whole = Some((0x1d, 0x1d));
    let folder = "/sys/devices/pci0000:00/0000:00:01.1";
    vec![
        large("two ports without ACS", ports(None), LARGE_BY_ACS),
        large("two ports with ACS that is off", ports(Some((0x1d, 0))), LARGE_BY_ACS),
        large("two ports with ACS, which explains nothing", ports(whole), LARGE),
        large("one port without ACS", ports(whole).registers(SECOND_PORT, 4, None), LARGE_BY_ACS),
        large("a bridge to conventional PCI", ports(whole).registers(SECOND_PORT, 7, None), LARGE_BY_ACS),
        large("one port not to be read", ports(None).denied(&format!("{folder}/config")), LARGE_UNTOLD),
        large("one port told to 64 bytes", ports(None).file(&format!("{folder}/config"), &"P".repeat(64)), LARGE_UNTOLD),
        large("one port asleep", ports(None).attribute(SECOND_PORT, "power_state", "D3cold\n"), LARGE_UNTOLD),
        large("one port suspended", ports(None).attribute(SECOND_PORT, "power/runtime_status", "suspended\n"), LARGE_UNTOLD),
        large("a port whose power is not known", ports(None).without_attribute(SECOND_PORT, "power_state"), LARGE_UNTOLD),
        large("a port that is in no group of what is below", ports(None).group(SECOND_PORT, Some(2)).group(ROOT_PORT, Some(3)), LARGE),
        ready("a card whose port lacks ACS, alone in its group", workstation().group(ROOT_PORT, Some(16)).registers(ROOT_PORT, 4, None), ""),
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

#[test]
fn a_large_group_is_explained_by_its_bridges() {
    let host = FakeHost::ports_in_one_group(Some((0x1d, 0x11))).registers(ROOT_PORT, 4, None);
    let finding = finding_of(ONE_GPU, &host, "AH505");
    let told: Vec<&str> = finding.related.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "0000:00:01.0: no ACS capability",
            "0000:00:01.1: ACS without request redirect, completion redirect"
        ]
    );
    assert!(commands(&finding).is_empty(), "{finding:#?}");
}
