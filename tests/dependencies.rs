//! Every direct dependency has its reason in `docs/dependencies.md`, and nothing else stands there.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read files")]

use std::collections::BTreeSet;
use std::path::Path;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The names in a table of `Cargo.toml`.
fn listed(table: &str) -> BTreeSet<String> {
    let manifest = read("Cargo.toml");
    let lines = manifest.lines().skip_while(|line| *line != format!("[{table}]")).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn each_has_a_reason() {
    let page = read("docs/dependencies.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let told: BTreeSet<String> = rows
        .filter_map(|row| {
            let cells: Vec<&str> = row.split(" | ").collect();
            let [name, brings, why] = cells[..] else { return None };
            (brings.parse::<u32>().is_ok() && why.len() > 5).then(|| name.to_owned())
        })
        .collect();
    assert_eq!(told, listed("dependencies"));
    assert!(!told.is_empty());
}

#[test]
fn so_has_each_of_the_tests() {
    let page = read("docs/dependencies.md");
    let start = page.find("For tests only: ").unwrap();
    let paragraph = page[start..].split("\n\n").next().unwrap();
    let told: BTreeSet<String> =
        paragraph.split("**").skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(told, listed("dev-dependencies"));
}
