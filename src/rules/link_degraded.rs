//! AH607 link-degraded

use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::{FakeHost, GPU, ROOT_PORT};
use crate::host::{Gap, Link, Reading};
use crate::pci::Address;

pub static RULE: Rule = Rule {
    code: "AH607",
    name: "link-degraded",
    severities: &[Severity::Note],
    summary: "The device's link is slower or narrower than the device and its port can.",
    why: "A card that is not seated well, a slot with fewer lanes, or a cable between may halve what the device can move. Many GPUs slow their link down while they have nothing to do: a lower speed at rest is no fault, fewer lanes are. A sleeping device is not asked, since that would wake it.",
    remedy: "Look again while the device works; seat the card anew, or put it into another slot.",
    since: "0.1.0",
    reads: &[
        "drivers/pci/pci-sysfs.c (current_link_speed_show, max_link_speed_show, current_link_width_show, max_link_width_show)",
        "drivers/pci/pci.c (pcie_bandwidth_available: the least of the links on the way)",
        "Documentation/ABI/testing/sysfs-bus-pci",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| linked(GPU, ("16.0 GT/s PCIe", "8"), ("16.0 GT/s PCIe", "16"))),
        silent: Scene::host(|| linked(GPU, ("16.0 GT/s PCIe", "16"), ("16.0 GT/s PCIe", "16"))),
    },
};

/// A link as it is and as it can be, below a port that can the latter too.
fn linked(device: Address, now: (&str, &str), most: (&str, &str)) -> FakeHost {
    FakeHost::workstation().linked(device, now, most).linked(ROOT_PORT, now, most)
}

/// One function of a card tells for all: they share the link.
fn check(case: &DeviceCase, answer: &mut Answer) {
    let Some(wire) = case.state().and_then(|state| state.wire.as_ref()) else { return };
    let address = case.device.address;
    let same_card =
        |other: &Address| Address { function: 0, ..*other } == Address { function: 0, ..address };
    if case.wanted_by_vm().iter().find(|other| same_card(other)) != Some(&address) {
        return;
    }
    let most =
        |of: fn(&Link) -> Result<Option<u32>, Gap>, link: &Link| -> Result<Option<u32>, Gap> {
            let own = of(link)?;
            let port = wire.port.as_ref().map(of).transpose()?.flatten();
            Ok(own.map(|own| port.map_or(own, |port| own.min(port))))
        };
    let speed =
        answer.learn(both(rate(&wire.own.speed), most(|link| rate(&link.max_speed), &wire.own)));
    let width =
        answer.learn(both(lanes(&wire.own.width), most(|link| lanes(&link.max_width), &wire.own)));
    let slower = speed.flatten().filter(|(now, most)| now < most);
    let narrower = width.flatten().filter(|(now, most)| now < most);
    let said: Vec<String> = [
        slower.map(|(now, most)| format!("{} of {} GT/s", tenths(now), tenths(most))),
        narrower.map(|(now, most)| format!("{now} of {most} lanes")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if said.is_empty() {
        return;
    }
    let finding = Finding::new(format!("the link of {address} runs with {}", said.join(" and ")))
        .severity(Severity::Note)
        .evidence([
            wire.own.speed.evidence(),
            wire.own.width.evidence(),
            wire.own.max_speed.evidence(),
            wire.own.max_width.evidence(),
        ]);
    let port =
        wire.port.iter().flat_map(|port| [port.max_speed.evidence(), port.max_width.evidence()]);
    let finding = finding.evidence(port);
    let finding = match narrower {
        None => {
            finding.detail("Many devices, GPUs above all, slow their link down while they rest.")
        }
        Some(_) => finding,
    };
    answer.find(finding.remedy(Remedy::advice(
        "Look again while the device works. If it stays so, seat the card anew, try another slot, and look for a limit on the slot in the firmware setup.",
    )));
}

fn both<T>(
    now: Result<Option<T>, Gap>,
    most: Result<Option<T>, Gap>,
) -> Result<Option<(T, T)>, Gap> {
    Ok(now?.zip(most?))
}

/// In tenths of a GT/s; none where there is no link, and where the device does not say it.
fn rate(speed: &Reading<String>) -> Result<Option<u32>, Gap> {
    let tenths = |text: &String| {
        let (whole, tenth) = text.split_whitespace().next()?.split_once('.')?;
        Some(whole.parse::<u32>().ok()?.checked_mul(10)? + tenth.get(..1)?.parse::<u32>().ok()?)
    };
    Ok(speed.known()?.and_then(tenths))
}

/// A device without a link has 0 lanes.
fn lanes(width: &Reading<u32>) -> Result<Option<u32>, Gap> {
    Ok(width.known()?.copied().filter(|lanes| (1..=32).contains(lanes)))
}

fn tenths(rate: u32) -> String {
    format!("{}.{}", rate / 10, rate % 10)
}
