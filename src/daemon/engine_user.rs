//! Who the engine becomes.

use crate::config::Account;
use crate::i18n::tr;
use crate::platform::{self, User};

/// Who it is where nobody was asked for, if this host has such a user.
const USUAL: &str = "_ucarp";

/// Who the engine is to become: who was asked for, the usual user, or else a number that is nobody's. Nobody without
/// root, which alone can become another.
pub(super) struct EngineUser {
    pub(super) becomes: Option<User>,
    /// The operator can do better.
    is_makeshift: bool,
}

impl EngineUser {
    /// Found out now. No directory of users is asked, and nothing keeps a daemon from starting.
    pub(super) fn find(asked: Option<&Account>) -> Self {
        let (us, _) = platform::user_and_group();
        Self::choose(asked, us == 0, || User::find(USUAL).ok(), User::unused)
    }

    fn choose(
        asked: Option<&Account>,
        is_root: bool,
        usual: impl FnOnce() -> Option<User>,
        unused: impl FnOnce() -> Option<User>,
    ) -> Self {
        let same = |Account { name, uid, gid }: &Account| User { name: name.clone(), uid: *uid, gid: *gid };
        let certain = |becomes| Self { becomes, is_makeshift: false };
        match asked {
            Some(account) => certain(Some(same(account))),
            None if !is_root => certain(None),
            None => match usual() {
                Some(user) => certain(Some(user)),
                None => Self { becomes: unused(), is_makeshift: true },
            },
        }
    }

    /// Who it will be, as the option takes it.
    pub(super) fn shown(&self) -> String {
        let account = match &self.becomes {
            Some(User { name, uid, gid }) => Account { name: name.clone(), uid: *uid, gid: *gid },
            None => {
                let (uid, gid) = platform::user_and_group();
                Account { name: None, uid, gid }
            }
        };
        account.to_string()
    }

    /// What the operator can do better, if anything.
    pub(super) fn advice(&self) -> Option<String> {
        self.is_makeshift.then(|| tr!("there is no user {name} in /etc/passwd, so the process that hears the network runs as {user}; add that user, or name another with --user", name = USUAL, user = self.shown()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, uid: u32) -> User {
        User { name: (!name.is_empty()).then(|| name.to_owned()), uid, gid: uid + 1 }
    }

    #[test]
    fn who_it_becomes_and_what_is_said_about_it() {
        let account = Account { name: Some("nobody".into()), uid: 65_534, gid: 65_535 };
        let (asked, usual, unused) = (user("nobody", 65_534), user(USUAL, 998), user("", 70_000));
        for (given, is_root, has_usual, has_unused, becomes, is_makeshift) in [
            (Some(&account), true, true, true, Some(&asked), false),
            // Whether it can is found out by trying.
            (Some(&account), false, true, true, Some(&asked), false),
            (None, true, true, true, Some(&usual), false),
            (None, true, false, true, Some(&unused), true),
            (None, true, false, false, None, true),
            (None, false, true, true, None, false),
            (None, false, false, true, None, false),
        ] {
            let usual = has_usual.then(|| usual.clone());
            let unused = has_unused.then(|| unused.clone());
            let found = EngineUser::choose(given, is_root, || usual, || unused);
            assert_eq!((found.becomes.as_ref(), found.is_makeshift), (becomes, is_makeshift));
            assert_eq!(found.advice().is_some(), is_makeshift);
        }
    }

    #[test]
    fn it_is_shown_as_the_option_takes_it() {
        let shown = |becomes| EngineUser { becomes, is_makeshift: true }.shown();
        assert_eq!(shown(Some(user(USUAL, 998))), "_ucarp");
        assert_eq!(shown(Some(user("", 70_000))), "70000:70001");
        let (uid, gid) = platform::user_and_group();
        assert_eq!(shown(None), format!("{uid}:{gid}"));
        let makeshift = EngineUser { becomes: Some(user("", 70_000)), is_makeshift: true };
        let advice = makeshift.advice().unwrap();
        assert!(advice.contains("_ucarp") && advice.contains("70000:70001") && advice.contains("--user"));
    }

    #[test]
    fn whoever_has_root_is_somebody_else_without_being_asked() {
        let found = EngineUser::find(None);
        let (us, _) = platform::user_and_group();
        assert_eq!(found.becomes.is_some(), us == 0);
        assert!(found.becomes.is_none_or(|user| user.uid != 0 && user.gid != 0));
    }
}
