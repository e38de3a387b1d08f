//! What CARP says: codecs, authentication, election, takeover. No clock, no descriptor, no log, no locale.
//!
//! A [`VirtualHost`] is told frames and [`Event`]s with the time they happened, and answers with [`Action`]s and
//! the next deadline. It is deterministic: the same parameters, facts and times give the same answers, so
//! the daemon, the simulation and a replayed report drive exactly the same machine.
//!
//! # Words
//!
//! *virtual host*: one vhid on one interface, with its addresses. *peer*: another CARP speaker. *interval*: base
//! and skew; the smaller is preferred. *frame*: bytes with a link header. *advertisement*: decoded **and
//! authenticated** content. *decision*: what the election concluded. *action*: what the daemon must do, concrete,
//! with bytes. *notice*: something worth telling the operator. *rejected*: why a frame was ignored. *hook*: the
//! up or down script. *deadline*: the time by which to call again.
//!
//! # Compatibility register
//!
//! What we keep of ucarp 1.5.2 and of the kernels, and what we do differently on purpose. Tests name the row.
//! "FACTS" in this crate stands for what the kernels' sources and captures of running kernels show; the golden
//! packets and decisions under `tests/vectors` are its checkable part.
//!
//! | # | matter | we |
//! |---|---|---|
//! | 1 | equal intervals, both master | By whom we hear. One of ours (row 7): the lower tie key stays. An old ucarp (source MAC 00:00:5e:00:00:vhid): its own order, last octet first. Anybody else is a kernel, and every kernel steps down on equality: we stay. Who stays sends one ad at once (in any conflict; at most one in 100 ms); who leaves leaves silently for everybody but the winner, and if that is no kernel sends it one ad addressed to its MAC alone: after a partition it may not know that neighbours have to be told again. A peer that should have given way but has sent three more ads over at least our dead time (a second more for an old ucarp) does not hear us: we give way, and take over again if it gives way to us in the same moment. Demoted we give way so to a kernel of any interval, which may count demotion first, and do not preempt it |
//! | 2 | tie key | The IPv4 source in numeric order if there are IPv4 addresses, else the IPv6 source. Dual stack: only IPv4 ads decide; an equal IPv6 ad is a sign of life until its sender's IPv4 has been silent for the dead time, with IPv6 heard in between. While an old ucarp was heard in the last 60 s its order holds for all; who knows says so in its ads (row 7), else two could give way to each other. Equal sources: the lower MAC stays (of ours, row 25 first). Demoted hosts lose every tie with kernels and old ucarps; among ours demotion has decided before (row 26) |
//! | 3 | source MAC of ads | The interface's own; no kernel looks at it, and hypervisors drop others |
//! | 4 | long options | The ancestor's spellings, unambiguous prefixes, repeats |
//! | 5 | numbers | Base 0, trailing junk and out of range refused |
//! | 6 | unknown option, facility, missing hook | An error, exit status 1 |
//! | 7 | counter | Never adopted, never zero: F 16 bits, S 16, then two words among ours ("I give way to you", "beside an old ucarp") and T, 30 bits: quarter seconds on the clock that ours share (row 25). S is of HMAC-SHA1(key, "ucarp ours 2", vhid, words and T), a mark only our kind can make; F of "ucarp fields 2" with these and what CARP's HMAC leaves out: family, source, interval, demotion. Looked at in the order CARP's HMAC, S, T, F. S wrong: a kernel or an old ucarp (one that adds one to a counter of ours breaks S). F wrong: tampered, beside kernels too; after 20 wrong ones with one counter the others are refused unseen (far behind H: 20 in a second). One T of a sender stands for one content: what was accepted is known by it, another with this T is tampered unseen, and a sender whose content or audience changes, or that heard its T of another, takes the next. A kernel's counter fits S once in 65,536: those of FreeBSD and NetBSD change with each ad; OpenBSD's stays for life, so one that comes again from the same source and MAC after more than a second is a kernel's with [`Dialect::OpenBsd`], else an error; but not if T lies in the last year, as those of altered recordings do |
//! | 8 | password | 1 to 20 bytes |
//! | 9 | type, authlen, destination of an ad heard | Type and authlen are counted, not required; the destination must be our group, or with peers an address of one host (the daemon's filter knows which are ours) |
//! | 10 | checksums | IP's and CARP's each on its own; over IPv6 also with the pseudo-header of newer NetBSD kernels. HMACs with or without link-local addresses, as OpenBSD. What is sent: the plain form, all addresses, unless [`Dialect`] says otherwise |
//! | 11 | send failures | After three ads in a row demoted by 240 until three successes; not while the link is known down. In Backup it ends at the next link-up or after 30 s, doubling to 10 min. A master of which no ad left for its dead time keeps the address and says so; until an interval after they leave again it steps down to whoever it hears, as in row 19. What it means to be demoted is row 26 |
//! | 12 | exit | Asked to withdraw (`-z`): bow-out, then the down hook, bounded; else neither. Who manages addresses always withdraws. A bow-out is one 255/255 ad per family, again after 20 ms without a successor, twice at most. It goes before the address does: measured on NetBSD, which searches for duplicates, the other order shortens nothing where the up hook leaves the search out, and with it IPv4 is late all the same |
//! | 13 | SIGHUP | Ends the daemon like SIGTERM |
//! | 14 | SIGUSR2 | Bow-out, down hook, no candidacy for 3 s; a takeover that falls in them happens at their end. Refused by who preempts and knows nobody that it would not preempt |
//! | 15 | bow-outs and slow ads heard | Judged on the master we follow: the best live one, replaced by a better ad at once, by a worse one only when it has been silent for its dead time. 255/255 from it is always a bow-out, of anybody else a notice. Who speaks is told by source address, whatever the MAC; by the MAC where that is 0.0.0.0 or a virtual address |
//! | 16 | dead time | The larger of ratio·base + skew/256 (base 0: ratio·max(skew,1)/256) and 1.25 times the followed master's interval; one deadline for both families. A family silent for a dead time is a warning |
//! | 17 | takeover | Frames that arrived in time are heard first; were some lost since the master was heard, one interval more, once. After more than 6 changes in 10 s, takeovers from a master that left or is slower wait, 100 ms doubling to 10 s, at most until silence would do; a minute without a change ends that. Ad at once; after a timeout the up hook 10 ms later if still master, else at once. Managed addresses at once in any case: where two took over in the same moment (equal intervals), they are on both for as long as a frame takes, and a second thought would cost every takeover more than that (`tests/sim/thought.rs`) |
//! | 18 | interface not running | A master keeps its role, silently, for one interval, at most 1 s. Back in time: ad and announcement, no hook has run. Else Init and the down hook. Set down while our up hook runs: until that has ended, and 5 s for the carrier; a return after more than our dead time listens for an interval first and steps down to a successor (row 19). A removed interface has no grace |
//! | 19 | a master that slept until its dead time after its last ad | Hears what arrived first; steps down to a successor unless it preempts, silently for everybody else (row 1); never sends missed ads |
//! | 20 | hooks | Beside the election, ordered, the latest wish wins, bounded; an unwanted one has 5 s left. One that could not run, was ended by us or a signal, or failed while an address is not where it belongs is not done: the right one runs again (5 s doubling to 10 min). An exit status alone means nothing (old scripts). An address that a master had and lost, or that its system does not use because it found another host with it: the up hook once more, at most once a minute. A failed up hook with demotion: bow-out, demoted by 240, and for 30 s (doubling to 10 min) a candidate against silence only |
//! | 21 | leaving | The down hook at once, in whatever way master was left. Managed addresses go before it, and come, announced, before the up hook; at the start they are taken off, with `--neutral` too. What fails, or what somebody undoes, is done again at once, then after 1 s, doubling to 60 s; three times in 10 s beside a peer that is known: as a failed up hook with demotion |
//! | 22 | start | Everything is opened before anything is served |
//! | 23 | announcements | Gratuitous ARP as request and as reply, neighbour advertisements. After a won conflict at once, 20 ms later, since who gives way may have announced itself before it heard of us, and an interval after the last foreign ad. Limits bring them together and never drop the last |
//! | 24 | time | Monotonic, counting suspended time; absolute schedules |
//! | 25 | echoes, recordings | Of kernels and old ucarps all are believed (except with `only_ours`): they carry no date. Ours from our source and our MAC is an echo, whatever its T. From our source and another MAC: older than our own last T, or than our start, a recording; the same T never makes us yield, and is another host's when that happened with three; newer, another host with our address (row 2). Time among ours is H: the newest T sent or accepted, running on; the time of day counts where H is unknown, or while it is at most a day ahead, and never if it lies before 2026 (who has none begins there, since T is ordered only among clocks less than 4.25 years apart); a jump by more is a warning. A sender that was heard is judged by its own last T: older is stale, the same is good for half a second. Who lies further behind H than its dead time and a second is suspect: whoever is or has a master gives it a dead time to prove itself, nobody believes its bow-out, who has no master follows it (with [`Replay::Refuse`] its first word alone). Stale or suspect, it is sent one ad to its own address, at most one a second, that says "I give way" unless a master sends it: from it, who lives learns H. Unanswered for a dead time it is followed, or refused ([`Replay`]), and told of. No state over restarts |
//! | 26 | demotion | Named amounts, each once, that add up to 254 at most, sent in byte 4; advskew is then 240 + configured·14/254, which keeps the configured order. Among ours demotion comes before the interval and whatever `preempt` says, and so it does against kernels with [`Dialect::OpenBsd`]; against others the advskew alone tells. A backup takes over from a master that is demoted more. Who is demoted takes nothing from one that is not demoted more: else one of ours that is better for a kernel by its interval, and worse for a third of ours by its demotion, made a circle. For the same reason it does not defend itself at once against a kernel or an old ucarp while one of ours is known that is demoted less. Equally demoted hosts keep who is master. Demotion never takes a role away; a failure that releases (`on-failure`) does, whoever else is there. Groups share all causes ([`causes`]) |
//! | 27 | a blocked port | For `start-hold` after the link came up silence is no reason to become master, until somebody is heard; a bow-out is obeyed. Whom silence made master, whom nobody told that it follows, who heard nobody since its link came up and does not preempt, yields in the first minute after that to a master that it would keep the address from: longer no spanning tree blocks, and of two that were alone the one whose link is up for longer is the older; to an old ucarp never (it reads once a second, and both would leave). So that it comes to that, one of ours that has been master for an interval does not leave at once for a preferred one of ours that it has not heard for 12 s, but speaks once. Two that leave for each other so: the preferred one takes over again |
//! | 28 | preempting | After `preempt-delay` in which nothing demoted us and a worse master was heard; each loss of the role within an hour of it doubles that, to 10 min. Silence, bow-outs, demotion and a master too slow for our dead time are not waited with |
//!
//! Beyond the register: a *backup* that woke late by a quarter of its master's interval or more listens for one
//! more interval before it declares the master dead, once, since a suspended machine captures nothing. A host whose
//! source or hardware address changes keeps its role: its next advertisement comes from there, its tie key moves
//! along, and a master announces a new hardware address. Nobody without the key moves a host among ours (rows 7 and 25);
//! beside kernels we are moved as a kernel is.

mod action;
mod address;
mod agreement;
mod announcer;
mod auth;
pub mod causes;
mod damping;
mod deed;
mod demotion;
mod dialect;
mod election;
mod explain;
mod fitness;
mod forms;
mod freshness;
mod interval;
mod keeping;
mod parameters;
mod peers;
mod reason;
mod refused;
mod rejected;
mod rivalry;
mod role;
mod standbys;
mod takeover;
mod taking;
mod tampering;
mod tie;
mod time;
mod virtual_host;
mod watch;
pub mod wire;

pub use action::{
    Action, Departure, Event, Frame, Link, Notice, Packets, Peer, Settled, Transmission, Unicast,
};
pub use address::{Family, MacAddr, Vhid};
pub use agreement::Agreement;
pub use auth::{Advertisement, Authenticator, Key, KeyError, PeerKind};
pub use deed::{Hook, HookEnd, Presence, Shift};
pub use dialect::Dialect;
pub use explain::{Cause, explain, shares_also};
pub use fitness::{Demotion, Fitness};
pub use forms::{Form, Former, InUse};
pub use interval::Interval;
pub use parameters::{
    Announcing, Destination, HookFailure, Hooks, OnLostAddress, Parameters, Replay, Sources,
};
pub use peers::Speaker;
pub use reason::Reason;
pub use rejected::{Rejected, Rejections};
pub use role::Role;
pub use standbys::Standby;
pub use taking::Untaken;
pub use time::Time;
pub use virtual_host::{Counters, Snapshot, VirtualHost};
