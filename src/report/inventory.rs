//! The inventory as JSON, lines, CSV, a table, or a tree.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::cards::CardView;
use super::paint::{Paint, escaped};
use super::view::text;
use crate::host::{Bar, BarKind, Device, Gap, Host, Reading};
use crate::inventory::{GroupRow, Inventory, Passthrough, Row, cards};
use crate::pci::{Address, names};
use crate::policy::Verdict;

/// A group of more members is named in `groups` alone.
const LARGEST_SHOWN_GROUP: usize = 64;

/// The functions of a host.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InventoryView {
    pub schema: &'static str,
    pub devices: Vec<DeviceView>,
    pub groups: Vec<GroupView>,
    /// Display controllers and accelerators; only in `inventory gpu`, whose devices are these and
    /// what belongs to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cards: Option<Vec<CardView>>,
    pub summary: InventorySummary,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DeviceView {
    /// `domain:bus:device.function`, lower case, the domain of four digits or more.
    pub address: String,
    /// Six hexadecimal digits: base class, subclass, programming interface.
    pub class: Option<String>,
    pub class_name: Option<&'static str>,
    #[schemars(extend("enum" = ["gpu", "network", "storage", "audio", "other"]))]
    pub device_type: &'static str,
    pub vendor_id: Option<String>,
    pub device_id: Option<String>,
    pub subsystem_vendor_id: Option<String>,
    pub subsystem_device_id: Option<String>,
    pub revision: Option<String>,
    pub vendor_name: Option<&'static str>,
    pub device_name: Option<&'static str>,
    /// Null where no driver is bound, or it is not known (see `unreadable`).
    pub driver: Option<String>,
    /// Null unless it was asked for.
    pub driver_override: Option<String>,
    /// On a driver of VFIO.
    pub vfio: bool,
    /// Assignable, and on a driver that is neither VFIO's nor a stub.
    pub conflicting: bool,
    pub iommu_group: Option<u32>,
    /// The other members; null for a group of more than 64 (see `groups`), and without a group.
    pub group_members: Option<Vec<String>>,
    pub numa_node: Option<u32>,
    #[schemars(extend("enum" = ["endpoint", "bridge", "cardbus", "unknown"]))]
    pub header: &'static str,
    /// The bridge above it; null on a root bus.
    pub parent: Option<String>,
    pub boot_vga: Option<bool>,
    pub reset_methods: Option<Vec<String>>,
    /// The physical function of a virtual one.
    pub physfn: Option<String>,
    /// The virtual functions of a physical one.
    pub virtfns: Vec<String>,
    pub bars: Vec<BarView>,
    /// Only with `--with link`, and only of a function that is awake.
    pub link: Option<LinkView>,
    pub power_state: Option<String>,
    #[schemars(extend("enum" = ["ready", "possible", "blocked", "never", "undetermined"]))]
    pub passthrough: &'static str,
    /// Codes of what stands in the way, or could not be told.
    pub passthrough_reason: Vec<&'static str>,
    pub unreadable: Vec<UnreadableView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct BarView {
    pub index: u8,
    pub start: String,
    /// In bytes.
    pub size: u64,
    #[schemars(extend("enum" = ["io", "mem32", "mem64"]))]
    pub kind: &'static str,
    pub prefetchable: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct LinkView {
    pub speed: Option<String>,
    /// Lanes.
    pub width: Option<u32>,
    pub max_speed: Option<String>,
    pub max_width: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct UnreadableView {
    pub path: String,
    pub error: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct GroupView {
    pub id: u32,
    /// The kind of its domain: `DMA`, `DMA-FQ`, `identity`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub name: Option<String>,
    pub members: Vec<String>,
    /// Whether the kernel would give it to a VM as it is; null where that is not known.
    pub viable: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct InventorySummary {
    pub total: usize,
    pub vfio: usize,
    pub conflicting: usize,
    pub unbound: usize,
    pub ready: usize,
}

impl InventoryView {
    pub fn new(inventory: &Inventory) -> Self {
        let members: BTreeMap<u32, &GroupRow> =
            inventory.groups.iter().map(|group| (group.group.id, group)).collect();
        Self {
            schema: "ai-how/inventory/1",
            devices: inventory.rows.iter().map(|row| DeviceView::new(row, &members)).collect(),
            groups: inventory.groups.iter().map(GroupView::new).collect(),
            cards: None,
            summary: InventorySummary::new(inventory),
        }
    }
}

impl InventoryView {
    /// With the cards that the functions belong to.
    pub fn with_cards(host: &Host, inventory: &Inventory) -> Self {
        let cards = cards(host, inventory).iter().map(CardView::new).collect();
        Self { cards: Some(cards), ..Self::new(inventory) }
    }
}

impl InventorySummary {
    fn new(inventory: &Inventory) -> Self {
        let count = |is: fn(&Row) -> bool| inventory.rows.iter().filter(|row| is(row)).count();
        Self {
            total: inventory.rows.len(),
            vfio: count(|row| row.vfio),
            conflicting: count(|row| row.conflicting),
            unbound: count(|row| row.unbound),
            ready: count(|row| row.passthrough == Passthrough::Ready),
        }
    }
}

impl GroupView {
    fn new(row: &GroupRow) -> Self {
        Self {
            id: row.group.id,
            kind: text(&row.group.kind),
            name: text(&row.group.name),
            members: row.members.iter().map(ToString::to_string).collect(),
            viable: row.viable,
        }
    }
}

impl DeviceView {
    pub fn new(row: &Row, groups: &BTreeMap<u32, &GroupRow>) -> Self {
        let device = row.device;
        let (details, state) = (device.details.as_ref(), device.state.as_ref());
        let class = value(&device.class);
        let (vendor, id) = (value(&device.vendor), value(&device.device));
        let iommu_group = value(&device.iommu_group);
        let members = iommu_group
            .and_then(|group| groups.get(&group))
            .filter(|group| group.members.len() <= LARGEST_SHOWN_GROUP);
        let others = |group: &&GroupRow| -> Vec<String> {
            group
                .members
                .iter()
                .filter(|member| **member != device.address)
                .map(ToString::to_string)
                .collect()
        };
        Self {
            address: device.address.to_string(),
            class: class.map(|class| class.to_string()),
            class_name: class.and_then(|class| names::class(class.0)),
            device_type: row.device_type.as_str(),
            vendor_id: vendor.map(|vendor| vendor.to_string()),
            device_id: id.map(|id| id.to_string()),
            subsystem_vendor_id: details
                .and_then(|it| value(&it.subsystem_vendor))
                .map(|id| id.to_string()),
            subsystem_device_id: details
                .and_then(|it| value(&it.subsystem_device))
                .map(|id| id.to_string()),
            revision: details
                .and_then(|it| value(&it.revision))
                .map(|revision| format!("{revision:02x}")),
            vendor_name: vendor.and_then(|vendor| names::vendor(vendor.0)),
            device_name: device_name(device),
            driver: text(&device.driver),
            driver_override: device.driver_override.as_ref().and_then(text),
            vfio: row.vfio,
            conflicting: row.conflicting,
            iommu_group,
            group_members: members.map(others),
            numa_node: state.and_then(|it| value(&it.numa_node)),
            header: header(device),
            parent: state.and_then(|it| value(&it.parent)).map(|parent| parent.to_string()),
            boot_vga: state.and_then(|it| value(&it.boot_vga)),
            reset_methods: state.and_then(|it| value(&it.reset_methods)),
            physfn: state.and_then(|it| value(&it.physfn)).map(|physfn| physfn.to_string()),
            virtfns: state
                .and_then(|it| value(&it.virtual_functions))
                .iter()
                .flatten()
                .map(ToString::to_string)
                .collect(),
            bars: state.and_then(|it| value(&it.bars)).iter().flatten().map(BarView::new).collect(),
            link: link(device),
            power_state: state.and_then(|it| text(&it.power_state)),
            passthrough: row.passthrough.as_str(),
            passthrough_reason: row.reasons.iter().collect(),
            unreadable: unreadable(device),
        }
    }
}

impl BarView {
    fn new(bar: &Bar) -> Self {
        Self {
            index: bar.index,
            start: format!("{:#x}", bar.start),
            size: bar.size,
            kind: match bar.kind {
                BarKind::Io => "io",
                BarKind::Mem32 => "mem32",
                BarKind::Mem64 => "mem64",
            },
            prefetchable: bar.prefetchable,
        }
    }
}

/// A row for each function, the same fields as in JSON but for those that are lists of things.
pub fn csv(inventory: &Inventory) -> String {
    let view = InventoryView::new(inventory);
    let mut lines = String::from(
        "address,class,class_name,device_type,vendor_id,device_id,subsystem_vendor_id,subsystem_device_id,revision,vendor_name,device_name,driver,driver_override,vfio,conflicting,iommu_group,group_members,numa_node,header,parent,boot_vga,reset_methods,physfn,virtfns,link_speed,link_width,power_state,passthrough,passthrough_reason\n",
    );
    for device in &view.devices {
        let or_empty = |value: &Option<String>| value.clone().unwrap_or_default();
        let number =
            |value: Option<u32>| value.map(|number| number.to_string()).unwrap_or_default();
        let list = |value: &Option<Vec<String>>| {
            value.as_ref().map(|list| list.join(" ")).unwrap_or_default()
        };
        let fields = [
            device.address.clone(),
            or_empty(&device.class),
            device.class_name.unwrap_or_default().to_owned(),
            device.device_type.to_owned(),
            or_empty(&device.vendor_id),
            or_empty(&device.device_id),
            or_empty(&device.subsystem_vendor_id),
            or_empty(&device.subsystem_device_id),
            or_empty(&device.revision),
            device.vendor_name.unwrap_or_default().to_owned(),
            device.device_name.unwrap_or_default().to_owned(),
            or_empty(&device.driver),
            or_empty(&device.driver_override),
            device.vfio.to_string(),
            device.conflicting.to_string(),
            number(device.iommu_group),
            list(&device.group_members),
            number(device.numa_node),
            device.header.to_owned(),
            or_empty(&device.parent),
            device.boot_vga.map(|it| it.to_string()).unwrap_or_default(),
            list(&device.reset_methods),
            or_empty(&device.physfn),
            device.virtfns.join(" "),
            device.link.as_ref().map(|link| or_empty(&link.speed)).unwrap_or_default(),
            number(device.link.as_ref().and_then(|link| link.width)),
            or_empty(&device.power_state),
            device.passthrough.to_owned(),
            device.passthrough_reason.join(" "),
        ];
        let quoted: Vec<String> = fields.iter().map(|field| csv_field(&escaped(field))).collect();
        lines += &quoted.join(",");
        lines.push('\n');
    }
    lines
}

/// RFC 4180.
fn csv_field(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// A line for each function; the name is cut where the terminal ends.
pub fn table(inventory: &Inventory, paint: Paint) -> String {
    let heads = ["ADDRESS", "GROUP", "NUMA", "DRIVER", "PASSTHROUGH", "NAME"].map(str::to_owned);
    let mut widths = [0; 5];
    // Cells are made twice, so that those of thousands of functions need no room.
    for cells in std::iter::once(heads.clone()).chain(inventory.rows.iter().map(cells)) {
        for (width, cell) in widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    // A long name of a driver leaves the device's name some room.
    let used: usize = widths.iter().map(|width| width + 2).sum::<usize>() + LEAST;
    let excess = paint.width.map_or(0, |width| used.saturating_sub(width));
    widths[3] = widths[3].saturating_sub(excess).max(LEAST.min(widths[3]));
    let mut table = line_of(&heads, &widths, None, paint);
    for row in &inventory.rows {
        let mut cells = cells(row);
        cells[3] = paint.cut(&cells[3], Some(widths[3]));
        table += &line_of(&cells, &widths, Some(row), paint);
    }
    table + &paint.wrapped("", &summary_line(inventory))
}

fn cells(row: &Row) -> [String; 6] {
    let device = row.device;
    let node = device.state.as_ref().and_then(|it| value(&it.numa_node));
    [
        device.address.to_string(),
        number_or_unknown(&device.iommu_group),
        node.map_or_else(|| "-".to_owned(), |node| node.to_string()),
        driver_words(row),
        passthrough_words(row),
        name(device),
    ]
}

fn line_of(cells: &[String; 6], widths: &[usize; 5], row: Option<&Row>, paint: Paint) -> String {
    let mut line = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let pad = " ".repeat(width - cell.chars().count() + 2);
        line += &match row {
            None => paint.bold(cell),
            Some(row) if column == 4 => coloured(row, cell, paint),
            Some(_) => cell.clone(),
        };
        line += &pad;
    }
    let used: usize = widths.iter().map(|width| width + 2).sum();
    line += &paint.cut(&cells[5], paint.width.map(|width| width.saturating_sub(used).max(LEAST)));
    line.trim_end().to_owned() + "\n"
}

/// Columns that any name has on a terminal.
const LEAST: usize = 8;

/// Bridges above what is behind them.
pub fn tree(inventory: &Inventory, paint: Paint) -> String {
    let parent_of = |row: &Row| row.device.state.as_ref().and_then(|it| value(&it.parent));
    let shown: BTreeSet<Address> = inventory.rows.iter().map(|row| row.device.address).collect();
    let mut below: BTreeMap<Option<Address>, Vec<&Row>> = BTreeMap::new();
    for row in &inventory.rows {
        // What is above a function that was filtered out, or was not captured, is not shown.
        below.entry(parent_of(row).filter(|parent| shown.contains(parent))).or_default().push(row);
    }
    let mut text = String::new();
    let mut seen = BTreeSet::new();
    draw(None, &below, ("", 0), paint, &mut seen, &mut text);
    // A capture can put functions above one another in a ring, which hangs on nothing.
    for row in &inventory.rows {
        if !seen.contains(&row.device.address) {
            let alone = BTreeMap::from([(None, vec![row])]);
            draw(None, &alone, ("", 0), paint, &mut seen, &mut text);
        }
    }
    text + &paint.wrapped("", &summary_line(inventory))
}

/// Deeper than buses can nest on a machine with 256 of them; a capture can claim any depth.
const DEEPEST: usize = 64;

/// Draws what is below a function, `lead` before each line. What is left out for its depth is
/// not `seen`.
fn draw(
    parent: Option<Address>,
    below: &BTreeMap<Option<Address>, Vec<&Row>>,
    (indent, depth): (&str, usize),
    paint: Paint,
    seen: &mut BTreeSet<Address>,
    text: &mut String,
) {
    let rows = below.get(&parent).filter(|_| depth <= DEEPEST).map_or(&[][..], Vec::as_slice);
    let (branch, last_branch, bar) =
        if paint.unicode { ("├─ ", "└─ ", "│  ") } else { ("|- ", "`- ", "|  ") };
    for (at, row) in rows.iter().enumerate() {
        let address = row.device.address;
        // A capture can make a function its own ancestor.
        if !seen.insert(address) {
            continue;
        }
        let last = at + 1 == rows.len();
        let (own, deeper) = match (parent, last) {
            (None, _) => ("", ""),
            (Some(_), false) => (branch, bar),
            (Some(_), true) => (last_branch, "   "),
        };
        let lead = format!("{indent}{own}");
        let group = number_or_unknown(&row.device.iommu_group);
        let said = passthrough_words(row);
        let before = format!("{lead}{address}  group {group}  ");
        // What is left for the driver and the name, without the spaces between them.
        let room = paint.width.map(|width| {
            let taken = before.chars().count() + said.chars().count() + 4;
            width.saturating_sub(taken).max(2 * LEAST)
        });
        let driver = paint.cut(&driver_words(row), room.map(|room| room - LEAST));
        let room = room.map(|room| room - driver.chars().count());
        let words = format!("{before}{driver}  ");
        let line = format!(
            "{words}{}  {}",
            coloured(row, &said, paint),
            paint.cut(&name(row.device), room)
        );
        *text += line.trim_end();
        text.push('\n');
        let inner = format!("{indent}{deeper}");
        draw(Some(address), below, (&inner, depth + 1), paint, seen, text);
    }
}

pub fn summary_line(inventory: &Inventory) -> String {
    let InventorySummary { total, vfio, conflicting, unbound, ready } =
        InventorySummary::new(inventory);
    let never = inventory.rows.iter().filter(|row| row.passthrough == Passthrough::Never).count();
    let bridges = if never > 0 { format!(", {never} never passed") } else { String::new() };
    format!(
        "{}: {vfio} on VFIO, {conflicting} on a driver of the host, {unbound} unbound{bridges}; {ready} ready",
        super::text::counted(total, "function")
    )
}

fn coloured(row: &Row, text: &str, paint: Paint) -> String {
    match row.passthrough {
        Passthrough::Ready => paint.verdict(Verdict::Ready, text),
        Passthrough::Blocked => paint.verdict(Verdict::Blocked, text),
        Passthrough::Undetermined | Passthrough::Possible => {
            paint.verdict(Verdict::Undetermined, text)
        }
        Passthrough::Never => paint.dim(text),
    }
}

pub fn driver_words(row: &Row) -> String {
    match row.device.driver.known() {
        Ok(Some(driver)) => escaped(driver),
        Ok(None) => "-".to_owned(),
        Err(_) => "?".to_owned(),
    }
}

pub fn passthrough_coloured(row: &Row, paint: Paint) -> String {
    coloured(row, &passthrough_words(row), paint)
}

fn passthrough_words(row: &Row) -> String {
    let word = row.passthrough.as_str();
    match (row.passthrough, row.reasons.len()) {
        (Passthrough::Never, _) | (_, 0) => word.to_owned(),
        (_, 1) => format!("{word} {}", row.first_reason.unwrap_or_default()),
        (_, more) => format!("{word} {} +{}", row.first_reason.unwrap_or_default(), more - 1),
    }
}

/// Class, vendor and device in words, or their numbers.
pub fn name(device: &Device) -> String {
    let class = value(&device.class);
    let class = class
        .map(|class| names::class(class.0).map_or_else(|| format!("class {class}"), str::to_owned));
    let digits = |reading: &Reading<_>| {
        value(reading).map_or_else(|| "????".to_owned(), |id: crate::pci::PciId| id.to_string())
    };
    let vendor = value(&device.vendor).and_then(|vendor| names::vendor(vendor.0));
    let vendor = vendor.map_or_else(|| format!("vendor {}", digits(&device.vendor)), str::to_owned);
    let model = device_name(device)
        .map_or_else(|| format!("device {}", digits(&device.device)), str::to_owned);
    format!("{}: {vendor} {model}", class.unwrap_or_else(|| "class unknown".to_owned()))
}

fn device_name(device: &Device) -> Option<&'static str> {
    names::device(value(&device.vendor)?.0, value(&device.device)?.0)
}

fn header(device: &Device) -> &'static str {
    let cardbus = value(&device.class).is_some_and(|class| class.sub() == 0x0607);
    match device.is_bus_bridge() {
        Ok(true) if cardbus => "cardbus",
        Ok(true) => "bridge",
        Ok(false) => "endpoint",
        Err(_) => "unknown",
    }
}

fn link(device: &Device) -> Option<LinkView> {
    let link = device.link.as_ref()?;
    let view = LinkView {
        speed: text(&link.speed),
        width: value(&link.width),
        max_speed: text(&link.max_speed),
        max_width: value(&link.max_width),
    };
    let has_one = view.speed.is_some() || view.width.is_some() || view.max_speed.is_some();
    has_one.then_some(view)
}

/// Every fact of the function that is not known.
fn unreadable(device: &Device) -> Vec<UnreadableView> {
    let mut gaps: Vec<Option<Gap>> = vec![
        gap(&device.class),
        gap(&device.vendor),
        gap(&device.device),
        gap(&device.driver),
        gap(&device.iommu_group),
        gap(&device.secondary_bus),
        gap(&device.vfio_dev),
    ];
    if let Some(it) = &device.details {
        gaps.extend([gap(&it.subsystem_vendor), gap(&it.subsystem_device), gap(&it.revision)]);
    }
    if let Some(it) = &device.state {
        gaps.extend([
            gap(&it.parent),
            gap(&it.boot_vga),
            gap(&it.reset_methods),
            gap(&it.physfn),
            gap(&it.virtual_functions),
            gap(&it.numa_node),
            gap(&it.bars),
            gap(&it.enabled),
            gap(&it.vfs),
            gap(&it.nodes.vfio),
            gap(&it.power_state),
        ]);
        // The methods tell that there is a reset too, and of a bridge nobody asks.
        if it.reset_methods.known() == Ok(None) && device.is_infrastructure() != Ok(true) {
            gaps.push(gap(&it.reset));
        }
        if let Some(power) = &it.power {
            gaps.extend([gap(&power.control), gap(&power.runtime_status)]);
        }
    }
    if let Some(reading) = &device.driver_override {
        gaps.push(gap(reading));
    }
    let mut seen = BTreeSet::new();
    let unique = gaps.into_iter().flatten().filter(|gap| seen.insert(gap.path.clone()));
    unique.map(|gap| UnreadableView { path: gap.path, error: gap.why.to_string() }).collect()
}

fn gap<T>(reading: &Reading<T>) -> Option<Gap> {
    reading.known().err()
}

pub fn value<T: Clone>(reading: &Reading<T>) -> Option<T> {
    reading.known().ok().flatten().cloned()
}

pub fn number_or_unknown(reading: &Reading<u32>) -> String {
    match reading.known() {
        Ok(Some(number)) => number.to_string(),
        Ok(None) => "-".to_owned(),
        Err(_) => "?".to_owned(),
    }
}
