//! A file with the number of this process, for everybody to read, and a lock beside it that nobody else can hold.
//!
//! Whoever can read a file can lock it. So the lock is not that file but another one of its name with `.lock` behind.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::inheritance::{Inheritance, leave_open};
use super::lock_file::{self, LeftLock, LockError, LockFile};

/// A pidfile while its process runs; removed when dropped by it.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    file: File,
    taken_by: u32,
    // Given back after the file is gone.
    lock: LockFile,
}

impl PidFile {
    /// Takes the lock, and writes our number and a newline. To be called by the process that stays.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let lock_path = beside(path);
        let lock = lock_file::patiently(
            || LockFile::take(&lock_path),
            |result| matches!(result, Err(LockError::Held(_))),
        )?;
        let file = lock_file::open(path, 0o644).and_then(|file| {
            lock_file::write_number(&file)?;
            Ok(file)
        });
        match file {
            Ok(file) => Ok(Self { path: path.to_owned(), file, taken_by: std::process::id(), lock }),
            Err(error) => Err(error.into()),
        }
    }
}

impl PidFile {
    /// Puts the number of this process in it: one that was split off from the other, which is no more. It keeps the lock too.
    ///
    /// # Errors
    /// As write(2).
    pub fn inherit(&self) -> io::Result<()> {
        lock_file::write_number(&self.file)
    }
}

/// A pidfile that is held over the program's end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftPidFile {
    /// Where it is.
    pub path: PathBuf,
    /// The descriptor of it.
    pub descriptor: i32,
    /// Its lock.
    pub lock: LeftLock,
}

impl PidFile {
    /// Leaves it to whoever succeeds.
    ///
    /// # Errors
    /// As fcntl(2).
    pub fn leave(&self) -> io::Result<LeftPidFile> {
        let descriptor = leave_open(self.file.as_fd())?;
        Ok(LeftPidFile { path: self.path.clone(), descriptor, lock: self.lock.leave()? })
    }

    /// That of a program that was this process before.
    ///
    /// # Errors
    /// A descriptor is not there.
    pub fn succeed(left: LeftPidFile, inheritance: &mut Inheritance) -> io::Result<Self> {
        let LeftPidFile { path, descriptor, lock } = left;
        let file = inheritance.take(descriptor)?.into();
        Ok(Self { path, file, taken_by: std::process::id(), lock: LockFile::inherit(lock, inheritance)? })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if self.taken_by == std::process::id() {
            lock_file::remove(&self.file, &self.path);
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use nix::fcntl::{Flock, FlockArg};

    use super::*;

    #[test]
    fn whoever_locks_the_file_itself_keeps_nobody_out() {
        let path = std::env::temp_dir().join(format!("ucarp-pidfile-{}", std::process::id()));
        fs::write(&path, "99999999 stale and longer than a number\n").unwrap();
        let squatter = Flock::lock(File::open(&path).unwrap(), FlockArg::LockExclusiveNonblock).unwrap();
        let held = PidFile::take(&path).unwrap();
        let ours = std::process::id();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{ours}\n"));
        assert!(matches!(PidFile::take(&path), Err(LockError::Held(Some(pid))) if pid == ours));
        drop((held, squatter));
        assert!(!path.exists() && !beside(&path).exists());
    }

    #[test]
    fn everybody_may_read_the_number_and_nobody_open_the_lock() {
        let path = std::env::temp_dir().join(format!("ucarp-pidfile-modes-{}", std::process::id()));
        let _held = PidFile::take(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path) & 0o400, 0o400);
        assert_eq!(mode(&beside(&path)), 0o600);
    }

    #[test]
    fn links_folders_and_missing_folders_are_refused() {
        let folder = std::env::temp_dir().join(format!("ucarp-pidfile-folder-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let link = folder.join("link");
        std::os::unix::fs::symlink(folder.join("target"), &link).unwrap();
        let locked_link = folder.join("other");
        std::os::unix::fs::symlink(folder.join("target"), beside(&locked_link)).unwrap();
        for path in [&link, &locked_link, &folder, &folder.join("no/such")] {
            assert!(matches!(PidFile::take(path), Err(LockError::Io(_))), "{}", path.display());
        }
        assert!(!folder.join("target").exists() && !beside(&folder).exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
