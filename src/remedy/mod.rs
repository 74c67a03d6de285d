//! How a thing is mended on this host: words, commands that can be pasted, and what takes them back.
//!
//! *Invariant:* a command is made of addresses, numbers, fixed words and [plain](is_plain) names
//! only, never of other text from the host. What hangs on distribution, bootloader and initramfs is
//! told in words until it is known for sure; [`settle()`] writes it for the host once all is judged.

mod access;
mod at_boot;
mod bind;
mod boot;
mod firmware;
mod for_good;
mod in_use;
mod loader;
mod pages;
mod settle;

pub use access::{give_node, join_group};
pub use bind::{Caution, bind, detach, reserve};
pub use boot::{kernel_parameter, load_kvm, load_modules, without_kernel_parameter};
pub use firmware::iommu_on;
pub use in_use::{remove_virtual_functions, stop_users};
pub use pages::{more_pages, pages_at_boot};
pub use settle::settle;

/// A name that stands in a command as it is.
pub fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=64).contains(&name.len()) && !name.starts_with('-') && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_drivers_stand_bare() {
        for name in ["nvidia", "snd_hda_intel", "xhci-pci", "8139too"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", "-r", "a b", "a;b", "$(reboot)", "a\nb", "a'b", "ä"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
