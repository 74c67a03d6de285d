//! The host as a whole.

use std::collections::BTreeSet;

use super::{Change, Changes};
use crate::host::{Gap, Host, Reading};

/// What is asked of a host, and in which words it answers.
type Question = (&'static str, fn(&Host) -> Result<Option<String>, Gap>);

const QUESTIONS: &[Question] = &[
    ("IOMMU", |host| {
        let instances = host.iommu.instances.known()?.is_some_and(|names| !names.is_empty());
        let groups = host.iommu.groups.known()?.is_some_and(|groups| !groups.is_empty());
        Ok(Some(on(instances && groups)))
    }),
    ("IOMMU units", |host| {
        Ok(host.iommu.instances.known()?.filter(|it| !it.is_empty()).map(|it| it.join(" ")))
    }),
    ("interrupt remapping", |host| switch(&host.interrupts.remapped)),
    ("kernel release", |host| Ok(host.release.known()?.map(|release| release.text.clone()))),
    ("architecture", |host| Ok(host.cpu.arch.known()?.cloned())),
    ("processor", |host| Ok(host.cpu.vendor.known()?.cloned())),
    ("Xen control domain", |host| switch(&host.xen_dom0)),
    ("/dev/kvm", |host| there(&host.kvm.node)),
    ("vfio-pci", |host| there(&host.vfio.pci_driver)),
    ("vfio-pci disable_denylist", |host| switch(&host.vfio.denylist_off)),
    ("VFIO container", |host| there(&host.vfio.container)),
    ("IOMMUFD", |host| there(&host.vfio.iommufd)),
    ("VFIO device nodes", |host| there(&host.vfio.cdev)),
    ("vfio_iommu_type1 allow_unsafe_interrupts", |host| switch(&host.interrupts.type1_unsafe)),
    ("iommufd allow_unsafe_interrupts", |host| switch(&host.interrupts.iommufd_unsafe)),
];

impl Changes {
    pub(super) fn compare_hosts(&mut self, before: &Host, after: &Host) {
        for (what, ask) in QUESTIONS {
            let change = self.compare(what, None, ask(before), ask(after));
            self.host.extend(change);
        }
        self.compare_command_lines(before, after);
    }

    /// Word by word: what stands on both is nobody's concern.
    fn compare_command_lines(&mut self, before: &Host, after: &Host) {
        let words = |host: &Host| -> Result<Option<String>, Gap> {
            Ok(host.command_line.known()?.map(|line| line.0.trim().to_owned()))
        };
        let what = "kernel parameters";
        let Some(change) = self.compare(what, None, words(before), words(after)) else { return };
        let set = |line: &Option<String>| -> BTreeSet<String> {
            line.iter().flat_map(|it| it.split_ascii_whitespace()).map(str::to_owned).collect()
        };
        let (old, new) = (set(&change.before), set(&change.after));
        let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
            let words: Vec<&str> = one.difference(other).map(String::as_str).collect();
            Some(words.join(" ")).filter(|words| !words.is_empty())
        };
        let change = Change { what, before: only(&old, &new), after: only(&new, &old) };
        // The same words in another order, or twice, can mean something else: the last one wins.
        let reordered = change.before.is_none() && change.after.is_none();
        let what = "order of the kernel parameters";
        self.host.push(if reordered {
            Change {
                what,
                before: words(before).ok().flatten(),
                after: words(after).ok().flatten(),
            }
        } else {
            change
        });
    }
}

fn on(is: bool) -> String {
    if is { "on".to_owned() } else { "off".to_owned() }
}

fn switch(reading: &Reading<bool>) -> Result<Option<String>, Gap> {
    Ok(reading.known()?.map(|is| on(*is)))
}

fn there(reading: &Reading<()>) -> Result<Option<String>, Gap> {
    Ok(reading.known()?.map(|()| "there".to_owned()))
}
