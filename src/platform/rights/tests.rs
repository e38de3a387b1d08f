//! What cannot be undone is done in a child, which then tries what it must not be able to do.
//!
//! Who is not root tries less.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, alarm, fork, getppid, pipe};

use super::*;

/// Runs it in a child, which must come to its end alive and without a panic.
pub(crate) fn in_child(act: impl FnOnce()) {
    let (reader, writer) = pipe().unwrap();
    // SAFETY: the child takes no lock that a thread of the harness may hold, but for those of the allocator, which fork(3)
    // of every C library releases; should it wait all the same, the alarm ends it.
    if let ForkResult::Parent { child } = unsafe { fork() }.unwrap() {
        drop(writer);
        let mut why = String::new();
        File::from(reader).read_to_string(&mut why).unwrap();
        assert_eq!((waitpid(child, None).unwrap(), why.as_str()), (WaitStatus::Exited(child, 0), ""));
        return;
    }
    alarm::set(60);
    let lived = catch_unwind(AssertUnwindSafe(act));
    if let Err(panic) = &lived {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        let _ = File::from(writer).write_all(words.as_bytes());
    }
    // SAFETY: takes an integer. Nothing of the parent's is dropped here.
    unsafe { libc::_exit(i32::from(lived.is_err())) };
}

pub(in super::super) fn is_root() -> bool {
    Uid::effective().is_root()
}

fn not_by(guarded: &Guarded) -> Vec<Guard> {
    guarded.not_by.iter().map(|(guard, _)| *guard).collect()
}

#[test]
fn root_becomes_somebody_else_and_cannot_return() {
    if !is_root() {
        return;
    }
    let user = User::unused().unwrap();
    in_child(|| {
        let guarded = surrender(Some(&user));
        assert_eq!(not_by(&guarded).iter().find(|guard| **guard != Guard::Chroot), None, "{guarded:?}");
        assert!([Guard::Session, Guard::Groups, Guard::User].iter().all(|guard| guarded.by.contains(guard)));
        assert_eq!(getsid(None), Ok(getpid()));
        assert_ne!(getsid(Some(getppid())), Ok(getpid()));
        assert_eq!((Uid::current().as_raw(), Gid::effective().as_raw()), (user.uid, user.gid));
        for refused in [setuid(0.into()), seteuid(0.into()), setgid(0.into()), chroot("/")] {
            assert!(refused.is_err());
        }
        assert!(only_group(0).is_err());
        assert!(File::options().append(true).open("/etc/passwd").is_err());
        // Again: nothing is left to be given up, and that is no failure.
        assert!(surrender(None).by.contains(&Guard::Session));
    });
}

#[test]
fn somebody_without_rights_is_told_what_is_missing() {
    if !is_root() {
        return;
    }
    in_child(|| {
        let user = User::unused().unwrap();
        drop(surrender(Some(&user)));
        let guarded = surrender(Some(&User { name: None, uid: user.uid + 1, gid: user.gid + 1 }));
        let missing = not_by(&guarded);
        assert!(missing.contains(&Guard::User) && missing.contains(&Guard::Groups), "{guarded:?}");
        assert!(guarded.by.contains(&Guard::Session));
    });
}

#[test]
fn the_folder_to_be_shut_into_is_empty_and_roots() {
    let folder = std::env::temp_dir().join(format!("ucarp-empty-{}", std::process::id()));
    let may = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    let refused = || shut_into(&folder).unwrap_err().raw_os_error();
    assert_eq!(refused(), Some(libc::ENOENT));
    fs::create_dir(&folder).unwrap();
    for mode in [0o777, 0o775, 0o757] {
        may(mode);
        assert_eq!(refused(), Some(libc::EACCES));
    }
    may(0o755);
    if is_root() {
        fs::write(folder.join("file"), "").unwrap();
        assert_eq!(refused(), Some(libc::ENOTEMPTY));
        assert_eq!(shut_into(&folder.join("file")).unwrap_err().raw_os_error(), Some(libc::ENOTDIR));
        fs::remove_file(folder.join("file")).unwrap();
        in_child(|| {
            shut_into(&folder).unwrap();
            assert_eq!(fs::read_dir("/").unwrap().count() + fs::read_dir(".").unwrap().count(), 0);
            assert!(fs::metadata("/../etc").is_err());
        });
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_came_of_two_things_is_one() {
    let mut first = Guarded::default();
    first.note(Guard::User, Err(Errno::EPERM.into()));
    let mut second = Guarded::default();
    second.note(Guard::Session, Ok(()));
    let both = first.and(second);
    assert_eq!((both.by.as_slice(), not_by(&both).as_slice()), (&[Guard::Session][..], &[Guard::User][..]));
}
