//! Completions and manual pages.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files and start the program"
)]

mod common;

use std::fs;
use std::process::Command;

use common::{GPU, READY, run, run_with, sample, skipped};

/// What bash is told for the words typed.
fn candidates(words: &[&str]) -> Vec<String> {
    let ran = run_with(|command| {
        command
            .env("AI_HOW_COMPLETE", "bash")
            .env("_CLAP_IFS", "\n")
            .env("_CLAP_COMPLETE_COMP_TYPE", "9")
            .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
            .env("AI_HOW_ROOT", sample(READY))
            .arg("--")
            .args(words)
    });
    assert_eq!(ran.status, 0, "{ran:?}");
    ran.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn codes_devices_and_words_are_offered() {
    assert!(candidates(&["ai-how", "val"]).contains(&"validate".to_owned()));
    assert_eq!(candidates(&["ai-how", "explain", "AH302"]), ["AH302"]);
    assert!(candidates(&["ai-how", "inventory", "pcie", "0000:01"]).contains(&GPU.to_owned()));
    assert_eq!(candidates(&["ai-how", "inventory", "pcie", "--group", "16"]), ["16"]);
    assert!(
        candidates(&["ai-how", "inventory", "pcie", "--driver", ""]).contains(&"nvme".to_owned())
    );
    assert!(candidates(&["ai-how", "validate", "Cargo.t"]).contains(&"Cargo.toml".to_owned()));
}

/// Nobody wants an error between two words of a command.
#[test]
fn a_host_that_cannot_be_read_offers_nothing() {
    let ran = run_with(|command| {
        command
            .env("AI_HOW_COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", "3")
            .env("AI_HOW_ROOT", "/does/not/exist")
            .args(["--", "ai-how", "inventory", "pcie", "0000"])
    });
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
}

#[test]
fn every_shell_has_its_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(["completions", shell]).stdout;
        assert!(script.contains("AI_HOW_COMPLETE"), "{shell}: {script}");
    }
    run(["completions", "tcsh"]).could_not_run();
}

/// In a real bash, with the colons of an address.
#[test]
fn bash_completes_an_address() {
    let Ok(version) = Command::new("bash").arg("--version").output() else {
        skipped("bash_completes_an_address", "bash is not installed");
        return;
    };
    assert!(version.status.success());
    let script = run(["completions", "bash"]).stdout;
    let program = env!("CARGO_BIN_EXE_ai-how");
    let folder = std::path::Path::new(program).parent().unwrap().display().to_string();
    let test = format!(
        "PATH={folder}:$PATH\n{script}\nCOMP_WORDS=(ai-how inventory pcie 0000:01:00.0)\nCOMP_CWORD=3\nCOMP_TYPE=9\n_clap_complete_ai_how ai-how 0000:01:00.0 pcie\necho \"${{COMPREPLY[*]}}\"\ncase $COMP_WORDBREAKS in *:*) echo breaks;; esac\n"
    );
    let ran = Command::new("bash")
        .args(["--norc", "-c", &test])
        .env("AI_HOW_ROOT", sample(READY))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(said.trim(), GPU, "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn every_command_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(["man", "--all", folder.path().to_str().unwrap()]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""), "{ran:?}");
    let names: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for page in ["ai-how.1", "ai-how-validate.1", "ai-how-inventory-gpu.1", "ai-how-man.1"] {
        assert!(names.iter().any(|name| name == page), "{page}: {names:?}");
    }
    let one = fs::read_to_string(folder.path().join("ai-how-validate.1")).unwrap();
    assert_eq!(one, run(["man", "validate"]).stdout);
    assert!(one.contains("allow\\-partial\\-groups"), "{one}");
    run(["man", "fly"]).could_not_run();
    run(["man", "--all", "/does/not/exist"]).could_not_run();
}

#[test]
fn pages_are_sound_roff() {
    if Command::new("mandoc").arg("-V").output().is_err() {
        skipped("pages_are_sound_roff", "mandoc is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    run(["man", "--all", folder.path().to_str().unwrap()]);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let page = entry.unwrap().path();
        let ran =
            Command::new("mandoc").args(["-T", "lint", "-W", "error"]).arg(&page).output().unwrap();
        assert!(
            ran.status.success(),
            "{}: {}",
            page.display(),
            String::from_utf8_lossy(&ran.stdout)
        );
    }
}
