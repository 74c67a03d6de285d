//! The system calls of a root on disk. Only regular files are read; a device node or FIFO found
//! in a directory's place of an attribute is never opened.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, RawDir, ResolveFlags};
use rustix::io::Errno;

use super::calls::{self, again};
use super::folder::{Listed, Names};
use super::{Fact, Kind, MOST_ENTRIES, Node, RootError, Why, present_node, wrong};
use crate::pci::needed;

/// One read of this size takes any attribute of sysfs, which is at most one page
/// (`fs/sysfs/file.c`).
const PAGE: usize = 4096;

pub(super) enum RootKind {
    Directory,
    File(OwnedFd),
}

/// What `--root` names, opened so that a FIFO does not wait for a writer.
#[expect(clippy::disallowed_methods, reason = "this is the door through which the machine is read")]
pub(super) fn root_at(path: &Path) -> Result<RootKind, RootError> {
    let path = path.to_owned();
    // Not by its name alone: no device is to be opened, whatever its driver does then.
    let kind_of = |stat: rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode);
    match again(|| rustix::fs::stat(&path)).map(kind_of) {
        Ok(FileType::Directory) => return Ok(RootKind::Directory),
        Ok(FileType::RegularFile) => {}
        Ok(_) | Err(Errno::NOTDIR) => return Err(RootError::NotARoot { path }),
        Err(Errno::NOENT) => return Err(RootError::NotFound { path }),
        Err(error) => return Err(RootError::Unreadable { path, error: words(error) }),
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = again(|| rustix::fs::open(&path, flags, Mode::empty()))
        .and_then(|file| again(|| rustix::fs::fstat(&file)).map(|stat| (kind_of(stat), file)));
    match opened {
        Ok((FileType::RegularFile, file)) => Ok(RootKind::File(file)),
        Ok(_) => Err(RootError::NotARoot { path }),
        Err(error) => Err(RootError::Unreadable { path, error: words(error) }),
    }
}

/// Whether the kernel tells of its processes there.
pub(super) fn has_processes(root: &Path) -> bool {
    rustix::fs::statfs(root.join("proc"))
        .is_ok_and(|found| found.f_type == rustix::fs::PROC_SUPER_MAGIC)
}

pub(super) fn is_file(path: &Path) -> bool {
    rustix::fs::stat(path)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
}

/// Up to `most` bytes; with `stop`, as many as the first reads give.
#[expect(clippy::disallowed_methods, reason = "this is the door through which the machine is read")]
pub(super) fn read(path: &str, most: usize, stop: bool) -> Fact<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match again(|| rustix::fs::open(path, flags, Mode::empty())) {
        Ok(file) => file,
        Err(error) => return failure(error),
    };
    read_open(&file, most, stop || path.contains("/sys/"))
}

/// The same of a plain file in a folder of sysfs, a link not followed.
#[expect(clippy::disallowed_methods, reason = "this is the door through which the machine is read")]
pub(super) fn read_in(folder: &OwnedFd, name: &str, most: usize) -> Fact<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let flags = flags | OFlags::NOFOLLOW;
    match again(|| rustix::fs::openat(folder, name, flags, Mode::empty())) {
        Ok(file) => read_open(&file, most, true),
        Err(error) => failure(error),
    }
}

/// With `whole`, less than a page is all there is: an attribute of sysfs is read whole with the
/// first read.
fn read_open(file: &OwnedFd, most: usize, whole: bool) -> Fact<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut page = [0_u8; PAGE];
    while bytes.len() < most {
        let want = page.len().min(most - bytes.len());
        let part = &mut page[..want];
        let got = if whole { calls::read_whole(file, part) } else { calls::read(file, part) };
        match got {
            Ok(0) => break,
            Ok(got) => {
                bytes.extend_from_slice(&page[..got]);
                if whole && got < want {
                    break;
                }
            }
            Err(Errno::ISDIR) => return Fact::Unknown(wrong("a folder", super::A_FILE)),
            Err(error) => return failure(error),
        }
    }
    Fact::Present(bytes, "".into())
}

/// Whole records of the kernel's log, the oldest first, as many as there are now
/// (`Documentation/ABI/testing/dev-kmsg`).
#[expect(clippy::disallowed_methods, reason = "this is the door through which the machine is read")]
pub(super) fn kernel_log(path: &str, most: usize) -> Fact<Vec<u8>> {
    /// A record is never longer (`kernel/printk/internal.h`, `PRINTK_MESSAGE_MAX`).
    const RECORD: usize = 8192;
    /// Who writes on and on cannot hold us up.
    const MOST_READS: usize = 1 << 17;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match again(|| rustix::fs::open(path, flags, Mode::empty())) {
        Ok(file) => file,
        Err(error) => return failure(error),
    };
    let mut log = Vec::new();
    let mut record = [0_u8; RECORD];
    for _ in 0..MOST_READS {
        match again(|| rustix::io::read(&file, &mut record[..])) {
            Ok(0) | Err(Errno::AGAIN) => break,
            Ok(got) if log.len() + got > most => break,
            Ok(got) => log.extend_from_slice(&record[..got]),
            // PIPE: the next record was overwritten meanwhile, and the one after it comes next.
            Err(Errno::PIPE) => {}
            Err(error) => return failure(error),
        }
    }
    Fact::Present(log, "".into())
}

/// Of a configuration space only what is asked of it: each read goes to the hardware.
#[expect(clippy::disallowed_methods, reason = "this is the door through which the machine is read")]
pub(super) fn config_space(path: &str) -> Fact<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = match again(|| rustix::fs::open(path, flags, Mode::empty())) {
        Ok(file) => file,
        Err(error) => return failure(error),
    };
    let read = needed(|at, length| {
        let mut bytes = vec![0_u8; length];
        let got = calls::read_at(&file, &mut bytes, at as u64)?;
        bytes.truncate(got);
        Ok(bytes)
    });
    match read {
        Ok(bytes) => Fact::Present(bytes, "".into()),
        Err(error) => failure(error),
    }
}

pub(super) fn link(path: &str) -> Fact<String> {
    link_in(CWD, path)
}

pub(super) fn link_in(folder: impl AsFd, name: &str) -> Fact<String> {
    match again(|| rustix::fs::readlinkat(&folder, name, Vec::new())) {
        Ok(target) => match target.into_string() {
            Ok(target) => Fact::Present(target.clone(), target.into()),
            Err(_) => Fact::Unknown(wrong("a target that is not text", super::A_LINK)),
        },
        Err(Errno::INVAL) => Fact::Unknown(wrong("something else", super::A_LINK)),
        Err(error) => failure(error),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the door through which the machine is read")]
pub(super) fn list(path: &str, most: usize) -> Fact<Vec<String>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let entries =
        again(|| rustix::fs::open(path, flags, Mode::empty())).and_then(rustix::fs::Dir::new);
    let entries = match entries {
        Ok(entries) => entries,
        Err(Errno::NOTDIR) => return Fact::Unknown(wrong("a file", super::A_FOLDER)),
        Err(error) => return failure(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => names.push(entry.file_name().to_string_lossy().into_owned()),
            Err(error) => return failure(error),
        }
        if names.len() > most {
            return Fact::Unknown(wrong("more than 262,144 entries", super::A_FOLDER));
        }
    }
    Fact::Present(names, "".into())
}

/// None where something is wrong with it.
#[expect(clippy::disallowed_methods, reason = "this is the door through which the machine is read")]
pub(super) fn open_folder(path: impl rustix::path::Arg + Copy) -> Option<OwnedFd> {
    again(|| rustix::fs::open(path, FOLDER, Mode::empty())).ok()
}

/// The same of one that is in a folder, a link not followed.
#[expect(clippy::disallowed_methods, reason = "this is the door through which the machine is read")]
pub(super) fn open_folder_in(folder: &OwnedFd, name: &str) -> Option<OwnedFd> {
    again(|| rustix::fs::openat(folder, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())).ok()
}

/// The same, no link leading out of the folder at the top (`openat2(2)`, since 5.6).
pub(super) fn open_folder_below(top: &OwnedFd, path: &str) -> Option<OwnedFd> {
    let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    again(|| rustix::fs::openat2(top, path, FOLDER, Mode::empty(), within)).ok()
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// What a folder holds, but for names that begin with a dot; none where something is wrong with it.
pub(super) fn names(folder: &OwnedFd) -> Option<Names> {
    let mut buffer = [MaybeUninit::uninit(); 8192];
    let mut entries = RawDir::new(folder, &mut buffer);
    let mut names = Names::default();
    while let Some(entry) = entries.next() {
        let entry = entry.ok()?;
        let name = entry.file_name().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::RegularFile => Listed::File,
            FileType::Directory => Listed::Folder,
            FileType::Symlink => Listed::Link,
            _ => Listed::Other,
        };
        names.push(&name, kind);
        if names.len() > MOST_ENTRIES {
            return None;
        }
    }
    Some(names.sorted())
}

/// Whether a folder is there, links followed (live only, where the kernel resolves them).
pub(super) fn folder(path: &str) -> Fact<()> {
    match again(|| rustix::fs::stat(path)) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
            Fact::Present((), "(there)".into())
        }
        Ok(_) => Fact::Unknown(wrong("a file", super::A_FOLDER)),
        Err(error) => failure(error),
    }
}

pub(super) fn exists(path: &str) -> Fact<()> {
    match again(|| rustix::fs::stat(path)) {
        Ok(_) => Fact::Present((), "(there)".into()),
        Err(error) => failure(error),
    }
}

/// Owner, group and mode of a device node, and whether the kernel would let us open it.
pub(super) fn node(path: &str) -> Fact<Node> {
    let stat = match again(|| rustix::fs::stat(path)) {
        Ok(stat) => stat,
        Err(error) => return failure(error),
    };
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Fact::Unknown(wrong("a folder", super::A_NODE));
    }
    let wish = Access::READ_OK | Access::WRITE_OK;
    let open_to_caller = match again(|| rustix::fs::accessat(CWD, path, wish, AtFlags::EACCESS)) {
        Ok(()) => true,
        Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => false,
        Err(error) => return failure(error),
    };
    let mut acl = [0_u8; 0];
    let has_acl =
        rustix::fs::getxattr(path, "system.posix_acl_access", &mut acl).is_ok_and(|size| size > 0);
    present_node(Node {
        owner: stat.st_uid,
        group: stat.st_gid,
        mode: stat.st_mode & 0o7777,
        has_acl,
        open_to_caller,
    })
}

pub(super) fn kind(path: &str) -> Result<Kind, Why> {
    let stat = match again(|| rustix::fs::lstat(path)) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(Kind::Missing),
        Err(error) => return Err(why(error)),
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Ok(Kind::Folder),
        FileType::RegularFile => Ok(Kind::File),
        FileType::Symlink => match link(path) {
            Fact::Present(target, _) => Ok(Kind::Link(target)),
            Fact::Absent => Ok(Kind::Missing),
            Fact::Unknown(why) => Err(why),
        },
        _ => Ok(Kind::Special),
    }
}

fn failure<T>(error: Errno) -> Fact<T> {
    match error {
        // SRCH is how /proc says of a process's file that the process has ended.
        Errno::NOENT | Errno::SRCH => Fact::Absent,
        error => Fact::Unknown(why(error)),
    }
}

fn why(error: Errno) -> Why {
    match error {
        Errno::ACCESS | Errno::PERM => Why::Denied,
        // The device's folder was removed while one of its files was open or being looked up.
        Errno::NODEV | Errno::NXIO => Why::Vanished,
        Errno::LOOP => super::link_loop(),
        Errno::NOTDIR => wrong("a file", super::A_FOLDER),
        error => Why::Failed { error: words(error) },
    }
}

fn words(error: Errno) -> String {
    let text = std::io::Error::from(error).to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
