//! `--sniff` on captures of running kernels, through the program.

#![expect(clippy::disallowed_methods, reason = "runs the program")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn sniff(args: &[OsString]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ucarp"));
    command.arg("--sniff").args(args).env("LC_ALL", "C").env("TZ", "UTC").env_remove("LANGUAGE");
    command.output().unwrap()
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(Into::into).collect()
}

/// Every capture with what its kernel was told.
fn captures() -> Vec<(String, PathBuf, Value)> {
    let mut found = Vec::new();
    for kernel in ["netbsd", "freebsd"] {
        for entry in fs::read_dir(vectors().join(kernel)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "pcap") {
                let about = fs::read_to_string(path.with_extension("json")).unwrap();
                let name = format!("{kernel}/{}", path.file_stem().unwrap().to_string_lossy());
                found.push((name, path, serde_json::from_str(&about).unwrap()));
            }
        }
    }
    assert!(found.len() > 60, "{}", found.len());
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

fn with_key(path: &Path, about: &Value, vips: &Value) -> Vec<OsString> {
    let hex = about["key_hex"].as_str().unwrap_or_default();
    let mut key: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    while key.last() == Some(&0) {
        key.pop();
    }
    let mut args = vec!["--json".into(), "-r".into(), path.into(), "-p".into(), OsString::from_vec(key)];
    args.extend(["-v".into(), about["vhid"].to_string().into()]);
    for vip in vips.as_array().unwrap() {
        args.extend(["-a".into(), vip.as_str().unwrap().into()]);
    }
    args
}

#[test]
fn every_packet_of_every_kernel_is_accepted() {
    let mut packets = 0;
    for (name, path, about) in captures() {
        // Two sets of addresses, or none written down.
        if about["vips"].as_array().is_none() || name.ends_with("mismatch") {
            continue;
        }
        let output = sniff(&with_key(&path, &about, &about["vips"]));
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let mut last = 0.0;
        for line in text.lines() {
            let packet: Value = serde_json::from_str(line).unwrap();
            assert_eq!(packet["verdict"], "accepted", "{name}: {line}");
            assert_eq!(packet["authenticated"], true, "{name}: {line}");
            let time = packet["time"].as_f64().unwrap();
            assert!(time >= last, "{name}: {line}");
            last = time;
            packets += 1;
        }
        if let Some(count) = about["carp_packets"].as_u64() {
            assert_eq!(text.lines().count() as u64, count, "{name}");
        }
    }
    assert!(packets > 400, "{packets}");
}

#[test]
fn the_table_of_a_failover() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sniff.txt");
    let mut text = String::new();
    for (name, more) in [
        ("netbsd/two_failover", &["-p", "love", "-a", "10.0.0.252"][..]),
        ("freebsd/two_v4v6_failover", &[]),
        ("freebsd/interop_two_vips_hmac_mismatch", &["-p", "love", "-a", "10.0.0.252"]),
        ("netbsd/interop_two_vips_hmac_mismatch", &[]),
    ] {
        let file = vectors().join(format!("{name}.pcap"));
        let mut args = words(&["--read"]);
        args.push(file.into());
        args.extend(words(more));
        let output = sniff(&args);
        assert!(output.status.success() && output.stderr.is_empty(), "{name}");
        text.push_str(&format!("{name}\n{}\n", String::from_utf8(output.stdout).unwrap()));
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&golden).unwrap(), "UPDATE_GOLDEN=1 cargo test --test sniff");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn what_is_no_capture_is_one_line_and_2() {
    let folder = std::env::temp_dir().join(format!("ucarp-sniff-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let whole = fs::read(vectors().join("netbsd/v4_single.pcap")).unwrap();
    let mut loopback = whole.clone();
    loopback[20] = 0;
    let files = [
        ("nothing", Vec::new()),
        ("words", b"this is not a capture, is it?".to_vec()),
        ("short", whole[..10].to_vec()),
        ("another-link", loopback),
    ];
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
        let output = sniff(&["-r".into(), folder.join(name).into()]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(complaint.lines().count(), 1, "{name}: {complaint}");
        assert!(
            complaint.contains("cannot read the capture file") && complaint.contains(name),
            "{complaint}"
        );
    }
    // What is there of a file cut off is shown first.
    fs::write(folder.join("cut"), &whole[..whole.len() - 5]).unwrap();
    let output = sniff(&["-r".into(), folder.join("cut").into()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stdout).unwrap().contains("Speakers: 1"));
    assert_eq!(sniff(&["-r".into(), folder.join("missing").into()]).status.code(), Some(2));
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn wrong_words_are_1() {
    for args in [
        &[][..],
        &["-r", ""],
        &["-i", "no such"],
        &["-r", "x", "-p", "secret"],
        &["-r", "x", "-v", "256"],
        &["-r", "x", "-a", "300.1.1.1"],
    ] {
        let output = sniff(&words(args));
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 1, "{args:?}");
    }
    assert_eq!(sniff(&words(&["-i", "no-such-if"])).status.code(), Some(2));
}
