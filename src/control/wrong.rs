//! What keeps the tool from being of use, in sentences.

use std::fmt::{self, Display};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Said, Status};
use crate::config::order::OrderError;
use crate::i18n::{os_words, tr};
use crate::ids;

/// What is wrong on the tool's own side. `Display` is the translated sentence, with its identifier.
#[derive(Debug)]
pub(super) enum Wrong {
    Words(OrderError),
    TwoOutlets,
    TwoDaemons,
    SeveralDaemons {
        names: String,
    },
    TooLong {
        most: usize,
    },
    OnlyForPeople,
    NoTerminal,
    Nobody {
        place: PathBuf,
    },
    Unreachable {
        place: PathBuf,
        error: io::Error,
    },
    Cut,
    Silent,
    Stranger,
    OtherLanguage {
        version: String,
    },
    Ended,
    Broken(io::Error),
    KeepsRights,
    NotListening {
        address: String,
        error: io::Error,
    },
    Unwritable {
        place: PathBuf,
        error: io::Error,
    },
    Screen(io::Error),
    /// It was asked, and this is what it said to that.
    Refused {
        status: Status,
        said: String,
    },
    /// One of several.
    Of {
        daemon: String,
        wrong: Box<Self>,
    },
}

impl Wrong {
    /// Nobody listens there.
    pub(super) fn nobody(place: &Path) -> Self {
        Self::Nobody { place: place.to_owned() }
    }

    /// Something cannot be reached.
    pub(super) fn at(place: &Path, error: io::Error) -> Self {
        Self::Unreachable { place: place.to_owned(), error }
    }

    pub(super) fn said(&self) -> Said {
        Said { out: String::new(), err: format!("ucarpctl: {self}\n"), status: self.status().code() }
    }

    /// What the tool ends with.
    pub(super) fn status(&self) -> Status {
        match self {
            Self::Words(_)
            | Self::TwoOutlets
            | Self::TwoDaemons
            | Self::SeveralDaemons { .. }
            | Self::TooLong { .. }
            | Self::OnlyForPeople
            | Self::NoTerminal => Status::Usage,
            Self::Unreachable { error, .. } | Self::Unwritable { error, .. } => match error.kind() {
                ErrorKind::PermissionDenied => Status::Denied,
                _ => Status::NoDaemon,
            },
            Self::Nobody { .. }
            | Self::Cut
            | Self::Silent
            | Self::Stranger
            | Self::OtherLanguage { .. }
            | Self::Ended
            | Self::Broken(_) => Status::NoDaemon,
            Self::KeepsRights => Status::Denied,
            Self::NotListening { .. } | Self::Screen(_) => Status::Refused,
            Self::Refused { status, .. } => *status,
            Self::Of { wrong, .. } => wrong.status(),
        }
    }

    /// What stands in brackets at the end of the line, see [`ids`]; what others said has its own.
    fn id(&self) -> Option<&'static str> {
        Some(match self {
            Self::Words(error) => error.id(),
            Self::TwoOutlets => ids::TOOL_TWO_OUTLETS,
            Self::TwoDaemons => ids::TOOL_TWO_DAEMONS,
            Self::SeveralDaemons { .. } => ids::TOOL_SEVERAL_DAEMONS,
            Self::TooLong { .. } => ids::TOOL_TOO_LONG,
            Self::OnlyForPeople => ids::TOOL_ONLY_FOR_PEOPLE,
            Self::NoTerminal => ids::TOOL_NO_TERMINAL,
            Self::Nobody { .. } => ids::TOOL_NOBODY,
            Self::Unreachable { .. } => ids::TOOL_UNREACHABLE,
            Self::Cut => ids::TOOL_CUT,
            Self::Silent => ids::TOOL_SILENT,
            Self::Stranger => ids::TOOL_STRANGER,
            Self::OtherLanguage { .. } => ids::TOOL_OTHER_LANGUAGE,
            Self::Ended => ids::TOOL_ENDED,
            Self::Broken(_) => ids::TOOL_BROKEN,
            Self::KeepsRights => ids::TOOL_KEEPS_RIGHTS,
            Self::NotListening { .. } => ids::TOOL_NOT_LISTENING,
            Self::Unwritable { .. } => ids::TOOL_UNWRITABLE,
            Self::Screen(_) => ids::TOOL_SCREEN,
            Self::Refused { .. } => return None,
            Self::Of { wrong, .. } => return wrong.id(),
        })
    }

    fn sentence(&self) -> String {
        let at = |place: &Path, error| format!("{}: {}", place.display(), os_words(error));
        match self {
            Self::Words(error) => error.to_string(),
            Self::TwoOutlets => tr!("--listen and --output: one or the other").into_owned(),
            Self::TwoDaemons => tr!("only one daemon can be told at a time").into_owned(),
            Self::SeveralDaemons { names } => {
                tr!("there are several daemons, say which one (DAEMON/NAME): {names}", names)
            }
            // TRANSLATORS: {most} is 256.
            Self::TooLong { most } => tr!("more than {most} bytes are too much for one order", most),
            Self::OnlyForPeople => {
                tr!("watch is for people; for programs there is ucarpctl --json events").into_owned()
            }
            Self::NoTerminal => {
                tr!("watch needs a terminal to show and to read keys; ucarpctl status needs none")
                    .into_owned()
            }
            Self::Nobody { place } => tr!("{path}: no daemon listens there", path = place.display()),
            Self::Unreachable { place, error } | Self::Unwritable { place, error } => at(place, error),
            Self::Cut => tr!("the daemon gave no whole answer").into_owned(),
            Self::Silent => tr!("the daemon does not answer").into_owned(),
            Self::Stranger => tr!("whoever listens there is no ucarp").into_owned(),
            Self::OtherLanguage { version } => {
                tr!("ucarp {version} is served there, which this ucarpctl does not understand", version)
            }
            Self::Ended => tr!("the daemon has ended, or told more than was read").into_owned(),
            Self::Broken(error) | Self::Screen(error) => os_words(error),
            Self::KeepsRights => {
                tr!("the rights of root cannot be given up, so nobody is listened to").into_owned()
            }
            Self::NotListening { address, error } => at(Path::new(address), error),
            Self::Refused { said, .. } => said.clone(),
            Self::Of { daemon, wrong } => format!("{daemon}: {}", wrong.sentence()),
        }
    }
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())?;
        self.id().map_or(Ok(()), |id| write!(f, " [{id}]"))
    }
}
