//! The command line: the ancestor's spellings, and its usage text in our words.
//!
//! Options may be repeated: the last one counts, `--addr` and `--peer` add up. How they may be written is known to
//! `spelling`, which brings the words into one shape before getopts sees them.
//!
//! What a value may be is not decided here but in `words`. Nothing is opened, logged or printed.

mod destination;
mod sniff;
mod spelling;
mod usage;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use getopts::{Fail, Matches, Options};
use zeroize::Zeroizing;

use super::{
    Caller, Config, Error, Facility, LogConfig, Secret, SniffConfig, VirtualAddress, VirtualHostConfig,
    Warning,
};
use super::{shown, words};
use crate::protocol::{
    Announcing, Dialect, Family, HookFailure, Hooks, Interval, OnLostAddress, Replay, Vhid,
};

use spelling::{OPTIONS, bytes_of, canonical, normalize, stray};
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
    /// Print [`usage()`] on stdout, exit 0; also when there are no arguments at all.
    Help,
    /// Print [`version`] on stdout, exit 0.
    Version,
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
/// The first thing wrong, see [`Error`]. Files named by the options are looked at.
pub fn parse(args: impl Iterator<Item = OsString>, caller: &Caller) -> Result<Invocation, Error> {
    let given = Given::read(args, *caller)?;
    if given.nothing || given.flag("help") {
        return Ok(Invocation::Help);
    }
    if given.flag("version") {
        return Ok(Invocation::Version);
    }
    if given.flag("sniff") {
        return sniff::invocation(given);
    }
    sniff::refuse_elsewhere(&given)?;
    let mut warnings = given.warnings();
    let host = virtual_host(&given, &mut warnings)?;
    match (&host.up, &host.down) {
        (None, None) => warnings.push(Warning::NoHooks),
        (None, Some(_)) => warnings.push(Warning::NoUpHook),
        (Some(_), None) => warnings.push(Warning::NoDownHook),
        (Some(_), Some(_)) => {}
    }
    if host.up.is_some() && !host.withdraw {
        warnings.push(Warning::AddressStays);
    }
    let facility = match given.last("facility") {
        Some(word) => words::facility("--facility", &word)?,
        None => Some(Facility::default()),
    };
    let log = LogConfig { facility, debug: given.flag("debug") };
    let pidfile = given.last("pidfile").map(|word| words::file("--pidfile", &word)).transpose()?;
    let lock_memory = given.flag("mlock");
    let lockdir = given.last("lockdir").map(|word| words::folder("--lockdir", &word)).transpose()?;
    let user = given.last("user").map(|word| words::account("--user", &word, caller)).transpose()?;
    let daemonize = given.flag("daemonize");
    let config = Box::new(Config { hosts: vec![host], log, daemonize, pidfile, lockdir, user, lock_memory });
    Ok(if given.flag("check") {
        Invocation::Check { config, warnings }
    } else {
        Invocation::Run { config, warnings, exposed: given.exposed }
    })
}

fn virtual_host(given: &Given, warnings: &mut Vec<Warning>) -> Result<VirtualHostConfig, Error> {
    let (interface, label) = given.last("interface").map(|word| words::interface(&word)).transpose()?.unzip();
    let source =
        given.last("srcip").map(|word| words::source("--srcip", &word, interface.as_deref())).transpose()?;
    if interface.is_none() && source.is_none_or(|source| source.is_unspecified()) {
        return Err(Error::NoInterface);
    }
    let wait_for_interface = given.flag("wait-interface");
    if wait_for_interface && interface.is_none() {
        return Err(Error::NoNameToWaitFor);
    }
    let dialect = match given.last("peer-type") {
        Some(word) => words::dialect("--peer-type", &word)?,
        None => Dialect::default(),
    };
    let only_ours = given.flag("only-ours");
    if only_ours && dialect != Dialect::Any {
        return Err(Error::PeersNotOurs { option: "--only-ours", kind: dialect.code() });
    }
    let (vhid, secret) = (vhid(given)?, secret(given, dialect, warnings)?);
    let addresses = addresses(given, interface.as_deref(), source)?;
    for link_local in addresses.iter().filter(|shared| shared.is_link_local()) {
        warnings.push(Warning::LinkLocalAddress { value: link_local.address.to_string() });
    }
    Ok(VirtualHostConfig {
        name: None,
        also_accepted: Vec::new(),
        manage_address: false,
        settle: VirtualHostConfig::SETTLE,
        vhid,
        secret,
        interval: interval(given)?,
        dead_ratio: dead_ratio(given, warnings)?,
        preempt: given.flag("preempt"),
        neutral: given.flag("neutral"),
        destination: destination::read(given, interface.as_deref(), source, &addresses)?,
        up: hook(given, "upscript", "--upscript", warnings)?,
        down: hook(given, "downscript", "--downscript", warnings)?,
        xparam: given.last("xparam"),
        ignore_link_state: given.flag("ignoreifstate"),
        wait_for_interface,
        withdraw: given.flag("shutdown"),
        hook_failure: match given.last("hook-failure") {
            Some(word) => words::hook_failure("--hook-failure", &word)?,
            None => HookFailure::Stay,
        },
        on_lost_address: match given.last("on-lost-address") {
            Some(word) => words::on_lost_address("--on-lost-address", &word)?,
            None => OnLostAddress::Hook,
        },
        hook_timeout: match given.last("hook-timeout") {
            Some(word) => Duration::from_secs(words::number("--hook-timeout", &word, 1, 3600)?),
            None => Hooks::TIMEOUT,
        },
        announcing: announcing(given)?,
        dialect,
        replay: match given.last("replay") {
            Some(word) => words::replay("--replay", &word)?,
            None => Replay::default(),
        },
        only_ours,
        interface,
        label: label.flatten(),
        source,
        addresses,
    })
}

fn vhid(given: &Given) -> Result<Vhid, Error> {
    let word = given.last("vhid").ok_or(Error::Required { option: "--vhid", example: "--vhid=1" })?;
    let number = words::number("--vhid", &word, 1_u8, 255)?;
    Ok(Vhid::new(number).unwrap_or(Vhid::MIN))
}

/// The password, and whether one as long as this is understood by peers of this kind.
fn secret(given: &Given, dialect: Dialect, warnings: &mut Vec<Warning>) -> Result<Secret, Error> {
    let secret = password(given, warnings)?;
    if dialect.kept(secret.bytes()).len() == Secret::LONGEST {
        warnings.push(Warning::TwentyBytePassword);
    }
    Ok(secret)
}

fn password(given: &Given, warnings: &mut Vec<Warning>) -> Result<Secret, Error> {
    let (word, file) = (given.last_position("pass"), given.last_position("passfile"));
    if word.is_some() && file.is_some() {
        let (used, ignored) = if word > file { ("--pass", "--passfile") } else { ("--passfile", "--pass") };
        warnings.push(Warning::TwoPasswords { used, ignored });
    }
    if word > file {
        let password = given.passwords.last().map_or(&[][..], |password| password.as_slice());
        return words::password("--pass", password);
    }
    let Some(path) = given.last("passfile") else {
        return Err(Error::Required { option: "--passfile", example: "--passfile=/etc/ucarp/password" });
    };
    words::passfile("--passfile", &path, &given.caller, warnings)
}

fn addresses(
    given: &Given,
    interface: Option<&str>,
    source: Option<IpAddr>,
) -> Result<Vec<VirtualAddress>, Error> {
    let option = "--addr";
    let mut addresses: Vec<VirtualAddress> = Vec::new();
    for word in given.all("addr") {
        let virtual_address = words::virtual_address(option, &word, interface)?;
        if source == Some(virtual_address.address) {
            return Err(Error::AddressIsSource { option, value: shown(&word) });
        }
        if addresses.iter().any(|known| known.address == virtual_address.address) {
            return Err(Error::DuplicateAddress { option, value: shown(&word) });
        }
        if addresses.len() == VirtualAddress::MOST {
            return Err(Error::TooManyAddresses { option, max: VirtualAddress::MOST });
        }
        addresses.push(virtual_address);
    }
    if addresses.is_empty() {
        return Err(Error::Required { option, example: "--addr=192.0.2.10/24" });
    }
    match source {
        Some(source) if !VirtualAddress::any_of(&addresses, Family::of(source)) => {
            Err(Error::OtherFamily { option: "--srcip", value: source.to_string() })
        }
        _ => Ok(addresses),
    }
}

fn interval(given: &Given) -> Result<Interval, Error> {
    let base = match given.last("advbase") {
        Some(word) => words::number("--advbase", &word, 0, 255)?,
        None => 1,
    };
    let skew = match given.last("advskew") {
        Some(word) => words::number("--advskew", &word, 0, 255)?,
        None => 0,
    };
    match (base, skew) {
        (0, 0) => Err(Error::NoInterval),
        (255, 255) => Err(Error::BowOutInterval),
        (base, skew) => Ok(Interval::new(base, skew)),
    }
}

fn dead_ratio(given: &Given, warnings: &mut Vec<Warning>) -> Result<u32, Error> {
    let Some(word) = given.last("deadratio") else { return Ok(3) };
    let ratio = words::number("--deadratio", &word, 1, 10_000)?;
    if ratio == 1 {
        warnings.push(Warning::DeadRatioOfOne);
    }
    Ok(ratio)
}

fn hook(
    given: &Given,
    long: &str,
    option: &'static str,
    warnings: &mut Vec<Warning>,
) -> Result<Option<PathBuf>, Error> {
    given.last(long).map(|word| words::hook(option, &word, &given.caller, warnings)).transpose()
}

fn announcing(given: &Given) -> Result<Announcing, Error> {
    let mut announcing = Announcing::default();
    if let Some(word) = given.last("garp-count") {
        announcing.count = words::number("--garp-count", &word, 1, 255)?;
    }
    if let Some(word) = given.last("garp-interval") {
        announcing.interval = Duration::from_millis(words::number("--garp-interval", &word, 1, 10_000)?);
    }
    if let Some(word) = given.last("garp-refresh") {
        announcing.refresh = Duration::from_secs(words::number("--garp-refresh", &word, 0, 86_400)?);
    }
    Ok(announcing)
}

/// What was given, by canonical long name.
struct Given {
    matches: Matches,
    /// Values of `--pass`, in order.
    passwords: Vec<Zeroizing<Vec<u8>>>,
    /// Where they stood.
    exposed: Vec<Exposed>,
    nothing: bool,
    /// Some words are empty and belong to nothing.
    holes: bool,
    caller: Caller,
}

impl Given {
    fn read(args: impl Iterator<Item = OsString>, caller: Caller) -> Result<Self, Error> {
        let (mut passwords, mut exposed) = (Vec::new(), Vec::new());
        let words = normalize(args, &mut passwords, &mut exposed)?;
        let mut options = Options::new();
        for spelling in OPTIONS.iter().filter(|spelling| canonical(spelling.long) == spelling.long) {
            if spelling.takes_value {
                options.optmulti(spelling.short, spelling.long, "", "");
            } else {
                options.optflagmulti(spelling.short, spelling.long, "");
            }
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
        let holes = !matches.free.is_empty();
        Ok(Self { matches, passwords, exposed, nothing: words.is_empty(), holes, caller })
    }

    /// What is odd about the words themselves.
    fn warnings(&self) -> Vec<Warning> {
        if self.holes { vec![Warning::EmptyArgument] } else { Vec::new() }
    }

    fn flag(&self, long: &str) -> bool {
        self.matches.opt_present(long)
    }

    fn all(&self, long: &str) -> Vec<OsString> {
        self.matches.opt_strs(long).iter().map(|text| bytes_of(text)).collect()
    }

    fn last(&self, long: &str) -> Option<OsString> {
        self.matches.opt_strs(long).last().map(|text| bytes_of(text))
    }

    fn last_position(&self, long: &str) -> Option<usize> {
        self.matches.opt_positions(long).last().copied()
    }
}

#[cfg(test)]
mod tests;
