//! Why no IOMMU is at work, in the order in which the kernel decides it.

use crate::host::{BuildConfig, CommandLine, Evidence, Gap, Host, Release};

/// The cause of an IOMMU that is off.
#[derive(Debug, PartialEq, Eq)]
pub enum Cause {
    /// A virtual machine to which no virtual IOMMU was given.
    VirtualMachine,
    /// No ACPI table: off in the firmware setup, or not supported.
    Firmware,
    /// A parameter of the kernel, as it is written on its command line.
    Parameter(String),
    /// The kernel was built without the driver for this vendor's IOMMU.
    NotBuilt(&'static str),
    /// Intel, off by default in this kernel, and not asked for.
    OffByDefault,
    /// Everything asks for it, so the initialisation failed.
    Failed,
}

/// A vendor's IOMMU: its ACPI table, parameter and driver.
struct Vendor {
    table: &'static str,
    parameter: &'static str,
    option: &'static str,
}

const INTEL: Vendor =
    Vendor { table: "DMAR", parameter: "intel_iommu", option: "CONFIG_INTEL_IOMMU" };
const AMD: Vendor = Vendor { table: "IVRS", parameter: "amd_iommu", option: "CONFIG_AMD_IOMMU" };
/// The virtio IOMMU has no parameter of its own.
const VIRTIO: Vendor = Vendor { table: "VIOT", parameter: "", option: "CONFIG_VIRTIO_IOMMU" };

impl Vendor {
    /// Of `intel_iommu=` the last of `on` and `off` counts (`drivers/iommu/intel/iommu.c`,
    /// `intel_iommu_setup`); `amd_iommu=` has no `on` (`drivers/iommu/amd/init.c`,
    /// `parse_amd_iommu_options`).
    fn is_turned_off(&self, line: &CommandLine) -> bool {
        match self.parameter {
            "" => false,
            "intel_iommu" => line.last_of("intel_iommu", &["on", "off"]) == Some("off"),
            name => line.last_of(name, &["off"]).is_some(),
        }
    }
}

/// The cause and what shows it; a gap where a fact that decides is not known.
///
/// Sources: `drivers/iommu/intel/dmar.c` and `iommu.c`, `drivers/iommu/amd/init.c`,
/// `arch/x86/kernel/pci-dma.c` (`iommu=`), `Documentation/admin-guide/kernel-parameters.txt`.
pub fn find(host: &Host) -> Result<(Cause, Vec<Evidence>), Gap> {
    let Some(tables) = &host.iommu.acpi_tables else {
        return Ok((Cause::Failed, Vec::new()));
    };
    let names = tables.required()?;
    let vendor = [INTEL, AMD, VIRTIO].into_iter().find(|vendor| names.contains(vendor.table));
    let Some(vendor) = vendor else {
        let flags = host.cpu.flags.required()?;
        let evidence = vec![tables.evidence()];
        return Ok(if flags.contains("hypervisor") {
            (Cause::VirtualMachine, evidence)
        } else {
            (Cause::Firmware, evidence)
        });
    };
    let line = host.command_line.required()?;
    let shown = vec![tables.evidence(), host.command_line.evidence()];
    let release = host.release.required();
    // No word takes a mention of this back (`arch/x86/kernel/pci-dma.c`, `iommu_setup`).
    if line.last_of("iommu", &["off"]).is_some() {
        return Ok((Cause::Parameter("iommu=off".to_owned()), shown));
    }
    if soft_turns_off(line, release.as_ref().ok().copied()) {
        return Ok((Cause::Parameter("iommu=soft".to_owned()), shown));
    }
    if vendor.is_turned_off(line) {
        return Ok((Cause::Parameter(format!("{}=off", vendor.parameter)), shown));
    }
    let Some(modules) = &host.modules else { return Ok((Cause::Failed, shown)) };
    let build = modules.build.required()?;
    let asked_for = line.last_of("intel_iommu", &["on", "off"]) == Some("on");
    Ok(if build.option(vendor.option).is_none() {
        (Cause::NotBuilt(vendor.option), shown)
    } else if vendor.table == "DMAR" && !asked_for && !is_on_by_default(build) {
        (Cause::OffByDefault, shown)
    } else {
        (Cause::Failed, shown)
    })
}

/// Up to 5.17 `iommu=soft` chose the software bounce buffers in the IOMMU's place.
fn soft_turns_off(line: &CommandLine, release: Option<&Release>) -> bool {
    line.last_of("iommu", &["soft"]).is_some()
        && release.is_some_and(|release| !release.at_least(5, 18))
}

fn is_on_by_default(build: &BuildConfig) -> bool {
    build.is_built_in("CONFIG_INTEL_IOMMU_DEFAULT_ON")
        || build.is_built_in("CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF")
}
