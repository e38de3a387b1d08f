//! Why the state of a virtual host changed, in words.

use std::time::Duration;

use super::{describe, seconds};
use crate::i18n::tr;
use crate::protocol::{Peer, Reason};

/// The end of the sentence about it.
pub(super) fn why(reason: Reason, peer: Option<Peer>, silent: Option<Duration>) -> String {
    let who = peer.map(describe).unwrap_or_default();
    match (reason, peer) {
        (Reason::Started, _) => tr!("initialisation complete").into_owned(),
        (Reason::Resumed, _) => tr!("going on in place of a process that ended").into_owned(),
        (Reason::LinkUp, _) => tr!("the interface is up").into_owned(),
        (Reason::LinkDown, _) => tr!("the interface is down").into_owned(),
        (Reason::LinkGone, _) => tr!("the interface was removed").into_owned(),
        (Reason::MasterTimedOut, Some(_)) => tr!(
            "nothing heard from {peer} for {silent}",
            peer = who,
            silent = silent.map(seconds).unwrap_or_default()
        ),
        (Reason::MasterTimedOut, None) => tr!("no master was heard").into_owned(),
        (Reason::MasterRefused, _) => tr!(
            "only {peer} was heard, which does not authenticate: another password, or another list of addresses",
            peer = who
        ),
        (Reason::MasterLeft, _) => tr!("the master {peer} left", peer = who),
        (Reason::SlowerMaster, _) => tr!("preempting the slower master {peer}", peer = who),
        (Reason::MasterTooSlow, _) => tr!("{peer} advertises too seldom and will time out", peer = who),
        (Reason::MasterDemoted, _) => tr!("the master {peer} is demoted more than this host", peer = who),
        (Reason::FasterMaster, _) => tr!("the preferred master {peer} advertised", peer = who),
        (Reason::TieLost, _) => tr!("{peer} has our interval and goes before us", peer = who),
        (Reason::StubbornMaster, _) => tr!("{peer} does not hear us, so it keeps the address", peer = who),
        (Reason::Replaced, _) => tr!("{peer} took over while the link was away", peer = who),
        (Reason::OneFamily, _) => {
            tr!("{peer} is master and no ucarp, and this host can send in one IP version only", peer = who)
        }
        (Reason::Overslept, _) => {
            tr!("this process was not running, and {peer} took over meanwhile", peer = who)
        }
        (Reason::Unsent, _) => {
            tr!("our advertisements could not be sent, and {peer} took over meanwhile", peer = who)
        }
        (Reason::Unheard, _) => {
            tr!("{peer} is master, and nobody had heard this host since its link came up", peer = who)
        }
        (Reason::Released, _) => {
            tr!("something failed without which this host is to be no master").into_owned()
        }
        (Reason::Taken, _) => tr!("told to take the address from {peer} (ucarpctl take)", peer = who),
        (Reason::Resigned, _) => tr!("asked to step aside (SIGUSR2)").into_owned(),
        (Reason::HookFailed, _) => tr!("the up script failed").into_owned(),
        (Reason::AddressTaken, _) => tr!("the address is taken away again and again").into_owned(),
        (Reason::Shutdown, _) => tr!("this program ends").into_owned(),
        (Reason::Removed, _) => tr!("it is not in the configuration any more").into_owned(),
        (Reason::Moved, _) => tr!("it has another id or another interface now").into_owned(),
    }
}
