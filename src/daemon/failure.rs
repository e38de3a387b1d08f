//! Doing what, to what, and why it failed: one line for the operator.

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use crate::i18n::{os_words, tr};
use crate::ids;
use crate::platform::{self, Lacking, LinkState, Unnumbered};

/// Why the daemon could not start.
#[derive(Clone, Debug)]
pub struct StartError {
    doing: Doing,
    object: String,
    source: Arc<dyn std::error::Error + Send + Sync>,
    /// What the operator has to know besides.
    hint: Option<Hint>,
}

/// What an error says, in the operator's language as far as there are words for it.
pub(super) fn words(error: &io::Error) -> String {
    match Unnumbered::of(error) {
        Some(Unnumbered::NotEthernet { kind, header }) => {
            tr!("it is not an Ethernet interface (its type in {header} is {kind})", kind, header)
        }
        Some(Unnumbered::Signalled(signal)) => {
            tr!("it was ended by the signal {signal}", signal = platform::signal_name(*signal))
        }
        Some(Unnumbered::Ended) => tr!("the system does not say how it ended").into_owned(),
        None if error.raw_os_error().is_some() || error.get_ref().is_some() => os_words(error),
        None if error.kind() == ErrorKind::InvalidData => tr!("it is damaged").into_owned(),
        None => platform::of_kind(error.kind()).as_ref().map_or_else(|| error.to_string(), os_words),
    }
}

/// The same of one of which it is not known where it comes from.
pub(super) fn words_of(error: &(dyn std::error::Error + 'static)) -> String {
    error.downcast_ref().map_or_else(|| error.to_string(), words)
}

/// What was found out about a failure when it happened.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Hint {
    /// The interfaces there are, where one that is not was named.
    Interfaces(Vec<String>),
    RoutingDomain(u32),
    MissingDevice(&'static str),
    Lacking(Lacking),
}

/// What it was doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Doing {
    GoToBackground,
    StartWriter,
    StartEngine,
    HoldPidfile,
    /// By whom cannot be seen.
    HoldPidfileUnseen,
    WritePidfile,
    Claim,
    FindInterface,
    FindSource,
    AwaitSource,
    AwaitSoleSource,
    ReadHardwareAddress,
    ManageAddresses,
    Check,
    UsePeer,
    ReachPeer,
    JoinGroup,
    OpenSocket,
    OpenCapture,
    ReadCapture,
    Show,
    CatchSignals,
    CloseDescriptors,
    WatchLinks,
    Wait,
    /// It was said whole, with this identifier.
    Tell(&'static str),
}

impl StartError {
    /// What another process of this program said of it, and by which identifier.
    pub(super) fn told(id: &str, words: String) -> Self {
        Self::new(Doing::Tell(ids::known(id).unwrap_or(ids::ENGINE_UNSTARTABLE)), "", words)
    }

    /// Which failure it is. It stands at the end of the line where that has no identifier of its own.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self.doing {
            Doing::GoToBackground => ids::NOT_IN_BACKGROUND,
            Doing::StartWriter => ids::WRITER_UNSTARTABLE,
            Doing::StartEngine => ids::ENGINE_UNSTARTABLE,
            Doing::HoldPidfile | Doing::HoldPidfileUnseen => ids::ALREADY_RUNNING,
            Doing::WritePidfile => ids::PIDFILE_UNWRITABLE,
            Doing::Claim => ids::ALREADY_SERVED,
            Doing::FindInterface => ids::INTERFACE_NOT_FOUND,
            Doing::FindSource => ids::NO_SOURCE,
            Doing::AwaitSource => ids::SOURCE_TENTATIVE,
            Doing::AwaitSoleSource => ids::SOURCE_DUPLICATE,
            Doing::ReadHardwareAddress => ids::HARDWARE_ADDRESS_UNREADABLE,
            Doing::ManageAddresses => ids::CANNOT_MANAGE,
            Doing::Check => ids::CHECK_IMPOSSIBLE,
            Doing::UsePeer => ids::PEER_IS_US,
            Doing::ReachPeer => ids::PEER_OUTSIDE,
            Doing::JoinGroup => ids::GROUP_NOT_JOINED,
            Doing::OpenSocket => ids::SOCKET_NOT_OPENED,
            Doing::OpenCapture => ids::CAPTURE_NOT_OPENED,
            Doing::ReadCapture => ids::RECORDING_UNREADABLE,
            Doing::Show => ids::NOT_SHOWN,
            Doing::CatchSignals => ids::SIGNALS_NOT_CAUGHT,
            Doing::CloseDescriptors => ids::DESCRIPTORS_NOT_PRIVATE,
            Doing::WatchLinks => ids::LINKS_NOT_WATCHED,
            Doing::Wait => ids::WAIT_REFUSED,
            Doing::Tell(id) => id,
        }
    }

    /// The sentence with the identifier behind it.
    #[must_use]
    pub fn with_id(&self) -> String {
        format!("{self} [{}]", self.id())
    }

    pub(super) fn new(
        doing: Doing,
        object: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { doing, object: object.into(), source: source.into().into(), hint: None }
    }

    /// Looks up what the operator has to know besides: what else could have been meant by an interface that is not there,
    /// and what this process lacks.
    pub(super) fn explained(mut self) -> Self {
        self.hint = match self.doing {
            Doing::FindInterface => {
                platform::interface_names().ok().filter(|names| !names.is_empty()).map(Hint::Interfaces)
            }
            Doing::JoinGroup => platform::other_routing_domain(&self.object).map(Hint::RoutingDomain),
            Doing::OpenSocket | Doing::OpenCapture => platform::missing_device().map(Hint::MissingDevice),
            _ => None,
        };
        if self.hint.is_none()
            && matches!(self.doing, Doing::JoinGroup | Doing::OpenSocket | Doing::OpenCapture)
        {
            self.hint = platform::missing_privilege().map(Hint::Lacking);
        }
        self
    }

    /// Whether another host has the address too.
    pub(super) fn is_for_want_of_a_sole_source(&self) -> bool {
        self.doing == Doing::AwaitSoleSource
    }

    /// The exit status for it.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        2
    }

    /// Whether the interface is merely not there yet, or has no address yet.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self.doing, Doing::FindInterface | Doing::FindSource) || self.is_waited_for()
    }

    /// Whether no start fails for it: the address is there, and the kernel says when it can be sent from.
    pub(super) fn is_waited_for(&self) -> bool {
        matches!(self.doing, Doing::AwaitSource | Doing::AwaitSoleSource)
    }

    /// Whether no source was found.
    pub(super) fn is_about_source(&self) -> bool {
        self.doing == Doing::FindSource
    }

    /// Whether the interface is merely down, if this is its state: it cannot be captured on yet, and it is taken up when it
    /// is not.
    pub(super) fn is_for_want_of_link(&self, state: LinkState) -> bool {
        // Without a link there is no link-local address either.
        matches!(self.doing, Doing::OpenCapture | Doing::FindSource)
            && matches!(state, LinkState::Down | LinkState::Disabled)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (object, why) = (&self.object, words_of(&*self.source));
        let text = match self.doing {
            Doing::GoToBackground => {
                tr!("the daemon did not get as far as running: {why}", why)
            }
            Doing::StartWriter => {
                tr!("cannot start the process that writes to the terminal: {why}", why)
            }
            Doing::StartEngine => {
                tr!("cannot start the process that hears the network: {why}", why)
            }
            Doing::HoldPidfile => {
                tr!(
                    "another ucarp is running: process {number} holds the pidfile {object}",
                    object,
                    number = why
                )
            }
            Doing::HoldPidfileUnseen => tr!(
                "another ucarp is running: a process whose number cannot be seen from here holds the pidfile {object}",
                object
            ),
            Doing::WritePidfile => {
                tr!("cannot write the pidfile {object}: {why}", object, why)
            }
            Doing::Claim => {
                tr!("another ucarp serves {object} already: {why}", object, why)
            }
            Doing::FindInterface => {
                tr!("cannot find the interface {object}: {why}", object, why)
            }
            Doing::FindSource => tr!("cannot choose a source address on {object}: {why}", object, why),
            Doing::AwaitSource => {
                tr!(
                    "{why} is still being checked for duplicates on {object}: it cannot be sent from yet",
                    object,
                    why
                )
            }
            Doing::AwaitSoleSource => tr!(
                "another host of the network has {why} too, so {object} cannot send from it: give one of them another",
                object,
                why
            ),
            Doing::ReadHardwareAddress => {
                tr!("cannot read the hardware address of {object}: {why}", object, why)
            }
            Doing::ManageAddresses => tr!(
                "the shared addresses of {object} cannot be put on it and taken off it without {why}: grant that, or leave them to scripts without manage-address",
                object,
                why
            ),
            Doing::Check => {
                tr!("the check {object} cannot be made here: {why}", object, why)
            }
            Doing::UsePeer => {
                tr!("the peer {why} is this host itself: it is an address of {object}", object, why)
            }
            Doing::ReachPeer => {
                tr!("the peer {why} is in none of the networks that {object} is connected to", object, why)
            }
            Doing::JoinGroup => tr!("cannot join the multicast group on {object}: {why}", object, why),
            Doing::OpenSocket => {
                tr!("cannot open a raw socket on {object}: {why}", object, why)
            }
            Doing::OpenCapture => {
                tr!("cannot capture on {object}: {why}", object, why)
            }
            Doing::ReadCapture => {
                tr!("cannot read the capture file {object}: {why}", object, why)
            }
            Doing::Show => tr!("cannot write what was seen: {why}", why),
            Doing::CloseDescriptors => {
                tr!("cannot keep open descriptors from the scripts: {why}", why)
            }
            Doing::CatchSignals => tr!("cannot catch signals: {why}", why),
            Doing::WatchLinks => tr!("cannot watch the state of interfaces: {why}", why),
            Doing::Tell(_) => why,
            Doing::Wait => tr!("cannot wait for events: {why}", why),
        };
        f.write_str(&text)?;
        let hint = match &self.hint {
            None => return Ok(()),
            Some(Hint::Interfaces(names)) => {
                tr!("the interfaces of this host are {names}", names = names.join(", "))
            }
            Some(Hint::RoutingDomain(domain)) => {
                tr!("it is in another routing domain: start with 'route -T {domain} exec ucarp'", domain)
            }
            Some(Hint::MissingDevice(device)) => {
                tr!("{device} is not there: a jail shows it by the devfs rule add path 'bpf*' unhide", device)
            }
            // TRANSLATORS: such as CAP_NET_RAW.
            Some(Hint::Lacking(Lacking::Privilege(privilege))) => {
                tr!("this process lacks {privilege}: run it as root or grant that capability", privilege)
            }
            Some(Hint::Lacking(Lacking::Device(device))) => {
                tr!("this process may not open {device}: run it as root or grant that", device)
            }
        };
        write!(f, "; {hint}")
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_identifier_stands_at_the_end() {
        let error = StartError::new(Doing::FindSource, "eth0", "because");
        assert_eq!(error.with_id(), "cannot choose a source address on eth0: because [UC5008]");
        let told = StartError::told(error.id(), error.to_string());
        assert_eq!((told.to_string(), told.with_id()), (error.to_string(), error.with_id()));
        assert_eq!(StartError::told("UC0000", String::new()).id(), ids::ENGINE_UNSTARTABLE);
    }

    #[test]
    fn what_has_no_number_has_words_all_the_same() {
        let said = |error: io::Error| words(&error);
        assert_eq!(said(io::Error::other(Unnumbered::Signalled(9))), "it was ended by the signal SIGKILL");
        assert_eq!(said(ErrorKind::InvalidData.into()), "it is damaged");
        assert_eq!(said(ErrorKind::NotFound.into()), "No such file or directory");
        assert_eq!(said(io::Error::other("so it is")), "so it is");
        assert_eq!(words_of(&fmt::Error), fmt::Error.to_string());
    }

    #[test]
    fn what_is_known_besides_is_a_sentence_of_its_own() {
        let error = StartError {
            hint: Some(Hint::Interfaces(vec!["lo".to_owned(), "eth0".to_owned()])),
            ..StartError::new(Doing::FindInterface, "eth9", "no")
        };
        assert_eq!(
            error.to_string(),
            "cannot find the interface eth9: no; the interfaces of this host are lo, eth0"
        );
    }
}
