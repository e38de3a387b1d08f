//! Exit codes: 0 done, 1 usage or configuration, 2 could not start, 70 a bug of ours. Nothing else is decided here: the
//! words go to `config`, the work to `daemon`, and no sentence stands here.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use ucarp::config::cli::{self, Invocation};
use ucarp::config::{LogFormat, US};
use ucarp::daemon::{self, BUG, Ended, StartError, complain, cover};
use ucarp::{i18n, platform};

fn main() -> ExitCode {
    i18n::init(cli::language(std::env::args_os().skip(1)).as_deref(), platform::adopt_locale);
    std::panic::catch_unwind(start).unwrap_or(ExitCode::from(BUG))
}

fn start() -> ExitCode {
    platform::forbid_core_files();
    if let Some(done) = daemon::succeed() {
        return ended(None, done);
    }
    let mut format = None;
    let done = match cli::parse(std::env::args_os().skip(1), &daemon::caller()) {
        Ok(Invocation::Print(text)) => return show(&text),
        Ok(Invocation::Check { config, warnings }) => {
            daemon::check(&config, &warnings, &mut io::stdout().lock()).map(|()| 0)
        }
        Ok(Invocation::Sniff { config, warnings, exposed }) => {
            cover(&exposed);
            warnings.iter().for_each(|warning| complain(None, US, Some(warning.id()), warning));
            daemon::sniff(&config, &mut io::stdout().lock()).map(|()| 0)
        }
        Ok(Invocation::Run { config, warnings, exposed }) => {
            cover(&exposed);
            format = config.log.format;
            daemon::run(*config, &warnings).map(Ended::status)
        }
        Err(all) => {
            all.iter().for_each(|error| complain(None, error.speaker(), Some(error.id()), error));
            return ExitCode::FAILURE;
        }
    };
    ended(format, done)
}

/// Prints on stdout. A reader that has seen enough (`ucarp --help | head`) is no failure.
fn show(text: &str) -> ExitCode {
    let shown = io::stdout().write_all(text.as_bytes());
    shown.map_or_else(|e| ExitCode::from(u8::from(e.kind() != ErrorKind::BrokenPipe)), |()| ExitCode::SUCCESS)
}

fn ended(format: Option<LogFormat>, done: Result<u8, StartError>) -> ExitCode {
    ExitCode::from(done.unwrap_or_else(|error| {
        complain(format, US, Some(error.id()), &error);
        error.exit_code()
    }))
}
