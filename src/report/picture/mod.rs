//! The picture of the machine: NUMA nodes, root complexes, bridges, functions, IOMMU groups, and
//! the VMs that want functions.

mod draw;
mod fit;
mod marks;
pub mod palette;
mod tree;
mod words;

pub use marks::{Mark, Marks};
pub use tree::{Branch, Near, tree};
pub use words::{Sign, devices, name, sign, state};

use super::markup::Markup;
use crate::config::Config;
use crate::inventory::Inventory;
use crate::policy::Judged;

/// What is drawn.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The functions; none where no host was read.
    pub inventory: Option<&'a Inventory<'a>>,
    pub marks: &'a Marks,
    /// The plan, where one was judged.
    pub plan: Option<(&'a Judged, &'a Config)>,
}

/// The style of a picture, by the names of the palette.
pub const STYLE: &str = include_str!("picture.css");

/// The picture alone, for a viewer of SVG.
pub fn alone(scene: Scene) -> String {
    let near = scene.inventory.map(|inventory| tree(inventory, scene.marks)).unwrap_or_default();
    let mut page = Markup::default();
    draw::svg(&mut page, scene, &near, draw::Place::Alone);
    page.finish() + "\n"
}

/// The picture in a page that has `#d-ADDRESS` for each box and `#vm-NUMBER` for each VM.
pub fn inside(page: &mut Markup, scene: Scene, near: &[Near]) {
    draw::svg(page, scene, near, draw::Place::Page);
}
