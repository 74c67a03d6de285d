//! `ai-how explain`

use super::args::{ExplainArgs, Format, Global};
use super::exit::{CliError, Exit};
use super::output;
use crate::report::explain;
use crate::report::view::Rules;
use crate::rules::{self, Rule};

pub fn run(args: &ExplainArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("explain", global, &[Format::Text, Format::Json])?;
    let rule = rules::find(args.code.trim()).ok_or_else(|| unknown(&args.code))?;
    let text = match global.format {
        Format::Json => output::json(&Rules::new([&rule]))?,
        _ => explain::terminal(rule, output::paint(global)),
    };
    output::write(global, &text)?;
    Ok(Exit::Ready)
}

fn unknown(word: &str) -> CliError {
    let typed = word.to_ascii_lowercase();
    let words = rules::ALL
        .iter()
        .flat_map(|rule: &&Rule| [rule.code.to_ascii_lowercase(), rule.name.to_owned()]);
    let near = words.map(|word| (strsim::damerau_levenshtein(&word, &typed), word)).min();
    let hint = match near {
        Some((distance, word)) if distance <= 2 => format!(" (did you mean {word}?)"),
        _ => String::new(),
    };
    CliError::UnknownRule { word: word.to_owned(), hint }
}
