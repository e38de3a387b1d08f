//! What happened, as lines for those who follow: the same lines that the log writes, each with a number.
//!
//! The last ones are kept, so that who comes back can be told what he missed, and how much more that was.

use std::collections::VecDeque;
use std::time::Duration;

use crate::json::Object;
use crate::log::{Facts, Line, put_facts, utc};

/// So many are kept.
const MOST: usize = 256;

struct Event {
    /// What programs are told.
    object: String,
    /// What people are told who may know everything, and all others.
    text: String,
    public: String,
}

/// All that are kept.
pub(super) struct Events {
    kept: VecDeque<Event>,
    /// The number of the next one.
    next: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self { kept: VecDeque::new(), next: 1 }
    }
}

impl Events {
    /// Something happened at this time.
    pub(super) fn push(&mut self, line: &Line, wall: Option<Duration>) {
        let Line { level, text, facts, .. } = line;
        let mut object = Object::default();
        object.plain("schema", Some(1));
        object.text("event", facts.id.as_ref());
        object.plain("seq", Some(self.next));
        object.text("time", wall.map(utc));
        object.text("level", Some(level.to_string().to_ascii_lowercase()));
        put_facts(facts, &mut object);
        let time = wall.map(utc).unwrap_or_default();
        self.kept.push_back(Event {
            object: object.line().trim_end().to_owned(),
            text: format!("{time} [{level}] {text}"),
            public: format!("{time} [{level}] {}", words(facts)),
        });
        self.next += 1;
        if self.kept.len() > MOST {
            self.kept.pop_front();
        }
    }

    /// The number that the next one will have.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Where somebody begins who knows everything up to this one. A number that has not been is from another life of the
    /// daemon: he begins at the beginning, and nobody knows how much he missed.
    pub(super) const fn after(&self, seen: u64) -> Option<u64> {
        if seen < self.next { Some(seen + 1) } else { None }
    }

    /// How many are lost of those from this one on, and the first that is not.
    pub(super) fn lost(&self, from: u64) -> (u64, u64) {
        let first = self.next - u64::try_from(self.kept.len()).unwrap_or_default();
        (first.saturating_sub(from), from.max(first))
    }

    /// The line for the one of this number, if it is kept.
    pub(super) fn line(&self, number: u64, everything: bool) -> Option<String> {
        let (_, first) = self.lost(0);
        let place = usize::try_from(number.checked_sub(first)?).ok()?;
        let Event { object, text, public } = self.kept.get(place)?;
        let text = if everything { text } else { public };
        Some(format!("event\t{object}\t{text}\n"))
    }
}

/// Neither paths nor what scripts say.
fn words(facts: &Facts) -> String {
    let Facts { id, vip, interface, vhid, from, to, reason, peer, cause, amount, hook } = facts;
    let vhid = vhid.map(|vhid| vhid.to_string());
    let amount = amount.map(|amount| amount.to_string());
    let named = [
        ("", id),
        ("vip=", vip),
        ("interface=", interface),
        ("vhid=", &vhid),
        ("from=", from),
        ("to=", to),
        ("reason=", reason),
        ("peer=", peer),
        ("cause=", cause),
        ("amount=", &amount),
        ("hook=", hook),
    ];
    let words: Vec<String> =
        named.iter().filter_map(|(name, word)| Some(format!("{name}{}", word.as_ref()?))).collect();
    words.join(" ").chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Level;

    fn line(number: u64) -> Line {
        let facts = Facts { vip: Some("web".into()), hook: Some("up".into()), ..Facts::id("UC1014") };
        Line { facts, ..Line::new(Level::Warning, format!("{number}: /etc/up failed")) }
    }

    #[test]
    fn the_last_ones_are_kept_and_the_gap_is_known() {
        let mut events = Events::default();
        assert_eq!((events.after(0), events.lost(1), events.line(1, true)), (Some(1), (0, 1), None));
        (1..=300).for_each(|number| events.push(&line(number), Some(Duration::ZERO)));
        assert_eq!(events.next(), 301);
        assert_eq!((events.lost(1), events.lost(45), events.lost(301)), ((44, 45), (0, 45), (0, 301)));
        assert_eq!((events.after(300), events.after(301)), (Some(301), None));
        assert_eq!(events.line(44, true), None);
        assert_eq!(events.line(301, true), None);
        let text = events.line(45, true).unwrap();
        assert!(text.ends_with("\t1970-01-01T00:00:00.000Z [WARNING] 45: /etc/up failed\n"), "{text}");
        let object = text.split('\t').nth(1).unwrap();
        assert_eq!(
            object,
            "{\"schema\":1,\"event\":\"UC1014\",\"seq\":45,\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"warning\",\
             \"vip\":\"web\",\"interface\":null,\"vhid\":null,\"from\":null,\"to\":null,\"reason\":null,\"peer\":null,\
             \"cause\":null,\"amount\":null,\"hook\":\"up\"}"
        );
        let read: serde_json::Value = serde_json::from_str(object).unwrap();
        assert_eq!(
            (&read["schema"], &read["seq"], &read["event"]),
            (&1.into(), &45.into(), &"UC1014".into())
        );
        assert_eq!(
            (&read["vip"], &read["hook"], &read["level"]),
            (&"web".into(), &"up".into(), &"warning".into())
        );
        assert!(read["to"].is_null() && !object.contains("/etc/up"), "{object}");
        let public = events.line(45, false).unwrap();
        assert!(public.ends_with("[WARNING] UC1014 vip=web hook=up\n"), "{public}");
        assert!(!public.contains("/etc/up"));
    }
}
