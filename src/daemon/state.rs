//! Files in the directory for what has to be known after a restart: of ours alone, and each one whole at any time.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::VirtualHostConfig;
use crate::platform;

/// No file about one virtual host is longer.
const LONGEST: u64 = 64 * 1024;

/// The file of this kind for a virtual host.
pub(super) fn path(folder: &Path, config: &VirtualHostConfig, interface: &str, kind: &str) -> PathBuf {
    folder.join(format!("{}.{kind}", config.unique(&interface.replace('/', "-"))))
}

/// What is in a file; nothing, if there is none.
///
/// # Errors
/// It cannot be read, or is none of ours: somebody else could have written it, or nobody would have written so much.
pub(super) fn read(path: &Path) -> io::Result<Option<Zeroizing<String>>> {
    read_up_to(path, LONGEST)
}

/// The same, of a file that may be this long.
///
/// # Errors
/// As [`read`].
pub(super) fn read_up_to(path: &Path, longest: u64) -> io::Result<Option<Zeroizing<String>>> {
    let about = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        about => about?,
    };
    let may_write = [0, platform::user_and_group().0];
    if !about.is_file() || !may_write.contains(&about.uid()) || about.mode() & 0o022 != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    if about.len() > longest {
        return Err(io::ErrorKind::InvalidData.into());
    }
    fs::read_to_string(path).map(|text| Some(Zeroizing::new(text)))
}

/// Puts this in place of what is in a file, or leaves no file where there is nothing to keep.
///
/// # Errors
/// It cannot be written: what was there is still there.
pub(super) fn keep(path: &Path, text: Option<&str>) -> io::Result<()> {
    text.map_or_else(|| remove(path), |text| replace(path, text))
}

/// Puts this in place of what is in a file. That the disk has it is not waited for.
///
/// # Errors
/// It cannot be written: what was there is still there.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let _ = fs::remove_file(&new);
    let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    fs::rename(new, path)
}

/// There is no such file any more.
///
/// # Errors
/// There is.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_somebody_else_may_have_written_is_not_read() {
        let folder = std::env::temp_dir().join(format!("ucarp-state-{}", std::process::id()));
        let file = folder.join("made/file");
        assert_eq!(read(&file).unwrap(), None);
        for text in ["one", "", "another"] {
            replace(&file, text).unwrap();
            assert_eq!(read(&file).unwrap().unwrap().as_str(), text);
        }
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        let other = folder.join("made/other");
        symlink(&file, &other).unwrap();
        assert!(read(&other).is_err());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o620)).unwrap();
        assert!(read(&file).is_err());
        replace(&file, &"x".repeat(70_000)).unwrap();
        assert!(read(&file).is_err());
        remove(&file).unwrap();
        remove(&file).unwrap();
        assert!(replace(Path::new("/proc/nowhere/file"), "").is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}
