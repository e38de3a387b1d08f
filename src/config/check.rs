//! What tells whether this host is fit to serve: a check, from its table in a file.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use super::reading::Reading;
use super::{Account, Error, FileError, Warning, shown, words};

const SECOND: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3600);
/// As many runs in a row may be asked for.
const MOST_RUNS: u16 = 1000;

/// A check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Check {
    /// What the operator calls it.
    pub name: String,
    /// What it looks at.
    pub probe: Probe,
    /// Time from one run to the next, 100 ms to 1 h.
    pub every: Duration,
    /// How long a run may take, 100 ms to 1 h.
    pub timeout: Duration,
    /// So many runs in a row have to fail, 1..=1000, until it fails.
    pub fall: u16,
    /// So many runs in a row have to pass, 1..=1000, until it does not fail any more.
    pub rise: u16,
    /// By how much it demotes while it fails, 1..=254.
    pub demote: u8,
    /// What else its failing means.
    pub on_failure: OnFailure,
    /// Whom it is about.
    pub whom: Whom,
    /// What is thought of it before its first run, when the daemon starts.
    pub initial: Verdict,
}

/// What a check looks at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Probe {
    /// That this ends with the status 0: a program by its absolute name, and its other words.
    Command {
        /// The program; it could be run when looked at.
        program: PathBuf,
        /// What it is given.
        words: Vec<String>,
        /// Who runs it; whoever the engine is, if nobody is named.
        user: Option<Account>,
    },
    /// That this interface is up and running.
    Interface(String),
    /// That this is a file: absolute, and looked at by whoever is named.
    File {
        /// Its name.
        path: PathBuf,
        /// Who looks.
        user: Option<Account>,
    },
    /// That the kernel's own demotion of CARP is 0.
    CarpDemotion,
}

impl Probe {
    /// Whether it takes a process, and time.
    #[must_use]
    pub const fn runs(&self) -> bool {
        matches!(self, Self::Command { .. } | Self::File { .. })
    }
}

/// What a check that fails means besides its demotion.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnFailure {
    /// Nothing.
    #[default]
    Demote,
    /// No mastership, whoever else is there.
    Release,
    /// No mastership while another host is known to be ready.
    ReleaseUnlessLast,
}

impl OnFailure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Demote, Self::Release, Self::ReleaseUnlessLast];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Demote => "demote",
            Self::Release => "release",
            Self::ReleaseUnlessLast => "release-unless-last",
        }
    }
}

/// What is thought of what a check looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Verdict {
    /// It is not well.
    #[default]
    Failing,
    /// It is well.
    Passing,
    /// Nobody knows yet, and nobody is demoted for that.
    Unknown,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Failing, Self::Passing, Self::Unknown];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Passing => "passing",
            Self::Unknown => "unknown",
        }
    }
}

/// Whom a check is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whom {
    /// The virtual hosts of these names, one at least; all of them exist.
    Vips(Vec<String>),
    /// All in the group of this name, which exists.
    Group(String),
}

impl Whom {
    /// Whether a virtual host of this name, in this group, is meant.
    #[must_use]
    pub fn means(&self, name: Option<&str>, group: Option<&str>) -> bool {
        match self {
            Self::Vips(names) => name.is_some_and(|name| names.iter().any(|meant| meant == name)),
            Self::Group(meant) => group == Some(meant),
        }
    }
}

/// The check, unless something is wrong or missing; what that is the reading then has. Whether whom it is about exists is
/// not known here.
pub(super) fn read(reading: &mut Reading<'_>, name: &str) -> Option<Check> {
    let before = reading.errors.len();
    let probe = probe(reading);
    let mut time = |option, usual| {
        let time = reading.value(option, |option, word| words::time(option, word, None, SHORTEST..=LONGEST));
        time.unwrap_or(usual)
    };
    let (every, timeout) = (time("--every", 3 * SECOND), time("--timeout", 2 * SECOND));
    let mut runs = |option, usual| {
        let runs = reading.value(option, |option, word| words::number(option, word, 1, MOST_RUNS));
        runs.unwrap_or(usual)
    };
    let (fall, rise) = (runs("--fall", 3), runs("--rise", 2));
    let demote = reading.value("--demote", amount).unwrap_or(240);
    let on_failure =
        reading.value("--on-failure", |_, word| one_of(&OnFailure::ALL, OnFailure::name, "on-failure", word));
    let initial = reading.value("--initial", |_, word| one_of(&Verdict::ALL, Verdict::name, "initial", word));
    let whom = whom(reading);
    let check = Check {
        name: name.to_owned(),
        probe: probe?,
        every,
        timeout,
        fall,
        rise,
        demote,
        on_failure: on_failure.unwrap_or_default(),
        whom: whom?,
        initial: initial.unwrap_or_default(),
    };
    if reading.errors.len() > before {
        return None;
    }
    if check.on_failure == OnFailure::Release {
        reading.warn("--on-failure", Warning::ReleasesAll { check: name.to_owned() });
    }
    Some(check)
}

fn probe(reading: &mut Reading<'_>) -> Option<Probe> {
    let is_given = |option: &&str| match *option {
        "--carp-demotion" => reading.switch(option, false),
        option => reading.is_given(option),
    };
    let mut given = ["--command", "--interface", "--file", "--carp-demotion"].into_iter().filter(is_given);
    let (first, second) = (given.next(), given.next());
    let Some(first) = first else {
        reading.lacks(Error::File(FileError::NoProbe));
        return None;
    };
    if let Some(second) = second {
        let [first, key] = [first, second].map(|option| option.trim_start_matches('-'));
        reading.refuse(second, Error::File(FileError::TwoProbes { first, second: key }));
        return None;
    }
    if matches!(first, "--interface" | "--carp-demotion") {
        for (option, key) in [("--timeout", "timeout"), ("--user", "user")] {
            if reading.is_given(option) {
                reading.refuse(option, Error::File(FileError::NoProgram { key }));
            }
        }
    }
    match first {
        "--command" => {
            let user = user(reading);
            let (program, words) = reading.command("--command")?;
            Some(Probe::Command { program, words, user })
        }
        "--interface" => reading
            .value("--interface", |_, word| words::interface(word))
            .map(|(name, _)| Probe::Interface(name)),
        "--file" => {
            let user = user(reading);
            reading.file("--file", words::file).map(|path| Probe::File { path, user })
        }
        _ => Some(Probe::CarpDemotion),
    }
}

/// Who runs a program, if somebody is named. Who is a user is asked only where the words alone are not all that matters.
fn user(reading: &mut Reading<'_>) -> Option<Account> {
    let manner = reading.manner;
    if manner.words_only {
        return None;
    }
    reading.value("--user", |option, word| {
        words::account(option, word, manner.caller).map_err(|error| match error {
            Error::UserIsRoot { value, .. } => Error::File(FileError::UserIsRoot { value }),
            other => other,
        })
    })
}

fn amount(option: &'static str, word: &OsStr) -> Result<u8, Error> {
    if words::number(option, word, u8::MAX, u8::MAX).is_ok() {
        return Err(Error::File(FileError::DemotesAltogether));
    }
    words::number(option, word, 1, u8::MAX - 1)
}

fn whom(reading: &mut Reading<'_>) -> Option<Whom> {
    let group = reading.value("--group", |_, word| words::name(word));
    match (reading.is_given("--vips"), reading.is_given("--group")) {
        (false, false) => {
            reading.lacks(Error::File(FileError::NobodyMeant));
            None
        }
        (true, true) => {
            reading.refuse("--group", Error::File(FileError::BothMeant));
            None
        }
        (false, true) => group.map(Whom::Group),
        (true, false) => {
            // Who has more of them has a group.
            if !reading.fits("--vips", 4096) {
                return None;
            }
            let names = reading.words("--vips").into_iter();
            Some(Whom::Vips(names.map(|(word, _)| word.to_string_lossy().into_owned()).collect()))
        }
    }
}

fn one_of<T: Copy>(
    all: &[T],
    name: fn(T) -> &'static str,
    key: &'static str,
    word: &OsStr,
) -> Result<T, Error> {
    let found = all.iter().copied().find(|one| name(*one).as_bytes() == word.as_encoded_bytes());
    found.ok_or_else(|| {
        let words = all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
        Error::File(FileError::NoneOf { key, value: shown(word), words })
    })
}
