//! Colours, each for light and for dark.

/// Name, light, dark.
pub type Colour = (&'static str, &'static str, &'static str);

pub const COLOURS: &[Colour] = &[
    ("page", "#f6f7f9", "#0f1317"),
    ("panel", "#ffffff", "#171c22"),
    ("sunken", "#eef1f4", "#1f262d"),
    ("line", "#d3d9e0", "#333c46"),
    ("strong-line", "#7b8692", "#6d7987"),
    ("ink", "#1a2129", "#e6eaee"),
    ("muted", "#55606c", "#a3aeba"),
    ("link", "#0b57c2", "#85b7ff"),
    ("good", "#176b38", "#5fd08b"),
    ("good-back", "#e2f4e8", "#12301f"),
    ("bad", "#b3191f", "#ff8f8a"),
    ("bad-back", "#fdeaea", "#3b1618"),
    ("open", "#7d4e00", "#f2b95c"),
    ("open-back", "#fdf1da", "#37280d"),
    ("note", "#1d5f8a", "#7cc4f0"),
    ("note-back", "#e4f1fa", "#11293a"),
    ("group-0", "#6a3bbf", "#b89cff"),
    ("group-1", "#0a6e78", "#56ccd6"),
    ("group-2", "#a3357f", "#f08fcb"),
    ("group-3", "#5b6300", "#c3cc4f"),
    ("group-4", "#974f1f", "#eda36f"),
    ("group-5", "#2f5fd0", "#8fb1ff"),
    ("group-6", "#3e6b1f", "#93d166"),
    ("group-7", "#8a3b4c", "#f09fae"),
];

/// How many frames of groups look different by their colour.
pub const GROUP_COLOURS: usize = 8;

/// Declarations for a style sheet that uses `var(--name)`: light, or what the reader's system or
/// the page's switch says.
pub fn variables() -> String {
    let of = |pick: fn(&Colour) -> &'static str| -> String {
        COLOURS.iter().map(|colour| format!("--{}:{};", colour.0, pick(colour))).collect()
    };
    let (light, dark) = (of(|colour| colour.1), of(|colour| colour.2));
    format!(
        ":root{{color-scheme:light;{light}}}\n\
         @media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n\
         :root[data-theme=dark]{{color-scheme:dark;{dark}}}\n"
    )
}

/// A style sheet with the colours in their places, for viewers that know no variables.
pub fn resolved(sheet: &str) -> String {
    let with = |pick: fn(&Colour) -> &'static str| {
        COLOURS.iter().fold(sheet.to_owned(), |sheet, colour| {
            sheet.replace(&format!("var(--{})", colour.0), pick(colour))
        })
    };
    format!(
        "{}@media (prefers-color-scheme:dark){{\n{}}}\n",
        with(|colour| colour.1),
        with(|colour| colour.2)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2, relative luminance.
    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_can_be_read_on_what_is_behind_it() {
        let find = |name: &str| COLOURS.iter().find(|colour| colour.0 == name).unwrap();
        let mut pairs: Vec<(String, &str, f64)> = Vec::new();
        for back in ["page", "panel", "sunken"] {
            for text in ["ink", "muted", "link", "good", "bad", "open", "note"] {
                pairs.push((text.to_owned(), back, 4.5));
            }
            for group in 0..GROUP_COLOURS {
                pairs.push((format!("group-{group}"), back, 4.5));
            }
            pairs.push(("strong-line".to_owned(), back, 3.0));
        }
        for (text, back) in [
            ("good", "good-back"),
            ("bad", "bad-back"),
            ("open", "open-back"),
            ("note", "note-back"),
        ] {
            pairs.push((text.to_owned(), back, 4.5));
            pairs.push(("ink".to_owned(), back, 4.5));
            pairs.push(("muted".to_owned(), back, 4.5));
        }
        for (text, back, least) in pairs {
            let (text, back) = (find(&text), find(back));
            for (a, b) in [(text.1, back.1), (text.2, back.2)] {
                let found = contrast(a, b);
                assert!(found >= least, "{} on {}: {a} {b} {found:.2}", text.0, back.0);
            }
        }
    }
}
