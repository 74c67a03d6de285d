//! The rules: one file each, and the one list of them.
//!
//! *Invariant:* a rule does no input or output, names no path of the host, and sees only the
//! configuration and the facts that were read. What it cannot know it says as a gap.

mod access;
mod claims;
mod driver;
pub mod example;
mod harm;
mod host_alone;
mod kernel_cause;
mod next_boot;
mod problem;
mod race;
mod run;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
pub mod table;
mod taken;
#[cfg(test)]
mod tests;
mod together;
mod whereabouts;

mod acs_missing;
mod acs_override;
mod address_width;
mod arch_unsupported;
mod bar_unusable;
mod binding_not_persistent;
mod boot_framebuffer;
mod bus_reset_shared;
mod config_syntax;
mod cpu_pinning;
mod device_absent;
mod device_busy;
mod device_id_mismatch;
mod device_in_counted_group;
mod device_in_two_vms;
mod device_listed_twice;
mod device_type_mismatch;
mod devices_not_enabled;
mod driver_conflict;
mod driver_race;
mod driver_stub;
mod driver_unbound;
mod duplicate_key;
mod duplicate_vm_name;
mod external_device;
mod group_incomplete;
mod group_not_viable;
mod group_split;
mod host_chipset;
mod host_disk;
mod host_display;
mod host_driver_hazard;
mod host_input;
mod host_network;
mod hugepages;
mod hypervisor_is_xen_dom0;
mod identical_card;
mod ignore_unused;
mod interrupt_remapping_off;
mod iommu_disabled;
mod iommu_group_mismatch;
mod kvm_missing;
mod kvm_no_access;
mod large_bar;
mod link_degraded;
mod memlock;
mod memory_pinned;
mod no_iommu_group;
mod no_reset;
mod noiommu_group;
mod noiommu_mode;
mod not_assignable;
mod numa_memory;
mod numa_split;
mod passthrough_without_devices;
mod pci_address_invalid;
mod pf_has_vfs;
mod policy_invalid;
mod policy_refused;
mod reserved_region;
mod schema_violation;
mod stuck_in_d3cold;
mod unknown_key;
mod unsafe_interrupts;
mod variable_unset;
mod vfio_modules_missing;
mod vfio_node_missing;
mod vfio_node_no_access;
mod vfio_node_permissions;
mod vm_ip_conflict;

pub use driver::{is_stub, is_vfio};
pub use host_alone::{Checked, run_host};
pub use run::{
    Answers, DeviceCase, GroupCase, VmCase, WantedCase, ask_unused, need, run, run_for_errors,
    wanted,
};
pub use taken::TakenCase;
pub use together::{on_vfio, too_much_together};
pub use vfio_modules_missing::comes_with_binding;

use crate::config::{Config, Directive};
use crate::finding::{Answer, Severity};
use crate::host::{Group, Host};

/// All rules, by code.
pub static ALL: &[&Rule] = &[
    &config_syntax::RULE,
    &duplicate_key::RULE,
    &schema_violation::RULE,
    &unknown_key::RULE,
    &pci_address_invalid::RULE,
    &variable_unset::RULE,
    &passthrough_without_devices::RULE,
    &devices_not_enabled::RULE,
    &device_listed_twice::RULE,
    &device_in_two_vms::RULE,
    &device_in_counted_group::RULE,
    &vm_ip_conflict::RULE,
    &duplicate_vm_name::RULE,
    &policy_invalid::RULE,
    &policy_refused::RULE,
    &ignore_unused::RULE,
    &arch_unsupported::RULE,
    &kvm_missing::RULE,
    &kvm_no_access::RULE,
    &vfio_modules_missing::RULE,
    &iommu_disabled::RULE,
    &interrupt_remapping_off::RULE,
    &noiommu_group::RULE,
    &vfio_node_missing::RULE,
    &hypervisor_is_xen_dom0::RULE,
    &device_absent::RULE,
    &device_id_mismatch::RULE,
    &device_type_mismatch::RULE,
    &iommu_group_mismatch::RULE,
    &not_assignable::RULE,
    &no_iommu_group::RULE,
    &driver_conflict::RULE,
    &driver_unbound::RULE,
    &driver_stub::RULE,
    &device_busy::RULE,
    &no_reset::RULE,
    &bus_reset_shared::RULE,
    &stuck_in_d3cold::RULE,
    &pf_has_vfs::RULE,
    &reserved_region::RULE,
    &bar_unusable::RULE,
    &boot_framebuffer::RULE,
    &vfio_node_no_access::RULE,
    &group_incomplete::RULE,
    &group_not_viable::RULE,
    &group_split::RULE,
    &host_driver_hazard::RULE,
    &host_disk::RULE,
    &host_network::RULE,
    &host_display::RULE,
    &host_input::RULE,
    &host_chipset::RULE,
    &unsafe_interrupts::RULE,
    &noiommu_mode::RULE,
    &acs_override::RULE,
    &vfio_node_permissions::RULE,
    &acs_missing::RULE,
    &external_device::RULE,
    &numa_split::RULE,
    &numa_memory::RULE,
    &hugepages::RULE,
    &cpu_pinning::RULE,
    &memory_pinned::RULE,
    &memlock::RULE,
    &link_degraded::RULE,
    &large_bar::RULE,
    &address_width::RULE,
    &binding_not_persistent::RULE,
    &driver_race::RULE,
    &identical_card::RULE,
];

/// One rule, with everything that is said of it anywhere.
pub struct Rule {
    /// `AH302`; never used for anything else.
    pub code: &'static str,
    /// The bad state found, `group-not-viable`.
    pub name: &'static str,
    /// What its findings can be; the usual one first.
    pub severities: &'static [Severity],
    /// One sentence: what it finds.
    pub summary: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// How it is mended, in general; a finding says it for the host at hand.
    pub remedy: &'static str,
    /// The version of this program that had it first.
    pub since: &'static str,
    /// Where its truth is written down: kernel files and documents, specifications.
    pub reads: &'static [&'static str],
    pub check: Check,
    pub example: Example,
}

/// What a rule is asked about.
pub enum Check {
    /// The configurations of a run.
    Config(fn(&Config, &mut Answer)),
    /// The host, once; and what is so where nothing is found.
    Host(fn(&Host, &mut Answer), &'static str),
    /// Each IOMMU group by itself, whoever wants it; and what is so where nothing is found.
    HostGroup(fn(&Group, &mut Answer), &'static str),
    /// The whole plan on the host.
    Plan(fn(&Config, &Host, &mut Answer)),
    /// Each VM that wants devices, with those that were found.
    Vm(fn(&VmCase, &mut Answer)),
    /// Each wanted device, found or not.
    Wanted(fn(&WantedCase, &mut Answer)),
    /// Each wanted device that was found.
    Device(fn(&DeviceCase, &mut Answer)),
    /// Each IOMMU group of which a VM wants something.
    Group(fn(&GroupCase, &mut Answer)),
    /// Each function that a VM takes from a driver of the host.
    Taken(fn(&TakenCase, &mut Answer)),
    /// Each ignore that met nothing of what all others said.
    Unused(fn(&Directive, &mut Answer)),
}

/// Whom a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Configuration,
    Host,
    Vm,
}

/// A scene on which the rule speaks, and one on which it is silent.
pub struct Example {
    pub speaks: example::Scene,
    #[cfg_attr(not(test), expect(dead_code, reason = "held by the tests"))]
    pub silent: example::Scene,
}

/// The rule with this code or name, in any case.
pub fn find(word: &str) -> Option<&'static Rule> {
    ALL.iter()
        .find(|rule| rule.code.eq_ignore_ascii_case(word) || rule.name.eq_ignore_ascii_case(word))
        .copied()
}

/// The code or name that was probably meant.
pub fn meant(word: &str) -> Option<String> {
    let typed = word.to_ascii_lowercase();
    let words = ALL.iter().flat_map(|rule| [rule.code.to_ascii_lowercase(), rule.name.to_owned()]);
    let near = words.map(|word| (strsim::damerau_levenshtein(&word, &typed), word)).min();
    near.filter(|(distance, _)| *distance <= 2).map(|(_, word)| word)
}

/// Which errors a person may pass over, or make less: those in which he can know better.
pub const LENIENT: &str = "AH021, AH301, AH4xx and AH6xx";

/// Whether a finding of this severity can be ignored or lowered.
pub fn may_be_lowered(code: &str, severity: Severity) -> bool {
    let lenient =
        matches!(code, "AH021" | "AH301") || code.starts_with("AH4") || code.starts_with("AH6");
    lenient || severity < Severity::Error
}

impl Rule {
    /// Nothing it finds can be ignored or lowered.
    pub fn is_firm(&self) -> bool {
        self.severities.iter().all(|&severity| !may_be_lowered(self.code, severity))
    }

    /// It is about what the host loses.
    pub fn is_harm(&self) -> bool {
        matches!(self.check, Check::Taken(_))
    }

    /// The worst that its findings can be.
    pub fn worst(&self) -> Severity {
        self.severities.iter().copied().max().unwrap_or(Severity::Error)
    }

    pub fn is_about_configuration(&self) -> bool {
        self.scope() == Scope::Configuration
    }

    pub fn scope(&self) -> Scope {
        match self.check {
            Check::Config(_) | Check::Unused(_) => Scope::Configuration,
            Check::Host(..) | Check::HostGroup(..) | Check::Plan(_) => Scope::Host,
            Check::Vm(_)
            | Check::Wanted(_)
            | Check::Device(_)
            | Check::Group(_)
            | Check::Taken(_) => Scope::Vm,
        }
    }
}
