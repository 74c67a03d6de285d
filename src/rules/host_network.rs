//! AH402 host-network

use super::example::Scene;
use super::harm::{self, MOST_NAMED, can_have_interfaces, is_network_card};
use super::taken::{TakenCase, Why};
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{NetUse, Through};

pub static RULE: Rule = Rule {
    code: "AH402",
    name: "host-network",
    severities: &[Severity::Error, Severity::Warning],
    summary: "The host is reached through the function, or has filesystems of a server through it.",
    why: "With the interface of the default route the host falls off the network, and whoever works on it remotely with it. A filesystem of a server hangs, and with it every program that touches it. An interface that only has an address is a warning.",
    remedy: "Pass another interface or a virtual function; or first move the host's routes and addresses to another interface, and have a console that needs no network.",
    since: "0.1.0",
    reads: &[
        "net/ipv4/fib_trie.c (fib_route_seq_show: the main table)",
        "net/ipv6/ip6_fib.c (ipv6_route_native_seq_show)",
        "net/ipv6/addrconf.c (if6_seq_show)",
        "net/core/dev.c (netdev_adjacent_sysfs_add: the links lower_NAME)",
        "Documentation/ABI/testing/sysfs-class-net (operstate)",
    ],
    check: Check::Taken(check),
    example: Example {
        speaks: Scene::both(NIC_WANTED, || FakeHost::workstation().nic().default_route("eno1")),
        silent: Scene::both(NIC_WANTED, || FakeHost::workstation().nic()),
    },
};

const NIC_WANTED: &str = "compute_nodes:\n  - name: a\n    pcie_passthrough: {enabled: true, devices: [{pci_address: \"0000:03:00.0\", device_type: network}]}\n";

/// Routes of other tables than the main one, and the further hops of a route with several, are not
/// told by the kernel's list.
fn check(case: &TakenCase, answer: &mut Answer) {
    if case.is_bridge() {
        return;
    }
    let Some(uses) = answer.learn(case.host.uses()) else { return };
    let networks = &uses.networks;
    let mut on_it: Vec<&NetUse> =
        networks.uses.iter().filter(|it| it.functions.contains(&case.address())).collect();
    on_it.sort_by(|a, b| a.what.cmp(&b.what));
    if on_it.iter().any(|using| using.what != Through::Address) {
        on_it.retain(|using| using.what != Through::Address);
        return answer.find(finding(case, &on_it));
    }
    if !on_it.is_empty() {
        answer.find(finding(case, &on_it));
        harm::note(case, answer, networks.unplaced.iter().cloned());
    }
    let known_below = networks.carriers.contains(&case.address());
    let may_be_below = !networks.carrier_gaps.is_empty() && can_have_interfaces(case.device);
    if known_below || may_be_below {
        harm::note(case, answer, networks.gaps.iter().chain(&networks.carrier_gaps).cloned());
    }
    if !known_below && networks.carrier_gaps.is_empty() && must_have_interface(case) {
        let gap = networks.without_interface(case.address());
        harm::note(case, answer, networks.gaps.iter().cloned().chain([gap]));
    }
}

/// A card with a driver of the host. What only shares the reset keeps its driver and its interface.
fn must_have_interface(case: &TakenCase) -> bool {
    let has_driver = matches!(case.device.driver.known(), Ok(Some(_)));
    has_driver && case.why != Why::SharesReset && is_network_card(case.device)
}

fn finding(case: &TakenCase, on_it: &[&NetUse]) -> Finding {
    let address = case.address();
    let (mut families, mut what) = (Vec::new(), Vec::new());
    for using in on_it {
        match &using.what {
            Through::DefaultRoute(family) => families.push(*family),
            Through::Server(points) => {
                what.push(format!("{} from a server", harm::list(points, 3)));
            }
            Through::Address => {
                let interface = using.chain.first().map_or("", String::as_str);
                what.push(format!("{interface}, which is up with an address"));
            }
        }
    }
    families.dedup();
    if !families.is_empty() {
        what.insert(0, format!("the host's default route ({})", families.join(" and ")));
    }
    what.dedup();
    let severity = match on_it.first().map(|using| &using.what) {
        Some(Through::Address) => Severity::Warning,
        _ => Severity::Error,
    };
    let mut finding =
        case.finding(format!("{address} carries {}", harm::list(&what, 3))).severity(severity);
    let mut chains: Vec<String> = on_it
        .iter()
        .map(|using| harm::chain(None, &using.chain, &using.functions, address))
        .collect();
    chains.dedup();
    for chain in chains.into_iter().take(MOST_NAMED) {
        finding = finding.detail(format!("The way down: {chain}."));
    }
    let evidence = on_it.iter().take(MOST_NAMED).flat_map(|using| using.evidence.iter().cloned());
    let advice = "Pass another interface, or a virtual function of this one; or move the host's routes and addresses to another interface first, and have a console that needs no network.";
    finding.evidence(harm::distinct(evidence)).remedy(Remedy::advice(advice))
}
