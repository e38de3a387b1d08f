//! One virtual host, from what was asked for it: on a command line, or in a table of a file.

use std::net::IpAddr;
use std::time::Duration;

use super::group::Delays;
use super::reading::Reading;
use super::{Error, Secret, VirtualAddress, VirtualHostConfig, Warning};
use super::{destination, shown, words};
use crate::protocol::{Announcing, Dialect, Family, HookFailure, Hooks, Interval, OnLostAddress, Vhid};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The virtual host, unless something is wrong or missing; what that is the reading then has.
pub(super) fn read(reading: &mut Reading<'_>, name: Option<&str>) -> Option<VirtualHostConfig> {
    let in_file = reading.manner.strict;
    let before = reading.errors.len();
    let (interface, label) = reading.value("--interface", |_, word| words::interface(word)).unzip();
    let source = reading.value("--srcip", |option, word| words::source(option, word, interface.as_deref()));
    let wait_for_interface = in_file || reading.switch("--wait-interface", false);
    if !reading.is_given("--interface") {
        if in_file {
            reading.lacks(Error::Required { option: "--interface", example: "--interface=eth0" });
        } else if source.is_none_or(|source| source.is_unspecified()) {
            reading.lacks(Error::NoInterface);
        } else if wait_for_interface {
            reading.lacks(Error::NoNameToWaitFor);
        }
    }
    let dialect = reading.value("--peer-type", words::dialect).unwrap_or_default();
    let only_ours = reading.switch("--only-ours", false);
    if only_ours && dialect != Dialect::Any {
        reading.refuse("--only-ours", Error::PeersNotOurs { option: "--only-ours", kind: dialect.code() });
    }
    let vhid = vhid(reading);
    if vhid.is_none() && !reading.is_given("--vhid") {
        reading.lacks(Error::Required { option: "--vhid", example: "--vhid=1" });
    }
    let secrets = secrets(reading, dialect);
    let addresses = addresses(reading, interface.as_deref(), source);
    let interval = interval(reading);
    let dead_ratio = dead_ratio(reading);
    let preempt = reading.switch("--preempt", false);
    let delays = Delays::read(reading);
    let group = reading.value("--group", |_, word| words::name(word));
    let destination = destination::read(reading, interface.as_deref(), source, addresses.as_deref());
    let (up, down) = (reading.hook("--upscript"), reading.hook("--downscript"));
    let xparam = reading.value("--xparam", |_, word| Ok(word.to_owned()));
    let hook_failure = reading.value("--hook-failure", words::hook_failure).unwrap_or(HookFailure::Stay);
    let on_lost_address =
        reading.value("--on-lost-address", words::on_lost_address).unwrap_or(OnLostAddress::Hook);
    let hook_timeout = reading.value("--hook-timeout", |option, word| {
        words::time(option, word, Some(SECOND), SECOND..=Duration::from_secs(3600))
    });
    let announcing = announcing(reading);
    let replay = reading.value("--replay", words::replay).unwrap_or_default();
    let notify = reading.programs("--notify");
    let settle = reading.value("--settle", |option, word| words::time(option, word, None, SECOND..=DAY));
    let mut secrets = secrets?.into_iter();
    let config = VirtualHostConfig {
        name: name.map(str::to_owned),
        interface,
        label: label.flatten(),
        source,
        vhid: vhid?,
        secret: secrets.next()?,
        also_accepted: secrets.collect(),
        addresses: addresses?,
        interval,
        dead_ratio,
        preempt,
        delays,
        group,
        required: reading.switch("--required", true),
        neutral: reading.switch("--neutral", false),
        withdraw: reading.switch("--shutdown", in_file),
        manage_address: reading.switch("--manage-address", in_file),
        destination,
        up,
        down,
        xparam,
        notify,
        ignore_link_state: reading.switch("--ignoreifstate", false),
        wait_for_interface,
        hook_failure,
        on_lost_address,
        hook_timeout: hook_timeout.unwrap_or(Hooks::TIMEOUT),
        announcing,
        dialect,
        replay,
        only_ours,
        settle: settle.unwrap_or(VirtualHostConfig::SETTLE),
    };
    if reading.errors.len() > before {
        return None;
    }
    who_moves_the_address(reading, &config);
    Some(config)
}

fn who_moves_the_address(reading: &mut Reading<'_>, config: &VirtualHostConfig) {
    if config.manage_address {
        return;
    }
    match (&config.up, &config.down) {
        (None, None) => reading.warn("--upscript", Warning::NoHooks),
        (None, Some(_)) => reading.warn("--upscript", Warning::NoUpHook),
        (Some(_), None) => reading.warn("--downscript", Warning::NoDownHook),
        (Some(_), Some(_)) => {}
    }
    if config.up.is_some() && !config.withdraw {
        reading.warn("--shutdown", Warning::AddressStays);
    }
}

/// Which one, if that was given.
pub(super) fn vhid(reading: &mut Reading<'_>) -> Option<Vhid> {
    let number = reading.value("--vhid", |option, word| words::number(option, word, 1_u8, 255));
    number.map(|number| Vhid::new(number).unwrap_or(Vhid::MIN))
}

/// The passwords, and whether one as long as this is understood by peers of this kind.
pub(super) fn secrets(reading: &mut Reading<'_>, dialect: Dialect) -> Option<Vec<Secret>> {
    let secrets = reading.passwords()?;
    if secrets.first().is_some_and(|secret| dialect.kept(secret.bytes()).len() == Secret::LONGEST) {
        let option = if reading.is_given("--passfile") { "--passfile" } else { "--pass" };
        reading.warn(option, Warning::TwentyBytePassword);
    }
    Some(secrets)
}

/// The shared addresses, unless something is wrong with one of them.
pub(super) fn addresses(
    reading: &mut Reading<'_>,
    interface: Option<&str>,
    source: Option<IpAddr>,
) -> Option<Vec<VirtualAddress>> {
    let (option, before) = ("--addr", reading.errors.len());
    let mut addresses: Vec<VirtualAddress> = Vec::new();
    for (word, spot) in reading.words(option) {
        let address = words::virtual_address(option, word, interface).and_then(|shared| {
            if source == Some(shared.address) {
                return Err(Error::AddressIsSource { option, value: shown(word) });
            }
            if addresses.iter().any(|known| known.address == shared.address) {
                return Err(Error::DuplicateAddress { option, value: shown(word) });
            }
            Ok(shared)
        });
        if addresses.len() == VirtualAddress::MOST && address.is_ok() {
            reading.refuse(option, Error::TooManyAddresses { option, max: VirtualAddress::MOST });
            return None;
        }
        let address = reading.keep(spot, address);
        if let Some(link_local) = address.filter(|shared| shared.is_link_local()) {
            let warning = Warning::LinkLocalAddress { value: link_local.address.to_string() };
            reading.warn_at(spot, warning);
        }
        addresses.extend(address);
    }
    if reading.errors.len() > before || reading.is_wrong(option) {
        return None;
    }
    if addresses.is_empty() {
        reading.lacks(Error::Required { option, example: "--addr=192.0.2.10/24" });
        return None;
    }
    if let Some(source) = source.filter(|source| !VirtualAddress::any_of(&addresses, Family::of(*source))) {
        let error = Error::OtherFamily { option: "--srcip", value: source.to_string() };
        reading.refuse("--srcip", error);
    }
    Some(addresses)
}

fn interval(reading: &mut Reading<'_>) -> Interval {
    let base = reading.value("--advbase", |option, word| words::number(option, word, 0, 255)).unwrap_or(1);
    let skew = reading.value("--advskew", |option, word| words::number(option, word, 0, 255)).unwrap_or(0);
    match (base, skew) {
        (0, 0) => reading.refuse("--advbase", Error::NoInterval),
        (255, 255) => reading.refuse("--advbase", Error::BowOutInterval),
        _ => {}
    }
    Interval::new(base, skew)
}

fn dead_ratio(reading: &mut Reading<'_>) -> u32 {
    let ratio = reading.value("--deadratio", |option, word| words::number(option, word, 1, 10_000));
    if ratio == Some(1) {
        reading.warn("--deadratio", Warning::DeadRatioOfOne);
    }
    ratio.unwrap_or(3)
}

fn announcing(reading: &mut Reading<'_>) -> Announcing {
    let mut announcing = Announcing::default();
    let count = reading.value("--garp-count", |option, word| words::number(option, word, 1, 255));
    announcing.count = count.unwrap_or(announcing.count);
    let interval = reading.value("--garp-interval", |option, word| {
        words::time(option, word, Some(MILLISECOND), MILLISECOND..=10 * SECOND)
    });
    announcing.interval = interval.unwrap_or(announcing.interval);
    let refresh = reading.value("--garp-refresh", |option, word| {
        let refresh = words::time(option, word, Some(SECOND), Duration::ZERO..=DAY)?;
        // Nobody's neighbours forget in less.
        if refresh.is_zero() { Ok(refresh) } else { words::time(option, word, Some(SECOND), SECOND..=DAY) }
    });
    announcing.refresh = refresh.unwrap_or(announcing.refresh);
    announcing
}
