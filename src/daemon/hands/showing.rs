//! What the hands show to whoever asks how things stand.

use super::super::by_hand::Demand;
use super::super::clock::wall;
use super::super::control::{Asked, Way, meant};
use super::super::request::Fact;
use super::super::roster::Entry;
use super::Hands;
use crate::config::order::Named;
use crate::control::{Answer, Field, answer::Matter};
use crate::log::utc;
use crate::protocol::Time;

impl Hands {
    /// Asks the engine where that is due, and answers those who can be.
    pub(super) fn show(&mut self, now: Time) {
        let Self { control, rules, engine, .. } = self;
        let (asked, known) = control.standings.answerable(now);
        let known = known.filter(|_| engine.is_some());
        let left = self.previous.until().map(|until| until.since(now).as_millis());
        let about: String = [
            Field::plain("reload_refused", Some(self.refused)),
            Field::plain("undone", Some(self.previous.undone())),
            Field::plain("undo_in_ms", left),
        ]
        .iter()
        .map(Field::line)
        .collect();
        let answers: Vec<(u32, Result<String, Answer>)> = asked
            .into_iter()
            .map(|Asked { client, way, mut order, .. }| {
                if order.whom.is_empty() {
                    order.whom.push(Named::All);
                }
                let Some(known) = known else { return (client, Err(Answer::new(Matter::NoEngine, &[]))) };
                let text = meant(rules.roster(), &order).map(|hosts| {
                    let found = |host: u16| known.iter().find(|one| one.host == host);
                    let lines = hosts.iter().filter_map(|(host, name)| {
                        let entry = rules.roster().get(*host)?;
                        Some(block(name, entry, &found(*host)?.fields, way, now))
                    });
                    about.clone() + &lines.collect::<String>()
                });
                (client, text)
            })
            .collect();
        for (client, text) in answers {
            match text {
                Ok(text) => self.control.show(client, &text, now),
                Err(answer) => self.control.answer(client, &[answer], now),
            }
        }
        if self.engine.is_none() {
            return;
        }
        let Self { control, rules, .. } = self;
        let all = || rules.roster().there().map(|(host, _)| host).collect();
        if let Some((query, hosts)) = control.standings.next(all, now) {
            self.tell(&Fact::Query { query, hosts });
        }
    }
}

/// The lines about one of them. Why something was done by hand is not for everybody.
fn block(name: &str, entry: &Entry, fields: &[Field], way: Way, now: Time) -> String {
    let Entry { config, interface, demands, kept, .. } = entry;
    let maintenance = demands.iter().flatten().find(|demand| demand.is_maintenance());
    let of = |get: fn(&Demand) -> Option<String>| maintenance.and_then(get);
    let because = of(|demand| demand.because.clone()).filter(|_| way == Way::Orders);
    let left = maintenance.and_then(|demand| demand.until).map(|until| until.since(now).as_millis());
    let known = [
        Field::text("name", Some(name)),
        Field::text("group", config.group.as_ref()),
        Field::text("interface", Some(interface)),
        Field::plain("id", Some(config.vhid)),
        Field::plain("pending", Some(kept.iter().any(|former| former.sent.is_some()))),
        Field::plain("maintenance", Some(maintenance.is_some())),
        Field::text("maintenance_by", of(|demand| demand.by.map(|user| user.to_string()))),
        Field::text("maintenance_since", of(|demand| wall().map(|_| utc(demand.since)))),
        Field::plain("maintenance_ends_in_ms", left),
        Field::text("maintenance_because", because),
    ];
    let lines: String = known.iter().chain(fields).map(Field::line).collect();
    format!("host\n{lines}")
}
