//! A message catalogue, as msgfmt makes it: read whole, looked at whole, and only then asked for anything.
//!
//! The format is that of GNU gettext's manual, "The Format of GNU MO Files": seven numbers of 32 bits in the byte order of
//! whoever made it, then two tables of lengths and offsets, of what is to be translated (in the order of strcmp(3)) and of
//! what it becomes. A plural entry has its two English forms with a NUL between them, and its own forms likewise. The
//! optional hash table and the system dependent strings of revision 1 are not looked at. What is not as it should be in any
//! place makes the whole unusable: English that can be read is better than every tenth line missing.

use std::cmp::Ordering;

use super::plural::Plural;

const MAGIC: u32 = 0x9504_12de;

/// A catalogue in memory. All that it hands out is UTF-8 and part of `bytes`.
#[derive(Debug)]
pub(super) struct Catalogue {
    bytes: Vec<u8>,
    number: fn([u8; 4]) -> u32,
    count: usize,
    /// Where the table of what is to be translated begins.
    originals: usize,
    /// Where that of the translations begins.
    translations: usize,
    plural: Plural,
}

impl Catalogue {
    /// Nothing if any of it is not as it has to be: the numbers at its beginning, a place outside of it, what is not
    /// UTF-8, an order that cannot be searched, another character set, a rule for plurals that gives no form.
    pub(super) fn parse(bytes: Vec<u8>) -> Option<Self> {
        let first = bytes.first_chunk::<4>()?;
        let number =
            [u32::from_le_bytes, u32::from_be_bytes].into_iter().find(|read| read(*first) == MAGIC)?;
        let mut catalogue =
            Self { bytes, number, count: 0, originals: 0, translations: 0, plural: Plural::default() };
        // The upper half is the format; the lower one only adds to it.
        if catalogue.number_at(4)? >> 16 > 1 {
            return None;
        }
        catalogue.count = catalogue.number_at(8)?;
        catalogue.originals = catalogue.number_at(12)?;
        catalogue.translations = catalogue.number_at(16)?;
        // Before anything is done as often as this says: the tables themselves need that much room.
        if catalogue.count > catalogue.bytes.len() / 16 {
            return None;
        }
        // msgfmt writes each text once. Where all were one and the same, as long as the file, this would take hours.
        let mut room = catalogue.bytes.len();
        let mut before = None;
        for index in 0..catalogue.count {
            for table in [catalogue.originals, catalogue.translations] {
                let (_, length) = catalogue.place(table, index)?;
                room = room.checked_sub(length)?;
            }
            let (original, _) = (catalogue.original(index)?, catalogue.translation(index)?);
            if before.is_some_and(|before| before >= original) {
                return None;
            }
            before = Some(original);
        }
        let header = catalogue.get("")?;
        let value = |name: &str| header.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        if !value("Content-Type")?.to_ascii_lowercase().contains("charset=utf-8") {
            return None;
        }
        if let Some(rule) = value("Plural-Forms") {
            catalogue.plural = Plural::parse(rule)?;
        }
        Some(catalogue)
    }

    /// What this becomes.
    pub(super) fn get(&self, original: &str) -> Option<&str> {
        self.form(original, 0)
    }

    /// What it becomes of this number.
    pub(super) fn about(&self, original: &str, count: u64) -> Option<&str> {
        self.form(original, self.plural.form(count)?)
    }

    /// A form of it that says something.
    fn form(&self, original: &str, form: usize) -> Option<&str> {
        self.translation(self.find(original)?)?.split('\0').nth(form).filter(|text| !text.is_empty())
    }

    fn find(&self, original: &str) -> Option<usize> {
        let (mut from, mut to) = (0, self.count);
        while from < to {
            let middle = from.midpoint(to);
            match self.original(middle)?.cmp(original) {
                Ordering::Equal => return Some(middle),
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
            }
        }
        None
    }

    /// What is to be translated; of several forms the first.
    fn original(&self, index: usize) -> Option<&str> {
        self.text(self.originals, index)?.split('\0').next()
    }

    fn translation(&self, index: usize) -> Option<&str> {
        self.text(self.translations, index)
    }

    fn text(&self, table: usize, index: usize) -> Option<&str> {
        let (from, length) = self.place(table, index)?;
        std::str::from_utf8(self.bytes.get(from..from.checked_add(length)?)?).ok()
    }

    /// Where a text begins, and how long it is.
    fn place(&self, table: usize, index: usize) -> Option<(usize, usize)> {
        let row = table.checked_add(index.checked_mul(8)?)?;
        Some((self.number_at(row.checked_add(4)?)?, self.number_at(row)?))
    }

    fn number_at(&self, place: usize) -> Option<usize> {
        usize::try_from((self.number)(*self.bytes.get(place..)?.first_chunk::<4>()?)).ok()
    }
}

#[cfg(test)]
impl Catalogue {
    /// All that is translated, with contexts and all forms.
    pub(super) fn originals(&self) -> impl Iterator<Item = &str> {
        (0..self.count).filter_map(|index| self.text(self.originals, index))
    }
}

/// Looks up all that is in it, and something that is not, each of many numbers.
#[cfg(fuzzing)]
pub(super) fn ask(bytes: Vec<u8>) {
    let inside = bytes.as_ptr_range();
    let Some(catalogue) = Catalogue::parse(bytes) else { return };
    let is_ours = |text: &str| {
        let place = text.as_bytes().as_ptr_range();
        assert!(!text.is_empty() && inside.start <= place.start && place.end <= inside.end, "not its own");
    };
    assert!(catalogue.get("").is_some_and(|header| header.contains("Content-Type")));
    for index in 0..catalogue.count {
        let original = catalogue.original(index).expect("it was looked at");
        assert_eq!(catalogue.find(original), Some(index), "whatever is there is found");
        catalogue.get(original).into_iter().for_each(is_ours);
        for count in [0, 1, 2, 5, 21, 101, u64::from(u32::MAX), u64::MAX] {
            catalogue.about(original, count).into_iter().for_each(is_ours);
        }
    }
    assert_eq!(catalogue.get("\u{10ffff} is in none"), None);
    for count in (0..=200).chain([1_000, 1_000_000]) {
        assert!(catalogue.plural.form(count).is_some_and(|form| form < 6));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A catalogue with these entries, strings as given, in this byte order.
    pub(in crate::i18n) fn compiled(entries: &[(&[u8], &[u8])], bytes: fn(u32) -> [u8; 4]) -> Vec<u8> {
        let number = |value: usize| bytes(u32::try_from(value).unwrap());
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
        let head = [MAGIC as usize, 0, entries.len(), 28, 28 + 8 * entries.len(), 0, tables];
        head.into_iter().flat_map(number).chain(both.concat()).chain(strings).collect()
    }

    const HEADER: (&[u8], &[u8]) = (
        b"",
        b"Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=3; plural=(n==1 ? 0 : n<5 ? 1 : 2);\n",
    );
    const ONE: (&[u8], &[u8]) = (b"one", "\u{43e}\u{434}\u{438}\u{43d}".as_bytes());
    const MANY: (&[u8], &[u8]) = (b"{count} line\0{count} lines", b"a\0b\0c");

    #[test]
    fn both_byte_orders() {
        for order in [u32::to_le_bytes, u32::to_be_bytes] {
            let catalogue =
                Catalogue::parse(compiled(&[HEADER, ONE.min(MANY), ONE.max(MANY)], order)).unwrap();
            assert_eq!(catalogue.get("one"), Some("один"));
            assert_eq!((catalogue.get("two"), catalogue.get("on"), catalogue.get("~")), (None, None, None));
            let forms = [0, 1, 2, 5, 21].map(|count| catalogue.about("{count} line", count).unwrap());
            assert_eq!(forms, ["b", "a", "b", "c", "c"]);
        }
    }

    #[test]
    fn what_is_broken_says_nothing() {
        let with = |header: &[u8]| compiled(&[(b"", header), ONE], u32::to_le_bytes);
        let sound = compiled(&[HEADER, ONE], u32::to_le_bytes);
        assert!(Catalogue::parse(sound.clone()).is_some());
        let changed = |at: usize, value: u32| {
            let mut bytes = sound.clone();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            bytes
        };
        for (name, bytes) in [
            ("empty", Vec::new()),
            ("no catalogue", b"#!/bin/sh\nexit 0\n".repeat(9)),
            ("cut short", sound[..sound.len() - 40].to_vec()),
            ("another format", changed(4, 2 << 16)),
            ("more entries than room", changed(8, u32::MAX)),
            ("a table outside", changed(12, u32::MAX - 3)),
            ("a string outside", changed(28 + 8, u32::MAX)),
            ("a string that ends outside", changed(28 + 8 + 4, 1 << 20)),
            ("not UTF-8", compiled(&[HEADER, (b"one", b"\xff")], u32::to_le_bytes)),
            ("a key that is not UTF-8", compiled(&[HEADER, (b"\xff", b"one")], u32::to_le_bytes)),
            ("not in order", compiled(&[HEADER, (b"two", b"2"), ONE], u32::to_le_bytes)),
            ("twice", compiled(&[HEADER, ONE, ONE], u32::to_le_bytes)),
            ("one text for all", {
                let mut bytes = compiled(&[HEADER, ONE, (b"two", b"2")], u32::to_le_bytes);
                // The translations, the second and the third, become that of the first, which is longer.
                let first = bytes[52..60].to_vec();
                bytes[60..68].copy_from_slice(&first);
                bytes[68..76].copy_from_slice(&first);
                bytes
            }),
            ("no header", compiled(&[ONE], u32::to_le_bytes)),
            ("another character set", with(b"Content-Type: text/plain; charset=ISO-8859-1\n")),
            ("no character set", with(b"Language: de\n")),
            (
                "a rule without end",
                with(b"Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=((((n\n"),
            ),
        ] {
            assert!(Catalogue::parse(bytes).is_none(), "{name}");
        }
    }

    #[test]
    fn an_empty_translation_is_none() {
        let catalogue = Catalogue::parse(compiled(&[HEADER, (b"one", b"")], u32::to_le_bytes)).unwrap();
        assert_eq!((catalogue.get("one"), catalogue.about("one", 1)), (None, None));
    }
}
