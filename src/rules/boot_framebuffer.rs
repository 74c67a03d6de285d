//! AH217 boot-framebuffer

use super::driver::is_vfio;
use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU};
use crate::host::{Bar, BarKind, Framebuffer, Gap, Reading, Release};
use crate::remedy;

pub static RULE: Rule = Rule {
    code: "AH217",
    name: "boot-framebuffer",
    severities: &[Severity::Warning],
    summary: "The screen of the firmware is still drawn into this graphics card's memory.",
    why: "The driver of the firmware's screen (efifb, simplefb) keeps a part of the card's memory for itself, so a VM cannot map it, and sees a black screen or fails to start. Since 6.0 vfio-pci takes the screen away when it gets the card.",
    remedy: "Let another graphics card show the firmware's screen, or keep its driver out with initcall_blacklist=sysfb_init.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/pci/vfio_pci_core.c (vfio_pci_vga_init: aperture_remove_conflicting_pci_devices, since 6.0; vfio_pci_core_mmap)",
        "drivers/video/aperture.c",
        "drivers/video/fbdev/efifb.c, vesafb.c, simplefb.c, drivers/gpu/drm/tiny/simpledrm.c (names of their memory)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| {
            FakeHost::workstation().release("5.15.0-91-generic").boot_screen(GPU, "BOOTFB")
        }),
        silent: Scene::host(|| {
            FakeHost::workstation().driver(GPU, Some("vfio-pci")).boot_screen(GPU, "0000:01:00.0")
        }),
    },
};

fn check(case: &DeviceCase, answer: &mut Answer) {
    let Some(state) = case.state() else { return };
    answer.at_most(Severity::Warning);
    let Some(Some(true)) = answer.learn(state.boot_vga.known()) else { return };
    let release = &case.host.release;
    let is_new = matches!(release.known(), Ok(Some(release)) if release.at_least(6, 0));
    let on_vfio = is_vfio(case.device) == Ok(true);
    let Some(framebuffers) = &case.host.framebuffers else { return };
    if is_new && (!on_vfio || framebuffers.is_unknown()) {
        return;
    }
    let Some(drawn) = answer.learn(framebuffers.required()) else { return };
    if drawn.is_empty() {
        return;
    }
    let Some(bars) = answer.learn(state.bars.required()) else { return };
    let Some(bar) = bars.iter().find(|bar| drawn.iter().any(|drawn| is_inside(drawn, bar))) else {
        return;
    };
    // What vfio-pci did not take away stays, whatever the kernel.
    if !on_vfio && answer.learn(stays(release)).is_none() {
        return;
    }
    let message = format!(
        "the firmware's screen is still drawn into BAR {} of {}",
        bar.index, case.device.address
    );
    let finding = Finding::new(message)
        .severity(Severity::Warning)
        .evidence([state.boot_vga.evidence(), framebuffers.evidence()])
        .remedy(Remedy::advice(
            "Choose another graphics card as the first one in the firmware setup (primary display).",
        ))
        .remedy(remedy::kernel_parameter("initcall_blacklist=sysfb_init").left_to_a_person());
    answer.find(finding.detail(
        "With the parameter the host shows nothing on this card until a driver of its own takes it, so have another way in.",
    ));
}

fn is_inside(drawn: &Framebuffer, bar: &Bar) -> bool {
    let last = bar.start.saturating_add(bar.size.saturating_sub(1));
    bar.kind != BarKind::Io && !bar.unset && (bar.start..=last).contains(&drawn.first)
}

/// That vfio-pci, once it gets the card, leaves the screen where it is: before 6.0.
fn stays(release: &Reading<Release>) -> Result<(), Gap> {
    if release.required()?.keeps_its_number() {
        return Err(release.unclear(
            "a kernel that carries backports",
            "one of which it is known whether vfio-pci takes the screen away",
        ));
    }
    Ok(())
}
