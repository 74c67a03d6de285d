//! Comments that speak to this program: `# ai-how: ignore AH301 the audio function stays`.

use super::directive::{Action, Covers, Directive};
use super::suggest::closest;
use super::{Problem, ProblemKind, yaml};
use crate::source::{Source, Span};

const CALL: &str = "ai-how:";
const WORDS: [&str; 3] = ["ignore", "warn", "error"];
const FORM: &str = "write `# ai-how: ignore CODE why it may be passed over`";

/// All of a text: those that are understood, and what is wrong with the others.
pub(super) fn read(file: usize, source: &Source) -> (Vec<Directive>, Vec<Problem>) {
    let (mut directives, mut problems) = (Vec::new(), Vec::new());
    // Most texts have none, and are read once.
    if !source.text.contains(CALL) {
        return (directives, problems);
    }
    for place in yaml::comments(file, source) {
        let text = source.text[place.start..place.end].trim_start_matches('#').trim();
        let Some(said) = text.strip_prefix(CALL) else { continue };
        match directive(said, place, line_meant(source, place)) {
            Ok(directive) => directives.push(directive),
            Err(problem) => problems.push(*problem),
        }
    }
    (directives, problems)
}

fn directive(said: &str, place: Span, line: Span) -> Result<Directive, Box<Problem>> {
    let (word, rest) = first_word(said);
    let (rule, reason) = first_word(rest);
    let rule = rule.trim_end_matches([':', ',', ';']).to_owned();
    let problem = |message: String, help: Option<String>| {
        let help = help.into_iter().chain([FORM.to_owned()]).collect();
        Box::new(Problem::new(ProblemKind::Directive, message, place).with_help(help))
    };
    let action = match word {
        "ignore" => Action::Ignore { reason: reason.to_owned() },
        "warn" => Action::Warn,
        "error" => Action::Error,
        "" => return Err(problem("this comment asks ai-how for nothing".to_owned(), None)),
        other => {
            let meant = closest(other, WORDS.into_iter());
            let help = meant.map(|word| format!("did you mean `{word}`?"));
            let word = super::leaf::cut(other);
            return Err(problem(format!("`{word}` is none of {}", WORDS.join(", ")), help));
        }
    };
    if rule.is_empty() {
        return Err(problem(format!("`{word}` names no rule"), None));
    }
    if matches!(&action, Action::Ignore { reason } if reason.is_empty()) {
        let rule = super::leaf::cut(&rule);
        return Err(problem(format!("`ignore {rule}` gives no reason"), None));
    }
    Ok(Directive { action, rule, place: Some(place), covers: Covers::Line(line) })
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

/// The line of a comment; of one that stands alone, or behind the dash of an entry, the next that
/// holds more than a comment.
fn line_meant(source: &Source, comment: Span) -> Span {
    let mut start = source.text[..comment.start].rfind('\n').map_or(0, |end| end + 1);
    for line in source.text[start..].split_inclusive('\n') {
        let end = start + line.len();
        let text = line.trim_start_matches('\u{feff}').trim();
        let text = text.trim_start_matches(['-', ' ']);
        if !text.is_empty() && !text.starts_with('#') {
            return Span::new(comment.file, start, end);
        }
        start = end;
    }
    Span::new(comment.file, start, start)
}
