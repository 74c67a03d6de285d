//! The two programs that run in the guest, linked statically: it has no C library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// With `--target`, the flag reaches the programs but not their build scripts and procedural macros.
const TARGET: &str = "x86_64-unknown-linux-gnu";

pub struct Programs {
    pub ai_how: Vec<u8>,
    pub oracle: Vec<u8>,
    pub busybox: Vec<u8>,
}

pub fn programs(cache: &Path, given: Option<&Path>) -> Result<Programs, String> {
    let oracle = build(cache, "lab/Cargo.toml", &["-p", "ai-how-lab-oracle"], "oracle")?;
    let ai_how = match given {
        Some(path) => path.to_owned(),
        None => build(cache, "Cargo.toml", &["--bin", "ai-how"], "ai-how")?,
    };
    Ok(Programs {
        ai_how: read(&ai_how)?,
        oracle: read(&oracle)?,
        busybox: read(&cache.join("busybox"))?,
    })
}

fn build(cache: &Path, manifest: &str, what: &[&str], program: &str) -> Result<PathBuf, String> {
    let folder = cache.join("build");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--locked", "--target", TARGET, "--manifest-path", manifest])
        .args(what)
        .arg("--target-dir")
        .arg(&folder)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        // Symbols would be two thirds of an archive that an emulated CPU unpacks.
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_PROFILE_DEV_STRIP", "symbols")
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    let status = cargo.status().map_err(|error| format!("cargo: {error}"))?;
    if status.success() {
        Ok(folder.join(TARGET).join("debug").join(program))
    } else {
        Err(format!("{program} was not built"))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
