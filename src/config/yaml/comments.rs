//! The comments of a text, by the parser: what looks like one in a quoted text or block is none.

use granit_parser::{Event, Parser};

use crate::config::limits;
use crate::source::{Source, Span};

/// Where each comment stands, `#` included; those up to the first mistake of a text.
pub(in crate::config) fn comments(file: usize, source: &Source) -> Vec<Span> {
    let options = granit_parser::options! {
        strict_indentation: true,
        block_nesting_limit: limits::MAX_DEPTH,
        flow_nesting_limit: limits::MAX_DEPTH,
        emit_comments: true,
        max_buffered_comment_events: usize::MAX,
    };
    let events = Parser::new_from_str_with_options(&source.text, options);
    let comment = |(event, span): (Event, granit_parser::Span)| {
        let range = span.byte_range().filter(|_| matches!(event, Event::Comment(..)))?;
        source.text.get(range.clone()).map(|_| Span::new(file, range.start, range.end))
    };
    events.map_while(Result::ok).filter_map(comment).collect()
}
