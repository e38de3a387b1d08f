//! Addresses given without the system's search for another host that has them.
//!
//! A master knows who has its address. The search would keep the address dark for seconds, and for good where the former
//! master still answers. Each kernel looks at the switch inside the call that gives the address, and not again before the
//! link was away:
//!
//! - OpenBSD: `nd6_dad_start()` of netinet6/nd6_nbr.c, from `in6_ioctl_change_ifaddr()` of netinet6/in6.c.
//! - NetBSD: `in_ifinit()` of netinet/in.c and `in6_update_ifa1()` of netinet6/in6.c; when a link comes back,
//!   `in_if_link_up()` and `in6_if_link_up()` of the same files.
//! - FreeBSD: `nd6_dad_start()` of netinet6/nd6_nbr.c, from `in6_broadcast_ifa()` of netinet6/in6.c.
//! - XNU: `nd6_dad_start()` of bsd/netinet6/nd6_nbr.c; IPv4 addresses that are configured by hand are not searched for.
//!
//! The switch is one of the system or of the interface, because no kernel does this for one address: what others give in
//! these microseconds is not searched for either. Of several processes that do this at once, each puts back what it
//! changed itself, so that the last one leaves the switch as the first one found it. Only a process killed by SIGKILL in
//! between leaves the search switched off. What it was is not written down anywhere: a file for each address would take
//! longer than all of the rest, and could not be told from one that is out of date.

#![expect(unsafe_code, reason = "sysctl(2) has no safe wrapper")]

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::socket::AddressFamily;

use super::bsd::{INET6, ask, state, unbound, unknown, withdraw_address};
use super::layout::Search;
use super::sys::LAYOUT;
use super::{Unready, bsd_bytes, interfaces};

/// Gives an interface an address that can be used at once, without a search for another host that has it; with one
/// where the system insists. `false` when it can be used there already, with whatever prefix length.
///
/// # Errors
/// ENXIO when no interface has this name; EPERM without the right to; `InvalidInput` for a prefix longer than the
/// address.
pub fn assign_address(interface: &str, address: IpAddr, prefix: u8) -> io::Result<bool> {
    /// Another process that does the same may have put the search back in between.
    const TRIES: usize = 3;
    let index = interfaces::interface_index(interface)?;
    interfaces::check_prefix(address, prefix)?;
    let request =
        bsd_bytes::assignment(&LAYOUT, interface, address, prefix, INET6, index).map_err(unknown)?;
    let (family, number) = match address {
        IpAddr::V4(_) => (AddressFamily::Inet, LAYOUT.add_v4.0),
        IpAddr::V6(_) => (AddressFamily::Inet6, LAYOUT.add_v6.0),
    };
    let mut is_there = interfaces::interface_addresses(interface)?.contains(&address);
    let mut added = false;
    for _ in 0..TRIES {
        if is_there && !is_searched_for(interface, address, index)? {
            break;
        }
        let left_out = leave_out(interface, address);
        if is_there {
            // Taken off, it would be searched for from the beginning.
            if left_out.is_err() {
                break;
            }
            withdraw_address(interface, address, prefix)?;
        }
        ask(unbound(family)?.as_fd(), number, &mut request.clone())?;
        (is_there, added) = (true, true);
    }
    Ok(added)
}

/// Whether the system does not use an address because it looks for another host that has it, or found one.
fn is_searched_for(name: &str, address: IpAddr, index: u32) -> io::Result<bool> {
    Ok(matches!(state(name, address, index)?, Some(Unready::Tentative | Unready::Duplicate)))
}

/// The search is left out until this is dropped.
#[derive(Debug)]
#[must_use]
struct LeftOut<'a>(Option<Undo<'a>>);

#[derive(Debug)]
enum Undo<'a> {
    Count([libc::c_int; 4], libc::c_int),
    Flag(&'a str),
}

/// Has no address of this family on this interface searched for.
///
/// # Errors
/// The kernel does not let it be left out, and searches.
fn leave_out(interface: &str, address: IpAddr) -> io::Result<LeftOut<'_>> {
    let undo = match (LAYOUT.search, address) {
        (Search::Counted { v4: Some(name), .. }, IpAddr::V4(_))
        | (Search::Counted { v6: name, .. }, IpAddr::V6(_)) => {
            let count = exchange(name, 0)?;
            (count != 0).then_some(Undo::Count(name, count))
        }
        (Search::Flagged { .. }, IpAddr::V6(_)) => {
            searches(interface, false)?.then_some(Undo::Flag(interface))
        }
        (Search::Counted { v4: None, .. } | Search::Flagged { .. }, IpAddr::V4(_)) => None,
    };
    Ok(LeftOut(undo))
}

impl Drop for LeftOut<'_> {
    fn drop(&mut self) {
        // The interface may be gone, and nobody who could set this may not set it back.
        let _ = match self.0.take() {
            Some(Undo::Count(name, count)) => exchange(name, count).map(drop),
            Some(Undo::Flag(interface)) => searches(interface, true).map(drop),
            None => Ok(()),
        };
    }
}

/// Sets a count of the system, and tells what it was.
fn exchange(mut name: [libc::c_int; 4], mut count: libc::c_int) -> io::Result<libc::c_int> {
    let mut old: libc::c_int = 0;
    let mut size = size_of_val(&old);
    // SAFETY: the name has four numbers; the kernel writes at most `size` bytes to `old` and reads one int from `count`.
    Errno::result(unsafe {
        libc::sysctl(
            name.as_mut_ptr(),
            4,
            (&raw mut old).cast(),
            &raw mut size,
            (&raw mut count).cast(),
            size_of_val(&count),
        )
    })?;
    Ok(old)
}

/// Sets whether there is a search on this interface, and tells whether there was. The other flags stay what they are.
fn searches(interface: &str, wanted: bool) -> io::Result<bool> {
    let Search::Flagged { get, set, flag, searches } = LAYOUT.search else { return Ok(false) };
    let any = unbound(AddressFamily::Inet6)?;
    let mut request = bsd_bytes::named(interface, get.1).map_err(unknown)?;
    ask(any.as_fd(), get.0, &mut request)?;
    let flags = bsd_bytes::interface_flags(&request).ok_or(Errno::EINVAL)?;
    let was = (flags & flag != 0) == searches;
    if was != wanted {
        let mut request = bsd_bytes::with_interface_flags(interface, set.1, flags ^ flag).map_err(unknown)?;
        ask(any.as_fd(), set.0, &mut request)?;
    }
    Ok(was)
}
