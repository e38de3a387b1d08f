//! One virtual host with what it needs of this machine.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::attachment::Attachment;
use super::failure::StartError;
use super::hooks::{Ended, RunningHook};
use super::mismatch::Mismatches;
use super::reopening::Reopening;
use super::report::About;
use super::turn::Draining;
use super::unshared::Unshared;
use crate::config::VirtualHostConfig;
use crate::platform::Claim;
use crate::protocol::{Link, Presence, Time, Unicast, VirtualHost};

/// How long VRRP routers with our ids are listened to after an interface was taken up; they speak every second.
pub(super) const LOOK_AROUND: Duration = Duration::from_secs(5);

/// A virtual host with what it needs of this machine.
pub(super) struct Served {
    pub(super) config: VirtualHostConfig,
    pub(super) interface: String,
    pub(super) host: VirtualHost,
    pub(super) hook: Option<RunningHook>,
    /// The script that ended last.
    pub(super) ended: Option<Ended>,
    /// That nobody else on this machine serves the same.
    pub(super) claim: Claim,
    pub(super) attachment: Option<Attachment>,
    pub(super) link: Link,
    pub(super) draining: Draining,
    pub(super) looks_around_until: Option<Time>,
    pub(super) retry: Option<Time>,
    /// Why a question about the interface could not be answered when it was last asked; it will be asked again.
    pub(super) doubt: Option<String>,
    pub(super) reopening: Reopening,
    /// The operator was told that nothing can be heard.
    pub(super) deaf: bool,
    /// And that the filter could not be set.
    pub(super) unfiltered: bool,
    pub(super) mismatches: Mismatches,
    pub(super) unshared: Unshared,
    /// Whether the operator has been told where it is; not yet, while its first interface is waited for.
    pub(super) introduced: bool,
    /// Why the interface could not be taken up when that was last tried.
    pub(super) trouble: Option<String>,
    /// What became of the shared addresses when they were last asked for, and which of them explain it.
    pub(super) shared: (Presence, Vec<IpAddr>),
    /// The source addresses that are gone without another to replace them.
    pub(super) lost: Vec<IpAddr>,
    /// Why nothing is sent in IPv6, if that is so: another host has the only address for it.
    pub(super) lacks_v6: Option<StartError>,
    /// What the interface is called now that it lost the name we were given.
    pub(super) renamed: Option<String>,
}

impl Served {
    pub(super) fn new(
        config: VirtualHostConfig,
        interface: String,
        claim: Claim,
        attachment: Option<Attachment>,
        host: VirtualHost,
    ) -> Self {
        Self {
            config,
            interface,
            host,
            hook: None,
            ended: None,
            claim,
            introduced: attachment.is_some(),
            trouble: None,
            shared: (Presence::None, Vec::new()),
            lost: Vec::new(),
            lacks_v6: None,
            renamed: None,
            attachment,
            link: Link::Down,
            draining: Draining::default(),
            looks_around_until: None,
            retry: None,
            doubt: None,
            reopening: Reopening::default(),
            deaf: false,
            unfiltered: false,
            mismatches: Mismatches::default(),
            unshared: Unshared::default(),
        }
    }

    /// The name under which hooks find the interface that has, or had, the addresses.
    pub(super) fn interface_for_hooks(&self) -> &str {
        self.renamed.as_deref().unwrap_or(&self.interface)
    }

    pub(super) fn about(&self) -> About<'_> {
        About {
            interface: &self.interface,
            vhid: self.config.vhid,
            script: self.ended.as_ref(),
            up: self.config.up.as_deref(),
            shared: (self.shared.0, &self.shared.1),
        }
    }

    /// Whether the system took the frame. If not, what became of the interface is looked at next.
    pub(super) fn send(&mut self, frame: &[u8], now: Time) -> bool {
        let taken = self.attachment.as_ref().is_some_and(|attachment| attachment.send(frame).is_ok());
        self.retry = if taken { self.retry } else { Some(now) };
        taken
    }

    /// Whether the system took any of the packets: one host out of reach is no fault of ours.
    pub(super) fn deliver(&mut self, unicast: &Unicast, now: Time) -> bool {
        let taken = self.attachment.as_ref().is_some_and(|attachment| attachment.deliver(unicast));
        self.retry = if taken { self.retry } else { Some(now) };
        taken
    }

    /// The capture, unless it rests.
    pub(super) fn capture(&self, now: Time) -> Option<BorrowedFd<'_>> {
        self.attachment.as_ref().filter(|_| !self.draining.rests(now))?.capture()
    }

    pub(super) fn deadline(&self, now: Time) -> Option<Time> {
        let own =
            [self.draining.deadline(now), self.looks_around_until, self.retry, self.reopening.deadline()];
        own.into_iter().flatten().chain(self.host.next_deadline()).min()
    }
}
