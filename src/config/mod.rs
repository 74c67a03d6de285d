//! Configurations: from text to [`Config`], a value of places and problems.
//!
//! A text becomes a tree whose nodes know their places (`yaml`, with variables replaced by
//! `expand`). What may stand where is data (`document`, in the terms of `shape`); `walk` holds the
//! tree against it, `decode` takes the VMs out of it, `schema` publishes it. `leaf` reads single
//! values for both, so that what is judged good is what is used.
//!
//! *Invariant:* this floor knows nothing of the host, and never stops at the first problem.

mod acceleration;
mod comments;
mod decode;
mod directive;
mod document;
mod expand;
mod leaf;
pub mod limits;
mod policy;
#[cfg(test)]
mod reorder;
mod schema;
mod shape;
mod suggest;
mod walk;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

pub use acceleration::Acceleration;
pub use directive::{Action, Covers, Directive};
pub use limits::LimitError;
#[cfg(test)]
pub use reorder::reordered;
pub use schema::{policy_schema, schema};

use crate::pci::{Address, DeviceType, PciId};
use crate::source::{Sources, Span, Spanned};

/// Reads all texts as one plan; `env` gives the value of a variable.
pub fn load(sources: &Sources, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, LimitError> {
    let mut spent = limits::Spent::default();
    let mut config = Config::default();
    for (file, name) in sources.names().enumerate() {
        let found = match yaml::read(file, sources.get(file), env, &mut spent) {
            Ok(root) => walk::walk(file, root.as_deref()),
            Err(yaml::Stop::Broken(problem)) => walk::Found::only(*problem),
            Err(yaml::Stop::Limit(limit)) => return Err(limit),
        };
        let listed =
            found.vms.iter().filter_map(|vm| vm.passthrough.as_ref()).map(|list| list.listed).sum();
        spent.devices(listed, name)?;
        config.files += 1;
        config.vms.extend(found.vms);
        config.problems.extend(found.problems);
        let (directives, problems) = comments::read(file, sources.get(file));
        config.directives.extend(directives);
        config.problems.extend(problems);
        limits::directives(config.directives.len(), name)?;
        limits::problems(config.problems.len(), name)?;
    }
    for (file, beside) in sources.policies() {
        config.policies.extend(beside.iter().map(|&beside| (beside, file)));
        let (directives, problems) = match yaml::read(file, sources.get(file), env, &mut spent) {
            Ok(root) => policy::read(root.as_deref()),
            Err(yaml::Stop::Broken(problem)) => (Vec::new(), vec![*problem]),
            Err(yaml::Stop::Limit(limit)) => return Err(limit),
        };
        config.directives.extend(directives);
        config.problems.extend(problems);
        limits::directives(config.directives.len(), &sources.get(file).name)?;
    }
    Ok(config)
}

/// Everything the configurations of one run say, as one plan.
#[derive(Debug, Default)]
pub struct Config {
    /// In the order in which they stand in the files; VMs whose text is partly wrong included.
    pub vms: Vec<Vm>,
    pub problems: Vec<Problem>,
    /// What the files say about how findings are to be taken.
    pub directives: Vec<Directive>,
    /// How many configurations there are.
    pub files: usize,
    /// The policy beside a configuration, by their numbers.
    pub policies: BTreeMap<usize, usize>,
}

/// One VM, or one counted group of VMs.
#[derive(Debug)]
pub struct Vm {
    /// Its name, or its place (`hpc/compute_nodes[0]`) where it has none.
    pub name: String,
    /// Where the name is written, or else the first key of the VM.
    pub span: Span,
    /// The lines that a person takes for its first: those of its first key, and of the key above it.
    pub heads: Vec<Span>,
    /// True where the configuration names it (a place is never a duplicate name).
    pub named: bool,
    /// The key of its cluster (`hpc`), none in the short file.
    pub cluster: Option<String>,
    /// `Some(N)` for a counted group; `span` is that of the number.
    pub count: Option<Spanned<u64>>,
    /// Starts by itself: `auto_start`, true when absent.
    pub auto_start: bool,
    /// The fixed address; none for `DHCP` and where there is none.
    pub ip: Option<Spanned<Ipv4Addr>>,
    /// The subnet of its cluster.
    pub subnet: Option<Spanned<Subnet>>,
    pub passthrough: Option<Passthrough>,
    pub cpu_cores: Option<Spanned<u64>>,
    /// In KiB: `memory_gb` counts GiB.
    pub memory: Option<Spanned<u64>>,
    pub acceleration: Acceleration,
}

/// `pcie_passthrough` of a VM.
#[derive(Debug)]
pub struct Passthrough {
    /// `enabled`, with its place; none when the key is missing (or unusable).
    pub enabled: Option<Spanned<bool>>,
    /// Where the key `pcie_passthrough` is written.
    pub span: Span,
    /// Where `devices` is written (the key), if it is.
    pub devices_span: Option<Span>,
    /// Something in it has a problem of its own that leaves open what was meant.
    pub unclear: bool,
    /// How many entries the list has, with those whose address could not be read.
    pub listed: usize,
    /// Entries whose address could be read.
    pub devices: Vec<Wanted>,
}

/// A device that a VM wants.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Normalised; the place is that of the value (its opening quote).
    pub address: Spanned<Address>,
    /// Where its entry begins.
    pub first: Span,
    pub device_type: Option<Spanned<DeviceType>>,
    pub vendor_id: Option<Spanned<PciId>>,
    pub device_id: Option<Spanned<PciId>>,
    pub iommu_group: Option<Spanned<u32>>,
}

/// An IPv4 network, `192.168.100.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    /// With the bits of the host cleared, even if some were written.
    pub network: Ipv4Addr,
    /// 0 to 32.
    pub prefix: u8,
}

/// Something wrong with a configuration's text.
#[derive(Debug)]
pub struct Problem {
    pub kind: ProblemKind,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    pub span: Span,
    /// The VM it stands in, if any.
    pub vm: Option<String>,
    /// Other VMs that the same text stands in, by an alias or a merge key.
    pub also: Vec<String>,
    /// JSON pointer of the offending node (`/clusters/hpc/compute_nodes/0/memory_gb`), where there is one.
    pub pointer: Option<String>,
    /// What to do: allowed values, did-you-mean; sentences.
    pub help: Vec<String>,
    /// Other places that belong to it (the first of two duplicate keys).
    pub related: Vec<(String, Span)>,
}

impl Problem {
    fn new(kind: ProblemKind, message: String, span: Span) -> Self {
        let (vm, pointer) = (None, None);
        Self {
            kind,
            message,
            span,
            vm,
            also: Vec::new(),
            pointer,
            help: Vec::new(),
            related: Vec::new(),
        }
    }

    fn with_help(self, help: Vec<String>) -> Self {
        Self { help, ..self }
    }
}

/// The rule a problem belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// AH001
    Syntax,
    /// AH002
    DuplicateKey,
    /// AH003
    Schema,
    /// AH004; `serious` around `pcie_passthrough`, where an ignored key changes what is passed.
    UnknownKey { serious: bool },
    /// AH005
    Address,
    /// AH006
    Variable,
    /// AH025
    Directive,
}

impl Config {
    /// The policy that speaks for a place; for what has none, that of the whole run, if it is one.
    pub fn policy_of(&self, place: Option<Span>) -> Option<usize> {
        if let Some(place) = place {
            return self.policies.get(&place.file).copied();
        }
        let mut all = (0..self.files).map(|file| self.policies.get(&file).copied());
        let first = all.next()?;
        first.filter(|_| all.all(|other| other == first))
    }

    /// The VM of this name whose text holds the place.
    pub fn vm_at(&self, name: &str, place: Span) -> Option<usize> {
        let here = |vm: &Vm| vm.name == name && vm.span.file == place.file;
        let before = self.vms.iter().rposition(|vm| here(vm) && vm.span.start <= place.start);
        before.or_else(|| self.vms.iter().position(here))
    }
}

impl Vm {
    /// The devices that are to be passed: none unless passthrough is enabled.
    pub fn enabled_devices(&self) -> &[Wanted] {
        match &self.passthrough {
            Some(passthrough) if passthrough.is_enabled() => &passthrough.devices,
            _ => &[],
        }
    }

    /// How many VMs it stands for.
    pub fn instances(&self) -> u64 {
        self.count.as_ref().map_or(1, |count| count.value)
    }
}

impl Passthrough {
    pub fn is_enabled(&self) -> bool {
        self.enabled.as_ref().is_some_and(|enabled| enabled.value)
    }
}
