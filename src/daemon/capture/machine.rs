//! Filters tried on frames without a capture: what a kernel would make of them, in the manner of bpf(4).
//!
//! Not by libpcap's own `pcap_offline_filter`, which the crate calls with a packet header that is not that of OpenBSD's
//! library.

const WORDS: usize = 16;

/// A filter as libpcap compiles it.
pub(crate) struct Program {
    optimised: Vec<[u32; 4]>,
    plain: Vec<[u32; 4]>,
}

impl Program {
    /// # Panics
    /// It is no valid filter.
    pub(crate) fn compile(text: &str) -> Self {
        let compiled = |optimise| super::compile(text, optimise).iter().map(|one| numbers(one)).collect();
        Self { optimised: compiled(true), plain: compiled(false) }
    }

    /// Code, jumps and constant of each instruction.
    pub(crate) fn instructions(&self) -> &[[u32; 4]] {
        &self.optimised
    }

    /// Whether the frame passes.
    ///
    /// # Panics
    /// It depends on the optimisation.
    pub(crate) fn filter(&self, frame: &[u8]) -> bool {
        let passes = passes(&self.optimised, frame);
        assert_eq!(passes, self::passes(&self.plain, frame), "{frame:02x?}");
        passes
    }
}

fn numbers(text: &str) -> [u32; 4] {
    let numbers: Vec<u32> = text.split(' ').map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

fn passes(program: &[[u32; 4]], frame: &[u8]) -> bool {
    let (mut a, mut x, mut memory, mut at) = (0_u32, 0_u32, [0_u32; WORDS], 0);
    loop {
        let [code, yes, no, k] = program[at];
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
                let Some(loaded) = load(from) else { return false };
                a = loaded;
            }
            (0, 0) => a = k,
            (0, 0x60) => a = memory[index],
            (0, 0x80) => a = u32::try_from(frame.len()).unwrap(),
            (1, 0) => x = k,
            (1, 0x60) => x = memory[index],
            (1, 0x80) => x = u32::try_from(frame.len()).unwrap(),
            (1, 0xa0) => {
                let Some(byte) = frame.get(index) else { return false };
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
                at += if holds { yes } else { no } as usize;
            }
            (6, _) => return if code & 0x18 == 0x10 { a } else { k } != 0,
            (7, _) => (a, x) = if code & 0xf8 == 0 { (a, a) } else { (x, x) },
            _ => panic!("instruction {code:#x}"),
        }
    }
}
