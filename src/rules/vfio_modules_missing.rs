//! AH104 vfio-modules-missing

use super::example::Scene;
use super::{Check, Example, Rule};
use crate::finding::{Answer, Finding, Remedy, Severity};
use crate::host::fake::FakeHost;
use crate::host::{Host, Part, Presence, VFIO, VFIO_PCI, VFIO_TYPE1};
use crate::remedy;

pub static RULE: Rule = Rule {
    code: "AH104",
    name: "vfio-modules-missing",
    severities: &[Severity::Error],
    summary: "A part of VFIO that passthrough needs is neither loaded nor built in.",
    why: "vfio serves the groups, vfio_iommu_type1 maps the VM's memory for the device, vfio_pci holds the device. vfio_virqfd is never needed: it became a part of vfio with 6.2.",
    remedy: "Load what is missing, or boot a kernel that has it.",
    since: "0.1.0",
    reads: &[
        "Documentation/driver-api/vfio.rst",
        "kernel/params.c (a built-in part has a folder in /sys/module only with a visible parameter)",
        "drivers/vfio/iommufd.c, drivers/iommu/iommufd/vfio_compat.c (IOMMUFD in the place of type1)",
    ],
    check: Check::Host(check, "vfio, vfio_iommu_type1 and vfio_pci are at work"),
    example: Example {
        speaks: Scene::host(|| {
            FakeHost::workstation().without_modules(&["vfio_pci", "vfio_iommu_type1"])
        }),
        silent: Scene::host(FakeHost::workstation),
    },
};

fn check(host: &Host, answer: &mut Answer) {
    let mut missing = Vec::new();
    let mut evidence = Vec::new();
    for (part, found) in [(VFIO, vfio(host)), (VFIO_TYPE1, type1(host)), (VFIO_PCI, pci(host))] {
        match found {
            Presence::AtWork(shown) => answer.passed([shown]),
            Presence::Absent(shown) => {
                missing.push(part);
                evidence.extend(shown);
            }
            Presence::Unknown(gaps) => gaps.into_iter().for_each(|gap| answer.gap(gap)),
        }
    }
    if !missing.is_empty() {
        answer.find(finding(host, &missing).evidence(evidence));
    }
}

fn finding(host: &Host, missing: &[Part]) -> Finding {
    let names: Vec<&'static str> = missing.iter().map(|part| part.name).collect();
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    let finding = Finding::new(format!("Missing required VFIO modules: [{}]", quoted.join(", ")));
    if missing.iter().any(|&part| not_built(host, part)) {
        finding.detail("The kernel that runs was built without it.").remedy(Remedy::advice(
            "Boot a kernel with CONFIG_VFIO, CONFIG_VFIO_IOMMU_TYPE1 and CONFIG_VFIO_PCI, as those of distributions are.",
        ))
    } else if missing.iter().any(|&part| can_be_loaded(host, part) == Some(false)) {
        finding
            .detail("The kernel that runs has no such module to load.")
            .remedy(Remedy::advice("Install the modules of the running kernel (after an update: reboot into the new one), or boot a kernel with CONFIG_VFIO, CONFIG_VFIO_IOMMU_TYPE1 and CONFIG_VFIO_PCI."))
    } else {
        remedy::load_modules(&names).into_iter().fold(finding, Finding::remedy)
    }
}

fn can_be_loaded(host: &Host, part: Part) -> Option<bool> {
    host.modules.as_ref().and_then(|modules| modules.can_be_loaded(part))
}

/// Whether the kernel's configuration is known to leave it out.
fn not_built(host: &Host, part: Part) -> bool {
    let build = host.modules.as_ref().and_then(|modules| modules.build.known().ok().flatten());
    build.is_some_and(|build| build.option(part.option).is_none())
}

/// Whether binding a device loads all that is missing: `modprobe vfio-pci` brings vfio and type1
/// along (`drivers/vfio/vfio_main.c`, `MODULE_SOFTDEP`).
pub fn comes_with_binding(host: &Host) -> bool {
    let parts = [(VFIO, vfio(host)), (VFIO_TYPE1, type1(host)), (VFIO_PCI, pci(host))];
    parts.into_iter().all(|(part, found)| match found {
        Presence::AtWork(_) => true,
        Presence::Absent(_) => can_be_loaded(host, part) == Some(true) && !not_built(host, part),
        Presence::Unknown(_) => false,
    })
}

/// The driver's folder is there when it is registered, from a module or built in.
fn pci(host: &Host) -> Presence {
    let driver = &host.vfio.pci_driver;
    match driver.known() {
        Ok(Some(())) => Presence::AtWork(driver.evidence()),
        Ok(None) => Presence::Absent(vec![driver.evidence()]),
        Err(gap) => Presence::Unknown(vec![gap]),
    }
}

/// vfio-pci and the container stand on it, so either of them proves it.
fn vfio(host: &Host) -> Presence {
    let there = [&host.vfio.pci_driver, &host.vfio.container];
    if let Some(proof) = there.iter().find(|reading| matches!(reading.known(), Ok(Some(())))) {
        return Presence::AtWork(proof.evidence());
    }
    let stated = presence(host, VFIO);
    match (&stated, there.iter().all(|reading| matches!(reading.known(), Ok(None)))) {
        (Presence::Unknown(_), true) => {
            Presence::Absent(there.iter().map(|reading| reading.evidence()).collect())
        }
        _ => stated,
    }
}

/// Not needed where IOMMUFD serves devices or containers in its place.
fn type1(host: &Host) -> Presence {
    let stated = presence(host, VFIO_TYPE1);
    if matches!(stated, Presence::AtWork(_)) {
        return stated;
    }
    let cdev = &host.vfio.cdev;
    match (host.vfio.serves_iommufd(), cdev.known()) {
        (Ok(false), _) => stated,
        (Ok(true), Ok(Some(()))) => Presence::AtWork(cdev.evidence()),
        (Ok(true), nodes) => match host.modules.as_ref().map(|modules| modules.build.required()) {
            Some(Ok(build))
                if build.is_built_in("CONFIG_VFIO_DEVICE_CDEV")
                    || build.is_built_in("CONFIG_IOMMUFD_VFIO_CONTAINER") =>
            {
                Presence::AtWork(host.vfio.iommufd_evidence())
            }
            Some(Ok(_)) | None => nodes.map_or_else(|gap| Presence::Unknown(vec![gap]), |_| stated),
            Some(Err(gap)) => Presence::Unknown(vec![gap]),
        },
        (Err(gap), _) => Presence::Unknown(vec![gap]),
    }
}

fn presence(host: &Host, part: Part) -> Presence {
    let folder = host.vfio.folders.get(part.name).expect("the folders of all three are read");
    match &host.modules {
        Some(modules) => modules.presence(part, folder),
        // Its lists are left unread only where all folders were found.
        None => Presence::AtWork(folder.evidence()),
    }
}
