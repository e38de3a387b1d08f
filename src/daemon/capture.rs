//! Hearing: libpcap, immediate and non-blocking, with a filter that lets the kernel drop what is not for us.
//!
//! The filter is a pure function: libpcap compiles a text (`filter`) to which the ids are joined (`table`). What it drops
//! (other ids, VRRP, other groups, wrong TTL, fragments, frames too short, other VLANs) never costs a wake-up and is not
//! counted, on purpose. The kernel is given it past libpcap, which therefore has none of its own and hands out all that
//! the kernel lets through.
//!
//! This is the only file that knows pcap. It must not look into a frame.

mod filter;
mod overlap;
mod table;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

#[cfg(not(bsd))]
use pcap::PacketHeader;
use pcap::{Active, Direction, Error, Linktype};

use super::failure::words;
use crate::i18n::tr;
use crate::platform::{self, Instruction};

use filter::EVERYTHING;
pub(crate) use filter::{Filter, Looks, Wish};
pub(crate) use overlap::Overlap;

/// More than any frame we look at, tags and options included.
const SNAPLEN: i32 = 256;
/// Room for some 1,500 frames on Linux while this process is kept from running, 6 s of what 255 masters say. It is private
/// memory, a sixth of all that as many hosts take.
const RING: i32 = 512 * 1024;
/// There is never room for more.
const MOST_FRAMES: usize = 16 * 1024;
/// An open capture on one interface.
pub(crate) struct Capture {
    #[cfg(not(bsd))]
    library: pcap::Capture<Active>,
    /// What libpcap opened, which another process may have let it do.
    #[cfg(bsd)]
    device: OwnedFd,
    #[cfg(bsd)]
    frames: platform::FrameReader,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) enum CaptureError {
    /// libpcap's own words.
    Library(Error),
    /// The interface does not carry Ethernet frames; what it carries instead.
    NotEthernet(String),
    /// The descriptor could not be set up, or not be kept from the hooks.
    Descriptor(io::Error),
    /// Another process could not open it; in its words.
    Told(String),
}

impl From<Error> for CaptureError {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl CaptureError {
    /// Whether it merely says that the interface is down, after which the capture works on. Older versions of libpcap
    /// have no code for it.
    pub(crate) fn says_link_down(&self) -> bool {
        match self {
            Self::Library(Error::PcapError(words)) => words.starts_with("The interface went down"),
            Self::Library(_) | Self::NotEthernet(_) | Self::Told(_) => false,
            Self::Descriptor(error) => error.kind() == io::ErrorKind::NetworkDown,
        }
    }
}

impl std::fmt::Display for CaptureError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // TRANSLATORS: the words are those of libpcap, in English.
            Self::Library(Error::PcapError(said)) => {
                f.write_str(&tr!("libpcap error: {words}", words = said))
            }
            Self::Library(error) => error.fmt(f),
            // TRANSLATORS: behind a colon; what it is instead is a name of libpcap, such as "Raw IP".
            Self::NotEthernet(link_type) => f.write_str(&tr!("not Ethernet but {kind}", kind = link_type)),
            Self::Descriptor(error) => f.write_str(&words(error)),
            Self::Told(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for CaptureError {}

impl Capture {
    /// Opens the capture with its filter. Nothing that arrived before the filter was in place is handed out later.
    ///
    /// # Errors
    /// When the interface or the permission is missing, or the interface is not Ethernet.
    pub(crate) fn open(interface: &str, filter: &Filter) -> Result<Self, CaptureError> {
        let library = open_unfiltered(interface)?;
        // Where the kernel cannot leave our own frames out, libpcap discards them for us.
        let _ = platform::ignore_sent(library.as_fd());
        library.direction(Direction::In)?;
        put(&library, &joined(&library, filter)?)?;
        let mut capture = Self::of(library)?;
        capture.discard()?;
        capture.seal()?;
        Ok(capture)
    }

    /// Opens the capture for everything that may be CARP or VRRP, whatever is wrong with it, what this host sends
    /// included.
    ///
    /// # Errors
    /// As [`Capture::open`].
    pub(crate) fn watch(interface: &str) -> Result<Self, CaptureError> {
        let library = open_unfiltered(interface)?;
        put(&library, &compile(&library, &untagged_only(EVERYTHING), OPTIMISE)?)?;
        let mut capture = Self::of(library)?;
        capture.discard()?;
        Ok(capture)
    }

    /// Puts another filter in place of the one it was opened with. What arrived before has passed that one, and is still
    /// handed out.
    ///
    /// # Errors
    /// When the interface went away.
    #[cfg(not(bsd))]
    pub(crate) fn set_filter(&mut self, filter: &Filter) -> Result<(), CaptureError> {
        put(&self.library, &joined(&self.library, filter)?)
    }

    /// As above, but it is sealed: a filter that has to change is another capture.
    #[cfg(bsd)]
    pub(crate) fn set_filter(&mut self, _: &Filter) -> Result<(), CaptureError> {
        Err(CaptureError::Descriptor(io::ErrorKind::Unsupported.into()))
    }

    /// To be handed to another process: what is read, and how many bytes of it at once.
    ///
    /// # Errors
    /// Here it is the library that reads.
    #[cfg(not(bsd))]
    pub(crate) fn into_descriptor(self) -> Result<(u32, OwnedFd), CaptureError> {
        Err(CaptureError::Descriptor(io::ErrorKind::Unsupported.into()))
    }

    /// As above.
    #[cfg(bsd)]
    pub(crate) fn into_descriptor(self) -> Result<(u32, OwnedFd), CaptureError> {
        let at_once = u32::try_from(self.frames.size()).map_err(|_| no_program())?;
        Ok((at_once, self.device))
    }

    /// The one that another process opened.
    ///
    /// # Errors
    /// As above.
    #[cfg(not(bsd))]
    pub(crate) fn over(_: u32, _: OwnedFd) -> Result<Self, CaptureError> {
        Err(CaptureError::Descriptor(io::ErrorKind::Unsupported.into()))
    }

    /// As above.
    #[cfg(bsd)]
    pub(crate) fn over(at_once: u32, device: OwnedFd) -> Result<Self, CaptureError> {
        let frames = platform::frame_reader_of(at_once).map_err(CaptureError::Descriptor)?;
        Ok(Self { device, frames })
    }

    #[cfg(not(bsd))]
    #[expect(clippy::unnecessary_wraps, reason = "on other systems it can fail")]
    fn of(library: pcap::Capture<Active>) -> Result<Self, CaptureError> {
        Ok(Self { library })
    }

    /// Takes the device over from the library, which has nothing more to do with it.
    #[cfg(bsd)]
    fn of(library: pcap::Capture<Active>) -> Result<Self, CaptureError> {
        let device = library.as_fd().try_clone_to_owned().map_err(CaptureError::Descriptor)?;
        let frames = platform::frame_reader(device.as_fd()).map_err(CaptureError::Descriptor)?;
        drop(library);
        Ok(Self { device, frames })
    }

    #[cfg(not(bsd))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "on other systems there is something to do"
    )]
    fn seal(&self) -> Result<(), CaptureError> {
        Ok(())
    }

    /// Whoever reads the device must not be able to do more with it.
    #[cfg(bsd)]
    fn seal(&self) -> Result<(), CaptureError> {
        platform::seal_capture(self.device.as_fd()).map_err(CaptureError::Descriptor)
    }

    /// Discards what arrived while there was no filter, which is no more than there was room for.
    fn discard(&mut self) -> Result<(), CaptureError> {
        match self.drain(MOST_FRAMES, |_| ()) {
            Err(error) if !error.says_link_down() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// How many frames that passed the filter were lost since it was opened, because there was no room for them.
    ///
    /// # Errors
    /// When the interface went away.
    #[cfg(not(bsd))]
    pub(crate) fn lost(&mut self) -> Result<u64, CaptureError> {
        Ok(u64::from(self.library.stats()?.dropped))
    }

    /// As above.
    #[cfg(bsd)]
    pub(crate) fn lost(&mut self) -> Result<u64, CaptureError> {
        platform::frames_lost(self.device.as_fd()).map_err(CaptureError::Descriptor)
    }

    /// Hands out what has arrived, at most `budget` frames, and says how many there were. Fewer than `budget`
    /// means that nothing is left for now; otherwise to be called again before waiting, because the library may
    /// hold frames that the descriptor no longer announces.
    ///
    /// Costs no system call while there are frames, one when there is none.
    ///
    /// # Errors
    /// When the interface went away.
    pub(crate) fn drain(
        &mut self,
        budget: usize,
        mut each: impl FnMut(&[u8]),
    ) -> Result<usize, CaptureError> {
        self.drain_stamped(budget, |_, frame| each(frame))
    }

    /// [`Capture::drain`] with the time since 1970 at which the system took each frame in.
    ///
    /// # Errors
    /// As there.
    #[cfg(not(bsd))]
    pub(crate) fn drain_stamped(
        &mut self,
        budget: usize,
        mut each: impl FnMut(Duration, &[u8]),
    ) -> Result<usize, CaptureError> {
        Ok(self.library.dispatch(Some(budget), |packet| each(stamp(packet.header), packet.data))?)
    }

    /// The same past the library, see [`platform::FrameReader`].
    #[cfg(bsd)]
    pub(crate) fn drain_stamped(
        &mut self,
        budget: usize,
        each: impl FnMut(Duration, &[u8]),
    ) -> Result<usize, CaptureError> {
        self.frames.drain(self.device.as_fd(), budget, each).map_err(CaptureError::Descriptor)
    }
}

fn open_unfiltered(interface: &str) -> Result<pcap::Capture<Active>, CaptureError> {
    let capture = pcap::Capture::from_device(interface)?.snaplen(SNAPLEN).promisc(false).buffer_size(RING);
    let capture = immediate(capture).open()?.setnonblock()?;
    platform::hand_out_at_once(capture.as_fd()).map_err(CaptureError::Descriptor)?;
    platform::close_on_exec(capture.as_fd()).map_err(CaptureError::Descriptor)?;
    ethernet_only(&capture)?;
    Ok(capture)
}

/// Has the kernel judge by this program.
fn put(library: &pcap::Capture<Active>, program: &[Instruction]) -> Result<(), CaptureError> {
    platform::set_filter(library.as_fd(), program).map_err(CaptureError::Descriptor)
}

/// Frames are handed out as they come, not when a buffer is full.
#[cfg(not(bsd))]
fn immediate(capture: pcap::Capture<pcap::Inactive>) -> pcap::Capture<pcap::Inactive> {
    capture.immediate_mode(true)
}

/// [`platform::hand_out_at_once`] sees to it, because the crate does not find the call in OpenBSD's libpcap.
#[cfg(bsd)]
fn immediate(capture: pcap::Capture<pcap::Inactive>) -> pcap::Capture<pcap::Inactive> {
    capture
}

#[cfg(not(bsd))]
fn stamp(header: &PacketHeader) -> Duration {
    let seconds = u64::try_from(header.ts.tv_sec).unwrap_or_default();
    let micros = u64::try_from(header.ts.tv_usec).unwrap_or_default();
    Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros))
}

fn ethernet_only(capture: &pcap::Capture<Active>) -> Result<(), CaptureError> {
    let link_type = capture.get_datalink();
    if link_type == Linktype::ETHERNET {
        return Ok(());
    }
    Err(CaptureError::NotEthernet(link_type.get_name().unwrap_or_else(|_| link_type.0.to_string())))
}

impl AsFd for Capture {
    fn as_fd(&self) -> BorrowedFd<'_> {
        #[cfg(not(bsd))]
        return self.library.as_fd();
        #[cfg(bsd)]
        return self.device.as_fd();
    }
}

/// [`platform::UNTAGGED_ONLY`] depends on it.
const OPTIMISE: bool = true;

/// The filter for frames that have no VLAN tag or VLAN id 0, where the kernel hides the tag from filters.
fn untagged_only(filter: &str) -> String {
    match platform::UNTAGGED_ONLY {
        Some(term) => format!("({filter}) and {term}"),
        None => filter.to_owned(),
    }
}

/// The whole program of a filter.
fn joined(library: &pcap::Capture<Active>, filter: &Filter) -> Result<Vec<Instruction>, CaptureError> {
    let rest = compile(library, &untagged_only(&filter.text), OPTIMISE)?;
    table::join(&rest, filter).ok_or_else(no_program)
}

/// What libpcap makes of a filter, as the crate shows it.
fn compile<S: pcap::Activated + ?Sized>(
    library: &pcap::Capture<S>,
    text: &str,
    optimise: bool,
) -> Result<Vec<Instruction>, CaptureError> {
    let program = library.compile(text, optimise)?;
    let read = program.get_instructions().iter().map(|one| instruction(&one.to_string()));
    read.collect::<Option<_>>().ok_or_else(no_program)
}

/// Code, jumps and operand, as decimal numbers.
fn instruction(text: &str) -> Option<Instruction> {
    let mut numbers = text.split(' ');
    let read = Instruction {
        code: numbers.next()?.parse().ok()?,
        if_true: numbers.next()?.parse().ok()?,
        if_false: numbers.next()?.parse().ok()?,
        operand: numbers.next()?.parse().ok()?,
    };
    numbers.next().is_none().then_some(read)
}

/// What libpcap made of a filter is no program.
fn no_program() -> CaptureError {
    CaptureError::Descriptor(io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
pub(super) mod machine;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod wire;
