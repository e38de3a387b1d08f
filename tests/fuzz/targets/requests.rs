//! Any bytes as a message between the two processes, of either direction: whatever is a message is one in one way.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ucarp::daemon::message_bytes;

fuzz_target!(|bytes: &[u8]| message_bytes(bytes));
