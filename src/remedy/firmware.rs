//! Settings of the firmware: by the processor's name for them, and the way through the menus where
//! the board's maker always has the same.

use crate::finding::{Lasting, Remedy};

/// Turns on the IOMMU; `setting` is the processor's name for it, `after` are sentences.
pub fn iommu_on(setting: &str, after: &str) -> Remedy {
    Remedy {
        lasting: Some(Lasting::Iommu),
        ..Remedy::advice(format!("In the firmware setup turn on {setting}, and boot again.{after}"))
    }
}

/// Where the setting is on boards of this maker (`board_vendor` of DMI), by the makers' manuals;
/// none where their boards differ.
pub fn iommu_menu(board: &str, cpu: &str) -> Option<&'static str> {
    let board = board.to_ascii_lowercase();
    let made_by = |name: &str| board.starts_with(name);
    match cpu {
        "GenuineIntel" if made_by("asus") => {
            Some("Advanced > System Agent (SA) Configuration > VT-d")
        }
        "GenuineIntel" if made_by("asrock") => Some("Advanced > Chipset Configuration > VT-d"),
        "GenuineIntel" if made_by("dell") => Some("Virtualization Support > VT for Direct I/O"),
        "GenuineIntel" if made_by("lenovo") => Some("Security > Virtualization > Intel VT-d"),
        "GenuineIntel" if made_by("supermicro") => Some(
            "Advanced > Chipset Configuration > North Bridge > IIO Configuration > Intel VT for Directed I/O",
        ),
        "AuthenticAMD" if made_by("asus") => Some("Advanced > AMD CBS > IOMMU"),
        _ => None,
    }
}
