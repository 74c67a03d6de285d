//! Huge pages, set aside until the next boot or for good.

use crate::finding::Remedy;

/// So many more than there are, of a size in KiB, in the kernel's own folder of the host or of a
/// node; in words alone where it is not known how many there are.
pub fn more_pages(folder: &str, size: u64, all: Option<u64>, more: u64) -> Remedy {
    const TEXT: &str = "Until the next boot, as root: set the missing pages aside. The kernel makes as many as it finds room for: the last line must show the number asked for.";
    let Some(all) = all else {
        return Remedy::advice(format!("Set {more} more pages aside."));
    };
    let file = format!("{folder}/hugepages-{size}kB/nr_hugepages");
    Remedy {
        commands: vec![
            format!("echo {} > {file}", all.saturating_add(more)),
            format!("cat {file}"),
        ],
        undo: vec![format!("echo {all} > {file}")],
        ..Remedy::advice(TEXT)
    }
}

/// For good, and before memory is in pieces. Two words that belong together, so the bootloader's own
/// command, which takes one, is not written.
pub fn pages_at_boot(size: u64, number: u64) -> Remedy {
    let size =
        if size >= 1 << 20 { format!("{}G", size >> 20) } else { format!("{}M", size >> 10) };
    Remedy::advice(format!(
        "For good: add hugepagesz={size} hugepages={number}, in this order, to the kernel's command line in your bootloader's configuration, and reboot."
    ))
}
