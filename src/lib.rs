//! ucarp.
pub mod config;
pub mod log;
pub mod protocol;
