//! What the hands count: changes of state and verdicts as they are told by the door of the log, how hooks and checks
//! end, and how the configuration was read. An engine's end leaves all of it as it is.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::clock::wall;
use super::roster::{Entry, Roster};
use super::standing::figures::seconds;
use crate::config::Check;
use crate::config::check::Verdict;
use crate::config::order::{MAINTENANCE, OPERATOR};
use crate::control::Field;
use crate::ids;
use crate::log::Facts;
use crate::protocol::causes::Cause;
use crate::protocol::{Hook, Reason, Time};
use crate::sorting::sort_by;

const HOOKS: [Hook; 2] = [Hook::Up, Hook::Down];

/// All that is counted.
#[derive(Default)]
pub(super) struct Tally {
    /// By what the log calls the virtual host, then by role and reason.
    transitions: BTreeMap<String, BTreeMap<(String, String), u64>>,
    hooks: HashMap<(u16, Hook), Hooks>,
    checks: HashMap<String, Checked>,
    reload_failed: bool,
    /// When the configuration was last taken over, by the clock on the wall.
    reloaded: Option<Duration>,
}

#[derive(Clone, Copy, Default)]
struct Hooks {
    /// One runs since then.
    began: Option<Time>,
    lasted: Duration,
    failures: u64,
}

#[derive(Clone, Copy, Default)]
struct Checked {
    passed: u64,
    failed: u64,
    verdict: Option<bool>,
}

impl Tally {
    /// The configuration is taken over, as at the start, or is not.
    pub(super) fn reloaded(&mut self, well: bool) {
        self.reload_failed = !well;
        if well {
            self.reloaded = wall();
        }
    }

    /// Something was said.
    pub(super) fn hear(&mut self, facts: &Facts) {
        let Facts { id, vip, interface, vhid, to, reason, cause, .. } = facts;
        match id.as_deref() {
            Some(ids::TRANSITION) => {
                let (Some(to), Some(reason)) = (to, reason) else { return };
                let place = || Some(format!("{}-{}", interface.as_ref()?, (*vhid)?));
                let Some(label) = vip.clone().or_else(place) else { return };
                let count = self.transitions.entry(label).or_default();
                *count.entry((to.clone(), reason.clone())).or_default() += 1;
            }
            Some(ids::CHECK_FAILS | ids::CHECK_PASSES | ids::CHECK_NOT_MADE) => {
                let Some(name) = cause.as_deref().and_then(|cause| cause.strip_prefix("check:")) else {
                    return;
                };
                let passes = id.as_deref() == Some(ids::CHECK_PASSES);
                self.checks.entry(name.to_owned()).or_default().verdict = Some(passes);
            }
            _ => {}
        }
    }

    /// A hook of this host is started.
    pub(super) fn hook_began(&mut self, host: u16, hook: Hook, now: Time) {
        self.hooks.entry((host, hook)).or_default().began = Some(now);
    }

    /// It has ended, or could not be run.
    pub(super) fn hook_ended(&mut self, host: u16, hook: Hook, well: bool, now: Time) {
        let known = self.hooks.entry((host, hook)).or_default();
        known.lasted = known.began.take().map_or(Duration::ZERO, |began| now.since(began));
        known.failures += u64::from(!well);
    }

    /// A check was made.
    pub(super) fn checked(&mut self, name: &str, well: bool) {
        let known = self.checks.entry(name.to_owned()).or_default();
        let count = if well { &mut known.passed } else { &mut known.failed };
        *count += 1;
    }

    /// Of this host nothing is left.
    pub(super) fn forget(&mut self, host: u16) {
        self.hooks.retain(|(known, _), _| *known != host);
    }

    /// What is to be said of the daemon.
    pub(super) fn of_daemon(&self, roster: &Roster) -> Vec<Field> {
        let mut fields = vec![
            Field::sample("ucarp_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1),
            Field::sample("ucarp_config_last_reload_successful", &[], u8::from(!self.reload_failed)),
        ];
        fields.extend(
            self.reloaded.map(|at| {
                Field::sample("ucarp_config_last_reload_success_timestamp_seconds", &[], seconds(at))
            }),
        );
        for (_, check) in roster.checks() {
            let known = self.checks.get(&check.name).copied().unwrap_or_default();
            let passes = known.verdict.unwrap_or(check.initial != Verdict::Failing);
            let name = ("check", check.name.as_str());
            fields.push(Field::sample("ucarp_check_up", &[name], u8::from(passes)));
            for (result, count) in [("passed", known.passed), ("failed", known.failed)] {
                let labels = [name, ("result", result)];
                fields.push(Field::sample("ucarp_check_runs_total", &labels, count));
            }
        }
        fields
    }

    /// What is to be said of a virtual host, besides what the engine says.
    pub(super) fn of_host(&self, (host, name): (u16, &str), entry: &Entry, roster: &Roster) -> Vec<Field> {
        let Entry { config, interface, demands, kept, .. } = entry;
        let vhid = config.vhid.to_string();
        let group = config.group.as_deref().unwrap_or_default();
        let labels = [("interface", interface.as_str()), ("vhid", &vhid), ("group", group)];
        let maintenance = demands.iter().flatten().any(super::by_hand::Demand::is_maintenance);
        let pending = kept.iter().any(|former| former.sent.is_some());
        let mut fields = vec![
            Field::sample("ucarp_vip_info", &labels, 1),
            Field::sample("ucarp_maintenance", &[], u8::from(maintenance)),
            Field::sample("ucarp_config_pending", &[], u8::from(pending)),
            Field::sample("ucarp_config_info", &[("addresses_hash", &addresses_hash(entry))], 1),
        ];
        let usual = |reason: Reason| (reason.leads_to().code().to_owned(), reason.code().to_owned());
        let mut counted = BTreeMap::new();
        counted.extend(Reason::ALL.into_iter().map(|reason| (usual(reason), 0)));
        counted.extend(self.transitions.get(name).cloned().unwrap_or_default());
        for ((to, reason), count) in counted {
            let labels = [("to", to.as_str()), ("reason", &reason)];
            fields.push(Field::sample("ucarp_transitions_total", &labels, count));
        }
        for hook in HOOKS.into_iter().filter(|hook| entry.script(*hook).is_some()) {
            let known = self.hooks.get(&(host, hook)).copied().unwrap_or_default();
            let labels = [("hook", hook.code())];
            fields.push(Field::sample(
                "ucarp_hook_last_duration_seconds",
                &labels,
                known.lasted.as_secs_f64(),
            ));
            fields.push(Field::sample("ucarp_hook_failures_total", &labels, known.failures));
        }
        fields.extend(
            sources(name, entry, roster)
                .map(|source| Field::sample("ucarp_demotion", &[("source", &source)], 0)),
        );
        fields
    }
}

/// What could demote this virtual host, so that each is there before it does.
fn sources(name: &str, entry: &Entry, roster: &Roster) -> impl Iterator<Item = String> {
    let Entry { config, interface, .. } = entry;
    let is_meant = |check: &Check| check.whom.means(config.name.as_deref(), config.group.as_deref());
    let checks = roster.checks().filter(|(_, check)| is_meant(check));
    let mut all: Vec<Cause> = checks.map(|(_, check)| Cause::Check(check.name.clone())).collect();
    all.extend([
        Cause::Link(interface.clone()),
        Cause::Send(interface.clone()),
        Cause::Hook(name.to_owned()),
        Cause::ByHand(MAINTENANCE.to_owned()),
        Cause::ByHand(OPERATOR.to_owned()),
    ]);
    all.extend(config.group.clone().map(Cause::Group));
    all.into_iter().map(|cause| cause.to_string())
}

/// The same on each host that shares the same addresses, in whatever order (FNV-1a, 32 bits): no secret, and no proof.
fn addresses_hash(entry: &Entry) -> String {
    let mut addresses: Vec<_> = entry.config.addresses.iter().map(|shared| shared.address).collect();
    sort_by(&mut addresses, Ord::cmp);
    addresses.dedup();
    let text: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    format!("{:08x}", text.join(" ").bytes().fold(0x811c_9dc5, step))
}

#[cfg(test)]
mod tests {
    use super::super::rules::tests::host;
    use super::*;

    fn value(fields: &[Field], name: &str) -> Option<String> {
        let field = fields.iter().find(|field| field.name == name)?;
        field.line().trim_end().rsplit('\t').next().map(str::to_owned)
    }

    fn roster() -> Roster {
        let (mut config, interface) = host("7", &[]);
        config.name = Some("web".to_owned());
        Roster::of(vec![(config, interface), host("8", &[])])
    }

    #[test]
    fn changes_are_counted_by_what_is_said() {
        let (roster, mut tally) = (roster(), Tally::default());
        let change = |vip: Option<&str>, vhid, reason: &str| Facts {
            vip: vip.map(str::to_owned),
            vhid: Some(vhid),
            to: Some("MASTER".to_owned()),
            reason: Some(reason.to_owned()),
            ..Facts::id("UC1001").on("eth7")
        };
        tally.hear(&change(Some("web"), 7, "master_left"));
        tally.hear(&change(Some("web"), 7, "master_left"));
        tally.hear(&change(None, 8, "of_tomorrow"));
        tally.hear(&Facts::id("UC1002").on("eth7"));
        let of = |host: u16| {
            let entry = roster.get(host).unwrap();
            tally.of_host((host, &entry.label()), entry, &roster)
        };
        let name = |reason| format!("ucarp_transitions_total{{to=\"MASTER\",reason=\"{reason}\"}}");
        let web = of(0);
        assert_eq!(value(&web, &name("master_left")).as_deref(), Some("2"));
        assert_eq!(value(&web, &name("master_timed_out")).as_deref(), Some("0"));
        assert_eq!(value(&web, &name("of_tomorrow")), None);
        assert_eq!(value(&of(1), &name("of_tomorrow")).as_deref(), Some("1"));
        let counted = web.iter().filter(|field| field.name.starts_with("ucarp_transitions_total"));
        assert_eq!(counted.count(), Reason::ALL.len());
        assert_eq!(value(&web, "ucarp_demotion{source=\"maintenance\"}").as_deref(), Some("0"));
        assert_eq!(value(&web, "ucarp_demotion{source=\"hook:web\"}").as_deref(), Some("0"));
    }

    #[test]
    fn a_verdict_is_what_was_said_last_and_a_reload_what_it_came_to() {
        let (roster, mut tally) = (roster(), Tally::default());
        let of = |tally: &Tally, name: &str| value(&tally.of_daemon(&roster), name);
        tally.reloaded(true);
        assert_eq!(of(&tally, "ucarp_config_last_reload_successful").as_deref(), Some("1"));
        let at = of(&tally, "ucarp_config_last_reload_success_timestamp_seconds");
        tally.reloaded(false);
        assert_eq!(of(&tally, "ucarp_config_last_reload_successful").as_deref(), Some("0"));
        assert!(at.is_some() && at == of(&tally, "ucarp_config_last_reload_success_timestamp_seconds"));
        for (id, passes) in [("UC1051", false), ("UC1052", true), ("UC1053", false)] {
            tally.hear(&Facts { cause: Some("check:x".to_owned()), ..Facts::id(id) });
            assert_eq!(tally.checks.get("x").and_then(|check| check.verdict), Some(passes), "{id}");
        }
        tally.checked("x", true);
        tally.checked("x", false);
        let counted = tally.checks.get("x").map(|check| (check.passed, check.failed));
        assert_eq!(counted, Some((1, 1)));
    }

    #[test]
    fn scripts_are_timed_from_their_start() {
        let mut tally = Tally::default();
        let at = |ms: u64| Time::from_micros(ms * 1000);
        tally.hook_began(1, Hook::Up, at(0));
        tally.hook_ended(1, Hook::Up, true, at(250));
        let up = tally.hooks.get(&(1, Hook::Up)).copied().unwrap();
        assert_eq!((up.lasted, up.failures), (Duration::from_millis(250), 0));
        // One that was never begun.
        tally.hook_ended(1, Hook::Down, false, at(300));
        let down = tally.hooks.get(&(1, Hook::Down)).copied().unwrap();
        assert_eq!((down.lasted, down.failures), (Duration::ZERO, 1));
        tally.forget(1);
        assert!(tally.hooks.is_empty());
    }

    #[test]
    fn addresses_in_whatever_order_are_the_same() {
        let hash = |more: &[&str]| {
            let (config, interface) = host("7", more);
            addresses_hash(&Entry::new(config, interface))
        };
        let [one, other] = [["-a", "10.9.0.2"], ["-a", "10.9.0.3"]];
        assert_eq!(hash(&[one, other].concat()), hash(&[other, one].concat()));
        assert_ne!(hash(&one), hash(&other));
    }
}
