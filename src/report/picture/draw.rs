//! Places boxes and draws them.

use std::collections::BTreeMap;

use super::fit::{fitted, mono_width, width};
use super::tree::{Branch, Near};
use super::words::{self, Sign};
use super::{STYLE, Scene, palette};
use crate::inventory::Inventory;
use crate::pci::{Address, DeviceType};
use crate::policy::Verdict;
use crate::report::markup::{Attribute, Markup};
use crate::report::text::counted;

/// Where the picture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// With its own style, and nothing to go to.
    Alone,
    /// In a page with style and places to go to.
    Page,
}

const MARGIN: f64 = 10.0;
const PAD: f64 = 10.0;
const HEAD: f64 = 24.0;
const INDENT: f64 = 24.0;
/// Deeper ones stand as far right as this.
const MOST_INDENTS: usize = 8;
const CARD: f64 = 46.0;
const SLIM: f64 = 26.0;
const GAP: f64 = 7.0;
const FRAME_HEAD: f64 = 20.0;
const FRAME_FOOT: f64 = 7.0;
/// How wide the panel of a NUMA node is.
const RIGHT: f64 = 610.0;
/// Where all boxes end.
const CARD_RIGHT: f64 = MARGIN + RIGHT - 3.0 * PAD;
const VM_LEFT: f64 = 720.0;
const VM_WIDTH: f64 = 210.0;
const VM_HEIGHT: f64 = 46.0;
/// Bold letters of 13 are as wide as plain ones of this size.
const BOLD: f64 = 14.8;

pub fn svg(page: &mut Markup, scene: Scene, near: &[Near], place: Place) {
    let layout = Layout::new(scene, near);
    let width = if layout.vms.is_empty() { RIGHT } else { VM_LEFT + VM_WIDTH } + 2.0 * MARGIN;
    let view = format!("0 0 {width} {}", layout.height);
    let (role, label) = match place {
        Place::Alone => ("img", "The machine: root complexes, functions, IOMMU groups, VMs"),
        Place::Page => ("group", "The machine: root complexes, functions, IOMMU groups, VMs"),
    };
    page.element(
        "svg",
        &[
            ("xmlns", &"http://www.w3.org/2000/svg"),
            ("width", &width),
            ("height", &layout.height),
            ("viewBox", &view),
            ("role", &role),
            ("aria-label", &label),
        ],
        |page| {
            if place == Place::Alone {
                page.element("style", &[], |page| page.text(palette::resolved(STYLE)));
                rect(page, "p-back", (0.0, 0.0, width, layout.height), 0.0);
            }
            Pen { page, scene, place }.all(&layout);
        },
    );
}

/// Everything with its place.
struct Layout<'a> {
    /// Class, left, top, width, height.
    panels: Vec<(&'static str, Area)>,
    heads: Vec<(f64, f64, String)>,
    lines: Vec<Line<'a>>,
    frames: Vec<Frame>,
    rails: Vec<String>,
    vms: Vec<VmBox>,
    wires: Vec<(Verdict, f64, f64)>,
    height: f64,
}

/// Left, top, width, height.
type Area = (f64, f64, f64, f64);

struct Line<'a> {
    branch: &'a Branch<'a>,
    depth: usize,
    left: f64,
    top: f64,
    height: f64,
    group: Option<u32>,
}

struct Frame {
    group: u32,
    area: Area,
    /// Other members stand elsewhere.
    is_part: bool,
}

struct VmBox {
    number: usize,
    top: f64,
    height: f64,
    /// Wanted functions that are not among the boxes.
    elsewhere: Vec<Address>,
}

impl Line<'_> {
    fn middle(&self) -> f64 {
        self.top + self.height / 2.0
    }
}

impl<'a> Layout<'a> {
    fn new(scene: Scene, near: &'a [Near<'a>]) -> Self {
        let mut layout = Self {
            panels: Vec::new(),
            heads: Vec::new(),
            lines: Vec::new(),
            frames: Vec::new(),
            rails: Vec::new(),
            vms: Vec::new(),
            wires: Vec::new(),
            height: MARGIN,
        };
        let sizes: BTreeMap<u32, usize> = scene
            .inventory
            .map(|inventory: &Inventory| &inventory.groups)
            .into_iter()
            .flatten()
            .map(|group| (group.group.id, group.members.len()))
            .collect();
        let told = near.iter().any(|near| near.node.is_some());
        for near in near {
            layout.near(near, told, &sizes);
        }
        if near.is_empty() {
            let words = match scene.inventory {
                Some(_) => "No PCI function was found.",
                None => "No host was read.",
            };
            layout.heads.push((MARGIN + PAD, MARGIN + HEAD, words.to_owned()));
            layout.height += 2.0 * HEAD;
        }
        layout.place_vms(scene);
        layout.height += MARGIN - GAP;
        layout
    }

    /// A machine that tells of no node at all has a frame without a word.
    fn near(&mut self, near: &'a Near<'a>, told: bool, sizes: &BTreeMap<u32, usize>) {
        let top = self.height;
        let panel = self.panels.len();
        self.panels.push(("p-near", (MARGIN, top, RIGHT, 0.0)));
        let words = match near.node {
            Some(node) => format!("NUMA node {node}"),
            None => "NUMA node not told".to_owned(),
        };
        if told {
            self.heads.push((MARGIN + PAD, top + 17.0, words));
            self.height += HEAD;
        } else {
            self.height += PAD;
        }
        for root in &near.roots {
            let top = self.height;
            let panel = self.panels.len();
            let left = MARGIN + PAD;
            self.panels.push(("p-root", (left, top, RIGHT - 2.0 * PAD, 0.0)));
            let words = format!("Root complex {:04x}:{:02x}", root.domain, root.bus);
            self.heads.push((left + PAD, top + 17.0, words));
            self.height += HEAD;
            let first = self.lines.len();
            self.lines(&root.boxes, 0);
            self.group_frames(first, sizes);
            self.rails(first);
            self.panels[panel].1.3 = self.height - top;
            self.height += GAP;
        }
        self.height += PAD - GAP;
        self.panels[panel].1.3 = self.height - top;
        self.height += GAP;
    }

    /// A line a box, those below a box after it; without heights yet.
    fn lines(&mut self, boxes: &'a [Branch<'a>], depth: usize) {
        #[expect(clippy::cast_precision_loss, reason = "at most the most indents")]
        let indents = depth.min(MOST_INDENTS) as f64;
        for branch in boxes {
            self.lines.push(Line {
                branch,
                depth,
                left: MARGIN + 3.0 * PAD + indents * INDENT,
                top: 0.0,
                height: if branch.is_slim() { SLIM } else { CARD },
                group: branch.group(),
            });
            self.lines(&branch.below, depth + 1);
        }
    }

    /// Sets the lines from `first` on one below the other, with a frame around those beside each
    /// other that are of one group.
    fn group_frames(&mut self, first: usize, sizes: &BTreeMap<u32, usize>) {
        let shared = |group: &u32| sizes.get(group).is_some_and(|size| *size > 1);
        let mut at = first;
        while at < self.lines.len() {
            let group = self.lines[at].group.filter(shared);
            let mut end = at + 1;
            while group.is_some() && end < self.lines.len() && self.lines[end].group == group {
                end += 1;
            }
            let top = self.height;
            if group.is_some() {
                self.height += FRAME_HEAD;
            }
            for line in &mut self.lines[at..end] {
                line.top = self.height;
                self.height += line.height + GAP;
            }
            if let Some(group) = group {
                self.height += FRAME_FOOT - GAP;
                let lefts = self.lines[at..end].iter().map(|line| line.left);
                let left = lefts.fold(RIGHT, f64::min) - PAD + 2.0;
                let area = (left, top, CARD_RIGHT + PAD - 2.0 - left, self.height - top);
                let inside: usize =
                    self.lines[at..end].iter().map(|line| line.branch.functions.len()).sum();
                let is_part = sizes.get(&group).is_some_and(|size| *size > inside);
                self.frames.push(Frame { group, area, is_part });
                self.height += GAP;
            }
            at = end;
        }
        self.height += PAD - GAP;
    }

    /// From each box to those below it.
    fn rails(&mut self, first: usize) {
        let mut above: Vec<usize> = Vec::new();
        for at in first..self.lines.len() {
            let line = &self.lines[at];
            above.truncate(line.depth);
            if let Some(&parent) = above.last() {
                let parent = &self.lines[parent];
                let x = parent.left + 11.0;
                // Of boxes that stand as far right as can be, a rail would run through one.
                if x < line.left {
                    let (from, to) = (parent.top + parent.height, line.middle());
                    self.rails.push(format!("M{x} {from}V{to}H{}", line.left));
                }
            }
            above.push(at);
        }
    }

    /// Each VM beside what it wants, in one column.
    fn place_vms(&mut self, scene: Scene) {
        let Some((judged, _)) = scene.plan else { return };
        let mut at: BTreeMap<Address, f64> = BTreeMap::new();
        for line in &self.lines {
            for row in &line.branch.functions {
                at.insert(row.device.address, line.middle());
            }
        }
        let mut wanting: Vec<(f64, usize)> = Vec::new();
        for (number, vm) in judged.vms.iter().enumerate().filter(|(_, vm)| !vm.devices.is_empty()) {
            let found: Vec<f64> =
                vm.devices.iter().filter_map(|(address, _)| at.get(address).copied()).collect();
            #[expect(clippy::cast_precision_loss, reason = "a plan has some thousand devices")]
            let mean = found.iter().sum::<f64>() / found.len() as f64;
            wanting.push((if found.is_empty() { f64::MAX } else { mean }, number));
        }
        wanting.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut free = MARGIN;
        for (middle, number) in wanting {
            let devices = &judged.vms[number].devices;
            let elsewhere: Vec<Address> = devices
                .iter()
                .map(|(address, _)| *address)
                .filter(|address| !at.contains_key(address))
                .collect();
            #[expect(clippy::cast_precision_loss, reason = "a plan has some thousand devices")]
            let height = VM_HEIGHT + 14.0 * elsewhere.len() as f64;
            let top = if middle < f64::MAX { (middle - VM_HEIGHT / 2.0).max(free) } else { free };
            let into = top + VM_HEIGHT / 2.0;
            for (address, verdict) in devices {
                if let Some(&from) = at.get(address) {
                    self.wires.push((*verdict, from, into));
                }
            }
            self.vms.push(VmBox { number, top, height, elsewhere });
            free = top + height + GAP;
        }
        // The worst is drawn last, above the others.
        self.wires.sort_by_key(|wire| wire.0);
        self.height = self.height.max(free);
    }
}

struct Pen<'a, 'b> {
    page: &'b mut Markup,
    scene: Scene<'a>,
    place: Place,
}

impl Pen<'_, '_> {
    fn all(mut self, layout: &Layout) {
        for (class, area) in &layout.panels {
            rect(self.page, class, *area, 8.0);
        }
        for (x, y, words) in &layout.heads {
            text(self.page, "p-text p-head", (*x, *y), words);
        }
        for (verdict, from, into) in &layout.wires {
            self.wire(*verdict, *from, *into);
        }
        for rail in &layout.rails {
            self.page.empty("path", &[("class", &"p-rail"), ("d", rail)]);
        }
        for frame in &layout.frames {
            self.frame(frame);
        }
        for line in &layout.lines {
            self.line(line);
        }
        for vm in &layout.vms {
            self.vm(vm);
        }
    }

    fn wire(&mut self, verdict: Verdict, from: f64, into: f64) {
        let left = CARD_RIGHT;
        let bend = left + (VM_LEFT - left) * 0.6;
        let back = VM_LEFT - (VM_LEFT - left) * 0.45;
        let path = format!("M{left} {from}C{bend} {from} {back} {into} {VM_LEFT} {into}");
        let class = format!("p-wire p-{}", Sign::from(verdict).class());
        self.page.empty("path", &[("class", &class), ("d", &path)]);
    }

    fn frame(&mut self, frame: &Frame) {
        let look = look(frame.group);
        rect(self.page, &format!("p-frame {look}"), frame.area, 8.0);
        let (x, y) = (frame.area.0 + 10.0, frame.area.1 + 14.0);
        let part = if frame.is_part { " (a part of it)" } else { "" };
        let words = format!("IOMMU group {}{part}", frame.group);
        text(self.page, &format!("p-text p-label {look}"), (x, y), &words);
    }

    fn line(&mut self, line: &Line) {
        let branch = line.branch;
        let (sign, word) = words::sign(branch, self.scene.marks, self.scene.plan.is_some());
        let name = words::name(branch);
        let wanting = self.wanting(branch);
        let spoken = [
            words::devices(branch),
            name.clone(),
            words::driver(branch),
            words::groups(branch),
            word.to_owned(),
            if wanting.is_empty() { String::new() } else { format!("for {wanting}") },
        ];
        let spoken: Vec<String> = spoken.into_iter().filter(|part| !part.is_empty()).collect();
        let spoken = spoken.join(", ");
        let target = format!("#d-{}", branch.first().device.address);
        self.link(&target, &spoken, |pen| {
            if branch.is_slim() {
                pen.slim(line, &name, sign, word);
            } else {
                pen.card(line, &name, sign, word);
            }
        });
    }

    /// Who wants a box.
    fn wanting(&self, branch: &Branch) -> String {
        let Some((_, config)) = self.scene.plan else { return String::new() };
        let marks =
            branch.functions.iter().filter_map(|row| self.scene.marks.of(row.device.address));
        let names =
            marks.flat_map(|mark| &mark.wanted).map(|(vm, _)| config.vms[*vm].name.as_str());
        names.collect::<Vec<_>>().join(", ")
    }

    fn slim(&mut self, line: &Line, name: &str, sign: Sign, word: &str) {
        let right = CARD_RIGHT;
        let area = (line.left, line.top, right - line.left, line.height);
        rect(self.page, "p-slim", area, 5.0);
        self.rest_of_stack(line, right);
        let middle = line.top + line.height / 2.0 + 4.0;
        let devices = words::devices(line.branch);
        text(self.page, "p-text p-small p-mono", (line.left + 8.0, middle), &devices);
        let used = line.left + 8.0 + mono_width(&devices) + 10.0;
        let ends = self.pill(right - 6.0, line.top + line.height / 2.0, sign, word);
        let about = format!("{name} · {}", words::driver(line.branch));
        let about = fitted(&about, ends - used - 6.0, 11.0);
        text(self.page, "p-text p-small", (used, middle), &about);
    }

    fn card(&mut self, line: &Line, name: &str, sign: Sign, word: &str) {
        let (left, top, right) = (line.left, line.top, CARD_RIGHT);
        self.rest_of_stack(line, right);
        let area = (left, top, right - left, line.height);
        // Without a plan there is no trouble, only what could be passed and what not.
        let colour = if self.scene.plan.is_some() { sign } else { Sign::Quiet };
        rect(self.page, &format!("p-card p-{}", colour.class()), area, 6.0);
        let icon = icon(line.branch.first().device_type);
        let move_to = format!("translate({} {})", left + 9.0, top + 12.0);
        self.page.empty("path", &[("class", &"p-icon"), ("transform", &move_to), ("d", &icon)]);
        let ends = self.pill(right - 8.0, top + 15.0, sign, word);
        let x = left + 40.0;
        text(self.page, "p-text p-name", (x, top + 19.0), &fitted(name, ends - x - 6.0, BOLD));
        let devices = words::devices(line.branch);
        text(self.page, "p-text p-small p-mono", (x, top + 36.0), &devices);
        let used = x + mono_width(&devices) + 10.0;
        let about = format!("{} · {}", words::driver(line.branch), words::groups(line.branch));
        let about = fitted(&about, right - used - 8.0, 11.0);
        text(self.page, "p-text p-small", (used, top + 36.0), &about);
    }

    /// The edges of further boxes behind one that stands for many.
    fn rest_of_stack(&mut self, line: &Line, right: f64) {
        if line.branch.functions.len() > 1 {
            let (left, top) = (line.left + 4.0, line.top + line.height);
            let path = format!("M{left} {}H{}", top + 2.5, right - 4.0);
            self.page.empty("path", &[("class", &"p-rail"), ("d", &path)]);
        }
    }

    /// A word in its colour, with its shape; tells where it begins.
    fn pill(&mut self, right: f64, middle: f64, sign: Sign, word: &str) -> f64 {
        if word.is_empty() {
            return right;
        }
        let wide = width(word, 11.5) + 34.0;
        let left = right - wide;
        let class = sign.class();
        rect(self.page, &format!("p-pill p-{class}"), (left, middle - 9.5, wide, 19.0), 9.5);
        self.shape(left + 8.0, middle - 6.0, sign);
        text(self.page, &format!("p-text p-word p-{class}"), (left + 24.0, middle + 4.0), word);
        left
    }

    fn shape(&mut self, x: f64, y: f64, sign: Sign) {
        let Some(path) = sign.shape() else { return };
        let class = format!("p-shape p-{}", sign.class());
        let move_to = format!("translate({x} {y})");
        self.page.empty("path", &[("class", &class), ("transform", &move_to), ("d", &path)]);
    }

    fn vm(&mut self, vm: &VmBox) {
        let Some((judged, config)) = self.scene.plan else { return };
        let verdict = judged.vms[vm.number].verdict;
        let name = &config.vms[vm.number].name;
        let sign = Sign::from(verdict);
        let spoken = format!("VM {name}, {}", verdict.as_str());
        self.link(&format!("#vm-{}", vm.number), &spoken, |pen| {
            let area = (VM_LEFT, vm.top, VM_WIDTH, vm.height);
            rect(pen.page, &format!("p-card p-{}", sign.class()), area, 6.0);
            let x = VM_LEFT + 12.0;
            let words = fitted(&format!("VM {name}"), VM_WIDTH - 24.0, BOLD);
            text(pen.page, "p-text p-name", (x, vm.top + 19.0), &words);
            pen.shape(x, vm.top + 26.0, sign);
            let count = counted(judged.vms[vm.number].devices.len(), "device");
            let class = format!("p-text p-word p-{}", sign.class());
            text(pen.page, &class, (x + 18.0, vm.top + 36.0), verdict.as_str());
            let after = x + 26.0 + width(verdict.as_str(), 11.5);
            text(pen.page, "p-text p-small", (after, vm.top + 36.0), &count);
            let mut y = vm.top + 52.0;
            for address in &vm.elsewhere {
                text(pen.page, "p-text p-small", (x, y), &format!("{address} is not here"));
                y += 14.0;
            }
        });
    }

    /// In a page something to go to; alone, a group with a hint.
    fn link(&mut self, target: &str, spoken: &str, inside: impl FnOnce(&mut Pen)) {
        let (scene, place) = (self.scene, self.place);
        let with_title = |page: &mut Markup| {
            page.leaf("title", &[], spoken);
            inside(&mut Pen { page, scene, place });
        };
        match place {
            Place::Page => self.page.element("a", &[("href", &target)], with_title),
            Place::Alone => self.page.element("g", &[], with_title),
        }
    }
}

/// How the frame of a group looks; neighbours differ in colour, and the colour is never alone.
fn look(group: u32) -> String {
    let colours = u32::try_from(palette::GROUP_COLOURS).unwrap_or(1);
    let dashes = ["p-whole", "p-dashed", "p-dotted"];
    let dash = dashes[usize::try_from(group / colours).unwrap_or(0) % dashes.len()];
    format!("p-g{} {dash}", group % colours)
}

/// In a square of 22.
fn icon(kind: DeviceType) -> &'static str {
    match kind {
        // A card with a fan.
        DeviceType::Gpu => {
            "M1 4H20V16H1ZM4 16V19H13V16M12 10a3 3 0 1 0 6 0a3 3 0 1 0-6 0M4 8H8M4 12H8"
        }
        // A plug with its contacts.
        DeviceType::Network => "M2 3H20V18H15V15H7V18H2ZM7 3V7M11 3V7M15 3V7",
        // Platters.
        DeviceType::Storage => {
            "M3 5a8 3 0 1 0 16 0a8 3 0 1 0-16 0V17a8 3 0 0 0 16 0V5M3 11a8 3 0 0 0 16 0"
        }
        // A loudspeaker.
        DeviceType::Audio => "M3 8H7L12 3V19L7 14H3ZM15 8a4 4 0 0 1 0 6M17.5 5a8 8 0 0 1 0 12",
        // A chip with its legs.
        DeviceType::Other => {
            "M5 5H17V17H5ZM8 5V2M14 5V2M8 20V17M14 20V17M5 8H2M5 14H2M20 8H17M20 14H17"
        }
    }
}

fn rect(page: &mut Markup, class: &str, (x, y, width, height): Area, round: f64) {
    let mut attributes: Vec<Attribute> =
        vec![("class", &class), ("x", &x), ("y", &y), ("width", &width), ("height", &height)];
    if round > 0.0 {
        attributes.push(("rx", &round));
    }
    page.empty("rect", &attributes);
}

fn text(page: &mut Markup, class: &str, (x, y): (f64, f64), words: &str) {
    let attributes: [Attribute; 3] = [("class", &class), ("x", &x), ("y", &y)];
    page.leaf("text", &attributes, words);
}
