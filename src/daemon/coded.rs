//! Values as bytes and back, for two processes made of one program, and for a newer program in the place of an older one.
//!
//! What is only said between the two processes of a life has its fields in their order. What outlives the program has their
//! names as well: a field that is new can have a value for who does not write it yet, and one that nobody knows is no value.
//! The variants of an enum are known by their numbers, which are given once.
//!
//! There is one way to say each thing: what can be taken apart gives the same bytes when it is put together again.
//! Taking apart never panics, and keeps nothing for a length before the bytes of that length are there.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

/// What has a form in bytes.
pub(super) trait Coded: Sized {
    /// Puts it at the end.
    fn put(&self, bytes: &mut Vec<u8>);

    /// Takes it from the front; `None` if it is not there.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

/// What is one of few, known by its place among them.
pub(super) fn take_one_of<T: Copy>(all: &[T], bytes: &mut &[u8]) -> Option<T> {
    all.get(usize::from(u8::take(bytes)?)).copied()
}

/// The place among them. What is not among them is nobody.
pub(super) fn put_one_of<T: PartialEq>(all: &[T], value: &T, bytes: &mut Vec<u8>) {
    let place = all.iter().position(|known| known == value).and_then(|place| u8::try_from(place).ok());
    bytes.push(place.unwrap_or(u8::MAX));
}

/// One of few without anything in it.
macro_rules! one_of {
    ($($name:ty: $all:expr),* $(,)?) => {$(
        impl Coded for $name {
            fn put(&self, bytes: &mut Vec<u8>) {
                put_one_of(&$all, self, bytes);
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                take_one_of(&$all, bytes)
            }
        }
    )*};
}
pub(super) use one_of;

/// An enum by the number of its variant and what is in it, a struct by what is in it.
macro_rules! coded {
    ($name:ident { $($field:ident),* }) => {
        impl Coded for $name {
            fn put(&self, bytes: &mut Vec<u8>) {
                $(self.$field.put(bytes);)*
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: Coded::take(bytes)?),* })
            }
        }
    };
    ($name:ident: $($number:literal $variant:ident $(($inside:ident))? $({ $($field:ident),* })?,)*) => {
        impl Coded for $name {
            fn put(&self, bytes: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($inside))? $({ $($field),* })? => {
                        bytes.push($number);
                        $($inside.put(bytes);)?
                        $($($field.put(bytes);)*)?
                    })*
                }
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                match u8::take(bytes)? {
                    $($number => {
                        $(let $inside = Coded::take(bytes)?;)?
                        $($(let $field = Coded::take(bytes)?;)*)?
                        Some(Self::$variant $(($inside))? $({ $($field),* })?)
                    })*
                    _ => None,
                }
            }
        }
    };
}
pub(super) use coded;

/// A struct of fields with names. One that may be missing, because a released program did not write it, has its value then.
macro_rules! named {
    ($name:ident { $($field:ident $(or $otherwise:expr)?),* $(,)? }) => {
        impl Coded for $name {
            fn put(&self, bytes: &mut Vec<u8>) {
                let whole = $crate::daemon::coded::begin_measured(bytes);
                $(
                    let field = $crate::daemon::coded::begin_field(stringify!($field), bytes);
                    self.$field.put(bytes);
                    $crate::daemon::coded::end_measured(field, bytes);
                )*
                $crate::daemon::coded::end_measured(whole, bytes);
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                let mut fields = $crate::daemon::coded::take_measured(bytes)?;
                let made = Self {
                    $($field: named!(@take $field fields $(or $otherwise)?)),*
                };
                fields.is_empty().then_some(made)
            }
        }
    };
    (@take $field:ident $fields:ident) => {
        $crate::daemon::coded::take_field(stringify!($field), &mut $fields)?
    };
    (@take $field:ident $fields:ident or $otherwise:expr) => {
        match $crate::daemon::coded::find_field(stringify!($field), &mut $fields)? {
            Some(value) => $crate::daemon::coded::take_whole(value)?,
            None => $otherwise,
        }
    };
}
pub(super) use named;

/// Puts bytes as they are. It is called for almost everything that is put, so it is in the program once.
#[inline(never)]
pub(super) fn put_bytes(these: &[u8], bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(these);
}

/// Leaves room for the length of what is put next, and says where that begins.
#[inline(never)]
pub(super) fn begin_measured(bytes: &mut Vec<u8>) -> usize {
    bytes.extend_from_slice(&[0; size_of::<u32>()]);
    bytes.len()
}

/// Puts the length of all that was put since then in front of it.
#[inline(never)]
pub(super) fn end_measured(begins: usize, bytes: &mut [u8]) {
    let length = u32::try_from(bytes.len() - begins).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(place) = bytes.get_mut(begins - length.len()..begins) {
        place.copy_from_slice(&length);
    }
}

/// As many bytes as their length says.
#[inline(never)]
pub(super) fn take_measured<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::take(bytes)?).ok()?;
    let (measured, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(measured)
}

/// The name of a value that is put next; says where that begins.
#[inline(never)]
pub(super) fn begin_field(name: &str, bytes: &mut Vec<u8>) -> usize {
    bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(name.as_bytes());
    begin_measured(bytes)
}

/// The bytes of the value of this name, if that is what comes next; `None` if they are not all there.
#[expect(clippy::option_option, reason = "what is not there is another thing than what is wrong")]
#[inline(never)]
pub(super) fn find_field<'a>(name: &str, bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let mut rest = *bytes;
    let is_next = u8::take(&mut rest).is_some_and(|length| {
        let known = rest.split_at_checked(length.into());
        known.is_some_and(|(known, after)| {
            rest = after;
            known == name.as_bytes()
        })
    });
    if !is_next {
        return Some(None);
    }
    let value = take_measured(&mut rest)?;
    *bytes = rest;
    Some(Some(value))
}

/// The value of this name, which has to come next.
#[inline(never)]
pub(super) fn take_field<T: Coded>(name: &str, bytes: &mut &[u8]) -> Option<T> {
    take_whole(find_field(name, bytes)??)
}

/// A value that is all of these bytes.
pub(super) fn take_whole<T: Coded>(mut bytes: &[u8]) -> Option<T> {
    let value = T::take(&mut bytes)?;
    bytes.is_empty().then_some(value)
}

/// Integers, most significant byte first.
macro_rules! integers {
    ($($name:ty),*) => {$(
        impl Coded for $name {
            fn put(&self, bytes: &mut Vec<u8>) {
                put_bytes(&self.to_be_bytes(), bytes);
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self::from_be_bytes(<[u8; size_of::<Self>()]>::take(bytes)?))
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, i32);

one_of!(bool: [false, true]);

impl<const LENGTH: usize> Coded for [u8; LENGTH] {
    fn put(&self, bytes: &mut Vec<u8>) {
        put_bytes(self, bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(*first)
    }
}

impl Coded for IpAddr {
    fn put(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::V4(address) => {
                bytes.push(4);
                address.put(bytes);
            }
            Self::V6(address) => {
                bytes.push(6);
                address.put(bytes);
            }
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        match u8::take(bytes)? {
            4 => Some(Self::V4(Coded::take(bytes)?)),
            6 => Some(Self::V6(Coded::take(bytes)?)),
            _ => None,
        }
    }
}

impl Coded for Ipv4Addr {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.octets().put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(<[u8; 4]>::take(bytes)?.into())
    }
}

impl Coded for Ipv6Addr {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.octets().put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(<[u8; 16]>::take(bytes)?.into())
    }
}

/// Seconds, and nanoseconds of the next one.
impl Coded for Duration {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.as_secs().put(bytes);
        self.subsec_nanos().put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (seconds, nanos) = (u64::take(bytes)?, u32::take(bytes)?);
        (nanos < 1_000_000_000).then(|| Self::new(seconds, nanos))
    }
}

impl Coded for OsString {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.as_bytes().to_vec().put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self::from_vec(Vec::take(bytes)?))
    }
}

impl Coded for PathBuf {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.as_os_str().to_owned().put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(OsString::take(bytes)?.into())
    }
}

impl<T: Coded> Coded for Box<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.as_ref().put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self::new(T::take(bytes)?))
    }
}

/// Cut at [`u16::MAX`] of them, which is more than any message holds.
impl<T: Coded> Coded for Vec<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        let length = u16::try_from(self.len()).unwrap_or(u16::MAX);
        length.put(bytes);
        self.iter().take(length.into()).for_each(|one| one.put(bytes));
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let mut all = Self::new();
        for _ in 0..u16::take(bytes)? {
            // Each takes a byte at least, so there are no more of them than bytes.
            all.push(T::take(bytes)?);
        }
        Some(all)
    }
}

/// As its bytes.
impl Coded for String {
    fn put(&self, bytes: &mut Vec<u8>) {
        let mut end = self.len().min(u16::MAX.into());
        while !self.is_char_boundary(end) {
            end -= 1;
        }
        let text = self.get(..end).unwrap_or_default();
        u16::try_from(text.len()).unwrap_or_default().put(bytes);
        put_bytes(text.as_bytes(), bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let length = u16::take(bytes)?;
        let (text, rest) = bytes.split_at_checked(length.into())?;
        *bytes = rest;
        Some(std::str::from_utf8(text).ok()?.to_owned())
    }
}

impl<T: Coded> Coded for Option<T> {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.is_some().put(bytes);
        self.iter().for_each(|value| value.put(bytes));
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(if bool::take(bytes)? { Some(T::take(bytes)?) } else { None })
    }
}

impl<T: Coded, E: Coded> Coded for Result<T, E> {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.is_ok().put(bytes);
        match self {
            Ok(value) => value.put(bytes),
            Err(error) => error.put(bytes),
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(if bool::take(bytes)? { Ok(T::take(bytes)?) } else { Err(E::take(bytes)?) })
    }
}

impl<A: Coded, B: Coded> Coded for (A, B) {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.0.put(bytes);
        self.1.put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::take(bytes)?, B::take(bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(PartialEq, Debug)]
    struct Old {
        number: u8,
        text: String,
    }
    named!(Old { number, text });

    #[derive(PartialEq, Debug)]
    struct New {
        number: u8,
        added: Option<u8>,
        text: String,
        last: bool,
    }
    named!(New { number, added or Some(7), text, last or true });

    fn bytes<T: Coded>(value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        value.put(&mut bytes);
        bytes
    }

    #[test]
    fn a_newer_program_reads_what_an_older_one_wrote_and_not_the_other_way_round() {
        let old = Old { number: 3, text: "three".into() };
        let new = New { number: 3, added: Some(7), text: "three".into(), last: true };
        assert_eq!(New::take(&mut &*bytes(&old)), Some(New { number: 3, ..new }));
        assert_eq!(Old::take(&mut &*bytes(&old)), Some(old));
        let new = New { number: 3, added: None, text: "three".into(), last: false };
        assert_eq!(New::take(&mut &*bytes(&new)), Some(New { number: 3, ..new }));
        let new = New { number: 3, added: None, text: "three".into(), last: false };
        assert_eq!(Old::take(&mut &*bytes(&new)), None, "what nobody knows");
    }

    #[test]
    fn half_of_it_is_nothing() {
        let whole = bytes(&New { number: 3, added: None, text: "three".into(), last: false });
        for length in 0..whole.len() {
            assert_eq!(New::take(&mut &whole[..length]), None, "{length}");
        }
        let mut long = whole.clone();
        long[3] += 1;
        assert_eq!(New::take(&mut &*long), None);
    }
}
