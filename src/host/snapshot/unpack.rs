//! Unpacking into memory. An archive is what a stranger sent: each member is held to be hostile
//! until it was looked at, and nothing of it touches the disk.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::GzDecoder;
use tar::{Archive, Entry, EntryType};

use super::limits::{
    Capped, DEEPEST_PATH, LARGEST_MANIFEST, LARGEST_MEMBER, LONGEST_PATH, LONGEST_TARGET,
    MOST_MEMBERS, MOST_STEPS, Problem, SnapshotError,
};
use super::manifest::{Manifest, NAME, SCHEMA, What};
use crate::host::root::{Capture, Kind, Place};

pub(super) fn unpack(archive: impl Read) -> Result<(Manifest, Capture), SnapshotError> {
    let mut archive = Archive::new(Capped::new(GzDecoder::new(archive)));
    let mut manifest = None;
    let mut capture = Capture::default();
    let mut members = 0;
    let entries = archive.entries().map_err(|error| broken(0, &error))?;
    for entry in entries {
        let mut entry = entry.map_err(|error| match manifest {
            None => no_archive(&error),
            Some(_) => broken(members, &error),
        })?;
        let Some(_) = &manifest else {
            manifest = Some(read_manifest(&mut entry)?);
            continue;
        };
        members += 1;
        if members > MOST_MEMBERS {
            return Err(SnapshotError::TooManyMembers);
        }
        add(&mut capture, &mut entry, members)?;
    }
    // The checksum of the compression stands at its end.
    let mut rest = archive.into_inner();
    std::io::copy(&mut rest, &mut std::io::sink()).map_err(|error| broken(members, &error))?;
    let manifest = manifest.ok_or(SnapshotError::NoManifest)?;
    if manifest.members != members {
        return Err(SnapshotError::Incomplete { found: members, told: manifest.members });
    }
    manifest.complete(&mut capture)?;
    check_links(&capture)?;
    Ok((manifest, capture))
}

fn read_manifest(entry: &mut Entry<impl Read>) -> Result<Manifest, SnapshotError> {
    let is_it = entry.path_bytes().as_ref() == NAME.as_bytes();
    if !is_it || entry.header().entry_type() != EntryType::Regular {
        return Err(SnapshotError::NoManifest);
    }
    let size = entry.size();
    if size > LARGEST_MANIFEST {
        return Err(refused(NAME, Problem::Large));
    }
    let bytes = read_all(entry, size, NAME, 0)?;
    let wrong = |error: serde_json::Error| SnapshotError::Manifest { error: error.to_string() };
    // The format before all else, which another version may have changed.
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(wrong)?;
    let schema = value.get("schema").and_then(serde_json::Value::as_str).unwrap_or_default();
    if schema != SCHEMA {
        return Err(SnapshotError::Format { found: schema.chars().take(60).collect() });
    }
    serde_json::from_value(value).map_err(wrong)
}

fn add(
    capture: &mut Capture,
    entry: &mut Entry<impl Read>,
    members: usize,
) -> Result<(), SnapshotError> {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let shown = shown(&name);
    let refuse = |problem| refused(&shown, problem);
    let path = place_of(&name).map_err(refuse)?;
    if std::str::from_utf8(&entry.path_bytes()).is_err() {
        return Err(refuse(Problem::Name));
    }
    let kind = match entry.header().entry_type() {
        EntryType::Regular => Kind::File,
        EntryType::Directory => Kind::Folder,
        EntryType::Symlink => {
            let target = entry.link_name_bytes().unwrap_or_default();
            let target = std::str::from_utf8(&target).map_err(|_| refuse(Problem::Target))?;
            check_target(&path, target).map_err(refuse)?;
            Kind::Link(target.to_owned())
        }
        EntryType::Char | EntryType::Block | EntryType::Fifo => {
            return Err(refuse(Problem::Device));
        }
        _ => return Err(refuse(Problem::Type)),
    };
    let size = entry.size();
    if size > LARGEST_MEMBER {
        return Err(refuse(Problem::Large));
    }
    let bytes = match kind {
        Kind::File => Some(Ok(read_all(entry, size, &shown, members)?)),
        _ => None,
    };
    // Folders come before what they hold, or with it.
    let above = path.match_indices('/').skip(1).map(|(at, _)| path[..at].to_owned());
    for folder in above.collect::<Vec<_>>() {
        match &capture.places.entry(folder).or_default().kind {
            Some(Ok(Kind::Folder)) => {}
            Some(_) => return Err(refuse(Problem::BelowFile)),
            None => {}
        }
    }
    for folder in path.match_indices('/').skip(1).map(|(at, _)| &path[..at]) {
        if let Some(place) = capture.places.get_mut(folder) {
            place.kind = Some(Ok(Kind::Folder));
        }
    }
    let place = Place { kind: Some(Ok(kind)), bytes, ..Place::default() };
    match capture.places.insert(path, place) {
        None => Ok(()),
        Some(_) => Err(refuse(Problem::Twice)),
    }
}

fn read_all(
    entry: &mut Entry<impl Read>,
    size: u64,
    shown: &str,
    members: usize,
) -> Result<Vec<u8>, SnapshotError> {
    let mut bytes = Vec::new();
    entry.take(size).read_to_end(&mut bytes).map_err(|error| broken(members, &error))?;
    if bytes.len() as u64 != size {
        return Err(refused(shown, Problem::Short));
    }
    Ok(bytes)
}

/// `sys/class/net` is the place `/sys/class/net`.
fn place_of(name: &str) -> Result<String, Problem> {
    let name = name.strip_suffix('/').unwrap_or(name);
    if name.len() > LONGEST_PATH || name.matches('/').count() >= DEEPEST_PATH {
        return Err(Problem::Deep);
    }
    if name.starts_with('/') || name.split('/').any(|part| part == "..") {
        return Err(Problem::Outside);
    }
    if name.contains('\0') || name.split('/').any(|part| matches!(part, "" | ".")) {
        return Err(Problem::Name);
    }
    Ok(format!("/{name}"))
}

/// A link is never followed on the disk; one that leads out was still made to mislead. What a
/// process has open is told as the kernel tells it, and never followed at all.
fn check_target(path: &str, target: &str) -> Result<(), Problem> {
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

impl Manifest {
    /// Puts what it tells to the members.
    fn complete(&self, capture: &mut Capture) -> Result<(), SnapshotError> {
        let checked = |path: &str| {
            let name = path.strip_prefix('/').unwrap_or("..");
            place_of(name).map_err(|problem| refused(&shown(path), problem))
        };
        let places = &mut capture.places;
        for path in &self.absent {
            let place = places.entry(checked(path)?).or_default();
            if place.kind.replace(Ok(Kind::Missing)).is_some() {
                return Err(refused(&shown(path), Problem::Absent));
            }
        }
        for path in &self.special {
            let place = places.entry(checked(path)?).or_default();
            place.kind = Some(Ok(Kind::Special));
        }
        for path in self.special.iter().chain(&self.not_read) {
            places.entry(checked(path)?).or_default().bytes = None;
        }
        for (path, node) in &self.nodes {
            places.entry(checked(path)?).or_default().node = Some(Ok(node.node()));
        }
        for (path, names) in &self.listings {
            let plain = |name: &String| !name.is_empty() && !name.contains(['/', '\0']);
            if !names.iter().all(plain) {
                return Err(refused(&shown(path), Problem::Name));
            }
            let sorted: BTreeSet<String> = names.iter().cloned().collect();
            places.entry(checked(path)?).or_default().names =
                Some(Ok(sorted.into_iter().collect()));
        }
        for unreadable in &self.unreadable {
            let place = places.entry(checked(&unreadable.path)?).or_default();
            let why = unreadable.why();
            match unreadable.what {
                What::Entry => place.kind = Some(Err(why)),
                What::Contents => place.bytes = Some(Err(why)),
                What::Listing => place.names = Some(Err(why)),
                What::Owner => place.node = Some(Err(why)),
            }
        }
        Ok(())
    }
}

/// Whether each link comes to an end: at something, or at nothing.
fn check_links(capture: &Capture) -> Result<(), SnapshotError> {
    let mut steps = 0;
    for (path, place) in &capture.places {
        if !matches!(place.kind, Some(Ok(Kind::Link(_)))) || path.starts_with("/proc/") {
            continue;
        }
        if !comes_to_an_end(capture, path, &mut steps)? {
            return Err(refused(&shown(path.trim_start_matches('/')), Problem::Loop));
        }
    }
    Ok(())
}

fn comes_to_an_end(
    capture: &Capture,
    path: &str,
    steps: &mut usize,
) -> Result<bool, SnapshotError> {
    const MOST_LINKS: usize = 40;
    let mut here = String::new();
    let mut open: Vec<&str> = path.split('/').rev().collect();
    let mut links = 0;
    while let Some(part) = open.pop() {
        *steps += 1;
        if *steps > MOST_STEPS {
            return Err(SnapshotError::TooManySteps);
        }
        match part {
            "" | "." => continue,
            ".." => {
                here.truncate(here.rfind('/').unwrap_or(0));
                continue;
            }
            _ => {}
        }
        let place = format!("{here}/{part}");
        match capture.places.get(&place).and_then(|place| place.kind.as_ref()) {
            Some(Ok(Kind::Link(target))) => {
                links += 1;
                if links > MOST_LINKS {
                    return Ok(false);
                }
                if target.starts_with('/') {
                    here.clear();
                }
                open.extend(target.split('/').rev());
            }
            Some(Ok(Kind::Folder)) => here = place,
            _ => return Ok(true),
        }
    }
    Ok(true)
}

fn shown(name: &str) -> String {
    let short: String = name.chars().take(100).collect();
    if short.len() < name.len() { short + "..." } else { short }
}

fn refused(member: &str, problem: Problem) -> SnapshotError {
    SnapshotError::Member { member: member.to_owned(), problem }
}

fn no_archive(error: &std::io::Error) -> SnapshotError {
    match error.kind() {
        std::io::ErrorKind::FileTooLarge => SnapshotError::TooLarge,
        _ => SnapshotError::NotAnArchive { error: error.to_string() },
    }
}

fn broken(members: usize, error: &std::io::Error) -> SnapshotError {
    match error.kind() {
        std::io::ErrorKind::FileTooLarge => SnapshotError::TooLarge,
        _ => SnapshotError::Broken { members, error: error.to_string() },
    }
}
