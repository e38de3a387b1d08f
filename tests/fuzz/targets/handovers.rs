//! Any bytes as what one program hands over to the next: whatever is understood is said in one way.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ucarp::daemon::handover_bytes;

fuzz_target!(|bytes: &[u8]| handover_bytes(bytes));
