//! How much memory the caller may lock (`getrlimit(2)`, `capabilities(7)`).

use std::fmt;

use rustix::process::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, capabilities};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Locking {
    /// `RLIMIT_MEMLOCK` in bytes; none where it is unlimited.
    pub limit: Option<u64>,
    /// With `CAP_IPC_LOCK`: the limit does not hold.
    pub without_limit: bool,
}

pub fn of_this_program() -> Locking {
    let effective = capabilities(None).map(|sets| sets.effective);
    Locking {
        limit: getrlimit(Resource::Memlock).current,
        without_limit: effective.is_ok_and(|it| it.contains(CapabilitySet::IPC_LOCK)),
    }
}

impl Locking {
    /// The most that can be locked, where there is a most.
    pub fn most(self) -> Option<u64> {
        self.limit.filter(|_| !self.without_limit)
    }
}

impl fmt::Display for Locking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Some(bytes) => write!(f, "RLIMIT_MEMLOCK {} KiB", bytes >> 10)?,
            None => f.write_str("RLIMIT_MEMLOCK unlimited")?,
        }
        f.write_str(if self.without_limit {
            ", with CAP_IPC_LOCK"
        } else {
            ", without CAP_IPC_LOCK"
        })
    }
}
