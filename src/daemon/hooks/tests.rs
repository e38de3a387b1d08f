use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;
use crate::config::cli::{self, Invocation};
use crate::protocol::{
    Announcing, Destination, Dialect, HookFailure, Hooks, Interval, Key, MacAddr, Parameters, Replay,
    Sources, Time, VirtualHost,
};

/// A directory with a script called `hook`, removed afterwards.
struct Scripts(PathBuf);

impl Scripts {
    fn new(name: &str, script: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("ucarp-hooks-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let scripts = Self(directory);
        fs::write(scripts.hook(), format!("#!/bin/sh\n{script}\n")).unwrap();
        scripts.allow(0o755);
        scripts
    }

    fn allow(&self, mode: u32) {
        fs::set_permissions(self.hook(), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn hook(&self) -> PathBuf {
        self.0.join("hook")
    }

    fn said(&self) -> String {
        fs::read_to_string(self.0.join("said")).unwrap_or_default()
    }

    fn start(&self, more: &[&str]) -> io::Result<RunningHook> {
        let config = config(more);
        loop {
            match RunningHook::start(
                Hook::Up,
                &self.hook(),
                "eth7",
                &config,
                &snapshot(),
                &mut Overheard::nobody(),
            ) {
                // A test beside us forked while the script was being written.
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {}
                result => return result,
            }
        }
    }
}

impl Drop for Scripts {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn config(more: &[&str]) -> VirtualHostConfig {
    let words =
        ["-i", "eth7", "-s", "10.0.0.1", "-v", "42", "-p", "x", "-a", "10.0.0.10/24", "-a", "2001:db8::10"];
    match cli::parse(words.iter().chain(more).map(Into::into), &crate::daemon::caller()).unwrap() {
        Invocation::Run { config, .. } => config.hosts.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn snapshot() -> Snapshot {
    let parameters = Parameters {
        vhid: crate::protocol::Vhid::MIN,
        addresses: vec![],
        key: Key::from_password(b"x").unwrap(),
        interval: Interval { base: 1, skew: 0 },
        dead_ratio: 3,
        preempt: false,
        neutral: false,
        sources: Sources::default(),
        mac: MacAddr::BROADCAST,
        destination: Destination::default(),
        hooks: Hooks { failure: HookFailure::Stay, ..Hooks::default() },
        announcing: Announcing::default(),
        dialect: Dialect::default(),
        replay: Replay::default(),
        only_ours: false,
    };
    VirtualHost::new(parameters).snapshot(Time::ZERO)
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let until = platform::now() + Duration::from_secs(20);
    while !done() {
        assert!(platform::now() < until, "{what}");
        platform::wait(&[], &mut Vec::new(), Some(Duration::from_millis(2))).unwrap();
    }
}

fn end(mut hook: RunningHook) -> Outcome {
    let mut outcome = None;
    wait_until("the hook does not end", || {
        outcome = hook.reap();
        outcome.is_some()
    });
    outcome.unwrap()
}

#[test]
fn a_hook_is_told_everything() {
    let scripts = Scripts::new(
        "told",
        r#"cd "${0%/*}"; { for word; do echo "<$word>"; done; env | grep ^UCARP_ | sort; wc -c | tr -d ' '; } > said"#,
    );
    let hook = scripts.start(&["-x", "two words"]).unwrap();
    assert_eq!(hook.hook(), Hook::Up);
    assert!(end(hook).success());
    let expected = "<eth7>\n<10.0.0.10>\n<two words>\nUCARP_ADDRESSES=10.0.0.10/24 2001:db8::10\nUCARP_HOOK=up\n\
                    UCARP_INTERFACE=eth7\nUCARP_REASON=started\nUCARP_STATE=INIT\nUCARP_VHID=42\n\
                    UCARP_XPARAM=two words\n0\n";
    assert_eq!(scripts.said(), expected);

    assert!(end(scripts.start(&[]).unwrap()).success());
    assert!(!scripts.said().contains("two words") && !scripts.said().contains("UCARP_XPARAM"));
}

#[test]
fn its_end_is_noticed_without_waiting() {
    let scripts = Scripts::new("end", "while [ ! -e \"${0%/*}/go\" ]; do sleep 0.01; done; exit 0");
    let mut hook = scripts.start(&[]).unwrap();
    assert_eq!(hook.reap(), None);
    fs::write(scripts.0.join("go"), "").unwrap();
    assert_eq!(end(hook), Outcome::Exited(0));
    assert_eq!(end(Scripts::new("status", "exit 3").start(&[]).unwrap()), Outcome::Exited(3));
    assert_eq!(end(Scripts::new("signal", "kill -9 $$").start(&[]).unwrap()), Outcome::Signalled(9));
}

#[test]
fn what_cannot_be_started_is_an_error_at_once() {
    let scripts = Scripts::new("refused", "exit 0");
    scripts.allow(0o644);
    assert_eq!(scripts.start(&[]).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    fs::remove_file(scripts.hook()).unwrap();
    assert_eq!(scripts.start(&[]).unwrap_err().kind(), io::ErrorKind::NotFound);
    fs::write(scripts.hook(), "#!/nonexistent/interpreter\n").unwrap();
    scripts.allow(0o755);
    assert_eq!(scripts.start(&[]).unwrap_err().kind(), io::ErrorKind::NotFound);
    // Where programs are found by their names, as posix_spawnp(3) does, it would go to /bin/sh on some systems.
    fs::write(scripts.hook(), "exit 0\n").unwrap();
    assert!(scripts.start(&[]).is_err(), "text is run by nobody");
}

/// The state of a process, if there is one of this number.
#[expect(clippy::disallowed_methods, reason = "not every system has a /proc")]
fn state_of(pid: &str) -> Option<String> {
    // "pid (name) state ...", where /proc is that of Linux.
    if Path::new("/proc/self/mountinfo").exists() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        return Some(stat.rsplit_once(") ")?.1.to_owned());
    }
    let said = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().expect("ps").stdout;
    Some(String::from_utf8_lossy(&said).trim().to_owned()).filter(|state| !state.is_empty())
}

#[test]
fn its_children_end_with_it() {
    for (name, force, script) in [
        ("polite", false, "sleep 600 & echo $! > \"${0%/*}/said\"; wait"),
        ("force", true, "trap '' TERM; sleep 600 & echo $! > \"${0%/*}/said\"; wait"),
    ] {
        let scripts = Scripts::new(name, script);
        let mut hook = scripts.start(&[]).unwrap();
        wait_until("the hook does not begin", || scripts.said().ends_with('\n'));
        let grandchild = scripts.said().trim().to_owned();
        // A zombie is over, whoever has to bury it.
        let alive = || state_of(&grandchild).is_some_and(|state| !state.starts_with('Z'));
        if force {
            hook.kill(false);
            platform::wait(&[], &mut Vec::new(), Some(Duration::from_millis(50))).unwrap();
            assert_eq!(hook.reap(), None, "it ignores the polite way");
            assert!(alive());
        }
        hook.kill(force);
        assert!(!end(hook).success());
        wait_until("the grandchild lives on", || !alive());
    }
}

#[test]
fn waiting_is_bounded() {
    let scripts = Scripts::new("bounded", "sleep 600");
    let before = platform::now();
    scripts.start(&[]).unwrap().wait(Duration::from_millis(50), || {});
    assert!(platform::now() - before < Duration::from_secs(10));
}

#[test]
fn no_descriptor_of_ours_reaches_it() {
    if !Path::new("/proc/self/mountinfo").exists() {
        println!("skipped: needs the /proc of Linux to list descriptors");
        return;
    }
    let scripts = Scripts::new("descriptors", r#"cd "${0%/*}"; ls -l /proc/$$/fd > listed; mv listed said"#);
    let _ours = fs::File::open("/dev/zero").unwrap();
    let _monitor = platform::LinkMonitor::open().unwrap();
    // What this test was started with may be open to everybody.
    platform::keep_descriptors_private().unwrap();
    assert!(end(scripts.start(&[]).unwrap()).success());
    let said = scripts.said();
    assert!(said.contains(" 0 -> /dev/null") && said.contains(" 1 -> ") && said.contains(" 2 -> "), "{said}");
    let others: Vec<&str> =
        said.lines().filter(|fd| !fd.contains(" 1 -> ") && !fd.contains(" 2 -> ")).collect();
    assert!(!others.iter().any(|fd| fd.contains("/dev/zero") || fd.contains("socket:")), "{said}");
}
