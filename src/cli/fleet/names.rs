//! From the words of the command line to the hosts that they name.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::pattern;
use crate::cli::args::Global;
use crate::cli::exit::CliError;
use crate::host::Root;
use crate::source;

/// What one run takes: for each the kernel keeps a rule (`sandbox`).
const MOST: usize = 100_000;
/// Of a list on standard input, in bytes.
const LONGEST_LIST: u64 = 64 << 20;
const ENDING: &str = "snap";

/// A host to be judged.
#[derive(Debug)]
pub struct Named {
    pub path: PathBuf,
    /// Why nothing is there that could be one.
    pub why_not: Option<String>,
}

/// All hosts of a run.
#[derive(Default)]
pub struct Hosts {
    pub all: Vec<Named>,
    seen: BTreeSet<Id>,
}

/// Device and number of a file, which has as many names as anybody likes.
type Id = (u64, u64);

/// All hosts in the order of the words, each once; what names none stands among them with its
/// reason, unless that is all there is.
pub fn all(words: &[PathBuf]) -> Result<Hosts, CliError> {
    let mut hosts = Hosts::default();
    for word in words {
        if word == Path::new("-") {
            for path in listed(std::io::stdin().lock())? {
                hosts.add(Path::new(&path), false)?;
            }
        } else {
            hosts.add(word, true)?;
        }
    }
    let Some(first) = hosts.all.first() else { return Err(CliError::NoSnapshot) };
    match &first.why_not {
        Some(why) if hosts.all.iter().all(|it| it.why_not.is_some()) => {
            let more = hosts.all.len() - 1;
            Err(CliError::NothingThere {
                path: first.path.display().to_string(),
                why: why.clone(),
                more: if more > 0 {
                    format!(" (and {more} more like this)")
                } else {
                    String::new()
                },
            })
        }
        _ => Ok(hosts),
    }
}

/// Refuses to write over what the run reads.
#[expect(clippy::disallowed_methods, reason = "files of the command line are compared")]
pub fn check_output(global: &Global, hosts: &Hosts, configs: &[PathBuf]) -> Result<(), CliError> {
    let id_of = |path: &Path| std::fs::metadata(path).ok().map(|it| id(&it));
    let Some((path, target)) = global.output.as_ref().and_then(|it| Some((it, id_of(it)?))) else {
        return Ok(());
    };
    let beside = configs.iter().map(|path| source::policy_beside(path));
    let mut plans = configs.iter().cloned().chain(beside).filter_map(|path| id_of(&path));
    if plans.any(|it| it == target) || hosts.seen.contains(&target) {
        return Err(CliError::IsRead { path: path.clone() });
    }
    Ok(())
}

impl Hosts {
    /// What one word names; a list is made by a program, and holds no patterns.
    #[expect(clippy::disallowed_methods, reason = "what the command line names is looked for")]
    fn add(&mut self, word: &Path, may_be_pattern: bool) -> Result<(), CliError> {
        match std::fs::metadata(word) {
            Ok(it) if it.is_dir() && !is_host(word) => self.add_folder(word),
            Ok(it) => self.push(word, &it),
            Err(error) if error.kind() == ErrorKind::NotFound && may_be_pattern => {
                match word.to_str().filter(|word| word.contains(['*', '?', '['])) {
                    Some(pattern) => self.add_matches(word, pattern),
                    None => self.push_none(word, words(&error)),
                }
            }
            Err(error) => self.push_none(word, words(&error)),
        }
    }

    /// Its snapshots and hosts, by name.
    #[expect(clippy::disallowed_methods, reason = "what the command line names is looked for")]
    fn add_folder(&mut self, folder: &Path) -> Result<(), CliError> {
        let mut names: Vec<OsString> = Vec::new();
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.push_none(folder, words(&error)),
        };
        for entry in entries {
            match entry {
                Ok(entry) => names.push(entry.file_name()),
                Err(error) => return self.push_none(folder, words(&error)),
            }
            if names.len() > MOST {
                return Err(CliError::TooManySnapshots { most: MOST });
            }
        }
        names.sort_unstable();
        let mut found = false;
        for name in names.iter().filter(|name| !name.as_bytes().starts_with(b".")) {
            let path = folder.join(name);
            let is_snapshot = Path::new(name).extension() == Some(OsStr::new(ENDING));
            match std::fs::metadata(&path) {
                Ok(it) if it.is_dir() && !is_host(&path) => continue,
                Ok(it) if it.is_dir() || is_snapshot => self.push(&path, &it)?,
                Err(error) if is_snapshot || error.kind() != ErrorKind::NotFound => {
                    self.push_none(&path, words(&error))?;
                }
                _ => continue,
            }
            found = true;
        }
        if found {
            return Ok(());
        }
        let why = format!("a folder without snapshots (*.{ENDING}) and without hosts (sys/)");
        self.push_none(folder, why)
    }

    /// What the shell did not expand.
    fn add_matches(&mut self, word: &Path, pattern: &str) -> Result<(), CliError> {
        // It would follow every link, and the links of a host's sys/ go round in circles.
        if pattern.split('/').any(|part| part == "**") {
            let why = "** is not taken: find -name '*.snap' | ai-how fleet - looks deeper";
            return self.push_none(word, why.to_owned());
        }
        let matches = match pattern::matches(pattern) {
            Ok(matches) => matches,
            Err(error) => return self.push_none(word, format!("not a pattern: {}", error.msg)),
        };
        let mut found = false;
        for path in matches {
            match path {
                Ok(path) => self.add(&path, false)?,
                Err((folder, error)) => self.push_none(&folder, words(&error))?,
            }
            found = true;
        }
        if found {
            return Ok(());
        }
        self.push_none(word, "no file has a name like this".to_owned())
    }

    fn push(&mut self, path: &Path, found: &Metadata) -> Result<(), CliError> {
        if !self.seen.insert(id(found)) {
            return Ok(());
        }
        // Who judges a stranger's copies is shut in, and may not look into processes.
        if found.is_dir() && Root::is_alive_at(Some(path), None) {
            let why = "a host at work, and no copy of one: doctor and validate judge it";
            return self.push_none(path, why.to_owned());
        }
        self.put(Named { path: path.to_owned(), why_not: None })
    }

    fn push_none(&mut self, path: &Path, why: String) -> Result<(), CliError> {
        self.put(Named { path: path.to_owned(), why_not: Some(why) })
    }

    fn put(&mut self, host: Named) -> Result<(), CliError> {
        if self.all.len() == MOST {
            return Err(CliError::TooManySnapshots { most: MOST });
        }
        self.all.push(host);
        Ok(())
    }
}

fn id(found: &Metadata) -> Id {
    (found.dev(), found.ino())
}

#[expect(clippy::disallowed_methods, reason = "what the command line names is looked for")]
fn is_host(folder: &Path) -> bool {
    // One that may not be looked into may be a host, and is told of as one that cannot be read.
    std::fs::metadata(folder.join("sys")).map_or_else(
        |error| !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        |it| it.is_dir(),
    )
}

/// The paths of a list: one a line or, where there is a zero byte, each ended by one, as no path has
/// one in it (`find -print0`).
fn listed(from: impl Read) -> Result<Vec<OsString>, CliError> {
    let failed = |error: String| CliError::List { error };
    let mut bytes = Vec::new();
    let read = from.take(LONGEST_LIST + 1).read_to_end(&mut bytes);
    read.map_err(|error| failed(words(&error)))?;
    if bytes.len() as u64 > LONGEST_LIST {
        return Err(failed(format!("it is longer than {} MiB", LONGEST_LIST >> 20)));
    }
    let has_zeros = bytes.contains(&0);
    let end = if has_zeros { 0 } else { b'\n' };
    let paths = bytes.split(|byte| *byte == end).map(|path| match path.strip_suffix(b"\r") {
        Some(line) if !has_zeros => line,
        _ => path,
    });
    let paths = paths.filter(|path| !path.is_empty());
    Ok(paths.map(|path| OsStr::from_bytes(path).to_owned()).collect())
}

/// Without the number, as all other messages are.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
