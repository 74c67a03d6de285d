//! Writes for this host what the rules said in general.

use std::collections::BTreeSet;

use super::loader::Loader;
use super::{at_boot, firmware, for_good};
use crate::finding::{Finding, Lasting, Remedy};
use crate::host::{Device, Host, System};
use crate::pci::Address;

/// Where the host's own way is known, it takes the place of the general words. What the plan wants
/// and has `on_vfio` already is named with what is to be bound, where one file names all.
pub fn settle(findings: &mut [Finding], host: Option<&Host>, on_vfio: BTreeSet<Address>) {
    let Some((host, system)) = host.and_then(|host| Some((host, host.system.as_ref()?))) else {
        return;
    };
    let remedies = || findings.iter().flat_map(|finding| &finding.remedies);
    let bound = remedies().filter_map(|remedy| match remedy.lasting {
        Some(Lasting::Binding(address)) => Some(address),
        _ => None,
    });
    let bound: BTreeSet<Address> = bound.chain(on_vfio).collect();
    let bound: Vec<&Device> =
        bound.iter().filter_map(|it| host.devices.get(it).map(Box::as_ref)).collect();
    for remedy in findings.iter_mut().flat_map(|finding| &mut finding.remedies) {
        let Some(lasting) = &remedy.lasting else { continue };
        if let Some(settled) = settled(lasting, remedy, host, system, &bound) {
            let Remedy { after, choice, .. } = *remedy;
            *remedy = Remedy { after, choice, ..settled };
        }
    }
}

/// `bound` is all that the plan wants bound.
fn settled(
    lasting: &Lasting,
    general: &Remedy,
    host: &Host,
    system: &System,
    bound: &[&Device],
) -> Option<Remedy> {
    match lasting {
        Lasting::Parameter(parameter) => parameter_is(system, lasting, parameter, true),
        Lasting::NoParameter(parameter) => parameter_is(system, lasting, parameter, false),
        Lasting::Modules(names) => modules(system, names, general),
        Lasting::Binding(address) => {
            if let Some(changes) = at_boot::by_address(system, *address) {
                return Some(for_good::remedy(general.text.clone(), lasting.clone(), changes));
            }
            at_boot::by_ids(system, bound)
        }
        // The same on all of them.
        Lasting::Member { .. } => None,
        Lasting::Iommu => {
            let board = system.board_vendor.known().ok().flatten()?;
            let cpu = host.cpu.vendor.known().ok().flatten()?;
            let menu = firmware::iommu_menu(board, cpu)?;
            Some(Remedy {
                text: format!("{} On boards of this maker it usually is in {menu}.", general.text),
                ..Remedy::default()
            })
        }
    }
}

fn parameter_is(
    system: &System,
    lasting: &Lasting,
    parameter: &str,
    there: bool,
) -> Option<Remedy> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:=".contains(c);
    if !parameter.chars().all(plain) {
        return None;
    }
    let loader = Loader::of(system);
    let Some(changes) = loader.change(parameter, there) else {
        return loader.words(parameter, there).map(Remedy::advice);
    };
    let text = if there {
        format!("For good, as root: add {parameter} to the kernel's command line; then reboot.")
    } else {
        format!(
            "For good, as root: remove {parameter} from the kernel's command line; then reboot."
        )
    };
    Some(for_good::remedy(text, lasting.clone(), changes))
}

fn modules(system: &System, names: &[&str], general: &Remedy) -> Option<Remedy> {
    if system.is("nixos") {
        let list: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        return Some(Remedy::advice(format!(
            "For good: in /etc/nixos/configuration.nix, boot.kernelModules = [ {} ]; then nixos-rebuild switch.",
            list.join(" ")
        )));
    }
    let locked = system.lockdown.known().ok().flatten().is_some_and(|mode| mode != "none");
    locked.then(|| Remedy {
        text: format!(
            "{} This kernel is locked down, as with Secure Boot: it loads signed modules only, such as those of the distribution.",
            general.text
        ),
        ..general.clone()
    })
}
