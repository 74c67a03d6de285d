//! What several parts of the page show.

use crate::report::markup::Markup;
use crate::report::picture::Sign;
use crate::report::view::EvidenceView;
use crate::rules;

/// A word in its colour, with its shape.
pub fn badge(page: &mut Markup, sign: Sign, word: &str) {
    if word.is_empty() {
        return;
    }
    page.element("span", &[("class", &format!("badge {}", sign.class()))], |page| {
        shape(page, sign);
        page.text(word);
    });
}

pub fn shape(page: &mut Markup, sign: Sign) {
    if let Some(path) = sign.shape() {
        let attributes = [
            ("class", &"shape" as &dyn std::fmt::Display),
            ("viewBox", &"0 0 12 12"),
            ("aria-hidden", &"true"),
        ];
        page.element("svg", &attributes, |page| page.empty("path", &[("d", &path)]));
    }
}

/// Each path that was read, and its value.
pub fn evidence(page: &mut Markup, read: &[EvidenceView]) {
    if read.is_empty() {
        return;
    }
    page.element("dl", &[("class", &"evidence")], |page| {
        for each in read {
            page.element("dt", &[], |page| page.leaf("code", &[], &each.path));
            page.element("dd", &[], |page| page.leaf("code", &[], super::text::short(&each.value)));
        }
    });
}

/// A code with its name, and where the page tells what it means.
pub fn code(page: &mut Markup, code: &str) {
    let name = rules::find(code).map_or("", |rule| rule.name);
    page.leaf("a", &[("href", &format!("#c-{code}"))], format!("{code} {name}"));
}

/// Commands that can be pasted, with a button that copies them.
pub fn commands(page: &mut Markup, commands: &[String]) {
    page.element("div", &[("class", &"commands")], |page| {
        let look = [
            ("tabindex", &"0" as &dyn std::fmt::Display),
            ("role", &"group"),
            ("aria-label", &"Commands"),
        ];
        page.element("pre", &look, |page| {
            page.leaf("code", &[], commands.join("\n") + "\n");
        });
        let button = [
            ("type", &"button" as &dyn std::fmt::Display),
            ("hidden", &""),
            ("data-needs-script", &""),
        ];
        page.leaf("button", &button, "Copy");
    });
}

pub fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
