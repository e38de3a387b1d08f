//! `ucarpctl`: finds the daemon that is meant, tells it, and says what it answered.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::answer::{object, shown};
use super::exporter::{Outlet, Source};
use super::reach::{Answered, ask, daemons, listen};
use super::wrong::Wrong;
use super::{LONGEST_REQUEST, Said, Status, monitor, peers, table, watch};
use crate::config::Order;
use crate::config::order::{OrderError, Verb};
use crate::i18n::{tr, trn};
use crate::json::Object;

/// How long a daemon may take for an answer. It gives up before.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same where a file is read, which may be on a disk that does not answer.
const LONG_PATIENCE: Duration = Duration::from_secs(150);
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
    /// Where figures go.
    outlet: Outlet,
}

/// Does what the words after the program's name say; the sockets are in `usual` unless they say otherwise. `renounce` gives up
/// the rights of root for good, if there are any, and says whether they are gone: who listens to strangers has none.
pub fn run(words: impl Iterator<Item = OsString>, usual: &Path, renounce: fn() -> bool) -> Said {
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
    if let Err(wrong) = understand(&mut wish) {
        return if is_monitor { monitor::failed(wrong.status(), &wrong.to_string()) } else { wrong.said() };
    }
    let done = match wish.verb {
        Verb::Events(_) => follow(&wish, &mut io::stdout()),
        Verb::Watch => look_on(&wish),
        Verb::Metrics => {
            let source = Source { folder: wish.folder, instance: wish.instance };
            return source.serve(&wish.outlet, renounce);
        }
        _ => tell(&wish).map(|answered| said(&answered, &wish)),
    };
    match done {
        Ok(said) => said,
        Err(wrong) if is_monitor => monitor::failed(wrong.status(), &wrong.to_string()),
        Err(wrong) => wrong.said(),
    }
}

fn usage() -> String {
    let text = tr!("Usage: ucarpctl [--control=DIRECTORY] [--json] VERB ...

  status [NAME ...]
  peers [NAME ...]
  watch [NAME ...]
  events [--since=NUMBER]
  metrics [--listen=ADDRESS:PORT | --output=FILE]
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
  upgrade
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
        outlet: Outlet::default(),
    };
    let is_metrics = all.iter().any(|word| word == "metrics");
    let mut all = all.into_iter();
    while let Some(word) = all.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let mut value = |option| {
            let lacks = || Wrong::Words(OrderError::MissingValue { option });
            value.clone().or_else(|| all.next()).ok_or_else(lacks)
        };
        match option {
            "--json" if word == "--json" => wish.json = true,
            "--control" => wish.folder = value("--control")?.into(),
            "--listen" if is_metrics => wish.outlet.listen = Some(value("--listen")?),
            "--output" if is_metrics => wish.outlet.output = Some(value("--output")?.into()),
            _ => wish.words.push(word),
        }
    }
    if wish.outlet.listen.is_some() && wish.outlet.output.is_some() {
        return Err(Wrong::TwoOutlets);
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
            return Err(Wrong::TwoDaemons);
        }
        wish.instance = Some(instance.to_owned());
        *word = name.to_owned();
    }
    let words: Vec<&str> = wish.words.iter().map(String::as_str).collect();
    let order = Order::parse(&words).map_err(Wrong::Words)?;
    wish.patience = match order.verb {
        Verb::Reload { .. } | Verb::Upgrade => LONG_PATIENCE,
        Verb::Wait(_) => PATIENCE + order.lasts.unwrap_or_default(),
        _ => PATIENCE,
    };
    wish.verb = order.verb;
    Ok(())
}

fn tell(wish: &Wish) -> Result<Answered, Wrong> {
    let line = request(wish)?;
    if wish.verb == Verb::Upgrade && wish.instance.is_none() {
        return tell_each(wish, &line);
    }
    ask(&one(wish)?, &line, wish.patience)
}

/// What is one program on a host is every daemon's: each is told, whatever the others answer.
fn tell_each(wish: &Wish, line: &str) -> Result<Answered, Wrong> {
    let daemons = daemons(&wish.folder, None, false)?;
    if daemons.is_empty() {
        return Err(Wrong::nobody(&wish.folder));
    }
    let mut all = Answered { lines: Vec::new(), status: Status::Done, changed: false };
    let mut wrong = None;
    for (name, stream) in daemons {
        match ask(&stream, line, wish.patience) {
            Ok(Answered { lines, status, changed }) => {
                all.lines.extend(lines);
                (all.status, all.changed) = (all.status.max(status), all.changed || changed);
            }
            Err(why) => wrong = Some(Wrong::Of { daemon: name, wrong: Box::new(why) }),
        }
    }
    wrong.map_or(Ok(all), Err)
}

/// What is sent to a daemon.
fn request(wish: &Wish) -> Result<String, Wrong> {
    let mut line = wish.words.join("\t");
    line.push('\n');
    if line.len() > LONGEST_REQUEST {
        return Err(Wrong::TooLong { most: LONGEST_REQUEST });
    }
    Ok(line)
}

/// A connection to the one daemon that is meant.
fn one(wish: &Wish) -> Result<UnixStream, Wrong> {
    let daemons = daemons(&wish.folder, wish.instance.as_deref(), wish.verb.is_question())?;
    let names: Vec<String> = daemons.iter().map(|(name, _)| name.clone()).collect();
    let mut daemons = daemons.into_iter();
    match (daemons.next(), daemons.next()) {
        (Some((_, stream)), None) => Ok(stream),
        (None, _) => Err(Wrong::nobody(&wish.folder)),
        (Some(_), Some(_)) => Err(Wrong::SeveralDaemons { names: names.join(", ") }),
    }
}

/// Shows all of it until somebody has seen enough.
fn look_on(wish: &Wish) -> Result<Said, Wrong> {
    if wish.json {
        return Err(Wrong::OnlyForPeople);
    }
    let line = request(wish)?;
    let names = line.trim_end().split_once('\t').map_or("", |(_, names)| names);
    // Who is named has to be somebody's.
    if !names.is_empty() && wish.instance.is_none() {
        one(wish)
            .map(drop)
            .or_else(|wrong| if wrong.status() == Status::NoDaemon { Ok(()) } else { Err(wrong) })?;
    }
    watch::watch(&wish.folder, wish.instance.as_deref(), names)
}

/// Shows what happens for as long as somebody reads and the daemon lives.
fn follow(wish: &Wish, to: &mut dyn Write) -> Result<Said, Wrong> {
    let line = request(wish)?;
    let mut refused = Vec::new();
    let mut show = |line: &str| {
        let mut parts = line.splitn(3, '\t');
        let text = match (parts.next(), parts.next(), parts.next()) {
            (Some("event"), Some(object), _) if wish.json => object.to_owned(),
            (Some("event"), _, Some(text)) => text.to_owned(),
            (Some("lost"), count, _) => lost(count.and_then(|count| count.parse().ok()), wish.json),
            _ => {
                refused.push(line.to_owned());
                return true;
            }
        };
        // Whoever has seen enough goes.
        to.write_all((text + "\n").as_bytes()).and_then(|()| to.flush()).is_ok()
    };
    let ended = listen(&one(wish)?, &line, None, &mut show)?;
    Ok(match ended {
        None => Said::nothing(),
        Some((status, changed)) => said(&Answered { lines: refused, status, changed }, wish),
    })
}

/// A line about events that nobody has kept, as many as they were.
fn lost(count: Option<u64>, json: bool) -> String {
    if json {
        let mut object = Object::default();
        object.text("event", Some("lost"));
        object.plain("count", count);
        return object.line().trim_end().to_owned();
    }
    match count {
        Some(count) => {
            trn!(count; "{count} event is not known any more", "{count} events are not known any more")
        }
        None => tr!("the daemon began anew, what happened before is not known any more").into_owned(),
    }
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
    let daemon = || table::daemon(lines);
    let page = match (&wish.verb, wish.json) {
        (Verb::Status, true) => Some(table::document(&daemon(), &table::standings(lines))),
        (Verb::Status, false) => Some(table::table(&daemon(), &table::standings(lines))),
        (Verb::Peers, true) => Some(peers::document(&peers::peers(lines))),
        (Verb::Peers, false) => Some(peers::table(&peers::peers(lines))),
        _ => None,
    };
    if let Some(out) = page.filter(|_| *status == Status::Done) {
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
    use std::fs;
    use std::io::{BufRead as _, BufReader};
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
        run(words.split(' ').map(OsString::from), folder, || true)
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
    fn what_happens_is_shown_as_it_comes() {
        let folder = folder("events");
        let told = "ucarp 1 9.9\nlost\t3\nevent\t{\"seq\":4}\t10:00 it happened\n";
        let wish = |json| {
            let words = ["events", "--since=0"].map(str::to_owned).to_vec();
            let mut wish = own(words, &folder).ok().unwrap();
            assert!(understand(&mut wish).is_ok());
            wish.json = json;
            wish
        };
        let asked = daemon(&folder, "one", told);
        let mut out = Vec::new();
        let ended = follow(&wish(false), &mut out).err().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "3 events are not known any more\n10:00 it happened\n");
        assert_eq!(
            (ended.status(), asked.join().unwrap().as_str()),
            (Status::NoDaemon, "events\t--since=0\n")
        );
        let asked = daemon(&folder, "two", told);
        let mut out = Vec::new();
        assert!(follow(&wish(true), &mut out).is_err());
        assert_eq!(String::from_utf8(out).unwrap(), "{\"event\":\"lost\",\"count\":3}\n{\"seq\":4}\n");
        asked.join().unwrap();
        assert_eq!(lost(None, true), "{\"event\":\"lost\",\"count\":null}");
        // A reader that is gone is an end, and a refusal is one, too.
        let asked = daemon(&folder, "three", told);
        let mut full: &mut [u8] = &mut [];
        assert_eq!(follow(&wish(true), &mut full).ok().unwrap().status, Status::Done.code());
        asked.join().unwrap();
        let asked = daemon(&folder, "four", "ucarp 1 9.9\nbusy\nend\t1\tunchanged\n");
        let said = follow(&wish(false), &mut Vec::new()).ok().unwrap();
        assert!(said.status == 1 && said.err.contains("too many"), "{}", said.err);
        asked.join().unwrap();
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn where_figures_go_is_said_with_that_verb_alone() {
        let outlet = |words: &str| {
            let wish = own(words.split(' ').map(str::to_owned).collect(), Path::new("/nonexistent"));
            wish.map(|wish| (wish.outlet.listen, wish.outlet.output, wish.words))
                .map_err(|wrong| wrong.to_string())
        };
        let words = vec!["metrics".to_owned()];
        assert_eq!(outlet("metrics --listen=[::1]:9"), Ok((Some("[::1]:9".into()), None, words.clone())));
        assert_eq!(outlet("--output x metrics"), Ok((None, Some("x".into()), words)));
        assert!(outlet("metrics --output x --listen y").is_err());
        assert!(outlet("metrics --listen").unwrap_err().contains("--listen"));
        let nowhere = Path::new("/nonexistent");
        assert_eq!(tool(nowhere, "status --listen=x").status, Status::Usage.code());
        assert_eq!(tool(nowhere, "metrics --frobnicate").status, Status::Usage.code());
    }

    #[test]
    fn help_is_help() {
        let nowhere = Path::new("/nonexistent");
        assert_eq!(tool(nowhere, "--help").status, Status::Done.code());
        let none = run(std::iter::empty(), nowhere, || true);
        assert_eq!((none.status, none.out.as_str()), (Status::Usage.code(), ""));
        assert!(tool(nowhere, "--version").out.starts_with("ucarpctl "));
        assert!(usage().lines().all(|line| line.len() < 80));
    }
}
