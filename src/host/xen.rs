//! Xen: whether this kernel is its control domain (dom0).

use super::reading::{Reading, Why};
use super::root::Root;

/// Whether this is Xen's control domain: `/sys/hypervisor/type` says that it is Xen
/// (`drivers/xen/sys-hypervisor.c`), the word `control_d` in `/proc/xen/capabilities` that it is
/// dom0 (`drivers/xen/xenfs/super.c`).
pub fn read_is_dom0(root: &Root) -> Reading<bool> {
    let folder = root.folder("/sys/hypervisor");
    if !matches!(folder.known(), Ok(Some(()))) {
        return folder.parse("", |()| None);
    }
    let kind = root.text(&"/sys/hypervisor/type".into());
    match kind.known() {
        Ok(Some(name)) if name == "xen" => {}
        _ => return kind.parse("the name of a hypervisor", |_| Some(false)),
    }
    let capabilities = root.text(&"/proc/xen/capabilities".into());
    // The file system at /proc/xen may not be mounted.
    capabilities
        .parse("words", |text| Some(text.split_ascii_whitespace().any(|word| word == "control_d")))
        .absent_means(Why::NotCaptured)
}
