//! The questions, in the order in which a VMM would ask them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::vfio::{self, Container, Group};

/// Prints a line for each step, and at last `vm NAME yes` or `vm NAME no REASON`. What one VM gets it
/// keeps while the next is asked for, as VMs that run together do.
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
            (Ok(()), Err(error)) => println!("vm {name} no /dev/kvm: {}", vfio::name(error)),
            (Ok(()), Ok(())) => println!("vm {name} yes"),
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

/// What one VM holds.
#[derive(Default)]
struct Held {
    groups: Vec<Group>,
    container: Option<Container>,
}

impl Held {
    fn take<'a>(&mut self, addresses: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let mut numbers = BTreeSet::new();
        for address in addresses {
            if !device(address).exists() {
                return Err(format!("{address} is not there"));
            }
            let group = group_of(address).ok_or(format!("{address} is in no group"))?;
            println!("device {address} group {group} vfio {}", is_on_vfio(address));
            numbers.insert((group, address));
        }
        let groups: BTreeSet<&String> = numbers.iter().map(|(group, _)| group).collect();
        for number in groups {
            let group = Group::open(number)
                .map_err(|error| format!("/dev/vfio/{number}: {}", vfio::name(&error)))?;
            let viable = group
                .viable()
                .map_err(|error| format!("GET_STATUS of {number}: {}", vfio::name(&error)))?;
            println!("group {number} viable {viable}");
            self.groups.push(group);
            if !viable {
                return Err(format!("group {number} is not viable"));
            }
        }
        // GET_DEVICE_FD would say ENODEV of such a device; asking it resets one that is there.
        if let Some((_, address)) = numbers.iter().find(|(_, address)| !is_on_vfio(address)) {
            return Err(format!("{address} is no VFIO device"));
        }
        self.attach()
    }

    /// Before 5.19 the kernel does not ask for viability here, and would take a device of the host
    /// from its IOMMU's address space.
    fn attach(&mut self) -> Result<(), String> {
        if !is_at_least(5, 19)? {
            println!("set_iommu not asked");
            return Ok(());
        }
        let said = |what: &str, error: &io::Error| format!("{what}: {}", vfio::name(error));
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
