//! Whether the files that a run is to write may be written.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::args::{Global, ValidateArgs};
use super::exit::CliError;
use crate::report::script;
use crate::source;

/// Refuses to write over what the run reads, and scripts over what is none of ai-how's. Asked
/// before anything is read or written.
pub fn check(args: &ValidateArgs, global: &Global) -> Result<(), CliError> {
    if args.fix_script.as_deref() == Some(Path::new("-")) {
        return Err(CliError::NoScriptName);
    }
    let scripts = scripts(args);
    let inputs: Vec<PathBuf> = args
        .configs
        .iter()
        .flat_map(|path| [path.clone(), source::policy_beside(path)])
        .chain(global.root.clone())
        .filter_map(|path| real(&path))
        .collect();
    for target in scripts.iter().chain(&global.output) {
        if real(target).is_some_and(|target| inputs.contains(&target)) {
            return Err(CliError::IsRead { path: target.clone() });
        }
    }
    if let Some(path) = global.output.as_ref().filter(|path| scripts.contains(path)) {
        return Err(CliError::Twice { path: path.clone() });
    }
    match scripts.into_iter().find(|path| is_of_others(path)) {
        Some(path) => Err(CliError::NoScript { path }),
        None => Ok(()),
    }
}

/// The scripts that a run is to write.
pub fn scripts(args: &ValidateArgs) -> Vec<PathBuf> {
    args.fix_script.iter().flat_map(|path| [path.clone(), undo_of(path)]).collect()
}

/// Where what takes a script back stands.
pub fn undo_of(script: &Path) -> PathBuf {
    let mut name = OsString::from(script);
    name.push(".undo");
    name.into()
}

/// None where nothing is there.
#[expect(clippy::disallowed_methods, reason = "files of the command line are compared")]
fn real(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok()
}

/// Whether a file stands there that is neither empty nor a script of ai-how. What is no file, or
/// cannot be read, is told of when it is written.
#[expect(clippy::disallowed_methods, reason = "a file of the command line is looked at")]
fn is_of_others(path: &Path) -> bool {
    if !std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.len() > 0) {
        return false;
    }
    let mut start = Vec::new();
    let most = script::FIRST_WORDS.len() as u64;
    let read = std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut start));
    read.is_ok() && start != script::FIRST_WORDS.as_bytes()
}
