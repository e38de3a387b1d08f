//! Any bytes as messages of a routing socket (OpenBSD, NetBSD, FreeBSD) and as records of macOS' kernel events. What
//! was read once stays true, whatever follows it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ucarp::platform::Changes;
use ucarp::platform::fuzzing::{kernel_changes, routing_changes};

fn within(few: Changes, many: Changes) -> bool {
    few.links <= many.links && few.addresses <= many.addresses
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&cut, bytes)) = bytes.split_first() else { return };
    let (start, rest) = bytes.split_at(usize::from(cut).min(bytes.len()));
    let (part, whole) = (routing_changes(start), routing_changes(bytes));
    assert!(part.into_iter().zip(whole).all(|(few, many)| within(few, many)), "{part:?} {whole:?}");
    assert!(within(kernel_changes([start]), kernel_changes([start, rest])));
    let _ = kernel_changes([bytes]);
});
