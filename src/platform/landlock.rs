//! Linux: a process that has opened what it needs is kept from files and from what else has a name (landlock(7)).

#![expect(unsafe_code, reason = "the three calls of landlock(7) have no wrapper")]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::errno::Errno;

/// What is still read, by us and by libpcap: the kernel's lists, and what it tells of interfaces.
const READ: [&str; 2] = ["/proc", "/sys"];

// linux/landlock.h.
const ASK_VERSION: u32 = 1;
const BENEATH_FOLDER: u32 = 1;
const READ_FILE_AND_FOLDER: u64 = 1 << 2 | 1 << 3;

/// struct landlock_ruleset_attr: what is forbidden unless there is a rule.
#[repr(C)]
struct Ruleset {
    files: u64,
    network: u64,
    scopes: u64,
}

/// struct landlock_path_beneath_attr.
#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    folder: i32,
}

/// All that this version of it can forbid: every use of files, TCP, and reaching sockets without a file or processes that
/// are not kept in the same way.
const fn everything(version: libc::c_long) -> Ruleset {
    let files = match version {
        1 => 13,
        2 => 14,
        3 | 4 => 15,
        _ => 16,
    };
    Ruleset {
        files: (1 << files) - 1,
        network: if version >= 4 { 0b11 } else { 0 },
        scopes: if version >= 6 { 0b11 } else { 0 },
    }
}

/// Keeps this process from all of it but reading below `READ`, for good.
///
/// # Errors
/// The kernel has nothing of the kind (ENOSYS) or it is switched off (EOPNOTSUPP); no more can be piled up (E2BIG).
pub(super) fn keep_from_files() -> io::Result<()> {
    let (create, nothing) = (libc::SYS_landlock_create_ruleset, std::ptr::null::<Ruleset>());
    // SAFETY: asked for its version the call takes no pointer.
    let version = Errno::result(unsafe { libc::syscall(create, nothing, 0_usize, ASK_VERSION) })?;
    let forbidden = everything(version);
    // SAFETY: the kernel reads a landlock_ruleset_attr of this size; what an older one does not know is zero.
    let rules =
        Errno::result(unsafe { libc::syscall(create, &raw const forbidden, size_of::<Ruleset>(), 0_u32) })?;
    let rules = i32::try_from(rules).map_err(|_| Errno::EBADF)?;
    // SAFETY: landlock_create_ruleset(2) just returned it and nobody else knows it.
    let rules = unsafe { OwnedFd::from_raw_fd(rules) };
    for folder in READ {
        // In a container it may be missing, and then there is nothing to be allowed.
        let Ok(folder) = File::options().read(true).custom_flags(libc::O_PATH).open(folder) else { continue };
        let rule = Beneath { allowed: READ_FILE_AND_FOLDER, folder: folder.as_raw_fd() };
        let add = libc::SYS_landlock_add_rule;
        // SAFETY: the kernel reads a landlock_path_beneath_attr, which lives in this frame as its folder does.
        Errno::result(unsafe {
            libc::syscall(add, rules.as_raw_fd(), BENEATH_FOLDER, &raw const rule, 0_u32)
        })?;
    }
    // SAFETY: takes no pointers.
    Errno::result(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0_u32) })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Older kernels refuse what they do not know.
    #[test]
    fn each_version_is_asked_for_what_it_has() {
        let asked = [1, 2, 3, 4, 5, 6, 7, 99].map(everything);
        let files = asked.each_ref().map(|all| all.files);
        assert_eq!(files, [0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff, 0xffff, 0xffff, 0xffff]);
        assert_eq!(asked.each_ref().map(|all| all.network), [0, 0, 0, 3, 3, 3, 3, 3]);
        assert_eq!(asked.each_ref().map(|all| all.scopes), [0, 0, 0, 0, 0, 3, 3, 3]);
    }
}
