//! `doctor`: every question about the host alone, with its answer and what it stands on.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use std::path::Path;

use common::{GPU, HELD, HostDir, OFF, READY, is_root, run, sample, skipped, standing};
use serde_json::Value;

const HOST_CODES: [&str; 13] = [
    "AH101", "AH102", "AH103", "AH104", "AH105", "AH106", "AH107", "AH108", "AH109", "AH501",
    "AH502", "AH503", "AH504",
];

fn doctor(root: &Path) -> (i32, Value) {
    let ran = run(["doctor", "--format", "json", "--root", root.to_str().unwrap()]);
    (ran.status, ran.json())
}

fn answer<'a>(document: &'a Value, code: &str) -> &'a str {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["code"] == code).unwrap()["answer"].as_str().unwrap()
}

#[test]
fn every_question_is_answered_with_evidence() {
    for host in [sample(READY), sample(OFF)] {
        let (_, document) = doctor(&host);
        assert_eq!(document["schema"], "ai-how/doctor/1");
        let checks = document["checks"].as_array().unwrap();
        let codes: Vec<&str> = checks.iter().map(|it| it["code"].as_str().unwrap()).collect();
        assert_eq!(codes, HOST_CODES);
        for check in checks {
            // Without groups there is nothing to show of them.
            let no_groups = check["code"] == "AH107" && host == sample(OFF);
            let evidence = check["evidence"].as_array().unwrap();
            assert!(!evidence.is_empty() || no_groups, "{check}");
            assert!(!check["says"].as_str().unwrap().is_empty());
            for read in evidence {
                let path = read["path"].as_str().unwrap();
                assert!(path.starts_with('/') && !path.contains("examples"), "{path}");
            }
        }
    }
}

#[test]
fn the_host_alone_is_judged() {
    let cases = [
        ("all is well", HostDir::sample(READY), 0, "", ""),
        ("devices on drivers of the host do not matter", HostDir::sample(HELD), 0, "", ""),
        ("off", HostDir::sample(OFF), 1, "AH105", ""),
        ("no node", HostDir::sample(READY).remove("dev/kvm"), 1, "AH102", ""),
        ("no dev", HostDir::sample(READY).remove("dev"), 3, "", "AH102"),
        ("no word of interrupts", HostDir::sample(READY).remove("proc/interrupts"), 3, "", "AH106"),
        (
            "not remapped",
            HostDir::sample(READY).write("proc/interrupts", " CPU0\n 0: 1 IO-APIC 2-edge timer\n"),
            1,
            "AH106",
            "",
        ),
        (
            "one group of no-IOMMU mode among others",
            HostDir::sample(READY).write("sys/kernel/iommu_groups/17/name", "vfio-noiommu\n"),
            1,
            "AH107",
            "",
        ),
        ("Xen", HostDir::sample(READY).write("sys/hypervisor/type", "xen\n"), 0, "", "AH109"),
        ("nothing but sys: no bus, so no driver of it", HostDir::bare(), 1, "AH104", "AH101"),
    ];
    for (name, host, status, wrong, open) in cases {
        let (ended, document) = doctor(host.root());
        assert_eq!(ended, status, "{name}: {document:#}");
        if wrong.is_empty() {
            assert!(standing(&document).is_empty(), "{name}: {document:#}");
        } else {
            assert_eq!(standing(&document), [wrong], "{name}");
            assert_eq!(answer(&document, wrong), "no", "{name}");
        }
        if !open.is_empty() {
            assert_eq!(answer(&document, open), "unknown", "{name}");
        }
    }
}

#[test]
fn what_follows_from_another_is_told_as_such() {
    let host = HostDir::sample(OFF).write("proc/interrupts", " CPU0\n 0: 1 IO-APIC 2-edge timer\n");
    let (status, document) = doctor(host.root());
    assert_eq!((status, standing(&document)), (1, vec!["AH105"]));
    assert_eq!((answer(&document, "AH105"), answer(&document, "AH106")), ("no", "no"));
    assert_eq!(document["summary"]["errors"], 1);
}

#[test]
fn a_person_reads_a_line_a_question() {
    let ran = run(["doctor", "--root", sample(READY).to_str().unwrap()]);
    let starts: Vec<&str> = ran.stdout.lines().filter_map(|line| line.get(..8)).collect();
    for code in HOST_CODES {
        let sign = if ["AH103", "AH504"].contains(&code) { "? " } else { "ok" };
        assert!(starts.contains(&format!("{sign} {code}").as_str()), "{code}: {}", ran.stdout);
    }
    assert!(ran.stdout.ends_with("Verdict: ready\n"), "{}", ran.stdout);
    let quiet = run(["doctor", "-q", "--root", sample(READY).to_str().unwrap()]);
    assert_eq!(quiet.stdout, "Verdict: ready\n");
    let off = run(["doctor", "--root", sample(OFF).to_str().unwrap()]);
    assert!(off.stdout.contains("NO AH105  No IOMMU is at work\n"), "{}", off.stdout);
    assert!(off.stdout.contains("\nFirst: (AH105) "), "{}", off.stdout);
}

#[test]
fn a_strict_run_takes_a_warning_for_an_error() {
    let host = HostDir::sample(READY)
        .write("sys/hypervisor/type", "xen\n")
        .write("proc/xen/capabilities", "control_d\n");
    let root = host.root().to_str().unwrap();
    assert_eq!(run(["doctor", "--root", root]).status, 0);
    assert_eq!(run(["doctor", "--strict", "--root", root]).status, 1);
}

#[test]
fn a_user_must_be_known() {
    let config = common::short_file(&[(GPU, "gpu")]);
    for command in [&["doctor"][..], &["validate", "-"]] {
        let args = [command, &["--as", "no-such-user"]].concat();
        let ran = common::run_on(config.as_bytes(), &args);
        assert!(ran.could_not_run().contains("no-such-user"), "{ran:?}");
    }
    for user in ["root", "0"] {
        assert_ne!(run(["doctor", "--as", user]).status, 2);
    }
}

#[test]
fn the_node_is_judged_for_the_user_who_is_named() {
    let test = "the_node_is_judged_for_the_user_who_is_named";
    if !Path::new("/dev/kvm").exists() {
        return skipped(test, "this machine has no /dev/kvm");
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    if !passwd.lines().any(|line| line.starts_with("nobody:")) || !is_root() {
        return skipped(test, "it takes root, and the user nobody");
    }
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata("/dev/kvm").unwrap());
    let open_to_all = mode & 0o006 == 0o006;
    let as_user = |user| run(["doctor", "--format", "json", "--as", user]).json();
    assert_eq!(answer(&as_user("root"), "AH103"), "yes");
    let expected = if open_to_all { "yes" } else { "no" };
    assert_eq!(answer(&as_user("nobody"), "AH103"), expected);
}
