//! What the README, the guide and the page of fleets show is what the program says.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use std::path::Path;

use common::run;

/// The command, and the pieces of its output that are shown; `...` stands for what is left out.
struct Shown {
    args: Vec<String>,
    pieces: Vec<String>,
}

/// Blocks of text that begin with `$ ai-how`.
fn shown(page: &str) -> Vec<Shown> {
    let blocks = page.split("```text\n$ ai-how ").skip(1);
    let block = |block: &str| {
        let (command, rest) = block.split_once('\n').unwrap();
        let output = rest.split("```").next().unwrap();
        let pieces = output.split("...\n").map(|piece| piece.trim_matches('\n').to_owned());
        Shown {
            args: command.split_whitespace().map(str::to_owned).collect(),
            pieces: pieces.filter(|piece| !piece.is_empty()).collect(),
        }
    };
    blocks.map(block).collect()
}

#[test]
fn the_readme_shows_what_is_said() {
    is_said("README.md", 5);
}

#[test]
fn the_guide_shows_what_is_said() {
    is_said("docs/guide.md", 5);
}

#[test]
fn the_page_of_fleets_shows_what_is_said() {
    is_said("docs/fleet.md", 1);
}

#[track_caller]
fn is_said(file: &str, least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let page = std::fs::read_to_string(path).unwrap();
    let all = shown(&page);
    assert!(all.len() >= least, "{file}: only {} commands are shown", all.len());
    for Shown { args, pieces } in all {
        let said = run(&args).stdout;
        let mut rest = said.as_str();
        for piece in pieces {
            let Some((_, after)) = rest.split_once(&piece) else {
                panic!(
                    "{file}: ai-how {}: not said, or not in this order:\n{piece}\n\nbut\n{said}",
                    args.join(" ")
                );
            };
            rest = after;
        }
    }
}
