//! The C library's message locale: the one switch gettext needs and Rust does not offer safely.
//!
//! Only `LC_MESSAGES` is touched. Numbers, sorting and character classes stay those of the C locale, which
//! is what everything else in this program expects.

#![expect(unsafe_code, reason = "setlocale is not offered by std or nix")]

/// Takes the message locale from the environment. `false` when the environment names a locale the system
/// does not have; messages then stay English.
///
/// To be called before any other thread exists; `main` calls it first.
#[must_use]
pub fn adopt_locale() -> bool {
    // SAFETY: setlocale(3) (locale.h) takes a NUL-terminated string, which a C literal is; it must not race
    // with other threads that use the locale or the environment, and none has been started yet.
    let name = unsafe { libc::setlocale(libc::LC_MESSAGES, c"".as_ptr()) };
    !name.is_null()
}
