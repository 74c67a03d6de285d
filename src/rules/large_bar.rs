//! AH608 large-bar

use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::Bar;
use crate::host::fake::{FakeHost, GPU};

pub static RULE: Rule = Rule {
    code: "AH608",
    name: "large-bar",
    severities: &[Severity::Note],
    summary: "The device has an address register (BAR) of 4 GiB or more.",
    why: "The VM's firmware has to find room for it above 4 GiB. Older ones keep 32 GiB there; a larger BAR finds no room, and the driver in the VM gets no device although it was passed.",
    remedy: "Boot the VM with UEFI firmware (OVMF) of edk2-stable202211 or later, or tell it the size of its window.",
    since: "0.1.0",
    reads: &[
        "drivers/pci/pci-sysfs.c (resource_show)",
        "OvmfPkg/Library/PlatformInitLib/MemDetect.c (PlatformDynamicMmioWindow; opt/ovmf/X-PciMmio64Mb)",
        "hw/i386/pc.c and hw/pci-host/q35.c of QEMU (pci-hole64-size)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| {
            with_bar("0x0000004000000000 0x00000045ffffffff 0x000000000014220c")
        }),
        silent: Scene::host(|| {
            with_bar("0x00000000e0000000 0x00000000efffffff 0x000000000014220c")
        }),
    },
};

fn with_bar(line: &str) -> FakeHost {
    const REGISTERS: &str = "0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200";
    FakeHost::workstation().attribute(GPU, "resource", &format!("{REGISTERS}\n{line}\n"))
}

const LARGE: u64 = 4 << 30;

fn check(case: &DeviceCase, answer: &mut Answer) {
    let Some(state) = case.state() else { return };
    let Some(bars) = answer.learn(state.bars.required()) else { return };
    let large: Vec<&Bar> = bars.iter().filter(|bar| bar.size >= LARGE).collect();
    if large.is_empty() {
        return;
    }
    let told: Vec<String> = large
        .iter()
        .map(|bar| format!("BAR {} of {} GiB", bar.index, bar.size.div_ceil(1 << 30)))
        .collect();
    // Each lies at a multiple of its size, which is a power of two.
    let room: u64 = large.iter().map(|bar| bar.size.div_ceil(1 << 20)).sum();
    let window = room.checked_next_power_of_two().unwrap_or(room);
    let finding = Finding::new(format!(
        "{} has {}: the VM's firmware needs a 64-bit window of at least that size",
        case.device.address,
        told.join(" and ")
    ))
    .severity(Severity::Note)
    .evidence([state.bars_evidence()]);
    answer.find(finding.remedy(Remedy::advice(format!(
        "Boot the VM with UEFI firmware (OVMF), not with SeaBIOS. OVMF before edk2-stable202211 has to be told the window in MiB, by the QEMU option -fw_cfg name=opt/ovmf/X-PciMmio64Mb,string={window} (for this device alone); a later one takes what the VM's processor can address, so let the VM see the host's (-cpu host with host-phys-bits=on).",
    ))));
}
