//! Who a process becomes when it gives up its rights: a user of this host, or two numbers.
//!
//! Only the local files are read, and read here: what the C library asks may be a directory service, which answers when
//! it likes. What they hold is not trusted: a line that is no user's is passed over.
//!
//! Must not know which user that should be.

use std::fs::File;
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::path::Path;

use nix::errno::Errno;

const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";
/// A file that is longer is not read: 200,000 users have room.
const LONGEST: u64 = 16 << 20;
/// Numbers that nobody gives away by himself. Users, and what packages make, stay below 65,536 everywhere; systemd's own
/// ranges end at 65,535 and begin again at 524,288; the numbers for containers begin at 100,000 (useradd(8)), those
/// computed for the users of directories at 200,000 (sssd-ldap(5)).
const UNASSIGNED: RangeInclusive<u32> = 70_000..=70_999;
/// To setresuid(2) and its like this number means "as it is".
const NO_CHANGE: u32 = u32::MAX;

/// Who a process can be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// What the local file calls it; nothing for numbers that were given or chosen.
    pub name: Option<String>,
    /// Its number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
}

/// Why there is no such [`User`].
#[derive(Debug)]
pub enum NoUser {
    /// The local file has nobody of this name.
    Unknown,
    /// There is a colon, but not between two numbers.
    Malformed,
    /// That would be the superuser, or its group.
    Superuser,
    /// The local file cannot be read, or it is too long (EFBIG).
    Unreadable(io::Error),
}

impl User {
    /// The user of this name in the local file, or, with a colon, of these numbers: `uid:gid`.
    ///
    /// # Errors
    /// See [`NoUser`].
    pub fn find(words: &str) -> Result<Self, NoUser> {
        let user = match words.split_once(':') {
            Some((uid, gid)) => {
                let number = |word: &str| number(word.as_bytes()).ok_or(NoUser::Malformed);
                Self { name: None, uid: number(uid)?, gid: number(gid)? }
            }
            None => {
                let file = read(Path::new(USERS)).map_err(NoUser::Unreadable)?;
                let (uid, gid) = numbers_of(words, &file).ok_or(NoUser::Unknown)?;
                Self { name: Some(words.to_owned()), uid, gid }
            }
        };
        if user.uid == 0 || user.gid == 0 { Err(NoUser::Superuser) } else { Ok(user) }
    }

    /// One number, for user and group, that is nobody's: neither local file knows it, and it is where nobody takes numbers
    /// from. Always the same as long as that is so. A file that is missing or cannot be read knows none.
    #[must_use]
    pub fn unused() -> Option<Self> {
        let [users, groups] = [USERS, GROUPS].map(|file| read(Path::new(file)).unwrap_or_default());
        unused(&users, &groups).map(|number| Self { name: None, uid: number, gid: number })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)? as u64 > LONGEST {
        return Err(Errno::EFBIG.into());
    }
    Ok(bytes)
}

/// The lines of such a file, without the comments of macOS and those that ask a directory (passwd(5) of NIS).
fn rows(file: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    file.split(|byte| *byte == b'\n')
        .filter(|line| !matches!(line.first(), None | Some(b'#' | b'+' | b'-')))
        .map(|line| line.splitn(5, |byte| *byte == b':').collect())
}

/// User and group of the first line with this name, as the C libraries take it; a line of it that makes no sense is
/// followed by nobody.
fn numbers_of(name: &str, users: &[u8]) -> Option<(u32, u32)> {
    let row = rows(users).find(|row| !name.is_empty() && row.first().copied() == Some(name.as_bytes()))?;
    Some((number(row.get(2)?)?, number(row.get(3)?)?))
}

fn unused(users: &[u8], groups: &[u8]) -> Option<u32> {
    // In both files the third column is the number; a user's group need not have a line.
    let columns = |file, columns: &[usize]| -> Vec<u32> {
        let numbers_in =
            |row: Vec<&[u8]>| columns.iter().filter_map(|at| number(row.get(*at)?)).collect::<Vec<_>>();
        rows(file).flat_map(numbers_in).filter(|number| UNASSIGNED.contains(number)).collect()
    };
    let taken = [columns(users, &[2, 3]), columns(groups, &[2])].concat();
    let mut numbers = UNASSIGNED;
    numbers.find(|number| !taken.contains(number))
}

/// Decimal digits and nothing else.
fn number(word: &[u8]) -> Option<u32> {
    let digits =
        std::str::from_utf8(word).ok().filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|number| *number != NO_CHANGE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\
        # a comment:*:5:5\n\
        +_ucarp:x:5:5:::\n\
        -_ucarp\n\
        +::::::\n\
        _ucarps:x:1:1:::\n\
        _ucarp:x:105:112:\xff\xfe not text:/nonexistent:/usr/sbin/nologin\n\
        _ucarp:x:5:5:a second one:/:/bin/sh\n\
        short:x:5\n\
        signed:x:+5:5:::\n\
        large:x:4294967296:5:::\n\
        no-change:x:4294967295:5:::\n\
        spaced:x: 5:5:::\n\
        empty:x::5:::\n\
        :x:6:6:::\n\
        70000:x:7:7:::\n\
        \n\
        last:x:8:9";

    #[test]
    fn names_are_looked_up() {
        for (name, found) in [
            ("_ucarp", Some((105, 112))),
            ("last", Some((8, 9))),
            ("root", Some((0, 0))),
            ("70000", Some((7, 7))),
        ] {
            assert_eq!(numbers_of(name, FILE), found, "{name}");
        }
        for name in [
            "",
            "_UCARP",
            "_ucar",
            "short",
            "signed",
            "large",
            "no-change",
            "spaced",
            "empty",
            "+_ucarp",
            "+",
            "# a comment",
            "x",
            "105",
            "_ucarp\n",
        ] {
            assert_eq!(numbers_of(name, FILE), None, "{name:?}");
        }
        assert_eq!(numbers_of("a", b""), None);
    }

    #[test]
    fn words_are_users_or_say_why_not() {
        let is = |words: &str, uid: u32, gid: u32| {
            let found = User::find(words).unwrap();
            assert_eq!(found, User { name: None, uid, gid });
        };
        is("105:112", 105, 112);
        is("4294967294:1", u32::MAX - 1, 1);
        for malformed in
            ["1:", ":1", ":", "1:2:3", "-1:5", "+1:5", "1:a", "4294967295:5", "5:4294967295", "1: 2"]
        {
            assert!(matches!(User::find(malformed), Err(NoUser::Malformed)), "{malformed}");
        }
        for superuser in ["0:5", "5:0", "0:0", "root"] {
            assert!(matches!(User::find(superuser), Err(NoUser::Superuser)), "{superuser}");
        }
        for unknown in ["", "no such user", "ucarp-nobody-has-this-name"] {
            assert!(matches!(User::find(unknown), Err(NoUser::Unknown)), "{unknown}");
        }
    }

    #[test]
    fn a_number_that_is_nobodys() {
        assert_eq!(unused(b"", b""), Some(70_000));
        assert_eq!(unused(FILE, FILE), Some(70_000));
        assert_eq!(unused(b"a:x:70000:5:::\nb:x:5:70001:::\n", b"c:x:70002:\nd:x:70004:\n"), Some(70_003));
        let full: String = UNASSIGNED.map(|number| format!("u{number}:x:{number}:1:::\n")).collect();
        assert_eq!(unused(full.as_bytes(), b""), None);
        let found = User::unused().unwrap();
        assert!(UNASSIGNED.contains(&found.uid) && found.uid == found.gid && found.name.is_none());
    }

    #[test]
    fn a_file_without_end_is_not_read() {
        let error = read(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EFBIG));
        assert_eq!(read(Path::new("/nonexistent")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    proptest! {
        #[test]
        fn nothing_in_a_file_is_taken_for_more_than_it_is(
            users in proptest::collection::vec(prop_oneof![Just(b':'), Just(b'\n'), Just(b'a'), Just(b'7'), any::<u8>()], 0..200),
            name in "[a:7]{0,3}",
        ) {
            if let Some((uid, gid)) = numbers_of(&name, &users) {
                let start = format!("{name}:");
                let is_so = |line: &[u8]| {
                    line.starts_with(start.as_bytes()) && line.windows(1).filter(|byte| byte == b":").count() >= 3
                };
                prop_assert!(users.split(|byte| *byte == b'\n').any(is_so));
                prop_assert!(uid != NO_CHANGE && gid != NO_CHANGE);
            }
            prop_assert!(unused(&users, &users).is_some());
        }
    }
}
