//! Values as bytes and back, for two processes made of one program.
//!
//! There is one way to say each thing: what can be taken apart gives the same bytes when it is put together again.
//! Taking apart never panics, and keeps nothing for a length before the bytes of that length are there.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

/// What has a form in bytes.
pub(in super::super) trait Coded: Sized {
    /// Puts it at the end.
    fn put(&self, bytes: &mut Vec<u8>);

    /// Takes it from the front; `None` if it is not there.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

/// What is one of few, known by its place among them.
pub(in super::super) fn take_one_of<T: Copy>(all: &[T], bytes: &mut &[u8]) -> Option<T> {
    all.get(usize::from(u8::take(bytes)?)).copied()
}

/// The place among them. What is not among them is nobody.
pub(in super::super) fn put_one_of<T: PartialEq>(all: &[T], value: &T, bytes: &mut Vec<u8>) {
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
pub(in super::super) use one_of;

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
pub(in super::super) use coded;

/// Integers, most significant byte first.
macro_rules! integers {
    ($($name:ty),*) => {$(
        impl Coded for $name {
            fn put(&self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_be_bytes());
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
        bytes.extend(self);
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
                bytes.extend(address.octets());
            }
            Self::V6(address) => {
                bytes.push(6);
                bytes.extend(address.octets());
            }
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        match u8::take(bytes)? {
            4 => Some(<[u8; 4]>::take(bytes)?.into()),
            6 => Some(<[u8; 16]>::take(bytes)?.into()),
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
        bytes.extend(text.as_bytes());
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
