//! Where the firmware's framebuffer lies: its lines in `/proc/iomem` (`kernel/resource.c`).

use super::reading::{Reading, Why};
use super::root::Root;

/// Memory in which a driver draws that knows nothing of the graphics card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framebuffer {
    pub first: u64,
    pub last: u64,
    /// Its line in the map of memory.
    line: String,
}

/// As drivers name their memory: `drivers/firmware/sysfb_simplefb.c`, `drivers/video/fbdev`
/// (efifb, simplefb, vesafb), `drivers/gpu/drm/tiny/simpledrm.c`.
const NAMES: &[&str] = &["BOOTFB", "efifb", "simplefb", "simple-framebuffer", "vesafb"];

/// Who may not see the addresses is shown zeros in their place, which tell nothing.
pub fn read(root: &Root) -> Reading<Vec<Framebuffer>> {
    let text = root.text(&"/proc/iomem".into()).absent_means(Why::NotCaptured);
    let hidden = text.known().ok().flatten().is_some_and(|text| is_hidden(text));
    if hidden {
        return Reading::unknown(text.path().clone(), Why::Denied);
    }
    let framebuffers = text.parse("lines of addresses and names", |text| {
        let lines: Option<Vec<_>> = text.lines().map(|line| Some((range(line)?, line))).collect();
        let of_interest = lines?.into_iter().filter(|(_, line)| is_framebuffer(line));
        let framebuffer = |((first, last), line): (_, &str)| Framebuffer {
            first,
            last,
            line: line.trim().to_owned(),
        };
        Some(of_interest.map(framebuffer).collect::<Vec<_>>())
    });
    framebuffers.showing(|list| {
        let lines: Vec<&str> = list.iter().map(|framebuffer| framebuffer.line.as_str()).collect();
        if lines.is_empty() { "(no such line)".to_owned() } else { lines.join("; ") }
    })
}

fn is_hidden(text: &str) -> bool {
    let mut lines = text.lines().map(range).peekable();
    lines.peek().is_some() && lines.all(|range| range == Some((0, 0)))
}

/// `  e0000000-e07fffff : BOOTFB`
fn range(line: &str) -> Option<(u64, u64)> {
    let (first, last) = line.trim_start().split_once(" : ")?.0.split_once('-')?;
    let number = |digits| u64::from_str_radix(digits, 16).ok();
    Some((number(first)?, number(last)?))
}

fn is_framebuffer(line: &str) -> bool {
    let name = line.split_once(" : ").map_or("", |(_, name)| name.trim());
    let name = name.split_once(':').map_or(name, |(driver, _)| driver);
    NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_addresses_are_no_addresses() {
        assert!(is_hidden("00000000-00000000 : System RAM\n  00000000-00000000 : BOOTFB"));
        assert!(!is_hidden("00000000-00000fff : Reserved\n"));
        assert!(!is_hidden(""));
    }

    #[test]
    fn framebuffers_are_known_by_their_names() {
        for line in ["  e0-ef : BOOTFB", "e0-ef : efifb", "e0-ef : efifb:0000:01:00.0"] {
            assert!(is_framebuffer(line) && range(line) == Some((0xe0, 0xef)), "{line}");
        }
        assert!(!is_framebuffer("e0-ef : 0000:01:00.0"));
        assert!(!is_framebuffer("e0-ef : efifb2"));
    }
}
