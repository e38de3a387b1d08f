//! The daemon: obtains facts, carries out actions, owns every descriptor. It has no election rule of its own.
//!
//! [`run`] is the whole life: open everything, serve, give back. Whatever cannot be opened is said in one line
//! before anything is served. The loop is in `event_loop`, effects are in `perform`, sentences in `report`; the
//! sentences about starting are here.

mod attachment;
mod capture;
mod event_loop;
mod hooks;
mod perform;
mod report;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::panic::{self, AssertUnwindSafe};

use crate::config::{Config, VirtualHostConfig, Warning};
use crate::i18n::{fill, tr};
use crate::log::{self, Level, Log};
use crate::platform::{self, Claim, LinkMonitor, Signals};
use crate::protocol::{Family, Hook, Hooks, Key, MacAddr, Parameters, Role, Sources, VirtualHost};

use attachment::Attachment;
use event_loop::{Ending, Served};
use report::Report;

/// Why the daemon could not start.
#[derive(Debug)]
pub struct StartError {
    doing: Doing,
    object: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// What it was doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doing {
    Claim,
    FindInterface,
    FindSource,
    ReadHardwareAddress,
    JoinGroup,
    OpenSocket,
    OpenCapture,
    CatchSignals,
    CloseDescriptors,
    WatchLinks,
    ReadRandom,
    Wait,
}

impl StartError {
    fn new(
        doing: Doing,
        object: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { doing, object: object.into(), source: source.into() }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let template = match self.doing {
            Doing::Claim => tr("another ucarp serves {object} already: {why}"),
            Doing::FindInterface => tr("cannot find the interface {object}: {why}"),
            Doing::FindSource => {
                tr("cannot choose a source address on {object}: {why}. Give one with --srcip.")
            }
            Doing::ReadHardwareAddress => tr("cannot read the hardware address of {object}: {why}"),
            Doing::JoinGroup => tr("cannot join the multicast group on {object}: {why}"),
            Doing::OpenSocket => tr("cannot open a raw socket on {object}: {why}"),
            Doing::OpenCapture => tr("cannot capture on {object}: {why}"),
            Doing::CloseDescriptors => tr("cannot keep open descriptors from the scripts: {why}"),
            Doing::CatchSignals => tr("cannot catch signals: {why}"),
            Doing::WatchLinks => tr("cannot watch the state of interfaces: {why}"),
            Doing::ReadRandom => tr("cannot read random numbers: {why}"),
            Doing::Wait => tr("cannot wait for events: {why}"),
        };
        let text = fill(&template, &[("object", &self.object), ("why", &self.source)]);
        f.write_str(&text)?;
        if let Some(privilege) = platform::missing_privilege() {
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

/// How a life ended that had begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Asked to, everything given back that was to be given back.
    Orderly,
    /// By a bug of ours; the addresses were given back all the same.
    Bug,
}

/// Serves until told to end.
///
/// # Errors
/// What kept it from starting.
pub fn run(config: &Config, warnings: &[Warning]) -> Result<Ended, StartError> {
    run_with(config, warnings, &mut |_| {})
}

/// [`run`] with something done at the end of each turn of the loop: the place where a test puts its fault.
///
/// # Errors
/// What kept it from starting.
pub fn run_with(
    config: &Config,
    warnings: &[Warning],
    each_turn: &mut dyn FnMut(&[&VirtualHost]),
) -> Result<Ended, StartError> {
    platform::keep_descriptors_private()
        .map_err(|error| StartError::new(Doing::CloseDescriptors, "", error))?;
    let mut sources = event_loop::Sources {
        signals: Signals::open().map_err(|error| StartError::new(Doing::CatchSignals, "", error))?,
        links: LinkMonitor::open().map_err(|error| StartError::new(Doing::WatchLinks, "", error))?,
    };
    let mut served = config.hosts.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let mut report = Report::new(Log::open(config.log, true, SERVICES));
    for warning in warnings {
        report.say(Level::Warning, &warning.to_string());
    }
    for one in &served {
        introduce(one, &mut report);
    }
    let ending = Ending { withdraw: config.withdraw };
    let lived = panic::catch_unwind(AssertUnwindSafe(|| {
        event_loop::run(&mut served, &mut sources, ending, &mut report, each_turn)
    }));
    match lived {
        Ok(Ok(())) => Ok(Ended::Orderly),
        Ok(Err(error)) => Err(StartError::new(Doing::Wait, "", error)),
        Err(_) => {
            give_back_after_bug(&mut served, &mut sources, &mut report);
            Ok(Ended::Bug)
        }
    }
}

/// After a panic: bow out and take the address down, by the core if it still can, else by the hook alone.
fn give_back_after_bug(served: &mut [Served], sources: &mut event_loop::Sources, report: &mut Report) {
    report.say(Level::Error, &tr("Internal error, please report it: giving the address back and ending"));
    let by_the_core = panic::catch_unwind(AssertUnwindSafe(|| {
        event_loop::shut_down(served, true, report);
        event_loop::serve(served, sources, Ending { withdraw: true }, report, &mut |_| {})
    }));
    if matches!(by_the_core, Ok(Ok(()))) {
        return;
    }
    for one in served.iter_mut().filter(|one| one.host.role() == Role::Master || one.hook.is_some()) {
        perform::last_resort(one, report);
    }
}

fn open(config: &VirtualHostConfig) -> Result<Served, StartError> {
    let interface = match (&config.interface, config.source) {
        (Some(interface), _) => interface.clone(),
        (None, Some(source)) => platform::interface_of(source)
            .map_err(|error| StartError::new(Doing::FindInterface, source.to_string(), error))?
            .ok_or_else(|| {
                StartError::new(Doing::FindInterface, source.to_string(), tr("no interface has this address"))
            })?,
        (None, None) => {
            return Err(StartError::new(
                Doing::FindInterface,
                "",
                tr("neither an interface nor an address was given"),
            ));
        }
    };
    let name = format!("{interface} id {}", config.vhid);
    let claim =
        Claim::take(&format!("ucarp {name}")).map_err(|error| StartError::new(Doing::Claim, name, error))?;
    let (attachment, place) = attach(&interface, config)?;
    let seed = platform::random_seed().map_err(|error| StartError::new(Doing::ReadRandom, "", error))?;
    let key = Key::from_password(config.secret.bytes()).expect("a Secret is at most as long as a Key");
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
        destination: config.destination,
        hooks: Hooks {
            up: config.up.is_some(),
            down: config.down.is_some(),
            timeout: config.hook_timeout,
            failure: config.hook_failure,
        },
        announcing: config.announcing,
    };
    Ok(Served::new(config.clone(), claim, attachment, VirtualHost::new(parameters, seed)))
}

/// Where a virtual host is on the network.
#[derive(Clone, Copy, Debug)]
struct Place {
    mac: MacAddr,
    sources: Sources,
}

/// Takes up an interface: everything that has to be opened or known of it.
fn attach(interface: &str, config: &VirtualHostConfig) -> Result<(Attachment, Place), StartError> {
    let families = families(config);
    let mac = platform::hardware_address(interface).map(MacAddr).map_err(|error| {
        let doing = match platform::interface_index(interface) {
            Ok(_) => Doing::ReadHardwareAddress,
            Err(_) => Doing::FindInterface,
        };
        StartError::new(doing, interface, error)
    })?;
    let sources = choose_sources(interface, config, &families)?;
    let attachment = Attachment::open(interface, &[config.vhid], &config.destination, &families)?;
    Ok((attachment, Place { mac, sources }))
}

fn addresses(config: &VirtualHostConfig) -> Vec<IpAddr> {
    config.addresses.iter().map(|shared| shared.address).collect()
}

fn families(config: &VirtualHostConfig) -> Vec<Family> {
    [Family::V4, Family::V6]
        .into_iter()
        .filter(|family| config.addresses.iter().any(|shared| Family::of(shared.address) == *family))
        .collect()
}

/// The source of each family in use: the one asked for, or the first of the interface that is not shared;
/// for IPv6 a link-local one.
fn choose_sources(
    interface: &str,
    config: &VirtualHostConfig,
    families: &[Family],
) -> Result<Sources, StartError> {
    let failed =
        |why: Box<dyn std::error::Error + Send + Sync>| StartError::new(Doing::FindSource, interface, why);
    let shared = addresses(config);
    let own: Vec<IpAddr> = platform::interface_addresses(interface)
        .map_err(|error| failed(error.into()))?
        .into_iter()
        .filter(|address| !shared.contains(address))
        .collect();
    if let Some(asked) = config.source.filter(|asked| !own.contains(asked)) {
        let why = tr("{address} is not one of its addresses");
        return Err(failed(fill(&why, &[("address", &asked)]).into()));
    }
    let v4 = own.iter().find_map(|address| match address {
        IpAddr::V4(v4) => Some(*v4),
        IpAddr::V6(_) => None,
    });
    let v6 = own.iter().find_map(|address| match address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(*v6),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    });
    let asked_v4 = config.source.and_then(|asked| match asked {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(_) => None,
    });
    let asked_v6 = config.source.and_then(|asked| match asked {
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) => Some(v6),
    });
    let sources = Sources { v4: asked_v4.or(v4), v6: asked_v6.or(v6) };
    for family in families {
        let (found, kind): (bool, _) = match family {
            Family::V4 => (sources.v4.is_some_and(|v4| v4 != Ipv4Addr::UNSPECIFIED), "IPv4"),
            Family::V6 => (sources.v6.is_some_and(|v6| v6 != Ipv6Addr::UNSPECIFIED), "IPv6"),
        };
        if !found {
            let why = tr("it has no {family} address of its own");
            return Err(failed(fill(&why, &[("family", &kind)]).into()));
        }
    }
    Ok(sources)
}

fn introduce(one: &Served, report: &mut Report) {
    let parameters = one.host.parameters();
    let source = match (parameters.sources.v4, parameters.sources.v6) {
        (Some(v4), _) if parameters.addresses.iter().any(IpAddr::is_ipv4) => v4.to_string(),
        (_, Some(v6)) => v6.to_string(),
        (_, None) => String::new(),
    };
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

const SERVICES: log::Services = log::Services {
    local_time: || {
        let now = platform::local_time();
        log::LocalTime {
            year: now.year,
            month: now.month,
            day: now.day,
            hour: now.hour,
            minute: now.minute,
            second: now.second,
            microsecond: now.microsecond,
        }
    },
    writable: platform::writable,
    lost: |count| fill(&tr("{count} log lines were lost"), &[("count", &count)]),
};
