//! `ucarpctl`: finds the daemon that is meant, tells it, and says what it answered.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::answer::{object, shown};
use super::{LANGUAGE, LONGEST_REQUEST, ORDERS, QUESTIONS, Said, Status, monitor, table};
use crate::config::Order;
use crate::config::order::Verb;
use crate::i18n::{fill, tr};
use crate::json::Object;

/// How long a daemon may take for an answer. It gives up before.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same where a file is read, which may be on a disk that does not answer.
const LONG_PATIENCE: Duration = Duration::from_secs(150);
/// No answer is longer.
const LONGEST_ANSWER: u64 = 16 << 20;

/// What is wrong on the tool's own side.
struct Wrong(Status, String);

/// What one daemon answered.
struct Answered {
    lines: Vec<String>,
    status: Status,
    changed: bool,
}

/// The tool's own words.
struct Wish {
    folder: PathBuf,
    json: bool,
    words: Vec<String>,
    /// The daemon that is named before a slash.
    instance: Option<String>,
    verb: Verb,
    /// How long the daemon may take for an answer.
    patience: Duration,
}

/// Does what the words after the program's name say; the sockets are in `usual` unless they say otherwise.
pub fn run(words: impl Iterator<Item = OsString>, usual: &Path) -> Said {
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let plain = |out: String| Said { out, err: String::new(), status: Status::Done.code() };
    match words.first().map(String::as_str) {
        None => return Said { out: String::new(), err: usage(), status: Status::Usage.code() },
        Some("-h" | "--help") => return plain(usage()),
        Some("-V" | "--version") => return plain(format!("ucarpctl {}\n", env!("CARGO_PKG_VERSION"))),
        Some(_) => {}
    }
    let mut wish = match own(words, usual) {
        Ok(wish) => wish,
        Err(wrong) => return wrong.said(),
    };
    let is_monitor = wish.words.first().is_some_and(|verb| verb == "monitor");
    match understand(&mut wish).and_then(|()| tell(&wish)) {
        Ok(answered) => said(&answered, &wish),
        Err(Wrong(status, sentence)) if is_monitor => monitor::failed(status, &sentence),
        Err(wrong) => wrong.said(),
    }
}

impl Wrong {
    fn said(self) -> Said {
        let Self(status, sentence) = self;
        Said { out: String::new(), err: format!("ucarpctl: {sentence}\n"), status: status.code() }
    }
}

fn usage() -> String {
    let text = tr("Usage: ucarpctl [--control=DIRECTORY] [--json] VERB ...

  status [NAME ...]
  monitor [NAME ...] [--expect=STATE]
  wait [NAME ...] --state=STATE [--timeout=TIME]
  maintenance on|off [NAME ...] [--for=TIME] [--because=TEXT] [--force]
  demote NAME [AMOUNT] [--name=WORD] [--for=TIME] [--because=TEXT]
  undemote NAME [WORD]
  resign [NAME ...] [--force]
  take [NAME ...]
  reload [--dry-run] [--undo-after=TIME]
  confirm [NAME ...]
  undo
  version

NAME is a virtual host of the file, INTERFACE-ID, @GROUP or --all; with several
daemons DAEMON/NAME. TIME is a number with ms, s, m or h. See ucarpctl(8).");
    format!("{text}\n")
}

/// Takes the tool's own options out.
fn own(all: Vec<String>, usual: &Path) -> Result<Wish, Wrong> {
    let mut wish = Wish {
        folder: usual.to_owned(),
        json: false,
        words: Vec::new(),
        instance: None,
        verb: Verb::Version,
        patience: PATIENCE,
    };
    let mut all = all.into_iter();
    while let Some(word) = all.next() {
        if word == "--json" {
            wish.json = true;
        } else if let Some(folder) = word.strip_prefix("--control=") {
            wish.folder = folder.into();
        } else if word == "--control" {
            let lacks =
                || Wrong(Status::Usage, fill(&tr("{option}: something has to follow"), &[("option", &word)]));
            wish.folder = all.next().ok_or_else(lacks)?.into();
        } else {
            wish.words.push(word);
        }
    }
    Ok(wish)
}

/// Finds out what is wanted of which daemon.
fn understand(wish: &mut Wish) -> Result<(), Wrong> {
    // Text has slashes of its own, and an order begins with its verb.
    let mut is_value = true;
    for word in &mut wish.words {
        let was_value =
            std::mem::replace(&mut is_value, ["--because", "--for", "--name"].contains(&word.as_str()));
        if was_value || word.starts_with("--") {
            continue;
        }
        let Some((instance, name)) = word.split_once('/') else { continue };
        if wish.instance.as_deref().is_some_and(|known| known != instance) {
            let sentence = tr("only one daemon can be told at a time");
            return Err(Wrong(Status::Usage, sentence.into_owned()));
        }
        wish.instance = Some(instance.to_owned());
        *word = name.to_owned();
    }
    let words: Vec<&str> = wish.words.iter().map(String::as_str).collect();
    let order = Order::parse(&words).map_err(|wrong| Wrong(Status::Usage, wrong.to_string()))?;
    wish.patience = match order.verb {
        Verb::Reload { .. } => LONG_PATIENCE,
        Verb::Wait(_) => PATIENCE + order.lasts.unwrap_or_default(),
        _ => PATIENCE,
    };
    wish.verb = order.verb;
    Ok(())
}

fn tell(wish: &Wish) -> Result<Answered, Wrong> {
    let mut line = wish.words.join("\t");
    line.push('\n');
    if line.len() > LONGEST_REQUEST {
        let sentence =
            fill(&tr("more than {most} bytes are too much for one order"), &[("most", &LONGEST_REQUEST)]);
        return Err(Wrong(Status::Usage, sentence));
    }
    let daemons = match &wish.instance {
        Some(instance) => {
            let path = wish.folder.join(format!("{instance}.{ORDERS}"));
            let stream = connect(&path, &wish.verb)?.ok_or_else(|| nobody(&path))?;
            vec![(instance.clone(), stream)]
        }
        None => listening(&wish.folder, &wish.verb)?,
    };
    let names: Vec<String> = daemons.iter().map(|(name, _)| name.clone()).collect();
    let mut daemons = daemons.into_iter();
    match (daemons.next(), daemons.next()) {
        (Some((_, stream)), None) => {
            ask(&stream, &line, wish.patience).map_err(|why| Wrong(Status::NoDaemon, why))
        }
        (None, _) => Err(nobody(&wish.folder)),
        (Some(_), Some(_)) => {
            let sentence = tr("there are several daemons, say which one (DAEMON/NAME): {names}");
            Err(Wrong(Status::Usage, fill(&sentence, &[("names", &names.join(", "))])))
        }
    }
}

fn nobody(place: &Path) -> Wrong {
    Wrong(Status::NoDaemon, fill(&tr("{path}: no daemon listens there"), &[("path", &place.display())]))
}

fn failure(place: &Path, error: &io::Error) -> Wrong {
    let status = match error.kind() {
        io::ErrorKind::PermissionDenied => Status::Denied,
        _ => Status::NoDaemon,
    };
    Wrong(status, format!("{}: {error}", place.display()))
}

/// A connection; none if what a killed daemon left is all there is. Who only asks may have another way.
fn connect(path: &Path, verb: &Verb) -> Result<Option<UnixStream>, Wrong> {
    let to_questions = || UnixStream::connect(path.with_file_name(questions_of(path)));
    let connected = match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && verb.is_question() => to_questions(),
        connected => connected,
    };
    match connected {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
            _ => Err(failure(path, &error)),
        },
    }
}

/// A name may have points of its own.
fn questions_of(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    format!("{name}.{QUESTIONS}")
}

/// All that listen in this folder, by name.
fn listening(folder: &Path, verb: &Verb) -> Result<Vec<(String, UnixStream)>, Wrong> {
    let all = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        all => all.map_err(|error| failure(folder, &error))?,
    };
    let mut paths: Vec<PathBuf> = all
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == ORDERS))
        .collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        found.extend(connect(&path, verb)?.map(|stream| (name, stream)));
    }
    Ok(found)
}

fn ask(mut stream: &UnixStream, line: &str, patience: Duration) -> Result<Answered, String> {
    let cut = || tr("the daemon gave no whole answer").into_owned();
    let said = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => tr("the daemon does not answer").into_owned(),
        _ => error.to_string(),
    };
    stream
        .set_read_timeout(Some(patience))
        .and_then(|()| stream.set_write_timeout(Some(patience)))
        .map_err(said)?;
    let mut lines = BufReader::new(stream.take(LONGEST_ANSWER)).lines();
    let greeting = lines.next().ok_or_else(cut)?.map_err(said)?;
    let mut words = greeting.split(' ');
    if words.next() != Some("ucarp") {
        return Err(tr("whoever listens there is no ucarp").into_owned());
    }
    let speaks = words.next().and_then(|word| word.parse::<u32>().ok());
    if speaks != Some(LANGUAGE) {
        let version = words.next().unwrap_or("?");
        let sentence = tr("ucarp {version} is served there, which this ucarpctl does not understand");
        return Err(fill(&sentence, &[("version", &version)]));
    }
    // Who is refused is told so, and nobody reads his words.
    let _ = stream.write_all(line.as_bytes());
    let mut received = Vec::new();
    for line in lines {
        let line = line.map_err(said)?;
        let mut fields = line.split('\t');
        if fields.next() == Some("end") {
            let status = Status::of(fields.next().unwrap_or_default());
            return Ok(Answered { lines: received, status, changed: fields.next() == Some("changed") });
        }
        received.push(line);
    }
    Err(cut())
}

fn said(answered: &Answered, wish: &Wish) -> Said {
    let Answered { lines, status, changed } = answered;
    if let Verb::Monitor(expected) = wish.verb {
        if *status == Status::Done {
            return monitor::judged(&table::daemon(lines), &table::standings(lines), expected);
        }
        let said: Vec<String> = lines.iter().map(|line| shown(line)).collect();
        return monitor::failed(*status, &said.join("; "));
    }
    if wish.verb == Verb::Status && *status == Status::Done {
        let (daemon, all) = (table::daemon(lines), table::standings(lines));
        let out = if wish.json { table::document(&daemon, &all) } else { table::table(&daemon, &all) };
        return Said { out, err: String::new(), status: status.code() };
    }
    if wish.json {
        let mut document = Object::default();
        document.plain("schema", Some(1));
        document.plain("status", Some(status.code()));
        document.plain("changed", Some(changed));
        let objects: Vec<String> = lines.iter().map(|line| object(line)).collect();
        document.plain("answers", Some(format!("[{}]", objects.join(","))));
        return Said { out: document.line(), err: String::new(), status: status.code() };
    }
    let sentences = lines.iter().map(|line| shown(line));
    if *status == Status::Done {
        return Said {
            out: sentences.map(|line| line + "\n").collect(),
            err: String::new(),
            status: status.code(),
        };
    }
    Said {
        out: String::new(),
        err: sentences.map(|line| format!("ucarpctl: {line}\n")).collect(),
        status: status.code(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("ucarpctl-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn tool(folder: &Path, words: &str) -> Said {
        run(words.split(' ').map(OsString::from), folder)
    }

    /// Answers once, and gives back what was asked.
    fn daemon(folder: &Path, name: &str, answer: &'static str) -> thread::JoinHandle<String> {
        let listener = UnixListener::bind(folder.join(format!("{name}.ctl"))).unwrap();
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            (&stream).write_all(answer.as_bytes()).unwrap();
            let mut asked = String::new();
            BufReader::new(&stream).read_line(&mut asked).unwrap();
            asked
        })
    }

    #[test]
    fn an_answer_is_said_and_its_status_is_ours() {
        let folder = folder("said");
        let asked = daemon(&folder, "one", "ucarp 1 9.9\nin_maintenance\tweb\nnew\tweb\nend\t0\tchanged\n");
        let Said { out, err, status } = tool(&folder, "maintenance on one/web --because a/b");
        assert_eq!(
            (out.as_str(), err.as_str(), status),
            ("web: in maintenance\nnew web\n", "", Status::Done.code())
        );
        assert_eq!(asked.join().unwrap(), "maintenance\ton\tweb\t--because\ta/b\n");
        // A child that another test forks has the socket as well, until it is another program.
        let listens = || {
            thread::park_timeout(Duration::from_millis(10));
            UnixStream::connect(folder.join("one.ctl")).is_ok()
        };
        assert!(!(0..500).all(|_| listens()), "it listens");
        let asked = daemon(&folder, "two", "ucarp 1 9.9\nwould_be_back\tweb\nend\t1\tunchanged\n");
        let Said { out, err, status } = tool(&folder, "--json resign web");
        assert_eq!((err.as_str(), status), ("", Status::Refused.code()));
        let read: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&read["schema"], &read["changed"]), (&1.into(), &false.into()));
        assert_eq!(read["answers"][0]["code"], "would_be_back");
        assert_eq!(asked.join().unwrap(), "resign\tweb\n", "what a dead one left is nobody");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn who_is_not_there_or_no_ucarp_is_said_in_one_line() {
        let folder = folder("nobody");
        let one_line = |said: Said, wanted, part: &str| {
            assert_eq!(said.status, wanted, "{}", said.err);
            let lines = said.err.matches('\n').count();
            assert!(
                lines == 1 && said.err.starts_with("ucarpctl: ") && said.err.contains(part),
                "{}",
                said.err
            );
        };
        one_line(tool(&folder, "version"), Status::NoDaemon.code(), "no daemon");
        one_line(tool(&folder.join("missing"), "version"), Status::NoDaemon.code(), "no daemon");
        one_line(tool(&folder, "resign one/web"), Status::NoDaemon.code(), "one.ctl");
        one_line(tool(&folder, "resgin one/web"), Status::Usage.code(), "resign?");
        one_line(tool(&folder, "resign a/web b/web"), Status::Usage.code(), "at a time");
        let long = format!("maintenance on {}", "web ".repeat(80).trim_end());
        one_line(tool(&folder, &long), Status::Usage.code(), "256 bytes");
        for (name, answer, part) in [
            ("no", "220 mail\n", "no ucarp"),
            ("new", "ucarp 2 9.9\n", "9.9"),
            ("cut", "ucarp 1 9.9\nin_maintenance\tweb\n", "no whole answer"),
        ] {
            let asked = daemon(&folder, name, answer);
            one_line(tool(&folder, &format!("resign {name}/web")), Status::NoDaemon.code(), part);
            let _ = asked.join();
        }
        let asked = [daemon(&folder, "x", "ucarp 1 9.9\n"), daemon(&folder, "y", "ucarp 1 9.9\n")];
        one_line(tool(&folder, "version"), Status::Usage.code(), "x, y");
        asked.into_iter().for_each(|asked| _ = asked.join());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn help_is_help() {
        let nowhere = Path::new("/nonexistent");
        assert_eq!(tool(nowhere, "--help").status, Status::Done.code());
        let none = run(std::iter::empty(), nowhere);
        assert_eq!((none.status, none.out.as_str()), (Status::Usage.code(), ""));
        assert!(tool(nowhere, "--version").out.starts_with("ucarpctl "));
        assert!(usage().lines().all(|line| line.len() < 80));
    }
}
