//! Any words as a command line, with a NUL between them. A byte below 32 at the beginning of a word stands for the
//! beginning of one that is good for something. What is accepted keeps what `Config` promises, and what is said is one
//! line.

#![no_main]

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use libfuzzer_sys::fuzz_target;
use ucarp::config::cli::{self, Exposed, Invocation};
use ucarp::config::{Account, Caller, Config, NoAccount, Secret, VirtualAddress, Warning};
use ucarp::protocol::Interval;

const BEGINNINGS: [&str; 34] = [
    "-ieth0",
    "-v1",
    "-psecret",
    "-a10.0.0.9",
    "-s10.0.0.1",
    "--addr=2001:db8::",
    "--pass=",
    "-p",
    "--peer=10.0.0.",
    "--peer-type=openbsd",
    "--check",
    "--sniff",
    "--json",
    "-r",
    "--advbase=",
    "--advskew=",
    "--deadratio=",
    "--garp-",
    "--hook-",
    "--facility=",
    "--mcast=239.1.1.",
    "--nomcast",
    "--wait-interface",
    "--shutdown",
    "--on-lost-address=",
    "--srcip=",
    "--neutral",
    "-Pnk",
    "--passfile=/nonexistent",
    "--replay=",
    "--only-ours",
    "--manage-address",
    "--config=/nonexistent",
    "--check=syntax",
];

fn words(bytes: &[u8]) -> Vec<OsString> {
    let word = |word: &[u8]| {
        let (first, rest) = word.split_first()?;
        let beginning = BEGINNINGS.get(usize::from(*first).wrapping_sub(1))?;
        Some([beginning.as_bytes(), rest].concat())
    };
    bytes
        .split(|&byte| byte == 0)
        .map(|raw| OsString::from_vec(word(raw).unwrap_or_else(|| raw.to_vec())))
        .collect()
}

fn one_line(text: &str) {
    assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
}

fn said(warnings: &[Warning]) {
    warnings.iter().for_each(|warning| one_line(&warning.to_string()));
}

fn covered(words: &[OsString], exposed: &[Exposed]) -> Option<Vec<u8>> {
    let mut last = None;
    for place in exposed {
        let word = words[place.word].as_bytes();
        last = Some(word[place.from..].to_vec());
    }
    last
}

fn kept(config: &Config) {
    let [host] = config.hosts.as_slice() else { panic!("one host") };
    assert!(host.interface.is_some() || host.source.is_some_and(|source| !source.is_unspecified()));
    assert!((1..=VirtualAddress::MOST).contains(&host.addresses.len()));
    for (place, shared) in host.addresses.iter().enumerate() {
        assert_ne!(Some(shared.address), host.source);
        assert!(host.addresses[..place].iter().all(|other| other.address != shared.address), "twice");
        assert!(
            !shared.address.is_unspecified()
                && !shared.address.is_loopback()
                && !shared.address.is_multicast()
        );
        let most = if shared.address.is_ipv4() { 32 } else { 128 };
        assert!(shared.prefix.is_none_or(|prefix| (1..=most).contains(&prefix)));
    }
    assert!(host.interval != Interval::new(0, 0) && host.interval != Interval::BOW_OUT);
    assert!((1..=10_000).contains(&host.dead_ratio));
    assert!((1000..=3_600_000).contains(&host.hook_timeout.as_millis()));
    assert!(host.announcing.count >= 1 && !host.announcing.interval.is_zero());
    assert!((1..=Secret::LONGEST).contains(&host.secret.bytes().len()));
    assert!([&host.up, &host.down].into_iter().flatten().all(|hook| hook.is_absolute()));
}

fuzz_target!(|bytes: &[u8]| {
    // Files are looked at, and looking at a device is doing something.
    if ["/dev", "/proc", "/sys", "/run"]
        .iter()
        .any(|folder| bytes.windows(folder.len()).any(|part| part == folder.as_bytes()))
    {
        return;
    }
    let words = words(bytes);
    let caller = Caller {
        user: 0,
        group: 0,
        may_execute: |_| Err(io::ErrorKind::PermissionDenied.into()),
        find_account: |words| match words {
            "root" => Err(NoAccount::Superuser),
            "_ucarp" => Ok(Account { name: Some(words.to_owned()), uid: 998, gid: 998 }),
            _ if words.contains(':') => Err(NoAccount::Malformed),
            _ => Err(NoAccount::Unknown),
        },
    };
    match cli::parse(words.iter().cloned(), &caller) {
        Ok(Invocation::Run { config, warnings, exposed }) => {
            kept(&config);
            said(&warnings);
            // There is no password file here, so it is the last of the command line.
            assert_eq!(covered(&words, &exposed).as_deref(), Some(config.hosts[0].secret.bytes()));
        }
        Ok(Invocation::Check { config, warnings }) => {
            kept(&config);
            said(&warnings);
        }
        Ok(Invocation::Sniff { config, warnings, exposed }) => {
            said(&warnings);
            covered(&words, &exposed);
            assert!(config.key.is_none() || !config.addresses.is_empty());
        }
        Ok(Invocation::Print(_)) => {}
        Err(errors) => errors.iter().for_each(|error| one_line(&error.to_string())),
    }
});
