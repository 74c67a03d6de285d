//! What `modprobe` is told (`modprobe.d(5)`), by its folders and by the kernel's command line.

use super::super::kernel::CommandLine;
use super::super::root::Root;
use super::Told;
use super::folders::{Files, ends_in, lines};

/// `/run/modprobe.d`, the second in rank, is empty after a boot.
const FOLDERS: &[&str] =
    &["/etc/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"];

/// A line of it; names of modules with underscores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// Cards that vfio-pci is told to take, by their ids.
    Ids(String),
    /// `module` is loaded after all of `before` and before all of `after`.
    SoftDependency { module: String, before: Vec<String>, after: Vec<String> },
    /// Not loaded for a device.
    Blacklist(String),
    /// A command is run in the place of loading it.
    Install { module: String, command: Command },
    /// A module for the devices with this alias.
    Alias { pattern: String, module: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `/bin/true` and its like: it is never loaded.
    Nothing,
    /// It speaks of vfio-pci.
    VfioPci,
    Other,
}

/// Cards that an entry of `ids=` takes (`drivers/vfio/pci/vfio_pci.c`, `vfio_pci_fill_ids`;
/// `drivers/pci/pci.h`, `pci_match_one_device`). None stands for any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenIds {
    vendor: Option<u32>,
    device: Option<u32>,
    subsystem_vendor: Option<u32>,
    subsystem_device: Option<u32>,
    class: u32,
    class_mask: u32,
}

pub(super) fn read(root: &Root) -> Told<Setting> {
    Files::read(root, FOLDERS, ends_in(&[".conf", ".alias"]))
        .told(|_, text| settings(text).into_iter().map(|it| (it.clone(), it.line())).collect())
}

/// The settings that matter, in their order.
pub fn settings(text: &str) -> Vec<Setting> {
    lines(text).iter().filter_map(|line| Setting::parse(line)).collect()
}

/// The values of `ids=` that a command line gives vfio-pci, in their order.
pub fn ids_of_command_line(line: &CommandLine) -> impl Iterator<Item = &str> {
    line.0.split_ascii_whitespace().filter_map(|word| {
        let (name, value) = word.split_once('=')?;
        (name.replace('-', "_") == "vfio_pci.ids").then_some(value.trim_matches('"'))
    })
}

/// `10de:2684,10de:22bd`; entries that the driver refuses are left out.
pub fn taken_by(ids: &str) -> Vec<TakenIds> {
    ids.split(',').filter_map(TakenIds::parse).collect()
}

fn module(name: &str) -> String {
    name.replace('-', "_")
}

impl Setting {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let keyword = words.next()?;
        let name = words.next()?;
        Some(match keyword {
            "options" if module(name) == "vfio_pci" => {
                let mut ids = words.filter_map(|word| word.strip_prefix("ids="));
                Self::Ids(ids.next_back()?.trim_matches('"').to_owned())
            }
            "softdep" => {
                let (mut before, mut after) = (Vec::new(), Vec::new());
                let mut list: Option<&mut Vec<String>> = None;
                for word in words {
                    match word {
                        "pre:" => list = Some(&mut before),
                        "post:" => list = Some(&mut after),
                        other => list.iter_mut().for_each(|list| list.push(module(other))),
                    }
                }
                Self::SoftDependency { module: module(name), before, after }
            }
            "blacklist" => Self::Blacklist(module(name)),
            "install" => {
                let words: Vec<&str> = words.collect();
                let program = words.first().and_then(|word| word.rsplit('/').next());
                let command = match program {
                    Some("true" | "false" | ":") => Command::Nothing,
                    _ if words.iter().any(|word| module(word).contains("vfio_pci")) => {
                        Command::VfioPci
                    }
                    _ => Command::Other,
                };
                Self::Install { module: module(name), command }
            }
            "alias" if name.starts_with("pci:") => {
                Self::Alias { pattern: name.to_owned(), module: module(words.next()?) }
            }
            _ => return None,
        })
    }

    /// The same, as it stands in a file, without what does not matter.
    pub fn line(&self) -> String {
        match self {
            Self::Ids(ids) => format!("options vfio_pci ids={ids}"),
            Self::SoftDependency { module, before, after } => {
                let list = |word: &str, names: &[String]| {
                    if names.is_empty() {
                        String::new()
                    } else {
                        format!(" {word} {}", names.join(" "))
                    }
                };
                format!("softdep {module}{}{}", list("pre:", before), list("post:", after))
            }
            Self::Blacklist(module) => format!("blacklist {module}"),
            Self::Install { module, command } => {
                let command = match command {
                    Command::Nothing => "/bin/false",
                    Command::VfioPci => "* vfio-pci",
                    Command::Other => "*",
                };
                format!("install {module} {command}")
            }
            Self::Alias { pattern, module } => format!("alias {pattern} {module}"),
        }
    }
}

impl TakenIds {
    /// Up to six numbers in hex, of which two are needed.
    fn parse(entry: &str) -> Option<Self> {
        const ANY: u32 = u32::MAX;
        let mut fields = entry.split(':').map(|field| {
            let field = field.trim();
            u32::from_str_radix(field.strip_prefix("0x").unwrap_or(field), 16).ok()
        });
        let id = |field: u32| (field != ANY).then_some(field);
        let (vendor, device) = (id(fields.next()??), id(fields.next()??));
        // As sscanf does, what follows a bad field is not read.
        let mut rest = fields.map_while(|field| field);
        let subsystem_vendor = rest.next().and_then(id);
        let subsystem_device = rest.next().and_then(id);
        let (class, class_mask) = (rest.next().unwrap_or(0), rest.next().unwrap_or(0));
        Some(Self { vendor, device, subsystem_vendor, subsystem_device, class, class_mask })
    }

    /// Whether it takes a function, by its `MODALIAS`; none where that is of another form.
    pub fn takes(&self, modalias: &str) -> Option<bool> {
        let rest = modalias.strip_prefix("pci:")?;
        let number = |mark: &str, digits: usize| {
            let at = rest.find(mark)? + mark.len();
            u32::from_str_radix(rest.get(at..at + digits)?, 16).ok()
        };
        let is = |wanted: Option<u32>, found: u32| wanted.is_none_or(|wanted| wanted == found);
        let class = number("bc", 2)? << 16 | number("sc", 2)? << 8 | number("i", 2)?;
        Some(
            is(self.vendor, number("v", 8)?)
                && is(self.device, number("d", 8)?)
                && is(self.subsystem_vendor, number("sv", 8)?)
                && is(self.subsystem_device, number("sd", 8)?)
                && (self.class ^ class) & self.class_mask == 0,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPU: &str = "pci:v000010DEd00002684sv00001043sd000088E2bc03sc00i00";

    #[test]
    fn lines_are_read_as_modprobe_reads_them() {
        let text = "# options vfio-pci ids=1:2\noptions vfio-pci \\\n  disable_vga=1 ids=10de:2684\nsoftdep nvidia pre: vfio-pci drm post: x\nblacklist  nouveau\ninstall nvidia /usr/bin/false\ninstall a /sbin/modprobe vfio-pci; x\noptions nvidia ids=3:4\nalias pci:v000010DEd* vfio-pci\nalias usb:v1 x\noptions vfio-pci disable_vga=1\n";
        let lines: Vec<String> = settings(text).iter().map(Setting::line).collect();
        assert_eq!(
            lines,
            [
                "options vfio_pci ids=10de:2684",
                "softdep nvidia pre: vfio_pci drm post: x",
                "blacklist nouveau",
                "install nvidia /bin/false",
                "install a * vfio-pci",
                "alias pci:v000010DEd* vfio_pci",
            ]
        );
        let again: Vec<String> = settings(&lines.join("\n")).iter().map(Setting::line).collect();
        assert_eq!(again, lines, "what was cut is read as the same");
    }

    #[test]
    fn ids_take_what_the_driver_takes() {
        for (ids, takes) in [
            ("10de:2684", true),
            ("10DE:2684", true),
            ("0x10de:0x2684", true),
            ("8086:1533,10de:2684", true),
            ("10de:22bd", false),
            ("10de", false),
            ("", false),
            ("10de:2684:1043:88e2", true),
            ("10de:2684:1043:88e3", false),
            ("10de:2684:1043:rubbish", true),
            ("10de:ffffffff:ffffffff:ffffffff:00030000:ffff00ff", true),
            ("10de:ffffffff:ffffffff:ffffffff:00040300:ffffff", false),
        ] {
            let taken = taken_by(ids).iter().any(|entry| entry.takes(GPU) == Some(true));
            assert_eq!(taken, takes, "{ids}");
        }
        assert_eq!(taken_by("1:2")[0].takes("usb:v1"), None);
    }
}
