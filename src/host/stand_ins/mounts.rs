//! Mounts, swap, volumes, and the paths in them: names that people gave.

use super::StandIns;

/// Parts of a path that are on any system; all others are named by somebody.
const KNOWN: &[&str] = &[
    "backing",
    "backup",
    "backups",
    "bin",
    "binfmt_misc",
    "boot",
    "bpf",
    "cache",
    "cgroup",
    "config",
    "connections",
    "containerd",
    "containers",
    "credentials",
    "data",
    "debug",
    "dev",
    "docker",
    "efi",
    "EFI",
    "esp",
    "etc",
    "export",
    "exports",
    "fs",
    "fuse",
    "home",
    "hugepages",
    "images",
    "kernel",
    "kubelet",
    "lib",
    "lib64",
    "libexec",
    "libvirt",
    "local",
    "localhost",
    "lock",
    "log",
    "lxc",
    "lxcfs",
    "lxd",
    "mapper",
    "media",
    "merged",
    "mnt",
    "mqueue",
    "netns",
    "nix",
    "none",
    "opt",
    "overlay",
    "overlay2",
    "plugins",
    "pods",
    "pool",
    "proc",
    "pstore",
    "pts",
    "qemu",
    "root",
    "run",
    "sbin",
    "scratch",
    "security",
    "share",
    "shm",
    "snap",
    "snapd",
    "spool",
    "srv",
    "storage",
    "store",
    "swap",
    "swap.img",
    "swapfile",
    "sys",
    "systemd",
    "tmp",
    "tracing",
    "usr",
    "user",
    "var",
    "vm",
    "vms",
    "volumes",
    "@",
    "@home",
    "@root",
    "@var",
    "@snapshots",
];

/// What is below these is named after persons, and after what they carry about.
const PERSONAL: &[&str] = &["/home", "/run/user", "/run/media", "/media", "/mnt"];

/// Options of filesystems whose values are of a few words.
const OPTIONS: &[&str] = &[
    "codepage",
    "compress",
    "compress-force",
    "data",
    "dmask",
    "errors",
    "fmask",
    "gid",
    "hash",
    "huge",
    "iocharset",
    "local_lock",
    "mode",
    "proto",
    "sec",
    "shortname",
    "size",
    "nr_inodes",
    "nr_blocks",
    "space_cache",
    "uid",
    "vers",
    "discard",
    "ptmxmode",
    "pagesize",
    "subvolid",
];

/// Filesystems whose source names a server (and those below FUSE and 9p).
const OF_SERVERS: &[&str] = &[
    "nfs", "nfs4", "cifs", "smb3", "ceph", "afs", "coda", "lustre", "orangefs", "beegfs", "gfs2",
    "gpfs", "9p", "virtiofs", "davfs",
];

pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

/// Further filesystems whose source names a server, a share or a map of them.
const SHARED: &[&str] =
    &["glusterfs", "autofs", "pvfs2", "vboxsf", "prl_fs", "vmhgfs", "9p", "virtiofs", "smbfs"];

impl StandIns {
    /// A line of mountinfo.
    pub(super) fn mount(&self, line: &str) -> String {
        let Some((place, filesystem)) = line.split_once(" - ") else { return "*".to_owned() };
        let place = place.split(' ').enumerate().map(|(at, word)| match at {
            3 | 4 => self.path(word),
            _ => self.words(word),
        });
        let mut filesystem = filesystem.splitn(3, ' ');
        let kind = filesystem.next().unwrap_or("");
        let source = filesystem.next().map(|source| self.source(kind, source));
        let options = filesystem.next().map(|options| {
            options.split(',').map(|option| self.option(option)).collect::<Vec<_>>().join(",")
        });
        let parts = place.chain(["-".to_owned(), kind.to_owned()]).chain(source).chain(options);
        parts.collect::<Vec<_>>().join(" ")
    }

    /// `FILENAME TYPE SIZE USED PRIORITY`
    pub(super) fn swap(&self, line: &str) -> String {
        let (path, rest) = line.split_at(line.find([' ', '\t']).unwrap_or(line.len()));
        format!("{}{rest}", self.path(path))
    }

    /// The name of a volume: it may be that of the host.
    pub(super) fn volume(&self, name: &str) -> String {
        self.words(&self.without_host_name(name))
    }

    /// A path of this host; parts keep their bounds, so what is below what stays so.
    pub(super) fn path(&self, path: &str) -> String {
        let (path, gone) = ["//deleted", " (deleted)", "\\040(deleted)"]
            .iter()
            .find_map(|mark| Some((path.strip_suffix(mark)?, *mark)))
            .unwrap_or((path, ""));
        let Some(below) = path.strip_prefix('/') else {
            return self.volume(path) + gone;
        };
        if let Some(node) = below.strip_prefix("dev/") {
            return format!("/dev/{}{gone}", self.node(node));
        }
        if ["sys/", "proc/"].iter().any(|start| below.starts_with(start)) {
            return self.words(path) + gone;
        }
        let mut whole = String::new();
        let mut shown = String::new();
        for part in below.split('/') {
            let personal = PERSONAL.contains(&whole.as_str())
                || PERSONAL.iter().any(|start| whole.starts_with(&format!("{start}/")));
            whole = format!("{whole}/{part}");
            shown.push('/');
            if part.is_empty() || (is_known(part) && !personal) {
                shown += part;
            } else {
                shown += &self.word("d", part);
            }
        }
        shown + gone
    }

    /// A device node: `mapper/NAME`, `GROUP/VOLUME`, `disk/by-uuid/…`.
    fn node(&self, node: &str) -> String {
        match node.split_once("disk/by-") {
            Some(("", rest)) => {
                let (kind, name) = rest.split_once('/').unwrap_or((rest, ""));
                format!("disk/by-{kind}/{}", self.word("disk", name))
            }
            _ => self.volume(node),
        }
    }

    fn source(&self, kind: &str, source: &str) -> String {
        let of_server =
            OF_SERVERS.contains(&kind) || kind.starts_with("fuse") || SHARED.contains(&kind);
        match source {
            _ if source.starts_with("/dev/") => self.path(source),
            _ if of_server => self.remote(source),
            _ if source.starts_with('/') => self.path(source),
            // Of several disks, and of a data set of ZFS.
            _ => source.split(':').map(|part| self.part(part)).collect::<Vec<_>>().join(":"),
        }
    }

    fn part(&self, part: &str) -> String {
        if part.starts_with('/') { self.path(part) } else { self.volume(part) }
    }

    /// `server:/path`, `//server/share`, `user@[2001:db8::1]:/path`: all words but the marks.
    fn remote(&self, source: &str) -> String {
        const MARKS: [char; 7] = ['/', ':', ',', '@', '=', '[', ']'];
        let mut shown = String::new();
        let mut rest = source;
        while let Some(mark) = rest.find(MARKS) {
            if rest.starts_with('[')
                && let Some((inner, after)) = rest[1..].split_once(']')
            {
                let inner = self.ip_text(inner).unwrap_or_else(|| self.word("s", inner));
                shown += &format!("[{inner}]");
                rest = after;
                continue;
            }
            let (word, after) = rest.split_at(mark);
            shown += &self.remote_word(word);
            shown += &after[..1];
            rest = &after[1..];
        }
        shown + &self.remote_word(rest)
    }

    fn remote_word(&self, word: &str) -> String {
        match word {
            "" | "tcp" | "o2ib" | "none" | "portal" | "gvfsd-fuse" | "lxcfs" => word.to_owned(),
            _ => self.ip_text(word).unwrap_or_else(|| self.word("s", word)),
        }
    }

    fn option(&self, option: &str) -> String {
        let Some((key, value)) = option.split_once('=') else {
            let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            return if option.chars().all(plain) { option.to_owned() } else { "*".to_owned() };
        };
        let digits = value.strip_suffix(['k', 'm', 'g', 'K', 'M', 'G', '%']).unwrap_or(value);
        let number = value.len() <= 12
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        let shown = match self.ip_text(value) {
            Some(address) => address,
            None if key == "subvol" => self.path(value),
            None if number || OPTIONS.contains(&key) => self.words(value),
            None => "*".to_owned(),
        };
        format!("{key}={shown}")
    }
}
