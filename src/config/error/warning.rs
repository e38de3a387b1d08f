//! What is allowed and probably not meant, in sentences.

use std::fmt::{self, Display};

use crate::config::place::Place;
use crate::config::spelt::Spelt;
use crate::i18n::tr;
use crate::ids;

/// What is allowed, but worth a line in the log at start. `Display` is the translated sentence, one line.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "the sentence in Display is the documentation of each variant")]
pub enum Warning {
    TwoPasswords { used: &'static str, ignored: &'static str },
    TwentyBytePassword,
    ReadablePassfile { path: String },
    ChangeablePassfile { place: String },
    ChangeableHook { option: &'static str, place: String },
    EmptyArgument,
    DeadRatioOfOne,
    LinkLocalAddress { value: String },
    NoHooks,
    NoUpHook,
    NoDownHook,
    AddressStays,
    PassfileLine { line: usize },
    CredentialStays { option: &'static str },
    DaemonStays,
    ReleasesAll { check: String },
    AloneInGroup { group: String },
    EmptyGroup { group: String },
    NoCatalogue { option: &'static str, value: String },
    BrokenCatalogue { path: String },
    ChangeableCatalogue { place: String },
    At { place: Place, warning: Box<Self> },
}

impl Warning {
    /// This, found at `place` if that is in a file.
    pub(in crate::config) fn at(self, place: Option<Place>) -> Self {
        match place {
            Some(place) => Self::At { place, warning: Box::new(self) },
            None => self,
        }
    }
}

impl Warning {
    /// What stands in brackets at the end of the line, see [`ids`].
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Self::TwoPasswords { .. } => ids::WARN_TWO_PASSWORDS,
            Self::TwentyBytePassword => ids::WARN_TWENTY_BYTE_PASSWORD,
            Self::ReadablePassfile { .. } => ids::WARN_READABLE_PASSFILE,
            Self::ChangeablePassfile { .. } => ids::WARN_CHANGEABLE_PASSFILE,
            Self::ChangeableHook { .. } => ids::WARN_CHANGEABLE_HOOK,
            Self::PassfileLine { .. } => ids::WARN_PASSFILE_LINE,
            Self::CredentialStays { .. } => ids::WARN_CREDENTIAL_STAYS,
            Self::EmptyArgument => ids::WARN_EMPTY_ARGUMENT,
            Self::DeadRatioOfOne => ids::WARN_DEAD_RATIO_OF_ONE,
            Self::LinkLocalAddress { .. } => ids::WARN_LINK_LOCAL_ADDRESS,
            Self::NoHooks => ids::WARN_NO_HOOKS,
            Self::NoUpHook => ids::WARN_NO_UP_HOOK,
            Self::NoDownHook => ids::WARN_NO_DOWN_HOOK,
            Self::AddressStays => ids::WARN_ADDRESS_STAYS,
            Self::DaemonStays => ids::WARN_DAEMON_STAYS,
            Self::ReleasesAll { .. } => ids::WARN_RELEASES_ALL,
            Self::AloneInGroup { .. } => ids::WARN_ALONE_IN_GROUP,
            Self::EmptyGroup { .. } => ids::WARN_EMPTY_GROUP,
            Self::NoCatalogue { .. } => ids::WARN_NO_CATALOGUE,
            Self::BrokenCatalogue { .. } => ids::WARN_BROKEN_CATALOGUE,
            Self::ChangeableCatalogue { .. } => ids::WARN_CHANGEABLE_CATALOGUE,
            Self::At { warning, .. } => warning.id(),
        }
    }

    /// The sentence with the identifier behind it.
    #[must_use]
    pub fn with_id(&self) -> String {
        format!("{self} [{}]", self.id())
    }

    /// Without the place where it was found.
    #[must_use]
    pub fn what(&self) -> &Self {
        match self {
            Self::At { warning, .. } => warning,
            other => other,
        }
    }
}

impl Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At { place, warning } => write!(f, "{place}: {}", warning.sentence(Spelt::Key)),
            warning => f.write_str(&warning.sentence(Spelt::Option)),
        }
    }
}

impl Warning {
    pub(super) fn sentence(&self, spelt: Spelt) -> String {
        match self {
            Self::TwoPasswords { used, ignored } => {
                // TRANSLATORS: {ignored} and {used} are --pass and --passfile.
                tr!(by spelt; "{ignored} is ignored because {used} comes later", used, ignored)
            }
            Self::TwentyBytePassword => {
                tr!(by spelt; "the password has 20 bytes; the ifconfig of BSD kernels keeps only 19, so such a peer will not understand us")
            }
            Self::ReadablePassfile { path } => {
                tr!(by spelt; "'{path}' can be read by everybody on this host; try chmod 600", path)
            }
            Self::ChangeablePassfile { place } => {
                tr!(by spelt; "--passfile: others than root and the user of this daemon may write to '{place}', and so choose the password", place)
            }
            Self::ChangeableHook { option, place } => {
                tr!(by spelt; "{option}: others than root and the user of this daemon may write to '{place}', and so choose what it runs", option, place)
            }
            Self::EmptyArgument => {
                tr!(by spelt; "an empty word on the command line is ignored; whatever calls ucarp quotes a variable that is not set")
            }
            Self::DeadRatioOfOne => {
                tr!(by spelt; "--deadratio=1: a single lost advertisement makes a backup take over; 3 is usual")
            }
            Self::LinkLocalAddress { value } => {
                tr!(by spelt; "--addr={value}: OpenBSD signs its advertisements without link-local addresses, the other systems sign them too; share one only if other hosts need it, as their router perhaps", value)
            }
            Self::NoHooks => {
                tr!(by spelt; "neither --upscript nor --downscript is given: nothing will add the virtual address to this host, or remove it")
            }
            Self::NoUpHook => {
                tr!(by spelt; "no --upscript is given: nothing will add the virtual address to this host")
            }
            Self::NoDownHook => {
                tr!(by spelt; "no --downscript is given: nothing will remove the virtual address from this host")
            }
            Self::AddressStays => {
                tr!(by spelt; "without --shutdown the virtual address stays on this host when the daemon ends as MASTER")
            }
            Self::PassfileLine { line } => {
                tr!(by spelt; "--passfile: line {line} is no password that others may use (1 to 20 bytes, four of them at most), so only the first line counts", line)
            }
            Self::DaemonStays => {
                tr!(by spelt; "[daemon] has changed since ucarp was started, and is read at the start alone: restart ucarp for it")
            }
            Self::ReleasesAll { check } => {
                tr!(by spelt; "on-failure = \"release\": where the check '{check}' fails on all hosts, none of them has the address", check)
            }
            Self::AloneInGroup { group } => {
                tr!(by spelt; "group: no other virtual host is in '{group}', so nothing moves together with this one", group)
            }
            Self::EmptyGroup { group } => {
                tr!(by spelt; "no virtual host is in the group '{group}'", group)
            }
            Self::NoCatalogue { option, value } => {
                tr!(by spelt; "{option}: there are no messages in '{value}', so they are in English", option, value)
            }
            Self::BrokenCatalogue { path } => {
                tr!(by spelt; "the messages in '{path}' cannot be used, so they are in English; install that file again", path)
            }
            Self::ChangeableCatalogue { place } => {
                tr!(by spelt; "others than root and the user of this daemon may write to '{place}', and so choose what it says", place)
            }
            Self::CredentialStays { option } => {
                tr!(by spelt; "{option}: the service manager hands a credential over when it starts ucarp; if it was changed since, restart ucarp", option)
            }
            Self::At { warning, .. } => warning.sentence(spelt),
        }
    }
}
