//! Where results and complaints go.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::args::{Color, Format, Global};
use super::exit::{CliError, Exit};
use crate::report::paint::{Paint, escaped};

/// Refuses a format that a command lacks.
pub fn check_format(
    command: &'static str,
    global: &Global,
    allowed: &[Format],
) -> Result<(), CliError> {
    if allowed.contains(&global.format) {
        return Ok(());
    }
    let words: Vec<&str> = allowed.iter().map(|format| format.as_str()).collect();
    Err(CliError::Format { command, format: global.format, allowed: words.join(", ") })
}

/// Writes a result: to the file named, through one beside it that then takes its place; else to
/// standard output, where a reader that has gone away is no error.
pub fn write(global: &Global, text: &str) -> Result<(), CliError> {
    write_bytes(global, text.as_bytes())
}

/// The same of what is no text.
pub fn write_bytes(global: &Global, bytes: &[u8]) -> Result<(), CliError> {
    match &global.output {
        Some(path) => write_file(path, bytes),
        None => {
            match std::io::stdout().lock().write_all(bytes).and_then(|()| std::io::stdout().flush())
            {
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    Err(CliError::Output { error: error.to_string() })
                }
                _ => Ok(()),
            }
        }
    }
}

pub fn json(value: &impl Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n").map_err(|error| CliError::Serialize { error: error.to_string() })
}

pub fn json_lines<T: Serialize>(values: impl IntoIterator<Item = T>) -> Result<String, CliError> {
    let mut text = String::new();
    for value in values {
        text += &serde_json::to_string(&value)
            .map_err(|error| CliError::Serialize { error: error.to_string() })?;
        text.push('\n');
    }
    Ok(text)
}

/// What the place of output takes. `NO_COLOR` and `CLICOLOR_FORCE` as on no-color.org and
/// bixense.com/clicolors.
pub fn paint(global: &Global) -> Paint {
    let terminal = global.output.is_none() && std::io::stdout().is_terminal();
    let set =
        |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    let colour = match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) => false,
        Color::Auto => {
            set("CLICOLOR_FORCE")
                || (terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"))
        }
    };
    Paint {
        colour,
        unicode: terminal && locale_is_utf8(),
        width: terminal.then(width),
        rules_page: if terminal && shows_links() { rules_page() } else { None },
    }
}

/// Where the page of all rules stands: whoever packages the program, or runs it, tells.
fn rules_page() -> Option<&'static str> {
    let told = std::env::var("AI_HOW_DOCS_URL").ok();
    let built_in = || option_env!("AI_HOW_DOCS_URL").map(str::to_owned);
    let page = told.or_else(built_in)?;
    let known = ["https://", "http://", "file://"].iter().any(|scheme| page.starts_with(scheme));
    // An address is put between control characters, so it may hold none.
    (known && page.bytes().all(|byte| byte.is_ascii_graphic())).then(|| &*page.leak())
}

/// Terminals that show links (OSC 8) say who they are; what they say is all that can be known.
fn shows_links() -> bool {
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    if let Ok(forced) = std::env::var("FORCE_HYPERLINK") {
        return forced != "0";
    }
    let vte = of("VTE_VERSION").parse::<u32>().is_ok_and(|version| version >= 5000);
    let program = of("TERM_PROGRAM");
    let term = of("TERM");
    vte || ["KONSOLE_VERSION", "WT_SESSION", "DOMTERM"].iter().any(|name| !of(name).is_empty())
        || ["iTerm.app", "WezTerm", "vscode", "ghostty"].contains(&program.as_str())
        || ["xterm-kitty", "xterm-ghostty", "alacritty", "foot"].contains(&term.as_str())
}

/// Says in one line why the program could not run.
#[expect(clippy::print_stderr, reason = "the command line is the floor that prints")]
pub fn complain(error: &CliError) {
    eprintln!("ai-how: {}", escaped(&error.to_string()));
}

/// Help and version are results; anything else is bad arguments, told in one line.
#[expect(clippy::print_stderr, reason = "the command line is the floor that prints")]
pub fn print_early(early: &clap::Error) -> Exit {
    if !early.use_stderr() {
        // A reader that has gone away is no error.
        let _ = early.print();
        return Exit::Ready;
    }
    let rendered = early.render().to_string();
    let lines = rendered.lines().map(str::trim).filter(|line| !line.is_empty());
    let said = lines.take_while(|line| {
        !line.starts_with("Usage:") && !line.starts_with("For more information")
    });
    let line = said.collect::<Vec<_>>().join(" ");
    let line = line.trim_start_matches("error: ");
    let line = if early.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        "a command is missing: validate, inventory, doctor, fleet, snapshot, diff, explain, rules, schema, completions or man"
    } else {
        line
    };
    eprintln!("ai-how: {} (see ai-how --help)", escaped(line));
    Exit::CouldNotRun
}

/// A device, a pipe or an open file of the program's own (`/dev/stdout`) cannot be replaced, and is
/// written as it is; none where it is none of them.
#[expect(clippy::disallowed_methods, reason = "the command line writes --output")]
pub fn open_special(path: &Path) -> Result<Option<std::fs::File>, CliError> {
    if !is_special(path) {
        return Ok(None);
    }
    let file = OpenOptions::new().append(true).open(path);
    file.map(Some).map_err(|error| unwritten(path, &error))
}

#[expect(clippy::disallowed_methods, reason = "the command line writes --output")]
pub fn is_special(path: &Path) -> bool {
    // Its link in /proc leads to a file that is open already, and whose name is no matter.
    let is_open = |path: &Path| path.parent().is_some_and(|it| it.starts_with("/proc"));
    let leads_there = || std::fs::read_link(path).is_ok_and(|target| is_open(&target));
    let in_fd = || {
        path.parent()
            .and_then(|it| it.canonicalize().ok())
            .is_some_and(|it| it.starts_with("/proc"))
    };
    std::fs::metadata(path).is_ok_and(|it| !it.is_file() || leads_there() || in_fd())
}

/// The file that is replaced: where links lead, since they stay.
#[expect(clippy::disallowed_methods, reason = "the command line writes --output")]
pub fn place_of(path: &Path) -> PathBuf {
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
    let place = if is_link { std::fs::canonicalize(path).ok() } else { None };
    place.unwrap_or_else(|| path.to_owned())
}

pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    if let Some(mut file) = open_special(path)? {
        return file.write_all(bytes).map_err(|error| unwritten(path, &error));
    }
    Staged::new(path, bytes, DOCUMENT)?.put()
}

/// A file that is written beside the place that it is then to take.
#[derive(Debug)]
pub struct Staged {
    place: PathBuf,
    beside: PathBuf,
}

/// Modes, less what the caller's mask takes away.
pub const DOCUMENT: u32 = 0o666;
pub const PROGRAM: u32 = 0o700;

#[expect(clippy::disallowed_methods, reason = "the command line writes files")]
impl Staged {
    pub fn new(path: &Path, bytes: &[u8], mode: u32) -> Result<Self, CliError> {
        let (staged, mut file) = Self::begin(path, mode)?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .map_err(|error| unwritten(path, &error))?;
        Ok(staged)
    }

    /// With the file to be written, for what comes bit by bit.
    pub fn begin(path: &Path, mode: u32) -> Result<(Self, std::fs::File), CliError> {
        let failed = |error: std::io::Error| unwritten(path, &error);
        let place = place_of(path);
        let Some(name) = place.file_name() else {
            return Err(failed(std::io::ErrorKind::InvalidFilename.into()));
        };
        if std::fs::metadata(path).is_ok_and(|it| !it.is_file()) {
            return Err(failed(std::io::Error::other("it is no file that could be replaced")));
        }
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.tmp", std::process::id()));
        // Who may not read a document may not read the next one either.
        let before = std::fs::metadata(&place).map_or(mode, |it| it.permissions().mode());
        let mode = if mode == DOCUMENT { mode & before } else { mode };
        let beside = place.with_file_name(beside);
        let staged = Self { place, beside };
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&staged.beside);
        Ok((staged, file.map_err(failed)?))
    }

    pub fn put(self) -> Result<(), CliError> {
        std::fs::rename(&self.beside, &self.place).map_err(|error| unwritten(&self.place, &error))
    }
}

/// One that was not put leaves nothing behind.
impl Drop for Staged {
    #[expect(clippy::disallowed_methods, reason = "the command line writes files")]
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.beside);
    }
}

pub fn unwritten(path: &Path, error: &std::io::Error) -> CliError {
    CliError::Write { path: path.to_owned(), error: words(error) }
}

/// Without the number, as all other messages are.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

fn locale_is_utf8() -> bool {
    let first = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty());
    first.is_some_and(|value| {
        let value = value.to_string_lossy().to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns >= 20).unwrap_or(80)
}
