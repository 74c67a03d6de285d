//! What the manifest tells, put to the members: each must bear the other out.

use super::limits::{Problem, SnapshotError};
use super::manifest::{Manifest, What};
use super::names::place_of;
use super::tape::shown;
use crate::host::root::{Capture, Kind, Place};

impl Manifest {
    pub(super) fn complete(&self, capture: &mut Capture) -> Result<(), SnapshotError> {
        for path in &self.absent {
            new_place(capture, path)?.kind = Some(Ok(Kind::Missing));
        }
        for path in &self.not_read {
            empty_file(capture, path)?;
        }
        for path in &self.special {
            empty_file(capture, path)?.kind = Some(Ok(Kind::Special));
        }
        for (path, node) in &self.nodes {
            let place = told(capture, path)?;
            if !matches!(place.kind, Some(Ok(Kind::File | Kind::Special))) {
                return Err(contradicts(path));
            }
            place.node = Some(Ok(node.node()));
        }
        for (path, names) in &self.listings {
            let plain = |name: &String| !name.is_empty() && !name.contains(['/', '\0']);
            if !names.iter().all(plain) {
                return Err(refused(path, Problem::Name));
            }
            let mut names = names.clone();
            names.sort_unstable();
            if names.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(refused(path, Problem::Twice));
            }
            let place = told(capture, path)?;
            if !matches!(place.kind, Some(Ok(Kind::Folder))) {
                return Err(contradicts(path));
            }
            place.names = Some(Ok(names));
        }
        for unreadable in &self.unreadable {
            let path = unreadable.path.as_str();
            let why = unreadable.why();
            if unreadable.what == What::Entry {
                new_place(capture, path)?.kind = Some(Err(why));
                continue;
            }
            let place = told(capture, path)?;
            let fits = match (unreadable.what, &place.kind) {
                // One that was read is not among those whose bytes were taken away above.
                (What::Contents, Some(Ok(Kind::File))) => place.bytes.replace(Err(why)).is_none(),
                (What::Listing, Some(Ok(Kind::Folder))) => place.names.replace(Err(why)).is_none(),
                (What::Owner, Some(Ok(Kind::File | Kind::Special))) => {
                    place.node.replace(Err(why)).is_none()
                }
                _ => false,
            };
            if !fits {
                return Err(contradicts(path));
            }
        }
        check_folders(capture)
    }
}

/// Everything lies in a folder, and is in its listing where there is one. Names that begin with a
/// dot are in none.
fn check_folders(capture: &Capture) -> Result<(), SnapshotError> {
    // Mostly that of the place before it.
    let mut last: Option<(&str, Option<&Place>)> = None;
    for (path, place) in &capture.places {
        let Some((folder, name)) = path.rsplit_once('/') else { continue };
        let its_place = match last {
            Some((last, place)) if last == folder => place,
            _ => capture.places.get(folder),
        };
        last = Some((folder, its_place));
        let kind = its_place.and_then(|folder| folder.kind.as_ref());
        if !folder.is_empty() && !matches!(kind, None | Some(Ok(Kind::Folder))) {
            return Err(refused(path, Problem::BelowFile));
        }
        let is_there = !matches!(place.kind, Some(Ok(Kind::Missing)));
        let lacks = |folder: &Place| folder.lists_without(name);
        if is_there && !name.starts_with('.') && its_place.is_some_and(lacks) {
            return Err(refused(path, Problem::Unlisted));
        }
    }
    Ok(())
}

/// A place of which no member tells.
fn new_place<'a>(capture: &'a mut Capture, path: &str) -> Result<&'a mut Place, SnapshotError> {
    let place = told(capture, path)?;
    if place.kind.is_some() { Err(contradicts(path)) } else { Ok(place) }
}

/// A file of which the member holds nothing.
fn empty_file<'a>(capture: &'a mut Capture, path: &str) -> Result<&'a mut Place, SnapshotError> {
    let place = told(capture, path)?;
    let empty = matches!(&place.bytes, Some(Ok(bytes)) if bytes.is_empty());
    if !empty || place.kind != Some(Ok(Kind::File)) {
        return Err(contradicts(path));
    }
    place.bytes = None;
    Ok(place)
}

fn told<'a>(capture: &'a mut Capture, path: &str) -> Result<&'a mut Place, SnapshotError> {
    let name = path.strip_prefix('/').unwrap_or("..");
    let place = place_of(name).map_err(|problem| refused(path, problem))?;
    Ok(capture.places.entry(place).or_default())
}

fn contradicts(path: &str) -> SnapshotError {
    refused(path, Problem::Contradicted)
}

fn refused(path: &str, problem: Problem) -> SnapshotError {
    SnapshotError::Member { member: shown(path.as_bytes()), problem }
}
