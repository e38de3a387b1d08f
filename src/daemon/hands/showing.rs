//! What the hands show to whoever asks how things stand.

use super::super::by_hand::Demand;
use super::super::clock::wall;
use super::super::control::{Asked, Known, Way, meant};
use super::super::request::Fact;
use super::super::roster::{Entry, Roster};
use super::super::standing::peers;
use super::super::tally::Tally;
use super::Hands;
use crate::config::order::Named;
use crate::control::{Answer, Field, Subject, answer::Matter};
use crate::log::utc;
use crate::protocol::{Role, Time};

impl Hands {
    /// Asks the engine where that is due, and answers those who can be.
    pub(super) fn show(&mut self, subject: Subject, now: Time) {
        let Self { control, rules, engine, tally, .. } = self;
        let roster = rules.roster();
        let (asked, known) = control.standings(subject).answerable(now);
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
                // What is counted here is there without an engine, too.
                if subject == Subject::Figures {
                    return (client, Ok(figures(roster, tally, known.unwrap_or_default())));
                }
                let Some(known) = known else { return (client, Err(Answer::new(Matter::NoEngine, &[]))) };
                let text = meant(roster, &order).map(|hosts| {
                    let found = |host: u16| known.iter().find(|one| one.host == host);
                    let lines = hosts.iter().filter_map(|(host, name)| {
                        let entry = roster.get(*host)?;
                        let fields = &found(*host)?.fields;
                        Some(match subject {
                            Subject::Hosts | Subject::Figures => block(name, entry, fields, way, now),
                            Subject::Peers => peers_of(name, entry, fields),
                        })
                    });
                    let about = if subject == Subject::Hosts { about.as_str() } else { "" };
                    about.to_owned() + &lines.collect::<String>()
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
        let Self { control, rules, engine, .. } = self;
        let there = engine.is_some();
        let all = || rules.roster().there().map(|(host, _)| host).filter(|_| there).collect();
        if !there && subject != Subject::Figures {
            return;
        }
        if let Some((query, hosts)) = control.standings(subject).next(all, now) {
            self.tell(&Fact::Query { query, subject, hosts });
        }
    }
}

/// The lines about each of those who speak for one of them.
fn peers_of(name: &str, entry: &Entry, fields: &[Field]) -> String {
    let Entry { config, interface, .. } = entry;
    let whose = [
        Field::text("vip", Some(name)),
        Field::text("interface", Some(interface)),
        Field::plain("id", Some(config.vhid)),
    ];
    let each = peers::each(fields).map(|peer| {
        let lines: String = whose.iter().chain(peer).map(Field::line).collect();
        format!("peer\n{lines}")
    });
    each.collect()
}

/// All figures, with those of the engine as far as there is one.
fn figures(roster: &Roster, tally: &Tally, known: &[Known]) -> String {
    let lines = |fields: &[Field]| fields.iter().map(Field::line).collect::<String>();
    let mut text = format!("daemon\n{}", lines(&tally.of_daemon(roster)));
    for (host, entry) in roster.served() {
        let name = entry.label();
        let nobody = || {
            [Role::Init, Role::Backup, Role::Master].map(|role| {
                Field::sample("ucarp_role", &[("role", role.code())], u8::from(role == Role::Init))
            })
        };
        let engine = known.iter().find(|one| one.host == host).map(|one| one.fields.clone());
        let mut fields = engine.unwrap_or_else(|| nobody().to_vec());
        for field in tally.of_host((host, &name), entry, roster) {
            if fields.iter().all(|known| known.name != field.name) {
                fields.push(field);
            }
        }
        text += &format!("host\n{}{}", Field::text("name", Some(&name)).line(), lines(&fields));
    }
    text
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
