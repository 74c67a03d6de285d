//! A host in one file: what the readers were given, as a gzip-compressed tar with a manifest.
//!
//! *Invariant:* there is no list of files here. What is packed is what the root handed out
//! ([`Capture`]), and what is replayed is answered from the same.

mod complete;
mod limits;
mod manifest;
mod names;
mod pack;
mod tape;
mod unpack;

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

pub use limits::SnapshotError;
pub use manifest::Manifest;
pub use pack::{Packed, pack};

use super::device::DEVICES;
use super::locking::Locking;
use super::root::{Capture, Root, Source, Watch};
use super::{Host, Need};

/// A snapshot that is read like a host.
pub struct Replay {
    pub path: PathBuf,
    pub capture: Capture,
    pub source: Source,
    /// What `uname -m` said.
    pub machine: Option<String>,
    pub locking: Option<Locking>,
}

/// The file of a snapshot, each read of which can hang.
struct Watched<'a> {
    file: File,
    path: &'a Path,
    watch: Option<&'a Watch>,
}

/// What the packer says of itself.
#[derive(Debug, Clone)]
pub struct Made {
    /// As RFC 3339 writes it, in UTC.
    pub time: String,
    /// `driver_override` too, which can hang.
    pub driver_override: bool,
}

impl Replay {
    pub fn open(file: OwnedFd, path: &Path, watch: Option<&Watch>) -> Result<Self, SnapshotError> {
        Self::read(Watched { file: File::from(file), path, watch }, path)
    }

    /// Nothing is written, and what is held in memory is bounded by [`limits`].
    pub fn read(archive: impl Read, path: &Path) -> Result<Self, SnapshotError> {
        let (manifest, capture) = unpack::unpack(archive)?;
        let Manifest { source, machine, locking, .. } = manifest;
        Ok(Self { path: path.to_owned(), capture, source, machine, locking })
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let _turn = self.watch.map(|watch| watch.begin("", &[&self.path.to_string_lossy()]));
        self.file.read(buffer)
    }
}

/// Reads everything that any command asks for, and packs it.
pub fn take(root: Root, made: &Made) -> std::io::Result<Packed> {
    let root = root.with_stand_ins().capturing();
    let host = Host::read(&root, &Need::everything());
    if made.driver_override {
        // Last: a driver that is stuck holds it up for ever.
        for address in host.bus.known().ok().flatten().into_iter().flatten() {
            root.text(&format!("{DEVICES}/{address}/driver_override").into());
        }
    }
    let kernel = host.release.known().ok().flatten().map(|release| release.text.clone());
    pack(&root, kernel, made)
}

#[cfg(test)]
mod tests;
