//! `ai-how fleet`

mod crew;
mod lines;
mod names;
mod pattern;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::args::{FleetArgs, Format, Global};
use super::exit::{CliError, Exit};
use super::sandbox::Reach;
use super::validate::amount;
use super::{directives, output, progress};
use crate::config::{self, Config};
use crate::fleet::{Kept, Question, Tally, labels};
use crate::host::Watch;
use crate::policy::{self, Policy, Verdict};
use crate::report::fleet::{self, Fleet, FleetView, HostLine};
use crate::rules;
use crate::source::Sources;
use lines::Lines;
use names::Named;

pub fn run(args: &FleetArgs, global: &Global) -> Result<Exit, CliError> {
    output::check_format("fleet", global, &[Format::Text, Format::Json, Format::Ndjson])?;
    let policy = Policy {
        strict: args.strict,
        allow_partial_groups: args.allow_partial_groups,
        directives: directives::read(&args.directives)?,
    };
    let standard_input = Path::new("-");
    let is_asked = |paths: &[PathBuf]| paths.iter().any(|path| path == standard_input);
    if is_asked(&args.snapshots) && is_asked(&args.configs) {
        return Err(CliError::InputTwice);
    }
    let mut sources = Sources::default();
    for path in &args.configs {
        sources.open(path)?;
    }
    sources.open_policies(&args.configs)?;
    let hosts = names::all(&args.snapshots)?;
    names::check_output(global, &hosts, &args.configs)?;
    let copies = hosts.all.iter().filter(|it| it.why_not.is_none()).map(|it| &it.path);
    // What a container may use of the processors is read too.
    let jobs = jobs(args);
    // Before a thread is started, which is then shut in too.
    Reach::output(global).reading(copies).confine();
    let load = || config::load(&sources, &|name| std::env::var(name).ok());
    let plan = if args.configs.is_empty() { None } else { Some(load()?) };
    // What is wrong with the plan itself is told once.
    let own = plan.as_ref().map(|plan| {
        let config_alone = rules::run(plan, None);
        policy::judge(config_alone, plan, None, policy.clone())
    });
    let names: Vec<String> = hosts.all.iter().map(|it| it.path.display().to_string()).collect();

    let question = Question::new(plan.as_ref(), policy, global.stand_ins);
    let mut run = Run {
        tally: Tally::new(labels(question.wants())),
        documents: Vec::new(),
        lines: (global.format == Format::Ndjson).then(|| Lines::open(global)).transpose()?,
        question: &question,
        names: &names,
        global,
    };
    let all = run.judge(&hosts.all, jobs)?;
    let Run { tally, documents, lines, .. } = run;
    let nothing = Config::default();
    let plan = own.as_ref().map(|own| (own, plan.as_ref().unwrap_or(&nothing)));
    let fleet = Fleet { tally: &tally, names: &names, plan, sources: &sources };
    match (lines, global.format) {
        (Some(lines), _) => lines.end()?,
        (None, Format::Json) => {
            output::write(global, &output::json(&FleetView::new(&fleet, documents))?)?;
        }
        (None, _) => {
            output::write(global, &fleet::text(&fleet, output::paint(global), amount(global)))?;
        }
    }
    // Of what was not looked at, since nobody reads on, nothing is known.
    let rest = if all { Verdict::Ready } else { Verdict::Undetermined };
    Ok(tally.verdict().max(rest).into())
}

fn jobs(args: &FleetArgs) -> usize {
    let processors = || thread::available_parallelism().map_or(1, usize::from);
    args.jobs.map_or_else(processors, usize::from)
}

struct Run<'a> {
    tally: Tally,
    /// For the document of all.
    documents: Vec<HostLine>,
    /// Where each host is told of as soon as it is judged.
    lines: Option<Lines>,
    question: &'a Question<'a>,
    names: &'a [String],
    global: &'a Global,
}

impl Run<'_> {
    /// False where nobody reads on.
    fn judge(&mut self, hosts: &[Named], jobs: usize) -> Result<bool, CliError> {
        let question = self.question;
        // Lines on the same terminal would run into the bar.
        let has_bar = !self.lines.as_ref().is_some_and(Lines::at_terminal);
        let global = self.global;
        let go = |done: &AtomicUsize, watches: &[Watch]| {
            let ask = |thread: usize, host: &Named| match &host.why_not {
                None => question.ask(&host.path, watches.get(thread)),
                Some(why) => Err(why.clone()),
            };
            crew::in_order(hosts, jobs, ask, |number, outcome| {
                done.fetch_add(1, Ordering::Relaxed);
                let Some(outcome) = outcome else {
                    return Err(CliError::Failed { path: self.names[number].clone() });
                };
                self.take(number, &outcome)
            })
        };
        let bar = has_bar.then_some("Judging");
        progress::counted(global, bar, hosts.len(), jobs, go)
    }

    fn take(&mut self, number: usize, outcome: &Result<Kept, String>) -> Result<bool, CliError> {
        self.tally.add(number, outcome);
        let document = || HostLine::new(&self.names[number], outcome, self.question.wants());
        match (&mut self.lines, self.global.format) {
            (Some(lines), _) => return lines.put(&output::json_lines([document()])?),
            (None, Format::Json) => self.documents.push(document()),
            (None, _) => {}
        }
        Ok(true)
    }
}
