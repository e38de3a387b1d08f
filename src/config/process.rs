//! What is asked of the program itself, and not for one virtual host: on a command line, or in the table of a file.

use std::path::PathBuf;

use super::reading::Reading;
use super::trust::changeable;
use super::{Account, ControlPlace, Facility, LogConfig, Warning, shown, words};
use crate::i18n::{self, Trouble};

/// Everybody may ask how things stand.
const STATUS_MODE: u32 = 0o666;

/// What is asked of the program.
pub(super) struct Process {
    pub(super) log: LogConfig,
    pub(super) language: Option<String>,
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
    let language = language(reading);
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
    Process { log, language, pidfile, lockdir, user, lock_memory, state, control, status_mode }
}

/// In which language messages are to be; from here on they are.
pub(super) fn language(reading: &mut Reading<'_>) -> Option<String> {
    let (option, manner) = ("--language", reading.manner);
    let language = reading.value(option, words::language);
    if let Some(language) = &language {
        i18n::prefer(language);
    }
    if manner.words_only {
        return language;
    }
    match i18n::trouble() {
        Some(Trouble::NoCatalogue(value)) if language.is_some() => {
            reading.warn(option, Warning::NoCatalogue { option, value });
        }
        // Of what was asked for before, where nothing is now.
        None | Some(Trouble::NoCatalogue(_)) => {}
        Some(Trouble::Broken(path)) => {
            reading.warnings.push(Warning::BrokenCatalogue { path: shown(path.as_os_str()) });
        }
    }
    if let Some(place) = i18n::catalogue().and_then(|path| changeable(&path, manner.caller)) {
        reading.warnings.push(Warning::ChangeableCatalogue { place: shown(place.as_os_str()) });
    }
    language
}
