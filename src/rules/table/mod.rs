//! Hosts × configurations → codes: one line a case, over hosts written in code. A case names all
//! codes that are said, so every other code is one that must not be.

mod basics;
mod device;
pub mod distributions;
mod harm;
mod ignores;
mod machine;
mod next_boot;
mod placement;
mod security;
mod shared_reset;
pub mod troubles;
mod whereabouts;

use super::example::ONE_GPU;
use super::tests::{faults, judge_by};
use crate::config::{self, Config};
use crate::finding::{Finding, Severity};
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO, IGPU, LPC, NVME, ROOT_PORT};
use crate::host::{Host, Root, fake};
use crate::pci::Address;
use crate::policy::{self, Judged, Policy, Verdict};
use crate::source::Sources;

/// What is expected: codes that stand, and codes that follow from others in brackets.
pub struct Case {
    pub name: &'static str,
    pub host: FakeHost,
    pub config: String,
    codes: &'static str,
    verdict: Verdict,
}

fn case(
    name: &'static str,
    host: FakeHost,
    config: impl Into<String>,
    codes: &'static str,
    verdict: Verdict,
) -> Case {
    Case { name, host, config: config.into(), codes, verdict }
}

const GPU_ONLY: &str = "compute_nodes: [{name: a, pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.0', device_type: gpu}]}}]\n";

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
    let host = host.iommu(None).interrupts("IO-APIC", "PCI-MSI");
    [GPU, GPU_AUDIO, NVME, ROOT_PORT, LPC, IGPU, Address::new(0, 0, 0, 0), Address::new(0, 0, 6, 0)]
        .into_iter()
        .fold(host, |host, address| host.group(address, None))
}

/// A plan with one VM that wants these.
fn wanting(devices: &[(Address, &str)]) -> String {
    let list: Vec<String> = devices
        .iter()
        .map(|(address, kind)| format!("{{pci_address: '{address}', device_type: {kind}}}"))
        .collect();
    format!(
        "compute_nodes: [{{name: a, pcie_passthrough: {{enabled: true, devices: [{}]}}}}]\n",
        list.join(", ")
    )
}

fn load(config: &str) -> Config {
    let mut sources = Sources::default();
    sources.add("case.yaml", config);
    config::load(&sources, &|_| None).unwrap()
}

fn judge(config: &str, host: &FakeHost) -> Judged {
    let config = load(config);
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

pub fn all_cases() -> Vec<Case> {
    let parts = [
        basics::cases(),
        machine::cases(),
        device::cases(),
        harm::cases(),
        shared_reset::cases(),
        placement::cases(),
        security::cases(),
        next_boot::cases(),
    ];
    parts.into_iter().flatten().collect()
}

#[test]
fn each_host_gets_its_codes() {
    let mut wrong = Vec::new();
    for case in all_cases() {
        let judged = judge(&case.config, &case.host);
        if (codes(&judged).as_str(), judged.verdict) != (case.codes, case.verdict) {
            let (said, verdict) = (codes(&judged), judged.verdict.as_str());
            wrong.push(format!("{}: {said:?} {verdict}, not {:?}", case.name, case.codes));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A harm that is found stays found, or becomes an open check, whatever single fact is broken.
#[test]
fn no_missing_fact_hides_what_the_host_would_lose() {
    let mut hidden = Vec::new();
    let mut tried = 0;
    for case in harm::cases().iter().filter(|case| harm::WORTH_BREAKING.contains(&case.name)) {
        let config = load(&case.config);
        let tree = case.host.tree();
        let judge = |tree| judge_by(&config, tree, Policy::default());
        let (judged, asked) = judge(tree.clone());
        let code = judged.findings.iter().map(|it| it.code).find(|code| code.starts_with("AH4"));
        let code = code.unwrap_or_else(|| panic!("{} says no harm", case.name));
        for (path, asked) in asked {
            for (fault, broken) in faults(&tree, &path, asked) {
                let (after, _) = judge(broken);
                let told = after.findings.iter().any(|it| it.code == code)
                    // Of a device that is not known to be there nothing else is asked.
                    || after.undetermined.iter().any(|it| [code, "AH201"].contains(&it.code));
                tried += 1;
                if !told {
                    hidden.push(format!("{}: {code}: {path} {fault}", case.name));
                }
            }
        }
    }
    assert!(tried > 3000, "only {tried} were tried");
    assert!(hidden.is_empty(), "{}", hidden.join("\n"));
}

/// Where a harm is an error, nothing is printed that could be pasted to bring it about.
#[test]
fn no_command_harms_the_host() {
    let (mut silenced, mut printed) = (0, 0);
    for case in all_cases() {
        let judged = judge(&case.config, &case.host);
        let commands: Vec<&String> = judged
            .findings
            .iter()
            .flat_map(|finding| &finding.remedies)
            .flat_map(|remedy| &remedy.commands)
            .collect();
        for harm in judged.findings.iter().filter(|it| it.code.starts_with("AH4")) {
            let address = harm.device.unwrap().to_string();
            let told = commands.iter().any(|command| command.contains(&address));
            match harm.severity {
                Severity::Error => {
                    assert!(!told, "{}: {}: {commands:#?}", case.name, harm.code);
                    silenced += 1;
                }
                _ => printed += usize::from(told),
            }
        }
    }
    assert!(silenced > 50 && printed > 3, "{silenced} {printed}");
}

/// The text of all findings of a code.
fn said(config: &str, host: &FakeHost, code: &str) -> String {
    let judged = judge(config, host);
    let of_code: Vec<_> = judged.findings.iter().filter(|it| it.code == code).collect();
    assert!(!of_code.is_empty(), "{code} is silent");
    format!("{of_code:?}")
}

#[test]
fn a_harm_is_told_with_the_way_to_it() {
    let nvme = wanting(&[(NVME, "storage")]);
    let luks = said(&nvme, &workstation().luks_lvm(), "AH401");
    for words in [
        "0000:02:00.0 carries the host's / and swap",
        "/ <- dm-1 (vg-root) <- dm-0 (nvme0n1p3_crypt) <- nvme0n1p3 <- 0000:02:00.0.",
        "swap <- dm-2 (vg-swap_1) <- dm-0 (nvme0n1p3_crypt) <- nvme0n1p3 <- 0000:02:00.0.",
        "/dev/mapper/vg-root rw",
        "/sys/devices/virtual/block/dm-0/slaves",
    ] {
        assert!(luks.contains(words), "{words}: {luks}");
    }
    let many = (0..9).fold(workstation(), |host, n| {
        host.mounted("259:3", &format!("/data\\040{n}"), "ext4", "/dev/nvme0n1p3")
    });
    let many = said(&nvme, &many, "AH401");
    assert!(many.contains("/, /data 0, /data 1 and 8 more"), "{many}");
    let member = said(ONE_GPU, &workstation().group(NVME, Some(16)), "AH401");
    assert!(member.contains("0000:02:00.0 is lost with 0000:01:00.0"), "{member}");
    let bond = workstation().nic().upper("bond0", &["eno1"]).upper("br0", &["bond0"]);
    let nic = wanting(&[(fake::harm::NIC, "network")]);
    let bond = said(&nic, &bond.default_route("br0").default_route_v6("br0"), "AH402");
    for words in ["default route (IPv4 and IPv6)", "br0 <- bond0 <- eno1 <- 0000:03:00.0."] {
        assert!(bond.contains(words), "{words}: {bond}");
    }
    let warned = said(ONE_GPU, &FakeHost::gpu_held_by_nvidia().output(GPU, "card1", true), "AH207");
    assert!(warned.contains("Mind AH403"), "{warned}");
    let open = said(&nvme, &workstation().without("/proc/1/mountinfo"), "AH207");
    assert!(open.contains("(AH401 could not be told)"), "{open}");
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

fn finding_of(config: &str, host: &FakeHost, code: &str) -> Finding {
    let judged = judge(config, host);
    let found = judged.findings.iter().find(|finding| finding.code == code);
    found.unwrap_or_else(|| panic!("no {code}: {judged:#?}")).clone()
}

fn commands(finding: &Finding) -> Vec<String> {
    finding.remedies.iter().flat_map(|remedy| remedy.commands.clone()).collect()
}

#[test]
fn nothing_is_unbound_of_which_harm_cannot_be_ruled_out() {
    let nvme = wanting(&[(NVME, "storage")]);
    let unread = workstation().without("/proc/1/mountinfo");
    assert!(commands(&finding_of(&nvme, &unread, "AH207")).is_empty());
    assert!(commands(&finding_of(&nvme, &unread, "AH302")).is_empty());
}

/// One member has to stay, so that to unbind the others frees nothing.
#[test]
fn no_half_of_a_group_is_unbound() {
    let host = FakeHost::gpu_held_by_nvidia().group(NVME, Some(16));
    let finding = finding_of(ONE_GPU, &host, "AH302");
    assert!(commands(&finding).is_empty(), "{finding:#?}");
    assert_eq!(finding.remedies.len(), 1, "{finding:#?}");
    let free = FakeHost::gpu_held_by_nvidia();
    assert!(!commands(&finding_of(ONE_GPU, &free, "AH302")).is_empty());
}

#[test]
fn no_user_is_put_into_the_group_of_root() {
    for (group, mode, named) in
        [(0, 0o600, false), (0, 0o660, false), (104, 0o600, false), (104, 0o660, true)]
    {
        let host = workstation().node("/dev/kvm", 0, group, mode).called_by(1000);
        let text = finding_of(ONE_GPU, &host, "AH103").remedies[0].text.clone();
        assert_eq!(text.contains("the group 104"), named, "{text}");
        assert!(!text.contains("the group 0"), "{text}");
    }
}

/// To take the virtual functions away would take what another VM wants.
#[test]
fn a_wanted_virtual_function_is_not_removed_for_its_physical_one() {
    const PF: Address = Address::new(0, 3, 0, 0);
    const VF: Address = Address::new(0, 3, 0, 4);
    let host = workstation()
        .with(PF, 0x02_0000, (0x8086, 0x1592), Some("ice"), 30)
        .interface_on(PF, "ens3")
        .virtual_function(PF, VF, Some("vfio-pci"), 31);
    let alone = finding_of(&wanting(&[(PF, "network")]), &host, "AH214");
    assert!(commands(&alone).iter().any(|command| command.contains("sriov_numvfs")), "{alone:#?}");
    let both = finding_of(&wanting(&[(PF, "network"), (VF, "network")]), &host, "AH214");
    assert!(commands(&both).is_empty(), "{both:#?}");
    assert!(both.remedies[0].text.contains("0000:03:00.4"), "{both:#?}");
}

/// A parameter that is not there cannot be set.
#[test]
fn no_parameter_of_a_missing_module_is_set() {
    let unremapped = workstation().interrupts("IO-APIC", "PCI-MSI");
    assert!(
        !commands(&finding_of(ONE_GPU, &unremapped, "AH106"))
            .iter()
            .all(|it| !it.contains("echo Y"))
    );
    let without =
        unremapped.without_modules(&["vfio_iommu_type1"]).without("/sys/module/vfio_iommu_type1");
    let said = commands(&finding_of(ONE_GPU, &without, "AH106"));
    assert!(said.iter().all(|command| !command.contains("echo Y")), "{said:?}");
}

/// It would be left without a driver.
#[test]
fn a_physical_function_with_virtual_ones_is_not_bound() {
    const PF: Address = Address::new(0, 3, 0, 0);
    let host = workstation()
        .with(PF, 0x02_0000, (0x8086, 0x1592), Some("ice"), 30)
        .virtual_function(PF, Address::new(0, 3, 0, 4), None, 31);
    let finding = finding_of(&wanting(&[(PF, "network")]), &host, "AH207");
    assert!(commands(&finding).is_empty(), "{finding:#?}");
}

/// The host's network is on a virtual function, which goes away before the physical one is bound.
#[test]
fn a_virtual_function_that_the_host_lives_on_is_not_taken_away() {
    const PF: Address = Address::new(0, 9, 0, 0);
    const VF: Address = Address::new(0, 9, 0, 4);
    let host = workstation()
        .with(PF, 0x02_0000, (0x8086, 0x1592), Some("ice"), 30)
        .virtual_function(PF, VF, Some("iavf"), 31);
    let host = host.clone().interface_on(VF, "eth9").interface_on(PF, "eno9").default_route("eth9");
    let judged = judge(&wanting(&[(PF, "network")]), &host);
    let lost = judged.findings.iter().find(|it| it.code == "AH402" && it.device == Some(VF));
    assert!(lost.is_some(), "{judged:#?}");
    let all: Vec<String> = judged.findings.iter().flat_map(commands).collect();
    assert!(all.iter().all(|command| !command.contains("sriov_numvfs")), "{all:?}");
}

/// What is below VMD goes away with it.
#[test]
fn what_goes_away_with_its_controller_is_not_bound() {
    const VMD: Address = Address::new(0, 0, 0x0e, 0);
    const CHILD: Address = Address::new(0x10000, 0xe1, 0, 0);
    let host = workstation()
        .with(VMD, 0x01_0400, (0x8086, 0x467f), Some("vmd"), 9)
        .with(CHILD, 0x01_0802, (0x144d, 0xa80a), Some("nvme"), 9)
        .below(CHILD, VMD);
    let judged = judge(&wanting(&[(VMD, "storage")]), &host);
    let all: Vec<String> = judged.findings.iter().flat_map(commands).collect();
    assert!(all.iter().any(|command| command.contains("0000:00:0e.0")), "{all:?}");
    assert!(all.iter().all(|command| !command.contains("10000:e1:00.0")), "{all:?}");
}
