//! The command line: the ancestor's spellings, and its usage text in our words.
//!
//! Options may be repeated: the last one counts, `--addr` and `--peer` add up. How they may be written is known to
//! `spelling`, which brings the words into one shape before getopts sees them.
//!
//! What a value may be is not decided here but in `words`. Nothing is opened, logged or printed.

mod sniff;
mod spelling;
mod usage;

use std::env;
use std::ffi::OsString;

use getopts::{Fail, HasArg, Matches, Occur, Options};
use zeroize::Zeroizing;

use super::file::{self, Source};
use super::options::{self, Row, Scope, Takes};
use super::print;
use super::process::{self, Process};
use super::reading::{Layer, Manner, Reading, Value};
use super::{Caller, Config, Error, Errors, LogFormat, SniffConfig, Warning, shown, virtual_host, words};

use crate::i18n::is_language;
use spelling::{bytes_of, normalize, stray};
pub use usage::{usage, version};

/// What the command line asks for.
#[derive(Debug)]
pub enum Invocation {
    /// Serve.
    Run {
        /// What, checked.
        config: Box<Config>,
        /// What to tell the operator once there is a log, in this order.
        warnings: Vec<Warning>,
        /// Where passwords stand on the command line, to be covered.
        exposed: Vec<Exposed>,
    },
    /// Find out whether it could serve, print what, and exit.
    Check {
        /// What, checked.
        config: Box<Config>,
        /// What to tell the operator besides.
        warnings: Vec<Warning>,
    },
    /// Show who speaks CARP, and serve nothing.
    Sniff {
        /// Where, checked.
        config: Box<SniffConfig>,
        /// What to tell the operator besides.
        warnings: Vec<Warning>,
        /// Where passwords stand on the command line, to be covered.
        exposed: Vec<Exposed>,
    },
    /// Print this on stdout, exit 0: [`usage()`], also when there are no arguments at all, [`version`], or what is to be
    /// said of a file whose words alone were looked at.
    Print(String),
}

/// A password among the words of the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exposed {
    /// Which word, 0 being the one after the program's name.
    pub word: usize,
    /// The byte of that word where it begins.
    pub from: usize,
}

/// Reads the arguments after the program's name, of which `caller` will make use.
///
/// # Errors
/// The first thing wrong on the command line, or all that is in a file, see [`Error`]. Files named by the options are
/// looked at.
pub fn parse(args: impl Iterator<Item = OsString>, caller: &Caller) -> Result<Invocation, Errors> {
    let given = Given::read(args)?;
    if given.nothing || given.has("--help") {
        return Ok(Invocation::Print(usage()));
    }
    if given.has("--version") {
        return Ok(Invocation::Print(version()));
    }
    if given.has("--sniff") {
        return sniff::invocation(given, caller);
    }
    sniff::refuse_elsewhere(&given)?;
    let syntax = given.wants_syntax()?;
    if let Some(path) = given.last("--config") {
        return with_file(&given, &path, syntax, caller);
    }
    for (option, lacks_file) in [("--check=syntax", syntax), ("--include-base", given.has("--include-base"))]
    {
        if lacks_file {
            return Err(Error::NothingToConfigure { option }.into());
        }
    }
    let prints = given.has("--print-config");
    let manner = Manner::new(caller, false, prints);
    let mut reading = Reading::new(vec![&given.layer], &manner);
    let host = virtual_host::read(&mut reading, None);
    let Process { log, language, pidfile, lockdir, user, lock_memory, state, control, status_mode } =
        process::read(&mut reading);
    let (errors, found) = (reading.errors, reading.warnings);
    let Some(host) = host.filter(|_| errors.is_empty()) else { return Err(Errors::first_of(errors)) };
    if prints {
        return Ok(Invocation::Print(print::file(&given.layer)?));
    }
    let mut warnings = given.warnings();
    warnings.extend(found);
    let config = Box::new(Config {
        hosts: vec![host],
        groups: Vec::new(),
        checks: Vec::new(),
        log,
        language,
        daemonize: given.has("--daemonize"),
        pidfile,
        lockdir,
        user,
        lock_memory,
        state,
        control,
        status_mode,
        source: None,
    });
    Ok(if given.has("--check") {
        Invocation::Check { config, warnings }
    } else {
        Invocation::Run { config, warnings, exposed: given.exposed }
    })
}

/// In which language all that is said is to be, where these arguments after the program's name say so. They are not
/// understood yet: what is wrong with them is to be said in it, too.
#[must_use]
pub fn language(args: impl Iterator<Item = OsString>) -> Option<String> {
    let (mut found, mut args) = (None, args.filter_map(|word| word.into_string().ok()));
    while let Some(word) = args.next() {
        found = match word.strip_prefix("--language") {
            Some("") => args.next().or(found),
            Some(value) => value.strip_prefix('=').map(str::to_owned).or(found),
            None if word == "--" => break,
            None => found,
        };
    }
    found.filter(|language| is_language(language))
}

/// How what is wrong is to be written, where these arguments after the program's name ask to serve and say so.
#[must_use]
pub fn format(args: impl Iterator<Item = OsString>) -> Option<LogFormat> {
    let (given, option) = (Given::read(args).ok()?, "--log-format");
    let serves = !["--check", "--sniff", "--print-config"].iter().any(|other| given.has(other));
    words::log_format(option, &given.last(option).filter(|_| serves)?).ok()
}

/// What the command line asks for whose virtual hosts stand in a file.
fn with_file(given: &Given, path: &OsString, syntax: bool, caller: &Caller) -> Result<Invocation, Errors> {
    let option = "--config";
    if path.is_empty() {
        return Err(Error::Empty { option }.into());
    }
    let beside =
        |option: &str| options::options().any(|row| row.option == option && row.scope.is_beside_a_file());
    if let Some((option, _)) = given.layer.given().find(|(option, _)| !beside(option)) {
        return Err(Error::NotBesideConfig { option }.into());
    }
    let path = words::file(option, path, given.layer.folder())?;
    let is_about_the_program =
        |option: &str| options::options().any(|row| row.option == option && row.scope == Scope::Daemon);
    let source = Source::new(path, given.layer.clone().only(is_about_the_program));
    let base = given.last("--include-base");
    if base.is_some() && !syntax {
        return Err(Error::OnlyToCheckSyntax { option: "--include-base" }.into());
    }
    let mut warnings = given.warnings();
    if syntax {
        let base =
            base.map(|base| words::folder("--include-base", &base, given.layer.folder())).transpose()?;
        warnings.extend(file::read_words(&source, base.as_deref(), caller)?);
        let lines = warnings.iter().map(|warning| format!("warning: {}\n", warning.with_id()));
        return Ok(Invocation::Print(lines.collect()));
    }
    let (mut config, found) = file::read(&source, caller)?;
    warnings.extend(found);
    config.daemonize = given.has("--daemonize");
    let config = Box::new(config);
    Ok(if given.has("--check") {
        Invocation::Check { config, warnings }
    } else {
        Invocation::Run { config, warnings, exposed: Vec::new() }
    })
}

/// What was given.
struct Given {
    layer: Layer<'static>,
    /// Where passwords stood.
    exposed: Vec<Exposed>,
    nothing: bool,
    /// Some words are empty and belong to nothing.
    holes: bool,
}

impl Given {
    fn read(args: impl Iterator<Item = OsString>) -> Result<Self, Error> {
        let (mut passwords, mut exposed) = (Vec::new(), Vec::new());
        let words = normalize(args, &mut passwords, &mut exposed)?;
        let mut options = Options::new();
        for row in options::options() {
            let argument = match row.takes {
                Takes::Nothing => HasArg::No,
                Takes::Perhaps => HasArg::Maybe,
                Takes::Word | Takes::Number | Takes::Time | Takes::List | Takes::Secret => HasArg::Yes,
            };
            options.opt(row.short, row.key(), "", "", argument, Occur::Multi);
        }
        let matches = options.parse(&words).map_err(|fail| match fail {
            Fail::ArgumentMissing(name) => Error::MissingValue { option: format!("--{name}") },
            Fail::UnexpectedArgument(name) => Error::UnexpectedValue { option: format!("--{name}") },
            Fail::UnrecognizedOption(name) | Fail::OptionMissing(name) | Fail::OptionDuplicated(name) => {
                Error::UnknownOption { option: format!("--{name}"), similar: None }
            }
        })?;
        if let Some(word) = matches.free.iter().find(|word| !word.is_empty()) {
            return Err(stray(&bytes_of(word)));
        }
        // Without a folder to be in, names that need one are found wrong when they are used.
        let mut layer = Layer::of_command_line(env::current_dir().unwrap_or_default());
        for row in options::options().filter(|row| matches.opt_present(row.key())) {
            let at = matches.opt_positions(row.key()).last().copied().unwrap_or_default();
            layer.add(row.option, at, value(row, &matches, &mut passwords));
        }
        let holes = !matches.free.is_empty();
        Ok(Self { layer, exposed, nothing: words.is_empty(), holes })
    }

    /// What is odd about the words themselves.
    fn warnings(&self) -> Vec<Warning> {
        if self.holes { vec![Warning::EmptyArgument] } else { Vec::new() }
    }

    fn has(&self, option: &str) -> bool {
        self.layer.given().any(|(given, _)| given == option)
    }

    /// The last word given for an option.
    fn last(&self, option: &str) -> Option<OsString> {
        self.layer.given().find_map(|(given, value)| match value {
            Value::Words(words) if given == option => words.last().map(|(word, _)| word.clone()),
            _ => None,
        })
    }

    /// Whether only words are to be checked.
    fn wants_syntax(&self) -> Result<bool, Error> {
        match self.last("--check") {
            None => Ok(false),
            Some(word) if word == "syntax" => Ok(true),
            Some(word) => Err(Error::CheckWord { value: shown(&word) }),
        }
    }
}

fn value(row: &Row, matches: &Matches, passwords: &mut Vec<Zeroizing<Vec<u8>>>) -> Value {
    match row.takes {
        Takes::Nothing => Value::Switch(true),
        Takes::Secret => Value::Secret(passwords.pop().unwrap_or_default()),
        Takes::Perhaps | Takes::Word | Takes::Number | Takes::Time | Takes::List => {
            let words = matches.opt_strs_pos(row.key()).into_iter();
            Value::Words(words.map(|(at, text)| (bytes_of(&text), at)).collect())
        }
    }
}

#[cfg(test)]
mod tests;
