//! Doors for the fuzz targets in tests/fuzz to parsers that are nobody else's affair. Only in what cargo-fuzz builds.

use super::bpf_frames::{FrameReader, Shape};
use super::layout::{FREEBSD, NETBSD, OPENBSD};
use super::{Changes, kernel_events, routing_messages};

/// What a datagram of rtnetlink answers to the message of this number.
#[cfg(not(bsd))]
#[must_use]
pub fn netlink_answer(datagram: &[u8], sequence: u32) -> Option<Result<(), i32>> {
    super::netlink::answer(datagram, sequence)
}

/// What messages of a routing socket are about on OpenBSD, NetBSD and FreeBSD.
#[must_use]
pub fn routing_changes(messages: &[u8]) -> [Changes; 3] {
    [OPENBSD, NETBSD, FREEBSD].map(|layout| routing_messages::changes(&layout, messages))
}

/// What records of macOS' kernel are about that come one after the other.
#[must_use]
pub fn kernel_changes<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Changes {
    let mut heard = kernel_events::Heard::default();
    records.into_iter().for_each(|record| heard.take(record));
    heard.changes()
}

/// A reader of what a BPF device hands out for OpenBSD, NetBSD, FreeBSD and macOS each, so many bytes at once.
#[must_use]
pub fn frame_readers(size: usize) -> [FrameReader; 4] {
    [Shape::OPENBSD, Shape::NETBSD, Shape::FREEBSD, Shape::MACOS].map(|shape| FrameReader::new(shape, size))
}
