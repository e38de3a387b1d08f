//! One word into one value: numbers, addresses, names, passwords, hooks.
//!
//! Shared by every front end, so that a number or an address means the same wherever it is written. Each
//! function takes the name of the option it speaks for, and answers with a value that needs no further
//! check or with the [`Error`] to show. Nothing here knows how words are spelled on the command line.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf, absolute};

use zeroize::Zeroizing;

use super::{
    Account, Caller, Error, Facility, NoAccount, Secret, VirtualAddress, Warning, script, shown, trust,
};
use crate::protocol::{Dialect, HookFailure, OnLostAddress, Replay};

/// A whole number in C's notation: decimal, `0x` hexadecimal or `0` octal, with a `+` and spaces before it
/// if need be (shell substitutions leave some); nothing may follow.
pub(super) fn number<T>(option: &'static str, word: &OsStr, min: T, max: T) -> Result<T, Error>
where
    T: TryFrom<u64> + Into<u64> + PartialOrd + Copy,
{
    word.to_str()
        .and_then(c_number)
        .and_then(|number| T::try_from(number).ok())
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| Error::Number { option, value: shown(word), min: min.into(), max: max.into() })
}

fn c_number(word: &str) -> Option<u64> {
    let word = word.trim_ascii_start();
    let word = word.strip_prefix('+').unwrap_or(word);
    let (digits, radix) = match word.as_bytes() {
        [b'0', b'x' | b'X', ..] => (word.get(2..)?, 16),
        [b'0', _, ..] => (word.get(1..)?, 8),
        _ => (word, 10),
    };
    // from_str_radix would take a sign of its own.
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    if plain { u64::from_str_radix(digits, radix).ok() } else { None }
}

/// The name of an interface, and the label by which it was named, if it was: Linux calls an address of eth0 eth0:1, and
/// no interface has a colon in its name. Both fit into IFNAMSIZ (16 with its NUL) on every system we know.
pub(super) fn interface(word: &OsStr) -> Result<(String, Option<String>), Error> {
    word.to_str()
        .filter(|name| (1..=15).contains(&name.len()))
        .filter(|name| !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/'))
        .and_then(|name| match name.split_once(':') {
            None => Some((name.to_owned(), None)),
            Some((interface, label)) if !interface.is_empty() && !label.is_empty() => {
                Some((interface.to_owned(), Some(name.to_owned())))
            }
            Some(_) => None,
        })
        .ok_or_else(|| Error::Interface { value: shown(word) })
}

/// The address of a host, in numbers. The interface may stand behind it, as ip(8) and ifconfig(8) print link-local ones.
pub(super) fn address(option: &'static str, word: &OsStr, interface: Option<&str>) -> Result<IpAddr, Error> {
    let value = || shown(word);
    let (text, zone) = match word.to_str().map(|word| word.split_once('%').ok_or(word)) {
        Some(Ok((text, zone))) => (text, Some(zone)),
        Some(Err(text)) => (text, None),
        None => return Err(Error::Address { option, value: value() }),
    };
    let Ok(address) = text.parse::<IpAddr>() else { return Err(Error::Address { option, value: value() }) };
    if zone.is_some() && (address.is_ipv4() || zone != interface) {
        return Err(Error::AddressZone { option, value: value() });
    }
    if matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
        return Err(Error::AddressMapped { option, value: value() });
    }
    if address.is_unspecified() {
        return Err(Error::AddressUnspecified { option, value: value() });
    }
    if address.is_loopback() {
        return Err(Error::AddressLoopback { option, value: value() });
    }
    if address.is_multicast() {
        return Err(Error::AddressMulticast { option, value: value() });
    }
    if address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(Error::AddressBroadcast { option, value: value() });
    }
    Ok(address)
}

/// The address to send from: one of a host, or 0.0.0.0 for a host that has none.
pub(super) fn source(option: &'static str, word: &OsStr, interface: Option<&str>) -> Result<IpAddr, Error> {
    if word == "0.0.0.0" { Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) } else { address(option, word, interface) }
}

/// The address of a host, with a prefix length if the operator gave one.
pub(super) fn virtual_address(
    option: &'static str,
    word: &OsStr,
    interface: Option<&str>,
) -> Result<VirtualAddress, Error> {
    let bytes = word.as_bytes();
    let Some(slash) = bytes.iter().position(|&byte| byte == b'/') else {
        return Ok(VirtualAddress { address: address(option, word, interface)?, prefix: None });
    };
    let (host, length) = bytes.split_at(slash);
    let address = address(option, OsStr::from_bytes(host), interface)?;
    let max = match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    };
    let prefix = std::str::from_utf8(length)
        .ok()
        .and_then(|length| length.strip_prefix('/'))
        .filter(|length| !length.is_empty() && length.bytes().all(|digit| digit.is_ascii_digit()))
        .and_then(|length| length.parse::<u8>().ok())
        .filter(|length| (1..=max).contains(length))
        .ok_or_else(|| Error::Prefix { option, value: shown(word), max })?;
    if is_edge(address, prefix) {
        return Err(Error::AddressOfNetwork { option, value: shown(word) });
    }
    Ok(VirtualAddress { address, prefix: Some(prefix) })
}

/// Whether an IPv4 address is the first or last of its network. IPv6 has no broadcast, and networks of one
/// or two addresses have no spare ones (RFC 3021).
fn is_edge(address: IpAddr, prefix: u8) -> bool {
    match address {
        IpAddr::V4(v4) if prefix <= 30 => {
            let host_bits = u32::MAX >> prefix;
            [0, host_bits].contains(&(v4.to_bits() & host_bits))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => false,
    }
}

/// An IPv4 multicast group.
pub(super) fn group(option: &'static str, word: &OsStr) -> Result<Ipv4Addr, Error> {
    word.to_str()
        .and_then(|word| word.parse::<Ipv4Addr>().ok())
        .filter(Ipv4Addr::is_multicast)
        .ok_or_else(|| Error::Group { option, value: shown(word) })
}

/// A syslog facility, or `None` for the word `none`. Upper and lower case are the same.
pub(super) fn facility(option: &'static str, word: &OsStr) -> Result<Option<Facility>, Error> {
    if word.is_empty() {
        return Err(Error::Empty { option });
    }
    let name = word.to_str().unwrap_or_default().to_ascii_lowercase();
    Ok(Some(match name.as_str() {
        "none" => return Ok(None),
        "auth" | "security" => Facility::Auth,
        "authpriv" => Facility::Authpriv,
        "cron" => Facility::Cron,
        "daemon" => Facility::Daemon,
        "ftp" => Facility::Ftp,
        "kern" => Facility::Kern,
        "lpr" => Facility::Lpr,
        "mail" => Facility::Mail,
        "news" => Facility::News,
        "syslog" => Facility::Syslog,
        "user" => Facility::User,
        "uucp" => Facility::Uucp,
        "local0" => Facility::Local0,
        "local1" => Facility::Local1,
        "local2" => Facility::Local2,
        "local3" => Facility::Local3,
        "local4" => Facility::Local4,
        "local5" => Facility::Local5,
        "local6" => Facility::Local6,
        "local7" => Facility::Local7,
        _ => return Err(Error::Facility { option, value: shown(word) }),
    }))
}

/// What a failed up hook means.
pub(super) fn hook_failure(option: &'static str, word: &OsStr) -> Result<HookFailure, Error> {
    match word.as_bytes() {
        b"stay" => Ok(HookFailure::Stay),
        b"demote" => Ok(HookFailure::Demote),
        _ => Err(Error::HookFailure { option, value: shown(word) }),
    }
}

/// What is done about a shared address that a master lost.
pub(super) fn on_lost_address(option: &'static str, word: &OsStr) -> Result<OnLostAddress, Error> {
    match word.as_bytes() {
        b"hook" => Ok(OnLostAddress::Hook),
        b"warn" => Ok(OnLostAddress::Warn),
        _ => Err(Error::OnLostAddress { option, value: shown(word) }),
    }
}

/// What kind of peers there are.
pub(super) fn dialect(option: &'static str, word: &OsStr) -> Result<Dialect, Error> {
    Dialect::ALL
        .into_iter()
        .find(|dialect| dialect.code().as_bytes() == word.as_bytes())
        .ok_or_else(|| Error::PeerType { option, value: shown(word) })
}

/// What is thought of recordings.
pub(super) fn replay(option: &'static str, word: &OsStr) -> Result<Replay, Error> {
    match word.as_bytes() {
        b"warn" => Ok(Replay::Warn),
        b"refuse" => Ok(Replay::Refuse),
        b"off" => Ok(Replay::Off),
        _ => Err(Error::Replay { option, value: shown(word) }),
    }
}

/// A script, made absolute because the daemon will change directory, that `caller` can run.
pub(super) fn hook(
    option: &'static str,
    word: &OsStr,
    caller: &Caller,
    warnings: &mut Vec<Warning>,
) -> Result<PathBuf, Error> {
    if word.is_empty() {
        return Err(Error::Empty { option });
    }
    let script = absolute(word).map_err(|source| Error::HookMissing { option, path: shown(word), source })?;
    script::examine(option, &script, caller)?;
    if let Some(place) = trust::changeable(&script, caller) {
        warnings.push(Warning::ChangeableHook { option, place: shown(place.as_os_str()) });
    }
    Ok(script)
}

/// The name of a file that need not exist yet, made absolute because the daemon will change directory.
pub(super) fn file(option: &'static str, word: &OsStr) -> Result<PathBuf, Error> {
    absolute(word)
        .ok()
        .filter(|path| path.file_name().is_some() && !word.as_bytes().ends_with(b"/"))
        .filter(|path| !path.as_os_str().as_bytes().contains(&0))
        .ok_or_else(|| Error::Pidfile { option, path: shown(word) })
}

/// A folder that is there, made absolute for the same reason. Whether anything can be made in it is not asked here.
pub(super) fn folder(option: &'static str, word: &OsStr) -> Result<PathBuf, Error> {
    absolute(word)
        .ok()
        .filter(|path| path.is_dir())
        .ok_or_else(|| Error::NotAFolder { option, path: shown(word) })
}

/// A user of this host that is not root.
pub(super) fn account(option: &'static str, word: &OsStr, caller: &Caller) -> Result<Account, Error> {
    if word.is_empty() {
        return Err(Error::Empty { option });
    }
    let value = || shown(word);
    let found = word.to_str().map_or(Err(NoAccount::Unknown), caller.find_account);
    found.map_err(|why| match why {
        // A number alone may be a name, but hardly was meant as one.
        NoAccount::Unknown if word.as_bytes().iter().all(u8::is_ascii_digit) => {
            Error::UserMalformed { option, value: value() }
        }
        NoAccount::Unknown => Error::UserUnknown { option, value: value() },
        NoAccount::Malformed => Error::UserMalformed { option, value: value() },
        NoAccount::Superuser => Error::UserIsRoot { option, value: value() },
        NoAccount::Unreadable(source) => Error::UsersUnreadable { option, source },
    })
}

/// A password.
pub(super) fn password(option: &'static str, bytes: &[u8]) -> Result<Secret, Error> {
    if bytes.is_empty() {
        return Err(Error::PasswordEmpty { option });
    }
    if bytes.len() > Secret::LONGEST {
        return Err(Error::PasswordTooLong { option });
    }
    if bytes.contains(&0) {
        return Err(Error::PasswordWithNul { option });
    }
    Ok(Secret(Zeroizing::new(bytes.to_vec())))
}

/// The password in the first line of a file; a carriage return before the line's end does not belong to it.
pub(super) fn passfile(
    option: &'static str,
    word: &OsStr,
    caller: &Caller,
    warnings: &mut Vec<Warning>,
) -> Result<Secret, Error> {
    if word.is_empty() {
        return Err(Error::Empty { option });
    }
    let unreadable = |source| Error::PassfileUnreadable { path: shown(word), source };
    // Opening a pipe waits for somebody to write. One that the caller made for us has its writer.
    let ours = ["/dev/", "/proc/"].iter().any(|folder| word.as_bytes().starts_with(folder.as_bytes()));
    if !ours && fs::metadata(word).is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        return Err(Error::PassfileIsPipe { path: shown(word) });
    }
    let file = File::open(Path::new(word)).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let secret = secret_in(option, word, file)?;
    if metadata.is_file() && metadata.mode() & 0o004 != 0 {
        warnings.push(Warning::ReadablePassfile { path: shown(word) });
    }
    let path = absolute(word).map_err(unreadable)?;
    if let Some(place) = trust::changeable(&path, caller).filter(|_| metadata.is_file()) {
        warnings.push(Warning::ChangeablePassfile { place: shown(place.as_os_str()) });
    }
    Ok(secret)
}

/// The password in the first line of what is read from a file.
fn secret_in(option: &'static str, word: &OsStr, mut file: impl Read) -> Result<Secret, Error> {
    // Longer than any password with its line end, so a line that does not end in it is too long.
    let mut start = Zeroizing::new([0; 64]);
    let mut filled = 0;
    // Not read_to_end: the writer of a pipe may keep it open after the line.
    while let Some(free) = start.get_mut(filled..).filter(|free| !free.is_empty()) {
        match file.read(free).map_err(|source| Error::PassfileUnreadable { path: shown(word), source })? {
            0 => break,
            count => filled += count,
        }
        if start.contains(&b'\n') {
            break;
        }
    }
    let read = start.get(..filled).unwrap_or_default();
    let line = read.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(Error::PassfileEmpty { path: shown(word) });
    }
    password(option, line)
}

/// The door for the fuzz target in tests/fuzz: a passfile without the file.
///
/// # Errors
/// As of `--passfile`.
#[cfg(fuzzing)]
pub fn passfile_bytes(file: impl Read) -> Result<Secret, Error> {
    secret_in("--passfile", OsStr::new("file"), file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(word: &str) -> Option<u8> {
        number::<u8>("--n", OsStr::new(word), 1, 255).ok()
    }

    #[test]
    fn numbers_are_written_as_in_c() {
        for (word, value) in [("1", 1), ("255", 255), ("0x10", 16), ("0XfF", 255), ("010", 8), (" +7", 7)] {
            assert_eq!(parsed(word), Some(value), "{word:?}");
        }
    }

    #[test]
    fn numbers_end_where_the_word_ends() {
        for word in [
            "",
            " ",
            "+",
            "-1",
            "0",
            "256",
            "1x",
            "1 ",
            "08",
            "0x",
            "0x1g",
            "0x+1",
            "0+1",
            "++1",
            "1e2",
            "18446744073709551617",
            "١",
        ] {
            assert_eq!(parsed(word), None, "{word:?}");
        }
    }

    #[test]
    fn prefix_lengths() {
        let parse = |word: &str| virtual_address("--addr", OsStr::new(word), None).map(|a| a.prefix);
        assert_eq!(parse("10.0.0.9").unwrap(), None);
        assert_eq!(parse("10.0.0.9/24").unwrap(), Some(24));
        assert_eq!(parse("10.0.0.8/31").unwrap(), Some(31));
        assert_eq!(parse("2001:db8::/128").unwrap(), Some(128));
        for word in ["10.0.0.9/", "10.0.0.9/0", "10.0.0.9/33", "10.0.0.9/+24", "10.0.0.9/24/", "fe80::1/129"]
        {
            assert!(matches!(parse(word), Err(Error::Prefix { .. })), "{word}");
        }
        for word in ["10.0.0.255/24", "10.0.0.0/24", "10.255.255.255/8"] {
            assert!(matches!(parse(word), Err(Error::AddressOfNetwork { .. })), "{word}");
        }
    }

    #[test]
    fn names_of_files_become_absolute() {
        let file = |word: &str| file("--pidfile", OsStr::new(word));
        assert_eq!(file("/run/ucarp.pid").unwrap(), Path::new("/run/ucarp.pid"));
        assert!(file("ucarp.pid").unwrap().is_absolute());
        for word in ["", "/", "/run/", "/run/..", ".."] {
            assert!(matches!(file(word), Err(Error::Pidfile { .. })), "{word:?}");
        }
        let folder = |word: &str| folder("--lockdir", OsStr::new(word));
        assert_eq!(folder("/").unwrap(), Path::new("/"));
        assert!(folder(".").unwrap().is_absolute());
        for word in ["", "/nonexistent/folder", "/dev/null", "a\0b"] {
            assert!(matches!(folder(word), Err(Error::NotAFolder { .. })), "{word:?}");
        }
    }
}
