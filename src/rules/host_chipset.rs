//! AH405 host-chipset

use super::driver::{Hold, hold};
use super::example::Scene;
use super::harm;
use super::taken::{TakenCase, Why};
use super::{Check, Example, Rule};
use crate::finding::{Answer, Remedy, Severity};
use crate::host::Device;
use crate::host::fake::{FakeHost, LPC};

pub static RULE: Rule = Rule {
    code: "AH405",
    name: "host-chipset",
    severities: &[Severity::Error],
    summary: "The function is a part of the chipset that the host runs on.",
    why: "Host bridge, ISA/LPC bridge and SMBus serve the whole machine: firmware, clock, sensors, memory modules. Taking their driver off can hang the host, and no VM has a use for them.",
    remedy: "Pass the device without the chipset: use a slot or controller in another IOMMU group.",
    since: "0.1.0",
    reads: &[
        "include/linux/pci_ids.h (PCI_CLASS_BRIDGE_HOST, PCI_CLASS_BRIDGE_ISA, PCI_CLASS_SERIAL_SMBUS)",
        "drivers/iommu/iommu.c (iommu_group_claim_dma_owner)",
    ],
    check: Check::Taken(check),
    example: Example {
        speaks: Scene::host(|| {
            FakeHost::workstation().group(LPC, Some(16)).driver(LPC, Some("lpc_ich"))
        }),
        silent: Scene::host(|| FakeHost::workstation().group(LPC, Some(16))),
    },
};

fn check(case: &TakenCase, answer: &mut Answer) {
    let part = match part(case.device) {
        Ok(Some(part)) => part,
        Ok(None) => return,
        Err(gap) => return harm::note(case, answer, [gap]),
    };
    let lost = match case.why {
        Why::Wanted => case.device.driver.known().map(|driver| driver.is_some()),
        // One that lets the group be used stays where it is.
        // Nothing is taken off what only shares the reset.
        Why::VirtualFunction | Why::SharesReset => return,
        Why::GroupMember => hold(case.device, &case.host.release).map(|hold| hold != Hold::Lets),
    };
    match lost {
        Ok(true) => {}
        Ok(false) => return,
        Err(gap) => return harm::note(case, answer, [gap]),
    }
    let address = case.address();
    answer.find(
        case.finding(format!("{address} is {part}, which the host runs on"))
            .evidence([case.device.class.evidence(), case.device.driver.evidence()])
            .remedy(Remedy::advice("Leave it to the host: pass a device of another IOMMU group, in another slot or on another controller.")),
    );
}

/// What it is of the chipset; none of another function.
fn part(device: &Device) -> Result<Option<&'static str>, crate::host::Gap> {
    if device.is_bus_bridge()? {
        return Ok(Some("a PCI bridge"));
    }
    Ok(match device.class.required()?.sub() {
        0x0600 => Some("a host bridge"),
        0x0601 => Some("an ISA bridge"),
        0x0c05 => Some("an SMBus controller"),
        _ => None,
    })
}
