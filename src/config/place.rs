//! Where something stands in a file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::shown;

/// A place in a file, or the file as a whole.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Place {
    /// Its name, as it may stand in a sentence.
    file: Arc<str>,
    /// Line and column, both from 1. Columns are characters.
    at: Option<(usize, usize)>,
}

impl Place {
    /// The file as a whole.
    pub(super) fn whole(file: &Path) -> Self {
        Self { file: shown(file.as_os_str()).into(), at: None }
    }

    /// Whether it is in this file.
    pub(super) fn is_in(&self, file: &Self) -> bool {
        self.file == file.file
    }
}

/// As compilers say it, which editors know how to go to.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some((line, column)) => write!(f, "{}:{line}:{column}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// What a file holds, and where its lines begin.
pub(super) struct Text<'a> {
    text: &'a str,
    begins: Vec<usize>,
    file: Arc<str>,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str, whole: &Place) -> Self {
        let ends = text.bytes().zip(1..).filter_map(|(byte, next)| (byte == b'\n').then_some(next));
        Self { text, begins: std::iter::once(0).chain(ends).collect(), file: Arc::clone(&whole.file) }
    }

    /// The file as a whole.
    pub(super) fn whole(&self) -> Place {
        Place { file: Arc::clone(&self.file), at: None }
    }

    /// All of it.
    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    /// The place of the byte with this number.
    pub(super) fn place(&self, byte: usize) -> Place {
        let line = self.begins.partition_point(|&begin| begin <= byte);
        let begin = self.begins.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.as_bytes().get(begin..byte).unwrap_or_default();
        // Those that continue a character do not begin one.
        let column = before.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() + 1;
        Place { file: Arc::clone(&self.file), at: Some((line, column)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_and_columns_of_characters() {
        let whole = Place::whole(Path::new("a\nfile"));
        assert_eq!(whole.to_string(), "a\\nfile");
        let text = Text::new("one\n\u{fc}\u{fc}x\n", &whole);
        for (byte, place) in [(0, "1:1"), (2, "1:3"), (3, "1:4"), (4, "2:1"), (8, "2:3"), (10, "3:1")] {
            assert_eq!(text.place(byte).to_string(), format!("a\\nfile:{place}"), "{byte}");
        }
        assert_eq!(Text::new("", &whole).place(0).to_string(), "a\\nfile:1:1");
        assert_eq!(Text::new("x", &whole).place(99).to_string(), "a\\nfile:1:1");
    }
}
