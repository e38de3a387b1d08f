//! The virtual hosts of a daemon, for people and for programs.

use std::time::Duration;

use super::field::{Field, Value};
use crate::i18n::{decimal, tr};
use crate::json::Object;
use crate::width::columns;

/// One virtual host, as it was received.
#[derive(Default)]
pub(super) struct Standing(Vec<Field>);

impl Standing {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|field| field.name == name)?;
        match &field.value {
            Value::Nothing => None,
            Value::Text(text) | Value::Plain(text) | Value::Note(text) => Some(text),
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    fn object(&self) -> String {
        let mut object = Object::default();
        self.0.iter().for_each(|field| field.put(&mut object));
        object.line().trim_end().to_owned()
    }
}

/// Those of an answer: each begins with its own line, and what is no piece of one is left out.
pub(super) fn standings(lines: &[String]) -> Vec<Standing> {
    those("host", lines)
}

/// The same of those that begin with this.
pub(super) fn those(beginning: &str, lines: &[String]) -> Vec<Standing> {
    let mut all: Vec<Standing> = Vec::new();
    for line in lines {
        if line == beginning {
            all.push(Standing::default());
        } else if let (Some(one), Some(field)) = (all.last_mut(), Field::parse(line)) {
            one.0.push(field);
        }
    }
    all
}

/// What is said of the daemon as a whole, before any of them.
pub(super) fn daemon(lines: &[String]) -> Standing {
    Standing(lines.iter().take_while(|line| *line != "host").filter_map(|line| Field::parse(line)).collect())
}

/// All of them as one document.
pub(super) fn document(daemon: &Standing, all: &[Standing]) -> String {
    document_of(daemon, "hosts", all)
}

/// The same under another name.
pub(super) fn document_of(daemon: &Standing, name: &str, all: &[Standing]) -> String {
    let mut document = Object::default();
    document.plain("schema", Some(1));
    daemon.0.iter().for_each(|field| field.put(&mut document));
    let objects: Vec<String> = all.iter().map(Standing::object).collect();
    document.plain(name, Some(format!("[{}]", objects.join(","))));
    document.line()
}

/// What is to be minded about the configuration.
pub(super) fn unsettled(daemon: &Standing) -> Vec<String> {
    let mut found = Vec::new();
    if daemon.get("reload_refused") == Some("true") {
        found.push(tr!("the file was refused when it was read last, see the log").into_owned());
    }
    if daemon.get("undone") == Some("true") {
        found.push(tr!("the configuration of the file was taken back").into_owned());
    }
    if let Some(ms) = daemon.number("undo_in_ms") {
        found.push(tr!(
            "the configuration before it is back in {seconds} s, unless ucarpctl confirm comes",
            seconds = ms / 1000
        ));
    }
    found
}

/// The lines of a table, and what is to be minded below it.
pub(super) fn table(daemon: &Standing, all: &[Standing]) -> String {
    let unsettled = unsettled(daemon).into_iter().map(|sentence| sentence + "\n");
    rows(&all.iter().collect::<Vec<_>>()) + &unsettled.collect::<String>()
}

/// A line for each below a heading.
pub(super) fn rows(all: &[&Standing]) -> String {
    // TRANSLATORS: the headings of a table: of a virtual host its name, its state, for how long it has been so, with
    // which other host; short words.
    let heading = [
        tr!(of "heading"; "NAME"),
        tr!(of "heading"; "STATE"),
        tr!(of "heading"; "SINCE"),
        tr!(of "heading"; "WITH"),
        tr!(of "heading"; "NOTES"),
    ];
    let heading = heading.map(|word| word.into_owned());
    aligned(&std::iter::once(heading).chain(all.iter().map(|one| row(one))).collect::<Vec<_>>())
}

/// Rows below each other, each column as wide as it has to be.
pub(super) fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| {
        rows.iter().map(|row| row.get(column).map_or(0, |cell| columns(cell))).max().unwrap_or(0)
    };
    // Nothing stands behind the last one.
    let widths: Vec<usize> = (0..COLUMNS - 1).map(width).collect();
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(widths.iter().copied().chain([0]));
        let padded: Vec<String> = cells
            .map(|(cell, width)| cell.clone() + &" ".repeat(width.saturating_sub(columns(cell))))
            .collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn row(one: &Standing) -> [String; 5] {
    let word = |name| one.get(name).unwrap_or("-").to_owned();
    let since = one.number("lasted_ms").map_or_else(|| "-".into(), |ms| lasted(Duration::from_millis(ms)));
    [word("name"), word("state"), since, with(one), notes(one).join("; ")]
}

/// The master that is followed, or who would take over.
fn with(one: &Standing) -> String {
    if let (Some(master), Some(heard)) = (one.get("master"), one.number("master_heard_ms")) {
        let heard = decimal(Duration::from_millis(heard), 1);
        // TRANSLATORS: {master} is an address; in the column WITH, which should not be wide.
        return tr!("{master}, heard {seconds} s ago", master, seconds = heard);
    }
    match (one.get("role"), one.number("standby_count"), one.number("ready_count")) {
        (Some("MASTER"), Some(0), _) => tr!("no standby").into_owned(),
        (Some("MASTER"), Some(count), Some(ready)) => {
            // TRANSLATORS: in the column WITH, which should not be wide.
            tr!("standbys: {count}, ready: {ready}", count, ready)
        }
        _ => "-".to_owned(),
    }
}

fn notes(one: &Standing) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(amount) = one.number("demotion").filter(|amount| *amount > 0) {
        let causes = one.get("causes").filter(|causes| !causes.is_empty()).unwrap_or("?");
        notes.push(tr!("demoted by {amount} ({causes})", amount, causes));
    }
    if let Some(user) = one.get("maintenance_by") {
        let because = one.get("maintenance_because").map(|text| format!(" ({text})")).unwrap_or_default();
        // TRANSLATORS: {because} is empty, or a text in parentheses with a space before it.
        notes.push(tr!("maintenance by user {user}{because}", user, because));
    }
    if let Some(seconds) = one.number("preempts_in_ms").map(|ms| (ms + 500) / 1000) {
        notes.push(tr!("preempts in {seconds} s", seconds));
    }
    if let Some(hook) = one.get("hook") {
        // TRANSLATORS: {hook} is up or down.
        notes.push(tr!("{hook} script runs", hook));
    }
    if let Some(peer) = one.get("rival").filter(|_| one.get("role") == Some("MASTER")) {
        notes.push(tr!("two masters: {peer} is MASTER as well", peer));
    }
    if one.get("role") == Some("MASTER") && one.get("address_missing") == Some("true") {
        notes.push(tr!("an address is missing").into_owned());
    }
    if one.get("pending") == Some("true") {
        notes.push(tr!("others still have to learn of a change").into_owned());
    }
    if let Some(peer) = one.get("refused") {
        notes.push(tr!("refuses {peer}", peer));
    }
    notes
}

/// How long, in the two largest units.
fn lasted(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h{minutes:02}m"),
        _ => format!("{days}d{hours:02}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received() -> (Standing, Vec<Standing>) {
        let lines = "plain\treload_refused\tfalse\nplain\tundo_in_ms\t61900\nhost\ntext\tname\tweb\ntext\trole\tMASTER\ntext\tstate\tMASTER\nplain\tlasted_ms\t61000\n\
             nothing\tmaster\t\nplain\tstandby_count\t2\nplain\tready_count\t1\nplain\tdemotion\t0\n\
             plain\tstandbys\t[{\"address\":\"10.0.0.2\"}]\n\
             host\ntext\tname\tmail\ntext\trole\tBACKUP\ntext\tstate\tBACKUP\nplain\tlasted_ms\t90061000\n\
             text\tmaster\t10.0.0.2\nplain\tmaster_heard_ms\t410\nplain\tdemotion\t254\n\
             note\tcauses\tmaintenance, check:x\ntext\tmaintenance_by\t0\ntext\tmaintenance_because\tdisk\n\
             plain\tpreempts_in_ms\t12400\nfuture\tx\ty\n";
        let lines: Vec<String> = lines.lines().map(str::to_owned).collect();
        (daemon(&lines), standings(&lines))
    }

    #[test]
    fn people_get_a_table() {
        let (daemon, all) = received();
        assert_eq!(
            table(&daemon, &all),
            "NAME  STATE   SINCE  WITH                       NOTES\n\
             web   MASTER  1m01s  standbys: 2, ready: 1\n\
             mail  BACKUP  1d01h  10.0.0.2, heard 0.4 s ago  demoted by 254 (maintenance, check:x); \
             maintenance by user 0 (disk); preempts in 12 s\n\
             the configuration before it is back in 61 s, unless ucarpctl confirm comes\n"
        );
    }

    #[test]
    fn programs_get_a_document() {
        let (daemon, all) = received();
        let document = document(&daemon, &all);
        let read: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(read["schema"], 1);
        assert_eq!((&read["reload_refused"], &read["undo_in_ms"]), (&false.into(), &61_900.into()));
        assert_eq!(read["hosts"][0]["standbys"][0]["address"], "10.0.0.2");
        assert!(read["hosts"][0]["master"].is_null());
        assert_eq!(read["hosts"][1]["preempts_in_ms"], 12_400);
        assert!(read["hosts"][1].get("causes").is_none(), "that is for people");
    }

    #[test]
    fn how_long_is_short() {
        let said = [0, 59, 60, 3599, 3600, 86_399, 86_400].map(|s| lasted(Duration::from_secs(s)));
        assert_eq!(said, ["0s", "59s", "1m00s", "59m59s", "1h00m", "23h59m", "1d00h"]);
    }
}
