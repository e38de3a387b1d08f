//! How a virtual host stands, for whoever asks by the socket: the engine's part. What is configured the hands know.

pub(super) mod figures;
pub(super) mod peers;

use std::time::Duration;

use super::clock::wall;
use super::fleet::Fleet;
use crate::control::{Field, Subject};
use crate::json::Object;
use crate::log::utc;
use crate::protocol::causes::Standing as Cause;
use crate::protocol::{Presence, Snapshot, Standby, Time};

/// How many causes are listed: a message has an end.
const MOST_CAUSES: usize = 32;

/// All there is to say of one in answer to that.
pub(super) fn fields(subject: Subject, fleet: &Fleet, host: usize, now: Time) -> Vec<Field> {
    match subject {
        Subject::Hosts => of_host(fleet, host, now),
        Subject::Peers => peers::fields(fleet, host, now),
        Subject::Figures => figures::fields(fleet, host, now),
    }
}

fn ms(time: Duration) -> Option<u128> {
    Some(time.as_millis())
}

fn of_host(fleet: &Fleet, host: usize, now: Time) -> Vec<Field> {
    let one = &fleet.hosts()[host];
    let parameters = one.core().parameters();
    let snapshot = one.core().snapshot(now);
    let causes = fleet.causes.of(host);
    let of_day = |at: Time| wall().map(|wall| utc(wall.saturating_sub(now.since(at))));
    let Snapshot { role, followed, standbys, interval, refused, rival, two_masters, .. } = &snapshot;
    let (hook, last) = (snapshot.hook, snapshot.last_hook);
    let ready = standbys.iter().filter(|standby| standby.ready).count();
    let names: Vec<String> = causes.iter().map(|cause| cause.cause.to_string()).collect();
    vec![
        Field::text("role", Some(role.code())),
        Field::text("state", Some(if snapshot.released { "RELEASED" } else { role.code() })),
        Field::text("since", of_day(snapshot.since)),
        Field::plain("lasted_ms", ms(snapshot.lasted)),
        Field::text("why", Some(snapshot.reason.code())),
        Field::text("master", followed.map(|peer| peer.source)),
        Field::text("master_mac", followed.map(|peer| peer.mac)),
        Field::plain("master_heard_ms", followed.and_then(|peer| ms(now.since(peer.heard)))),
        Field::plain("master_interval_ms", followed.and_then(|peer| ms(peer.interval.duration()))),
        Field::text("refused", refused.map(|peer| peer.source)),
        Field::text("rival", rival.map(|peer| peer.source)),
        Field::plain("two_masters_ms", ms(*two_masters)),
        Field::plain("standby_count", Some(standbys.len())),
        Field::plain("ready_count", Some(ready)),
        Field::objects("standbys", standbys.iter().map(|standby| of_standby(standby, now))),
        Field::plain("interval_ms", ms(interval.duration())),
        Field::plain("configured_interval_ms", ms(parameters.interval.duration())),
        Field::plain("demotion", Some(snapshot.demotion)),
        Field::objects("demotions", causes.iter().take(MOST_CAUSES).map(|cause| of_cause(cause, now))),
        Field::note("causes", &names.join(", ")),
        Field::objects(
            "addresses",
            parameters.addresses.iter().map(|address| {
                let mut object = Object::default();
                object.text("address", Some(address));
                object
            }),
        ),
        Field::text("present", Some(present(one.shared.0))),
        Field::plain("address_missing", Some(snapshot.address_missing)),
        Field::text("hook", hook.map(|(hook, _)| hook.code())),
        Field::plain("hook_runs_ms", hook.and_then(|(_, since)| ms(now.since(since)))),
        Field::text("last_hook", last.map(|(hook, _)| hook.code())),
        Field::plain("last_hook_ok", last.map(|(_, end)| end == crate::protocol::HookEnd::Succeeded)),
        Field::plain("preempts_in_ms", snapshot.preempts_at.and_then(|at| ms(at.since(now)))),
        Field::plain("master_dead_in_ms", snapshot.master_down.and_then(|at| ms(at.since(now)))),
    ]
}

fn of_standby(standby: &Standby, now: Time) -> Object {
    let mut object = Object::default();
    object.text("address", Some(standby.address));
    object.plain("ready", Some(standby.ready));
    object.plain("maintenance", Some(standby.maintenance));
    object.plain("demotion", Some(standby.demotion));
    object.plain("interval_ms", Some(standby.interval.duration().as_millis()));
    object.plain("heard_ms", Some(now.since(standby.heard).as_millis()));
    object
}

fn of_cause(cause: &Cause, now: Time) -> Object {
    let mut object = Object::default();
    object.text("cause", Some(&cause.cause));
    object.plain("amount", Some(cause.weight.amount));
    object.plain("releases", Some(cause.weight.releases));
    object.plain("lasted_ms", Some(cause.lasted(now).as_millis()));
    object
}

/// How many of the addresses were on the interface when that was last looked at.
fn present(presence: Presence) -> &'static str {
    match presence {
        Presence::All => "all",
        Presence::Some => "some",
        Presence::None => "none",
        Presence::Pending => "pending",
        Presence::Taken => "taken",
    }
}
