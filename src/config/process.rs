//! What is asked of the program itself, and not for one virtual host: on a command line, or in the table of a file.

use std::path::PathBuf;

use super::reading::Reading;
use super::{Account, ControlPlace, Facility, LogConfig, words};

/// Everybody may ask how things stand.
const STATUS_MODE: u32 = 0o666;

/// What is asked of the program.
pub(super) struct Process {
    pub(super) log: LogConfig,
    pub(super) pidfile: Option<PathBuf>,
    pub(super) lockdir: Option<PathBuf>,
    pub(super) user: Option<Account>,
    pub(super) lock_memory: bool,
    pub(super) state: Option<PathBuf>,
    pub(super) control: ControlPlace,
    pub(super) status_mode: u32,
}

/// As much of it as is not wrong.
pub(super) fn read(reading: &mut Reading<'_>) -> Process {
    let manner = reading.manner;
    let facility = reading.value("--facility", words::facility);
    let log = LogConfig {
        facility: facility.unwrap_or(Some(Facility::default())),
        debug: reading.switch("--debug", false),
        format: reading.value("--log-format", words::log_format),
    };
    let pidfile = reading.file("--pidfile", words::file);
    let lock_memory = reading.switch("--mlock", false);
    let is_there = if manner.words_only { words::folder_name } else { words::folder };
    let lockdir = reading.file("--lockdir", is_there);
    let user = if manner.words_only {
        None
    } else {
        reading.value("--user", |option, word| words::account(option, word, manner.caller))
    };
    let state = reading.file("--state", words::folder_name);
    let control = reading.file("--control", words::control).unwrap_or_default();
    let status_mode = reading.value("--status-mode", words::mode).unwrap_or(STATUS_MODE);
    Process { log, pidfile, lockdir, user, lock_memory, state, control, status_mode }
}
