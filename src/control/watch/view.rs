//! What is on the screen: from what is known, and how large it is, to its lines.
//!
//! The virtual hosts come first, those that are to be minded before the others, then who else speaks; both are one page that
//! can be moved if it is longer than there is room. Below is what happened last.

use std::collections::VecDeque;

use super::super::table::{self, Standing};
use super::super::{monitor, peers};
use super::keys::Key;
use crate::i18n::tr;
use crate::sorting::sort_by;
use crate::width;

pub(super) use crate::width::columns;

/// So many events of a daemon are kept: more than a screen has lines.
const MOST_EVENTS: usize = 64;
/// Below so many lines there is no room for events, and below so many columns none for hardware addresses.
const LOW: usize = 12;
const NARROW: usize = 100;

/// Of the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// What a line looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    Plain,
    Title,
    Heading,
    Well,
    Odd,
    Bad,
}

/// A line, no wider than the terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) style: Style,
}

/// What one daemon says.
#[derive(Default)]
pub(super) struct Daemon {
    pub(super) name: String,
    pub(super) about: Standing,
    pub(super) hosts: Vec<Standing>,
    pub(super) peers: Vec<Standing>,
    pub(super) events: VecDeque<String>,
    /// Why it says nothing.
    pub(super) trouble: Option<String>,
}

impl Daemon {
    /// It is gone, or does not say how things stand now.
    pub(super) fn is_silent(&mut self, trouble: String) {
        (self.about, self.hosts, self.peers) = (Standing::default(), Vec::new(), Vec::new());
        self.trouble = Some(trouble);
    }

    pub(super) fn happened(&mut self, event: &str) {
        self.events.push_back(event.to_owned());
        if self.events.len() > MOST_EVENTS {
            self.events.pop_front();
        }
    }
}

/// All that is known, and where in it somebody is.
#[derive(Default)]
pub(super) struct View {
    pub(super) daemons: Vec<Daemon>,
    /// What is wrong on this side.
    pub(super) trouble: Option<String>,
    /// The first line of the page that is seen, and how many are.
    top: usize,
    height: usize,
}

impl View {
    pub(super) fn moves(&mut self, key: Key) {
        let page = self.height.saturating_sub(1).max(1);
        self.top = match key {
            Key::Up => self.top.saturating_sub(1),
            Key::Down => self.top + 1,
            Key::PageUp => self.top.saturating_sub(page),
            Key::PageDown => self.top + page,
            Key::First => 0,
            Key::Last => usize::MAX / 2,
            Key::End | Key::Redraw => self.top,
        };
    }

    /// As many lines as there is room for.
    pub(super) fn draw(&mut self, size: Size) -> Vec<Line> {
        let mut lines = self.above();
        lines.truncate((size.rows / 2).max(1));
        let page = self.page(size.columns);
        // What is above, and the last line.
        let room = size.rows.saturating_sub(lines.len() + 1);
        let events = self.last_events(room, page.len(), size.rows);
        self.height = room.saturating_sub(events.len());
        self.top = self.top.min(page.len().saturating_sub(self.height));
        let seen = page.iter().skip(self.top).take(self.height).cloned();
        let before = lines.len();
        lines.extend(seen);
        // The heading of what is seen first stays.
        let passed = page.iter().take(self.top + 1).rev().find(|line| line.style == Style::Heading);
        if let (Some(first), Some(heading)) = (lines.get_mut(before), passed.filter(|_| self.height > 1)) {
            *first = heading.clone();
        }
        let last_line = self.last_line(page.len());
        let blank = Line { text: String::new(), style: Style::Plain };
        lines.resize(before + self.height, blank.clone());
        lines.extend(events);
        lines.resize(size.rows.saturating_sub(1).max(1), blank);
        lines.push(last_line);
        lines.truncate(size.rows);
        for line in &mut lines {
            line.text = width::cut(&line.text, size.columns);
            if line.style == Style::Title {
                line.text += &" ".repeat(size.columns.saturating_sub(columns(&line.text)));
            }
        }
        lines
    }

    /// What is said of all, and what is wrong.
    fn above(&self) -> Vec<Line> {
        let hosts = || self.daemons.iter().flat_map(|daemon| &daemon.hosts);
        let masters = hosts().filter(|one| one.get("role") == Some("MASTER")).count();
        let minded = hosts().filter(|one| monitor::level(one) != monitor::WELL).count();
        let count = hosts().count();
        let title = tr!(
            "virtual hosts: {count}, MASTER: {masters}, to be looked at: {minded}",
            count,
            masters,
            minded
        );
        let mut lines = vec![Line { text: format!("ucarp  {title}"), style: Style::Title }];
        let several = self.daemons.len() > 1;
        let mut minds = |daemon: Option<&Daemon>, sentence: &str, style| {
            let whose = daemon.filter(|_| several).map(|daemon| format!("{}: ", daemon.name));
            lines.push(Line { text: whose.unwrap_or_default() + sentence, style });
        };
        if let Some(trouble) = &self.trouble {
            minds(None, trouble, Style::Bad);
        }
        for daemon in &self.daemons {
            if let Some(trouble) = &daemon.trouble {
                minds(Some(daemon), trouble, Style::Bad);
            }
            for sentence in table::unsettled(&daemon.about) {
                minds(Some(daemon), &sentence, Style::Odd);
            }
        }
        lines
    }

    /// Both tables.
    fn page(&self, columns: usize) -> Vec<Line> {
        let mut hosts: Vec<&Standing> = self.daemons.iter().flat_map(|daemon| &daemon.hosts).collect();
        // Else in the order of the file.
        sort_by(&mut hosts, |one, other| monitor::level(other).cmp(&monitor::level(one)));
        let peers: Vec<&Standing> = self.daemons.iter().flat_map(|daemon| &daemon.peers).collect();
        let mut page = styled(&table::rows(&hosts), hosts.iter().map(|one| of_host(one)));
        if !peers.is_empty() {
            if !page.is_empty() {
                page.push(Line { text: String::new(), style: Style::Plain });
            }
            let text = peers::rows(&peers, columns >= NARROW);
            page.extend(styled(&text, peers.iter().map(|one| of_peer(one))));
        }
        page
    }

    /// What happened last, below its heading, where there is room beside a page of that length.
    fn last_events(&self, room: usize, page: usize, rows: usize) -> Vec<Line> {
        let mut all: Vec<&String> = self.daemons.iter().flat_map(|daemon| &daemon.events).collect();
        // Each begins with its time.
        sort_by(&mut all, Ord::cmp);
        let left = room.saturating_sub(page + 1);
        let most = if rows < LOW { 0 } else { (rows / 4).max(left) };
        let first = all.len().saturating_sub(most.saturating_sub(1));
        let last: Vec<&String> = all.into_iter().skip(first).collect();
        if last.is_empty() {
            return Vec::new();
        }
        let heading = Line { text: tr!(of "heading"; "EVENTS").into_owned(), style: Style::Heading };
        std::iter::once(heading).chain(last.into_iter().map(|text| event(text))).collect()
    }

    fn last_line(&self, all: usize) -> Line {
        // TRANSLATORS: q, j and k are keys; the last line of the screen.
        let keys = tr!("q ends it, arrows or j and k move");
        let last = (self.top + self.height).min(all);
        let text = if self.height >= all {
            keys.into_owned()
        } else {
            let place = tr!("lines {first} to {last} of {all}", first = self.top + 1, last, all);
            format!("{place}  {keys}")
        };
        Line { text, style: Style::Plain }
    }
}

/// The lines of a table, below its heading.
fn styled(table: &str, styles: impl Iterator<Item = Style>) -> Vec<Line> {
    let styles = std::iter::once(Style::Heading).chain(styles);
    let lines = table.lines().zip(styles);
    let lines: Vec<Line> = lines.map(|(text, style)| Line { text: text.to_owned(), style }).collect();
    if lines.len() > 1 { lines } else { Vec::new() }
}

fn of_host(one: &Standing) -> Style {
    match monitor::level(one) {
        monitor::WELL if one.get("role") == Some("MASTER") => Style::Well,
        monitor::WELL => Style::Plain,
        monitor::ODD => Style::Odd,
        _ => Style::Bad,
    }
}

fn of_peer(one: &Standing) -> Style {
    match (one.get("refused"), one.get("agrees"), one.get("master")) {
        (Some(_), _, _) => Style::Bad,
        (None, Some("list" | "password"), _) => Style::Odd,
        (None, _, Some("true")) => Style::Well,
        (None, _, _) => Style::Plain,
    }
}

/// `2026-11-29T22:30:01.123Z [LEVEL] text` without the day.
fn event(text: &str) -> Line {
    let style = match text.split_once('[').and_then(|(_, behind)| behind.split_once(']')) {
        Some(("ERROR", _)) => Style::Bad,
        Some(("WARNING", _)) => Style::Odd,
        _ => Style::Plain,
    };
    let short = || {
        let (stamp, rest) = text.split_once(' ')?;
        Some(format!("{}Z {rest}", stamp.get(11..19)?))
    };
    Line { text: short().unwrap_or_else(|| text.to_owned()), style }
}

#[cfg(test)]
mod tests {
    use super::super::super::table::{daemon, standings};
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    fn host(name: &str, role: &str, more: &str) -> String {
        format!(
            "host\ntext\tname\t{name}\ntext\trole\t{role}\ntext\tstate\t{role}\nplain\tlasted_ms\t61000\n{more}"
        )
    }

    fn view(hosts: &str) -> View {
        let hosts = lines(&format!("plain\tundo_in_ms\t61900\n{hosts}"));
        let peer = lines(
            "peer\ntext\tvip\tweb\ntext\taddress\t10.0.0.2\ntext\tmac\t02:00:00:00:00:02\ntext\tkind\tours\n\
             plain\tmaster\tfalse\nplain\tstandby\ttrue\nplain\tready\ttrue\nplain\tinterval_ms\t1390\n\
             plain\tdemotion\t0\nplain\theard_ms\t2140\ntext\tagrees\tyes\n",
        );
        let mut one = Daemon {
            name: "one".to_owned(),
            about: daemon(&hosts),
            hosts: standings(&hosts),
            peers: peers::peers(&peer),
            ..Daemon::default()
        };
        one.happened("2026-11-29T22:30:01.123Z [INFO] web: began");
        one.happened("2026-11-29T22:30:04.500Z [WARNING] mail: demoted because of a check that fails");
        View { daemons: vec![one], ..View::default() }
    }

    fn small() -> View {
        let master = host("web", "MASTER", "plain\tready_count\t1\nplain\tstandby_count\t1\n");
        let because = "plain\tdemotion\t254\nplain\tmaintenance\ttrue\nnote\tcauses\tmaintenance\n\
                       text\tmaintenance_by\t0\ntext\tmaintenance_because\t磁盘坏了磁盘坏了磁盘坏了磁盘坏了磁盘坏了\n";
        view(&(master + &host("mail", "BACKUP", because)))
    }

    fn text(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.trim_end()).collect()
    }

    /// Whatever there is, it fills the screen and nothing beside it.
    #[track_caller]
    fn fits(lines: &[Line], size: Size) {
        assert_eq!(lines.len(), size.rows, "{lines:#?}");
        for line in lines {
            assert!(columns(&line.text) <= size.columns, "{line:?}");
        }
    }

    #[test]
    fn all_is_on_a_usual_terminal() {
        const SIZE: Size = Size { columns: 80, rows: 24 };
        let lines = small().draw(SIZE);
        fits(&lines, SIZE);
        let mut expected = vec![
            "ucarp  virtual hosts: 2, MASTER: 1, to be looked at: 1",
            "the configuration before it is back in 61 s, unless ucarpctl confirm comes",
            "NAME  STATE   SINCE  WITH                   NOTES",
            "mail  BACKUP  1m01s  -                      demoted by 254 (maintenance); maint>",
            "web   MASTER  1m01s  standbys: 1, ready: 1",
            "",
            "NAME  ADDRESS   IS       KIND  INTERVAL  DEMOTED  HEARD  NOTES",
            "web   10.0.0.2  standby  ours  1.390 s   0        2.1 s",
        ];
        expected.resize(20, "");
        expected.extend([
            "EVENTS",
            "22:30:01Z [INFO] web: began",
            "22:30:04Z [WARNING] mail: demoted because of a check that fails",
            "q ends it, arrows or j and k move",
        ]);
        assert_eq!(text(&lines), expected);
        let styles: Vec<Style> = lines.iter().map(|line| line.style).collect();
        assert_eq!(styles[..5], [Style::Title, Style::Odd, Style::Heading, Style::Odd, Style::Well]);
        assert_eq!((styles[22], columns(&lines[0].text)), (Style::Odd, 80));
        // There is more where there is room for it.
        let wide = small().draw(Size { columns: 200, rows: 24 });
        assert!(wide.iter().any(|line| line.text.contains("02:00:00:00:00:02")));
        assert!(wide.iter().any(|line| line.text.ends_with("坏了)")), "{wide:#?}");
    }

    #[test]
    fn a_terminal_may_be_of_any_size() {
        for (columns, rows) in [(40, 24), (40, 10), (101, 3), (93, 24), (94, 24), (1, 1), (7, 2), (200, 60)] {
            let size = Size { columns, rows };
            fits(&small().draw(size), size);
        }
        let lines = small().draw(Size { columns: 40, rows: 10 });
        assert_eq!(text(&lines)[3], "mail  BACKUP  1m01s  -                 >");
        assert!(!text(&lines).contains(&"EVENTS"));
    }

    #[test]
    fn a_page_that_is_longer_is_moved_through() {
        const SIZE: Size = Size { columns: 80, rows: 24 };
        let mut hosts: String = (0..100).map(|number| host(&format!("v{number:02}"), "BACKUP", "")).collect();
        hosts += &host("worse", "MASTER", "text\trival\t10.0.0.9\nplain\tready_count\t1\n");
        let mut view = view(&hosts);
        let shown = |view: &mut View| {
            let lines = view.draw(SIZE);
            fits(&lines, SIZE);
            lines.into_iter().map(|line| line.text.trim_end().to_owned()).collect::<Vec<_>>()
        };
        let lines = shown(&mut view);
        assert!(lines[2].starts_with("NAME") && lines[3].starts_with("worse") && lines[4].starts_with("v00"));
        assert!(lines[3].contains("10.0.0.9 is MASTER as well"), "{lines:#?}");
        assert!(lines[23].starts_with("lines 1 to 18 of 105  q ends"), "{lines:#?}");
        view.moves(Key::Down);
        assert!(shown(&mut view)[3].starts_with("v00"));
        view.moves(Key::PageDown);
        let lines = shown(&mut view);
        assert!(lines[2].starts_with("NAME") && lines[3].starts_with("v17"), "{lines:#?}");
        view.moves(Key::Last);
        let lines = shown(&mut view);
        assert!(lines[19].starts_with("web   10.0.0.2"), "{lines:#?}");
        view.moves(Key::Down);
        assert_eq!(shown(&mut view), lines, "there is no more");
        view.moves(Key::First);
        view.moves(Key::Up);
        assert!(shown(&mut view)[3].starts_with("worse"));
    }

    #[test]
    fn who_is_silent_is_said_and_nothing_old_is_shown() {
        const SIZE: Size = Size { columns: 80, rows: 24 };
        let mut view = small();
        view.daemons[0].is_silent("gone".to_owned());
        let lines = view.draw(SIZE);
        assert_eq!(text(&lines)[1], "gone");
        assert!(!lines.iter().any(|line| line.text.contains("MASTER  ") || line.text.contains("10.0.0.2")));
        assert!(text(&lines).contains(&"22:30:01Z [INFO] web: began"));
        view.daemons.push(Daemon { name: "two".to_owned(), ..Daemon::default() });
        assert_eq!(text(&view.draw(SIZE))[1], "one: gone");
    }
}
