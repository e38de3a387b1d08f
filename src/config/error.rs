//! What is wrong with the operator's words, in sentences: one variant for each, translated, always one line.
//!
//! No sentence here ever holds a password.

mod file;
mod warning;

use std::fmt::{self, Display};
use std::io;

use super::place::Place;
use super::spelt::Spelt;
use crate::i18n::{os_words, tr};
use crate::ids;

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
    Language { option: &'static str, value: String },
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
            write!(f, "{}{}", if place == 0 { "" } else { "\n" }, error.with_id())?;
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

    /// What stands in brackets at the end of the line, see [`ids`].
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Self::UnknownOption { .. } => ids::UNKNOWN_OPTION,
            Self::AmbiguousOption { .. } => ids::AMBIGUOUS_OPTION,
            Self::UnexpectedValue { .. } => ids::UNEXPECTED_VALUE,
            Self::MissingValue { .. } => ids::MISSING_VALUE,
            Self::NotText { .. } => ids::NOT_TEXT,
            Self::NulInside { .. } => ids::NUL_INSIDE,
            Self::Empty { .. } => ids::EMPTY,
            Self::StrayArgument { .. } => ids::STRAY_ARGUMENT,
            Self::StrayOption { .. } => ids::STRAY_OPTION,
            Self::StrayStart { .. } => ids::STRAY_START,
            Self::StrayStatus { .. } => ids::STRAY_STATUS,
            Self::StrayStop { .. } => ids::STRAY_STOP,
            Self::StrayAfterPassword => ids::STRAY_AFTER_PASSWORD,
            Self::Required { .. } => ids::REQUIRED,
            Self::NoInterface => ids::NO_INTERFACE,
            Self::NoNameToWaitFor => ids::NO_NAME_TO_WAIT_FOR,
            Self::OnlyToSniff { .. } => ids::ONLY_TO_SNIFF,
            Self::NothingToWatch => ids::NOTHING_TO_WATCH,
            Self::CaptureFile { .. } => ids::CAPTURE_FILE,
            Self::CheckWord { .. } => ids::CHECK_WORD,
            Self::NotBesideConfig { .. } => ids::NOT_BESIDE_CONFIG,
            Self::NothingToConfigure { .. } => ids::NOTHING_TO_CONFIGURE,
            Self::OnlyToCheckSyntax { .. } => ids::ONLY_TO_CHECK_SYNTAX,
            Self::Language { .. } => ids::LANGUAGE,
            Self::Number { .. } => ids::NUMBER,
            Self::Time { .. } => ids::TIME,
            Self::TimeWithoutUnit { .. } => ids::TIME_WITHOUT_UNIT,
            Self::Mode { .. } => ids::MODE,
            Self::Facility { .. } => ids::FACILITY,
            Self::LogFormat { .. } => ids::LOG_FORMAT,
            Self::HookFailure { .. } => ids::HOOK_FAILURE,
            Self::OnLostAddress { .. } => ids::ON_LOST_ADDRESS,
            Self::PeerType { .. } => ids::PEER_TYPE,
            Self::Replay { .. } => ids::REPLAY,
            Self::Interface { .. } => ids::INTERFACE,
            Self::Address { .. } => ids::ADDRESS,
            Self::AddressZone { .. } => ids::ADDRESS_ZONE,
            Self::AddressUnspecified { .. } => ids::ADDRESS_UNSPECIFIED,
            Self::AddressLoopback { .. } => ids::ADDRESS_LOOPBACK,
            Self::AddressMulticast { .. } => ids::ADDRESS_MULTICAST,
            Self::AddressBroadcast { .. } => ids::ADDRESS_BROADCAST,
            Self::AddressMapped { .. } => ids::ADDRESS_MAPPED,
            Self::AddressOfNetwork { .. } => ids::ADDRESS_OF_NETWORK,
            Self::Prefix { .. } => ids::PREFIX,
            Self::DuplicateAddress { .. } => ids::DUPLICATE_ADDRESS,
            Self::TooManyAddresses { .. } => ids::TOO_MANY_ADDRESSES,
            Self::AddressIsSource { .. } => ids::ADDRESS_IS_SOURCE,
            Self::Group { .. } => ids::GROUP,
            Self::PeerIsOurs { .. } => ids::PEER_IS_OURS,
            Self::OtherFamily { .. } => ids::OTHER_FAMILY,
            Self::DuplicatePeer { .. } => ids::DUPLICATE_PEER,
            Self::NotWithPeers { .. } => ids::NOT_WITH_PEERS,
            Self::PeersNotOurs { .. } => ids::PEERS_NOT_OURS,
            Self::NoInterval => ids::NO_INTERVAL,
            Self::BowOutInterval => ids::BOW_OUT_INTERVAL,
            Self::PasswordEmpty { .. } => ids::PASSWORD_EMPTY,
            Self::PasswordTooLong { .. } => ids::PASSWORD_TOO_LONG,
            Self::PasswordWithNul { .. } => ids::PASSWORD_WITH_NUL,
            Self::PassfileUnreadable { .. } => ids::PASSFILE_UNREADABLE,
            Self::PassfileIsPipe { .. } => ids::PASSFILE_IS_PIPE,
            Self::PassfileEmpty { .. } => ids::PASSFILE_EMPTY,
            Self::Credential { .. } => ids::CREDENTIAL,
            Self::NoCredentials { .. } => ids::NO_CREDENTIALS,
            Self::HookMissing { .. } => ids::HOOK_MISSING,
            Self::HookNotAFile { .. } => ids::HOOK_NOT_A_FILE,
            Self::HookNotExecutable { .. } => ids::HOOK_NOT_EXECUTABLE,
            Self::HookFolder { .. } => ids::HOOK_FOLDER,
            Self::HookForbidden { .. } => ids::HOOK_FORBIDDEN,
            Self::HookFirstLine { .. } => ids::HOOK_FIRST_LINE,
            Self::HookCarriageReturn { .. } => ids::HOOK_CARRIAGE_RETURN,
            Self::HookInterpreter { .. } => ids::HOOK_INTERPRETER,
            Self::Pidfile { .. } => ids::PIDFILE,
            Self::NotAFolder { .. } => ids::NOT_A_FOLDER,
            Self::UserUnknown { .. } => ids::USER_UNKNOWN,
            Self::UserMalformed { .. } => ids::USER_MALFORMED,
            Self::UserIsRoot { .. } => ids::USER_IS_ROOT,
            Self::UsersUnreadable { .. } => ids::USERS_UNREADABLE,
            Self::Unsafe(warning) => warning.id(),
            Self::File(error) => error.id(),
            Self::At { error, .. } => error.id(),
        }
    }

    /// The sentence with the identifier behind it.
    #[must_use]
    pub fn with_id(&self) -> String {
        format!("{self} [{}]", self.id())
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
        // TRANSLATORS: words in braces are replaced and must stay; {option} is an option such as --vhid, which
        // may stand anywhere in the sentence. MASTER, BACKUP and vhid are not translated.
        match self {
            Self::UnknownOption { option, similar: None } => {
                tr!(by spelt; "{option}: there is no such option; 'ucarp --help' lists them", option)
            }
            Self::UnknownOption { option, similar: Some(similar) } => {
                tr!(by spelt; "{option}: there is no such option; did you mean --{similar}?", option, similar)
            }
            Self::AmbiguousOption { option, candidates } => {
                // TRANSLATORS: {candidates} are options with commas between them.
                tr!(by spelt; "{option}: could be any of {candidates}; write out more of it", option, candidates)
            }
            Self::MissingValue { option } => tr!(by spelt; "{option}: needs a value", option),
            Self::UnexpectedValue { option } => {
                tr!(by spelt; "{option}: takes no value; leave out the '=' and what follows", option)
            }
            Self::StrayArgument { value } => {
                tr!(by spelt; "'{value}' does not belong to any option; remove it", value)
            }
            Self::StrayOption { value, option } => {
                tr!(by spelt; "'{value}' does not belong to any option; did you mean {option}?", value, option)
            }
            Self::StrayStart { value } => {
                tr!(by spelt; "'{value}': there are no commands; remove the word, the options alone start ucarp", value)
            }
            Self::StrayStatus { value } => {
                tr!(by spelt; "'{value}': there are no commands; the signal USR1 makes a running ucarp log its state", value)
            }
            Self::StrayStop { value } => {
                tr!(by spelt; "'{value}': there are no commands; the signal TERM ends a running ucarp", value)
            }
            Self::StrayAfterPassword => {
                tr!(by spelt; "the word after the password does not belong to any option; quote a password that has spaces, or use --passfile")
            }
            Self::Required { option, example } => {
                tr!(by spelt; "{option}: is required, for example {example}", option, example)
            }
            Self::NoInterface => {
                tr!(by spelt; "--interface or --srcip: one of them is required, for example --interface=eth0")
            }
            Self::NoNameToWaitFor => {
                tr!(by spelt; "--wait-interface: needs the name of the interface, for example --interface=eth0")
            }
            Self::Empty { option } => {
                tr!(by spelt; "{option}: '' is empty, as is a variable that was not set; give a value or leave the option out", option)
            }
            Self::Interface { value } => {
                tr!(by spelt; "--interface: '{value}' cannot be the name of a network interface (1 to 15 characters, no spaces or slashes)", value)
            }
            Self::Number { option, value, min, max } => {
                tr!(by spelt; "{option}: '{value}' is not a whole number from {min} to {max} (0x10 is hexadecimal, 010 octal)", option, value, min, max)
            }
            Self::Address { option, value } => {
                tr!(by spelt; "{option}: '{value}' is not an IPv4 or IPv6 address in numbers, such as 192.0.2.10; names are not looked up", option, value)
            }
            Self::AddressZone { option, value } => {
                // TRANSLATORS: this is about an address such as fe80::1%eth0.
                tr!(by spelt; "{option}: '{value}': what stands behind the % must be the interface given with --interface, or be left out", option, value)
            }
            Self::AddressUnspecified { option, value } => {
                tr!(by spelt; "{option}: '{value}' means no address at all; give the address of a host", option, value)
            }
            Self::AddressLoopback { option, value } => {
                tr!(by spelt; "{option}: '{value}' never leaves this host; give an address of the network", option, value)
            }
            Self::AddressMulticast { option, value } => {
                tr!(by spelt; "{option}: '{value}' is a multicast group; give the address of a host (groups go to --mcast)", option, value)
            }
            Self::AddressBroadcast { option, value } => {
                tr!(by spelt; "{option}: '{value}' is the broadcast address; give the address of a host", option, value)
            }
            Self::AddressMapped { option, value } => {
                tr!(by spelt; "{option}: '{value}' is an IPv4 address inside an IPv6 one; give the IPv4 address itself", option, value)
            }
            Self::AddressOfNetwork { option, value } => {
                // TRANSLATORS: the addresses of the network itself and of all hosts in it.
                tr!(by spelt; "{option}: '{value}' is the first or last address of its network, which no host may use; check the prefix length", option, value)
            }
            Self::Prefix { option, value, max } => {
                // TRANSLATORS: {max} is 32 or 128.
                tr!(by spelt; "{option}: '{value}': the prefix length after the slash must be a number from 1 to {max}", option, value, max)
            }
            Self::DuplicateAddress { option, value } => {
                tr!(by spelt; "{option}: '{value}' is given twice; give each virtual address once", option, value)
            }
            Self::TooManyAddresses { option, max } => {
                // TRANSLATORS: {max} is 64.
                tr!(by spelt; "{option}: a virtual host has at most {max} addresses; share the others under another --vhid", option, max)
            }
            Self::AddressIsSource { option, value } => {
                tr!(by spelt; "{option}: '{value}' is also the address given with --srcip; that one must be this host's own and the other shared", option, value)
            }
            Self::Group { option, value } => {
                tr!(by spelt; "{option}: '{value}' is not an IPv4 multicast group (224.0.0.0 to 239.255.255.255)", option, value)
            }
            Self::PeerIsOurs { option, value, other } => {
                // TRANSLATORS: {other} is an option, such as --srcip.
                tr!(by spelt; "{option}: '{value}' is given with {other} too; a peer is another host, named by an address of its own", option, value, other)
            }
            Self::OtherFamily { option, value } => {
                tr!(by spelt; "{option}: '{value}' is of the other IP version than all addresses given with --addr", option, value)
            }
            Self::DuplicatePeer { option, value } => {
                tr!(by spelt; "{option}: '{value}' is given twice; give each peer once", option, value)
            }
            Self::NotWithPeers { option } => {
                tr!(by spelt; "{option}: is about sending to a group, and --peer about sending to single hosts; remove one of them", option)
            }
            Self::NoInterval => {
                tr!(by spelt; "--advbase and --advskew: both are 0, so there is no time between two advertisements; raise one of them")
            }
            Self::BowOutInterval => {
                tr!(by spelt; "--advbase and --advskew: 255 and 255 together mean that a host leaves; lower one of them")
            }
            Self::PasswordEmpty { option } => {
                tr!(by spelt; "{option}: the password is empty; all hosts need the same one, of 1 to 20 bytes", option)
            }
            Self::PasswordTooLong { option } => {
                tr!(by spelt; "{option}: the password is too long; at most 20 bytes fit, and 19 with most kernels", option)
            }
            Self::PasswordWithNul { option } => {
                tr!(by spelt; "{option}: the password holds a NUL byte, which no other host can be given", option)
            }
            Self::PassfileUnreadable { path, source } => {
                tr!(by spelt; "--passfile: '{path}' cannot be read: {error}", path, error = os_words(source))
            }
            Self::PassfileIsPipe { path } => {
                tr!(by spelt; "--passfile: '{path}' is a pipe, and who starts ucarp would wait until somebody writes into it; name a file, or /dev/stdin", path)
            }
            Self::PassfileEmpty { path } => {
                tr!(by spelt; "--passfile: the first line of '{path}' is empty; it must be the password", path)
            }
            Self::HookMissing { option, path, source } => {
                tr!(by spelt; "{option}: '{path}' cannot be found: {error}", option, path, error = os_words(source))
            }
            Self::HookNotAFile { option, path } => {
                tr!(by spelt; "{option}: '{path}' is not a file; name the script itself", option, path)
            }
            Self::HookNotExecutable { option, path } => {
                tr!(by spelt; "{option}: '{path}' is not executable; try chmod +x", option, path)
            }
            Self::HookFolder { option, path, folder, user } => {
                tr!(by spelt; "{option}: '{path}' cannot be reached: user {user}, who runs ucarp, may not search the folder '{folder}'", option, path, folder, user)
            }
            Self::HookForbidden { option, path, user, source } => {
                tr!(by spelt; "{option}: '{path}' may not be run by user {user}, who runs ucarp: {error}; look at its owner and mode, and whether its file system is mounted noexec", option, path, user, error = os_words(source))
            }
            Self::HookFirstLine { option, path } => {
                tr!(by spelt; "{option}: '{path}' cannot be run: its first line does not name a program, as #!/bin/sh does", option, path)
            }
            Self::HookCarriageReturn { option, path } => {
                tr!(by spelt; "{option}: '{path}' cannot be run: its lines end as on Windows, with a carriage return; remove these characters, for example with dos2unix", option, path)
            }
            Self::HookInterpreter { option, path, program, source } => {
                // TRANSLATORS: {program} is the name of a file, {error} what the system says of it.
                tr!(by spelt; "{option}: '{path}' cannot be run: its first line names '{program}': {error}", option, path, program, error = os_words(source))
            }
            Self::Facility { option, value } => {
                tr!(by spelt; "{option}: '{value}' is not a syslog facility; daemon, local0 to local7 are some, none turns syslog off", option, value)
            }
            Self::LogFormat { option, value } => {
                tr!(by spelt; "{option}: '{value}' is none of plain, syslog-prefix, json", option, value)
            }
            Self::Language { option, value } => {
                tr!(by spelt; "{option}: '{value}' cannot be the name of a language; de and pt_BR are some", option, value)
            }
            Self::HookFailure { option, value } => {
                tr!(by spelt; "{option}: '{value}' is neither stay nor demote", option, value)
            }
            Self::OnLostAddress { option, value } => {
                tr!(by spelt; "{option}: '{value}' is neither hook nor warn", option, value)
            }
            Self::PeerType { option, value } => {
                tr!(by spelt; "{option}: '{value}' is none of openbsd, freebsd, netbsd, ucarp, any", option, value)
            }
            Self::Replay { option, value } => {
                tr!(by spelt; "{option}: '{value}' is none of warn, refuse, off", option, value)
            }
            Self::PeersNotOurs { option, kind } => {
                tr!(by spelt; "{option}: refuses all hosts but those that run this program, and --peer-type={kind} is about others; remove one of them", option, kind)
            }
            Self::Pidfile { option, path } => {
                tr!(by spelt; "{option}: '{path}' cannot be the name of a file; an example is /run/ucarp.pid", option, path)
            }
            Self::Mode { option, value } => {
                tr!(by spelt; "{option}: {value}: give three or four octal digits of reading and writing, such as 0660", option, value)
            }
            Self::NotAFolder { option, path } => {
                tr!(by spelt; "{option}: '{path}' is not a folder that is there; make it, for the user that runs ucarp to write to", option, path)
            }
            Self::UserUnknown { option, value } => {
                tr!(by spelt; "{option}: '{value}' is not in /etc/passwd, and no directory of users is asked; add it there, or give two numbers (user and group), such as 998:998", option, value)
            }
            Self::UserMalformed { option, value } => {
                tr!(by spelt; "{option}: '{value}' is neither the name of a user nor two numbers (user and group) with a colon between them, such as 998:998", option, value)
            }
            Self::UserIsRoot { option, value } => {
                tr!(by spelt; "{option}: '{value}' is root or of its group, and whoever hears the network is to have no rights; name somebody else", option, value)
            }
            Self::UsersUnreadable { option, source } => {
                tr!(by spelt; "{option}: /etc/passwd cannot be read: {error}; give two numbers (user and group), such as 998:998", option, error = os_words(source))
            }
            Self::OnlyToSniff { option } => {
                tr!(by spelt; "{option}: means something only together with --sniff", option)
            }
            Self::NothingToWatch => {
                tr!(by spelt; "--sniff: needs an interface to look at, for example --interface=eth0, or a capture file with --read")
            }
            Self::CaptureFile { value } => {
                tr!(by spelt; "--read: '{value}' cannot be the name of a file", value)
            }
            Self::Time { option, value, min, max } => {
                // TRANSLATORS: {min} and {max} are times such as 100ms and 1h.
                tr!(by spelt; "{option}: '{value}' is not a time from {min} to {max}, such as 200ms, 2s or 5m", option, value, min, max)
            }
            Self::TimeWithoutUnit { option, value, max } => {
                // TRANSLATORS: {max} is a time such as 1h; "{value}s" is what was given, with an s behind it.
                tr!(by spelt; "{option}: '{value}' has no unit (ms, s, m or h); write \"{value}s\" if seconds are meant, {max} at most", option, value, max)
            }
            Self::NulInside { option } => {
                tr!(by spelt; "{option}: holds a NUL character, which no program can be given", option)
            }
            Self::CheckWord { value } => {
                tr!(by spelt; "--check: '{value}' means nothing here; leave it out, or say syntax", value)
            }
            Self::NotBesideConfig { option } => {
                tr!(by spelt; "{option}: cannot stand beside --config; write it into the file", option)
            }
            Self::NothingToConfigure { option } => {
                tr!(by spelt; "{option}: needs the name of a file, for example --config=/etc/ucarp/ucarp.toml", option)
            }
            Self::OnlyToCheckSyntax { option } => {
                tr!(by spelt; "{option}: means something only together with --check=syntax and --config", option)
            }
            Self::NotText { option, value } => {
                tr!(by spelt; "{option}: '{value}' is not UTF-8 and cannot stand in a file; give it another name", option, value)
            }
            Self::Credential { option, value } => {
                tr!(by spelt; "{option}: '{value}' does not name a credential; after the colon comes the name of a file without slashes, such as credential:ucarp", option, value)
            }
            Self::NoCredentials { option, value } => {
                tr!(by spelt; "{option}: '{value}' is a credential, and CREDENTIALS_DIRECTORY is not set; it has to be loaded by the service manager (LoadCredential=)", option, value)
            }
            Self::Unsafe(warning) => warning.sentence(spelt),
            Self::File(error) => error.sentence(),
            Self::At { error, .. } => error.sentence(spelt),
        }
    }
}
