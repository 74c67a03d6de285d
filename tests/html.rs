//! The report to look at.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start programs"
)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{AUDIO, GPU, HELD, HostDir, NVME, OFF, READY, example, run, run_on};

const HOSTILE: &str = "<img src=x onerror=harmed=1>";

fn report(args: &[&str], root: &Path) -> String {
    let ran = run(args.iter().chain(&["--format", "html", "--root", root.to_str().unwrap()]));
    assert!(ran.stdout.starts_with("<!DOCTYPE html>\n"), "{ran:?}");
    ran.stdout
}

fn validated(root: &Path, config: &str) -> String {
    report(&["validate", example(config).to_str().unwrap()], root)
}

fn hostile() -> String {
    let host = HostDir::sample(HELD).driver(AUDIO, Some("<b onclick='harmed=1'>&\u{1b}[31m"));
    let config = format!(
        "compute_nodes:\n  - name: \"{HOSTILE}\"\n    pcie_passthrough:\n      enabled: true\n      devices:\n        - {{pci_address: \"{GPU}\", device_type: gpu}}\n        - {{pci_address: \"{AUDIO}\", device_type: audio, vendor_id: \"</script>\"}}\n"
    );
    let root = host.root().to_str().unwrap();
    run_on(config.as_bytes(), &["validate", "--format", "html", "--root", root, "-"]).stdout
}

/// What stands in an attribute, wherever it does.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    let ends = page.split(&start).skip(1);
    ends.map(|rest| rest.split('"').next().unwrap()).collect()
}

fn pages() -> Vec<String> {
    let mut pages = vec![hostile()];
    let hosts = [
        HostDir::sample(READY),
        HostDir::sample(HELD),
        HostDir::sample(OFF),
        HostDir::sample(READY).remove("sys/class").remove("sys/kernel"),
        HostDir::sample(HELD).remove("sys/bus"),
        HostDir::sample(HELD).group(NVME, Some(16)),
    ];
    for host in &hosts {
        pages.push(validated(host.root(), "gpu-node.yaml"));
        pages.push(validated(host.root(), "cluster.yaml"));
        pages.push(report(&["doctor"], host.root()));
        if host.path("sys/bus").exists() {
            pages.push(report(&["inventory", "pcie"], host.root()));
            pages.push(report(&["inventory", "gpu"], host.root()));
        }
    }
    let alone = ["validate", "--skip-pcie-validation", "--format", "html", "examples/cluster.yaml"];
    pages.push(run(alone).stdout);
    pages
}

#[test]
fn every_link_leads_to_one_place_of_the_page() {
    for page in pages() {
        let ids = values(&page, "id");
        let places: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), places.len(), "an id stands twice: {ids:?}");
        for target in values(&page, "href") {
            let place = target.strip_prefix('#').expect("nothing outside is linked");
            assert!(places.contains(place), "{target} leads nowhere");
        }
        for place in values(&page, "data-findings").iter().flat_map(|it| it.split_whitespace()) {
            assert!(places.contains(place), "{place} is nowhere");
        }
        assert!(values(&page, "src").is_empty() && !page.contains("<link"), "nothing is loaded");
        assert!(values(&page, "style").is_empty(), "the policy refuses them");
    }
}

#[test]
fn it_says_what_json_says_and_the_same_each_time() {
    let host = HostDir::sample(HELD);
    let root = host.root().to_str().unwrap();
    let config = example("gpu-node.yaml");
    let args = |format| ["validate", "--format", format, "--root", root, config.to_str().unwrap()];
    let (html, json) = (run(args("html")), run(args("json")));
    assert_eq!(html.status, json.status);
    assert_eq!(html.stdout, run(args("html")).stdout);
    let plain = html.stdout.replace("&gt;", ">").replace("&#39;", "'");
    for finding in json.json()["findings"].as_array().unwrap() {
        assert!(plain.contains(finding["message"].as_str().unwrap()), "{finding}");
        for read in finding["evidence"].as_array().unwrap() {
            assert!(plain.contains(read["path"].as_str().unwrap()), "{read}");
        }
        for remedy in finding["remedy"].as_array().unwrap() {
            for command in ["commands", "undo"].iter().flat_map(|it| remedy[it].as_array().unwrap())
            {
                assert!(plain.contains(command.as_str().unwrap()), "{command}");
            }
        }
    }
}

#[test]
fn no_name_becomes_markup() {
    let page = hostile();
    assert!(page.contains("&lt;img src=x onerror=harmed=1&gt;"), "{page}");
    assert!(!page.contains("<img") && !page.contains("<b ") && !page.contains('\u{1b}'), "{page}");
    assert_eq!(page.matches("</script>").count(), 1, "{page}");
}
