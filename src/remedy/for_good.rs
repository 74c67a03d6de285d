//! Changes that outlast a boot, as commands to paste.

use crate::finding::{Edit, ForGood, Lasting, Remedy};

pub fn remedy(text: String, lasting: Lasting, changes: ForGood) -> Remedy {
    Remedy {
        text,
        commands: make(&changes),
        undo: unmake(&changes),
        lasting: Some(lasting),
        for_good: Some(changes),
        ..Remedy::default()
    }
}

/// The commands; what is installed for them stays.
pub fn make(changes: &ForGood) -> Vec<String> {
    let install = changes.needs.map(|(_, install)| install);
    let edits = changes.edits.iter().map(make_one);
    let all = install.map(str::to_owned).into_iter().chain(edits);
    all.chain(changes.apply.map(str::to_owned)).collect()
}

pub fn unmake(changes: &ForGood) -> Vec<String> {
    let edits = changes.edits.iter().rev().map(unmake_one);
    edits.chain(changes.apply.map(str::to_owned)).collect()
}

fn make_one(edit: &Edit) -> String {
    match edit {
        Edit::File { path, lines } => format!("printf '%s\\n' {} > {path}", words(lines)),
        // What has no end of line would run into the new one.
        Edit::Line { path, line } => {
            format!(
                "[ -z \"$(tail -c 1 {path})\" ] || echo >> {path}; printf '%s\\n' '{line}' >> {path}"
            )
        }
        Edit::Word { path, word, there: true } => with(path, word),
        Edit::Word { path, word, there: false } => without(path, word),
        Edit::Run { command, .. } => command.clone(),
    }
}

fn unmake_one(edit: &Edit) -> String {
    match edit {
        Edit::File { path, .. } => format!("rm {path}"),
        Edit::Line { path, line } => format!("sed -i '/^{}$/d' {path}", literally(line)),
        Edit::Word { path, word, there: true } => without(path, word),
        Edit::Word { path, word, there: false } => with(path, word),
        Edit::Run { undo, .. } => undo.clone(),
    }
}

/// Not a second time, and not behind a comment.
fn with(path: &str, word: &str) -> String {
    let pattern = literally(word);
    format!(
        "grep -q '^\\(.* \\)*{pattern}\\( .*\\)*$' {path} || sed -i '1{{/^#/!s/$/ {word}/}}' {path}"
    )
}

/// A blank before and behind tells the word from one that ends or begins like it.
fn without(path: &str, word: &str) -> String {
    format!("sed -i '1{{s/^/ /;s/$/ /;s/ {} / /;s/^ //;s/ $//}}' {path}", literally(word))
}

fn words(lines: &[String]) -> String {
    lines.iter().map(|line| format!("'{line}'")).collect::<Vec<_>>().join(" ")
}

/// What a basic regular expression takes for these characters alone.
fn literally(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if r"\.*[]^$/".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a command is tried")]
    fn a_word_is_put_there_once_and_behind_no_comment() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let command = with(file.path().to_str().unwrap(), "iommu=off");
        for (before, after) in [
            ("quiet\n", "quiet iommu=off\n"),
            ("iommu=off quiet\n", "iommu=off quiet\n"),
            ("quiet iommu=off\n", "quiet iommu=off\n"),
            ("intel_iommu=off\n", "intel_iommu=off iommu=off\n"),
            ("# words\n", "# words\n"),
        ] {
            fs::write(file.path(), before).unwrap();
            assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
            assert_eq!(fs::read_to_string(file.path()).unwrap(), after, "{command}");
        }
    }
}
