//! The guest's file system: one archive for a kernel, and after it a small one for a scenario.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::build::Programs;
use crate::cpio::Archive;
use crate::guest;
use crate::kernels::Kernel;
use crate::planted;
use crate::scenario::{Scenario, Step};
use crate::scenarios;

/// What every scenario of this kernel has: programs, all modules that any of them loads, and the lists
/// that a host has beside its modules.
pub fn base(kernel: &Kernel, programs: &Programs) -> Result<Vec<u8>, String> {
    let mut archive = Archive::default();
    for folder in ["proc", "sys", "dev", "tmp", "mnt", "etc"] {
        archive.folder(folder);
    }
    archive.character_device("dev/console", 5, 1);
    archive.file("bin/busybox", &programs.busybox);
    archive.file("bin/ai-how", &programs.ai_how);
    archive.file("bin/oracle", &programs.oracle);
    archive.file("planted", planted::SEARCHED.join("\n").as_bytes());
    if let Some(folder) = &kernel.folder {
        modules(&mut archive, kernel, folder)?;
    }
    Ok(archive.finish())
}

/// The script and the plan.
pub fn scenario(scenario: &Scenario, kernel: &Kernel, fixture: bool) -> Result<Vec<u8>, String> {
    let mut archive = Archive::default();
    archive.file("init", guest::script(scenario, kernel, fixture)?.as_bytes());
    archive.file("plan.yaml", guest::plan(scenario.plan).as_bytes());
    Ok(archive.finish())
}

fn modules(archive: &mut Archive, kernel: &Kernel, folder: &Path) -> Result<(), String> {
    let release = &kernel.release;
    let mut names = BTreeSet::new();
    for scenario in scenarios::all() {
        for name in loaded(scenario) {
            names.extend(kernel.modules.closure(name).into_iter().flatten());
        }
    }
    for name in &names {
        let path = kernel.modules.path(name).ok_or(format!("no module {name}"))?;
        archive.file(&format!("lib/modules/{release}/{path}"), &kernel.modules.contents(name)?);
    }
    let lists =
        ["modules.dep", "modules.alias", "modules.builtin", "modules.builtin.modinfo", "config"];
    for list in lists {
        if let Ok(bytes) = fs::read(folder.join("lib/modules").join(release).join(list)) {
            let bytes = if list == "modules.dep" { unpacked(&bytes) } else { bytes };
            archive.file(&format!("lib/modules/{release}/{list}"), &bytes);
        }
    }
    let config = format!("boot/config-{release}");
    if let Ok(bytes) = fs::read(folder.join(&config)) {
        archive.file(&config, &bytes);
    }
    Ok(())
}

/// The guest's modules are not packed, and its modprobe looks for the names that stand there.
fn unpacked(dep: &[u8]) -> Vec<u8> {
    let dep = String::from_utf8_lossy(dep);
    dep.replace(".ko.xz", ".ko").replace(".ko.zst", ".ko").into_bytes()
}

fn loaded(scenario: &Scenario) -> impl Iterator<Item = &'static str> {
    let steps = scenario.steps.iter().chain(scenario.afterwards);
    let by_steps = steps.filter_map(|step| match step {
        Step::Load(name, _) | Step::LoadIfThere(name) | Step::LoadRefused(name) => Some(*name),
        _ => None,
    });
    scenario.modules.iter().copied().chain(by_steps)
}
