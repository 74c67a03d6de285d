//! What says today which driver a function gets at the next boot.

use crate::host::modprobe::{ids_of_command_line, taken_by};
use crate::host::{Device, Evidence, Gap, Host, NextBoot, Setting, TakenIds};

/// Who gives a function to whom at the next boot.
#[derive(Debug)]
pub struct Claim {
    pub by: By,
    pub evidence: Evidence,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// driverctl gives it this driver.
    Driverctl(String),
    /// A rule of udev gives it this driver.
    Udev(String),
    /// libvirt binds it when it starts a VM.
    Libvirt,
    /// vfio-pci takes all functions with its ids.
    Ids,
}

/// Cards that vfio-pci is told to take at the next boot, and what says so.
#[derive(Debug)]
pub struct Ids {
    pub taken: Vec<TakenIds>,
    pub evidence: Evidence,
}

impl By {
    /// Whether it is VFIO that gets the function.
    pub fn is_vfio(&self) -> bool {
        match self {
            Self::Driverctl(driver) | Self::Udev(driver) => driver.contains("vfio"),
            Self::Libvirt | Self::Ids => true,
        }
    }
}

impl Ids {
    pub fn take(&self, device: &Device) -> Result<bool, Gap> {
        let modalias = device.modalias.required()?;
        let takes = self.taken.iter().map(|it| it.takes(modalias));
        takes.into_iter().try_fold(false, |any, takes| Some(any | takes?)).ok_or_else(|| {
            device.modalias.unclear(format!("{modalias:?}"), "the alias of a PCI function")
        })
    }
}

/// Who claims a function, the strongest first: an override keeps all other drivers away, whatever
/// their ids (`drivers/pci/pci-driver.c`, `pci_match_device`). What could not be told is given
/// where nothing is known that claims it.
pub fn claim(host: &Host, boot: &NextBoot, device: &Device) -> Result<Option<Claim>, Vec<Gap>> {
    let mut gaps = Vec::new();
    let kept = boot.driverctl.known.iter().find(|((address, _), _)| *address == device.address);
    if let Some(((_, driver), evidence)) = kept {
        let by = By::Driverctl(driver.clone());
        return Ok(Some(Claim { by, evidence: evidence.clone() }));
    }
    gaps.extend(boot.driverctl.gaps.iter().cloned());
    let mut by_rule = None;
    for (rule, evidence) in &boot.udev.known {
        match rule.driver_of(device, evidence) {
            // The last one to write wins.
            Ok(Some(driver)) => {
                let by = By::Udev(driver.to_owned());
                by_rule = Some(Claim { by, evidence: evidence.clone() });
            }
            Ok(None) => {}
            Err(gap) => gaps.push(gap),
        }
    }
    gaps.extend(boot.udev.gaps.iter().cloned());
    if let Some(claim) = by_rule {
        return if claim.by.is_vfio() || gaps.is_empty() { Ok(Some(claim)) } else { Err(gaps) };
    }
    match ids(host, boot) {
        Ok(Some(ids)) => match ids.take(device) {
            Ok(true) => return Ok(Some(Claim { by: By::Ids, evidence: ids.evidence })),
            Ok(false) => {}
            Err(gap) => gaps.push(gap),
        },
        Ok(None) => {}
        Err(more) => gaps.extend(more),
    }
    if let Some((_, evidence)) = boot.libvirt.known.iter().find(|it| it.0 == device.address) {
        return Ok(Some(Claim { by: By::Libvirt, evidence: evidence.clone() }));
    }
    gaps.extend(boot.libvirt.gaps.iter().cloned());
    if gaps.is_empty() { Ok(None) } else { Err(gaps) }
}

/// The one list of ids that counts: a later `ids=` replaces the earlier (`kernel/params.c`,
/// `param_set_copystring`), and those of the command line come last (`libkmod/libkmod-config.c`,
/// `kmod_config_new`).
pub fn ids(host: &Host, boot: &NextBoot) -> Result<Option<Ids>, Vec<Gap>> {
    let line = host.command_line.required().map_err(|gap| vec![gap])?;
    let evidence = |value| Evidence { path: host.command_line.path().to_string(), value };
    if let Some(ids) = ids_of_command_line(line).last() {
        let evidence = evidence(format!("vfio-pci.ids={ids}"));
        return Ok(Some(Ids { taken: taken_by(ids), evidence }));
    }
    let of_files = boot.modprobe.known.iter().rev().find_map(|(setting, evidence)| match setting {
        Setting::Ids(ids) => Some(Ids { taken: taken_by(ids), evidence: evidence.clone() }),
        _ => None,
    });
    match boot.vfio_pci_is_built_in() {
        // Nobody calls modprobe for what is built in.
        Ok(true) => Ok(None),
        _ if !boot.modprobe.gaps.is_empty() => Err(boot.modprobe.gaps.clone()),
        Ok(false) => Ok(of_files),
        Err(_) if of_files.is_none() => Ok(None),
        Err(gap) => Err(vec![gap]),
    }
}
