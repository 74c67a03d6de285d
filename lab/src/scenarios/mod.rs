//! The states of a host that are tried.

mod builtin;
mod group;
mod host;
mod iommufd;
mod machines;
mod mended;
mod started;
mod topology;

#[cfg(test)]
pub use machines::READY;

use crate::scenario::Scenario;

pub fn all() -> impl Iterator<Item = &'static Scenario> {
    [group::ALL, topology::ALL, host::ALL, started::ALL, mended::ALL, builtin::ALL, iommufd::ALL]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_two_have_one_name() {
        let mut seen = BTreeSet::new();
        for scenario in super::all() {
            assert!(seen.insert(scenario.name), "{}", scenario.name);
        }
    }
}
