//! Mounts, swap, volumes, and the paths in them: names that people gave.

use super::StandIns;
use crate::host::mounts::unescaped;
use crate::pci::Address;

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

/// Folders of the kernel's own, with names that are on any system.
const OF_THE_KERNEL: &[&str] = &["/dev", "/proc", "/sys"];
const KERNEL: &[&str] = &[
    "acpi",
    "block",
    "bus",
    "capabilities",
    "class",
    "console",
    "core",
    "cpu",
    "cpuacct",
    "cpu,cpuacct",
    "cpuinfo",
    "cpuset",
    "devices",
    "diskstats",
    "dri",
    "driver",
    "efivars",
    "fd",
    "firmware",
    "freezer",
    "full",
    "gpus",
    "hugetlb",
    "interrupts",
    "irq",
    "kcore",
    "keys",
    "kmsg",
    "kvm",
    "latency_stats",
    "loadavg",
    "mem",
    "meminfo",
    "memory",
    "misc",
    "module",
    "net",
    "net_cls",
    "net_cls,net_prio",
    "net_prio",
    "nfsd",
    "ns",
    "null",
    "nvidia",
    "nvidiactl",
    "params",
    "pci",
    "perf_event",
    "pids",
    "platform",
    "power",
    "powercap",
    "ptmx",
    "random",
    "rdma",
    "resctrl",
    "sched_debug",
    "scsi",
    "self",
    "selinux",
    "slabinfo",
    "stat",
    "swaps",
    "sysrq-trigger",
    "system",
    "thermal",
    "thread-self",
    "timer_list",
    "timer_stats",
    "tty",
    "unified",
    "uptime",
    "urandom",
    "vfio",
    "virtual",
    "zero",
];

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

/// Sources of filesystems that have none; any other word was chosen by who mounted it.
const WITHOUT_SOURCE: &[&str] = &[
    "binfmt",
    "cgmfs",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "dev",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "gvfsd-fuse",
    "hugetlbfs",
    "lxcfs",
    "mqueue",
    "none",
    "nsfs",
    "overlay",
    "portal",
    "proc",
    "pstore",
    "ramfs",
    "rootfs",
    "run",
    "securityfs",
    "shm",
    "sysfs",
    "systemd-1",
    "tmp",
    "tmpfs",
    "tracefs",
    "udev",
];

/// What `mount(8)` takes for a node, by its label or number.
const TAGS: &[&str] = &["LABEL", "UUID", "PARTLABEL", "PARTUUID", "ID"];

impl StandIns {
    /// A line of mountinfo: `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS…] - TYPE SOURCE OPTIONS`.
    pub(super) fn mount(&self, line: &str) -> String {
        let Some((place, filesystem)) = line.split_once(" - ") else { return "*".to_owned() };
        let place = place.split(' ').enumerate().map(|(at, word)| match at {
            0..=2 => only(word, |c| c.is_ascii_digit() || c == ':'),
            3 | 4 => escaped(&self.place(&unescaped(word))),
            5 => self.options(word),
            _ => tag(word),
        });
        let mut filesystem = filesystem.splitn(3, ' ');
        let kind = filesystem.next().unwrap_or("");
        let source = filesystem.next();
        let source = source.map(|source| escaped(&self.source(kind, &unescaped(source))));
        let options = filesystem.next().map(|options| self.options(options));
        let parts = place.chain(["-".to_owned(), kind.to_owned()]).chain(source).chain(options);
        parts.collect::<Vec<_>>().join(" ")
    }

    /// `FILENAME TYPE SIZE USED PRIORITY`
    pub(super) fn swap(&self, line: &str) -> String {
        let (path, rest) = line.split_at(line.find([' ', '\t']).unwrap_or(line.len()));
        let rest = by_word(rest, |word| match word {
            "Type" | "Size" | "Used" | "Priority" | "file" | "partition" => true,
            _ => word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'),
        });
        match path {
            "Filename" => path.to_owned() + &rest,
            _ => escaped(&self.path(&unescaped(path))) + &rest,
        }
    }

    /// The name of a volume: it may be that of the host.
    pub(super) fn volume(&self, name: &str) -> String {
        self.words(&self.without_host_name(name))
    }

    /// A file of this host, or a device node.
    pub(super) fn path(&self, path: &str) -> String {
        match path.strip_prefix("/dev/") {
            Some(node) => format!("/dev/{}", self.node(node)),
            None => self.place(path),
        }
    }

    /// Where something is mounted, or a file in a filesystem; parts keep their bounds, so what is
    /// below what stays so.
    fn place(&self, path: &str) -> String {
        let (path, gone) = ["//deleted", " (deleted)"]
            .iter()
            .find_map(|mark| Some((path.strip_suffix(mark)?, *mark)))
            .unwrap_or((path, ""));
        if is_namespace(path) {
            return path.to_owned() + gone;
        }
        let (start, below) = path.strip_prefix('/').map_or(("", path), |below| ("/", below));
        let mut whole = String::new();
        let mut shown = Vec::new();
        for part in below.split('/') {
            let is_below = |folders: &[&str]| {
                folders.iter().any(|folder| {
                    let rest = whole.strip_prefix(folder);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                })
            };
            let known = is_known(part) || (is_below(OF_THE_KERNEL) && is_of_the_kernel(part));
            let known = known && !is_below(PERSONAL);
            whole = format!("{whole}/{part}");
            shown.push(match part {
                "" => String::new(),
                _ if known => part.to_owned(),
                _ => self.word("d", part),
            });
        }
        format!("{start}{}{gone}", shown.join("/"))
    }

    /// A device node: `mapper/NAME`, `GROUP/VOLUME`, `disk/by-uuid/…`, `zvol/POOL/VOLUME`.
    fn node(&self, node: &str) -> String {
        if let Some(volume) = node.strip_prefix("zvol/") {
            return format!("zvol/{}", self.data_set(volume));
        }
        match node.split_once("disk/by-") {
            Some(("", rest)) => {
                let (kind, name) = rest.split_once('/').unwrap_or((rest, ""));
                let kind = only(kind, |c| c.is_ascii_lowercase());
                format!("disk/by-{kind}/{}", self.disk(name))
            }
            _ => self.volume(node),
        }
    }

    pub(super) fn disk(&self, name: &str) -> String {
        self.word("disk", name)
    }

    fn source(&self, kind: &str, source: &str) -> String {
        let of_server =
            OF_SERVERS.contains(&kind) || kind.starts_with("fuse") || SHARED.contains(&kind);
        match source {
            _ if source.starts_with("/dev/") => self.nodes(source),
            _ if self.tagged(source).is_some() => self.nodes(source),
            _ if of_server => self.remote(source),
            _ if source.starts_with('/') => self.nodes(source),
            "" => String::new(),
            _ if source == kind || WITHOUT_SOURCE.contains(&source) => source.to_owned(),
            _ if kind == "zfs" => self.data_set(source),
            _ => self.nodes(source),
        }
    }

    /// One node, or several with colons between them (bcachefs); a name of one may hold colons too
    /// (`/dev/disk/by-path/pci-0000:00:1f.2-ata-1`).
    fn nodes(&self, source: &str) -> String {
        let starts = |rest: &str| rest.starts_with("/dev/") || self.tagged(rest).is_some();
        let mut shown = Vec::new();
        let mut rest = source;
        loop {
            let end = rest.match_indices(':').map(|(at, _)| at).find(|at| starts(&rest[at + 1..]));
            let part = &rest[..end.unwrap_or(rest.len())];
            shown.push(match self.tagged(part) {
                Some(tagged) => tagged,
                None if part.starts_with('/') => self.path(part),
                None => self.word("s", part),
            });
            let Some(end) = end else { return shown.join(":") };
            rest = &rest[end + 1..];
        }
    }

    /// `LABEL=NAME`; the same stand-in as in `/dev/disk/by-label/NAME`.
    fn tagged(&self, source: &str) -> Option<String> {
        let (tag, name) = source.split_once('=')?;
        TAGS.contains(&tag).then(|| format!("{tag}={}", self.disk(name.trim_matches('"'))))
    }

    /// `POOL/SET/SET@SNAPSHOT`; pools keep their names, as volumes do.
    fn data_set(&self, name: &str) -> String {
        let mut parts = name.split_inclusive(['/', '@']);
        let pool = parts.next().unwrap_or("");
        let below = parts.map(|part| {
            let (name, mark) = match part.strip_suffix(['/', '@']) {
                Some(name) => (name, &part[name.len()..]),
                None => (part, ""),
            };
            let known = name.is_empty() || is_known(name) || name == "ROOT";
            if known { part.to_owned() } else { self.word("d", name) + mark }
        });
        self.volume(pool) + &below.collect::<String>()
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

    fn options(&self, options: &str) -> String {
        options.split(',').map(|option| self.option(option)).collect::<Vec<_>>().join(",")
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
            None if key == "subvol" => escaped(&self.place(&unescaped(value))),
            None if number || OPTIONS.contains(&key) => self.words(value),
            None => "*".to_owned(),
        };
        format!("{key}={shown}")
    }
}

/// A mark of how mounts spread (`fs/proc_namespace.c`): `shared:1`.
fn tag(word: &str) -> String {
    let (name, number) = word.split_once(':').unwrap_or((word, ""));
    let known = ["shared", "master", "propagate_from", "unbindable"].contains(&name)
        && number.bytes().all(|byte| byte.is_ascii_digit());
    if known { word.to_owned() } else { "*".to_owned() }
}

/// `net:[4026531840]`
fn is_namespace(text: &str) -> bool {
    let inner = text.strip_suffix(']').and_then(|text| text.split_once(":["));
    inner.is_some_and(|(kind, number)| {
        kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// A number of a process or of a device, or a function of the PCI bus.
fn is_of_the_kernel(part: &str) -> bool {
    KERNEL.contains(&part)
        || part.bytes().all(|byte| byte.is_ascii_digit())
        || part.parse::<Address>().is_ok()
}

/// As the kernel writes it in its tables (`fs/seq_file.c`, `mangle_path`).
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        ' ' | '\t' | '\n' | '\\' | '#' => format!("\\{:03o}", u32::from(c)),
        _ => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// The words of a text that are known to name nobody; a star for each of the others.
pub(super) fn by_word(text: &str, is_known: impl Fn(&str) -> bool) -> String {
    let shown = text.split_inclusive(char::is_whitespace).map(|word| {
        let bare = word.trim_end_matches(char::is_whitespace);
        if bare.is_empty() || is_known(bare) {
            word.to_owned()
        } else {
            format!("*{}", &word[bare.len()..])
        }
    });
    shown.collect()
}

/// A word of these characters alone, else a star.
fn only(word: &str, is_known: impl Fn(char) -> bool) -> String {
    if word.chars().all(is_known) { word.to_owned() } else { "*".to_owned() }
}
