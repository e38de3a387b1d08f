//! The identifiers that stand in brackets at the end of a line, each once: operators search for them, in whatever
//! language the line is, and programs act on them.
//!
//! One is given once and means the same for ever: what is not said any more moves to the retired ones, and its number is not
//! given again. `man/ucarp.8` and `man/ucarp-messages.7` have for each what it means and what to do about it.
//!
//! | range | what |
//! |---|---|
//! | UC1xxx, UC2xxx | what a running daemon has to tell |
//! | UC3xxx | errors in what the operator wrote, and what ucarpctl cannot do |
//! | UC4xxx | warnings about what is allowed and probably not meant |
//! | UC5xxx | why a daemon cannot start, or cannot go on |

/// A constant for each, and all of them.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $id:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $id;)*

        /// All of them, in order.
        pub const ALL: &[&str] = &[$($id),*];
    };
}

ids! {
    /// The state changed.
    TRANSITION = "UC1001";
    // (to be filled)
}

/// Those that are said no more.
pub const RETIRED: &[&str] = &[];

const _: () = assert!(ascend(ALL) && ascend(RETIRED), "each once, in order");

/// Whether each is greater than the one before.
const fn ascend(ids: &[&str]) -> bool {
    let mut at = 1;
    while at < ids.len() {
        let (before, id) = (ids[at - 1].as_bytes(), ids[at].as_bytes());
        let mut digit = 0;
        while digit < id.len() && digit < before.len() && before[digit] == id[digit] {
            digit += 1;
        }
        if digit >= id.len() || digit >= before.len() || before[digit] > id[digit] {
            return false;
        }
        at += 1;
    }
    true
}
