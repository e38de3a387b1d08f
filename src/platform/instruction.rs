//! An instruction of a packet filter, which all systems have in the same form.

/// struct bpf_insn of net/bpf.h, struct sock_filter of linux/filter.h.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Instruction {
    /// What to do.
    pub code: u16,
    /// How many instructions a comparison that holds skips.
    pub if_true: u8,
    /// How many one that does not hold skips.
    pub if_false: u8,
    /// What it is done with.
    pub operand: u32,
}
