//! `ai-how diff`

use super::args::{DiffArgs, Format, Global};
use super::exit::{CliError, Exit};
use super::output;
use super::progress;
use super::sandbox::Reach;
use super::validate::read_root;
use crate::changes::{Answer, Changes};
use crate::host::{Devices, Need, Root};
use crate::report::diff::{self, DiffView};

const WORDS: &str = "Reading the hosts";

pub fn run(args: &DiffArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("diff", global, &[Format::Text, Format::Json])?;
    let need = Need { devices: Devices::All, all_groups: true, details: true, ..Need::default() };
    let before = Some(args.before.as_path());
    let after = args.after.as_deref().or(global.root.as_deref());
    let ([before_lives, after_lives], stand_ins) = progress::shown(global, WORDS, |watch| {
        let lives = [before, after].map(|path| Root::is_alive_at(path, watch));
        // A snapshot holds stand-ins, with which only stand-ins can be compared.
        (lives, Root::is_snapshot_at(before, watch) || Root::is_snapshot_at(after, watch))
    });
    let read = |path| {
        progress::shown(global, WORDS, |watch| {
            let root = Root::open_watched(path, watch)?;
            read_root(if stand_ins { root.with_stand_ins() } else { root }, global, &need)
        })
    };
    // A host at work cannot be read as a whole by who is shut in, and a copy may be a stranger's.
    let before_alive = before_lives.then(|| read(before)).transpose()?;
    let after_alive = after_lives.then(|| read(after)).transpose()?;
    let copies = [(before, before_lives), (after, after_lives)];
    let copies = copies.into_iter().filter(|(_, lives)| !lives).filter_map(|(path, _)| path);
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
