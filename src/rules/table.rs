//! Hosts × configurations → codes: one line a case, over hosts written in code.

use super::example::ONE_GPU;
use crate::config;
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO, LPC, NVME, ROOT_PORT};
use crate::host::{Host, Root};
use crate::pci::Address;
use crate::policy::{self, Judged, Policy, Verdict};
use crate::source::Sources;

/// What is expected: codes that stand, and codes that follow from others in brackets.
struct Case {
    name: &'static str,
    host: FakeHost,
    config: &'static str,
    codes: &'static str,
    verdict: Verdict,
}

const GPU_ONLY: &str = "compute_nodes: [{name: a, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.0', device_type: gpu}]}}]\n";
const NVME_ONLY: &str = "compute_nodes: [{name: a, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:02:00.0', device_type: storage}]}}]\n";
const BRIDGE_ONLY: &str = "compute_nodes: [{name: a, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:00:01.0', device_type: other}]}}]\n";

const TWO_VMS: &str = "compute_nodes: [{name: a, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.0', device_type: gpu}]}}, {name: b, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.1', device_type: audio}]}}]\n";
const TAKING_TURNS: &str = "compute_nodes: [{name: a, auto_start: false, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.0', device_type: gpu}]}}, {name: b, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.1', device_type: audio}]}}]\n";

const INTEL: &str = "GenuineIntel";
const AMD: &str = "AuthenticAMD";

fn workstation() -> FakeHost {
    FakeHost::workstation()
}

fn amd() -> FakeHost {
    workstation().cpu(AMD, "fpu lm svm").acpi_tables(&["APIC", "IVRS"]).iommu(Some("ivhd0"))
}

/// Without an IOMMU at work, for a reason that the command line and the tables tell.
fn off(host: FakeHost) -> FakeHost {
    let host = host.iommu(None);
    [GPU, GPU_AUDIO, NVME, ROOT_PORT, LPC, Address::new(0, 0, 0, 0), Address::new(0, 0, 6, 0)]
        .into_iter()
        .fold(host, |host, address| host.group(address, None))
}

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    use Verdict::{Blocked, Ready, Undetermined};
    let case = |name, host, config, codes, verdict| Case { name, host, config, codes, verdict };
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
        case("the disk of the host in the group", workstation().group(NVME, Some(16)), ONE_GPU, "AH302 [AH301]", Blocked),
        case("a bridge on pcieport in the group", workstation().group(ROOT_PORT, Some(16)), ONE_GPU, "", Ready),
        case("a bridge on shpchp in the group", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, Some("shpchp")), ONE_GPU, "AH302", Blocked),
        case("a bridge on shpchp, old kernel", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, Some("shpchp")).release("5.10.0-30-amd64"), ONE_GPU, "", Ready),
        case("a bridge on shpchp, 5.18", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, Some("shpchp")).release("5.18.19"), ONE_GPU, "", Ready),
        case("a bridge on shpchp, 5.19", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, Some("shpchp")).release("5.19.0"), ONE_GPU, "AH302", Blocked),
        case("a bridge on shpchp, a kernel with backports", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, Some("shpchp")).release("5.14.0-427.el9.x86_64"), ONE_GPU, "AH302?", Undetermined),
        case("a bridge on pcieport, a kernel with backports", workstation().group(ROOT_PORT, Some(16)).release("5.14.0-427.el9.x86_64"), ONE_GPU, "", Ready),
        case("a bridge without a driver", workstation().group(ROOT_PORT, Some(16)).driver(ROOT_PORT, None), ONE_GPU, "", Ready),
        case("an ISA bridge in the group", workstation().group(LPC, Some(16)), ONE_GPU, "", Ready),
        case("an ISA bridge on its driver in the group", workstation().group(LPC, Some(16)).driver(LPC, Some("lpc_ich")), ONE_GPU, "AH302", Blocked),
        case("off in the firmware", workstation().iommu_off_in_firmware(), ONE_GPU, "AH105 [AH206 AH206 AH208 AH208]", Blocked),
        case("off by parameter", off(workstation()).command_line("intel_iommu=off"), ONE_GPU, "AH105 [AH206 AH206]", Blocked),
        case("left-over groups", workstation().iommu(None), ONE_GPU, "AH105", Blocked),
        case("left-over groups and nvidia", workstation().iommu(None).driver(GPU, Some("nvidia")), ONE_GPU, "AH105 AH207 [AH302]", Blocked),
        case("GPU outside all groups", workstation().group(GPU, None), ONE_GPU, "AH206", Blocked),
        case("modules not loaded", workstation().without_modules(&["vfio", "vfio_pci", "vfio_iommu_type1"]).driver(GPU, None).driver(GPU_AUDIO, None), ONE_GPU, "AH104 [AH208 AH208]", Blocked),
        case("type1 not loaded", workstation().without_modules(&["vfio_iommu_type1"]), ONE_GPU, "AH104", Blocked),
        case("no KVM", workstation().without_kvm(), ONE_GPU, "AH102", Blocked),
        case("Arm", workstation().on_arm(), ONE_GPU, "AH101", Blocked),
        case("the GPU moved", workstation().moved(GPU, Address::new(0, 3, 0, 0)), ONE_GPU, "AH201 AH301", Blocked),
        case("another card at the address", workstation().ids(GPU, 0x1002, 0x744c), ONE_GPU, "AH202", Blocked),
        case("a disk at the address of the GPU", workstation().moved(GPU, Address::new(0, 3, 0, 0)).moved(NVME, GPU), GPU_ONLY, "AH203 AH207 [AH302]", Blocked),
        case("a bridge wanted", workstation(), BRIDGE_ONLY, "AH205", Blocked),
        case("the disk of the host wanted", workstation(), NVME_ONLY, "AH207 [AH302]", Blocked),
        case("two VMs, one group", workstation(), TWO_VMS, "AH303 [AH301 AH301]", Blocked),
        case("two VMs that take turns", workstation(), TAKING_TURNS, "AH303 [AH301 AH301]", Ready),
        case("a refused accelerator", workstation().ids(NVME, 0x8086, 0x37c8).driver(NVME, None), NVME_ONLY, "AH205", Blocked),
    ]
}

fn judge(config: &str, host: &FakeHost) -> Judged {
    let mut sources = Sources::default();
    sources.add("case.yaml", config);
    let config = config::load(&sources, &|_| None).unwrap();
    let host = Host::read(&Root::memory(host.tree()), &super::need(&config));
    policy::judge(super::run(&config, Some(&host)), &config, Some(&host), Policy::default())
}

/// Codes that stand, then those that follow in brackets, then open checks with a question mark.
fn codes(judged: &Judged) -> String {
    let list = |stands: bool| {
        let mut codes: Vec<&str> =
            judged.findings.iter().filter(|it| it.stands() == stands).map(|it| it.code).collect();
        codes.sort_unstable();
        codes.join(" ")
    };
    let open: Vec<String> = judged.undetermined.iter().map(|it| format!("{}?", it.code)).collect();
    let symptoms = match list(false) {
        none if none.is_empty() => none,
        some => format!("[{some}]"),
    };
    let parts = [list(true), symptoms, open.join(" ")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_host_gets_its_codes() {
    let mut wrong = Vec::new();
    for case in cases() {
        let judged = judge(case.config, &case.host);
        if (codes(&judged).as_str(), judged.verdict) != (case.codes, case.verdict) {
            let (said, verdict) = (codes(&judged), judged.verdict.as_str());
            wrong.push(format!("{}: {said:?} {verdict}, not {:?}", case.name, case.codes));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn two_like_cards_are_both_named_where_one_is_missed() {
    let (first, second) = (Address::new(0, 3, 0, 0), Address::new(0, 4, 0, 0));
    let host = workstation().moved(GPU, first).with(second, 0x03_0000, (0x10de, 0x2684), None, 30);
    let judged = judge(ONE_GPU, &host);
    let finding = judged.findings.iter().find(|it| it.code == "AH201").unwrap();
    let places: Vec<_> = finding.related.iter().filter_map(|related| related.device).collect();
    assert_eq!(places, [first, second]);
    assert!(
        finding.details[0].contains("0000:03:00.0 and at 0000:04:00.0"),
        "{:?}",
        finding.details
    );
}

#[test]
fn the_cause_of_an_iommu_that_is_off_is_told() {
    let cause = |host: FakeHost| {
        let judged = judge(ONE_GPU, &host);
        judged.findings.iter().find(|it| it.code == "AH105").unwrap().details.join(" ")
    };
    for (host, words) in [
        (workstation().iommu_off_in_firmware(), "VT-d"),
        (off(amd().acpi_tables(&["APIC"])), "AMD-Vi"),
        (
            off(workstation().cpu(INTEL, "lm vmx hypervisor").acpi_tables(&["APIC"])),
            "virtual machine",
        ),
        (off(workstation()).command_line("iommu=off"), "iommu=off"),
        (off(workstation()).command_line("intel_iommu=on intel_iommu=off"), "intel_iommu=off"),
        (off(amd()).command_line("amd_iommu=off"), "amd_iommu=off"),
        (off(amd()).command_line("iommu=soft").release("5.10.0"), "iommu=soft"),
        (off(amd()).command_line("iommu=soft").release("6.1.0"), "initialisation failed"),
        (off(workstation()).command_line("intel_iommu=on"), "initialisation failed"),
        (off(amd()), "initialisation failed"),
        (off(workstation()).command_line("quiet"), "leaves off unless"),
    ] {
        let said = cause(host);
        assert!(said.contains(words), "{words}: {said}");
    }
}
