//! Whatever stands in brackets at the end of a log line stands in the manual, with what to do about it; and nothing
//! stands there that cannot be logged.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ucarp::protocol::Rejected;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The sources without their tests.
fn sources() -> Vec<String> {
    let (mut folders, mut texts) = (vec![root().join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src") {
            let path = entry.expect("src").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                let text = read(&path);
                texts.push(text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned());
            }
        }
    }
    texts
}

/// Identifiers of notices, such as UC1001.
fn ids(text: &str) -> BTreeSet<String> {
    let four = |at: usize| text.get(at..at + 6).filter(|id| id.bytes().skip(2).all(|b| b.is_ascii_digit()));
    text.match_indices("UC").filter_map(|(at, _)| four(at)).map(str::to_owned).collect()
}

/// The codes that one of our enums is known by outside.
fn codes_of(name: &str) -> BTreeSet<String> {
    let beginning = format!("\nimpl {name} {{");
    let sources = sources();
    let body = sources.iter().find_map(|text| Some(text.split_once(&beginning)?.1.split_once("\n}\n")?.0));
    let arms = body.unwrap_or_else(|| panic!("no impl {name}")).split("=> \"").skip(1);
    arms.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
}

/// An entry of a list in the manual: the words it is about, and its text.
struct Entry {
    words: Vec<String>,
    text: Vec<String>,
}

/// The entries below this heading, up to the next one.
fn entries(heading: &str) -> Vec<Entry> {
    let manual = read(&root().join("man/ucarp.8"));
    let (_, below) = manual.split_once(&format!("\n.Ss {heading}\n")).expect(heading);
    let mut entries: Vec<Entry> = Vec::new();
    for line in below.lines().take_while(|line| !line.starts_with(".Ss ") && !line.starts_with(".Sh ")) {
        if let Some(words) = line.strip_prefix(".It Li ") {
            entries.push(Entry { words: words.split(" , ").map(str::to_owned).collect(), text: Vec::new() });
        } else if let Some(entry) = entries.last_mut() {
            entry.text.push(line.to_owned());
        }
    }
    entries
}

fn words(entries: &[Entry]) -> BTreeSet<String> {
    entries.iter().flat_map(|entry| entry.words.clone()).collect()
}

fn assert_same(manual: &BTreeSet<String>, source: &BTreeSet<String>) {
    let missing: Vec<_> = source.difference(manual).collect();
    let needless: Vec<_> = manual.difference(source).collect();
    assert!(missing.is_empty(), "man/ucarp.8, DIAGNOSTICS, lacks {missing:?}");
    assert!(needless.is_empty(), "man/ucarp.8, DIAGNOSTICS, has {needless:?}, which nothing logs");
}

/// What it means and what to do are two sentences.
fn assert_remedies(entries: &[Entry]) {
    for entry in entries {
        let ends = |line: &&String| line.trim_end_matches(')').ends_with(['.', ':']);
        let sentences = entry.text.iter().filter(ends).count();
        assert!(sentences >= 2, "{:?}: what it means, and what to do about it", entry.words);
    }
}

#[test]
fn every_notice_is_in_the_manual_with_its_remedy() {
    let (notices, reasons): (Vec<_>, Vec<_>) = entries("Notices")
        .into_iter()
        .partition(|entry| entry.words.iter().all(|word| word.starts_with("UC")));
    let logged: BTreeSet<_> = sources().iter().flat_map(|text| ids(text)).collect();
    assert!(logged.len() > 25, "{logged:?}");
    assert_same(&words(&notices), &logged);
    assert_remedies(&notices);
    assert_same(&words(&reasons), &codes_of("Reason"));
}

#[test]
fn every_refusal_is_in_the_manual_with_its_remedy() {
    let refusals = entries("Refused frames");
    let codes = Rejected::ALL.iter().map(|rejected| rejected.code().to_owned()).collect();
    assert_same(&words(&refusals), &codes);
    assert_remedies(&refusals);
}

#[test]
fn what_a_demotion_is_for_is_in_the_manual() {
    let manual = read(&root().join("man/ucarp.8"));
    for code in codes_of("Demotion") {
        assert!(manual.contains(&format!(".Li {code}")), "{code}");
    }
}
