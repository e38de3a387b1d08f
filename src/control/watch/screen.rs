//! Lines on a terminal: only those that changed are written, and it is left as it was found.
//!
//! Plain ANSI (ECMA-48) and what xterm added and everybody has: another screen while this one is shown, and no wrapping.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::view::{Line, Size, Style, columns};

/// Another screen; no cursor; a line that is too long ends at the edge.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
/// All that back.
const LEAVE: &str = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Whether it is there, to be left once by whoever is first: the end, or a panic that has something to say.
static IS_SHOWN: AtomicBool = AtomicBool::new(false);

/// The screen of the standard output, until it is dropped or something panics.
pub(super) struct Screen {
    shown: Vec<Line>,
    size: Size,
    colours: bool,
}

impl Screen {
    pub(super) fn enter(colours: bool) -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |about| {
            leave();
            before(about);
        }));
        IS_SHOWN.store(true, Ordering::Relaxed);
        let screen = Self { shown: Vec::new(), size: Size { columns: 0, rows: 0 }, colours };
        write(ENTER)?;
        Ok(screen)
    }

    /// Shows these lines, as many as the terminal has.
    pub(super) fn show(&mut self, lines: Vec<Line>, size: Size) -> io::Result<()> {
        let text = self.changes(&lines, size);
        (self.shown, self.size) = (lines, size);
        if text.is_empty() { Ok(()) } else { write(&text) }
    }

    /// Somebody else has written there.
    pub(super) fn forget(&mut self) {
        self.size = Size { columns: 0, rows: 0 };
    }

    /// What makes these of those that are shown.
    fn changes(&self, lines: &[Line], size: Size) -> String {
        let is_new = self.size != size;
        let mut text = if is_new { "\x1b[0m\x1b[2J".to_owned() } else { String::new() };
        for (place, line) in lines.iter().enumerate() {
            let is_same = match self.shown.get(place).filter(|_| !is_new) {
                Some(shown) => shown == line,
                None => line.text.is_empty(),
            };
            if is_same {
                continue;
            }
            text += &format!("\x1b[{};1H", place + 1);
            let look = if self.colours { coloured(line.style) } else { plain(line.style) };
            text += look;
            text += &line.text;
            if !look.is_empty() {
                text += "\x1b[0m";
            }
            // At the edge it would take the last letter.
            if columns(&line.text) < size.columns {
                text += "\x1b[K";
            }
        }
        text
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

fn leave() {
    if IS_SHOWN.swap(false, Ordering::Relaxed) {
        let _ = write(LEAVE);
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

const fn coloured(style: Style) -> &'static str {
    match style {
        Style::Plain => "",
        Style::Title => "\x1b[7m",
        Style::Heading => "\x1b[1m",
        Style::Well => "\x1b[32m",
        Style::Odd => "\x1b[33m",
        Style::Bad => "\x1b[1;31m",
    }
}

/// Without colours there is bold, and light on dark.
const fn plain(style: Style) -> &'static str {
    match style {
        Style::Plain | Style::Well | Style::Odd => "",
        Style::Title => "\x1b[7m",
        Style::Heading | Style::Bad => "\x1b[1m",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, style: Style) -> Line {
        Line { text: text.to_owned(), style }
    }

    #[test]
    fn only_what_changed_is_written() {
        const SIZE: Size = Size { columns: 6, rows: 3 };
        let mut screen = Screen { shown: Vec::new(), size: Size { columns: 0, rows: 0 }, colours: true };
        let lines = vec![line("title ", Style::Title), line("web", Style::Well), line("", Style::Plain)];
        assert_eq!(
            screen.changes(&lines, SIZE),
            "\x1b[0m\x1b[2J\x1b[1;1H\x1b[7mtitle \x1b[0m\x1b[2;1H\x1b[32mweb\x1b[0m\x1b[K"
        );
        (screen.shown, screen.size) = (lines.clone(), SIZE);
        assert_eq!(screen.changes(&lines, SIZE), "");
        let mut other = lines.clone();
        other[1] = line("we", Style::Plain);
        assert_eq!(screen.changes(&other, SIZE), "\x1b[2;1Hwe\x1b[K");
        // Another size, or what others wrote, is another screen.
        assert!(screen.changes(&lines, Size { rows: 4, ..SIZE }).contains("\x1b[2J"));
        screen.forget();
        assert!(screen.changes(&lines, SIZE).contains("title"));
        screen.colours = false;
        let text = screen.changes(&[line("web", Style::Bad), line("mail", Style::Odd)], SIZE);
        assert!(!text.contains("\x1b[3") && !text.contains(";31") && text.contains("\x1b[1mweb"), "{text:?}");
    }
}
