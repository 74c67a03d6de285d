//! Many hosts at once: each is judged as if it were alone, and none stops the others.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::{
    HELD, HostDir, READY, Ran, command, example, finish, run, run_on, run_with, sample, standing,
};
use serde_json::Value;
use tempfile::TempDir;

const MACHINES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/machines");

fn machine(name: &str) -> PathBuf {
    Path::new(MACHINES).join(format!("{name}.snap"))
}

fn plan() -> String {
    format!("{MACHINES}/ready.yaml")
}

fn gpu_node() -> String {
    example("gpu-node.yaml").display().to_string()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder of copies of machines, each under a name.
fn folder(machines: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, from) in machines {
        fs::copy(machine(from), dir.path().join(name)).unwrap();
    }
    dir
}

fn fleet(args: &[&str]) -> Ran {
    run([&["fleet"], args].concat())
}

/// A fact that is null is either not there, or told to be unknown.
#[test]
fn what_is_not_known_is_told_as_that() {
    let torn = HostDir::sample(READY).remove("proc").remove("sys/kernel").remove("sys/class");
    let config = gpu_node();
    let ready = sample(READY);
    let hosts = [text(&ready), text(torn.root())];
    let lines = lines(&fleet(&[&hosts[..], &["--config", &config, "--format", "ndjson"]].concat()));
    assert_eq!(lines[0]["unknown"], serde_json::json!([]));
    let unknown = lines[1]["unknown"].as_array().unwrap();
    for (key, what) in [
        ("kernel", "kernel release"),
        ("arch", "architecture"),
        ("cpu_vendor", "processor"),
        ("iommu", "IOMMU"),
        ("iommu_groups", "IOMMU groups"),
        ("parameters", "kernel parameters"),
    ] {
        assert!(lines[1][key].is_null() && unknown.contains(&what.into()), "{what}: {unknown:?}");
    }
    let said = fleet(&[&hosts[..], &["--config", &config]].concat()).stdout;
    assert!(said.contains("\nNot known\n  kernel release of 1 host: "), "{said}");
    assert!(!said.contains("kernel release: "), "unknown is no other value: {said}");
}

/// One line a snapshot, each held against the schema.
#[track_caller]
fn lines(ran: &Ran) -> Vec<Value> {
    let lines = ran.lines();
    for line in &lines {
        holds("fleet-ndjson", line);
    }
    lines
}

#[track_caller]
fn holds(document: &str, value: &Value) {
    let schema = run(["schema", document]).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(value).map(|it| it.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}\n{value:#}");
}

/// The last part of each path, and the verdict.
fn verdicts(lines: &[Value]) -> Vec<(String, String)> {
    let of = |line: &Value| {
        let path = Path::new(line["path"].as_str().unwrap());
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, line["verdict"].as_str().unwrap().to_owned())
    };
    lines.iter().map(of).collect()
}

fn names(lines: &[Value]) -> Vec<String> {
    verdicts(lines).into_iter().map(|(name, _)| name).collect()
}

/// Codes of the findings of one severity, each as often as it was counted.
fn codes(line: &Value) -> Vec<&str> {
    let findings = line["findings"].as_array().unwrap();
    let each = |it| -> Vec<&str> {
        let it: &Value = it;
        let count = usize::try_from(it["count"].as_u64().unwrap()).unwrap();
        vec![it["code"].as_str().unwrap(); count]
    };
    findings.iter().flat_map(each).collect()
}

#[test]
fn each_host_is_judged_as_if_it_were_alone() {
    let plan = plan();
    for config in [&[][..], &["--config", &plan], &["--strict", "--config", &plan]] {
        let ran = fleet(&[&["--format", "ndjson", MACHINES], config].concat());
        let lines = lines(&ran);
        assert!(lines.len() >= 15, "{ran:?}");
        let mut worst = 0;
        for line in &lines {
            let root = line["path"].as_str().unwrap();
            let mut args: Vec<&str> = match config {
                [] => vec!["doctor"],
                [.., plan] => vec!["validate", plan],
            };
            args.extend(config.iter().filter(|it| **it == "--strict"));
            args.extend(["--format", "json", "--root", root]);
            let alone = run(&args);
            let document = alone.json();
            assert_eq!(line["verdict"], document["verdict"], "{root}");
            assert_eq!(line["summary"], document["summary"], "{root}");
            let mut expected = standing(&document);
            expected.sort_unstable();
            assert_eq!(codes(line), expected, "{root}");
            assert_eq!(line["kernel"], document["host"]["kernel"], "{root}");
            assert_eq!(line["cpu_vendor"], document["host"]["cpu_vendor"], "{root}");
            worst = if alone.status == 1 { 1 } else { worst };
        }
        assert_eq!((ran.status, worst), (1, 1), "some of them are blocked");
    }
}

#[test]
fn what_is_broken_stops_nothing() {
    let dir = folder(&[("a.snap", "ready"), ("d.snap", "kvm-not-loaded"), ("z.snap", "ready")]);
    let at = |name: &str| dir.path().join(name);
    let whole = fs::read(machine("ready")).unwrap();
    fs::write(at("b-cut.snap"), &whole[..whole.len() / 2]).unwrap();
    fs::write(at("b-empty.snap"), "").unwrap();
    fs::write(at("b-text.snap"), "no archive at all\n").unwrap();
    symlink("nowhere", at("c-dangling.snap")).unwrap();
    let gone = at("gone.snap");
    let args = ["--format", "ndjson", text(dir.path()), text(&gone)];
    let ran = fleet(&args);
    let lines = lines(&ran);
    let expected = [
        ("a.snap", "ready"),
        ("b-cut.snap", "broken"),
        ("b-empty.snap", "broken"),
        ("b-text.snap", "broken"),
        ("c-dangling.snap", "broken"),
        ("d.snap", "blocked"),
        ("z.snap", "ready"),
        ("gone.snap", "broken"),
    ];
    let expected = expected.map(|(name, verdict)| (name.to_owned(), verdict.to_owned()));
    assert_eq!(verdicts(&lines), expected);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""));
    for line in lines.iter().filter(|line| line["verdict"] == "broken") {
        let error = line["error"].as_str().unwrap();
        assert!(!error.is_empty() && !error.contains(text(dir.path())), "{error}");
        assert!(line["summary"].is_null() && line["findings"].as_array().unwrap().is_empty());
    }
    let said = fleet(&args[2..]).stdout;
    assert!(said.starts_with("8 hosts: 2 ready, 1 blocked, 5 broken\n"), "{said}");
    assert!(said.contains("\nBroken\n") && said.contains("b-empty.snap: not a snapshot"), "{said}");
    assert!(said.ends_with("\nVerdict: blocked (1 of 8 hosts)\n"), "{said}");
}

/// 1 goes before 3, and 3 before 0; a snapshot that is broken is a host of which nothing is known.
#[test]
fn each_exit_code_is_reached_whatever_the_format() {
    let torn = HostDir::sample(READY).remove("dev");
    let empty = tempfile::NamedTempFile::new().unwrap();
    let (ready, held) = (sample(READY), sample(HELD));
    let (ready, held) = (text(&ready), text(&held));
    let (torn, broken) = (text(torn.root()), text(empty.path()));
    for (hosts, status) in [
        (&[ready][..], 0),
        (&[ready, held], 1),
        (&[ready, torn], 3),
        (&[ready, broken], 3),
        (&[broken], 3),
        (&[torn, broken, held], 1),
    ] {
        for format in ["text", "json", "ndjson"] {
            let config = gpu_node();
            let ran = fleet(&[hosts, &["--config", &config, "--format", format]].concat());
            assert_eq!((ran.status, ran.stderr.as_str()), (status, ""), "{hosts:?}: {ran:?}");
        }
    }
}

#[test]
fn what_cannot_run_says_why_in_one_line() {
    let ready = sample(READY);
    let ready = text(&ready);
    let dir = TempDir::new().unwrap();
    let empty = text(dir.path());
    for (args, why) in [
        (&[][..], "SNAPSHOT"),
        (&["/no/such.snap"], "/no/such.snap: No such file"),
        (&["/no/such.snap", "/no/*.snap"], "(and 1 more like this)"),
        (&[empty], "a folder without snapshots"),
        (&["/"], "a host at work"),
        (&["-"], "no snapshot is named"),
        (&[ready, "--config", "/no/such.yaml"], "/no/such.yaml: no such file"),
        (&["-", "--config", "-"], "standard input"),
        (&[ready, "--format", "csv"], "choose text, json, ndjson"),
        (&[ready, "--allow-partial-groups"], "--config"),
        (&[ready, "--jobs", "0"], "--jobs"),
        (&[ready, "--ignore", "AH301"], "needs a reason"),
    ] {
        let line = fleet(args).could_not_run().to_owned();
        assert!(line.contains(why), "{args:?}: {line}");
    }
}

#[test]
fn words_lists_and_patterns_name_the_same_hosts() {
    let dir = folder(&[("b.snap", "ready"), ("a.snap", "ready"), ("c.snap", "amd-ready")]);
    let at = |name: &str| dir.path().join(name);
    fs::copy(machine("ready"), at(".hidden.snap")).unwrap();
    fs::write(at("notes.txt"), "not asked for").unwrap();
    fs::create_dir_all(at("deeper/sub")).unwrap();
    fs::copy(machine("ready"), at("deeper/d.snap")).unwrap();
    let tree = HostDir::sample(READY);
    symlink(tree.root(), at("host")).unwrap();
    let judged = |args: &[&str]| names(&lines(&fleet(&[&["--format", "ndjson"], args].concat())));
    let whole = ["a.snap", "b.snap", "c.snap", "host"];
    assert_eq!(judged(&[text(dir.path())]), whole, "by name, no deeper, hosts among them");
    let pattern = at("*.snap");
    assert_eq!(judged(&[text(&pattern)]), whole[..3], "as a shell does");
    assert_eq!(judged(&[text(&at("[ac].sna?"))]), ["a.snap", "c.snap"]);
    assert_eq!(judged(&[text(&at("dee*/*.snap"))]), ["d.snap"]);
    let ran = fleet(&[text(&at("**/*.snap"))]);
    assert!(ran.could_not_run().contains("find -name"), "a host's links go round in circles");
    let list = format!("{}\n\n{}\r\n", at("c.snap").display(), at("deeper").display());
    let ran = run_on(list.as_bytes(), &["fleet", "--format", "ndjson", "-"]);
    assert_eq!(names(&lines(&ran)), ["c.snap", "d.snap"], "a list, with a folder in it");
    fs::copy(machine("ready"), at("two\nlines.snap")).unwrap();
    let zeros = format!("{}\0{}\0", at("two\nlines.snap").display(), at("b.snap").display());
    let ran = run_on(zeros.as_bytes(), &["fleet", "--format", "ndjson", "-"]);
    assert_eq!(names(&lines(&ran)), ["two\nlines.snap", "b.snap"], "as find -print0 writes it");
    fs::remove_file(at("two\nlines.snap")).unwrap();
    let ran = run_on(b"*.snap\n", &["fleet", "-"]);
    assert!(ran.could_not_run().contains("*.snap: No such file"), "a list has no patterns");
    // A file whose name looks like a pattern is that file.
    fs::copy(machine("ready"), at("[x].snap")).unwrap();
    assert_eq!(judged(&[text(&at("[x].snap"))]), ["[x].snap"]);
}

#[test]
fn what_is_named_twice_is_judged_once() {
    let dir = folder(&[("a.snap", "ready"), ("b.snap", "ready")]);
    let at = |name: &str| dir.path().join(name);
    symlink("a.snap", at("link.snap")).unwrap();
    let (a, again, all) = (at("a.snap"), at("./a.snap"), at("*.snap"));
    let args = ["--format", "ndjson", text(&a), text(&again), text(dir.path()), text(&all)];
    assert_eq!(names(&lines(&fleet(&args))), ["a.snap", "b.snap"]);
}

#[test]
fn more_threads_change_no_byte() {
    let plan = plan();
    let with_broken = folder(&[("a.snap", "ready")]);
    fs::write(with_broken.path().join("b.snap"), "x").unwrap();
    for format in ["text", "json", "ndjson"] {
        let of = |jobs: &str| {
            let hosts = [MACHINES, text(with_broken.path())];
            let args = ["--verbose", "--jobs", jobs, "--config", &plan, "--format", format];
            let ran = fleet(&[&hosts[..], &args].concat());
            (ran.status, ran.stdout)
        };
        let one = of("1");
        assert_eq!(one, of("4"), "{format}");
        assert_eq!(one, of("64"), "{format}: more than there are snapshots");
        assert!(one.1.contains("mounted-disk.snap"), "{}", one.1);
    }
}

#[test]
fn who_differs_is_told_with_what_explains_it() {
    let most = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| format!("{name}.snap"));
    let mut hosts: Vec<(&str, &str)> = most.iter().map(|name| (name.as_str(), "ready")).collect();
    hosts.extend([("x.snap", "wanted-on-native-driver"), ("y.snap", "wanted-on-native-driver")]);
    let dir = folder(&hosts);
    let plan = plan();
    let args = [text(dir.path()), "--config", &plan];
    let document = fleet(&[&args[..], &["--format", "json"]].concat()).json();
    holds("fleet", &document);
    let outliers = document["outliers"].as_array().unwrap();
    assert_eq!(outliers.len(), 1, "{outliers:#?}");
    assert_eq!((&outliers[0]["count"], &outliers[0]["others"]), (&2.into(), &8.into()));
    let differs = |what: &str| {
        let all = outliers[0]["differences"].as_array().unwrap();
        all.iter().find(|it| it["what"] == what).unwrap_or_else(|| panic!("no {what}: {all:#?}"))
    };
    assert_eq!(differs("errors")["value"], "AH207");
    assert_eq!(differs("errors")["usual"], "none");
    assert_eq!(differs("driver of 0000:01:00.1")["usual"], "vfio-pci");
    assert_eq!(differs("driver of 0000:01:00.1")["have_usual"], 8);
    let hosts = outliers[0]["hosts"].as_array().unwrap();
    assert!(hosts.iter().all(|it| it.as_str().unwrap().ends_with("x.snap") || it != &hosts[0]));
    assert_eq!(document["summary"]["blocked"], 2);
    assert_eq!(document["blocked_by"][0]["code"], "AH207");
    assert_eq!(document["blocked_by"][0]["count"], 2);

    let said = fleet(&args).stdout;
    assert!(said.contains("10 hosts: 8 ready, 2 blocked\n"), "{said}");
    assert!(said.contains("AH207 driver-conflict"), "{said}");
    assert!(said.contains("  2 hosts differ from the other 8 in "), "{said}");
    assert!(said.contains("(usual: vfio-pci, on 8)"), "{said}");
    let quiet = fleet(&[&args[..], &["--quiet"]].concat()).stdout;
    assert_eq!(quiet, "10 hosts: 8 ready, 2 blocked\nVerdict: blocked (2 of 10 hosts)\n");
}

#[test]
fn long_lists_are_folded_and_verbose_tells_all() {
    let dir = TempDir::new().unwrap();
    for number in 0..30 {
        fs::write(dir.path().join(format!("broken-{number:02}.snap")), "x").unwrap();
    }
    for number in 0..6 {
        let name = format!("off-{number}.snap");
        fs::copy(machine("kvm-not-loaded"), dir.path().join(name)).unwrap();
    }
    let said = fleet(&[text(dir.path())]).stdout;
    assert!(said.contains("off-2.snap and 3 more\n"), "{said}");
    assert!(said.contains("  and 20 more: --verbose tells all\n"), "{said}");
    let whole = fleet(&[text(dir.path()), "--verbose"]).stdout;
    assert!(whole.contains("off-5.snap") && whole.contains("broken-29.snap"), "{whole}");
    assert!(!whole.contains(" more"), "{whole}");
}

#[test]
fn policies_are_those_of_validate() {
    let host = sample(HELD);
    let host = text(&host);
    let ready = machine("ready");
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("cluster.yaml");
    fs::copy(plan(), &config).unwrap();
    let run = |host: &str, config: &str, more: &[&str]| {
        let args = [&["--format", "ndjson", host, "--config", config][..], more].concat();
        let ran = fleet(&args);
        (ran.status, ran.lines().remove(0))
    };
    // AH211, a warning of that machine.
    assert_eq!(run(text(&ready), text(&config), &[]).0, 0);
    let (status, line) = run(text(&ready), text(&config), &["--strict"]);
    assert_eq!((status, codes(&line).contains(&"AH211")), (1, true));
    assert_eq!(run(text(&ready), text(&config), &["--error", "AH211"]).0, 1);
    assert!(codes(&run(text(&ready), text(&config), &[]).1).contains(&"AH211"));
    fs::write(
        dir.path().join(".ai-how.yaml"),
        "ignore:\n  - rule: AH211\n    reason: it is reset by hand\n",
    )
    .unwrap();
    let (status, line) = run(text(&ready), text(&config), &["--strict"]);
    // Open checks of warnings decide now.
    assert_eq!((status, &line["summary"]["ignored"]), (3, &1.into()), "{line:#}");
    assert!(!codes(&line).contains(&"AH211"), "{line:#}");
    let (status, line) = run(host, &gpu_node(), &["--ignore", "AH503=seen"]);
    assert_eq!((status, line["verdict"].as_str()), (1, Some("blocked")), "{line:#}");
}

/// What is wrong with the plan itself is told at its place, once and not for each host.
#[test]
fn a_mistake_of_the_plan_is_told_once() {
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("cluster.yaml");
    let good = fs::read_to_string(plan()).unwrap();
    fs::write(&config, good.replace("0000:01:00.1", "0000:01:zz.1")).unwrap();
    let hosts = folder(&[("a.snap", "ready"), ("b.snap", "ready"), ("c.snap", "ready")]);
    let ran = fleet(&[text(hosts.path()), "--config", text(&config)]);
    assert_eq!(ran.status, 1);
    assert_eq!(ran.stdout.matches("cluster.yaml:8:").count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("3 hosts: 3 blocked\n"), "{}", ran.stdout);
    fs::write(&config, "compute_nodes: []\n").unwrap();
    let idle = fleet(&[text(hosts.path()), "--config", text(&config)]);
    assert_eq!(idle.status, 0);
    assert!(idle.stdout.ends_with("nothing of the hosts was judged.\n"), "{}", idle.stdout);
}

#[test]
fn a_hostile_name_cannot_drive_the_terminal() {
    let dir = TempDir::new().unwrap();
    let name = "a\u{202e}b\u{1b}[31mc\nd.snap";
    fs::copy(machine("kvm-not-loaded"), dir.path().join(name)).unwrap();
    fs::write(dir.path().join(format!("broken-{name}")), "x").unwrap();
    let said = fleet(&[text(dir.path())]).stdout;
    assert!(said.contains("a\\u{202e}b\\u{1b}[31mc\\u{a}d.snap"), "{said}");
    assert!(!said.contains(['\u{202e}', '\u{1b}']), "{said:?}");
    let ran = fleet(&["--format", "ndjson", text(dir.path())]);
    assert_eq!(ran.stdout.lines().count(), 2, "a line break in a name breaks no line");
    let path = ran.lines()[0]["path"].as_str().unwrap().to_owned();
    assert!(path.ends_with(name), "{path:?}");
    // A name that is no text is shown as well as it can be.
    let odd = dir.path().join(OsStr::from_bytes(b"\xff.snap"));
    fs::copy(machine("ready"), &odd).unwrap();
    let ran = run_with(|it| it.args(["fleet", "--format", "ndjson"]).arg(&odd));
    assert_eq!(ran.lines()[0]["verdict"], "ready", "{ran:?}");
}

#[test]
fn output_goes_to_its_file_whole_or_not_at_all() {
    let dir = folder(&[("a.snap", "ready"), ("b.snap", "kvm-not-loaded")]);
    let hosts = text(dir.path());
    let out = TempDir::new().unwrap();
    let file = out.path().join("report");
    for format in ["text", "json", "ndjson"] {
        fs::write(&file, "old").unwrap();
        let ran = fleet(&[hosts, "--format", format, "-o", text(&file)]);
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
        let direct = fleet(&[hosts, "--format", format]);
        assert_eq!(fs::read_to_string(&file).unwrap(), direct.stdout);
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1, "no file is left over");
        let before = fs::read(dir.path().join("a.snap")).unwrap();
        let over = dir.path().join("a.snap");
        fleet(&[hosts, "--format", format, "-o", text(&over)]).could_not_run();
        assert_eq!(fs::read(&over).unwrap(), before, "a snapshot is not written over");
    }
    let nowhere = out.path().join("no/such/folder");
    fleet(&[hosts, "--format", "ndjson", "-o", text(&nowhere)]).could_not_run();
    let ran = fleet(&[hosts, "--format", "ndjson", "-o", "/dev/null"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
}

/// What was not looked at, since nobody read on, is not ready.
#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let hosts = TempDir::new().unwrap();
    for number in 0..200 {
        fs::copy(machine("ready"), hosts.path().join(format!("{number:03}.snap"))).unwrap();
    }
    let args = ["fleet", "--format", "ndjson", text(hosts.path())];
    let mut child = command().args(args).spawn().unwrap();
    drop(child.stdout.take());
    child.stdout = None;
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_published_schema_is_the_one_that_is_printed() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/fleet-ndjson.schema.json");
    let printed = run(["schema", "fleet-ndjson"]).stdout;
    if std::env::var_os("UPDATE").is_some() {
        fs::write(file, &printed).unwrap();
    }
    assert!(fs::read_to_string(file).unwrap() == printed, "run the tests with UPDATE=1");
    jsonschema::meta::validate(&serde_json::from_str(&printed).unwrap()).unwrap();
}

/// A list that comes slowly is waited for, and progress is for terminals alone.
#[test]
fn a_list_may_come_through_a_pipe() {
    let mut child =
        command().args(["fleet", "--quiet", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for name in ["ready", "amd-ready"] {
        writeln!(stdin, "{}", machine(name).display()).unwrap();
        stdin.flush().unwrap();
    }
    drop(stdin);
    let ran = finish(child);
    assert_eq!(ran.stdout, "2 hosts: 2 ready\nVerdict: ready (2 of 2 hosts)\n");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
}

/// One that cannot be looked into may be blocked, and is not left out of what is counted.
#[test]
fn a_folder_that_cannot_be_looked_into_is_no_pass() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("closed")).unwrap();
    symlink("sys", folder.path().join("closed/sys")).unwrap();
    symlink("round", folder.path().join("round")).unwrap();
    fs::copy(machine("ready"), folder.path().join("ready.snap")).unwrap();
    let ran = run(["fleet", "--format", "json", text(folder.path())]);
    assert_eq!(ran.status, 3, "{ran:?}");
    assert_eq!(ran.json()["summary"]["broken"], 2, "{ran:?}");
}

/// A folder may hold any name, whether a pattern means it or not.
#[test]
fn a_name_that_is_no_text_beside_a_pattern_is_passed_over() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(OsStr::from_bytes(b"r\xe9sum\xe9.txt")), "").unwrap();
    fs::copy(machine("ready"), folder.path().join("r.snap")).unwrap();
    let ran = run(["fleet", "--format", "json", text(&folder.path().join("[r]*.snap"))]);
    assert_eq!(ran.json()["summary"]["hosts"], 1, "{ran:?}");
}
