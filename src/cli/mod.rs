//! The command line: a file a command.
//!
//! *Invariant:* only this floor prints, writes files and ends the program.

pub mod args;
mod completions;
mod diff;
mod directives;
mod doctor;
mod exit;
mod explain;
mod fleet;
mod inventory;
mod logging;
mod man;
mod output;
mod progress;
mod rules;
mod sandbox;
pub mod schema;
mod snapshot;
mod targets;
mod validate;

use std::process::ExitCode;

use args::{Command, InventoryOf};
use exit::Exit;

/// Runs the program on its arguments and environment.
pub fn run() -> ExitCode {
    if completions::asked_for() {
        return completions::answer().into();
    }
    let cli = match args::parse() {
        Ok(cli) => cli,
        Err(early) => return output::print_early(&early).into(),
    };
    let started = logging::start(&cli.global);
    sandbox::forbid_calls();
    let exit = started.and_then(|()| match &cli.command {
        Command::Validate(args) => validate::run(args, &cli.global),
        Command::Inventory(InventoryOf::Pcie(args)) => inventory::pcie(args, &cli.global),
        Command::Inventory(InventoryOf::Gpu(args)) => inventory::gpu(args, &cli.global),
        Command::Doctor(args) => doctor::run(args, &cli.global),
        Command::Fleet(args) => fleet::run(args, &cli.global),
        Command::Diff(args) => diff::run(args, &cli.global),
        Command::Snapshot(args) => snapshot::run(args, &cli.global),
        Command::Explain(args) => explain::run(args, &cli.global),
        Command::Rules => rules::run(&cli.global),
        Command::Schema(args) => schema::run(args, &cli.global),
        Command::Completions(args) => completions::run(args, &cli.global),
        Command::Man(args) => man::run(args, &cli.global),
    });
    exit.unwrap_or_else(|error| {
        output::complain(&error);
        Exit::CouldNotRun
    })
    .into()
}
