//! What of a made-up host tells how well it keeps devices apart.

use super::{FakeHost, GPU, GPU_AUDIO, NVME, ROOT_PORT};
use crate::host::root::Entry;
use crate::pci::{Address, made_up};

/// Beside [`ROOT_PORT`], on the same slot.
pub const SECOND_PORT: Address = Address::new(0, 0, 1, 1);

impl FakeHost {
    /// What the kernel has said, from the first message that is still there.
    pub fn kernel_log(self, messages: &[&str]) -> Self {
        let record = |(number, message)| format!("6,{number},{number}000,-;{message}\n");
        let log: String = messages.iter().enumerate().map(record).collect();
        self.file("/dev/kmsg", &log)
    }

    /// The registers of a bridge: its type of port, and of ACS what it offers and what is on.
    pub fn registers(self, bridge: Address, port: u8, acs: Option<(u16, u16)>) -> Self {
        let path = format!("{}/config", self.folder_of(bridge));
        self.put(&path, Some(Entry::File(made_up(port, acs))))
    }

    /// The GPU and the disk below two ports of the processor that share a group with all below
    /// them; what both offer of ACS, and what is on.
    pub fn ports_in_one_group(acs: Option<(u16, u16)>) -> Self {
        const ROOT: u8 = 4;
        let host = Self::workstation().moved(Address::new(0, 0, 6, 0), SECOND_PORT);
        [ROOT_PORT, SECOND_PORT, GPU, GPU_AUDIO, NVME]
            .into_iter()
            .fold(host.below(NVME, SECOND_PORT), |host, member| host.group(member, Some(1)))
            .registers(ROOT_PORT, ROOT, acs)
            .registers(SECOND_PORT, ROOT, acs)
    }
}
