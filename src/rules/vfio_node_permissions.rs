//! AH504 vfio-node-permissions

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Gap, Host, Node, Reading, Why};

pub static RULE: Rule = Rule {
    code: "AH504",
    name: "vfio-node-permissions",
    severities: &[Severity::Warning],
    summary: "Everyone may open a node of VFIO, and have its devices.",
    why: "Whoever opens the node of a group or of a device owns what is behind it: any user of the host could take it before the VM does, reset it, read what the last VM left in it, and write its firmware. The kernel makes these nodes for root alone, and libvirt gives each to QEMU's user by itself. /dev/vfio/vfio, which is open to everyone, is meant to be. Of a directory given with --root it is not asked: its files belong to whoever copied them.",
    remedy: "Take the right away, and mend the udev rule that gave it (MODE=\"0666\" with SUBSYSTEM==\"vfio\"): give the node to one user or group.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/group.c, drivers/vfio/vfio_main.c (vfio_devnode: the nodes have mode 0600)",
        "Documentation/driver-api/vfio.rst (chown of the group's node, and what its owner may do)",
    ],
    check: Check::Host(check, "no node of VFIO is open to everyone"),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().node("/dev/vfio/16", 0, 0, 0o666)),
        silent: Scene::host(|| FakeHost::workstation().node("/dev/vfio/16", 64055, 0, 0o600)),
    },
};

fn check(host: &Host, answer: &mut Answer) {
    let all = &host.vfio.nodes;
    let nodes = match all.known() {
        Ok(nodes) => nodes.map_or(&[][..], Vec::as_slice),
        Err(Gap { why: Why::Copied, .. }) => return answer.not_judged(all.evidence()),
        Err(gap) => return answer.gap(gap),
    };
    let mut open: Vec<(&Reading<Node>, &Node)> = Vec::new();
    for reading in nodes {
        match answer.learn(reading.known()) {
            Some(Some(node)) if node.is_writable_by_all() => open.push((reading, node)),
            Some(Some(_)) => answer.passed([reading.evidence()]),
            Some(None) | None => {}
        }
    }
    answer.passed([all.evidence()]);
    if !open.is_empty() {
        answer.find(finding(&open));
    }
}

fn finding(open: &[(&Reading<Node>, &Node)]) -> Finding {
    let paths: Vec<String> = open.iter().map(|(reading, _)| reading.path().to_string()).collect();
    let message = match paths.as_slice() {
        [one] => format!("{one} can be opened by everyone"),
        all => {
            format!("{} and {} more nodes of VFIO can be opened by everyone", all[0], all.len() - 1)
        }
    };
    let modes =
        open.iter().zip(&paths).map(|((_, node), path)| format!("chmod {:04o} {path}", node.mode));
    Finding::new(message)
        .severity(Severity::Warning)
        .evidence(open.iter().map(|(reading, _)| reading.evidence()))
        .remedy(Remedy {
            text: "As root: take the right away until the node is made anew; a VM that runs keeps its device.".to_owned(),
            commands: paths.iter().map(|path| format!("chmod o-rwx {path}")).collect(),
            undo: modes.collect(),
            ..Remedy::default()
        })
        .remedy(Remedy::advice(
            "For good: look for the udev rule that gave it (SUBSYSTEM==\"vfio\" with MODE=\"0666\" in /etc/udev/rules.d), and let it name a user or a group instead. libvirt needs no such rule.",
        ))
}
