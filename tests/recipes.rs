//! The recipes in `dist` for packages: one version and one home in all of them, those of `Cargo.toml`, and lists of files
//! that are what `ci/install` installs.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "runs what installs, and what reads recipes")]
#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const RECIPES: [&str; 7] = [
    "alpine/APKBUILD",
    "debian/control",
    "freebsd/port/Makefile",
    "macos/homebrew/ucarp.rb",
    "macos/macports/Portfile",
    "netbsd/pkgsrc/Makefile",
    "openbsd/port/Makefile",
];

fn top(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn recipe(path: &str) -> String {
    fs::read_to_string(top("dist").join(path)).unwrap()
}

#[test]
fn each_is_for_this_version_and_has_the_home_of_the_crate() {
    let (version, home) = (env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_REPOSITORY"));
    for path in RECIPES {
        let text = recipe(path);
        assert!(text.contains(home), "{path}: not {home}");
        let elsewhere = text
            .split("https://")
            .skip(1)
            .map(|rest| rest.split([' ', '"', '\n']).next().unwrap_or_default())
            .find(|place| !format!("https://{place}").starts_with(home));
        assert_eq!(elsewhere, None, "{path}");
        assert!(path.starts_with("debian") || text.contains(version), "{path}: not {version}");
    }
    let changes = recipe("debian/changelog");
    let debian = version.replace('-', "~");
    assert!(changes.starts_with(&format!("ucarp ({debian}-")), "debian/changelog: not {debian}");
    assert!(recipe("debian/copyright").contains(home));
}

/// What is installed below the prefix, without it.
fn installed(system: &str, prefix: &str, services: &str) -> BTreeSet<String> {
    let mut command = Command::new("sh");
    command.args(["ci/install", "--list"]).current_dir(top("")).env_remove("LOCALEDIR");
    let output = command.env("SYSTEM", system).env("SERVICES", services).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let below = format!("{prefix}/");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter(|line| !line.ends_with('/'))
        .filter_map(|line| Some(line.split_once(' ')?.1.strip_prefix(&below)?.to_owned()))
        .collect()
}

/// The list with the catalogues of all languages that there are now.
fn with_catalogues(list: &str, installed: &BTreeSet<String>) -> String {
    let is_catalogue = |line: &str| line.ends_with(".mo");
    let catalogues: String =
        installed.iter().filter(|path| is_catalogue(path)).map(|path| format!("{path}\n")).collect();
    let (mut text, mut written) = (String::new(), false);
    for line in list.lines() {
        match (is_catalogue(line), written) {
            (false, _) => text.push_str(&format!("{line}\n")),
            (true, false) => text.push_str(&catalogues),
            (true, true) => {}
        }
        written |= is_catalogue(line);
    }
    text
}

#[test]
fn lists_name_what_is_installed() {
    for (list, system, prefix, services) in [
        ("openbsd/port/pkg/PLIST", "OpenBSD", "/usr/local", "rc"),
        ("netbsd/pkgsrc/PLIST", "NetBSD", "/usr/pkg", ""),
    ] {
        let mut text = recipe(list);
        let installed = installed(system, prefix, services);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            text = with_catalogues(&text, &installed);
            fs::write(top("dist").join(list), &text).unwrap();
        }
        let listed: BTreeSet<_> = text
            .lines()
            .map(|line| line.strip_prefix("@man ").or_else(|| line.strip_prefix("@bin ")).unwrap_or(line))
            .filter(|line| !line.starts_with('@') && !line.ends_with('/'))
            .map(str::to_owned)
            .collect();
        assert_eq!(listed, installed, "{list}");
    }
}

/// Where libintl is not a part of the system, nothing is asked of it: catalogues are read without it.
#[test]
fn nobody_needs_libintl_but_linux() {
    for path in RECIPES {
        let text = recipe(path);
        let (bare, tools) =
            (text.contains("no-default-features"), text.contains("gettext") || text.contains("msgfmt"));
        let is_linux = path.starts_with("alpine") || path.starts_with("debian");
        assert_eq!((bare, tools), (!is_linux, true), "{path}");
        for needless in ["GETTEXT_DIR", "gettext-runtime", "gettext,-runtime", "gettext-lib", " intl "] {
            assert!(!text.contains(needless), "{path}: {needless}");
        }
    }
}

/// In the languages that they are written in, where somebody here reads them.
#[test]
fn they_can_be_read() {
    for reading in [
        "command -v ruby || exit 0; ruby -c dist/macos/homebrew/ucarp.rb",
        "command -v tclsh || exit 0; echo 'exit [expr {![info complete [read [open dist/macos/macports/Portfile]]]}]' | tclsh",
        "sh -n dist/alpine/APKBUILD",
        "command -v make || exit 0; make -n -f dist/debian/rules override_dh_auto_build",
    ] {
        let output = Command::new("sh").args(["-c", reading]).current_dir(top("")).output().unwrap();
        assert!(output.status.success(), "{reading}: {output:?}");
    }
}
