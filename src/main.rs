//! Exit codes: 0 done, 1 usage or configuration, 2 could not start, 70 a bug of ours. Nothing else is decided here: the
//! words go to `config`, the work to `daemon`, and no sentence stands here.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use ucarp::config::cli::{self, Exposed, Invocation};
use ucarp::config::{LogFormat, US};
use ucarp::daemon::{self, BUG};
use ucarp::{i18n, platform};

fn main() -> ExitCode {
    i18n::init(cli::language(std::env::args_os().skip(1)).as_deref(), platform::adopt_locale);
    std::panic::catch_unwind(start).unwrap_or(ExitCode::from(BUG))
}

fn start() -> ExitCode {
    platform::forbid_core_files();
    if let Some(done) = daemon::succeed() {
        return done.map_or_else(|error| complain(None, US, &error, error.exit_code()), ExitCode::from);
    }
    let mut format = None;
    let done = match cli::parse(std::env::args_os().skip(1), &daemon::caller()) {
        Ok(Invocation::Print(text)) => return show(&text),
        Ok(Invocation::Check { config, warnings }) => {
            daemon::check(&config, &warnings, &mut io::stdout().lock()).map(|()| ExitCode::SUCCESS)
        }
        Ok(Invocation::Sniff { config, warnings, exposed }) => {
            cover(&exposed);
            warnings.iter().for_each(|warning| _ = complain(None, US, warning, 0));
            daemon::sniff(&config, &mut io::stdout().lock()).map(|()| ExitCode::SUCCESS)
        }
        Ok(Invocation::Run { config, warnings, exposed }) => {
            cover(&exposed);
            format = config.log.format;
            daemon::run(*config, &warnings).map(|ended| ExitCode::from(ended.status()))
        }
        Err(all) => return all.iter().fold(ExitCode::FAILURE, |_, e| complain(None, e.speaker(), e, 1)),
    };
    done.unwrap_or_else(|error| complain(format, US, &error, error.exit_code()))
}

/// Where a password cannot be covered it stays in sight, as the manual says.
fn cover(exposed: &[Exposed]) {
    exposed.iter().for_each(|place| _ = platform::blank_argument(place.word + 1, place.from));
}

/// Prints on stdout. A reader that has seen enough (`ucarp --help | head`) is no failure.
fn show(text: &str) -> ExitCode {
    let shown = io::stdout().write_all(text.as_bytes());
    shown.map_or_else(|e| ExitCode::from(u8::from(e.kind() != ErrorKind::BrokenPipe)), |()| ExitCode::SUCCESS)
}

/// One line on stderr, as every tool does it. Without a stderr there is nobody left to tell.
fn complain(format: Option<LogFormat>, speaker: &str, error: &dyn Display, code: u8) -> ExitCode {
    let format = format.or_else(|| cli::format(std::env::args_os().skip(1)));
    let _ = io::stderr().write_all(daemon::last_words(format, speaker, &error.to_string()).as_bytes());
    ExitCode::from(code)
}
