//! `ai-how explain`

use super::args::{ExplainArgs, Format, Global};
use super::exit::{CliError, Exit};
use super::output;
use super::sandbox::Reach;
use crate::report::explain;
use crate::report::view::Rules;
use crate::rules;

pub fn run(args: &ExplainArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("explain", global, &[Format::Text, Format::Json])?;
    Reach::output(global).confine();
    let rule = rules::find(args.code.trim()).ok_or_else(|| CliError::unknown_rule(&args.code))?;
    let text = match global.format {
        Format::Json => output::json(&Rules::new([&rule]))?,
        _ => explain::terminal(rule, output::paint(global)),
    };
    output::write(global, &text)?;
    Ok(Exit::Ready)
}
