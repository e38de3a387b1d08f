//! The configuration is read again: by a process of its own, and taken over by the hands in one step, or not at all.
//!
//! Reading may take long, where the disk or the network that has the file does not answer, and what is read may be
//! anything. So who reads is another process, which tells what it has read; the hands wait for nobody meanwhile.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use super::caller::caller;
use super::pending;
use super::previous::Setup;
use super::report::gathered;
use super::request::{Fact, Word, decode, encode};
use super::roster::{Entry, Roster, Standing};
use super::start;
use crate::config::diff::{self, Fate};
use crate::config::{Check, Config, Errors, VirtualHostConfig, Warning, file};
use crate::i18n::tr;
use crate::log::Line;
use crate::platform::{self, Channel, Claims, Doubt, Unsent};
use crate::protocol::{Departure, Time};

/// Reads what was read at the start.
pub(super) type Reread = Box<dyn Fn() -> Result<(Config, Vec<Warning>), Errors>>;

/// One that reads what a process was started with, if that can be read, and says what is not taken over of it.
pub(super) fn reader(before: &Config) -> Option<Reread> {
    let (source, before) = (before.source.clone()?, before.clone());
    Some(Box::new(move || {
        let (config, mut warnings) = file::read_again(&source, &caller())?;
        if !config.runs_like(&before) {
            warnings.push(Warning::DaemonStays);
        }
        Ok((config, warnings))
    }))
}

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How soon the reader looks again whether the hands have read what it said.
const SOON: Duration = Duration::from_millis(1);
/// How much is taken in at a time.
const MOST_WORDS: usize = 256;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Read {
    hosts: Vec<VirtualHostConfig>,
    checks: Vec<Check>,
    warnings: Vec<Line>,
    errors: Vec<String>,
}

impl Read {
    /// As if this had been read.
    pub(super) fn of(Setup { hosts, checks }: Setup) -> Self {
        Self { hosts, checks, ..Self::default() }
    }

    /// What was.
    pub(super) fn setup(&self) -> Setup {
        Setup::new(self.hosts.clone(), self.checks.clone())
    }
}

/// That somebody reads.
pub(super) struct Reading {
    reread: Option<Reread>,
    reader: Option<Reader>,
    /// Somebody asked for it once more meanwhile.
    again: bool,
}

struct Reader {
    pid: u32,
    channel: Channel,
    until: Time,
    read: Read,
}

impl Reading {
    pub(super) fn new(reread: Option<Reread>) -> Self {
        Self { reread, reader: None, again: false }
    }

    /// Whether there is something to read again.
    pub(super) fn can(&self) -> bool {
        self.reread.is_some()
    }

    /// Has it read, now or once more when that is over. `leave`: in the process that reads, let go of what it must not keep.
    ///
    /// # Errors
    /// No process can be had.
    pub(super) fn begin(&mut self, leave: impl FnOnce(), now: Time) -> io::Result<()> {
        let Some(reread) = &self.reread else { return Ok(()) };
        if self.reader.is_some() {
            self.again = true;
            return Ok(());
        }
        let (near, far) = Channel::pair()?;
        // To be dropped in one of the two processes, and used in the other.
        let (mut near, mut far) = (Some(near), Some(far));
        let pid = platform::split_off(c"reader", || {
            near = None;
            leave();
            let Some(mut channel) = far.take() else { return super::BUG };
            let told = words(reread()).into_iter().try_for_each(|word| tell(&mut channel, &word));
            u8::from(told.is_err())
        })?;
        let reader = |channel| Reader { pid, channel, until: now + PATIENCE, read: Read::default() };
        self.reader = near.map(reader);
        Ok(())
    }

    /// Whether somebody asked for it while it was read.
    pub(super) fn is_wanted_again(&mut self) -> bool {
        std::mem::take(&mut self.again)
    }

    /// What becomes readable when something was read.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.reader.as_ref().map(|reader| reader.channel.as_fd())
    }

    /// When it has taken too long.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.reader.as_ref().map(|reader| reader.until)
    }

    /// The process that reads.
    pub(super) fn pid(&self) -> Option<u32> {
        self.reader.as_ref().map(|reader| reader.pid)
    }

    /// What was read, or why nothing was, when that is over; with the process that did, which is to be ended.
    pub(super) fn hear(&mut self, now: Time) -> Option<(u32, Result<Read, String>)> {
        let over = self.reader.as_mut()?.hear(now)?;
        let Reader { pid, read, .. } = self.reader.take()?;
        Some((pid, over.map(|()| read).map_err(Cow::into_owned)))
    }
}

impl Reader {
    /// Takes in what came. When that was all, or nothing more can come, it is over.
    fn hear(&mut self, now: Time) -> Option<Result<(), Cow<'static, str>>> {
        let ended = || Some(Err(tr!("the process that read it has ended")));
        for _ in 0..MOST_WORDS {
            match self.channel.receive(0) {
                Ok(Some(message)) => match decode(&message.bytes) {
                    Some(Word::Host(host)) => self.read.hosts.push(*host),
                    Some(Word::Check(check)) => self.read.checks.push(*check),
                    Some(Word::Warning(line)) => self.read.warnings.push(*line),
                    Some(Word::Error(text)) => self.read.errors.push(text),
                    Some(Word::Done) => return Some(Ok(())),
                    None => return ended(),
                },
                Ok(None) if self.until <= now => return Some(Err(tr!("reading it takes too long"))),
                Ok(None) => return None,
                Err(_) => return ended(),
            }
        }
        // Whatever is left comes with the next turn.
        None
    }
}

fn words(read: Result<(Config, Vec<Warning>), Errors>) -> Vec<Word> {
    let mut words = match read {
        Ok((config, warnings)) => {
            let warnings = gathered(&warnings).into_iter().map(Box::new).map(Word::Warning);
            let checks = config.checks.into_iter().map(|check| Word::Check(Box::new(check)));
            let hosts = config.hosts.into_iter().map(|host| Word::Host(Box::new(host)));
            warnings.chain(hosts).chain(checks).collect()
        }
        Err(errors) => errors.iter().map(|error| Word::Error(error.with_id())).collect::<Vec<_>>(),
    };
    words.push(Word::Done);
    words
}

/// Tells the hands, and waits until they have read.
fn tell(channel: &mut Channel, word: &Word) -> Result<(), Unsent> {
    channel.send(&encode(word), Vec::new())?;
    while channel.is_behind() {
        let _ = platform::wait(&[], &mut Vec::new(), Some(SOON));
        channel.flush()?;
    }
    Ok(())
}

/// A configuration that is taken over.
pub(super) struct Reloaded {
    pub(super) roster: Roster,
    /// What the engine is to be told.
    pub(super) facts: Vec<Fact>,
    pub(super) lines: Lines,
    /// Of whom is to be kept what is in use besides what is configured.
    pub(super) archived: Vec<u16>,
}

/// What the operator is to be told.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) warnings: Vec<Line>,
    /// Who may be served by somebody else here, and why.
    pub(super) doubts: Vec<(Entry, Doubt)>,
    /// How many virtual hosts are served as before.
    pub(super) kept: usize,
    /// What became of each of the others.
    pub(super) others: Vec<(Entry, Fate)>,
    /// The checks of these numbers are others now: what each was, and what it is.
    pub(super) checks: Vec<(u16, Option<Check>, Option<Check>)>,
}

/// What follows from a configuration that was read, if nothing is wrong with it. What only one may have on this machine is
/// claimed then.
///
/// # Errors
/// Everything that is wrong.
pub(super) fn reloaded(
    before: &Roster,
    read: Read,
    claims: &mut Claims,
    lockdir: Option<&Path>,
    now: Time,
) -> Result<Reloaded, Vec<String>> {
    if !read.errors.is_empty() {
        return Err(read.errors);
    }
    let (mut new, mut errors) = (Vec::new(), Vec::new());
    for config in read.hosts {
        let interface = start::interface_for(&config);
        match interface.and_then(|interface| start::may_manage(&config, &interface).map(|()| interface)) {
            Ok(interface) => new.push(Entry::new(config, interface)),
            Err(why) => errors.push(why.to_string()),
        }
    }
    errors.extend(read.checks.iter().filter_map(|check| Some(start::may_look(check).err()?.to_string())));
    let old: Vec<(u16, &Entry)> = before.served().collect();
    let fates = {
        let old: Vec<_> = old.iter().map(|(_, entry)| entry.placed()).collect();
        diff::fates(&old, &new.iter().map(Entry::placed).collect::<Vec<_>>())
    };
    let mut doubts = Vec::new();
    for entry in fates.iter().filter_map(|fate| new.get(comes(fate)?)) {
        match start::claim(claims, &entry.config, &entry.interface, lockdir, None) {
            Ok(found) => doubts.extend(found.into_iter().map(|doubt| (entry.clone(), doubt))),
            Err(why) => errors.push(why.to_string()),
        }
    }
    let mut roster = before.clone();
    let mut facts = Vec::new();
    // Who leaves makes room for who comes.
    for (place, departure) in fates.iter().filter_map(leaves) {
        let Some((host, _)) = old.get(place) else { continue };
        roster.set(*host, Standing::Leaves(departure));
        facts.push(Fact::Leave { host: *host, departure });
    }
    let mut lines =
        Lines { warnings: read.warnings, doubts, kept: 0, others: Vec::new(), checks: Vec::new() };
    let mut archived = Vec::new();
    for fate in fates {
        let (host, entry) = match &fate {
            Fate::Kept { .. } => {
                lines.kept += 1;
                continue;
            }
            Fate::Ended { old: place } => (None, old.get(*place).map(|(_, entry)| *entry)),
            Fate::Changed { old: place, new: entry, .. } => {
                (old.get(*place).map(|(host, _)| *host), new.get(*entry))
            }
            Fate::Replaced { new: entry, .. } | Fate::Started { new: entry } => {
                let entry = new.get(*entry);
                let host = entry.and_then(|entry| roster.add(entry.config.clone(), entry.interface.clone()));
                if host.is_none() {
                    errors.push(tr!("there are too many virtual hosts").into_owned());
                }
                (host, entry)
            }
        };
        let Some(entry) = entry.cloned() else { continue };
        if let Some(host) = host {
            if let Some(known) = roster.get_mut(host) {
                match pending::after(&known.config, &known.kept, &entry.config, now) {
                    Some(kept) => {
                        if kept != known.kept {
                            archived.push(host);
                        }
                        known.kept = kept;
                    }
                    None => errors.push(tr!("{name} (id {vhid} on {interface}): the password, the addresses or the peer type have changed too often within the time that hosts have to learn of it (settle): wait", name = entry.config.name.as_deref().unwrap_or("-"), vhid = entry.config.vhid, interface = entry.interface)),
                }
                known.change(entry.config.clone());
            }
            let (interface, config) = (entry.interface.clone(), Box::new(entry.config.clone()));
            facts.push(Fact::Serve { host, interface, config });
        }
        lines.others.push((entry, fate));
    }
    // Whom they are about is served by now.
    for number in roster.check_by(read.checks) {
        let now = roster.check(number).cloned();
        facts.push(Fact::Watch { check: number, what: now.clone().map(Box::new) });
        lines.checks.push((number, before.check(number).cloned(), now));
    }
    if !errors.is_empty() {
        give_back(claims, before);
        return Err(errors);
    }
    Ok(Reloaded { roster, facts, lines, archived })
}

/// Who may need a claim that it has not yet: another group is another name on this machine.
fn comes(fate: &Fate) -> Option<usize> {
    match fate {
        Fate::Changed { new, .. } | Fate::Replaced { new, .. } | Fate::Started { new } => Some(*new),
        Fate::Kept { .. } | Fate::Ended { .. } => None,
    }
}

fn leaves(fate: &Fate) -> Option<(usize, Departure)> {
    match fate {
        Fate::Ended { old } => Some((*old, Departure::Removed)),
        Fate::Replaced { old, .. } => Some((*old, Departure::Moved)),
        Fate::Kept { .. } | Fate::Changed { .. } | Fate::Started { .. } => None,
    }
}

/// Gives back what is claimed for nobody any more.
pub(super) fn give_back(claims: &mut Claims, roster: &Roster) {
    let needed: HashSet<String> = roster.there().flat_map(|(_, entry)| start::claimed(entry)).collect();
    claims.keep_only(|name| needed.contains(name));
}

#[cfg(test)]
mod tests {
    use super::super::rules::tests::host;
    use super::*;

    /// One of this name and id on eth7.
    fn named(name: &str, id: &str, more: &[&str]) -> VirtualHostConfig {
        VirtualHostConfig { name: Some(name.to_owned()), ..host(id, more).0 }
    }

    fn read(hosts: &[VirtualHostConfig]) -> Read {
        Read { hosts: hosts.to_vec(), ..Read::default() }
    }

    fn roster(hosts: &[VirtualHostConfig]) -> Roster {
        Roster::of(hosts.iter().map(|config| (config.clone(), "eth7".to_owned())).collect())
    }

    /// Claims in a folder of its own, so that nothing of this machine matters.
    struct Place {
        folder: std::path::PathBuf,
        claims: Claims,
    }

    impl Place {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("ucarp-reload-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self { folder, claims: Claims::default() }
        }

        fn reloaded(&mut self, before: &Roster, read: Read) -> Result<Reloaded, Vec<String>> {
            reloaded(before, read, &mut self.claims, Some(&self.folder), Time::ZERO)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    /// Who is served, and who leaves and why.
    fn told(facts: &[Fact]) -> Vec<(Option<Departure>, u16)> {
        let told = |fact: &Fact| match fact {
            Fact::Serve { host, .. } => (None, *host),
            Fact::Leave { host, departure } => (Some(*departure), *host),
            other => panic!("{other:?}"),
        };
        facts.iter().map(told).collect()
    }

    #[test]
    fn what_is_as_it_was_is_not_mentioned_to_the_engine() {
        let (a, b) = (named("a", "201", &[]), named("b", "202", &[]));
        let before = roster(&[a.clone(), b.clone()]);
        let mut place = Place::new("same");
        let same = place.reloaded(&before, read(&[b, a])).unwrap();
        assert_eq!((told(&same.facts), same.lines.kept, same.lines.others.len()), (vec![], 2, 0));
        assert_eq!(same.roster.served().count(), 2);
    }

    #[test]
    fn who_leaves_goes_before_who_comes_and_keeps_his_number_meanwhile() {
        let hosts = [named("a", "203", &[]), named("b", "204", &[]), named("c", "205", &[])];
        let before = roster(&hosts);
        let mut place = Place::new("order");
        let new = [named("a", "206", &[]), named("b", "204", &["-k", "7"]), named("d", "207", &[])];
        let after = place.reloaded(&before, read(&new)).unwrap();
        let [removed, moved] = [Departure::Removed, Departure::Moved];
        let expected = [(Some(removed), 2), (Some(moved), 0), (None, 3), (None, 1), (None, 4)];
        assert_eq!(told(&after.facts), expected);
        let standing = |host| after.roster.get(host).map(|entry| entry.standing);
        assert_eq!(
            [0, 1, 2, 3, 4].map(standing),
            [
                Some(Standing::Leaves(moved)),
                Some(Standing::Serves),
                Some(Standing::Leaves(removed)),
                Some(Standing::Serves),
                Some(Standing::Serves)
            ]
        );
        assert_eq!(after.roster.get(1).unwrap().config.interval.skew, 7);
        assert_eq!(before.served().count(), 3, "the other one is another one");
        // Those who leave are no part of the next comparison.
        let next = place.reloaded(&after.roster, read(&new)).unwrap();
        assert_eq!((told(&next.facts), next.lines.kept), (vec![], 3));
    }

    #[test]
    fn what_others_have_to_learn_of_is_kept_and_nothing_else() {
        let before = roster(&[named("a", "211", &[]), named("b", "212", &[])]);
        let mut place = Place::new("kept");
        let new = [named("a", "211", &["-k", "7"]), named("b", "212", &["-p", "another"])];
        let after = place.reloaded(&before, read(&new)).unwrap();
        assert_eq!((told(&after.facts), after.archived), (vec![(None, 0), (None, 1)], vec![1]));
        let kept = |host| after.roster.get(host).is_some_and(|entry| !entry.kept.is_empty());
        assert!(!kept(0) && kept(1));
    }

    #[test]
    fn with_anything_wrong_nothing_is_claimed_or_changed() {
        let before = roster(&[named("a", "208", &[])]);
        let mut place = Place::new("wrong");
        let wrong = Read { errors: vec!["one".into(), "two".into()], ..read(&[named("b", "209", &[])]) };
        assert_eq!(place.reloaded(&before, wrong).err(), Some(vec!["one".to_owned(), "two".to_owned()]));
        // Another ucarp serves what one of the new ones would.
        let mut other = Claims::default();
        let both = [named("a", "208", &[]), named("b", "209", &[]), named("c", "210", &[])];
        assert!(start::claim(&mut other, &both[2], "eth7", Some(&place.folder), None).is_ok());
        let refused = place.reloaded(&before, read(&both)).err().unwrap();
        assert_eq!(refused.len(), 1);
        assert!(refused[0].contains("eth7 id 210"), "{refused:?}");
        assert!(start::claim(&mut other, &both[1], "eth7", Some(&place.folder), None).is_ok(), "given back");
        drop(other);
        let after = place.reloaded(&before, read(&both)).unwrap();
        assert_eq!(told(&after.facts), [(None, 1), (None, 2)]);
        let mut other = Claims::default();
        assert!(start::claim(&mut other, &both[1], "eth7", Some(&place.folder), None).is_err(), "ours now");
    }

    fn heard(reading: &mut Reading, at: Time) -> (u32, Result<Read, String>) {
        for _ in 0..2000 {
            if let Some(read) = reading.hear(at) {
                return read;
            }
            platform::wait(&[], &mut Vec::new(), Some(Duration::from_millis(5))).unwrap();
        }
        panic!("nothing was heard");
    }

    fn buried((pid, read): (u32, Result<Read, String>)) -> Result<Read, String> {
        platform::end_child(pid);
        while matches!(platform::reap(pid), Ok(None)) {
            platform::wait(&[], &mut Vec::new(), Some(Duration::from_millis(1))).unwrap();
        }
        read
    }

    #[test]
    fn more_than_fits_a_pipe_is_read_by_somebody_else() {
        let hosts: Vec<_> = (0..4096).map(|_| named("a", "7", &["-x", "some text for the script"])).collect();
        let config = |hosts: &[VirtualHostConfig]| Config {
            hosts: hosts.to_vec(),
            ..super::super::rules::tests::config()
        };
        let own = hosts.clone();
        let mut reading = Reading::new(Some(Box::new(move || Ok((config(&own), Vec::new())))));
        assert!(reading.can() && reading.deadline().is_none() && !reading.is_wanted_again());
        reading.begin(|| (), Time::ZERO).unwrap();
        reading.begin(|| (), Time::ZERO).unwrap();
        assert_eq!(reading.deadline(), Some(Time::ZERO + PATIENCE));
        let read = buried(heard(&mut reading, Time::ZERO)).unwrap();
        assert!(read.hosts == hosts && read.errors.is_empty());
        assert!(reading.is_wanted_again() && reading.descriptor().is_none());
    }

    #[test]
    fn who_reads_may_fail_in_any_way() {
        let (none, mut nothing) = (Reading::new(None), Reading::new(None));
        assert!(!none.can() && nothing.hear(Time::ZERO).is_none());
        nothing.begin(|| (), Time::ZERO).unwrap();
        assert!(nothing.pid().is_none());
        let mut ends = Reading::new(Some(Box::new(|| panic!("as a parser might"))));
        ends.begin(|| (), Time::ZERO).unwrap();
        assert!(buried(heard(&mut ends, Time::ZERO)).is_err_and(|why| why.contains("ended")));
        let mut hangs = Reading::new(Some(Box::new(|| {
            let _ = platform::wait(&[], &mut Vec::new(), Some(Duration::from_secs(60)));
            panic!("nobody ended it")
        })));
        hangs.begin(|| (), Time::ZERO).unwrap();
        assert!(hangs.hear(Time::ZERO).is_none());
        assert!(buried(heard(&mut hangs, Time::ZERO + PATIENCE)).is_err_and(|why| why.contains("long")));
    }
}
