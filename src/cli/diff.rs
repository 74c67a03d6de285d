//! `ai-how diff`

use super::args::{DiffArgs, Format, Global};
use super::exit::{CliError, Exit};
use super::output;
use super::validate::{open_root, read_root};
use crate::changes::{Answer, Changes};
use crate::host::{Devices, Host, Need, Root};
use crate::report::diff::{self, DiffView};

pub fn run(args: &DiffArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("diff", global, &[Format::Text, Format::Json])?;
    let need = Need { devices: Devices::All, all_groups: true, details: true, ..Need::default() };
    let before = Root::open(Some(&args.before))?;
    let after = match &args.after {
        Some(after) => Root::open(Some(after))?,
        None => open_root(global)?,
    };
    // A snapshot holds stand-ins, with which only stand-ins can be compared.
    let stand_ins = before.is_snapshot() || after.is_snapshot();
    let before = read(before, global, stand_ins, &need)?;
    let after = read(after, global, stand_ins, &need)?;
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

fn read(root: Root, global: &Global, stand_ins: bool, need: &Need) -> Result<Host, CliError> {
    read_root(if stand_ins { root.with_stand_ins() } else { root }, global, need)
}
