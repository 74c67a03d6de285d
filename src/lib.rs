//! `ai-how`: will these virtual machines get these PCI devices on this host, and if not, exactly
//! why, and what is to be typed?
//!
//! The only public door is [`run`]. `ARCHITECTURE.md` tells the floors and what each may name.

mod changes;
mod cli;
mod config;
mod finding;
mod fleet;
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(test)]
mod generated;
mod host;
mod inventory;
mod pci;
mod policy;
#[cfg(test)]
mod properties;
mod remedy;
mod report;
mod rules;
mod source;

pub use cli::run;
