//! What is ignored, lowered and raised: on the command line and in comments.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read files and start the program"
)]

mod common;

use common::{
    AUDIO, GPU, HELD, HostDir, READY, Ran, codes, run, run_on, sample, short_file, skipped,
    validate,
};
use serde_json::Value;

/// A part of a group alone: AH301.
fn part() -> String {
    short_file(&[(GPU, "gpu")])
}

fn on(host: &str, config: &str, flags: &[&str]) -> Ran {
    validate(&sample(host), config, flags)
}

/// Verdict, summary and codes with their severities, an `i` before what is ignored.
fn said(ran: &Ran) -> String {
    let document = ran.json();
    let word = |it: &Value| {
        let ignored = if it["ignored"].is_null() { "" } else { "i" };
        format!(" {ignored}{}:{}", it["code"].as_str().unwrap(), it["severity"].as_str().unwrap())
    };
    let findings: String = document["findings"].as_array().unwrap().iter().map(word).collect();
    format!(
        "{} {} ignored{findings}",
        document["verdict"].as_str().unwrap(),
        document["summary"]["ignored"]
    )
}

#[track_caller]
fn is(config: &str, flags: &[&str], expected: &str) {
    assert_eq!(said(&on(READY, config, flags)), expected, "{flags:?}\n{config}");
}

#[test]
fn the_command_line_ignores_lowers_and_raises() {
    is(&part(), &[], "blocked 0 ignored AH301:error");
    is(&part(), &["--ignore", "AH301=it stays with the host"], "ready 1 ignored iAH301:error");
    is(&part(), &["--ignore", "Group-Incomplete=so"], "ready 1 ignored iAH301:error");
    is(&part(), &["--warn", "ah301"], "ready 0 ignored AH301:warning");
    is(&part(), &["--warn", "AH301", "--strict"], "ready 0 ignored AH301:warning");
    is(&part(), &["--error", "AH301", "--allow-partial-groups"], "blocked 0 ignored AH301:error");
    let listed = "compute_nodes:\n  - name: a\n    pcie_passthrough: {devices: [{pci_address: \"0000:01:00.0\", device_type: gpu}]}\n";
    is(listed, &["--error", "AH008"], "blocked 0 ignored AH008:error");
    is(listed, &["--ignore", "AH008=in May", "--strict"], "ready 1 ignored iAH008:warning");
    let ran = on(READY, &part(), &["--ignore", "AH301=it stays"]);
    let finding = &ran.json()["findings"][0];
    assert_eq!(finding["ignored"]["reason"], "it stays");
    assert!(finding["ignored"]["location"].is_null());
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    for (flags, words) in [
        (["--ignore", "AH301"], "--ignore AH301 needs a reason"),
        (["--ignore", "AH301= "], "needs a reason"),
        (["--ignore", "AH999=x"], "no rule AH999"),
        (["--warn", "group-incomplet"], "did you mean group-incomplete?"),
        (["--ignore", "AH105=it will be on"], "of errors only AH021, AH301, AH4xx and AH6xx"),
        (["--warn", "device-absent"], "its errors stay errors"),
    ] {
        for command in ["validate", "doctor"] {
            let mut args = vec![command, "--root", "examples/hosts/ready"];
            args.extend(flags);
            let said = run(args).could_not_run().to_owned();
            assert!(said.contains(words), "{said}");
        }
    }
    let both = on(READY, &part(), &["--ignore", "AH301=x", "--error", "group-incomplete"]);
    assert!(both.could_not_run().contains("choose one"));
    // Its warnings can be ignored, and its errors stand and say so.
    let typo = part().replace("device_type", "device_typ");
    let ran = on(READY, &typo, &["--ignore", "AH004=x"]);
    assert_eq!((ran.status, said(&ran).as_str()), (1, "blocked 0 ignored AH301:error AH004:error"));
    assert!(ran.stdout.contains("it is an error here, and stays one"));
}

#[test]
fn a_comment_speaks_for_its_line_or_its_vm() {
    let comment = "# ai-how: ignore AH301 the audio function stays with the host";
    let ready = "ready 1 ignored iAH301:error";
    let device = "        - {pci_address";
    let name = "  - name: vm";
    for config in [
        part().replace("gpu}", &format!("gpu}} {comment}")),
        part().replace(device, &format!("        {comment}\n{device}")),
        part().replace(device, &format!("{comment}\n\n  # another\n{device}")),
        part().replace(name, &format!("{name} {comment}")),
        part().replace(name, &format!("  {comment}\n{name}")),
        part().replace(name, "  - # ai-how: ignore AH301 x\n    name: vm"),
        part().replace(": vm", &format!(": vm {}", comment.replace("AH301", "group-incomplete:"))),
        part().replace('\n', "\r\n").replace("gpu}", &format!("gpu}} {comment}")),
        part().replace(
            "- {pci_address: \"0000:01:00.0\", device_type: gpu}",
            &format!("- device_type: gpu {comment}\n          pci_address: \"0000:01:00.0\""),
        ),
    ] {
        is(&config, &[], ready);
    }
    let place = &on(READY, &part().replace("gpu}", &format!("gpu}} {comment}")), &[]).json()["findings"]
        [0]["ignored"];
    assert_eq!(place["reason"], "the audio function stays with the host");
    assert_eq!((&place["location"]["line"], &place["location"]["column"]), (&6.into(), &59.into()));
    let elsewhere = part().replace("enabled: true", &format!("enabled: true {comment}"));
    is(&elsewhere, &[], "blocked 0 ignored AH027:note AH301:error");
    let quoted = part().replace("name: vm", &format!("name: \"vm {comment}\""));
    is(&quoted, &[], "blocked 0 ignored AH301:error");
    // The command line goes before comments.
    let config = part().replace("gpu}", &format!("gpu}} {comment}"));
    is(&config, &["--error", "AH301"], "blocked 0 ignored AH301:error");
    is(&config, &["--allow-partial-groups"], "ready 1 ignored iAH301:warning");
    let raised = part().replace("gpu}", "gpu} # ai-how: error AH301 we pass whole groups");
    is(&raised, &["--allow-partial-groups"], "ready 0 ignored AH301:warning");
    let lowered = part().replace("gpu}", "gpu} # ai-how: warn AH301");
    is(&lowered, &[], "ready 0 ignored AH301:warning");
}

#[test]
fn a_vm_under_a_key_is_found_by_its_key() {
    let config = |head: &str| {
        std::fs::read_to_string(common::example("cluster.yaml"))
            .unwrap()
            .replace("    controller:\n", head)
    };
    let plain = on(READY, &config("    controller:\n"), &[]);
    let said = on(READY, &config("    controller: # ai-how: ignore AH023 x\n"), &[]);
    assert!(codes(&said.json()).contains(&"AH027"), "it has none: {said:?}");
    assert!(!codes(&plain.json()).contains(&"AH027"));
}

#[test]
fn what_a_comment_gets_wrong_is_an_error_at_its_place() {
    for (comment, expected) in [
        ("ignore AH301", "AH025"),
        ("ignor AH301 x", "AH025"),
        ("ignore", "AH025"),
        ("", "AH025"),
        ("ignore AH999 x", "AH025"),
        ("ignore AH105 x", "AH026"),
        ("warn device-absent", "AH026"),
    ] {
        let config = part().replace("gpu}", &format!("gpu}} # ai-how: {comment}"));
        let ran = on(READY, &config, &["--allow-partial-groups"]);
        let document = ran.json();
        let finding = &document["findings"].as_array().unwrap()[0];
        let wrong =
            document["findings"].as_array().unwrap().iter().find(|it| it["code"] == expected);
        let wrong = wrong.unwrap_or_else(|| panic!("{comment}: {finding:#}"));
        assert_eq!((ran.status, &wrong["severity"]), (1, &"error".into()), "{comment}");
        assert_eq!(
            (&wrong["location"]["line"], &wrong["location"]["column"]),
            (&6.into(), &59.into())
        );
    }
}

#[test]
fn an_ignore_that_ignores_nothing_is_a_note() {
    let whole = std::fs::read_to_string(common::example("gpu-node.yaml")).unwrap();
    is(&whole, &["--ignore", "AH301=x"], "ready 0 ignored AH027:note");
    is(&whole, &["--ignore", "AH301=x", "--ignore", "AH027=later"], "ready 1 ignored iAH027:note");
    is(&whole, &["--error", "AH301"], "ready 0 ignored");
    // Where the rule was not asked, nobody knows.
    is(&whole, &["--ignore", "AH301=x", "--skip-pcie-validation"], "ready 0 ignored");
}

#[test]
fn an_open_check_of_an_ignored_rule_does_not_decide() {
    let host = HostDir::sample(READY).attribute(AUDIO, "class", "rubbish").without(AUDIO, "uevent");
    let flags = ["--ignore", "AH301=x"];
    assert_eq!(validate(host.root(), &part(), &[]).status, 3);
    let ran = validate(host.root(), &part(), &flags);
    assert_eq!((ran.status, said(&ran).as_str()), (0, "ready 1 ignored"));
    let open = &ran.json()["undetermined"][0];
    assert_eq!((&open["ignored"]["reason"], &open["decides"]), (&"x".into(), &false.into()));
    let host = host.without(AUDIO, "driver");
    let ran = validate(host.root(), &part(), &flags);
    assert_eq!(ran.status, 3);
    assert!(common::open(&ran.json()).contains(&"AH302"), "{ran:?}");
}

#[test]
fn a_firm_error_stays_beside_an_ignored_one() {
    let ran = on(HELD, &part(), &["--ignore", "AH301=x"]);
    assert_eq!(ran.status, 1);
    assert!(said(&ran).starts_with("blocked 1 ignored"), "{}", said(&ran));
}

#[test]
fn every_format_shows_what_is_ignored() {
    let config = part().replace("gpu}", "gpu} # ai-how: ignore AH301 it <stays>");
    let at = |flags: &[&str]| {
        let mut args = vec!["validate", "--root", "examples/hosts/ready", "-"];
        args.extend(flags);
        run_on(config.as_bytes(), &args).stdout
    };
    let text = at(&[]);
    assert!(text.contains("Verdict: ready (1 ignored)") && !text.contains("AH301"), "{text}");
    let text = at(&["-v"]);
    assert!(
        text.contains("Ignored: ") && text.contains("ignored (<stdin>:6:59): it <stays>"),
        "{text}"
    );
    let sarif: Value = serde_json::from_str(&at(&["--format", "sarif"])).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["suppressions"][0]["kind"], "inSource", "{result:#}");
    assert_eq!(result["suppressions"][0]["justification"], "it <stays>");
    let region = &result["suppressions"][0]["location"]["physicalLocation"]["region"];
    assert_eq!(region["startLine"], 6, "{result:#}");
    let junit = at(&["--format", "junit"]);
    assert!(junit.contains("<skipped message=\"ignored: it &lt;stays&gt;\"/>"), "{junit}");
    let metrics = at(&["--format", "prometheus"]);
    assert!(
        metrics.contains("ai_how_ignored 1\n") && metrics.contains("severity=\"error\"} 0"),
        "{metrics}"
    );
    let lines = at(&["--format", "ndjson"]);
    assert!(lines.lines().last().unwrap().contains("\"ignored\":1"), "{lines}");
}

/// `validate` of a configuration with a policy beside it.
fn beside(policy: &str, config: &str, flags: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.yaml");
    std::fs::write(&path, config).unwrap();
    std::fs::write(folder.path().join(".ai-how.yaml"), policy).unwrap();
    let mut args = vec!["validate", "--format", "json", "--root", "examples/hosts/ready"];
    args.push(path.to_str().unwrap());
    args.extend(flags);
    run(args)
}

#[test]
fn the_policy_beside_a_configuration_is_heeded() {
    let is = |policy: &str, flags: &[&str], expected: &str| {
        assert_eq!(said(&beside(policy, &part(), flags)), expected, "{policy} {flags:?}");
    };
    let ready = "ready 1 ignored iAH301:error";
    let unused = "blocked 0 ignored AH301:error AH027:note";
    is("", &[], "blocked 0 ignored AH301:error");
    is("ignore:\n  - {rule: AH301, reason: it stays}\n", &[], ready);
    is("ignore: [{rule: group-incomplete, reason: it stays, vm: vm}]", &[], ready);
    is("ignore: [{rule: AH301, reason: it stays, device: '0000:01:00.1'}]", &[], ready);
    is("ignore: [{rule: AH301, reason: it stays, vm: other}]", &[], unused);
    is("ignore: [{rule: AH301, reason: it stays, device: '0000:02:00.0'}]", &[], unused);
    is("warn: [{rule: AH301}]", &[], "ready 0 ignored AH301:warning");
    is("warn: [{rule: AH301}]\nignore: [{rule: AH301, reason: x, vm: vm}]", &[], ready);
    is("warn: [{rule: AH301}]", &["--error", "AH301"], "blocked 0 ignored AH301:error");
    let comment = part().replace("gpu}", "gpu} # ai-how: error AH301");
    let ran = beside("warn: [{rule: AH301}]", &comment, &[]);
    assert_eq!(said(&ran), "blocked 0 ignored AH301:error");
    let ran = beside("ignore: [{rule: AH301, reason: it stays}]", &part(), &[]);
    let document = ran.json();
    let location = &document["findings"][0]["ignored"]["location"];
    assert_eq!((&location["line"], &location["column"]), (&1.into(), &17.into()));
    assert!(location["file"].as_str().unwrap().ends_with("/.ai-how.yaml"), "{location}");
    assert_eq!(document["configs"].as_array().unwrap().len(), 1);
    assert_eq!(document["policies"].as_array().unwrap().len(), 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.yaml");
    std::fs::write(&path, part()).unwrap();
    std::fs::write(path.with_file_name(".ai-how.yaml"), "ignore: [{rule: AH301, reason: x}]")
        .unwrap();
    let args = ["validate", "--format", "sarif", "--root", "examples/hosts/ready"];
    let sarif = run(args.into_iter().chain(path.to_str())).json();
    assert_eq!(sarif["runs"][0]["results"][0]["suppressions"][0]["kind"], "external");
}

#[test]
fn a_policy_is_read_strictly() {
    for (policy, code, place) in [
        ("ignore: [{rule: AH301}]", "AH003", (1, 11)),
        ("ignore: [{rule: AH301, reason: ''}]", "AH003", (1, 32)),
        ("ignore: [{rule: AH301, reason: ' '}]", "AH003", (1, 32)),
        ("ignore: [{rule: ' ', reason: x}]", "AH003", (1, 17)),
        ("ignor: []", "AH004", (1, 1)),
        ("ignore: [{rule: AH301, reason: x, vn: vm}]", "AH004", (1, 35)),
        ("ignore: [{rule: AH301, reason: x, vm: }]", "AH003", (1, 35)),
        ("ignore: [{rule: AH301, reason: x, device: '01:00.0'}]", "AH005", (1, 43)),
        ("ignore: {rule: AH301, reason: x}", "AH003", (1, 9)),
        ("- AH301", "AH003", (1, 1)),
        ("ignore: [", "AH001", (1, 9)),
        ("ignore: [{rule: AH999, reason: x}]", "AH025", (1, 17)),
        ("ignore: [{rule: AH105, reason: x}]", "AH026", (1, 17)),
    ] {
        let ran = beside(policy, &part(), &["--warn", "AH301"]);
        let document = ran.json();
        let findings = document["findings"].as_array().unwrap();
        let wrong = findings.iter().find(|it| it["code"] == code);
        let wrong = wrong.unwrap_or_else(|| panic!("{policy}: {document:#}"));
        assert_eq!((ran.status, &wrong["severity"]), (1, &"error".into()), "{policy}");
        let at = |what: &str| wrong["location"][what].as_u64().unwrap();
        assert_eq!((at("line"), at("column")), place, "{policy}: {wrong:#}");
        assert!(wrong["location"]["file"].as_str().unwrap().ends_with("/.ai-how.yaml"));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.yaml");
    std::fs::write(&path, part()).unwrap();
    std::fs::create_dir(folder.path().join(".ai-how.yaml")).unwrap();
    assert!(run(["validate", path.to_str().unwrap()]).could_not_run().contains("a directory"));
}

#[test]
fn a_policy_that_is_no_file_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.yaml");
    std::fs::write(&path, part()).unwrap();
    let policy = folder.path().join(".ai-how.yaml");
    let args = ["validate", path.to_str().unwrap(), "--root", "examples/hosts/ready"];
    std::os::unix::fs::symlink("/dev/zero", &policy).unwrap();
    assert!(run(args).could_not_run().contains("no regular file"));
    std::fs::remove_file(&policy).unwrap();
    if !std::process::Command::new("mkfifo").arg(&policy).status().is_ok_and(|it| it.success()) {
        return skipped("a_policy_that_is_no_file_is_not_waited_for", "there is no mkfifo");
    }
    assert!(run(args).could_not_run().contains("no regular file"));
}

#[test]
fn the_published_schema_of_a_policy_holds() {
    let schema = run(["schema", "policy"]).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let good = serde_json::json!({"ignore": [{"rule": "AH301", "reason": "x", "vm": "a"}], "warn": [{"rule": "AH021"}]});
    assert!(validator.is_valid(&good));
    let bad = serde_json::json!({"ignore": [{"rule": "AH301"}]});
    assert!(!validator.is_valid(&bad));
}

#[test]
fn a_policy_speaks_for_what_stands_beside_it() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let named = |name: &str| part().replace("name: vm", &format!("name: {name}"));
    std::fs::write(one.path().join("a.yaml"), named("a")).unwrap();
    std::fs::write(
        other.path().join("b.yaml"),
        named("b").replace("enabled: true", "enabled: false"),
    )
    .unwrap();
    let policy = "ignore: [{rule: AH301, reason: x}, {rule: AH008, reason: y}]";
    std::fs::write(one.path().join(".ai-how.yaml"), policy).unwrap();
    let (a, b) = (one.path().join("a.yaml"), other.path().join("b.yaml"));
    let ran = run([
        "validate",
        "--format",
        "json",
        "--root",
        "examples/hosts/ready",
        a.to_str().unwrap(),
        b.to_str().unwrap(),
    ]);
    assert_eq!(said(&ran), "ready 1 ignored iAH301:error AH008:warning AH027:note");
}
