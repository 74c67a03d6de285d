//! AH403 host-display

use super::driver::{is_stub, is_vfio};
use super::example::Scene;
use super::harm;
use super::taken::TakenCase;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Remedy, Severity};
use crate::host::fake::{FakeHost, IGPU};
use crate::host::{Device, Evidence, Gap, Host, Reading, Uses};

pub static RULE: Rule = Rule {
    code: "AH403",
    name: "host-display",
    severities: &[Severity::Error, Severity::Warning],
    summary: "The function is the host's only display, or has a monitor on it.",
    why: "With its last display controller the host loses its console: if the network fails too, nobody gets in. One that a monitor hangs on, or that the firmware started on, goes dark and is hard to take from the drivers that use it.",
    remedy: "Keep another display for the host (the processor's own, a management controller's), or set up a serial console or SSH and try them first.",
    since: "0.1.0",
    reads: &[
        "drivers/gpu/drm/drm_sysfs.c (status_show)",
        "drivers/pci/pci-sysfs.c (boot_vga_show)",
        "drivers/pci/vgaarb.c (vga_default_device)",
        "include/linux/pci_ids.h (PCI_CLASS_DISPLAY_VGA, PCI_CLASS_DISPLAY_3D)",
    ],
    check: Check::Taken(check),
    example: Example {
        speaks: Scene::host(|| FakeHost::gpu_held_by_nvidia().driver(IGPU, Some("vfio-pci"))),
        silent: Scene::host(FakeHost::gpu_held_by_nvidia),
    },
};

fn check(case: &TakenCase, answer: &mut Answer) {
    match case.device.is_display() {
        Ok(true) => {}
        Ok(false) => return,
        Err(gap) => return harm::note(case, answer, [gap]),
    }
    match case.takes.display_left(serves_the_host) {
        Ok(false) => answer.find(only_display(case)),
        left => {
            check_monitor(case, answer);
            match left {
                // What is not known of monitors would be a warning.
                Ok(_) => answer.at_most(Severity::Warning),
                Err(gap) => {
                    answer.worst = None;
                    harm::note(case, answer, [gap]);
                }
            }
        }
    }
}

/// A display on a driver of the host; of those without one only the display that the firmware
/// started on, where the text console or the firmware's framebuffer draws.
fn serves_the_host(host: &Host, device: &Device) -> Result<bool, Gap> {
    if !device.is_display()? {
        return Ok(false);
    }
    let Some(driver) = device.driver.known()? else {
        let first = host.uses()?.displays.boot_vga.get(&device.address);
        return Ok(matches!(first.map(Reading::known).transpose()?, Some(Some(true))));
    };
    Ok(!is_stub(driver) && !is_vfio(device)?)
}

fn only_display(case: &TakenCase) -> crate::finding::Finding {
    let address = case.address();
    let (own, all) = case.takes.displays_lost(serves_the_host);
    let message = if all > own {
        format!(
            "{address} is one of the host's last displays, and the VMs of the plan take them all"
        )
    } else if own > 1 {
        format!(
            "{address} is one of the host's last displays, and {} takes them all",
            case.takes.vm.name
        )
    } else {
        format!("{address} is the host's only display")
    };
    case.finding(message)
        .evidence([case.device.class.evidence(), case.device.driver.evidence()])
        .remedy(Remedy::advice("Keep another display for the host (the processor's own, a management controller's), or set up a serial console or SSH, try it, and then take the driver off by hand."))
}

fn check_monitor(case: &TakenCase, answer: &mut Answer) {
    let Some(uses) = answer.learn(case.host.uses()) else { return };
    let address = case.address();
    let (connected, evidence) = monitors(uses, case, answer);
    let boot_vga = uses.displays.boot_vga.get(&address).map(|flag| (flag.known(), flag));
    let mut message = (!connected.is_empty())
        .then(|| format!("{address} has a monitor on {}", harm::list(&connected, 3)));
    let mut evidence = evidence;
    match boot_vga {
        Some((Ok(Some(true)), flag)) => {
            evidence.push(flag.evidence());
            message = message
                .or_else(|| Some(format!("{address} is the display that the firmware started on")));
        }
        Some((Err(gap), _)) => answer.gap(gap),
        _ => {}
    }
    if let Some(message) = message {
        answer.find(
            case.finding(message).severity(Severity::Warning).evidence(evidence).remedy(Remedy::advice(
                "Plug the monitor into the display that stays, and choose that one in the firmware setup as the first.",
            )),
        );
    }
}

/// Outputs of the function with a monitor on them.
fn monitors(uses: &Uses, case: &TakenCase, answer: &mut Answer) -> (Vec<String>, Vec<Evidence>) {
    let (mut names, mut evidence) = (Vec::new(), Vec::new());
    let displays = &uses.displays;
    displays.gaps.iter().cloned().for_each(|gap| answer.gap(gap));
    for connector in displays.connectors.iter().filter(|it| it.functions.contains(&case.address()))
    {
        if let Some(Some(true)) = answer.learn(connector.connected.known()) {
            names.push(connector.name.clone());
            evidence.push(connector.connected.evidence());
        }
    }
    (names, evidence)
}
