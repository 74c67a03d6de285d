//! How the program ends.

use std::path::PathBuf;
use std::process::ExitCode;

use super::args::Format;
use crate::config::LimitError;
use crate::host::{Gap, RootError};
use crate::policy::Verdict;
use crate::source::OpenError;

/// A contract: scripts look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Ready; warnings and notes may stand.
    Ready = 0,
    Blocked = 1,
    /// Bad arguments, a configuration that cannot be read, no host.
    CouldNotRun = 2,
    Undetermined = 3,
}

/// Why the program could not run: one line, and exit 2.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Limit(#[from] LimitError),
    #[error(transparent)]
    Root(#[from] RootError),
    #[error("{command} has no format {format}: choose {allowed}", format = .format.as_str())]
    Format { command: &'static str, format: Format, allowed: String },
    #[error("there is no rule {word}{hint}; `ai-how rules` lists them all")]
    UnknownRule { word: String, hint: String },
    #[error(
        "--ignore {rule} needs a reason, which stands in all reports: --ignore {rule}=\"why it may be passed over\""
    )]
    NoReason { rule: String },
    #[error(
        "--{word} {rule}: its errors stay errors; of errors only {} can be ignored or made warnings",
        crate::rules::LENIENT
    )]
    Firm { word: &'static str, rule: String },
    #[error("{code} stands behind --{first} and behind --{second}: choose one")]
    TwoMinds { code: &'static str, first: &'static str, second: &'static str },
    #[error("there is no command {command}; `ai-how --help` lists them all")]
    NoPage { command: String },
    #[error("--as {name}: no such user is known: {why}")]
    NoUser { name: String, why: String },
    #[error("the PCI bus cannot be listed: {gap}")]
    NoBus { gap: Gap },
    #[error("a snapshot is no text for a terminal: name a file with -o FILE, or use --dry-run")]
    Terminal,
    #[error("SOURCE_DATE_EPOCH is {text:?}, and not a number of seconds")]
    Epoch { text: String },
    #[error("standard input can be the list of snapshots or the configuration, and not both")]
    InputTwice,
    #[error("no snapshot is named")]
    NoSnapshot,
    #[error("nothing to judge: {path}: {why}{more}")]
    NothingThere { path: String, why: String, more: String },
    #[error("more than {most} snapshots are named: judge them in several runs")]
    TooManySnapshots { most: usize },
    #[error("the list of snapshots cannot be read: {error}")]
    List { error: String },
    #[error("{path}: the program failed on it, which is a mistake in ai-how: please report it")]
    Failed { path: String },
    #[error("no thread could be started: {error}")]
    Thread { error: String },
    #[error("{path}: cannot be written: {error}", path = .path.display())]
    Write { path: PathBuf, error: String },
    #[error("{path}: not written over, as it is read in this run: name another file", path = .path.display())]
    IsRead { path: PathBuf },
    #[error("{path}: not written over, as it is there already and is no script of ai-how's: name another file", path = .path.display())]
    NoScript { path: PathBuf },
    #[error("{path}: named for the report and for a script: name another file", path = .path.display())]
    Twice { path: PathBuf },
    #[error("--fix-script needs the name of a file: FILE.undo is written beside it")]
    NoScriptName,
    #[error("{path}: the log cannot be written: {error}", path = .path.display())]
    Log { path: PathBuf, error: String },
    #[error("the output could not be made: {error}")]
    Serialize { error: String },
    #[error("the output could not be written: {error}")]
    Output { error: String },
}

impl CliError {
    pub fn unknown_rule(word: &str) -> Self {
        let meant = crate::rules::meant(word);
        let hint = meant.map(|word| format!(" (did you mean {word}?)")).unwrap_or_default();
        Self::UnknownRule { word: word.to_owned(), hint }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ready => Self::Ready,
            Verdict::Blocked => Self::Blocked,
            Verdict::Undetermined => Self::Undetermined,
        }
    }
}
