//! A table of a file as what was given for the options that its keys are.

use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error as Misunderstanding};
use zeroize::Zeroizing;

use crate::config::options::{self, Row, Scope, Takes};
use crate::config::place::{Place, Text};
use crate::config::reading::{Layer, Value};
use crate::config::{Error, FileError, shown};
use crate::sorting::sort_by;

use super::MOST_ERRORS;

/// What a table is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Table {
    Vip,
    Group,
    Check,
    Defaults,
    Daemon,
}

impl Table {
    fn has(self, row: &Row) -> bool {
        let also = |options: &[&str]| options.contains(&row.option);
        match self {
            Self::Vip => matches!(row.scope, Scope::Vip | Scope::OneVip | Scope::KeyOfVip),
            Self::Group => also(&["--start-hold", "--preempt-delay"]),
            Self::Check => row.scope == Scope::KeyOfCheck || also(&["--interface", "--group", "--user"]),
            Self::Defaults => matches!(row.scope, Scope::Vip | Scope::KeyOfVip),
            Self::Daemon => matches!(row.scope, Scope::Daemon | Scope::KeyOfDaemon),
        }
    }
}

/// What stands in a table.
pub(super) struct Entry<'t> {
    pub(super) key: &'t str,
    /// The byte it begins at.
    pub(super) at: usize,
    pub(super) value: &'t Spanned<DeValue<'t>>,
}

/// All that stands in a table, in the order it stands there.
pub(super) fn entries<'t>(table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
    let entry = |(key, value): (&'t Spanned<_>, _)| {
        let key: &'t Spanned<std::borrow::Cow<'t, str>> = key;
        Entry { key: key.get_ref(), at: key.span().start, value }
    };
    let mut entries: Vec<Entry<'t>> = table.iter().map(entry).collect();
    sort_by(&mut entries, |one, other| one.at.cmp(&other.at));
    entries
}

/// What the parser could not make sense of. Its reasons are about the grammar and hold nothing of the file. A table
/// whose name there is already is said with the place of the other, and once, not with each of its keys.
pub(super) fn misunderstood(wrong: &[Misunderstanding], text: &Text<'_>) -> Vec<Error> {
    let mut wrong: Vec<&Misunderstanding> = wrong.iter().collect();
    let begins = |error: &Misunderstanding| error.span().map(|span| span.start);
    sort_by(&mut wrong, |one, other| begins(one).cmp(&begins(other)));
    let mut again = 0..0;
    let mut errors = Vec::new();
    for error in wrong {
        let span = error.span();
        if errors.len() == MOST_ERRORS {
            break;
        }
        let is_twice = error.message() == TWICE;
        if is_twice && span.as_ref().is_some_and(|span| again.contains(&span.start)) {
            continue;
        }
        // What is nested too deeply it says of the file as a whole.
        let place = span.as_ref().map_or_else(|| text.whole(), |span| text.place(span.start));
        let named = span.filter(|_| is_twice).and_then(|span| named_twice(&span, text));
        let error = match named {
            Some((error, its_keys)) => {
                again = its_keys;
                error
            }
            None => FileError::Syntax { reason: shown(error.message().as_ref()) },
        };
        errors.push(Error::File(error).at(Some(place)));
    }
    errors
}

/// As the parser says that there is a key of this name already.
const TWICE: &str = "duplicate key";

/// What is wrong where a virtual host, a group or a check has the name of another, if it is that, and where its keys are. The parser has
/// forgotten the place of the first one.
fn named_twice(span: &Range<usize>, text: &Text<'_>) -> Option<(FileError, Range<usize>)> {
    let (before, name) = (text.text().get(..span.start)?, text.text().get(span.clone())?);
    let (before, begun) = before.rsplit_once('\n')?;
    let table = ["[vip.", "[group.", "[check."].into_iter().find(|table| begun.trim_start() == *table)?;
    let is_first = |line: &str| {
        line.trim_start().strip_prefix(table)?.strip_prefix(name)?.starts_with(']').then_some(())
    };
    let mut at = 0;
    let first = before.split_inclusive('\n').find_map(|line| {
        let found = is_first(line).map(|()| at + line.find(table).unwrap_or_default() + table.len());
        at += line.len();
        found
    })?;
    let rest = text.text().get(span.end..)?;
    let end = rest.find("\n[").map_or(text.text().len(), |length| span.end + length);
    Some((FileError::NameTwice { name: shown(name.as_ref()), first: text.place(first) }, span.end..end))
}

/// What a table gives for its options. What is wrong with single ones is added to `errors`, and left out.
pub(super) fn layer<'t>(
    kind: Table,
    name: &str,
    at: usize,
    value: &Spanned<DeValue<'_>>,
    text: &'t Text<'t>,
    folder: &Path,
    errors: &mut Vec<Error>,
) -> Option<Layer<'t>> {
    let DeValue::Table(table) = value.get_ref() else {
        let error = FileError::NotATable { key: shown(name.as_ref()) };
        errors.push(Error::File(error).at(Some(text.place(at))));
        return None;
    };
    let mut layer = Layer::of_file(text, at, folder);
    for Entry { key, at, value } in entries(table) {
        if errors.len() >= MOST_ERRORS {
            break;
        }
        let row = row(kind, key);
        let option = row.as_ref().ok().map(|row| row.option);
        let value = row.and_then(|row| given(row, value)).unwrap_or_else(|Wrong { error, at: place }| {
            errors.push(error.at(Some(text.place(place.unwrap_or(at)))));
            Value::Wrong
        });
        if let Some(option) = option {
            layer.add(option, at, value);
        }
    }
    Some(layer)
}

/// What is wrong, and where if that is not the key.
struct Wrong {
    error: Error,
    at: Option<usize>,
}

impl From<FileError> for Wrong {
    fn from(error: FileError) -> Self {
        Self { error: Error::File(error), at: None }
    }
}

fn row(kind: Table, key: &str) -> Result<&'static Row, Wrong> {
    let known = || options::all().filter(|row| kind.has(row)).map(Row::key);
    match options::all().find(|row| row.key() == key) {
        Some(row) if kind.has(row) => Ok(row),
        Some(row) if kind == Table::Defaults && row.scope == Scope::OneVip => {
            Err(FileError::NoDefault { key: row.key() }.into())
        }
        Some(row) if !matches!(row.scope, Scope::Start | Scope::CommandLine) => {
            Err(FileError::UnknownKey { key: key.to_owned(), similar: None }.into())
        }
        Some(row) => Err(FileError::NoKey { key: row.key() }.into()),
        None => {
            let similar = options::similar(key.as_bytes(), &mut known());
            Err(FileError::UnknownKey { key: shown(key.as_ref()), similar }.into())
        }
    }
}

fn given(row: &'static Row, value: &Spanned<DeValue<'_>>) -> Result<Value, Wrong> {
    let (key, at) = (row.key(), value.span().start);
    let word = |text: &str| match text.contains('\0') {
        true => Err(Wrong { error: Error::NulInside { option: row.option }, at: Some(at) }),
        false => Ok(Value::Words(vec![(OsString::from(text), at)])),
    };
    match (row.takes, value.get_ref()) {
        (Takes::Nothing, DeValue::Boolean(on)) => Ok(Value::Switch(*on)),
        (Takes::Nothing, _) => Err(FileError::NotASwitch { key }.into()),
        (Takes::Secret, DeValue::String(text)) => Ok(Value::Secret(Zeroizing::new(text.as_bytes().to_vec()))),
        (Takes::Word | Takes::Number | Takes::Time, DeValue::String(text)) => word(text),
        (Takes::Number | Takes::Time, DeValue::Integer(number)) => {
            // Beyond what fits it is no number of ours, whatever it is.
            let decimal = i128::from_str_radix(number.as_str(), number.radix());
            word(&decimal.map_or_else(|_| number.to_string(), |number| number.to_string()))
        }
        (Takes::List, DeValue::Array(_)) => {
            let entries = list(row.option, key, value)?;
            Ok(Value::Words(entries.into_iter().map(|(entry, at)| (entry.into(), at)).collect()))
        }
        (Takes::List, DeValue::String(_)) if row.option == "--command" => Err(FileError::NoShell.into()),
        (Takes::List, _) => Err(FileError::NotAList { key }.into()),
        (Takes::Number, _) => Err(FileError::NotANumber { key }.into()),
        (Takes::Time, _) => Err(FileError::NotATime { key }.into()),
        (Takes::Word | Takes::Perhaps | Takes::Secret, _) => Err(FileError::NotText { key }.into()),
    }
}

fn list<'v>(
    option: &'static str,
    key: &'static str,
    value: &'v Spanned<DeValue<'_>>,
) -> Result<Vec<(&'v str, usize)>, Wrong> {
    let DeValue::Array(entries) = value.get_ref() else { return Err(FileError::NotAList { key }.into()) };
    let entry = |entry: &'v Spanned<DeValue<'_>>| {
        let at = entry.span().start;
        match entry.get_ref() {
            DeValue::String(text) if text.contains('\0') => {
                Err(Wrong { error: Error::NulInside { option }, at: Some(at) })
            }
            DeValue::String(text) => Ok((&**text, at)),
            _ => Err(Wrong { error: Error::File(FileError::NotAnEntry { key }), at: Some(at) }),
        }
    };
    entries.iter().map(entry).collect()
}

/// The strings of a list that is no option's, and where they stand.
pub(super) fn strings(
    key: &'static str,
    at: usize,
    value: &Spanned<DeValue<'_>>,
    text: &Text<'_>,
    errors: &mut Vec<Error>,
) -> Vec<(String, Place)> {
    match list(key, key, value) {
        Ok(entries) => entries.into_iter().map(|(entry, at)| (entry.to_owned(), text.place(at))).collect(),
        Err(wrong) => {
            errors.push(wrong.error.at(Some(text.place(wrong.at.unwrap_or(at)))));
            Vec::new()
        }
    }
}
