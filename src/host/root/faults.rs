//! What tests make a root meet: places that fail, vanish or hang, and folders listed in any order.

use super::{Fact, Kind, Root, Watch, Why};

/// What is asked of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    Kind,
    Bytes,
    Names,
    Owner,
}

/// What comes in the place of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is not there (ENOENT), though it may have been a moment ago.
    Gone,
    Unknown(Why),
}

pub trait Faults {
    /// None where the place answers as it is. Who does not return hangs the reader.
    fn strike(&self, step: Step, place: &str) -> Option<Fault>;

    /// The kernel promises no order of what is in a folder.
    fn shuffle(&self, _names: &mut Vec<String>) {}
}

impl Root {
    /// The same root, with these faults in it.
    pub fn with_faults(mut self, faults: impl Faults + 'static) -> Self {
        self.faults = Some(Box::new(faults));
        self
    }

    /// The same root, watched.
    pub fn watched(mut self, watch: &Watch) -> Self {
        self.watch = Some(watch.clone());
        self
    }

    pub(super) fn struck(
        &self,
        step: Step,
        place: &str,
        kind: Result<Kind, Why>,
    ) -> Result<Kind, Why> {
        match self.fault(step, place) {
            None => kind,
            Some(Fault::Gone) => Ok(Kind::Missing),
            Some(Fault::Unknown(why)) => Err(why),
        }
    }

    pub(super) fn struck_fact<T>(&self, step: Step, place: &str, fact: Fact<T>) -> Fact<T> {
        match self.fault(step, place) {
            None => fact,
            Some(Fault::Gone) => Fact::Absent,
            Some(Fault::Unknown(why)) => Fact::Unknown(why),
        }
    }

    pub(super) fn struck_names(&self, place: &str, names: Fact<Vec<String>>) -> Fact<Vec<String>> {
        match self.struck_fact(Step::Names, place, names) {
            Fact::Present(mut names, shown) => {
                if let Some(faults) = &self.faults {
                    faults.shuffle(&mut names);
                }
                Fact::Present(names, shown)
            }
            other => other,
        }
    }

    fn fault(&self, step: Step, place: &str) -> Option<Fault> {
        self.faults.as_ref()?.strike(step, place)
    }
}
