//! `ai-how validate`

use std::path::Path;

use super::args::{Format, Global, ValidateArgs};
use super::directives;
use super::exit::{CliError, Exit};
use super::output::{self, Staged};
use super::progress;
use super::sandbox::{Later, Reach};
use super::targets;
use crate::config;
use crate::host::{Devices, Host, Need, Reading, Root, Watch, Why};
use crate::inventory::{Filter, Inventory};
use crate::policy::{self, Policy};
use crate::report::html::Report;
use crate::report::picture::{self, Marks, Scene};
use crate::report::script::{self, Scripts};
use crate::report::text::{self, Amount};
use crate::report::view::Validate;
use crate::report::{html, junit, prometheus, sarif};
use crate::rules;
use crate::source::Sources;

const FORMATS: &[Format] = &[
    Format::Text,
    Format::Json,
    Format::Ndjson,
    Format::Sarif,
    Format::Junit,
    Format::Prometheus,
    Format::Svg,
    Format::Html,
];

pub fn run(args: &ValidateArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("validate", global, FORMATS)?;
    targets::check(args, global)?;
    let policy = Policy {
        strict: args.strict,
        allow_partial_groups: args.allow_partial_groups,
        directives: directives::read(&args.directives)?,
    };
    let mut sources = Sources::default();
    for path in &args.configs {
        sources.open(path)?;
    }
    sources.open_policies(&args.configs)?;
    let reach = Reach::output(global).writing(targets::scripts(args));
    let later = if args.skip_pcie_validation {
        reach.confine();
        Later::default()
    } else {
        reach.confine_or_wait(global)
    };
    let config = config::load(&sources, &|name| std::env::var(name).ok())?;
    let host = if args.skip_pcie_validation {
        None
    } else {
        let need = Need { user: args.user.clone(), system: true, ..rules::need(&config) };
        Some(read_host(global, &need)?)
    };
    let drawn = matches!(global.format, Format::Svg | Format::Html) && host.is_some();
    let whole = drawn.then(|| whole_host(global)).transpose()?;
    later.confine();
    let judged = policy::judge(rules::run(&config, host.as_ref()), &config, host.as_ref(), policy);
    let view = || Validate::new(&judged, &config, host.as_ref(), &sources);
    let result = match global.format {
        Format::Json => output::json(&view())?,
        Format::Ndjson => output::json_lines(view().into_lines())?,
        Format::Sarif => output::json(&sarif::Log::new(&judged, &config, &sources))?,
        Format::Junit => junit::xml(&judged, &config, host.as_ref()),
        Format::Prometheus => prometheus::validate(&judged, &config),
        Format::Svg | Format::Html => {
            let inventory = whole.as_ref().map(|host| Inventory::new(host, &Filter::default()));
            let inventory = inventory.as_ref();
            if global.format == Format::Html {
                let judged = Some((&judged, &config, &sources));
                let (host, command) = (host.as_ref(), "validate");
                html::page(&Report { command, host, judged, inventory, ..Report::default() })
            } else {
                let marks = Marks::new(&judged);
                picture::alone(Scene { inventory, marks: &marks, plan: Some((&judged, &config)) })
            }
        }
        _ => text::validate(&judged, &config, &sources, output::paint(global), amount(global)),
    };
    let scripts = match (&args.fix_script, &host) {
        (Some(path), Some(host)) => {
            stage_scripts(path, &script::scripts(&judged, &config, &sources, host))?
        }
        _ => Vec::new(),
    };
    output::write(global, &result)?;
    for script in scripts {
        script.put()?;
    }
    Ok(judged.verdict.into())
}

/// The script and, beside it, what takes it back. They are put in their places once the result is
/// written, so that they stay as they were where it cannot be.
fn stage_scripts(path: &Path, scripts: &Scripts) -> Result<Vec<Staged>, CliError> {
    let stage = |path: &Path, text: &str| Staged::new(path, text.as_bytes(), output::PROGRAM);
    Ok(vec![stage(&targets::undo_of(path), &scripts.undo)?, stage(path, &scripts.fix)?])
}

/// The host of this run; what was read of it is in the log.
pub fn read_host(global: &Global, need: &Need) -> Result<Host, CliError> {
    progress::shown(global, "Reading the host", |watch| {
        read_root(open_root(global, watch)?, global, need)
    })
}

/// To be called while the work is shown.
pub fn read_root(mut root: Root, global: &Global, need: &Need) -> Result<Host, CliError> {
    if global.stand_ins {
        root = root.with_stand_ins();
    }
    if tracing::enabled!(tracing::Level::DEBUG) {
        root = root.recording();
    }
    let host = Host::read(&root, need);
    for (path, asked) in root.asked() {
        tracing::debug!("asked for the {} {path:?}", asked.as_str());
    }
    if let (Some(name), Some(Err(gap))) = (&need.user, host.user.as_ref().map(Reading::required)) {
        let why = match gap.why {
            Why::Missing => format!("{} does not list it", gap.path),
            _ => gap.to_string(),
        };
        return Err(CliError::NoUser { name: name.clone(), why });
    }
    Ok(host)
}

/// All functions of the host, for a picture. They are read by themselves, so that a verdict stands
/// on the same facts whatever the format.
pub fn whole_host(global: &Global) -> Result<Host, CliError> {
    read_host(global, &Need { devices: Devices::All, details: true, ..Need::default() })
}

pub fn open_root(global: &Global, watch: Option<&Watch>) -> Result<Root, CliError> {
    Ok(Root::open_watched(global.root.as_deref(), watch)?)
}

pub fn amount(global: &Global) -> Amount {
    match (global.quiet, global.verbose) {
        (true, _) => Amount::Quiet,
        (false, true) => Amount::Verbose,
        (false, false) => Amount::Usual,
    }
}
