//! README and doc: whatever is linked is there, the files shown in them are files that `--config` reads, and the
//! identifiers named are those of the manual.

#![expect(clippy::disallowed_methods, reason = "runs the program under test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// README, and everything in doc, by their names from the root.
fn documents() -> BTreeMap<String, String> {
    let entries = fs::read_dir(root().join("doc")).expect("doc");
    let names = entries.map(|entry| format!("doc/{}", entry.expect("doc").file_name().to_string_lossy()));
    names.chain(["README.md".to_owned()]).map(|name| (name.clone(), read(&name))).collect()
}

/// Lines that are not shown as they are, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        !fence && !fenced && !line.starts_with("    ")
    })
}

/// What a heading is called in links to it.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|(_, line)| line.starts_with('#'));
    let anchor = |heading: &str| {
        let letters = heading.trim_start_matches('#').trim().to_lowercase();
        letters
            .chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect()
    };
    headings.map(|(_, heading)| anchor(heading)).collect()
}

/// Where the links of a line go.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0))
}

#[test]
fn what_is_linked_is_there() {
    let documents = documents();
    let mut count = 0;
    for (name, text) in &documents {
        for (number, line) in prose(text) {
            for link in links(line).filter(|link| !link.contains("://")) {
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let place = format!("{name}:{number}: {link}");
                let target = match file {
                    "" => root().join(name),
                    file => root().join(name).parent().expect("a folder").join(file),
                };
                let target = target.canonicalize().unwrap_or_else(|error| panic!("{place}: {error}"));
                if !anchor.is_empty() {
                    let there = anchors(&fs::read_to_string(target).expect("text"));
                    assert!(there.contains(anchor), "{place}: there are {there:?}");
                }
                count += 1;
            }
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn each_document_is_found_from_the_first_one_which_is_short() {
    let documents = documents();
    let first = &documents["README.md"];
    assert!(first.split_whitespace().count() <= 1500, "{} words", first.split_whitespace().count());
    let linked: BTreeSet<_> = first.lines().flat_map(links).collect();
    let lost: Vec<_> =
        documents.keys().filter(|name| *name != "README.md" && !linked.contains(name.as_str())).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn lines_fit_where_they_can_be_broken() {
    for (name, text) in documents() {
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with('|'))
        {
            assert!(line.chars().count() <= 120, "{name}:{number}: {} letters", line.chars().count());
        }
    }
}

#[test]
fn files_that_are_shown_can_be_read() {
    let folder = std::env::temp_dir().join(format!("ucarp-documents-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder");
    let mut count = 0;
    for text in documents().into_values() {
        for shown in text.split("```toml\n").skip(1) {
            let shown = shown.split("```").next().unwrap_or_default();
            let file = folder.join("ucarp.toml");
            fs::write(&file, shown).expect("a temporary file");
            ran(&["--check=syntax", "--config", file.to_str().expect("UTF-8")]);
            count += 1;
        }
    }
    fs::remove_dir_all(folder).expect("it was made");
    assert!(count > 3, "{count}");
}

/// What the program prints, which has nothing to complain of.
fn ran(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ucarp"));
    let output =
        command.env("LC_ALL", "C").env_remove("LANGUAGE").args(args).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{args:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn command_lines_that_are_shown_are_understood() {
    let mut count = 0;
    for text in documents().into_values() {
        let text = text.replace("\\\n", " ");
        for line in text.lines().filter_map(|line| line.strip_prefix("    ucarp ")) {
            // These look at files and interfaces.
            if ["--config=", "--check", "--sniff"].iter().all(|other| !line.contains(other)) {
                ran(&line.split_whitespace().chain(["--print-config"]).collect::<Vec<_>>());
                count += 1;
            }
        }
    }
    assert!(count > 2, "{count}");
}

#[test]
fn options_that_are_named_are_there() {
    let end = |text: &str| text.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(text.len());
    let help = ran(&["--help"]);
    // Of other commands.
    let theirs = ["--link", "--quick", "--kernel", "--compare", "--tag"];
    for (name, text) in documents() {
        for option in
            text.split("`--").skip(1).filter_map(|rest| Some(format!("--{}", rest.get(..end(rest))?)))
        {
            assert!(help.contains(&option) || theirs.contains(&&*option), "{name}: {option}");
        }
    }
}

#[test]
fn identifiers_that_are_named_are_in_the_manual() {
    let manual = read("man/ucarp.8") + &read("man/ucarp-messages.7");
    for (name, text) in documents() {
        for (at, _) in text.match_indices("UC").filter(|(at, _)| text[at + 2..].starts_with(char::is_numeric))
        {
            let id = &text[at..at + 6];
            assert!(manual.contains(id), "{name}: {id}");
        }
    }
}

/// Who publishes this writes the place into Cargo.toml; everybody else is sent there.
#[test]
fn the_place_of_the_sources_is_written_once() {
    let package = read("Cargo.toml");
    let place = package.lines().find_map(|line| line.strip_prefix("repository = \"")?.strip_suffix('"'));
    let place = place.expect("repository");
    for (name, text) in documents().into_iter().chain([("INSTALL".to_owned(), read("INSTALL"))]) {
        assert!(!text.contains(place), "{name}");
    }
}
