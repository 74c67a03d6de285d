//! System calls that no command makes, by seccomp (`Documentation/userspace-api/seccomp_filter.rst`).
//!
//! A list of what is refused, and not of what is allowed: a C library may begin to use a new call
//! at any time, and the program would break where it was not built.

use seccompiler::{BpfProgram, sock_filter};

/// From now on these calls fail in the calling thread and in those that it starts, as if they were
/// not permitted.
pub fn forbid() -> Result<(), String> {
    let program = program().ok_or("it is not known how, on this architecture")?;
    seccompiler::apply_filter(&program).map_err(|error| error.to_string())
}

/// Of each group: what one could do with it.
const REFUSED: &[&[libc::c_long]] = &[
    // Talk: to the network, and to services of this host.
    &[
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
        libc::SYS_sendmmsg,
    ],
    // Go around this list.
    &[libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register],
    // Start a program, or meddle with one.
    &[
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        libc::SYS_kill,
    ],
    // Change what Landlock does not hold: owners, modes, times, extended attributes.
    &[
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        FCHMODAT2,
        libc::SYS_fchown,
        libc::SYS_fchownat,
        libc::SYS_utimensat,
        libc::SYS_setxattr,
        libc::SYS_lsetxattr,
        libc::SYS_fsetxattr,
        SETXATTRAT,
        libc::SYS_removexattr,
        libc::SYS_lremovexattr,
        libc::SYS_fremovexattr,
        REMOVEXATTRAT,
        FILE_SETATTR,
    ],
    // Make what is no file.
    &[libc::SYS_linkat, libc::SYS_symlinkat, libc::SYS_mkdirat, libc::SYS_mknodat],
    OLDER,
    // Change the system, as root.
    &[
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_mount_setattr,
        libc::SYS_fsopen,
        libc::SYS_fsmount,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_open_by_handle_at,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_keyctl,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_adjtimex,
        libc::SYS_clock_adjtime,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
    ],
];

/// Calls that newer architectures have no longer.
#[cfg(target_arch = "x86_64")]
const OLDER: &[libc::c_long] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_mkdir,
    libc::SYS_mknod,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_kexec_file_load,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[libc::c_long] = &[];

/// The same number on all architectures (`scripts/syscall.tbl`); not every C library knows them.
const FCHMODAT2: libc::c_long = 452;
const SETXATTRAT: libc::c_long = 463;
const REMOVEXATTRAT: libc::c_long = 466;
const FILE_SETATTR: libc::c_long = 469;

/// `AUDIT_ARCH_…` of `include/uapi/linux/audit.h`.
const ARCHITECTURE: Option<u32> = if cfg!(target_arch = "x86_64") {
    Some(0xc000_003e)
} else if cfg!(target_arch = "aarch64") {
    Some(0xc000_00b7)
} else {
    None
};

/// Calls of x32 have the architecture of `x86_64` and numbers from here on.
const X32: u32 = 0x4000_0000;

/// Typing for the person at the terminal: `include/uapi/asm-generic/ioctls.h`.
const TYPING: [u32; 2] = [0x5412, 0x541c];

/// Where `struct seccomp_data` has the number, the architecture and the lower half of the second
/// argument.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const SECOND: u32 = 24;

/// `BPF_LD | BPF_W | BPF_ABS` and so on, of `include/uapi/linux/bpf_common.h`.
const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// None where the numbers of this architecture are not known.
fn program() -> Option<BpfProgram> {
    let refused = REFUSED.iter().copied().flatten().map(|call| u32::try_from(*call));
    let mut refused = refused.collect::<Result<Vec<_>, _>>().ok()?;
    refused.sort_unstable();
    let mut program = vec![
        step(LOAD, ARCH, 0, 0),
        step(IF_EQUAL, ARCHITECTURE?, 1, 0),
        REFUSE,
        step(LOAD, NUMBER, 0, 0),
        step(IF_AT_LEAST, X32, 0, 1),
        REFUSE,
        step(IF_EQUAL, u32::try_from(libc::SYS_ioctl).ok()?, 0, 5),
        step(LOAD, SECOND, 0, 0),
        step(IF_EQUAL, TYPING[0], 2, 0),
        step(IF_EQUAL, TYPING[1], 1, 0),
        ALLOW,
        REFUSE,
    ];
    program.extend(search(&refused)?);
    Some(program)
}

/// Refuses these numbers, which are sorted, and allows all others. The kernel tries the program on
/// every number as it takes it, so one long row would be what most of the time goes into.
fn search(refused: &[u32]) -> Option<BpfProgram> {
    const ROW: usize = 4;
    if refused.len() <= ROW {
        let last = (1..=refused.len()).rev();
        let row = refused
            .iter()
            .zip(last)
            .map(|(call, past)| Some(step(IF_EQUAL, *call, u8::try_from(past).ok()?, 0)));
        return row.chain([Some(ALLOW), Some(REFUSE)]).collect();
    }
    let (low, high) = refused.split_at(refused.len() / 2);
    let first = *high.first()?;
    let (low, high) = (search(low)?, search(high)?);
    let past = u8::try_from(low.len()).ok()?;
    Some([vec![step(IF_AT_LEAST, first, past, 0)], low, high].concat())
}

const ALLOW: sock_filter = step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0);
const REFUSE: sock_filter =
    step(RETURN, libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned(), 0, 0);

/// `then` and `or` are how many steps are left out.
const fn step(code: u16, k: u32, then: u8, or: u8) -> sock_filter {
    sock_filter { code, jt: then, jf: or, k }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests try what is refused")]
mod tests {
    use std::io::{ErrorKind, Write};
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::fs::symlink;
    use std::os::unix::net::{UnixDatagram, UnixStream};
    use std::process::Command;
    use std::thread;

    use super::*;

    /// Where the steps lead for each number.
    #[test]
    fn those_on_the_list_are_refused_and_no_others() {
        let refused: Vec<u32> = (0..90).map(|number| number * 7 % 631).collect();
        let mut sorted = refused.clone();
        sorted.sort_unstable();
        let steps = search(&sorted).unwrap();
        for number in 0..700 {
            let mut at = 0;
            let said = loop {
                let sock_filter { code, jt, jf, k } = steps[at].clone();
                let holds = match code {
                    IF_EQUAL => number == k,
                    IF_AT_LEAST => number >= k,
                    _ => break k,
                };
                at += 1 + usize::from(if holds { jt } else { jf });
            };
            let expected = if refused.contains(&number) { REFUSE } else { ALLOW };
            assert_eq!(said, expected.k, "{number}");
        }
    }

    /// In a thread of its own, as it alone is then limited.
    #[test]
    fn what_is_on_the_list_is_refused_and_the_rest_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "text").unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                if let Err(why) = forbid() {
                    // Past the capture of a test's output.
                    let _ = writeln!(std::io::stderr(), "calls: SKIPPED, {why}");
                    return;
                }
                let refused = |what: &str, result: std::io::Result<()>| {
                    let error = result.expect_err(what);
                    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{what}: {error}");
                };
                refused("TCP", TcpListener::bind("127.0.0.1:0").map(drop));
                refused("UDP", UdpSocket::bind("127.0.0.1:0").map(drop));
                refused("a socket among files", UnixStream::connect(&file).map(drop));
                refused("a pair of sockets", UnixDatagram::pair().map(drop));
                refused("another program", Command::new("/bin/true").status().map(drop));
                refused("a mode", std::fs::set_permissions(&file, permissions(&file)));
                refused("a link", symlink("file", folder.path().join("link")));
                refused("a folder", std::fs::create_dir(folder.path().join("folder")));
                // Threads inherit it, and can be started.
                thread::spawn(|| assert!(UdpSocket::bind("127.0.0.1:0").is_err())).join().unwrap();
                assert_eq!(std::fs::read_to_string(&file).unwrap(), "text");
                std::fs::write(folder.path().join("other"), "text").unwrap();
                std::fs::rename(folder.path().join("other"), &file).unwrap();
            });
        });
        UdpSocket::bind("127.0.0.1:0").expect("other threads are as free as before");
    }

    fn permissions(file: &std::path::Path) -> std::fs::Permissions {
        std::fs::metadata(file).unwrap().permissions()
    }
}
