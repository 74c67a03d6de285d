//! What the kernel's log says of the IOMMU and of ACS; nothing else of it is kept
//! (`Documentation/ABI/testing/dev-kmsg`).

use super::reading::Reading;
use super::root::Root;
use crate::pci::Address;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelLog {
    /// Messages about the IOMMU and ACS, and the one by which the kernel begins.
    messages: Vec<String>,
}

/// Of a patch that many kernels carry (`https://lkml.org/lkml/2013/5/30/513`).
const ACS_OVERRIDDEN: &str = "Warning: PCIe ACS overrides enabled";
/// The first that a kernel says (`init/main.c`, `start_kernel`), before it reads its parameters.
const FIRST: &str = "Linux version ";

pub fn read(root: &Root) -> Reading<KernelLog> {
    let log = root.kernel_log().parse("the kernel's log", |text| Some(KernelLog::parse(text)));
    log.showing(|log| match (log.acs_overridden(), log.is_from_the_start()) {
        (Some(message), _) => message.to_owned(),
        (None, true) => "(no word of ACS overrides)".to_owned(),
        (None, false) => "(its beginning is gone, and no word of ACS overrides)".to_owned(),
    })
}

impl KernelLog {
    fn parse(text: &str) -> Self {
        Self { messages: text.lines().filter_map(kept).map(str::to_owned).collect() }
    }

    /// What the kernel said when it took isolation for granted that the hardware does not promise.
    pub fn acs_overridden(&self) -> Option<&str> {
        self.messages.iter().map(String::as_str).find(|it| it.starts_with(ACS_OVERRIDDEN))
    }

    /// Whether what was said at boot is still there, so that silence is an answer.
    pub fn is_from_the_start(&self) -> bool {
        self.messages.iter().any(|message| message.starts_with(FIRST))
    }
}

/// The message of a line, where it is one about the IOMMU or ACS and holds nothing else. The kernel's
/// command line, which it says too, is none.
pub fn kept(line: &str) -> Option<&str> {
    const STARTS: &[&str] = &[FIRST, "Warning: PCIe ACS", "PCIe ACS", "DMAR", "AMD-Vi", "iommu: "];
    const OF_FUNCTIONS: &[&str] =
        &["Adding to iommu group ", "Removing from iommu group ", "AMD-Vi: ", "DMAR: "];
    let message = message(line)?;
    let said = || {
        let (who, said) = message.split_once(": ")?;
        let (driver, function) = who.split_once(' ')?;
        Address::from_sysfs(function).filter(|_| matches!(driver, "pci" | "pcieport"))?;
        Some(said)
    };
    let of_function =
        |said: &str| OF_FUNCTIONS.iter().any(|it| said.starts_with(it)) || said.contains("ACS ");
    let about = STARTS.iter().any(|start| message.starts_with(start));
    (about || said().is_some_and(of_function)).then_some(message)
}

/// Without what stands before it: `6,0,0,-;` of the device, `<6>[    0.000000]` of `dmesg`, and
/// `kernel:` of the journal. Lines that go on with one before have a blank in front.
fn message(line: &str) -> Option<&str> {
    if line.starts_with(' ') {
        return None;
    }
    let mut rest = line;
    if let Some((before, message)) = line.split_once(';')
        && before.split(',').count() >= 4
        && before.split(',').take(3).all(|it| it.bytes().all(|byte| byte.is_ascii_digit()))
    {
        rest = message;
    }
    if let Some((level, message)) = rest.strip_prefix('<').and_then(|it| it.split_once('>'))
        && level.bytes().all(|byte| byte.is_ascii_digit())
    {
        rest = message;
    }
    while let Some((_, message)) = rest.strip_prefix('[').and_then(|it| it.split_once(']')) {
        rest = message.trim_start();
    }
    Some(rest.strip_prefix("kernel: ").unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_in_each_form_of_the_log() {
        for line in [
            "4,12,0,-;Warning: PCIe ACS overrides enabled; This may allow",
            "4,12,0,-,caller=T0;Warning: PCIe ACS overrides enabled; This may allow",
            "[    0.000000] Warning: PCIe ACS overrides enabled; This may allow",
            "<4>[    0.000000][    T0] Warning: PCIe ACS overrides enabled; This may allow",
            "[Mon Nov  2 10:00:00 2026] Warning: PCIe ACS overrides enabled; This may allow",
            "[    0.000000] kernel: Warning: PCIe ACS overrides enabled; This may allow",
            "Warning: PCIe ACS overrides enabled; This may allow",
        ] {
            assert_eq!(
                kept(line),
                Some("Warning: PCIe ACS overrides enabled; This may allow"),
                "{line}"
            );
        }
    }

    #[test]
    fn only_what_is_about_the_iommu_and_acs_is_kept() {
        for line in [
            "[    0.0] DMAR: IOMMU enabled",
            "[    0.0] DMAR-IR: Enabled IRQ remapping in x2apic mode",
            "[    0.0] AMD-Vi: Interrupt remapping enabled",
            "[    0.0] pci 0000:00:00.2: AMD-Vi: IOMMU performance counters supported",
            "[    0.0] pci 0000:01:00.0: Adding to iommu group 16",
            "[    0.0] pcieport 0000:00:1c.0: Intel SPT PCH root port ACS workaround enabled",
            "[    0.0] iommu: Default domain type: Translated",
        ] {
            assert!(kept(line).is_some(), "{line}");
        }
        for line in [
            "[    0.0] Command line: root=UUID=1 iommu=pt pcie_acs_override=downstream",
            "[    0.0] Kernel command line: iommu=pt ACS secret",
            "[    0.0] Unknown kernel command line parameters \"pcie_acs_override=downstream\"",
            "[    9.0] usb 1-3: SerialNumber: DMAR",
            "[    9.0] alice 0000:01:00.0: Adding to iommu group 16",
            "[    9.0] systemd[1]: Hostname set to <DMAR>",
            " SUBSYSTEM=pci",
            "",
        ] {
            assert_eq!(kept(line), None, "{line}");
        }
    }

    #[test]
    fn silence_is_an_answer_only_from_the_start() {
        let whole = KernelLog::parse("6,0,0,-;Linux version 6.8.12-8-pve (x@y) #1\n6,1,0,-;x\n");
        assert!(whole.is_from_the_start() && whole.acs_overridden().is_none());
        assert!(!KernelLog::parse("6,900,0,-;DMAR: x\n").is_from_the_start());
    }
}
