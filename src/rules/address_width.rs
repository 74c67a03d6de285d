//! AH609 address-width

use std::collections::BTreeSet;

use super::claims::gib;
use super::example::Scene;
use super::{Check, Example, Rule, VmCase};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Evidence, Reading};

pub static RULE: Rule = Rule {
    code: "AH609",
    name: "address-width",
    severities: &[Severity::Error, Severity::Warning],
    summary: "The VM's memory reaches beyond the addresses that the IOMMU can map.",
    why: "A device sees the VM's memory at the VM's own addresses, so the IOMMU must be able to map the highest of them: with QEMU's i440fx that is 1 GiB above the size of the memory, with q35 2 GiB. Intel's IOMMUs map 39, 48 or 57 bits; the one that serves the device counts. On AMD the addresses from 1012 GiB to 1 TiB are reserved: QEMU before 7.1 puts memory there and fails, from 7.1 on (with machine types of 7.1 and later) it leaves them out, so that is a warning.",
    remedy: "Give the VM less memory; on AMD use QEMU 7.1 or later with a machine type as new.",
    since: "0.1.0",
    reads: &[
        "drivers/iommu/intel/iommu.c (cap_show; prepare_domain_attach_device; __iommu_calculate_agaw)",
        "drivers/iommu/intel/iommu.h (cap_sagaw, cap_mgaw)",
        "drivers/iommu/amd/iommu.c (amd_iommu_get_resv_regions: HT_RANGE_START)",
        "drivers/vfio/vfio_iommu_type1.c (vfio_iommu_iova_dma_valid)",
        "hw/i386/pc_piix.c, pc_q35.c and pc.c of QEMU (memory above 4 GiB; AMD_ABOVE_1TB_START)",
    ],
    check: Check::Vm(check),
    example: Example {
        speaks: Scene::both(OF_512_GIB, large_host),
        silent: Scene::both(OF_512_GIB, || {
            large_host().file("/sys/class/iommu/dmar0/intel-iommu/cap", "d2078c106f0466\n")
        }),
    },
};

const OF_512_GIB: &str = "compute_nodes:\n  - name: a\n    memory_gb: 512\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:01:00.0\", device_type: other}, {pci_address: \"0000:01:00.1\", device_type: other}]}\n";

fn large_host() -> FakeHost {
    FakeHost::workstation().memory(1024, 1000)
}

/// In KiB.
const GIB: u64 = 1 << 20;
/// No IOMMU of Intel's maps less.
const NARROWEST: u64 = 1 << (39 - 10);
/// Reserved for the links between AMD's processors from here to 1 TiB.
const AMD_HOLE: u64 = 0xfd_0000_0000 >> 10;

fn check(case: &VmCase, answer: &mut Answer) {
    let Some(memory) = &case.vm.memory else { return };
    // The least and the most that any kind of VM leaves out below 4 GiB.
    let (least, most) = (memory.value.saturating_add(GIB), memory.value.saturating_add(2 * GIB));
    if most <= NARROWEST {
        return;
    }
    let Some(placement) = answer.learn(case.host.placement()) else { return };
    for name in serving(case, answer) {
        let found = if let Some(register) = placement.capabilities.get(&name) {
            let Some(width) = answer.learn(width(register)) else { continue };
            let limit = 1 << (width - 10);
            let message = format!(
                "the memory of {} ({}) reaches beyond the {width} bits ({}) of the IOMMU {name}",
                case.vm.name,
                gib(memory.value),
                gib(limit)
            );
            let severity = if least > limit { Severity::Error } else { Severity::Warning };
            (most > limit).then(|| (message, severity, register.evidence()))
        } else if name.starts_with("ivhd") {
            let message = format!(
                "the memory of {} ({}) reaches the addresses from 1012 GiB to 1 TiB, which are reserved on AMD",
                case.vm.name,
                gib(memory.value)
            );
            let instances = case.host.iommu.instances.evidence();
            (least > AMD_HOLE).then_some((message, Severity::Warning, instances))
        } else {
            None
        };
        if let Some((message, severity, evidence)) = found {
            answer.find(finding(message, severity, evidence).at(memory.span));
            return;
        }
    }
}

fn finding(message: String, severity: Severity, evidence: Evidence) -> Finding {
    let finding = Finding::new(message).severity(severity).evidence([evidence]);
    finding.remedy(Remedy::advice(
        "Give the VM less memory (memory_gb). On AMD, QEMU 7.1 or later with a machine type as new (pc-q35-7.1) leaves the reserved addresses out by itself.",
    ))
}

/// The IOMMUs that serve the VM's devices; all of the host where a device does not say its own.
fn serving(case: &VmCase, answer: &mut Answer) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for state in case.devices.iter().filter_map(|(_, device)| device.state.as_ref()) {
        match answer.learn(state.iommu.known()) {
            Some(Some(name)) => drop(names.insert(name.clone())),
            Some(None) => {
                let all = answer.learn(case.host.iommu.instances.known());
                names.extend(all.flatten().into_iter().flatten().cloned());
            }
            None => {}
        }
    }
    names
}

/// The lesser of the widest page tables and the widest address that it takes.
fn width(register: &Reading<u64>) -> Result<u32, crate::host::Gap> {
    let value = *register.required()?;
    let tables = [(3, 57), (2, 48), (1, 39)];
    let tables = tables.into_iter().find(|(bit, _)| value >> 8 >> bit & 1 == 1);
    let Some((_, tables)) = tables else {
        return Err(
            register.unclear("no page tables of 39, 48 or 57 bits", "the width of its page tables")
        );
    };
    let address = u32::try_from(value >> 16 & 0x3f).unwrap_or(0) + 1;
    Ok(tables.min(address.max(12)))
}
