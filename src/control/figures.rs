//! How things stand, in figures for Prometheus: its text format, version 0.0.4.
//!
//! The names and their labels are those that operators write into rules and dashboards; here is what each is, and the daemons say
//! how much. One that is not known here is left out: it is a newer daemon's, and a newer tool's to show.

use std::collections::BTreeMap;

use super::field::{Field, Value};

/// What may be done with figures of a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

use Kind::{Counter, Gauge};

/// Whether somebody answered.
const UP: &str = "ucarp_up";

/// Every metric there is, in the order in which they are shown.
const METRICS: [(&str, Kind, &str); 29] = [
    (UP, Gauge, "Whether every ucarp that has a socket here answers."),
    ("ucarp_build_info", Gauge, "The version that runs; always 1."),
    ("ucarp_vip_info", Gauge, "Where a virtual host is; always 1."),
    ("ucarp_role", Gauge, "Whether the virtual host is in this role."),
    ("ucarp_role_change_timestamp_seconds", Gauge, "When the role changed last."),
    ("ucarp_transitions_total", Counter, "Changes of the role since the daemon began, into which and why."),
    ("ucarp_advertisements_sent_total", Counter, "Advertisements handed to the system, bow-outs included."),
    ("ucarp_advertisements_heard_total", Counter, "Advertisements heard that authenticate."),
    ("ucarp_frames_rejected_total", Counter, "Frames that were refused, and why."),
    ("ucarp_send_failures_total", Counter, "Frames that could not be sent."),
    ("ucarp_capture_drops_total", Counter, "Frames that the system had no room for."),
    ("ucarp_demotion", Gauge, "By how much each cause demotes the virtual host, 0 to 254."),
    ("ucarp_maintenance", Gauge, "Whether the operator began maintenance."),
    ("ucarp_released", Gauge, "Whether it is no master whoever else is there, for something that failed."),
    ("ucarp_standbys", Gauge, "How many standbys are known to this master and would take over."),
    ("ucarp_address_present", Gauge, "Whether all its addresses are on the interface."),
    ("ucarp_advertisement_interval_seconds", Gauge, "The interval it competes with, demotion included."),
    (
        "ucarp_peer_last_heard_timestamp_seconds",
        Gauge,
        "When another host that authenticates was heard last.",
    ),
    (
        "ucarp_two_masters_seconds_total",
        Counter,
        "For how long this master heard another one that authenticates.",
    ),
    (
        "ucarp_hook_last_duration_seconds",
        Gauge,
        "How long the script ran that ended last; 0 before the first.",
    ),
    ("ucarp_hook_failures_total", Counter, "Scripts that failed, were ended or could not be run."),
    ("ucarp_check_up", Gauge, "Whether the check passes; 0 while it is taken for failing."),
    ("ucarp_check_runs_total", Counter, "Runs of the check, and how they ended."),
    (
        "ucarp_config_last_reload_successful",
        Gauge,
        "Whether the configuration that was read last was taken over.",
    ),
    (
        "ucarp_config_last_reload_success_timestamp_seconds",
        Gauge,
        "When a configuration was taken over last.",
    ),
    ("ucarp_config_pending", Gauge, "Whether other hosts still have to learn of a password or addresses."),
    ("ucarp_config_info", Gauge, "A hash of the addresses, the same on all hosts that share them; always 1."),
    (
        "ucarp_announcements_total",
        Counter,
        "Gratuitous ARP and neighbour advertisements handed to the system.",
    ),
    ("ucarp_late_wakes_total", Counter, "How often the daemon was woken more than 50 ms late."),
];

/// What the metrics are called.
pub fn names() -> impl Iterator<Item = &'static str> {
    METRICS.iter().map(|(name, ..)| *name)
}

/// The text for what these daemons answered. Where two say something of the same, what is counted is added up, and of two
/// states the lower one counts. `up`: whether all answered, one at least.
pub(super) fn text(answers: &[Vec<String>], up: bool) -> String {
    let mut found: BTreeMap<(usize, String), String> = BTreeMap::new();
    let mut order = Vec::new();
    let mut add = |name: &str, vip: Option<&str>, value: &str| {
        let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
        let Some(place) = METRICS.iter().position(|(known, ..)| *known == name) else { return };
        let own = labels.strip_suffix('}').unwrap_or_default();
        let vip = vip.map(|vip| format!("vip=\"{vip}\""));
        let labels: Vec<&str> = vip.as_deref().into_iter().chain((!own.is_empty()).then_some(own)).collect();
        let key = (place, labels.join(","));
        match found.get_mut(&key) {
            Some(known) => *known = together(METRICS.get(place).map(|(_, kind, _)| *kind), known, value),
            None => {
                order.push(key.clone());
                found.insert(key, value.to_owned());
            }
        }
    };
    add(UP, None, if up { "1" } else { "0" });
    for lines in answers {
        let mut vip = None;
        for line in lines {
            match (line.as_str(), Field::parse(line)) {
                ("daemon" | "host", _) => vip = None,
                (_, Some(Field { name, value: Value::Text(text) })) if name == "name" => vip = Some(text),
                (_, Some(Field { name, value: Value::Plain(value) })) => add(&name, vip.as_deref(), &value),
                _ => {}
            }
        }
    }
    let mut text = String::new();
    for (place, (name, kind, help)) in METRICS.iter().enumerate() {
        let mut samples = order.iter().filter(|(of, _)| *of == place).peekable();
        if samples.peek().is_some() {
            text += &format!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.word());
        }
        for key in samples {
            let labels = if key.1.is_empty() { String::new() } else { format!("{{{}}}", key.1) };
            let value = found.get(key).map(String::as_str).unwrap_or_default();
            text += &format!("{name}{labels} {value}\n");
        }
    }
    text
}

fn together(kind: Option<Kind>, one: &str, other: &str) -> String {
    let [a, b] = [one, other].map(|value| value.parse::<f64>().unwrap_or_default());
    match kind {
        Some(Counter) => (a + b).to_string(),
        Some(Gauge) | None => a.min(b).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn nobody_is_a_figure_too() {
        assert_eq!(
            text(&[], false),
            "# HELP ucarp_up Whether every ucarp that has a socket here answers.\n# TYPE ucarp_up gauge\nucarp_up 0\n"
        );
    }

    #[test]
    fn each_metric_is_whole_and_knows_whose_it_is() {
        let one = lines(
            "daemon\nplain\tucarp_build_info{version=\"2\"}\t1\nplain\tucarp_check_up{check=\"x\"}\t1\n\
             host\ntext\tname\tweb\nplain\tucarp_role{role=\"MASTER\"}\t1\nplain\tucarp_standbys\t2\n\
             plain\tucarp_of_tomorrow\t7\nnothing\tgone\t\n\
             host\ntext\tname\tmail\nplain\tucarp_role{role=\"MASTER\"}\t0\n",
        );
        let other = lines(
            "daemon\nplain\tucarp_check_up{check=\"x\"}\t0\nhost\ntext\tname\teth0-7\nplain\tucarp_standbys\t0\n",
        );
        let text = text(&[one, other], true);
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "ucarp_up 1",
                "ucarp_build_info{version=\"2\"} 1",
                "ucarp_role{vip=\"web\",role=\"MASTER\"} 1",
                "ucarp_role{vip=\"mail\",role=\"MASTER\"} 0",
                "ucarp_standbys{vip=\"web\"} 2",
                "ucarp_standbys{vip=\"eth0-7\"} 0",
                "ucarp_check_up{check=\"x\"} 0",
            ]
        );
        assert_eq!(text.matches("# TYPE ucarp_role gauge\n").count(), 1);
    }

    #[test]
    fn what_two_count_is_added_up() {
        let one = lines("daemon\nplain\tucarp_check_runs_total{check=\"x\",result=\"passed\"}\t3\n");
        let text = text(&[one.clone(), one], true);
        assert!(text.contains("# TYPE ucarp_check_runs_total counter\n"));
        assert!(text.ends_with("ucarp_check_runs_total{check=\"x\",result=\"passed\"} 6\n"), "{text}");
    }
}
