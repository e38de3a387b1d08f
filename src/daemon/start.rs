//! Starting: what has to be found out and opened before anything is served, and the sentences about it.
//!
//! What cannot be opened is one line, "doing what, to what: why". Choosing the source address is here too, at the
//! start and whenever the addresses of the interface change. Nothing is sent and nothing is run.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::attachment::{Attachment, Wanted};
use super::event_loop::Served;
use super::report::Report;
use crate::config::{VirtualAddress, VirtualHostConfig};
use crate::i18n::{fill, tr};
use crate::log::Level;
use crate::platform::{self, Claim, LinkState, PidFile, PidFileError, Unready};
use crate::protocol::{Family, Hook, Hooks, Key, MacAddr, Parameters, Sources, VirtualHost};

/// Why the daemon could not start.
#[derive(Debug)]
pub struct StartError {
    doing: Doing,
    object: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// What it was doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Doing {
    GoToBackground,
    HoldPidfile,
    WritePidfile,
    Claim,
    FindInterface,
    FindSource,
    AwaitSource,
    AwaitSoleSource,
    ReadHardwareAddress,
    UsePeer,
    JoinGroup,
    OpenSocket,
    OpenCapture,
    ReadCapture,
    Show,
    CatchSignals,
    CloseDescriptors,
    WatchLinks,
    ReadRandom,
    Wait,
}

impl StartError {
    pub(super) fn new(
        doing: Doing,
        object: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { doing, object: object.into(), source: source.into() }
    }

    /// Whether the interface is merely not there yet, or has no address yet.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self.doing, Doing::FindInterface | Doing::FindSource) || self.is_waited_for()
    }

    /// Whether no start fails for it: the address is there, and the kernel says when it can be sent from.
    pub(super) fn is_waited_for(&self) -> bool {
        matches!(self.doing, Doing::AwaitSource | Doing::AwaitSoleSource)
    }

    /// Whether the interface is merely down: it cannot be captured on yet, and it is taken up when it is not.
    pub(super) fn is_for_want_of_link(&self, interface: &str) -> bool {
        // Without a link there is no link-local address either.
        matches!(self.doing, Doing::OpenCapture | Doing::FindSource)
            && matches!(platform::link_state(interface), Ok(LinkState::Down))
    }

    /// Whether it needs the privilege that [`platform::missing_privilege`] asks about.
    fn is_privileged(&self) -> bool {
        matches!(self.doing, Doing::JoinGroup | Doing::OpenSocket | Doing::OpenCapture)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let template = match self.doing {
            Doing::GoToBackground => tr("the daemon did not get as far as running: {why}"),
            Doing::HoldPidfile => tr("another ucarp is running: process {why} holds the pidfile {object}"),
            Doing::WritePidfile => tr("cannot write the pidfile {object}: {why}"),
            Doing::Claim => tr("another ucarp serves {object} already: {why}"),
            Doing::FindInterface => tr("cannot find the interface {object}: {why}"),
            Doing::FindSource => tr("cannot choose a source address on {object}: {why}"),
            Doing::AwaitSource => {
                tr("{why} is still being checked for duplicates on {object}: it cannot be sent from yet")
            }
            Doing::AwaitSoleSource => tr(
                "another host of the network has {why} too, so {object} cannot send from it: give one of them another",
            ),
            Doing::ReadHardwareAddress => tr("cannot read the hardware address of {object}: {why}"),
            Doing::UsePeer => tr("the peer {why} is this host itself: it is an address of {object}"),
            Doing::JoinGroup => tr("cannot join the multicast group on {object}: {why}"),
            Doing::OpenSocket => tr("cannot open a raw socket on {object}: {why}"),
            Doing::OpenCapture => tr("cannot capture on {object}: {why}"),
            Doing::ReadCapture => tr("cannot read the capture file {object}: {why}"),
            Doing::Show => tr("cannot write what was seen: {why}"),
            Doing::CloseDescriptors => tr("cannot keep open descriptors from the scripts: {why}"),
            Doing::CatchSignals => tr("cannot catch signals: {why}"),
            Doing::WatchLinks => tr("cannot watch the state of interfaces: {why}"),
            Doing::ReadRandom => tr("cannot read random numbers: {why}"),
            Doing::Wait => tr("cannot wait for events: {why}"),
        };
        let text = fill(&template, &[("object", &self.object), ("why", &self.source)]);
        f.write_str(&text)?;
        if let Some(privilege) = platform::missing_privilege().filter(|_| self.is_privileged()) {
            let hint = tr(" (this process lacks {privilege}: run it as root or grant that capability)");
            f.write_str(&fill(&hint, &[("privilege", &privilege)]))?;
        }
        Ok(())
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

/// Writes and locks the pidfile.
pub(super) fn hold_pidfile(path: &Path) -> Result<PidFile, StartError> {
    let object = path.display().to_string();
    PidFile::take(path).map_err(|error| match error {
        PidFileError::Held(number) => {
            let number = number.map_or_else(|| "?".to_owned(), |number| number.to_string());
            StartError::new(Doing::HoldPidfile, object, number)
        }
        PidFileError::Io(error) => StartError::new(Doing::WritePidfile, object, error),
    })
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
pub(super) fn open(config: &VirtualHostConfig) -> Result<(Served, Option<StartError>), StartError> {
    let interface = interface_for(config)?;
    let name = format!("{interface} id {}", config.vhid);
    let claim =
        Claim::take(&format!("ucarp {name}")).map_err(|error| StartError::new(Doing::Claim, name, error))?;
    let (attachment, place, missing) = match attach(&interface, config) {
        Ok((attachment, place)) => (Some(attachment), place, None),
        Err(error) if error.is_for_want_of_link(&interface) => {
            // A source that was asked for has to be there all the same.
            let place = locate(&interface, config);
            let place = if config.source.is_some() { place? } else { place.unwrap_or(Place::NOWHERE) };
            (None, place, Some(error))
        }
        Err(error) if error.is_waited_for() || config.wait_for_interface && error.may_pass() => {
            (None, Place::NOWHERE, Some(error))
        }
        Err(error) => return Err(error),
    };
    let seed = platform::random_seed().map_err(|error| StartError::new(Doing::ReadRandom, "", error))?;
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
        },
        announcing: config.announcing,
        dialect: config.dialect,
    };
    let host = VirtualHost::new(parameters, seed);
    let mut served = Served::new(config.clone(), interface, claim, attachment, host);
    served.trouble = missing.as_ref().map(ToString::to_string);
    Ok((served, missing))
}

/// Where a virtual host is on the network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) mac: MacAddr,
    pub(super) sources: Sources,
}

impl Place {
    /// Before the interface is there; nothing is sent from it.
    const NOWHERE: Self = Self { mac: MacAddr([0; 6]), sources: Sources { v4: None, v6: None } };
}

/// Takes up an interface: everything that has to be opened or known of it.
pub(super) fn attach(interface: &str, config: &VirtualHostConfig) -> Result<(Attachment, Place), StartError> {
    let place = locate(interface, config)?;
    Ok((Attachment::open(interface, wanted(interface, config)?)?, place))
}

/// What is to be heard on the interface.
pub(super) fn wanted(interface: &str, config: &VirtualHostConfig) -> Result<Wanted, StartError> {
    let own = own_addresses(interface, config)
        .map_err(|error| StartError::new(Doing::FindSource, interface, error))?;
    if let Some(peer) = config.destination.peers.iter().find(|peer| own.contains(peer)) {
        return Err(StartError::new(Doing::UsePeer, interface, peer.to_string()));
    }
    Ok(Wanted {
        vhids: vec![config.vhid],
        destination: config.destination.clone(),
        families: families(config),
        own,
    })
}

/// What has to be known of an interface before it is taken up.
pub(super) fn locate(interface: &str, config: &VirtualHostConfig) -> Result<Place, StartError> {
    let mac = platform::hardware_address(interface).map(MacAddr).map_err(|error| {
        let doing = match platform::interface_index(interface) {
            Ok(_) => Doing::ReadHardwareAddress,
            Err(_) => Doing::FindInterface,
        };
        StartError::new(doing, interface, error)
    })?;
    Ok(Place { mac, sources: choose_sources(interface, config)? })
}

/// What became of the place of a host in use, and whether its source address is gone without another to replace it.
/// What cannot be found out stays as it was.
pub(super) fn relocated(interface: &str, config: &VirtualHostConfig, before: Place) -> (Place, bool) {
    let (Ok(mut own), Ok(unready)) =
        (own_addresses(interface, config), platform::unready_addresses(interface))
    else {
        return (before, false);
    };
    let current = [before.sources.v4.map(IpAddr::V4), before.sources.v6.map(IpAddr::V6)];
    leave_out(&mut own, &unready, &current);
    let found = choose(&own, config.source, before.sources);
    let sources = Sources { v4: found.v4.or(before.sources.v4), v6: found.v6.or(before.sources.v6) };
    let shared = addresses(config);
    let stranded = main_source(&shared, sources).is_some_and(|source| !own.contains(&source));
    let mac = platform::hardware_address(interface).map_or(before.mac, MacAddr);
    (Place { mac, sources }, stranded)
}

fn addresses(config: &VirtualHostConfig) -> Vec<IpAddr> {
    config.addresses.iter().map(|shared| shared.address).collect()
}

pub(super) fn families(config: &VirtualHostConfig) -> Vec<Family> {
    [Family::V4, Family::V6]
        .into_iter()
        .filter(|family| VirtualAddress::any_of(&config.addresses, *family))
        .collect()
}

/// The addresses of an interface that are not shared.
pub(super) fn own_addresses(interface: &str, config: &VirtualHostConfig) -> io::Result<Vec<IpAddr>> {
    let shared = addresses(config);
    let mut own = platform::interface_addresses(interface)?;
    own.retain(|address| !shared.contains(address));
    Ok(own)
}

/// The source of each family in use.
fn choose_sources(interface: &str, config: &VirtualHostConfig) -> Result<Sources, StartError> {
    let failed =
        |why: Box<dyn std::error::Error + Send + Sync>| StartError::new(Doing::FindSource, interface, why);
    let mut own = own_addresses(interface, config).map_err(|error| failed(error.into()))?;
    let unready = platform::unready_addresses(interface).map_err(|error| failed(error.into()))?;
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
    if let Some(asked) = config.source.filter(|asked| !own.contains(asked)) {
        return Err(hindered(&|address| *address == asked).unwrap_or_else(|| {
            let why = tr("{address}, which --srcip asks for, is not one of its addresses");
            failed(fill(&why, &[("address", &asked)]).into())
        }));
    }
    let sources = choose(&own, config.source, Sources::default());
    for family in families(config) {
        let found = match family {
            Family::V4 => sources.v4.is_some_and(|v4| v4 != Ipv4Addr::UNSPECIFIED),
            Family::V6 => sources.v6.is_some_and(|v6| v6 != Ipv6Addr::UNSPECIFIED),
        };
        if !found {
            return Err(hindered(&|address| is_default_source(*address, family)).unwrap_or_else(|| {
                let has_any = had.iter().any(|address| Family::of(*address) == family);
                let why = match family {
                    Family::V4 => tr("it has no IPv4 address but those shared; give it one"),
                    Family::V6 if has_any => {
                        tr("it has no link-local address; give it one, or choose another with --srcip")
                    }
                    Family::V6 => {
                        tr("it has no IPv6 address; give it one, or enable IPv6 on it if that is off")
                    }
                };
                failed(why.into())
            }));
        }
    }
    Ok(sources)
}

/// Leaves out what cannot be sent from, but for what is in use, and puts last what should not be.
fn leave_out(own: &mut Vec<IpAddr>, unready: &[(IpAddr, Unready)], current: &[Option<IpAddr>]) {
    let state = |address: &IpAddr| unready.iter().find(|(known, _)| known == address).map(|(_, why)| *why);
    own.retain(|address| match state(address) {
        Some(Unready::Tentative | Unready::Duplicate) => current.contains(&Some(*address)),
        Some(Unready::Deprecated) | None => true,
    });
    own.sort_by_key(|address| state(address) == Some(Unready::Deprecated));
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
