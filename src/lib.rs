//! ucarp.
pub mod config;
pub mod i18n;
pub mod log;
/// The operating system.
pub mod platform {
    mod locale;
    pub use locale::adopt_locale;
}
pub mod protocol;
