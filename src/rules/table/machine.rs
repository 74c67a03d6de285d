//! The host: KVM, VFIO, the IOMMU and interrupts, built and configured in every way.

use super::{Case, GPU_ONLY, ONE_GPU, amd, case, off, wanting, workstation};
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO, NVME, ROOT_PORT};
use crate::pci::Address;
use crate::policy::Verdict;

const TYPE1: &str = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
const IOMMUFD: &str = "/sys/module/iommufd/parameters/allow_unsafe_interrupts";

/// Interrupts go straight to the processors.
fn unremapped() -> FakeHost {
    workstation().interrupts("IO-APIC", "PCI-MSIX-0000:02:00.0")
}

/// IOMMUFD with nodes of devices, and the container with those of groups.
fn beside_container() -> FakeHost {
    workstation()
        .file("/dev/iommu", "")
        .file("/dev/vfio/devices/vfio0", "")
        .file("/dev/vfio/devices/vfio1", "")
}

/// An old kernel with the audio function of the card free.
fn old_and_free() -> FakeHost {
    workstation().release("5.10.0-30-amd64").driver(GPU_AUDIO, None)
}

const DUMMY: Address = Address::new(0, 0, 3, 0);

/// As on many boards: the root ports of one device share a group with the dummy host bridge at its
/// function 0, and all that is below them.
fn amd_with_dummies() -> FakeHost {
    amd()
        .with(DUMMY, 0x06_0000, (0x1022, 0x1482), None, 16)
        .with(Address::new(0, 0, 3, 1), 0x06_0400, (0x1022, 0x1483), Some("pcieport"), 16)
        .group(ROOT_PORT, Some(16))
}

#[rustfmt::skip]
pub fn cases() -> Vec<Case> {
    use Verdict::{Blocked, Ready, Undetermined};
    vec![
        case("all of it built in", workstation().built_in_everything(), ONE_GPU, "", Ready),
        case("built in, and the kernel's configuration not kept", workstation().built_in_everything().without("/boot"), ONE_GPU, "", Ready),
        case("IOMMUFD with nodes of devices, and nothing else", workstation().iommufd_only(), ONE_GPU, "", Ready),
        case("IOMMUFD alone, without remapping", workstation().iommufd_only().interrupts("IO-APIC", "PCI-MSI"), ONE_GPU, "AH106", Blocked),
        case("IOMMUFD alone, without remapping, allowed", workstation().iommufd_only().interrupts("IO-APIC", "PCI-MSI").file(IOMMUFD, "Y\n"), ONE_GPU, "AH501", Ready),
        case("IOMMUFD without nodes of devices", workstation().iommufd_only().without("/dev/vfio"), ONE_GPU, "AH104 [AH108]", Blocked),
        case("IOMMUFD, its devices to be had by the kernel's configuration", workstation().iommufd_only().without("/dev/vfio").driver(GPU, None).driver(GPU_AUDIO, None).file("/boot/config-6.12.1-amd64", "CONFIG_VFIO_DEVICE_CDEV=y\nCONFIG_IOMMUFD=m\n"), ONE_GPU, "AH208 AH208", Blocked),
        case("the same, and the nodes of bound devices are not there", workstation().iommufd_only().without("/dev/vfio").file("/boot/config-6.12.1-amd64", "CONFIG_VFIO_DEVICE_CDEV=y\nCONFIG_IOMMUFD=m\n"), ONE_GPU, "AH108 AH108", Blocked),
        case("a node of a device is not there", workstation().iommufd_only().without("/dev/vfio/devices/vfio1"), ONE_GPU, "AH108", Blocked),
        case("a node of a device cannot be looked at", workstation().iommufd_only().denied("/dev/vfio/devices/vfio1"), ONE_GPU, "AH108? AH504? AH218?", Undetermined),
        case("IOMMUFD is served, and /dev/iommu is not there", workstation().iommufd_only().without("/dev/iommu"), ONE_GPU, "AH108", Blocked),
        case("only the nodes of devices are there, beside a container that is served", beside_container().without("/dev/vfio/16"), ONE_GPU, "AH108", Ready),
        case("neither those of groups nor those of devices", beside_container().without("/dev/vfio/16").without("/dev/vfio/devices/vfio1"), ONE_GPU, "AH108 AH108", Blocked),
        case("a node of a device is not there, and whether a group will do is not known", beside_container().without("/dev/vfio/devices/vfio1").file("/sys/class/misc/vfio", ""), ONE_GPU, "AH108?", Undetermined),
        case("a node of a device is not there, and a group will do", beside_container().without("/dev/vfio/devices/vfio1"), ONE_GPU, "", Ready),
        case("whether devices have nodes cannot be looked at", workstation().iommufd_only().denied("/dev/vfio/devices"), ONE_GPU, "AH104? AH108? AH504? AH218? AH218?", Undetermined),
        case("/dev/iommu cannot be looked at", workstation().iommufd_only().folder("/dev/iommu"), ONE_GPU, "AH108?", Undetermined),
        case("no interrupt remapping", unremapped(), ONE_GPU, "AH106", Blocked),
        case("no interrupt remapping on AMD", amd().interrupts("IO-APIC", "PCI-MSI"), ONE_GPU, "AH106", Blocked),
        case("no interrupt remapping, allowed", unremapped().file(TYPE1, "Y\n"), ONE_GPU, "AH501", Ready),
        case("no interrupt remapping, and who may is not known", unremapped().file(TYPE1, "rubbish\n"), ONE_GPU, "AH106? AH501?", Undetermined),
        case("no interrupt remapping, allowed by the other container only", unremapped().file(IOMMUFD, "Y\n"), ONE_GPU, "AH501 AH106?", Undetermined),
        case("no interrupt remapping, denied by the other container only", unremapped().file(TYPE1, "Y\n").file(IOMMUFD, "N\n"), ONE_GPU, "AH501", Ready),
        case("interrupts by their chips", workstation().without("/proc/interrupts").file("/sys/kernel/irq/0/chip_name", "IO-APIC\n").file("/sys/kernel/irq/24/chip_name", "IR-PCI-MSI\n"), ONE_GPU, "", Ready),
        case("interrupts by their chips, not remapped", workstation().without("/proc/interrupts").file("/sys/kernel/irq/0/chip_name", "IO-APIC\n"), ONE_GPU, "AH106", Blocked),
        case("a chip that cannot be read", workstation().without("/proc/interrupts").folder("/sys/kernel/irq/0/chip_name"), ONE_GPU, "AH106?", Undetermined),
        case("no word of interrupts", workstation().without("/proc/interrupts"), ONE_GPU, "AH106?", Undetermined),
        case("an empty table of interrupts", workstation().file("/proc/interrupts", ""), ONE_GPU, "AH106?", Undetermined),
        case("no remapping with the IOMMU off", off(workstation()).command_line("intel_iommu=off"), ONE_GPU, "AH105 [AH106 AH206 AH206]", Blocked),
        case("no-IOMMU mode", workstation().noiommu_mode(), ONE_GPU, "AH105 AH107 AH107 AH502", Blocked),
        case("no-IOMMU mode, and the GPU alone wanted", workstation().noiommu_mode(), GPU_ONLY, "AH105 AH107 AH502", Blocked),
        case("a named group of another kind", workstation().file("/sys/kernel/iommu_groups/16/name", "fsl-mc\n"), ONE_GPU, "", Ready),
        case("a group whose name cannot be read", workstation().folder("/sys/kernel/iommu_groups/16/name"), ONE_GPU, "AH107?", Undetermined),
        case("the container not registered", workstation().without("/sys/class/misc/vfio"), ONE_GPU, "AH108", Blocked),
        case("the container's node not there", workstation().without("/dev/vfio/vfio"), ONE_GPU, "AH108", Blocked),
        case("the group's node not there", workstation().without("/dev/vfio/16"), ONE_GPU, "AH108", Blocked),
        case("whether the group's node is there cannot be seen", workstation().denied("/dev/vfio/16"), ONE_GPU, "AH108? AH504? AH218? AH218?", Undetermined),
        case("the same, beside the nodes of devices", beside_container().denied("/dev/vfio/16"), ONE_GPU, "AH108? AH504? AH218? AH218?", Ready),
        case("the same, and the node of a device is not there", beside_container().denied("/dev/vfio/16").without("/dev/vfio/devices/vfio1"), ONE_GPU, "AH108? AH504? AH218? AH218?", Undetermined),
        case("which nodes a device has cannot be seen", workstation().iommufd_only().denied(&format!("{}/vfio-dev", workstation().folder_of(GPU_AUDIO))), ONE_GPU, "AH108? AH218?", Undetermined),
        case("the same, beside a container", beside_container().denied(&format!("{}/vfio-dev", workstation().folder_of(GPU_AUDIO))), ONE_GPU, "", Ready),
        case("the same, and the group's node is not there", beside_container().denied(&format!("{}/vfio-dev", workstation().folder_of(GPU_AUDIO))).without("/dev/vfio/16"), ONE_GPU, "AH108 AH108? AH218?", Undetermined),
        case("the node of another group not there", workstation().driver(NVME, Some("vfio-pci")).without("/dev/vfio/17"), ONE_GPU, "", Ready),
        case("no node, and no member on VFIO", workstation().driver(GPU, None).driver(GPU_AUDIO, None), ONE_GPU, "AH208 AH208", Blocked),
        case("the container not told", workstation().file("/sys/class/misc/vfio", ""), ONE_GPU, "AH108?", Undetermined),
        case("AMD, dummy host bridges and a root port in the group", amd_with_dummies(), ONE_GPU, "", Ready),
        case("AMD, the same on an old kernel", amd_with_dummies().release("5.4.0-150-generic"), ONE_GPU, "", Ready),
        case("AMD, a dummy host bridge wanted", amd_with_dummies(), wanting(&[(DUMMY, "other")]), "AH205 AH301 AH301", Blocked),
        case("AMD, the IOMMU's own function, which has no group", amd().with(Address::new(0, 0, 0, 2), 0x08_0600, (0x1022, 0x1481), None, 0).group(Address::new(0, 0, 0, 2), None), ONE_GPU, "", Ready),
        case("SUSE's kernel, a bridge on shpchp", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, Some("shpchp")).release("5.14.21-150500.55.19-default"), ONE_GPU, "AH302?", Undetermined),
        case("a handler called like a chip", unremapped().file("/proc/interrupts", "      CPU0\n 24:   7   PCI-MSI   0-edge   IR-receiver\n"), ONE_GPU, "AH106", Blocked),
        case("Xen's control domain", workstation().file("/sys/hypervisor/type", "xen\n").file("/proc/xen/capabilities", "control_d\n"), ONE_GPU, "AH109", Ready),
        case("a guest of Xen", workstation().file("/sys/hypervisor/type", "xen\n").file("/proc/xen/capabilities", ""), ONE_GPU, "", Ready),
        case("Xen, and which domain is not known", workstation().file("/sys/hypervisor/type", "xen\n"), ONE_GPU, "AH109?", Ready),
        case("another hypervisor", workstation().file("/sys/hypervisor/type", "kvm\n"), ONE_GPU, "", Ready),
        case("the caller may not open /dev/kvm", workstation().node("/dev/kvm", 0, 104, 0o660).called_by(1000), ONE_GPU, "AH103", Ready),
        case("root may", workstation().node("/dev/kvm", 0, 104, 0o600), ONE_GPU, "", Ready),
        case("the caller's group may", workstation().node("/dev/kvm", 0, 1000, 0o660).called_by(1000), ONE_GPU, "", Ready),
        case("the caller may not open the group's node", workstation().node("/dev/vfio/16", 0, 0, 0o600).called_by(1000), ONE_GPU, "AH218 AH218", Ready),
        case("the caller owns the group's node", workstation().node("/dev/vfio/16", 1000, 1000, 0o600).called_by(1000), ONE_GPU, "", Ready),
        case("the caller may not open the device's node", workstation().iommufd_only().node("/dev/vfio/devices/vfio0", 0, 0, 0o600).called_by(1000), ONE_GPU, "AH218", Ready),
        case("old kernel, a free member whose driver is loaded", old_and_free().loaded("snd_hda_intel"), GPU_ONLY, "AH301 AH304", Blocked),
        case("old kernel, a free member whose driver is built in", old_and_free().file("/lib/modules/5.10.0-30-amd64/modules.builtin.modinfo", "snd_hda_intel.alias=pci:v*d*sv*sd*bc04sc03i00*\0"), GPU_ONLY, "AH301 AH304", Blocked),
        case("old kernel, a free member whose driver is not loaded", old_and_free(), GPU_ONLY, "AH301", Blocked),
        case("old kernel, a free member, and no list of drivers", old_and_free().loaded("snd_hda_intel").without("/lib/modules/5.10.0-30-amd64/modules.alias"), GPU_ONLY, "AH301 AH304?", Blocked),
        case("old kernel, a free member that is wanted", old_and_free().loaded("snd_hda_intel"), ONE_GPU, "AH208", Blocked),
        case("5.18 is old", old_and_free().release("5.18.19").loaded("snd_hda_intel"), GPU_ONLY, "AH301 AH304", Blocked),
        case("5.19 refuses the driver", old_and_free().release("5.19.0").loaded("snd_hda_intel"), GPU_ONLY, "AH301", Blocked),
        case("a kernel with backports may be old or not", old_and_free().release("5.14.0-427.el9.x86_64").loaded("snd_hda_intel"), GPU_ONLY, "AH301 AH304?", Blocked),
        case("vfio_pci at work, type1 not loaded, the GPU free", workstation().without_modules(&["vfio_iommu_type1"]).driver(GPU, None), ONE_GPU, "AH104 AH208", Blocked),
    ]
}
