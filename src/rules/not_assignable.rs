//! AH205 not-assignable

use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::Device;
use crate::host::fake::{FakeHost, GPU};

pub static RULE: Rule = Rule {
    code: "AH205",
    name: "not-assignable",
    severities: &[Severity::Error],
    summary: "A bridge, or a function that vfio-pci refuses.",
    why: "vfio-pci takes endpoints only: it refuses every bridge, and a few Intel accelerators whose hardware cannot be isolated.",
    remedy: "List the endpoint behind the bridge, not the bridge: it needs no passing and no unbinding.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/pci/vfio_pci_core.c (vfio_pci_core_register_device: header type)",
        "drivers/vfio/pci/vfio_pci.c (vfio_pci_dev_in_denylist, since 5.9)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::both(
            "compute_nodes:\n  - name: a\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:00:01.0\", device_type: other}]}\n",
            FakeHost::workstation,
        ),
        silent: Scene::host(|| FakeHost::workstation().driver(GPU, Some("vfio-pci"))),
    },
};

/// Device ids of Intel (8086) on the kernel's list.
const DENYLIST: &[u16] = &[0x19e2, 0x19e3, 0x37c8, 0x37c9, 0x0435, 0x0443, 0x0b25, 0x0cfe];

fn check(case: &DeviceCase, answer: &mut Answer) {
    let device = case.device;
    let address = device.address;
    let advice = Remedy::advice(RULE.remedy);
    match device.is_infrastructure() {
        Ok(true) => {
            let finding = Finding::new(format!(
                "{address} is a {}, which cannot be passed to a VM",
                kind(device)
            ));
            return answer.find(finding.evidence([device.class.evidence()]).remedy(advice));
        }
        Ok(false) => {}
        Err(gap) => answer.gap(gap),
    }
    let Some(vendor) = answer.learn(device.vendor.required()) else { return };
    if vendor.0 != 0x8086 {
        return;
    }
    if let Some(id) = answer.learn(device.device.required()).filter(|id| DENYLIST.contains(&id.0)) {
        let finding = Finding::new(format!(
            "{address} (8086:{id}) is on the list of devices that vfio-pci refuses"
        ));
        answer.find(
            finding
                .evidence([device.device.evidence()])
                .remedy(Remedy::advice("Use a virtual function of it, if it has any.")),
        );
    }
}

fn kind(device: &Device) -> &'static str {
    match device.class.known() {
        Ok(Some(class)) if class.sub() == 0x0600 => "host bridge",
        Ok(Some(class)) if class.sub() == 0x0601 => "ISA bridge",
        Ok(Some(class)) if class.sub() == 0x0607 => "CardBus bridge",
        _ => "PCI bridge",
    }
}
