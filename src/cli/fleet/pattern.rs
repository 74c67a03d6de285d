//! What a pattern names that the shell did not expand, as a shell would.

use std::ffi::OsString;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern, PatternError};

/// Hidden files are asked for by their dot.
const AS_SHELLS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// A path that there is, or a folder that could not be listed.
pub type Match = Result<PathBuf, (PathBuf, Error)>;

/// By name. The crate's own walk stops the program at a name that is no text.
pub fn matches(pattern: &str) -> Result<Vec<Match>, PatternError> {
    let (start, rest) = match pattern.strip_prefix('/') {
        Some(rest) => ("/", rest),
        None => ("", pattern),
    };
    let mut found: Vec<Match> = vec![Ok(start.into())];
    for part in rest.split('/').filter(|part| !part.is_empty()) {
        if !part.contains(['*', '?', '[']) {
            found = found.into_iter().map(|it| it.map(|path| path.join(part))).collect();
            continue;
        }
        let part = Pattern::new(part)?;
        let next = found.into_iter().flat_map(|it| match it {
            Ok(folder) => within(&folder, &part),
            Err(error) => vec![Err(error)],
        });
        found = next.collect();
    }
    let there = |it: &Match| it.as_ref().map_or(true, |path| is_there(path));
    Ok(found.into_iter().filter(there).collect())
}

#[expect(clippy::disallowed_methods, reason = "what the command line names is looked for")]
fn within(folder: &Path, part: &Pattern) -> Vec<Match> {
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let listed = std::fs::read_dir(place).and_then(|entries| {
        entries.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<OsString>, Error>>()
    });
    match listed {
        Ok(mut names) => {
            names.retain(|name| part.matches_with(&name.to_string_lossy(), AS_SHELLS));
            names.sort_unstable();
            names.into_iter().map(|name| Ok(folder.join(name))).collect()
        }
        Err(error) if is_absence(&error) => Vec::new(),
        Err(error) => vec![Err((place.to_owned(), error))],
    }
}

#[expect(clippy::disallowed_methods, reason = "what the command line names is looked for")]
fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).map_or_else(|error| !is_absence(&error), |_| true)
}

/// Below what is no folder, there is nothing.
fn is_absence(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make files")]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn names(folder: &Path, pattern: &str) -> Vec<OsString> {
        let pattern = format!("{}/{pattern}", folder.display());
        let found = matches(&pattern).unwrap().into_iter().map(Result::unwrap);
        found.map(|path| path.strip_prefix(folder).unwrap().as_os_str().to_owned()).collect()
    }

    #[test]
    fn names_are_matched_as_a_shell_does() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &OsStr| std::fs::write(folder.path().join(name), "").unwrap();
        for name in ["b.snap", "a.snap", ".hidden.snap", "c.txt"] {
            put(OsStr::new(name));
        }
        std::fs::create_dir(folder.path().join("rack")).unwrap();
        put(OsStr::new("rack/d.snap"));
        assert_eq!(names(folder.path(), "*.snap"), ["a.snap", "b.snap"]);
        assert_eq!(names(folder.path(), ".h*"), [".hidden.snap"]);
        assert_eq!(names(folder.path(), "[ab].sna?"), ["a.snap", "b.snap"]);
        assert_eq!(names(folder.path(), "r*/d.snap"), ["rack/d.snap"]);
        assert_eq!(names(folder.path(), "c*/d.snap"), [""; 0]);
        assert_eq!(names(folder.path(), "*/missing.snap"), [""; 0]);
    }

    #[test]
    fn a_name_that_is_no_text_is_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let name = OsStr::from_bytes(b"r\xe9sum\xe9.snap");
        std::fs::write(folder.path().join(name), "").unwrap();
        assert_eq!(names(folder.path(), "*.snap"), [name]);
        assert_eq!(names(folder.path(), "[a-z]*.txt"), [""; 0]);
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        assert!(matches("a[").is_err() && matches("a**b").is_err());
    }
}
