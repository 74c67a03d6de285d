//! What is wrong with a text that is not YAML, in words for the person who typed it.

use granit_parser::ErrorKind;

/// One sentence on the error, and what to do about it.
pub(super) fn words(kind: &ErrorKind) -> (String, Vec<String>) {
    let (message, help) = match kind {
        kind if is_a_tab(kind) => {
            ("a tab stands where YAML wants spaces", "indent with spaces only")
        }
        ErrorKind::InvalidIndentation
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::InvalidBlockScalarIndent => (
            "the indentation does not fit the lines above",
            "keys of one map start in the same column",
        ),
        ErrorKind::ExpectedBlockMappingKey => (
            "a key is expected here",
            "keys of one map start in the same column, and none begins with `- `",
        ),
        ErrorKind::ExpectedBlockSequenceEntry => (
            "a `- ` is expected here",
            "entries of one list start in the same column, each with `- `",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            ("a key without its colon", "write `key: value`, with a colon and a space")
        }
        ErrorKind::MappingValueNotAllowed => (
            "a colon stands where no key can be",
            "is this line indented further than its neighbours, or does the line above lack its colon? a text with `: ` in it needs quotes",
        ),
        ErrorKind::MappingKeyNotAllowed | ErrorKind::InvalidColonPlacement => {
            ("a key stands where none can be", "start it on a line of its own")
        }
        ErrorKind::BlockSequenceEntryNotAllowed | ErrorKind::BlockEntryInFlowCollection => (
            "a `- ` stands where no list can begin",
            "begin the list on the next line, or write it in brackets: [a, b]",
        ),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::DocumentIndicatorInQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent => (
            "a quoted text is not closed",
            "close it with the quote it began with; further lines of it are indented",
        ),
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => (
            "something follows the closing quote",
            "put the whole value in quotes, or start a new line",
        ),
        ErrorKind::UnknownQuotedScalarEscape => (
            "a backslash escape that YAML does not know",
            "write `\\\\` for a backslash, or use single quotes",
        ),
        ErrorKind::UnclosedFlowCollection { open } => return unclosed(*open),
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return (
                format!("the bracket `{open}` is closed by `{close}`"),
                vec![format!("close it with `{}`", closing(*open))],
            );
        }
        ErrorKind::MisplacedFlowCollectionEnd => {
            ("a closing bracket without an opening one", "remove it, or put the text in quotes")
        }
        ErrorKind::UnexpectedEofFlowSequence => return unclosed('['),
        ErrorKind::UnexpectedEofFlowMapping | ErrorKind::UnexpectedEofImplicitFlowMapping => {
            return unclosed('{');
        }
        ErrorKind::ExpectedFlowSequenceSeparator => (
            "a comma or `]` is expected here",
            "in brackets, a text with any of `,[]{}` in it needs quotes",
        ),
        ErrorKind::ExpectedFlowMappingSeparator => (
            "a comma or `}` is expected here",
            "in braces, a text with any of `,[]{}` in it needs quotes",
        ),
        ErrorKind::UnexpectedCharacter { character: '@' | '`' | '%' } => {
            ("a value cannot begin with `@`, `%` or a backquote", "put it in quotes")
        }
        ErrorKind::UnexpectedCharacter { character } => {
            let shown = character.escape_default();
            return (format!("the character `{shown}` cannot stand here"), Vec::new());
        }
        ErrorKind::BomInsideDocument => (
            "a byte-order mark in the middle of the text",
            "remove it: it is invisible in most editors",
        ),
        ErrorKind::UnknownAnchor => (
            "an alias for which no anchor stands above",
            "`*name` repeats what `&name` marked; a text that begins with `*` needs quotes",
        ),
        ErrorKind::CommentNotSeparated => {
            ("a `#` without a space before it", "put a space before the comment")
        }
        ErrorKind::CommentInterceptedScalar => (
            "a comment in the middle of a text of several lines",
            "move the comment above the text",
        ),
        ErrorKind::InvalidMappingValueWhitespace | ErrorKind::InvalidBlockEntryWhitespace => {
            ("a tab follows a colon or a dash", "put a space there")
        }
        // What is left is rare: the parser's own words, in our grammar.
        other => return (format!("this is not YAML: {other}"), Vec::new()),
    };
    (message.to_owned(), vec![help.to_owned()])
}

/// Whether the parser was within a quoted text that goes on over lines.
pub(super) fn in_quotes(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnclosedQuotedScalar
            | ErrorKind::DocumentIndicatorInQuotedScalar
            | ErrorKind::InvalidQuotedScalarIndent
    )
}

/// The first quote of a text outside comments.
pub(super) fn opening_quote(text: &str) -> Option<usize> {
    let mut comment = false;
    text.char_indices().find_map(|(at, c)| {
        comment = (comment || c == '#') && c != '\n';
        (!comment && matches!(c, '"' | '\'')).then_some(at)
    })
}

fn unclosed(open: char) -> (String, Vec<String>) {
    let close = closing(open);
    (
        format!("the bracket `{open}` is not closed"),
        vec![format!("close it with `{close}`, and indent the lines within")],
    )
}

fn closing(open: char) -> char {
    if open == '[' { ']' } else { '}' }
}

/// Whether the error is a tab that should be spaces.
pub(super) fn is_a_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabNotAllowed
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart
    )
}

/// The tab that is meant: the parser names a place after it, or the end of the line above.
pub(super) fn tab_near(text: &str, at: usize) -> usize {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let mut from = start;
    for line in text.get(start..).unwrap_or_default().split_inclusive('\n').take(2) {
        if let Some(tab) = line.find('\t') {
            return from + tab;
        }
        from += line.len();
    }
    at
}
