//! AH216 bar-unusable

use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU};
use crate::host::{Bar, State};

pub static RULE: Rule = Rule {
    code: "AH216",
    name: "bar-unusable",
    severities: &[Severity::Error],
    summary: "An address register (BAR) of the device was given no addresses.",
    why: "The bridges above the device had no room for it, so the kernel cannot enable it, and an open fails with EINVAL. A device that is enabled already is not asked again.",
    remedy: "Allow addresses above 4 GiB (Above 4G Decoding) in the firmware setup, or let the kernel lay them out anew with pci=realloc.",
    since: "0.1.0",
    reads: &[
        "drivers/pci/setup-res.c (pci_enable_resources: EINVAL with IORESOURCE_UNSET)",
        "drivers/pci/pci.c (pci_enable_device_flags: nothing is asked of one that is enabled)",
        "drivers/pci/pci-sysfs.c (resource_show, enable_show)",
        "include/linux/ioport.h (IORESOURCE_IO, IORESOURCE_MEM, IORESOURCE_UNSET)",
        "drivers/vfio/pci/vfio_pci_core.c (vfio_pci_core_enable)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| {
            FakeHost::workstation().attribute(
                GPU,
                "resource",
                "0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200\n0x0000000000000000 0x00000003ffffffff 0x000000002014220c\n",
            )
        }),
        silent: Scene::host(|| {
            FakeHost::workstation().attribute(
                GPU,
                "resource",
                "0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200\n0x0000000000000000 0x0000000000000000 0x0000000000000000\n",
            )
        }),
    },
};

fn check(case: &DeviceCase, answer: &mut Answer) {
    let Some(state) = case.state() else { return };
    let enabled = state.enabled.required();
    if matches!(enabled, Ok(1..)) {
        return;
    }
    let Some(unset) = answer.learn(unset(state)) else { return };
    if unset.is_empty() || answer.learn(enabled).is_none() {
        return;
    }
    let numbers: Vec<String> = unset.iter().map(|bar| bar.index.to_string()).collect();
    let bars = if unset.len() == 1 { "BAR" } else { "BARs" };
    let finding = Finding::new(format!(
        "{} cannot be enabled: no addresses for {bars} {}",
        case.device.address,
        numbers.join(", ")
    ))
    .evidence([state.bars_evidence(), state.enabled.evidence()]);
    answer.find(finding.remedy(Remedy::advice(
        "Switch on addresses above 4 GiB in the firmware setup (Above 4G Decoding, and Resizable BAR off where it is short of room).",
    )).remedy(crate::remedy::kernel_parameter("pci=realloc").left_to_a_person()));
}

/// Those that exist and have no addresses; an empty line of the kernel's is one that does not
/// exist.
fn unset(state: &State) -> Result<Vec<&Bar>, crate::host::Gap> {
    Ok(state.bars.required()?.iter().filter(|bar| bar.unset).collect())
}
