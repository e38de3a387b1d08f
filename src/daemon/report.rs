//! What the operator reads while the daemon runs: notices and refusals in sentences, repeats limited.
//!
//! Every sentence of the running daemon is here, whole, with named placeholders, so that it can be translated.
//! Codes in brackets are stable and not translated: the notice's id, and for transitions the reason, which hooks
//! see as `UCARP_REASON`. A repeated line is held back for its period and then comes with a count. The table of
//! limits grows with what we can say about our own virtual hosts, never with what a stranger sends.

mod by_hand;
mod checks;
mod devices;
mod explanation;
mod facts;
mod fitness;
mod managed;
mod notices;
mod notified;
mod processes;
mod reasons;
mod refusals;
mod reloading;
mod starting;
mod summary;
mod upgrading;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use super::addresses::Shifted;
use super::failure::words_of;
use super::outcome::Ended;
use crate::config::VirtualHostConfig;
use crate::i18n::{decimal, tr, trn};
use crate::ids;
use crate::log::{Facts, Level, Line, Log};
use crate::platform::{LinkState, Signal};
use crate::protocol::{
    Hook, HookEnd, Interval, MacAddr, Notice, Peer, Presence, Rejected, Snapshot, Time, Vhid,
};

pub(crate) use by_hand::Over;
pub(crate) use processes::{resting, unasked, unguarded};
pub(crate) use reloading::gathered;
pub(crate) use summary::{MOST_NAMED, summary};
pub(crate) use upgrading::{Unfit, misread, unfit, untrusted, unwilling};

use notices::{hint, is_harmless, kind, period, sentence};
use refusals::{Sender, refusal};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Writes to the log, and knows what it has said already.
pub(crate) struct Report {
    log: Log,
    /// By interface, then by virtual host and the code of the line.
    limits: HashMap<String, HashMap<(u8, &'static str), Limit>>,
    /// Whose role changes too often: of all that comes of it each kind of line once a minute.
    restless: HashSet<(String, Vhid)>,
}

/// Whom a line is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    /// What the operator calls it.
    pub(crate) name: Option<&'a str>,
    /// The interface.
    pub(crate) interface: &'a str,
    /// The virtual host.
    pub(crate) vhid: Vhid,
    /// The script of it that ended last.
    pub(crate) script: Option<&'a Ended>,
    /// Its up script.
    pub(crate) up: Option<&'a Path>,
    /// What became of its shared addresses, and which of them explain it.
    pub(crate) shared: (Presence, &'a [IpAddr]),
    /// What became of its managed addresses last.
    pub(crate) shifted: Option<&'a Shifted>,
}

impl<'a> About<'a> {
    /// A line for which its scripts and addresses do not matter.
    pub(crate) const fn new(interface: &'a str, vhid: Vhid) -> Self {
        Self {
            name: None,
            interface,
            vhid,
            script: None,
            up: None,
            shared: (Presence::None, &[]),
            shifted: None,
        }
    }

    /// As above, of a virtual host that may have a name.
    pub(crate) fn host(config: &'a VirtualHostConfig, interface: &'a str) -> Self {
        Self { name: config.name.as_deref(), ..Self::new(interface, config.vhid) }
    }

    /// A line about it begins with its name, if it has one.
    pub(crate) fn opening(&self) -> String {
        self.name.map_or_else(String::new, |name| format!("{name}: "))
    }
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    said: Time,
    held_back: u64,
}

impl Report {
    pub(crate) fn new(log: Log) -> Self {
        Self { log, limits: HashMap::new(), restless: HashSet::new() }
    }

    /// The log itself, for what is not a line.
    pub(crate) fn log(&mut self) -> &mut Log {
        &mut self.log
    }

    /// From now on lines are for whoever takes them from the log.
    pub(crate) fn keep_lines(&mut self) {
        self.log.keep_lines();
    }

    /// A line that is not limited.
    pub(crate) fn say(&mut self, level: Level, sentence: &str) {
        self.pass_on(Line::new(level, sentence));
    }

    /// A line of somebody else.
    pub(crate) fn pass_on(&mut self, line: Line) {
        self.log.write(line);
    }

    /// A line of the daemon's own, with its stable identifier.
    fn tell(&mut self, level: Level, sentence: &str, id: &str) {
        self.write(level, sentence, id, "", Facts::id(id));
    }

    /// The same, about an interface.
    pub(crate) fn tell_on(&mut self, interface: &str, level: Level, sentence: &str, id: &str) {
        self.write(level, sentence, id, "", Facts::id(id).on(interface));
    }

    /// The same, about a virtual host.
    pub(crate) fn tell_of(&mut self, about: About<'_>, level: Level, sentence: &str, id: &str) {
        self.write(level, &(about.opening() + sentence), id, "", about.facts(id));
    }

    fn write(&mut self, level: Level, sentence: &str, code: &str, repeats: &str, facts: Facts) {
        self.log.write(Line { facts, ..Line::new(level, format!("{sentence} [{code}]{repeats}")) });
    }

    /// A change of which the like was said a moment ago: who follows and who counts hears of each.
    fn hold_back(&mut self, level: Level, sentence: &str, code: &str, facts: Facts) {
        let line = Line::new(level, format!("{sentence} [{code}]"));
        self.log.write(Line { facts, held_back: true, ..line });
    }

    /// Something the core has to tell.
    pub(crate) fn notice(&mut self, about: About<'_>, notice: &Notice, now: Time) {
        let whose = || (about.interface.to_owned(), about.vhid);
        if *notice == Notice::Damped {
            self.restless.insert(whose());
        } else if let Notice::Calm { .. } = notice {
            self.restless.remove(&whose());
        }
        let (kind, period) = match period(notice) {
            period if period < MINUTE && self.is_restless(about) => (kind(notice), MINUTE),
            period => (notice.id(), period),
        };
        let held_back = self.passes(about, kind, period, now);
        if held_back.is_none() && !matches!(notice, Notice::Transition { .. } | Notice::TwoMasters { .. }) {
            return;
        }
        let (level, text) = sentence(about, notice);
        let level = if is_harmless(notice) { Level::Info } else { level };
        let text = about.opening() + &text;
        let code = if let Notice::Transition { reason, .. } = notice {
            format!("{} {}", notice.id(), reason.code())
        } else {
            notice.id().to_owned()
        };
        let Some(held_back) = held_back else {
            return self.hold_back(level, &text, &code, about.facts_of(notice));
        };
        self.write(level, &text, &code, &repeats(held_back), about.facts_of(notice));
        if let Some((level, hint)) = hint(notice) {
            self.write(level, &(about.opening() + &hint), &code, "", about.facts_of(notice));
        }
    }

    /// A frame that was refused, and why it probably came.
    pub(crate) fn refused(&mut self, about: About<'_>, rejected: Rejected, frame: &[u8], now: Time) {
        let Some(held_back) = self.passes(about, rejected.code(), MINUTE, now) else { return };
        let from = Sender::of(frame);
        let (level, text) = refusal(about, rejected, &from);
        let code = rejected.code();
        let facts = Facts { peer: from.address().map(|peer| peer.to_string()), ..about.facts(code) };
        self.write(level, &(about.opening() + &text), code, &repeats(held_back), facts);
    }

    /// A line about a virtual host without an identifier.
    pub(crate) fn say_of(&mut self, about: About<'_>, sentence: &str) {
        let facts = Facts { id: None, ..about.facts("") };
        self.log.write(Line { facts, ..Line::new(Level::Info, about.opening() + sentence) });
    }

    /// The answer to SIGUSR1: the ancestor's line, and one with the rest.
    pub(crate) fn status(&mut self, about: About<'_>, snapshot: &Snapshot, now: Time) {
        let state = tr!(
            "{state} on {interface} id {vhid}",
            state = snapshot.role.code(),
            interface = about.interface,
            vhid = about.vhid
        );
        self.say_of(about, &state);
        let counters = &snapshot.counters;
        let refused: Vec<_> = counters
            .rejections
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(rejected, count)| format!("{} {count}", rejected.code()))
            .collect();
        let followed = snapshot.followed.map_or_else(
            || "-".to_owned(),
            |peer| format!("{} ({})", describe(peer), seconds(now.since(peer.heard))),
        );
        let hook = snapshot.hook.map_or("-", |(hook, _)| hook.code());
        let last = match snapshot.last_hook {
            None => "-".to_owned(),
            Some((hook, HookEnd::Succeeded)) => hook.code().to_owned(),
            Some((hook, HookEnd::Failed | HookEnd::Killed | HookEnd::NotRun)) => {
                // TRANSLATORS: {hook} is up or down, the name of a script.
                tr!("{hook}, which failed", hook = hook.code())
            }
        };
        let owed = snapshot.owed_hook.map_or_else(
            || "-".to_owned(),
            |(hook, at)| match hook {
                Hook::Up => tr!(
                    "{hook} in {time}, the address may be missing on this host",
                    hook = hook.code(),
                    time = seconds(at.since(now))
                ),
                Hook::Down => tr!(
                    "{hook} in {time}, the address may still be on this host",
                    hook = hook.code(),
                    time = seconds(at.since(now))
                ),
            },
        );
        // TRANSLATORS: in answer to a signal; {reason} and what stands behind the colons are codes, numbers or a dash.
        let text = tr!(
            "for {lasted} [{reason}]; advbase {base} advskew {skew}; master followed: {followed}; sent {sent}, heard {heard}, lost {lost}, failed {failed}; hook running: {hook}, last: {last}, owed: {owed}; refused: {refused}",
            lasted = seconds(snapshot.lasted),
            reason = snapshot.reason.code(),
            base = snapshot.interval.base,
            skew = snapshot.interval.skew,
            followed,
            sent = counters.sent,
            heard = counters.heard,
            lost = counters.lost,
            failed = counters.send_failures,
            hook,
            last,
            owed,
            refused = if refused.is_empty() { "-".to_owned() } else { refused.join(", ") }
        );
        self.say_of(about, &text);
        if let Some(at) = snapshot.preempts_at {
            let text = tr!("preempts in {time}", time = seconds(at.since(now)));
            self.say_of(about, &text);
        }
        if let Some(peer) = snapshot.refused {
            let text = tr!(
                "{peer} advertises id {vhid} too, and does not authenticate",
                peer = describe(peer),
                vhid = about.vhid
            );
            self.tell_of(about, Level::Info, &text, Rejected::BadAuth.code());
        }
        if let Some((shift, at)) = snapshot.owed_shift {
            let (level, text) = managed::not_shifted(about, shift, Some(at.since(now)));
            self.tell_of(about, level, &text, ids::NOT_SHIFTED);
        }
        if snapshot.address_missing {
            let (interface, addresses) = (about.interface, list(about.shared.1));
            let (text, id) = match about.shared.0 {
                Presence::Taken => (
                    tr!("{interface} does not use {addresses}: in use by another host", interface, addresses),
                    ids::ADDRESS_TAKEN,
                ),
                Presence::All | Presence::Some | Presence::None | Presence::Pending => {
                    (tr!("{interface} lacks {addresses}", interface, addresses), ids::ADDRESS_LOST)
                }
            };
            self.tell_of(about, Level::Error, &text, id);
        }
    }

    /// A hook that could not be started.
    pub(crate) fn hook_unstartable(&mut self, hook: Hook, why: &str) {
        let text = tr!("Cannot run the {hook} script: {why}", hook = hook.code(), why);
        self.tell(Level::Error, &text, ids::HOOK_UNSTARTABLE);
    }

    /// A hook is started.
    pub(crate) fn hook_started(&mut self, hook: Hook, path: &str, about: About<'_>, now: Time) {
        let period = if self.is_restless(about) { MINUTE } else { Duration::ZERO };
        let Some(held_back) = self.passes(about, hook.code(), period, now) else { return };
        let text = tr!(
            "Spawning [{path} {interface}] ({hook} script, id {vhid})",
            path,
            interface = about.interface,
            hook = hook.code(),
            vhid = about.vhid
        );
        self.tell_of(about, Level::Warning, &(text + &repeats(held_back)), ids::HOOK_STARTED);
    }

    /// The last line of all. `by`: the signal that asked for the end.
    pub(crate) fn ended(&mut self, is_orderly: bool, by: Option<Signal>) {
        let (level, text) = match (is_orderly, by) {
            (false, _) => (Level::Error, tr!("Ended by an internal error").into_owned()),
            (true, Some(signal)) => (Level::Info, tr!("Ended by {signal}", signal = signal.name())),
            (true, None) => (Level::Info, tr!("Ended").into_owned()),
        };
        self.tell(level, &text, ids::ENDED);
    }

    /// The interface is missing, or not yet as it has to be.
    pub(crate) fn waiting(&mut self, interface: &str, why: &(dyn std::error::Error + 'static)) {
        let text = tr!("Waiting for {interface}: {why}", interface, why = words_of(why));
        self.tell_on(interface, Level::Warning, &text, ids::INTERFACE_AWAITED);
    }

    /// That the interface has no link, if it has none: on some systems it can be taken up all the same.
    pub(crate) fn link_at_start(&mut self, interface: &str, state: LinkState) {
        let why = match state {
            LinkState::Up | LinkState::Gone => return,
            LinkState::Down => tr!("it has no link"),
            LinkState::Disabled => tr!("it is set down"),
        };
        let text = tr!("Waiting for {interface}: {why}", interface, why);
        self.tell_on(interface, Level::Warning, &text, ids::INTERFACE_AWAITED);
    }

    /// The interface lives on under another name.
    pub(crate) fn interface_renamed(&mut self, interface: &str, new: &str) {
        let text = tr!(
            "Interface {interface} was renamed to {new}: waiting for one that is called {interface}",
            interface,
            new
        );
        self.tell_on(interface, Level::Warning, &text, ids::INTERFACE_RENAMED);
    }

    /// Advertisements come from another address than before.
    pub(crate) fn source_changed(&mut self, interface: &str, old: IpAddr, new: IpAddr, wanted: bool) {
        let (level, text) = if wanted {
            (
                Level::Info,
                tr!("Interface {interface} has the address {new} again: sending from it", interface, new),
            )
        } else {
            (
                Level::Warning,
                tr!(
                    "Interface {interface} lost the address {old}: sending from {new} now",
                    interface,
                    old,
                    new
                ),
            )
        };
        self.tell_on(interface, level, &text, ids::SOURCE_CHANGED);
    }

    /// The interface has another hardware address.
    pub(crate) fn hardware_address_changed(&mut self, interface: &str, mac: MacAddr) {
        let text = tr!("The hardware address of {interface} is {mac} now", interface, mac);
        self.tell_on(interface, Level::Warning, &text, ids::HARDWARE_ADDRESS_CHANGED);
    }

    /// The interface is back after it had been removed.
    pub(crate) fn interface_back(&mut self, interface: &str) {
        let text = tr!("Interface {interface} exists again: taking it up", interface);
        self.tell_on(interface, Level::Warning, &text, ids::INTERFACE_BACK);
    }

    /// As [`Report::passes`], once a minute, for what is about no virtual host.
    fn passes_for_all(&mut self, code: &'static str, now: Time) -> Option<u64> {
        self.passes(About::new("", Vhid::MIN), code, MINUTE, now)
    }

    fn is_restless(&self, about: About<'_>) -> bool {
        self.restless.iter().any(|(interface, vhid)| interface == about.interface && *vhid == about.vhid)
    }

    /// How many lines were held back since this was last said; `None`: hold this one back too.
    fn passes(&mut self, about: About<'_>, code: &'static str, period: Duration, now: Time) -> Option<u64> {
        if period.is_zero() {
            return Some(0);
        }
        let subject = (about.vhid.get(), code);
        // In two steps, so that what a stranger sends in great numbers costs no copy of the name.
        let known = self.limits.get_mut(about.interface).and_then(|limits| limits.get_mut(&subject));
        let Some(limit) = known else {
            let limits = self.limits.entry(about.interface.to_owned()).or_default();
            limits.insert(subject, Limit { said: now, held_back: 0 });
            return Some(0);
        };
        if now.since(limit.said) < period {
            limit.held_back = limit.held_back.saturating_add(1);
            return None;
        }
        limit.said = now;
        Some(std::mem::take(&mut limit.held_back))
    }
}

/// The line about lines that never got through.
pub(crate) fn lost(count: u64) -> String {
    trn!(count; "{count} log line was lost", "{count} log lines were lost")
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn describe(peer: Peer) -> String {
    format!("{} ({}, {})", peer.source, peer.mac, interval(peer.interval))
}

/// An interval of CARP.
pub(crate) fn interval(Interval { base, skew }: Interval) -> String {
    // TRANSLATORS: so many seconds, and so many parts of 256 of one second more. Only the unit is yours.
    tr!("{base}+{skew}/256 s", base, skew)
}

fn seconds(duration: Duration) -> String {
    tr!("{seconds} s", seconds = decimal(duration, 3))
}

fn repeats(held_back: u64) -> String {
    match held_back {
        0 => String::new(),
        count => trn!(count; " (and {count} more like it)", " (and {count} more like them)"),
    }
}
