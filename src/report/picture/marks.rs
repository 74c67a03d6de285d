//! What a run says of each function: who wants it, and what was found.

use std::collections::BTreeMap;

use crate::finding::Severity;
use crate::pci::Address;
use crate::policy::{Judged, Verdict};

/// Of all functions that something was said of.
#[derive(Debug, Default)]
pub struct Marks {
    of: BTreeMap<Address, Mark>,
}

#[derive(Debug, Default)]
pub struct Mark {
    /// Numbers of the VMs that want it, with what became of that.
    pub wanted: Vec<(usize, Verdict)>,
    /// Numbers of the findings about it or that name it, in the order of the report.
    pub findings: Vec<usize>,
    /// The same of checks that could not be answered.
    pub open: Vec<usize>,
    /// The worst of the findings that stand.
    pub worst: Option<Severity>,
}

impl Marks {
    pub fn new(judged: &Judged) -> Self {
        let mut marks = Self::default();
        for (vm, verdict) in judged.vms.iter().enumerate() {
            for &(address, verdict) in &verdict.devices {
                marks.of.entry(address).or_default().wanted.push((vm, verdict));
            }
        }
        for (number, finding) in judged.findings.iter().enumerate() {
            let named = finding.related.iter().filter_map(|related| related.device);
            for address in finding.device.into_iter().chain(named) {
                let mark = marks.of.entry(address).or_default();
                if mark.findings.last() == Some(&number) {
                    continue;
                }
                mark.findings.push(number);
                if finding.stands() {
                    mark.worst = mark.worst.max(Some(finding.severity));
                }
            }
        }
        for (number, open) in judged.undetermined.iter().enumerate() {
            if let Some(address) = open.device {
                marks.of.entry(address).or_default().open.push(number);
            }
        }
        marks
    }

    /// Of a function; none where nothing was said of it.
    pub fn of(&self, address: Address) -> Option<&Mark> {
        self.of.get(&address)
    }
}

impl Mark {
    /// Worth a box of its own.
    pub fn is_of_interest(&self) -> bool {
        !(self.wanted.is_empty() && self.findings.is_empty() && self.open.is_empty())
    }
}
