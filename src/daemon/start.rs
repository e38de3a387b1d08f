//! Starting: what has to be found out and opened before anything is served.
//!
//! Nothing is sent and nothing is run.

use std::path::Path;

use super::clock::now;
use super::connected;
use super::failure::{Doing, StartError};
use super::fleet::Fleet;
use super::host::Served;
use super::place::{Place, addresses};
use super::placing::{self, Placed};
use super::roster::{Entry, Roster, Standing};
use super::survey::Surveyor;
use crate::config::check::Probe;
use crate::config::{Check, Secret, VirtualAddress, VirtualHostConfig};
use crate::i18n::tr;
use crate::platform::{self, Claims, Doubt, Holder, LinkState, LockError, PidFile};
use crate::protocol::{Destination, Family, Hooks, Key, Parameters, VirtualHost};

/// Writes and locks the pidfile.
pub(super) fn hold_pidfile(path: &Path) -> Result<PidFile, StartError> {
    let object = path.display().to_string();
    PidFile::take(path).map_err(|error| match error {
        LockError::Held(Some(number)) => StartError::new(Doing::HoldPidfile, object, number.to_string()),
        LockError::Held(None) => StartError::new(Doing::HoldPidfileUnseen, object, ""),
        LockError::Foreign(lock, user) => {
            let why = tr!("it belongs to user {user}", user);
            StartError::new(Doing::WritePidfile, lock.display().to_string(), why)
        }
        LockError::Io(error) => StartError::new(Doing::WritePidfile, object, error),
    })
}

/// A process as it stands in a sentence.
fn process(number: Option<u32>) -> String {
    match number {
        // TRANSLATORS: stands at the end of a sentence, behind a colon: who serves already.
        Some(number) => tr!("process {number}", number),
        None => tr!("a process whose number cannot be seen from here").into_owned(),
    }
}

/// The interface asked for, or the one that has the address asked for.
pub(super) fn interface_for(config: &VirtualHostConfig) -> Result<String, StartError> {
    match (&config.interface, config.source) {
        (Some(interface), _) => Ok(interface.clone()),
        (None, Some(source)) => platform::interface_of(source)
            .map_err(|error| StartError::new(Doing::FindInterface, source.to_string(), error))?
            .ok_or_else(|| {
                StartError::new(
                    Doing::FindInterface,
                    source.to_string(),
                    // TRANSLATORS: this and the next one stand behind "cannot find the interface …: ".
                    tr!("no interface has this address"),
                )
            }),
        (None, None) => Err(StartError::new(
            Doing::FindInterface,
            "",
            tr!("neither an interface nor an address was given"),
        )),
    }
}

/// Whether this process may do with its addresses what is asked for. Found out before it is master of them.
pub(super) fn may_manage(config: &VirtualHostConfig, interface: &str) -> Result<(), StartError> {
    match platform::missing_for_addresses().filter(|_| config.manage_address) {
        Some(missing) => Err(StartError::new(Doing::ManageAddresses, interface, missing)),
        None => Ok(()),
    }
}

/// Whether what a check looks at exists on this system.
pub(super) fn may_look(check: &Check) -> Result<(), StartError> {
    if check.probe == Probe::CarpDemotion && platform::carp_demotion().is_none() {
        let why = tr!("carp-demotion: this system's kernel keeps no sum of demotions");
        return Err(StartError::new(Doing::Check, check.name.as_str(), why));
    }
    Ok(())
}

/// Takes the right to serve this virtual host on this machine, and says what makes it uncertain. Who has it already may be
/// a process that is no more: `inherits` has whom it left behind give it back, if it can. Without it nobody is waited for.
pub(super) fn claim(
    claims: &mut Claims,
    config: &VirtualHostConfig,
    interface: &str,
    lockdir: Option<&Path>,
    mut inherits: Option<&mut dyn FnMut(u32) -> bool>,
) -> Result<Vec<Doubt>, StartError> {
    let mut doubts = Vec::new();
    for name in names(interface, config) {
        let taken = claims.take(&claim_of(&name), lockdir, inherits.is_some()).or_else(|holder| {
            let is_given_up = holder.0.zip(inherits.as_mut()).is_some_and(|(number, ask)| ask(number));
            if is_given_up { take_when_given_back(claims, &claim_of(&name), lockdir) } else { Err(holder) }
        });
        let held = |Holder(number)| StartError::new(Doing::Claim, name, process(number));
        doubts.append(&mut taken.map_err(held)?);
    }
    Ok(doubts)
}

/// A master that is told to end says goodbye first.
fn take_when_given_back(
    claims: &mut Claims,
    name: &str,
    lockdir: Option<&Path>,
) -> Result<Vec<Doubt>, Holder> {
    let mut taken = claims.take(name, lockdir, true);
    // Each of them waits a second.
    for _ in 0..4 {
        if taken.is_ok() {
            break;
        }
        taken = claims.take(name, lockdir, true);
    }
    taken
}

/// What is claimed for it.
pub(super) fn claimed(entry: &Entry) -> Vec<String> {
    names(&entry.interface, &entry.config).iter().map(|name| claim_of(name)).collect()
}

fn claim_of(name: &str) -> String {
    format!("ucarp {name}")
}

/// By which a virtual host is known to others on this machine: one for the groups of CARP, one for a group of its own.
fn names(interface: &str, config: &VirtualHostConfig) -> Vec<String> {
    let plain = format!("{interface} id {}", config.vhid);
    let group = config.destination.v4;
    if group == Destination::GROUP_V4 {
        return vec![plain];
    }
    let own = format!("{plain} {group}");
    // Another group is chosen for IPv4 alone.
    if VirtualAddress::any_of(&config.addresses, Family::V6) { vec![plain, own] } else { vec![own] }
}

/// Opens all that these virtual hosts need. What is missing and may be waited for, an interface
/// that is down, or an address that becomes usable in a moment, is left out, and comes back as the reason with the number
/// of the host. Who `has_served` waits for everything.
pub(super) fn open(
    roster: &Roster,
    has_served: bool,
) -> Result<(Fleet, Vec<(usize, StartError)>), StartError> {
    let mut fleet = Fleet::new();
    for Entry { config, interface, standing, kept, .. } in roster.entries() {
        let mut core = VirtualHost::new(parameters(config));
        core.recall(kept.clone(), now());
        let mut one = Served::new(config.clone(), core);
        one.gone = *standing == Standing::Gone;
        fleet.add(interface, one);
    }
    let (mut surveyor, mut missing) = (Surveyor::default(), Vec::new());
    for link in (0..fleet.links().len()).filter(|link| !fleet.link(*link).is_idle()).collect::<Vec<_>>() {
        open_link(&mut fleet, link, has_served, &mut surveyor, &mut missing)?;
    }
    Ok((fleet, missing))
}

fn open_link(
    fleet: &mut Fleet,
    link: usize,
    has_served: bool,
    surveyor: &mut Surveyor,
    missing: &mut Vec<(usize, StartError)>,
) -> Result<(), StartError> {
    let name = fleet.link(link).name.clone();
    let state = platform::link_state(&name).unwrap_or(LinkState::Gone);
    let mut waits = |fleet: &mut Fleet, host: usize, error: StartError| {
        let config = &fleet.hosts()[host].config;
        // A source that was asked for has to be there all the same.
        let no_link =
            error.is_for_want_of_link(state) && (config.source.is_none() || !error.is_about_source());
        let may_wait = config.wait_for_interface && error.may_pass();
        if has_served || no_link || error.is_waited_for() || may_wait {
            fleet.host(host).0.trouble = Some(error.to_string());
            missing.push((host, error));
            return Ok(());
        }
        Err(error.explained())
    };
    let plan = match placing::plan(fleet, link, surveyor) {
        Ok(plan) => plan,
        Err(error) => {
            return fleet.on(link).into_iter().try_for_each(|host| waits(fleet, host, error.clone()));
        }
    };
    let mut placed: Vec<(usize, Placed)> = Vec::new();
    for (host, outcome) in plan.places {
        match outcome {
            Ok(place) => placed.push((host, place)),
            Err(error) => waits(fleet, host, error)?,
        }
    }
    if placed.is_empty() {
        return Ok(());
    }
    match placing::open(fleet, link, plan.own) {
        Ok(mut devices) => {
            for (host, place) in placed {
                let one = fleet.host(host).0;
                let ways: Vec<_> = connected::needed(&one.config, place.place.sources).collect();
                if let Err(error) = devices.connect(&ways) {
                    waits(fleet, host, error)?;
                    continue;
                }
                placing::settle(one, place);
                one.introduced = true;
            }
            fleet.link_mut(link).devices = Some(devices);
            Ok(())
        }
        Err(error) => placed.into_iter().try_for_each(|(host, _)| waits(fleet, host, error.clone())),
    }
}

/// What the core is told of a virtual host that has no place yet.
pub(super) fn parameters(config: &VirtualHostConfig) -> Parameters {
    Parameters {
        vhid: config.vhid,
        addresses: addresses(config),
        key: key(config, &config.secret),
        interval: config.interval,
        dead_ratio: config.dead_ratio,
        preempt: config.preempt,
        start_hold: config.delays.start_hold,
        preempt_delay: config.delays.preempt,
        neutral: config.neutral,
        sources: Place::NOWHERE.sources,
        mac: Place::NOWHERE.mac,
        destination: config.destination.clone(),
        hooks: Hooks {
            up: config.up.is_some(),
            down: config.down.is_some(),
            scripts: 0,
            timeout: config.hook_timeout,
            failure: config.hook_failure,
            on_lost_address: config.on_lost_address,
            manages: config.manage_address,
        },
        announcing: config.announcing,
        dialect: config.dialect,
        replay: config.replay,
        only_ours: config.only_ours,
        also_accepted: config.also_accepted.iter().map(|secret| key(config, secret)).collect(),
        settle: config.settle,
    }
}

fn key(config: &VirtualHostConfig, secret: &Secret) -> Key {
    let password = config.dialect.kept(secret.bytes());
    Key::from_password(password).expect("a Secret is at most as long as a Key")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::config::cli::{self, Invocation};
    use crate::daemon::caller;

    #[test]
    fn those_who_share_no_group_share_no_name() {
        let named = |more: &[&str]| {
            let words = ["-i", "eth0", "-v", "7", "-p", "secret"].iter().chain(more).map(OsString::from);
            let Ok(Invocation::Run { config, .. }) = cli::parse(words, &caller()) else { panic!("{more:?}") };
            names("eth0", &config.hosts[0])
        };
        assert_eq!(named(&["-a", "10.0.0.9"]), ["eth0 id 7"]);
        assert_eq!(named(&["-a", "10.0.0.9", "-a", "fd00::9"]), ["eth0 id 7"]);
        assert_eq!(named(&["-a", "10.0.0.9", "--mcast=224.0.0.99"]), ["eth0 id 7 224.0.0.99"]);
        let both = ["-a", "10.0.0.9", "-a", "fd00::9", "--mcast=224.0.0.99"];
        assert_eq!(named(&both), ["eth0 id 7", "eth0 id 7 224.0.0.99"]);
    }
}
