//! `ai-how rules`

use super::args::{Format, Global};
use super::exit::{CliError, Exit};
use super::output;
use super::sandbox::Reach;
use crate::report::view::Rules;
use crate::rules::ALL;

pub fn run(global: &Global) -> Result<Exit, CliError> {
    output::check_format("rules", global, &[Format::Text, Format::Json])?;
    Reach::output(global).confine();
    let text = match global.format {
        Format::Json => output::json(&Rules::new(ALL))?,
        _ => table(),
    };
    output::write(global, &text)?;
    Ok(Exit::Ready)
}

fn table() -> String {
    let severities = |rule: &crate::rules::Rule| {
        rule.severities.iter().map(|it| it.as_str()).collect::<Vec<_>>().join("/")
    };
    let line = |code: &str, severity: &str, name: &str| format!("{code:<7}{severity:<15}{name}\n");
    let rows: String =
        ALL.iter().map(|rule| line(rule.code, &severities(rule), rule.name)).collect();
    line("CODE", "SEVERITY", "NAME") + &rows + "`ai-how explain CODE` tells what each means.\n"
}
