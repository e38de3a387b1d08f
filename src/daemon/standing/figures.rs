//! How a virtual host stands, in figures: what the engine counts and sees. What the hands do they count themselves
//! (`tally`), so that an engine's end leaves that as it is; what is here begins anew with another engine.

use std::time::Duration;

use super::super::clock::wall;
use super::super::fleet::Fleet;
use super::MOST_CAUSES;
use crate::control::Field;
use crate::protocol::{Presence, Role, Time};

/// Whom nobody heard for so long is nobody's peer any more.
const HOUR: Duration = Duration::from_secs(3600);

/// All of them.
pub(in super::super) fn fields(fleet: &Fleet, host: usize, now: Time) -> Vec<Field> {
    let one = &fleet.hosts()[host];
    let snapshot = one.core().snapshot(now);
    let counters = &snapshot.counters;
    let flag = u8::from;
    let mut fields: Vec<Field> = [Role::Init, Role::Backup, Role::Master]
        .into_iter()
        .map(|role| Field::sample("ucarp_role", &[("role", role.code())], flag(role == snapshot.role)))
        .collect();
    fields.extend(stamp("ucarp_role_change_timestamp_seconds", &[], snapshot.since, now));
    for (name, value) in [
        ("ucarp_advertisements_sent_total", counters.sent),
        ("ucarp_advertisements_heard_total", counters.heard),
        ("ucarp_send_failures_total", counters.send_failures),
        ("ucarp_capture_drops_total", counters.lost),
        ("ucarp_announcements_total", counters.announcements),
        ("ucarp_late_wakes_total", counters.late_wakes),
    ] {
        fields.push(Field::sample(name, &[], value));
    }
    for (rejected, count) in counters.rejections.iter() {
        fields.push(Field::sample("ucarp_frames_rejected_total", &[("reason", rejected.code())], count));
    }
    for cause in fleet.causes.of(host).iter().take(MOST_CAUSES) {
        let source = cause.cause.to_string();
        fields.push(Field::sample("ucarp_demotion", &[("source", &source)], cause.weight.amount));
    }
    let ready = snapshot.standbys.iter().filter(|standby| standby.ready).count();
    let is_present = one.shared.0 == Presence::All;
    fields.extend([
        Field::sample("ucarp_released", &[], flag(snapshot.released)),
        Field::sample("ucarp_standbys", &[], ready),
        Field::sample("ucarp_address_present", &[], flag(is_present)),
        Field::sample(
            "ucarp_advertisement_interval_seconds",
            &[],
            snapshot.interval.duration().as_secs_f64(),
        ),
        Field::sample("ucarp_two_masters_seconds_total", &[], snapshot.two_masters.as_secs_f64()),
    ]);
    for speaker in one.core().speakers(now) {
        if now.since(speaker.peer.heard) < HOUR {
            let peer = speaker.peer.source.to_string();
            let name = "ucarp_peer_last_heard_timestamp_seconds";
            fields.extend(stamp(name, &[("peer", &peer)], speaker.peer.heard, now));
        }
    }
    fields
}

/// A moment as the clock on the wall has it now: it may have been set since.
fn stamp(name: &str, labels: &[(&str, &str)], at: Time, now: Time) -> Option<Field> {
    let at = wall()?.saturating_sub(now.since(at));
    Some(Field::sample(name, labels, seconds(at)))
}

/// With milliseconds.
pub(in super::super) fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}
