//! The command line in-process: shapes, abbreviations, order, defaults.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::config::{Account, Facility, LogConfig, NoAccount, VirtualHostConfig, Watched};
use crate::protocol::{Announcing, Destination, Interval, Replay};

/// Somebody who may do everything: what files are is asked in other tests.
const CALLER: Caller =
    Caller { user: 0, group: 0, may_execute: |_| Ok(()), find_account: |words| find_account(words) };

fn find_account(words: &str) -> Result<Account, NoAccount> {
    match words {
        "_ucarp" => Ok(Account { name: Some(words.into()), uid: 998, gid: 997 }),
        "998:997" => Ok(Account { name: None, uid: 998, gid: 997 }),
        "root" => Err(NoAccount::Superuser),
        "unreadable" => Err(NoAccount::Unreadable(std::io::ErrorKind::PermissionDenied.into())),
        _ if words.contains(':') => Err(NoAccount::Malformed),
        _ => Err(NoAccount::Unknown),
    }
}

/// The one thing that is wrong.
fn parse(args: impl Iterator<Item = OsString>) -> Result<Invocation, Error> {
    super::parse(args, &CALLER).map_err(|mut errors| {
        assert_eq!(errors.0.len(), 1, "{errors}");
        errors.0.remove(0)
    })
}

const ENOUGH: [&str; 4] = ["-ieth0", "-v1", "-phush-hush", "-a10.0.0.9"];

fn parse_with(more: &[&str]) -> Result<(Config, Vec<Warning>), Error> {
    let args: Vec<&str> = ENOUGH.iter().chain(more).copied().collect();
    match parse(args.iter().map(OsString::from))? {
        Invocation::Run { config, warnings, .. } => Ok((*config, warnings)),
        Invocation::Check { .. } | Invocation::Sniff { .. } | Invocation::Print(_) => {
            panic!("{args:?} does not run")
        }
    }
}

fn host(more: &[&str]) -> VirtualHostConfig {
    parse_with(more).unwrap().0.hosts.remove(0)
}

#[test]
fn defaults() {
    let (config, warnings) = parse_with(&[]).unwrap();
    let [host] = config.hosts.as_slice() else { panic!("one host") };
    assert_eq!(host.interface.as_deref(), Some("eth0"));
    assert_eq!((host.vhid.get(), host.interval, host.dead_ratio), (1, Interval::new(1, 0), 3));
    assert_eq!((host.source, host.preempt, host.neutral), (None, false, false));
    assert_eq!(host.destination, Destination::default());
    assert_eq!(host.announcing, Announcing::default());
    assert_eq!(host.hook_timeout, Duration::from_secs(60));
    assert_eq!((host.replay, host.only_ours), (Replay::Warn, false));
    assert_eq!(config.log, LogConfig { facility: Some(Facility::Daemon), debug: false, format: None });
    assert_eq!(warnings, [Warning::NoHooks]);
}

#[test]
fn a_host_without_an_address_of_its_own() {
    let unspecified = "0.0.0.0".parse().unwrap();
    assert_eq!(host(&["--srcip=0.0.0.0"]).source, Some(unspecified));
    let words = |words: &[&str]| parse(words.iter().map(OsString::from)).unwrap_err();
    // Nothing finds its interface, and nothing would be sent from it.
    let error = words(&["-s0.0.0.0", "-v1", "-psecret", "-a10.0.0.9"]);
    assert!(matches!(error, Error::NoInterface), "{error}");
    let error = words(&["-s0.0.0.0", "-ieth0", "-v1", "-psecret", "-a2001:db8::9"]);
    assert!(matches!(error, Error::OtherFamily { .. }), "{error}");
}

#[test]
fn short_options_in_all_their_shapes() {
    let host = host(&["-Pnk", "100", "-b2", "-S", "-M", "-m", "239.192.1.1", "-x", "-z"]);
    assert!(host.preempt && host.neutral && host.ignore_link_state && host.destination.broadcast);
    assert_eq!(host.interval, Interval::new(2, 100));
    assert_eq!(host.destination.v4.to_string(), "239.192.1.1");
    assert_eq!(host.xparam.as_deref(), Some(OsStr::new("-z")));
}

#[test]
fn long_options_may_be_cut_short() {
    assert_eq!(host(&["--vh", "9"]).vhid.get(), 9);
    assert_eq!(host(&["--v=9"]).vhid.get(), 9);
    assert!(host(&["--pre", "--ne"]).neutral);
    assert_eq!(host(&["--mc=239.1.1.1"]).destination.v4.octets(), [239, 1, 1, 1]);
    assert_eq!(host(&["--mcastip=239.1.1.1"]).destination.v4.octets(), [239, 1, 1, 1]);
    assert_eq!(host(&["--hook-t=5"]).hook_timeout, Duration::from_secs(5));
}

#[test]
fn old_names_win_over_new_ones() {
    assert!(
        matches!(parse(["--h"].iter().map(OsString::from)), Ok(Invocation::Print(text)) if text == usage())
    );
    assert!(
        matches!(parse(["--ve"].iter().map(OsString::from)), Ok(Invocation::Print(text)) if text == version())
    );
    let ambiguous = |word| match parse_with(&[word]) {
        Err(Error::AmbiguousOption { candidates, .. }) => candidates,
        other => panic!("{word}: {other:?}"),
    };
    assert_eq!(ambiguous("--pas"), "--passfile, --pass");
    assert_eq!(ambiguous("--i"), "--interface, --ignoreifstate");
    assert_eq!(ambiguous("--hook"), "--hook-timeout, --hook-failure");
    assert_eq!(ambiguous("--re"), "--replay, --read");
    assert_eq!(ambiguous("--on"), "--on-lost-address, --only-ours");
    // Of the ancestor's names none begins so.
    assert_eq!(host(&["--rep=off"]).replay, Replay::Off);
    assert!(host(&["--onl"]).only_ours);
}

#[test]
fn the_last_one_counts_but_addresses_add_up() {
    let host = host(&["-v2", "-v", "3", "-a", "10.0.0.10/24", "--addr=2001:db8::1/64"]);
    assert_eq!(host.vhid.get(), 3);
    let addresses: Vec<_> = host.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["10.0.0.9", "10.0.0.10/24", "2001:db8::1/64"]);
}

#[test]
fn values_may_be_any_bytes() {
    let bytes = OsStr::from_bytes(b"\xff\x80=\xc3\xa9").to_owned();
    let args = ENOUGH.iter().map(OsString::from).chain(["-x".into(), bytes.clone()]);
    let Ok(Invocation::Run { config, .. }) = parse(args) else { panic!("refused") };
    assert_eq!(config.hosts[0].xparam, Some(bytes));
}

#[test]
fn passwords_are_found_wherever_they_stand() {
    let exposed = |words: &[&str]| {
        let more = ["-i", "eth0", "-v1", "-a10.0.0.9"];
        let args: Vec<&str> = words.iter().copied().chain(more).collect();
        let Ok(Invocation::Run { exposed, .. }) = parse(args.iter().map(OsString::from)) else {
            panic!("{args:?} refused")
        };
        exposed.iter().map(|place| &args[place.word][place.from..]).collect::<String>()
    };
    for words in [
        &["-p", "hush"][..],
        &["-phush"],
        &["-Pzphush"],
        &["-Pzp", "hush"],
        &["--pass=hush"],
        &["--pass", "hush"],
        &["-x", "-p", "--pass=hu", "-P", "-p", "sh"],
    ] {
        assert_eq!(exposed(words), "hush", "{words:?}");
    }
}

#[test]
fn how_the_program_itself_runs() {
    let (config, _) = parse_with(&["-B", "--pidfile=ucarp.pid", "--wait-interface"]).unwrap();
    assert!(config.daemonize && config.hosts[0].wait_for_interface);
    assert!(config.pidfile.unwrap().is_absolute());
    let args = ENOUGH.iter().map(OsString::from).chain(["--check".into()]);
    assert!(matches!(parse(args), Ok(Invocation::Check { .. })));
    let nameless = ["-s10.0.0.1", "-v1", "-phush", "-a10.0.0.9", "--wait-interface"];
    assert!(matches!(parse(nameless.iter().map(OsString::from)), Err(Error::NoNameToWaitFor)));
}

#[test]
fn who_hears_the_network() {
    let asked = |words: &[&str]| parse_with(words).map(|(config, _)| config.user);
    assert_eq!(asked(&[]).unwrap(), None);
    let account = |name: Option<&str>| Account { name: name.map(Into::into), uid: 998, gid: 997 };
    assert_eq!(asked(&["--user=_ucarp"]).unwrap(), Some(account(Some("_ucarp"))));
    assert_eq!(asked(&["--user", "root", "--us", "998:997"]).unwrap(), Some(account(None)));
    assert_eq!(account(Some("_ucarp")).to_string(), "_ucarp");
    assert_eq!(account(None).to_string(), "998:997");
    let refused = |word: &str| asked(&["--user", word]).unwrap_err();
    assert!(matches!(refused(""), Error::Empty { option: "--user" }));
    assert!(matches!(refused("nosuch"), Error::UserUnknown { value, .. } if value == "nosuch"));
    for word in ["998", "998:", ":", "998:997:1"] {
        assert!(matches!(refused(word), Error::UserMalformed { value, .. } if value == word), "{word}");
    }
    assert!(matches!(refused("root"), Error::UserIsRoot { .. }));
    assert!(matches!(refused("unreadable"), Error::UsersUnreadable { .. }));
    let bytes = OsStr::from_bytes(b"--user=_ucarp\xff").to_owned();
    let error = parse(ENOUGH.iter().map(OsString::from).chain([bytes])).unwrap_err();
    assert!(matches!(error, Error::UserUnknown { .. }), "{error}");
    // Whoever watches does not become anybody.
    assert!(sniffed(&["-i", "eth0", "--user=nosuch"]).is_ok());
}

#[test]
fn the_last_password_counts() {
    assert_eq!(host(&["--pass=other", "-p", "last"]).secret.bytes(), b"last");
    assert_eq!(host(&["--pass=with=equals"]).secret.bytes(), b"with=equals");
    assert_eq!(host(&["-p", "-z"]).secret.bytes(), b"-z");
    let file = env::temp_dir().join(format!("ucarp-cli-{}", std::process::id()));
    std::fs::write(&file, "from file\r\nsecond line\n").unwrap();
    let path = file.to_str().unwrap();
    let (config, warnings) = parse_with(&["-o", path]).unwrap();
    assert_eq!(config.hosts[0].secret.bytes(), b"from file");
    assert!(warnings.contains(&Warning::TwoPasswords { used: "--passfile", ignored: "--pass" }));
    let (config, warnings) = parse_with(&["-o", path, "-p", "later"]).unwrap();
    assert_eq!(config.hosts[0].secret.bytes(), b"later");
    assert!(warnings.contains(&Warning::TwoPasswords { used: "--pass", ignored: "--passfile" }));
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn warnings() {
    let warned = |more: &[&str], warning| parse_with(more).unwrap().1.contains(&warning);
    assert!(warned(&["-r1"], Warning::DeadRatioOfOne));
    assert!(!warned(&["-r2"], Warning::DeadRatioOfOne));
    assert!(warned(&["-p", "12345678901234567890"], Warning::TwentyBytePassword));
    assert!(warned(&["-u", "/bin/sh"], Warning::AddressStays));
    assert!(warned(&["-u", "/bin/sh"], Warning::NoDownHook));
    assert!(!warned(&["-u", "/bin/sh", "-z"], Warning::AddressStays));
    assert!(warned(&["-d", "/bin/sh"], Warning::NoUpHook));
    assert!(warned(&["-afe80::9"], Warning::LinkLocalAddress { value: "fe80::9".into() }));
    assert!(!warned(&["-a2001:db8::9"], Warning::LinkLocalAddress { value: "2001:db8::9".into() }));
}

#[test]
fn a_password_is_as_long_as_the_peers_keep_it() {
    let long = ["-p", "12345678901234567890"];
    let warned = |more: &[&str]| {
        let words: Vec<&str> = long.iter().chain(more).copied().collect();
        parse_with(&words).unwrap().1.contains(&Warning::TwentyBytePassword)
    };
    assert!(warned(&[]) && warned(&["--peer-type=openbsd"]));
    assert!(!warned(&["--peer-type=netbsd"]), "19 bytes of it are sent and understood");
}

#[test]
fn what_is_believed() {
    for (word, meant) in [("warn", Replay::Warn), ("refuse", Replay::Refuse), ("off", Replay::Off)] {
        let option = format!("--replay={word}");
        assert_eq!(host(&[&option]).replay, meant);
        assert_eq!(host(&["--replay", "off", &option, "--only-ours", "--only-ours"]).replay, meant);
    }
    for word in ["", "Warn", "off ", "yes"] {
        assert!(matches!(parse_with(&["--replay", word]), Err(Error::Replay { .. })), "{word:?}");
    }
    assert!(host(&["--only-ours"]).only_ours && host(&["--peer-type=any", "--only-ours"]).only_ours);
    for kind in ["openbsd", "freebsd", "netbsd", "ucarp"] {
        let option = format!("--peer-type={kind}");
        for words in [[&*option, "--only-ours"], ["--only-ours", &*option]] {
            let refused = parse_with(&words).unwrap_err();
            assert!(matches!(refused, Error::PeersNotOurs { kind: named, .. } if named == kind), "{kind}");
        }
        // The last one counts.
        assert!(host(&[&*option, "--only-ours", "--peer-type=any"]).only_ours);
    }
    assert!(matches!(parse_with(&["--only-ours=yes"]), Err(Error::UnexpectedValue { .. })));
    assert!(matches!(parse_with(&["--replay"]), Err(Error::MissingValue { .. })));
}

#[test]
fn a_label_stands_for_its_interface() {
    let labelled = host(&["-i", "eth0:1"]);
    assert_eq!(labelled.interface.as_deref(), Some("eth0"));
    assert_eq!((labelled.word_for("eth0"), labelled.word_for("eth9")), ("eth0:1", "eth9"));
    assert_eq!(host(&[]).word_for("eth0"), "eth0");
    for word in ["eth0:", ":1", ":"] {
        assert!(matches!(parse_with(&["-i", word]), Err(Error::Interface { .. })), "{word}");
    }
    assert!(
        matches!(sniffed(&["-i", "eth0:1"]).unwrap().watched, Watched::Interface(name) if name == "eth0")
    );
}

#[test]
fn a_zone_is_that_of_our_interface() {
    let fine = host(&["-i", "eth0:1", "-sfe80::1%eth0", "-afe80::9%eth0/64", "--peer=fe80::2%eth0"]);
    assert_eq!(fine.source.unwrap().to_string(), "fe80::1");
    assert_eq!(fine.addresses[1].to_string(), "fe80::9/64");
    assert_eq!(fine.destination.peers, ["fe80::2".parse::<IpAddr>().unwrap()]);
    for word in
        ["-sfe80::1%eth1", "-afe80::1%eth1/64", "--peer=fe80::1%eth0:1", "-afe80::1%", "-a10.0.0.8%eth0"]
    {
        assert!(matches!(parse_with(&["-a2001:db8::9", word]), Err(Error::AddressZone { .. })), "{word}");
    }
    let nameless = ["-sfe80::1%eth0", "-v1", "-phush", "-a2001:db8::9"];
    assert!(matches!(parse(nameless.iter().map(OsString::from)), Err(Error::AddressZone { .. })));
}

#[test]
fn empty_words_that_belong_to_nothing_are_ignored() {
    for words in [&[""][..], &["", "-P", ""], &["-p", "hush", ""]] {
        assert!(parse_with(words).unwrap().1.contains(&Warning::EmptyArgument), "{words:?}");
    }
    assert!(!parse_with(&["-x", ""]).unwrap().1.contains(&Warning::EmptyArgument), "a value");
    assert!(matches!(parse_with(&["-p", "two", "", "words"]), Err(Error::StrayAfterPassword)));
}

#[test]
fn words_of_other_programs() {
    let refused = |word: &str| parse_with(&[word]).unwrap_err();
    assert!(matches!(refused("start"), Error::StrayStart { .. }));
    assert!(matches!(refused("status"), Error::StrayStatus { .. }));
    assert!(matches!(refused("stop"), Error::StrayStop { .. }));
    for (word, meant) in
        [("help", "--help"), ("check", "--check"), ("test", "--check"), ("preempt", "--preempt")]
    {
        assert!(matches!(refused(word), Error::StrayOption { option, .. } if option == meant), "{word}");
    }
    assert!(matches!(refused("stray"), Error::StrayArgument { .. }));
    assert!(matches!(refused("--prempt"), Error::UnknownOption { similar: Some("preempt"), .. }));
}

#[test]
fn hooks_become_absolute() {
    let relative = "hook-of-cli-test";
    // The build script is here in every checkout, is a file, and is not executable.
    assert!(matches!(parse_with(&["-u", "build.rs"]), Err(Error::HookNotExecutable { .. })));
    assert!(matches!(parse_with(&["-u", "src"]), Err(Error::HookNotAFile { .. })));
    assert!(matches!(parse_with(&["-u", relative]), Err(Error::HookMissing { .. })));
    let up = host(&["-u", "../../../../../../../../../bin/sh"]).up.unwrap();
    assert!(up.is_absolute(), "{}", up.display());
}

#[test]
fn nothing_secret_is_shown() {
    let (config, warnings) = parse_with(&[]).unwrap();
    assert!(!format!("{config:?} {warnings:?}").contains("hush"));
}

#[test]
fn the_usage_fits_80_columns() {
    let text = usage();
    for line in text.lines() {
        assert!(line.chars().count() < 80, "{} columns: {line}", line.chars().count());
    }
}

#[test]
fn every_option_is_in_the_usage() {
    let text = usage();
    for row in options::options() {
        assert!(text.contains(row.option), "{}", row.option);
        assert!((row.usage)().contains(row.option), "{}", row.option);
    }
}

fn sniffed(args: &[&str]) -> Result<SniffConfig, Error> {
    match parse(std::iter::once("--sniff").chain(args.iter().copied()).map(OsString::from))? {
        Invocation::Sniff { config, .. } => Ok(*config),
        other => panic!("{args:?}: {other:?}"),
    }
}

#[test]
fn watching_needs_a_place_and_nothing_else() {
    let config = sniffed(&["-i", "eth0"]).unwrap();
    assert_eq!(config.watched, Watched::Interface("eth0".into()));
    assert!(config.key.is_none() && config.vhid.is_none() && config.addresses.is_empty() && !config.json);
    for words in [&["-r", "file"][..], &["--read=file", "-i", "eth0"], &["-r", "other", "--read", "file"]] {
        assert_eq!(sniffed(words).unwrap().watched, Watched::File("file".into()), "{words:?}");
    }
    assert!(matches!(sniffed(&[]), Err(Error::NothingToWatch)));
    assert!(matches!(sniffed(&["-r", ""]), Err(Error::CaptureFile { .. })));
    assert!(matches!(sniffed(&["-i", "eth0", "-p", "x"]), Err(Error::Required { option: "--addr", .. })));
    // What a kernel has that was given no password.
    assert!(sniffed(&["-i", "eth0", "-p", "", "-a", "10.0.0.9"]).unwrap().key.is_some());
    // A daemon's whole line is watched by adding a word.
    assert!(sniffed(&["-i", "eth0", "-k", "7", "-z", "-u", "/nonexistent", "--json"]).unwrap().json);
    assert!(sniffed(&["-i", "eth0", "--replay=bogus", "--only-ours", "--peer-type=openbsd"]).is_ok());
}

#[test]
fn a_daemon_is_not_told_how_to_watch() {
    for words in [&["--json"][..], &["--read=file"]] {
        let words = words.iter().chain(&["-i", "eth0", "-v", "1"]).map(OsString::from);
        assert!(matches!(parse(words), Err(Error::OnlyToSniff { .. })));
    }
}
