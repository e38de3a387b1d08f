//! dist/completions: what shells complete, made from the table of options. `UPDATE_GOLDEN=1 cargo test --test completions`
//! writes the files anew.

#![expect(clippy::disallowed_methods, reason = "runs shells and the program under test")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ucarp::config::completions;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/completions").join(name)
}

/// It is as the table has it, and the shell can read it.
fn as_made(name: &str, made: &str, shell: &str) {
    let file = file(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, made).unwrap();
    }
    let there = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(made, there, "{name}: UPDATE_GOLDEN=1 cargo test --test completions");
    let mut reads = Command::new(shell);
    match reads.arg("-n").arg(&file).stdin(Stdio::null()).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && said.is_empty(), "{shell}: {said}");
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let _ = writeln!(io::stderr(), "skipped: 1 (needs {shell})");
        }
        Err(error) => panic!("{shell}: {error}"),
    }
}

#[test]
fn bash_has_its_file() {
    as_made("ucarp.bash", &completions::bash(), "bash");
}

#[test]
fn zsh_has_its_file() {
    as_made("_ucarp", &completions::zsh(), "zsh");
}

#[test]
fn fish_has_its_file() {
    as_made("ucarp.fish", &completions::fish(), "fish");
}

/// The same of the other program.
#[test]
fn each_shell_has_a_file_for_the_tool() {
    as_made("ucarpctl.bash", &completions::verbs::bash(), "bash");
    as_made("_ucarpctl", &completions::verbs::zsh(), "zsh");
    as_made("ucarpctl.fish", &completions::verbs::fish(), "fish");
}

fn offered(words: &[&str]) -> BTreeSet<String> {
    offered_by("ucarp", words)
}

/// What bash offers for the last of these words, as it cuts them.
fn offered_by(program: &str, words: &[&str]) -> BTreeSet<String> {
    let script = format!(
        "source '{}' && COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) && _{program} && printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        file(&format!("{program}.bash")).display()
    );
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", &script, "bash", program]).args(words);
    let output = bash.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn bash_completes_options_and_what_they_take() {
    if Command::new("bash").arg("--version").output().is_err() {
        let _ = writeln!(io::stderr(), "skipped: 1 (needs bash)");
        return;
    }
    assert_eq!(offered(&["--hook-"]), set(&["--hook-failure", "--hook-timeout"]));
    assert_eq!(offered(&["--che"]), set(&["--check", "--check=syntax"]));
    assert!(offered(&[""]).len() > 40);
    for words in [&["--hook-failure", ""][..], &["--hook-failure", "="], &["--hook-failure", "=", ""]] {
        assert_eq!(offered(words), set(&["demote", "stay"]), "{words:?}");
    }
    assert_eq!(offered(&["--hook-failure=d"]), set(&["demote"]));
    assert_eq!(offered(&["--check", "=", ""]), set(&["syntax"]));
    assert!(offered(&["--check", ""]).contains("--config"), "it may stand alone");
    for words in [&["--syslog", "local1"][..], &["--facility", "local1"], &["-f", "local1"]] {
        assert_eq!(offered(words), set(&["local1"]), "{words:?}");
    }
    assert_eq!(offered(&["--config", "Cargo.t"]), set(&["Cargo.toml"]));
    assert_eq!(offered(&["--config", "=", "sr"]), set(&["src"]));
    assert_eq!(offered(&["--lockdir", "C"]), set(&[]), "not a directory");
    assert!(offered(&["--user", "roo"]).contains("root"));
    assert!(offered(&["--vhid", ""]).is_empty() && offered(&["--preempt", "=", ""]).is_empty());
    if Path::new("/sys/class/net/lo").exists() {
        assert!(offered(&["-i", "l"]).contains("lo") && offered(&["--interface", "=", "l"]).contains("lo"));
    }
}

#[test]
fn bash_completes_verbs_and_what_they_take() {
    if Command::new("bash").arg("--version").output().is_err() {
        let _ = writeln!(io::stderr(), "skipped: 1 (needs bash)");
        return;
    }
    let offered = |words: &[&str]| offered_by("ucarpctl", words);
    assert_eq!(offered(&["re"]), set(&["reload", "resign"]));
    assert!(offered(&[""]).contains("--json") && offered(&["--json", ""]).contains("status"));
    assert_eq!(offered(&["reload", "--"]), set(&["--dry-run", "--undo-after"]));
    assert_eq!(offered(&["reload", "--undo-after", ""]), set(&[]));
    assert_eq!(offered(&["maintenance", "o"]), set(&["on", "off"]));
    assert_eq!(offered(&["maintenance", "on", "--f"]), set(&["--for", "--force"]));
    for words in
        [&["wait", "web", "--state", "m"][..], &["wait", "--state", "=", "m"], &["wait", "--state=m"]]
    {
        assert_eq!(offered(words), set(&["master"]), "{words:?}");
    }
    assert!(offered(&["undo", ""]).is_empty());
    assert_eq!(offered(&["--control", "sr"]), set(&["src"]));
    // What is offered is understood.
    let verbs = offered(&[""]).into_iter().filter(|word| !word.starts_with('-'));
    for verb in verbs {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_ucarpctl"));
        let output = tool.args(["--control=/nonexistent", &verb]).env("LC_ALL", "C").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("no such verb"), "{said}");
    }
}

/// A command line with nothing wrong in it, but that the interface is missing.
const WELL: [&str; 5] = ["--check", "-inosuch0", "-v1", "-psecret", "-a192.0.2.10"];

/// What an option takes as one of several words is what the program takes.
#[test]
fn words_to_choose_from_are_those_that_are_understood() {
    let script = completions::bash();
    let lines: Vec<_> = script.lines().collect();
    let mut looked_at = 0;
    for pair in lines.windows(2) {
        let (Some(known), [names, _]) = (pair[1].trim().strip_prefix("_ucarp_offer -W '"), pair) else {
            continue;
        };
        let Some(option) = names.split([' ', ')']).find(|name| name.ends_with('=')) else { continue };
        let known: Vec<_> = known.trim_end_matches("' ;;").split(' ').collect();
        looked_at += 1;
        for word in known.iter().chain(&["nosuch"]) {
            let mut ucarp = Command::new(env!("CARGO_BIN_EXE_ucarp"));
            let output = ucarp.args(WELL).arg(format!("{option}{word}")).env("LC_ALL", "C").output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(said.contains(&format!("'{word}'")), *word == "nosuch", "{option}{word}: {said}");
            // A sentence that names all there are names these.
            let list = said.split_once("none of ").or_else(|| said.split_once("neither "));
            let list = list.and_then(|(_, list)| Some(list.split_once(" [UC")?.0));
            if let Some(list) = list.filter(|_| *word == "nosuch") {
                let named: Vec<_> =
                    list.trim().split([' ', ',']).filter(|word| !["", "nor"].contains(word)).collect();
                assert_eq!(named, known, "{option}");
            }
        }
    }
    assert_eq!(looked_at, 7);
}
