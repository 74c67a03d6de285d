//! Processes: what they are called, how they were started, what they have open; and keyboards.

use super::StandIns;
use super::mounts::by_word;

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
        self.word("p", name)
    }

    /// Of the arguments only the name of a VM, `-name VALUE`, which the plan has too.
    pub(super) fn arguments(&self, bytes: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(bytes);
        let words: Vec<&str> = text.split_terminator('\0').collect();
        let mut shown = String::new();
        // Of other programs nothing is asked, and nothing told. A stand-in has been through here
        // before.
        let program = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        let is_vm =
            ["qemu", "kvm"].iter().any(|it| program.contains(it)) || program.starts_with("p-");
        if !is_vm {
            return Vec::new();
        }
        let is_name = |word: &str| matches!(word, "-name" | "--name");
        for (at, word) in words.iter().enumerate() {
            let word = match at {
                0 => self.program(word),
                // As it is: by it the VM of the configuration is known again.
                _ if is_name(word) || is_name(words[at - 1]) => (*word).to_owned(),
                _ => continue,
            };
            shown += &word;
            shown.push('\0');
        }
        shown.into_bytes()
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
