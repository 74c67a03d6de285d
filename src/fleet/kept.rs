//! What is kept of a host.

use std::collections::BTreeMap;

use super::facts::Facts;
use crate::finding::Severity;
use crate::policy::{Judged, Verdict};

/// Counts of codes, not the findings themselves.
#[derive(Debug)]
pub struct Kept {
    pub verdict: Verdict,
    /// How many findings stand, by code and severity.
    pub findings: BTreeMap<(&'static str, Severity), usize>,
    /// How many checks could not be answered, by code and whether the verdict hangs on them.
    pub open: BTreeMap<(&'static str, bool), usize>,
    /// Findings and open checks that are passed over.
    pub ignored: usize,
    pub facts: Facts,
}

impl Kept {
    pub(super) fn new(judged: &Judged, facts: Facts) -> Self {
        let (mut findings, mut open) = (BTreeMap::new(), BTreeMap::new());
        let mut ignored = 0;
        for finding in &judged.findings {
            ignored += usize::from(finding.ignored.is_some());
            if finding.stands() {
                *findings.entry((finding.code, finding.severity)).or_default() += 1;
            }
        }
        for check in &judged.undetermined {
            if check.ignored.is_some() {
                ignored += 1;
            } else {
                *open.entry((check.code, check.decides())).or_default() += 1;
            }
        }
        Self { verdict: judged.verdict, findings, open, ignored, facts }
    }

    /// Of the findings that stand.
    pub fn codes(&self, severity: Severity) -> impl Iterator<Item = &'static str> {
        self.findings.keys().filter(move |key| key.1 == severity).map(|key| key.0)
    }

    /// Of the open checks on which the verdict hangs.
    pub fn deciding(&self) -> impl Iterator<Item = &'static str> {
        self.open.keys().filter(|key| key.1).map(|key| key.0)
    }
}

/// A text from a host, so that none fills the memory.
pub(super) fn cut(text: &str) -> String {
    const LONGEST: usize = 500;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
