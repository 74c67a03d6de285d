//! Texts as a shell reads them: words, comments, and the functions that a script needs.

/// One word of a shell, whatever is in it.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

pub(super) fn all_quoted(texts: &[String]) -> String {
    texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(" ")
}

/// Shell in the text of a file is for whoever reads that file.
pub(super) fn literally(command: String) -> String {
    if command.contains('$') { format!("# shellcheck disable=SC2016\n{command}") } else { command }
}

/// Lines of a comment; the text holds no control characters.
pub(super) fn comment(text: &str) -> String {
    const WIDTH: usize = 96;
    let mut lines = String::new();
    let mut line = String::from("#");
    for word in text.split(' ') {
        if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines += &line;
            lines.push('\n');
            line.truncate(1);
        }
        line.push(' ');
        line += word;
    }
    lines + &line + "\n"
}

/// Those functions of the sources that a text uses, and those that they use: each stands after what
/// it needs, between blank lines.
pub(super) fn functions(sources: &[&str], text: &str) -> String {
    let blocks: Vec<&str> =
        sources.iter().flat_map(|source| source.trim_end().split("\n\n")).collect();
    let mut used: Vec<&str> = Vec::new();
    for &block in blocks.iter().rev() {
        let name = block.lines().find_map(|line| line.strip_suffix("() {")).unwrap_or_default();
        let calls = |text: &str| {
            text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
        };
        if calls(text) || used.iter().any(|user| calls(user)) {
            used.push(block);
        }
    }
    used.iter().rev().map(|block| format!("{block}\n\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_is_one_word() {
        assert_eq!(quoted("6.1.0-x'; reboot #"), "'6.1.0-x'\\''; reboot #'");
    }
}
