//! Capture files of pcap and pcapng: frames and times, one after the other.
//!
//! A user attaches such a file to a report, so what is in it is as hostile as the network: it is read by a parser in safe
//! Rust, with a buffer of one size. (libpcap reads files too, but OpenBSD's knows one format and hands out a header
//! that its crate takes for another.) It must not look into a frame.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::time::Duration;

use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

use super::super::failure::words;
use crate::i18n::tr;

/// More than a block is long: one packet with its options. A fuzzer's files are small, and should fill it too.
const BUFFER: usize = if cfg!(fuzzing) { 1 << 12 } else { 1 << 20 };
/// A block of pcapng around nothing: its kind, and its length before and after (draft-ietf-opsawg-pcapng section 3.1).
const LEAST_BLOCK: u32 = 12;
/// The longest section header that is read; tools write some hundred bytes.
const MOST_HEAD: usize = 1 << 16;
const NANOS: u64 = 1_000_000_000;
/// The bits of a link type that are one (draft-ietf-opsawg-pcap section 4).
const LINK_TYPE: i32 = 0xffff;
/// What Linux captures on "any".
const LINUX_SLL: Linktype = Linktype(113);
const LINUX_SLL2: Linktype = Linktype(276);

/// Why a file cannot be read, or not on.
#[derive(Debug)]
pub(super) enum RecordingError {
    /// The system's words.
    Io(io::Error),
    /// Neither format.
    Unknown,
    /// It does not hold Ethernet frames; the number of what it holds instead.
    NotEthernet(i32),
    /// It was captured on all interfaces at once, where Linux leaves the Ethernet headers out.
    AnyInterface,
    /// It ends inside a packet.
    CutOff,
    /// What is there makes no sense.
    Damaged,
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => f.write_str(&words(error)),
            Self::Unknown => f.write_str(&tr!("it is in the format of neither pcap nor pcapng")),
            Self::NotEthernet(number) => {
                f.write_str(&tr!("it holds no Ethernet frames (link type {number})", number))
            }
            Self::AnyInterface => f.write_str(&tr!("it was captured on all interfaces at once (any), without their Ethernet headers: capture on one, as in tcpdump -i eth0 -w file")),
            Self::CutOff => f.write_str(&tr!("it ends in the middle of a packet")),
            Self::Damaged => f.write_str(&tr!("it is damaged")),
        }
    }
}

impl std::error::Error for RecordingError {}

/// How the times of one interface are counted.
#[derive(Clone, Copy, Debug)]
struct Clock {
    /// Units in a second.
    units: u64,
    /// Seconds to be added.
    offset: i64,
}

impl Clock {
    const MICROSECONDS: Self = Self { units: 1_000_000, offset: 0 };

    /// Since 1970. What is before that, or in the far future, is at its edge.
    fn read(self, ticks: u64) -> Duration {
        let units = self.units.max(1);
        let seconds = (ticks / units).saturating_add_signed(self.offset);
        let nanos = u128::from(ticks % units) * u128::from(NANOS) / u128::from(units);
        Duration::new(seconds, u32::try_from(nanos).unwrap_or_default())
    }
}

/// An open capture file.
pub(super) struct Recording {
    reader: Box<dyn PcapReaderIterator + Send>,
    /// Of the interfaces of this section, in pcapng.
    clocks: Vec<Clock>,
    /// Of the whole file, in pcap.
    clock: Clock,
    /// Whether numbers of this section begin with the high byte, in pcapng.
    big_endian: Option<bool>,
}

impl Recording {
    /// Opens a file, or stdin for `-`.
    ///
    /// # Errors
    /// When it cannot be read, or is no capture.
    pub(super) fn open(path: &Path) -> Result<Self, RecordingError> {
        let file: Box<dyn Read + Send> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path).map_err(RecordingError::Io)?)
        };
        Self::new(file)
    }

    pub(super) fn new(mut file: Box<dyn Read + Send>) -> Result<Self, RecordingError> {
        // The parser wants the whole head in its first read, and a pipe hands out what was written at once.
        let mut head = Vec::new();
        let mut read_to = |length: usize, head: &mut Vec<u8>| {
            let more = u64::try_from(length.saturating_sub(head.len())).unwrap_or_default();
            file.by_ref().take(more).read_to_end(head).map_err(RecordingError::Io)
        };
        read_to(12, &mut head)?;
        let length = section_length(&head).unwrap_or(24);
        if length > MOST_HEAD {
            return Err(RecordingError::Damaged);
        }
        read_to(length, &mut head)?;
        let reader = create_reader(BUFFER, Cursor::new(head).chain(file)).map_err(|error| failure(&error))?;
        Ok(Self { reader, clocks: Vec::new(), clock: Clock::MICROSECONDS, big_endian: None })
    }

    /// Hands out every frame with the time since 1970 at which it was captured, until the file ends or `each` says
    /// that it has seen enough.
    ///
    /// # Errors
    /// When the file holds other frames than those of Ethernet, or, after all the whole ones, ends in the middle of one.
    pub(super) fn play<E: From<RecordingError>>(
        &mut self,
        mut each: impl FnMut(Duration, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            if self.big_endian.is_some_and(|big_endian| is_too_short(self.reader.data(), big_endian)) {
                return Err(RecordingError::Damaged.into());
            }
            let consumed = match self.reader.next() {
                Ok((length, block)) => {
                    if let PcapBlockOwned::NG(Block::SectionHeader(section)) = &block {
                        self.big_endian = Some(section.big_endian());
                    }
                    if let Some((stamp, frame)) = packet(&block, &mut self.clocks, &mut self.clock)? {
                        each(stamp, frame)?;
                    }
                    length
                }
                Err(PcapError::Eof) => return Ok(()),
                Err(PcapError::Incomplete(_)) => {
                    self.reader.refill().map_err(|error| failure(&error))?;
                    continue;
                }
                Err(error) => return Err(failure(&error).into()),
            };
            // What takes no room would be met again for ever.
            if consumed == 0 {
                return Err(RecordingError::Damaged.into());
            }
            self.reader.consume(consumed);
        }
    }
}

/// How long the section header of pcapng is that a file begins with, if it does (draft-ietf-opsawg-pcapng section 4.1).
fn section_length(head: &[u8]) -> Option<usize> {
    let word = |at: usize| head.get(at..)?.first_chunk::<4>().copied();
    if word(0)? != [0x0a, 0x0d, 0x0d, 0x0a] {
        return None;
    }
    let length = match word(8)? {
        [0x1a, 0x2b, 0x3c, 0x4d] => u32::from_be_bytes(word(4)?),
        _ => u32::from_le_bytes(word(4)?),
    };
    usize::try_from(length).ok()
}

/// Whether the block at the beginning of `data` says that it is shorter than a block can be. The parser subtracts the
/// least length from that of some kinds unseen.
fn is_too_short(data: &[u8], big_endian: bool) -> bool {
    let read = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let length = data.get(4..).and_then(|rest| rest.first_chunk()).map(|word| read(*word));
    length.is_some_and(|length| length < LEAST_BLOCK)
}

/// The frame in a block, if it has one, and when it was captured.
fn packet<'a>(
    block: &'a PcapBlockOwned<'_>,
    clocks: &mut Vec<Clock>,
    clock: &mut Clock,
) -> Result<Option<(Duration, &'a [u8])>, RecordingError> {
    // Above it pcap says how long the check sequences are that follow the frames, which no IP packet minds.
    let ethernet = |link_type: Linktype| match Linktype(link_type.0 & LINK_TYPE) {
        Linktype::ETHERNET => Ok(()),
        LINUX_SLL | LINUX_SLL2 => Err(RecordingError::AnyInterface),
        Linktype(number) => Err(RecordingError::NotEthernet(number)),
    };
    Ok(match block {
        PcapBlockOwned::LegacyHeader(header) => {
            ethernet(header.network)?;
            if header.is_nanosecond_precision() {
                clock.units = NANOS;
            }
            None
        }
        PcapBlockOwned::Legacy(packet) => {
            let ticks = u64::from(packet.ts_sec) * clock.units + u64::from(packet.ts_usec);
            Some((clock.read(ticks), packet.data))
        }
        PcapBlockOwned::NG(Block::SectionHeader(_)) => {
            clocks.clear();
            None
        }
        PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
            ethernet(interface.linktype)?;
            let units = units(interface.if_tsresol).ok_or(RecordingError::Damaged)?;
            // More than a machine has: a file must not make this list grow for ever.
            if clocks.len() >= usize::from(u16::MAX) {
                return Err(RecordingError::Damaged);
            }
            clocks.push(Clock { units, offset: interface.if_tsoffset });
            None
        }
        PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
            let interface = usize::try_from(packet.if_id).unwrap_or(usize::MAX);
            let clock = clocks.get(interface).ok_or(RecordingError::Damaged)?;
            let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
            let captured = usize::try_from(packet.caplen).unwrap_or(usize::MAX);
            Some((clock.read(ticks), packet.data.get(..captured).unwrap_or(packet.data)))
        }
        PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
            let whole = usize::try_from(packet.origlen).unwrap_or(usize::MAX);
            Some((Duration::ZERO, packet.data.get(..whole).unwrap_or(packet.data)))
        }
        PcapBlockOwned::NG(_) => None,
    })
}

/// What the option if_tsresol says: so many units in a second, as a power of 10 or, with the highest bit, of 2.
fn units(resolution: u8) -> Option<u64> {
    let exponent = u32::from(resolution & 0x7f);
    if resolution & 0x80 == 0 { 10_u64.checked_pow(exponent) } else { 1_u64.checked_shl(exponent) }
}

fn failure<I>(error: &PcapError<I>) -> RecordingError {
    match error {
        PcapError::Eof | PcapError::HeaderNotRecognized => RecordingError::Unknown,
        PcapError::Incomplete(_) | PcapError::UnexpectedEof => RecordingError::CutOff,
        PcapError::ReadError => RecordingError::Io(io::ErrorKind::Other.into()),
        PcapError::BufferTooSmall | PcapError::NomError(..) | PcapError::OwnedNomError(..) => {
            RecordingError::Damaged
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FRAME: [u8; 61] = [0x5a; 61];

    type Seen = Vec<(Duration, Vec<u8>)>;

    fn play(bytes: &[u8]) -> (Seen, Result<(), RecordingError>) {
        let mut seen = Vec::new();
        let played = Recording::new(Box::new(Cursor::new(bytes.to_vec()))).and_then(|mut recording| {
            recording.play(|stamp, frame| {
                seen.push((stamp, frame.to_vec()));
                Ok(())
            })
        });
        (seen, played)
    }

    /// A number of 4 bytes in one of the two orders.
    fn word(big: bool, number: u32) -> [u8; 4] {
        if big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn half(big: bool, number: u16) -> [u8; 2] {
        if big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn pcap(big: bool, magic: u32, link_type: u32, fraction: u32) -> Vec<u8> {
        let mut bytes = word(big, magic).to_vec();
        bytes.extend([half(big, 2), half(big, 4)].concat());
        bytes.extend([0, 0, 65_535, link_type].map(|number| word(big, number)).concat());
        bytes.extend([1_700_000_000, fraction, 61, 1500].map(|number| word(big, number)).concat());
        bytes.extend(FRAME);
        bytes
    }

    fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let length = word(big, u32::try_from(body.len()).unwrap() + 12);
        [&word(big, kind)[..], &length, &body, &length].concat()
    }

    fn section(big: bool) -> Vec<u8> {
        let halves = [half(big, 1), half(big, 0)].concat();
        block(big, 0x0a0d_0d0a, &[&word(big, 0x1a2b_3c4d)[..], &halves, &[0xff; 8]].concat())
    }

    /// `resolution`: the option if_tsresol, if any.
    fn interface(big: bool, link_type: u16, resolution: Option<u8>) -> Vec<u8> {
        let mut body = [&half(big, link_type)[..], &[0; 2], &word(big, 0)].concat();
        if let Some(resolution) = resolution {
            body.extend([half(big, 9), half(big, 1)].concat());
            body.extend([resolution, 0, 0, 0, 0, 0, 0, 0]);
        }
        block(big, 1, &body)
    }

    fn enhanced(big: bool, interface: u32, ticks: u64) -> Vec<u8> {
        let high = u32::try_from(ticks >> 32).unwrap();
        let low = u32::try_from(ticks & u64::from(u32::MAX)).unwrap();
        let words = [interface, high, low, 61, 1500].map(|number| word(big, number)).concat();
        block(big, 6, &[&words[..], &FRAME].concat())
    }

    #[test]
    fn both_orders_and_both_precisions_of_pcap() {
        for big in [false, true] {
            for (magic, fraction, nanos) in [(0xa1b2_c3d4, 5, 5_000), (0xa1b2_3c4d, 5, 5)] {
                let (seen, played) = play(&pcap(big, magic, 1, fraction));
                played.unwrap();
                assert_eq!(seen, [(Duration::new(1_700_000_000, nanos), FRAME.to_vec())]);
            }
        }
    }

    #[test]
    fn pcapng_with_its_clocks_and_what_else_is_in_it() {
        for big in [false, true] {
            let bytes = [
                section(big),
                interface(big, 1, None),
                interface(big, 1, Some(9)),
                interface(big, 1, Some(0x80 | 10)),
                block(big, 0x0bad, &[1; 40]),
                enhanced(big, 0, 1_700_000_000_000_001),
                enhanced(big, 1, 1_700_000_000_000_000_001),
                enhanced(big, 2, 1_700_000_000 << 10 | 512),
                block(big, 3, &[&word(big, 61)[..], &FRAME].concat()),
                // A new section counts its interfaces anew.
                section(!big),
                interface(!big, 1, Some(0)),
                enhanced(!big, 0, 1_700_000_000),
            ]
            .concat();
            let (seen, played) = play(&bytes);
            played.unwrap();
            let stamps: Vec<_> =
                seen.iter().map(|(stamp, _)| (stamp.as_secs(), stamp.subsec_nanos())).collect();
            let second = 1_700_000_000;
            assert_eq!(stamps, [(second, 1000), (second, 1), (second, 500_000_000), (0, 0), (second, 0)]);
            assert!(seen.iter().all(|(_, frame)| frame == &FRAME));
        }
    }

    /// The link type's bits 28 to 31 say, if bit 26 is set, how many words of check sequence there are; in pcapng an
    /// option does.
    #[test]
    fn check_sequences_are_let_be() {
        for big in [false, true] {
            play(&pcap(big, 0xa1b2_c3d4, 1 | 1 << 26 | 2 << 28, 5)).1.unwrap();
            let mut description = [&half(big, 1)[..], &[0; 2], &word(big, 0)].concat();
            description.extend([half(big, 13), half(big, 1)].concat());
            description.extend([4, 0, 0, 0, 0, 0, 0, 0]);
            let (seen, played) =
                play(&[section(big), block(big, 1, &description), enhanced(big, 0, 7)].concat());
            played.unwrap();
            assert_eq!(seen.len(), 1);
        }
    }

    #[test]
    fn what_cannot_be_read_has_a_reason() {
        let reason = |bytes: &[u8]| play(bytes).1.unwrap_err().to_string();
        assert!(reason(b"").contains("neither"));
        assert!(reason(b"this is not a capture, is it?").contains("neither"));
        assert!(reason(&pcap(false, 0xa1b2_c3d4, 105, 0)).contains("link type 105"));
        for any in [113, 276] {
            let reason = reason(&pcap(true, 0xa1b2_c3d4, any, 0));
            assert!(reason.contains("any") && reason.contains("-i eth0"), "{reason}");
        }
        assert!(reason(&[section(true), interface(true, 101, None)].concat()).contains("link type 101"));
        assert!(reason(&[section(true), enhanced(true, 0, 0)].concat()).contains("damaged"));
        assert!(
            reason(&[&section(false)[..4], &[0xff; 4], &section(false)[8..]].concat()).contains("damaged")
        );
        let whole = pcap(false, 0xa1b2_c3d4, 1, 0);
        assert!(reason(&[&whole[..], &whole[24..90]].concat()).contains("middle"));
        assert_eq!(play(&[&whole[..], &whole[24..90]].concat()).0.len(), 1, "what is whole is shown");
    }

    /// The kind of a block with information about a process, whose length the parser trusts to be 12 or more.
    #[test]
    fn a_block_shorter_than_a_block_is_damage() {
        for big in [false, true] {
            for length in 0..12 {
                let lying = [word(big, 0x8000_0001), word(big, length), word(big, 7), word(big, length)];
                let (seen, played) = play(
                    &[section(big), interface(big, 1, None), enhanced(big, 0, 7), lying.concat()].concat(),
                );
                assert_eq!(seen.len(), 1, "{length}");
                assert!(matches!(played, Err(RecordingError::Damaged)), "{length}: {played:?}");
            }
            let process = block(big, 0x8000_0001, &word(big, 7));
            play(&[section(big), process, section(!big), block(!big, 0x8000_0001, &[0; 4])].concat())
                .1
                .unwrap();
        }
    }

    /// Hands out one byte at a time, as a slow pipe.
    struct Dripping(Cursor<Vec<u8>>);

    impl Read for Dripping {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let one = buffer.len().min(1);
            self.0.read(&mut buffer[..one])
        }
    }

    #[test]
    fn a_pipe_may_drip() {
        let ng = [section(false), interface(false, 1, None), enhanced(false, 0, 7)].concat();
        for bytes in [pcap(true, 0xa1b2_c3d4, 1, 0), ng] {
            let mut recording = Recording::new(Box::new(Dripping(Cursor::new(bytes)))).unwrap();
            let mut count = 0;
            recording
                .play(|_, frame| {
                    count += 1;
                    assert_eq!(frame, FRAME);
                    Ok::<_, RecordingError>(())
                })
                .unwrap();
            assert_eq!(count, 1);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_change_to_a_file_makes_it_panic_or_hang(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..9),
            cut in any::<prop::sample::Index>(),
            ng in any::<bool>(),
        ) {
            let packets: Vec<_> = (0..4).map(|tick| enhanced(false, 0, tick)).collect();
            let mut bytes = match ng {
                true => [section(false), interface(false, 1, Some(9)), packets.concat()].concat(),
                false => pcap(false, 0xa1b2_c3d4, 1, 9).repeat(3),
            };
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes.truncate(cut.index(bytes.len()) + 1);
            let _ = play(&bytes);
        }
    }
}
