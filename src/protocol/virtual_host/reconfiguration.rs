//! Other parameters for a virtual host that goes on: what does not change is not touched, and the role stays.

use super::super::election::{Fact, Tuning};
use super::super::{Action, Authenticator, Parameters, Time};
use super::VirtualHost;

impl VirtualHost {
    /// Takes up other parameters in whatever role. Where frames come from is left as it is ([`VirtualHost::relocate`]), and so
    /// is the id, with another of which it would be another virtual host. The same parameters again are nothing at all.
    ///
    /// A master whose interval changed advertises at once; what others make of that is theirs. The scripts that brought the
    /// role in take it out ([`VirtualHost::scripts`]). Who ends is not told any more.
    pub fn reconfigure(&mut self, parameters: Parameters, now: Time) -> Vec<Action> {
        let mut out = Vec::new();
        let Parameters { vhid, sources, mac, .. } = self.parameters;
        let parameters = Parameters { vhid, sources, mac, ..parameters };
        if parameters == self.parameters || self.leaving {
            return out;
        }
        let before = std::mem::replace(&mut self.parameters, parameters);
        let Parameters { key, addresses, dialect, hooks, announcing, replay, .. } = &self.parameters;
        self.authenticator = Authenticator::new(key, vhid, addresses).speaking(*dialect);
        self.takeover.reconfigure(*hooks);
        self.watch.reconfigure(*hooks);
        self.announcer.reconfigure(*announcing, now);
        self.freshness.reconfigure(*replay);
        if before.addresses != *addresses {
            self.election.share(addresses);
            self.watch.renew();
            self.announcer.moved(now);
        }
        self.elect(Fact::Tuned(Tuning::of(&self.parameters)), now, &mut out);
        out
    }
}
