//! `ai-how diff`

use std::path::Path;

use super::args::{DiffArgs, Format, Global};
use super::exit::{CliError, Exit};
use super::output;
use super::validate::read_host;
use crate::changes::{Answer, Changes};
use crate::host::{Devices, Host, Need, Root};
use crate::report::diff::{self, DiffView};

pub fn run(args: &DiffArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("diff", global, &[Format::Text, Format::Json])?;
    let need = Need { devices: Devices::All, all_groups: true, details: true, ..Need::default() };
    let before = read(&args.before, global, &need)?;
    let after = match &args.after {
        Some(after) => read(after, global, &need)?,
        None => read_host(global, &need)?,
    };
    let changes = Changes::between(&before, &after);
    let result = match global.format {
        Format::Json => output::json(&DiffView::new(&changes, &before, &after))?,
        _ => diff::text(&changes, &before, &after, output::paint(global), global.quiet),
    };
    output::write(global, &result)?;
    Ok(match changes.answer() {
        Answer::Same => Exit::Ready,
        Answer::Different => Exit::Blocked,
        Answer::Undetermined => Exit::Undetermined,
    })
}

fn read(path: &Path, global: &Global, need: &Need) -> Result<Host, CliError> {
    let root = Root::open(Some(path))?;
    let root = if global.stand_ins { root.with_stand_ins() } else { root };
    Ok(Host::read(&root, need))
}
