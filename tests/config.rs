//! Files as `--config` reads them: what is well, and what is said of what is not.
//!
//! tests/config has a file for each kind of mistake, and beside it what is said of it, line for line; `UPDATE_GOLDEN=1
//! cargo test --test config` writes that anew. What is about other files than the text itself is tried here.

#![expect(clippy::disallowed_methods, reason = "runs the program under test")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use ucarp::config::cli::{self, Invocation};
use ucarp::config::{Caller, NoAccount, VirtualHostConfig, file};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run<S: AsRef<OsStr>>(args: &[S]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ucarp"));
    command.args(args).env("LC_ALL", "C").env_remove("LANGUAGE").env_remove("CREDENTIALS_DIRECTORY");
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn checked(file: &Path, how: &str) -> Ran {
    run(&[OsStr::new("--config"), file.as_os_str(), OsStr::new(how)])
}

/// Files for a test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ucarp-config-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("conf.d")).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        mode(&path, 0o600);
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What no line may hold.
const CANARY: &str = "can4ry";

/// A virtual host that is well.
fn vip(name: &str, vhid: u8) -> String {
    format!(
        "[vip.{name}]\ninterface = \"nosuch0\"\nvhid = {vhid}\npass = \"{CANARY}\"\naddr = [\"192.0.2.{vhid}\"]\n"
    )
}

fn cases(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/config").join(folder)).unwrap();
    let mut cases: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    cases.sort();
    assert!(cases.len() > 5, "{folder}");
    cases
}

fn golden(case: &Path, said: &str) {
    let file = case.with_extension("txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, said).unwrap();
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        said,
        golden,
        "{}: if this is meant: UPDATE_GOLDEN=1 cargo test --test config",
        case.display()
    );
}

#[test]
fn good_files_pass() {
    for case in cases("good") {
        let ran = checked(&case, "--check=syntax");
        assert_eq!((ran.status, &*ran.stderr), (Some(0), ""), "{}", case.display());
        golden(&case, &ran.stdout.replace(case.to_str().unwrap(), "FILE"));
    }
}

#[test]
fn each_mistake_is_said_with_its_place() {
    for case in cases("wrong") {
        let (ran, name) = (checked(&case, "--check=syntax"), case.display());
        assert_eq!((ran.status, &*ran.stdout), (Some(1), ""), "{name}: {}", ran.stderr);
        let lines = ran.stderr.lines().count();
        assert!((1..=20).contains(&lines), "{name}: {lines} lines");
        assert!(ran.stderr.lines().all(|line| line.starts_with(case.to_str().unwrap())), "{name}");
        assert!(!ran.stderr.contains(CANARY) && !ran.stderr.contains("12345"), "{name}: {}", ran.stderr);
        golden(&case, &ran.stderr.replace(case.to_str().unwrap(), "FILE"));
    }
}

#[test]
fn the_samples_pass() {
    let mut samples = 0;
    for folder in ["examples", "examples/linux", "examples/bsd"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let ran = checked(&path, "--check=syntax");
                assert_eq!((ran.status, &*ran.stderr), (Some(0), ""), "{}", path.display());
                samples += 1;
            }
        }
    }
    assert!(samples > 0);
}

#[test]
fn every_key_is_in_the_file_of_every_key() {
    let text = fs::read_to_string(root().join("tests/config/good/every-key.toml")).unwrap();
    let keys = file::keys();
    assert!(keys.len() > 35);
    for key in keys {
        assert!(text.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
    }
}

/// One line of what is wrong with a file that is read for serving.
fn refused(file: &Path, words: &[&str]) {
    let ran = checked(file, "--check");
    assert_eq!((ran.status, &*ran.stdout), (Some(1), ""), "{words:?}: {}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{words:?}: {}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "no {word:?} in {}", ran.stderr);
    }
    assert!(!ran.stderr.contains(CANARY), "{}", ran.stderr);
}

#[test]
fn a_missing_interface_keeps_nobody_out() {
    let folder = Folder::new("missing");
    let file = folder.file("ucarp.toml", vip("web", 1) + &vip("mail", 2));
    let ran = checked(&file, "--check");
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for line in ["vip: web", "vip: mail", "vhid: 2", "shutdown: yes", "manage-address: yes", "settle: 900"] {
        assert!(ran.stdout.lines().any(|said| said == line), "{line}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains(CANARY));
    assert!(!format!("{:?}", file::read_text(&vip("web", 1), &CALLER).unwrap()).contains(CANARY));
}

#[test]
fn files_that_are_none() {
    let folder = Folder::new("none");
    refused(&folder.0.join("nosuch.toml"), &["cannot be read", "No such file"]);
    refused(&folder.0, &["not a file"]);
    let pipe = folder.0.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    refused(&pipe, &["not a file"]);
    let big = folder.file("big.toml", "# nothing\n".repeat(1 << 20));
    refused(&big, &["longer than 8388608 bytes"]);
    refused(&folder.file("bytes.toml", b"# fine\nxparam = \"\xff\"\n"), &["bytes.toml:2:11: ", "UTF-8"]);
    // There is more than its length says, as if somebody had just added it.
    if cfg!(target_os = "linux") {
        refused(Path::new("/proc/self/status"), &["was written to while it was read"]);
    }
    let zeros = checked(&folder.file("zeros.toml", [0; 99]), "--check");
    assert!(zeros.stderr.contains("zeros.toml:1:1: this cannot be understood as TOML"), "{}", zeros.stderr);
    // A byte order mark is what some editors begin with.
    let marked = folder.file("marked.toml", format!("\u{feff}{}", vip("web", 1)));
    assert_eq!(checked(&marked, "--check=syntax").status, Some(0));
}

/// An editor or a tool puts another file in its place at any moment: it is the one or the other.
#[test]
fn a_file_that_is_replaced_while_it_is_read() {
    let folder = Folder::new("replaced");
    let written = |skew: u8| {
        let vips = (1..=200).map(|id| vip(&format!("v{id}"), id) + &format!("advskew = {skew}\n"));
        folder.file(&format!("{skew}.toml"), vips.collect::<String>())
    };
    let all = [written(11), written(22)];
    let file = folder.file("ucarp.toml", fs::read(&all[0]).unwrap());
    let done = std::sync::atomic::AtomicBool::new(false);
    let relaxed = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let new = folder.0.join("new.toml");
            for one in all.iter().cycle().take_while(|_| !done.load(relaxed)) {
                fs::copy(one, &new).unwrap();
                fs::rename(&new, &file).unwrap();
            }
        });
        let mut seen = [0; 2];
        // Both were there at last; and a bound for a machine that is always as quick.
        for round in 0..400 {
            let ran = checked(&file, "--check");
            assert_eq!(ran.status, Some(0), "{}", ran.stderr);
            let of = |skew: u8| {
                let line = format!("advskew: {skew}");
                ran.stdout.lines().filter(|said| **said == line).count()
            };
            assert!(matches!([of(11), of(22)], [200, 0] | [0, 200]), "{:?}", [of(11), of(22)]);
            seen[usize::from(of(22) > 0)] += 1;
            if round >= 40 && seen.iter().all(|times| *times > 0) {
                break;
            }
        }
        done.store(true, relaxed);
    });
}

#[test]
fn who_may_read_and_write() {
    let folder = Folder::new("modes");
    let file = folder.file("ucarp.toml", "include = [\"conf.d/*.toml\"]\n".to_owned() + &vip("web", 1));
    let included = folder.file("conf.d/a.toml", vip("mail", 2));
    let fine =
        || assert_eq!(checked(&file, "--check").status, Some(0), "{}", checked(&file, "--check").stderr);
    fine();
    mode(&file, 0o644);
    refused(&file, &["ucarp.toml:5:1: pass: ", "chmod 600"]);
    mode(&file, 0o602);
    refused(&file, &["ucarp.toml: others", "may write"]);
    // Of no concern to who checks words, on another machine perhaps.
    assert_eq!(checked(&file, "--check=syntax").status, Some(0));
    mode(&file, 0o600);
    mode(&included, 0o646);
    refused(&file, &["conf.d/a.toml: others", "may write"]);
    mode(&included, 0o600);
    mode(&folder.0.join("conf.d"), 0o777);
    refused(&file, &["conf.d/a.toml: others", "conf.d'"]);
    mode(&folder.0.join("conf.d"), 0o755);
    fine();
    let (hook, secret) = (folder.file("up.sh", "#!/bin/sh\n"), folder.file("secret", CANARY));
    mode(&hook, 0o755);
    let with = |more: &str| {
        let text = vip("web", 1).replace(&format!("pass = \"{CANARY}\""), more);
        folder.file("other.toml", text)
    };
    // What is relative is so to the folder of the file.
    let file = with("passfile = \"secret\"\nupscript = \"up.sh\"");
    assert_eq!(checked(&file, "--check").status, Some(0), "{}", checked(&file, "--check").stderr);
    mode(&hook, 0o757);
    refused(&file, &["other.toml:5:1: upscript: others", "up.sh'"]);
    mode(&hook, 0o644);
    refused(&file, &["upscript: ", "not executable"]);
    assert_eq!(checked(&file, "--check=syntax").status, Some(0));
    mode(&hook, 0o755);
    mode(&secret, 0o644);
    refused(&file, &["other.toml:4:1: ", "can be read by everybody"]);
    mode(&secret, 0o602);
    refused(&file, &["passfile: others", "secret'"]);
    mode(&secret, 0o600);
    fs::write(&secret, "one\ntwo\nthree\nfour\nfive\n").unwrap();
    refused(&file, &["other.toml:4:1: passfile: line 5"]);
    fs::write(&secret, "").unwrap();
    refused(&file, &["other.toml:4:12: passfile: ", "empty"]);
    refused(&with("passfile = \"nosuch\""), &["other.toml:4:12: passfile: ", "nosuch"]);
    refused(&with("passfile = \"credential:it\""), &["passfile: ", "CREDENTIALS_DIRECTORY"]);
}

#[test]
fn what_checks_would_do_and_who_may_change_them() {
    let folder = Folder::new("checks");
    let program = folder.file("look.sh", "#!/bin/sh\n");
    mode(&program, 0o755);
    let with = |more: &str| {
        let text = vip("web", 1) + "group = \"front\"\n" + &vip("mail", 2) + "group = \"front\"\n" + more;
        folder.file("ucarp.toml", text)
    };
    let command =
        |words: &str| format!("command = [\"{}\"{words}]\nvips = [\"web\", \"mail\"]\n", program.display());
    let file = with(&format!(
        "[group.front]\nstart-hold = \"40s\"\n[check.look]\n{}timeout = \"1500ms\"\non-failure = \"release\"\n",
        command(", \"two words\"")
    ));
    let ran = checked(&file, "--check");
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let words = format!("command: [\"{}\", \"two words\"]", program.display());
    let check = ["check: look", &words, "every: 3", "timeout: 1500ms", "fall: 3", "rise: 2", "demote: 240"];
    let rest = ["on-failure: release", "initial: failing", "vips: web", "vips: mail"];
    let group = ["group: front", "preempt-delay: 30", "start-hold: 40"];
    for expected in group.iter().chain(&check).chain(&rest) {
        assert!(ran.stdout.lines().any(|line| line == *expected), "{expected}: {}", ran.stdout);
    }
    assert!(
        ran.stdout
            .lines()
            .any(|line| line.starts_with("warning: ") && line.contains("'look' fails on all hosts"))
    );
    let look = |more: &str| with(&format!("[check.look]\n{}{more}", command("")));
    mode(&program, 0o757);
    refused(&look(""), &["ucarp.toml:14:1: command: others", "look.sh'"]);
    mode(&program, 0o755);
    mode(&folder.0, 0o777);
    refused(&folder.file("other.toml", vip("web", 1)), &["other.toml: others"]);
    mode(&folder.0, 0o755);
    mode(&program, 0o644);
    refused(&look(""), &["command: ", "not executable"]);
    mode(&program, 0o755);
    refused(&look("user = \"root\"\n"), &["ucarp.toml:16:8: user: 'root' is root"]);
    refused(&look("user = \"nobody-has-this-name\"\n"), &["user: ", "not in /etc/passwd"]);
    assert_eq!(checked(&look("user = \"70000:70000\"\n"), "--check").status, Some(0));
    refused(
        &with("[check.look]\ncommand = [\"/nonexistent/look\"]\nvips = [\"web\"]\n"),
        &["command: ", "cannot be found"],
    );
    let kernel = with("[check.kernel]\ncarp-demotion = true\ngroup = \"front\"\n");
    let ran = checked(&kernel, "--check");
    if cfg!(any(target_os = "freebsd", target_os = "openbsd")) {
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    } else {
        assert_eq!(ran.status, Some(2), "{}", ran.stdout);
        assert!(ran.stderr.contains("the check kernel cannot be made here"), "{}", ran.stderr);
    }
    assert_eq!(checked(&kernel, "--check=syntax").status, Some(0));
}

#[test]
fn credentials_of_the_service_manager() {
    let folder = Folder::new("credentials");
    folder.file("it", CANARY);
    let text = vip("web", 1).replace(&format!("pass = \"{CANARY}\""), "passfile = \"credential:it\"");
    let file = folder.file("ucarp.toml", text);
    let mut command = Command::new(env!("CARGO_BIN_EXE_ucarp"));
    command.arg("--check").arg("--config").arg(&file).env("CREDENTIALS_DIRECTORY", &folder.0);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = "if it was changed since, restart ucarp";
    assert!(!String::from_utf8_lossy(&output.stdout).contains(told));
    // Read again by a daemon, which waits for its interface, it is what was handed over at the start.
    let mut command = Command::new(env!("CARGO_BIN_EXE_ucarp"));
    command.args(["--facility=none", "--lockdir"]).arg(&folder.0).arg("--config").arg(&file);
    command.env("CREDENTIALS_DIRECTORY", &folder.0).env("LC_ALL", "C").stdout(Stdio::null());
    let mut daemon = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(daemon.stderr.take().unwrap()).lines().map_while(Result::ok);
    let signal =
        |name: &str| Command::new("kill").args(["-s", name, &daemon.id().to_string()]).status().unwrap();
    assert!(lines.any(|line| line.contains("Waiting for nosuch0")), "it does not wait");
    signal("HUP");
    assert!(lines.any(|line| line.contains("ucarp.toml:4:1: passfile: ") && line.contains(told)));
    signal("TERM");
    daemon.wait().unwrap();
}

#[test]
fn what_is_included() {
    let folder = Folder::new("include");
    let main = |include: &str, more: &str| folder.file("ucarp.toml", format!("include = {include}\n{more}"));
    let said = |file: &Path| {
        let ran = checked(file, "--check=syntax");
        (ran.status, ran.stderr.replace(folder.0.to_str().unwrap(), "DIR"))
    };
    let well = (Some(0), String::new());
    let default = "[defaults]\ninterface = \"nosuch1\"\npassfile = \"/x\"\n";
    let bare = |name: &str, vhid: u8| format!("[vip.{name}]\nvhid = {vhid}\naddr = [\"192.0.2.9\"]\n");
    // Nothing fits, and what does is read once.
    assert_eq!(said(&main("[\"conf.d/*.toml\"]", &vip("web", 1))), well);
    folder.file("conf.d/b.toml", vip("b", 2));
    folder.file("conf.d/a.toml", bare("a", 2));
    folder.file("conf.d/.a.toml.swp", "nonsense");
    folder.file("conf.d/c.toml.orig", "nonsense");
    assert_eq!(said(&main("[\"conf.d/b.toml\", \"conf.d/*.toml\"]", default)), well);
    // Defaults of an included file are for it alone.
    folder.file("conf.d/b.toml", default.to_owned() + &bare("b", 2));
    let (_, wrong) = said(&main("[\"conf.d/*.toml\"]", ""));
    assert!(wrong.starts_with("DIR/conf.d/a.toml:1:6: interface: is required"), "{wrong}");
    assert!(!wrong.contains("b.toml"), "{wrong}");
    // They lie over those of the main file.
    folder.file("conf.d/a.toml", "[defaults]\ninterface = \"nosuch2\"\n".to_owned() + &bare("a", 2));
    folder.file("conf.d/b.toml", bare("b", 2));
    assert_eq!(said(&main("[\"conf.d/*.toml\"]", default)), well);
    // Names and numbers are unique among all files, and both places are said.
    folder.file("conf.d/a.toml", bare("web", 7));
    folder.file("conf.d/b.toml", bare("b", 1));
    let (_, wrong) = said(&main("[\"conf.d/*.toml\"]", &(default.to_owned() + &bare("web", 1))));
    let lines: Vec<_> = wrong.lines().collect();
    assert!(lines[0].starts_with("DIR/conf.d/a.toml:1:6: there is another 'web'"), "{wrong}");
    assert!(lines[0].contains("DIR/ucarp.toml:5:6"), "{wrong}");
    assert!(lines[1].starts_with("DIR/conf.d/b.toml:2:1: vhid: 'web' at DIR/ucarp.toml:5:6"), "{wrong}");
    // What a file includes includes nothing.
    folder.file("conf.d/a.toml", "include = [\"b.toml\"]\n[daemon]\ndebug = true\n");
    folder.file("conf.d/b.toml", "[vip.b]\nvhid = ten\n");
    let (status, wrong) = said(&main("[\"conf.d/*.toml\", \"nosuch.toml\"]", &vip("web", 1)));
    let lines: Vec<_> = wrong.lines().collect();
    assert_eq!((status, lines.len()), (Some(1), 4), "{wrong}");
    assert!(lines[0].starts_with("DIR/conf.d/a.toml:1:1: include: can stand only"), "{wrong}");
    assert!(lines[1].starts_with("DIR/conf.d/a.toml:2:2: daemon: can stand only"), "{wrong}");
    assert!(lines[2].starts_with("DIR/conf.d/b.toml:2:8: this cannot be understood as TOML"), "{wrong}");
    assert!(lines[3].starts_with("DIR/nosuch.toml: this file cannot be read"), "{wrong}");
    // Where they are can be said, for a file that is not yet where it will be.
    let elsewhere = Folder::new("elsewhere");
    elsewhere.file("conf.d/z.toml", "nonsense");
    let file = main("[\"conf.d/z.toml\"]", &vip("web", 1));
    let base = elsewhere.0.to_str().unwrap();
    let ran = run(&["-c", file.to_str().unwrap(), "--check=syntax", "--include-base", base]);
    assert!(ran.stderr.starts_with(&format!("{base}/conf.d/z.toml:1:")), "{}", ran.stderr);
}

#[test]
fn how_many_there_may_be() {
    let folder = Folder::new("many");
    let many = |count: usize, interface: &dyn Fn(usize) -> usize| {
        let mut text = "[defaults]\npassfile = \"/x\"\n".to_owned();
        for host in 0..count {
            let (interface, vhid) = (interface(host), host % 255 + 1);
            write!(text, "[vip.v{host}]\ninterface = \"em{interface}\"\nvhid = {vhid}\n").unwrap();
            writeln!(text, "addr = [\"10.0.{}.{}\"]", host / 250, host % 250 + 1).unwrap();
            writeln!(text, "mcast = \"239.0.{}.{}\"", host / 250, host % 250 + 1).unwrap();
        }
        checked(&folder.file("ucarp.toml", text), "--check=syntax")
    };
    assert_eq!(many(4096, &|host| host / 255).status, Some(0));
    let ran = many(4097, &|host| host / 255);
    assert!(ran.stderr.contains(": there are more than 4096 virtual hosts"), "{}", ran.stderr);
    assert_eq!(many(255, &|_| 0).status, Some(0));
    let ran = many(257, &|_| 0);
    assert!(ran.stderr.contains("more than 255 virtual hosts on em0"), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

#[test]
fn what_may_stand_beside_a_file() {
    let folder = Folder::new("beside");
    let text = "[daemon]\nfacility = \"local3\"\nlog-format = \"json\"\n".to_owned() + &vip("web", 1);
    let file = folder.file("ucarp.toml", text);
    let file = file.to_str().unwrap();
    let ran = run(&["-c", file, "--check", "-D", "-B", "-f", "user", "--user=12:34", "--mlock"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    for line in ["facility: user", "debug: yes", "daemonize: yes", "mlock: yes", "user: 12:34"] {
        assert!(ran.stdout.lines().any(|said| said == line), "{line}: {}", ran.stdout);
    }
    let ran = run(&["--config", file, "--check"]);
    assert!(ran.stdout.contains("facility: local3\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("log-format: json\n"), "{}", ran.stdout);
    let ran = run(&["--config", file, "--check", "--log-format=plain"]);
    assert!(ran.stdout.contains("log-format: plain\n"), "{}", ran.stdout);
    for word in ["-v1", "-P", "--shutdown", "--wait-interface", "--print-config", "-pcan4ry", "-ieth0"] {
        let ran = run(&["-c", file, "--check", word]);
        assert_eq!(ran.status, Some(1), "{word}");
        assert!(ran.stderr.contains("cannot stand beside --config"), "{word}: {}", ran.stderr);
    }
    for (words, said) in [
        (&["--check=syntax"][..], "needs the name of a file"),
        (&["--include-base=/"], "needs the name of a file"),
        (&["-c", file, "--include-base=/"], "only together with --check=syntax"),
        (&["-c", file, "--check=words"], "'words' means nothing here"),
        (&["-c", ""], "is empty"),
    ] {
        let ran = run(words);
        assert_eq!((ran.status, ran.stderr.lines().count()), (Some(1), 1), "{words:?}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("ucarp: ") && ran.stderr.contains(said), "{words:?}: {}", ran.stderr);
    }
}

fn nobody(_: &str) -> Result<ucarp::config::Account, NoAccount> {
    Err(NoAccount::Unknown)
}

/// Somebody who may do everything.
const CALLER: Caller = Caller { user: 0, group: 0, may_execute: |_| Ok(()), find_account: nobody };

fn parsed(words: &[String], more: &[&str]) -> Result<Invocation, ucarp::config::Errors> {
    cli::parse(words.iter().map(Into::into).chain(more.iter().map(OsString::from)), &CALLER)
}

/// What is the same on the command line and in a file: all but the name, the password, and that a file waits.
fn comparable(mut host: VirtualHostConfig, other: &VirtualHostConfig) -> VirtualHostConfig {
    host.name = None;
    host.secret = other.secret.clone();
    host.wait_for_interface = other.wait_for_interface;
    host
}

/// What a file says that the command line was printed as.
fn printed_and_read(words: &[String]) -> Result<(), TestCaseError> {
    let Ok(Invocation::Run { config, .. }) = parsed(words, &[]) else { return Ok(()) };
    let Ok(Invocation::Print(text)) = parsed(words, &["--print-config"]) else {
        return Err(TestCaseError::fail(format!("{words:?}")));
    };
    prop_assert!(!text.contains(CANARY), "{}", text);
    prop_assert!(text.contains("\nmanage-address = ") && text.contains("\nshutdown = "), "{}", text);
    let hosts =
        file::read_text(&text, &CALLER).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
    let [host] = hosts.as_slice() else { return Err(TestCaseError::fail(text)) };
    prop_assert_eq!(comparable(host.clone(), &config.hosts[0]), config.hosts[0].clone(), "{}", text);
    Ok(())
}

fn option() -> impl Strategy<Value = String> {
    let word = "[ -~é\u{2028}\t]{0,12}";
    prop_oneof![
        (0..256_u16).prop_map(|number| format!("-k{number}")),
        (0..256_u16).prop_map(|number| format!("-b0x{number:x}")),
        (1..9_u16).prop_map(|number| format!("-r0{number:o}")),
        (1..255_u8).prop_map(|last| format!("-a192.0.2.{last}/24")),
        (1..255_u8).prop_map(|last| format!("--addr=2001:db8::{last:x}")),
        (1..255_u8).prop_map(|last| format!("--peer=192.0.2.{last}")),
        (1..255_u8).prop_map(|last| format!("-s192.0.2.{last}")),
        word.prop_map(|word| format!("--xparam={word}")),
        (1..9_u8, prop_oneof!["s", "m", "000ms", ""])
            .prop_map(|(n, unit)| format!("--hook-timeout={n}{unit}")),
        (1..9_u8, prop_oneof!["s", "ms", ""]).prop_map(|(n, unit)| format!("--garp-interval={n}{unit}")),
        (0..9_u8, prop_oneof!["s", "h", ""]).prop_map(|(n, unit)| format!("--garp-refresh={n}{unit}")),
        prop_oneof!["-P", "-n", "-z", "-S", "-M", "-D", "-B", "--mlock", "--manage-address", "--only-ours"],
        prop_oneof!["--wait-interface", "-u/bin/sh", "-d/bin/sh", "-flocal3", "-fnone", "--garp-count=7"],
        prop_oneof!["--peer-type=(any|openbsd|freebsd|netbsd|ucarp)", "--replay=(warn|refuse|off)"],
        prop_oneof!["--hook-failure=(stay|demote)", "--on-lost-address=(hook|warn)", r"-m239\.1\.[1-9]\.1"],
        prop_oneof!["-ieth1:2", "-iBr_0", "-i_", "--pidfile=x", r"-pcan4ry\.two", "--syslog=user"],
    ]
}

fn cases_of(usual: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").map_or(usual, |text| text.parse().unwrap());
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases_of(2000))]

    #[test]
    fn what_is_printed_as_a_file_says_the_same(options in prop::collection::vec(option(), 0..8)) {
        let enough = ["-ieth0", "-v7", "-pcan4ry", "-a192.0.2.9"].map(str::to_owned);
        printed_and_read(&[enough.to_vec(), options].concat())?;
    }

    #[test]
    fn no_bytes_are_read_by_halves(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        if let Err(errors) = file::read_text(&text, &CALLER) {
            prop_assert!(errors.iter().count() > 0);
        }
    }
}

#[test]
fn a_password_is_not_printed() {
    let words = ["-i", "eth0", "-v", "0x10", "-p", CANARY, "-a", "192.0.2.9", "-B", "-z", "-u", "up.sh"];
    let ran = run(&[&words[..], &["--print-config"]].concat());
    assert_eq!((ran.status, &*ran.stderr), (Some(0), ""));
    for line in [
        "config-version = 1",
        "[vip.eth0-16]",
        "vhid = 16",
        "passfile = \"/etc/ucarp/secret\"",
        "shutdown = true",
        "manage-address = false",
    ] {
        assert!(ran.stdout.lines().any(|said| said == line), "{line}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("--daemonize") && !ran.stdout.contains(CANARY), "{}", ran.stdout);
    assert!(ran.stdout.contains(&format!("upscript = \"{}\"", root().join("up.sh").display())));
    let ran = run(&["-s", "192.0.2.1", "-v1", "-pcan4ry", "-a", "192.0.2.9", "--print-config"]);
    assert!(ran.stderr.contains("--interface: is required"), "{}", ran.stderr);
    // Of two the later one counts, as it does when they are served with.
    for (pair, file) in [(["-o/x", "-pcan4ry"], "/etc/ucarp/secret"), (["-pcan4ry", "-o/x"], "/x")] {
        let ran = run(&[&["-ieth0", "-v1", "-a192.0.2.9", "--print-config"][..], &pair].concat());
        let lines: Vec<_> = ran.stdout.lines().filter(|line| line.starts_with("pass")).collect();
        assert_eq!(lines, [format!("passfile = \"{file}\"")], "{}", ran.stderr);
    }
    let bytes = OsString::from_vec(b"-x\xff".to_vec());
    let ran = run(&[&words.map(OsString::from)[..], &["--print-config".into(), bytes]].concat());
    assert!(ran.stderr.contains("--xparam: ") && ran.stderr.contains("UTF-8"), "{}", ran.stderr);
    let ran = run(&["-i", "eth0", "-v1", "-a", "192.0.2.9", "--print-config"]);
    assert!(ran.stderr.contains("--passfile: is required"), "{}", ran.stderr);
}
