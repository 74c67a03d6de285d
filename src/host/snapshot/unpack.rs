//! Unpacking into memory. An archive is what a stranger sent: each member is held to be hostile
//! until it was looked at, and nothing of it touches the disk.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::GzDecoder;
use tar::{Archive, Entry, EntryType};

use super::limits::{
    Capped, LARGEST_MANIFEST, LARGEST_MEMBER, MOST_MEMBERS, MOST_PLACES, MOST_STEPS, Problem,
    SnapshotError,
};
use super::manifest::{Manifest, NAME, SCHEMA, What};
use super::names::{check_target, comes_to_an_end, place_of};
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
    let wrong = |error: serde_json::Error| SnapshotError::Manifest {
        error: error.to_string().chars().take(200).collect(),
    };
    // The format before all else, which another version may have changed.
    let Format { schema } = serde_json::from_slice(&bytes).map_err(wrong)?;
    if schema != SCHEMA {
        return Err(SnapshotError::Format { found: schema.chars().take(60).collect() });
    }
    serde_json::from_slice(&bytes).map_err(wrong)
}

/// Keeps nothing of what else a manifest holds.
#[derive(serde::Deserialize)]
struct Format {
    #[serde(default)]
    schema: String,
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
    // Each of those has a name as long as its own path, and comes into being by a few bytes.
    if capture.places.len() > MOST_PLACES {
        return Err(SnapshotError::TooManyMembers);
    }
    for (at, _) in path.match_indices('/').skip(1) {
        let folder = capture.places.entry(path[..at].to_owned()).or_default();
        if *folder.kind.get_or_insert(Ok(Kind::Folder)) != Ok(Kind::Folder) {
            return Err(refuse(Problem::BelowFile));
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
        let ends = comes_to_an_end(capture, path, &mut steps);
        if steps > MOST_STEPS {
            return Err(SnapshotError::TooManySteps);
        }
        if !ends {
            return Err(refused(&shown(path.trim_start_matches('/')), Problem::Loop));
        }
    }
    Ok(())
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
