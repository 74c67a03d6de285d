//! Which modules drive which devices (`modules.alias`, `modules.builtin.modinfo`; `depmod(8)`,
//! `Documentation/kbuild/kbuild.rst`).

use super::kernel::Release;
use super::modules::folder_of;
use super::reading::Reading;
use super::root::Root;

/// Patterns of PCI devices, each with the module that takes them.
#[derive(Debug)]
pub struct Aliases {
    pub loadable: Reading<Vec<Alias>>,
    pub built_in: Reading<Vec<Alias>>,
}

/// `pci:v000010DEd*sv*sd*bc03sc*i*` and `nouveau`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    pub pattern: String,
    pub module: String,
}

pub fn read(root: &Root, release: &Reading<Release>) -> Aliases {
    let folder = folder_of(release);
    let loadable =
        root.text(&format!("{folder}/modules.alias").into()).parse("lines of aliases", |text| {
            Some(text.lines().filter_map(Alias::from_line).collect())
        });
    let built_in = root
        .bytes(&format!("{folder}/modules.builtin.modinfo").into())
        .parse("entries of modules", |bytes| {
            Some(bytes.split(|&byte| byte == 0).filter_map(Alias::from_entry).collect())
        });
    Aliases { loadable, built_in }
}

impl Alias {
    /// Whether it takes a device with this `modalias`.
    pub fn takes(&self, modalias: &str) -> bool {
        fits(self.pattern.as_bytes(), modalias.as_bytes())
    }

    /// `alias pci:… nouveau`
    fn from_line(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("alias ")?.split_ascii_whitespace();
        Self::of_pci(words.next()?, words.next()?)
    }

    /// `nouveau.alias=pci:…`
    fn from_entry(entry: &[u8]) -> Option<Self> {
        let (module, pattern) = std::str::from_utf8(entry).ok()?.split_once(".alias=")?;
        Self::of_pci(pattern, module)
    }

    fn of_pci(pattern: &str, module: &str) -> Option<Self> {
        let of_pci = pattern.starts_with("pci:");
        of_pci.then(|| Self { pattern: pattern.to_owned(), module: module.replace('-', "_") })
    }
}

/// Shell patterns with `*` alone, which is all that these aliases use
/// (`scripts/mod/file2alias.c`, `do_pci_entry`).
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut pos) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while pos < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, pos));
                at += 1;
            }
            Some(byte) if *byte == text[pos] => (at, pos) = (at + 1, pos + 1),
            _ => match star {
                Some((star_at, from)) => {
                    star = Some((star_at, from + 1));
                    (at, pos) = (star_at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_they_say() {
        let modalias = "pci:v000010DEd00002684sv00001043sd000088E2bc03sc00i00";
        for (pattern, good) in [
            ("pci:v000010DEd*sv*sd*bc03sc*i*", true),
            ("pci:v000010DEd00002684sv*sd*bc*sc*i*", true),
            ("pci:v00001002d*sv*sd*bc03sc*i*", false),
            ("pci:v000010DEd*sv*sd*bc04sc*i*", false),
            ("pci:*", true),
            ("pci:v000010DE", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), modalias.as_bytes()), good, "{pattern}");
        }
    }

    #[test]
    fn both_lists_are_read() {
        let alias = Alias { pattern: "pci:v1d2*".into(), module: "snd_hda_intel".into() };
        assert_eq!(Alias::from_line("alias pci:v1d2* snd-hda-intel"), Some(alias.clone()));
        assert_eq!(Alias::from_entry(b"snd-hda-intel.alias=pci:v1d2*"), Some(alias));
        assert_eq!(Alias::from_line("alias usb:v1p2 x"), None);
    }
}
