//! Files of the repository that the program makes: held equal to what it would make now, and
//! rewritten by `UPDATE=1 cargo test`.

#![expect(clippy::disallowed_methods, reason = "the files of the repository are read and written")]

mod reference;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::cli::args::Document;
use crate::cli::schema;
use crate::config;
use crate::host::fake::FakeHost;
use crate::host::{Entry, Host, Root, Tree};
use crate::policy::{self, Policy, Verdict};
use crate::report::explain;
use crate::report::paint::Paint;
use crate::report::text::{self, Amount};
use crate::rules;
use crate::source::Sources;
use reference::Page;

/// The sample hosts, and the verdict of `examples/gpu-node.yaml` on each.
fn samples() -> [(&'static str, FakeHost, Verdict); 3] {
    [
        ("ready", FakeHost::workstation(), Verdict::Ready),
        ("gpu-held-by-nvidia", FakeHost::gpu_held_by_nvidia(), Verdict::Blocked),
        (
            "iommu-off-in-firmware",
            FakeHost::workstation().iommu_off_in_firmware(),
            Verdict::Blocked,
        ),
    ]
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

/// What the repository holds at `path`, which an update makes `page`.
#[track_caller]
fn holds(path: &str, page: &str) {
    let file = repository(path);
    if is_update() {
        std::fs::write(&file, page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page, "{path} is not up to date: UPDATE=1 cargo test");
}

#[test]
fn the_page_of_the_rules_is_what_the_rules_say() {
    holds("docs/rules.md", &explain::markdown());
}

#[test]
fn the_page_of_troubles_is_what_is_said() {
    holds("docs/troubles.md", &rules::table::troubles::page());
}

#[test]
fn the_page_of_the_configuration_is_its_schema() {
    let mut page = Page::new(
        "# The configuration, key by key\n\nGenerated from the schema that `ai-how schema config` prints \
         (`UPDATE=1 cargo test`). Every value may also be a [variable](#variable). How the two \
         shapes look is in [the README](../README.md#the-configuration).\n",
    );
    page.document("## The file", &schema::of(Document::Config));
    page.document("## The policy, `.ai-how.yaml`", &schema::of(Document::Policy));
    holds("docs/configuration.md", &page.finish());
}

#[test]
fn the_page_of_json_is_its_schemas() {
    let mut page = Page::new(
        "# The JSON documents, key by key\n\nGenerated from the schemas that `ai-how schema` prints \
         (`UPDATE=1 cargo test`). Within a version (`ai-how/validate/1`) fields are only ever \
         added; a key that is not required may be null or missing.\n",
    );
    for document in Document::value_variants() {
        let word = document.to_possible_value().expect("none is hidden");
        if !matches!(document, Document::Config | Document::Policy) {
            page.document(
                &format!("## `ai-how schema {}`", word.get_name()),
                &schema::of(*document),
            );
        }
    }
    holds("docs/json.md", &page.finish());
}

#[test]
fn the_page_of_remedies_is_what_is_said() {
    let page = rules::table::distributions::page();
    let path = repository("docs/remedies.md");
    if is_update() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == page, "docs/remedies.md is not up to date: UPDATE=1 cargo test");
}

#[test]
fn the_sample_hosts_are_what_the_code_makes() {
    for (name, host, _) in samples() {
        let base = repository("examples/hosts").join(name);
        let wanted = entries(&host.tree());
        if is_update() {
            let _ = std::fs::remove_dir_all(&base);
            write(&base, &wanted);
        }
        let mut found = BTreeMap::new();
        walk(&base, "", &mut found);
        assert!(found == wanted, "examples/hosts/{name} is not up to date: UPDATE=1 cargo test");
    }
    a_directory_is_judged_as_the_tree_it_was_made_from();
}

/// The same report from both, but for the root's name.
fn a_directory_is_judged_as_the_tree_it_was_made_from() {
    let mut sources = Sources::default();
    sources.open(&repository("examples/gpu-node.yaml")).unwrap();
    let config = config::load(&sources, &|_| None).unwrap();
    for (name, host, verdict) in samples() {
        let report = |root: Root| {
            let host = Host::read(&root, &rules::need(&config));
            let answers = rules::run(&config, Some(&host));
            let judged = policy::judge(answers, &config, Some(&host), Policy::default());
            let text = text::validate(&judged, &config, &sources, Paint::PLAIN, Amount::Verbose);
            (judged.verdict, text)
        };
        let memory = report(Root::memory(host.tree()));
        let directory = report(Root::open(Some(&repository("examples/hosts").join(name))).unwrap());
        assert_eq!(memory, directory, "{name}");
        assert_eq!(memory.0, verdict, "{name}: {}", memory.1);
    }
}

/// Version control keeps no empty folder, so each holds a file that no reader looks at.
fn entries(tree: &Tree) -> BTreeMap<String, Entry> {
    let mut all: BTreeMap<String, Entry> =
        tree.entries().map(|(path, entry)| (path.to_owned(), entry.clone())).collect();
    let folders: Vec<String> = all
        .iter()
        .filter(|(_, entry)| **entry == Entry::Folder)
        .map(|(path, _)| path.clone())
        .collect();
    for folder in folders {
        let below = format!("{folder}/");
        if !all.keys().any(|path| path.starts_with(&below)) {
            all.insert(format!("{folder}/.gitkeep"), Entry::File(Vec::new()));
        }
        all.remove(&folder);
    }
    all
}

fn write(base: &Path, entries: &BTreeMap<String, Entry>) {
    for (path, entry) in entries {
        let place = base.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        match entry {
            Entry::File(bytes) => std::fs::write(place, bytes).unwrap(),
            Entry::Link(target) => std::os::unix::fs::symlink(target, place).unwrap(),
            Entry::Folder | Entry::Unknown(_) => panic!("{path} is neither file nor link"),
        }
    }
}

fn walk(base: &Path, path: &str, found: &mut BTreeMap<String, Entry>) {
    for entry in std::fs::read_dir(base.join(path.trim_start_matches('/'))).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{path}/{}", entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            walk(base, &path, found);
        } else if kind.is_symlink() {
            let target = std::fs::read_link(entry.path()).unwrap();
            found.insert(path, Entry::Link(target.to_str().unwrap().to_owned()));
        } else {
            found.insert(path, Entry::File(std::fs::read(entry.path()).unwrap()));
        }
    }
}
