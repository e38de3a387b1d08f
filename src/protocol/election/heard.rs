//! What an advertisement means, as backup and as master (register, rows 1, 2, 11, 15, 19).

use std::cmp::Ordering;
use std::net::IpAddr;
use std::time::Duration;

use super::super::peers::{Conflict, Known, PeerId};
use super::super::tie::{self, Contender, Order};
use super::super::{Advertisement, Family, Interval, Notice, Peer, PeerKind, Reason, Time};
use super::{Decision, Election, State, patience};

/// At most one advertisement outside the schedule in this time.
const PROMPT_LIMIT: Duration = Duration::from_millis(100);
/// A peer that should have given way has this many advertisements left.
const STUBBORN_ADS: u32 = 3;
/// A backup of ours speaks to its master more often than this.
const FOLLOWER_SPEAKS: Duration = Duration::from_secs(12);
/// A kernel that returned so often is named.
const RETURNS: u32 = 3;
/// An old ucarp reads its capture once a second.
const OLD_UCARP_SLOWNESS: Duration = Duration::from_secs(1);
/// Who sends again what it recorded can let a family seem to come and go.
const FAMILY_MISSED_AGAIN: Duration = Duration::from_secs(60);
/// How long an old ucarp is remembered to be among us.
const OLD_UCARP_MEMORY: Duration = Duration::from_secs(60);

impl Election {
    /// Whether a source address says who sent something.
    pub(in super::super) fn identifies(&self, source: IpAddr) -> bool {
        self.peers.identifies(source)
    }

    pub(super) fn heard_in_backup(&mut self, ad: &Advertisement, now: Time, out: &mut Vec<Decision>) {
        let master_spoke = self.followed.and_then(|id| self.peers.get(id)).map(|known| known.heard);
        let advertised = self.peers.known(ad).is_some_and(|known| known.advertised(ad.source(), now));
        let id = self.hear(ad, now, out);
        let Some(speaker) = self.peers.get(id) else { return };
        let (peer, his) = (speaker.peer(), speaker.interval);
        let master = self.followed.and_then(|id| self.peers.get(id));
        let master_lives = master.is_some_and(|known| self.lives(known, now));

        if ad.interval() == Interval::BOW_OUT {
            if self.followed == Some(id) || !master_lives {
                // A master not worse than us that spoke after the last word of the one who leaves is its successor.
                let successor = self
                    .peers
                    .best_live(now, Some(id), |interval| self.dead_after(Some(interval)))
                    .filter(|known| Some(known.heard) > master_spoke && !self.is_better_than(known))
                    .map(|known| (known.id(), known.heard + self.dead_after(Some(known.interval))));
                if let Some((successor, master_down)) = successor {
                    self.follow(successor, master_down);
                    return;
                }
                self.followed = Some(id);
                self.take_over_early(Reason::MasterLeft, peer, now, out);
            } else {
                out.push(Decision::Tell(Notice::StrangerLeft { peer }));
            }
            return;
        }
        if ad.gives_way() {
            // Its sender is master no more, and neither are we. If we left because it seemed not to hear us, it did. Somebody
            // who copies advertisements under another's hardware address can make two hosts seem one: what counts is
            // said from where the master advertised.
            let both_left = match self.reason {
                Reason::StubbornMaster => true,
                // Each yielded to the other as the older one.
                Reason::Unheard => self.is_better_than(speaker) || self.tie(ad, id, now) == Some(true),
                _ => false,
            };
            if both_left && self.followed == Some(id) && advertised {
                self.take_over_early(Reason::MasterLeft, peer, now, out);
            }
            return;
        }
        let demotion = self.compare_demotion(ad.kind(), ad.demotion());
        let worse = match demotion {
            Some(Ordering::Greater) => true,
            Some(Ordering::Less | Ordering::Equal) | None => {
                master.is_some_and(|known| match self.prefer(known, speaker) {
                    Ordering::Less => true,
                    // Who is as good as our master and speaks while that is silent may be the one to which it gave way.
                    Ordering::Equal => now.since(known.heard) < patience(his),
                    Ordering::Greater => false,
                })
            }
        };
        if self.followed != Some(id) && master_lives && worse {
            return;
        }
        self.follow(id, now + self.dead_after(Some(his)));
        if peer.kind != PeerKind::Ours && his == self.tuning.interval {
            out.push(Decision::Tell(Notice::EqualInterval { peer }));
        }
        // A demoted host takes nothing from one that is not demoted more. Against a kernel that is told in its interval
        // alone, which an undemoted third could take for better than ours, while ours is better for that one: a circle.
        let slower = !self.demoted() && demotion != Some(Ordering::Less) && self.interval() < his;
        self.preemption.heard(slower, now);
        if demotion == Some(Ordering::Greater) {
            self.take_over_early(Reason::MasterDemoted, peer, now, out);
        } else if slower && self.interval().dead_after(self.tuning.dead_ratio) < his.duration() {
            self.take_over_early(Reason::MasterTooSlow, peer, now, out);
        } else if self.preempts_at().is_some_and(|due| due <= now) {
            self.take_over_early(Reason::SlowerMaster, peer, now, out);
        }
    }

    /// When the worse master that is followed will be preempted, if it is.
    pub(in super::super) fn preempts_at(&self) -> Option<Time> {
        self.preemption.due(self.tuning.preempt_delay).filter(|_| self.tuning.preempt)
    }

    pub(super) fn heard_in_master(
        &mut self,
        ad: &Advertisement,
        may_speak: bool,
        now: Time,
        out: &mut Vec<Decision>,
    ) {
        let known = self.peers.known(ad);
        let had_left = known.is_some_and(|known| known.left);
        let stranger = known.is_none_or(|known| now.since(known.heard) > FOLLOWER_SPEAKS);
        let unheard = self.is_unheard(ad.kind(), now);
        let id = self.hear(ad, now, out);
        let Some(speaker) = self.peers.get(id) else { return };
        let peer = speaker.peer();
        if ad.interval() == Interval::BOW_OUT {
            // Bow-outs come once per family and are repeated until a successor is heard.
            if had_left {
                return;
            }
            out.push(Decision::Tell(Notice::StrangerLeft { peer }));
            self.defend(peer, may_speak, now, out);
            return;
        }
        if ad.gives_way() {
            // It has decided for us; were we to decide again, both could leave.
            if let Some(speaker) = self.peers.get_mut(id) {
                speaker.conflict = None;
            }
            if may_speak {
                out.push(Decision::Announce);
            }
            out.push(Decision::Tell(Notice::GaveWay { peer }));
            return;
        }
        if self.stands_back() {
            self.yield_to(id, Reason::OneFamily, now, out);
            return;
        }
        if (self.overslept || self.unsent.is_some()) && !self.tuning.preempt {
            // While only this process slept, its machine may have answered for the address.
            give_way(peer, may_speak, out);
            let reason = if self.overslept { Reason::Overslept } else { Reason::Unsent };
            self.yield_to(id, reason, now, out);
            return;
        }
        if self.listening && !self.tuning.preempt {
            give_way(peer, may_speak, out);
            self.yield_to(id, Reason::Replaced, now, out);
            return;
        }
        let (mine, his) = (self.interval(), ad.interval());
        let demotion = self.compare_demotion(ad.kind(), ad.demotion());
        let yields = match demotion {
            Some(Ordering::Less) => true,
            Some(Ordering::Greater) => false,
            Some(Ordering::Equal) | None => his < mine,
        };
        if yields {
            // Who never followed us may be master only because it heard nobody, and then leaves as soon as it hears us.
            let asks = stranger && peer.kind == PeerKind::Ours && may_speak && !self.listening;
            let asks = asks && !self.is_new(now);
            if asks && now.repeats(&mut self.prompted, PROMPT_LIMIT) {
                out.push(Decision::Advertise { scheduled: false });
                return;
            }
            give_way(peer, may_speak, out);
            self.yield_to(id, Reason::FasterMaster, now, out);
            return;
        }
        let equal = his == mine && demotion != Some(Ordering::Greater);
        if equal {
            if peer.kind != PeerKind::Ours {
                out.push(Decision::Tell(Notice::EqualInterval { peer }));
            }
            match self.tie(ad, id, now) {
                Some(true) => {}
                Some(false) => {
                    give_way(peer, may_speak, out);
                    self.yield_to(id, Reason::TieLost, now, out);
                    return;
                }
                None => return,
            }
        }
        if unheard {
            give_way(peer, may_speak, out);
            self.yield_unheard(id, now, out);
            return;
        }
        if peer.kind == PeerKind::Kernel && self.returning.again(peer, now) {
            out.push(Decision::Tell(Notice::Returns { peer }));
        }
        if self.unheard_by(id, now) {
            let otherwise = peer.kind == PeerKind::Kernel && ad.other_form();
            out.push(Decision::Tell(if otherwise {
                Notice::OtherForm { peer }
            } else {
                Notice::Unheard { peer }
            }));
            // OpenBSD's kernel counts demotion before the interval, whatever its peers are said to be.
            if equal || (peer.kind == PeerKind::Kernel && self.demoted()) {
                self.yield_to(id, Reason::StubbornMaster, now, out);
                return;
            }
        }
        // Its first half has been answered, before it could have heard us.
        if !self.peers.get(id).is_some_and(|known| known.is_second_half(ad.family(), now)) {
            self.defend(peer, may_speak, now, out);
        }
    }

    /// How much a speaker is demoted compared with us, where that decides before the interval: among our own kind, and when
    /// our peers are said to be OpenBSD's kernel, against a kernel (FACTS 7).
    fn compare_demotion(&self, kind: PeerKind, his: u8) -> Option<Ordering> {
        self.counts_demotion(kind).then(|| his.cmp(&self.demotion()))
    }

    const fn counts_demotion(&self, kind: PeerKind) -> bool {
        match kind {
            PeerKind::Ours => true,
            PeerKind::Kernel => self.tuning.honours_demotion,
            PeerKind::OldUcarp => false,
        }
    }

    /// Which of two others is preferred: `Less` the first.
    fn prefer(&self, one: &Known, other: &Known) -> Ordering {
        let both_count = self.counts_demotion(one.kind) && self.counts_demotion(other.kind);
        let demotion = if both_count { one.demotion.cmp(&other.demotion) } else { Ordering::Equal };
        demotion.then(one.interval.cmp(&other.interval))
    }

    /// Whether we are preferred to it.
    pub(super) fn is_better_than(&self, known: &Known) -> bool {
        let demotion = self.compare_demotion(known.kind, known.demotion).unwrap_or(Ordering::Equal);
        demotion.then(known.interval.cmp(&self.interval())) == Ordering::Greater
    }

    /// Whether we stay against a peer with our interval; `None`: this advertisement does not decide.
    fn tie(&self, ad: &Advertisement, id: PeerId, now: Time) -> Option<bool> {
        let speaker = self.peers.get(id)?;
        let their_dead_time = self.dead_after(Some(speaker.interval));
        let undecided = self.tuning.dual_stack
            && ad.family() == Family::V6
            && ad.kind() == PeerKind::Ours
            && speaker.silence(Family::V4, now) < their_dead_time;
        if undecided {
            return None;
        }
        let mine = match ad.source() {
            IpAddr::V4(_) => self.sources.v4.map(IpAddr::V4),
            IpAddr::V6(_) => self.sources.v6.map(IpAddr::V6),
        };
        let me = Contender { key: mine.unwrap_or(ad.source()), mac: self.mac, demoted: self.demoted() };
        let peer = Contender { key: ad.source(), mac: ad.mac(), demoted: ad.demotion() > 0 };
        if ad.kind() == PeerKind::Kernel && self.tuning.honours_demotion && ad.demotion() == self.demotion() {
            // It sees that we are demoted as it is, and steps down as every kernel does.
            return Some(true);
        }
        let order = if self.beside_old_ucarp(now) { Order::OldUcarp } else { Order::Numeric };
        Some(tie::stays(me, peer, ad.kind(), order))
    }

    /// Whether an old ucarp was heard of lately, by us or by one of ours who says so. All of us then settle ties
    /// in its order; who knows tells in its own advertisements, else two of us could each give way to the other.
    pub(in super::super) fn beside_old_ucarp(&self, now: Time) -> bool {
        self.old_ucarp_heard.is_some_and(|heard| now.since(heard) <= OLD_UCARP_MEMORY)
    }

    /// Counts an advertisement against which we stay; true when its sender has had every chance to hear us.
    fn unheard_by(&mut self, id: PeerId, now: Time) -> bool {
        let Some(speaker) = self.peers.get(id) else { return false };
        let mut patience = self.dead_after(None);
        if speaker.kind == PeerKind::OldUcarp {
            patience += OLD_UCARP_SLOWNESS;
        }
        let Some(speaker) = self.peers.get_mut(id) else { return false };
        match &mut speaker.conflict {
            Some(conflict) => {
                conflict.ads = conflict.ads.saturating_add(1);
                conflict.ads >= STUBBORN_ADS && now.since(conflict.since) >= patience
            }
            None => {
                speaker.conflict = Some(Conflict { since: now, ads: 0 });
                false
            }
        }
    }

    fn defend(&mut self, peer: Peer, may_speak: bool, now: Time, out: &mut Vec<Decision>) {
        if !may_speak {
            return;
        }
        if self.listening {
            self.end_listening(out);
            self.state = State::Master { next_advert: now + self.interval().period(), grace_ends: None };
        }
        if !self.leaves_it_to_another(peer) && now.repeats(&mut self.prompted, PROMPT_LIMIT) {
            out.push(Decision::Advertise { scheduled: false });
        }
        out.push(Decision::Announce);
        out.push(Decision::Tell(Notice::ConflictWon { peer }));
    }

    /// Whether one of ours that is demoted less is there: it takes over, and a kernel or an old ucarp that is better than
    /// that one by its interval takes over from it. Were that told at once to give way to us, all three could leave.
    fn leaves_it_to_another(&self, peer: Peer) -> bool {
        let demotion = self.demotion();
        let better = |known: &Known| known.kind == PeerKind::Ours && known.demotion < demotion;
        peer.kind != PeerKind::Ours && demotion > 0 && self.peers.any(better)
    }

    /// Notes who spoke, and what the operator should know about it whatever the state.
    fn hear(&mut self, ad: &Advertisement, now: Time, out: &mut Vec<Decision>) -> PeerId {
        let dead_after = self.allowed_silence(ad);
        self.met = true;
        let id = self.peers.hear(ad, now, dead_after, self.followed);
        if ad.kind() == PeerKind::OldUcarp || ad.beside_old_ucarp() {
            self.old_ucarp_heard = Some(now);
        }
        if self.stands_back() && !std::mem::replace(&mut self.told_that_we_stand_back, true) {
            let kernel = self.peers.get(id).map(Known::peer);
            out.extend(kernel.map(|peer| Decision::Tell(Notice::StandsBack { peer })));
        }
        let (dual_stack, followed) = (self.tuning.dual_stack, self.followed);
        let identified = self.peers.identifies(ad.source());
        let Some(speaker) = self.peers.get_mut(id) else { return id };
        if identified && self.sources.has(ad.source()) {
            out.push(Decision::Tell(Notice::SameSource { peer: speaker.peer() }));
        }
        if dual_stack && followed == Some(id) {
            let other = ad.family().other();
            if speaker.silent == Some(ad.family()) {
                speaker.silent = None;
                out.push(Decision::Tell(Notice::FamilyBack { family: ad.family(), peer: speaker.peer() }));
            } else if speaker.silent.is_none()
                && speaker.silence(other, now) >= dead_after
                && self.family_missed.is_none_or(|told| now.since(told) >= FAMILY_MISSED_AGAIN)
            {
                speaker.silent = Some(other);
                self.family_missed = Some(now);
                out.push(Decision::Tell(Notice::FamilySilent { family: other, peer: speaker.peer() }));
            }
        }
        id
    }
}

/// Addressed to the winner alone, so no kernel hears it: an advertisement more would make one with our interval
/// step down, and one that preempts take over. Kernels would do nothing with it.
fn give_way(peer: Peer, may_speak: bool, out: &mut Vec<Decision>) {
    match peer.kind {
        PeerKind::Ours | PeerKind::OldUcarp if may_speak => out.push(Decision::GiveWay { to: peer }),
        PeerKind::Ours | PeerKind::OldUcarp | PeerKind::Kernel => {}
    }
}

/// A kernel that gives way to us and is master again as soon as its timer allows. By then it has been forgotten as a
/// peer.
#[derive(Debug, Default)]
pub(super) struct Returning {
    last: Option<Peer>,
    times: u32,
}

impl Returning {
    /// Whether this one, master again, has returned often enough to be named.
    fn again(&mut self, peer: Peer, now: Time) -> bool {
        let last = self.last.replace(peer).filter(|last| last.source == peer.source);
        let Some(last) = last else {
            self.times = 0;
            return false;
        };
        let (silent, period) = (now.since(last.heard), peer.interval.period());
        if silent < period / 2 {
            // The other half of what it said, perhaps.
            return false;
        }
        // Not one that went on: that takes three periods, or a little more than three.
        self.times = if silent > period * 5 / 2 && silent < period * 6 { self.times + 1 } else { 0 };
        self.times >= RETURNS
    }
}
