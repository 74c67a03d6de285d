//! Who takes a function first at the next boot: vfio-pci, which is told to, or a driver of the host.

use std::collections::BTreeSet;

use super::next_boot::{By, Ids, ids};
use crate::host::modprobe::{Command, ids_of_command_line, taken_by};
use crate::host::{
    Alias, Device, Evidence, Gap, Host, Image, NextBoot, Override, Reading, Rivals, Setting,
};

/// A function that vfio-pci is told to take.
pub struct Race<'a> {
    pub host: &'a Host,
    pub boot: &'a NextBoot,
    pub rivals: &'a Rivals,
    pub device: &'a Device,
    pub by: &'a By,
}

/// A driver of the host that can be first.
#[derive(Debug)]
pub struct Rival {
    pub module: String,
    /// What lets it be first; a clause.
    pub why: &'static str,
    pub evidence: Vec<Evidence>,
}

const BUILT_IN: &str = "is built into the kernel, which starts it before any module is loaded";
const BOTH_BUILT_IN: &str =
    "is built into the kernel like vfio-pci, and nothing tells which of the two it starts first";
const NO_VFIO_PCI: &str = "is in the initramfs, and vfio-pci is not";
const NO_IDS: &str = "is in the initramfs, in whose files vfio-pci is not told to take the device";
const NO_ORDER: &str = "is in the initramfs, and nothing in there loads vfio-pci before it";
const LOADED_BARE: &str = "is loaded by the host, and vfio-pci before it by the initramfs, in whose files it is not told to take the device";
const NO_ORDER_LATER: &str = "is loaded by the host, and nothing loads vfio-pci before it";

const VFIO_PCI: &str = "vfio_pci";

type Settings = [(Setting, Evidence)];

/// What lets a module be first; none where it cannot.
type Why = Result<Option<&'static str>, Vec<Gap>>;

impl Race<'_> {
    /// The drivers that can be first, and what could not be told of others.
    pub fn run(&self) -> (Vec<Rival>, Vec<Gap>) {
        let mut gaps = Vec::new();
        let found = self.rivals_by_stage().and_then(|(built_in, loadable)| {
            let mut found: Vec<Rival> = Vec::new();
            let vfio_built_in = self.boot.vfio_pci_is_built_in()?;
            for (module, evidence) in built_in {
                let why = if vfio_built_in { BOTH_BUILT_IN } else { BUILT_IN };
                found.push(Rival { module, why, evidence: vec![evidence] });
            }
            // Then it is there before any module.
            if vfio_built_in {
                return Ok(found);
            }
            for (module, evidence) in loadable {
                match self.of_module(&module) {
                    Ok(None) => {}
                    Ok(Some((why, mut more))) => {
                        more.insert(0, evidence);
                        found.push(Rival { module, why, evidence: more });
                    }
                    Err(more) => gaps.extend(more),
                }
            }
            Ok(found)
        });
        match found {
            Ok(found) => (found, gaps),
            Err(gap) => (Vec::new(), [gaps, vec![gap]].concat()),
        }
    }

    /// Drivers of the host that would take the function, built in and loadable.
    fn rivals_by_stage(&self) -> Result<(Named, Named), Gap> {
        let modalias = self.device.modalias.required()?;
        let aliases = &self.rivals.aliases;
        let built_in = named(&aliases.built_in, modalias)?;
        // A kernel without modules loads none.
        let loadable = match self.boot.loaded.known() {
            Ok(None) => Vec::new(),
            _ => named(&aliases.loadable, modalias)?,
        };
        Ok((built_in, loadable))
    }

    /// Why a module can be first; none where it cannot.
    fn of_module(&self, module: &str) -> Result<Option<(&'static str, Vec<Evidence>)>, Vec<Gap>> {
        let line = self.host.command_line.required().map_err(|gap| vec![gap])?;
        let switched_off = ["module_blacklist", "modprobe.blacklist"]
            .into_iter()
            .any(|name| lists(line.values(name), module));
        if switched_off {
            return Ok(None);
        }
        let image = &self.rivals.image;
        let told = image.required().map_err(|gap| vec![gap])?;
        let off_there = told.is_dracut && lists(line.values("rd.driver.blacklist"), module);
        let in_image = told.modules.contains(module);
        if in_image && !off_there && !is_switched_off(&told.modprobe, module) {
            let why = self.in_image(told, module);
            return why.map(|why| why.map(|why| (why, vec![image.evidence()])));
        }
        self.on_the_host(told, module).map(|why| {
            why.map(|why| {
                (why, [vec![image.evidence()], self.boot.modprobe.looked.clone()].concat())
            })
        })
    }

    fn in_image(&self, image: &Image, module: &str) -> Why {
        if !image.modules.contains(VFIO_PCI) {
            return Ok(Some(NO_VFIO_PCI));
        }
        if !self.is_told_in(image) {
            return Ok(Some(NO_IDS));
        }
        if matches!(self.by, By::Udev(_)) {
            // No other driver takes it, in whatever order.
            return Ok(None);
        }
        let first = self.first(image);
        let at = |name: &str| first.iter().position(|it| it == name);
        let before = match (at(VFIO_PCI), at(module)) {
            (Some(vfio), Some(rival)) => vfio < rival,
            (Some(_), None) => true,
            (None, _) => self.comes_before(&image.modprobe, module)?,
        };
        Ok((!before).then_some(NO_ORDER))
    }

    /// It is loaded when the host's own file system is there.
    fn on_the_host(&self, image: &Image, module: &str) -> Why {
        let modprobe = &self.boot.modprobe;
        if is_switched_off(&modprobe.known, module) || matches!(self.by, By::Udev(_)) {
            return Ok(None);
        }
        let loaded =
            self.first(image).iter().any(|it| it == VFIO_PCI) || image.also.contains(VFIO_PCI);
        if loaded && image.modules.contains(VFIO_PCI) {
            return Ok((!self.is_told_in(image)).then_some(LOADED_BARE));
        }
        if self.comes_before(&modprobe.known, module)? {
            return Ok(None);
        }
        if modprobe.gaps.is_empty() { Ok(Some(NO_ORDER_LATER)) } else { Err(modprobe.gaps.clone()) }
    }

    /// Whether vfio-pci is loaded whenever this module is, and before it: what is told of a module
    /// that it needs holds too (`libkmod/libkmod-module.c`, `__kmod_module_get_probe_list`).
    fn comes_before(&self, settings: &Settings, module: &str) -> Result<bool, Vec<Gap>> {
        let calls: BTreeSet<&str> = settings.iter().filter_map(|it| calls_first(&it.0)).collect();
        if calls.is_empty() || calls.contains(module) {
            return Ok(!calls.is_empty());
        }
        let dependencies = self.rivals.dependencies.required().map_err(|gap| vec![gap])?;
        let needed = dependencies.get(module).into_iter().flatten();
        Ok(needed.into_iter().any(|it| calls.contains(it.as_str())))
    }

    /// Whether vfio-pci is told in the image to take the function.
    fn is_told_in(&self, image: &Image) -> bool {
        if let By::Udev(_) = self.by {
            let gives = |(rule, evidence): &(Override, Evidence)| matches!(rule.driver_of(self.device, evidence), Ok(Some(driver)) if driver.contains("vfio"));
            return image.udev.iter().any(gives);
        }
        let by_line = self.host.command_line.known().ok().flatten();
        let by_line = by_line.and_then(|line| ids_of_command_line(line).last());
        let ids = match by_line {
            // Those of the files are replaced.
            Some(_) => ids(self.host, self.boot).ok().flatten(),
            None => image.modprobe.iter().rev().find_map(|(setting, evidence)| match setting {
                Setting::Ids(ids) => Some(Ids { taken: taken_by(ids), evidence: evidence.clone() }),
                _ => None,
            }),
        };
        ids.is_some_and(|ids| ids.take(self.device) == Ok(true))
    }

    /// What is loaded in the image before devices are looked for.
    fn first(&self, image: &Image) -> Vec<String> {
        let line = self.host.command_line.known().ok().flatten();
        let by_line = line.filter(|_| image.is_dracut).map(|line| {
            let names = line.values("rd.driver.pre").flat_map(|value| value.split(','));
            names.map(|name| name.replace('-', "_")).collect::<Vec<String>>()
        });
        by_line.into_iter().flatten().chain(image.first.iter().cloned()).collect()
    }
}

/// Modules by name, each with what says that it takes the function.
type Named = Vec<(String, Evidence)>;

fn named(aliases: &Reading<Vec<Alias>>, modalias: &str) -> Result<Named, Gap> {
    let is_host = |module: &str| !module.contains("vfio") && module != "pci_stub";
    let mut seen = BTreeSet::new();
    let takes = aliases.required()?.iter().filter(|it| is_host(&it.module) && it.takes(modalias));
    let first = takes.filter(|it| seen.insert(&it.module)).map(|it| {
        let value = format!("{} takes {}", it.module, it.pattern);
        (it.module.clone(), Evidence { path: aliases.path().to_string(), value })
    });
    Ok(first.collect())
}

fn lists<'a>(values: impl Iterator<Item = &'a str>, module: &str) -> bool {
    values.flat_map(|value| value.split(',')).any(|name| name.replace('-', "_") == module)
}

/// Nobody loads it for a device.
fn is_switched_off(settings: &Settings, module: &str) -> bool {
    settings.iter().any(|(setting, _)| match setting {
        Setting::Blacklist(name) => name == module,
        Setting::Install { module: name, command } => {
            name == module && *command == Command::Nothing
        }
        _ => false,
    })
}

/// The module before which vfio-pci is loaded, where this says so.
fn calls_first(setting: &Setting) -> Option<&str> {
    match setting {
        Setting::SoftDependency { module, before, .. } => {
            before.iter().any(|it| it == VFIO_PCI).then_some(module)
        }
        Setting::Install { module, command: Command::VfioPci } => Some(module),
        _ => None,
    }
}
