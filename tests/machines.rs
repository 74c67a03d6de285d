//! Hosts that were real kernels in the lab, each as a snapshot with the plan that was asked about
//! there, and what is said of it. How they are made again: `lab/README.md`.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use std::path::{Path, PathBuf};

use common::{run, standing};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/machines");

/// A machine, flags, the codes that stand, and the exit code.
type Case = (&'static str, &'static [&'static str], &'static [&'static str], i32);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("ready", &[], &["AH211"], 0),
    ("wanted-on-native-driver", &[], &["AH207", "AH211"], 1),
    ("wanted-unbound", &[], &["AH208", "AH208", "AH211"], 1),
    ("member-on-stub", &["--allow-partial-groups"], &["AH212", "AH301"], 0),
    ("port-on-pcieport", &[], &["AH211"], 0),
    ("bridge-on-shpchp", &[], &["AH302", "AH211"], 1),
    ("two-vms-on-one-group", &[], &["AH212", "AH211", "AH212", "AH303"], 1),
    ("intel-off-by-parameter", &[], &["AH105", "AH211"], 1),
    ("no-interrupt-remapping", &[], &["AH106", "AH211"], 1),
    ("vfio-pci-not-loaded", &[], &["AH104", "AH211"], 1),
    ("kvm-not-loaded", &[], &["AH102", "AH211"], 1),
    ("amd-ready", &[], &["AH501", "AH211"], 0),
    ("physical-function-with-virtual-ones", &[], &["AH207", "AH214"], 1),
    ("mounted-disk", &[], &["AH207", "AH401"], 1),
    ("default-route", &[], &["AH207", "AH402"], 1),
];

fn snapshot(name: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{name}.snap"))
}

#[test]
fn each_machine_is_judged_as_its_kernel_did() {
    let mut wrong = Vec::new();
    for &(name, flags, codes, status) in CASES {
        let plan = Path::new(FOLDER).join(format!("{name}.yaml"));
        let root = snapshot(name);
        let mut args = vec!["validate", "--format", "json", "--root", root.to_str().unwrap()];
        args.push(plan.to_str().unwrap());
        args.extend(flags);
        let ran = run(args);
        let document = ran.json();
        let found = standing(&document);
        if ran.status != status || found != codes {
            wrong.push(format!("{name}: {codes:?} {status}, but {found:?} {}", ran.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_machine_is_in_the_table() {
    let listed = |name: &str| CASES.iter().any(|case| case.0 == name);
    for entry in std::fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(listed(name), "{} is judged by no case", path.display());
    }
}

#[test]
fn the_other_commands_read_them_too() {
    for &(name, ..) in CASES {
        let root = snapshot(name);
        let root = root.to_str().unwrap();
        for command in [&["inventory", "pcie"][..], &["inventory", "gpu"]] {
            let ran = run(command.iter().chain(&["--root", root]));
            assert_eq!(ran.status, 0, "{name}: {ran:?}");
        }
        assert_ne!(run(["doctor", "--root", root]).status, 2, "{name}");
    }
}
