//! Variables in values: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, and `$$` for a dollar.
//!
//! One value at a time, before its type is asked for, so a plain `${ON:-true}` is a boolean. As
//! in a shell, a colon treats an empty variable like an unset one.

use std::borrow::Cow;

/// Why a value with a variable has none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum VariableError {
    #[error("the variable `{name}` is not set")]
    Unset { name: String },
    #[error("the variable `{name}` is not set: {message}")]
    Required { name: String, message: String },
    #[error("`${{` is not closed with `}}`")]
    Unclosed,
    #[error("`${{{inside}}}` names no variable")]
    Name { inside: String },
    #[error("`${{{inside}}}` holds another variable, which is not read")]
    Nested { inside: String },
}

impl VariableError {
    /// What to do about it.
    pub(super) fn help(&self) -> String {
        match self {
            Self::Unset { name } | Self::Required { name, .. } => {
                format!("set {name} in the environment, or give a default: `${{{name}:-default}}`")
            }
            Self::Unclosed | Self::Name { .. } | Self::Nested { .. } => {
                "write `${NAME}`, `${NAME:-default}` or `${NAME:?message}`; `$$` for a dollar"
                    .to_owned()
            }
        }
    }
}

/// The text with its variables replaced.
pub(super) fn expand<'a>(
    text: &'a str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Cow<'a, str>, VariableError> {
    let Some(first) = text.find('$') else {
        return Ok(Cow::Borrowed(text));
    };
    let (before, mut rest) = text.split_at(first);
    let mut out = before.to_owned();
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let (inside, after) = after.split_once('}').ok_or(VariableError::Unclosed)?;
            out.push_str(&value(inside, env)?);
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// What `${inside}` stands for.
fn value(inside: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, VariableError> {
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
    let (name, rest) = inside.split_at(end);
    let (colon, operator) = match rest.strip_prefix(':') {
        Some(operator) => (true, operator),
        None => (false, rest),
    };
    if inside.contains("${") {
        return Err(VariableError::Nested { inside: inside.to_owned() });
    }
    let well_named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let known_operator = rest.is_empty() || operator.starts_with(['-', '?']);
    if !well_named || !known_operator {
        return Err(VariableError::Name { inside: inside.to_owned() });
    }
    let name = name.to_owned();
    match env(&name).filter(|set| !(colon && set.is_empty())) {
        Some(set) => Ok(set),
        None if rest.is_empty() => Err(VariableError::Unset { name }),
        None => match (operator.strip_prefix('-'), operator.strip_prefix('?')) {
            (Some(default), _) => Ok(default.replace("$$", "$")),
            (_, Some(message)) if !message.trim().is_empty() => {
                Err(VariableError::Required { name, message: message.trim().to_owned() })
            }
            _ => Err(VariableError::Unset { name }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "SET" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn every_form_is_replaced() {
        for (text, expected) in [
            ("nothing here", "nothing here"),
            ("${SET}", "value"),
            ("a/${SET}/${EMPTY}b", "a/value/b"),
            ("${NONE:-x}", "x"),
            ("${NONE:-}", ""),
            ("${EMPTY:-x}", "x"),
            ("${EMPTY-x}", ""),
            ("${NONE-x}", "x"),
            ("${SET:?must be}", "value"),
            ("$$SET $${SET} 5$ $x é$$", "$SET ${SET} 5$ $x é$"),
            ("${NONE:-a$$b}", "a$b"),
            ("$", "$"),
        ] {
            assert_eq!(expand(text, &env).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_replaced_says_why() {
        for (text, words) in [
            ("${NONE}", "the variable `NONE` is not set"),
            ("${EMPTY:?say the size}", "`EMPTY` is not set: say the size"),
            ("${NONE?}", "`NONE` is not set"),
            ("x ${SET", "not closed"),
            ("${}", "`${}` names no variable"),
            ("${1A}", "names no variable"),
            ("${SET:+x}", "names no variable"),
            ("${A B}", "names no variable"),
            ("${NONE:-${SET}}", "another variable"),
        ] {
            let said = expand(text, &env).unwrap_err().to_string();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
