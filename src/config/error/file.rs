//! What is wrong with a file as such, and with what only a file has: tables, keys, kinds of values.

use std::io;

use crate::config::place::Place;
use crate::i18n::{os_words, tr};
use crate::ids;

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
    NoneOf { key: &'static str, value: String, words: String },
    EmptyList { key: &'static str },
    LongList { key: &'static str, max: usize },
    NotAbsolute { key: &'static str, value: String },
    NoShell,
    NoProbe,
    TwoProbes { first: &'static str, second: &'static str },
    NoProgram { key: &'static str },
    DemotesAltogether,
    UserIsRoot { value: String },
    NobodyMeant,
    BothMeant,
    UnknownVip { name: String, similar: Option<String> },
    UnknownGroup { name: String, similar: Option<String> },
    OfTheGroup { key: &'static str, group: String, place: String },
    TooManyChecks { max: usize },
}

impl FileError {
    /// What stands in brackets at the end of the line, see [`ids`].
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => ids::FILE_UNREADABLE,
            Self::NotAFile => ids::FILE_NOT_A_FILE,
            Self::TooBig { .. } => ids::FILE_TOO_BIG,
            Self::Changing => ids::FILE_CHANGING,
            Self::NotUtf8 => ids::FILE_NOT_UTF8,
            Self::Syntax { .. } => ids::FILE_SYNTAX,
            Self::Version { .. } => ids::FILE_VERSION,
            Self::Changeable { .. } => ids::FILE_CHANGEABLE,
            Self::Readable => ids::FILE_READABLE,
            Self::UnknownTable { .. } => ids::FILE_UNKNOWN_TABLE,
            Self::UnknownKey { .. } => ids::FILE_UNKNOWN_KEY,
            Self::NoKey { .. } => ids::FILE_NO_KEY,
            Self::NoDefault { .. } => ids::FILE_NO_DEFAULT,
            Self::OnlyInMainFile { .. } => ids::FILE_ONLY_IN_MAIN_FILE,
            Self::Pattern { .. } => ids::FILE_PATTERN,
            Self::NotATable { .. } => ids::FILE_NOT_A_TABLE,
            Self::NotAList { .. } => ids::FILE_NOT_A_LIST,
            Self::NotAnEntry { .. } => ids::FILE_NOT_AN_ENTRY,
            Self::NotASwitch { .. } => ids::FILE_NOT_A_SWITCH,
            Self::NotText { .. } => ids::FILE_NOT_TEXT,
            Self::NotANumber { .. } => ids::FILE_NOT_A_NUMBER,
            Self::NotATime { .. } => ids::FILE_NOT_A_TIME,
            Self::NoneOf { .. } => ids::FILE_NONE_OF,
            Self::EmptyList { .. } => ids::FILE_EMPTY_LIST,
            Self::LongList { .. } => ids::FILE_LONG_LIST,
            Self::NotAbsolute { .. } => ids::FILE_NOT_ABSOLUTE,
            Self::TwoPasswords => ids::FILE_TWO_PASSWORDS,
            Self::Name { .. } => ids::FILE_NAME,
            Self::NameReserved { .. } => ids::FILE_NAME_RESERVED,
            Self::NameTwice { .. } => ids::FILE_NAME_TWICE,
            Self::ServedTwice { .. } => ids::FILE_SERVED_TWICE,
            Self::NoVips => ids::FILE_NO_VIPS,
            Self::TooManyVips { .. } => ids::FILE_TOO_MANY_VIPS,
            Self::TooManyOnInterface { .. } => ids::FILE_TOO_MANY_ON_INTERFACE,
            Self::NoShell => ids::FILE_NO_SHELL,
            Self::NoProbe => ids::FILE_NO_PROBE,
            Self::TwoProbes { .. } => ids::FILE_TWO_PROBES,
            Self::NoProgram { .. } => ids::FILE_NO_PROGRAM,
            Self::DemotesAltogether => ids::FILE_DEMOTES_ALTOGETHER,
            Self::UserIsRoot { .. } => ids::FILE_USER_IS_ROOT,
            Self::NobodyMeant => ids::FILE_NOBODY_MEANT,
            Self::BothMeant => ids::FILE_BOTH_MEANT,
            Self::UnknownVip { .. } => ids::FILE_UNKNOWN_VIP,
            Self::UnknownGroup { .. } => ids::FILE_UNKNOWN_GROUP,
            Self::OfTheGroup { .. } => ids::FILE_OF_THE_GROUP,
            Self::TooManyChecks { .. } => ids::FILE_TOO_MANY_CHECKS,
        }
    }

    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Unreadable { source } => {
                tr!("this file cannot be read: {error}", error = os_words(source))
            }
            Self::NotAFile => tr!("this is not a file that can be read again; name a plain file").into_owned(),
            // TRANSLATORS: {max} is 8388608.
            Self::TooBig { max } => tr!("the configuration is longer than {max} bytes, which no configuration needs; is this the right file?", max),
            Self::Changing => tr!("this file was written to while it was read; try again").into_owned(),
            Self::NotUtf8 => {
                tr!("from here on this file is not UTF-8; save it as UTF-8").into_owned()
            }
            Self::Syntax { reason } => {
                // TRANSLATORS: {reason} is what the reader of TOML says, in English.
                tr!("this cannot be understood as TOML: {reason}", reason)
            }
            Self::Changeable { place } => tr!("others than root and the user of this daemon may write to '{place}', and so choose what it runs; withdraw that right", place),
            Self::Readable => {
                tr!("pass: everybody on this host can read it here; try chmod 600 for this file").into_owned()
            }
            Self::Version { value } => tr!("config-version: '{value}' is not known to this ucarp; it reads version 1", value),
            Self::UnknownTable { table, similar: None } => tr!("{table}: there is no such table or key; [daemon], [defaults], [vip.NAME], [group.NAME], [check.NAME] and include are what there is", table),
            Self::UnknownTable { table, similar: Some(similar) }
            | Self::UnknownKey { key: table, similar: Some(similar) } => tr!("{key}: there is no such key; did you mean {similar}?", key = table, similar),
            Self::UnknownKey { key, similar: None } => {
                tr!("{key}: there is no such key here; the manual lists them", key)
            }
            Self::NoKey { key } => tr!("{key}: is an option of the command line and cannot stand in a file; remove it", key),
            Self::NoDefault { key } => tr!("{key}: is different for each virtual host and cannot be a default; write it below [vip.NAME]", key),
            Self::NotATable { key } => {
                tr!("{key}: must be a table, such as [vip.web] or [defaults]", key)
            }
            Self::NotAList { key } => tr!("{key}: must be a list; put brackets around it, and quotes around each of its entries: {key} = [\"…\"]", key),
            Self::NotAnEntry { key } => {
                tr!("{key}: each entry of the list must be a text in quotes", key)
            }
            Self::NotASwitch { key } => {
                tr!("{key}: must be true or false, without quotes", key)
            }
            Self::NotText { key } => {
                tr!("{key}: must be one text in quotes: {key} = \"…\"", key)
            }
            Self::NotANumber { key } => {
                tr!("{key}: must be one whole number: {key} = 1", key)
            }
            Self::NotATime { key } => tr!("{key}: must be one time in quotes, such as \"200ms\", \"2s\" or \"5m\"", key),
            Self::TwoPasswords => {
                tr!("pass and passfile: both are given here; remove one of them").into_owned()
            }
            Self::Name { name } => tr!("'{name}' cannot be a name: 1 to 32 of a to z, 0 to 9, - and _, beginning with a letter or digit", name),
            Self::NameReserved { name } => tr!("'{name}' cannot be a name, because commands understand it as a word of their own; choose another", name),
            // TRANSLATORS: {first} is a place such as /etc/ucarp/ucarp.toml:3:1.
            Self::NameTwice { name, first } => tr!("there is another '{name}' at {first}; give one of them another name", name, first),
            Self::ServedTwice { name, interface, vhid, first } => tr!("vhid: '{name}' at {first} has {vhid} on {interface} already; give one of them another number or interface", name, interface, vhid, first),
            Self::NoVips => tr!("there is no virtual host to serve; begin one with [vip.NAME]").into_owned(),
            // TRANSLATORS: {max} is 4096.
            Self::TooManyVips { max } => tr!("there are more than {max} virtual hosts; a second ucarp can serve the others", max),
            // TRANSLATORS: {max} is 255.
            Self::TooManyOnInterface { interface, max } => tr!("interface: there are more than {max} virtual hosts on {interface}; use another interface for this one", interface, max),
            Self::OnlyInMainFile { key } => tr!("{key}: can stand only in the file given with --config; move it there", key),
            Self::Pattern { pattern } => tr!("include: '{pattern}' cannot be a pattern of files; * and ? may stand only behind the last slash", pattern),
            // TRANSLATORS: {words} are the words that are allowed, with commas between them.
            Self::NoneOf { key, value, words } => tr!("{key}: '{value}' is none of {words}", key, value, words),
            Self::EmptyList { key } => tr!("{key}: there is nothing in the list; fill it, or remove the key", key),
            // TRANSLATORS: {max} is a number of bytes, some thousands.
            Self::LongList { key, max } => tr!("{key}: there is too much in the list; {max} bytes in all its entries are the most", key, max),
            Self::NotAbsolute { key, value } => tr!("{key}: '{value}' does not begin with a slash, and nobody looks for it; write the whole path", key, value),
            Self::NoShell => tr!("command: no shell takes a text apart; write a list with the program and each of its words, command = [\"/usr/bin/curl\", \"-fsS\", \"…\"]").into_owned(),
            Self::NoProbe => {
                tr!("one of command, interface, file and carp-demotion = true is required: what to look at").into_owned()
            }
            // TRANSLATORS: {first} and {second} are two of the keys command, interface, file and carp-demotion.
            Self::TwoProbes { first, second } => tr!("{second}: a check looks at one thing, and {first} is given too; begin another [check.NAME] for one of them", first, second),
            Self::NoProgram { key } => tr!("{key}: is about a program, and this check runs none; remove it", key),
            Self::DemotesAltogether => tr!("demote: amounts are 1 to 254; a host that is not to serve at all has on-failure = \"release\"").into_owned(),
            Self::UserIsRoot { value } => tr!("user: '{value}' is root or of its group, and what is run so often is to have no rights; name somebody else", value),
            Self::NobodyMeant => {
                tr!("vips or group: one of them is required: whom this check is about").into_owned()
            }
            Self::BothMeant => tr!("vips and group: both are given here; remove one of them").into_owned(),
            Self::UnknownVip { name, similar: None } => tr!("vips: there is no virtual host '{name}'; begin one with [vip.{name}], or remove it here", name),
            Self::UnknownVip { name, similar: Some(similar) } => tr!("vips: there is no virtual host '{name}'; did you mean {similar}?", name, similar),
            Self::UnknownGroup { name, similar: None } => tr!("group: no virtual host is in a group '{name}'; give those that are group = \"{name}\"", name),
            Self::UnknownGroup { name, similar: Some(similar) } => tr!("group: there is no group '{name}'; did you mean {similar}?", name, similar),
            // TRANSLATORS: {place} is a place such as /etc/ucarp/ucarp.toml:3:1.
            Self::OfTheGroup { key, group, place } => tr!("{key}: all in the group '{group}' have what is written at {place}; remove this, or write it there", key, group, place),
            Self::TooManyChecks { max } => {
                // TRANSLATORS: {max} is 256.
                tr!("there are more than {max} checks; one program can look at several things", max)
            }
        }
    }
}
