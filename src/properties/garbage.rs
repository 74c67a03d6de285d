//! Hosts of arbitrary bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{Scene, asked, blocked, cases, scenes};
use crate::host::{Asked, Entry, Root, Tree, Why};
use crate::policy::{Policy, Verdict};
use crate::rules::example::ONE_GPU;

/// What stands at a path.
#[derive(Debug, Clone)]
enum Thing {
    Bytes(Vec<u8>),
    Folder,
    /// To a path that is asked for too.
    Link(Index),
    Anywhere(String),
    Unknown(Why),
}

/// Pieces of what the kernel writes, so that a reader goes on past the first word.
const WORDS: [&str; 40] = [
    "0",
    "1",
    "-1",
    "16",
    "4096",
    "18446744073709551616",
    "0x",
    "0x0300",
    "0xffffffffffffffff",
    "Y",
    "N",
    "D0",
    "D3cold",
    "unknown",
    "vfio",
    "nvidia",
    "DRIVER=nvidia",
    "DRIVER=",
    "PCI_CLASS=30000",
    "PCI_ID=10DE:2684",
    "PCI_SLOT_NAME=0000:01:00.0",
    "0000:01:00.0",
    "0000:02:00.0",
    "intel_iommu=off",
    "iommu=pt",
    "vfio-pci.ids=10de:2684",
    "options",
    "vfio_pci",
    "ids=",
    "ATTR{vendor}==",
    "CONFIG_VFIO=y",
    "CONFIG_",
    "alias",
    "pci:v000010DEd*",
    "\u{feff}",
    "é",
    "/dev/nvme0n1p2",
    "ext4",
    "::/0",
    "Huge",
];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let separator = select(vec![" ", "\n", "\t", ":", ",", "=", "\0", "", "-"]);
    vec((select(WORDS.to_vec()), separator), 0..12).prop_map(|words| {
        words.into_iter().flat_map(|(word, end)| [word, end]).collect::<String>().into_bytes()
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![2 => vec(any::<u8>(), 0..80), 3 => text()]
}

fn thing() -> impl Strategy<Value = Thing> {
    let why = select(vec![
        Why::Denied,
        Why::Vanished,
        Why::NotCaptured,
        Why::Failed { error: "Input/output error".to_owned() },
    ]);
    prop_oneof![
        8 => bytes().prop_map(Thing::Bytes),
        1 => Just(Thing::Folder),
        2 => any::<Index>().prop_map(Thing::Link),
        1 => "(\\.\\./|/|[a-z0-9.:]{1,8}){0,5}".prop_map(Thing::Anywhere),
        1 => why.prop_map(Thing::Unknown),
    ]
}

/// Places among all that is asked for, and what stands there.
fn things(most: usize) -> impl Strategy<Value = Vec<(Index, Thing)>> {
    vec((any::<Index>(), thing()), 1..most)
}

fn put(tree: &mut Tree, path: &str, thing: &Thing) {
    let entry = match thing {
        Thing::Bytes(bytes) => Entry::File(bytes.clone()),
        Thing::Folder => Entry::Folder,
        Thing::Link(index) => Entry::Link(index.get(asked()).0.clone()),
        Thing::Anywhere(target) => Entry::Link(target.clone()),
        Thing::Unknown(why) => Entry::Unknown(why.clone()),
    };
    tree.remove(path);
    tree.put(path, entry);
}

/// The path on a host where what is asked for really stands, so that the bytes arrive.
fn place(tree: &Tree, path: &str) -> String {
    Root::memory(tree.clone()).real_path(path)
}

proptest! {
    #![proptest_config(cases(25))]

    /// No chance makes a function whose driver is vfio-pci, in a group, behind an IOMMU.
    #[test]
    fn a_host_of_garbage_is_never_ready(things in things(400)) {
        let mut tree = Tree::default();
        tree.folder("/sys/bus/pci/devices/0000:01:00.0");
        for (index, thing) in &things {
            put(&mut tree, &index.get(asked()).0, thing);
        }
        let (name, text) = (String::new(), ONE_GPU.to_owned());
        let scene = Scene { name, tree, text, policy: Policy::default() };
        let judged = scene.whole_run(&Root::memory(scene.tree.clone()));
        prop_assert_ne!(judged.verdict, Verdict::Ready);
    }

    /// A host that is well, but for some of its files.
    #[test]
    fn a_host_with_garbage_is_told_in_every_format(at in 0..scenes().len(), things in things(40)) {
        let scene = &scenes()[at];
        let mut tree = scene.tree.clone();
        for (index, thing) in &things {
            let path = place(&tree, &index.get(asked()).0);
            put(&mut tree, &path, thing);
        }
        scene.whole_run(&Root::memory(tree));
    }
}

/// No file of the kernel's begins like this, so nothing else can have been meant. It is text, and a
/// reader that passes over lines it does not know would lose what stood there.
fn rubbish() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => bytes().prop_map(|bytes| [&b"\xff\0"[..], &bytes].concat()),
        1 => Just(b"\0".to_vec()),
        1 => Just(b"\xc3\x28".to_vec()),
    ]
}

/// A file makes its folder, and that there is one tells something: of an IOMMU, or of a module.
fn has_folder(tree: &Tree, path: &str) -> bool {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let below = format!("{folder}/");
    tree.entries().any(|(path, _)| path == folder || path.starts_with(&below))
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn garbage_never_makes_a_blocked_host_ready(
        at in 0..blocked().len(), things in vec((any::<Index>(), rubbish()), 1..8),
    ) {
        let scene = blocked()[at];
        let mut tree = scene.tree.clone();
        let files: Vec<&str> = asked().iter().filter(|(_, asked)| *asked == Asked::Text).map(|(path, _)| path.as_str()).collect();
        for (index, bytes) in things {
            let path = place(&tree, files[index.index(files.len())]);
            if has_folder(&tree, &path) {
                put(&mut tree, &path, &Thing::Bytes(bytes));
            }
        }
        let (judged, said) = scene.validate(&Root::memory(tree));
        prop_assert!(judged.verdict != Verdict::Ready, "{}: {said}", scene.name);
    }
}
