//! `inventory gpu`: a block a card for a person, and the cards of the JSON document.

use schemars::JsonSchema;
use serde::Serialize;

use super::inventory::{
    driver_words, name, number_or_unknown, passthrough_coloured, summary_line, value,
};
use super::paint::{Paint, escaped};
use super::view::text;
use crate::host::{Bar, BarKind, Connector, Device, Host, Process};
use crate::inventory::{Card, Inventory, Row, cards};

/// A display controller or accelerator, and what belongs to it. Each of these addresses is one of
/// `devices`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CardView {
    /// The display controller or accelerator itself.
    pub address: String,
    /// The other functions of its slot.
    pub companions: Vec<CompanionView>,
    /// Its virtual functions.
    pub virtfns: Vec<String>,
    /// Outputs that a driver of the host shows, by name.
    pub outputs: Vec<OutputView>,
    /// Processes that have it, or a function of its slot, open; those that could be seen.
    pub holders: Vec<HolderView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct OutputView {
    /// `card0-HDMI-A-1`
    pub name: String,
    /// Whether a monitor is on it; null where that is not known.
    pub connected: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct HolderView {
    pub pid: u32,
    pub name: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct CompanionView {
    pub address: String,
    #[schemars(extend("enum" = ["display", "audio", "usb", "ucsi", "other"]))]
    pub role: &'static str,
}

impl CardView {
    pub fn new(card: &Card) -> Self {
        let companion = |(row, role): &(&Row, crate::inventory::Role)| CompanionView {
            address: row.device.address.to_string(),
            role: role.as_str(),
        };
        Self {
            address: card.gpu.device.address.to_string(),
            companions: card.companions.iter().map(companion).collect(),
            outputs: card.outputs.iter().map(|output| OutputView::new(output)).collect(),
            holders: card
                .holders
                .values()
                .map(|process| HolderView { pid: process.pid, name: text(&process.name) })
                .collect(),
            virtfns: card.vfs.iter().map(|row| row.device.address.to_string()).collect(),
        }
    }
}

impl OutputView {
    fn new(output: &Connector) -> Self {
        Self { name: output.name.clone(), connected: value(&output.connected) }
    }
}

/// Of many virtual functions the first few are named.
const VFS_NAMED: usize = 4;

pub fn blocks(host: &Host, inventory: &Inventory, paint: Paint) -> String {
    let mut page = String::new();
    for card in cards(host, inventory) {
        page += &block(&card, paint);
        page.push('\n');
    }
    if page.is_empty() {
        page += "No display controller and no accelerator was found.\n";
    }
    page + &paint.wrapped("", &summary_line(inventory))
}

fn block(card: &Card, paint: Paint) -> String {
    let device = card.gpu.device;
    let mut lines = Lines { text: String::new(), paint };
    let address = format!("{}  ", paint.bold(&device.address.to_string()));
    lines.text += &paint.laid(&address, &" ".repeat(15), &name(device));
    lines.put("passthrough", &passthrough_coloured(card.gpu, paint));
    lines.put("driver", &driver_words(card.gpu));
    lines.put("IOMMU group", &number_or_unknown(&device.iommu_group));
    for (row, role) in &card.companions {
        lines.put(role.as_str(), &function_words(row, paint));
    }
    lines.put("memory", &memory(device));
    lines.put("link", &link_words(device));
    lines.put("reset", &reset(device));
    let display = display(card);
    if !display.is_empty() {
        lines.put("display", &display);
    }
    if !card.holders.is_empty() {
        lines.put("in use by", &holders(card));
    }
    if let Some(node) = device.state.as_ref().and_then(|it| value(&it.numa_node)) {
        lines.put("NUMA node", &node.to_string());
    }
    if !card.vfs.is_empty() {
        lines.put("VFs", &vfs(card));
    }
    lines.text
}

struct Lines {
    text: String,
    paint: Paint,
}

impl Lines {
    fn put(&mut self, label: &str, words: &str) {
        let first = format!("  {}", self.paint.dim(&format!("{label:<13}")));
        self.text += &self.paint.laid(&first, &" ".repeat(15), words);
    }
}

fn function_words(row: &Row, paint: Paint) -> String {
    format!(
        "{}  {}, group {}, {}",
        row.device.address,
        driver_words(row),
        number_or_unknown(&row.device.iommu_group),
        passthrough_coloured(row, paint)
    )
}

fn memory(device: &Device) -> String {
    let Some(state) = &device.state else { return "?".to_owned() };
    match state.bars.known() {
        Ok(Some(bars)) if bars.is_empty() => "none".to_owned(),
        Ok(Some(bars)) => bars.iter().map(bar_words).collect::<Vec<_>>().join(", "),
        Ok(None) => "-".to_owned(),
        Err(_) => "?".to_owned(),
    }
}

pub fn bar_words(bar: &Bar) -> String {
    let kind = match bar.kind {
        BarKind::Io => " of ports",
        BarKind::Mem32 => "",
        BarKind::Mem64 => " 64-bit",
    };
    let prefetchable = if bar.prefetchable { " prefetchable" } else { "" };
    format!("BAR {} {}{kind}{prefetchable}", bar.index, size(bar.size))
}

/// In the largest unit that leaves a whole number.
fn size(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let steps = units.len() - 1;
    let fits =
        |step: &usize| bytes >> (10 * step) << (10 * step) == bytes && bytes >> (10 * step) > 0;
    let step = (0..=steps).rev().find(fits).unwrap_or(0);
    format!("{} {}", bytes >> (10 * step), units[step])
}

/// Now, and what device and slot could do; a GPU at rest slows its link down by itself.
pub fn link_words(device: &Device) -> String {
    let Some(link) = &device.link else { return "?".to_owned() };
    let width =
        |reading| value(reading).map_or_else(|| "?".to_owned(), |lanes: u32| lanes.to_string());
    let speed = |reading| text(reading).map_or_else(|| "?".to_owned(), |speed| escaped(&speed));
    let (now, most) = (
        format!("{} x{}", speed(&link.speed), width(&link.width)),
        format!("{} x{}", speed(&link.max_speed), width(&link.max_width)),
    );
    match link.speed.known() {
        Ok(None) => "none".to_owned(),
        Err(gap) => format!("? ({})", gap.why),
        Ok(Some(_)) if now == most => now,
        Ok(Some(_)) => format!("{now}, at most {most}"),
    }
}

fn reset(device: &Device) -> String {
    let Some(state) = &device.state else { return "?".to_owned() };
    match state.reset_methods.known() {
        Ok(Some(methods)) if methods.is_empty() => "none".to_owned(),
        Ok(Some(methods)) => escaped(&methods.join(", ")),
        Ok(None) => "none told".to_owned(),
        Err(_) => "?".to_owned(),
    }
}

/// The screen that the firmware started on, and the outputs with a monitor.
fn display(card: &Card) -> String {
    let state = card.gpu.device.state.as_ref();
    let first = state.and_then(|state| value(&state.boot_vga)) == Some(true);
    let mut parts: Vec<String> = first.then(|| "first at boot".to_owned()).into_iter().collect();
    let connected: Vec<String> = card
        .outputs
        .iter()
        .filter(|output| value(&output.connected) == Some(true))
        .map(|output| escaped(&output.name))
        .collect();
    if !connected.is_empty() {
        parts.push(format!("a monitor on {}", connected.join(", ")));
    } else if !card.outputs.is_empty() {
        parts.push("no monitor".to_owned());
    }
    parts.join("; ")
}

fn holders(card: &Card) -> String {
    const MOST_NAMED: usize = 8;
    let words = |process: &&Process| match value(&process.name) {
        Some(name) => format!("{} ({})", escaped(&name), process.pid),
        None => format!("PID {}", process.pid),
    };
    let named: Vec<String> = card.holders.values().take(MOST_NAMED).map(words).collect();
    let more = card.holders.len().saturating_sub(MOST_NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    named.join(", ") + &rest
}

fn vfs(card: &Card) -> String {
    let named: Vec<String> =
        card.vfs.iter().take(VFS_NAMED).map(|row| row.device.address.to_string()).collect();
    let more = card.vfs.len().saturating_sub(VFS_NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}: {}{rest}", card.vfs.len(), named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole() {
        for (bytes, words) in [
            (16 << 20, "16 MiB"),
            (24 << 30, "24 GiB"),
            (128, "128 bytes"),
            (1536 << 10, "1536 KiB"),
            (0, "0 bytes"),
        ] {
            assert_eq!(size(bytes), words);
        }
    }
}
