//! Linux: what of the superuser's rights is left, by capabilities(7), and that none comes back.

#![expect(unsafe_code, reason = "capget(2), capset(2) and most of prctl(2) have no safe wrapper")]

use std::io;

use nix::errno::Errno;
use nix::sys::prctl;

use super::Lacking;
use super::landlock::keep_from_files;
use super::rights::{Guard, Guarded, Needs};
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
use super::seccomp::keep_to_calls;

/// linux/capability.h.
const CAP_NET_ADMIN: u32 = 12;
const CAP_NET_RAW: u32 = 13;
/// All that exist, and that may come to exist.
const CAPABILITIES: std::ops::Range<libc::c_ulong> = 0..64;
/// linux/capability.h: _LINUX_CAPABILITY_VERSION_3, about this process; as `struct __user_cap_header_struct`.
const HEADER: [u32; 2] = [0x2008_0522, 0];

/// What this process lacks for opening captures and packet sockets, as the system calls it; nothing when it may.
#[must_use]
pub fn missing_privilege() -> Option<Lacking> {
    lacks(CAP_NET_RAW).then_some(Lacking::Privilege("CAP_NET_RAW"))
}

/// What this process lacks for changing the addresses of interfaces; nothing when it may.
#[must_use]
pub fn missing_for_addresses() -> Option<&'static str> {
    lacks(CAP_NET_ADMIN).then_some("CAP_NET_ADMIN")
}

/// Whether it is certain that this process has not this capability.
fn lacks(capability: u32) -> bool {
    capabilities().is_ok_and(|[effective, ..]| effective & 1 << capability == 0)
}

/// Beside the limit, which a kernel that pipes core files to a program does not look at (core(5)). Undone for programs
/// we start by execve(2).
pub(super) fn refuse_core_files() {
    let _ = prctl::set_dumpable(false);
}

/// Gives up the capabilities that this process has. For a child between fork(2) and execve(2): system calls and nothing
/// else.
pub(super) fn forgo_capabilities() -> io::Result<()> {
    keep_capabilities(0)
}

/// Gives up what rights this process has beside those of its user, for good.
pub(super) fn forgo_rights() {
    let _ = prctl::set_no_new_privs();
    let _ = keep_capabilities(0);
}

/// What only somebody with rights can do: has the change of user leave the capabilities, of which few will be kept, and
/// puts second locks to a door that no_new_privs closes. Whoever may not put them there does without.
pub(super) fn before_surrender() {
    let _ = prctl::set_keepcaps(true);
    for capability in CAPABILITIES {
        if control(libc::PR_CAPBSET_DROP, capability).is_err() {
            break;
        }
    }
    // Root is nobody special, and what is inheritable stays so. The first of these bits is PR_SET_KEEPCAPS'.
    let bits = libc::SECBIT_KEEP_CAPS
        | libc::SECBIT_NOROOT
        | libc::SECBIT_NOROOT_LOCKED
        | libc::SECBIT_NO_CAP_AMBIENT_RAISE
        | libc::SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    let _ = control(libc::PR_SET_SECUREBITS, libc::c_ulong::from(bits.unsigned_abs()));
}

pub(super) fn after_surrender(guarded: &mut Guarded) {
    guarded.note(Guard::Capabilities, keep_capabilities(1 << CAP_NET_RAW));
    let _ = prctl::set_keepcaps(false);
    guarded.note(Guard::NoNewPrivileges, prctl::set_no_new_privs().map_err(io::Error::from));
    // After the change of user, which sets it anew.
    guarded.note(Guard::Undumpable, prctl::set_dumpable(false).map_err(io::Error::from));
}

/// Files first: what is needed for that is on no list of calls.
pub(super) fn confine(needs: &Needs, guarded: &mut Guarded) {
    // Without it neither can be had by others than root. Whoever gave up his rights has it.
    let _ = prctl::set_no_new_privs();
    guarded.note(Guard::Landlock, keep_from_files());
    guarded.note(Guard::Seccomp, keep_to_calls(needs));
}

/// Where the numbers of the calls are not known here.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
fn keep_to_calls(_: &Needs) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn control(operation: libc::c_int, argument: libc::c_ulong) -> io::Result<()> {
    let nothing: libc::c_ulong = 0;
    // SAFETY: the operations that are asked for here take numbers alone (prctl(2)).
    Errno::result(unsafe { libc::prctl(operation, argument, nothing, nothing, nothing) })?;
    Ok(())
}

/// Keeps of its capabilities these, if it has them, for itself and not for programs it executes: the ambient ones are
/// lost with the inheritable.
fn keep_capabilities(kept: u64) -> io::Result<()> {
    let has = capabilities()?;
    let [low, high] = [kept, kept >> 32].map(|half| u32::try_from(half & 0xffff_ffff).unwrap_or(0));
    let kept = [has[1] & low, has[1] & low, 0, has[4] & high, has[4] & high, 0];
    // SAFETY: both are what capset(2) reads, a __user_cap_header_struct and two __user_cap_data_struct.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, HEADER.as_ptr(), kept.as_ptr()) })?;
    if capabilities()? == kept { Ok(()) } else { Err(Errno::EPERM.into()) }
}

/// Effective, permitted, inheritable; of the first 32, then of the rest.
fn capabilities() -> io::Result<[u32; 6]> {
    let (mut header, mut sets) = (HEADER, [0_u32; 6]);
    // SAFETY: capget(2) reads the header, whose version it may write, and writes two __user_cap_data_struct.
    Errno::result(unsafe { libc::syscall(libc::SYS_capget, header.as_mut_ptr(), sets.as_mut_ptr()) })?;
    Ok(sets)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a program that would have other rights than ours")]
mod tests {
    use std::fs::{self, File};
    use std::net::{IpAddr, Ipv4Addr};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::Command;

    use nix::unistd::{Uid, setuid};

    use super::super::rights::tests::{in_child, is_root};
    use super::super::{Envelope, IpSocket, LinkMonitor, LinkSocket, User, confine, outlive_others};
    use super::super::{run_before_others, surrender};
    use super::*;

    const RAW: u64 = 1 << CAP_NET_RAW;
    const ADMIN: u64 = 1 << 12;
    const SETGID_SETUID_SETPCAP: u64 = 1 << 6 | 1 << 7 | 1 << 8;

    fn status(field: &str) -> String {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim_start_matches(':').split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn sets() -> [u64; 5] {
        ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
            .map(|set| u64::from_str_radix(&status(set), 16).unwrap())
    }

    fn opens_what_it_needs() {
        let loopback = super::super::interface_of(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap().unwrap();
        LinkSocket::open(&loopback).unwrap();
        LinkMonitor::open().unwrap();
        IpSocket::open(&loopback, Envelope { ipv6: false, protocol: 112, ttl: 255, tos: 16 }).unwrap();
        assert_eq!(missing_privilege(), None);
    }

    #[test]
    fn of_all_that_root_may_one_thing_is_left() {
        if !is_root() {
            return;
        }
        // What may have the rights of its owner, root.
        let folder = std::env::temp_dir().join(format!("ucarp-rights-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("cat");
        fs::copy("/bin/cat", &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let secret = folder.join("secret");
        fs::write(&secret, "root's").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let reads = |path: &Path| {
            Command::new(&program).arg(path).output().is_ok_and(|output| output.stdout == b"root's")
        };
        in_child(|| {
            // It may indeed.
            setuid(Uid::from_raw(65_534)).unwrap();
            assert!(reads(&secret) && fs::read(&secret).is_err());
        });
        in_child(|| {
            let user = User::unused().unwrap();
            let guarded = surrender(Some(&user));
            assert!(guarded.not_by.is_empty(), "{guarded:?}");
            let [uid, gid] = [user.uid, user.gid];
            assert_eq!(status("Uid"), format!("{uid} {uid} {uid} {uid}"));
            assert_eq!(status("Gid"), format!("{gid} {gid} {gid} {gid}"));
            assert_eq!(status("Groups"), gid.to_string());
            assert_eq!(sets(), [0, RAW, RAW, 0, 0]);
            assert_eq!(status("NoNewPrivs"), "1");
            assert!(!prctl::get_dumpable().unwrap());
            opens_what_it_needs();
            assert!(!reads(&secret) && fs::read(&secret).is_err() && fs::read("/etc/shadow").is_err());
            assert!(fs::write(folder.join("new"), "").is_err());
            for everything in [[u32::MAX; 6], [1 << CAP_NET_RAW, 1 << CAP_NET_RAW, u32::MAX, 0, 0, 0]] {
                // SAFETY: as in `keep_capabilities`.
                let set = unsafe { libc::syscall(libc::SYS_capset, HEADER.as_ptr(), everything.as_ptr()) };
                assert_eq!((set, Errno::last()), (-1, Errno::EPERM));
            }
            assert_eq!(sets(), [0, RAW, RAW, 0, 0]);
        });
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_limited_root_stays_what_it_is_and_loses_the_rest() {
        if !is_root() {
            return;
        }
        in_child(|| {
            keep_capabilities(!SETGID_SETUID_SETPCAP).unwrap();
            let guarded = surrender(Some(&User::unused().unwrap()));
            let missing: Vec<_> =
                guarded.not_by.iter().map(|(guard, why)| (*guard, why.raw_os_error())).collect();
            assert_eq!(missing, [(Guard::Groups, Some(libc::EPERM)), (Guard::User, Some(libc::EPERM))]);
            assert_eq!(sets()[..3], [0, RAW, RAW]);
            assert_eq!((status("Uid").as_str(), status("NoNewPrivs").as_str()), ("0 0 0 0", "1"));
            opens_what_it_needs();
        });
        in_child(|| {
            // A namespace in which nobody has a number.
            // SAFETY: takes an integer.
            Errno::result(unsafe { libc::unshare(libc::CLONE_NEWUSER) }).unwrap();
            let guarded = surrender(Some(&User::unused().unwrap()));
            let missing: Vec<_> = guarded.not_by.iter().map(|(guard, _)| *guard).collect();
            assert_eq!(missing, [Guard::Groups, Guard::User]);
            assert_eq!(sets()[..3], [0, RAW, RAW]);
        });
    }

    /// As a unit of systemd does it, with User= and AmbientCapabilities=.
    #[test]
    fn a_start_without_root_keeps_only_what_is_needed() {
        if !is_root() {
            return;
        }
        for (given, kept) in [(RAW | ADMIN, RAW), (RAW, RAW), (ADMIN, 0), (0, 0)] {
            in_child(|| {
                prctl::set_keepcaps(true).unwrap();
                setuid(Uid::from_raw(65_534)).unwrap();
                let low = u32::try_from(given).unwrap();
                let given = [low, low, low, 0, 0, 0];
                // SAFETY: as in `keep_capabilities`.
                let set = unsafe { libc::syscall(libc::SYS_capset, HEADER.as_ptr(), given.as_ptr()) };
                assert_eq!(set, 0);
                let guarded = surrender(None);
                assert!(guarded.not_by.is_empty(), "{guarded:?}");
                let [inheritable, permitted, effective, _, ambient] = sets();
                assert_eq!([inheritable, permitted, effective, ambient], [0, kept, kept, 0]);
                assert_eq!(missing_privilege().is_none(), kept == RAW);
            });
        }
    }

    #[test]
    fn a_root_of_few_capabilities_has_what_is_needed() {
        if !is_root() {
            return;
        }
        // CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_NICE and CAP_SYS_RESOURCE.
        let spared = 24;
        let given: u64 = [5, 6, 7, 8, 12, 13, 23, spared].map(|number| 1 << number).into_iter().sum();
        in_child(|| {
            let mut somebody = Command::new("sleep").arg("60").uid(65_534).gid(65_534).spawn().unwrap();
            for capability in CAPABILITIES.filter(|capability| given & 1 << capability == 0) {
                let _ = control(libc::PR_CAPBSET_DROP, capability);
            }
            keep_capabilities(given).unwrap();
            somebody.kill().unwrap();
            somebody.wait().unwrap();
            // Root of a container may not have had it.
            let may_be_spared = capabilities().unwrap()[1] & 1 << spared != 0;
            assert!(outlive_others().is_ok() || !may_be_spared);
            run_before_others().unwrap();
            let guarded = surrender(Some(&User::unused().unwrap()));
            assert!(guarded.not_by.is_empty(), "{guarded:?}");
            assert_eq!(sets(), [0, RAW, RAW, 0, 0]);
            opens_what_it_needs();
        });
    }

    fn eperm<T>(outcome: io::Result<T>) -> bool {
        outcome.is_err_and(|error| error.raw_os_error() == Some(libc::EPERM))
    }

    fn call(number: libc::c_long, arguments: [libc::c_long; 3]) -> io::Result<()> {
        let [first, second, third] = arguments;
        // SAFETY: what is called here is refused, or takes no pointer.
        Errno::result(unsafe { libc::syscall(number, first, second, third) })?;
        Ok(())
    }

    #[test]
    fn whoever_is_confined_hears_and_sends_and_nothing_else() {
        if !is_root() {
            return;
        }
        let folder = std::env::temp_dir().join(format!("ucarp-confined-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(folder.join("old"), "text").unwrap();
        fs::set_permissions(folder.join("old"), fs::Permissions::from_mode(0o666)).unwrap();
        let log = std::os::unix::net::UnixDatagram::bind(folder.join("log")).unwrap();
        for (raw_ip, log_socket) in [(false, false), (true, false), (false, true)] {
            in_child(|| {
                drop(surrender(Some(&User::unused().unwrap())));
                let guarded = confine(&Needs { raw_ip, log_socket });
                assert!(guarded.not_by.is_empty(), "{guarded:?}");
                assert_eq!(guarded.by, [Guard::Landlock, Guard::Seccomp]);

                // All that is still to be done.
                let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
                let loopback = super::super::interface_of(here).unwrap().unwrap();
                assert!(super::super::connected_networks(&loopback).unwrap().contains(&(here, 8)));
                super::super::unready_addresses(&loopback).unwrap();
                super::super::link_state(&loopback).unwrap();
                let socket = LinkSocket::open(&loopback).unwrap();
                socket.send(&[0; 64]).unwrap();
                assert_eq!(socket.interface().unwrap(), Some(loopback.clone()));
                LinkMonitor::open().unwrap().read();
                let index = super::super::interface_index(&loopback).unwrap();
                super::super::Membership::join(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18)), index).unwrap();
                let mut alarm = super::super::Alarm::new();
                let mut ready = Vec::new();
                alarm.wait(&[], &mut ready, Some(super::super::now())).unwrap();
                let _ = super::super::local_time();
                assert_eq!(missing_privilege(), None);
                let sent =
                    IpSocket::open(&loopback, Envelope { ipv6: false, protocol: 112, ttl: 255, tos: 16 })
                        .and_then(|socket| socket.send(here, here, &[0; 36]));
                assert!(if raw_ip { sent.is_ok() } else { eperm(sent) });
                let logs = std::os::unix::net::UnixDatagram::unbound().unwrap();
                let path = format!("{}/log", folder.display());
                assert!(path.len() > 12);
                assert!(eperm(logs.connect(&path)), "longer than those of the log");

                // All that must not be done, at the expense of nothing but an error.
                assert!(eperm(fs::write(folder.join("new"), "")) && eperm(fs::write(folder.join("old"), "")));
                assert!(eperm(File::options().append(true).open(folder.join("old"))));
                assert!(
                    eperm(fs::remove_file(folder.join("old"))) && eperm(fs::create_dir(folder.join("new")))
                );
                let unreadable = fs::read(folder.join("old")).unwrap_err();
                assert_eq!(unreadable.raw_os_error(), Some(libc::EACCES));
                assert!(fs::read("/etc/passwd").is_err() && fs::read("/etc/shadow").is_err());
                assert!(eperm(Command::new("/bin/true").spawn()));
                assert!(eperm(call(libc::SYS_execve, [0; 3])) && eperm(call(libc::SYS_clone, [0; 3])));
                assert!(eperm(call(libc::SYS_kill, [nix::unistd::getppid().as_raw().into(), 0, 0])));
                assert!(eperm(call(libc::SYS_setuid, [0; 3])) && eperm(call(libc::SYS_capset, [0; 3])));
                assert!(eperm(call(libc::SYS_ptrace, [0; 3])) && eperm(call(libc::SYS_unshare, [0; 3])));
                assert!(eperm(call(libc::SYS_prctl, [38, 0, 0])) && eperm(call(libc::SYS_bpf, [0; 3])));
                assert!(eperm(std::net::TcpStream::connect("127.0.0.1:9")));
                let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
                assert!(eperm(datagrams.connect("127.0.0.1:9")));
                assert!(raw_ip || eperm(datagrams.send_to(&[0], "127.0.0.1:9")));
                assert!(eperm(std::net::TcpListener::bind("127.0.0.1:0")));
            });
        }
        drop(log);
        fs::remove_dir_all(&folder).unwrap();
    }
}
