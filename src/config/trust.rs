//! Who else can change a file that decides what this program runs or knows.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Caller;

/// The first of a file and the folders that lead to it that others than root and `caller` may write to, if any. Of a
/// link that is the way to the link, and the way from there.
pub(super) fn changeable(file: &Path, caller: &Caller) -> Option<PathBuf> {
    let real = fs::canonicalize(file);
    let ways = [Some(file), real.as_deref().ok()];
    let mut places = ways.into_iter().flatten().flat_map(Path::ancestors);
    places
        .find(|place| fs::metadata(place).is_ok_and(|metadata| others_may_write(&metadata, caller)))
        .map(Path::to_owned)
}

/// Whether others than root and `caller` may write to what this is about.
pub(super) fn others_may_write(metadata: &Metadata, caller: &Caller) -> bool {
    let (mode, owner, group) = (metadata.mode(), metadata.uid(), metadata.gid());
    // In a folder like /tmp everybody may make files, but nobody may remove or rename those of others.
    let sticky = metadata.is_dir() && mode & 0o1000 != 0;
    let by_all = mode & 0o002 != 0 && !sticky;
    let by_group = mode & 0o020 != 0 && !sticky && ![0, caller.group].contains(&group);
    by_all || by_group || ![0, caller.user].contains(&owner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::NoAccount;
    use super::*;

    #[test]
    fn files_and_the_folders_above_them() {
        let folder = std::env::temp_dir().join(format!("ucarp-trust-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let folder = fs::canonicalize(&folder).unwrap();
        let (file, link) = (folder.join("file"), folder.join("link"));
        fs::write(&file, "").unwrap();
        let ours = fs::metadata(&file).unwrap();
        let caller = |user, group| Caller {
            user,
            group,
            may_execute: |_| Ok(()),
            find_account: |_| Err(NoAccount::Unknown),
        };
        let us = caller(ours.uid(), ours.gid());
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(&folder, 0o755);
        let rows = [(0o644, false), (0o600, false), (0o755, false), (0o646, true), (0o602, true)];
        for (bits, warned) in rows {
            mode(&file, bits);
            assert_eq!(changeable(&file, &us).is_some_and(|place| place == file), warned, "{bits:o}");
        }
        mode(&file, 0o755);
        for (bits, warned) in [(0o777, true), (0o1777, false), (0o757, true)] {
            mode(&folder, bits);
            assert_eq!(changeable(&file, &us).is_some_and(|place| place == folder), warned, "{bits:o}");
        }
        let elsewhere = std::env::temp_dir().join(format!("ucarp-trust-link-{}", std::process::id()));
        std::os::unix::fs::symlink(&file, &elsewhere).unwrap();
        assert_eq!(changeable(&elsewhere, &us).as_deref(), Some(folder.as_path()));
        fs::remove_file(&elsewhere).unwrap();
        mode(&folder, 0o755);
        mode(&file, 0o664);
        assert_eq!(changeable(&file, &us), None, "our own group");
        if ours.gid() != 0 {
            assert_eq!(changeable(&file, &caller(ours.uid(), ours.gid() + 1)), Some(file.clone()));
        }
        if ours.uid() != 0 {
            assert_eq!(changeable(&file, &caller(ours.uid() + 1, ours.gid())), Some(file.clone()));
        }
        assert_eq!(changeable(&link, &us), None, "what is missing nobody changes");
        fs::remove_dir_all(&folder).unwrap();
    }
}
