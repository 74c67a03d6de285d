//! AH404 host-input

use super::example::Scene;
use super::harm::{self, can_have_keyboards};
use super::taken::TakenCase;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Remedy, Severity};
use crate::host::fake::FakeHost;

pub static RULE: Rule = Rule {
    code: "AH404",
    name: "host-input",
    severities: &[Severity::Warning],
    summary: "The host's last keyboard hangs on the function.",
    why: "Without a keyboard nobody can type at the host's own console, which is the way back when a display or the network went to a VM.",
    remedy: "Plug a keyboard into another USB controller, or have another way in (SSH, a serial console) first.",
    since: "0.1.0",
    reads: &[
        "drivers/input/input.c (input_devices_seq_show)",
        "include/uapi/linux/input-event-codes.h (KEY_ESC to KEY_S)",
    ],
    check: Check::Taken(check),
    example: Example {
        speaks: Scene::both(USB_WANTED, || {
            FakeHost::workstation().usb_controller().usb_keyboard_only()
        }),
        silent: Scene::both(USB_WANTED, || FakeHost::workstation().usb_controller()),
    },
};

const USB_WANTED: &str = "compute_nodes:\n  - name: a\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:04:00.0\", device_type: other}]}\n";

fn check(case: &TakenCase, answer: &mut Answer) {
    if case.is_bridge() {
        return;
    }
    let Some(uses) = answer.learn(case.host.uses()) else { return };
    let keyboards = match uses.keyboards.known() {
        Ok(found) => found.map_or(&[][..], Vec::as_slice),
        Err(gap) => {
            if can_have_keyboards(case.device) {
                answer.gap(gap);
            }
            return;
        }
    };
    // In a container others may be hidden, also others that stay.
    if can_have_keyboards(case.device) {
        uses.keyboards_hidden.iter().cloned().for_each(|gap| answer.gap(gap));
    }
    let address = case.address();
    let lost =
        |functions: &[_]| functions.iter().any(|&function| case.takes.loses_with_others(function));
    let on_it: Vec<_> = keyboards.iter().filter(|it| it.functions.contains(&address)).collect();
    if on_it.is_empty() || !keyboards.iter().all(|it| lost(&it.functions)) {
        return;
    }
    let names: Vec<String> = on_it.iter().map(|keyboard| keyboard.name.clone()).collect();
    let evidence = on_it.iter().take(harm::MOST_NAMED).map(|keyboard| keyboard.evidence.clone());
    answer.find(
        case.finding(format!("the host's last keyboard hangs on {address}"))
            .severity(Severity::Warning)
            .detail(format!("It is {}.", harm::list(&names, 3)))
            .evidence(evidence)
            .remedy(Remedy::advice("Plug a keyboard into another USB controller first, or have another way in (SSH, a serial console).")),
    );
}
