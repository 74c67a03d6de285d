//! `--ignore`, `--warn` and `--error`.

use std::collections::BTreeMap;

use super::args::DirectiveArgs;
use super::exit::CliError;
use crate::config::{Action, Covers, Directive};
use crate::rules;

/// What the command line says of single rules; what it cannot ask for is refused.
pub fn read(args: &DirectiveArgs) -> Result<Vec<Directive>, CliError> {
    let mut directives = Vec::new();
    for argument in &args.ignore {
        let (rule, reason) = argument.split_once('=').unwrap_or((argument, ""));
        if reason.trim().is_empty() {
            // An unknown rule is the nearer mistake.
            rules::find(rule.trim()).ok_or_else(|| CliError::unknown_rule(rule))?;
            return Err(CliError::NoReason { rule: rule.to_owned() });
        }
        let action = Action::Ignore { reason: reason.trim().to_owned() };
        directives.push(directive(action, rule)?);
    }
    for rule in &args.warn {
        directives.push(directive(Action::Warn, rule)?);
    }
    for rule in &args.error {
        directives.push(directive(Action::Error, rule)?);
    }
    of_one_mind(&directives)?;
    Ok(directives)
}

fn directive(action: Action, word: &str) -> Result<Directive, CliError> {
    let rule = rules::find(word.trim()).ok_or_else(|| CliError::unknown_rule(word))?;
    if rule.is_firm() && action != Action::Error {
        return Err(CliError::Firm { word: action.word(), rule: word.to_owned() });
    }
    Ok(Directive { action, rule: rule.code.to_owned(), place: None, covers: Covers::Everything })
}

fn of_one_mind(directives: &[Directive]) -> Result<(), CliError> {
    let mut said: BTreeMap<&'static str, &'static str> = BTreeMap::new();
    for directive in directives {
        let Some(rule) = rules::find(&directive.rule) else { continue };
        let second = directive.action.word();
        let first = *said.entry(rule.code).or_insert(second);
        if first != second {
            return Err(CliError::TwoMinds { code: rule.code, first, second });
        }
    }
    Ok(())
}
