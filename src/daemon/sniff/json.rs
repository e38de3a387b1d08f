//! One packet as one JSON object on one line (RFC 8259).
//!
//! Every value is a number, null, true, false, a list of numbers, or a string made of the characters of numbers,
//! addresses and our own codes; nothing a stranger sends is copied as text. Every object has every name.

use super::packet::Packet;
use crate::json::Object;
use crate::protocol::{Family, Rejected};

/// The object, with its line end.
pub(super) fn object(packet: &Packet) -> String {
    let mut object = Object::default();
    let fields = &packet.fields;
    object.plain("time", Some(format_args!("{}.{:06}", packet.at.as_secs(), packet.at.subsec_micros())));
    object.plain(
        "family",
        Some(match packet.family {
            Family::V4 => 4,
            Family::V6 => 6,
        }),
    );
    object.text("src", packet.source);
    object.text("dst", packet.destination);
    object.text("src_mac", Some(packet.mac));
    object.text("dst_mac", Some(packet.to));
    object.plain("ttl", packet.ttl);
    object.plain("tos", packet.tos);
    let vlans: Vec<_> = packet.vlans.iter().flatten().map(ToString::to_string).collect();
    object.plain("vlans", Some(format_args!("[{}]", vlans.join(","))));
    object.text("protocol", Some(if packet.vrrp.is_some() { "vrrp" } else { "carp" }));
    object.plain("version", fields.version);
    object.plain("type", fields.kind);
    object.plain("vhid", fields.vhid);
    object.plain("advbase", fields.advbase);
    object.plain("advskew", fields.advskew);
    object.plain("demotion", fields.demotion);
    object.text("counter", fields.counter.map(|counter| format!("{counter:016x}")));
    object.plain("priority", packet.vrrp.map(|vrrp| vrrp.priority));
    object.text("kind", Some(packet.kind.code()));
    object.text("verdict", Some(packet.verdict.map_or_else(Rejected::code, |()| "accepted")));
    object.plain("authenticated", packet.authenticated);
    object.line()
}
