//! ucarp.
pub mod config;
pub mod daemon;
pub mod log;
pub mod platform;
pub mod protocol;
