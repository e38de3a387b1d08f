//! Chooses the cases, runs at most four at a time, and counts what passed, failed or could not run here.

#![expect(
    clippy::disallowed_methods,
    reason = "a test of real time on a real wire needs clocks, sleeps and processes"
)]

mod addresses;
mod attacks;
mod cases;
mod checks;
mod control;
mod daemon;
mod demonstration;
mod documented;
mod families;
mod faults;
mod fitness;
mod following;
mod frames;
mod hooks;
mod interfaces;
mod language;
mod managed;
mod many;
mod masters;
mod notify;
mod parents;
mod processes;
mod reload;
mod rights;
mod screen;
mod segment;
mod services;
mod starting;
mod steering;
mod stopping;
mod surroundings;
mod tongue;
mod unicast;
mod upgrade;
mod users;
mod watching;
mod wire;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use daemon::Kind;

/// One row of the list of cases.
pub(crate) struct Case {
    name: String,
    needs: Vec<Kind>,
    run: Box<dyn Fn() + Send + Sync>,
}

impl Case {
    pub(crate) fn new(
        name: impl Into<String>,
        needs: &[Kind],
        run: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), needs: needs.to_vec(), run: Box::new(run) }
    }
}

/// Thrown by a case that finds out that it cannot run here.
pub(crate) struct Skip(pub(crate) String);

/// Ends the running case as skipped.
pub(crate) fn skip(reason: impl Into<String>) -> ! {
    segment::no_story();
    std::panic::resume_unwind(Box::new(Skip(reason.into())))
}

enum Outcome {
    Passed,
    Failed,
    Skipped(String),
}

/// So many cases at once: nearly all of their time they wait for timers.
const AT_ONCE: usize = 6;

struct Arguments {
    words: Vec<String>,
    exact: bool,
    list: bool,
    threads: usize,
    ignored_only: bool,
}

fn arguments() -> Arguments {
    let mut found =
        Arguments { words: Vec::new(), exact: false, list: false, threads: AT_ONCE, ignored_only: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--exact" => found.exact = true,
            "--list" => found.list = true,
            "--ignored" => found.ignored_only = true,
            "--test-threads" => found.threads = words.next().and_then(|n| n.parse().ok()).unwrap_or(AT_ONCE),
            _ if word.starts_with("--test-threads=") => {
                found.threads = word.split_once('=').and_then(|(_, n)| n.parse().ok()).unwrap_or(AT_ONCE);
            }
            // What cargo and editors pass to every test binary (--nocapture, --color …) has no meaning here.
            _ if word.starts_with('-') => {}
            _ => found.words.push(word),
        }
    }
    found
}

/// Runs the wanted cases, prints their results and tells whether all went well.
pub(super) fn run() -> ExitCode {
    let arguments = arguments();
    let wanted = |name: &str| {
        arguments.words.is_empty()
            || arguments
                .words
                .iter()
                .any(|w| if arguments.exact { name == w } else { name.contains(w.as_str()) })
    };
    let mut cases: Vec<Case> = cases::all();
    cases.extend(addresses::all());
    cases.extend(attacks::all());
    cases.extend(checks::all());
    cases.extend(fitness::all());
    cases.extend(control::all());
    cases.extend(steering::all());
    cases.extend(following::all());
    cases.extend(screen::all());
    cases.extend(families::all());
    cases.extend(unicast::all());
    cases.extend(upgrade::all());
    cases.extend(users::all());
    cases.extend(faults::all());
    cases.extend(hooks::all());
    cases.extend(interfaces::all());
    cases.extend(language::all());
    cases.extend(managed::all());
    cases.extend(many::all());
    cases.extend(masters::all());
    cases.extend(notify::all());
    cases.extend(parents::all());
    cases.extend(processes::all());
    cases.extend(rights::all());
    cases.extend(starting::all());
    cases.extend(reload::all());
    cases.extend(services::all());
    cases.extend(stopping::all());
    cases.extend(surroundings::all());
    cases.extend(watching::all());
    cases.extend(demonstration::all());
    cases.extend(documented::all());
    let total = cases.len();
    cases.retain(|case| wanted(&case.name) && !arguments.ignored_only);
    let mut out = std::io::stdout();
    if arguments.list {
        for case in &cases {
            let _ = writeln!(out, "{}: test", case.name);
        }
        return ExitCode::SUCCESS;
    }
    let started = Instant::now();
    let _ = writeln!(out, "\nrunning {} tests", cases.len());
    let reason_to_skip_all = segment::unusable();
    if reason_to_skip_all.is_none() {
        segment::remove_leftovers();
    }
    quiet_skips();

    let outcomes = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..arguments.threads.max(1) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let began = Instant::now();
                    let outcome = reason_to_skip_all.clone().map_or_else(|| run_one(case), Outcome::Skipped);
                    let word = match &outcome {
                        Outcome::Passed => format!("ok ({:.1} s)", began.elapsed().as_secs_f32()),
                        Outcome::Failed => format!("FAILED ({:.1} s)", began.elapsed().as_secs_f32()),
                        Outcome::Skipped(reason) => format!("ignored, {reason}"),
                    };
                    let mut outcomes = outcomes.lock().expect("no holder panics");
                    let _ = writeln!(std::io::stdout(), "test {} ... {word}", case.name);
                    outcomes.push((case.name.clone(), outcome));
                }
            });
        }
    });

    let outcomes = outcomes.into_inner().expect("no holder panics");
    let failed: Vec<&str> =
        outcomes.iter().filter(|(_, o)| matches!(o, Outcome::Failed)).map(|(n, _)| n.as_str()).collect();
    let passed = outcomes.iter().filter(|(_, o)| matches!(o, Outcome::Passed)).count();
    let mut reasons: Vec<(String, usize)> = Vec::new();
    for (_, outcome) in &outcomes {
        if let Outcome::Skipped(reason) = outcome {
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, count)) => *count += 1,
                None => reasons.push((reason.clone(), 1)),
            }
        }
    }
    let skipped: usize = reasons.iter().map(|(_, n)| n).sum();
    if !failed.is_empty() {
        let _ = writeln!(out, "\nfailures:\n    {}", failed.join("\n    "));
    }
    for (reason, count) in reasons {
        let _ = writeln!(out, "skipped: {count} ({reason})");
    }
    // The words of the standard runner, so that one script can add up the results of every target.
    let _ = writeln!(
        out,
        "\ntest result: {}. {passed} passed; {} failed; {skipped} ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        if failed.is_empty() { "ok" } else { "FAILED" },
        failed.len(),
        total - cases.len(),
        started.elapsed().as_secs_f64()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(101) }
}

fn run_one(case: &Case) -> Outcome {
    for kind in &case.needs {
        if let Some(reason) = kind.missing() {
            return Outcome::Skipped(reason);
        }
    }
    // A thread with the case's name, so that the panic message says which one it was.
    let ended = thread::scope(|scope| {
        thread::Builder::new()
            .name(case.name.clone())
            .spawn_scoped(scope, || catch_unwind(AssertUnwindSafe(|| (case.run)())))
            .expect("a thread can be started")
            .join()
            .expect("the panic is caught inside")
    });
    match ended {
        Ok(()) => Outcome::Passed,
        Err(thrown) => match thrown.downcast::<Skip>() {
            Ok(skip) => Outcome::Skipped(skip.0),
            Err(_) => Outcome::Failed,
        },
    }
}

/// A skip travels as an unwinding that never calls the panic hook; this only keeps one message to one block of lines
/// when four cases write at once.
fn quiet_skips() {
    let lock = Mutex::new(());
    std::panic::set_hook(Box::new(move |info| {
        let _held = lock.lock();
        let thread = thread::current();
        let _ = writeln!(std::io::stderr(), "---- {}: {info}", thread.name().unwrap_or("?"));
    }));
}
