//! From parser events to the tree.
//!
//! Nothing here calls itself: depth is a stack of open lists and maps, held to a limit, so no
//! text can overflow the machine's stack, here or in whoever walks the tree later.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, StructureStyle, Tag};

use super::open_map::OpenMap;
use super::{Fault, Kind, Node, Scalar, syntax};
use crate::config::limits::{self, LimitError, Spent};
use crate::config::{Problem, ProblemKind, expand};
use crate::source::{Source, Span};

/// Why a text gave no tree.
#[derive(Debug)]
pub(in crate::config) enum Stop {
    /// It is not one YAML document.
    Broken(Box<Problem>),
    Limit(LimitError),
}

/// Reads text number `file`; no node for a text without a document.
pub(in crate::config) fn read(
    file: usize,
    source: &Source,
    env: &dyn Fn(&str) -> Option<String>,
    spent: &mut Spent,
) -> Result<Option<Rc<Node>>, Stop> {
    let options = granit_parser::options! {
        strict_indentation: true,
        block_nesting_limit: limits::MAX_DEPTH,
        flow_nesting_limit: limits::MAX_DEPTH,
        emit_comments: false,
    };
    let mut build = Build {
        file,
        source,
        env,
        spent,
        open: Vec::new(),
        anchors: HashMap::new(),
        documents: 0,
        read: 0,
        root: None,
    };
    for event in Parser::new_from_str_with_options(&source.text, options) {
        let (event, span) = event.map_err(|error| build.scan_error(&error))?;
        let range = span.byte_range().unwrap_or_default();
        build.read = build.read.max(range.end);
        build.event(event, &range)?;
    }
    Ok(build.root)
}

struct Build<'a> {
    file: usize,
    source: &'a Source,
    env: &'a dyn Fn(&str) -> Option<String>,
    spent: &'a mut Spent,
    open: Vec<Open>,
    /// Finished nodes by the parser's number of their anchor.
    anchors: HashMap<usize, Rc<Node>>,
    documents: usize,
    /// How far the events reach so far.
    read: usize,
    root: Option<Rc<Node>>,
}

/// A list or map whose end has not come yet.
struct Open {
    start: usize,
    flow: bool,
    anchor: usize,
    weight: usize,
    height: usize,
    faults: Vec<Fault>,
    /// Its tag means nothing here.
    foreign: bool,
    body: Body,
}

enum Body {
    List(Vec<Rc<Node>>),
    Map(OpenMap),
}

impl Build<'_> {
    fn event(&mut self, event: Event<'_>, range: &Range<usize>) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self.broken(
                        range,
                        "a second document begins here".to_owned(),
                        vec![
                            "one file holds one document: remove the `---`, or use two files"
                                .to_owned(),
                        ],
                    ));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(text, style, anchor, tag.as_deref(), range)?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.begin(Body::List(Vec::new()), style, anchor, tag.as_deref(), range)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                self.begin(Body::Map(OpenMap::default()), style, anchor, tag.as_deref(), range)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(range.end),
            Event::Alias(anchor) => self.alias(anchor, range)?,
            _ => {}
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        range: &Range<usize>,
    ) -> Result<(), Stop> {
        self.count()?;
        let span = self.span(range);
        let mut faults = Vec::new();
        // The parser writes `~` for a value that is not there.
        let text =
            if range.is_empty() && style == ScalarStyle::Plain { Cow::Borrowed("") } else { text };
        let text = if self.awaits_key() {
            Ok(text)
        } else {
            expand::expand(&text, self.env).map(|new| Cow::Owned(new.into_owned()))
        };
        let kind = match (meaning(tag), text) {
            (Meaning::Foreign, _) => {
                faults.push(foreign_tag(span));
                Kind::Unknown
            }
            (_, Err(error)) => {
                faults.push(variable(&error, span));
                Kind::Unknown
            }
            (meaning, Ok(text)) => {
                if text.len() > range.len() {
                    self.spent.variable(text.len(), &self.source.name).map_err(Stop::Limit)?;
                }
                let plain = match meaning {
                    Meaning::Text => false,
                    Meaning::Typed => true,
                    _ => style == ScalarStyle::Plain,
                };
                Kind::Scalar(Scalar { text: text.into_owned(), plain })
            }
        };
        self.place(
            Node { span, kind, faults, weight: 1, height: 0, aliased: Cell::new(false) },
            anchor,
        );
        Ok(())
    }

    fn begin(
        &mut self,
        body: Body,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        range: &Range<usize>,
    ) -> Result<(), Stop> {
        self.count()?;
        limits::depth(self.open.len() + 1, &self.source.name).map_err(Stop::Limit)?;
        let foreign = matches!(meaning(tag), Meaning::Foreign);
        let faults = if foreign { vec![foreign_tag(self.span(range))] } else { Vec::new() };
        let flow = style == StructureStyle::Flow;
        self.open.push(Open {
            start: range.start,
            flow,
            anchor,
            weight: 1,
            height: 1,
            faults,
            foreign,
            body,
        });
        Ok(())
    }

    fn end(&mut self, end: usize) {
        let Some(mut open) = self.open.pop() else {
            return;
        };
        let start = if open.flow { open.start } else { self.dash(open.start) };
        let mut span = self.span(&(start..start + 1));
        let whole = open.start..end;
        if open.flow && self.source.text.get(whole.clone()).is_some_and(|text| !text.contains('\n'))
        {
            span = self.span(&whole);
        }
        let kind = match open.body {
            _ if open.foreign => Kind::Unknown,
            Body::List(list) => Kind::List(list),
            Body::Map(map) => {
                let map = map.finish(&mut open.faults);
                span = map.first.filter(|_| !open.flow).unwrap_or(span);
                Kind::Map(map)
            }
        };
        let Open { faults, weight, height, anchor, .. } = open;
        self.place(Node { span, kind, faults, weight, height, aliased: Cell::new(false) }, anchor);
    }

    fn alias(&mut self, anchor: usize, range: &Range<usize>) -> Result<(), Stop> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return Err(self.broken(
                range,
                "an alias stands inside the value that it repeats".to_owned(),
                vec!["no value can hold itself: write out what is meant".to_owned()],
            ));
        };
        self.spent.aliased(node.weight, &self.source.name).map_err(Stop::Limit)?;
        limits::depth(self.open.len() + node.height, &self.source.name).map_err(Stop::Limit)?;
        node.aliased.set(true);
        self.put(node);
        Ok(())
    }

    fn place(&mut self, node: Node, anchor: usize) {
        let node = Rc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.put(node);
    }

    fn put(&mut self, node: Rc<Node>) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        open.weight = open.weight.saturating_add(node.weight);
        open.height = open.height.max(node.height + 1);
        match &mut open.body {
            Body::List(list) => list.push(node),
            Body::Map(map) => map.put(node, &mut open.faults),
        }
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { body: Body::Map(map), .. }) if map.awaits_key())
    }

    fn count(&mut self) -> Result<(), Stop> {
        self.spent.node(&self.source.name).map_err(Stop::Limit)
    }

    fn scan_error(&self, error: &ScanError) -> Stop {
        if *error.kind() == ErrorKind::RecursionLimitExceeded {
            let file = self.source.name.clone();
            return Stop::Limit(LimitError::Depth { file, limit: limits::MAX_DEPTH });
        }
        let at = error.marker().byte_offset().unwrap_or_default();
        let open = self.open.last().filter(|open| open.flow);
        let (at, (message, help)) = match (error.kind(), open) {
            // The parser stops where the next line does not fit, far from where the slip is.
            (ErrorKind::InvalidIndentation | ErrorKind::InvalidFlowScalarIndent, Some(open)) => {
                let bracket = if matches!(open.body, Body::List(_)) { '[' } else { '{' };
                (open.start, syntax::words(&ErrorKind::UnclosedFlowCollection { open: bracket }))
            }
            (kind, _) if syntax::in_quotes(kind) => {
                let skipped = self.source.text.get(self.read..at).unwrap_or_default();
                (
                    syntax::opening_quote(skipped).map_or(at, |quote| self.read + quote),
                    syntax::words(kind),
                )
            }
            (kind, _) if syntax::is_a_tab(kind) => {
                (syntax::tab_near(&self.source.text, at), syntax::words(kind))
            }
            (kind, _) => (at, syntax::words(kind)),
        };
        self.broken(&(at..at + 1), message, help)
    }

    fn broken(&self, range: &Range<usize>, message: String, help: Vec<String>) -> Stop {
        let span = self.span(range);
        Stop::Broken(Box::new(Problem::new(ProblemKind::Syntax, message, span).with_help(help)))
    }

    /// The first dash of a block list, which the parser skips for one that is not indented.
    fn dash(&self, start: usize) -> usize {
        let (before, after) = self.source.text.split_at_checked(start).unwrap_or_default();
        if after.starts_with("- ") {
            return start;
        }
        before.trim_end().strip_suffix('-').map_or(start, str::len)
    }

    /// The span of a range, made to lie within the text and on its characters.
    fn span(&self, range: &Range<usize>) -> Span {
        let text = &self.source.text;
        let mut start = range.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = range.end.clamp(start, text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        Span::new(self.file, start, end)
    }
}

fn variable(error: &expand::VariableError, span: Span) -> Fault {
    Fault { help: vec![error.help()], ..Fault::new(ProblemKind::Variable, error.to_string(), span) }
}

fn foreign_tag(span: Span) -> Fault {
    let message = "the tag (`!…`) before this value has no meaning here".to_owned();
    let help = vec!["remove the tag; a text that begins with `!` needs quotes".to_owned()];
    Fault { help, ..Fault::new(ProblemKind::Schema, message, span) }
}

/// What an explicit tag says of a value.
enum Meaning {
    /// Nothing: it is what it looks like.
    AsWritten,
    /// `!!str` and `!`: text, even if it looks like a number.
    Text,
    /// `!!int` and its like: read as if it were plain.
    Typed,
    Foreign,
}

fn meaning(tag: Option<&Tag>) -> Meaning {
    let Some(tag) = tag else {
        return Meaning::AsWritten;
    };
    match tag.core_suffix() {
        Some("map" | "seq") => Meaning::AsWritten,
        Some("str") => Meaning::Text,
        Some(_) => Meaning::Typed,
        None if tag.handle().is_empty() && tag.suffix() == "!"
            || tag.handle() == "!" && tag.suffix().is_empty() =>
        {
            Meaning::Text
        }
        None => Meaning::Foreign,
    }
}
