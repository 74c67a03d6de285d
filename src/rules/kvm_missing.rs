//! AH102 kvm-missing

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Host, KVM, KVM_AMD, KVM_INTEL, Part, Presence};
use crate::remedy;

pub static RULE: Rule = Rule {
    code: "AH102",
    name: "kvm-missing",
    severities: &[Severity::Error],
    summary: "The host has no /dev/kvm.",
    why: "Without KVM a VM with a passed device does not start: libvirt and QEMU refuse it, or emulate the processor at a hundredth of its speed.",
    remedy: "Turn virtualisation on in the firmware setup (VT-x, SVM), and load kvm_intel or kvm_amd.",
    since: "0.1.0",
    reads: &[
        "Documentation/virt/kvm/api.rst (the node /dev/kvm)",
        "arch/x86/kernel/cpu/feat_ctl.c (vmx is cleared when the firmware turned it off, since 5.6)",
        "arch/x86/kernel/cpu/amd.c (svm likewise, since 6.8)",
    ],
    check: Check::Host(check, "/dev/kvm is there"),
    example: Example {
        speaks: Scene::host(|| FakeHost::workstation().without_kvm()),
        silent: Scene::host(FakeHost::workstation),
    },
};

/// The node decides, not the processor's flags: hosts exist with the node and neither flag.
fn check(host: &Host, answer: &mut Answer) {
    match answer.learn(host.kvm.node.known()) {
        Some(Some(())) => answer.passed([host.kvm.node.evidence()]),
        Some(None) => {
            let (cause, remedy) = cause(host);
            let finding =
                Finding::new("KVM is not available: /dev/kvm does not exist").detail(cause);
            answer.find(finding.evidence([host.kvm.node.evidence()]).remedy(remedy));
        }
        None => {}
    }
}

fn cause(host: &Host) -> (&'static str, Remedy) {
    let flags = host.cpu.flags.known().ok().flatten();
    let has = |flag| flags.is_some_and(|flags| flags.contains(flag));
    if flags.is_some() && !has("vmx") && !has("svm") {
        return if has("hypervisor") {
            (
                "The processor offers neither vmx nor svm: this is a VM whose own host does not pass virtualisation on.",
                Remedy::advice(
                    "On the host of this VM, enable nested virtualisation and give the VM the host's CPU model.",
                ),
            )
        } else {
            (
                "The processor offers neither vmx nor svm: virtualisation is off in the firmware setup, or not supported.",
                Remedy::advice(
                    "In the firmware setup, turn on Intel Virtualization Technology (VT-x) or SVM Mode, and boot again.",
                ),
            )
        };
    }
    let Some(part) = part_of(host) else {
        return (
            "Why is not known: the processor's vendor and flags were not told.",
            Remedy::advice(RULE.remedy),
        );
    };
    let modules = host.modules.as_ref();
    let at_work = |part: Part| {
        let folder = host.kvm.folders.get(part.name)?;
        Some(matches!(modules?.presence(part, folder), Presence::AtWork(_)))
    };
    if at_work(part) == Some(true) && at_work(KVM) == Some(true) {
        return (
            "KVM and the part that drives this processor are at work, and the node is not there: this is a container that was not given it, or virtualisation is off in the firmware setup.",
            Remedy {
                text: "In a container, give it /dev/kvm; elsewhere the kernel log says why."
                    .to_owned(),
                commands: vec!["dmesg | grep -i kvm".to_owned()],
                ..Remedy::default()
            },
        );
    }
    match modules.and_then(|modules| modules.can_be_loaded(part)) {
        Some(true) => {
            ("The module that drives this processor is not loaded.", remedy::load_kvm(part.name))
        }
        Some(false) => (
            "This kernel was built without KVM for this processor.",
            Remedy::advice(
                "Boot a kernel that has KVM (CONFIG_KVM, with CONFIG_KVM_INTEL or CONFIG_KVM_AMD).",
            ),
        ),
        None => {
            ("Why is not known: the kernel's modules were not told.", remedy::load_kvm(part.name))
        }
    }
}

/// The part of KVM for this processor, by its vendor, else by its flags.
fn part_of(host: &Host) -> Option<Part> {
    let flags = host.cpu.flags.known().ok().flatten();
    let has = |flag| flags.is_some_and(|flags| flags.contains(flag));
    match host.cpu.vendor.known().ok().flatten().map(String::as_str) {
        Some("GenuineIntel") => Some(KVM_INTEL),
        Some("AuthenticAMD" | "HygonGenuine") => Some(KVM_AMD),
        _ if has("vmx") => Some(KVM_INTEL),
        _ if has("svm") => Some(KVM_AMD),
        _ => None,
    }
}
