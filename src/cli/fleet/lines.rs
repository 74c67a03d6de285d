//! Lines that go out as they come.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

use crate::cli::args::Global;
use crate::cli::exit::CliError;
use crate::cli::output::{self, Staged};

/// To standard output or, with `--output`, to a file that takes its place when all is written.
pub enum Lines {
    Standard,
    Special(PathBuf, File),
    Staged(PathBuf, Staged, BufWriter<File>),
}

impl Lines {
    pub fn open(global: &Global) -> Result<Self, CliError> {
        let Some(path) = &global.output else { return Ok(Self::Standard) };
        if let Some(file) = output::open_special(path)? {
            return Ok(Self::Special(path.clone(), file));
        }
        let (staged, file) = Staged::begin(path, output::DOCUMENT)?;
        Ok(Self::Staged(path.clone(), staged, BufWriter::new(file)))
    }

    pub fn at_terminal(&self) -> bool {
        matches!(self, Self::Standard) && std::io::stdout().is_terminal()
    }

    /// False where nobody reads on, which is no error.
    pub fn put(&mut self, line: &str) -> Result<bool, CliError> {
        let line = line.as_bytes();
        let (path, written) = match self {
            Self::Standard => {
                let mut out = std::io::stdout().lock();
                (None, out.write_all(line).and_then(|()| out.flush()))
            }
            Self::Special(path, file) => (Some(path), file.write_all(line)),
            Self::Staged(path, _, file) => (Some(path), file.write_all(line)),
        };
        match (written, path) {
            (Ok(()), _) => Ok(true),
            (Err(error), _) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            (Err(error), Some(path)) => Err(output::unwritten(path, &error)),
            (Err(error), None) => Err(CliError::Output { error: error.to_string() }),
        }
    }

    pub fn end(self) -> Result<(), CliError> {
        let Self::Staged(path, staged, file) = self else { return Ok(()) };
        file.into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .map_err(|error| output::unwritten(&path, &error))?;
        staged.put()
    }
}
