//! AH210 device-busy

use std::collections::BTreeMap;

use super::device_id_mismatch::{Identity, identity};
use super::driver::is_vfio;
use super::driver_conflict::not_the_one;
use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Severity};
use crate::host::fake::{FakeHost, GPU};
use crate::host::{Gap, Hold, State};
use crate::remedy;

pub static RULE: Rule = Rule {
    code: "AH210",
    name: "device-busy",
    severities: &[Severity::Error],
    summary: "Another process than this VM uses the device.",
    why: "A group, or a device opened without one, can be open only once: the next who tries gets EBUSY. And a driver of the host lets go of a device only when no program has it open any more, so unbinding waits. A VM that runs already with its own device is no finding: it is known by -name on its QEMU's command line.",
    remedy: "Stop the VM or the program that has the device.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/vfio_main.c (vfio_group_fops_open: EBUSY; vfio_device_open: the name [vfio-device])",
        "drivers/vfio/device_cdev.c, drivers/vfio/group.c (vfio_device_block_group: a device taken by its own node keeps its group closed)",
        "drivers/pci/pci-sysfs.c (enable_show: how often the device was enabled)",
        "drivers/vfio/pci/vfio_pci_core.c (vfio_pci_core_enable: enabled when it is opened)",
        "proc(5), /proc/PID/fd",
        "qemu(1), -name",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| {
            let host = FakeHost::workstation().attribute(GPU, "enable", "1\n");
            host.qemu(
                4711,
                "gpu-node-02",
                &["/dev/vfio/vfio", "/dev/vfio/16", "anon_inode:[vfio-device]"],
            )
        }),
        silent: Scene::host(|| {
            let host = FakeHost::workstation().attribute(GPU, "enable", "1\n");
            host.qemu(
                4711,
                "gpu-node-01",
                &["/dev/vfio/vfio", "/dev/vfio/16", "anon_inode:[vfio-device]"],
            )
        }),
    },
};

/// More processes than this are counted, not named.
const MOST_NAMED: usize = 8;

fn check(case: &DeviceCase, answer: &mut Answer) {
    let Some(state) = case.state() else { return };
    let holders = &case.host.holders;
    let mut others = Others::default();
    let mut by_vfio: Vec<Hold> = holders.of_vfio(case.device).collect();
    let by_group_alone = by_vfio.is_empty();
    if by_group_alone {
        let others = case.takes.others_on_vfio(case.device);
        by_vfio = others.flat_map(|member| holders.of_vfio(member)).collect();
    }
    let is_own = |hold: &Hold| hold.process.is_vm(&case.vm.name) == Ok(true);
    // What is not on VFIO, or may not be, is AH207's to say.
    if by_vfio.is_empty() && is_vfio(case.device) == Ok(true) {
        for gap in who_else(case, state) {
            answer.gap(gap);
        }
    }
    // Whoever else has a file of it has it from this VM, or gave it to it.
    if !by_vfio.is_empty() && !by_vfio.iter().any(is_own) {
        let unseen = may_be_own(case, &by_vfio);
        for hold in &by_vfio {
            match (&unseen, hold.process.has_guest()) {
                (_, Ok(true)) | (None, Ok(false)) => others.add(hold),
                (Some(gap), _) => answer.gap(gap.clone()),
                (None, Err(gap)) => answer.gap(gap),
            }
        }
    }
    // A program that uses the host's driver keeps it from being unbound, whoever it belongs to.
    let by_host: Vec<Hold> = holders.of_native(case.device).collect();
    for hold in &by_host {
        others.add(hold);
    }
    if others.0.is_empty() {
        return;
    }
    let what = if by_group_alone && by_host.is_empty() { "the IOMMU group of " } else { "" };
    let finding = others.finding(case, what);
    answer.find(if by_host.is_empty() {
        finding.detail("A group of VFIO can be open only once.")
    } else {
        finding.detail("Until they let go, unbinding it from the driver of the host waits.")
    });
}

/// Why this VM may have the device, though it was not seen to: then another program has it from this
/// VM. Only another VM has it in any case.
fn may_be_own(case: &DeviceCase, by_vfio: &[Hold]) -> Option<Gap> {
    let name = &case.vm.name;
    by_vfio.iter().find_map(|hold| hold.process.is_vm(name).err()).or_else(|| {
        match case.host.holders.hidden_vm(name) {
            Ok(hidden) => hidden.cloned(),
            Err(gap) => Some(gap),
        }
    })
}

/// Why a device of which no user was found may have one; nothing where it has none.
fn who_else(case: &DeviceCase, state: &State) -> Vec<Gap> {
    // One program has the whole group: not even the others of it are in use.
    let others = case.takes.others_on_vfio(case.device);
    let others = || others.clone().filter_map(|member| member.use_by_others.as_ref());
    let in_use = |enabled: &&crate::host::Reading<u32>| enabled.required() != Ok(&0);
    let Some(enabled) =
        [&state.enabled].into_iter().chain(others().map(|it| &it.enabled)).find(in_use)
    else {
        return Vec::new();
    };
    let enabled = enabled.required();
    let of_others = others().filter_map(|it| it.nodes.known().err());
    let nodes = case.device.unknown_nodes().into_iter().chain(of_others);
    let hidden: Vec<Gap> = case.host.holders.gaps().cloned().chain(nodes).collect();
    if hidden.is_empty() { hidden } else { enabled.err().into_iter().chain(hidden).collect() }
}

/// Processes by their PID, in words, with the file by which each has the device.
#[derive(Default)]
struct Others(BTreeMap<u32, (String, crate::host::Evidence)>);

impl Others {
    fn add(&mut self, hold: &Hold) {
        let pid = hold.process.pid;
        let words = match hold.process.name.known() {
            Ok(Some(name)) if !name.is_empty() => format!("{name} (PID {pid})"),
            _ => format!("PID {pid}"),
        };
        self.0.entry(pid).or_insert_with(|| (words, hold.evidence.clone()));
    }

    fn finding(&self, case: &DeviceCase, what: &str) -> Finding {
        let named: Vec<&str> =
            self.0.values().take(MOST_NAMED).map(|(words, _)| words.as_str()).collect();
        let more = self.0.len() - named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message =
            format!("{what}{} is in use by {}{more}", case.device.address, named.join(", "));
        let finding = Finding::new(message)
            .evidence(self.0.values().take(MOST_NAMED).map(|(_, evidence)| evidence.clone()));
        if identity(case) == Identity::Another {
            return finding.remedy(not_the_one());
        }
        let pids: Vec<u32> = self.0.keys().take(MOST_NAMED).copied().collect();
        finding.remedy(remedy::stop_users(
            &pids,
            "Stop the VM or the programs that use it, by their own means (shut the VM down, stop the service).",
        ))
    }
}
