//! `ai-how diff`

use super::args::{DiffArgs, Format, Global};
use super::exit::{CliError, Exit};
use super::output;
use super::sandbox::Reach;
use super::validate::read_root;
use crate::changes::{Answer, Changes};
use crate::host::{Devices, Need, Root};
use crate::report::diff::{self, DiffView};

pub fn run(args: &DiffArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("diff", global, &[Format::Text, Format::Json])?;
    let need = Need { devices: Devices::All, all_groups: true, details: true, ..Need::default() };
    let before = Some(args.before.as_path());
    let after = args.after.as_deref().or(global.root.as_deref());
    // A snapshot holds stand-ins, with which only stand-ins can be compared.
    let stand_ins = Root::is_snapshot_at(before) || Root::is_snapshot_at(after);
    let read = |path| {
        let root = Root::open(path)?;
        read_root(if stand_ins { root.with_stand_ins() } else { root }, global, &need)
    };
    // A host at work cannot be read as a whole by who is shut in, and a copy may be a stranger's.
    let alive = |path| Root::is_alive_at(path).then(|| read(path)).transpose();
    let (before_alive, after_alive) = (alive(before)?, alive(after)?);
    let copies = [before, after].into_iter().filter(|path| !Root::is_alive_at(*path)).flatten();
    Reach::output(global).reading(copies).confine();
    let before = before_alive.map_or_else(|| read(before), Ok)?;
    let after = after_alive.map_or_else(|| read(after), Ok)?;
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
