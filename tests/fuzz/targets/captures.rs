//! Any bytes as a file of pcap or pcapng that `ucarp --sniff -r` shows, with a key and without, as lines and as JSON.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ucarp::config::{SniffConfig, Watched};
use ucarp::daemon::replay_bytes;
use ucarp::protocol::{Destination, Key, Vhid};

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, file)) = bytes.split_first() else { return };
    let [json, keyed, one] = [1, 2, 4].map(|bit| how & bit != 0);
    let config = SniffConfig {
        watched: Watched::Interface("eth0".into()),
        json,
        vhid: one.then_some(Vhid::MIN),
        group: Destination::GROUP_V4,
        key: keyed.then(|| Key::from_password(b"secret").expect("six bytes are a key")),
        addresses: if keyed { vec![[10, 0, 0, 9].into()] } else { Vec::new() },
    };
    let mut out = Vec::new();
    replay_bytes(file.to_vec(), &config, &mut out);
    let text = String::from_utf8(out).expect("text");
    assert!(
        !text.chars().any(|letter| letter.is_control() && letter != '\n'),
        "nothing a stranger sent is shown"
    );
    if json {
        for line in text.lines() {
            assert!(line.starts_with("{\"time\":") && line.ends_with('}'), "{line}");
            // Nothing in it has to be escaped, so quotes and names come in pairs.
            assert_eq!((line.matches('"').count() % 2, line.matches('\\').count()), (0, 0), "{line}");
            assert_eq!(line.matches(",\"").count(), 20, "{line}");
        }
    } else {
        assert!(text.lines().all(|line| line.chars().count() <= 200), "{text}");
    }
});
