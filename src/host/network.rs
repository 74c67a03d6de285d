//! Through which interfaces the host is reached, and the functions below them
//! (`Documentation/ABI/testing/sysfs-class-net`; `net/core/dev.c`, the links `lower_…`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::disks::{Disks, InUse};
use super::mounts::Mount;
use super::place;
use super::reading::{Evidence, Gap, HostPath, Reading, Why};
use super::root::Root;
use super::routes::{self, Routes};
use crate::pci::Address;

#[derive(Debug)]
pub struct Networks {
    pub uses: Vec<NetUse>,
    /// Functions with an interface below them.
    pub carriers: BTreeSet<Address>,
    /// The folder with the interfaces.
    pub listed: HostPath,
    /// Non-empty where there may be more of those.
    pub carrier_gaps: Vec<Gap>,
    /// Non-empty where the host may be reached through more interfaces than are told.
    pub gaps: Vec<Gap>,
    /// Non-empty where a server may be reached through any interface with an address.
    pub unplaced: Vec<Gap>,
}

/// A way from what the network is used for down to functions.
#[derive(Debug, Clone)]
pub struct NetUse {
    pub what: Through,
    /// Interfaces on the way, from the top.
    pub chain: Vec<String>,
    /// The nearest last.
    pub functions: Vec<Address>,
    pub evidence: Vec<Evidence>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Through {
    /// `IPv4` or `IPv6`.
    DefaultRoute(&'static str),
    /// Filesystems or swap of a server, at these places.
    Server(Vec<String>),
    /// It is up and has an address, and nothing is known to hang on it.
    Address,
}

/// Filesystems of a server, the kernel's own and those of FUSE.
const OF_SERVERS: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "ceph",
    "afs",
    "coda",
    "lustre",
    "orangefs",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.ceph",
    "fuse.s3fs",
    "fuse.juicefs",
    "beegfs",
];

struct Reader<'a> {
    root: &'a Root,
    /// The folder of each interface in `/sys/devices`.
    paths: BTreeMap<String, Reading<String>>,
    found: Networks,
}

/// With the reason why the host may have more interfaces and routes than those shown.
pub fn read(
    root: &Root,
    mounts: &Reading<Vec<Mount>>,
    disks: &Disks,
    hidden: Option<Gap>,
) -> Networks {
    let routes = routes::read(root);
    let listed = root.list(&"/sys/class/net".into());
    let mut reader = Reader {
        root,
        paths: BTreeMap::new(),
        found: Networks {
            uses: Vec::new(),
            carriers: BTreeSet::new(),
            listed: listed.path().clone(),
            carrier_gaps: Vec::new(),
            gaps: hidden.into_iter().collect(),
            unplaced: disks.gaps.clone(),
        },
    };
    match listed.required() {
        Ok(names) => names.iter().for_each(|name| reader.add(name)),
        Err(gap) => reader.found.carrier_gaps.push(gap),
    }
    reader.add_default_routes(&routes);
    reader.add_servers(&routes, mounts, disks);
    reader.add_addresses(&routes);
    let mut found = reader.found;
    for gaps in [&mut found.gaps, &mut found.unplaced] {
        gaps.sort_by(|a, b| a.path.cmp(&b.path));
        gaps.dedup();
    }
    found
}

impl Networks {
    /// That a network card has no interface here: its driver may make none, or the interface was
    /// given to another namespace, where the host may be reached through it.
    pub fn without_interface(&self, card: Address) -> Gap {
        let found = format!("no interface of {card}");
        let expected = "the interface of a network card with a driver (it may be in another network namespace)";
        Gap { path: self.listed.to_string(), why: Why::Malformed { found, expected } }
    }
}

impl Reader<'_> {
    fn add(&mut self, name: &str) {
        // The file `bonding_masters` stands among the links (`drivers/net/bonding/bond_sysfs.c`).
        if name == "bonding_masters" {
            return;
        }
        let path = place::follow_listed(self.root, &format!("/sys/class/net/{name}").into());
        match path.required() {
            Ok(path) => self.found.carriers.extend(place::functions(path)),
            Err(gap) => self.found.carrier_gaps.push(gap),
        }
        self.paths.insert(name.to_owned(), path);
    }

    fn add_default_routes(&mut self, routes: &Routes) {
        for (family, table, optional) in [("IPv4", &routes.v4, false), ("IPv6", &routes.v6, true)] {
            let known = match table.known() {
                Ok(None) if optional => continue,
                _ => table.required(),
            };
            match known {
                Ok(found) => {
                    for route in found.iter().filter(|route| route.is_default()) {
                        let evidence = route.evidence(table);
                        self.descend(&Through::DefaultRoute(family), &route.interface, &[evidence]);
                    }
                }
                Err(gap) => self.found.gaps.push(gap),
            }
        }
    }

    fn add_servers(&mut self, routes: &Routes, mounts: &Reading<Vec<Mount>>, disks: &Disks) {
        let table = match mounts.required() {
            Ok(table) => table.as_slice(),
            Err(gap) => return self.found.unplaced.push(gap),
        };
        // Many mounts of one server are one thing that hangs on it.
        let mut servers: BTreeMap<Option<IpAddr>, (Vec<String>, Evidence)> = BTreeMap::new();
        for mount in table.iter().filter(|mount| OF_SERVERS.contains(&mount.kind.as_str())) {
            let new = || (Vec::new(), mount.evidence(mounts));
            servers.entry(server_of(mount)).or_insert_with(new).0.push(mount.point.clone());
        }
        for remote in &disks.remote {
            let what = match &remote.what {
                InUse::Mounted(points) => points.clone(),
                InUse::Swap(path) => vec![format!("swap on {path}")],
                InUse::Volume(name) => vec![name.clone()],
            };
            let Some(evidence) = remote.evidence.first() else { continue };
            servers
                .entry(remote.server)
                .or_insert_with(|| (Vec::new(), evidence.clone()))
                .0
                .extend(what);
        }
        for (server, (points, line)) in servers {
            let ways = server.map(|server| routes.to(server)).unwrap_or_default();
            if ways.is_empty() {
                self.found.unplaced.push(mounts.unclear(
                    format!(
                        "{} from a server",
                        points.first().map_or("a filesystem", String::as_str)
                    ),
                    "an address that a route leads to",
                ));
            }
            for (route, evidence) in ways {
                let what = Through::Server(points.clone());
                self.descend(&what, &route.interface, &[line.clone(), evidence]);
            }
        }
    }

    /// Of IPv4 by the routes without a gateway: the kernel makes one for each address.
    fn add_addresses(&mut self, routes: &Routes) {
        let mut with_address: BTreeMap<String, Evidence> = BTreeMap::new();
        for table in [&routes.v4, &routes.v6] {
            let v4 = table.known().ok().flatten().into_iter().flatten();
            for route in
                v4.filter(|route| route.direct && !route.is_default() && route.to.is_ipv4())
            {
                with_address
                    .entry(route.interface.clone())
                    .or_insert_with(|| route.evidence(table));
            }
        }
        match routes.v6_addresses.known() {
            Ok(found) => {
                for (interface, evidence) in found.into_iter().flatten() {
                    with_address.entry(interface.clone()).or_insert_with(|| evidence.clone());
                }
            }
            Err(gap) => self.found.gaps.push(gap),
        }
        for (interface, evidence) in with_address {
            let state = self.root.text(&format!("/sys/class/net/{interface}/operstate").into());
            // Drivers that do not tell whether there is a link leave it at "unknown".
            let is_down = matches!(state.known(), Ok(Some(state)) if !["up", "unknown"].contains(&state.as_str()));
            if !is_down {
                self.descend(&Through::Address, &interface, &[evidence, state.evidence()]);
            }
        }
    }

    /// Each interface is passed once, so a loop ends.
    fn descend(&mut self, what: &Through, top: &str, evidence: &[Evidence]) {
        let mut seen = BTreeSet::new();
        let mut steps = vec![(top.to_owned(), Vec::new())];
        while let Some((interface, mut chain)) = steps.pop() {
            if interface == "lo" || !seen.insert(interface.clone()) {
                continue;
            }
            chain.push(interface.clone());
            let functions = match self.paths.get(&interface).map(Reading::required) {
                Some(Ok(path)) => place::functions(path),
                Some(Err(gap)) => {
                    self.found.gaps.push(gap);
                    continue;
                }
                None => {
                    let path = HostPath::from(format!("/sys/class/net/{interface}"));
                    self.found.gaps.push(Gap { path: path.to_string(), why: Why::Missing });
                    continue;
                }
            };
            if functions.is_empty() {
                let lower = self.lower(&interface);
                if lower.as_ref().is_some_and(Vec::is_empty) && *what != Through::Address {
                    self.add_tunnel(&interface);
                }
                steps.extend(lower.into_iter().flatten().map(|lower| (lower, chain.clone())));
            } else {
                let (what, evidence) = (what.clone(), evidence.to_vec());
                self.found.uses.push(NetUse { what, chain, functions, evidence });
            }
        }
    }

    /// The interfaces that one is made of. The ports of an Open vSwitch are known to its
    /// datapath alone (`net/openvswitch/vport-netdev.c`), and which of its bridges they belong to
    /// is not told: any of them counts.
    ///
    /// None where they could not be listed.
    fn lower(&mut self, interface: &str) -> Option<Vec<String>> {
        const DATAPATH: &str = "ovs-system";
        let names = self.root.list(&format!("/sys/class/net/{interface}").into());
        let lower: Vec<String> = match names.required() {
            Ok(names) => names
                .iter()
                .filter_map(|name| name.strip_prefix("lower_"))
                .map(str::to_owned)
                .collect(),
            Err(gap) => {
                self.found.gaps.push(gap);
                return None;
            }
        };
        let may_be_switched = lower.is_empty() && self.paths.contains_key(DATAPATH);
        let switched = may_be_switched && interface != DATAPATH;
        Some(if switched { vec![DATAPATH.to_owned()] } else { lower })
    }

    /// A made interface without others below it is a tunnel (ppp, wireguard, tun), and the kernel
    /// does not link one to the card that carries it. A dummy carries nothing anywhere.
    fn add_tunnel(&mut self, interface: &str) {
        let made = self.paths.get(interface).and_then(|path| path.known().ok().flatten());
        let is_made = made.is_some_and(|path| path.starts_with("/sys/devices/virtual/net/"));
        if is_made && !interface.starts_with("dummy") {
            let path = format!("/sys/class/net/{interface}");
            let found = "a tunnel on which much hangs".to_owned();
            let expected = "the interface that it runs over";
            self.found.gaps.push(Gap { path, why: Why::Malformed { found, expected } });
        }
    }
}

/// NFS and SMB say the address in an option, Ceph in its source.
fn server_of(mount: &Mount) -> Option<IpAddr> {
    let told = mount.option("addr").or_else(|| {
        let host = mount.source.trim_start_matches('/').split(['/', ',']).next()?;
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.split(']').next());
        bracketed.or_else(|| host.split(':').next())
    })?;
    told.parse().ok()
}
