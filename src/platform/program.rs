//! Starting a program without waiting for it, not even until it is one.
//!
//! execve(2) of a file on a slow disk takes seconds, and of one on a dead server it never returns; who starts a program
//! by vfork, or waits to hear that it could be executed, stands still meanwhile. So a child of our own waits, and tells
//! by a pipe: why, if it could not, the end of the pipe once it has become the program.
//!
//! The program finds signals, limits and everything else as this process was started with them, and of descriptors the
//! standard three alone. Must not know what the program is for.

#![expect(unsafe_code, reason = "fork(2) and what its child does until execve(2) have no safe wrapper")]

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::{ForkResult, Pid, fork, setpgid};

use super::user::User;
use super::{descriptors, oom, rights, secrecy, signals, sys, writer};

/// Where the child keeps its end of the pipe. Everything beyond is closed.
const REPORT: libc::c_int = 3;
/// As many bytes as a pipe takes whole on every system (PIPE_BUF is 512 at least).
const LONGEST_REASON: usize = 512;

/// Strings as execve(2) takes them.
#[derive(Debug)]
struct Strings {
    _kept: Vec<CString>,
    pointers: Vec<*const libc::c_char>,
}

impl Strings {
    fn new(strings: Vec<Vec<u8>>) -> io::Result<Self> {
        let kept = strings.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>()?;
        let pointers = kept.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect();
        Ok(Self { _kept: kept, pointers })
    }
}

/// What a refusal means, in words. Asked in the process that was refused, since the answer may be on the same disk.
type Explain = Box<dyn Fn(&io::Error) -> String>;

/// A program, its words and its environment.
pub struct Program {
    path: CString,
    words: Strings,
    environment: Strings,
    explain: Option<Explain>,
    /// It is to have none of our rights, and whose it is to be, if not ours.
    bare: Option<Option<User>>,
}

/// A process that is the program, or is about to become it. The leader of a process group of its own.
#[derive(Debug)]
pub struct Started {
    pid: u32,
    /// Until it has told.
    report: Option<File>,
}

/// How far it has got.
#[derive(Debug)]
pub enum Execution {
    /// Nobody knows yet.
    Awaited,
    /// It runs, or has run.
    Begun,
    /// There will be no program, for this reason. The process has ended, or does so now, with a status that means nothing.
    Refused(String),
}

impl Program {
    /// The program at `path`, which is its first word too, with these others after it, in the environment of this
    /// process but for `changes`: names, each once, with what they become.
    ///
    /// # Errors
    /// There is a NUL in one of them.
    pub fn new<'a>(
        path: &Path,
        words: impl IntoIterator<Item = &'a OsStr>,
        changes: impl IntoIterator<Item = (&'static str, Option<OsString>)>,
    ) -> io::Result<Self> {
        let words = words.into_iter().map(|word| word.as_bytes().to_vec());
        Self::with(path, words.collect(), changes.into_iter().collect())
    }

    fn with(
        path: &Path,
        mut words: Vec<Vec<u8>>,
        changes: Vec<(&'static str, Option<OsString>)>,
    ) -> io::Result<Self> {
        words.insert(0, path.as_os_str().as_bytes().to_vec());
        let stays = |(name, _): &(OsString, _)| changes.iter().all(|(changed, _)| name != changed);
        let mut variables: Vec<_> = std::env::vars_os().filter(stays).collect();
        variables.extend(changes.into_iter().filter_map(|(name, value)| Some((name.into(), value?))));
        let environment =
            variables.iter().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat());
        Ok(Self {
            path: CString::new(path.as_os_str().as_bytes())?,
            words: Strings::new(words)?,
            environment: Strings::new(environment.collect())?,
            explain: None,
            bare: None,
        })
    }

    /// Has a refusal explained by more than the system's word for it. What explains may wait, and must not need any other
    /// thread.
    #[must_use]
    pub fn explained(self, explain: impl Fn(&io::Error) -> String + 'static) -> Self {
        Self { explain: Some(Box::new(explain)), ..self }
    }

    /// Has it be this user's, in the user's own group alone, if it is not to be ours; and without the capabilities that we
    /// may have besides. What its file gives it, it has.
    #[must_use]
    pub fn without_rights(self, user: Option<User>) -> Self {
        Self { bare: Some(user), ..self }
    }

    /// Starts it. It reads nothing, and writes to `output` and `error`, or to the streams of this process.
    ///
    /// It is executed or refused: execvp(3) would have a shell make what it can of a file that no kernel executes.
    ///
    /// To be called while there is one thread.
    ///
    /// # Errors
    /// No process or no descriptor can be had. Anything else [`Started::execution`] tells.
    pub fn start(
        &self,
        output: Option<BorrowedFd<'_>>,
        error: Option<BorrowedFd<'_>>,
    ) -> io::Result<Started> {
        self.start_reading(File::open("/dev/null")?.as_fd(), output, error)
    }

    /// The same for one that reads this.
    ///
    /// # Errors
    /// As [`Program::start`].
    pub fn start_reading(
        &self,
        input: BorrowedFd<'_>,
        output: Option<BorrowedFd<'_>>,
        error: Option<BorrowedFd<'_>>,
    ) -> io::Result<Started> {
        let (reader, report) = writer::pipe_to_read()?;
        let streams = [Some(input), output, error];
        // A handler of this process must not run in the child.
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        // SAFETY: this process has one thread, so no lock can be held by a thread the child does not have; the child
        // makes system calls and nothing else.
        let forked = unsafe { fork() };
        if let Ok(ForkResult::Child) = forked {
            let Err(error) = self.execute(streams, report.as_raw_fd(), &before);
            let mut why = self.explain.as_ref().map_or_else(|| error.to_string(), |explain| explain(&error));
            while why.len() > LONGEST_REASON {
                why.pop();
            }
            // The descriptor may not have got to its place.
            for report in [REPORT, report.as_raw_fd()] {
                // SAFETY: writes what is alive; at worst to a descriptor that is not open.
                if unsafe { libc::write(report, why.as_ptr().cast(), why.len()) } > 0 {
                    break;
                }
            }
            // SAFETY: takes an integer. Nothing of the parent's is dropped, flushed or unwound here.
            unsafe { libc::_exit(127) };
        }
        before.thread_set_mask()?;
        let ForkResult::Parent { child } = forked? else { return Err(Errno::EINVAL.into()) };
        // Whoever of the two comes first: it may have to be ended before it has run at all. Refused if it has done so
        // itself and is the program already.
        let _ = setpgid(child, child);
        Ok(Started { pid: child.as_raw().unsigned_abs(), report: Some(reader.into()) })
    }

    /// In the child: becomes the program.
    fn execute(
        &self,
        streams: [Option<BorrowedFd<'_>>; 3],
        report: libc::c_int,
        before: &SigSet,
    ) -> io::Result<std::convert::Infallible> {
        setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
        for (stream, place) in streams.into_iter().zip(0..) {
            let Some(stream) = stream else { continue };
            // SAFETY: takes integers. What was in its place is the parent's, which loses nothing by it.
            Errno::result(unsafe { libc::dup2(stream.as_raw_fd(), place) })?;
        }
        // SAFETY: as above. Where it is in its place already it keeps what fcntl(2) says here again.
        Errno::result(unsafe { libc::dup2(report, REPORT) })?;
        // SAFETY: takes integers.
        Errno::result(unsafe { libc::fcntl(REPORT, libc::F_SETFD, libc::FD_CLOEXEC) })?;
        sys::close_from(REPORT + 1)?;
        oom::restore();
        secrecy::restore_core_limit()?;
        // Whoever lowered the hard limit of a running daemon still wants its scripts to run.
        let _ = descriptors::restore_limit();
        if let Some(user) = &self.bare {
            user.as_ref().map_or(Ok(()), rights::become_other)?;
            sys::forgo_capabilities()?;
        }
        signals::restore(before)?;
        // SAFETY: NUL-terminated strings and arrays of them that end in a null pointer, all alive here.
        unsafe {
            libc::execve(self.path.as_ptr(), self.words.pointers.as_ptr(), self.environment.pointers.as_ptr())
        };
        Err(io::Error::last_os_error())
    }
}

impl Started {
    /// A program of this number that was started by the one that was this process before.
    #[must_use]
    pub fn inherited(pid: u32) -> Self {
        Self { pid, report: None }
    }

    /// The number of the process, which [`reap`] takes.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What to wait for until [`Started::execution`] can tell.
    #[must_use]
    pub fn report(&self) -> Option<BorrowedFd<'_>> {
        self.report.as_ref().map(AsFd::as_fd)
    }

    /// How far it has got. A refusal is told once.
    pub fn execution(&mut self) -> Execution {
        let Some(report) = &mut self.report else { return Execution::Begun };
        let mut why = [0; LONGEST_REASON];
        let told = match report.read(&mut why) {
            Ok(0) => Execution::Begun,
            Ok(length) => {
                let why = why.get(..length).unwrap_or_default();
                Execution::Refused(String::from_utf8_lossy(why).into_owned())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Execution::Awaited;
            }
            Err(_) => Execution::Begun,
        };
        self.report = None;
        told
    }
}

/// How a child ended, if it has; its number is nobody's from then on. Never waits.
///
/// # Errors
/// It is none of ours: somebody else was told.
pub fn reap(pid: u32) -> io::Result<Option<ExitStatus>> {
    let Ok(pid @ 1..) = libc::pid_t::try_from(pid) else { return Err(Errno::ECHILD.into()) };
    let mut status = 0;
    loop {
        // SAFETY: writes to this frame.
        match Errno::result(unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) }) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(ExitStatus::from_raw(status))),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::platform;

    /// A folder for one test, removed afterwards.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("ucarp-program-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn file(&self, content: &str) -> PathBuf {
            let file = self.0.join("file");
            fs::write(&file, content).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            file
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn program(path: &str, words: &[&str], changes: &[(&'static str, Option<&str>)]) -> Program {
        let changes = changes.iter().map(|(name, value)| (*name, value.map(OsString::from)));
        Program::new(Path::new(path), words.iter().map(OsStr::new), changes).unwrap()
    }

    fn soon<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
        let until = platform::now() + Duration::from_secs(20);
        loop {
            if let Some(done) = done() {
                return done;
            }
            assert!(platform::now() < until, "{what}");
            platform::wait(&[], &mut Vec::new(), Some(Duration::from_millis(2))).unwrap();
        }
    }

    fn execution(started: &mut Started) -> Result<(), String> {
        soon("nothing is told", || match started.execution() {
            Execution::Awaited => None,
            Execution::Begun => Some(Ok(())),
            Execution::Refused(why) => Some(Err(why)),
        })
    }

    /// Its exit status; where a test beside us had the file open for writing as it forked, `None`.
    fn run(program: &Program, output: Option<BorrowedFd<'_>>) -> Result<ExitStatus, String> {
        loop {
            let mut started = program.start(output, None).unwrap();
            let executed = execution(&mut started);
            let status = soon("it does not end", || reap(started.pid()).unwrap());
            assert!(reap(started.pid()).is_err(), "told once");
            match executed {
                Err(why) if why.contains("busy") => {}
                executed => return executed.map(|()| status),
            }
        }
    }

    fn said(program: &Program) -> String {
        let (reader, writer) = writer::pipe_to_read().unwrap();
        assert!(run(program, Some(writer.as_fd())).unwrap().success());
        drop(writer);
        let (mut reader, mut said) = (File::from(reader), Vec::new());
        // What a test beside us forked may hold the other end a moment longer.
        soon("the pipe has no end", || reader.read_to_end(&mut said).ok());
        String::from_utf8(said).unwrap()
    }

    #[test]
    fn words_environment_and_streams() {
        let shown = program(
            "/bin/sh",
            &[
                "-c",
                "echo $0 $1 $UCARP_A ${UCARP_B-none} ${PATH:+path}; wc -c; ps -o pgid= -p $$",
                "name",
                "two  words",
            ],
            &[("UCARP_A", Some("a=b")), ("UCARP_B", None)],
        );
        let mut lines = said(&shown);
        lines.retain(|character| character != '\t');
        let lines: Vec<&str> = lines.lines().map(str::trim).collect();
        assert_eq!(lines.get(..2), Some(&["name two words a=b none path", "0"][..]), "{lines:?}");
        let own = nix::unistd::getpgrp().to_string();
        assert!(lines.get(2).is_some_and(|group| *group != own), "{lines:?}");
        assert!(Program::new(Path::new("/bin/a\0b"), [], []).is_err());
        assert!(Program::new(Path::new("/bin/sh"), [OsStr::new("a\0b")], []).is_err());
    }

    #[test]
    fn no_descriptor_of_ours_and_signals_as_they_were() {
        let (_open, _pipe) = (File::open("/dev/null").unwrap(), nix::unistd::pipe().unwrap());
        let Ok(_) = fs::metadata("/proc/self/fd") else { return };
        // The shell itself may have the script open, the listing its folder.
        let listed = said(&program("/bin/ls", &["/proc/self/fd"], &[]));
        assert!(
            listed.lines().all(|number| number.parse::<u32>().is_ok_and(|number| number <= 3)),
            "{listed}"
        );
        let status = said(&program("/bin/cat", &["/proc/self/status"], &[]));
        let of = |name: &str, text: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned);
            line.unwrap_or_default()
        };
        let ours = fs::read_to_string("/proc/thread-self/status").unwrap();
        assert_eq!(of("SigBlk", &status), of("SigBlk", &ours));
        // The library of Rust ignores SIGPIPE, 13, in every program of its own.
        let ignored =
            u64::from_str_radix(of("SigIgn", &status).trim_start_matches("SigIgn:").trim(), 16).unwrap();
        assert_eq!(ignored & 1 << 12, 0);
    }

    #[test]
    fn it_is_executed_or_refused() {
        let folder = Folder::new("refused");
        for (content, why) in [("#!/nonexistent\n", "No such file"), ("exit 0\n", "")] {
            let file = folder.file(content);
            let told = run(&Program::new(&file, [], []).unwrap(), None).unwrap_err();
            assert!(told.starts_with(why), "{told}");
        }
        let told = Program::new(Path::new("/nonexistent"), [], [])
            .unwrap()
            .explained(|error| format!("{} {}", error.raw_os_error().unwrap_or_default(), "ü".repeat(600)));
        let told = run(&told, None).unwrap_err();
        assert!(told.starts_with("2 ü") && told.ends_with('ü') && told.len() > 500, "{told}");
        let status = run(&program("/bin/sh", &["-c", "exit 3"], &[]), None).unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(run(&program("/bin/sh", &["-c", "kill -9 $$"], &[]), None).unwrap().signal(), Some(9));
        for nobody in [0, 1, u32::MAX] {
            assert!(reap(nobody).is_err());
        }
    }

    #[test]
    fn it_is_ended_although_it_has_hardly_begun() {
        for force in [false, true] {
            let mut started = program("/bin/sleep", &["600"], &[]).start(None, None).unwrap();
            // NetBSD may lose what is sent while the child becomes another program.
            let status = soon("it lives on", || {
                platform::kill_group(started.pid(), force);
                reap(started.pid()).unwrap()
            });
            assert!(!status.success());
            assert!(matches!(started.execution(), Execution::Begun), "no refusal");
        }
    }

    /// A file that nobody executes before somebody allows it, which nobody does.
    #[cfg(not(bsd))]
    fn held_back(file: &Path) -> Option<std::os::fd::OwnedFd> {
        use std::os::fd::FromRawFd as _;
        let path = CString::new(file.as_os_str().as_bytes()).unwrap();
        // SAFETY: takes integers, and gives a descriptor that nobody else knows, unless it is negative.
        let watch = unsafe { libc::fanotify_init(libc::FAN_CLASS_CONTENT | libc::FAN_CLOEXEC, 0) };
        if watch < 0 {
            return None;
        }
        // SAFETY: as above; a NUL-terminated string.
        let (watch, added) = unsafe {
            let (what, which) = (libc::FAN_MARK_ADD, libc::FAN_OPEN_EXEC_PERM);
            let added = libc::fanotify_mark(watch, what, which, libc::AT_FDCWD, path.as_ptr());
            (std::os::fd::OwnedFd::from_raw_fd(watch), added)
        };
        (added == 0).then_some(watch)
    }

    #[test]
    #[cfg(not(bsd))]
    fn nobody_waits_for_execve() {
        let folder = Folder::new("held");
        let file = folder.file("#!/bin/sh\n");
        // Only root may hold files back.
        let Some(watch) = held_back(&file) else { return };
        let before = platform::now();
        let mut started = Program::new(&file, [], []).unwrap().start(None, None).unwrap();
        assert!(platform::now() - before < Duration::from_secs(2));
        for _ in 0..20 {
            assert!(matches!(started.execution(), Execution::Awaited));
            assert!(reap(started.pid()).unwrap().is_none());
            platform::wait(&[started.report().unwrap()], &mut Vec::new(), Some(Duration::from_millis(5)))
                .unwrap();
        }
        platform::kill_group(started.pid(), true);
        let status = soon("it lives on", || reap(started.pid()).unwrap());
        assert_eq!(status.signal(), Some(9));
        drop(watch);
    }
}
