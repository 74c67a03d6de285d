//! `ai-how doctor`

use super::args::{DoctorArgs, Format, Global};
use super::exit::{CliError, Exit};
use super::sandbox::Reach;
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
    let later = Reach::output(global).confine_or_wait(global);
    let host = read_host(global, &need)?;
    let whole = (global.format == Format::Html).then(|| whole_host(global)).transpose()?;
    later.confine();
    let (answers, checks) = rules::run_host(&host);
    let judged = policy::judge(answers, &Config::default(), Some(&host), policy);
    let result = match global.format {
        Format::Json => output::json(&DoctorView::new(&judged, &checks, &host))?,
        Format::Nfd => nfd::doctor(&judged, &checks),
        Format::Prometheus => prometheus::doctor(&judged, &checks),
        Format::Html => page(&host, whole.as_ref(), &judged, &checks),
        _ => doctor::text(&judged, &checks, output::paint(global), amount(global)),
    };
    output::write(global, &result)?;
    Ok(judged.verdict.into())
}

fn page(host: &Host, whole: Option<&Host>, judged: &Judged, checks: &[Checked]) -> String {
    let inventory = whole.map(|whole| Inventory::new(whole, &Filter::default()));
    let (config, sources) = (Config::default(), Sources::default());
    let judged = Some((judged, &config, &sources));
    let (host, inventory) = (Some(host), inventory.as_ref());
    let report = Report { command: "doctor", host, judged, checks, inventory, ..Report::default() };
    html::page(&report)
}
