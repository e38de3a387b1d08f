//! What the operator demotes by hand, maintenance included: kept over a restart, a file for each virtual host.
//!
//! A file that cannot be understood may have said that the host is in maintenance, and so it is, until somebody says
//! otherwise: a host that serves although it was told not to is worse than one that does not and says why.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::coded::{Coded, named};
use super::state;
use crate::config::VirtualHostConfig;
use crate::config::order::{MAINTENANCE, MOST};
use crate::protocol::Time;

/// One demotion by hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Demand {
    /// Its name, by which it is taken back.
    pub(super) name: String,
    /// By how much, 1..=254.
    pub(super) amount: u8,
    /// The user who asked for it; nobody did, if nothing could be read.
    pub(super) by: Option<u32>,
    /// When, as the time of day since 1970.
    pub(super) since: Duration,
    /// When it ends by itself.
    pub(super) until: Option<Time>,
    pub(super) because: Option<String>,
}

named!(Demand { name, amount, by, since, until, because });

impl Demand {
    pub(super) fn is_maintenance(&self) -> bool {
        self.name == MAINTENANCE
    }

    /// For what cannot be read.
    pub(super) fn unread(now_of_day: Duration) -> Self {
        let name = MAINTENANCE.to_owned();
        Self { name, amount: MOST, by: None, since: now_of_day, until: None, because: None }
    }
}

/// What a file begins with.
const TITLE: &str = "ucarp demotions 1";
const KIND: &str = "demotions";

/// The folder of the files.
#[derive(Clone, Debug)]
pub(super) struct DemandFiles(PathBuf);

impl DemandFiles {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// What was demanded of a virtual host and is not over.
    ///
    /// # Errors
    /// There is a file, and it cannot be read or understood.
    pub(super) fn read(
        &self,
        config: &VirtualHostConfig,
        interface: &str,
        now: Time,
        wall: Duration,
    ) -> io::Result<Vec<Demand>> {
        let path = state::path(&self.0, config, interface, KIND);
        // Where the folder is closed to us nobody of ours wrote one.
        if fs::symlink_metadata(&path).is_err() {
            return Ok(Vec::new());
        }
        let text = state::read(&path)?.ok_or(io::ErrorKind::NotFound)?;
        parse(&text, now, wall).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// This is what is demanded of it from now on.
    ///
    /// # Errors
    /// It cannot be written: what was there is still there.
    pub(super) fn write(
        &self,
        config: &VirtualHostConfig,
        interface: &str,
        demands: &[Demand],
        now: Time,
        wall: Duration,
    ) -> io::Result<()> {
        let path = state::path(&self.0, config, interface, KIND);
        let text = (!demands.is_empty()).then(|| print(demands, now, wall));
        state::keep(&path, text.as_deref())
    }
}

/// A line for each, its times as those of day: the other clock begins anew with the machine.
fn print(demands: &[Demand], now: Time, wall: Duration) -> String {
    let mut text = format!("{TITLE}\n");
    let word = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    for Demand { name, amount, by, since, until, because } in demands {
        // Rather a moment too long than none.
        let until = until.map(|until| (wall + until.since(now)).as_secs() + 1);
        let (by, until, since) = (word(by.map(Into::into)), word(until), since.as_secs());
        let because = because.as_deref().unwrap_or_default();
        let _ = writeln!(text, "{name} {amount} {by} {since} {until} {because}");
    }
    text
}

fn parse(text: &str, now: Time, wall: Duration) -> Option<Vec<Demand>> {
    let mut lines = text.lines();
    lines.next().filter(|title| *title == TITLE)?;
    let mut demands: Vec<Demand> = lines.map(|line| demand(line, now, wall)).collect::<Option<_>>()?;
    demands.retain(|demand| demand.until.is_none_or(|until| until > now));
    Some(demands)
}

fn demand(line: &str, now: Time, wall: Duration) -> Option<Demand> {
    let mut words = line.splitn(6, ' ');
    let mut next = || words.next();
    let name = next().filter(|name| !name.is_empty())?.to_owned();
    let amount = next()?.parse().ok().filter(|amount| (1..=MOST).contains(amount))?;
    let number = |word: &str| if word == "-" { Some(None) } else { word.parse().ok().map(Some) };
    let by = number(next()?)?.map(u32::try_from).transpose().ok()?;
    let since = Duration::from_secs(next()?.parse().ok()?);
    let until: Option<u64> = number(next()?)?;
    let because = next().filter(|text| !text.is_empty()).map(str::to_owned);
    // A clock that was set back makes nothing longer than it was to be.
    let left = |until: Duration| until.saturating_sub(wall).min(until.saturating_sub(since));
    let until = until.map(|until| now + left(Duration::from_secs(until)));
    Some(Demand { name, amount, by, since, until, because })
}

#[cfg(test)]
mod tests {
    use super::super::rules::tests::host;
    use super::*;

    const WALL: Duration = Duration::from_secs(1_800_000_000);

    fn at(seconds: u64) -> Time {
        Time::new(Duration::from_secs(seconds))
    }

    fn demands() -> Vec<Demand> {
        let maintenance = Demand { by: Some(0), since: WALL, ..Demand::unread(WALL) };
        let boot = Demand {
            name: "boot".into(),
            amount: 7,
            by: Some(1000),
            until: Some(at(160)),
            because: Some("of two words".into()),
            ..maintenance.clone()
        };
        vec![maintenance, boot]
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let text = print(&demands(), at(100), WALL);
        let read = |seconds: u64| parse(&text, at(5), WALL + Duration::from_secs(seconds)).unwrap();
        let mut later = demands();
        later[1].until = Some(at(5 + 51));
        assert_eq!(read(10), later);
        assert_eq!(read(61).len(), 1, "its time is over");
        let back = parse(&text, at(5), WALL - Duration::from_secs(9_999)).unwrap();
        assert_eq!(back[1].until, Some(at(5 + 61)), "the clock was set back");
        for wrong in [
            "",
            "ucarp demotions 2\n",
            "ucarp demotions 1\nmaintenance\n",
            "ucarp demotions 1\nmaintenance 0 - 0 -\n",
            "ucarp demotions 1\nmaintenance 255 - 0 -\n",
            "ucarp demotions 1\nmaintenance 254 x 0 -\n",
            "ucarp demotions 1\nmaintenance 254 0 x -\n",
            "ucarp demotions 1\nmaintenance 254 0 0\n",
            "ucarp demotions 1\n\n",
        ] {
            assert_eq!(parse(wrong, at(5), WALL), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_file_goes_with_the_last_demand_and_one_that_is_none_is_an_error() {
        let folder = std::env::temp_dir().join(format!("ucarp-demands-{}", std::process::id()));
        let files = DemandFiles::new(folder.clone());
        let (config, interface) = host("42", &[]);
        let read = || files.read(&config, &interface, at(100), WALL);
        assert_eq!(read().unwrap(), []);
        files.write(&config, &interface, &demands(), at(100), WALL).unwrap();
        assert_eq!(read().unwrap().len(), 2);
        let path = state::path(&folder, &config, &interface, KIND);
        state::replace(&path, "nonsense").unwrap();
        assert!(read().is_err());
        files.write(&config, &interface, &[], at(100), WALL).unwrap();
        assert_eq!(read().unwrap(), []);
        fs::remove_dir_all(folder).unwrap();
    }
}
