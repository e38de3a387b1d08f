//! Linux: a process that has opened what it needs is kept to the system calls it goes on to make (seccomp(2)).
//!
//! A list of what is allowed, turned into the kernel's filter by a pure function. What is not on it fails with EPERM, as
//! if this user might not; what is newer than the list fails with ENOSYS, so that a C library falls back on what is older.
//! Nothing is ever killed. Each refusal is written to the system's audit log, which is the one that can count them: code
//! of libraries makes most of the calls, so nothing here would see the errors.
//!
//! Numbers are those of the machine, and so is what the C libraries make of a call: the list is that of glibc and musl.

#![expect(unsafe_code, reason = "seccomp(2) has no safe wrapper")]

use std::io;

use nix::errno::Errno;

use super::rights::Needs;

/// linux/audit.h, and the calls that older machines have beside those of all.
#[cfg(target_arch = "x86_64")]
mod machine {
    use super::{Call, Lacks, PLAIN, WRITES};

    pub(super) const ARCHITECTURE: u32 = 0xc000_003e;
    pub(super) const OLD_CALLS: &[Call] = &[
        (libc::SYS_poll, PLAIN),
        (libc::SYS_open, &[&[Lacks(1, WRITES)]]),
        (libc::SYS_stat, PLAIN),
        (libc::SYS_lstat, PLAIN),
        (libc::SYS_access, PLAIN),
        (libc::SYS_readlink, PLAIN),
    ];
}
#[cfg(target_arch = "aarch64")]
mod machine {
    pub(super) const ARCHITECTURE: u32 = 0xc000_00b7;
    pub(super) const OLD_CALLS: &[super::Call] = &[];
}
#[cfg(target_arch = "riscv64")]
mod machine {
    pub(super) const ARCHITECTURE: u32 = 0xc000_00f3;
    pub(super) const OLD_CALLS: &[super::Call] = &[];
}

/// What is asked of one argument, by its number. Integers are looked at as the kernel does: 32 bits of them.
#[derive(Clone, Copy)]
enum Condition {
    /// It is this number.
    Is(u8, u32),
    /// It is this number, or would be without these bits.
    IsBut(u8, u32, u32),
    /// It is less.
    Below(u8, u32),
    /// It has none of these bits.
    Lacks(u8, u32),
    /// It is no pointer.
    Null(u8),
}
use Condition::{Below, Is, IsBut, Lacks, Null};

/// A call by its number, and the ways in which it may be made: in each of them all is so.
type Call = (libc::c_long, &'static [&'static [Condition]]);

/// In any way.
const PLAIN: &[&[Condition]] = &[&[]];

/// Calls that are newer are not known here: mseal(2) of Linux 6.10, on every machine.
const NEWEST: u32 = 462;

/// Flags of a socket's type (sys/socket.h).
const FLAGS: u32 = (libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK).unsigned_abs();
const WRITES: u32 = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC).unsigned_abs();
const EXECUTES: u32 = libc::PROT_EXEC.unsigned_abs();
const DATAGRAMS: u32 = libc::SOCK_DGRAM.unsigned_abs();
const RAW: u32 = libc::SOCK_RAW.unsigned_abs();
const UNIX: u32 = libc::AF_UNIX.unsigned_abs();
const INET: u32 = libc::AF_INET.unsigned_abs();
const INET6: u32 = libc::AF_INET6.unsigned_abs();
const PACKET: u32 = libc::AF_PACKET.unsigned_abs();
const NETLINK: u32 = libc::AF_NETLINK.unsigned_abs();
/// linux/netlink.h: sizeof struct sockaddr_nl. getifaddrs(3) of glibc names the kernel so; no IP address is as short.
const SOCKADDR_NL: u32 = 12;
/// sizeof struct sockaddr_in, the shortest address of IP.
const SOCKADDR_IN: u32 = 16;

/// What everybody who hears, decides and sends goes on to do.
const CALLS: &[Call] = &[
    // Waiting, and the time. A wait that a stop interrupted goes on by restart_syscall.
    (libc::SYS_ppoll, PLAIN),
    (libc::SYS_timerfd_settime, PLAIN),
    (libc::SYS_timerfd_create, PLAIN),
    (libc::SYS_restart_syscall, PLAIN),
    (libc::SYS_clock_gettime, PLAIN),
    (libc::SYS_gettimeofday, PLAIN),
    // Descriptors that are open. sendmsg is missing because nobody could see to whom it sends.
    (libc::SYS_read, PLAIN),
    (libc::SYS_readv, PLAIN),
    (libc::SYS_write, PLAIN),
    (libc::SYS_writev, PLAIN),
    (libc::SYS_recvfrom, PLAIN),
    (libc::SYS_recvmsg, PLAIN),
    (libc::SYS_sendto, &[&[Null(4)], &[Is(5, SOCKADDR_NL)]]),
    (libc::SYS_lseek, PLAIN),
    (libc::SYS_close, PLAIN),
    (libc::SYS_fcntl, PLAIN),
    (libc::SYS_shutdown, PLAIN),
    (libc::SYS_eventfd2, PLAIN),
    // Sockets: captures, frames, the kernel's lists of links and addresses, what questions about interfaces are asked
    // through and groups are joined by; libpcap asks through the generic one.
    (
        libc::SYS_socket,
        &[
            &[Is(0, PACKET)],
            &[Is(0, NETLINK), Is(2, libc::NETLINK_ROUTE.unsigned_abs())],
            &[Is(0, NETLINK), Is(2, libc::NETLINK_GENERIC.unsigned_abs())],
            &[Is(0, INET), IsBut(1, DATAGRAMS, FLAGS)],
            &[Is(0, INET6), IsBut(1, DATAGRAMS, FLAGS)],
            &[Is(0, UNIX), IsBut(1, DATAGRAMS, FLAGS)],
        ],
    ),
    (libc::SYS_bind, PLAIN),
    (libc::SYS_getsockname, PLAIN),
    (libc::SYS_getsockopt, PLAIN),
    (libc::SYS_setsockopt, PLAIN),
    (
        libc::SYS_ioctl,
        &[
            &[Is(1, 0x8910)], // SIOCGIFNAME; these are of linux/sockios.h
            &[Is(1, 0x8913)], // SIOCGIFFLAGS
            &[Is(1, 0x8921)], // SIOCGIFMTU
            &[Is(1, 0x8927)], // SIOCGIFHWADDR
            &[Is(1, 0x8933)], // SIOCGIFINDEX
            &[Is(1, 0x8946)], // SIOCETHTOOL: what a card can stamp
            &[Is(1, 0x8b01)], // SIOCGIWNAME of linux/wireless.h: older libpcap
            &[Is(1, 0x5401)], // TCGETS, for isatty(3)
            &[Is(1, 0x541b)], // FIONREAD
            &[Is(1, 0x5421)], // FIONBIO
            &[Is(1, 0x5451)], // FIOCLEX
        ],
    ),
    // Files, to be read: of /proc and /sys, by us and by libpcap.
    (libc::SYS_openat, &[&[Lacks(2, WRITES)]]),
    (libc::SYS_fstat, PLAIN),
    (libc::SYS_newfstatat, PLAIN),
    (libc::SYS_statx, PLAIN),
    (libc::SYS_readlinkat, PLAIN),
    (libc::SYS_faccessat, PLAIN),
    (libc::SYS_faccessat2, PLAIN),
    // Memory, none of it to be executed.
    (libc::SYS_brk, PLAIN),
    (libc::SYS_mmap, &[&[Lacks(2, EXECUTES)]]),
    (libc::SYS_mprotect, &[&[Lacks(2, EXECUTES)]]),
    (libc::SYS_munmap, PLAIN),
    (libc::SYS_mremap, PLAIN),
    (libc::SYS_madvise, PLAIN),
    (libc::SYS_futex, PLAIN),
    (libc::SYS_getrandom, PLAIN),
    // Signals that arrive, panics, and the end.
    (libc::SYS_rt_sigreturn, PLAIN),
    (libc::SYS_rt_sigaction, PLAIN),
    (libc::SYS_rt_sigprocmask, PLAIN),
    (libc::SYS_sigaltstack, PLAIN),
    (libc::SYS_exit, PLAIN),
    (libc::SYS_exit_group, PLAIN),
    // Who we are, and on what.
    (libc::SYS_getpid, PLAIN),
    (libc::SYS_getppid, PLAIN),
    (libc::SYS_gettid, PLAIN),
    (libc::SYS_getuid, PLAIN),
    (libc::SYS_geteuid, PLAIN),
    (libc::SYS_getgid, PLAIN),
    (libc::SYS_getegid, PLAIN),
    (libc::SYS_getsid, PLAIN),
    (libc::SYS_uname, PLAIN),
    (libc::SYS_sysinfo, PLAIN),
    (libc::SYS_getcpu, PLAIN),
    (libc::SYS_prlimit64, &[&[Null(2)]]),
    (libc::SYS_sched_yield, PLAIN),
];

/// Packets to single hosts.
const RAW_IP: &[Call] = &[
    (libc::SYS_socket, &[&[Is(0, INET), IsBut(1, RAW, FLAGS)], &[Is(0, INET6), IsBut(1, RAW, FLAGS)]]),
    (libc::SYS_sendto, PLAIN),
];

/// A socket of this host's, that of the log: no address of IP is as short.
const LOG_SOCKET: &[Call] = &[(libc::SYS_connect, &[&[Below(2, SOCKADDR_IN)]])];

/// linux/seccomp.h: where struct seccomp_data has the number of the call, the machine, and the arguments.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;
/// The half of an argument that an integer is in, after the numbers of this machine.
const LOW: u32 = if cfg!(target_endian = "little") { 0 } else { 4 };

const fn refusal(errno: Errno) -> u32 {
    libc::SECCOMP_RET_ERRNO | (errno as i32).unsigned_abs()
}

/// Keeps this process to the calls on the list, for good.
///
/// # Errors
/// The kernel has nothing of the kind (`EINVAL`, ENOSYS), or another sandbox forbids it.
pub(super) fn keep_to_calls(needs: &Needs) -> io::Result<()> {
    let mut program = program(&calls(needs));
    let length = u16::try_from(program.len()).map_err(|_| Errno::E2BIG)?;
    let program = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    // Before Linux 4.14 nothing is said to the audit log.
    let set = |flags: libc::c_ulong| {
        // SAFETY: the kernel reads a sock_fprog and as many instructions as it announces, which live in this frame.
        Errno::result(unsafe {
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
        })
    };
    set(libc::SECCOMP_FILTER_FLAG_LOG).or_else(|_| set(0))?;
    Ok(())
}

fn calls(needs: &Needs) -> Vec<Call> {
    let lists = [
        Some(CALLS),
        Some(machine::OLD_CALLS),
        needs.raw_ip.then_some(RAW_IP),
        needs.log_socket.then_some(LOG_SOCKET),
    ];
    lists.into_iter().flatten().flatten().copied().collect()
}

/// One question about the call: whether some bits of a word, compared with a value, are as `wanted`.
struct Test {
    word: u32,
    bits: u32,
    comparison: u32,
    value: u32,
    wanted: bool,
}

impl Test {
    const fn is(word: u32, value: u32) -> Self {
        Self { word, bits: u32::MAX, comparison: libc::BPF_JEQ, value, wanted: true }
    }

    fn of(condition: Condition) -> Vec<Self> {
        let low = |argument: u8| ARGUMENTS + 8 * u32::from(argument) + LOW;
        match condition {
            Is(argument, value) => vec![Self::is(low(argument), value)],
            IsBut(argument, value, bits) => vec![Self { bits: !bits, ..Self::is(low(argument), value) }],
            Below(argument, value) => {
                vec![Self { comparison: libc::BPF_JGE, wanted: false, ..Self::is(low(argument), value) }]
            }
            Lacks(argument, bits) => {
                vec![Self { comparison: libc::BPF_JSET, wanted: false, ..Self::is(low(argument), bits) }]
            }
            Null(argument) => vec![Self::is(low(argument), 0), Self::is(low(argument) ^ 4, 0)],
        }
    }

    /// As instructions that go on with the next when it is so, and past this many more when it is not.
    fn instructions(&self, past: u8) -> [libc::sock_filter; 3] {
        let (yes, no) = if self.wanted { (0, past) } else { (past, 0) };
        [
            step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, self.word),
            step(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, self.bits),
            libc::sock_filter {
                jt: yes,
                jf: no,
                ..step(libc::BPF_JMP | self.comparison | libc::BPF_K, self.value)
            },
        ]
    }
}

fn step(code: u32, value: u32) -> libc::sock_filter {
    libc::sock_filter { code: u16::try_from(code).unwrap_or(0), jt: 0, jf: 0, k: value }
}

/// When all of it is so, this is the answer; else what follows decides.
fn answer(tests: &[Test], answer: u32) -> impl Iterator<Item = libc::sock_filter> {
    tests
        .iter()
        .rev()
        .enumerate()
        .map(|(after, test)| test.instructions(u8::try_from(3 * after + 1).unwrap_or(u8::MAX)))
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .flatten()
        .chain([step(libc::BPF_RET | libc::BPF_K, answer)])
}

fn program(calls: &[Call]) -> Vec<libc::sock_filter> {
    let refused = refusal(Errno::EPERM);
    let elsewhere = Test { wanted: false, ..Test::is(ARCHITECTURE, machine::ARCHITECTURE) };
    let mut program: Vec<_> = answer(&[elsewhere], refused).collect();
    for (number, ways) in calls {
        for way in *ways {
            let number = Test::is(NUMBER, u32::try_from(*number).unwrap_or(u32::MAX));
            let tests: Vec<_> =
                [number].into_iter().chain(way.iter().flat_map(|condition| Test::of(*condition))).collect();
            program.extend(answer(&tests, libc::SECCOMP_RET_ALLOW));
        }
    }
    let newer = Test { comparison: libc::BPF_JGT, ..Test::is(NUMBER, NEWEST) };
    program.extend(answer(&[newer], refusal(Errno::ENOSYS)));
    program.extend(answer(&[], refused));
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: [Needs; 4] = [
        Needs { raw_ip: false, log_socket: false },
        Needs { raw_ip: true, log_socket: false },
        Needs { raw_ip: false, log_socket: true },
        Needs { raw_ip: true, log_socket: true },
    ];

    /// What the kernel makes of the program: the few instructions that are used, run.
    fn run(program: &[libc::sock_filter], machine: u32, number: u32, arguments: [u64; 6]) -> u32 {
        let mut data = [number.to_ne_bytes(), machine.to_ne_bytes(), [0; 4], [0; 4]].concat();
        data.extend(arguments.iter().flat_map(|argument| argument.to_ne_bytes()));
        let (mut at, mut word) = (0, 0_u32);
        loop {
            let libc::sock_filter { code, jt, jf, k } = program[at];
            at += 1;
            let jump = |is: bool| usize::from(if is { jt } else { jf });
            match u32::from(code) {
                0x20 => word = u32::from_ne_bytes(data[k as usize..][..4].try_into().unwrap()),
                0x54 => word &= k,
                0x15 => at += jump(word == k),
                0x25 => at += jump(word > k),
                0x35 => at += jump(word >= k),
                0x45 => at += jump(word & k != 0),
                0x06 => return k,
                other => panic!("{other:#x}"),
            }
        }
    }

    fn outcome(needs: &Needs, number: libc::c_long, arguments: [u64; 6]) -> Result<(), Errno> {
        let number = u32::try_from(number).unwrap();
        match run(&program(&calls(needs)), machine::ARCHITECTURE, number, arguments) {
            libc::SECCOMP_RET_ALLOW => Ok(()),
            other => Err(Errno::from_raw(i32::try_from(other & libc::SECCOMP_RET_DATA).unwrap())),
        }
    }

    #[test]
    fn what_is_not_on_the_list_is_refused_and_nothing_kills() {
        for needs in &NEEDS {
            let program = program(&calls(needs));
            assert!(program.len() < 4096, "BPF_MAXINSNS");
            let answers: Vec<_> = program.iter().filter(|step| step.code == 6).map(|step| step.k).collect();
            assert!(answers.iter().all(|k| [libc::SECCOMP_RET_ALLOW, 0x5_0001, 0x5_0026].contains(k)));
            for number in [
                libc::SYS_execve,
                libc::SYS_execveat,
                libc::SYS_clone,
                libc::SYS_clone3,
                libc::SYS_ptrace,
                libc::SYS_kill,
                libc::SYS_tgkill,
                libc::SYS_openat2,
                libc::SYS_sendmsg,
                libc::SYS_sendmmsg,
                libc::SYS_listen,
                libc::SYS_accept4,
                libc::SYS_setuid,
                libc::SYS_capset,
                libc::SYS_prctl,
                libc::SYS_unlinkat,
                libc::SYS_renameat2,
                libc::SYS_fchmodat,
                libc::SYS_io_uring_setup,
                libc::SYS_bpf,
                libc::SYS_process_vm_writev,
                libc::SYS_seccomp,
            ] {
                assert_eq!(outcome(needs, number, [0; 6]), Err(Errno::EPERM), "{number}");
            }
            assert_eq!(outcome(needs, 463, [0; 6]), Err(Errno::ENOSYS));
            // The numbers of another machine, and x32's.
            let (read, write) =
                (u32::try_from(libc::SYS_read).unwrap(), u32::try_from(libc::SYS_write).unwrap());
            assert_eq!(run(&program, 0x4000_0003, read, [0; 6]), 0x5_0001);
            assert_ne!(
                run(&program, machine::ARCHITECTURE, write | 0x4000_0000, [0; 6]),
                libc::SECCOMP_RET_ALLOW
            );
            assert_eq!(run(&program, machine::ARCHITECTURE, write, [u64::MAX; 6]), libc::SECCOMP_RET_ALLOW);
        }
    }

    #[test]
    fn of_arguments_only_some_are_allowed() {
        const EPERM: Result<(), Errno> = Err(Errno::EPERM);
        let [plain, raw, log, _] = &NEEDS;
        let pointer = 0x7fff_0000_0000;
        let send = |needs, address, length| outcome(needs, libc::SYS_sendto, [3, 1, 1, 0, address, length]);
        assert_eq!((send(plain, 0, 0), send(plain, pointer, 16), send(plain, 1, 28)), (Ok(()), EPERM, EPERM));
        assert_eq!((send(plain, pointer, 12), send(raw, pointer, 16)), (Ok(()), Ok(())));
        let connect = |needs, length| outcome(needs, libc::SYS_connect, [3, pointer, length, 0, 0, 0]);
        assert_eq!((connect(plain, 11), connect(raw, 11)), (EPERM, EPERM));
        assert_eq!((connect(log, 15), connect(log, 16), connect(log, u64::MAX)), (Ok(()), EPERM, EPERM));
        let open = |flags: i32| {
            outcome(plain, libc::SYS_openat, [u64::MAX, pointer, flags.unsigned_abs().into(), 0, 0, 0])
        };
        assert_eq!(open(libc::O_RDONLY | libc::O_CLOEXEC | libc::O_DIRECTORY), Ok(()));
        for writes in
            [libc::O_WRONLY, libc::O_RDWR, libc::O_CREAT, libc::O_TRUNC, libc::O_TMPFILE | libc::O_RDWR]
        {
            assert_eq!(open(writes), EPERM);
        }
        let map = |protection: i32| {
            outcome(plain, libc::SYS_mmap, [0, 4096, protection.unsigned_abs().into(), 0, 0, 0])
        };
        assert_eq!(map(libc::PROT_READ | libc::PROT_WRITE), Ok(()));
        assert_eq!(map(libc::PROT_READ | libc::PROT_EXEC), EPERM);
        let socket = |needs, family: i32, kind: i32, protocol: u64| {
            let word = |number: i32| u64::from(number.unsigned_abs());
            outcome(needs, libc::SYS_socket, [word(family), word(kind), protocol, 0, 0, 0])
        };
        let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        assert_eq!(socket(plain, libc::AF_PACKET, libc::SOCK_RAW | flags, 0x300), Ok(()));
        assert_eq!(socket(plain, libc::AF_NETLINK, libc::SOCK_RAW | flags, 0), Ok(()));
        assert_eq!(socket(plain, libc::AF_NETLINK, libc::SOCK_RAW, 12), EPERM, "netfilter");
        for family in [libc::AF_INET, libc::AF_INET6] {
            assert_eq!(socket(plain, family, libc::SOCK_DGRAM | flags, 0), Ok(()));
            assert_eq!(socket(raw, family, libc::SOCK_STREAM | flags, 0), EPERM);
            assert_eq!(socket(plain, family, libc::SOCK_RAW, 112), EPERM);
            assert_eq!(socket(raw, family, libc::SOCK_RAW, 112), Ok(()));
        }
        assert_eq!(socket(plain, libc::AF_UNIX, libc::SOCK_STREAM, 0), EPERM);
        assert_eq!(socket(plain, libc::AF_VSOCK, libc::SOCK_DGRAM, 0), EPERM);
        let limit = |new| outcome(plain, libc::SYS_prlimit64, [0, 4, new, pointer, 0, 0]);
        assert_eq!((limit(0), limit(pointer), limit(1 << 32)), (Ok(()), EPERM, EPERM));
        let ioctl = |request| outcome(plain, libc::SYS_ioctl, [3, request, pointer, 0, 0, 0]);
        assert_eq!(
            (ioctl(0x8933), ioctl(0x5412), ioctl(0x8914)),
            (Ok(()), EPERM, EPERM),
            "TIOCSTI, SIOCSIFFLAGS"
        );
    }
}
