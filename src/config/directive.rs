//! What a person says about how findings are to be taken.

use crate::pci::Address;
use crate::source::Span;

/// A word on one rule: on the command line, in a comment or in a policy.
#[derive(Debug, Clone)]
pub struct Directive {
    pub action: Action,
    /// Code or name, as it was typed.
    pub rule: String,
    /// Where it is written; none on the command line.
    pub place: Option<Span>,
    pub covers: Covers,
}

/// What is to become of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It is passed over; nobody does that without saying why.
    Ignore {
        reason: String,
    },
    Warn,
    Error,
}

/// Which findings of its rule a directive is about.
#[derive(Debug, Clone)]
pub enum Covers {
    Everything,
    /// Those that stand on this line, and those of the VM or device that begins on it.
    Line(Span),
    /// Those about the configurations beside the policy, of a VM or device where one is named.
    Beside {
        vm: Option<String>,
        device: Option<Address>,
    },
}

impl Action {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ignore { .. } => "ignore",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}
