//! Who is in which group, and whom checks are about: known when all files are read, since one may speak of what stands in
//! another.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::check::Whom;
use crate::config::options::similar;
use crate::config::place::Place;
use crate::config::reading::{Layer, Reading};
use crate::config::{Check, Delays, Error, FileError, Group, VirtualHostConfig, Warning, shown, words};

/// What the tables say of each other.
#[derive(Default)]
pub(super) struct Relations {
    groups: Vec<(Group, Place)>,
    members: Vec<Member>,
    checks: Vec<(Check, Vec<Option<Place>>)>,
}

/// A virtual host in a group.
struct Member {
    group: String,
    /// Where it says so.
    place: Option<Place>,
    /// What its own table says that the group has to say.
    own: Vec<(&'static str, Option<Place>)>,
}

/// What came of them.
pub(super) struct Settled {
    pub(super) groups: Vec<Group>,
    pub(super) checks: Vec<Check>,
    pub(super) errors: Vec<Error>,
    pub(super) warnings: Vec<Warning>,
}

impl Relations {
    /// A group has a table here.
    pub(super) fn group(&mut self, group: Group, place: Place) {
        self.groups.push((group, place));
    }

    /// A virtual host, whatever else is wrong with it, whose own table is `layer`.
    pub(super) fn vip(&mut self, reading: &Reading<'_>, layer: &Layer<'_>) {
        let group = reading.words("--group").pop();
        let Some((group, spot)) = group.and_then(|(word, spot)| Some((words::name(word).ok()?, spot))) else {
            return;
        };
        let is_own = |option: &&str| layer.given().any(|(given, _)| given == *option);
        let own = Delays::OPTIONS.into_iter().filter(is_own);
        self.members.push(Member {
            group,
            place: Reading::place(spot),
            own: own.map(|option| (option, reading.place_of(option))).collect(),
        });
    }

    /// A check.
    pub(super) fn check(&mut self, check: Check, reading: &Reading<'_>) {
        let named = ["--vips", "--group"].into_iter().flat_map(|option| reading.words(option));
        self.checks.push((check, named.map(|(_, spot)| Reading::place(spot)).collect()));
    }

    /// How many checks there are.
    pub(super) fn checks(&self) -> usize {
        self.checks.len()
    }

    /// Everything was read: `vips` are the names of all virtual hosts, of which `hosts` can be served.
    pub(super) fn settle(self, vips: &BTreeSet<&str>, hosts: &mut [VirtualHostConfig]) -> Settled {
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        self.members.iter().for_each(|member| *sizes.entry(&member.group).or_default() += 1);
        let mut written: BTreeMap<&str, &Place> = BTreeMap::new();
        written.extend(self.groups.iter().map(|(group, place)| (group.name.as_str(), place)));
        let shared = sizes.iter().filter(|(_, size)| **size > 1).map(|(name, _)| *name);
        let mut known: BTreeSet<&str> = BTreeSet::new();
        known.extend(written.keys().copied().chain(shared));
        let nearest = |name: &str| similar(name.as_bytes(), &mut known.iter().copied()).map(str::to_owned);
        for Member { group, place, own } in &self.members {
            let name = || group.clone();
            if !known.contains(group.as_str()) {
                match nearest(group) {
                    Some(similar) => {
                        let error = FileError::UnknownGroup { name: name(), similar: Some(similar) };
                        errors.push(Error::File(error).at(place.clone()));
                    }
                    None => warnings.push(Warning::AloneInGroup { group: name() }.at(place.clone())),
                }
            }
            for (option, place) in own {
                let key = option.trim_start_matches('-');
                let place_of = written.get(group.as_str()).map(ToString::to_string);
                let there = place_of.unwrap_or_else(|| format!("[group.{group}]"));
                let error = FileError::OfTheGroup { key, group: name(), place: there };
                errors.push(Error::File(error).at(place.clone()));
            }
        }
        for (check, places) in &self.checks {
            let mut unknown = |error: FileError, place: &Option<Place>| {
                errors.push(Error::File(error).at(place.clone()));
            };
            match &check.whom {
                Whom::Vips(names) => {
                    let named = names.iter().zip(places).filter(|(name, _)| !vips.contains(name.as_str()));
                    for (name, place) in named {
                        let similar = similar(name.as_bytes(), &mut vips.iter().copied()).map(str::to_owned);
                        unknown(FileError::UnknownVip { name: shown(name.as_ref()), similar }, place);
                    }
                }
                Whom::Group(name) => {
                    let named = [name].into_iter().zip(places);
                    let is_known = |name: &str| known.contains(name) || sizes.contains_key(name);
                    for (name, place) in named.filter(|(name, _)| !is_known(name)) {
                        let similar = nearest(name);
                        unknown(FileError::UnknownGroup { name: name.clone(), similar }, place);
                    }
                }
            }
        }
        for (name, place) in &written {
            if !sizes.contains_key(name) {
                let group = (*name).to_owned();
                warnings.push(Warning::EmptyGroup { group }.at(Some((*place).clone())));
            }
        }
        let mut groups: Vec<Group> = self.groups.into_iter().map(|(group, _)| group).collect();
        for host in hosts {
            let Some(name) = &host.group else { continue };
            match groups.iter().find(|group| group.name == *name) {
                Some(group) => host.delays = group.delays,
                None => groups.push(Group { name: name.clone(), delays: host.delays }),
            }
        }
        let checks = self.checks.into_iter().map(|(check, _)| check).collect();
        Settled { groups, checks, errors, warnings }
    }
}
