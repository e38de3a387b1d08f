//! What a panic says, kept for the log: written to standard error it would wait for whoever reads there, and stand among
//! lines of another look.

use std::cell::RefCell;
use std::panic;

thread_local! {
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// From now on none is written; [`said`] has it.
pub(super) fn keep() {
    panic::set_hook(Box::new(|about| SAID.with_borrow_mut(|said| *said = about.to_string())));
}

/// From now on they are written again.
pub(super) fn let_go() {
    drop(panic::take_hook());
}

/// What the last one said, and where.
pub(super) fn said() -> String {
    SAID.take()
}
