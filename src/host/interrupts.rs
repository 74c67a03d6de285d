//! Whether interrupts are remapped, and whether VFIO insists on it.

use super::reading::{HostPath, Reading, Why};
use super::root::Root;

#[derive(Debug)]
pub struct Interrupts {
    /// Whether an interrupt controller named `IR-…` is in use: x86 names them so when interrupts
    /// go through the IOMMU (`arch/x86/kernel/apic/io_apic.c`, `arch/x86/kernel/apic/msi.c`).
    pub remapped: Reading<bool>,
    /// `allow_unsafe_interrupts` of `vfio_iommu_type1`; absent where that is not at work.
    pub type1_unsafe: Reading<bool>,
    /// The same of `iommufd`.
    pub iommufd_unsafe: Reading<bool>,
}

pub fn read(root: &Root) -> Interrupts {
    let parameter = |module| super::kernel::read_switch(root, module, "allow_unsafe_interrupts");
    Interrupts {
        remapped: by_table(root).or(|| by_chip_names(root)).absent_means(Why::NotCaptured),
        type1_unsafe: parameter("vfio_iommu_type1"),
        iommufd_unsafe: parameter("iommufd"),
    }
}

/// `/proc/interrupts`: a column of counts for each processor, then the chip's name
/// (`kernel/irq/proc.c`, `show_interrupts`).
fn by_table(root: &Root) -> Reading<bool> {
    let path = HostPath::from("/proc/interrupts");
    let table = root.text(&path);
    let first = table.known().ok().flatten().and_then(|text| remapping_chip(text));
    let (remapped, shown) = match first {
        Some(chip) => (true, chip.to_owned()),
        None => (false, "(no controller named IR-...)".to_owned()),
    };
    let parsed = table.parse("a table of interrupts", |text| {
        text.lines().next()?.trim_start().starts_with("CPU").then_some(())
    });
    match parsed.known() {
        Ok(Some(())) => Reading::present(path, remapped, shown),
        Ok(None) => Reading::absent(path),
        Err(gap) => Reading::unknown(path, gap.why),
    }
}

/// The chip stands behind a count for each processor; what comes after it are names that drivers
/// choose.
fn remapping_chip(table: &str) -> Option<&str> {
    let processors = table.lines().next()?.split_ascii_whitespace().count();
    let chips = table.lines().skip(1).filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let numbered = words.next()?.ends_with(':');
        words.nth(processors).filter(|_| numbered)
    });
    chips.into_iter().find(|chip| chip.starts_with("IR-"))
}

/// `/sys/kernel/irq/N/chip_name` (`Documentation/ABI/testing/sysfs-kernel-irq`).
fn by_chip_names(root: &Root) -> Reading<bool> {
    let path = HostPath::from("/sys/kernel/irq");
    let numbers = root.list(&path);
    let numbers = match numbers.known() {
        Ok(Some(numbers)) => numbers.clone(),
        Ok(None) => return Reading::absent(path),
        Err(gap) => return Reading::unknown(path, gap.why),
    };
    let mut open = None;
    for number in &numbers {
        let chip = root.text(&format!("/sys/kernel/irq/{number}/chip_name").into());
        match chip.known() {
            Ok(Some(name)) if name.starts_with("IR-") => {
                return Reading::present(chip.path().clone(), true, name.clone());
            }
            Ok(_) => {}
            Err(gap) => open = Some(gap.why),
        }
    }
    match open {
        Some(why) => Reading::unknown(path, why),
        None if numbers.is_empty() => Reading::unknown(path, Why::Missing),
        None => Reading::present(path, false, "(no controller named IR-...)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_may_have_any_name() {
        let table = |chip| format!("      CPU0  CPU1\n 24:   1  2   {chip}  0-edge  IR-receiver\n");
        let remapped = table("IR-PCI-MSIX-0000:02:00.0");
        assert_eq!(remapping_chip(&remapped), Some("IR-PCI-MSIX-0000:02:00.0"));
        let plain = " CPU0 CPU1\n 24: 1 2 PCI-MSI 0-edge IR-receiver\n";
        assert_eq!(remapping_chip(plain), None);
    }
}
