//! What the operator of `--sniff` reads: a line for whatever is new, and the table.
//!
//! Both are made for a terminal of 100 columns. A verdict and a kind are the stable codes that the JSON has too.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use super::super::report::interval;
use super::speakers::{Conflict, Every, News, Speaker};
use crate::i18n::{decimal, digits, spoken, tr};
use crate::platform;
use crate::protocol::Rejected;
use crate::sorting::sort_by;
use crate::width::{self, columns};

/// Columns of a line.
const WIDEST: usize = 100;
/// A source wider than this, which only IPv6 addresses written out are, has a line of its own in the table.
const WIDEST_SOURCE: usize = 25;
const COLUMNS: usize = 9;

/// The first line of a live watch.
pub(super) fn greeting(interface: &str) -> String {
    tr!("Watching {interface}. Ctrl-C shows a table and ends, SIGUSR1 shows it and goes on.", interface)
        + "\n"
}

/// A line about `speaker`; `all` is the table that the news refers to.
pub(super) fn line(at: Duration, speaker: &Speaker, news: News, all: &[Speaker]) -> String {
    let every = every(speaker.every);
    let text = match news {
        // TRANSLATORS: this stands behind the name of a host. {kind} is a code such as ucarp or openbsd; {verdict} is a code such as accepted, perhaps with an explanation in parentheses.
        News::New => tr!(
            "new: {kind}, every {interval}, {verdict}",
            kind = speaker.kind.code(),
            interval = every,
            verdict = explained(speaker)
        ),
        News::Again(silence) => tr!(
            "is back after {seconds} s: every {interval}, {verdict}",
            seconds = decimal(silence, 1),
            interval = every,
            verdict = explained(speaker)
        ),
        News::Interval(before) => {
            tr!("now every {interval}, before every {before}", interval = every, before = self::every(before))
        }
        News::Demotion(before) => {
            tr!("demotion is now {demotion}, was {before}", demotion = speaker.demotion, before)
        }
        News::Priority(before) => {
            tr!("priority is now {priority}, was {before}", priority = speaker.priority.unwrap_or(0), before)
        }
        News::Verdict => tr!("is now {verdict}", verdict = explained(speaker)),
        News::Kind => tr!("is now of kind {kind}", kind = speaker.kind.code()),
        News::Mac(before) => tr!("has another hardware address, before {mac}", mac = before),
        News::Left => tr!("leaves").into_owned(),
        News::Conflict(conflict, other) => match conflict {
            Conflict::TwoMasters => tr!(
                "TWO MASTERS of this id, the other is {other}",
                other = all.get(other).map(name).unwrap_or_default()
            ),
            Conflict::Strangers => tr!(
                "ID IN USE TWICE: {other} does not belong to the same hosts",
                other = all.get(other).map(name).unwrap_or_default()
            ),
        },
        News::Echo if speaker.own => {
            tr!("ECHO: what this host sent comes back from the network").into_owned()
        }
        News::Echo => tr!("ECHO: the same packet came twice, as in a loop").into_owned(),
    };
    stamped(at, speaker, &text)
}

/// The line about a speaker that is not heard any more.
pub(super) fn silent(at: Duration, speaker: &Speaker) -> String {
    let silence = decimal(at.saturating_sub(speaker.last), 1);
    stamped(at, speaker, &tr!("SILENT for {seconds} s", seconds = silence))
}

fn stamped(at: Duration, speaker: &Speaker, text: &str) -> String {
    let time = platform::local_time_of(at);
    let millis = time.microsecond / 1000;
    let (hour, minute, second) = (time.hour, time.minute, time.second);
    let who = name(speaker);
    wrapped(&format!("{hour:02}:{minute:02}:{second:02}.{millis:03} id {} {who}: {text}", id(speaker)))
}

/// Lines of at most 100 columns, the second and later ones below the id.
fn wrapped(text: &str) -> String {
    width::wrapped(text, WIDEST, "             ") + "\n"
}

/// Everybody in the table at the moment `now`, by id and address.
pub(super) fn table(all: &[Speaker], now: Duration) -> String {
    let head = [
        tr!("ID"),
        tr!("SOURCE"),
        tr!("MAC"),
        tr!("KIND"),
        // TRANSLATORS: the heads of a table with little room: time between packets, demotion, packets per second,
        // seconds since the last one, what would become of them.
        tr!("EVERY"),
        tr!("DEM"),
        tr!("PER S"),
        tr!("AGO"),
        tr!("VERDICT"),
    ];
    let mut sorted: Vec<&Speaker> = all.iter().collect();
    let key = |speaker: &Speaker| (speaker.who.vhid, speaker.who.family, speaker.who.source, speaker.who.mac);
    sort_by(&mut sorted, |one, other| key(one).cmp(&key(other)));
    let mut rows = vec![head.map(Cow::into_owned)];
    rows.extend(sorted.iter().map(|speaker| row(speaker, now)));
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| columns(cell));
        let narrow = cells.filter(|width| column != 1 || *width <= WIDEST_SOURCE);
        narrow.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let room = columns(cell);
            if room > *width {
                let indent = columns(&line) + width;
                write!(line, "{cell}\n{:indent$}  ", "").expect("writing into a String cannot fail");
            } else {
                let rest = width - room;
                write!(line, "{cell}{:rest$}  ", "").expect("writing into a String cannot fail");
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let packets: u64 = all.iter().map(|speaker| speaker.packets).sum();
    text + &tr!("Speakers: {speakers}, packets: {packets}", speakers = all.len(), packets) + "\n"
}

fn row(speaker: &Speaker, now: Duration) -> [String; COLUMNS] {
    let marks = [
        (speaker.left, tr!("left")),
        (speaker.silent, tr!("silent")),
        (speaker.two_masters, tr!("two masters")),
        (speaker.strangers, tr!("id in use twice")),
        (speaker.own, tr!("this host")),
    ];
    let mut verdict = short(speaker).into_owned() + &vlans(speaker);
    for (_, mark) in marks.iter().filter(|(holds, _)| *holds) {
        verdict.push_str(", ");
        verdict.push_str(mark);
    }
    let every = match speaker.every {
        Every::Carp(interval) => format!("{}+{}", interval.base, interval.skew),
        Every::Vrrp(interval) => hundredths(interval),
        Every::Unknown => "?".to_owned(),
    };
    [
        id(speaker),
        source(speaker),
        speaker.who.mac.to_string(),
        speaker.kind.code().to_owned(),
        every,
        speaker.demotion.to_string(),
        speaker
            .rate()
            .map_or_else(|| "-".to_owned(), |rate| spoken(&format!("{}.{:02}", rate / 100, rate % 100))),
        decimal(now.saturating_sub(speaker.last), 1),
        verdict,
    ]
}

fn id(speaker: &Speaker) -> String {
    speaker.who.vhid.map_or_else(|| "?".to_owned(), |vhid| vhid.to_string())
}

fn source(speaker: &Speaker) -> String {
    speaker.who.source.map_or_else(|| "?".to_owned(), |source| source.to_string())
}

fn name(speaker: &Speaker) -> String {
    format!("{} ({}{})", source(speaker), speaker.who.mac, vlans(speaker))
}

/// Behind something else: the VLANs it speaks on, the outermost first.
fn vlans(speaker: &Speaker) -> String {
    let vlans: Vec<_> = speaker.who.vlans.iter().flatten().map(ToString::to_string).collect();
    if vlans.is_empty() { String::new() } else { format!(", VLAN {}", vlans.join("/")) }
}

fn every(every: Every) -> String {
    match every {
        Every::Carp(time) => interval(time),
        Every::Vrrp(interval) => tr!("{seconds} s", seconds = hundredths(interval)),
        Every::Unknown => "?".to_owned(),
    }
}

/// As exact as VRRP is, and no longer than necessary.
fn hundredths(duration: Duration) -> String {
    spoken(digits(duration, 2).trim_end_matches('0').trim_end_matches('.'))
}

/// The code of a verdict, for which there need not have been a key.
fn short(speaker: &Speaker) -> Cow<'static, str> {
    match (speaker.verdict, speaker.authenticated) {
        (Ok(()), Some(_)) => "accepted".into(),
        (Ok(()), None) => tr!("sound"),
        (Err(rejected), _) => rejected.code().into(),
    }
}

/// The same with what it probably means.
fn explained(speaker: &Speaker) -> String {
    let Err(rejected) = speaker.verdict else { return short(speaker).into_owned() };
    if speaker.who.vrrp {
        // Nothing is wrong with it.
        return rejected.code().to_owned();
    }
    let why = match rejected {
        Rejected::NotIp => tr!("of another VLAN"),
        Rejected::TruncatedIp | Rejected::BadIpHeader | Rejected::Fragment => tr!("a damaged IP packet"),
        Rejected::BadIpChecksum | Rejected::BadChecksum if speaker.unsummed => {
            tr!("the checksum is 0: seen before the network card filled it in? See checksum offload")
        }
        Rejected::BadIpChecksum => tr!("the IP checksum is wrong"),
        Rejected::NotCarp => tr!("not CARP"),
        Rejected::BadTtl => tr!("came through a router, or is forged"),
        Rejected::TooShort => tr!("too short for CARP"),
        Rejected::BadVersion => tr!("not version 2 of CARP"),
        Rejected::BadChecksum => tr!("the CARP checksum is wrong"),
        Rejected::UnknownVhid => tr!("not the id asked for"),
        Rejected::BadDestination => tr!("sent to another group"),
        Rejected::BadAuth => tr!("another password, or other addresses"),
        Rejected::OwnEcho => tr!("from this host"),
        Rejected::Stale => tr!("a recording"),
        Rejected::Tampered => tr!("altered on the way"),
        Rejected::Unmarked => tr!("not from a host that runs this program"),
    };
    format!("{} ({why})", rejected.code())
}
