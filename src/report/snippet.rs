//! A place in a text: file, line and column, and the line with the part underlined.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::paint::{Paint, escaped, masked};
use crate::source::{Sources, Span};

/// A line longer than this is not shown, only its place.
const LONGEST_LINE: usize = 2000;

/// Ends with a line end.
pub fn show(sources: &Sources, span: Span, label: Option<&str>, paint: Paint) -> String {
    let source = sources.get(span.file);
    let position = source.position(span.start);
    let (line, start) = source.line(position.line);
    let name = escaped(&source.name);
    if line.len() > LONGEST_LINE {
        return format!("  --> {name}:{}:{}\n", position.line, position.column);
    }
    let mark = if line.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let text = masked(&line[mark..]);
    let from = span.start.saturating_sub(start + mark).min(text.len());
    let to = span.end.saturating_sub(start + mark).clamp(from, text.len());
    let annotation = AnnotationKind::Primary.span(from..to).label(label.map(escaped));
    let snippet = Snippet::source(text).path(name).line_start(position.line).annotation(annotation);
    let renderer = if paint.colour { Renderer::styled() } else { Renderer::plain() };
    let style = if paint.unicode { DecorStyle::Unicode } else { DecorStyle::Ascii };
    let renderer = renderer.decor_style(style).term_width(paint.width.unwrap_or(LONGEST_LINE));
    let group = Group::with_level(Level::ERROR).element(snippet);
    let shown = renderer.render(&[group]);
    shown.trim_end_matches('\n').to_owned() + "\n"
}
