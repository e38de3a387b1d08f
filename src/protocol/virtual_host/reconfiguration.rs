//! Other parameters for a virtual host that goes on: what does not change is not touched, and the role stays.

use super::super::election::{Fact, Tuning};
use super::super::{Action, Family, Former, Notice, Parameters, Reason, Role, Time};
use super::VirtualHost;

impl VirtualHost {
    /// Takes up other parameters in whatever role. Where frames come from is left as it is ([`VirtualHost::relocate`]), and so
    /// is the id, with another of which it would be another virtual host. The same parameters again are nothing at all.
    ///
    /// A master whose interval changed advertises at once; what others make of that is theirs. The scripts that brought the
    /// role in take it out ([`VirtualHost::scripts`]). Another key, list or dialect is sent later and accepted at once, and
    /// the former for a while longer; the way back is the same way. Who ends is not told any more.
    pub fn reconfigure(&mut self, parameters: Parameters, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        let Parameters { vhid, sources, mac, .. } = self.parameters;
        let parameters = Parameters { vhid, sources, mac, ..parameters };
        if parameters == self.parameters || self.leaving {
            return out;
        }
        let before = std::mem::replace(&mut self.parameters, parameters);
        let Parameters { addresses, hooks, announcing, replay, .. } = &self.parameters;
        self.keeping.reconfigure(*hooks, now);
        self.takeover.reconfigure(*hooks);
        self.watch.reconfigure(*hooks);
        self.announcer.reconfigure(*announcing, now);
        self.freshness.reconfigure(*replay);
        if before.addresses != *addresses {
            self.watch.renew();
            self.keeping.renew(now);
            // Those that are managed are not there yet.
            if !hooks.manages {
                self.announcer.moved(now);
                // A script brings those that are new.
                if hooks.up && self.takeover.did_up() {
                    self.takeover.again(now);
                }
            }
        }
        if before.hooks.manages && !hooks.manages && self.election.role() == Role::Master {
            out.push(Action::Tell(Notice::AddressesLeft));
        }
        let dead_after = self.parameters.interval.dead_after(self.parameters.dead_ratio);
        let notice = self.forms.reconfigure(&self.parameters, dead_after, now);
        self.election.share(&self.forms.addresses());
        let tuning = Tuning::of(&self.parameters, self.forms.dual_stack());
        self.elect(Fact::Tuned(tuning), now, &mut out);
        self.settle(now, &mut out);
        out.extend(notice.map(Action::Tell));
        out
    }

    /// Whether these parameters can be taken up: more than four forms (keys, lists, dialects) at a time are not accepted, and
    /// former ones count for as long as they are.
    #[must_use]
    pub fn would_accept(&self, parameters: &Parameters) -> bool {
        self.forms.would_accept(parameters)
    }

    /// The forms that are in use besides what is configured, that one with them: to be kept, wherever secrets may be, and
    /// given to [`VirtualHost::recall`] in the next life. Nothing, most of the time.
    #[must_use]
    pub fn pending(&self) -> Vec<Former> {
        self.forms.former()
    }

    /// Goes on with what an earlier life had not settled; before [`Event::Start`](super::super::Event::Start).
    pub fn recall(&mut self, former: Vec<Former>, now: Time) {
        self.forms.recall(former, now);
        self.election.speak_both(self.forms.dual_stack());
        self.election.share(&self.forms.addresses());
    }

    /// Ends, as a daemon or one virtual host of it does.
    pub(super) fn depart(&mut self, withdraw: bool, reason: Reason, now: Time, out: &mut Vec<Action>) {
        self.leaving = true;
        if withdraw {
            self.keeping.hurry(now);
            self.takeover.hurry(now);
        } else {
            self.keeping.close();
            self.takeover.close();
        }
        self.elect(Fact::Leave { withdraw, reason }, now, out);
    }

    /// The families in which is spoken and listened, former forms included: what a place is needed for.
    pub fn families(&self) -> impl Iterator<Item = Family> + '_ {
        let addresses = self.forms.addresses();
        let of = move |family: &Family| addresses.iter().any(|address| Family::of(*address) == *family);
        [Family::V4, Family::V6].into_iter().filter(of)
    }

    /// Lets the election know which addresses are in use, if forms changed, which these notices say.
    pub(super) fn form_changed(&mut self, notices: impl IntoIterator<Item = Notice>, out: &mut Vec<Action>) {
        let told = out.len();
        out.extend(notices.into_iter().map(Action::Tell));
        if out.len() > told {
            self.election.speak_both(self.forms.dual_stack());
            self.election.share(&self.forms.addresses());
        }
    }
}
