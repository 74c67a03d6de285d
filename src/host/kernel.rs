//! The kernel: its release, command line and build configuration.

use std::collections::BTreeMap;
use std::io::Read;

use super::reading::{HostPath, Reading};
use super::root::Root;

/// A kernel's release, `6.12.1-amd64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub text: String,
    pub major: u32,
    pub minor: u32,
}

/// The kernel's build configuration: option -> value (`y`, `m`, a text); options not set are left
/// out, which is what the kernel means by it.
#[derive(Debug, Clone, Default)]
pub struct BuildConfig {
    options: BTreeMap<String, String>,
}

/// The parameters the kernel was started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine(pub String);

/// A parameter of a patch that many kernels carry: devices are taken for isolated that do not promise
/// to be (`https://lkml.org/lkml/2013/5/30/513`).
pub const ACS_OVERRIDE: &str = "pcie_acs_override";

/// Where the kernel says its release: `proc(5)`, `/proc/sys/kernel/osrelease`, `/proc/version`.
pub fn read_release(root: &Root) -> Reading<Release> {
    let release = root
        .text(&"/proc/sys/kernel/osrelease".into())
        .parse("a kernel release", |text| Release::parse(text));
    release.or(|| {
        root.text(&"/proc/version".into()).parse("the kernel's version", |text| {
            Release::parse(text.strip_prefix("Linux version ")?.split(' ').next()?)
        })
    })
}

pub fn read_command_line(root: &Root) -> Reading<CommandLine> {
    root.text(&"/proc/cmdline".into())
        .parse("the kernel's command line", |text| Some(CommandLine(text.clone())))
}

/// A parameter of a module that is on or off (`kernel/params.c`, `param_get_bool`).
pub fn read_switch(root: &Root, module: &str, name: &str) -> Reading<bool> {
    let folder = format!("/sys/module/{module}");
    let path = format!("{folder}/parameters/{name}");
    // What a module does not have is absent, even where its folder's absence is all that tells.
    if matches!(root.folder(folder).known(), Ok(None)) {
        return Reading::absent(path.into());
    }
    root.text(&path.into()).parse("Y or N", |text| match text.as_str() {
        "Y" => Some(true),
        "N" => Some(false),
        _ => None,
    })
}

/// `/proc/config.gz`, else `/boot/config-RELEASE`, else beside the kernel's modules.
pub fn read_build_config(root: &Root, release: &Reading<Release>) -> Reading<BuildConfig> {
    let packed = root
        .bytes(&"/proc/config.gz".into())
        .parse("a gzip file", |bytes| BuildConfig::unpack(bytes));
    packed.or(|| match release.known() {
        Ok(Some(release)) => {
            let name = release.file_name();
            let read = |path: String| {
                let text = root.text(&path.into());
                text.parse("a kernel configuration", |text| BuildConfig::parse(text))
            };
            read(format!("/boot/config-{name}")).or(|| read(format!("/lib/modules/{name}/config")))
        }
        _ => Reading::absent(HostPath::from("/proc/config.gz")),
    })
}

impl Release {
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(|c: char| !c.is_ascii_digit());
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next()?.parse().ok()?;
        let text = text.trim_end();
        let printable = text.len() <= 128 && text.chars().all(|c| c.is_ascii_graphic());
        printable.then(|| Self { text: text.to_owned(), major, minor })
    }

    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        (self.major, self.minor) >= (major, minor)
    }

    /// Enterprise kernels keep an old number over years of backports, so the number alone does
    /// not tell what they hold.
    pub fn keeps_its_number(&self) -> bool {
        let marks =
            [".el7", ".el8", ".el9", ".el10", ".oe1", ".oe2", ".an7", ".an8", ".al7", ".al8"];
        marks.iter().any(|mark| self.text.contains(mark)) || self.is_of_suse()
    }

    /// Kernels that carry the patch for [`ACS_OVERRIDE`]: Proxmox's, in whose logs it is seen (6.8,
    /// 6.14), and Zen's.
    pub fn overrides_acs(&self) -> bool {
        self.text.ends_with("-pve") || self.text.contains("-zen")
    }

    /// `5.14.21-150500.55.19-default`: six digits that begin with the number of the edition.
    fn is_of_suse(&self) -> bool {
        let Some((_, rest)) = self.text.split_once('-') else { return false };
        let edition = rest.split('.').next().unwrap_or(rest);
        edition.len() == 6
            && edition.starts_with('1')
            && edition.bytes().all(|b| b.is_ascii_digit())
    }

    /// The release as a part of a file name; a slash cannot lead out of the folder.
    pub fn file_name(&self) -> String {
        self.text.replace('/', "_")
    }
}

impl CommandLine {
    /// All values given to a parameter, in order: `a=1 a=2` gives 1, 2; a bare `a` an empty text.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.split_ascii_whitespace().filter_map(move |word| {
            let rest = word.strip_prefix(name)?;
            if rest.is_empty() { Some("") } else { rest.strip_prefix('=') }
        })
    }

    /// Whether a parameter that takes a list (`intel_iommu=on,sm_on`) holds this word; the kernel
    /// reads each mention, so the last of two opposite words counts.
    pub fn last_of<'a>(&'a self, name: &'a str, words: &[&str]) -> Option<&'a str> {
        self.values(name)
            .flat_map(|value| value.split(','))
            .filter(|word| words.contains(word))
            .last()
    }
}

impl BuildConfig {
    pub fn parse(text: &str) -> Option<Self> {
        let options: BTreeMap<String, String> = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .filter(|(name, _)| name.starts_with("CONFIG_"))
            .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
            .collect();
        (!options.is_empty()).then_some(Self { options })
    }

    /// Bounded: a configuration is a few hundred KiB unpacked.
    fn unpack(bytes: &[u8]) -> Option<Self> {
        const LARGEST: u64 = 8 << 20;
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes).take(LARGEST).read_to_string(&mut text).ok()?;
        Self::parse(&text)
    }

    /// `y`, `m`, another value, or none where the option is not set.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    pub fn is_built_in(&self, name: &str) -> bool {
        self.option(name) == Some("y")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_number() {
        let release = Release::parse("5.19.0-rc1").unwrap();
        assert!(release.at_least(5, 19) && !release.at_least(6, 0));
        assert!(Release::parse("6.1.0-13-amd64").unwrap().at_least(5, 19));
        assert!(Release::parse("5.14.0-427.el9.x86_64").unwrap().keeps_its_number());
        for (text, keeps) in [
            ("5.14.21-150500.55.19-default", true),
            ("4.18.0-147.5.1.6.h1099.oe1.x86_64", true),
            ("6.1.0-13-amd64", false),
            ("5.15.0-91-generic", false),
        ] {
            assert_eq!(Release::parse(text).unwrap().keeps_its_number(), keeps, "{text}");
        }
        assert_eq!(Release::parse("garbage"), None);
        assert_eq!(Release::parse("6.1 \u{1b}[31m"), None);
    }

    #[test]
    fn a_parameter_is_a_whole_word() {
        let line = CommandLine("quiet xintel_iommu=on intel_iommu=on,sm_on intel_iommu=off".into());
        assert_eq!(line.last_of("intel_iommu", &["on", "off"]), Some("off"));
        assert_eq!(line.last_of("iommu", &["off"]), None);
    }

    #[test]
    fn what_is_not_set_is_not_there() {
        let config = BuildConfig::parse("# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_C=m\n").unwrap();
        assert_eq!(config.option("CONFIG_A"), None);
        assert!(config.is_built_in("CONFIG_B") && !config.is_built_in("CONFIG_C"));
        assert!(BuildConfig::parse("nonsense").is_none());
    }
}
