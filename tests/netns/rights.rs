//! What the engine may, what a hook is given, and where less is granted than is asked for.

use std::fs;

use nix::unistd::User;

use super::Case;
use super::cases::{lone_master, seconds};
use super::daemon::{Daemon, Kind, Setup};
use super::faults::ends_by_itself;
use super::segment::{Segment, VIP, eventually};

pub(crate) fn all() -> Vec<Case> {
    let ours = &[Kind::Ours];
    vec![
        Case::new("hooks_are_as_the_daemon_was_started", ours, hooks_as_started),
        Case::new("engine_has_one_right", ours, one_right),
        Case::new("engine_is_who_it_is_told_to_be", ours, other_users),
        Case::new("engine_of_less_than_root", ours, less_than_root),
        Case::new("check_shows_user_and_guards", ours, check),
    ]
}

/// Elected within a second.
fn quick() -> Setup {
    Setup::skew(64).with(&["--advbase=0"])
}

const NET_RAW: u64 = 1 << 13;
const SYS_RESOURCE: u64 = 1 << 24;

/// What the system says of a process under this name.
#[track_caller]
fn status(pid: impl std::fmt::Display, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a line");
    line.trim_start_matches(':').split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn capabilities(pid: impl std::fmt::Display) -> u64 {
    u64::from_str_radix(&status(pid, "CapEff"), 16).expect("a number")
}

/// What is shown by a script about itself, or by what it starts: a shell blocks signals while it does.
const SHOW: &str = "{
    for number in 0 1 2 3 4 5 6 7 8 9; do
        test ! -e /proc/$$/fd/$number || echo open: $number
    done
    ls /proc/$$/fd | grep -c ..
    cat /proc/self/limits /proc/self/oom_score_adj
    nice
    umask
    grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:|Sig(Blk|Ign))' /proc/self/status
} >";

fn hooks_as_started() {
    let segment = Segment::new(1);
    let file = |name: &str| segment.dir().join(name);
    // As sudo is: whoever runs it becomes somebody else.
    segment.hosts[0].sh(&format!(
        "cp \"$(command -v id)\" {0} && chown 54321 {0} && chmod 4755 {0}",
        file("other").display()
    ));
    let show = |name: &str| format!("{SHOW}{}\n", file(name).display());
    // Nothing that a daemon or a hook would have by itself.
    let wrapper = format!(
        "umask 027
         trap '' HUP USR2 TTOU
         echo 321 >/proc/$$/oom_score_adj
         exec 5</dev/null 7>/dev/null nice -n 5 prlimit --nofile=700:900 --core=4096:8192 --fsize=1000000000: --nproc=5000: -- \
             sh -c '{} exec \"$@\"' sh \"$@\"",
        show("before").replace('\'', "'\\''")
    );
    let becomes = format!("{} -u >{}\n", file("other").display(), file("became").display());
    let up: &'static str = (show("during") + &becomes).leak();
    let a = lone_master(&segment, 0, Kind::Ours, &Setup { wrapper: Some(wrapper), up, ..quick() });
    eventually("the hook has run", seconds(3), || a.hooks()[1].ended.is_some());
    let read = |name: &str| fs::read_to_string(file(name)).expect("it was written");
    let (before, during) = (read("before"), read("during"));
    // The script itself is read by its shell, by a number from 10 on.
    let others = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("open: ")).skip(1).map(str::to_owned).collect()
    };
    assert_eq!(others(&during), others(&before));
    let open =
        |text: &str| text.lines().filter(|line| line.starts_with("open: ")).collect::<Vec<_>>().join(" ");
    assert_eq!(open(&before), "open: 0 open: 1 open: 2 open: 5 open: 7", "else this proves nothing");
    assert_eq!(open(&during), "open: 0 open: 1 open: 2");
    assert_eq!(read("became"), "54321\n");
    let beyond = during.lines().find(|line| !line.starts_with("open: "));
    assert_eq!(beyond, Some("2"), "its shell's own: the script, and its output while that goes elsewhere");
    for word in ["321", "\n5\n", "0027", "NoNewPrivs:\t0", "Seccomp:\t0"] {
        assert!(during.contains(word), "{word}: {during}");
    }

    // Of which the daemon has others.
    let proc = |pid: &str, name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).expect("it runs");
    let hands = a.pid().to_string();
    // Root of a container may not have the right to it.
    let spared = if capabilities("self") & SYS_RESOURCE == 0 { "321" } else { "-900" };
    assert_eq!(proc(&hands, "oom_score_adj").trim(), spared);
    assert!(proc(&hands, "limits").lines().any(|line| {
        line.starts_with("Max core file size") && line.split_whitespace().nth(4) == Some("0")
    }));
    assert!(
        proc(&hands, "limits").lines().any(|line| {
            line.starts_with("Max open files") && line.split_whitespace().nth(3) == Some("900")
        })
    );
    assert_ne!(status(&hands, "SigIgn"), during_field(&during, "SigIgn"));
    assert_eq!(status(&hands, "NoNewPrivs"), "0", "or sudo, nft and others would not work in a hook");
    let engine = a.engine().expect("it has one").to_string();
    let stat = proc(&engine, "stat");
    let (_, rest) = stat.rsplit_once(") ").expect("a name in brackets");
    assert_eq!(rest.split(' ').nth(16), Some("-10"), "its niceness: {stat}");
}

fn during_field(text: &str, field: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(field)).expect("a line");
    line.trim_start_matches(':').trim().to_owned()
}

/// The user that the first lines name.
#[track_caller]
fn told_user(daemon: &Daemon) -> String {
    let line = daemon.await_line("who the engine is", seconds(3), |line| line.contains("[UC2027]"));
    let (_, rest) = line.split_once(" runs as ").expect("it names one");
    rest.split_once(',').expect("and more").0.to_owned()
}

fn one_right() {
    let segment = Segment::new(1);
    let a = lone_master(&segment, 0, Kind::Ours, &quick());
    let engine = a.engine().expect("it has one");
    let user = told_user(&a);
    let [uid, gid] = ["Uid", "Gid"].map(|field| status(engine, field));
    let same = |ids: &str| ids.split(' ').all(|id| Some(id) == ids.split(' ').next() && id != "0");
    assert!(same(&uid) && same(&gid), "{uid}, {gid}");
    let number = |ids: &str| ids.split(' ').next().unwrap_or_default().to_owned();
    match User::from_name("_ucarp").expect("the file can be read") {
        Some(usual) => assert_eq!((user.as_str(), number(&uid)), ("_ucarp", usual.uid.to_string())),
        None => {
            assert_eq!(user, format!("{}:{}", number(&uid), number(&gid)));
            a.await_line("what would be better", seconds(1), |line| line.contains("[UC2028]"));
        }
    }
    assert_eq!(status(engine, "Groups"), number(&gid));
    assert_eq!(capabilities(engine), NET_RAW);
    let sets = ["CapInh", "CapPrm", "CapBnd", "CapAmb"].map(|set| status(engine, set));
    let of = |set: u64| format!("{set:016x}");
    assert_eq!(sets, [of(0), of(NET_RAW), of(0), of(0)]);
    assert_eq!((status(engine, "NoNewPrivs").as_str(), status(engine, "Seccomp").as_str()), ("1", "2"));
    // Neither debugger nor core file: then it is root's.
    let owner = |what: &str| {
        std::os::unix::fs::MetadataExt::uid(&fs::metadata(format!("/proc/{engine}/{what}")).expect("it runs"))
    };
    assert_eq!([owner("environ"), owner("fd")], [0, 0]);
    let session = |pid: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
        stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(3).map(str::to_owned))
    };
    assert_eq!(session(&engine.to_string()), Some(engine.to_string()));
    // The hands are who they were.
    assert_eq!((status(a.pid(), "Uid").as_str(), status(a.pid(), "Seccomp").as_str()), ("0 0 0 0", "0"));
    let line = a.await_line("what keeps it", seconds(1), |line| line.contains("[UC2027]"));
    for guard in ["setsid", "setgroups", "setuid", "capabilities", "no_new_privs", "undumpable", "seccomp"] {
        assert!(line.contains(guard), "{guard}: {line}");
    }

    // Another one after its death has no more.
    nix::sys::signal::kill(engine, nix::sys::signal::Signal::SIGKILL).expect("it lives");
    a.await_line("that another one works", seconds(2), |line| line.contains("[UC2011]"));
    let another = a.engine().expect("it has one");
    assert_eq!((capabilities(another), status(another, "Uid"), status(another, "Gid")), (NET_RAW, uid, gid));
    assert_eq!(status(another, "Seccomp"), "2");
}

fn other_users() {
    let segment = Segment::new(3);
    let nobody = User::from_name("nobody").expect("the file can be read").expect("everybody has one");
    let cases = [
        ("--user=nobody", "nobody", [nobody.uid.as_raw(), nobody.gid.as_raw()]),
        ("--user=54321:54322", "54321:54322", [54321, 54322]),
        ("--user=54323:1", "54323:1", [54323, 1]),
    ];
    let mut daemons = Vec::new();
    for (host, (word, ..)) in cases.iter().enumerate() {
        segment.cut(host);
        daemons.push(Daemon::start(&segment, host, Kind::Ours, &quick().with(&[word])));
    }
    for (daemon, (word, shown, ids)) in daemons.iter().zip(cases) {
        daemon.await_hooks(&["down", "up"], seconds(8));
        let engine = daemon.engine().expect("it has one");
        assert_eq!(told_user(daemon), shown, "{word}");
        let four = |id: u32| [id; 4].map(|id| id.to_string()).join(" ");
        assert_eq!([status(engine, "Uid"), status(engine, "Gid")], ids.map(four), "{word}");
        assert_eq!(capabilities(engine), NET_RAW, "{word}");
        assert!(daemon.lines(|line| line.contains("[UC2028]") || line.contains("[UC2032]")).is_empty());
    }
    for word in ["--user=no-such-user", "--user=54321", "--user=1:2:3"] {
        let mut command = segment.hosts[0].command(Kind::Ours.binary());
        command.args(["--interface=eth0", "--vhid=8", "--pass=secret", "--addr=10.9.0.201", word]);
        let (status, said) = ends_by_itself(command);
        assert_eq!((status, said.lines().count()), (Some(1), 1), "{word}: {said}");
        assert!(said.contains("--user"), "{word}: {said}");
    }
}

/// A root that may not do all, and others that may do little: it starts, and says what it could not.
fn less_than_root() {
    let segment = Segment::new(5);
    // Nobody may not be able to reach the build directory.
    let copy = segment.dir().join("ucarp-copy");
    segment.hosts[0].sh(&format!("install -m 755 {} {}", Kind::Ours.binary().display(), copy.display()));
    let nobody =
        "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+net_raw --ambient-caps=+net_raw --";
    let in_namespace = "unshare --map-root-user --net sh -c 'ip link add eth0 type veth peer name far && \
        ip addr add 10.9.0.1/16 dev eth0 && ip link set far up && ip link set eth0 up && exec \"$@\"' sh";
    // Who it is, what is said to be missing, and whether there is less than one right.
    let cases = [
        ("setpriv --bounding-set=-setuid,-setgid --", "0", vec!["setgroups", "setuid"]),
        ("setpriv --bounding-set=-all,+net_raw,+net_admin --", "0", vec!["setgroups", "setuid"]),
        ("setpriv --bounding-set=-setpcap,-sys_nice,-sys_resource,-kill --", "", vec![]),
        (nobody, "65534", vec![]),
        (in_namespace, "0", vec!["setgroups", "setuid"]),
    ];
    let mut daemons = Vec::new();
    for (host, (wrapper, ..)) in cases.iter().enumerate() {
        segment.cut(host);
        let place = &segment.hosts[host];
        let mut command = place.command("sh");
        command.args(["-c", &format!("exec {wrapper} \"$@\""), "sh"]).arg(&copy);
        command.args(["--interface=eth0", "--vhid=7", "--pass=secret", "--facility=none", "--advbase=0"]);
        command.args(["--advskew=64", &format!("--addr={VIP}")]);
        let title = format!("{} {wrapper}", place.name);
        daemons.push(Daemon::spawn(&segment, &title, Kind::Ours, command, segment.dir().join("none")));
    }
    for (daemon, (wrapper, uid, missing)) in daemons.iter().zip(cases) {
        daemon.await_line("that it is master", seconds(8), |line| line.contains("MASTER on eth0 id 7"));
        let user = told_user(daemon);
        let unguarded = daemon.lines(|line| line.contains("[UC2032]"));
        assert_eq!(unguarded.len(), missing.len(), "{wrapper}: {unguarded:#?}");
        for guard in missing {
            assert!(unguarded.iter().any(|line| line.contains(&format!(" by {guard}: "))), "{unguarded:#?}");
        }
        assert_eq!(daemon.role(), "MASTER", "{wrapper}, {user}");
        let Some(engine) = daemon.engine() else { panic!("{wrapper}: no engine") };
        assert_eq!(capabilities(engine), NET_RAW, "{wrapper}");
        assert_eq!(status(engine, "NoNewPrivs"), "1", "{wrapper}");
        assert_eq!(status(engine, "Seccomp"), "2", "{wrapper}");
        let is = status(engine, "Uid");
        if uid.is_empty() {
            assert!(!is.starts_with("0 "), "{wrapper}: {is}");
        } else if !wrapper.starts_with("unshare") {
            assert!(is.starts_with(&format!("{uid} ")), "{wrapper}: {is}");
        }
        // Errors are for what went wrong.
        assert!(daemon.lines(|line| line.contains("[ERROR]")).is_empty(), "{wrapper}");
    }
}

fn check() {
    let segment = Segment::new(1);
    let shown = |more: &[&str]| {
        let mut command = segment.hosts[0].command(Kind::Ours.binary());
        command.args(["--check", "--interface=eth0", "--vhid=7", "--pass=secret", "--addr=10.9.0.200"]);
        ends_by_itself({
            command.args(more);
            command
        })
    };
    let (status, said) = shown(&["--user=54321:54322"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.lines().any(|line| line == "user: 54321:54322"), "{said}");
    let guards = said.lines().find(|line| line.starts_with("guards: ")).expect("what would keep it");
    for guard in ["setuid", "capabilities", "no_new_privs", "seccomp"] {
        assert!(guards.contains(guard), "{guards}");
    }
    assert!(!said.contains("warning: The process that hears"), "{said}");
    let mut command = segment.hosts[0].command("setpriv");
    command.args(["--bounding-set=-setuid,-setgid", "--"]).arg(Kind::Ours.binary());
    command.args(["--check", "--interface=eth0", "--vhid=7", "--pass=secret", "--addr=10.9.0.200"]);
    let (status, said) = ends_by_itself(command);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.lines().any(|line| line.starts_with("warning: ") && line.contains("by setuid: ")), "{said}");
}
