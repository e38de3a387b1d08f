//! What the hands, which have all rights, do for the engine, which may have been taken over by whoever found a fault in
//! it: what the configuration says that the hands read themselves, and nothing else.
//!
//! A request becomes an [`Act`] here or a [`Refusal`], and only [`Rules`] can make an act: `children` starts no script
//! but by an [`Order`]. Pure: what has to be asked of the system comes with the question.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::caller::caller;
use super::capture::Looks;
use super::failure;
use super::request::{Beat, News, Request, Run, Stepped, Unbegun};
use super::roster::{Entry, Roster, Standing};
use crate::config::check::Probe;
use crate::config::{Account, Check, VirtualHostConfig, script};
use crate::control::{Field, Subject};
use crate::log::Line;
use crate::platform::{MOST_DESCRIPTORS, Program, User};
use crate::protocol::{Family, Hook, Reason, Role, Shift, Time, Untaken};

/// How many requests an engine may make in a second: so many, and so many more for each host, all of which may change
/// their roles at once. Lines of the log are counted by themselves.
const MOST_REQUESTS: u32 = 64;
const MOST_LINES: u32 = 1000;
const MORE_BY_HOST: u32 = 16;
/// As often as the shortest time from one to the next, and what an interface that changes adds.
const MOST_BY_CHECK: u32 = 25;
const SECOND: Duration = Duration::from_secs(1);
/// All demotions together.
const MOST_DEMOTION: u8 = 254;
/// Nobody's clock is believed to be later than that.
const MOST_AHEAD: Duration = Duration::from_secs(86_400);

/// What is allowed.
pub(super) struct Rules {
    roster: Roster,
    requests: Counted,
    lines: Counted,
    checks: Counted,
}

/// What has to be known of this moment.
#[derive(Clone, Copy)]
pub(super) struct Circumstances<'a> {
    pub(super) now: Time,
    /// The script that runs for a host.
    pub(super) running: &'a dyn Fn(u16) -> Option<Hook>,
    /// Whether a run of this check goes on.
    pub(super) checking: &'a dyn Fn(u16) -> bool,
    /// Whether an interface of this name exists.
    pub(super) exists: &'a dyn Fn(&str) -> bool,
}

/// A request that is allowed.
#[derive(Debug)]
pub(super) enum Act<'a> {
    Start(Order<'a>),
    Notify(Bulletin<'a>),
    Check(Look<'a>),
    Shift {
        host: u16,
        shift: Shift,
        interface: &'a str,
        entry: &'a mut Entry,
    },
    Kill {
        host: u16,
        force: bool,
    },
    #[allow(dead_code, reason = "not every system needs it")]
    Survey {
        interface: &'a str,
    },
    Open {
        interface: &'a str,
        hosts: &'a [u16],
        looks: Looks,
        capture_only: bool,
    },
    Connect {
        interface: &'a str,
        source: IpAddr,
        peers: &'a [IpAddr],
    },
    Note(&'a Beat),
    Say(&'a Line),
    End {
        status: u8,
        why: Option<&'a Unbegun>,
    },
    Forget {
        host: u16,
    },
    Settle {
        host: u16,
    },
    Show {
        query: u32,
        subject: Subject,
        host: u16,
        fields: &'a [Field],
    },
    Answer {
        order: u32,
        host: u16,
        stepped: Stepped,
    },
    AnswerTook {
        order: u32,
        host: u16,
        untaken: Option<Untaken>,
    },
}

/// So many since that moment.
#[derive(Clone, Copy, Default)]
struct Counted {
    since: Time,
    count: u32,
}

impl Counted {
    /// Whether one more is no more than so many in a second.
    fn counts(&mut self, most: u32, now: Time) -> bool {
        if now.since(self.since) >= SECOND {
            *self = Self { since: now, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count <= most
    }
}

/// A script to be started, with what it is to be told.
#[derive(Debug)]
pub(super) struct Order<'a> {
    run: &'a Run,
    entry: &'a Entry,
    script: &'a Path,
}

/// A change of role, and who is to be told.
#[derive(Debug)]
pub(super) struct Bulletin<'a> {
    news: &'a News,
    entry: &'a Entry,
    /// As it is called now.
    interface: &'a str,
}

/// A check to be made.
#[derive(Debug)]
pub(super) struct Look<'a> {
    number: u16,
    run: u32,
    check: &'a Check,
}

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// The configuration has no such host.
    NoSuchHost,
    /// Its addresses are not ours to bring.
    NotManaged,
    /// It has no such script.
    NoSuchHook,
    /// It is about another interface.
    OtherInterface,
    /// No host on that interface has such peers.
    OtherPeers,
    /// One of that host runs.
    HookRuns,
    /// It does not run. It may have ended meanwhile.
    HookDoesNotRun,
    /// The configuration has no such check.
    NoSuchCheck,
    /// It is being made.
    CheckRuns,
    /// There are fewer hosts.
    OtherHosts,
    /// Nobody asked it to leave.
    Stays,
    /// No host is so far ahead of our time.
    TooLate,
    /// There were more in this second than any engine has to make.
    TooMany,
}

impl Refusal {
    /// Stable, untranslated.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::NoSuchHost => "no_such_host",
            Self::NotManaged => "not_managed",
            Self::NoSuchHook => "no_such_hook",
            Self::OtherInterface => "other_interface",
            Self::OtherPeers => "other_peers",
            Self::HookRuns => "hook_runs",
            Self::HookDoesNotRun => "hook_does_not_run",
            Self::NoSuchCheck => "no_such_check",
            Self::CheckRuns => "check_runs",
            Self::OtherHosts => "other_hosts",
            Self::Stays => "stays",
            Self::TooLate => "too_late",
            Self::TooMany => "too_many",
        }
    }

    /// Whether an engine that does its work may ask for it all the same: things change while a request is on its way.
    pub(super) const fn is_harmless(self) -> bool {
        match self {
            Self::NotManaged
            | Self::OtherInterface
            | Self::HookDoesNotRun
            | Self::NoSuchCheck
            | Self::CheckRuns => true,
            Self::NoSuchHost
            | Self::NoSuchHook
            | Self::OtherPeers
            | Self::HookRuns
            | Self::OtherHosts
            | Self::Stays
            | Self::TooLate
            | Self::TooMany => false,
        }
    }
}

impl Rules {
    /// What the configuration says of its hosts.
    pub(super) fn of(roster: Roster) -> Self {
        Self { roster, requests: Counted::default(), lines: Counted::default(), checks: Counted::default() }
    }

    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// From now on this is what the configuration says.
    pub(super) fn replace(&mut self, roster: Roster) {
        self.roster = roster;
    }

    /// Whether the request is allowed, as what has to be done.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn allows<'a>(
        &'a mut self,
        request: &'a Request,
        circumstances: Circumstances<'_>,
    ) -> Result<Act<'a>, Refusal> {
        if !self.counts(request, circumstances.now) {
            return Err(Refusal::TooMany);
        }
        match request {
            Request::Run(run) => self.order(run, circumstances).map(Act::Start),
            Request::Shift { host, shift, interface } => {
                let (host, shift) = (*host, *shift);
                let entry = self.roster.get_mut(host).ok_or(Refusal::NoSuchHost)?;
                if !entry.config.manage_address {
                    return Err(Refusal::NotManaged);
                }
                if !is(&entry.interface, interface, circumstances) {
                    return Err(Refusal::OtherInterface);
                }
                Ok(Act::Shift { host, shift, interface, entry })
            }
            Request::Notify(news) => self.bulletin(news, circumstances).map(Act::Notify),
            Request::Kill { host, hook, force } => {
                self.host(*host)?;
                if (circumstances.running)(*host) != Some(*hook) {
                    return Err(Refusal::HookDoesNotRun);
                }
                Ok(Act::Kill { host: *host, force: *force })
            }
            Request::Check { check: number, run } => {
                let check = self.roster.check(*number).ok_or(Refusal::NoSuchCheck)?;
                if (circumstances.checking)(*number) {
                    return Err(Refusal::CheckRuns);
                }
                Ok(Act::Check(Look { number: *number, run: *run, check }))
            }
            Request::Survey { interface } => {
                if !self.roster.there().any(|(_, known)| is(&known.interface, interface, circumstances)) {
                    return Err(Refusal::OtherInterface);
                }
                Ok(Act::Survey { interface })
            }
            Request::OpenDevices { interface, hosts, looks, capture_only } => {
                for host in hosts {
                    // One that was renamed is not opened anew.
                    if self.host(*host)?.interface != *interface {
                        return Err(Refusal::OtherInterface);
                    }
                }
                if hosts.is_empty() {
                    return Err(Refusal::NoSuchHost);
                }
                Ok(Act::Open { interface, hosts, looks: *looks, capture_only: *capture_only })
            }
            Request::Connect { interface, source, peers } => {
                // One that was renamed is not opened anew.
                let mut there = self.roster.on(interface).peekable();
                if there.peek().is_none() {
                    return Err(Refusal::OtherInterface);
                }
                let known: Vec<_> = there.flat_map(|config| &config.destination.peers).collect();
                let is_peer =
                    |peer: &IpAddr| Family::of(*peer) == Family::of(*source) && known.contains(&peer);
                let is_ours = !source.is_unspecified() && !source.is_multicast();
                if !is_ours || !(1..=MOST_DESCRIPTORS).contains(&peers.len()) || !peers.iter().all(is_peer) {
                    return Err(Refusal::OtherPeers);
                }
                Ok(Act::Connect { interface, source: *source, peers })
            }
            // It may not have heard yet of those that were taken on since.
            Request::Heartbeat(beat) if beat.roles.len() > self.roster.len() => Err(Refusal::OtherHosts),
            Request::Heartbeat(beat) => {
                for (host, by) in &beat.ahead {
                    if usize::from(*host) >= self.roster.len() {
                        return Err(Refusal::NoSuchHost);
                    }
                    if Duration::from_millis((*by).into()) > MOST_AHEAD {
                        return Err(Refusal::TooLate);
                    }
                }
                if beat.others.iter().any(|(host, _)| usize::from(*host) >= self.roster.len()) {
                    return Err(Refusal::NoSuchHost);
                }
                Ok(Act::Note(beat))
            }
            Request::Say(line) => Ok(Act::Say(line)),
            Request::Standing { query, subject, host, fields } => {
                Ok(Act::Show { query: *query, subject: *subject, host: *host, fields })
            }
            Request::Stepped { order, host, stepped } => {
                self.host(*host)?;
                Ok(Act::Answer { order: *order, host: *host, stepped: *stepped })
            }
            Request::Took { order, host, untaken } => {
                self.host(*host)?;
                Ok(Act::AnswerTook { order: *order, host: *host, untaken: *untaken })
            }
            Request::Settled { host } => {
                self.host(*host)?;
                Ok(Act::Settle { host: *host })
            }
            Request::Left { host } => {
                if !matches!(self.host(*host)?.standing, Standing::Leaves(_)) {
                    return Err(Refusal::Stays);
                }
                if (circumstances.running)(*host).is_some() {
                    return Err(Refusal::HookRuns);
                }
                Ok(Act::Forget { host: *host })
            }
            Request::Finished { status, why } => Ok(Act::End { status: *status, why: why.as_ref() }),
        }
    }

    /// A host, for what the hands themselves have to remember or give back of it.
    pub(super) fn entry(&mut self, host: u16) -> Option<&mut Entry> {
        self.roster.get_mut(host)
    }

    /// The script that takes the address down, for when there is no engine to ask for it.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn last_resort<'a>(
        &'a mut self,
        run: &'a Run,
        circumstances: Circumstances<'_>,
    ) -> Result<Order<'a>, Refusal> {
        self.order(run, circumstances)
    }

    /// Whom to tell of a change of role.
    ///
    /// # Errors
    /// The configuration has no such host.
    pub(super) fn bulletin<'a>(
        &'a self,
        news: &'a News,
        circumstances: Circumstances<'_>,
    ) -> Result<Bulletin<'a>, Refusal> {
        let entry = self.host(news.host)?;
        // What changed has changed whatever became of the interface.
        let is_its = is(&entry.interface, &news.interface, circumstances);
        let interface = if is_its { &news.interface } else { &entry.interface };
        Ok(Bulletin { news, entry, interface })
    }

    fn order<'a>(&'a mut self, run: &'a Run, circumstances: Circumstances<'_>) -> Result<Order<'a>, Refusal> {
        let entry = self.roster.get_mut(run.host).ok_or(Refusal::NoSuchHost)?;
        if !is(&entry.interface, &run.interface, circumstances) {
            return Err(Refusal::OtherInterface);
        }
        if (circumstances.running)(run.host).is_some() {
            return Err(Refusal::HookRuns);
        }
        entry.begin(run.hook);
        let script = entry.script(run.hook).ok_or(Refusal::NoSuchHook)?;
        Ok(Order { run, entry, script })
    }

    fn counts(&mut self, request: &Request, now: Time) -> bool {
        let hosts = u32::try_from(self.roster.len()).unwrap_or(u32::MAX);
        let most = |most: u32| most.saturating_add(hosts.saturating_mul(MORE_BY_HOST));
        match request {
            Request::Say(_) => self.lines.counts(most(MOST_LINES), now),
            Request::Check { .. } => {
                let checks = u32::try_from(self.roster.checks().count()).unwrap_or(u32::MAX);
                self.checks.counts(checks.saturating_mul(MOST_BY_CHECK), now)
            }
            Request::Finished { .. } => true,
            _ => self.requests.counts(most(MOST_REQUESTS), now),
        }
    }

    fn host(&self, host: u16) -> Result<&Entry, Refusal> {
        self.roster.get(host).ok_or(Refusal::NoSuchHost)
    }
}

/// Whether this name may mean the interface of the configuration: it is that, or what became of it when it was renamed.
fn is(known: &str, name: &str, circumstances: Circumstances<'_>) -> bool {
    name == known || !(circumstances.exists)(known) && (circumstances.exists)(name)
}

impl Order<'_> {
    pub(super) fn host(&self) -> u16 {
        self.run.host
    }

    pub(super) fn hook(&self) -> Hook {
        self.run.hook
    }

    pub(super) fn script(&self) -> &Path {
        self.script
    }

    /// # Errors
    /// There is a NUL in a name.
    pub(super) fn program(&self) -> io::Result<Program> {
        let (run, config) = (self.run, &self.entry.config);
        let words = words(config, &run.interface);
        let addresses: Vec<String> = self.entry.addresses(run.hook).map(ToString::to_string).collect();
        let variables = [("UCARP_ADDRESSES", Some(addresses.join(" ").into()))];
        let told = (run.hook.code(), run.role, run.reason, run.master);
        let variables = variables.into_iter().chain(told_all(config, &run.interface, told));
        let words = words.iter().map(OsString::as_os_str);
        let (hook, path) = (run.hook, self.script.to_owned());
        Ok(Program::new(self.script, words, variables)?.explained(move |error| why(hook, &path, error)))
    }
}

impl Bulletin<'_> {
    pub(super) fn news(&self) -> &News {
        self.news
    }

    pub(super) fn config(&self) -> &VirtualHostConfig {
        &self.entry.config
    }

    pub(super) fn interface(&self) -> &str {
        self.interface
    }

    /// The programs that are told, in their order, with what hooks are told and more. The last three variables are those
    /// of devd(8), for whom a kernel's carp(4) tells the same.
    ///
    /// # Errors
    /// There is a NUL in a name.
    pub(super) fn programs(&self, previous: Option<Role>) -> io::Result<Vec<(PathBuf, Program)>> {
        let (News { role, reason, master, demotion, .. }, config) = (self.news, &self.entry.config);
        let words = words(config, self.interface);
        let addresses: Vec<String> = config.addresses.iter().map(ToString::to_string).collect();
        let subsystem = format!("{}@{}", config.vhid, self.interface);
        let variables = [
            ("UCARP_ADDRESSES", Some(addresses.join(" ").into())),
            ("UCARP_PREVIOUS_STATE", previous.map(|previous| previous.code().into())),
            ("UCARP_GROUP", config.group.as_ref().map(Into::into)),
            ("UCARP_DEMOTION", Some((*demotion).min(MOST_DEMOTION).to_string().into())),
            ("SYSTEM", Some("CARP".into())),
            ("SUBSYSTEM", Some(subsystem.into())),
            ("TYPE", Some(role.code().into())),
        ];
        let program = |path: &PathBuf| {
            let words = words.iter().map(OsString::as_os_str);
            let told = told_all(config, self.interface, ("notify", *role, *reason, *master));
            let (program, named) =
                (Program::new(path, words, variables.clone().into_iter().chain(told))?, path.clone());
            Ok((path.clone(), program.explained(move |error| explain("--notify", &named, error))))
        };
        config.notify.iter().map(program).collect()
    }
}

impl Look<'_> {
    pub(super) fn number(&self) -> u16 {
        self.number
    }

    pub(super) fn run(&self) -> u32 {
        self.run
    }

    pub(super) fn check(&self) -> &Check {
        self.check
    }

    /// What is to be run, if that takes a process: as who is named, or else as `usual`. A name that leads to a disk that
    /// does not answer is looked at by another process too.
    ///
    /// # Errors
    /// There is a NUL in a word.
    pub(super) fn program(&self, usual: Option<&User>) -> io::Result<Option<Program>> {
        let (program, user) = match &self.check.probe {
            Probe::Command { program, words, user } => {
                let words = words.iter().map(OsStr::new);
                let path = program.clone();
                let variables = [("UCARP_CHECK", Some(OsString::from(&self.check.name)))];
                let program = Program::new(program, words, variables)?;
                (program.explained(move |error| explain("--command", &path, error)), user)
            }
            Probe::File { path, user } => {
                let words = ["-c", "test -f \"$1\"", "sh"].map(OsStr::new).into_iter();
                let program = Program::new(Path::new("/bin/sh"), words.chain([path.as_os_str()]), [])?;
                (program, user)
            }
            Probe::Interface(_) | Probe::CarpDemotion => return Ok(None),
        };
        let named =
            user.as_ref().map(|Account { name, uid, gid }| User { name: name.clone(), uid: *uid, gid: *gid });
        Ok(Some(program.without_rights(named.or_else(|| usual.cloned()))))
    }
}

/// Arguments are `<interface> <address> [xparam]`, as the ancestor gave them; everything else is in the environment.
fn words(config: &VirtualHostConfig, interface: &str) -> Vec<OsString> {
    let first = config.addresses.first().map(|first| first.address.to_string()).unwrap_or_default();
    let words = [config.word_for(interface).into(), first.into()];
    words.into_iter().chain(config.xparam.clone()).collect()
}

/// What scripts and programs alike find in their environment: for what they are run, the role and its reason, and the
/// master that is followed. What does not apply is not that of somebody who started us from a hook.
fn told_all(
    config: &VirtualHostConfig,
    interface: &str,
    (what, role, reason, master): (&str, Role, Reason, Option<IpAddr>),
) -> [(&'static str, Option<OsString>); 8] {
    [
        ("UCARP_HOOK", Some(what.into())),
        ("UCARP_INTERFACE", Some(interface.into())),
        ("UCARP_NAME", config.name.as_ref().map(Into::into)),
        ("UCARP_VHID", Some(config.vhid.to_string().into())),
        ("UCARP_STATE", Some(role.code().into())),
        ("UCARP_REASON", Some(reason.code().into())),
        ("UCARP_XPARAM", config.xparam.clone()),
        ("UCARP_MASTER", master.map(|master| master.to_string().into())),
    ]
}

/// Why a script could not be run: the system's own word for it may be about a program the script names.
fn why(hook: Hook, path: &Path, error: &io::Error) -> String {
    let option = match hook {
        Hook::Up => "--upscript",
        Hook::Down => "--downscript",
    };
    explain(option, path, error)
}

fn explain(option: &'static str, path: &Path, error: &io::Error) -> String {
    match script::examine(option, path, &caller()) {
        Err(found) => found.to_string(),
        Ok(()) => format!("{option}: {}: {}", path.display(), failure::words(error)),
    }
}

#[cfg(test)]
pub(super) mod tests;
