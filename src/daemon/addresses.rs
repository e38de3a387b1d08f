//! The managed addresses of a virtual host, put on its interface and taken off it by who has the right to.
//!
//! Each takes a question or two to the kernel, so it is done at once and nobody waits for it. An address that is there
//! already is left as it is, whatever its prefix length, unless the system refuses to use it: whoever adopts an address
//! must not take it away for a moment. With the interface gone everything is taken off.

use std::net::IpAddr;

use super::failure::words;
use super::roster::Entry;
use crate::config::{VirtualAddress, VirtualHostConfig};
use crate::platform::{self, Unready};
use crate::protocol::Shift;

/// What became of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Shifted {
    /// Those that were put on, or taken off, and had not been, or had been, there.
    pub(super) changed: Vec<IpAddr>,
    /// Those with which that could not be done, and why.
    pub(super) failed: Vec<(IpAddr, String)>,
}

impl Shifted {
    /// Nothing was done about any of them.
    pub(super) fn nothing(config: &VirtualHostConfig, why: &str) -> Self {
        let failed = config.addresses.iter().map(|shared| (shared.address, why.to_owned())).collect();
        Self { changed: Vec::new(), failed }
    }

    fn note(&mut self, address: IpAddr, done: std::io::Result<bool>) -> bool {
        match done {
            Ok(true) => self.changed.push(address),
            Ok(false) => {}
            Err(why) => {
                self.failed.push((address, words(&why)));
                return false;
            }
        }
        true
    }
}

/// Does it. What was put on before and is shared no more, or otherwise, is taken off either way.
pub(super) fn shift(shift: Shift, interface: &str, entry: &mut Entry) -> Shifted {
    let shared = entry.config.addresses.clone();
    let mut shifted = Shifted::default();
    let mut going = std::mem::take(&mut entry.held);
    going.retain(|held| !shared.iter().any(|kept| is_same(*kept, *held)));
    if shift == Shift::Withdraw {
        going.extend(shared);
        going.retain(|gone| !shifted.note(gone.address, withdraw(interface, *gone)));
    } else {
        let mut given_back = Shifted::default();
        going.retain(|gone| !given_back.note(gone.address, withdraw(interface, *gone)));
        shifted.failed = given_back.failed;
        let refused = refused(interface);
        for address in &shared {
            if refused.contains(&address.address) {
                let _ = withdraw(interface, *address);
            }
            let assigned = platform::assign_address(interface, address.address, address.length());
            shifted.note(address.address, assigned);
        }
        entry.held = shared;
    }
    // What could not be taken off is taken off with the next errand.
    entry.held.append(&mut going);
    shifted
}

/// Takes off what nobody shares any more.
pub(super) fn take_off(interface: &str, left: impl Iterator<Item = VirtualAddress>) -> Shifted {
    let mut shifted = Shifted::default();
    left.for_each(|gone| _ = shifted.note(gone.address, withdraw(interface, gone)));
    shifted
}

/// Whether it is put on an interface in the same way.
fn is_same(one: VirtualAddress, other: VirtualAddress) -> bool {
    one.address == other.address && one.length() == other.length()
}

/// How an address is here otherwise than it was to be put on.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Otherwise {
    /// Another interface of this host has it too, which answers for it whoever is master.
    Elsewhere(IpAddr, String),
    /// It was there already, with this prefix length.
    Prefix(VirtualAddress, u8),
}

/// What is odd about them now that they have been put on.
pub(super) fn otherwise(interface: &str, config: &VirtualHostConfig) -> Vec<Otherwise> {
    let all = platform::addresses().unwrap_or_default();
    let networks = platform::connected_networks(interface).unwrap_or_default();
    oddities(interface, config, &all, &networks)
}

fn oddities(
    interface: &str,
    config: &VirtualHostConfig,
    all: &[(String, IpAddr)],
    networks: &[(IpAddr, u8)],
) -> Vec<Otherwise> {
    let mut found = Vec::new();
    for shared in &config.addresses {
        let elsewhere = all.iter().filter(|(name, address)| name != interface && *address == shared.address);
        found.extend(elsewhere.map(|(name, address)| Otherwise::Elsewhere(*address, name.clone())));
        let mut lengths = networks.iter().filter(|(network, _)| *network == shared.address);
        let is_right = lengths.clone().any(|(_, length)| *length == shared.length());
        let other = lengths.next().filter(|_| !is_right);
        found.extend(other.map(|(_, length)| Otherwise::Prefix(*shared, *length)));
    }
    found
}

fn withdraw(interface: &str, gone: VirtualAddress) -> std::io::Result<bool> {
    match platform::withdraw_address(interface, gone.address, gone.length()) {
        Err(error) if platform::says_no_interface(&error) => Ok(false),
        withdrawn => withdrawn,
    }
}

/// Those that the system does not use, for good, because it found another host with them: they have to be given anew.
fn refused(interface: &str) -> Vec<IpAddr> {
    let unready = platform::unready_addresses(interface).unwrap_or_default();
    unready.into_iter().filter(|(_, why)| *why == Unready::Duplicate).map(|(address, _)| address).collect()
}

#[cfg(test)]
mod tests {
    use super::super::capture;
    use super::super::rules::tests::host;
    use super::*;

    #[test]
    fn on_a_wire() {
        capture::wire::run(concat!(module_path!(), "::inside"));
    }

    /// What was put on and is shared no more, or otherwise, goes; what is somebody else's stays.
    #[test]
    #[ignore = "needs the wire that on_a_wire makes"]
    fn inside() {
        let given = |text: &str| {
            let (address, length) = text.split_once('/').unwrap();
            VirtualAddress { address: address.parse().unwrap(), prefix: Some(length.parse().unwrap()) }
        };
        let list = |words: &[&str]| words.iter().map(|word| given(word)).collect::<Vec<_>>();
        let there = || {
            let mut all: Vec<String> = platform::connected_networks("v0")
                .unwrap()
                .iter()
                .filter(|(address, _)| matches!(address, IpAddr::V4(v4) if v4.octets()[3] != 0))
                .map(|(address, length)| format!("{address}/{length}"))
                .collect();
            all.sort();
            all
        };
        let mut entry = Entry::new(host("7", &[]).0, "v0".to_owned());
        let mut asked = |shift, shared: &[&str]| {
            entry.config.addresses = list(shared);
            let shifted = super::shift(shift, "v0", &mut entry);
            (shifted.changed.len(), shifted.failed.len(), entry.held.len())
        };
        platform::assign_address("v0", given("10.0.0.1/24").address, 24).unwrap();
        assert_eq!(asked(Shift::Withdraw, &["10.0.0.10/24", "10.0.0.11/24"]), (0, 0, 0));
        assert_eq!(asked(Shift::Assign, &["10.0.0.10/24", "10.0.0.11/24"]), (2, 0, 2));
        assert_eq!(asked(Shift::Assign, &["10.0.0.10/24", "10.0.0.11/24"]), (0, 0, 2));
        assert_eq!(asked(Shift::Assign, &["10.0.0.10/25", "10.0.0.12/24"]), (2, 0, 2));
        assert_eq!(there(), ["10.0.0.1/24", "10.0.0.10/25", "10.0.0.12/24"]);
        // Both those that were put on and those that would have been.
        assert_eq!(asked(Shift::Withdraw, &["10.0.0.13/24"]), (2, 0, 0));
        assert_eq!(there(), ["10.0.0.1/24"]);
        // What somebody gave it is adopted, and what nobody shares is his.
        platform::assign_address("v0", given("10.0.0.14/32").address, 32).unwrap();
        platform::assign_address("v0", given("10.0.0.15/32").address, 32).unwrap();
        assert_eq!(asked(Shift::Assign, &["10.0.0.14/24"]), (0, 0, 1));
        let taken_off = take_off("v0", list(&["10.0.0.15/24", "10.0.0.16/24"]).into_iter());
        assert_eq!(taken_off.changed, [given("10.0.0.15/32").address]);
        assert_eq!(there(), ["10.0.0.1/24", "10.0.0.14/32"]);
        // On an interface that is gone there is nothing, and nothing can be put.
        let gone = |shift, entry: &mut Entry| super::shift(shift, "v9", entry);
        assert_eq!(gone(Shift::Withdraw, &mut entry), Shifted::default());
        assert_eq!(gone(Shift::Assign, &mut entry).failed.len(), 1);
    }

    #[test]
    fn what_is_here_otherwise_is_found() {
        let (config, _) = host("7", &["-a", "2001:db8::9/64"]);
        let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
        let all = |rows: &[(&str, &str)]| -> Vec<_> {
            rows.iter().map(|(name, address)| ((*name).to_owned(), ip(address))).collect()
        };
        let usual =
            all(&[("eth0", "10.0.0.1"), ("eth0", "10.0.0.10"), ("eth0", "2001:db8::9"), ("lo", "::1")]);
        // A kernel lists an address of IPv6 as a network of its own besides.
        let networks =
            [(ip("10.0.0.0"), 24), (ip("10.0.0.10"), 24), (ip("2001:db8::9"), 128), (ip("2001:db8::9"), 64)];
        assert_eq!(oddities("eth0", &config, &usual, &networks), []);
        assert_eq!(oddities("eth0", &config, &[], &[]), [], "nothing is known");

        let more = all(&[("eth1", "10.0.0.10"), ("eth0", "10.0.0.10")]);
        let elsewhere = Otherwise::Elsewhere(ip("10.0.0.10"), "eth1".to_owned());
        assert_eq!(oddities("eth0", &config, &more, &networks), [elsewhere]);
        let shared = config.addresses.iter().find(|shared| shared.address == ip("10.0.0.10")).unwrap();
        let found = oddities("eth0", &config, &usual, &[(ip("10.0.0.10"), 32)]);
        assert_eq!(found, [Otherwise::Prefix(*shared, 32)]);
    }
}
