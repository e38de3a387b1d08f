//! What every system must offer, as types the compiler checks.
//!
//! Each item is assigned to a const of its agreed type, so a system whose signature drifted does not compile.
//! If two systems would need different parameters, the boundary is wrong: move it, do not bend it here.

use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use super::{
    Changes, Instruction, LinkState, Unready, background, channel, claim, descriptors, files, inheritance,
    interfaces, ip_socket, local_socket, lock_file, membership, notification, oom, pidfile, priority,
    program, rights, secrecy, signals, split, succession, sys, terminal, user, wall_clock, writer,
};

// Time.
const _: fn() -> Duration = sys::now;
const _: fn() -> wall_clock::LocalTime = wall_clock::local_time;
const _: fn(Duration) -> wall_clock::LocalTime = wall_clock::local_time_of;

// Waiting, signals, children.
#[expect(clippy::type_complexity, reason = "a name would hide the type this line is for")]
const _: fn(&[BorrowedFd<'_>], &mut Vec<bool>, Option<Duration>) -> io::Result<()> = sys::wait;
const _: fn() -> io::Result<sys::Timer> = sys::Timer::open;
const _: fn(&sys::Timer, Duration) -> io::Result<()> = sys::Timer::set;
const _: fn(&sys::Timer) = sys::Timer::clear;
const _: fn() -> io::Result<signals::Signals> = signals::Signals::open;
const _: fn(&mut signals::Signals) -> Vec<signals::Signal> = signals::Signals::read;
const _: fn(signals::Signal) -> &'static str = signals::Signal::name;
const _: fn(u32, bool) = signals::kill_group;
const _: fn(i32) -> String = signals::signal_name;
const _: fn(u32) = signals::end_child;
const _: fn(&[u32]) = signals::bury_strangers;
const _: fn(u32) -> io::Result<Option<ExitStatus>> = program::reap;
const _: fn(&mut program::Started) -> program::Execution = program::Started::execution;
const _: Option<&CStr> = sys::OOM_SCORE;
const _: Option<fn()> = sys::GIVE_BACK_MEMORY;
const _: fn() -> io::Result<()> = oom::outlive_others;

// Running in the background.
const _: fn() -> io::Result<background::Process> = background::go_to_background;
const _: fn(background::Waiting) -> io::Result<u8> = background::Waiting::outcome;
const _: fn(background::Readiness) -> io::Result<()> = background::Readiness::announce;
const _: fn(i32) -> io::Result<()> = sys::close_from;
const _: fn(&Path) -> Result<pidfile::PidFile, lock_file::LockError> = pidfile::PidFile::take;
const _: fn(&pidfile::PidFile) -> io::Result<()> = pidfile::PidFile::inherit;
const _: fn(usize, usize) -> bool = sys::blank_argument;

// Two processes.
const _: fn() -> io::Result<(channel::Channel, channel::Channel)> = channel::Channel::pair;
#[expect(clippy::type_complexity, reason = "a name would hide the type this line is for")]
const _: fn(&mut channel::Channel, &[u8], Vec<OwnedFd>) -> Result<(), channel::Unsent> =
    channel::Channel::send;
const _: fn(&mut channel::Channel, usize) -> Result<Option<channel::Message>, channel::Broken> =
    channel::Channel::receive;

// What can block, done by somebody else.
#[expect(clippy::type_complexity, reason = "a name would hide the type this line is for")]
const _: fn(bool, [Option<writer::Look>; 2]) -> io::Result<(writer::Text, writer::PipeKeeper)> =
    writer::start_writer;
const _: fn() -> io::Result<(OwnedFd, OwnedFd)> = writer::pipe_to_read;
const _: Option<fn(libc::c_int, &CStr)> = sys::SYSTEM_LOG;
const _: fn(&CStr) = sys::name_process;
const _: fn(&[u8]) -> io::Result<SocketAddr> = sys::named_without_file;
const _: fn(&OsStr) -> io::Result<notification::Notification> = notification::Notification::to;
const _: fn(&notification::Notification, &str) -> io::Result<()> = notification::Notification::send;
const _: fn(&str) -> Option<OsString> = notification::take_variable;
const _: fn() -> Duration = notification::monotonic;
#[expect(clippy::type_complexity, reason = "a name would hide the type this line is for")]
const _: fn(&CStr, fn() -> u8) -> io::Result<u32> = split::split_off;
const _: fn() -> io::Result<()> = split::let_go_of_streams;
const _: fn() = sys::forgo_rights;
const _: fn() -> io::Result<()> = sys::forgo_capabilities;

// Descriptors, files, rights, chance.
const _: fn(BorrowedFd<'_>) -> io::Result<()> = descriptors::close_on_exec;
const _: fn() -> io::Result<()> = sys::keep_descriptors_private;
const _: fn() -> (u32, u32) = files::user_and_group;
const _: fn(&Path) -> io::Result<()> = files::may_execute;
const _: fn(&Path) -> io::Result<()> = files::may_create_in;
const _: fn() = secrecy::forbid_core_files;
const _: fn() = descriptors::make_room_for_descriptors;
const _: fn() = sys::refuse_core_files;
const _: fn() -> io::Result<()> = priority::run_before_others;
const _: fn() -> io::Result<()> = priority::stay_in_memory;
const _: Option<&str> = sys::EMPTY_FOLDER;
const _: fn() = sys::before_surrender;
const _: fn(&mut rights::Guarded) = sys::after_surrender;
const _: fn(&rights::Needs, &mut rights::Guarded) = sys::confine;
const _: fn(&rights::Needs) -> rights::Guarded = rights::confine;
const _: fn(&[&Path], &mut rights::Guarded) = sys::write_only_in;
const _: fn(&[&Path]) -> rights::Guarded = rights::write_only_in;
const _: fn(Option<&user::User>) -> rights::Guarded = rights::surrender;
const _: fn(&str) -> Result<user::User, user::NoUser> = user::User::find;
const _: fn() -> Option<user::User> = user::User::unused;
const _: fn() -> Option<rights::Lacking> = sys::missing_privilege;
const _: fn() -> Option<&'static str> = sys::missing_for_addresses;
const _: fn() -> Option<&'static str> = sys::missing_device;

// Terminals.
const _: fn() -> io::Result<Option<terminal::Terminal>> = terminal::Terminal::take;
const _: fn(&terminal::Terminal) -> Option<(usize, usize)> = terminal::Terminal::size;
const _: fn(&mut terminal::Terminal) -> Option<Vec<u8>> = terminal::Terminal::keys;

// Interfaces.
const _: fn(&str) -> io::Result<u32> = interfaces::interface_index;
const _: fn(&str) -> io::Result<Vec<IpAddr>> = interfaces::interface_addresses;
const _: fn() -> io::Result<Vec<(String, IpAddr)>> = interfaces::addresses;
const _: fn(IpAddr) -> io::Result<Option<String>> = interfaces::interface_of;
const _: fn() -> io::Result<Vec<String>> = interfaces::interface_names;
const _: Option<fn(&str) -> Option<String>> = sys::MINGLED_VLAN;
const _: fn(&str) -> io::Result<Vec<String>> = interfaces::mingled_vlans;
const _: Option<fn(&str) -> Option<u32>> = sys::ROUTING_DOMAIN;
const _: fn(&str) -> Option<u32> = interfaces::other_routing_domain;
const _: fn(&io::Error) -> bool = interfaces::says_no_interface;
const _: fn(&io::Error) -> bool = descriptors::says_no_room;
#[expect(clippy::type_complexity, reason = "a name would hide the type this line is for")]
const _: fn(&str) -> io::Result<Vec<(IpAddr, u8)>> = sys::connected_networks;
#[expect(clippy::type_complexity, reason = "a name would hide the type this line is for")]
const _: fn(&str) -> io::Result<Vec<(IpAddr, Unready)>> = sys::unready_addresses;
const _: Option<fn() -> Option<super::Setting>> = sys::DUPLICATE_SEARCH;
const _: Option<fn() -> io::Result<i32>> = sys::CARP_DEMOTION;
const _: fn(&str) -> io::Result<[u8; 6]> = sys::hardware_address;
const _: fn(&str) -> io::Result<LinkState> = sys::link_state;

// Addresses.
const _: fn(&str, IpAddr, u8) -> io::Result<bool> = sys::assign_address;
const _: fn(&str, IpAddr, u8) -> io::Result<bool> = sys::withdraw_address;

// Link changes.
const _: bool = sys::LINK_CHANGES_ARE_EVENTS;
const _: bool = sys::HARDWARE_CHANGES_ARE_EVENTS;
const _: fn() -> io::Result<sys::LinkMonitor> = sys::LinkMonitor::open;
const _: fn(&mut sys::LinkMonitor) -> Changes = sys::LinkMonitor::read;

// Frames, groups, and being the only one.
#[expect(clippy::type_complexity, reason = "a name would hide the type this line is for")]
const _: fn(&str, Option<&Path>, bool) -> Result<(sys::Claim, Vec<claim::Doubt>), claim::Holder> =
    sys::Claim::take;
const _: fn(&mut sys::Claim, &mut sys::Parking) = sys::Claim::keep_in;
const _: fn(sys::Claim, &mut sys::Parking) = sys::Claim::give_back;
const _: fn(&sys::Claim, &str) -> io::Result<claim::LeftClaim> = sys::Claim::leave;
const _: fn(claim::LeftClaim, &mut inheritance::Inheritance) -> io::Result<sys::Claim> = sys::Claim::inherit;
const _: fn(&sys::Parking) -> io::Result<claim::LeftParking> = sys::Parking::leave;
const _: fn(claim::LeftParking, &mut inheritance::Inheritance) -> io::Result<sys::Parking> =
    sys::Parking::inherit;
const _: fn(&succession::Successor) -> io::Result<std::convert::Infallible> = succession::Successor::succeed;
const _: fn(&str) -> io::Result<sys::LinkSocket> = sys::LinkSocket::open;
const _: fn(&sys::LinkSocket, &[u8]) -> io::Result<()> = sys::LinkSocket::send;
const _: fn(&sys::LinkSocket) -> io::Result<Option<String>> = sys::LinkSocket::interface;
const _: &str = sys::LOCKS;
const _: &str = sys::STATE;
const _: &str = sys::CONTROL;
const _: Option<fn() -> Option<u64>> = sys::OTHER_NAMESPACE;
const _: fn(BorrowedFd<'_>) -> nix::Result<u32> = sys::peer_user;
const _: fn(&Path) -> io::Result<bool> = local_socket::is_listened_to;
const _: bool = sys::DEVICES_NEED_RIGHTS;
const _: bool = sys::QUESTIONS_NEED_RIGHTS;
const _: fn(OwnedFd, &str) -> sys::LinkSocket = sys::LinkSocket::over;
const _: fn(IpAddr, u32) -> io::Result<membership::Membership> = membership::Membership::join;
const _: fn(&[IpAddr], u32) -> io::Result<Vec<membership::Membership>> = membership::Membership::join_all;
const _: Option<fn(BorrowedFd<'_>) -> io::Result<()>> = sys::KEPT_TO_SENDING;
const _: fn(OwnedFd, u32) -> ip_socket::IpSocket = ip_socket::IpSocket::over;
const _: fn(BorrowedFd<'_>, &str, bool) -> io::Result<()> = sys::keep_to_link;
const _: fn(&str, ip_socket::Envelope) -> io::Result<ip_socket::IpSocket> = ip_socket::IpSocket::open;
const _: fn(&ip_socket::IpSocket, IpAddr, IpAddr, &[u8]) -> io::Result<()> = ip_socket::IpSocket::send;
const _: fn(ip_socket::IpSocket, IpAddr, IpAddr) -> io::Result<ip_socket::Connection> =
    ip_socket::IpSocket::connect;
const _: fn(OwnedFd) -> ip_socket::Connection = ip_socket::Connection::over;
const _: fn(&ip_socket::Connection, &[u8]) -> io::Result<()> = ip_socket::Connection::send;
const _: fn(&ip_socket::IpSocket) = ip_socket::IpSocket::discard;
const _: fn(BorrowedFd<'_>) -> io::Result<()> = sys::hand_out_at_once;
const _: fn(BorrowedFd<'_>) -> io::Result<()> = sys::ignore_sent;
const _: fn(BorrowedFd<'_>, &[Instruction]) -> io::Result<()> = sys::set_filter;
const _: Option<&str> = sys::UNTAGGED_ONLY;

const _: fn(&signals::Signals) -> BorrowedFd<'_> = AsFd::as_fd;
const _: fn(&sys::LinkMonitor) -> BorrowedFd<'_> = AsFd::as_fd;
const _: fn(&sys::Timer) -> BorrowedFd<'_> = AsFd::as_fd;
