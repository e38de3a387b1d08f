//! Whom an order means.

use super::super::roster::Roster;
use crate::config::order::{Named, Order};
use crate::config::similar;
use crate::control::{Answer, answer::Matter};

/// The numbers of those it means, and what each is called, in the order of the configuration and each once.
///
/// # Errors
/// Somebody is named who is not there, or nobody where there are several.
pub(in super::super) fn meant(roster: &Roster, order: &Order) -> Result<Vec<(u16, String)>, Answer> {
    let all: Vec<(u16, String, Option<&str>)> =
        roster.served().map(|(host, entry)| (host, entry.label(), entry.config.group.as_deref())).collect();
    if all.is_empty() {
        return Err(Answer::new(Matter::NobodyServed, &[]));
    }
    if order.whom.is_empty() && all.len() > 1 {
        return Err(Answer::new(Matter::NobodyNamed, &[&all.len()]));
    }
    for named in &order.whom {
        match named {
            Named::All => {}
            Named::Group(group) if all.iter().any(|(_, _, of)| *of == Some(group)) => {}
            Named::Group(group) => return Err(Answer::new(Matter::UnknownGroup, &[group])),
            Named::One(name) if all.iter().any(|(_, label, _)| label == name) => {}
            Named::One(name) => {
                let nearest = similar(name.as_bytes(), &mut all.iter().map(|(_, label, _)| label.as_str()));
                return Err(match nearest {
                    Some(nearest) => Answer::new(Matter::UnknownNameNearly, &[name, &nearest]),
                    None => Answer::new(Matter::UnknownName, &[name]),
                });
            }
        }
    }
    let is_meant = |(_, label, of): &(u16, String, Option<&str>)| {
        let by = |named: &Named| match named {
            Named::All => true,
            Named::Group(group) => *of == Some(group),
            Named::One(name) => label == name,
        };
        order.whom.is_empty() || order.whom.iter().any(by)
    };
    Ok(all.into_iter().filter(is_meant).map(|(host, label, _)| (host, label)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::super::roster::Standing;
    use super::super::super::rules::tests::host;
    use super::*;
    use crate::protocol::Departure;

    #[test]
    fn who_is_named_is_found_and_who_is_not_there_is_told_the_nearest() {
        let named = |id: &str, name: Option<&str>, group: Option<&str>| {
            let (mut config, interface) = host(id, &[]);
            (config.name, config.group) = (name.map(str::to_owned), group.map(str::to_owned));
            (config, interface)
        };
        let mut roster = Roster::of(vec![
            named("7", Some("website"), Some("front")),
            named("8", None, Some("front")),
            named("9", Some("mail"), None),
        ]);
        let whom = |roster: &Roster, words: &str| {
            let words: Vec<&str> =
                ["maintenance", "on"].into_iter().chain(words.split_whitespace()).collect();
            let found = meant(roster, &Order::parse(&words).unwrap());
            found
                .map(|found| found.into_iter().map(|(host, _)| host).collect::<Vec<_>>())
                .map_err(|a| a.line())
        };
        assert_eq!(whom(&roster, "website"), Ok(vec![0]));
        assert_eq!(whom(&roster, "mail eth7-8 mail"), Ok(vec![1, 2]));
        assert_eq!(whom(&roster, "@front"), Ok(vec![0, 1]));
        assert_eq!(whom(&roster, "--all"), Ok(vec![0, 1, 2]));
        assert_eq!(whom(&roster, ""), Err("nobody_named\t3\n".into()));
        assert_eq!(whom(&roster, "mail webiste"), Err("unknown_name\twebiste\twebsite\n".into()));
        assert_eq!(whom(&roster, "db"), Err("unknown_name\tdb\n".into()));
        assert_eq!(whom(&roster, "@back"), Err("unknown_group\tback\n".into()));
        roster.set(1, Standing::Leaves(Departure::Removed));
        roster.set(2, Standing::Gone);
        assert_eq!(whom(&roster, ""), Ok(vec![0]), "there is but one");
        assert_eq!(whom(&Roster::default(), ""), Err("nobody_served\n".into()));
    }
}
