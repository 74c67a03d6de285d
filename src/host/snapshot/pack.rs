//! Packing: a capture to an archive, the same bytes for the same facts.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::Made;
use super::manifest::{Manifest, NAME, NodeEntry, SCHEMA, Tool, Unreadable, What};
use super::names::{check_target, comes_to_an_end, place_of};
use crate::host::access::Node;
use crate::host::reading::Why;
use crate::host::root::{Capture, Kind, Place, Root, link_loop};
use crate::host::stand_ins::{OTHER, process_of};

/// A snapshot, and what a person may want to know of it.
pub struct Packed {
    pub manifest: Manifest,
    /// Members after the manifest: what they are and how large.
    pub members: Vec<(String, &'static str, usize)>,
    pub archive: Vec<u8>,
}

/// A member: a folder, a link with its target, or a file with its bytes and permission bits.
enum Member<'a> {
    Folder,
    Link(&'a str),
    File(&'a [u8], Option<&'a Node>),
}

/// Packs all that the root handed out.
pub fn pack(root: &Root, kernel: Option<String>, made: &Made) -> io::Result<Packed> {
    let mut capture = root.captured();
    leave_out_idle_processes(&mut capture, root.own_process());
    leave_out_what_is_refused(&mut capture);
    settle(&mut capture);
    let mut manifest = Manifest {
        schema: SCHEMA.to_owned(),
        tool: Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        kernel,
        time: made.time.clone(),
        source: root.source(),
        machine: root.machine(),
        locking: root.locking().and_then(|it| it.known().ok().flatten().copied()),
        members: 0,
        unreadable: Vec::new(),
        absent: BTreeSet::new(),
        not_read: BTreeSet::new(),
        special: BTreeSet::new(),
        nodes: BTreeMap::new(),
        listings: BTreeMap::new(),
    };
    let mut members = Vec::new();
    for (path, place) in &capture.places {
        manifest.tell(&capture, path, place);
        if let Some(member) = member(place) {
            members.push((path.as_str(), member));
        }
    }
    manifest.unreadable.sort();
    manifest.members = members.len();
    let archive = write(&manifest, &members)?;
    let shown = members.iter().map(|(path, member)| match member {
        Member::Folder => ((*path).to_owned(), "folder", 0),
        Member::Link(target) => ((*path).to_owned(), "link", target.len()),
        Member::File(bytes, _) => ((*path).to_owned(), "file", bytes.len()),
    });
    Ok(Packed { members: shown.collect(), manifest, archive })
}

fn member(place: &Place) -> Option<Member<'_>> {
    Some(match place.kind.as_ref()?.as_ref().ok()? {
        Kind::Missing => return None,
        Kind::Folder => Member::Folder,
        Kind::Link(target) => Member::Link(target),
        Kind::File | Kind::Special => {
            let is_file = matches!(place.kind, Some(Ok(Kind::File)));
            let bytes = place.bytes.as_ref().and_then(|bytes| bytes.as_ref().ok());
            let bytes = bytes.filter(|_| is_file);
            let node = place.node.as_ref().and_then(|node| node.as_ref().ok());
            Member::File(bytes.map_or(&[], Vec::as_slice), node)
        }
    })
}

impl Manifest {
    /// Only what can be told of a thing of its kind: a host changes while it is read.
    fn tell(&mut self, capture: &Capture, path: &str, place: &Place) {
        let kind = match &place.kind {
            Some(Ok(kind)) => kind,
            Some(Err(why)) => return self.tell_unread(path, What::Entry, why),
            None => return,
        };
        match kind {
            Kind::Missing if !capture.is_listed_without(path) => {
                self.absent.insert(path.to_owned());
            }
            Kind::Missing | Kind::Link(_) => {}
            Kind::Folder => match &place.names {
                Some(Err(why)) => self.tell_unread(path, What::Listing, why),
                Some(Ok(names)) => drop(self.listings.insert(path.to_owned(), names.clone())),
                None => {}
            },
            Kind::File | Kind::Special => {
                let is_special = *kind == Kind::Special;
                if is_special {
                    self.special.insert(path.to_owned());
                } else if !matches!(place.bytes, Some(Ok(_))) {
                    self.not_read.insert(path.to_owned());
                }
                if let (false, Some(Err(why))) = (is_special, &place.bytes) {
                    self.tell_unread(path, What::Contents, why);
                }
                match &place.node {
                    Some(Err(why)) => self.tell_unread(path, What::Owner, why),
                    Some(Ok(node)) => {
                        self.nodes.insert(path.to_owned(), NodeEntry::new(node));
                    }
                    None => {}
                }
            }
        }
    }

    fn tell_unread(&mut self, path: &str, what: What, why: &Why) {
        self.unreadable.extend(Unreadable::new(path, what, why));
    }
}

/// Of processes only those are told that have a device open, or whose files could not be seen;
/// and the first two, by which it is known that all were to be seen.
fn leave_out_idle_processes(capture: &mut Capture, own: Option<u32>) {
    let is_file = |path: &str| process_of(path).is_some() && path.split('/').nth(3) == Some("fd");
    let is_idle = |path: &str, place: &Place| {
        let nothing = match &place.kind {
            Some(Ok(Kind::Link(target))) => target == OTHER,
            Some(Ok(Kind::Missing)) => true,
            _ => false,
        };
        nothing && is_file(path) && path.split('/').count() == 5
    };
    let idle: Vec<String> = capture
        .places
        .iter()
        .filter(|(path, place)| is_idle(path, place))
        .map(|(path, _)| path.clone())
        .collect();
    for path in &idle {
        capture.places.remove(path);
        forget_name(capture, path);
    }
    let pids: Vec<u32> = match capture.places.get("/proc").and_then(|proc| proc.names.as_ref()) {
        Some(Ok(names)) => names.iter().filter_map(|name| name.parse().ok()).collect(),
        _ => Vec::new(),
    };
    for pid in pids.into_iter().filter(|pid| *pid > 2) {
        let folder = format!("/proc/{pid}");
        let below = format!("{folder}/");
        let files = format!("{folder}/fd");
        let of_it =
            capture.places.range(below.clone()..).take_while(|(path, _)| path.starts_with(&below));
        let gone = |path: &str, place: &Place| {
            path == files
                && (matches!(place.names, Some(Ok(ref names)) if names.is_empty())
                    || matches!(place.kind, Some(Ok(Kind::Missing))))
        };
        let mut of_it = of_it.peekable();
        // One that was never looked at ended before, or is this program.
        let idle = of_it.all(|(path, place)| gone(path, place));
        if idle || Some(pid) == own {
            capture.places.retain(|path, _| *path != folder && !path.starts_with(&below));
            forget_name(capture, &folder);
        }
    }
}

/// A copy of a host can hold links in a ring, and names without end. They stay unknown.
fn leave_out_what_is_refused(capture: &mut Capture) {
    capture.places.retain(|path, _| place_of(path.trim_start_matches('/')).is_ok());
    let mut steps = 0;
    let mut bad = Vec::new();
    for (path, place) in &capture.places {
        let Some(Ok(Kind::Link(target))) = &place.kind else { continue };
        if check_target(path, target).is_err() || !comes_to_an_end(capture, path, &mut steps) {
            bad.push(path.clone());
        }
    }
    for path in bad {
        if let Some(place) = capture.places.get_mut(&path) {
            place.kind = Some(Err(link_loop()));
        }
    }
}

/// A host changes while it is read: of what vanished nothing below is told, and what came after its
/// folder was listed is in the list.
fn settle(capture: &mut Capture) {
    let mut gone = BTreeSet::new();
    let is_folder = |capture: &Capture, path: &str| {
        let kind = capture.places.get(path).and_then(|place| place.kind.as_ref());
        path.is_empty() || matches!(kind, None | Some(Ok(Kind::Folder)))
    };
    // In the order of names a folder comes before what it holds.
    let paths: Vec<String> = capture.places.keys().cloned().collect();
    for path in paths {
        let Some((folder, name)) = path.rsplit_once('/') else { continue };
        if gone.contains(folder) || !is_folder(capture, folder) {
            capture.places.remove(&path);
            gone.insert(path);
            continue;
        }
        let is_missing = matches!(capture.places[&path].kind, Some(Ok(Kind::Missing)));
        if is_missing || name.starts_with('.') || !capture.is_listed_without(&path) {
            continue;
        }
        if let Some(Ok(names)) = capture.places.get_mut(folder).and_then(|it| it.names.as_mut()) {
            names.push(name.to_owned());
            names.sort_unstable();
        }
    }
}

fn forget_name(capture: &mut Capture, path: &str) {
    let Some((folder, name)) = path.rsplit_once('/') else { return };
    if let Some(Ok(names)) = capture.places.get_mut(folder).and_then(|it| it.names.as_mut()) {
        names.retain(|it| it != name);
    }
}

fn write(manifest: &Manifest, members: &[(&str, Member)]) -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let text = serde_json::to_string_pretty(manifest)? + "\n";
    let mut header = header(EntryType::Regular, 0o644);
    header.set_size(text.len() as u64);
    tar.append_data(&mut header, NAME, text.as_bytes())?;
    for (path, member) in members {
        let path = path.trim_start_matches('/');
        match member {
            Member::Folder => {
                let mut header = self::header(EntryType::Directory, 0o755);
                tar.append_data(&mut header, format!("{path}/"), io::empty())?;
            }
            Member::Link(target) => {
                let mut header = self::header(EntryType::Symlink, 0o777);
                tar.append_link(&mut header, path, target)?;
            }
            Member::File(bytes, node) => {
                let mut header = self::header(EntryType::Regular, 0o444);
                header.set_size(bytes.len() as u64);
                if let Some(node) = node {
                    header.set_mode(node.mode);
                    header.set_uid(node.owner.into());
                    header.set_gid(node.group.into());
                }
                tar.append_data(&mut header, path, *bytes)?;
            }
        }
    }
    tar.into_inner()?.finish()
}

fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(0);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}
