//! AH205 not-assignable

use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU};
use crate::host::{Device, Gap, Host};

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
        "drivers/vfio/pci/vfio_pci.c (vfio_pci_dev_in_denylist, disable_denylist, since 5.9)",
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

/// Device ids of Intel (8086) on the kernel's list since 5.9.
const DENYLIST: &[u16] = &[0x19e2, 0x19e3, 0x37c8, 0x37c9, 0x0435, 0x0443];
/// Those added with 6.10, and to stable series before it.
const LATER: &[u16] = &[0x0b25, 0x0cfe];

/// Whether vfio-pci refuses an endpoint. That the list is switched off must be known for that.
pub fn is_refused(host: &Host, device: &Device) -> Result<bool, Gap> {
    if device.vendor.required()?.0 != 0x8086 {
        return Ok(false);
    }
    let id = device.device.required()?.0;
    let since = match id {
        id if DENYLIST.contains(&id) => (5, 9),
        id if LATER.contains(&id) => (6, 10),
        _ => return Ok(false),
    };
    if host.vfio.denylist_off.known() == Ok(Some(&true)) {
        return Ok(false);
    }
    let release = host.release.required()?;
    if release.at_least(since.0, since.1) {
        return Ok(true);
    }
    let may_be_backported = release.keeps_its_number() || release.at_least(5, 9);
    if !may_be_backported {
        return Ok(false);
    }
    let found = format!("{:?}", release.text);
    Err(host.release.unclear(found, "a release that tells whether vfio-pci refuses this device"))
}

fn check(case: &DeviceCase, answer: &mut Answer) {
    let device = case.device;
    let address = device.address;
    let advice = Remedy::advice(RULE.remedy);
    match device.is_infrastructure() {
        Ok(true) => {
            let finding = Finding::new(format!(
                "{address} is {}, which cannot be passed to a VM",
                kind(device)
            ));
            return answer.find(finding.evidence([device.class.evidence()]).remedy(advice));
        }
        Ok(false) => {}
        Err(gap) => answer.gap(gap),
    }
    if answer.learn(is_refused(case.host, device)) == Some(true) {
        let finding =
            Finding::new(format!("{address} is on the list of devices that vfio-pci refuses"));
        answer.find(
            finding
                .evidence([device.vendor.evidence(), device.device.evidence()])
                .remedy(Remedy::advice("Use a virtual function of it, if it has any.")),
        );
    }
}

fn kind(device: &Device) -> &'static str {
    match device.class.known() {
        Ok(Some(class)) if class.sub() == 0x0600 => "a host bridge",
        Ok(Some(class)) if class.sub() == 0x0601 => "an ISA bridge",
        Ok(Some(class)) if class.sub() == 0x0607 => "a CardBus bridge",
        _ => "a PCI bridge",
    }
}
