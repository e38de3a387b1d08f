//! A file with the number of this process, locked while it runs.
//!
//! The lock, not the file, says that somebody runs: a file left behind by a crash is taken over. It is given back
//! however the process ends. Removing the file is tidiness, done only while it is still ours.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

/// How often somebody else may remove the file between our opening and locking it.
const ATTEMPTS: u32 = 10;

/// A locked pidfile; removed when dropped.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    file: Flock<File>,
}

/// Why there is none.
#[derive(Debug)]
pub enum PidFileError {
    /// Another process holds the lock; its number, as far as the file tells.
    Held(Option<u32>),
    /// The file cannot be made, opened or written.
    Io(io::Error),
}

impl PidFile {
    /// Makes or takes over the file, locks it and writes our number and a newline. To be called by the process that
    /// stays. Symbolic links are not followed: the folder may be writable by others.
    ///
    /// # Errors
    /// See [`PidFileError`].
    pub fn take(path: &Path) -> Result<Self, PidFileError> {
        for _ in 0..ATTEMPTS {
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o644)
                .custom_flags(OFlag::O_NOFOLLOW.bits() | OFlag::O_NONBLOCK.bits())
                .open(path)
                .map_err(PidFileError::Io)?;
            if !file.metadata().map_err(PidFileError::Io)?.is_file() {
                return Err(PidFileError::Io(Errno::EINVAL.into()));
            }
            let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(file) => file,
                Err((file, Errno::EWOULDBLOCK)) => return Err(PidFileError::Held(number_in(&file))),
                Err((_, error)) => return Err(PidFileError::Io(error.into())),
            };
            // Its last holder may have removed it after we opened it.
            if is_at(&file, path) {
                let mut taken = Self { path: path.to_owned(), file };
                taken.write().map_err(PidFileError::Io)?;
                return Ok(taken);
            }
        }
        Err(PidFileError::Held(None))
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        writeln!(self.file, "{}", std::process::id())
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Emptied first, for the case that the folder does not let us remove it.
        let _ = self.file.set_len(0);
        if is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether `file` is what `path` names.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(there)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}

fn number_in(mut file: &File) -> Option<u32> {
    let mut text = [0; 16];
    let length = file.read(&mut text).ok()?;
    std::str::from_utf8(text.get(..length)?).ok()?.trim_ascii().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_a_stale_file_and_no_trace_afterwards() {
        let path = std::env::temp_dir().join(format!("ucarp-pidfile-{}", std::process::id()));
        fs::write(&path, "99999999 stale and longer than a number\n").unwrap();
        let held = PidFile::take(&path).unwrap();
        let ours = std::process::id();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{ours}\n"));
        assert!(matches!(PidFile::take(&path), Err(PidFileError::Held(Some(pid))) if pid == ours));
        drop(held);
        assert!(!path.exists());
        let held = PidFile::take(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "somebody else's\n").unwrap();
        drop(held);
        assert!(path.exists(), "not ours to remove");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn links_folders_and_missing_folders_are_refused() {
        let folder = std::env::temp_dir().join(format!("ucarp-pidfile-folder-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let link = folder.join("link");
        std::os::unix::fs::symlink(folder.join("target"), &link).unwrap();
        for path in [&link, &folder, &folder.join("no/such")] {
            assert!(matches!(PidFile::take(path), Err(PidFileError::Io(_))), "{}", path.display());
        }
        assert!(!folder.join("target").exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
