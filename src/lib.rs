//! ucarp shares a virtual IP address between hosts with CARP, from user space.
//!
//! A small deterministic *protocol* is told facts and answers with a list of actions; a single-threaded *daemon*
//! around one wait obtains the facts and carries out the actions; a *platform* room alone knows which kernel we
//! are on; a *config* room turns words into values that cannot be invalid; a log and a translator at the door.
//!
//! ```text
//! argv ──► config ──► Config ───────────────────────────────────────────────┐
//! frame ──► daemon::capture ──► protocol::wire ──► protocol::auth ──► Advertisement ─┐
//! link, signal, hook exit ──► daemon ──► Event ────────────────────────────────────┼─► VirtualHost
//! deadline ──► daemon::event_loop ──► Event::Tick ─────────────────────────────────┘      │
//!                                                              Vec<Action>, next_deadline()
//! wire, hooks, log ◄── platform ◄── daemon::{perform, hands} ◄─────────────────────────────┘
//! ```
//!
//! | room | duty | must never |
//! |---|---|---|
//! | [`protocol`] | what CARP says | know the clock, a descriptor, the log, any other room |
//! | [`config`] | words into values | open devices, log, keep state |
//! | [`control`] | what ucarpctl and a daemon say to each other | know how it is done |
//! | [`daemon`] | obtain events, perform actions | hold an election rule, or `unsafe` |
//! | [`platform`] | one kernel's way to do a few things | know what CARP is |
//! | [`log`] | levels, sinks, what a line looks like; may lose lines, never time | choose words |
//! | [`i18n`], [`ids`], [`width`] | the catalogue; the identifiers; columns of a terminal | be used by platform, nor `i18n` by protocol |
//!
//! Dependencies point one way: main → daemon → {control, config, platform, log} → i18n; config and daemon → protocol.
//! `tests/architecture.rs` is the wall. One crate has one door: pcap in `daemon::capture`, pcap-parser in `daemon::sniff`, libc
//! and nix in [`platform`], hmac and sha1 in `protocol::auth`, getopts in `config::cli`, toml in `config::file`, gettext in [`i18n`].
//! `ucarp --sniff` is another life of the same rooms: `daemon::sniff` shows frames, and what they mean, and never acts.
//! To begin reading: this page, `protocol/mod.rs` (the compatibility register), `protocol/election`, `daemon/event_loop.rs`. In
//! `daemon` all virtual hosts are the `fleet`, one of them is `host` with the one door through which every fact reaches it, one
//! interface is `link`, what is open on it `devices`, what the system says of it `survey`, from where is sent `place`, what was
//! heard `hearing`, what became of it `interface`, why something failed `failure`, what time it is `clock`, who has something to
//! do next `deadlines`, and who has a turn when `turn`, which the simulation drives too. No file uses one that uses it.
//!
//! # Where this is more than the first design
//!
//! The design named the rooms; building them added to `protocol`: `peers` (a bounded table of who authenticated themselves,
//! so that "the best live master" is a search and not a set of flags), `announcer` (when neighbours are told), `demotion`
//! (each reason's own share), `action` and `parameters` (the types that cross the border). What a counter of ours says is
//! `auth/mark`, how old it may be `freshness`, who tries to forge one `tampering`; the order in which all that is asked is
//! `virtual_host/reception`. The core needs no seed: nothing rests on randomness, which the clone of a machine would share.
//! `election` is the states and takeovers. `damping` keeps a role from changing too often, `watch` holds a master to its
//! addresses, `refused` remembers a master that does not authenticate, `forms` are passwords and lists in use. `causes`
//! demote a host from outside.
//!
//! Beside frames, which are whole, there are packets to single hosts (`Action::Deliver`, for `--peer`): the kernel makes
//! their link headers, because it is the one that resolves neighbours. What differs between the BSD kernels and macOS is
//! mostly figures: `platform/layout.rs` has those of all four, so that what is built from them is tested everywhere. There
//! libpcap opens the capture, and what the device hands out is taken apart by `platform/bpf_frames.rs`: the crate does not
//! know the packet header of OpenBSD's library. That library also has registers for sixteen sums in the life of a process, so
//! no text of a filter calculates; the ids are instructions of our own, joined to what libpcap compiled. There the hands open
//! captures and seal them: a filter that changes is another one (`capture/overlap.rs`).
//!
//! A life is two processes. The `hands` (the main one) have rights, signals, scripts, claims and the log, and hear nothing
//! from the network; the `engine`, split off from them, hears, decides and sends without rights. They talk by `request`, of
//! hosts by their numbers in the `roster`; `rules` say what the engine may ask, `supervise` what becomes of one that is dead.
//! The design had a bow-out prepared by the engine; the hands make it when it is needed (`farewell`), since a newer
//! advertisement makes an older one a recording. A file is read again by a third process (`reload`) and compared with what is
//! served (`config::diff`); the engine follows (`changes`), and what others still have to learn is `pending`.
//!
//! A deadline is a descriptor (`platform/alarm.rs`) where the timeout of a wait ends late. An error is not a fact: what could
//! not be found out changes nothing and is asked again (`daemon::interface`). A hook that ran is not a hook that did its
//! work: what it owes is in `protocol::takeover`. No write to a terminal can be made safe from waiting, nor can the call that
//! logs on macOS, so a small process without rights does both (`platform/writer.rs`); it also holds the other end of what
//! scripts say (`daemon::overheard`). Who serves what is told by a listening socket or a lock file (`platform/claim.rs`);
//! only another ucarp counts. An address that the system lists and does not use is not there (`Presence`). `i18n` reads
//! catalogues itself: the C library refuses where daemons run.

pub mod config;
pub mod control;
pub mod daemon;
pub mod i18n;
pub mod ids;
mod json;
pub mod log;
pub mod platform;
pub mod protocol;
mod sorting;
pub mod width;
