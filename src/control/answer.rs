//! What a daemon answers, as a line between programs and as a sentence for people.

use std::fmt::Display;

use crate::i18n::{tr, trn};
use crate::ids;
use crate::json::Object;

/// How something ended; the exit status of the tool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Status {
    /// Done, or already so.
    Done = 0,
    /// Refused.
    Refused = 1,
    /// The words were wrong.
    Usage = 2,
    /// There is no daemon, or none that answers.
    NoDaemon = 3,
    /// Whoever asked may not.
    Denied = 4,
}

impl Status {
    const ALL: [Self; 5] = [Self::Done, Self::Refused, Self::Usage, Self::NoDaemon, Self::Denied];

    /// As an exit status.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The one of this exit status; what nobody knows is a refusal.
    #[must_use]
    pub fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|status| status.code().to_string() == word).unwrap_or(Self::Refused)
    }
}

/// What there is to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the sentence of each is its documentation")]
pub enum Matter {
    InMaintenance,
    NoMaintenance,
    Demoted,
    DemotedNoMore,
    Unchanged,
    Resigned,
    NotMaster,
    WouldBeBack,
    Taken,
    NoBackup,
    Released,
    TooDemoted,
    OneFamily,
    NobodyHeard,
    NotWorse,
    NotKept,
    Version,
    UnknownName,
    UnknownNameNearly,
    UnknownGroup,
    NobodyNamed,
    NobodyServed,
    NoEngine,
    NotServed,
    Reloaded,
    NotReloaded,
    NoFile,
    VipChanges,
    VipBegins,
    VipEnds,
    VipMoves,
    WouldReload,
    OnTrial,
    Undone,
    NothingBefore,
    Stays,
    NotRemembered,
    Ending,
    Confirmed,
    Upgraded,
    NotUpgraded,
    Reached,
    NotReached,
    Denied,
    Busy,
    WrongWords,
}

impl Matter {
    const ALL: [Self; 46] = [
        Self::InMaintenance,
        Self::NoMaintenance,
        Self::Demoted,
        Self::DemotedNoMore,
        Self::Unchanged,
        Self::Resigned,
        Self::NotMaster,
        Self::WouldBeBack,
        Self::Taken,
        Self::NoBackup,
        Self::Released,
        Self::TooDemoted,
        Self::OneFamily,
        Self::NobodyHeard,
        Self::NotWorse,
        Self::NotKept,
        Self::Version,
        Self::UnknownName,
        Self::UnknownNameNearly,
        Self::UnknownGroup,
        Self::NobodyNamed,
        Self::NobodyServed,
        Self::NoEngine,
        Self::NotServed,
        Self::Reloaded,
        Self::NotReloaded,
        Self::NoFile,
        Self::VipChanges,
        Self::VipBegins,
        Self::VipEnds,
        Self::VipMoves,
        Self::WouldReload,
        Self::OnTrial,
        Self::Undone,
        Self::NothingBefore,
        Self::Stays,
        Self::NotRemembered,
        Self::Ending,
        Self::Confirmed,
        Self::Upgraded,
        Self::NotUpgraded,
        Self::Reached,
        Self::NotReached,
        Self::Denied,
        Self::Busy,
        Self::WrongWords,
    ];

    /// The word between programs and in JSON, and the names of what stands behind it.
    const fn word(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::InMaintenance => ("in_maintenance", &["vip"]),
            Self::NoMaintenance => ("no_maintenance", &["vip"]),
            Self::Demoted => ("demoted", &["vip", "cause", "amount"]),
            Self::DemotedNoMore => ("demoted_no_more", &["vip", "cause"]),
            Self::Unchanged => ("unchanged", &["vip"]),
            Self::Resigned => ("resigned", &["vip"]),
            Self::NotMaster => ("not_master", &["vip", "role"]),
            Self::WouldBeBack => ("would_be_back", &["vip"]),
            Self::Taken => ("taken", &["vip"]),
            Self::NoBackup => ("no_backup", &["vip", "role"]),
            Self::Released => ("released", &["vip"]),
            Self::TooDemoted => ("too_demoted", &["vip", "amount"]),
            Self::OneFamily => ("one_family", &["vip"]),
            Self::NobodyHeard => ("nobody_heard", &["vip"]),
            Self::NotWorse => {
                ("not_worse", &["vip", "peer", "its_advbase", "its_advskew", "advbase", "advskew"])
            }
            Self::NotKept => ("not_kept", &["vip", "why"]),
            Self::Version => ("version", &["version"]),
            Self::UnknownName => ("unknown_name", &["name"]),
            Self::UnknownNameNearly => ("unknown_name", &["name", "similar"]),
            Self::UnknownGroup => ("unknown_group", &["group"]),
            Self::NobodyNamed => ("nobody_named", &["count"]),
            Self::NobodyServed => ("nobody_served", &[]),
            Self::NoEngine => ("no_engine", &[]),
            Self::NotServed => ("not_served", &["vip"]),
            Self::Reloaded => ("reloaded", &["changed", "kept"]),
            Self::NotReloaded => ("not_reloaded", &["why"]),
            Self::NoFile => ("no_file", &[]),
            Self::VipChanges => ("vip_changes", &["vip", "options"]),
            Self::VipBegins => ("vip_begins", &["vip"]),
            Self::VipEnds => ("vip_ends", &["vip"]),
            Self::VipMoves => ("vip_moves", &["vip"]),
            Self::WouldReload => ("would_reload", &["changed", "kept"]),
            Self::OnTrial => ("on_trial", &["seconds"]),
            Self::Undone => ("undone", &["changed", "kept"]),
            Self::NothingBefore => ("nothing_before", &[]),
            Self::Stays => ("stays", &[]),
            Self::NotRemembered => ("not_remembered", &["why"]),
            Self::Ending => ("ending", &[]),
            Self::Confirmed => ("confirmed", &["vip"]),
            Self::Upgraded => ("upgraded", &["from", "version"]),
            Self::NotUpgraded => ("not_upgraded", &["why"]),
            Self::Reached => ("reached", &["vip", "role"]),
            Self::NotReached => ("not_reached", &["vip", "role"]),
            Self::Denied => ("denied", &["user"]),
            Self::Busy => ("busy", &[]),
            Self::WrongWords => ("wrong_words", &["why"]),
        }
    }

    /// How an order ends of which this is said: what has an identifier was not done.
    #[must_use]
    pub const fn status(self) -> Status {
        if matches!(self, Self::WrongWords) {
            Status::Usage
        } else if matches!(self, Self::Denied) {
            Status::Denied
        } else if self.id().is_some() {
            Status::Refused
        } else {
            Status::Done
        }
    }

    /// What stands in brackets at the end of the line, see [`ids`]: what is done needs none, and words that are wrong have one
    /// already.
    const fn id(self) -> Option<&'static str> {
        match self {
            Self::UnknownNameNearly => Some(ids::REFUSED_UNKNOWN_NAME),
            Self::Denied => Some(ids::REFUSED_DENIED),
            Self::Busy => Some(ids::REFUSED_BUSY),
            Self::UnknownName => Some(ids::REFUSED_UNKNOWN_NAME),
            Self::UnknownGroup => Some(ids::REFUSED_UNKNOWN_GROUP),
            Self::NobodyNamed => Some(ids::REFUSED_NOBODY_NAMED),
            Self::NobodyServed => Some(ids::REFUSED_NOBODY_SERVED),
            Self::NoEngine => Some(ids::REFUSED_NO_ENGINE),
            Self::NotServed => Some(ids::REFUSED_NOT_SERVED),
            Self::Ending => Some(ids::REFUSED_ENDING),
            Self::WouldBeBack => Some(ids::REFUSED_WOULD_BE_BACK),
            Self::NoBackup => Some(ids::REFUSED_NO_BACKUP),
            Self::Released => Some(ids::REFUSED_RELEASED),
            Self::TooDemoted => Some(ids::REFUSED_TOO_DEMOTED),
            Self::OneFamily => Some(ids::REFUSED_ONE_FAMILY),
            Self::NobodyHeard => Some(ids::REFUSED_NOBODY_HEARD),
            Self::NotWorse => Some(ids::REFUSED_NOT_WORSE),
            Self::NotReloaded => Some(ids::REFUSED_NOT_RELOADED),
            Self::NoFile => Some(ids::REFUSED_NO_FILE),
            Self::NothingBefore => Some(ids::REFUSED_NOTHING_BEFORE),
            Self::NotUpgraded => Some(ids::REFUSED_NOT_UPGRADED),
            Self::NotReached => Some(ids::REFUSED_NOT_REACHED),
            Self::InMaintenance
            | Self::NoMaintenance
            | Self::Demoted
            | Self::DemotedNoMore
            | Self::Unchanged
            | Self::Resigned
            | Self::NotMaster
            | Self::Taken
            | Self::NotKept
            | Self::Version
            | Self::Reloaded
            | Self::VipChanges
            | Self::VipBegins
            | Self::VipEnds
            | Self::VipMoves
            | Self::WouldReload
            | Self::OnTrial
            | Self::Undone
            | Self::Stays
            | Self::NotRemembered
            | Self::Confirmed
            | Self::Upgraded
            | Self::Reached
            | Self::WrongWords => None,
        }
    }

    /// Whether something is another way than before.
    #[must_use]
    pub const fn changes(self) -> bool {
        matches!(
            self,
            Self::InMaintenance
                | Self::NoMaintenance
                | Self::Demoted
                | Self::DemotedNoMore
                | Self::Resigned
                | Self::Taken
                | Self::Reloaded
                | Self::Undone
                | Self::Stays
                | Self::Confirmed
                | Self::Upgraded
        )
    }

    /// For people, with what stands behind it.
    #[expect(clippy::too_many_lines, reason = "one arm for each sentence")]
    fn sentence(self, fields: &[&str]) -> String {
        let names = self.word().1;
        let field =
            |name| names.iter().zip(fields).find(|(its, _)| **its == name).map_or("", |(_, field)| *field);
        let [
            vip,
            amount,
            cause,
            role,
            peer,
            its_advbase,
            its_advskew,
            advbase,
            advskew,
            why,
            version,
            name,
            similar,
            group,
            count,
            changed,
            kept,
            options,
            seconds,
            from,
            user,
        ] = [
            "vip",
            "amount",
            "cause",
            "role",
            "peer",
            "its_advbase",
            "its_advskew",
            "advbase",
            "advskew",
            "why",
            "version",
            "name",
            "similar",
            "group",
            "count",
            "changed",
            "kept",
            "options",
            "seconds",
            "from",
            "user",
        ]
        .map(field);
        match self {
            Self::InMaintenance => tr!("{vip}: in maintenance", vip),
            Self::NoMaintenance => tr!("{vip}: no longer in maintenance", vip),
            // TRANSLATORS: {amount} is 1 to 254; {cause} is the name of a demotion, such as operator.
            Self::Demoted => tr!("{vip}: demoted by {amount} for {cause}", vip, amount, cause),
            Self::DemotedNoMore => tr!("{vip}: no longer demoted for {cause}", vip, cause),
            Self::Unchanged => tr!("{vip}: nothing to change, it is so already", vip),
            Self::Resigned => tr!("{vip}: steps aside", vip),
            // TRANSLATORS: {role} is INIT, BACKUP or MASTER.
            Self::NotMaster => tr!("{vip}: nothing to do, it is {role}", vip, role),
            Self::WouldBeBack => tr!(
                "{vip}: this host preempts and nobody better is known, so it would take the address right back; maintenance keeps it away (or --force: for a moment)",
                vip
            ),
            Self::Taken => tr!("{vip}: takes the address", vip),
            Self::NoBackup => tr!("{vip}: there is nothing that it could take as {role}", vip, role),
            Self::Released => {
                tr!("{vip}: something failed that it is to be no MASTER without; status says what", vip)
            }
            Self::TooDemoted => {
                tr!("{vip}: demoted by {amount}, so it takes nothing; status says for what", vip, amount)
            }
            Self::OneFamily => tr!(
                "{vip}: this host can send in one IP version only, and a MASTER that is no ucarp would take the address back",
                vip
            ),
            Self::NobodyHeard => tr!(
                "{vip}: no MASTER is heard from which to take it; without one it is taken anyway when the dead time is over",
                vip
            ),
            Self::NotWorse => tr!(
                "{vip}: {peer} is no worse with advbase {its_advbase} and advskew {its_advskew} than this host with {advbase} and {advskew}, so it would not leave the address",
                vip,
                peer,
                its_advbase,
                its_advskew,
                advbase,
                advskew
            ),
            // TRANSLATORS: {why} is a sentence of its own, or what the system says.
            Self::NotKept => tr!("{vip}: this is not remembered over a restart: {why}", vip, why),
            Self::Version => tr!("ucarp {version} runs", version),
            Self::UnknownName => tr!("{name}: no virtual host is called so", name),
            // TRANSLATORS: {similar} is a name that was meant perhaps.
            Self::UnknownNameNearly => tr!("{name}: no virtual host is called so; {similar}?", name, similar),
            Self::UnknownGroup => tr!("@{group}: no virtual host is in a group of this name", group),
            Self::NobodyNamed => {
                trn!(count.parse().unwrap_or(2); "there is {count} virtual host: say which, or --all", "there are {count} virtual hosts: say which, or --all")
            }
            Self::NobodyServed => tr!("there are no virtual hosts").into_owned(),
            Self::NoEngine => tr!("nothing is served at the moment; the log says why").into_owned(),
            Self::NotServed => tr!("{vip}: no answer in time; the log may say why", vip),
            Self::Reloaded => {
                // TRANSLATORS: {changed} and {kept} are numbers of virtual hosts.
                tr!("the configuration was read again; changed: {changed}, as before: {kept}", changed, kept)
            }
            Self::NotReloaded => {
                // TRANSLATORS: {why} is a sentence of its own.
                tr!("the configuration is not taken over, everything stays as it is: {why}", why)
            }
            Self::NoFile => {
                tr!("this daemon was started without a file, so there is nothing to read again").into_owned()
            }
            // TRANSLATORS: {options} are names of options with commas between them, such as addr, advskew: those that differ.
            Self::VipChanges => tr!("{vip}: goes on with another: {options}", vip, options),
            Self::VipBegins => tr!("{vip}: begins", vip),
            Self::VipEnds => tr!("{vip}: ends", vip),
            Self::VipMoves => tr!("{vip}: ends, and begins anew with another id or interface", vip),
            Self::WouldReload => {
                tr!(
                    "nothing is changed now; a reload would change: {changed}, as before: {kept}",
                    changed,
                    kept
                )
            }
            Self::OnTrial => {
                tr!(
                    "the configuration before it is back in {seconds} s, unless ucarpctl confirm comes",
                    seconds
                )
            }
            Self::Undone => tr!(
                "the configuration before it is back; changed: {changed}, as before: {kept}; the file is as it was",
                changed,
                kept
            ),
            Self::NothingBefore => tr!("nothing is known of a configuration before this one").into_owned(),
            Self::Stays => tr!("the configuration stays").into_owned(),
            Self::NotRemembered => tr!("this is not remembered over a restart: {why}", why),
            Self::Ending => tr!("this daemon is about to end").into_owned(),
            Self::Confirmed => tr!("{vip}: sends what is configured from now on", vip),
            Self::Upgraded => tr!("ucarp {version} has taken over from ucarp {from}", version, from),
            // TRANSLATORS: {why} is a sentence of its own.
            Self::NotUpgraded => tr!("no other program takes over, everything stays as it is: {why}", why),
            Self::Reached => tr!("{vip}: {role}", vip, role),
            // TRANSLATORS: {role} is INIT, BACKUP or MASTER; another one was waited for.
            Self::NotReached => tr!("{vip}: still {role}", vip, role),
            Self::Denied => tr!("user {user} may not do this: root may, and the user of the daemon", user),
            Self::Busy => tr!("too many ask at once: try again").into_owned(),
            Self::WrongWords => why.to_owned(),
        }
    }
}

/// One thing that is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    matter: Matter,
    fields: Vec<String>,
}

impl Answer {
    /// This, with what stands behind it in its order.
    #[must_use]
    pub fn new(matter: Matter, fields: &[&dyn Display]) -> Self {
        Self { matter, fields: fields.iter().map(ToString::to_string).collect() }
    }

    /// What it is about.
    #[must_use]
    pub const fn matter(&self) -> Matter {
        self.matter
    }

    /// The line between programs, with its end.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.matter.word().0.to_owned();
        for field in &self.fields {
            line.push('\t');
            // Neither ends a field, or a line.
            line.extend(field.chars().map(|letter| if letter.is_control() { ' ' } else { letter }));
        }
        line + "\n"
    }
}

/// The last line of an answer.
#[must_use]
pub fn last_line(status: Status, changed: bool) -> String {
    format!("end\t{}\t{}\n", status.code(), if changed { "changed" } else { "unchanged" })
}

/// A line that was received, for people: in the words of this language if there are any.
#[must_use]
pub fn shown(line: &str) -> String {
    let mut fields = line.split('\t');
    let word = fields.next().unwrap_or_default();
    let fields: Vec<&str> = fields.collect();
    let known = Matter::ALL.into_iter().filter(|matter| matter.word().0 == word);
    // Of two with the same word the one that says more.
    let fits = |matter: &Matter| matter.word().1.len() <= fields.len();
    match known.filter(fits).max_by_key(|matter| matter.word().1.len()) {
        Some(matter) => {
            let sentence = matter.sentence(&fields);
            matter.id().map_or(sentence.clone(), |id| format!("{sentence} [{id}]"))
        }
        None => line.replace('\t', " "),
    }
}

/// A line that was received, as an object.
#[must_use]
pub fn object(line: &str) -> String {
    let mut fields = line.split('\t');
    let word = fields.next().unwrap_or_default();
    let fields: Vec<&str> = fields.collect();
    let mut object = Object::default();
    object.text("code", Some(word));
    let known = Matter::ALL.into_iter().filter(|matter| matter.word().0 == word);
    let matter = known.max_by_key(|matter| matter.word().1.len());
    if let Some(id) = matter.and_then(Matter::id) {
        object.text("id", Some(id));
    }
    for (at, name) in matter.map_or(&[][..], |matter| matter.word().1).iter().enumerate() {
        object.text(name, fields.get(at));
    }
    object.line().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_matter_has_a_word_and_a_sentence_with_all_its_fields() {
        for matter in Matter::ALL {
            let (word, names) = matter.word();
            // How many decides on the form of a sentence.
            let field = |name: &str| if name == "count" { "7".to_owned() } else { format!("<{name}>") };
            let fields: Vec<String> = names.iter().map(|name| field(name)).collect();
            let displayed: Vec<&dyn Display> = fields.iter().map(|field| field as _).collect();
            let line = Answer::new(matter, &displayed).line();
            let said = shown(line.trim_end());
            assert!(fields.iter().all(|field| said.contains(field.as_str())), "{word}: {said}");
            assert!(!said.contains('{') && !said.is_empty(), "{said}");
            let read: serde_json::Value = serde_json::from_str(&object(line.trim_end())).unwrap();
            assert_eq!(read["code"], word);
            assert!(names.iter().all(|name| read[name] == field(name).as_str()), "{read}");
            // What was wrong with words had its identifier where that was found.
            let is_named = matter.status() != Status::Done && matter != Matter::WrongWords;
            assert_eq!(matter.id().is_some(), is_named, "{word}");
            assert!(!is_named || said.ends_with(&format!(" [{}]", read["id"].as_str().unwrap())), "{said}");
        }
    }

    #[test]
    fn what_is_received_is_shown_even_if_nobody_knows_it() {
        assert_eq!(shown("from_the_future\ta\tb"), "from_the_future a b");
        assert_eq!(shown("in_maintenance\tweb\tmore"), "web: in maintenance");
        assert_eq!(shown("in_maintenance"), "in_maintenance");
        assert_eq!(shown("unknown_name\twbe"), "wbe: no virtual host is called so [UC3242]");
        assert_eq!(shown("unknown_name\twbe\tweb"), "wbe: no virtual host is called so; web? [UC3242]");
        assert_eq!(
            object("unknown_name\twbe"),
            r#"{"code":"unknown_name","id":"UC3242","name":"wbe","similar":null}"#
        );
        let odd = Answer::new(Matter::NotKept, &[&"web", &"a\tb\nc"]);
        assert_eq!(odd.line(), "not_kept\tweb\ta b c\n");
        assert_eq!(last_line(Status::Refused, false), "end\t1\tunchanged\n");
        assert_eq!((Status::of("3"), Status::of("99")), (Status::NoDaemon, Status::Refused));
    }
}
