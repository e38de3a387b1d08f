//! The catalogue and the sources tell the same story.
//!
//! Reads every `tr("...")` from the files where operator-facing sentences live and compares with
//! po/ucarp.pot; `UPDATE_POT=1 cargo test --test catalogue` rewrites that file. Translations must keep the
//! placeholders and the width of the help text. A translation that lacks messages is reported, not refused.

#![expect(clippy::disallowed_methods, reason = "runs the program and msgfmt")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The only files with sentences for operators; `report` is one in several parts.
const SPEAKERS: [&str; 10] = [
    "src/config/error.rs",
    "src/config/cli/usage.rs",
    "src/daemon/failure.rs",
    "src/daemon/place.rs",
    "src/daemon/start.rs",
    "src/daemon/report.rs",
    "src/daemon/report/notices.rs",
    "src/daemon/report/refusals.rs",
    "src/daemon/report/explanation.rs",
    "src/daemon/sniff/show.rs",
];

#[derive(Debug, PartialEq, Eq)]
struct Message {
    id: String,
    file: String,
    comment: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// The literal at the start of `code`, and its length there.
fn literal(code: &str) -> Option<String> {
    let mut value = String::new();
    let mut rest = code.trim_start().strip_prefix('"')?.chars();
    loop {
        match rest.next()? {
            '"' => return Some(value),
            '\\' => match rest.next()? {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                '\n' => rest = rest.as_str().trim_start().chars(),
                'u' => {
                    let (digits, after) = rest.as_str().strip_prefix('{')?.split_once('}')?;
                    value.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
                    rest = after.chars();
                }
                quoted @ ('"' | '\\' | '\'') => value.push(quoted),
                other => panic!("unexpected escape \\{other}"),
            },
            plain => value.push(plain),
        }
    }
}

/// Every message of one source, in order. The argument of `tr` must be a plain literal.
fn messages_of(file: &str, source: &str) -> Vec<Message> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut found = Vec::new();
    let mut from = 0;
    for (at, call) in
        source.match_indices("tr(").chain(source.match_indices("tr!(")).collect::<BTreeMap<_, _>>()
    {
        let before = &source[..at];
        let in_word = before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
        let in_comment = before.lines().next_back().is_some_and(|line| line.trim_start().starts_with("//"));
        if in_word || in_comment && !before.ends_with('\n') {
            continue;
        }
        let id = literal(&source[at + call.len()..])
            .unwrap_or_else(|| panic!("{file}: tr() of something that is no literal, after {before:.60}"));
        let comment = source[from..at]
            .rsplit_once("// TRANSLATORS:")
            .map(|(_, comment)| {
                let lines = format!("TRANSLATORS:{comment}");
                let mut lines = lines.lines();
                let first = lines.next().unwrap_or_default().to_owned();
                let more = lines.map_while(|line| line.trim().strip_prefix("//").map(str::to_owned));
                std::iter::once(first).chain(more).collect::<Vec<_>>().join("\n")
            })
            .unwrap_or_default();
        from = at;
        found.push(Message { id, file: file.to_owned(), comment });
    }
    found
}

fn messages() -> Vec<Message> {
    SPEAKERS
        .iter()
        .filter_map(|file| Some(messages_of(file, &fs::read_to_string(root().join(file)).ok()?)))
        .flatten()
        .collect()
}

fn quoted(keyword: &str, text: &str) -> String {
    let escape = |part: &str| {
        part.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t")
    };
    if !text.trim_end_matches('\n').contains('\n') {
        return format!("{keyword} \"{}\"\n", escape(text));
    }
    let lines: String = text.split_inclusive('\n').map(|part| format!("\"{}\"\n", escape(part))).collect();
    format!("{keyword} \"\"\n{lines}")
}

fn template() -> String {
    let mut pot = String::from(
        "# Messages of ucarp.\n\
         # Copyright (C) 2026 The ucarp authors\n\
         # This file is distributed under the same license as the ucarp package.\n\
         # Made by: UPDATE_POT=1 cargo test --test catalogue\n\
         #\n\
         msgid \"\"\n\
         msgstr \"\"\n\
         \"Project-Id-Version: ucarp\\n\"\n\
         \"Report-Msgid-Bugs-To: \\n\"\n\
         \"PO-Revision-Date: YEAR-MO-DA HO:MI+ZONE\\n\"\n\
         \"Last-Translator: FULL NAME <EMAIL@ADDRESS>\\n\"\n\
         \"Language-Team: LANGUAGE\\n\"\n\
         \"Language: \\n\"\n\
         \"MIME-Version: 1.0\\n\"\n\
         \"Content-Type: text/plain; charset=UTF-8\\n\"\n\
         \"Content-Transfer-Encoding: 8bit\\n\"\n",
    );
    let messages = messages();
    let mut written = BTreeSet::new();
    for message in &messages {
        if !written.insert(&message.id) {
            continue;
        }
        pot.push('\n');
        for line in message.comment.lines() {
            pot.push_str(&format!("#. {}\n", line.trim()));
        }
        let files: BTreeSet<_> =
            messages.iter().filter(|m| m.id == message.id).map(|m| m.file.as_str()).collect();
        for file in files {
            pot.push_str(&format!("#: {file}\n"));
        }
        pot.push_str(&quoted("msgid", &message.id));
        pot.push_str("msgstr \"\"\n");
    }
    pot
}

/// msgid to msgstr; entries marked fuzzy and obsolete ones are left out, as msgfmt does.
fn read_po(text: &str) -> BTreeMap<String, String> {
    let mut entries = BTreeMap::new();
    for block in text.split("\n\n") {
        if block.lines().any(|line| line.starts_with("#,") && line.contains("fuzzy")) {
            continue;
        }
        let (mut id, mut string, mut in_string) = (String::new(), String::new(), false);
        for line in block.lines().filter(|line| !line.starts_with('#')) {
            let part = if let Some(part) = line.strip_prefix("msgid ") {
                part
            } else if let Some(part) = line.strip_prefix("msgstr ") {
                in_string = true;
                part
            } else {
                line
            };
            let target = if in_string { &mut string } else { &mut id };
            target.push_str(&literal(part).unwrap_or_else(|| panic!("not a po line: {line}")));
        }
        entries.insert(id, string);
    }
    entries
}

fn languages() -> Vec<(String, BTreeMap<String, String>)> {
    let linguas = fs::read_to_string(root().join("po/LINGUAS")).expect("po/LINGUAS");
    let names = linguas.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    names
        .map(|name| {
            let text = fs::read_to_string(root().join(format!("po/{name}.po"))).expect(name);
            (name.to_owned(), read_po(&text))
        })
        .collect()
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    let names = text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
    names.collect()
}

#[test]
fn the_template_is_up_to_date() {
    let path = root().join("po/ucarp.pot");
    if std::env::var_os("UPDATE_POT").is_some() {
        fs::write(&path, template()).expect("po/ucarp.pot can be written");
    }
    let stored = fs::read_to_string(&path).expect("po/ucarp.pot");
    let stale = stored != template();
    assert!(!stale, "po/ucarp.pot is stale; run: UPDATE_POT=1 cargo test --test catalogue");
}

#[test]
fn sentences_live_in_few_files() {
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src") {
            let path = entry.expect("src").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root()).expect("inside").to_string_lossy().into_owned();
            if SPEAKERS.contains(&name.as_str()) || name == "src/i18n.rs" {
                continue;
            }
            let text = fs::read_to_string(&path).expect("a readable source");
            assert!(!text.contains("i18n::tr") && !text.contains("i18n::{"), "{name} translates");
        }
    }
}

#[test]
fn translations_keep_placeholders_and_columns() {
    let messages = messages();
    for (language, entries) in languages() {
        let mut missing = 0;
        for message in &messages {
            let Some(string) = entries.get(&message.id).filter(|string| !string.is_empty()) else {
                missing += 1;
                continue;
            };
            assert_eq!(placeholders(&message.id), placeholders(string), "{language}: {string}");
            if message.id.starts_with("  -") || message.id.starts_with("      --") {
                let option = message.id.split(['=', '[']).next().unwrap_or_default();
                let option = option.split("  ").find(|part| part.contains("--")).unwrap_or_default();
                assert!(string.contains(option.trim()), "{language}: {option} is gone from: {string}");
                for line in string.lines() {
                    assert!(line.chars().count() < 80, "{language}: over 79 columns: {line}");
                }
            }
            let may_wrap = message.id.contains('\n') || message.id.starts_with(' ');
            assert!(may_wrap || !string.contains('\n'), "{language}: one line: {string}");
        }
        let known: BTreeSet<_> = messages.iter().map(|message| &message.id).collect();
        let old = entries.keys().filter(|id| !id.is_empty() && !known.contains(id)).count();
        say(&format!("po/{language}.po: {missing} of {} missing, {old} no longer used", messages.len()));
    }
}

#[test]
fn msgfmt_accepts_the_translations() {
    for (language, _) in languages() {
        let po = root().join(format!("po/{language}.po"));
        match Command::new("msgfmt").args(["--check", "--output-file=/dev/null"]).arg(po).output() {
            Ok(run) => assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr)),
            Err(error) => return say(&format!("skipped: msgfmt: {error}")),
        }
    }
}

/// The help text with catalogues from `directory`, in the wish for `language`; and what stderr said.
fn help(directory: &Path, language: &str) -> (String, String) {
    let mut run = Command::new(env!("CARGO_BIN_EXE_ucarp"));
    run.arg("--help").env("UCARP_LOCALEDIR", directory).env("LC_ALL", "C.UTF-8").env("LANGUAGE", language);
    let output = run.output().expect("the program runs");
    assert!(output.status.success());
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr))
}

#[test]
fn the_help_text_speaks_each_language() {
    let built = Path::new(env!("BUILT_LOCALEDIR"));
    let (english, _) = help(Path::new("/nonexistent"), "de");
    assert!(english.starts_with("Usage: "));
    for (language, entries) in languages() {
        if !cfg!(feature = "gettext") {
            return say("skipped: built without translations");
        }
        if !built.join(&language).join("LC_MESSAGES/ucarp.mo").exists() {
            return say("skipped: the catalogues were not compiled, msgfmt is missing");
        }
        let (text, _) = help(built, &language);
        if text == english {
            // Newer C libraries take C.UTF-8 for a wish for English.
            return say("skipped: this system's C.UTF-8 does not translate");
        }
        let untranslated: Vec<_> = messages()
            .into_iter()
            .filter(|message| entries.contains_key(&message.id) && message.id.starts_with("  -"))
            .filter(|message| !text.contains(&entries[&message.id]))
            .collect();
        assert_eq!(untranslated, [], "{language}");
        for line in text.lines() {
            assert!(line.chars().count() < 80, "{language}: over 79 columns: {line}");
        }
    }
}

/// A catalogue in the format of GNU gettext (little endian), strings as given.
fn compiled(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let number = |value: usize| u32::try_from(value).expect("small").to_le_bytes();
    let tables = 28 + 16 * entries.len();
    let (mut strings, mut tables_bytes) = (Vec::new(), [Vec::new(), Vec::new()]);
    for (column, table) in tables_bytes.iter_mut().enumerate() {
        for (id, string) in entries {
            let text = if column == 0 { id } else { string };
            table.extend(number(text.len()));
            table.extend(number(tables + strings.len()));
            strings.extend_from_slice(text);
            strings.push(0);
        }
    }
    let head = [0x9504_12de, 0, entries.len(), 28, 28 + 8 * entries.len(), 0, tables];
    head.into_iter().flat_map(number).chain(tables_bytes.concat()).chain(strings).collect()
}

#[test]
fn a_broken_catalogue_costs_only_the_language() {
    let directory = std::env::temp_dir().join(format!("ucarp-catalogue-{}", std::process::id()));
    let messages = directory.join("de/LC_MESSAGES");
    fs::create_dir_all(&messages).expect("a temporary folder");
    let header: (&[u8], &[u8]) = (b"", b"Content-Type: text/plain; charset=UTF-8\n");
    let cases: [(&str, Vec<u8>); 4] = [
        ("not UTF-8", compiled(&[header, (b"Messages:", b"\xff\xfe")])),
        ("empty", Vec::new()),
        ("cut short", compiled(&[header, (b"Messages:", b"Meldungen:")])[..40].to_vec()),
        ("no catalogue at all", b"\xde\x12\x04\x95 garbage that goes on and on for a while".to_vec()),
    ];
    for (name, bytes) in cases {
        fs::write(messages.join("ucarp.mo"), bytes).expect("a temporary file");
        let (text, complaint) = help(&directory, "de");
        assert!(text.contains("Messages:"), "{name}: {text}");
        assert_eq!(complaint, "", "{name}");
    }
    fs::write(messages.join("ucarp.mo"), compiled(&[header, (b"Messages:", b"Meldungen:")])).expect("a file");
    let (text, _) = help(&directory, "de");
    if cfg!(feature = "gettext") && !text.contains("Meldungen:") {
        say("skipped: whether a sound catalogue works, this system's C.UTF-8 does not translate");
    }
    let _ = fs::remove_dir_all(&directory);
}

#[test]
fn the_reader_understands_rust_literals() {
    let source = "tr(\"a \\\"b\\\" \\\n      c\\n\\u{e9}\") attr(\"x\") // tr(\"in a comment\")\n// TRANSLATORS: two\n// lines\ntr(\n\"second\",\n)";
    let messages = messages_of("f", source);
    let ids: Vec<_> = messages.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(ids[0], "a \"b\" c\né");
    assert_eq!(ids.last(), Some(&"second"));
    assert_eq!(messages.last().map(|message| message.comment.as_str()), Some("TRANSLATORS: two\n lines"));
}
