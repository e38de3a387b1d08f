//! Any bytes as what the kernel answers on an rtnetlink socket. Nothing but a zero in an acknowledgement is a success.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ucarp::platform::fuzzing::netlink_answer;

const ERROR: [u8; 2] = 2_u16.to_ne_bytes();
const SEQUENCE: u32 = 1;

fuzz_target!(|datagram: &[u8]| {
    match netlink_answer(datagram, SEQUENCE) {
        None => {}
        Some(outcome) => {
            let code = outcome.err().unwrap_or(0);
            assert!(code >= 0, "no kernel's number");
            // linux/netlink.h: the kind at 4, the number of the message at 8, the code at 16; multiples of 4.
            let said = datagram.windows(20).step_by(4).any(|message| {
                let number = i32::from_ne_bytes(message[16..].try_into().expect("four"));
                message[4..6] == ERROR
                    && message[8..12] == SEQUENCE.to_ne_bytes()
                    && (code != 0 || number == 0)
            });
            assert!(said, "nobody said that");
        }
    }
});
