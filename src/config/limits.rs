//! What a run of configurations may cost at most.
//!
//! A text that would take more is refused as a whole ([`LimitError`]) before it has cost more:
//! ten thousand VMs with their devices stay far below each of these numbers.

/// Lists and maps within one another, aliases followed.
pub const MAX_DEPTH: usize = 64;
/// Keys and values written in all files of a run.
pub const MAX_NODES: usize = 2_000_000;
/// Keys and values that aliases (`*name`) stand for, each time they are used.
pub const MAX_ALIASED: usize = 1_000_000;
/// Bytes of all values in which a variable was replaced.
pub const MAX_VARIABLE_BYTES: usize = 16 << 20;
/// Entries of all `devices` lists of a run.
pub const MAX_DEVICES: usize = 65_536;
/// Problems found in a run.
pub const MAX_PROBLEMS: usize = 100_000;

/// Comments and entries that change how findings are taken, in a run.
pub const MAX_DIRECTIVES: usize = 10_000;

/// A limit that a configuration passes; the run ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error("{file}: lists and maps are nested deeper than {limit} levels")]
    Depth { file: String, limit: usize },
    #[error("{file}: more than {limit} keys and values")]
    Nodes { file: String, limit: usize },
    #[error("{file}: its aliases stand for more than {limit} keys and values")]
    Aliased { file: String, limit: usize },
    #[error("{file}: its variables expand to more than {limit} bytes")]
    Variables { file: String, limit: usize },
    #[error("{file}: more than {limit} devices")]
    Devices { file: String, limit: usize },
    #[error("{file}: more than {limit} problems")]
    Problems { file: String, limit: usize },
    #[error("{file}: more than {limit} comments and entries that change how findings are taken")]
    Directives { file: String, limit: usize },
}

/// What the files of a run have cost so far.
#[derive(Debug, Default)]
pub(super) struct Spent {
    nodes: usize,
    aliased: usize,
    variable_bytes: usize,
    devices: usize,
}

impl Spent {
    pub(super) fn node(&mut self, file: &str) -> Result<(), LimitError> {
        self.nodes += 1;
        within(self.nodes, MAX_NODES, file, |file, limit| LimitError::Nodes { file, limit })
    }

    pub(super) fn aliased(&mut self, weight: usize, file: &str) -> Result<(), LimitError> {
        self.aliased = self.aliased.saturating_add(weight);
        within(self.aliased, MAX_ALIASED, file, |file, limit| LimitError::Aliased { file, limit })
    }

    pub(super) fn variable(&mut self, bytes: usize, file: &str) -> Result<(), LimitError> {
        self.variable_bytes = self.variable_bytes.saturating_add(bytes);
        within(self.variable_bytes, MAX_VARIABLE_BYTES, file, |file, limit| LimitError::Variables {
            file,
            limit,
        })
    }

    pub(super) fn devices(&mut self, listed: usize, file: &str) -> Result<(), LimitError> {
        self.devices = self.devices.saturating_add(listed);
        within(self.devices, MAX_DEVICES, file, |file, limit| LimitError::Devices { file, limit })
    }
}

/// Refuses a depth of lists and maps past [`MAX_DEPTH`].
pub(super) fn depth(levels: usize, file: &str) -> Result<(), LimitError> {
    within(levels, MAX_DEPTH, file, |file, limit| LimitError::Depth { file, limit })
}

/// Refuses more than [`MAX_PROBLEMS`] problems.
pub(super) fn problems(found: usize, file: &str) -> Result<(), LimitError> {
    within(found, MAX_PROBLEMS, file, |file, limit| LimitError::Problems { file, limit })
}

/// Refuses more than [`MAX_DIRECTIVES`] directives.
pub(super) fn directives(found: usize, file: &str) -> Result<(), LimitError> {
    within(found, MAX_DIRECTIVES, file, |file, limit| LimitError::Directives { file, limit })
}

fn within(
    spent: usize,
    limit: usize,
    file: &str,
    error: impl FnOnce(String, usize) -> LimitError,
) -> Result<(), LimitError> {
    if spent <= limit { Ok(()) } else { Err(error(file.to_owned(), limit)) }
}
