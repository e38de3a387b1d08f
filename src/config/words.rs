//! One word into one value: numbers, addresses, names, passwords, hooks.
//!
//! Shared by every front end, so that a number or an address means the same wherever it is written. Each
//! function takes the name of the option it speaks for, and answers with a value that needs no further
//! check or with the [`Error`] to show. Nothing here knows how words are spelled on the command line.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{self, Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::{
    Account, Caller, ControlPlace, Error, Facility, FileError, LogFormat, NoAccount, Secret, VirtualAddress,
    Warning, script, shown, trust,
};
use crate::i18n::is_language;
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

/// A number in that notation.
pub(super) fn c_number(word: &str) -> Option<u64> {
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
    match name.as_str() {
        "none" => Ok(None),
        "security" => Ok(Some(Facility::Auth)),
        name => Facility::ALL
            .into_iter()
            .find(|facility| facility.name() == name)
            .map(Some)
            .ok_or_else(|| Error::Facility { option, value: shown(word) }),
    }
}

/// What a line looks like.
pub(super) fn log_format(option: &'static str, word: &OsStr) -> Result<LogFormat, Error> {
    LogFormat::ALL
        .into_iter()
        .find(|format| format.name().as_bytes() == word.as_bytes())
        .ok_or_else(|| Error::LogFormat { option, value: shown(word) })
}

/// A language, or several with colons between them.
pub(super) fn language(option: &'static str, word: &OsStr) -> Result<String, Error> {
    let known = word.to_str().filter(|word| is_language(word));
    known.map(str::to_owned).ok_or_else(|| Error::Language { option, value: shown(word) })
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

/// What the operator calls something.
pub(super) fn name(word: &OsStr) -> Result<String, Error> {
    const LONGEST: usize = 32;
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = |name: &&str| {
        name.len() <= LONGEST
            && name.bytes().next().is_some_and(letter)
            && name.bytes().all(|byte| letter(byte) || b"-_".contains(&byte))
    };
    match word.to_str().filter(fits) {
        Some("all" | "none") => Err(Error::File(FileError::NameReserved { name: shown(word) })),
        Some(name) => Ok(name.to_owned()),
        None => Err(Error::File(FileError::Name { name: shown(word) })),
    }
}

/// The name of a file made absolute, because the daemon will change directory.
fn absolute(folder: &Path, word: &OsStr) -> io::Result<PathBuf> {
    // What is empty or holds a NUL is the name of nothing, whatever stands before it.
    if word.is_empty() || word.as_bytes().contains(&0) {
        return Err(ErrorKind::InvalidInput.into());
    }
    path::absolute(folder.join(word))
}

/// The name of a script, made absolute.
pub(super) fn script_name(option: &'static str, word: &OsStr, folder: &Path) -> Result<PathBuf, Error> {
    if word.is_empty() {
        return Err(Error::Empty { option });
    }
    absolute(folder, word).map_err(|source| Error::HookMissing { option, path: shown(word), source })
}

/// The name of a program, which is absolute already: nobody looks for it in folders.
pub(super) fn program_name(option: &'static str, word: &OsStr, folder: &Path) -> Result<PathBuf, Error> {
    if !word.is_empty() && !word.as_bytes().starts_with(b"/") {
        let key = option.trim_start_matches('-');
        return Err(Error::File(FileError::NotAbsolute { key, value: shown(word) }));
    }
    script_name(option, word, folder)
}

/// Whether it is a script that `caller` can run, and who else can change it.
pub(super) fn hook(
    option: &'static str,
    script: &Path,
    caller: &Caller,
    warnings: &mut Vec<Warning>,
) -> Result<(), Error> {
    script::examine(option, script, caller)?;
    if let Some(place) = trust::changeable(script, caller) {
        warnings.push(Warning::ChangeableHook { option, place: shown(place.as_os_str()) });
    }
    Ok(())
}

/// The name of a file that need not exist yet, made absolute.
pub(super) fn file(option: &'static str, word: &OsStr, folder: &Path) -> Result<PathBuf, Error> {
    absolute(folder, word)
        .ok()
        .filter(|path| path.file_name().is_some() && !word.as_bytes().ends_with(b"/"))
        .ok_or_else(|| Error::Pidfile { option, path: shown(word) })
}

/// The name of a folder, made absolute. Whether it is there is not asked.
pub(super) fn folder_name(option: &'static str, word: &OsStr, folder: &Path) -> Result<PathBuf, Error> {
    absolute(folder, word).map_err(|_| Error::NotAFolder { option, path: shown(word) })
}

/// Who may use a socket, in octal digits: read and write for owner, group and others.
pub(super) fn mode(option: &'static str, word: &OsStr) -> Result<u32, Error> {
    word.to_str()
        .filter(|word| (3..=4).contains(&word.len()))
        .and_then(|word| u32::from_str_radix(word, 8).ok())
        .filter(|mode| mode & !0o666 == 0)
        .ok_or_else(|| Error::Mode { option, value: shown(word) })
}

/// The folder for sockets, or none.
pub(super) fn control(option: &'static str, word: &OsStr, folder: &Path) -> Result<ControlPlace, Error> {
    if word == "none" {
        return Ok(ControlPlace::Nowhere);
    }
    folder_name(option, word, folder).map(ControlPlace::In)
}

/// A folder that is there. Whether anything can be made in it is not asked here.
pub(super) fn folder(option: &'static str, word: &OsStr, folder: &Path) -> Result<PathBuf, Error> {
    folder_name(option, word, folder).and_then(|path| match path.is_dir() {
        true => Ok(path),
        false => Err(Error::NotAFolder { option, path: shown(word) }),
    })
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

/// What names a credential of the service manager instead of a file.
const CREDENTIAL: &[u8] = b"credential:";

/// Whether the name of a passfile is that of a credential.
pub(super) fn is_credential(word: &OsStr) -> bool {
    word.as_bytes().starts_with(CREDENTIAL)
}

/// The name of a passfile, made absolute. Where the service manager has its credentials is asked only if it `matters`.
pub(super) fn passfile_name(
    option: &'static str,
    word: &OsStr,
    folder: &Path,
    matters: bool,
) -> Result<PathBuf, Error> {
    if word.is_empty() {
        return Err(Error::Empty { option });
    }
    let Some(credential) = word.as_bytes().strip_prefix(CREDENTIAL) else {
        return absolute(folder, word)
            .map_err(|source| Error::PassfileUnreadable { path: shown(word), source });
    };
    let name = OsStr::from_bytes(credential);
    if credential.contains(&b'/') || Path::new(name).file_name() != Some(name) {
        return Err(Error::Credential { option, value: shown(word) });
    }
    if !matters {
        return Ok(PathBuf::from(name));
    }
    let folder = env::var_os("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty());
    let folder = folder.ok_or_else(|| Error::NoCredentials { option, value: shown(word) })?;
    absolute(Path::new(&folder), name)
        .map_err(|source| Error::PassfileUnreadable { path: shown(word), source })
}

/// The name of a file, made absolute, unless it names a credential.
pub(super) fn file_or_credential(
    option: &'static str,
    word: &OsStr,
    folder: &Path,
) -> Result<PathBuf, Error> {
    if option == "--passfile" && is_credential(word) {
        return Ok(PathBuf::from(word));
    }
    absolute(folder, word).map_err(|_| Error::Pidfile { option, path: shown(word) })
}

/// The passwords in a file, the first of which is the one to send.
pub(super) fn passfile(
    option: &'static str,
    path: &Path,
    caller: &Caller,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Secret>, Error> {
    let word = path.as_os_str();
    let unreadable = |source| Error::PassfileUnreadable { path: shown(word), source };
    // Opening a pipe waits for somebody to write. One that the caller made for us has its writer.
    let ours = ["/dev/", "/proc/"].iter().any(|folder| word.as_bytes().starts_with(folder.as_bytes()));
    if !ours && fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        return Err(Error::PassfileIsPipe { path: shown(word) });
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    // The writer of a pipe may keep it open after the first line.
    let most = if metadata.is_file() { Secret::MOST } else { 1 };
    let secrets = secrets_in(option, word, file, most, warnings)?;
    if metadata.is_file() && metadata.mode() & 0o004 != 0 {
        warnings.push(Warning::ReadablePassfile { path: shown(word) });
    }
    if let Some(place) = trust::changeable(path, caller).filter(|_| metadata.is_file()) {
        warnings.push(Warning::ChangeablePassfile { place: shown(place.as_os_str()) });
    }
    Ok(secrets)
}

/// The passwords in the lines of what is read from a file; a carriage return before a line's end does not belong to it.
/// Only as many lines are read as may count.
fn secrets_in(
    option: &'static str,
    word: &OsStr,
    mut file: impl Read,
    most: usize,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Secret>, Error> {
    // Longer than any passwords with their line ends, so a line that does not end in it is too long.
    let mut start = Zeroizing::new([0; 64 * Secret::MOST]);
    let mut filled = 0;
    while let Some(free) = start.get_mut(filled..).filter(|free| !free.is_empty()) {
        match file.read(free).map_err(|source| Error::PassfileUnreadable { path: shown(word), source })? {
            0 => break,
            count => filled += count,
        }
        if most == 1 && start.contains(&b'\n') {
            break;
        }
    }
    let read = start.get(..filled).unwrap_or_default();
    let mut lines =
        read.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).zip(1..);
    let first = lines.next().map(|(line, _)| line).unwrap_or_default();
    if first.is_empty() {
        return Err(Error::PassfileEmpty { path: shown(word) });
    }
    let mut secrets = vec![password(option, first)?];
    // What was cut may be longer than it looks.
    let cut = filled == start.len();
    for (line, number) in lines.take_while(|_| most > 1).filter(|(line, _)| !line.is_empty()) {
        match password(option, line) {
            Ok(secret) if secrets.len() < most && !cut => secrets.push(secret),
            Ok(_) | Err(_) => {
                warnings.push(Warning::PassfileLine { line: number });
                secrets.truncate(1);
                break;
            }
        }
    }
    Ok(secrets)
}

/// The door for the fuzz target in tests/fuzz: a passfile without the file.
///
/// # Errors
/// As of `--passfile`.
#[cfg(fuzzing)]
pub fn passfile_bytes(file: impl Read) -> Result<Vec<Secret>, Error> {
    secrets_in("--passfile", OsStr::new("file"), file, Secret::MOST, &mut Vec::new())
}

/// A time: a number with its unit, or one alone where old options have a unit of their own.
pub(super) fn time(
    option: &'static str,
    word: &OsStr,
    unit: Option<Duration>,
    bounds: RangeInclusive<Duration>,
) -> Result<Duration, Error> {
    let bare = word.to_str().and_then(c_number);
    let time = match (bare, unit) {
        (Some(number), Some(unit)) => u32::try_from(number).ok().and_then(|number| unit.checked_mul(number)),
        (Some(_), None) => {
            return Err(Error::TimeWithoutUnit { option, value: shown(word), max: in_words(*bounds.end()) });
        }
        (None, _) => word.to_str().and_then(with_unit),
    };
    time.filter(|time| bounds.contains(time)).ok_or_else(|| Error::Time {
        option,
        value: shown(word),
        min: in_words(*bounds.start()),
        max: in_words(*bounds.end()),
    })
}

const UNITS: [(&str, Duration); 4] = [
    ("h", Duration::from_secs(3600)),
    ("m", Duration::from_secs(60)),
    ("s", Duration::from_secs(1)),
    ("ms", Duration::from_millis(1)),
];

fn with_unit(word: &str) -> Option<Duration> {
    let (number, unit) = word.split_at(word.find(|c: char| !c.is_ascii_digit())?);
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
    unit.checked_mul(number.parse().ok()?)
}

/// A time as it would be written, in the largest unit that it is a multiple of.
pub(super) fn in_words(time: Duration) -> String {
    let millis = |time: Duration| time.as_millis();
    let whole = |(_, unit): &&(&str, Duration)| millis(time) % millis(*unit) == 0 && !time.is_zero();
    match UNITS.iter().find(whole) {
        Some((name, unit)) => format!("{}{name}", millis(time) / millis(*unit)),
        None => "0".to_owned(),
    }
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
        let etc = Path::new("/etc");
        let file = |word: &str| file("--pidfile", OsStr::new(word), etc);
        assert_eq!(file("/run/ucarp.pid").unwrap(), Path::new("/run/ucarp.pid"));
        assert_eq!(file("ucarp.pid").unwrap(), Path::new("/etc/ucarp.pid"));
        for word in ["", "/", "/run/", "/run/..", ".."] {
            assert!(matches!(file(word), Err(Error::Pidfile { .. })), "{word:?}");
        }
        let folder = |word: &str| folder("--lockdir", OsStr::new(word), etc);
        assert_eq!(folder("/").unwrap(), Path::new("/"));
        assert_eq!(folder(".").unwrap(), Path::new("/etc"));
        for word in ["", "/nonexistent/folder", "/dev/null", "a\0b"] {
            assert!(matches!(folder(word), Err(Error::NotAFolder { .. })), "{word:?}");
        }
    }

    #[test]
    fn times_have_units() {
        let seconds = Some(Duration::from_secs(1));
        let parse = |word: &str, unit| {
            let bounds = Duration::from_millis(1)..=Duration::from_secs(86_400);
            time("--settle", OsStr::new(word), unit, bounds).map(|time| time.as_millis())
        };
        for (word, millis) in
            [("200ms", 200), ("2s", 2000), ("5m", 300_000), ("24h", 86_400_000), ("08s", 8000)]
        {
            assert_eq!(parse(word, None).unwrap(), millis, "{word}");
            assert_eq!(parse(word, seconds).unwrap(), millis, "{word}");
        }
        assert_eq!(parse("0x10", seconds).unwrap(), 16_000);
        assert!(matches!(parse("2", None), Err(Error::TimeWithoutUnit { .. })));
        for word in ["", "s", "-2s", "2 s", "2S", "2d", "1.5s", "25h", "0s", "99999999999999999999s", "2s "] {
            assert!(matches!(parse(word, None), Err(Error::Time { .. })), "{word:?}");
        }
        assert!(matches!(parse("4294967296", seconds), Err(Error::Time { .. })));
        let written = |word: &str| in_words(with_unit(word).unwrap());
        for (word, shortest) in
            [("90s", "90s"), ("120s", "2m"), ("3600s", "1h"), ("1500ms", "1500ms"), ("0s", "0")]
        {
            assert_eq!(written(word), shortest);
        }
    }

    #[test]
    fn passfiles_have_lines() {
        let read = |bytes: &[u8], most| {
            let mut warnings = Vec::new();
            let secrets = secrets_in("--passfile", OsStr::new("file"), bytes, most, &mut warnings);
            secrets.map(|secrets| {
                let lines = secrets.iter().map(|secret| String::from_utf8_lossy(secret.bytes()).into_owned());
                (lines.collect::<Vec<_>>().join("|"), warnings)
            })
        };
        let plain = |lines: &str| (lines.to_owned(), Vec::new());
        assert_eq!(read(b"one\r\ntwo\nthree\n\nfour", 4).unwrap(), plain("one|two|three|four"));
        assert_eq!(read(b"one\n", 4).unwrap(), plain("one"));
        assert_eq!(read(b"one\ntwo\n", 1).unwrap(), plain("one"));
        let first_alone = |line| ("one".to_owned(), vec![Warning::PassfileLine { line }]);
        assert_eq!(read(b"one\ntwo\n\n3\n4\n5\n", 4).unwrap(), first_alone(6));
        assert_eq!(read(b"one\nthis is no password of anybody\nthree\n", 4).unwrap(), first_alone(2));
        assert_eq!(read(&[b"one\n", &[b'x'; 300][..]].concat(), 4).unwrap(), first_alone(2));
        assert!(matches!(read(b"\none\n", 4), Err(Error::PassfileEmpty { .. })));
        assert!(matches!(read(&[b'x'; 300], 4), Err(Error::PasswordTooLong { .. })));
    }
}
