//! Arguments, exit codes, and where output goes.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{
    GPU, HELD, HostDir, OFF, READY, SAMPLES, command, example, finish, is_root, run, run_on,
    run_with, sample, short_file, skipped, standing, validate,
};

fn text(root: &Path, more: &[&str]) -> common::Ran {
    let config = example("gpu-node.yaml");
    let mut args = vec!["validate", "--root", root.to_str().unwrap(), config.to_str().unwrap()];
    args.extend(more);
    run(args)
}

#[test]
fn each_exit_code_is_reached_and_no_format_changes_it() {
    let torn = HostDir::sample(READY).remove("dev");
    let hosts =
        [(sample(READY), 0, "ready"), (sample(HELD), 1, "blocked"), (sample(OFF), 1, "blocked")];
    let torn = (torn.root().to_owned(), 3, "undetermined");
    for (root, status, verdict) in hosts.into_iter().chain([torn.clone()]) {
        for format in ["text", "json", "ndjson"] {
            let ran = text(&root, &["--format", format]);
            assert_eq!(ran.status, status, "{format}: {ran:?}");
            assert!(ran.stdout.contains(verdict), "{ran:?}");
            assert_eq!(ran.stderr, "");
        }
    }
    assert_eq!(text(Path::new("/nowhere-at-all"), &[]).status, 2);
}

#[test]
fn inventory_never_fails_for_what_it_finds() {
    for name in SAMPLES {
        for format in ["text", "json", "ndjson", "csv"] {
            let root = sample(name);
            let args = ["inventory", "pcie", "--root", root.to_str().unwrap(), "--format", format];
            let ran = run(args);
            assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
        }
    }
}

/// What could not run says why in one line, also to whoever asked for JSON.
#[test]
fn what_cannot_run_says_why_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, contents: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = file("good.yaml", b"compute_nodes: []\n");
    let binary = file("binary.yaml", b"compute_nodes: \xff\xfe\xc3\n");
    let utf16 = file("utf16.yaml", b"\xff\xfea\0:\0 \0b\0\n\0");
    let utf16_big = file("utf16be.yaml", b"\xfe\xff\0a\0:");
    let large = file("large.yaml", b"");
    File::options().write(true).open(&large).unwrap().set_len((32 << 20) + 1).unwrap();
    let huge = file("huge.yaml", b"");
    File::options().write(true).open(&huge).unwrap().set_len(1 << 30).unwrap();
    let folder = dir.path().to_str().unwrap();
    let missing = dir.path().join("missing.yaml");
    let missing = missing.to_str().unwrap();
    let through_a_file = format!("{good}/cluster.yaml");
    let ready = sample(READY);
    let ready = ready.to_str().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&[], "command"),
        (&["inventory"], ""),
        (&["nonsense"], "nonsense"),
        (&["validate", "--no-such-option"], "--no-such-option"),
        (&["validate", "--format", "yaml", &good], "yaml"),
        (&["validate", "--format", "csv", &good], "csv"),
        (&["validate", "--log-level", "loud", &good], "loud"),
        (&["validate", "--color", "blue", &good], "blue"),
        (&["validate", "--root"], "--root"),
        (&["validate", "-q", "-v", &good], ""),
        (&["doctor", "--format", "csv"], "csv"),
        (&["doctor", "--root", missing], "missing.yaml"),
        (&["inventory", "gpu", "--root", ready, "--with", "everything"], "everything"),
        (&["rules", "--format", "ndjson"], "ndjson"),
        (&["rules", "--format", "csv"], "csv"),
        (&["explain", "AH302", "--format", "ndjson"], "ndjson"),
        (&["explain"], ""),
        (&["explain", "AH999"], "AH999"),
        (&["explain", "no-such-rule"], "no-such-rule"),
        (&["explain", "\u{1b}[31m\nx"], ""),
        (&["schema", "nothing"], "nothing"),
        (&["schema", "--format", "csv"], "csv"),
        (&["inventory", "pcie", "--root", ready, "--group", "x"], ""),
        (&["inventory", "pcie", "--root", ready, "--type", "toaster"], "toaster"),
        (&["inventory", "pcie", "--root", ready, "--with", "everything"], "everything"),
        (&["validate", "--root", ready, missing], "missing.yaml"),
        (&["validate", "--root", ready, &through_a_file], "good.yaml"),
        (&["validate", "--root", ready, folder], "directory"),
        (&["validate", "--root", ready, &binary], "UTF-8"),
        (&["validate", "--root", ready, &utf16], "UTF-16"),
        (&["validate", "--root", ready, &utf16_big], "UTF-16"),
        (&["validate", "--root", ready, &large], "32 MiB"),
        (&["validate", "--root", ready, &huge], "32 MiB"),
        (&["validate", "--root", ready, &good, missing], "missing.yaml"),
        (&["validate", "--root", ready, missing, &good], "missing.yaml"),
        (&["validate", "--root", missing, &good], "missing.yaml"),
        (&["validate", "--root", &good, &good], "good.yaml"),
        (&["validate", "--root", folder, &good], "sys/"),
        (&["validate", "--root", "", &good], ""),
        (&["inventory", "pcie", "--root", folder], "sys/"),
        (&["validate", "--root", ready, "--log-file", folder, &good], ""),
        (&["rules", "--output", folder], ""),
        (&["rules", "--output", &format!("{folder}/no/such/folder")], ""),
    ];
    for (args, says) in cases {
        let ran = run(*args);
        assert!(ran.could_not_run().contains(says), "{args:?}: {ran:?}");
        assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");
        if !args.contains(&"--format") {
            let ran = run(["--format", "json"].iter().chain(*args));
            assert!(ran.could_not_run().contains(says), "{args:?}: {ran:?}");
        }
    }
}

#[test]
fn a_default_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_with(|it| it.current_dir(dir.path()).arg("validate"));
    assert!(ran.could_not_run().contains("config/cluster.yaml"), "{ran:?}");
}

#[test]
fn what_is_denied_is_told() {
    if is_root() {
        return skipped("what_is_denied_is_told", "permissions deny nothing to root");
    }
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("denied.yaml");
    fs::write(&config, "compute_nodes: []\n").unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o000)).unwrap();
    let host = HostDir::sample(READY);
    let root = host.root().to_str().unwrap();
    let ran = run(["validate", "--root", root, config.to_str().unwrap()]);
    assert!(ran.could_not_run().contains("permission denied"), "{ran:?}");
    fs::set_permissions(host.root(), fs::Permissions::from_mode(0o000)).unwrap();
    let ran = text(host.root(), &[]);
    fs::set_permissions(host.root(), fs::Permissions::from_mode(0o755)).unwrap();
    ran.could_not_run();
}

#[test]
fn output_goes_to_its_file_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.json");
    let output = path.to_str().unwrap();
    for (name, status) in [(READY, 0), (HELD, 1)] {
        fs::write(&path, "old").unwrap();
        let ran = text(&sample(name), &["--format", "json", "--output", output]);
        assert_eq!((ran.status, ran.stdout.as_str()), (status, ""), "{ran:?}");
        let direct = text(&sample(name), &["--format", "json"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), direct.stdout);
    }
    fs::write(&path, "old").unwrap();
    let ready = sample(READY);
    let ready = ready.to_str().unwrap();
    for bad in [
        &["validate", "--root", ready, "/no/such.yaml"][..],
        &["validate", "--root", "/no/such/root", "examples/gpu-node.yaml"],
        &["validate", "--format", "csv", "examples/gpu-node.yaml"],
        &["explain", "AH999"],
    ] {
        run(bad.iter().chain(&["--output", output])).could_not_run();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old", "{bad:?}");
    }
    let left: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["report.json"], "no file is left over");
}

#[test]
fn output_to_a_device_is_written_as_it_is() {
    let ran = run(["rules", "--output", "/dev/null"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""));
    assert!(!fs::symlink_metadata("/dev/null").unwrap().is_file());
}

/// A link is a name for the file that is meant; that file is replaced, and the link stays.
#[test]
fn output_through_a_link_leaves_the_link() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("reports")).unwrap();
    let (file, link) = (dir.path().join("reports/rules.txt"), dir.path().join("latest"));
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink("reports/rules.txt", &link).unwrap();
    let ran = run(["rules", "--output", link.to_str().unwrap()]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().contains("AH302"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

/// `/dev/stdout` is a link like this one; where standard output is a file, neither is replaced.
#[test]
fn output_to_an_open_file_goes_on_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let (log, link) = (dir.path().join("log"), dir.path().join("stdout"));
    std::os::unix::fs::symlink("/proc/self/fd/1", &link).unwrap();
    fs::write(&log, "before\n").unwrap();
    let open = fs::OpenOptions::new().append(true).open(&log).unwrap();
    let ran = run_with(|it| it.args(["rules", "--output", link.to_str().unwrap()]).stdout(open));
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let written = fs::read_to_string(&log).unwrap();
    assert!(written.starts_with("before\n") && written.contains("AH302"), "{written}");
}

#[test]
fn a_relative_output_needs_no_folder() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run_with(|it| it.current_dir(dir.path()).args(["rules", "--output", "rules.txt"]));
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(fs::read_to_string(dir.path().join("rules.txt")).unwrap().contains("AH302"));
}

#[test]
fn global_options_stand_before_and_after_the_command() {
    let (root, config) = (sample(READY), example("gpu-node.yaml"));
    let (root, config) = (root.to_str().unwrap(), config.to_str().unwrap());
    let before =
        run(["--root", root, "--format", "json", "--log-level", "error", "validate", config]);
    let after =
        run(["validate", config, "--root", root, "--format", "json", "--log-level", "error"]);
    assert_eq!(before.status, 0);
    assert_eq!(before.stdout, after.stdout);
    let before = run(["--root", root, "--color", "never", "inventory", "pcie"]);
    let between = run(["inventory", "--root", root, "--color", "never", "pcie"]);
    let after = run(["inventory", "pcie", "--root", root, "--color", "never"]);
    assert_eq!(before.status, 0);
    assert!(before.stdout == after.stdout && before.stdout == between.stdout);
}

#[test]
fn the_environment_names_the_root_and_an_option_wins() {
    let config = example("gpu-node.yaml");
    let held = run_with(|it| it.env("AI_HOW_ROOT", sample(HELD)).arg("validate").arg(&config));
    assert_eq!(held.status, 1);
    let ready = run_with(|it| {
        it.env("AI_HOW_ROOT", sample(HELD))
            .arg("--root")
            .arg(sample(READY))
            .arg("validate")
            .arg(&config)
    });
    assert_eq!(ready.status, 0);
    let empty = run_with(|it| {
        it.env("AI_HOW_ROOT", "").args(["validate", "--skip-pcie-validation"]).arg(&config)
    });
    assert_eq!(empty.status, 0, "an empty variable is none: {empty:?}");
}

#[test]
fn levels_are_words_in_any_case() {
    let root = sample(READY);
    for level in ["DEBUG", "debug", "Info", "WARNING", "error", "cRitical", ""] {
        let ran = run_with(|it| {
            it.env("AI_HOW_LOG_LEVEL", level).args(["inventory", "pcie", "--root"]).arg(&root)
        });
        assert_eq!(ran.status, 0, "{level}: {ran:?}");
        let says_more = ["debug", "info"].contains(&level.to_ascii_lowercase().as_str());
        assert_eq!(!ran.stderr.is_empty(), says_more, "{level}: {ran:?}");
    }
    let loud = run_with(|it| it.env("AI_HOW_LOG_LEVEL", "loud").arg("rules"));
    assert!(loud.could_not_run().contains("loud"));
    let debug = text(&root, &["--log-level", "debug"]);
    assert_eq!(debug.stdout, text(&root, &[]).stdout, "logs go to standard error");
    assert!(debug.stderr.contains("/sys/class/iommu"), "{}", debug.stderr);
}

#[test]
fn the_log_goes_to_the_end_of_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    fs::write(&log, "before\n").unwrap();
    let ran = text(&sample(READY), &["--log-level", "DEBUG", "--log-file", log.to_str().unwrap()]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let logged = fs::read_to_string(&log).unwrap();
    assert!(logged.starts_with("before\n") && logged.contains("/sys/class/iommu"), "{logged}");
    assert!(!logged.contains('\u{1b}'));
}

#[test]
fn colour_is_for_who_asks_for_it() {
    let coloured = |environment: &[(&str, &str)], more: &[&str]| {
        let ran = run_with(|it| {
            it.envs(environment.iter().copied()).args(["validate", "--root"]).arg(sample(HELD));
            it.arg(example("gpu-node.yaml")).args(more)
        });
        assert_eq!(ran.status, 1);
        ran.stdout.contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]));
    assert!(coloured(&[], &["--color", "always"]));
    assert!(coloured(&[("NO_COLOR", "1")], &["--color", "always"]), "an option wins");
    assert!(!coloured(&[], &["--color", "never"]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "0")], &[]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")], &[]));
    assert!(!coloured(&[], &["--format", "json", "--color", "always"]), "JSON has no colour");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let root = sample(HELD);
    for args in [
        &["rules"][..],
        &["schema", "config"],
        &["--help"],
        &["inventory", "pcie", "--format", "json", "--root"],
        &["validate", "examples/gpu-node.yaml", "--root"],
    ] {
        let mut it = command();
        it.args(args);
        if args.last() == Some(&"--root") {
            it.arg(&root);
        }
        // The program's standard output has no reader from its first byte on.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = it.stdout(writer).spawn().unwrap();
        drop(it);
        let ran = finish(child);
        let expected = i32::from(args[0] == "validate");
        assert_eq!((ran.status, ran.stderr.as_str()), (expected, ""), "{args:?}");
    }
}

#[test]
fn a_full_disk_is_told() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return skipped("a_full_disk_is_told", "there is no /dev/full");
    }
    let full = File::options().write(true).open(full).unwrap();
    let ran = finish(command().arg("rules").stdout(full).spawn().unwrap());
    assert_eq!(ran.status, 2, "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
}

#[test]
fn standard_input_is_a_configuration() {
    let root = sample(READY);
    let config = short_file(&[(GPU, "gpu")]);
    let ran = validate(&root, &config, &[]);
    assert_eq!(ran.status, 1);
    let document = ran.json();
    assert_eq!(document["configs"], serde_json::json!(["<stdin>"]));
    assert_eq!(standing(&document), ["AH301"]);
    assert_eq!(document["findings"][0]["location"]["file"], "<stdin>");
}

#[test]
fn strict_turns_warnings_into_errors_but_not_what_is_allowed() {
    let root = sample(READY);
    let part = short_file(&[(GPU, "gpu")]);
    let listed = format!(
        "{}  - name: idle\n    pcie_passthrough:\n      devices:\n        - {{pci_address: \"{GPU}\", device_type: gpu}}\n",
        short_file(&[(GPU, "gpu"), (common::AUDIO, "audio")])
    );
    let severity = |config: &str, flags: &[&str]| {
        let ran = validate(&root, config, flags);
        let document = ran.json();
        let first = &document["findings"][0];
        let summary = (&document["summary"]["errors"], &document["summary"]["warnings"]);
        format!("{} {} {} {summary:?}", ran.status, first["code"], first["severity"])
    };
    let is = |config: &str, flags: &[&str], expected: &str| {
        let got = severity(config, flags).replace(['"', '(', ')', ','], "").replace("Number", "");
        assert_eq!(got, expected, "{flags:?}");
    };
    is(&part, &[], "1 AH301 error 1 0");
    is(&part, &["--strict"], "1 AH301 error 1 0");
    is(&part, &["--allow-partial-groups"], "0 AH301 warning 0 1");
    is(&part, &["--allow-partial-groups", "--strict"], "0 AH301 warning 0 1");
    is(&listed, &[], "0 AH008 warning 0 1");
    is(&listed, &["--allow-partial-groups"], "0 AH008 warning 0 1");
    is(&listed, &["--strict"], "1 AH008 error 1 0");
    let text =
        run_on(listed.as_bytes(), &["validate", "--strict", "--root", root.to_str().unwrap(), "-"]);
    assert!(text.status == 1 && text.stdout.contains("Error: "), "{text:?}");
}

#[test]
fn quiet_tells_the_verdicts_and_verbose_what_follows() {
    let usual = text(&sample(HELD), &[]);
    let quiet = text(&sample(HELD), &["-q"]);
    let verbose = text(&sample(HELD), &["-v"]);
    assert_eq!((quiet.status, verbose.status), (1, 1));
    assert!(quiet.stdout.len() < usual.stdout.len() && usual.stdout.len() < verbose.stdout.len());
    assert!(quiet.stdout.contains("gpu-node-01  blocked: 2 errors"), "{}", quiet.stdout);
    assert!(!quiet.stdout.contains("Error: "), "{}", quiet.stdout);
    assert!(!usual.stdout.contains("follows from"), "{}", usual.stdout);
    assert!(verbose.stdout.contains("follows from AH207"), "{}", verbose.stdout);
    let quiet = text(&sample(HELD), &["--quiet", "--format", "json"]);
    assert_eq!(quiet.stdout, text(&sample(HELD), &["--format", "json"]).stdout);
}

#[test]
fn help_and_version_are_results() {
    for args in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["-V"],
        &["validate", "--help"],
        &["inventory", "--help"],
        &["inventory", "pcie", "--help"],
        &["explain", "--help"],
        &["rules", "--help"],
        &["schema", "--help"],
        &["validate", "--version"],
    ] {
        let ran = run(args);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{args:?}");
        assert!(
            ran.stdout.is_ascii() && !ran.stdout.contains('\u{1b}'),
            "{args:?}: {}",
            ran.stdout
        );
        assert!(!ran.stdout.trim().is_empty(), "{args:?}");
    }
    assert_eq!(run(["--version"]).stdout, format!("ai-how {}\n", env!("CARGO_PKG_VERSION")));
    let help = run(["--help"]).stdout;
    for word in ["validate", "inventory", "explain", "rules", "schema", "--root", "Exit codes"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    // What says the help also works: the options named there are taken.
    for option in ["--root", "--format", "--output", "--color", "--log-level", "--log-file"] {
        assert!(run(["validate", "--help"]).stdout.contains(option), "{option}");
    }
}

#[test]
fn rules_are_explained_by_code_and_name_in_any_case() {
    let by_code = run(["explain", "AH302"]);
    assert_eq!(by_code.status, 0, "{by_code:?}");
    for word in ["ah302", "aH302", "group-not-viable", "GROUP-not-VIABLE", " AH302 "] {
        assert_eq!(run(["explain", word]).stdout, by_code.stdout, "{word}");
    }
    for rule in run(["rules", "--format", "json"]).json()["rules"].as_array().unwrap() {
        let (code, name) = (rule["code"].as_str().unwrap(), rule["name"].as_str().unwrap());
        let said = run(["explain", code]);
        assert!(said.status == 0 && said.stdout.contains(name), "{said:?}");
        assert!(said.stdout.is_ascii(), "{code} {}", said.stdout);
        assert!(run(["rules"]).stdout.contains(name), "{name}");
    }
}

#[test]
fn without_a_terminal_text_is_plain_ascii() {
    let locale = [("LANG", "en_US.UTF-8"), ("LC_ALL", "C.UTF-8"), ("TERM", "xterm-256color")];
    for name in SAMPLES {
        let root = sample(name);
        let root = root.to_str().unwrap();
        for args in [
            &["validate", "--root", root, "examples/cluster.yaml"][..],
            &["validate", "-v", "--root", root, "examples/gpu-node.yaml"],
            &["inventory", "pcie", "--root", root],
            &["inventory", "pcie", "--tree", "--root", root],
            &["inventory", "pcie", "--format", "csv", "--root", root],
        ] {
            let ran = run_with(|it| it.envs(locale).args(args));
            let plain = ran.stdout.chars().all(|c| c == '\n' || matches!(c, ' '..='~'));
            assert!(plain, "{args:?}: {}", ran.stdout);
        }
    }
}

#[test]
fn two_runs_write_the_same_bytes() {
    let cluster = example("cluster.yaml");
    let cluster = cluster.to_str().unwrap();
    for name in SAMPLES {
        let root = sample(name);
        let root = root.to_str().unwrap();
        for format in ["text", "json", "ndjson"] {
            let args = ["validate", "--root", root, "--format", format, cluster];
            assert_eq!(run(args).stdout, run(args).stdout, "{name} {format}");
        }
        for format in ["text", "json", "ndjson", "csv"] {
            let args = ["inventory", "pcie", "--root", root, "--format", format];
            assert_eq!(run(args).stdout, run(args).stdout, "{name} {format}");
        }
    }
}

/// Where the root is, and how it is written, changes nothing but the root's own name.
#[test]
fn paths_shown_are_the_hosts_own() {
    for name in SAMPLES {
        let copied = HostDir::sample(name);
        let slash = format!("{}/", copied.root().display());
        let dotted = format!("{}/./sys/..", copied.root().display());
        let first = text(&sample(name), &["--format", "json"]).json();
        for root in [copied.root().to_str().unwrap(), &slash, &dotted] {
            let mut again = text(Path::new(root), &["--format", "json"]).json();
            again["host"]["root"] = first["host"]["root"].clone();
            assert_eq!(first, again);
            let said = text(Path::new(root), &["-v"]).stdout;
            assert!(!said.contains(copied.root().to_str().unwrap()), "{said}");
            assert_eq!(said, text(&sample(name), &["-v"]).stdout);
            let listed = common::inventory(Path::new(root), &[]);
            assert!(!listed.to_string().contains(copied.root().to_str().unwrap()), "{listed}");
            assert_eq!(listed, common::inventory(&sample(name), &[]));
        }
        for finding in first["findings"].as_array().unwrap() {
            for evidence in finding["evidence"].as_array().unwrap() {
                let path = evidence["path"].as_str().unwrap();
                let own = ["/sys/", "/proc/", "/dev/", "/lib/"];
                assert!(own.iter().any(|own| path.starts_with(own)), "{path}");
            }
        }
    }
}

/// A name with an escape sequence is a name, not an order to the terminal.
#[test]
fn a_hostile_host_cannot_drive_the_terminal() {
    const EVIL: &str = "x\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}";
    let uevent = format!("DRIVER={EVIL}\nPCI_CLASS=30000\nPCI_ID=10DE:2684\n");
    let hosts = [
        HostDir::sample(HELD).attribute(GPU, "uevent", &uevent),
        HostDir::sample(HELD).without(GPU, "uevent").link_device(GPU, "driver", EVIL),
        HostDir::sample(HELD).without(GPU, "uevent").attribute(GPU, "class", EVIL),
        HostDir::sample(HELD).attribute(GPU, "uevent", EVIL),
        HostDir::sample(HELD).attribute(GPU, "power_state", EVIL),
        HostDir::sample(HELD).attribute(GPU, "reset_method", EVIL),
        HostDir::sample(HELD).attribute(GPU, "driver_override", EVIL),
        HostDir::sample(HELD).attribute(GPU, "current_link_speed", EVIL),
        HostDir::sample(HELD).link_device(GPU, "iommu_group", EVIL),
        HostDir::sample(OFF).write("proc/cmdline", EVIL),
        HostDir::sample(OFF).write("proc/sys/kernel/osrelease", EVIL),
        HostDir::sample(OFF).write("proc/sys/kernel/arch", EVIL),
        HostDir::sample(OFF).write(&format!("sys/class/iommu/{EVIL}/name"), EVIL),
        HostDir::sample(HELD).write(&format!("sys/kernel/iommu_groups/16/devices/{EVIL}/x"), ""),
        HostDir::sample(HELD).write(&format!("sys/bus/pci/devices/{EVIL}"), ""),
    ];
    for host in &hosts {
        let root = host.root().to_str().unwrap();
        let runs = [
            text(host.root(), &["-v"]),
            text(host.root(), &["--log-level", "debug"]),
            run(["inventory", "pcie", "--root", root]),
            run(["inventory", "pcie", "--tree", "--root", root]),
            run([
                "inventory",
                "pcie",
                "--root",
                root,
                "--with",
                "link,driver-override",
                "--format",
                "json",
            ]),
        ];
        for ran in runs {
            for said in [&ran.stdout, &ran.stderr] {
                let control =
                    said.chars().find(|&c| c != '\n' && (c.is_control() || c == '\u{202e}'));
                // A JSON text may hold what is neither ASCII control nor needs an escape there.
                let json = said.starts_with('{') && control.is_none_or(|c| !c.is_ascii());
                assert!(control.is_none() || json, "{control:?}: {said:?}");
            }
        }
    }
}

#[test]
fn a_hostile_configuration_cannot_drive_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("\u{1b}[31mname.yaml");
    let config = "compute_nodes:\n  - name: \"a\\e[2Jb\"\n    pcie_passthrough: {enabled: \"\\x07\"}\n    \"k\\ney\": 1\n";
    fs::write(&path, config).unwrap();
    let root = sample(READY);
    let root = root.to_str().unwrap();
    let ran = run(["validate", "--root", root, path.to_str().unwrap()]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stdout.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", ran.stdout);
    fs::remove_file(&path).unwrap();
    let ran = run(["validate", "--root", root, path.to_str().unwrap()]);
    assert!(!ran.could_not_run().contains('\u{1b}'));
}

/// Scripts look for these; nothing may stand inside them, whatever the width and colour.
#[test]
fn three_sentences_keep_their_wording() {
    let bare = HostDir::sample(READY)
        .remove("sys/bus/pci/drivers/vfio-pci")
        .remove("sys/class/misc/vfio")
        .remove("sys/module/vfio")
        .remove("sys/module/vfio_iommu_type1")
        .remove("sys/module/vfio_pci")
        .write("proc/modules", "vfio_pci_core 16384 0 - Live 0x0000000000000000\n");
    let cases = [
        (
            sample(OFF),
            "Error: IOMMU is not enabled. Required kernel parameters: intel_iommu=on or amd_iommu=on",
        ),
        (
            bare.root().to_owned(),
            "Error: Missing required VFIO modules: ['vfio', 'vfio_iommu_type1', 'vfio_pci']",
        ),
        (sample(HELD), "Error: PCIe device 0000:01:00.0 is bound to a conflicting driver"),
    ];
    for (root, sentence) in &cases {
        for colour in ["never", "always"] {
            for columns in ["20", "40", "200"] {
                let ran = run_with(|it| {
                    it.env("COLUMNS", columns).args(["validate", "--color", colour, "--root"]);
                    it.arg(root).arg(example("gpu-node.yaml"))
                });
                assert_eq!(ran.status, 1);
                let found = ran.stdout.lines().any(|line| line.starts_with(sentence));
                assert!(found, "{colour} {columns}: {sentence}\n{}", ran.stdout);
            }
        }
    }
}

#[test]
fn only_the_modules_that_are_missing_are_listed() {
    let host = HostDir::sample(READY)
        .remove("sys/module/vfio_iommu_type1")
        .write("proc/modules", "vfio 16384 0 - Live 0x0000000000000000\n");
    let ran = text(host.root(), &[]);
    assert!(
        ran.stdout.contains("Error: Missing required VFIO modules: ['vfio_iommu_type1']\n"),
        "{}",
        ran.stdout
    );
}
