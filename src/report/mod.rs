//! What was judged, for people and for programs.
//!
//! *Invariant:* a report decides nothing. JSON is made of types of its own ([`view`]), versioned,
//! never a dump of what the program works with.

pub mod cards;
pub mod diff;
pub mod doctor;
pub mod explain;
pub mod fleet;
pub mod html;
pub mod inventory;
pub mod junit;
mod markup;
pub mod nfd;
pub mod paint;
pub mod picture;
pub mod prometheus;
pub mod sarif;
pub mod script;
pub mod snippet;
pub mod text;
pub mod view;
