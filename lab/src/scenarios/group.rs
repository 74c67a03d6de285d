//! The members of a group.

use super::machines::READY;
use crate::scenario::Scenario;

pub const ALL: &[Scenario] = &[READY];
