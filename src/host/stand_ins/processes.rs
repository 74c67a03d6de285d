//! Processes: what they are called, how they were started, what they have open; and keyboards.

use super::StandIns;
use super::mounts::by_word;
use crate::host::holders::guests;

/// Files that a VM or a driver's user has open, and which are told.
const TOLD: &[&str] =
    &["/dev/vfio/", "/dev/iommu", "/dev/dri/", "/dev/snd/", "/dev/nvidia", "/dev/kfd"];

/// In the place of all others.
pub const OTHER: &str = "other";

/// Who listens to an input device, a number after it.
const HANDLERS: &[&str] = &[
    "apm-power",
    "cpufreq_interactive",
    "event",
    "joydev",
    "js",
    "kbd",
    "leds",
    "mouse",
    "rfkill",
    "sysrq",
];

/// Whether a program's name is one that this module gave it.
pub fn is_stand_in(name: &str) -> bool {
    let digits = name.strip_prefix("p-");
    digits.is_some_and(|it| it.len() == 8 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What a device can, as numbers.
const MAPS: &[&str] = &[
    "B: PROP", "B: EV", "B: KEY", "B: REL", "B: ABS", "B: MSC", "B: LED", "B: SND", "B: FF",
    "B: SW",
];

pub(super) fn is_of_process(place: &str) -> bool {
    process_of(place).is_some()
}

/// The number of the process whose folder a place lies in.
pub fn process_of(place: &str) -> Option<u32> {
    place.strip_prefix("/proc/")?.split('/').next()?.parse().ok()
}

pub(super) fn file_of_process(place: &str) -> bool {
    is_of_process(place) && place.split('/').nth(3) == Some("fd")
}

pub(super) fn target(target: &str) -> &str {
    let told = TOLD.iter().any(|start| target.starts_with(start))
        || target.starts_with("anon_inode:[vfio");
    if told { target } else { OTHER }
}

impl StandIns {
    pub(super) fn program(&self, name: &str) -> String {
        if is_stand_in(name) { name.to_owned() } else { self.word("p", name) }
    }

    /// Of what runs VMs the program, and the name of the VM as it is: by it the VM of a plan is known
    /// again. Of others nothing is asked, and nothing told.
    pub(super) fn arguments(&self, bytes: &[u8]) -> Vec<u8> {
        let mut shown = Vec::new();
        for name in guests(bytes) {
            if shown.is_empty() {
                let program = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
                shown.push(self.program(&String::from_utf8_lossy(program)));
            }
            shown.extend(["-name".to_owned(), format!("guest={}", name.replace(',', ",,"))]);
        }
        shown.iter().flat_map(|word| [word.as_bytes(), b"\0"]).flatten().copied().collect()
    }

    /// A line of `/proc/bus/input/devices` (`drivers/input/input.c`): the name, and no place or
    /// number of it; of what else may stand there nothing.
    pub(super) fn input_line(&self, line: &str) -> String {
        let Some((key, value)) = line.split_once('=') else {
            return unknown_line(line);
        };
        let is_hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let shown = match key {
            "N: Name" => {
                let name = value.trim_matches('"');
                let shown = if name.is_empty() { String::new() } else { self.word("input", name) };
                format!("\"{shown}\"")
            }
            "P: Phys" | "U: Uniq" => String::new(),
            "I: Bus" => by_word(value, |word| {
                let (key, number) = word.split_once('=').unwrap_or(("", word));
                ["", "Vendor", "Product", "Version"].contains(&key) && is_hex(number)
            }),
            "S: Sysfs" if value.starts_with("/devices/") => self.words(value),
            "S: Sysfs" => "*".to_owned(),
            "H: Handlers" => by_word(value, |word| {
                HANDLERS.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit()))
            }),
            _ if MAPS.contains(&key) => by_word(value, is_hex),
            _ => return unknown_line(line),
        };
        format!("{key}={shown}")
    }
}

/// The letter that begins a line of any kind, by which a device is known to be one.
fn unknown_line(line: &str) -> String {
    match line.split_once(": ") {
        _ if line.is_empty() => String::new(),
        Some((kind, _)) if kind.len() == 1 => format!("{kind}: *"),
        _ => "*".to_owned(),
    }
}
