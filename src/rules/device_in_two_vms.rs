//! AH021 device-in-two-vms

use std::collections::BTreeMap;

use super::example::{ONE_GPU, Scene};
use super::{Check, Example, Rule};
use crate::config::Config;
use crate::finding::{Answer, Finding, Related, Remedy, Severity};
use crate::pci::Address;
use crate::source::Span;

pub static RULE: Rule = Rule {
    code: "AH021",
    name: "device-in-two-vms",
    severities: &[Severity::Error, Severity::Warning],
    summary: "Two VMs want one device.",
    why: "A device has one owner at a time. When both VMs start by themselves, the second fails; when one is started by hand (auto_start: false), they can take turns, which is a warning.",
    remedy: "Give each VM a device of its own, or set auto_start: false on one of them and start it when the other is off.",
    since: "0.1.0",
    reads: &["drivers/vfio/vfio_main.c (a group or device is opened by one user at a time: EBUSY)"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "compute_nodes:\n  - name: a\n    pcie_passthrough: &gpu {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}]}\n  - name: b\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}]}\n",
        ),
        silent: Scene::config(ONE_GPU),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    let mut mentions: BTreeMap<Address, Vec<(usize, Span)>> = BTreeMap::new();
    for (index, _, wanted) in super::run::wanted(config) {
        mentions.entry(wanted.address.value).or_default().push((index, wanted.address.span));
    }
    for (address, mentions) in mentions {
        for (at, &(later, place)) in mentions.iter().enumerate().skip(1) {
            let rival = mentions[..at]
                .iter()
                .find(|(vm, _)| config.vms[*vm].auto_start && config.vms[later].auto_start);
            answer.find(finding(config, address, later, place, mentions[0], rival.copied()));
        }
    }
}

/// `rival` is an earlier VM that starts by itself, as this one does.
fn finding(
    config: &Config,
    address: Address,
    later: usize,
    place: Span,
    first: (usize, Span),
    rival: Option<(usize, Span)>,
) -> Finding {
    let name = |vm: usize| &config.vms[vm].name;
    let (other, other_place) = rival.unwrap_or(first);
    let message = format!("{address} is wanted by {} and by {}", name(other), name(later));
    let mut finding = Finding::new(message).vm(later).device(address).at(place);
    finding =
        finding.related(Related::place(format!("wanted by {} first", name(first.0)), first.1));
    if other_place != first.1 {
        finding =
            finding.related(Related::place(format!("wanted by {} too", name(other)), other_place));
    }
    if rival.is_some() {
        // Which of them starts first is not told by the order of the file.
        finding.also(other).remedy(Remedy::advice(
            "Both start by themselves, and the second will fail: give one another device, or set `auto_start: false` on one.",
        ))
    } else {
        finding
            .severity(Severity::Warning)
            .remedy(Remedy::advice("They can take turns: start one only when the other is off."))
    }
}
