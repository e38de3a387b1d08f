//! A backup tells its master that it follows, and a master hears it: nothing of this changes a role.

use std::net::IpAddr;

use super::super::auth::tail::Said;
use super::super::{Action, Advertisement, Agreement, Family, Peer, PeerKind, Role, Time};
use super::VirtualHost;
use super::reception::is_of_one_host;
use super::transmit::Audience;

impl VirtualHost {
    /// Takes in what was said to us behind an advertisement.
    pub(super) fn hear_standby(
        &mut self,
        ad: &Advertisement,
        said: &Said,
        peer: &Peer,
        now: Time,
    ) -> Vec<Action> {
        let mut out = Vec::new();
        self.counters.heard = self.counters.heard.saturating_add(1);
        self.forms.note_speaker(ad.source(), ad.form(), now);
        if !self.election.speaks() || !ad.gives_way() {
            return out;
        }
        self.election.meet(ad, now);
        let ours = self.forms.shorts();
        let agrees = match (said.forms.first(), ours.first()) {
            (Some(his), Some(mine)) if his == mine => Agreement::Yes,
            (Some(_), Some(_)) if said.list != self.forms.short_of_list(ad.form()) => Agreement::List,
            (Some(_), Some(_)) => Agreement::Password,
            (None, _) | (_, None) => Agreement::Unknown,
        };
        let accepts = ours.first().is_some_and(|configured| said.forms.contains(configured));
        let (answers, notices) = self.standbys.hear(ad.source(), said, agrees, accepts, now);
        if answers && is_of_one_host(ad.mac()) {
            self.tell_one(peer, true, now, &mut out);
        }
        out.extend(notices.into_iter().map(Action::Tell));
        self.settle_if_all_accept(now, &mut out);
        out
    }

    fn settle_if_all_accept(&mut self, now: Time, out: &mut Vec<Action>) {
        // Kernels never say that they follow: among them only what they send tells.
        if self.election.speaks() && self.standbys.all_accept() && !self.company.met_others() {
            // Who was cut off from all hears them again one by one.
            let since = self.election.since().max(self.standbys.latest());
            let notice = self.forms.agreed(since, self.parameters.settle, now);
            self.form_changed(notice, out);
        }
    }

    /// What there is to say, and to whom, may have changed.
    pub(super) fn follow_up(&mut self, now: Time) {
        let backup = self.election.role() == Role::Backup;
        let master = self.election.followed().filter(|peer| backup && peer.kind == PeerKind::Ours);
        let master = master.filter(|peer| is_of_one_host(peer.mac));
        let master = self.election.follows().zip(master);
        let state = (
            self.election.interval(),
            self.election.demotion(),
            self.election.is_ready(),
            self.forms.version(),
        );
        self.following.update(master, state, now);
        if self.election.role() != Role::Master {
            self.standbys.clear();
        }
    }

    /// Whether a standby would take over from this master if it fell silent.
    #[must_use]
    pub fn has_ready_standby(&self) -> bool {
        self.standbys.has_ready()
    }

    /// Says it when it is time.
    pub(super) fn speak_to_master(&mut self, now: Time, out: &mut Vec<Action>) {
        if self.following.due(now) {
            if let Some(peer) = self.election.followed() {
                self.tell_one(&peer, false, now, out);
            }
        }
        let lost = self.standbys.expire(now);
        if !lost.is_empty() {
            out.extend(lost.into_iter().map(Action::Tell));
            self.settle_if_all_accept(now, out);
        }
    }

    fn tell_one(&mut self, peer: &Peer, answer: bool, now: Time, out: &mut Vec<Action>) {
        let said = Said {
            ready: self.election.is_ready(),
            maintenance: false,
            answer,
            interval: self.election.interval(),
            demotion: self.election.demotion(),
            list: self.forms.short_of_list(self.forms.serial()),
            forms: self.forms.shorts(),
        };
        if self.last_said.as_ref() != Some(&said) {
            self.said = self.said.wrapping_add(1);
            self.last_said = Some(said.clone());
        }
        let audience = Audience::One { peer, gives_way: !answer, says: Some(&said) };
        self.transmit_to(audience, self.election.interval(), now, out);
    }

    /// Where we may be told something: what an advertisement was sent to is bound to it.
    pub(super) fn own_addresses(&self, family: Family) -> impl Iterator<Item = IpAddr> + '_ {
        let sources = self.parameters.sources;
        let own = [sources.v4.map(IpAddr::V4), sources.v6.map(IpAddr::V6)];
        let all = own.into_iter().flatten().chain(self.parameters.addresses.iter().copied());
        all.filter(move |address| Family::of(*address) == family)
    }
}
