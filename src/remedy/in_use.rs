//! Taking a function out of the hands of those who use it.

use crate::finding::{Act, Remedy};
use crate::pci::Address;

/// Stops nobody by itself: what a process does, and for whom, only a person can tell.
pub fn stop_users(pids: &[u32], text: &str) -> Remedy {
    let list: Vec<String> = pids.iter().map(ToString::to_string).collect();
    Remedy {
        text: format!("{text} The command tells what they are."),
        commands: vec![format!("ps -f -p {}", list.join(","))],
        ..Remedy::default()
    }
}

/// Takes away all virtual functions; `count` of them come back.
pub fn remove_virtual_functions(address: Address, count: u32) -> Remedy {
    let attribute = format!("/sys/bus/pci/devices/{address}/sriov_numvfs");
    Remedy {
        text: format!(
            "As root: take away the virtual functions of {address}. First stop what uses them (VMs, containers, network), or it waits for ever."
        ),
        commands: vec![format!("echo 0 > {attribute}")],
        undo: vec![format!("echo {count} > {attribute}")],
        act: Some(Act::RemoveVirtualFunctions { address, count }),
        ..Remedy::default()
    }
}
