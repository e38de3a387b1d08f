//! How many columns of a terminal a text takes, what of it fits, and where it may be broken.
//!
//! Letters of East Asia and pictures take two, marks above letters none: the ranges are those of Unicode's East Asian Width
//! and general categories, as far as people write with them. A table of all would be larger than all that is drawn with it.

/// Ranges of what takes none, and two.
const NONE: [(u32, u32); 6] =
    [(0x300, 0x36f), (0x483, 0x489), (0x591, 0x5bd), (0x200b, 0x200f), (0x20d0, 0x20ff), (0xfe00, 0xfe0f)];
const TWO: [(u32, u32); 14] = [
    (0x1100, 0x115f),
    (0x2329, 0x232a),
    (0x2e80, 0x303e),
    (0x3041, 0x33ff),
    (0x3400, 0x4dbf),
    (0x4e00, 0xa4cf),
    (0xa960, 0xa97f),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe30, 0xfe6f),
    (0xff00, 0xff60),
    (0xffe0, 0xffe6),
    (0x1f300, 0x1faff),
    (0x20000, 0x3fffd),
];

fn of(letter: char) -> usize {
    let is_in = |ranges: &[(u32, u32)]| ranges.iter().any(|(a, b)| (*a..=*b).contains(&u32::from(letter)));
    match letter {
        ' '..='~' => 1,
        _ if is_in(&NONE) => 0,
        _ if is_in(&TWO) => 2,
        _ => 1,
    }
}

/// The columns of a text without control characters.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.chars().map(of).sum()
}

/// As much of a text as fits, without what would be an order to a terminal; what is cut off has a mark in its place.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    const MARK: char = '>';
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if columns(&text) <= most {
        return text;
    }
    let mut taken = 0;
    let mut fitting: String = text
        .chars()
        .take_while(|letter| {
            taken += of(*letter);
            taken < most
        })
        .collect();
    if most > 0 {
        fitting.push(MARK);
    }
    fitting
}

/// The text in lines of at most so many columns where that can be had, those after the first with `indent` in front: broken
/// at spaces, and between two wide letters, where what is written with them has no spaces.
#[must_use]
pub fn wrapped(text: &str, most: usize, indent: &str) -> String {
    let (mut lines, mut column) = (String::with_capacity(text.len() + 16), 0);
    for (spaced, piece) in text.split(' ').flat_map(pieces) {
        let (space, length) = (usize::from(spaced && column > 0), columns(piece));
        if column > 0 && column + space + length > most {
            lines.push('\n');
            lines.push_str(indent);
            column = columns(indent);
        } else if space > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(piece);
        column += length;
    }
    lines
}

/// What of a word stays together, and whether a space stands before it. A mark that closes something begins no line.
fn pieces(word: &str) -> impl Iterator<Item = (bool, &str)> {
    let is_mark = |letter: char| {
        "\u{3001}\u{3002}\u{300d}\u{300f}\u{ff01}\u{ff09}\u{ff0c}\u{ff1a}\u{ff1b}\u{ff1f}\u{30fc}"
            .contains(letter)
    };
    let (mut rest, mut first) = (Some(word), true);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let mut before: Option<char> = None;
        let end = text.char_indices().find(|(_, letter)| {
            let breaks =
                before.is_some_and(|before| of(before) == 2) && of(*letter) == 2 && !is_mark(*letter);
            before = Some(*letter);
            breaks
        });
        let piece = end.map_or(text, |(end, _)| {
            let (piece, after) = text.split_at(end);
            rest = Some(after);
            piece
        });
        Some((std::mem::take(&mut first), piece))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_at_spaces_and_between_wide_letters() {
        assert_eq!(wrapped("one two  three", 8, "  "), "one two \n  three");
        assert_eq!(wrapped("longer than a line", 4, "  "), "longer\n  than\n  a\n  line");
        assert_eq!(
            wrapped("\u{6f22}\u{5b57}\u{6f22}\u{5b57}", 4, "_"),
            "\u{6f22}\u{5b57}\n_\u{6f22}\n_\u{5b57}"
        );
        assert_eq!(wrapped("\u{6f22}\u{5b57}\u{3002}", 4, ""), "\u{6f22}\n\u{5b57}\u{3002}");
        assert_eq!(wrapped("a\u{6f22}b \u{5b57}", 9, ""), "a\u{6f22}b \u{5b57}");
        assert_eq!(wrapped("", 9, " "), "");
    }

    #[test]
    fn a_text_is_cut_by_columns() {
        assert_eq!([columns("web"), columns("Größe"), columns("磁盘"), columns("e\u{301}")], [3, 5, 4, 1]);
        assert_eq!([cut("web", 3), cut("webs", 3), cut("webs", 1), cut("webs", 0)], ["web", "we>", ">", ""]);
        assert_eq!(
            [cut("磁盘坏了", 8), cut("磁盘坏了", 7), cut("磁盘坏了", 6)],
            ["磁盘坏了", "磁盘坏>", "磁盘>"]
        );
        assert_eq!(cut("a\x1b[2Jb\u{9b}c", 80), "a [2Jb c");
    }
}
