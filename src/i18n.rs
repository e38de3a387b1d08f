//! The translator at the door: finds the catalogue, looks sentences up, fills in names.
//!
//! A sentence is written in English where it is said, with named placeholders that translators may reorder:
//! `tr!("{path} is empty", path)`; one about a number of things is written for one and for many,
//! `trn!(count; "{count} file", "{count} files")`. Lookup comes first, filling second, so the catalogue
//! never sees a value. What no catalogue has is said in English: a broken translation must not stop a failover daemon.
//!
//! Which language is asked for is known to `language`: `--language`, the file's, or the environment's. Its catalogue is read
//! into memory, and looked at whole, before anything is confined, by `mo`, so that it serves where the C library refuses: in
//! the locale C, where no locale is generated, without libintl, under an emptied root. Where the C library is content with the
//! environment and finds the same catalogue, it is asked (gettext-rs), after what it opens has been found sound; but not by a
//! process that stays: it maps the file, and whoever writes to that file then ends the process (SIGBUS). What it says of errors
//! comes in the same language, where it has it.
//!
//! This file must not choose words, and must not be called from `protocol` or `platform`.

#[cfg(test)]
mod cost;
mod language;
mod mo;
mod number;
mod plural;

use std::borrow::Cow;
use std::fmt::{Display, Write};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::RwLock;

use language::Locale;
pub use language::is_language;
use mo::Catalogue;
pub use number::{decimal, digits, spoken};

/// Text domain, which is also the name of the installed `.mo` files.
const DOMAIN: &str = "ucarp";
/// Longer than any catalogue of ours.
const LONGEST: u64 = 4 << 20;

/// Makes the C library take its message locale from the environment, or be this one; says whether it could.
pub type AdoptLocale = fn(Option<&str>) -> bool;

/// What is spoken, and who wished it.
struct Tongue {
    /// Of the command line, or spoken by a process that stays: what is said later does not count.
    settled: bool,
    adopt_locale: AdoptLocale,
    voice: Voice,
    /// The catalogue in use.
    path: Option<PathBuf>,
    trouble: Option<Trouble>,
}

/// Who is asked.
#[derive(Clone, Copy)]
enum Voice {
    English,
    Ours(&'static Catalogue),
    #[cfg(feature = "gettext")]
    TheSystems(&'static Catalogue),
}

/// Why English is spoken, though something else was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// There is no catalogue for this language.
    NoCatalogue(String),
    /// This one is broken.
    Broken(PathBuf),
}

/// One for the process. It is replaced when the file is read, at most, and no other thread exists then.
static TONGUE: RwLock<Tongue> = RwLock::new(Tongue {
    settled: false,
    adopt_locale: |_| false,
    voice: Voice::English,
    path: None,
    trouble: None,
});

/// Chooses the language: this one, or that of the environment (`LANGUAGE`, `LC_ALL`, `LC_MESSAGES`, `LANG`).
///
/// To be called once, first thing in `main`. `adopt_locale` is `unsafe` at heart, so it lives in `platform`.
/// Catalogues are looked for in the directory fixed at build time, or in `UCARP_LOCALEDIR` if that is set.
pub fn init(wished: Option<&str>, adopt_locale: AdoptLocale) {
    if let Ok(mut tongue) = TONGUE.write() {
        tongue.adopt_locale = adopt_locale;
        tongue.settled = wished.is_some();
        match wished {
            Some(languages) => tongue.speak(languages),
            None => tongue.speak_as_around(),
        }
    }
}

/// Chooses the language that a file asks for, unless the command line asked for one or it is too late.
pub fn prefer(languages: &str) {
    if let Ok(mut tongue) = TONGUE.write() {
        if !tongue.settled {
            tongue.speak(languages);
        }
    }
}

/// From now on this language is spoken, and nothing but what is in memory is asked: this process stays, and files change.
pub fn stay() {
    if let Ok(mut tongue) = TONGUE.write() {
        tongue.settled = true;
        #[cfg(feature = "gettext")]
        if let Voice::TheSystems(catalogue) = tongue.voice {
            tongue.voice = Voice::Ours(catalogue);
        }
    }
}

/// Why English is spoken, though another language was asked for in so many words, or is there and broken.
#[must_use]
pub fn trouble() -> Option<Trouble> {
    TONGUE.read().ok()?.trouble.clone()
}

/// The file in use, if it is not English that is spoken.
#[must_use]
pub fn catalogue() -> Option<PathBuf> {
    TONGUE.read().ok()?.path.clone()
}

impl Tongue {
    /// One of these, which somebody asked for in so many words.
    fn speak(&mut self, languages: &str) {
        let found = find(&language::list(languages));
        let missing = matches!(found, Found::Nothing).then(|| Trouble::NoCatalogue(languages.to_owned()));
        self.take(found, false);
        self.trouble = missing.or(self.trouble.take());
    }

    /// What the environment asks for: whoever has a language in mind that we do not have is not told of it.
    fn speak_as_around(&mut self) {
        let found = find(&language::of_environment(|name| std::env::var_os(name)));
        let is_theirs = self.is_theirs(&found);
        self.take(found, is_theirs);
    }

    /// Whether the C library says the same, as it is set up already.
    #[cfg(feature = "gettext")]
    fn is_theirs(&self, found: &Found) -> bool {
        matches!(found, Found::Catalogue { catalogue, .. } if the_system::speaks(self.adopt_locale, catalogue))
    }

    /// Built without it: it is not asked.
    #[cfg(not(feature = "gettext"))]
    fn is_theirs(&self, _found: &Found) -> bool {
        false
    }

    fn take(&mut self, found: Found, is_theirs: bool) {
        (self.voice, self.path, self.trouble) = match found {
            Found::Source | Found::Nothing => (Voice::English, None, None),
            Found::Broken(path) => (Voice::English, None, Some(Trouble::Broken(path))),
            Found::Catalogue { locale, catalogue, path } => {
                // It is needed until the process ends.
                let catalogue = Box::leak(catalogue);
                // Its words for errors stand in our sentences.
                let _ =
                    is_theirs || locale.in_the_system().iter().any(|name| (self.adopt_locale)(Some(name)));
                #[cfg(feature = "gettext")]
                the_system::in_utf8();
                (if is_theirs { theirs(catalogue) } else { Voice::Ours(catalogue) }, Some(path), None)
            }
        };
    }
}

#[cfg(feature = "gettext")]
fn theirs(catalogue: &'static Catalogue) -> Voice {
    Voice::TheSystems(catalogue)
}

#[cfg(not(feature = "gettext"))]
fn theirs(catalogue: &'static Catalogue) -> Voice {
    Voice::Ours(catalogue)
}

/// What there is for some languages.
enum Found {
    /// The language of the sources.
    Source,
    Catalogue {
        locale: Locale,
        catalogue: Box<Catalogue>,
        path: PathBuf,
    },
    Broken(PathBuf),
    Nothing,
}

/// The first of these languages that can be spoken.
fn find(languages: &[String]) -> Found {
    let folder = folder();
    for locale in languages.iter().filter_map(|name| Locale::parse(name)) {
        for name in locale.catalogues() {
            let path = folder.join(name).join("LC_MESSAGES").join(format!("{DOMAIN}.mo"));
            match read(&path).map(Catalogue::parse) {
                Ok(Some(catalogue)) => return Found::Catalogue { locale, catalogue: catalogue.into(), path },
                Ok(None) => return Found::Broken(path),
                Err(_) => {}
            }
        }
        if locale.is_source() {
            return Found::Source;
        }
    }
    Found::Nothing
}

/// Where the catalogues are.
fn folder() -> PathBuf {
    std::env::var_os("UCARP_LOCALEDIR").unwrap_or_else(|| env!("LOCALEDIR").into()).into()
}

/// A catalogue as it lies there. What is no file is none, as opening a pipe would wait.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The sentence in the operator's language, with its values filled in: `tr!("{path} is empty", path)`, or
/// `tr!("{path} is empty", path = file.path())`. The compiler refuses a placeholder without a value and a value without a
/// placeholder. Of a sentence without any it is a `Cow<'static, str>`, else a `String`.
///
/// `tr!(of "column"; "with")` is for an English word that other languages have two words for. `tr!(by door; "…", …)` has
/// `door.filled(text, values)` translate and fill.
macro_rules! tr {
    (of $context:literal; $text:literal) => {{
        const _: () = $crate::i18n::assert_named($text, &[]);
        $crate::i18n::sentence_of($context, $text)
    }};
    (by $door:expr; $text:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        const _: () = $crate::i18n::assert_named($text, &[$(stringify!($name)),*]);
        $door.filled($text, &[$((stringify!($name), &$crate::i18n::tr!(@$name $($value)?))),*])
    }};
    ($text:literal) => {{
        const _: () = $crate::i18n::assert_named($text, &[]);
        $crate::i18n::sentence($text)
    }};
    ($text:literal $(, $name:ident $(= $value:expr)?)+ $(,)?) => {{
        const _: () = $crate::i18n::assert_named($text, &[$(stringify!($name)),+]);
        $crate::i18n::fill(
            &$crate::i18n::sentence($text),
            &[$((stringify!($name), &$crate::i18n::tr!(@$name $($value)?))),+],
        )
    }};
    (@$name:ident) => { $name };
    (@$name:ident $value:expr) => { $value };
}

/// The sentence about `count` things in the operator's language, which may have more forms than English's two:
/// `trn!(count; "one line was lost", "{count} lines were lost", …)`. `{count}` is filled in without being named; it may be
/// left out of the first form, and no other placeholder may.
macro_rules! trn {
    ($count:expr; $one:literal, $many:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        const _: () = $crate::i18n::assert_numbered($one, $many, &[$(stringify!($name)),*]);
        let count: u64 = $count;
        $crate::i18n::fill(
            &$crate::i18n::sentence_about($one, $many, count),
            &[("count", &count), $((stringify!($name), &$crate::i18n::tr!(@$name $($value)?))),*],
        )
    }};
}

pub(crate) use {tr, trn};

/// The sentence in the operator's language, or as it is.
#[must_use]
pub fn sentence(msgid: &'static str) -> Cow<'static, str> {
    // The empty one is the catalogue's header.
    if msgid.is_empty() { None } else { look_up(msgid) }.unwrap_or(Cow::Borrowed(msgid))
}

/// The same of one that means this here, and elsewhere something else.
#[must_use]
pub fn sentence_of(context: &str, msgid: &'static str) -> Cow<'static, str> {
    // As msgfmt joins the two (gettext.h, GETTEXT_CONTEXT_GLUE).
    look_up(&format!("{context}\u{4}{msgid}")).unwrap_or(Cow::Borrowed(msgid))
}

/// The sentence about `count` things in the operator's language.
#[must_use]
pub fn sentence_about(one: &'static str, many: &'static str, count: u64) -> Cow<'static, str> {
    let found = match voice() {
        Voice::English => None,
        Voice::Ours(catalogue) => catalogue.about(one, count).map(Cow::Borrowed),
        #[cfg(feature = "gettext")]
        Voice::TheSystems(_) => Some(Cow::Owned(the_system::about(one, many, count))),
    };
    found.unwrap_or(Cow::Borrowed(if count == 1 { one } else { many }))
}

fn look_up(key: &str) -> Option<Cow<'static, str>> {
    match voice() {
        Voice::English => None,
        Voice::Ours(catalogue) => catalogue.get(key).map(Cow::Borrowed),
        #[cfg(feature = "gettext")]
        Voice::TheSystems(_) => the_system::sentence(key).map(Cow::Owned),
    }
}

fn voice() -> Voice {
    TONGUE.read().map_or(Voice::English, |tongue| tongue.voice)
}

/// What the system says of an error, for people: without the number that Rust adds.
#[must_use]
pub fn os_words(error: &io::Error) -> String {
    let words = error.to_string();
    match (error.raw_os_error(), words.rfind(" (os error ")) {
        (Some(_), Some(end)) => words.get(..end).unwrap_or_default().to_owned(),
        _ => words,
    }
}

/// Fails to compile where a placeholder has no value, or a value no placeholder.
pub const fn assert_named(text: &str, names: &[&str]) {
    assert!(has_only(text, names, ""), "a placeholder of the sentence has no value");
    assert!(has_all(text, names), "a value has no placeholder in the sentence");
}

/// The same of a sentence about a number of things, which is `{count}` itself.
pub const fn assert_numbered(one: &str, many: &str, names: &[&str]) {
    assert!(has_only(one, names, "count") && has_only(many, names, "count"), "a placeholder has no value");
    assert!(has_all(one, names) && has_all(many, names), "a value has no placeholder in both forms");
    assert!(has_all(many, &["count"]), "the number is not in the sentence about many");
}

/// Whether each placeholder has its value, or is `own`.
const fn has_only(text: &str, names: &[&str], own: &str) -> bool {
    let (text, mut at) = (text.as_bytes(), 0);
    while at < text.len() {
        if text[at] == b'{' {
            let mut known = stands_at(text, at, own);
            let mut name = 0;
            while name < names.len() {
                known = known || stands_at(text, at, names[name]);
                name += 1;
            }
            if !known {
                return false;
            }
        }
        at += 1;
    }
    true
}

/// Whether each of these has a placeholder.
const fn has_all(text: &str, names: &[&str]) -> bool {
    let (text, mut name) = (text.as_bytes(), 0);
    while name < names.len() {
        let (mut at, mut found) = (0, false);
        while at < text.len() {
            found = found || stands_at(text, at, names[name]);
            at += 1;
        }
        if !found {
            return false;
        }
        name += 1;
    }
    true
}

/// Whether `{name}` stands there.
const fn stands_at(text: &[u8], at: usize, name: &str) -> bool {
    let (name, mut index) = (name.as_bytes(), 0);
    if name.is_empty() || at + name.len() + 2 > text.len() || text[at] != b'{' {
        return false;
    }
    while index < name.len() {
        if text[at + 1 + index] != name[index] {
            return false;
        }
        index += 1;
    }
    text[at + 1 + name.len()] == b'}'
}

/// The door for the fuzz target in tests/fuzz: a catalogue without the file, asked for all that it has.
#[cfg(fuzzing)]
pub fn catalogue_bytes(bytes: Vec<u8>) {
    mo::ask(bytes);
}

/// Replaces each `{name}` of a (translated) sentence by its value. Unknown names and lone braces stay as they
/// are, and values are never searched for further names.
#[must_use]
pub(crate) fn fill(sentence: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::with_capacity(sentence.len() + 32);
    let mut rest = sentence;
    while let Some((before, brace_on)) = rest.split_once('{') {
        filled.push_str(before);
        let value = brace_on
            .split_once('}')
            .and_then(|(name, after)| Some((values.iter().find(|(key, _)| *key == name)?.1, after)));
        if let Some((value, after)) = value {
            write!(filled, "{value}").expect("writing into a String cannot fail");
            rest = after;
        } else {
            filled.push('{');
            rest = brace_on;
        }
    }
    filled.push_str(rest);
    filled
}

/// The C library's own gettext, or libintl. What it is asked for is UTF-8 without a NUL, and so is what it says: it is asked
/// only for a catalogue that was found to be.
#[cfg(feature = "gettext")]
mod the_system {
    use super::{AdoptLocale, Catalogue, DOMAIN, folder};

    /// Whether it takes the locale of the environment and has the same catalogue for it.
    pub(super) fn speaks(adopt_locale: AdoptLocale, catalogue: &Catalogue) -> bool {
        // Where no locale is named, libintl would ask macOS for the languages of a desktop, by a library that ends a process
        // which has forked and not executed (guess_category_value of its dcigettext.c).
        let named = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        let bound = named
            && adopt_locale(None)
            && gettextrs::bindtextdomain(DOMAIN, folder()).is_ok()
            && gettextrs::bind_textdomain_codeset(DOMAIN, "UTF-8").is_ok();
        // The header tells which one it found; opened now, it stays open.
        bound && catalogue.get("").is_some_and(|header| gettextrs::dgettext(DOMAIN, "") == header)
    }

    /// Has its words for errors come so, whatever the character set of the locale: without this there are question marks
    /// for every other letter. A C library without such a catalogue does nothing.
    pub(super) fn in_utf8() {
        let _ = gettextrs::bind_textdomain_codeset("libc", "UTF-8");
    }

    /// What it has for this, if it has anything.
    pub(super) fn sentence(key: &str) -> Option<String> {
        Some(gettextrs::dgettext(DOMAIN, key)).filter(|found| found != key)
    }

    pub(super) fn about(one: &str, many: &str, count: u64) -> String {
        gettextrs::dngettext(DOMAIN, one, many, number_for_grammar(count))
    }

    /// The rules of languages look at the last digits, and whether there are more: what is too large for the binding
    /// keeps both.
    pub(super) fn number_for_grammar(count: u64) -> u32 {
        const MILLION: u64 = 1_000_000;
        u32::try_from(count).unwrap_or_else(|_| u32::try_from(MILLION + count % MILLION).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_every_name_in_any_order() {
        let values: [(&str, &dyn Display); 2] = [("who", &"10.0.0.3"), ("count", &7)];
        assert_eq!(fill("{who} sent {count}, {who}!", &values), "10.0.0.3 sent 7, 10.0.0.3!");
        assert_eq!(fill("{count} von {who}", &values), "7 von 10.0.0.3");
    }

    #[test]
    fn leaves_what_it_does_not_know() {
        assert_eq!(fill("{other} {", &[("who", &1)]), "{other} {");
        assert_eq!(fill("{{who}}", &[("who", &1)]), "{1}");
        assert_eq!(fill("", &[]), "");
    }

    #[test]
    fn values_are_not_searched() {
        assert_eq!(fill("{a}{b}", &[("a", &"{b}"), ("b", &"{a}")]), "{b}{a}");
    }

    #[test]
    fn untranslated_before_init() {
        assert_eq!(tr!("not in any catalogue"), "not in any catalogue");
        let (name, path) = ("x", "/y");
        assert_eq!(tr!("{name}: {path}, {name}", path, name), "x: /y, x");
        assert_eq!(tr!("{name} is {length} long", name, length = name.len()), "x is 1 long");
        assert_eq!(trn!(0; "one of {name}", "{count} of {name}", name), "0 of x");
        assert_eq!([1, 2, 101].map(|count| trn!(count; "one", "{count}")), ["one", "2", "101"]);
    }

    #[test]
    fn names_are_held_against_the_sentence() {
        assert!(has_only("{a} {bc}", &["bc", "a"], "") && has_only("{count}", &[], "count"));
        assert!(
            !has_only("{ab}", &["a", "abc"], "") && !has_only("{", &["a"], "") && !has_only("{}", &[], "")
        );
        assert!(has_all("{a}{b}", &["b", "a"]) && !has_all("{ab}", &["a"]) && !has_all("a", &["a"]));
    }

    #[test]
    fn errors_without_their_numbers() {
        let error = io::Error::from_raw_os_error(2);
        assert!(error.to_string().ends_with(" (os error 2)"), "{error}");
        assert_eq!(os_words(&error) + " (os error 2)", error.to_string());
        assert_eq!(os_words(&io::Error::other("x (os error 2)")), "x (os error 2)");
    }

    #[cfg(feature = "gettext")]
    #[test]
    fn a_number_too_large_keeps_what_grammar_asks_for() {
        assert_eq!(the_system::number_for_grammar(1), 1);
        assert_eq!(the_system::number_for_grammar(u64::from(u32::MAX)), u32::MAX);
        assert_eq!(the_system::number_for_grammar((1 << 40) + 1), 1_000_000 + 627_777);
    }
}
