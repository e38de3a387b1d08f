//! Any text as a file for `--config`, of which only the words are looked at. What is accepted keeps what `Config` promises,
//! no two virtual hosts are the same, and what is said of the rest is a line for each mistake.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use ucarp::config::{Caller, NoAccount, VirtualAddress, VirtualHostConfig, file};
use ucarp::protocol::Interval;

const CALLER: Caller =
    Caller { user: 0, group: 0, may_execute: |_| Ok(()), find_account: |_| Err(NoAccount::Unknown) };

fn kept(hosts: &[VirtualHostConfig]) {
    assert!((1..=4096).contains(&hosts.len()));
    let names: BTreeSet<_> = hosts.iter().map(|host| host.name.clone().expect("a name")).collect();
    let same = |host: &VirtualHostConfig| (host.interface.clone(), host.vhid, host.destination.v4);
    let served: BTreeSet<_> = hosts.iter().map(same).collect();
    assert!(names.len() == hosts.len() && served.len() == hosts.len());
    for host in hosts {
        assert!(host.interface.is_some() && host.wait_for_interface);
        assert!((1..=VirtualAddress::MOST).contains(&host.addresses.len()));
        assert!(host.addresses.iter().all(|shared| Some(shared.address) != host.source));
        assert!(host.interval != Interval::new(0, 0) && host.interval != Interval::BOW_OUT);
        assert!((1..=10_000).contains(&host.dead_ratio));
        assert!((1000..=3_600_000).contains(&host.hook_timeout.as_millis()));
        assert!((1..=86_400).contains(&host.settle.as_secs()));
        assert!([&host.up, &host.down].into_iter().flatten().all(|hook| hook.is_absolute()));
        assert!(host.destination.peers.is_empty() || !host.destination.broadcast);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match file::read_text(text, &CALLER) {
        Ok(hosts) => kept(&hosts),
        Err(errors) => {
            assert!((1..=20).contains(&errors.iter().count()));
            for error in &errors {
                let line = error.to_string();
                assert!(line.starts_with("/text.toml:") && !line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
});
