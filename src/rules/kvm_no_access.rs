//! AH103 kvm-no-access

use super::access;
use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::Host;
use crate::host::fake::FakeHost;

pub static RULE: Rule = Rule {
    code: "AH103",
    name: "kvm-no-access",
    severities: &[Severity::Warning],
    summary: "Whoever starts the VMs may not open /dev/kvm.",
    why: "The program that starts a VM opens the node itself. Who asks here need not be who starts the VMs, so this is a warning; with --as USER it is asked for that user. Of a directory given with --root it is not asked, since its files do not have the node's owner.",
    remedy: "Put the user into the node's group, and log in anew.",
    since: "0.1.0",
    reads: &[
        "Documentation/virt/kvm/api.rst (the node is opened for reading and writing)",
        "virt/kvm/kvm_main.c (kvm_dev)",
        "path_resolution(7), acl(5)",
    ],
    check: Check::Host(check, "/dev/kvm can be opened"),
    example: Example {
        speaks: Scene::host(|| {
            FakeHost::workstation().node("/dev/kvm", 0, 104, 0o660).called_by(1000)
        }),
        silent: Scene::host(FakeHost::workstation),
    },
};

/// That there is no node is AH102's to say.
fn check(host: &Host, answer: &mut Answer) {
    let Some(node) = &host.kvm.access else {
        return answer.not_judged(host.kvm.node.evidence());
    };
    let remedy = |group: Option<u32>| {
        Remedy::advice(match group {
            Some(group) => format!(
                "Put the user into the group {group} (`getent group {group}` tells its name, often kvm; then `usermod -aG NAME USER`), and log in anew."
            ),
            None => "Let a udev rule give the node to a group, KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0660\", and put the user into that group.".to_owned(),
        })
    };
    if let Some(closed) = access::closed(node, host.user.as_ref(), answer) {
        let message = format!("{} may not open /dev/kvm", closed.who);
        let finding = Finding::new(message).severity(Severity::Warning).detail(closed.why);
        let for_good = closed.by_group.unwrap_or_else(|| remedy(closed.group));
        let remedies = closed.at_once.into_iter().chain([for_good]);
        answer.find(remedies.fold(finding.evidence([node.evidence()]), Finding::remedy));
    }
}
