//! The catalogue and the sources tell the same story.
//!
//! Reads every `tr("...")` and `trn("...", "...", n)` from the files where operator-facing sentences live and compares
//! with po/ucarp.pot; `UPDATE_POT=1 cargo test --test catalogue` rewrites that file. Translations must keep the
//! placeholders and the width of the help text. A translation that lacks messages is reported, not refused.

#![expect(clippy::disallowed_methods, reason = "runs the program and msgfmt")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The only files with sentences for operators; `report` is one in several parts.
const SPEAKERS: &[&str] = &[
    "src/config/error.rs",
    "src/config/error/file.rs",
    "src/config/error/warning.rs",
    "src/config/options.rs",
    "src/config/order.rs",
    "src/config/print.rs",
    "src/config/cli/usage.rs",
    "src/control/answer.rs",
    "src/control/exporter.rs",
    "src/control/monitor.rs",
    "src/control/peers.rs",
    "src/control/reach.rs",
    "src/control/table.rs",
    "src/control/tool.rs",
    "src/control/watch.rs",
    "src/control/watch/view.rs",
    "src/daemon/engine_user.rs",
    "src/daemon/failure.rs",
    "src/daemon/place.rs",
    "src/daemon/start.rs",
    "src/daemon/introduction.rs",
    "src/daemon/reload.rs",
    "src/daemon/report.rs",
    "src/daemon/report/by_hand.rs",
    "src/daemon/report/checks.rs",
    "src/daemon/report/devices.rs",
    "src/daemon/report/fitness.rs",
    "src/daemon/report/managed.rs",
    "src/daemon/report/notices.rs",
    "src/daemon/report/notified.rs",
    "src/daemon/report/processes.rs",
    "src/daemon/report/reasons.rs",
    "src/daemon/report/refusals.rs",
    "src/daemon/report/reloading.rs",
    "src/daemon/report/starting.rs",
    "src/daemon/report/summary.rs",
    "src/daemon/report/upgrading.rs",
    "src/daemon/report/explanation.rs",
    "src/daemon/sniff/recording.rs",
    "src/daemon/sniff/show.rs",
];

#[derive(Debug, PartialEq, Eq)]
struct Message {
    id: String,
    /// Of a sentence about a number of things: how it is for many of them.
    plural: Option<String>,
    file: String,
    comment: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// The literal at the start of `code`.
fn literal(code: &str) -> Option<String> {
    Some(literal_and_rest(code)?.0)
}

/// The literal at the start of `code`, and what follows it.
fn literal_and_rest(code: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = code.trim_start().strip_prefix('"')?.chars();
    loop {
        match rest.next()? {
            '"' => return Some((value, rest.as_str())),
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

/// Every message of one source, in order. The arguments of `tr` and `trn` must be plain literals.
fn messages_of(file: &str, source: &str) -> Vec<Message> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut found = Vec::new();
    let mut from = 0;
    let calls = ["tr(", "trn("].map(|call| source.match_indices(call));
    for (at, call) in calls.into_iter().flatten().collect::<BTreeMap<_, _>>() {
        let before = &source[..at];
        let in_word = before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
        let in_comment = before.lines().next_back().is_some_and(|line| line.trim_start().starts_with("//"));
        if in_word || in_comment && !before.ends_with('\n') {
            continue;
        }
        let (id, rest) = literal_and_rest(&source[at + call.len()..]).unwrap_or_else(|| {
            panic!("{file}: tr() of something that is no literal, before {}", &source[at..])
        });
        let many = rest.trim_start().strip_prefix(',').and_then(literal);
        assert_eq!(many.is_some(), call == "trn(", "{file}: the forms of {id}");
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
        found.push(Message { id, plural: many, file: file.to_owned(), comment });
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
         \"Content-Transfer-Encoding: 8bit\\n\"\n\
         \"Plural-Forms: nplurals=INTEGER; plural=EXPRESSION;\\n\"\n",
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
        match &message.plural {
            None => pot.push_str("msgstr \"\"\n"),
            Some(plural) => {
                pot.push_str(&quoted("msgid_plural", plural));
                pot.push_str("msgstr[0] \"\"\nmsgstr[1] \"\"\n");
            }
        }
    }
    pot
}

/// A message of a translation.
#[derive(Default)]
struct Entry {
    plural: Option<String>,
    /// One, or as many as the language has forms; the first is empty if it is not translated.
    strings: Vec<String>,
}

impl Entry {
    fn is_translated(&self) -> bool {
        self.strings.iter().all(|string| !string.is_empty())
    }
}

/// Entries by their msgid; those marked fuzzy and obsolete ones are left out, as msgfmt does.
fn read_po(text: &str) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    for block in text.split("\n\n") {
        if block.lines().any(|line| line.starts_with("#,") && line.contains("fuzzy")) {
            continue;
        }
        let (mut id, mut entry) = (String::new(), Entry::default());
        for line in block.lines().filter(|line| !line.starts_with('#')) {
            let part = line.find('"').map_or("", |at| &line[at..]);
            let part = literal(part).unwrap_or_else(|| panic!("not a po line: {line}"));
            if line.starts_with("msgid_plural ") {
                entry.plural = Some(String::new());
            } else if line.starts_with("msgstr") {
                entry.strings.push(String::new());
            }
            let target = entry.strings.last_mut().or(entry.plural.as_mut()).unwrap_or(&mut id);
            target.push_str(&part);
        }
        entries.insert(id, entry);
    }
    entries
}

fn languages() -> Vec<(String, BTreeMap<String, Entry>)> {
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
            // What they translate stands in others.
            let passes_on = ["src/i18n.rs", "src/config/spelt.rs"];
            if SPEAKERS.contains(&name.as_str()) || passes_on.contains(&name.as_str()) {
                continue;
            }
            let text = fs::read_to_string(&path).expect("a readable source");
            assert!(!text.contains("i18n::tr") && !text.contains("i18n::{"), "{name} translates");
        }
    }
}

fn check(language: &str, message: &Message, string: &str) {
    let names = placeholders(message.plural.as_ref().unwrap_or(&message.id));
    assert_eq!(names, placeholders(string), "{language}: {string}");
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

#[test]
fn translations_keep_placeholders_and_columns() {
    let messages = messages();
    for (language, entries) in languages() {
        let mut missing = 0;
        for message in &messages {
            // One that has more or fewer forms than it had is a new one.
            let current = |entry: &&Entry| entry.is_translated() && entry.plural == message.plural;
            let Some(entry) = entries.get(&message.id).filter(current) else {
                missing += 1;
                continue;
            };
            for string in &entry.strings {
                check(&language, message, string);
            }
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
            .filter(|message| !text.contains(&entries[&message.id].strings[0]))
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
    let source = "tr(\"a \\\"b\\\" \\\n      c\\n\\u{e9}\") attr(\"x\") // tr(\"in a comment\")\ntrn(\"one\",\n \"{n}\", n)\n\
                  // TRANSLATORS: two\n// lines\ntr(\n\"second\",\n)";
    let messages = messages_of("f", source);
    let ids: Vec<_> = messages.iter().map(|message| message.id.as_str()).collect();
    assert_eq!(ids[0], "a \"b\" c\né");
    let forms = messages.iter().find(|message| message.id == "one").map(|message| message.plural.as_deref());
    assert_eq!(forms, Some(Some("{n}")));
    assert_eq!(ids.last(), Some(&"second"));
    assert_eq!(messages.last().map(|message| message.comment.as_str()), Some("TRANSLATORS: two\n lines"));
}

#[test]
fn the_reader_understands_plural_forms() {
    let entries = read_po(
        "msgid \"\"\nmsgstr \"head\\n\"\n\"more\"\n\nmsgid \"one\"\nmsgid_plural \"\"\n\"{n}\"\nmsgstr[0] \"eins\"\nmsgstr[1] \"\"\n\"{n} \"\n\"viele\"\n",
    );
    assert_eq!(entries[""].strings, ["head\nmore"]);
    assert_eq!(entries["one"].plural.as_deref(), Some("{n}"));
    assert_eq!(entries["one"].strings, ["eins", "{n} viele"]);
}

/// Of what this same test prints when it is started again with a catalogue of a language with three forms.
const FORMS: [(u64, &str); 6] =
    [(0, "plikow"), (1, "plik"), (3, "pliki"), (5, "plikow"), (22, "pliki"), ((1 << 40) + 1, "plikow")];

#[test]
fn a_language_has_as_many_forms_as_it_wants() {
    if std::env::var_os("CATALOGUE_OF_FORMS").is_some() {
        ucarp::i18n::init(ucarp::platform::adopt_locale);
        FORMS.iter().for_each(|(count, _)| say(&ucarp::i18n::trn("file", "files", *count)));
        return;
    }
    let directory = std::env::temp_dir().join(format!("ucarp-forms-{}", std::process::id()));
    let messages = directory.join("pl/LC_MESSAGES");
    fs::create_dir_all(&messages).expect("a temporary folder");
    let header = b"Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=3; plural=n==1 ? 0 : \
                   n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2;\n";
    let catalogue = compiled(&[(b"", header), (b"file\0files", b"plik\0pliki\0plikow")]);
    fs::write(messages.join("ucarp.mo"), catalogue).expect("a temporary file");
    let again = std::env::current_exe().expect("this program");
    let output = Command::new(again)
        .args(["--exact", "a_language_has_as_many_forms_as_it_wants", "--nocapture"])
        .env("CATALOGUE_OF_FORMS", "1")
        .env("UCARP_LOCALEDIR", &directory)
        .env("LC_ALL", "C.UTF-8")
        .env("LANGUAGE", "pl")
        .output()
        .expect("this program runs again");
    let _ = fs::remove_dir_all(&directory);
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    let said: Vec<&str> =
        text.lines().filter(|line| line.starts_with("fi") || line.starts_with("pl")).collect();
    let english = FORMS.map(|(count, _)| if count == 1 { "file" } else { "files" });
    if !cfg!(feature = "gettext") || said == english {
        return say("skipped: no translations, or this system's C.UTF-8 does not translate");
    }
    assert_eq!(said, FORMS.map(|(_, form)| form));
}
