//! The questions, in the order in which a VMM would ask them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::vfio::{self, Container, Group, Iommufd, Node};

/// Prints a line for each step, and at last `vm NAME yes`, `vm NAME no REASON` or `vm NAME opens`: by the
/// nodes of devices no more can be asked without taking them. What one VM gets it keeps while the next is asked for, as VMs that run together do.
pub fn ask(vms: &[&str]) {
    let kvm = vfio::kvm();
    match &kvm {
        Ok(()) => println!("kvm yes"),
        Err(error) => println!("kvm no {}", vfio::name(error)),
    }
    let mut kept = Vec::new();
    for vm in vms {
        let (name, addresses) = vm.split_once('=').unwrap_or((vm, ""));
        let mut held = Held::default();
        let got = held.take(addresses.split(',').filter(|it| !it.is_empty()));
        match (got, &kvm) {
            (Err(reason), _) => println!("vm {name} no {reason}"),
            (Ok(_), Err(error)) => println!("vm {name} no /dev/kvm: {}", vfio::name(error)),
            (Ok(Way::Group), Ok(())) => println!("vm {name} yes"),
            (Ok(Way::Device), Ok(())) => println!("vm {name} opens"),
        }
        kept.push(held);
    }
}

/// Keeps the group of a device open until it is killed.
pub fn hold(address: &str) -> io::Result<()> {
    let group = group_of(address).ok_or_else(|| io::Error::other("no group"))?;
    let _held = Group::open(&group)?;
    println!("holds group {group}");
    loop {
        std::thread::park();
    }
}

/// Takes a device, and keeps it until it is killed.
pub fn hold_device(address: &str) -> io::Result<()> {
    let name = node_of(address).ok_or_else(|| io::Error::other("no VFIO device"))?;
    let iommufd = Iommufd::open()?;
    let node = Node::open(&name)?;
    node.bind(&iommufd)?;
    println!("holds device {name}");
    loop {
        std::thread::park();
    }
}

/// How a VM has its devices.
enum Way {
    Group,
    Device,
}

/// Why it does not have them by its groups.
enum Refusal {
    /// By nodes of devices it would not either.
    Final(String),
    /// They may do instead.
    OfGroups(String),
}

/// What one VM holds.
#[derive(Default)]
struct Held {
    groups: Vec<Group>,
    container: Option<Container>,
    nodes: Vec<Node>,
    iommufd: Option<Iommufd>,
}

impl Held {
    fn take<'a>(&mut self, addresses: impl Iterator<Item = &'a str>) -> Result<Way, String> {
        let mut numbers = BTreeSet::new();
        for address in addresses {
            if !device(address).exists() {
                return Err(format!("{address} is not there"));
            }
            let group = group_of(address).ok_or(format!("{address} is in no group"))?;
            println!("device {address} group {group} vfio {}", is_on_vfio(address));
            numbers.insert((group, address));
        }
        match self.by_groups(&numbers) {
            Ok(()) => Ok(Way::Group),
            Err(Refusal::Final(reason)) => Err(reason),
            Err(Refusal::OfGroups(reason)) => match self.by_nodes(&numbers) {
                Ok(()) => {
                    println!("by groups: {reason}");
                    Ok(Way::Device)
                }
                Err(None) => Err(reason),
                Err(Some(other)) => Err(format!("{reason}, and {other}")),
            },
        }
    }

    fn by_groups(&mut self, numbers: &BTreeSet<(String, &str)>) -> Result<(), Refusal> {
        let groups: BTreeSet<&String> = numbers.iter().map(|(group, _)| group).collect();
        for number in groups {
            let group = Group::open(number).map_err(|error| {
                let reason = format!("/dev/vfio/{number}: {}", vfio::name(&error));
                let is_missing = error.kind() == io::ErrorKind::NotFound;
                if is_missing { Refusal::OfGroups(reason) } else { Refusal::Final(reason) }
            })?;
            let viable = group.viable().map_err(|error| {
                Refusal::Final(format!("GET_STATUS of {number}: {}", vfio::name(&error)))
            })?;
            println!("group {number} viable {viable}");
            self.groups.push(group);
            if !viable {
                return Err(Refusal::Final(format!("group {number} is not viable")));
            }
        }
        // GET_DEVICE_FD would say ENODEV of such a device; asking it resets one that is there.
        if let Some((_, address)) = numbers.iter().find(|(_, address)| !is_on_vfio(address)) {
            return Err(Refusal::Final(format!("{address} is no VFIO device")));
        }
        self.attach()
    }

    /// The error is none where the kernel has no IOMMUFD at all.
    fn by_nodes(&mut self, numbers: &BTreeSet<(String, &str)>) -> Result<(), Option<String>> {
        // An open group keeps its devices from being taken otherwise.
        self.groups.clear();
        self.container = None;
        let iommufd = match Iommufd::open() {
            Err(_) if !Path::new("/sys/class/misc/iommu").exists() => return Err(None),
            Err(error) => return Err(Some(format!("/dev/iommu: {}", vfio::name(&error)))),
            Ok(iommufd) => iommufd,
        };
        self.iommufd = Some(iommufd);
        for (_, address) in numbers {
            let name = node_of(address).ok_or(Some(format!("{address} is no VFIO device")))?;
            let node = Node::open(&name).map_err(|error| {
                Some(format!("/dev/vfio/devices/{name}: {}", vfio::name(&error)))
            })?;
            println!("device {address} opens as {name}");
            self.nodes.push(node);
        }
        Ok(())
    }

    /// Before 5.19 the kernel does not ask for viability here, and would take a device of the host
    /// from its IOMMU's address space.
    fn attach(&mut self) -> Result<(), Refusal> {
        if !is_at_least(5, 19).map_err(Refusal::Final)? {
            println!("set_iommu not asked");
            return Ok(());
        }
        let said = |what: &str, error: &io::Error| {
            let reason = format!("{what}: {}", vfio::name(error));
            // Interrupts that are not remapped count for IOMMUFD too.
            let counts = error.kind() == io::ErrorKind::PermissionDenied;
            if counts { Refusal::Final(reason) } else { Refusal::OfGroups(reason) }
        };
        let container = Container::open().map_err(|error| said("/dev/vfio/vfio", &error))?;
        for group in &self.groups {
            group.join(&container).map_err(|error| said("SET_CONTAINER", &error))?;
        }
        container.set_type1v2().map_err(|error| said("SET_IOMMU", &error))?;
        println!("set_iommu yes");
        self.container = Some(container);
        Ok(())
    }
}

fn device(address: &str) -> std::path::PathBuf {
    Path::new("/sys/bus/pci/devices").join(address)
}

fn group_of(address: &str) -> Option<String> {
    let link = fs::read_link(device(address).join("iommu_group")).ok()?;
    Some(link.file_name()?.to_str()?.to_owned())
}

/// The kernel registers a VFIO device for it, under any driver (6.1 and later).
fn is_on_vfio(address: &str) -> bool {
    device(address).join("vfio-dev").exists()
}

/// Its name in `/dev/vfio/devices`.
fn node_of(address: &str) -> Option<String> {
    let entry = fs::read_dir(device(address).join("vfio-dev")).ok()?.next()?.ok()?;
    entry.file_name().into_string().ok()
}

/// From "Linux version 6.1.0-…"; `/proc/sys` is not on every kernel.
fn is_at_least(major: u32, minor: u32) -> Result<bool, String> {
    let said = fs::read_to_string("/proc/version").map_err(|error| error.to_string())?;
    let release = said.split_whitespace().nth(2).unwrap_or_default();
    let mut numbers = release.split(|it: char| !it.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(first)), Some(Ok(second))) => Ok((first, second) >= (major, minor)),
        _ => Err(format!("no release in {said:?}")),
    }
}
