//! The class of a function, and the device types a configuration speaks of.

use std::fmt;

/// Base class, subclass and programming interface: `0xBBSSPP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub u32);

/// What a configuration calls a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeviceType {
    Gpu,
    Network,
    Storage,
    Audio,
    Other,
}

impl Class {
    /// Reads sysfs's `0x%06x` (`drivers/pci/pci-sysfs.c`, `class_show`).
    pub fn from_sysfs(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("0x")?;
        let good = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        good.then(|| u32::from_str_radix(digits, 16).ok().map(Self)).flatten()
    }

    /// Reads `PCI_CLASS=%04X` of `uevent`, which drops leading zeros (`drivers/pci/pci-driver.c`,
    /// `pci_uevent`).
    pub fn from_uevent(digits: &str) -> Option<Self> {
        let good = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        good.then(|| u32::from_str_radix(digits, 16).ok().map(Self)).flatten()
    }

    pub fn base(self) -> u32 {
        self.0 >> 16
    }

    /// Base class and subclass: `0xBBSS`.
    pub fn sub(self) -> u32 {
        self.0 >> 8
    }

    /// The type whose devices have this class.
    pub fn device_type(self) -> DeviceType {
        match (self.base(), self.sub()) {
            (0x03 | 0x12, _) | (_, 0x0b40) => DeviceType::Gpu,
            (0x02 | 0x0d, _) => DeviceType::Network,
            (0x01, _) => DeviceType::Storage,
            (_, 0x0401 | 0x0403 | 0x0480) => DeviceType::Audio,
            _ => DeviceType::Other,
        }
    }

    /// PCI-to-PCI and `CardBus` bridges: the classes the kernel takes only with a bridge's header
    /// (`drivers/pci/probe.c`, `pci_setup_device`).
    pub fn is_bus_bridge(self) -> bool {
        matches!(self.sub(), 0x0604 | 0x0607 | 0x0609)
    }

    /// Host and ISA/LPC bridges, which nobody can pass to a VM.
    pub fn is_chipset_bridge(self) -> bool {
        matches!(self.sub(), 0x0600 | 0x0601)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06x}", self.0)
    }
}

impl DeviceType {
    pub const ALL: [Self; 5] = [Self::Gpu, Self::Network, Self::Storage, Self::Audio, Self::Other];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::Network => "network",
            Self::Storage => "storage",
            Self::Audio => "audio",
            Self::Other => "other",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_read_in_both_forms() {
        assert_eq!(Class::from_sysfs("0x030000"), Some(Class(0x03_0000)));
        assert_eq!(Class::from_sysfs("0x3000"), None);
        assert_eq!(Class::from_uevent("30000"), Some(Class(0x03_0000)));
        assert_eq!(Class::from_uevent(""), None);
    }

    #[test]
    fn types_follow_the_class() {
        for (class, kind) in [
            (0x03_0200, DeviceType::Gpu),
            (0x12_0000, DeviceType::Gpu),
            (0x0b_4000, DeviceType::Gpu),
            (0x02_0000, DeviceType::Network),
            (0x0d_1100, DeviceType::Network),
            (0x01_0802, DeviceType::Storage),
            (0x04_0300, DeviceType::Audio),
            (0x04_0000, DeviceType::Other),
            (0x06_8000, DeviceType::Other),
        ] {
            assert_eq!(Class(class).device_type(), kind, "{class:06x}");
        }
    }
}
