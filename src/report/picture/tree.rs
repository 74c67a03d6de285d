//! The machine as boxes within boxes: NUMA nodes, root complexes, bridges, functions. What is
//! alike and of no interest is one box.

use std::collections::{BTreeMap, BTreeSet};

use super::marks::Marks;
use crate::inventory::{Inventory, Row};
use crate::pci::{Address, Class, DeviceType};
use crate::report::inventory::value;

/// The root complexes near one NUMA node.
#[derive(Debug)]
pub struct Near<'a> {
    /// None where the firmware tells of no node, or it is not known.
    pub node: Option<u32>,
    pub roots: Vec<RootBus<'a>>,
}

#[derive(Debug)]
pub struct RootBus<'a> {
    pub domain: u32,
    pub bus: u8,
    pub boxes: Vec<Branch<'a>>,
}

/// A function, or several that are alike, each with what is below it.
#[derive(Debug)]
pub struct Branch<'a> {
    /// Never empty.
    pub functions: Vec<&'a Row<'a>>,
    /// They are virtual functions of the box above.
    pub virtual_functions: bool,
    /// For alike boxes, what is alike below them.
    pub below: Vec<Branch<'a>>,
}

/// As many alike and uninteresting boxes beside each other become one.
const ALIKE: usize = 3;
/// Deeper than buses can nest on a machine with 256 of them; a capture can claim any depth.
const DEEPEST: usize = 64;

pub fn tree<'a>(inventory: &'a Inventory<'a>, marks: &Marks) -> Vec<Near<'a>> {
    let shown: BTreeSet<Address> = inventory.rows.iter().map(|row| row.device.address).collect();
    let mut below: BTreeMap<Address, Vec<&Row>> = BTreeMap::new();
    let mut roots: BTreeMap<(u32, u8), Vec<&Row>> = BTreeMap::new();
    for row in &inventory.rows {
        let state = row.device.state.as_ref();
        let above = state
            .and_then(|it| value(&it.physfn))
            .or_else(|| state.and_then(|it| value(&it.parent)))
            .filter(|above| shown.contains(above));
        match above {
            Some(above) => below.entry(above).or_default().push(row),
            None => roots.entry(root_of(row)).or_default().push(row),
        }
    }
    let mut builder = Builder { below, marks, seen: BTreeSet::new() };
    let mut made: BTreeMap<(u32, u8), Vec<Branch>> = BTreeMap::new();
    for (root, rows) in roots {
        made.insert(root, builder.boxes(&rows, 0));
    }
    // A capture can put functions above one another in a ring, which hangs on nothing.
    for row in &inventory.rows {
        if !builder.seen.contains(&row.device.address) {
            made.entry(root_of(row)).or_default().extend(builder.boxes(&[row], 0));
        }
    }
    let mut near: BTreeMap<(bool, Option<u32>), Vec<RootBus>> = BTreeMap::new();
    for ((domain, bus), boxes) in made {
        let node = node_of(&boxes);
        near.entry((node.is_none(), node)).or_default().push(RootBus { domain, bus, boxes });
    }
    near.into_iter().map(|((_, node), roots)| Near { node, roots }).collect()
}

impl<'a> Branch<'a> {
    pub fn first(&self) -> &'a Row<'a> {
        self.functions[0]
    }

    /// Drawn low: a bridge, or a part of the chipset that nobody can pass.
    pub fn is_slim(&self) -> bool {
        self.first().device.is_infrastructure() == Ok(true)
    }

    /// The IOMMU group of all its functions; none where they have several, or none.
    pub fn group(&self) -> Option<u32> {
        let group = value(&self.first().device.iommu_group)?;
        let same = |row: &&Row| value(&row.device.iommu_group) == Some(group);
        self.functions.iter().all(same).then_some(group)
    }
}

fn root_of(row: &Row) -> (u32, u8) {
    (row.device.address.domain, row.device.address.bus)
}

struct Builder<'a, 'b> {
    below: BTreeMap<Address, Vec<&'a Row<'a>>>,
    marks: &'b Marks,
    seen: BTreeSet<Address>,
}

impl<'a> Builder<'a, '_> {
    /// The boxes of functions beside each other, and of all that is below them.
    fn boxes(&mut self, rows: &[&'a Row<'a>], depth: usize) -> Vec<Branch<'a>> {
        if depth > DEEPEST {
            return Vec::new();
        }
        let mut boxes = Vec::new();
        for &row in rows {
            let address = row.device.address;
            // A capture can make a function its own ancestor.
            if !self.seen.insert(address) {
                continue;
            }
            let beneath = self.below.get(&address).cloned().unwrap_or_default();
            let is_vf = row.device.state.as_ref().is_some_and(|it| value(&it.physfn).is_some());
            boxes.push(Branch {
                functions: vec![row],
                virtual_functions: is_vf && depth > 0,
                below: self.boxes(&beneath, depth + 1),
            });
        }
        self.merged(boxes)
    }

    /// With what is alike as one box, where the first of it stands.
    fn merged(&self, boxes: Vec<Branch<'a>>) -> Vec<Branch<'a>> {
        let looks: Vec<Option<String>> = boxes.iter().map(|it| self.look(it)).collect();
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        for look in looks.iter().flatten() {
            *counts.entry(look).or_default() += 1;
        }
        let mut result: Vec<Branch> = Vec::new();
        let mut at: BTreeMap<&String, usize> = BTreeMap::new();
        for (item, look) in boxes.into_iter().zip(&looks) {
            let look = look.as_ref().filter(|look| counts[look] >= ALIKE);
            if let Some(&place) = look.and_then(|look| at.get(look)) {
                result[place].take(item);
                continue;
            }
            if let Some(look) = look {
                at.insert(look, result.len());
            }
            result.push(item);
        }
        result
    }

    /// What makes a box alike another; none where it is of interest by itself.
    fn look(&self, item: &Branch) -> Option<String> {
        let row = item.first();
        let own_group = value(&row.device.iommu_group).is_some();
        let is_card = row.device_type == DeviceType::Gpu && !item.virtual_functions;
        let is_marked =
            |row: &&Row| self.marks.of(row.device.address).is_some_and(super::Mark::is_of_interest);
        if is_card || item.functions.iter().any(is_marked) {
            return None;
        }
        let class = value(&row.device.class).map(Class::sub);
        let driver = row.device.driver.known().map(Option::<&String>::cloned).ok();
        let mut look = format!(
            "{class:?} {:?} {driver:?} {} {own_group} {} {}",
            value(&row.device.vendor),
            row.passthrough.as_str(),
            item.virtual_functions,
            item.functions.len(),
        );
        for below in &item.below {
            look += &format!("[{}]", self.look(below)?);
        }
        Some(look)
    }
}

impl Branch<'_> {
    /// Takes in one that looks the same.
    fn take(&mut self, other: Self) {
        self.functions.extend(other.functions);
        for (own, others) in self.below.iter_mut().zip(other.below) {
            own.take(others);
        }
    }
}

/// The NUMA node that most functions of a root complex are near.
fn node_of(boxes: &[Branch]) -> Option<u32> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    count_nodes(boxes, &mut counts);
    let most = counts.values().max().copied()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(node, _)| node)
}

fn count_nodes(boxes: &[Branch], counts: &mut BTreeMap<u32, usize>) {
    for item in boxes {
        for row in &item.functions {
            if let Some(node) = row.device.state.as_ref().and_then(|it| value(&it.numa_node)) {
                *counts.entry(node).or_default() += 1;
            }
        }
        count_nodes(&item.below, counts);
    }
}
