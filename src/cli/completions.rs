//! `ai-how completions`, and what a shell asks for while somebody types.
//!
//! The script that a shell is given asks this program for candidates, so that codes and devices
//! are those of this program and of this host.

use clap::CommandFactory;
use clap_complete::CompletionCandidate;
use clap_complete::env::{Bash, CompleteEnv, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use super::args::{Cli, CompletionsArgs, Format, Global, Shell};
use super::exit::{CliError, Exit};
use super::output;
use super::sandbox::{self, Reach};
use crate::host::{Devices, Host, Need, Root};
use crate::rules::ALL;

/// Set by the script; a name of our own, since others use `COMPLETE` for theirs.
const VARIABLE: &str = "AI_HOW_COMPLETE";

pub fn run(args: &CompletionsArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("completions", global, &[Format::Text])?;
    Reach::output(global).confine();
    let shell: &dyn EnvCompleter = match args.shell {
        Shell::Bash => &Bash,
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
        Shell::Zsh => &Zsh,
    };
    let name = env!("CARGO_PKG_NAME");
    let mut script = Vec::new();
    shell
        .write_registration(VARIABLE, name, name, name, &mut script)
        .map_err(|error| CliError::Serialize { error: error.to_string() })?;
    if args.shell == Shell::Bash {
        // Bash takes a colon for the end of a word, and addresses are full of them.
        script.extend_from_slice(b"COMP_WORDBREAKS=${COMP_WORDBREAKS//:}\n");
    }
    output::write_bytes(global, &script)?;
    Ok(Exit::Ready)
}

/// Whether a shell asks, rather than a person.
pub fn asked_for() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|shell| !shell.is_empty() && shell != "0")
}

/// Tells the shell the candidates for what is typed.
pub fn answer() -> Exit {
    // Files anywhere are offered.
    sandbox::forbid_calls();
    Reach::default().reading(["/"]).confine();
    let folder = std::env::current_dir().ok();
    let answer = CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .try_complete(std::env::args_os(), folder.as_deref());
    match answer {
        Ok(_) => Exit::Ready,
        Err(error) => output::print_early(&error),
    }
}

/// Codes of all rules, with their names.
pub fn codes() -> Vec<CompletionCandidate> {
    ALL.iter()
        .map(|rule| CompletionCandidate::new(rule.code).help(Some(rule.name.into())))
        .collect()
}

/// Addresses of this host's functions.
pub fn addresses() -> Vec<CompletionCandidate> {
    let host = host(Devices::Wanted(Vec::new()));
    let bus = host.iter().filter_map(|host| host.bus.known().ok().flatten()).flatten();
    bus.map(|address| CompletionCandidate::new(address.to_string())).collect()
}

/// Numbers of this host's IOMMU groups.
pub fn groups() -> Vec<CompletionCandidate> {
    let host = host(Devices::All);
    let groups = host.iter().flat_map(|host| host.groups.keys());
    groups.map(|group| CompletionCandidate::new(group.to_string())).collect()
}

/// Drivers of this host's functions.
pub fn drivers() -> Vec<CompletionCandidate> {
    let host = host(Devices::All);
    let devices = host.iter().flat_map(|host| host.devices.values());
    let bound = devices.filter_map(|it| it.driver.known().ok().flatten());
    let names: std::collections::BTreeSet<&String> = bound.collect();
    let none = CompletionCandidate::new("none");
    names.into_iter().map(CompletionCandidate::new).chain([none]).collect()
}

/// That of `AI_HOW_ROOT`, else this one; none where it cannot be read: nobody wants to see an
/// error while typing.
fn host(devices: Devices) -> Option<Host> {
    let root = std::env::var_os("AI_HOW_ROOT").filter(|root| !root.is_empty());
    let root = Root::open(root.as_deref().map(std::path::Path::new)).ok()?;
    Some(Host::read(&root, &Need { devices, ..Need::default() }))
}
