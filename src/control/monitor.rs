//! One line for a monitoring system, with figures behind a bar, and the exit status that it knows: 0 well, 1 to be looked at,
//! 2 bad, 3 not known.

use super::table::{Standing, unsettled};
use super::{Said, Status};
use crate::i18n::tr;
use crate::protocol::Role;

/// Nothing is to be said of it.
pub(super) const WELL: u8 = 0;
/// It is to be looked at.
pub(super) const ODD: u8 = 1;
const BAD: u8 = 2;
const UNKNOWN: u8 = 3;
/// Standbys tell their master of themselves every 10 s: who has been master, or has run, for less than that, in
/// milliseconds, may know of none that is there.
const STANDBYS_ARE_KNOWN: u64 = 12_000;

/// Nothing could be judged. A daemon that is silent is bad; whoever may not ask does not know.
pub(super) fn failed(status: Status, sentence: &str) -> Said {
    match status {
        Status::NoDaemon => line(BAD, sentence, ""),
        Status::Done | Status::Refused | Status::Usage | Status::Denied => line(UNKNOWN, sentence, ""),
    }
}

/// What is thought of these, and of their daemon. With an expected role another one is bad.
pub(super) fn judged(daemon: &Standing, all: &[Standing], expected: Option<Role>) -> Said {
    let mut found: Vec<(u8, String)> = all.iter().flat_map(|one| judge(one, expected)).collect();
    found.extend(unsettled(daemon).into_iter().map(|sentence| (ODD, sentence)));
    let worst = found.iter().map(|(level, _)| *level).max().unwrap_or(WELL);
    let name = |one: &Standing| one.get("name").unwrap_or("?").to_owned();
    let said: Vec<String> = if worst == WELL {
        all.iter().map(|one| format!("{}: {}", name(one), one.get("state").unwrap_or("?"))).collect()
    } else {
        found.into_iter().filter(|(level, _)| *level == worst).map(|(_, sentence)| sentence).collect()
    };
    let figures: Vec<String> = all.iter().map(|one| figures(&name(one), one)).collect();
    line(worst, &said.join("; "), &figures.join(" "))
}

fn line(level: u8, said: &str, figures: &str) -> Said {
    let word = match level {
        WELL => "OK",
        ODD => "WARNING",
        BAD => "CRITICAL",
        _ => "UNKNOWN",
    };
    // What stands behind a bar is for machines.
    let said = said.replace('|', "/");
    let bar = if figures.is_empty() { "" } else { " | " };
    Said { out: format!("UCARP {word} - {said}{bar}{figures}\n"), err: String::new(), status: level }
}

fn figures(name: &str, one: &Standing) -> String {
    let number = |field| one.number(field).unwrap_or_default();
    let is_master = u8::from(one.get("role") == Some(Role::Master.code()));
    let (demotion, ready) = (number("demotion"), number("ready_count"));
    format!(
        "'{name} master'={is_master} '{name} demotion'={demotion};0;;0;254 '{name} ready standbys'={ready}"
    )
}

/// How well one is, whatever its role.
pub(super) fn level(one: &Standing) -> u8 {
    judge(one, None).into_iter().map(|(level, _)| level).max().unwrap_or(WELL)
}

/// All that is not well with one, and how bad that is.
fn judge(one: &Standing, expected: Option<Role>) -> Vec<(u8, String)> {
    let name = one.get("name").unwrap_or("?");
    let role = one.get("role").unwrap_or("?");
    let is_master = role == Role::Master.code();
    let mut found = Vec::new();
    let mut add = |level, sentence: &str| found.push((level, format!("{name}: {sentence}")));
    if let Some(expected) = expected.filter(|expected| expected.code() != role) {
        // TRANSLATORS: {role} and {expected} are INIT, BACKUP or MASTER.
        add(BAD, &tr!("{role} instead of {expected}", role, expected = expected.code()));
    }
    if one.get("state") == Some("RELEASED") {
        add(BAD, &tr!("released: no MASTER, even if no other host is there"));
    }
    if let Some(peer) = one.get("rival").filter(|_| is_master) {
        add(BAD, &tr!("two masters: {peer} is MASTER as well", peer));
    }
    if let Some(peer) = one.get("refused") {
        add(BAD, &tr!("{peer} claims the address and does not authenticate", peer));
    }
    if is_master && one.get("address_missing") == Some("true") {
        add(BAD, &tr!("MASTER, and an address is missing"));
    }
    if is_master && one.get("last_hook") == Some("up") && one.get("last_hook_ok") == Some("false") {
        add(BAD, &tr!("MASTER, and the up script failed"));
    }
    if role == Role::Init.code() {
        let interface = one.get("interface").unwrap_or("?");
        add(ODD, &tr!("waiting for {interface}", interface));
    }
    if one.get("maintenance") == Some("true") {
        add(ODD, &tr!("in maintenance"));
    } else if let Some(amount) = one.number("demotion").filter(|amount| *amount > 0) {
        let causes = one.get("causes").unwrap_or("?");
        // TRANSLATORS: {causes} are names of demotions with commas between them, such as maintenance, check:web.
        add(ODD, &tr!("demoted by {amount} ({causes})", amount, causes));
    }
    if one.get("pending") == Some("true") {
        add(ODD, &tr!("others still have to learn of a change (ucarpctl confirm)"));
    }
    let could_know = one.number("lasted_ms").is_none_or(|lasted| lasted >= STANDBYS_ARE_KNOWN);
    if is_master && could_know && one.number("ready_count") == Some(0) {
        add(ODD, &tr!("MASTER without a standby that is ready"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::table::{daemon, standings};
    use super::*;

    fn judged(lines: &[&str], expected: Option<Role>) -> (u8, String) {
        judged_beside(&[], lines, expected)
    }

    fn judged_beside(about: &[&str], lines: &[&str], expected: Option<Role>) -> (u8, String) {
        let host = ["host", "text\tname\tweb", "text\tinterface\teth0"];
        let lines: Vec<String> = about.iter().chain(&host).chain(lines).map(ToString::to_string).collect();
        let Said { out, status, .. } = super::judged(&daemon(&lines), &standings(&lines), expected);
        assert!(out.ends_with('\n') && out.lines().count() == 1 && out.matches('|').count() == 1, "{out}");
        (status, out)
    }

    #[test]
    fn the_worst_is_said_with_its_status() {
        const MASTER: &str = "text\trole\tMASTER";
        const READY: &str = "plain\tready_count\t1";
        const BACKUP: &str = "text\trole\tBACKUP";
        let (status, line) = judged(&[MASTER, "text\tstate\tMASTER", READY], None);
        assert_eq!(status, 0);
        assert_eq!(
            line,
            "UCARP OK - web: MASTER | 'web master'=1 'web demotion'=0;0;;0;254 'web ready standbys'=1\n"
        );
        for (lines, expected, level, part) in [
            (vec![BACKUP, "text\tstate\tBACKUP"], None, 0, "BACKUP"),
            (vec![BACKUP], Some(Role::Master), 2, "BACKUP instead of MASTER"),
            (vec![MASTER, READY], Some(Role::Master), 0, "OK"),
            (vec![BACKUP, "text\tstate\tRELEASED", "plain\tdemotion\t9"], None, 2, "released"),
            (vec![BACKUP, "text\trefused\t10.0.0.9"], None, 2, "10.0.0.9 claims"),
            (vec![MASTER, READY, "text\trival\t10.0.0.9"], None, 2, "10.0.0.9 is MASTER as well"),
            (vec![MASTER, READY, "plain\taddress_missing\ttrue"], None, 2, "missing"),
            (vec![MASTER, READY, "text\tlast_hook\tup", "plain\tlast_hook_ok\tfalse"], None, 2, "script"),
            (vec![BACKUP, "plain\tdemotion\t9", "note\tcauses\tcheck:x"], None, 1, "by 9 (check:x)"),
            (vec![BACKUP, "plain\tmaintenance\ttrue", "plain\tdemotion\t254"], None, 1, "in maintenance"),
            (vec![MASTER, "plain\tready_count\t0"], None, 1, "without a standby"),
            (vec![MASTER, "plain\tready_count\t0", "plain\tlasted_ms\t12000"], None, 1, "without a standby"),
            (vec![MASTER, "plain\tready_count\t0", "plain\tlasted_ms\t11999"], None, 0, "OK"),
            (vec!["text\trole\tINIT"], None, 1, "waiting for eth0"),
            (vec![BACKUP, "plain\tpending\ttrue"], None, 1, "learn of a change"),
        ] {
            let (status, line) = judged(&lines, expected);
            assert!(status == level && line.contains(part), "{lines:?}: {status}: {line}");
        }
        for (about, part) in [
            ("plain\treload_refused\ttrue", "refused"),
            ("plain\tundone\ttrue", "taken back"),
            ("plain\tundo_in_ms\t9100", "in 9 s"),
        ] {
            let (status, line) = judged_beside(&[about], &[BACKUP], None);
            assert!(status == 1 && line.contains(part), "{status}: {line}");
        }
        let said = |status| failed(status, "why|not");
        assert_eq!([Status::NoDaemon, Status::Denied, Status::Refused].map(|s| said(s).status), [2, 3, 3]);
        assert_eq!(said(Status::Denied).out, "UCARP UNKNOWN - why/not\n");
    }
}
