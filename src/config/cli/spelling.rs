//! The words of a command line in the one shape that getopts is given.
//!
//! getopt_long(3) allowed more than getopts does: long names may be cut short as long as only one fits (the ancestor's
//! own names are tried first, so a new option never makes an old abbreviation ambiguous), and values may hold any
//! bytes. Passwords are taken out on the way and never reach getopts.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use zeroize::Zeroizing;

use super::Exposed;
use crate::config::{Error, shown};

/// One option as it may be written.
pub(super) struct Spelling {
    pub(super) short: &'static str,
    pub(super) long: &'static str,
    pub(super) takes_value: bool,
    /// Whether ucarp 1.5.2 has it: its names win when an abbreviation fits several.
    old: bool,
}

const fn old(short: &'static str, long: &'static str, takes_value: bool) -> Spelling {
    Spelling { short, long, takes_value, old: true }
}

const fn new(short: &'static str, long: &'static str, takes_value: bool) -> Spelling {
    Spelling { short, long, takes_value, old: false }
}

pub(super) const OPTIONS: [Spelling; 44] = [
    old("i", "interface", true),
    old("s", "srcip", true),
    old("m", "mcast", true),
    old("v", "vhid", true),
    old("p", "pass", true),
    old("o", "passfile", true),
    old("P", "preempt", false),
    old("n", "neutral", false),
    old("a", "addr", true),
    old("h", "help", false),
    old("b", "advbase", true),
    old("k", "advskew", true),
    old("u", "upscript", true),
    old("d", "downscript", true),
    old("r", "deadratio", true),
    old("D", "debug", false),
    old("z", "shutdown", false),
    old("B", "daemonize", false),
    old("S", "ignoreifstate", false),
    old("M", "nomcast", false),
    old("f", "facility", true),
    old("x", "xparam", true),
    new("V", "version", false),
    new("", "hook-timeout", true),
    new("", "hook-failure", true),
    new("", "on-lost-address", true),
    new("", "garp-count", true),
    new("", "garp-interval", true),
    new("", "garp-refresh", true),
    new("", "peer", true),
    new("", "peer-type", true),
    new("", "replay", true),
    new("", "only-ours", false),
    new("", "pidfile", true),
    new("", "lockdir", true),
    new("", "mlock", false),
    new("", "user", true),
    new("", "wait-interface", false),
    new("", "check", false),
    new("", "sniff", false),
    new("", "json", false),
    new("", "read", true),
    // Names of the ancestor's documents for options above.
    old("", "mcastip", true),
    old("", "syslog", true),
];

/// The option whose value must not be seen.
const PASSWORD: &str = "pass";

/// The name under which an option's values are kept.
pub(super) fn canonical(long: &'static str) -> &'static str {
    match long {
        "mcastip" => "mcast",
        "syslog" => "facility",
        name => name,
    }
}

/// Text that getopts, which insists on UTF-8, can carry without loss: each byte as the character of that number.
fn text_of(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The bytes that [`text_of`] was given.
pub(super) fn bytes_of(text: &str) -> OsString {
    OsString::from_vec(text.chars().filter_map(|character| u8::try_from(character).ok()).collect())
}

/// Brings the words into the one shape `--name`, `--name=value` that getopts is given: names in full, values
/// joined to them, passwords set aside and replaced by nothing.
pub(super) fn normalize(
    args: impl Iterator<Item = OsString>,
    passwords: &mut Vec<Zeroizing<Vec<u8>>>,
    exposed: &mut Vec<Exposed>,
) -> Result<Vec<String>, Error> {
    let mut args = args.enumerate();
    let mut normal = Vec::new();
    let mut previous_was_password = false;
    while let Some((position, arg)) = args.next() {
        let word = Zeroizing::new(arg.into_vec());
        let was_password = std::mem::take(&mut previous_was_password);
        if let Some(long) = word.strip_prefix(b"--").filter(|long| !long.is_empty()) {
            let (name, value) = match long.iter().position(|&byte| byte == b'=') {
                Some(equals) => (long.get(..equals), long.get(equals + 1..)),
                None => (Some(long), None),
            };
            let spelling = find_long(name.unwrap_or_default())?;
            let mut place = Exposed { word: position, from: word.len() - value.map_or(0, <[u8]>::len) };
            let value = match value {
                Some(value) => Some(value.to_vec()),
                None if spelling.takes_value => {
                    place = Exposed { word: position + 1, from: 0 };
                    Some(next_value(&mut args, spelling)?)
                }
                None => None,
            };
            previous_was_password = spelling.long == PASSWORD;
            exposed.extend(previous_was_password.then_some(place));
            normal.push(normal_word(spelling, value, passwords));
        } else if let Some(mut cluster) =
            word.strip_prefix(b"-").filter(|rest| !rest.is_empty() && *rest != b"-")
        {
            while let Some((&letter, rest)) = cluster.split_first() {
                let spelling = find_short(letter)?;
                cluster = rest;
                let mut value = None;
                let mut place = Exposed { word: position, from: word.len() - rest.len() };
                if spelling.takes_value {
                    value = Some(if rest.is_empty() {
                        place = Exposed { word: position + 1, from: 0 };
                        next_value(&mut args, spelling)?
                    } else {
                        rest.to_vec()
                    });
                    cluster = &[];
                }
                previous_was_password = spelling.long == PASSWORD;
                exposed.extend(previous_was_password.then_some(place));
                normal.push(normal_word(spelling, value, passwords));
            }
        } else if was_password && !word.is_empty() && word.as_slice() != b"--" {
            return Err(Error::StrayAfterPassword);
        } else {
            previous_was_password = was_password && word.is_empty();
            // "--" and everything that is no option; getopts knows what to make of them.
            normal.push(text_of(&word));
            if word.as_slice() == b"--" {
                normal.extend(args.by_ref().map(|(_, arg)| text_of(arg.as_bytes())));
            }
        }
    }
    Ok(normal)
}

fn normal_word(
    spelling: &Spelling,
    value: Option<Vec<u8>>,
    passwords: &mut Vec<Zeroizing<Vec<u8>>>,
) -> String {
    let name = canonical(spelling.long);
    match value {
        Some(password) if name == PASSWORD => {
            passwords.push(Zeroizing::new(password));
            format!("--{name}=")
        }
        Some(value) => format!("--{name}={}", text_of(&value)),
        None => format!("--{name}"),
    }
}

fn next_value(
    args: &mut impl Iterator<Item = (usize, OsString)>,
    spelling: &Spelling,
) -> Result<Vec<u8>, Error> {
    let (_, value) =
        args.next().ok_or_else(|| Error::MissingValue { option: format!("--{}", spelling.long) })?;
    Ok(value.into_vec())
}

fn find_short(letter: u8) -> Result<&'static Spelling, Error> {
    OPTIONS.iter().find(|spelling| spelling.short.as_bytes() == [letter]).ok_or_else(|| {
        Error::UnknownOption { option: format!("-{}", shown(OsStr::from_bytes(&[letter]))), similar: None }
    })
}

/// The option a long name, or the beginning of one, stands for.
fn find_long(name: &[u8]) -> Result<&'static Spelling, Error> {
    let option = || format!("--{}", shown(OsStr::from_bytes(name)));
    if let Some(exact) = OPTIONS.iter().find(|spelling| spelling.long.as_bytes() == name) {
        return Ok(exact);
    }
    let fitting = |old: bool| {
        let mut fitting: Vec<&'static Spelling> = OPTIONS
            .iter()
            .filter(|spelling| spelling.long.as_bytes().starts_with(name) && (spelling.old || !old))
            .collect();
        // Two names of one option are not two options.
        fitting.dedup_by_key(|spelling| canonical(spelling.long));
        fitting
    };
    let mut candidates = fitting(true);
    if candidates.is_empty() {
        candidates = fitting(false);
    }
    match candidates.as_slice() {
        [] => Err(Error::UnknownOption { option: option(), similar: similar(name) }),
        [only] => Ok(only),
        several => {
            let names: Vec<_> = several.iter().map(|spelling| format!("--{}", spelling.long)).collect();
            Err(Error::AmbiguousOption { option: option(), candidates: names.join(", ") })
        }
    }
}

/// The option that was probably meant by a name that is none: one or two slips away, of four letters at least each.
fn similar(name: &[u8]) -> Option<&'static str> {
    OPTIONS
        .iter()
        .map(|spelling| (slips(name, spelling.long.as_bytes()), spelling.long))
        .filter(|(slips, long)| slips * 4 <= long.len().max(4) && *slips <= 2)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, long)| long)
}

/// How many letters have to be added, left out, replaced, or exchanged with the next one, to make one word of another.
fn slips(from: &[u8], to: &[u8]) -> usize {
    // Row by row: what it costs to make the first letters of `to` of the first letters of `from`.
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    let mut last = None;
    for (done, &letter) in (1..).zip(from) {
        let mut next = vec![done];
        let mut left = None;
        for (column, &wanted) in (1..).zip(to) {
            let replaced = at(&row, column - 1) + usize::from(letter != wanted);
            let exchanged = match last == Some(wanted) && left == Some(letter) {
                true => at(&before, column - 2) + 1,
                false => usize::MAX,
            };
            let added_or_left_out = at(&next, column - 1).min(at(&row, column)) + 1;
            next.push(replaced.min(exchanged).min(added_or_left_out));
            left = Some(wanted);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    at(&row, to.len())
}

/// What a word means that belongs to no option: often it is what another program would be told.
pub(super) fn stray(word: &OsStr) -> Error {
    let value = shown(word);
    let option = match value.as_str() {
        "start" | "run" | "serve" | "restart" => return Error::StrayStart { value },
        "status" | "state" | "show" => return Error::StrayStatus { value },
        "stop" | "end" | "quit" | "exit" => return Error::StrayStop { value },
        "test" | "configtest" => Some("check"),
        "watch" | "listen" => Some("sniff"),
        name => OPTIONS.iter().find(|spelling| spelling.long == name).map(|spelling| spelling.long),
    };
    match option {
        Some(option) => Error::StrayOption { value, option: format!("--{option}") },
        None => Error::StrayArgument { value },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (from, to, count) in [
            ("", "", 0),
            ("", "ab", 2),
            ("preempt", "preempt", 0),
            ("prempt", "preempt", 1),
            ("preemppt", "preempt", 1),
            ("vihd", "vhid", 1),
            ("advscew", "advskew", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(slips(from.as_bytes(), to.as_bytes()), count, "{from} {to}");
            assert_eq!(slips(to.as_bytes(), from.as_bytes()), count, "{to} {from}");
        }
    }

    #[test]
    fn what_was_meant() {
        for (name, meant) in [
            ("prempt", Some("preempt")),
            ("preemt", Some("preempt")),
            ("Preempt", Some("preempt")),
            ("vihd", Some("vhid")),
            ("adress", None),
            ("upscrpit", Some("upscript")),
            ("upscripts", Some("upscript")),
            ("downscritp", Some("downscript")),
            ("interfaces", Some("interface")),
            ("wait_interface", Some("wait-interface")),
            ("x", None),
            ("nosuch", None),
            ("\u{e9}", None),
        ] {
            assert_eq!(similar(name.as_bytes()), meant, "{name}");
        }
    }
}
