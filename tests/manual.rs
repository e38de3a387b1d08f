//! Whatever stands in brackets at the end of a log line stands in the manual, with what to do about it; and nothing
//! stands there that cannot be logged. So it is with options, keys of the file and exit statuses. The examples are
//! understood.

#![expect(clippy::disallowed_methods, reason = "runs the program under test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ucarp::config::file;
use ucarp::daemon::BUG;
use ucarp::ids;
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
    let manual = page("ucarp.8");
    let (_, below) = manual.split_once(&format!("\n.Ss {heading}\n")).expect(heading);
    entries_of(below.lines().take_while(|line| !line.starts_with(".Ss ") && !line.starts_with(".Sh ")))
}

fn entries_of<'l>(lines: impl Iterator<Item = &'l str>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in lines {
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
    // The others are in ucarp-messages(7).
    let logged = ids::ALL.iter().filter(|id| **id < "UC3").map(|id| (*id).to_owned()).collect();
    assert_same(&words(&notices), &logged);
    assert_remedies(&notices);
    assert_same(&words(&reasons), &codes_of("Reason"));
}

/// Those of what a running daemon has to tell are the notices.
#[test]
fn every_error_and_warning_is_in_its_manual_with_its_remedy() {
    let messages = page("ucarp-messages.7");
    let entries = entries_of(messages.lines());
    let described: Vec<&str> = entries.iter().flat_map(|entry| &entry.words).map(String::as_str).collect();
    let said: Vec<&str> = ids::ALL.iter().copied().filter(|id| *id >= "UC3").collect();
    assert_eq!(described, said, "man/ucarp-messages.7 has each once, in order");
    assert_remedies(&entries);
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

fn page(name: &str) -> String {
    read(&root().join("man").join(name))
}

/// From one heading to the next one of its kind.
fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let (_, below) = page.split_once(&format!("\n.Sh {heading}\n")).expect(heading);
    below.split("\n.Sh ").next().unwrap_or_default()
}

/// What the entries of lists begin with.
fn tags<'p>(text: &'p str, macros: &str) -> BTreeSet<&'p str> {
    let tag = |line: &'p str| line.strip_prefix(macros)?.split_whitespace().next();
    text.lines().filter_map(tag).collect()
}

#[test]
fn every_key_is_in_the_manual_of_the_file_and_no_other() {
    let page = page("ucarp.toml.5");
    let mut described = tags(section(&page, "A VIRTUAL HOST"), ".It Cm ");
    let daemon = tags(section(&page, "THE DAEMON"), ".It Cm ");
    assert!(described.is_disjoint(&daemon));
    described.extend(daemon);
    described.extend(
        ["A GROUP", "A CHECK"].into_iter().flat_map(|heading| tags(section(&page, heading), ".It Cm ")),
    );
    let keys: BTreeSet<_> = file::keys().into_iter().collect();
    assert_eq!(described, keys, "man/ucarp.toml.5");
    for table in ["include", "config-version"] {
        assert!(tags(section(&page, "TABLES"), ".It Cm ").contains(table), "{table}");
    }
    let changes = section(&page, "READING IT AGAIN").lines().filter_map(|line| line.strip_prefix(".It Cm "));
    for key in changes.flat_map(|line| line.split(" Ta").next().unwrap_or_default().split(" , ")) {
        assert!(keys.contains(key), "man/ucarp.toml.5, READING IT AGAIN: {key}");
    }
}

/// What stands behind two dashes.
fn long_names(text: &str) -> BTreeSet<&str> {
    let end = |rest: &str| rest.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(rest.len());
    text.split("--")
        .skip(1)
        .filter_map(|rest| rest.get(..end(rest)))
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn every_option_is_in_the_manual_and_no_other() {
    let (page, help) = (page("ucarp.8"), ran(&["--help"]));
    let options = long_names(&help);
    assert!(options.len() > 40, "{options:?}");
    // Of the ancestor's documents, and not in the help.
    let old = ["mcastip", "syslog"];
    let in_macros = |line: &&str| [".It Fl ", ".Fl ", ".Op Fl "].iter().any(|start| line.starts_with(start));
    let words = page.lines().filter(in_macros).flat_map(str::split_whitespace);
    let named: BTreeSet<_> =
        words.filter_map(|word| word.strip_prefix('-')).filter(|name| !name.is_empty()).collect();
    let lacking: Vec<_> = options.difference(&named).collect();
    assert!(lacking.is_empty(), "man/ucarp.8 lacks {lacking:?}");
    let unknown: Vec<_> = named.difference(&options).filter(|name| !old.contains(name)).collect();
    assert!(unknown.is_empty(), "man/ucarp.8 has {unknown:?}, which there is not");
}

#[test]
fn every_exit_status_is_in_the_manual_and_no_other() {
    let page = page("ucarp.8");
    let bug = BUG.to_string();
    let statuses = tags(section(&page, "EXIT STATUS"), ".It ");
    assert_eq!(statuses, BTreeSet::from(["0", "1", "2", &*bug]));
}

/// Something that is shown as it is.
struct Shown<'p> {
    /// The name of the file that it is, if that stands above it.
    file: Option<&'p str>,
    text: String,
}

fn shown(page: &str) -> Vec<Shown<'_>> {
    let parts: Vec<_> = page.split("\n.Bd -literal -offset indent\n").collect();
    let above = parts.iter().map(|part| part.lines().last().and_then(|line| line.strip_prefix(".Pa ")));
    let texts = parts.iter().skip(1).map(|part| part.split("\n.Ed").next().unwrap_or_default());
    above
        .zip(texts)
        .map(|(above, text)| Shown {
            file: above.map(|name| name.trim_end_matches(" :")),
            text: text.replace("\\e", "\\"),
        })
        .collect()
}

/// The program under test, which has nothing to complain of.
fn ran(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ucarp"));
    let output =
        command.args(args).env("LC_ALL", "C").env_remove("LANGUAGE").output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{args:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ucarp-manual-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("conf.d")).expect("a temporary folder");
        Self(folder)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a temporary file");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_in_the_manual_are_understood() {
    let mut count = 0;
    for page in [page("ucarp.toml.5"), page("ucarp.8")] {
        let mut files = shown(&page)
            .into_iter()
            .filter(|shown| shown.text.contains("\nvhid = ") || shown.text.starts_with("include = "))
            .peekable();
        while let Some(main) = files.next() {
            let folder = Folder::new("files");
            while let Some(included) = files.next_if(|next| next.file.is_some()) {
                folder.file(included.file.unwrap_or_default(), &included.text);
            }
            ran(&["--check=syntax", "--config", &folder.file("ucarp.toml", &main.text)]);
            count += 1;
        }
    }
    assert!(count > 7, "{count}");
}

/// Each is understood, and so is the file that asks for the same.
#[test]
fn command_lines_in_the_manual_are_understood() {
    let (page, folder) = (page("ucarp.8"), Folder::new("commands"));
    let mut count = 0;
    for shown in shown(section(&page, "EXAMPLES")) {
        let text = shown.text.replace("\\\n", " ");
        for (_, words) in text.lines().filter_map(|line| line.split_once("# ucarp ")) {
            let words: Vec<_> = words.split_whitespace().chain(["--print-config"]).collect();
            ran(&["--check=syntax", "--config", &folder.file("ucarp.toml", &ran(&words))]);
            count += 1;
        }
    }
    assert!(count > 5, "{count}");
}
