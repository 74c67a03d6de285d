//! The least that any program does for the table of functions: opens and reads the attributes that
//! the table and the rules behind it need, judges nothing and prints nothing.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, RawDir, openat, readlinkat};

const READ: &[&str] =
    &["uevent", "enable", "numa_node", "power_state", "reset_method", "resource", "boot_vga"];
const OF_A_COPY: &[&str] = &["vendor", "device"];
const LINKS: &[&str] = &["driver", "iommu_group", "iommu", "physfn"];
const OF_A_GROUP: &[&str] = &["type", "reserved_regions"];

/// The number of bytes read.
pub fn run(root: &Path) -> usize {
    let mut sum = 0;
    for (folder, files, links) in [
        ("sys/bus/pci/devices", [READ, OF_A_COPY].concat(), LINKS),
        ("sys/kernel/iommu_groups", OF_A_GROUP.to_vec(), &[]),
    ] {
        let all = openat(rustix::fs::CWD, root.join(folder), DIRECTORY, Mode::empty()).unwrap();
        for name in names(&all) {
            let own = openat(&all, &name, DIRECTORY, Mode::empty()).unwrap();
            let names = names(&own);
            let there = |name: &&&str| names.iter().any(|it| it.to_bytes() == name.as_bytes());
            for file in files.iter().filter(there) {
                let mut page = [0; 4096];
                let file = openat(&own, *file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
                sum += rustix::io::read(file.unwrap(), &mut page).unwrap();
            }
            for link in links.iter().filter(there) {
                sum += readlinkat(&own, *link, Vec::new()).unwrap().count_bytes();
            }
        }
    }
    sum
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

fn names(folder: &OwnedFd) -> Vec<CString> {
    let mut buffer = [MaybeUninit::uninit(); 8192];
    let mut entries = RawDir::new(folder, &mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let name = entry.unwrap().file_name().to_owned();
        if !name.to_bytes().starts_with(b".") {
            names.push(name);
        }
    }
    names
}
