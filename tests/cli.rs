//! The program as its caller sees it: exit status, stdout, stderr.
//!
//! Everything here fails before the network is touched, or prints and ends. `UCARP_UNDER_TEST` names another
//! binary to try: the tests under `kept` hold for ucarp 1.5.2 too and were first seen to do so; those under
//! `ours` are what we do differently on purpose, and are skipped for another binary.

#![expect(clippy::disallowed_methods, reason = "runs the program under test")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run<S: AsRef<OsStr>>(args: &[S]) -> Ran {
    let program = std::env::var_os("UCARP_UNDER_TEST").unwrap_or_else(|| env!("CARGO_BIN_EXE_ucarp").into());
    let mut command = Command::new(program);
    command.args(args).env("LC_ALL", "C").env_remove("LANGUAGE");
    let output = command.output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Whether another binary is tried, which need not do as we do.
fn other() -> bool {
    let other = std::env::var_os("UCARP_UNDER_TEST").is_some();
    if other {
        let _ = writeln!(io::stderr(), "skipped: only our own binary does this");
    }
    other
}

/// Files for a test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ucarp-cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }

    fn file(&self, name: &str, content: &[u8], mode: u32) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a temporary file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PASSWORD: &str = "hush-hush";
/// All that is required, on an interface that does not exist.
const ENOUGH: [&str; 8] = ["-i", "nosuch0", "-s", "192.0.2.1", "-p", PASSWORD, "-a", "192.0.2.9"];

fn enough_and<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ENOUGH.iter().chain(more).copied().collect()
}

mod kept {
    use super::*;

    #[test]
    fn help_and_no_arguments_print_the_usage_and_succeed() {
        for args in [&["-h"][..], &["--help"], &["--h"], &["--vhid=1", "--he"], &[]] {
            let ran = run(args);
            assert_eq!(ran.status, Some(0), "{args:?}");
            assert!(ran.stdout.contains("--vhid") && ran.stdout.contains("--addr"), "{args:?}");
            assert_eq!(ran.stderr, "", "{args:?}");
        }
    }

    #[test]
    fn bad_and_missing_values_exit_with_1() {
        let full = |more: &[&str]| enough_and(more).iter().map(ToString::to_string).collect::<Vec<_>>();
        let without = |option: &str| {
            let mut args = full(&["-v", "1"]);
            let at = args.iter().position(|arg| arg == option).expect("there");
            args.drain(at..at + 2);
            args
        };
        let rows = [
            ("vhid 0", full(&["-v", "0"])),
            ("vhid 256", full(&["-v", "256"])),
            ("vhid missing", full(&[])),
            ("vhid given twice, the last one counts", full(&["-v", "3", "--vhid=0"])),
            ("vhid abbreviated", full(&["--vh", "0"])),
            ("no interval at all", full(&["-v", "1", "-b", "0"])),
            ("dead ratio 0", full(&["-v", "1", "-r", "0"])),
            ("password missing", without("-p")),
            ("password empty", full(&["-v", "1", "-p", ""])),
            ("address missing", without("-a")),
            ("address malformed", full(&["-v", "1", "-a", "300.1.1.1"])),
            ("source malformed", full(&["-v", "1", "-s", "192.0.2.1.5"])),
            ("passfile missing", full(&["-v", "1", "-o", "/nonexistent/password"])),
            ("passfile empty", full(&["-v", "1", "-o", "/dev/null"])),
        ];
        for (name, args) in rows {
            let ran = run(&args);
            assert_eq!(ran.status, Some(1), "{name}: {}", ran.stderr);
            assert_ne!(ran.stderr, "", "{name}");
            assert!(!ran.stderr.contains(PASSWORD), "{name}: {}", ran.stderr);
        }
    }

    /// The ancestor's options: letter, name, and a value it takes. Its manual has a `-m` that it never understood,
    /// and what it calls `--mcast` there is `--mcastip` in the program. `-h` and `-B` are tried elsewhere.
    const OPTIONS: [(&str, &str, Option<&str>); 20] = [
        ("i", "interface", Some("nosuch0")),
        ("s", "srcip", Some("192.0.2.1")),
        ("", "mcastip", Some("224.0.0.99")),
        ("v", "vhid", Some("7")),
        ("p", "pass", Some(PASSWORD)),
        ("P", "preempt", None),
        ("n", "neutral", None),
        ("a", "addr", Some("192.0.2.9")),
        ("b", "advbase", Some("2")),
        ("k", "advskew", Some("0x64")),
        ("u", "upscript", Some("/bin/sh")),
        ("d", "downscript", Some("/bin/sh")),
        ("r", "deadratio", Some("4")),
        ("D", "debug", None),
        ("z", "shutdown", None),
        ("S", "ignoreifstate", None),
        ("M", "nomcast", None),
        ("f", "facility", Some("local3")),
        ("x", "xparam", Some("word")),
        ("", "mcast", Some("224.0.0.99")),
    ];

    /// Nothing was wrong with the words: it went as far as looking for the interface.
    fn understands<S: AsRef<OsStr>>(name: &str, args: &[S]) {
        let ran = run(args);
        assert_eq!(ran.status, Some(2), "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains("nosuch0"), "{name}: {}", ran.stderr);
        assert!(!ran.stderr.contains(PASSWORD), "{name}: {}", ran.stderr);
    }

    #[test]
    fn every_option_in_every_spelling() {
        fn spelled(spell: impl Fn(&str, &str, Option<&str>) -> Vec<String>) -> Vec<String> {
            OPTIONS.iter().flat_map(|(letter, name, value)| spell(letter, name, *value)).collect()
        }
        let long = |name: &str, value: Option<&str>| match value {
            Some(value) => vec![format!("--{name}={value}")],
            None => vec![format!("--{name}")],
        };
        understands("--long=value", &spelled(|_, name, value| long(name, value)));
        understands(
            "--long value",
            &spelled(|_, name, value| {
                std::iter::once(format!("--{name}")).chain(value.map(str::to_owned)).collect()
            }),
        );
        understands(
            "-l value",
            &spelled(|letter, name, value| match letter {
                "" => long(name, value),
                _ => std::iter::once(format!("-{letter}")).chain(value.map(str::to_owned)).collect(),
            }),
        );
        understands(
            "-lvalue",
            &spelled(|letter, name, value| match letter {
                "" => long(name, value),
                _ => vec![format!("-{letter}{}", value.unwrap_or_default())],
            }),
        );
        understands("flags in one word", &enough_and(&["-PnDzSMv7"]));
        understands("options in any order", &["-v7", "-a192.0.2.9", "-phush", "-s192.0.2.1", "-inosuch0"]);
    }

    #[test]
    fn names_cut_short() {
        let names = OPTIONS.iter().map(|(_, name, _)| *name).chain(["passfile", "help", "daemonize"]);
        let names: Vec<&str> = names.filter(|name| *name != "mcast").collect();
        let mut args = Vec::new();
        for (_, name, value) in OPTIONS.iter().filter(|(_, name, _)| *name != "pass" && *name != "mcast") {
            let alone = |cut: &&str| names.iter().filter(|other| other.starts_with(cut)).count() == 1;
            let shortest = (1..=name.len()).map(|end| &name[..end]).find(alone).expect("names differ");
            args.push(value.map_or_else(|| format!("--{shortest}"), |value| format!("--{shortest}={value}")));
        }
        // The one name that is the beginning of another.
        args.push(format!("--pass={PASSWORD}"));
        understands("the shortest", &args);
    }

    #[test]
    fn the_last_of_several_counts() {
        let rows: [&[&str]; 6] = [
            &["-v3", "-v7", "-i", "other0", "--interface=nosuch0"],
            &["-v7", "--pass=", "-p", PASSWORD],
            &["-v7", "-s192.0.2.200", "--srcip=192.0.2.1"],
            &["-v7", "-b0", "-b1"],
            &["-v7", "-P", "-P", "-z", "-z", "-n", "-n"],
            &["-v7", "-u/nonexistent", "-u/bin/sh"],
        ];
        for row in rows {
            // The ancestor judges some values as it meets them; these it keeps.
            let args: Vec<&str> = ENOUGH.iter().chain(row).copied().collect();
            understands(&format!("{row:?}"), &args);
        }
    }

    #[test]
    fn values_that_are_fine() {
        let folder = Folder::new("fine");
        let understands_too = |more: &[&str]| understands(&format!("{more:?}"), &enough_and(more));
        // 0377 is 255 for those who read C's notation, and too much for others.
        for vhid in ["1", "255", "0xff", "0XFF", "0377", " 7", "+7"] {
            understands_too(&["-v", vhid]);
        }
        for interval in [["-b0", "-k1"], ["-b255", "-k254"], ["-b1", "-k0xfe"], ["-b010", "-k0376"]] {
            understands_too(&["-v1", interval[0], interval[1]]);
        }
        for ratio in ["1", "2", "0x10"] {
            understands_too(&["-v1", "-r", ratio]);
        }
        for facility in ["auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news"] {
            understands_too(&["-v1", "-f", facility]);
        }
        for facility in ["syslog", "user", "uucp", "local0", "local7", "none"] {
            understands_too(&["-v1", "-f", facility]);
        }
        for (name, content) in [
            ("newline", &b"secret\n"[..]),
            ("no-newline", b"secret"),
            ("crlf", b"secret\r\n"),
            ("more", b"secret\nanother\n"),
            ("spaces", b" two words \n"),
            ("bytes", b"\xff\xfe\x01\n"),
            ("19", b"1234567890123456789\n"),
        ] {
            let file = folder.file(name, content, 0o600);
            understands_too(&["-v1", "-o", &file]);
        }
    }

    #[test]
    fn numbers_in_c_notation_are_understood() {
        // 0x0 and 00 are zeros, which is how it shows that they are read at all.
        for zero in ["0x0", "00", " 0", "+0"] {
            let ran = run(&enough_and(&["-v", zero]));
            assert_eq!(ran.status, Some(1), "{zero:?}: {}", ran.stderr);
        }
    }
}

mod ours {
    use super::*;

    /// What a start that fails says on a standard error that is a socket; `is_named`: as the journal's.
    fn last_words(args: &[&str], is_named: bool) -> String {
        let (mut near, far) = UnixStream::pair().expect("a pair of sockets");
        let far = fs::File::from(OwnedFd::from(far));
        let known = far.metadata().expect("a socket is a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_ucarp"));
        command.args(args).env("LC_ALL", "C").env_remove("LANGUAGE").stderr(far);
        let file = known.ino() + u64::from(!is_named);
        command.env("JOURNAL_STREAM", format!("{}:{file}", known.dev()));
        assert!(!command.status().expect("the program runs").success());
        drop(command);
        let mut said = String::new();
        near.read_to_string(&mut said).expect("text");
        said
    }

    #[test]
    fn last_words_are_for_whoever_reads_them() {
        if other() {
            return;
        }
        assert!(last_words(&["-v0"], false).starts_with("ucarp: "));
        assert!(last_words(&["-v0"], true).starts_with("<3>ucarp: "));
        for (words, about) in
            [(["-v0", "--log-format=json"], "--interface"), (["-c/nosuch", "--log-format=json"], "/nosuch")]
        {
            let object: serde_json::Value =
                serde_json::from_str(&last_words(&words, true)).expect("an object");
            assert!(object["message"].as_str().is_some_and(|text| text.contains(about)), "{object}");
        }
        assert!(last_words(&["-v0", "--log-format=json", "--check"], false).starts_with("ucarp: "));
        let failing = ["-i", "nosuch0", "-s192.0.2.1", "-v1", "-pcan4ry", "-a192.0.2.10", "--facility=none"];
        let said = |format: &'static str| last_words(&[&failing[..], &[format]].concat(), true);
        let object: serde_json::Value = serde_json::from_str(&said("--log-format=json")).expect("an object");
        assert_eq!(object["priority"], 3);
        assert!(object["message"].as_str().is_some_and(|text| text.contains("nosuch0")), "{object}");
        assert!(said("--log-format=syslog-prefix").starts_with("<3>ucarp: "));
        assert!(said("--log-format=plain").starts_with("ucarp: "));
    }

    /// One line on stderr that begins with our name and holds each of `words`; nothing on stdout; status 1.
    fn refuses<S: AsRef<OsStr>>(name: &str, args: &[S], words: &[&str]) {
        let ran = run(args);
        assert_eq!(ran.status, Some(1), "{name}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{name}");
        assert_eq!(ran.stderr.lines().count(), 1, "{name}: {}", ran.stderr);
        assert!(ran.stderr.ends_with('\n'), "{name}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("ucarp: "), "{name}: {}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "{name}: no {word:?} in {}", ran.stderr);
        }
        assert!(!ran.stderr.contains(PASSWORD), "{name}: {}", ran.stderr);
    }

    #[test]
    fn the_usage_is_the_golden_one() {
        if other() {
            return;
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/usage.txt");
        let text = run(&["--help"]).stdout;
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &text).expect("tests/golden/usage.txt");
        }
        let golden = fs::read_to_string(&path).expect("tests/golden/usage.txt");
        assert_eq!(text, golden, "if this is meant: UPDATE_GOLDEN=1 cargo test --test cli");
        assert!(text.lines().all(|line| line.chars().count() < 80));
    }

    #[test]
    fn version() {
        if other() {
            return;
        }
        for option in ["-V", "--version", "--ve"] {
            let ran = run(&[option]);
            let expected = format!("ucarp {}\n", env!("CARGO_PKG_VERSION"));
            assert_eq!((ran.status, ran.stdout, ran.stderr), (Some(0), expected, String::new()), "{option}");
        }
    }

    #[test]
    fn numbers_out_of_range_or_malformed() {
        if other() {
            return;
        }
        let bad = ["", "-1", "1x", "x", "1.5", "0x", "08", "1 ", "99999999999999999999", "2 3"];
        let ranges: [(&str, &str, &[&str]); 7] = [
            ("-v", "--vhid", &["0", "256", "0x100", "0400"]),
            ("-b", "--advbase", &["256", "257"]),
            ("-k", "--advskew", &["256", "300"]),
            ("-r", "--deadratio", &["0", "10001"]),
            ("--hook-timeout", "--hook-timeout", &["0", "3601"]),
            ("--garp-count", "--garp-count", &["0", "256"]),
            ("--garp-interval", "--garp-interval", &["0", "10001"]),
        ];
        for (option, long, beyond) in ranges {
            for value in bad.iter().chain(beyond) {
                let args = enough_and(&["-v", "1", option, value]);
                refuses(&format!("{option} {value:?}"), &args, &[long, &format!("'{value}'")]);
            }
        }
        refuses(
            "--garp-refresh 86401",
            &enough_and(&["-v1", "--garp-refresh=86401"]),
            &["--garp-refresh", "24h"],
        );
    }

    /// What the ancestor let pass, and how it was seen to end on an interface that does not exist (2: it got that
    /// far).
    #[test]
    fn mistakes_the_ancestor_let_pass() {
        if other() {
            return;
        }
        let folder = Folder::new("mistakes");
        let plain = folder.file("plain", b"#!/bin/sh\n", 0o644);
        let rows: [(&[&str], &[&str]); 23] = [
            // 2, with 1, 0 and 255: what is left of them in a byte.
            (&["-v1", "-b257"], &["--advbase", "'257'"]),
            (&["-v1", "-k256"], &["--advskew", "'256'"]),
            (&["-v1", "-k-1"], &["--advskew", "'-1'"]),
            (&["-v1", "-b", "-255"], &["--advbase", "'-255'"]),
            // 2, with what is before the junk.
            (&["-v", "1x"], &["--vhid", "'1x'"]),
            (&["-v", "7;"], &["--vhid", "'7;'"]),
            (&["-v1", "-k", "ten"], &["--advskew", "'ten'"]),
            (&["-v1", "-r", "3,5"], &["--deadratio", "'3,5'"]),
            // 2, and everybody would take its every word for a farewell.
            (&["-v1", "-b255", "-k255"], &["--advbase", "--advskew"]),
            // 2: it would take away the address it sends from.
            (&["-v1", "-a", "192.0.2.1"], &["--addr", "'192.0.2.1'"]),
            (&["-v1", "-a", "224.0.0.18"], &["--addr", "'224.0.0.18'"]),
            (&["-v1", "-a", "255.255.255.255"], &["--addr", "'255.255.255.255'"]),
            (&["-v1", "-a", "127.0.0.1"], &["--addr", "'127.0.0.1'"]),
            // 2, and nobody would hear it.
            (&["-v1", "--mcastip=10.0.0.1"], &["--mcast", "'10.0.0.1'"]),
            // 2, after "unknown syslog facility", and logs to the default one.
            (&["-v1", "-f", "bogus"], &["--facility", "'bogus'"]),
            // Ours alone.
            (&["-v1", "--log-format=xml"], &["--log-format", "'xml'", "plain, syslog-prefix, json"]),
            (&["-v1", "--log-format="], &["--log-format", "''"]),
            // 2, and takes the address although nothing configures it.
            (&["-v1", "-u", "/nonexistent"], &["--upscript", "'/nonexistent'"]),
            (&["-v1", "-d", &plain], &["--downscript", &plain]),
            // 2: words that belong to nothing were not looked at.
            (&["-v1", "stray"], &["'stray'"]),
            // 0, after the usage.
            (&["-v1", "--nosuch"], &["--nosuch"]),
            (&["-v1", "-q"], &["-q"]),
            (&["-v1", "--ad=1"], &["--ad:", "--addr", "--advbase"]),
        ];
        for (more, words) in rows {
            refuses(&format!("{more:?}"), &enough_and(more), words);
        }
    }

    #[test]
    fn addresses_add_up() {
        if other() {
            return;
        }
        let ran = run(&enough_and(&["-v1", "-a", "192.0.2.10/24", "--addr=2001:db8::9/64", "--ad", "x"]));
        assert!(ran.stderr.contains("--ad:"), "{}", ran.stderr);
        let ran = run(&enough_and(&["-v1", "-a", "192.0.2.10/24", "--add=2001:db8::9/64"]));
        assert_eq!(ran.status, Some(2), "{}", ran.stderr);
        // None of them is forgotten over the next one.
        refuses("the first again", &enough_and(&["-v1", "-a192.0.2.10", "-a192.0.2.9"]), &["'192.0.2.9'"]);
        refuses("a bad one, then a good one", &enough_and(&["-v1", "-ax", "-a192.0.2.10"]), &["'x'"]);
    }

    #[test]
    fn what_only_we_understand() {
        if other() {
            return;
        }
        let rows: [&[&str]; 10] = [
            &["-m", "224.0.0.99"],
            &["-m239.192.0.7", "--mcast=224.0.0.18"],
            &["--syslog=user"],
            &["-f", "LOCAL3"],
            &["-p", "12345678901234567890"],
            &[
                "--hook-timeout=0x10",
                "--hook-failure=demote",
                "--peer-type=openbsd",
                "--on-lost-address=warn",
            ],
            &["--garp-count=3", "--garp-interval=50", "--garp-refresh=60"],
            &["--garp-c", "3", "--hook-t", "9"],
            &["--peer=192.0.2.2", "--peer", "192.0.2.3"],
            &["--addr=2001:db8::9", "--peer=fe80::2", "--mcast=224.0.0.99"],
        ];
        for more in rows {
            let args: Vec<&str> = enough_and(&["-v1"]).into_iter().chain(more.iter().copied()).collect();
            let ran = run(&args);
            assert_eq!(ran.status, Some(2), "{more:?}: {}", ran.stderr);
            assert!(ran.stderr.contains("nosuch0"), "{more:?}: {}", ran.stderr);
        }
    }

    #[test]
    fn intervals_that_mean_something_else() {
        if other() {
            return;
        }
        let both = ["--advbase", "--advskew"];
        refuses("0/0", &enough_and(&["-v1", "-b0", "-k0"]), &both);
        refuses("0 and the default skew", &enough_and(&["-v1", "-b0"]), &both);
        refuses("255/255", &enough_and(&["-v1", "-b255", "-k255"]), &both);
    }

    #[test]
    fn addresses_that_cannot_be_shared() {
        if other() {
            return;
        }
        let values = [
            "",
            "host",
            "10.0.0",
            "10.0.0.256",
            "010.0.0.1",
            "0.0.0.0",
            "::",
            "127.0.0.1",
            "::1",
            "224.0.0.18",
            "ff02::12",
            "255.255.255.255",
            "::ffff:10.0.0.1",
            "fe80::1%eth0",
            "10.0.0.1/33",
            "10.0.0.1/0",
            "10.0.0.1/",
            "10.0.0.1/x",
            "10.0.0.255/24",
            "10.0.0.0/24",
            "2001:db8::1/129",
            "192.0.2.1",
            "192.0.2.1/24",
            "192.0.2.9",
        ];
        for value in values {
            let args = enough_and(&["-v", "1", "-a", value]);
            refuses(&format!("-a {value:?}"), &args, &["--addr", &format!("'{value}'")]);
        }
        for value in ["", "host", "::", "224.0.0.18", "255.255.255.255", "127.0.0.1", "192.0.2.1/24"] {
            let args = enough_and(&["-v", "1", "-s", value]);
            refuses(&format!("-s {value:?}"), &args, &["--srcip", &format!("'{value}'")]);
        }
        for value in ["", "10.0.0.1", "223.255.255.255", "240.0.0.1", "ff02::12", "all"] {
            let args = enough_and(&["-v", "1", "-m", value]);
            refuses(&format!("-m {value:?}"), &args, &["--mcast", &format!("'{value}'")]);
        }
    }

    #[test]
    fn what_is_required() {
        if other() {
            return;
        }
        refuses("no vhid", &ENOUGH, &["--vhid"]);
        refuses("no password", &["-ieth0", "-v1", "-a10.0.0.9"], &["--passfile"]);
        refuses("no address", &["-ieth0", "-v1", "-p", PASSWORD], &["--addr"]);
        let args = ["-v1", "-p", PASSWORD, "-a10.0.0.9"];
        refuses("neither interface nor source", &args, &["--interface", "--srcip"]);
        for value in ["", "an-interface-with-a-long-name", "eth 0", "../eth0", "eth0\n"] {
            refuses(&format!("-i {value:?}"), &enough_and(&["-v1", "-i", value]), &["--interface"]);
        }
    }

    #[test]
    fn words_that_are_no_options() {
        if other() {
            return;
        }
        let with = |more: &[&'static str]| enough_and(more);
        refuses("unknown long", &with(&["--nosuch=hush"]), &["--nosuch"]);
        refuses("unknown short", &with(&["-Pq"]), &["-q"]);
        refuses("odd bytes", &[OsStr::from_bytes(b"--n\xff\x1bo\n")], &["\\u{1b}"]);
        refuses("ambiguous", &with(&["--pas=x"]), &["--pas:", "--pass", "--passfile"]);
        refuses("value missing, long", &with(&["--vhid"]), &["--vhid"]);
        refuses("value missing, short", &with(&["-v"]), &["--vhid"]);
        refuses("value for a flag", &with(&["--preempt=yes"]), &["--preempt"]);
        refuses("stray", &with(&["-v1", "stray"]), &["'stray'"]);
        refuses("stray behind --", &with(&["-v1", "--", "-P"]), &["'-P'"]);
        refuses("a lone dash", &with(&["-v1", "-"]), &["'-'"]);
        refuses("a value for --check", &with(&["-v1", "--check=yes"]), &["--check"]);
        refuses("a value for --daemonize", &with(&["-v1", "--daemonize=yes"]), &["--daemonize"]);
    }

    #[test]
    fn passwords_never_show() {
        if other() {
            return;
        }
        let folder = Folder::new("passwords");
        let long = format!("{PASSWORD}-{PASSWORD}-1-2");
        let base = ["-ieth0", "-v1", "-a10.0.0.9"];
        let with =
            |more: &[&str]| -> Vec<String> { base.iter().chain(more).map(ToString::to_string).collect() };
        refuses("too long", &with(&["-p", &long]), &["--pass:", "20"]);
        refuses("too long, joined", &with(&[&format!("--pass={long}")]), &["--pass:", "20"]);
        refuses("empty", &with(&["-p", ""]), &["--pass:"]);
        refuses("unquoted", &with(&["-p", "two", PASSWORD]), &["--passfile"]);
        refuses("unquoted, joined", &with(&["--pass=two", PASSWORD]), &["--passfile"]);
        for (name, content) in [
            ("too long", format!("{long}\n").into_bytes()),
            ("one endless line", PASSWORD.repeat(1000).into_bytes()),
            ("NUL", format!("{PASSWORD}\0\n").into_bytes()),
        ] {
            let file = folder.file("bad", &content, 0o600);
            refuses(name, &with(&["-o", &file]), &["--passfile"]);
        }
        for (name, content) in [("empty", &b""[..]), ("empty line", b"\nsecond\n"), ("CR LF only", b"\r\n")] {
            let file = folder.file("empty", content, 0o600);
            refuses(name, &with(&["-o", &file]), &["--passfile", &file]);
        }
        let missing = folder.0.join("missing");
        let missing = missing.to_str().expect("UTF-8");
        refuses("missing", &with(&["-o", missing]), &["--passfile", missing]);
        let directory = folder.0.to_str().expect("UTF-8");
        refuses("a folder", &with(&["-o", directory]), &["--passfile", directory]);
    }

    #[test]
    fn hooks_that_cannot_run() {
        if other() {
            return;
        }
        let folder = Folder::new("hooks");
        let plain = folder.file("plain", b"#!/bin/sh\n", 0o644);
        let missing = format!("{plain}-missing");
        let directory = folder.0.to_str().expect("UTF-8").to_owned();
        for (option, long) in [("-u", "--upscript"), ("-d", "--downscript")] {
            for value in [plain.as_str(), &missing, &directory] {
                let args = enough_and(&["-v1", option, value]);
                refuses(&format!("{option} {value}"), &args, &[long, value]);
            }
            refuses(&format!("{option} empty"), &enough_and(&["-v1", option, ""]), &[long]);
        }
    }

    #[test]
    fn hooks_that_begin_wrongly() {
        if other() {
            return;
        }
        let folder = Folder::new("beginnings");
        for (name, content, said) in [
            ("none", &b"ip address add $2 dev $1\n"[..], "#!/bin/sh"),
            ("bom", b"\xef\xbb\xbf#!/bin/sh\n", "#!/bin/sh"),
            ("windows", b"#!/bin/sh\r\nexit 0\r\n", "carriage return"),
            ("missing", b"#!/usr/local/bin/nosuchsh\n", "'/usr/local/bin/nosuchsh'"),
        ] {
            let hook = folder.file(name, content, 0o755);
            for way in ["-D", "--check"] {
                refuses(name, &enough_and(&["-v1", "-u", &hook, way]), &["--upscript", &hook, said]);
            }
        }
    }

    /// The word in front of those of `args` if this is root, who may run everything that anybody may.
    fn as_nobody(args: &[&str]) -> Option<Ran> {
        // One for each: what is being run cannot be written.
        static FOLDERS: AtomicUsize = AtomicUsize::new(0);
        let folder = Folder::new(&format!("nobody-{}", FOLDERS.fetch_add(1, Ordering::Relaxed)));
        // Nobody may not be able to reach the build directory.
        let copy = folder.file("ucarp", &fs::read(env!("CARGO_BIN_EXE_ucarp")).expect("it was built"), 0o755);
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", &copy]);
        let output = command.args(args).env("LC_ALL", "C").output().ok()?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let ran =
            Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        if ran.stderr.starts_with("setpriv:") {
            return None;
        }
        Some(ran)
    }

    #[test]
    fn hooks_that_another_user_can_run() {
        if other() {
            return;
        }
        let folder = Folder::new("users");
        let hook = folder.file("private", b"#!/bin/sh\n", 0o700);
        fs::create_dir_all(folder.0.join("closed")).expect("a folder");
        let within = folder.file("closed/open", b"#!/bin/sh\n", 0o755);
        let closed = folder.0.join("closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("permissions");
        for (hook, said) in [(&hook, "user 65534"), (&within, "/closed'")] {
            let args = enough_and(&["-v1", "-u", hook]);
            let Some(ran) = as_nobody(&args) else {
                let _ = writeln!(io::stderr(), "skipped: needs setpriv and root");
                return;
            };
            assert_eq!(ran.status, Some(1), "{}", ran.stderr);
            assert!(ran.stderr.contains(said) && ran.stderr.lines().count() == 1, "{}", ran.stderr);
            let ran = run(&args);
            assert_eq!(ran.status, Some(2), "its owner may run it: {}", ran.stderr);
        }
    }

    #[test]
    fn what_others_may_write_is_a_warning() {
        if other() {
            return;
        }
        let folder = Folder::new("writable");
        let hook = folder.file("hook", b"#!/bin/sh\n", 0o757);
        let passfile = folder.file("password", b"secret\n", 0o606);
        let checked =
            |more: &[&str]| run(&enough_and(&[&["-v1", "--wait-interface", "--check"], more].concat()));
        let warned = |more: &[&str], option: &str, place: &str| {
            let ran = checked(more);
            assert_eq!(ran.status, Some(0), "{}", ran.stderr);
            let is = |line: &&str| {
                line.starts_with(&format!("warning: {option}: others than")) && line.contains(place)
            };
            ran.stdout.lines().filter(is).count() == 1
        };
        assert!(warned(&["-u", &hook], "--upscript", &hook));
        assert!(warned(&["-o", &passfile], "--passfile", &passfile));
        let (hook, passfile) =
            (folder.file("hook", b"#!/bin/sh\n", 0o755), folder.file("password", b"secret\n", 0o600));
        assert!(!checked(&["-d", &hook, "-o", &passfile]).stdout.contains("others than"));
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).expect("permissions");
        let place = folder.0.to_str().expect("UTF-8");
        assert!(warned(&["-d", &hook], "--downscript", &format!("'{place}'")));
        assert!(warned(&["-o", &passfile], "--passfile", &format!("'{place}'")));
    }

    #[test]
    fn a_pipe_without_a_writer_is_not_waited_for() {
        if other() {
            return;
        }
        let folder = Folder::new("pipe");
        let pipe = folder.0.join("pipe");
        let pipe = pipe.to_str().expect("UTF-8");
        nix::unistd::mkfifo(pipe, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("a pipe");
        let args = ["-inosuch0", "-v1", "-a192.0.2.9", "-o", pipe];
        refuses("a pipe", &args, &["--passfile", pipe, "/dev/stdin"]);
        // One that the caller holds the other end of is another matter.
        let mut command = Command::new(env!("CARGO_BIN_EXE_ucarp"));
        command
            .args(["-inosuch0", "-v1", "-a192.0.2.9", "-o", "/dev/stdin"])
            .stdin(std::process::Stdio::piped());
        let mut child = command.stderr(std::process::Stdio::null()).spawn().expect("it starts");
        child.stdin.take().expect("piped").write_all(b"secret\n").expect("it reads");
        assert_eq!(child.wait().expect("it ends").code(), Some(2), "only the interface is missing");
    }

    #[test]
    fn what_is_empty_is_said_to_be_empty() {
        if other() {
            return;
        }
        for (option, long) in
            [("-u", "--upscript"), ("-d", "--downscript"), ("-f", "--facility"), ("-o", "--passfile")]
        {
            refuses(option, &enough_and(&["-v1", option, ""]), &[long, "is empty"]);
        }
    }

    #[test]
    fn slips_and_commands() {
        if other() {
            return;
        }
        refuses("a slip", &enough_and(&["-v1", "--prempt"]), &["--prempt", "did you mean --preempt?"]);
        refuses("a command", &["start"], &["'start'", "options"]);
        refuses("a question", &["status"], &["'status'", "USR1"]);
        refuses("an option's name", &enough_and(&["-v1", "help"]), &["'help'", "--help"]);
    }

    #[test]
    fn names_that_look_like_others_are_seen() {
        if other() {
            return;
        }
        refuses("bidi", &enough_and(&["-v1", "-f", "da\u{202e}nomead"]), &["da\\u{202e}nomead"]);
        let ran = run(&enough_and(&["-v1", "--pidfile=/no/\u{2066}such/\u{200b}pid"]));
        assert_eq!(ran.status, Some(2), "{}", ran.stderr);
        assert!(ran.stderr.contains("/no/\\u{2066}such/\\u{200b}pid"), "{}", ran.stderr);
    }

    #[test]
    fn words_from_a_list() {
        if other() {
            return;
        }
        for value in ["", "bogus", "local8", "3"] {
            let args = enough_and(&["-v1", "-f", value]);
            refuses(&format!("-f {value:?}"), &args, &["--facility", &format!("'{value}'")]);
        }
        for value in ["", "die", "Stay"] {
            let option = format!("--hook-failure={value}");
            refuses(&option, &enough_and(&["-v1", &option]), &["--hook-failure", &format!("'{value}'")]);
        }
        for value in ["", "demote", "Hook"] {
            let option = format!("--on-lost-address={value}");
            refuses(&option, &enough_and(&["-v1", &option]), &["--on-lost-address", &format!("'{value}'")]);
        }
        for value in ["", "linux", "OpenBSD"] {
            let option = format!("--peer-type={value}");
            refuses(&option, &enough_and(&["-v1", &option]), &["--peer-type", &format!("'{value}'")]);
        }
        for value in ["", "on", "Refuse"] {
            let option = format!("--replay={value}");
            let said = ["--replay", &format!("'{value}'"), "warn, refuse, off"];
            refuses(&option, &enough_and(&["-v1", &option]), &said);
        }
    }

    #[test]
    fn users_that_cannot_be_meant() {
        if other() {
            return;
        }
        for (value, said) in [
            ("", "is empty"),
            ("ucarp-nobody-has-this-name", "/etc/passwd"),
            ("998", "998:998"),
            ("998:", "998:998"),
            ("a:b", "998:998"),
            ("4294967295:1", "998:998"),
            ("root", "rights"),
            ("0:998", "rights"),
            ("998:0", "rights"),
        ] {
            let option = format!("--user={value}");
            for way in ["-D", "--check"] {
                let args = enough_and(&["-v1", &option, way]);
                refuses(&option, &args, &["--user:", &format!("'{value}'"), said]);
            }
        }
    }

    #[test]
    fn a_check_tells_who_hears_the_network() {
        if other() {
            return;
        }
        let check =
            |more: &[&'static str]| enough_and(&[&["-v1", "--wait-interface", "--check"], more].concat());
        let users = |ran: &Ran| {
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
            let value = |line: &str| line.strip_prefix("user: ").map(str::to_owned);
            ran.stdout.lines().filter_map(value).collect::<Vec<_>>()
        };
        let advised = |ran: &Ran| ran.stdout.contains("warning: there is no user _ucarp in /etc/passwd");
        for user in ["70007:70008", "daemon"] {
            let ran = run(&check(&["--user", user]));
            assert_eq!(users(&ran), [user]);
            assert!(!advised(&ran), "{}", ran.stdout);
        }
        // Whoever is nobody in particular has a number, which --user takes.
        let ran = run(&check(&[]));
        let found = users(&ran);
        let [user] = found.as_slice() else { panic!("{}", ran.stdout) };
        let is_number = user.split(':').all(|number| number.parse::<u32>().is_ok());
        assert!(user == "_ucarp" || is_number, "{user}");
        assert_eq!(advised(&ran), user != "_ucarp" && nix::unistd::Uid::effective().is_root());
        if let Some(ran) = as_nobody(&check(&[])) {
            assert_eq!(users(&ran), ["65534:65534"], "without root it stays who it is");
            assert!(!advised(&ran));
        }
        if let Some(ran) = as_nobody(&check(&["--user=70007:70008"])) {
            assert_eq!(users(&ran), ["70007:70008"]);
        }
    }

    #[test]
    fn peers_that_would_not_be_believed() {
        if other() {
            return;
        }
        for kind in ["openbsd", "freebsd", "netbsd", "ucarp"] {
            let option = format!("--peer-type={kind}");
            let said = ["--only-ours", &option, "remove one"];
            refuses(kind, &enough_and(&["-v1", "--only-ours", &option]), &said);
        }
        refuses("a value", &enough_and(&["-v1", "--only-ours=no"]), &["--only-ours", "takes no value"]);
    }

    #[test]
    fn peers_that_are_none() {
        if other() {
            return;
        }
        for value in
            ["", "host", "0.0.0.0", "::", "127.0.0.1", "::1", "224.0.0.18", "ff02::12", "255.255.255.255"]
        {
            let option = format!("--peer={value}");
            refuses(&option, &enough_and(&["-v1", &option]), &["--peer:", &format!("'{value}'")]);
        }
        for (name, more, words) in [
            ("ourselves", &["-s192.0.2.1", "--peer=192.0.2.1"][..], ["192.0.2.1", "--srcip"]),
            ("what is shared", &["-a192.0.2.77", "--peer=192.0.2.77"], ["192.0.2.77", "--addr"]),
            ("twice", &["--peer=192.0.2.2", "--peer=192.0.2.2"], ["192.0.2.2", "twice"]),
            ("nothing to say in IPv6", &["--peer=fe80::2"], ["fe80::2", "--addr"]),
            ("to all and to one", &["--peer=192.0.2.2", "-M"], ["--nomcast", "--peer"]),
            ("to a group and to one", &["-m224.0.0.99", "--peer=192.0.2.2"], ["--mcast", "--peer"]),
        ] {
            let args: Vec<&str> = enough_and(&["-v1"]).into_iter().chain(more.iter().copied()).collect();
            refuses(name, &args, &words);
        }
    }

    #[test]
    fn options_of_the_other_ip_version() {
        if other() {
            return;
        }
        let host = |more: &'static str| ["-ieth0", "-v1", "-psecret", "-a2001:db8::9", more];
        refuses("a source", &host("-s192.0.2.1"), &["--srcip", "'192.0.2.1'", "--addr"]);
        refuses("a group", &host("-m224.0.0.99"), &["--mcast", "'224.0.0.99'", "--addr"]);
        refuses("a peer", &host("--peer=192.0.2.2"), &["--peer", "'192.0.2.2'", "--addr"]);
        refuses("a source of IPv6", &["-ieth0", "-v1", "-psecret", "-a192.0.2.9", "-sfe80::1"], &["--srcip"]);
    }

    #[test]
    fn more_addresses_than_fit() {
        if other() {
            return;
        }
        let addresses: Vec<String> = (1..=65).map(|last| format!("-a10.0.0.{last}")).collect();
        let with = |count: usize| -> Vec<&str> {
            ["-inosuch0", "-v1", "-psecret"]
                .into_iter()
                .chain(addresses[..count].iter().map(String::as_str))
                .collect()
        };
        assert_eq!(run(&with(64)).status, Some(2), "64 are accepted, the interface is not there");
        refuses("65", &with(65), &["--addr", "64", "--vhid"]);
    }

    #[test]
    fn pidfiles_and_waiting() {
        if other() {
            return;
        }
        for value in ["", "/", "/run/", ".."] {
            let option = format!("--pidfile={value}");
            refuses(&option, &enough_and(&["-v1", &option]), &["--pidfile", &format!("'{value}'")]);
        }
        let args = ["-s192.0.2.1", "-v1", "-p", PASSWORD, "-a192.0.2.9", "--wait-interface"];
        refuses("nothing to wait for", &args, &["--wait-interface", "--interface"]);
    }

    /// One line on stderr, status 2.
    fn cannot_start(name: &str, args: &[&str], words: &[&str]) {
        let ran = run(args);
        assert_eq!(ran.status, Some(2), "{name}: {}", ran.stderr);
        assert_eq!((ran.stdout.as_str(), ran.stderr.lines().count()), ("", 1), "{name}: {}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "{name}: no {word:?} in {}", ran.stderr);
        }
        assert!(!ran.stderr.contains(PASSWORD), "{name}: {}", ran.stderr);
    }

    #[test]
    fn a_failed_start_is_told_to_the_caller_in_the_background_too() {
        if other() {
            return;
        }
        let folder = Folder::new("start");
        let pidfile = folder.0.join("pid");
        let option = format!("--pidfile={}", pidfile.display());
        for way in ["-D", "-B", "--check"] {
            cannot_start(way, &enough_and(&["-v1", way, &option]), &["nosuch0"]);
            assert!(!pidfile.exists(), "{way}");
            let nowhere = format!("{option}/no/such");
            let interface = if way == "--check" { "nosuch0" } else { "/no/such" };
            cannot_start(way, &enough_and(&["-v1", way, &nowhere]), &[interface]);
        }
    }

    #[test]
    fn a_check_prints_what_would_run_and_nothing_secret() {
        if other() {
            return;
        }
        let folder = Folder::new("check");
        let hook = folder.file("up", b"#!/bin/sh\n", 0o755);
        for (more, replay, only_ours) in [
            (&[][..], "warn", "no"),
            (&["--replay=refuse", "--only-ours"], "refuse", "yes"),
            (&["--replay=off", "--only-ours", "--peer-type=any"], "off", "yes"),
        ] {
            let ran = run(&enough_and(&[&["-v1", "--wait-interface", "--check"], more].concat()));
            let said = format!("\nreplay: {replay}\nonly-ours: {only_ours}\n");
            assert_eq!(ran.status, Some(0), "{}", ran.stderr);
            assert!(ran.stdout.contains(&said), "{}", ran.stdout);
        }
        let more = ["-v", "0x2a", "-a", "2001:db8::9/64", "-u", &hook, "-z", "--wait-interface", "--check"];
        let ran = run(&enough_and(&more));
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        for line in [
            "interface: nosuch0",
            "srcip: 192.0.2.1",
            "vhid: 42",
            "addr: 192.0.2.9",
            "addr: 2001:db8::9/64",
            "mlock: no",
            "shutdown: yes",
            &format!("upscript: {hook}"),
        ] {
            assert!(ran.stdout.lines().any(|printed| printed == line), "no {line:?} in {}", ran.stdout);
        }
        assert!(ran.stdout.lines().all(|line| line.contains(": ")), "{}", ran.stdout);
        assert!(!ran.stdout.contains(PASSWORD), "{}", ran.stdout);
    }

    #[test]
    fn values_are_shown_on_one_short_line() {
        if other() {
            return;
        }
        let mut args: Vec<OsString> = ENOUGH.iter().map(OsString::from).collect();
        args.extend(["-v".into(), OsStr::from_bytes(b"1\n2\x1b[31m\xff").to_owned()]);
        refuses("control characters", &args, &["1\\n2\\u{1b}[31m\u{fffd}"]);
        let endless = "9".repeat(100_000);
        assert!(run(&enough_and(&["-v", &endless])).stderr.len() < 400);
    }

    #[test]
    fn a_reader_that_leaves_is_no_failure() {
        if other() {
            return;
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_ucarp"));
        let (reader, writer) = UnixStream::pair().expect("a pair of sockets");
        drop(reader);
        let status = command.arg("--help").stdout(OwnedFd::from(writer)).status();
        assert!(status.expect("the program runs").success());
    }
}
