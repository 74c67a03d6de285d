//! What a check says: findings, evidence, remedies, and what it could not tell.
//!
//! *Invariant:* finding, error and undetermined are three types. An error of the tool itself is
//! never a finding.

use crate::host::Evidence;
use crate::pci::Address;
use crate::source::Span;

/// How bad it is. Ordered: an error is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Advice.
    Note,
    /// The VM starts, with a risk.
    Warning,
    /// The VM will not start, or the host would be harmed.
    Error,
}

/// One thing that a rule found.
#[derive(Debug, Clone)]
pub struct Finding {
    pub code: &'static str,
    pub name: &'static str,
    pub severity: Severity,
    /// One sentence without a full stop.
    pub message: String,
    /// What is known beyond the sentence; sentences.
    pub details: Vec<String>,
    /// Number of the VM in the configuration.
    pub vm: Option<usize>,
    /// Other VMs that it is about.
    pub also: Vec<usize>,
    pub device: Option<Address>,
    /// The IOMMU group, where the finding is about all of it.
    pub group: Option<u32>,
    pub place: Option<Span>,
    pub evidence: Vec<Evidence>,
    pub remedies: Vec<Remedy>,
    pub related: Vec<Related>,
    /// Set by the policy: the finding that this one follows from.
    pub caused_by: Option<Cause>,
    /// Set by the policy: why it is passed over.
    pub ignored: Option<Ignored>,
}

/// Why something is passed over, and where that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    pub reason: String,
    /// Of the words that say so; none on the command line.
    pub place: Option<Span>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    pub code: &'static str,
    pub device: Option<Address>,
}

/// Something that belongs to a finding: another place, another device.
#[derive(Debug, Clone)]
pub struct Related {
    pub message: String,
    pub place: Option<Span>,
    pub device: Option<Address>,
}

/// What to do, with what takes it back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remedy {
    pub text: String,
    /// Shell commands that can be pasted as they stand.
    pub commands: Vec<String>,
    pub undo: Vec<String>,
    /// The code of the finding that is to be mended before.
    pub after: Option<&'static str>,
    /// What the commands do, as data, where a script may do it without a person's choice. One that
    /// comes `after` another finding has no commands to paste yet.
    pub act: Option<Act>,
    /// What is to be so at every boot, which each kind of host has its own way of.
    pub lasting: Option<Lasting>,
    /// That way, as data, where a script may go it.
    pub for_good: Option<ForGood>,
    /// It has its price, or may not help: no script does it, only a person who chose it.
    pub choice: bool,
}

/// What is to be so at every boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lasting {
    /// A parameter of the kernel is on its command line, or is not.
    Parameter(String),
    NoParameter(String),
    /// These modules are loaded.
    Modules(Vec<&'static str>),
    /// A function is on vfio-pci.
    Binding(Address),
    /// A user is in a group.
    Member {
        user: String,
        group: u32,
    },
    /// The firmware has the IOMMU on.
    Iommu,
}

/// Changes that outlast a boot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForGood {
    /// A program that the edits need, and how it is installed.
    pub needs: Option<(&'static str, &'static str)>,
    pub edits: Vec<Edit>,
    /// What makes the edits count, and makes it count that they are taken back.
    pub apply: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A file that is made, with these lines.
    File { path: String, lines: Vec<String> },
    /// A line at the end of a file that is there.
    Line { path: &'static str, line: String },
    /// A word of the only line of a file, which is there or is not.
    Word { path: &'static str, word: String, there: bool },
    /// A command that may be repeated, and the one that takes it back.
    Run { command: String, undo: String },
}

/// A change of the host. Ordered as they are to be made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Loads modules, in this order; `node` is what the last of them brings.
    LoadModules { names: Vec<&'static str>, node: Option<&'static str> },
    /// Takes away all virtual functions, of which there are `count`.
    RemoveVirtualFunctions { address: Address, count: u32 },
    /// Takes the driver off a function, which then has none.
    Detach { address: Address },
    /// Gives a function to vfio-pci.
    Bind { address: Address },
    /// Gives a function without a driver to pci-stub.
    Reserve { address: Address },
    /// Makes a user the owner of a device node.
    GiveNode { path: String, owner: u32, user: u32 },
}

/// A check that could not be answered.
#[derive(Debug, Clone)]
pub struct Undetermined {
    pub code: &'static str,
    pub name: &'static str,
    /// The worst that the check could have found.
    pub severity: Severity,
    pub vm: Option<usize>,
    pub device: Option<Address>,
    /// The IOMMU group, where the check is about all of it.
    pub group: Option<u32>,
    pub place: Option<Span>,
    /// What is not known, and why.
    pub reason: String,
    /// `root` or `newer snapshot`, where that would settle it.
    pub needs: Option<&'static str>,
    /// Set by the policy: why it is passed over.
    pub ignored: Option<Ignored>,
}

/// What one check gave for one subject. Findings and gaps may stand beside each other: a known
/// error is never hidden by something unknown, nor the other way round.
#[derive(Debug, Default)]
pub struct Answer {
    pub findings: Vec<Finding>,
    /// The worst that this check could find here, where that is less than the rule's worst.
    pub worst: Option<Severity>,
    pub gaps: Vec<crate::host::Gap>,
    /// What a pass stands on.
    pub passed: Vec<Evidence>,
    /// Why the question was not asked of this host; neither a pass nor a gap.
    pub not_judged: Option<Evidence>,
}

impl Act {
    /// The function that it changes.
    pub fn address(&self) -> Option<Address> {
        match self {
            Self::LoadModules { .. } | Self::GiveNode { .. } => None,
            Self::RemoveVirtualFunctions { address, .. }
            | Self::Detach { address }
            | Self::Bind { address }
            | Self::Reserve { address } => Some(*address),
        }
    }
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Finding {
    /// Code, name, usual severity and subject are filled in by whoever runs the rule.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            code: "",
            name: "",
            severity: Severity::Error,
            message: message.into(),
            details: Vec::new(),
            vm: None,
            also: Vec::new(),
            device: None,
            group: None,
            place: None,
            evidence: Vec::new(),
            remedies: Vec::new(),
            related: Vec::new(),
            caused_by: None,
            ignored: None,
        }
    }

    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub fn detail(mut self, sentence: impl Into<String>) -> Self {
        self.details.push(sentence.into());
        self
    }

    pub fn vm(mut self, vm: usize) -> Self {
        self.vm = Some(vm);
        self
    }

    /// Another VM that this keeps from starting too.
    pub fn also(mut self, vm: usize) -> Self {
        self.also.push(vm);
        self
    }

    pub fn group(mut self, group: u32) -> Self {
        self.group = Some(group);
        self
    }

    pub fn device(mut self, device: Address) -> Self {
        self.device = Some(device);
        self
    }

    pub fn at(mut self, place: Span) -> Self {
        self.place = Some(place);
        self
    }

    pub fn evidence(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        for read in evidence {
            if !self.evidence.contains(&read) {
                self.evidence.push(read);
            }
        }
        self
    }

    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedies.push(remedy);
        self
    }

    pub fn related(mut self, related: Related) -> Self {
        self.related.push(related);
        self
    }

    /// Counts in the summary and the verdict: no symptom of another finding, and not passed over.
    pub fn stands(&self) -> bool {
        self.caused_by.is_none() && self.ignored.is_none()
    }

    pub fn is_error(&self) -> bool {
        self.stands() && self.severity == Severity::Error
    }
}

impl Related {
    pub fn place(message: impl Into<String>, place: Span) -> Self {
        Self { message: message.into(), place: Some(place), device: None }
    }

    pub fn device(message: impl Into<String>, device: Address) -> Self {
        Self { message: message.into(), place: None, device: Some(device) }
    }
}

impl Remedy {
    pub fn advice(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Only for who chose it.
    pub fn left_to_a_person(self) -> Self {
        Self { choice: true, ..self }
    }

    /// Nothing can be done before the finding with this code is mended; `why` is a clause.
    pub fn later(code: &'static str, why: &str) -> Self {
        Self { after: Some(code), ..Self::advice(format!("First mend {code}: {why}.")) }
    }
}

impl Answer {
    pub fn find(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// What is not known could have been no worse than this.
    pub fn at_most(&mut self, severity: Severity) {
        self.worst = Some(severity);
    }

    pub fn gap(&mut self, gap: crate::host::Gap) {
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }

    /// What was read and found good.
    pub fn passed(&mut self, evidence: impl IntoIterator<Item = Evidence>) {
        self.passed.extend(evidence);
    }

    /// The question does not arise, as this reading tells.
    pub fn not_judged(&mut self, because: Evidence) {
        self.not_judged = Some(because);
    }

    /// The value of a fact, or `None` with its gap noted.
    pub fn learn<T>(&mut self, fact: Result<T, crate::host::Gap>) -> Option<T> {
        fact.map_err(|gap| self.gap(gap)).ok()
    }
}
