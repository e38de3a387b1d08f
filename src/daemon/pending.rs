//! Passwords and addresses that are in use besides what is configured, while other hosts are told of a change: the hands,
//! who have read the configurations, remember them, and keep them over a restart.
//!
//! What is in use when is the core's to decide. So it is not decided here once more: a core is asked that is never started.

use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::start::parameters;
use super::state;
use crate::config::VirtualHostConfig;
use crate::protocol::{Dialect, Event, Form, Former, Key, Time, VirtualHost};

/// What is in use besides `new` when it takes the place of `old`, which `kept` was in use with. `None`: that is more than
/// can be.
pub(super) fn after(
    old: &VirtualHostConfig,
    kept: &[Former],
    new: &VirtualHostConfig,
    now: Time,
) -> Option<Vec<Former>> {
    let mut core = recalled(old, kept, now);
    let wanted = parameters(new);
    if !core.would_accept(&wanted) {
        return None;
    }
    core.reconfigure(wanted, now);
    Some(core.pending())
}

/// What is left of it now that what is configured is sent.
pub(super) fn settled(config: &VirtualHostConfig, kept: &[Former], now: Time) -> Vec<Former> {
    let mut core = recalled(config, kept, now);
    core.handle(Event::Confirm, now);
    core.pending()
}

fn recalled(config: &VirtualHostConfig, kept: &[Former], now: Time) -> VirtualHost {
    let mut core = VirtualHost::new(parameters(config));
    core.recall(kept.to_vec(), now);
    core
}

/// The folder in which it is kept, a file for each virtual host.
#[derive(Clone, Debug)]
pub(super) struct Archive(PathBuf);

/// What a file begins with.
const TITLE: &str = "ucarp forms 1";
const KIND: &str = "forms";

impl Archive {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// What was kept for a virtual host, as far as it is not over.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read(
        &self,
        config: &VirtualHostConfig,
        interface: &str,
        now: Time,
        wall: Duration,
    ) -> io::Result<Vec<Former>> {
        let Some(text) = state::read(&state::path(&self.0, config, interface, KIND))? else {
            return Ok(Vec::new());
        };
        parse(&text, now, wall).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Keeps this for a virtual host, or forgets what was kept if it is nothing. The file is another one afterwards; that the
    /// disk has it is not waited for.
    ///
    /// # Errors
    /// It cannot be written: what was there is still there.
    pub(super) fn write(
        &self,
        config: &VirtualHostConfig,
        interface: &str,
        kept: &[Former],
        now: Time,
        wall: Duration,
    ) -> io::Result<()> {
        let path = state::path(&self.0, config, interface, KIND);
        let text = (!kept.is_empty()).then(|| Zeroizing::new(print(kept, now, wall)));
        state::keep(&path, text.as_deref().map(String::as_str))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }
}

/// A line for each, its times as those of day: the other clock begins anew with the machine.
fn print(kept: &[Former], now: Time, wall: Duration) -> String {
    let mut text = format!("{TITLE}\n");
    let of_day = |at: Time| (wall + at.since(now)).as_secs();
    for Former { form, accepted, sent } in kept {
        let key = form.key().password().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let key = Zeroizing::new(key);
        let addresses: Vec<String> = form.addresses().iter().map(ToString::to_string).collect();
        let sent = sent.map_or_else(|| "-".to_owned(), |until| of_day(until).to_string());
        let (until, kind, addresses) = (of_day(*accepted), form.dialect().code(), addresses.join(","));
        let _ = writeln!(text, "{until} {sent} {kind} {} {addresses}", key.as_str());
    }
    text
}

fn parse(text: &str, now: Time, wall: Duration) -> Option<Vec<Former>> {
    let mut lines = text.lines();
    if lines.next() != Some(TITLE) {
        return None;
    }
    let mut kept = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let [until, sent, kind, key, addresses] = words.as_slice() else { return None };
        let at = |word: &str| Some(now + Duration::from_secs(word.parse().ok()?).saturating_sub(wall));
        let bytes: Option<Vec<u8>> = (0..key.len())
            .step_by(2)
            .map(|place| u8::from_str_radix(key.get(place..place + 2)?, 16).ok())
            .collect();
        let bytes = Zeroizing::new(bytes?);
        let key = Key::from_password(&bytes).ok()?;
        let dialect = Dialect::ALL.into_iter().find(|dialect| dialect.code() == *kind)?;
        let addresses: Vec<IpAddr> =
            addresses.split(',').map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let sent = if *sent == "-" { None } else { Some(at(sent)?) };
        kept.push(Former { form: Form::new(key, &addresses, dialect), accepted: at(until)?, sent });
    }
    kept.retain(|former| former.accepted > now);
    Some(kept)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::rules::tests::host;
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::new(Duration::from_secs(seconds))
    }

    fn wall(seconds: u64) -> Duration {
        Duration::from_secs(1_800_000_000 + seconds)
    }

    fn config(more: &[&str]) -> VirtualHostConfig {
        host("7", more).0
    }

    #[test]
    fn a_change_is_pending_until_it_is_settled_and_then_until_it_is_over() {
        let (old, new) = (config(&[]), config(&["-p", "another"]));
        let kept = after(&old, &[], &new, at(100)).unwrap();
        let settle = new.settle.as_secs();
        let form = Form::new(parameters(&old).key, &parameters(&old).addresses, old.dialect);
        let sent = |kept: &[Former]| kept.iter().find(|one| one.form == form).map(|one| one.sent);
        assert_eq!(sent(&kept), Some(Some(at(100 + settle))));
        let settled_then = settled(&new, &kept, at(200));
        assert_eq!(sent(&settled_then), Some(None));
        assert_eq!(settled(&new, &settled_then, at(100 + 3 * settle)), []);
        // Nothing else is a form.
        assert_eq!(after(&old, &[], &config(&["-k", "7", "-P"]), at(100)), Some(Vec::new()));
        // And the way back is short.
        assert!(after(&new, &kept, &old, at(110)).unwrap().iter().all(|former| former.sent.is_none()));
    }

    #[test]
    fn too_many_changes_are_too_many() {
        let (mut known, mut kept) = (config(&[]), Vec::new());
        for password in ["b", "c", "d"] {
            let new = config(&["-p", password]);
            kept = after(&known, &kept, &new, at(100)).unwrap();
            known = new;
        }
        assert_eq!(after(&known, &kept, &config(&["-p", "e"]), at(100)), None);
    }

    #[test]
    fn what_is_kept_is_read_again_whatever_the_clock_of_the_machine_says() {
        let folder = std::env::temp_dir().join(format!("ucarp-pending-{}", std::process::id()));
        let archive = Archive::new(folder.join("state"));
        let (old, new) = (config(&["-p", "with space ü"]), config(&["-a", "2001:db8::9", "-p", "b"]));
        let kept = after(&old, &[], &new, at(100)).unwrap();
        let file = folder.join("state/eth7-7.forms");
        assert!(archive.read(&new, "eth7", at(100), wall(0)).unwrap().is_empty());
        archive.write(&new, "eth7", &kept, at(100), wall(0)).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        // The machine began anew half a minute later.
        let read = archive.read(&new, "eth7", at(5), wall(30)).unwrap();
        let earlier = |time: Time| time.since(at(125)) + Duration::from_secs(0);
        assert_eq!(read[0].form, kept[0].form);
        assert_eq!(read[0].accepted.since(at(0)), earlier(kept[0].accepted));
        assert_eq!(read[0].sent.map(|sent| sent.since(at(0))), kept[0].sent.map(earlier));
        assert!(archive.read(&new, "eth7", at(5), wall(1_000_000)).unwrap().is_empty(), "over");
        for wrong in ["", "ucarp forms 2\n", "ucarp forms 1\n1 2 3\n", "ucarp forms 1\n9 - any 6g 10.0.0.1\n"]
        {
            fs::write(&file, wrong).unwrap();
            assert!(archive.read(&new, "eth7", at(5), wall(0)).is_err(), "{wrong:?}");
        }
        archive.write(&new, "eth7", &[], at(5), wall(0)).unwrap();
        archive.write(&new, "eth7", &[], at(5), wall(0)).unwrap();
        assert!(!file.exists());
        let group = config(&["--mcast=224.0.0.99"]);
        archive.write(&group, "eth7", &kept, at(100), wall(0)).unwrap();
        assert!(folder.join("state/eth7-7-224.0.0.99.forms").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
