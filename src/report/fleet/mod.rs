//! Many hosts at once, as text and as JSON.

mod text;
mod view;

pub use text::text;
pub use view::{FleetView, HostLine};

use crate::config::Config;
use crate::fleet::Tally;
use crate::policy::Judged;
use crate::source::Sources;

/// All that a run over many hosts has to say.
pub struct Fleet<'a> {
    pub tally: &'a Tally,
    /// By number of the host: its name, as it was given.
    pub names: &'a [String],
    /// The plan by itself, where there is one, and what is wrong with it on every host.
    pub plan: Option<(&'a Judged, &'a Config)>,
    pub sources: &'a Sources,
}

/// The short name of a rule.
fn name_of(code: &str) -> &'static str {
    crate::rules::find(code).map_or("", |rule| rule.name)
}
