//! Figures for whoever collects them: to be printed, as a file, or by HTTP from a process of its own.
//!
//! Whatever becomes of a collector, the daemon has nothing to do with it. It is asked once for each page, by one at a time.
//! Clients are few, have little time and are answered one thing: the page, whatever else they say.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::reach::{ask, daemons};
use super::wrong::Wrong;
use super::{Said, Status, figures};

/// How long a daemon may take. Collectors wait for 10 s.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many are served at once.
const MOST: usize = 8;
/// How long one may be silent, in how many pieces it may ask, and how much.
const SILENCE: Duration = Duration::from_secs(1);
const PIECES: usize = 8;
const LONGEST: usize = 8 * 1024;
/// After that nobody could be taken in: the limit of descriptors may have been reached.
const REST: Duration = Duration::from_millis(100);

/// Whose figures.
#[derive(Clone)]
pub(super) struct Source {
    /// Where the sockets are.
    pub(super) folder: PathBuf,
    /// The only one that is asked, if one is named; else all are.
    pub(super) instance: Option<String>,
}

/// Where they go.
#[derive(Default)]
pub(super) struct Outlet {
    /// By HTTP, to whoever comes to this address.
    pub(super) listen: Option<String>,
    /// Into this file.
    pub(super) output: Option<PathBuf>,
}

impl Source {
    /// The page, and what is wrong if it is one of a daemon that is down.
    fn page(&self) -> (String, Option<Wrong>) {
        let mut answers = Vec::new();
        let mut wrong = None;
        match daemons(&self.folder, self.instance.as_deref(), true) {
            Ok(all) if all.is_empty() => wrong = Some(Wrong::nobody(&self.folder)),
            Ok(all) => {
                for (_, stream) in all {
                    match ask(&stream, "metrics\n", PATIENCE) {
                        Ok(answered) if answered.status == Status::Done => answers.push(answered.lines),
                        Ok(answered) => {
                            wrong = Some(Wrong::Refused { status: answered.status, said: answered.said() })
                        }
                        Err(why) => wrong = Some(why),
                    }
                }
            }
            Err(why) => wrong = Some(why),
        }
        (figures::text(&answers, wrong.is_none()), wrong)
    }

    /// Does what the words were. `renounce` gives up the rights of root, and is asked for by who listens.
    pub(super) fn serve(&self, outlet: &Outlet, renounce: fn() -> bool) -> Said {
        let failed = |wrong: Wrong| wrong.said();
        if let Some(address) = &outlet.listen {
            return failed(self.listen(address, renounce));
        }
        let (page, wrong) = self.page();
        let out = match &outlet.output {
            Some(file) => match replace(file, &page) {
                Ok(()) => String::new(),
                Err(error) => return failed(Wrong::Unwritable { place: file.clone(), error }),
            },
            None => page,
        };
        Said { out, ..wrong.map_or_else(Said::nothing, failed) }
    }

    /// Goes on for ever, unless it cannot.
    fn listen(&self, address: &str, renounce: fn() -> bool) -> Wrong {
        let at = |error| Wrong::NotListening { address: address.to_owned(), error };
        let found = address.to_socket_addrs().map(|mut found| found.next());
        let listener = match found {
            Ok(Some(found)) => TcpListener::bind(found),
            Ok(None) => Err(io::ErrorKind::AddrNotAvailable.into()),
            Err(error) => Err(error),
        };
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => return at(error),
        };
        if !renounce() {
            return Wrong::KeepsRights;
        }
        let (here, one_at_a_time) = (Arc::new(()), Arc::new(Mutex::new(())));
        loop {
            let Ok((stream, _)) = listener.accept() else {
                thread::park_timeout(REST);
                continue;
            };
            // Each that is served has one, too.
            if Arc::strong_count(&here) > MOST {
                continue;
            }
            let (source, place, turn) = (self.clone(), here.clone(), one_at_a_time.clone());
            let served = thread::Builder::new().spawn(move || {
                answer(&stream, || {
                    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
                    source.page().0
                });
                drop(place);
            });
            // Without a thread for it the connection is closed; it comes again.
            drop(served);
        }
    }
}

/// Answers one request, as far as the other side lets us.
fn answer(mut stream: &TcpStream, page: impl FnOnce() -> String) {
    let timeouts = [stream.set_read_timeout(Some(SILENCE)), stream.set_write_timeout(Some(SILENCE))];
    if timeouts.into_iter().any(|set| set.is_err()) {
        return;
    }
    let Some(head) = request(stream) else { return };
    let _ = stream.write_all(response(&head, page).as_bytes());
}

/// The head of what is asked, if it comes in time.
fn request(mut stream: &TcpStream) -> Option<String> {
    let mut head = Vec::new();
    for _ in 0..PIECES {
        let mut piece = [0; 1024];
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        head.extend_from_slice(piece.get(..count)?);
        if head.windows(4).any(|end| end == b"\r\n\r\n") {
            return String::from_utf8(head).ok();
        }
        if head.len() >= LONGEST {
            return None;
        }
    }
    None
}

/// What is answered to this.
fn response(head: &str, page: impl FnOnce() -> String) -> String {
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, target, version) = (words.next(), words.next().unwrap_or_default(), words.next());
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let (status, more, kind, body) = match (method, path, version) {
        (_, _, None) => ("400 Bad Request", "", "text/plain", String::new()),
        (_, _, Some(version)) if !version.starts_with("HTTP/1.") => {
            ("505 HTTP Version Not Supported", "", "text/plain", String::new())
        }
        (Some("GET"), "/metrics", _) => ("200 OK", "", "text/plain; version=0.0.4; charset=utf-8", page()),
        (Some("GET"), _, _) => ("404 Not Found", "", "text/plain", "/metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "Allow: GET\r\n", "text/plain", String::new()),
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n{body}"
    )
}

/// The whole file is the new one, or the old one.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let mut name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    // What node_exporter does not read: it looks for names that end in .prom.
    name.push(format!(".{}", std::process::id()));
    let new = file.with_file_name(name);
    let written = fs::write(&new, text)
        .and_then(|()| fs::set_permissions(&new, fs::Permissions::from_mode(0o644)))
        .and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_is_all_there_is() {
        let of = |head: &str| response(&format!("{head}\r\nHost: x\r\n\r\n"), || "page\n".to_owned());
        let whole = of("GET /metrics HTTP/1.1");
        assert!(whole.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4;"), "{whole}");
        assert!(whole.contains("\r\nContent-Length: 5\r\n") && whole.ends_with("\r\n\r\npage\n"), "{whole}");
        for (head, status) in [
            ("GET /metrics?x=1 HTTP/1.0", "200"),
            ("GET / HTTP/1.1", "404"),
            ("GET /metrics/../etc HTTP/1.1", "404"),
            ("HEAD /metrics HTTP/1.1", "405"),
            ("POST /metrics HTTP/1.1", "405"),
            ("GET /metrics HTTP/2", "505"),
            ("GET /metrics", "400"),
            ("", "400"),
        ] {
            let answer = of(head);
            assert_eq!(answer.split(' ').nth(1), Some(status), "{head}: {answer}");
            assert!(status == "200" || !answer.contains("page"), "{head}");
        }
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = std::env::temp_dir().join(format!("ucarpctl-figures-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("ucarp.prom");
        for text in ["one\n", "another\n"] {
            replace(&file, text).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert!(replace(&folder.join("none/x"), "").is_err() && replace(Path::new("/"), "").is_err());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn who_is_down_is_a_page_and_a_status() {
        let folder = std::env::temp_dir().join(format!("ucarpctl-nobody-there-{}", std::process::id()));
        let source = Source { folder, instance: None };
        let Said { out, err, status } = source.serve(&Outlet::default(), || true);
        assert!(out.ends_with("\nucarp_up 0\n") && out.lines().count() == 3, "{out}");
        assert!(status == Status::NoDaemon.code() && err.starts_with("ucarpctl: "), "{err}");
        let said = source.serve(&Outlet { listen: Some("nowhere".into()), output: None }, || true);
        assert_eq!(said.status, Status::Refused.code(), "{}", said.err);
        let said = source.serve(&Outlet { listen: Some("127.0.0.1:0".into()), output: None }, || false);
        assert_eq!(said.status, Status::Denied.code(), "{}", said.err);
    }
}
