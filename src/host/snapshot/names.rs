//! Names and links that may stand in a snapshot: the packer leaves out what the reader refuses.

use super::limits::{DEEPEST_PATH, LONGEST_PATH, LONGEST_TARGET, MOST_STEPS, Problem};
use crate::host::root::{Capture, Kind};

/// `sys/class/net` is the place `/sys/class/net`.
pub(super) fn place_of(name: &str) -> Result<String, Problem> {
    let name = name.strip_suffix('/').unwrap_or(name);
    let (mut depth, mut leads_out, mut is_odd) = (0, name.starts_with('/'), false);
    for part in name.split('/') {
        depth += 1;
        leads_out |= part == "..";
        is_odd |= matches!(part, "" | ".");
    }
    if name.len() > LONGEST_PATH || depth > DEEPEST_PATH {
        return Err(Problem::Deep);
    }
    if leads_out {
        return Err(Problem::Outside);
    }
    if is_odd || name.contains('\0') {
        return Err(Problem::Name);
    }
    Ok(format!("/{name}"))
}

/// A link is never followed on the disk; one that leads out was still made to mislead. What a
/// process has open is told as the kernel tells it, and never followed at all.
pub(super) fn check_target(path: &str, target: &str) -> Result<(), Problem> {
    if target.is_empty() || target.len() > LONGEST_TARGET || target.contains('\0') {
        return Err(Problem::Target);
    }
    if path.starts_with("/proc/") {
        return Ok(());
    }
    if target.starts_with('/') {
        return Err(Problem::Absolute);
    }
    let mut depth = path.matches('/').count() - 1;
    for part in target.split('/') {
        match part {
            ".." if depth == 0 => return Err(Problem::LeadsOut),
            ".." => depth -= 1,
            "" | "." => {}
            _ => depth += 1,
        }
    }
    Ok(())
}

/// Whether the link at a place leads to something or to nothing, and not round in a ring. There are
/// no links among the folders above a place. What it costs is added to the steps.
pub(super) fn comes_to_an_end(capture: &Capture, path: &str, steps: &mut usize) -> bool {
    const MOST_LINKS: usize = 40;
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut here = folder.to_owned();
    let mut open = vec![name];
    let mut links = 0;
    while let Some(part) = open.pop() {
        *steps += 1;
        if *steps > MOST_STEPS {
            return false;
        }
        match part {
            "" | "." => continue,
            ".." => {
                here.truncate(here.rfind('/').unwrap_or(0));
                continue;
            }
            _ => {}
        }
        let folder = here.len();
        here.push('/');
        here.push_str(part);
        match capture.places.get(&here).and_then(|place| place.kind.as_ref()) {
            Some(Ok(Kind::Link(target))) => {
                links += 1;
                if links > MOST_LINKS {
                    return false;
                }
                here.truncate(if target.starts_with('/') { 0 } else { folder });
                open.extend(target.split('/').rev());
            }
            Some(Ok(Kind::Folder)) => {}
            _ => return true,
        }
    }
    true
}
