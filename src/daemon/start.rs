//! Starting: what has to be found out and opened before anything is served, and the sentences about it.
//!
//! Nothing is sent and nothing is run.

use std::net::IpAddr;
use std::path::Path;

use super::attachment::{Attachment, Wanted};
use super::failure::{Doing, StartError};
use super::host::Served;
use super::network::Networks;
use super::place::{Located, Place, addresses, families, locate, main_source, own_addresses};
use super::report::Report;
use crate::config::VirtualHostConfig;
use crate::i18n::{fill, tr};
use crate::log::Level;
use crate::platform::{self, Claim, Holder, LockError, PidFile};
use crate::protocol::{Family, Hook, Hooks, Key, Parameters, Vhid, VirtualHost};

/// Writes and locks the pidfile.
pub(super) fn hold_pidfile(path: &Path) -> Result<PidFile, StartError> {
    let object = path.display().to_string();
    PidFile::take(path).map_err(|error| match error {
        LockError::Held(number) => StartError::new(Doing::HoldPidfile, object, process(number)),
        LockError::Foreign(lock, user) => {
            let why = fill(&tr("it belongs to user {user}"), &[("user", &user)]);
            StartError::new(Doing::WritePidfile, lock.display().to_string(), why)
        }
        LockError::Io(error) => StartError::new(Doing::WritePidfile, object, error),
    })
}

/// A process as it stands in a sentence.
fn process(number: Option<u32>) -> String {
    match number {
        Some(number) => fill(&tr("process {number}"), &[("number", &number)]),
        None => tr("a process whose number cannot be seen from here").into_owned(),
    }
}

/// The interface asked for, or the one that has the address asked for.
pub(super) fn interface_for(config: &VirtualHostConfig) -> Result<String, StartError> {
    match (&config.interface, config.source) {
        (Some(interface), _) => Ok(interface.clone()),
        (None, Some(source)) => platform::interface_of(source)
            .map_err(|error| StartError::new(Doing::FindInterface, source.to_string(), error))?
            .ok_or_else(|| {
                StartError::new(Doing::FindInterface, source.to_string(), tr("no interface has this address"))
            }),
        (None, None) => Err(StartError::new(
            Doing::FindInterface,
            "",
            tr("neither an interface nor an address was given"),
        )),
    }
}

/// Opens all that one virtual host needs. An interface that is down, or missing and may be waited for, is left out,
/// and comes back as the reason; so is one whose address becomes usable in a moment.
pub(super) fn open(
    config: &VirtualHostConfig,
    lockdir: Option<&Path>,
) -> Result<(Served, Option<StartError>), StartError> {
    let interface = interface_for(config)?;
    let name = format!("{interface} id {}", config.vhid);
    let claim = Claim::take(&format!("ucarp {name}"), lockdir)
        .map_err(|Holder(number)| StartError::new(Doing::Claim, name, process(number)))?;
    let (attachment, (place, lacks), missing) = match attach(&interface, config) {
        Ok((attachment, located)) => (Some(attachment), located, None),
        Err(error) if error.is_for_want_of_link(&interface) => {
            // A source that was asked for has to be there all the same.
            let located = locate(&interface, config);
            let located =
                if config.source.is_some() { located? } else { located.unwrap_or((Place::NOWHERE, None)) };
            (None, located, Some(error))
        }
        Err(error) if error.is_waited_for() || config.wait_for_interface && error.may_pass() => {
            (None, (Place::NOWHERE, None), Some(error))
        }
        Err(error) => return Err(error.naming_interfaces()),
    };
    let password = config.dialect.kept(config.secret.bytes());
    let key = Key::from_password(password).expect("a Secret is at most as long as a Key");
    let parameters = Parameters {
        vhid: config.vhid,
        addresses: addresses(config),
        key,
        interval: config.interval,
        dead_ratio: config.dead_ratio,
        preempt: config.preempt,
        neutral: config.neutral,
        sources: place.sources,
        mac: place.mac,
        destination: config.destination.clone(),
        hooks: Hooks {
            up: config.up.is_some(),
            down: config.down.is_some(),
            timeout: config.hook_timeout,
            failure: config.hook_failure,
            on_lost_address: config.on_lost_address,
        },
        announcing: config.announcing,
        dialect: config.dialect,
        replay: config.replay,
        only_ours: config.only_ours,
    };
    let host = VirtualHost::new(parameters);
    let mut served = Served::new(config.clone(), interface, claim, attachment, host);
    served.lacks_v6 = lacks;
    served.trouble = missing.as_ref().map(ToString::to_string);
    Ok((served, missing))
}

/// Takes up an interface: everything that has to be opened or known of it.
pub(super) fn attach(
    interface: &str,
    config: &VirtualHostConfig,
) -> Result<(Attachment, Located), StartError> {
    let located = locate(interface, config)?;
    Ok((Attachment::open(interface, wanted(interface, config)?)?, located))
}

/// What is to be heard on the interface.
pub(super) fn wanted(interface: &str, config: &VirtualHostConfig) -> Result<Wanted, StartError> {
    let failed = |error| StartError::new(Doing::FindSource, interface, error);
    let (own, shared) = (own_addresses(interface, config).map_err(failed)?, addresses(config));
    let mut peers = config.destination.peers.iter();
    if let Some(peer) = peers.clone().find(|peer| own.contains(peer)) {
        return Err(StartError::new(Doing::UsePeer, interface, peer.to_string()));
    }
    let networks = Networks::of(interface, &shared).map_err(failed)?;
    if let Some(peer) = peers.find(|peer| networks.leave_out(**peer)) {
        return Err(StartError::new(Doing::ReachPeer, interface, peer.to_string()));
    }
    Ok(Wanted {
        vhids: vec![config.vhid],
        destination: config.destination.clone(),
        families: families(config),
        own,
        outside: shared.iter().copied().filter(|address| networks.leave_out(*address)).collect(),
    })
}

/// That neighbours will not look for a shared address here, for each of these.
pub(super) fn doubts<'a>(interface: &'a str, outside: &'a [IpAddr]) -> impl Iterator<Item = String> + 'a {
    outside.iter().map(move |address| {
        let template = tr(
            "--addr: {address} is in none of the networks that {interface} is connected to: neighbours will not look for it here",
        );
        fill(&template, &[("address", address), ("interface", &interface)])
    })
}

/// That these VLANs must not use the same id, if there are any.
pub(super) fn mingling(interface: &str, vhid: Vhid, vlans: &[String]) -> Option<String> {
    let template = tr(
        "Frames of {vlans} are heard on {interface} as well, without their tags: nobody there may use id {vhid}",
    );
    let vlans = (!vlans.is_empty()).then(|| vlans.join(", "))?;
    Some(fill(&template, &[("vlans", &vlans), ("interface", &interface), ("vhid", &vhid)]))
}

/// That a shared address of IPv4 will be dead for seconds wherever it is new, because of a setting of this system.
pub(super) fn delay(config: &VirtualHostConfig) -> Option<String> {
    let setting = platform::search_for_duplicates().filter(|_| families(config).contains(&Family::V4))?;
    let template = tr(
        "{setting} is {value}: a new IPv4 address, and each when the link comes back, is not used for seconds; set it to 0",
    );
    Some(fill(&template, &[("setting", &setting.name), ("value", &setting.value)]))
}

/// The first line about a virtual host.
pub(super) fn introduce(one: &Served, report: &mut Report) {
    let parameters = one.host.parameters();
    let source = main_source(&parameters.addresses, parameters.sources);
    let source = source.map(|source| source.to_string()).unwrap_or_default();
    let shared: Vec<String> = one.config.addresses.iter().map(ToString::to_string).collect();
    let text = fill(
        &tr(
            "ucarp {version}: sharing {addresses} as id {vhid} on {interface}, from {source} ({mac}), advbase {base} advskew {skew}",
        ),
        &[
            ("version", &env!("CARGO_PKG_VERSION")),
            ("addresses", &shared.join(" ")),
            ("vhid", &parameters.vhid),
            ("interface", &one.interface),
            ("source", &source),
            ("mac", &parameters.mac),
            ("base", &parameters.interval.base),
            ("skew", &parameters.interval.skew),
        ],
    );
    report.say(Level::Info, &text);
    for doubt in doubts(&one.interface, one.attachment.as_ref().map_or(&[], Attachment::outside)) {
        report.say(Level::Warning, &format!("{doubt} [UC2020]"));
    }
    let vlans = platform::mingled_vlans(&one.interface).unwrap_or_default();
    if let Some(warning) = mingling(&one.interface, parameters.vhid, &vlans) {
        report.say(Level::Warning, &format!("{warning} [UC2026]"));
    }
    if let Some(delay) = delay(&one.config) {
        report.say(Level::Warning, &format!("{delay} [UC2024]"));
    }
    for (hook, missing) in [(Hook::Up, one.config.up.is_none()), (Hook::Down, one.config.down.is_none())] {
        if missing {
            let text = tr("No {hook} script: the address is announced but nobody configures it here");
            report.say(Level::Debug, &fill(&text, &[("hook", &hook.code())]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vlans_that_are_heard_on_their_parent() {
        let vhid = Vhid::new(7).unwrap();
        assert_eq!(mingling("en0", vhid, &[]), None);
        let said = mingling("en0", vhid, &["vlan0".to_owned(), "vlan1".to_owned()]).unwrap();
        assert_eq!(
            said,
            "Frames of vlan0, vlan1 are heard on en0 as well, without their tags: nobody there may use id 7"
        );
    }
}
