//! Covering arguments with setproctitle(3), for the systems that have it: what ps(1) shows is set anew as a whole.

#![expect(unsafe_code, reason = "setproctitle(3) has no safe wrapper")]

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::sync::Mutex;

use super::sys::TITLE_IS_WHOLE;

/// What was asked for so far: the number of the argument and the byte to begin at.
static COVERED: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

/// Covers an argument of this process, from the byte `from` on, with asterisks, so that ps(1) does not show it.
/// Argument 0 is the program's name. `false`: there is no such argument.
#[must_use]
pub fn blank_argument(number: usize, from: usize) -> bool {
    let arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(number).is_none_or(|argument| argument.len() <= from) {
        return false;
    }
    let Ok(mut covered) = COVERED.lock() else { return false };
    covered.push((number, from));
    let arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
    let mut shown = title(&arguments, &covered);
    if !TITLE_IS_WHOLE {
        shown.drain(..arguments.first().map_or(0, |name| (name.len() + 1).min(shown.len())));
    }
    let Ok(title) = CString::new(shown) else { return false };
    let format = if TITLE_IS_WHOLE { c"-%s" } else { c"%s" };
    // SAFETY: the format takes one NUL-terminated string, which is copied; its dash keeps the program's name from being
    // put before it (setproctitle(3)), where the system knows that.
    unsafe { libc::setproctitle(format.as_ptr(), title.as_ptr()) };
    true
}

/// Shows this process under a name of its own to ps(1) and to whoever looks for the daemon.
pub(super) fn name_process(name: &CStr) {
    // SAFETY: the format takes one NUL-terminated string, which is copied.
    unsafe { libc::setproctitle(c"%s".as_ptr(), name.as_ptr()) };
}

/// The arguments with spaces between them, and asterisks for what is covered.
fn title(arguments: &[&OsStr], covered: &[(usize, usize)]) -> Vec<u8> {
    let words: Vec<Vec<u8>> = arguments
        .iter()
        .enumerate()
        .map(|(number, argument)| {
            let from = covered.iter().filter(|(which, _)| *which == number).map(|(_, from)| *from).min();
            let bytes = argument.as_bytes().iter().enumerate();
            bytes.map(|(at, byte)| if from.is_some_and(|from| at >= from) { b'*' } else { *byte }).collect()
        })
        .collect();
    words.join(&b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_covered_stays_covered() {
        let arguments = ["ucarp", "-p", "s3cret", "--pass=s3cret", "-v", "1"].map(OsStr::new);
        let shown = title(&arguments, &[(2, 0), (3, 7), (9, 0)]);
        assert_eq!(String::from_utf8(shown).unwrap(), "ucarp -p ****** --pass=****** -v 1");
    }
}
