//! Words from outside in a sentence or a line: whatever they hold, the line stays one line and reads as it is written.

use std::ffi::OsStr;

/// Text with everything escaped that would end a line, move the cursor, or change what the rest of the line looks like.
/// What is beyond `longest` bytes is cut.
#[must_use]
pub fn one_line(text: &str, longest: usize) -> String {
    let mut line = String::with_capacity(text.len().min(longest));
    for character in text.chars() {
        if line.len() >= longest {
            line.push('…');
            break;
        }
        if misleads(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// A word as it may appear in a sentence: one short line.
pub(super) fn shown(word: &OsStr) -> String {
    const LONGEST: usize = 200;
    one_line(&word.to_string_lossy(), LONGEST)
}

/// Control characters (C0, C1), and what Unicode has of the kind: separators of lines, characters of no width, and
/// those that turn the direction of writing, with which a name can be made to look like another.
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn shown_words_are_one_short_line() {
        assert_eq!(shown(OsStr::new("a\nb\u{1b}[2J")), "a\\nb\\u{1b}[2J");
        assert_eq!(shown(OsStr::from_bytes(b"a\xff")), "a\u{fffd}");
        assert!(shown(OsStr::new(&"x".repeat(10_000))).len() <= 203);
    }

    #[test]
    fn what_turns_or_hides_text_is_seen() {
        let tricky = "a\u{202e}b\u{2066}c\u{200b}d\u{2028}e\u{85}f\u{feff}g\u{e0041}h";
        let seen = "a\\u{202e}b\\u{2066}c\\u{200b}d\\u{2028}e\\u{85}f\\u{feff}g\\u{e0041}h";
        assert_eq!(one_line(tricky, 1000), seen);
        for plain in ["Müller–Straße „ü“ …", "日本語", "אב", "a\u{301}", "\u{a0}"] {
            assert_eq!(one_line(plain, 1000), plain);
        }
        assert!(one_line(&"ü".repeat(5000), 2000).len() < 2010);
    }
}
