//! What an operator has a running daemon do: the words of ucarpctl into one value.
//!
//! Both sides of the socket read them, the tool to say what is wrong with them before anybody is asked, the daemon because
//! it believes nobody.

use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::time::Duration;

use super::options::similar;
use super::{Error, shown, verbs, words};
use crate::i18n::tr;
use crate::ids;
use crate::protocol::Role;

/// What is to be done, to whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// What.
    pub verb: Verb,
    /// Whom it means; nobody was named if this is empty.
    pub whom: Vec<Named>,
    /// For how long, 1 s to 366 days; without it for ever. For how long is waited, 1 s to 1 h. How long a configuration is on
    /// trial, 1 s to 7 days.
    pub lasts: Option<Duration>,
    /// Why, one line of at most 120 bytes.
    pub because: Option<String>,
    /// Even if it makes little sense, or leaves nobody.
    pub force: bool,
}

/// What can be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Begin maintenance, or end it.
    Maintenance(bool),
    /// Demote under this name by this amount, 1..=254.
    Demote {
        /// As [`Verb::Undemote`] takes it.
        name: String,
        /// By how much.
        amount: u8,
    },
    /// Take the demotion of this name back.
    Undemote {
        /// As it was given.
        name: String,
    },
    /// Have a master step aside.
    Resign,
    /// Have a backup take the addresses, once.
    Take,
    /// Read the configuration again.
    Reload {
        /// Say what would change, and change nothing.
        dry_run: bool,
    },
    /// Go back to the configuration before the last one.
    Undo,
    /// Every host has been told of the password and the addresses that are configured here; a configuration on trial stays.
    Confirm,
    /// Say when all have this role.
    Wait(Role),
    /// Say how they stand.
    Status,
    /// The same for a monitoring system, which expects this role.
    Monitor(Option<Role>),
    /// Say who else speaks for them.
    Peers,
    /// Say all of it to somebody who looks on.
    Watch,
    /// Say what happens from now on, and before that what has happened since the event of this number.
    Events(Option<u64>),
    /// Say it in figures.
    Metrics,
    /// Have the program that is installed now take over.
    Upgrade,
    /// Say which version runs.
    Version,
}

impl Verb {
    /// Whether it only asks.
    #[must_use]
    pub const fn is_question(&self) -> bool {
        matches!(
            self,
            Self::Status
                | Self::Monitor(_)
                | Self::Wait(_)
                | Self::Peers
                | Self::Watch
                | Self::Events(_)
                | Self::Metrics
                | Self::Version
        )
    }
}

/// Whom a word means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Named {
    /// All of them.
    All,
    /// The members of this group.
    Group(String),
    /// The one of this name, or `INTERFACE-VHID`.
    One(String),
}

/// What is wrong with the words. `Display` is the translated sentence.
#[derive(Debug)]
#[expect(missing_docs, reason = "the sentence in Display is the documentation of each variant")]
pub enum OrderError {
    NoVerb,
    UnknownVerb { value: String, similar: Option<&'static str> },
    UnknownOption { value: String, verb: &'static str },
    MissingValue { option: &'static str },
    OnOrOff,
    NothingToTry,
    NobodyNamed { verb: &'static str },
    TooMuch { value: String, verb: &'static str },
    Cause { value: String },
    Reserved,
    Because { most: usize },
    Role { value: String },
    Since { value: String },
    Value(Error),
}

/// The name of a demotion for which none was given, and of the one that maintenance is.
pub const OPERATOR: &str = "operator";
/// See above.
pub const MAINTENANCE: &str = "maintenance";
/// How much that is; nobody is demoted more.
pub const MOST: u8 = 254;
const USUAL: u8 = 240;
const ROLES: [Role; 3] = [Role::Init, Role::Backup, Role::Master];
/// How long is waited for a role, unless something else is said, and at most.
const WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
const LONGEST_TRIAL: Duration = Duration::from_secs(7 * 24 * 3600);
const LONGEST_REASON: usize = 120;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// The words behind a verb.
#[derive(Default)]
struct Given<'a> {
    plain: Vec<&'a str>,
    /// Each with what it takes, or nothing.
    options: Vec<(&'static str, &'a str)>,
}

impl<'a> Given<'a> {
    /// What was given last.
    fn get(&self, option: &str) -> Option<&'a str> {
        self.options.iter().rev().find(|(known, _)| *known == option).map(|(_, value)| *value)
    }

    fn has(&self, option: &str) -> bool {
        self.get(option).is_some()
    }
}

impl Order {
    /// Reads the words after the tool's own options.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(words: &[&str]) -> Result<Self, OrderError> {
        let (verb, rest) = words.split_first().ok_or(OrderError::NoVerb)?;
        let row = verbs::ALL.iter().find(|row| row.verb == *verb).ok_or_else(|| OrderError::UnknownVerb {
            value: shown(OsStr::new(verb)),
            similar: similar(verb.as_bytes(), &mut verbs::ALL.iter().map(|row| row.verb)),
        })?;
        let (verb, given) = (row.verb, read(row, rest)?);
        let mut plain = given.plain.iter().copied();
        let is_named = given.has("--all");
        let mut one = || match is_named {
            true => Ok(None),
            false => plain.next().map(|word| Some(named(word))).ok_or(OrderError::NobodyNamed { verb }),
        };
        let mut whom = Vec::new();
        let verb_of = match verb {
            "maintenance" => match plain.next() {
                Some("on") => Verb::Maintenance(true),
                Some("off") => Verb::Maintenance(false),
                _ => return Err(OrderError::OnOrOff),
            },
            "demote" => {
                whom.extend(one()?);
                let amount = plain.next().map(|word| words::number("AMOUNT", OsStr::new(word), 1, MOST));
                let amount = amount.transpose().map_err(OrderError::Value)?.unwrap_or(USUAL);
                Verb::Demote { name: cause(given.get("--name"))?, amount }
            }
            "undemote" => {
                whom.extend(one()?);
                Verb::Undemote { name: cause(plain.next().or(given.get("--name")))? }
            }
            "resign" => Verb::Resign,
            "status" => Verb::Status,
            "monitor" => Verb::Monitor(match given.get("--expect") {
                None | Some("any") => None,
                Some(word) => Some(role(word)?),
            }),
            "wait" => {
                Verb::Wait(role(given.get("--state").ok_or(OrderError::MissingValue { option: "--state" })?)?)
            }
            "take" => Verb::Take,
            "reload" => Verb::Reload { dry_run: given.has("--dry-run") },
            "undo" => Verb::Undo,
            "peers" => Verb::Peers,
            "watch" => Verb::Watch,
            "events" => Verb::Events(given.get("--since").map(event).transpose()?),
            "metrics" => Verb::Metrics,
            "confirm" => Verb::Confirm,
            "upgrade" => Verb::Upgrade,
            _ => Verb::Version,
        };
        let takes_names = match &verb_of {
            Verb::Maintenance(_)
            | Verb::Resign
            | Verb::Take
            | Verb::Confirm
            | Verb::Wait(_)
            | Verb::Status
            | Verb::Peers
            | Verb::Watch
            | Verb::Monitor(_) => true,
            // Those have theirs, or none.
            Verb::Demote { .. }
            | Verb::Undemote { .. }
            | Verb::Reload { .. }
            | Verb::Undo
            | Verb::Events(_)
            | Verb::Metrics
            | Verb::Upgrade
            | Verb::Version => false,
        };
        if takes_names {
            whom.extend(plain.by_ref().map(named));
        }
        if let Some(word) = plain.next() {
            return Err(OrderError::TooMuch { value: shown(OsStr::new(word)), verb });
        }
        if is_named {
            whom = vec![Named::All];
        }
        let time = |option, most| {
            let read = |word| words::time(option, OsStr::new(word), None, SHORTEST..=most);
            given.get(option).map(read).transpose().map_err(OrderError::Value)
        };
        let lasts = match verb_of {
            Verb::Wait(_) => Some(time("--timeout", LONGEST_WAIT)?.unwrap_or(WAIT)),
            Verb::Reload { .. } => time("--undo-after", LONGEST_TRIAL)?,
            _ => time("--for", LONGEST)?,
        };
        if given.has("--dry-run") && lasts.is_some() {
            return Err(OrderError::NothingToTry);
        }
        Ok(Self {
            verb: verb_of,
            whom,
            lasts,
            because: given.get("--because").map(reason).transpose()?,
            force: given.has("--force"),
        })
    }
}

fn named(word: &str) -> Named {
    match word.strip_prefix('@') {
        Some(group) => Named::Group(group.to_owned()),
        None => Named::One(word.to_owned()),
    }
}

fn read<'a>(row: &verbs::Row, words: &[&'a str]) -> Result<Given<'a>, OrderError> {
    let mut given = Given::default();
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        if !word.starts_with("--") {
            given.plain.push(word);
            continue;
        }
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word, None),
        };
        let known = row
            .options
            .iter()
            .find(|(known, takes)| *known == option && (value.is_none() || *takes != verbs::Takes::Nothing));
        let Some((option, takes)) = known.copied() else {
            return Err(OrderError::UnknownOption { value: shown(OsStr::new(word)), verb: row.verb });
        };
        let value = match takes {
            verbs::Takes::Nothing => "",
            verbs::Takes::Something | verbs::Takes::OneOf(_) => {
                value.or_else(|| words.next()).ok_or(OrderError::MissingValue { option })?
            }
        };
        given.options.push((option, value));
    }
    Ok(given)
}

/// The name of a demotion: letters, digits, dashes and underscores, and none that anything else has.
fn cause(word: Option<&str>) -> Result<String, OrderError> {
    let word = word.unwrap_or(OPERATOR);
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match word {
        MAINTENANCE => Err(OrderError::Reserved),
        _ if (1..=32).contains(&word.len()) && word.bytes().all(letter) => Ok(word.to_owned()),
        _ => Err(OrderError::Cause { value: shown(OsStr::new(word)) }),
    }
}

fn role(word: &str) -> Result<Role, OrderError> {
    let is = |role: &Role| role.code().eq_ignore_ascii_case(word);
    ROLES.into_iter().find(is).ok_or_else(|| OrderError::Role { value: shown(OsStr::new(word)) })
}

fn event(word: &str) -> Result<u64, OrderError> {
    word.parse().map_err(|_| OrderError::Since { value: shown(OsStr::new(word)) })
}

fn reason(word: &str) -> Result<String, OrderError> {
    if word.len() > LONGEST_REASON || word.chars().any(char::is_control) {
        return Err(OrderError::Because { most: LONGEST_REASON });
    }
    Ok(word.to_owned())
}

fn every_verb() -> String {
    verbs::ALL.map(|row| row.verb).join(", ")
}

impl OrderError {
    /// The sentence with the identifier behind it.
    #[must_use]
    pub fn with_id(&self) -> String {
        format!("{self} [{}]", self.id())
    }

    /// What stands in brackets at the end of the line, see [`ids`].
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Self::NoVerb => ids::ORDER_NO_VERB,
            Self::UnknownVerb { .. } => ids::ORDER_UNKNOWN_VERB,
            Self::UnknownOption { .. } => ids::ORDER_UNKNOWN_OPTION,
            Self::MissingValue { .. } => ids::ORDER_MISSING_VALUE,
            Self::OnOrOff => ids::ORDER_ON_OR_OFF,
            Self::NothingToTry => ids::ORDER_NOTHING_TO_TRY,
            Self::NobodyNamed { .. } => ids::ORDER_NOBODY_NAMED,
            Self::TooMuch { .. } => ids::ORDER_TOO_MUCH,
            Self::Cause { .. } => ids::ORDER_CAUSE,
            Self::Reserved => ids::ORDER_RESERVED,
            Self::Because { .. } => ids::ORDER_BECAUSE,
            Self::Role { .. } => ids::ORDER_ROLE,
            Self::Since { .. } => ids::ORDER_SINCE,
            Self::Value(error) => error.id(),
        }
    }
}

impl Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            // TRANSLATORS: {verbs} are the verbs of ucarpctl, such as status, with commas between them; verbs are not translated.
            Self::NoVerb => tr!("nothing to do was given: {verbs}", verbs = every_verb()),
            Self::UnknownVerb { value, similar: Some(similar) } => {
                // TRANSLATORS: {similar} is a verb that was meant perhaps.
                tr!("{value}: no such verb; {similar}?", value, similar)
            }
            Self::UnknownVerb { value, similar: None } => {
                tr!("{value}: no such verb; there are {verbs}", value, verbs = every_verb())
            }
            Self::UnknownOption { value, verb } => {
                tr!("{value}: {verb} has no such option", value, verb)
            }
            Self::MissingValue { option } => {
                tr!("{option}: needs a value", option)
            }
            Self::OnOrOff => tr!("maintenance: on or off has to follow").into_owned(),
            Self::NothingToTry => {
                tr!("reload: --dry-run changes nothing, so --undo-after has nothing to undo").into_owned()
            }
            Self::NobodyNamed { verb } => {
                tr!("{verb}: say whom: a name, @GROUP or --all", verb)
            }
            Self::TooMuch { value, verb } => {
                tr!("{value}: that is more than {verb} takes", value, verb)
            }
            Self::Cause { value } => tr!(
                "{value}: the name of a demotion has 1 to 32 letters, digits, dashes and underscores",
                value
            ),
            Self::Reserved => {
                tr!("maintenance: that demotion has a verb of its own: ucarpctl maintenance on").into_owned()
            }
            Self::Because { most } => {
                // TRANSLATORS: {most} is 120.
                tr!("--because: one line of at most {most} bytes", most)
            }
            Self::Role { value } => {
                tr!("{value}: no such state: init, backup or master", value)
            }
            Self::Since { value } => {
                tr!("--since: the number of an event is wanted, not {value}", value)
            }
            Self::Value(error) => return error.fmt(f),
        };
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Order, String> {
        Order::parse(&line.split_whitespace().collect::<Vec<_>>()).map_err(|error| error.to_string())
    }

    fn order(verb: Verb, whom: &[&str]) -> Order {
        let whom = whom.iter().map(|word| if *word == "--all" { Named::All } else { named(word) }).collect();
        Order { verb, whom, lasts: None, because: None, force: false }
    }

    #[test]
    fn words_become_one_value() {
        let on = || Verb::Maintenance(true);
        assert_eq!(parse("maintenance on"), Ok(order(on(), &[])));
        assert_eq!(parse("maintenance on web @front"), Ok(order(on(), &["web", "@front"])));
        assert_eq!(parse("maintenance on --all"), Ok(order(on(), &["--all"])));
        let order_of = parse("maintenance on web --for 10m --because=disk --force").unwrap();
        assert_eq!((order_of.lasts, order_of.force), (Some(Duration::from_secs(600)), true));
        assert_eq!(order_of.because.as_deref(), Some("disk"));
        let demote = |name: &str, amount| Verb::Demote { name: name.to_owned(), amount };
        assert_eq!(parse("demote web"), Ok(order(demote("operator", 240), &["web"])));
        assert_eq!(parse("demote web 254 --name boot"), Ok(order(demote("boot", 254), &["web"])));
        assert_eq!(parse("demote --all 7"), Ok(order(demote("operator", 7), &["--all"])));
        let undemote = Verb::Undemote { name: "boot".to_owned() };
        assert_eq!(parse("undemote web boot"), Ok(order(undemote.clone(), &["web"])));
        assert_eq!(parse("undemote --all boot"), Ok(order(undemote, &["--all"])));
        assert_eq!(parse("resign eth0-7"), Ok(order(Verb::Resign, &["eth0-7"])));
        assert_eq!(parse("status web @front"), Ok(order(Verb::Status, &["web", "@front"])));
        let wait = parse("wait web --state Master --timeout=5s").unwrap();
        assert_eq!((wait.verb, wait.lasts), (Verb::Wait(Role::Master), Some(Duration::from_secs(5))));
        assert_eq!(parse("wait --state backup").unwrap().lasts, Some(WAIT));
        assert_eq!(parse("monitor web"), Ok(order(Verb::Monitor(None), &["web"])));
        assert_eq!(parse("monitor --expect=any"), Ok(order(Verb::Monitor(None), &[])));
        assert_eq!(parse("monitor --expect=master"), Ok(order(Verb::Monitor(Some(Role::Master)), &[])));
        assert_eq!(parse("reload"), Ok(order(Verb::Reload { dry_run: false }, &[])));
        assert_eq!(parse("reload --dry-run"), Ok(order(Verb::Reload { dry_run: true }, &[])));
        let trial = parse("reload --undo-after 5m").unwrap();
        assert_eq!(
            (trial.verb, trial.lasts),
            (Verb::Reload { dry_run: false }, Some(Duration::from_secs(300)))
        );
        assert_eq!(parse("take web"), Ok(order(Verb::Take, &["web"])));
        assert_eq!(parse("undo"), Ok(order(Verb::Undo, &[])));
        assert_eq!(parse("confirm --all"), Ok(order(Verb::Confirm, &["--all"])));
        assert_eq!(parse("peers web"), Ok(order(Verb::Peers, &["web"])));
        assert_eq!(parse("watch @front"), Ok(order(Verb::Watch, &["@front"])));
        assert_eq!(parse("events --since=7"), Ok(order(Verb::Events(Some(7)), &[])));
        assert_eq!(parse("events"), Ok(order(Verb::Events(None), &[])));
        assert_eq!(parse("metrics"), Ok(order(Verb::Metrics, &[])));
        assert_eq!(parse("version"), Ok(order(Verb::Version, &[])));
    }

    #[test]
    fn what_is_wrong_is_one_sentence() {
        for (line, said) in [
            ("", "nothing to do"),
            ("maintenence on", "maintenance?"),
            ("frobnicate", "there are status, peers"),
            ("wait web", "--state: needs a value"),
            ("wait web --state up", "init, backup or master"),
            ("wait web --state init --timeout 2h", "--timeout"),
            ("reload web", "more than reload takes"),
            ("reload --dry-run --undo-after 5m", "nothing to undo"),
            ("reload --undo-after 0s", "--undo-after"),
            ("reload --undo-after 8d", "--undo-after"),
            ("take --force", "no such option"),
            ("resign --force=1", "no such option"),
            ("undo web", "more than undo takes"),
            ("undo --all", "no such option"),
            ("maintenance", "on or off"),
            ("maintenance web", "on or off"),
            ("maintenance on --for", "--for: needs a value"),
            ("maintenance on --for 10", "--for"),
            ("maintenance on --for 0s", "--for"),
            ("maintenance on --name x", "no such option"),
            ("demote", "say whom"),
            ("demote web 0", "AMOUNT"),
            ("demote web 255", "AMOUNT"),
            ("demote web 5 6", "more than demote takes"),
            ("demote web --name check:x", "letters"),
            ("demote web --name maintenance", "ucarpctl maintenance on"),
            ("undemote web maintenance", "ucarpctl maintenance on"),
            ("resign web --for 1s", "no such option"),
            ("version web", "more than version takes"),
            ("version --all", "no such option"),
            ("metrics web", "more than metrics takes"),
            ("events --since=-1", "number of an event"),
            ("peers --since 1", "no such option"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(said) && !error.contains('\n'), "{line}: {error}");
        }
        let long = "x".repeat(121);
        for because in [long.as_str(), "two\nlines"] {
            let words = ["maintenance", "on", "--because", because];
            assert!(matches!(Order::parse(&words), Err(OrderError::Because { .. })));
        }
    }
}
