//! Whether each function can be passed, judged as if its whole group went to one VM.

use std::collections::BTreeMap;

use super::Codes;
use crate::config::{Config, Passthrough as Listed, Vm, Wanted};
use crate::finding::Severity;
use crate::host::Host;
use crate::pci::Address;
use crate::policy::{self, Judged, Policy};
use crate::rules;
use crate::source::{Span, Spanned};

/// What stands between a function and a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passthrough {
    /// Nothing.
    Ready,
    /// Only its binding to vfio-pci.
    Possible,
    /// An error of the host or of the device that binding would not mend, or harm to the host.
    Blocked,
    /// It is a bridge, or vfio-pci refuses it.
    Never,
    Undetermined,
}

impl Passthrough {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Possible => "possible",
            Self::Blocked => "blocked",
            Self::Never => "never",
            Self::Undetermined => "undetermined",
        }
    }
}

pub struct Answers<'a> {
    host: &'a Host,
    /// Errors and open checks of the host alone.
    everywhere: Said,
    of_device: BTreeMap<Address, Said>,
    of_group: BTreeMap<u32, Said>,
    /// The modules that are missing are loaded by binding.
    loads_modules: bool,
}

/// Codes that were said of a subject.
#[derive(Debug, Default, Clone, Copy)]
struct Said {
    errors: Codes,
    open: Codes,
    /// Said, but as a symptom of something else.
    symptoms: Codes,
}

/// Errors that binding the group to vfio-pci mends.
const MENDED_BY_BINDING: &[&str] = &["AH207", "AH208", "AH209"];
/// The same where the modules can be loaded.
const MODULES_MISSING: &str = "AH104";

/// As many VMs are judged at once, so that what is said of thousands of functions needs no room.
const AT_ONCE: usize = 256;

pub fn judge(host: &Host) -> Answers<'_> {
    let mut answers = Answers {
        host,
        everywhere: Said::default(),
        of_device: BTreeMap::new(),
        of_group: BTreeMap::new(),
        loads_modules: rules::comes_with_binding(host),
    };
    let Everything { groups, bridges } = everything(host);
    for (wanted, is_bridge) in [(groups, false), (bridges, true)] {
        for some in wanted.chunks(AT_ONCE) {
            let vms = some.iter().map(|addresses| vm_with(addresses)).collect();
            let config = Config { vms, ..Config::default() };
            let said = rules::run_for_errors(&config, host);
            let judged = policy::judge(said, &config, Some(host), Policy::default());
            answers.collect(&judged, is_bridge);
        }
    }
    answers
}

impl Answers<'_> {
    pub fn of(&self, address: Address) -> (Passthrough, Codes) {
        let mut said = self.of_device.get(&address).copied().unwrap_or_default();
        if said.errors.contains("AH205") {
            return (Passthrough::Never, Codes::one("AH205"));
        }
        let group = self.group_of(address);
        for other in [Some(&self.everywhere), group.and_then(|id| self.of_group.get(&id))]
            .into_iter()
            .flatten()
        {
            said.errors.extend(other.errors);
            said.open.extend(other.open);
        }
        if said.errors.iter().any(|code| !self.is_mended_by_binding(code)) {
            return (Passthrough::Blocked, said.errors);
        }
        if !said.open.is_empty() {
            return (Passthrough::Undetermined, said.open);
        }
        match said.errors.is_empty() && !self.group_needs_binding(group) {
            true => (Passthrough::Ready, Codes::default()),
            false if said.errors.is_empty() => {
                (Passthrough::Possible, self.reasons_of_group(group))
            }
            false => (Passthrough::Possible, said.errors),
        }
    }

    pub fn is_mended_by_binding(&self, code: &str) -> bool {
        MENDED_BY_BINDING.contains(&code) || (self.loads_modules && code == MODULES_MISSING)
    }

    /// Whether the kernel would give a group to a VM as it is.
    pub fn viable(&self, group: u32) -> Option<bool> {
        let said = self.of_group.get(&group).copied().unwrap_or_default();
        let blocked = said.errors.contains("AH302") || said.symptoms.contains("AH302");
        if blocked {
            Some(false)
        } else if said.open.contains("AH302") || said.open.contains("AH206") {
            None
        } else {
            Some(true)
        }
    }

    fn group_of(&self, address: Address) -> Option<u32> {
        self.host.devices.get(&address)?.iommu_group.known().ok().flatten().copied()
    }

    /// Another member of the group still has to be bound.
    fn group_needs_binding(&self, group: Option<u32>) -> bool {
        group
            .and_then(|id| self.of_group.get(&id))
            .is_some_and(|said| said.symptoms.contains("AH302"))
    }

    fn reasons_of_group(&self, group: Option<u32>) -> Codes {
        if self.group_needs_binding(group) { Codes::one("AH302") } else { Codes::default() }
    }
}

impl Answers<'_> {
    /// What was said of VMs that take whole groups, or that take a bridge each.
    fn collect(&mut self, judged: &Judged, bridges: bool) {
        // That the rest of a bridge's group is left out says nothing of that group; that the group
        // is not viable does, but not whether binding would mend it.
        let of_bridge =
            |vm: Option<usize>, group: Option<u32>| bridges && vm.is_some() && group.is_some();
        for finding in &judged.findings {
            let (vm, code) = (finding.vm, finding.code);
            let symptom = !finding.stands() || of_bridge(vm, finding.group);
            if of_bridge(vm, finding.group) && code != "AH302" {
                continue;
            }
            self.note(vm, finding.device, finding.group, |said| {
                match (symptom, finding.severity) {
                    (true, _) => said.symptoms.insert(code),
                    (false, Severity::Error) => said.errors.insert(code),
                    (false, _) => {}
                }
            });
        }
        for open in judged.undetermined.iter().filter(|open| open.decides()) {
            if !of_bridge(open.vm, open.group) || open.code == "AH302" {
                self.note(open.vm, open.device, open.group, |said| said.open.insert(open.code));
            }
        }
    }

    fn note(
        &mut self,
        vm: Option<usize>,
        device: Option<Address>,
        group: Option<u32>,
        put: impl FnOnce(&mut Said),
    ) {
        let said = match (vm, group, device) {
            (None, None, _) => &mut self.everywhere,
            (_, Some(group), _) => self.of_group.entry(group).or_default(),
            (_, _, Some(device)) => self.of_device.entry(device).or_default(),
            _ => return,
        };
        put(said);
    }
}

/// A plan in which each group goes to a VM of its own: all of it but bridges, which nobody can pass
/// and which are asked for by themselves.
struct Everything {
    groups: Vec<Vec<Address>>,
    bridges: Vec<Vec<Address>>,
}

fn everything(host: &Host) -> Everything {
    let mut of_group: BTreeMap<u32, Vec<Address>> = BTreeMap::new();
    let (mut alone, mut bridges) = (Vec::new(), Vec::new());
    for device in host.devices.values() {
        let group = device.iommu_group.known().ok().flatten();
        match (device.is_infrastructure(), group) {
            (Ok(true), _) => bridges.push(vec![device.address]),
            (_, Some(&group)) => of_group.entry(group).or_default().push(device.address),
            (_, None) => alone.push(vec![device.address]),
        }
    }
    Everything { groups: of_group.into_values().chain(alone).collect(), bridges }
}

fn vm_with(addresses: &[Address]) -> Vm {
    let nowhere = Span::new(0, 0, 0);
    let wanted = |address| Wanted {
        address: Spanned { value: address, span: nowhere },
        first: nowhere,
        device_type: None,
        vendor_id: None,
        device_id: None,
        iommu_group: None,
    };
    Vm {
        cpu_cores: None,
        memory: None,
        acceleration: crate::config::Acceleration::default(),
        name: String::new(),
        span: nowhere,
        heads: Vec::new(),
        named: false,
        cluster: None,
        count: None,
        // One that starts by itself would take its part from what is left to the others.
        auto_start: false,
        ip: None,
        subnet: None,
        passthrough: Some(Listed {
            enabled: Some(Spanned { value: true, span: nowhere }),
            span: nowhere,
            devices_span: None,
            unclear: false,
            listed: addresses.len(),
            devices: addresses.iter().copied().map(wanted).collect(),
        }),
    }
}
