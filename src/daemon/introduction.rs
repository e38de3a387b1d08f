//! The first lines about a virtual host: where it is, and what may go wrong there.

use std::net::IpAddr;

use super::host::Served;
use super::place::{families, main_source};
use super::report::{About, Report};
use crate::config::VirtualHostConfig;
use crate::i18n::tr;
use crate::ids;
use crate::log::Level;
use crate::platform;
use crate::protocol::{Family, Hook, Vhid};

/// That neighbours will not look for a shared address here, for each of these.
pub(super) fn doubts<'a>(interface: &'a str, outside: &'a [IpAddr]) -> impl Iterator<Item = String> + 'a {
    outside.iter().map(move |address| {
        tr!("--addr: {address} is in none of the networks that {interface} is connected to: neighbours will not look for it here", address, interface)
    })
}

/// That these VLANs must not use the same id, if there are any.
pub(super) fn mingling(interface: &str, vhid: Vhid, vlans: &[String]) -> Option<String> {
    let vlans = (!vlans.is_empty()).then(|| vlans.join(", "))?;
    Some(tr!(
        "Frames of {vlans} are heard on {interface} as well, without their tags: nobody there may use id {vhid}",
        vlans,
        interface,
        vhid
    ))
}

/// That a shared address of IPv4 will be dead for seconds wherever it is new, because of a setting of this system.
pub(super) fn delay(config: &VirtualHostConfig) -> Option<String> {
    let setting = platform::search_for_duplicates().filter(|_| families(config).contains(&Family::V4))?;
    Some(tr!(
        "{setting} is {value}: a new IPv4 address, and each when the link comes back, is not used for seconds; set it to 0",
        setting = setting.name,
        value = setting.value
    ))
}

/// The first line about a virtual host.
pub(super) fn introduce(one: &Served, interface: &str, report: &mut Report) {
    let parameters = one.core().parameters();
    let source = main_source(&parameters.addresses, parameters.sources);
    let source = source.map(|source| source.to_string()).unwrap_or_default();
    let shared: Vec<String> = one.config.addresses.iter().map(ToString::to_string).collect();
    let text = tr!(
        "ucarp {version}: sharing {addresses} as id {vhid} on {interface}, from {source} ({mac}), advbase {base} advskew {skew}",
        version = env!("CARGO_PKG_VERSION"),
        addresses = shared.join(" "),
        vhid = parameters.vhid,
        interface,
        source,
        mac = parameters.mac,
        base = parameters.interval.base,
        skew = parameters.interval.skew
    );
    report.say_of(About::host(&one.config, interface), &text);
    for doubt in doubts(interface, &one.outside) {
        report.tell_on(interface, Level::Warning, &doubt, ids::OUTSIDE);
    }
    let vlans = platform::mingled_vlans(interface).unwrap_or_default();
    if let Some(warning) = mingling(interface, parameters.vhid, &vlans) {
        report.tell_on(interface, Level::Warning, &warning, ids::MINGLED_VLANS);
    }
    if let Some(delay) = delay(&one.config) {
        report.tell_on(interface, Level::Warning, &delay, ids::DUPLICATE_SEARCH);
    }
    for (hook, missing) in [(Hook::Up, one.config.up.is_none()), (Hook::Down, one.config.down.is_none())] {
        if missing {
            report.say(
                Level::Debug,
                &tr!(
                    "No {hook} script: the address is announced but nobody configures it here",
                    hook = hook.code()
                ),
            );
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
