//! AH023 vm-ip-conflict

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::config::{Config, Subnet};
use crate::finding::{Answer, Finding, Related, Severity};
use crate::source::Span;

pub static RULE: Rule = Rule {
    code: "AH023",
    name: "vm-ip-conflict",
    severities: &[Severity::Warning],
    summary: "Two VMs have one IP address, or an address is outside its cluster's subnet.",
    why: "The VM starts, and cannot be reached.",
    remedy: "Give each VM an address of its own within the subnet, or ip: DHCP.",
    since: "0.1.0",
    reads: &["RFC 5227 (address conflicts)", "RFC 4632 (a subnet and its prefix)"],
    check: Check::Config(check),
    example: Example {
        speaks: Scene::config(
            "version: \"1.0\"\nclusters:\n  hpc:\n    network: {subnet: 192.168.100.0/24, bridge: virbr100}\n    controller: {cpu_cores: 4, memory_gb: 8, disk_gb: 100, ip_address: 192.168.1.10}\n",
        ),
        silent: Scene::config(
            "version: \"1.0\"\nclusters:\n  hpc:\n    network: {subnet: 192.168.100.0/24, bridge: virbr100}\n    controller: {cpu_cores: 4, memory_gb: 8, disk_gb: 100, ip_address: 192.168.100.10}\n",
        ),
    },
};

fn check(config: &Config, answer: &mut Answer) {
    let mut seen: BTreeMap<Ipv4Addr, Span> = BTreeMap::new();
    for (index, vm) in config.vms.iter().enumerate() {
        let Some(ip) = &vm.ip else { continue };
        let finding = |message: String| {
            Finding::new(message).severity(Severity::Warning).vm(index).at(ip.span)
        };
        if let Some(first) = seen.get(&ip.value) {
            let message = format!("{} of {} is another VM's address too", ip.value, vm.name);
            answer.find(finding(message).related(Related::place("the first VM with it", *first)));
        }
        seen.entry(ip.value).or_insert(ip.span);
        if let Some(subnet) = vm.subnet.as_ref().filter(|subnet| !holds(subnet.value, ip.value)) {
            let net = format!("{}/{}", subnet.value.network, subnet.value.prefix);
            let message =
                format!("{} of {} is outside the cluster's subnet {net}", ip.value, vm.name);
            answer.find(finding(message).related(Related::place("the subnet", subnet.span)));
        }
    }
}

fn holds(subnet: Subnet, ip: Ipv4Addr) -> bool {
    let mask = u32::MAX.checked_shl(32 - u32::from(subnet.prefix)).unwrap_or(0);
    u32::from(subnet.network) & mask == u32::from(ip) & mask
}
