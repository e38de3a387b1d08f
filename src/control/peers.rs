//! Who else speaks for the virtual hosts, for people and for programs.

use std::time::Duration;

use super::table::{Standing, aligned, document_of, those};
use crate::i18n::{decimal, tr};

/// Those of an answer.
pub(super) fn peers(lines: &[String]) -> Vec<Standing> {
    those("peer", lines)
}

/// All of them as one document.
pub(super) fn document(all: &[Standing]) -> String {
    document_of(&Standing::default(), "peers", all)
}

/// The lines of a table.
pub(super) fn table(all: &[Standing]) -> String {
    rows(&all.iter().collect::<Vec<_>>(), true)
}

/// A line for each below a heading, with their hardware addresses or without.
pub(super) fn rows(all: &[&Standing], with_mac: bool) -> String {
    // TRANSLATORS: the headings of a table of other hosts: IS stands above master or standby, KIND above what program or
    // system it is, HEARD above how long ago it was heard; short words.
    let heading = [
        tr!(of "heading"; "NAME"),
        tr!(of "heading"; "ADDRESS"),
        tr!(of "heading"; "MAC"),
        tr!(of "heading"; "IS"),
        tr!(of "heading"; "KIND"),
        tr!(of "heading"; "INTERVAL"),
        tr!(of "heading"; "DEMOTED"),
        tr!(of "heading"; "HEARD"),
        tr!(of "heading"; "NOTES"),
    ];
    let heading = heading.map(|word| word.into_owned());
    let rows = std::iter::once(heading).chain(all.iter().map(|one| row(one)));
    if with_mac {
        return aligned(&rows.collect::<Vec<_>>());
    }
    let without = |[name, address, _, is, kind, interval, demoted, heard, notes]: [String; 9]| {
        [name, address, is, kind, interval, demoted, heard, notes]
    };
    aligned(&rows.map(without).collect::<Vec<_>>())
}

fn row(one: &Standing) -> [String; 9] {
    let word = |name| one.get(name).unwrap_or("-").to_owned();
    let seconds = |name, decimals| {
        let time = one.number(name).map(Duration::from_millis);
        time.map_or_else(|| "-".to_owned(), |time| tr!("{seconds} s", seconds = decimal(time, decimals)))
    };
    let is = |name| one.get(name) == Some("true");
    let stands = match (is("master"), is("standby")) {
        (true, _) => tr!(of "a host"; "master").into_owned(),
        (false, true) if is("ready") => tr!(of "a host"; "standby").into_owned(),
        (false, true) => tr!(of "a host"; "standby, not ready").into_owned(),
        (false, false) => "-".to_owned(),
    };
    let notes = match (one.get("refused"), one.get("agrees")) {
        // TRANSLATORS: {why} is a code such as bad_auth.
        (Some(why), _) => tr!("refused ({why})", why),
        (None, Some("list")) => tr!("shares other addresses").into_owned(),
        (None, Some("password")) => tr!("has another password").into_owned(),
        (None, _) => String::new(),
    };
    [
        word("vip"),
        word("address"),
        word("mac"),
        stands,
        word("kind"),
        seconds("interval_ms", 3),
        word("demotion"),
        seconds("heard_ms", 1),
        notes,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received() -> Vec<Standing> {
        let lines = "peer\ntext\tvip\tweb\ntext\taddress\t10.0.0.2\ntext\tmac\t02:00:00:00:00:02\n\
             text\tkind\tours\nplain\tmaster\tfalse\nplain\tstandby\ttrue\nplain\tready\ttrue\n\
             plain\tinterval_ms\t1390\nplain\tdemotion\t0\nplain\theard_ms\t2140\ntext\tagrees\tlist\n\
             nothing\trefused\t\n\
             peer\ntext\tvip\tweb\ntext\taddress\t10.0.0.9\ntext\tmac\t02:00:00:00:00:09\ntext\tkind\tkernel\n\
             plain\tmaster\ttrue\nplain\tstandby\tfalse\nnothing\tready\t\nplain\tinterval_ms\t1000\n\
             nothing\tdemotion\t\nplain\theard_ms\t410\nnothing\tagrees\t\ntext\trefused\tbad_auth\n";
        peers(&lines.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn people_get_a_table() {
        assert_eq!(
            table(&received()),
            "NAME  ADDRESS   MAC                IS       KIND    INTERVAL  DEMOTED  HEARD  NOTES\n\
             web   10.0.0.2  02:00:00:00:00:02  standby  ours    1.390 s   0        2.1 s  shares other addresses\n\
             web   10.0.0.9  02:00:00:00:00:09  master   kernel  1.000 s   -        0.4 s  refused (bad_auth)\n"
        );
    }

    #[test]
    fn programs_get_a_document() {
        let document = document(&received());
        let first = "{\"vip\":\"web\",\"address\":\"10.0.0.2\",\"mac\":\"02:00:00:00:00:02\",\"kind\":\"ours\",\
                     \"master\":false,\"standby\":true,\"ready\":true,\"interval_ms\":1390,\"demotion\":0,\
                     \"heard_ms\":2140,\"agrees\":\"list\",\"refused\":null}";
        assert!(document.starts_with(&format!("{{\"schema\":1,\"peers\":[{first},")), "{document}");
        let read: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!((&read["schema"], &read["peers"][0]["agrees"]), (&1.into(), &"list".into()));
        assert_eq!(
            (&read["peers"][1]["refused"], read["peers"][1]["ready"].is_null()),
            (&"bad_auth".into(), true)
        );
    }
}
