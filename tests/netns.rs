//! Failover on a real wire: daemons in network namespaces on a bridge, judged by a third host.
//!
//! Root only. What cannot run here is *skipped with a reason and counted*, which is why this target has a runner of
//! its own (`harness = false`): the standard one has no word for a test that finds out at run time that it must not
//! run. It also keeps at most four segments alive at once, because timing on an overloaded machine proves nothing.
//!
//! Every case states what an outsider sees: advertisements on the wire, who answers ARP for the shared address, which
//! hooks ran, how a process ended. Nothing here looks inside the daemon. `UCARP_UNDER_TEST=/usr/sbin/ucarp` puts the
//! ancestor in our place; cases that state a deliberate difference then fail, the others must not.
//! `UCARP_TEST_PATIENCE=10` lets everything be ten times as late, on a slow machine. `UCARP_TEST_ROUNDS` is how often one
//! of two processes is killed at random, `UCARP_TEST_SEED` at which moments.
//!
//! Arguments: words select cases whose name contains one of them; `--list`; `--exact`; `--test-threads N`.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
#[allow(dead_code, unreachable_pub, reason = "other tests need more of it")]
mod fits;
#[cfg(target_os = "linux")]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "the catalogues' own tests need more of it")]
#[path = "catalogue/po.rs"]
mod po;
#[cfg(target_os = "linux")]
#[allow(dead_code, unreachable_pub, reason = "the simulation needs more of it")]
#[path = "sim/rng.rs"]
mod rng;
#[cfg(target_os = "linux")]
#[path = "netns/runner.rs"]
mod runner;

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "what a signal does belongs to the process")]
fn main() -> ExitCode {
    use nix::sys::signal::{SigHandler, Signal, signal};

    // Of nohup, or of a shell that runs us behind its back, the programs under test would inherit what is ignored.
    for ending in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
        // SAFETY: the default action runs no code of ours, and no other thread is there yet.
        unsafe { signal(ending, SigHandler::SigDfl) }.expect("these can be set");
    }
    runner::run()
}

/// One skip in the words of the runner: the cases need what only Linux has, down to the names in its C library.
#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    use std::io::Write as _;

    let mut out = std::io::stdout();
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(out, "\nskipped: 1 (network namespaces are Linux')");
    let _ = writeln!(
        out,
        "\ntest result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n"
    );
    ExitCode::SUCCESS
}
