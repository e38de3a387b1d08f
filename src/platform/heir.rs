//! Who goes on serving when the process that took the names is killed.
//!
//! That process's number stands in the lock files, and the number of its heir in a file beside them, which is written
//! whenever there is another one. Whoever finds a name taken by a process that is no more learns there whom to ask to let
//! go of it: the heir hears nothing else any more that could be asked of it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::lock_file;
use super::sys;

/// The heir of this process, as a file tells; removed when dropped by the process that made it.
#[derive(Debug)]
pub struct Heir {
    path: PathBuf,
    named_by: u32,
}

impl Heir {
    /// Names nobody yet. Lock files are made in `folder`, or where the system has its own.
    #[must_use]
    pub fn unnamed(folder: Option<&Path>) -> Self {
        let this = std::process::id();
        Self { path: place(this, folder), named_by: this }
    }

    /// From now on it is this process.
    ///
    /// # Errors
    /// The file cannot be made or written; then a later start finds the names taken until that process ends.
    pub fn name(&self, heir: u32) -> io::Result<()> {
        let file = lock_file::open(&self.path, 0o600)?;
        if lock_file::is_ours(&file.metadata()?) {
            lock_file::write(&file, heir)
        } else {
            Err(Errno::EPERM.into())
        }
    }
}

impl Drop for Heir {
    fn drop(&mut self) {
        if self.named_by == std::process::id() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Has the heir of a process that is no more end, as SIGTERM does, and answers with its number. None if that process
/// lives, left no heir, or the heir has ended.
///
/// # Errors
/// It may not be told to: EPERM.
pub fn end_heir_of(process: u32, folder: Option<&Path>) -> io::Result<Option<u32>> {
    let path = place(process, folder);
    if !is_over(process) {
        return Ok(None);
    }
    // What somebody else left there must not have us end whom he wants.
    let Some(heir) = lock_file::number_at(&path) else { return Ok(None) };
    let told = known(heir).map_or(Err(Errno::ESRCH), |pid| kill(pid, Signal::SIGTERM));
    match told {
        Ok(()) => Ok(Some(heir)),
        Err(Errno::ESRCH) => {
            let _ = fs::remove_file(&path);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Numbers mean something within their namespace alone, where a system has such, and folders are shared between them.
fn place(process: u32, folder: Option<&Path>) -> PathBuf {
    let namespace = fs::metadata("/proc/self/ns/pid").map(|about| format!(".{}", about.ino()));
    let name = format!("ucarp-{process}{}.heir", namespace.unwrap_or_default());
    folder.unwrap_or(Path::new(sys::LOCKS)).join(name)
}

fn is_over(process: u32) -> bool {
    known(process).is_none_or(|pid| kill(pid, None) == Err(Errno::ESRCH))
}

/// 0 and 1 would mean ourselves and everybody.
fn known(process: u32) -> Option<Pid> {
    i32::try_from(process).ok().filter(|pid| *pid > 1).map(Pid::from_raw)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a process to be ended")]
mod tests {
    use std::process::Command;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("ucarp-heir-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// The number of a process that is no more.
    fn dead() -> u32 {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    #[test]
    fn only_the_heir_of_the_dead_is_told_to_end() {
        let folder = folder("end");
        let mut heir = Command::new("sleep").arg("60").spawn().unwrap();
        let this = Heir::unnamed(Some(&folder));
        this.name(heir.id()).unwrap();
        assert_eq!(end_heir_of(std::process::id(), Some(&folder)).unwrap(), None, "we live");
        assert!(heir.try_wait().unwrap().is_none());

        let dead = dead();
        fs::rename(&this.path, place(dead, Some(&folder))).unwrap();
        assert_eq!(end_heir_of(dead, Some(&folder)).unwrap(), Some(heir.id()));
        assert!(!heir.wait().unwrap().success());
        assert_eq!(end_heir_of(dead, Some(&folder)).unwrap(), None, "it has ended");
        assert!(!place(dead, Some(&folder)).exists());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_no_number_of_a_process_ends_nobody() {
        let folder = folder("numbers");
        let dead = dead();
        for text in ["", "0", "1", "-1", "4294967295", "word"] {
            fs::write(place(dead, Some(&folder)), text).unwrap();
            assert_eq!(end_heir_of(dead, Some(&folder)).unwrap(), None, "{text:?}");
        }
        let mut somebody = Command::new("sleep").arg("60").spawn().unwrap();
        let (pidfile, name) = (folder.join("pidfile"), place(dead, Some(&folder)));
        fs::write(&pidfile, somebody.id().to_string()).unwrap();
        fs::remove_file(&name).unwrap_or_default();
        std::os::unix::fs::symlink(&pidfile, &name).unwrap();
        assert_eq!(end_heir_of(dead, Some(&folder)).unwrap(), None, "a name for another file");
        assert!(somebody.try_wait().unwrap().is_none());
        somebody.kill().unwrap();
        somebody.wait().unwrap();
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_file_goes_with_whoever_made_it() {
        let folder = folder("gone");
        let this = Heir::unnamed(Some(&folder));
        this.name(7).unwrap();
        this.name(1234).unwrap();
        assert_eq!(fs::read_to_string(&this.path).unwrap(), "1234\n");
        let path = this.path.clone();
        drop(this);
        assert!(!path.exists());
        assert!(Heir::unnamed(Some(Path::new("/nonexistent"))).name(7).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
