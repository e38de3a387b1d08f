//! What is allowed and probably not meant, in sentences.

use std::borrow::Cow;
use std::fmt::{self, Display};

use crate::config::place::Place;
use crate::config::spelt::Spelt;

/// What is allowed, but worth a line in the log at start. `Display` is the translated sentence, one line.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "the sentence in Display is the documentation of each variant")]
pub enum Warning {
    TwoPasswords { used: &'static str, ignored: &'static str },
    TwentyBytePassword,
    ReadablePassfile { path: String },
    ChangeablePassfile { place: String },
    ChangeableHook { option: &'static str, place: String },
    EmptyArgument,
    DeadRatioOfOne,
    LinkLocalAddress { value: String },
    NoHooks,
    NoUpHook,
    NoDownHook,
    AddressStays,
    PassfileLine { line: usize },
    CredentialStays { option: &'static str },
    DaemonStays,
    ReleasesAll { check: String },
    AloneInGroup { group: String },
    EmptyGroup { group: String },
    At { place: Place, warning: Box<Self> },
}

impl Warning {
    /// This, found at `place` if that is in a file.
    pub(in crate::config) fn at(self, place: Option<Place>) -> Self {
        match place {
            Some(place) => Self::At { place, warning: Box::new(self) },
            None => self,
        }
    }
}

impl Warning {
    /// Without the place where it was found.
    #[must_use]
    pub fn what(&self) -> &Self {
        match self {
            Self::At { warning, .. } => warning,
            other => other,
        }
    }
}

impl Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At { place, warning } => write!(f, "{place}: {}", warning.sentence(Spelt::Key)),
            warning => f.write_str(&warning.sentence(Spelt::Option)),
        }
    }
}

impl Warning {
    pub(super) fn sentence(&self, spelt: Spelt) -> String {
        let tr = |message: &'static str| spelt.translated(message);
        let fill = |message: &Cow<'_, str>, values: &[(&str, &dyn Display)]| spelt.filled(message, values);
        match self {
            Self::TwoPasswords { used, ignored } => fill(
                &tr("{ignored} is ignored because {used} comes later"),
                &[("used", used), ("ignored", ignored)],
            ),
            Self::TwentyBytePassword => tr(
                "the password has 20 bytes; the ifconfig of BSD kernels keeps only 19, so such a peer will not understand us",
            )
            .into_owned(),
            Self::ReadablePassfile { path } => {
                fill(&tr("'{path}' can be read by everybody on this host; try chmod 600"), &[("path", path)])
            }
            Self::ChangeablePassfile { place } => fill(
                &tr("--passfile: others than root and the user of this daemon may write to '{place}', and so choose the password"),
                &[("place", place)],
            ),
            Self::ChangeableHook { option, place } => fill(
                &tr("{option}: others than root and the user of this daemon may write to '{place}', and so choose what it runs"),
                &[("option", option), ("place", place)],
            ),
            Self::EmptyArgument => tr(
                "an empty word on the command line is ignored; whatever calls ucarp quotes a variable that is not set",
            )
            .into_owned(),
            Self::DeadRatioOfOne => tr(
                "--deadratio=1: a single lost advertisement makes a backup take over; 3 is usual",
            )
            .into_owned(),
            Self::LinkLocalAddress { value } => fill(
                &tr("--addr={value}: OpenBSD signs its advertisements without link-local addresses, the other systems sign them too; share one only if other hosts need it, as their router perhaps"),
                &[("value", value)],
            ),
            Self::NoHooks => tr(
                "neither --upscript nor --downscript is given: nothing will add the virtual address to this host, or remove it",
            )
            .into_owned(),
            Self::NoUpHook => {
                tr("no --upscript is given: nothing will add the virtual address to this host").into_owned()
            }
            Self::NoDownHook => {
                tr("no --downscript is given: nothing will remove the virtual address from this host").into_owned()
            }
            Self::AddressStays => tr(
                "without --shutdown the virtual address stays on this host when the daemon ends as MASTER",
            )
            .into_owned(),
            Self::PassfileLine { line } => fill(
                &tr("--passfile: line {line} is no password that others may use (1 to 20 bytes, four of them at most), so only the first line counts"),
                &[("line", line)],
            ),
            Self::DaemonStays => tr("[daemon] has changed since ucarp was started, and is read at the start alone: restart ucarp for it").into_owned(),
            Self::ReleasesAll { check } => fill(
                &tr("on-failure = \"release\": where the check '{check}' fails on all hosts, none of them has the address"),
                &[("check", check)],
            ),
            Self::AloneInGroup { group } => fill(
                &tr("group: no other virtual host is in '{group}', so nothing moves together with this one"),
                &[("group", group)],
            ),
            Self::EmptyGroup { group } => {
                fill(&tr("no virtual host is in the group '{group}'"), &[("group", group)])
            }
            Self::CredentialStays { option } => fill(
                &tr("{option}: the service manager hands a credential over when it starts ucarp; if it was changed since, restart ucarp"),
                &[("option", option)],
            ),
            Self::At { warning, .. } => warning.sentence(spelt),
        }
    }
}
