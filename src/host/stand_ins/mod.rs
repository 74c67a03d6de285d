//! Stand-ins for what tells of persons and networks: the same value gets the same stand-in on one
//! host, and who has only the stand-ins cannot tell the values.
//!
//! They are put in where the root reads, so that facts, evidence and snapshots agree, and they
//! look like what they stand for, so that they are read by the same code. `docs/snapshot.md` says
//! what is replaced; a new format of a file that is read belongs in [`StandIns::contents`].

mod addresses;
mod boot;
mod mounts;
mod processes;
mod words;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::next_boot;
use super::root::Root;
pub use processes::{OTHER, is_stand_in, process_of};
use words::{Token, replace};

pub struct StandIns {
    /// Of a secret of the host that is not packed.
    key: [u8; 32],
    /// The host's own name and its first part.
    host_names: Vec<String>,
    /// What the stand-ins handed out stand for: a path that holds one is still found.
    real: RefCell<HashMap<String, String>>,
}

/// Secrets of a machine: numbers by chance of 128 bits, the first for as long as the system is
/// installed (`machine-id(5)`), the second until the next boot (`random(4)`).
const SECRETS: [&str; 2] = ["/etc/machine-id", "/proc/sys/kernel/random/boot_id"];

impl StandIns {
    /// With a key of the host; of a copy without one, of the machine that reads it.
    pub fn of(root: &Root) -> Self {
        let text =
            |root: &Root, path: &str| root.text(&path.into()).known().ok().flatten().cloned();
        let secret = |root: &Root| {
            let found = SECRETS.iter().filter_map(|path| text(root, path));
            found.map(|secret| secret.trim().to_owned()).find(|secret| secret.len() >= 32)
        };
        let here = || Root::open(None).ok().and_then(|root| secret(&root));
        let mut hash = Sha256::new();
        hash.update("ai-how stand-ins 1\0");
        hash.update(secret(root).or_else(here).unwrap_or_default());
        let mut host_names = Vec::new();
        for path in ["/proc/sys/kernel/hostname", "/etc/hostname"] {
            let name = text(root, path).unwrap_or_default();
            let name = name.trim();
            host_names.push(name.to_owned());
            host_names.extend(name.split('.').next().map(str::to_owned));
        }
        host_names.retain(|name| !name.is_empty() && !mounts::is_known(name));
        // The whole name before its first part.
        host_names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        host_names.dedup();
        Self { key: hash.finalize().into(), host_names, real: RefCell::default() }
    }

    /// The path on the host of one that may hold stand-ins.
    pub fn real<'a>(&self, path: &'a str) -> Cow<'a, str> {
        let real = self.real.borrow();
        if real.is_empty() {
            return path.into();
        }
        replace(path, &mut |_, word| real.get(word).cloned().unwrap_or_else(|| word.to_owned()))
    }

    pub fn names(&self, names: Vec<String>) -> Vec<String> {
        names.into_iter().map(|name| self.words(&name)).collect()
    }

    /// Where a link leads. What a process has open is told only where it is a device that a VM or a
    /// driver may want; all other links stay inside the root and are relative.
    pub fn target(&self, place: &str, target: &str) -> String {
        if processes::file_of_process(place) {
            processes::target(target).to_owned()
        } else if place.starts_with("/proc/") {
            self.words(target)
        } else {
            self.words(&inside(place, target))
        }
    }

    /// What a file holds, by its format.
    pub fn contents(&self, place: &str, bytes: Vec<u8>) -> Vec<u8> {
        let name = place.rsplit('/').next().unwrap_or(place);
        if processes::is_of_process(place) && name == "cmdline" {
            return self.arguments(&bytes);
        }
        if next_boot::initramfs::is_named(name) {
            // What cannot be listed is passed on as rubbish.
            return next_boot::initramfs::cut(&bytes).unwrap_or_else(|| vec![0xff]);
        }
        match name {
            "config.gz" => return boot::packed_config(&bytes),
            "modules.builtin.modinfo" => return bytes,
            "config" if place.starts_with("/sys/") => return boot::config_space(&bytes),
            // Which program started the kernel, in UTF-16.
            _ if name.starts_with("LoaderInfo-") => return bytes,
            _ => {}
        }
        let Ok(text) = std::str::from_utf8(&bytes) else { return vec![0xff] };
        if !place.starts_with("/proc/")
            && !place.starts_with("/sys/")
            && let Some(text) = next_boot::cut(name, text)
        {
            return self.words(&text).into_bytes();
        }
        let end = if text.ends_with('\n') { "\n" } else { "" };
        let lines = |line: &dyn Fn(&str) -> Option<String>| {
            let lines: Vec<String> = text.lines().filter_map(line).collect();
            lines.join("\n") + end
        };
        let told = match (place, name) {
            ("/proc/cmdline", _) => self.command_line(text.trim_end()) + end,
            ("/dev/kmsg" | "/var/log/dmesg", _) => lines(&|line| self.log_line(line)),
            ("/proc/version", _) => boot::version(text.trim_end()) + end,
            ("/proc/cpuinfo", _) => lines(&boot::cpu_line),
            ("/proc/modules", _) => lines(&|line| Some(boot::module_line(line))),
            (_, "meminfo") => lines(&boot::amount_line),
            ("/proc/iomem", _) => lines(&boot::memory_line),
            ("/proc/interrupts", _) => self.words(&boot::without_counts(text)),
            ("/proc/swaps", _) => lines(&|line| Some(self.swap(line))),
            ("/proc/bus/input/devices", _) => lines(&|line| Some(self.input_line(line))),
            (_, "os-release") => lines(&boot::os_line),
            (_, "mountinfo") => lines(&|line| Some(self.mount(line))),
            (_, "route") => lines(&|line| Some(self.route_v4(line))),
            (_, "ipv6_route") => lines(&|line| Some(self.route_v6(line))),
            (_, "if_inet6") => lines(&|line| Some(self.address_v6(line))),
            (_, "address") => lines(&|line| Some(self.server(line))),
            (_, "backing_file" | "backing_dev") => lines(&|line| Some(self.path(line))),
            (_, "comm") if processes::is_of_process(place) => {
                lines(&|line| Some(self.program(line)))
            }
            (_, "information") if place.starts_with("/proc/driver/nvidia/") => {
                lines(&|line| line.starts_with("Device Minor:").then(|| line.to_owned()))
            }
            _ if place.ends_with("/dm/name") => lines(&|line| Some(self.volume(line))),
            _ if place.starts_with("/boot/config-") => lines(&boot::config_line),
            _ if place.contains("/lib/modules/") => return bytes,
            _ => self.words(text),
        };
        told.into_bytes()
    }

    /// The addresses of cards and the long numbers in a text.
    fn words(&self, text: &str) -> String {
        replace(text, &mut |token, word| {
            let stand_in = self.token(token, word);
            if stand_in != word {
                self.real.borrow_mut().insert(stand_in.clone(), word.to_owned());
            }
            stand_in
        })
        .into_owned()
    }

    fn token(&self, token: Token, word: &str) -> String {
        if word.bytes().all(|byte| !byte.is_ascii_hexdigit() || byte == b'0') {
            return word.to_owned();
        }
        match token {
            Token::Mac => self.mac(word),
            Token::Interface => {
                let (kind, digits) = word.split_at(3);
                let pairs: Vec<&str> = (0..6).map(|pair| &digits[pair * 2..pair * 2 + 2]).collect();
                format!("{kind}{}", self.mac(&pairs.join(":")).replace(':', ""))
            }
            Token::Number => {
                let mut digits = self.digits("number", &word.to_lowercase());
                let mut more = 0_u32;
                while digits.len() < word.len() {
                    more += 1;
                    digits += &self.digits("number", &format!("{word}{more}"));
                }
                let mut digits = digits.chars();
                let digit = |c| if c == '-' { '-' } else { digits.next().unwrap_or('0') };
                word.chars().map(digit).collect()
            }
        }
    }

    /// Locally administered, of one card (`include/linux/etherdevice.h`); the parts that are only
    /// there in longer ones follow.
    fn mac(&self, mac: &str) -> String {
        let plain = mac.to_lowercase().replace('-', ":");
        if plain.split(':').all(|part| part == "ff") {
            return mac.to_owned();
        }
        let hash = self.hash("mac", &plain);
        let parts = plain.split(':').count();
        let first = (hash[0] & 0xfc) | 0x02;
        let rest = hash[1..].iter().cycle();
        let all: Vec<String> = std::iter::once(&first)
            .chain(rest)
            .take(parts)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        all.join(if mac.contains('-') { "-" } else { ":" })
    }

    /// A word in the place of another, `d-1f2e3d4c`.
    fn word(&self, kind: &str, value: &str) -> String {
        format!("{kind}-{}", &self.digits(kind, value)[..8])
    }

    fn digits(&self, label: &str, value: &str) -> String {
        self.hash(label, value).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn hash(&self, label: &str, value: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(label);
        hash.update([0]);
        hash.update(value);
        hash.finalize().into()
    }

    /// The host's own name as a whole word.
    fn without_host_name(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for name in &self.host_names {
            let stand_in = format!("host{}", &self.digits("host", name)[..8]);
            // A volume's name has each dash twice (`lvm(8)`).
            for name in [name.clone(), name.replace('-', "--")] {
                text = replace_word(&text, &name, &stand_in);
            }
        }
        text
    }
}

fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    let mut before = None;
    while let Some(at) = rest.find(word) {
        let (head, tail) = (&rest[..at], &rest[at + word.len()..]);
        let before_it = head.chars().next_back().or(before);
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let whole = !is_word(before_it) && !is_word(tail.chars().next());
        result += head;
        result += if whole { by } else { word };
        before = word.chars().next_back();
        rest = tail;
    }
    result + rest
}

/// The same link, relative, and without the steps that would lead out of the root.
fn inside(place: &str, target: &str) -> String {
    let depth = place.matches('/').count().saturating_sub(1);
    if let Some(from_top) = target.strip_prefix('/') {
        return inside(place, &format!("{}{from_top}", "../".repeat(depth)));
    }
    let mut here = depth;
    let mut parts = Vec::new();
    for part in target.split('/') {
        match part {
            ".." if here == 0 => continue,
            ".." => here -= 1,
            "" | "." => continue,
            _ => here += 1,
        }
        parts.push(part);
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests;
