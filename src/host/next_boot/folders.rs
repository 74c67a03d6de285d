//! Folders of which the first that has a file of a name wins, read in the order of the names
//! (`modprobe.d(5)`, `udev(7)`; `libkmod/libkmod-config.c`, `conf_files_list`).

use std::collections::BTreeMap;

use super::super::reading::{Evidence, Gap, Reading, Why};
use super::super::root::Root;
use super::Told;

/// The texts of the files, and what could not be read.
pub(super) struct Files {
    texts: Vec<Reading<String>>,
    gaps: Vec<Gap>,
    looked: Vec<Evidence>,
}

impl Files {
    pub fn read(root: &Root, folders: &[&str], is_one: impl Fn(&str) -> bool) -> Self {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let mut gaps = Vec::new();
        let mut looked = Vec::new();
        for folder in folders {
            let listing = list(root, folder);
            let listing =
                listing.showing(|names| match names.iter().filter(|it| is_one(it)).count() {
                    0 => "(nothing there about it)".to_owned(),
                    1 => "1 file".to_owned(),
                    count => format!("{count} files"),
                });
            looked.push(listing.evidence());
            match listing.known() {
                Ok(names) => {
                    for name in names.into_iter().flatten().filter(|name| is_one(name)) {
                        files.entry(name.clone()).or_insert_with(|| format!("{folder}/{name}"));
                    }
                }
                Err(gap) => gaps.push(gap),
            }
        }
        let mut texts: Vec<Reading<String>> =
            files.values().map(|path| root.text(&path.as_str().into())).collect();
        // A link to /dev/null is how a file of a later folder is switched off.
        texts.retain(|text| !(text.is_unknown() && is_masked(root, text)));
        Self { texts, gaps, looked }
    }

    /// What `find` finds in each path and text.
    pub fn told<T>(self, mut find: impl FnMut(&str, &str) -> Vec<(T, String)>) -> Told<T> {
        let Self { texts, mut gaps, looked } = self;
        let mut known = Vec::new();
        for text in texts {
            let path = text.path().to_string();
            match text.known() {
                Ok(None) => {}
                Ok(Some(found)) => known.extend(
                    find(&path, found)
                        .into_iter()
                        .map(|(what, value)| (what, Evidence { path: path.clone(), value })),
                ),
                Err(gap) => gaps.push(gap),
            }
        }
        Told { known, gaps, looked }
    }
}

/// Names with one of these endings; case counts.
pub(super) fn ends_in(endings: &'static [&'static str]) -> impl Fn(&str) -> bool {
    |name| endings.iter().any(|ending| name.ends_with(ending))
}

/// In a copy a folder that is not there is absent too where one above it is known to be.
fn list(root: &Root, folder: &str) -> Reading<Vec<String>> {
    let listing = root.list(&folder.into());
    let absent = |at: usize| matches!(root.folder(&folder[..at]).known(), Ok(None));
    let lost = matches!(listing.known(), Err(Gap { why: Why::NotCaptured, .. }));
    if lost && folder.match_indices('/').skip(1).any(|(at, _)| absent(at)) {
        return Reading::absent(folder.into());
    }
    listing
}

fn is_masked(root: &Root, text: &Reading<String>) -> bool {
    let link = root.link(text.path());
    matches!(link.known(), Ok(Some(target)) if target.ends_with("dev/null"))
}

/// Lines, those that end in a backslash with the next one; without comments and empty ones.
pub(super) fn lines(text: &str) -> Vec<String> {
    let whole = text.replace("\\\r\n", "").replace("\\\n", "");
    let lines = whole.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}
