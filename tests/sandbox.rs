//! What the program asks of the kernel, by its system calls: nothing of others, nothing written but
//! what was named, and shut in before it reads what a stranger made.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start programs and read what they did"
)]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use landlock::{AccessFs, Ruleset, RulesetAttr, RulesetStatus};

use common::{GPU, READY, example, run, sample, skipped};
use tempfile::TempDir;

const SHUT_IN: &str = "landlock_restrict_self(";

/// Its system calls in their order, one a line, with the paths of open files; none where this
/// cannot be watched.
struct Watched {
    calls: Vec<String>,
    /// Whether the kernel shuts anybody in.
    landlock: bool,
}

fn watch(who: &str, args: &[&str]) -> Option<Watched> {
    let folder = TempDir::new().unwrap();
    let trace = |name: &str| folder.path().join(name);
    let start = |name: &str, program: &str, args: &[&str]| {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-y", "-s", "0", "-e", "signal=none", "-o"]).arg(trace(name));
        command.arg(program).args(args).env_remove("AI_HOW_ROOT");
        command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).output()
    };
    if !start("true", "true", &[]).is_ok_and(|ran| ran.status.success()) {
        skipped(who, "strace is not there, or may not watch");
        return None;
    }
    let ran = start("calls", env!("CARGO_BIN_EXE_ai-how"), args).unwrap();
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert!(matches!(ran.status.code(), Some(0 | 1 | 3)), "{args:?}: {stderr}");
    let text = std::fs::read_to_string(trace("calls")).unwrap();
    // Each begins with the number of the process.
    let calls = text.lines().filter_map(|line| line.split_once(' '));
    let calls = calls.map(|(thread, call)| (thread, call.trim_start()));
    let calls = whole(calls);
    assert!(
        calls.iter().any(|call| call.starts_with("seccomp(")),
        "{args:?}: calls are not limited"
    );
    let landlock = thread::spawn(has_landlock).join().unwrap();
    if !landlock {
        skipped(who, "this kernel has no Landlock: what comes before it is not asked");
    }
    Some(Watched { calls, landlock })
}

/// A call that another thread's came between is told in two parts; it is joined where it began.
fn whole<'a>(parts: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut calls: Vec<String> = Vec::new();
    let mut begun: Vec<(&str, usize)> = Vec::new();
    for (thread, part) in parts {
        if let Some(start) = part.strip_suffix(" <unfinished ...>") {
            begun.push((thread, calls.len()));
            calls.push(start.to_owned());
        } else if let Some((_, end)) = part.split_once(" resumed>") {
            let at = begun.iter().position(|(other, _)| *other == thread).unwrap();
            calls[begun.swap_remove(at).1] += end;
        } else {
            calls.push(part.to_owned());
        }
    }
    calls
}

/// Asked of the kernel by itself, and in a thread of its own, which is shut in for it.
fn has_landlock() -> bool {
    let rules = Ruleset::default().handle_access(AccessFs::Execute).unwrap().create().unwrap();
    rules.restrict_self().unwrap().ruleset != RulesetStatus::NotEnforced
}

impl Watched {
    fn first(&self, wanted: impl Fn(&str) -> bool) -> Option<usize> {
        self.calls.iter().position(|call| wanted(call))
    }

    fn shut_in(&self) -> usize {
        let at = self.first(|call| call.starts_with(SHUT_IN) && call.ends_with(" = 0"));
        at.unwrap_or_else(|| panic!("never shut in: {:#?}", self.calls))
    }

    /// Of each file that is opened: its path, and whether it is to be written.
    fn opened(&self) -> impl Iterator<Item = (usize, &str, bool)> {
        self.calls.iter().enumerate().filter_map(|(at, call)| {
            let call = ["open(", "openat(", "openat2(", "creat("]
                .iter()
                .find_map(|name| call.strip_prefix(name))?;
            let path = call.split('"').nth(1)?;
            let written = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"];
            // A place in the tree of files, which can neither be read nor written.
            let place = call.contains("O_PATH");
            (!place).then(|| (at, path, written.iter().any(|flag| call.contains(flag))))
        })
    }
}

/// Calls that no command makes: to talk, to start a program or look into one, to change what is no
/// file of its own.
const NEVER: &[&str] = &[
    "socket",
    "socketpair",
    "connect",
    "bind",
    "listen",
    "sendto",
    "sendmsg",
    "io_uring_setup",
    "execveat",
    "fork",
    "vfork",
    "ptrace",
    "kill",
    "mkdir",
    "mkdirat",
    "rmdir",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "mknod",
    "mknodat",
    "truncate",
    "ftruncate",
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "fchown",
    "fchownat",
    "utimensat",
    "setxattr",
    "fsetxattr",
];

#[track_caller]
fn is_harmless(watched: &Watched, may_write: &[&Path]) {
    // The file itself, or that beside it which takes its place.
    let is_named = |path: &str| {
        may_write.iter().any(|file| {
            let name = file.file_name().unwrap().to_str().unwrap();
            let beside = format!("{}/.{name}.", file.parent().unwrap().display());
            Path::new(path) == *file || path.starts_with(&beside)
        })
    };
    for (at, call) in watched.calls.iter().enumerate() {
        let Some((name, arguments)) = call.split_once('(') else { continue };
        assert!(!NEVER.contains(&name), "{call}");
        // The first is that of who watches.
        assert!(name != "execve" || at == 0, "{call}");
        if name.starts_with("rename") || name.starts_with("unlink") {
            assert!(arguments.split('"').skip(1).step_by(2).all(is_named), "{call}");
        }
    }
    for (_, path, written) in watched.opened() {
        assert!(!written || is_named(path), "{path} is opened to be written");
    }
}

fn snapshot_of(folder: &TempDir) -> PathBuf {
    let file = folder.path().join("host.snap");
    let root = sample(READY);
    let args = ["snapshot", "--root", root.to_str().unwrap(), "-o", file.to_str().unwrap()];
    assert_eq!(run(args).status, 0);
    file
}

const COMMANDS: [&[&str]; 5] = [
    &["validate", "examples/gpu-node.yaml"],
    &["validate", "examples/gpu-node.yaml", "--format", "html"],
    &["doctor"],
    &["inventory", "pcie"],
    &["inventory", "gpu", "--format", "json"],
];

#[test]
fn a_folder_is_read_by_who_is_shut_in() {
    let root = sample(READY);
    let root = root.to_str().unwrap();
    for command in COMMANDS.iter().copied().chain([&["snapshot", "--dry-run"][..]]) {
        let args = [command, &["--root", root]].concat();
        let Some(watched) = watch("a_folder_is_read_by_who_is_shut_in", &args) else { return };
        is_harmless(&watched, &[]);
        let of_the_copy = watched.opened().find(|(_, path, _)| path.starts_with(root));
        let (first, path, _) = of_the_copy.expect("something of the copy is read");
        assert!(!watched.landlock || watched.shut_in() < first, "{args:?}: {path} came first");
    }
}

#[test]
fn a_snapshot_is_unpacked_by_who_is_shut_in() {
    let folder = TempDir::new().unwrap();
    let file = snapshot_of(&folder);
    let name = file.to_str().unwrap();
    let commands = COMMANDS.iter().map(|command| [*command, &["--root", name]].concat());
    let others = [
        vec!["diff", name, name],
        vec!["diff", name, "--root", "/"],
        vec!["fleet", "--config", "examples/gpu-node.yaml", name],
    ];
    for args in commands.chain(others) {
        let Some(watched) = watch("a_snapshot_is_unpacked_by_who_is_shut_in", &args) else {
            return;
        };
        is_harmless(&watched, &[]);
        let read = |call: &str| call.starts_with("read") && call.contains(&format!("<{name}>"));
        let first = watched.first(read).expect("the snapshot is read");
        assert!(!watched.landlock || watched.shut_in() < first, "{args:?}");
    }
}

#[test]
fn nothing_is_written_but_what_was_named() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (report, log, fix, undo) = (path("report"), path("log"), path("fix"), path("fix.undo"));
    let root = sample(common::HELD);
    let root = root.to_str().unwrap();
    let files = ["-o", report.to_str().unwrap(), "--log-file", log.to_str().unwrap()];
    let config = example("gpu-node.yaml");
    let scripts = [
        "validate",
        config.to_str().unwrap(),
        "--fix-script",
        fix.to_str().unwrap(),
        "--root",
        root,
    ];
    let rest =
        [&["snapshot", "--root", root][..], &["doctor", "--root", root], &["explain", "AH302"]];
    for command in [&scripts[..]].into_iter().chain(rest) {
        let args = [command, &files].concat();
        let Some(watched) = watch("nothing_is_written_but_what_was_named", &args) else { return };
        is_harmless(&watched, &[&report, &log, &fix, &undo]);
        assert!(report.is_file() && log.is_file(), "{args:?}");
        std::fs::remove_file(&report).unwrap();
    }
    assert!(fix.is_file() && undo.is_file());
}

#[test]
fn a_host_at_work_is_read_before_the_program_is_shut_in() {
    let test = "a_host_at_work_is_read_before_the_program_is_shut_in";
    if !Path::new("/sys/bus/pci/devices").is_dir() {
        return skipped(test, "this machine has no PCI bus");
    }
    for args in [&["inventory", "pcie"][..], &["doctor"], &["snapshot", "--dry-run"]] {
        let Some(watched) = watch(test, args) else { return };
        is_harmless(&watched, &[]);
        if watched.landlock {
            let (last, path, _) = watched.opened().last().expect("the host is read");
            assert!(last < watched.shut_in(), "{args:?}: {path} came after");
            let written = watched.first(|call| call.starts_with("write(1"));
            assert!(watched.shut_in() < written.expect("there is a result"), "{args:?}");
        }
    }
}

#[test]
fn what_needs_no_host_is_shut_in_before_it_begins() {
    let config = example("gpu-node.yaml");
    let alone = ["validate", "--skip-pcie-validation", config.to_str().unwrap()];
    for args in [&["explain", "AH302"][..], &["rules"], &["schema"], &["man"], &alone] {
        let Some(watched) = watch("what_needs_no_host_is_shut_in_before_it_begins", args) else {
            return;
        };
        is_harmless(&watched, &[]);
        if watched.landlock {
            let opened = watched.opened().filter(|(at, ..)| *at > watched.shut_in());
            assert_eq!(opened.collect::<Vec<_>>(), [], "{args:?}");
        }
    }
}

/// How a report is put in its place must not be in the way of other places.
#[test]
fn a_report_goes_to_a_pipe_and_a_device_too() {
    let root = sample(READY);
    let root = root.to_str().unwrap();
    let plain = run(["inventory", "pcie", "--root", root]).stdout;
    assert!(plain.contains(GPU));
    // Standard output is a pipe here.
    let through = run(["inventory", "pcie", "--root", root, "-o", "/dev/stdout"]);
    assert_eq!((through.status, through.stdout), (0, plain));
    let nowhere = run(["inventory", "pcie", "--root", root, "-o", "/dev/null"]);
    assert_eq!((nowhere.status, nowhere.stdout.as_str()), (0, ""), "{}", nowhere.stderr);
}

#[test]
fn the_log_tells_whether_it_is_held() {
    let root = sample(READY);
    let ran = run(["doctor", "-v", "--root", root.to_str().unwrap()]);
    let told: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("sandbox: ")).collect();
    assert_eq!(told.len(), 2, "{}", ran.stderr);
    let usual = run(["doctor", "--root", root.to_str().unwrap()]);
    assert_eq!(usual.stderr, "");
}
