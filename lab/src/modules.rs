//! A kernel's modules: which there are, what each needs, and in which order they are loaded.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Debug, Default)]
pub struct Modules {
    folder: PathBuf,
    /// Name -> its file, and the names it needs, in the order to be loaded.
    known: BTreeMap<String, (String, Vec<String>)>,
    builtin: Vec<String>,
}

impl Modules {
    /// From `modules.dep` and `modules.builtin` in `/lib/modules/RELEASE`.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let text = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        Ok(Self::parse(folder, &text("modules.dep")?, &text("modules.builtin")?))
    }

    fn parse(folder: &Path, dep: &str, builtin: &str) -> Self {
        let mut known = BTreeMap::new();
        for line in dep.lines() {
            let Some((file, needs)) = line.split_once(':') else { continue };
            // modules.dep lists the nearest first, and the farthest is to be loaded first.
            let needs = needs.split_whitespace().rev().map(name_of).collect();
            known.insert(name_of(file), (file.to_owned(), needs));
        }
        let builtin = builtin.lines().map(name_of).collect();
        Self { folder: folder.to_owned(), known, builtin }
    }

    /// A module with all it needs, in the order to be loaded; `None` if there is no such module.
    /// Empty where it is built in.
    pub fn closure(&self, name: &str) -> Option<Vec<String>> {
        if self.builtin.iter().any(|it| it == name) {
            return Some(Vec::new());
        }
        let (_, needs) = self.known.get(name)?;
        Some(needs.iter().cloned().chain([name.to_owned()]).collect())
    }

    /// Where the guest has it.
    pub fn path(&self, name: &str) -> Option<&str> {
        let (file, _) = self.known.get(name)?;
        Some(unpacked(file))
    }

    /// The module's file, unpacked.
    pub fn contents(&self, name: &str) -> Result<Vec<u8>, String> {
        let (file, _) = self.known.get(name).ok_or(format!("no module {name}"))?;
        let path = self.folder.join(file);
        if unpacked(file) == file {
            return fs::read(&path).map_err(|error| format!("{}: {error}", path.display()));
        }
        let tool = if file.strip_suffix(".zst").is_some() { "zstd" } else { "xz" };
        let ran = Command::new(tool).arg("-dc").arg(&path).output();
        let ran = ran.map_err(|error| format!("{tool}: {error}"))?;
        if ran.status.success() {
            Ok(ran.stdout)
        } else {
            Err(format!("{tool} {}: {}", path.display(), String::from_utf8_lossy(&ran.stderr)))
        }
    }
}

fn unpacked(file: &str) -> &str {
    file.strip_suffix(".xz").or_else(|| file.strip_suffix(".zst")).unwrap_or(file)
}

/// `kernel/drivers/vfio/pci/vfio-pci.ko.xz` is `vfio_pci`.
fn name_of(file: &str) -> String {
    let last = file.trim().rsplit('/').next().unwrap_or_default();
    last.split(".ko").next().unwrap_or_default().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::Modules;
    use std::path::Path;

    #[test]
    fn what_is_needed_comes_first_and_built_in_needs_nothing() {
        let dep = "k/vfio-pci.ko.xz: k/vfio-pci-core.ko.xz k/vfio.ko.xz\nk/vfio.ko.xz:\n";
        let modules = Modules::parse(Path::new("/"), dep, "kernel/pci-stub.ko\n");
        assert_eq!(modules.closure("vfio_pci").unwrap(), ["vfio", "vfio_pci_core", "vfio_pci"]);
        assert_eq!(modules.closure("pci_stub").unwrap(), Vec::<String>::new());
        assert!(modules.closure("nothing").is_none());
        assert_eq!(modules.path("vfio_pci").unwrap(), "k/vfio-pci.ko");
    }
}
