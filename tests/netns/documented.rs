//! What README and manual tell of two hosts, word for word but for addresses and paths: the first one has the address
//! whenever it can, and the second one otherwise.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;

use super::Case;
use super::cases::seconds;
use super::daemon::{Daemon, Kind};
use super::segment::{Segment, VIP, throughout};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("documented_in_the_readme", ours, readme),
        Case::new("documented_in_the_manual", ours, || manual(0)),
        Case::new("documented_in_the_manual_with_hooks", ours, || manual(1)),
    ]
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect(name)
}

/// A file of a host's own.
fn write(segment: &Segment, host: usize, name: &str, text: &str) -> String {
    let folder = segment.dir().join(format!("etc-{}", segment.hosts[host].name));
    fs::create_dir_all(&folder).expect("it is ours");
    let path = folder.join(name);
    fs::write(&path, text).expect("it is ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    path.to_str().expect("UTF-8").to_owned()
}

fn start(segment: &Segment, host: usize, add: impl FnOnce(&mut Command)) -> Daemon {
    let place = &segment.hosts[host];
    let mut command = place.command(Kind::Ours.binary());
    add(command.arg("--facility=none"));
    Daemon::spawn(
        segment,
        &format!("{} (documented)", place.name),
        Kind::Ours,
        command,
        segment.dir().join("none"),
    )
}

/// `returns`: the preferred one takes the address back when it is well again, and not half a minute later.
fn shared_by_two(segment: &Segment, returns: bool, start: impl Fn(usize) -> Daemon) {
    let mut preferred = start(0);
    segment.await_owner(0, seconds(6));
    let mut other = start(1);
    segment.await_sole_master(0, seconds(6));
    segment.port(0, "down");
    segment.await_owner(1, seconds(6));
    segment.port(0, "up");
    if returns {
        segment.await_owner(0, seconds(6));
        preferred.signal(Signal::SIGTERM);
        assert!(preferred.await_exit(seconds(3)).success());
        segment.await_owner(1, seconds(2));
    } else {
        throughout("it is well for a while first", seconds(4), || segment.hosts[1].has_address(VIP));
        other.signal(Signal::SIGTERM);
        assert!(other.await_exit(seconds(3)).success());
        segment.await_owner(0, seconds(2));
        preferred.signal(Signal::SIGTERM);
        assert!(preferred.await_exit(seconds(3)).success());
    }
    assert!(!segment.hosts[0].has_address(VIP), "it was left behind");
}

fn readme() {
    let segment = Segment::new(2);
    let text = read("README.md");
    let files: Vec<_> = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    shared_by_two(&segment, false, |host| {
        write(&segment, host, "secret", "a common secret\n");
        let file = files[host].replace("10.1.1.252", &VIP.to_string());
        let file = write(&segment, host, "ucarp.toml", &file);
        start(&segment, host, |command| _ = command.arg(format!("--config={file}")))
    });
}

/// The pair of command lines that comes after so many others.
fn manual(pairs: usize) {
    let segment = Segment::new(2);
    let page = read("man/ucarp.8").replace("\\e\n", " ");
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/linux");
    shared_by_two(&segment, true, |host| {
        let prompt = format!("host{}# ucarp ", host + 1);
        let words = page.lines().filter_map(|line| line.strip_prefix(&*prompt)).nth(pairs).expect(&prompt);
        let secret = write(&segment, host, "secret", "a common secret\n");
        let words = words
            .replace("192.0.2.10", &VIP.to_string())
            .replace(&format!("192.0.2.{}", host + 1), &segment.hosts[host].address.to_string())
            .replace("/etc/ucarp/secret", &secret)
            .replace("/etc/ucarp", samples.to_str().expect("UTF-8"));
        start(&segment, host, |command| _ = command.args(words.split_whitespace()))
    });
}
