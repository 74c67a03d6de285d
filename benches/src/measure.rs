//! What a run of a program takes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

/// A program with its arguments.
pub type Words = Vec<String>;

/// Medians of the runs of one program.
#[derive(Clone, Copy)]
pub struct Cost {
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// Largest resident set, in bytes.
    pub peak: u64,
}

/// What `cargo run` sets would make a program that is not static look for its libraries there.
const LIBRARIES: &str = "LD_LIBRARY_PATH";

/// Runs the programs in turn, `rounds` times, so that what else the machine does meets all alike.
pub fn costs(programs: &[Words], rounds: usize) -> Vec<Cost> {
    let mut runs = vec![Vec::new(); programs.len()];
    for _ in 0..rounds {
        for (program, runs) in programs.iter().zip(&mut runs) {
            runs.push(cost(program));
        }
    }
    runs.iter()
        .map(|runs| Cost {
            wall: median(runs.iter().map(|run| run.wall).collect()),
            cpu: median(runs.iter().map(|run| run.cpu).collect()),
            peak: 0,
        })
        .zip(programs)
        .map(|(cost, program)| Cost { peak: peak_of(program), ..cost })
        .collect()
}

/// Asked of a process that is small itself: what the kernel says of a program counts what its parent
/// had when it forked (`fs/exec.c`, `setmax_mm_hiwater_rss`).
fn peak_of(program: &Words) -> u64 {
    let this = std::env::current_exe().unwrap();
    let said = Command::new(this).arg("peak").args(program).output().unwrap();
    String::from_utf8_lossy(&said.stdout).trim().parse().expect("a number of bytes")
}

/// The largest resident set of one run, in bytes; at least what this process has.
pub fn peak(program: &Words) -> u64 {
    cost(program).peak
}

/// Whether a run ends as one does that found nothing wrong.
pub fn succeeds(program: &Words) -> bool {
    let mut run = Command::new(&program[0]);
    let run = run.args(&program[1..]).stdout(Stdio::null()).stderr(Stdio::null());
    run.status().is_ok_and(|it| it.success())
}

/// System calls of one run, counted by strace; none where it is not installed.
pub fn system_calls(program: &Words) -> Option<u64> {
    let counted = tempfile::NamedTempFile::new().unwrap();
    let ran = Command::new("strace")
        .env_remove(LIBRARIES)
        .args(["-f", "-c", "-o"])
        .arg(counted.path())
        .args(program)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ran.ok()?;
    let table = std::fs::read_to_string(counted.path()).unwrap();
    let total = table.lines().rfind(|line| line.ends_with(" total"))?;
    total.split_ascii_whitespace().nth(3)?.parse().ok()
}

/// Instructions of one run in user space, counted by callgrind; none where it is not installed.
pub fn instructions(program: &Words) -> Option<u64> {
    let ran = Command::new("valgrind")
        .env_remove(LIBRARIES)
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(program)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let line = said.lines().find(|line| line.contains("Collected"))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// The exponent of growth, fitted to (size, cost) by least squares on logarithms.
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = f64::from(u32::try_from(logs.len()).unwrap());
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let (mut over, mut under) = (0.0, 0.0);
    for (x, y) in logs {
        over += (x - mean_x) * (y - mean_y);
        under += (x - mean_x).powi(2);
    }
    over / under
}

/// The words of a program of this build.
pub fn words(program: &str, args: &[&str]) -> Words {
    std::iter::once(program).chain(args.iter().copied()).map(str::to_owned).collect()
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("the folder of the trees has a name that is text")
}

fn cost(program: &Words) -> Cost {
    let started = Instant::now();
    let mut child = Command::new(&program[0])
        .args(&program[1..])
        .env_remove(LIBRARIES)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program[0]));
    let used = child.wait4().unwrap();
    Cost {
        wall: started.elapsed(),
        cpu: used.rusage.utime + used.rusage.stime,
        peak: used.rusage.maxrss,
    }
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}
