//! Where a virtual host is on the network: the hardware address of its interface, and which of the interface's
//! addresses it sends from. Pure: what there is to choose from is in the [`Survey`].

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

use super::failure::{Doing, StartError};
use super::survey::Survey;
use crate::config::{VirtualAddress, VirtualHostConfig};
use crate::i18n::tr;
use crate::platform::Unready;
use crate::protocol::{Family, MacAddr, Presence, Sources};
use crate::sorting::sort_by;

/// Where a virtual host is on the network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) mac: MacAddr,
    pub(super) sources: Sources,
}

impl Place {
    /// Before the interface is there; nothing is sent from it.
    pub(super) const NOWHERE: Self = Self { mac: MacAddr([0; 6]), sources: Sources { v4: None, v6: None } };
}

/// What became of the source addresses of a host in use, and which of them are gone without another to replace them: they
/// are used all the same.
pub(super) fn relocated(
    survey: &Survey<'_>,
    config: &VirtualHostConfig,
    own: &[IpAddr],
    before: Sources,
) -> (Sources, Vec<IpAddr>) {
    let mut own = own.to_vec();
    let current = [before.v4.map(IpAddr::V4), before.v6.map(IpAddr::V6)];
    leave_out(&mut own, &not_to_be_sent_from(survey), &current);
    let found = sources(&own, config, before);
    let sources = Sources { v4: found.v4.or(before.v4), v6: found.v6.or(before.v6) };
    let is_lost = |source: &IpAddr| !own.contains(source) && !is_virtual_source(config, *source);
    let lost = families(config)
        .into_iter()
        .filter_map(|family| source_of(sources, family))
        .filter(is_lost)
        .collect();
    (sources, lost)
}

pub(super) fn addresses(config: &VirtualHostConfig) -> Vec<IpAddr> {
    config.addresses.iter().map(|shared| shared.address).collect()
}

pub(super) fn families(config: &VirtualHostConfig) -> Vec<Family> {
    [Family::V4, Family::V6]
        .into_iter()
        .filter(|family| VirtualAddress::any_of(&config.addresses, *family))
        .collect()
}

/// The addresses of an interface that none of its virtual hosts shares.
pub(super) fn unshared(survey: &Survey<'_>, shared: &HashSet<IpAddr>) -> Vec<IpAddr> {
    survey.addresses.iter().copied().filter(|address| !shared.contains(address)).collect()
}

/// Those, and the one asked for if it is another host's or another interface of this machine has it: an interface may
/// have borrowed it. A link-local one means something on its own link alone.
pub(super) fn own_addresses(
    survey: &Survey<'_>,
    config: &VirtualHostConfig,
    unshared: &[IpAddr],
) -> Vec<IpAddr> {
    let mut own = unshared.to_vec();
    if let Some(asked) =
        config.source.filter(|asked| !own.contains(asked) && !addresses(config).contains(asked))
    {
        let borrowable = match asked {
            IpAddr::V4(v4) => !v4.is_unspecified(),
            IpAddr::V6(v6) => !v6.is_unicast_link_local(),
        };
        if survey.addresses.contains(&asked) || borrowable && survey.listing.has(asked) {
            own.push(asked);
        }
    }
    own
}

/// What became of the shared addresses on an interface, and which of them explain it: those another host has, those that
/// are missing, or those that cannot be used yet.
pub(super) fn presence(
    shared: &[IpAddr],
    found: &HashSet<IpAddr>,
    unready: &[(IpAddr, Unready)],
) -> (Presence, Vec<IpAddr>) {
    let is = |address: &IpAddr, state| unready.contains(&(*address, state)) && found.contains(address);
    let those = |of: &dyn Fn(&IpAddr) -> bool| -> Vec<IpAddr> {
        shared.iter().filter(|address| of(address)).copied().collect()
    };
    let taken = those(&|address| is(address, Unready::Duplicate));
    let missing = those(&|address| !found.contains(address));
    let pending = those(&|address| is(address, Unready::Tentative));
    match (taken.len(), missing.len(), pending.len()) {
        (1.., _, _) => (Presence::Taken, taken),
        (0, 0, 0) => (Presence::All, Vec::new()),
        (0, 0, _) => (Presence::Pending, pending),
        (0, all, _) if all == shared.len() => (Presence::None, missing),
        (0, _, _) => (Presence::Some, missing),
    }
}

/// The address to send from where `--srcip=0.0.0.0` says that this host has none of its own, as kernels do.
fn virtual_source(config: &VirtualHostConfig) -> Option<Ipv4Addr> {
    let asked = config.source == Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    config.addresses.iter().filter(|_| asked).find_map(|shared| match shared.address {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(_) => None,
    })
}

fn is_virtual_source(config: &VirtualHostConfig, source: IpAddr) -> bool {
    virtual_source(config).map(IpAddr::V4) == Some(source)
}

/// The source of each family, if there is one.
fn sources(own: &[IpAddr], config: &VirtualHostConfig, current: Sources) -> Sources {
    let chosen = choose(own, config.source, current);
    Sources { v4: virtual_source(config).or(chosen.v4), v6: chosen.v6 }
}

/// The source of each family in use, and why there is none of IPv6 if that can be done without: another host has the
/// same address, and IPv4 alone is better than nothing.
pub(super) fn choose_sources(
    interface: &str,
    survey: &Survey<'_>,
    config: &VirtualHostConfig,
    mut own: Vec<IpAddr>,
) -> Result<(Sources, Option<StartError>), StartError> {
    let failed =
        |why: Box<dyn std::error::Error + Send + Sync>| StartError::new(Doing::FindSource, interface, why);
    let unready = not_to_be_sent_from(survey);
    let had = own.clone();
    leave_out(&mut own, &unready, &[]);
    // Whether an address that there is cannot be used is told rather than that there is none.
    let hindered = |wanted: &dyn Fn(&IpAddr) -> bool| {
        let (address, why) = *unready.iter().find(|(address, _)| had.contains(address) && wanted(address))?;
        let doing = match why {
            Unready::Tentative => Doing::AwaitSource,
            Unready::Duplicate => Doing::AwaitSoleSource,
            Unready::Deprecated => return None,
        };
        Some(StartError::new(doing, interface, address.to_string()))
    };
    let (mut sources, mut lacks) = (sources(&own, config, Sources::default()), None);
    let families = families(config);
    for family in &families {
        let asked = config.source.filter(|asked| Family::of(*asked) == *family && !asked.is_unspecified());
        let wanted = |address: &IpAddr| match asked {
            Some(asked) => *address == asked,
            None => is_default_source(*address, *family),
        };
        if source_of(sources, *family).is_some_and(|source| asked.is_none_or(|asked| asked == source)) {
            continue;
        }
        match hindered(&wanted) {
            Some(error) if error.is_for_want_of_a_sole_source() && families.len() > 1 => {
                sources.v6 = None;
                lacks = Some(error);
            }
            Some(error) => return Err(error),
            None => return Err(failed(missing_source(asked, *family, &had).into())),
        }
    }
    Ok((sources, lacks))
}

/// What a source should not be. One of IPv4 may be all the same: the kernel does not use it yet, but we make frames.
fn not_to_be_sent_from(survey: &Survey<'_>) -> Vec<(IpAddr, Unready)> {
    survey.unready.iter().copied().filter(|(address, _)| address.is_ipv6()).collect()
}

/// Why there is no source of this family.
fn missing_source(asked: Option<IpAddr>, family: Family, had: &[IpAddr]) -> String {
    if let Some(asked) = asked {
        // TRANSLATORS: this and the next ones stand behind "cannot choose a source address on eth0: ".
        return tr!(
            "{address}, which --srcip asks for, is not one of its addresses, nor of another interface here",
            address = asked
        );
    }
    let has_any = had.iter().any(|address| Family::of(*address) == family);
    match family {
        Family::V4 => {
            tr!("it has no IPv4 address but those shared; give it one, or none at all with --srcip=0.0.0.0")
        }
        Family::V6 if has_any => {
            tr!("it has no link-local address; give it one, or choose another with --srcip")
        }
        Family::V6 => tr!("it has no IPv6 address; give it one, or enable IPv6 on it if that is off"),
    }
    .into_owned()
}

/// Leaves out what cannot be sent from, but for what is in use, and puts last what should not be.
fn leave_out(own: &mut Vec<IpAddr>, unready: &[(IpAddr, Unready)], current: &[Option<IpAddr>]) {
    let state = |address: &IpAddr| unready.iter().find(|(known, _)| known == address).map(|(_, why)| *why);
    own.retain(|address| match state(address) {
        Some(Unready::Tentative | Unready::Duplicate) => current.contains(&Some(*address)),
        Some(Unready::Deprecated) | None => true,
    });
    let last = |address: &IpAddr| state(address) == Some(Unready::Deprecated);
    sort_by(own, |one, other| last(one).cmp(&last(other)));
}

/// Whether an address of the interface may be the source although nobody asked for it.
fn is_default_source(address: IpAddr, family: Family) -> bool {
    match address {
        IpAddr::V4(_) => family == Family::V4,
        IpAddr::V6(v6) => family == Family::V6 && v6.is_unicast_link_local(),
    }
}

/// The source of each family, if `own` has one: the one asked for, else the one in use, else the first; for IPv6 a
/// link-local one unless another was asked for.
fn choose(own: &[IpAddr], asked: Option<IpAddr>, current: Sources) -> Sources {
    let of = |family: Family, current: Option<IpAddr>| {
        let there = |address: &IpAddr| Family::of(*address) == family && own.contains(address);
        let usable = |address: &&IpAddr| is_default_source(**address, family);
        asked.filter(there).or_else(|| current.filter(there)).or_else(|| own.iter().find(usable).copied())
    };
    Sources {
        v4: of(Family::V4, current.v4.map(IpAddr::V4)).and_then(|address| match address {
            IpAddr::V4(v4) => Some(v4),
            IpAddr::V6(_) => None,
        }),
        v6: of(Family::V6, current.v6.map(IpAddr::V6)).and_then(|address| match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => Some(v6),
        }),
    }
}

/// The source of one family.
pub(super) fn source_of(sources: Sources, family: Family) -> Option<IpAddr> {
    match family {
        Family::V4 => sources.v4.map(IpAddr::V4),
        Family::V6 => sources.v6.map(IpAddr::V6),
    }
}

/// The address that a host with these parameters goes by.
pub(super) fn main_source(addresses: &[IpAddr], sources: Sources) -> Option<IpAddr> {
    let v4 = sources.v4.filter(|_| addresses.iter().any(IpAddr::is_ipv4));
    v4.map(IpAddr::V4).or(sources.v6.map(IpAddr::V6))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn v4(own: &[&str], asked: Option<&str>, current: Option<&str>) -> Option<String> {
        let own: Vec<IpAddr> = own.iter().map(|text| ip(text)).collect();
        let current = Sources { v4: current.map(|text| text.parse().unwrap()), v6: None };
        choose(&own, asked.map(ip), current).v4.map(|v4| v4.to_string())
    }

    #[test]
    fn the_source_asked_for_then_the_one_in_use_then_the_first() {
        let own = ["fe80::1", "10.0.0.1", "10.0.0.2", "10.0.0.3"];
        assert_eq!(v4(&own, None, None).as_deref(), Some("10.0.0.1"));
        assert_eq!(v4(&own, None, Some("10.0.0.2")).as_deref(), Some("10.0.0.2"));
        assert_eq!(v4(&own, Some("10.0.0.3"), Some("10.0.0.2")).as_deref(), Some("10.0.0.3"));
        assert_eq!(v4(&own, Some("10.0.0.9"), Some("10.0.0.2")).as_deref(), Some("10.0.0.2"));
        assert_eq!(v4(&own, Some("10.0.0.9"), Some("10.0.0.8")).as_deref(), Some("10.0.0.1"));
        assert_eq!(v4(&["fe80::1"], None, Some("10.0.0.2")), None);
    }

    #[test]
    fn ipv6_goes_out_from_a_link_local_address() {
        let own = [ip("2001:db8::1"), ip("fe80::1"), ip("10.0.0.1")];
        let sources = choose(&own, None, Sources::default());
        assert_eq!(sources.v6.map(IpAddr::V6), Some(ip("fe80::1")));
        let sources = choose(&own, Some(ip("2001:db8::1")), Sources::default());
        assert_eq!(sources.v6.map(IpAddr::V6), Some(ip("2001:db8::1")));
        assert_eq!(sources.v4.map(IpAddr::V4), Some(ip("10.0.0.1")));
    }

    #[test]
    fn an_address_that_is_not_ready_is_left_out_unless_in_use() {
        let own = [ip("fe80::1"), ip("fe80::2"), ip("fe80::3"), ip("fe80::4"), ip("10.0.0.1")];
        let unready = [
            (ip("fe80::1"), Unready::Deprecated),
            (ip("fe80::2"), Unready::Tentative),
            (ip("fe80::3"), Unready::Duplicate),
        ];
        let mut left = own.to_vec();
        leave_out(&mut left, &unready, &[]);
        assert_eq!(left, [ip("fe80::4"), ip("10.0.0.1"), ip("fe80::1")]);
        let mut left = own.to_vec();
        leave_out(&mut left, &unready, &[None, Some(ip("fe80::2"))]);
        assert!(left.contains(&ip("fe80::2")) && !left.contains(&ip("fe80::3")));
    }

    #[test]
    fn shared_addresses_are_counted() {
        let shared = [ip("10.0.0.100"), ip("2001:db8::100")];
        let found = |found: &[IpAddr]| presence(&shared, &found.iter().copied().collect(), &[]);
        assert_eq!(found(&[ip("10.0.0.1")]), (Presence::None, shared.to_vec()));
        assert_eq!(found(&shared[1..]), (Presence::Some, shared[..1].to_vec()));
        assert_eq!(found(&shared), (Presence::All, Vec::new()));
    }

    #[test]
    fn a_shared_address_that_cannot_be_used_does_not_count() {
        let shared = [ip("10.0.0.100"), ip("2001:db8::100")];
        let [v4, v6] = shared;
        let found = |found: &[IpAddr], unready: &[(IpAddr, Unready)]| {
            presence(&shared, &found.iter().copied().collect(), unready)
        };
        assert_eq!(found(&shared, &[(v6, Unready::Tentative)]), (Presence::Pending, vec![v6]));
        assert_eq!(found(&shared, &[(v6, Unready::Duplicate)]), (Presence::Taken, vec![v6]));
        let both = [(v4, Unready::Tentative), (v6, Unready::Duplicate)];
        assert_eq!(found(&shared, &both), (Presence::Taken, vec![v6]));
        assert_eq!(found(&[v6], &both), (Presence::Taken, vec![v6]));
        assert_eq!(found(&[v4], &both), (Presence::Some, vec![v6]), "what is missing is worse than a search");
        // It still works; and what others of the interface have is nothing to us.
        let others = [(v6, Unready::Deprecated), (ip("10.0.0.1"), Unready::Duplicate)];
        assert_eq!(found(&shared, &others), (Presence::All, Vec::new()));
    }

    #[test]
    fn the_error_that_waiting_mends() {
        for (doing, passes) in [
            (Doing::FindInterface, true),
            (Doing::FindSource, true),
            (Doing::AwaitSource, true),
            (Doing::ReadHardwareAddress, false),
            (Doing::OpenCapture, false),
        ] {
            let error = StartError::new(doing, "eth0", "because");
            assert_eq!(error.may_pass(), passes, "{doing:?}");
            assert_eq!(error.is_waited_for(), doing == Doing::AwaitSource, "{doing:?}");
        }
    }
}
