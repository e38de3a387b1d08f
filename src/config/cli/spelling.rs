//! The words of a command line in the one shape that getopts is given.
//!
//! getopt_long(3) allowed more than getopts does: long names may be cut short as long as only one fits (the ancestor's
//! own names are tried first, so a new option never makes an old abbreviation ambiguous), and values may hold any
//! bytes. Passwords are taken out on the way and never reach getopts.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use zeroize::Zeroizing;

use super::Exposed;
use crate::config::options::{self, Row, Takes};
use crate::config::{Error, shown};

/// The option whose value must not be seen.
const PASSWORD: &str = "--pass";

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
            let row = find_long(name.unwrap_or_default())?;
            let mut place = Exposed { word: position, from: word.len() - value.map_or(0, <[u8]>::len) };
            let value = match value {
                Some(value) => Some(value.to_vec()),
                None if takes_value(row) => {
                    place = Exposed { word: position + 1, from: 0 };
                    Some(next_value(&mut args, row)?)
                }
                None => None,
            };
            previous_was_password = row.option == PASSWORD;
            exposed.extend(previous_was_password.then_some(place));
            normal.push(normal_word(row, value, passwords));
        } else if let Some(mut cluster) =
            word.strip_prefix(b"-").filter(|rest| !rest.is_empty() && *rest != b"-")
        {
            while let Some((&letter, rest)) = cluster.split_first() {
                let row = find_short(letter)?;
                cluster = rest;
                let mut value = None;
                let mut place = Exposed { word: position, from: word.len() - rest.len() };
                if takes_value(row) {
                    value = Some(if rest.is_empty() {
                        place = Exposed { word: position + 1, from: 0 };
                        next_value(&mut args, row)?
                    } else {
                        rest.to_vec()
                    });
                    cluster = &[];
                }
                previous_was_password = row.option == PASSWORD;
                exposed.extend(previous_was_password.then_some(place));
                normal.push(normal_word(row, value, passwords));
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

fn normal_word(row: &Row, value: Option<Vec<u8>>, passwords: &mut Vec<Zeroizing<Vec<u8>>>) -> String {
    let option = row.option;
    match value {
        Some(password) if option == PASSWORD => {
            passwords.push(Zeroizing::new(password));
            format!("{option}=")
        }
        Some(value) => format!("{option}={}", text_of(&value)),
        None => option.to_owned(),
    }
}

fn next_value(args: &mut impl Iterator<Item = (usize, OsString)>, row: &Row) -> Result<Vec<u8>, Error> {
    let (_, value) = args.next().ok_or_else(|| Error::MissingValue { option: row.option.to_owned() })?;
    Ok(value.into_vec())
}

fn find_short(letter: u8) -> Result<&'static Row, Error> {
    options::options().find(|row| row.short.as_bytes() == [letter]).ok_or_else(|| Error::UnknownOption {
        option: format!("-{}", shown(OsStr::from_bytes(&[letter]))),
        similar: None,
    })
}

/// The option a long name, or the beginning of one, stands for.
fn find_long(name: &[u8]) -> Result<&'static Row, Error> {
    let option = || format!("--{}", shown(OsStr::from_bytes(name)));
    let named = || options::options().flat_map(|row| row.names().map(move |long| (long, row)));
    if let Some((_, exact)) = named().find(|(long, _)| long.as_bytes() == name) {
        return Ok(exact);
    }
    let fitting = |old: bool| {
        let fits = |(long, row): &(&str, &Row)| long.as_bytes().starts_with(name) && (row.old || !old);
        let mut fitting: Vec<(&str, &'static Row)> = named().filter(fits).collect();
        // Two names of one option are not two options.
        fitting.dedup_by_key(|(_, row)| row.option);
        fitting
    };
    let mut candidates = fitting(true);
    if candidates.is_empty() {
        candidates = fitting(false);
    }
    match candidates.as_slice() {
        [] => {
            let similar = options::similar(name, &mut named().map(|(long, _)| long));
            Err(Error::UnknownOption { option: option(), similar })
        }
        [(_, only)] => Ok(only),
        several => {
            let names: Vec<_> = several.iter().map(|(long, _)| format!("--{long}")).collect();
            Err(Error::AmbiguousOption { option: option(), candidates: names.join(", ") })
        }
    }
}

/// Whether the next word belongs to it, if none is joined to it.
fn takes_value(row: &Row) -> bool {
    !matches!(row.takes, Takes::Nothing | Takes::Perhaps)
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
        name => options::options().flat_map(Row::names).find(|long| *long == name),
    };
    match option {
        Some(option) => Error::StrayOption { value, option: format!("--{option}") },
        None => Error::StrayArgument { value },
    }
}
