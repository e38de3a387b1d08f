//! The catalogues and the sources tell the same story.
//!
//! Reads every `tr!` and `trn!` of the sources and compares with po/ucarp.pot; `UPDATE_POT=1 cargo test --test catalogue`
//! rewrites that file. A sentence that bypasses the catalogue is found, and translations are held against what they
//! translate. No locale is needed, and no tool but for the check of msgfmt itself.

#![expect(clippy::disallowed_methods, reason = "runs the program and msgfmt")]

#[allow(unreachable_pub, reason = "the cases in namespaces need it, too")]
#[path = "catalogue/po.rs"]
mod po;
#[allow(unreachable_pub, reason = "a file of its own, for its length")]
#[path = "catalogue/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use po::{Entry, Key, compiled, read_po};
use source::{Message, bypassing, messages_of};
use ucarp::width::columns;

/// Where words of ours go to programs, or are no words: completions for shells, help texts of metrics (which are English as
/// their names are), packet filters, the answers of HTTP, and what only we ourselves read again.
const NOT_FOR_PEOPLE: [&str; 6] = [
    "src/config/completions.rs",
    "src/config/completions/",
    "src/control/exporter.rs",
    "src/control/figures.rs",
    "src/daemon/capture/",
    "src/protocol/auth/",
];

/// What looks like a sentence and is none: by the end of its file, and a part of it.
const NO_SENTENCES: &[(&str, &str)] = &[
    // What the parser of TOML says, which is looked for.
    ("file/table.rs", "duplicate key"),
    // What libpcap says, likewise.
    ("daemon/capture.rs", "The interface went down"),
    // Debug lines.
    ("report/processes.rs", "{whose} was told {} facts"),
    // Beginnings of files and of what processes of ours say to each other.
    ("daemon/by_hand.rs", "ucarp demotions 1"),
    ("daemon/handover.rs", "ucarp hands over 1"),
    ("hands/upgrading.rs", "ucarp takes over 1"),
    ("daemon/ledger.rs", "ucarp addresses 1"),
    ("daemon/pending.rs", "ucarp forms 1"),
    ("daemon/previous.rs", "ucarp previous 1"),
    // By what lines are limited.
    ("report/explanation.rs", "password cut"),
    ("report/explanation.rs", "password shortened"),
    ("report/explanation.rs", "no password"),
    ("report/explanation.rs", "address missing"),
    ("report/explanation.rs", "address extra"),
    ("report/explanation.rs", "family alone"),
    ("report/explanation.rs", "address alone"),
    ("report/explanation.rs", "mac by hand"),
    ("report/explanation.rs", "no explanation"),
    // The key of the JSON, which is how the line begins too.
    ("sniff/show.rs", " id {} {who}: {text}"),
    // A name that no interface has.
    ("daemon/survey.rs", "{interface} is not"),
    // Promises of pledge(2).
    ("platform/openbsd.rs", "stdio recvfd bpf"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Each source with its path, in order; without the tests.
fn sources() -> BTreeMap<String, String> {
    let (mut folders, mut found) = (vec![root().join("src")], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src") {
            let path = entry.expect("src").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && path.file_name().is_some_and(|name| name != "tests.rs")
            {
                let name = path.strip_prefix(root()).expect("inside").to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(&path).expect("a readable source"));
            }
        }
    }
    found
}

/// Every message, in the order of files. That of the macros themselves is none.
fn messages() -> Vec<Message> {
    let sources = sources();
    let speaking = sources.iter().filter(|(name, _)| *name != "src/i18n.rs");
    speaking.flat_map(|(name, text)| messages_of(name, text)).collect()
}

fn key(message: &Message) -> Key {
    (message.context.clone(), message.id.clone())
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
    let mut pot = format!(
        "# Messages of ucarp.\n\
         # Copyright (C) 2026 The ucarp authors\n\
         # This file is distributed under the same license as the ucarp package.\n\
         # Made by ci/po from the sources; po/README tells how to translate it.\n\
         #\n\
         msgid \"\"\n\
         msgstr \"\"\n\
         \"Project-Id-Version: ucarp\\n\"\n\
         \"Report-Msgid-Bugs-To: {}\\n\"\n\
         \"PO-Revision-Date: YEAR-MO-DA HO:MI+ZONE\\n\"\n\
         \"Last-Translator: FULL NAME <EMAIL@ADDRESS>\\n\"\n\
         \"Language-Team: LANGUAGE\\n\"\n\
         \"Language: \\n\"\n\
         \"MIME-Version: 1.0\\n\"\n\
         \"Content-Type: text/plain; charset=UTF-8\\n\"\n\
         \"Content-Transfer-Encoding: 8bit\\n\"\n\
         \"Plural-Forms: nplurals=INTEGER; plural=EXPRESSION;\\n\"\n",
        env!("CARGO_PKG_REPOSITORY"),
    );
    let messages = messages();
    let mut written = BTreeSet::new();
    for message in &messages {
        if !written.insert(message.key()) {
            continue;
        }
        pot.push('\n');
        let same = || messages.iter().filter(|other| other.key() == message.key());
        let comments: BTreeSet<_> =
            same().map(|m| &m.comment).filter(|comment| !comment.is_empty()).collect();
        for line in comments.iter().flat_map(|comment| comment.lines()) {
            pot.push_str(&format!("#. {}\n", line.trim()));
        }
        let files: BTreeSet<_> = same().map(|m| m.file.as_str()).collect();
        for file in files {
            pot.push_str(&format!("#: {file}\n"));
        }
        if let Some(context) = &message.context {
            pot.push_str(&quoted("msgctxt", context));
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

fn languages() -> Vec<(String, BTreeMap<Key, Entry>)> {
    let linguas = fs::read_to_string(root().join("po/LINGUAS")).expect("po/LINGUAS");
    let names = linguas.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let read = names.map(|name| {
        let text = fs::read_to_string(root().join(format!("po/{name}.po"))).expect(name);
        (name.to_owned(), read_po(&text))
    });
    read.collect()
}

/// A field of a catalogue's header.
fn header<'a>(entries: &'a BTreeMap<Key, Entry>, field: &str) -> &'a str {
    let header = &entries[&(None, String::new())].strings[0];
    let value = header.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(": "));
    value.unwrap_or_else(|| panic!("no {field} in {header}"))
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
    assert!(!stale, "po/ucarp.pot is stale; run: ci/po");
}

#[test]
fn every_sentence_goes_through_the_catalogue() {
    let mut found = Vec::new();
    for (name, text) in sources() {
        if NOT_FOR_PEOPLE.iter().any(|place| name.starts_with(place)) {
            continue;
        }
        let known =
            |text: &str| NO_SENTENCES.iter().any(|(file, part)| name.ends_with(file) && text.contains(part));
        let bypassing = bypassing(&text).into_iter().filter(|one| !known(&one.text));
        found.extend(bypassing.map(|one| format!("{name}:{}: {:?}", one.line, one.text)));
    }
    assert!(found.is_empty(), "give these to tr!, or say in NO_SENTENCES why not:\n{}", found.join("\n"));
}

#[test]
fn what_is_no_sentence_is_there() {
    let sources = sources();
    for (file, part) in NO_SENTENCES {
        let is_there = sources.iter().any(|(name, text)| name.ends_with(file) && text.contains(part));
        assert!(is_there, "{file}: {part}: not needed any more");
    }
}

fn check(language: &str, message: &Message, string: &str) {
    let names = placeholders(message.plural.as_ref().unwrap_or(&message.id));
    assert_eq!(names, placeholders(string), "{language}: {string}");
    if message.id.starts_with("  -") || message.id.starts_with("      --") {
        let option = message.id.split(['=', '[']).next().unwrap_or_default();
        let option = option.split("  ").find(|part| part.contains("--")).unwrap_or_default();
        assert!(string.contains(option.trim()), "{language}: {option} is gone from: {string}");
    }
    if message.id.starts_with("  ") || message.id.contains('\n') {
        for line in string.lines() {
            assert!(columns(line) < 80, "{language}: {} columns of 79: {line}", columns(line));
        }
    } else {
        assert!(!string.contains('\n'), "{language}: one line: {string}");
    }
    let ends = |text: &str| text.ends_with('\n');
    assert_eq!(ends(&message.id), ends(string), "{language}: a newline at the end: {string}");
}

#[test]
fn translations_are_whole_and_keep_placeholders_and_columns() {
    let messages = messages();
    for (language, entries) in languages() {
        assert_eq!(header(&entries, "Language"), language);
        assert_eq!(header(&entries, "Report-Msgid-Bugs-To"), env!("CARGO_PKG_REPOSITORY"));
        let forms = header(&entries, "Plural-Forms");
        let forms: usize = forms["nplurals=".len()..][..1].parse().expect("a number of forms");
        let mut missing = Vec::new();
        for message in &messages {
            // One that has more or fewer forms than it had is a new one.
            let current = |entry: &&Entry| entry.is_translated() && entry.plural == message.plural;
            let Some(entry) = entries.get(&key(message)).filter(current) else {
                missing.push(&message.id);
                continue;
            };
            let expected = if message.plural.is_some() { forms } else { 1 };
            assert_eq!(entry.strings.len(), expected, "{language}: forms of {}", message.id);
            for string in &entry.strings {
                check(&language, message, string);
            }
        }
        assert!(missing.is_empty(), "po/{language}.po lacks {} messages: {missing:#?}", missing.len());
        let known: BTreeSet<_> = messages.iter().map(key).collect();
        let old: Vec<_> = entries.keys().filter(|key| !key.1.is_empty() && !known.contains(key)).collect();
        assert!(old.is_empty(), "po/{language}.po has what is said no more: {old:#?}");
    }
}

#[test]
fn each_catalogue_tells_its_words_at_its_head() {
    for (language, _) in languages() {
        let text = fs::read_to_string(root().join(format!("po/{language}.po"))).expect("a catalogue");
        let head: Vec<_> = text.lines().take_while(|line| line.starts_with('#')).collect();
        let has = |word: &str| head.iter().any(|line| line.contains(word));
        assert!(
            has("virtual host") && has("advertisement") && has("takeover"),
            "po/{language}.po: its glossary"
        );
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

/// A folder of catalogues, gone with it.
struct Catalogues(PathBuf);

impl Catalogues {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("ucarp-catalogues-{name}-{}", std::process::id())))
    }

    fn with(self, language: &str, bytes: &[u8]) -> Self {
        let messages = self.0.join(language).join("LC_MESSAGES");
        fs::create_dir_all(&messages).expect("a temporary folder");
        fs::write(messages.join("ucarp.mo"), bytes).expect("a temporary file");
        self
    }

    /// All that is translated.
    fn all() -> Self {
        let all = Self::new(&format!("all-{:?}", std::thread::current().id()));
        languages().iter().fold(all, |all, (language, entries)| all.with(language, &compiled(entries)))
    }
}

impl Drop for Catalogues {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the program says on stdout and stderr with these catalogues, in an environment that has only these variables.
fn told(program: &str, words: &[&str], catalogues: &Path, environment: &[(&str, &str)]) -> (String, String) {
    let mut command = Command::new(under_test(program));
    command.args(words).env_clear().env("UCARP_LOCALEDIR", catalogues).envs(environment.iter().copied());
    let output = command.output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr))
}

/// `UCARP_UNDER_TEST` names another program than the one built with these tests; ucarpctl is beside it.
fn under_test(built: &str) -> PathBuf {
    match (std::env::var_os("UCARP_UNDER_TEST"), Path::new(built).file_name()) {
        (Some(other), Some(name)) => Path::new(&other).with_file_name(name),
        _ => built.into(),
    }
}

const UCARP: &str = env!("CARGO_BIN_EXE_ucarp");
const UCARPCTL: &str = env!("CARGO_BIN_EXE_ucarpctl");

#[test]
fn usage_speaks_each_language_where_no_locale_is() {
    let catalogues = Catalogues::all();
    let messages = messages();
    for (language, entries) in languages() {
        let environment: [(&str, &str); 2] = [("LANG", "C"), ("LANGUAGE", &language)];
        let (text, _) = told(UCARP, &["--help"], &catalogues.0, &environment);
        let spelt_out =
            told(UCARP, &["--help", &format!("--language={language}")], &catalogues.0, &[("LC_ALL", "C")]);
        assert_eq!(spelt_out.0, text, "{language}: by the option");
        for message in messages.iter().filter(|message| message.file == "src/config/options.rs") {
            let string = &entries[&key(message)].strings[0];
            assert!(text.contains(string), "{language}: {string}");
        }
        for line in text.lines() {
            assert!(columns(line) < 80, "{language}: {} columns of 79: {line}", columns(line));
        }
        let (_, steering) = told(UCARPCTL, &[], &catalogues.0, &environment);
        let usage =
            messages.iter().find(|message| message.id.starts_with("Usage: ucarpctl")).expect("its usage");
        assert!(steering.contains(entries[&key(usage)].strings[0].trim_end()), "{language}: {steering}");
    }
}

#[test]
fn the_language_is_whose_word_counts() {
    let catalogues = Catalogues::all();
    let heading = |language: &str| -> String {
        let (_, entries) = languages().into_iter().find(|(name, _)| name == language).expect(language);
        entries[&(None, "Messages:".to_owned())].strings[0].clone()
    };
    let is = |language: &str, words: &[&str], environment: &[(&str, &str)]| {
        let words = [&["--help"], words].concat();
        let expected = if language == "en" { "Messages:".to_owned() } else { heading(language) };
        let (text, complaint) = told(UCARP, &words, &catalogues.0, environment);
        assert!(text.contains(&expected), "{language} {words:?} {environment:?}: {text}");
        assert_eq!(complaint, "");
    };
    is("en", &[], &[]);
    is("de", &[], &[("LANG", "de_DE.UTF-8")]);
    is("de", &[], &[("LANG", "de_AT@euro")]);
    is("fr", &[], &[("LANG", "de_DE.UTF-8"), ("LC_MESSAGES", "fr_CA")]);
    is("fr", &[], &[("LC_ALL", "fr"), ("LC_MESSAGES", "de")]);
    is("de", &[], &[("LANGUAGE", "tlh:de:fr"), ("LC_ALL", "fr_FR.UTF-8")]);
    is("de", &[], &[("LANG", "C"), ("LANGUAGE", "de")]);
    is("de", &[], &[("LANG", "C.UTF-8"), ("LANGUAGE", "de")]);
    is("en", &[], &[("LANGUAGE", "en:de"), ("LANG", "de_DE.UTF-8")]);
    for neutral in ["C", "POSIX"] {
        is("en", &[], &[("LC_ALL", neutral), ("LANGUAGE", "de"), ("LANG", "de_DE.UTF-8")]);
        is("de", &["--language=de"], &[("LC_ALL", neutral)]);
    }
    is("de", &["--language", "de"], &[("LC_ALL", "fr_FR.UTF-8"), ("LANGUAGE", "fr")]);
    is("en", &["--language=en"], &[("LC_ALL", "fr_FR.UTF-8")]);
    is("en", &[], &[("LANG", "tlh_QO")]);
    for (asked, spoken) in [
        ("pt", "pt_BR"),
        ("pt_PT", "pt_BR"),
        ("zh", "zh_CN"),
        ("zh_SG", "zh_CN"),
        ("zh_TW.Big5", "zh_TW"),
        ("zh_HK", "zh_TW"),
        ("zh-Hant", "zh_TW"),
    ] {
        is(spoken, &[], &[("LANG", asked)]);
    }
}

#[test]
fn who_writes_chinese_one_way_is_not_answered_in_the_other() {
    let (_, chinese) = languages().into_iter().find(|(name, _)| name == "zh_CN").expect("zh_CN");
    let catalogues = Catalogues::new("chinese").with("zh_CN", &compiled(&chinese));
    for asked in ["zh_TW", "zh_HK", "zh_Hant"] {
        let (text, _) = told(UCARP, &["--help"], &catalogues.0, &[("LANG", asked)]);
        assert!(text.contains("Messages:"), "{asked}: {text}");
    }
    assert!(!told(UCARP, &["--help"], &catalogues.0, &[("LANG", "zh_CN")]).0.contains("Messages:"));
}

#[test]
fn a_broken_catalogue_costs_only_the_language() {
    let header: (&[u8], &[u8]) = (b"", b"Content-Type: text/plain; charset=UTF-8\n");
    let sound: [(&[u8], &[u8]); 2] = [header, (b"Messages:", b"Meldungen:")];
    let sound = po::written(&sound);
    let changed = |at: usize, value: u32| {
        let mut bytes = sound.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let latin: (&[u8], &[u8]) = (b"", b"Content-Type: text/plain; charset=ISO-8859-1\n");
    let endless: (&[u8], &[u8]) =
        (b"", b"Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=n/(n-n);\n");
    let cases: [(&str, Vec<u8>); 12] = [
        ("not UTF-8", po::written(&[header, (b"Messages:", b"\xff\xfe")])),
        ("another character set", po::written(&[latin, (b"Messages:", b"Meldungen:")])),
        ("a rule that divides by nothing", po::written(&[endless, (b"Messages:", b"Meldungen:")])),
        ("no header", po::written(&[(b"Messages:", b"Meldungen:")])),
        ("not in order", po::written(&[header, (b"z", b"z"), (b"Messages:", b"Meldungen:")])),
        ("empty", Vec::new()),
        ("cut short", sound[..sound.len() - 20].to_vec()),
        ("only a beginning", sound[..40].to_vec()),
        ("no catalogue at all", b"\xde\x12\x04\x95 garbage that goes on and on for a while".to_vec()),
        ("more entries than room", changed(8, u32::MAX)),
        ("a table outside", changed(12, u32::MAX - 8)),
        ("a text outside", changed(28 + 8 + 4, u32::MAX - 8)),
    ];
    let environments: [&[(&str, &str)]; 2] =
        [&[("LANGUAGE", "de")], &[("LC_ALL", "C.UTF-8"), ("LANGUAGE", "de")]];
    for environment in environments {
        for (name, bytes) in &cases {
            let catalogues = Catalogues::new("broken").with("de", bytes);
            let (text, complaint) = told(UCARP, &["--help"], &catalogues.0, environment);
            assert!(text.contains("Messages:"), "{name}: {text}");
            assert_eq!(complaint, "", "{name}");
        }
        let catalogues = Catalogues::new("sound").with("de", &sound);
        assert!(told(UCARP, &["--help"], &catalogues.0, environment).0.contains("Meldungen:"));
    }
}

/// Of what this same test prints when it is started again in this language.
const NUMBERS: [u64; 7] = [0, 1, 2, 5, 21, 101, (1 << 40) + 1];

#[test]
fn a_language_has_as_many_forms_as_it_wants() {
    let (one, many) = ("{count} minute", "{count} minutes");
    if std::env::var_os("CATALOGUE_OF_FORMS").is_some() {
        ucarp::i18n::init(None, ucarp::platform::adopt_locale);
        NUMBERS
            .iter()
            .for_each(|count| say(&format!("form: {}", ucarp::i18n::sentence_about(one, many, *count))));
        return;
    }
    let catalogues = Catalogues::all();
    for (language, forms) in [
        ("de", [1, 0, 1, 1, 1, 1, 1]),
        ("fr", [0, 0, 1, 1, 1, 1, 1]),
        ("pt_BR", [0, 0, 1, 1, 1, 1, 1]),
        ("ja", [0; 7]),
        ("uk", [2, 0, 1, 2, 0, 0, 2]),
        ("pl", [2, 0, 1, 2, 2, 2, 2]),
        ("cs", [2, 0, 1, 2, 2, 2, 2]),
    ] {
        let again = std::env::current_exe().expect("this program");
        let output = Command::new(again)
            .args(["--exact", "a_language_has_as_many_forms_as_it_wants", "--nocapture"])
            .env("CATALOGUE_OF_FORMS", "1")
            .env("UCARP_LOCALEDIR", &catalogues.0)
            .env("LC_ALL", "C.UTF-8")
            .env("LANGUAGE", language)
            .output()
            .expect("this program runs again");
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        let said: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("form: ")).collect();
        let (_, entries) = languages().into_iter().find(|(name, _)| name == language).expect(language);
        let entry = &entries[&(None, one.to_owned())];
        assert_eq!(said, forms.map(|form| entry.strings[form].as_str()), "{language}");
    }
}

/// What of a text is ASCII words still.
fn ascii_words(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && !"-_/.".contains(letter));
    words.filter(|word| word.bytes().any(|byte| byte.is_ascii_alphabetic())).collect()
}

/// The disguised language.
fn disguised() -> Catalogues {
    let pot = fs::read_to_string(root().join("po/ucarp.pot")).expect("the template");
    Catalogues::new(&format!("pseudo-{:?}", std::thread::current().id())).with("tlh", &po::pseudo(&pot))
}

#[test]
fn nothing_of_the_usage_bypasses_the_catalogue() {
    let catalogues = disguised();
    let (text, _) = told(UCARP, &["--help"], &catalogues.0, &[("LANGUAGE", "tlh")]);
    // The example is one to be typed.
    let text: String = text.lines().filter(|line| !line.contains("/etc/ucarp")).collect();
    assert_eq!(ascii_words(&text), BTreeSet::new());
    let (_, text) = told(UCARPCTL, &[], &catalogues.0, &[("LANGUAGE", "tlh")]);
    assert_eq!(ascii_words(&text), BTreeSet::new());
}

#[test]
fn no_error_bypasses_the_catalogue() {
    let catalogues = disguised();
    // Options and keys are values, and so are the words that one may have, of which the manual tells.
    let manuals =
        ["man/ucarp.toml.5", "man/ucarp.8"].map(|name| fs::read_to_string(root().join(name)).expect(name));
    let marked = |line: &&str| line.starts_with(".It") || line.starts_with(".Li") || line.starts_with(".Cm");
    let keys: BTreeSet<_> =
        manuals.iter().flat_map(|text| text.lines()).filter(marked).flat_map(ascii_words).collect();
    let mut bypassing = Vec::new();
    let mut said = |words: &[&str], given: &str, also: &[&str]| {
        let (_, text) = told(UCARP, words, &catalogues.0, &[("LANGUAGE", "tlh")]);
        for line in text.lines() {
            // What the parser of TOML says is in English, as its sentence says.
            if line.contains("[UC3106]") {
                continue;
            }
            let left: Vec<_> = ascii_words(line)
                .into_iter()
                .map(|word| word.trim_matches('.'))
                .filter(|word| !given.contains(word) && !keys.contains(word.trim_start_matches('-')))
                .filter(|word| !word.starts_with("UC3") && *word != "ucarp" && !also.contains(word))
                .collect();
            if !left.is_empty() {
                bypassing.push(format!("{left:?} of {line}"));
            }
        }
        assert!(!text.is_empty(), "{words:?}");
    };
    for words in [
        &["--nosuch"][..],
        &["--vhid=0"],
        &["-v", "1", "--addr=nonsense"],
        &["start"],
        &["--language=/"],
        &["-x7"],
    ] {
        said(words, &words.join(" "), &["--interface", "--help", "--vhid"]);
    }
    said(&["--config=/nonexistent"], "/nonexistent", &["No", "such", "file", "or", "directory"]);
    for entry in fs::read_dir(root().join("tests/config/wrong")).expect("files that are wrong") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned();
            let name = path.to_str().expect("UTF-8");
            let also =
                ["/etc/ucarp/password", "release", "release-unless-last", "failing", "passing", "group.side"];
            said(&["--config", name, "--check=syntax"], &(text + name), &also);
        }
    }
    assert!(bypassing.is_empty(), "{}", bypassing.join("\n"));
}

#[test]
fn the_systems_own_words_come_in_the_language_too() {
    let folder = Catalogues::all();
    let locale = folder.0.join("de_DE.UTF-8");
    let made = Command::new("localedef").args(["-i", "de_DE", "-f", "UTF-8"]).arg(&locale).output();
    if !made.is_ok_and(|made| made.status.success()) {
        return say("skipped: localedef and its sources (the package locales) are not here");
    }
    let places = folder.0.to_str().expect("UTF-8");
    // What the C library says there, as another program has it.
    let mut other = Command::new("cat");
    other.arg("/nonexistent").env_clear().envs([("LC_ALL", "de_DE.UTF-8"), ("LOCPATH", places)]);
    let other = String::from_utf8(other.output().expect("cat").stderr).expect("UTF-8");
    let words = other.trim().rsplit(": ").next().expect("words");
    let (_, entries) = languages().into_iter().find(|(name, _)| name == "de").expect("German");
    let sentence =
        entries[&(None, "this file cannot be read: {error}".to_owned())].strings[0].replace("{error}", words);
    for environment in [
        // Here the C library is asked for our sentences, too, if the program is built for it.
        &[("LANG", "de_DE.UTF-8")][..],
        &[("LANG", "C"), ("LANGUAGE", "de")],
        &[("LC_ALL", "C"), ("UCARP_OPTION", "--language=de")],
        &[("LANG", "de_DE.UTF-8"), ("LANGUAGE", "fr"), ("UCARP_OPTION", "--language=de")],
    ] {
        let option = environment.iter().find(|(name, _)| *name == "UCARP_OPTION").map(|(_, option)| *option);
        let words: Vec<&str> = ["--config", "/nonexistent"].into_iter().chain(option).collect();
        let environment: Vec<_> = environment.iter().copied().chain([("LOCPATH", places)]).collect();
        let (_, text) = told(UCARP, &words, &folder.0, &environment);
        assert!(text.contains(&sentence), "{environment:?}: {text} is not: {sentence}");
    }
}
