//! Places in configurations as SARIF has them.

use serde_json::{Value, json};

use crate::source::{Sources, Span};

/// A region with its end, which is the column after the last character (3.30.8).
pub fn location(sources: &Sources, place: Span) -> Value {
    let start = sources.position(place);
    let end = sources.position(Span { start: place.end, ..place });
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(&sources.get(place.file).name)},
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
    }})
}

/// A path as a URI reference (RFC 3986): absolute ones as `file:`, all others relative.
pub fn uri(path: &str) -> String {
    let mut text = String::from(if path.starts_with('/') { "file://" } else { "" });
    for (index, byte) in path.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        // A colon in the first part would end a scheme.
        if plain || (byte == b':' && path[..index].contains('/')) {
            text.push(char::from(byte));
        } else {
            text += &format!("%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_uris() {
        for (path, expected) in [
            ("a/b.yaml", "a/b.yaml"),
            ("/etc/a b.yaml", "file:///etc/a%20b.yaml"),
            ("a:b.yaml", "a%3Ab.yaml"),
            ("x/a:b.yaml", "x/a:b.yaml"),
            ("<stdin>", "%3Cstdin%3E"),
            ("é%.yaml", "%C3%A9%25.yaml"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}
