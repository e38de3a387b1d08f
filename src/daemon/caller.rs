//! Who we are to the system's eyes, which configurations are read with, and what others see of what we were told.

use crate::config::cli::Exposed;
use crate::config::{Account, Caller, NoAccount};
use crate::platform::{self, NoUser, User};

/// Who is asking, and what they may do: to read a configuration with.
#[must_use]
pub fn caller() -> Caller {
    let (user, group) = platform::user_and_group();
    Caller { user, group, may_execute: platform::may_execute, find_account }
}

fn find_account(words: &str) -> Result<Account, NoAccount> {
    match User::find(words) {
        Ok(User { name, uid, gid }) => Ok(Account { name, uid, gid }),
        Err(NoUser::Unknown) => Err(NoAccount::Unknown),
        Err(NoUser::Malformed) => Err(NoAccount::Malformed),
        Err(NoUser::Superuser) => Err(NoAccount::Superuser),
        Err(NoUser::Unreadable(error)) => Err(NoAccount::Unreadable(error)),
    }
}

/// Covers a password where others see it. What cannot be covered stays in sight, as the manual says.
pub fn cover(exposed: &[Exposed]) {
    exposed.iter().for_each(|place| _ = platform::blank_argument(place.word + 1, place.from));
}
