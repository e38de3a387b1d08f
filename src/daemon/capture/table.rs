//! The ids of our virtual hosts as instructions of a packet filter, joined to what libpcap makes of the rest.
//!
//! libpcap's program is left as it is but for its end: what it would let through goes on to a search for the id, which
//! costs the same for one id as for 255, and nothing for any other frame. A pure function; it must not look at frames.

use super::Filter;
use crate::platform::Instruction;
use crate::protocol::Vhid;

// net/bpf.h.
const LOAD_WORD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const LOAD_HALF: u16 = 0x28; // BPF_LD | BPF_H | BPF_ABS
const LOAD_BYTE: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
const LOAD_CONSTANT: u16 = 0x00; // BPF_LD | BPF_IMM
const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const SHIFT_RIGHT_BY_X: u16 = 0x7c; // BPF_ALU | BPF_RSH | BPF_X
const TO_X: u16 = 0x07; // BPF_MISC | BPF_TAX
const JUMP: u16 = 0x05; // BPF_JMP | BPF_JA
const IS: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const IS_X: u16 = 0x1d; // BPF_JMP | BPF_JEQ | BPF_X
const IS_ABOVE: u16 = 0x25; // BPF_JMP | BPF_JGT | BPF_K
const IS_AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const HAS: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

// RFC 826: what ARP is about, the lengths of its addresses, and what kind of packet it is.
const ETHERNET_AND_IPV4: u32 = 0x0001_0800;
const LENGTHS_AND_REPLY: u32 = 0x0604_0002;

/// A set of ids, a bit for each.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Ids([u32; 8]);

impl FromIterator<Vhid> for Ids {
    fn from_iter<I: IntoIterator<Item = Vhid>>(vhids: I) -> Self {
        let mut ids = Self::default();
        for vhid in vhids {
            if let Some(word) = ids.0.get_mut(usize::from(vhid.get() / 32)) {
                *word |= 1 << (vhid.get() % 32);
            }
        }
        ids
    }
}

impl Ids {
    fn contains(&self, id: u32) -> bool {
        self.word(id) >> (id % 32) & 1 != 0
    }

    /// The 32 bits of which that of `id` is one.
    fn word(&self, id: u32) -> u32 {
        usize::try_from(id / 32).ok().and_then(|at| self.0.get(at)).copied().unwrap_or_default()
    }
}

/// What libpcap compiled, with a search for the id behind it. Nothing if that is no program of libpcap's.
pub(super) fn join(compiled: &[Instruction], filter: &Filter) -> Option<Vec<Instruction>> {
    let lets_through = |one: &Instruction| one.code == RETURN && one.operand != 0;
    let Some(letting_through) = compiled.iter().find(|one| lets_through(one)) else {
        // Whatever it is that was asked for, no frame can be it.
        return Some(compiled.to_vec());
    };
    let search = search(filter, letting_through.operand)?;
    let mut joined = compiled.to_vec();
    for (at, one) in joined.iter_mut().enumerate().filter(|(_, one)| lets_through(one)) {
        let skipped = u32::try_from(compiled.len() - at - 1).ok()?;
        *one = Instruction { code: JUMP, if_true: 0, if_false: 0, operand: skipped };
    }
    joined.extend(search);
    Some(joined)
}

/// A program for the frames that passed all other tests: where the id is depends on what the frame is. Behind IPv4
/// options and IPv6 extension headers it may be anywhere: all those pass. What is neither IPv4 nor IPv6 is ARP.
fn search(filter: &Filter, captured: u32) -> Option<Vec<Instruction>> {
    let Filter { v4, v6, answers_alone, .. } = filter;
    let mut end = End::default();
    let drop = end.put(RETURN, 0);
    let pass = end.put(RETURN, captured);
    let arp = if *answers_alone { end.answer(pass, drop)? } else { pass };

    let table = end.table(v6, 0..256, pass, drop)?;
    let six = end.byte(55, table)?;
    let six = end.choose(IS, 112, six, pass)?;
    let six = end.byte(20, six)?;
    let six = end.choose(IS, 0x86dd, six, arp)?;

    let table = if v4 == v6 { table } else { end.table(v4, 0..256, pass, drop)? };
    let four = end.byte(35, table)?;
    let four = end.choose(IS, 0x45, four, pass)?;
    let four = end.byte(14, four)?;
    end.choose(IS, 0x0800, four, six)?;
    end.put(LOAD_HALF, 12);

    end.0.reverse();
    Some(end.0)
}

/// A program as far as it is known, its last instruction first: jumps lead forward, so it is made from its end.
#[derive(Default)]
struct End(Vec<Instruction>);

/// An instruction, counted from the end of its program.
type Place = usize;

impl End {
    fn put(&mut self, code: u16, operand: u32) -> Place {
        self.0.push(Instruction { code, if_true: 0, if_false: 0, operand });
        self.0.len() - 1
    }

    /// A comparison, after which it goes on at one place or the other.
    fn choose(&mut self, comparison: u16, with: u32, then: Place, otherwise: Place) -> Option<Place> {
        let skips = |to: Place| u8::try_from(self.0.len().checked_sub(to + 1)?).ok();
        let (if_true, if_false) = (skips(then)?, skips(otherwise)?);
        self.0.push(Instruction { code: comparison, if_true, if_false, operand: with });
        Some(self.0.len() - 1)
    }

    /// Loads the byte at `at` of the frame and goes on at `then`.
    fn byte(&mut self, at: u32, then: Place) -> Option<Place> {
        let skipped = self.0.len().checked_sub(then + 1)?;
        if skipped > 0 {
            self.put(JUMP, u32::try_from(skipped).ok()?);
        }
        Some(self.put(LOAD_BYTE, at))
    }

    /// Tells whether an ARP packet is an answer to one host that asked for an address as its own, or as who has none: that it
    /// is sent to. The rest of what hosts ask each other has two addresses, and goes on.
    fn answer(&mut self, pass: Place, drop: Place) -> Option<Place> {
        self.choose(IS_X, 0, pass, drop)?;
        let others = self.0.len() - 1;
        self.choose(IS, 0, pass, others)?;
        self.put(LOAD_WORD, 38);
        self.put(TO_X, 0);
        let addresses = self.put(LOAD_WORD, 28);
        self.choose(HAS, 1, drop, addresses)?;
        let receiver = self.put(LOAD_BYTE, 0);
        self.choose(IS, LENGTHS_AND_REPLY, receiver, drop)?;
        let lengths = self.put(LOAD_WORD, 18);
        self.choose(IS, ETHERNET_AND_IPV4, lengths, drop)?;
        Some(self.put(LOAD_WORD, 14))
    }

    /// Tells whether the number loaded, known to be in `range`, is one of `ids`. A range is halved until it holds one
    /// run of ids at most, or is that of a word.
    fn table(&mut self, ids: &Ids, range: std::ops::Range<u32>, pass: Place, drop: Place) -> Option<Place> {
        let mut edges =
            range.clone().filter(|id| ids.contains(*id) && (*id == range.start || !ids.contains(id - 1)));
        let (Some(first), several) = (edges.next(), edges.next().is_some()) else { return Some(drop) };
        if !several {
            let behind = (first..range.end).find(|id| !ids.contains(*id)).unwrap_or(range.end);
            if behind - first == 1 {
                return self.choose(IS, first, pass, drop);
            }
            let ends =
                if behind == range.end { pass } else { self.choose(IS_ABOVE, behind - 1, drop, pass)? };
            return if first == range.start {
                Some(ends)
            } else {
                self.choose(IS_AT_LEAST, first, ends, drop)
            };
        }
        if range.len() == 32 {
            // The bits of the word are moved until that of the id is the last.
            self.choose(HAS, 1, pass, drop)?;
            self.put(SHIFT_RIGHT_BY_X, 0);
            self.put(LOAD_CONSTANT, ids.word(range.start));
            self.put(TO_X, 0);
            return Some(self.put(AND, 31));
        }
        let middle = range.start.midpoint(range.end);
        let high = self.table(ids, middle..range.end, pass, drop)?;
        let low = self.table(ids, range.start..middle, pass, drop)?;
        self.choose(IS_AT_LEAST, middle, high, low)
    }
}
