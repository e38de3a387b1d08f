//! What this process may do with files, as the user it acts as.

use std::fs;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, Gid, Uid, faccessat};

/// The effective user and group.
#[must_use]
pub fn user_and_group() -> (u32, u32) {
    (Uid::effective().as_raw(), Gid::effective().as_raw())
}

/// Whether this process, as the user it acts as, may execute a file or search a folder.
///
/// # Errors
/// Why not: `PermissionDenied` for its mode, that of a folder before it, or a mount without execution; it is missing.
pub fn may_execute(path: &Path) -> io::Result<()> {
    may(path, AccessFlags::X_OK)
}

/// access(2) asks for the real user, which is not the one that is asked by execve(2).
fn may(path: &Path, what: AccessFlags) -> io::Result<()> {
    Ok(faccessat(AT_FDCWD, path, what, AtFlags::AT_EACCESS)?)
}

/// Whether files can be made in this folder by us.
///
/// # Errors
/// Why not: it is missing, no folder, or closed to us.
pub fn may_create_in(folder: &Path) -> io::Result<()> {
    if !fs::metadata(folder)?.is_dir() {
        return Err(Errno::ENOTDIR.into());
    }
    may(folder, AccessFlags::W_OK | AccessFlags::X_OK)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_can_be_executed() {
        let directory = std::env::temp_dir().join(format!("ucarp-executable-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let file = directory.join("script");
        fs::write(&file, "#!/bin/sh\n").unwrap();
        assert_eq!(may_execute(&file).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        may_execute(&file).unwrap();
        may_execute(&directory).unwrap();
        assert_eq!(may_execute(&directory.join("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::remove_dir_all(&directory).unwrap();
    }
}
