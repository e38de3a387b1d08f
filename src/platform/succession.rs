//! Another program in the place of this one: the same process, with its children, and with the descriptors it is told of.
//!
//! Signals that arrive meanwhile wait until the successor lets them in. What was changed for this process alone is given back
//! before, so that the successor finds what this one had found at its start. Must not know what is handed over.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{execve, pipe};

use super::descriptors::close_on_exec;
use super::{descriptors, files, lock_file, oom, secrecy, signals};

/// The file of this program, by the name that it was started by, so that what is put in its place later is found by it.
/// Nothing where that cannot be told.
#[must_use]
pub fn own_program() -> Option<PathBuf> {
    let running = std::env::current_exe().ok();
    let is_it = |path: &PathBuf| {
        let of = |path: &Path| fs::metadata(path).ok().map(|about| (about.dev(), about.ino()));
        running.as_deref().is_none_or(|running| of(path).is_some() && of(path) == of(running))
    };
    let word = PathBuf::from(std::env::args_os().next()?);
    let named = if word.is_absolute() {
        Some(word)
    } else if word.components().count() > 1 {
        std::env::current_dir().ok().map(|folder| folder.join(word))
    } else {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(&word)).find(|file| file.is_file())
    };
    // A name that is another file's by now says nothing about this one.
    named.filter(is_it).or(running)
}

/// Why the file of a program is not executed.
#[derive(Debug)]
pub enum Untrusted {
    /// It cannot be found, or executed.
    Unusable(io::Error),
    /// It, or a folder on the way to it, belongs to this user, neither root nor ours.
    Foreign(PathBuf, u32),
    /// Others can write to it, or put another file in its place.
    Writable(PathBuf),
}

/// Whether nobody but root and our own user has a say in what is at this path, and it can be executed.
///
/// # Errors
/// Why not.
pub fn trust(program: &Path) -> Result<(), Untrusted> {
    let program = fs::canonicalize(program).map_err(Untrusted::Unusable)?;
    let about = fs::metadata(&program).map_err(Untrusted::Unusable)?;
    if !about.is_file() {
        return Err(Untrusted::Unusable(Errno::EACCES.into()));
    }
    files::may_execute(&program).map_err(Untrusted::Unusable)?;
    for path in program.ancestors() {
        let about = fs::metadata(path).map_err(Untrusted::Unusable)?;
        if !lock_file::is_ours(&about) {
            return Err(Untrusted::Foreign(path.to_owned(), about.uid()));
        }
        let mode = about.permissions().mode();
        // In a folder like /tmp nobody can take away what is not his. What a group of administrators may do is the host's own.
        let forbidden = if about.is_dir() { 0o002 } else { 0o022 };
        if mode & forbidden != 0 && (about.is_file() || mode & 0o1000 == 0) {
            return Err(Untrusted::Writable(path.to_owned()));
        }
    }
    Ok(())
}

/// A pipe whose ends wait; first the one to read from. Neither is for programs that are started.
///
/// # Errors
/// No descriptors left.
pub fn pipe_that_waits() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = pipe()?;
    close_on_exec(reader.as_fd())?;
    close_on_exec(writer.as_fd())?;
    Ok((reader, writer))
}

/// The words and the environment of a program that is to succeed.
pub struct Successor {
    path: CString,
    words: Vec<CString>,
    environment: Vec<CString>,
}

/// Its words may hold what is nobody's business.
impl fmt::Debug for Successor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Successor").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Successor {
    /// The program at `path`, with the words and the environment of this process, and a variable more.
    ///
    /// # Errors
    /// There is a NUL in one of them.
    pub fn new(path: &Path, (name, value): (&str, &str)) -> io::Result<Self> {
        let all = |words: Vec<OsString>| {
            words.into_iter().map(|word| CString::new(word.as_bytes())).collect::<Result<Vec<_>, _>>()
        };
        let variables = std::env::vars_os().filter(|(known, _)| known != name);
        let join =
            |name: &OsStr, value: &OsStr| [name, OsStr::new("="), value].into_iter().collect::<OsString>();
        let environment = variables
            .map(|(name, value)| join(&name, &value))
            .chain([join(OsStr::new(name), OsStr::new(value))]);
        Ok(Self {
            path: CString::new(path.as_os_str().as_bytes())?,
            words: all(std::env::args_os().collect())?,
            environment: all(environment.collect())?,
        })
    }

    /// Becomes it. No signal arrives before the successor lets it; it is told by `signals::inherit` what was blocked.
    ///
    /// To be called while there is one thread.
    ///
    /// # Errors
    /// It cannot be executed: everything is as it was.
    pub fn succeed(&self) -> io::Result<Infallible> {
        let error = signals::without_signals(|| {
            let before = oom::given_back();
            let _ = secrecy::restore_core_limit().and(descriptors::restore_limit());
            let Err(error) = execve(&self.path, &self.words, &self.environment);
            secrecy::forbid_core_files();
            descriptors::make_room_for_descriptors();
            if before {
                let _ = oom::outlive_others();
            }
            error
        })?;
        Err(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_could_have_written_is_not_trusted() {
        let folder = std::env::temp_dir().join(format!("ucarp-trust-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("program");
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(trust(&program), Err(Untrusted::Unusable(_))), "missing");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        mode(&program, 0o644);
        assert!(matches!(trust(&program), Err(Untrusted::Unusable(_))), "not executable");
        mode(&program, 0o755);
        trust(&program).unwrap();
        for writable in [0o775, 0o757] {
            mode(&program, writable);
            assert!(matches!(trust(&program), Err(Untrusted::Writable(path)) if path.ends_with("program")));
        }
        mode(&program, 0o755);
        mode(&folder, 0o777);
        assert!(matches!(trust(&program), Err(Untrusted::Writable(_))), "another can be put there");
        mode(&folder, 0o755);
        assert!(matches!(trust(&folder), Err(Untrusted::Unusable(_))), "a folder");
        if files::user_and_group().0 == 0 {
            std::os::unix::fs::chown(&program, Some(12_345), None).unwrap();
            assert!(matches!(trust(&program), Err(Untrusted::Foreign(_, 12_345))));
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn this_program_is_known_by_a_name() {
        let own = own_program().unwrap();
        assert!(own.is_absolute() && own.is_file(), "{}", own.display());
    }

    #[test]
    fn what_cannot_be_executed_changes_nothing() {
        let blocked = signals::blocked();
        let successor = Successor::new(Path::new("/nonexistent"), ("UCARP_TEST", "1")).unwrap();
        assert_eq!(successor.succeed().unwrap_err().raw_os_error(), Some(libc::ENOENT));
        assert_eq!(signals::blocked(), blocked);
        assert!(successor.environment.iter().any(|word| word.as_bytes() == b"UCARP_TEST=1"));
    }
}
