//! What the program costs beside `lspci`, a bare floor and `true`, as ratios in one run; and hosts
//! and plans of any size.
//!
//! `lspci`, `strace` and `valgrind` are used where they are installed; `chroot` needs root. Trees are kept in their
//! folder for the next run: 487,000 files, folders and links for 10,000 functions.

mod floor;
mod measure;
mod plan;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use measure::{
    Cost, Words, costs, exponent, instructions, peak, succeeds, system_calls, text, words,
};
use tree::Groups;

const USAGE: &str = "\
usage: ai-how-benches ratios FOLDER PROGRAM [--large]   measures PROGRAM, and prints Markdown
       ai-how-benches tree FOLDER FUNCTIONS [one-group] makes the root of a host, and prints its path
       ai-how-benches plan FOLDER FUNCTIONS VMS         the same of a configuration for that host
       ai-how-benches floor ROOT                        reads what any program must
       ai-how-benches peak PROGRAM ARG...               its largest resident set, in bytes";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let functions = |word: &str| word.parse::<usize>().ok().filter(|&it| it >= tree::EXAMPLE);
    let made = match args[..] {
        ["ratios", folder, program] => {
            return measure_all(&Bench { folder: folder.into(), program: program.into() }, false);
        }
        ["ratios", folder, program, "--large"] => {
            return measure_all(&Bench { folder: folder.into(), program: program.into() }, true);
        }
        ["peak", _, ..] => {
            let program = args[1..].iter().map(|&word| word.to_owned()).collect();
            println!("{}", peak(&program));
            return ExitCode::SUCCESS;
        }
        ["floor", root] => {
            assert!(floor::run(Path::new(root)) > 0, "the floor reads nothing");
            return ExitCode::SUCCESS;
        }
        ["tree", folder, count] => {
            functions(count).map(|it| tree::make(Path::new(folder), it, Groups::Realistic))
        }
        ["tree", folder, count, "one-group"] => {
            functions(count).map(|it| tree::make(Path::new(folder), it, Groups::One))
        }
        ["plan", folder, count, vms] => functions(count).and_then(|functions| {
            let groups = tree::passable(functions);
            Some(plan::make(Path::new(folder), vms.parse().ok()?, &groups))
        }),
        _ => None,
    };
    let Some(path) = made else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!("{}", path.display());
    ExitCode::SUCCESS
}

struct Bench {
    folder: PathBuf,
    program: String,
}

fn measure_all(bench: &Bench, large: bool) -> ExitCode {
    bench.the_smallest();
    bench.inventories();
    bench.growth(large);
    ExitCode::SUCCESS
}

impl Bench {
    /// Beside `true`: what a boot path and an editor wait for.
    fn the_smallest(&self) {
        let root = tree::make(&self.folder, 64, Groups::Realistic);
        let plan = plan::make(&self.folder, 2, &tree::passable(64));
        let [version, validate] = self.within(&root, &plan);
        let programs = [
            ("`true`", words("true", &[])),
            ("`ai-how --version`", self.ours(&["--version"])),
            ("`ai-how validate`, 2 VMs, a copy of 64 functions", self.validate(&root, &plan)),
            ("`chroot` and `ai-how --version`", version),
            ("`chroot` and `ai-how validate`, the same as a live host", validate),
        ];
        // Words about a mistake are work too.
        for (name, program) in &programs {
            assert!(succeeds(program), "{name} fails: chroot needs root, and a static program");
        }
        let all: Vec<Words> = programs.iter().map(|(_, program)| program.clone()).collect();
        let costs = costs(&all, 101);
        println!(
            "| | wall | CPU | of `true` | of `--version` | system calls | instructions | peak |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        for ((name, program), cost) in programs.iter().zip(&costs) {
            println!(
                "| {name} | {} | {:.2} | {:.2} | {}",
                times(cost),
                ratio(cost, &costs[0]),
                ratio(cost, &costs[1]),
                counts(program, cost)
            );
        }
        let cpu = |at: usize| costs[at].cpu.as_secs_f64();
        let live = (cpu(4) - cpu(3) + cpu(1)) / cpu(1);
        println!(
            "\n`validate` on the live host, without what `chroot` takes: {live:.2} of `--version`\n"
        );
    }

    /// `--version` and `validate` by a program for which the tree is all there is: the live host.
    fn within(&self, root: &Path, plan: &Path) -> [Words; 2] {
        let inside = root.join("bench");
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::copy(&self.program, inside.join("ai-how")).unwrap();
        std::fs::copy(plan, inside.join("plan.yaml")).unwrap();
        let ours =
            |args: &[&str]| words("chroot", &[&[text(root), "/bench/ai-how"], args].concat());
        [ours(&["--version"]), ours(&["validate", "/bench/plan.yaml"])]
    }

    /// Beside `lspci` and the floor, on the same trees.
    fn inventories(&self) {
        println!(
            "| functions | | wall | CPU | of `lspci` | of the floor | system calls | instructions | peak |"
        );
        println!("|---|---|---|---|---|---|---|---|---|");
        for (functions, rounds) in [(64, 51), (1_000, 15), (10_000, 5)] {
            let root = tree::make(&self.folder, functions, Groups::Realistic);
            let bus = format!("sysfs.path={}/sys/bus/pci", root.display());
            let programs = [
                ("`lspci -Dnnk`", words("lspci", &["-A", "linux-sysfs", "-O", &bus, "-Dnnk"])),
                ("the floor", words(&this_program(), &["floor", text(&root)])),
                ("`inventory pcie`", self.inventory(&root, "text")),
                ("`inventory pcie --format json`", self.inventory(&root, "json")),
            ];
            let all: Vec<Words> = programs.iter().map(|(_, program)| program.clone()).collect();
            let costs = costs(&all, rounds);
            for ((name, program), cost) in programs.iter().zip(&costs) {
                println!(
                    "| {functions} | {name} | {} | {:.2} | {:.2} | {}",
                    times(cost),
                    ratio(cost, &costs[0]),
                    ratio(cost, &costs[1]),
                    counts(program, cost)
                );
            }
        }
        println!();
    }

    /// How the cost grows with functions, size of a group, and VMs.
    fn growth(&self, large: bool) {
        let sizes: &[usize] = if large { &[1_000, 10_000, 50_000] } else { &[1_000, 10_000] };
        println!("| | CPU | peak | exponent of growth |");
        println!("|---|---|---|---|");
        for (groups, name) in [(Groups::Realistic, ""), (Groups::One, ", all in one group")] {
            for format in ["text", "json"] {
                let program =
                    |size| self.inventory(&tree::make(&self.folder, size, groups), format);
                grown(&format!("`inventory pcie` in {format}{name}"), sizes, "functions", program);
            }
        }
        let root = tree::make(&self.folder, 16_000, Groups::Realistic);
        let groups = tree::passable(16_000);
        let program = |size| self.validate(&root, &plan::make(&self.folder, size, &groups));
        grown("`validate` on 16,000 functions", &[1, 100, 1_000, 10_000], "VMs", program);
    }

    fn ours(&self, args: &[&str]) -> Words {
        words(&self.program, args)
    }

    fn inventory(&self, root: &Path, format: &str) -> Words {
        self.ours(&["--root", text(root), "--format", format, "inventory", "pcie"])
    }

    fn validate(&self, root: &Path, plan: &Path) -> Words {
        self.ours(&["--root", text(root), "validate", text(plan)])
    }
}

fn grown(name: &str, sizes: &[usize], unit: &str, program: impl Fn(usize) -> Words) {
    let costs: Vec<Cost> = sizes.iter().map(|&size| costs(&[program(size)], 3)[0]).collect();
    let each = |words: &dyn Fn(&Cost) -> String| {
        let one = sizes.iter().zip(&costs).map(|(size, cost)| format!("{size}: {}", words(cost)));
        one.collect::<Vec<_>>().join(", ")
    };
    let points: Vec<(f64, f64)> = sizes
        .iter()
        .zip(&costs)
        .filter(|(size, _)| **size >= 1_000)
        .map(|(size, cost)| (f64::from(u32::try_from(*size).unwrap()), cost.cpu.as_secs_f64()))
        .collect();
    println!(
        "| {name}, {unit} | {} | {} | {:.2} |",
        each(&|cost| format!("{:.3} s", cost.cpu.as_secs_f64())),
        each(&|cost| mib(cost.peak)),
        exponent(&points)
    );
}

fn this_program() -> String {
    std::env::current_exe().map(PathBuf::into_os_string).unwrap().into_string().unwrap()
}

fn times(cost: &Cost) -> String {
    let ms = |time: std::time::Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    format!("{} | {}", ms(cost.wall), ms(cost.cpu))
}

fn counts(program: &Words, cost: &Cost) -> String {
    let known = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |it| it.to_string());
    format!(
        "{} | {} | {} |",
        known(system_calls(program)),
        known(instructions(program)),
        mib(cost.peak)
    )
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", f64::from(u32::try_from(bytes >> 10).unwrap()) / 1024.0)
}

fn ratio(cost: &Cost, other: &Cost) -> f64 {
    cost.cpu.as_secs_f64() / other.cpu.as_secs_f64()
}
