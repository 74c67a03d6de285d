//! `ai-how doctor`

use super::args::{DoctorArgs, Format, Global};
use super::exit::{CliError, Exit};
use super::output;
use super::validate::{amount, read_host};
use crate::config::Config;
use crate::host::Need;
use crate::policy::{self, Policy};
use crate::report::doctor::{self, DoctorView};
use crate::report::{nfd, prometheus};
use crate::rules;

pub fn run(args: &DoctorArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format(
        "doctor",
        global,
        &[Format::Text, Format::Json, Format::Nfd, Format::Prometheus],
    )?;
    let need = Need { all_groups: true, user: args.user.clone(), ..Need::default() };
    let host = read_host(global, &need)?;
    let (answers, checks) = rules::run_host(&host);
    let policy = Policy { strict: args.strict, ..Policy::default() };
    let judged = policy::judge(answers, &Config::default(), Some(&host), policy);
    let result = match global.format {
        Format::Json => output::json(&DoctorView::new(&judged, &checks, &host))?,
        Format::Nfd => nfd::doctor(&judged, &checks),
        Format::Prometheus => prometheus::doctor(&judged, &checks),
        _ => doctor::text(&judged, &checks, output::paint(global), amount(global)),
    };
    output::write(global, &result)?;
    Ok(judged.verdict.into())
}
