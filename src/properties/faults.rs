//! Reads that fail at random over whole runs.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use rustix::io::Errno;

use super::{Plan, Scene, blocked, cases, number, scenes};
use crate::host::snapshot::Replay;
use crate::host::{Fault, Faults, Host, Injected, Need, Root, Source, Step, Why, injected};
use crate::policy::{Judged, Verdict};

/// Strikes a share of all that is asked.
#[derive(Debug, Clone)]
struct Storm {
    seed: u64,
    /// Of a thousand.
    share: u64,
    /// What was answered once may fail the next time.
    fickle: bool,
    /// Also says of what is there that it is not.
    lies: bool,
    asked: Cell<u64>,
}

impl Faults for Storm {
    fn strike(&self, step: Step, place: &str) -> Option<Fault> {
        self.asked.set(self.asked.get() + 1);
        let time = if self.fickle { self.asked.get() } else { 0 };
        // The root itself is there: without its folder nothing is read at all.
        let chance = number((self.seed, step, place, time));
        if chance % 1000 >= self.share || place == "/sys" {
            return None;
        }
        Some(match chance / 1000 % if self.lies { 6 } else { 4 } {
            0 => Fault::Unknown(Why::Denied),
            1 => Fault::Unknown(Why::Failed { error: "Input/output error".to_owned() }),
            2 => Fault::Unknown(Why::Vanished),
            3 => Fault::Unknown(Why::NotCaptured),
            _ => Fault::Gone,
        })
    }

    fn shuffle(&self, names: &mut Vec<String>) {
        names.sort_by_key(|name| number((self.seed, name)));
    }
}

/// Strikes at one place, each time.
#[derive(Debug)]
struct One {
    place: String,
    why: Why,
}

impl Faults for One {
    fn strike(&self, _: Step, place: &str) -> Option<Fault> {
        (place == self.place).then(|| Fault::Unknown(self.why.clone()))
    }
}

fn storm(lies: bool) -> impl Strategy<Value = Storm> {
    // Mostly few, so that much is still known and a wrong guess could be made of it.
    let share = prop_oneof![4 => 1u64..20, 3 => 20u64..120, 1 => 120u64..1000];
    (any::<u64>(), share, any::<bool>()).prop_map(move |(seed, share, fickle)| Storm {
        seed,
        share,
        fickle,
        lies,
        asked: Cell::new(0),
    })
}

/// As a live host and as a directory it is told otherwise what an absence means.
fn source() -> impl Strategy<Value = Source> {
    prop_oneof![Just(Source::Example), Just(Source::Live), Just(Source::Directory)]
}

impl Scene {
    fn root(&self, source: Source) -> Root {
        let root = Root::memory(self.tree.clone());
        if source == Source::Example {
            return root;
        }
        let root = root.capturing();
        Host::read(&root, &Need::everything());
        Host::read(&root, &Plan::new(&self.text).need());
        let locking = root.locking().and_then(|it| it.known().ok().flatten().copied());
        let (path, capture) = ("host.snap".into(), root.captured());
        Root::replaying(Replay { path, capture, source, machine: None, locking })
    }
}

/// A made-up disk can be mounted while it waits on vfio-pci: once its driver is not known, the mounts
/// count.
fn is_accused(judged: &Judged) -> bool {
    judged.findings.iter().any(|it| it.is_error() && !it.code.starts_with("AH4"))
}

proptest! {
    #![proptest_config(cases(60))]

    /// There are as many of these as places that are asked for, of all scenes: some hundred thousand.
    #[test]
    fn one_thing_that_fails_makes_nothing_ready_and_blocks_nothing(
        at in 0..scenes().len(), place: Index, why in select(vec![Why::Denied, Why::Vanished]),
    ) {
        let scene = &scenes()[at];
        let root = Root::memory(scene.tree.clone()).recording();
        let (before, _) = scene.validate(&root);
        let mut places: Vec<String> = root.asked().into_keys().collect();
        places.retain(|place| place != "/sys");
        prop_assume!(!places.is_empty());
        let place = place.get(&places).clone();
        let root = Root::memory(scene.tree.clone()).with_faults(One { place: place.clone(), why });
        let (after, said) = scene.validate(&root);
        let was_ready = before.verdict == Verdict::Ready;
        prop_assert!(was_ready || after.verdict != Verdict::Ready, "{} {place}: {said}", scene.name);
        prop_assert!(!was_ready || !is_accused(&after), "{} {place}: {said}", scene.name);
    }

    /// Nor is what was undetermined known by what is not read.
    #[test]
    fn what_fails_makes_nothing_ready(at in 0..scenes().len(), source in source(), storm in storm(false)) {
        let scene = &scenes()[at];
        let (before, _) = scene.validate(&scene.root(source));
        let (after, said) = scene.validate(&scene.root(source).with_faults(storm));
        prop_assert!(
            before.verdict == Verdict::Ready || after.verdict != Verdict::Ready,
            "{}: {said}", scene.name,
        );
    }

    /// An unread fact accuses nobody.
    #[test]
    fn what_fails_blocks_nothing(at in 0..scenes().len(), source in source(), storm in storm(false)) {
        let scene = &scenes()[at];
        let (before, _) = scene.validate(&scene.root(source));
        let (after, said) = scene.validate(&scene.root(source).with_faults(storm));
        prop_assert!(before.verdict != Verdict::Ready || !is_accused(&after), "{}: {said}", scene.name);
    }

    #[test]
    fn a_host_that_fails_and_vanishes_is_told_in_every_format(
        at in 0..scenes().len(), source in source(), storm in storm(true),
    ) {
        let scene = &scenes()[at];
        scene.whole_run(&scene.root(source).with_faults(storm));
    }
}

/// Where a sample host stands.
fn sample(name: &str) -> std::path::PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "examples/hosts", name].iter().collect()
}

const SAMPLES: [(&str, Verdict); 3] = [
    ("ready", Verdict::Ready),
    ("gpu-held-by-nvidia", Verdict::Blocked),
    ("iommu-off-in-firmware", Verdict::Blocked),
];

/// One plan on a sample host, read from the disk.
fn on_disk(name: &str, injected: Injected) -> (Verdict, String) {
    let scene = Scene {
        name: name.to_owned(),
        tree: crate::host::Tree::default(),
        text: crate::rules::example::ONE_GPU.to_owned(),
        policy: crate::policy::Policy::default(),
    };
    let (judged, said) = injected::with(injected, || {
        let root = Root::open(Some(&sample(name))).expect("an injected fault spares sys/");
        scene.validate(&root)
    });
    (judged.verdict, said)
}

fn nothing() -> Injected {
    Injected { instead: Box::new(|| None), shortened: Box::new(|length| length) }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn signals_and_short_reads_change_nothing(seed: u64, often in 1u64..8, pieces in 1usize..300) {
        for (name, verdict) in SAMPLES {
            let (mut asked, mut struck) = (0, false);
            let whole = on_disk(name, nothing());
            let instead = move || {
                asked += 1;
                // Never twice running, or a call would be made for ever.
                struck = !struck && number((seed, asked)) % often == 0;
                struck.then_some(Errno::INTR)
            };
            let injected = Injected { instead: Box::new(instead), shortened: Box::new(move |_| pieces) };
            let torn = on_disk(name, injected);
            prop_assert_eq!(&whole, &torn);
            prop_assert_eq!(whole.0, verdict);
        }
    }

    #[test]
    fn errors_of_the_kernel_make_nothing_ready(seed: u64, share in 1u64..300) {
        const ERRORS: [Errno; 14] = [
            Errno::ACCESS, Errno::PERM, Errno::IO, Errno::NODEV, Errno::NXIO, Errno::STALE, Errno::MFILE,
            Errno::NFILE, Errno::NOMEM, Errno::AGAIN, Errno::TIMEDOUT, Errno::LOOP, Errno::NAMETOOLONG, Errno::INVAL,
        ];
        for (name, verdict) in SAMPLES {
            let mut asked = 0;
            let instead = move || {
                asked += 1;
                let chance = number((seed, asked));
                // The first calls find the root and its sys/.
                let struck = asked > 4 && chance % 1000 < share;
                struck.then(|| ERRORS[usize::try_from(chance / 1000 % 14).expect("it is small")])
            };
            let injected = Injected { instead: Box::new(instead), ..nothing() };
            let (after, said) = on_disk(name, injected);
            prop_assert!(verdict == Verdict::Ready || after != Verdict::Ready, "{}: {}", name, said);
            prop_assert!(verdict != Verdict::Ready || after != Verdict::Blocked, "{}: {}", name, said);
        }
    }
}

/// Without the tests above nobody would see that nothing is struck.
#[test]
fn a_storm_strikes() {
    let scene = blocked()[0];
    let storm = Storm { seed: 1, share: 1000, fickle: false, lies: false, asked: Cell::new(0) };
    let (judged, _) = scene.validate(&Root::memory(scene.tree.clone()).with_faults(storm));
    assert_eq!(judged.verdict, Verdict::Undetermined);
    assert!(judged.findings.is_empty(), "{judged:#?}");
}
