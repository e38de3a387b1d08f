//! Which addresses are managed here, kept in a file, so that a later life takes off what this one leaves behind.
//!
//! What is configured is taken off at each start. What was configured when a process was killed, and is not any more, would
//! stay for ever: nobody else knows of it. So it is written down before anything is put on, not when: a master that gets
//! its addresses waits for no disk. An orderly end leaves nothing, the file included.
//!
//! A file speaks of one start of the machine: addresses that somebody gave an interface since are his. It may be another
//! ucarp's; whose it is tells who may claim the virtual host.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::addresses;
use super::clock::{now, wall};
use super::report::{About, Report};
use super::roster::{Entry, Roster};
use super::{start, state};
use crate::config::VirtualAddress;
use crate::platform::{self, Claims};
use crate::protocol::{Time, Vhid};

/// What a file begins with.
const TITLE: &str = "ucarp addresses 1";
const KIND: &str = "addresses";
/// By how much a clock may be set while the machine runs.
const SET: Duration = Duration::from_secs(600);

/// The folder, and what was written there.
#[derive(Debug)]
pub(super) struct Ledger {
    folder: PathBuf,
    written: HashMap<PathBuf, (u32, Vec<VirtualAddress>)>,
}

/// What a file says.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Record {
    /// How long the machine had been running, and the time of day.
    uptime: Duration,
    wall: Duration,
    interface: String,
    index: u32,
    vhid: Vhid,
    /// What its owner claimed.
    claims: Vec<String>,
    addresses: Vec<VirtualAddress>,
}

impl Ledger {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, written: HashMap::new() }
    }

    /// Takes off what an earlier life left behind and nobody shares any more, and writes down what is managed in this one.
    pub(super) fn begin(&mut self, roster: &Roster, lockdir: Option<&Path>, report: &mut Report) {
        for (path, read) in self.files() {
            let settled = match read {
                Ok(record) => settle(&record, roster, lockdir, report),
                Err(why) => {
                    report.unreadable_ledger(&path, &why);
                    false
                }
            };
            if settled {
                let _ = state::remove(&path);
            }
        }
        roster.there().for_each(|(_, entry)| self.note(entry, report));
    }

    /// Writes down what is managed for a virtual host now, if that is something else than before.
    pub(super) fn note(&mut self, entry: &Entry, report: &mut Report) {
        let Entry { config, interface, held, .. } = entry;
        let mut addresses = if config.manage_address { config.addresses.clone() } else { Vec::new() };
        addresses.extend(held.iter().filter(|held| !config.addresses.contains(held)));
        let path = state::path(&self.folder, config, interface, KIND);
        if addresses.is_empty() {
            if self.written.remove(&path).is_some() {
                let _ = state::remove(&path);
            }
            return;
        }
        // Nothing can be left behind on an interface that is not there.
        let (Some(wall), Ok(index)) = (wall(), platform::interface_index(interface)) else { return };
        let managed = (index, addresses);
        if self.written.get(&path) == Some(&managed) {
            return;
        }
        let record = Record {
            uptime: now().since_zero(),
            wall,
            interface: interface.clone(),
            index,
            vhid: config.vhid,
            claims: start::claimed(entry),
            addresses: managed.1.clone(),
        };
        match state::replace(&path, &print(&record)) {
            Ok(()) => _ = self.written.insert(path, managed),
            Err(why) => report.not_noted(About::host(config, interface), &self.folder, &why),
        }
    }

    /// Of this virtual host nothing is left.
    pub(super) fn forget(&mut self, entry: &Entry) {
        let path = state::path(&self.folder, &entry.config, &entry.interface, KIND);
        if entry.held.is_empty() && self.written.remove(&path).is_some() {
            let _ = state::remove(&path);
        }
    }

    /// The files of all.
    fn files(&self) -> Vec<(PathBuf, io::Result<Record>)> {
        let Ok(all) = fs::read_dir(&self.folder) else { return Vec::new() };
        let all = all.flatten().map(|file| file.path());
        let read = |path: &Path| {
            let text = state::read(path)?.ok_or(io::ErrorKind::NotFound)?;
            parse(&text).ok_or_else(|| io::ErrorKind::InvalidData.into())
        };
        all.filter(|path| path.extension().is_some_and(|kind| kind == KIND))
            .map(|path| {
                let read = read(&path);
                (path, read)
            })
            .collect()
    }
}

/// Takes off what is shared no more of what a file speaks of, if that is ours to do. Whether the file has served its
/// purpose.
fn settle(record: &Record, roster: &Roster, lockdir: Option<&Path>, report: &mut Report) -> bool {
    let is_ours = |(_, entry): (u16, &Entry)| start::claimed(entry) == record.claims;
    let mut claims = Claims::default();
    if !roster.there().any(is_ours) {
        // Who has been removed from the file may be served by another ucarp.
        let is_free =
            |claim: &String| claims.take(claim, lockdir, false).is_ok_and(|doubts| doubts.is_empty());
        if !record.claims.iter().all(is_free) {
            return false;
        }
    }
    let is_this_start = wall().is_some_and(|wall| record.is_of(now(), wall));
    if !is_this_start || platform::interface_index(&record.interface).ok() != Some(record.index) {
        return true;
    }
    let shared: Vec<IpAddr> = roster
        .on(&record.interface)
        .flat_map(|config| &config.addresses)
        .map(|shared| shared.address)
        .collect();
    let left = record.addresses.iter().filter(|left| !shared.contains(&left.address)).copied();
    let taken_off = addresses::take_off(&record.interface, left);
    report.left_behind(About::new(&record.interface, record.vhid), &taken_off);
    taken_off.failed.is_empty()
}

impl Record {
    /// Whether the machine has not been started anew since.
    fn is_of(&self, now: Time, wall: Duration) -> bool {
        let began = |wall: Duration, uptime: Duration| wall.saturating_sub(uptime);
        let (then, today) = (began(self.wall, self.uptime), began(wall, now.since_zero()));
        now.since_zero() >= self.uptime && then.abs_diff(today) <= SET.min(self.uptime / 2)
    }
}

fn print(record: &Record) -> String {
    let Record { uptime, wall, interface, index, vhid, claims, addresses } = record;
    let mut lines = vec![
        TITLE.to_owned(),
        format!("at {} {}", uptime.as_secs(), wall.as_secs()),
        format!("on {index} {interface}"),
        format!("id {vhid}"),
    ];
    lines.extend(claims.iter().map(|claim| format!("claim {claim}")));
    lines.extend(addresses.iter().map(|shared| format!("has {}/{}", shared.address, shared.length())));
    lines.join("\n") + "\n"
}

fn parse(text: &str) -> Option<Record> {
    let mut lines = text.lines().peekable();
    lines.next().filter(|title| *title == TITLE)?;
    let (uptime, wall) = lines.next()?.strip_prefix("at ")?.split_once(' ')?;
    let (index, interface) = lines.next()?.strip_prefix("on ")?.split_once(' ')?;
    let vhid = Vhid::new(lines.next()?.strip_prefix("id ")?.parse().ok()?)?;
    let mut claims = Vec::new();
    while let Some(claim) = lines.peek().and_then(|line| line.strip_prefix("claim ")) {
        claims.push(claim.to_owned());
        lines.next();
    }
    let addresses: Option<Vec<_>> = lines.map(|line| address(line.strip_prefix("has ")?)).collect();
    let seconds = |word: &str| word.parse().ok().map(Duration::from_secs);
    Some(Record {
        uptime: seconds(uptime)?,
        wall: seconds(wall)?,
        interface: interface.to_owned(),
        index: index.parse().ok()?,
        vhid,
        claims: Some(claims).filter(|claims| !claims.is_empty())?,
        addresses: addresses.filter(|addresses| !addresses.is_empty())?,
    })
}

fn address(word: &str) -> Option<VirtualAddress> {
    let (address, prefix) = word.split_once('/')?;
    let (address, prefix): (IpAddr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
    let is_shareable = !(address.is_loopback() || address.is_multicast() || address.is_unspecified());
    let most = if address.is_ipv4() { 32 } else { 128 };
    (is_shareable && (1..=most).contains(&prefix)).then_some(VirtualAddress { address, prefix: Some(prefix) })
}

#[cfg(test)]
mod tests {
    use super::super::rules::tests::host;
    use super::*;
    use crate::daemon::SERVICES;
    use crate::log::Log;

    fn record() -> Record {
        let given = |address: &str, prefix| VirtualAddress {
            address: address.parse().unwrap(),
            prefix: Some(prefix),
        };
        Record {
            uptime: Duration::from_secs(5_000),
            wall: Duration::from_secs(1_800_000_000),
            interface: "eth 0/x".into(),
            index: 7,
            vhid: Vhid::new(200).unwrap(),
            claims: vec!["ucarp eth 0/x id 200".into(), "ucarp eth 0/x id 200 224.0.0.77".into()],
            addresses: vec![given("10.0.0.9", 24), given("2001:db8::9", 128)],
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let text = print(&record());
        assert_eq!(parse(&text), Some(record()));
        let lines: Vec<&str> = text.lines().collect();
        for left_out in 0..lines.len() {
            let mut fewer = lines.clone();
            fewer.remove(left_out);
            // One address or claim of two is none the less.
            assert_eq!(parse(&fewer.join("\n")).is_some(), left_out >= 4, "{left_out}");
        }
        for (line, wrong) in [
            (0, "ucarp addresses 2"),
            (1, "at 5000"),
            (1, "at -1 1800000000"),
            (2, "on eth0 7"),
            (3, "id 0"),
            (3, "id 256"),
            (4, "has ten"),
            (6, "has 10.0.0.9"),
            (6, "has 10.0.0.9/33"),
            (6, "has 127.0.0.1/8"),
            (6, "has 0.0.0.0/24"),
            (7, "has ff02::12/128"),
            (7, "has 10.0.0.9/24 "),
        ] {
            let mut changed = lines.clone();
            changed[line] = wrong;
            assert_eq!(parse(&changed.join("\n")), None, "{wrong}");
        }
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_file_speaks_of_one_start_of_the_machine() {
        let of = |uptime: u64, wall: u64| {
            record().is_of(Time::new(Duration::from_secs(uptime)), Duration::from_secs(1_800_000_000 + wall))
        };
        assert!(of(5_000, 0) && of(6_000, 1_000) && of(900_000, 895_000));
        assert!(of(6_000, 1_590), "the clock was set a little");
        assert!(!of(4_000, 60), "it was started anew");
        assert!(!of(6_000, 7_000), "and has been running for longer than then");
        let early = Record { uptime: Duration::from_secs(60), ..record() };
        assert!(!early.is_of(Time::new(Duration::from_secs(61)), early.wall + Duration::from_secs(62)));
    }

    #[test]
    fn it_is_written_when_it_changes_and_goes_with_its_host() {
        let folder = std::env::temp_dir().join(format!("ucarp-ledger-{}", std::process::id()));
        let (mut ledger, mut report) = (Ledger::new(folder.clone()), Report::new(Log::none(SERVICES)));
        let entry = |more: &[&str]| Entry::new(host("207", more).0, "lo".to_owned());
        let file = folder.join("lo-207.addresses");
        let kept = || state::read(&file).unwrap().map(|text| parse(&text).unwrap().addresses.len());
        ledger.note(&entry(&[]), &mut report);
        assert!(!folder.exists(), "nothing is managed");
        let managed = ["--manage-address", "-a", "10.0.0.11"];
        ledger.note(&entry(&managed), &mut report);
        assert_eq!(kept(), Some(2));
        fs::remove_file(&file).unwrap();
        ledger.note(&entry(&managed), &mut report);
        assert_eq!(kept(), None, "it is written already");
        let mut fewer = entry(&managed[..1]);
        ledger.note(&fewer, &mut report);
        assert_eq!(kept(), Some(1));
        fewer.held = entry(&managed).config.addresses;
        ledger.note(&fewer, &mut report);
        assert_eq!(kept(), Some(2), "one is still to be taken off");
        ledger.forget(&fewer);
        assert_eq!(kept(), Some(2));
        fewer.held.clear();
        ledger.note(&fewer, &mut report);
        assert_eq!(kept(), Some(1));
        ledger.forget(&fewer);
        assert_eq!(kept(), None);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_cannot_be_read_stays_where_it_is() {
        let folder = std::env::temp_dir().join(format!("ucarp-unreadable-{}", std::process::id()));
        let (mut ledger, mut report) = (Ledger::new(folder.clone()), Report::new(Log::none(SERVICES)));
        report.keep_lines();
        let (odd, old) = (folder.join("odd.addresses"), folder.join("old.addresses"));
        state::replace(&odd, "nonsense").unwrap();
        state::replace(&old, &print(&Record { claims: vec!["ucarp old id 200".into()], ..record() }))
            .unwrap();
        state::replace(&folder.join("eth7-42.forms"), "somebody else's").unwrap();
        ledger.begin(&Roster::of(vec![host("42", &[])]), Some(&folder), &mut report);
        assert!(odd.exists() && !old.exists());
        let said: Vec<String> =
            std::iter::from_fn(|| report.log().next_line()).map(|line| line.text).collect();
        assert!(matches!(said.as_slice(), [one] if one.contains("odd.addresses")), "{said:?}");
        fs::remove_dir_all(folder).unwrap();
    }
}
