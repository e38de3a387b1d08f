//! The configuration file: TOML, whose keys are the long options.
//!
//! Everything is read before anything counts, and every mistake is said with its place, up to twenty mistakes. What is read
//! at start can be read again from its [`Source`], whatever folder the process is in by then.

mod include;
mod opening;
mod relations;
mod table;

use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::check;
use super::group::{Delays, Group};
use super::options;
use super::place::{Place, Text};
use super::process::{self, Process};
use super::reading::{Layer, Manner, Reading, Value};
use super::{
    Caller, Check, Config, Error, Errors, FileError, VirtualHostConfig, Warning, shown, virtual_host, words,
};

use crate::sorting::sort_by;
use opening::{LONGEST, Opened};
use relations::{Relations, Settled};
use table::{Entry, Table};

/// No more of what is wrong is said at once.
const MOST_ERRORS: usize = 20;

/// Virtual hosts in one configuration, and on one interface.
const MOST_VIPS: usize = 4096;
const MOST_ON_INTERFACE: usize = 255;
/// Checks in one configuration: each may hold a process and two descriptors.
const MOST_CHECKS: usize = 256;

/// Where a configuration comes from, and what the command line says against it.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    over: Layer<'static>,
}

impl Source {
    /// An absolute path, and what wins over what stands there.
    pub(super) const fn new(path: PathBuf, over: Layer<'static>) -> Self {
        Self { path, over }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The words of the command line that win over what stands there: each option with its words, of which a switch has
    /// none; and the folder that they were given in. No password is among them.
    #[must_use]
    pub fn over(&self) -> (Vec<(&'static str, Vec<OsString>)>, &Path) {
        let words = |value: &Value| match value {
            Value::Words(words) => words.iter().map(|(word, _)| word.clone()).collect(),
            Value::Switch(_) | Value::Secret(_) | Value::Wrong => Vec::new(),
        };
        (self.over.given().map(|(option, value)| (option, words(value))).collect(), self.over.folder())
    }

    /// The same again, from an absolute path and what [`Source::over`] told. Nothing where an option is none of ours.
    #[must_use]
    pub fn again(path: PathBuf, over: Vec<(String, Vec<OsString>)>, folder: PathBuf) -> Option<Self> {
        let mut layer = Layer::of_command_line(folder);
        for (at, (option, words)) in over.into_iter().enumerate() {
            let known =
                options::all().find(|row| row.option == option && row.scope == options::Scope::Daemon)?;
            let value = match known.takes {
                options::Takes::Nothing if words.is_empty() => Value::Switch(true),
                options::Takes::Nothing => return None,
                _ => Value::Words(words.into_iter().map(|word| (word, at)).collect()),
            };
            layer.add(known.option, at, value);
        }
        Some(Self::new(path, layer))
    }
}

/// Reads a configuration for the first time. It goes to the background for nobody: that is the caller's wish.
///
/// # Errors
/// All that is wrong, up to a number.
pub fn read(source: &Source, caller: &Caller) -> Result<(Config, Vec<Warning>), Errors> {
    read_as(source, &Manner::new(caller, true, false))
}

/// The same in a process that has read it before, and says what it cannot read again.
///
/// # Errors
/// All that is wrong, up to a number; nothing is to be changed then.
pub fn read_again(source: &Source, caller: &Caller) -> Result<(Config, Vec<Warning>), Errors> {
    read_as(source, &Manner::new(caller, true, false).again())
}

fn read_as(source: &Source, manner: &Manner<'_>) -> Result<(Config, Vec<Warning>), Errors> {
    let Whole { hosts, groups, checks, process, warnings } = whole(source, None, manner)?;
    let Process { log, language, pidfile, lockdir, user, lock_memory, state, control, status_mode } = process;
    let config = Config {
        hosts,
        groups,
        checks,
        log,
        language,
        daemonize: false,
        pidfile,
        lockdir,
        user,
        lock_memory,
        state,
        control,
        status_mode,
        source: Some(source.clone()),
    };
    Ok((config, warnings))
}

/// Looks at the words alone: at no other file than this and what it includes, which is in `base` if that is given.
///
/// # Errors
/// All that is wrong, up to a number.
pub(super) fn read_words(
    source: &Source,
    base: Option<&Path>,
    caller: &Caller,
) -> Result<Vec<Warning>, Errors> {
    whole(source, base, &Manner::new(caller, true, true)).map(|whole| whole.warnings)
}

/// The door for the tests: the words of one file that nobody wrote.
///
/// # Errors
/// All that is wrong, up to a number.
#[doc(hidden)]
pub fn read_text(text: &str, caller: &Caller) -> Result<Vec<VirtualHostConfig>, Errors> {
    let manner = Manner::new(caller, true, true);
    let mut collection = Collection::new(&manner);
    let opened = Opened::of_text(Path::new("/text.toml"), text);
    let (over, folder) = (Layer::default(), Path::new("/nonexistent"));
    let process = collection.main(&opened, folder, &over)?;
    Ok(collection.end(&opened, process)?.hosts)
}

/// The door for the tests: every key there is.
#[doc(hidden)]
#[must_use]
pub fn keys() -> Vec<&'static str> {
    let is_key =
        |row: &&options::Row| !matches!(row.scope, options::Scope::Start | options::Scope::CommandLine);
    options::all().filter(is_key).map(options::Row::key).collect()
}

/// All that was read.
struct Whole {
    hosts: Vec<VirtualHostConfig>,
    groups: Vec<Group>,
    checks: Vec<Check>,
    process: Process,
    warnings: Vec<Warning>,
}

fn whole(source: &Source, base: Option<&Path>, manner: &Manner<'_>) -> Result<Whole, Errors> {
    let mut collection = Collection::new(manner);
    let mut left = LONGEST;
    let main = Opened::open(&source.path, manner, &mut left)?;
    let folder = base.unwrap_or_else(|| source.path.parent().unwrap_or(Path::new("/")));
    collection.left = left;
    let process = collection.main(&main, folder, &source.over)?;
    collection.end(&main, process)
}

/// What was found so far.
struct Collection<'m> {
    manner: &'m Manner<'m>,
    /// How many bytes of other files may still come.
    left: u64,
    hosts: Vec<VirtualHostConfig>,
    /// What has a name, by its table.
    names: HashMap<(Table, String), Place>,
    relations: Relations,
    served: HashMap<(String, u8, Ipv4Addr), (String, Place)>,
    on_interface: BTreeMap<String, usize>,
    errors: Vec<Error>,
    warnings: Vec<Warning>,
    /// What is wrong with a default, or odd, is found with each virtual host, and said once.
    told: HashSet<String>,
    odd: HashSet<Warning>,
}

/// The tables of one file.
#[derive(Default)]
struct Tables<'t> {
    defaults: Option<Layer<'t>>,
    daemon: Option<Layer<'t>>,
    include: Vec<(String, Place)>,
    vips: Vec<Entry<'t>>,
    groups: Vec<Entry<'t>>,
    checks: Vec<Entry<'t>>,
}

impl<'m> Collection<'m> {
    fn new(manner: &'m Manner<'m>) -> Self {
        Self {
            manner,
            left: 0,
            hosts: Vec::new(),
            names: HashMap::new(),
            relations: Relations::default(),
            served: HashMap::new(),
            on_interface: BTreeMap::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            told: HashSet::new(),
            odd: HashSet::new(),
        }
    }

    fn main(&mut self, main: &Opened, folder: &Path, over: &Layer<'_>) -> Result<Process, Errors> {
        let text = Text::new(&main.text, &main.place);
        let (root, wrong) = DeTable::parse_recoverable(&main.text);
        if !wrong.is_empty() {
            return Err(table::misunderstood(&wrong, &text).into());
        }
        let tables = self.tables(root.get_ref(), &text, main, true);
        let daemon = tables.daemon.clone().unwrap_or_default();
        let mut reading = Reading::new(vec![over, &daemon], self.manner);
        let process = process::read(&mut reading);
        self.take(reading);
        self.named(&tables, None, &text, main);
        let mut seen = HashSet::new();
        for (pattern, place) in &tables.include {
            match include::files(pattern, folder) {
                Ok(files) => {
                    for file in files {
                        if !self.is_full() && seen.insert(file.clone()) {
                            self.included(&file, tables.defaults.as_ref());
                        }
                    }
                }
                Err(error) => self.wrong(error.at(Some(place.clone()))),
            }
        }
        Ok(process)
    }

    fn included(&mut self, file: &Path, main: Option<&Layer<'_>>) {
        let opened = match Opened::open(file, self.manner, &mut self.left) {
            Ok(opened) => opened,
            Err(errors) => return errors.0.into_iter().for_each(|error| self.wrong(error)),
        };
        let text = Text::new(&opened.text, &opened.place);
        let (root, wrong) = DeTable::parse_recoverable(&opened.text);
        if !wrong.is_empty() {
            return table::misunderstood(&wrong, &text).into_iter().for_each(|error| self.wrong(error));
        }
        let tables = self.tables(root.get_ref(), &text, &opened, false);
        self.named(&tables, main, &text, &opened);
    }

    /// Takes a file apart.
    fn tables<'t>(
        &mut self,
        root: &'t DeTable<'t>,
        text: &'t Text<'t>,
        opened: &Opened,
        is_main: bool,
    ) -> Tables<'t> {
        let mut tables = Tables::default();
        let folder = opened.folder();
        for Entry { key, at, value } in table::entries(root) {
            let mut only_in_main = |key| {
                if !is_main {
                    self.wrong(Error::File(FileError::OnlyInMainFile { key }).at(Some(text.place(at))));
                }
                is_main
            };
            match key {
                "config-version" => match value.get_ref() {
                    DeValue::Integer(version) if version.as_str() == "1" => {}
                    DeValue::Integer(version) => {
                        let error = FileError::Version { value: version.to_string() };
                        self.wrong(Error::File(error).at(Some(text.place(value.span().start))));
                    }
                    _ => self.wrong(
                        Error::File(FileError::NotANumber { key: "config-version" }).at(Some(text.place(at))),
                    ),
                },
                "include" if only_in_main("include") => {
                    let found = table::strings("include", at, value, text, &mut self.errors);
                    tables.include.extend(found);
                }
                "daemon" if only_in_main("daemon") => {
                    tables.daemon =
                        table::layer(Table::Daemon, key, at, value, text, folder, &mut self.errors);
                }
                "include" | "daemon" => {}
                "defaults" => {
                    let defaults =
                        table::layer(Table::Defaults, key, at, value, text, folder, &mut self.errors);
                    if let Some(defaults) = &defaults {
                        let mut reading = Reading::new(vec![defaults], self.manner).partial();
                        virtual_host::read(&mut reading, None);
                        self.take(reading);
                    }
                    tables.defaults = defaults;
                }
                "vip" | "group" | "check" => match value.get_ref() {
                    DeValue::Table(named) => {
                        let place = match key {
                            "vip" => &mut tables.vips,
                            "group" => &mut tables.groups,
                            _ => &mut tables.checks,
                        };
                        *place = table::entries(named);
                    }
                    _ => self.wrong(
                        Error::File(FileError::NotATable { key: key.to_owned() }).at(Some(text.place(at))),
                    ),
                },
                _ => {
                    let known = ["config-version", "include", "daemon", "defaults", "vip", "group", "check"];
                    let similar = options::similar(key.as_bytes(), &mut known.into_iter());
                    let error = FileError::UnknownTable { table: shown(key.as_ref()), similar };
                    self.wrong(Error::File(error).at(Some(text.place(at))));
                }
            }
            if self.is_full() {
                break;
            }
        }
        tables
    }

    /// Reads what has names in one file, which has defaults, and those of the main file behind them.
    fn named(&mut self, tables: &Tables<'_>, main: Option<&Layer<'_>>, text: &Text<'_>, opened: &Opened) {
        let defaults = [tables.defaults.as_ref(), main];
        let kinds =
            [(Table::Group, &tables.groups), (Table::Vip, &tables.vips), (Table::Check, &tables.checks)];
        for (kind, entries) in kinds {
            for Entry { key: name, at, value } in entries {
                if self.is_full() {
                    return;
                }
                let here = text.place(*at);
                if let Some(error) = self.misnamed(kind, name, &here) {
                    self.wrong(error.at(Some(here)));
                    continue;
                }
                let (folder, errors) = (opened.folder(), &mut self.errors);
                let Some(layer) = table::layer(kind, name, *at, value, text, folder, errors) else {
                    continue;
                };
                match kind {
                    Table::Group => self.group(name, &layer, defaults, here),
                    Table::Check => self.check(name, &layer, here),
                    Table::Vip | Table::Defaults | Table::Daemon => {
                        self.vip(name, &layer, defaults, here, opened);
                    }
                }
            }
        }
    }

    fn group(&mut self, name: &str, layer: &Layer<'_>, defaults: [Option<&Layer<'_>>; 2], here: Place) {
        let layers = [Some(layer)].into_iter().chain(defaults).flatten().collect();
        let mut reading = Reading::new(layers, self.manner);
        let delays = Delays::read(&mut reading);
        self.take(reading);
        self.relations.group(Group { name: name.to_owned(), delays }, here);
    }

    fn check(&mut self, name: &str, layer: &Layer<'_>, here: Place) {
        let mut reading = Reading::new(vec![layer], self.manner);
        if let Some(check) = check::read(&mut reading, name) {
            self.relations.check(check, &reading);
        }
        self.take(reading);
        if self.relations.checks() == MOST_CHECKS + 1 {
            self.wrong(Error::File(FileError::TooManyChecks { max: MOST_CHECKS }).at(Some(here)));
        }
    }

    fn vip(
        &mut self,
        name: &str,
        layer: &Layer<'_>,
        defaults: [Option<&Layer<'_>>; 2],
        here: Place,
        opened: &Opened,
    ) {
        let layers = [Some(layer)].into_iter().chain(defaults).flatten().collect();
        let mut reading = Reading::new(layers, self.manner);
        let read = virtual_host::read(&mut reading, Some(name));
        let readable = opened.is_readable && layer.given().any(|(option, _)| option == "--pass");
        if readable {
            reading.refuse("--pass", Error::File(FileError::Readable));
        }
        self.relations.vip(&reading, layer);
        let place = reading.place_of("--vhid");
        self.take(reading);
        if let Some(host) = read {
            self.serve(host, here, place);
        }
    }

    /// What is wrong with a name of this kind, of which there may be another already.
    fn misnamed(&mut self, kind: Table, name: &str, here: &Place) -> Option<Error> {
        let name = match words::name(name.as_ref()) {
            Ok(name) => name,
            Err(error) => return Some(error),
        };
        match self.names.entry((kind, name)) {
            Occupied(known) => {
                let (name, first) = (known.key().1.clone(), known.get().clone());
                Some(Error::File(FileError::NameTwice { name, first }))
            }
            Vacant(free) => {
                free.insert(here.clone());
                None
            }
        }
    }

    /// Takes a virtual host in, unless another is the same to the network.
    fn serve(&mut self, host: VirtualHostConfig, here: Place, vhid: Option<Place>) {
        let interface = host.interface.clone().unwrap_or_default();
        let name = host.name.clone().unwrap_or_default();
        let known = (interface.clone(), host.vhid.get(), host.destination.v4);
        if let Some((name, first)) = self.served.get(&known) {
            let (name, vhid_number, first) = (name.clone(), host.vhid.get(), first.clone());
            let error = FileError::ServedTwice { name, interface, vhid: vhid_number, first };
            return self.wrong(Error::File(error).at(vhid));
        }
        self.served.insert(known, (name, here.clone()));
        let on_interface = self.on_interface.entry(interface.clone()).or_default();
        *on_interface += 1;
        if *on_interface == MOST_ON_INTERFACE + 1 {
            let error = FileError::TooManyOnInterface { interface, max: MOST_ON_INTERFACE };
            return self.wrong(Error::File(error).at(Some(here)));
        }
        if self.hosts.len() == MOST_VIPS {
            return self.wrong(Error::File(FileError::TooManyVips { max: MOST_VIPS }).at(Some(here)));
        }
        self.hosts.push(host);
    }

    fn take(&mut self, reading: Reading<'_>) {
        let Reading { errors, warnings, .. } = reading;
        errors.into_iter().for_each(|error| self.wrong(error));
        for warning in warnings {
            if !self.odd.contains(&warning) {
                self.odd.insert(warning.clone());
                self.warnings.push(warning);
            }
        }
    }

    fn wrong(&mut self, error: Error) {
        if self.told.insert(error.to_string()) {
            self.errors.push(error);
        }
    }

    fn is_full(&self) -> bool {
        self.errors.len() >= MOST_ERRORS
    }

    fn end(mut self, main: &Opened, process: Process) -> Result<Whole, Errors> {
        if self.hosts.is_empty() && self.errors.is_empty() {
            self.wrong(Error::File(FileError::NoVips).at(Some(main.place.clone())));
        }
        let names = self.names.keys().filter(|(kind, _)| *kind == Table::Vip);
        let mut vips = BTreeSet::new();
        vips.extend(names.map(|(_, name)| name.as_str()));
        let settled = std::mem::take(&mut self.relations).settle(&vips, &mut self.hosts);
        let Settled { groups, checks, errors, warnings } = settled;
        self.warnings.extend(warnings);
        errors.into_iter().for_each(|error| self.wrong(error));
        if self.errors.is_empty() {
            let Self { hosts, warnings, .. } = self;
            return Ok(Whole { hosts, groups, checks, process, warnings });
        }
        let elsewhere = |error: &Error| error.place().is_some_and(|place| !place.is_in(&main.place));
        sort_by(&mut self.errors, |one, other| {
            (elsewhere(one), one.place()).cmp(&(elsewhere(other), other.place()))
        });
        self.errors.truncate(MOST_ERRORS);
        Err(Errors(self.errors))
    }
}
