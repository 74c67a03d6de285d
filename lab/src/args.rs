//! The command line.

use std::path::PathBuf;

use crate::scenario::Scenario;

#[derive(Debug)]
pub struct Args {
    /// What is made and fetched: kernels, programs, the output of the runs.
    pub cache: PathBuf,
    /// Names of kernels; none is all.
    pub kernels: Vec<String>,
    /// Names of scenarios, or beginnings of names; none is all.
    pub names: Vec<String>,
    pub jobs: usize,
    /// An `ai-how` to be used in the place of one built from this tree.
    pub program: Option<PathBuf>,
    pub list: bool,
    pub write: bool,
    pub verbose: bool,
    /// Where the snapshots of the guests go, with their plans.
    pub fixtures: Option<PathBuf>,
}

const USAGE: &str = "\
usage: lab/run [--kernel NAME]... [--jobs N] [--program PATH] [--fixtures DIR] [--write] [--verbose] [SCENARIO...]
       lab/run --list
  SCENARIO   a scenario's name or its beginning; none is all
  --kernel   a kernel's name in the cache (6.1, 6.12, 7), or `builtin`
  --jobs     machines at a time
  --program  a static ai-how in the place of one built from this tree
  --write    write docs/verification.md
  --fixtures a folder for each guest's snapshot and its plan
  --verbose  print what each guest said";

pub fn parse(words: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut args = Args {
        cache: std::env::var_os("AI_HOW_LAB_CACHE").map_or_else(|| "target/lab".into(), Into::into),
        kernels: Vec::new(),
        names: Vec::new(),
        jobs: std::thread::available_parallelism().map_or(1, usize::from),
        program: None,
        list: false,
        write: false,
        verbose: false,
        fixtures: None,
    };
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value\n{USAGE}"));
        match word.as_str() {
            "--help" => return Err(USAGE.to_owned()),
            "--list" => args.list = true,
            "--write" => args.write = true,
            "--verbose" => args.verbose = true,
            "--kernel" => args.kernels.push(value()?),
            "--fixtures" => args.fixtures = Some(value()?.into()),
            "--program" => args.program = Some(value()?.into()),
            "--jobs" => {
                args.jobs =
                    value()?.parse().map_err(|_| format!("--jobs wants a number\n{USAGE}"))?;
            }
            name if !name.starts_with('-') => args.names.push(word),
            _ => return Err(format!("{word} is no option\n{USAGE}")),
        }
    }
    Ok(args)
}

impl Args {
    /// The scenarios that are named; a name that none has is an error, not an empty run.
    pub fn choose(
        &self,
        all: impl Iterator<Item = &'static Scenario>,
    ) -> Result<Vec<&'static Scenario>, String> {
        let all: Vec<_> = all.collect();
        if self.names.is_empty() {
            return Ok(all);
        }
        for name in &self.names {
            if !all.iter().any(|it| it.name.starts_with(name.as_str())) {
                return Err(format!("no scenario is named {name}; lab/run --list shows them"));
            }
        }
        let named =
            |it: &&Scenario| self.names.iter().any(|name| it.name.starts_with(name.as_str()));
        Ok(all.into_iter().filter(named).collect())
    }
}
