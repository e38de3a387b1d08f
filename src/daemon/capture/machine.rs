//! Filters tried on frames without a capture: what a kernel would make of them, in the manner of bpf(4).
//!
//! Not by libpcap's own `pcap_offline_filter`, which the crate calls with a packet header that is not that of OpenBSD's
//! library.

use pcap::Linktype;

use super::{Filter, table};
use crate::platform::Instruction;

const WORDS: usize = 16;
/// BPF_MAXINSNS of net/bpf.h: no BSD kernel takes more.
const MOST_INSTRUCTIONS: usize = 512;

/// A filter as it would be given to a kernel.
pub(super) struct Program {
    optimised: Vec<Instruction>,
    plain: Vec<Instruction>,
}

fn compiled(text: &str, optimise: bool) -> Vec<Instruction> {
    let dead = pcap::Capture::dead(Linktype::ETHERNET).unwrap();
    super::compile(&dead, text, optimise).unwrap_or_else(|error| panic!("{error}: {text}"))
}

impl Program {
    /// # Panics
    /// It is no valid filter.
    pub(super) fn compile(text: &str) -> Self {
        Self { optimised: compiled(text, true), plain: compiled(text, false) }
    }

    /// # Panics
    /// It is none that every kernel takes.
    pub(super) fn of(filter: &Filter) -> Self {
        let program = Self::joined(filter);
        validate(&program.optimised);
        program
    }

    pub(super) fn joined(filter: &Filter) -> Self {
        let joined = |optimise| table::join(&compiled(&filter.text, optimise), filter).unwrap();
        Self { optimised: joined(true), plain: joined(false) }
    }

    pub(super) fn instructions(&self) -> &[Instruction] {
        &self.optimised
    }

    /// Whether the frame passes.
    ///
    /// # Panics
    /// It depends on the optimisation.
    pub(super) fn filter(&self, frame: &[u8]) -> bool {
        let passes = self.run(frame).0;
        assert_eq!(passes, run(&self.plain, frame).0, "{frame:02x?}");
        passes
    }

    /// Whether the frame passes, and how many instructions it took to find out.
    pub(super) fn run(&self, frame: &[u8]) -> (bool, usize) {
        run(&self.optimised, frame)
    }
}

/// What `bpf_validate` of the BSD kernels and `bpf_check_classic` of Linux want: instructions they know, jumps that end
/// within the program, which lead forward because there are no others, and a return at the end.
fn validate(program: &[Instruction]) {
    assert!(!program.is_empty() && program.len() <= MOST_INSTRUCTIONS, "{}", program.len());
    for (at, one) in program.iter().enumerate() {
        let within = |skipped: usize| assert!(at + 1 + skipped < program.len(), "{at}: {one:?}");
        match one.code {
            // Loads of the frame, of a constant, of the length; X of a header's length; to X and from it.
            0x00 | 0x20 | 0x28 | 0x30 | 0x40 | 0x48 | 0x50 | 0x80 | 0xb1 | 0x01 | 0x07 | 0x87 => {}
            // AND and OR with a constant, shifts by X.
            0x54 | 0x44 | 0x7c => {}
            0x05 => within(one.operand as usize),
            0x15 | 0x1d | 0x25 | 0x35 | 0x45 => {
                within(one.if_true.into());
                within(one.if_false.into());
            }
            0x06 => {}
            // Scratch memory and the rest, as libpcap uses them without optimisation, are not for us.
            other => panic!("{at}: {other:#x}"),
        }
    }
    assert_eq!(program.last().unwrap().code, 0x06);
}

fn run(program: &[Instruction], frame: &[u8]) -> (bool, usize) {
    let (mut a, mut x, mut memory, mut at) = (0_u32, 0_u32, [0_u32; WORDS], 0);
    for executed in 1.. {
        let Instruction { code, if_true, if_false, operand: k } = program[at];
        at += 1;
        let (index, operand) = (k as usize, if code & 8 == 0 { k } else { x });
        let load = |from: u32| {
            let size = [4, 2, 1][(code >> 3 & 3) as usize];
            let bytes = frame.get(from as usize..from as usize + size)?;
            Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
        };
        match (code & 7, code & 0xe0) {
            (0, mode @ (0x20 | 0x40)) => {
                let from = if mode == 0x20 { k } else { x + k };
                let Some(loaded) = load(from) else { return (false, executed) };
                a = loaded;
            }
            (0, 0) => a = k,
            (0, 0x60) => a = memory[index],
            (0, 0x80) => a = u32::try_from(frame.len()).unwrap(),
            (1, 0) => x = k,
            (1, 0x60) => x = memory[index],
            (1, 0x80) => x = u32::try_from(frame.len()).unwrap(),
            (1, 0xa0) => {
                let Some(byte) = frame.get(index) else { return (false, executed) };
                x = u32::from(byte & 0xf) << 2;
            }
            (2, _) => memory[index] = a,
            (3, _) => memory[index] = x,
            (4, 0) if code & 0xf0 == 0 => a = a.wrapping_add(operand),
            (4, 0) => a = a.wrapping_sub(operand),
            (4, 0x40) => a = if code & 0xf0 == 0x40 { a | operand } else { a & operand },
            (4, 0x60) => a = if code & 0xf0 == 0x60 { a << operand } else { a >> operand },
            (5, _) => {
                let holds = match code & 0xf0 {
                    0 => {
                        at += index;
                        continue;
                    }
                    0x10 => a == operand,
                    0x20 => a > operand,
                    0x30 => a >= operand,
                    _ => a & operand != 0,
                };
                at += usize::from(if holds { if_true } else { if_false });
            }
            (6, _) => return (if code & 0x18 == 0x10 { a } else { k } != 0, executed),
            (7, _) => (a, x) = if code & 0xf8 == 0 { (a, a) } else { (x, x) },
            _ => panic!("instruction {code:#x}"),
        }
    }
    unreachable!()
}
