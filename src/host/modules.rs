//! Which parts of the kernel are there: loaded, built in, or to be had.

use std::collections::{BTreeMap, BTreeSet};

use super::kernel::{self, BuildConfig, Release};
use super::reading::{Evidence, Gap, HostPath, Reading};
use super::root::Root;

/// Whether a part of the kernel is at work.
#[derive(Debug, Clone)]
pub enum Presence {
    /// Loaded or built in, by this reading.
    AtWork(Evidence),
    /// Neither loaded nor built in, by these readings.
    Absent(Vec<Evidence>),
    Unknown(Vec<Gap>),
}

/// A part of the kernel that can be a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// As in `/proc/modules`, with underscores.
    pub name: &'static str,
    /// The option that builds it.
    pub option: &'static str,
    /// Its folder in `/sys/module` is there even when it is built in, since it has a parameter
    /// that can be seen (`kernel/params.c`, `param_sysfs_builtin`).
    pub always_visible: bool,
}

pub const VFIO: Part = Part { name: "vfio", option: "CONFIG_VFIO", always_visible: false };
pub const VFIO_TYPE1: Part =
    Part { name: "vfio_iommu_type1", option: "CONFIG_VFIO_IOMMU_TYPE1", always_visible: true };
pub const VFIO_PCI: Part =
    Part { name: "vfio_pci", option: "CONFIG_VFIO_PCI", always_visible: true };
pub const KVM: Part = Part { name: "kvm", option: "CONFIG_KVM", always_visible: true };
pub const KVM_INTEL: Part =
    Part { name: "kvm_intel", option: "CONFIG_KVM_INTEL", always_visible: true };
pub const KVM_AMD: Part = Part { name: "kvm_amd", option: "CONFIG_KVM_AMD", always_visible: true };

/// The kernel's lists of its modules. Only read where a part was not found at once.
#[derive(Debug)]
pub struct Modules {
    /// `/proc/modules`; absent where the kernel has no modules.
    pub loaded: Reading<BTreeSet<String>>,
    /// `/lib/modules/RELEASE/modules.builtin`
    pub built_in: Reading<BTreeSet<String>>,
    /// `/lib/modules/RELEASE/modules.dep`
    pub available: Reading<BTreeSet<String>>,
    pub build: Reading<BuildConfig>,
}

impl Modules {
    pub fn read(root: &Root, release: &Reading<Release>) -> Self {
        Self {
            loaded: read_loaded(root),
            built_in: read_built_in(root, release),
            available: read_list(root, release, "modules.dep"),
            build: kernel::read_build_config(root, release),
        }
    }

    /// Whether a part is at work; `folder` is the reading of its folder in `/sys/module`.
    pub fn presence(&self, part: Part, folder: &Reading<()>) -> Presence {
        if let Ok(Some(())) = folder.known() {
            return Presence::AtWork(folder.evidence());
        }
        let has = |list: &Reading<BTreeSet<String>>| {
            list.known().map(|names| names.map(|names| names.contains(part.name)))
        };
        let loaded = has(&self.loaded);
        if let Ok(Some(true)) = loaded {
            return Presence::AtWork(in_list(&self.loaded, part, "listed"));
        }
        let built_in = self.built_in(part, folder);
        match built_in {
            Ok((true, evidence)) => Presence::AtWork(evidence),
            Ok((false, evidence)) => match (folder.known(), loaded) {
                (Ok(_), _) => Presence::Absent(vec![folder.evidence(), evidence]),
                (Err(_), Ok(Some(_))) => {
                    Presence::Absent(vec![in_list(&self.loaded, part, "not listed"), evidence])
                }
                (Err(gap), _) => Presence::Unknown(vec![gap]),
            },
            Err(gap) => Presence::Unknown(vec![gap]),
        }
    }

    /// Whether it is built in, and what says so.
    fn built_in(&self, part: Part, folder: &Reading<()>) -> Result<(bool, Evidence), Gap> {
        if let Ok(Some(names)) = self.built_in.known() {
            let listed = names.contains(part.name);
            return Ok((
                listed,
                in_list(&self.built_in, part, if listed { "listed" } else { "not listed" }),
            ));
        }
        match self.build.known() {
            Ok(Some(build)) => {
                let value = build.option(part.option).unwrap_or("not set");
                let evidence = Evidence {
                    path: self.build.path().to_string(),
                    value: format!("{}={value}", part.option),
                };
                Ok((build.is_built_in(part.option), evidence))
            }
            Ok(None) | Err(_) if part.always_visible && matches!(folder.known(), Ok(None)) => {
                Ok((false, folder.evidence()))
            }
            Ok(None) => self.built_in.required().map(|_| (false, folder.evidence())),
            Err(gap) => Err(gap),
        }
    }

    /// Whether `modprobe` could load it; none where nothing tells.
    pub fn can_be_loaded(&self, part: Part) -> Option<bool> {
        match (self.available.known(), self.build.known()) {
            (Ok(Some(names)), _) => Some(names.contains(part.name)),
            (_, Ok(Some(build))) => Some(build.option(part.option) == Some("m")),
            _ => None,
        }
    }
}

pub fn read_loaded(root: &Root) -> Reading<BTreeSet<String>> {
    root.text(&"/proc/modules".into()).parse("a list of modules", |text| {
        text.lines()
            .map(|line| Some(line.split_ascii_whitespace().next()?.replace('-', "_")))
            .collect()
    })
}

pub fn read_built_in(root: &Root, release: &Reading<Release>) -> Reading<BTreeSet<String>> {
    read_list(root, release, "modules.builtin")
}

/// Which others each module needs, all the way (`modules.dep(5)`).
pub fn read_dependencies(
    root: &Root,
    release: &Reading<Release>,
) -> Reading<BTreeMap<String, BTreeSet<String>>> {
    let path = format!("{}/modules.dep", folder_of(release));
    root.text(&path.into()).parse("a list of modules", |text| {
        let line = |line: &str| {
            let needed = line.split_once(':')?.1.split_ascii_whitespace();
            Some((module_of_path(line)?, needed.filter_map(module_of_path).collect()))
        };
        Some(text.lines().filter_map(line).collect())
    })
}

pub fn folder_of(release: &Reading<Release>) -> String {
    match release.known() {
        Ok(Some(release)) => format!("/lib/modules/{}", release.file_name()),
        _ => "/lib/modules".to_owned(),
    }
}

fn read_list(root: &Root, release: &Reading<Release>, file: &str) -> Reading<BTreeSet<String>> {
    let path = format!("{}/{file}", folder_of(release));
    root.text(&path.into())
        .parse("a list of modules", |text| Some(text.lines().filter_map(module_of_path).collect()))
}

/// The folder that a part has in `/sys/module` once it is at work.
pub fn folder(root: &Root, part: Part) -> Reading<()> {
    root.folder(HostPath::from(format!("/sys/module/{}", part.name)))
}

/// `kernel/drivers/vfio/pci/vfio-pci.ko.zst: …` names `vfio_pci`.
pub fn module_of_path(line: &str) -> Option<String> {
    let path = line.split(':').next()?;
    let file = path.rsplit('/').next()?;
    let (stem, _) = file.split_once(".ko")?;
    Some(stem.replace('-', "_"))
}

fn in_list(list: &Reading<BTreeSet<String>>, part: Part, word: &str) -> Evidence {
    Evidence { path: list.path().to_string(), value: format!("{} is {word}", part.name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_names_are_whole_and_underscored() {
        assert_eq!(
            module_of_path("kernel/drivers/vfio/pci/vfio-pci.ko.xz: a b").as_deref(),
            Some("vfio_pci")
        );
        assert_eq!(
            module_of_path("kernel/drivers/vfio/pci/vfio-pci-core.ko").as_deref(),
            Some("vfio_pci_core")
        );
        assert_eq!(module_of_path("nonsense"), None);
    }
}
