//! Numbers that tell a device or an installation, found wherever they stand: addresses of network
//! cards, interfaces named after them (`systemd.net-naming-scheme(7)`), UUIDs and other long
//! numbers of hex digits.

use std::borrow::Cow;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// `00:16:3e:01:02:03`, also with dashes, also longer (InfiniBand).
    Mac,
    /// `enx00163e010203`
    Interface,
    /// A UUID, or 32 hex digits or more.
    Number,
}

/// Each such number in a text, through a function.
pub(super) fn replace<'a>(
    text: &'a str,
    by: &mut dyn FnMut(Token, &str) -> String,
) -> Cow<'a, str> {
    let bytes = text.as_bytes();
    let mut result = String::new();
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        let starts = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        let found = if starts { token(&bytes[at..]) } else { None };
        let Some((token, length)) = found else {
            at += 1;
            continue;
        };
        // All of a token is ASCII, so these are bounds of characters.
        result += &text[copied..at];
        result += &by(token, &text[at..at + length]);
        at += length;
        copied = at;
    }
    if copied == 0 { text.into() } else { (result + &text[copied..]).into() }
}

fn token(bytes: &[u8]) -> Option<(Token, usize)> {
    let first = *bytes.first()?;
    if !first.is_ascii_alphanumeric() {
        return None;
    }
    interface(bytes).or_else(|| uuid(bytes)).or_else(|| mac(bytes)).or_else(|| number(bytes))
}

fn interface(bytes: &[u8]) -> Option<(Token, usize)> {
    let kind = bytes.get(..3)?;
    let known = [b"enx", b"wlx", b"wwx", b"ibx", b"slx"].iter().any(|it| *it == kind);
    let digits = bytes.get(3..15)?.iter().all(u8::is_ascii_hexdigit);
    (known && digits && ends(bytes, 15)).then_some((Token::Interface, 15))
}

fn uuid(bytes: &[u8]) -> Option<(Token, usize)> {
    let shape = bytes.get(..36)?.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    (shape && ends(bytes, 36)).then_some((Token::Number, 36))
}

fn mac(bytes: &[u8]) -> Option<(Token, usize)> {
    let separator = *bytes.get(2).filter(|byte| matches!(byte, b':' | b'-'))?;
    let mut length = 0;
    while bytes.get(length..length + 2).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit)) {
        length += 3;
        if bytes.get(length - 1) != Some(&separator) {
            break;
        }
    }
    let length = length.checked_sub(1)?;
    (length >= 17 && ends(bytes, length)).then_some((Token::Mac, length))
}

fn number(bytes: &[u8]) -> Option<(Token, usize)> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    (length >= 32 && ends(bytes, length)).then_some((Token::Number, length))
}

fn ends(bytes: &[u8], length: usize) -> bool {
    bytes.get(length).is_none_or(|byte| !byte.is_ascii_alphanumeric())
}
