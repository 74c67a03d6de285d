//! Boots real kernels with an emulated IOMMU, puts them into many states, asks the kernel and ai-how
//! whether VMs get their devices, and holds the answers against each other. See `docs/verification.md`.

mod answer;
mod args;
mod build;
mod compare;
mod cpio;
mod guest;
mod initramfs;
mod kernels;
mod mend;
mod modules;
mod page;
mod planted;
mod qemu;
mod run;
mod scenario;
mod scenarios;
mod vmm;

use std::process::ExitCode;

fn main() -> ExitCode {
    match lab() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every scenario that ran came out as declared.
fn lab() -> Result<bool, String> {
    let args = args::parse(std::env::args().skip(1))?;
    if args.list {
        for scenario in scenarios::all() {
            println!("{:<34} {}", scenario.name, scenario.about);
        }
        return Ok(true);
    }
    let chosen = args.choose(scenarios::all())?;
    let kernels = kernels::find(&args.cache, &args.kernels)?;
    let qemu = qemu::version()?;
    let programs = build::programs(&args.cache, args.program.as_deref())?;
    let rows = run::all(&args, &chosen, &kernels, &programs, qemu)?;
    println!("{}", page::summary(&rows));
    if args.write {
        page::write(&rows, &kernels, qemu)?;
    }
    Ok(rows.iter().all(|row| !row.outcome.is_failure()))
}
