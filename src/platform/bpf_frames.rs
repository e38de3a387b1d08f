//! What one read of a BPF device hands out: frames, each behind a header and at a multiple of the system's alignment.
//!
//! libpcap could take it apart, but the crate's idea of the header it hands on is wrong on OpenBSD, where times have 32
//! bits (`pcap_read` in lib/libpcap/pcap-bpf.c), and everywhere the library keeps to itself what it did not hand out.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;

/// How a system lays out struct bpf_hdr (net/bpf.h): the time, seconds and microseconds alike wide; the length of what
/// was captured, 4 bytes; the length of the frame, 4 bytes; the length of the header, 2 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Bytes of the seconds.
    time: usize,
    /// Bytes, BPF_ALIGNMENT.
    alignment: usize,
}

#[cfg_attr(
    not(any(test, fuzzing)),
    expect(dead_code, reason = "a build needs one system's shape, the tests all of them")
)]
impl Shape {
    /// bh_tstamp is a bpf_timeval of u_int32_t.
    pub(super) const OPENBSD: Self = Self { time: 4, alignment: 4 };
    /// bh_tstamp is a bpf_timeval of long.
    pub(super) const NETBSD: Self = Self { time: 8, alignment: 8 };
    /// bh_tstamp is a timeval.
    pub(super) const FREEBSD: Self = Self { time: 8, alignment: 8 };
    /// bh_tstamp is a timeval32.
    pub(super) const MACOS: Self = Self { time: 4, alignment: 4 };

    /// The offset of bh_hdrlen, the last field that all systems have.
    pub(super) const fn header_length_at(self) -> usize {
        2 * self.time + 8
    }
}

/// Frames out of an opened capture, read from its BPF device.
#[derive(Debug)]
pub struct FrameReader {
    shape: Shape,
    buffer: Vec<u8>,
    filled: usize,
    next: usize,
}

impl FrameReader {
    /// `size`: how many bytes the device hands out at once.
    pub(super) fn new(shape: Shape, size: usize) -> Self {
        Self { shape, buffer: vec![0; size], filled: 0, next: 0 }
    }

    /// How many bytes the device hands out at once.
    #[must_use]
    pub fn size(&self) -> usize {
        self.buffer.len()
    }

    /// Hands out what has arrived, at most `budget` frames, with the time since 1970 at which the kernel took each in,
    /// and says how many there were. Fewer than `budget` means that nothing is left for now; otherwise some may be here
    /// that the descriptor does not announce.
    ///
    /// # Errors
    /// The interface went away (ENXIO, EIO).
    pub fn drain(
        &mut self,
        capture: BorrowedFd<'_>,
        budget: usize,
        mut each: impl FnMut(Duration, &[u8]),
    ) -> io::Result<usize> {
        let mut count = 0;
        while count < budget {
            let filled = self.buffer.get(..self.filled).unwrap_or_default();
            if let Some(taken) = frame_at(self.shape, filled, self.next) {
                each(taken.stamp, taken.frame);
                self.next = taken.next;
                count += 1;
                continue;
            }
            (self.filled, self.next) = (0, 0);
            match nix::unistd::read(capture, &mut self.buffer) {
                Ok(0) | Err(Errno::EWOULDBLOCK) => break,
                Ok(filled) => self.filled = filled,
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(count)
    }
}

/// A frame in a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Taken<'a> {
    /// Time since 1970 at which the kernel took it in.
    pub(super) stamp: Duration,
    /// As much of it as was captured.
    pub(super) frame: &'a [u8],
    /// Where the next header begins, if there is one.
    pub(super) next: usize,
}

/// The frame whose header begins at `at`; `None` when no whole one does.
pub(super) fn frame_at(shape: Shape, buffer: &[u8], at: usize) -> Option<Taken<'_>> {
    let rest = buffer.get(at..)?;
    let (seconds, behind) = number(rest, shape.time)?;
    let (micros, behind) = number(behind, shape.time)?;
    let (captured, behind) = number(behind, 4)?;
    let (_, behind) = number(behind, 4)?;
    let (header, _) = number(behind, 2)?;
    let (captured, header) = (usize::try_from(captured).ok()?, usize::try_from(header).ok()?);
    // A header that ends inside itself would be met again for ever.
    if header < shape.header_length_at() + 2 {
        return None;
    }
    let end = header.checked_add(captured)?;
    let frame = rest.get(header..end)?;
    let stamp = Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros));
    Some(Taken { stamp, frame, next: at.checked_add(end.checked_next_multiple_of(shape.alignment)?)? })
}

/// The number in the first `width` bytes, 8 at most, in this host's order, and what follows them.
pub(super) fn number(bytes: &[u8], width: usize) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_at_checked(width)?;
    let mut wide = [0; 8];
    let place =
        if cfg!(target_endian = "little") { wide.get_mut(..width) } else { wide.get_mut(8 - width..) };
    place?.copy_from_slice(number);
    Some((u64::from_ne_bytes(wide), rest))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixDatagram;

    use proptest::prelude::*;

    use super::*;

    const ALL: [Shape; 4] = [Shape::OPENBSD, Shape::NETBSD, Shape::FREEBSD, Shape::MACOS];

    /// As bpf_catchpacket (net/bpf.c) puts a frame into the buffer: the header is padded so that what follows the
    /// 14 bytes of an Ethernet header is aligned.
    fn put(shape: Shape, stamp: (u64, u64), frame: &[u8], buffer: &mut Vec<u8>) {
        let least = shape.header_length_at() + 2;
        let header = (14 + least).next_multiple_of(shape.alignment) - 14;
        let word = |value: u64, width: usize| {
            let bytes = value.to_ne_bytes();
            if cfg!(target_endian = "little") { bytes[..width].to_vec() } else { bytes[8 - width..].to_vec() }
        };
        buffer.resize(buffer.len().next_multiple_of(shape.alignment), 0xee);
        let start = buffer.len();
        buffer.extend(word(stamp.0, shape.time));
        buffer.extend(word(stamp.1, shape.time));
        buffer.extend(word(frame.len() as u64, 4));
        buffer.extend(word(frame.len() as u64 + 1000, 4));
        buffer.extend(word(header as u64, 2));
        buffer.resize(start + header, 0xdd);
        buffer.extend(frame);
    }

    fn walk(shape: Shape, buffer: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let (mut at, mut found) = (0, Vec::new());
        while let Some(taken) = frame_at(shape, buffer, at) {
            assert!(taken.next > at, "it makes progress");
            found.push((taken.stamp, taken.frame.to_vec()));
            at = taken.next;
        }
        found
    }

    /// The header that a Mac wrote before a frame of 151 bytes, with the fields of bpf_hdr_ext behind those of bpf_hdr.
    #[cfg(target_endian = "little")]
    #[test]
    fn a_longer_header_is_stepped_over() {
        let mut buffer =
            vec![0xc2, 0xab, 0xc1, 0x6a, 0x23, 0x32, 0x0d, 0, 0x97, 0, 0, 0, 0x97, 0, 0, 0, 0x3e, 0];
        buffer.resize(62, 0);
        buffer.extend([7; 151]);
        let taken = frame_at(Shape::MACOS, &buffer, 0).unwrap();
        assert_eq!((taken.frame, taken.next), (&[7; 151][..], 216));
        assert_eq!(taken.stamp, Duration::new(0x6ac1_abc2, 0x000d_3223 * 1000));
    }

    #[test]
    fn where_the_fields_are() {
        // The offsets of bh_hdrlen that a C compiler gives for these headers.
        for (shape, at) in ALL.into_iter().zip([16, 24, 24, 16]) {
            let mut buffer = Vec::new();
            put(shape, (1, 2), &[9; 60], &mut buffer);
            let header = usize::from(u16::from_ne_bytes([buffer[at], buffer[at + 1]]));
            assert_eq!(buffer[header..], [9; 60], "{shape:?}");
            assert_eq!((header + 14) % shape.alignment, 0, "{shape:?}");
        }
    }

    /// A socket that hands out a datagram a read, and otherwise has nothing, as a device does with buffers.
    #[test]
    fn batches_end_where_they_should_and_nothing_is_lost() {
        for shape in ALL {
            let (device, kernel) = UnixDatagram::pair().unwrap();
            device.set_nonblocking(true).unwrap();
            let mut reader = FrameReader::new(shape, 4096);
            let mut drain = |budget: usize| {
                let mut seen = Vec::new();
                let count = reader.drain(device.as_fd(), budget, |_, frame| seen.push(frame[0])).unwrap();
                assert_eq!(count, seen.len());
                seen
            };
            let send = |firsts: &[u8]| {
                let mut buffer = Vec::new();
                firsts.iter().for_each(|first| put(shape, (1, 2), &[*first; 70], &mut buffer));
                kernel.send(&buffer).unwrap();
            };
            assert!(drain(9).is_empty());
            send(&[1, 2, 3]);
            assert_eq!(drain(2), [1, 2]);
            // The descriptor announces nothing, and still there is one.
            assert_eq!(drain(2), [3]);
            send(&[4]);
            send(&[5, 6]);
            assert_eq!(drain(2), [4, 5]);
            kernel.send(b"no frame at all").unwrap();
            send(&[7]);
            assert_eq!(drain(9), [6, 7]);
            assert!(drain(9).is_empty());
            drop(kernel);
        }
    }

    proptest! {
        #[test]
        fn what_was_put_in_comes_out(
            frames in prop::collection::vec(
                ((0..u64::from(u32::MAX), 0..1_000_000_u64), prop::collection::vec(any::<u8>(), 0..300)), 0..9),
            cut in 0..400_usize,
        ) {
            for shape in ALL {
                let mut buffer = Vec::new();
                frames.iter().for_each(|(stamp, frame)| put(shape, *stamp, frame, &mut buffer));
                let whole: Vec<_> = frames
                    .iter()
                    .map(|((seconds, micros), frame)| {
                        (Duration::from_secs(*seconds) + Duration::from_micros(*micros), frame.clone())
                    })
                    .collect();
                prop_assert_eq!(&walk(shape, &buffer), &whole);
                buffer.truncate(buffer.len().saturating_sub(cut));
                let found = walk(shape, &buffer);
                prop_assert!(whole.starts_with(&found) && (cut == 0 || found.len() <= whole.len()));
            }
        }

        #[test]
        fn no_bytes_make_it_panic_or_go_round(
            bytes in prop::collection::vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..500),
            at in any::<usize>(),
        ) {
            for shape in ALL {
                walk(shape, &bytes);
                frame_at(shape, &bytes, at);
            }
        }
    }
}
