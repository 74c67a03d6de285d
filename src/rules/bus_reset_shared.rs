//! AH212 bus-reset-shared

use std::collections::BTreeSet;

use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Related, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO};
use crate::host::{Evidence, OwnReset, own_reset, reset_peers};
use crate::pci::Address;

pub static RULE: Rule = Rule {
    code: "AH212",
    name: "bus-reset-shared",
    severities: &[Severity::Warning],
    summary: "The device can be reset only together with functions that the VM does not get.",
    why: "Without a reset of its own, a device is reset with its whole bus. VFIO does that only when every function there is on VFIO and with the same VM; else the device goes from one start to the next without a reset.",
    remedy: "Give the other functions of the bus to the same VM, or move the card to a slot of its own.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/pci/vfio_pci_core.c (vfio_pci_dev_set_hot_reset, vfio_pci_is_device_in_set)",
        "drivers/pci/pci.c (pci_parent_bus_reset: for a function that is alone on its bus; pci_reset_fn_methods)",
        "drivers/pci/probe.c (pci_device_add: methods are found before other functions are known, so the first one of several lists bus)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::both(
            "compute_nodes:\n  - name: a\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}]}\n",
            || {
                let host = FakeHost::workstation().group(GPU_AUDIO, Some(18));
                host.driver(GPU_AUDIO, Some("snd_hda_intel")).attribute(
                    GPU,
                    "reset_method",
                    "bus\n",
                )
            },
        ),
        silent: Scene::host(|| FakeHost::workstation().attribute(GPU, "reset_method", "bus\n")),
    },
};

/// More functions than this are counted, not named.
const MOST_NAMED: usize = 8;

/// Functions that the VM wants and that are not on VFIO yet have findings of their own.
fn check(case: &DeviceCase, answer: &mut Answer) {
    let Some(state) = case.state() else { return };
    answer.at_most(Severity::Warning);
    let own = own_reset(state);
    if own == Ok(OwnReset::Function) {
        return;
    }
    let Some(peers) = answer.learn(reset_peers(case.host, case.device.address)) else { return };
    let left_out: Vec<Address> = left_out(case, peers);
    if left_out.is_empty() {
        return;
    }
    match answer.learn(own) {
        Some(OwnReset::Untold) => {
            answer.learn(state.reset_methods.required());
        }
        Some(_) => answer.find(finding(
            case,
            &left_out,
            [state.reset.evidence(), state.reset_methods.evidence()],
        )),
        None => {}
    }
}

/// Functions that share the reset and go to somebody else. Bridges are not counted.
fn left_out(case: &DeviceCase, peers: BTreeSet<Address>) -> Vec<Address> {
    let is_endpoint = |address: &Address| {
        let device = case.host.devices.get(address);
        device.is_none_or(|device| device.is_infrastructure() != Ok(true))
    };
    if peers.is_empty() {
        return Vec::new();
    }
    let wanted = case.wanted_by_vm();
    peers.into_iter().filter(|peer| !wanted.contains(peer) && is_endpoint(peer)).collect()
}

fn finding(
    case: &DeviceCase,
    left_out: &[Address],
    evidence: impl IntoIterator<Item = Evidence>,
) -> Finding {
    let named: Vec<String> = left_out.iter().take(MOST_NAMED).map(ToString::to_string).collect();
    let more = left_out.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let finding = Finding::new(format!(
        "{} can be reset only together with {}{more}, which this VM does not get",
        case.device.address,
        named.join(", ")
    ))
    .severity(Severity::Warning)
    .evidence(evidence)
    .remedy(Remedy::advice(RULE.remedy));
    left_out.iter().take(MOST_NAMED).fold(finding, |finding, &peer| {
        finding.related(Related::device(format!("{peer} is reset with it"), peer))
    })
}
