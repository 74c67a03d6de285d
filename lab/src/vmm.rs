//! QEMU inside the guest: the installed one, with what it is linked to and the firmware it loads.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cpio::Archive;
use crate::qemu::PROGRAM;

/// Where distributions have the firmware of a PC.
const FIRMWARE: &[&str] = &["/usr/share/qemu", "/usr/share/seabios"];
const NEEDED: &[&str] = &["bios-256k.bin", "kvmvapic.bin"];

/// Libraries and firmware are at the places where this machine has them.
pub fn archive() -> Result<Vec<u8>, String> {
    let mut archive = Archive::default();
    let program = in_path().ok_or(format!("{PROGRAM} is not in PATH"))?;
    add(&mut archive, &format!("/bin/{PROGRAM}"), &program)?;
    for library in libraries(&program)? {
        add(&mut archive, &library, Path::new(&library))?;
    }
    for name in NEEDED {
        let mut places = FIRMWARE.iter().map(|folder| format!("{folder}/{name}"));
        let place = places.find(|it| Path::new(it).exists());
        let place = place.ok_or(format!("QEMU's {name} is in none of {}", FIRMWARE.join(", ")))?;
        add(&mut archive, &place, Path::new(&place))?;
    }
    Ok(archive.finish())
}

fn add(archive: &mut Archive, place: &str, from: &Path) -> Result<(), String> {
    let bytes = fs::read(from).map_err(|error| format!("{}: {error}", from.display()))?;
    archive.file(place.trim_start_matches('/'), &bytes);
    Ok(())
}

fn in_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(PROGRAM)).find(|it| it.exists())
}

/// All that the program is linked to, and what loads it.
fn libraries(program: &Path) -> Result<Vec<String>, String> {
    let ran = Command::new("ldd").arg(program).output();
    let ran = ran.map_err(|error| format!("ldd: {error}"))?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    if let Some(line) = text.lines().find(|line| line.contains("not found")) {
        return Err(format!("{PROGRAM}: {}", line.trim()));
    }
    Ok(text.lines().filter_map(place).map(str::to_owned).collect())
}

/// The path in `name => /path (address)` and `/path (address)`.
fn place(line: &str) -> Option<&str> {
    line.split_whitespace().find(|word| word.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn libraries_are_read_from_what_ldd_prints() {
        assert_eq!(place("\tlinux-vdso.so.1 (0x00007ffc)"), None);
        assert_eq!(place("\tlibz.so.1 => /lib/libz.so.1 (0x00007f)"), Some("/lib/libz.so.1"));
        let loader = "\t/lib64/ld-linux-x86-64.so.2 (0x00007f)";
        assert_eq!(place(loader), Some("/lib64/ld-linux-x86-64.so.2"));
    }
}
