//! What is wrong with the operator's words, in sentences: one variant for each, translated, always one line.
//!
//! No sentence here ever holds a password.

mod file;
mod warning;

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::io;

use super::place::Place;
use super::spelt::Spelt;

pub use file::FileError;
pub use warning::Warning;

/// What is wrong with the operator's words. `Display` is the translated sentence: what, which value, what to
/// do; one line, without the program's name. `option` is a long option with its dashes; `value` has control
/// characters escaped already. In a file the same option is a key, and named without dashes. `Unsafe` is what is only a
/// warning where something old has to be kept alive; `At` is what is wrong at a place in a file.
#[derive(Debug)]
#[expect(missing_docs, reason = "the sentence in Display is the documentation of each variant")]
pub enum Error {
    UnknownOption { option: String, similar: Option<&'static str> },
    AmbiguousOption { option: String, candidates: String },
    MissingValue { option: String },
    UnexpectedValue { option: String },
    StrayArgument { value: String },
    StrayOption { value: String, option: String },
    StrayStart { value: String },
    StrayStatus { value: String },
    StrayStop { value: String },
    StrayAfterPassword,
    Required { option: &'static str, example: &'static str },
    NoInterface,
    NoNameToWaitFor,
    Empty { option: &'static str },
    Interface { value: String },
    Number { option: &'static str, value: String, min: u64, max: u64 },
    Address { option: &'static str, value: String },
    AddressZone { option: &'static str, value: String },
    AddressUnspecified { option: &'static str, value: String },
    AddressLoopback { option: &'static str, value: String },
    AddressMulticast { option: &'static str, value: String },
    AddressBroadcast { option: &'static str, value: String },
    AddressMapped { option: &'static str, value: String },
    AddressOfNetwork { option: &'static str, value: String },
    Prefix { option: &'static str, value: String, max: u8 },
    DuplicateAddress { option: &'static str, value: String },
    TooManyAddresses { option: &'static str, max: usize },
    AddressIsSource { option: &'static str, value: String },
    Group { option: &'static str, value: String },
    PeerIsOurs { option: &'static str, value: String, other: &'static str },
    OtherFamily { option: &'static str, value: String },
    DuplicatePeer { option: &'static str, value: String },
    NotWithPeers { option: &'static str },
    NoInterval,
    BowOutInterval,
    PasswordEmpty { option: &'static str },
    PasswordTooLong { option: &'static str },
    PasswordWithNul { option: &'static str },
    PassfileUnreadable { path: String, source: io::Error },
    PassfileIsPipe { path: String },
    PassfileEmpty { path: String },
    HookMissing { option: &'static str, path: String, source: io::Error },
    HookNotAFile { option: &'static str, path: String },
    HookNotExecutable { option: &'static str, path: String },
    HookFolder { option: &'static str, path: String, folder: String, user: u32 },
    HookForbidden { option: &'static str, path: String, user: u32, source: io::Error },
    HookFirstLine { option: &'static str, path: String },
    HookCarriageReturn { option: &'static str, path: String },
    HookInterpreter { option: &'static str, path: String, program: String, source: io::Error },
    Facility { option: &'static str, value: String },
    LogFormat { option: &'static str, value: String },
    HookFailure { option: &'static str, value: String },
    OnLostAddress { option: &'static str, value: String },
    PeerType { option: &'static str, value: String },
    Replay { option: &'static str, value: String },
    PeersNotOurs { option: &'static str, kind: &'static str },
    Pidfile { option: &'static str, path: String },
    NotAFolder { option: &'static str, path: String },
    Mode { option: &'static str, value: String },
    UserUnknown { option: &'static str, value: String },
    UserMalformed { option: &'static str, value: String },
    UserIsRoot { option: &'static str, value: String },
    UsersUnreadable { option: &'static str, source: io::Error },
    OnlyToSniff { option: &'static str },
    NothingToWatch,
    CaptureFile { value: String },
    Time { option: &'static str, value: String, min: String, max: String },
    TimeWithoutUnit { option: &'static str, value: String, max: String },
    NulInside { option: &'static str },
    CheckWord { value: String },
    NotBesideConfig { option: &'static str },
    NothingToConfigure { option: &'static str },
    OnlyToCheckSyntax { option: &'static str },
    NotText { option: &'static str, value: String },
    Credential { option: &'static str, value: String },
    NoCredentials { option: &'static str, value: String },
    Unsafe(Warning),
    File(FileError),
    At { place: Place, error: Box<Self> },
}

/// What stands before a line of ours where others write too.
pub const US: &str = "ucarp: ";

impl std::error::Error for Error {}

/// What is wrong, one thing at least. `Display` has a line for each.
#[derive(Debug)]
pub struct Errors(pub(super) Vec<Error>);

impl Errors {
    /// Only the first: who gives a command line is told of one thing at a time.
    pub(super) fn first_of(errors: Vec<Error>) -> Self {
        Self(errors.into_iter().take(1).collect())
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Error> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Errors {
    type Item = &'a Error;
    type IntoIter = std::slice::Iter<'a, Error>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self(vec![error])
    }
}

impl From<Vec<Error>> for Errors {
    fn from(errors: Vec<Error>) -> Self {
        Self(errors)
    }
}

impl std::error::Error for Errors {}

impl Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.iter().enumerate() {
            write!(f, "{}{error}", if place == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl Error {
    /// This, found at `place` if that is in a file.
    pub(super) fn at(self, place: Option<Place>) -> Self {
        match place {
            Some(place) => Self::At { place, error: Box::new(self) },
            None => self,
        }
    }

    /// What stands before it for people: a place in a file speaks for itself, and editors go to it.
    #[must_use]
    pub const fn speaker(&self) -> &'static str {
        match self {
            Self::At { .. } => "",
            _ => US,
        }
    }

    /// The place in a file where it was found.
    #[must_use]
    pub const fn place(&self) -> Option<&Place> {
        match self {
            Self::At { place, .. } => Some(place),
            _ => None,
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At { place, error } => write!(f, "{place}: {}", error.sentence(Spelt::Key)),
            error => f.write_str(&error.sentence(Spelt::Option)),
        }
    }
}

impl Error {
    #[expect(clippy::too_many_lines, reason = "one arm for each sentence")]
    fn sentence(&self, spelt: Spelt) -> String {
        let tr = |message: &'static str| spelt.translated(message);
        let fill = |message: &Cow<'_, str>, values: &[(&str, &dyn Display)]| spelt.filled(message, values);
        // TRANSLATORS: words in braces are replaced and must stay; {option} is an option such as --vhid, which
        // may stand anywhere in the sentence. MASTER, BACKUP and vhid are not translated.
        match self {
            Self::UnknownOption { option, similar: None } => {
                fill(&tr("{option}: there is no such option; 'ucarp --help' lists them"), &[("option", option)])
            }
            Self::UnknownOption { option, similar: Some(similar) } => fill(
                &tr("{option}: there is no such option; did you mean --{similar}?"),
                &[("option", option), ("similar", similar)],
            ),
            Self::AmbiguousOption { option, candidates } => fill(
                &tr("{option}: could be any of {candidates}; write out more of it"),
                &[("option", option), ("candidates", candidates)],
            ),
            Self::MissingValue { option } => fill(&tr("{option}: needs a value"), &[("option", option)]),
            Self::UnexpectedValue { option } => {
                fill(&tr("{option}: takes no value; leave out the '=' and what follows"), &[("option", option)])
            }
            Self::StrayArgument { value } => {
                fill(&tr("'{value}' does not belong to any option; remove it"), &[("value", value)])
            }
            Self::StrayOption { value, option } => fill(
                &tr("'{value}' does not belong to any option; did you mean {option}?"),
                &[("value", value), ("option", option)],
            ),
            Self::StrayStart { value } => fill(
                &tr("'{value}': there are no commands; remove the word, the options alone start ucarp"),
                &[("value", value)],
            ),
            Self::StrayStatus { value } => fill(
                &tr("'{value}': there are no commands; the signal USR1 makes a running ucarp log its state"),
                &[("value", value)],
            ),
            Self::StrayStop { value } => fill(
                &tr("'{value}': there are no commands; the signal TERM ends a running ucarp"),
                &[("value", value)],
            ),
            Self::StrayAfterPassword => tr(
                "the word after the password does not belong to any option; quote a password that has spaces, or use --passfile",
            )
            .into_owned(),
            Self::Required { option, example } => {
                fill(&tr("{option}: is required, for example {example}"), &[("option", option), ("example", example)])
            }
            Self::NoInterface => tr(
                "--interface or --srcip: one of them is required, for example --interface=eth0",
            )
            .into_owned(),
            Self::NoNameToWaitFor => tr(
                "--wait-interface: needs the name of the interface, for example --interface=eth0",
            )
            .into_owned(),
            Self::Empty { option } => fill(
                &tr("{option}: '' is empty, as is a variable that was not set; give a value or leave the option out"),
                &[("option", option)],
            ),
            Self::Interface { value } => fill(
                &tr("--interface: '{value}' cannot be the name of a network interface (1 to 15 characters, no spaces or slashes)"),
                &[("value", value)],
            ),
            Self::Number { option, value, min, max } => fill(
                &tr("{option}: '{value}' is not a whole number from {min} to {max} (0x10 is hexadecimal, 010 octal)"),
                &[("option", option), ("value", value), ("min", min), ("max", max)],
            ),
            Self::Address { option, value } => fill(
                &tr("{option}: '{value}' is not an IPv4 or IPv6 address in numbers, such as 192.0.2.10; names are not looked up"),
                &[("option", option), ("value", value)],
            ),
            Self::AddressZone { option, value } => fill(
                &tr("{option}: '{value}': what stands behind the % must be the interface given with --interface, or be left out"),
                &[("option", option), ("value", value)],
            ),
            Self::AddressUnspecified { option, value } => fill(
                &tr("{option}: '{value}' means no address at all; give the address of a host"),
                &[("option", option), ("value", value)],
            ),
            Self::AddressLoopback { option, value } => fill(
                &tr("{option}: '{value}' never leaves this host; give an address of the network"),
                &[("option", option), ("value", value)],
            ),
            Self::AddressMulticast { option, value } => fill(
                &tr("{option}: '{value}' is a multicast group; give the address of a host (groups go to --mcast)"),
                &[("option", option), ("value", value)],
            ),
            Self::AddressBroadcast { option, value } => fill(
                &tr("{option}: '{value}' is the broadcast address; give the address of a host"),
                &[("option", option), ("value", value)],
            ),
            Self::AddressMapped { option, value } => fill(
                &tr("{option}: '{value}' is an IPv4 address inside an IPv6 one; give the IPv4 address itself"),
                &[("option", option), ("value", value)],
            ),
            Self::AddressOfNetwork { option, value } => fill(
                &tr("{option}: '{value}' is the first or last address of its network, which no host may use; check the prefix length"),
                &[("option", option), ("value", value)],
            ),
            Self::Prefix { option, value, max } => fill(
                &tr("{option}: '{value}': the prefix length after the slash must be a number from 1 to {max}"),
                &[("option", option), ("value", value), ("max", max)],
            ),
            Self::DuplicateAddress { option, value } => fill(
                &tr("{option}: '{value}' is given twice; give each virtual address once"),
                &[("option", option), ("value", value)],
            ),
            Self::TooManyAddresses { option, max } => fill(
                &tr("{option}: a virtual host has at most {max} addresses; share the others under another --vhid"),
                &[("option", option), ("max", max)],
            ),
            Self::AddressIsSource { option, value } => fill(
                &tr("{option}: '{value}' is also the address given with --srcip; that one must be this host's own and the other shared"),
                &[("option", option), ("value", value)],
            ),
            Self::Group { option, value } => fill(
                &tr("{option}: '{value}' is not an IPv4 multicast group (224.0.0.0 to 239.255.255.255)"),
                &[("option", option), ("value", value)],
            ),
            Self::PeerIsOurs { option, value, other } => fill(
                &tr("{option}: '{value}' is given with {other} too; a peer is another host, named by an address of its own"),
                &[("option", option), ("value", value), ("other", other)],
            ),
            Self::OtherFamily { option, value } => fill(
                &tr("{option}: '{value}' is of the other IP version than all addresses given with --addr"),
                &[("option", option), ("value", value)],
            ),
            Self::DuplicatePeer { option, value } => fill(
                &tr("{option}: '{value}' is given twice; give each peer once"),
                &[("option", option), ("value", value)],
            ),
            Self::NotWithPeers { option } => fill(
                &tr("{option}: is about sending to a group, and --peer about sending to single hosts; remove one of them"),
                &[("option", option)],
            ),
            Self::NoInterval => tr(
                "--advbase and --advskew: both are 0, so there is no time between two advertisements; raise one of them",
            )
            .into_owned(),
            Self::BowOutInterval => tr(
                "--advbase and --advskew: 255 and 255 together mean that a host leaves; lower one of them",
            )
            .into_owned(),
            Self::PasswordEmpty { option } => {
                fill(&tr("{option}: the password is empty; all hosts need the same one, of 1 to 20 bytes"), &[("option", option)])
            }
            Self::PasswordTooLong { option } => {
                fill(&tr("{option}: the password is too long; at most 20 bytes fit, and 19 with most kernels"), &[("option", option)])
            }
            Self::PasswordWithNul { option } => {
                fill(&tr("{option}: the password holds a NUL byte, which no other host can be given"), &[("option", option)])
            }
            Self::PassfileUnreadable { path, source } => fill(
                &tr("--passfile: '{path}' cannot be read: {error}"),
                &[("path", path), ("error", source)],
            ),
            Self::PassfileIsPipe { path } => fill(
                &tr("--passfile: '{path}' is a pipe, and who starts ucarp would wait until somebody writes into it; name a file, or /dev/stdin"),
                &[("path", path)],
            ),
            Self::PassfileEmpty { path } => fill(
                &tr("--passfile: the first line of '{path}' is empty; it must be the password"),
                &[("path", path)],
            ),
            Self::HookMissing { option, path, source } => fill(
                &tr("{option}: '{path}' cannot be found: {error}"),
                &[("option", option), ("path", path), ("error", source)],
            ),
            Self::HookNotAFile { option, path } => fill(
                &tr("{option}: '{path}' is not a file; name the script itself"),
                &[("option", option), ("path", path)],
            ),
            Self::HookNotExecutable { option, path } => fill(
                &tr("{option}: '{path}' is not executable; try chmod +x"),
                &[("option", option), ("path", path)],
            ),
            Self::HookFolder { option, path, folder, user } => fill(
                &tr("{option}: '{path}' cannot be reached: user {user}, who runs ucarp, may not search the folder '{folder}'"),
                &[("option", option), ("path", path), ("folder", folder), ("user", user)],
            ),
            Self::HookForbidden { option, path, user, source } => fill(
                &tr("{option}: '{path}' may not be run by user {user}, who runs ucarp: {error}; look at its owner and mode, and whether its file system is mounted noexec"),
                &[("option", option), ("path", path), ("user", user), ("error", source)],
            ),
            Self::HookFirstLine { option, path } => fill(
                &tr("{option}: '{path}' cannot be run: its first line does not name a program, as #!/bin/sh does"),
                &[("option", option), ("path", path)],
            ),
            Self::HookCarriageReturn { option, path } => fill(
                &tr("{option}: '{path}' cannot be run: its lines end as on Windows, with a carriage return; remove these characters, for example with dos2unix"),
                &[("option", option), ("path", path)],
            ),
            Self::HookInterpreter { option, path, program, source } => fill(
                &tr("{option}: '{path}' cannot be run: its first line names '{program}': {error}"),
                &[("option", option), ("path", path), ("program", program), ("error", source)],
            ),
            Self::Facility { option, value } => fill(
                &tr("{option}: '{value}' is not a syslog facility; daemon, local0 to local7 are some, none turns syslog off"),
                &[("option", option), ("value", value)],
            ),
            Self::LogFormat { option, value } => fill(
                &tr("{option}: '{value}' is none of plain, syslog-prefix, json"),
                &[("option", option), ("value", value)],
            ),
            Self::HookFailure { option, value } => {
                fill(&tr("{option}: '{value}' is neither stay nor demote"), &[("option", option), ("value", value)])
            }
            Self::OnLostAddress { option, value } => {
                fill(&tr("{option}: '{value}' is neither hook nor warn"), &[("option", option), ("value", value)])
            }
            Self::PeerType { option, value } => fill(
                &tr("{option}: '{value}' is none of openbsd, freebsd, netbsd, ucarp, any"),
                &[("option", option), ("value", value)],
            ),
            Self::Replay { option, value } => {
                fill(&tr("{option}: '{value}' is none of warn, refuse, off"), &[("option", option), ("value", value)])
            }
            Self::PeersNotOurs { option, kind } => fill(
                &tr("{option}: refuses all hosts but those that run this program, and --peer-type={kind} is about others; remove one of them"),
                &[("option", option), ("kind", kind)],
            ),
            Self::Pidfile { option, path } => fill(
                &tr("{option}: '{path}' cannot be the name of a file; an example is /run/ucarp.pid"),
                &[("option", option), ("path", path)],
            ),
            Self::Mode { option, value } => fill(
                &tr("{option}: {value}: give three or four octal digits of reading and writing, such as 0660"),
                &[("option", option), ("value", value)],
            ),
            Self::NotAFolder { option, path } => fill(
                &tr("{option}: '{path}' is not a folder that is there; make it, for the user that runs ucarp to write to"),
                &[("option", option), ("path", path)],
            ),
            Self::UserUnknown { option, value } => fill(
                &tr("{option}: '{value}' is not in /etc/passwd, and no directory of users is asked; add it there, or give two numbers (user and group), such as 998:998"),
                &[("option", option), ("value", value)],
            ),
            Self::UserMalformed { option, value } => fill(
                &tr("{option}: '{value}' is neither the name of a user nor two numbers (user and group) with a colon between them, such as 998:998"),
                &[("option", option), ("value", value)],
            ),
            Self::UserIsRoot { option, value } => fill(
                &tr("{option}: '{value}' is root or of its group, and whoever hears the network is to have no rights; name somebody else"),
                &[("option", option), ("value", value)],
            ),
            Self::UsersUnreadable { option, source } => fill(
                &tr("{option}: /etc/passwd cannot be read: {error}; give two numbers (user and group), such as 998:998"),
                &[("option", option), ("error", source)],
            ),
            Self::OnlyToSniff { option } => {
                fill(&tr("{option}: means something only together with --sniff"), &[("option", option)])
            }
            Self::NothingToWatch => tr(
                "--sniff: needs an interface to look at, for example --interface=eth0, or a capture file with --read",
            )
            .into_owned(),
            Self::CaptureFile { value } => {
                fill(&tr("--read: '{value}' cannot be the name of a file"), &[("value", value)])
            }
            Self::Time { option, value, min, max } => fill(
                &tr("{option}: '{value}' is not a time from {min} to {max}, such as 200ms, 2s or 5m"),
                &[("option", option), ("value", value), ("min", min), ("max", max)],
            ),
            Self::TimeWithoutUnit { option, value, max } => fill(
                &tr("{option}: '{value}' has no unit (ms, s, m or h); write \"{value}s\" if seconds are meant, {max} at most"),
                &[("option", option), ("value", value), ("max", max)],
            ),
            Self::NulInside { option } => {
                fill(&tr("{option}: holds a NUL character, which no program can be given"), &[("option", option)])
            }
            Self::CheckWord { value } => {
                fill(&tr("--check: '{value}' means nothing here; leave it out, or say syntax"), &[("value", value)])
            }
            Self::NotBesideConfig { option } => fill(
                &tr("{option}: cannot stand beside --config; write it into the file"),
                &[("option", option)],
            ),
            Self::NothingToConfigure { option } => fill(
                &tr("{option}: needs the name of a file, for example --config=/etc/ucarp/ucarp.toml"),
                &[("option", option)],
            ),
            Self::OnlyToCheckSyntax { option } => fill(
                &tr("{option}: means something only together with --check=syntax and --config"),
                &[("option", option)],
            ),
            Self::NotText { option, value } => fill(
                &tr("{option}: '{value}' is not UTF-8 and cannot stand in a file; give it another name"),
                &[("option", option), ("value", value)],
            ),
            Self::Credential { option, value } => fill(
                &tr("{option}: '{value}' does not name a credential; after the colon comes the name of a file without slashes, such as credential:ucarp"),
                &[("option", option), ("value", value)],
            ),
            Self::NoCredentials { option, value } => fill(
                &tr("{option}: '{value}' is a credential, and CREDENTIALS_DIRECTORY is not set; it has to be loaded by the service manager (LoadCredential=)"),
                &[("option", option), ("value", value)],
            ),
            Self::Unsafe(warning) => warning.sentence(spelt),
            Self::File(error) => error.sentence(),
            Self::At { error, .. } => error.sentence(spelt),
        }
    }
}
