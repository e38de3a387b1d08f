//! How things stand, in one line for whoever looks at the whole process.

use super::About;
use crate::daemon::request::Others;
use crate::i18n::tr;
use crate::protocol::Role;

/// How many virtual hosts are named one by one.
pub(crate) const MOST_NAMED: usize = 3;

/// One of them: its role, and whom it knows of.
pub(crate) type Stand<'a> = (About<'a>, Role, Option<Others>);

/// The line about all of them, of whose masters so many know of no standby that is ready.
pub(crate) fn summary(hosts: &[Stand<'_>], alone: u16) -> String {
    if hosts.len() <= MOST_NAMED {
        return hosts.iter().map(one).collect::<Vec<_>>().join("; ");
    }
    let count = |role| hosts.iter().filter(|(_, known, _)| *known == role).count();
    let [masters, backups, waiting] = [Role::Master, Role::Backup, Role::Init].map(count);
    if alone == 0 {
        tr!(
            "MASTER: {masters}, BACKUP: {backups}, waiting for their interface: {waiting}",
            masters,
            backups,
            waiting
        )
    } else {
        tr!(
            "MASTER: {masters}, without a ready standby: {alone}, BACKUP: {backups}, waiting for their interface: {waiting}",
            masters,
            alone,
            backups,
            waiting
        )
    }
}

fn one((about, role, others): &Stand<'_>) -> String {
    let vip = about.name.map_or_else(
        || tr!("id {vhid} on {interface}", vhid = about.vhid, interface = about.interface),
        str::to_owned,
    );
    match (role, others) {
        (Role::Init, _) => {
            tr!("{vip}: waiting for {interface}", vip, interface = about.interface)
        }
        (Role::Backup, Some(Others::Master(peer))) => {
            tr!("{vip}: BACKUP, the MASTER is {peer}", vip, peer)
        }
        (Role::Master, Some(Others::Standby { address, ready })) => {
            if *ready {
                tr!("{vip}: MASTER, standby {peer} is ready", vip, peer = address)
            } else {
                tr!("{vip}: MASTER, standby {peer} is not ready", vip, peer = address)
            }
        }
        (Role::Master, Some(Others::Standbys { count, ready })) => {
            tr!("{vip}: MASTER, standbys: {count}, ready: {ready}", vip, count, ready)
        }
        (Role::Master, None | Some(Others::Master(_))) => {
            tr!("{vip}: MASTER, no standby known", vip)
        }
        (Role::Backup, None | Some(Others::Standby { .. } | Others::Standbys { .. })) => {
            format!("{vip}: {}", role.code())
        }
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
        let address = "10.0.0.2".parse().unwrap();
        let peer = Some(Others::Master(address));
        for (others, expected) in [
            (None, "web: MASTER, no standby known"),
            (Some(Others::Standby { address, ready: true }), "web: MASTER, standby 10.0.0.2 is ready"),
            (Some(Others::Standby { address, ready: false }), "web: MASTER, standby 10.0.0.2 is not ready"),
            (Some(Others::Standbys { count: 3, ready: 2 }), "web: MASTER, standbys: 3, ready: 2"),
        ] {
            assert_eq!(summary(&[(named, Role::Master, others)], 1), expected);
        }
        assert_eq!(summary(&[(about(7), Role::Init, None)], 0), "id 7 on eth0: waiting for eth0");
        let three =
            [(named, Role::Backup, peer), (about(2), Role::Backup, None), (about(3), Role::Init, None)];
        assert_eq!(
            summary(&three, 0),
            "web: BACKUP, the MASTER is 10.0.0.2; id 2 on eth0: BACKUP; id 3 on eth0: waiting for eth0"
        );
        let four = [three.as_slice(), &[(named, Role::Master, None)]].concat();
        assert_eq!(summary(&four, 0), "MASTER: 1, BACKUP: 2, waiting for their interface: 1");
        let alone = "MASTER: 1, without a ready standby: 1, BACKUP: 2, waiting for their interface: 1";
        assert_eq!(summary(&four, 1), alone);
        assert_eq!(summary(&[], 0), "");
    }
}
