//! Two states of a real kernel, where the lab has been run before; all of them: `bash lab/run`.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests start programs")]

mod common;

use std::path::Path;
use std::process::Command;

use common::skipped;

/// Why the lab cannot run here without fetching or building much.
fn missing() -> Option<String> {
    let cache = std::env::var_os("AI_HOW_LAB_CACHE").unwrap_or_else(|| "target/lab".into());
    let kernel = Path::new(env!("CARGO_MANIFEST_DIR")).join(cache).join("kernels/6.1/vmlinux");
    if Command::new("qemu-system-x86_64").arg("--version").output().is_err() {
        Some("qemu-system-x86_64 is not installed (bash lab/run installs it)".to_owned())
    } else if kernel.exists() {
        None
    } else {
        Some(format!("{} is not there (bash lab/run fetches it)", kernel.display()))
    }
}

#[test]
fn a_real_kernel_agrees() {
    if let Some(why) = missing() {
        return skipped("a_real_kernel_agrees", &why);
    }
    let ran = Command::new("bash")
        .args(["lab/run", "--kernel", "6.1", "ready", "member-on-native-driver"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("2 runs: 2 agree"), "{said}");
}
