//! What a running daemon and `ucarpctl` say to each other, and the tool itself.
//!
//! The daemon greets with `ucarp NUMBER VERSION`, the number being that of this language. The tool sends one line: the words
//! of an [`crate::config::Order`] with tabs between them. The daemon answers with a line for each thing there is to say
//! ([`Answer`], and for `status` the [`Field`]s of the daemon, and a line `host` with its [`Field`]s for each virtual host), and with `end STATUS CHANGED` as the last one, and closes. Old tools understand new daemons: a word for
//! which they have no sentence is shown as it is, and fields come only at the end of a line.
//!
//! `watch` alone has a terminal, and a wait for it and for daemons. No descriptor is opened here but the tool's own, and nothing is known of how a daemon does what it is told.

pub mod answer;
mod exporter;
mod field;
mod figures;
mod monitor;
mod peers;
mod reach;
mod table;
mod tool;
mod watch;
mod wrong;

pub use answer::{Answer, Status};
pub use field::{Field, Value};
pub use figures::names;
pub use tool::run;

/// What may be asked of how things stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// The virtual hosts.
    Hosts,
    /// Who else speaks for them.
    Peers,
    /// All in figures.
    Figures,
}

impl Subject {
    /// Each.
    pub const ALL: [Self; 3] = [Self::Hosts, Self::Peers, Self::Figures];
}

/// What the tool says, and its exit status.
pub struct Said {
    /// On the standard output.
    pub out: String,
    /// On the standard error.
    pub err: String,
    /// The exit status.
    pub status: u8,
}

impl Said {
    const fn nothing() -> Self {
        Self { out: String::new(), err: String::new(), status: Status::Done.code() }
    }
}

/// The number of the language, which grows when an old tool would misunderstand.
pub const LANGUAGE: u32 = 1;
/// The longest line that asks for something, its end included, in bytes.
pub const LONGEST_REQUEST: usize = 256;
/// What the name of a socket for orders ends with, and of one for questions.
pub const ORDERS: &str = "ctl";
/// See above.
pub const QUESTIONS: &str = "status";

/// The line a daemon greets with.
#[must_use]
pub fn greeting() -> String {
    format!("ucarp {LANGUAGE} {}\n", env!("CARGO_PKG_VERSION"))
}
