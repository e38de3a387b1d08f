//! A socket with a name among the files, for one daemon alone.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::super::handover::LeftDoor;
use crate::control::{ORDERS, QUESTIONS};
use crate::platform::{self, Inheritance};

/// What every system has room for.
const LONGEST_PATH: usize = 100;

/// Why there is none.
#[derive(Debug)]
pub(in super::super) enum NoDoor {
    /// Its name has no room.
    TooLong(PathBuf),
    /// Another daemon listens there.
    Taken(PathBuf),
    /// Others could put something else in its place.
    Foreign(PathBuf),
    /// It cannot be made.
    Unmade(PathBuf, io::Error),
}

/// By which way somebody comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Way {
    /// Of those who may say something.
    Orders,
    /// Of those who may ask how things stand.
    Questions,
}

impl Way {
    const fn ending(self) -> &'static str {
        match self {
            Self::Orders => ORDERS,
            Self::Questions => QUESTIONS,
        }
    }
}

/// The socket that listens.
#[derive(Debug)]
pub(super) struct Door {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Door {
    /// Makes the folder if it is not there, and takes the place of a socket to which nobody listens any more.
    pub(super) fn open(folder: &Path, name: &str, way: Way, mode: u32) -> Result<Self, NoDoor> {
        let path = folder.join(format!("{name}.{}", way.ending()));
        if path.as_os_str().len() > LONGEST_PATH {
            return Err(NoDoor::TooLong(path));
        }
        let unmade = |error| NoDoor::Unmade(path.clone(), error);
        make(folder, mode).map_err(unmade)?;
        if !is_ours(&fs::metadata(folder).map_err(unmade)?) {
            return Err(NoDoor::Foreign(folder.to_owned()));
        }
        match platform::is_listened_to(&path) {
            Ok(true) => return Err(NoDoor::Taken(path)),
            Ok(false) => _ = fs::remove_file(&path),
            Err(error) => return Err(NoDoor::Unmade(path, error)),
        }
        let listener = UnixListener::bind(&path).map_err(unmade)?;
        let mode = fs::Permissions::from_mode(mode);
        let inode = fs::set_permissions(&path, mode)
            .and_then(|()| listener.set_nonblocking(true))
            .and_then(|()| fs::metadata(&path))
            .map_err(unmade)?
            .ino();
        Ok(Self { listener, path, inode })
    }

    pub(super) fn leave(&self, way: Way) -> io::Result<LeftDoor> {
        Ok(LeftDoor {
            orders: way == Way::Orders,
            path: self.path.clone(),
            inode: self.inode,
            descriptor: platform::leave_open(self.listener.as_fd())?,
        })
    }

    pub(super) fn inherit(left: LeftDoor, inheritance: &mut Inheritance) -> io::Result<Self> {
        let LeftDoor { path, inode, descriptor, .. } = left;
        Ok(Self { listener: inheritance.take(descriptor)?.into(), path, inode })
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Who came, if somebody did.
    pub(super) fn accept(&self) -> io::Result<Option<UnixStream>> {
        match self.listener.accept() {
            Ok((stream, _)) => stream.set_nonblocking(true).map(|()| Some(stream)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            // Who came has gone.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives the name back, unless somebody else has it meanwhile.
    pub(super) fn close(self) {
        if fs::metadata(&self.path).is_ok_and(|there| there.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether nobody else can put something in the place of what is in this folder, or take it away.
fn is_ours(folder: &fs::Metadata) -> bool {
    let (mode, sticky) = (folder.mode(), 0o1000);
    let owners = [0, platform::user_and_group().0];
    owners.contains(&folder.uid()) && (mode & 0o022 == 0 || mode & sticky != 0)
}

/// Others are let in where one of its sockets is theirs.
fn make(folder: &Path, mode: u32) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    // Whatever is masked out of what is made.
    fs::set_permissions(folder, fs::Permissions::from_mode(if mode & 0o007 == 0 { 0o750 } else { 0o755 }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn open(folder: &Path, name: &str) -> Result<Door, NoDoor> {
        Door::open(folder, name, Way::Orders, 0o600)
    }

    #[test]
    fn a_name_is_one_daemons_until_it_is_gone() {
        let folder = std::env::temp_dir().join(format!("ucarp-door-{}", std::process::id()));
        let first = open(&folder, "one").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&first.path)), (0o750, 0o600));
        assert!(matches!(open(&folder, "one"), Err(NoDoor::Taken(_))));
        assert!(first.path.exists() && first.accept().unwrap().is_some(), "it was asked");
        let path = first.path.clone();
        // As when it is killed. A child that another test forks has the socket as well, until it is another program.
        drop(first);
        let again = || {
            std::thread::park_timeout(Duration::from_millis(10));
            open(&folder, "one").ok()
        };
        let second = (0..500).find_map(|_| again()).unwrap();
        second.close();
        assert!(!path.exists());
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(open(&folder, "one"), Err(NoDoor::Foreign(_))));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777)).unwrap();
        let third = open(&folder, "one").unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        third.close();
        assert!(path.exists(), "that is somebody else's");
        assert!(matches!(open(&folder, &"x".repeat(100)), Err(NoDoor::TooLong(_))));
        assert!(matches!(open(Path::new("/proc/none"), "x"), Err(NoDoor::Unmade(..))));
        fs::remove_dir_all(folder).unwrap();
    }
}
