//! Steers a running ucarp: what it does is in the library, in `control`.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use ucarp::control::{self, Said};
use ucarp::{i18n, platform};

fn main() -> ExitCode {
    i18n::init(None, platform::adopt_locale);
    let Said { out, err, status } =
        control::run(std::env::args_os().skip(1), Path::new(platform::CONTROL), platform::renounce);
    // A reader that has seen enough is no failure.
    let _ = io::stdout().write_all(out.as_bytes());
    let _ = io::stderr().write_all(err.as_bytes());
    ExitCode::from(status)
}
