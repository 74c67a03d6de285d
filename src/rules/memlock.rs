//! AH606 memlock

use super::claims::gib;
use super::example::Scene;
use super::{Check, Example, Rule, VmCase};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;

pub static RULE: Rule = Rule {
    code: "AH606",
    name: "memlock",
    severities: &[Severity::Warning],
    summary: "Who asks may lock less memory than the VM has.",
    why: "VFIO pins all of the VM's memory and counts it as locked memory of who starts the VM; past RLIMIT_MEMLOCK, without CAP_IPC_LOCK, the mapping fails with ENOMEM. libvirt raises the limit of its VMs itself, so this is about a QEMU that the caller starts. It is asked of the live host (and of who took a snapshot), and not with --as.",
    remedy: "Raise the limit of who starts the VM (limits.conf, or LimitMEMLOCK= of a service).",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/vfio_iommu_type1.c (vfio_lock_acct, vfio_pin_pages_remote: RLIMIT_MEMLOCK exceeded)",
        "drivers/iommu/iommufd/pages.c (iopt_pages accounting)",
        "getrlimit(2) (RLIMIT_MEMLOCK), capabilities(7) (CAP_IPC_LOCK)",
    ],
    check: Check::Vm(check),
    example: Example {
        speaks: Scene::both(OF_8_GIB, || FakeHost::workstation().called_by(1000)),
        silent: Scene::both(OF_8_GIB, FakeHost::workstation),
    },
};

const OF_8_GIB: &str = "compute_nodes:\n  - name: a\n    memory_gb: 8\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: other}, {pci_address: \"0000:01:00.1\", device_type: other}]}\n";

fn check(case: &VmCase, answer: &mut Answer) {
    let (Some(memory), Some(locking)) = (&case.vm.memory, &case.host.locking) else { return };
    let Some(Some(may)) = answer.learn(locking.known()) else { return };
    let Some(most) = may.most().filter(|most| most >> 10 < memory.value) else { return };
    let message = format!(
        "who asks may lock {}, and {} has {} of memory",
        gib(most >> 10),
        case.vm.name,
        gib(memory.value)
    );
    let finding = Finding::new(message)
        .severity(Severity::Warning)
        .at(memory.span)
        .detail("libvirt raises the limit by itself; a QEMU that is started by hand does not get its device.")
        .evidence([locking.evidence()]);
    let some_more = memory.value.saturating_add(1 << 20);
    answer.find(finding.remedy(Remedy::advice(format!(
        "Let who starts the VM lock some more than its memory: memlock {some_more} (soft and hard, in KiB) in a file of /etc/security/limits.d and a new login, or LimitMEMLOCK={some_more}K in the unit of a service.",
    ))));
}
