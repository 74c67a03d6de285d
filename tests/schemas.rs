//! Every JSON output keeps to the schema that the program prints of it, and to its contract.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{AUDIO, GPU, HELD, HostDir, NVME, OFF, PORT, READY, SAMPLES, example, run, sample};
use serde_json::Value;

#[track_caller]
fn holds(document: &str, value: &Value) {
    let schema = run(["schema", document]).json();
    let validator = jsonschema::validator_for(&schema).expect("a sound schema");
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{document}: {errors:?}\n{value:#}");
}

/// Sample hosts, and such from which things are missing or broken.
fn hosts() -> Vec<HostDir> {
    let mut hosts: Vec<HostDir> = SAMPLES.into_iter().map(HostDir::sample).collect();
    hosts.extend([
        HostDir::bare(),
        HostDir::sample(READY).remove("dev").remove("proc"),
        HostDir::sample(READY).remove("sys/class").remove("sys/kernel"),
        HostDir::sample(READY).remove("sys/bus"),
        HostDir::sample(HELD).without(GPU, "uevent").without(GPU, "driver"),
        HostDir::sample(HELD).attribute(GPU, "uevent", [0, 0xff, b'x']),
        HostDir::sample(HELD)
            .without(AUDIO, "uevent")
            .attribute(AUDIO, "class", "rubbish")
            .attribute(AUDIO, "vendor", "")
            .attribute(AUDIO, "numa_node", "no")
            .attribute(AUDIO, "resource", "no"),
        HostDir::sample(HELD).group(NVME, Some(16)).kernel("garbage"),
        HostDir::sample(HELD).group(PORT, None).write("sys/class/iommu/dmar0/name", "x"),
        HostDir::sample(OFF).remove("proc/cpuinfo").remove("sys/firmware"),
    ]);
    hosts
}

fn configs() -> Vec<PathBuf> {
    vec![example("gpu-node.yaml"), example("cluster.yaml")]
}

#[test]
fn validate_keeps_to_its_schema() {
    for host in hosts() {
        for config in configs() {
            let at = |format: &str| {
                let args = ["validate", "--format", format, "--root"];
                let mut args: Vec<PathBuf> = args.iter().map(PathBuf::from).collect();
                args.extend([host.root().to_owned(), config.clone()]);
                run(args)
            };
            let document = at("json").json();
            holds("validate", &document);
            contract_of_validate(&document);
            let lines = at("ndjson").lines();
            for line in &lines {
                holds("validate-ndjson", line);
            }
            same_as_lines(&document, &lines);
        }
    }
}

#[test]
fn a_broken_configuration_keeps_to_the_schema() {
    for text in ["", "a: [", "compute_nodes: [{name: 1, pcie_passthrough: {devices: x}}]", "- a"] {
        let ran = common::run_on(
            text.as_bytes(),
            &["validate", "--format", "json", "--skip-pcie-validation", "-"],
        );
        let document = ran.json();
        holds("validate", &document);
        contract_of_validate(&document);
        assert!(document["host"].is_null());
        assert_eq!(ran.status, 1, "{text:?}");
    }
}

/// The lines say what the document says; the summary stands last.
fn same_as_lines(document: &Value, lines: &[Value]) {
    let of = |kind: &str| -> Vec<Value> {
        let of_kind = lines.iter().filter(|line| line["kind"] == kind).cloned();
        of_kind
            .map(|mut line| {
                line.as_object_mut().unwrap().remove("kind");
                line
            })
            .collect()
    };
    assert_eq!(document["findings"], Value::Array(of("finding")));
    assert_eq!(document["undetermined"], Value::Array(of("undetermined")));
    let last = lines.last().unwrap();
    assert_eq!(last["kind"], "summary");
    assert_eq!(of("summary").len(), 1);
    assert_eq!(last["verdict"], document["verdict"]);
    for key in ["errors", "warnings", "notes", "undetermined"] {
        assert_eq!(last[key], document["summary"][key]);
    }
}

#[test]
fn inventory_keeps_to_its_schema() {
    for host in hosts() {
        for with in [&[][..], &["--with", "link,driver-override"]] {
            let document = common::inventory(host.root(), with);
            holds("inventory", &document);
            contract_of_inventory(&document);
            let mut args = vec!["inventory", "pcie", "--format", "ndjson"];
            args.extend(with);
            args.extend(["--root", host.root().to_str().unwrap()]);
            let lines = run(args).lines();
            for line in &lines {
                holds("inventory-ndjson", line);
            }
            assert_eq!(document["devices"], Value::Array(lines));
        }
    }
}

#[test]
fn cards_and_doctor_keep_to_their_schemas() {
    for host in hosts() {
        let at = |command: &[&str]| {
            let root = ["--format", "json", "--root", host.root().to_str().unwrap()];
            run(command.iter().chain(&root)).json()
        };
        let document = at(&["inventory", "gpu"]);
        holds("inventory", &document);
        contract_of_inventory(&document);
        assert!(document["cards"].is_array());
        holds("doctor", &at(&["doctor"]));
    }
}

#[test]
fn rules_keep_to_their_schema() {
    let all = run(["rules", "--format", "json"]).json();
    holds("rules", &all);
    assert_eq!(all["schema"], "ai-how/rules/1");
    for rule in all["rules"].as_array().unwrap() {
        fields(
            rule,
            &[
                ("code", "s"),
                ("name", "s"),
                ("severities", "a"),
                ("summary", "s"),
                ("why", "s"),
                ("remedy", "s"),
                ("since", "s"),
                ("reads", "a"),
            ],
        );
        let one = run(["explain", "--format", "json", rule["code"].as_str().unwrap()]).json();
        holds("rules", &one);
        assert_eq!(one["rules"], Value::Array(vec![rule.clone()]));
    }
}

#[test]
fn the_published_schema_is_the_programs() {
    let published = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/cluster.schema.json");
    assert_eq!(fs::read_to_string(published).unwrap(), run(["schema", "config"]).stdout);
    assert_eq!(run(["schema"]).stdout, run(["schema", "config"]).stdout);
}

#[test]
fn every_schema_is_sound() {
    for document in [
        "config",
        "doctor",
        "validate",
        "validate-ndjson",
        "inventory",
        "inventory-ndjson",
        "rules",
    ] {
        let schema = run(["schema", document]).json();
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{document}: {error}"));
    }
}

#[test]
fn the_samples_tell_what_they_should() {
    let document = common::inventory(&sample(HELD), &[]);
    let gpu = common::device(&document, GPU);
    let expected = serde_json::json!({
        "class": "030000", "class_name": "VGA compatible controller", "device_type": "gpu",
        "vendor_id": "10de", "device_id": "2684", "driver": "nvidia", "vfio": false,
        "conflicting": true, "iommu_group": 16, "group_members": [AUDIO], "numa_node": null,
        "header": "endpoint", "parent": PORT, "boot_vga": false, "reset_methods": ["flr", "bus"],
        "physfn": null, "virtfns": [], "link": null, "driver_override": null, "power_state": "D0",
        "unreadable": [],
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&gpu[key], value, "{key}");
    }
    assert_eq!(gpu["bars"][0]["size"], 16 << 20);
}

/// Each field is there and of its kind: s(tring), n(umber), b(oolean), a(rray), o(bject); `?`
/// after it for one that can be null.
#[track_caller]
fn fields(value: &Value, expected: &[(&str, &str)]) {
    let map = value.as_object().expect("an object");
    for (key, kind) in expected {
        let value = map.get(*key).unwrap_or_else(|| panic!("no {key}: {value:#}"));
        let is = match value {
            Value::Null => kind.ends_with('?'),
            Value::String(_) => kind.starts_with('s'),
            Value::Number(_) => kind.starts_with('n'),
            Value::Bool(_) => kind.starts_with('b'),
            Value::Array(_) => kind.starts_with('a'),
            Value::Object(_) => kind.starts_with('o'),
        };
        assert!(is, "{key} is {value}, not {kind}");
    }
}

fn each<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}

fn location(value: &Value) {
    if !value.is_null() {
        fields(value, &[("file", "s"), ("line", "n"), ("column", "n")]);
        assert!(value["line"].as_u64() >= Some(1) && value["column"].as_u64() >= Some(1));
    }
}

fn contract_of_validate(document: &Value) {
    assert_eq!(document["schema"], "ai-how/validate/1");
    fields(
        document,
        &[
            ("tool", "o"),
            ("verdict", "s"),
            ("configs", "a"),
            ("host", "o?"),
            ("nodes", "a"),
            ("findings", "a"),
            ("undetermined", "a"),
            ("summary", "o"),
        ],
    );
    fields(&document["tool"], &[("name", "s"), ("version", "s")]);
    if !document["host"].is_null() {
        fields(
            &document["host"],
            &[("root", "s"), ("kernel", "s?"), ("arch", "s?"), ("cpu_vendor", "s?")],
        );
    }
    for node in each(document, "nodes") {
        fields(node, &[("name", "s"), ("cluster", "s?"), ("verdict", "s"), ("devices", "a")]);
        for device in each(node, "devices") {
            fields(device, &[("address", "s"), ("device_type", "s?"), ("verdict", "s")]);
        }
    }
    for finding in each(document, "findings") {
        fields(
            finding,
            &[
                ("code", "s"),
                ("name", "s"),
                ("severity", "s"),
                ("message", "s"),
                ("node", "s?"),
                ("device", "s?"),
                ("location", "o?"),
                ("evidence", "a"),
                ("remedy", "a"),
                ("related", "a"),
                ("caused_by", "s?"),
                ("caused_by_device", "s?"),
            ],
        );
        location(&finding["location"]);
        for evidence in each(finding, "evidence") {
            fields(evidence, &[("path", "s"), ("value", "s")]);
        }
        for remedy in each(finding, "remedy") {
            fields(remedy, &[("text", "s"), ("commands", "a"), ("undo", "a")]);
        }
        for related in each(finding, "related") {
            fields(related, &[("message", "s"), ("location", "o?"), ("device", "s?")]);
            location(&related["location"]);
        }
    }
    for open in each(document, "undetermined") {
        fields(
            open,
            &[
                ("code", "s"),
                ("name", "s"),
                ("device", "s?"),
                ("reason", "s"),
                ("needs", "s?"),
                ("decides", "b"),
            ],
        );
    }
    fields(
        &document["summary"],
        &[("errors", "n"), ("warnings", "n"), ("notes", "n"), ("undetermined", "n")],
    );
}

fn contract_of_inventory(document: &Value) {
    assert_eq!(document["schema"], "ai-how/inventory/1");
    fields(document, &[("devices", "a"), ("groups", "a"), ("summary", "o")]);
    for device in each(document, "devices") {
        fields(
            device,
            &[
                ("address", "s"),
                ("class", "s?"),
                ("class_name", "s?"),
                ("device_type", "s"),
                ("vendor_id", "s?"),
                ("device_id", "s?"),
                ("subsystem_vendor_id", "s?"),
                ("subsystem_device_id", "s?"),
                ("revision", "s?"),
                ("vendor_name", "s?"),
                ("device_name", "s?"),
                ("driver", "s?"),
                ("driver_override", "s?"),
                ("vfio", "b"),
                ("conflicting", "b"),
                ("iommu_group", "n?"),
                ("group_members", "a?"),
                ("numa_node", "n?"),
                ("header", "s"),
                ("parent", "s?"),
                ("boot_vga", "b?"),
                ("reset_methods", "a?"),
                ("physfn", "s?"),
                ("virtfns", "a"),
                ("bars", "a"),
                ("link", "o?"),
                ("power_state", "s?"),
                ("passthrough", "s"),
                ("passthrough_reason", "a"),
                ("unreadable", "a"),
            ],
        );
        for bar in each(device, "bars") {
            fields(
                bar,
                &[
                    ("index", "n"),
                    ("start", "s"),
                    ("size", "n"),
                    ("kind", "s"),
                    ("prefetchable", "b"),
                ],
            );
        }
        for gap in each(device, "unreadable") {
            fields(gap, &[("path", "s"), ("error", "s")]);
            assert!(gap["path"].as_str().unwrap().starts_with("/sys/"));
        }
    }
    for group in each(document, "groups") {
        fields(
            group,
            &[("id", "n"), ("type", "s?"), ("name", "s?"), ("members", "a"), ("viable", "b?")],
        );
    }
    let summary = &document["summary"];
    fields(
        summary,
        &[("total", "n"), ("vfio", "n"), ("conflicting", "n"), ("unbound", "n"), ("ready", "n")],
    );
    assert_eq!(summary["total"], each(document, "devices").len());
    let ready = each(document, "devices").iter().filter(|it| it["passthrough"] == "ready").count();
    assert_eq!(summary["ready"], ready);
}
