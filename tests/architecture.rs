//! The walls between the rooms, which a single package has no compiler for. Plain text search, so it runs
//! everywhere and anybody can read what it forbids. Comments are not searched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

struct Source {
    /// Relative to the repository, with `/`.
    path: String,
    /// Without the tests at the end of the file.
    lines: usize,
    /// Without comment lines.
    code: String,
}

impl Source {
    fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.ends_with("/tests.rs")
    }

    /// Whether this is one of `places`: files, or rooms that end in a slash.
    fn is_in(&self, places: &[&str]) -> bool {
        places
            .iter()
            .any(|place| self.path == *place || (place.ends_with('/') && self.path.starts_with(place)))
    }
}

/// The part of a file before the tests at its end.
fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["src", "tests"].map(|folder| root.join(folder)).into();
    let mut files = vec![root.join("build.rs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    for file in files {
        let text = fs::read_to_string(&file).expect("a readable source");
        let lines = before_tests(&text).lines().count();
        let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let path = file.strip_prefix(root).expect("inside").to_string_lossy().into_owned();
        found.push(Source { path, lines, code: code.join("\n") });
    }
    assert!(found.len() > 15, "the sources were not found");
    found
}

/// Fails with every file that `offends`, saying `rule`.
fn forbid(rule: &str, offends: impl Fn(&Source) -> bool) {
    let offenders: Vec<_> = sources().into_iter().filter(offends).map(|source| source.path).collect();
    assert!(offenders.is_empty(), "{rule}: {offenders:?}");
}

/// Whether `word` stands in `code` on its own, not as the end of another name.
fn mentions(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|character| character.is_alphanumeric() || character == '_')
    })
}

#[test]
fn protocol_knows_nobody_and_touches_nothing() {
    let rooms = ["config", "daemon", "platform", "log", "i18n"].map(|room| format!("crate::{room}"));
    let system = ["fs", "os", "process", "thread", "env", "io"].map(|module| format!("std::{module}"));
    let clocks = ["Instant", "SystemTime"].map(str::to_owned);
    for word in rooms.iter().chain(&system).chain(&clocks) {
        forbid(&format!("protocol may not use {word}"), |source| {
            source.is_in(&["src/protocol/"])
                && !source.is_test()
                && mentions(before_tests(&source.code), word)
        });
    }
}

#[test]
fn config_points_only_at_protocol_and_the_translator() {
    for room in ["daemon", "platform", "log"] {
        let word = format!("crate::{room}");
        forbid(&format!("config may not use {word}"), |source| {
            source.is_in(&["src/config/"]) && mentions(&source.code, &word)
        });
    }
}

#[test]
fn platform_moves_bytes_and_names() {
    for room in ["protocol", "config", "daemon", "log", "i18n"] {
        let word = format!("crate::{room}");
        forbid(&format!("platform may not use {word}"), |source| {
            source.is_in(&["src/platform/"]) && mentions(&source.code, &word)
        });
    }
}

/// The constants of src/ids.rs, and what they stand for.
fn identifiers() -> Vec<(String, String)> {
    let table = sources().into_iter().find(|source| source.path == "src/ids.rs").expect("a table");
    let rows = table.code.lines().filter_map(|line| line.trim().strip_suffix("\";")?.split_once(" = \"UC"));
    rows.map(|(name, number)| (name.to_owned(), format!("UC{number}"))).collect()
}

#[test]
fn identifiers_stand_in_one_table_that_knows_nobody() {
    forbid("identifiers are constants of ids.rs", |source| {
        let code = before_tests(&source.code);
        let is_one = |(at, _): (usize, &str)| {
            code.get(at + 3..at + 7).is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        source.is_in(&["src/"])
            && !source.is_in(&["src/ids.rs"])
            && !source.is_test()
            && code.match_indices("\"UC").any(is_one)
    });
    forbid("ids.rs and platform may not use each other, nor ids.rs anybody else", |source| {
        source.path == "src/ids.rs" && mentions(before_tests(&source.code), "crate::")
            || source.is_in(&["src/platform/"]) && mentions(&source.code, "crate::ids")
    });
    let named = identifiers();
    let table: Vec<_> = named.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(table, ucarp::ids::ALL);
    let all = sources();
    let said = |name: &str| {
        let constant = format!("ids::{name}");
        let ends = |code: &str, at: usize| {
            !code[at + constant.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        };
        all.iter().filter(|source| source.is_in(&["src/"])).any(|source| {
            let code = before_tests(&source.code);
            code.match_indices(&constant).any(|(at, _)| ends(code, at))
        })
    };
    let unsaid: Vec<_> = named.iter().filter(|(name, _)| !said(name)).collect();
    assert!(unsaid.is_empty(), "nothing says {unsaid:?}: retire them");
}

#[test]
fn each_crate_has_one_door() {
    let doors: [(&str, &[&str]); 9] = [
        ("pcap::", &["src/daemon/capture.rs", "src/daemon/capture/"]),
        ("pcap_parser::", &["src/daemon/sniff/recording.rs"]),
        ("libc::", &["src/platform/"]),
        ("nix::", &["src/platform/"]),
        ("hmac::", &["src/protocol/auth.rs", "src/protocol/auth/"]),
        ("sha1::", &["src/protocol/auth.rs", "src/protocol/auth/"]),
        ("getopts::", &["src/config/cli.rs"]),
        ("toml::", &["src/config/file.rs", "src/config/file/"]),
        ("gettextrs::", &["src/i18n.rs"]),
    ];
    for (name, door) in doors {
        forbid(&format!("{name} belongs to {door:?}"), |source| {
            source.is_in(&["src/"]) && !source.is_in(door) && mentions(&source.code, name)
        });
    }
}

#[test]
fn the_operating_system_is_known_in_few_places() {
    let allowed = ["src/platform/mod.rs", "src/platform/bsd.rs", "build.rs", "tests/"];
    forbid("target_os is for platform/mod.rs, platform/bsd.rs and build.rs", |source| {
        !source.is_in(&allowed) && mentions(&source.code, "target_os")
    });
    forbid("unsafe is for platform", |source| {
        source.is_in(&["src/"]) && !source.is_in(&["src/platform/"]) && mentions(&source.code, "unsafe ")
    });
}

#[test]
fn files_are_found_by_a_noun_and_stay_readable() {
    forbid("no drawers for everything", |source| {
        let stem = Path::new(&source.path).file_stem().unwrap_or_default().to_string_lossy();
        ["util", "common", "helper", "misc", "types", "manager"].iter().any(|drawer| stem.contains(drawer))
    });
    // One table, of two lines for each.
    let is_table = |source: &Source| source.path == "src/ids.rs";
    forbid("no source over 600 lines", |source| !source.is_test() && !is_table(source) && source.lines > 600);
    forbid("main.rs has at most 60 lines", |source| source.path == "src/main.rs" && source.lines > 60);
    forbid("lib.rs has at most 80 lines", |source| source.path == "src/lib.rs" && source.lines > 80);
}

/// A room's files, each with the folder of its parts: a unit. A room's `mod.rs` is its door and no unit.
fn unit_of<'a>(path: &'a str, room: &str) -> Option<&'a str> {
    let rest = path.strip_prefix("src/")?.strip_prefix(room)?.strip_prefix('/')?;
    let unit = rest.split('/').next()?.trim_end_matches(".rs");
    (unit != "mod").then_some(unit)
}

/// What the door of a room hands out, and which unit it has that from.
fn handed_out(door: &str) -> Vec<(String, String)> {
    let flat = door.replace('\n', " ");
    let mut names = Vec::new();
    for statement in flat.split("use ").skip(1).filter_map(|rest| rest.split(';').next()) {
        let Some((unit, what)) = statement.split_once("::") else { continue };
        for name in what.trim_matches(|c| "{} ".contains(c)).split(',') {
            let name = name.trim().rsplit("::").next().unwrap_or_default();
            names.push((name.rsplit(" as ").next().unwrap_or_default().to_owned(), unit.trim().to_owned()));
        }
    }
    names
}

/// The words that follow `prefix` in the code, also inside braces: `super::{a, b::C}` gives a and b.
fn named_after(code: &str, prefix: &str) -> Vec<String> {
    let first = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let before = code.get(..at).and_then(|before| before.chars().next_back());
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = code.get(at + prefix.len()..).unwrap_or_default();
        let Some(inside) = rest.strip_prefix('{') else {
            found.push(first(rest));
            continue;
        };
        let (mut depth, mut part) = (0, String::new());
        for c in inside.chars() {
            match c {
                '}' if depth == 0 => break,
                ',' if depth == 0 => found.push(first(&std::mem::take(&mut part))),
                '{' | '}' => depth += if c == '{' { 1 } else { -1 },
                c => part.push(c),
            }
        }
        found.push(first(&part));
    }
    found
}

type Uses = BTreeMap<String, BTreeSet<String>>;

/// Who uses whom among the units of a room.
fn uses(room: &str) -> Uses {
    let all = sources();
    let door = all.iter().find(|source| source.path == format!("src/{room}/mod.rs"));
    let handed = handed_out(door.map(|door| before_tests(&door.code)).unwrap_or_default());
    let units: BTreeSet<_> = all.iter().filter_map(|source| unit_of(&source.path, room)).collect();
    let mut uses = Uses::new();
    for source in all.iter().filter(|source| !source.is_test()) {
        let Some(unit) = unit_of(&source.path, room) else { continue };
        let depth = source.path.matches('/').count() - 1 - usize::from(source.path.ends_with("/mod.rs"));
        let from_the_room = ["super::".repeat(depth), format!("crate::{room}::")];
        let code = before_tests(&source.code);
        for name in from_the_room.iter().flat_map(|prefix| named_after(code, prefix)) {
            let whose = handed.iter().find(|(known, _)| *known == name).map(|(_, whose)| whose);
            let other = whose.filter(|_| !units.contains(name.as_str())).unwrap_or(&name);
            if other != unit && units.contains(other.as_str()) {
                uses.entry(unit.to_owned()).or_default().insert(other.clone());
            }
        }
    }
    uses
}

/// What is left of `uses` when whoever uses nobody, and whom nobody uses, is left out for as long as there are any: circles,
/// and what lies between them.
fn circles(mut uses: Uses) -> Uses {
    loop {
        let before = uses.len();
        let users: BTreeSet<_> = uses.keys().cloned().collect();
        uses.values_mut().for_each(|whom| whom.retain(|other| users.contains(other)));
        let used: BTreeSet<_> = uses.values().flatten().cloned().collect();
        uses.retain(|unit, whom| !whom.is_empty() && used.contains(unit));
        if uses.len() == before {
            return uses;
        }
    }
}

#[test]
fn no_file_uses_one_that_uses_it() {
    let made = |pairs: &[(&str, &str)]| {
        let mut uses = Uses::new();
        pairs.iter().for_each(|(a, b)| _ = uses.entry((*a).into()).or_default().insert((*b).into()));
        circles(uses).into_keys().collect::<Vec<_>>()
    };
    assert_eq!(made(&[("a", "b"), ("b", "c"), ("a", "c")]), [""; 0]);
    assert_eq!(made(&[("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")]), ["b", "c"]);
    for room in ["protocol", "config", "daemon", "platform"] {
        let uses = uses(room);
        assert!(!uses.is_empty(), "who uses whom in {room} was not found");
        let circles = circles(uses);
        assert!(circles.is_empty(), "files of {room} go round in circles: {circles:?}");
    }
}
