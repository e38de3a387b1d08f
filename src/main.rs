//! Exit codes: 0 done, 1 usage or configuration, 2 could not start, 70 a bug of ours.
//!
//! Nothing else is decided here: the words go to `config`, the work to `daemon`. No operator-facing sentence
//! stands in this file.

use std::io::{self, ErrorKind, Write};
use std::panic;
use std::process::ExitCode;

use ucarp::config::cli::{self, Invocation};
use ucarp::daemon::{self, Ended};
use ucarp::{i18n, platform};

/// EX_SOFTWARE of sysexits.h.
const BUG: u8 = 70;
const CANNOT_START: u8 = 2;

fn main() -> ExitCode {
    i18n::init(platform::adopt_locale);
    panic::catch_unwind(start).unwrap_or(ExitCode::from(BUG))
}

fn start() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1)) {
        Ok(Invocation::Help) => show(&cli::usage()),
        Ok(Invocation::Version) => show(&cli::version()),
        Ok(Invocation::Check { config, warnings }) => match daemon::check(&config, &warnings) {
            Ok(text) => show(&text),
            Err(error) => complain(&error, CANNOT_START),
        },
        Ok(Invocation::Run { config, warnings, exposed }) => {
            // Where a password cannot be covered it stays in sight, as the manual says.
            exposed.iter().for_each(|place| _ = platform::blank_argument(place.word + 1, place.from));
            match daemon::run(&config, &warnings) {
                Ok(Ended::Orderly) => ExitCode::SUCCESS,
                Ok(Ended::Bug) => ExitCode::from(BUG),
                Ok(Ended::Detached(status)) => ExitCode::from(status),
                Err(error) => complain(&error, CANNOT_START),
            }
        }
        Err(error) => complain(&error, error.exit_code()),
    }
}

/// Prints on stdout. A reader that has seen enough (`ucarp --help | head`) is no failure.
fn show(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// One line on stderr, as every tool does it.
fn complain(error: &dyn std::error::Error, code: u8) -> ExitCode {
    // Without a stderr there is nobody left to tell.
    let _ = writeln!(io::stderr(), "ucarp: {error}");
    ExitCode::from(code)
}
