//! Routes and addresses (`net/ipv4/fib_trie.c`, `fib_route_seq_show`; `net/ipv6/route.c` and
//! `ip6_fib.c`, `ipv6_route_native_seq_show`; `net/ipv6/addrconf.c`, `if6_seq_show`).
//!
//! From `/proc/net`, which shows the same network namespace as `/sys/class/net` does; that of the
//! first process may be another, whose interfaces could not be looked up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reading::{Evidence, Reading};
use super::root::Root;

#[derive(Debug)]
pub struct Routes {
    /// The main table.
    pub v4: Reading<Vec<Route>>,
    /// Absent on a kernel without IPv6.
    pub v6: Reading<Vec<Route>>,
    /// Addresses of IPv6 that reach further than the link.
    pub v6_addresses: Reading<Vec<(String, Evidence)>>,
}

/// A usable route through an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub interface: String,
    pub to: IpAddr,
    pub prefix: u32,
    /// Not through a gateway: the interface has an address there.
    pub direct: bool,
    pub line: String,
}

/// `RTF_UP`, `RTF_GATEWAY`, `RTF_REJECT` (`include/uapi/linux/route.h`).
const UP: u32 = 0x1;
const GATEWAY: u32 = 0x2;
const REJECT: u32 = 0x200;

pub fn read(root: &Root) -> Routes {
    Routes {
        v4: root.text(&"/proc/net/route".into()).parse("lines of routes", |text| table_v4(text)),
        // A kernel without IPv6 has neither file of it.
        v6: root
            .kept_text("/proc/net/ipv6_route")
            .parse("lines of routes of IPv6", |text| {
                text.lines().map(route_v6).collect::<Option<Vec<_>>>()
            })
            .parse("", |routes| Some(routes.iter().flatten().cloned().collect())),
        v6_addresses: read_v6_addresses(root),
    }
}

impl Routes {
    /// The routes that reach an address best.
    pub fn to(&self, address: IpAddr) -> Vec<(&Route, Evidence)> {
        let table = if address.is_ipv4() { &self.v4 } else { &self.v6 };
        let routes = table.known().ok().flatten().map_or(&[][..], Vec::as_slice);
        let fits: Vec<&Route> = routes.iter().filter(|route| route.holds(address)).collect();
        let best = fits.iter().map(|route| route.prefix).max();
        fits.into_iter()
            .filter(|route| Some(route.prefix) == best)
            .map(|route| (route, route.evidence(table)))
            .collect()
    }
}

impl Route {
    pub fn is_default(&self) -> bool {
        self.prefix == 0
    }

    pub fn evidence(&self, table: &Reading<Vec<Self>>) -> Evidence {
        Evidence { path: table.path().to_string(), value: self.line.clone() }
    }

    fn holds(&self, address: IpAddr) -> bool {
        match (self.to, address) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.prefix.min(32)).unwrap_or(0);
                net.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix.min(128)).unwrap_or(0);
                net.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// Without any route there may be no main table, and then not even the header is written
/// (`fib_route_seq_start`).
fn table_v4(text: &str) -> Option<Vec<Route>> {
    let mut lines = text.lines();
    let Some(header) = lines.next() else { return Some(Vec::new()) };
    header.starts_with("Iface").then_some(())?;
    let routes: Option<Vec<Option<Route>>> = lines.map(route_v4).collect();
    Some(routes?.into_iter().flatten().collect())
}

/// `IFACE DESTINATION GATEWAY FLAGS REFS USE METRIC MASK …`; addresses as the processor holds the
/// bytes of the network. None inside for one that carries nothing.
#[expect(clippy::option_option, reason = "a line that is none, and one that carries nothing")]
fn route_v4(line: &str) -> Option<Option<Route>> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [interface, to, _, flags, _, _, _, mask, ..] = words[..] else { return None };
    let address = |hex| u32::from_str_radix(hex, 16).ok().map(u32::swap_bytes);
    let flags = u32::from_str_radix(flags, 16).ok()?;
    let route = Route {
        interface: interface.to_owned(),
        to: Ipv4Addr::from_bits(address(to)?).into(),
        prefix: address(mask)?.leading_ones(),
        direct: flags & GATEWAY == 0,
        line: words.join(" "),
    };
    Some((carries(flags) && interface != "*").then_some(route))
}

/// `TO PREFIX FROM PREFIX GATEWAY METRIC REFS USE FLAGS IFACE`. The entries of `lo` refuse what
/// has no route, or are the host's own addresses.
#[expect(clippy::option_option, reason = "a line that is none, and one that carries nothing")]
fn route_v6(line: &str) -> Option<Option<Route>> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [to, prefix, _, _, _, _, _, _, flags, ref interface @ ..] = words[..] else { return None };
    (to.len() == 32).then_some(())?;
    let flags = u32::from_str_radix(flags, 16).ok()?;
    let interface = interface.first().copied().unwrap_or("lo");
    let route = Route {
        interface: interface.to_owned(),
        to: Ipv6Addr::from_bits(u128::from_str_radix(to, 16).ok()?).into(),
        prefix: u32::from_str_radix(prefix, 16).ok()?,
        direct: flags & GATEWAY == 0,
        line: words.join(" "),
    };
    Some((carries(flags) && interface != "lo").then_some(route))
}

fn carries(flags: u32) -> bool {
    flags & UP != 0 && flags & REJECT == 0
}

/// `ADDRESS INDEX PREFIX SCOPE FLAGS IFACE`; scope 0 is global, 0x10 the host itself, 0x20 the link,
/// of which every interface has one by itself.
fn read_v6_addresses(root: &Root) -> Reading<Vec<(String, Evidence)>> {
    let path = "/proc/net/if_inet6";
    root.kept_text(path).parse("lines of addresses of IPv6", |text| {
        let address = |line: &str| {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let [address, _, _, scope, _, interface] = words[..] else { return None };
            (address.len() == 32).then_some(())?;
            let scope = u32::from_str_radix(scope, 16).ok()?;
            Some((interface.to_owned(), scope, words.join(" ")))
        };
        let all: Option<Vec<_>> = text.lines().map(address).collect();
        let far = all?.into_iter().filter(|(_, scope, _)| !matches!(scope, 0x10 | 0x20));
        let evidence = |line| Evidence { path: path.to_owned(), value: line };
        Some(far.map(|(interface, _, line)| (interface, evidence(line))).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\neno1\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\neno1\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n*\t0000000A\t00000000\t0201\t0\t0\t0\t000000FF\t0\t0\t0";

    #[test]
    fn routes_are_read_and_chosen() {
        let routes = table_v4(V4).unwrap();
        assert_eq!(routes.len(), 2, "a route that refuses carries nothing");
        assert!(routes[0].is_default() && !routes[0].direct);
        assert_eq!((routes[1].to, routes[1].prefix), (Ipv4Addr::new(192, 0, 2, 0).into(), 24));
        assert!(routes[1].holds(Ipv4Addr::new(192, 0, 2, 9).into()));
        assert!(!routes[1].holds(Ipv4Addr::new(192, 0, 3, 9).into()));
        assert!(routes[0].holds(Ipv4Addr::new(8, 8, 8, 8).into()));
        assert_eq!(table_v4("rubbish"), None);
        assert_eq!(table_v4(""), Some(Vec::new()));
    }

    #[test]
    fn the_route_of_lo_that_refuses_is_none() {
        let zero = "0".repeat(32);
        let refusing =
            format!("{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo");
        assert_eq!(route_v6(&refusing), Some(None));
        let default = format!(
            "{zero} 00 {zero} 00 fe80{} 00000400 00000002 00000000 00000003     eno1",
            "0".repeat(28)
        );
        assert!(route_v6(&default).unwrap().unwrap().is_default());
        assert_eq!(route_v6("rubbish"), None);
    }
}
