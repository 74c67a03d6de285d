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
        Edit::Line { path, line } => format!("printf '%s\\n' '{line}' >> {path}"),
        Edit::Word { path, word, there: true } => format!("sed -i '1s/$/ {word}/' {path}"),
        Edit::Word { path, word, there: false } => without(path, word),
        Edit::Run { command, .. } => command.clone(),
    }
}

fn unmake_one(edit: &Edit) -> String {
    match edit {
        Edit::File { path, .. } => format!("rm {path}"),
        Edit::Line { path, line } => format!("sed -i '/^{}$/d' {path}", literally(line)),
        Edit::Word { path, word, there: true } => without(path, word),
        Edit::Word { path, word, there: false } => format!("sed -i '1s/$/ {word}/' {path}"),
        Edit::Run { undo, .. } => undo.clone(),
    }
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
