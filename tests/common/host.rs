//! A host's directory: a sample, changed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A copy of a sample host that goes away with its value.
pub struct HostDir {
    dir: TempDir,
}

impl HostDir {
    pub fn sample(name: &str) -> Self {
        let dir = TempDir::new().unwrap();
        copy(&super::sample(name), dir.path());
        Self { dir }
    }

    /// With `sys/` and nothing else.
    pub fn bare() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("sys")).unwrap();
        Self { dir }
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// The folder of a device.
    pub fn device(&self, address: &str) -> PathBuf {
        fs::canonicalize(self.path("sys/bus/pci/devices").join(address)).unwrap()
    }

    pub fn write(self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        write(&self.path(path), contents.as_ref());
        self
    }

    pub fn folder(self, path: &str) -> Self {
        fs::create_dir_all(self.path(path)).unwrap();
        self
    }

    pub fn remove(self, path: &str) -> Self {
        remove(&self.path(path));
        self
    }

    pub fn link(self, path: &str, target: &str) -> Self {
        relink(&self.path(path), target);
        self
    }

    /// An attribute of a device.
    pub fn attribute(self, address: &str, name: &str, contents: impl AsRef<[u8]>) -> Self {
        write(&self.device(address).join(name), contents.as_ref());
        self
    }

    /// A link in a device's folder.
    pub fn link_device(self, address: &str, name: &str, target: &str) -> Self {
        relink(&self.device(address).join(name), target);
        self
    }

    pub fn without(self, address: &str, name: &str) -> Self {
        remove(&self.device(address).join(name));
        self
    }

    pub fn kernel(self, release: &str) -> Self {
        self.write("proc/sys/kernel/osrelease", format!("{release}\n"))
            .write("proc/version", format!("Linux version {release} (builder@example) #1 SMP\n"))
    }

    /// Binds a device, both in its link and in `uevent`; driverctl keeps on VFIO what is there.
    pub fn driver(self, address: &str, driver: Option<&str>) -> Self {
        if let Some(driver) = driver.filter(|driver| driver.contains("vfio")) {
            let kept = self.path("etc/driverctl.d").join(format!("pci-{address}"));
            write(&kept, driver.as_bytes());
        }
        let folder = self.device(address);
        let uevent = fs::read_to_string(folder.join("uevent")).unwrap();
        let mut lines: Vec<String> =
            uevent.lines().filter(|line| !line.starts_with("DRIVER=")).map(str::to_owned).collect();
        remove(&folder.join("driver"));
        remove(&folder.join("vfio-dev"));
        if let Some(driver) = driver {
            lines.insert(0, format!("DRIVER={driver}"));
            fs::create_dir_all(self.path("sys/bus/pci/drivers").join(driver)).unwrap();
            let depth = folder.strip_prefix(self.canonical("sys")).unwrap().components().count();
            let up = "../".repeat(depth);
            relink(&folder.join("driver"), &format!("{up}bus/pci/drivers/{driver}"));
        }
        write(&folder.join("uevent"), (lines.join("\n") + "\n").as_bytes());
        // A driver of the host enables its device; VFIO's do when somebody opens it.
        let idle = driver.is_none_or(|driver| driver.contains("vfio") || driver.contains("stub"));
        write(&folder.join("enable"), if idle { b"0\n" } else { b"1\n" });
        self
    }

    /// Moves a device into a group, or out of all.
    pub fn group(self, address: &str, group: Option<u32>) -> Self {
        let folder = self.device(address);
        let old = fs::read_link(folder.join("iommu_group")).ok();
        if let Some(id) = old.as_deref().and_then(Path::file_name) {
            let id = id.to_str().unwrap();
            remove(&self.path(&format!("sys/kernel/iommu_groups/{id}/devices/{address}")));
            let devices = self.path(&format!("sys/kernel/iommu_groups/{id}/devices"));
            if fs::read_dir(&devices).is_ok_and(|mut left| left.next().is_none()) {
                remove(&self.path(&format!("sys/kernel/iommu_groups/{id}")));
            }
        }
        remove(&folder.join("iommu_group"));
        if let Some(id) = group {
            let inside = folder.strip_prefix(self.canonical("sys")).unwrap();
            let up = "../".repeat(inside.components().count());
            relink(&folder.join("iommu_group"), &format!("{up}kernel/iommu_groups/{id}"));
            let member = self.path(&format!("sys/kernel/iommu_groups/{id}/devices/{address}"));
            relink(&member, &format!("../../../../{}", inside.display()));
            let reserved = self.path(&format!("sys/kernel/iommu_groups/{id}/reserved_regions"));
            if !reserved.exists() {
                write(&reserved, b"");
            }
        }
        self
    }

    /// A further endpoint: `below` is the folder (in `sys/devices`) of what it hangs on.
    pub fn endpoint(self, below: &str, address: &str, class: &str, ids: (&str, &str)) -> Self {
        let inside = format!("devices/{below}/{address}");
        let folder = self.path("sys").join(&inside);
        let (vendor, device) = ids;
        let files = [
            ("class", format!("0x{class}\n")),
            ("vendor", format!("0x{vendor}\n")),
            ("device", format!("0x{device}\n")),
            ("subsystem_vendor", format!("0x{vendor}\n")),
            ("subsystem_device", "0x0001\n".to_owned()),
            ("revision", "0x00\n".to_owned()),
            ("enable", "0\n".to_owned()),
            ("power_state", "D0\n".to_owned()),
            ("reset_method", "flr bus\n".to_owned()),
            ("resource", "0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200\n".to_owned()),
            (
                "uevent",
                format!(
                    "PCI_CLASS={}\nPCI_ID={}:{}\nPCI_SUBSYS_ID={}:0001\nPCI_SLOT_NAME={address}\n",
                    class.trim_start_matches('0').to_uppercase(),
                    vendor.to_uppercase(),
                    device.to_uppercase(),
                    vendor.to_uppercase()
                ),
            ),
        ];
        for (name, contents) in files {
            write(&folder.join(name), contents.as_bytes());
        }
        let entry = format!("sys/bus/pci/devices/{address}");
        self.link(&entry, &format!("../../../{inside}"))
    }

    fn canonical(&self, path: &str) -> PathBuf {
        fs::canonicalize(self.path(path)).unwrap()
    }
}

fn write(path: &Path, contents: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

fn relink(path: &Path, target: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    remove(path);
    symlink(target, path).unwrap();
}

/// Whatever it is; nothing where it is not there.
fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

/// Links are copied as they are written.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (to.join(entry.file_name()), entry.file_type().unwrap());
        if kind.is_symlink() {
            symlink(fs::read_link(entry.path()).unwrap(), path).unwrap();
        } else if kind.is_dir() {
            fs::create_dir(&path).unwrap();
            copy(&entry.path(), &path);
        } else {
            fs::copy(entry.path(), path).unwrap();
        }
    }
}
