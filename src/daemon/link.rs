//! One interface, and what all virtual hosts on it have in common: one capture, one set of sockets and memberships, one
//! state. A frame is theirs by destination and id.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::capture::Looks;
use super::connected;
use super::deadlines::Deadlines;
use super::devices::{Devices, Parts, Wanted};
use super::reopening::Reopening;
use super::request::Request;
use super::strangers::Strangers;
use super::turn::Draining;
use crate::config::VirtualHostConfig;
use crate::platform::LinkState;
use crate::protocol::wire::{self, Decoded};
use crate::protocol::{Destination, Rejected, Sources, Time, Unicast};

/// How long VRRP routers with our ids are listened to after an interface was taken up; they speak every second.
pub(super) const LOOK_AROUND: Duration = Duration::from_secs(5);

/// Hands that did not answer for so long are asked again.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often is looked for a change that is no event.
const AT_TIMES: Duration = Duration::from_millis(900);

/// What was asked about an interface.
#[derive(Default)]
struct Surveying {
    asked: Option<Time>,
    last: Option<Time>,
    /// It is to be asked now.
    wanted: bool,
    /// Something changed since.
    again: bool,
}

/// An interface in use.
pub(super) struct Link {
    pub(super) name: String,
    /// The virtual hosts on it: id, where to, and its number in the fleet. By id, so that those of one id are together.
    hosts: Vec<(u8, Destination, usize)>,
    /// When each of them has something to do.
    pub(super) deadlines: Deadlines,
    /// None while it is away.
    pub(super) devices: Option<Devices>,
    /// What was found when that was last asked.
    pub(super) state: LinkState,
    pub(super) draining: Draining,
    pub(super) looks_around_until: Option<Time>,
    pub(super) retry: Option<Time>,
    /// Why a question about the interface could not be answered when it was last asked; it will be asked again.
    pub(super) doubt: Option<String>,
    pub(super) reopening: Reopening,
    /// When the hands were asked to open something here, until they answer.
    asked: Option<Time>,
    /// When they were asked for ways to peers.
    asked_to_connect: Option<Time>,
    /// What they are to be asked for.
    errands: Vec<Request>,
    /// When they were asked to look at the interface, until they tell what it is like, and whether it has changed since.
    surveyed: Surveying,
    /// What they opened, to be taken up.
    pub(super) opened: Option<Parts>,
    /// What its virtual hosts want changed, and what is open did not yet.
    pub(super) widens: bool,
    /// What the hands were asked to open beside what is open.
    pub(super) wanted: Option<Wanted>,
    /// The operator was told that it could not be opened.
    pub(super) narrow: bool,
    /// The operator was told that nothing can be heard.
    pub(super) deaf: bool,
    /// And that the filter could not be set.
    pub(super) unfiltered: bool,
    /// What the interface is called now that it lost the name we were given.
    pub(super) renamed: Option<String>,
    /// Who else answers for the addresses of its masters.
    pub(super) strangers: Strangers,
    /// Room for the frame that is heard.
    pub(super) frame: Vec<u8>,
}

impl Link {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            hosts: Vec::new(),
            deadlines: Deadlines::default(),
            devices: None,
            state: LinkState::Gone,
            draining: Draining::default(),
            looks_around_until: None,
            retry: None,
            doubt: None,
            reopening: Reopening::default(),
            asked: None,
            asked_to_connect: None,
            errands: Vec::new(),
            surveyed: Surveying::default(),
            opened: None,
            widens: false,
            wanted: None,
            narrow: false,
            deaf: false,
            unfiltered: false,
            renamed: None,
            strangers: Strangers::default(),
            frame: Vec::new(),
        }
    }

    /// A virtual host is served here, which has this number.
    pub(super) fn take_on(&mut self, config: &VirtualHostConfig, number: usize) {
        let id = config.vhid.get();
        // Before another one of this id, which may be about to leave.
        let place = self.hosts.partition_point(|(other, _, _)| *other < id);
        self.hosts.insert(place, (id, config.destination.clone(), number));
    }

    /// It is not served here any more.
    pub(super) fn let_go(&mut self, number: usize) {
        self.hosts.retain(|(_, _, known)| *known != number);
        self.deadlines.set(number, None);
    }

    /// It is served otherwise.
    pub(super) fn change(&mut self, config: &VirtualHostConfig, number: usize) {
        for (_, destination, known) in &mut self.hosts {
            if *known == number {
                destination.clone_from(&config.destination);
            }
        }
    }

    /// Whether nobody is served here.
    pub(super) fn is_idle(&self) -> bool {
        self.hosts.is_empty()
    }

    /// The numbers of its virtual hosts.
    pub(super) fn hosts(&self) -> impl Iterator<Item = usize> + '_ {
        self.hosts.iter().map(|(_, _, number)| *number)
    }

    /// Whose a frame is: of those with its id the one that hears its destination, else whoever comes closest, who has the
    /// right to refuse it and say why.
    pub(super) fn whose(&self, frame: &[u8], decoded: &Result<Decoded, Rejected>) -> Option<usize> {
        let addressee = match decoded {
            Ok(decoded) => Some((decoded.header.vhid, decoded.destination)),
            Err(_) => wire::addressee(frame),
        };
        let (id, destination) = addressee.unwrap_or_else(|| (0, [0; 4].into()));
        let first = self.hosts.partition_point(|(other, _, _)| *other < id);
        let alike =
            self.hosts.get(first..).unwrap_or_default().iter().take_while(|(other, _, _)| *other == id);
        let hears = alike.clone().find(|(_, to, _)| to.accepts(destination));
        hears.or_else(|| alike.clone().next()).or_else(|| self.hosts.first()).map(|(_, _, number)| *number)
    }

    /// Has the hands open what is needed to hear and to send here, or a capture alone. `false`: they do already.
    pub(super) fn ask_for(&mut self, looks: Looks, capture_only: bool, now: Time) -> bool {
        if self.asked.is_some_and(|asked| now.since(asked) < PATIENCE) {
            return false;
        }
        self.asked = Some(now);
        let hosts = self.hosts().filter_map(|host| u16::try_from(host).ok()).collect();
        let interface = self.name.clone();
        self.errands.push(Request::OpenDevices { interface, hosts, looks, capture_only });
        true
    }

    /// Whether what a host sends to its peers from these addresses has its ways. Those that are missing the hands are asked
    /// for.
    pub(super) fn connects(&mut self, config: &VirtualHostConfig, sources: Sources, now: Time) -> bool {
        let needed = connected::needed(config, sources);
        let Some((source, peers)) = self.devices.as_ref().and_then(|devices| devices.unconnected(needed))
        else {
            return true;
        };
        if self.asked_to_connect.is_none_or(|asked| now.since(asked) >= PATIENCE) {
            self.asked_to_connect = Some(now);
            self.errands.push(Request::Connect { interface: self.name.clone(), source, peers });
        }
        false
    }

    /// The hands have opened ways to peers, or could not.
    pub(super) fn answered_about_ways(&mut self) {
        self.asked_to_connect = None;
    }

    /// What the hands are to be asked for now.
    pub(super) fn take_errands(&mut self) -> impl Iterator<Item = Request> + use<> {
        let survey = |interface: &str| Request::Survey { interface: interface.to_owned() };
        let names = [Some(self.name.as_str()), self.renamed.as_deref()];
        let wanted = std::mem::take(&mut self.surveyed.wanted);
        let surveys: Vec<_> = names.into_iter().flatten().filter(|_| wanted).map(survey).collect();
        std::mem::take(&mut self.errands).into_iter().chain(surveys)
    }

    /// Has the hands look at the interface; once more, if they may have done so before.
    pub(super) fn wants_survey(&mut self, now: Time) {
        if self.surveyed.asked.is_some_and(|asked| now.since(asked) < PATIENCE) {
            self.surveyed.again = true;
        } else {
            self.surveyed = Surveying { asked: Some(now), last: Some(now), wanted: true, again: false };
        }
    }

    /// Has them look for what nothing tells of.
    pub(super) fn wants_survey_at_times(&mut self, now: Time) {
        if self.surveyed.last.is_none_or(|last| now.since(last) >= AT_TIMES) {
            self.wants_survey(now);
        }
    }

    /// They have.
    pub(super) fn was_surveyed(&mut self, now: Time) {
        self.surveyed.asked = None;
        if std::mem::take(&mut self.surveyed.again) {
            self.wants_survey(now);
        }
    }

    /// The hands answered.
    pub(super) fn answered(&mut self) {
        self.asked = None;
    }

    /// The name under which hooks find the interface that has, or had, the addresses.
    pub(super) fn name_for_hooks(&self) -> &str {
        self.renamed.as_deref().unwrap_or(&self.name)
    }

    /// Whether the system took the frame. If not, what became of the interface is looked at next.
    pub(super) fn send(&mut self, frame: &[u8], now: Time) -> bool {
        let taken = self.devices.as_ref().is_some_and(|devices| devices.sockets().send(frame).is_ok());
        self.retry = if taken { self.retry } else { Some(now) };
        taken
    }

    /// Whether the system took any of the packets: one host out of reach is no fault of ours.
    pub(super) fn deliver(&mut self, unicast: &Unicast, now: Time) -> bool {
        let taken = self.devices.as_ref().is_some_and(|devices| devices.sockets().deliver(unicast));
        self.retry = if taken { self.retry } else { Some(now) };
        taken
    }

    /// The capture, unless it rests.
    pub(super) fn capture(&self, now: Time) -> Option<BorrowedFd<'_>> {
        self.devices.as_ref().filter(|_| !self.draining.rests(now))?.capture()
    }

    /// Whether ARP is heard as well.
    pub(super) fn looks_at_arp(&self) -> bool {
        self.devices.as_ref().is_some_and(Devices::looks_at_arp)
    }

    /// When it, or one of its virtual hosts, has something to do.
    pub(super) fn deadline(&self, now: Time) -> Option<Time> {
        let own =
            [self.draining.deadline(now), self.looks_around_until, self.retry, self.reopening.deadline()];
        own.into_iter().chain([self.strangers.deadline(), self.deadlines.first()]).flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::protocol::MacAddr;

    fn link(hosts: &[(u8, Destination)]) -> Link {
        let mut link = Link::new("eth0".into());
        for (number, (id, destination)) in hosts.iter().enumerate() {
            let place = link.hosts.partition_point(|(other, _, _)| other <= id);
            link.hosts.insert(place, (*id, destination.clone(), number));
        }
        link
    }

    fn frame(id: u8, to: [u8; 4]) -> Vec<u8> {
        let mut decoded = wire::sample();
        (decoded.header.vhid, decoded.destination) = (id, to.into());
        wire::encode(&decoded, MacAddr::BROADCAST, 1)
    }

    fn whose(link: &Link, frame: &[u8]) -> Option<usize> {
        link.whose(frame, &wire::decode(frame))
    }

    #[test]
    fn a_frame_is_whose_id_and_destination_it_has() {
        let group = Destination::default();
        let other = Destination { v4: Ipv4Addr::new(224, 0, 0, 77), ..Destination::default() };
        let peer = Destination { peers: vec![IpAddr::from([10, 0, 0, 9])], ..Destination::default() };
        let link =
            link(&[(9, group.clone()), (7, group), (7, other), (7, peer), (200, Destination::default())]);
        assert_eq!(whose(&link, &frame(7, [224, 0, 0, 18])), Some(1));
        assert_eq!(whose(&link, &frame(7, [224, 0, 0, 77])), Some(2));
        assert_eq!(whose(&link, &frame(7, [10, 0, 0, 1])), Some(3));
        assert_eq!(whose(&link, &frame(9, [224, 0, 0, 18])), Some(0));
        assert_eq!(whose(&link, &frame(200, [224, 0, 0, 18])), Some(4));
        assert_eq!(link.hosts().collect::<Vec<_>>(), [1, 2, 3, 0, 4]);
    }

    #[test]
    fn what_nobody_wants_is_refused_by_who_comes_closest() {
        let link = link(&[(9, Destination::default()), (7, Destination::default())]);
        assert_eq!(whose(&link, &frame(9, [224, 0, 0, 77])), Some(0), "the id");
        assert_eq!(whose(&link, &frame(8, [224, 0, 0, 18])), Some(1), "the first");
        assert_eq!(whose(&link, b"no frame at all"), Some(1));
        assert_eq!(whose(&Link::new("eth0".into()), &frame(8, [224, 0, 0, 18])), None);
        // A VRRP router's, too short for CARP.
        let mut vrrp = frame(9, [224, 0, 0, 18]);
        vrrp.truncate(14 + 20 + 8);
        vrrp[17] = 28;
        assert_eq!(whose(&link, &vrrp), Some(0));
    }

    fn at(ms: u64) -> Time {
        Time::new(Duration::from_millis(ms))
    }

    #[test]
    fn the_hands_are_asked_once_until_they_answer_or_seem_not_to() {
        let mut link = link(&[(9, Destination::default()), (7, Destination::default())]);
        let opening = |looks, capture_only| Request::OpenDevices {
            interface: "eth0".into(),
            hosts: vec![1, 0],
            looks,
            capture_only,
        };
        link.ask_for(Looks::Around, false, at(0));
        link.ask_for(Looks::Ahead, true, at(10));
        assert_eq!(link.take_errands().collect::<Vec<_>>(), [opening(Looks::Around, false)]);
        link.answered();
        link.ask_for(Looks::Ahead, true, at(20));
        assert_eq!(link.take_errands().collect::<Vec<_>>(), [opening(Looks::Ahead, true)]);
        link.ask_for(Looks::Ahead, true, at(5_019));
        assert_eq!(link.take_errands().count(), 0);
        link.ask_for(Looks::Ahead, true, at(5_020));
        assert_eq!(link.take_errands().count(), 1);
    }

    #[test]
    fn a_change_after_a_question_is_asked_for_once_more() {
        let mut link = link(&[(9, Destination::default())]);
        let survey = |name: &str| Request::Survey { interface: name.into() };
        link.wants_survey(at(0));
        assert_eq!(link.take_errands().collect::<Vec<_>>(), [survey("eth0")]);
        // However many changes there are meanwhile.
        (1..100).for_each(|ms| link.wants_survey(at(ms)));
        assert_eq!(link.take_errands().count(), 0);
        link.was_surveyed(at(100));
        link.renamed = Some("eth7".into());
        assert_eq!(link.take_errands().collect::<Vec<_>>(), [survey("eth0"), survey("eth7")]);
        link.was_surveyed(at(110));
        link.wants_survey_at_times(at(120));
        assert_eq!(link.take_errands().count(), 0);
        link.wants_survey_at_times(at(1_100));
        assert_eq!(link.take_errands().count(), 2);
    }
}
