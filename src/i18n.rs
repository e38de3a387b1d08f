//! The translator at the door: binds the message catalogue, looks sentences up, fills in names.
//!
//! A sentence is written in English where it is said, with named placeholders that translators may reorder:
//! `tr!("{path} is empty", path)`; one about a number of things is written for one and for many,
//! `trn!(count; "{count} file", "{count} files")`. Lookup comes first, filling second, so the catalogue
//! never sees a value. Without a catalogue, without the `gettext` feature, or when a catalogue holds bytes
//! that are not UTF-8, the English text is used: a broken translation must not stop a failover daemon.
//!
//! This file must not choose words, and must not be called from `protocol` or `platform`. Only the sentences
//! in the few files named in `tests/catalogue.rs` are collected for translators.

use std::borrow::Cow;
use std::fmt::{Display, Write};
use std::time::Duration;

/// Text domain, which is also the name of the installed `.mo` files.
#[cfg(feature = "gettext")]
const DOMAIN: &str = "ucarp";

/// Turns translation on for the language of the environment (`LANGUAGE`, `LC_ALL`, `LC_MESSAGES`, `LANG`). Where the
/// last three name none, everything stays English: libintl would ask macOS for the languages of a desktop then, by a
/// library that ends a process which has forked and not executed (`guess_category_value` of its dcigettext.c).
///
/// To be called once, first thing in `main`. `adopt_locale` makes the C library take its message locale from
/// the environment and says whether it could; that call is `unsafe`, so it lives in `platform`.
/// Catalogues are looked for in the directory fixed at build time, or in `UCARP_LOCALEDIR` if that is set.
#[cfg(feature = "gettext")]
pub fn init(adopt_locale: fn() -> bool) {
    let directory = std::env::var_os("UCARP_LOCALEDIR").unwrap_or_else(|| env!("LOCALEDIR").into());
    let bound = names_a_language(|name| std::env::var_os(name))
        && adopt_locale()
        && gettextrs::bindtextdomain(DOMAIN, directory).is_ok()
        && gettextrs::bind_textdomain_codeset(DOMAIN, "UTF-8").is_ok();
    // The C library's own words for errors stand in our sentences. Without this they would come in the character set
    // of the C locale, with question marks for every other letter. A C library without such a catalogue does nothing.
    if bound {
        let _ = gettextrs::bind_textdomain_codeset("libc", "UTF-8");
    }
    catalogue::USABLE.store(bound, std::sync::atomic::Ordering::Relaxed);
}

/// Whether the environment says, as POSIX has it, in what language messages are to be.
#[cfg(any(feature = "gettext", test))]
fn names_a_language(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> bool {
    ["LC_ALL", "LC_MESSAGES", "LANG"].iter().any(|name| variable(name).is_some_and(|value| !value.is_empty()))
}

/// Built without translations: does nothing.
#[cfg(not(feature = "gettext"))]
pub fn init(_adopt_locale: fn() -> bool) {}

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
    catalogue::look_up(msgid).map_or(Cow::Borrowed(msgid), Cow::Owned)
}

/// The same of one that means this here, and elsewhere something else.
#[must_use]
pub fn sentence_of(context: &'static str, msgid: &'static str) -> Cow<'static, str> {
    let _ = context;
    sentence(msgid)
}

/// The sentence about `count` things in the operator's language.
#[must_use]
pub fn sentence_about(one: &'static str, many: &'static str, count: u64) -> Cow<'static, str> {
    let english = if count == 1 { one } else { many };
    catalogue::look_up_plural(one, many, count).map_or(Cow::Borrowed(english), Cow::Owned)
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

/// Seconds with that many decimal places, rounded. Fractions of the language would bring 20 kB of program with them.
#[must_use]
pub fn decimal(duration: Duration, places: u32) -> String {
    let whole = 10_u128.pow(places);
    let rounded = (duration.as_nanos() * whole + 500_000_000) / 1_000_000_000;
    format!("{}.{:0width$}", rounded / whole, rounded % whole, width = places as usize)
}

/// Replaces each `{name}` of a (translated) sentence by its value. Unknown names and lone braces stay as they
/// are, and values are never searched for further names.
#[must_use]
pub fn fill(sentence: &str, values: &[(&str, &dyn Display)]) -> String {
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

#[cfg(feature = "gettext")]
mod catalogue {
    use std::panic;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Whether lookups may be made: false before `init`, and again once a catalogue proved broken.
    pub(super) static USABLE: AtomicBool = AtomicBool::new(false);

    pub(super) fn look_up(msgid: &'static str) -> Option<String> {
        // The empty msgid is the catalogue's header.
        (!msgid.is_empty()).then(|| ask(|| gettextrs::dgettext(super::DOMAIN, msgid))).flatten()
    }

    pub(super) fn look_up_plural(one: &'static str, many: &'static str, count: u64) -> Option<String> {
        ask(|| gettextrs::dngettext(super::DOMAIN, one, many, number_for_grammar(count)))
    }

    /// The rules of languages look at the last digits, and whether there are more: what is too large for the binding
    /// keeps both.
    pub(super) fn number_for_grammar(count: u64) -> u32 {
        const MILLION: u64 = 1_000_000;
        u32::try_from(count).unwrap_or_else(|_| u32::try_from(MILLION + count % MILLION).unwrap_or_default())
    }

    /// The binding panics on text that is not UTF-8. That costs us the language, not the process, and the
    /// hook is put aside meanwhile because a broken catalogue is not a bug worth a backtrace.
    fn ask(question: impl FnOnce() -> String + panic::UnwindSafe) -> Option<String> {
        if !USABLE.load(Ordering::Relaxed) {
            return None;
        }
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        let found = panic::catch_unwind(question);
        panic::set_hook(hook);
        if found.is_err() {
            USABLE.store(false, Ordering::Relaxed);
        }
        found.ok()
    }
}

#[cfg(not(feature = "gettext"))]
mod catalogue {
    pub(super) fn look_up(_msgid: &'static str) -> Option<String> {
        None
    }

    pub(super) fn look_up_plural(_one: &'static str, _many: &'static str, _count: u64) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded() {
        let written = |nanos, places| decimal(Duration::from_nanos(nanos), places);
        assert_eq!(written(1_234_499_999, 3), "1.234");
        assert_eq!(written(999_950_000, 3), "1.000");
        assert_eq!(written(40_950_000_000, 2), "40.95");
        assert_eq!(written(7, 6), "0.000000");
        assert_eq!(decimal(Duration::MAX, 1).len(), 22);
    }

    #[test]
    fn an_environment_without_a_language_is_english() {
        let asked = |set: &'static [(&str, &str)]| {
            names_a_language(|name| {
                set.iter().find(|(its, _)| *its == name).map(|(_, value)| (*value).into())
            })
        };
        assert!(!asked(&[]) && !asked(&[("LANG", ""), ("LANGUAGE", "de")]));
        assert!(
            asked(&[("LANG", "de_DE.UTF-8")]) && asked(&[("LC_ALL", ""), ("LC_MESSAGES", "fr_FR.UTF-8")])
        );
    }

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
        assert!(!has_only("{ab}", &["a", "abc"], "") && !has_only("{", &["a"], "") && !has_only("{}", &[], ""));
        assert!(has_all("{a}{b}", &["b", "a"]) && !has_all("{ab}", &["a"]) && !has_all("a", &["a"]));
    }

    #[cfg(feature = "gettext")]
    #[test]
    fn a_number_too_large_keeps_what_grammar_asks_for() {
        assert_eq!(catalogue::number_for_grammar(1), 1);
        assert_eq!(catalogue::number_for_grammar(u64::from(u32::MAX)), u32::MAX);
        assert_eq!(catalogue::number_for_grammar((1 << 40) + 1), 1_000_000 + 627_777);
    }
}
