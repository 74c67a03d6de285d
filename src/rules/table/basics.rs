//! Host, device and group on an Intel and an AMD workstation.

use super::{Case, GPU_ONLY, INTEL, ONE_GPU, amd, case, off, workstation};
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO, LPC, NVME, ROOT_PORT};
use crate::pci::Address;
use crate::policy::Verdict;

const NVME_ONLY: &str = "compute_nodes: [{name: a, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:02:00.0', device_type: storage}]}}]\n";
const BRIDGE_ONLY: &str = "compute_nodes: [{name: a, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:00:01.0', device_type: other}]}}]\n";

const TWO_VMS: &str = "compute_nodes: [{name: a, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.0', device_type: gpu}]}}, {name: b, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.1', device_type: audio}]}}]\n";
const WHOLE_THEN_PART: &str = "compute_nodes: [{name: a, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.0', device_type: gpu}, {pci_address: '0000:01:00.1', device_type: audio}]}}, {name: b, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.0', device_type: gpu}]}}]\n";
const PART_THEN_WHOLE: &str = "compute_nodes: [{name: b, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.0', device_type: gpu}]}}, {name: a, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.0', device_type: gpu}, {pci_address: '0000:01:00.1', device_type: audio}]}}]\n";
const TAKING_TURNS: &str = "compute_nodes: [{name: a, auto_start: false, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.0', device_type: gpu}]}}, {name: b, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.1', device_type: audio}]}}]\n";

#[rustfmt::skip]
pub fn cases() -> Vec<Case> {
    use Verdict::{Blocked, Ready, Undetermined};
    vec![
        case("all is well", workstation(), ONE_GPU, "", Ready),
        case("all is well on AMD", amd(), ONE_GPU, "", Ready),
        case("nothing on the command line", workstation().command_line("quiet"), ONE_GPU, "", Ready),
        case("pass-through mode neither enables nor hinders", workstation().command_line("iommu=pt"), ONE_GPU, "", Ready),
        case("a parameter that does not exist does no harm", amd().command_line("amd_iommu=on"), ONE_GPU, "", Ready),
        case("no flag, but the node", workstation().cpu(INTEL, "fpu lm"), ONE_GPU, "", Ready),
        case("the audio function left out", workstation(), GPU_ONLY, "AH301", Blocked),
        case("left out and on its driver", workstation().driver(GPU_AUDIO, Some("snd_hda_intel")), GPU_ONLY, "AH302 [AH301]", Blocked),
        case("left out and unbound", workstation().driver(GPU_AUDIO, None), GPU_ONLY, "AH301", Blocked),
        case("GPU on nvidia", workstation().driver(GPU, Some("nvidia")), ONE_GPU, "AH207 [AH302]", Blocked),
        case("both on drivers of the host", FakeHost::gpu_held_by_nvidia(), ONE_GPU, "AH207 AH207 [AH302]", Blocked),
        case("GPU on a stub", workstation().driver(GPU, Some("pci-stub")), ONE_GPU, "AH209", Blocked),
        case("GPU on Xen's stub", workstation().driver(GPU, Some("xen-pciback")), ONE_GPU, "AH209 [AH302]", Blocked),
        case("audio on a stub", workstation().driver(GPU_AUDIO, Some("pci-stub")), GPU_ONLY, "AH301", Blocked),
        case("GPU unbound", workstation().driver(GPU, None), ONE_GPU, "AH208", Blocked),
        case("a variant of vfio-pci", workstation().driver(GPU, Some("nvgrace_gpu_vfio_pci")), ONE_GPU, "", Ready),
        case("uio is no VFIO", workstation().driver(GPU, Some("uio_pci_generic")), ONE_GPU, "AH207 [AH302]", Blocked),
        case("the disk of the host in the group", workstation().group(NVME, Some(16)), ONE_GPU, "AH302 AH401 [AH301]", Blocked),
        case("a bridge on pcieport in the group", workstation().group(ROOT_PORT, Some(16)), ONE_GPU, "", Ready),
        case("a bridge on shpchp in the group", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, Some("shpchp")), ONE_GPU, "AH302", Blocked),
        case("a bridge on shpchp, old kernel", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, Some("shpchp")).release("5.10.0-30-amd64"), ONE_GPU, "", Ready),
        case("a bridge on shpchp, 5.18", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, Some("shpchp")).release("5.18.19"), ONE_GPU, "", Ready),
        case("a bridge on shpchp, 5.19", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, Some("shpchp")).release("5.19.0"), ONE_GPU, "AH302", Blocked),
        case("a bridge on shpchp, a kernel with backports", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, Some("shpchp")).release("5.14.0-427.el9.x86_64"), ONE_GPU, "AH302?", Undetermined),
        case("a bridge on pcieport, a kernel with backports", workstation().group(ROOT_PORT, Some(16)).release("5.14.0-427.el9.x86_64"), ONE_GPU, "", Ready),
        case("a bridge without a driver", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, None), ONE_GPU, "", Ready),
        case("an ISA bridge in the group", workstation().group(LPC, Some(16)), ONE_GPU, "", Ready),
        case("an ISA bridge on its driver in the group", workstation().group(LPC, Some(16)).driver(LPC, Some("lpc_ich")), ONE_GPU, "AH302 AH405", Blocked),
        case("off in the firmware", workstation().iommu_off_in_firmware(), ONE_GPU, "AH105 [AH106 AH206 AH206 AH208 AH208]", Blocked),
        case("off by parameter", off(workstation()).command_line("intel_iommu=off"), ONE_GPU, "AH105 [AH106 AH206 AH206]", Blocked),
        case("left-over groups", workstation().iommu(None), ONE_GPU, "AH105", Blocked),
        case("left-over groups and nvidia", workstation().iommu(None).driver(GPU, Some("nvidia")), ONE_GPU, "AH105 AH207 [AH302]", Blocked),
        case("GPU outside all groups", workstation().group(GPU, None), ONE_GPU, "AH206", Blocked),
        case("modules not loaded", workstation().without_modules(&["vfio", "vfio_pci", "vfio_iommu_type1"]).driver(GPU, None).driver(GPU_AUDIO, None), ONE_GPU, "AH104 [AH108 AH208 AH208]", Blocked),
        case("type1 not loaded", workstation().without_modules(&["vfio_iommu_type1"]), ONE_GPU, "AH104", Blocked),
        case("no KVM", workstation().without_kvm(), ONE_GPU, "AH102", Blocked),
        case("Arm", workstation().on_arm(), ONE_GPU, "AH101", Blocked),
        case("the GPU moved", workstation().moved(GPU, Address::new(0, 3, 0, 0)), ONE_GPU, "AH201 AH301", Blocked),
        case("another card at the address", workstation().ids(GPU, 0x1002, 0x744c), ONE_GPU, "AH202", Blocked),
        case("a disk at the address of the GPU", workstation().moved(GPU, Address::new(0, 3, 0, 0)).moved(NVME, GPU), GPU_ONLY, "AH203 AH207 AH401 [AH302]", Blocked),
        case("a bridge wanted", workstation(), BRIDGE_ONLY, "AH205 AH405", Blocked),
        case("the disk of the host wanted", workstation(), NVME_ONLY, "AH207 AH401 [AH302]", Blocked),
        case("two VMs, one group", workstation(), TWO_VMS, "AH303 [AH301 AH301]", Blocked),
        case("two VMs, one with a whole group and one with a part", workstation(), WHOLE_THEN_PART, "AH021 AH303 [AH301]", Blocked),
        case("two VMs, one with a part of a group and one with all", workstation(), PART_THEN_WHOLE, "AH021 AH303 [AH301]", Blocked),
        case("two VMs that take turns", workstation(), TAKING_TURNS, "AH301 AH301 AH303", Blocked),
        case("a refused accelerator", workstation().ids(NVME, 0x8086, 0x37c8).driver(NVME, None), NVME_ONLY, "AH205", Blocked),
    ]
}
