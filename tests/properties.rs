//! Hosts on a disk, damaged at random: how whole runs of the program end. How many are tried is
//! `PROPTEST_CASES`, where it is set.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests write files")]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use common::{AUDIO, GPU, HELD, HostDir, OFF, READY, Ran, run, short_file, validate};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rustix::fs::{CWD, FileType, Mode};

/// What becomes of a place. None of it says that something is not there.
#[derive(Debug, Clone)]
enum Damage {
    /// No text, and nothing that the kernel writes.
    Garbage(Vec<u8>),
    Fifo,
    Folder,
    LinkToItself,
    LinkToNowhere,
    LinkToDevice,
    /// Denies nothing to root.
    Denied,
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        3 => vec(any::<u8>(), 0..60).prop_map(|bytes| Damage::Garbage([&b"\xff\0"[..], &bytes].concat())),
        1 => Just(Damage::Fifo),
        1 => Just(Damage::Folder),
        1 => Just(Damage::LinkToItself),
        1 => Just(Damage::LinkToNowhere),
        1 => Just(Damage::LinkToDevice),
        2 => Just(Damage::Denied),
    ]
}

/// Files, links and folders below a root, but for its own folders.
fn places(root: &Path) -> Vec<PathBuf> {
    let (mut places, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        // A folder that was denied is damaged enough.
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
            if folder != root {
                places.push(entry.path());
            }
        }
    }
    places.sort();
    places
}

fn put(place: &Path, damage: &Damage) {
    if let Damage::Denied = damage {
        // Of a link it would be what the link leads to.
        if !place.is_symlink() {
            fs::set_permissions(place, fs::Permissions::from_mode(0o000)).unwrap();
        }
        return;
    }
    if place.is_dir() && !place.is_symlink() {
        open_all(place);
        fs::remove_dir_all(place).unwrap();
    } else {
        fs::remove_file(place).unwrap();
    }
    match damage {
        Damage::Garbage(bytes) => fs::write(place, bytes).unwrap(),
        Damage::Fifo => {
            rustix::fs::mknodat(CWD, place, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        }
        Damage::Folder => fs::create_dir(place).unwrap(),
        Damage::LinkToItself => symlink(place.file_name().unwrap(), place).unwrap(),
        Damage::LinkToNowhere => symlink("nowhere/at/all", place).unwrap(),
        Damage::LinkToDevice => symlink("/dev/zero", place).unwrap(),
        Damage::Denied => {}
    }
}

/// A denied folder could not be taken away.
fn open_all(root: &Path) {
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let entries = fs::read_dir(&folder).unwrap().map(Result::unwrap);
        open.extend(entries.filter(|it| it.file_type().unwrap().is_dir()).map(|it| it.path()));
    }
}

/// The exit code says what the report says.
fn verdict(ran: &Ran) -> String {
    let document = ran.json();
    let verdict = document["verdict"].as_str().unwrap().to_owned();
    let code = match verdict.as_str() {
        "ready" => 0,
        "blocked" => 1,
        _ => 3,
    };
    assert_eq!(ran.status, code, "{ran:?}");
    verdict
}

fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(12),
        failure_persistence: None,
        max_shrink_iters: 64,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_damaged_host_is_no_better_and_each_run_ends(
        sample in select(vec![READY, HELD, OFF]), damages in vec((any::<Index>(), damage()), 1..10),
    ) {
        let host = HostDir::sample(sample);
        for (index, damage) in &damages {
            // What is damaged now may be gone with what was damaged before.
            let left = places(host.root());
            put(&left[index.index(left.len())], damage);
        }
        let root = host.root().to_str().unwrap();
        let ran = validate(host.root(), &short_file(&[(GPU, "gpu"), (AUDIO, "audio")]), &[]);
        let doctor = run(["doctor", "--format", "json", "--root", root]);
        let inventory = run(["inventory", "pcie", "--format", "json", "--with", "link,driver-override", "--root", root]);
        let snapshot = run(["snapshot", "--dry-run", "--format", "json", "--root", root]);
        open_all(host.root());
        let said = verdict(&ran);
        prop_assert!(sample == READY || said != "ready", "{:?}: {:?}", damages, ran);
        verdict(&doctor);
        if inventory.status == 2 {
            prop_assert!(inventory.could_not_run().contains("the PCI bus cannot be listed"));
        } else {
            prop_assert_eq!(inventory.status, 0);
            inventory.json();
        }
        prop_assert_eq!(snapshot.status, 0, "{:?}", snapshot);
        snapshot.json();
    }
}
