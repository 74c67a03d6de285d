//! How a thing is mended on this host: words, commands that can be pasted, and what takes them back.
//!
//! *Invariant:* a command is made of addresses and fixed words only, never of text from the host.
//! What depends on distribution and bootloader is told in words until it is known for sure.

mod access;
mod bind;
mod boot;
mod in_use;

pub use access::give_node;
pub use bind::{Caution, bind, detach, reserve};
pub use boot::{kernel_parameter, load_kvm, load_modules};
pub use in_use::{remove_virtual_functions, stop_users};
