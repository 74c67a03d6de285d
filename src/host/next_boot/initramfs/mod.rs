//! The image of the first file system of the kernel that runs: which modules it has, and what it
//! does with them before the host's own file system is there.

pub mod cpio;
mod unpack;

use std::collections::{BTreeMap, BTreeSet};

use super::super::kernel::Release;
use super::super::modules::module_of_path;
use super::super::reading::{Evidence, Reading, Why};
use super::super::root::Root;
use super::folders::lines;
use super::modprobe::{self, Setting};
use super::udev::{self, Override};
use cpio::{Keep, Member, Refusal};

/// What matters of an image.
#[derive(Debug, Default)]
pub struct Image {
    /// With underscores.
    pub modules: BTreeSet<String>,
    /// What `modprobe` is told there, in the order in which it heeds it.
    pub modprobe: Vec<(Setting, Evidence)>,
    /// Rules that write into `driver_override` there.
    pub udev: Vec<(Override, Evidence)>,
    /// Loaded in this order before any driver of a device: `MODULES` of mkinitcpio, and
    /// `rd.driver.pre` that dracut wrote there.
    pub first: Vec<String>,
    /// Loaded at some time, in no order with the drivers of devices: `conf/modules` of
    /// initramfs-tools, `modules-load.d` of systemd.
    pub also: BTreeSet<String>,
    /// It heeds `rd.driver.pre` and `rd.driver.blacklist` of the command line (`dracut.cmdline(7)`).
    pub is_dracut: bool,
}

/// Where the tools put it; a star stands for the release.
const PLACES: &[&str] = &[
    // initramfs-tools; dracut; openSUSE.
    "/boot/initrd.img-*",
    "/boot/initramfs-*.img",
    "/boot/initrd-*",
    // kernel-install, rpm-ostree.
    "/usr/lib/modules/*/initrd",
    "/usr/lib/modules/*/initramfs.img",
    "/lib/modules/*/initrd",
    "/lib/modules/*/initramfs.img",
];

/// By these an image is known as dracut's.
const DRACUT: &[&str] =
    &["usr/lib/dracut-lib.sh", "lib/dracut-lib.sh", "usr/lib/dracut", "lib/dracut"];

/// In which dracut can put all that matters.
const SQUASHED: &[&str] = &["squashfs-root.img", "squash-root.img", "erofs-root.img"];

/// Of the folders of one kind the first counts.
const MODPROBE: &[&str] =
    &["etc/modprobe.d", "usr/local/lib/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d"];
const UDEV: &[&str] = &["etc/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d"];
const MODULES_LOAD: &[&str] =
    &["etc/modules-load.d", "usr/lib/modules-load.d", "lib/modules-load.d"];

pub(super) fn read(root: &Root, release: &Reading<Release>) -> Reading<Image> {
    let release = match release.known() {
        Ok(Some(release)) => release.file_name(),
        Ok(None) => return Reading::unknown(release.path().clone(), Why::Missing),
        Err(gap) => return Reading::unknown(release.path().clone(), gap.why),
    };
    let places = PLACES.iter().map(|place| place.replace('*', &release));
    let mut missing: Option<Reading<Image>> = None;
    for place in places.chain(of_arch(root, &release)) {
        let there = root.exists(&place.as_str().into());
        match there.known() {
            Ok(Some(())) => return read_at(root, &place),
            Ok(None) => {}
            Err(gap) => {
                let unknown = || Reading::unknown(there.path().clone(), gap.why.clone());
                missing.get_or_insert_with(unknown);
            }
        }
    }
    let first = PLACES[0].replace('*', &release);
    missing.unwrap_or_else(|| Reading::absent(first.into()))
}

/// Whether a file is one, by its name.
pub fn is_named(name: &str) -> bool {
    name.starts_with("initrd") || name.starts_with("initramfs")
}

/// `/boot/initramfs-linux-lts.img`: Arch names it by the package of the kernel.
fn of_arch(root: &Root, release: &str) -> Option<String> {
    let package = |folder: &str| root.text(&format!("{folder}/{release}/pkgbase").into());
    let package = package("/usr/lib/modules").or(|| package("/lib/modules"));
    let name = package.known().ok()??.trim().to_owned();
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    plain.then(|| format!("/boot/initramfs-{name}.img"))
}

fn read_at(root: &Root, place: &str) -> Reading<Image> {
    let bytes = root.image(&place.into());
    match bytes.known() {
        Ok(Some(bytes)) => {
            match unpack::list(bytes, &keep).and_then(|members| Image::of(place, &members)) {
                Ok(image) => {
                    let shown = format!("an image with {} modules", image.modules.len());
                    Reading::present(place.into(), image, shown)
                }
                Err(refusal) => Reading::unknown(
                    place.into(),
                    Why::Malformed {
                        found: refusal.to_string(),
                        expected: "an image that can be listed",
                    },
                ),
            }
        }
        Ok(None) => Reading::absent(place.into()),
        Err(gap) => Reading::unknown(place.into(), gap.why),
    }
}

/// What of an image stands in a snapshot: an image of its own, with what matters, which is read
/// as the same.
pub fn cut(image: &[u8]) -> Option<Vec<u8>> {
    let members = unpack::list(image, &keep).ok()?;
    let mut kept: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for Member { name, contents } in members {
        let text = String::from_utf8_lossy(&contents);
        match Kind::of(&name) {
            // Not by its folder, which tells who made it.
            Some(Kind::Module) => {
                let file = name.rsplit('/').next().unwrap_or(&name);
                kept.insert(format!("lib/modules/{file}"), Vec::new());
            }
            Some(kind) => drop(kept.insert(name.clone(), kind.cut(&text).into_bytes())),
            None => {}
        }
    }
    let members: Vec<Member> =
        kept.into_iter().map(|(name, contents)| Member { name, contents }).collect();
    Some(cpio::write(&members))
}

/// A member that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Module,
    Modprobe,
    Udev,
    ModulesLoad,
    /// `conf/modules` of initramfs-tools.
    ConfModules,
    /// `config` of mkinitcpio.
    Config,
    /// Parameters that dracut adds to those of the kernel.
    CommandLine,
    Dracut,
    Squashed,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let within =
            |folders: &[&str], ending: &str| folders.contains(&folder) && file.ends_with(ending);
        Some(match name {
            "conf/modules" => Self::ConfModules,
            "config" => Self::Config,
            _ if DRACUT.contains(&name) => Self::Dracut,
            _ if SQUASHED.contains(&file) => Self::Squashed,
            _ if within(MODPROBE, ".conf") => Self::Modprobe,
            _ if within(UDEV, ".rules") => Self::Udev,
            _ if within(MODULES_LOAD, ".conf") => Self::ModulesLoad,
            _ if within(&["etc/cmdline.d"], ".conf") => Self::CommandLine,
            _ if file.contains(".ko")
                && name.contains("lib/modules/")
                && module_of_path(name).is_some() =>
            {
                Self::Module
            }
            _ => return None,
        })
    }

    /// The lines of a text that matter.
    fn cut(self, text: &str) -> String {
        let told = match self {
            Self::Modprobe => modprobe::settings(text).iter().map(Setting::line).collect(),
            Self::Udev => udev::overrides(text).iter().map(Override::line).collect(),
            Self::ModulesLoad | Self::ConfModules => loaded(text),
            Self::Config => vec![format!("MODULES=\"{}\"", modules_of_config(text).join(" "))],
            Self::CommandLine => {
                parameters(text, "rd.driver.pre").map(|it| format!("rd.driver.pre={it}")).collect()
            }
            Self::Module | Self::Dracut | Self::Squashed => Vec::new(),
        };
        told.into_iter().map(|line: String| line + "\n").collect()
    }
}

fn keep(name: &str) -> Keep {
    match Kind::of(name) {
        None => Keep::Nothing,
        Some(Kind::Module | Kind::Dracut | Kind::Squashed) => Keep::Name,
        Some(_) => Keep::Contents,
    }
}

impl Image {
    fn of(place: &str, members: &[Member]) -> Result<Self, Refusal> {
        let mut image = Self::default();
        // By name without the folder, of which the first of its kind counts.
        let mut texts: BTreeMap<(bool, &str), (usize, &str, String)> = BTreeMap::new();
        for Member { name, contents } in members {
            let text = String::from_utf8_lossy(contents).into_owned();
            let Some(kind) = Kind::of(name) else { continue };
            let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
            match kind {
                Kind::Module => image.modules.extend(module_of_path(name)),
                Kind::Dracut => image.is_dracut = true,
                Kind::Squashed => return Err(Refusal::Packed { how: "squashfs" }),
                Kind::ConfModules | Kind::ModulesLoad => image.also.extend(loaded(&text)),
                Kind::Config => image.first.extend(modules_of_config(&text)),
                Kind::CommandLine => {
                    let names = parameters(&text, "rd.driver.pre").flat_map(|it| it.split(','));
                    image.first.extend(names.map(|name| name.replace('-', "_")));
                }
                Kind::Modprobe | Kind::Udev => {
                    let folders = if kind == Kind::Modprobe { MODPROBE } else { UDEV };
                    let rank = folders.iter().position(|it| *it == folder).unwrap_or(usize::MAX);
                    let found = texts.entry((kind == Kind::Udev, file)).or_insert((
                        rank,
                        name,
                        String::new(),
                    ));
                    if rank <= found.0 {
                        *found = (rank, name, text);
                    }
                }
            }
        }
        let evidence = |name: &str, line: String| Evidence {
            path: place.to_owned(),
            value: format!("{name}: {line}"),
        };
        for ((is_rule, _), (_, name, text)) in texts {
            if is_rule {
                let rules = udev::overrides(&text).into_iter();
                image.udev.extend(rules.map(|it| (it.clone(), evidence(name, it.line()))));
            } else {
                let settings = modprobe::settings(&text).into_iter();
                image.modprobe.extend(settings.map(|it| (it.clone(), evidence(name, it.line()))));
            }
        }
        Ok(image)
    }
}

/// Names of modules, the first word of each line (`modules-load.d(5)`, `initramfs-tools(7)`).
fn loaded(text: &str) -> Vec<String> {
    let lines = lines(text);
    let words = lines.iter().filter(|line| !line.starts_with(';'));
    names(words.filter_map(|line| line.split_ascii_whitespace().next()))
}

/// `MODULES="vfio_pci vfio"`, which its `init` loads before the hooks that look for devices.
fn modules_of_config(text: &str) -> Vec<String> {
    let value = lines(text)
        .into_iter()
        .rev()
        .find_map(|line| Some(line.strip_prefix("MODULES=")?.to_owned()));
    let value = value.unwrap_or_default();
    names(value.trim_matches(['"', '\'', '(', ')']).split_ascii_whitespace())
}

fn names<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    words
        .map(|word| word.trim_end_matches('?').replace('-', "_"))
        .filter(|word| !word.is_empty() && word.chars().all(plain))
        .collect()
}

fn parameters<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.split_ascii_whitespace()
        .filter_map(move |word| word.strip_prefix(name)?.strip_prefix('='))
        .filter(|value| value.chars().all(|c| c.is_ascii_alphanumeric() || "_-,".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: [(&str, &[u8]); 5] = [
        ("gzip", include_bytes!("samples/gzip.img")),
        ("xz", include_bytes!("samples/xz.img")),
        ("LZMA", include_bytes!("samples/lzma.img")),
        ("zstd", include_bytes!("samples/zstd.img")),
        ("LZ4", include_bytes!("samples/lz4.img")),
    ];

    fn image(bytes: &[u8]) -> Image {
        Image::of("/boot/i", &unpack::list(bytes, &keep).unwrap()).unwrap()
    }

    /// Made by the tools of their formats, with microcode before and, where the format has an end,
    /// another archive behind.
    #[test]
    fn images_of_all_tools_are_listed() {
        for (name, bytes) in SAMPLES {
            let image = image(bytes);
            assert!(image.modules.contains("nvidia"), "{name}");
            assert_eq!(image.modprobe.len(), 40, "{name}");
            assert_eq!(
                image.modprobe[0].1.value,
                "etc/modprobe.d/vfio.conf: softdep nvidia pre: vfio_pci"
            );
        }
    }

    #[test]
    fn what_is_cut_is_read_as_the_same() {
        let text = |name: &str, text: &str| Member {
            name: name.to_owned(),
            contents: text.as_bytes().to_vec(),
        };
        let members = [
            text("usr/lib/modules/6.1/extra/mine/nvidia-drm.ko.xz", ""),
            text("lib/modules/6.1/modules.dep", "x"),
            text("usr/lib/modprobe.d/vfio.conf", "options vfio-pci ids=1:2\n"),
            text(
                "etc/modprobe.d/vfio.conf",
                "# mine\noptions vfio-pci ids=10de:2684\noptions snd model=me\n",
            ),
            text(
                "usr/lib/udev/rules.d/10-vfio.rules",
                "KERNEL==\"0000:01:00.0\", ENV{ME}==\"x\", ATTR{driver_override}=\"vfio-pci\"\n",
            ),
            text("config", "HOOKS=\"base udev\"\nMODULES=\"vfio_pci vfio nvidia\"\n"),
            text("conf/modules", "# me\nvfio-pci\nloop max_loop=8\n"),
            text("etc/cmdline.d/20-force.conf", "root=/dev/me rd.driver.pre=vfio-pci,vfio\n"),
            text("usr/lib/dracut-lib.sh", "x"),
            text("etc/passwd", "me"),
        ];
        let whole = cpio::write(&members);
        let cut = cut(&whole).unwrap();
        assert!(
            !String::from_utf8_lossy(&cut).contains("me\0")
                && !String::from_utf8_lossy(&cut).contains("/dev/me")
        );
        assert_eq!(super::cut(&cut).unwrap(), cut);
        let said = |bytes: &[u8]| format!("{:?}", image(bytes));
        assert_eq!(said(&whole), said(&cut));
        let image = image(&whole);
        assert_eq!(image.first, ["vfio_pci", "vfio", "nvidia", "vfio_pci", "vfio"]);
        assert!(
            image.is_dracut && image.also.contains("loop") && image.modules.contains("nvidia_drm")
        );
        assert!(
            matches!(&image.modprobe[..], [(Setting::Ids(ids), _)] if ids == "10de:2684"),
            "the file of etc counts"
        );
        let squashed = cpio::write(&[text("squashfs-root.img", "")]);
        assert!(Image::of("/boot/i", &unpack::list(&squashed, &keep).unwrap()).is_err());
    }
}
