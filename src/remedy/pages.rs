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

/// For good, and before memory is in pieces: all that there are by then, since the number that stands
/// on the command line takes in those that there are now. Two words that belong together, so the
/// bootloader's own command, which takes one, is not written.
pub fn pages_at_boot(size: u64, all: Option<u64>, more: u64) -> Remedy {
    let size =
        if size >= 1 << 20 { format!("{}G", size >> 20) } else { format!("{}M", size >> 10) };
    let Some(all) = all else {
        return Remedy::advice(format!(
            "For good: ask for {more} more pages on the kernel's command line in your bootloader's configuration (hugepagesz={size}, and behind it hugepages= with the number of all of them), and reboot."
        ));
    };
    let number = all.saturating_add(more);
    Remedy::advice(format!(
        "For good: add hugepagesz={size} hugepages={number}, in this order, to the kernel's command line in your bootloader's configuration, and reboot. Where it asks for pages of {size} already, change the number that stands there to {number} instead."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_for_good_takes_in_the_pages_that_there_are() {
        let text = pages_at_boot(1 << 20, Some(16), 16).text;
        assert!(text.contains("add hugepagesz=1G hugepages=32, in this order"), "{text}");
        assert!(text.contains("change the number that stands there to 32"), "{text}");
        let text = pages_at_boot(2 << 10, None, 7).text;
        assert!(text.contains("7 more pages") && text.contains("hugepagesz=2M"), "{text}");
    }
}
