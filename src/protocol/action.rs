//! What goes into the core and what comes out of it: events, actions, notices. Plain data, no behaviour.

use std::net::IpAddr;
use std::time::Duration;

use super::{
    Agreement, Demotion, Family, Fitness, Hook, HookEnd, Interval, MacAddr, PeerKind, Presence, Reason, Role,
    Shift, Time,
};
use crate::ids;

/// A fact told to a virtual host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The daemon is ready: leave the down hook's mark and wait for the link.
    Start,
    /// In place of [`Event::Start`]: a process that ended without a word had this role, and this one goes on with it. No hook
    /// runs, nobody is told.
    Resume {
        /// The role it had.
        role: Role,
        /// The hook that was started by it and still runs.
        hook: Option<Hook>,
        /// How long nothing has been sent.
        silent: Duration,
    },
    /// A deadline may have been reached. Early ticks change nothing.
    Tick,
    /// The time of day, since the Unix epoch, told before [`Event::Start`] and before each [`Event::Tick`]. It may be wrong,
    /// and may step; without a clock it is never told.
    Wall(Duration),
    /// The process was away: it woke this much later than the deadline it had asked for.
    /// Told before the frames that arrived meanwhile.
    Late(Duration),
    /// The system had no room for so many of the frames that were for us. Told before a deadline counts.
    Lost(u64),
    /// The state of the interface, told at start and at each change.
    Link(Link),
    /// Nothing that is sent to us reaches us from now on, or it does again.
    Deaf(bool),
    /// The managed addresses have other prefix lengths from now on, with which they are to be put on.
    OtherPrefixes,
    /// How fit this host is, as far as others know; at each change.
    Fitness(Fitness),
    /// What became of a frame we asked to be sent.
    Sent {
        /// What the frame was.
        what: Transmission,
        /// Whether the system took it.
        ok: bool,
    },
    /// A hook ended, or could not be started.
    HookDone {
        /// Which.
        hook: Hook,
        /// How.
        ended: HookEnd,
        /// How many of the shared addresses are on the interface now; `None` if that could not be found out.
        addresses: Option<Presence>,
    },
    /// What became of an [`Action::Shift`].
    Shifted {
        /// Which.
        shift: Shift,
        /// Something was to be done.
        changed: bool,
        /// All of it was done.
        ok: bool,
        /// As in [`Event::HookDone`].
        addresses: Option<Presence>,
    },
    /// How many of the shared addresses are on the interface, told whenever something about it may have changed, after
    /// [`Event::Link`].
    Addresses(Presence),
    /// The operator says that every host has been told of the password and the addresses that are configured here.
    Confirm,
    /// The operator asks a master to step aside (SIGUSR2).
    Resign {
        /// Even if it would take the address right back.
        force: bool,
    },
    /// The operator has a backup take the addresses, unless it is [`Untaken`](super::Untaken).
    Take,
    /// The daemon is about to end. A second one means at once.
    Shutdown {
        /// Bow out and run the down hook, or leave everything as it is.
        withdraw: bool,
    },
    /// This virtual host is to be served no more, while the daemon goes on: it bows out and gives everything back.
    Leave(Departure),
}

/// Why a virtual host is served no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Departure {
    /// It is configured no more.
    Removed,
    /// Its id or its interface is another now, which makes it another virtual host.
    Moved,
}

impl Departure {
    /// What it gives as the reason for its last role.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Removed => Reason::Removed,
            Self::Moved => Reason::Moved,
        }
    }
}

/// State of the network interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// Administratively up and with a carrier.
    Up,
    /// Without a carrier.
    Down,
    /// Administratively down: somebody on this host did that.
    Disabled,
    /// The interface does not exist.
    Gone,
}

/// What the daemon must do, in the order given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Send these bytes, then tell [`Event::Sent`].
    Transmit(Frame),
    /// Send these packets, then tell [`Event::Sent`] once: it failed only if none of them was taken.
    Deliver(Unicast),
    /// Start this hook, then tell [`Event::HookDone`] when it has ended (or could not start).
    Run(Hook),
    /// End the running hook; with `force`, in the way that cannot be refused.
    KillHook {
        /// Which one is running.
        hook: Hook,
        /// SIGKILL instead of SIGTERM.
        force: bool,
    },
    /// Have this done about the addresses, which are managed, then tell [`Event::Shifted`]. Before what comes after it.
    Shift(Shift),
    /// Tell the operator.
    Tell(Notice),
}

/// Bytes with their link header, ready to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// What they are.
    pub what: Transmission,
    /// The whole Ethernet frame, without check sequence.
    pub bytes: Vec<u8>,
}

/// Each destination, of the source's family, with what follows the IP header.
pub type Packets = Vec<(IpAddr, Vec<u8>)>;

/// Packets to addresses of single hosts. Their link headers are the system's to make, because it is the one that
/// resolves neighbours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unicast {
    /// What they are.
    pub what: Transmission,
    /// The address they come from.
    pub source: IpAddr,
    /// To whom.
    pub packets: Packets,
    /// The same from a shared address: the counter covers the source. For a master whose system has lost the other.
    pub instead: Option<(IpAddr, Packets)>,
}

/// What a frame we send is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Transmission {
    /// A CARP advertisement.
    Advert,
    /// The advertisement of a master that leaves (255/255).
    BowOut,
    /// Gratuitous ARP or an unsolicited neighbour advertisement.
    Announcement,
}

/// What is known of another CARP speaker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The address it was last heard from.
    pub source: IpAddr,
    /// Its source MAC, which several kernels share (00:00:5e:00:01:vhid).
    pub mac: MacAddr,
    /// The interval it advertises.
    pub interval: Interval,
    /// Whose implementation it is.
    pub kind: PeerKind,
    /// When it was last heard.
    pub heard: Time,
}

/// Something worth telling the operator. Limits and wording are the daemon's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// The state changed.
    Transition {
        /// Before.
        from: Role,
        /// After.
        to: Role,
        /// Why.
        reason: Reason,
        /// The peer that caused it, or the master that fell silent.
        peer: Option<Peer>,
        /// For how long nothing had been heard of that peer.
        silent: Option<Duration>,
    },
    /// Another master advertised while we are master, and we keep the address.
    ConflictWon {
        /// The other one.
        peer: Peer,
    },
    /// Another master goes on advertising while we are master, and we stay.
    TwoMasters {
        /// The other one.
        peer: Peer,
    },
    /// That is over.
    OneMaster {
        /// The other one.
        peer: Peer,
        /// How long it was.
        lasted: Duration,
    },
    /// Another of ours was master too and leaves the address to us.
    GaveWay {
        /// Which.
        peer: Peer,
    },
    /// A peer advertises exactly our interval.
    EqualInterval {
        /// Which.
        peer: Peer,
    },
    /// A peer sends from our own source address.
    SameSource {
        /// Which.
        peer: Peer,
    },
    /// One of ours is so far behind that it may be a recording, and did not answer for its dead time.
    Suspect {
        /// Whose recording it is, if it is one.
        peer: Peer,
        /// How far it lies behind.
        behind: Duration,
        /// It is followed (`--replay=warn`).
        believed: bool,
    },
    /// What may have been a recording is none.
    Proven {
        /// Who lives.
        peer: Peer,
    },
    /// The clock that ours share jumped ahead by more than a day.
    ClockJumped {
        /// Whose advertisement it was.
        peer: Peer,
        /// By how much.
        by: Duration,
    },
    /// A peer's counter stays the same and looks like ours by chance: it is not believed.
    LooksLikeOurs {
        /// Which.
        peer: Peer,
    },
    /// Only ours were heard for an hour: `--only-ours` would refuse everybody else.
    OnlyOurs,
    /// A peer goes on advertising although it should have given way: our advertisements do not reach it.
    Unheard {
        /// Which.
        peer: Peer,
    },
    /// The same, of a kernel that treats link-local addresses otherwise than we do: it does not authenticate us.
    OtherForm {
        /// Which.
        peer: Peer,
    },
    /// A peer gives way each time, and is master again a dead time later.
    Returns {
        /// Which.
        peer: Peer,
    },
    /// We are master, and so is a host whose advertisements for us do not authenticate: both may have the address.
    RefusedMaster {
        /// Which, in its own words.
        peer: Peer,
    },
    /// It is silent, or we are master no longer.
    RefusedMasterGone {
        /// Which.
        peer: Peer,
    },
    /// A peer that is not the master we follow bowed out.
    StrangerLeft {
        /// Which.
        peer: Peer,
    },
    /// Only one address family of the master has been heard for the dead time.
    FamilySilent {
        /// The family no longer heard.
        family: Family,
        /// Of whom.
        peer: Peer,
    },
    /// Both families are heard again.
    FamilyBack {
        /// The family heard again.
        family: Family,
        /// Of whom.
        peer: Peer,
    },
    /// This host can advertise in one family alone, and a kernel was heard, which would go to and fro beside it: no
    /// takeover until it can advertise in both.
    StandsBack {
        /// The kernel.
        peer: Peer,
    },
    /// This demotes us from now on.
    Demoted {
        /// Why.
        reason: Demotion,
    },
    /// The demotion ended.
    Restored {
        /// What the reason had been.
        reason: Demotion,
    },
    /// The role changed too often: takeovers from a master that left or is slower wait from now on.
    Damped,
    /// It has not changed for long enough.
    Calm {
        /// What it is.
        role: Role,
    },
    /// The master's time is up, but frames were lost since it was heard: it is listened to for one interval more.
    Lost,
    /// No advertisement could be sent for the dead time.
    Unsent {
        /// For how long.
        lasted: Duration,
    },
    /// The process was away for this long.
    Late {
        /// How much later than asked it woke.
        by: Duration,
        /// In which role.
        role: Role,
    },
    /// The link of a master went away; it keeps its role, silently, for this long.
    Grace {
        /// How long.
        lasts: Duration,
    },
    /// The link came back within the grace.
    GraceOver,
    /// Our up hook set the interface of a master down; it keeps its role, silently, until some time after the hook.
    LinkTakenByHook,
    /// The link came back so late that another host may be master: it is listened for before we speak.
    Listening {
        /// How long.
        lasts: Duration,
    },
    /// No successor was heard in that time, or one that has to give way.
    Resumed,
    /// A hook ended badly.
    HookFailed {
        /// Which.
        hook: Hook,
        /// How; [`HookEnd::Killed`] also if we asked it to end.
        ended: HookEnd,
        /// The addresses may not be where it was to bring them, and nothing else is about to.
        in_doubt: bool,
        /// None had ended before: the down hook at the start, which as a rule has nothing to do.
        first: bool,
    },
    /// A hook that has to run again because what it was to do is wanted and may not have been done.
    HookOwed {
        /// Which.
        hook: Hook,
        /// In what time.
        again: Duration,
    },
    /// A shared address that this master had is missing from the interface.
    AddressLost {
        /// The up hook will be run for it.
        cured: bool,
    },
    /// The shared addresses are all on the interface again, and usable.
    AddressBack,
    /// The system does not use a shared address of this master, because it found another host with it.
    AddressTaken {
        /// The up hook will be run for it.
        cured: bool,
    },
    /// The system does not use a shared address of this master yet: it searches for another host that has it.
    AddressPending,
    /// Managed addresses were found where they should not be, left by somebody who was killed or given by somebody else,
    /// and were taken away.
    AddressFound,
    /// A managed address of this master is missing, or is not used by its system.
    AddressUndone {
        /// It is put back after this time.
        again: Duration,
    },
    /// It was taken away so often that another host had better have it.
    AddressUnholdable,
    /// Managed addresses could not be put on, or taken off.
    NotShifted {
        /// Which.
        shift: Shift,
        /// It is tried again after this time; never, where the daemon ends.
        again: Option<Duration>,
    },
    /// They could, later.
    ShiftedAtLast {
        /// Which.
        shift: Shift,
    },
    /// The addresses of this master are managed no more, and stay where they are.
    AddressesLeft,
    /// A hook exceeded its time and is being ended.
    HookKilled {
        /// Which.
        hook: Hook,
        /// How long it had run.
        ran: Duration,
    },
    /// A hook did its work.
    HookSucceeded {
        /// Which.
        hook: Hook,
        /// How long it ran.
        ran: Duration,
    },
    /// Told to end at once, while a hook was running.
    Abandoned {
        /// Which.
        hook: Hook,
    },
    /// A request to step aside that cannot be served, or would be for nothing: a master that preempts would be back.
    ResignRefused {
        /// The role in which it came.
        role: Role,
    },
    /// A master that nobody had heard since its link came up hears another one: the port was blocked.
    PortBlocked {
        /// For how long the link had been up.
        lasted: Duration,
    },
    /// Another password, other addresses or another peer type are configured: the former are sent for this long at most.
    FormPending {
        /// How long.
        lasts: Duration,
    },
    /// What is configured is sent from now on.
    FormSent {
        /// Why.
        why: Settled,
    },
    /// What is sent is configured again.
    FormKept,
    /// Only what is configured is accepted from now on.
    FormsForgotten,
    /// A host spoke with a password or addresses that are not accepted any more.
    FormStillUsed {
        /// Which.
        peer: IpAddr,
    },
    /// A backup of ours follows this master, and would take over.
    StandbyKnown {
        /// From where it speaks.
        address: IpAddr,
    },
    /// It was not heard for too long.
    StandbyLost {
        /// From where it spoke.
        address: IpAddr,
        /// There are others.
        others: bool,
    },
    /// It means something else by the virtual host.
    StandbyDisagrees {
        /// From where it speaks.
        address: IpAddr,
        /// What is different.
        agrees: Agreement,
    },
    /// The first successful transmission failed after others had worked, or the reverse.
    Sending {
        /// What was being sent.
        what: Transmission,
        /// Whether it works now.
        ok: bool,
    },
}

/// Why what is configured is sent from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settled {
    /// Every standby that is known accepts it.
    Standbys,
    /// Another host uses it.
    Heard(IpAddr),
    /// The operator says so.
    Confirmed,
    /// The time is over.
    InTime,
}

impl Notice {
    /// Stable identifier, shown in logs so that support and monitoring do not depend on the language.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Transition { .. } => ids::TRANSITION,
            Self::ConflictWon { .. } => ids::CONFLICT_WON,
            Self::TwoMasters { .. } => ids::TWO_MASTERS,
            Self::OneMaster { .. } => ids::ONE_MASTER,
            Self::EqualInterval { .. } => ids::EQUAL_INTERVAL,
            Self::SameSource { .. } => ids::SAME_SOURCE,
            Self::Unheard { .. } => ids::UNHEARD,
            Self::StandbyKnown { .. } => ids::STANDBY_KNOWN,
            Self::StandbyLost { .. } => ids::STANDBY_LOST,
            Self::StandbyDisagrees { .. } => ids::STANDBY_DISAGREES,
            Self::PortBlocked { .. } => ids::PORT_BLOCKED,
            Self::FormPending { .. } => ids::FORM_PENDING,
            Self::FormSent { .. } => ids::FORM_SENT,
            Self::FormKept => ids::FORM_KEPT,
            Self::FormsForgotten => ids::FORMS_FORGOTTEN,
            Self::FormStillUsed { .. } => ids::FORM_STILL_USED,
            Self::OtherForm { .. } => ids::OTHER_FORM,
            Self::Returns { .. } => ids::RETURNS,
            Self::StrangerLeft { .. } => ids::STRANGER_LEFT,
            Self::FamilySilent { .. } => ids::FAMILY_SILENT,
            Self::FamilyBack { .. } => ids::FAMILY_BACK,
            Self::Demoted { .. } => ids::DEMOTED,
            Self::Restored { .. } => ids::RESTORED,
            Self::Late { .. } => ids::LATE,
            Self::Grace { .. } => ids::GRACE,
            Self::GraceOver => ids::GRACE_OVER,
            Self::HookFailed { .. } => ids::HOOK_FAILED,
            Self::HookKilled { .. } => ids::HOOK_KILLED,
            Self::HookSucceeded { .. } => ids::HOOK_SUCCEEDED,
            Self::ResignRefused { .. } => ids::RESIGN_REFUSED,
            Self::Sending { .. } => ids::SENDING,
            Self::GaveWay { .. } => ids::GAVE_WAY,
            Self::Abandoned { .. } => ids::ABANDONED,
            Self::StandsBack { .. } => ids::STANDS_BACK,
            Self::Suspect { .. } => ids::SUSPECT,
            Self::OnlyOurs => ids::ONLY_OURS,
            Self::ClockJumped { .. } => ids::CLOCK_JUMPED,
            Self::LooksLikeOurs { .. } => ids::LOOKS_LIKE_OURS,
            Self::Proven { .. } => ids::PROVEN,
            Self::Damped => ids::DAMPED,
            Self::Calm { .. } => ids::CALM,
            Self::Lost => ids::PACKETS_LOST,
            Self::Unsent { .. } => ids::UNSENT,
            Self::RefusedMaster { .. } => ids::REFUSED_MASTER,
            Self::RefusedMasterGone { .. } => ids::REFUSED_MASTER_GONE,
            Self::AddressLost { .. } => ids::ADDRESS_LOST,
            Self::AddressBack => ids::ADDRESS_BACK,
            Self::HookOwed { .. } => ids::HOOK_OWED,
            Self::AddressTaken { .. } => ids::ADDRESS_TAKEN,
            Self::AddressPending => ids::ADDRESS_PENDING,
            Self::AddressFound => ids::ADDRESS_FOUND,
            Self::AddressUndone { .. } => ids::ADDRESS_UNDONE,
            Self::AddressUnholdable => ids::ADDRESS_UNHOLDABLE,
            Self::NotShifted { .. } => ids::NOT_SHIFTED,
            Self::ShiftedAtLast { .. } => ids::SHIFTED_AT_LAST,
            Self::AddressesLeft => ids::ADDRESSES_LEFT,
            Self::LinkTakenByHook => ids::LINK_TAKEN_BY_HOOK,
            Self::Listening { .. } => ids::LISTENING,
            Self::Resumed => ids::RESUMED,
        }
    }
}
