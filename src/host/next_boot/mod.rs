//! What is set up for the next boot: who is to bind which function, and in what order drivers come.
//!
//! `/run` is empty after a boot, so what lies there today says nothing.

mod driverctl;
mod folders;
pub mod initramfs;
mod libvirt;
pub mod modprobe;
mod udev;

use std::collections::{BTreeMap, BTreeSet};

pub use initramfs::Image;
pub use modprobe::{Setting, TakenIds};
pub use udev::Override;

use super::aliases::{self, Aliases};
use super::kernel::{CommandLine, Release};
use super::modules;
use super::reading::{Evidence, Gap, Reading};
use super::root::Root;
use crate::pci::Address;

/// Only read where a driver of VFIO holds a wanted function.
#[derive(Debug)]
pub struct NextBoot {
    /// What `modprobe` is told by its folders, in the order in which it heeds it.
    pub modprobe: Told<Setting>,
    /// The driver that driverctl is to give a function.
    pub driverctl: Told<(Address, String)>,
    /// What rules of udev write into `driver_override`.
    pub udev: Told<Override>,
    /// Functions that libvirt binds when it starts a VM (`managed='yes'`).
    pub libvirt: Told<Address>,
    /// Who would take which function, and the image that may hold them; only read where driverctl
    /// does not keep all wanted functions on VFIO, which it takes from whoever came first.
    pub rivals: Option<Rivals>,
    /// `/lib/modules/RELEASE/modules.builtin`
    pub built_in: Reading<BTreeSet<String>>,
    /// `/proc/modules`; absent where the kernel has no modules.
    pub loaded: Reading<BTreeSet<String>>,
}

/// What a number of files say, each with the evidence, and what could not be read of them.
#[derive(Debug)]
pub struct Told<T> {
    pub known: Vec<(T, Evidence)>,
    pub gaps: Vec<Gap>,
    /// The folders that were looked through.
    pub looked: Vec<Evidence>,
}

#[derive(Debug)]
pub struct Rivals {
    pub aliases: Aliases,
    pub image: Reading<Image>,
    /// Which others each module needs: what is told of them holds for it too.
    pub dependencies: Reading<BTreeMap<String, BTreeSet<String>>>,
}

/// `held` are the wanted functions that a driver of VFIO holds.
pub fn read(
    root: &Root,
    release: &Reading<Release>,
    held: &[Address],
    everything: bool,
) -> NextBoot {
    let driverctl = driverctl::read(root);
    let kept = |address: &Address| driverctl.known.iter().any(|((it, _), _)| it == address);
    let open = everything || !held.iter().all(kept);
    NextBoot {
        modprobe: modprobe::read(root),
        rivals: open.then(|| Rivals {
            aliases: aliases::read(root, release),
            image: initramfs::read(root, release),
            dependencies: modules::read_dependencies(root, release),
        }),
        driverctl,
        udev: udev::read(root),
        libvirt: libvirt::read(root),
        built_in: modules::read_built_in(root, release),
        loaded: modules::read_loaded(root),
    }
}

/// What a file that was read for the next boot says of it, by the ending of its name: the same
/// is read out of this as out of the whole. None of other files.
pub fn cut(name: &str, text: &str) -> Option<String> {
    let lines: Vec<String> = match name.rsplit('.').next()? {
        "conf" | "alias" => modprobe::settings(text).iter().map(Setting::line).collect(),
        "rules" => udev::overrides(text).iter().map(Override::line).collect(),
        "xml" => libvirt::managed(text).into_iter().map(libvirt::line).collect(),
        _ => return None,
    };
    Some(lines.into_iter().map(|line| line + "\n").collect())
}

impl NextBoot {
    /// Whether anything gives vfio-pci functions by their ids.
    pub fn has_ids(&self, line: &Reading<CommandLine>) -> bool {
        let by_line = line
            .known()
            .ok()
            .flatten()
            .is_some_and(|line| modprobe::ids_of_command_line(line).next().is_some());
        by_line || self.modprobe.known.iter().any(|(it, _)| matches!(it, Setting::Ids(_)))
    }

    /// Whether vfio-pci is part of the kernel, so that only its command line sets it up.
    pub fn vfio_pci_is_built_in(&self) -> Result<bool, Gap> {
        match (self.built_in.known(), self.loaded.known()) {
            (Ok(Some(names)), _) => Ok(names.contains("vfio_pci")),
            // A kernel without modules has all that it has built in.
            (_, Ok(None)) => Ok(true),
            (_, Ok(Some(names))) if names.contains("vfio_pci") => Ok(false),
            (Err(gap), _) => Err(gap),
            (Ok(None), _) => self.built_in.required().map(|_| false),
        }
    }
}
