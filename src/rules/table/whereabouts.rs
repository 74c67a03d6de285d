//! Cards that moved, and what is said of where they are.

use super::{ONE_GPU, judge, wanting, workstation};
use crate::finding::Finding;
use crate::host::fake::{FakeHost, GPU};
use crate::pci::Address;

const RTX_4090: (u16, u16) = (0x10de, 0x2684);
const THIRD: Address = Address::new(0, 3, 0, 0);
const FOURTH: Address = Address::new(0, 4, 0, 0);

/// A second card of the same model.
fn two_cards() -> FakeHost {
    workstation().with(FOURTH, 0x03_0000, RTX_4090, None, 30)
}

fn find(config: &str, host: &FakeHost, code: &str) -> Finding {
    let judged = judge(config, host);
    let found = judged.findings.iter().find(|it| it.code == code && it.device == Some(GPU));
    found.unwrap_or_else(|| panic!("no {code}: {judged:#?}")).clone()
}

/// Candidates, and all that is said beyond the sentence.
fn told(finding: &Finding) -> (Vec<Address>, String) {
    let places = finding.related.iter().filter_map(|related| related.device).collect();
    let related = finding.related.iter().map(|related| related.message.clone());
    let words: Vec<String> = finding.details.iter().cloned().chain(related).collect();
    (places, words.join(" "))
}

#[test]
fn a_card_that_moved_is_named() {
    let (places, words) = told(&find(ONE_GPU, &workstation().moved(GPU, THIRD), "AH201"));
    assert_eq!(places, [THIRD]);
    assert!(words.contains("10de:2684 is at 0000:03:00.0"), "{words}");
    assert!(words.contains("subsystem 10de:0001"), "{words}");
}

#[test]
fn another_card_in_its_place_is_told_with_where_it_went() {
    let host = workstation().moved(GPU, THIRD).with(GPU, 0x03_0000, (0x1002, 0x744c), None, 30);
    let (places, words) = told(&find(ONE_GPU, &host, "AH202"));
    assert_eq!(places, [THIRD], "{words}");
}

#[test]
fn of_two_like_cards_the_one_in_its_own_place_has_not_moved() {
    let both = ONE_GPU.to_owned()
        + "        - {pci_address: \"0000:04:00.0\", device_type: gpu, vendor_id: \"10de\", device_id: \"2684\"}\n";
    let (places, words) = told(&find(&both, &two_cards().moved(GPU, THIRD), "AH201"));
    assert_eq!(places, [THIRD], "{words}");
    assert!(
        words.contains("There is a 10de:2684 at 0000:04:00.0, where the plan wants one"),
        "{words}"
    );
    let gone = two_cards().moved(GPU, THIRD).ids(THIRD, 0x1002, 0x744c);
    let (places, words) = told(&find(&both, &gone, "AH201"));
    assert!(places.is_empty() && words.contains("No 10de:2684 was found that the plan"), "{words}");
}

#[test]
fn two_like_cards_are_both_named_with_what_tells_them_apart() {
    let moved = || two_cards().moved(GPU, THIRD);
    let (places, words) = told(&find(ONE_GPU, &moved(), "AH201"));
    assert_eq!(places, [THIRD, FOURTH]);
    assert!(words.contains("10de:2684 is at 0000:03:00.0 and at 0000:04:00.0"), "{words}");
    assert!(words.contains("the same model; they differ in: below the bridge"), "{words}");

    let of_two_makers = moved().subsystem(THIRD, 0x1043, 0x88e2).subsystem(FOURTH, 0x1458, 0x40bf);
    let (_, words) = told(&find(ONE_GPU, &of_two_makers, "AH201"));
    assert!(words.contains("subsystem ids differ"), "{words}");
    assert!(
        words.contains("subsystem 1043:88e2") && words.contains("subsystem 1458:40bf"),
        "{words}"
    );

    let in_slots = moved()
        .file("/sys/bus/pci/slots/4/address", "0000:03:00\n")
        .file("/sys/bus/pci/slots/6-1/address", "0000:04:00\n")
        .file("/sys/bus/pci/slots/9/address", "rubbish\n");
    let (_, words) = told(&find(ONE_GPU, &in_slots, "AH201"));
    assert!(words.contains("slot 4") && words.contains("slot 6-1"), "{words}");
}

#[test]
fn what_could_not_be_read_is_not_called_absent() {
    let host = workstation().moved(GPU, THIRD);
    let unread = host.clone().attribute(THIRD, "uevent", "\u{0}").attribute(THIRD, "device", "?\n");
    let (places, words) = told(&find(ONE_GPU, &unread, "AH201"));
    assert!(places.is_empty() && words.contains("not all could"), "{words}");
    let gone = host.ids(THIRD, 0x1002, 0x744c);
    let (_, words) = told(&find(ONE_GPU, &gone, "AH201"));
    assert!(words.contains("No device 10de:2684 was found"), "{words}");
    // Without ids there is nothing to look for.
    let finding = find(&wanting(&[(GPU, "gpu")]), &workstation().moved(GPU, THIRD), "AH201");
    assert!(finding.related.is_empty());
}
