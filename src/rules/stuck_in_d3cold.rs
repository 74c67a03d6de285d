//! AH213 stuck-in-d3cold

use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU};
use crate::host::{Gap, Power};

pub static RULE: Rule = Rule {
    code: "AH213",
    name: "stuck-in-d3cold",
    severities: &[Severity::Warning],
    summary: "The device is without power although it should be awake.",
    why: "A device in D3cold answers nothing. While runtime power management has it suspended, that is rest, usual on vfio-pci since 5.19, and it wakes when it is opened. One that should be awake was switched off past the kernel, or did not come back, and an open finds nothing but ones.",
    remedy: "Read the kernel's log about the device; often only switching the machine off, not a restart, brings it back.",
    since: "0.1.0",
    reads: &[
        "Documentation/ABI/testing/sysfs-bus-pci (power_state, since 5.11)",
        "Documentation/ABI/testing/sysfs-devices-power (control, runtime_status)",
        "drivers/pci/pci.c (pci_power_up: a device that does not answer is in D3cold)",
        "drivers/vfio/pci/vfio_pci_core.c (vfio_pci_core_register_device lets it rest, vfio_pci_core_enable wakes it)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().attribute(GPU, "power_state", "D3cold\n")),
        silent: Scene::host(|| {
            let host = FakeHost::workstation().attribute(GPU, "power_state", "D3cold\n");
            host.attribute(GPU, "power/runtime_status", "suspended\n")
        }),
    },
};

fn check(case: &DeviceCase, answer: &mut Answer) {
    let Some(state) = case.state() else { return };
    answer.at_most(Severity::Warning);
    // Before 5.11 the kernel does not say it.
    let release = case.host.release.known();
    let is_old = matches!(release, Ok(Some(release)) if !release.at_least(5, 11));
    if is_old && state.power_state.known() == Ok(None) {
        return;
    }
    answer.learn(state.power_state.required());
    let Some(power) = &state.power else { return };
    if answer.learn(is_resting(power)) == Some(false) {
        let address = case.device.address;
        let finding = Finding::new(format!("{address} is without power (D3cold), and not at rest"))
            .severity(Severity::Warning)
            .evidence([
                state.power_state.evidence(),
                power.control.evidence(),
                power.runtime_status.evidence(),
            ]);
        answer.find(finding.remedy(Remedy::advice(
            "Read the kernel's log (dmesg) about the device. If it says that the power state cannot be changed, switch the machine off, not only restart it; where it comes again, keep vfio-pci from putting idle devices to sleep (its parameter disable_idle_d3).",
        )));
    }
}

/// Suspended by runtime power management, which wakes it when somebody opens it. A kernel built
/// without that tells no status.
fn is_resting(power: &Power) -> Result<bool, Gap> {
    match power.runtime_status.known()?.map(String::as_str) {
        Some("suspended" | "suspending" | "resuming") => Ok(power.control.required()? == "auto"),
        _ => Ok(false),
    }
}
