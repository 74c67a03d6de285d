//! Troubles that users had, as hosts: what is said on each. The page `docs/troubles.md` is made of
//! them.

use super::{GPU_ONLY, ONE_GPU, amd, codes, judge, off, wanting, workstation};
use crate::host::fake::harm::NIC;
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO, NVME, ROOT_PORT};
use crate::pci::Address;

/// A state of a host in which somebody lost hours, and the codes that are said there now.
struct Trouble {
    /// `owner/repository#number` of public threads.
    threads: &'static str,
    /// What happened.
    what: &'static str,
    /// The state of the host.
    state: &'static str,
    host: FakeHost,
    config: String,
    codes: &'static str,
}

/// What is no state of a host.
const NOT_KNOWN: &[(&str, &str, &str)] = &[
    (
        "pciutils#61",
        "No JSON from lspci",
        "No state of a host: `ai-how inventory pcie --format json`, with a published schema.",
    ),
    (
        "cockpit-machines#2275",
        "A program parsed the text of another, and broke in another language",
        "No state of a host: every result is had as versioned JSON, and the text is English whatever the locale.",
    ),
];

const NIC_PORTS: [Address; 4] = [
    Address::new(0, 9, 0, 0),
    Address::new(0, 9, 0, 1),
    Address::new(0, 9, 0, 2),
    Address::new(0, 9, 0, 3),
];

fn four_ports() -> FakeHost {
    NIC_PORTS.iter().fold(workstation(), |host, &port| {
        host.with(port, 0x02_0000, (0x8086, 0x1572), Some("vfio-pci"), 40)
    })
}

fn card_with_usb() -> FakeHost {
    workstation()
        .with(Address::new(0, 1, 0, 2), 0x0c_0330, (0x10de, 0x1ad6), Some("xhci_hcd"), 16)
        .with(Address::new(0, 1, 0, 3), 0x0c_8000, (0x10de, 0x1ad7), Some("nvidia-gpu"), 16)
}

const SECOND_CARD: Address = Address::new(0, 4, 0, 0);
const LARGE_BAR: &str = "\
0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200
0x0000006000000000 0x00000067ffffffff 0x000000000014220c
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x0000000000000000 0x0000000000000000 0x0000000000000000
";

fn drive_with(keys: &str) -> String {
    wanting(&[(NVME, "storage")]).replacen(
        "pcie_passthrough",
        &format!("{keys}, pcie_passthrough"),
        1,
    )
}

const VMD_DRIVE: Address = Address::new(0x10000, 0xe1, 0, 0);

#[rustfmt::skip]
fn troubles() -> Vec<Trouble> {
    let row = |threads, what, state, host, config: &str, codes| Trouble { threads, what, state, host, config: config.to_owned(), codes };
    let two_vms = "compute_nodes: [{name: a, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.0', device_type: gpu}]}}, {name: b, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.1', device_type: audio}]}}]\n";
    let with_ids = |vendor, device| ONE_GPU.replacen("10de", vendor, 1).replacen("2684", device, 1);
    vec![
        row("mondoohq/cnspec#3835", "A policy looks for words in the command line", "`intel_iommu=on iommu=pt` on the command line, the IOMMU off in the firmware", workstation().iommu_off_in_firmware().command_line("intel_iommu=on iommu=pt"), ONE_GPU, "AH105 [AH106 AH206 AH206 AH208 AH208]"),
        row("mondoohq/cnspec#3835", "The same policy fails a host that is well", "Nothing on the command line, the IOMMU on by the kernel's default", workstation().command_line("quiet"), ONE_GPU, ""),
        row("fwupd#2093", "VT-d is on in the menu, and nothing works", "The DMAR table is there, `intel_iommu=on` too, `/sys/class/iommu` is empty", off(workstation()).command_line("intel_iommu=on"), ONE_GPU, "AH105 [AH106 AH206 AH206]"),
        row("openshift/sriov-network-operator#162", "Binding says \"No such device\"", "No DMAR table: off in the firmware", workstation().iommu_off_in_firmware(), ONE_GPU, "AH105 [AH106 AH206 AH206 AH208 AH208]"),
        row("OFS/opae-sdk#3095", "Binding with the IOMMU off leaves the device without a driver", "`intel_iommu=off`, no driver bound", off(workstation()).command_line("intel_iommu=off").driver(GPU, None).driver(GPU_AUDIO, None), ONE_GPU, "AH105 [AH106 AH206 AH206 AH208 AH208]"),
        row("QubesOS/qubes-issues#3684", "Enabled in the menu, inactive until a firmware update", "AMD without an IVRS table", off(amd().acpi_tables(&["APIC", "FACP"])), ONE_GPU, "AH105 [AH106 AH206 AH206]"),
        row("a hosting tool", "Both vendors' flags are set on every machine, so looking for a flag always passes", "`intel_iommu=on amd_iommu=on`, the IOMMU off", off(amd().acpi_tables(&["APIC"])).command_line("intel_iommu=on amd_iommu=on"), ONE_GPU, "AH105 [AH106 AH206 AH206]"),
        row("kubevirt/kubevirt-gpu-device-plugin#27, #50", "The card's audio function stayed with the host", "GPU on vfio-pci, audio on snd_hda_intel", workstation().driver(GPU_AUDIO, Some("snd_hda_intel")), GPU_ONLY, "AH302 [AH301]"),
        row("usnistgov/ndn-dpdk#63", "One port of four", "Four ports of a card in one group, one of them wanted", four_ports(), &wanting(&[(NIC_PORTS[0], "network")]), "AH301 AH301 AH301"),
        row("kubevirt#7755", "Two allowed devices in one group", "Two VMs want the two functions of one card", workstation(), two_vms, "AH303 [AH301 AH301]"),
        row("PCILeechFWGenerator#77", "A false alarm about pcieport", "The root port is in the group, on pcieport", workstation().group(ROOT_PORT, Some(16)), ONE_GPU, ""),
        row("lxc/incus#3422", "The error does not name the whole group", "Three members on drivers of the host", card_with_usb().driver(GPU_AUDIO, Some("snd_hda_intel")), GPU_ONLY, "AH302 [AH301 AH301 AH301]"),
        row("uwzis/GPU-Passthrough-Manager#21", "A card's USB and UCSI functions forgotten", "Both in the group, on their drivers", card_with_usb(), ONE_GPU, "AH302 [AH301 AH301]"),
        row("PVE-Tools-9#98", "The host crashes at every boot", "The system's NVMe in the GPU's group", workstation().group(NVME, Some(16)), ONE_GPU, "AH302 AH401 [AH301]"),
        row("HikariKnight/quickpassthrough#22", "A GPU's group with NVMe, NIC and SATA in it", "The system's NVMe and the default route in the group", workstation().nic().default_route("eno1").group(NVME, Some(16)).group(NIC, Some(16)), ONE_GPU, "AH302 AH401 AH402 [AH301 AH301]"),
        row("nasty-project/nasty PR#612", "The guard missed a virtio NIC", "The default route through a virtio NIC", workstation().with(NIC, 0x02_0000, (0x1af4, 0x1041), Some("virtio-pci"), 40).interface("eth0", "/sys/devices/pci0000:00/0000:03:00.0/virtio0/net/eth0").default_route("eth0"), &wanting(&[(NIC, "network")]), "AH207 AH402 [AH302]"),
        row("QubesOS/qubes-issues#7792", "After a new card, the wrong devices were passed", "Another card at the address", workstation(), &with_ids("1002", "744c"), "AH202"),
        row("sonic-buildimage#24059", "A firmware update moved addresses", "The card is at another address", workstation().moved(GPU, Address::new(0, 3, 0, 0)), ONE_GPU, "AH201 AH301"),
        row("HikariKnight/quickpassthrough#10", "Two identical cards, one for the host", "The second on nvidia in a group of its own, the first on vfio-pci", workstation().with(SECOND_CARD, 0x03_0000, (0x10de, 0x2684), Some("nvidia"), 30), ONE_GPU, ""),
        row("pop-os/pop#968, bryansteiner/gpu-passthrough-tutorial#32", "The audio function never binds", "Wanted, and on snd_hda_intel", workstation().driver(GPU_AUDIO, Some("snd_hda_intel")), ONE_GPU, "AH207 [AH302]"),
        row("ydb-platform/nbs#5296", "An NVMe silently without a driver", "No driver on a wanted NVMe", workstation().driver(NVME, None), &wanting(&[(NVME, "storage")]), "AH208"),
        row("contiv/vpp#938", "`vfio_pci` and `vfio-pci` confused", "The module vfio_pci, the driver vfio-pci", workstation(), ONE_GPU, ""),
        row("HikariKnight/quickpassthrough#29", "`vfio_virqfd` demanded on kernels that no longer have it", "Kernel 6.12, no such module", workstation(), ONE_GPU, ""),
        row("amzn-drivers#198", "Built-in VFIO called missing", "All of VFIO built into the kernel, no list of modules", workstation().built_in_everything(), ONE_GPU, ""),
        row("pop-os/system76-power#448", "Who holds the card?", "A program has the GPU's node open", workstation().driver(GPU, Some("nvidia")).driver(GPU_AUDIO, Some("snd_hda_intel")).process(4711, "Xorg", &["Xorg"], &["/dev/nvidia0"]), ONE_GPU, "AH207 AH207 AH210 [AH302]"),
        row("NVIDIA/open-gpu-kernel-modules#1374", "Unbinding hangs for ever", "nvidia-persistenced has the card open", workstation().driver(GPU, Some("nvidia")).process(899, "nvidia-persiste", &["nvidia-persistenced"], &["/dev/nvidia0"]), ONE_GPU, "AH207 AH210 [AH302]"),
        row("harvester#8294", "`/dev/vfio/1: Device or resource busy`", "Another VM's QEMU has the group", workstation().attribute(GPU, "enable", "1\n").qemu(4711, "other", &["/dev/vfio/16"]), ONE_GPU, "AH210 AH210"),
        row("gnif/vendor-reset#82", "The card does not come up a second time", "No reset of any kind", workstation().without_reset(GPU), ONE_GPU, "AH211"),
        row("QaidVoid/Complete-Single-GPU-Passthrough#35", "The screen stays black after the VM", "The host's only display is wanted", workstation().driver(crate::host::fake::IGPU, Some("vfio-pci")).driver(GPU, Some("amdgpu")).driver(GPU_AUDIO, Some("snd_hda_intel")), ONE_GPU, "AH207 AH207 AH403 [AH302]"),
        row("tomsom/yoga-linux#3", "\"depends on group 16 which is not owned\"", "Only a bus reset, and the audio function in another group and with the host", workstation().attribute(GPU, "reset_method", "bus\n").group(GPU_AUDIO, Some(17)).driver(GPU_AUDIO, Some("snd_hda_intel")), GPU_ONLY, "AH212"),
        row("kata-containers#11708", "The device is stuck in D3cold", "D3cold, and not suspended by the kernel", workstation().attribute(GPU, "power_state", "D3cold\n"), ONE_GPU, "AH213"),
        row("siderolabs/talos#14356", "The boot framebuffer holds BAR 0", "Kernel 5.15, the firmware's screen inside a BAR of the GPU", workstation().release("5.15.0-91-generic").boot_screen(GPU, "BOOTFB"), ONE_GPU, "AH217"),
        row("harvester#7340", "\"ineligible for IOMMU domain attach\"", "A reserved region of the firmware (RMRR)", workstation().reserved(16, "0x000000007d000000 0x000000007f7fffff direct\n"), ONE_GPU, "AH215"),
        row("ghw#372, hwloc#354", "PCI domains of five digits behind VMD", "A drive at 10000:e1:00.0 on vfio-pci", workstation().with(VMD_DRIVE, 0x01_0802, (0x144d, 0xa808), Some("vfio-pci"), 41), &wanting(&[(VMD_DRIVE, "storage")]), ""),
        row("pop-os/pop#968, harvester#2819", "The binding is gone after the next boot", "Bound by hand, and no file says so", workstation().without("/etc/driverctl.d").group(GPU_AUDIO, Some(18)), GPU_ONLY, "AH701"),
        row("HikariKnight/quickpassthrough#10, truenas/middleware#11397, archlinux/mkinitcpio#98", "An `ids=` option takes both of two identical cards", "`options vfio-pci ids=10de:2684`, and a second card of these ids on nvidia", workstation().file("/etc/modprobe.d/vfio.conf", "options vfio-pci ids=10de:2684\n").with(SECOND_CARD, 0x03_0000, (0x10de, 0x2684), Some("nvidia"), 30), ONE_GPU, "AH703"),
        row("kubevirt#8472, kubevirt#17694", "The VM does not start for its locked memory", "The caller may lock 8 MiB, and the VM has 8 GiB", workstation().driver(NVME, Some("vfio-pci")).called_by(1000).may_lock(8 << 20), &drive_with("memory_gb: 8"), "AH606"),
        row("canonical/lxd#14381", "A very large BAR does not fit into the guest", "A BAR of 32 GiB", workstation().attribute(GPU, "resource", LARGE_BAR), ONE_GPU, "AH608"),
        row("kubeswift#619", "The device is on another NUMA node than the VM", "A GPU on node 0 and a drive on node 1", workstation().driver(NVME, Some("vfio-pci")).two_nodes(32).on_node(GPU, 0).on_node(GPU_AUDIO, 0).on_node(NVME, 1), &wanting(&[(GPU, "gpu"), (GPU_AUDIO, "audio"), (NVME, "storage")]), "AH601"),
        row("kata-containers#12393", "IOMMUFD in the place of the container", "No type1, no group nodes; devices by their own nodes", workstation().iommufd_only(), ONE_GPU, ""),
    ]
}

#[test]
fn each_trouble_is_named() {
    let wrong: Vec<String> = troubles()
        .iter()
        .filter_map(|trouble| {
            let said = codes(&judge(&trouble.config, &trouble.host));
            let name = trouble.what;
            (said != trouble.codes).then(|| format!("{name}: {said:?}, not {:?}", trouble.codes))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The page `docs/troubles.md`.
pub fn page() -> String {
    let mut page = String::from(
        "# Troubles that users had\n\nGenerated (`UPDATE=1 cargo test`). Each row is the state of a host in which somebody lost hours, made again in code, and what `ai-how validate` says on it. Findings that follow from others are left out.\n\n| threads | trouble | state of the host | verdict | what is said |\n|---|---|---|---|---|\n",
    );
    for trouble in troubles() {
        let judged = judge(&trouble.config, &trouble.host);
        let said: Vec<String> = judged
            .findings
            .iter()
            .filter(|finding| finding.stands())
            .map(|finding| format!("{}: {}", finding.code, finding.message))
            .collect();
        let said = if said.is_empty() {
            "nothing stands in the way".to_owned()
        } else {
            said.join("<br>")
        };
        let Trouble { threads, what, state, .. } = trouble;
        page +=
            &format!("| {threads} | {what} | {state} | {} | {said} |\n", judged.verdict.as_str());
    }
    page += "\n## What is no state of a host\n\n| threads | trouble | why |\n|---|---|---|\n";
    for (threads, trouble, why) in NOT_KNOWN {
        page += &format!("| {threads} | {trouble} | {why} |\n");
    }
    page
}
