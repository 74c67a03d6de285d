//! The formats that other programs read keep to what those programs expect.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{
    AUDIO, GPU, HELD, HostDir, NVME, OFF, READY, Ran, example, run, run_on, sample, skipped,
};
use openmetrics_parser::prometheus::parse_prometheus;
use serde_json::Value;

/// Sample hosts and such that lack much, each with a configuration.
fn plans() -> Vec<(HostDir, PathBuf)> {
    let hosts = || {
        [
            HostDir::sample(READY),
            HostDir::sample(HELD),
            HostDir::sample(OFF),
            HostDir::sample(READY).remove("sys/class").remove("sys/kernel"),
            HostDir::sample(HELD).without(GPU, "uevent").without(GPU, "driver"),
            HostDir::sample(HELD).group(NVME, Some(16)),
        ]
    };
    let with = |config: &'static str| hosts().map(|host| (host, example(config)));
    with("gpu-node.yaml").into_iter().chain(with("cluster.yaml")).collect()
}

fn validate(format: &str, host: &Path, config: &Path) -> Ran {
    run([
        Path::new("validate"),
        "--format".as_ref(),
        format.as_ref(),
        "--root".as_ref(),
        host,
        config,
    ])
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

#[track_caller]
fn is_sarif(log: &Value) {
    let schema = fs::read_to_string(data("sarif-2.1.0.schema.json")).unwrap();
    let mut schema: Value = serde_json::from_str(&schema).unwrap();
    // Their regular expression has a bracket that not every engine takes; nothing here has the key.
    for part in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][part]["properties"]["language"];
        language.as_object_mut().unwrap().remove("pattern");
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(log)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn sarif_keeps_to_its_schema_and_says_what_json_says() {
    let all = run(["rules", "--format", "json"]).json();
    for (host, config) in plans() {
        let ran = validate("sarif", host.root(), &config);
        let log = ran.json();
        is_sarif(&log);
        let json = validate("json", host.root(), &config);
        assert_eq!(ran.status, json.status, "the exit code depends on the verdict alone");
        let document = json.json();
        let run = &log["runs"][0];
        assert_eq!(run["properties"]["verdict"], document["verdict"]);
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), all["rules"].as_array().unwrap().len());
        for rule in rules {
            assert!(!rule["help"]["text"].as_str().unwrap().is_empty(), "{rule}");
        }
        let results = run["results"].as_array().unwrap();
        let of = |kind: &str| {
            let of_kind = results.iter().filter(|it| it["kind"] == kind);
            of_kind.map(|it| it["ruleId"].as_str().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(of("fail"), common::standing(&document));
        assert_eq!(of("open"), common::open(&document));
        assert_eq!(
            of("fail").len() + of("informational").len(),
            document["findings"].as_array().unwrap().len()
        );
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
        }
    }
}

#[test]
fn rules_in_sarif_have_an_address() {
    let log = validate("sarif", &sample(READY), &example("gpu-node.yaml")).json();
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        let uri = rule["helpUri"].as_str().unwrap_or_else(|| panic!("no address: {rule}"));
        assert!(uri.starts_with("https://") && !uri.contains(' ') && !uri.contains('('), "{uri}");
    }
}

#[test]
fn a_region_in_sarif_is_what_was_written() {
    let text = "# é\ncompute_nodes:\n  - name: ünï\n    pcie_passthrough:\n      enabled: true\n      devices:\n        - {pci_address: \"0000:01:00.0\", device_type: gpu}\n";
    let root = sample(HELD);
    let log = run_on(
        text.as_bytes(),
        &["validate", "--format", "sarif", "--root", root.to_str().unwrap(), "-"],
    )
    .json();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let held = results.iter().find(|it| it["ruleId"] == "AH207").unwrap();
    let region = &held["locations"][0]["physicalLocation"]["region"];
    let number = |key: &str| usize::try_from(region[key].as_u64().unwrap()).unwrap();
    let line: Vec<char> = text.lines().nth(number("startLine") - 1).unwrap().chars().collect();
    let written: String = line[number("startColumn") - 1..number("endColumn") - 1].iter().collect();
    assert_eq!(written, "\"0000:01:00.0\"");
}

/// Lines above do not make another finding of it, and two findings are never one.
#[test]
fn fingerprints_in_sarif_stay() {
    let prints = |text: &str| -> Vec<String> {
        let root = sample(HELD);
        let args = ["validate", "--format", "sarif", "--root", root.to_str().unwrap(), "-"];
        let log = run_on(text.as_bytes(), &args).json();
        let results = log["runs"][0]["results"].as_array().unwrap();
        results
            .iter()
            .map(|it| it["partialFingerprints"]["aiHow/v1"].as_str().unwrap().to_owned())
            .collect()
    };
    let text = fs::read_to_string(example("gpu-node.yaml")).unwrap();
    let first = prints(&text);
    assert_eq!(first, prints(&format!("# a line\n\n{text}")));
    assert_eq!(first.len(), first.iter().collect::<BTreeSet<_>>().len(), "{first:?}");
    assert!(first.len() > 1);
}

#[test]
fn junit_keeps_to_its_schema() {
    if Command::new("xmllint").arg("--version").output().is_err() {
        skipped("junit_keeps_to_its_schema", "xmllint is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.xml");
    for (host, config) in plans() {
        fs::write(&file, validate("junit", host.root(), &config).stdout).unwrap();
        let ran = Command::new("xmllint")
            .args(["--noout", "--schema"])
            .args([&data("junit-10.xsd"), &file])
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn junit_has_a_suite_a_vm_and_a_case_a_rule() {
    let xml = validate("junit", &sample(HELD), &example("gpu-node.yaml")).stdout;
    for words in [
        r#"<testsuite name="configuration""#,
        r#"<testsuite name="host""#,
        r#"<testsuite name="gpu-node-01""#,
        r#"<testcase name="AH105 iommu-disabled" classname="ai-how.host"/>"#,
        r#"<failure message="PCIe device 0000:01:00.0 is bound to a conflicting driver" type="AH207">"#,
        r#"<skipped message="follows from AH207"/>"#,
    ] {
        assert!(xml.contains(words), "{words}: {xml}");
    }
    let all = run(["rules", "--format", "json"]).json();
    for rule in all["rules"].as_array().unwrap() {
        let name = format!("{} {}", rule["code"].as_str().unwrap(), rule["name"].as_str().unwrap());
        assert_eq!(xml.matches(&format!("name=\"{name}\"")).count(), 1, "{name}");
    }
    let open = HostDir::sample(READY).remove("sys/class").remove("sys/kernel");
    let xml = validate("junit", open.root(), &example("gpu-node.yaml")).stdout;
    assert!(xml.contains("<skipped message=\"could not be told: "), "{xml}");
    assert!(!xml.contains("<failure"), "{xml}");
}

/// Control characters of a hostile file are not allowed in XML at all.
#[test]
fn junit_of_odd_names_is_xml() {
    let text = "compute_nodes: [{name: \"a<&]]>\\u0001\\\"\", pcie_passthrough: {enabled: true, devices: [{pci_address: '0000:01:00.0', device_type: gpu}]}}]\n";
    let root = sample(HELD);
    let args = ["validate", "--format", "junit", "--root", root.to_str().unwrap(), "-"];
    let xml = run_on(text.as_bytes(), &args).stdout;
    assert!(!xml.contains('\u{1}') && !xml.contains("a<&"), "{xml}");
}

#[test]
fn metrics_are_read_by_a_parser() {
    let text = |args: &[&str], root: &Path| {
        let all = args.iter().map(Path::new);
        let root = [Path::new("--format"), "prometheus".as_ref(), "--root".as_ref(), root];
        run(all.chain(root)).stdout
    };
    for (host, config) in plans() {
        let config = config.to_str().unwrap();
        for args in
            [&["validate", config][..], &["doctor"], &["inventory", "pcie"], &["inventory", "gpu"]]
        {
            let metrics = text(args, host.root());
            let read =
                parse_prometheus(&metrics).unwrap_or_else(|error| panic!("{error}: {metrics}"));
            assert!(!read.families.is_empty(), "{metrics}");
            let mut seen = BTreeSet::new();
            for line in metrics.lines().filter(|line| !line.starts_with('#')) {
                let series = line.rsplit_once(' ').unwrap().0;
                assert!(seen.insert(series.to_owned()), "twice: {series}");
            }
        }
    }
    let metrics = text(&["validate", example("gpu-node.yaml").to_str().unwrap()], &sample(HELD));
    for line in [
        "ai_how_verdict{verdict=\"blocked\"} 1",
        "ai_how_verdict{verdict=\"ready\"} 0",
        "ai_how_findings{severity=\"error\"} 2",
        "ai_how_node_verdict{cluster=\"\",node=\"gpu-node-01\",verdict=\"blocked\"} 1",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}: {metrics}");
    }
}

/// A name that is a label's value twice, or holds quotes and lines, is still one sample.
#[test]
fn metrics_of_odd_names_are_sound() {
    let vm = |address: &str| {
        format!(
            "{{name: \"a\\\"\\n\\\\\", pcie_passthrough: {{enabled: true, devices: [{{pci_address: '{address}', device_type: gpu}}]}}}}"
        )
    };
    let text = format!("compute_nodes: [{}, {}]\n", vm(GPU), vm(AUDIO));
    let root = sample(HELD);
    let args = ["validate", "--format", "prometheus", "--root", root.to_str().unwrap(), "-"];
    let metrics = run_on(text.as_bytes(), &args).stdout;
    parse_prometheus(&metrics).unwrap_or_else(|error| panic!("{error}: {metrics}"));
    assert_eq!(metrics.matches("ai_how_node_verdict{").count(), 3, "{metrics}");
}

/// Names and values are such as Kubernetes takes for labels.
#[test]
fn features_are_labels() {
    let is_label = |text: &str| {
        let edge = |it: Option<char>| it.is_some_and(|it| it.is_ascii_alphanumeric());
        text.len() <= 63
            && edge(text.chars().next())
            && edge(text.chars().last())
            && text.chars().all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it))
    };
    for (host, _) in plans() {
        for command in [&["doctor"][..], &["inventory", "pcie"], &["inventory", "gpu"]] {
            let args = command.iter().map(Path::new);
            let root = [Path::new("--format"), "nfd".as_ref(), "--root".as_ref(), host.root()];
            let features = run(args.chain(root)).stdout;
            for line in features.lines() {
                let (name, value) = line.split_once('=').unwrap();
                assert!(is_label(name) && is_label(value), "{line}");
            }
        }
    }
    let features = |name: &str| -> BTreeMap<String, String> {
        let root = sample(name);
        let args = ["inventory", "pcie", "--format", "nfd", "--root", root.to_str().unwrap()];
        let text = run(args).stdout;
        let lines = text.lines().map(|line| line.split_once('=').unwrap());
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    assert_eq!(features(READY)["ai-how.gpu-10de_2684.ready"], "1");
    assert_eq!(features(HELD)["ai-how.gpu-10de_2684.possible"], "1");
    assert!(!features(OFF).keys().any(|name| name.contains(".ready")));
}

#[test]
fn a_format_that_a_command_lacks_is_refused() {
    for args in [
        ["doctor", "--format", "sarif"],
        ["doctor", "--format", "junit"],
        ["rules", "--format", "nfd"],
        ["schema", "--format", "prometheus"],
    ] {
        run(args).could_not_run();
    }
    run(["validate", "--format", "nfd", "examples/gpu-node.yaml"]).could_not_run();
    run(["inventory", "pcie", "--format", "sarif"]).could_not_run();
}
