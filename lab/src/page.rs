//! The rows for people: on the terminal, and as `docs/verification.md`.

use std::collections::BTreeMap;
use std::process::Command;

use crate::compare::Outcome;
use crate::kernels::Kernel;
use crate::qemu::Version;
use crate::run::Row;

const PAGE: &str = "docs/verification.md";

pub fn line(row: &Row) -> String {
    format!(
        "{:<8} {:<34} {:>3} s  kernel {} | we {} | {}",
        row.kernel,
        row.scenario.name,
        row.seconds,
        or_dash(&row.kernels_answer),
        or_dash(&row.ours),
        row.outcome.words()
    )
}

pub fn summary(rows: &[Row]) -> String {
    let mut counts = BTreeMap::new();
    for row in rows {
        let kind = match row.outcome {
            Outcome::Agree => "agree",
            Outcome::Stricter(_) => "stricter on purpose",
            Outcome::Undetermined(_) => "undetermined as declared",
            Outcome::Failed(_) => "FAILED",
            Outcome::Skipped(_) => "skipped",
        };
        *counts.entry(kind).or_insert(0) += 1;
    }
    let counts: Vec<String> =
        counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    format!("{} runs: {}", rows.len(), counts.join(", "))
}

pub fn write(rows: &[Row], kernels: &[Kernel], (major, minor): Version) -> Result<(), String> {
    let mut page = format!(
        "# Our verdicts and the kernel's\n\n\
         Made by `bash lab/run --write` on {}, with QEMU {major}.{minor}. Do not edit.\n\n\
         Each row is a machine that was booted, put into a state, and asked twice: `ai-how validate`, and the\n\
         kernel itself through `/dev/kvm` and `/dev/vfio` ([lab/oracle](../lab/oracle)): every wanted device is a\n\
         VFIO device, its group opens and is viable, and an IOMMU's address space can be set on it. In the rows\n\
         with an answer of QEMU's, a VM was started too, inside that machine, with the devices. In those with two\n\
         answers of ours, something was done between them; in `mended-*` that is the script of `--fix-script`, whose\n\
         undo must leave the machine as it was. *agree* means\n\
         that both say the VM gets its devices, or both that it does not, and that ours is for the declared\n\
         reason. The host's snapshot was judged too, and a row where that differs fails. How to read and run it: [lab/README.md](../lab/README.md).\n\n{}.\n\n\
         | kernel | release |\n|---|---|\n",
        today(),
        summary(rows)
    );
    for kernel in kernels {
        page += &format!("| {} | {} |\n", kernel.name, kernel.release);
    }
    page += "\n| scenario | kernel | the kernel's answer | ours | |\n|---|---|---|---|---|\n";
    let mut before = "";
    let mut order: Vec<&Row> = rows.iter().collect();
    let place = |name: &str| crate::scenarios::all().position(|it| it.name == name);
    order.sort_by_key(|row| place(row.scenario.name));
    for row in order {
        let scenario = if row.scenario.name == before {
            String::new()
        } else {
            format!("**{}**: {}", row.scenario.name, row.scenario.about)
        };
        before = row.scenario.name;
        page += &format!(
            "| {scenario} | {} | {} | {} | {} |\n",
            row.kernel,
            or_dash(&row.kernels_answer),
            or_dash(&row.ours),
            row.outcome.words()
        );
    }
    std::fs::write(PAGE, page).map_err(|error| format!("{PAGE}: {error}"))
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn today() -> String {
    let ran = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    ran.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned()).unwrap_or_default()
}
