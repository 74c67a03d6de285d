//! Runs what was chosen, some at a time.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant;

use crate::answer::{self, End};
use crate::args::Args;
use crate::build::Programs;
use crate::compare::{Outcome, compare};
use crate::initramfs;
use crate::kernels::Kernel;
use crate::qemu;
use crate::scenario::Scenario;
use crate::vmm;

/// One scenario on one kernel.
pub struct Row {
    pub scenario: &'static Scenario,
    pub kernel: String,
    /// Both empty where there is no answer.
    pub kernels_answer: String,
    pub ours: String,
    pub outcome: Outcome,
    pub seconds: u64,
}

pub fn all(
    args: &Args,
    chosen: &[&'static Scenario],
    kernels: &[Kernel],
    programs: &Programs,
    version: qemu::Version,
) -> Result<Vec<Row>, String> {
    let mut queue = VecDeque::new();
    let bases: Vec<Vec<u8>> =
        kernels.iter().map(|kernel| initramfs::base(kernel, programs)).collect::<Result<_, _>>()?;
    for (index, (kernel, base)) in kernels.iter().zip(&bases).enumerate() {
        let first = !kernels[..index].iter().any(|it| it.kind == kernel.kind);
        for &scenario in chosen.iter().filter(|it| it.kernels.include(kernel.kind, first)) {
            queue.push_back((queue.len(), scenario, kernel, base));
        }
    }
    if queue.is_empty() {
        return Err("none of these scenarios is for one of these kernels".to_owned());
    }
    let starts = queue.iter().any(|(_, scenario, ..)| scenario.starts.is_some());
    let vmm = if starts { vmm::archive()? } else { Vec::new() };
    let queue = Mutex::new(queue);
    let rows = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..args.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no holder panics").pop_front();
                    let Some((number, scenario, kernel, base)) = next else { break };
                    let vmm: &[u8] = if scenario.starts.is_some() { &vmm } else { &[] };
                    let row = one(args, scenario, kernel, &[base, vmm], version);
                    println!("{}", crate::page::line(&row));
                    rows.lock().expect("no holder panics").push((number, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().map_err(|error| error.to_string())?;
    rows.sort_by_key(|(number, _)| *number);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn one(
    args: &Args,
    scenario: &'static Scenario,
    kernel: &Kernel,
    archives: &[&[u8]],
    version: qemu::Version,
) -> Row {
    let start = Instant::now();
    let mut row = Row {
        scenario,
        kernel: kernel.name.clone(),
        kernels_answer: String::new(),
        ours: String::new(),
        outcome: Outcome::Agree,
        seconds: 0,
    };
    row.outcome = match asked(args, scenario, kernel, archives, version) {
        Err(outcome) => outcome,
        Ok(answer) => {
            row.kernels_answer = answer.kernels_words();
            row.ours = match &answer.before {
                Some(before) => format!("{}; afterwards {}", before.words(), answer.ours.words()),
                None => answer.ours.words(),
            };
            match keep(args, scenario, &answer) {
                Ok(()) => compare(scenario, &answer),
                Err(reason) => Outcome::Failed(reason),
            }
        }
    };
    row.seconds = start.elapsed().as_secs();
    row
}

/// Puts a guest's snapshot beside its plan, for tests that need no guest.
fn keep(args: &Args, scenario: &Scenario, answer: &answer::Answer) -> Result<(), String> {
    let (Some(folder), Some(text)) = (&args.fixtures, &answer.fixture) else { return Ok(()) };
    let path = |ending: &str| folder.join(format!("{}.{ending}", scenario.name));
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let snapshot = std::fs::File::create(path("snap")).map_err(failed)?;
    let mut decoder = std::process::Command::new("base64")
        .arg("-d")
        .stdin(std::process::Stdio::piped())
        .stdout(snapshot)
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = decoder.stdin.take() {
        std::io::Write::write_all(&mut input, text.as_bytes()).map_err(failed)?;
    }
    if !decoder.wait().map_err(failed)?.success() {
        return Err("the guest's snapshot did not come out whole".to_owned());
    }
    std::fs::write(path("yaml"), crate::guest::plan(scenario.plan)).map_err(failed)
}

fn asked(
    args: &Args,
    scenario: &Scenario,
    kernel: &Kernel,
    archives: &[&[u8]],
    version: qemu::Version,
) -> Result<answer::Answer, Outcome> {
    if version < (8, 0) && scenario.devices.iter().any(|it| it.contains(" igb,")) {
        return Err(Outcome::Skipped(format!(
            "igb needs QEMU 8, this is {}.{}",
            version.0, version.1
        )));
    }
    let own =
        initramfs::scenario(scenario, kernel, args.fixtures.is_some()).map_err(Outcome::Failed)?;
    let folder = args.cache.join("runs").join(format!("{}-{}", scenario.name, kernel.name));
    let said =
        qemu::run(scenario, kernel, &folder, &[archives, &[own.as_slice()]].concat().concat());
    let said =
        said.map_err(|reason| Outcome::Failed(format!("{reason} (see {})", folder.display())))?;
    if args.verbose {
        println!("{said}");
    }
    answer::parse(&said).map_err(|end| match end {
        End::Skipped(reason) => Outcome::Skipped(reason),
        End::Failed(reason) => Outcome::Failed(format!("{reason} (see {})", folder.display())),
    })
}
