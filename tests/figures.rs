//! The names of metrics: those that were promised, and no others in the rules, the dashboard and the manual. Where
//! Prometheus' own program is there, it reads the rules, tries them, and reads the dashboard's expressions.

#![expect(clippy::disallowed_methods, reason = "runs promtool")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// People write them into their files for ten years: none is renamed.
const PROMISED: &str = "ucarp_up ucarp_build_info ucarp_vip_info ucarp_role ucarp_role_change_timestamp_seconds \
    ucarp_transitions_total ucarp_advertisements_sent_total ucarp_advertisements_heard_total \
    ucarp_frames_rejected_total ucarp_send_failures_total ucarp_capture_drops_total ucarp_demotion \
    ucarp_maintenance ucarp_released ucarp_standbys ucarp_address_present \
    ucarp_advertisement_interval_seconds ucarp_peer_last_heard_timestamp_seconds \
    ucarp_two_masters_seconds_total ucarp_hook_last_duration_seconds ucarp_hook_failures_total \
    ucarp_check_up ucarp_check_runs_total ucarp_config_last_reload_successful \
    ucarp_config_last_reload_success_timestamp_seconds ucarp_config_pending ucarp_config_info \
    ucarp_announcements_total ucarp_late_wakes_total";

fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(place(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whatever in a text could be the name of one.
fn named(text: &str) -> BTreeSet<&str> {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !letter(c)).filter(|word| word.starts_with("ucarp_")).collect()
}

#[test]
fn the_names_are_those_that_were_promised() {
    let names: Vec<&str> = ucarp::control::names().collect();
    assert_eq!(names, PROMISED.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn rules_dashboard_and_manual_know_no_others() {
    let names: BTreeSet<&str> = ucarp::control::names().collect();
    for (path, least) in [
        ("dist/prometheus/ucarp.rules.yml", 12),
        ("dist/prometheus/ucarp.rules.test.yml", 12),
        ("dist/grafana/ucarp.json", 12),
        ("man/ucarpctl.8", 4),
    ] {
        let text = read(path);
        let used = named(&text);
        assert!(used.len() >= least, "{path}: {used:?}");
        assert!(used.is_subset(&names), "{path}: {:?}", used.difference(&names));
    }
}

/// What it says if it fails; nothing where it is not there.
fn promtool(words: &[&str], folder: &Path) {
    // ci/setup brings it where a package has it.
    let Ok(done) = Command::new("promtool").args(words).current_dir(folder).output() else { return };
    let said = [done.stdout, done.stderr].concat();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&said));
}

#[test]
fn rules_do_what_they_say() {
    let folder = place("dist/prometheus");
    promtool(&["check", "rules", "ucarp.rules.yml"], &folder);
    promtool(&["test", "rules", "ucarp.rules.test.yml"], &folder);
}

#[test]
fn the_dashboard_can_be_read() {
    let dashboard: serde_json::Value = serde_json::from_str(&read("dist/grafana/ucarp.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let rules: Vec<serde_json::Value> = targets
        .map(|target| {
            let text =
                target["expr"].as_str().unwrap().replace("$__rate_interval", "5m").replace("$vip", ".*");
            serde_json::json!({"record": "x", "expr": text, "labels": {"of": target["legendFormat"]}})
        })
        .collect();
    assert!(rules.len() > 12, "{}", rules.len());
    // YAML reads JSON. One group each: a name may stand twice then.
    let groups: Vec<_> = rules
        .iter()
        .enumerate()
        .map(|(at, rule)| serde_json::json!({"name": at.to_string(), "rules": [rule]}))
        .collect();
    let folder = std::env::temp_dir().join(format!("ucarp-dashboard-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("rules.yml"), serde_json::json!({"groups": groups}).to_string()).unwrap();
    promtool(&["check", "rules", "--lint=none", "rules.yml"], &folder);
    fs::remove_dir_all(folder).unwrap();
}
