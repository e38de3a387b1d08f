//! BPF devices, by which OpenBSD, NetBSD, FreeBSD and macOS hear and send whole frames.
//!
//! libpcap opens one to hear by. What that device hands out is read by `bpf_frames`. Whoever opened one can hand it to a
//! process that may not, sealed: it then hears and sends what it was opened for, and nothing else.

#![expect(unsafe_code, reason = "ioctls have no safe wrapper")]

use std::fs::File;
use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::Uid;

use super::Lacking;
use super::bpf_frames::{self, FrameReader};
use super::bsd::{ask, tell, unknown};
use super::bsd_bytes::{self, INTERNET, NOTHING};
use super::layout::{BIOCGBLEN, BIOCIMMEDIATE, BIOCSHDRCMPLT, BPF_PROGRAM};
use super::sys::LAYOUT;
use super::{Instruction, interfaces, sys};

fn put_filter(fd: BorrowedFd<'_>, number: u64, filter: &[Instruction]) -> Result<(), Errno> {
    // net/bpf.h, struct bpf_program: a length and a pointer, which nothing of ours can be but on this system.
    #[repr(C)]
    struct Program {
        length: libc::c_uint,
        instructions: *const Instruction,
    }
    const _: () = assert!(size_of::<Program>() == BPF_PROGRAM && offset_of!(Program, instructions) == 8);
    let length = libc::c_uint::try_from(filter.len()).map_err(|_| Errno::EINVAL)?;
    let program = Program { length, instructions: filter.as_ptr() };
    // SAFETY: BIOCSETF, BIOCSETFNR and BIOCSETWF take a bpf_program (net/bpf.h), copy `length` instructions from where it points
    // and keep neither pointer; an Instruction has the layout of a bpf_insn.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), number as libc::c_ulong, &raw const program) })?;
    Ok(())
}

/// Sends whole frames through one interface and receives nothing.
#[derive(Debug)]
pub struct LinkSocket {
    device: File,
    opened_on: String,
}

impl LinkSocket {
    /// Opens a BPF device and binds it. Where the system can (not on macOS), nothing but IPv4, ARP and IPv6 can be
    /// sent by it and nothing about it can be changed afterwards.
    ///
    /// # Errors
    /// `PermissionDenied` without the right to open the device; ENXIO when no interface has this name; EBUSY when
    /// every device is in use.
    pub fn open(interface: &str) -> io::Result<Self> {
        interfaces::interface_index(interface)?;
        let device = open_device()?;
        let fd = device.as_fd();
        // First of all, so that nothing is ever queued.
        put_filter(fd, LAYOUT.read_filter, &NOTHING)?;
        let mut request = bsd_bytes::named(interface, LAYOUT.ifreq).map_err(unknown)?;
        ask(fd, LAYOUT.bind_capture, &mut request)?;
        // Else the kernel puts the interface's own address into what we send.
        tell(fd, BIOCSHDRCMPLT, 1)?;
        if let Some(write_filter) = LAYOUT.write_filter {
            put_filter(fd, write_filter, &INTERNET)?;
        }
        if let Some(lock) = LAYOUT.lock {
            ask(fd, lock, &mut [])?;
        }
        Ok(Self { device, opened_on: interface.to_owned() })
    }

    /// The one that another process opened on this interface.
    #[must_use]
    pub fn over(device: OwnedFd, interface: &str) -> Self {
        Self { device: device.into(), opened_on: interface.to_owned() }
    }

    /// Hands one whole frame, link header included, to the interface's queue. Never blocks.
    ///
    /// # Errors
    /// The frame was not sent: ENETDOWN (link down), ENXIO (interface gone), ENOBUFS (queue full), EMSGSIZE.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        loop {
            match nix::unistd::write(&self.device, frame) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What the interface it was opened on is called now; nothing when that was removed. One that was made anew is
    /// another, though it may have both name and number of the first: macOS gives the number back. Needs no descriptor.
    ///
    /// # Errors
    /// The question could not be asked.
    pub fn interface(&self) -> io::Result<Option<String>> {
        let mut answer = [0; LAYOUT.ifreq];
        match ask(self.device.as_fd(), LAYOUT.bound_capture, &mut answer) {
            Ok(()) => Ok(bsd_bytes::name(&answer)),
            // `bpf_detachd` of net/bpf.c left the device without one; on OpenBSD `bpfsdetach` has the device revoked,
            // and `vn_ioctl` or `dead_ioctl` answers in its place.
            Err(Errno::EINVAL | Errno::ENXIO | Errno::ENOTTY | Errno::EBADF) => Ok(None),
            // A promise of pledge(2) was not to ask. Where that is, interfaces keep their names.
            Err(Errno::ENOSYS) => Ok(self.is_bound().then(|| self.opened_on.clone())),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether there is still what it was bound to: a device that has an interface finds that it was asked for less than
    /// it hands out (`bpfread` of net/bpf.c).
    fn is_bound(&self) -> bool {
        nix::unistd::read(&self.device, &mut [0]) == Err(Errno::EINVAL)
    }
}

impl From<LinkSocket> for OwnedFd {
    fn from(socket: LinkSocket) -> Self {
        socket.device.into()
    }
}

/// A free BPF device: the one that is another for everybody who opens it, else the first free one of many.
fn open_device() -> io::Result<File> {
    const MOST: u32 = 256;
    let open = |path: &str| {
        let flags = OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        File::options().read(true).write(true).custom_flags(flags.bits()).open(path)
    };
    let mut failure = match open("/dev/bpf") {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => error,
        other => return other,
    };
    for number in 0..MOST {
        match open(&format!("/dev/bpf{number}")) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => failure = error,
            // The last one that exists is past: what the others said is the reason.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) && number > 0 => return Err(failure),
            other => return other,
        }
    }
    Err(failure)
}

/// Makes an opened capture hand frames out as they come, not when a buffer is full. It would be libpcap's business,
/// but OpenBSD's library keeps its call from the crate.
///
/// # Errors
/// The descriptor is no BPF device.
pub fn hand_out_at_once(capture: BorrowedFd<'_>) -> io::Result<()> {
    Ok(tell(capture, BIOCIMMEDIATE, 1)?)
}

/// Tells a capture descriptor that frames sent by this host are of no interest: each of them would be copied and wake
/// the process only to be thrown away.
///
/// # Errors
/// The descriptor is no BPF device.
pub fn ignore_sent(capture: BorrowedFd<'_>) -> io::Result<()> {
    let (number, value) = LAYOUT.ignore_sent;
    Ok(tell(capture, number, value)?)
}

/// Has the kernel judge by this program the frames that a capture takes in from now on, in place of the one it had. What
/// was taken in before and not read is kept, if the system can.
///
/// # Errors
/// The kernel does not take the program (EINVAL), or the descriptor is no BPF device.
pub fn set_filter(capture: BorrowedFd<'_>, program: &[Instruction]) -> io::Result<()> {
    // Versions older than the kinder request have the other.
    match LAYOUT.next_filter.map(|number| put_filter(capture, number, program)) {
        Some(Ok(())) => Ok(()),
        Some(Err(_)) | None => Ok(put_filter(capture, LAYOUT.read_filter, program)?),
    }
}

/// Prepares to read frames from an opened capture.
///
/// # Errors
/// The descriptor is no BPF device.
pub fn frame_reader(capture: BorrowedFd<'_>) -> io::Result<FrameReader> {
    // FreeBSD's libpcap has asked for fractions of a second in units of 2^-64 s (`pcap_activate_bpf` in pcap-bpf.c). What
    // was taken in since then is discarded once there is a filter.
    if let Some(time_format) = LAYOUT.time_format {
        tell(capture, time_format, 0)?;
    }
    let mut size = [0; 4];
    ask(capture, BIOCGBLEN, &mut size)?;
    frame_reader_of(u32::from_ne_bytes(size))
}

/// Prepares to read frames from a capture opened by another process, which knows how many bytes the device hands out at
/// once: it refuses to be asked for less.
///
/// # Errors
/// No device hands out as much.
pub fn frame_reader_of(size: u32) -> io::Result<FrameReader> {
    let size = Some(size).filter(|size| *size <= LARGEST_BUFFER).ok_or(Errno::EINVAL)?;
    Ok(FrameReader::new(sys::FRAMES, usize::try_from(size).map_err(io::Error::other)?))
}

/// Whatever `bpf_maxbufsize` of net/bpf.c and the settings that replace it allow.
const LARGEST_BUFFER: u32 = 64 * 1024 * 1024;

/// Forbids whoever has this capture to send by it, and, where the system can (not on macOS), to change anything about it,
/// its filter included.
///
/// # Errors
/// The descriptor is no BPF device.
pub fn seal_capture(capture: BorrowedFd<'_>) -> io::Result<()> {
    if let Some(write_filter) = LAYOUT.write_filter {
        put_filter(capture, write_filter, &NOTHING)?;
    }
    if let Some(lock) = LAYOUT.lock {
        ask(capture, lock, &mut [])?;
    }
    Ok(())
}

/// How many frames that passed the filter of a capture were lost since it was opened.
///
/// # Errors
/// The interface went away.
pub fn frames_lost(capture: BorrowedFd<'_>) -> io::Result<u64> {
    let (number, width) = LAYOUT.statistics;
    let mut counts = [0; 128];
    let room = usize::try_from(number >> 16 & 0x1fff).map_err(io::Error::other)?;
    ask(capture, number, counts.get_mut(..room).ok_or(Errno::EINVAL)?)?;
    let lost = bpf_frames::number(counts.get(width..).unwrap_or_default(), width);
    Ok(lost.map(|(lost, _)| lost).ok_or(Errno::EINVAL)?)
}

/// What this process lacks for opening captures and BPF devices; nothing when it may. Others than root can be given
/// access to the devices, so only a failure to open one is a reason to say this.
#[must_use]
pub fn missing_privilege() -> Option<Lacking> {
    (!Uid::effective().is_root()).then_some(Lacking::Device("/dev/bpf*"))
}

/// What this process lacks for changing the addresses of interfaces; nothing when it may.
#[must_use]
pub fn missing_for_addresses() -> Option<&'static str> {
    (!Uid::effective().is_root()).then_some("root")
}

/// The device that captures need, if there is none of its name: in a jail it is hidden unless a rule says otherwise.
#[must_use]
pub fn missing_device() -> Option<&'static str> {
    let missing =
        |path: &str| std::fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    (missing("/dev/bpf") && missing("/dev/bpf0")).then_some("/dev/bpf")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where this user may open a device.
    #[test]
    fn times_come_in_microseconds_whatever_the_library_asked_for() {
        const BIOCGTSTAMP: u64 = 0x4004_4283;
        const BPF_T_BINTIME: u32 = 2;
        let (Some(time_format), Ok(device)) = (LAYOUT.time_format, open_device()) else { return };
        tell(device.as_fd(), time_format, BPF_T_BINTIME).unwrap();
        frame_reader(device.as_fd()).unwrap();
        let mut format = [0xff; 4];
        ask(device.as_fd(), BIOCGTSTAMP, &mut format).unwrap();
        assert_eq!(format, [0; 4]);
    }

    #[test]
    fn what_is_no_device_is_refused() {
        let copy = io::stderr().as_fd().try_clone_to_owned().unwrap();
        assert!(ignore_sent(copy.as_fd()).is_err() && hand_out_at_once(copy.as_fd()).is_err());
        assert!(frame_reader(copy.as_fd()).is_err() && frames_lost(copy.as_fd()).is_err());
        assert!(seal_capture(copy.as_fd()).is_err() || LAYOUT.write_filter.is_none());
        assert!(frame_reader_of(u32::MAX).is_err());
    }
}
