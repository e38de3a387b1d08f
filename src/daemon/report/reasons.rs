//! Why the state of a virtual host changed, in words.

use std::time::Duration;

use super::{describe, seconds};
use crate::i18n::{fill, tr};
use crate::protocol::{Peer, Reason};

/// The end of the sentence about it.
pub(super) fn why(reason: Reason, peer: Option<Peer>, silent: Option<Duration>) -> String {
    let template = match (reason, peer) {
        (Reason::Started, _) => tr("initialisation complete"),
        (Reason::Resumed, _) => tr("going on in place of a process that ended"),
        (Reason::LinkUp, _) => tr("the interface is up"),
        (Reason::LinkDown, _) => tr("the interface is down"),
        (Reason::LinkGone, _) => tr("the interface was removed"),
        (Reason::MasterTimedOut, Some(_)) => tr("nothing heard from {peer} for {silent}"),
        (Reason::MasterTimedOut, None) => tr("no master was heard"),
        (Reason::MasterRefused, _) => tr(
            "only {peer} was heard, which does not authenticate: another password, or another list of addresses",
        ),
        (Reason::MasterLeft, _) => tr("the master {peer} left"),
        (Reason::SlowerMaster, _) => tr("preempting the slower master {peer}"),
        (Reason::MasterTooSlow, _) => tr("{peer} advertises too seldom and will time out"),
        (Reason::MasterDemoted, _) => tr("the master {peer} is demoted more than this host"),
        (Reason::FasterMaster, _) => tr("the preferred master {peer} advertised"),
        (Reason::TieLost, _) => tr("{peer} has our interval and goes before us"),
        (Reason::StubbornMaster, _) => tr("{peer} does not hear us, so it keeps the address"),
        (Reason::Replaced, _) => tr("{peer} took over while the link was away"),
        (Reason::OneFamily, _) => {
            tr("{peer} is master and no ucarp, and this host can send in one IP version only")
        }
        (Reason::Overslept, _) => tr("this process was not running, and {peer} took over meanwhile"),
        (Reason::Unsent, _) => tr("our advertisements could not be sent, and {peer} took over meanwhile"),
        (Reason::Unheard, _) => tr("{peer} is master, and nobody had heard this host since its link came up"),
        (Reason::Released, _) => tr("something failed without which this host is to be no master"),
        (Reason::Taken, _) => tr("told to take the address from {peer} (ucarpctl take)"),
        (Reason::Resigned, _) => tr("asked to step aside (SIGUSR2)"),
        (Reason::HookFailed, _) => tr("the up script failed"),
        (Reason::AddressTaken, _) => tr("the address is taken away again and again"),
        (Reason::Shutdown, _) => tr("this program ends"),
        (Reason::Removed, _) => tr("it is not in the configuration any more"),
        (Reason::Moved, _) => tr("it has another id or another interface now"),
    };
    let peer = peer.map(describe).unwrap_or_default();
    fill(&template, &[("peer", &peer), ("silent", &silent.map(seconds).unwrap_or_default())])
}
