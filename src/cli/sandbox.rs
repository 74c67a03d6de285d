//! What the program takes from itself, so that a mistake in a reader of a stranger's bytes can do
//! little.
//!
//! From the start the kernel refuses what no command ever asks of it ([`calls`]): the network,
//! other programs, changes of owners and modes. Files are closed to it later ([`files`]), as who is
//! shut in may not look into other processes, which a host at work is asked for.

mod calls;
mod files;

use std::path::{Path, PathBuf};

use super::args::Global;
use super::progress;
use crate::host::{Root, Watch};

/// For every command, before it begins. Never an error: an old kernel refuses nothing.
pub fn forbid_calls() {
    match calls::forbid() {
        Ok(()) => tracing::info!("sandbox: no network, no other program (seccomp)"),
        Err(why) => tracing::info!("sandbox: system calls are not limited: {why}"),
    }
}

/// What the rest of a run opens.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reach {
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
}

impl Reach {
    /// Of a command that reads nothing.
    pub fn output(global: &Global) -> Self {
        Self::default().writing(global.output.iter())
    }

    /// Files that are put in their places by [`write_file`](super::output::write_file).
    pub fn writing<P: AsRef<Path>>(mut self, files: impl IntoIterator<Item = P>) -> Self {
        self.write.extend(files.into_iter().map(|file| file.as_ref().to_owned()));
        self
    }

    /// Files, and folders with all below them.
    pub fn reading<P: AsRef<Path>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.read.extend(paths.into_iter().map(|path| path.as_ref().to_owned()));
        self
    }

    /// Shuts the calling thread in, and those that it starts from now on: so before any is started.
    /// Never an error: an old kernel shuts nobody in. What does not exist yet can still be said not
    /// to exist.
    pub fn confine(self) {
        match files::confine(&self.read, &self.write) {
            Ok(how) => tracing::info!("sandbox: {how} (Landlock)"),
            Err(why) => tracing::info!("sandbox: files are not limited: {why}"),
        }
    }

    /// Shuts in at once where `--root` names a copy of a host; else only what is handed back does,
    /// once the host at work is read.
    pub fn confine_or_wait(self, global: &Global) -> Later {
        let root = global.root.as_deref();
        let is_alive = |watch: Option<&Watch>| Root::is_alive_at(root, watch);
        // Where a copy is dead, nothing was started yet that could say so.
        let alive = match root {
            None => true,
            Some(_) => progress::shown(global, "Reading the host", is_alive),
        };
        if alive {
            return Later(Some(self));
        }
        self.reading(root).confine();
        Later(None)
    }
}

/// What is left to be done once the host is read; nothing by default.
#[derive(Debug, Default)]
#[must_use = "a host at work was read, and the program is not shut in yet"]
pub struct Later(Option<Reach>);

impl Later {
    pub fn confine(self) {
        if let Some(reach) = self.0 {
            reach.confine();
        }
    }
}
