//! A front that serves many virtual hosts in one process, as the command line cannot: for the cases that need them and
//! for `ci/bench`.
//!
//! `netns serve GROUP [+ GROUP]…`, a group being a range of ids and the words of a command line, in which `{}` stands
//! for the id: `netns serve 1-255 -i eth0 -v {} -p secret -a 10.9.1.{}`. What is not about one virtual host, such as
//! `--shutdown`, is taken from the first.

use std::io::Write as _;
use std::process::ExitCode;

use ucarp::config::cli::{self, Invocation};
use ucarp::config::{Config, Warning};
use ucarp::daemon;

/// The word that chooses this front.
pub(crate) const SERVE: &str = "serve";

pub(crate) fn serve(words: &[String]) -> ExitCode {
    let served = read(words)
        .and_then(|(config, warnings)| daemon::run(&config, &warnings).map_err(|error| error.to_string()));
    match served {
        Ok(ended) => ExitCode::from(ended.status()),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn read(words: &[String]) -> Result<(Config, Vec<Warning>), String> {
    let mut whole: Option<(Config, Vec<Warning>)> = None;
    for group in words.split(|word| word == "+") {
        let (range, group) = group.split_first().ok_or("a group is empty")?;
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let number = |word: &str| word.parse::<u8>().map_err(|error| format!("{word}: {error}"));
        for id in number(first)?..=number(last)? {
            let words = group.iter().map(|word| word.replace("{}", &id.to_string()).into());
            match cli::parse(words, &daemon::caller()).map_err(|error| format!("id {id}: {error}"))? {
                Invocation::Run { config, warnings, .. } => match &mut whole {
                    Some((whole, _)) => whole.hosts.extend(config.hosts),
                    None => whole = Some((*config, warnings)),
                },
                other => return Err(format!("serves nobody: {other:?}")),
            }
        }
    }
    whole.ok_or_else(|| "nobody to serve".to_owned())
}
