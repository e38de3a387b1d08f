//! One kernel's way to do a small, fixed list of things.
//!
//! Every system offers the same items with the same signatures; `contract.rs` makes a drifting one fail to
//! compile. There is no trait, because a binary never holds more than one implementation. What the standard
//! library does portably (child processes, UNIX sockets) does not enter this room.
//!
//! This is the only file that asks for which system we are built. It moves bytes and names: it knows neither
//! what CARP is nor any other room, it decides nothing and it logs nothing. It is the only room with `unsafe`.
//!
//! Consts name abilities ([`LINK_CHANGES_ARE_EVENTS`], [`HARDWARE_CHANGES_ARE_EVENTS`], [`UNTAGGED_ONLY`],
//! [`LOG_IS_A_CALL`], [`DEVICES_NEED_RIGHTS`], [`QUESTIONS_NEED_RIGHTS`], [`ADDRESSES_NEED_RIGHTS`]), never systems.

mod alarm;
mod background;
#[cfg(bsd)]
mod bpf;
#[cfg(any(bsd, test, fuzzing))]
mod bpf_frames;
#[cfg(bsd)]
mod bsd;
#[cfg(any(bsd, test))]
mod bsd_bytes;
mod channel;
mod claim;
mod contract;
mod descriptors;
#[cfg(bsd)]
mod duplicates;
mod files;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(any(target_os = "freebsd", target_os = "macos"))]
mod group_req;
mod heir;
mod inheritance;
mod instruction;
mod interfaces;
mod ip_socket;
#[cfg(any(target_os = "macos", test, fuzzing))]
mod kernel_events;
#[cfg(any(target_os = "freebsd", target_os = "macos"))]
mod kqueue_timer;
#[cfg(target_os = "linux")]
mod landlock;
#[cfg(any(bsd, test, fuzzing))]
mod layout;
#[cfg(target_os = "linux")]
mod linux_claim;
#[cfg(target_os = "linux")]
mod linux_rights;
mod local_socket;
mod locale;
mod lock_file;
mod membership;
#[cfg(any(target_os = "linux", target_os = "openbsd"))]
mod mreqn;
#[cfg(target_os = "linux")]
mod netlink;
#[cfg(any(target_os = "openbsd", target_os = "netbsd"))]
mod no_timer;
mod notification;
mod oom;
#[cfg(target_os = "linux")]
mod parking;
mod pidfile;
#[cfg(not(target_os = "macos"))]
mod ppoll;
mod priority;
mod program;
mod rights;
#[cfg(any(target_os = "openbsd", target_os = "netbsd", target_os = "freebsd", test, fuzzing))]
mod routing_messages;
#[cfg(any(target_os = "openbsd", target_os = "netbsd", target_os = "freebsd"))]
mod routing_socket;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]
mod seccomp;
mod secrecy;
mod signals;
mod split;
mod succession;
mod terminal;
#[cfg(target_os = "linux")]
mod timerfd;
#[cfg(any(target_os = "openbsd", target_os = "netbsd", target_os = "freebsd"))]
mod titled;
mod unnumbered;
mod user;
mod wall_clock;
mod writer;

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod sys;
#[cfg(target_os = "openbsd")]
#[path = "openbsd.rs"]
mod sys;
#[cfg(target_os = "netbsd")]
#[path = "netbsd.rs"]
mod sys;
#[cfg(target_os = "freebsd")]
#[path = "freebsd.rs"]
mod sys;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod sys;

#[cfg(not(any(target_os = "linux", bsd)))]
compile_error!("this system is not supported; supported: OpenBSD, NetBSD, FreeBSD, macOS, Linux");
#[cfg(all(bsd, not(target_pointer_width = "64")))]
compile_error!("the structures in src/platform/layout.rs are those of 64-bit systems");

pub use alarm::Alarm;
pub use background::{Process, Readiness, Waiting, go_to_background};
#[cfg(bsd)]
pub use bpf::{frame_reader, frame_reader_of, frames_lost, seal_capture};
#[cfg(any(bsd, test, fuzzing))]
pub use bpf_frames::FrameReader;
pub use channel::{Broken, Channel, LONGEST_MESSAGE, MOST_DESCRIPTORS, Message, Unsent};
pub use claim::{Claims, Doubt, Holder, LeftClaim, LeftClaims, LeftParking};
pub use descriptors::{close_on_exec, make_room_for_descriptors, says_no_room};
pub use files::{may_create_in, may_execute, user_and_group};
pub use heir::{Heir, end_heir_of};
pub use inheritance::{Inheritance, leave_no_more, leave_open};
pub use instruction::Instruction;
pub use interfaces::{
    addresses, interface_addresses, interface_index, interface_names, interface_of, mingled_vlans,
    other_routing_domain, says_no_interface,
};
pub use ip_socket::{Connection, Envelope, IpSocket};
pub use local_socket::{is_listened_to, other_namespace, peer_user};
pub use locale::adopt_locale;
pub use lock_file::{LeftLock, LockError};
pub use membership::Membership;
pub use notification::{Notification, monotonic, take_variable};
pub use oom::outlive_others;
pub use pidfile::{LeftPidFile, PidFile};
pub use priority::{run_before_others, stay_in_memory};
pub use program::{Execution, Program, Started, reap};
#[cfg(all(test, not(bsd)))]
pub(crate) use rights::tests::in_child;
pub use rights::{Guard, Guarded, Lacking, Needs, confine, renounce, surrender, write_only_in};
pub use secrecy::forbid_core_files;
pub use signals::{
    Signal, Signals, blocked_at_start, bury_strangers, end_child, inherit_signals, kill_group, signal_name,
};
pub use split::{let_go_of_streams, split_off};
pub use succession::{Successor, Untrusted, own_program, pipe_that_waits, trust};
pub use sys::{
    CONTROL, DEVICES_NEED_RIGHTS, HARDWARE_CHANGES_ARE_EVENTS, LINK_CHANGES_ARE_EVENTS, LinkMonitor,
    LinkSocket, QUESTIONS_NEED_RIGHTS, STATE, UNTAGGED_ONLY, assign_address, blank_argument,
    connected_networks, hand_out_at_once, hardware_address, ignore_sent, keep_descriptors_private,
    link_state, missing_device, missing_for_addresses, missing_privilege, now, set_filter, unready_addresses,
    wait, withdraw_address,
};
pub use terminal::Terminal;
pub use unnumbered::{Unnumbered, of_kind};
pub use user::{NoUser, User};
pub use wall_clock::{LocalTime, local_time, local_time_of};
pub use writer::{
    LONGEST_TEXT, Look, MOST_HELD, PipeKeeper, Standard, Text, Told, pipe_to_read, start_writer,
};

/// Whether the system's log is reached by a call that may wait, so that [`Text`] is the way to it, or by a socket.
pub const LOG_IS_A_CALL: bool = sys::SYSTEM_LOG.is_some();

/// Whether a process that is confined can send to no address: a socket for each has to be connected by others.
pub const ADDRESSES_NEED_RIGHTS: bool = sys::KEPT_TO_SENDING.is_some();

/// The sum of demotions of this kernel's own CARP; nothing where it keeps none.
#[must_use]
pub fn carp_demotion() -> Option<std::io::Result<i32>> {
    sys::CARP_DEMOTION.map(|ask| ask())
}

/// Gives the system what was freed and is kept for later, where that is done: a process that is forked would have copies.
pub fn give_back_memory() {
    sys::GIVE_BACK_MEMORY.into_iter().for_each(|give_back| give_back());
}

/// A setting of the system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// As the system calls it.
    pub name: &'static str,
    /// What it is set to.
    pub value: i32,
}

/// The setting that has this system search for another host with an IPv4 address before it uses it, if that is so.
#[must_use]
pub fn search_for_duplicates() -> Option<Setting> {
    sys::DUPLICATE_SEARCH?()
}

/// Whether an interface can carry frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// Administratively up and with a carrier.
    Up,
    /// Without a carrier.
    Down,
    /// Administratively down.
    Disabled,
    /// No interface has this name.
    Gone,
}

/// Why an address of an interface should not be sent from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unready {
    /// The search for duplicates (RFC 4862) has not ended yet; it takes about a second.
    Tentative,
    /// The search for duplicates found another host with it.
    Duplicate,
    /// Its preferred lifetime is over. It still works.
    Deprecated,
}

/// What a [`LinkMonitor`] was told of since it was last read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Some interface came, went or changed its state or hardware address.
    pub links: bool,
    /// Some interface was given an address or lost one.
    pub addresses: bool,
}
