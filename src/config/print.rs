//! What a command line asks for, as a file that asks for the same.

use std::ffi::OsStr;
use std::fmt::Write;

use super::options::{self, Row, Scope, Takes};
use super::reading::{Layer, Value};
use super::{Error, shown, words};
use crate::i18n::tr;

/// What stands in a file whether it was given or not: there the default is another one.
const ALWAYS: [&str; 2] = ["--manage-address", "--shutdown"];

/// Options whose word is the name of a file.
const FILES: [&str; 6] = ["--passfile", "--upscript", "--downscript", "--pidfile", "--lockdir", "--control"];

/// The text of the file. Nothing is wrong with the words themselves. A password is left out: the file names another one
/// for it, and says so.
///
/// # Errors
/// The interface is not named, or a word is no text.
pub(super) fn file(layer: &Layer<'_>) -> Result<String, Error> {
    let given = |option: &str| layer.given().find(|(given, _)| *given == option).map(|(_, value)| value);
    let interface = match given("--interface") {
        Some(Value::Words(words)) => words.last().and_then(|(word, _)| word.to_str()),
        _ => None,
    };
    let Some(interface) = interface else {
        return Err(Error::Required { option: "--interface", example: "--interface=eth0" });
    };
    let number = match given("--vhid") {
        Some(Value::Words(words)) => words.last().and_then(|(word, _)| number(word)).unwrap_or_default(),
        _ => 0,
    };
    let mut text = String::new();
    comment(&mut text, &tr!("What the command line asked for; start it with: ucarp --config FILE"));
    if given("--daemonize").is_some() {
        comment(&mut text, &tr!("To go to the background add --daemonize, which is no matter of a file."));
    }
    text.push_str("config-version = 1\n");
    let mut daemon = String::new();
    for row in options::all().filter(|row| row.scope == Scope::Daemon) {
        if let Some(value) = given(row.option) {
            line(&mut daemon, row, value, layer)?;
        }
    }
    if !daemon.is_empty() {
        let _ = write!(text, "\n[daemon]\n{daemon}");
    }
    let _ = write!(text, "\n[vip.{}]\n", name(interface, number));
    for row in options::all().filter(|row| matches!(row.scope, Scope::Vip | Scope::OneVip)) {
        let unused = if layer.is_after("--pass", "--passfile") { "--passfile" } else { "--pass" };
        match given(row.option) {
            _ if ALWAYS.contains(&row.option) => {
                let _ = writeln!(text, "{} = {}", row.key(), given(row.option).is_some());
            }
            Some(_) if row.option == unused => {}
            Some(value) => line(&mut text, row, value, layer)?,
            // There it would be another one.
            None if row.option == "--preempt-delay" => text.push_str("preempt-delay = \"0s\"\n"),
            None => {}
        }
    }
    Ok(text)
}

fn comment(text: &mut String, sentence: &str) {
    for line in sentence.lines() {
        let _ = writeln!(text, "# {line}");
    }
}

fn line(text: &mut String, row: &Row, value: &Value, layer: &Layer<'_>) -> Result<(), Error> {
    let key = row.key();
    let _ = match value {
        Value::Switch(on) => writeln!(text, "{key} = {on}"),
        Value::Words(words) if row.takes == Takes::List => {
            let words: Result<Vec<_>, _> = words.iter().map(|(word, _)| quoted(row, word)).collect();
            writeln!(text, "{key} = [{}]", words?.join(", "))
        }
        Value::Words(words) => {
            let Some((word, _)) = words.last() else { return Ok(()) };
            let number = number(word).filter(|_| matches!(row.takes, Takes::Number | Takes::Time));
            match number {
                Some(number) => writeln!(text, "{key} = {number}"),
                None if FILES.contains(&row.option) && !(row.option == "--control" && word == "none") => {
                    let file = words::file_or_credential(row.option, word, layer.folder())?;
                    writeln!(text, "{key} = {}", quoted(row, file.as_os_str())?)
                }
                None => writeln!(text, "{key} = {}", quoted(row, word)?),
            }
        }
        Value::Secret(_) => {
            comment(text, &tr!("Write the password into this file, which only root may read (chmod 600):"));
            writeln!(text, "passfile = \"/etc/ucarp/secret\"")
        }
        Value::Wrong => Ok(()),
    };
    Ok(())
}

fn number(word: &OsStr) -> Option<u64> {
    word.to_str().and_then(words::c_number)
}

/// The name of the virtual host, of letters that a name may have.
fn name(interface: &str, number: u64) -> String {
    let letter = |letter: char| match letter.to_ascii_lowercase() {
        letter @ ('a'..='z' | '0'..='9' | '_') => letter,
        _ => '-',
    };
    let letters: String = interface.chars().map(letter).collect();
    let begins = if letters.starts_with(['-', '_']) { "vip" } else { "" };
    format!("{begins}{letters}-{number}")
}

/// A word as TOML has it.
fn quoted(row: &Row, word: &OsStr) -> Result<String, Error> {
    let text = word.to_str().ok_or_else(|| Error::NotText { option: row.option, value: shown(word) })?;
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            plain => quoted.push(plain),
        }
    }
    Ok(quoted + "\"")
}
