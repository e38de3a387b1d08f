//! The configuration to go back to: the one before that which is served, or, after going back, the one that was left.
//!
//! It is kept over a restart, and with it until when a configuration is on trial, so that the promise to go back holds
//! whatever becomes of the daemon. A configuration that was taken back is not served by the next start either, as long as the
//! file has it; once the file is another one, that counts.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::coded::{Coded, named};
use super::request::{Word, decode, encode};
use super::roster::Roster;
use super::state;
use crate::config::{Check, Config, VirtualHostConfig};
use crate::protocol::Time;
use crate::sorting::sort_by;

/// What can be read again: in one order, so that two that mean the same are equal.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Setup {
    pub(super) hosts: Vec<VirtualHostConfig>,
    pub(super) checks: Vec<Check>,
}

named!(Setup { hosts, checks });

impl Setup {
    pub(super) fn new(mut hosts: Vec<VirtualHostConfig>, mut checks: Vec<Check>) -> Self {
        fn key(host: &VirtualHostConfig) -> impl Ord {
            (&host.name, &host.interface, host.vhid.get(), host.destination.v4)
        }
        sort_by(&mut hosts, |one, other| key(one).cmp(&key(other)));
        sort_by(&mut checks, |one, other| one.name.cmp(&other.name));
        Self { hosts, checks }
    }

    /// The one that is served.
    pub(super) fn of(roster: &Roster) -> Self {
        let hosts = roster.served().map(|(_, entry)| entry.config.clone());
        Self::new(hosts.collect(), roster.checks().map(|(_, check)| check.clone()).collect())
    }
}

/// What a file begins with.
const TITLE: &str = "ucarp previous 1";
/// As many as can be served at once, twice.
const LONGEST: u64 = 64 << 20;
/// How soon is tried again what could not be done.
const AGAIN: Duration = Duration::from_secs(10);
/// No trial is longer, whatever the time of day says.
const LONGEST_TRIAL: Duration = Duration::from_secs(7 * 24 * 3600);

/// The other configuration, and how that which is served relates to it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Previous {
    /// Where it is kept; nowhere, if there is nothing to read again.
    file: Option<PathBuf>,
    other: Option<Setup>,
    /// Until when the one that is served is on trial.
    until: Option<Time>,
    /// The one that is served is the older one.
    undone: bool,
}

named!(Previous { file, other, until, undone });

/// What was found at the start.
#[derive(Default)]
pub(super) struct Recalled {
    pub(super) previous: Previous,
    /// This is to be served, and not what the file says.
    pub(super) instead: Option<Setup>,
    /// Nothing could be read.
    pub(super) why: Option<io::Error>,
}

impl Previous {
    /// What was kept of the daemon of this configuration, in this folder under this name, at this time of day.
    pub(super) fn recall(
        folder: &Path,
        name: &str,
        config: &Config,
        now: Time,
        wall: Option<Duration>,
    ) -> Recalled {
        if config.source.is_none() {
            return Recalled::default();
        }
        let file = folder.join(format!("{name}.previous"));
        let read = state::read_up_to(&file, LONGEST).and_then(|text| {
            let kept = |text: &str| parse(text).ok_or_else(|| io::ErrorKind::InvalidData.into());
            text.map(|text| kept(&text)).transpose()
        });
        let nothing = Self { file: Some(file), ..Self::default() };
        match read {
            Ok(Some(kept)) => {
                let setup = Setup::new(config.hosts.clone(), config.checks.clone());
                let (previous, instead) = nothing.after(kept, &setup, now, wall);
                Recalled { previous, instead, why: None }
            }
            Ok(None) => Recalled { previous: nothing, instead: None, why: None },
            Err(why) => Recalled { previous: nothing, instead: None, why: Some(why) },
        }
    }

    /// What follows for a daemon whose file says `setup`, and what it is to serve if not that.
    fn after(self, kept: Kept, setup: &Setup, now: Time, wall: Option<Duration>) -> (Self, Option<Setup>) {
        let Kept { how, older, newer } = kept;
        let is_newer = *setup == newer;
        match how {
            How::Undone if is_newer => (Self { other: Some(newer), undone: true, ..self }, Some(older)),
            How::Trial(until) if *setup != older => {
                // Where nobody knows what time it is, it is over.
                let left = wall.map_or(Duration::ZERO, |wall| until.saturating_sub(wall));
                let until = Some(now + left.min(LONGEST_TRIAL));
                (Self { other: Some(older), until, ..self }, None)
            }
            How::Kept if !is_newer => (Self { other: Some(newer), ..self }, None),
            How::Trial(_) => (Self { other: Some(newer), ..self }, None),
            How::Kept | How::Undone => (Self { other: Some(older), ..self }, None),
        }
    }

    /// Where it is kept, if it is.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(super) const fn other(&self) -> Option<&Setup> {
        self.other.as_ref()
    }

    /// Until when the one that is served is on trial.
    pub(super) const fn until(&self) -> Option<Time> {
        self.until
    }

    /// Whether what is served is not what the file said when it was read.
    pub(super) const fn undone(&self) -> bool {
        self.undone
    }

    /// The configuration was read again, and is this now after `before`; for so long it is on trial.
    pub(super) fn reloaded(&mut self, before: Setup, after: &Setup, trial: Option<Duration>, now: Time) {
        self.undone = false;
        // Who tries one thing after the other goes back to what was before the first.
        if self.until.is_none() || self.other.as_ref() == Some(after) {
            if before == *after {
                return;
            }
            (self.other, self.until) = (Some(before), None);
        }
        self.until = trial.map(|trial| now + trial).or(self.until);
    }

    /// It is no trial any more: whether it was one.
    pub(super) fn confirm(&mut self) -> bool {
        self.until.take().is_some()
    }

    /// It was gone back, from this.
    pub(super) fn went_back(&mut self, from: Setup) {
        (self.other, self.until, self.undone) = (Some(from), None, !self.undone);
    }

    /// It could not be gone back.
    pub(super) fn later(&mut self, now: Time) {
        self.until = self.until.map(|_| now + AGAIN);
    }

    /// Keeps it beside what is served.
    ///
    /// # Errors
    /// It cannot be written: what was kept before is still there.
    pub(super) fn keep(&self, served: &Setup, now: Time, wall: Duration) -> io::Result<()> {
        let (Some(file), Some(other)) = (&self.file, &self.other) else { return Ok(()) };
        let how = match self.until {
            // Rather a moment too long than none.
            Some(until) => How::Trial(wall + until.since(now) + Duration::from_secs(1)),
            None if self.undone => How::Undone,
            None => How::Kept,
        };
        let (older, newer) = if self.undone { (served, other) } else { (other, served) };
        state::replace(file, &print(how, older, newer))
    }
}

/// What a file says.
struct Kept {
    how: How,
    older: Setup,
    newer: Setup,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum How {
    /// The newer one is served.
    Kept,
    /// It is, until this time of day.
    Trial(Duration),
    /// The older one is served.
    Undone,
}

fn print(how: How, older: &Setup, newer: &Setup) -> Zeroizing<String> {
    let mut text = Zeroizing::new(match how {
        How::Kept => format!("{TITLE}\nkept\n"),
        How::Trial(until) => format!("{TITLE}\ntrial {}\n", until.as_secs()),
        How::Undone => format!("{TITLE}\nundone\n"),
    });
    for (which, setup) in [("older", older), ("newer", newer)] {
        let hosts = setup.hosts.iter().map(|host| Word::Host(Box::new(host.clone())));
        for word in hosts.chain(setup.checks.iter().map(|check| Word::Check(Box::new(check.clone())))) {
            let _ = write!(text, "{which} ");
            Zeroizing::new(encode(&word)).iter().for_each(|byte| _ = write!(text, "{byte:02x}"));
            text.push('\n');
        }
    }
    text
}

fn parse(text: &str) -> Option<Kept> {
    let mut lines = text.lines();
    lines.next().filter(|title| *title == TITLE)?;
    let how = match lines.next()? {
        "kept" => How::Kept,
        "undone" => How::Undone,
        line => How::Trial(Duration::from_secs(line.strip_prefix("trial ")?.parse().ok()?)),
    };
    let (mut older, mut newer) = (Setup::default(), Setup::default());
    for line in lines {
        let (setup, hex) = match line.split_once(' ')? {
            ("older", hex) => (&mut older, hex),
            ("newer", hex) => (&mut newer, hex),
            _ => return None,
        };
        match decode::<Word>(&Zeroizing::new(bytes(hex)?))? {
            Word::Host(host) => setup.hosts.push(*host),
            Word::Check(check) => setup.checks.push(*check),
            Word::Warning(_) | Word::Error(_) | Word::Done => return None,
        }
    }
    Some(Kept { how, older, newer })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::super::rules::tests::host;
    use super::*;

    const WALL: Duration = Duration::from_secs(1_800_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Time {
        Time::new(Duration::from_secs(seconds))
    }

    fn setup(skew: &str) -> Setup {
        Setup::new(vec![host("9", &["-k", skew]).0, host("8", &[]).0], Vec::new())
    }

    fn previous(folder: &Path) -> Previous {
        Previous { file: Some(folder.join("x.previous")), ..Previous::default() }
    }

    /// What a daemon finds whose file says `setup`, so many seconds later.
    fn recalled(kept: &Previous, served: &Setup, setup: &Setup, later: u64) -> (Previous, Option<Setup>) {
        kept.keep(served, at(100), WALL).unwrap();
        let text = state::read_up_to(kept.file().unwrap(), LONGEST).unwrap().unwrap();
        let nothing = Previous { file: kept.file.clone(), ..Previous::default() };
        let wall = Some(WALL + Duration::from_secs(later));
        nothing.after(parse(&text).unwrap(), setup, at(5), wall)
    }

    #[test]
    fn the_other_one_is_gone_to_and_back() {
        let folder = std::env::temp_dir().join(format!("ucarp-previous-{}", std::process::id()));
        let [one, two, three] = ["1", "2", "3"].map(setup);
        let mut it = previous(&folder);
        it.reloaded(one.clone(), &one, Some(MINUTE), at(0));
        assert_eq!((it.other(), it.until()), (None, None), "nothing changed");
        it.reloaded(one.clone(), &two, None, at(0));
        assert_eq!((it.other(), it.until()), (Some(&one), None));
        assert_eq!(recalled(&it, &two, &two, 1).0, it);
        let (other, instead) = recalled(&it, &two, &three, 1);
        assert_eq!((other.other(), instead), (Some(&two), None), "the file changed while nobody served it");
        it.went_back(two.clone());
        assert_eq!((it.other(), it.undone()), (Some(&two), true));
        assert_eq!(recalled(&it, &one, &two, 1), (it.clone(), Some(one.clone())), "the file still has it");
        let (other, instead) = recalled(&it, &one, &three, 1);
        assert_eq!((other.other(), other.undone(), instead), (Some(&one), false, None));
        it.went_back(one.clone());
        assert_eq!((it.other(), it.undone()), (Some(&one), false), "forth again");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_trial_goes_on_over_a_restart_and_ends_by_the_first_one_gone_back_to() {
        let folder = std::env::temp_dir().join(format!("ucarp-trial-{}", std::process::id()));
        let [one, two, three] = ["1", "2", "3"].map(setup);
        let mut it = previous(&folder);
        it.reloaded(one.clone(), &two, Some(MINUTE), at(100));
        assert_eq!(it.until(), Some(at(160)));
        it.reloaded(two.clone(), &three, None, at(110));
        assert_eq!((it.other(), it.until()), (Some(&one), Some(at(160))), "nobody confirmed the first");
        it.reloaded(three.clone(), &three, Some(MINUTE), at(120));
        assert_eq!(it.until(), Some(at(180)));
        for (later, left) in [(10, 71), (80, 1), (81, 0), (999, 0)] {
            let (found, instead) = recalled(&it, &three, &three, later);
            assert_eq!((found.other(), found.until(), instead), (Some(&one), Some(at(5 + left)), None));
        }
        let (found, _) = recalled(&it, &three, &one, 10);
        assert_eq!((found.other(), found.until()), (Some(&three), None), "the file went back");
        it.later(at(180));
        assert_eq!(it.until(), Some(at(190)));
        let mut other = it.clone();
        assert!(other.confirm() && !other.confirm());
        other.later(at(190));
        assert_eq!((other.other(), other.until()), (Some(&one), None));
        it.reloaded(three.clone(), &one, None, at(130));
        assert_eq!((it.other(), it.until()), (Some(&three), None));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_no_such_file_is_nothing() {
        let whole = print(How::Trial(WALL), &setup("1"), &setup("2"));
        assert!(parse(&whole).is_some());
        for wrong in [
            "",
            "ucarp previous 2\nkept\n",
            &format!("{TITLE}\n"),
            &format!("{TITLE}\ngone\n"),
            &format!("{TITLE}\ntrial x\n"),
            &format!("{TITLE}\nkept\nolder 0\n"),
            &format!("{TITLE}\nkept\nolder zz\n"),
            &format!("{TITLE}\nkept\noldest 03\n"),
            &format!("{TITLE}\nkept\nolder 03\n"),
            &whole[..whole.len() - 4],
        ] {
            assert!(parse(wrong).is_none(), "{wrong:?}");
        }
    }
}
