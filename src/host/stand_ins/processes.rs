//! Processes: what they are called, how they were started, what they have open; and keyboards.

use super::StandIns;

/// Files that a VM or a driver's user has open, and which are told.
const TOLD: &[&str] =
    &["/dev/vfio/", "/dev/iommu", "/dev/dri/", "/dev/snd/", "/dev/nvidia", "/dev/kfd"];

/// In the place of all others.
pub const OTHER: &str = "other";

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
        // Of other programs nothing is asked; a stand-in has been through here before.
        let program = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        let is_vm =
            ["qemu", "kvm"].iter().any(|it| program.contains(it)) || program.starts_with("p-");
        for (at, word) in words.iter().enumerate() {
            let is_name = is_vm && matches!(*word, "-name" | "--name");
            let after_name = is_vm && at > 0 && matches!(words[at - 1], "-name" | "--name");
            let word = match at {
                0 => self.program(word),
                _ if is_name => (*word).to_owned(),
                // As it is: by it the VM of the configuration is known again.
                _ if after_name => (*word).to_owned(),
                _ => continue,
            };
            shown += &word;
            shown.push('\0');
        }
        shown.into_bytes()
    }

    /// A line of `/proc/bus/input/devices`: the name, and no place or number of it.
    pub(super) fn input_line(&self, line: &str) -> String {
        match line.split_once('=') {
            Some((key @ "N: Name", name)) => {
                let name = name.trim_matches('"');
                let shown = if name.is_empty() { String::new() } else { self.word("input", name) };
                format!("{key}=\"{shown}\"")
            }
            Some((key @ ("P: Phys" | "U: Uniq"), _)) => format!("{key}="),
            _ => self.words(line),
        }
    }
}
