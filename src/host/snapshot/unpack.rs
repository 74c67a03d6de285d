//! Unpacking into memory. An archive is what a stranger sent: each member is held to be hostile
//! until it was looked at, and nothing of it touches the disk.

use std::io::{BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use tar::EntryType;

use super::limits::{
    Capped, LARGEST_MANIFEST, LARGEST_MEMBER, MOST_MEMBERS, MOST_PLACES, MOST_STEPS, Problem,
    SnapshotError,
};
use super::manifest::{Manifest, NAME, SCHEMA};
use super::names::{check_target, comes_to_an_end, place_of};
use super::tape::{Member, Tape, shown};
use crate::host::root::{Capture, Kind, Place};

pub(super) fn unpack(archive: impl Read) -> Result<(Manifest, Capture), SnapshotError> {
    let archive = BufReader::new(Capped::new(archive));
    let mut tape = Tape::new(Capped::new(GzDecoder::new(archive)));
    let manifest = match tape.next()? {
        Some(member) => read_manifest(&mut tape, &member)?,
        None => return Err(SnapshotError::NoManifest),
    };
    let mut capture = Capture::default();
    let mut folder = String::new();
    while let Some(member) = tape.next()? {
        if tape.members > MOST_MEMBERS {
            return Err(SnapshotError::TooManyMembers);
        }
        add(&mut capture, &mut tape, &member, &mut folder)?;
    }
    let members = tape.members - 1;
    // The end of the tar was looked for up to the end of the compression, and its checksum there.
    let mut behind = tape.into_inner().into_inner().into_inner();
    match behind.fill_buf() {
        Ok([]) => {}
        Ok(_) => return Err(SnapshotError::Behind { what: "compression" }),
        Err(error) => return Err(SnapshotError::Broken { members, error: error.to_string() }),
    }
    if manifest.members != members {
        return Err(SnapshotError::Incomplete { found: members, told: manifest.members });
    }
    manifest.complete(&mut capture)?;
    check_links(&capture)?;
    Ok((manifest, capture))
}

fn read_manifest(tape: &mut Tape<impl Read>, member: &Member) -> Result<Manifest, SnapshotError> {
    if member.name != NAME.as_bytes() || member.kind != EntryType::Regular {
        return Err(SnapshotError::NoManifest);
    }
    if member.size > LARGEST_MANIFEST {
        return Err(refused(NAME, Problem::Large));
    }
    let bytes = tape.contents(member)?;
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

/// `last` is the folder of the member before it, in which mostly this one lies too.
fn add(
    capture: &mut Capture,
    tape: &mut Tape<impl Read>,
    member: &Member,
    last: &mut String,
) -> Result<(), SnapshotError> {
    let refuse = |problem| refused(&shown(&member.name), problem);
    let path = place_of(&String::from_utf8_lossy(&member.name)).map_err(refuse)?;
    if std::str::from_utf8(&member.name).is_err() {
        return Err(refuse(Problem::Name));
    }
    let kind = match member.kind {
        EntryType::Regular => Kind::File,
        EntryType::Directory => Kind::Folder,
        EntryType::Symlink => {
            let target =
                std::str::from_utf8(&member.target).map_err(|_| refuse(Problem::Target))?;
            check_target(&path, target).map_err(refuse)?;
            Kind::Link(target.to_owned())
        }
        EntryType::Char | EntryType::Block | EntryType::Fifo => {
            return Err(refuse(Problem::Device));
        }
        _ => return Err(refuse(Problem::Type)),
    };
    let bytes = match kind {
        Kind::File if member.size > LARGEST_MEMBER => return Err(refuse(Problem::Large)),
        Kind::File => Some(Ok(tape.contents(member)?)),
        _ if member.size > 0 => return Err(refuse(Problem::Holds)),
        _ => None,
    };
    // Folders come before what they hold, or with it.
    // Each of those has a name as long as its own path, and comes into being by a few bytes.
    if capture.places.len() > MOST_PLACES {
        return Err(SnapshotError::TooManyMembers);
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if folder != last {
        for (at, _) in path.match_indices('/').skip(1) {
            let folder = capture.places.entry(path[..at].to_owned()).or_default();
            if *folder.kind.get_or_insert(Ok(Kind::Folder)) != Ok(Kind::Folder) {
                return Err(refuse(Problem::BelowFile));
            }
        }
        folder.clone_into(last);
    }
    let place = Place { kind: Some(Ok(kind)), bytes, ..Place::default() };
    match capture.places.insert(path, place) {
        None => Ok(()),
        Some(_) => Err(refuse(Problem::Twice)),
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
            return Err(refused(&shown(path.trim_start_matches('/').as_bytes()), Problem::Loop));
        }
    }
    Ok(())
}

fn refused(member: &str, problem: Problem) -> SnapshotError {
    SnapshotError::Member { member: member.to_owned(), problem }
}
