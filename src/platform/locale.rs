//! The C library's message locale: what it says of errors, and in which language gettext answers. Rust offers no safe switch.
//!
//! Only `LC_MESSAGES` is touched. Numbers, sorting and character classes stay those of the C locale, which
//! is what everything else in this program expects.

#![expect(unsafe_code, reason = "setlocale is not offered by std or nix")]

use std::ffi::CString;

/// Takes the message locale from the environment, or takes this one, such as `de_DE.UTF-8`. `false` where the system does
/// not have it; what it says stays English then.
///
/// To be called before any other thread exists; `main` calls it first, and who reads the file.
#[must_use]
pub fn adopt_locale(name: Option<&str>) -> bool {
    let Ok(locale) = CString::new(name.unwrap_or_default()) else { return false };
    // SAFETY: setlocale(3) (locale.h) takes a NUL-terminated string that it does not keep; it must not race with other
    // threads that use the locale or the environment, and there are none.
    let adopted = unsafe { !libc::setlocale(libc::LC_MESSAGES, locale.as_ptr()).is_null() };
    if let (true, Some(name), Some(_)) = (adopted, name, std::env::var_os("LANGUAGE")) {
        // GNU's library asks this variable before the locale (guess_category_value of dcigettext.c).
        // SAFETY: no other thread exists that could read the environment meanwhile.
        unsafe { std::env::set_var("LANGUAGE", name) };
    }
    adopted
}
