//! What a person sees at a terminal: what fits, what is coloured, what is a link.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start programs and read what they show"
)]

mod common;

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{AUDIO, HELD, HostDir, example, run, sample, skipped};

/// What a terminal of tmux shows of a command, with lines that did not fit put together again;
/// none where there is no tmux. With `style`, also what sets colours and links.
fn shown(columns: usize, environment: &[&str], arguments: &str, style: bool) -> Option<String> {
    // Tests run beside each other, and each needs a server of its own.
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let name = format!("ai-how-{}-{number}", std::process::id());
    let tmux = |args: &[&str]| {
        let mut command = Command::new("tmux");
        command.args(["-L", &name, "-f", "/dev/null"]).args(args);
        command.env("LC_ALL", "C.UTF-8").current_dir(env!("CARGO_MANIFEST_DIR")).output()
    };
    let environment = environment.join(" ");
    let program = env!("CARGO_BIN_EXE_ai-how");
    let line = format!(
        "env {environment} {program} {arguments}; tmux -L {name} wait-for -S done; sleep 60"
    );
    let width = columns.to_string();
    let started = tmux(&["new-session", "-d", "-x", &width, "-y", "500", &line]);
    if !started.is_ok_and(|ran| ran.status.success()) {
        return None;
    }
    tmux(&["wait-for", "done"]).unwrap();
    let mut capture = vec!["capture-pane", "-p", "-J"];
    if style {
        capture.push("-e");
    }
    let captured = tmux(&capture).unwrap();
    tmux(&["kill-server"]).unwrap();
    let text = String::from_utf8(captured.stdout).unwrap();
    Some(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"))
}

/// A headline is one line, since scripts look for it; a command can be pasted; a path is whole.
fn may_be_long(line: &str) -> bool {
    let words = line.trim_start();
    ["Error: ", "Warning: ", "Note: ", "Undetermined: "].iter().any(|it| line.starts_with(it))
        || !words.contains(' ')
        || (line.starts_with("      ")
            && ["echo ", "modprobe ", "readlink ", "driverctl "]
                .iter()
                .any(|it| words.starts_with(it)))
        || words.starts_with("read /")
}

#[test]
fn what_is_shown_fits_and_uses_the_room_there_is() {
    let host = HostDir::sample(HELD).driver(AUDIO, Some("a_driver_with_quite_a_long_name"));
    let root = host.root().to_str().unwrap();
    let config = example("gpu-node.yaml");
    let commands = [
        format!("validate --root {root} {}", config.to_str().unwrap()),
        format!("inventory pcie --root {root}"),
        format!("inventory pcie --tree --root {root}"),
        format!("inventory gpu --root {root}"),
        format!("doctor --root {root}"),
        "explain AH302".to_owned(),
        "--help".to_owned(),
        "rules".to_owned(),
    ];
    for command in commands {
        let (Some(narrow), Some(wide)) =
            (shown(80, &[], &command, false), shown(200, &[], &command, false))
        else {
            skipped("what_is_shown_fits_and_uses_the_room_there_is", "tmux is not installed");
            return;
        };
        for (text, columns) in [(&narrow, 80), (&wide, 200)] {
            for line in text.lines().filter(|line| !may_be_long(line)) {
                assert!(line.chars().count() <= columns, "{columns}: {command}: {line}");
            }
        }
        let longest = |text: &str| text.lines().map(|line| line.chars().count()).max();
        assert!(longest(&wide) >= longest(&narrow), "{command}: {wide}");
    }
}

#[test]
fn colours_and_links_are_there_where_they_are_taken() {
    let command = format!("validate --root {} examples/gpu-node.yaml", sample(HELD).display());
    let page = "AI_HOW_DOCS_URL=https://example.org/rules.html";
    let forced = [page, "FORCE_HYPERLINK=1"];
    let Some(text) = shown(80, &forced, &command, true) else {
        skipped("colours_and_links_are_there_where_they_are_taken", "tmux is not installed");
        return;
    };
    assert!(text.contains("\u{1b}[1m\u{1b}[31m") || text.contains("\u{1b}[1;31m"), "{text:?}");
    let plain = shown(80, &["NO_COLOR=1"], &command, true).unwrap();
    assert!(!plain.contains("[31m"), "{plain:?}");
    let refused = [page, "FORCE_HYPERLINK=0"];
    assert!(!shown(80, &refused, &command, true).unwrap().contains("example.org"));
}

/// `-h` is for a look; `--help` tells all, with examples.
#[test]
fn short_help_fits_a_screen_and_long_help_has_examples() {
    let help = |args: &[&str]| {
        let ran = common::run_with(|command| command.args(args).env("COLUMNS", "80"));
        assert_eq!(ran.status, 0, "{ran:?}");
        ran.stdout
    };
    for command in [&[][..], &["validate"], &["inventory", "pcie"], &["doctor"], &["snapshot"]] {
        let short = help(&[command, &["-h"]].concat());
        assert!(short.lines().count() <= 32, "{command:?}: {short}");
        let long = help(&[command, &["--help"]].concat());
        assert!(long.contains("ai-how ") && long.lines().count() > short.lines().count());
        assert!(long.contains("--log-level") && !short.contains("--log-level"), "{short}");
    }
    assert!(run(["validate", "--help"]).stdout.contains("Examples:"));
}
