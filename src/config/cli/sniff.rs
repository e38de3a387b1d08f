//! `--sniff`: of all the options those that say where to look and what to try.
//!
//! The others are left alone, so that a daemon's command line can be watched by adding one word. Only `-r` is
//! another option here: the file to read, where a daemon has its dead ratio.

use std::path::PathBuf;

use super::{Given, Invocation};
use crate::config::process;
use crate::config::reading::{Manner, Reading};
use crate::config::{
    Caller, Error, Errors, SniffConfig, VirtualAddress, Warning, Watched, shown, virtual_host, words,
};
use crate::protocol::{Destination, Dialect, Key};

/// Options that mean nothing to a daemon.
pub(super) fn refuse_elsewhere(given: &Given) -> Result<(), Error> {
    for option in ["--json", "--read"] {
        if given.has(option) {
            return Err(Error::OnlyToSniff { option });
        }
    }
    Ok(())
}

pub(super) fn invocation(given: Given, caller: &Caller) -> Result<Invocation, Errors> {
    let manner = Manner::new(caller, false, false);
    let mut reading = Reading::new(vec![&given.layer], &manner);
    process::language(&mut reading);
    let watched = watched(&given, &mut reading);
    let interface = match &watched {
        Some(Watched::Interface(interface)) => Some(interface.as_str()),
        Some(Watched::File(_)) | None => None,
    };
    let vhid = virtual_host::vhid(&mut reading);
    let group = reading.value("--mcast", words::group).unwrap_or(Destination::GROUP_V4);
    let key = key(&mut reading);
    let addresses: Vec<VirtualAddress> = match given.has("--addr") {
        true => virtual_host::addresses(&mut reading, interface, None).unwrap_or_default(),
        false => Vec::new(),
    };
    if key.is_some() && !given.has("--addr") {
        reading.lacks(Error::Required { option: "--addr", example: "--addr=192.0.2.10" });
    }
    // What an address is for is another's business here.
    reading.warnings.retain(|warning| !matches!(warning, Warning::LinkLocalAddress { .. }));
    let Some(watched) = watched.filter(|_| reading.errors.is_empty()) else {
        return Err(Errors::first_of(reading.errors));
    };
    let mut warnings = given.warnings();
    warnings.append(&mut reading.warnings);
    let addresses = addresses.iter().map(|shared| shared.address).collect();
    let config = SniffConfig { watched, json: given.has("--json"), vhid, group, key, addresses };
    Ok(Invocation::Sniff { config: Box::new(config), warnings, exposed: given.exposed })
}

fn watched(given: &Given, reading: &mut Reading<'_>) -> Option<Watched> {
    if let Some(word) = given.last("--read").or_else(|| given.last("--deadratio")) {
        if word.is_empty() {
            reading.lacks(Error::CaptureFile { value: shown(&word) });
        }
        return Some(Watched::File(PathBuf::from(word)));
    }
    if !given.has("--interface") {
        reading.lacks(Error::NothingToWatch);
    }
    reading.value("--interface", |_, word| words::interface(word)).map(|(name, _)| Watched::Interface(name))
}

/// The key, if a password was given. An empty one is a key of zeros, which is what a kernel has that was given no
/// password; nobody is asked to serve with it, but one may want to see it.
fn key(reading: &mut Reading<'_>) -> Option<Key> {
    if !reading.is_given("--pass") && !reading.is_given("--passfile") {
        return None;
    }
    if reading.has_empty_password() {
        return Key::from_password(&[]).ok();
    }
    let secrets = virtual_host::secrets(reading, Dialect::default())?;
    let secret = secrets.first()?;
    Some(Key::from_password(secret.bytes()).expect("a Secret is at most as long as a Key"))
}
