//! What is mounted, and what the host swaps to (`fs/proc_namespace.c`, `show_mountinfo`;
//! `mm/swapfile.c`, `swap_show`).

use super::reading::{Evidence, Gap, Reading};
use super::root::Root;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Major and minor number of the block device; major 0 of a filesystem without one, or of one
    /// with several (btrfs).
    pub number: (u32, u32),
    pub point: String,
    /// `ext4`, `nfs4`, `fuse.sshfs`, …
    pub kind: String,
    /// `/dev/nvme0n1p2`, `server:/export`, the name of a ZFS data set, …
    pub source: String,
    /// Options of the filesystem.
    pub options: String,
    line: String,
}

/// Something that the host swaps to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    pub path: String,
    pub is_file: bool,
    line: String,
}

/// Of the first process, whose namespace is the host's own also where this program runs in
/// another; else of this program itself.
pub fn read(root: &Root) -> Reading<Vec<Mount>> {
    let parse =
        |path: &str| root.text(&path.into()).parse("lines of mountinfo", |text| mounts(text));
    parse("/proc/1/mountinfo").or(|| parse("/proc/self/mountinfo"))
}

/// Absent on a kernel without swap. Few kernels are, and a disk is let go on the strength of it, so
/// in a copy it is a file that nobody kept.
pub fn read_swaps(root: &Root) -> Reading<Vec<Swap>> {
    let text = root.kept_text("/proc/swaps");
    text.parse("lines of swaps", |text| swaps(text))
}

/// The mount that holds a file: the one deepest in the path, and of those at one place the last.
pub fn holding<'a>(mounts: &'a [Mount], file: &str) -> Option<&'a Mount> {
    let holds = |mount: &&Mount| {
        mount.point == "/"
            || file.strip_prefix(&mount.point).is_some_and(|rest| rest.starts_with('/'))
    };
    // Of equal keys this takes the last.
    mounts.iter().filter(holds).max_by_key(|mount| mount.point.len())
}

/// A gap where the root is in memory or layered and nothing is mounted from a block device: a
/// container has that view, and so has a live system, and neither tells what the host has.
pub fn without_a_device(reading: &Reading<Vec<Mount>>, table: &[Mount]) -> Option<Gap> {
    let root = table.iter().rfind(|mount| mount.point == "/")?;
    let layered = ["overlay", "tmpfs", "ramfs", "rootfs", "aufs"].contains(&root.kind.as_str());
    let on_device = |mount: &Mount| {
        mount.number.0 != 0
            || mount.source.starts_with("/dev/")
            || ["btrfs", "zfs", "bcachefs"].contains(&mount.kind.as_str())
    };
    (layered && !table.iter().any(on_device)).then(|| {
        reading.unclear(
            format!("a root of {} and no block device", root.kind),
            "the filesystems of the host, which a container does not show",
        )
    })
}

impl Mount {
    pub fn evidence(&self, reading: &Reading<Vec<Self>>) -> Evidence {
        Evidence { path: reading.path().to_string(), value: self.line.clone() }
    }

    /// The value of an option of the filesystem, `addr=192.0.2.1`.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.split(',').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }
}

impl Swap {
    pub fn evidence(&self, reading: &Reading<Vec<Self>>) -> Evidence {
        Evidence { path: reading.path().to_string(), value: self.line.clone() }
    }
}

/// Every namespace has a root, so a table without a line is none.
fn mounts(text: &str) -> Option<Vec<Mount>> {
    let found: Option<Vec<Mount>> = text.lines().map(mount).collect();
    found.filter(|mounts| !mounts.is_empty())
}

/// `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS…] - TYPE SOURCE OPTIONS`.
fn mount(line: &str) -> Option<Mount> {
    let (place, filesystem) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(2);
    let (major, minor) = place.next()?.split_once(':')?;
    let point = place.nth(1)?;
    let mut filesystem = filesystem.splitn(3, ' ');
    Some(Mount {
        number: (major.parse().ok()?, minor.parse().ok()?),
        point: unescaped(point),
        kind: unescaped(filesystem.next()?),
        source: unescaped(filesystem.next()?),
        options: filesystem.next().unwrap_or("").to_owned(),
        line: line.to_owned(),
    })
}

fn swaps(text: &str) -> Option<Vec<Swap>> {
    let mut lines = text.lines();
    let header = lines.next()?;
    header.starts_with("Filename").then_some(())?;
    lines
        .map(|line| {
            let mut words = line.split_ascii_whitespace();
            let path = unescaped(words.next()?);
            let is_file = match words.next()? {
                "file" => true,
                "partition" => false,
                _ => return None,
            };
            Some(Swap { path, is_file, line: line.trim_end().to_owned() })
        })
        .collect()
}

/// The kernel writes a blank as `\040` (`fs/seq_file.c`, `mangle_path`).
pub fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let octal = |digits: &[u8]| {
            let text = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(text, 8).ok()
        };
        if let Some(escaped) = after.get(..3).filter(|_| byte == b'\\').and_then(octal) {
            bytes.push(escaped);
            rest = &after[3..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_its_escapes() {
        let line = r"36 35 98:0 /mnt1 /mnt/a\040b\134c rw,noatime master:1 - ext4 /dev/root rw,errors=continue";
        let mount = mount(line).unwrap();
        assert_eq!((mount.number, mount.point.as_str()), ((98, 0), r"/mnt/a b\c"));
        assert_eq!((mount.kind.as_str(), mount.source.as_str()), ("ext4", "/dev/root"));
        assert_eq!(mount.option("errors"), Some("continue"));
        assert_eq!(unescaped(r"\9 \04"), r"\9 \04");
        let empty_source = "22 27 0:21 / /run rw - tmpfs  rw,size=4k";
        assert_eq!(super::mount(empty_source).unwrap().source, "");
    }

    #[test]
    fn a_table_that_is_none_is_refused() {
        assert_eq!(mounts(""), None);
        assert_eq!(mounts("/dev/sda1 / ext4 rw 0 0"), None);
        assert_eq!(swaps("rubbish"), None);
        assert_eq!(swaps("Filename\tType\tSize\tUsed\tPriority"), Some(Vec::new()));
    }

    #[test]
    fn a_file_is_held_by_the_deepest_and_last_mount() {
        let table = "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /var rw - ext4 b rw\n3 2 8:3 / /var rw - ext4 c rw";
        let mounts = mounts(table).unwrap();
        assert_eq!(holding(&mounts, "/var/x").unwrap().number, (8, 3));
        assert_eq!(holding(&mounts, "/variety").unwrap().number, (8, 1));
    }
}
