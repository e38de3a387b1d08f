//! `--sniff`: of all the options those that say where to look and what to try.
//!
//! The others are left alone, so that a daemon's command line can be watched by adding one word. Only `-r` is
//! another option here: the file to read, where a daemon has its dead ratio.

use std::path::PathBuf;

use super::{Given, Invocation, addresses, words};
use crate::config::{Error, SniffConfig, Warning, Watched, shown};
use crate::protocol::{Destination, Dialect, Key, Vhid};

/// Options that mean nothing to a daemon.
pub(super) fn refuse_elsewhere(given: &Given) -> Result<(), Error> {
    for (name, option) in [("json", "--json"), ("read", "--read")] {
        if given.flag(name) {
            return Err(Error::OnlyToSniff { option });
        }
    }
    Ok(())
}

pub(super) fn invocation(given: Given) -> Result<Invocation, Error> {
    let mut warnings = given.warnings();
    let watched = watched(&given)?;
    let interface = match &watched {
        Watched::Interface(interface) => Some(interface.as_str()),
        Watched::File(_) => None,
    };
    let config = SniffConfig {
        json: given.flag("json"),
        vhid: vhid(&given)?,
        group: match given.last("mcast") {
            Some(word) => words::group("--mcast", &word)?,
            None => Destination::GROUP_V4,
        },
        key: key(&given, &mut warnings)?,
        addresses: match given.all("addr").is_empty() {
            true => Vec::new(),
            false => addresses(&given, interface, None)?.iter().map(|shared| shared.address).collect(),
        },
        watched,
    };
    if config.key.is_some() && config.addresses.is_empty() {
        return Err(Error::Required { option: "--addr", example: "--addr=192.0.2.10" });
    }
    Ok(Invocation::Sniff { config: Box::new(config), warnings, exposed: given.exposed })
}

fn watched(given: &Given) -> Result<Watched, Error> {
    if let Some(word) = given.last("read").or_else(|| given.last("deadratio")) {
        if word.is_empty() {
            return Err(Error::CaptureFile { value: shown(&word) });
        }
        return Ok(Watched::File(PathBuf::from(word)));
    }
    let word = given.last("interface").ok_or(Error::NothingToWatch)?;
    Ok(Watched::Interface(words::interface(&word)?.0))
}

fn vhid(given: &Given) -> Result<Option<Vhid>, Error> {
    given.last("vhid").map(|_| super::vhid(given)).transpose()
}

/// The key, if a password was given. An empty one is a key of zeros, which is what a kernel has that was given no
/// password; nobody is asked to serve with it, but one may want to see it.
fn key(given: &Given, warnings: &mut Vec<Warning>) -> Result<Option<Key>, Error> {
    let (word, file) = (given.last_position("pass"), given.last_position("passfile"));
    if word.is_none() && file.is_none() {
        return Ok(None);
    }
    let empty = given.passwords.last().is_some_and(|password| password.is_empty());
    if word > file && empty {
        return Ok(Key::from_password(&[]).ok());
    }
    let secret = super::secret(given, Dialect::default(), warnings)?;
    Ok(Some(Key::from_password(secret.bytes()).expect("a Secret is at most as long as a Key")))
}
