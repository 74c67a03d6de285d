//! What is changed for the next boot. Which file and which command that is depends on the
//! distribution and its bootloader, so the words stay general.

use crate::finding::Remedy;

/// Puts a parameter on the kernel's command line.
pub fn kernel_parameter(parameter: &str) -> Remedy {
    Remedy::advice(format!(
        "Add {parameter} to the kernel's command line in your bootloader's configuration (GRUB: GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub or grub2-mkconfig), and reboot."
    ))
}

/// Loads modules now and at every boot. `modprobe a b` would take b for a parameter of a.
pub fn load_modules(names: &[&str]) -> Remedy {
    let list = names.join(" ");
    let lines = names.join("\\n");
    Remedy {
        text: format!("As root: load {} now, and at every boot.", names.join(", ")),
        commands: vec![
            format!("modprobe -a {list}"),
            format!("printf '{lines}\\n' > /etc/modules-load.d/ai-how-vfio.conf"),
        ],
        undo: vec!["rm /etc/modules-load.d/ai-how-vfio.conf".to_owned(), unload(names)],
        ..Remedy::default()
    }
}

fn unload(names: &[&str]) -> String {
    let newest_first: Vec<&str> = names.iter().rev().copied().collect();
    format!("modprobe -r {}", newest_first.join(" "))
}
