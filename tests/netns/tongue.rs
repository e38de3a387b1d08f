//! A language as its catalogue has it: what a sentence becomes, and the catalogue itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use crate::po::{self, Entry, Key};

/// A sentence with its values, of which those that are not known may be anything.
pub(crate) struct Sentence(Vec<String>);

impl Sentence {
    /// `{name}` becomes the value of that name.
    fn filled(text: &str, values: &[(&str, &str)]) -> Self {
        let (mut parts, mut rest) = (vec![String::new()], text);
        while let Some((before, brace_on)) = rest.split_once('{') {
            let (name, after) = brace_on.split_once('}').expect("a placeholder has an end");
            let part = parts.last_mut().expect("there is one");
            part.push_str(before);
            match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => part.push_str(value),
                None => parts.push(String::new()),
            }
            rest = after;
        }
        parts.last_mut().expect("there is one").push_str(rest);
        Self(parts)
    }

    /// Whether this is a line that says it.
    pub(crate) fn is_in(&self, line: &str) -> bool {
        let mut rest = Some(line);
        for part in &self.0 {
            rest = rest.and_then(|rest| Some(rest.split_once(part.as_str())?.1));
        }
        rest.is_some()
    }

    pub(crate) fn text(&self) -> String {
        self.0.join("…")
    }
}

/// A language.
#[derive(Clone)]
pub(crate) struct Tongue {
    pub(crate) name: &'static str,
    catalogue: Vec<u8>,
    entries: Arc<BTreeMap<Key, Entry>>,
}

impl Tongue {
    /// As the catalogue in po/ has it.
    pub(crate) fn new(name: &'static str) -> Self {
        let entries = po::read_po(&read(&format!("{name}.po")));
        Self { name, catalogue: po::compiled(&entries), entries: entries.into() }
    }

    /// One that has no catalogue.
    pub(crate) fn english() -> Self {
        Self { name: "en", catalogue: Vec::new(), entries: Arc::default() }
    }

    /// One in which no letter of a sentence is ASCII.
    pub(crate) fn disguise() -> Self {
        let template = read(TEMPLATE);
        let catalogue = po::pseudo(&template);
        let mut entries = po::read_po(&template);
        for ((_, id), entry) in &mut entries {
            entry.strings = vec![po::disguised(id)];
        }
        Self { name: "qaa", catalogue, entries: entries.into() }
    }

    /// The sentence that begins so in English, with these values.
    #[track_caller]
    pub(crate) fn says(&self, beginning: &str, values: &[(&str, &str)]) -> Sentence {
        static SENTENCES: LazyLock<Vec<Key>> =
            LazyLock::new(|| po::read_po(&read(TEMPLATE)).into_keys().collect());
        let found: Vec<_> = SENTENCES.iter().filter(|(_, id)| id.starts_with(beginning)).collect();
        let [key] = found[..] else { panic!("not one {beginning:?}: {found:#?}") };
        if self.entries.is_empty() {
            return Sentence::filled(&key.1, values);
        }
        let said = self.entries.get(key).filter(|entry| entry.is_translated());
        let said = said.unwrap_or_else(|| panic!("{} does not say {key:?}", self.name));
        assert_ne!(said.strings[0], key.1, "{}", self.name);
        Sentence::filled(&said.strings[0], values)
    }

    /// Puts the catalogue where a daemon looks for it.
    pub(crate) fn install(&self, folder: &Path) -> PathBuf {
        let path = Self::place(self.name, folder);
        fs::write(&path, &self.catalogue).expect("it is ours");
        path
    }

    /// Where the catalogue of a language belongs, which is made ready for it.
    pub(crate) fn place(name: &str, folder: &Path) -> PathBuf {
        let messages = folder.join(name).join("LC_MESSAGES");
        fs::create_dir_all(&messages).expect("it is ours");
        messages.join("ucarp.mo")
    }
}

const TEMPLATE: &str = "ucarp.pot";

/// A file in po/.
fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("po").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
