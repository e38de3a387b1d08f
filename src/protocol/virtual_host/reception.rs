//! From a frame to a fact: is it CARP, for us, authentic, of our own kind, fresh, and as it was sent?
//!
//! In this order, so that what costs more is asked of fewer. What is refused changes nothing about the role; but one of
//! ours that is refused for its age is owed an answer, since it may live and not know the time ([`Aftermath`]).

use std::time::Duration;

use super::super::auth::Advertisement;
use super::super::election::Fact;
use super::super::freshness::{Age, Whose};
use super::super::wire::{self, Decoded, carp};
use super::super::{
    Action, Dialect, Interval, MacAddr, Notice, Peer, PeerKind, Rejected, Replay, Role, Time,
};
use super::VirtualHost;
use super::transmit::Audience;

/// One of ours may lie this much further behind than the time after which it counts as dead.
const BEHIND: Duration = Duration::from_secs(1);
/// After so long among ours alone the operator may want to say so.
const ALONE: Duration = Duration::from_secs(60 * 60);
/// A counter that looks like ours by chance can lie anywhere in 8.5 years; a recording lies behind H.
const RECORDED: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Kept until the next tick; more than come of one frame.
const TELLS: usize = 4;
const ANSWERS: usize = 8;

/// What a frame leads to besides what the election makes of it. It is done with the next tick, which is due at once.
#[derive(Debug, Default)]
pub(super) struct Aftermath {
    due: Option<Time>,
    answers: Vec<Peer>,
    notices: Vec<Notice>,
}

impl Aftermath {
    pub(super) fn deadline(&self) -> Option<Time> {
        self.due
    }

    fn tell(&mut self, notice: Notice, now: Time) {
        if self.notices.len() < TELLS {
            self.notices.push(notice);
            self.due.get_or_insert(now);
        }
    }
}

/// Whether only ours were heard lately.
#[derive(Debug, Default)]
pub(super) struct Company {
    ours_since: Option<Time>,
    told: bool,
    others: bool,
}

impl Company {
    /// Whether anybody was heard who is none of ours.
    pub(super) const fn met_others(&self) -> bool {
        self.others
    }

    /// Whether it is time to tell the operator.
    fn note(&mut self, kind: PeerKind, now: Time) -> bool {
        if kind != PeerKind::Ours {
            self.others = true;
            self.ours_since = None;
            return false;
        }
        let since = *self.ours_since.get_or_insert(now);
        let tells = !self.told && now.since(since) >= ALONE;
        self.told |= tells;
        tells
    }
}

impl VirtualHost {
    /// Takes in a frame from the wire.
    ///
    /// # Errors
    /// Why it was ignored; that is counted, and the role has not changed.
    pub fn receive(&mut self, frame: &[u8], now: Time) -> Result<Vec<Action>, Rejected> {
        self.take_in(wire::decode(frame).as_ref().map_err(|why| *why), now)
    }

    /// [`VirtualHost::receive`] for a frame that was decoded already, to see whose it is.
    ///
    /// # Errors
    /// As there.
    pub fn take_in(
        &mut self,
        decoded: Result<&Decoded, Rejected>,
        now: Time,
    ) -> Result<Vec<Action>, Rejected> {
        let heard = decoded.and_then(|decoded| {
            let ad = self.authenticate(decoded, now)?;
            let ours = ad.kind() == PeerKind::Ours;
            let said = if ours {
                self.forms.of(&ad).said(&ad, decoded, self.own_addresses(ad.family()))?
            } else {
                None
            };
            Ok((ad, said))
        });
        match heard {
            Ok((ad, Some(said))) if said.answer => {
                // It may have overtaken what its master said to all, which then is older and nobody's word.
                if self.election.is_followed(&ad) {
                    self.following.answered(now);
                }
                Ok(self.hear(&ad, now))
            }
            Ok((ad, Some(said))) => Ok(self.hear_standby(&ad, &said, &peer(&ad, now), now)),
            Ok((ad, None)) => Ok(self.hear(&ad, now)),
            Err(rejected) => {
                self.counters.rejections.count(rejected);
                Err(rejected)
            }
        }
    }

    fn authenticate(&mut self, decoded: &Decoded, now: Time) -> Result<Advertisement, Rejected> {
        if decoded.header.vhid != self.parameters.vhid.get() {
            return Err(Rejected::UnknownVhid);
        }
        if !self.parameters.destination.accepts(decoded.destination) {
            return Err(Rejected::BadDestination);
        }
        let ad = self.forms.verify(decoded).inspect_err(|_| {
            let dead_after = |interval| self.election.dead_after(Some(interval));
            self.refused.note(decoded, self.parameters.vhid, now, dead_after);
        })?;
        let ad = if ad.kind() == PeerKind::Ours { self.believe(ad, now)? } else { ad };
        if self.parameters.only_ours && ad.kind() != PeerKind::Ours {
            return Err(Rejected::Unmarked);
        }
        if decoded.header.kind != carp::ADVERTISEMENT || decoded.header.authlen != carp::AUTHLEN {
            self.counters.odd = self.counters.odd.saturating_add(1);
        }
        Ok(ad)
    }

    /// What was authenticated and looks like one of ours (register, rows 7 and 25).
    fn believe(&mut self, ad: Advertisement, now: Time) -> Result<Advertisement, Rejected> {
        let own = self.parameters.sources.has(ad.source());
        if own && ad.mac() == self.parameters.mac {
            return Err(Rejected::OwnEcho);
        }
        let whose = match own {
            _ if !self.election.identifies(ad.source()) => Whose::Anybodys,
            true => Whose::Own,
            false => Whose::Others,
        };
        let dead_after = self.election.allowed_silence(&ad);
        let age = self.freshness.judge(&ad, whose, dead_after + BEHIND, now);
        match age {
            Age::Altered => return Err(Rejected::Tampered),
            Age::Reflected => {
                if self.freshness.reflects(ad.stamp(), ad.mac(), self.parameters.mac, now) {
                    self.aftermath.tell(Notice::SameSource { peer: peer(&ad, now) }, now);
                }
                return Err(Rejected::OwnEcho);
            }
            Age::Stale => {
                // An altered one must not use up the answer to a genuine one, and a flood is not worth its third HMAC.
                if whose != Whose::Own && self.may_answer(&ad, now) && self.is_unaltered(&ad, now) {
                    self.answer_later(&ad, now);
                }
                return Err(Rejected::Stale);
            }
            Age::Fresh | Age::Again | Age::Suspect { .. } => {}
        }
        if age != Age::Again && !self.is_unaltered(&ad, now) {
            return self.look_alike(ad, now);
        }
        let noted = self.freshness.note(&ad, whose, matches!(age, Age::Suspect { .. }), now);
        if let Some(by) = noted.jumped {
            self.aftermath.tell(Notice::ClockJumped { peer: peer(&ad, now), by }, now);
        }
        if noted.proven {
            self.aftermath.tell(Notice::Proven { peer: peer(&ad, now) }, now);
        }
        if let Age::Suspect { behind } = age {
            self.suspect(&ad, behind, dead_after, now)?;
        }
        Ok(ad)
    }

    /// Whether F holds, unless that was tried too often; a wrong one is noted.
    fn is_unaltered(&mut self, ad: &Advertisement, now: Time) -> bool {
        let current = self.freshness.current(now);
        let spent = self.tampering.is_spent(ad, current, now);
        let holds = !spent && self.forms.is_unaltered(ad);
        if !holds {
            self.tampering.note(ad, current, now);
        }
        holds
    }

    /// It may be a recording of one that died before we started. One that lives and hears us is fresh with its next word.
    /// Who has a master lets it prove that first; who has none follows it. Nobody believes that it leaves.
    fn suspect(
        &mut self,
        ad: &Advertisement,
        behind: Duration,
        dead_after: Duration,
        now: Time,
    ) -> Result<(), Rejected> {
        let leaves = ad.interval() == Interval::BOW_OUT || ad.gives_way();
        if !leaves && self.may_answer(ad, now) {
            self.answer_later(ad, now);
        }
        let since = self.freshness.suspect_since(ad.source()).unwrap_or(now);
        let had_its_time = now.since(since) >= dead_after;
        let believed = !leaves
            && match self.parameters.replay {
                // Once: what came again would hold off for longer than its dead time.
                Replay::Refuse => since == now && !self.election.has_another_master(ad, now),
                Replay::Warn | Replay::Off => had_its_time || !self.election.has_another_master(ad, now),
            };
        if had_its_time && self.freshness.tells(ad.source(), now) {
            self.aftermath.tell(Notice::Suspect { peer: peer(ad, now), behind, believed }, now);
        }
        if believed { Ok(()) } else { Err(Rejected::Stale) }
    }

    /// F does not hold: somebody altered it, or it is a kernel's. One that does not change is no live one of ours: a
    /// recording, or OpenBSD's, which looks like ours once in 65,536.
    fn look_alike(&mut self, ad: Advertisement, now: Time) -> Result<Advertisement, Rejected> {
        if !self.tampering.is_constant(&ad, now) {
            return Err(Rejected::Tampered);
        }
        let behind = self.freshness.behind(ad.stamp(), now);
        let recorded = behind > Duration::ZERO && behind < RECORDED;
        if self.parameters.dialect == Dialect::OpenBsd && !recorded {
            return Ok(ad.of_kernel());
        }
        if !recorded && self.tampering.tells(now) {
            self.aftermath.tell(Notice::LooksLikeOurs { peer: peer(&ad, now) }, now);
        }
        Err(Rejected::Tampered)
    }

    fn may_answer(&self, ad: &Advertisement, now: Time) -> bool {
        is_of_one_host(ad.mac())
            && ad.mac() != self.parameters.mac
            && self.aftermath.answers.len() < ANSWERS
            && self.freshness.owes_answer(ad, now)
    }

    fn answer_later(&mut self, ad: &Advertisement, now: Time) {
        self.freshness.answered(ad, now);
        self.aftermath.answers.push(peer(ad, now));
        self.aftermath.due.get_or_insert(now);
    }

    /// Does what frames left to do.
    pub(super) fn come_after(&mut self, now: Time, out: &mut Vec<Action>) {
        if self.aftermath.due.take().is_none() {
            return;
        }
        let speaks = self.election.speaks();
        while let Some(peer) = self.aftermath.answers.pop() {
            if speaks || self.election.role() == Role::Backup {
                // A backup must not look like a master.
                let audience = Audience::One { peer: &peer, gives_way: !speaks, says: None };
                self.transmit_to(audience, self.election.interval(), now, out);
            }
        }
        out.extend(self.aftermath.notices.drain(..).map(Action::Tell));
    }

    fn hear(&mut self, ad: &Advertisement, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        self.counters.heard = self.counters.heard.saturating_add(1);
        if self.company.note(ad.kind(), now) && !self.parameters.only_ours {
            self.aftermath.tell(Notice::OnlyOurs, now);
        }
        if ad.interval() != Interval::BOW_OUT {
            self.farewell = None;
        }
        let notice = self.forms.heard(ad, now);
        self.form_changed(notice, &mut out);
        let was_master = self.election.role() == Role::Master;
        self.elect(Fact::Heard(ad), now, &mut out);
        if was_master && self.election.role() == Role::Master {
            let notice = if ad.interval() == Interval::BOW_OUT || ad.gives_way() {
                self.rivalry.ended(now)
            } else {
                self.rivalry.heard(peer(ad, now), self.election.allowed_silence(ad), now)
            };
            out.extend(notice.map(Action::Tell));
        }
        out
    }
}

/// What is known of the sender by this alone.
fn peer(ad: &Advertisement, now: Time) -> Peer {
    Peer { source: ad.source(), mac: ad.mac(), interval: ad.interval(), kind: ad.kind(), heard: now }
}

/// Whether a frame to this hardware address is heard by one of ours alone: it is none of a group, and none of the block in
/// which kernels and the ancestor have theirs (RFC 7042 section 2.1.2).
pub(super) const fn is_of_one_host(MacAddr(octets): MacAddr) -> bool {
    let [a, b, c, ..] = octets;
    a & 1 == 0 && !(a == 0 && b == 0 && c == 0x5e)
}

#[cfg(test)]
mod tests;
