//! What a line looks like on a standard stream.

use std::time::Duration;

use super::{Facts, LONGEST, Level, Line, Services, severity};
use crate::config::{LogFormat, one_line};
use crate::json::Object;
use crate::platform::{LONGEST_TEXT, LocalTime};

/// What a name may have of bytes in an object; the sentence has what is left.
const LONGEST_NAME: usize = 100;

/// The line as it is written, with its end. Nothing in it ends a line or is longer than a stream takes at once.
pub(super) fn look(format: LogFormat, line: &Line, services: &Services) -> String {
    let Line { level, text, facts, held_back: _ } = line;
    match format {
        LogFormat::Plain => format!("{}: [{level}] {text}\n", iso_8601((services.local_time)())),
        LogFormat::SyslogPrefix => format!("{}[{level}] {text}\n", prefix(*level)),
        LogFormat::Json => object(*level, text, facts, (services.wall)()),
    }
}

/// The last words of a program that cannot write to its log: `speaker` says them, without a time where people read them.
/// They end in their identifier, if they have one.
#[must_use]
pub fn last_words(format: LogFormat, speaker: &str, id: Option<&str>, text: &str, wall: Duration) -> String {
    let mut text = one_line(text, usize::MAX);
    if let Some(id) = id {
        text.extend([" [", id, "]"]);
    }
    let facts = Facts { id: id.map(str::to_owned), ..Facts::default() };
    match format {
        LogFormat::Plain => format!("{speaker}{text}\n"),
        LogFormat::SyslogPrefix => format!("{}{speaker}{text}\n", prefix(Level::Error)),
        LogFormat::Json => object(Level::Error, &text, &facts, wall),
    }
}

/// What somebody else said, as objects: one for each line with something in it.
#[must_use]
pub fn objects(said: &[u8], services: &Services) -> Vec<u8> {
    objects_of(said, services).collect::<String>().into_bytes()
}

/// The same, one by one.
pub(super) fn objects_of(said: &[u8], services: &Services) -> impl Iterator<Item = String> {
    let lines = said.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty());
    lines.map(|line| {
        let text = one_line(&String::from_utf8_lossy(line), LONGEST);
        look(LogFormat::Json, &Line::new(Level::Info, text), services)
    })
}

/// What sd-daemon(3) and those who read the same have in front of a line.
fn prefix(level: Level) -> String {
    format!("<{}>", severity(level))
}

fn object(level: Level, text: &str, facts: &Facts, wall: Duration) -> String {
    let mut object = Object::default();
    object.text("time", Some(rfc_3339(wall)));
    object.plain("priority", Some(severity(level)));
    object.text("id", name(&facts.id));
    put(facts, &mut object);
    object.last_text("message", text, LONGEST_TEXT)
}

fn name(name: &Option<String>) -> Option<String> {
    name.as_deref().map(|name| one_line(name, LONGEST_NAME))
}

/// All that is known, but what it is called.
pub(crate) fn put(facts: &Facts, object: &mut Object) {
    let Facts { id: _, vip, interface, vhid, from, to, reason, peer, cause, amount, hook } = facts;
    object.text("vip", name(vip));
    object.text("interface", name(interface));
    object.plain("vhid", *vhid);
    object.text("from", name(from));
    object.text("to", name(to));
    object.text("reason", name(reason));
    object.text("peer", name(peer));
    object.text("cause", name(cause));
    object.plain("amount", *amount);
    object.text("hook", name(hook));
}

/// ISO 8601 without a zone: `2026-04-24T17:38:22.123456`, as the ancestor writes it.
fn iso_8601(time: LocalTime) -> String {
    let LocalTime { year, month, day, hour, minute, second, microsecond } = time;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{microsecond:06}")
}

/// RFC 3339 in UTC: `2026-04-24T15:38:22.123Z`.
pub(crate) fn rfc_3339(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days since the first of March of the year 0, in the 400 years after which the calendar begins anew; a year that begins
    // in March has the odd day at its end.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) =
        (era * 400 + year + u64::from(month > 9), if month > 9 { month - 9 } else { month + 3 });
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let millisecond = since_1970.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> LocalTime {
        LocalTime { year: 2026, month: 4, day: 4, hour: 12, minute: 3, second: 9, microsecond: 42 }
    }

    const SERVICES: Services = Services {
        local_time: noon,
        wall: || Duration::from_millis(1_775_304_189_042),
        lost: |count| format!("lost {count}"),
    };

    #[test]
    fn each_format_has_what_its_reader_does_not_add() {
        let line = |level| Line::new(level, "text");
        let plain = look(LogFormat::Plain, &line(Level::Warning), &SERVICES);
        assert_eq!(plain, "2026-04-04T12:03:09.000042: [WARNING] text\n");
        for (level, prefixed) in [
            (Level::Debug, "<7>[DEBUG] text\n"),
            (Level::Info, "<6>[INFO] text\n"),
            (Level::Warning, "<4>[WARNING] text\n"),
            (Level::Error, "<3>[ERROR] text\n"),
        ] {
            assert_eq!(look(LogFormat::SyslogPrefix, &line(level), &SERVICES), prefixed);
        }
    }

    #[test]
    fn an_object_has_every_name() {
        let object = |line: &Line| {
            let text = look(LogFormat::Json, line, &SERVICES);
            assert!(text.ends_with("}\n") && text.matches('\n').count() == 1, "{text}");
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        };
        let nothing = object(&Line::new(Level::Info, "text"));
        let names =
            ["id", "vip", "interface", "vhid", "from", "to", "reason", "peer", "cause", "amount", "hook"];
        assert_eq!(nothing.as_object().unwrap().len(), names.len() + 3);
        names.iter().for_each(|name| assert!(nothing[name].is_null(), "{name}"));
        assert_eq!(nothing["time"], "2026-04-04T12:03:09.042Z");
        assert_eq!((&nothing["priority"], &nothing["message"]), (&6.into(), &"text".into()));
        let facts = Facts {
            id: Some("UC1001".into()),
            vip: Some("web".into()),
            interface: Some("eth\u{7f}\"0".into()),
            vhid: Some(7),
            from: Some("BACKUP".into()),
            to: Some("MASTER".into()),
            reason: Some("timeout".into()),
            peer: Some("10.0.0.2".into()),
            cause: Some("check:x".into()),
            amount: Some(240),
            hook: Some("up".into()),
        };
        let all = object(&Line { facts, ..Line::new(Level::Error, "a \\n \"b\" ü") });
        assert_eq!((&all["id"], &all["vip"], &all["vhid"]), (&"UC1001".into(), &"web".into(), &7.into()));
        assert_eq!((&all["from"], &all["to"]), (&"BACKUP".into(), &"MASTER".into()));
        assert_eq!(
            (&all["cause"], &all["amount"], &all["hook"]),
            (&"check:x".into(), &240.into(), &"up".into())
        );
        assert_eq!((&all["reason"], &all["peer"]), (&"timeout".into(), &"10.0.0.2".into()));
        assert_eq!((&all["interface"], &all["message"]), (&"eth\\u{7f}\"0".into(), &"a \\n \"b\" ü".into()));
    }

    #[test]
    fn an_object_is_whole_however_long_the_sentence_is() {
        let long = |piece: &str| Some(piece.repeat(5000));
        for piece in ["x", "\"", "ü", "\\"] {
            let facts = Facts { id: long(piece), vip: long(piece), peer: long(piece), ..Facts::default() };
            let text = look(
                LogFormat::Json,
                &Line { facts, ..Line::new(Level::Info, long(piece).unwrap()) },
                &SERVICES,
            );
            assert!(text.len() <= LONGEST_TEXT && text.len() > LONGEST_TEXT - 20, "{}", text.len());
            let object: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(object["message"].as_str().unwrap().starts_with(piece));
        }
    }

    #[test]
    fn what_others_say_is_objects() {
        assert!(objects(b"\n\r\n", &SERVICES).is_empty());
        let said = [b"one\r\n\x00\xff\"\n".as_slice(), &[b'x'; LONGEST_TEXT]].concat();
        let text = String::from_utf8(objects(&said, &SERVICES)).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), &lines[0]["message"]), (3, &"one".into()));
        assert!(text.lines().all(|line| line.len() < LONGEST_TEXT));
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, day) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
            (1_798_761_599, "2026-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(rfc_3339(Duration::from_secs(seconds)), day);
        }
    }

    #[test]
    fn last_words_say_who_speaks() {
        let wall = Duration::from_secs(1);
        assert_eq!(last_words(LogFormat::Plain, "ucarp: ", None, "no\nuse", wall), "ucarp: no\\nuse\n");
        assert_eq!(
            last_words(LogFormat::SyslogPrefix, "ucarp: ", Some("UC5008"), "no use", wall),
            "<3>ucarp: no use [UC5008]\n"
        );
        let object = last_words(LogFormat::Json, "ucarp: ", Some("UC5008"), "no use", wall);
        let object: serde_json::Value = serde_json::from_str(&object).unwrap();
        assert_eq!((&object["id"], &object["priority"]), (&"UC5008".into(), &3.into()));
    }
}
