//! The report to look at.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start programs"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{AUDIO, GPU, HELD, HostDir, NVME, OFF, READY, example, run, run_on, skipped};

const HOSTILE: &str = "<img src=x onerror=harmed=1>";

fn report(args: &[&str], root: &Path) -> String {
    let ran = run(args.iter().chain(&["--format", "html", "--root", root.to_str().unwrap()]));
    assert!(ran.stdout.starts_with("<!DOCTYPE html>\n"), "{ran:?}");
    ran.stdout
}

fn validated(root: &Path, config: &str) -> String {
    report(&["validate", example(config).to_str().unwrap()], root)
}

/// Of a plan in which each of these goes to a VM of its own.
fn planned(root: &Path, wanted: &[&str]) -> String {
    let mut config = String::from("compute_nodes:\n");
    for (number, address) in wanted.iter().enumerate() {
        config += &format!(
            "  - name: worker-{number}\n    pcie_passthrough:\n      enabled: true\n      devices:\n        - {{pci_address: \"{address}\", device_type: other}}\n"
        );
    }
    let args = ["validate", "--format", "html", "--root", root.to_str().unwrap(), "-"];
    run_on(config.as_bytes(), &args).stdout
}

fn hostile() -> String {
    let host = HostDir::sample(HELD).driver(AUDIO, Some("<b onclick='harmed=1'>&\u{1b}[31m"));
    let config = format!(
        "compute_nodes:\n  - name: \"{HOSTILE}\"\n    pcie_passthrough:\n      enabled: true\n      devices:\n        - {{pci_address: \"{GPU}\", device_type: gpu}}\n        - {{pci_address: \"{AUDIO}\", device_type: audio, vendor_id: \"</script>\"}}\n"
    );
    let root = host.root().to_str().unwrap();
    run_on(config.as_bytes(), &["validate", "--format", "html", "--root", root, "-"]).stdout
}

/// Eight network cards with 248 virtual functions each, behind a port each.
fn large() -> HostDir {
    let mut host = HostDir::sample(READY);
    for card in 0..8_u32 {
        let port = format!("0000:00:1{card}.0");
        let below = format!("pci0000:00/{port}");
        let bus = 0x10 + card * 2;
        let physical = format!("0000:{bus:02x}:00.0");
        host = host
            .endpoint("pci0000:00", &port, "060400", ("8086", "2f08"))
            .attribute(&port, "secondary_bus_number", format!("{bus}\n"))
            .endpoint(&below, &physical, "020000", ("15b3", "101d"))
            .attribute(&physical, "numa_node", format!("{}\n", card / 4))
            .group(&physical, Some(100 + card));
        for number in 0..248_u32 {
            let (device, function) = (1 + number / 8, number % 8);
            let virtual_function = format!("0000:{bus:02x}:{device:02x}.{function}");
            host = host
                .endpoint(&below, &virtual_function, "020000", ("15b3", "101e"))
                .link_device(&virtual_function, "physfn", &format!("../{physical}"))
                .link_device(
                    &physical,
                    &format!("virtfn{number}"),
                    &format!("../{virtual_function}"),
                )
                .group(&virtual_function, Some(1000 + card * 248 + number));
        }
    }
    host
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

/// In Chromium: looks, filters, copying, keyboard, accessibility, no request, 2,000 functions.
#[test]
fn it_works_in_a_browser() {
    let browser = Path::new("/usr/bin/chromium");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let missing = if !browser.exists() {
        Some("/usr/bin/chromium is not installed")
    } else if Command::new("node").arg("--version").output().is_err() {
        Some("node is not installed")
    } else if !scripts.join("node_modules").exists() {
        Some("`npm ci` was not run in tests/browser")
    } else {
        None
    };
    if let Some(why) = missing {
        skipped("it_works_in_a_browser", why);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, page: String| {
        fs::write(folder.path().join(format!("{name}.html")), page).unwrap();
    };
    let held = HostDir::sample(HELD);
    write("held", validated(held.root(), "gpu-node.yaml"));
    write("plan", planned(held.root(), &[GPU, AUDIO]));
    write("doctor", report(&["doctor"], HostDir::sample(OFF).root()));
    write("gpu", report(&["inventory", "gpu"], held.root()));
    let large = large();
    write("large", report(&["inventory", "pcie"], large.root()));
    let wanted: Vec<String> = (1..9).map(|number| format!("0000:1a:0{number}.3")).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).chain([GPU]).collect();
    write("large-plan", planned(large.root(), &wanted));
    write("hostile", hostile());
    let shots: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
    let ran = Command::new("node")
        .arg(scripts.join("report.mjs"))
        .args([browser, folder.path(), &shots])
        .output()
        .unwrap();
    let (told, complaints) =
        (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{told}\n{complaints}");
    let _ = writeln!(std::io::stderr(), "{told}");
}
