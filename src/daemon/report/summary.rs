//! How things stand, in one line for whoever looks at the whole process.

use std::net::IpAddr;

use super::About;
use crate::i18n::{fill, tr};
use crate::protocol::Role;

/// How many virtual hosts are named one by one.
pub(crate) const MOST_NAMED: usize = 3;

/// One of them: its role, and the master that it follows.
pub(crate) type Stand<'a> = (About<'a>, Role, Option<IpAddr>);

/// The line about all of them.
pub(crate) fn summary(hosts: &[Stand<'_>]) -> String {
    if hosts.len() <= MOST_NAMED {
        return hosts.iter().map(one).collect::<Vec<_>>().join("; ");
    }
    let count = |role| hosts.iter().filter(|(_, known, _)| *known == role).count();
    let template = tr("MASTER: {masters}, BACKUP: {backups}, waiting for their interface: {waiting}");
    let [masters, backups, waiting] = [Role::Master, Role::Backup, Role::Init].map(count);
    fill(&template, &[("masters", &masters), ("backups", &backups), ("waiting", &waiting)])
}

fn one((about, role, followed): &Stand<'_>) -> String {
    let vip = about.name.map_or_else(
        || {
            let template = tr("id {vhid} on {interface}");
            fill(&template, &[("vhid", &about.vhid), ("interface", &about.interface)])
        },
        str::to_owned,
    );
    match (role, followed) {
        (Role::Init, _) => {
            let template = tr("{vip}: waiting for {interface}");
            fill(&template, &[("vip", &vip), ("interface", &about.interface)])
        }
        (Role::Backup, Some(peer)) => {
            fill(&tr("{vip}: BACKUP, the MASTER is {peer}"), &[("vip", &vip), ("peer", peer)])
        }
        (Role::Backup, None) | (Role::Master, _) => format!("{vip}: {}", role.code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Vhid;

    #[test]
    fn few_are_named_and_many_are_counted() {
        let about = |vhid| About::new("eth0", Vhid::new(vhid).unwrap());
        let named = About { name: Some("web"), ..about(1) };
        let peer = "10.0.0.2".parse().ok();
        assert_eq!(summary(&[(named, Role::Master, None)]), "web: MASTER");
        assert_eq!(summary(&[(about(7), Role::Init, None)]), "id 7 on eth0: waiting for eth0");
        let three =
            [(named, Role::Backup, peer), (about(2), Role::Backup, None), (about(3), Role::Init, None)];
        assert_eq!(
            summary(&three),
            "web: BACKUP, the MASTER is 10.0.0.2; id 2 on eth0: BACKUP; id 3 on eth0: waiting for eth0"
        );
        let four = [three.as_slice(), &[(named, Role::Master, None)]].concat();
        assert_eq!(summary(&four), "MASTER: 1, BACKUP: 2, waiting for their interface: 1");
        assert_eq!(summary(&[]), "");
    }
}
