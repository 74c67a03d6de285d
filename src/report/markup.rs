//! Elements of HTML and SVG.
//!
//! *Invariant:* nothing from a host, a configuration or an archive gets out unescaped. Names of
//! elements and attributes, and what [`Markup::raw`] takes, are written in this program
//! (`&'static str`); every other text goes through [`Markup::text`] or the value of an attribute,
//! which escape it and show control characters.

use std::fmt::{self, Display, Write};

use super::paint::is_harmful;

#[derive(Debug, Default)]
pub struct Markup {
    out: String,
}

/// Name and value; the value is escaped.
pub type Attribute<'a> = (&'static str, &'a dyn Display);

impl Markup {
    /// An element and what is in it. It cannot be left open.
    pub fn element(
        &mut self,
        name: &'static str,
        attributes: &[Attribute],
        inside: impl FnOnce(&mut Self),
    ) {
        self.tag(name, attributes, ">");
        inside(self);
        self.out += "</";
        self.out += name;
        self.out.push('>');
    }

    /// An element that holds a text.
    pub fn leaf(&mut self, name: &'static str, attributes: &[Attribute], text: impl Display) {
        self.element(name, attributes, |inside| inside.text(text));
    }

    /// An element that is always empty: `<br/>`, `<rect …/>`.
    pub fn empty(&mut self, name: &'static str, attributes: &[Attribute]) {
        self.tag(name, attributes, "/>");
    }

    /// Any text, escaped.
    pub fn text(&mut self, text: impl Display) {
        // A `String` takes all that is written to it.
        let _ = write!(Escaping(&mut self.out), "{text}");
    }

    /// What this program has in itself: style, script, doctype.
    pub fn raw(&mut self, text: &'static str) {
        self.out += text;
    }

    pub fn finish(self) -> String {
        self.out
    }

    fn tag(&mut self, name: &'static str, attributes: &[Attribute], end: &'static str) {
        self.out.push('<');
        self.out += name;
        for (name, value) in attributes {
            self.out.push(' ');
            self.out += name;
            self.out += "=\"";
            self.text(value);
            self.out.push('"');
        }
        self.out += end;
    }
}

/// Everything that is written into it arrives escaped.
struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' => self.0.push('\n'),
                // XML has no place for the last two.
                _ if is_harmful(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                    self.0.extend(c.escape_unicode());
                }
                _ => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let hostile = "<script>\"'&\u{1b}[0m\u{202e}\u{0}\u{ffff}</script>";
        let mut page = Markup::default();
        page.element("p", &[("title", &hostile)], |page| page.text(hostile));
        page.leaf("b", &[], hostile);
        page.empty("i", &[("id", &7)]);
        let safe =
            "&lt;script&gt;&quot;&#39;&amp;\\u{1b}[0m\\u{202e}\\u{0}\\u{ffff}&lt;/script&gt;";
        let expected = format!("<p title=\"{safe}\">{safe}</p><b>{safe}</b><i id=\"7\"/>");
        assert_eq!(page.finish(), expected);
    }
}
