//! Runs the built program, and makes hosts for it by changing the samples.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "each test file uses a part; tests read and write files, start the program and say what they skip"
)]

pub mod host;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub use host::HostDir;

/// A hang is a failure, not a stuck run of the tests.
const LONGEST: Duration = Duration::from_secs(300);

pub const READY: &str = "ready";
pub const HELD: &str = "gpu-held-by-nvidia";
pub const OFF: &str = "iommu-off-in-firmware";
pub const SAMPLES: [&str; 3] = [READY, HELD, OFF];

pub const GPU: &str = "0000:01:00.0";
pub const AUDIO: &str = "0000:01:00.1";
pub const PORT: &str = "0000:00:01.0";
pub const NVME: &str = "0000:02:00.0";
pub const IGPU: &str = "0000:00:02.0";

/// How the program ended and what it wrote.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Each line of ndjson.
    pub fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Could not run: nothing on standard output, one line on standard error.
    #[track_caller]
    pub fn could_not_run(&self) -> &str {
        assert_eq!(self.status, 2, "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        let lines: Vec<&str> = self.stderr.lines().collect();
        assert!(lines.len() == 1 && self.stderr.ends_with('\n'), "one line: {self:?}");
        assert!(lines[0].starts_with("ai-how: "), "{self:?}");
        lines[0]
    }
}

/// The program with an environment that says nothing.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ai-how"));
    for name in ["AI_HOW_ROOT", "AI_HOW_LOG_LEVEL", "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(name);
    }
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn run<I: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = I>) -> Ran {
    finish(command().args(args).spawn().unwrap())
}

pub fn run_with(change: impl FnOnce(&mut Command) -> &mut Command) -> Ran {
    let mut command = command();
    change(&mut command);
    finish(command.spawn().unwrap())
}

/// With a text on standard input.
pub fn run_on(input: &[u8], args: &[&str]) -> Ran {
    let mut child = command().args(args).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // The program may end without having read all of it.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let ran = finish(child);
    writer.join().unwrap();
    ran
}

pub fn finish(mut child: Child) -> Ran {
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > LONGEST {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the program hung; it had written {:?}", stderr.join().unwrap());
        }
        thread::sleep(Duration::from_millis(2));
    };
    let ran = Ran {
        status: status.code().unwrap_or(-1),
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    };
    assert!(status.code().is_some(), "ended by a signal: {status}: {ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    ran
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        String::from_utf8(bytes).expect("the program writes UTF-8")
    })
}

/// `examples/NAME`.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

pub fn sample(name: &str) -> PathBuf {
    example("hosts").join(name)
}

/// `validate --format json` of a text on a host.
pub fn validate(root: &Path, config: &str, flags: &[&str]) -> Ran {
    let root = root.to_str().unwrap();
    let mut args = vec!["validate", "--format", "json", "--root", root, "-"];
    args.extend(flags);
    run_on(config.as_bytes(), &args)
}

/// `inventory pcie --format json`.
pub fn inventory(root: &Path, flags: &[&str]) -> Value {
    let mut args = vec!["inventory", "pcie", "--format", "json", "--root", root.to_str().unwrap()];
    args.extend(flags);
    let ran = run(args);
    assert_eq!(ran.status, 0, "{ran:?}");
    ran.json()
}

/// A device's entry in an inventory.
pub fn device<'a>(inventory: &'a Value, address: &str) -> &'a Value {
    let devices = inventory["devices"].as_array().unwrap();
    devices.iter().find(|device| device["address"] == address).expect("it is listed")
}

/// Codes of the findings that stand (that follow from no other).
pub fn standing(document: &Value) -> Vec<&str> {
    let findings = document["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|finding| finding["caused_by"].is_null())
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

/// Codes of all findings.
pub fn codes(document: &Value) -> Vec<&str> {
    let findings = document["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// Codes of the checks that could not be answered.
pub fn open(document: &Value) -> Vec<&str> {
    let open = document["undetermined"].as_array().unwrap();
    open.iter().map(|open| open["code"].as_str().unwrap()).collect()
}

/// Permissions deny nothing to root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Past the capture of a test's output, which shows nothing of a test that passes.
pub fn skipped(test: &str, why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{test}: SKIPPED, {why}");
}

/// The short file with one VM and these devices (address, type).
pub fn short_file(devices: &[(&str, &str)]) -> String {
    let mut text = String::from(
        "compute_nodes:\n  - name: vm\n    pcie_passthrough:\n      enabled: true\n      devices:\n",
    );
    for (address, kind) in devices {
        text += &format!("        - {{pci_address: \"{address}\", device_type: {kind}}}\n");
    }
    text
}
