//! Doing what, to what, and why it failed: one line for the operator.

use std::fmt;

use crate::i18n::{fill, tr};
use crate::platform::{self, LinkState};

/// Why the daemon could not start.
#[derive(Debug)]
pub struct StartError {
    doing: Doing,
    object: String,
    source: Box<dyn std::error::Error + Send + Sync>,
    /// The interfaces there are, where one that is not was named.
    interfaces: Vec<String>,
}

/// What it was doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Doing {
    GoToBackground,
    StartWriter,
    HoldPidfile,
    WritePidfile,
    Claim,
    FindInterface,
    FindSource,
    AwaitSource,
    AwaitSoleSource,
    ReadHardwareAddress,
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
}

impl StartError {
    pub(super) fn new(
        doing: Doing,
        object: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { doing, object: object.into(), source: source.into(), interfaces: Vec::new() }
    }

    /// Looks up what else could have been meant by an interface that is not there.
    pub(super) fn naming_interfaces(mut self) -> Self {
        if self.doing == Doing::FindInterface {
            self.interfaces = platform::interface_names().unwrap_or_default();
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

    /// Whether the interface is merely down: it cannot be captured on yet, and it is taken up when it is not.
    pub(super) fn is_for_want_of_link(&self, interface: &str) -> bool {
        // Without a link there is no link-local address either.
        matches!(self.doing, Doing::OpenCapture | Doing::FindSource)
            && matches!(platform::link_state(interface), Ok(LinkState::Down | LinkState::Disabled))
    }

    /// Whether it needs the device that [`platform::missing_device`] looks for.
    fn is_captured(&self) -> bool {
        matches!(self.doing, Doing::OpenSocket | Doing::OpenCapture)
    }

    /// Whether it needs the privilege that [`platform::missing_privilege`] asks about.
    fn is_privileged(&self) -> bool {
        matches!(self.doing, Doing::JoinGroup | Doing::OpenSocket | Doing::OpenCapture)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let template = match self.doing {
            Doing::GoToBackground => tr("the daemon did not get as far as running: {why}"),
            Doing::StartWriter => tr("cannot start the process that writes to the terminal: {why}"),
            Doing::HoldPidfile => tr("another ucarp is running: {why} holds the pidfile {object}"),
            Doing::WritePidfile => tr("cannot write the pidfile {object}: {why}"),
            Doing::Claim => tr("another ucarp serves {object} already: {why}"),
            Doing::FindInterface => tr("cannot find the interface {object}: {why}"),
            Doing::FindSource => tr("cannot choose a source address on {object}: {why}"),
            Doing::AwaitSource => {
                tr("{why} is still being checked for duplicates on {object}: it cannot be sent from yet")
            }
            Doing::AwaitSoleSource => tr(
                "another host of the network has {why} too, so {object} cannot send from it: give one of them another",
            ),
            Doing::ReadHardwareAddress => tr("cannot read the hardware address of {object}: {why}"),
            Doing::UsePeer => tr("the peer {why} is this host itself: it is an address of {object}"),
            Doing::ReachPeer => tr("the peer {why} is in none of the networks that {object} is connected to"),
            Doing::JoinGroup => tr("cannot join the multicast group on {object}: {why}"),
            Doing::OpenSocket => tr("cannot open a raw socket on {object}: {why}"),
            Doing::OpenCapture => tr("cannot capture on {object}: {why}"),
            Doing::ReadCapture => tr("cannot read the capture file {object}: {why}"),
            Doing::Show => tr("cannot write what was seen: {why}"),
            Doing::CloseDescriptors => tr("cannot keep open descriptors from the scripts: {why}"),
            Doing::CatchSignals => tr("cannot catch signals: {why}"),
            Doing::WatchLinks => tr("cannot watch the state of interfaces: {why}"),
            Doing::Wait => tr("cannot wait for events: {why}"),
        };
        let text = fill(&template, &[("object", &self.object), ("why", &self.source)]);
        f.write_str(&text)?;
        if !self.interfaces.is_empty() {
            let names = self.interfaces.join(", ");
            f.write_str(&fill(&tr("; the interfaces of this host are {names}"), &[("names", &names)]))?;
        }
        let domain = Some(&self.object).filter(|_| self.doing == Doing::JoinGroup);
        if let Some(domain) = domain.and_then(|interface| platform::other_routing_domain(interface)) {
            let hint = tr(" (it is in another routing domain: start with 'route -T {domain} exec ucarp')");
            f.write_str(&fill(&hint, &[("domain", &domain)]))?;
        } else if let Some(device) = platform::missing_device().filter(|_| self.is_captured()) {
            let hint =
                tr(" ({device} is not there; a jail shows it by the devfs rule: add path 'bpf*' unhide)");
            f.write_str(&fill(&hint, &[("device", &device)]))?;
        } else if let Some(privilege) = platform::missing_privilege().filter(|_| self.is_privileged()) {
            let hint = tr(" (this process lacks {privilege}: run it as root or grant that capability)");
            f.write_str(&fill(&hint, &[("privilege", &privilege)]))?;
        }
        Ok(())
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}
