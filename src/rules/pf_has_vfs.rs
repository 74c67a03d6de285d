//! AH214 pf-has-vfs

use super::device_id_mismatch::{Identity, identity};
use super::driver::is_vfio;
use super::driver_conflict::{before_virtual_functions_go, not_the_one};
use super::example::Scene;
use super::{Check, DeviceCase, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::State;
use crate::host::fake::{FakeHost, GPU};
use crate::remedy;

pub static RULE: Rule = Rule {
    code: "AH214",
    name: "pf-has-vfs",
    severities: &[Severity::Error, Severity::Warning],
    summary: "A physical function with virtual functions is wanted, or one of its virtual functions while it is on VFIO.",
    why: "vfio-pci refuses a physical function that has virtual ones (EBUSY): they might be in use. Where it has the physical function already and the virtual ones were made then, both open only for programs that share a secret, the vf-token.",
    remedy: "Take the virtual functions away before the physical one is bound; or leave the physical one with the host and pass the virtual ones.",
    since: "0.1.0",
    reads: &[
        "drivers/vfio/pci/vfio_pci_core.c (vfio_pci_core_register_device: EBUSY with VFs; vfio_pci_validate_vf_token, since 5.7)",
        "Documentation/ABI/testing/sysfs-bus-pci (sriov_numvfs, virtfnN, physfn)",
    ],
    check: Check::Device(check),
    example: Example {
        speaks: Scene::host(|| {
            FakeHost::workstation().driver(GPU, None).attribute(GPU, "sriov_numvfs", "2\n")
        }),
        silent: Scene::host(|| FakeHost::workstation().attribute(GPU, "sriov_numvfs", "0\n")),
    },
};

fn check(case: &DeviceCase, answer: &mut Answer) {
    let Some(state) = case.state() else { return };
    answer.at_most(Severity::Warning);
    physical(case, state, answer);
    virtual_function(case, state, answer);
}

/// One that is bound to VFIO already has made its virtual functions there.
fn physical(case: &DeviceCase, state: &State, answer: &mut Answer) {
    let device = case.device;
    let on_vfio = is_vfio(device);
    // Not even that it is on VFIO is known, so that it could be the error.
    let is_open = state.vfs.is_unknown() && on_vfio != Ok(true);
    let has_vfs = matches!(state.vfs.known(), Ok(Some(1..)));
    if is_open || (has_vfs && on_vfio.is_err()) {
        answer.at_most(Severity::Error);
    }
    let Some(Some(&count @ 1..)) = answer.learn(state.vfs.known()) else { return };
    let Some(on_vfio) = answer.learn(on_vfio) else { return };
    let functions =
        if count == 1 { "1 virtual function" } else { &format!("{count} virtual functions") };
    let finding = Finding::new(format!("{} has {functions}", device.address))
        .evidence([state.vfs.evidence(), device.driver.evidence()]);
    answer.find(if on_vfio {
        finding
            .severity(Severity::Warning)
            .detail("While one of them is open, it opens only with their vf-token.")
            .remedy(Remedy::advice(
                "Give the VM's vfio-pci device the same vf-token as those of its virtual functions, or take them away.",
            ))
    } else {
        let wanted = case.wanted_of.get(&device.address).and_then(|wanted| wanted.first());
        let remedy = match (identity(case), wanted) {
            (Identity::Another, _) => not_the_one(),
            (_, Some(virtual_function)) => Remedy::advice(format!(
                "The plan wants its virtual function {virtual_function} too, which would go away: pass either the physical function or its virtual ones."
            )),
            _ => match before_virtual_functions_go(case.takes, case.device) {
                Some(words) => words,
                None => remedy::remove_virtual_functions(device.address, count),
            },
        };
        finding
            .detail("vfio-pci does not take a physical function that has virtual ones (EBUSY).")
            .remedy(remedy)
    });
}

fn virtual_function(case: &DeviceCase, state: &State, answer: &mut Answer) {
    let Some(Some(&physfn)) = answer.learn(state.physfn.known()) else { return };
    let Some(physical) = answer.learn(case.host.member(physfn)) else { return };
    let release = case.host.release.known();
    let is_older = matches!(release, Ok(Some(it)) if !it.at_least(5, 7) && !it.keeps_its_number());
    if answer.learn(is_vfio(physical)) != Some(true) || is_older {
        return;
    }
    let address = case.device.address;
    let finding = Finding::new(format!(
        "{address} opens only with a vf-token, as its physical function {physfn} is on VFIO"
    ))
    .severity(Severity::Warning)
    .evidence([state.physfn.evidence(), physical.driver.evidence()]);
    answer.find(finding.remedy(Remedy::advice(
        "Give both the VM and the program that has the physical function the same vf-token (QEMU: the option vf-token of vfio-pci), or leave the physical function with its driver of the host.",
    )));
}
