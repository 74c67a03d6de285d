//! What is changed for the next boot. Which file and which command that is depends on the
//! distribution and its bootloader, so the words stay general.

use crate::finding::{Act, Remedy};

/// Puts a parameter on the kernel's command line.
pub fn kernel_parameter(parameter: &str) -> Remedy {
    Remedy::advice(format!(
        "Add {parameter} to the kernel's command line in your bootloader's configuration (GRUB: GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub or grub2-mkconfig), and reboot."
    ))
}

/// Loads modules, now and at every boot. `modprobe a b` would take b for a parameter of a.
pub fn load_modules(names: &[&'static str]) -> Vec<Remedy> {
    let list = names.join(", ");
    let lines = names.join("\\n");
    vec![
        Remedy {
            text: format!("Until the next boot, as root: load {list}."),
            commands: vec![format!("modprobe -a {}", names.join(" "))],
            undo: vec![unload(names)],
            act: Some(Act::LoadModules { names: names.to_vec(), node: None }),
            ..Remedy::default()
        },
        Remedy {
            text: format!("For good, as root: have {list} loaded at every boot."),
            commands: vec![format!("printf '{lines}\\n' > {AT_BOOT}")],
            undo: vec![format!("rm {AT_BOOT}")],
            ..Remedy::default()
        },
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
