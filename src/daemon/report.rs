//! What the operator reads while the daemon runs: notices and refusals in sentences, repeats limited.
//!
//! Every sentence of the running daemon is here, whole, with named placeholders, so that it can be translated.
//! Codes in brackets are stable and not translated: the notice's id, and for transitions the reason, which hooks
//! see as `UCARP_REASON`. A repeated line is held back for its period and then comes with a count. The table of
//! limits grows with what we can say about our own virtual hosts, never with what a stranger sends.

mod explanation;

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::i18n::{fill, tr};
use crate::log::{Level, Log};
use crate::protocol::wire::{self, Decoded};
use crate::protocol::{Demotion, Hook, MacAddr, Notice, Peer, PeerKind, Reason, Rejected, Snapshot, Time};
use crate::protocol::{Transmission, Vhid};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Writes to the log, and knows what it has said already.
pub(crate) struct Report {
    log: Log,
    /// By interface, then by virtual host and the code of the line.
    limits: HashMap<String, HashMap<(u8, &'static str), Limit>>,
}

/// Whom a line is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    /// The interface.
    pub(crate) interface: &'a str,
    /// The virtual host.
    pub(crate) vhid: Vhid,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    said: Time,
    held_back: u64,
}

impl Report {
    pub(crate) fn new(log: Log) -> Self {
        Self { log, limits: HashMap::new() }
    }

    /// A line that is not limited.
    pub(crate) fn say(&mut self, level: Level, sentence: &str) {
        self.log.write(level, sentence);
    }

    /// A line of the daemon's own, with its stable identifier.
    fn tell(&mut self, level: Level, sentence: &str, id: &str) {
        self.log.write(level, &format!("{sentence} [{id}]"));
    }

    /// Something the core has to tell.
    pub(crate) fn notice(&mut self, about: About<'_>, notice: &Notice, now: Time) {
        let Some(held_back) = self.passes(about, notice.id(), period(notice), now) else { return };
        let (level, text) = sentence(about, notice);
        let code = if let Notice::Transition { reason, .. } = notice {
            format!("{} {}", notice.id(), reason.code())
        } else {
            notice.id().to_owned()
        };
        self.log.write(level, &format!("{text} [{code}]{}", repeats(held_back)));
        if let Some(hint) = hint(notice) {
            self.log.write(Level::Warning, &format!("{hint} [{code}]"));
        }
    }

    /// A frame that was refused, and why it probably came.
    pub(crate) fn refused(&mut self, about: About<'_>, rejected: Rejected, frame: &[u8], now: Time) {
        let Some(held_back) = self.passes(about, rejected.code(), MINUTE, now) else { return };
        let from = Sender::of(frame);
        let (level, template) = refusal(rejected);
        let text = fill(
            &template,
            &[
                ("source", &from.source()),
                ("mac", &from.mac()),
                ("vhid", &from.vhid()),
                ("ours", &about.vhid),
                ("interface", &about.interface),
            ],
        );
        self.log.write(level, &format!("{text} [{}]{}", rejected.code(), repeats(held_back)));
    }

    /// The answer to SIGUSR1: the ancestor's line, and one with the rest.
    pub(crate) fn status(&mut self, about: About<'_>, snapshot: &Snapshot, now: Time) {
        self.log
            .write(Level::Info, &on(&tr("{state} on {interface} id {vhid}"), about, snapshot.role.code()));
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
            Some((hook, true)) => hook.code().to_owned(),
            Some((Hook::Up, false)) => tr("up failed, the address may be missing on this host").into_owned(),
            Some((Hook::Down, false)) => {
                tr("down failed, the address may still be on this host").into_owned()
            }
        };
        let text = fill(
            &tr(
                "for {lasted} [{reason}]; advbase {base} advskew {skew}; master followed: {followed}; sent {sent}, heard {heard}, failed {failed}; hook running: {hook}, last: {last}; refused: {refused}",
            ),
            &[
                ("lasted", &seconds(snapshot.lasted)),
                ("reason", &snapshot.reason.code()),
                ("base", &snapshot.interval.base),
                ("skew", &snapshot.interval.skew),
                ("followed", &followed),
                ("sent", &counters.sent),
                ("heard", &counters.heard),
                ("failed", &counters.send_failures),
                ("hook", &hook),
                ("last", &last),
                ("refused", &if refused.is_empty() { "-".to_owned() } else { refused.join(", ") }),
            ],
        );
        self.log.write(Level::Info, &text);
    }

    /// A hook that could not be started.
    pub(crate) fn hook_unstartable(&mut self, hook: Hook, path: &str, error: &std::io::Error) {
        let text = fill(
            &tr("Cannot run the {hook} script {path}: {error}. Check that it exists and is executable."),
            &[("hook", &hook.code()), ("path", &path), ("error", error)],
        );
        self.tell(Level::Error, &text, "UC2001");
    }

    /// A hook is started.
    pub(crate) fn hook_started(&mut self, hook: Hook, path: &str, about: About<'_>) {
        let text = fill(
            &tr("Spawning [{path} {interface}] ({hook} script, id {vhid})"),
            &[
                ("path", &path),
                ("interface", &about.interface),
                ("hook", &hook.code()),
                ("vhid", &about.vhid),
            ],
        );
        self.tell(Level::Warning, &text, "UC2002");
    }

    /// The loop panicked.
    pub(crate) fn bug(&mut self) {
        let text = tr("Internal error, please report it: giving the address back and ending");
        self.tell(Level::Error, &text, "UC2009");
    }

    /// The interface is missing, or not yet as it has to be.
    pub(crate) fn waiting(&mut self, interface: &str, why: &dyn std::error::Error) {
        let text = fill(&tr("Waiting for {interface}: {why}"), &[("interface", &interface), ("why", &why)]);
        self.tell(Level::Warning, &text, "UC2004");
    }

    /// The interface lives on under another name.
    pub(crate) fn interface_renamed(&mut self, interface: &str, new: &str) {
        let text = fill(
            &tr("Interface {interface} was renamed to {new}: waiting for one that is called {interface}"),
            &[("interface", &interface), ("new", &new)],
        );
        self.tell(Level::Warning, &text, "UC2005");
    }

    /// Advertisements come from another address than before.
    pub(crate) fn source_changed(&mut self, interface: &str, old: IpAddr, new: IpAddr, wanted: bool) {
        let (level, template) = if wanted {
            (Level::Info, tr("Interface {interface} has the address {new} again: sending from it"))
        } else {
            (Level::Warning, tr("Interface {interface} lost the address {old}: sending from {new} now"))
        };
        let text = fill(&template, &[("interface", &interface), ("old", &old), ("new", &new)]);
        self.tell(level, &text, "UC2006");
    }

    /// The address of advertisements is gone and there is no other.
    pub(crate) fn source_lost(&mut self, interface: &str, old: IpAddr) {
        let template =
            tr("Interface {interface} lost the address {old} and has no other: still sending from it");
        self.tell(Level::Error, &fill(&template, &[("interface", &interface), ("old", &old)]), "UC2007");
    }

    /// The interface has another hardware address.
    pub(crate) fn hardware_address_changed(&mut self, interface: &str, mac: MacAddr) {
        let text = fill(
            &tr("The hardware address of {interface} is {mac} now"),
            &[("interface", &interface), ("mac", &mac)],
        );
        self.tell(Level::Warning, &text, "UC2008");
    }

    /// The interface is back after it had been removed.
    pub(crate) fn interface_back(&mut self, interface: &str) {
        let text =
            fill(&tr("Interface {interface} exists again: taking it up"), &[("interface", &interface)]);
        self.tell(Level::Warning, &text, "UC2003");
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
    fill(&tr("{count} log lines were lost"), &[("count", &count)])
}

/// How long a repeated notice is held back.
fn period(notice: &Notice) -> Duration {
    match notice {
        Notice::Transition { .. }
        | Notice::FamilySilent { .. }
        | Notice::FamilyBack { .. }
        | Notice::Demoted { .. }
        | Notice::Restored { .. }
        | Notice::HookFailed { .. }
        | Notice::Abandoned { .. }
        | Notice::HookKilled { .. }
        | Notice::HookSucceeded { .. }
        | Notice::ResignRefused { .. } => Duration::ZERO,
        Notice::GaveWay { .. }
        | Notice::StrangerLeft { .. }
        | Notice::Grace { .. }
        | Notice::GraceOver
        | Notice::Sending { .. } => Duration::from_secs(1),
        Notice::ConflictWon { .. } | Notice::Late { .. } => MINUTE,
        Notice::EqualInterval { .. } | Notice::SameSource { .. } | Notice::Unheard { .. } => HOUR,
    }
}

fn sentence(about: About<'_>, notice: &Notice) -> (Level, String) {
    match notice {
        Notice::Transition { from, to, reason, peer, silent } => {
            let template = tr("Switching to state: {to} on {interface} id {vhid} (was {from}): {why}");
            let text = fill(
                &template,
                &[
                    ("to", &to.code()),
                    ("from", &from.code()),
                    ("interface", &about.interface),
                    ("vhid", &about.vhid),
                    ("why", &why(*reason, *peer, *silent)),
                ],
            );
            (Level::Warning, text)
        }
        Notice::ConflictWon { peer } => (
            Level::Warning,
            of(&tr("Non-preferred master {peer} advertised: reasserting control of the address"), *peer),
        ),
        Notice::GaveWay { peer } => (
            Level::Info,
            of(&tr("{peer} was master too and leaves the address to us: announcing it again"), *peer),
        ),
        Notice::EqualInterval { peer } => {
            let template = match peer.kind {
                PeerKind::OldUcarp => {
                    tr("{peer} is an old ucarp with our interval: give one of you another advskew")
                }
                PeerKind::Kernel | PeerKind::Ours => {
                    tr("{peer} is a kernel with our interval: give one of you another advskew")
                }
            };
            (Level::Warning, of(&template, *peer))
        }
        Notice::SameSource { peer } => (
            Level::Error,
            of(&tr("{peer} advertises from our own source address: give each host its own (--srcip)"), *peer),
        ),
        Notice::Unheard { peer } => (
            Level::Error,
            of(
                &tr(
                    "{peer} goes on advertising although it should give way: our advertisements do not reach it. Check multicast, VLANs and filters between us.",
                ),
                *peer,
            ),
        ),
        Notice::StrangerLeft { peer } => (Level::Info, of(&tr("{peer} gave up being master"), *peer)),
        Notice::FamilySilent { family, peer } => (
            Level::Warning,
            fill(
                &tr("No {family} advertisements of {peer} any more, only the other family's"),
                &[("family", family), ("peer", &describe(*peer))],
            ),
        ),
        Notice::FamilyBack { family, peer } => (
            Level::Info,
            fill(
                &tr("{family} advertisements of {peer} are heard again"),
                &[("family", family), ("peer", &describe(*peer))],
            ),
        ),
        Notice::Demoted { reason } => (
            Level::Warning,
            match reason {
                Demotion::SendFailures => {
                    tr("Three advertisements in a row could not be sent: competing with advskew 240")
                        .into_owned()
                }
                Demotion::HookFailure => tr("The up script failed: competing with advskew 240").into_owned(),
            },
        ),
        Notice::Restored { reason } => (
            Level::Info,
            fill(
                &tr("Competing with the configured advskew again ({reason})"),
                &[("reason", &reason.code())],
            ),
        ),
        Notice::Late { by, role } => (
            Level::Warning,
            fill(
                &tr(
                    "This process was not running for {duration} as {state}: machine suspended or overloaded?",
                ),
                &[("duration", &seconds(*by)), ("state", &role.code())],
            ),
        ),
        Notice::Grace { lasts } => (
            Level::Warning,
            fill(
                &tr("Interface {interface} lost its link: keeping the address for {duration}"),
                &[("interface", &about.interface), ("duration", &seconds(*lasts))],
            ),
        ),
        Notice::GraceOver => (
            Level::Info,
            fill(&tr("Interface {interface} has its link again in time"), &[("interface", &about.interface)]),
        ),
        Notice::Abandoned { hook } => (
            Level::Warning,
            fill(
                &tr(
                    "Told to end at once: the {hook} script is killed, and the address may still be on this host",
                ),
                &[("hook", &hook.code())],
            ),
        ),
        Notice::HookFailed { hook, .. } => {
            (Level::Error, fill(&tr("The {hook} script failed"), &[("hook", &hook.code())]))
        }
        Notice::HookKilled { hook, ran } => (
            Level::Error,
            fill(
                &tr("The {hook} script is being ended after {duration}"),
                &[("hook", &hook.code()), ("duration", &seconds(*ran))],
            ),
        ),
        Notice::HookSucceeded { hook, ran } => (
            Level::Debug,
            fill(
                &tr("The {hook} script ended well after {duration}"),
                &[("hook", &hook.code()), ("duration", &seconds(*ran))],
            ),
        ),
        Notice::ResignRefused { role } => (
            Level::Warning,
            fill(
                &tr("Asked to step aside, but only a master can; this host is {state}"),
                &[("state", &role.code())],
            ),
        ),
        Notice::Sending { what, ok } => sending(about, *what, *ok),
    }
}

fn sending(about: About<'_>, what: Transmission, ok: bool) -> (Level, String) {
    let template = match (what, ok) {
        (Transmission::Advert | Transmission::BowOut, false) => {
            tr("Cannot send advertisements on {interface}: other hosts will take over")
        }
        (Transmission::Announcement, false) => {
            tr("Cannot announce the address on {interface}: neighbours may keep the old hardware address")
        }
        (Transmission::Advert | Transmission::BowOut, true) => {
            tr("Advertisements are sent again on {interface}")
        }
        (Transmission::Announcement, true) => tr("The address is announced again on {interface}"),
    };
    let level = if ok { Level::Info } else { Level::Error };
    (level, fill(&template, &[("interface", &about.interface)]))
}

fn why(reason: Reason, peer: Option<Peer>, silent: Option<Duration>) -> String {
    let template = match (reason, peer) {
        (Reason::Started, _) => tr("initialisation complete"),
        (Reason::LinkUp, _) => tr("the interface is up"),
        (Reason::LinkDown, _) => tr("the interface is down"),
        (Reason::LinkGone, _) => tr("the interface was removed"),
        (Reason::MasterTimedOut, Some(_)) => tr("nothing heard from {peer} for {silent}"),
        (Reason::MasterTimedOut, None) => tr("no master was heard"),
        (Reason::MasterLeft, _) => tr("the master {peer} left"),
        (Reason::SlowerMaster, _) => tr("preempting the slower master {peer}"),
        (Reason::MasterTooSlow, _) => tr("{peer} advertises too seldom and will time out"),
        (Reason::MasterDemoted, _) => tr("the master {peer} is demoted more than this host"),
        (Reason::FasterMaster, _) => tr("the preferred master {peer} advertised"),
        (Reason::TieLost, _) => tr("{peer} has our interval and goes before us"),
        (Reason::StubbornMaster, _) => tr("{peer} does not hear us, so it keeps the address"),
        (Reason::Overslept, _) => tr("this process was not running, and {peer} took over meanwhile"),
        (Reason::Resigned, _) => tr("asked to step aside (SIGUSR2)"),
        (Reason::HookFailed, _) => tr("the up script failed"),
        (Reason::Shutdown, _) => tr("this program ends"),
    };
    let peer = peer.map(describe).unwrap_or_default();
    fill(&template, &[("peer", &peer), ("silent", &silent.map(seconds).unwrap_or_default())])
}

/// What else to say, in a line of its own.
fn hint(notice: &Notice) -> Option<Cow<'static, str>> {
    if let Notice::HookFailed { hook: Hook::Up, wanted: true } = notice {
        Some(tr("The address may be missing on this host"))
    } else if let Notice::HookFailed { hook: Hook::Down, .. } | Notice::HookKilled { hook: Hook::Down, .. } =
        notice
    {
        Some(tr("The address may still be on this host"))
    } else {
        None
    }
}

fn refusal(rejected: Rejected) -> (Level, Cow<'static, str>) {
    match rejected {
        Rejected::BadAuth => (
            Level::Warning,
            tr(
                "Advertisement for id {vhid} from {source} ({mac}) does not authenticate: another password, another list of addresses, or another cluster with our id?",
            ),
        ),
        Rejected::OwnEcho => (
            Level::Warning,
            tr(
                "Our own advertisement came back from {mac} on {interface}: a loop, or a switch that reflects?",
            ),
        ),
        Rejected::BadVersion => (
            Level::Warning,
            tr(
                "{source} ({mac}) speaks another version: a VRRP router with our id {ours}? Give them different ids.",
            ),
        ),
        Rejected::TooShort => (
            Level::Warning,
            tr(
                "Truncated advertisement from {source} ({mac}): a VRRP router with our id? Give them different ids.",
            ),
        ),
        Rejected::BadTtl => (
            Level::Warning,
            tr("Advertisement from {source} ({mac}) was forwarded by a router or forged: its TTL is not 255"),
        ),
        Rejected::BadDestination => (
            Level::Warning,
            tr(
                "Advertisement for id {vhid} from {source} ({mac}) was sent to another group or address than ours",
            ),
        ),
        Rejected::BadChecksum | Rejected::BadIpChecksum => {
            (Level::Warning, tr("Advertisement from {source} ({mac}) has a wrong checksum"))
        }
        Rejected::BadIpHeader | Rejected::TruncatedIp | Rejected::Fragment => {
            (Level::Warning, tr("Damaged packet from {mac} on {interface}"))
        }
        Rejected::NotIp | Rejected::NotCarp | Rejected::UnknownVhid => {
            (Level::Debug, tr("Ignored a frame from {mac} on {interface} that is not for id {ours}"))
        }
    }
}

/// What can be said of where a refused frame came from.
struct Sender {
    mac: Option<MacAddr>,
    decoded: Option<Decoded>,
    source: Option<IpAddr>,
}

impl Sender {
    fn of(frame: &[u8]) -> Self {
        let ethernet = wire::ethernet::Header::parse(frame).ok();
        let source = ethernet.and_then(|(header, packet)| match header.ethertype {
            wire::ethernet::IPV4 => {
                wire::ipv4::Header::parse(packet).ok().map(|(ip, _)| IpAddr::V4(ip.source))
            }
            wire::ethernet::IPV6 => {
                wire::ipv6::Header::parse(packet).ok().map(|(ip, _)| IpAddr::V6(ip.source))
            }
            _ => None,
        });
        Self { mac: ethernet.map(|(header, _)| header.source), decoded: wire::decode(frame).ok(), source }
    }

    fn mac(&self) -> String {
        self.mac.map_or_else(|| "?".to_owned(), |mac| mac.to_string())
    }

    fn source(&self) -> String {
        self.source.map_or_else(|| "?".to_owned(), |source| source.to_string())
    }

    fn vhid(&self) -> String {
        self.decoded.map_or_else(|| "?".to_owned(), |decoded| decoded.header.vhid.to_string())
    }
}

fn on(template: &str, about: About<'_>, state: &str) -> String {
    fill(template, &[("state", &state), ("interface", &about.interface), ("vhid", &about.vhid)])
}

fn of(template: &str, peer: Peer) -> String {
    fill(template, &[("peer", &describe(peer))])
}

fn describe(peer: Peer) -> String {
    format!("{} ({}, {}+{}/256 s)", peer.source, peer.mac, peer.interval.base, peer.interval.skew)
}

fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

fn repeats(held_back: u64) -> String {
    match held_back {
        0 => String::new(),
        count => fill(&tr(" (and {count} more like it)"), &[("count", &count)]),
    }
}
