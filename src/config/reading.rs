//! What was asked for, by option, whoever gave it: the words of a command line, or the keys of a table in a file.
//!
//! A [`Layer`] is one of these; where several are laid on one another the nearest that has an option counts. A [`Reading`]
//! turns them into values, goes on after a mistake, and says of each where it stands.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::place::{Place, Text};
use super::{Caller, Error, FileError, Secret, Warning, words};

/// What was given for an option.
#[derive(Clone)]
pub(super) enum Value {
    Switch(bool),
    /// Words, and where each begins.
    Words(Vec<(OsString, usize)>),
    Secret(Zeroizing<Vec<u8>>),
    /// Something that is no value of this kind, which was said already.
    Wrong,
}

#[derive(Clone)]
struct Answer {
    option: &'static str,
    /// Which byte of a file the key begins at, or how many came before it on the command line.
    at: usize,
    value: Value,
}

/// What one command line or one table says.
#[derive(Clone, Default)]
pub(super) struct Layer<'a> {
    answers: Vec<Answer>,
    /// The file it stands in.
    text: Option<&'a Text<'a>>,
    /// Where in the file it begins.
    begins: usize,
    /// What the names of files are relative to.
    folder: PathBuf,
}

/// Whatever was given, the names of the options are no secret.
impl fmt::Debug for Layer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.answers.iter().map(|answer| answer.option)).finish()
    }
}

impl<'a> Layer<'a> {
    /// One of a command line given in `folder`.
    pub(super) fn of_command_line(folder: PathBuf) -> Self {
        Self { folder, ..Self::default() }
    }

    /// A table of a file.
    pub(super) fn of_file(text: &'a Text<'a>, begins: usize, folder: &Path) -> Self {
        Self { text: Some(text), begins, folder: folder.to_owned(), ..Self::default() }
    }

    /// Adds what was given for an option.
    pub(super) fn add(&mut self, option: &'static str, at: usize, value: Value) {
        self.answers.push(Answer { option, at, value });
    }

    /// Only what was given for these options.
    pub(super) fn only(mut self, wanted: impl Fn(&str) -> bool) -> Self {
        self.answers.retain(|answer| wanted(answer.option));
        self
    }

    /// What was given, in the order it was.
    pub(super) fn given(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.answers.iter().map(|answer| (answer.option, &answer.value))
    }

    /// Whether the first of two was given, and later than the other if that was too.
    pub(super) fn is_after(&self, option: &str, other: &str) -> bool {
        let at = |option| self.answer(option).map(|answer| answer.at);
        at(option) > at(other)
    }

    /// What names of files are relative to.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where in its file this byte is.
    pub(super) fn place(&self, at: usize) -> Option<Place> {
        self.text.map(|text| text.place(at))
    }

    /// Where in its file it begins.
    pub(super) fn header(&self) -> Option<Place> {
        self.place(self.begins)
    }

    fn answer(&self, option: &str) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.option == option)
    }
}

/// How words are read.
pub(super) struct Manner<'a> {
    pub(super) caller: &'a Caller,
    /// They come from a file: nothing old has to be kept alive, so what is unsafe is refused.
    pub(super) strict: bool,
    /// The words alone are looked at, and no other file, user or variable.
    pub(super) words_only: bool,
    /// They were read before, by this process.
    again: bool,
    seen: RefCell<Seen>,
}

/// What was looked at already: many virtual hosts have the same scripts.
#[derive(Default)]
struct Seen {
    hooks: HashSet<PathBuf>,
    passwords: HashMap<PathBuf, Vec<Secret>>,
}

impl<'a> Manner<'a> {
    pub(super) fn new(caller: &'a Caller, strict: bool, words_only: bool) -> Self {
        Self { caller, strict, words_only, again: false, seen: RefCell::default() }
    }

    pub(super) fn again(self) -> Self {
        Self { again: true, ..self }
    }
}

/// Somewhere in a layer.
type Spot<'a> = (&'a Layer<'a>, usize);

/// Layers on their way to become values.
pub(super) struct Reading<'a> {
    /// The nearest first.
    layers: Vec<&'a Layer<'a>>,
    pub(super) manner: &'a Manner<'a>,
    /// Whether there is more to come, so that nothing is missed: defaults on their own.
    partial: bool,
    pub(super) errors: Vec<Error>,
    pub(super) warnings: Vec<Warning>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(layers: Vec<&'a Layer<'a>>, manner: &'a Manner<'a>) -> Self {
        Self { layers, manner, partial: false, errors: Vec::new(), warnings: Vec::new() }
    }

    /// Of what is not whole.
    pub(super) fn partial(self) -> Self {
        Self { partial: true, ..self }
    }

    #[inline(never)]
    fn find(&self, option: &str) -> Option<(&'a Layer<'a>, &'a Answer)> {
        self.layers.iter().find_map(|layer| Some((*layer, layer.answer(option)?)))
    }

    /// Where an option stands, or where it could.
    pub(super) fn place_of(&self, option: &str) -> Option<Place> {
        match self.find(option) {
            Some((layer, answer)) => layer.place(answer.at),
            None => self.layers.first()?.header(),
        }
    }

    pub(super) fn is_given(&self, option: &str) -> bool {
        self.find(option).is_some()
    }

    /// Where a word stands.
    pub(super) fn place((layer, at): Spot<'a>) -> Option<Place> {
        layer.place(at)
    }

    /// Whether a switch is on.
    pub(super) fn switch(&self, option: &str, otherwise: bool) -> bool {
        match self.find(option) {
            Some((_, Answer { value: Value::Switch(on), .. })) => *on,
            _ => otherwise,
        }
    }

    /// Whether something was given that is no value of the kind.
    pub(super) fn is_wrong(&self, option: &str) -> bool {
        self.find(option).is_some_and(|(_, answer)| matches!(answer.value, Value::Wrong))
    }

    /// Each word of an option that may be repeated.
    pub(super) fn words(&self, option: &str) -> Vec<(&'a OsStr, Spot<'a>)> {
        match self.find(option) {
            Some((layer, Answer { value: Value::Words(words), .. })) => {
                words.iter().map(|(word, at)| (word.as_os_str(), (layer, *at))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether there is something in a list that was given, and no more than so many bytes.
    pub(super) fn fits(&mut self, option: &'static str, max: usize) -> bool {
        if !self.is_given(option) || self.is_wrong(option) {
            return false;
        }
        let (key, words) = (option.trim_start_matches('-'), self.words(option));
        let length: usize = words.iter().map(|(word, _)| word.len() + 1).sum();
        match length {
            0 => self.refuse(option, Error::File(FileError::EmptyList { key })),
            length if length > max => self.refuse(option, Error::File(FileError::LongList { key, max })),
            _ => return true,
        }
        false
    }

    /// The value of an option that was given, unless it is wrong.
    pub(super) fn value<T>(
        &mut self,
        option: &'static str,
        read: impl FnOnce(&'static str, &OsStr) -> Result<T, Error>,
    ) -> Option<T> {
        self.file(option, |option, word, _| read(option, word))
    }

    /// The same for the name of a file, which is relative to a folder.
    pub(super) fn file<T>(
        &mut self,
        option: &'static str,
        read: impl FnOnce(&'static str, &OsStr, &Path) -> Result<T, Error>,
    ) -> Option<T> {
        let (word, spot) = self.last(option)?;
        self.keep(spot, read(option, word, spot.0.folder()))
    }

    /// The last word of an option.
    #[inline(never)]
    fn last(&self, option: &str) -> Option<(&'a OsStr, Spot<'a>)> {
        let (layer, Answer { value: Value::Words(words), .. }) = self.find(option)? else { return None };
        let (word, at) = words.last()?;
        Some((word, (layer, *at)))
    }

    /// The value, unless it is wrong.
    pub(super) fn keep<T>(&mut self, (layer, at): Spot<'a>, read: Result<T, Error>) -> Option<T> {
        read.map_err(|error| self.wrong((layer, at), error)).ok()
    }

    #[inline(never)]
    fn wrong(&mut self, (layer, at): Spot<'a>, error: Error) {
        self.errors.push(error.at(layer.place(at)));
    }

    /// Something is wrong with an option.
    pub(super) fn refuse(&mut self, option: &str, error: Error) {
        let place = self.place_of(option);
        self.errors.push(error.at(place));
    }

    /// Something is missing.
    pub(super) fn lacks(&mut self, error: Error) {
        if !self.partial {
            let header = self.layers.first().and_then(|layer| layer.header());
            self.errors.push(error.at(header));
        }
    }

    /// Something about an option is allowed, but odd.
    pub(super) fn warn(&mut self, option: &str, warning: Warning) {
        let place = self.place_of(option);
        self.warnings.push(warning.at(place));
    }

    /// The same about one of its words.
    pub(super) fn warn_at(&mut self, (layer, at): Spot<'a>, warning: Warning) {
        self.warnings.push(warning.at(layer.place(at)));
    }

    /// Something is allowed only where something old has to be kept alive.
    fn doubt(&mut self, option: &str, doubts: Vec<Warning>) {
        for doubt in doubts {
            if self.manner.strict {
                self.refuse(option, Error::Unsafe(doubt));
            } else {
                self.warn(option, doubt);
            }
        }
    }

    /// A script that can be run.
    pub(super) fn hook(&mut self, option: &'static str) -> Option<PathBuf> {
        let word = self.words(option).pop()?;
        self.runnable(option, word, words::script_name)
    }

    /// Programs that can be run, each by its absolute name.
    pub(super) fn programs(&mut self, option: &'static str) -> Vec<PathBuf> {
        const MOST: usize = 2048;
        if !self.fits(option, MOST) {
            return Vec::new();
        }
        let words = self.words(option);
        words.into_iter().filter_map(|word| self.runnable(option, word, words::program_name)).collect()
    }

    /// A program that can be run, by its absolute name, and its other words.
    pub(super) fn command(&mut self, option: &'static str) -> Option<(PathBuf, Vec<String>)> {
        const MOST: usize = 8192;
        if !self.fits(option, MOST) {
            return None;
        }
        let mut words = self.words(option).into_iter();
        let program = self.runnable(option, words.next()?, words::program_name)?;
        Some((program, words.map(|(word, _)| word.to_string_lossy().into_owned()).collect()))
    }

    /// What can be run, by the name that a word is.
    fn runnable(
        &mut self,
        option: &'static str,
        (word, spot): (&'a OsStr, Spot<'a>),
        name: fn(&'static str, &OsStr, &Path) -> Result<PathBuf, Error>,
    ) -> Option<PathBuf> {
        let manner = self.manner;
        let mut doubts = Vec::new();
        let script = name(option, word, spot.0.folder()).and_then(|script| {
            if !manner.words_only && !manner.seen.borrow().hooks.contains(&script) {
                words::hook(option, &script, manner.caller, &mut doubts)?;
            }
            Ok(script)
        });
        let script = self.keep(spot, script)?;
        if doubts.is_empty() && !manner.words_only {
            manner.seen.borrow_mut().hooks.insert(script.clone());
        }
        self.doubt(option, doubts);
        Some(script)
    }

    /// Whether what counts as the password is an empty word.
    pub(super) fn has_empty_password(&self) -> bool {
        let (word, file) = ("--pass", "--passfile");
        match self.find(word) {
            Some((layer, Answer { value: Value::Secret(pass), .. })) => {
                pass.is_empty() && layer.is_after(word, file)
            }
            _ => false,
        }
    }

    /// The passwords: the one that is sent, and others that are understood.
    pub(super) fn passwords(&mut self) -> Option<Vec<Secret>> {
        let (word, file) = ("--pass", "--passfile");
        let given = self.layers.iter().find_map(|layer| {
            let answers = (layer.answer(word), layer.answer(file));
            (answers.0.is_some() || answers.1.is_some()).then_some((*layer, answers))
        });
        let Some((layer, (pass, passfile))) = given else {
            self.lacks(Error::Required { option: file, example: "--passfile=/etc/ucarp/password" });
            return None;
        };
        if pass.is_some() && passfile.is_some() {
            if self.manner.strict {
                self.refuse(word, Error::File(FileError::TwoPasswords));
                return None;
            }
            let (used, ignored) = if layer.is_after(word, file) { (word, file) } else { (file, word) };
            self.warn(used, Warning::TwoPasswords { used, ignored });
        }
        match pass {
            Some(Answer { value: Value::Secret(pass), at, .. }) if layer.is_after(word, file) => {
                let secret = words::password(word, pass);
                self.keep((layer, *at), secret).map(|secret| vec![secret])
            }
            _ => self.passfile(),
        }
    }

    fn passfile(&mut self) -> Option<Vec<Secret>> {
        let (option, manner) = ("--passfile", self.manner);
        if manner.again && self.words(option).last().is_some_and(|(word, _)| words::is_credential(word)) {
            self.warn(option, Warning::CredentialStays { option });
        }
        let mut doubts = Vec::new();
        let mut name = None;
        let secrets = self.file(option, |option, word, folder| {
            let path = words::passfile_name(option, word, folder, !manner.words_only)?;
            if manner.words_only {
                return Ok(vec![Secret::unknown()]);
            }
            if let Some(known) = manner.seen.borrow().passwords.get(&path) {
                return Ok(known.clone());
            }
            let secrets = words::passfile(option, &path, manner.caller, &mut doubts);
            name = Some(path);
            secrets
        })?;
        if let Some(name) = name.filter(|_| manner.strict && doubts.is_empty()) {
            manner.seen.borrow_mut().passwords.insert(name, secrets.clone());
        }
        self.doubt(option, doubts);
        Some(secrets)
    }
}
