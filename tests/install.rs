//! What `ci/install` puts where, on each system, and that `ci/uninstall` takes it away again.
#![expect(clippy::disallowed_methods, reason = "runs the scripts under test")]
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test panics")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SYSTEMS: [(&str, &str); 5] = [
    ("Linux", "systemd openrc ifupdown apparmor"),
    ("OpenBSD", "rc"),
    ("NetBSD", "rc"),
    ("FreeBSD", "rc"),
    ("Darwin", "rc"),
];

fn run(script: &str, variables: &[(&str, &str)]) -> Output {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("sh");
    // What a root with a careful umask would make unreadable for those whom it serves.
    command.arg("-c").arg(format!("umask 077; exec ci/{script}")).current_dir(top);
    // Cargo has it for the build.
    command
        .env_remove("LOCALEDIR")
        .env("BINARY", env!("CARGO_BIN_EXE_ucarp"))
        .envs(variables.iter().copied());
    command.output().unwrap()
}

/// Every file and every empty folder below it, as `ci/install --list` writes them.
fn found(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries: Vec<PathBuf> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        for path in &entries {
            if path.is_dir() {
                folders.push(path.clone());
                continue;
            }
            let mode = fs::metadata(path).unwrap().permissions().mode() & 0o7777;
            found.push(format!("{mode:o} /{}", path.strip_prefix(root).unwrap().display()));
        }
    }
    found.sort();
    found
}

fn listed(output: &Output) -> Vec<String> {
    let mut lines: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// As OpenWrt's rc.common reads it, with functions that say what procd is told.
#[test]
fn the_script_for_procd_tells_it_what_to_run_and_how_to_have_a_file_read_again() {
    let folder = tempfile("procd");
    let root = folder.to_str().unwrap();
    let variables = [("SYSTEM", "Linux"), ("SERVICES", "procd"), ("DESTDIR", root), ("SBINDIR", "/sbin")];
    let output = run("install", &variables);
    assert!(output.status.success(), "{output:?}");
    let script = folder.join("etc/init.d/ucarp");
    assert_eq!(fs::metadata(&script).unwrap().permissions().mode() & 0o777, 0o755);
    let done = |service: &str, what: &str, check: &str| {
        let text = format!(
            "procd_open_instance() {{ echo open; }}; procd_close_instance() {{ echo close; }}
             procd_set_param() {{ echo set \"$@\"; }}; procd_send_signal() {{ echo signal \"$@\"; }}
             initscript=/etc/init.d/{service}; set -f; . {}; ucarp={check}; {what}",
            script.display()
        );
        let output = Command::new("sh").arg("-c").arg(text).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        (String::from_utf8(output.stdout).unwrap(), output.status.success())
    };
    for (service, file) in [("ucarp", "ucarp"), ("ucarp.web", "web")] {
        let (said, well) = done(service, "start_service", "true");
        assert!(well);
        let command = format!("set command true --config=/etc/ucarp/{file}.toml");
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines, ["open", &*command, "set respawn 3600 1 0", "set term_timeout 75", "close"]);
        let signals = done(service, "reload_service; report", "true");
        assert_eq!(signals.0, format!("signal {service} * HUP\nsignal {service} * USR1\n"));
    }
    assert_eq!(done("ucarp", "start_service", "false"), (String::new(), false), "its file is wrong");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn each_system_gets_its_files_in_their_places_and_loses_them_again() {
    let msgfmt = Command::new("msgfmt").arg("--version").output().is_ok();
    for (system, services) in SYSTEMS {
        let folder = tempfile(system);
        let root = folder.to_str().unwrap();
        let variables = [("SYSTEM", system), ("SERVICES", services), ("DESTDIR", root)];
        let planned = run("install --list", &variables);
        let planned = listed(&planned);

        let golden = format!("tests/install/{}.list", system.to_lowercase());
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(golden);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(golden.parent().unwrap()).unwrap();
            fs::write(&golden, planned.join("\n") + "\n").unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap();
        assert_eq!(
            planned,
            expected.lines().collect::<Vec<_>>(),
            "{system}: UPDATE_GOLDEN=1 writes what is so"
        );

        let output = run("install", &variables);
        assert!(output.status.success(), "{system}: {output:?}");
        let files: Vec<_> = planned.iter().filter(|line| !line.ends_with('/')).cloned().collect();
        let catalogues = |line: &&String| msgfmt || !line.ends_with(".mo");
        assert_eq!(found(&folder), files.iter().filter(catalogues).cloned().collect::<Vec<_>>(), "{system}");
        for line in planned.iter().filter(|line| line.ends_with('/')) {
            let (mode, path) = line.split_once(' ').unwrap();
            let there = fs::metadata(folder.join(&path[1..])).unwrap().permissions().mode() & 0o7777;
            assert_eq!(format!("{there:o}"), mode, "{system}: {path}");
        }
        for line in &files {
            let path = folder.join(&line.split_once(' ').unwrap().1[1..]);
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let left = text
                .split('@')
                .skip(1)
                .step_by(2)
                .find(|word| word.ends_with("DIR") && word.bytes().all(|byte| byte.is_ascii_uppercase()));
            assert_eq!(left, None, "{}: nothing took the place of this", path.display());
        }
        for ancestor in readable_folders(&folder, &files) {
            let mode = fs::metadata(&ancestor).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o755, "{}", ancestor.display());
        }

        // Somebody's own stays, and is named.
        let own =
            planned.iter().find_map(|line| line.strip_suffix("/conf.d/")?.strip_prefix("750 ")).unwrap();
        let own = folder.join(&own[1..]).join("ucarp.toml");
        fs::write(&own, "").unwrap();
        let output = run("uninstall", &variables);
        assert!(output.status.success(), "{system}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("left: "), "{output:?}");
        assert_eq!(found(&folder).len(), 1, "{system}: {:?}", found(&folder));
        assert!(own.exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}

/// Those in which everybody must find what is for everybody.
fn readable_folders(root: &Path, files: &[String]) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = files
        .iter()
        .filter(|line| line.contains("/share/") || line.contains("/sbin/"))
        .flat_map(|line| {
            let path = root.join(&line.split_once(' ').unwrap().1[1..]);
            path.ancestors()
                .skip(1)
                .take_while(|path| *path != root)
                .map(Path::to_path_buf)
                .collect::<Vec<_>>()
        })
        .collect();
    folders.sort();
    folders.dedup();
    folders
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let folder = tempfile("wrong");
    let root = folder.to_str().unwrap();
    for (variables, words) in [
        (vec![("SYSTEM", "Plan9"), ("DESTDIR", root)], "Plan9: Linux, OpenBSD"),
        (vec![("SYSTEM", "Linux"), ("SERVICES", "upstart"), ("DESTDIR", root)], "SERVICES=upstart"),
        (vec![("BINARY", "/nonexistent/ucarp"), ("DESTDIR", root)], "cargo build --release"),
        (vec![("DESTDIR", "/dev/null/root")], "cannot be written to"),
    ] {
        let output = run("install", &variables);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{variables:?}: {said}");
        let line = said.lines().last().unwrap_or_default();
        assert!(line.starts_with("ci/install: ") && line.contains(words), "{variables:?}: {said}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

fn tempfile(name: &str) -> PathBuf {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("install-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}
