//! `--check`: would it start? Answers with what would run, one `name: value` in a line.
//!
//! The names are those of the long options and are not translated, so that programs can read them. Everything is
//! found out as for a real start, but nothing is sent, joined, run, locked or left open, and a daemon that serves the
//! same already is no obstacle: that is when an operator checks a changed command line.

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use super::devices::Devices;
use super::engine_user::EngineUser;
use super::failure::{Doing, StartError};
use super::liaison::Liaison;
use super::report::unguarded;
use super::request::{Request, decode};
use super::survey::Surveyor;
use super::{engine, introduction, place, placing, start};
use crate::config::check::{Probe, Whom};
use crate::config::{
    Check, Config, ControlPlace, Delays, Facility, LogFormat, VirtualAddress, VirtualHostConfig, Warning,
    one_line,
};
use crate::ids;
use crate::log::{Level, Line};
use crate::platform::{self, Channel, LinkState};
use crate::protocol::{HookFailure, OnLostAddress, Replay};

/// Writes what a daemon with this configuration would do. No secret is in it. Of many virtual hosts, those that would not
/// be served keep nobody else out of the list.
///
/// # Errors
/// What would keep it, or the first of these, from starting.
pub fn check(config: &Config, warnings: &[Warning], out: &mut dyn Write) -> Result<(), StartError> {
    let mut lines = Lines::default();
    lines.maybe("config", config.source.as_ref().map(|source| source.path().display()));
    let mut first = None;
    for host in &config.hosts {
        if let Err(error) = virtual_host(host, &mut lines) {
            if config.source.is_none() {
                return Err(error);
            }
            lines.add("error", error.with_id());
            first.get_or_insert(error);
        }
    }
    for group in &config.groups {
        lines.add("group", &group.name);
        delays(group.delays, &mut lines);
    }
    for check in &config.checks {
        if let Err(error) = fitness(check, &mut lines) {
            lines.add("error", error.with_id());
            first.get_or_insert(error);
        }
    }
    if let Some(pidfile) = &config.pidfile {
        writable_place(pidfile)?;
        lines.add("pidfile", pidfile.display());
    }
    lines.maybe("lockdir", config.lockdir.as_ref().map(|folder| folder.display()));
    match &config.control {
        ControlPlace::Usual => {}
        ControlPlace::Nowhere => lines.add("control", "none"),
        ControlPlace::In(folder) => lines.add("control", folder.display()),
    }
    let engine = EngineUser::find(config.user.as_ref());
    lines.add("user", engine.shown());
    lines.warn(engine.advice(), ids::ENGINE_USER_MAKESHIFT);
    guards(config, &engine, &mut lines);
    lines.yes_or_no("mlock", config.lock_memory);
    lines.yes_or_no("daemonize", config.daemonize);
    lines.add("facility", config.log.facility.map_or("none", Facility::name));
    lines.yes_or_no("debug", config.log.debug);
    lines.maybe("language", config.language.as_deref());
    lines.maybe("log-format", config.log.format.map(LogFormat::name));
    for warning in warnings {
        lines.add("warning", warning.with_id());
    }
    // A reader that has seen enough is no failure.
    let _ = out.write_all(lines.0.as_bytes());
    first.map_or(Ok(()), Err)
}

/// How long giving up rights may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What would keep the engine to what it needs, found out by a process that does as it will.
fn guards(config: &Config, user: &EngineUser, lines: &mut Lines) {
    let Ok((mut near, far)) = Channel::pair() else { return };
    let (mut far, needs) = (Some(far), engine::needs(&config.hosts));
    let begun = platform::split_off(c"check", || {
        let Some(channel) = far.take() else { return 1 };
        let mut liaison = Liaison::new(channel);
        let guarded = platform::surrender(user.becomes.as_ref()).and(platform::confine(&needs));
        let by: Vec<&str> = guarded.by.iter().map(|guard| guard.name()).collect();
        liaison.say(Line::new(Level::Info, by.join(" ")));
        for (guard, why) in guarded.not_by.iter().filter(|(_, why)| why.kind() != ErrorKind::Unsupported) {
            liaison.say(Line::new(Level::Warning, unguarded(*guard, why)));
        }
        0
    });
    drop(far);
    let Ok(child) = begun else { return };
    let (until, mut ready) = (platform::now() + PATIENCE, Vec::new());
    while let Ok(message) = near.receive(0) {
        let Some(message) = message else {
            let left = until.saturating_sub(platform::now());
            if left.is_zero() || platform::wait(&[near.as_fd()], &mut ready, Some(left)).is_err() {
                break;
            }
            continue;
        };
        match decode(&message.bytes) {
            Some(Request::Say(Line { level: Level::Info, text, .. })) => lines.add("guards", text),
            Some(Request::Say(line)) => lines.warn(Some(line.text), ids::ENGINE_UNGUARDED),
            _ => {}
        }
    }
    platform::end_child(child);
    platform::bury_strangers(&[]);
}

fn virtual_host(host: &VirtualHostConfig, lines: &mut Lines) -> Result<(), StartError> {
    lines.maybe("vip", host.name.as_ref());
    let interface = start::interface_for(host).map_err(StartError::explained)?;
    start::may_manage(host, &interface)?;
    let shared = place::addresses(host).into_iter().collect();
    let places = placing::places(&interface, &[host], &shared, &mut Surveyor::default());
    let found = places.and_then(|(places, own)| Ok((places.into_iter().next().transpose()?, own)));
    let placed = match found {
        Ok((placed, own)) => placed.map(|placed| (placed, own)),
        Err(error) if error.is_waited_for() || host.wait_for_interface && error.may_pass() => {
            lines.add("warning", error.with_id());
            None
        }
        Err(error) => return Err(error.explained()),
    };
    if let Some((placed, _)) = &placed {
        placed.lacks_v6.iter().for_each(|lacks| lines.add("warning", lacks.with_id()));
    }
    lines.add("interface", &interface);
    match placed {
        Some((placed, own)) => {
            let wanted = placing::wanted(std::iter::once(host), own);
            Devices::try_out(&interface, &wanted).or_else(|error| {
                let state = platform::link_state(&interface).unwrap_or(LinkState::Gone);
                if error.is_for_want_of_link(state) { Ok(()) } else { Err(error) }
            })?;
            let addresses = place::addresses(host);
            if let Some(source) = place::main_source(&addresses, placed.place.sources) {
                lines.add("srcip", source);
            }
            lines.add("mac", placed.place.mac);
            introduction::doubts(&interface, &placed.outside)
                .for_each(|doubt| lines.warn(Some(doubt), ids::OUTSIDE));
            let vlans = platform::mingled_vlans(&interface).unwrap_or_default();
            lines.warn(introduction::mingling(&interface, host.vhid, &vlans), ids::MINGLED_VLANS);
        }
        // An address that was asked for will be waited for as well.
        None => lines.maybe("srcip", host.source),
    }
    lines.warn(introduction::delay(host), ids::DUPLICATE_SEARCH);
    lines.yes_or_no("wait-interface", host.wait_for_interface);
    lines.add("vhid", host.vhid);
    for address in &host.addresses {
        // As it would be put on.
        let prefix = if host.manage_address { Some(address.length()) } else { address.prefix };
        lines.add("addr", VirtualAddress { prefix, ..*address });
    }
    lines.add("advbase", host.interval.base);
    lines.add("advskew", host.interval.skew);
    lines.add("deadratio", host.dead_ratio);
    lines.yes_or_no("preempt", host.preempt);
    match &host.group {
        // What is waited for is said of the group.
        Some(group) => {
            lines.add("group", group);
            lines.yes_or_no("required", host.required);
        }
        None => delays(host.delays, lines),
    }
    lines.yes_or_no("manage-address", host.manage_address);
    lines.yes_or_no("neutral", host.neutral);
    lines.add("mcast", host.destination.v4);
    lines.yes_or_no("nomcast", host.destination.broadcast);
    for peer in &host.destination.peers {
        lines.add("peer", peer);
    }
    lines.add("peer-type", host.dialect.code());
    let replay = match host.replay {
        Replay::Warn => "warn",
        Replay::Refuse => "refuse",
        Replay::Off => "off",
    };
    lines.add("replay", replay);
    lines.yes_or_no("only-ours", host.only_ours);
    lines.yes_or_no("ignoreifstate", host.ignore_link_state);
    lines.yes_or_no("shutdown", host.withdraw);
    lines.maybe("upscript", host.up.as_deref().map(Path::display));
    lines.maybe("downscript", host.down.as_deref().map(Path::display));
    lines.maybe("xparam", host.xparam.as_deref().map(Path::new).map(Path::display));
    host.notify.iter().for_each(|program| lines.add("notify", program.display()));
    lines.add("hook-timeout", seconds(host.hook_timeout));
    let failure = match host.hook_failure {
        HookFailure::Stay => "stay",
        HookFailure::Demote => "demote",
    };
    lines.add("hook-failure", failure);
    let on_lost_address = match host.on_lost_address {
        OnLostAddress::Hook => "hook",
        OnLostAddress::Warn => "warn",
    };
    lines.add("on-lost-address", on_lost_address);
    lines.add("garp-count", host.announcing.count);
    lines.add("garp-interval", host.announcing.interval.as_millis());
    lines.add("garp-refresh", seconds(host.announcing.refresh));
    if host.name.is_some() {
        lines.add("settle", seconds(host.settle));
    }
    Ok(())
}

fn delays(delays: Delays, lines: &mut Lines) {
    lines.add("preempt-delay", seconds(delays.preempt));
    lines.add("start-hold", seconds(delays.start_hold));
}

/// What a check will do.
fn fitness(check: &Check, lines: &mut Lines) -> Result<(), StartError> {
    lines.add("check", &check.name);
    start::may_look(check)?;
    match &check.probe {
        Probe::Command { program, words, user } => {
            let program = program.display().to_string();
            let words: Vec<&str> = std::iter::once(&program).chain(words).map(String::as_str).collect();
            lines.add("command", format_args!("{words:?}"));
            lines.maybe("user", user.as_ref());
        }
        Probe::Interface(interface) => lines.add("interface", interface),
        Probe::File { path, user } => {
            lines.add("file", path.display());
            lines.maybe("user", user.as_ref());
        }
        Probe::CarpDemotion => lines.yes_or_no("carp-demotion", true),
    }
    lines.add("every", seconds(check.every));
    if check.probe.runs() {
        lines.add("timeout", seconds(check.timeout));
    }
    lines.add("fall", check.fall);
    lines.add("rise", check.rise);
    lines.add("demote", check.demote);
    lines.add("on-failure", check.on_failure.name());
    lines.add("initial", check.initial.name());
    match &check.whom {
        Whom::Vips(names) => names.iter().for_each(|name| lines.add("vips", name)),
        Whom::Group(group) => lines.add("group", group),
    }
    Ok(())
}

/// A time as a bare number of seconds where it is one.
fn seconds(time: Duration) -> String {
    match time.as_millis() {
        millis if millis % 1000 == 0 => (millis / 1000).to_string(),
        millis => format!("{millis}ms"),
    }
}

/// Whether a pidfile could be made there. The file itself is left alone: a running daemon may hold it.
fn writable_place(pidfile: &Path) -> Result<(), StartError> {
    let folder = pidfile.parent().unwrap_or(Path::new("/"));
    platform::may_create_in(folder)
        .map_err(|error| StartError::new(Doing::WritePidfile, pidfile.display().to_string(), error))
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: impl Display) {
        self.add_shown(name, &value);
    }

    fn add_shown(&mut self, name: &str, value: &dyn Display) {
        self.0.push_str(name);
        self.0.push_str(": ");
        // A file name may hold anything; a line stays a line.
        self.0.push_str(&one_line(&value.to_string(), usize::MAX));
        self.0.push('\n');
    }

    fn maybe(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn warn(&mut self, sentence: Option<String>, id: &str) {
        self.maybe("warning", sentence.map(|sentence| format!("{sentence} [{id}]")));
    }

    fn yes_or_no(&mut self, name: &str, value: bool) {
        self.add(name, if value { "yes" } else { "no" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        let mut lines = Lines::default();
        lines.add("xparam", "a\nb\u{1b}ü");
        lines.yes_or_no("debug", true);
        lines.maybe("upscript", None::<&str>);
        assert_eq!(lines.0, "xparam: a\\nb\\u{1b}ü\ndebug: yes\n");
    }
}
