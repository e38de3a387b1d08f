//! Who else speaks for a virtual host, as far as the engine knows.

use super::super::fleet::Fleet;
use super::ms;
use crate::control::Field;
use crate::protocol::{Rejected, Speaker, Standby, Time};
use crate::sorting::sort_by;

/// What begins with this is another one.
const FIRST: &str = "address";

/// All of them: the master that is refused, then whoever authenticates, the last heard first. A standby is told with what it says
/// of itself.
pub(in super::super) fn fields(fleet: &Fleet, host: usize, now: Time) -> Vec<Field> {
    let core = fleet.hosts()[host].core();
    let snapshot = core.snapshot(now);
    let mut speakers = core.speakers(now);
    let age = |speaker: &Speaker| now.since(speaker.peer.heard);
    sort_by(&mut speakers, |one, other| age(one).cmp(&age(other)));
    let refused = snapshot.refused.map(|peer| {
        let speaker = Speaker { peer, demotion: 0, is_master: true };
        of(&speaker, None, Some(Rejected::BadAuth), now)
    });
    let heard = speakers.iter().map(|speaker| {
        let standby = snapshot.standbys.iter().find(|standby| standby.address == speaker.peer.source);
        of(speaker, standby, None, now)
    });
    refused.into_iter().chain(heard).flatten().collect()
}

fn of(speaker: &Speaker, standby: Option<&Standby>, refused: Option<Rejected>, now: Time) -> Vec<Field> {
    let Speaker { peer, demotion, is_master } = speaker;
    let heard = standby.map_or(peer.heard, |standby| standby.heard.max(peer.heard));
    vec![
        Field::text(FIRST, Some(peer.source)),
        Field::text("mac", Some(peer.mac)),
        Field::text("kind", Some(peer.kind.code())),
        Field::plain("master", Some(is_master)),
        Field::plain("standby", Some(standby.is_some())),
        Field::plain("ready", standby.map(|standby| standby.ready)),
        Field::plain("interval_ms", ms(standby.map_or(peer.interval, |it| it.interval).duration())),
        // What does not authenticate may say anything.
        Field::plain("demotion", refused.is_none().then_some(standby.map_or(*demotion, |it| it.demotion))),
        Field::plain("heard_ms", ms(now.since(heard))),
        Field::text("agrees", standby.map(|standby| standby.agrees.code())),
        Field::text("refused", refused.map(Rejected::code)),
    ]
}

/// One after the other.
pub(in super::super) fn each(fields: &[Field]) -> impl Iterator<Item = &[Field]> {
    let mut left = fields;
    std::iter::from_fn(move || {
        let next = left.iter().skip(1).position(|field| field.name == FIRST).map_or(left.len(), |at| at + 1);
        let (one, rest) = left.split_at(next);
        left = rest;
        (!one.is_empty()).then_some(one)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_ends_where_the_next_begins() {
        let field = |name: &str| Field::text(name, Some("x"));
        let three = ["address", "mac", "address", "address", "mac", "kind"].map(field);
        assert_eq!(each(&three).map(<[_]>::len).collect::<Vec<_>>(), [2, 1, 3]);
        assert_eq!(each(&[]).count(), 0);
    }
}
