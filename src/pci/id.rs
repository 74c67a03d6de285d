//! Vendor and device ids.

use std::fmt;

/// A vendor, device or subsystem id, shown as four hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciId(pub u16);

impl PciId {
    /// Reads exactly four hexadecimal digits, as they are written in a configuration.
    pub fn from_digits(text: &str) -> Option<Self> {
        let good = text.len() == 4 && text.bytes().all(|b| b.is_ascii_hexdigit());
        good.then(|| u16::from_str_radix(text, 16).ok().map(Self)).flatten()
    }

    /// Reads sysfs's `0x%04x` (`Documentation/ABI/testing/sysfs-bus-pci`, `drivers/pci/pci-sysfs.c`).
    pub fn from_sysfs(text: &str) -> Option<Self> {
        Self::from_digits(text.strip_prefix("0x")?)
    }
}

impl fmt::Display for PciId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.0)
    }
}
