//! The IOMMU groups: what was one and is two, what was two and is one, and new numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::Changes;
use super::devices::Pairs;
use crate::host::{Gap, Host};
use crate::pci::Address;

/// Groups whose members are others, or which have another number.
#[derive(Debug, PartialEq, Eq)]
pub struct GroupChange {
    pub how: Regrouped,
    pub before: BTreeSet<u32>,
    pub after: BTreeSet<u32>,
    /// By their addresses of now.
    pub members: BTreeSet<Address>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Regrouped {
    Split,
    Merged,
    /// Members went from several groups into several.
    Mixed,
    Renumbered,
    /// They were in no group.
    Entered,
    /// They are in none now.
    Left,
    /// A function that came is in the group of one that was there.
    Joined,
}

impl Changes {
    pub(super) fn compare_groups(&mut self, before: &Host, after: &Host, pairs: &Pairs) {
        let group = |host: &Host, at: &Address| -> Option<Result<Option<u32>, Gap>> {
            Some(host.devices.get(at)?.iommu_group.known().map(Option::<&u32>::copied))
        };
        // Each function that is known to be in a group then and now ties the two together.
        let mut ties = Vec::new();
        for (from, to) in pairs {
            match (group(before, from), group(after, to)) {
                (Some(Ok(was)), Some(Ok(is))) => ties.push((was, is, *to)),
                (Some(was), Some(is)) => {
                    self.not_known("IOMMU group", Some(*to), was.err(), is.err());
                }
                _ => {}
            }
        }
        self.enter_and_leave(&ties);
        let grouped: Vec<(u32, u32, Address)> =
            ties.iter().filter_map(|&(was, is, at)| Some((was?, is?, at))).collect();
        for cluster in clusters(&grouped) {
            self.groups.extend(cluster.change());
        }
        let stayed: BTreeSet<Address> = pairs.values().copied().collect();
        self.join(after, &stayed);
    }

    /// All at once, since an IOMMU that was turned off takes every group along.
    fn enter_and_leave(&mut self, ties: &[(Option<u32>, Option<u32>, Address)]) {
        for how in [Regrouped::Entered, Regrouped::Left] {
            let is = |was: Option<u32>, is: Option<u32>| match how {
                Regrouped::Entered => was.is_none() && is.is_some(),
                _ => was.is_some() && is.is_none(),
            };
            let all: Vec<_> =
                ties.iter().filter(|(before, after, _)| is(*before, *after)).collect();
            if !all.is_empty() {
                self.groups.push(GroupChange {
                    how,
                    before: all.iter().filter_map(|tie| tie.0).collect(),
                    after: all.iter().filter_map(|tie| tie.1).collect(),
                    members: all.iter().map(|tie| tie.2).collect(),
                });
            }
        }
    }

    fn join(&mut self, after: &Host, stayed: &BTreeSet<Address>) {
        for (&id, members) in &after.members {
            let (old, new): (BTreeSet<Address>, BTreeSet<Address>) =
                members.known.iter().partition(|at| stayed.contains(at));
            if !old.is_empty() && !new.is_empty() {
                let numbers = BTreeSet::from([id]);
                let how = Regrouped::Joined;
                self.groups.push(GroupChange {
                    how,
                    before: BTreeSet::new(),
                    after: numbers,
                    members: new,
                });
            }
        }
    }
}

/// Groups of then and of now that members tie together.
#[derive(Default)]
struct Cluster {
    before: BTreeSet<u32>,
    after: BTreeSet<u32>,
    members: BTreeSet<Address>,
}

impl Cluster {
    fn change(self) -> Option<GroupChange> {
        let Self { before, after, members } = self;
        let how = match (before.len(), after.len()) {
            (1, 1) if before == after => return None,
            (1, 1) => Regrouped::Renumbered,
            (1, _) => Regrouped::Split,
            (_, 1) => Regrouped::Merged,
            _ => Regrouped::Mixed,
        };
        Some(GroupChange { how, before, after, members })
    }
}

/// The ties, put together wherever they share a group.
fn clusters(ties: &[(u32, u32, Address)]) -> Vec<Cluster> {
    let mut by_before: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut by_after: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (number, (was, is, _)) in ties.iter().enumerate() {
        by_before.entry(*was).or_default().push(number);
        by_after.entry(*is).or_default().push(number);
    }
    let mut seen = vec![false; ties.len()];
    let mut clusters = Vec::new();
    for first in 0..ties.len() {
        let mut cluster = Cluster::default();
        let mut open = vec![first];
        while let Some(number) = open.pop() {
            if std::mem::replace(&mut seen[number], true) {
                continue;
            }
            let (was, is, at) = ties[number];
            cluster.members.insert(at);
            if cluster.before.insert(was) {
                open.extend(&by_before[&was]);
            }
            if cluster.after.insert(is) {
                open.extend(&by_after[&is]);
            }
        }
        if !cluster.members.is_empty() {
            clusters.push(cluster);
        }
    }
    clusters
}
