//! What the kernel tells of itself: how it was started and built, its modules and memory.

use std::io::{Read, Write};

use flate2::Compression;

use super::StandIns;
use crate::host::kernel_log;
use crate::pci::needed;

/// Parameters whose values matter and name nobody, by their whole names
/// (`Documentation/admin-guide/kernel-parameters.txt`, and `module_param` of the drivers); a dash
/// and an underscore are the same (`kernel/params.c`, `parameq`).
const KEPT: &[&str] = &[
    "iommu",
    "intel_iommu",
    "amd_iommu",
    "intremap",
    "nointremap",
    "initcall_blacklist",
    "video",
    "modprobe.blacklist",
    "module_blacklist",
    "isolcpus",
    "nohz_full",
    "rcu_nocbs",
    "irqaffinity",
    "hugepages",
    "hugepagesz",
    "default_hugepagesz",
    "hugetlb_cma",
    "hugetlb_free_vmemmap",
    "transparent_hugepage",
    "efifb",
    "nomodeset",
    "mitigations",
    "amd_pstate",
    "intel_pstate",
    "swiotlb",
    "cma",
    "mem",
    "nokaslr",
    "lockdown",
    "module.sig_enforce",
    "rd.driver.blacklist",
    "rd.driver.pre",
    "rd.driver.post",
    "iommu.passthrough",
    "iommu.strict",
    "iommu.forcedac",
    "vfio.enable_unsafe_noiommu_mode",
    "iommufd.allow_unsafe_interrupts",
    "vfio_iommu_type1.allow_unsafe_interrupts",
    "vfio_iommu_type1.disable_hugepages",
    "vfio_iommu_type1.dma_entry_limit",
    "vfio_pci.ids",
    "vfio_pci.disable_denylist",
    "vfio_pci.disable_idle_d3",
    "vfio_pci.disable_vga",
    "vfio_pci.enable_sriov",
    "vfio_pci.nointxmask",
    "pci_stub.ids",
    "pci",
    "pcie_acs_override",
    "pcie_aspm",
    "pcie_aspm.policy",
    "pcie_hp",
    "pcie_port_pm",
    "pcie_ports",
    "pciehp.pciehp_force",
    "pciehp.pciehp_poll_mode",
    "kvm.enable_virt_at_load",
    "kvm.enable_vmware_backdoor",
    "kvm.halt_poll_ns",
    "kvm.ignore_msrs",
    "kvm.report_ignored_msrs",
    "kvm.nx_huge_pages",
    "kvm.tdp_mmu",
    "kvm.mmio_caching",
    "kvm_intel.nested",
    "kvm_intel.ept",
    "kvm_intel.vpid",
    "kvm_intel.unrestricted_guest",
    "kvm_intel.enable_apicv",
    "kvm_intel.flexpriority",
    "kvm_intel.emulate_invalid_guest_state",
    "kvm_intel.vmentry_l1d_flush",
    "kvm_intel.pml",
    "kvm_intel.tdx",
    "kvm_amd.nested",
    "kvm_amd.npt",
    "kvm_amd.avic",
    "kvm_amd.sev",
    "kvm_amd.sev_es",
    "kvm_amd.sev_snp",
    "kvm_amd.vgif",
    "kvm_amd.vls",
    "i915.modeset",
    "i915.enable_gvt",
    "i915.enable_guc",
    "i915.enable_psr",
    "i915.force_probe",
    "i915.max_vfs",
    "xe.force_probe",
    "xe.max_vfs",
    "xe.modeset",
    "nouveau.modeset",
    "nouveau.runpm",
    "amdgpu.modeset",
    "amdgpu.runpm",
    "amdgpu.dc",
    "amdgpu.ppfeaturemask",
    "amdgpu.virtual_display",
    "radeon.modeset",
    "radeon.runpm",
    "radeon.si_support",
    "radeon.cik_support",
    "amdgpu.si_support",
    "amdgpu.cik_support",
    "nvidia_drm.modeset",
    "nvidia_drm.fbdev",
];

/// Words that take no value.
const SWITCHES: &[&str] = &[
    "--",
    "quiet",
    "splash",
    "ro",
    "rw",
    "nosplash",
    "debug",
    "verbose",
    "single",
    "emergency",
    "nosmt",
    "noapic",
    "nolapic",
    "nox2apic",
    "noirqbalance",
    "threadirqs",
    "ignore_loglevel",
];

impl StandIns {
    /// `/proc/cmdline`
    pub(super) fn command_line(&self, text: &str) -> String {
        let mut of_init = false;
        let words = arguments(text).map(|word| {
            if of_init {
                return "*".to_owned();
            }
            of_init = word == "--";
            self.parameter(word)
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Only what is about the IOMMU and ACS, without the time.
    pub(super) fn log_line(&self, line: &str) -> Option<String> {
        let message = kernel_log::kept(line)?;
        let told = if message.starts_with("Linux version ") {
            version(message)
        } else {
            message.to_owned()
        };
        Some(self.words(&told))
    }

    fn parameter(&self, word: &str) -> String {
        let (name, value) = word.split_once('=').map_or((word, None), |(n, v)| (n, Some(v)));
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if name.len() > 48 || !name.chars().all(plain) {
            return "*".to_owned();
        }
        let name = self.words(name);
        match value {
            // A word without a value may be anything that somebody typed.
            None if is_kept(&name) || SWITCHES.contains(&name.as_str()) => name,
            None => "*".to_owned(),
            Some(value) if name == "BOOT_IMAGE" => {
                format!("{name}={}", self.words(value.rsplit('/').next().unwrap_or("*")))
            }
            Some(value) if is_kept(&name) => format!("{name}={}", self.words(value)),
            // The end of something in base64 looks like a name with an empty value.
            Some(value) if value.trim_matches('=').is_empty() => "*".to_owned(),
            Some(_) => format!("{name}=*"),
        }
    }
}

fn is_kept(name: &str) -> bool {
    KEPT.contains(&name.replace('-', "_").as_str())
}

/// Words; a quoted blank parts none (`lib/cmdline.c`, `next_arg`).
fn arguments(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let parts = text.split(move |c: char| {
        quoted ^= c == '"';
        c.is_ascii_whitespace() && !quoted
    });
    parts.filter(|word| !word.is_empty())
}

/// `Linux version RELEASE`, without who built it where.
pub(super) fn version(text: &str) -> String {
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Which distribution it is; not what a company or a person called it.
pub(super) fn os_line(line: &str) -> Option<String> {
    let name = line.split_once('=').map_or("", |(name, _)| name);
    ["ID", "ID_LIKE", "VERSION_ID"].contains(&name).then(|| line.to_owned())
}

/// Boards tell a serial number here (`arch/arm/kernel/setup.c`).
pub(super) fn cpu_line(line: &str) -> Option<String> {
    (!line.starts_with("Serial")).then(|| line.to_owned())
}

/// Without the place of the module in memory, which is a secret of the kernel.
pub(super) fn module_line(line: &str) -> String {
    let word = |word: &str| match word.strip_prefix("0x") {
        Some(digits) => format!("0x{}", "0".repeat(digits.len())),
        None => word.to_owned(),
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Without the place of the kernel in memory.
pub(super) fn memory_line(line: &str) -> Option<String> {
    let name = line.split_once(" : ").map_or("", |(_, name)| name);
    (!name.starts_with("Kernel ")).then(|| line.to_owned())
}

/// Of the many amounts those that are asked for; in the file of a node, `Node 0 ` stands before.
pub(super) fn amount_line(line: &str) -> Option<String> {
    const ASKED: &[&str] = &["MemTotal", "MemAvailable", "Hugepagesize"];
    let key = line.split(':').next()?.split_ascii_whitespace().next_back()?;
    ASKED.contains(&key).then(|| line.to_owned())
}

/// `/proc/interrupts` without how often each came, which is another at each look
/// (`kernel/irq/proc.c`, `show_interrupts`).
pub(super) fn without_counts(table: &str) -> String {
    let processors = table.lines().next().unwrap_or("").split_ascii_whitespace().count();
    let line = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let number = words.next().filter(|word| word.ends_with(':'))?;
        let counts = words.clone().take(processors);
        let counts = counts.take_while(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
        let counted = counts.count();
        let rest: Vec<&str> = words.skip(counted).collect();
        Some(format!("{number}{} {}", " 0".repeat(counted), rest.join(" ")))
    };
    let shown = table.split_inclusive('\n').map(|whole| {
        let end = if whole.ends_with('\n') { "\n" } else { "" };
        line(whole).map_or_else(|| whole.to_owned(), |line| line.trim_end().to_owned() + end)
    });
    shown.collect()
}

/// Without options that are texts: names of hosts, keys and compilers.
pub(super) fn config_line(line: &str) -> Option<String> {
    (!line.contains("=\"")).then(|| line.to_owned())
}

/// Of a function's configuration space what is asked of it, and no serial number.
pub(super) fn config_space(bytes: &[u8]) -> Vec<u8> {
    let read = |at: usize, length: usize| -> Result<_, std::convert::Infallible> {
        let end = bytes.len().min(at + length);
        Ok(bytes.get(at..end).unwrap_or_default().to_vec())
    };
    needed(read).unwrap_or_default()
}

/// `/proc/config.gz`; what is none is passed on as rubbish.
pub(super) fn packed_config(bytes: &[u8]) -> Vec<u8> {
    const LARGEST: u64 = 8 << 20;
    let mut text = String::new();
    if flate2::read::GzDecoder::new(bytes).take(LARGEST).read_to_string(&mut text).is_err() {
        return vec![0xff];
    }
    let lines: String = text.lines().filter_map(config_line).map(|line| line + "\n").collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
    match packed.write_all(lines.as_bytes()).and_then(|()| packed.finish()) {
        Ok(packed) => packed,
        Err(_) => vec![0xff],
    }
}
