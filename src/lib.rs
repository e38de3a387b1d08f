//! ucarp.
pub mod config;
pub mod daemon;
pub mod i18n;
pub mod log;
pub mod platform;
pub mod protocol;
