//! Two moments of a host: what is told of the morning after.

#![allow(clippy::unwrap_used, reason = "tests start the program")]

mod common;

use common::{AUDIO, GPU, HELD, HostDir, NVME, OFF, READY, Ran, run, sample};
use serde_json::Value;

fn diff(before: &HostDir, after: &HostDir, flags: &[&str]) -> Ran {
    let mut args = vec!["diff", before.root().to_str().unwrap(), after.root().to_str().unwrap()];
    args.extend(flags);
    run(args)
}

/// As JSON, held against its schema.
fn document(before: &HostDir, after: &HostDir) -> (i32, Value) {
    let ran = diff(before, after, &["--format", "json"]);
    let document = ran.json();
    let schema = run(["schema", "diff"]).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&document).map(|it| it.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}\n{document:#}");
    (ran.status, document)
}

fn ready() -> HostDir {
    HostDir::sample(READY)
}

/// Each change of a list in a few words.
fn words(document: &Value) -> String {
    let text = |it: &Value| it.as_str().unwrap_or("-").to_owned();
    let changes = |list: &Value| -> String {
        let each = |it: &Value| {
            format!(" {}={}>{}", text(&it["what"]), text(&it["before"]), text(&it["after"]))
        };
        list.as_array().unwrap().iter().map(each).collect()
    };
    let devices: String = document["devices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let (kind, before, after) =
                (text(&it["kind"]), text(&it["before"]), text(&it["after"]));
            format!(" {kind} {before}>{after}{}", changes(&it["changes"]))
        })
        .collect();
    let groups: String = document["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!(" {} {}>{}", text(&it["kind"]), it["before"], it["after"]))
        .collect();
    format!("{}{devices}{groups}", changes(&document["host"])).trim().to_owned()
}

#[track_caller]
fn is(before: &HostDir, after: &HostDir, expected: &str) {
    let (status, document) = document(before, after);
    assert_eq!((status, words(&document).as_str()), (1, expected), "{document:#}");
}

#[test]
fn the_same_host_has_not_changed() {
    for host in [READY, HELD, OFF] {
        let (status, document) = document(&HostDir::sample(host), &HostDir::sample(host));
        assert_eq!((status, &document["answer"]), (0, &"same".into()), "{document:#}");
    }
    let text = diff(&ready(), &ready(), &[]);
    assert!(text.stdout.starts_with("Nothing has changed.\n"), "{text:?}");
    let now = run(["diff", sample(READY).to_str().unwrap(), "--root", "examples/hosts/ready"]);
    assert_eq!(now.status, 0, "{now:?}");
}

#[test]
fn drivers_groups_and_parameters_are_told() {
    is(
        &ready(),
        &HostDir::sample(HELD),
        "changed 0000:01:00.0>0000:01:00.0 driver=vfio-pci>nvidia changed 0000:01:00.1>0000:01:00.1 driver=vfio-pci>snd_hda_intel",
    );
    is(&ready(), &ready().group(AUDIO, Some(40)), "split [16]>[16,40]");
    is(&ready().group(AUDIO, Some(40)), &ready(), "merged [16,40]>[16]");
    is(&ready(), &ready().group(GPU, Some(40)).group(AUDIO, Some(40)), "renumbered [16]>[40]");
    is(&ready(), &ready().group(AUDIO, None), "left [16]>[]");
    is(&ready().group(AUDIO, None), &ready(), "entered []>[16]");
    is(&ready(), &ready().kernel("6.13.0"), "kernel release=6.12.1-amd64>6.13.0");
    let line = |words: &str| ready().write("proc/cmdline", words);
    is(&line("a b=1 c"), &line("a b=2 c d"), "kernel parameters=b=1>b=2 d");
    is(&line("a b"), &line("b a"), "order of the kernel parameters=a b>b a");
}

#[test]
fn a_device_that_came_or_went_is_told() {
    let without = |host: HostDir| host.remove(&format!("sys/bus/pci/devices/{NVME}"));
    let (status, gone) = document(&ready(), &without(ready()));
    assert_eq!(status, 1);
    let devices = gone["devices"].as_array().unwrap();
    assert_eq!((devices.len(), &devices[0]["kind"]), (1, &"went".into()), "{gone:#}");
    assert_eq!(devices[0]["before"], NVME);
    let (_, back) = document(&without(ready()), &ready());
    assert_eq!(back["devices"][0]["kind"], "came", "{back:#}");
    assert_eq!(back["summary"]["came"], 1);
}

#[test]
fn a_device_that_moved_is_told_from_one_that_went() {
    const NIC: (&str, &str) = ("8086", "1533");
    let with = |places: &[&str]| {
        let add = |host: HostDir, at: &&str| {
            host.endpoint("pci0000:00", at, "020000", NIC)
                .group(at, Some(30))
                .driver(at, Some("igb"))
        };
        places.iter().fold(ready(), add)
    };
    let (one, other, third) = ("0000:05:00.0", "0000:06:00.0", "0000:07:00.0");
    is(&with(&[one]), &with(&[other]), "moved 0000:05:00.0>0000:06:00.0");
    let moved = |before: &[&str], after: &[&str]| {
        let (_, document) = document(&with(before), &with(after));
        let alike = document["devices"][0]["alike"].as_bool().unwrap();
        format!("{} {alike}", words(&document))
    };
    assert_eq!(moved(&[one, other], &[one, third]), "moved 0000:06:00.0>0000:07:00.0 false");
    assert_eq!(moved(&[one], &[other, third]).split(' ').next(), Some("moved"));
    assert!(moved(&[one], &[other, third]).contains("came -"), "one of them is new");
    let text = diff(&with(&[one]), &with(&[other]), &[]).stdout;
    assert!(text.starts_with("Changed: 1 device moved.\n"), "{text}");
    assert!(text.contains("\n  moved  0000:05:00.0 -> 0000:06:00.0  Intel"), "{text}");
    // Another card in the same place is one that went and one that came.
    let swapped = with(&[one])
        .attribute(one, "uevent", "PCI_CLASS=20000\nPCI_ID=8086:1521\n")
        .attribute(one, "device", "0x1521\n");
    let (_, document) = document(&with(&[one]), &swapped);
    let summary = (&document["summary"]["went"], &document["summary"]["came"]);
    assert_eq!(summary, (&1.into(), &1.into()), "{document:#}");
}

#[test]
fn what_is_known_at_one_moment_alone_is_no_change() {
    let blind = || ready().remove("proc/interrupts").remove("sys/kernel/irq");
    for (before, after, side) in [(ready(), blind(), "after"), (blind(), ready(), "before")] {
        let (status, document) = document(&before, &after);
        assert_eq!((status, &document["answer"]), (3, &"undetermined".into()), "{document:#}");
        let unknown = &document["unknown"][0];
        assert_eq!(unknown["what"], "interrupt remapping");
        assert!(unknown[side].as_str().unwrap().contains("was not captured"), "{unknown}");
    }
    let (status, _) = document(&blind(), &blind());
    assert_eq!(status, 0, "what is known at neither moment is nothing to be told");
    let rubbish = ready().attribute(GPU, "numa_node", "no");
    let (status, document) = document(&ready(), &rubbish);
    assert_eq!((status, &document["unknown"][0]["device"]), (3, &GPU.into()), "{document:#}");
}

#[test]
fn what_is_known_at_neither_moment_is_not_the_same_where_all_else_stands_on_it() {
    let no_ids = || ready().without(GPU, "uevent").without(GPU, "vendor");
    let two_minds = || ready().attribute(GPU, "vendor", "0x1002\n");
    let not_compared = |before: HostDir, after: HostDir| {
        let (status, document) = document(&before, &after);
        assert_eq!((status, &document["answer"]), (3, &"undetermined".into()), "{document:#}");
        let unknown = &document["unknown"][0];
        let text = diff(&before, &after, &[]).stdout;
        assert!(text.contains("\nCould not be compared\n"), "{text}");
        (unknown["what"].clone(), unknown["before"].is_null(), unknown["after"].is_null())
    };
    let bus_less = || HostDir::bare().folder("sys");
    assert_eq!(not_compared(bus_less(), bus_less()), ("the PCI bus".into(), false, false));
    let empty_bus = || ready().remove("sys/bus/pci/devices").folder("sys/bus/pci/devices");
    assert_eq!(not_compared(ready(), empty_bus()), ("the PCI bus".into(), true, false));
    assert_eq!(not_compared(ready(), no_ids()), ("ids".into(), true, false));
    assert_eq!(not_compared(no_ids(), no_ids()), ("ids".into(), false, false));
    assert_eq!(not_compared(ready(), two_minds()), ("ids".into(), true, false));
}

#[test]
fn a_snapshot_is_the_same_as_the_host_it_was_made_of() {
    let host = ready().write("proc/cmdline", "root=UUID=1234 ro quiet intel_iommu=on\n");
    let snapshot = host.root().join("before.snap");
    let (root, file) = (host.root().to_str().unwrap(), snapshot.to_str().unwrap());
    assert_eq!(run(["snapshot", "--root", root, "-o", file]).status, 0);
    for args in [
        vec!["diff", file, "--root", root],
        vec!["diff", file, root],
        vec!["diff", root, file],
        vec!["diff", file, file],
    ] {
        let ran = run(args.clone());
        assert_eq!(ran.status, 0, "{args:?}: {ran:?}");
    }
}

#[test]
fn the_first_line_says_what_matters() {
    let ran = diff(&ready(), &HostDir::sample(OFF), &[]);
    let first = ran.stdout.lines().next().unwrap();
    assert!(first.starts_with("Changed: IOMMU is off; interrupt remapping is off; "), "{first}");
    assert!(
        ran.stdout.contains("\nIOMMU groups\n  in no group any more (before "),
        "{}",
        ran.stdout
    );
    let quiet = diff(&ready(), &HostDir::sample(OFF), &["-q"]);
    assert_eq!(quiet.stdout.lines().count(), 1, "{quiet:?}");
}

#[test]
fn what_cannot_be_compared_is_exit_2() {
    run(["diff", "/nowhere/at/all", "examples/hosts/ready"]).could_not_run();
    run(["diff"]).could_not_run();
    run(["diff", "examples/hosts/ready", "examples/hosts/ready", "--format", "csv"])
        .could_not_run();
}
