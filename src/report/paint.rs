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
}

impl Paint {
    #[cfg(test)]
    pub const PLAIN: Self = Self { colour: false, unicode: false, width: None };

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

    /// Words laid into lines that fit, each after `indent`; a word that is too long stands alone.
    pub fn wrapped(self, indent: &str, text: &str) -> String {
        let Some(width) = self.width else {
            return format!("{indent}{text}\n");
        };
        let room = width.max(40) - indent.len().min(20);
        let mut lines = String::new();
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
                lines += &format!("{indent}{line}\n");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line += word;
        }
        lines + &format!("{indent}{line}\n")
    }

    fn styled(self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
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
    }
}
