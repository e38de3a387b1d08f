//! Who speaks: a bounded table of speakers, and what is new about them.
//!
//! Time is the capture's own, so a file read in a moment tells the same story as the hours it was taken in. A
//! stranger who invents senders fills the table and pushes out those silent longest, never more.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::packet::{Kind, Packet};
use crate::protocol::wire::peek::Vlans;
use crate::protocol::{Family, Interval, MacAddr, Rejected};
use crate::sorting::sort_by;

/// More speakers than a segment has room for ids; beyond it the longest silent one makes room.
const MOST: usize = 256;
/// Moments a rate is taken over.
const MOMENTS: usize = 16;
/// Intervals to miss before a speaker counts as silent, the usual dead ratio.
const RATIO: u32 = 3;
/// After this, what cannot be understood counts as silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// Scheduling and the network may delay an advertisement.
const SLACK: Duration = Duration::from_millis(100);

/// What makes a speaker one and not another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Who {
    pub(super) source: Option<IpAddr>,
    pub(super) mac: MacAddr,
    pub(super) vhid: Option<u8>,
    pub(super) vlans: Vlans,
    pub(super) family: Family,
    pub(super) vrrp: bool,
}

/// What a speaker says of how often it speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Every {
    Carp(Interval),
    Vrrp(Duration),
    /// Nothing that could be read.
    Unknown,
}

/// One who sends packets of protocol 112.
#[derive(Clone, Debug)]
pub(super) struct Speaker {
    pub(super) who: Who,
    pub(super) kind: Kind,
    pub(super) own: bool,
    pub(super) every: Every,
    pub(super) demotion: u8,
    pub(super) priority: Option<u8>,
    pub(super) verdict: Result<(), Rejected>,
    pub(super) unsummed: bool,
    pub(super) authenticated: Option<bool>,
    pub(super) packets: u64,
    pub(super) last: Duration,
    /// Its last word was that it leaves.
    pub(super) left: bool,
    pub(super) silent: bool,
    /// How many packets came after one of another master of the same id, since there has been one.
    contested: u32,
    pub(super) two_masters: bool,
    pub(super) strangers: bool,
    echo_told: bool,
    /// The hardware address it had before.
    formerly: Option<MacAddr>,
    moments: VecDeque<Duration>,
    /// Its last frame, by which an echo is known.
    frame: Vec<u8>,
}

/// Something that was not so before. Indexes are valid until the next packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum News {
    New,
    /// After a silence of this long, or after leaving.
    Again(Duration),
    Interval(Every),
    Demotion(u8),
    Priority(u8),
    Verdict,
    Kind,
    /// It sends from another hardware address than this one.
    Mac(MacAddr),
    Left,
    /// The other one's place in the table.
    Conflict(Conflict, usize),
    /// The same frame came twice.
    Echo,
}

/// Two who use the same id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Conflict {
    /// Neither gives way to the other.
    TwoMasters,
    /// They do not belong together: only one authenticates, or one speaks VRRP.
    Strangers,
}

/// What a packet meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Heard {
    /// The sender's place in the table.
    pub(super) place: usize,
    pub(super) news: Vec<News>,
    /// It came a second time.
    pub(super) echo: bool,
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Speakers(Vec<Speaker>);

impl Speaker {
    fn new(packet: &Packet) -> Self {
        Self {
            who: Who::sent(packet),
            kind: packet.kind,
            own: packet.own,
            every: Every::said(packet),
            demotion: packet.fields.demotion.unwrap_or(0),
            priority: packet.vrrp.map(|vrrp| vrrp.priority),
            verdict: packet.verdict,
            unsummed: packet.unsummed,
            authenticated: packet.authenticated,
            packets: 0,
            last: packet.at,
            left: false,
            silent: false,
            contested: 0,
            two_masters: false,
            strangers: false,
            echo_told: false,
            formerly: None,
            moments: VecDeque::with_capacity(MOMENTS),
            frame: Vec::new(),
        }
    }

    /// Packets in 100 seconds, lately; `None` after only one.
    pub(super) fn rate(&self) -> Option<u128> {
        let span = self.moments.back()?.checked_sub(*self.moments.front()?)?.as_nanos();
        let count = self.moments.len().saturating_sub(1) as u128;
        (count > 0 && span > 0).then(|| (count * 100_000_000_000 + span / 2) / span)
    }

    /// When it counts as silent, unless it is heard before.
    fn silent_from(&self) -> Duration {
        let patience = match self.every {
            Every::Carp(interval) => interval.dead_after(RATIO).max(interval.period() * RATIO),
            Every::Vrrp(interval) => interval * RATIO,
            Every::Unknown => PATIENCE,
        };
        self.last.saturating_add(patience).saturating_add(SLACK)
    }

    /// Whether this can be the same host with another hardware address. Who has the address that it had before is
    /// another one: two hosts with one source.
    fn may_be(&self, who: &Who) -> bool {
        self.formerly != Some(who.mac) && Who { mac: self.who.mac, ..*who } == self.who
    }

    /// Whether it is at its work.
    fn speaks(&self) -> bool {
        !self.left && !self.silent
    }
}

impl Who {
    fn sent(packet: &Packet) -> Self {
        Self {
            source: packet.source,
            mac: packet.mac,
            vhid: packet.fields.vhid,
            vlans: packet.vlans,
            family: packet.family,
            vrrp: packet.vrrp.is_some(),
        }
    }
}

impl Every {
    fn said(packet: &Packet) -> Self {
        match (packet.vrrp, packet.fields.advbase, packet.fields.advskew) {
            (Some(vrrp), _, _) => Self::Vrrp(vrrp.interval),
            (None, Some(base), Some(skew)) => Self::Carp(Interval::new(base, skew)),
            (None, _, _) => Self::Unknown,
        }
    }
}

impl Speakers {
    pub(super) fn all(&self) -> &[Speaker] {
        &self.0
    }

    /// When [`Speakers::pass`] will next have something to tell.
    pub(super) fn next_silence(&self) -> Option<Duration> {
        self.0.iter().filter(|speaker| speaker.speaks()).map(Speaker::silent_from).min()
    }

    /// Lets time pass until `now`: who has fallen silent, and when that became certain.
    pub(super) fn pass(&mut self, now: Duration) -> Vec<(Duration, usize)> {
        let mut silent = Vec::new();
        for (place, speaker) in self.0.iter_mut().enumerate() {
            if speaker.speaks() && speaker.silent_from() < now {
                speaker.silent = true;
                silent.push((speaker.silent_from(), place));
            }
        }
        sort_by(&mut silent, Ord::cmp);
        silent
    }

    /// Takes a packet in and says what is new.
    pub(super) fn hear(&mut self, packet: &Packet, frame: &[u8]) -> Heard {
        let who = Who::sent(packet);
        let mut news = Vec::new();
        let known = self.0.iter().position(|speaker| speaker.who == who).or_else(|| {
            let place = self.0.iter().position(|speaker| packet.identified && speaker.may_be(&who))?;
            let speaker = self.0.get_mut(place)?;
            let before = std::mem::replace(&mut speaker.who, who).mac;
            speaker.formerly = Some(before);
            news.push(News::Mac(before));
            Some(place)
        });
        let place = known.unwrap_or_else(|| self.admit(packet));
        let contested = self.rivals(place, &who);
        let Some(speaker) = self.0.get_mut(place) else { return Heard { place, news, echo: false } };
        let silence = packet.at.saturating_sub(speaker.last);
        if known.is_some() && speaker.frame == frame && is_too_soon(speaker, silence) {
            if !std::mem::replace(&mut speaker.echo_told, true) {
                news.push(News::Echo);
            }
            return Heard { place, news, echo: true };
        }
        let every = Every::said(packet);
        let leaves =
            every == Every::Carp(Interval::BOW_OUT) || packet.vrrp.is_some_and(|vrrp| vrrp.priority == 0);
        if known.is_none() {
            news.push(News::New);
        } else if !speaker.speaks() && !leaves {
            news.push(News::Again(silence));
            speaker.moments.clear();
        }
        if leaves && !speaker.left {
            news.push(News::Left);
        }
        if !leaves && known.is_some() {
            let before = (speaker.every, speaker.demotion, speaker.priority);
            if before.0 != every {
                news.push(News::Interval(before.0));
            }
            if before.1 != packet.fields.demotion.unwrap_or(0) {
                news.push(News::Demotion(before.1));
            }
            news.extend(before.2.filter(|_| before.2 != packet.vrrp.map(|v| v.priority)).map(News::Priority));
        }
        if known.is_some() && speaker.verdict != packet.verdict {
            news.push(News::Verdict);
        } else if known.is_some() && speaker.kind != packet.kind {
            news.push(News::Kind);
        }
        if !leaves {
            // What it said before it left is what the table goes on to show.
            speaker.every = every;
            speaker.demotion = packet.fields.demotion.unwrap_or(0);
            speaker.priority = packet.vrrp.map(|vrrp| vrrp.priority);
        }
        speaker.contested = match contested {
            Some(_) if leaves => 0,
            Some(since) => speaker.contested.saturating_add(u32::from(since)),
            None => 0,
        };
        speaker.two_masters &= speaker.contested > 0;
        (speaker.left, speaker.silent) = (leaves, false);
        (speaker.kind, speaker.own) = (packet.kind, packet.own);
        (speaker.verdict, speaker.unsummed) = (packet.verdict, packet.unsummed);
        speaker.authenticated = packet.authenticated;
        speaker.last = packet.at;
        speaker.packets = speaker.packets.saturating_add(1);
        if speaker.moments.len() == MOMENTS {
            speaker.moments.pop_front();
        }
        speaker.moments.push_back(packet.at);
        speaker.frame = frame.to_vec();
        news.extend(self.conflict(place));
        Heard { place, news, echo: false }
    }

    /// Makes room for a new speaker.
    fn admit(&mut self, packet: &Packet) -> usize {
        let newcomer = Speaker::new(packet);
        if self.0.len() < MOST {
            self.0.push(newcomer);
            return self.0.len() - 1;
        }
        let oldest = self.0.iter().enumerate().min_by_key(|(_, speaker)| speaker.last);
        let place = oldest.map_or(0, |(place, _)| place);
        if let Some(speaker) = self.0.get_mut(place) {
            *speaker = newcomer;
        }
        place
    }

    /// Whether another master of the same id and family has spoken since this one did last; `None` if there is no
    /// other.
    fn rivals(&self, place: usize, who: &Who) -> Option<bool> {
        let speaker = self.0.get(place)?;
        let rival = |other: &&Speaker| other.who != *who && is_rival(&other.who, who) && other.speaks();
        let latest = self.0.iter().filter(rival).map(|other| other.last).max()?;
        Some(speaker.packets > 0 && latest > speaker.last)
    }

    /// Who else uses this id, if that has not been told: another group of hosts, or a second master. Hosts take
    /// over from each other with one packet, and who loses may answer with one; so masters are two only when each of
    /// them has spoken again after the other, and one of them twice.
    fn conflict(&mut self, place: usize) -> Option<News> {
        let speaker = self.0.get(place).filter(|speaker| speaker.speaks())?;
        let sound = |speaker: &Speaker| speaker.verdict.is_ok() || speaker.verdict == Err(Rejected::BadAuth);
        let (who, foreign) = (speaker.who, speaker.verdict == Err(Rejected::BadAuth));
        let (contested, is_sound) = (speaker.contested, sound(speaker));
        let (conflict, other) = self.0.iter().enumerate().find_map(|(at, other)| {
            let same = who.vhid.is_some() && (other.who.vhid, other.who.vlans) == (who.vhid, who.vlans);
            if at == place || !other.speaks() || !same {
                return None;
            }
            let conflict = if other.who.vrrp != who.vrrp {
                let carp_is_sound = if who.vrrp { sound(other) } else { is_sound };
                carp_is_sound.then_some(Conflict::Strangers)?
            } else {
                let both = is_sound
                    && sound(other)
                    && contested.min(other.contested) > 0
                    && contested.saturating_add(other.contested) > 2;
                let same = foreign == (other.verdict == Err(Rejected::BadAuth));
                let conflict = if same { Conflict::TwoMasters } else { Conflict::Strangers };
                (both && is_rival(&who, &other.who)).then_some(conflict)?
            };
            let told = |speaker: &Speaker| match conflict {
                Conflict::TwoMasters => speaker.two_masters,
                Conflict::Strangers => speaker.strangers,
            };
            (!(told(speaker) && told(other))).then_some((conflict, at))
        })?;
        for place in [place, other] {
            if let Some(speaker) = self.0.get_mut(place) {
                match conflict {
                    Conflict::TwoMasters => speaker.two_masters = true,
                    Conflict::Strangers => speaker.strangers = true,
                }
            }
        }
        Some(News::Conflict(conflict, other))
    }
}

/// Whether two speakers want the same: one id in one family of one protocol on one VLAN.
fn is_rival(one: &Who, other: &Who) -> bool {
    (one.vhid, one.vlans, one.family, one.vrrp) == (other.vhid, other.vlans, other.family, other.vrrp)
}

/// No host sends the same frame again within half its interval; the network does.
fn is_too_soon(speaker: &Speaker, silence: Duration) -> bool {
    match speaker.every {
        Every::Carp(interval) => silence < interval.period() / 2,
        Every::Vrrp(interval) => silence < interval / 2,
        Every::Unknown => false,
    }
}

#[cfg(test)]
mod tests;
