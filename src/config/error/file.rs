//! What is wrong with a file as such, and with what only a file has: tables, keys, kinds of values.

use std::io;

use crate::config::place::Place;
use crate::i18n::{fill, tr};

/// What is wrong with a file, or with what only a file has. The place stands before the sentence.
#[derive(Debug)]
#[expect(missing_docs, reason = "the sentence is the documentation of each variant")]
pub enum FileError {
    Unreadable { source: io::Error },
    NotAFile,
    TooBig { max: u64 },
    Changing,
    NotUtf8,
    Syntax { reason: String },
    Changeable { place: String },
    Readable,
    Version { value: String },
    UnknownTable { table: String, similar: Option<&'static str> },
    UnknownKey { key: String, similar: Option<&'static str> },
    NoKey { key: &'static str },
    NoDefault { key: &'static str },
    NotATable { key: String },
    NotAList { key: &'static str },
    NotAnEntry { key: &'static str },
    NotASwitch { key: &'static str },
    NotText { key: &'static str },
    NotANumber { key: &'static str },
    NotATime { key: &'static str },
    TwoPasswords,
    Name { name: String },
    NameReserved { name: String },
    NameTwice { name: String, first: Place },
    ServedTwice { name: String, interface: String, vhid: u8, first: Place },
    NoVips,
    TooManyVips { max: usize },
    TooManyOnInterface { interface: String, max: usize },
    OnlyInMainFile { key: &'static str },
    Pattern { pattern: String },
}

impl FileError {
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Unreadable { source } => {
                fill(&tr("this file cannot be read: {error}"), &[("error", source)])
            }
            Self::NotAFile => tr("this is not a file that can be read again; name a plain file").into_owned(),
            Self::TooBig { max } => fill(
                &tr(
                    "the configuration is longer than {max} bytes, which no configuration needs; is this the right file?",
                ),
                &[("max", max)],
            ),
            Self::Changing => tr("this file was written to while it was read; try again").into_owned(),
            Self::NotUtf8 => {
                tr("this is not UTF-8, which the file has to be from here on; save it as UTF-8").into_owned()
            }
            Self::Syntax { reason } => {
                fill(&tr("this cannot be understood as TOML: {reason}"), &[("reason", reason)])
            }
            Self::Changeable { place } => fill(
                &tr(
                    "others than root and the user of this daemon may write to '{place}', and so choose what it runs; take that right away",
                ),
                &[("place", place)],
            ),
            Self::Readable => {
                tr("pass: everybody on this host can read it here; try chmod 600 for this file").into_owned()
            }
            Self::Version { value } => fill(
                &tr("config-version: '{value}' is not known to this ucarp; it reads version 1"),
                &[("value", value)],
            ),
            Self::UnknownTable { table, similar: None } => fill(
                &tr(
                    "{table}: there is no such table or key; [daemon], [defaults], [vip.NAME] and include are what there is",
                ),
                &[("table", table)],
            ),
            Self::UnknownTable { table, similar: Some(similar) }
            | Self::UnknownKey { key: table, similar: Some(similar) } => fill(
                &tr("{key}: there is no such key; did you mean {similar}?"),
                &[("key", table), ("similar", similar)],
            ),
            Self::UnknownKey { key, similar: None } => {
                fill(&tr("{key}: there is no such key here; the manual lists them"), &[("key", key)])
            }
            Self::NoKey { key } => fill(
                &tr("{key}: is an option of the command line and cannot stand in a file; remove it"),
                &[("key", key)],
            ),
            Self::NoDefault { key } => fill(
                &tr(
                    "{key}: is different for each virtual host and cannot be a default; write it below [vip.NAME]",
                ),
                &[("key", key)],
            ),
            Self::NotATable { key } => {
                fill(&tr("{key}: must be a table, such as [vip.web] or [defaults]"), &[("key", key)])
            }
            Self::NotAList { key } => fill(
                &tr(
                    "{key}: must be a list; put brackets around it, and quotes around each of its entries: {key} = [\"…\"]",
                ),
                &[("key", key)],
            ),
            Self::NotAnEntry { key } => {
                fill(&tr("{key}: each entry of the list must be a text in quotes"), &[("key", key)])
            }
            Self::NotASwitch { key } => {
                fill(&tr("{key}: must be true or false, without quotes"), &[("key", key)])
            }
            Self::NotText { key } => {
                fill(&tr("{key}: must be one text in quotes: {key} = \"…\""), &[("key", key)])
            }
            Self::NotANumber { key } => {
                fill(&tr("{key}: must be one whole number: {key} = 1"), &[("key", key)])
            }
            Self::NotATime { key } => fill(
                &tr("{key}: must be one time in quotes, such as \"200ms\", \"2s\" or \"5m\""),
                &[("key", key)],
            ),
            Self::TwoPasswords => {
                tr("pass and passfile: both are given here; remove one of them").into_owned()
            }
            Self::Name { name } => fill(
                &tr(
                    "'{name}' cannot be the name of a virtual host: 1 to 32 of a to z, 0 to 9, - and _, beginning with a letter or digit",
                ),
                &[("name", name)],
            ),
            Self::NameReserved { name } => fill(
                &tr(
                    "'{name}' cannot be the name of a virtual host, because commands understand it as a word of their own; choose another",
                ),
                &[("name", name)],
            ),
            Self::NameTwice { name, first } => fill(
                &tr("there is another virtual host '{name}' at {first}; give one of them another name"),
                &[("name", name), ("first", first)],
            ),
            Self::ServedTwice { name, interface, vhid, first } => fill(
                &tr(
                    "vhid: '{name}' at {first} has {vhid} on {interface} already; give one of them another number or interface",
                ),
                &[("name", name), ("interface", interface), ("vhid", vhid), ("first", first)],
            ),
            Self::NoVips => tr("there is no virtual host to serve; begin one with [vip.NAME]").into_owned(),
            Self::TooManyVips { max } => fill(
                &tr("there are more than {max} virtual hosts; a second ucarp can serve the others"),
                &[("max", max)],
            ),
            Self::TooManyOnInterface { interface, max } => fill(
                &tr(
                    "interface: there are more than {max} virtual hosts on {interface}; use another interface for this one",
                ),
                &[("interface", interface), ("max", max)],
            ),
            Self::OnlyInMainFile { key } => fill(
                &tr("{key}: can stand only in the file given with --config; move it there"),
                &[("key", key)],
            ),
            Self::Pattern { pattern } => fill(
                &tr(
                    "include: '{pattern}' cannot be a pattern of files; * and ? may stand only behind the last slash",
                ),
                &[("pattern", pattern)],
            ),
        }
    }
}
