//! What is loaded, and what the kernel is started with. Which file and which command that is hangs
//! on the distribution and its bootloader: until the host's is known the words stay general.

use super::for_good;
use crate::finding::{Act, Edit, ForGood, Lasting, Remedy};

/// Puts a parameter on the kernel's command line.
pub fn kernel_parameter(parameter: &str) -> Remedy {
    Remedy {
        lasting: Some(Lasting::Parameter(parameter.to_owned())),
        ..Remedy::advice(format!(
            "Add {parameter} to the kernel's command line in your bootloader's configuration (GRUB: GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub or grub2-mkconfig), and reboot."
        ))
    }
}

/// Takes a parameter off the kernel's command line.
pub fn without_kernel_parameter(parameter: &str) -> Remedy {
    Remedy {
        lasting: Some(Lasting::NoParameter(parameter.to_owned())),
        ..Remedy::advice(format!(
            "Remove {parameter} from the kernel's command line in your bootloader's configuration, and reboot."
        ))
    }
}

/// Loads modules, now and at every boot. `modprobe a b` would take b for a parameter of a.
pub fn load_modules(names: &[&'static str]) -> Vec<Remedy> {
    let list = names.join(", ");
    vec![
        Remedy {
            text: format!("Until the next boot, as root: load {list}."),
            commands: vec![format!("modprobe -a {}", names.join(" "))],
            undo: vec![unload(names)],
            act: Some(Act::LoadModules { names: names.to_vec(), node: None }),
            ..Remedy::default()
        },
        for_good::remedy(
            format!("For good, as root: have {list} loaded at every boot."),
            Lasting::Modules(names.to_vec()),
            ForGood {
                edits: vec![Edit::File {
                    path: AT_BOOT.to_owned(),
                    lines: names.iter().map(|&name| name.to_owned()).collect(),
                }],
                ..ForGood::default()
            },
        ),
    ]
}

/// Loads the part of KVM that drives the processor.
pub fn load_kvm(name: &'static str) -> Remedy {
    Remedy {
        text: "As root: load the module; if the node does not appear, the kernel log says why (virtualisation off in the firmware).".to_owned(),
        commands: vec![format!("modprobe {name}"), format!("ls -l {KVM_NODE}")],
        undo: vec![unload(&[name])],
        act: Some(Act::LoadModules { names: vec![name], node: Some(KVM_NODE) }),
        ..Remedy::default()
    }
}

/// `modules-load.d(5)`
const AT_BOOT: &str = "/etc/modules-load.d/ai-how-vfio.conf";
const KVM_NODE: &str = "/dev/kvm";

fn unload(names: &[&str]) -> String {
    let newest_first: Vec<&str> = names.iter().rev().copied().collect();
    format!("modprobe -r {}", newest_first.join(" "))
}
