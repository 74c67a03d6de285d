//! Configurations with as many VMs as are asked for.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::tree::Passable;

/// A cluster file whose VMs ask for the groups given, one each, as far as these go.
pub fn make(folder: &Path, vms: usize, groups: &[Vec<Passable>]) -> PathBuf {
    let mut text = String::from(
        "version: \"1.0\"\nclusters:\n  hpc:\n    name: hpc\n    network:\n      subnet: 10.0.0.0/8\n      bridge: virbr0\n    compute_nodes:\n",
    );
    for vm in 0..vms {
        let ip = format!("10.{}.{}.{}", vm >> 16, vm >> 8 & 255, vm & 255);
        let _ = write!(
            text,
            "      - name: node-{vm}\n        cpu_cores: 1\n        memory_gb: 1\n        disk_gb: 10\n        ip: {ip}\n"
        );
        let Some(group) = groups.get(vm) else { continue };
        text += "        pcie_passthrough:\n          enabled: true\n          devices:\n";
        for Passable { address, kind } in group {
            let _ = writeln!(
                text,
                "            - pci_address: \"{address}\"\n              device_type: {kind}"
            );
        }
    }
    let path = folder.join(format!("plan-{vms}.yaml"));
    fs::write(&path, text).unwrap();
    path
}
