//! Reads translations as people write them, and compiles them as msgfmt does: tests need no tool for it, and no locale.

use std::collections::BTreeMap;

/// By what a catalogue has a message: its context, if it has one, and its text.
pub type Key = (Option<String>, String);

/// A message of a translation.
#[derive(Clone, Default, Debug)]
pub struct Entry {
    pub plural: Option<String>,
    /// One, or as many as the language has forms; the first is empty if it is not translated.
    pub strings: Vec<String>,
}

impl Entry {
    pub fn is_translated(&self) -> bool {
        !self.strings.is_empty() && self.strings.iter().all(|string| !string.is_empty())
    }
}

/// The literal at the start of a line.
fn literal(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut letters = text.trim().strip_prefix('"')?.chars();
    loop {
        match letters.next()? {
            '"' => return Some(value),
            '\\' => match letters.next()? {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                quoted => value.push(quoted),
            },
            plain => value.push(plain),
        }
    }
}

/// Entries by their keys; those marked fuzzy and obsolete ones are left out, as msgfmt does.
pub fn read_po(text: &str) -> BTreeMap<Key, Entry> {
    let mut entries = BTreeMap::new();
    for block in text.split("\n\n") {
        if block.lines().any(|line| line.starts_with("#,") && line.contains("fuzzy")) {
            continue;
        }
        let (mut context, mut id, mut entry) = (None, None, Entry::default());
        for line in block.lines().filter(|line| !line.starts_with('#')) {
            let part = line.find('"').map_or("", |at| &line[at..]);
            let part = literal(part).unwrap_or_else(|| panic!("not a po line: {line}"));
            if line.starts_with("msgctxt ") {
                context = Some(String::new());
            } else if line.starts_with("msgid ") {
                id = Some(String::new());
            } else if line.starts_with("msgid_plural ") {
                entry.plural = Some(String::new());
            } else if line.starts_with("msgstr") {
                entry.strings.push(String::new());
            }
            let last =
                entry.strings.last_mut().or(entry.plural.as_mut()).or(id.as_mut()).or(context.as_mut());
            last.unwrap_or_else(|| panic!("not a po line: {line}")).push_str(&part);
        }
        if let Some(id) = id {
            let before = entries.insert((context, id.clone()), entry);
            assert!(before.is_none(), "twice: {id}");
        }
    }
    entries
}

/// The same as msgfmt would write it (little endian). What is not translated is left out.
pub fn compiled(entries: &BTreeMap<Key, Entry>) -> Vec<u8> {
    let pairs = entries.iter().filter(|(_, entry)| entry.is_translated()).map(|((context, id), entry)| {
        let mut original = context.as_ref().map_or_else(String::new, |context| format!("{context}\u{4}"));
        original.push_str(id);
        let beginning = original.clone();
        if let Some(plural) = &entry.plural {
            original.push('\0');
            original.push_str(plural);
        }
        (beginning, (original.into_bytes(), entry.strings.join("\0").into_bytes()))
    });
    // In the order of what is searched for.
    let pairs: BTreeMap<_, _> = pairs.collect();
    let pairs: Vec<(&[u8], &[u8])> =
        pairs.values().map(|(original, string)| (original.as_slice(), string.as_slice())).collect();
    written(&pairs)
}

/// A catalogue with these strings, as given.
pub fn written(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let number = |value: usize| u32::try_from(value).expect("small").to_le_bytes();
    let tables = 28 + 16 * entries.len();
    let (mut strings, mut both) = (Vec::new(), [Vec::new(), Vec::new()]);
    for (column, table) in both.iter_mut().enumerate() {
        for (original, translation) in entries {
            let text = if column == 0 { original } else { translation };
            table.extend([number(text.len()), number(tables + strings.len())].concat());
            strings.extend_from_slice(text);
            strings.push(0);
        }
    }
    let head = [0x9504_12de, 0, entries.len(), 28, 28 + 8 * entries.len(), 0, tables];
    head.into_iter().flat_map(number).chain(both.concat()).chain(strings).collect()
}

/// A language of which every ASCII letter of a message is another one: what is still ASCII is a value, or bypassed the
/// catalogue. Placeholders stay. `pot` is the template.
pub fn pseudo(pot: &str) -> Vec<u8> {
    let mut entries = read_po(pot);
    for ((_, id), entry) in &mut entries {
        if id.is_empty() {
            entry.strings = vec![
                "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=n!=1;\n".into(),
            ];
        } else {
            let forms = entry.plural.iter().chain([id]).map(|text| disguised(text));
            entry.strings = forms.collect();
            entry.strings.reverse();
        }
    }
    compiled(&entries)
}

/// The text with fullwidth letters for ASCII ones, but for its placeholders.
pub fn disguised(text: &str) -> String {
    let mut depth = 0_u32;
    let letters = text.chars().map(|letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match letter {
            'A'..='Z' | 'a'..='z' if depth == 0 => {
                char::from_u32(u32::from(letter) - 0x21 + 0xff01).expect("a fullwidth letter")
            }
            other => other,
        }
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_understands_forms_and_contexts() {
        let entries = read_po(
            "msgid \"\"\nmsgstr \"head\\n\"\n\"more\"\n\n#. x\nmsgctxt \"c\"\nmsgid \"one\"\nmsgid_plural \"\"\n\"{n}\"\nmsgstr[0] \"eins\"\nmsgstr[1] \"\"\n\"{n} \"\n\"viele\"\n\n#, fuzzy\nmsgid \"f\"\nmsgstr \"g\"\n\n#~ msgid \"old\"\n#~ msgstr \"alt\"\n",
        );
        assert_eq!(entries[&(None, String::new())].strings, ["head\nmore"]);
        let one = &entries[&(Some("c".into()), "one".into())];
        assert_eq!((one.plural.as_deref(), entries.len()), (Some("{n}"), 2));
        assert_eq!(one.strings, ["eins", "{n} viele"]);
    }

    #[test]
    fn a_disguise_keeps_placeholders() {
        assert_eq!(disguised("a{b} C"), "\u{ff41}{b} \u{ff23}");
    }
}
