//! What became of each virtual host from one configuration to the next.
//!
//! A virtual host is who it is on the wire: an interface, an id, and the group where that is another one. Its name is the
//! operator's, who may give it another; so two that change their names change nothing else.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use super::VirtualHostConfig;
use crate::protocol::Vhid;

/// A virtual host, and the interface it is on.
pub type Placed<'a> = (&'a VirtualHostConfig, &'a str);

/// What became of one. Known by the places in the two lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// All is as it was.
    Kept {
        /// Before.
        old: usize,
        /// Now.
        new: usize,
    },
    /// It goes on otherwise.
    Changed {
        /// Before.
        old: usize,
        /// Now.
        new: usize,
        /// The options that differ, in their order.
        what: Vec<&'static str>,
    },
    /// It ends, and another one begins in its name: the interface or the id is another one.
    Replaced {
        /// Before.
        old: usize,
        /// Now.
        new: usize,
    },
    /// It begins.
    Started {
        /// Now.
        new: usize,
    },
    /// It ends.
    Ended {
        /// Before.
        old: usize,
    },
}

/// Compares two configurations, in neither of which two are the same on the wire. In the order of the new one, those that
/// end first.
#[must_use]
pub fn fates(old: &[Placed<'_>], new: &[Placed<'_>]) -> Vec<Fate> {
    let mut pairs = Pairs { old: vec![None; old.len()], new: vec![None; new.len()] };
    pairs.join(old, new, |(config, interface)| {
        Some(Key { interface, vhid: Some(config.vhid), group: Some(config.destination.v4), name: None })
    });
    pairs.join(old, new, |(config, interface)| {
        Some(Key { interface, vhid: Some(config.vhid), group: None, name: Some(config.name.as_deref()?) })
    });
    pairs.join(old, new, |(config, interface)| {
        Some(Key { interface, vhid: Some(config.vhid), group: None, name: None })
    });
    let on_the_wire = pairs.new.clone();
    pairs.join(old, new, |(config, _)| {
        Some(Key { interface: "", vhid: None, group: None, name: Some(config.name.as_deref()?) })
    });

    let is_gone = |(old, new): (usize, &Option<usize>)| new.is_none().then_some(Fate::Ended { old });
    let ended = pairs.old.iter().enumerate().filter_map(is_gone);
    let others = pairs.new.iter().zip(&on_the_wire).zip(new).enumerate().map(|(new, ((pair, same), now))| {
        let Some(before) = *pair else { return Fate::Started { new } };
        if same.is_none() {
            return Fate::Replaced { old: before, new };
        }
        match old.get(before).map(|(config, _)| differences(config, now.0)) {
            Some(what) if !what.is_empty() => Fate::Changed { old: before, new, what },
            _ => Fate::Kept { old: before, new },
        }
    });
    ended.chain(others).collect()
}

/// By what one is known again: some of what it is.
#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    interface: &'a str,
    vhid: Option<Vhid>,
    group: Option<Ipv4Addr>,
    name: Option<&'a str>,
}

/// Who became whom, by place.
struct Pairs {
    old: Vec<Option<usize>>,
    new: Vec<Option<usize>>,
}

impl Pairs {
    /// Joins those that are nobody's yet and have the same key.
    fn join(
        &mut self,
        old: &[Placed<'_>],
        new: &[Placed<'_>],
        key: for<'a> fn(Placed<'a>) -> Option<Key<'a>>,
    ) {
        let free = self.old.iter().zip(old).enumerate().filter(|(_, (pair, _))| pair.is_none());
        let mut known: HashMap<Key<'_>, usize> =
            free.filter_map(|(place, (_, one))| Some((key(*one)?, place))).collect();
        for (place, (pair, one)) in self.new.iter_mut().zip(new).enumerate() {
            let before = if pair.is_none() { key(*one).and_then(|key| known.remove(&key)) } else { None };
            if let Some(before) = before {
                *pair = Some(before);
                self.old.iter_mut().skip(before).take(1).for_each(|pair| *pair = Some(place));
            }
        }
    }
}

/// The options in which two differ. Where they differ in none they are equal.
fn differences(old: &VirtualHostConfig, new: &VirtualHostConfig) -> Vec<&'static str> {
    // Each field, so that a new one is not forgotten.
    let VirtualHostConfig {
        name,
        interface,
        label,
        source,
        vhid,
        secret,
        also_accepted,
        addresses,
        manage_address,
        interval,
        dead_ratio,
        preempt,
        delays,
        group,
        required,
        neutral,
        destination,
        up,
        down,
        xparam,
        notify,
        ignore_link_state,
        wait_for_interface,
        withdraw,
        hook_failure,
        on_lost_address,
        hook_timeout,
        announcing,
        dialect,
        replay,
        only_ours,
        settle,
    } = old;
    let differs = [
        ("name", *name != new.name),
        ("interface", *interface != new.interface || *label != new.label),
        ("srcip", *source != new.source),
        ("vhid", *vhid != new.vhid),
        ("pass", *secret != new.secret || *also_accepted != new.also_accepted),
        ("addr", *addresses != new.addresses),
        ("manage-address", *manage_address != new.manage_address),
        ("advbase", interval.base != new.interval.base),
        ("advskew", interval.skew != new.interval.skew),
        ("deadratio", *dead_ratio != new.dead_ratio),
        ("preempt", *preempt != new.preempt),
        ("preempt-delay", delays.preempt != new.delays.preempt),
        ("start-hold", delays.start_hold != new.delays.start_hold),
        ("group", *group != new.group),
        ("required", *required != new.required),
        ("neutral", *neutral != new.neutral),
        ("mcast", destination.v4 != new.destination.v4 || destination.v6 != new.destination.v6),
        ("nomcast", destination.broadcast != new.destination.broadcast),
        ("peer", destination.peers != new.destination.peers),
        ("upscript", *up != new.up),
        ("downscript", *down != new.down),
        ("xparam", *xparam != new.xparam),
        ("notify", *notify != new.notify),
        ("ignoreifstate", *ignore_link_state != new.ignore_link_state),
        ("wait-interface", *wait_for_interface != new.wait_for_interface),
        ("shutdown", *withdraw != new.withdraw),
        ("hook-failure", *hook_failure != new.hook_failure),
        ("on-lost-address", *on_lost_address != new.on_lost_address),
        ("hook-timeout", *hook_timeout != new.hook_timeout),
        ("garp-count", announcing.count != new.announcing.count),
        ("garp-interval", announcing.interval != new.announcing.interval),
        ("garp-refresh", announcing.refresh != new.announcing.refresh),
        ("peer-type", *dialect != new.dialect),
        ("replay", *replay != new.replay),
        ("only-ours", *only_ours != new.only_ours),
        ("settle", *settle != new.settle),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(option, _)| option).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::cli::{self, Invocation};
    use super::super::{Caller, NoAccount};
    use super::*;

    const CALLER: Caller =
        Caller { user: 0, group: 0, may_execute: |_| Ok(()), find_account: |_| Err(NoAccount::Unknown) };

    /// One of this name, on eth0 unless more is said.
    fn named(name: &str, id: u8, more: &[&str]) -> VirtualHostConfig {
        let id = id.to_string();
        let words = ["-i", "eth0", "-p", "x", "-a", "10.0.0.9", "-v", &id];
        let words = words.iter().chain(more).map(OsString::from);
        let Ok(Invocation::Run { mut config, .. }) = cli::parse(words, &CALLER) else { panic!("{more:?}") };
        VirtualHostConfig { name: Some(name.to_owned()), ..config.hosts.remove(0) }
    }

    fn fates(old: &[VirtualHostConfig], new: &[VirtualHostConfig]) -> Vec<Fate> {
        fn placed(list: &[VirtualHostConfig]) -> Vec<Placed<'_>> {
            list.iter().map(|one| (one, one.interface.as_deref().unwrap_or_default())).collect()
        }
        super::fates(&placed(old), &placed(new))
    }

    #[test]
    fn what_is_as_it_was_is_kept_wherever_it_stands() {
        let (a, b, c) = (named("a", 1, &[]), named("b", 2, &[]), named("c", 3, &[]));
        assert_eq!(
            fates(&[a.clone(), b.clone()], &[b, c, a]),
            [Fate::Kept { old: 1, new: 0 }, Fate::Started { new: 1 }, Fate::Kept { old: 0, new: 2 }]
        );
    }

    #[test]
    fn a_name_is_not_the_wire() {
        let (a, b) = (named("a", 1, &[]), named("b", 2, &[]));
        let (swapped_a, swapped_b) = (named("a", 2, &[]), named("b", 1, &[]));
        let what = vec!["name"];
        assert_eq!(
            fates(&[a.clone(), b.clone()], &[swapped_a, swapped_b]),
            [Fate::Changed { old: 1, new: 0, what: what.clone() }, Fate::Changed { old: 0, new: 1, what }]
        );
        assert_eq!(
            fates(std::slice::from_ref(&a), &[named("a", 3, &[])]),
            [Fate::Replaced { old: 0, new: 0 }]
        );
        assert_eq!(
            fates(std::slice::from_ref(&a), &[named("a", 1, &["-i", "eth1"])]),
            [Fate::Replaced { old: 0, new: 0 }]
        );
        assert_eq!(
            fates(&[a, b], &[named("c", 2, &[])]),
            [Fate::Ended { old: 0 }, Fate::Changed { old: 1, new: 0, what: vec!["name"] }]
        );
    }

    #[test]
    fn two_of_an_id_are_told_apart_by_group_and_then_by_name() {
        let group = |group: &str| vec![format!("--mcast={group}")];
        let one = |name: &str, at: &str| {
            let more = group(at);
            named(name, 1, &more.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let (a, b) = (one("a", "224.0.0.1"), one("b", "224.0.0.2"));
        let what = vec!["mcast"];
        assert_eq!(
            fates(&[a.clone(), b.clone()], &[one("b", "224.0.0.3"), a.clone()]),
            [Fate::Changed { old: 1, new: 0, what: what.clone() }, Fate::Kept { old: 0, new: 1 }]
        );
        assert_eq!(
            fates(&[a, b], &[one("b", "224.0.0.4"), one("a", "224.0.0.5")]),
            [Fate::Changed { old: 1, new: 0, what: what.clone() }, Fate::Changed { old: 0, new: 1, what }]
        );
    }

    #[test]
    fn who_has_another_name_and_another_group_is_the_same_unless_somebody_else_is() {
        let (a, b) = (named("a", 1, &["--mcast=224.0.0.1"]), named("b", 1, &["--mcast=224.0.0.2"]));
        let other = named("c", 1, &["--mcast=224.0.0.3"]);
        assert!(matches!(
            fates(std::slice::from_ref(&b), std::slice::from_ref(&other))[..],
            [Fate::Changed { old: 0, new: 0, .. }]
        ));
        // Who goes on as he was does not become somebody else.
        assert!(matches!(
            fates(&[a.clone(), b], &[a, other])[..],
            [Fate::Kept { old: 0, new: 0 }, Fate::Changed { old: 1, new: 1, .. }]
        ));
    }

    #[test]
    fn the_options_that_differ_are_named() {
        let old = named("a", 1, &[]);
        let what = |more: &[&str]| match fates(std::slice::from_ref(&old), &[named("a", 1, more)]).remove(0) {
            Fate::Changed { what, .. } => what,
            Fate::Kept { .. } => Vec::new(),
            other => panic!("{other:?}"),
        };
        for (more, expected) in [
            (&[][..], &[][..]),
            (&["-b", "1"], &[]),
            (&["-k", "7", "-P"], &["advskew", "preempt"]),
            (&["-p", "y"], &["pass"]),
            (&["-a", "10.0.0.10", "-s", "10.0.0.1"], &["srcip", "addr"]),
            (&["--peer=10.0.0.2", "-z"], &["peer", "shutdown"]),
            (&["-M"], &["nomcast"]),
            (&["--garp-interval=7", "--hook-timeout=9"], &["hook-timeout", "garp-interval"]),
        ] {
            assert_eq!(what(more), expected, "{more:?}");
        }
    }
}
