//! Files, TCP and signals, by Landlock (`Documentation/userspace-api/landlock.rst`).

use std::path::{Path, PathBuf};

use crate::cli::output::{is_special, place_of};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

/// From now on the calling thread opens no file but these, and below these folders. What is
/// written is put there through a file beside it, so its folder is open for that. Tells how it is
/// held, or why it is not.
pub fn confine(read: &[PathBuf], write: &[PathBuf]) -> Result<&'static str, String> {
    let status = restrict(read, write).map_err(|error| error.to_string())?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::FullyEnforced, _) => Ok("no file is opened that the command does not need"),
        (RulesetStatus::PartiallyEnforced, _) => Ok(
            "no file is opened that the command does not need, as far as this kernel can hold it",
        ),
        (_, LandlockStatus::NotEnabled) => Err("Landlock is not turned on in this kernel".into()),
        _ => Err("this kernel has no Landlock".into()),
    }
}

fn restrict(
    read: &[PathBuf],
    write: &[PathBuf],
) -> Result<landlock::RestrictionStatus, RulesetError> {
    // All that the last kernel can hold that the tests were run on; of an older one, what it can.
    let newest = ABI::V6;
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?
        .create()?;
    for path in read {
        let file = BitFlags::from(AccessFs::ReadFile);
        allow(&mut rules, path, if is_folder(path) { file | AccessFs::ReadDir } else { file });
    }
    for path in write {
        match place_of(path).parent() {
            // A device or a pipe is written as it is.
            _ if is_special(path) && !is_folder(path) => {
                allow(&mut rules, path, AccessFs::WriteFile.into());
            }
            Some(folder) if folder.as_os_str().is_empty() => put(&mut rules, Path::new(".")),
            Some(folder) => put(&mut rules, folder),
            None => {}
        }
    }
    rules.restrict_self()
}

/// A file is written beside the place that it then takes, where another may have stood.
fn put(rules: &mut RulesetCreated, folder: &Path) {
    allow(rules, folder, AccessFs::MakeReg | AccessFs::WriteFile | AccessFs::RemoveFile);
}

/// What cannot be opened now cannot be opened later either, and is told of then. A pipe has no place
/// among files, so that there is no rule for it, nor need of one.
fn allow(rules: &mut RulesetCreated, path: &Path, access: BitFlags<AccessFs>) {
    if let Ok(path) = PathFd::new(path) {
        let _ = rules.add_rule(PathBeneath::new(path, access));
    }
}

#[expect(clippy::disallowed_methods, reason = "paths of the command line are looked at")]
fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests try what is refused")]
mod tests {
    use std::fs;
    use std::io::{ErrorKind, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;

    fn refused<T>(what: &str, result: std::io::Result<T>) {
        let error = result.map(drop).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{what}: {error}");
    }

    /// In a thread of its own, as it alone is then shut in.
    #[test]
    fn who_is_shut_in_reaches_what_was_named_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["copy", "reports", "other"] {
            fs::create_dir(path(name)).unwrap();
            fs::write(path(name).join("file"), name).unwrap();
        }
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let how = confine(&[path("copy")], &[path("reports/report"), path("no/where")]);
                let wholly = match how {
                    Ok(how) => !how.contains("as far as"),
                    Err(why) => {
                        // Past the capture of a test's output.
                        let _ = writeln!(std::io::stderr(), "files: SKIPPED, {why}");
                        return;
                    }
                };
                assert_eq!(fs::read_to_string(path("copy/file")).unwrap(), "copy");
                assert_eq!(fs::read_dir(path("copy")).unwrap().count(), 1);
                refused("to write a copy", fs::write(path("copy/file"), ""));
                refused("to add to a copy", fs::write(path("copy/new"), ""));

                fs::write(path("reports/.new"), "new").unwrap();
                fs::rename(path("reports/.new"), path("reports/report")).unwrap();
                refused("to read a report", fs::read(path("reports/report")));

                refused("to read another file", fs::read(path("other/file")));
                refused("to list another folder", fs::read_dir(path("other")));
                refused("to write another file", fs::write(path("other/new"), ""));
                refused("to remove another file", fs::remove_file(path("other/file")));
                refused("to start a program", std::process::Command::new("/bin/true").status());
                let missing = fs::read(path("other/missing")).expect_err("it is not there");
                assert_eq!(missing.kind(), ErrorKind::NotFound);
                let nowhere = fs::write(path("no/where"), "").expect_err("there is no folder");
                assert_eq!(nowhere.kind(), ErrorKind::NotFound);
                if wholly {
                    refused("TCP", TcpStream::connect(address));
                    refused("a port", TcpListener::bind("127.0.0.1:0"));
                }
            });
        });
        fs::read(path("other/file")).expect("other threads are as free as before");
    }
}
