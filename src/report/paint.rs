//! Colour, width and characters that the place of output takes, and text made harmless for it.

use anstyle::{AnsiColor, Style};

use crate::finding::Severity;
use crate::policy::Verdict;

/// How text is put on the output.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    pub colour: bool,
    /// Box-drawing characters, where the terminal takes them.
    pub unicode: bool,
    /// Columns of the terminal; none where the output is no terminal and nothing is cut or wrapped.
    pub width: Option<usize>,
    /// Where the page of all rules stands, for a terminal that shows links; none where it was not
    /// told.
    pub rules_page: Option<&'static str>,
}

impl Paint {
    #[cfg(any(test, fuzzing))]
    pub const PLAIN: Self = Self { colour: false, unicode: false, width: None, rules_page: None };

    pub fn bold(self, text: &str) -> String {
        self.styled(Style::new().bold(), text)
    }

    pub fn dim(self, text: &str) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    pub fn severity(self, severity: Severity, text: &str) -> String {
        let colour = match severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
            Severity::Note => AnsiColor::Cyan,
        };
        self.styled(colour.on_default().bold(), text)
    }

    pub fn verdict(self, verdict: Verdict, text: &str) -> String {
        let colour = match verdict {
            Verdict::Ready => AnsiColor::Green,
            Verdict::Undetermined => AnsiColor::Yellow,
            Verdict::Blocked => AnsiColor::Red,
        };
        self.styled(colour.on_default().bold(), text)
    }

    /// A text that leads to what the page of all rules says of a rule (OSC 8).
    pub fn rule(self, code: &str, name: &str, text: &str) -> String {
        let Some(page) = self.rules_page else { return text.to_owned() };
        let anchor = format!("{code}-{name}").to_lowercase();
        format!("\u{1b}]8;;{page}#{anchor}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
    }

    /// Words laid into lines that fit, each after `indent`; a word that is too long stands alone.
    pub fn wrapped(self, indent: &str, text: &str) -> String {
        self.laid(indent, indent, text)
    }

    /// The same with another beginning for the first line, as long as those of the others or not.
    pub fn laid(self, first: &str, others: &str, text: &str) -> String {
        let Some(width) = self.width else {
            return format!("{first}{text}\n");
        };
        let room = |indent: &str| width.max(40) - shown(indent).min(20);
        let mut lines = String::new();
        let (mut indent, mut line, mut used) = (first, String::new(), 0);
        for word in text.split(' ') {
            let long = shown(word);
            if !line.is_empty() && used + 1 + long > room(indent) {
                lines += &format!("{indent}{line}\n");
                (indent, used) = (others, 0);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
                used += 1;
            }
            line += word;
            used += long;
        }
        lines + &format!("{indent}{line}\n")
    }

    /// A path that was read and its value, quietly.
    pub fn read(self, indent: &str, path: &str, value: &str) -> String {
        let text = format!("read {}: {value}", escaped(path));
        let deeper = format!("{indent}  ");
        let lines = self.laid(indent, &deeper, &text);
        let quiet = |line: &str| {
            let words = line.trim_start();
            format!("{}{}\n", &line[..line.len() - words.len()], self.dim(words))
        };
        lines.lines().map(quiet).collect()
    }

    /// A text cut where the room ends.
    pub fn cut(self, text: &str, room: Option<usize>) -> String {
        let end = if self.unicode { "…" } else { "..." };
        match room {
            Some(room) if text.chars().count() > room => {
                let kept = room.saturating_sub(end.chars().count());
                text.chars().take(kept).collect::<String>() + end
            }
            _ => text.to_owned(),
        }
    }

    /// For what is to stand further right by as much.
    pub fn narrower(self, columns: usize) -> Self {
        Self { width: self.width.map(|width| width.saturating_sub(columns).max(20)), ..self }
    }

    fn styled(self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// How many columns a text takes: what sets colours and links takes none.
fn shown(text: &str) -> usize {
    let mut letters = text.chars();
    let mut count = 0;
    while let Some(letter) = letters.next() {
        if letter != '\u{1b}' {
            count += 1;
        } else if letters.next() == Some(']') {
            // A link's address, up to its end (ESC \).
            letters.by_ref().find(|letter| *letter == '\\');
        } else {
            letters.by_ref().find(char::is_ascii_alphabetic);
        }
    }
    count
}

/// A name from a file, a device or an archive, so that it cannot drive the terminal: control
/// characters and those that turn the direction of writing are shown as escapes.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The same for a line of source that is underlined: as many bytes as before.
pub fn masked(line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    for c in line.chars() {
        match (is_harmful(c) && c != '\t', c.len_utf8()) {
            (false, _) => safe.push(c),
            (true, 3) => safe.push(char::REPLACEMENT_CHARACTER),
            (true, bytes) => safe.extend(std::iter::repeat_n('?', bytes)),
        }
    }
    safe
}

/// Whether a character drives a terminal, or turns the direction of writing.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_cannot_drive_the_terminal() {
        assert_eq!(escaped("a\u{1b}[31mb\u{9b}\u{202e}"), "a\\u{1b}[31mb\\u{9b}\\u{202e}");
        assert_eq!(masked("a\u{1b}b\u{202e}").len(), "a\u{1b}b\u{202e}".len());
    }

    #[test]
    fn words_are_laid_into_the_width() {
        let paint = Paint { width: Some(40), ..Paint::PLAIN };
        let text = paint.wrapped("  ", &"word ".repeat(20));
        assert!(text.lines().all(|line| line.len() <= 40), "{text}");
        assert_eq!(Paint::PLAIN.wrapped("", &"word ".repeat(20)).lines().count(), 1);
        let coloured = Paint { colour: true, ..paint };
        let words: String = ["word"; 7].map(|word| coloured.bold(word)).join(" ");
        assert_eq!(coloured.wrapped("  ", &words).lines().count(), 1, "colour takes no room");
    }

    #[test]
    fn what_was_read_is_laid_out_too() {
        let paint = Paint { width: Some(40), ..Paint::PLAIN };
        let text = paint.read("  ", "/sys/class/iommu", "dmar0 dmar1 dmar2 dmar3 dmar4 dmar5");
        assert_eq!(text, "  read /sys/class/iommu: dmar0 dmar1\n    dmar2 dmar3 dmar4 dmar5\n");
    }

    #[test]
    fn a_code_leads_to_its_rule_where_a_page_is_told() {
        let paint = Paint { rules_page: Some("https://example.org/rules.html"), ..Paint::PLAIN };
        let link = paint.rule("AH302", "group-not-viable", "AH302");
        assert_eq!(shown(&link), 5);
        assert!(
            link.contains("https://example.org/rules.html#ah302-group-not-viable\u{1b}\\AH302")
        );
        assert_eq!(Paint::PLAIN.rule("AH302", "group-not-viable", "AH302"), "AH302");
    }
}
