//! Starting, ending and reaping the operator's scripts. Never waits for one, nor for what it writes.
//!
//! Arguments are `<interface> <address> [xparam]`, as the ancestor gave them; everything else is in the
//! environment. A hook is the leader of its own process group, so that ending it ends what it started, and
//! inherits no descriptor but pipes for standard output and error.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::outcome::{Ended, Outcome};
use super::overheard::Overheard;
use crate::config::VirtualHostConfig;
use crate::platform::{self, Standard};
use crate::protocol::{Hook, Snapshot};

/// How often a hook is looked at when there is no loop any more.
const NAP: Duration = Duration::from_millis(10);

/// A script that is running.
#[derive(Debug)]
pub(crate) struct RunningHook {
    hook: Hook,
    child: Child,
    path: String,
    /// Where its standard output and error are heard.
    output: Option<usize>,
    error: Option<usize>,
}

impl RunningHook {
    /// Starts the script.
    ///
    /// # Errors
    /// As fork(2) and execve(2).
    pub(crate) fn start(
        hook: Hook,
        script: &Path,
        interface: &str,
        config: &VirtualHostConfig,
        snapshot: &Snapshot,
        overheard: &mut Overheard,
    ) -> io::Result<Self> {
        let addresses: Vec<String> = config.addresses.iter().map(ToString::to_string).collect();
        let first = config.addresses.first().map(|first| first.address.to_string()).unwrap_or_default();
        #[expect(clippy::disallowed_methods, reason = "the one place where hooks are started")]
        let mut command = Command::new(script);
        command
            .arg(config.word_for(interface))
            .arg(first)
            .args(&config.xparam)
            .env("UCARP_HOOK", hook.code())
            .env("UCARP_INTERFACE", interface)
            .env("UCARP_VHID", config.vhid.to_string())
            .env("UCARP_ADDRESSES", addresses.join(" "))
            .env("UCARP_STATE", snapshot.role.code())
            .env("UCARP_REASON", snapshot.reason.code())
            // Not those of somebody who started us from a hook.
            .env_remove("UCARP_XPARAM")
            .env_remove("UCARP_MASTER")
            .stdin(Stdio::null())
            .process_group(0);
        if let Some(xparam) = &config.xparam {
            command.env("UCARP_XPARAM", xparam);
        }
        if let Some(master) = snapshot.followed {
            command.env("UCARP_MASTER", master.source.to_string());
        }
        let output = overheard.listen(Standard::Output).map(|(number, pipe)| {
            command.stdout(pipe);
            number
        });
        let error = overheard.listen(Standard::Error).map(|(number, pipe)| {
            command.stderr(pipe);
            number
        });
        match platform::start_as_we_were(&mut command) {
            Ok(child) => Ok(Self { hook, child, path: script.display().to_string(), output, error }),
            Err(why) => {
                // Nobody is going to ask; without writers the pipes come to their ends.
                [output, error].into_iter().flatten().for_each(|number| overheard.ignore(number));
                Err(why)
            }
        }
    }

    /// Which one it is.
    pub(crate) fn hook(&self) -> Hook {
        self.hook
    }

    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn reap(&mut self) -> Option<Outcome> {
        match self.child.try_wait() {
            Ok(Some(status)) => Some(status.into()),
            Ok(None) => None,
            // Somebody else has waited for it, so it is over.
            Err(_) => Some(Outcome::Unknown),
        }
    }

    /// With its last line, if it has ended.
    pub(crate) fn ended(&mut self, mut last_line: impl FnMut(usize) -> Option<String>) -> Option<Ended> {
        let outcome = self.reap()?;
        self.output.and_then(&mut last_line);
        let last_line = self.error.and_then(last_line);
        Some(Ended { path: std::mem::take(&mut self.path), outcome, last_line })
    }

    /// Waits until it has ended, and ends it after `timeout`; `meanwhile` is called again and again. Only for when there is
    /// no loop any more.
    pub(crate) fn wait(mut self, timeout: Duration, mut meanwhile: impl FnMut()) {
        let until = platform::now() + timeout;
        let mut nothing = Vec::new();
        while self.reap().is_none() {
            meanwhile();
            if platform::now() >= until || platform::wait(&[], &mut nothing, Some(NAP)).is_err() {
                self.kill(true);
                return;
            }
        }
    }

    /// Asks it and all it started to end, or ends them with `force`.
    pub(crate) fn kill(&self, force: bool) {
        platform::kill_group(self.child.id(), force);
    }
}

#[cfg(test)]
mod tests;
