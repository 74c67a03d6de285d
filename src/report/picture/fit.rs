//! How wide a text will be. Nobody here knows the reader's font, so widths are of a wide one.

/// The text, cut with … where it would be wider than `room` at this size of letters.
pub fn fitted(text: &str, room: f64, size: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let room = room - size;
    let mut used = 0.0;
    let mut cut = String::new();
    for c in text.chars() {
        used += share(c) * size;
        if used > room {
            break;
        }
        cut.push(c);
    }
    cut.trim_end().to_owned() + "…"
}

pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(share).sum::<f64>() * size
}

/// Of letters of one width, at the size of 11.
pub fn mono_width(text: &str) -> f64 {
    text.chars().map(|_| 6.8).sum()
}

/// Of a letter, as a part of the size.
fn share(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '[' | ']' | '(' | ')'
        | ' ' | 'I' | 'f' | 't' | '/' => 0.36,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.96,
        'A'..='Z' => 0.72,
        '\u{0}'..='\u{2fff}' => 0.6,
        _ => 1.05,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_it_would_not_fit() {
        assert_eq!(fitted("short", 100.0, 12.0), "short");
        let cut = fitted(&"long ".repeat(40), 100.0, 12.0);
        assert!(cut.ends_with('…') && width(&cut, 12.0) <= 100.0, "{cut}");
        assert_eq!(fitted("界界界界界界", 40.0, 12.0), "界界…");
    }
}
