//! The kernels at hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::modules::Modules;
use crate::scenario::Kernels;

/// A path to a kernel with VFIO built in (`lab/builtin-kernel/build`); may be packed with xz.
const BUILTIN: &str = "AI_HOW_LAB_BUILTIN_KERNEL";

#[derive(Debug)]
pub struct Kernel {
    pub name: String,
    pub release: String,
    pub kind: Kernels,
    /// Uncompressed, with the PVH note: it boots in half the time of a bzImage.
    pub vmlinux: PathBuf,
    /// With `lib/` and `boot/`, as on a host; none for a kernel without modules.
    pub folder: Option<PathBuf>,
    pub modules: Modules,
}

/// Those in the cache and in the environment, by the names that were asked for.
pub fn find(cache: &Path, names: &[String]) -> Result<Vec<Kernel>, String> {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|it| it == name);
    let mut found = Vec::new();
    let folder = cache.join("kernels");
    let mut entries: Vec<String> = fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| folder.join(name).join("vmlinux").exists())
        .collect();
    entries.sort_by_key(|name| version_of(name));
    for name in entries.into_iter().filter(|name| wanted(name)) {
        found.push(stock(&folder.join(&name), name)?);
    }
    match std::env::var_os(BUILTIN) {
        Some(path) if wanted("builtin") => found.push(builtin(cache, Path::new(&path))?),
        _ => {}
    }
    let missing: Vec<&str> = match names {
        [] if found.is_empty() => vec!["a kernel"],
        _ => names
            .iter()
            .map(String::as_str)
            .filter(|name| !found.iter().any(|it| it.name == *name))
            .collect(),
    };
    if missing.is_empty() {
        return Ok(found);
    }
    Err(format!(
        "{} is not in {} (lab/fetch-kernels puts Debian's there; {BUILTIN} names one with VFIO built in)",
        missing.join(", "),
        folder.display()
    ))
}

fn stock(folder: &Path, name: String) -> Result<Kernel, String> {
    let release = read(&folder.join("release"))?.trim().to_owned();
    Ok(Kernel {
        name,
        modules: Modules::read(&folder.join("lib/modules").join(&release))?,
        release,
        kind: Kernels::Stock,
        vmlinux: folder.join("vmlinux"),
        folder: Some(folder.to_owned()),
    })
}

fn builtin(cache: &Path, given: &Path) -> Result<Kernel, String> {
    let vmlinux = if given.extension().is_some_and(|it| it == "xz") {
        let ran = Command::new("xz").arg("-dc").arg(given).output();
        let ran = ran.map_err(|error| format!("xz: {error}"))?;
        if !ran.status.success() {
            return Err(format!(
                "xz {}: {}",
                given.display(),
                String::from_utf8_lossy(&ran.stderr)
            ));
        }
        let path = cache.join("vmlinux-builtin");
        fs::write(&path, ran.stdout).map_err(|error| format!("{}: {error}", path.display()))?;
        path
    } else {
        given.to_owned()
    };
    let bytes = fs::read(&vmlinux).map_err(|error| format!("{}: {error}", vmlinux.display()))?;
    let release = banner(&bytes).ok_or(format!("{} is no kernel", vmlinux.display()))?;
    Ok(Kernel {
        name: "builtin".to_owned(),
        release,
        kind: Kernels::Builtin,
        vmlinux,
        folder: None,
        modules: Modules::default(),
    })
}

/// The release in "Linux version RELEASE (…".
fn banner(bytes: &[u8]) -> Option<String> {
    const MARK: &[u8] = b"Linux version ";
    let mut starts = bytes.windows(MARK.len()).enumerate().filter(|(_, it)| *it == MARK);
    starts.find_map(|(at, _)| {
        let word = bytes[at + MARK.len()..].split(|it| *it == b' ').next()?;
        let word = std::str::from_utf8(word).ok()?;
        word.starts_with(|it: char| it.is_ascii_digit()).then(|| word.to_owned())
    })
}

fn version_of(name: &str) -> Vec<u32> {
    name.split('.').map(|it| it.parse().unwrap_or(u32::MAX)).collect()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
