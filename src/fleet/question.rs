//! What each host is asked.

use std::path::Path;

use super::facts::{Facts, wants};
use super::kept::{Kept, cut};
use crate::config::Config;
use crate::host::{Host, Need, Root, Watch};
use crate::pci::Address;
use crate::policy::{self, Policy};
use crate::rules;

/// What `validate` asks of a plan or, without one, `doctor` of the host alone.
pub struct Question<'a> {
    plan: Option<&'a Config>,
    need: Need,
    policy: Policy,
    stand_ins: bool,
    /// Functions of the plan that hosts are compared by.
    wants: Vec<Address>,
}

impl<'a> Question<'a> {
    pub fn new(plan: Option<&'a Config>, policy: Policy, stand_ins: bool) -> Self {
        let need = match plan {
            Some(config) => rules::need(config),
            None => Need { all_groups: true, ..Need::default() },
        };
        let wants = plan.map(wants).unwrap_or_default();
        Self { plan, need, policy, stand_ins, wants }
    }

    pub fn wants(&self) -> &[Address] {
        &self.wants
    }

    /// Of a host in a file or folder, telling all the while what is being read; else why that cannot
    /// be one.
    pub fn ask(&self, path: &Path, watch: Option<&Watch>) -> Result<Kept, String> {
        let mut root = Root::open_watched(Some(path), watch).map_err(|error| {
            let text = error.to_string();
            // The name stands beside it.
            let own = format!("{}: ", path.display());
            cut(text.strip_prefix(&own).unwrap_or(&text))
        })?;
        if self.stand_ins {
            root = root.with_stand_ins();
        }
        let host = Host::read(&root, &self.need);
        let nothing = Config::default();
        let (answers, plan) = match self.plan {
            Some(plan) => (rules::run(plan, Some(&host)), plan),
            None => (rules::run_host(&host).0, &nothing),
        };
        let judged = policy::judge(answers, plan, Some(&host), self.policy.clone());
        Ok(Kept::new(&judged, Facts::of(&host, &self.wants)))
    }
}
