//! The verbs of ucarpctl and what each takes: for who reads them, and for shells that complete them.

/// A verb.
pub(super) struct Row {
    pub(super) verb: &'static str,
    /// The words of which one has to follow.
    pub(super) first: &'static [&'static str],
    /// It is about virtual hosts, which can be named.
    pub(super) names: bool,
    /// With their dashes.
    pub(super) options: &'static [(&'static str, Takes)],
}

/// What an option takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Something,
    OneOf(&'static [&'static str]),
}

use Takes::{Nothing, OneOf, Something};

/// All of them, in the order in which they are shown.
pub(super) const ALL: [Row; 17] = [
    about("status", &[("--all", Nothing)]),
    about("peers", &[("--all", Nothing)]),
    about("watch", &[("--all", Nothing)]),
    Row { names: false, ..about("events", &[("--since", Something)]) },
    // Those are for the tool itself.
    Row { names: false, ..about("metrics", &[("--listen", Something), ("--output", Something)]) },
    about("monitor", &[("--all", Nothing), ("--expect", OneOf(&["master", "backup", "any"]))]),
    about(
        "wait",
        &[("--all", Nothing), ("--state", OneOf(&["init", "backup", "master"])), ("--timeout", Something)],
    ),
    Row {
        first: &["on", "off"],
        ..about(
            "maintenance",
            &[("--all", Nothing), ("--for", Something), ("--because", Something), ("--force", Nothing)],
        )
    },
    about(
        "demote",
        &[("--all", Nothing), ("--name", Something), ("--for", Something), ("--because", Something)],
    ),
    about("undemote", &[("--all", Nothing), ("--name", Something)]),
    about("resign", &[("--all", Nothing), ("--force", Nothing)]),
    about("take", &[("--all", Nothing)]),
    Row { names: false, ..about("reload", &[("--dry-run", Nothing), ("--undo-after", Something)]) },
    about("confirm", &[("--all", Nothing)]),
    Row { names: false, ..about("undo", &[]) },
    Row { names: false, ..about("upgrade", &[]) },
    Row { names: false, ..about("version", &[]) },
];

const fn about(verb: &'static str, options: &'static [(&'static str, Takes)]) -> Row {
    Row { verb, first: &[], names: true, options }
}
