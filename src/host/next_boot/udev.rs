//! Rules of udev that write a driver into `driver_override` (`udev(7)`).
//!
//! What a rule may do beyond that is not followed: jumps are not, and a rule whose condition or
//! whose writing cannot be followed is told as such.

use super::super::device::Device;
use super::super::reading::{Evidence, Gap, Reading, Why};
use super::super::root::Root;
use super::Told;
use super::folders::{Files, ends_in, lines};
use crate::pci::PciId;

/// `/run/udev/rules.d`, the second in rank, is empty after a boot.
const FOLDERS: &[&str] = &[
    "/etc/udev/rules.d",
    "/usr/local/lib/udev/rules.d",
    "/usr/lib/udev/rules.d",
    "/lib/udev/rules.d",
];

/// A rule that writes into `driver_override`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    conditions: Vec<Condition>,
    /// None where a program writes it.
    driver: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    key: String,
    /// `==`; else `!=`.
    equal: bool,
    pattern: String,
}

/// What can be told of a function without asking udev.
const FOLLOWED: &[&str] = &[
    "ACTION",
    "KERNEL",
    "KERNELS",
    "SUBSYSTEM",
    "SUBSYSTEMS",
    "ATTR{vendor}",
    "ATTRS{vendor}",
    "ATTR{device}",
    "ATTRS{device}",
    "ATTR{class}",
    "ATTRS{class}",
];

const NOT_FOLLOWED: &str = "*";

pub(super) fn read(root: &Root) -> Told<Override> {
    Files::read(root, FOLDERS, ends_in(&[".rules"])).told(|_, text| {
        overrides(text).into_iter().map(|rule| (rule.clone(), rule.line())).collect()
    })
}

/// The rules that matter.
pub fn overrides(text: &str) -> Vec<Override> {
    let lines = lines(text);
    let lines = lines.iter().filter(|line| line.contains("driver_override"));
    lines.filter_map(|line| Override::parse(line)).collect()
}

impl Override {
    /// The driver it gives a function; none where it does not apply to it.
    pub fn driver_of(&self, device: &Device, told: &Evidence) -> Result<Option<&str>, Gap> {
        let unclear = |found: &str| Gap {
            path: told.path.clone(),
            why: Why::Unclear {
                found: format!("{found} ({})", told.value),
                needed: "a rule that names the function and the driver",
            },
        };
        let mut open = None;
        for condition in &self.conditions {
            match condition.holds(device, &unclear) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(gap) => open = Some(gap),
            }
        }
        match (open, &self.driver) {
            (Some(gap), _) => Err(gap),
            (None, Some(driver)) => Ok(Some(driver)),
            (None, None) => Err(unclear("a rule by which a program writes driver_override")),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let mut conditions = Vec::new();
        let mut driver = None;
        let mut writes = false;
        for (key, operator, value) in entries(line) {
            match operator {
                "==" | "!=" => {
                    let followed = FOLLOWED.contains(&key);
                    conditions.push(Condition {
                        key: if followed { key } else { NOT_FOLLOWED }.to_owned(),
                        equal: operator == "==",
                        pattern: if followed { value } else { NOT_FOLLOWED }.to_owned(),
                    });
                }
                "=" | ":=" if key == "ATTR{driver_override}" => {
                    writes = true;
                    driver = Some(value.to_owned());
                }
                _ => writes |= value.contains("driver_override"),
            }
        }
        writes.then_some(Self { conditions, driver })
    }

    /// The same, as it stands in a file, without what does not matter.
    pub fn line(&self) -> String {
        let condition = |it: &Condition| {
            format!("{}{}\"{}\", ", it.key, if it.equal { "==" } else { "!=" }, it.pattern)
        };
        let conditions: String = self.conditions.iter().map(condition).collect();
        match &self.driver {
            Some(driver) => format!("{conditions}ATTR{{driver_override}}=\"{driver}\""),
            None => format!("{conditions}RUN+=\"* driver_override\""),
        }
    }
}

impl Condition {
    fn holds(&self, device: &Device, unclear: &dyn Fn(&str) -> Gap) -> Result<bool, Gap> {
        let id = |reading: &Reading<PciId>| reading.required().map(|id| format!("0x{id}"));
        let found = match self.key.as_str() {
            // Each function is added at a boot.
            "ACTION" => "add".to_owned(),
            "KERNEL" | "KERNELS" => device.address.to_string(),
            "SUBSYSTEM" | "SUBSYSTEMS" => "pci".to_owned(),
            "ATTR{vendor}" | "ATTRS{vendor}" => id(&device.vendor)?,
            "ATTR{device}" | "ATTRS{device}" => id(&device.device)?,
            "ATTR{class}" | "ATTRS{class}" => {
                device.class.required().map(|class| format!("0x{class}"))?
            }
            _ => return Err(unclear("a condition that only udev can answer")),
        };
        let fits = self.pattern.split('|').any(|one| fits(one.as_bytes(), found.as_bytes()));
        Ok(fits == self.equal)
    }
}

/// `KEY=="value"` and its like, separated by commas.
fn entries(line: &str) -> Vec<(&str, &str, &str)> {
    const OPERATORS: [&str; 6] = ["==", "!=", "+=", "-=", ":=", "="];
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(open) = rest.find('"') {
        let Some(length) = rest[open + 1..].find('"') else { break };
        let head = rest[..open].trim_matches(|c: char| c == ',' || c.is_whitespace());
        let value = &rest[open + 1..open + 1 + length];
        if let Some(operator) = OPERATORS.into_iter().find(|operator| head.ends_with(operator)) {
            found.push((head[..head.len() - operator.len()].trim_end(), operator, value));
        }
        rest = &rest[open + length + 2..];
    }
    found
}

/// `*`, `?` and `[...]`, as `fnmatch(3)` has them: `reached` are the places of the text up to
/// which the pattern so far fits.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    let mut rest = pattern;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'*' {
            let first = reached.iter().position(|&it| it).unwrap_or(reached.len());
            reached[first..].fill(true);
            continue;
        }
        let takes: Box<dyn Fn(u8) -> bool> = match byte {
            b'?' => Box::new(|_| true),
            b'[' => {
                let Some(end) = rest.iter().position(|&byte| byte == b']') else { return false };
                let (set, inverted) = match rest[..end].split_first() {
                    Some((b'!' | b'^', set)) => (set, true),
                    _ => (&rest[..end], false),
                };
                rest = &rest[end + 1..];
                Box::new(move |found| {
                    let range = |it: &[u8]| it[1] == b'-' && (it[0]..=it[2]).contains(&found);
                    (set.contains(&found) || set.windows(3).any(range)) != inverted
                })
            }
            byte => Box::new(move |found| found == byte),
        };
        for at in (0..text.len()).rev() {
            reached[at + 1] = reached[at] && takes(text[at]);
        }
        reached[0] = false;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_they_say() {
        for (pattern, good) in [
            ("0000:01:00.0", true),
            ("0000:01:00.*", true),
            ("*", true),
            ("0000:0[0-3]:00.?", true),
            ("0000:0[!1]:00.0", false),
            ("0000:01:00", false),
            ("0000:01:00.0?", false),
            ("", false),
            ("[", false),
            ("****************************************0", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), b"0000:01:00.0"), good, "{pattern}");
        }
    }

    #[test]
    fn only_rules_that_write_an_override_are_kept() {
        let text = "# ATTR{driver_override}=\"x\"\nACTION==\"add\", KERNEL==\"0000:01:00.0\", \\\n  ATTR{driver_override}=\"vfio-pci\"\nSUBSYSTEM==\"pci\", ENV{OWNER}==\"me\", RUN+=\"/bin/sh -c 'echo vfio-pci > /sys$devpath/driver_override'\"\nKERNEL==\"sda\", SYMLINK+=\"x\"\nATTR{driver_override}==\"x\", MODE=\"1\"\n";
        let lines: Vec<String> = overrides(text).iter().map(Override::line).collect();
        assert_eq!(
            lines,
            [
                "ACTION==\"add\", KERNEL==\"0000:01:00.0\", ATTR{driver_override}=\"vfio-pci\"",
                "SUBSYSTEM==\"pci\", *==\"*\", RUN+=\"* driver_override\"",
            ]
        );
        let again: Vec<String> = overrides(&lines.join("\n")).iter().map(Override::line).collect();
        assert_eq!(again, lines, "what was cut is read as the same");
    }
}
