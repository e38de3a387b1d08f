//! What is said when the configuration is read again.

use std::io;
use std::path::Path;

use super::{About, Report};
use crate::config::diff::Fate;
use crate::i18n::{fill, tr};
use crate::log::Level;

impl Report {
    /// What became of a virtual host that is not served as before. Which options differ is said by their names, never by
    /// their values.
    pub(crate) fn reloaded_one(&mut self, about: About<'_>, fate: &Fate) {
        let (template, what) = match fate {
            Fate::Kept { .. } => return,
            Fate::Changed { what, .. } => {
                (tr("{name} (id {vhid} on {interface}) goes on with another: {options}"), what.join(", "))
            }
            Fate::Replaced { .. } => (
                tr("{name} begins anew as id {vhid} on {interface}, and what it was before ends"),
                String::new(),
            ),
            Fate::Started { .. } => (tr("{name} (id {vhid} on {interface}) begins"), String::new()),
            Fate::Ended { .. } => (tr("{name} (id {vhid} on {interface}) ends"), String::new()),
        };
        let text = fill(
            &template,
            &[
                ("name", &about.name.unwrap_or("-")),
                ("vhid", &about.vhid),
                ("interface", &about.interface),
                ("options", &what),
            ],
        );
        self.tell(Level::Info, &text, "UC2053");
    }

    /// The configuration is taken over.
    pub(crate) fn reloaded(&mut self, changed: usize, kept: usize) {
        let template = tr(
            "The configuration was read again; virtual hosts that changed: {changed}, that are as before: {kept}",
        );
        let text = fill(&template, &[("changed", &changed), ("kept", &kept)]);
        self.tell(Level::Info, &text, "UC2054");
    }

    /// What is in use besides what is configured cannot be kept over a restart, or could not be read after one.
    pub(crate) fn not_kept(&mut self, about: About<'_>, folder: &Path, why: &io::Error) {
        let template = tr(
            "What other hosts still have to learn of is not remembered over a restart, in {folder}: {why}",
        );
        let text = fill(&template, &[("folder", &folder.display()), ("why", why)]);
        self.tell(Level::Warning, &(about.opening() + &text), "UC2056");
    }

    /// It is not: one of the reasons.
    pub(crate) fn not_reloaded(&mut self, why: &str) {
        let template = tr("The configuration is not taken over, everything stays as it is: {why}");
        self.tell(Level::Error, &fill(&template, &[("why", &why)]), "UC2055");
    }
}
