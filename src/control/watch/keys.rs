//! Keys, from the bytes that a terminal sends for them.

/// What somebody wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    End,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Redraw,
}

/// Those of these bytes. What may be the beginning of another one stays, and what means nothing goes.
pub(super) fn take(bytes: &mut Vec<u8>) -> Vec<Key> {
    const ESCAPE: u8 = 0x1b;
    const LONGEST: usize = 16;
    let mut keys = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((first, behind)) = rest.split_first() {
        let (key, after) = match (*first, behind) {
            (ESCAPE, []) => break,
            (ESCAPE, [b'[' | b'O', sequence @ ..]) => {
                let Some(end) = sequence.iter().position(|byte| (0x40..=0x7e).contains(byte)) else { break };
                let (whole, after) = sequence.split_at(end + 1);
                (of_sequence(whole), after)
            }
            (byte, after) => (of_byte(byte), after),
        };
        keys.extend(key);
        rest = after;
    }
    *bytes = if rest.len() < LONGEST { rest.to_vec() } else { Vec::new() };
    keys
}

/// Ctrl-C, Ctrl-D, Ctrl-B, Ctrl-F and Ctrl-L are those of a pager.
const fn of_byte(byte: u8) -> Option<Key> {
    Some(match byte {
        b'q' | b'Q' | 0x03 | 0x04 => Key::End,
        b'k' => Key::Up,
        b'j' => Key::Down,
        b'b' | 0x02 => Key::PageUp,
        b' ' | 0x06 => Key::PageDown,
        b'g' => Key::First,
        b'G' => Key::Last,
        0x0c => Key::Redraw,
        _ => return None,
    })
}

fn of_sequence(sequence: &[u8]) -> Option<Key> {
    Some(match sequence {
        b"A" => Key::Up,
        b"B" => Key::Down,
        b"5~" => Key::PageUp,
        b"6~" => Key::PageDown,
        b"H" | b"1~" | b"7~" => Key::First,
        b"F" | b"4~" | b"8~" => Key::Last,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_pieces_and_what_means_nothing_is_nothing() {
        let mut bytes = b"j\x1b[A\x1bOB\x1b[5~x\x1b[1;5C\x1b[6".to_vec();
        assert_eq!(take(&mut bytes), [Key::Down, Key::Up, Key::Down, Key::PageUp]);
        bytes.push(b'~');
        assert_eq!(take(&mut bytes), [Key::PageDown]);
        bytes.push(0x1b);
        assert_eq!(take(&mut bytes), []);
        bytes.push(b'q');
        assert_eq!(
            (take(&mut bytes), bytes.is_empty()),
            (vec![Key::End], true),
            "Escape by itself is nothing"
        );
        assert_eq!(take(&mut b"\x03".to_vec()), [Key::End]);
    }
}
