//! Any bytes as a compiled catalogue of messages, asked for all that it has and of many numbers. What it says is a part of the
//! file, and nothing but the file is kept of it: the most that is allocated at a time is a few times its length.

#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use libfuzzer_sys::fuzz_target;
use ucarp::i18n::catalogue_bytes;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, and how many bytes it was asked for; growing something counts as all of it anew.
struct Counting;

// SAFETY: everything is the system's; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fuzz_target!(|bytes: &[u8]| {
    let before = ALLOCATED.load(Relaxed);
    catalogue_bytes(bytes.to_vec());
    let allocated = ALLOCATED.load(Relaxed) - before;
    assert!(allocated <= 4 * bytes.len() + 1024, "{allocated} bytes for a file of {}", bytes.len());
});
