//! What the host has on functions that are reset only together with a wanted one.

use super::{Case, case, wanting, workstation};
use crate::host::fake::{FakeHost, GPU, GPU_AUDIO, ROOT_PORT};
use crate::pci::Address;
use crate::policy::Verdict;

/// A drive on the bus of the GPU, in a group of its own.
const DRIVE: Address = Address::new(0, 1, 0, 2);

/// The GPU has no reset of its own, and a disk of the host is beside it on the bus.
fn beside(mounted: bool) -> FakeHost {
    let host = workstation()
        .with(DRIVE, 0x01_0802, (0x144d, 0xa808), Some("nvme"), 22)
        .below(DRIVE, ROOT_PORT)
        .attribute(GPU, "reset_method", "bus\n");
    let path = format!("{}/nvme/nvme1/nvme1n1", host.folder_of(DRIVE));
    let host = host.block("259:8", &path);
    if mounted { host.mounted("259:8", "/srv", "xfs", "/dev/nvme1n1") } else { host }
}

#[rustfmt::skip]
pub fn cases() -> Vec<Case> {
    use Verdict::{Blocked, Ready};
    let both = || wanting(&[(GPU, "gpu"), (GPU_AUDIO, "audio")]);
    vec![
        case("a disk of the host shares the reset", beside(true), both(), "AH212 AH401", Ready),
        case("a disk without use shares the reset", beside(false), both(), "AH212", Ready),
        case("a disk on the bus, and the GPU resets by itself", beside(true).attribute(GPU, "reset_method", "flr bus\n"), both(), "", Ready),
        case("a disk that shares the reset, and mounts that are not known", beside(true).without("/proc/1/mountinfo"), both(), "AH212 AH401?", Ready),
        case("a disk that shares the reset, and is in the group", beside(true).group(DRIVE, Some(16)), both(), "AH212 AH302 AH401 [AH301]", Blocked),
        case("a disk that shares the reset, on vfio-pci", beside(true).driver(DRIVE, Some("vfio-pci")), both(), "AH212", Ready),
        case("a disk that shares the reset, and is wanted", beside(true), wanting(&[(GPU, "gpu"), (GPU_AUDIO, "audio"), (DRIVE, "storage")]), "AH207 AH401 [AH302]", Blocked),
    ]
}
