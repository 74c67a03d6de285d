use super::*;
use crate::host::fake::FakeHost;

fn made() -> Made {
    Made { time: "2026-01-01T00:00:00Z".to_owned(), driver_override: false }
}

fn listed<'a>(packed: &'a Packed, folder: &str) -> &'a [String] {
    packed.manifest.listings.get(folder).map_or(&[], Vec::as_slice)
}

#[test]
fn only_processes_that_have_a_device_open_are_told() {
    let host = FakeHost::workstation()
        .qemu(4242, "gpu-node-01", &["/dev/vfio/16", "socket:[77]"])
        .process(4343, "letter", &["letter", "to-alice"], &["/home/alice/letter"]);
    let packed = take(Root::memory(host.tree()), &made()).unwrap();
    let processes: Vec<_> =
        listed(&packed, "/proc").iter().filter(|name| name.parse::<u32>().is_ok()).collect();
    assert_eq!(processes, ["1", "2", "4242"]);
    assert_eq!(listed(&packed, "/proc/4242/fd"), ["20"]);
    assert_eq!(listed(&packed, "/proc/1/fd").len(), 0);
    assert!(packed.members.iter().all(|(path, ..)| !path.contains("4343")));
}

#[test]
fn of_this_machine_no_idle_process_is_told() {
    let root = Root::open(None).unwrap().with_stand_ins().capturing();
    let all = root.list(&"/proc".into()).known().unwrap().cloned().unwrap();
    for pid in all.iter().filter(|name| name.parse::<u32>().is_ok()) {
        let folder = format!("/proc/{pid}/fd");
        let files = root.list(&folder.as_str().into());
        for file in files.known().ok().flatten().into_iter().flatten() {
            root.link(&format!("{folder}/{file}").into());
        }
    }
    let packed = pack(&root, None, &made()).unwrap();
    let own = std::process::id().to_string();
    assert!(all.contains(&own) && !listed(&packed, "/proc").contains(&own));
    for (path, ..) in &packed.members {
        assert!(!path.contains(&format!("/proc/{own}")), "{path}");
    }
    let told = listed(&packed, "/proc").iter().filter(|name| name.parse::<u32>().is_ok()).count();
    assert!(told < all.len(), "{told}");
}

/// What is read back is what was handed out, but for absences that a listing tells by itself.
#[test]
fn what_was_handed_out_comes_back() {
    let host = FakeHost::gpu_held_by_nvidia()
        .node("/dev/vfio/16", 0, 104, 0o660)
        .denied("/proc/iomem")
        .called_by(1000);
    let tree = host.tree();
    let root = Root::memory(tree.clone()).with_stand_ins().capturing();
    Host::read(&root, &Need::everything());
    let captured = root.captured();
    let packed = pack(&root, None, &made()).unwrap();
    let replay = Replay::read(packed.archive.as_slice(), Path::new("a")).unwrap();
    for (path, place) in &captured.places {
        if path.starts_with("/proc/") && path.contains("/fd") || path == "/proc" {
            continue;
        }
        match replay.capture.places.get(path) {
            Some(back) => assert_eq!(back, place, "{path}"),
            None => assert!(captured.is_listed_without(path), "{path}: {place:?}"),
        }
    }
    assert_eq!(packed.manifest.denied(), 1);
    assert!(!packed.manifest.nodes["/dev/vfio/16"].open_to_caller);
}
