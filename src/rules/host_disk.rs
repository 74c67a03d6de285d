//! AH401 host-disk

use super::example::Scene;
use super::harm::{self, MOST_NAMED, can_have_disks};
use super::taken::TakenCase;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{DiskUse, Disks, InUse};

pub static RULE: Rule = Rule {
    code: "AH401",
    name: "host-disk",
    severities: &[Severity::Error],
    summary: "The host has a filesystem, swap or an active volume on a disk of the function.",
    why: "Unbinding the controller takes the disk from under the host: the root filesystem turns unreadable, writes are lost, and the host crashes or does not come up again. A VM that starts by itself does that at every boot.",
    remedy: "Pass another device; or first move what the host has on the disk to a disk of another controller. Where only the IOMMU group brings it along, put the card into another slot.",
    since: "0.1.0",
    reads: &[
        "fs/proc_namespace.c (show_mountinfo)",
        "block/holder.c (bd_link_disk_holder: the links slaves and holders, of drivers/md/md.c, dm.c and bcache/super.c)",
        "fs/btrfs/sysfs.c (btrfs_sysfs_add_device)",
        "drivers/nvme/host/core.c (nvme_init_subsystem: the links of a subsystem to its controllers)",
        "block/genhd.c (device_add_disk: the folder slaves of each disk)",
        "mm/swapfile.c (swap_show)",
    ],
    check: Check::Taken(check),
    example: Example {
        speaks: Scene::both(NVME_WANTED, FakeHost::workstation),
        silent: Scene::host(FakeHost::gpu_held_by_nvidia),
    },
};

const NVME_WANTED: &str = "compute_nodes:\n  - name: a\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:02:00.0\", device_type: storage}]}\n";

fn check(case: &TakenCase, answer: &mut Answer) {
    if case.is_bridge() {
        return;
    }
    let Some(uses) = answer.learn(case.host.uses()) else { return };
    let disks = &uses.disks;
    let on_it: Vec<&DiskUse> =
        disks.uses.iter().filter(|it| it.functions.contains(&case.address())).collect();
    if !on_it.is_empty() {
        return answer.find(finding(case, &on_it));
    }
    let known_below = disks.carriers.contains(&case.address());
    let may_be_below = !disks.carrier_gaps.is_empty() && can_have_disks(case.device);
    if known_below || may_be_below {
        harm::note(case, answer, gaps(disks));
    }
}

fn gaps(disks: &Disks) -> impl Iterator<Item = crate::host::Gap> {
    disks.gaps.iter().chain(&disks.carrier_gaps).chain(&disks.zfs).cloned()
}

fn finding(case: &TakenCase, on_it: &[&DiskUse]) -> Finding {
    let address = case.address();
    let mut points: Vec<String> = Vec::new();
    let (mut swap, mut volumes) = (false, Vec::new());
    for using in on_it {
        match &using.what {
            InUse::Mounted(found) => points.extend(found.iter().cloned()),
            InUse::Swap(_) => swap = true,
            InUse::Volume(name) => volumes.push(name.clone()),
        }
    }
    points.sort_by_key(|point| (point.len(), point.clone()));
    points.dedup();
    // A volume that something else in use stands on is told with that.
    volumes.retain(|volume| {
        !on_it.iter().any(|using| {
            matches!(using.what, InUse::Mounted(_) | InUse::Swap(_)) && using.chain.contains(volume)
        })
    });
    volumes.dedup();
    let what = match (points.is_empty(), swap) {
        (false, false) => format!("the host's {}", harm::list(&points, 3)),
        (false, true) => format!("the host's {} and swap", harm::list(&points, 3)),
        (true, true) => "the host's swap".to_owned(),
        (true, false) => format!("a volume that the host has active: {}", harm::list(&volumes, 3)),
    };
    let mut finding = case.finding(format!("{address} carries {what}"));
    if points.len() > 3 {
        finding = finding.detail(format!("Mounted from it: {}.", harm::list(&points, MOST_NAMED)));
    }
    let told = on_it.iter().filter(|using| match &using.what {
        InUse::Volume(name) => volumes.contains(name),
        _ => true,
    });
    for using in told.clone().take(MOST_NAMED) {
        let top = top_of(using);
        let chain = harm::chain(Some(&top), &using.chain, &using.functions, address);
        finding = finding.detail(format!("The way down: {chain}."));
    }
    let evidence = told.take(MOST_NAMED).flat_map(|using| using.evidence.iter().cloned());
    let advice = "Leave it to the host: pass another device, or move what the host has there to a disk of another controller first; if it is only in the group of a device that is meant, put that card into another slot.";
    finding.evidence(harm::distinct(evidence)).remedy(Remedy::advice(advice))
}

fn top_of(using: &DiskUse) -> String {
    match &using.what {
        InUse::Mounted(points) => points.first().cloned().unwrap_or_default(),
        InUse::Swap(path) if path.starts_with("/dev/") => "swap".to_owned(),
        InUse::Swap(path) => format!("swap on {path}"),
        InUse::Volume(name) => name.clone(),
    }
}
