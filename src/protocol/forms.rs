//! What is under the HMAC, and how hosts that are told of a change one after the other go on understanding each other.
//!
//! A *form* is a key, an address list and what the peers' kind makes of them. When the configured form changes, the former
//! is still *sent* until everybody who would take over accepts the new one, as far as that is known: until a speaker uses it,
//! the operator says so, or a time to settle is over. Both are *accepted* for twice that time and a dead time, since the
//! last host may be told of the change when the time of the first is over, and then sends the former as long.
//!
//! Each form that is accepted costs an HMAC of each frame that fits none, so there are few.

use std::net::IpAddr;
use std::time::Duration;

use super::auth::tail::Short;
use super::wire::Decoded;
use super::{
    Advertisement, Authenticator, Dialect, Family, Key, Notice, Parameters, Rejected, Settled, Time, Vhid,
};

/// More would make a flood of strange frames too dear.
const MOST: usize = 4;
/// Whose form is remembered.
const SPEAKERS: usize = 16;
/// A standby that is there has spoken in this time, thrice.
const LISTENED: Duration = Duration::from_secs(30);
/// Who used a form for the last time so long ago uses it no more.
const RECENTLY: Duration = Duration::from_secs(60);

/// What is under the HMAC. Two are equal if nobody can tell what was sent in one from what was sent in the other.
#[derive(Clone, Debug)]
pub struct Form {
    key: Key,
    /// Ascending, each once.
    addresses: Vec<IpAddr>,
    dialect: Dialect,
}

impl Form {
    /// That of a key and a list, as sent to this kind of peers.
    #[must_use]
    pub fn new(key: Key, addresses: &[IpAddr], dialect: Dialect) -> Self {
        let mut addresses = addresses.to_vec();
        addresses.sort_unstable();
        addresses.dedup();
        Self { key, addresses, dialect }
    }

    /// The shared secret.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// The addresses shared.
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// What kind of peer it is made for.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What of the dialect can be seen: link-local addresses are left out, and the checksum is another one.
    fn manners(&self) -> (bool, bool) {
        let v6 = |link_local_only: bool| {
            self.addresses.iter().any(|address| match address {
                IpAddr::V4(_) => false,
                IpAddr::V6(v6) => !link_local_only || v6.is_unicast_link_local(),
            })
        };
        (self.dialect.omits_link_local() && v6(true), self.dialect.sums_pseudo_header() && v6(false))
    }

    fn authenticator(&self, vhid: Vhid) -> Authenticator {
        Authenticator::new(&self.key, vhid, &self.addresses).speaking(self.dialect)
    }
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.addresses == other.addresses && self.manners() == other.manners()
    }
}

impl Eq for Form {}

/// A form that is in use beside the configured one, or that one beside others: what a restart must not forget.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Former {
    /// Which.
    pub form: Form,
    /// Until when it is accepted.
    pub accepted: Time,
    /// Until when it is sent, if it is.
    pub sent: Option<Time>,
}

/// A form that is accepted, for people and programs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InUse {
    /// Which line of the passfile, from 0, if it is one of the configured ones.
    pub line: Option<usize>,
    /// It is the one that is sent.
    pub sent: bool,
    /// Until when it is accepted; the configured ones always are.
    pub until: Option<Time>,
    /// Who spoke in it last, and when.
    pub speakers: Vec<(IpAddr, Time)>,
}

struct Accepted {
    form: Form,
    authenticator: Authenticator,
    /// Another number for each there ever was.
    serial: u32,
    /// Until when it is accepted; nothing: it is configured.
    until: Option<Time>,
}

/// The forms of a virtual host.
pub(super) struct Forms {
    vhid: Vhid,
    /// Those that are configured first, in their order: the first of them is to be sent.
    accepted: Vec<Accepted>,
    /// By its number.
    sent: u32,
    next: u32,
    /// Until when another than the first is sent.
    settles: Option<Time>,
    /// Since when.
    pending: Time,
    /// Another number whenever something else is accepted or configured.
    version: u32,
    speakers: Vec<(IpAddr, u32, Time)>,
}

impl std::fmt::Debug for Forms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let accepted: Vec<_> = self.accepted.iter().map(|one| (&one.form, one.serial, one.until)).collect();
        f.debug_struct("Forms")
            .field("accepted", &accepted)
            .field("sent", &self.sent)
            .field("settles", &self.settles)
            .field("speakers", &self.speakers)
            .finish_non_exhaustive()
    }
}

/// The forms that are configured, the one to be sent first.
fn configured(parameters: &Parameters) -> Vec<Form> {
    let Parameters { key, also_accepted, addresses, dialect, .. } = parameters;
    let mut forms: Vec<Form> = Vec::new();
    for key in std::iter::once(key).chain(also_accepted) {
        let form = Form::new(key.clone(), addresses, *dialect);
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms.truncate(MOST);
    forms
}

impl Forms {
    pub(super) fn new(parameters: &Parameters) -> Self {
        let mut forms = Self {
            vhid: parameters.vhid,
            accepted: Vec::new(),
            sent: 0,
            next: 0,
            settles: None,
            pending: Time::ZERO,
            version: 0,
            speakers: Vec::new(),
        };
        configured(parameters).into_iter().for_each(|form| forms.add(form, None));
        forms
    }

    fn add(&mut self, form: Form, until: Option<Time>) {
        let authenticator = form.authenticator(self.vhid);
        // Most hosts have one, and it is most of what a host takes.
        self.accepted.reserve_exact(1);
        self.accepted.push(Accepted { form, authenticator, serial: self.next, until });
        self.next = self.next.wrapping_add(1);
    }

    /// Goes on with what an earlier life had not settled.
    pub(super) fn recall(&mut self, former: Vec<Former>, now: Time) {
        for Former { form, accepted, sent } in former {
            let known = self.accepted.iter().any(|one| one.form == form);
            if known || accepted <= now || self.accepted.len() >= MOST {
                continue;
            }
            if let Some(until) = sent.filter(|until| *until > now) {
                self.pending = now;
                (self.sent, self.settles) = (self.next, Some(until.min(accepted)));
            }
            self.add(form, Some(accepted));
        }
    }

    /// What a restart must not forget; nothing while only what is configured is in use.
    pub(super) fn former(&self) -> Vec<Former> {
        let Some(last) = self.accepted.iter().filter_map(|one| one.until).max() else { return Vec::new() };
        // Whoever goes back over a restart must go on understanding what is configured now.
        let former = self.accepted.iter().map(|one| Former {
            form: one.form.clone(),
            accepted: one.until.unwrap_or(last),
            sent: self.settles.filter(|_| one.serial == self.sent),
        });
        former.collect()
    }

    /// Whether these could be taken up beside what is in use.
    pub(super) fn would_accept(&self, parameters: &Parameters) -> bool {
        let wanted = configured(parameters);
        let kept = self.accepted.iter().filter(|one| !wanted.contains(&one.form)).count();
        // Two lines of one file may be the same.
        wanted.len() + kept <= MOST && parameters.also_accepted.len() < MOST
    }

    /// Others are configured from now on. Whether that begins or ends a time in which another is sent.
    pub(super) fn reconfigure(
        &mut self,
        parameters: &Parameters,
        dead_after: Duration,
        now: Time,
    ) -> Option<Notice> {
        let wanted = configured(parameters);
        let before = self.first().serial;
        self.version = self.version.wrapping_add(1);
        let settle = parameters.settle;
        let until = now + settle * 2 + dead_after;
        for one in &mut self.accepted {
            if one.until.is_none() && !wanted.contains(&one.form) {
                one.until = Some(until);
            }
        }
        for form in wanted.iter().rev() {
            match self.accepted.iter().position(|one| one.form == *form) {
                Some(at) => self.accepted[..=at].rotate_right(1),
                None => {
                    self.add(form.clone(), None);
                    self.accepted.rotate_right(1);
                }
            }
            self.accepted[0].until = None;
        }
        while self.accepted.len() > MOST {
            let sent = self.sent;
            let oldest = self.accepted.iter().enumerate().filter(|(_, one)| one.serial != sent);
            let Some((at, _)) = oldest.filter_map(|(at, one)| Some((at, one.until?))).min_by_key(|one| one.1)
            else {
                break;
            };
            self.accepted.remove(at);
        }
        if self.first().serial == self.sent {
            return self.settles.take().map(|_| Notice::FormKept);
        }
        if self.first().serial == before {
            return None;
        }
        (self.settles, self.pending) = (Some(now + settle), now);
        let sent = self.sent;
        if let Some(one) = self.accepted.iter_mut().find(|one| one.serial == sent && one.until.is_some()) {
            one.until = Some(until);
        }
        Some(Notice::FormPending { lasts: settle })
    }

    /// That which is configured to be sent.
    fn first(&self) -> &Accepted {
        self.accepted.first().expect("a form is configured")
    }

    fn current(&self) -> &Accepted {
        self.accepted.iter().find(|one| one.serial == self.sent).unwrap_or_else(|| self.first())
    }

    /// The form that is sent.
    pub(super) fn sent(&self) -> &Form {
        &self.current().form
    }

    /// Its number: another for another.
    pub(super) const fn serial(&self) -> u32 {
        self.sent
    }

    pub(super) fn authenticator(&self) -> &Authenticator {
        &self.current().authenticator
    }

    /// The addresses of all forms in use.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let mut addresses: Vec<_> =
            self.accepted.iter().flat_map(|one| one.form.addresses.iter().copied()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// Whether what is sent, or is to be, is of both families.
    pub(super) fn dual_stack(&self) -> bool {
        let both = |form: &Form| {
            [Family::V4, Family::V6]
                .iter()
                .all(|family| form.addresses.iter().any(|a| Family::of(*a) == *family))
        };
        both(self.sent()) || both(&self.first().form)
    }

    /// [`Authenticator::verify`] by each form in turn, the one that is sent first.
    pub(super) fn verify(&self, decoded: &Decoded) -> Result<Advertisement, Rejected> {
        let current = self.current();
        let verdict = current.authenticator.verify(decoded);
        if let Ok(ad) = verdict {
            return Ok(ad.in_form(current.serial));
        }
        let others = self.accepted.iter().filter(|one| one.serial != current.serial);
        let found =
            others.filter_map(|one| Some(one.authenticator.verify(decoded).ok()?.in_form(one.serial)));
        found.take(1).next().ok_or(Rejected::BadAuth)
    }

    /// [`Authenticator::is_unaltered`] by the form in which it was verified.
    pub(super) fn is_unaltered(&self, ad: &Advertisement) -> bool {
        let form = self.accepted.iter().find(|one| one.serial == ad.form());
        form.is_some_and(|one| one.authenticator.is_unaltered(ad))
    }

    /// Notes who speaks in which form. What others use we use too, if it is what is configured.
    pub(super) fn heard(&mut self, ad: &Advertisement, now: Time) -> Option<Notice> {
        self.note_speaker(ad.source(), ad.form(), now);
        (self.settles.is_some() && ad.form() == self.first().serial)
            .then(|| self.settled(Settled::Heard(ad.source())))
    }

    pub(super) fn note_speaker(&mut self, source: IpAddr, form: u32, now: Time) {
        let known = self.speakers.iter().position(|(known, ..)| *known == source);
        if known.is_none() && self.speakers.len() < SPEAKERS {
            self.speakers.push((source, form, now));
            return;
        }
        let silent =
            || self.speakers.iter().enumerate().min_by_key(|(_, (.., heard))| *heard).map(|(at, _)| at);
        if let Some(speaker) = known.or_else(silent).and_then(|at| self.speakers.get_mut(at)) {
            *speaker = (source, form, now);
        }
    }

    /// The operator says that every host has been told.
    pub(super) fn confirm(&mut self) -> Option<Notice> {
        self.settles.is_some().then(|| self.settled(Settled::Confirmed))
    }

    /// All standbys accept what is configured, as far as that is known. Whoever may be missing has had the time to show itself
    /// when `since` is long enough ago.
    pub(super) fn agreed(&mut self, since: Time, settle: Duration, now: Time) -> Option<Notice> {
        let heard_all = now.since(self.pending.max(since)) >= LISTENED.min(settle / 2);
        (self.settles.is_some() && heard_all).then(|| self.settled(Settled::Standbys))
    }

    pub(super) const fn version(&self) -> u32 {
        self.version
    }

    /// All that is accepted, what is configured first.
    pub(super) fn shorts(&self) -> Vec<Short> {
        self.accepted.iter().map(|one| one.authenticator.short_of_form(&one.form.addresses)).collect()
    }

    /// The configured list, as those see it who use this form.
    pub(super) fn short_of_list(&self, form: u32) -> Short {
        let user = self.accepted.iter().find(|one| one.serial == form).unwrap_or_else(|| self.first());
        user.authenticator.short_of_list(&self.first().form.addresses)
    }

    /// The authenticator of the form in which it was verified.
    pub(super) fn of(&self, ad: &Advertisement) -> &Authenticator {
        let form = self.accepted.iter().find(|one| one.serial == ad.form());
        &form.unwrap_or_else(|| self.first()).authenticator
    }

    fn settled(&mut self, why: Settled) -> Notice {
        self.settles = None;
        self.sent = self.first().serial;
        Notice::FormSent { why }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.accepted.iter().filter_map(|one| one.until).chain(self.settles).min()
    }

    /// Ends what is over.
    pub(super) fn expire(&mut self, now: Time) -> Vec<Notice> {
        let mut notices = Vec::new();
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return notices;
        }
        if self.settles.is_some_and(|settles| settles <= now) {
            notices.push(self.settled(Settled::InTime));
        }
        let over = |one: &Accepted| one.until.is_some_and(|until| until <= now);
        let gone: Vec<u32> = self.accepted.iter().filter(|one| over(one)).map(|one| one.serial).collect();
        if gone.is_empty() {
            return notices;
        }
        self.version = self.version.wrapping_add(1);
        self.accepted.retain(|one| !gone.contains(&one.serial));
        if self.accepted.iter().all(|one| one.until.is_none()) {
            notices.push(Notice::FormsForgotten);
        }
        let still =
            |(_, form, heard): &&(IpAddr, u32, Time)| gone.contains(form) && now.since(*heard) < RECENTLY;
        notices.extend(
            self.speakers.iter().filter(still).map(|(peer, ..)| Notice::FormStillUsed { peer: *peer }),
        );
        self.speakers.retain(|(_, form, _)| !gone.contains(form));
        notices
    }

    /// Nothing while there is one form.
    pub(super) fn in_use(&self) -> Vec<InUse> {
        if self.accepted.len() < 2 {
            return Vec::new();
        }
        let in_use = self.accepted.iter().enumerate().map(|(line, one)| InUse {
            line: one.until.is_none().then_some(line),
            sent: one.serial == self.sent,
            until: one.until,
            speakers: self
                .speakers
                .iter()
                .filter(|(_, form, _)| *form == one.serial)
                .map(|(source, _, heard)| (*source, *heard))
                .collect(),
        });
        in_use.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire;
    use super::super::{Announcing, Destination, Hooks, Interval, MacAddr, Replay, Sources};
    use super::*;

    const DEAD: Duration = Duration::from_secs(3);

    fn s(seconds: u64) -> Time {
        Time::new(Duration::from_secs(seconds))
    }

    fn key(password: &str) -> Key {
        Key::from_password(password.as_bytes()).unwrap()
    }

    /// These passwords, of which the first is sent, and 10.0.0.x.
    fn parameters(passwords: &[&str], addresses: &[u8]) -> Parameters {
        let mut keys = passwords.iter().map(|password| key(password));
        Parameters {
            vhid: wire_vhid(),
            addresses: addresses.iter().map(|last| IpAddr::from([10, 0, 0, *last])).collect(),
            key: keys.next().unwrap(),
            also_accepted: keys.collect(),
            settle: Duration::from_secs(60),
            interval: Interval::new(1, 0),
            dead_ratio: 3,
            preempt: false,
            start_hold: Duration::ZERO,
            preempt_delay: Duration::ZERO,
            neutral: false,
            sources: Sources::default(),
            mac: MacAddr([2; 6]),
            destination: Destination::default(),
            hooks: Hooks::default(),
            announcing: Announcing::default(),
            dialect: Dialect::Any,
            replay: Replay::Warn,
            only_ours: false,
        }
    }

    fn wire_vhid() -> Vhid {
        Vhid::new(7).unwrap()
    }

    /// What somebody with this password and these addresses sends.
    fn sent(password: &str, addresses: &[u8]) -> Decoded {
        let mut decoded = wire::sample();
        let addresses: Vec<_> = addresses.iter().map(|last| IpAddr::from([10, 0, 0, *last])).collect();
        decoded.header.code = Authenticator::new(&key(password), wire_vhid(), &addresses).code(1);
        decoded
    }

    fn sends(forms: &Forms, password: &str, addresses: &[u8]) -> bool {
        forms.authenticator().verify(&sent(password, addresses)).is_ok()
    }

    fn accepts(forms: &Forms, password: &str, addresses: &[u8]) -> bool {
        forms.verify(&sent(password, addresses)).is_ok()
    }

    #[test]
    fn the_former_is_sent_until_the_time_is_over_and_accepted_for_longer() {
        let mut forms = Forms::new(&parameters(&["a"], &[9]));
        let pending = forms.reconfigure(&parameters(&["a"], &[9, 10]), DEAD, s(10));
        assert_eq!(pending, Some(Notice::FormPending { lasts: Duration::from_secs(60) }));
        for at in [10, 69] {
            assert_eq!(forms.expire(s(at)), []);
            assert!(sends(&forms, "a", &[9]) && accepts(&forms, "a", &[9]) && accepts(&forms, "a", &[9, 10]));
        }
        assert_eq!(forms.deadline(), Some(s(70)));
        assert_eq!(forms.expire(s(70)), [Notice::FormSent { why: Settled::InTime }]);
        assert!(sends(&forms, "a", &[9, 10]));
        assert_eq!(forms.expire(s(132)), []);
        assert!(accepts(&forms, "a", &[9]));
        assert_eq!(forms.deadline(), Some(s(133)));
        assert_eq!(forms.expire(s(133)), [Notice::FormsForgotten]);
        assert!(!accepts(&forms, "a", &[9]) && forms.deadline().is_none() && forms.former().is_empty());
    }

    #[test]
    fn what_others_use_is_used_and_who_stays_behind_is_told_of() {
        let mut forms = Forms::new(&parameters(&["a"], &[9]));
        forms.reconfigure(&parameters(&["b"], &[9]), DEAD, s(0));
        let old = forms.verify(&sent("a", &[9])).unwrap();
        assert_eq!(forms.heard(&old, s(5)), None);
        let new = forms.verify(&sent("b", &[9])).unwrap();
        let peer = new.source();
        assert_eq!(forms.heard(&new, s(6)), Some(Notice::FormSent { why: Settled::Heard(peer) }));
        assert!(sends(&forms, "b", &[9]));
        assert_eq!(forms.heard(&new, s(7)), None);
        forms.heard(&old, s(120));
        assert_eq!(forms.in_use()[1].speakers, [(peer, s(120))]);
        assert_eq!(forms.expire(s(123)), [Notice::FormsForgotten, Notice::FormStillUsed { peer }]);
        assert!(forms.in_use().is_empty());
    }

    #[test]
    fn the_way_back_cancels_or_is_another_change() {
        let mut forms = Forms::new(&parameters(&["a"], &[9]));
        forms.reconfigure(&parameters(&["b"], &[9]), DEAD, s(0));
        assert_eq!(forms.reconfigure(&parameters(&["a"], &[9]), DEAD, s(9)), Some(Notice::FormKept));
        assert!(sends(&forms, "a", &[9]) && accepts(&forms, "b", &[9]), "others may have been told");
        forms.expire(s(9 + 123));
        assert!(!accepts(&forms, "b", &[9]));
        forms.reconfigure(&parameters(&["b"], &[9]), DEAD, s(200));
        assert_eq!(forms.confirm(), Some(Notice::FormSent { why: Settled::Confirmed }));
        assert_eq!(forms.confirm(), None);
        let back = forms.reconfigure(&parameters(&["a"], &[9]), DEAD, s(210));
        assert!(matches!(back, Some(Notice::FormPending { .. })) && sends(&forms, "b", &[9]));
        forms.expire(s(270));
        assert!(sends(&forms, "a", &[9]));
    }

    #[test]
    fn further_lines_are_accepted_and_never_sent() {
        let mut forms = Forms::new(&parameters(&["a", "b"], &[9]));
        assert!(sends(&forms, "a", &[9]) && accepts(&forms, "b", &[9]) && !accepts(&forms, "b", &[10]));
        assert_eq!(forms.reconfigure(&parameters(&["a", "b", "c"], &[9]), DEAD, s(0)), None);
        assert!(accepts(&forms, "c", &[9]));
        // The order is what is sent first.
        assert!(forms.reconfigure(&parameters(&["b", "a"], &[9]), DEAD, s(1)).is_some());
        assert!(sends(&forms, "a", &[9]) && accepts(&forms, "c", &[9]));
        let lines: Vec<_> = forms.in_use().iter().map(|one| (one.line, one.sent)).collect();
        assert_eq!(lines, [(Some(0), false), (Some(1), true), (None, false)]);
        forms.expire(s(61));
        forms.expire(s(200));
        assert!(sends(&forms, "b", &[9]) && accepts(&forms, "a", &[9]) && !accepts(&forms, "c", &[9]));
    }

    #[test]
    fn there_are_four_at_most() {
        let mut forms = Forms::new(&parameters(&["a"], &[9]));
        for (at, password) in [(0, "b"), (1, "c"), (2, "d")] {
            assert!(forms.would_accept(&parameters(&[password], &[9])));
            forms.reconfigure(&parameters(&[password], &[9]), DEAD, s(at));
        }
        assert!(
            !forms.would_accept(&parameters(&["e"], &[9])) && forms.would_accept(&parameters(&["b"], &[9]))
        );
        // Whoever does not ask loses the oldest, and never what is sent.
        forms.reconfigure(&parameters(&["e"], &[9]), DEAD, s(3));
        assert!(sends(&forms, "a", &[9]) && !accepts(&forms, "b", &[9]) && forms.accepted.len() == 4);
        assert!(!forms.would_accept(&parameters(&["a", "b", "c", "d", "e"], &[9])));
    }

    #[test]
    fn an_unsettled_change_outlives_a_restart() {
        let mut forms = Forms::new(&parameters(&["a"], &[9]));
        forms.reconfigure(&parameters(&["b"], &[9]), DEAD, s(0));
        for configured in ["a", "b"] {
            let mut next = Forms::new(&parameters(&[configured], &[9]));
            next.recall(forms.former(), s(30));
            assert!(sends(&next, "a", &[9]) && accepts(&next, "b", &[9]), "{configured}");
            if configured == "b" {
                assert_eq!(next.former(), forms.former());
                assert_eq!(next.expire(s(60)), [Notice::FormSent { why: Settled::InTime }]);
            }
            next.expire(s(123));
            assert!(sends(&next, configured, &[9]) && next.in_use().is_empty());
        }
        let mut late = Forms::new(&parameters(&["b"], &[9]));
        late.recall(forms.former(), s(123));
        assert!(sends(&late, "b", &[9]) && late.in_use().is_empty());
    }

    #[test]
    fn what_nobody_can_tell_apart_is_one_form() {
        let form = |dialect, addresses: &[&str]| {
            let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
            Form::new(key("a"), &addresses, dialect)
        };
        let v4 = form(Dialect::Any, &["10.0.0.9", "10.0.0.10"]);
        for dialect in Dialect::ALL {
            assert_eq!(form(dialect, &["10.0.0.10", "10.0.0.9", "10.0.0.9"]), v4);
        }
        let v6 = ["fd00::9"];
        assert_ne!(form(Dialect::NetBsd, &v6), form(Dialect::Any, &v6));
        assert_eq!(form(Dialect::OpenBsd, &v6), form(Dialect::Any, &v6));
        assert_ne!(form(Dialect::OpenBsd, &["fe80::9"]), form(Dialect::Any, &["fe80::9"]));
    }
}
