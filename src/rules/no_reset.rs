//! AH211 no-reset

use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU};
use crate::host::{Gap, State};

pub static RULE: Rule = Rule {
    code: "AH211",
    name: "no-reset",
    severities: &[Severity::Warning],
    summary: "The device cannot be reset by itself.",
    why: "VFIO resets a device when a VM opens it and when it lets go. One that cannot be reset still opens, but a second start may find it as the last VM left it, with that VM's data in its memory.",
    remedy: "Give all functions of its bus to the one VM, so that VFIO can reset the whole bus; else restart the host where the device does not come up again.",
    since: "0.1.0",
    reads: &[
        "drivers/pci/pci-sysfs.c (pci_dev_reset_attr_is_visible: reset is there when any method works)",
        "drivers/pci/pci.c (pci_init_reset_methods; reset_method_show, since 5.15)",
        "drivers/vfio/pci/vfio_pci_core.c (vfio_pci_core_enable: it opens without a reset too)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().without_reset(GPU)),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(case: &DeviceCase, answer: &mut Answer) {
    let Some(state) = case.state() else { return };
    answer.at_most(Severity::Warning);
    if answer.learn(can_be_reset(state)) != Some(false) {
        return;
    }
    let finding = Finding::new(format!("{} cannot be reset by itself", case.device.address))
        .severity(Severity::Warning)
        .evidence([state.reset.evidence(), state.reset_methods.evidence()]);
    answer.find(match state.parent.known() {
        Ok(None) => finding
            .detail("It is on a root bus, so it cannot be reset with its bus either.")
            .remedy(Remedy::advice(
                "Where it does not come up in a VM for a second time, restart the host.",
            )),
        _ => finding
            .detail(
                "VFIO can still reset its whole bus, as long as all functions there go to one VM.",
            )
            .remedy(Remedy::advice(RULE.remedy)),
    });
}

/// The two attributes come and go together, so that each tells what the other would.
fn can_be_reset(state: &State) -> Result<bool, Gap> {
    match (state.reset_methods.known(), state.reset.known()) {
        (Ok(Some(methods)), _) => Ok(!methods.is_empty()),
        (_, Ok(Some(()))) => Ok(true),
        (Ok(None), Ok(None)) => Ok(false),
        (Err(gap), _) | (Ok(None), Err(gap)) => Err(gap),
    }
}
