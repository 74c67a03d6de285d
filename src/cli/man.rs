//! `ai-how man`

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::args::{Cli, Format, Global, ManArgs};
use super::exit::{CliError, Exit};
use super::output;
use super::sandbox::Reach;

pub fn run(args: &ManArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("man", global, &[Format::Text])?;
    // Of the folder of all pages: one name in it stands for all.
    let pages = args.all.as_ref().map(|folder| folder.join("ai-how.1"));
    Reach::output(global).writing(pages).confine();
    let mut program = Cli::command();
    // Fills in the names of commands and the global options.
    program.build();
    if let Some(folder) = &args.all {
        write_all(&program, folder)?;
        return Ok(Exit::Ready);
    }
    let mut command = &program;
    for word in &args.command {
        let unknown = || CliError::NoPage { command: args.command.join(" ") };
        command = command.find_subcommand(word).ok_or_else(unknown)?;
    }
    output::write_bytes(global, &page(command)?)?;
    Ok(Exit::Ready)
}

/// `ai-how.1`, `ai-how-validate.1` and so on.
fn write_all(command: &Command, folder: &Path) -> Result<(), CliError> {
    let file = folder.join(format!("{}.1", name(command)));
    output::write_file(&file, &page(command)?)?;
    command.get_subcommands().try_for_each(|below| write_all(below, folder))
}

fn page(command: &Command) -> Result<Vec<u8>, CliError> {
    let version = concat!("ai-how ", env!("CARGO_PKG_VERSION"));
    // A date would make every build another page.
    let man = Man::new(command.clone())
        .title(name(command).to_uppercase())
        .date("")
        .source(version)
        .manual("ai-how");
    let mut page = Vec::new();
    man.render(&mut page).map_err(|error| CliError::Serialize { error: error.to_string() })?;
    Ok(page)
}

fn name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}
