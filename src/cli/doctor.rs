//! `ai-how doctor`

use super::args::{DoctorArgs, Format, Global};
use super::exit::{CliError, Exit};
use super::validate::{amount, read_host, whole_host};
use super::{directives, output};
use crate::config::Config;
use crate::host::{Host, Need};
use crate::inventory::{Filter, Inventory};
use crate::policy::{self, Judged, Policy};
use crate::report::doctor::{self, DoctorView};
use crate::report::html::{self, Report};
use crate::report::{nfd, prometheus};
use crate::rules::{self, Checked};
use crate::source::Sources;

pub fn run(args: &DoctorArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format(
        "doctor",
        global,
        &[Format::Text, Format::Json, Format::Nfd, Format::Prometheus, Format::Html],
    )?;
    let directives = directives::read(&args.directives)?;
    let policy = Policy { strict: args.strict, directives, ..Policy::default() };
    let need = Need { all_groups: true, system: true, user: args.user.clone(), ..Need::default() };
    let host = read_host(global, &need)?;
    let (answers, checks) = rules::run_host(&host);
    let judged = policy::judge(answers, &Config::default(), Some(&host), policy);
    let result = match global.format {
        Format::Json => output::json(&DoctorView::new(&judged, &checks, &host))?,
        Format::Nfd => nfd::doctor(&judged, &checks),
        Format::Prometheus => prometheus::doctor(&judged, &checks),
        Format::Html => page(&host, &judged, &checks, global)?,
        _ => doctor::text(&judged, &checks, output::paint(global), amount(global)),
    };
    output::write(global, &result)?;
    Ok(judged.verdict.into())
}

fn page(
    host: &Host,
    judged: &Judged,
    checks: &[Checked],
    global: &Global,
) -> Result<String, CliError> {
    let whole = whole_host(global)?;
    let inventory = Inventory::new(&whole, &Filter::default());
    let (config, sources) = (Config::default(), Sources::default());
    let judged = Some((judged, &config, &sources));
    let (host, inventory) = (Some(host), Some(&inventory));
    let report = Report { command: "doctor", host, judged, checks, inventory, ..Report::default() };
    Ok(html::page(&report))
}
