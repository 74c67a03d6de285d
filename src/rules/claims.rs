//! Which VMs together ask more of one store of the host (memory, pages, processors) than it has.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::config::Vm;
use crate::finding::{Finding, Related};
use crate::host::{Gap, Host};
use crate::source::Span;

/// What one VM, or one group of them, takes.
#[derive(Clone)]
pub(super) struct Claim<'a> {
    pub(super) index: usize,
    pub(super) vm: &'a Vm,
    pub(super) amount: u64,
    /// Where it is written.
    pub(super) place: Span,
    /// Why the VM may run and have it already.
    pub(super) doubt: Option<Gap>,
}

/// Those who ask too much: a VM by itself, or all that start by themselves together.
pub(super) struct Excess<'a> {
    pub(super) claims: Vec<Claim<'a>>,
    pub(super) amount: u64,
    /// Why it may be none.
    pub(super) doubt: Option<Gap>,
}

/// A VM that asks too much by itself is no part of what the others ask together. Those of which it is
/// not known whether they have it already count only where the others leave room.
pub(super) fn excesses<'a>(claims: impl Iterator<Item = Claim<'a>>, store: u64) -> Vec<Excess<'a>> {
    let (alone, rest): (Vec<_>, Vec<_>) = claims.partition(|claim| claim.amount > store);
    let together = rest.into_iter().filter(|claim| claim.vm.auto_start);
    let (certain, doubtful): (Vec<_>, Vec<_>) = together.partition(|claim| claim.doubt.is_none());
    let mut found: Vec<Excess> = alone.into_iter().map(|claim| Excess::new(vec![claim])).collect();
    let sum = Excess::sum;
    if sum(&certain) > store {
        found.push(Excess::new(certain));
        found.extend((!doubtful.is_empty()).then(|| Excess::new(doubtful)));
    } else if sum(&certain).saturating_add(sum(&doubtful)) > store {
        found.push(Excess::new(certain.into_iter().chain(doubtful).collect()));
    }
    found
}

/// The same of all VMs of a plan. What is certain is told once: where the first of its VMs that wants
/// a device is judged.
pub(super) struct Excesses<'a> {
    told_at: BTreeMap<usize, Vec<Excess<'a>>>,
    doubts: BTreeMap<usize, Gap>,
    holders: BTreeSet<usize>,
}

impl<'a> Excesses<'a> {
    /// `first` is the first VM of the plan that wants devices.
    pub(super) fn new(claims: impl Iterator<Item = Claim<'a>>, store: u64, first: usize) -> Self {
        let mut all =
            Self { told_at: BTreeMap::new(), doubts: BTreeMap::new(), holders: BTreeSet::new() };
        for excess in excesses(claims, store) {
            let indices = excess.claims.iter().map(|claim| claim.index);
            if let Some(gap) = &excess.doubt {
                all.doubts.extend(indices.map(|index| (index, gap.clone())));
            } else {
                all.holders.extend(indices);
                all.told_at.entry(excess.teller(first)).or_default().push(excess);
            }
        }
        all
    }

    /// Why it is not known whether the VM is one of those who ask too much.
    pub(super) fn known(&self, index: usize) -> Result<(), Gap> {
        self.doubts.get(&index).map_or(Ok(()), |gap| Err(gap.clone()))
    }

    pub(super) fn told_at(&self, index: usize) -> &[Excess<'a>] {
        self.told_at.get(&index).map_or(&[], Vec::as_slice)
    }

    /// Whether the VM is one of those who ask too much.
    pub(super) fn hold(&self, index: usize) -> bool {
        self.holders.contains(&index)
    }
}

/// What the VMs of a plan ask too much of, worked out once for all of them.
#[derive(Default)]
pub struct Stores<'a> {
    /// Whether any of them says how many processors it takes.
    pub(super) say_processors: OnceCell<bool>,
    pub(super) vms_on_node: OnceCell<BTreeMap<u32, Vec<usize>>>,
    of: RefCell<BTreeMap<Store, Rc<Excesses<'a>>>>,
}

/// What is shared by the VMs; a node by its number, pages by their size in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Store {
    Processors,
    Memory { node: u32 },
    Pages { size: u64 },
    PagesOfNode { node: u32, size: u64 },
}

impl<'a> Stores<'a> {
    pub(super) fn excesses(
        &self,
        store: Store,
        ask: impl FnOnce() -> Excesses<'a>,
    ) -> Rc<Excesses<'a>> {
        if let Some(known) = self.of.borrow().get(&store) {
            return Rc::clone(known);
        }
        let found = Rc::new(ask());
        self.of.borrow_mut().insert(store, Rc::clone(&found));
        found
    }
}

impl<'a> Excess<'a> {
    fn new(claims: Vec<Claim<'a>>) -> Self {
        let doubt = claims.iter().find_map(|claim| claim.doubt.clone());
        Self { amount: Self::sum(&claims), claims, doubt }
    }

    fn sum(claims: &[Claim]) -> u64 {
        claims.iter().fold(0, |sum, claim| sum.saturating_add(claim.amount))
    }

    fn teller(&self, first: usize) -> usize {
        let wants = |claim: &&Claim| !claim.vm.enabled_devices().is_empty();
        self.claims.iter().find(wants).map_or(first, |claim| claim.index)
    }

    /// `a`, or `a, b and c`.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.claims.iter().map(|claim| claim.vm.name.as_str()).collect();
        match names.as_slice() {
            [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => names.join(""),
        }
    }

    /// `needs` of one, `together need` of several.
    pub(super) fn need(&self) -> &'static str {
        match self.claims.as_slice() {
            [one] if one.vm.instances() == 1 => "needs",
            _ => "together need",
        }
    }

    /// About all of these VMs, at the place of the first, with what each takes.
    pub(super) fn finding(&self, message: String, amount: impl Fn(u64) -> String) -> Finding {
        let mut finding = Finding::new(message);
        for (number, claim) in self.claims.iter().enumerate() {
            finding = match number {
                0 => finding.vm(claim.index).at(claim.place),
                _ => finding.also(claim.index),
            };
            if self.claims.len() > 1 {
                let takes = format!("{} takes {}", claim.vm.name, amount(claim.amount));
                finding = finding.related(Related::place(takes, claim.place));
            }
        }
        finding
    }
}

/// Memory in KiB, of all VMs of a group.
pub(super) fn memory(index: usize, vm: &Vm) -> Option<Claim<'_>> {
    let memory = vm.memory.as_ref()?;
    let amount = memory.value.saturating_mul(vm.instances());
    Some(Claim { index, vm, amount, place: memory.span, doubt: None })
}

impl Claim<'_> {
    /// What a VM has that runs is taken already.
    pub(super) fn unless_it_runs(self, host: &Host) -> Option<Self> {
        match runs(host, self.vm) {
            Ok(true) => None,
            Ok(false) => Some(self),
            Err(gap) => Some(Self { doubt: Some(gap), ..self }),
        }
    }
}

/// Whether the VM runs already and has its devices, so that what it takes is taken.
pub(super) fn runs(host: &Host, vm: &Vm) -> Result<bool, Gap> {
    let mut may_run = false;
    let mut unknown = None;
    for wanted in vm.enabled_devices() {
        let device = match host.device(wanted.address.value) {
            Ok(Some(device)) => device,
            Ok(None) => continue,
            Err(gap) => {
                unknown = unknown.or(Some(gap));
                continue;
            }
        };
        for hold in host.holders.of_vfio(device) {
            match hold.process.is_vm(&vm.name) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(gap) => unknown = unknown.or(Some(gap)),
            }
        }
        if device.may_be_in_use() {
            may_run = true;
            unknown = unknown.or_else(|| device.unknown_nodes());
        }
    }
    match unknown {
        Some(gap) => Err(gap),
        None => Ok(may_run && host.holders.hidden_vm(&vm.name)?.is_some()),
    }
}

/// An amount in KiB in words: `96 GiB`, `62.5 GiB`.
pub(super) fn gib(kib: u64) -> String {
    const GIB: u64 = 1 << 20;
    match (kib / GIB, kib % GIB) {
        (0, rest) => format!("{} MiB", rest.div_ceil(1 << 10)),
        (whole, 0) => format!("{whole} GiB"),
        // Rounded down: what is there is not made more than it is.
        (whole, rest) => format!("{whole}.{} GiB", rest * 10 / GIB),
    }
}
