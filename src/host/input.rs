//! Keyboards (`drivers/input/input.c`, `input_devices_seq_show`).

use super::place;
use super::reading::{Evidence, Reading};
use super::root::Root;
use crate::pci::Address;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyboard {
    pub name: String,
    /// Functions that it hangs on, the nearest last; none of one on PS/2, which is on no PCI
    /// device, or on Bluetooth, whose path does not tell its adapter.
    pub functions: Vec<Address>,
    pub evidence: Evidence,
}

const DEVICES: &str = "/proc/bus/input/devices";

/// Absent on a kernel without input devices.
pub fn read(root: &Root) -> Reading<Vec<Keyboard>> {
    root.text(&DEVICES.into()).parse("blocks of input devices", |text| {
        let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty());
        let all: Option<Vec<Option<Keyboard>>> = blocks.map(keyboard).collect();
        Some(all?.into_iter().flatten().collect())
    })
}

/// None inside for another input device. A power button has the handler `kbd` too, so the keys
/// tell: a keyboard has all from Escape (1) to S (31), `include/uapi/linux/input-event-codes.h`,
/// as udev tells it too. One made by a program is none that a person types on.
#[expect(clippy::option_option, reason = "a block that is none, and one of another device")]
fn keyboard(block: &str) -> Option<Option<Keyboard>> {
    const LETTERS: u64 = 0xffff_fffe;
    let value = |key: &str| block.lines().find_map(|line| line.strip_prefix(key));
    value("I: ")?;
    let path = value("S: Sysfs=")?;
    let keys = value("B: KEY=").and_then(|words| words.split_ascii_whitespace().last());
    let keys = match keys {
        Some(word) => u64::from_str_radix(word, 16).ok()?,
        None => 0,
    };
    let typed_on = keys & LETTERS == LETTERS && !path.starts_with("/devices/virtual/input/");
    let name = value("N: Name=").unwrap_or("").trim_matches('"').to_owned();
    let evidence = Evidence { path: DEVICES.to_owned(), value: format!("{name}: {path}") };
    Some(typed_on.then(|| Keyboard { name, functions: place::functions(path), evidence }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_button_is_no_keyboard() {
        let button = "I: Bus=0019 Vendor=0000 Product=0001 Version=0000\nN: Name=\"Power Button\"\nP: Phys=LNXPWRBN/button/input0\nS: Sysfs=/devices/LNXSYSTM:00/LNXPWRBN:00/input/input0\nU: Uniq=\nH: Handlers=kbd event0 \nB: PROP=0\nB: EV=3\nB: KEY=8000 10000000000000 0";
        assert_eq!(keyboard(button), Some(None));
        let typed = "I: Bus=0003 Vendor=046d Product=c31c Version=0110\nN: Name=\"Logitech USB Keyboard\"\nP: Phys=usb-0000:00:14.0-3/input0\nS: Sysfs=/devices/pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0/0003:046D:C31C.0001/input/input5\nU: Uniq=\nH: Handlers=sysrq kbd event5 leds \nB: PROP=0\nB: EV=120013\nB: KEY=1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\nB: MSC=10\nB: LED=7";
        let found = keyboard(typed).unwrap().unwrap();
        assert_eq!(found.functions, [Address::new(0, 0, 0x14, 0)]);
        assert_eq!(keyboard("rubbish"), None);
    }
}
